"""A magnetic atom's T1: electrons relax it in nanoseconds, a barrier makes it long
===================================================================================

An atom of spin 2 on a metal, with an easy axis: from up to down it must climb, or cross by what
mixes the levels. The electrons beneath drive it. Hot it jumps at Korringa's rate, in proportion to
the temperature; cold, T1 grows as the Boltzmann factor of the barrier, until the mixing E of the
levels takes it through.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr.units import HBAR, K_B

SPIN, D = 2.0, -1.5e-3  # eV
metal = om.Electrons.free(fermi_energy=7.0)
COUPLING = 0.1  # nu_F J
base = om.presets.pt_py()


def atom(mixing):
    """Atoms far apart, so that each relaxes alone."""
    moments = om.Moments(SPIN, density=1e22, exchange=COUPLING / metal.dos, anisotropy=(D, mixing))
    return om.Sample(om.Magnet(moments), metal, base.film, "atom")


kelvin = np.geomspace(1.5, 300.0, 40)
figure, ax = plt.subplots(figsize=(6.2, 4.4), layout="constrained")
slowest = {}
for mixing, line in ((0.0, "-"), (1e-5, "--"), (3e-4, ":")):
    found = om.moment_relaxation(atom(mixing), kelvin, 0.5, direction=(0, 0, 1))
    slowest[mixing] = found.T1[:, 0]
    ax.loglog(kelvin, slowest[mixing], line, label=f"E = {1e3 * mixing:g} meV")

korringa = HBAR / (np.pi * COUPLING**2 * K_B * kelvin)  # of levels that k_B T does not resolve
ax.loglog(kelvin, korringa, color="gray", linewidth=0.8, label="Korringa")
ratio = slowest[0.0][-1] / korringa[-1]
print(f"T1 at 300 K: {1e12 * slowest[0.0][-1]:.2f} ps, {ratio:.3f} of Korringa's")
assert abs(ratio - 1) < 0.2  # the levels span a quarter of k_B T

cold = slice(6, 12)
slope = np.polyfit(1 / (K_B * kelvin[cold]), np.log(slowest[0.0][cold]), 1)[0]
print(f"barrier from T1: {1e3 * slope:.2f} meV; |D| S^2 is {1e3 * abs(D) * SPIN**2:.2f} meV")
assert abs(slope / (abs(D) * SPIN**2) - 1) < 0.1
gain = slowest[0.0][0] / slowest[3e-4][0]
print(f"E = 0.3 meV shortens T1 at {kelvin[0]:g} K by {gain:.1g}")
assert gain > 1e3

ax.set(xlabel="temperature (K)", ylabel="longest $T_1$ (s)", ylim=(1e-13, 1e6))
ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_magnetic_atom.png"
figure.savefig(target, dpi=150)
print("figure:", target)
