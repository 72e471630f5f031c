"""Figures of fits: data beside the model, and two parameters beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any, Final, Literal, NamedTuple, cast, get_args

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import RectBivariateSpline

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr._words import Component, Plane
from openmr.data.curves import bare_resistivity
from openmr.data.found import Fit
from openmr.data.identifiability import REACH
from openmr.data.least_squares import least
from openmr.data.nuisance import Rows
from openmr.sample.parameters import PARAMETERS
from openmr.show.frame import FEW, LINES, axes, colour, field_label, ink, legend, power_of_ten
from openmr.show.frame import looks as curve_looks
from openmr.transport.resistivity import scan_directions

_Subtract = Literal["nuisance", "nothing"]
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "<", "*", ">", "h")
_FINE: Final = 301
"""Points of a curve of the model."""
_ASIDE: Final = 0.05
"""Sine of the angle within which directions are one, and part of the field likewise."""
_PLANES: Final = {"xy": 2, "yz": 0, "zx": 1}
"""Plane -> axis across it."""
_SPREAD: Final = 3.5
"""Standard deviations that a figure of two parameters shows."""
_SMOOTH: Final = 1e3
"""Rise of chi^2 below which no cliff stands between the values, which a spline would ring at."""


def fit(
    found: Fit,
    what: Component | Sequence[Component] | None = None,
    subtract: _Subtract = "nuisance",
    *,
    relative: bool = True,
    ax: Any = None,
) -> tuple[Figure, Any]:
    """Data with the noise that was found, flagged points, the model, and what it leaves.

    Parameters
    ----------
    found : Fit
        From `openmr.fit`.
    what : {"longitudinal", "transverse"} or both, optional
        All that was measured unless given.
    subtract : {"nuisance", "nothing"}
        Whether drift, Hall voltage, offset and the like are taken off the data, which then stand
        beside the model alone.
    relative : bool
        rho_L and rho_T over the model's rho_L where the field is smallest, or at the first angle
        of a scan, of each film and temperature; without it rho itself.
    ax : Axes, or array of Axes (2, k), optional
        Of k components: data above, residuals below. One set of axes shows one component without
        residuals.

    Returns
    -------
    (Figure, Axes or array (2, k) of Axes)
        A colour for each temperature, or for each curve if there is one temperature; colours are
        those of the style, or of its map, with a bar, for more than five temperatures. Open crosses
        are flagged points; those beyond the axes stand at their edge. Residuals are in standard
        deviations. A verdict other than "good" is the title.

    Raises
    ------
    ParameterError
        For anything but a fit, a component that was not measured, or axes that do not suit.
    """
    _checks.instance("found", found, Fit)
    _checks.choice("subtract", subtract, _Subtract)
    relative = _checks.switch("relative", relative)
    shown = _shown(found, what)
    figure, panels = _panels(ax, len(shown))
    curves, label = _curves(found.rows)
    looks, bar, quantity = _looks(found.rows, curves, panels[0][0])
    drawn = _Drawn(found, subtract == "nuisance", relative)
    turning = bool(curves[0].plane)
    for part, (upper, lower) in zip(shown, panels, strict=True):
        _data(drawn, part == "transverse", curves, looks, upper, named=bar is None)
        if lower is not None:
            _residuals(drawn, part == "transverse", curves, looks, lower)
        (lower or upper).set_xlabel(label)
        if turning:
            upper.xaxis.set_major_locator(MultipleLocator(90))
    if bar is not None:
        figure.colorbar(bar, ax=[one for pair in panels for one in pair if one], label=quantity)
    handles, _ = panels[0][0].get_legend_handles_labels()
    many = len(handles)
    if ax is None and many > FEW:
        columns = min(many, 3 * len(shown))
        figure.legend(handles=handles, loc="outside lower center", frameon=False, ncols=columns)
    elif many > 1:
        legend(panels[0][0], fontsize="small")
    _title(found, figure if ax is None else panels[0][0])
    if isinstance(ax, Axes):
        return figure, ax
    return figure, np.array(panels, dtype=object).T


def contour(
    found: Fit, a: str, b: str, *, points: int = 21, ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Regions of two parameters that hold the truth in 68 and 95 of 100 experiments.

    Parameters
    ----------
    found : Fit
        From `openmr.fit`, of a model that describes the data.
    a, b : str
        Labels of two parameters, along x and y.
    points : int
        Values of each at which all other parameters are fitted again.

    Returns
    -------
    (Figure, Axes)
        Lines where chi^2 rises to the level, solid and dashed; the cross is the fit.

    Raises
    ------
    ParameterError
        For unknown or equal labels, or a fit whose model does not describe the data: no region
        has a meaning there.
    """
    _checks.instance("found", found, Fit)
    known = found.parameters
    at = [known.index(_checks.choice(name, label, known)) for name, label in (("a", a), ("b", b))]
    if a == b:
        raise ParameterError(f"`b` must be another parameter than `a`, got {b!r} twice")
    points = _checks.integer("points", points, least=5, most=501)
    if found.adequacy.refused:
        raise ParameterError(
            "`found` must describe the data, got a misfit of p = "
            f"{found.adequacy.probability:.1g}: no region has a meaning"
        )
    figure, ax = axes(ax)
    x, y, rise = _rises(found, at[0], at[1], points)
    levels = [2 * float(stats.f.ppf(p, 2, found.freedom)) for p in (0.6827, 0.9545)]
    shade = colour(0)
    ax.contour(x, y, rise, levels=levels, colors=[shade], linestyles=["-", "--"])
    for line, words in (("-", "68 %"), ("--", "95 %")):
        ax.plot([], [], color=shade, linestyle=line, label=words)
    ax.plot(found.values[at[0]], found.values[at[1]], "+", color=shade, label="fit")
    ax.set(xlabel=_named(found, at[0]), ylabel=_named(found, at[1]))
    for values, axis, scale in ((x, ax.xaxis, ax.set_xscale), (y, ax.yaxis, ax.set_yscale)):
        if values[0] > 0 and values[-1] > 5 * values[0]:
            scale("log")
        else:
            axis.set_major_locator(MaxNLocator(5))
            name: Any = axis.axis_name
            ax.ticklabel_format(
                axis=name, useOffset=False, style="sci", scilimits=(-3, 4), useMathText=True
            )
    legend(ax)
    return figure, ax


