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
# # Lesson 9: Which master equation?
#
# **Question.** Redfield, Davies, universal, geometric: second order has many equations, and they
# give different rates for the same system and the same bath. Which one is right, and how does one
# find out without knowing the answer?
#
# You need: lessons 3 and 4, the eigenvalues of a small matrix. Time: 30 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qutip

import openmr as om
from openmr import master

# %% [markdown]
# ## One system, every equation
#
# A ground state and two excited states that lie close together, `apart`. Both are coupled to it by
# the same noise, that of a Drude bath; energies and inverse times are in units of the mean
# excitation energy. Think of two molecules that share an excitation, or of two nearly equal
# crystal-field levels.


# %%
def levels(apart):
    """Levels 0, 1 and 1 + `apart`, and their bath."""
    coupling = np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])
    bath = om.Bath.drude(reorganization=0.02, cutoff=2.0, temperature=0.5)
    return om.OpenSystem(np.diag([0.0, 1.0, 1.0 + apart]), [(coupling, bath)])


table = master.compare(levels(0.03))
print(table)

# %% [markdown]
# {py:func}`openmr.master.compare` asks every equation the same question. Read the table by columns.
#
# - **deviation** counts from the best route that converged: the hierarchy ("heom"), which is exact
#   up to an error that it states, where it can be had. Rates are judged; how far frequencies are
#   off stands beside them.
# - **Kossakowski** is the lowest eigenvalue of lesson 4: below zero, some probability can become
#   negative.
# - **Gibbs** says how far the equation is from leaving the thermal state alone.
# - **verdict** is what follows: "crossover" means that terms were dropped that do not average out.
#
# No row is best in every column. Redfield has a negative eigenvalue and rates that are right to a
# per cent. Davies is positive and thermal to rounding, and wrong by forty per cent. Three
# experiments say why.


# %%
def later(system, method, time=30.0):
    """State at `time`, from the second level."""
    return master.evolve(system, qutip.basis(3, 1), [0.0, time], method=method).states[-1]


splittings = np.geomspace(0.01, 0.5, 9)
ROUTES = {
    "davies": ("--", "#d55e00"),
    "grouped": (":", "#009e73"),
    "redfield": ("-", "0"),
    "universal": ("-.", "#0072b2"),
}
wrong_by = {method: [] for method in ROUTES}
for apart in splittings:
    exact = later(levels(apart), "heom")
    for method, found in wrong_by.items():
        found.append(qutip.tracedist(later(levels(apart), method), exact))


def qubit(reorganization):
    """One spin whose splitting has a part along the noise and a part across it."""
    bath = om.Bath.drude(reorganization, cutoff=1.5, temperature=1.0)
    hamiltonian = 0.3 * qutip.sigmaz() + 0.4 * qutip.sigmax()
    return om.OpenSystem(hamiltonian, [(qutip.sigmaz(), bath)])


clock = np.linspace(0.0, 3.0, 121)
choi = {
    method: master.evolve(qubit(0.05), qutip.basis(2, 0), clock, method=method).lowest_choi
    for method in ("redfield", "universal", "davies")
}

strengths = np.geomspace(0.003, 0.1, 7)
METHODS = ("redfield", "davies", "universal", "tcl4", "heom")
upper = {method: [] for method in METHODS}
for strength in strengths:
    for method, found in upper.items():
        found.append(master.steady_state(qubit(strength), method).populations[1])
exact = np.array(upper.pop("heom"))

# %%
figure, panels = plt.subplot_mosaic("aa;bc", figsize=(9, 7), layout="constrained")
first, second, third = panels["a"], panels["b"], panels["c"]
for method, (line, color) in ROUTES.items():
    first.loglog(splittings, wrong_by[method], line, color=color, linewidth=2, label=method)
rate = table["heom"].answer.longitudinal[-1]
first.axvline(rate, color="0.6", linewidth=0.8)
first.annotate("fastest rate", (rate, 0.45), (4, 0), textcoords="offset points", va="top")
first.set(
    xlabel="splitting of the upper levels",
    ylabel="trace distance from HEOM\n" + r"at $t = 30$",
    ylim=(2e-3, 0.5),
)
for method, found in choi.items():
    line, color = ROUTES[method]
    second.plot(clock, 1e3 * np.array(found), line, color=color, linewidth=2, label=method)
second.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
second.set(
    xlabel="time",
    ylabel="lowest Choi eigenvalue ($10^{-3}$)",
    ylim=(-4, 12),
)
for method, found in upper.items():
    line, color = ROUTES.get(method, (":", "0.5"))
    third.loglog(
        strengths, np.abs(np.array(found) - exact), line, color=color, linewidth=2, label=method
    )
third.set(
    xlabel=r"reorganization energy, $\lambda$",
    ylabel="error of the upper population",
)
for letter, ax in panels.items():
    ax.set_title(letter, loc="left", weight="bold")
    ax.legend(frameon=False)

