"""The picture of the README: resistivity against field, by formula and by master equation.

`python pictures/make.py` writes `resistance.png`. The plotted numbers travel in the picture
itself (its PNG text "Curves", JSON), so that `tests/prose/test_pictures.py` can tell whether it
still shows what the code computes.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import openmr as om

PICTURE = Path(__file__).parent / "resistance.png"
COUPLINGS = (-1e-3, -0.3e-3, 0.3e-3)
"""n_S J [eV]: two antiferromagnetic films, one ferromagnetic."""
TEMPERATURE = 10.0
FIELD = np.linspace(0.0, 25.0, 101)
MARKED, SPARSE = slice(None, None, 6), slice(None, None, 12)
EQUAL = 1e-16
"""Where the lower panel draws numbers that agree in every digit."""
STYLES = (("#000000", "-", "o"), ("#d55e00", "--", "s"), ("#0072b2", "-.", "^"))


def curves() -> dict[str, np.ndarray]:
    """Field [T] and rho_L [Ohm m] of every film and method."""
    found = {"field": FIELD}
    for coupling in COUPLINGS:
        film, name = om.presets.pt_py(coupling), f"{1e3 * coupling:g} meV"
        for method, field, options in (
            ("closed-form", FIELD, {}),
            ("bloch-redfield", FIELD[MARKED], {}),
            ("tcl2", FIELD[SPARSE], {"kernel": "flat", "half_width": 1.0}),
        ):
            rho = om.magnetoresistance(
                film, TEMPERATURE, field, (1, 0, 0), method=method, **options
            )
            found[f"{name}, {method}"] = rho.longitudinal
    return found


def draw(found: dict[str, np.ndarray]) -> Figure:
    """Resistivities above; below, distance from the formula over the film's change with field."""
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(6.4, 5.2), sharex=True, height_ratios=(3, 1.3), layout="constrained"
    )
    for coupling, (colour, line, marker) in zip(COUPLINGS, STYLES, strict=True):
        name = f"{1e3 * coupling:g}"
        formula, redfield, memory = (
            found[f"{name} meV, {method}"] for method in ("closed-form", "bloch-redfield", "tcl2")
        )
        hollow = {"color": colour, "markerfacecolor": "none", "linestyle": "none"}
        above.plot(FIELD, 1e6 * formula, line, color=colour, label=f"$n_SJ = {name}$ meV")
        above.plot(FIELD[MARKED], 1e6 * redfield, marker, markersize=5, **hollow)
        for other, where, fill in ((redfield, MARKED, "none"), (memory, SPARSE, colour)):
            distance = np.abs(other - formula[where]) / np.ptp(formula)
            below.semilogy(
                FIELD[where],
                np.maximum(distance, EQUAL),
                marker,
                markersize=4,
                **(hollow | {"markerfacecolor": fill}),
            )
    below.plot([], [], "o", color="0.5", markerfacecolor="none", label="Bloch-Redfield")
    below.plot([], [], "o", color="0.5", label="with the memory of a 1 eV band")
    above.plot([], [], "-", color="0.5", label="closed form")
    above.plot([], [], "o", color="0.5", markerfacecolor="none", label="Bloch-Redfield")
    above.set_ylabel(r"resistivity $\rho_L$ ($\mu\Omega$ m)")
    above.set_title(f"Pt film with permalloy moments at {TEMPERATURE:g} K", fontsize=11)
    above.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.46, 0))
    below.set_ylim(EQUAL / 5, 30)
    below.set_yticks([EQUAL, 1e-12, 1e-8, 1e-4], ["equal", "$10^{-12}$", "$10^{-8}$", "$10^{-4}$"])
    below.minorticks_off()
    below.legend(frameon=False, ncols=2, fontsize=9, loc="upper center")
    below.set_ylabel("distance from\nclosed form")
    below.set_xlabel("field along the current, $B_x$ (T)")
    figure.align_ylabels()
    return figure


def save(found: dict[str, np.ndarray], target: Path = PICTURE) -> None:
    """The picture with its numbers in it."""
    numbers = json.dumps({name: values.tolist() for name, values in found.items()})
    draw(found).savefig(target, dpi=115, metadata={"Curves": numbers})


if __name__ == "__main__":
    save(curves())
    print("figure:", PICTURE)
