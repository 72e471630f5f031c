"""The Weiss field of coupled sublattices: descent of the variational free energy from all sides.

The trial states are products of Gibbs states in trial splittings; the self-consistency equations
(30), (32) are where their free energy is stationary.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, ConvergenceError
from openmr.levels import LevelSums, averages, level_sums
from openmr.weiss import EPSILON, SMALLEST

MAX_ITERATIONS = 100
SWEEPS = 4


class WeissProblem(NamedTuple):
    """The self-consistency problem at p points: e = target(e), in units of k_B T."""

    spins: Array  # (n,)
    g: Array  # (n,)
    weights: Array  # (n,)
    zeeman: Array  # (p, n), beta g mu_B B
    coupling: Array  # (p, n, n), beta J0

    def at(self, where: NDArray[np.bool_]) -> WeissProblem:
        """The same problem at some of the points."""
        return self._replace(zeeman=self.zeeman[where], coupling=self.coupling[where])


def _with_entropy(spins: Array, x: Array) -> LevelSums:
    columns = [level_sums(spin, x[..., i]) for i, spin in enumerate(spins)]
    return LevelSums(*(np.stack(values, axis=-1) for values in zip(*columns, strict=True)))


def matvec(matrix: Array, vector: Array) -> Array:
    """Matrix times vector in the last axes."""
    return np.asarray(np.einsum("...ij,...j->...i", matrix, vector))


def _free_energy(problem: WeissProblem, sums: LevelSums) -> tuple[Array, Array]:
    """Variational free energy over k_B T of the trial state, and the size of its rounding error."""
    m = sums.magnetization
    exchange = 0.5 * m * matvec(problem.coupling, m)
    terms = problem.weights * np.stack([-sums.entropy, problem.zeeman * m, -exchange])
    return terms.sum(axis=(0, -1)), 4 * EPSILON * np.abs(terms).sum(axis=(0, -1))


def _newton_step(problem: WeissProblem, sums: LevelSums, residual: Array) -> Array:
    """Saddle-free Newton step: downhill in the free energy, plain Newton where that is convex."""
    root = np.sqrt(sums.variance / problem.weights)
    inner = root[..., :, None] * problem.weights[:, None] * problem.coupling * root[..., None, :]
    curvature, modes = np.linalg.eigh(np.eye(len(problem.spins)) - inner)
    floor = np.maximum(np.abs(curvature), EPSILON)
    projected = np.einsum("...ji,...j->...i", modes, root * problem.weights * residual)
    return residual + matvec(problem.coupling, root * matvec(modes, projected / floor))


def _sweep(problem: WeissProblem, x: Array) -> Array:
    """One moment after the other in the field of the rest: downhill in the free energy."""
    x = x.copy()
    for i, spin in enumerate(problem.spins):
        own = problem.coupling[:, i, i]
        means = _with_entropy(problem.spins, x).magnetization
        rest = problem.zeeman[:, i] - np.sum(problem.coupling[:, i] * means, axis=-1)
        rest = rest + own * means[:, i]
        # an attractive own field is taken as it stands; a repulsive one is solved for, by Newton
        # from zero, which approaches the one root monotonically
        attracted = rest - np.maximum(own, 0.0) * means[:, i]
        solved = np.zeros_like(rest)
        for _ in range(6):
            inner = averages(spin, solved)
            error = solved - rest + own * inner.magnetization
            solved = solved - error / (1.0 + np.maximum(-own, 0.0) * inner.variance)
        x[:, i] = np.where(own < 0, solved, attracted)
    return x


def _descend(problem: WeissProblem, x: Array) -> Array:
    """Minimum of the free energy reached from the trial splittings x (p, n)."""
    for _ in range(SWEEPS):  # saturated trial moments feel no slope, so no Newton step yet
        x = _sweep(problem, x)
    active = np.ones(len(x), dtype=bool)
    for _ in range(MAX_ITERATIONS):
        part = problem.at(active)
        start = x[active]
        sums = _with_entropy(problem.spins, start)
        mean_field = matvec(part.coupling, sums.magnetization)
        residual = part.zeeman - mean_field - start
        scale = np.abs(part.zeeman) + np.abs(start)
        scale = scale + matvec(np.abs(part.coupling), np.abs(sums.magnetization))
        step = _newton_step(part, sums, residual)
        energy, noise = _free_energy(part, sums)
        slope = -np.sum(problem.weights * sums.variance * residual * step, axis=-1)
        length = np.ones((len(start), 1))
        for _ in range(60):
            trial, _noise = _free_energy(part, _with_entropy(problem.spins, start + length * step))
            uphill = trial > energy + 1e-4 * length[:, 0] * slope + noise
            if not uphill.any():
                break
            length[uphill] *= 0.5
        x[active] = start + length * step
        settled = np.all(
            (np.abs(step) <= 2 * EPSILON * np.abs(start))
            | (np.abs(residual) <= 8 * EPSILON * scale + SMALLEST),
            axis=-1,
        )
        active[np.flatnonzero(active)[settled]] = False
        if not active.any():
            return x
    raise ConvergenceError(
        f"the Weiss field did not converge in {MAX_ITERATIONS} steps at "
        f"{int(active.sum())} of {len(x)} points"
    )


def lowest(problem: WeissProblem) -> Array:
    """Reduced splittings (p, n) of the solution with the lowest free energy."""
    best = np.zeros_like(problem.zeeman)
    best_key: list[Array] = []
    for pattern in product((-1.0, 1.0), repeat=len(problem.spins)):
        saturated = np.array(pattern) * problem.spins
        candidate = _descend(problem, problem.zeeman - matvec(problem.coupling, saturated))
        sums = _with_entropy(problem.spins, candidate)
        energy, noise = _free_energy(problem, sums)
        net = (problem.weights * problem.g * sums.magnetization).sum(axis=-1)
        # equal free energies: least Zeeman energy, then net moment and first moment against b
        zeeman = (problem.weights * problem.zeeman * sums.magnetization).sum(axis=-1)
        key = [energy, zeeman, net, sums.magnetization[..., 0]]
        rounding = 64 * EPSILON * np.abs(problem.spins).sum()
        zeeman_size = np.abs(problem.weights * problem.zeeman).max(axis=-1)
        margins = [4 * noise, rounding * zeeman_size, rounding * np.abs(problem.g).max(), rounding]
        if not best_key:
            best, best_key = candidate, key
            continue
        better = np.zeros(len(best), dtype=bool)
        undecided = np.ones(len(best), dtype=bool)
        for new, old, margin in zip(key, best_key, margins, strict=True):
            better |= undecided & (new < old - margin)
            undecided &= np.abs(new - old) <= margin
        best = np.where(better[:, None], candidate, best)
        best_key = [np.where(better, new, old) for new, old in zip(key, best_key, strict=True)]
    return best
