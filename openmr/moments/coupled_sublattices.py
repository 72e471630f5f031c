"""The Weiss field of coupled sublattices: descent of the variational free energy from all sides.

Its stationary points solve Eqs. (30), (32); see docs/theory/numerics.md. Arrays have the sublattice
first and the points last, so that each pass over the points lies in one piece.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import EPSILON, SMALLEST, Array, ConvergenceError
from openmr.moments.spin_averages import LevelSums, level_sums, means, variance

Points = NDArray[np.bool_] | NDArray[np.intp]
_MAX_ITERATIONS = 100
_SWEEPS = 4


class WeissProblem(NamedTuple):
    """The self-consistency problem at p points: e = target(e), in units of k_B T."""

    spins: Array  # (n,)
    g: Array  # (n,)
    weights: Array  # (n,)
    weiss: Array  # (n, n), J0
    beta: Array  # (p,), in the inverse unit of J0
    zeeman: Array  # (n, p), beta g mu_B B

    def at(self, where: Points) -> WeissProblem:
        """The same problem at some of the points, chosen by a mask or by their indices."""
        return self._replace(beta=self.beta[where], zeeman=self.zeeman[:, where])

    def pull(self, means: Array) -> Array:
        """Beta sum_j J0_ij m_j, shape (n, p)."""
        return np.asarray(self.beta * (self.weiss @ means))


class _Trial(NamedTuple):
    """Gibbs states in trial splittings x (n, p), and their free energy over k_B T (p,)."""

    x: Array
    sums: LevelSums
    energy: Array
    rounding: Array  # of the energy

    def at(self, where: Points) -> _Trial:
        """The same at some of the points."""
        sums = LevelSums(*(values[:, where] for values in self.sums))
        return _Trial(self.x[:, where], sums, self.energy[where], self.rounding[where])


def _trial(problem: WeissProblem, x: Array) -> _Trial:
    rows = [level_sums(spin, row) for spin, row in zip(problem.spins, x, strict=True)]
    sums = LevelSums(*(np.stack(values) for values in zip(*rows, strict=True)))
    m = sums.mean_spin
    terms = np.stack([-sums.entropy, problem.zeeman * m, -0.5 * m * problem.pull(m)])
    terms *= problem.weights[:, None]
    rounding = 4 * EPSILON * np.abs(terms).sum(axis=(0, 1))
    return _Trial(x, sums, terms.sum(axis=(0, 1)), rounding)


def _newton_step(problem: WeissProblem, sums: LevelSums, residual: Array) -> Array:
    """Saddle-free Newton step: downhill in the free energy, plain Newton where that is convex."""
    root = np.sqrt(sums.variance / problem.weights[:, None])
    energies = problem.weights[:, None] * problem.weiss
    curvature = np.eye(len(root))[..., None] - problem.beta * (
        root[:, None] * energies[..., None] * root
    )
    wanted = root * problem.weights[:, None] * residual
    return np.asarray(residual + problem.pull(root * over_size(curvature, wanted)))


def over_size(matrix: Array, vector: Array) -> Array:
    """|A|^-1 v of symmetric matrices (n, n, p) and vectors (n, p); no |eigenvalue| below rounding.

    Of two by two, |A|^-1 = a + b A from the two eigenvalues mean + split and mean - split.
    """
    if len(matrix) != 2:
        values, modes = np.linalg.eigh(np.moveaxis(matrix, -1, 0))
        size = np.maximum(np.abs(values), EPSILON)
        projected = np.einsum("pji,jp->pi", modes, vector) / size
        return np.asarray(np.einsum("pij,pj->ip", modes, projected))
    (first, cross), (_, second) = matrix
    mean, half = 0.5 * (first + second), 0.5 * (first - second)
    split = np.hypot(half, cross)
    above = 1.0 / np.maximum(np.abs(mean + split), EPSILON)
    below = 1.0 / np.maximum(np.abs(mean - split), EPSILON)
    even = 0.5 * (above + below)
    odd = 0.5 * (above - below) / np.maximum(split, SMALLEST)
    return np.stack(
        [
            (even + odd * half) * vector[0] + odd * cross * vector[1],
            odd * cross * vector[0] + (even - odd * half) * vector[1],
        ]
    )


def _sweep(problem: WeissProblem, x: Array) -> Array:
    """One moment after the other in the field of the rest: downhill in the free energy."""
    x = x.copy()
    m = np.stack([means(s, row).mean_spin for s, row in zip(problem.spins, x, strict=True)])
    for i, spin in enumerate(problem.spins):
        own = problem.beta * problem.weiss[i, i]
        attracted = problem.zeeman[i] - problem.beta * (problem.weiss[i] @ m)
        if problem.weiss[i, i] >= 0:  # an attractive own field is taken as it stands
            x[i] = attracted
        else:  # a repulsive one is solved for, by Newton from 0, monotonically to the one root
            rest = attracted + own * m[i]
            x[i] = 0.0
            for _ in range(6):
                error = x[i] - rest + own * means(spin, x[i]).mean_spin
                x[i] -= error / (1.0 - own * variance(spin, x[i]))
        m[i] = means(spin, x[i]).mean_spin
    return x


def _descend(problem: WeissProblem, x: Array) -> _Trial:
    """Minimum of the free energy reached from the trial splittings x (n, p)."""
    for _ in range(_SWEEPS):  # saturated trial moments feel no slope, so no Newton step yet
        x = _sweep(problem, x)
    found, active = x, np.arange(x.shape[1])
    part, start = problem, _trial(problem, x)
    weights = problem.weights[:, None]
    for _ in range(_MAX_ITERATIONS):
        sums = start.sums
        mean_field = part.pull(sums.mean_spin)
        residual = part.zeeman - mean_field - start.x
        step = _newton_step(part, sums, residual)
        slope = -np.sum(weights * sums.variance * residual * step, axis=0)
        length = np.ones_like(slope)
        for _ in range(60):
            trial = _trial(part, start.x + length * step)
            uphill = trial.energy > start.energy + 1e-4 * length * slope + start.rounding
            if not uphill.any():
                break
            length[uphill] *= 0.5
        found[:, active] = trial.x
        scale = np.abs(part.zeeman) + np.abs(start.x)
        scale += part.beta * (np.abs(part.weiss) @ np.abs(sums.mean_spin))
        settled = np.all(
            (np.abs(step) <= 2 * EPSILON * np.abs(start.x))
            | (np.abs(residual) <= 8 * EPSILON * scale + SMALLEST),
            axis=0,
        )
        if settled.all():
            return _trial(problem, found)
        start = trial
        if settled.any():
            moving = np.flatnonzero(~settled)
            active, part, start = active[moving], part.at(moving), start.at(moving)
    raise ConvergenceError(
        f"the Weiss field did not converge in {_MAX_ITERATIONS} steps at "
        f"{len(active)} of {len(problem.beta)} points"
    )


def convex(problem: WeissProblem) -> Array:
    """Reduced splittings (n, p) where there is one solution: from the ordering temperature on."""
    return _descend(problem, problem.zeeman).x


def lowest(problem: WeissProblem) -> Array:
    """Reduced splittings (n, p) of the solution with the lowest free energy."""
    best, best_key = problem.zeeman, list[Array]()
    weights, spins, g = problem.weights[:, None], problem.spins[:, None], problem.g[:, None]
    rounding = 64 * EPSILON * np.abs(spins).sum()
    zeeman_size = np.abs(weights * problem.zeeman).max(axis=0)
    for pattern in product((-1.0, 1.0), repeat=len(problem.spins)):
        saturated = np.array(pattern)[:, None] * spins
        found = _descend(problem, problem.zeeman - problem.beta * (problem.weiss @ saturated))
        m = found.sums.mean_spin
        # equal free energies: least Zeeman energy, then net moment and first moment against b
        zeeman, net = (weights * problem.zeeman * m).sum(axis=0), (weights * g * m).sum(axis=0)
        key = [found.energy, zeeman, net, m[0]]
        margins = [4 * found.rounding, rounding * zeeman_size, rounding * np.abs(g).max(), rounding]
        if not best_key:
            best, best_key = found.x, key
            continue
        better = np.zeros(len(problem.beta), dtype=bool)
        undecided = ~better
        for new, old, margin in zip(key, best_key, margins, strict=True):
            better |= undecided & (new < old - margin)
            undecided &= np.abs(new - old) <= margin
        best = np.where(better, found.x, best)
        best_key = [np.where(better, new, old) for new, old in zip(key, best_key, strict=True)]
    return best
