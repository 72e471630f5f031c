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
# # Lesson 4: Bloch-Redfield, secular or not, and positivity
#
# **Question.** The Bloch-Redfield equation can make a probability negative. When does it, how
# badly, and what does the usual cure cost?
#
# You need: lessons 2 and 3, eigenvalues of a 2 x 2 matrix. Time: 30 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qutip
from scipy.linalg import expm

import openmr as om

# %% [markdown]
# The Bloch-Redfield equation is TCL2 in its Markov limit, without the level shift. For one
# Hermitian coupling operator $A$ with the noise spectrum $S(\omega)$,
#
# $$ \dot\rho = -i[H,\rho] - [A, \Lambda\rho] + \mathrm{h.c.}, \qquad
#    \Lambda = \tfrac12\sum_\omega S(\omega)\,A(\omega) , $$
#
# where $A(\omega)$ is the part of $A$ that gives the energy $\omega$ to the bath. An
# {py:class}`openmr.master.OpenSystem` holds $H$, $A$ and a {py:class}`openmr.bath.Bath` with $S$;
# {py:func}`openmr.master.generator` makes the equation from it.
#
# ## First the good news
#
# For electron and moment, averaged over the thermal moment, it yields the rates of a film. With
# different couplings along the three axes they are all different. The last line is the smallest
# eigenvalue of the *Kossakowski matrix* over the largest: the dynamics is completely positive if
# and only if it is not negative.

# %%
film = om.presets.pt_py((-1e-3, -0.5e-3, -0.3e-3))
tensor = om.relaxation(film, 10.0, 5.0, method="bloch-redfield")
closed = om.relaxation(film, 10.0, 5.0, method="closed-form")
for axis in range(3):
    got, formula = tensor.dissipator[axis, axis], closed.dissipator[axis, axis]
    print(f"Gamma_{'xyz'[axis] * 2}: tensor {got:.6e} 1/s, closed form {formula:.6e} 1/s")
print(f"positivity {float(tensor.diagnostics['positivity']):.1e}")

# %% [markdown]
# (The closed forms are {eqn}`75` for a spin across the field, at $\phi = 0$ and $\pi/2$, and
# {eqn}`70` along it.) No violation here. The electron's own spin splitting was left out of the
# tensor: both spins share one Fermi level, which absorbs it. Keep it, and let the moments couple
# along $x$ alone:

# %%
one_axis = om.presets.pt_py((-1e-3, 0.0, 0.0))
for name, options in (
    ("splitting left out", {}),
    ("splitting kept", {"electron_splitting": True}),
    ("kept, secular", {"electron_splitting": True, "resolution": np.inf}),
):
    found = om.relaxation(one_axis, 10.0, 5.0, method="bloch-redfield", **options)
    print(f"{name:18}: positivity {float(found.diagnostics['positivity']):6.3f}")

# %% [markdown]
# ## The smallest case
#
# One spin with $H = \frac w2\sigma_z$ and one noise $g\,K(\omega)$ of the Fermi sea through
# $A = \sigma_x$; energies in $k_BT$. The method `"redfield"` keeps every term of the tensor.
# `"davies"` is the *secular* form: terms that turn against each other at $2w$ are dropped.


# %%
def dissipator(w, strength, method="redfield"):
    """Dissipator of one spin, without level shift."""
    sea = om.Bath.electron_hole(strength, temperature=1.0)
    spin = om.OpenSystem(0.5 * w * qutip.sigmaz(), [(qutip.sigmax(), sea)])
    return om.master.generator(spin, method, level_shift=False).dissipator


for name, method in (("all terms", "redfield"), ("secular", "davies")):
    found = dissipator(2.0, 0.05, method)
    lowest, highest = om.hilbert.kossakowski(found)
    rates = np.abs(np.diag(om.hilbert.bloch_tensor(found))).round(4)
    print(f"{name:9}: Kossakowski {lowest:8.1e} ... {highest:.3f}; rates of x, y, z: {rates}")

# %% [markdown]
# A noise through $\sigma_x$ cannot change $\langle\sigma_x\rangle$: the full tensor has
# $\Gamma_{xx} = 0$. It has a negative eigenvalue as well. The secular tensor is positive, but has
# spread the decay evenly over $x$ and $y$.
#
# A negative eigenvalue is not yet a negative probability. Follow a pure state that lies a little
# off the $x$ axis, towards the ground state.


