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
# # Lesson 7: spin diffusion and the Hanle effect
#
# **Question.** A current in a film of Pt builds up spins at its two faces. A field makes them
# precess. How does the resistance of the film notice, and at which field?
#
# You need: lesson 5 ($T_1$, $T_2$, $\omega_L$), the diffusion equation. Time: 25 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import openmr as om

# %% [markdown]
# ## From a current to spins at the faces
#
# The current flows along $x$, the normal of the film is $z$. The spin Hall effect sends spins
# that point along $y$ up or down the film: a spin current along $z$. It cannot leave through the
# faces, so spins pile up there until diffusion carries back what the spin Hall effect brings. The
# accumulation $\boldsymbol\mu_s(z)$ obeys, {eqn}`81` and {eqn}`82`,
#
# $$
# \begin{aligned}
# D\,\boldsymbol\mu_s''
# &= \boldsymbol\mu_s/\tau_0 - \omega_L\,\mathbf b\times\boldsymbol\mu_s\quad\text{inside,}\\
# \mu_y' &= -2e\,\theta_{SH}E,\quad \mu_x' = \mu_z' = 0\quad\text{at both faces.}
# \end{aligned}
# $$
#
# This lesson leaves the moments uncoupled, $n_SJ = 0$: all spins relax at $1/\tau_0$ and precess
# at $\omega_L = g\mu_BB/\hbar$. Take a field along the current, $\mathbf b = \hat x$. It turns
# $y$ into $z$, so $m = \mu_y + i\mu_z$ has an equation of its own,
# $D\,m'' = (1/\tau_0 - i\omega_L)\,m$. Its solution is that of plain diffusion with a *complex*
# length $\lambda$:
#
# $$
# m(z) = -2e\,\theta_{SH}E\,\lambda\,\frac{\sinh[(z - d/2)/\lambda]}{\cosh(d/2\lambda)},
# \qquad \frac1{\lambda^2} = \frac1{\ell_0^2} - \frac{i\omega_L}{D} .
# $$

# %%
sample = om.presets.pt_py(exchange_energy=0.0)
film = sample.film
ALONG_CURRENT = (1, 0, 0)
electric_field = 2e4  # V/m


def by_hand(field, depth):
    """mu_y + i mu_z in eV for a field along the current."""
    omega = sample.electrons.g * om.units.MU_B * field / om.units.HBAR
    length = 1 / np.sqrt(1 / film.diffusion_length**2 - 1j * omega / film.diffusion)
    d = film.thickness
    shape = np.sinh((depth - d / 2) / length) / np.cosh(d / (2 * length))
    return -2 * film.spin_hall_angle * electric_field * length * shape


def profile(field):
    rates = om.relaxation(sample, 10.0, field)
    return om.diffusion.profile(film, rates, ALONG_CURRENT, electric_field=electric_field)


for field in (0.0, 1.0, 5.0):
    found = profile(field)
    m = by_hand(field, found.depth)
    miss = np.abs(found.accumulation[:, 1] + 1j * found.accumulation[:, 2] - m).max()
    y, z = 1e6 * m[0].real, 1e6 * m[0].imag + 0.0
    print(f"{field:.0f} T: at a face mu_y = {y:.2f} and mu_z = {z:.2f} microelectronvolt, ", end="")
    print("as the library" if miss < 1e-12 * abs(m[0]) else "unlike the library")

# %% [markdown]
# The library takes a function of the whole relaxation tensor, which may be any; here it must
# agree with the complex length, and does. (The paper's $\Lambda$, below {eqn}`90`, is the complex
# conjugate of $\lambda$.)
#
# ## From the spins to the resistance
#
# The current that diffusion carries back is turned into charge current by the inverse spin Hall
# effect, along $x$ and in the direction of $\mathbf E$. What diffusion brings back lowers the
# resistance. Averaged over the film it is the fraction
#
# $$
# F = \mathrm{Re}\,\frac{2\lambda}{d}\tanh\frac{d}{2\lambda},\qquad
# \rho_L = \rho_{L0}\,[1 + \theta_{SH}^2(2 - F)] ,
# $$
#
# {eqn}`86` with {eqn}`88` and {eqn}`89`. In a field the spins get out of step while they diffuse,
# $F$ falls, and the resistance *rises*: the Hanle magnetoresistance. A field along $y$ is
# parallel to the spins, turns nothing and changes nothing.

