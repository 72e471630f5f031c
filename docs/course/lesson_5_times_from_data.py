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
# # Lesson 5: T1, T2 and a shift from data
#
# **Question.** A spin is recorded while it decays and precesses, with noise. What are its
# relaxation times, what is the shift of its precession, and how sure are the three numbers?
#
# You need: lesson 4 (a generator from a bath), the least-squares fit of a curve. Time: 25
# minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import curve_fit

import openmr as om

# %% [markdown]
# ## The experiment
#
# We need data, and let QuTiP make them. The film is Pt with permalloy moments at 10 K in 5 T; the
# moments couple antiferromagnetically to the electrons, $n_SJ = -1$ meV. The electron's generator
# has three parts: the exchange with thermal moments (Redfield, as in lesson 4), the precession
# about the mean field of first order, and the spin flips $1/\tau_0$ that the film has without
# moments. The last turn every axis alike: one Lindblad operator $\sigma_a/\sqrt{4\tau_0}$ for
# each axis gives each component the rate $1/\tau_0$.

# %%
PS = 1e-12  # s
film = om.presets.pt_py(exchange_energy=-1e-3)
temperature, field = 10.0, 5.0
state = om.equilibrium(film, temperature, field)

# %% tags=["quantum"]
import qutip

(space,) = om.hilbert.moment_spaces(film, state)  # one sublattice
sea = om.Bath.electron_hole(strength=1.0, temperature=1.0)
pair = om.OpenSystem(space.hamiltonian, [(space.coupling, sea)])
flips = om.master.generator(pair, level_shift=False)
exchange = PS * space.noise * om.hilbert.project(flips.dissipate, space.moment)
larmor = PS * om.hilbert.first_order_tensor(film, state)[0, 1]
others = [np.sqrt(PS * film.film.spin_flip_rate / 4) * sigma for sigma in om.hilbert.PAULI]
generator = qutip.liouvillian(0.5 * larmor * qutip.sigmaz(), others) + exchange


def record(axis, times, noise, seed):
    """<sigma_x>, <sigma_y>, <sigma_z> at times in ps, from a spin along axis 0 (x), 1 or 2."""
    start = 0.5 * (qutip.qeye(2) + om.hilbert.PAULI[axis])
    options = {"method": "vern9", "rtol": 1e-9, "atol": 1e-12, "nsteps": 10**6}
    run = qutip.mesolve(generator, start, times, e_ops=list(om.hilbert.PAULI), options=options)
    exact = np.array(run.expect)
    return exact + noise * np.random.default_rng(seed).normal(size=exact.shape)


# %%
noise = 0.02
times = np.linspace(0, 25, 251)
along = record(2, times, noise, seed=1)[2]
across_x, across_y, _ = record(0, times, noise, seed=2)

# %% [markdown]
# ## Two fits
#
# A spin along the field keeps its direction and decays with $T_1 = \tau_\parallel$. A spin across
# it turns while it decays with $T_2 = \tau_\perp$. The two components across the field form one
# complex signal, because $d\boldsymbol\sigma/dt = \omega_L\,\mathbf b\times\boldsymbol\sigma$
# turns $x$ into $y$:
#
# $$
# \langle\sigma_z\rangle = a\,e^{-t/T_1},\qquad
# \langle\sigma_x\rangle + i\langle\sigma_y\rangle = a\,e^{-t/T_2 + i\omega_Lt} .
# $$
#
# Recording both components matters: $\cos\omega_Lt$ alone does not know the sign of $\omega_L$.
# The fit of an oscillation also needs a start that is not wrong by a turn over the whole record.
# The slope of the phase over the first samples gives one.


# %%
def decay(t, amplitude, time):
    return amplitude * np.exp(-t / time)


def spiral(t, amplitude, time, omega):
    turning = amplitude * np.exp((1j * omega - 1 / time) * t)
    return np.concatenate([turning.real, turning.imag])


def fit(model, signal, guess):
    values, covariance = curve_fit(
        model, times, signal, guess, sigma=np.full(signal.shape, noise), absolute_sigma=True
    )
    return values, np.sqrt(np.diag(covariance))


