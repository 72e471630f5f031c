"""What can be learned from a measured curve, and what cannot
==========================================================

Noise is put on a computed rho_L(B) of Pt/Py, written to a CSV file, and fitted from wrong starting
values. Four parameters come out. Asked for six, the fit says which products the data leave open:
only two of thickness, diffusion length and diffusion coefficient can ever be told from rho_L.
"""

import csv
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import diagnosis

rng = np.random.default_rng(2025)
folder = Path(tempfile.gettempdir())
truth = om.presets.pt_py(exchange_energy=-1e-3, curie_temperature=30.0)
kelvin, field = np.array([10.0, 30.0, 60.0]), np.linspace(0.5, 25, 25)
noise = 2e-10  # Ohm m
exact = om.magnetoresistance(truth, kelvin[:, None], field, (1, 0, 0), order="exact").longitudinal
noisy = exact + noise * rng.normal(size=exact.shape)
with (folder / "openmr_measured.csv").open("w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["temperature", "field", "b_x", "b_y", "b_z", "longitudinal", "uncertainty"])
    for i, temperature in enumerate(kelvin):
        for j, tesla in enumerate(field):
            table.writerow([temperature, tesla, 1, 0, 0, noisy[i, j], noise])

start = om.presets.pt_py(exchange_energy=-0.8e-3, curie_temperature=36.0)
names = ("exchange_energy", "ordering_temperature", "diffusion_length", "spin_hall_angle")
found = diagnosis.fit(start, folder / "openmr_measured.csv", names)
print(found)
true = np.array([-1e-3, 30.0, truth.film.diffusion_length, 0.1])
assert np.all(np.abs(found.values - true) < 4 * found.uncertainties)
print(f"true: -0.001 eV, 30 K, {truth.film.diffusion_length:.2g} m, 0.1")
wide = (*names, "thickness", "diffusion_at_fixed_diffusion_length")
greedy = diagnosis.fit(found.sample, folder / "openmr_measured.csv", wide)
print(greedy)
(left_open,) = greedy.undetermined_combinations
assert {name for name, _ in left_open.exponents} == {names[2], *wide[4:]}

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
model = found.model.reshape(exact.shape)
for i, (colour, line, mark) in enumerate((("C0", "-", "o"), ("C1", "--", "s"), ("C2", "-.", "^"))):
    label = f"{kelvin[i]:g} K"
    left.plot(field, noisy[i] * 1e6, mark, color=colour, markerfacecolor="none", markersize=5)
    left.plot(field, model[i] * 1e6, line, color=colour, marker=mark, markevery=[], label=label)
left.set_xlabel("field along the current, $B_x$ (T)")
left.set_ylabel(r"resistivity $\rho_L$ ($\mu\Omega$ m)")
left.set_title("markers: data, lines: fit")
left.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.62))
picture = right.imshow(found.correlations, vmin=-1, vmax=1, cmap="cividis")
for (row, column), value in np.ndenumerate(found.correlations):
    shade = "k" if value > 0.2 else "w"
    right.text(column, row, f"{value:.2f}", ha="center", va="center", color=shade)
ticks = [name.replace("_", "\n") for name in names]
right.set_xticks(range(4), ticks)
right.set_yticks(range(4), ticks)
figure.colorbar(picture, ax=right, label="correlation")
target = folder / "openmr_diagnosis.png"
figure.savefig(target, dpi=150)
print("figure:", target)
