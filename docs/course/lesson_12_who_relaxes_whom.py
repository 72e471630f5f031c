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
# # Lesson 12: who relaxes whom
#
# **Question.** Magnetic moments relax the spins of the electrons. But exchange conserves the total
# spin: what the electrons lose, the moments have gained. Where does it go, and what if it has
# nowhere to go?
#
# You need: lessons 1 and 6 (moments held by a thermostat, the Fermi sea). Time: 25 minutes.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr.units import HBAR, K_B, MU_B

# %% [markdown]
# ## The other direction: Korringa
#
# Take moments of spin 1/2 in a metal. An electron that scatters at a moment may flip it. The
# electrons near the Fermi energy can, and they are a part $\propto k_BT$ of all, before and after
# the collision: the moment's rate is
#
# $$\frac1{T_1} = \frac{\pi}{\hbar}(\nu_FJ)^2\,k_BT .$$

# %%
base = om.presets.pt_py()
J, DENSITY, DOS = -6e-31, 1.66e27, 6.8e27  # eV m^3, m^-3, 1/(eV m^3)
electrons = om.Electrons(DOS, DOS, g=2.0)


def film(time=1e-9, **more):
    """A film whose electrons lose spins in that time, beside moments of spin 1/2."""
    moments = om.Moments(0.5, DENSITY, exchange=J, **more)
    metal = om.Film(5e-9, 0.1, 1e-6, resistivity=2e-6, spin_flip_time=time)
    return om.Sample(om.Magnet(moments), electrons, metal, "film")


kelvin = np.array([1.0, 10.0, 100.0])
moment = om.moment_relaxation(film(), kelvin, field=1e-3)
korringa = np.pi / HBAR * (DOS * J) ** 2 * K_B * kelvin
electron = om.relaxation(film(), kelvin, 1e-3).exchange_tensor[:, 2, 2]
print("   T (K)   1/T1 (1/s)   Korringa     exchange part of 1/tau_par (1/s)")
for row in zip(kelvin, moment.population_rates[:, 0], korringa, electron, strict=True):
    print("{:8.1f}   {:.3e}    {:.3e}    {:.3e}".format(*row))
np.testing.assert_allclose(moment.population_rates[:, 0], korringa, rtol=1e-5)

# %% [markdown]
# The electrons are relaxed a hundred times as fast as the moments. That is no accident: in
# equilibrium as many spins go over as come back, so the rates are to each other as the numbers of
# spins that answer a field, the susceptibilities,
#
# $$\frac{1/\tau_{ex}}{1/T_1} = \frac{\chi_m}{\chi_e}, \qquad
# \chi_m = \frac{n_SS(S+1)}{3k_BT}, \quad \chi_e = \frac{\nu_F}{2} .$$

# %%
chi_moments, chi_electrons = DENSITY * 0.75 / (3 * K_B * kelvin), DOS / 2
print("rates: ", (electron / moment.population_rates[:, 0]).round(3))
print("spins: ", (chi_moments / chi_electrons).round(3))
np.testing.assert_allclose(
    electron / moment.population_rates[:, 0], chi_moments / chi_electrons, rtol=1e-5
)

# %% [markdown]
# ## Both together
#
# {py:func}`openmr.coupled_relaxation` has the linear equations of both: the spin density
# $\mathbf{s}$ of the electrons, and the state of the moments, each in the mean field of the other.
# Put a few spins into the electrons, and watch.

# %%
TESLA, COLD = 0.5, 10.0
both = om.coupled_relaxation(film(time=1e-9), COLD, TESLA)
start = np.zeros(both.generator.shape[0])
start[2] = 1.0  # spins along the field, in the electrons
time = np.concatenate([[0.0], np.geomspace(1e-12, 3e-6, 200)])
went = both.evolved(start, time)
whole = (went @ both.total.T).real[:, 2]
own = went[:, 2].real
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
left.semilogx(time[1:], own[1:], label="electrons")
left.semilogx(time[1:], (whole - own)[1:], "--", label="moments")
left.semilogx(time[1:], whole[1:], ":", label="together")
left.set(xlabel="time (s)", ylabel="spin along the field (of what was put in)")
left.legend(frameon=False)
print(f"after {1e9 * time[100]:.1f} ns the moments have {(whole - own)[100]:.3f} of it")
assert (whole - own).max() > 0.8
assert own[100] < 0.02

# %% [markdown]
# Within a tenth of a nanosecond the moments have nearly all of it. But it is not lost: it is in
# the moments, and comes back through the electrons, who alone lose spins for good, in $\tau_0$ = 1
# ns. Since they hold one part in a hundred, the whole takes a hundred times as long. That is the
# *bottleneck*:
#
# $$\text{slowest rate} = \frac1{\tau_0}\,\frac{\chi_e}{\chi_e+\chi_m}
# \quad(\tau_0\to\infty), \qquad = \frac1{T_1}\quad(\tau_0\to0) .$$

