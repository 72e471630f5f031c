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
# # Lesson 2: correlation functions and detailed balance
#
# **Question.** What does an electron feel of the magnetic moments and of the Fermi sea around it,
# and how does a noise know its temperature?
#
# You need: lesson 1, the Fermi function, Fourier transforms. Time: 25 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qutip

import openmr as om

# %% [markdown]
# A bath has very many degrees of freedom. To second order in the coupling
# $V = \sum_i A_i\otimes B_i$ only one thing of it matters: how long, and at which frequencies, its
# operators remember themselves, {eqn}`12`,
#
# $$ D_{ij}(t) = \langle B_i(t)\,B_j(0)\rangle . $$
#
# Two baths act in a magnetic metal. We look at one after the other. Energies are in $k_BT$, times
# in $\hbar/k_BT$, which is 0.76 ps at 10 K.
#
# ## The moment
#
# A moment of spin 2 in a field has the Hamiltonian $H_m = x\,S_z$ with
# $x = \epsilon_L/k_BT$. Its thermal state is known, so QuTiP can work out the correlator of a flip.

# %%
spin, x = 2.0, 1.0
s_x, s_y, s_z = om.hilbert.spin_operators(spin)
raising, lowering = s_x + 1j * s_y, s_x - 1j * s_y
moment = om.hilbert.thermal_moments([spin], [x])

times = np.linspace(0.0, 12.0, 121)
up_first = qutip.correlation_2op_1t(x * s_z, moment, times, [], lowering, raising)
down_first = qutip.correlation_2op_1t(x * s_z, moment, times, [], raising, lowering)

print("<S_-(t) S_+> / <S_- S_+> at t = 1:", np.round(up_first[10] / up_first[0], 4))
print("exp(-i x t)                      :", np.round(np.exp(-1j * x), 4))
print(f"<S_- S_+> = {up_first[0].real:.4f},  <S_+ S_-> = {down_first[0].real:.4f}")
print(f"ratio {up_first[0].real / down_first[0].real:.4f},  exp(x) = {np.exp(x):.4f}")

# %% [markdown]
# The correlator never decays: it turns at one frequency, the flip energy, {eqn}`67`, {eqn}`68`. In
# the spectrum that is a line. A lone moment is a bath without forgetfulness, and lesson 1 showed
# what comes of it.
#
# The two weights are not equal. $S_+$ first takes the energy $x$ up (spins point down when cold),
# $S_-$ first gives it back. The ratio is $e^{x}$ because the moment is thermal:
#
# $$ D_{ij}(\omega) = e^{\beta\hbar\omega} D_{ji}(-\omega) , $$
#
# {eqn}`48`, with $\omega > 0$ for energy that the bath takes. This is *detailed balance*. A bath
# takes a quantum more readily than it gives one, by the Boltzmann factor, whatever it is made of.
# {py:func}`openmr.bath.moment_correlator` has the lines of all nine correlators $\langle
# S_aS_b\rangle$ at once; the largest violation of {eqn}`48` over all of them is

# %%
print(f"{om.bath.detailed_balance(spin, x):.0e}")

# %% [markdown]
# ## The Fermi sea
#
# When the electron scatters off the moment it leaves its place in the Fermi sea and takes another.
# To take the energy $\omega$ it must jump from a full level $\epsilon$ to an empty one
# $\epsilon + \omega$. The number of such pairs is
#
# $$ K(\omega) = \int f(\epsilon)\,[1 - f(\epsilon+\omega)]\,d\epsilon
#    = \frac{\omega}{1 - e^{-\omega}} . $$
#
# This is {py:func}`openmr.bath.electron_hole_spectrum`. It is a *continuum*: every frequency is
# there, so this bath forgets. And it is thermal, since each $f$ is.

# %%
frequency = np.array([0.5, 1.0, 2.0, 5.0])
takes = om.bath.electron_hole_spectrum(frequency)
gives = om.bath.electron_hole_spectrum(-frequency)
print("log of the ratio of taking to giving:", np.log(takes / gives).round(12))

