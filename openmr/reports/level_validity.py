"""Assumptions of films whose moments have axes and levels of their own.

The rates are those of the method "batched", for the closed form is of an axial field alone; what a
route without such levels would cost stays open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from openmr._checks import Array
from openmr.moments.state import ThermalState
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.coupled_relaxation import coupled_relaxation, weighs_by_density
from openmr.rates.korringa import coherence_rates, population_rates
from openmr.rates.moment_relaxation import LARGEST_GENERATOR, moment_bath, splitting_at
from openmr.reports.validity import NOT_ASKED, RATES, Assumption, Cost, of_disorder, ratio
from openmr.units import HBAR, K_B

if TYPE_CHECKING:
    from openmr.reports.validity import Point

_NO_ROUTE: Final[Cost] = (None, "no route takes levels of their own", "")


def of_levels(point: Point) -> list[Assumption]:
    """Every line that knows which levels the moments have."""
    state = point.state
    assert isinstance(state, VectorEquilibrium)
    sample, thermal = point.sample, point.thermal
    spread = ratio(state.spread, thermal)
    up, down = sample.electrons.dos_up, sample.electrons.dos_down
    unequal = np.full(thermal.shape, abs(up - down) / (up + down))
    along = ("tau_par",)
    return [
        third_order(point),
        Assumption("no memory (Markov)", "(15)", RATES, "hbar / (k_B T tau)", point.broadening,
                   *_NO_ROUTE),
        Assumption("wide, flat band", "(54)", RATES, "highest level / W",
                   ratio(state.spread, point.half_width), *_NO_ROUTE),
        Assumption("each spin in its own equilibrium", "(51)", along, "beta times highest level",
                   spread, *_NO_ROUTE),
        _split(point),
        Assumption("exchange field of first order", "(10), (83)", ("omega_L",),
                   "nu_F J ln(W / k_B T)", _logarithm(point), *_NO_ROUTE),
        Assumption("equal densities of states", "(60)-(63)", along, "(nu_up - nu_down) / sum",
                   unequal, *_NO_ROUTE),
        _followed(point),
        _disorder(point),
    ]  # fmt: skip


def third_order(point: Point) -> Assumption:
    """Eq. (9) leaves out that other electrons dress the coupling."""
    name, parameter = "third order in J (Kondo)", "2 nu_F J ln(W / k_B T)"
    return Assumption(name, "(9)", RATES, parameter, 2 * _logarithm(point), *_NO_ROUTE)


def _logarithm(point: Point) -> Array:
    sample = point.sample
    largest = max(np.abs(one.exchange_matrix).max() for one in sample.magnet.sublattices)
    return np.asarray(
        np.abs(sample.electrons.dos * largest * np.log(point.half_width / point.thermal))
    )


def fastest_return(state: ThermalState) -> Array:
    """Largest 1/T1 of any sublattice by the electrons [1/s], shape (...)."""
    found = [
        max(
            population_rates(moment_bath(here, i))[-1] for i in range(len(state.magnet.sublattices))
        )
        for here in state.points()
    ]
    return np.reshape(np.array(found, dtype=float), state.temperature.shape)


def _split(point: Point) -> Assumption:
    """Eq. (75) has no splitting of the electrons; the tensor of the Fermi sea has."""

    def change() -> Array:
        plain, split = (
            point.reference.dissipator,
            point.rates("closed-form", form="finite-splitting"),
        )
        apart = np.linalg.norm(split.dissipator - plain, axis=(-2, -1))
        return ratio(apart, np.linalg.norm(plain, axis=(-2, -1)))

    found = point.reference
    assert found.precession_across is not None  # of moments with axes of their own
    omega = np.hypot(found.precession, np.linalg.norm(found.precession_across, axis=-1))
    size = ratio(HBAR * omega, point.thermal)
    cost = point.cost(change, "the tensor of the rates", "closed-form, finite splitting")
    name = "electrons not split, across the field"
    return Assumption(name, "(75)", ("tau_perp",), "beta hbar omega", size, *cost)


def _followed(point: Point) -> Assumption:
    """Eq. (A17) drops how the electrons turn the moments: lines that cross answer each other."""
    state, sample, found = point.state, point.sample, point.reference
    across = found.transverse
    size = np.zeros(state.temperature.size)
    for k, here in enumerate(state.points()):
        omega = splitting_at(here) / HBAR
        length = float(np.linalg.norm(omega))
        for i, moments in enumerate(sample.magnet.sublattices):
            bath = moment_bath(here, i)
            z = omega / length if length else np.array([0.0, 0.0, 1.0])
            x = bath.operators
            strength = (np.abs(x) ** 2).sum(axis=0) - np.abs(np.tensordot(z, x, axes=1)) ** 2
            p = bath.levels.populations
            torque = 0.5 * moments.density * bath.dos * length / HBAR
            torque = torque * strength * np.abs(p[:, None] - p[None, :])
            lines = np.abs(bath.gaps) * K_B * bath.temperature / HBAR
            width = across.ravel()[k] + coherence_rates(bath)
            each = torque / ((length - lines) ** 2 + width**2)
            size[k] += np.triu(each, 1).sum()

    def joint() -> Array:
        direction = state.direction if isinstance(state, VectorEquilibrium) else None
        both = coupled_relaxation(sample, state.temperature, state.field, direction=direction)
        change = np.zeros(size.shape)
        generators = both.generator.reshape(-1, *both.generator.shape[-2:])
        alone = -found.tensor.reshape(-1, 3, 3)
        scale = np.linalg.norm(found.dissipator.reshape(-1, 3, 3), axis=(-2, -1))
        for k, generator in enumerate(generators):
            values, modes = np.linalg.eig(generator)
            shares = np.abs((modes[:3] * np.linalg.inv(modes)[:, :3].T).sum(axis=0))
            together = np.sort(values[np.argsort(shares)[-3:]].real)
            free = np.sort(np.linalg.eigvals(alone[k]).real)
            change[k] = ratio(np.abs(together - free).max(), scale[k])
        return change.reshape(state.temperature.shape)

    able = all(m.is_isotropic and m.spin <= LARGEST_GENERATOR for m in sample.magnet.sublattices)
    electrons = sample.electrons
    cost: Cost = (None, "J is no number, or the states are too large", "")
    if not weighs_by_density(sample.magnet):
        cost = (None, "weights of `weiss` are not the densities", "")
    elif able and electrons.dos_up == electrons.dos_down:
        cost = point.cost(joint, "decay of the electrons' modes", "joint motion")
    name, parameter = "moments do not follow the electrons", "torques / (lines apart)^2"
    cost = cost if point.costs else NOT_ASKED
    return Assumption(name, "(A17)", ("tau_perp",), parameter, size.reshape(across.shape), *cost)


def _disorder(point: Point) -> Assumption:
    """All of the moments dephases, or their fluctuation alone."""
    state = point.state
    assert isinstance(state, VectorEquilibrium)
    means, wholes = np.zeros(point.thermal.shape), np.zeros(point.thermal.shape)
    for i, moments in enumerate(point.sample.magnet.sublattices):
        weight = moments.density * np.abs(moments.exchange_matrix).max() ** 2
        means += weight * (state.mean[..., i, :] ** 2).sum(axis=-1)
        wholes += weight * moments.spin * (moments.spin + 1)
    return of_disorder(point, "<S>^2 / S(S+1)", ratio(means, wholes))