# --- contours --------------------------------------------------------------------------------


def _named(found: Fit, at: int) -> str:
    """A label with its unit."""
    unit = PARAMETERS[found.asked.unknowns[at].name].unit.removesuffix("1")
    return found.parameters[at] + (f" ({unit})" if unit else "")


def _rises(found: Fit, a: int, b: int, points: int) -> tuple[Array, Array, Array]:
    """Ascending values of both and the rise of chi^2 (b, a), all others fitted again."""
    problem = found.engine.problem
    grids = []
    for at in (a, b):
        width = min(_SPREAD * float(np.sqrt(found.covariance[at, at])), np.log(REACH))
        low, high = problem.ends[:, at]
        grid = found.logs[at] + width * np.linspace(-1, 1, points)
        grid = np.unique(np.clip(grid, low, high))
        grids.append(grid if found.values[at] > 0 else grid[::-1])
    free = np.ones(len(found.logs), dtype=bool)
    free[[a, b]] = False
    rise = np.empty((len(grids[1]), len(grids[0])))
    middle = len(rise) // 2
    for column, log_a in enumerate(grids[0]):
        for rows in (range(middle, len(rise)), range(middle - 1, -1, -1)):
            here = found.logs.copy()
            for row in rows:
                here[[a, b]] = log_a, grids[1][row]
                if free.any():
                    here = least(problem, here, free=free, most=25, settled=1e-2).logs.copy()
                rise[row, column] = problem.chi_square(here)
    rise -= problem.chi_square(found.logs)
    if np.max(rise) < _SMOOTH and min(rise.shape) > 3:
        fine = [np.linspace(grid[0], grid[-1], 8 * points) for grid in grids]
        order = [np.argsort(grid) for grid in grids]
        smooth = RectBivariateSpline(
            grids[1][order[1]], grids[0][order[0]], rise[np.ix_(order[1], order[0])]
        )
        across, along = np.meshgrid(*fine)
        rise = smooth.ev(along, across)
        grids = fine
    x, y = (found.start[at] * np.exp(grid) for at, grid in zip((a, b), grids, strict=True))
    return x, y, np.nan_to_num(rise, posinf=1e6)