# %% [markdown]
# The Fourier transform of $K(\omega)$ is its memory in time. A band of finite width $W$ makes it
# finite at $t = 0$; {py:func}`openmr.bath.fermi_sea.flat_band` is that of electrons whose density
# of states ends like $e^{-|\epsilon|/W}$. Below, $W = 5\,k_BT$.

# %%
line = np.linspace(-6.0, 6.0, 241)
clock = np.linspace(0.0, 2.0, 401)
memory = om.kernels.flat_band(clock, 5.0)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.semilogy(line, om.bath.electron_hole_spectrum(line), color="0", label="Fermi sea, $K$")
for place, weight, name in (
    (x, up_first[0].real, r"moment, $\langle S_-S_+\rangle$"),
    (-x, down_first[0].real, r"moment, $\langle S_+S_-\rangle$"),
):
    color, style = ("#d55e00", "--") if place > 0 else ("#0072b2", ":")
    left.vlines(place, 1e-2, weight, color=color, linestyle=style, linewidth=2, label=name)
    left.plot(place, weight, "o", color=color)
left.set(
    ylim=(1e-2, 20),
    xlabel=r"energy that the bath takes, $\hbar\omega/k_BT$",
    ylabel=r"noise ($K$: $K(0) = 1$; lines: weight)",
)
right.plot(clock, memory.real, "-", color="0", label="real part")
right.plot(clock, memory.imag, "--", color="#d55e00", label="imaginary part")
right.axhline(0, color="0.7", linewidth=0.8, zorder=0)
right.set(
    xlabel=r"time, $k_BTt/\hbar$",
    ylabel=r"memory of the Fermi sea, $K(t)$ $(k_BT/\hbar)$",
)
for ax in (left, right):
    ax.legend(frameon=False)

# %% [markdown]
# Left: at $\omega \gg 1$ the sea takes energy in proportion to the phase space, at
# $\omega \ll -1$ it has none to give. Right: the memory is over after one unit of time,
# $\hbar/k_BT$. Its imaginary part belongs to the difference between taking and giving. A classical
# noise has a real correlator: it gives as much as it takes, and so it heats without end.
#
# ## Both together
#
# The electron flips with the moment, and the sea pays the difference in energy. A flip that lowers
# the electron's spin raises the moment's by one, which costs $\epsilon_L$; the sea has to give it.
# The reverse flip gains $\epsilon_L$ and runs just as often: the Boltzmann factors of moment and
# sea cancel. So the longitudinal rate is the moment's line times the sea's noise at $-x$,
#
# $$ \frac1{\tau_\parallel} = \frac1{\tau_0}
#    + \frac{\pi}{\hbar}\,n_S\nu_F J^2\,K(-x)\,\langle S_-S_+\rangle , $$
#
# and $K(-x) = x\,n_B(x)$ makes it {eqn}`84`. Set beside the Bloch-Redfield tensor for the film
# of lesson 1:

# %%
film = om.presets.pt_py(exchange_energy=-1e-3)
temperature, field = 10.0, 5.0
state = om.equilibrium(film, temperature, field)
moments = film.magnet.sublattices[0]
depth = state.reduced_splitting[0]  # x of this film
golden = np.pi * moments.density * film.electrons.dos * moments.exchange[0] ** 2 / om.units.HBAR
by_hand = golden * om.bath.electron_hole_spectrum(-depth) * state.flip_up[0]
by_hand += 1 / film.film.spin_flip_time

rates = om.relaxation(film, temperature, field, method="bloch-redfield")
print(f"x = {depth:.3f}: by hand {by_hand:.6e} 1/s, tensor {rates.longitudinal:.6e} 1/s")

