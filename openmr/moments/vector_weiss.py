"""The Weiss field of moments with axes of their own: a vector on every sublattice.

The lowest state of each point of a grid, or the states of one branch along the field. Arrays have
the points first, then sublattices, then components.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import EPSILON, Array, ConvergenceError
from openmr.moments.grid import blocks
from openmr.moments.vector_choice import among_images, chosen_states, turned_freely
from openmr.moments.vector_descent import (
    FAR,
    PATTERNS,
    Trial,
    VectorProblem,
    are_minima,
    changed_means,
    curvature,
    descended,
    fields_after,
    free_turns,
    gibbs_states,
    linear_scale,
    newton_step,
    put_states,
    repeats,
    response_roots,
    softest_mode,
    unit_vectors,
)

_SEED = 20
_RANDOM_STARTS = 8
_AT_ONCE = 512
"""Descents worked on together."""
_SOURCES = 16
"""Least number of points of a grid whose states are sought from all sides."""
_STRIDES = (64, 8, 1)
"""Every so many points are solved in turn; of the first, all minima are kept."""
_ROUNDS = 3
"""Times that states of neighbours are tried where they are lower."""
_ABOVE = 1e-9
"""Free energy over k_B T by which a state may lie above what a neighbour would give."""
_NEAR = 16
"""Points on either side, in the order of `_neighbourhood`, whose states are known to a block."""
_NEAR_SIDES = 4
"""The same for points whose states were sought from all sides."""
_RIVALS = 4
"""Unlike states of other points from which that of a point is sought at most."""
_ALIKE = 0.3
"""Change of <S_i> over S_i within which known states count as one."""
_SOFTEST = 0.05
"""Least stiffness that is believed when the gain of a state is foreseen."""
_HALVINGS = 12
"""Times that a step of the field is halved where the moments turn far: a jump has its place."""
_TURN = 0.2
"""Longest step of <S_i> over S_i in a descent that must not leave its basin."""


class _Known(NamedTuple):
    """States known at points, and the places of those in the order of `_neighbourhood`."""

    place: NDArray[np.intp]
    problem: VectorProblem
    state: Trial

    def at(self, where: NDArray[np.bool_] | NDArray[np.intp]) -> _Known:
        return _Known(self.place[where], self.problem.at(where), self.state.at(where))


@np.errstate(under="ignore")
def lowest(problem: VectorProblem) -> Array:
    """The state of lowest free energy.

    Of equal ones that with the least Zeeman energy, then as the field goes to 0 along b: net
    moment, then first moment against b, then the first moment that comes first along x, y, z.

    Parameters
    ----------
    problem : VectorProblem

    Returns
    -------
    array (p, n, 3), eV
        Field h_i on each sublattice, coordinates of the film.
    """
    found = _lowest(problem)
    saddles = np.flatnonzero(~are_minima(problem, found, exactly=True))
    if len(saddles):
        part = problem.at(saddles)
        found = put_states(found, saddles, chosen_states(part, *_from_all_sides(part)))
        found = _settled(problem, found, exactly=True)
    return turned_freely(problem, among_images(problem, found)).drive


def _lowest(problem: VectorProblem) -> Trial:
    """The lowest state of each point: of some from all sides, of others from the states of those.

    A state is density matrices, which have a free energy at any temperature and in any field: what
    is found at one point is an upper bound at all others, and known without work. Last of all,
    no point may be left above what its neighbours have found.
    """
    order = _neighbourhood(problem)
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    step = -(-len(order) // int(np.clip(len(order) // 128, _SOURCES, 8 * _SOURCES)))
    sources = order[step // 2 :: step]
    points, minima = _from_all_sides(problem.at(sources), every=step > 1)
    best = chosen_states(problem.at(sources), points, minima)
    whole = Trial(*(np.empty((len(order), *values.shape[1:])) for values in best))
    put_states(whole, sources, best)
    if step == 1:
        return whole
    points = sources[points]
    sides = _with_reversed(_Known(place[points], problem.at(points), minima))
    solved = np.zeros(len(order), dtype=bool)
    solved[place[sources]] = True
    for stride in _STRIDES:  # each from the nearest of those before
        todo = order[stride // 2 :: stride]
        todo = todo[~solved[place[todo]]]
        every, found = stride == _STRIDES[0], [sides]
        for block in blocks(len(todo), _AT_ONCE):
            points = todo[block]
            ends = place[points[[0, -1]]]
            near = _around(np.flatnonzero(solved), ends, _NEAR)
            far = np.isin(sides.place, _around(np.unique(sides.place), ends, _NEAR_SIDES))
            pool = _Known(near, problem.at(order[near]), whole.at(order[near]))
            known = _concatenated([pool, sides.at(far)])
            part = problem.at(points)
            which, states = _from_known(part, known, every=every)
            put_states(whole, points, chosen_states(part, which, states))
            if every:
                found.append(_minima(_Known(place[points[which]], part.at(which), states)))
        solved[place[todo]] = True
        sides = _concatenated(found)
    for block in blocks(len(order), _AT_ONCE):
        points = order[block]
        put_states(whole, points, _shared(problem.at(points), whole.at(points)))
    return whole


def _around(places: NDArray[np.intp], ends: NDArray[np.intp], more: int) -> NDArray[np.intp]:
    """Ascending places between two of them, and some on either side."""
    first, last = np.searchsorted(places, ends)
    return places[max(first - more, 0) : last + more]


def _concatenated(several: Sequence[_Known]) -> _Known:
    places, problems, states = zip(*several, strict=True)
    fields = ("beta", "zeeman", "along")
    joined = {name: np.concatenate([getattr(one, name) for one in problems]) for name in fields}
    whole = Trial(*(np.concatenate(each) for each in zip(*states, strict=True)))
    return _Known(np.concatenate(places), problems[0]._replace(**joined), whole)


def _neighbourhood(problem: VectorProblem) -> NDArray[np.intp]:
    """The points in an order in which those of like temperature and field stand together."""
    heat, field = np.log(problem.beta), problem.zeeman[:, 0]
    spans = np.ptp(heat), np.ptp(field, axis=0).max()
    axes = np.column_stack([heat / (spans[0] or 1.0), field / (spans[1] or 1.0)])

    def halved(where: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        spans = np.ptp(axes[where], axis=0)
        where = where[np.argsort(axes[where, spans.argmax()], kind="stable")]
        if len(where) <= 2 * _NEAR:
            return [where]
        half = len(where) // 2
        return halved(where[:half]) + halved(where[half:])

    return np.concatenate(halved(np.arange(len(axes))))


def _minima(known: _Known) -> _Known:
    return known.at(are_minima(known.problem, known.state))


def _with_reversed(known: _Known) -> _Known:
    """Minima, and what they become if time runs backwards, where no Hamiltonian forbids it."""
    known = _minima(known)
    place, problem, found = known
    for h in problem.hamiltonians:
        m = np.arange(len(h))
        reversed_h = (-1.0) ** (m[:, None] - m) * h[::-1, ::-1].conj()
        if np.any(np.abs(h - reversed_h) > 64 * EPSILON * np.abs(h).max()):
            return known
    back = found._replace(drive=-found.drive, mean=-found.mean, moments=-found.moments)
    backwards = problem._replace(zeeman=-problem.zeeman, along=-problem.along)
    return _concatenated([known, _Known(place, backwards, back)])


def _from_known(
    problem: VectorProblem, known: _Known, *, every: bool = False
) -> tuple[NDArray[np.intp], Trial]:
    """States that are reached from those known at other points: which point each is of, and it.

    Followed are all of which the energy, less what they can gain, is below the lowest, or `every`
    one; of like ones the lower.
    """
    points, chosen, energy = _hopeful(problem, known, every)
    part, start = problem.at(points), known.state.at(chosen)
    residual = part.zeeman - part.pull(start.mean) - start.drive
    step, _ = newton_step(part, start, residual, 0.0, np.zeros(len(points)))
    moved = changed_means(part, start, step)
    far = (np.linalg.norm(moved, axis=-1) / (FAR * problem.spins)).max(axis=-1)
    mean = start.mean + moved / np.maximum(far, 1.0)[:, None, None]
    new = np.flatnonzero(~repeats(problem, points, energy, mean))
    points, part, start, step, far = points[new], part.at(new), start.at(new), step[new], far[new]
    drive = fields_after(start.drive, step / np.maximum(far, 1.0)[:, None, None])
    before = np.abs(step).max(axis=(1, 2)) / linear_scale(part, start.drive)
    before = np.where(far > 1.0, 1.0, before)
    found = descended(part, drive, before=before, rivals=points, every=every)
    return _unlike(problem, points, found)


def _unlike(
    problem: VectorProblem, points: NDArray[np.intp], found: Trial
) -> tuple[NDArray[np.intp], Trial]:
    """The states that have been reached, each once, and the point that each is of."""
    kept = np.isfinite(found.energy)
    points, found = points[kept], found.at(kept)
    found = turned_freely(problem.at(points), found)
    new = ~repeats(problem, points, found.energy, found.mean)
    return points[new], found.at(new)


def _energies(problem: VectorProblem, known: Trial) -> Array:
    """Free energy over k_B T that known states (q,) have at points (p,), shape (p, q)."""
    moments = known.moments.reshape(len(known.energy), -1)
    fields = problem.zeeman.reshape(len(problem.beta), -1)
    return np.asarray(problem.beta[:, None] * (known.static + fields @ moments.T) - known.entropy)


def _shared(problem: VectorProblem, found: Trial) -> Trial:
    """States none of which another of these points would lower."""
    for _ in range(_ROUNDS):
        least = _energies(problem, found).min(axis=1)
        above = np.flatnonzero(found.energy - 4 * found.rounding - _ABOVE > least)
        if not len(above):
            break
        part = problem.at(above)
        states = _from_known(part, _Known(np.arange(len(found.energy)), problem, found))
        put_states(found, above, chosen_states(part, *states))
    return found


def _hopeful(
    problem: VectorProblem, known: _Known, every: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Pairs of a point and a known state from which its lowest may be reached; its energy there."""
    p, n, state = len(problem.beta), len(problem.spins), known.state
    q = len(state.energy)
    w = problem.weights[:, None]
    field, old = ((w * one.zeeman).reshape(-1, 3 * n) for one in (problem, known.problem))
    beta = problem.beta[:, None]
    energy = _energies(problem, state)
    # what a state can gain: half the response to the change of the field, and of the temperature
    roots = response_roots(problem, state.response)
    values, modes = np.linalg.eigh(curvature(known.problem, roots))
    modes = modes / np.sqrt(np.maximum(values, _SOFTEST))[:, None, :]
    inner = (roots @ modes.reshape(q, n, 3, 3 * n)).reshape(q, 3 * n, 3 * n)
    stiff = inner @ np.swapaxes(inner, -1, -2)
    towards = (stiff @ old[..., None])[..., 0]
    squares = (field[:, :, None] * field[:, None, :]).reshape(p, -1) @ stiff.reshape(q, -1).T
    squares += (old * towards).sum(axis=-1) - 2.0 * field @ towards.T
    gain = 0.5 * beta**2 * squares
    gain += 1.5 * problem.weights.sum() * np.log(beta / known.problem.beta) ** 2
    rows, least = np.arange(p), energy.argmin(axis=1)
    scaled = state.mean / problem.spins[:, None]
    alike = np.zeros((q, q), dtype=bool)
    for exchanged in problem.exchanges:
        alike |= np.abs(scaled[:, None] - scaled[:, exchanged]).max(axis=(2, 3)) < _ALIKE
    # a foreseen gain is good to a half of it
    most = energy[rows, least] - 0.5 * gain[rows, least] + 1e-9
    hope = np.ones_like(alike, shape=(p, q)) if every else energy - 1.5 * gain <= most[:, None]
    hope &= ~alike[least]
    points, chosen = [rows], [least]
    for _ in range(2 * _RIVALS if every else _RIVALS - 1):
        open_ = np.flatnonzero(hope.any(axis=1))
        if not len(open_):
            break
        least = np.where(hope[open_], energy[open_], np.inf).argmin(axis=1)
        points.append(open_)
        chosen.append(least)
        hope[open_] &= ~alike[least]
    each, state_of = np.concatenate(points), np.concatenate(chosen)
    return each, state_of, energy[each, state_of]


