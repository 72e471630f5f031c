"""Noise of a measurement, found before the physics from points that symmetry makes equal.

Every cell of conditions that the model cannot tell apart has a mean of its own; what scatters about
it is noise. Outliers are flagged by residuals over their own standard deviation; memory is that of
AR(1), by restricted likelihood with the mean over its posterior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array
from openmr.data.nuisance import Labels, Rows
from openmr.moments.grid import blocks as portions

OUTLIER: Final = 4.5
"""Standard deviations beyond which one point in 150 000 lies by chance."""
FEWEST: Final = 6
"""Degrees of freedom among repeats below which they tell no noise."""
_SAME: Final = 2e-3
"""Part of the largest field within which two fields count as one."""
_MOST_CELLS: Final = 150
"""Cells of a run; more cost time and tell no more of the noise."""
_UNLIKELY: Final = 1e-3
"""Odds over the largest below which a phi is not looked at again."""
_AT_ONCE: Final = 1_000_000
"""Numbers of whitened columns, of several phi, that are worked on at once."""
_FREEDOM: Final = 4.0
"""Freedom of Student's t, which bears outliers."""
_MEMORIES: Final = np.linspace(0.0, 0.975, 40)
_PRIOR: Final = np.where(
    _MEMORIES == 0, np.sum((1 - _MEMORIES[1:] ** 2) ** -0.5), (1 - _MEMORIES**2) ** -0.5
)
"""Odds of phi: as likely none as any; those of any are the reference prior of AR(1)."""


@dataclass(frozen=True, slots=True)
class SeriesNoise:
    """Noise of one series: a file, film and component."""

    series: str
    sigma: float  # Ohm m, standard deviation of a point
    memory: float  # correlation of a point with the next, phi of AR(1)
    given: float | None = None  # Ohm m, what the data stated, root mean square


def cells_of(rows: Rows) -> Labels:
    """Number of the cell of each row: what symmetry makes equal, but for jitter of the field.

    rho_L is even in each component of b. rho_T holds b_x b_y and a part that is odd in the
    component of the field along the normal.
    """
    vector = rows.field[:, None] * rows.direction
    product = np.sign(np.round(rows.direction[:, 0] * rows.direction[:, 1], 6))
    cells = np.zeros(len(rows), dtype=np.int64)
    count = 0
    for run in range(int(rows.run.max()) + 1):
        mask = np.flatnonzero(rows.run == run)
        part, across = np.abs(vector[mask]), bool(rows.transverse[mask[0]])
        if across:
            part[:, 2] = vector[mask, 2]
        width = _SAME * float(np.max(np.abs(part), initial=0.0))
        for _ in range(12):
            keys = [_clustered(column, width) for column in part.T]
            if across:
                keys.append(product[mask].astype(np.int64))
            _, labels = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True)
            if labels.max() < _MOST_CELLS:
                break
            width *= 2.0
        cells[mask] = count + labels.ravel()
        count += int(labels.max()) + 1
    return cells


def _clustered(values: Array, width: float) -> Labels:
    """Clusters no wider than `width`."""
    order = np.argsort(values, kind="stable")
    found = np.empty(len(values), dtype=np.int64)
    label, first = 0, values[order[0]]
    for at in order:
        if values[at] - first > width:
            label, first = label + 1, values[at]
        found[at] = label
    return found


class Block(NamedTuple):
    """Rows of one series with the columns that may move them: cells, and linear terms."""

    at: Labels
    cells: Labels | None
    columns: Array


def blocks_of(rows: Rows, columns: Array, cells: Labels, series: int) -> list[Block]:
    """One block a run of the series."""
    found = []
    for run in np.unique(rows.run[rows.series == series]):
        at = np.flatnonzero(rows.run == run)
        _, labels = np.unique(cells[at], return_inverse=True)
        part = columns[at]
        part = part[:, np.any(part != 0, axis=0)]
        found.append(Block(at, labels.ravel(), _beyond(part, labels.ravel())))
    return found


def _within(values: Array, cells: Labels, weights: Array) -> Array:
    """Columns less their weighted means of each cell."""
    count = int(cells.max()) + 1
    total = np.bincount(cells, weights, count)
    scale = weights / np.where(total > 0, total, 1.0)[cells]
    means = np.stack([np.bincount(cells, column * scale, count) for column in values.T], axis=1)
    return np.asarray(values - means[cells])


