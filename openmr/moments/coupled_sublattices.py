"""The Weiss field of coupled sublattices: descent of the variational free energy from all sides.

Its stationary points solve Eqs. (30), (32); see docs/theory/numerics.md. Arrays have the sublattice
first and the points last, so that each pass over the points lies in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import EPSILON, SMALLEST, Array, ConvergenceError
from openmr.moments.grid import blocks
from openmr.moments.spin_averages import brillouin, log_partition

Points = NDArray[np.intp]
_MAX_ITERATIONS = 100
_SWEEPS = 4
_SADDLE = 1e-8
"""Negative stiffness up to which rounding may have made it so."""
_KICK = 0.1
"""Least change of <S_i>, in units of its root mean square, along a mode that is unstable."""
_AT_ONCE = 100_000
"""Numbers in an array of the trial states worked on together: one fits an L2 cache of 1 MiB."""


class WeissProblem(NamedTuple):
    """The self-consistency problem at p points: e = target(e), in units of k_B T."""

    spins: Array  # (n,)
    g: Array  # (n,)
    weights: Array  # (n,)
    weiss: Array  # (n, n), J0
    beta: Array  # (p,), in the inverse unit of J0
    zeeman: Array  # (n, p), beta g mu_B B

    def at(self, where: Points) -> WeissProblem:
        """The same problem at some of the points."""
        return self._replace(beta=self.beta[where], zeeman=self.zeeman.take(where, axis=1))

    def pull(self, means: Array) -> Array:
        """Beta sum_j J0_ij m_j, shape (n, p)."""
        return np.asarray(self.beta * (self.weiss @ means))


class _Trial(NamedTuple):
    """Gibbs states in trial splittings x, arrays (n, p)."""

    x: Array
    mean: Array
    variance: Array
    residual: Array  # what x lacks of zeeman - pull

    def at(self, where: Points) -> _Trial:
        """The same at some of the points."""
        return _Trial(*(values.take(where, axis=1) for values in self))  # an index is slower


def _trial(problem: WeissProblem, x: Array) -> _Trial:
    mean, slope = np.empty_like(x), np.empty_like(x)
    depth = np.abs(x)
    for i, spin in enumerate(problem.spins):
        mean[i], slope[i] = brillouin(spin, depth[i])
    mean = -np.copysign(mean, x)
    np.maximum(slope, 0.0, out=slope)
    return _Trial(x, mean, slope, problem.zeeman - problem.pull(mean) - x)


def _free_energy(problem: WeissProblem, trial: _Trial) -> tuple[Array, Array]:
    """Free energy over k_B T of trial states and its rounding, each of shape (p,)."""
    rows = [log_partition(spin, row) for spin, row in zip(problem.spins, trial.x, strict=True)]
    own = (trial.x - problem.zeeman) * trial.mean
    terms = np.stack([rows, own, 0.5 * trial.mean * problem.pull(trial.mean)])
    terms *= -problem.weights[:, None]
    return terms.sum(axis=(0, 1)), 4 * EPSILON * np.abs(terms).sum(axis=(0, 1))


def _newton_step(problem: WeissProblem, trial: _Trial) -> tuple[Array, Array]:
    """Saddle-free Newton step, and the least eigenvalue of A, or 1 where A is positive.

    Along modes that lower the free energy it is never short: no descent ends on a saddle.
    """
    weights = problem.weights[:, None]
    root = np.sqrt(trial.variance / weights)
    wanted = root * weights * trial.residual
    found, convex = _eliminated(_curvature(problem, root), wanted)
    stiffness = np.ones(convex.shape)
    rest = np.flatnonzero(~convex)
    if len(rest):
        matrix = _curvature(problem.at(rest), root.take(rest, axis=1))
        values, modes = np.linalg.eigh(np.moveaxis(matrix, -1, 0))
        along = np.einsum("pji,jp->pi", modes, wanted[:, rest])
        along /= np.maximum(np.abs(values), EPSILON)
        shortest = np.where(values < -_SADDLE, _KICK, 0.0)
        along = np.copysign(np.maximum(np.abs(along), shortest), along)
        found[:, rest] = np.einsum("pij,pj->ip", modes, along)
        stiffness[rest] = values[:, 0]
    return trial.residual + problem.pull(root * found), stiffness


def _curvature(problem: WeissProblem, root: Array) -> Array:
    """A = 1 - X (w beta J0) X with X = (variance / w)^1/2, shape (n, n, p)."""
    energies = problem.weights[:, None] * problem.weiss
    found = np.empty((len(root), *root.shape))
    for i, j in np.ndindex(energies.shape):
        np.multiply(root[i], -energies[i, j] * root[j], out=found[i, j])
        found[i, j] *= problem.beta
        if i == j:
            found[i, j] += 1.0
    return found


@np.errstate(over="ignore", invalid="ignore")
def _eliminated(matrix: Array, vector: Array) -> tuple[Array, NDArray[np.bool_]]:
    """A^-1 v of symmetric matrices (n, n, p) and vectors (n, p), and where A is positive.

    Elsewhere the vectors mean nothing. The matrices are used up.
    """
    found = vector.copy()
    positive = np.ones(vector.shape[1:], dtype=bool)
    n = len(matrix)
    for k in range(n):
        positive &= matrix[k, k] > 8 * n * EPSILON
        np.maximum(matrix[k, k], EPSILON, out=matrix[k, k])
        for i in range(k + 1, n):
            share = matrix[k, i] / matrix[k, k]
            for j in range(i, n):
                matrix[i, j] -= share * matrix[k, j]
            found[i] -= share * found[k]
    for k in reversed(range(n)):
        for j in range(k + 1, n):
            found[k] -= matrix[k, j] * found[j]
        found[k] /= matrix[k, k]
    return found, positive


def _sweep(problem: WeissProblem, m: Array) -> Array:
    """Splittings after one moment after the other has turned to the field of the rest.

    Downhill in the free energy. m (n, p) follows.
    """
    x = np.empty_like(m)
    for i, spin in enumerate(problem.spins):
        x[i] = problem.zeeman[i] - problem.beta * (problem.weiss[i] @ m)
        if problem.weiss[i, i] < 0:  # a repulsive own field is solved for
            own = problem.beta * problem.weiss[i, i]
            x[i] = _repelled(spin, x[i] + own * m[i], own)
        m[i] = -np.copysign(brillouin(spin, np.abs(x[i])).mean, x[i])
    return x


def _repelled(spin: float, rest: Array, own: Array) -> Array:
    """Splitting x = rest - own m(x) of own < 0, by Newton from below, monotonically."""
    size = np.abs(rest)
    y = np.maximum(size + own * spin, size / (1.0 - own * (spin * (spin + 1.0) / 3.0)))
    for _ in range(3):
        mean, slope = brillouin(spin, y)
        y = y - (y - own * mean - size) / (1.0 - own * slope)
    return np.copysign(y, rest)


def _descend(problem: WeissProblem, start: _Trial) -> _Trial:
    """Minimum of the free energy that is reached from trial states."""
    found = _Trial(*map(np.empty_like, start))
    active, part = np.arange(start.x.shape[1]), problem
    couplings = np.abs(problem.weiss)
    for _ in range(_MAX_ITERATIONS):
        step, stiffness = _newton_step(part, start)
        scale = np.abs(part.zeeman) + np.abs(start.x)
        scale += part.beta * (couplings @ np.abs(start.mean))
        noise = 8 * EPSILON * scale + SMALLEST
        settled = np.all(
            (np.abs(step) <= 2 * EPSILON * np.abs(start.x)) | (np.abs(start.residual) <= noise),
            axis=0,
        )
        settled &= stiffness > -_SADDLE
        if 4 * np.count_nonzero(settled) >= len(settled):
            _put(found, active, start)
            moving = np.flatnonzero(~settled)
            if not len(moving):
                return found
            active, part, start = active[moving], part.at(moving), start.at(moving)
            step, noise = step.take(moving, 1), noise.take(moving, 1)
            stiffness = stiffness[moving]
        trial = _trial(part, start.x + step)
        least = 0.5 * _steepness(part, start.residual) + _steepness(part, noise)
        # energies cost more than a gradient, which falls at once where F is convex enough
        unsure = np.flatnonzero((stiffness <= 0) | (_steepness(part, trial.residual) > least))
        if len(unsure):
            begun, tried = start.at(unsure), trial.at(unsure)
            _put(trial, unsure, _line_search(part.at(unsure), begun, step.take(unsure, 1), tried))
        start = trial
    raise ConvergenceError(
        f"the Weiss field did not converge in {_MAX_ITERATIONS} steps at "
        f"{len(active)} of {len(problem.beta)} points"
    )


def _steepness(problem: WeissProblem, residual: Array) -> Array:
    """Length of the gradient of the free energy with <S_i>, shape (p,)."""
    gradient = problem.weights[:, None] * residual
    return np.asarray(np.sqrt((gradient * gradient).sum(axis=0)))


def _line_search(problem: WeissProblem, start: _Trial, step: Array, found: _Trial) -> _Trial:
    """States along the steps, halved until the free energy falls by a share of the slope."""
    energy, rounding = _free_energy(problem, start)
    slope = -(problem.weights[:, None] * start.variance * start.residual * step).sum(axis=0)
    where, length = np.arange(len(slope)), 1.0
    there, trial = problem, found
    for _ in range(60):
        least = (energy + 1e-4 * length * slope + rounding)[where]
        where = where[_free_energy(there, trial)[0] > least]
        if not len(where):
            break
        length *= 0.5
        there = problem.at(where)
        trial = _trial(there, start.x.take(where, 1) + length * step.take(where, 1))
        _put(found, where, trial)
    return found


def _put(whole: _Trial, where: NDArray[np.intp], part: _Trial) -> None:
    for old, new in zip(whole, part, strict=True):
        for row, values in zip(old, new, strict=True):
            row[where] = values


def convex(problem: WeissProblem) -> Array:
    """Reduced splittings (n, p) where there is one solution: from the ordering temperature on."""
    return _descend(problem, _trial(problem, problem.zeeman)).x


def lowest(problem: WeissProblem) -> Array:
    """Reduced splittings (n, p) of the solution with the lowest free energy."""
    found = np.empty_like(problem.zeeman)
    n = len(problem.spins)
    for block in blocks(len(problem.beta), max(64, _AT_ONCE // (n << n))):
        found[:, block] = _lowest(problem.at(np.arange(len(problem.beta))[block]))
    return found


def _lowest(problem: WeissProblem) -> Array:
    best, best_key = problem.zeeman.copy(), list[Array]()
    weights, g = problem.weights[:, None], problem.g[:, None]
    rounding = 64 * EPSILON * problem.spins.sum()
    zeeman_size = np.abs(weights * problem.zeeman).max(axis=0)
    for where, state in _minima(problem):
        part, x = problem.at(where), state.x
        energy, energy_rounding = _free_energy(part, state)
        m = state.mean
        # equal free energies: least Zeeman energy, then net moment and first moment against b
        zeeman, net = (weights * part.zeeman * m).sum(axis=0), (weights * g * m).sum(axis=0)
        key = [energy, zeeman, net, m[0]]
        if not best_key:
            best, best_key = x, key
            continue
        margins = [
            4 * energy_rounding,
            rounding * zeeman_size[where],
            rounding * np.abs(g).max(),
            rounding,
        ]
        better = np.zeros(len(where), dtype=bool)
        undecided = ~better
        for new, whole, margin in zip(key, best_key, margins, strict=True):
            old = whole[where]
            better |= undecided & (new < old - margin)
            undecided &= np.abs(new - old) <= margin
        better_at = where[better]
        best[:, better_at] = x[:, better]
        for new, old in zip(key, best_key, strict=True):
            old[better_at] = new[better]
    return best


def _minima(problem: WeissProblem) -> Iterator[tuple[NDArray[np.intp], _Trial]]:
    """Minima reached from all patterns of saturated moments: which points, and the states there.

    Starts are one if, after a few sweeps, the free energy is convex between them.
    """
    n, p = problem.zeeman.shape
    patterns = np.array(list(product((-1.0, 1.0), repeat=n)))
    # unequal, or moments of equal kinds start on ridges of the free energy
    lengths = problem.spins * (1.0 - 0.05 * np.arange(n))
    m = np.repeat((patterns * lengths).T, p, axis=1)
    points = np.tile(np.arange(p), len(patterns))
    whole = problem.at(points)
    for _ in range(_SWEEPS):  # saturated trial moments feel no slope, so no Newton step yet
        x = _sweep(whole, m)
    left, leaders = np.arange(m.shape[1]), list[NDArray[np.intp]]()
    first = np.empty(p, dtype=int)
    while len(left):
        first[points[left[::-1]]] = left[::-1]
        leader = first[points[left]]
        leads = leader == left
        leaders.append(left[leads])
        left, leader = left[~leads], leader[~leads]
        left = left[~_convex_between(whole.at(left), x.take(left, 1), x.take(leader, 1))]
    starts = np.concatenate(leaders)
    found = _descend(whole.at(starts), _trial(whole.at(starts), x.take(starts, axis=1)))
    for one, end in zip(leaders, np.cumsum([len(one) for one in leaders]), strict=True):
        yield points[one], found.at(np.arange(end - len(one), end))


def _convex_between(problem: WeissProblem, one: Array, other: Array) -> NDArray[np.bool_]:
    """Places where the free energy is convex in all <S_i> that lie between those of two states."""
    nearest = np.where(one * other > 0, np.minimum(np.abs(one), np.abs(other)), 0.0)
    largest = _trial(problem, nearest).variance
    root = np.sqrt(largest / problem.weights[:, None])
    return _eliminated(_curvature(problem, root), root)[1]
