"""Rates along the field, Eqs. (70), (71)."""

from __future__ import annotations

from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from openmr._checks import Array
from openmr.bath.correlators import moment_correlator
from openmr.models import fermi_kinetics
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates import closed_form
from openmr.rates.relaxation import relaxation_at
from openmr.reports.ledger.spin_flips import DENSITY, entry, worst_ratio
from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments

ELECTRONS = Electrons(dos_up=3.4e27, dos_down=3.4e27)
FILM = Film(5e-9, 0.1, 1e-6, spin_flip_time=9e-12, resistivity=2e-6)
_COUPLINGS = ((-1e-3, -1e-3, -1e-3), (1e-3, 0.3e-3, -0.6e-3))


def film(spin: float, coupling: Any) -> Sample:
    """A film with one kind of moment that do not couple; n_S J in eV."""
    moments = Moments(spin, DENSITY, exchange_energy=coupling)
    return Sample(Magnet(moments), ELECTRONS, FILM)


_Found = list[tuple[Equilibrium, Array]]
"""Moments at some fields, and the exchange part (3, 3, 3) that a route found for them [1/s]."""


@cache
def numerical_rates(
    method: str = "bloch-redfield", couplings: tuple[Any, ...] = _COUPLINGS
) -> _Found:
    """Several spins and couplings, each at three fields."""
    found = []
    options = {"modes": False} if method == "kinetic" else {}
    for spin, coupling in product((0.5, 2.0), couplings):
        state = equilibrium(film(spin, coupling), 4.0, np.array([0.5, 3.0, 12.0]))
        found.append((state, relaxation_at(state, method=method, **options).dissipator))
    return found


def both_routes(couplings: tuple[Any, ...] = _COUPLINGS) -> _Found:
    """The Redfield tensor, which leaves the electrons' splitting out, and a Fermi sea with it."""
    methods = ("bloch-redfield", "kinetic")
    return [one for method in methods for one in numerical_rates(method, couplings)]


# --- (70), (71) ------------------------------------------------------------------------------


def of_lines(formula: Any, state: Equilibrium, *more: Any) -> Any:
    """One of the closed forms for moments of one kind."""
    sample = state.sample
    lines = closed_form.thermal_lines(state, sample.magnet.disorder)
    return formula(sample.magnet, sample.electrons, lines, *more)[..., 0]


def along(theta: float, state: Equilibrium, phi: float = 0.0) -> Any:
    """The closed form for any axis."""
    sample, axis = state.sample, (np.full(state.field.shape, angle) for angle in (theta, phi))
    return closed_form.rate_along(sample.magnet, sample.electrons, state, *axis)


def of_record(theta: float, state: Equilibrium, phi: float = 0.0) -> Any:
    """The same rate as a user reads it off the relaxation."""
    return relaxation_at(state).along((theta, phi)) - state.sample.film.spin_flip_rate


def _print_mended(state: Equilibrium) -> Any:
    """Eq. (70) as printed, over what that is of the right one."""
    jx, jy, _ = state.sample.magnet.exchange[0]
    share = 1 - jx * jy / (jx**2 + jy**2)
    return of_lines(closed_form.longitudinal_printed, state) / share


def _longitudinal_error(formula: Any, r: _Found) -> float:
    return max(worst_ratio(formula(state), tensor[:, 2, 2]) for state, tensor in r)


_SCALE = 1e27  # eV^-1 m^-3


def _mean_dos(nu_up: float, nu_down: float) -> Any:
    """Eq. (71)."""
    return Electrons(_SCALE * nu_up, _SCALE * nu_down).dos / _SCALE


def _mean_dos_of_rate(nu_up: float, nu_down: float) -> Any:
    electrons = Electrons(_SCALE * nu_up, _SCALE * nu_down)
    return closed_form.relaxation_rate(np.array(0.5 / _SCALE), electrons)


_DENSITIES = ((0.3, 0.9), (1.4, 0.5), (1.0, 1.0))


@cache
def _rate_by_dos() -> tuple[float, ...]:
    """Longitudinal rate of a Fermi sea with unequal densities of states, over that with 1 and 1."""
    rates = [sea_slope(1.0, 0.0, dos) for dos in _DENSITIES]
    return tuple(rate[3, 3] / rates[-1][3, 3] for rate in rates)


def sea_slope(x: float, w: float, dos: tuple[float, float] = (1.0, 1.0), jy: float = 1.0) -> Array:
    """Initial slope of a Fermi sea (charge and spin) whose moments have n_S nu_F J^2 2 pi = 1."""
    scatterer = fermi_kinetics.Scatterer(1.0, np.array([1.0, jy, 0.0]), moment_correlator(2.0, x))
    grid = fermi_kinetics.energy_grid([x], 0.3, 40.0 + abs(w))
    return fermi_kinetics.initial_slope(fermi_kinetics.Sea(grid, w, dos, (scatterer,)))


# --- claims in words -------------------------------------------------------------------------