# %%
field = np.linspace(-6, 6, 121)
curves = {
    axis: om.magnetoresistance(sample, 10.0, field, direction)
    for axis, direction in (("x", (1, 0, 0)), ("y", (0, 1, 0)), ("z", (0, 0, 1)))
}
d = film.thickness
omega = sample.electrons.g * om.units.MU_B * field / om.units.HBAR
wave = 1 / np.sqrt(1 / film.diffusion_length**2 - 1j * omega / film.diffusion)
F = (2 * wave / d * np.tanh(d / (2 * wave))).real
expected = film.resistivity * (1 + film.spin_hall_angle**2 * (2 - F))
miss = np.abs(curves["x"].longitudinal / expected - 1).max()
print("by hand and by the library:", "the same" if miss < 1e-14 else f"{miss:.0e} apart")
for axis, curve in curves.items():
    change = curve.longitudinal[-1] / curve.longitudinal[60] - 1
    print(f"field along {axis}: resistance in 6 T changes by {1e3 * change:.3f} in 1000")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
depth, still, turned = 1e9 * profile(0.0).depth, profile(0.0), profile(1.0)
left.plot(depth, 1e6 * still.accumulation[:, 1], "-", color="#000000", label=r"$\mu_y$, no field")
left.plot(depth, 1e6 * turned.accumulation[:, 1], "--", color="#d55e00", label=r"$\mu_y$, 1 T")
left.plot(depth, 1e6 * turned.accumulation[:, 2], ":", color="#0072b2", label=r"$\mu_z$, 1 T")
left.axhline(0, color="0.8", linewidth=0.8, zorder=0)
left.set(xlabel="depth $z$ (nm)", ylabel=r"spin accumulation ($\mu$eV)")
left.set_title("field along the current", loc="left")
styles = {"x": ("-", "#000000"), "y": (":", "#0072b2"), "z": ("o", "#d55e00")}
for axis, (line, colour) in styles.items():
    some = slice(None, None, 6 if axis == "z" else 1)
    change = 1e3 * (curves[axis].longitudinal / curves[axis].longitudinal[60] - 1)
    label = rf"$\mathbf{{B}}\parallel {axis}$"
    right.plot(field[some], change[some], line, color=colour, markerfacecolor="none", label=label)
right.set(xlabel="field (T)", ylabel=r"$\rho_L(B)/\rho_L(0) - 1$  ($10^{-3}$)")
left.legend(frameon=False)
_ = right.legend(frameon=False)

# %% [markdown]
# So the answer: **the resistance rises with the field as soon as the spins turn while they live,
# $\omega_L\tau_0\approx1$; below that it rises with $B^2$; and it does not care about a field
# along the accumulated spins.** The scale of the field is $\hbar/g\mu_B\tau_0$.

# %%
scale = film.spin_flip_rate * om.units.HBAR / (sample.electrons.g * om.units.MU_B)
print(f"omega_L tau_0 = 1 at {scale:.3f} T")
small = np.array([0.02, 0.04])
change = om.magnetoresistance(sample, 10.0, small, ALONG_CURRENT).drho1
print(f"twice the small field: {change[1] / change[0]:.4f} times the change")

# %% [markdown]
# (The diffusion constant is the paper's, $10^{-6}$ m$^2$/s. One that goes with the resistivity,
# $D = 1/(2\nu_Fe^2\rho_{L0})$, is 460 times larger and would put the scale at 290 T for the same
# $\ell_0$: a Hanle effect needs spins that diffuse slowly or live long.)

# %% [markdown]
# ## Exercise 1
#
# A very thin film brings all of its spin Hall current back, a very thick one nothing. At which
# thickness is it one half, without field and with $\ell_0 = 3$ nm? Solve $F = 1/2$ for $d$ in
# metres, call it `thickness`. It is checked to four digits.

