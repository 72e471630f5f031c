"""Thermal state of the local moments in the Weiss field, Eqs. (29)-(33), (67)-(69).

Every average is a sum over the 2S+1 levels in which all terms have one sign (`spin_averages`), so
nothing cancels at any ratio of the splitting to k_B T. Sublattices without exchange among each
other are solved one by one (`one_sublattice`), others together by descent of the free energy
(`coupled_sublattices`).

Axis convention: S_par is the component along the field direction b, and moments point against the
field, so <S_par> <= 0 for B > 0. At B = 0 below the ordering temperature two opposite solutions
have equal free energy; the one returned is the limit B -> 0+ (net moment against b), and where
there is no net moment (antiferromagnet) the one with <S_par> < 0 on the first ordered sublattice.
Only collinear states are considered; moments with axes of their own need not be collinear
(`vector_equilibrium`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks, units
from openmr._checks import SMALLEST, Array, ParameterError, SizeError
from openmr._elementary import some, where
from openmr._words import Branch, Disorder
from openmr.moments.coupled_sublattices import WeissProblem, convex, lowest
from openmr.moments.grid import BLOCK, in_blocks
from openmr.moments.labels import labelled
from openmr.moments.one_sublattice import weiss_field
from openmr.moments.spin_averages import Means, means, variance
from openmr.moments.state import ThermalState
from openmr.moments.vector_equilibrium import VectorEquilibrium, refuse_branch, solved
from openmr.sample.film import Sample, expect_film
from openmr.sample.magnet import Magnet, symmetrising_weights
from openmr.sample.ordering import ordering_temperature

_TEMPERATURE = _checks.Range(1e-9, 1e9, "K")  # nothing overflows
_FIELD = _checks.Range(-1000.0, 1000.0, "T", "in T: 9e4 Oe is 9 T")  # more than laboratories have
_MAX_SUBLATTICES = 10
_MAX_POINTS = 10**8  # all rates of so many points take some 8 GiB
_MAX_LEVELS = 1e8  # points of a block times 2S+1: some ten arrays of that size are alive at once
_MAX_WORK = 1e11  # points times 2S+1: minutes


@dataclass(frozen=True, repr=False, eq=False)
class Equilibrium(ThermalState):
    """Thermal state of the moments; the last axis of the averages is the sublattice.

    Attributes
    ----------
    sample : Sample
    temperature, field : array (...), K and T
    reduced_splitting : array (..., n), no unit
        Beta eps_L, signed.
    known : Means or None
        The averages (..., n), if they are kept; else they are worked out when asked for.
    """

    reduced_splitting: Array
    known: Means | None = None

    @cached_property
    def averages(self) -> Means:
        """All four averages, each of shape (..., n)."""
        if self.known is not None:
            return self.known
        if not self.magnet:
            return Means(*4 * (self.reduced_splitting,))
        x = np.moveaxis(self.reduced_splitting, -1, 0)
        found = [means(spin, one) for spin, one in zip(self.magnet.spins, x, strict=True)]
        return Means(*_columns(found))

    @property
    def mean_spin(self) -> Array:
        """<S_par>, Eq. (32), shape (..., n); negative for B > 0."""
        return self.averages.mean_spin

    @property
    def second_moment(self) -> Array:
        """<S_par^2>, Eq. (33), shape (..., n)."""
        return self.averages.second_moment

    @property
    def flip_up(self) -> Array:
        """<S_- S_+>, Eq. (67), shape (..., n)."""
        return self.averages.flip_up

    @property
    def flip_down(self) -> Array:
        """<S_+ S_->, Eq. (68), shape (..., n)."""
        return self.averages.flip_down

    magnetization = _checks.old_name("magnetization", "mean_spin")

    @property
    def variance(self) -> Array:
        """<S_par^2> - <S_par>^2, shape (..., n)."""
        x = self.reduced_splitting
        found = np.empty_like(x)
        for i, moments in enumerate(self.magnet.sublattices):
            found[..., i] = variance(moments.spin, x[..., i])
        return found

    @property
    def condition(self) -> Array:
        """Largest relative change of any average per relative change of the input, (..., n).

        Of temperature, field, g and couplings; it grows as 1/|T - T_C| near the transition.
        """
        magnet, x = self.magnet, self.reduced_splitting
        beta = 1.0 / (units.K_B * self.temperature[..., None])
        g = magnet.g_factors
        coupling = beta[..., None] * magnet.weiss_matrix
        drive = np.abs(units.MU_B * beta * self.field[..., None] * g)
        drive = drive + _matvec(np.abs(coupling), np.abs(self.mean_spin))
        # |dx| per relative change of the input
        shift = _matvec(np.abs(_softness(coupling * self.variance[..., None, :])), drive)
        # the logarithmic slopes of the averages with x: of <S_par>, at most variance/|m|;
        # of <S_par^2> and the flip correlators, at most 2S
        worst = np.maximum(2 * magnet.spins * shift, 1.0)
        worst = np.maximum(worst, shift / np.maximum(np.abs(x), SMALLEST))
        of_mean = shift * self.variance / np.maximum(np.abs(self.mean_spin), SMALLEST)
        return np.asarray(np.maximum(worst, of_mean))

    @property
    def splitting(self) -> Array:
        """eps_L = g mu_B B - sum_j J0_ij <S_j> [eV], signed, shape (..., n)."""
        return np.asarray(self.reduced_splitting * (units.K_B * self.temperature[..., None]))

    @property
    def spread(self) -> Array:
        """Largest |eps_L| of any sublattice [eV], shape (...)."""
        return np.asarray(np.abs(self.splitting).max(axis=-1, initial=0.0))

    def dephasing_moment(self, disorder: Disorder) -> Array:
        """Average that dephases the electrons: <S_par^2> for "random", the variance for "lattice".

        Parameters
        ----------
        disorder : {"random", "lattice"}
            As of the magnet.

        Returns
        -------
        array (..., n), no unit
            Last axis: the sublattice.
        """
        return self.variance if disorder == "lattice" else self.second_moment


@overload
def equilibrium(
    sample: Sample, temperature: ArrayLike, field: ArrayLike, *, direction: None = None
) -> Equilibrium: ...


@overload
def equilibrium(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike | None,
    branch: Branch = "lowest",
) -> Equilibrium | VectorEquilibrium: ...


@labelled
def equilibrium(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    branch: Branch = "lowest",
) -> Equilibrium | VectorEquilibrium:
    """Self-consistent thermal state of the moments, Eqs. (29)-(33).

    Parameters
    ----------
    sample : Sample
    temperature : array_like (...), K
    field : array_like (...), T
        Signed; broadcasts with `temperature`.
    direction : array_like (..., 3), no unit, optional
        Of the field, in coordinates of the film; needed by moments with axes of their own, the
        state of others is the same in any. Leading axes broadcast with the rest.
    branch : {"lowest", "up", "down"}
        Of moments with axes of their own: the state of lowest free energy, or that which a sweep
        through the fields given, upwards or downwards, holds on to from the lowest at its start.

    Returns
    -------
    Equilibrium or VectorEquilibrium
        The second of moments with axes of their own, which need not lie along the field.
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
    >>> state.mean_spin.shape
    (2, 1)
    """
    expect_film(sample)
    refuse_branch(branch, sample)
    if direction is not None:
        temperature, field, b = checked_vectors(sample, temperature, field, direction)
        if sample.magnet.is_oriented:
            found = solved(sample.magnet, temperature, field, b, branch)
            return VectorEquilibrium(sample, temperature, field, b, found)
        return equilibrium(sample, temperature, field)
    temperature, field = checked_points(sample, temperature, field)
    points = temperature, field
    along = in_blocks(partial(_solved, sample.magnet), temperature.shape, *points)
    return Equilibrium(sample, *points, *along)


def checked_points(sample: Sample, temperature: ArrayLike, field: ArrayLike) -> tuple[Array, Array]:
    """Temperatures and fields broadcast against each other, refused where `equilibrium` does."""
    expect_film(sample)
    if sample.magnet.is_oriented:
        raise ParameterError(
            "`direction` of the field must be given for moments with axes of their own "
            "(anisotropy, stevens, hamiltonian, axes, a g tensor, matrices as weiss), got None; "
            "what has no `direction` does not take them"
        )
    return _checked(sample, temperature, field)


def checked_vectors(
    sample: Sample, temperature: ArrayLike, field: ArrayLike, direction: ArrayLike
) -> tuple[Array, Array, Array]:
    """The same with unit vectors b (..., 3), for any moments."""
    expect_film(sample)
    kelvin, tesla = _checked(sample, temperature, field)
    b = _checks.unit_vectors("direction", direction)
    shapes = {"temperature": kelvin, "field": tesla, "direction": b[..., 0]}
    kelvin, tesla, first = _checks.broadcast(**shapes)
    return kelvin, tesla, np.broadcast_to(b, (*first.shape, 3))


def _checked(sample: Sample, temperature: ArrayLike, field: ArrayLike) -> tuple[Array, Array]:
    temperature = _TEMPERATURE.hold("temperature", temperature)
    field = _FIELD.hold("field", field)
    count = len(sample.magnet.sublattices)
    if count > _MAX_SUBLATTICES and np.any(sample.magnet.weiss):
        raise ParameterError(
            f"`sublattices` must number at most {_MAX_SUBLATTICES} when coupled, got {count}"
        )
    temperature, field = _checks.broadcast(temperature=temperature, field=field)
    _refuse_too_many(sample, temperature.size)
    return temperature, field


def _refuse_too_many(sample: Sample, points: int) -> None:
    """Refuse more points than memory and patience hold, before anything is computed."""
    _checks.refuse_many("`temperature` and `field`", points, most=_MAX_POINTS, bytes_each=80)
    levels = max((2.0 * one.spin + 1.0 for one in sample.magnet.sublattices), default=1.0)
    at_once = levels * min(points, BLOCK)
    if at_once > _MAX_LEVELS or points * levels > _MAX_WORK:
        raise SizeError(
            f"`temperature` and `field` must span at most {_MAX_LEVELS:g} points times spin levels "
            f"at once and {_MAX_WORK:g} in all, got {at_once:.3g} (about "
            f"{16 * 8 * at_once / 2**30:.3g} GiB) and {points * levels:.3g}"
        )


def thermal_state(sample: Sample, temperature: Array, field: Array) -> Equilibrium:
    """`equilibrium` of points that `checked_points` has let pass, all at once."""
    return Equilibrium(sample, temperature, field, *_solved(sample.magnet, temperature, field))


def _solved(magnet: Magnet, temperature: Array, field: Array) -> tuple[Array, Means]:
    """Reduced splitting and averages (..., n)."""
    count = len(magnet.sublattices)
    grid = (*temperature.shape, count)
    if not count:
        none = np.zeros(grid)
        return none, Means(*4 * (none,))
    pairs = ((i, j) for i in range(count) for j in range(i))
    coupled = any(magnet.weiss[i][j] or magnet.weiss[j][i] for i, j in pairs)
    if not (coupled or grid[:-1]):  # one point
        found = _apart(magnet, temperature.item(), field.item())
        x, *averages = map(np.array, zip(*found, strict=True))
        return x, Means(*averages)
    solve = _together if coupled else _apart
    x, *averages = _columns(solve(magnet, temperature.ravel(), field.ravel()))
    return x.reshape(grid), Means(*(part.reshape(grid) for part in averages))


def _apart(magnet: Magnet, temperature: Any, field: Any) -> list[tuple[Any, ...]]:
    """Reduced splitting and averages of sublattices without exchange among each other.

    At points (p,), or numbers at one.
    """
    beta = 1.0 / (units.K_B * temperature)
    found = []
    for i, moments in enumerate(magnet.sublattices):
        own = magnet.weiss[i][i]
        coupling = own * beta
        zeeman = (units.MU_B * moments.single_g) * beta * field
        x = zeeman
        if own != 0.0:
            x, _ = weiss_field(moments.spin, zeeman, coupling)
            unsplit = zeeman == 0
            if some(unsplit):
                # the limit B -> 0+; at and above the transition exactly 0
                alone = magnet if len(magnet.sublattices) == 1 else Magnet(moments, own)
                ordered = temperature < ordering_temperature(alone)
                limit = where(ordered, x if moments.single_g >= 0 else -x, 0.0)
                x = where(unsplit, limit, x)
        found.append((x, *means(moments.spin, x)))
    return found


def _columns(found: Sequence[Sequence[Array]]) -> list[Array]:
    """Each average with the sublattices side by side; of one sublattice without a copy."""
    if len(found) == 1:
        return [np.asarray(values)[..., None] for values in found[0]]
    return [np.stack(values, axis=-1) for values in zip(*found, strict=True)]


def _together(magnet: Magnet, temperature: Array, field: Array) -> list[tuple[Array, ...]]:
    """The same at points (p,), of coupled sublattices."""
    weiss = magnet.weiss_matrix
    beta = 1.0 / (units.K_B * temperature)
    g = magnet.g_factors
    problem = WeissProblem(
        spins=magnet.spins,
        g=g,
        weights=symmetrising_weights(weiss),
        weiss=weiss,
        beta=beta,
        zeeman=(units.MU_B * g)[:, None] * (beta * field),
    )
    x = problem.zeeman.copy()
    ordered = temperature < ordering_temperature(magnet)
    driven = ~ordered & np.any(problem.zeeman != 0, axis=0)  # neither: exactly 0
    for some_points, solve in ((ordered, lowest), (driven, convex)):
        if len(where := np.flatnonzero(some_points)):
            x[:, where] = solve(problem.at(where))
    return [(row, *means(spin, row)) for spin, row in zip(magnet.spins, x, strict=True)]


def _matvec(matrix: Array, vector: Array) -> Array:
    """Matrix times vector in the last axes."""
    return np.asarray(np.einsum("...ij,...j->...i", matrix, vector))


def _softness(feedback: Array) -> Array:
    """Inverse of 1 - feedback (..., n, n); 0 for what is free to move without end."""
    stiffness = np.eye(feedback.shape[-1]) - feedback
    try:
        return np.asarray(np.linalg.inv(stiffness))
    except np.linalg.LinAlgError:  # some point lies on the transition
        return np.asarray(np.linalg.pinv(stiffness))
