"""Descent of the free energy of moments with axes of their own, many states at once.

Trial Gibbs states in trial fields h_i have the free energy

    F = sum_i w_i [Tr rho_i (H_i + h0_i.S) + k_B T Tr rho_i ln rho_i - (1/2) sum_j m_i J0_ij m_j],

whose slope is -w chi r with the residual r_i = h0_i - sum_j J0_ij m_j - h_i. With chi/w = X X^T
and A = 1 - X^T (w J0) X, the step downhill that is Newton's where F is convex is

    dh = [w r + (w J0) X |A|^-1 X^T w r] / w,

and a state is a local minimum if and only if A is positive. Everything is in units of k_B T at
each point; arrays have the points first, then sublattices, then components.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import EPSILON, SMALLEST, Array, ComplexArray, ConvergenceError
from openmr._spins import spin_matrices
from openmr.moments.levels import averages

_MAX_ITERATIONS = 1000
PATTERNS = 3
"""Sublattices up to which all patterns of signs are tried; of more, the leading modes."""
_SADDLE = 1e-10
"""Negative stiffness up to which rounding may have made it so."""
_FREE = 1e-7
"""Stiffness below which a rigid rotation of all moments counts as free."""
_LAST = 1e-6
"""Step of the fields in units of `linear_scale` after which, if Newton's method converges, none is
taken."""
_FINAL = 1e-10
"""The same however it converges; what is left after it is by `_LAST` smaller."""
_COMPARED = 24
"""States of one point, next lower in energy, with which each is compared."""
_CLOSE = 0.01
"""Change of <S_i> over S_i within which two of them are taken for one."""
_GAIN = 3.0
"""Falls of the energy, each as by a whole step along the slope, that a state may still hope for."""
FAR = 0.5
"""Longest step of <S_i> over S_i in any descent."""


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
    kinds: Sequence[list[int]]  # sublattices of one Hamiltonian and axes
    exchanges: Sequence[list[int]]  # orders of them that change nothing, the present one first
    free_axes: Array  # (0, 1 or 3, 3), about which nothing but the field changes if all turn

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


def kinds(hamiltonians: Sequence[ComplexArray], axes: Array) -> list[list[int]]:
    """Sublattices that have the same Hamiltonian and axes, kind by kind.

    Parameters
    ----------
    hamiltonians : n complex arrays (2S+1, 2S+1), eV
    axes : array (n, 3, 3), no unit
        Crystal axes as rows.

    Returns
    -------
    list of lists of int
    """
    found: list[list[int]] = []
    for i, (h, own) in enumerate(zip(hamiltonians, axes, strict=True)):
        for kind in found:
            if np.array_equal(h, hamiltonians[kind[0]]) and np.array_equal(own, axes[kind[0]]):
                kind.append(i)
                break
        else:
            found.append([i])
    return found


def exchanges(
    kinds: Sequence[list[int]], g: Array, weights: Array, weiss: Array
) -> list[list[int]]:
    """Orders of the sublattices that change nothing, the present one first.

    Parameters
    ----------
    kinds : list of lists of int
        As of `kinds`.
    g : array (n, 3, 3), no unit
        g^T in coordinates of the film.
    weights : array (n,)
    weiss : array (n, n, 3, 3), eV

    Returns
    -------
    list of lists of int
        Only the present one if there are more sublattices than patterns of signs are tried of.
    """
    n = len(weights)
    kind = np.empty(n, dtype=int)
    for k, members in enumerate(kinds):
        kind[members] = k
    return [
        list(order)
        for order in (permutations(range(n)) if n <= PATTERNS else [tuple(range(n))])
        if all(np.array_equal(one, one[[*order]]) for one in (kind, g, weights))
        and np.array_equal(weiss, weiss[np.ix_(order, order)])
    ]


def free_axes(
    hamiltonians: Sequence[ComplexArray], spins: Array, axes: Array, weiss: Array
) -> Array:
    """Crystal axes about which nothing but the field changes if all moments turn.

    Parameters
    ----------
    hamiltonians : n complex arrays (2S+1, 2S+1), eV
    spins : array (n,), no unit
    axes : array (n, 3, 3), no unit
        Crystal axes as rows.
    weiss : array (n, n, 3, 3), eV

    Returns
    -------
    array (0, 1 or 3, 3), no unit
        Unit vectors in coordinates of the film.
    """
    free, coupling = list[Array](), np.abs(weiss).max()
    for axis in axes[0]:
        turn = np.cross(np.eye(3), axis)
        same = np.abs(weiss @ turn - turn @ weiss).max() <= 1e-12 * coupling
        for h, spin, own in zip(hamiltonians, spins, axes, strict=True):
            component = np.tensordot(own @ axis, spin_matrices(float(spin)), axes=1)
            mixed = h @ component - component @ h
            same &= np.abs(mixed).max() <= 1e-12 * np.abs(h).max()
        if same:
            free.append(axis)
    return np.array(free).reshape(-1, 3)


def turns_freely(problem: VectorProblem, axis: Array) -> NDArray[np.bool_]:
    """Points whose field does not tell if all moments turn about one axis (p, 3) for each.

    Parameters
    ----------
    problem : VectorProblem
    axis : array (p, 3), no unit
        Unit vectors about which nothing else changes.

    Returns
    -------
    bool array (p,)
    """
    field = problem.zeeman
    across = field - (field @ axis[:, :, None]) * axis[:, None]
    # of all points, so that a field of 0 is none
    return np.asarray(~np.any(np.abs(across) > 1e-12 * np.abs(field).max(), axis=(1, 2)))


class Trial(NamedTuple):
    """Gibbs states in trial fields h, and the free energy over k_B T."""

    drive: Array  # (p, n, 3), eV
    mean: Array  # (p, n, 3)
    response: Array  # (p, n, 3, 3)
    energy: Array  # (p,)
    rounding: Array  # (p,), of the energy
    static: Array  # (p,), energy without the field [eV], before the last step
    entropy: Array  # (p,), before the last step
    moments: Array  # (p, n, 3), w_i m_i before the last step

    def at(self, where: NDArray[np.bool_] | NDArray[np.intp]) -> Trial:
        """Some of the states."""
        return Trial(*(values[where] for values in self))


def gibbs_states(problem: VectorProblem, drive: Array) -> Trial:
    """Gibbs states in trial fields h (p, n, 3) [eV], which the record keeps."""
    beta, weights = problem.beta, problem.weights
    mean, response = np.empty_like(drive), np.empty((*drive.shape, 3))
    log_z = np.empty(drive.shape[:-1])
    ground, entropy = np.empty_like(log_z), np.empty_like(log_z)
    for kind in problem.kinds:
        first, grid = kind[0], (len(drive), len(kind))
        own, axes = drive[:, kind].reshape(-1, 3), problem.axes[first]
        found = averages(
            problem.hamiltonians[first],
            float(problem.spins[first]),
            own @ axes.T,
            np.repeat(beta, len(kind)),
        )
        mean[:, kind] = (found.mean @ axes).reshape(*grid, 3)
        response[:, kind] = (axes.T @ found.response @ axes).reshape(*grid, 3, 3)
        log_z[:, kind], ground[:, kind] = (
            one.reshape(grid) for one in (found.log_partition, found.ground)
        )
        entropy[:, kind] = found.entropy.reshape(grid)
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
    rounding = 8 * EPSILON * sizes.sum(axis=-1)
    return Trial(drive, mean, response, whole, rounding, static, entropy, weights[:, None] * mean)


def response_roots(problem: VectorProblem, response: Array) -> Array:
    """X of chi/w = X X^T, lower triangles, shape (p, n, 3, 3); columns without response are 0."""
    rest, roots = response / problem.weights[:, None, None], np.zeros_like(response)
    for k in range(3):
        pivot = rest[..., k, k]
        there = pivot > 4 * EPSILON * response[..., k, k] / problem.weights
        size = np.sqrt(np.where(there, pivot, 1.0))
        column = np.where(there[..., None], rest[..., k:, k] / size[..., None], 0.0)
        roots[..., k:, k] = column
        rest[..., k:, k:] -= column[..., :, None] * column[..., None, :]
    return roots


def curvature(problem: VectorProblem, roots: Array) -> Array:
    """A = 1 - X^T (w beta J0) X, shape (p, 3n, 3n)."""
    n = len(problem.weights)
    energy = problem.weights[:, None, None, None] * problem.weiss
    pulled = energy @ (problem.beta[:, None, None, None] * roots)[:, None]
    inner = (np.swapaxes(roots, -1, -2)[:, :, None] @ pulled).swapaxes(2, 3)
    return np.asarray(np.eye(3 * n) - inner.reshape(-1, 3 * n, 3 * n))


def newton_step(
    problem: VectorProblem, trial: Trial, residual: Array, noise: Array | float, stiff: Array
) -> tuple[Array, Array]:
    """Saddle-free Newton step [eV] with |A| + `stiff`, and the least |A| that has made it.

    Nothing goes along modes whose slope is rounding.
    """
    p, n, _ = residual.shape
    roots, w = response_roots(problem, trial.response), problem.weights[:, None]
    values, modes = np.linalg.eigh(curvature(problem, roots))
    values = np.abs(values)
    across = np.swapaxes(roots, -1, -2)
    wanted = (across @ (w * residual)[..., None]).reshape(p, 3 * n, 1)
    projected = (np.swapaxes(modes, -1, -2) @ wanted)[..., 0]
    soft = values < _FREE
    if soft.any():
        rounding = (np.abs(roots).sum(axis=-2) * (w * noise)).reshape(p, 1, 3 * n)
        flat = 3 * np.abs(projected) <= (rounding @ np.abs(modes))[:, 0]
        projected[soft & flat] = 0.0
    projected /= np.maximum(values, EPSILON) + stiff[:, None]
    back = (modes @ projected[..., None]).reshape(p, n, 3, 1)
    step = residual + problem.beta[:, None, None] * problem.pull((roots @ back)[..., 0])
    return np.asarray(step), np.where(projected == 0.0, np.inf, values).min(axis=-1)


def changed_means(problem: VectorProblem, trial: Trial, step: Array) -> Array:
    """Change of <S_i> for a small step of the fields, shape (p, n, 3)."""
    moved = (trial.response @ step[..., None])[..., 0]
    return np.asarray(-problem.beta[:, None, None] * moved)


def descended(
    problem: VectorProblem,
    drive: Array,
    *,
    turn: float = FAR,
    before: Array | None = None,
    rivals: NDArray[np.intp] | None = None,
    every: bool = False,
) -> Trial:
    """Local minimum of the free energy reached from trial fields h (p, n, 3).

    No step changes <S_i> by more than `turn` S_i: saturated moments feel no slope, and would be
    thrown from one side to the other. `before` is the size of the step that has led to the fields,
    in units of `linear_scale`, if it was Newton's. States with equal numbers in `rivals` are those
    of one point: of two that have come close one is left, its energy infinite, and, unless `every`
    minimum is wanted, one that will not come as low as another either.
    """
    found = gibbs_states(problem, drive)
    active, part, start = np.arange(len(drive)), problem, found
    pulls = np.abs(problem.weiss).sum(axis=(-2, -1))
    limit = turn * problem.spins
    quiet = np.zeros(len(drive), dtype=bool)
    stiff = np.zeros(len(drive))
    before = np.ones(len(drive)) if before is None else before
    w = problem.weights[:, None]
    for _ in range(_MAX_ITERATIONS):
        residual = part.zeeman - part.pull(start.mean) - start.drive
        fields = np.abs(part.zeeman).sum(axis=-1) + np.abs(start.drive).sum(axis=-1)
        # rounding of H moves the mean by as much as a field of that size
        soft = part.beta[:, None] * np.trace(start.response, axis1=-2, axis2=-1)
        moments = problem.spins + soft * (problem.crystal + problem.spins * fields)
        scale = (fields + moments @ pulls.T)[..., None]
        noise = 16 * EPSILON * (2 * problem.spins + 1)[:, None] * scale
        step, softest = newton_step(part, start, residual, noise, stiff)
        moved = changed_means(part, start, step)
        slope = part.beta * (w * residual * moved).sum(axis=(1, 2))
        far = (np.linalg.norm(moved, axis=-1) / limit).max(axis=-1)
        whole = 1.0 / np.maximum(far, 1.0)
        was_quiet, quiet = quiet, np.all(np.abs(residual) <= 2 * noise, axis=(1, 2))
        # one more step than it takes: soft directions magnify what is left of the residual
        settled = (quiet & was_quiet) | np.all(np.abs(step) <= 4 * EPSILON * scale, axis=(1, 2))
        size = np.abs(step).max(axis=(1, 2)) / linear_scale(part, start.drive)
        size = np.where(stiff > 0.0, 1.0, np.minimum(size, 1.0))
        last = _last(size, before)
        start.drive[last] += step[last]
        start.mean[last] += moved[last]
        start.energy[last] += 0.5 * slope[last]
        settled |= last
        if settled.any():
            found = put_states(found, active[settled], start.at(settled))
        if rivals is not None and not settled.all():
            # saturated moments feel no slope, however far they are from where they will go
            near = np.abs(residual).max(axis=(1, 2)) <= 0.1 * np.abs(start.drive).max(axis=(1, 2))
            hope = np.where(near, start.energy + _GAIN * np.minimum(slope, 0.0), -np.inf)
            lost = _lost(problem, rivals, active, start, found, hope, every)
            lost &= ~settled
            found.energy[active[lost]] = np.inf
            settled |= lost
        if settled.any():
            if settled.all():
                return found
            moving = np.flatnonzero(~settled)
            active, part, start = active[moving], part.at(moving), start.at(moving)
            step, slope, whole = step[moving], slope[moving], whole[moving]
            quiet, size, softest, stiff = (a[moving] for a in (quiet, size, softest, stiff))
        start, length = _line_search(part, start, step, slope, whole, limit)
        before = np.where(length == 1.0, size, 1.0)
        # a soft mode that overshoots must not hold up the others
        cut = length < 0.3 * whole
        stiff = np.where(cut, np.minimum((softest + stiff) / length, 1.0), 0.0)
    raise ConvergenceError(
        f"the Weiss field did not converge in {_MAX_ITERATIONS} steps at "
        f"{len(active)} of {len(problem.beta)} points"
    )


def _last(size: Array, before: Array) -> NDArray[np.bool_]:
    """Whether steps, of that size and after steps of another, are the last.

    Of Newton's steps the next is to this one as this to that before, squared.
    """
    following = size * np.minimum(size / np.maximum(before, SMALLEST), 1.0) ** 2
    return np.asarray((size <= _FINAL) | (size <= _LAST) & (following <= _FINAL * _LAST))


def linear_scale(problem: VectorProblem, drive: Array) -> Array:
    """Field [eV] within which the moments answer linearly to one as large, or smaller, (p,)."""
    size = np.abs(drive).max(axis=(1, 2))
    return np.asarray(np.maximum(np.minimum(1.0 / problem.beta, size), SMALLEST))


def _lost(
    problem: VectorProblem,
    rivals: NDArray[np.intp],
    active: NDArray[np.intp],
    start: Trial,
    found: Trial,
    hope: Array,
    every: bool,
) -> NDArray[np.bool_]:
    """Whether states at work are close to another of their point, or sure to end above one."""
    found.energy[active], found.mean[active] = start.energy, start.mean
    # the lower of two, or the first of equal ones, stays
    lost = repeats(problem, rivals, found.energy, found.mean)[active]
    if not every:
        least = np.full(rivals.max() + 1, np.inf)
        np.minimum.at(least, rivals, found.energy)
        lost |= hope - 4 * start.rounding > least[rivals[active]]
    return lost


def repeats(
    problem: VectorProblem, rivals: NDArray[np.intp], energy: Array, mean: Array
) -> NDArray[np.bool_]:
    """Whether states are close to one next lower in energy at the same point, or its image.

    Each is compared with the next few of finite energy.
    """
    repeated = np.zeros(len(rivals), dtype=bool)
    order = np.flatnonzero(np.isfinite(energy))
    order = order[np.lexsort((order, energy[order], rivals[order]))]
    rivals, scaled = rivals[order], mean[order] / problem.spins[:, None]
    most = min(np.bincount(rivals).max(initial=1) - 1, _COMPARED)
    lower = np.arange(len(order))[:, None] - np.arange(1, most + 1)
    close = np.zeros(lower.shape, dtype=bool)
    for exchanged in problem.exchanges:
        close |= np.abs(scaled[:, None] - scaled[lower][:, :, exchanged]).max((2, 3)) < _CLOSE
    close &= (lower >= 0) & (rivals[lower] == rivals[:, None])
    repeated[order] = close.any(axis=1)
    return repeated


def _line_search(
    problem: VectorProblem,
    start: Trial,
    step: Array,
    slope: Array,
    length: Array,
    limit: Array,
) -> tuple[Trial, Array]:
    """States along the steps, halved until the energy falls by a share of the slope; the lengths.

    And until no mean moves by much more than the limit, which the linear change has kept.
    """
    length = length.copy()
    found = gibbs_states(problem, fields_after(start.drive, length[:, None, None] * step))
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
        again = fields_after(start.drive[where], length[where, None, None] * step[where])
        found = put_states(found, where, gibbs_states(problem.at(where), again))
    return found, length


def fields_after(drive: Array, step: Array) -> Array:
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


def put_states(whole: Trial, where: NDArray[np.intp], part: Trial) -> Trial:
    """The whole, in which some states are now those of the part."""
    for old, new in zip(whole, part, strict=True):
        old[where] = new
    return whole


def stability(problem: VectorProblem, drive: Array) -> Array:
    """Smallest eigenvalue of A, less those of rotations of all moments that cost nothing.

    Parameters
    ----------
    problem : VectorProblem
    drive : array (p, n, 3), eV
        Field h_i on each sublattice, coordinates of the film.

    Returns
    -------
    array (p,), no unit
    """
    trial = gibbs_states(problem, drive)
    return softest_mode(problem, trial, free_turns(problem, trial))[0]


def free_turns(problem: VectorProblem, trial: Trial) -> Array:
    """Changes of the moments by rotations of all that cost nothing, columns, (p, 3n, 0, 1 or 4)."""
    p = len(trial.mean)
    axes = [np.tile(axis, (p, 1)) for axis in problem.free_axes]
    if len(axes) > 1:
        axes.append(unit_vectors(problem.zeeman[:, 0]))
    turns = np.zeros((p, 3 * len(problem.weights), len(axes)))
    for k, axis in enumerate(axes):
        change = np.cross(axis[:, None], trial.mean) * turns_freely(problem, axis)[:, None, None]
        turns[..., k] = change.reshape(p, -1)
    return turns


def softest_mode(
    problem: VectorProblem, trial: Trial, turns: Array | None = None
) -> tuple[Array, Array]:
    """Smallest eigenvalue of A and the change of the moments (p, n, 3) that goes with it.

    Less those of rotations `turns` (p, 3n, k), changes of the moments, that cost next to nothing.
    Of any, if none are given: of states that are known to a rounding of the energy.
    """
    n = len(problem.weights)
    roots = response_roots(problem, trial.response)
    values, modes = np.linalg.eigh(curvature(problem, roots))
    if turns is None:
        crossed = [np.cross(axis, trial.mean) for axis in np.eye(3)]
        turns = np.stack(crossed, axis=-1).reshape(-1, 3 * n, 3)
    for k in range(3):
        soft = np.flatnonzero((np.abs(values[:, k]) < _FREE) & turns.any(axis=(1, 2)))
        if not len(soft):
            continue
        vectors = modes[soft, :, k].reshape(-1, n, 3)
        change = np.einsum("piab,pib->pia", roots[soft], vectors)
        free, flat = turns[soft], change.reshape(len(soft), 3 * n, 1)
        rest = flat - free @ (np.linalg.pinv(free, rcond=1e-8) @ flat)
        rigid = (rest**2).sum(axis=(1, 2)) <= 1e-6 * (flat**2).sum(axis=(1, 2))
        values[soft[rigid], k] = np.inf
    least = values.argmin(axis=-1)[:, None]
    mode = np.take_along_axis(modes, least[:, None], axis=-1)[..., 0].reshape(-1, n, 3)
    change = np.einsum("piab,pib->pia", roots, mode)
    return np.take_along_axis(values, least, axis=-1)[:, 0], np.asarray(change)


def are_minima(problem: VectorProblem, found: Trial, *, exactly: bool = False) -> NDArray[np.bool_]:
    """Whether states are minima; where the last step may decide, at its end.

    Unless `exactly`, rotations that cost next to nothing are let pass.
    """

    def stiffness(part: VectorProblem, trial: Trial) -> Array:
        turns = free_turns(part, trial) if exactly else None
        return softest_mode(part, trial, turns)[0]

    least = stiffness(problem, found)
    close = np.flatnonzero(np.abs(least) < 10 * _LAST)
    if len(close):
        part = problem.at(close)
        least[close] = stiffness(part, gibbs_states(part, found.drive[close]))
    return np.asarray(least > -_SADDLE)


def unit_vectors(vectors: Array) -> Array:
    """Vectors (..., 3) of length 1, or 0."""
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(size, SMALLEST))
