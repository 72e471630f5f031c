"""Figures of decays, fits and deviations. Every function takes `ax=` and returns ``(fig, ax)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.linalg import expm

from openmr._checks import Array
from openmr.comparison import Check

if TYPE_CHECKING:
    from openmr.routes.evolution import Decay, FreeMoment

PICOSECOND = 1e-12


def _axes(ax: Axes | None) -> tuple[Figure, Axes]:
    if ax is None:
        return plt.subplots(figsize=(6.0, 4.0), layout="constrained")
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure, ax


def _evolved(generator: Array, times: Array) -> Array:
    return np.stack([expm(-generator * time) for time in times])


def decay(recorded: Decay, *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Recorded polarisations with the fitted decay.

    Parameters
    ----------
    recorded : Decay
        From `openmr.routes.evolution.record_decay`.
    ax : Axes, optional

    Returns
    -------
    (Figure, Axes)
        Longitudinal <sigma_z> of a spin along the field, and the length of the transverse
        polarisation of a spin across it, against time in ps; markers recorded, lines fitted.
    """
    figure, ax = _axes(ax)
    length = max(times[-1] for times in recorded.times)
    fitted_times = np.linspace(0.0, length, 400)
    fitted = _evolved(recorded.generator, fitted_times)
    curves = (
        (r"along $\mathbf{b}$: $\langle\sigma_z\rangle$", _along, "o", "-", "0.0"),
        (r"across $\mathbf{b}$: $|\langle\sigma_\perp\rangle|$", _across, "s", "--", "#d55e00"),
    )
    for label, part, marker, line, colour in curves:
        for window, (times, signals) in enumerate(
            zip(recorded.times, recorded.signals, strict=True)
        ):
            ax.plot(
                times[::4] / PICOSECOND,
                part(signals)[::4],
                marker,
                color=colour,
                markerfacecolor="none",
                markersize=5,
                label=None if window else label + ", recorded",
            )
        ax.plot(fitted_times / PICOSECOND, part(fitted), line, color=colour, label="fitted")
    ax.set_xlabel("time (ps)")
    ax.set_ylabel("polarisation (initial = 1)")
    ax.set_ylim(0.0, 1.05)
    ax.legend(frameon=False)
    return figure, ax


def _along(signals: Array) -> Array:
    return np.asarray(signals[:, 2, 2])


def _across(signals: Array) -> Array:
    return np.asarray(np.hypot(signals[:, 0, 0], signals[:, 1, 0]))


def precession(recorded: Decay, *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """First periods of <sigma_x> and <sigma_y> of a spin that starts along x.

    Parameters
    ----------
    recorded : Decay
        Its `prediction` samples were not fitted: the lines predict them.
    ax : Axes, optional
    """
    figure, ax = _axes(ax)
    times, signals = recorded.prediction
    fine = np.linspace(0.0, times[-1], 400)
    fitted = _evolved(recorded.generator, fine)
    for row, name, marker, line, colour in (
        (0, "x", "o", "-", "0.0"),
        (1, "y", "^", "--", "#0072b2"),
    ):
        label = rf"$\langle\sigma_{name}\rangle$"
        ax.plot(
            times / PICOSECOND,
            signals[:, row, 0],
            marker,
            color=colour,
            markerfacecolor="none",
            markersize=5,
            label=label + ", recorded",
        )
        ax.plot(fine / PICOSECOND, fitted[:, row, 0], line, color=colour, label="predicted")
    ax.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
    ax.set_xlabel("time (ps)")
    ax.set_ylabel("polarisation (initial = 1)")
    ax.set_ylim(-1.15, 1.6)
    ax.legend(frameon=False, ncols=2, loc="upper center")
    return figure, ax


def free_moment(
    free: FreeMoment, thermal_rate: float, *, ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Decay with a free moment beside the decay with a thermal one.

    Parameters
    ----------
    free : FreeMoment
    thermal_rate : float, 1/s
        1/tau_par of the exchange part, moment held thermal.
    ax : Axes, optional
    """
    figure, ax = _axes(ax)
    times = free.times / PICOSECOND
    ax.plot(times, free.polarisation, "-", color="0.0", label="moment free")
    ax.plot(
        times,
        np.exp(-thermal_rate * free.times),
        "--",
        color="#d55e00",
        label=r"moment held thermal, $e^{-t/\tau_\parallel}$",
    )
    ax.axhline(free.residue, color="0.5", linestyle=":", label="what never decays")
    ax.set_xlabel("time (ps)")
    ax.set_ylabel(r"$\langle\sigma_z\rangle$ (initial = 1)")
    ax.set_ylim(0.0, 1.05)
    ax.legend(frameon=False)
    return figure, ax


def deviations(checks: Sequence[Check], *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Deviation of every check over what it is allowed.

    Parameters
    ----------
    checks : sequence of Check
    ax : Axes, optional

    Returns
    -------
    (Figure, Axes)
        One column per quantity; above the line at 1 a check is missed. Exact agreement is drawn
        at the lower edge.
    """
    quantities = ("tau_par", "tau_perp", "omega_L", "l_par", "l_perp", "rho_L", "rho_T")
    symbols = (
        r"$\tau_\parallel$", r"$\tau_\perp$", r"$\omega_L$", r"$\ell_\parallel$",
        r"$\ell_\perp$", r"$\rho_L$", r"$\rho_T$",
    )  # fmt: skip
    figure, ax = _axes(ax)
    floor = 1e-8
    for route, marker, colour, shift in (
        ("bloch-redfield", "o", "0.0", -0.12),
        ("evolution", "s", "#d55e00", 0.12),
    ):
        x, y = [], []
        for column, quantity in enumerate(quantities):
            for check in checks:
                if check.quantity == quantity and check.route == route:
                    x.append(column + shift)
                    y.append(max(floor, check.deviation / check.tolerance))
        ax.plot(x, y, marker, color=colour, markerfacecolor="none", label=route)
    ax.axhline(1.0, color="0.4", linestyle="--", label="allowed")
    ax.set_yscale("log")
    ax.set_ylim(0.5 * floor, 1e3)
    ax.set_xticks(range(len(quantities)), symbols)
    ax.set_ylabel("deviation from closed form / allowed")
    ax.legend(frameon=False, ncols=3, loc="upper center")
    return figure, ax
