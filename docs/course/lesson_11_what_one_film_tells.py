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
# # Lesson 11: What can one film tell?
#
# **Question.** The resistance of a platinum film was measured against the field to a few parts in a
# million. Its spin Hall angle, diffusion length and diffusion coefficient shape the curve. Can they
# be read off it?
#
# You need: lesson 7 (spin diffusion, the Hanle effect). Time: 25 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize_scalar

import openmr as om

# %% [markdown]
# ## Two films, one curve
#
# Spins that pile up at the faces of the film precess in the field, and the film loses conductance
# with them. Here is the change of $r=\rho_L/\rho_{L0}$ for the field along the current.

# %%
electrons = om.Electrons.free(fermi_energy=5.0)
TESLA = np.linspace(0, 9, 46)
NOISE = 2e-6  # of the resistance
NAMES = ("spin Hall angle", "diffusion length", "diffusion")
TRUTH = np.array([0.056, 1.2e-9, 4e-6])


def platinum(thickness, values):
    """A film without moments."""
    angle, length, diffusion = values
    film = om.Film(
        thickness=thickness, spin_hall_angle=angle, diffusion=diffusion,
        diffusion_length=length, resistivity=63e-8,
    )  # fmt: skip
    return om.Sample(None, electrons, film, name="Pt")


def ratio(thickness, values):
    """rho_L over rho_L0 at all fields, to all orders in the spin Hall angle."""
    sample = platinum(thickness, values)
    rho = om.magnetoresistance(sample, 300.0, TESLA, (1, 0, 0), order="exact").longitudinal
    return rho / sample.film.resistivity


def change(thickness, values):
    """Of the ratio since zero field: all that a voltmeter tells, since rho_L0 is not known."""
    found = ratio(thickness, values)
    return found - found[0]


def apart(diffusion):
    """Largest distance from the curve, of a film with 40 % more spin Hall angle."""
    other = (1.4 * TRUTH[0], TRUTH[1], diffusion)
    return np.max(np.abs(change(7e-9, other) - change(7e-9, TRUTH)))


nearest = minimize_scalar(apart, bounds=(4e-6, 9e-6), method="bounded", options={"xatol": 1e-10})
print(f"theta_SH = {TRUTH[0]:.3f}, D = {TRUTH[2]:.2e} m^2/s")
print(f"theta_SH = {1.4 * TRUTH[0]:.3f}, D = {nearest.x:.2e} m^2/s")
print(f"curves differ by {nearest.fun:.1e}, noise is {NOISE:.0e}")
assert nearest.fun < NOISE

# %% [markdown]
# Forty per cent more spin Hall angle, and no point of the curve moves by as much as the noise.
# A fit that ends in one of the two with a small error of each number has told a tale.
#
# ## Sensitivities and singular values
#
# How much does each parameter move the curve, in standard deviations?
# $S_{ij}=\frac1\sigma\,\partial\ln r_i/\partial\ln p_j$, less its mean over the points, because
# $\rho_{L0}$ is free and takes a common factor of the whole curve. If two columns are parallel, one
# parameter undoes what the other did.
#
# The singular value decomposition $S=USV^T$ finds the best questions to ask: the product of
# powers $\prod_jp_j^{v_{jk}}$ is known with the relative error $1/s_k$, independently of the
# other products.


# %%
def sensitivities(thickness, step=1e-4):
    """Of ln r with the logarithm of each parameter, over the noise; shape (fields, 3)."""
    columns = []
    for j in range(3):
        factor = np.exp(step * np.eye(3)[j])
        slope = np.log(ratio(thickness, TRUTH * factor) / ratio(thickness, TRUTH / factor))
        columns.append(slope / (2 * step * NOISE))
    found = np.stack(columns, axis=1)
    return found - found.mean(axis=0)


one = sensitivities(7e-9)
left, singular, right = np.linalg.svd(one, full_matrices=False)
for size, powers in zip(singular, right, strict=True):
    terms = " * ".join(f"{n}^{p:+.2f}" for n, p in zip(NAMES, powers, strict=True))
    print(f"s = {size:8.2g}: error {1 / size:8.2g} of {terms}")
assert singular[0] > 100
assert singular[2] < 2

# %% [markdown]
# One product is known to better than a per cent, the second to some ten per cent, and for the
# third the error is far larger than one: nobody knows it, nor any single parameter, which all
# are in it. The reason is in the curve. Below the field at which spins turn once during their
# life it is a parabola, and a parabola has one number. Only where the curve bends does a second
# one appear.
#
# ## A series of thicknesses
#
# A film of another thickness has the same three numbers and another curve. Its sensitivities are
# further rows of $S$.

# %%
series = {
    "7 nm": [7e-9],
    "3 and 7 nm": [3e-9, 7e-9],
    "3, 5, 7 and 12 nm": [3e-9, 5e-9, 7e-9, 12e-9],
}
figure, (curves, bars) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
for nm, line in zip((3, 5, 7, 12), ("-", "--", "-.", ":"), strict=True):
    curves.plot(TESLA, 1e6 * change(nm * 1e-9, TRUTH), line, label=f"{nm} nm")
curves.set(xlabel="field along the current (T)", ylabel=r"$\Delta\rho_L/\rho_{L0}$ ($10^{-6}$)")
curves.legend(frameon=False)
for (label, films), mark in zip(series.items(), ("o", "s", "^"), strict=True):
    stacked = np.concatenate([sensitivities(thickness) for thickness in films])
    values = np.linalg.svd(stacked, compute_uv=False)
    bars.plot([1, 2, 3], values, mark, markerfacecolor="none", label=label)
    print(f"{label:18}", " ".join(f"{value:9.3g}" for value in values))
