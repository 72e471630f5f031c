"""The Fermi sea loses its spin, with and without collisions that mix the energies
===============================================================================

The closed forms give each spin a Fermi-Dirac distribution with a potential of its own (markers).
Flips connect the level up at e with the level down at e - eps_L and no other, so without mixing the
distributions (lines) leave that form, and part of the spin never decays.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import animation, kinetics
from openmr.rates.routes.kinetic import electron_sea

film = om.presets.pt_py(curie_temperature=0.0)  # moments that split in the field alone
temperature, depth = 4.0, 3.0  # K, beta eps_L
field = depth * om.units.K_B * temperature / (2 * om.units.MU_B)
rate = om.relaxation(film, temperature, field).longitudinal - film.film.spin_flip_rate
times = np.linspace(0.0, 1.0, 31) ** 2 * 5 / rate  # slow motion at first

histories, left_over = {}, {}
for label, mixing in (("no mixing", 0.0), (r"$\tau_\parallel/\tau_{ee} = 30$", 30.0)):
    sea = electron_sea(
        film, temperature, field, energy_relaxation_rate=mixing * rate, spacing=0.25, reach=12.0
    )
    start = kinetics.local_equilibrium(sea, 0.0, (0.0, 0.0, 0.1))  # +-0.1 k_B T
    histories[label] = sea, kinetics.evolve(sea, start, times, rtol=1e-6)
    _, _, _, spin = kinetics.densities(sea, histories[label][1]).T
    left_over[mixing] = spin[-1] / spin[0]
    for frame in (10, 20, 30):
        left = f"{times[frame] * rate:.2f} tau_par {spin[frame] / spin[0]:6.1%} of the spin is left"
        print(f"1/tau_ee = {mixing:2g}/tau_par: after {left}")
never = 0.4685  # example 05, beta eps_L = 3: the part that no flip reaches
# of second order in the 0.1 k_B T of the start, and what has not decayed yet
assert abs(left_over[0.0] - never) < 0.1 * never + np.exp(-5)
# one rate, less some tau_ee/tau = 1/30 of it, for five lifetimes
assert abs(left_over[30.0] / np.exp(-5) - 1) < 10 / 30


def both(frame, ax=None):
    if ax is None:
        _, ax = plt.subplots(1, 2, figsize=(9.5, 3.8), sharey=True, layout="constrained")
    for panel, (label, (sea, states)) in zip(ax, histories.items(), strict=True):
        animation.distribution(sea, times, states, frame, quantity="change", ax=panel)
        panel.set_title(f"{label}: {panel.get_title()}", fontsize="medium")
        panel.label_outer()
    return ax[0].figure, ax


target = Path(tempfile.gettempdir()) / "openmr_relaxing_fermi_sea.gif"
animation.save(both, range(len(times)), target, fps=8)
print("animation:", target)
both(len(times) // 2)  # one picture of them
