# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   mystnb:
#     code_prompt_show: Show solution
#     code_prompt_hide: Hide solution
# ---

# %% [markdown]
# # Lesson 8: the magnetoresistance of Pt with Py
#
# **Question.** Put moments of permalloy (Py) into the Pt film of lesson 7. Cold, and with
# antiferromagnetic coupling to the electrons, its resistance *falls* in a field, and rises again
# beyond 17 T. Why, and what does the minimum tell about the moments?
#
# You need: lessons 5 (the exchange field) and 7 (the Hanle effect). Time: 30 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import openmr as om
from openmr import plotting

# %% [markdown]
# ## The curves
#
# {py:func}`openmr.sample.presets.pt_py` is the film of Fig. 3. The paper gives no coupling among
# the moments; a mean-field Curie temperature of 30 K is assumed. One call goes the whole way: the
# moments in their Weiss field, {eqn}`30`, the rates, {eqn}`84` and {eqn}`85`, the precession,
# {eqn}`78`, spin diffusion, {eqn}`81`, and the resistance, {eqn}`86`.

# %%
ALONG_CURRENT = (1, 0, 0)
film = om.presets.pt_py(exchange_energy=-1e-3)
field = np.linspace(0, 25, 251)
curves = {
    f"{kelvin} K": om.magnetoresistance(film, kelvin, field, ALONG_CURRENT)
    for kelvin in (10, 28, 200)
}
for label, curve in curves.items():
    change = 1e3 * (curve.longitudinal / curve.longitudinal[0] - 1)
    lowest = np.argmin(curve.longitudinal)
    print(f"{label:>5}: {change[50]:+.3f} in 1000 at 5 T, lowest at {field[lowest]:4.1f} T")

# %% [markdown]
# ## Why
#
# Cold moments are aligned, $\langle S_\parallel\rangle\approx-2$, and their mean field $B_{sd}$
# acts on the electrons' spins like a field. Coupled antiferromagnetically it points against the
# applied one, so the spins precess at $\omega_L = g\mu_B(B - B_{sd})/\hbar$: fast without an
# applied field, not at all when $B = B_{sd}$. Precession raises the resistance (lesson 7). So the
# minimum stands where the two fields cancel. At 200 K the moments follow the field by a little,
# $B_{sd}$ is a small part of $B$, and the Hanle curve of lesson 7 comes back.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
plotting.resistance_curves(curves, relative=True, ax=left)
for (label, curve), line in zip(curves.items(), ("-", "--", "-.", ":"), strict=False):
    exchange_field = curve.relaxation.exchange_field
    right.plot(field, exchange_field, line, label=rf"$B_{{sd}}$, {label}")
right.plot(field, field, color="0.6", linewidth=1, label="$B_{sd} = B$: no precession")
right.set(xlabel="field along the current, $B_x$ (T)", ylabel="exchange field $B_{sd}$ (T)")
right.set_ylim(-0.5, 23)
_ = right.legend(frameon=False, ncols=2, loc="upper left", fontsize="small")

# %% [markdown]
# At 28 K, just below the Curie temperature, the resistance first rises a little: the field aligns
# the moments, and $B_{sd}$ grows faster than $B$.
#
# So the answer: **antiferromagnetic exchange makes the spins precess without a field; a field
# slows them down until it cancels $B_{sd}$, and the minimum measures
# $n_SJ\langle S_\parallel\rangle$.**
#
# ## How much is precession?
#
# The moments also make the rates anisotropic, and change $1/\tau_\parallel$, because a
# flip costs more in a stronger Weiss field: the paper calls that the isotropic magnon effect. (The
# magnons of this theory are flips of single moments, each in the mean field of the others; spin
# waves, which run from moment to moment, are not in it.)
# {py:func}`openmr.mechanisms` switches the three on one after the other.

# %%
at = np.array([0.0, 5.0, 17.2, 25.0])
parts = om.mechanisms(film.film, om.relaxation(film, 10.0, at), ALONG_CURRENT)
print("nOhm m at             " + "".join(f"{tesla:7.1f} T" for tesla in at))
for name in ("isotropic_magnon", "relaxation_anisotropy", "precession"):
    print(f"{name:22}" + "".join(f"{1e9 * value:9.3f}" for value in getattr(parts, name)))

# %% [markdown]
# Nearly all of the change is precession. The anisotropy of the relaxation,
# $\tau_\parallel\ne\tau_\perp$, is an offset that the field hardly moves, but it is what remains
# at the minimum.
#
# ## May we trust it?
#
# Three checks of the cold curve. The rates of the closed forms against those of a Redfield tensor
# worked out in numbers; the expansion in $\theta_{SH}$ against the inverse of the conductivity; and
# the electrons' own splitting, which the closed form {eqn}`85` takes for small against $k_BT$,
# although at 10 K and $B = 0$ it is more than twice $k_BT$. The corrected form keeps it.

# %%
few = np.array([0.5, 5.0, 10.0, 17.0, 25.0])
plain = om.magnetoresistance(film, 10.0, few, ALONG_CURRENT)
others = {
    "Redfield tensor": om.magnetoresistance(film, 10.0, few, ALONG_CURRENT, method="batched"),
    "exact in theta_SH": om.magnetoresistance(film, 10.0, few, ALONG_CURRENT, order="exact"),
    "finite splitting": om.magnetoresistance(
        film, 10.0, few, ALONG_CURRENT, form="finite-splitting"
    ),
}


