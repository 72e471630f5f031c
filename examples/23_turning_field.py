"""Spin accumulation across the film while the field turns from the current to the side
====================================================================================

The spin Hall effect brings in spins along y. With the field along y they do not precess and decay
slowest, and only mu_y builds up. With the field along the current they turn out of the plane: mu_z
appears, and mu_y is smallest. In between, mu_x.
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

import openmr as om
from openmr import animation, diffusion

sample = om.presets.pt_py(exchange_energy=-1e-3)
rates = om.relaxation(sample, temperature=10.0, field=10.0)
angles = np.deg2rad(np.arange(0.0, 360.0, 9.0))
found = diffusion.profile(
    sample.film,
    rates,
    om.scan_directions("xy", angles),
    electric_field=2e4,  # V/m: 1e10 A/m^2
)

face = 1e6 * found.accumulation[:, 0]  # at z = 0
for degrees in (0.0, 45.0, 90.0, 135.0, 180.0):
    x, y, z = face[round(degrees / 9.0)].round(3) + 0.0
    print(f"{degrees:5.1f} degrees: mu_s at the face = ({x:6.3f}, {y:6.3f}, {z:6.3f}) microvolt")
rest, quarter = face[0], face[round(90 / 9)]
assert np.all(np.abs(face[:, 1]) <= np.abs(quarter[1]) * (1 + 1e-12))
assert np.all(np.abs(face[:, 1]) >= np.abs(rest[1]) * (1 - 1e-12))
assert np.abs(quarter[[0, 2]]).max() < 1e-12 * np.abs(quarter[1]) < np.abs(rest[2])
turned = np.roll(found.accumulation, len(angles) // 2, axis=0)
miss = np.abs(turned - found.accumulation * (1, 1, -1)).max()
assert miss < 1e-12 * np.abs(found.accumulation).max()
print(f"a reversed field reverses mu_z alone, to {miss / np.abs(face).max() * 1e6:.0e}")

target = Path(tempfile.gettempdir()) / "openmr_turning_field.gif"
draw = partial(animation.turning_field, found, angles)
animation.save(draw, range(len(angles)), target)
print("animation:", target)
draw(4)  # one picture of them
