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
# # Lesson 3: from Liouville-von Neumann to TCL2
#
# **Question.** The equation of motion is reversible. Where in its derivation does a rate come in,
# what is left out on the way, and what does each step cost?
#
# You need: lessons 1 and 2, the interaction picture. Time: 30 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qutip

import openmr as om

# %% [markdown]
# ## The steps
#
# 1. *Exact.* In the interaction picture the density matrix of electron and bath obeys
#    $\dot\rho = -i[V(t), \rho]$, {eqn}`7`.
# 2. *Exact.* Integrate once and put the result back in:
#    $\dot\rho = -i[V(t), \rho(0)] - \int_0^t d\tau\,[V(t), [V(\tau), \rho(\tau)]]$.
# 3. *Second order.* Write $\rho_e(t)\otimes\rho_m$ for $\rho(\tau)$ in the integral: bath and
#    electron are taken as uncorrelated there (Born), and the electron's state at $\tau$ is replaced
#    by that of now, which makes the equation local in time. If the mean of $V$ in the bath is zero,
#    both change it beyond the second order only; a mean is treated apart, as a field, {eqn}`10`.
#    Then trace over the bath: {eqn}`9`.
# 4. *Exact rewriting.* The bath is left with its correlators $D_{ij}(\tau)$ only, {eqn}`12`:
#
#    $$ \dot\rho_e = -i[H_e, \rho_e] - \sum_{ij}\int_0^t d\tau\,
#       \bigl\{D_{ij}(\tau)\,[A_i, A_j(-\tau)\rho_e] + \mathrm{h.c.}\bigr\} . $$
#
#    This is {eqn}`15` with the upper limit kept. It has the name TCL2: time-convolutionless, second
#    order.
# 5. *Markov.* Replace the upper limit $t$ by $\infty$.
#
# Irreversibility comes in with step 3: what the bath has learned about the electron is dropped.
# That is allowed if the bath forgets it soon, which is if its correlators decay.
#
# ## A case that can be solved exactly
#
# The setting of lesson 1: an electron and a hot moment, now of spin 1, reset at the rate $\kappa$.
# With $\hbar = J = 1$ and $\kappa = 4$ this is a small system, whose whole evolution QuTiP can do.

# %%
spin, kappa = 1.0, 4.0
exchange = om.hilbert.coupling([spin], 0, [1.0, 1.0, 1.0])
hot = om.hilbert.thermal_moments([spin], [0.0])
up = qutip.ket2dm(qutip.basis(2, 0))
sigma_z = om.hilbert.embed(qutip.sigmaz(), [qutip.qeye(3)])
torque = 1j * (exchange * sigma_z - sigma_z * exchange)  # d sigma_z / dt

times = np.linspace(0.0, 4.0, 201)
whole = qutip.liouvillian(exchange) + om.hilbert.reset(hot, kappa)
found = qutip.mesolve(
    whole, om.hilbert.embed(up, [hot]), times, e_ops=[sigma_z, torque], options={"method": "diag"}
)
polarisation = found.expect[0]
rate = -found.expect[1] / polarisation  # -d ln<sigma_z>/dt
print("rate at t = 0, 0.1, 1, 4:", rate[[0, 5, 50, 200]].round(4))

# %% [markdown]
# At $t = 0$ there is no rate: the electron has met the moment only just now. It builds up within
# $1/\kappa$ and then stands still.
#
# ## The same by TCL2
#
# An {py:class}`openmr.master.OpenSystem` is the Hamiltonian of the electron (none here), its
# coupling operators $A_a = -\tfrac12\sigma_a$, and a {py:class}`openmr.bath.Bath`: the matrix of
# the correlators. The moment alone has $\langle S_a(t)S_b\rangle$ of lesson 2; the reset multiplies
# it by $e^{-\kappa t}$. {py:func}`openmr.master.generator` takes the equation by its name, at any
# time.


# %%
def correlators(time):
    """D_ab(t) of the hot moment, shape (t, 3, 3)."""
    alone = om.bath.moment_correlation(spin, 0.0, time)
    return alone * np.exp(-kappa * np.asarray(time))[..., None, None]


couplings = [-0.5 * qutip.sigmax(), -0.5 * qutip.sigmay(), -0.5 * qutip.sigmaz()]
electron = om.OpenSystem(0 * qutip.qeye(2), [(couplings, om.Bath(correlation=correlators))])
print(om.master.generator(electron, "tcl2", time=1.0))


def rate_at(time):
    """Decay rate of sigma_z a time after the start."""
    made = om.master.generator(electron, "tcl2", time=time)
    return om.hilbert.bloch_tensor(made.superoperator)[2, 2]


second_order = np.array([rate_at(time) for time in times])
markov = rate_at(np.inf)
print("rate at t = 0, 0.1, 1, 4:", second_order[[0, 5, 50, 200]].round(4))
print(f"Markov limit {markov:.4f},  2 S(S+1)/3 kappa = {2 * spin * (spin + 1) / 3 / kappa:.4f}")

