"""How a spin of the Fermi sea decays when every energy is left to itself, or is mixed
===================================================================================

The closed form of 1/tau_par assumes one chemical potential per spin, Eq. (51). It is right at the
first instant. After that each pair of levels (up at e, down at e - eps_L) decays at its own rate,
and part of the spin never does, unless collisions among the electrons mix the energies.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import kinetics
from openmr.rates.routes.kinetic import electron_sea

film = om.presets.pt_py(curie_temperature=0.0)  # moments that split in the field alone
temperature = 4.0
depth = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0])  # beta eps_L
field = depth * om.units.K_B * temperature / (2 * om.units.MU_B)

found = om.relaxation(film, temperature, field, method="kinetic")
slope, modes = found.dissipator[:, 2, 2], found.diagnostics
for x, residue, slowest in zip(depth, modes["residue"], modes["slowest_rate"] / slope, strict=True):
    print(f"beta eps_L = {x:4.2f}: {residue:6.2%} never decays, slowest rate {slowest:.3f}/tau_par")
assert np.allclose(slope, om.relaxation(film, temperature, field).dissipator[:, 2, 2], rtol=1e-12)
pairs = np.sinh(depth / 2) / (depth / 2)  # the pair halfway between e and e - eps_L
assert np.allclose(modes["slowest_rate"] / slope, pairs, rtol=1e-6)
assert np.all(modes["residue"] > 1e-3)

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14.5, 4.2), layout="constrained")
left.semilogy(depth, modes["fastest_rate"] / slope, "C0^-", label="fastest pair")
left.semilogy(depth, modes["slowest_rate"] / slope, "C0o-", label="slowest pair")
left.axhline(1.0, color="C1", linestyle="--", label="closed form = initial slope")
left.semilogy(depth, modes["residue"], "s:", color="C2", label="part that never decays")
left.set_xlabel(r"splitting of the moments, $\beta\varepsilon_L$")
left.set_ylabel(r"rate $\times\ \tau_\parallel$,  or part of the spin")
left.legend(frameon=False)

chosen = 4  # beta eps_L = 2
rate = slope[chosen]
times = np.linspace(0, 5, 101) / rate
for ratio, line in ((0.0, "-"), (1.0, "-."), (30.0, ":")):
    sea = electron_sea(
        film, temperature, field[chosen], energy_relaxation_rate=ratio * rate, reach=20.0
    )
    spins = kinetics.longitudinal_spectrum(sea)
    spin = np.exp(-np.outer(times, spins.rates)) @ spins.weights
    middle.plot(times * rate, spin, "C0" + line, label=rf"$\tau_\parallel/\tau_{{ee}}$ = {ratio:g}")
middle.plot(times * rate, np.exp(-times * rate), "--", color="C1", label="closed form")
middle.set_xlabel(r"time, $t/\tau_\parallel$")
middle.set_ylabel("spin along the field (initial = 1)")
middle.set_title(r"$\beta\varepsilon_L = 2$")
middle.legend(frameon=False)

ratios = np.geomspace(1, 1e4, 9)
misses = []
for ratio in ratios:
    options = {"method": "kinetic", "energy_relaxation_rate": ratio * rate}
    mixed = om.relaxation(film, temperature, field[chosen], **options)
    misses.append(1 - mixed.diagnostics["slowest_rate"] / rate)
print(f"fast mixing: the rate misses the closed form by {misses[-1] * ratios[-1]:.3f} tau_ee/tau")
coefficients = np.array(misses) * ratios
assert np.all(np.abs(coefficients / coefficients[-1] - 1)[4:] < 10 / ratios[4:])  # next order
right.loglog(ratios, misses, "C0o-", label="one rate from all energies")
right.loglog(ratios, misses[-1] * ratios[-1] / ratios, "--", color="C1", label="first order")
right.set_xlabel(r"mixing of the energies, $\tau_\parallel/\tau_{ee}$")
right.set_ylabel(r"$1 -$ slowest rate $\times\ \tau_\parallel$")
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_energy_by_energy.png"
figure.savefig(target, dpi=150)
print("figure:", target)
