"""Spin accumulation and spin current across the film, three ways, and for a film made of two
==========================================================================================

The current vanishes at both faces, whatever the rates. With moments near one face only, the
profile is lopsided and has no closed form; it is found on a grid that refines itself.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import diffusion, plotting

sample = om.presets.pt_py(exchange_energy=-1e-3)
film, b = sample.film, (0.6, 0.0, 0.8)
rates = om.relaxation(sample, temperature=10.0, field=15.0)
field_strength = 2e4  # V/m: 1e10 A/m^2


def uniform(depth):
    return np.broadcast_to(diffusion.film_tensor(rates, b), (len(depth), 3, 3))


def near_one_face(depth):
    """Moments to a depth of about 2 nm, Pt alone below."""
    bare = film.spin_flip_rate * np.eye(3)
    share = 0.5 - 0.5 * np.tanh((depth - 2e-9) / 0.3e-9)
    return bare + share[:, None, None] * (diffusion.film_tensor(rates, b) - bare)


grid = diffusion.graded_profile(film, uniform, electric_field=field_strength)
options = {"depth": grid.depth, "electric_field": field_strength}
matrix = diffusion.profile(film, rates, b, **options)
modes = diffusion.profile(film, rates, b, method="closed-form", **options)
lopsided = diffusion.graded_profile(film, near_one_face, electric_field=field_strength)

largest = np.abs(modes.accumulation).max()
for other in (matrix, grid):
    miss = np.abs(other.accumulation - modes.accumulation).max() / largest
    assert miss < max(2 * other.uncertainty, 1e-12)
    verdict = "to rounding" if miss < 1e-13 else f"to {miss:.0e}, it said {other.uncertainty:.0e}"
    print(f"{other.method:12} agrees with the closed form {verdict}")
for found in (matrix, grid, lopsided):
    at_faces = np.abs(found.current[[0, -1]]).max() / np.abs(found.current).max()
    assert at_faces < 1e-12
    print(f"{found.method:12} current at the faces: {at_faces:.1g} of its largest")
sides = lopsided.accumulation[[0, -1], 1]
assert abs(sides.sum()) > 0.1 * np.abs(sides).max()  # opposite faces of an even film cancel
print(f"lopsided film: mu_y = {1e6 * sides[0]:.2f} and {1e6 * sides[1]:.2f} microvolt at the faces")

figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), layout="constrained")
for row, found in zip(axes, (matrix, lopsided), strict=True):
    for ax, quantity in zip(row, ("accumulation", "current"), strict=True):
        plotting.spin_profile(found, quantity=quantity, ax=ax)
axes[0, 0].set_title("moments everywhere, 10 K, 15 T in the $xz$ plane")
axes[1, 0].set_title("moments in the first 2 nm")
target = Path(tempfile.gettempdir()) / "openmr_spin_accumulation.png"
figure.savefig(target, dpi=150)
print("figure:", target)
