"""Every decay rate of electron and moment together, the moment free to react
==========================================================================

With axial coupling the generator falls into blocks of at most 4 x 4, so a whole curve of spectra
costs what one dense matrix does. The projected rate 1/tau_par is none of the eigenvalues: a free
moment takes spin up, and each sector of conserved total S_z settles at a rate of its own.
"""

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from openmr.models.sectors import joint_spectrum
from openmr.rates.routes.batched import redfield_tensor

isotropic = [(1.0, 1.0, 1.0)]
depth = np.linspace(0.05, 4.0, 80)

figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.4), layout="constrained")
for spin, shade in ((0.5, "C2"), (2.0, "C1")):
    rate = redfield_tensor(np.eye(3), spin, depth)[:, 2, 2]
    spectrum = joint_spectrum([spin], depth[:, None], isotropic).eigenvalues
    decay = -spectrum.real / rate[:, None]
    moving = decay > 1e-6
    slowest = np.where(moving, decay, np.inf).min(axis=1)
    assert np.all(slowest > 1 + 1e-3)  # so 1/tau_par is none of them
    assert spin > 0.5 or np.any(np.abs(decay - (1 + np.cosh(depth))[:, None]) < 1e-8, axis=1).all()
    left.plot(depth, slowest, "-", color=shade, label=f"slowest, S = {spin:g}")
    left.plot(depth, decay.max(axis=1), "--", color=shade, label=f"fastest, S = {spin:g}")
    print(f"S = {spin:g}, beta eps_L = {depth[-1]:g}: {moving[-1].sum()} decaying modes, "
          f"{slowest[-1]:.2f} to {decay[-1].max():.1f} times 1/tau_par")  # fmt: skip
left.plot(
    depth,
    1 + np.cosh(depth),
    ".",
    color="0.5",
    markersize=3,
    label=r"$1 + \cosh(\beta\varepsilon_L)$",
)
left.axhline(1.0, color="0.5", linewidth=0.8)
left.text(4.0, 1.04, r"projected rate $1/\tau_\parallel$", ha="right", color="0.4")
left.set_yscale("log")
left.set_xlabel(r"splitting of the moment, $\beta\varepsilon_L$")
left.set_ylabel(r"decay rate $\times\ \tau_\parallel$")
left.legend(frameon=False)

systems = [[s] for s in (0.5, 1.0, 2.0, 3.5, 7.5)] + [[s, s] for s in (0.5, 1.0, 2.0, 3.5)]
joint_spectrum([0.5], [1.0], isotropic)  # the first call loads libraries
for count, marker in ((1, "C0o-"), (2, "C1s--")):
    size, taken = [], []
    for spins in (s for s in systems if len(s) == count):
        start = time.perf_counter()
        found = joint_spectrum(spins, [0.8, -0.4][:count], isotropic * count)
        assert found.largest_block <= (4 if count == 1 else found.dimension**2 / 4)
        size.append(found.dimension)
        taken.append(time.perf_counter() - start)
        print(f"moments {spins}: N = {found.dimension}, blocks up to {found.largest_block} of "
              f"{found.dimension**2}, {1e3 * taken[-1]:.1f} ms")  # fmt: skip
    right.loglog(size, taken, marker, label=f"{count} moment" + "s" * (count - 1))
right.axvline(128, color="0.7", linewidth=0.8)
right.text(122, 1e-3, "two moments of S = 7/2", rotation=90, ha="right", va="bottom", color="0.4")
right.set_xlabel("dimension N of the joint space")
right.set_ylabel("time for all $N^2$ eigenvalues (s)")
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_spectrum_by_blocks.png"
figure.savefig(target, dpi=150)
print("figure:", target)
