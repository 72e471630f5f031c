"""How far second order carries: hierarchical equations of motion against Bloch-Redfield
=====================================================================================

Both know the same electron, moment and bath. As the exchange goes to zero their longitudinal rates
agree, with a relative deviation that is proportional to the noise, so to J^2. Where does it reach
1 % and 10 %, for a moment that is free and for one that a thermostat holds?
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

temperature, field = 4.0, 14.0
thermal_time = om.units.HBAR / (om.units.K_B * temperature)


def film(exchange_energy):
    return om.presets.pt_py(exchange_energy, spin=0.5, curie_temperature=0.0)


def deviation(exchange_energy, moment):
    """Relative deviation of the longitudinal rate and its uncertainty."""
    point = film(exchange_energy), temperature, field
    second = om.relaxation(*point, method="bloch-redfield").dissipator[2, 2]
    whole = om.relaxation(*point, method="heom", moment=moment, rtol=1e-3)
    return whole.dissipator[2, 2] / second - 1, whole.uncertainty[2, 2] / second


def reached(level, start, moment):
    """Exchange energy at which |deviation| is `level`: J^2 scaling, corrected until it holds."""
    exchange = start
    for _ in range(4):
        found = abs(deviation(exchange, moment)[0])
        exchange *= (level / found) ** 0.5
        if abs(found / level - 1) < 0.02:
            return exchange
    raise RuntimeError(f"no exchange energy found at which the deviation is {level}")


print(f"T = {temperature} K, B = {field} T, S = 1/2; relative deviation of 1/tau_par")
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
cases = {  # exchange energies of the points, and first guesses for the marks
    "free": (np.geomspace(5e-5, 8e-4, 5), {0.01: 1.3e-4, 0.1: 4.2e-4}, "o", "C0"),
    "held": (np.geomspace(1e-4, 1.6e-3, 5), {0.01: 4.5e-4, 0.1: 1.5e-3}, "s", "C2"),
}
for moment, (exchanges, guesses, marker, color) in cases.items():
    found, error = np.abs([deviation(j, moment) for j in exchanges]).T
    slope = np.polyfit(np.log(exchanges[:2] ** 2), np.log(found[:2]), 1)[0]
    assert abs(slope - 1) < (0.02 if moment == "held" else 0.15)  # a free moment's window moves
    print(f"moment {moment}: deviation ~ (J^2)^{slope:.3f}")
    shown = {"fmt": marker, "color": color, "label": f"hierarchy, moment {moment}"}
    ax.errorbar(1e3 * exchanges, 100 * found, 100 * error, **shown)
    line = 100 * found[0] * (exchanges / exchanges[0]) ** 2
    ax.plot(1e3 * exchanges, line, "--", color="0.6", zorder=0)
    for level, guess in guesses.items():
        exchange = reached(level, guess, moment)
        ax.plot([1e3 * exchange] * 2, [1e-2, 100 * level], ":", color=color)
        rate = om.relaxation(film(exchange), temperature, field, method="bloch-redfield")
        slowness = rate.dissipator[2, 2] * thermal_time
        print(
            f"  {100 * level:.0f} % at n_S J = {1e3 * exchange:.3f} meV, where "
            f"beta hbar/tau_par = {slowness:.2g}"
        )
ax.plot([], [], "--", color="0.6", label=r"$\propto J^2$")
ax.set(xscale="log", yscale="log", ylim=(0.02, 60), xlabel=r"exchange energy $n_S J$ (meV)")
ax.set_ylabel(r"|deviation of $1/\tau_\parallel$| from second order (%)")
ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_beyond_second_order.png"
figure.savefig(target, dpi=150)
print("figure:", target)
