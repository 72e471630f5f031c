"""Rates along and across the field: which spins live longer, and where it matters
================================================================================

At high temperature both rates are one. Where the moments order, few are left to flip: spins along
the field relax more slowly than spins across it, which the moments' mean field dephases.
"""

import tempfile
from pathlib import Path

import numpy as np

import openmr as om
from openmr import plotting

film = om.presets.pt_py()
field = np.linspace(0.0, 30.0, 61)
rates = {f"{kelvin:g} K": om.relaxation(film, kelvin, field) for kelvin in (5.0, 25.0, 40.0, 300.0)}
for label, one in rates.items():
    anisotropy = one.transverse / one.longitudinal
    first, last = anisotropy[[0, -1]]
    print(f"{label:>5}: across over along {first:.3f} without field, {last:.3f} in 30 T")
assert np.all(rates["5 K"].transverse > 1.2 * rates["5 K"].longitudinal)
assert abs(rates["300 K"].transverse[0] / rates["300 K"].longitudinal[0] - 1) < 1e-12

figure, ax = plotting.rate_curves(rates)
target = Path(tempfile.gettempdir()) / "openmr_rates.png"
figure.savefig(target, dpi=150)
print("figure:", target)
