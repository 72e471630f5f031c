"""Two parameters of a fit, and the region that holds the truth
============================================================

A field sweep with noise of 0.3 nOhm m at two temperatures: exchange and spin Hall angle are
estimated together, and the region tells how far one error leans on the other.
"""

import tempfile
from pathlib import Path

import numpy as np

import openmr as om

truth = om.presets.pt_py(-0.7e-3, curie_temperature=24.0)
noise = np.random.default_rng(30)
kelvin, field = np.repeat([10.0, 30.0], 37), np.tile(np.linspace(-9, 9, 37), 2)
rho = om.magnetoresistance(truth, kelvin, field, (1, 0, 0), order="exact").longitudinal
data = om.diagnosis.measured(
    rho + 3e-10 * noise.normal(size=rho.size), temperature=kelvin, field=field, direction=(1, 0, 0)
)
start = om.presets.pt_py(-0.6e-3, curie_temperature=24.0)
found = om.fit(data, start, ("exchange_energy", "spin_hall_angle"))
off = (found.values - [-0.7e-3, 0.1]) / found.uncertainties
print(found)
print("off the truth, in standard deviations:", off.round(1))
assert np.all(np.abs(off) < 4)

figure, ax = om.plotting.contour(found, "exchange_energy", "spin_hall_angle")
ax.plot(-0.7e-3, 0.1, "*", color="C1", label="truth")
ax.legend(frameon=False, ncols=4, loc="upper center")
target = Path(tempfile.gettempdir()) / "openmr_two_parameters.png"
figure.savefig(target, dpi=150)
print("figure:", target)