@cache
def _without_jz() -> _Found:
    """Moments with J_z, and rates of such as have none."""
    states = [state for state, _ in both_routes(((1e-3, 0.3e-3, -0.6e-3),))]
    tensors = [tensor for _, tensor in both_routes(((1e-3, 0.3e-3, 0.0),))]
    return list(zip(states, tensors, strict=True))


def _flip_factors(x: float) -> Any:
    """Weights x n_B and x (1 + n_B)."""
    return closed_form.absorption(x), closed_form.emission(x)


@cache
def _blocked_overlaps() -> tuple[tuple[float, Array], ...]:
    """Integral of f(e) [1 - f(e -+ x)] over the electrons' energies, by quadrature."""

    def overlap(x: float) -> float:
        peak = sorted((0.0, x))
        return float(
            quad(lambda e: expit(-e) * expit(e - x), -40.0, 40.0 + x, epsabs=1e-13, points=peak)[0]
        )

    return tuple((x, np.array([overlap(x), overlap(-x)])) for x in (0.3, 1.7, 4.0))


ENTRIES = [
    entry(
        equation="70",
        statement="Longitudinal relaxation rate for anisotropic coupling",
        latex=r"\frac{1}{\tau_\parallel} = \frac{\pi}{4\hbar} n_S\nu_F (J_x^2 + J_y^2)"
        r"\beta\epsilon_L n_B \langle S_-S_+\rangle + \frac{\pi}{4\hbar} n_S\nu_F (J_x - J_y)^2"
        r"\beta\epsilon_L (1 + n_B) \langle S_+S_-\rangle",
        corrected_latex=r"\frac{1}{\tau_\parallel} = \frac{\pi}{4\hbar} n_S\nu_F (J_x + J_y)^2"
        r"\beta\epsilon_L n_B \langle S_-S_+\rangle + \frac{\pi}{4\hbar} n_S\nu_F (J_x - J_y)^2"
        r"\beta\epsilon_L (1 + n_B) \langle S_+S_-\rangle",
        code=(
            "openmr.rates.closed_form.longitudinal",
            "openmr.rates.closed_form.longitudinal_printed",
            "openmr.rates.closed_form.rate_along",
            "openmr.rates.closed_form.closed_form",
            "openmr.rates.record.Relaxation",
        ),
        printed=partial(of_lines, closed_form.longitudinal_printed),
        corrected=partial(of_lines, closed_form.longitudinal),
        shipped=(_print_mended, partial(along, 0.0), partial(of_record, 0.0)),
        reference=both_routes,
        residual=_longitudinal_error,
        because="relative; rounding of the tensor's sums",
        route="bloch-redfield, and kinetic at the electrons' full splitting",
        note="By detailed balance the printed form is 1 - Jx Jy/(Jx^2 + Jy^2) of the right one, "
        "half of Eq. (84) when isotropic. The electrons' splitting changes nothing.",
    ),
    entry(
        equation="70 bosons",
        statement="Flips are weighted by x n_B and x (1 + n_B)",
        latex=r"\beta\epsilon_L n_B(\epsilon_L),\quad \beta\epsilon_L[1 + n_B(\epsilon_L)],\quad"
        r" n_B = \frac{1}{e^{\beta\epsilon_L} - 1}",
        code=("openmr.rates.closed_form.absorption", "openmr.rates.closed_form.emission"),
        printed=_flip_factors,
        reference=_blocked_overlaps,
        residual=lambda f, r: max(worst_ratio(f(x), found) for x, found in r),
        tolerance=1e-10,
        because="relative; absolute error 1e-13 of the quadrature over the smallest, 0.07",
        route="quadrature of Fermi functions f(e)[1 - f(e -+ x)]",
        note="The factors hold for a moment of any spin: they count electron-hole pairs, which "
        "are bosons. That the moments were bosons, as the text reads, is not needed.",
    ),
    entry(
        equation="70 flips",
        statement="Only spin flips relax the longitudinal spin: J_z has no part in it",
        latex=r"\partial\tau_\parallel^{-1}/\partial J_z = 0",
        code=("openmr.rates.closed_form.longitudinal",),
        printed=partial(of_lines, closed_form.longitudinal),
        reference=_without_jz,
        residual=_longitudinal_error,
        because="relative; rounding of the tensor's sums",
        route="bloch-redfield and kinetic without J_z, beside the formula with it",
    ),
    entry(
        equation="71",
        statement="Effective density of states of the rates, the mean of the two",
        latex=r"\nu_F = \left(\frac{1}{2\nu_F^\uparrow} + \frac{1}{2\nu_F^\downarrow}\right)"
        r"\nu_F^\uparrow\nu_F^\downarrow",
        code=("openmr.sample.film.Electrons", "openmr.rates.closed_form.relaxation_rate"),
        printed=_mean_dos_of_rate,
        shipped=(_mean_dos,),
        reference=_rate_by_dos,
        residual=lambda f, r: worst_ratio([f(*dos) for dos in _DENSITIES], r),
        route="kinetic equation with unequal densities of states",
    ),
]
