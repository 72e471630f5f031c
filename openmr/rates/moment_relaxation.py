"""`om.moment_relaxation`: rates among a moment's levels, T1, T2 and shift, by the electrons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks, units
from openmr._checks import Array, ComplexArray, ParameterError, SizeError
from openmr._words import Branch
from openmr.moments.equilibrium import equilibrium
from openmr.moments.grid import in_blocks
from openmr.moments.levels import Levels, levels
from openmr.moments.state import AtThermalState, ThermalState
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.axes import electron_splitting, local_axes, local_coupling
from openmr.rates.joint_motion import Partner, returned
from openmr.rates.korringa import (
    MomentBath,
    coherence_rates,
    moment_shift,
    population_rates,
    relaxation_generator,
    transition_rates,
)
from openmr.rates.record import times_of
from openmr.sample.film import Sample, expect_film
from openmr.sample.own_hamiltonian import refuse_large_scheme
from openmr.tables import Column, shown

_AT_ONCE = 2**21
"""Bytes of the generators of one block of points."""
LARGEST_GENERATOR = 7.5
"""Largest spin whose generator is worked with: 1 MiB a matrix, 10 ms a point."""


_COLUMNS = {
    "energy": Column(lambda r: r.energies, "eV", "", "energy of a level", axes=("level",)),
    "population": Column(lambda r: r.populations, "1", "", "population", axes=("level",)),
    "population_rate": Column(lambda r: r.population_rates, "1/s", "", "1/T1", axes=("mode",)),
    "transition_rate": Column(
        lambda r: r.transition_rates,
        "1/s",
        "",
        "W from of_level to level",
        axes=("of_level", "level"),
    ),
    "coherence_rate": Column(
        lambda r: r.coherence_rates, "1/s", "", "1/T2 of two levels", axes=("level", "of_level")
    ),
    "shift": Column(lambda r: r.shift, "eV", "", "field on the moment", axes=("axis",)),
}


@dataclass(frozen=True, slots=True, eq=False)
class MomentRelaxation(AtThermalState):
    """Relaxation of a moment by the electrons; d = 2S+1 levels, in ascending order.

    Attributes
    ----------
    equilibrium : Equilibrium or VectorEquilibrium
        Of the moments, at the points (...).
    sublattice : int
        Whose moment it is, from 0.
    energies : array (..., d), eV
        Of the levels, above the lowest.
    populations : array (..., d), no unit
    transition_rates : array (..., d, d), 1/s
        W_mn from level m to n, 0 on the diagonal.
    population_rates : array (..., d-1), 1/s
        1/T1 of the modes in which populations relax, ascending; 0 below 1e-26 of the fastest.
        Of levels nearer than hbar times a rate populations are coupled to coherences: then
        `generator` alone has the motion.
    coherence_rates : array (..., d, d), 1/s
        Secular 1/T2 between two levels, 0 on the diagonal. Of equal spacings, as without
        anisotropy, coherences are coupled: for S > 1/2 only `generator` has their decay.
    shift : array (..., 3), eV
        Field h of h.S by the spin-polarised electrons, in local axes, z along b.
    """

    SCHEMA = "openmr/moment-relaxation/1"
    COLUMNS = _COLUMNS

    equilibrium: ThermalState
    sublattice: int
    energies: Array
    populations: Array
    transition_rates: Array
    population_rates: Array
    coherence_rates: Array
    shift: Array

    @property
    def sample(self) -> Sample:
        """The film that the moment is in."""
        return self.equilibrium.sample

    def _about(self) -> dict[str, Any]:
        return {"sample": self.sample.name, "sublattice": self.sublattice}

    @property
    def T1(self) -> Array:
        """Times in which populations relax [s], longest first, shape (..., d-1); inf for never."""
        return times_of(self.population_rates)

    @property
    def T2(self) -> Array:
        """Time in which each pair of levels loses its coherence [s], shape (..., d, d)."""
        return times_of(self.coherence_rates)

    @property
    def generator(self) -> ComplexArray:
        """L of d rho/dt = -(i/hbar)[H, rho] + L rho [1/s], rho row by row, (..., d^2, d^2).

        Raises
        ------
        SizeError
            For a spin beyond 15/2.
        """
        refuse_large_generator(self.sample.magnet.sublattices[self.sublattice].spin)
        size = self.energies.shape[-1] ** 2
        found = [
            relaxation_generator(moment_bath(point, self.sublattice))
            for point in self.equilibrium.points()
        ]
        return np.reshape(np.array(found, dtype=complex), (*self.temperature.shape, size, size))

    def __repr__(self) -> str:
        moments = self.sample.magnet.sublattices[self.sublattice]
        slowest, fastest = self.population_rates[..., 0], self.population_rates[..., -1]
        size, longest = np.linalg.norm(self.shift, axis=-1), 1e9 * times_of(slowest)
        return "\n".join(
            [
                f"{'MomentRelaxation':<38}{self.sample.name}, {self._where}",
                f"  spin           : {moments.spin:g}, sublattice {self.sublattice}",
                f"  slowest 1/T1   : {shown(slowest)} 1/s  (T1 {shown(longest)} ns)",
                f"  fastest 1/T1   : {shown(fastest)} 1/s",
                f"  1/T2, 0 and 1  : {shown(self.coherence_rates[..., 0, 1])} 1/s",
                f"  shift          : {shown(1e6 * size)} ueV",
            ]
        )


@np.errstate(under="ignore")  # weights of frozen levels go to 0
def moment_relaxation(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    branch: Branch = "lowest",
    sublattice: int = 0,
) -> MomentRelaxation:
    """Relaxation of the moments by the electrons (Korringa), for any levels and coupling.

    Golden rule of second order in J with unpolarised electrons in equilibrium, each moment by
    itself in the Weiss field of the others. `coupled_relaxation` lets electrons and moments
    leave equilibrium together.

    Parameters
    ----------
    sample : Sample
    temperature, field : array_like (...), K and T
    direction : array_like (..., 3), no unit, optional
    branch : {"lowest", "up", "down"}
        All as in `equilibrium`.
    sublattice : int
        Whose moment, from 0.

    Returns
    -------
    MomentRelaxation
        On the broadcast grid. Level shifts of second order, which grow with the logarithm of the
        band width, are not in it.

    Raises
    ------
    ParameterError
        For a bad argument, a sample without moments, or unequal densities of states.

    Examples
    --------
    >>> import openmr as om
    >>> found = om.moment_relaxation(om.presets.pt_py(), temperature=10.0, field=5.0)
    >>> found.T1.shape, found.T2.shape
    ((4,), (5, 5))
    """
    expect_film(sample)
    refuse_unequal_spins(sample)
    count = len(sample.magnet.sublattices)
    if not count:
        raise ParameterError(f"`sample` must have moments, got {sample.name!r} without any")
    sublattice = _checks.integer("sublattice", sublattice, least=0, most=count - 1)
    refuse_large_scheme(sample.magnet.sublattices[sublattice].spin)
    state = equilibrium(sample, temperature, field, direction=direction, branch=branch)
    found = []
    for point in state.points():
        bath = moment_bath(point, sublattice)
        energy = units.K_B * bath.temperature * bath.levels.energies
        shift = moment_shift(bath, splitting_at(point))
        rates = transition_rates(bath), population_rates(bath), coherence_rates(bath)
        found.append((energy, bath.levels.populations, *rates, shift))
    grid = state.temperature.shape
    d = round(2 * sample.magnet.sublattices[sublattice].spin) + 1
    shapes = (d,), (d,), (d, d), (d - 1,), (d, d), (3,)
    columns = zip(*found, strict=True) if found else ((),) * len(shapes)
    arrays = [
        np.reshape(np.array(column, dtype=float), (*grid, *shape))
        for column, shape in zip(columns, shapes, strict=True)
    ]
    return MomentRelaxation(state, sublattice, *arrays)


def moment_bath(state: ThermalState, sublattice: int) -> MomentBath:
    """A moment of one sublattice and its electrons, all in local axes, z along b."""
    magnet, electrons = state.magnet, state.sample.electrons
    moments, kelvin = magnet.sublattices[sublattice], state.temperature
    if isinstance(state, VectorEquilibrium):
        found = state.levels(sublattice)
        turn = local_axes(state.direction) @ moments.crystal_axes.T
        found = found._replace(spins=np.einsum("...ab,...bmn->...amn", turn, found.spins))
        coupling = local_coupling(state, sublattice) @ np.swapaxes(turn, -1, -2)
    else:
        drive, beta = np.zeros((kelvin.size, 3)), 1.0 / (units.K_B * kelvin.ravel())
        drive[:, 2] = state.splitting[..., sublattice].ravel()  # type: ignore[attr-defined]
        none = np.zeros(2 * (round(2 * moments.spin) + 1,), dtype=complex)
        found = levels(none, moments.spin, drive, beta)
        found = Levels(*(array.reshape((*kelvin.shape, *array.shape[1:])) for array in found))
        coupling = moments.exchange_matrix
    return MomentBath(found, coupling, electrons.dos, kelvin, magnet.disorder == "lattice")


def splitting_at(point: ThermalState) -> Array:
    """Splitting hbar omega of the electrons at one point, local axes, shape (3,) [eV]."""
    if isinstance(point, VectorEquilibrium):
        return electron_splitting(point)
    total = np.array([0.0, 0.0, point.sample.electrons.g * units.MU_B * float(point.field)])
    for moments, mean in zip(point.magnet.sublattices, point.mean_spin, strict=True):
        total -= moments.density * moments.exchange_matrix[:, 2] * mean
    return total


@np.errstate(under="ignore")
def returned_rates(state: ThermalState) -> Array:
    """Part that moments with a slow thermostat give back of the exchange part, (..., 3, 3) [1/s].

    Local axes; 0 where every `thermostat_rate` is infinite.
    """
    largest = max(moments.spin for moments in state.magnet.sublattices)
    size = max(1, int(_AT_ONCE / (16 * (2 * largest + 1) ** 4)))
    return np.asarray(in_blocks(_returned, state.temperature.shape, state, size=size))


def _returned(state: ThermalState) -> Array:
    found = np.zeros((*state.temperature.shape, 3, 3))
    for i, moments in enumerate(state.magnet.sublattices):
        if np.isfinite(moments.reset_rate):
            bath = moment_bath(state, i)
            found += returned(Partner(bath, moments.density, moments.reset_rate))
    return found


def refuse_unequal_spins(sample: Sample) -> None:
    """Refuse densities of states of which a moment's relaxation is not worked out."""
    electrons = sample.electrons
    if electrons.dos_up != electrons.dos_down:
        raise ParameterError(
            "`dos_up` and `dos_down` must be equal where moments leave equilibrium, got "
            f"{electrons.dos_up:g} and {electrons.dos_down:g}: for polarised electrons their "
            "relaxation is not worked out"
        )


def refuse_large_generator(spin: float) -> None:
    """Raise `SizeError` for a spin whose generator is too large."""
    if spin > LARGEST_GENERATOR:
        raise SizeError(
            f"`spin` must be <= {LARGEST_GENERATOR:g} where the whole state of a moment moves, "
            f"got {spin:g} (its generator would take {16 * (2 * spin + 1) ** 4 / 2**20:.3g} MiB a "
            "point)"
        )