# %%
def smallest_probability(w, strength, method="redfield"):
    """Lowest eigenvalue of rho(t) at `clock`, from the pure state that suffers most."""
    found = dissipator(w, strength, method)
    generator = (qutip.liouvillian(0.5 * w * qutip.sigmaz()) + found).full()
    along_z = -0.5 * np.tanh(0.5 * w)  # exercise 3
    tilt = np.arccos(along_z)
    ket = np.cos(tilt / 2) * qutip.basis(2, 0) + np.sin(tilt / 2) * qutip.basis(2, 1)
    start = qutip.operator_to_vector(qutip.ket2dm(ket)).full()[:, 0]
    states = [(expm(generator * time) @ start).reshape(2, 2, order="F") for time in clock]
    return np.array([np.linalg.eigvalsh(state)[0] for state in states])


clock = np.linspace(0.0, 1.5, 121)
splittings = np.geomspace(1e-3, 5.0, 60)
violation = [-np.divide(*om.hilbert.kossakowski(dissipator(w, 0.05))) for w in splittings]

figure, panels = plt.subplot_mosaic("ab;cc", figsize=(9, 7), layout="constrained")
first, second, third = panels["a"], panels["b"], panels["c"]
first.loglog(splittings, violation, "-", color="0", label="all terms")
first.loglog(splittings, splittings**2 / 16, ":", color="#0072b2", linewidth=2, label="$w^2/16$")
first.set(
    xlabel=r"spin splitting, $w = \hbar\omega_L/k_BT$",
    ylabel=r"Kossakowski, $-\lambda_\mathrm{lowest}/\lambda_\mathrm{highest}$",
)
second.plot(clock, 1e3 * smallest_probability(2.0, 0.05), "-", color="0", label="all terms")
secular = 1e3 * smallest_probability(2.0, 0.05, "davies")
second.plot(clock, secular, "--", color="#d55e00", label="secular")
second.axhline(0, color="0.7", linewidth=0.8, zorder=0)
second.set(
    xlabel=r"time, $k_BTt/\hbar$",
    ylabel="smallest probability ($10^{-3}$)",
    title="$w = 2$, $g = 0.05$",
    ylim=(-2, 12),
)

strength = 0.02
decays = {"redfield": [], "davies": []}
ratios = np.linspace(0.005, 1.5, 200)  # w over the rate of sigma_y
for method, rates in decays.items():
    for ratio in ratios:
        w = ratio * 2 * strength
        block = om.hilbert.bloch_tensor(
            qutip.liouvillian(0.5 * w * qutip.sigmaz()) + dissipator(w, strength, method)
        )[:2, :2]
        rates.append(np.sort(np.linalg.eigvals(block).real) / (2 * strength))
both = np.array(decays["redfield"])
third.plot(ratios, both[:, 0], "-", color="0", label="all terms, slow")
third.plot(ratios, both[:, 1], "-.", color="0", label="all terms, fast")
third.plot(ratios, np.array(decays["davies"])[:, 0], "--", color="#d55e00", label="secular")
third.set(
    xlabel=r"precession over decay, $\omega_L/\Gamma_{yy}$",
    ylabel=r"decay rates across the field / $\Gamma_{yy}$",
)
for letter, ax in panels.items():
    ax.set_title(letter, loc="left", weight="bold")
    ax.legend(frameon=False)

# %% [markdown]
# **a:** the violation starts as $w^2/16$. (The secular form has none.) It comes from the
# difference between taking and giving energy, $K(w) - K(-w) = w$: a classical noise, which has no
# such difference, never does it.
#
# **b:** the probability is negative within the first $\hbar/k_BT$ only, and by about
# $g\hbar/k_BT$ times a small number. That is the time in which, as lesson 3 showed, a constant rate
# does not hold anyway, and the size of what second order leaves out. The negative number is a
# warning with the right units: no result of this equation means anything at that level.
#
# **c:** the cure has a price where $\omega_L \lesssim \Gamma$. A spin along $x$ lives much
# longer there than one along $y$, and the secular form gives both the mean of the two rates, down
# to the smallest $w$; at $w = 0$ exactly it keeps all terms, so it jumps. Once the precession is
# faster than $\Gamma_{yy}/2$ it averages the two rates by itself, and both forms agree.
#
# So: compare $\omega_L$ with $\Gamma$. Much larger, the secular form is safe. Not much larger, keep
# all terms, and do not believe digits beyond $\hbar\Gamma/k_BT$. In a film $\omega_L$ can pass
# through zero, where applied and exchange field cancel; therefore openmr keeps all terms.
# (The method `"grouped"` is a middle way: `resolution=` a time, between that of the levels and
# that of the decay, which tells frequencies apart; terms that differ by less stay together.)
#
# ## Exercise 1
#
# In panel c, at which splitting $w$ (in $k_BT$, for $g = 0.02$) do the two transverse rates
# of the full tensor become one? Call it `merging`. It is checked to 1 in $10^4$.

