"""Spin flop: an antiferromagnet turns across the field, and the resistance tells
================================================================================

An antiferromagnet with an easy axis along the normal keeps its two sublattices along the field,
until it costs less to lay them across it. Spins of the Hall current that point across the field
then meet other moments, and the film's resistance jumps. On the way up the old state holds on
beyond the field at which the two cost the same; on the way down the flopped one does.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr.units import MU_B

SPIN, D, COUPLING = 2.5, -1e-4, -1e-3  # eV
one = om.Moments(SPIN, density=5e26, exchange_energy=-2e-4, anisotropy=D)
base = om.presets.pt_py()
film = om.Sample(
    om.Magnet([one, one], [[0, COUPLING], [COUPLING, 0]]), base.electrons, base.film, "film"
)

# classical spins: the exchange field, the anisotropy field, and where the states cost the same
exchange, anisotropy = abs(COUPLING) * SPIN / (2 * MU_B), 2 * abs(D) * (SPIN - 0.5) / (2 * MU_B)
flop = np.sqrt(2 * exchange * anisotropy - anisotropy**2)
print(f"exchange field {exchange:.1f} T, anisotropy {anisotropy:.2f} T, flop at {flop:.2f} T")

NORMAL, KELVIN = (0, 0, 1), 3.0
field = np.linspace(0.7 * flop, 1.3 * flop, 25)
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
states, jumps = {}, {}
for branch, line in (("up", "-"), ("down", "--")):
    rho = om.magnetoresistance(film, KELVIN, field, NORMAL, method="batched", branch=branch)
    states[branch] = rho.relaxation.equilibrium
    across = np.abs(states[branch].mean[:, 0, :2]).max(axis=-1)
    jumps[branch] = field[np.abs(np.diff(across)).argmax()]
    right.plot(field, 1e4 * (rho.longitudinal / base.film.resistivity - 1), line, label=branch)
om.plotting.order_vector(states, ax=left)
print(f"up it flops beyond {jumps['up']:.2f} T, down it returns below {jumps['down']:.2f} T")
assert jumps["down"] < flop < jumps["up"]  # the classical field lies between the two

jump = np.ptp(rho.longitudinal) / base.film.resistivity
print(f"the resistance changes by {1e4 * jump:.2f}e-4")
assert jump > 1e-5
right.axvline(flop, color="gray", linewidth=0.8)
right.set(
    xlabel="field along the normal (T)",
    ylabel=r"$\rho_L/\rho_{L0} - 1$ ($10^{-4}$)",
    title="classical flop field: gray",
)
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_spin_flop.png"
figure.savefig(target, dpi=150)
print("figure:", target)