# %%
losses = np.geomspace(1e6, 1e14, 17)
slowest = np.array(
    [-om.coupled_relaxation(film(1 / rate), COLD, TESLA).modes.real[0] for rate in losses]
)
here = om.moment_relaxation(film(), COLD, TESLA).population_rates[0]
right.loglog(losses, slowest, label="slowest mode")
share = chi_electrons / (chi_electrons + chi_moments[1])
right.loglog(losses[:10], losses[:10] * share, "--", label="bottleneck")
right.axhline(here, color="gray", linewidth=0.8, label="$1/T_1$")
right.set(xlabel=r"$1/\tau_0$ (1/s)", ylabel="rate (1/s)")
right.legend(frameon=False)
assert abs(slowest[-1] / here - 1) < 0.01
# n J is 0.3 k_B T here: the moments' field shifts their share
assert abs(slowest[0] / (losses[0] * share) - 1) < 0.4
assert np.all(np.diff(slowest) > 0)

# %% [markdown]
# And across the field? With equal $g$ and no loss the total spin precesses in the field, for ever,
# however fast electrons and moments pass it to and fro: the theorem of Larmor. One mode is exactly
# $ig\mu_BB/\hbar$.

# %%
free = om.coupled_relaxation(film(time=np.inf), COLD, TESLA)
larmor = 2 * MU_B * TESLA / HBAR
nearest = free.modes[np.abs(free.modes - 1j * larmor).argmin()]
print(f"g mu_B B / hbar = {larmor:.6e}, a mode decays at {-nearest.real:.1e} 1/s beside it")
assert abs(nearest - 1j * larmor) < 1e-12 * larmor

# %% [markdown]
# ## A static film
#
# The resistance of a film is measured in steady state: the current feeds spins to the faces all
# the time. If nothing but the electrons relaxes the moments, these fill up until they give back as
# much as they take, and the exchange part of $1/\tau_\parallel$ is *zero*. The paper's rates are
# those of moments that something else, a lattice or each other, holds in equilibrium. Give its
# rate as `thermostat_rate`; infinite, the default, is the paper's theory.

# %%
own_rate = here
holds = own_rate * np.array([0.0, 0.1, 1.0, 10.0, 100.0, np.inf])
plain = om.relaxation(film(), COLD, TESLA).exchange_tensor[2, 2]
print("  r T1      exchange part of 1/tau_par, over the paper's    r/(r + 1/T1)")
for hold in holds:
    kept = om.relaxation(film(thermostat_rate=hold), COLD, TESLA).exchange_tensor[2, 2] / plain
    simple = hold / (hold + own_rate) if np.isfinite(hold) else 1.0
    print(f"{hold / own_rate:7.1f}   {kept:12.6f}   {simple:40.6f}")
    assert abs(kept - simple) < 1e-12

# %% [markdown]
# Across the field little changes: there the moment precesses away from what drives it, unless both
# precess alike. {py:func}`openmr.validity` has both as lines: $1/rT_1$, and how far the two lines
# are apart.
#
# So the answer: **electrons and moments relax each other, at rates that are to each other as their
# numbers of spins turned round. Neither loses spin to the other for good. What the electrons lose
# to moments is lost only as fast as something else holds the moments.**

# %% [markdown]
# ## Exercise 1
#
# A magnetic atom of spin 1/2 on a metal with $\nu_FJ = 0.05$ at 4.2 K, in a weak field. How long
# is its $T_1$, in seconds? Call it `atom`. It is checked to 0.1 %.

# %% tags=["hide-cell"]
atom = HBAR / (np.pi * 0.05**2 * K_B * 4.2)

# %%
alone = replace(
    film(), magnet=om.Magnet(om.Moments(0.5, 1e20, exchange=0.05 / DOS))
)  # so few that they do not see each other
exact = float(om.moment_relaxation(alone, 4.2, 1e-3).T1[0])
assert abs(atom / exact - 1) < 1e-3, "hbar / pi (nu J)^2 k_B T, with k_B T in eV and hbar in eV s"
print(f"correct: {1e12 * atom:.2f} ps")

# %% [markdown]
# ## Exercise 2
#
# An unknown metal with these moments, at 100 K, loses spins slowly. `decay` is the slowest rate of
# its total spin along a weak field. Find $1/\tau_0$ in 1/s, call it `loss`. It is checked to 1 %.

# %%
hidden = np.random.default_rng(12).uniform(1e5, 9e5)
decay = -om.coupled_relaxation(film(1 / hidden), 100.0, 1e-3).modes.real[0]

# %% tags=["hide-cell"]
loss = decay * (chi_electrons + chi_moments[2]) / chi_electrons

# %%
# the moments' field on the electrons shifts their share by 0.4 %
assert abs(loss / hidden - 1) < 0.01, (
    "most of the spin is in the moments, where it is not lost: the share of the electrons is "
    "chi_e / (chi_e + chi_m), at 100 K"
)
print(f"correct: {loss:.3e} 1/s, the film has {hidden:.3e}")

# %% [markdown]
# ## Exercise 3
#
# The exchange part of $1/\tau_\parallel$ of a film at 10 K and 0.5 T is found to be `part` of what
# the paper's closed form says. At which rate are its moments held, in 1/s? Call it `thermostat`.
# It is checked to $10^{-6}$.

# %%
secret = np.random.default_rng(3).uniform(1e7, 9e7)
part = float(om.relaxation(film(thermostat_rate=secret), COLD, TESLA).exchange_tensor[2, 2] / plain)

# %% tags=["hide-cell"]
thermostat = own_rate * part / (1 - part)

# %%
assert abs(thermostat / secret - 1) < 1e-6, (
    "solve part = r / (r + 1/T1), with the moments' own 1/T1 at that field and temperature"
)
print(f"correct: {thermostat:.4e} 1/s")
