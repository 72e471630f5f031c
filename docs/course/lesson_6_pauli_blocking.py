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
# # Lesson 6: Pauli blocking and the kinetic equation
#
# **Question.** Lessons 1 to 5 followed one electron spin. A metal has a Fermi sea, and a flip
# needs an empty place to go to. Does the spin of the whole sea still decay at one rate, and is it
# the rate of the closed form?
#
# You need: lesson 2 (the correlators of a thermal moment), the Fermi function. Time: 30 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import quad
from scipy.special import expit

import openmr as om
from openmr import kinetics

# %% [markdown]
# ## Who may flip
#
# Energies are in units of $k_BT$ from the chemical potential. An electron goes from energy $e$ to
# $e + w$ only if $e$ is filled and $e + w$ is empty. Summed over the sea,
#
# $$
# \int f(e)\,[1 - f(e + w)]\,de = K(w) = \frac{w}{1 - e^{-w}} .
# $$
#
# Only the electrons within about $k_BT$ of the Fermi energy count, $K(0) = 1$. To lose energy is
# to enter places that are mostly filled: $K(-w) = e^{-w}K(w)$. This is the noise of the sea,
# {py:func}`openmr.bath.electron_hole_spectrum`.


# %%
def fermi(e):
    return expit(-e)


for w in (-3.0, 0.0, 3.0):
    counted, _ = quad(lambda e, w=w: fermi(e) * (1 - fermi(e + w)), -60, 60, points=(-w, 0))
    print(f"w = {w:+.0f}: counted {counted:.10f}, K = {om.bath.electron_hole_spectrum(w):.10f}")

# %% [markdown]
# ## The sea and its equation
#
# Moments at random places conserve no momentum, so a state of the sea is one $2\times2$ spin
# matrix at every energy. Here the spin stays along the field and only the two occupations
# $f_\uparrow(e)$, $f_\downarrow(e)$ matter. An up electron at $e$ flips a moment of splitting
# $x = \beta\varepsilon_L$ and lands, down, at $e - x$: it can do so only as far as that place is
# empty. With $g = 2\pi n_S\nu_FJ^2/\hbar$ the collision integral {eqn}`25` is
#
# $$
# \dot f_\uparrow(e) = \frac g4\Big\{\langle S_+S_-\rangle\,[1 - f_\uparrow(e)]\,f_\downarrow(e - x)
# - \langle S_-S_+\rangle\,f_\uparrow(e)\,[1 - f_\downarrow(e - x)]\Big\} .
# $$
#
# {py:class}`openmr.models.fermi_kinetics.Sea` holds the grid of energies and what scatters the
# electrons. The unit of time is $1/g$.


# %%
def sea(x, mixing=0.0, spin=2.0):
    """Electrons that scatter from moments of splitting x; `mixing` is 1/tau_ee."""
    moments = kinetics.Scatterer(
        rate=1.0, exchange=np.ones(3), lines=om.bath.moment_correlator(spin, x)
    )
    return kinetics.Sea(
        energies=kinetics.energy_grid([x], spacing=0.2, reach=20.0),
        electron_splitting=0.0,
        dos=(1.0, 1.0),
        scatterers=(moments,),
        mixing=mixing,
    )


# %% [markdown]
# The closed form rests on an ansatz, {eqn}`51`: while the spins relax, each keeps a Fermi
# function with a potential of its own, $f_\sigma(e) = f(e \mp \mu)$. Put into the collision
# integral it gives the *initial* slope of the spin, and that is the closed form, {eqn}`84`:

# %%
# the grid ends 20 k_B T beyond a flip, where exp(-20) = 2e-9 of the electrons are missed
for x in (0.5, 2.0, 5.0):
    slope = kinetics.initial_slope(sea(x))[3, 3]
    lines = om.bath.moment_correlator(2.0, x).weights.sum(axis=0)  # <S_a S_b> at equal times
    flip_up = (lines[0, 0] + lines[1, 1] + 1j * (lines[0, 1] - lines[1, 0])).real  # <S_- S_+>
    closed = 0.5 * x / np.expm1(x) * flip_up
    print(f"x = {x}: slope {slope:.12f}, closed form {closed:.12f}")

# %% [markdown]
# ## Later
#
# Let the sea go on by itself. We start with a small spin and follow the full equation, Pauli
# factors and all, at $x = 2$.

