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
# # Lesson 1: two spins and a bath
#
# **Question.** An electron passes a magnetic atom, and their spins are coupled by exchange. Does
# the electron lose its spin for good?
#
# You need: density matrices, Pauli matrices, the Schrödinger equation. Time: 20 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qutip

import openmr as om

# %% [markdown]
# ## Two spins alone
#
# The electron has a spin 1/2 with the Pauli matrices $\sigma_\nu$, the atom a moment of spin $S$.
# Exchange couples them by
#
# $$ V = -\tfrac12 J\,\boldsymbol\sigma\cdot\mathbf S , $$
#
# which is {eqn}`4` for one electron at one moment. We set $\hbar = 1$ and measure energies in units
# of $J$, times in $1/J$. Nothing else acts on them yet, and the moment is of spin 1/2.
#
# The electron starts with its spin up. The moment starts hot: all its levels are equally likely.

# %%
spin = 0.5
exchange = om.hilbert.coupling([spin], 0, [1.0, 1.0, 1.0])  # J = 1 along x, y and z
hot = om.hilbert.thermal_moments([spin], [0.0])  # no splitting: equal weights
up = qutip.ket2dm(qutip.basis(2, 0))
start = om.hilbert.embed(up, [hot])

one = qutip.qeye(2)
sigma_z = om.hilbert.embed(qutip.sigmaz(), [one])
moment_z = om.hilbert.embed(one, [om.hilbert.spin_operators(spin)[2]])

times = np.linspace(0.0, 60.0, 601)
exact = {"method": "diag"}  # by eigenvectors: no step size, no solver error
alone = qutip.mesolve(exchange, start, times, e_ops=[sigma_z, moment_z], options=exact)
electron, moment = alone.expect

print(f"<sigma_z> swings between {electron.max():.3f} and {electron.min():.3f}")
print(f"total spin changes by at most {np.abs(electron / 2 + moment - 0.5).max():.0e}")

# %% [markdown]
# The electron hands its spin to the moment, and the moment hands it back:
# $\langle\sigma_z\rangle = \tfrac12(1 + \cos Jt)$, for ever. The total spin does not change, and
# nothing relaxes. An equation that is reversible cannot make a rate.
#
# ## The moment has company
#
# The atom sits in a crystal, which keeps it at the crystal's temperature. The simplest way to say
# so is to reset it: at a rate $\kappa$ its state is thrown away and replaced by the thermal one,
#
# $$ \dot\rho = -i[V, \rho] + \kappa\,\bigl(\mathrm{Tr}_m\rho\otimes\rho_m - \rho\bigr). $$
#
# {py:func}`openmr.rates.routes.joint_space.reset` is the second term. It does not touch the
# electron.


# %%
def electron_spin(kappa):
    """<sigma_z> at `times`."""
    generator = qutip.liouvillian(exchange) + om.hilbert.reset(hot, kappa)
    return qutip.mesolve(generator, start, times, e_ops=[sigma_z], options=exact).expect[0]


figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for kappa, line, color in (
    (0.0, ":", "0.55"),
    (0.5, "-", "0"),
    (5.0, "--", "#d55e00"),
    (20.0, "-.", "#0072b2"),
):
    ax.plot(times, electron_spin(kappa), line, color=color, label=rf"$\kappa = {kappa:g}\,J$")
ax.set(
    xlabel=r"time, $Jt/\hbar$",
    ylabel=r"spin of the electron, $\langle\sigma_z\rangle$",
    ylim=(-0.05, 1.25),
)
_ = ax.legend(frameon=False, ncols=4, loc="upper center")

# %% [markdown]
# With a bath the spin decays to zero. At $\kappa = J/2$ it still swings once; at
# $\kappa \gg J$ the decay is a plain exponential. The *faster* the bath, the *slower* the decay.
# Until the moment is reset, the electron turns by a small angle $\sim J/\kappa$ only, about
# an axis that the next moment does not remember. The angles add up like the steps of a random walk:
# $\kappa$ steps per unit time, of $(J/\kappa)^2$ each, which makes a rate $\sim J^2/\kappa$. The
# factor follows from second-order perturbation theory (lesson 3), for a hot moment of any spin:
#
# $$ \frac1\tau = \frac{2J^2S(S+1)}{3\kappa}. $$

# %%
kappa = 20.0
decay = electron_spin(kappa)
rate = -np.log(decay[-1] / decay[100]) / (times[-1] - times[100])
print(f"measured {rate:.6f} J, second order {2 * spin * (spin + 1) / (3 * kappa):.6f} J")

