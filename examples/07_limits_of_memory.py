"""Where the second-order equation fails: positivity, and the level shift of the small space
=========================================================================================

With the electron's splitting kept and anisotropic coupling the map is not completely positive; the
secular form is. The level shift grows linearly with the band, and its logarithm has the sign
opposite to that of the Fermi sea: both are artefacts, and no rate depends on them.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import kinetics, master
from openmr.rates.routes.kinetic import electron_sea
from openmr.rates.routes.tcl2 import electron_generator

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")

film, temperature, field = om.presets.pt_py((1e-3, 0.0, 0.0)), 2.0, 5.0
times = np.concatenate([[0.0], np.geomspace(1e-2, 60, 80)])
forms = {
    "splitting kept": ({}, "-", "C0"),
    "kept, full secular": ({"resolution": np.inf}, "--", "C1"),
    "splitting left out": ({"electron_splitting": False}, ":", "C2"),
}
for name, (options, line, color) in forms.items():
    chosen = {"electron_splitting": True, "kernel": "flat", **options}
    memory = electron_generator(film, temperature, field, **chosen)
    found = master.evolve(memory, memory.system.as_superoperator(np.eye(4)), times)
    left.semilogx(times[1:], 1e4 * found.lowest_choi[1:], line, color=color, label=name)
    positive = name != "splitting kept"
    assert found.lowest_choi.min() > -1e-12 if positive else found.lowest_choi.min() < -1e-6
    first = found.crossings
    when = f"first negative at {first[0]:.1e} hbar/k_BT" if first else "never negative"
    print(f"{name:20}: lowest Choi eigenvalue {found.lowest_choi.min():9.2e}, {when}")
left.axhline(0, color="0.7", linewidth=0.8, zorder=0)
left.set(
    xlabel=r"time since the product state, $k_BTt/\hbar$",
    ylabel=r"lowest eigenvalue of the Choi matrix ($10^{-4}$)",
)

film, temperature = om.presets.pt_py(exchange_energy=-1e-3, curie_temperature=0.0), 10.0
state = om.equilibrium(film, temperature, field)
moments, x = film.magnet.sublattices[0], float(state.splitting[0]) / (om.units.K_B * temperature)
unit = moments.density * film.electrons.dos * moments.exchange[2] ** 2 / om.units.HBAR
unit = unit * float(state.mean_spin[0])
widths = np.geomspace(0.1, 100, 10)
short = {"time": 30 * om.units.HBAR / (om.units.K_B * temperature)}
shifts = [
    float(
        om.relaxation(film, temperature, field, method="tcl2", half_width=w, **short).diagnostics[
            "level_shift"
        ]
    )
    for w in widths
]
band = widths / (om.units.K_B * temperature)
shifts = np.array(shifts) / unit
right.loglog(band, shifts, "o", color="C0", label="one electron, one moment")
right.loglog(band, 0.5 * band, "-", color="C1", label=r"$W/2k_BT$")
sea = electron_sea(film, temperature, field)
fermi = np.array([kinetics.level_shift(sea, b)[0, 1] for b in band]) / unit
right.loglog(band, fermi, "s", color="C2", markerfacecolor="none", label="Fermi sea")
right.loglog(band, np.log(band) + fermi[-1] - np.log(band[-1]), "--", color="C2",
             label=r"$\ln(W/k_BT)$ + constant")  # fmt: skip
right.set(
    xlabel=r"half band width, $W/k_BT$",
    ylabel=r"level shift, $(n_S\nu_F J^2/\hbar)\,\langle S_\parallel\rangle$",
)
slope = np.diff(shifts - 0.5 * band)[-1] / np.diff(np.log(band))[-1]
print(f"level shift = W/2 k_B T + ({slope:.3f}) ln W; -(x/2) coth(x/2) = ", end="")
print(f"{-0.5 * x / np.tanh(0.5 * x):.3f}")
sea_slope = np.diff(fermi)[-1] / np.diff(np.log(band))[-1]
assert abs(slope + 0.5 * x / np.tanh(0.5 * x)) < 1e-3  # the band's ends: k_B T/W
assert abs(sea_slope - 1) < 1e-3
print(f"the Fermi sea's has no part linear in W, and {sea_slope:+.3f} ln W")
for ax in (left, right):
    ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_limits_of_memory.png"
figure.savefig(target, dpi=150)
print("figure:", target)
