"""Resistivity of an antiferromagnet, Eqs. (93)-(97), and what Sec. V B says about it in words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from openmr.rates.closed_form import saturated_dephasing
from openmr.reports.ledger import shipped_film
from openmr.reports.ledger.currents import RHO
from openmr.reports.ledger.deviations import Pairs, Series
from openmr.reports.ledger.ferromagnet import (
    PARTS,
    constant,
    cosine,
    drho1_from_lengths,
    entry,
    fourth,
    parts,
    turning,
)
from openmr.reports.ledger.film_problem import ALONG, ASIDE, Film, by_angle, film, resistivity
from openmr.sample import presets
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet
from openmr.transport.surviving import surviving_fraction

_SECTION = "V B. Antiferromagnetic magnetoresistance"


def antiferromagnet(neel: float = 40.0) -> Sample:
    """Two equal sublattices that order at `neel` kelvin."""
    base = presets.pt_py(3e-3, spin=2.5)
    one = base.magnet.sublattices[0]
    return replace(base, magnet=Magnet((one, one), neel_temperature=neel), name="antiferromagnet")


# --- (93)-(97) -------------------------------------------------------------------------------


@cache
def _series(row: int) -> Series:
    """rho_L or rho_T over rho_L0, of three directions, against the spin Hall angle."""
    return by_angle(row, antiferromagnet(), 20.0, 0.0)


def _longitudinal_printed(f: Film) -> Any:
    """Eq. (93) as printed, without the constant of Eq. (86)."""
    return shipped_film.longitudinal(f) - 2 * f.theta**2


@cache
def _numerical_parts(which: int) -> Pairs:
    """One of the three over rho_L0, found by propagation, at three temperatures."""
    given = [(antiferromagnet(), temperature, 0.0) for temperature in (8.0, 20.0, 33.0)]
    return [((film(*point, ALONG),), parts(*point)[which]) for point in given]


# --- words -----------------------------------------------------------------------------------


@cache
def _cold_states() -> Pairs:
    """rho_L over theta^2 rho_L0 with the Neel vector across the spins, less along them, at 1 K."""
    # an angle so small that the fourth order is rounding's size
    theta = 1e-3
    across, along = (
        film(antiferromagnet(), 1.0, 0.0, axis)._replace(theta=theta) for axis in (ALONG, ASIDE)
    )
    difference = resistivity(across)[0, 0] - resistivity(along)[0, 0]
    return [((across, along), difference / theta**2)]


def _cold_difference(across: Film, along: Film) -> Any:
    """High less low resistance with 1/tau_par = 1/tau_0 and 1/tau_perp = 1/tau_0 + 2 Omega_0."""
    sample = across.rates.sample
    geometry = sample.film
    both = saturated_dephasing(sample.magnet, sample.electrons)  # Omega_0 of each sublattice
    rates = np.array([geometry.spin_flip_rate, geometry.spin_flip_rate + both])
    low, high = surviving_fraction(geometry.thickness, rates / geometry.diffusion)
    return low - high


def _cold_resistivities(across: Film, along: Film) -> Any:
    """The same by the rates at 1 K."""
    difference = shipped_film.longitudinal(across) - shipped_film.longitudinal(along)
    return difference / along.theta**2


_entry, _fourth, _cosine = (partial(make, section=_SECTION) for make in (entry, fourth, cosine))
ENTRIES = [
    _fourth(
        equation="93",
        statement="Longitudinal resistivity to second order in the spin Hall angle",
        latex=r"\Delta\rho_L \simeq \theta_{SH}^2\Delta\rho_1(1 - n_y^2)"
        r" - \theta_{SH}^2\Delta\rho_0",
        corrected_latex=r"\Delta\rho_L \simeq 2\theta_{SH}^2\rho_{L0}"
        r" + \theta_{SH}^2\Delta\rho_1(1 - n_y^2) - \theta_{SH}^2\Delta\rho_0",
        printed=_longitudinal_printed,
        corrected=shipped_film.longitudinal,
        shipped=(shipped_film.by_matrix("longitudinal"),),
        reference=partial(_series, 0),
        note="The constant 2 theta^2 rho_L0 of (86) is left out; no direction, field or "
        "temperature changes it.",
    ),
    _fourth(
        equation="94",
        statement="Transverse resistivity to second order in the spin Hall angle",
        latex=r"\rho_T = \theta_{SH}^2\Delta\rho_1\hat n_x\hat n_y",
        printed=shipped_film.transverse,
        shipped=(shipped_film.by_matrix("transverse"),),
        reference=partial(_series, 1),
    ),
    constant(equation="95", section=_SECTION, reference=partial(_numerical_parts, 0)),
    _entry(
        equation="96",
        statement="Part that goes with the direction of the Neel vector",
        latex=r"\frac{\Delta\rho_1}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\parallel} - \frac{2\ell_\perp}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\perp}",
        code=PARTS,
        printed=shipped_film.drho1,
        shipped=(shipped_film.by_matrix("drho1"), drho1_from_lengths),
        reference=partial(_numerical_parts, 1),
        note="(89) at omega_L = 0; the text below names (89) for it.",
    ),
    _entry(
        equation="97",
        statement="Part that would go with n_z in the transverse resistivity: none",
        latex=r"\frac{\Delta\rho_2}{\rho_{L0}} ="
        r"\mathrm{Im}\left[\frac{2\ell_\perp}{d_N}\tanh\frac{d_N}{2\ell_\perp}\right]",
        printed=shipped_film.drho2,
        shipped=(shipped_film.by_matrix("drho2"),),
        reference=partial(_numerical_parts, 2),
        residual=lambda formula, pairs: max(abs(float(formula(*given)) - v) for given, v in pairs),
        because="over rho_L0; rounding",
        note="It decides only that the package and the propagated film both have no such part. The "
        "print is true, and empty: l_perp is real, so the right side is zero whatever its size, as "
        "omega_L = 0 makes the left; a wrong factor in it cannot be seen here, in (90) it can. "
        "(94) does not use it.",
    ),
    _cosine(
        equation="V.B pi-period",
        statement="cos^2 law of the Neel vector: period pi, alike for +n_y and -n_y",
        latex=r"\theta_{SH}^2\Delta\rho_1(1 - n_y^2) = \theta_{SH}^2\Delta\rho_1\cos^2\alpha",
        reference=lambda: turning(
            film(antiferromagnet(), 20.0, 0.0, ALONG), np.array([0.3, 1.0, 2.2]), mirrored=True
        ),
        because="over the current that the direction can change; rounding over theta^2",
        note="Of the current exactly; each angle is also tried half a turn on and mirrored.",
    ),
    _entry(
        equation="V.B states",
        statement="Cold: low resistance with the Neel vector along the spins, high across them",
        latex=r"\tau_\parallel^{-1} \to \tau_0^{-1},\quad"
        r"\tau_\perp^{-1} = \tau_0^{-1} + 2\Omega_0,\quad"
        r"\Omega_0 = \frac{\pi}{\hbar}n_s\nu_F\mathcal J^2S^2",
        code=(
            "openmr.rates.closed_form.saturated_dephasing",
            "openmr.transport.diffusion.surviving_fraction",
            *RHO[:1],
        ),
        printed=_cold_difference,
        shipped=(_cold_resistivities,),
        reference=_cold_states,
        tolerance=1e-5,
        because="relative; theta^2 = 1e-6 of the next order in the spin Hall angle",
        note="The difference of the two states, not only its sign.",
    ),
]
