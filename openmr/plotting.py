"""Figures of decays, deviations, transport. Every function takes `ax=`, returns ``(fig, ax)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.linalg import expm

from openmr import _checks
from openmr._checks import Array
from openmr.comparison import Check
from openmr.diffusion import SpinProfile
from openmr.resistivity import Resistivity

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

    Returns
    -------
    (Figure, Axes)
        Lines predict, points are samples.
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

    Returns
    -------
    (Figure, Axes)
        Both decays on one axis.
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


# --- transport -------------------------------------------------------------------------------

# Okabe-Ito colours, told apart by line as well
STYLES = (
    ("#000000", "-"),
    ("#d55e00", "--"),
    ("#0072b2", "-."),
    ("#009e73", ":"),
    ("#cc79a7", (0, (7, 2))),
)
MICROOHM = 1e-6


def resistance_curves(
    curves: Resistivity | Mapping[str, Resistivity],
    *,
    against: str = "field",
    relative: bool = False,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """rho_L against field or temperature, with a mark where the precession vanishes.

    Parameters
    ----------
    curves : Resistivity, or mapping of label to Resistivity
        Each along one axis; a single one is labelled by its sample's name.
    against : {"field", "temperature"}
    relative : bool
        Change since the first point of each curve, in parts per thousand.
    ax : Axes, optional

    Returns
    -------
    (Figure, Axes)
        Circles stand where B = B_sd, interpolated between points.

    Raises
    ------
    ParameterError
        For an unknown `against`.
    """
    _checks.choice("against", against, ("field", "temperature"))
    if isinstance(curves, Resistivity):
        curves = {curves.relaxation.sample.name: curves}
    figure, ax = _axes(ax)
    marked = False
    for (label, curve), (colour, line) in zip(curves.items(), _styles(len(curves)), strict=True):
        x, y = getattr(curve.relaxation, against), curve.longitudinal
        y = 1e3 * (y / y[0] - 1) if relative else y / MICROOHM
        ax.plot(x, y, color=colour, linestyle=line, label=label)
        still = _crossings(x, curve.relaxation.precession)
        marked |= len(still) > 0
        ax.plot(still, np.interp(still, x, y), "o", color=colour, markerfacecolor="none")
    if marked:
        ax.plot([], [], "o", color="0.4", markerfacecolor="none", label=r"$B = B_\mathrm{sd}$")
    ax.set_xlabel("field along the current, $B_x$ (T)" if against == "field" else "temperature (K)")
    ax.set_ylabel(
        r"change of $\rho_L$ ($10^{-3}$)" if relative else r"resistivity $\rho_L$ ($\mu\Omega$ m)"
    )
    ax.legend(frameon=False)
    return figure, ax


def _styles(count: int) -> list[tuple[str, Any]]:
    return [STYLES[i % len(STYLES)] for i in range(count)]


def _crossings(x: Array, y: Array) -> Array:
    """Where y, linear between points, passes through zero."""
    at = np.flatnonzero(y[:-1] * y[1:] < 0)
    return np.asarray(x[at] - y[at] * (x[at + 1] - x[at]) / (y[at + 1] - y[at]))


def angular_scan(
    angle: Array,
    scans: Mapping[str, Resistivity],
    *,
    part: str = "longitudinal",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Resistivity while the field turns, with the law a + b cos^2 through three of its points.

    Parameters
    ----------
    angle : array (n,), rad
    scans : mapping of plane to Resistivity
        As `openmr.scan_directions` turns them.
    part : {"longitudinal", "transverse"}
        The law is drawn for the longitudinal one alone.
    ax : Axes, optional

    Returns
    -------
    (Figure, Axes)
        Points are computed, the line is the law.

    Raises
    ------
    ParameterError
        For an unknown `part`.
    """
    _checks.choice("part", part, ("longitudinal", "transverse"))
    figure, ax = _axes(ax)
    degrees = np.rad2deg(angle)
    for (plane, scan), (colour, line) in zip(scans.items(), _styles(len(scans)), strict=True):
        rho = getattr(scan, part) / MICROOHM
        ax.plot(degrees, rho, color=colour, linestyle=line, label=f"{plane[0]} to {plane[1]}")
        if part == "longitudinal":
            some = slice(None, None, max(1, len(angle) // 24))
            start, end = np.interp([0.0, 90.0], degrees, rho)
            law = end + (start - end) * np.cos(angle[some]) ** 2
            ax.plot(degrees[some], law, "o", color=colour, markerfacecolor="none", markersize=4)
    ax.set_xlabel("angle of the field (degrees)")
    ax.set_xticks(np.arange(0, degrees.max() + 1, 90 if degrees.max() > 200 else 45))
    name = "L" if part == "longitudinal" else "T"
    ax.set_ylabel(rf"resistivity $\rho_{name}$ ($\mu\Omega$ m)")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.12 * (high - low))
    ax.legend(frameon=False, ncols=len(scans), loc="upper center")
    return figure, ax


def spin_profile(
    found: SpinProfile, *, quantity: str = "accumulation", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Three components of the spin accumulation or of the spin current across the film.

    Parameters
    ----------
    found : SpinProfile
        For one direction and one set of rates.
    quantity : {"accumulation", "current"}
    ax : Axes, optional

    Returns
    -------
    (Figure, Axes)
        One line a component.

    Raises
    ------
    ParameterError
        For an unknown `quantity`.
    """
    _checks.choice("quantity", quantity, ("accumulation", "current"))
    figure, ax = _axes(ax)
    values = getattr(found, quantity)
    symbol = r"\mu_s" if quantity == "accumulation" else "J_s"
    for component, (colour, line) in enumerate(_styles(3)):
        label = f"${symbol}^{'xyz'[component]}$"
        ax.plot(found.depth * 1e9, values[:, component], color=colour, linestyle=line, label=label)
    ax.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
    ax.set_xlabel("depth $z$ (nm)")
    ax.set_ylabel(
        "spin accumulation (eV)" if quantity == "accumulation" else "spin current (A/m$^2$)"
    )
    ax.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    ax.legend(frameon=False)
    return figure, ax


def resistivity_map(found: Resistivity, *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """rho_L over field and temperature, with the line B = B_sd(B, T).

    Parameters
    ----------
    found : Resistivity
        On a grid with temperatures along the first axis and fields along the second.
    ax : Axes, optional

    Returns
    -------
    (Figure, Axes)
        The axes have a second one for the colours.
    """
    figure, ax = _axes(ax)
    rates = found.relaxation
    rho = found.longitudinal / MICROOHM
    mesh = ax.pcolormesh(rates.field, rates.temperature, rho, cmap="cividis", shading="gouraud")
    figure.colorbar(mesh, ax=ax, label=r"$\rho_L$ ($\mu\Omega$ m)")
    if np.any(rates.precession > 0) and np.any(rates.precession < 0):
        # without a field nothing precesses above the ordering temperature: no exchange field there
        omega = np.ma.masked_where(rates.field == 0, rates.precession)
        ax.contour(
            rates.field,
            rates.temperature,
            omega,
            levels=[0.0],
            colors="w",
            linestyles="--",
        )
        ax.plot([], [], "--", color="0.5", label=r"$B = B_\mathrm{sd}$")
        ax.legend(loc="upper right")
    ax.set_xlabel("field along the current, $B_x$ (T)")
    ax.set_ylabel("temperature (K)")
    return figure, ax
