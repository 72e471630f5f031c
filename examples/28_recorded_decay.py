"""What a fitted decay is: recorded spins, the lines through them, and what these predict
======================================================================================

The route "evolution" records the spin of a master equation and fits one matrix to it. Along the
field the spin decays, across it precesses and decays; samples that were not fitted lie on the
prediction.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
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

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
plotting.decay(recorded, ax=left)
plotting.precession(recorded, ax=right)
target = Path(tempfile.gettempdir()) / "openmr_recorded_decay.png"
figure.savefig(target, dpi=150)
print("figure:", target)