# %%
x, potential = 2.0, 0.05
cold = sea(x)
tau = 1 / kinetics.initial_slope(cold)[3, 3]
times = np.linspace(0, 6, 61) * tau
start = kinetics.local_equilibrium(cold, 0.0, (0.0, 0.0, potential))
histories = {
    mixing: kinetics.evolve(sea(x, mixing / tau), start, times, rtol=1e-7)
    for mixing in (0.0, 1.0, 30.0)
}
spins = {mixing: kinetics.densities(cold, path)[:, 3] for mixing, path in histories.items()}
for mixing, spin in spins.items():
    print(f"tau/tau_ee = {mixing:4.0f}: after 6 tau {spin[-1] / spin[0]:.4f} of the spin is left")
print(f"one rate would leave    {np.exp(-6):.4f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
alone, scale = histories[0.0], 1 / (2 * potential)
e = cold.energies
for when, line in ((0, "-"), (60, "--")):
    up, down = scale * alone[when, 0], scale * alone[when, 1]
    label = rf"$t$ = {times[when] / tau:.0f} $\tau_\parallel$"
    left.plot(e, up, line, color="#000000", label=r"$\delta f_\uparrow$, " + label)
    left.plot(e, down, line, color="#d55e00", label=r"$\delta f_\downarrow$, " + label)
left.axhline(0, color="0.8", linewidth=0.8, zorder=0)
left.set(xlabel="energy ($k_BT$)", ylabel=r"change of occupation over $2\mu/k_BT$", xlim=(-7, 7))
left.set_ylim(-0.15, 0.22)
left.legend(frameon=False, ncols=2, loc="upper center")
for (mixing, spin), line in zip(spins.items(), ("-", "-.", ":"), strict=True):
    right.semilogy(
        times / tau,
        spin / spin[0],
        "k" + line,
        label=rf"$\tau_\parallel/\tau_{{ee}}$ = {mixing:.0f}",
    )
right.semilogy(
    times / tau, np.exp(-times / tau), "--", color="#d55e00", label=r"$e^{-t/\tau_\parallel}$"
)
right.set(xlabel=r"time ($\tau_\parallel$)", ylabel="spin of the sea (initial = 1)")
_ = right.legend(frameon=False)

# %% [markdown]
# The spin stops decaying. A flip connects up at $e$ with down at $e - x$ and with nothing else,
# so each such pair comes to rest by itself, with a potential of its own: too many electrons of
# both spins at low energies, too few at high ones (left, dashed). Up changes sign at $x/2$ and
# down at $-x/2$; what lies between is the spin that is left. Only when collisions among the
# electrons mix the energies, here at a rate $1/\tau_{ee}$, does one rate remain, and it is the
# closed form when the mixing is fast.
#
# So the answer: **the closed form is the initial slope from the ansatz at any splitting; it is
# the rate of the whole decay only if the moments' splitting is small against $k_BT$ or the
# electrons mix their energies faster than their spins relax.**
#
# For a film the same is `method="kinetic"`. Its diagnostics tell the part that never decays and
# the slowest rate.

# %%
film = om.presets.pt_py(exchange_energy=-1e-3)
found = om.relaxation(film, [10.0, 30.0, 200.0], 5.0, method="kinetic")
plain = om.relaxation(film, [10.0, 30.0, 200.0], 5.0)
for i, kelvin in enumerate(found.temperature):
    ratio = found.longitudinal[i] / plain.longitudinal[i]
    print(f"{kelvin:3.0f} K: initial slope {ratio:.9f} of the closed form, ", end="")
    print(f"never decays {found.diagnostics['residue'][i]:.2%}")

# %% [markdown]
# (Other spin flips, $1/\tau_0$, take the rest away in a real film. The slopes above contain
# them.)

# %% [markdown]
# ## Exercise 1
#
# How much never decays? A pair, up at $e$ and down at $e - x$, keeps its number of electrons and
# ends with one potential $a(e)$ for both. To first order its changes are then $a\,p(e)$ and
# $a\,p(e - x)$ with $p = f(1 - f)$, while at the start they are $\mu\,p(e)$ and $-\mu\,p(e - x)$.
# Find the part of the spin that is left for $x = 1$ by integrating over $e$, call it `left_over`.
# It is checked to $10^{-7}$.


# %% tags=["hide-cell"]
def p(e):
    return fermi(e) * fermi(-e)


def at_rest(e, x=1.0):
    """(a/mu) [p(e) - p(e - x)] with a from the number that each pair keeps."""
    return (p(e) - p(e - x)) ** 2 / (p(e) + p(e - x))


# the spin at the start is mu times the integral of p(e) + p(e - x), which is 2
left_over = quad(at_rest, -40, 40, points=(0, 1))[0] / 2

# %%
spectrum = kinetics.longitudinal_spectrum(sea(1.0))
still = spectrum.rates < 1e-6 * spectrum.rates[-1]
# the grid ends 20 k_B T away, where exp(-20) = 2e-9 of the spin is lost
assert abs(left_over - spectrum.weights[still].sum()) < 1e-7, (
    "not what the modes of the sea say, to 1e-7: a(e) follows from the number of each pair, which "
    "is mu [p(e) - p(e - x)] at the start; divide by the spin at the start, 2 mu"
)
print(f"correct: at x = 1, {left_over:.3%} of the spin never decays")

# %% [markdown]
# ## Exercise 2
#
# Pauli blocking is not linear. For potentials $\pm\mu$ that are not small, integrate the
# collision integral with $f_\sigma = f(e \mp \mu)$ and $K(w)$ from above. You find
# $\dot N_\uparrow \propto \langle S_+S_-\rangle K(x - 2\mu) - \langle S_-S_+\rangle K(2\mu - x)$,
# and $\langle S_-S_+\rangle = e^x\langle S_+S_-\rangle$. By which factor does the spin $2\mu$
# decay faster at first than a small one, for $x = 1$ and $\mu = 1.5$? Call it `faster`. Small is
# $\mu = 10^{-4}$ or less; `faster` is checked to 1 in $10^4$.

# %% tags=["hide-cell"]
K = om.bath.electron_hole_spectrum


def loss(mu, x=1.0):
    """Rate of loss over the spin 2 mu, in units of <S_+ S_->."""
    return (np.exp(x) * K(2 * mu - x) - K(x - 2 * mu)) / (2 * mu)


faster = loss(1.5) / loss(1e-5)

# %%
blocked = sea(1.0)
polarised = kinetics.local_equilibrium(blocked, 0.0, (0.0, 0.0, 1.5))
change = kinetics.densities(blocked, kinetics.collision(blocked, polarised))[3]
slope = -change / kinetics.densities(blocked, polarised)[3]
# the "small" spin may be finite, 1e-4 or less: that errs in proportion; the grid by exp(-20)
assert abs(faster / (slope / kinetics.initial_slope(blocked)[3, 3]) - 1) < 1e-4, (
    "not the factor to 1 in 10^4: compare rates of loss per spin, the loss over 2 mu, and take the "
    "small spin at mu = 1e-4 or below"
)
print(f"correct: at mu = 1.5 k_B T the spin starts to decay {faster:.4f} times as fast")

# %% [markdown]
# ## Exercise 3
#
# With fast mixing one rate comes back. Let `slowest(ratio)` be the slowest rate of
# `kinetics.longitudinal_spectrum(sea(2.0, ratio / tau))` that is not zero (charge stays, so one
# is). When mixing is fast it is $(1 - c\,\tau_{ee}/\tau_\parallel)/\tau_\parallel$. Find $c$, call
# it `first_order`. It is checked to 1 in 1000.


# %% tags=["hide-cell"]
def slowest(ratio):
    """Slowest decay rate of the spin over the closed form."""
    modes = kinetics.longitudinal_spectrum(sea(2.0, ratio / tau))
    return modes.rates[np.abs(modes.weights) > 0.5][0] * tau


# halving what is left of the next order by two steps (Richardson)
first_order = 2 * 2e4 * (1 - slowest(2e4)) - 1e4 * (1 - slowest(1e4))

# %%
# perturbation theory: the variance of the rates among the energies, over their mean squared
spin = kinetics.pure_spin(cold, 3)
once = kinetics.linear_collision(cold, spin)
twice = kinetics.linear_collision(cold, once)
mean, square = -kinetics.densities(cold, once)[3], kinetics.densities(cold, twice)[3]
assert abs(first_order / (square / mean**2 - 1) - 1) < 1e-3, (
    "not the variance of the rates to 1 in 1000: ratio (1 - slowest(ratio) tau) tends to c; one "
    "ratio leaves c/ratio, and a very large one loses the difference in rounding"
)
print(f"correct: with fast mixing the rate is 1/tau_par (1 - {first_order:.4f} tau_ee/tau_par)")