# --- data and model --------------------------------------------------------------------------


class _Curve(NamedTuple):
    """Rows of both components that one line of the model passes."""

    film: str
    group: int
    words: str  # direction or plane, and the field of a scan, where there are several
    rows: NDArray[np.int64]
    x: Array  # (n,), of these rows: T, degrees or readings
    direction: Array  # of a field scan
    plane: Plane | None  # of an angular scan
    field: float


class _Look(NamedTuple):
    label: str
    colour: Any
    marker: str
    line: Any


def _shown(found: Fit, what: Component | Sequence[Component] | None) -> list[Component]:
    transverse = found.rows.transverse
    there = list(get_args(Component)[: 1 + bool(transverse.any())])
    if what is None:
        return there
    asked = [what] if isinstance(what, str) else list(what)
    for word in _checks.choices("what", asked, Component):
        if word not in there:
            raise ParameterError(f"`what` must be what was measured, {there[0]!r}, got {word!r}")
    return asked


def _panels(ax: Any, count: int) -> tuple[Figure, list[tuple[Axes, Axes | None]]]:
    """Axes of data and of residuals for each component."""
    if ax is None:
        figure, grid = plt.subplots(
            2, count, figsize=(0.8 + 4.8 * count, 4.8), layout="constrained", sharex="col",
            squeeze=False, height_ratios=(3, 1),
        )  # fmt: skip
        return figure, list(zip(*grid, strict=True))
    if isinstance(ax, Axes):
        if count > 1:
            raise ParameterError(
                "`ax` must be an array (2, 2) of axes for both components, got one: name one of "
                "them in `what`"
            )
        return axes(ax)[0], [(ax, None)]
    given = np.asarray(ax, dtype=object)
    given = given[:, None] if given.ndim == 1 else given
    if given.shape != (2, count):
        raise ParameterError(
            f"`ax` must be axes, or an array (2, {count}) of them, got {_checks.shown(ax)}"
        )
    figures = [axes(one)[0] for one in given.ravel()]
    return figures[0], list(zip(*given, strict=True))


class _Drawn:
    """Numbers of the figure in its units."""

    def __init__(self, found: Fit, subtract: bool, relative: bool) -> None:
        self.found, self.subtract, self.relative = found, subtract, relative
        rows = found.rows
        self.model = found.physics if subtract else found.fitted
        self.value = rows.value - (found.instrument if subtract else 0.0)
        self.unit = _units(rows, found.physics) if relative else np.ones(len(rows.groups))

    def scaled(self, rho: Array, group: int, transverse: bool) -> Array:
        """Values of a group as they are drawn, but for the power of ten."""
        less = 1.0 if self.relative and not transverse else 0.0
        return np.asarray(rho / self.unit[group] - less)

    def line(self, curve: _Curve, transverse: bool) -> tuple[Array, Array] | None:
        """A fine curve of the model, where its points follow from x."""
        if not self.subtract or not (curve.plane or len(curve.direction)):
            return None
        x = np.linspace(float(curve.x.min()), float(curve.x.max()), _FINE)
        level = self.found.resistivities[curve.group]
        field, direction = x, curve.direction
        if curve.plane:
            field = np.full(_FINE, curve.field)
            direction = scan_directions(curve.plane, np.fmod(x, 360.0), "deg")
        # a film without moments takes B < 0 as it is; signs go into the direction otherwise
        rho = self.found.model(level.temperature, field, direction, film=curve.film)
        first = self.found.sample(curve.film, level.temperature)
        scale = level.resistivity / bare_resistivity(first)
        return x, scale * (rho.transverse if transverse else rho.longitudinal)