def change(curve):
    """Fall of the resistance from the first field to 17 T, Ohm m."""
    return curve.longitudinal[0] - curve.longitudinal[3]


for name, other in others.items():
    print(f"{name:18} changes the fall to the minimum by {change(other) / change(plain) - 1:+.1e}")

# %% [markdown]
# The story stands. {py:func}`openmr.validity` lists the rest of what is assumed, with numbers.

# %% [markdown]
# ## Exercise 1
#
# The minimum measures the coupling. `measured` is the resistance at 10 K of a film like ours, but
# with an unknown $n_SJ$. Find where it is lowest and turn that field into $n_SJ$ in eV by
# $g\mu_BB_{sd} = n_SJ\langle S_\parallel\rangle$, call it `coupling`. The mean spin is
# `om.equilibrium(film, 10.0, B).mean_spin[..., 0]`; the coupling to the electrons does not
# enter it. It is checked to 1 in 1000: be finer than the steps of the scan, and do not take the
# moments for fully aligned.

# %%
unknown = np.random.default_rng(8).uniform(-0.9e-3, -0.5e-3)
scan = np.linspace(4, 20, 321)
measured = om.magnetoresistance(
    om.presets.pt_py(exchange_energy=unknown), 10.0, scan, ALONG_CURRENT
).longitudinal

# %% tags=["hide-cell"]
i = np.argmin(measured)
# the minimum of the parabola through the three lowest points is finer than the scan
bend = np.polyfit(scan[i - 1 : i + 2], measured[i - 1 : i + 2], 2)
lowest = -bend[1] / (2 * bend[0])
mean_spin = om.equilibrium(film, 10.0, lowest).mean_spin[0]
coupling = 2 * om.units.MU_B * lowest / mean_spin

# %%
# the rates move the minimum by 2 in 100 000; half a step of the scan would be 2 in 1000 of the
# field, and the moments lack 4 in 1000 of full alignment
assert abs(coupling / unknown - 1) < 1e-3, (
    "not the coupling of the film to 1 in 1000: the minimum lies between two fields of the scan, "
    "and <S_par> at that field is not quite -2"
)
print(f"correct: the minimum says {1e3 * coupling:.4f} meV, the film has {1e3 * unknown:.4f} meV")

# %% [markdown]
# ## Exercise 2
#
# Heat the film. Cold, it conducts better in 2 T along the current than in none; hot, worse. At
# which temperature, in kelvin, does $\rho_L(2\,\mathrm T) - \rho_L(0)$ change its sign? Call it
# `crossover`. It is checked to 0.05 K.


# %% tags=["hide-cell"]
def rise(kelvin):
    """Change of the resistance by 2 T, Ohm m."""
    curve = om.magnetoresistance(film, kelvin, [0.0, 2.0], ALONG_CURRENT)
    return curve.longitudinal[1] - curve.longitudinal[0]


crossover = brentq(rise, 20.0, 29.0)

# %%
low, high = (
    np.diff(om.magnetoresistance(film, kelvin, [0.0, 2.0], ALONG_CURRENT).longitudinal)[0]
    for kelvin in (crossover - 0.05, crossover + 0.05)
)
assert low < 0 < high, (
    "the sign does not change from minus to plus within 0.05 K of it: compare 2 T along the "
    "current with no field"
)
turns = om.relaxation(film, crossover, [0.0, 2.0]).precession
print(f"correct: {crossover:.2f} K; omega_L is {turns[0]:.4g} and {turns[1]:.4g} rad/s there")

# %% [markdown]
# (The two frequencies agree to 1 in 1000: the sign of the magnetoresistance is that of
# $dB_{sd}/dB - 1$, averaged over the 2 T, and the rates hardly count.)

# %% [markdown]
# ## Exercise 3
#
# Turn the field to get at what precession hides. With the field along $y$, parallel to the spins
# that the current accumulates, neither precession nor the anisotropy of the rates acts, and only
# $1/\tau_\parallel$, the isotropic magnon effect, changes with the field. Take $\rho_L$ for a field
# along $y$ at 10 K, subtract its value in 1 T from that in 25 T, in Ohm m, and call it `magnon`. It
# is checked to $10^{-9}$ of itself: take the library's numbers, not digits off a screen.

# %% tags=["hide-cell"]
aside = om.magnetoresistance(film, 10.0, [1.0, 25.0], (0, 1, 0)).longitudinal
magnon = aside[1] - aside[0]

# %%
along = om.mechanisms(film.film, om.relaxation(film, 10.0, [1.0, 25.0]), ALONG_CURRENT)
# rounding of rho_L, some 1e-16 of 2e-6 Ohm m, over a change of 1.5e-10
assert abs(magnon / np.diff(along.isotropic_magnon)[0] - 1) < 1e-9, (
    "not the isotropic magnon effect to 1e-9 of itself: the field lies along y, (0, 1, 0), and it "
    "is 25 T minus 1 T"
)
share = magnon / np.diff(along.total)[0]
print(
    f"correct: {1e9 * magnon:.4f} nOhm m, {share:.1%} of what the field along the current changes"
)
