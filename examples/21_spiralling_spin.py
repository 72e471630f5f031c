"""A spin spirals towards the field by five routes, one of which remembers
=======================================================================

Closed form, Bloch-Redfield and the fit to its evolution give one rate along the field and one
across it, and lie on each other. The Fermi sea ("kinetic") has its own spin splitting in the rate
across. With memory the spin first decays faster, within hbar / k_B T, and never makes up for it:
afterwards the spirals shrink alike. (Hierarchy and exact dynamics take smaller spins: example 08.)
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

import openmr as om
from openmr import animation
from openmr.rates.routes.tcl2 import spin_in_time

film = om.presets.pt_py(exchange_energy=-2e-3)
temperature, field = 10.0, 20.0
times = np.linspace(0.0, 12e-12, 169)
start = np.array([1.0, 0.0, 1.0]) / np.sqrt(2.0)  # at 45 degrees to the field

spins = {}
for method in ("closed-form", "bloch-redfield", "evolution", "kinetic"):
    rates = om.relaxation(film, temperature, field, method=method)
    spins[method] = animation.decaying_spin(rates, times, start)
# spin_in_time leaves out 1/tau_0, which shrinks every component alike
bare = np.exp(-film.film.spin_flip_rate * times)[:, None]
remembered = spin_in_time(film, temperature, field, times, start=start, kernel="flat")
spins["tcl2, with memory"] = bare * remembered

closed, *others, memory = spins.values()
for method, spin in zip(list(spins)[1:], others, strict=False):
    print(f"largest distance of closed-form and {method}: {np.abs(closed - spin).max():.0e}")
assert max(np.abs(closed - spin).max() for spin in others[:2]) < 1e-9  # integrator and fit
assert np.abs(closed - others[2]).max() > 1e-4  # and the Fermi sea is apart
thermal = om.units.HBAR / (om.units.K_B * temperature)
print(f"hbar / k_B T = {1e12 * thermal:.2f} ps; length across the field, memory over closed form:")
for time in (0.0, 0.5, 2.0, 6.0, 12.0):
    at = np.abs(times - 1e-12 * time).argmin()
    across = [np.hypot(*spin[at, :2]) for spin in (memory, closed)]
    print(f"{time:5.1f} ps: {across[0] / across[1]:.3f}")
shrunk = np.hypot(*memory[:, :2].T) / np.hypot(*closed[:, :2].T)
late = times > 5 * thermal  # coth(pi t k_B T / hbar) is 1 to 1e-13
assert np.all(shrunk[late] < 1)
assert np.ptp(shrunk[late]) < 0.01  # what the band of 1 eV and R still change

target = Path(tempfile.gettempdir()) / "openmr_spiralling_spin.gif"
draw = partial(animation.bloch_vector, times, spins)
animation.save(draw, range(0, len(times), 4), target)
print("animation:", target)
draw(len(times) // 4)  # one picture of them
