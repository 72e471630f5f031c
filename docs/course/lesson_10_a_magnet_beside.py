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
# # Lesson 10: a magnet beside the metal
#
# **Question.** A platinum film lies on an insulating magnet. No current enters the magnet, and yet
# the film's resistance depends on where the magnetisation points. How does a metal feel a magnet
# that its current never touches?
#
# You need: lesson 7 (spin accumulation, the Hanle effect). Time: 25 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize_scalar

import openmr as om

# %% [markdown]
# ## A face that takes spins
#
# The current sends spins up and down: polarised along $+y$ to one face, along $-y$ to the other.
# There they pile up, and the pile drives a current back, which the inverse spin Hall effect turns
# into charge. So the film conducts the *better*, the more spin its faces keep.
#
# A magnet at a face takes spins that are not along its magnetisation $\mathbf m$: their transverse
# part is turned and dephased by the exchange field of the moments. How fast is said by three
# conductances per area: $G_s$ for spins along $\mathbf m$ (they flip, and the moments keep the
# difference), $G_s + G_r$ across it, and $G_i$ for precession about it. In openmr a face with
# moments is a {py:class}`openmr.Sheet <openmr.sample.stack.Sheet>`, given here by numbers such as
# those of YIG on platinum.

# %%
electrons = om.Electrons.free(fermi_energy=5.0)
PT = om.Film(
    thickness=7e-9, spin_hall_angle=0.11, diffusion=electrons.diffusion(40e-8),
    diffusion_length=1.5e-9, resistivity=40e-8,
)  # fmt: skip
layer = om.Layer(PT, electrons)
bilayer = om.Sample(stack=om.Stack([layer], top=om.Sheet(G_r=4e14, G_i=2e13)), name="Pt on YIG")

WEAK = 0.1  # T: turns the magnetisation, but is no Hanle field
for name, direction in {"x, along the current": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}.items():
    found = om.magnetoresistance(bilayer, 300.0, WEAK, direction)
    print(f"m along {name:21} R = {float(found.sheet_longitudinal):.4f} Ohm per square")

# %% [markdown]
# Along $y$, parallel to the spins that pile up, the magnet takes none: the resistance is lowest.
# Along $x$ and $z$ it is the same. That is the fingerprint of the *spin Hall magnetoresistance*,
# and it tells the effect from the magnetoresistance of a magnetic metal, which asks for the angle
# between $\mathbf m$ and the current.
#
# ## Three rotations
#
# Laboratories turn the field in three planes: $\alpha$ in the plane of the film, $\beta$
# across the current, $\gamma$ in the plane of current and normal.

# %%
angle = np.linspace(0, 2 * np.pi, 181)
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
looks = {"xy": ("-", r"$\alpha$"), "yz": ("--", r"$\beta$"), "zx": (":", r"$\gamma$")}
lowest = om.magnetoresistance(bilayer, 300.0, WEAK, (0, 1, 0)).sheet_longitudinal
amplitude = {}
for plane, (line, label) in looks.items():
    scan = om.magnetoresistance(bilayer, 300.0, WEAK, om.scan_directions(plane, angle))
    change = scan.sheet_longitudinal - lowest
    amplitude[plane] = np.ptp(scan.longitudinal) / PT.resistivity
    start = plane[0]
    left.plot(np.degrees(angle), 1e3 * change, line, label=f"{label}, {plane} from {start}")
    right.plot(np.degrees(angle), 1e3 * scan.sheet_transverse, line, label=label)
left.set(xlabel="angle (degrees)", ylabel=r"$R_L$ less that along $y$ (m$\Omega$ per square)")
right.set(xlabel="angle (degrees)", ylabel=r"$R_T$ (m$\Omega$)")
figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
for plane, size in amplitude.items():
    print(f"{plane}: {size:.2e} of the resistivity")
# in the third plane m stays across y, and rounding is all that is left
assert amplitude["zx"] < 1e-12 * amplitude["xy"]

# %% [markdown]
# On the right the transverse signal: $\frac12\sin2\alpha$ in the plane, and along $z$ a small one
# that changes sign with $\mathbf m$. That is $G_i$: spins that come back from the magnet have
# turned about $\mathbf m$ by a little, and are read as a Hall signal.
#
# ## Where the conductances come from
#
# Moments at the face are the moments of lessons 1 to 8, in a plane. With the rates of one moment,
# $\gamma$ per density, a sheet of $n_{2D}$ of them takes up spins at a velocity $W = n_{2D}\gamma$,
# and $G = \sigma W/2D$. {py:func}`openmr.face_conductances` gives them at any temperature and
# field, by closed form or by a master equation.

# %%
europium = om.Sheet(spin=3.5, areal_density=2e18, exchange=3e-31, curie_temperature=16.6)
gadolinium = om.Sheet(spin=3.5, areal_density=2e18, exchange=3e-31)  # a paramagnet
kelvin = np.array([2.0, 5.0, 10.0, 16.6, 30.0, 100.0])
quantum = om.face_conductances(europium, layer, kelvin, 0.5, method="bloch-redfield")
formula = om.face_conductances(europium, layer, kelvin, 0.5)
print("   T (K)    G_s         G_r         G_i   (S/m^2)")
for row in zip(kelvin, formula.G_s, formula.G_r, formula.G_i, strict=True):
    print("{:8.1f}  {:.4e}  {:.4e}  {:.4e}".format(*row))
whole = formula.G_s + formula.G_r
assert np.all(np.abs(quantum.G_r - formula.G_r) < 1e-12 * whole)