# %% [markdown]
# ## Exercise 1
#
# Do the integral of $f(\epsilon)[1 - f(\epsilon + \omega)]$ numerically at $\hbar\omega = -2k_BT$.
# Call it `noise`. (`scipy.integrate.quad` and `scipy.special.expit` help.) It is checked to
# $10^{-8}\,k_BT$.

# %% tags=["hide-cell"]
from scipy.integrate import quad
from scipy.special import expit

# f(e) = expit(-e), 1 - f(e) = expit(e); beyond 60 the integrand is below exp(-58)
noise, error = quad(lambda e: expit(-e) * expit(e - 2.0), -60.0, 60.0, epsabs=1e-11)

# %%
law = om.bath.electron_hole_spectrum(-2.0)
# quad's default tolerance
assert abs(noise - law) < 1e-8, (
    "not K(-2) to 1e-8: the full level lies at e, the empty one at e - 2; do the limits of the "
    "integral hold both Fermi functions?"
)
print(f"correct: {law:.4f}, a seventh of what the sea takes at the same frequency")

# %% [markdown]
# ## Exercise 2
#
# The memory $K(t)$ must know the temperature too. Fourier transform it,
# $K(\omega) = 2\,\mathrm{Re}\int_0^\infty K(t)\,e^{i\omega t}\,dt$, at $\omega = +1$ and $-1$ with
# `om.kernels.flat_band(t, 5.0)`, a narrow band of $5k_BT$. Call $K(+1)/K(-1)$ `ratio`. It is
# checked to 1 in $10^4$.


# %% tags=["hide-cell"]
def spectrum(frequency):
    def integrand(time):
        return 2 * (om.kernels.flat_band(time, 5.0) * np.exp(1j * frequency * time)).real

    return quad(integrand, 0.0, 40.0, limit=500, epsabs=1e-10)[0]


ratio = spectrum(1.0) / spectrum(-1.0)

# %%
# |K(t)| falls as t^-4: an integral that ends at t = 40 misses less than 1e-5
assert abs(ratio / np.e - 1) < 1e-4, (
    "not the ratio to 1 in 10^4: both parts of K(t) count, it is +1 over -1, and the integral must "
    "run to t = 40 or so"
)
print("correct: e, although the band is narrow; only the size of the noise depends on the band")

# %% [markdown]
# ## Exercise 3
#
# An electron spin with $H = \frac w2\sigma_z$, split by 1 meV, feels the Fermi sea at 10 K through
# $A = \sigma_x$. A classical noise of constant strength 3 (in units where $K(0) = 1$) acts through
# the same operator: its spectrum adds to $K$. Find the steady state with
# `om.master.steady_state(om.OpenSystem(H, [(A, om.Bath(spectrum))]), "davies", level_shift=False)`,
# and from the ratio of its populations the temperature in K that the spin reports. Call it
# `reported`. It is checked to 1 in $10^6$.

# %% tags=["hide-cell"]
thermal = om.units.K_B * 10.0
w = 1e-3 / thermal
h = 0.5 * w * qutip.sigmaz()
noise = om.Bath(lambda frequency: om.bath.electron_hole_spectrum(frequency) + 3.0)
spin = om.OpenSystem(h, [(qutip.sigmax(), noise)])
steady = om.master.steady_state(spin, "davies", level_shift=False)
populations = steady.state.diag().real
reported = 1e-3 / (om.units.K_B * np.log(populations[1] / populations[0]))

# %%
w = 1e-3 / (om.units.K_B * 10.0)
takes, gives = om.bath.electron_hole_spectrum([w, -w]) + 3.0
law = 10.0 * w / np.log(takes / gives)
# steady state by a linear solver: it keeps more than half of the digits
assert abs(reported / law - 1) < 1e-6, (
    "not the temperature in K to 1 in 10^6: H and the spectrum are in units of k_B times 10 K, and "
    "the ratio of the populations is exp(w/T)"
)
print(f"correct: {law:.1f} K; noise that gives as much as it takes makes everything hot")