# %% tags=["hide-cell"]
from scipy.optimize import brentq


def discriminant(w):
    generator = qutip.liouvillian(0.5 * w * qutip.sigmaz()) + dissipator(w, 0.02)
    block = om.hilbert.bloch_tensor(generator)[:2, :2]
    return np.trace(block) ** 2 - 4 * np.linalg.det(block)  # of the two eigenvalues


merging = brentq(discriminant, 0.01, 0.03)

# %%
# [[0, w], [-w, Gamma]] has one eigenvalue at w = Gamma/2, which is g times the mean of K(w) and
# K(-w), 1 + w^2/12: that lies 3e-5 above g
assert abs(merging / 0.02 - 1) < 1e-4, (
    "not where the rates meet, to 1 in 10^4: there the two eigenvalues of the block of x and y are "
    "equal; splitting and coupling stay in units of k_B T"
)
print("correct: w = g, half of the rate of sigma_y: critical damping")

# %% [markdown]
# ## Exercise 2
#
# Show that the Kossakowski matrix of the full tensor in the basis $\sigma_+, \sigma_-$ is
#
# $$ \begin{pmatrix} S(-w) & \bar S\\ \bar S & S(w)\end{pmatrix}, \qquad
#    \bar S = \tfrac12[S(w) + S(-w)] . $$
#
# Its determinant is never positive. Work out its lower eigenvalue at $w = 1$ and $g = 0.05$ and
# call it `negative`. It is checked to $10^{-13}$, all the digits that a computer has: take the
# formula, not digits off a screen.

# %% tags=["hide-cell"]
# A = sigma_+ + sigma_-, Lambda = [S(-w) sigma_+ + S(w) sigma_-]/2 as columns (1, 1)
# and l; the matrix is (1, 1) l^T + l (1, 1)^T
giving, taking = 0.05 * om.bath.electron_hole_spectrum([-1.0, 1.0])
mean = 0.5 * (giving + taking)
negative = np.linalg.eigvalsh([[giving, mean], [mean, taking]])[0]

# %%
law = om.hilbert.kossakowski(dissipator(1.0, 0.05))[0]
# rounding
assert abs(negative - law) < 1e-13, (
    "not the lower eigenvalue to 1e-13: S(w) is g times K(w), with w > 0 for energy that the bath "
    "takes; pass the number itself, not a rounded one"
)
print(f"correct: {law:.2e}, of order g w^2")

# %% [markdown]
# ## Exercise 3
#
# For a pure state with the Bloch vector $\mathbf n$ the probability of the opposite state is zero.
# It starts to change at the rate $\tfrac12\mathbf n\cdot(\Gamma\mathbf n - \mathbf c)$, where
# $\Gamma$ is {py:func}`openmr.rates.routes.joint_space.bloch_tensor` of the dissipator $\mathcal L$
# and $c_a = \tfrac12\mathrm{Tr}[\sigma_a\mathcal L(1)]$ is what it does to an unpolarised spin.
# Find the most negative value over all directions at $w = 2$, $g = 0.05$; call it `worst`, in
# $k_BT/\hbar$. It is checked to $2\cdot10^{-7}$, which a search over 1000 polar angles reaches.

# %% tags=["hide-cell"]
found = dissipator(2.0, 0.05)
matrix = om.hilbert.bloch_tensor(found)
change = qutip.vector_to_operator(found * qutip.operator_to_vector(qutip.qeye(2)))
drift = np.array([0.5 * (sigma * change).tr().real for sigma in om.hilbert.PAULI])
polar = np.linspace(0.0, np.pi, 1001)[:, None]
azimuth = np.linspace(0.0, 2 * np.pi, 101)[None, :]
n = np.stack(
    np.broadcast_arrays(
        np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)
    )
)
worst = 0.5 * (np.einsum("apq,ab,bpq->pq", n, matrix, n) - np.einsum("apq,a->pq", n, drift)).min()

# %%
# n_y = 0 leaves [Gamma n_z^2 - c n_z]/2, lowest at n_z = c/2 Gamma = -tanh(w/2)/2
law = -0.05 * 2.0 * np.tanh(1.0) / 8
# a grid of 1000 directions misses n_z by less than pi/2000, its square enters
assert abs(worst - law) < 0.05 * 2.0 * (np.pi / 2000) ** 2, (
    "not the most negative rate to 2e-7: n has length one, Gamma and c are those of the dissipator "
    "alone, and the factor 1/2 counts; is the search fine enough?"
)
print(f"correct: {law:.4f} k_B T / hbar, for a spin that lies {np.tanh(1.0) / 2:.2f} off the plane")
