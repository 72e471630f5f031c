"""Resistivity of an antiferromagnet, Eqs. (93)-(97), and what Sec. V B says about it in words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr import units
from openmr.reports.ledger.currents import EXACT, RHO
from openmr.reports.ledger.deviations import ORDER, ROUNDING, Pairs, Series, deviation, fourth_order
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.ferromagnet import (
    FRACTION,
    PROPAGATOR,
    RHO_L0,
    Parts,
    by_angle,
    cosine_square,
    parts,
)
from openmr.reports.ledger.film_problem import (
    ALONG,
    ASIDE,
    NM,
    PER_PS,
    Film,
    conductivity,
    film,
    resistivity,
)
from openmr.sample import presets
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet

_SECTION = "V B. Antiferromagnetic magnetoresistance"
_TEMPERATURES = (8.0, 20.0, 33.0)


def antiferromagnet(neel: float = 40.0) -> Sample:
    """Two equal sublattices that order at `neel` kelvin."""
    base = presets.pt_py(3e-3, spin=2.5)
    one = base.magnet.sublattices[0]
    coupling = 3 * units.K_B * neel / (one.spin * (one.spin + 1))
    magnet = Magnet((one, one), [[0.0, -coupling], [-coupling, 0.0]])
    return replace(base, magnet=magnet, name="antiferromagnet")


# --- (93), (94) ------------------------------------------------------------------------------


@cache
def _longitudinal_series() -> Series:
    """Change of rho_L."""
    found = by_angle(0, antiferromagnet(), 20.0, 0.0)
    return Series(found.sizes, [[(g, rho - RHO_L0) for g, rho in row] for row in found.pairs])


@cache
def _transverse_series() -> Series:
    """rho_T."""
    return by_angle(1, antiferromagnet(), 20.0, 0.0)


def longitudinal_printed(p: Parts) -> Any:
    """Eq. (93) as printed."""
    n, theta = p.m, p.theta
    return theta**2 * p.drho1 * (1 - n[2] ** 2) - theta**2 * p.drho0


def longitudinal(p: Parts) -> Any:
    """Eq. (93) with the constant of Eq. (86)."""
    n, theta = p.m, p.theta
    return 2 * theta**2 * p.rho_L0 + theta**2 * p.drho1 * (1 - n[2] ** 2) - theta**2 * p.drho0


def transverse(p: Parts) -> Any:
    """Eq. (94)."""
    n, theta = p.m, p.theta
    return theta**2 * p.drho1 * n[1] * n[2]


# --- (95)-(97) -------------------------------------------------------------------------------


@cache
def _numerical_parts(which: str) -> Pairs:
    """One of the three over rho_L0, found by propagation, at three temperatures."""
    sample = antiferromagnet()
    found: Pairs = []
    for temperature in _TEMPERATURES:
        f = film(sample, temperature, 0.0, ALONG)
        found.append(((f,), getattr(parts(sample, temperature, 0.0, f), which)))
    return found


def drho0(f: Film) -> Any:
    """Eq. (95)."""
    return 2 * f.l_par / f.d * np.tanh(f.d / (2 * f.l_par))


def drho1(f: Film) -> Any:
    """Eq. (96)."""
    return 2 * f.l_par / f.d * np.tanh(f.d / (2 * f.l_par)) - 2 * f.l_perp / f.d * np.tanh(
        f.d / (2 * f.l_perp)
    )


def drho2(f: Film) -> Any:
    """Eq. (97)."""
    return np.imag(2 * f.l_perp / f.d * np.tanh(f.d / (2 * f.l_perp)))


# --- words -----------------------------------------------------------------------------------


@cache
def turning() -> Pairs:
    """J_L over J_L0, less what no direction changes, for the Neel vector all the way round."""
    sample = antiferromagnet()
    base = 1 - 2 * sample.film.spin_hall_angle**2

    def found(angle: float) -> float:
        axis = (float(np.cos(angle)), float(np.sin(angle)), 0.0)
        return float(conductivity(film(sample, 20.0, 0.0, axis))[0, 0]) - base

    ends = found(0.0), found(np.pi / 2)
    return [
        ((angle, *ends), found(turned))
        for angle in (0.3, 1.0, 2.2)
        for turned in (angle, angle + np.pi, -angle)
    ]


class Cold(NamedTuple):
    """Two equal sublattices and the film they are in; nm and ps."""

    J: float  # n_S J [eV]
    S: float
    n_S: float  # m^-3
    nu_F: float
    hbar: float  # eV ps
    D: float
    d: float
    tau_0: float


@cache
def _cold_states() -> Pairs:
    """rho_L over theta^2 rho_L0 with the Neel vector across the spins, less along them, at 1 K."""
    sample = antiferromagnet()
    one, geometry = sample.magnet.sublattices[0], sample.film
    cold = Cold(
        one.principal_exchange[0],
        one.spin,
        one.density,
        sample.electrons.dos,
        units.HBAR / PER_PS,
        geometry.diffusion * NM**2 * PER_PS,
        geometry.thickness * NM,
        geometry.spin_flip_time / PER_PS,
    )
    # an angle so small that the fourth order is rounding's size
    theta = 1e-3
    across, along = (
        resistivity(film(sample, 1.0, 0.0, axis)._replace(theta=theta))[0, 0]
        for axis in (ALONG, ASIDE)
    )
    return [((cold,), (across - along) / theta**2)]


def _cold_difference(c: Cold) -> Any:
    """High less low resistance with 1/tau_par = 1/tau_0 and 1/tau_perp = 1/tau_0 + 2 Omega_0."""
    Omega_0 = np.pi / c.hbar * c.n_S * c.nu_F * c.J**2 * c.S**2
    l_0 = np.sqrt(c.D * c.tau_0)
    l_perp = np.sqrt(c.D / (1 / c.tau_0 + 2 * Omega_0))
    return 2 * l_0 / c.d * np.tanh(c.d / (2 * l_0)) - 2 * l_perp / c.d * np.tanh(c.d / (2 * l_perp))


_entry = partial(
    Entry,
    section=_SECTION,
    residual=deviation,
    tolerance=ROUNDING,
    because="relative; rounding times the growth through the film, at most e^5",
    route=PROPAGATOR,
)
_fourth = partial(
    _entry,
    code=RHO,
    residual=fourth_order,
    tolerance=0.02,
    because=ORDER,
    route=EXACT,
    order=4.0,
    parameter="theta_SH",
)

ENTRIES = [
    _fourth(
        equation="93",
        statement="Longitudinal resistivity to second order in the spin Hall angle",
        latex=r"\Delta\rho_L \simeq \theta_{SH}^2\Delta\rho_1(1 - n_y^2)"
        r" - \theta_{SH}^2\Delta\rho_0",
        corrected_latex=r"\Delta\rho_L \simeq 2\theta_{SH}^2\rho_{L0}"
        r" + \theta_{SH}^2\Delta\rho_1(1 - n_y^2) - \theta_{SH}^2\Delta\rho_0",
        printed=longitudinal_printed,
        corrected=longitudinal,
        reference=_longitudinal_series,
        note="The constant 2 theta^2 rho_L0 of (86) is left out; no direction, field or "
        "temperature changes it.",
    ),
    _fourth(
        equation="94",
        statement="Transverse resistivity to second order in the spin Hall angle",
        latex=r"\rho_T = \theta_{SH}^2\Delta\rho_1\hat n_x\hat n_y",
        printed=transverse,
        reference=_transverse_series,
    ),
    _entry(
        equation="95",
        statement="Part of the resistivity that no direction changes",
        latex=r"\frac{\Delta\rho_0}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\parallel}",
        code=FRACTION,
        printed=drho0,
        reference=partial(_numerical_parts, "drho0"),
    ),
    _entry(
        equation="96",
        statement="Part that goes with the direction of the Neel vector",
        latex=r"\frac{\Delta\rho_1}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\parallel} - \frac{2\ell_\perp}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\perp}",
        code=FRACTION,
        printed=drho1,
        reference=partial(_numerical_parts, "drho1"),
        note="(89) at omega_L = 0; the text below names (89) for it.",
    ),
    _entry(
        equation="97",
        statement="Part that would go with n_z in the transverse resistivity: none",
        latex=r"\frac{\Delta\rho_2}{\rho_{L0}} ="
        r"\mathrm{Im}\left[\frac{2\ell_\perp}{d_N}\tanh\frac{d_N}{2\ell_\perp}\right]",
        code=FRACTION,
        printed=drho2,
        reference=partial(_numerical_parts, "drho2"),
        residual=lambda formula, pairs: max(abs(formula(*given) - v) for given, v in pairs),
        because="over rho_L0; rounding",
        note="True, and empty: l_perp is real, so the right side is zero whatever its size, as "
        "omega_L = 0 makes the left. (94) does not use it.",
    ),
    _entry(
        equation="V.B pi-period",
        statement="cos^2 law of the Neel vector: period pi, alike for +n_y and -n_y",
        latex=r"\theta_{SH}^2\Delta\rho_1(1 - n_y^2) = \theta_{SH}^2\Delta\rho_1\cos^2\alpha",
        code=(
            "openmr.transport.resistivity.resistivity",
            "openmr.transport.resistivity.scan_directions",
        ),
        printed=cosine_square,
        reference=turning,
        tolerance=1e-10,
        because="over the current that the direction can change; rounding over theta^2",
        note="Of the current exactly; each angle is also tried half a turn on and mirrored.",
    ),
    _entry(
        equation="V.B states",
        statement="Cold: low resistance with the Neel vector along the spins, high across them",
        latex=r"\tau_\parallel^{-1} \to \tau_0^{-1},\quad"
        r"\tau_\perp^{-1} = \tau_0^{-1} + 2\Omega_0,\quad"
        r"\Omega_0 = \frac{\pi}{\hbar}n_s\nu_F\mathcal J^2S^2",
        code=("openmr.rates.closed_form.saturated_dephasing", *RHO),
        printed=_cold_difference,
        reference=_cold_states,
        tolerance=1e-5,
        because="relative; theta^2 = 1e-6 of the next order in the spin Hall angle",
        note="The difference of the two states, not only its sign.",
    ),
]