# %% [markdown]
# Cold, the moments are aligned: spins along $\mathbf m$ cannot flip them and $G_s$ vanishes, while
# $G_r$ and $G_i$ are largest. Hot, the moments point anywhere: all spins are lost alike, $G_s$
# stays and $G_r$ goes. So the signal of the ordered magnet dies with its order. A paramagnet shows
# one where a field aligns it:

# %%
field = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
garnet = om.Sample(stack=om.Stack([layer], top=gadolinium), name="Pt on GGG")
bare = om.Sample(None, layer.electrons, PT, name="Pt")
normal = (0, 0, 1)
signal = (
    om.magnetoresistance(garnet, 5.0, field, normal).sheet_transverse
    - om.magnetoresistance(bare, 5.0, field, normal).sheet_transverse
)
for tesla, ohm in zip(field, signal, strict=True):
    print(f"{tesla:4.1f} T: R_T, less that of bare Pt, {1e6 * ohm:8.3f} uOhm")
assert np.all(np.diff(np.abs(signal)) > 0)

# %% [markdown]
# So the answer: **the metal does not feel the magnet by its current but by the spins that the
# current pushes to the face. A face that takes them raises the resistance, and what it takes
# depends on the angle between their polarisation and the magnetisation.**

# %% [markdown]
# ## Exercise 1
#
# Without field and with $G_s = G_i = 0$ the effect has a closed form: relative to $\rho_0$, the
# resistance with $\mathbf m$ along $x$ exceeds that with $\mathbf m$ along $y$ by
# $\theta^2\,\frac{1}{\kappa}\,\frac{g\,\tanh^2(\kappa/2)}{1 + g\coth\kappa}$ with
# $\kappa = d/\ell$ and $g = 2\rho G_r\ell$. Work it out for the film above and call it `chen`.
# It is checked to $10^{-12}$.

# %% tags=["hide-cell"]
kappa = PT.thickness / PT.diffusion_length
g = 2 * PT.resistivity * 4e14 * PT.diffusion_length
chen = PT.spin_hall_angle**2 * g * np.tanh(kappa / 2) ** 2 / (1 + g / np.tanh(kappa)) / kappa

# %%
plain = om.Sample(stack=om.Stack([layer], top=om.Sheet(G_r=4e14)))
along_x, along_y = (
    om.magnetoresistance(plain, 300.0, 0.0, m).longitudinal for m in ((1, 0, 0), (0, 1, 0))
)
ratio = float(along_x - along_y) / PT.resistivity
# the difference of two numbers of size 1, each to 2e-16, over 1e-3
assert abs(chen - ratio) < 1e-15 + 1e-12 * ratio, (
    "not the ratio to 1e-12: g is 2 rho G_r l with the length of the film, kappa is d/l"
)
print(f"correct: {chen:.9e}; the library has {ratio:.9e}")

# %% [markdown]
# ## Exercise 2
#
# Which thickness shows the effect best? For $G_r\to0$ the optimum of $d/\ell$ solves
# $2x = \sinh x$, $x = 2.177$; for a perfect sink it is 2.335. Find it for $G_r = 4\cdot10^{14}$
# S/m$^2$, in metres, call it `thickest`. It is checked to 0.01 nm.

# %% tags=["hide-cell"]


def loss(thickness):
    """Minus the effect of a film that thick."""
    k = thickness / PT.diffusion_length
    return -(np.tanh(k / 2) ** 2) / (1 + g / np.tanh(k)) / k


thickest = minimize_scalar(loss, bounds=(1e-9, 9e-9), method="bounded", options={"xatol": 1e-13}).x

# %%


def effect(thickness):
    """The same by the library."""
    film = om.Film(
        thickness=thickness, spin_hall_angle=0.11, diffusion=PT.diffusion,
        diffusion_length=1.5e-9, resistivity=40e-8,
    )  # fmt: skip
    stack = om.Stack([om.Layer(film, layer.electrons)], top=om.Sheet(G_r=4e14))
    x, y = (
        om.magnetoresistance(om.Sample(stack=stack), 300.0, 0.0, m).longitudinal
        for m in ((1, 0, 0), (0, 1, 0))
    )
    return float(x - y)


assert effect(thickest) > max(effect(thickest - 1e-11), effect(thickest + 1e-11)), (
    "a film 0.01 nm thicker or thinner shows more: it is a thickness in metres, not in lengths"
)
print(f"correct: {1e9 * thickest:.3f} nm, {thickest / PT.diffusion_length:.4f} diffusion lengths")

# %% [markdown]
# ## Exercise 3
#
# An unknown film was measured with $\mathbf m$ along the normal in no field: `measured` is
# $\rho_T/\rho_0$, and all but $G_i$ is as in exercise 1. For small $G_i$ the signal is proportional
# to it. Find $G_i$ in S/m$^2$ and call it `mixing`. It is checked to 0.5 %.

# %%
hidden = np.random.default_rng(10).uniform(0.5e13, 2e13)


def transverse(imaginary):
    """rho_T over rho_0 with m along the normal."""
    sample = om.Sample(stack=om.Stack([layer], top=om.Sheet(G_r=4e14, G_i=imaginary)))
    return float(om.magnetoresistance(sample, 300.0, 0.0, normal).transverse) / PT.resistivity


measured = transverse(hidden)

# %% tags=["hide-cell"]
mixing = 1e12 * measured / transverse(1e12)

# %%
# the next term is of third order: (G_i / (G_r + sigma / 2l))^2, 2e-3 at most
assert abs(mixing / hidden - 1) < 0.005, (
    "not G_i to 0.5 %: the signal is linear in it, so one film of a small known G_i is enough"
)
print(f"correct: {mixing:.4e} S/m^2, the film has {hidden:.4e}")