def _beyond(columns: Array, cells: Labels) -> Array:
    """Orthonormal columns that say what `columns` do and cells do not."""
    if not columns.shape[1]:
        return columns
    rest = _within(columns, cells, np.ones(len(cells)))
    scale = np.linalg.norm(columns, axis=0)
    left, singular, _ = np.linalg.svd(rest / scale, full_matrices=False)
    return np.asarray(left[:, singular > 1e-8])


def flagged_by_cells(values: Array, blocks: Sequence[Block]) -> tuple[NDArray[np.bool_], float]:
    """Outliers among the rows of the blocks, as a mask over all values, and sigma of the others.

    Sigma is nan where repeats are too few.
    """
    flagged = np.zeros(len(values), dtype=bool)
    weights = np.ones(len(values))
    sigma, first = np.nan, True
    for _ in range(12):  # Student's t by reweighting; from the median, which no outlier moves
        residuals, spare = _apart(values, blocks, weights)
        use = spare > 1e-6
        if int(use.sum()) < FEWEST:
            return flagged, np.nan
        size = np.abs(residuals[use]) / np.sqrt(spare[use])
        sigma = 1.4826 * float(np.median(size)) or float(np.max(size)) or 1.0
        z = np.zeros(len(values))
        z[use] = size / sigma
        new = (_FREEDOM + 1) / (_FREEDOM + z**2)
        if not first and float(np.max(np.abs(new - weights))) < 1e-2:
            break
        weights, first = new, False
    at = np.concatenate([block.at for block in blocks])
    flagged[use] = size / sigma > OUTLIER
    for _ in range(10):
        residuals, spare = _apart(values, blocks, (~flagged).astype(float))
        good = ~flagged & (spare > 1e-6)
        freedom = sum(_freedom(block, flagged) for block in blocks)
        if freedom < FEWEST:
            return flagged, np.nan
        sigma = float(np.sqrt(np.sum(residuals[good] ** 2) / freedom)) or sigma
        z = np.abs(residuals) / (sigma * np.sqrt(np.maximum(spare, 1e-6)))
        new_flags = flagged.copy()
        new_flags[at] = np.where(spare[at] > 1e-6, z[at] > OUTLIER, flagged[at])
        if np.array_equal(new_flags, flagged):
            break
        flagged = new_flags
    return flagged, sigma


def _freedom(block: Block, flagged: NDArray[np.bool_]) -> int:
    good = ~flagged[block.at]
    assert block.cells is not None
    cells = len(np.unique(block.cells[good]))
    return int(max(0, good.sum() - cells - block.columns.shape[1]))


def _apart(values: Array, blocks: Sequence[Block], weights: Array) -> tuple[Array, Array]:
    """Residuals of the weighted fit of cells and columns, and their variance over sigma^2.

    Of a row of weight 0 it is the miss of a prediction, whose variance is above 1; 0 where the
    cell has no other row.
    """
    residuals, spare = np.zeros(len(values)), np.zeros(len(values))
    for at, cells, columns in blocks:
        assert cells is not None
        w = weights[at]
        total = np.bincount(cells, w)[cells]
        both = _within(np.column_stack([columns, values[at]]), cells, w)
        rest, y = both[:, :-1], both[:, -1]
        lever = w / np.where(total > 0, total, 1.0)
        alone = np.where(w > 0, 1 - lever, 1 + 1 / np.where(total > 0, total, 1.0))
        if rest.shape[1]:
            curvature = rest.T @ (w[:, None] * rest)
            inverse = np.linalg.pinv(curvature, rcond=1e-10, hermitian=True)
            y = y - rest @ (inverse @ (rest.T @ (w * y)))
            own = np.einsum("ij,jk,ik->i", rest, inverse, rest)
            alone = np.where(w > 0, alone - w * own, alone + own)
        residuals[at] = y
        few = (total <= 0) | (np.bincount(cells)[cells] < 2)
        spare[at] = np.where(few, 0.0, np.maximum(alone, 0.0))
    return residuals, spare


