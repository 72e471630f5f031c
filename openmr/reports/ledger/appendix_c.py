"""Claims of Appendix C and Fig. 3 in words, decided on curves found without formulas."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from scipy import constants
from scipy.optimize import brentq, minimize_scalar

from openmr import units
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates import closed_form
from openmr.reports.ledger.deviations import Pairs, Series, deviation, nothing, order
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.film_problem import ALONG, film, film_axes_tensor, surviving
from openmr.reports.ledger.mechanisms import hanle, hanle_series, precession_entry, shifted_hanle
from openmr.sample import presets
from openmr.sample.film import Electrons

_SECTION = "Appendix C. Normal metal decorated with magnetic impurities"
_COLD, _HOT = 10.0, 200.0
_COUPLINGS = (1e-3, 0.3e-3)
"""|n_S J| [eV]."""


@cache
def rho(coupling: float, temperature: float, field: float) -> float:
    """rho_L over rho_L0 for a field along x, at all orders in theta_SH."""
    f = film(presets.pt_py(coupling), temperature, field, ALONG)
    # mean diffusion current -F s of the sources s = theta (E_y, -E_x, 0), turned back into charge
    F, square = surviving(f), f.theta**2
    back = np.array([[F[1, 1], -F[1, 0]], [-F[0, 1], F[0, 0]]])
    return float(np.linalg.inv((1 - 2 * square) * np.eye(2) + square * back)[0, 0])


# --- signs -----------------------------------------------------------------------------------


@cache
def _antiferromagnetic_signs() -> Pairs:
    """Sign of rho(B) - rho(0) at a small field, cold and hot."""
    found: Pairs = []
    for size in _COUPLINGS:
        for temperature in (_COLD, _HOT):
            change = rho(-size, temperature, 0.2) - rho(-size, temperature, 0.0)
            b_sd = _exchange_field(_state(-size, temperature, 0.0))
            found.append(((float(b_sd), 0.2), float(np.sign(change))))
    return found


def _small_field_sign(B_sd: float, B: float) -> Any:
    """Slope of omega_L^2, its sign: B from zero when hot, away from or towards B_sd when cold."""
    return np.sign(B) if B_sd == 0 else -np.sign(B_sd)


@cache
def _ferromagnetic_signs() -> Pairs:
    """Sign of the slope of rho over rising fields."""
    fields = (0.0, 0.3, 1.0, 3.0, 6.0, 12.0, 25.0)
    found: Pairs = []
    for size in _COUPLINGS:
        for temperature in (_COLD, _HOT):
            curve = np.array([rho(size, temperature, field) for field in fields])
            found.append(((), np.sign(np.diff(curve))))
    return found


def positive() -> Any:
    """Sign of every step of a rising field."""
    return +1.0


# --- minimum ---------------------------------------------------------------------------------


def _state(coupling: float, temperature: float, field: float) -> Equilibrium:
    return equilibrium(presets.pt_py(coupling), temperature, field)


@cache
def _minima() -> Pairs:
    """Field of least resistivity when cold."""
    found: Pairs = []
    for size in _COUPLINGS:
        least = minimize_scalar(
            lambda field, j=-size: rho(j, _COLD, float(field)),
            bounds=(1.0, 25.0),
            method="bounded",
            options={"xatol": 1e-4},
        )
        field = float(least.x)
        found.append(((_state(-size, _COLD, field),), field))
    return found


def _exchange_field(state: Equilibrium) -> Any:
    """B_sd in tesla."""
    return closed_form.exchange_field(state.sample.magnet, state.sample.electrons, state)


@cache
def _coldest() -> Pairs:
    """Temperature of least resistivity at a field that B_sd passes on warming."""
    found: Pairs = []
    for size, field in ((1e-3, 10.0), (1e-3, 5.0), (0.3e-3, 4.0)):
        least = minimize_scalar(
            lambda temperature, j=-size, b=field: rho(j, float(temperature), b),
            bounds=(10.0, 90.0),
            method="bounded",
            options={"xatol": 1e-3},
        )
        found.append(((_state(-size, float(least.x), field),), field))
    return found


@cache
def _precessions() -> Pairs:
    """omega_L from matrices [rad/s], beside B and B_sd."""
    found: Pairs = []
    for point in ((1e-3, _COLD, 2.0), (-1e-3, _COLD, 5.0), (-1e-3, 60.0, 9.0)):
        state = _state(*point)
        tensor = film_axes_tensor(state.sample, *point[1:], np.array(ALONG))
        found.append(((state,), 0.5 * (tensor[1, 2] - tensor[2, 1])))
    return found


def _shifted_precession(state: Equilibrium) -> Any:
    """omega_L shifted by the exchange field."""
    shift = state.field - _exchange_field(state)
    return state.sample.electrons.g * units.MU_B * shift / units.HBAR


def _precession(state: Equilibrium) -> Any:
    """The same, from the moments at once."""
    return closed_form.precession(state.sample.magnet, state.sample.electrons, state)


@cache
def _standstill() -> Pairs:
    """Field at which the precession found from matrices stops, moments saturated at 2 K."""
    found: Pairs = []
    for size in _COUPLINGS:
        sample = presets.pt_py(-size)

        def omega(field: float, sample: Any = sample) -> float:
            return float(film_axes_tensor(sample, 2.0, field, np.array(ALONG))[1, 2])

        field = float(brentq(omega, 1.0, 40.0, xtol=1e-12))
        state = _state(-size, 2.0, field)
        saturated = state.averages._replace(mean_spin=-sample.magnet.spins)
        found.append(((replace(state, known=saturated),), field))
    return found


@cache
def _hot_fields() -> Series:
    """B_sd over B against k_B T_C / k_B (T - T_C), from the precession found from matrices."""
    curie, field = 30.0, 0.5
    sample = presets.pt_py(-1e-3)
    sizes, pairs = [], []
    for above in (100.0, 200.0, 400.0):
        tensor = film_axes_tensor(sample, curie + above, field, np.array(ALONG))
        shift = 1 - units.HBAR * tensor[1, 2] / (sample.electrons.g * units.MU_B * field)
        sizes.append(curie / above)
        pairs.append([((), float(shift))])
    return Series(np.array(sizes), pairs)


def _exchange_field_printed(state: Equilibrium) -> Any:
    """B_sd as printed."""
    return closed_form.exchange_field_printed(state.sample.magnet, state.sample.electrons, state)


# --- powers of the field ---------------------------------------------------------------------


@cache
def _hot_series() -> Series:
    """rho(B) - rho(0) at 200 K."""
    return hanle_series(
        lambda size: (rho(-1e-3, _HOT, size) - rho(-1e-3, _HOT, 0.0), 0.0),
        np.array([0.2, 0.1, 0.05]),
    )


@cache
def _cold_series() -> Series:
    """rho(B) - rho(B_sd) at 2 K."""
    zero = float(_standstill()[0][1])
    return hanle_series(
        lambda size: (rho(-1e-3, 2.0, zero + size) - rho(-1e-3, 2.0, zero), zero),
        np.array([0.2, 0.1, 0.05]),
    )


# --- caption ---------------------------------------------------------------------------------


@cache
def drude() -> Pairs:
    """Rho of the free electrons of E_F = 1 eV, m_F = m_e whose D is 1e-6 m^2/s.

    For D, E_F [eV] and rho_L0 in the caption of Fig. 3.
    """
    mass, energy, D = constants.m_e, constants.e, 1e-6
    k_f = np.sqrt(2 * mass * energy) / constants.hbar
    speed = constants.hbar * k_f / mass
    tau = 3 * D / speed**2
    density = k_f**3 / (3 * np.pi**2)
    return [((D, 1.0, 2.0e6), mass / (density * constants.e**2 * tau))]


def _caption_resistivity(D: float, E_F: float, rho_L0: float) -> Any:
    """As printed."""
    return rho_L0


def _einstein_resistivity(D: float, E_F: float, rho_L0: float) -> Any:
    """From D, E_F and m_F by D = sigma / (2 nu e^2), which goes with 1 / rho."""
    resistivity = 1e-6  # any that a metal may have
    return Electrons.free(E_F).diffusion(resistivity) * resistivity / D


_CURVES = "rates from matrices, diffusion by its propagator, resistivity by inversion"
_entry = partial(Entry, section=_SECTION, residual=deviation, route=_CURVES)

ENTRIES = [
    _entry(
        equation="C sign change",
        statement="Antiferromagnetic coupling: negative at small field if cold, positive if hot",
        latex=r"\rho_L \propto \omega_L^2 \propto (B_x - \mathcal B_{sd})^2,"
        r"\quad \mathcal B_{sd} > 0",
        printed=_small_field_sign,
        reference=_antiferromagnetic_signs,
        tolerance=1e-12,
        because="of the sign",
        note="10 K and 200 K, n_S J = -1 and -0.3 meV. The paper gives no J_0; T_C = 30 K.",
    ),
    _entry(
        equation="C ferromagnetic",
        statement="Ferromagnetic coupling: positive magnetoresistance, cold and hot",
        latex=r"\mathcal B_{sd} < 0",
        printed=positive,
        reference=_ferromagnetic_signs,
        tolerance=1e-12,
        because="of the sign",
        note="Rising from 0 to 25 T at 10 K and 200 K, n_S J = 1 and 0.3 meV.",
    ),
    _entry(
        equation="C minimum",
        statement="The resistivity is least where the field is B_sd",
        latex=r"B_x = \mathcal B_{sd}",
        code=("openmr.rates.closed_form.exchange_field",),
        printed=_exchange_field,
        reference=_minima,
        tolerance=3e-3,
        because="relative; width of the minimum, omega_L tau_0 = 1 or 0.6 T, times the rates' "
        "change within it, 0.02 at most, over 5 T or more",
        note="10 K, n_S J = -1 and -0.3 meV, B_sd with <S_par> at the minimum.",
    ),
    _entry(
        equation="C warming",
        statement="At a given field the resistivity is least where B_sd passes it",
        latex=r"\mathcal B_{sd}(T) = B_x",
        code=("openmr.rates.closed_form.exchange_field",),
        printed=_exchange_field,
        reference=_coldest,
        tolerance=0.02,
        because="relative; width of the minimum, omega_L tau_0 = 1 or 0.6 T, times the rates' "
        "change within it, a tenth at most, over 4 T or more",
        note="10 and 5 T with n_S J = -1 meV, 4 T with -0.3 meV; Fig. 3 (d).",
    ),
    _entry(
        equation="C precession",
        statement="The exchange field shifts the precession, up or down with the coupling's sign",
        latex=r"\omega_L = g\mu_B(B_x - \mathcal B_{sd})/\hbar",
        code=("openmr.rates.closed_form.precession", "openmr.rates.closed_form.exchange_field"),
        printed=_shifted_precession,
        shipped=(_precession,),
        reference=_precessions,
        tolerance=1e-12,
        because="relative; rounding",
        route="precession of the Born-Markov generator from matrices",
    ),
    _entry(
        equation="C saturation",
        statement="Exchange field of saturated moments",
        latex=r"\mathcal B_{sd} = -n_S\mathcal J_{sd}S/(\hbar g\mu_B)",
        corrected_latex=r"\mathcal B_{sd} = -n_S\mathcal J_{sd}S/(g\mu_B)",
        code=("openmr.rates.closed_form.exchange_field",),
        printed=_exchange_field_printed,
        corrected=_exchange_field,
        reference=_standstill,
        tolerance=1e-7,
        because="relative; exp(-beta eps_L) at 2 K, 18 or more",
        route="field at which the precession found from matrices stops",
        note="hbar belongs to omega_L, which has it already; the print is 1/hbar of it.",
    ),
    _entry(
        equation="C hot field",
        statement="Hot: the exchange field vanishes",
        latex=r"\mathcal B_{sd} \to 0,\quad \langle S_\parallel\rangle \simeq 0",
        printed=nothing,
        reference=_hot_fields,
        residual=order,
        tolerance=0.01,
        because="of the order; (beta eps_L)^2, 1e-4 or less, and the digits of T_C",
        route="precession of the Born-Markov generator from matrices",
        order=1.0,
        parameter="T_C / (T - T_C)",
        note="At 200 K and n_S J = -1 meV it still is 0.14 of the applied field.",
    ),
    precession_entry(
        equation="C quadratic",
        section=_SECTION,
        statement="Hot: the resistivity grows with B^2",
        latex=r"\rho_L \propto \omega_L^2 \propto B_x^2",
        printed=hanle,
        reference=_hot_series,
        route=_CURVES,
    ),
    precession_entry(
        equation="C shifted",
        section=_SECTION,
        statement="Cold: the resistivity grows with (B - B_sd)^2",
        latex=r"\rho_L \propto \omega_L^2 \propto (B_x - \mathcal B_{sd})^2",
        printed=shifted_hanle,
        reference=_cold_series,
        route=_CURVES,
        note="Close to B_sd alone: at B = 0 and n_S J = -1 meV omega_L tau_0 is 27.",
    ),
    _entry(
        equation="C rho_L0",
        statement="Resistivity in the caption of Fig. 3",
        latex=r"\rho_{L0} = 2.0\times10^6\,\Omega\,\mathrm m",
        corrected_latex=r"\rho_{L0} = 1/(2\nu_Fe^2\mathcal D)",
        code=("openmr.units.free_electron_dos",),
        printed=_caption_resistivity,
        corrected=_einstein_resistivity,
        reference=drude,
        tolerance=1e-9,
        because="relative; rounding and the constants' digits",
        route="Drude's free electrons of the caption's E_F, m_F and D",
        note="9.2e-4 Ohm m. A sign lost from the exponent, 2.0e-6, still leaves a factor 460: D "
        "would be 4.6e-4 m^2/s. Curves over rho_L0 know D alone, and with l_0 = 3 nm only the "
        "printed D lets the spins precess within tau_0.",
    ),
]
