"""Fig. 3 (a)-(d): resistance of Pt/Py against field and temperature
=================================================================

The caption gives theta_SH = 0.1, S = 2, l_0 = 3 nm, d_N = 5 nm, E_F = 1 eV, m_F = m_e and
D = 1e-6 m^2/s, the text n_S a^3 = 0.1 and n_S J_sd of the order of meV. Assumed here, because the
paper does not say: a = 0.392 nm, a mean-field Curie temperature of 30 K for the moments,
rho_L0 = 2.0e-6 Ohm m (printed 2.0e6), the couplings of the legends, and 5 T in panel (d).
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr import plotting

ALONG_CURRENT = (1, 0, 0)
field = np.linspace(0, 25, 251)
temperature = np.linspace(2, 60, 233)


def against_field(coupling, kelvin):
    return om.magnetoresistance(om.presets.pt_py(1e-3 * coupling), kelvin, field, ALONG_CURRENT)


figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
panels = dict(zip("abcd", axes.flat, strict=True))
heating = {f"{kelvin} K": against_field(-1.0, kelvin) for kelvin in (10, 30, 60, 200)}
signs = {
    "ferromagnetic, +1 meV": against_field(1.0, 10),
    "none": against_field(0.0, 10),
    "antiferromagnetic, -1 meV": against_field(-1.0, 10),
}
couplings = {f"{coupling} meV": against_field(coupling, 10) for coupling in (-0.3, -0.6, -1.0)}
warming = {
    f"{coupling} meV": om.magnetoresistance(
        om.presets.pt_py(1e-3 * coupling), temperature, 5.0, ALONG_CURRENT
    )
    for coupling in (-0.5, -0.7, -1.0)
}
plotting.resistance_curves(heating, relative=True, ax=panels["a"])
plotting.resistance_curves(signs, relative=True, ax=panels["b"])
plotting.resistance_curves(couplings, ax=panels["c"])
plotting.resistance_curves(warming, against="temperature", ax=panels["d"])
titles = {
    "a": r"$n_SJ_{sd} = -1$ meV",
    "b": "10 K",
    "c": "10 K, antiferromagnetic",
    "d": "$B_x = 5$ T, antiferromagnetic",
}
for name, ax in panels.items():
    ax.set_title(f"({name})  {titles[name]}", loc="left")

small = {label: c.longitudinal[20] - c.longitudinal[0] for label, c in heating.items()}
assert small["10 K"] < 0 < small["200 K"]  # from positive to negative on cooling
rising = [bool(np.all(np.diff(curve.longitudinal) > 0)) for curve in signs.values()]
assert rising == [True, True, False]  # positive but for antiferromagnetic coupling
for label, curve in heating.items():
    first = curve.longitudinal[20] - curve.longitudinal[0]
    print(f"(a) {label:>5}: {'negative' if first < 0 else 'positive'} magnetoresistance to 2 T")
for label, curve in couplings.items():
    lowest = np.argmin(curve.longitudinal)
    print(
        f"(c) {label}: lowest at {field[lowest]:.1f} T, where B_sd = "
        f"{curve.relaxation.exchange_field[lowest]:.1f} T"
    )
    assert abs(curve.relaxation.exchange_field[lowest] - field[lowest]) < field[1]  # one step
for label, curve in warming.items():
    lowest = np.argmin(curve.longitudinal)
    print(
        f"(d) {label}: lowest at {temperature[lowest]:.1f} K, where B_sd = "
        f"{curve.relaxation.exchange_field[lowest]:.2f} T"
    )
    before, _, after = curve.relaxation.exchange_field[lowest - 1 : lowest + 2]
    assert after < 5.0 < before  # within one step of the grid
target = Path(tempfile.gettempdir()) / "openmr_figure_3.png"
figure.savefig(target, dpi=150)
print("figure:", target)
