"""The choice among states of equal free energy, for moments with axes of their own."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, ConvergenceError
from openmr.moments.vector_descent import Trial, VectorProblem, turns_freely, unit_vectors


def chosen_states(problem: VectorProblem, where: NDArray[np.intp], found: Trial) -> Trial:
    """The state to be chosen at each point."""
    order = np.argsort(where, kind="stable")
    rank = np.arange(len(order)) - np.searchsorted(where[order], where[order])
    best = found.at(order[rank == 0])
    if len(best.energy) < len(problem.beta):
        raise ConvergenceError(
            f"the Weiss field has no state of finite energy at "
            f"{len(problem.beta) - len(best.energy)} of {len(problem.beta)} points"
        )
    best_key = _key(problem, best)
    for k in range(1, rank.max(initial=0) + 1):
        one = order[rank == k]
        points = where[one]
        part, state = problem.at(points), found.at(one)
        key = _key(part, state)
        better = _better(part, state, key, [old[points] for old in best_key])
        for old, new in zip((*best, *best_key), (*state, *key), strict=True):
            old[points[better]] = new[better]
    return best


def _key(problem: VectorProblem, found: Trial) -> list[Array]:
    """Numbers that are least in the state to be chosen, in order of importance."""
    beta, w = problem.beta, problem.weights[:, None]
    zeeman = beta * (w * problem.zeeman * found.mean).sum(axis=(1, 2))
    net = np.einsum("pia,pia->p", w * found.mean, problem.along)
    first = np.einsum("pa,pa->p", found.mean[:, 0], problem.along[:, 0])
    return [found.energy.copy(), zeeman, net, first, *(-found.mean[:, 0].T)]


def _better(
    problem: VectorProblem, found: Trial, key: list[Array], old_key: list[Array]
) -> NDArray[np.bool_]:
    spin = problem.spins.sum() * np.ones_like(found.energy)
    size = problem.beta * np.abs(problem.weights[:, None] * problem.zeeman).sum(axis=(1, 2))
    close = 1e-6  # along soft directions moments are known to the square root of rounding
    margins = [4 * found.rounding, close * size * spin, *[close * spin] * 5]
    better = np.zeros(len(found.energy), dtype=bool)
    undecided = ~better
    for new, old, margin in zip(key, old_key, margins, strict=True):
        better |= undecided & (new < old - margin)
        undecided &= np.abs(new - old) <= margin
    return better


def among_images(problem: VectorProblem, found: Trial) -> Trial:
    """The one to be chosen of each state and what exchanges of sublattices make of it."""
    if len(problem.exchanges) == 1:
        return found
    images = [_in_order(found, order) for order in problem.exchanges]
    where = np.tile(np.arange(len(found.energy)), len(images))
    several = Trial(*(np.concatenate(each) for each in zip(*images, strict=True)))
    return chosen_states(problem, where, several)


def _in_order(found: Trial, order: list[int]) -> Trial:
    drive, mean, moments = (a[:, order] for a in (found.drive, found.mean, found.moments))
    return found._replace(drive=drive, mean=mean, moments=moments)


def turned_freely(problem: VectorProblem, found: Trial) -> Trial:
    """The states, each turned about the axis, if any, about which that costs nothing.

    To where the rule of `lowest` wants it, which no finite number of starts would meet.
    """
    if not len(problem.free_axes):
        return found
    mean = found.mean
    along = unit_vectors(problem.along[:, 0])
    share = np.einsum("pia,pa->pi", problem.along, along) * problem.weights
    aims = [along, *(-np.tile(one, (len(mean), 1)) for one in np.eye(3))]
    axes = [np.tile(problem.free_axes[0], (len(mean), 1))]
    if len(problem.free_axes) > 1:
        net = np.einsum("pi,pia->pa", share, mean)
        magnetic = np.linalg.norm(net, axis=-1, keepdims=True) > 1e-6 * share.sum()
        axes = [unit_vectors(np.cross(np.where(magnetic, net, mean[:, 0]), along)), along]
    for axis in axes:
        free = turns_freely(problem, axis)
        if not free.any():
            continue
        first = mean[:, 0]
        net = np.einsum("pi,pia->pa", share, mean)
        pairs = [(net, aims[0]), *((first, aim) for aim in aims)]
        for vector, aim in pairs:  # the smallest vector . aim
            straight = (vector * aim).sum(-1) - (vector * axis).sum(-1) * (aim * axis).sum(-1)
            turned = (np.cross(axis, vector) * aim).sum(-1)
            size = np.hypot(straight, turned)
            decided = free & (size > 1e-6 * problem.spins[0])
            where = np.flatnonzero(decided)
            cos, sin = (-one[where] / size[where] for one in (straight, turned))
            turn = partial(_rotated, axis=axis[where], cos=cos, sin=sin)
            for one in (found.drive, mean, found.moments):
                one[where] = turn(one[where])
            each = found.response[where]
            for _ in range(2):  # one index, then the other
                for k in range(3):
                    each[..., k] = turn(each[..., k])
                each = np.swapaxes(each, -1, -2)
            found.response[where] = each
            free &= ~decided
    return found


def _rotated(vectors: Array, axis: Array, cos: Array, sin: Array) -> Array:
    """Vectors (p, n, 3) turned about one axis (p, 3) for all of a point."""
    u, cos, sin = axis[:, None], cos[:, None, None], sin[:, None, None]
    along = (vectors * u).sum(axis=-1, keepdims=True) * u
    return np.asarray(cos * (vectors - along) + sin * np.cross(u, vectors) + along)
