"""Thermal state of the local moments in the Weiss field, Eqs. (29)-(33), (67)-(69).

Every average is a sum over the 2S+1 levels in which all terms have one sign (`openmr.levels`), so
nothing cancels at any ratio of the splitting to k_B T. Sublattices without exchange among each
other are solved one by one (`openmr.weiss`), others together by descent of the free energy.

Axis convention: S_par is the component along the field direction b, and moments point against the
field, so <S_par> <= 0 for B > 0. At B = 0 below the ordering temperature two opposite solutions
have equal free energy; the one returned is the limit B -> 0+ (net moment against b), and where
there is no net moment (antiferromagnet) the one with <S_par> < 0 on the first ordered sublattice.
Only collinear states are considered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks, units
from openmr._checks import Array, ConvergenceError, ParameterError, SizeError
from openmr.levels import Averages, LevelSums, averages, blocks
from openmr.levels import level_sums as level_sums  # also known by this module's name
from openmr.sample import Magnet, Sample, symmetrising_weights
from openmr.weiss import EPSILON, SMALLEST, weiss_field

MAX_ITERATIONS = 100
SWEEPS = 4
MAX_SUBLATTICES = 10
MAX_LEVELS = 1e8  # points times 2S+1: some ten arrays of that size are alive at once


@dataclass(frozen=True, slots=True)
class Equilibrium:
    """Thermal state of the moments; the last axis of the averages is the sublattice.

    Attributes
    ----------
    temperature, field : array (...), K and T
    splitting : array (..., n), eV
        eps_L = g mu_B B - sum_j J0_ij <S_j>, signed.
    magnetization : array (..., n)
        <S_par>, Eq. (32).
    second_moment : array (..., n)
        <S_par^2>, Eq. (33).
    variance : array (..., n)
        <S_par^2> - <S_par>^2.
    flip_up, flip_down : array (..., n)
        <S_- S_+> and <S_+ S_->, Eqs. (67), (68).
    condition : array (..., n)
        Largest relative change of any of the above per relative change of temperature, field, g
        and couplings; grows as 1/|T - T_C| near the transition.
    """

    temperature: Array
    field: Array
    splitting: Array
    magnetization: Array
    second_moment: Array
    variance: Array
    flip_up: Array
    flip_down: Array
    condition: Array

    @property
    def reduced_splitting(self) -> Array:
        """Beta eps_L, shape (..., n)."""
        return np.asarray(self.splitting / (units.K_B * self.temperature[..., None]))

    def dephasing_moment(self, disorder: str) -> Array:
        """What dephases the electrons: <S_par^2> for "random", the variance for "lattice"."""
        return self.variance if disorder == "lattice" else self.second_moment

    def points(self) -> Iterator[Equilibrium]:
        """One equilibrium per point of the grid, in C order."""
        for index in np.ndindex(self.temperature.shape):
            yield Equilibrium(*(np.asarray(getattr(self, f.name)[index]) for f in fields(self)))


class _Weiss(NamedTuple):
    """The self-consistency problem at p points: e = target(e), in units of k_B T."""

    spins: Array  # (n,)
    g: Array  # (n,)
    weights: Array  # (n,)
    zeeman: Array  # (p, n), beta g mu_B B
    coupling: Array  # (p, n, n), beta J0


def _averages(spins: Array, x: Array) -> Averages:
    columns = [averages(spin, x[..., i]) for i, spin in enumerate(spins)]
    if len(columns) == 1:
        return Averages(*(values[..., None] for values in columns[0]))
    return Averages(*(np.stack(values, axis=-1) for values in zip(*columns, strict=True)))


def _with_entropy(spins: Array, x: Array) -> LevelSums:
    columns = [level_sums(spin, x[..., i]) for i, spin in enumerate(spins)]
    return LevelSums(*(np.stack(values, axis=-1) for values in zip(*columns, strict=True)))


def _matvec(matrix: Array, vector: Array) -> Array:
    return np.asarray(np.einsum("...ij,...j->...i", matrix, vector))


def _free_energy(problem: _Weiss, sums: LevelSums) -> tuple[Array, Array]:
    """Variational free energy over k_B T of the trial state, and the size of its rounding error."""
    m = sums.magnetization
    exchange = 0.5 * m * _matvec(problem.coupling, m)
    terms = problem.weights * np.stack([-sums.entropy, problem.zeeman * m, -exchange])
    return terms.sum(axis=(0, -1)), 4 * EPSILON * np.abs(terms).sum(axis=(0, -1))


def _at(problem: _Weiss, where: NDArray[np.bool_]) -> _Weiss:
    return problem._replace(zeeman=problem.zeeman[where], coupling=problem.coupling[where])


def _newton_step(problem: _Weiss, sums: LevelSums, residual: Array) -> Array:
    """Saddle-free Newton step: downhill in the free energy, plain Newton where that is convex."""
    root = np.sqrt(sums.variance / problem.weights)
    inner = root[..., :, None] * problem.weights[:, None] * problem.coupling * root[..., None, :]
    curvature, modes = np.linalg.eigh(np.eye(len(problem.spins)) - inner)
    floor = np.maximum(np.abs(curvature), EPSILON)
    projected = np.einsum("...ji,...j->...i", modes, root * problem.weights * residual)
    return residual + _matvec(problem.coupling, root * _matvec(modes, projected / floor))


def _sweep(problem: _Weiss, x: Array) -> Array:
    """One moment after the other in the field of the rest: downhill in the free energy."""
    x = x.copy()
    for i, spin in enumerate(problem.spins):
        own = problem.coupling[:, i, i]
        means = _averages(problem.spins, x).magnetization
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


def _descend(problem: _Weiss, x: Array) -> Array:
    """Minimum of the free energy reached from the trial splittings x (p, n)."""
    for _ in range(SWEEPS):  # saturated trial moments feel no slope, so no Newton step yet
        x = _sweep(problem, x)
    active = np.ones(len(x), dtype=bool)
    for _ in range(MAX_ITERATIONS):
        part = _at(problem, active)
        start = x[active]
        sums = _with_entropy(problem.spins, start)
        mean_field = _matvec(part.coupling, sums.magnetization)
        residual = part.zeeman - mean_field - start
        scale = np.abs(part.zeeman) + np.abs(start)
        scale = scale + _matvec(np.abs(part.coupling), np.abs(sums.magnetization))
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


def _lowest(problem: _Weiss) -> Array:
    """Reduced splittings (p, n) of the solution with the lowest free energy."""
    best = np.zeros_like(problem.zeeman)
    best_key: list[Array] = []
    for pattern in product((-1.0, 1.0), repeat=len(problem.spins)):
        saturated = np.array(pattern) * problem.spins
        candidate = _descend(problem, problem.zeeman - _matvec(problem.coupling, saturated))
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


def _condition(problem: _Weiss, x: Array, means: Averages) -> Array:
    """Relative change of the worst average per relative change of the input, shape (p, n)."""
    drive = np.abs(problem.zeeman) + _matvec(np.abs(problem.coupling), np.abs(means.magnetization))
    shift = _matvec(np.abs(_softness(problem.coupling * means.variance[..., None, :])), drive)
    # the logarithmic slopes of the averages with x: of <S_par>, at most variance/|m|;
    # of <S_par^2> and the flip correlators, at most 2S
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = shift / np.abs(x)
        of_mean = shift * means.variance / np.abs(means.magnetization)
    worst = np.maximum(2 * problem.spins * shift, 1.0)
    for slope in (relative, of_mean):
        np.maximum(worst, slope, out=worst, where=shift > 0)
    return worst


def _softness(feedback: Array) -> Array:
    """Inverse of 1 - feedback (p, n, n); 0 for what is free to move without end."""
    if feedback.shape[-1] == 1:
        stiffness = 1.0 - feedback
        return np.divide(1.0, stiffness, out=np.zeros_like(stiffness), where=stiffness != 0)
    stiffness = np.eye(feedback.shape[-1]) - feedback
    try:
        return np.asarray(np.linalg.inv(stiffness))
    except np.linalg.LinAlgError:  # some point lies on the transition
        return np.asarray(np.linalg.pinv(stiffness))


def equilibrium(sample: Sample, temperature: ArrayLike, field: ArrayLike) -> Equilibrium:
    """Self-consistent thermal state of the moments, Eqs. (29)-(33).

    Parameters
    ----------
    sample : Sample
    temperature : array_like, K
    field : array_like, T
        Signed; broadcasts with `temperature`.

    Returns
    -------
    Equilibrium
        Arrays of the broadcast shape with a last axis over the sublattices. Where several
        solutions exist it is the one of lowest free energy; at zero field and at or above the
        ordering temperature <S_par> is exactly 0. The relative error of every average is a few
        machine epsilons times `condition`.

    Raises
    ------
    ParameterError
        For T <= 0, numbers that are not finite, or more than ten coupled sublattices.
    ConvergenceError
        If the iteration does not settle.

    Examples
    --------
    >>> import openmr as om
    >>> state = om.equilibrium(om.presets.pt_py(), temperature=[10.0, 200.0], field=5.0)
    >>> state.magnetization.shape
    (2, 1)
    """
    _checks.instance("sample", sample, Sample)
    temperature = _checks.positive_array("temperature", temperature, "K")
    field = _checks.finite_array("field", field, "T")
    temperature, field = _checks.broadcast(temperature=temperature, field=field)
    magnet = sample.magnet
    count = len(magnet.sublattices)
    weiss = np.array(magnet.weiss)
    if count > MAX_SUBLATTICES and np.any(weiss):
        raise ParameterError(
            f"`sublattices` must number at most {MAX_SUBLATTICES} when coupled, got {count}"
        )
    levels = temperature.size * float((2 * magnet.spins + 1).max())
    if levels > MAX_LEVELS:
        raise SizeError(
            f"`temperature` and `field` must span at most {MAX_LEVELS:g} points times spin levels, "
            f"got {levels:.3g} (about {16 * 8 * levels / 2**30:.3g} GiB)"
        )
    shape = (*temperature.shape, count)
    found = {name: np.empty((temperature.size, count)) for name in _GRIDS}
    points = temperature.ravel(), field.ravel()
    for block in blocks(temperature.size):
        for name, values in _at_points(magnet, *(axis[block] for axis in points)).items():
            found[name][block] = values
    return Equilibrium(
        temperature=temperature.copy(),
        field=field.copy(),
        **{name: values.reshape(shape) for name, values in found.items()},
    )


_GRIDS = ("splitting", *Averages._fields, "condition")


def _at_points(magnet: Magnet, temperature: Array, field: Array) -> dict[str, Array]:
    """The averages at p points, each with shape (p, n)."""
    weiss = np.array(magnet.weiss)
    beta = 1.0 / (units.K_B * temperature)
    g = np.array([moments.g for moments in magnet.sublattices])
    problem = _Weiss(
        spins=magnet.spins,
        g=g,
        weights=symmetrising_weights(weiss),
        zeeman=(units.MU_B * beta * field)[:, None] * g,
        coupling=beta[:, None, None] * weiss,
    )
    x = problem.zeeman.copy()
    ordered = (temperature < ordering_temperature(magnet)) | np.any(problem.zeeman != 0, axis=-1)
    if np.any(weiss - np.diag(np.diag(weiss))):
        x[ordered] = _lowest(_at(problem, ordered))
    elif np.any(weiss):
        x[ordered] = _one_by_one(_at(problem, ordered), field[ordered])
    means = _averages(problem.spins, x)
    return {
        "splitting": x / beta[:, None],
        "condition": _condition(problem, x, means),
        **means._asdict(),
    }


def _one_by_one(problem: _Weiss, field: Array) -> Array:
    """Reduced splittings (p, n) of sublattices without exchange among each other."""
    x = np.empty_like(problem.zeeman)
    for i, (spin, g) in enumerate(zip(problem.spins, problem.g, strict=True)):
        zeeman = problem.zeeman[:, i]
        x[:, i], _ = weiss_field(spin, np.ascontiguousarray(zeeman), problem.coupling[:, i, i] + 0)
        if g < 0:  # the limit B -> 0+ of a moment that points along the field
            x[:, i] = np.where(zeeman == 0, -x[:, i], x[:, i])
    return x


def _ordering_modes(magnet: Magnet) -> tuple[Array, Array]:
    """Mean-field ordering temperatures [K], ascending, and the <S_par> patterns (columns)."""
    weiss = np.array(magnet.weiss)
    weights = symmetrising_weights(weiss)
    curie_constant = magnet.spins * (magnet.spins + 1.0) / 3.0
    root = np.sqrt(curie_constant / weights)
    energies, modes = np.linalg.eigh(root[:, None] * weights[:, None] * weiss * root)
    return energies / units.K_B, root[:, None] * modes


def ordering_temperature(magnet: Magnet) -> float:
    """Highest temperature at which the moments order at zero field [K]; 0 if they never do.

    Largest eigenvalue of J0_ij S_j(S_j+1) / (3 k_B), the point where the Weiss equations (30),
    (32) first have a solution other than zero.
    """
    return max(0.0, float(_ordering_modes(magnet)[0][-1]))


def _leading_net_moment(magnet: Magnet) -> float:
    """|sum of n_S g <S>| over the sum of magnitudes, in the mode that orders first."""
    pattern = _ordering_modes(magnet)[1][:, -1]
    moments = pattern * magnet.densities * np.array([m.g for m in magnet.sublattices])
    return float(abs(moments.sum()) / np.abs(moments).sum())


def curie_temperature(magnet: Magnet) -> float:
    """Ordering temperature [K] if the order that sets in has a net moment, else 0."""
    # eigenvectors are good to about machine epsilon over the relative gap of the eigenvalues
    return ordering_temperature(magnet) if _leading_net_moment(magnet) > 1e-9 else 0.0


def neel_temperature(magnet: Magnet) -> float:
    """Ordering temperature [K] if the order that sets in has no net moment, else 0."""
    return 0.0 if _leading_net_moment(magnet) > 1e-9 else ordering_temperature(magnet)
