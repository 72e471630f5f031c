"""The boundary-value problem y'' = M(z) y on [0, 1] with one given slope at both ends, on a grid.

Cubic Hermite pieces, equation held at the two Gauss points of each cell: values and slopes at the
nodes err by the fourth power of the cell where M is smooth (deBoorSwartz1973). One banded matrix,
no propagation from one face to the other, so a layer much thinner than the interval does no harm
once the mesh shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, ConvergenceError, ParameterError

ORDER = 4
_BAND = 8  # a row of a cell reaches 8 columns to either side of the diagonal


@dataclass(frozen=True, slots=True)
class Solution:
    """Values on the last of the meshes."""

    nodes: Array  # (n,)
    values: Array  # y, (n, 3, columns)
    excess: Array  # dy/dz less its value at the ends, (n, 3, columns)
    uncertainty: float  # change since the mesh of half as many cells, over 2^4 - 1 and the largest


GAUSS = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3.0)
"""The two Gauss points of a cell of width 1."""


def _graded_mesh(count: int, layer: float) -> tuple[Array, Array]:
    """Nodes (count + 1,) and cell widths (count,) of an even number of cells, symmetric.

    Geometric towards both ends, where the cells are near `layer` / `count` wide, for
    `layer` < 1. The nodes of n cells are every second node of 2 n cells.
    """
    stretch = np.arccosh(max(1.0 + 1e-8, layer**-0.5))
    x = np.linspace(-1.0, 0.0, count // 2 + 1)
    # (1 + tanh(stretch x) / tanh(stretch)) / 2, without its cancellation near the end
    left = np.sinh(stretch * (1 + x)) / (2 * np.sinh(stretch) * np.cosh(stretch * x))
    half = np.diff(left)
    return np.concatenate([left, 1 - left[-2::-1]]), np.concatenate([half, half[::-1]])


def pieced_mesh(count: int, layer: float, edges: Sequence[float]) -> tuple[Array, Array]:
    """Such a mesh on each piece between `edges`, which start with 0 and end with 1."""
    nodes, cells = [np.zeros(1)], []
    for left, right in pairwise(edges):
        width = right - left
        inside, widths = _graded_mesh(count, layer / width)
        nodes.append(np.append(left + width * inside[1:-1], right))
        cells.append(width * widths)
    return np.concatenate(nodes), np.concatenate(cells)


def solve_on(cells: Array, samples: Array, slope: Array) -> tuple[Array, Array]:
    """Values y and excess slopes y' - `slope` at the nodes of one mesh, shape (n + 1, 3, columns).

    `cells` (n,) are widths of sum 1, `samples` (n, 2, 3, 3) is M at the two Gauss points of each,
    `slope` (3, columns) dy/dz at 0 and 1. The equations of a cell are the sum and the difference of
    those at its two Gauss points: the sum balances y' over the cell without y'' itself. With the
    excess slope as unknown no digits are lost in a thin film, where the constant part of y hangs on
    small rates alone.
    """
    n, columns = len(cells), slope.shape[1]
    h, one = cells[:, None, None], np.eye(3)
    band = np.zeros((2 * _BAND + 1, 6 * (n + 1)))
    right = np.zeros((6 * (n + 1), columns))

    def put(rows: NDArray[np.int_], first: NDArray[np.int_], blocks: Array) -> None:
        r, c = rows[:, None, None] + np.arange(3)[:, None], first[:, None, None] + np.arange(3)
        band[_BAND + r - c, np.broadcast_to(c, blocks.shape)] = blocks

    gauss, (low, high) = GAUSS, np.moveaxis(samples, 1, 0) * h
    # cubic Hermite pieces at the two points, for value and slope at the left and right node
    pieces = np.array([(1 + 2 * gauss) * (1 - gauss) ** 2, gauss * (1 - gauss) ** 2,
                       gauss**2 * (3 - 2 * gauss), gauss**2 * (gauss - 1)])  # fmt: skip
    even = [0.5 * (a * low + b * high) for a, b in pieces]
    odd = [h * (b * high - a * low) / np.sqrt(48.0) for a, b in pieces]
    ends = np.array([0, 6 * n + 3])
    put(ends, ends + np.array([3, 0]), np.stack([one, one]))
    start = 6 * np.arange(n)
    balance, moment = start + 3, start + 6
    free = np.zeros_like(low)
    for column, (part, of_slope, of_value) in enumerate(
        ((-1.0, 0.0, 1.0), (-1.0, 0.5, 0.0), (1.0, 0.0, -1.0), (1.0, 0.5, 0.0))
    ):
        is_slope = column % 2
        scale = h if is_slope else 1.0
        put(balance, start + 3 * column, free + part * is_slope * one - even[column] * scale)
        put(moment, start + 3 * column, (of_slope + of_value) * one * scale - odd[column] * scale)
    for rows, load in (
        (balance, (even[1] + even[3]) * h @ slope),
        (moment, ((odd[1] + odd[3]) - one) * h @ slope),
    ):
        right[rows[:, None] + np.arange(3)] = load
    from scipy.linalg import solve_banded  # not for `import openmr` to wait for

    try:
        found = solve_banded((_BAND, _BAND), band, right).reshape(n + 1, 2, 3, columns)
    except np.linalg.LinAlgError:
        raise ParameterError(
            "`rates` must relax every spin at some depth, got a spin that never relaxes: "
            "its accumulation may have any mean"
        ) from None
    return found[:, 0], found[:, 1]


def solve(
    matrix: Callable[[Array], Array],
    slope: Array,
    *,
    layer: float,
    rtol: float,
    most_cells: int,
    edges: Sequence[float] = (0.0, 1.0),
) -> Solution:
    """Double the mesh until values and slopes settle to `rtol` of their largest.

    `matrix` takes z (m,) to M (m, 3, 3), smooth between the `edges`, which go from 0 to 1; `slope`
    (3, columns) is dy/dz at 0 and 1, `layer` the smallest length over which y changes.
    `ConvergenceError` if they do not settle within `most_cells` cells, or if M goes on changing
    from one point to the next: a jump between nodes may stay unseen while the mesh doubles.
    """
    count, before, error, rough = 16, None, np.inf, np.inf
    while 2 * count * (len(edges) - 1) <= most_cells:
        count, smoother = 2 * count, rough
        nodes, cells = pieced_mesh(count, layer, edges)
        samples = matrix((nodes[:-1, None] + GAUSS * cells[:, None]).ravel())
        rough = _roughness(samples.reshape(len(edges) - 1, 2 * count, 3, 3))
        values, excess = solve_on(cells, samples.reshape(-1, 2, 3, 3), slope)
        if before is not None:
            error = max(_change(values, before[0]), _change(excess, before[1]))
            if error <= rtol and rough <= max(rtol, 0.75 * smoother):
                return Solution(nodes, values, excess, error)
        before = values, excess
    where = "give the depths of jumps in `jumps`" if rough > 0.75 * smoother else "allow more cells"
    raise ConvergenceError(
        f"the spin accumulation on {count * (len(edges) - 1)} cells is not known to `rtol` = "
        f"{rtol:.2g} (last change {error:.2g}): {where}, or raise `most_cells`"
    )


def _roughness(samples: Array) -> float:
    """Largest change of M from one point to the next, over its largest element."""
    largest = float(np.max(np.abs(samples))) or 1.0
    return float(np.max(np.abs(np.diff(samples, axis=1)))) / largest


def _change(fine: Array, coarse: Array) -> float:
    """Error of the finer of two nested meshes, over the largest value."""
    largest = float(np.max(np.abs(fine))) or 1.0
    change = float(np.max(np.abs(fine[::2] - coarse)))
    return change / (2.0**ORDER - 1.0) / largest
