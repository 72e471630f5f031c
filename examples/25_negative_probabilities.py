"""Redfield's negative probabilities: when, and how much
=====================================================

The map of the Redfield equation is not completely positive at first, and becomes so again by
itself. How deep it dips is proportional to the coupling, like everything that second order leaves
out. It heals within a turn of the precession, for splittings up to twice the temperature: then the
terms that spoil it have averaged out.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import qutip

import openmr as om
from openmr import master

identity = qutip.to_super(qutip.qeye(2))  # a map: positivity is asked of it, not of one state


def spin(reorganization, cutoff=1.5, splitting=1.0):
    """Levels split partly along the noise and partly across it, in units of the temperature."""
    bath = om.Bath.drude(reorganization, cutoff, temperature=1.0)
    hamiltonian = splitting * (0.3 * qutip.sigmaz() + 0.4 * qutip.sigmax())
    return om.OpenSystem(hamiltonian, [(qutip.sigmaz(), bath)])


def history(system, times, method="redfield"):
    """Lowest eigenvalue of the Choi matrix, and the time at which it comes back through zero."""
    out = master.evolve(system, identity, times, method=method)
    return out.lowest_choi, out.crossings[-1] if out.crossings else 0.0


times = np.linspace(0.0, 4.0, 201)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
depths = []
strengths = (0.001, 0.01, 0.05)
lines = ("-", "--", "-.")
for strength, line, color in zip(strengths, lines, ("C0", "C2", "C1"), strict=True):
    lowest, back = history(spin(strength), times)
    left.plot(times, lowest / strength, line, color=color, label=rf"$\lambda$ = {strength:g}")
    left.plot(back, 0.0, "o", color=color, mfc="w")
    depths.append(-lowest.min() / strength)
    print(f"lambda {strength:5}: down to {lowest.min():.2e}, positive again from t = {back:.3f}")
sound, _ = history(spin(0.05), times, "universal")
left.plot(times, sound / 0.05, ":", color="0.5", linewidth=2, label="universal, 0.05")
left.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
left.set(
    xlabel="time",
    ylabel=r"lowest eigenvalue of the map / $\lambda$",
    ylim=(-0.09, 0.15),
)
assert sound.min() > -1e-12  # rounding
# what the map does to second order in the coupling squared, over what it does to first
share = master.rates(spin(strengths[1])).longitudinal[0] * times[-1]
assert abs(depths[1] / depths[0] - 1) < share

splittings = np.geomspace(0.2, 2.0, 8)
for cutoff, line, color in ((0.5, "o-", "C0"), (1.5, "s--", "C2"), (8.0, "^-.", "C1")):
    turns = []
    for splitting in splittings:
        period = 2 * np.pi / splitting
        clock = np.linspace(0.0, 2.5 * period, 126)
        turns.append(history(spin(1e-4, cutoff, splitting), clock)[1] / period)
    right.semilogx(splittings, turns, line, color=color, mfc="w", label=f"cutoff {cutoff:g}")
    print(f"cutoff {cutoff}: {turns[0]:.2f} turns at the smallest splitting, {turns[-1]:.2f} at 2")
    assert np.all(np.abs(np.array(turns) - 0.5) < 0.5)  # after the start, within a turn
right.set(
    xlabel=r"splitting, $\hbar\omega/k_BT$",
    ylabel="positive again after (turns of the precession)",
    ylim=(0.0, 1.0),
)
right.set_xticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
right.minorticks_off()
for ax in (left, right):
    ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_negative_probabilities.png"
figure.savefig(target, dpi=150)
print("figure:", target)