phase = np.unwrap(np.angle(across_x + 1j * across_y))[:20]
turns = np.polyfit(times[:20], phase, 1)[0]
decayed, (_, error_T1) = fit(decay, along, (1.0, 10.0))
both = np.concatenate([across_x, across_y])
spun, (_, error_T2, error_omega) = fit(spiral, both, (1.0, 10.0, turns))
T1, T2, omega = decayed[1], spun[1], spun[2]
print(f"T1    = {T1:7.3f} +- {error_T1:.3f} ps")
print(f"T2    = {T2:7.3f} +- {error_T2:.3f} ps")
print(f"omega = {omega:7.4f} +- {error_omega:.4f} rad/ps")

# %% [markdown]
# The frequency is by far the surest of the three: while the spin decays once, its phase runs
# through fourteen radians. A free electron would turn at $\omega_B = g\mu_BB/\hbar$, forwards.
# This one turns backwards. The difference is the shift by the mean exchange field of the moments,
# {eqn}`78`, quoted as a field $B_{sd} = B - \hbar\omega_L/g\mu_B$.

# %%
per_tesla = 2 * om.units.MU_B / om.units.HBAR * PS  # rad/ps of a free electron in 1 T
print(f"free electron : {per_tesla * field:7.4f} rad/ps")
print(f"measured      : {omega:7.4f} rad/ps")
B_sd, error_B_sd = field - omega / per_tesla, error_omega / per_tesla
print(f"exchange field: {B_sd:7.3f} +- {error_B_sd:.3f} T")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
fine = np.linspace(0, 25, 801)
some = slice(None, None, 3)
left.plot(times[some], along[some], ".", color="0.5", label="recorded")
left.plot(fine, decay(fine, *decayed), "-", color="#d55e00", label=f"$T_1$ = {T1:.2f} ps")
left.set(xlabel="time (ps)", ylabel=r"spin along the field, $\langle\sigma_z\rangle$")
shape_x, shape_y = np.split(spiral(fine, *spun), 2)
right.plot(times, across_x, ".", color="0.5", label=r"$\langle\sigma_x\rangle$ recorded")
right.plot(times, across_y, "+", color="0.3", label=r"$\langle\sigma_y\rangle$ recorded")
right.plot(fine, shape_x, "-", color="#d55e00", label=f"fitted, $T_2$ = {T2:.2f} ps")
right.plot(fine, shape_y, "--", color="#0072b2", label=rf"fitted, $\omega_L$ = {omega:.3f} rad/ps")
right.set(xlabel="time (ps)", ylabel="spin across the field", xlim=(-0.3, 12), ylim=(-1.1, 1.75))
left.legend(frameon=False)
_ = right.legend(frameon=False, ncols=2, loc="upper center")

# %% [markdown]
# ## Is it right?
#
# A fit has its own test: if the model holds, the misfit is the noise and nothing else. And here a
# theory predicts all three numbers, {eqn}`84`, {eqn}`85` and {eqn}`78`. Deviations are given in
# standard errors; two or three are common, ten would be a discovery or a mistake.

# %%
theory = om.relaxation(film, temperature, field)
for name, value, error, predicted in (
    ("T1 (ps)", T1, error_T1, theory.tau_longitudinal / PS),
    ("T2 (ps)", T2, error_T2, theory.tau_transverse / PS),
    ("omega (rad/ps)", omega, error_omega, theory.precession * PS),
    ("B_sd (T)", B_sd, error_B_sd, theory.exchange_field),
):
    off = (value - predicted) / error
    print(f"{name:15}{value:8.3f}   theory {predicted:8.3f}   off by {off:+.1f} errors")
misfit = np.concatenate([along - decay(times, *decayed), both - spiral(times, *spun)])
print(f"misfit over noise: {misfit.std() / noise:.3f}, expected 1 +- {1 / np.sqrt(2 * 753):.3f}")

# %% [markdown]
# `method="evolution"` of {py:func}`openmr.relaxation` does the same without noise, with all nine
# elements of the $3\times3$ tensor at once. It states its own uncertainty.

# %% tags=["quantum"]
fitted = om.relaxation(film, temperature, field, method="evolution")
miss = np.abs(fitted.tensor - theory.tensor).max() / theory.longitudinal
stated = fitted.uncertainty.max() / theory.longitudinal
print(f"evolution off by {miss:.0e} of a rate, says {stated:.0e}")