def _from_all_sides(
    problem: VectorProblem, *, every: bool = False
) -> tuple[NDArray[np.intp], Trial]:
    """Minima of the free energy at each point: which point each is of, and the state."""
    one = np.flatnonzero(_one_minimum(problem))
    many = np.setdiff1d(np.arange(len(problem.beta)), one)
    wheres, states = list[NDArray[np.intp]](), list[Trial]()
    if len(one):
        part = problem.at(one)
        wheres.append(one)
        states.append(descended(part, part.zeeman.copy()))
    pulls = problem.pull(_starts(problem))
    for block in blocks(len(many), max(1, _AT_ONCE // (len(pulls) + 3))):
        part = problem.at(many[block])
        along = part.pull(problem.spins[:, None] * part.along)
        fields = [0.0 * along, -along, along, *pulls[:, None]]
        drives = np.concatenate([part.zeeman - one for one in fields])
        points = np.tile(np.arange(len(part.beta)), len(fields))
        found = descended(part.at(points), drives, rivals=points, every=every)
        points, found = _unlike(part, points, found)
        wheres.append(many[block][points])
        states.append(found)
    return np.concatenate(wheres), Trial(
        *(np.concatenate(each) for each in zip(*states, strict=True))
    )


def _one_minimum(problem: VectorProblem) -> NDArray[np.bool_]:
    """Points so hot that F is convex: no field of the others is as stiff as a moment, S^2."""
    n = len(problem.spins)
    size = problem.spins / np.sqrt(problem.weights)
    energy = problem.weights[:, None, None, None] * problem.weiss
    bound = np.einsum("i,ijab,j->iajb", size, energy, size).reshape(3 * n, 3 * n)
    return np.asarray(problem.beta * np.linalg.eigvalsh(0.5 * (bound + bound.T))[-1] < 1.0)


def _starts(problem: VectorProblem) -> Array:
    """Trial moments (k, n, 3) from all sides, each of length S."""
    n = len(problem.spins)
    cube = np.array([v for v in product((-1.0, 0.0, 1.0), repeat=3) if any(v)])
    found = np.empty((0, n, 3))
    if n <= PATTERNS:
        patterns = np.array([(1.0, *rest) for rest in product((1.0, -1.0), repeat=n - 1)])
        found = np.einsum("ca,si->csia", cube, patterns).reshape(-1, n, 3)
    else:
        root = np.sqrt(problem.spins * (problem.spins + 1) / (3 * problem.weights))
        energy = problem.weights[:, None, None, None] * problem.weiss
        matrix = np.einsum("i,ijab,j->iajb", root, energy, root).reshape(3 * n, 3 * n)
        modes = np.linalg.eigh(0.5 * (matrix + matrix.T))[1].T[::-1]
        modes = modes[: 3 * min(n, 4)].reshape(-1, n, 3)
        found = np.concatenate([np.repeat(cube[:, None], n, axis=1), modes, -modes])
    drawn = np.random.default_rng(_SEED).normal(size=(_RANDOM_STARTS, n, 3))
    return problem.spins[:, None] * unit_vectors(np.concatenate([found, drawn]))


@np.errstate(under="ignore")
def followed(problem: VectorProblem) -> Array:
    """States of one curve of points in their order, each reached from the one before.

    The first is the lowest. A state is left only where it ceases to be a minimum: steps along the
    curve are halved until the moments turn little, or until what is left is a jump.

    Parameters
    ----------
    problem : VectorProblem
        Whose points differ in the field.

    Returns
    -------
    array (p, n, 3), eV
        Field h_i on each sublattice, coordinates of the film.
    """
    place = problem.at(np.array([0]))
    found = _lowest(place)
    drives = [found.drive]
    for k in range(1, len(problem.beta)):
        following = problem.at(np.array([k]))
        found = _advanced(place, found, following, _HALVINGS)
        drives.append(found.drive)
        place = following
    return np.concatenate(drives)


def _advanced(old: VectorProblem, state: Trial, new: VectorProblem, halvings: int) -> Trial:
    """The state at the end of a step of the field, from that at its start."""
    found = descended(new, state.drive + new.zeeman - old.zeeman, turn=_TURN)
    found = _settled(new, found, _TURN)
    turned = np.linalg.norm(found.mean - state.mean, axis=-1) / new.spins
    if halvings == 0 or turned.max() <= _TURN / 2:
        return found
    middle = new._replace(zeeman=0.5 * (old.zeeman + new.zeeman))
    return _advanced(middle, _advanced(old, state, middle, halvings - 1), new, halvings - 1)


def _settled(
    problem: VectorProblem, found: Trial, turn: float = FAR, *, exactly: bool = False
) -> Trial:
    """Minima, also where symmetry has kept the descent on a saddle."""
    for _ in range(3 * len(problem.weights)):
        saddles = np.flatnonzero(~are_minima(problem, found, exactly=exactly))
        if not len(saddles):
            return found
        part, drive = problem.at(saddles), found.drive[saddles]
        trial = gibbs_states(part, drive)
        _, softest = softest_mode(part, trial, free_turns(part, trial) if exactly else None)
        largest = (np.linalg.norm(softest, axis=-1) / problem.spins).max(axis=-1)
        kick = part.pull(softest) * (0.25 * _TURN / largest)[:, None, None]
        sides = np.tile(np.arange(len(saddles)), 2)
        ends = descended(part.at(sides), np.concatenate([drive - kick, drive + kick]), turn=turn)
        put_states(found, saddles, chosen_states(part, sides, ends))
    raise ConvergenceError("the Weiss field stayed on a saddle of the free energy")
