"""Axes that are given or new, and the words on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openmr._checks import Array, ParameterError

FIELD: Final = "field, $B$ (T)"
FIELD_ALONG: Final = {
    (1.0, 0.0, 0.0): "field along the current, $B_x$ (T)",
    (0.0, 1.0, 0.0): "field in the plane, across the current, $B_y$ (T)",
    (0.0, 0.0, 1.0): "field along the normal, $B_z$ (T)",
}
_LEAST_POWER: Final = -15
"""Least power of ten of a relative change: below, it is rounding."""


def axes(ax: Axes | None, projection: str = "") -> tuple[Figure, Any]:
    """`ax` and its figure, or new ones.

    Parameters
    ----------
    ax : Axes or None
    projection : str
        What the axes must have; any unless given.

    Returns
    -------
    (Figure, Axes)
        The outermost figure, also for axes in a subfigure.

    Raises
    ------
    ParameterError
        If `ax` is not one set of axes, was removed from its figure, or has another projection.
    """
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
        if np.allclose(directions, axis, rtol=0.0, atol=1e-9):  # cos(pi/2) is not quite 0
            return label
    return FIELD


def power_of_ten(changes: Sequence[Array]) -> int:
    """Multiple of three that leaves the largest change between 1 and 1000."""
    largest = max(float(np.max(np.abs(change))) for change in changes)
    if largest == 0:
        return 0
    return max(_LEAST_POWER, 3 * math.floor(math.log10(largest) / 3))