# %% [markdown]
# Both the data and the closed forms keep the electron's own splitting out of the scattering. At
# 10 K it is 1.6 times $k_BT$, so a real Fermi sea differs by a few per cent across the field;
# lesson 8 comes back to that.

# %% [markdown]
# ## Exercise 1
#
# The moments of this film have the mean spin `state.mean_spin[0]`. Turn the measured `B_sd`
# into the coupling $n_SJ$ in eV, call it `coupling`, by
# $B_{sd} = n_SJ\langle S_\parallel\rangle/g\mu_B$. Mind the sign: spins point against the field,
# so $\langle S_\parallel\rangle < 0$. It is checked to five standard errors of `B_sd`.

# %% tags=["hide-cell"]
coupling = 2 * om.units.MU_B * B_sd / state.mean_spin[0]

# %%
error = abs(2 * om.units.MU_B * error_B_sd / state.mean_spin[0])
# five standard errors: one record in two million lies outside
assert abs(coupling + 1e-3) < 5 * error, (
    "more than five standard errors away from the film's -1 meV: is it in eV, negative, and from "
    "the measured `B_sd`?"
)
print(f"correct: n_S J = {1e3 * coupling:.4f} +- {1e3 * error:.4f} meV")

# %% [markdown]
# ## Exercise 2
#
# A slow recorder takes one sample every 2.5 ps. Between two samples the spin turns by more than
# half a circle, and the recorder cannot know how often it went round. It sees the frequency
# closest to zero that agrees with its samples. Work out which one, in rad/ps, call it `alias`.
# Use the theory's $\omega_L$, `PS * theory.precession`. It is checked to $10^{-6}$ rad/ps.

# %% tags=["hide-cell"]
slow = 2.5
turned = PS * theory.precession * slow
alias = (turned - 2 * np.pi * np.round(turned / (2 * np.pi))) / slow

# %%
sparse = 2.5 * np.arange(5)
x, y, _ = record(0, sparse, 0.0, seed=0)
seen = np.diff(np.unwrap(np.angle(x + 1j * y))) / 2.5
# the solver keeps the phase to its relative tolerance times the steps it takes, below 1e-6
assert np.allclose(seen, alias, rtol=0, atol=1e-6), (
    "not what noiseless samples show, to 1e-6 rad/ps: take whole turns off omega_L times 2.5 ps "
    "until less than half a turn is left, keep the sign, and divide by 2.5 ps"
)
print(f"correct: sampled too slowly, {PS * theory.precession:.3f} rad/ps looks like {alias:.3f}")

# %% [markdown]
# ## Exercise 3
#
# You can afford $N$ samples, evenly spaced from 0 to $w$. How long should $w$ be to know a decay
# time best? For $e^{-\gamma t}$ of known amplitude the error of $\gamma$ is
# $\text{noise}/\sqrt{\sum_i t_i^2e^{-2\gamma t_i}}$. Find the $w$ at which it is least, for many
# samples, in units of the decay time, call it `best`. It is checked to 0.005, which is three
# digits.

# %% tags=["hide-cell"]
from scipy.optimize import minimize_scalar


def information(w, samples=100_001):
    """Per sample: the mean of t^2 exp(-2t) over the window."""
    t = np.linspace(0, w, samples)
    return np.mean(t**2 * np.exp(-2 * t))


best = minimize_scalar(lambda w: -information(w), bounds=(0.5, 5.0), method="bounded").x

# %%
# at the optimum a last sample adds as much as the mean one: w^2 exp(-2w) = (1/w) integral. Their
# ratio is 1/3 for the shortest records and passes 1 once, with a slope of 0.8 per unit of w
w = best
assert w > 0, "no record at all: `best` is a time, in units of the decay time"
mean_over_last = (np.exp(2 * w) - 1 - 2 * w - 2 * w**2) / (4 * w**3)
assert abs(mean_over_last - 1) < 0.8 * 0.005, (
    "not the optimum to 0.005: a longer or a shorter record tells more. The samples are many, and "
    "their number does not depend on w"
)
print(f"correct: record for {best:.2f} decay times; the 25 ps above were {25 / T1:.1f} of them")
