"""A phase diagram of the magnetoresistance: a million points of temperature, field and coupling
=============================================================================================

Every array becomes a dimension. The map shows where the resistance falls with the field and where
it rises; on the dashed line the exchange field cancels the applied one and the spins do not turn.
"""

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

film = om.presets.pt_py()
start = time.perf_counter()
found = om.sweep(
    film,
    temperature=np.linspace(2.0, 120.0, 500),
    field=np.linspace(0.0, 20.0, 500),
    exchange_energy=[-1e-3, -0.3e-3, 0.3e-3, 1e-3],
    method="batched",
)
seconds = time.perf_counter() - start
points = found.longitudinal_rate.size
print(f"{points} points in {seconds:.2f} s, {1e6 * seconds / points:.2f} us per point")
print("dimensions:", dict(found.sizes))

change = found.longitudinal_resistivity / found.longitudinal_resistivity.isel(field=0) - 1
scale = 1e4 * float(np.abs(change).max())
figure, axes = plt.subplots(1, 4, figsize=(15.5, 4.2), sharey=True, layout="constrained")
for ax, coupling in zip(axes, found.exchange_energy.values, strict=True):
    part = 1e4 * change.sel(exchange_energy=coupling)
    image = ax.pcolormesh(
        found.temperature, found.field, part.T, cmap="PuOr", vmin=-scale, vmax=scale,
        rasterized=True,
    )  # fmt: skip
    ax.contour(found.temperature, found.field, part.T, levels=[0.0], colors="k", linewidths=0.8)
    omega = found.precession.sel(exchange_energy=coupling)
    ax.contour(
        found.temperature, found.field[1:], omega.T[1:], levels=[0.0], colors="k",
        linestyles="--", linewidths=1.6,
    )  # fmt: skip
    ax.set_title(rf"$n_SJ$ = {1e3 * coupling:g} meV")
    ax.set_xlabel("temperature (K)")
    low = part.min()
    where = part.where(part == low, drop=True)
    deepest = f"at {float(where.temperature[0]):.1f} K and {float(where.field[0]):.2f} T"
    assert (low < -1e-12) == (coupling < 0)  # beyond rounding
    print(
        f"n_S J = {1e3 * coupling:4.1f} meV: "
        + (f"falls by up to {-float(low):.1f}e-4, {deepest}" if low < 0 else "never falls")
    )
axes[0].set_ylabel("field along the current (T)")
axes[0].plot([], [], "k--", label=r"$\omega_L = 0$")
axes[0].plot([], [], "k-", linewidth=0.8, label="no change")
axes[0].legend(loc="lower right", framealpha=0.9, facecolor="w", labelcolor="k")
bar = figure.colorbar(image, ax=axes, pad=0.01)
bar.set_label(r"$\rho_L(B)/\rho_L(0) - 1$  ($10^{-4}$)")
target = Path(tempfile.gettempdir()) / "openmr_phase_diagram.png"
figure.savefig(target, dpi=150)
print("figure:", target)