def _units(rows: Rows, physics: Array) -> Array:
    """The model's rho_L of each group where the field is smallest, or at its first reading."""
    found = np.ones(len(rows.groups))
    for group in range(len(found)):
        mine = np.flatnonzero((rows.group == group) & ~rows.transverse)
        size = np.abs(rows.field[mine])
        smallest = mine[size <= size.min() + _ASIDE * size.max()]
        found[group] = physics[smallest[np.argmin(rows.field[smallest] ** 2)]]
    return found


def _curves(rows: Rows) -> tuple[list[_Curve], str]:
    """Curves of the data and the label of their x axis: field, angle, or number of a reading."""
    towards, ways = _ways(rows.direction)
    size = np.abs(rows.field)
    strength = _clusters(size, _ASIDE * float(size.max()) or 1.0)
    many_ways, many_fields = len(ways), int(strength.max()) + 1
    plane = _planes(rows)
    if many_ways <= many_fields:
        sign = np.where(np.sum(rows.direction * ways[towards], axis=-1) < 0, -1.0, 1.0)
        x, keys, kind = sign * rows.field, towards, "field"
        label = field_label(ways)
    elif np.all(plane != ""):
        names = np.array(sorted(_PLANES))
        x = np.array([_degrees(p, b) for p, b in zip(plane, rows.direction, strict=True)])
        keys, kind = 1000 * np.searchsorted(names, plane) + strength, "angle"
        label = "angle of the field (degrees)"
    else:
        x, keys, kind, label = rows.point.astype(float), rows.file, "reading", "reading"
    found = []
    several = len(np.unique(keys)) > 1
    for group, (film, _) in enumerate(rows.groups):
        for key in np.unique(keys[rows.group == group]):
            mine = np.flatnonzero((rows.group == group) & (keys == key))
            field = float(np.mean(rows.field[mine]))
            first = cast("Plane", str(plane[mine[0]]))
            words = ""
            if several and kind == "field":
                words = "({:.3g}, {:.3g}, {:.3g})".format(*(ways[key] + 0.0))
            elif several and kind == "angle":
                turns = [f"{first[0]} to {first[1]}"] if len(np.unique(plane)) > 1 else []
                words = ", ".join(turns + ([f"{field:.3g} T"] if many_fields > 1 else []))
            found.append(
                _Curve(
                    film, group, words, mine, x[mine],
                    ways[key] if kind == "field" else np.empty(0),
                    first if kind == "angle" else None, field,
                )
            )  # fmt: skip
    return found, label


def _ways(direction: Array) -> tuple[NDArray[np.int64], Array]:
    """Number of each row's direction, opposite ones taken for one, and the directions (k, 3)."""
    ways: list[Array] = []
    number = np.full(len(direction), -1)
    while np.any(number < 0):
        first = direction[np.flatnonzero(number < 0)[0]]
        alike = (number < 0) & (np.linalg.norm(np.cross(direction, first), axis=-1) < _ASIDE)
        number[alike] = len(ways)
        ways.append(first)
    return number, np.array(ways)


def _clusters(values: Array, gap: float) -> NDArray[np.int64]:
    """Number of the cluster of each value, counted upward; clusters are further apart than gap."""
    order = np.argsort(values, kind="stable")
    number = np.zeros(len(values), dtype=np.int64)
    number[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > gap)])
    return number


