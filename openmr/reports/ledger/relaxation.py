"""Rates along the field, Eqs. (70), (71)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from openmr._checks import Array
from openmr.bath.correlators import moment_correlator
from openmr.models import fermi_kinetics
from openmr.moments.equilibrium import equilibrium
from openmr.rates.relaxation import relaxation_at
from openmr.reports.ledger.deviations import ROUNDING
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.spin_flips import DENSITY, SECTION, worst_ratio
from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.units import HBAR

ELECTRONS = Electrons(dos_up=3.4e27, dos_down=3.4e27)
FILM = Film(5e-9, 0.1, 1e-6, spin_flip_time=9e-12, resistivity=2e-6)
_COUPLINGS = ((-1e-3, -1e-3, -1e-3), (1e-3, 0.3e-3, -0.6e-3))


def film(spin: float, coupling: Any) -> Sample:
    """A film with one kind of moment that do not couple; n_S J in eV."""
    moments = Moments(spin, DENSITY, exchange_energy=coupling)
    return Sample(Magnet(moments), ELECTRONS, FILM)


class Rates(NamedTuple):
    """Films with one kind of moment at some fields, and rates that a route found for them [1/s]."""

    jx: Array  # eV m^3
    jy: Array
    jz: Array
    density: Array  # m^-3
    dos: Array  # eV^-1 m^-3
    x: Array  # beta eps_L
    flip_up: Array  # <S_- S_+>
    flip_down: Array  # <S_+ S_->
    second_moment: Array  # <S_par^2>
    tensor: Array  # (..., 3, 3)


@cache
def numerical_rates(
    method: str = "bloch-redfield", couplings: tuple[Any, ...] = _COUPLINGS
) -> Rates:
    """Exchange part of the relaxation tensor for several spins, couplings and fields."""
    found: list[list[Array]] = []
    fields = np.array([0.5, 3.0, 12.0])
    options = {"modes": False} if method == "kinetic" else {}
    for spin in (0.5, 2.0):
        for coupling in couplings:
            sample = film(spin, coupling)
            moments = sample.magnet.sublattices[0]
            state = equilibrium(sample, 4.0, fields)
            rates = relaxation_at(state, method=method, **options)
            found.append(
                [
                    *(np.full(3, j) for j in moments.exchange),
                    np.full(3, DENSITY),
                    np.full(3, ELECTRONS.dos),
                    state.reduced_splitting[:, 0],
                    state.flip_up[:, 0],
                    state.flip_down[:, 0],
                    state.second_moment[:, 0],
                    rates.dissipator,
                ]
            )
    return Rates(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _both_routes() -> tuple[Rates, Rates]:
    """QuTiP's tensor, which leaves the electrons' splitting out, and a Fermi sea, which has it."""
    return numerical_rates("bloch-redfield"), numerical_rates("kinetic")


# --- (70), (71) ------------------------------------------------------------------------------


def longitudinal_printed(r: Rates) -> Array:
    """Eq. (70) as printed."""
    absorbed = r.x / np.expm1(r.x)
    emitted = r.x / -np.expm1(-r.x)
    rate = np.pi / (4 * HBAR) * r.density * r.dos
    return np.asarray(
        rate * (r.jx**2 + r.jy**2) * absorbed * r.flip_up
        + rate * (r.jx - r.jy) ** 2 * emitted * r.flip_down
    )


def longitudinal(r: Rates) -> Array:
    """Eq. (70) with the sum of the couplings squared, as Eq. (66) gives."""
    absorbed = r.x / np.expm1(r.x)
    emitted = r.x / -np.expm1(-r.x)
    rate = np.pi / (4 * HBAR) * r.density * r.dos
    return np.asarray(
        rate * (r.jx + r.jy) ** 2 * absorbed * r.flip_up
        + rate * (r.jx - r.jy) ** 2 * emitted * r.flip_down
    )


def _mean_dos(nu_up: float, nu_down: float) -> Any:
    """Eq. (71)."""
    return (1 / (2 * nu_up) + 1 / (2 * nu_down)) * nu_up * nu_down


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


def nothing() -> Any:
    """Share of J_z in the longitudinal rate."""
    return 0.0


@cache
def _share_of_jz() -> Array:
    """Longitudinal over transverse rate with J_z alone, both routes."""
    only_z = ((0.0, 0.0, -0.6e-3),)
    tensors = [numerical_rates(method, only_z).tensor for method in ("bloch-redfield", "kinetic")]
    return np.concatenate([t[:, 2, 2] / t[:, 0, 0] for t in tensors])


def _flip_factors(x: float) -> Any:
    """Weights x n_B and x (1 + n_B)."""
    n_b = 1 / (np.exp(x) - 1)
    return x * n_b, x * (1 + n_b)


@cache
def _blocked_overlaps() -> tuple[tuple[float, Array], ...]:
    """Integral of f(e) [1 - f(e -+ x)] over the electrons' energies, by quadrature."""

    def overlap(x: float) -> float:
        peak = sorted((0.0, x))
        return float(
            quad(lambda e: expit(-e) * expit(e - x), -40.0, 40.0 + x, epsabs=1e-13, points=peak)[0]
        )

    return tuple((x, np.array([overlap(x), overlap(-x)])) for x in (0.3, 1.7, 4.0))


_entry = partial(
    Entry,
    section=SECTION,
    tolerance=ROUNDING,
    because="relative; rounding",
    route="spin matrices and Boltzmann weights",
)


ENTRIES = [
    _entry(
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
        ),
        printed=longitudinal_printed,
        corrected=longitudinal,
        reference=_both_routes,
        residual=lambda f, r: max(worst_ratio(f(one), one.tensor[:, 2, 2]) for one in r),
        because="relative; rounding of the tensor's sums",
        route="bloch-redfield, and kinetic at the electrons' full splitting",
        note="By detailed balance the printed form is 1 - Jx Jy/(Jx^2 + Jy^2) of the right one, "
        "half of Eq. (84) when isotropic. The electrons' splitting changes nothing.",
    ),
    _entry(
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
    _entry(
        equation="70 flips",
        statement="Only spin flips relax the longitudinal spin: J_z has no part in it",
        latex=r"\partial\tau_\parallel^{-1}/\partial J_z = 0",
        code=("openmr.rates.closed_form.longitudinal",),
        printed=nothing,
        reference=_share_of_jz,
        residual=lambda f, r: float(np.abs(r - f()).max()),
        because="over the transverse rate; rounding",
        route="bloch-redfield and kinetic with J_z alone",
    ),
    _entry(
        equation="71",
        statement="Effective density of states of the rates, the mean of the two",
        latex=r"\nu_F = \left(\frac{1}{2\nu_F^\uparrow} + \frac{1}{2\nu_F^\downarrow}\right)"
        r"\nu_F^\uparrow\nu_F^\downarrow",
        code=("openmr.sample.film.Electrons", "openmr.rates.closed_form.relaxation_rate"),
        printed=_mean_dos,
        reference=_rate_by_dos,
        residual=lambda f, r: worst_ratio([f(*dos) for dos in _DENSITIES], r),
        route="kinetic equation with unequal densities of states",
    ),
]
