"""Resistivity of a ferromagnet, Eqs. (86)-(90)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from openmr._checks import Array
from openmr.reports.ledger import film_problem, shipped_film
from openmr.reports.ledger.currents import CONDUCTIVITY, EXACT, RHO
from openmr.reports.ledger.deviations import ORDER, ROUNDING, Pairs, Series, deviation, order
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.film_problem import ALONG, ASIDE, NORMAL, Film, by_angle, film, surviving
from openmr.sample import presets
from openmr.sample.film import Sample
from openmr.transport.resistivity import scan_directions

SECTION = "V A. Ferromagnetic magnetoresistance"
POINTS = ((-2e-3, 10.0, 36.0), (-1e-3, 25.0, 19.0), (-1.5e-3, 15.0, 28.0))
"""n_S J [eV], T [K], B [T] with relaxation and precession of like size."""


# --- (86)-(90) -------------------------------------------------------------------------------


@cache
def series(row: int) -> Series:
    """rho_L or rho_T over rho_L0, of three directions, against the spin Hall angle."""
    return by_angle(row, presets.pt_py(-1e-3), 25.0, 19.0)


def parts(sample: Sample, temperature: float, field: float) -> tuple[float, float, float]:
    """Eqs. (88)-(90), read off the surviving spin current with the field along y, x and z."""
    along_y, along_x, along_z = (
        surviving(film(sample, temperature, field, axis)) for axis in (ASIDE, ALONG, NORMAL)
    )
    return along_y[1, 1], along_y[1, 1] - along_x[1, 1], along_z[0, 1]


@cache
def _numerical_parts(which: int) -> Pairs:
    """One of the three, found by propagation, for three films."""
    points = [(presets.pt_py(coupling), t, field) for coupling, t, field in POINTS]
    return [((film(*point, ALONG),), parts(*point)[which]) for point in points]


def drho1_from_lengths(f: Film) -> Any:
    """Eq. (89) from the two lengths."""
    return shipped_film.kept_along(f) - shipped_film.kept_across(f).real


def _drho2_from_length(f: Film) -> Any:
    """Eq. (90) from the complex length."""
    return shipped_film.kept_across(f).imag


# --- cosine squared --------------------------------------------------------------------------


def turning(f: Film, angles: Array, mirrored: bool = False) -> Pairs:
    """J_L over J_L0, less what no direction changes, while b turns in the plane of the film.

    `mirrored` also gives each angle half a turn on, and with the other sign.
    """
    sample, temperature, field = f.rates.sample, float(f.rates.temperature), float(f.rates.field)
    base = 1 - 2 * f.theta**2

    def found(angle: float) -> float:
        axis = (float(np.cos(angle)), float(np.sin(angle)), 0.0)
        turned = film(sample, temperature, field, axis)
        return float(film_problem.conductivity(turned)[0, 0]) - base

    ends = found(0.0), found(np.pi / 2)
    return [
        ((f, angle, *ends), found(turned))
        for angle in angles
        for turned in ((angle, angle + np.pi, -angle) if mirrored else (angle,))
    ]


def _cosine_square(f: Film, angle: float, at_x: float, at_y: float) -> Any:
    """At an angle from x."""
    return at_y + (at_x - at_y) * np.cos(angle) ** 2


def _scanned(way: str, f: Film, angle: float, at_x: float, at_y: float) -> Any:
    """The same as the package finds it, by one of its ways."""
    turned = f._replace(b=scan_directions("xy", angle))
    return shipped_film.conductivity(turned, way)[0, 0] - (1 - 2 * f.theta**2)


_PROPAGATOR = "boundary-value problem by its propagator, field along y, x and z"
PARTS = (
    "openmr.transport.surviving.surviving_along",
    "openmr.transport.surviving.surviving_apart",
    "openmr.transport.diffusion.surviving_fraction",
)
_ACROSS = (
    "openmr.transport.surviving.surviving_across",
    "openmr.transport.diffusion.transverse_decay",
)
entry = partial(
    Entry,
    residual=deviation,
    tolerance=ROUNDING,
    because="relative; rounding times the growth through the film, at most e^5",
    route=_PROPAGATOR,
)
constant = partial(
    entry,
    statement="Part of the resistivity that no direction changes",
    latex=r"\frac{\Delta\rho_0}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
    r"\tanh\frac{d_N}{2\ell_\parallel}",
    code=PARTS,
    printed=shipped_film.drho0,
    shipped=(shipped_film.by_matrix("drho0"), shipped_film.kept_along),
)
fourth = partial(
    entry,
    code=RHO,
    residual=order,
    tolerance=0.02,
    because=ORDER,
    route=EXACT,
    order=4.0,
    parameter="theta_SH",
)
cosine = partial(
    entry,
    code=CONDUCTIVITY,
    printed=_cosine_square,
    shipped=(partial(_scanned, "axial"), partial(_scanned, "matrix")),
    because="over the change; rounding over theta^2",
    tolerance=1e-10,
)

_entry, _fourth, _cosine = (partial(make, section=SECTION) for make in (entry, fourth, cosine))
ENTRIES = [
    _fourth(
        equation="86",
        statement="Longitudinal resistivity to second order in the spin Hall angle",
        latex=r"\Delta\rho_L \simeq 2\theta_{SH}^2\rho_{L0} - \theta_{SH}^2\Delta\rho_0"
        r" + \theta_{SH}^2\Delta\rho_1(1 - \hat m_y^2)",
        code=(
            *RHO,
            "openmr.transport.resistivity.mechanisms",
            "openmr.transport.line.magnetoresistance",
        ),
        printed=shipped_film.longitudinal,
        shipped=(
            shipped_film.by_matrix("longitudinal"),
            shipped_film.sum_of_mechanisms,
            shipped_film.by_the_whole_line,
        ),
        reference=partial(series, 0),
    ),
    _fourth(
        equation="87",
        statement="Transverse resistivity to second order in the spin Hall angle",
        latex=r"\rho_T = \theta_{SH}^2\Delta\rho_1\hat m_x\hat m_y"
        r" - \theta_{SH}^2\Delta\rho_2\hat m_z",
        corrected_latex=r"\rho_T \simeq \theta_{SH}^2\Delta\rho_1\hat m_x\hat m_y"
        r" + \theta_{SH}^2\Delta\rho_2\hat m_z",
        printed=shipped_film.transverse_printed,
        corrected=shipped_film.transverse,
        shipped=(
            shipped_film.by_matrix("transverse"),
            partial(shipped_film.transverse_mended, "axial"),
            partial(shipped_film.transverse_mended, "matrix"),
        ),
        reference=partial(series, 1),
        note="The last term, all of rho_T for m along z, has the wrong sign. It follows the "
        "precession of (B4), opposite to that of (2). rho_T is E_y / J_x at J_y = 0. "
        "`precession_sign='printed'` keeps the print.",
    ),
    constant(equation="88", section=SECTION, reference=partial(_numerical_parts, 0)),
    _entry(
        equation="89",
        statement="Part that goes with the direction in the longitudinal resistivity",
        latex=r"\frac{\Delta\rho_1}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\parallel}"
        r" - \mathrm{Re}\left[\frac{2\Lambda}{d_N}\tanh\frac{d_N}{2\Lambda}\right]",
        code=(*PARTS, *_ACROSS),
        printed=shipped_film.drho1,
        shipped=(shipped_film.by_matrix("drho1"), drho1_from_lengths),
        reference=partial(_numerical_parts, 1),
        note="Lambda^-2 = l_perp^-2 + i l_L^-2.",
    ),
    _entry(
        equation="90",
        statement="Part that goes with m_z in the transverse resistivity",
        latex=r"\frac{\Delta\rho_2}{\rho_{L0}} ="
        r"\mathrm{Im}\left[\frac{2\Lambda}{d_N}\tanh\frac{d_N}{2\Lambda}\right]",
        code=(*PARTS[1:], *_ACROSS),
        printed=shipped_film.drho2,
        shipped=(shipped_film.by_matrix("drho2"), _drho2_from_length),
        reference=partial(_numerical_parts, 2),
        note="Lambda^-2 = l_perp^-2 + i l_L^-2; the x spin that survives of a source of y spins.",
    ),
    _cosine(
        equation="V.A cos2",
        statement="Longitudinal current goes with cos^2 of the angle between m and x",
        latex=r"\Delta\rho_1(1 - \hat m_y^2) = \Delta\rho_1\cos^2\alpha",
        reference=lambda: turning(
            film(presets.pt_py(-1e-3), 25.0, 19.0, ALONG), np.array([0.3, 1.0, 2.2, -0.7])
        ),
        note="Of the current exactly, of the resistivity to second order in theta_SH.",
    ),
]
