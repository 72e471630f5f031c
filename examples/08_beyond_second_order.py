"""How far second order carries: hierarchical equations of motion against Bloch-Redfield
=====================================================================================

Both know the same electron, moment and bath. As the exchange goes to zero their longitudinal rates
agree, with a relative deviation that is proportional to the noise, so to J^2. Where does it reach
1 % and 10 %?
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


def deviation(exchange_energy):
    """Relative deviation of the longitudinal rate, its uncertainty, and beta hbar / tau_par."""
    point = film(exchange_energy), temperature, field
    second = om.relaxation(*point, method="bloch-redfield").dissipator[2, 2]
    whole = om.relaxation(*point, method="heom", rtol=1e-3)
    error = whole.uncertainty[2, 2] / second
    return whole.dissipator[2, 2] / second - 1, error, second * thermal_time


def reached(level, start):
    """Exchange energy at which |deviation| is `level`: J^2 scaling, corrected until it holds."""
    exchange = start
    for _ in range(4):
        found = abs(deviation(exchange)[0])
        exchange *= (level / found) ** 0.55
        if abs(found / level - 1) < 0.01:
            break
    return exchange


exchanges = np.geomspace(1e-4, 2e-3, 5)
found, error, rates = np.array([deviation(j) for j in exchanges]).T
slope = np.polyfit(np.log(exchanges[:2] ** 2), np.log(np.abs(found[:2])), 1)[0]
print(f"T = {temperature} K, B = {field} T, S = 1/2; deviation of 1/tau_par ~ (J^2)^{slope:.3f}")
marks = {level: reached(level, start) for level, start in ((0.01, 4.5e-4), (0.1, 1.5e-3))}
second_order = om.relaxation(film(1e-3), temperature, field, method="bloch-redfield").dissipator
for level, exchange in marks.items():
    longitudinal, transverse = (
        second_order[i, i] * (exchange / 1e-3) ** 2 * thermal_time for i in (2, 0)
    )
    print(
        f"{100 * level:.0f} % at n_S J = {1e3 * exchange:.2f} meV, where "
        f"beta hbar/tau_par = {longitudinal:.2g}, beta hbar/tau_perp = {transverse:.2g}"
    )

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.errorbar(
    1e3 * exchanges, 100 * np.abs(found), 100 * error, fmt="o", color="0", label="hierarchy"
)
line = 100 * abs(found[0]) * (exchanges / exchanges[0]) ** 2
ax.plot(1e3 * exchanges, line, "--", color="0.5", label=r"$\propto J^2$")
for level, exchange in marks.items():
    ax.plot([1e3 * exchange] * 2, [1e-2, 100 * level], ":", color="#0072b2")
    ax.plot(1e3 * exchange, 100 * level, "s", color="#0072b2", label=f"{100 * level:.0f} %")
ax.set(xscale="log", yscale="log", ylim=(0.02, 40), xlabel=r"exchange energy $n_S J$ (meV)")
ax.set_ylabel(r"|deviation of $1/\tau_\parallel$| from second order (%)")
ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_beyond_second_order.png"
figure.savefig(target, dpi=150)
print("figure:", target)
