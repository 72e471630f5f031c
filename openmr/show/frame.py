"""Axes that are given or new, what is on them, and how their curves are told apart.

Colours are those of the user's style sheet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.figure import Figure

from openmr._checks import Array, ParameterError
from openmr._words import Plane
from openmr.transport.resistivity import scan_directions

FIELD: Final = "field, $B$ (T)"
FIELD_ALONG: Final = {
    (1.0, 0.0, 0.0): "field along the current, $B_x$ (T)",
    (0.0, 1.0, 0.0): "field in the plane, across the current, $B_y$ (T)",
    (0.0, 0.0, 1.0): "field along the normal, $B_z$ (T)",
}
LINES: Final = ("-", "--", "-.", ":", (0, (7, 2)))
"""Kinds of line, which tell curves apart where colours do not."""
FEW: Final = len(LINES)
"""Curves that a legend names; more of them are named by a bar of colours, if by numbers."""
_NUMBERED: Final = re.compile(r"(.*?)(?<![\w.])([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(\D*)")
TEMPERATURE: Final = "temperature (K)"
_NAMES: Final = {"K": TEMPERATURE, "T": FIELD}
_CUT: Final = 0.2
"""Part of a colour map, at the end that is nearest to the ground, that a line would be lost in."""
_ONE_DIRECTION: Final = 1e-9
"""Components of equal directions differ by less: cos(pi/2) is not quite 0."""
_LEAST_POWER: Final = -15
"""Least power of ten of a relative change: below, it is rounding."""


def axes(ax: Axes | None, projection: str = "") -> tuple[Figure, Any]:
    """Outermost figure of `ax` and `ax`, which must have that projection, if any; or new ones."""
    if ax is None:
        size, kind = (6.0, 5.0 if projection == "3d" else 4.0), {"projection": projection or None}
        return plt.subplots(figsize=size, layout="constrained", subplot_kw=kind)
    figure = ax.get_figure(root=True) if isinstance(ax, Axes) else None
    if figure is None:
        raise ParameterError(f"`ax` must be matplotlib axes in a figure, or None, got {ax!r}")
    if projection not in ("", ax.name):
        raise ParameterError(f"`ax` must have projection={projection!r}, got {ax.name!r}")
    return figure, ax


def field_label(directions: Array) -> str:
    """Axis label that names the one direction of the field, where there is one."""
    for axis, label in FIELD_ALONG.items():
        if np.allclose(directions, axis, rtol=0.0, atol=_ONE_DIRECTION):
            return label
    return FIELD


def in_plane(name: str, directions: Array, plane: Plane, angles: Array) -> None:
    """Raise unless directions (n, 3) of the argument `name` turn in that plane by angles (n,)."""
    asked = scan_directions(plane, angles)
    wrong = np.flatnonzero(np.abs(directions - asked).max(axis=-1) > _ONE_DIRECTION)
    if len(wrong):
        i = wrong[0]
        b, due = (np.round(v[i], 3) + 0.0 for v in (directions, asked))
        raise ParameterError(
            f"`{name}` must have the field at {np.rad2deg(angles[i]):.4g} degrees in the plane "
            f"{plane!r}, direction {due.tolist()}, got {b.tolist()}: take the plane and the "
            "angles that openmr.scan_directions had"
        )


def power_of_ten(changes: Sequence[Array]) -> int:
    """Multiple of three that leaves the largest change between 1 and 1000."""
    largest = max(float(np.max(np.abs(change))) for change in changes)
    if largest == 0:
        return 0
    return max(_LEAST_POWER, 3 * math.floor(math.log10(largest) / 3))


# --- curves ----------------------------------------------------------------------------------


def ink() -> Any:
    """Colour of what is neither curve nor ground: guides and arrows."""
    return mpl.rcParams["text.color"]


def colour(index: int) -> Any:
    """Colour of the style, counted from 0; as it is now, which "C0" is only when it is drawn."""
    cycle = mpl.rcParams["axes.prop_cycle"].by_key().get("color", [ink()])
    return cycle[index % len(cycle)]


def looks(
    ax: Axes, labels: Sequence[object]
) -> tuple[list[dict[str, Any]], ScalarMappable | None, str]:
    """Options of a line for each of some curves.

    Those of a few leave the colour to the axes. Colours of many follow the number in their labels,
    where these differ in it alone: then the map and its name, for `name_curves`.
    """
    lines = [{"linestyle": LINES[i % len(LINES)]} for i in range(len(labels))]
    if len(labels) <= FEW:
        return lines, None, ""
    numbers, name = _numbers(labels)
    shades = _visible_map(ax)
    if numbers is None:
        colours = shades(np.linspace(0.0, 1.0, len(labels)))
        return [line | {"color": c} for line, c in zip(lines, colours, strict=True)], None, ""
    scale = ScalarMappable(Normalize(min(numbers), max(numbers)), shades)
    return [{"linestyle": "-", "color": c} for c in scale.to_rgba(np.array(numbers))], scale, name


def name_curves(ax: Axes, scale: ScalarMappable | None = None, name: str = "") -> None:
    """A bar of colours, if `looks` gave one, and a legend for other labels, off the data."""
    if scale is not None:
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.colorbar(scale, ax=ax, label=name)
    if ax.get_legend_handles_labels()[0]:
        legend(ax)


def legend(ax: Axes, **options: Any) -> None:
    """Legend above the curves, within the axes, which make room for it; options of `Axes.legend`.

    Limits that were set stay; a later curve is not cut off.
    """
    count = len(options.get("handles", ax.get_legend_handles_labels()[0]))
    inside = ax.get_window_extent()
    for columns in range(min(count, FEW), 0, -1):
        drawn = ax.legend(
            **{"frameon": False, "loc": "upper center", "ncols": columns, "handlelength": 2.8}
            | options
        )
        if drawn.get_window_extent().width <= 0.94 * inside.width:
            break
    if not ax.collections:  # whose limits would be lost
        ax.relim()  # the room of an earlier legend
    share = min(drawn.get_window_extent().height / inside.height + 0.06, 0.7)
    margin = mpl.rcParams["axes.ymargin"]
    along = ax.yaxis.get_transform()
    low, high = along.transform(np.asarray(ax.dataLim.intervaly))
    top = low + (high - low) / ((1 - share) * (1 + 2 * margin) - margin)
    if np.isfinite(top) and top > high:
        x = ax.dataLim.intervalx[0]
        ax.update_datalim([(x, float(along.inverted().transform(top)))], updatex=False)
        ax.autoscale_view()


def _numbers(labels: Sequence[object]) -> tuple[list[float] | None, str]:
    """The numbers in which labels differ, and what they are called: None where no such."""
    found = [_NUMBERED.fullmatch(str(label)) for label in labels]
    words = {(one[1], one[3]) for one in found if one}
    if len(words) != 1 or None in found:
        return None, ""
    before, after = (word.strip(" =") for word in words.pop())
    numbers = [float(one[2]) for one in found if one]
    if len(set(numbers)) < len(numbers):
        return None, ""
    if not before:
        return numbers, _NAMES.get(after, after)
    return numbers, before + (f" ({after})" if after else "")


def _visible_map(ax: Axes) -> ListedColormap:
    """The style's map of colours without the end that is as light or as dark as the ground."""
    figure = ax.get_figure(root=True)
    whole = mpl.colormaps[mpl.rcParams["image.cmap"]]
    ground = to_rgba(ax.get_facecolor())
    if ground[3] == 0 and figure is not None:
        ground = to_rgba(figure.get_facecolor())
    first, last, behind = (np.dot(c[:3], (0.2126, 0.7152, 0.0722)) for c in
                           (whole(0.0), whole(1.0), ground))  # fmt: skip
    ends = (_CUT, 1.0) if abs(first - behind) < abs(last - behind) else (0.0, 1.0 - _CUT)
    return ListedColormap(whole(np.linspace(*ends, 256)))
