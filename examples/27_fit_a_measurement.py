"""From the instrument's file to the figure, and to the word that a film cannot tell
=================================================================================

A file as an instrument leaves it: outliers, a drift, a Hall voltage of misplaced contacts, and a
resistivity that changes with temperature. Read and fitted, exchange, ordering temperature and spin
Hall angle come out within their errors. The same curve with a cusp that the model lacks is refused,
and asked for more than it holds, the film says which parameters it does not determine.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

random = np.random.default_rng(27)
folder = Path(tempfile.gettempdir())
truth = om.presets.pt_py(-0.7e-3, curie_temperature=24.0)
bar = om.Geometry(width=10e-6, length=100e-6, thickness=truth.film.thickness)
sweep = np.concatenate([np.linspace(-9, 9, 37), np.linspace(9, -9, 37)])


def write(name, cusp=0.0):
    """A file with two loops of the field; `cusp` in ohm."""
    lines = ["Time (s)\tT (K)\tField (Oe)\tR (Ohm)"]
    for start, kelvin, more in ((0, 10.0, 1.0), (800, 30.0, 1.003)):
        rho = om.magnetoresistance(truth, kelvin, sweep, (1, 0, 0), order="exact").longitudinal
        ohm = more * rho / bar.longitudinal + 0.5 * random.normal(size=sweep.size)
        ohm += 0.6 * np.linspace(0, 1, sweep.size) + 0.03 * sweep  # drift, Hall voltage
        ohm += cusp * np.exp(-np.abs(sweep) / 2)
        ohm[random.integers(sweep.size, size=2)] += 30.0
        for i, (tesla, value) in enumerate(zip(sweep, ohm, strict=True)):
            lines.append(f"{start + 8.2 * i:.1f}\t{kelvin:.2f}\t{1e4 * tesla:.1f}\t{value:.4f}")
    (folder / name).write_text("\n".join(lines))
    return om.read(folder / name, geometry=bar, direction=(1, 0, 0))


film = om.presets.pt_py(-0.5e-3, curie_temperature=30.0)
names = ("exchange_energy", "ordering_temperature", "spin_hall_angle")
found = om.fit(write("openmr_film.txt"), film, names)
print(found)
off = (found.values - [-0.7e-3, 24.0, 0.1]) / found.uncertainties
print("off the truth, in standard deviations:", off.round(1))
assert found.verdict == "good"
assert np.all(np.abs(off) < 4)
ratio = found.resistivities[1].resistivity / found.resistivities[0].resistivity
assert abs(ratio - 1.003) < 2e-3

refused = om.fit(write("openmr_cusp.txt", cusp=5.0), film, names)
print(f"with a cusp: {refused.verdict}, p = {refused.adequacy.probability:.1g}")
assert refused.verdict == "does not describe"
assert "+-" not in repr(refused)

wide = (*names, "thickness", "diffusion_length", "diffusion_at_fixed_diffusion_length")
greedy = om.fit(found.data, film, wide)
print("asked for six:", greedy.verdict, greedy.undetermined)
assert set(greedy.undetermined) == set(wide[3:])

figure, axes = plt.subplots(2, 2, figsize=(11, 5.5), layout="constrained", height_ratios=(3, 1))
for column, fit in zip(axes.T, (found, refused), strict=True):
    om.plotting.fit(fit, ax=column)
target = folder / "openmr_fit.png"
figure.savefig(target, dpi=150)
print("figure:", target)
