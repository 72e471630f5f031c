"""Five master equations for one light-harvesting dimer, beside the exact one
==========================================================================

Two pigments, each with its own Drude bath at 300 K. Where the reorganization energy is small all
equations of second order err alike, in proportion to it, and fourth order by its square. At 20 per
cm, as in real complexes, none of second order follows the hierarchy for more than a tenth of a
picosecond.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import qutip

import openmr as om
from openmr import master

cm = 0.1883652  # rad/ps
hamiltonian = qutip.Qobj([[50, 100], [100, -50]]) * cm
pigments = [qutip.basis(2, k).proj() for k in (0, 1)]


def dimer(reorganization):
    """Both pigments with a bath of the same kind, memory 0.1 ps; 1/cm."""
    bath = om.Bath.drude(reorganization * cm, cutoff=10.0, temperature=300 * 0.6950348 * cm)
    return om.OpenSystem(hamiltonian, [(operator, bath) for operator in pigments])


looks = {
    "davies": ("--", "C1"),
    "universal": ("-.", "C2"),
    "redfield": ((0, (1, 1)), "0.45"),
    "tcl2": ((0, (5, 1, 1, 1, 1, 1)), "C3"),
    "heom": ("-", "C0"),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
times = np.linspace(0.0, 0.5, 201)
found = {}
for method, (line, color) in looks.items():
    options = {"rtol": 1e-3} if method == "heom" else {}
    out = master.evolve(
        dimer(20), qutip.basis(2, 0), times, method=method, e_ops=[pigments[0]], **options
    )
    found[method] = out.expect[0]
    width = 2.2 if method == "heom" else 1.6
    left.plot(times, found[method], linestyle=line, color=color, label=method, linewidth=width)
left.set(
    xlabel="time (ps)",
    ylabel="population of the first pigment",
    title=r"$\lambda$ = 20 cm$^{-1}$",
)
late = times > 0.25
worst = {m: np.abs(p - found["heom"])[late].max() for m, p in found.items() if m != "heom"}
for method, value in worst.items():
    print(f"after 0.25 ps {method:10} is wrong by up to {value:.3f}")
assert min(worst.values()) > 0.05  # a tenth of the population: no equation of second order follows

strengths = np.array([0.5, 1.0, 2.0])
tables = [
    master.compare(dimer(s), methods=["davies", "universal", "redfield", "tcl4", "heom"])
    for s in strengths
]
looks["tcl4"] = (":", "C4")
for method, marker in zip(("davies", "universal", "redfield", "tcl4"), "s^oD", strict=True):
    routes = [table[method] for table in tables]
    deviation = np.array([max(one.deviation, one.frequency_deviation) for one in routes])
    line, color = looks[method]
    right.loglog(
        strengths, 100 * deviation, marker, linestyle=line, color=color, mfc="w", label=method
    )
    slope = np.polyfit(np.log(strengths), np.log(deviation), 1)[0]
    order = 2 if method == "tcl4" else 1
    # the next order is smaller by the deviation of second order itself, up to 0.17
    assert abs(slope - order) < 0.17 * order
    print(f"{method:10}: deviation grows as the power {slope:.2f} of the coupling squared")
right.set_xticks(strengths, [f"{s:g}" for s in strengths])
right.minorticks_off()
right.set(
    xlabel=r"reorganization energy, $\lambda$ (cm$^{-1}$)",
    ylabel="worst deviation from HEOM\n(% of the largest rate)",
)
for ax in (left, right):
    ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_five_master_equations.png"
figure.savefig(target, dpi=150)
print("figure:", target)
