"""Resistance of Pt/Py against field: lowest at the exchange field when cold, at zero when hot
===========================================================================================
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

field = np.linspace(-25, 25, 501)
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for temperature, line in ((10.0, "-"), (40.0, "--"), (200.0, ":")):
    curve = om.magnetoresistance(om.presets.pt_py(-1e-3), temperature, field, (1, 0, 0))
    change = curve.longitudinal / curve.longitudinal[250] - 1
    ax.plot(field, 1e3 * change, line, color="C0", label=f"{temperature:g} K")
    at = np.argmin(curve.longitudinal)
    cancelled = curve.relaxation.exchange_field[at] if temperature == 10.0 else 0.0
    assert abs(field[at] - cancelled) <= field[1] - field[0]
    print(f"{temperature:5g} K: resistance lowest at |B| = {abs(field[at]):.1f} T")
ax.set_xlabel("field along the current, B (T)")
ax.set_ylabel(r"$\rho_L(B)/\rho_L(0) - 1$  ($10^{-3}$)")
ax.set_title(r"Pt/Py, $n_S J = -1$ meV")
ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_field.png"
figure.savefig(target, dpi=150)
print("figure:", target)
