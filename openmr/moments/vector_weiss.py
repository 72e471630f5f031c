"""The Weiss field of moments with axes of their own: a vector on every sublattice.

Trial Gibbs states in trial fields h_i have the free energy

    F = sum_i w_i [Tr rho_i (H_i + h0_i.S) + k_B T Tr rho_i ln rho_i - (1/2) sum_j m_i J0_ij m_j],

whose slope is -w chi r with the residual r_i = h0_i - sum_j J0_ij m_j - h_i. With X = (chi/w)^1/2
and A = 1 - X (w J0) X, the step downhill that is Newton's where F is convex is

    dh = [w r + (w J0) X |A|^-1 X w r] / w,

and a state is a local minimum if and only if A is positive. Everything is in units of k_B T at
each point; arrays have the points first, then sublattices, then components.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import EPSILON, SMALLEST, Array, ComplexArray, ConvergenceError
from openmr._spins import spin_matrices
from openmr.moments.grid import blocks
from openmr.moments.levels import levels, points_at_once

_MAX_ITERATIONS = 1000
_SEED = 20
_RANDOM_STARTS = 8
_PATTERNS = 3
"""Sublattices up to which all patterns of signs are tried; of more, the leading modes."""
_SADDLE = 1e-10
"""Negative stiffness up to which rounding may have made it so."""
_FREE = 1e-7
"""Stiffness below which a rigid rotation of all moments counts as free."""
_AT_ONCE = 512
"""Descents worked on together."""
_SOURCES = 12
"""Least number of points of a grid whose states are sought from all sides."""
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
_LAST = 1e-10
"""Step of the fields, over themselves and over k_B T, after which none is taken."""
_MERGE = 3
"""Steps after which states of one point are compared with each other."""
_COMPARED = 24
"""States of one point, next lower in energy, with which each is compared."""
_CLOSE = 0.03
"""Change of <S_i> over S_i within which two of them are taken for one."""
_GAIN = 3.0
"""Falls of the energy, each as by a whole step along the slope, that a state may still hope for."""
_HALVINGS = 12
"""Times that a step of the field is halved where the moments turn far: a jump has its place."""
_FAR = 0.5
"""Longest step of <S_i> over S_i in any descent."""
_TURN = 0.2
"""Longest step of <S_i> over S_i in a descent that must not leave its basin."""


class VectorProblem(NamedTuple):
    """The self-consistency problem at p points, energies in eV, in coordinates of the film."""

    spins: Array  # (n,)
    hamiltonians: Sequence[ComplexArray]  # of each sublattice, in its crystal's axes
    axes: Array  # (n, 3, 3), crystal axes as rows
    weights: Array  # (n,)
    weiss: Array  # (n, n, 3, 3), J0
    beta: Array  # (p,)
    zeeman: Array  # (p, n, 3), h0
    along: Array  # (p, n, 3), g^T b, which a field of 1 T / mu_B would be

    def at(self, where: NDArray[np.bool_] | NDArray[np.intp]) -> VectorProblem:
        """The same problem at some of the points."""
        return self._replace(
            beta=self.beta[where], zeeman=self.zeeman[where], along=self.along[where]
        )

    @property
    def crystal(self) -> Array:
        """Largest element of each Hamiltonian [eV], shape (n,)."""
        return np.array([np.abs(h).max() for h in self.hamiltonians])

    def pull(self, means: Array) -> Array:
        """sum_j J0_ij m_j [eV], shape (p, n, 3)."""
        return np.asarray(np.einsum("ijab,pjb->pia", self.weiss, means))


class _Trial(NamedTuple):
    """Gibbs states in trial fields h, and the free energy over k_B T."""

    drive: Array  # (p, n, 3), eV
    mean: Array  # (p, n, 3)
    response: Array  # (p, n, 3, 3)
    energy: Array  # (p,)
    rounding: Array  # (p,), of the energy
    static: Array  # (p,), energy without the field [eV]
    entropy: Array  # (p,)

    def at(self, where: NDArray[np.bool_] | NDArray[np.intp]) -> _Trial:
        return _Trial(*(values[where] for values in self))


class Solution(NamedTuple):
    """A state of the moments at p points.

    Attributes
    ----------
    drive : array (p, n, 3), eV
        Field h_i on each sublattice, coordinates of the film.
    stability : array (p,), no unit
        Smallest eigenvalue of A, without those of free rotations.
    """

    drive: Array
    stability: Array


def _trial(problem: VectorProblem, drive: Array) -> _Trial:
    beta, weights = problem.beta, problem.weights
    mean, response = np.empty_like(drive), np.empty((*drive.shape, 3))
    log_z = np.empty(drive.shape[:-1])
    ground, entropy = np.empty_like(log_z), np.empty_like(log_z)
    for i, (spin, h, axes) in enumerate(
        zip(problem.spins, problem.hamiltonians, problem.axes, strict=True)
    ):
        found = levels(h, float(spin), drive[:, i] @ axes.T, beta)
        mean[:, i] = found.mean @ axes
        response[:, i] = axes.T @ found.response @ axes
        log_z[:, i], ground[:, i] = found.log_partition, found.ground
        entropy[:, i] = log_z[:, i] + ground[:, i] + (found.populations * found.energies).sum(-1)
    terms = np.stack(
        [
            -log_z,
            -beta[:, None] * (drive * mean).sum(axis=-1),
            beta[:, None] * (problem.zeeman * mean).sum(axis=-1),
            -0.5 * beta[:, None] * (mean * problem.pull(mean)).sum(axis=-1),
        ]
    )
    terms *= weights
    # levels are good to rounding of the largest element of H
    sizes = np.abs(terms).sum(axis=0)
    sizes += weights * (np.abs(ground) + beta[:, None] * problem.crystal)
    whole, entropy = terms.sum(axis=(0, 2)), entropy @ weights
    static = (whole - terms[2].sum(axis=-1) + entropy) / beta
    return _Trial(drive, mean, response, whole, 8 * EPSILON * sizes.sum(axis=-1), static, entropy)


def _roots(problem: VectorProblem, response: Array) -> Array:
    """X = (chi/w)^(1/2), shape (p, n, 3, 3)."""
    values, modes = np.linalg.eigh(response / problem.weights[:, None, None])
    size = np.sqrt(np.maximum(values, 0.0))
    return np.asarray((modes * size[..., None, :]) @ np.swapaxes(modes, -1, -2))


def _curvature(problem: VectorProblem, roots: Array) -> Array:
    """A = 1 - X (w beta J0) X, shape (p, 3n, 3n)."""
    n = len(problem.weights)
    energy = problem.weights[:, None, None, None] * problem.weiss
    inner = np.einsum("piab,ijbc,pjcd->piajd", roots, energy, roots)
    inner *= problem.beta[:, None, None, None, None]
    return np.asarray(np.eye(3 * n) - inner.reshape(-1, 3 * n, 3 * n))


def _step(problem: VectorProblem, trial: _Trial, residual: Array, noise: Array) -> Array:
    """Saddle-free Newton step [eV]; nothing along modes whose slope is rounding."""
    p, n, _ = residual.shape
    roots, w = _roots(problem, trial.response), problem.weights[:, None]
    values, modes = np.linalg.eigh(_curvature(problem, roots))
    wanted = np.einsum("piab,pib->pia", roots, w * residual).reshape(p, 3 * n)
    rounding = (np.abs(roots).sum(axis=-1) * (w * noise)).reshape(p, 3 * n)
    projected = np.einsum("pji,pj->pi", modes, wanted)
    flat = 3 * np.abs(projected) <= np.einsum("pji,pj->pi", np.abs(modes), rounding)
    projected /= np.maximum(np.abs(values), EPSILON)
    projected[flat & (np.abs(values) < _FREE)] = 0.0
    back = np.einsum("pij,pj->pi", modes, projected).reshape(p, n, 3)
    moved = np.einsum("piab,pib->pia", roots, back)
    return np.asarray(residual + problem.beta[:, None, None] * problem.pull(moved))


def _descend(
    problem: VectorProblem,
    drive: Array,
    *,
    turn: float = _FAR,
    rivals: NDArray[np.intp] | None = None,
    every: bool = False,
) -> _Trial:
    """Local minimum of the free energy reached from trial fields h (p, n, 3).

    No step changes <S_i> by more than `turn` S_i: saturated moments feel no slope, and would be
    thrown from one side to the other. States with equal numbers in `rivals` are those of one point:
    of two that have come close one is left, its energy infinite, and, unless `every` minimum
    is wanted, one that will not come as low as another either.
    """
    found = _trial(problem, drive)
    active, part, start = np.arange(len(drive)), problem, found
    pulls = np.abs(problem.weiss).sum(axis=(-2, -1))
    limit = turn * problem.spins
    quiet = np.zeros(len(drive), dtype=bool)
    for count in range(_MAX_ITERATIONS):
        residual = part.zeeman - part.pull(start.mean) - start.drive
        fields = np.abs(part.zeeman).sum(axis=-1) + np.abs(start.drive).sum(axis=-1)
        # rounding of H moves the mean by as much as a field of that size
        soft = part.beta[:, None] * np.trace(start.response, axis1=-2, axis2=-1)
        moments = problem.spins + soft * (problem.crystal + problem.spins * fields)
        scale = fields + moments @ pulls.T
        noise = (16 * EPSILON * (2 * problem.spins + 1) * scale)[..., None]
        step = _step(part, start, residual, noise)
        w = problem.weights[:, None]
        moved = np.einsum("piab,pib->pia", start.response, part.beta[:, None, None] * step)
        slope = -(w * part.beta[:, None, None] * residual * moved).sum(axis=(1, 2))
        far = (np.linalg.norm(moved, axis=-1) / limit).max(axis=-1)
        length = 1.0 / np.maximum(far, 1.0)
        before, quiet = quiet, np.all(np.abs(residual) <= 2 * noise, axis=(1, 2))
        # one more step than it takes: soft directions magnify what is left of the residual
        settled = (quiet & before) | np.all(
            np.abs(step) <= 4 * EPSILON * scale[..., None], axis=(1, 2)
        )
        # a step so small is the last: what is second order in it is below rounding
        small = np.minimum(1.0 / part.beta, np.abs(start.drive).max(axis=(1, 2)))
        last = np.abs(step).max(axis=(1, 2)) <= _LAST * small
        start.drive[last] += step[last]
        start.mean[last] -= moved[last]
        settled |= last
        if settled.any():
            found = _joined(found, active[settled], start.at(settled))
        if rivals is not None and not settled.all():
            # saturated moments feel no slope, however far they are from where they will go
            near = np.abs(residual).max(axis=(1, 2)) <= 0.1 * np.abs(start.drive).max(axis=(1, 2))
            hope = np.where(near, start.energy + _GAIN * np.minimum(slope, 0.0), -np.inf)
            lost = _lost(rivals, active, start, found, hope, problem.spins, count, every)
            lost &= ~settled
            found.energy[active[lost]] = np.inf
            settled |= lost
        if settled.any():
            if settled.all():
                return found
            moving = np.flatnonzero(~settled)
            active, part, start = active[moving], part.at(moving), start.at(moving)
            step, slope, length = step[moving], slope[moving], length[moving]
            quiet = quiet[moving]
        start = _line_search(part, start, step, slope, length, limit)
    raise ConvergenceError(
        f"the Weiss field did not converge in {_MAX_ITERATIONS} steps at "
        f"{len(active)} of {len(problem.beta)} points"
    )


def _lost(
    rivals: NDArray[np.intp],
    active: NDArray[np.intp],
    start: _Trial,
    found: _Trial,
    hope: Array,
    spins: Array,
    count: int,
    every: bool,
) -> NDArray[np.bool_]:
    """Which states at work are close to another of their point, or sure to end above one."""
    mine = rivals[active]
    lost = np.zeros(len(active), dtype=bool)
    found.energy[active], found.mean[active] = start.energy, start.mean
    if not every:
        least = np.full(rivals.max() + 1, np.inf)
        np.minimum.at(least, rivals, found.energy)
        lost |= hope - 4 * start.rounding > least[mine]
    if count % _MERGE == _MERGE - 1:
        # the lower of two, or the first of equal ones, stays; each is compared with the next few
        scaled = (found.mean / spins[:, None]).reshape(len(rivals), -1)
        order = np.lexsort((np.arange(len(rivals)), found.energy, rivals))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        for back in range(1, min(len(order), _COMPARED) + 1):
            other = order[np.maximum(place[active] - back, 0)]
            same = (
                (rivals[other] == mine) & (place[active] >= back) & np.isfinite(found.energy[other])
            )
            lost |= same & (np.abs(scaled[active] - scaled[other]).max(axis=-1) < _CLOSE)
    return lost


def _line_search(
    problem: VectorProblem,
    start: _Trial,
    step: Array,
    slope: Array,
    length: Array,
    limit: Array,
) -> _Trial:
    """States along the steps, halved until the energy falls by a share of the slope.

    And until no mean moves by much more than the limit, which the linear change has kept.
    """
    found = _trial(problem, _along(start.drive, length[:, None, None] * step))
    enough = start.energy + start.rounding
    where = np.arange(len(length))
    for _ in range(60):
        moved = np.linalg.norm(found.mean[where] - start.mean[where], axis=-1)
        refused = (moved > 1.5 * limit).any(axis=-1)
        refused |= found.energy[where] > (enough + 1e-4 * length * slope)[where]
        where = where[refused]
        if not len(where):
            break
        length[where] *= 0.5
        again = _along(start.drive[where], length[where, None, None] * step[where])
        found = _joined(found, where, _trial(problem.at(where), again))
    return found


def _along(drive: Array, step: Array) -> Array:
    """Fields at the end of a step: turned by what of it is across them, longer by what is along.

    All moments turn together at no cost of exchange; on straight lines they could turn little.
    """
    size = np.linalg.norm(drive, axis=-1, keepdims=True)
    unit = drive / np.maximum(size, SMALLEST)
    longer = (unit * step).sum(axis=-1, keepdims=True)
    across = step - longer * unit
    length = np.linalg.norm(across, axis=-1, keepdims=True)
    angle = length / np.maximum(size, SMALLEST)
    arc = np.minimum(angle, 1.0)
    turned = np.cos(arc) * unit + np.sin(arc) * across / np.maximum(length, SMALLEST)
    return np.asarray(np.where(angle < 1.0, (size + longer) * turned, drive + step))


def _joined(whole: _Trial, where: NDArray[np.intp], part: _Trial) -> _Trial:
    for old, new in zip(whole, part, strict=True):
        old[where] = new
    return whole


def _settled(problem: VectorProblem, found: _Trial) -> _Trial:
    """A minimum, also where symmetry has kept the descent on a saddle, at one point."""
    for _ in range(3 * len(problem.weights)):
        stiffness, softest = _softest(problem, found)
        if stiffness[0] > -_SADDLE:
            return found
        largest = (np.linalg.norm(softest, axis=-1) / problem.spins).max()
        kick = problem.pull(softest) * (0.25 * _TURN / largest)
        found = _descend(problem, found.drive - kick, turn=_TURN)
    raise ConvergenceError("the Weiss field stayed on a saddle of the free energy")


def _stability(problem: VectorProblem, trial: _Trial) -> Array:
    """Smallest eigenvalue of A, shape (p,), less those of rotations of all moments that are free.

    A rotation is free if its stiffness is nothing beside what rounding leaves of it.
    """
    return _softest(problem, trial)[0]


def _softest(problem: VectorProblem, trial: _Trial) -> tuple[Array, Array]:
    """`_stability`, and the change of the moments (p, n, 3) that goes with it."""
    n = len(problem.weights)
    roots = _roots(problem, trial.response)
    values, modes = np.linalg.eigh(_curvature(problem, roots))
    for k in range(min(3, 3 * n)):
        soft = np.flatnonzero(np.abs(values[:, k]) < _FREE)
        if not len(soft):
            continue
        vectors = modes[soft, :, k].reshape(-1, n, 3)
        change = np.einsum("piab,pib->pia", roots[soft], vectors)
        crossed = np.stack(
            [np.cross(axis, trial.mean[soft]) for axis in np.eye(3)], axis=-1
        ).reshape(len(soft), 3 * n, 3)
        flat = change.reshape(len(soft), 3 * n, 1)
        rest = flat - crossed @ (np.linalg.pinv(crossed, rcond=1e-8) @ flat)
        rigid = (rest**2).sum(axis=(1, 2)) <= 1e-6 * (flat**2).sum(axis=(1, 2))
        values[soft[rigid], k] = np.inf
    least = values.argmin(axis=-1)[:, None]
    mode = np.take_along_axis(modes, least[:, None], axis=-1)[..., 0].reshape(-1, n, 3)
    change = np.einsum("piab,pib->pia", roots, mode)
    return np.take_along_axis(values, least, axis=-1)[:, 0], np.asarray(change)


def _one_minimum(problem: VectorProblem) -> NDArray[np.bool_]:
    """Points so hot that F is convex: no field of the others is as stiff as a moment, S^2."""
    n = len(problem.spins)
    size = problem.spins / np.sqrt(problem.weights)
    energy = problem.weights[:, None, None, None] * problem.weiss
    bound = np.einsum("i,ijab,j->iajb", size, energy, size).reshape(3 * n, 3 * n)
    return np.asarray(problem.beta * np.linalg.eigvalsh(0.5 * (bound + bound.T))[-1] < 1.0)


def _starts(problem: VectorProblem) -> Iterator[Array]:
    """Trial moments (p, n, 3), each of length S."""
    n, p = len(problem.spins), len(problem.beta)
    cube = np.array([v for v in product((-1.0, 0.0, 1.0), repeat=3) if any(v)])
    cube /= np.linalg.norm(cube, axis=-1, keepdims=True)
    patterns: list[Array] = []
    if n <= _PATTERNS:
        patterns = [np.array([1.0, *rest]) for rest in product((1.0, -1.0), repeat=n - 1)]
    for sign in (-1.0, 1.0):
        yield sign * problem.spins[:, None] * problem.along
    for direction in cube:
        for pattern in patterns:
            one = (pattern * problem.spins)[:, None] * direction
            yield np.broadcast_to(one, (p, n, 3))
    if not patterns:
        root = np.sqrt(problem.spins * (problem.spins + 1) / (3 * problem.weights))
        energy = problem.weights[:, None, None, None] * problem.weiss
        matrix = np.einsum("i,ijab,j->iajb", root, energy, root).reshape(3 * n, 3 * n)
        modes = np.linalg.eigh(0.5 * (matrix + matrix.T))[1].T[::-1]
        for mode in modes[: 3 * min(n, 4)].reshape(-1, n, 3):
            length = np.linalg.norm(mode, axis=-1, keepdims=True)
            one = problem.spins[:, None] * mode / np.maximum(length, SMALLEST)
            yield from (np.broadcast_to(sign * one, (p, n, 3)) for sign in (1.0, -1.0))
    random = np.random.default_rng(_SEED)
    for _ in range(_RANDOM_STARTS):
        drawn = random.normal(size=(n, 3))
        drawn *= problem.spins[:, None] / np.linalg.norm(drawn, axis=-1, keepdims=True)
        yield np.broadcast_to(drawn, (p, n, 3))


@np.errstate(under="ignore")
def lowest(problem: VectorProblem) -> Solution:
    """The state of lowest free energy.

    Of equal ones that with the least Zeeman energy, then as the field goes to 0 along b: net
    moment, then first moment against b, then the first moment that comes first along x, y, z.

    Parameters
    ----------
    problem : VectorProblem

    Returns
    -------
    Solution
        With its stability.
    """
    found = _lowest(problem)
    stiffness = _stability(problem, found)
    saddles = np.flatnonzero(stiffness < -_SADDLE)
    if len(saddles):
        part = problem.at(saddles)
        again = _chosen(part, *_from_all_sides(part))
        found = _joined(found, saddles, again)
        stiffness[saddles] = _stability(part, again)
    return Solution(_turned(problem, found), stiffness)


def _lowest(problem: VectorProblem) -> _Trial:
    """The lowest state of each point: of some from all sides, of others from the states of those.

    A state is density matrices, which have a free energy at any temperature and in any field: what
    is found at one point is an upper bound at all others, and known without work. Last of all,
    no point may be left above what its neighbours have found.
    """
    order = _neighbourhood(problem)
    step = -(-len(order) // int(np.clip(len(order) // 128, _SOURCES, 64)))
    is_source = np.zeros(len(order), dtype=bool)
    is_source[step // 2 :: step] = True
    sources = order[is_source]
    part = problem.at(sources)
    where, found = _from_all_sides(part, every=step > 1)
    best = _chosen(part, where, found)
    whole = _Trial(*(np.empty((len(order), *values.shape[1:])) for values in best))
    _joined(whole, sources, best)
    size = 4 * points_at_once(float(problem.spins.max()))  # few calls
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    solved = is_source.copy()
    for stride in (64, 8, 1):  # each from the nearest of those before
        todo = order[stride // 2 :: stride]
        todo = todo[~solved[place[todo]]]
        for block in blocks(len(todo), size):
            points = todo[block]
            ends = place[points[[0, -1]]]
            near = order[_around(np.flatnonzero(solved), ends, _NEAR)]
            sides = np.isin(
                sources[where], order[_around(np.flatnonzero(is_source), ends, _NEAR_SIDES)]
            )
            pool = [
                (problem.at(near), whole.at(near)),
                _with_reversed(part.at(where[sides]), found.at(sides)),
            ]
            _joined(whole, points, _from_known(problem.at(points), *_concatenated(pool)))
        solved[place[todo]] = True
    for block in blocks(len(order), size):
        points = order[block]
        _joined(whole, points, _shared(problem.at(points), whole.at(points)))
    return whole


def _around(places: NDArray[np.intp], ends: NDArray[np.intp], more: int) -> NDArray[np.intp]:
    """Of ascending places those between two, and some on either side."""
    first, last = np.searchsorted(places, ends)
    return places[max(first - more, 0) : last + more]


def _concatenated(pairs: Sequence[tuple[VectorProblem, _Trial]]) -> tuple[VectorProblem, _Trial]:
    problems, states = zip(*pairs, strict=True)
    fields = ("beta", "zeeman", "along")
    joined = {name: np.concatenate([getattr(one, name) for one in problems]) for name in fields}
    whole = _Trial(*(np.concatenate(each) for each in zip(*states, strict=True)))
    return problems[0]._replace(**joined), whole


def _turned(problem: VectorProblem, found: _Trial) -> Array:
    """Fields of the states, each turned about the axis, if any, about which that costs nothing.

    To where the rule of `lowest` wants it, which no finite number of starts would meet.
    """
    drive, mean = found.drive.copy(), found.mean.copy()
    along = _unit(problem.along[:, 0])
    share = np.einsum("pia,pa->pi", problem.along, along) * problem.weights
    aims = [along, *(-np.tile(one, (len(mean), 1)) for one in np.eye(3))]
    free_axes = _free_axes(problem)
    axes = [np.tile(axis, (len(mean), 1)) for axis in free_axes[:1]]
    if len(free_axes) > 1:
        net = np.einsum("pi,pia->pa", share, mean)
        magnetic = np.linalg.norm(net, axis=-1, keepdims=True) > 1e-6 * share.sum()
        axes = [_unit(np.cross(np.where(magnetic, net, mean[:, 0]), along)), along]
    for axis in axes:
        across = problem.zeeman - (problem.zeeman @ axis[:, :, None]) * axis[:, None]
        free = ~np.any(np.abs(across) > 1e-12 * np.abs(problem.zeeman).max(), axis=(1, 2))
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
            for one in (drive, mean):
                one[where] = _rotated(one[where], axis[where], cos, sin)
            free &= ~decided
    return drive


def _rotated(vectors: Array, axis: Array, cos: Array, sin: Array) -> Array:
    """Vectors (p, n, 3) turned about one axis (p, 3) for all of a point."""
    u, cos, sin = axis[:, None], cos[:, None, None], sin[:, None, None]
    along = (vectors * u).sum(axis=-1, keepdims=True) * u
    return np.asarray(cos * (vectors - along) + sin * np.cross(u, vectors) + along)


def _unit(vectors: Array) -> Array:
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(size, SMALLEST))


def _free_axes(problem: VectorProblem) -> list[Array]:
    """Crystal axes about which nothing but the field changes if all moments turn: 0, 1 or 3."""
    free = []
    for axis in problem.axes[0]:
        turn = np.cross(np.eye(3), axis)
        same = all(
            np.allclose(j @ turn, turn @ j, rtol=0.0, atol=1e-12 * np.abs(problem.weiss).max())
            for row in problem.weiss
            for j in row
        )
        for h, spin, axes in zip(problem.hamiltonians, problem.spins, problem.axes, strict=True):
            component = np.tensordot(axes @ axis, spin_matrices(float(spin)), axes=1)
            size = 1e-12 * np.abs(h).max()
            same &= np.allclose(h @ component, component @ h, rtol=0.0, atol=size)
        if same:
            free.append(axis)
    return free


def _neighbourhood(problem: VectorProblem) -> NDArray[np.intp]:
    """The points in an order in which those of like temperature and field stand together."""
    heat, field = np.log(problem.beta), problem.zeeman[:, 0]
    spans = np.ptp(heat), np.ptp(field, axis=0).max()
    axes = np.column_stack([heat / (spans[0] or 1.0), field / (spans[1] or 1.0)])

    def halved(where: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        spans = np.ptp(axes[where], axis=0)
        where = where[np.argsort(axes[where, spans.argmax()], kind="stable")]
        if len(where) <= 16:
            return [where]
        half = len(where) // 2
        return halved(where[:half]) + halved(where[half:])

    return np.concatenate(halved(np.arange(len(axes))))


def _with_reversed(problem: VectorProblem, found: _Trial) -> tuple[VectorProblem, _Trial]:
    """Minima, and what they become if time runs backwards, where no Hamiltonian forbids it."""
    minima = np.flatnonzero(_stability(problem, found) > -_SADDLE)
    problem, found = problem.at(minima), found.at(minima)
    for h in problem.hamiltonians:
        m = np.arange(len(h))
        reversed_h = (-1.0) ** (m[:, None] - m) * h[::-1, ::-1].conj()
        if np.any(np.abs(h - reversed_h) > 64 * EPSILON * np.abs(h).max()):
            return problem, found
    back = found._replace(drive=-found.drive, mean=-found.mean)
    backwards = problem._replace(zeeman=-problem.zeeman, along=-problem.along)
    return _concatenated([(problem, found), (backwards, back)])


def _from_known(problem: VectorProblem, origin: VectorProblem, known: _Trial) -> _Trial:
    """The lowest states that are reached from those known at other points.

    Followed are all of which the energy, less what they can gain, is below the lowest; of like
    ones the lower.
    """
    points, chosen = _hopeful(problem, origin, known)
    part, start = problem.at(points), known.at(chosen)
    residual = part.zeeman - part.pull(start.mean) - start.drive
    step = _step(part, start, residual, np.zeros_like(residual))
    moved = part.beta[:, None, None] * np.einsum("piab,pib->pia", start.response, step)
    far = (np.linalg.norm(moved, axis=-1) / (_FAR * problem.spins)).max(axis=-1)
    drive = _along(start.drive, step / np.maximum(far, 1.0)[:, None, None])
    found = _descend(part, drive, rivals=points)
    kept = np.isfinite(found.energy)
    return _chosen(problem, points[kept], found.at(kept))


def _energies(problem: VectorProblem, known: _Trial) -> Array:
    """Free energy over k_B T that known states (q,) have at points (p,), shape (p, q)."""
    moments = (problem.weights[:, None] * known.mean).reshape(len(known.energy), -1)
    fields = problem.zeeman.reshape(len(problem.beta), -1)
    return np.asarray(problem.beta[:, None] * (known.static + fields @ moments.T) - known.entropy)


def _shared(problem: VectorProblem, found: _Trial) -> _Trial:
    """States none of which another of these points would lower."""
    for _ in range(_ROUNDS):
        least = _energies(problem, found).min(axis=1)
        above = np.flatnonzero(found.energy - 4 * found.rounding - _ABOVE > least)
        if not len(above):
            break
        _joined(found, above, _from_known(problem.at(above), problem, found))
    return found


def _hopeful(
    problem: VectorProblem, origin: VectorProblem, known: _Trial
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of a point and a known state from which its lowest may be reached."""
    p, q, n = len(problem.beta), len(known.energy), len(problem.spins)
    w = problem.weights[:, None]
    field, old = ((w * one.zeeman).reshape(-1, 3 * n) for one in (problem, origin))
    beta = problem.beta[:, None]
    energy = _energies(problem, known)
    # what a state can gain: half the response to the change of the field, and of the temperature
    roots = _roots(problem, known.response)
    values, modes = np.linalg.eigh(_curvature(origin, roots))
    modes = modes / np.sqrt(np.maximum(values, _SOFTEST))[:, None, :]
    inner = np.einsum("qiab,qibk->qiak", roots, modes.reshape(q, n, 3, 3 * n)).reshape(
        q, 3 * n, 3 * n
    )
    stiff = inner @ np.swapaxes(inner, -1, -2)
    towards = np.einsum("qij,qj->qi", stiff, old)
    squares = (field[:, :, None] * field[:, None, :]).reshape(p, -1) @ stiff.reshape(q, -1).T
    squares += (old * towards).sum(axis=-1) - 2.0 * field @ towards.T
    gain = 0.5 * beta**2 * squares
    gain += 1.5 * problem.weights.sum() * np.log(beta / origin.beta) ** 2
    hope = energy - gain <= energy.min(axis=1, keepdims=True) + 1e-9
    scaled = (known.mean / problem.spins[:, None]).reshape(q, -1)
    alike = np.abs(scaled[:, None] - scaled).max(axis=-1) < _ALIKE
    points, chosen = list[NDArray[np.intp]](), list[NDArray[np.intp]]()
    for _ in range(_RIVALS):
        open_ = np.flatnonzero(hope.any(axis=1))
        if not len(open_):
            break
        least = np.where(hope[open_], energy[open_], np.inf).argmin(axis=1)
        points.append(open_)
        chosen.append(least)
        hope[open_] &= ~alike[least]
    return np.concatenate(points), np.concatenate(chosen)