class Chain(NamedTuple):
    """Weights that whiten the good rows of AR(1): w_i = a_i x_i - b_i x_before(i)."""

    good: Labels
    before: Labels
    a: Array
    b: Array

    def whiten(self, values: Array) -> Array:
        """Rows (n, ...) to good rows (g, ...), independent and of variance 1."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        white = self.a.reshape(shape) * values[self.good]
        if self.b.any():
            white -= self.b.reshape(shape) * values[self.before]
        return np.asarray(white)


def chain(good: Labels, run: Labels, position: Array, sigma: Array, memory: Array) -> Chain:
    """Whitening of rows of which `good` are kept, each run on its own; phi^k over a gap of k."""
    before = np.concatenate([good[:1], good[:-1]])
    joined = run[good] == run[before]
    joined[:1] = False
    gap = np.where(joined, position[good] - position[before], 1.0)
    phi = np.where(joined, memory[good] ** gap, 0.0)
    a = 1.0 / (sigma[good] * np.sqrt(1 - phi**2))
    return Chain(good, before, a, phi * a * sigma[good] / sigma[before])


class Memory(NamedTuple):
    """phi and sigma of a series, degrees of freedom that carry them, and what else they may be."""

    memory: float
    sigma: float
    freedom: int
    odds: Array  # (k,), of each of `memories`
    memories: Array  # (k,)
    sigmas: Array  # (k,), that go with them


def memory_of(
    values: Array, rows: Rows, blocks: Sequence[Block], flagged: NDArray[np.bool_]
) -> Memory:
    """Memory and sigma by restricted likelihood, phi the mean over its posterior."""
    parts = []
    for at, cells, columns in blocks:
        good = ~flagged[at]
        if cells is not None:  # the free mean of a lonely point takes it out of the likelihood
            good &= np.bincount(cells, good)[cells] > 1
        kept = at[good]
        if not len(kept):
            continue
        design = columns[good]
        if cells is not None:
            _, labels = np.unique(cells[good], return_inverse=True)
            design = _beyond(design, labels.ravel())
            design = np.column_stack([np.eye(int(labels.max()) + 1)[labels.ravel()], design])
        parts.append((kept, np.column_stack([design, values[kept]])))
    freedom = sum(len(kept) - both.shape[1] + 1 for kept, both in parts)
    scores, squares = np.zeros(len(_MEMORIES)), np.zeros(len(_MEMORIES))
    for kept, both in parts:
        score, square = _restricted(kept, both, rows)
        scores, squares = scores + score, squares + square
    tiny = np.finfo(float).tiny
    logs = scores - 0.5 * freedom * np.log(np.maximum(squares, tiny)) + np.log(_PRIOR)
    posterior = np.exp(logs - logs.max())
    posterior /= posterior.sum()
    phi = float(posterior @ _MEMORIES)
    at_mean = float(np.interp(phi, _MEMORIES, squares))
    likely = posterior > _UNLIKELY * posterior.max()
    return Memory(
        phi,
        float(np.sqrt(at_mean / freedom)),
        freedom,
        posterior[likely] / posterior[likely].sum(),
        _MEMORIES[likely],
        np.sqrt(squares[likely] / freedom),
    )


def _restricted(kept: Labels, both: Array, rows: Rows) -> tuple[Array, Array]:
    """Logarithms of determinants, and sums of squares, for every phi of the grid."""
    joined = rows.run[kept[1:]] == rows.run[kept[:-1]]
    gap = np.where(joined, rows.position[kept[1:]] - rows.position[kept[:-1]], 1.0)
    k = both.shape[1] - 1
    scores, squares = np.empty(len(_MEMORIES)), np.empty(len(_MEMORIES))
    for some in portions(len(_MEMORIES), max(1, _AT_ONCE // both.size)):
        phi = np.where(joined, _MEMORIES[some, None] ** gap, 0.0)
        a = 1 / np.sqrt(1 - phi**2)
        white = np.repeat(both[None], len(phi), axis=0)
        white[:, 1:] -= phi[..., None] * both[:-1]
        white[:, 1:] *= a[..., None]
        gram = np.swapaxes(white, 1, 2) @ white
        gram[:, range(k), range(k)] *= 1 + 1e-13
        root = np.linalg.cholesky(gram[:, :k, :k])
        part = np.linalg.solve(root, gram[:, :k, k:])[..., 0]
        squares[some] = gram[:, k, k] - np.sum(part**2, axis=1)
        roots = np.diagonal(root, axis1=1, axis2=2)
        scores[some] = np.sum(np.log(a), axis=1) - np.sum(np.log(roots), axis=1)
    return scores, squares