def _planes(rows: Rows) -> NDArray[np.str_]:
    """Plane in which each row's direction turns towards the next of its run, or ''."""
    found = np.full(len(rows), "  ")
    for run in np.unique(rows.run):
        mine = np.flatnonzero(rows.run == run)
        normal = np.abs(np.cross(rows.direction[mine[:-1]], rows.direction[mine[1:]]))
        length = np.linalg.norm(normal, axis=-1)
        plane = ""
        for at, across, size in zip(mine[:-1], normal, length, strict=True):
            if size > 1e-6:
                fits = [name for name, axis in _PLANES.items() if across[axis] > 0.99 * size]
                plane = fits[0] if fits else ""
            found[at] = plane
        found[mine[-1]] = plane
        # rows before the first turn
        turned = np.flatnonzero(length > 1e-6)
        if len(turned):
            found[mine[: turned[0]]] = found[mine[turned[0]]]
    return found


def _degrees(plane: Plane, direction: Array) -> float:
    start, towards = ("xyz".index(axis) for axis in plane)
    turn = float(np.rad2deg(np.arctan2(direction[towards], direction[start])))
    return float(np.round(turn % 360.0, 6) % 360.0)


def _looks(
    rows: Rows, curves: Sequence[_Curve], ax: Axes
) -> tuple[list[_Look], ScalarMappable | None, str]:
    """A label, a colour for each temperature, a marker and a line for each curve.

    A bar of colours tells many temperatures; labels, markers and lines then tell the rest.
    """
    kelvin = np.array([rows.groups[curve.group][1] for curve in curves])
    level = _clusters(kelvin, 0.5)
    films = len({curve.film for curve in curves})
    if level.max():
        means = [float(np.mean(kelvin[level == i])) for i in range(int(level.max()) + 1)]
        styles, bar, quantity = curve_looks(ax, [f"{mean:.6g} K" for mean in means])
        colours = [styles[i].get("color", colour(i)) for i in level]
    else:
        styles, bar, quantity = curve_looks(ax, [curve.words for curve in curves])[0], None, ""
        colours = [style.get("color", colour(i)) for i, style in enumerate(styles)]
    labels = []
    for i, curve in enumerate(curves):
        words = [curve.film] if films > 1 else []
        words += [f"{kelvin[i]:.4g} K"] if bar is None and (level.max() or len(curves) == 1) else []
        words += [curve.words] if curve.words else []
        labels.append(", ".join(words) or ("" if bar else f"{kelvin[i]:.4g} K"))
    kinds = list(dict.fromkeys(labels))
    found = []
    for i, label in enumerate(labels):
        kind = kinds.index(label) if bar else i
        mark, line = _MARKERS[kind % len(_MARKERS)], LINES[kind % len(LINES)]
        found.append(_Look(label, colours[i], mark, line))
    return found, bar, quantity


def _data(
    drawn: _Drawn,
    transverse: bool,
    curves: Sequence[_Curve],
    looks: Sequence[_Look],
    ax: Axes,
    *,
    named: bool,
) -> None:
    """Points with the found noise, flagged ones as crosses, and the model."""
    found, rows = drawn.found, drawn.found.rows
    parts = []
    for curve, look in zip(curves, looks, strict=True):
        kept = rows.transverse[curve.rows] == transverse
        if not kept.any():
            continue
        at, x = curve.rows[kept], curve.x[kept]
        y = drawn.scaled(drawn.value[at], curve.group, transverse)
        model = drawn.scaled(drawn.model[at], curve.group, transverse)
        error = found.sigma[at] / drawn.unit[curve.group]
        parts.append((curve, look, at, x, y, model, error))
    good = [part[4][found.good[part[2]]] for part in parts]
    whole = [np.concatenate([one, part[5]]) for one, part in zip(good, parts, strict=True)]
    factor, unit = _scale(whole, transverse, drawn.relative)
    flagged: list[tuple[Array, Array, _Look]] = []
    for curve, look, at, x, y, model, error in parts:
        fine = found.good[at]
        ax.errorbar(
            x[fine], factor * y[fine], factor * error[fine], fmt=look.marker, color=look.colour,
            markerfacecolor="none", markersize=3.5, linewidth=0.6, markeredgewidth=0.7,
        )  # fmt: skip
        style: dict[str, Any] = {"color": look.colour, "linestyle": look.line, "zorder": 4}
        line = drawn.line(curve, transverse)
        if line is not None:
            ax.plot(line[0], factor * drawn.scaled(line[1], curve.group, transverse), **style)
        else:
            for sweep in np.unique(rows.sweep[at]):
                one = rows.sweep[at] == sweep
                ax.plot(x[one], factor * model[one], **style)
        if look.label not in ax.get_legend_handles_labels()[1]:
            ax.plot(
                [], [], color=look.colour if named else ink(), linestyle=look.line,
                marker=look.marker, label=look.label or None, markerfacecolor="none", markersize=4,
            )  # fmt: skip
        flagged.append((x[~fine], factor * y[~fine], look))
    _crosses(ax, flagged, label="flagged")
    ax.set_ylabel(unit)
    ax.ticklabel_format(axis="y", useOffset=False)


