"""An easy plane: how hard it is to lift the moments, read off the resistance
=============================================================================

Moments with an easy plane follow a weak field within the plane at once and leave it unwillingly.
A scan of the field from the plane to the normal then has not the shape of a free moment's, and
magnetic ions without a moment in their lowest state (integer spin, D > 0) hardly relax spins at
all when they are cold.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

base = om.presets.pt_py()
KELVIN, FIELD = 2.0, 1.0


def film(spin, anisotropy):
    """A film of such moments; the crystal's z is the film's normal."""
    moments = om.Moments(spin, density=5e26, exchange_energy=-5e-4, anisotropy=anisotropy)
    return om.Sample(om.Magnet(moments), base.electrons, base.film, "film")


angle = np.linspace(0, np.pi, 91)
scan = om.scan_directions("yz", angle)
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
for d, line in ((0.0, "-"), (1e-4, "--"), (4e-4, ":")):
    state = om.equilibrium(film(2.5, d), KELVIN, FIELD, direction=scan)
    x, y, z = np.moveaxis(state.mean[:, 0], -1, 0)
    assert np.abs(x).max() < 1e-12
    along = np.unwrap(np.arctan2(-z, -y))
    left.plot(np.degrees(angle), np.degrees(along), line, label=f"D = {1e3 * d:g} meV")
    rho = om.magnetoresistance(film(2.5, d), KELVIN, FIELD, scan, method="batched").longitudinal
    right.plot(np.degrees(angle), 1e6 * (rho / rho[0] - 1), line)
    lag = np.degrees(np.max(np.abs(along - angle)))
    print(f"D = {1e3 * d:g} meV: the moments lag by up to {lag:.1f} degrees")
    assert (lag > 10) == (d > 0)
left.set(xlabel="field turned from the plane by (degrees)", ylabel="moments (degrees)")
right.set(xlabel="field turned from the plane by (degrees)", ylabel=r"$\rho_L$, change ($10^{-6}$)")
left.legend(frameon=False)

cold, hot = 0.5, 300.0
kept = {}
for spin in (1.5, 2.0):
    plane = film(spin, 1e-3)
    found = om.relaxation(plane, [cold, hot], 0.0, direction=(0, 0, 1), method="batched")
    rates = found.principal_rates - found.spin_flip_rate
    kept[spin] = rates[0, -1] / rates[1, -1]
    print(f"S = {spin:g}: {kept[spin]:.2g} of the hot exchange rate is left at {cold:g} K")
assert kept[1.5] > 0.1  # a doublet, m = 1/2 and -1/2
assert kept[2.0] < 1e-6  # a singlet, m = 0

target = Path(tempfile.gettempdir()) / "openmr_easy_plane.png"
figure.savefig(target, dpi=150)
print("figure:", target)
