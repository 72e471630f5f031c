"""`om.coupled_relaxation`: electrons and moments leave equilibrium and return together.

In equilibrium each is in the other's mean field. The spin of the electrons, -(nu/2) hbar omega
with their own hbar omega = g_e mu_B B - sum_j n_j J_j <S_j>, acts on a moment as a change
g_e nu J_i/2 of its g-factor and a coupling J0_ij + (nu/2) J_i J_j n_j, so that the moments of such
a magnet are solved for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError, SizeError
from openmr._words import Branch
from openmr.moments.equilibrium import equilibrium
from openmr.moments.state import AtThermalState, ThermalState
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.axes import local_axes
from openmr.rates.joint_motion import (
    JointMotion,
    Partner,
    joint_generator,
    static_tensor,
    total_spin,
)
from openmr.rates.moment_relaxation import (
    moment_bath,
    refuse_large_generator,
    refuse_unequal_spins,
    splitting_at,
)
from openmr.rates.relaxation import relaxation_at
from openmr.sample.film import Sample, expect_film
from openmr.sample.magnet import Magnet, Moments
from openmr.tables import Column, shown
from openmr.units import HBAR

_LARGEST = 2000
"""Largest dimension of the joint generator: 64 MB a point, a minute for its modes."""


_COLUMNS = {
    "decay_rate": Column(lambda r: -r.modes.real, "1/s", "", "decay of a mode", axes=("mode",)),
    "frequency": Column(lambda r: r.modes.imag, "rad/s", "", "turning of a mode", axes=("mode",)),
    "static_tensor": Column(
        lambda r: r.static_tensor,
        "1/s",
        "",
        "0 = diffusion - tensor . mu",
        axes=("axis", "of_axis"),
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class CoupledRelaxation(AtThermalState):
    """Linear motion of the electrons' spin s and the states of the moments about equilibrium.

    The vector is (s, rho_1, rho_2, ...): the deviation of s in m^-3, local axes with z along b,
    then that of each sublattice's moment, row by row between its levels.

    Attributes
    ----------
    sample : Sample
        As it was given.
    equilibrium : Equilibrium or VectorEquilibrium
        Of moments in the mean field of the electrons, which is in the g-factors and `weiss` of its
        own sample.
    generator : complex array (..., 3 + sum d^2, 3 + sum d^2), 1/s
        G of dv/dt = G v.
    total : complex array (..., 3, 3 + sum d^2)
        Rows that give s + sum n <S> [m^-3], which the exchange conserves.
    static_tensor : array (..., 3, 3), 1/s
        Of 0 = diffusion - tensor . mu in a static film whose moments have followed mu, with 1/tau_0
        and precession.
    """

    SCHEMA = "openmr/coupled-relaxation/1"
    COLUMNS = _COLUMNS

    sample: Sample
    equilibrium: ThermalState
    generator: ComplexArray
    total: ComplexArray
    static_tensor: Array

    @property
    def modes(self) -> ComplexArray:
        """Eigenvalues [1/s]: less the decay rate + i times the frequency, slowest decay first.

        Shape (..., 3 + sum (d^2 - 1)); of states whose trace stays 0.
        """
        found = np.linalg.eigvals(_traceless(self.generator, self.sample.magnet))
        order = np.argsort(-found.real, axis=-1, kind="stable")
        return np.asarray(np.take_along_axis(found, order, axis=-1))

    def evolved(self, start: ArrayLike, time: ArrayLike) -> ComplexArray:
        """The vector at later times.

        Parameters
        ----------
        start : array_like (3 + sum d^2,), m^-3 and no unit
            Vector at time 0, at every point; its first three elements are densities.
        time : array_like (t,), s

        Returns
        -------
        complex array (..., t, 3 + sum d^2), units of the start
            By the modes.

        Raises
        ------
        ParameterError
            For arrays of other shapes.
        """
        size = self.generator.shape[-1]
        begin = _checks.finite_numbers("start", start).astype(complex)
        times = _checks.finite_array("time", time, "s")
        if begin.shape != (size,) or times.ndim != 1:
            raise ParameterError(
                f"`start` must have shape ({size},) and `time` one axis, got {begin.shape} and "
                f"{times.shape}"
            )
        values, vectors = np.linalg.eig(self.generator)
        shares = np.linalg.solve(vectors, np.broadcast_to(begin[:, None], (*values.shape, 1)))
        grown = np.exp(values[..., None, :] * times[:, None]) * shares[..., None, :, 0]
        return np.asarray(grown @ np.swapaxes(vectors, -1, -2))

    def __repr__(self) -> str:
        where = f"T = {shown(self.temperature)} K, B = {shown(self.field)} T"
        decay = -self.modes.real
        held = [f"{one.reset_rate:.4g}" for one in self.sample.magnet.sublattices]
        return "\n".join(
            [
                f"{'CoupledRelaxation':<38}{self.sample.name}, {where}",
                f"  modes      : {decay.shape[-1]}, decay {shown(decay[..., 0])} to "
                f"{shown(decay[..., -1])} 1/s",
                f"  static     : {shown(self.static_tensor[..., 2, 2])} 1/s along b, "
                f"{shown(self.static_tensor[..., 0, 0])} 1/s along x",
                f"  thermostat : {', '.join(held)} 1/s",
            ]
        )


@np.errstate(under="ignore")  # weights of frozen levels go to 0
def coupled_relaxation(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    branch: Branch = "lowest",
) -> CoupledRelaxation:
    """Electrons and moments relaxing each other, to first order about equilibrium.

    Moments without a `thermostat_rate` are relaxed by the electrons alone here: only what is given
    as a number resets them. With 1/tau_0 slow both relax together, as slowly as spins are lost at
    all (the bottleneck).

    Parameters
    ----------
    sample : Sample
        Whose moments have one number J each.
    temperature, field : array_like (...), K and T
    direction : array_like (..., 3), no unit, optional
    branch : {"lowest", "up", "down"}
        All as in `equilibrium`.

    Returns
    -------
    CoupledRelaxation
        On the broadcast grid.

    Raises
    ------
    ParameterError
        For a bad argument, a coupling J that is not one number, unequal densities of states, or a
        `weiss` that is not reciprocal with the densities as its weights.
    SizeError
        For moments of too many levels.

    Examples
    --------
    >>> import openmr as om
    >>> om.coupled_relaxation(om.presets.pt_py(), 10.0, 5.0).modes.shape
    (27,)
    """
    expect_film(sample)
    refuse_unequal_spins(sample)
    for moments in sample.magnet.sublattices:
        refuse_large_generator(moments.spin)
        if not moments.is_isotropic:
            raise ParameterError(
                "`exchange` must be one number where electrons and moments move together, got "
                f"{moments.exchange}: no other coupling conserves their spin"
            )
    size = 3 + sum(round(2 * one.spin + 1) ** 2 for one in sample.magnet.sublattices)
    if size > _LARGEST:
        raise SizeError(
            f"`sublattices` must have at most {_LARGEST} elements of states in all, got {size} "
            f"(a generator would take {16 * size**2 / 2**30:.3g} GiB a point)"
        )
    dressed = replace(sample, magnet=_in_electrons_field(sample))
    state = equilibrium(dressed, temperature, field, direction=direction, branch=branch)
    motions = list(_motions(sample, state))
    grid = state.temperature.shape

    def on_grid(arrays: list[Array] | list[ComplexArray], *shape: int) -> Array:
        return np.reshape(np.array(arrays), (*grid, *shape))

    return CoupledRelaxation(
        sample,
        state,
        on_grid([joint_generator(one) for one in motions], size, size).astype(complex),
        on_grid([total_spin(one) for one in motions], 3, size).astype(complex),
        on_grid([static_tensor(one) for one in motions], 3, 3),
    )


def _in_electrons_field(sample: Sample) -> Magnet:
    """The magnet with what the electrons add to g-factors and couplings."""
    magnet, electrons = sample.magnet, sample.electrons
    if not magnet:
        return magnet
    j = np.array([one.exchange[0] for one in magnet.sublattices], dtype=float)
    added = 0.5 * electrons.dos * np.outer(j, j * magnet.densities)
    shifts = 0.5 * electrons.g * electrons.dos * j
    moments = [_with_shifted_g(*one) for one in zip(magnet.sublattices, shifts, strict=True)]
    energy = magnet.densities[:, None, None, None] * magnet.couplings
    apart = np.abs(energy - energy.transpose(1, 0, 3, 2))
    if np.any(apart > 1e-12 * np.abs(energy).max(initial=0.0)):
        raise ParameterError(
            "`weiss` must be reciprocal with the densities n_i as its weights beside electrons "
            f"that move, n_i weiss[i][j] = n_j weiss[j][i], got {magnet.weiss} eV and "
            f"{magnet.densities.tolist()} m^-3"
        )
    given = np.array(magnet.weiss, dtype=float)
    weiss = given + added if given.ndim == 2 else given + added[..., None, None] * np.eye(3)
    return Magnet(moments, weiss, magnet.disorder)


def _with_shifted_g(moments: Moments, shift: float) -> Moments:
    names = ("anisotropy", "stevens", "hamiltonian", "axes")
    own = {name: getattr(moments, name) for name in names}
    g = moments.g_tensor + shift * np.eye(3) if isinstance(moments.g, tuple) else moments.g + shift
    return Moments(moments.spin, moments.density, moments.exchange, g=g, **own)


def _motions(sample: Sample, state: ThermalState) -> Iterator[JointMotion]:
    """The motion at each point, in local axes."""
    magnet = sample.magnet
    rates = relaxation_at(state, method="batched").dissipator.reshape(-1, 3, 3)
    for gamma, point in zip(rates, state.points(), strict=True):
        partners = [
            Partner(moment_bath(point, i), one.density, one.thermostat_rate or 0.0)
            for i, one in enumerate(magnet.sublattices)
        ]
        weiss = magnet.couplings
        if isinstance(point, VectorEquilibrium):
            axes = local_axes(point.direction)
            weiss = axes @ weiss @ axes.T
        omega = splitting_at(point) / HBAR
        yield JointMotion(partners, weiss, omega, gamma, sample.film.spin_flip_rate)


def _traceless(generator: ComplexArray, magnet: Magnet) -> ComplexArray:
    """The generator of states whose last diagonal element is less the sum of the others."""
    size = generator.shape[-1]
    embedded, last, place = np.eye(size), [], 3
    for one in magnet.sublattices:
        d = round(2 * one.spin) + 1
        place += d**2
        last.append(place - 1)
        embedded[place - 1, place - d**2 : place - 1 : d + 1] = -1.0
    kept = np.setdiff1d(np.arange(size), last)
    return np.asarray((generator @ embedded)[..., kept[:, None], kept])
