"""Figures of decays, deviations, transport. Every function takes `ax=`, returns ``(fig, ax)``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from numpy.typing import ArrayLike, NDArray

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr._words import Against, Component, Plane, Profile
from openmr.rates import fit_decay
from openmr.rates.record import Relaxation
from openmr.reports.verify.check import Check
from openmr.show.fits import contour as contour  # noqa: PLC0414
from openmr.show.fits import fit as fit  # noqa: PLC0414
from openmr.show.frame import (
    FIELD,
    FIELD_ALONG,
    TEMPERATURE,
    axes,
    colour,
    field_label,
    in_plane,
    ink,
    legend,
    looks,
    name_curves,
    power_of_ten,
)
from openmr.show.order import order_vector as order_vector  # noqa: PLC0414
from openmr.transport.diffusion import SpinProfile
from openmr.transport.resistivity import Resistivity

if TYPE_CHECKING:
    from openmr.rates.routes.evolution import Decay, FreeMoment

PICOSECOND = 1e-12


def _recorded(name: str, value: Any, kind: str, source: str) -> None:
    """Raise unless `value` is a `kind` of `openmr.rates.routes.evolution`, which imports QuTiP."""
    from openmr.rates.routes import evolution

    if not isinstance(value, getattr(evolution, kind)):
        raise ParameterError(
            f"`{name}` must be a {kind} from openmr.rates.routes.evolution.{source}, "
            f"got {_checks.shown(value)}"
        )


def _points(
    ax: Axes, times: Array, values: Array, marker: str, shade: Any, label: str | None
) -> None:
    """Open markers against the time in ps."""
    style: dict[str, Any] = {"color": shade, "markerfacecolor": "none", "markersize": 5}
    ax.plot(times / PICOSECOND, values, marker, label=label, **style)


def decay(recorded: Decay, *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Recorded polarisations with the fitted decay.

    Parameters
    ----------
    recorded : Decay
        From `openmr.rates.routes.evolution.record_decay`.

    Returns
    -------
    (Figure, Axes)
        Longitudinal <sigma_z> of a spin along the field, and the length of the transverse
        polarisation of a spin across it, against time in ps; markers recorded, lines fitted.

    Raises
    ------
    ParameterError
        For anything else.
    """
    _recorded("recorded", recorded, "Decay", "record_decay")
    figure, ax = axes(ax)
    length = max(times[-1] for times in recorded.times)
    fitted_times = np.linspace(0.0, length, 400)
    fitted = fit_decay.decay(recorded.generator, length / 399, np.eye(3), 399)
    curves = (
        (r"along $\mathbf{b}$: $\langle\sigma_z\rangle$", _along, "o", "-", colour(0)),
        (r"across $\mathbf{b}$: $|\langle\sigma_\perp\rangle|$", _across, "s", "--", colour(1)),
    )
    for label, part, marker, line, shade in curves:
        for window, (times, signals) in enumerate(
            zip(recorded.times, recorded.signals, strict=True)
        ):
            once = None if window else label + ", recorded"
            _points(ax, times[::4], part(signals)[::4], marker, shade, once)
        ax.plot(fitted_times / PICOSECOND, part(fitted), line, color=shade, label="fitted")
    ax.set(xlabel="time (ps)", ylabel="polarisation (initial = 1)")
    legend(ax)
    return figure, ax


def _along(signals: Array) -> Array:
    return np.asarray(signals[:, 2, 2])


def _across(signals: Array) -> Array:
    return np.asarray(np.hypot(signals[:, 0, 0], signals[:, 1, 0]))