def _from_all_sides(
    problem: VectorProblem, *, every: bool = False
) -> tuple[NDArray[np.intp], _Trial]:
    """Minima of the free energy at each point: which point each is of, and the state."""
    one = np.flatnonzero(_one_minimum(problem))
    many = np.setdiff1d(np.arange(len(problem.beta)), one)
    wheres, states = list[NDArray[np.intp]](), list[_Trial]()
    if len(one):
        part = problem.at(one)
        wheres.append(one)
        states.append(_descend(part, part.zeeman.copy()))
    count = 1 + sum(1 for _ in _starts(problem.at(many[:1]))) if len(many) else 1
    for block in blocks(len(many), max(1, _AT_ONCE // count)):
        part = problem.at(many[block])
        p = len(part.beta)
        drives = [part.zeeman, *(part.zeeman - part.pull(one) for one in _starts(part))]
        points = np.tile(np.arange(p), len(drives))
        found = _descend(part.at(points), np.concatenate(drives), rivals=points, every=every)
        kept = np.isfinite(found.energy)
        wheres.append(many[block][points[kept]])
        states.append(found.at(kept))
    return np.concatenate(wheres), _Trial(
        *(np.concatenate(each) for each in zip(*states, strict=True))
    )


def _chosen(problem: VectorProblem, where: NDArray[np.intp], found: _Trial) -> _Trial:
    """Of the states of each point that to be chosen."""
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


@np.errstate(under="ignore")
def followed(problem: VectorProblem) -> Solution:
    """States of one curve of points in their order, each reached from the one before.

    The first is the lowest. A state is left only where it ceases to be a minimum: steps along the
    curve are halved until the moments turn little, or until what is left is a jump.

    Parameters
    ----------
    problem : VectorProblem
        Whose points differ in the field.

    Returns
    -------
    Solution
        With its stability.
    """
    place = problem.at(np.array([0]))
    found = _lowest(place)
    drives, stiffness = [found.drive], [_stability(place, found)]
    for k in range(1, len(problem.beta)):
        following = problem.at(np.array([k]))
        found = _advanced(place, found, following, _HALVINGS)
        drives.append(found.drive)
        stiffness.append(_stability(following, found))
        place = following
    return Solution(np.concatenate(drives), np.concatenate(stiffness))


def _advanced(old: VectorProblem, state: _Trial, new: VectorProblem, halvings: int) -> _Trial:
    """The state at the end of a step of the field, from that at its start."""
    found = _settled(new, _descend(new, state.drive + new.zeeman - old.zeeman, turn=_TURN))
    turned = np.linalg.norm(found.mean - state.mean, axis=-1) / new.spins
    if halvings == 0 or turned.max() <= _TURN / 2:
        return found
    middle = new._replace(zeeman=0.5 * (old.zeeman + new.zeeman))
    return _advanced(middle, _advanced(old, state, middle, halvings - 1), new, halvings - 1)


def _key(problem: VectorProblem, found: _Trial) -> list[Array]:
    """Numbers that are least in the state to be chosen, in order of importance."""
    beta, w = problem.beta, problem.weights[:, None]
    zeeman = beta * (w * problem.zeeman * found.mean).sum(axis=(1, 2))
    net = np.einsum("pia,pia->p", w * found.mean, problem.along)
    first = np.einsum("pa,pa->p", found.mean[:, 0], problem.along[:, 0])
    return [found.energy.copy(), zeeman, net, first, *(-found.mean[:, 0].T)]


def _better(
    problem: VectorProblem, found: _Trial, key: list[Array], old_key: list[Array]
) -> NDArray[np.bool_]:
    spin = problem.spins.sum() * np.ones_like(found.energy)
    size = problem.beta * np.abs(problem.weights[:, None] * problem.zeeman).sum(axis=(1, 2))
    close = 1e-9  # along soft directions moments are known to the square root of rounding
    margins = [4 * found.rounding, close * size * spin, *[close * spin] * 5]
    better = np.zeros(len(found.energy), dtype=bool)
    undecided = ~better
    for new, old, margin in zip(key, old_key, margins, strict=True):
        better |= undecided & (new < old - margin)
        undecided &= np.abs(new - old) <= margin
    return better
