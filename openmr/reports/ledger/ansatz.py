"""A chemical potential for each spin: the ansatz, Eqs. (51)-(54)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from openmr._checks import Array
from openmr.models import fermi_kinetics
from openmr.models.fermi_kinetics import UP
from openmr.reports.ledger.deviations import Series, order
from openmr.reports.ledger.entries import order_of_error
from openmr.reports.ledger.rate_equation import (
    THERMAL,
    VOLUME,
    alone,
    entry,
    fermi_function,
    populations,
    sea,
)
from openmr.sample.film import Electrons
from openmr.units import ELECTRON_MASS, ELEMENTARY_CHARGE, HBAR

_POTENTIAL = 0.3  # k_B T


_MIXING = (100.0, 300.0, 1000.0)
_SMALL = 1e-6  # chemical potential: its square is beyond notice, rounding is not near


@cache
def _mixed_states() -> tuple[Array, ...]:
    """States after many collisions among the electrons, for several 1/tau_ee over 1/tau."""
    rate = fermi_kinetics.initial_slope(sea())[3, 3]
    found = []
    for ratio in _MIXING:
        mixed = sea(ratio * rate)
        start = _SMALL * fermi_kinetics.responses(mixed)[3]
        times = np.array([0.0, 20.0 / mixed.mixing])
        found.append(fermi_kinetics.evolve(mixed, start, times, linear=True)[-1] / _SMALL)
    return tuple(found)


def _ansatz_order(formula: Any, states: tuple[Array, ...]) -> float:
    e, errors = sea().energies, []
    for state in states:
        up = _SMALL * state[UP].sum() * sea().spacing  # N = mu in a flat band
        shift = (formula(e, up) - expit(-e)) / up
        errors.append(float(np.abs(shift - _SMALL * state[UP] / up).max()))
    return order_of_error(1 / np.array(_MIXING), errors)


def _first_order_population(electrons: fermi_kinetics.Sea, potential: float) -> Any:
    """Eq. (52) of the spins up; potential in k_B T."""
    return potential * fermi_kinetics.responses(electrons)[3, UP]


_POTENTIALS = np.array([0.1, 0.03, 0.01])  # k_B T


@cache
def _population_shifts() -> Series:
    """Change of the up spins' populations under Eq. (51)."""
    states = [fermi_kinetics.local_equilibrium(sea(), 0.0, (0, 0, m)) for m in _POTENTIALS]
    pairs = zip(_POTENTIALS, states, strict=True)
    return Series(_POTENTIALS, [[((sea(), mu), state[UP])] for mu, state in pairs])


_STEP = 0.2  # k_B T
_LEVELS = _STEP * np.arange(-200.0, 201.0)  # k_B T


def _spin_density_printed(potential: float, volume: float) -> Any:
    """Eq. (53) as printed."""
    return volume * _spin_density_shift(potential, volume)


def _spin_density_shift(potential: float, volume: float) -> Any:
    """Eq. (53) with the volume of Eq. (43): one level a step, spins up alone; k_B T = 1."""
    charge, *_, spin = fermi_kinetics.responses(levels := alone(_LEVELS, 1 / _STEP))
    spins_up = (charge + spin) / 2
    return potential * fermi_kinetics.densities(levels, spins_up)[0] / volume


@cache
def _flat_shift() -> float:
    """Change of N by a chemical potential, without linearisation."""
    return float((expit(_POTENTIAL - _LEVELS) - expit(-_LEVELS)).sum()) / VOLUME


_ZEEMAN = 0.7  # k_B T
_DOS = np.sqrt(2 + THERMAL * _LEVELS)  # a band whose density of states grows


def _effective_dos() -> Any:
    """Eq. (54), summed over a uniform grid of energies; k_B T = 1."""
    charge, *_ = fermi_kinetics.responses(alone(_LEVELS + _ZEEMAN))
    return np.sum(_DOS * charge[UP]) * _STEP


@cache
def _curved_slope() -> float:
    """dN/dmu by an imaginary step of mu: one derivative without a difference."""
    tiny = 1e-30
    moved = fermi_function(_LEVELS + _ZEEMAN - 1j * tiny)
    return float((_DOS * moved.imag).sum() * _STEP / tiny)


def _cold_dos(fermi_energy: float, zeeman: float) -> Any:
    """The text below Eq. (54), for free electrons [eV^-1 m^-3]."""
    return Electrons.free(fermi_energy - zeeman).dos


_TEMPERATURES = (0.01, 0.02, 0.04)  # k_B T over the Fermi energy