bars.axhline(2.0, linestyle=":", color="0.5", label="error of one half")
bars.set(yscale="log", xticks=[1, 2, 3], xlabel="singular value", ylabel="standard deviations")
bars.legend(frameon=False)
assert values[2] > 2 > singular[2]

# %% [markdown]
# With four films all three lie above the line. No better voltmeter would have done that for one
# film: half the noise doubles all singular values, and the last one lacks a factor of two hundred.
#
# {py:func}`openmr.fit` does the same at the end of every fit. Asked for three numbers of one
# film it answers in words:

# %%
films = {f"Pt{nm}": platinum(nm * 1e-9, 1.3 * TRUTH) for nm in (3, 5, 7, 12)}
free = ["spin_hall_angle", "diffusion_length", "diffusion_at_fixed_diffusion_length"]
noise = np.random.default_rng(11)
measured_films = []
for nm in (3, 5, 7, 12):
    twice = np.concatenate([ratio(nm * 1e-9, TRUTH), ratio(nm * 1e-9, TRUTH)[::-1]])
    measured_films.append(
        om.diagnosis.measured(
            63e-8 * (twice + NOISE * noise.normal(size=twice.size)),
            temperature=300.0, field=np.concatenate([TESLA, TESLA[::-1]]),
            direction=(1, 0, 0), film=f"Pt{nm}",
        )
    )  # fmt: skip
alone = om.fit(measured_films[2], films["Pt7"], free)
print(f"one film  : {alone.verdict}: {', '.join(alone.undetermined)}")
whole = om.fit(measured_films, films, free)
print(f"four films: {whole.verdict}")
for name, true in zip(free, TRUTH, strict=True):
    error = whole.uncertainties[whole.parameters.index(name)]
    print(f"  {name:36} {whole.value(name):.3g} +- {error:.1g}, true {true:.3g}")
    assert abs(whole.value(name) - true) < 4 * error
assert alone.verdict == "not determined"

# %% [markdown]
# So the answer: **one film tells one product of its parameters, and a second one where its
# curve bends. What lies in the null space of the sensitivities no noise level and no clever fit
# brings back; another thickness does.**

# %% [markdown]
# ## Exercise 1
#
# Some products are open for every number of fields and at every noise, because the theory does
# not contain them. A film of 14 nm has exactly the curve of the 7 nm film above, with the same
# spin Hall angle: which diffusion length `length` [m] and diffusion `diffusion` [m^2/s] does it
# have? The curves are checked to $10^{-6}$ of the change.

# %% tags=["hide-cell"]
length = 2 * TRUTH[1]  # only d/l and d^2/D enter
diffusion = 4 * TRUTH[2]

# %%
thick, thin = change(14e-9, (TRUTH[0], length, diffusion)), change(7e-9, TRUTH)
# differences of numbers of size 1, each to 1e-15, of 1e-4
assert np.max(np.abs(thick - thin)) < 1e-6 * np.max(np.abs(thin)), (
    "not the same curve: spins see the thickness in diffusion lengths, and time as d^2/D"
)
print(f"correct: l = {length:.3g} m, D = {diffusion:.3g} m^2/s")

# %% [markdown]
# ## Exercise 2
#
# You have the film of 7 nm and may grow one more, thinner than it. Which thickness `partner` [m]
# makes the largest possible *smallest* singular value of both? It is checked to half a per cent.

# %% tags=["hide-cell"]


def last(thickness):
    """Smallest singular value of a film beside that of 7 nm."""
    return np.linalg.svd(np.concatenate([one, sensitivities(thickness)]), compute_uv=False)[-1]


partner = minimize_scalar(
    lambda d: -last(d), bounds=(1e-9, 6e-9), method="bounded", options={"xatol": 1e-13}
).x

# %%


def weakest(thickness):
    """The same by the eigenvalues of the matrix of normal equations, whose root it is."""
    both = np.concatenate([sensitivities(7e-9), sensitivities(thickness)])
    return np.linalg.eigvalsh(both.T @ both)[0]


assert weakest(partner) > max(weakest(0.995 * partner), weakest(1.005 * partner)), (
    "a film half a per cent thinner or thicker does better: take the smallest singular value"
)
print(f"correct: {1e9 * partner:.2f} nm")

# %% [markdown]
# ## Exercise 3
#
# Four films, 3, 5, 7 and 12 nm, each measured once at the fields above: what relative standard
# error does the spin Hall angle have, if all three parameters and $\rho_{L0}$ of each film are
# free? Work it out from the sensitivities and call it `error`. It is checked to half a per
# cent.

# %% tags=["hide-cell"]
stacked = np.concatenate([sensitivities(nm * 1e-9) for nm in (3, 5, 7, 12)])
error = np.sqrt(np.linalg.inv(stacked.T @ stacked)[0, 0])

# %%
exact = []
for nm in (3, 5, 7, 12):
    rho = 63e-8 * ratio(nm * 1e-9, TRUTH)
    point = {"temperature": 300.0, "field": TESLA, "direction": (1, 0, 0), "film": f"Pt{nm}"}
    exact.append(om.diagnosis.measured(rho, uncertainty=NOISE * rho, **point))
true_films = {f"Pt{nm}": platinum(nm * 1e-9, TRUTH) for nm in (3, 5, 7, 12)}
fitted = om.fit(exact, true_films, free, nuisance=(), noise="given")
library = fitted.uncertainties[0] / fitted.values[0]
# both are linear in ln p; r changes by 1e-4 over the curve and weighs its points by as much
assert abs(error / library - 1) < 0.005, (
    "not the error of om.fit: invert S^T S of all four films, with the mean taken off each"
)
print(f"correct: {error:.4f}; om.fit has {library:.4f}")
