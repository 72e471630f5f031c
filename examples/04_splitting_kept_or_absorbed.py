"""What keeping the electron's own spin splitting in the dissipator does to the rates
==================================================================================

In the Fermi sea both spins share one chemical potential, which absorbs the Zeeman energy of the
longitudinal flips; transverse flips are multiplied by R. A single electron (x) moment space that
keeps the splitting is right for neither.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

film = om.presets.pt_py((-1e-3, -1e-3, 0.0), curie_temperature=0.0)
temperature, field = 4.0, np.linspace(0.05, 12.0, 40)
w = om.units.HBAR * om.relaxation(film, temperature, field).precession
w = w / (om.units.K_B * temperature)

absorbed = om.relaxation(film, temperature, field, method="bloch-redfield")
kept = om.relaxation(film, temperature, field, method="bloch-redfield", electron_splitting=True)
corrected = om.relaxation(film, temperature, field, form="finite-splitting")


def flips(rates):
    """Transverse flip rate without 1/tau_0 [1/s]."""
    return rates.transverse - rates.spin_flip_rate


# Jz = 0: electron and moment split alike; the flips of one electron grow by sinh(w)/w, R is less
grown = np.sinh(w) / w
for part in (flips, lambda rates: rates.dissipator[:, 2, 2]):
    assert np.allclose(part(kept), grown * part(absorbed), rtol=1e-10)
assert np.allclose(corrected.dissipator[:, 2, 2], absorbed.dissipator[:, 2, 2], rtol=1e-10)
assert np.allclose(flips(corrected), (np.sinh(w / 2) / (w / 2)) ** 2 * flips(absorbed), rtol=1e-10)

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(w, flips(absorbed) / 1e9, "-", color="C0", label="splitting absorbed: Eq. (75)")
ax.plot(w, flips(corrected) / 1e9, "--", color="C1", label="Fermi sea: Eq. (75) times R")
ax.plot(w, flips(kept) / 1e9, ":", color="C2", linewidth=2, label="splitting kept, one electron")
ax.set_xlabel(r"spin splitting of the electrons, $\hbar\omega_L / k_B T$")
ax.set_ylabel(r"transverse flip rate ($10^9$ s$^{-1}$)")
ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_splitting.png"
figure.savefig(target, dpi=150)
middle = len(w) // 4
ratio = flips(corrected)[middle] / flips(absorbed)[middle]
print(f"at hbar omega_L = {w[middle]:.2f} k_B T: R = {ratio:.3f}")
print("figure:", target)
