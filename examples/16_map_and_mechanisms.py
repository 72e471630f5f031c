"""Resistance over field and temperature, and what each mechanism adds to it
=========================================================================

Right: an antiferromagnet and a ferrimagnet heated through their ordering temperatures. The
antiferromagnet has the anisotropy of relaxation alone; it vanishes at T_N in proportion to T_N - T.
The sublattices of the ferrimagnet compensate in their effect on the precession at one temperature.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import plotting

film = om.presets.pt_py(exchange_energy=-1e-3)
field, kelvin = np.linspace(0, 25, 101), np.linspace(4, 80, 77)
grid = om.magnetoresistance(film, kelvin[:, None], field, (1, 0, 0))
parts = om.mechanisms(film.film, om.relaxation(film, 10.0, field), (1, 0, 0))

J0 = 3 * om.units.K_B * 40.0 / (2 * 3)
one = om.Moments(spin=2, density=0.83e27, exchange_energy=1e-3)
other = om.Moments(spin=2, density=0.83e27, exchange_energy=0.8e-3)
weiss = {"antiferromagnet": [[0, -J0], [-J0, 0]], "ferrimagnet": [[-0.6 * J0, -J0], [-J0, 0]]}
ordered = {}
for name, second in (("antiferromagnet", one), ("ferrimagnet", other)):
    magnet = om.Magnet([one, second], weiss[name])
    ordered[name] = om.Sample(magnet, film.electrons, film.film, name)

figure, axes = plt.subplots(1, 3, figsize=(15, 4.3), layout="constrained")
plotting.resistivity_map(grid, ax=axes[0])
names = ("isotropic_magnon", "relaxation_anisotropy", "precession")
for name, line in zip(names, ("--", "-.", ":"), strict=True):
    part = getattr(parts, name) * 1e9
    axes[1].plot(field, part, line, label=name.replace("_", " "))
    print(f"{name:22} at 5 T and 10 K: {np.interp(5.0, field, part):8.4f} nOhm m")
axes[1].plot(field, (parts.total - parts.bare) * 1e9, "-", color="0.5", linewidth=1, label="sum")
axes[1].set_yscale("symlog", linthresh=0.01)
axes[1].set_xlabel("field along the current, $B_x$ (T)")
axes[1].set_ylabel(r"part of $\rho_L$ (n$\Omega$ m)")
axes[1].set_title("Pt/Py, 10 K")
axes[1].legend(frameon=False, loc="lower left", ncols=2, columnspacing=1.0)
axes[1].set_ylim(-0.012, None)

kelvin = np.linspace(1, 60, 237)
for (name, sample), line in zip(ordered.items(), ("-", "--"), strict=True):
    found = om.magnetoresistance(sample, kelvin, 0.0, (1, 0, 0))
    axes[2].plot(kelvin, found.drho1 * 1e9, line, label=name)
    transition = om.ordering_temperature(sample.magnet)
    omega = found.relaxation.precession
    turns = np.flatnonzero((omega[:-1] * omega[1:] < 0) & (np.abs(omega[1:]) > 1e6))  # not rounding
    if name == "antiferromagnet":  # near T_N, linear but for (T_N - T)/T_N
        near = [found.drho1[np.abs(kelvin - transition + d).argmin()] for d in (0.5, 0.25)]
        assert abs(near[0] / near[1] / 2 - 1) < 0.5 / transition
    assert len(turns) == (name == "ferrimagnet")
    where = f", precession compensated near {kelvin[turns[0]]:.1f} K" if len(turns) else ""
    print(f"{name}: orders at {om.ordering_temperature(sample.magnet):.1f} K{where}")
axes[2].set_xlabel("temperature (K)")
axes[2].set_ylabel(r"$\Delta\rho_1$ (n$\Omega$ m)")
axes[2].set_title("no field")
axes[2].legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_map_and_mechanisms.png"
figure.savefig(target, dpi=150)
print("figure:", target)