def precession(recorded: Decay, *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """First periods of <sigma_x> and <sigma_y> of a spin that starts along x.

    Errors as of `decay`.

    Parameters
    ----------
    recorded : Decay
        Its `prediction` samples were not fitted: the lines predict them.

    Returns
    -------
    (Figure, Axes)
        Lines predict, points are samples.
    """
    _recorded("recorded", recorded, "Decay", "record_decay")
    figure, ax = axes(ax)
    times, signals = recorded.prediction
    fine = np.linspace(0.0, times[-1], 400)
    fitted = fit_decay.decay(recorded.generator, times[-1] / 399, np.eye(3), 399)
    curves = ((0, "x", "o", "-", colour(0)), (1, "y", "^", "--", colour(1)))
    for row, name, marker, line, shade in curves:
        label = rf"$\langle\sigma_{name}\rangle$"
        _points(ax, times, signals[:, row, 0], marker, shade, label + ", recorded")
        ax.plot(fine / PICOSECOND, fitted[:, row, 0], line, color=shade, label="predicted")
    ax.axhline(0.0, color=ink(), alpha=0.3, linewidth=0.8, zorder=0)
    ax.set(xlabel="time (ps)", ylabel="polarisation (initial = 1)")
    legend(ax)
    return figure, ax


def free_moment(
    free: FreeMoment, thermal_rate: float, *, ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Decay with a free moment beside the decay with a thermal one.

    Errors as of `decay`.

    Parameters
    ----------
    thermal_rate : float, 1/s
        1/tau_par of the exchange part, moment held thermal.

    Returns
    -------
    (Figure, Axes)
        Both decays on one axis.
    """
    _recorded("free", free, "FreeMoment", "free_moment")
    thermal_rate = _checks.number("thermal_rate", thermal_rate, "1/s", least=0.0)
    figure, ax = axes(ax)
    times = free.times / PICOSECOND
    ax.plot(times, free.polarisation, "-", color=colour(0), label="moment free")
    label = r"moment held thermal, $e^{-t/\tau_\parallel}$"
    ax.plot(times, np.exp(-thermal_rate * free.times), "--", color=colour(1), label=label)
    ax.axhline(free.residue, color=ink(), linestyle=":", label="what never decays")
    ax.set(xlabel="time (ps)", ylabel=r"$\langle\sigma_z\rangle$ (initial = 1)")
    legend(ax)
    return figure, ax


def deviations(checks: Iterable[Check], *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Deviation of every check over what it is allowed.

    Parameters
    ----------
    checks : iterable of Check
        One or more, such as the `checks` of a report of `openmr.verify`.

    Returns
    -------
    (Figure, Axes)
        One column per quantity; above the line at 1 a check is missed. Exact agreement is drawn
        at 1e-8, NaN and whatever is larger at 1e3.

    Raises
    ------
    ParameterError
        For no checks, or anything else among them.
    """
    chosen = list(checks) if isinstance(checks, Iterable) else []
    if not chosen or not all(isinstance(check, Check) for check in chosen):
        raise ParameterError(
            f"`checks` must hold one openmr Check or more, got {_checks.shown(checks)}"
        )
    quantities = ("tau_par", "tau_perp", "omega_L", "l_par", "l_perp", "rho_L", "rho_T")
    symbols = (
        r"$\tau_\parallel$", r"$\tau_\perp$", r"$\omega_L$", r"$\ell_\parallel$",
        r"$\ell_\perp$", r"$\rho_L$", r"$\rho_T$",
    )  # fmt: skip
    figure, ax = axes(ax)
    floor, ceiling = 1e-8, 1e3
    for route, marker, shift in (("bloch-redfield", "o", -0.12), ("evolution", "s", 0.12)):
        x, y = [], []
        for column, quantity in enumerate(quantities):
            for check in chosen:
                if check.quantity == quantity and check.route.startswith(route):
                    missed = np.nan_to_num(check.deviation / check.tolerance, nan=ceiling)
                    x.append(column + shift)
                    y.append(np.clip(missed, floor, ceiling))
        ax.plot(x, y, marker, markerfacecolor="none", label=route)
    ax.axhline(1.0, color=ink(), linestyle="--", label="allowed")
    ax.set(yscale="log", ylabel="deviation from closed form / allowed")
    ax.set(xlim=(-0.5, len(quantities) - 0.5), ylim=(0.5 * floor, 100 * ceiling))  # for the legend
    ax.set_xticks(range(len(quantities)), symbols)
    ax.legend(frameon=False, ncols=3, loc="upper center")
    return figure, ax


# --- transport -------------------------------------------------------------------------------

_MICROOHM = 1e-6
_JUMP = 10.0
"""A step so many times as steep as both beside it is a jump: within it nothing stands still."""

_RESISTIVITY = r"resistivity $\rho_L$ ($\mu\Omega$ m)"
_PROFILES = {
    "accumulation": (r"\mu_s", "spin accumulation (eV)"),
    "current": ("J_s", "spin current (A/m$^2$)"),
}


def resistance_curves(
    curves: Resistivity | Mapping[str, Resistivity],
    *,
    against: Against | None = None,
    relative: bool = False,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """rho_L against field or temperature, with a mark where the precession vanishes.

    Parameters
    ----------
    curves : Resistivity, or mapping of label to Resistivity
        Each along one axis of two points at least; a single one is labelled by its sample's name.
    against : {"field", "temperature"}, optional
        Field by default, or temperature where the field stays the same.
    relative : bool
        Change since the first point of each curve, times the power of ten on the axis.

    Returns
    -------
    (Figure, Axes)
        Circles stand where B = B_sd, interpolated between points: where the precession passes
        through zero, not where it jumps with the moments. The axis names the direction of the field
        if all curves have one, along the current, across it or along the normal. Colours are those
        of the style; more than five curves have those of its map in the order of the numbers in
        their labels ("10 K", "20 K", ...), and a bar that names them.

    Raises
    ------
    ParameterError
        For anything but curves, for angular scans and grids, for an unknown `against` or one that
        does not vary along every curve, and for axes that hold curves in other units.
    """
    named = _named_curves(curves, Resistivity)
    against = _abscissa(named, against)
    _checks.switch("relative", relative)
    drawn = {label: (getattr(c, against), c.longitudinal) for label, c in named.items()}
    scale, unit = 1 / _MICROOHM, _RESISTIVITY
    if relative:
        drawn = {label: (x, y / y[0] - 1) for label, (x, y) in drawn.items()}
        power = power_of_ten([y for _, y in drawn.values()])
        scale, unit = 10.0**-power, _change(against, [x[0] for x, _ in drawn.values()], power)
    figure, ax = axes(ax)
    quantity = _field_label(named.values()) if against == "field" else TEMPERATURE
    quantity = _together(ax, quantity, unit)
    marked = False
    styles, bar, name = looks(ax, list(drawn))
    for (label, (x, y)), style in zip(drawn.items(), styles, strict=True):
        (curve,) = ax.plot(x, scale * y, label=None if bar else label, **style)
        still, there = _still(x, scale * y, named[label])
        marked |= len(still) > 0
        ax.plot(still, there, "o", color=curve.get_color(), markerfacecolor="none")
    if marked:
        ax.plot([], [], "o", color=ink(), markerfacecolor="none", label=r"$B = B_\mathrm{sd}$")
    ax.set(xlabel=quantity, ylabel=unit)
    if relative and isinstance(ax.yaxis.get_major_formatter(), ScalarFormatter):
        ax.ticklabel_format(axis="y", style="plain", useOffset=False)
    name_curves(ax, bar, name)
    return figure, ax


_Curve = TypeVar("_Curve", Resistivity, Relaxation)
_SOURCE = {Resistivity: "openmr.magnetoresistance", Relaxation: "openmr.relaxation"}


def _named_curves(curves: _Curve | Mapping[str, _Curve], kind: type[_Curve]) -> dict[str, _Curve]:
    if isinstance(curves, kind):
        _along_one_axis("`curves`", curves)
        return {curves.sample.name: curves}
    if not isinstance(curves, Mapping) or not curves:
        raise ParameterError(
            f"`curves` must be an openmr.{kind.__name__} (of {_SOURCE[kind]}) or map a label "
            f"or more to one each, got {_checks.shown(curves)}"
        )
    for label, curve in curves.items():
        name = f"curves[{label!r}]"
        _checks.instance(name, curve, kind)
        _along_one_axis(f"`{name}`", curve)
    return dict(curves)


def _along_one_axis(name: str, rates: Resistivity | Relaxation) -> None:
    """Raise unless field or temperature vary along the one axis of the curve."""
    shape = rates.longitudinal.shape
    scanned = isinstance(rates, Resistivity) and rates.direction.ndim > 1
    if scanned and not (_varies(rates.field) or _varies(rates.temperature)):
        raise ParameterError(
            f"{name} must vary in field or temperature, got directions of shape {shape} at one of "
            "each: `om.plotting.angular_scan` draws these"
        )
    if len(shape) > 1:
        raise ParameterError(
            f"{name} must have one axis, field or temperature, got shape {shape}: "
            "`om.plotting.resistivity_map` draws a grid of temperatures and fields"
        )
    if rates.longitudinal.size < 2 or not (_varies(rates.field) or _varies(rates.temperature)):
        raise ParameterError(
            f"{name} must have two fields or temperatures at least, got shape {shape} at "
            f"T = {_range(rates.temperature)} K, B = {_range(rates.field)} T"
        )


def _varies(values: Array) -> bool:
    return values.size > 0 and float(np.ptp(values)) > 0


def _range(values: Array) -> str:
    if not values.size:
        return "[]"
    low, high = values.min(), values.max()
    return f"{low:g}" if low == high else f"{low:g} ... {high:g}"


def _abscissa(
    curves: Mapping[str, Resistivity] | Mapping[str, Relaxation], against: Against | None
) -> Against:
    """The quantity that varies along every curve, the field first."""
    known: tuple[Against, ...] = get_args(Against)
    fixed: dict[Against, list[str]] = {
        axis: [label for label, c in curves.items() if not _varies(getattr(c, axis))]
        for axis in known
    }
    if against is None:
        for axis in known:
            if not fixed[axis]:
                return axis
        raise ParameterError(
            f"`curves` must all vary in field or all in temperature, got {fixed['field'][0]!r} at "
            f"one field and {fixed['temperature'][0]!r} at one temperature: draw two figures"
        )
    if fixed[_checks.choice("against", against, known)]:
        label, (unit, other) = fixed[against][0], ("T", "temperature")
        if against == "temperature":
            unit, other = "K", "field"
        raise ParameterError(
            f"`against` must be what varies, got {against!r}, which is "
            f"{_range(getattr(curves[label], against))} {unit} all along {label!r}: "
            f"take {other!r}"
        )
    return against


def _field_label(found: Iterable[Resistivity]) -> str:
    return field_label(np.concatenate([curve.direction.reshape(-1, 3) for curve in found]))


def rate_curves(
    curves: Relaxation | Mapping[str, Relaxation],
    *,
    against: Against | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Relaxation rates along and across the field, against field or temperature.

    Parameters
    ----------
    curves : Relaxation, or mapping of label to Relaxation
        Each along one axis of two points at least; a single one is labelled by its sample's name.
    against : {"field", "temperature"}, optional
        Field by default, or temperature where the field stays the same.

    Returns
    -------
    (Figure, Axes)
        1/tau_par as full lines, 1/tau_perp thin, in 1/ps.

    Raises
    ------
    ParameterError
        For anything but curves, for grids, and for an unknown `against` or one that does not vary
        along every curve.
    """
    named = _named_curves(curves, Relaxation)
    against = _abscissa(named, against)
    figure, ax = axes(ax)
    styles, bar, name = looks(ax, list(named))
    for (label, curve), style in zip(named.items(), styles, strict=True):
        x = getattr(curve, against)
        (line,) = ax.plot(x, 1e-12 * curve.longitudinal, label=None if bar else label, **style)
        across = style | {"color": line.get_color(), "linewidth": 0.4 * line.get_linewidth()}
        ax.plot(x, 1e-12 * curve.transverse, **across)
        wide = line.get_linewidth()
    for label, width in ((r"$1/\tau_\parallel$", wide), (r"$1/\tau_\perp$", 0.4 * wide)):
        ax.plot([], [], color=ink(), linewidth=width, label=label)
    ax.set(xlabel=FIELD if against == "field" else TEMPERATURE, ylabel="relaxation rate (1/ps)")
    name_curves(ax, bar, name)
    return figure, ax


def _change(against: str, first: list[float], power: int) -> str:
    """Axis label of rho_L over its first value, less one."""
    symbol, unit = ("B", "T") if against == "field" else ("T", "K")
    start = rf"{symbol}_\mathrm{{first}}"
    if np.ptp(first) == 0:
        start = "0" if first[0] == 0 else rf"{first[0]:g}\,\mathrm{{{unit}}}"
    factor = rf" ($10^{{{power}}}$)" if power else ""
    return rf"$\rho_L({symbol})\,/\,\rho_L({start}) - 1$" + factor


def _together(ax: Axes, quantity: str, unit: str) -> str:
    """Label of the x axis beside curves that an earlier call drew into `ax`."""
    if not ax.lines:
        return quantity
    before, earlier = ax.get_xlabel(), ax.get_ylabel()
    fields = (FIELD, *FIELD_ALONG.values())
    ours = before in (*fields, TEMPERATURE)
    if ours and (earlier != unit or (before == TEMPERATURE) != (quantity == TEMPERATURE)):
        raise ParameterError(
            f"`ax` must hold no curves in other units, got {earlier!r} against {before!r}: give "
            "all curves in one call, as a mapping of label to curve"
        )
    return quantity if not ours or before == quantity else FIELD


def _still(x: Array, y: Array, curve: Resistivity) -> tuple[Array, Array]:
    """Points of the curve at which the spins of a film do not precess; none of several layers."""
    if len(curve.rates.layers) > 1:
        return np.empty(0), np.empty(0)
    omega = _with_field(curve)
    at = _crossings(x, omega)
    share = omega[at] / (omega[at] - omega[at + 1])
    return x[at] + share * (x[at + 1] - x[at]), y[at] + share * (y[at + 1] - y[at])


def _with_field(curve: Resistivity) -> Array:
    """Precession in the sense that the field alone gives: that of B - B_sd also where B < 0."""
    rates = curve.rates
    return np.where(rates.field < 0, -1.0, 1.0) * rates.layers[0].precession


def _crossings(x: Array, y: Array) -> NDArray[np.int64]:
    """Steps in which y passes through zero, without those in which it jumps."""
    slope = np.abs(np.diff(y)) / np.maximum(np.abs(np.diff(x)), np.finfo(float).tiny)
    beside = np.pad(slope, 1)
    steepest = _JUMP * np.maximum(beside[:-2], beside[2:])
    passes = (np.sign(y[:-1]) != np.sign(y[1:])) & (y[:-1] != 0)
    # a zero on a point counts in the step that ends there, if y goes on beyond
    passes[:-1] &= (y[1:-1] != 0) | (np.sign(y[2:]) == -np.sign(y[:-2]))
    passes[-1:] &= y[-1:] != 0
    return np.flatnonzero(passes & ((slope <= steepest) | (len(slope) == 1)))


def angular_scan(
    angle: ArrayLike,
    scans: Mapping[str, Resistivity],
    *,
    part: Component = "longitudinal",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Resistivity while the field turns, with the law a + b cos^2 fitted to it.

    Parameters
    ----------
    angle : array_like (n,), rad
    scans : mapping of plane to Resistivity
        For the directions ``om.scan_directions(plane, angle)``, plane "xy", "yz" or "zx".
    part : {"longitudinal", "transverse"}
        The law is drawn for the longitudinal one alone.

    Returns
    -------
    (Figure, Axes)
        The line is computed, circles are the law.

    Raises
    ------
    ParameterError
        For an unknown `part`, or scans that do not have one point an angle, in that plane.
    """
    _checks.choice("part", part, Component)
    turn = _checks.row("angle", angle, "rad")
    if not isinstance(scans, Mapping) or not scans:
        raise ParameterError(
            "`scans` must map a plane or more to an openmr.Resistivity each, got "
            f"{_checks.shown(scans)}"
        )
    for plane, scan in scans.items():
        in_which: Plane = _checks.choice("plane", plane, Plane)
        _checks.instance(f"scans[{plane!r}]", scan, Resistivity)
        if scan.longitudinal.shape != turn.shape or scan.direction.shape != (*turn.shape, 3):
            raise ParameterError(
                f"`scans[{plane!r}]` must have a direction per angle, shape {turn.shape}, got "
                f"{scan.longitudinal.shape} with directions {scan.direction.shape[:-1]}; "
                "`om.plotting.resistance_curves` draws fields and temperatures"
            )
        in_plane(f"scans[{plane!r}]", scan.direction, in_which, turn)
    figure, ax = axes(ax)
    degrees = np.rad2deg(turn)
    styles, _, _ = looks(ax, list(scans))
    for (plane, scan), style in zip(scans.items(), styles, strict=True):
        rho = getattr(scan, part) / _MICROOHM
        (curve,) = ax.plot(degrees, rho, label=f"{plane[0]} to {plane[1]}", **style)
        if part == "longitudinal":
            some = slice(None, None, max(1, len(turn) // 24))
            square = np.stack([np.ones_like(turn), np.cos(turn) ** 2], axis=-1)
            law = square[some] @ np.linalg.lstsq(square, rho)[0]
            ax.plot(
                degrees[some], law, "o", color=curve.get_color(), markerfacecolor="none",
                markersize=4,
            )  # fmt: skip
    ax.set_xticks(np.arange(0, degrees.max() + 1, 90 if degrees.max() > 200 else 45))
    label = _RESISTIVITY if part == "longitudinal" else _RESISTIVITY.replace("L", "T")
    ax.set(xlabel="angle of the field (degrees)", ylabel=label)
    legend(ax)
    return figure, ax


def spin_profile(
    found: SpinProfile, *, quantity: Profile = "accumulation", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Three components of the spin accumulation or of the spin current across a film or stack.

    Parameters
    ----------
    found : SpinProfile
        For one direction and one set of rates.
    quantity : {"accumulation", "current"}

    Returns
    -------
    (Figure, Axes)
        One line a component; dotted lines are the faces between layers.

    Raises
    ------
    ParameterError
        For an unknown `quantity`, or anything but one profile.
    """
    _checks.choice("quantity", quantity, _PROFILES)
    _checks.instance("found", found, SpinProfile)
    values = getattr(found, quantity)
    if values.ndim != 2:
        raise ParameterError(
            "`found` must be for one direction and one set of rates, got a grid of shape "
            f"{values.shape[:-2]}; `openmr.show.animation.turning_field` draws many, one by one"
        )
    figure, ax = axes(ax)
    symbol, name = _PROFILES[quantity]
    for component, style in enumerate(looks(ax, "xyz")[0]):
        label = f"${symbol}^{'xyz'[component]}$"
        ax.plot(found.depth * 1e9, values[:, component], label=label, **style)
    ax.axhline(0.0, color=ink(), alpha=0.3, linewidth=0.8, zorder=0)
    for edge in found.edges[1:-1]:
        ax.axvline(edge * 1e9, color=ink(), alpha=0.5, linestyle=":", linewidth=0.8, zorder=0)
    ax.set(xlabel="depth $z$ (nm)", ylabel=name)
    ax.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    legend(ax)
    return figure, ax


def resistivity_map(found: Resistivity, *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """rho_L over field and temperature, with the line B = B_sd(B, T).

    Parameters
    ----------
    found : Resistivity
        On a grid with temperatures along the first axis and fields along the second.

    Returns
    -------
    (Figure, Axes)
        The axes have a second one for the colours. The x axis names the direction of the field
        as `resistance_curves` does.

    Raises
    ------
    ParameterError
        For anything but a grid over which both vary.
    """
    _checks.instance("found", found, Resistivity)
    rates, shape = found.rates, found.longitudinal.shape
    both = _varies(rates.field) and _varies(rates.temperature)
    if len(shape) != 2 or rates.field.shape != shape or min(shape) < 2 or not both:
        raise ParameterError(
            "`found` must lie on a grid of two temperatures and two fields at least, as "
            f"`temperature[:, None]` and `field` make it, got shape {shape} at "
            f"T = {_range(rates.temperature)} K, B = {_range(rates.field)} T; "
            "`om.plotting.resistance_curves` draws one row"
        )
    figure, ax = axes(ax)
    rho = found.longitudinal / _MICROOHM
    mesh = ax.pcolormesh(rates.field, rates.temperature, rho, cmap="cividis", shading="gouraud")
    figure.colorbar(mesh, ax=ax, label=r"$\rho_L$ ($\mu\Omega$ m)")
    omega = _with_field(found)
    if len(rates.layers) == 1 and np.any(omega > 0) and np.any(omega < 0):
        # without a field nothing precesses above the ordering temperature: no exchange field there
        omega = np.ma.masked_where(rates.field == 0, omega)
        ax.contour(rates.field, rates.temperature, omega, levels=[0.0], colors="w", linestyles="--")
        ax.plot([], [], "w--", label=r"$B = B_\mathrm{sd}$")
        # above the map, on the darkest of its colours
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2,
                  facecolor=mesh.cmap(0.0), labelcolor="w", framealpha=1.0)  # fmt: skip
    ax.set(xlabel=_field_label([found]), ylabel=TEMPERATURE)
    return figure, ax
