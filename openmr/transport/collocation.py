"""The boundary-value problem y'' = M(z) y on [0, 1] in pieces, on a grid.

On each piece y' = slope + r c with a given slope and a number r; y is continuous, and so is the
excess c, which vanishes outside, but for sheets between the pieces and at the ends: there c grows
by G y.

Cubic Hermite pieces, equation held at the two Gauss points of each cell: values and slopes at the
nodes err by the fourth power of the cell where M is smooth (deBoorSwartz1973). One banded matrix,
no propagation from one face to the other, so a layer much thinner than the interval does no harm
once the mesh shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr._checks import Array, ConvergenceError, ParameterError
from openmr.transport.slabs import Joint, Slab

ORDER = 4
_BAND = 8  # a row of a cell reaches 8 columns to either side of the diagonal


@dataclass(frozen=True, slots=True)
class Solution:
    """Values on the last of the meshes."""

    nodes: Array  # (n,)
    values: Array  # y, (n, 3, columns)
    excess: Array  # c, below a sheet where there is one, (n, 3, columns)
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


def pieced_mesh(
    count: int, layer: float | Sequence[float], edges: Sequence[float]
) -> tuple[Array, Array]:
    """Such a mesh on each piece between `edges`, which start with 0 and end with 1."""
    nodes, cells = [np.zeros(1)], []
    layers = np.broadcast_to(layer, len(edges) - 1).tolist()
    for (left, right), thin in zip(pairwise(edges), layers, strict=True):
        width = right - left
        inside, widths = _graded_mesh(count, thin / width)
        nodes.append(np.append(left + width * inside[1:-1], right))
        cells.append(width * widths)
    return np.concatenate(nodes), np.concatenate(cells)


def solve_on(
    cells: Array, samples: Array, slope: Array, r: ArrayLike = 1.0, sheets: ArrayLike = 0.0
) -> tuple[Array, Array]:
    """Values y and excess c at the nodes of one mesh, shape (n + 1, 3, columns).

    `cells` (n,) are widths of sum 1, `samples` (n, 2, 3, 3) is M at the two Gauss points of each,
    `slope` (3, columns) or (n, 3, columns) and `r` () or (n,) are those of the cells, `sheets`
    (n + 1, 3, 3) is G at the nodes. The equations of a cell are the sum and the difference of
    those at its two Gauss points: the sum balances y' over the cell without y'' itself. With the
    excess as unknown no digits are lost in a thin film, where the constant part of y hangs on
    small rates alone.
    """
    n, columns = len(cells), slope.shape[-1]
    h, one = cells[:, None, None], np.eye(3)
    r = np.broadcast_to(r, n)[:, None, None]
    sheets = np.broadcast_to(sheets, (n + 1, 3, 3))
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
    put(ends[1:], ends[1:] - 3, sheets[-1:])
    start = 6 * np.arange(n)
    balance, moment = start + 3, start + 6
    for column, sign in ((0, -1.0), (2, 1.0)):
        kept = sign * one - even[column + 1] * h, (0.5 * one - odd[column + 1]) * h * r
        stored = -even[column] / r, -sign * one - odd[column]
        for rows, of_excess, of_value in zip((balance, moment), kept, stored, strict=True):
            sunk = of_excess @ sheets[:-1] if column == 0 else 0.0  # into a sheet at the left node
            put(rows, start + 3 * column, of_value + sunk)
            put(rows, start + 3 * column + 3, of_excess)
    for rows, load in (
        (balance, (even[1] + even[3]) * h / r @ slope),
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
    layer: float | Sequence[float],
    rtol: float,
    most_cells: int,
    edges: Sequence[float] = (0.0, 1.0),
    r: ArrayLike = 1.0,
    sheets: ArrayLike = 0.0,
) -> Solution:
    """Double the mesh until values and excess settle to `rtol` of their largest.

    `matrix` takes z (m,) to M (m, 3, 3), smooth between the `edges`, which go from 0 to 1; of each
    piece, or of all, are `slope` (3, columns), `r`, and `layer`, the smallest length over which y
    changes; `sheets` (edges, 3, 3) is G at the edges.
    `ConvergenceError` if they do not settle within `most_cells` cells, or if M goes on changing
    from one point to the next: a jump between nodes may stay unseen while the mesh doubles.
    """
    pieces = len(edges) - 1
    slopes = np.broadcast_to(slope, (pieces, *slope.shape[-2:]))
    count, before, error, rough = 16, None, np.inf, np.inf
    while 2 * count * pieces <= most_cells:
        count, smoother = 2 * count, rough
        nodes, cells = pieced_mesh(count, layer, edges)
        samples = matrix((nodes[:-1, None] + GAUSS * cells[:, None]).ravel())
        rough = _roughness(samples.reshape(pieces, 2 * count, 3, 3))
        at_nodes = np.zeros((len(nodes), 3, 3))
        at_nodes[::count] = sheets
        values, excess = solve_on(
            cells,
            samples.reshape(-1, 2, 3, 3),
            np.repeat(slopes, count, axis=0),
            np.repeat(np.broadcast_to(r, pieces), count),
            at_nodes,
        )
        if before is not None:
            error = max(_change(values, before[0]), _change(excess, before[1]))
            if error <= rtol and rough <= max(rtol, 0.75 * smoother):
                return Solution(nodes, values, excess, error)
        before = values, excess
    where = "give the depths of jumps in `jumps`" if rough > 0.75 * smoother else "allow more cells"
    raise ConvergenceError(
        f"the spin accumulation on {count * pieces} cells is not known to `rtol` = "
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


class SlabSolution(NamedTuple):
    """Spins in a slab, on the last of the meshes."""

    depth: Array  # from the lower face, (n,), m
    accumulation: Array  # over e and the field, (n, 3, 3), V per V/m
    current: Array  # spin current over the field, (n, 3, 3), S/m


def solve_stack(
    slabs: Sequence[Slab],
    joints: Sequence[Joint | None],
    bottom: Array | None = None,
    top: Array | None = None,
    *,
    rtol: float = 1e-9,
    most_cells: int = 2**15,
) -> tuple[list[SlabSolution], float]:
    """Spin accumulation and current in each slab, and their uncertainty, at one point.

    A column for each polarisation that the spin Hall current may have, x, y and z.

    A resistive joint is solved as what it stands for, a layer of the area resistance r and of
    delta diffusion lengths, without a source.
    """
    pieces, sheets = list[_Piece](), [_total(bottom)]
    through = [joint or Joint() for joint in joints]
    for slab, joint in zip(slabs, [*through, Joint(below=top)], strict=True):
        pieces.append(_slab_piece(slab))
        if joint.resistance:
            pieces.append(_joint_piece(joint, slab.thickness))
            sheets += [_total(joint.below), _total(joint.above)]
        else:
            sheets.append(_total(joint.below, joint.above))
    length, unit = sum(piece.width for piece in pieces), pieces[0].conductivity
    edges = np.cumsum([0.0, *(piece.width for piece in pieces)]) / length
    edges[-1] = 1.0
    conductances = np.array(sheets) * (2 * length / unit)
    decays = np.array([piece.decay * length**2 for piece in pieces])

    def matrix(z: Array) -> Array:
        return np.asarray(decays[np.searchsorted(edges, z) - 1])  # Gauss points lie inside

    steepest = np.linalg.norm(decays, axis=(-2, -1))
    found = solve(
        matrix,
        np.array([piece.slope for piece in pieces]),
        layer=np.minimum(1.0, np.maximum(steepest, 1e-300) ** -0.5).tolist(),
        rtol=rtol,
        most_cells=most_cells,
        edges=edges.tolist(),
        r=[unit / piece.conductivity for piece in pieces],
        sheets=conductances,
    )
    count = (len(found.nodes) - 1) // len(pieces)
    solved = []
    for i in (i for i, piece in enumerate(pieces) if piece.is_slab):
        part = slice(i * count, (i + 1) * count + 1)
        values, excess = found.values[part], found.excess[part].copy()
        excess[0] += conductances[i] @ values[0]  # above the sheet
        depth = (found.nodes[part] - edges[i]) * length
        solved.append(SlabSolution(depth, length * values, -0.5 * unit * excess))
    return solved, found.uncertainty


class _Piece(NamedTuple):
    width: float  # m
    conductivity: float  # 1/(Ohm m)
    decay: Array  # gamma / D, (3, 3), m^-2
    slope: Array  # du/dz without current, (3, 3)
    is_slab: bool


def _slab_piece(slab: Slab) -> _Piece:
    decay, slope = slab.gamma / slab.diffusion, 2 * slab.spin_hall_angle * np.eye(3)
    return _Piece(slab.thickness, slab.conductivity, decay, slope, True)


def _joint_piece(joint: Joint, width: float) -> _Piece:
    decay = (joint.memory_loss / width) ** 2 * np.eye(3)
    return _Piece(width, width / joint.resistance, decay, np.zeros((3, 3)), False)


def _total(*sheets: Array | None) -> Array:
    return np.asarray(sum((sheet for sheet in sheets if sheet is not None), np.zeros((3, 3))))