@cache
def _warm_dos() -> tuple[float, ...]:
    """nu_F of free electrons with Fermi energy 1 eV and Zeeman energy 0.2 eV, by quadrature."""
    scale = (2 * ELECTRON_MASS / ELEMENTARY_CHARGE) ** 1.5 / (4 * np.pi**2 * HBAR**3)

    def thermal(t: float) -> float:
        def weight(y: float) -> float:  # y = (e + zeeman - fermi_energy) / t
            return float(np.sqrt(0.8 + t * y) * expit(y) * expit(-y))

        return float(scale * quad(weight, -20.0, 40.0, epsabs=1e-13, limit=200)[0])

    return tuple(thermal(t) for t in _TEMPERATURES)


def _cold_order(formula: Any, values: tuple[float, ...]) -> float:
    errors = [abs(formula(1.0, 0.2) / value - 1) for value in values]
    return order_of_error(_TEMPERATURES, errors)


ENTRIES = [
    entry(
        equation="51",
        statement="While spins relax, each spin keeps a Fermi-Dirac distribution of its own",
        latex=r"\varrho^\sigma_{\mathbf k} = f(\epsilon^\sigma_{\mathbf k} - \mu^\sigma)",
        code=("openmr.models.fermi_kinetics.local_equilibrium",),
        printed=populations,
        reference=_mixed_states,
        residual=_ansatz_order,
        tolerance=0.03,
        because="distance of the order from 1; the next order is smaller by tau_ee/tau <= 0.01",
        route="kinetic equation, followed for 20 collision times tau_ee",
        order=1.0,
        parameter="tau_ee / tau, collisions among the electrons against spin relaxation",
        note="Without collisions that mix the energies it fails at order 0: each pair of levels "
        "decays at its own rate and part of the spin never does.",
    ),
    entry(
        equation="52",
        statement="First order of the ansatz in the chemical potential",
        latex=r"\delta\varrho^\sigma_{\mathbf k} \simeq \beta f(\epsilon^\sigma_{\mathbf k})"
        r"\bar f(\epsilon^\sigma_{\mathbf k})\mu^\sigma",
        code=("openmr.models.fermi_kinetics.responses",),
        printed=_first_order_population,
        reference=_population_shifts,
        residual=order,
        tolerance=0.05,
        because="distance of the order from 2; the next order is smaller by mu/k_B T <= 0.1",
        route="Fermi functions without expansion (fermi_kinetics.local_equilibrium)",
        order=2.0,
        parameter="mu / k_B T",
    ),
    entry(
        equation="53",
        statement="Spin density that goes with a chemical potential",
        latex=r"\delta N^\sigma = \sum_{\mathbf k}\delta\varrho^\sigma_{\mathbf k}"
        r" = \beta f\bar f\mu^\sigma = \nu_F^\sigma\mu^\sigma",
        corrected_latex=r"\delta N^\sigma = \frac1V\sum_{\mathbf k}"
        r"\delta\varrho^\sigma_{\mathbf k} = \nu_F^\sigma\mu^\sigma",
        code=("openmr.models.fermi_kinetics.densities", "openmr.models.fermi_kinetics.responses"),
        printed=_spin_density_printed,
        corrected=_spin_density_shift,
        reference=_flat_shift,
        residual=lambda f, r: abs(f(_POTENTIAL, VOLUME) / r - 1),
        because="relative; exact in a flat band, exp(-pi^2/0.2) of the grid and rounding",
        route="sum of Fermi functions without expansion",
        note="The print lacks the 1/V of Eq. (43): off by the volume.",
    ),
    entry(
        equation="54",
        statement="Effective density of states of each spin",
        latex=r"\nu_F^\sigma = \int d\epsilon\,\nu(\epsilon)\,\beta f(\epsilon^\sigma)"
        r"\bar f(\epsilon^\sigma)",
        code=("openmr.models.fermi_kinetics.responses",),
        printed=_effective_dos,
        reference=_curved_slope,
        residual=lambda f, r: abs(f() / r - 1),
        because="relative; rounding",
        route="dN/dmu of a sum over levels, by an imaginary step of mu",
    ),
    entry(
        equation="54 cold",
        statement="At T = 0 it is the density of states at the spin-split Fermi energy",
        latex=r"\nu_F^\sigma \to \nu(\epsilon_F - \epsilon_B^\sigma)",
        code=("openmr.sample.film.Electrons",),
        printed=_cold_dos,
        reference=_warm_dos,
        residual=_cold_order,
        tolerance=0.02,
        because="distance of the order from 2; the next term of Sommerfeld's expansion is "
        "smaller by some 5 (k_B T/E_F)^2 < 0.01",
        route="quadrature for free electrons",
        order=2.0,
        parameter="k_B T over the Fermi energy",
    ),
]