# %%
remembered = om.master.evolve(electron, up, times, method="tcl2", e_ops=[qutip.sigmaz()])
(with_memory,) = remembered.expect
without = np.exp(-markov * times)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(times, rate, "-", color="0", label="exact")
left.plot(times, second_order, "--", color="#d55e00", label="TCL2")
left.axhline(markov, linestyle=":", color="#0072b2", linewidth=2, label="Markov")
left.set(
    xlabel=r"time, $Jt/\hbar$",
    ylabel=r"rate, $-d\ln\langle\sigma_z\rangle/dt$  $(J/\hbar)$",
    ylim=(0, 0.4),
)
right.plot(
    times, 100 * (with_memory / polarisation - 1), "--", color="#d55e00", label="TCL2: misses $J^4$"
)
right.plot(
    times,
    100 * (without / polarisation - 1),
    ":",
    color="#0072b2",
    linewidth=2,
    label="Markov: misses the slip as well",
)
right.axhline(0, color="0.7", linewidth=0.8, zorder=0)
right.set(
    xlabel=r"time, $Jt/\hbar$",
    ylabel=r"error of $\langle\sigma_z\rangle$ (%)",
)
left.legend(frameon=False, loc="lower right")
_ = right.legend(frameon=False, loc="center right")

# %% [markdown]
# Two errors, of two kinds:
#
# - **Markov** has the wrong start. The true rate is smaller at first, so the true curve ends on
#   $e^{s - \Gamma t}$ with the *slip* $s = \int_0^\infty[\Gamma(\infty) - \Gamma(t)]\,dt
#   \approx \Gamma/\kappa$. It comes within the memory and never goes away, but no rate shows it.
# - **Second order** has a slightly wrong rate. That error grows with time. It is of relative order
#   $(J/\kappa)^2$.
#
# Both are small when the memory is short against the relaxation, $\Gamma \ll \kappa$.

# %%
print(f"late rate, second order over exact: {second_order[-1] / rate[-1]:.4f}")
print(f"Gamma / kappa = {markov / kappa:.4f}, (J / kappa)^2 = {1 / kappa**2:.4f}")

# %% [markdown]
# ## In the metal
#
# There the memory is that of the Fermi sea, $\hbar/k_BT$, whatever the strength of the coupling
# (lesson 2). The method `"tcl2"` takes moments and sea together:

# %%
film = om.presets.pt_py(exchange_energy=-1e-3)
temperature, field = 10.0, 5.0
thermal = om.units.HBAR / (om.units.K_B * temperature)
tensor = om.relaxation(film, temperature, field, method="bloch-redfield")
print(f"memory {1e12 * thermal:.2f} ps, tau_perp {1e12 * tensor.tau_transverse:.2f} ps")
for time in (0.3, 1.0, 3.0):
    early = om.relaxation(
        film, temperature, field, method="tcl2", kernel="flat", time=time * thermal
    )
    ratio = early.dissipator[0, 0] / tensor.dissipator[0, 0]
    print(f"t = {time:3.1f} hbar/k_BT: transverse rate / Markov rate = {ratio:.3f}")

# %% [markdown]
# The rate of a wide band starts too *high*, not too low: the correlator of the sea is negative
# after its first peak (lesson 2), and what the peak gave is taken back. What is left out at second
# order is of the relative size $\hbar\Gamma/k_BT \approx 0.1$; the methods `"heom"` and `"exact"`
# measure it.
#
# ## Exercise 1
#
# In the model above, which part of its final value has the TCL2 rate reached at $t = 1/\kappa$?
# Call it `fraction`. It is checked to $2\cdot10^{-6}$.

# %% tags=["hide-cell"]
fraction = rate_at(1 / kappa) / markov

# %%
# the integral of exp(-kappa tau) up to 1/kappa; the transforms are converged to 1e-6 of the rate
assert abs(fraction - (1 - np.exp(-1))) < 2e-6, (
    "not the part to 2e-6: it is the rate of sigma_z at t = 1/kappa over `markov`, the late one"
)
print("correct: 1 - 1/e")

# %% [markdown]
# ## Exercise 2
#
# Measure the slip: evolve `up` by TCL2 to $t = 5$, where the rate stands still, and compare
# $\ln\langle\sigma_z\rangle$ with the Markov line $-\Gamma t$. Call the difference `slip`; it is
# positive where TCL2 keeps more. It is checked to $10^{-5}\,\Gamma$.

# %% tags=["hide-cell"]
last = om.master.evolve(electron, up, [0.0, 5.0], method="tcl2").states[-1]
slip = np.log(qutip.expect(qutip.sigmaz(), last)) + markov * 5.0

# %%
# Gamma(t) = Gamma (1 - exp(-kappa t)); 5 Gamma times the error 1e-6 of the transforms
law = markov / kappa
assert abs(slip - law) < 5 * markov * 2e-6, (
    "not the slip: it is ln<sigma_z> + `markov` t at t = 5 for a spin that starts up"
)
print(f"correct: {law:.4f}; the electron keeps {100 * np.expm1(law):.1f} % more than Markov says")

# %% [markdown]
# ## Exercise 3
#
# The exact rate at late times is the smallest decay rate among the eigenvalues of
# `qutip.liouvillian(J * exchange) + om.hilbert.reset(hot, kappa)` that is not zero. Find its
# difference from the second-order rate $J^2\,$`markov` for $J = 0.2$ and $J = 0.1$. By which power
# of $J$ does the difference fall? Call it `order`. It is checked to 0.01.


# %% tags=["hide-cell"]
def difference(strength):
    whole = qutip.liouvillian(strength * exchange) + om.hilbert.reset(hot, kappa)
    decays = -whole.eigenenergies().real
    return abs(decays[decays > 1e-6].min() - strength**2 * markov)


order = np.log(difference(0.2) / difference(0.1)) / np.log(2)

# %%
# the next term of the series is smaller by (J/kappa)^2 = 1/400, times a number of order one
assert abs(order - 4) < 4 / 400, (
    "not the power: it is ln[difference(0.2)/difference(0.1)] / ln 2; the second-order rate is "
    "J^2 times `markov`, and eigenvalues of zero up to rounding are no rates"
)
print("correct: fourth order; here the third gives nothing")