# %% [markdown]
# **a, the crossover.** Far from the line, to the right, the two levels turn against each other many
# times before anything relaxes, and Davies is nearly as good as the others. To the left they do
# not: the sum of the two levels decays, their difference does not see the bath at all and stays.
# Davies drops the coherence that would tell the two apart. It does so at *every* splitting but
# zero, and at zero it jumps. Its condition is $|\omega-\omega'|T_2\gg1$. Grouping by a time
# (`resolution`, 1.9 here) takes the two frequencies for one in the whole panel: right at its left
# end, and worse than Davies at its right end. In between no choice of groups is good. Redfield and
# the universal equation drop nothing, and do not care.
#
# **b, positivity.** The lowest eigenvalue of the Choi matrix says whether the *map* from
# $\rho(0)$ to $\rho(t)$ is completely positive. Redfield's is not at first, and is again before
# $t = 2$, a third of a turn of the precession: by then the terms that spoil it have turned against
# each other. Lesson 3 showed that a constant rate means nothing at such times anyway. The dip is
# $0.06\,\lambda$, the size of what second order leaves out. The others never go below the axis. So
# a small negative number that heals is no reason to throw Redfield's *rates* away. One that grows
# is.
#
# **c, detailed balance.** Davies leaves $e^{-H/T}$ at rest exactly. The truth does not: the system
# is at equilibrium together with its bath, and its own state differs from $e^{-H/T}$ at first order
# in $\lambda$. All equations of second order in the coupling are wrong at that order, Redfield too.
# Only fourth order gets it: its error falls twice as fast. So a thermal steady state proves nothing
# about rates, and a deviation from it nothing against them.
#
# So what to take?
#
# 1. Levels far apart in units of the rates: Davies. Simple, positive, thermal.
# 2. Not so: "universal", if positivity is needed (trajectories, long products of maps), else
#    "redfield". Both have the same order of error.
# 3. How large that error is, the table says: the distance of "tcl4" from "redfield" is the next
#    term of the series. Where it is not small, or "tcl4" is unstable, only "heom" counts.
#
# ## Exercise 1
#
# Take the two upper levels exactly degenerate, `levels(0.0)`, start in the second level and wait
# for $t = 2000$. Which part of the population is in that level then? Think first: what happens to
# $(|1\rangle+|2\rangle)/\sqrt2$, and what to $(|1\rangle-|2\rangle)/\sqrt2$? Call it `kept`. It is
# checked to $10^{-6}$.

# %% tags=["hide-cell"]
kept = later(levels(0.0), "universal", time=2000.0)[1, 1].real

# %%
# the dark half stays; the bright half ends thermal, p_bright / p_0 = e^-2; solver 1e-8
law = 0.25 + 0.25 / (1 + np.exp(2.0))
assert abs(kept - law) < 1e-6, (
    "not the population to 1e-6: half of the start is dark and stays for ever, half is bright and "
    "shares its population with the ground state at T = 0.5; half of each is in the second level"
)
print(f"correct: {law:.6f}; a thermal state would have {1 / (2 + np.exp(2.0)):.4f}")

# %% [markdown]
# ## Exercise 2
#
# When does the Redfield map of panel b become completely positive again? Find the time at which
# its lowest Choi eigenvalue crosses zero and call it `healed`. It is checked to $10^{-6}$, so do
# not read it off the picture: take a root, or start {py:func}`openmr.master.evolve` with a map and
# ask for `.crossings`.

# %% tags=["hide-cell"]
from scipy.linalg import expm
from scipy.optimize import brentq

generator = master.generator(qubit(0.05), "redfield").superoperator


def lowest(time):
    """Lowest eigenvalue of the Choi matrix of exp(L t)."""
    propagator = qutip.Qobj(expm(time * generator.full()), dims=generator.dims, superrep="super")
    return qutip.to_choi(propagator).eigenenergies()[0]


healed = brentq(lowest, 0.5, 3.0, xtol=1e-12)

# %%
identity = qutip.to_super(qutip.qeye(2))  # a map to start with: positivity is asked of maps
found = master.evolve(qubit(0.05), identity, clock, method="redfield").crossings
# both are roots to 1e-12 of eigenvalues with 1e-15, which move by 5e-3 in a unit of time
assert abs(healed - found[-1]) < 1e-6, (
    "not the time to 1e-6: the lowest eigenvalue of the Choi matrix of exp(L t), L with its level "
    "shift, passes through zero from below; t = 0, where it is zero as well, does not count"
)
print(f"correct: {healed:.6f}, {healed / (2 * np.pi):.2f} turns of the precession")

# %% [markdown]
# ## Exercise 3
#
# By which power of the reorganization energy does Redfield's error of the upper population in
# panel c fall? Take `"tcl4"` for the truth (why may you?), and the strengths 0.001 and 0.0005. Call
# it `order`. It is checked to 0.005.


# %% tags=["hide-cell"]
def error(strength):
    redfield, fourth = (
        master.steady_state(qubit(strength), method).populations[1]
        for method in ("redfield", "tcl4")
    )
    return abs(redfield - fourth)


order = np.log(error(0.001) / error(0.0005)) / np.log(2)

# %%
# first order, as the whole difference from Gibbs is; the next is smaller by about 5 lambda
assert abs(order - 1) < 0.005, (
    "not the power to 0.005: it is ln[error(0.001) / error(0.0005)] / ln 2, of the population of "
    "the upper level in the steady state; tcl4 errs at the next order, far smaller there"
)
print("correct: first order in lambda, second in the coupling: the order of the equation itself")
