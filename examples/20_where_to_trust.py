"""Which closed form to trust, and where: what each approximation costs as the film warms up
=========================================================================================
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

film = om.presets.pt_py(exchange_energy=-1e-3)
temperature = np.array([5.0, 8.0, 12.0, 20.0, 30.0, 45.0, 70.0, 110.0, 200.0])
report = om.validity(film, temperature, 5.0)
print(om.validity(film, 200.0, 5.0))
hot, cold = temperature > 100.0, temperature < 10.0
# where the moments are free nothing that was found costs 10 %; where they are frozen something does
costs = [a for a in report.assumptions if a.deviation is not None and not a.choice]
assert all(a.deviation[hot].max() < 0.1 for a in costs)
assert any(a.deviation[cold].max() > 0.1 for a in costs)

figure, ax = plt.subplots(figsize=(8.5, 4.6), layout="constrained")
styles = ["C6o-", "C7s--", "C8^:", "C9D-.", "C0v-", "C1p--", "C2*:", "C3x-", "C4+--", "C5<:"]
shown = [
    a
    for a in report.assumptions
    if a.deviation is not None and a.deviation.max() > 1e-3 and not a.choice
]
for assumption, style in zip(shown, styles, strict=False):
    label = f"{assumption.name}, Eq. {assumption.equation.split(', ')[0]}"
    ax.loglog(temperature, assumption.deviation, style, label=label, markerfacecolor="none")
ax.axhline(0.1, color="0.6", linewidth=1)
ax.text(temperature[-1], 0.11, "10 %", ha="right", color="0.4")
ax.axvline(30.0, color="0.8", linewidth=1)
ax.text(30.5, 2e-4, r"$T_C$", color="0.4")
ax.set_xlabel("temperature (K)")
ax.set_ylabel("what the approximation costs (relative)")
ax.set_title(r"Pt/Py, $n_S J = -1$ meV, $B = 5$ T")
ax.set_ylim(1e-4, 2)
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
target = Path(tempfile.gettempdir()) / "openmr_where_to_trust.png"
figure.savefig(target, dpi=150)
print("figure:", target)