# %% [markdown]
# ## In a metal
#
# Three things are different there, and each is a lesson.
#
# - The bath that cuts the meeting short is first of all the *motion of the electron itself*: it
#   comes from the Fermi sea and goes back there. How such a bath is described, and how it knows its
#   temperature, is lesson 2.
# - Bath and coupling are quantum mechanical. How the equation for the electron alone follows is
#   lesson 3, what may go wrong with it is lesson 4.
# - The moments point along a field, so spins along the field and across it decay differently:
#   $\tau_\parallel$ and $\tau_\perp$.
#
# The numbers for a platinum film with permalloy moments at 10 K and 5 T:

# %%
film = om.presets.pt_py(exchange_energy=-1e-3)
print(om.relaxation(film, temperature=10.0, field=5.0, method="bloch-redfield"))

# %% [markdown]
# ## Exercise 1
#
# Take a hot moment of spin 2, without a bath. How deep does the electron's polarisation fall? Call
# the lowest value of $\langle\sigma_z\rangle$ `least`. It is checked to $10^{-5}$, which times
# 1/1000 of the period apart resolve.
#
# Hint: the two values of the total spin, $S \pm \tfrac12$, have energies that differ by
# $J(S + \tfrac12)$.

# %% tags=["hide-cell"]
large = 2.0
hot_large = om.hilbert.thermal_moments([large], [0.0])
half_period = np.pi / (large + 0.5)
swing = qutip.mesolve(
    om.hilbert.coupling([large], 0, [1.0, 1.0, 1.0]),
    om.hilbert.embed(up, [hot_large]),
    [0.0, half_period],
    e_ops=[om.hilbert.embed(qutip.sigmaz(), [qutip.qeye(5)])],
    options=exact,
)
least = swing.expect[0][-1]

# %%
# m -> m + 1 happens with probability at most [S(S+1) - m(m+1)]/(S+1/2)^2; mean over the levels
law = 1 - 4 * 2 * 3 / (3 * 2.5**2)
# a time grid of 1/1000 of the period misses the minimum by less than 1e-5
assert abs(least - law) < 1e-5, (
    "not the lowest value to 1e-5: the spin is 2, its levels equally likely, and the minimum lies "
    "at half the period 2 pi/[J(S + 1/2)]; are the times dense enough there?"
)
print(f"correct: the polarisation turns over, down to {law:.2f}; it still comes back")

# %% [markdown]
# ## Exercise 2
#
# Back to spin 1/2 without a bath. Now a field splits the electron's levels by $2J$, but not the
# moment's: add $H_e = J\sigma_z$. The lowest value of $\langle\sigma_z\rangle$ is no longer 0. Call
# it `lowest`. It is checked to $10^{-5}$.

# %% tags=["hide-cell"]
split = exchange + om.hilbert.hamiltonian([0.5], [0.0], electron_splitting=2.0)
fine = np.linspace(0.0, 2 * np.pi / np.sqrt(5.0), 2001)  # one period of sqrt(J^2 + (2J)^2)
lowest = qutip.mesolve(split, start, fine, e_ops=[sigma_z], options=exact).expect[0].min()

# %%
# Rabi: a pair of levels that differ by w swaps with probability J^2/(J^2 + w^2); half the moments
# point down and can swap at all
law = 1 - 2 * 0.5 * 1 / (1 + 2**2)
# time grid, as above
assert abs(lowest - law) < 1e-5, (
    "not the lowest value to 1e-5: the levels of the electron alone differ by 2J, those of the "
    "moment by nothing; are the times dense enough?"
)
print(f"correct: {law:.1f}; a flip that costs energy does not happen without a bath")

# %% [markdown]
# ## Exercise 3
#
# A bath can pay for it. Take $\kappa = 20J$ and split the electron's levels by $20J$. The spin
# decays more slowly than without the splitting. Divide the decay rate with it by the one without,
# and call this number, which is below 1, `factor`. It is checked to $(J/\kappa)^2$, 1 in 400.

# %% tags=["hide-cell"]
wide = exchange + om.hilbert.hamiltonian([0.5], [0.0], electron_splitting=20.0)
generator = qutip.liouvillian(wide) + om.hilbert.reset(hot, 20.0)
spins = qutip.mesolve(generator, start, [0.0, 10.0, 60.0], e_ops=[sigma_z], options=exact).expect[0]
slower = -np.log(spins[2] / spins[1]) / 50.0
factor = slower / rate

# %%
# The moment's noise at the frequency w is a Lorentzian, kappa^2/(kappa^2 + w^2); what second order
# leaves out is of relative order (J/kappa)^2
law = 20.0**2 / (20.0**2 + 20.0**2)
assert abs(factor / law - 1) < 1 / 20.0**2, (
    "not the ratio to 1 in 400: it is the rate with the splitting over the rate without, and both "
    "are read off late, when the first swing is over"
)
print(f"correct: {law:.1f}; the rate is the noise that the bath has at the energy of the flip")
