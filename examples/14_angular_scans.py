"""Resistance while the field turns in three planes, and while a Neel vector turns
===============================================================================

The cos^2 law, Eq. (86): rho_L holds 1 - m_y^2 alone, so the field may turn from the current to the
normal without any effect. An antiferromagnet shows the same law with its Neel vector and no field.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import plotting

angle = np.linspace(0, 2 * np.pi, 181)
film = om.presets.pt_py(exchange_energy=1e-3)
scans = {
    plane: om.magnetoresistance(film, 10.0, 5.0, om.scan_directions(plane, angle))
    for plane in ("xy", "yz", "zx")
}

neel = 40.0  # K
J0 = 3 * om.units.K_B * neel / (2 * 3)  # S = 2
moments = om.Moments(spin=2, density=0.83e27, exchange_energy=1e-3)
magnet = om.Magnet([moments, moments], weiss=[[0, -J0], [-J0, 0]])
antiferromagnet = om.Sample(magnet, film.electrons, film.film, "antiferromagnet")
print(f"Neel temperature: {om.neel_temperature(magnet):.1f} K")
kelvin = (4.0, 30.0, 38.0, 41.0)
turned = {
    f"{t:g} K": om.magnetoresistance(antiferromagnet, t, 0.0, om.scan_directions("xy", angle))
    for t in kelvin
}

figure, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
plotting.angular_scan(angle, scans, ax=axes[0])
axes[0].set_title("ferromagnet, 10 K, 5 T (circles: $\\cos^2$)")
plotting.angular_scan(angle, scans, part="transverse", ax=axes[1])
axes[1].set_title("the same")
for (label, scan), line in zip(turned.items(), ("-", "--", "-.", ":"), strict=True):
    change = 1e6 * (scan.longitudinal / scan.longitudinal[45] - 1)
    axes[2].plot(np.rad2deg(angle), change, line, label=label)
axes[2].set_xlabel("angle of the Neel vector, $x$ to $y$ (degrees)")
axes[2].set_xticks(np.arange(0, 361, 90))
axes[2].set_ylabel(r"$\rho_L(\alpha)/\rho_L(90^\circ) - 1$  ($10^{-6}$)")
axes[2].set_title("antiferromagnet, no field")
axes[2].set_ylim(-60, 1900)
axes[2].legend(frameon=False, ncols=4, loc="upper center", columnspacing=1.0)

for plane, scan in scans.items():
    first, last = scan.longitudinal[0], scan.longitudinal[45]
    law = last + (first - last) * np.cos(angle) ** 2
    swing = 1e3 * np.ptp(scan.longitudinal) / first
    miss = np.max(np.abs(scan.longitudinal - law)) / first
    assert miss < 1e-14
    assert (swing < 1e-12) == (plane == "zx")
    print(f"{plane}: rho_L varies by {swing:.3f} in 1000, cos^2 law misses by {miss:.0e}")
for label, scan in turned.items():
    swing = 1e6 * (scan.longitudinal[0] / scan.longitudinal[45] - 1)
    law = scan.longitudinal[45] * (1 + 1e-6 * swing * np.cos(angle) ** 2)
    assert np.allclose(scan.longitudinal, law, rtol=1e-14, atol=0)
    assert (swing > 1e-6) == (float(label.split()[0]) < neel)
    print(f"antiferromagnet at {label:>4}: rho_L(x) / rho_L(y) - 1 = {swing:.3f} in 1e6")
target = Path(tempfile.gettempdir()) / "openmr_angular_scans.png"
figure.savefig(target, dpi=150)
print("figure:", target)
