"""Why the moment must be held thermal, and how the Born approximation is approached
=================================================================================

A free moment takes up the electron's spin and gives it back: total S_z is conserved, the spin
decays at another rate and not to zero. A thermostat of rate kappa restores 1/tau_par, with an error
that falls as 1/kappa.
"""

import tempfile
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import plotting
from openmr.rates.routes.evolution import free_moment

evolution = partial(om.relaxation, method="evolution")

film = om.presets.pt_py(spin=0.5, curie_temperature=0.0)
temperature, field = 4.0, 3.0
exact = om.relaxation(film, temperature, field).dissipator[2, 2]

free = free_moment(film, temperature, field)
x = om.equilibrium(film, temperature, field).reduced_splitting[0]
assert abs(free.rate / exact / (1 + np.cosh(x)) - 1) < 1e-8  # exact for spin 1/2
assert abs(free.residue / (np.cosh(x) / (1 + np.cosh(x))) - 1) < 1e-8
print(f"free moment: rate {free.rate / exact:.3f} / tau_par, {free.residue:.1%} never decays")

ratios = np.array([30.0, 100.0, 1e3, 1e4])
errors = []
for ratio in ratios:
    found = evolution(
        film, temperature, field, thermostat="reset", thermostat_rate=ratio * exact * 3
    )
    errors.append(1 - found.dissipator[2, 2] / exact)
    print(f"kappa tau_par = {3 * ratio:7.0f}: rate too small by {errors[-1]:.2e}")
products = np.array(errors) * ratios
assert np.all(np.abs(products / products[-1] - 1) < 10 / ratios)  # next: 1/(kappa tau)^2

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
plotting.free_moment(free, exact, ax=left)
right.loglog(3 * ratios, errors, "o-", color="C0", label="fitted rate")
right.loglog(
    3 * ratios, errors[-1] * ratios[-1] / ratios, "--", color="C1", label=r"$\propto 1/\kappa$"
)
right.set_xlabel(r"thermostat rate $\kappa\tau_\parallel$")
right.set_ylabel(r"relative error of $1/\tau_\parallel$")
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_thermostat.png"
figure.savefig(target, dpi=150)
print("figure:", target)
