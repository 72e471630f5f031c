"""What the one-body collision integral (21) keeps of the many-body one, and what it drops
=======================================================================================

Left: spin of three orbitals that scatter from a moment, by the exact many-body master equation, by
Eq. (21) and without Pauli blocking. Middle: error of Eq. (21) for electrons correlated by a
charging energy, which at last fixes their number. Right: that error against the number.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import expm

from openmr import bath, fock, scattering

TRANSFORM = scattering.thermal_transform(bath.moment_correlator(spin=0.5, x=1.0))


def band(orbitals, width):
    """Levels in k_B T, and plane waves that meet one moment."""
    levels = np.linspace(-width, width, orbitals)
    waves = scattering.plane_waves(2 * np.pi * np.arange(orbitals) / orbitals, 0.0, 0.15)
    return scattering.Scattering(np.repeat(levels, 2), waves, TRANSFORM)


film, spin = band(3, 0.6), np.tile([1.0, -1.0], 3)
start = 1.0 / (1.0 + np.exp(film.energies - 1.5 * spin))  # Eq. (51), mu_up - mu_down = 3 k_B T
times = np.linspace(0.0, 120.0, 25)
state = fock.gaussian_state(np.diag(start))
exact = [spin @ np.diag(fock.density(s)).real for s in fock.evolve_state(state, film, times)]
path = scattering.evolve_density(np.diag(start), film, times)
blocked = np.einsum("a,taa->t", spin, path).real
rates = scattering.golden_rule(film)
unblocked = [spin @ expm((rates - np.diag(rates.sum(axis=0))) * t) @ start for t in times]
print(f"spin at the end: exact {exact[-1]:.4f}, (21) {blocked[-1]:.4f}, free {unblocked[-1]:.4f}")

count = fock.one_body(np.eye(6))
tilted = fock.one_body(np.diag(film.energies - 0.5 * spin))
charging = np.array([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
wrong = []
for energy in charging:
    correlated = (-(tilted + 0.5 * energy * (count - 3) ** 2)).expm().unit()
    parts = fock.connected_pairs(correlated), fock.pairs(correlated)
    lost, whole = (spin @ np.diag(fock.collision_integral(r, film)).real for r in parts)
    wrong.append(abs(lost / whole))
order = np.polyfit(np.log(charging[:3]), np.log(wrong[:3]), 1)[0]
assert abs(exact[-1] - blocked[-1]) < abs(exact[-1] - unblocked[-1])
assert abs(order - 1) < charging[2]  # the next order in U / k_B T
print(f"charging energy U: order {order:.2f} in U, then {wrong[-1]:.3f} at fixed number")

modes, errors = np.array([8, 16, 32, 64, 128]), []
for size in modes:
    large, sign = band(size // 2, 2.0), np.tile([1.0, -1.0], size // 2)
    one, both = fock.canonical_pairs(large.energies - 0.5 * sign, int(size // 2))
    g = scattering.golden_rule(large)
    wick = sign @ (g @ one * (1 - one) - one * (g.T @ (1 - one)))
    true = sign @ (g @ one - g.sum(axis=0) * one - np.sum((g - g.T) * both, axis=1))
    errors.append(abs(wick / true - 1))
order = -np.polyfit(np.log(modes[1:]), np.log(errors[1:]), 1)[0]
assert abs(order - 1) < 2 / modes[1]  # the next order in 1/N
print(f"fixed number: order {order:.2f} in 1/N")

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
left.plot(times, exact, "o", color="C0", mfc="none", label="many-body, exact traces")
left.plot(times, blocked, "-", color="C2", label="one-body, Eq. (21)")
left.plot(times, unblocked, "--", color="C1", label="no Pauli blocking")
left.set(xlabel=r"time ($\beta\hbar$)", ylabel=r"$\langle n_\uparrow - n_\downarrow\rangle$")
middle.loglog(charging, wrong, "^-", color="C1", label="3 orbitals, $U N^2/2$")
middle.loglog(charging, wrong[0] * charging / charging[0], ":", color="0.5", label=r"$\propto U$")
middle.set(xlabel=r"charging energy $U/k_BT$", ylabel="relative error of the spin's decay")
middle.set_ylim(0.3 * min(wrong), 3 * max(wrong))
right.loglog(modes / 2, errors, "s-", color="C0", label="$N$ electrons, $N$ orbitals")
right.loglog(modes / 2, errors[-1] * modes[-1] / modes, ":", color="0.5", label=r"$\propto 1/N$")
right.set(xlabel="number of electrons $N$, fixed", ylabel="relative error of the spin's decay")
right.set_xticks(modes / 2, [f"{m // 2}" for m in modes])
right.minorticks_off()
for ax in (left, middle, right):
    ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_pauli_blocking.png"
figure.savefig(target, dpi=150)
print("figure:", target)
