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
from itertools import islice, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import EPSILON, SMALLEST, Array, ComplexArray, ConvergenceError
from openmr.moments.levels import levels

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
    ground = np.empty(drive.shape[:-1])
    for i, (spin, h, axes) in enumerate(
        zip(problem.spins, problem.hamiltonians, problem.axes, strict=True)
    ):
        found = levels(h, float(spin), drive[:, i] @ axes.T, beta)
        mean[:, i] = found.mean @ axes
        response[:, i] = axes.T @ found.response @ axes
        log_z[:, i], ground[:, i] = found.log_partition, found.ground
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
    return _Trial(drive, mean, response, terms.sum(axis=(0, 2)), 8 * EPSILON * sizes.sum(axis=-1))


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


def _descend(problem: VectorProblem, drive: Array, *, turn: float = _FAR) -> _Trial:
    """Local minimum of the free energy reached from trial fields h (p, n, 3).

    No step changes <S_i> by more than `turn` S_i: saturated moments feel no slope, and would be
    thrown from one side to the other.
    """
    found = _trial(problem, drive)
    active, part, start = np.arange(len(drive)), problem, found
    pulls = np.abs(problem.weiss).sum(axis=(-2, -1))
    limit = turn * problem.spins
    quiet = np.zeros(len(drive), dtype=bool)
    for _ in range(_MAX_ITERATIONS):
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
        if settled.any():
            found = _joined(found, active[settled], start.at(settled))
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
    return _stated(problem, _lowest(problem))


def _stated(problem: VectorProblem, found: _Trial) -> Solution:
    return Solution(found.drive, _stability(problem, found))


def _lowest(problem: VectorProblem) -> _Trial:
    best = _descend(problem, problem.zeeman.copy())
    many = np.flatnonzero(~_one_minimum(problem))
    if not len(many):
        return best
    part = problem.at(many)
    chosen, chosen_key = best.at(many), _key(part, best.at(many))
    for moments in _batches(_starts(part), max(1, _AT_ONCE // len(many))):
        k = len(moments)
        all_of = part.at(np.tile(np.arange(len(many)), k))
        flat = moments.reshape(-1, *moments.shape[2:])
        both = _descend(all_of, all_of.zeeman - all_of.pull(flat))
        for i in range(k):
            found = both.at(np.arange(i * len(many), (i + 1) * len(many)))
            key = _key(part, found)
            better = _better(part, found, key, chosen_key)
            for old, new in zip((*chosen, *chosen_key), (*found, *key), strict=True):
                old[better] = new[better]
    return _joined(best, many, chosen)


def _batches(items: Iterator[Array], size: int) -> Iterator[Array]:
    while batch := list(islice(items, size)):
        yield np.stack(batch)


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