# %% tags=["hide-cell"]
ratio = brentq(lambda u: np.tanh(u) / u - 0.5, 1.0, 3.0)  # u = d / 2 l
thickness = 2 * ratio * film.diffusion_length

# %%
from dataclasses import replace


def of_thickness(metres):
    """The same film of another thickness."""
    return om.Film(
        thickness=metres,
        spin_hall_angle=film.spin_hall_angle,
        diffusion=film.diffusion,
        spin_flip_time=film.spin_flip_time,
        resistivity=film.resistivity,
    )


other = replace(sample, film=of_thickness(thickness))
fraction = om.magnetoresistance(other, 10.0, 0.0, ALONG_CURRENT).drho0 / film.resistivity
# the slope of F is -0.42 per relative change of d, so this is four digits of the thickness
assert abs(fraction - 0.5) < 3e-5, (
    "not one half to four digits of the thickness: is it in metres, and the whole d, not d/2?"
)
print(f"correct: half comes back in a film of {1e9 * thickness:.3f} nm")

# %% [markdown]
# ## Exercise 2
#
# In a strong field nothing comes back, and $\Delta\rho_1$ of {eqn}`89` reaches $\Delta\rho_0$. At
# which field along the current has it reached half of that, in the film of 5 nm? In tesla, call
# it `half_field`. It is checked to four digits.


# %% tags=["hide-cell"]
def comes_back(field):
    """F in a field along the current."""
    omega = sample.electrons.g * om.units.MU_B * field / om.units.HBAR
    wave = 1 / np.sqrt(1 / film.diffusion_length**2 - 1j * omega / film.diffusion)
    return (2 * wave / film.thickness * np.tanh(film.thickness / (2 * wave))).real


half_field = brentq(lambda field: comes_back(field) - comes_back(0.0) / 2, 0.1, 100.0)

# %%
there = om.magnetoresistance(sample, 10.0, half_field, ALONG_CURRENT)
# the slope of drho1 over drho0 is 0.36 per relative change of the field: four digits of it
assert abs(there.drho1 / there.drho0 - 0.5) < 3e-5, (
    "not half way to four digits of the field: F has to fall to half of what it is without a field"
)
print(f"correct: half way at {half_field:.3f} T, {half_field / scale:.2f} times the scale")

# %% [markdown]
# ## Exercise 3
#
# Read the resistance off the faces. The mean of $\mu_y'$ over the film is the difference of
# $\mu_y$ between the faces over $d$, and $F$ is that mean over its value at a face,
# $-2e\,\theta_{SH}E$. Take the accumulation of `tilted` below, a field of 2 T half way between
# $x$ and $y$, and find $\rho_L$ in Ohm m, call it `rho`. It is checked to $10^{-12}$ of itself, the
# digits that a computer has.

# %%
diagonal = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
rates = om.relaxation(sample, 10.0, 2.0)
tilted = om.diffusion.profile(film, rates, diagonal, electric_field=electric_field)

# %% tags=["hide-cell"]
mu_y = tilted.accumulation[:, 1]
theta = film.spin_hall_angle
back = -(mu_y[-1] - mu_y[0]) / (2 * theta * electric_field * film.thickness)
rho = film.resistivity * (1 + theta**2 * (2 - back))

# %%
known = om.resistivity(film, rates, diagonal)
# rounding; by hand it is second order in theta_SH, as the library's default
assert abs(rho / known.longitudinal - 1) < 1e-12, (
    "not the resistivity to 1e-12 of itself: the first and last depth of `tilted` are the faces, "
    "column 1 is mu_y, and rho_L0 with its share of 2 theta_SH^2 belongs to it"
)
# half of the spins' component along y lies along the field and does not turn
full = om.resistivity(film, rates, ALONG_CURRENT).longitudinal
none = om.resistivity(film, rates, (0, 1, 0)).longitudinal
print(
    f"correct: {1e6 * rho:.6f} microohm m; of the change along x {(rho - none) / (full - none):.3f}"
)