def _scale(values: Sequence[Array], transverse: bool, relative: bool) -> tuple[float, str]:
    """Factor for the values, and the label with its unit."""
    if not relative and transverse:
        return 1e9, r"resistivity $\rho_T$ (n$\Omega$ m)"
    if not relative:
        return 1e6, r"resistivity $\rho_L$ ($\mu\Omega$ m)"
    power = power_of_ten(values)
    label = r"$\rho_T\,/\,\rho_L$" if transverse else r"$\Delta\rho_L\,/\,\rho_L$"
    return 10.0**-power, label + (f" ($10^{{{power}}}$)" if power else "")


def _crosses(ax: Axes, flagged: Sequence[tuple[Array, Array, _Look]], label: str = "") -> None:
    """Open crosses that leave the range of the axes as it is; those beyond it at its edge."""
    if ax.get_autoscaley_on():
        low, high = ax.dataLim.intervaly
    else:
        low, high = ax.get_ylim()
        low, high = low + 0.02 * (high - low), high - 0.02 * (high - low)
    for x, y, look in flagged:
        if len(x):
            ax.plot(
                x, np.clip(y, low, high), "X", color=look.colour, markersize=7,
                markerfacecolor="none", linestyle="none", label=label or None, zorder=5,
            )  # fmt: skip
            label = ""


def _residuals(
    drawn: _Drawn, transverse: bool, curves: Sequence[_Curve], looks: Sequence[_Look], ax: Axes
) -> None:
    found, rows = drawn.found, drawn.found.rows
    flagged: list[tuple[Array, Array, _Look]] = []
    largest = 3.5
    for curve, look in zip(curves, looks, strict=True):
        kept = rows.transverse[curve.rows] == transverse
        at, x = curve.rows[kept], curve.x[kept]
        z, fine = found.residuals[at], found.good[at]
        ax.plot(
            x[fine], z[fine], look.marker, color=look.colour, markerfacecolor="none",
            markersize=3.5, linestyle="none", markeredgewidth=0.7,
        )  # fmt: skip
        largest = max(largest, 1.1 * float(np.max(np.abs(z[fine]), initial=0.0)))
        flagged.append((x[~fine], z[~fine], look))
    for at, line in ((0.0, "-"), (-1.0, ":"), (1.0, ":")):
        ax.axhline(at, color=ink(), linestyle=line, linewidth=0.8, zorder=0)
    ax.set_ylim(-largest, largest)
    _crosses(ax, flagged)
    ax.set_ylabel(r"residual ($\sigma$)")


def _title(found: Fit, where: Figure | Axes) -> None:
    """The verdict, where it is not good."""
    if found.verdict == "good":
        return
    words = "not determined: " + ", ".join(found.undetermined)
    if found.adequacy.refused:
        words = f"the model does not describe the data, p = {found.adequacy.probability:.1g}"
    put = where.set_title if isinstance(where, Axes) else where.suptitle
    put(fill(words, 70), fontsize="medium")
