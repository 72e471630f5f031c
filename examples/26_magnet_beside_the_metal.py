"""A magnet beside the metal: three rotations, and a paramagnet that a field aligns
================================================================================

Spin Hall magnetoresistance shows when the field turns in the plane of the film and across the
current, and not when it turns in the plane of current and normal. The transverse signal along
the normal is odd in the imaginary mixing conductance. On a paramagnet it grows with the field.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

electrons = om.Electrons.free(fermi_energy=5.0)
platinum = om.Film(
    thickness=7e-9,
    spin_hall_angle=0.11,
    diffusion=electrons.diffusion(40e-8),
    diffusion_length=1.5e-9,
    resistivity=40e-8,
)
layer = om.Layer(platinum, electrons)


def on(sheet):
    """Pt with that at its upper face."""
    return om.Sample(stack=om.Stack([layer], top=sheet))


NORMAL = (0, 0, 1)
yig = on(om.Sheet(G_r=4e14, G_i=2e13))
angle = np.linspace(0, 2 * np.pi, 181)
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
lowest = om.magnetoresistance(yig, 300.0, 0.1, (0, 1, 0)).longitudinal
swing = {}
for (plane, name), line in zip(
    {"xy": r"$\alpha$", "yz": r"$\beta$", "zx": r"$\gamma$"}.items(), ("-", "--", ":"), strict=True
):
    rho = om.magnetoresistance(yig, 300.0, 0.1, om.scan_directions(plane, angle)).longitudinal
    left.plot(np.degrees(angle), 1e4 * (rho - lowest) / platinum.resistivity, line, label=name)
    swing[plane] = np.ptp(rho) / platinum.resistivity
    print(f"{plane}: resistance swings by {swing[plane]:.2e}")
assert abs(swing["xy"] / swing["yz"] - 1) < 1e-9  # the Hanle effect of 0.1 T is 1e-12 of it
assert swing["zx"] < 1e-12

signal = [
    float(om.magnetoresistance(on(om.Sheet(G_r=4e14, G_i=sign)), 300.0, 0.0, NORMAL).transverse)
    for sign in (2e13, -2e13)
]
print(f"rho_T along the normal: {signal[0]:+.3e} and, for -G_i, {signal[1]:+.3e} Ohm m")
assert abs(signal[0] + signal[1]) < 1e-12 * abs(signal[0])
assert signal[0] != 0

ggg = on(om.Sheet(spin=3.5, areal_density=2e18, exchange=3e-31))
bare = om.Sample(None, electrons, platinum)
field = np.linspace(0, 9, 91)
for kelvin, line in zip((2.0, 5.0, 20.0), ("-", "--", ":"), strict=True):
    excess = (
        om.magnetoresistance(ggg, kelvin, field, NORMAL).sheet_transverse
        - om.magnetoresistance(bare, kelvin, field, NORMAL).sheet_transverse
    )
    right.plot(field, 1e3 * np.abs(excess), line, label=f"{kelvin:g} K")
    assert np.all(np.diff(np.abs(excess)) > 0)
print("on the paramagnet it grows with the field at every temperature")
left.set(
    xlabel="angle (degrees)",
    ylabel=r"$(\rho_L - \rho_L^{\,y})\,/\,\rho_{L0}$ ($10^{-4}$)",
    title="Pt on a ferrimagnet",
)
right.set(
    xlabel="field along the normal (T)",
    ylabel=r"$|R_T|$ less that of bare Pt (m$\Omega$)",
    title="Pt on a paramagnet, S = 7/2",
)
left.set_ylim(top=10)
left.legend(frameon=False, ncols=3, loc="upper center")
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_magnet_beside_the_metal.png"
figure.savefig(target, dpi=150)
print("figure:", target)
