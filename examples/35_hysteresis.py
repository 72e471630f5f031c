"""A hysteresis loop: the moments jump where their state ends, not where it costs more
=====================================================================================

A ferromagnet with an easy axis in the plane, in a field 30 degrees off it. The state that is left
behind stays until it is no minimum of the free energy any more: there its stability goes to zero,
close to Stoner and Wohlfarth's switching field. The resistance shows both branches.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr.units import MU_B

SPIN, D, COUPLING = 2.5, -4e-5, 2e-3  # eV
axes = [(0, 0, -1), (0, 1, 0), (1, 0, 0)]  # the crystal's easy z along the film's x
base = om.presets.pt_py()
moments = om.Moments(SPIN, density=1e27, exchange_energy=-5e-4, anisotropy=D, axes=axes)
film = om.Sample(om.Magnet(moments, COUPLING), base.electrons, base.film, "film")

tilt = np.radians(30.0)
direction = (np.cos(tilt), np.sin(tilt), 0.0)
anisotropy = 2 * abs(D) * (SPIN - 0.5) / (2 * MU_B)
switching = anisotropy * (np.cos(tilt) ** (2 / 3) + np.sin(tilt) ** (2 / 3)) ** -1.5
print(f"anisotropy field {anisotropy:.2f} T, switching at {switching:.3f} T")

field = np.linspace(-1.2 * anisotropy, 1.2 * anisotropy, 61)
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
states, found = {}, {}
for branch, line in (("up", "-"), ("down", "--")):
    rho = om.magnetoresistance(film, 0.5, field, direction, method="batched", branch=branch)
    states[branch] = rho.relaxation.equilibrium
    right.plot(field, 1e4 * (rho.longitudinal / base.film.resistivity - 1), line, label=branch)
    along = states[branch].mean[:, 0, 0]  # on the easy axis
    jump = np.abs(np.diff(along)).argmax()
    found[branch] = 0.5 * (field[jump] + field[jump + 1])
    print(f"{branch}: the moments turn over at {found[branch]:+.3f} T")
om.plotting.order_vector(states, ax=left)

step = field[1] - field[0]
assert abs(found["up"] - switching) < step
assert abs(found["down"] + switching) < step
np.testing.assert_allclose(states["up"].mean, -states["down"].mean[::-1], atol=1e-9)
before = (field > 0) & (field < found["up"])
assert np.all(np.diff(states["up"].stability[before]) < 0)  # softer and softer up to the jump
right.set(xlabel="field, 30 degrees off the easy axis (T)",
          ylabel=r"$\rho_L/\rho_{L0} - 1$ ($10^{-4}$)")  # fmt: skip
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_hysteresis.png"
figure.savefig(target, dpi=150)
print("figure:", target)
