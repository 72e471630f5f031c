"""What a fitted decay is: recorded spins, and the lines through them
==================================================================

The route "evolution" records the spin of a master equation and fits one matrix to it. Along the
field the spin decays, across it precesses and decays; example 36 shows that.
"""

import tempfile
from pathlib import Path

import numpy as np

import openmr as om
from openmr import plotting
from openmr.rates.routes.evolution import record_decay

film = om.presets.pt_py(spin=1.0, exchange_energy=-2e-4)
recorded = record_decay(film, temperature=10.0, field=1.0)
exact = om.relaxation(film, 10.0, 1.0).exchange_tensor
found = recorded.generator
miss = np.abs(np.diag(found) / np.diag(exact) - 1).max()
print(f"rates of the fit differ from the closed form by {miss:.0e}")
assert miss < 1e-6

figure, _ = plotting.decay(recorded)
target = Path(tempfile.gettempdir()) / "openmr_recorded_decay.png"
figure.savefig(target, dpi=150)
print("figure:", target)
