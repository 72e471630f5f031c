"""What the electrons' own spin splitting does to the transverse rate and to the precession
========================================================================================

The flips across the field are multiplied by R, which the closed form leaves out; and virtual flips
shift the precession by the logarithm of the band width, as in the Kondo problem.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from openmr import bath, kinetics


def sea(depth, splitting, coupling=(1.0, 1.0, 0.0), spin=2.0):
    """Electrons with one kind of moment; rates in units of the moments' noise."""
    moments = kinetics.Scatterer(1.0, np.array(coupling), bath.moment_correlator(spin, depth))
    energies = kinetics.energy_grid([depth], 0.3, 40.0 + abs(splitting))
    return kinetics.Sea(energies, splitting, (1.0, 1.0), (moments,))


depths, splittings = np.linspace(0.01, 6, 25), np.linspace(-4, 4, 33)
plane = np.array([[kinetics.initial_slope(sea(x, w))[1, 1] for w in splittings] for x in depths])
factor = plane / plane[:, [16]]
x, w = depths[:, None], splittings + 1e-9  # s(x) = sinh(x/2) / (x/2), without 0/0
s = [np.sinh(y / 2) / (y / 2) for y in (w, x, x - w)]
assert np.allclose(factor, s[0] * s[1] / s[2], rtol=1e-8)
print(f"R at beta hbar omega_L = 1, beta eps_L = 2: {np.interp(1, splittings, factor[8]):.3f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.4), layout="constrained")
levels = [0.25, 0.5, 0.8, 1, 1.25, 2, 4, 8]
left.contourf(splittings, depths, factor, levels, cmap="Blues", norm=LogNorm(0.2, 60))
lines = left.contour(splittings, depths, factor, levels, colors="k", linewidths=0.8)
left.clabel(lines, fmt="%g", fontsize=9)
left.set_title("R: transverse flip rate over that of Eq. (75)")
left.set_xlabel(r"splitting of the electrons, $\beta\hbar\omega_L$")
left.set_ylabel(r"splitting of the moments, $\beta\varepsilon_L$")

bandwidths = np.geomspace(30, 3e4, 13)  # W / k_B T
for depth, marker in ((0.5, "o"), (2.0, "s"), (5.0, "^")):
    moment = bath.moment_correlator(2.0, depth).weights.sum(axis=0)
    mean = float(np.imag(moment[0, 1]))  # <S_x S_y> = (i/2) <S_z>
    shift = [kinetics.level_shift(sea(depth, 0.0), b)[0, 1] for b in bandwidths]
    scaled = 2 * np.pi * np.array(shift) / (2 * mean)
    right.semilogx(bandwidths, scaled, "C0" + marker, label=rf"$\beta\varepsilon_L$ = {depth:g}",
                   markerfacecolor="none")  # fmt: skip
    edges = depth / np.tanh(depth / 2) / bandwidths  # of a flat band that ends at W
    assert np.ptp(scaled - np.log(bandwidths) - edges) < 1e-8
    constant = scaled[-1] - np.log(bandwidths[-1])
    right.semilogx(bandwidths, np.log(bandwidths) + constant, "-", color="C1", linewidth=1)
    print(f"beta eps_L = {depth:g}: shift = (ln(W/k_B T) {constant:+.3f}) n_S nu J^2 <S_par>/hbar")
right.set_xlabel(r"half width of the band, $W/k_BT$")
right.set_ylabel(r"shift of $\omega_L$ $\times\ \hbar/(n_S\nu_F J^2\langle S_\parallel\rangle)$")
right.plot([], [], "-", color="C1", label=r"$\ln(W/k_BT)$ + constant")
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_fermi_sea_splitting.png"
figure.savefig(target, dpi=150)
print("figure:", target)
