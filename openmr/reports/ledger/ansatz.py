"""A chemical potential for each spin: the ansatz, Eqs. (51)-(54)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from openmr._checks import Array
from openmr.models import fermi_kinetics
from openmr.models.fermi_kinetics import UP
from openmr.reports.ledger.deviations import ROUNDING
from openmr.reports.ledger.entries import Entry, order_of_error
from openmr.reports.ledger.rate_equation import SECTION, THERMAL, VOLUME, fermi_function, sea

_POTENTIAL = 0.3 * THERMAL


def _shifted_population(energy: Any, potential: float) -> Any:
    """Eq. (51), k_B T = 1."""
    return 1 / (np.exp(energy - potential) + 1)


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
    return abs(order_of_error(1 / np.array(_MIXING), errors) - 1)


def _first_order_population(beta: float, f: Array, potential: float) -> Any:
    """Eq. (52); potential in eV."""
    return beta * f * (1 - f) * potential


_POTENTIALS = THERMAL * np.array([0.1, 0.03, 0.01])


@cache
def _population_shifts() -> tuple[Array, ...]:
    """Change of the up spins' populations under Eq. (51)."""
    states = [
        fermi_kinetics.local_equilibrium(sea(), 0.0, (0, 0, m / THERMAL)) for m in _POTENTIALS
    ]
    return tuple(state[UP] for state in states)


def _expansion_order(formula: Any, shifts: tuple[Array, ...]) -> float:
    f = expit(-sea().energies)
    pairs = zip(_POTENTIALS, shifts, strict=True)
    errors = [float(np.abs(formula(1 / THERMAL, f, mu) - exact).max()) for mu, exact in pairs]
    return abs(order_of_error(_POTENTIALS, errors) - 2)


def _spin_density_printed(beta: float, f: Array, potential: float, volume: float) -> Any:
    """Eq. (53) as printed."""
    return np.sum(beta * f * (1 - f) * potential)


def _spin_density_shift(beta: float, f: Array, potential: float, volume: float) -> Any:
    """Eq. (53) with the volume of Eq. (43)."""
    return np.sum(beta * f * (1 - f) * potential) / volume


def _effective_dos(beta: float, dos: Array, f: Array, step: float) -> Any:
    """Eq. (54), summed over a uniform grid."""
    return np.sum(dos * beta * f * (1 - f)) * step


class _Band(NamedTuple):
    """Levels on a grid [eV], and densities that need no linearisation."""

    filled: Array
    dos: Array
    step: float
    flat_shift: float  # of N, for POTENTIAL and one level a step in VOLUME
    found: float  # dN/dmu of the curved band


@cache
def band() -> _Band:
    """A band whose density of states grows, in a Zeeman energy."""
    step = 0.2 * THERMAL
    orbital = step * np.arange(-200, 201)
    dos, zeeman, tiny = np.sqrt(2 + orbital), 0.7 * THERMAL, 1e-30
    total = (orbital + zeeman) / THERMAL
    moved = fermi_function(total - 1j * tiny / THERMAL)  # one derivative without a difference
    level = orbital / THERMAL
    shift = expit(_POTENTIAL / THERMAL - level) - expit(-level)
    return _Band(
        expit(-total),
        dos,
        step,
        float(shift.sum()) / VOLUME,
        float((dos * moved.imag).sum() * step / tiny),
    )


def _flat_error(formula: Any, r: _Band) -> float:
    f = expit(-0.2 * np.arange(-200, 201))
    return abs(float(formula(1 / THERMAL, f, _POTENTIAL, VOLUME)) / r.flat_shift - 1)


def _cold_dos(dos: Any, fermi_energy: float, zeeman: float) -> Any:
    """The text below Eq. (54)."""
    return dos(fermi_energy - zeeman)


_TEMPERATURES = (0.01, 0.02, 0.04)  # k_B T over the Fermi energy


@cache
def _warm_dos() -> tuple[float, ...]:
    """nu_F of free electrons with Fermi energy 1 and Zeeman energy 0.2, by quadrature."""

    def thermal(t: float) -> float:
        def weight(y: float) -> float:  # y = (e + zeeman - fermi_energy) / t
            return float(np.sqrt(0.8 + t * y) * expit(y) * expit(-y))

        return float(quad(weight, -20.0, 40.0, epsabs=1e-13, limit=200)[0])

    return tuple(thermal(t) for t in _TEMPERATURES)


def _cold_order(formula: Any, values: tuple[float, ...]) -> float:
    errors = [abs(formula(np.sqrt, 1.0, 0.2) - value) for value in values]
    return abs(order_of_error(_TEMPERATURES, errors) - 2)


_entry = partial(
    Entry,
    section=SECTION,
    tolerance=ROUNDING,
    because="relative; rounding of sums over Fock space",
    route="many-body collision integral of three orbitals (fock)",
)

ENTRIES = [
    _entry(
        equation="51",
        statement="While spins relax, each spin keeps a Fermi-Dirac distribution of its own",
        latex=r"\varrho^\sigma_{\mathbf k} = f(\epsilon^\sigma_{\mathbf k} - \mu^\sigma)",
        code=(
            "openmr.models.fermi_kinetics.local_equilibrium",
            "openmr.models.fermi_kinetics.energy_relaxation",
        ),
        printed=_shifted_population,
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
    _entry(
        equation="52",
        statement="First order of the ansatz in the chemical potential",
        latex=r"\delta\varrho^\sigma_{\mathbf k} \simeq \beta f(\epsilon^\sigma_{\mathbf k})"
        r"\bar f(\epsilon^\sigma_{\mathbf k})\mu^\sigma",
        code=("openmr.models.fermi_kinetics.responses",),
        printed=_first_order_population,
        reference=_population_shifts,
        residual=_expansion_order,
        tolerance=0.05,
        because="distance of the order from 2; the next order is smaller by mu/k_B T <= 0.1",
        route="Fermi functions without expansion (fermi_kinetics.local_equilibrium)",
        order=2.0,
        parameter="mu / k_B T",
    ),
    _entry(
        equation="53",
        statement="Spin density that goes with a chemical potential",
        latex=r"\delta N^\sigma = \sum_{\mathbf k}\delta\varrho^\sigma_{\mathbf k}"
        r" = \beta f\bar f\mu^\sigma = \nu_F^\sigma\mu^\sigma",
        corrected_latex=r"\delta N^\sigma = \frac1V\sum_{\mathbf k}"
        r"\delta\varrho^\sigma_{\mathbf k} = \nu_F^\sigma\mu^\sigma",
        code=("openmr.models.fermi_kinetics.densities",),
        printed=_spin_density_printed,
        corrected=_spin_density_shift,
        reference=band,
        residual=_flat_error,
        because="relative; exact in a flat band, exp(-pi^2/0.2) of the grid and rounding",
        route="sum of Fermi functions without expansion",
        note="The print lacks the 1/V of Eq. (43): off by the volume.",
    ),
    _entry(
        equation="54",
        statement="Effective density of states of each spin",
        latex=r"\nu_F^\sigma = \int d\epsilon\,\nu(\epsilon)\,\beta f(\epsilon^\sigma)"
        r"\bar f(\epsilon^\sigma)",
        code=("openmr.sample.film.Electrons", "openmr.models.fermi_kinetics.responses"),
        printed=_effective_dos,
        reference=band,
        residual=lambda f, r: abs(f(1 / THERMAL, r.dos, r.filled, r.step) / r.found - 1),
        because="relative; rounding",
        route="dN/dmu of a sum over levels, by an imaginary step of mu",
    ),
    _entry(
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
