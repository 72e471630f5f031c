"""Redfield's negative probabilities: when, and how much
====================================================

The map of the Redfield equation is not completely positive at first, and becomes so again by itself.
How deep it dips is proportional to the coupling, like everything that second order leaves out; when
it heals is a matter of the bath's memory and of the splitting, and not of the coupling.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import qutip

import openmr as om
from openmr import master

identity = qutip.to_super(qutip.qeye(2))  # a map: positivity is asked of it, not of one state


def spin(reorganization, cutoff=1.5):
    """Splitting 1 with a part along the noise and a part across it, temperature 1."""
    bath = om.Bath.drude(reorganization, cutoff, temperature=1.0)
    return om.OpenSystem(0.3 * qutip.sigmaz() + 0.4 * qutip.sigmax(), [(qutip.sigmaz(), bath)])


def history(system, times, method="redfield"):
    """Lowest eigenvalue of the Choi matrix, and the time at which it comes back through zero."""
    out = master.evolve(system, identity, times, method=method)
    return out.lowest_choi, out.crossings[-1] if out.crossings else 0.0


times = np.linspace(0.0, 4.0, 201)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
depths, healed = [], []
strengths = (0.001, 0.01, 0.05)
lines = ("-", "--", "-.")
for strength, line, color in zip(strengths, lines, ("0", "#0072b2", "#d55e00"), strict=True):
    lowest, back = history(spin(strength), times)
    left.plot(times, lowest / strength, line, color=color, label=rf"$\lambda$ = {strength:g}")
    left.plot(back, 0.0, "o", color=color, mfc="w")
    depths.append(-lowest.min() / strength)
    healed.append(back)
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
# the rate of decay during the dip, in units of its length, is what the next order adds
share = master.rates(spin(strengths[1])).longitudinal[0] * healed[1]
assert abs(depths[1] / depths[0] - 1) < share
assert abs(healed[1] / healed[0] - 1) < share

cutoffs = np.geomspace(0.5, 32.0, 13)
back = np.array([history(spin(0.01, c), np.linspace(0.0, 8.0, 201))[1] for c in cutoffs])
right.semilogx(cutoffs, back, "o-", color="0", mfc="w", label="positive again")
right.semilogx(cutoffs, 1 / cutoffs, "--", color="#d55e00", label="memory of the bath")
right.set(xlabel="cutoff of the bath, 1 / memory", ylabel="time", ylim=(0.0, 3.0))
assert np.all(np.diff(back) < 0)  # the shorter the memory, the sooner
for ax in (left, right):
    ax.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_negative_probabilities.png"
figure.savefig(target, dpi=150)
print("figure:", target)
