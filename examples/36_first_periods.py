"""Which way a spin turns: the first two periods on both sides of the exchange field
=================================================================================

Moments of antiferromagnetic exchange turn the electrons against the field. Below B_sd they win, and
<sigma_y> of a spin along x starts downward, above it upward. The recorded spins were not fitted:
the lines follow from one matrix that was fitted to the decay.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import openmr as om
from openmr import plotting
from openmr.rates.routes.evolution import record_decay

film = om.presets.pt_py(exchange_energy=-1e-3)
moments = om.equilibrium(film, 10.0, 5.0)
figure, axes = plt.subplots(2, 1, figsize=(6, 6), sharex=True, layout="constrained")
for field, ax in zip((5.0, 30.0), axes, strict=True):
    recorded = record_decay(film, temperature=10.0, field=field)
    rates = om.relaxation(film, 10.0, field)
    turning = recorded.generator[0, 1]  # omega_L
    times, signals = recorded.prediction
    print(f"{field:g} T, B_sd = {rates.exchange_field:.2f} T: omega_L = {1e-12 * turning:.4f} /ps")
    assert (turning < 0) == (field < rates.exchange_field)
    assert abs(turning / rates.precession - 1) < 1e-6
    assert (signals[1, 1, 0] > 0) == (turning > 0)  # d sigma_y / dt = omega_L sigma_x at first
    plotting.precession(recorded, ax=ax)
    ax.set_title(f"B = {field:g} T")
    ax.label_outer()
target = Path(tempfile.gettempdir()) / "openmr_first_periods.png"
figure.savefig(target, dpi=150)
print("figure:", target)
