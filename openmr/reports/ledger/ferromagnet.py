"""Resistivity of a ferromagnet, Eqs. (86)-(90)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array
from openmr.reports.ledger.currents import EXACT, RHO
from openmr.reports.ledger.deviations import (
    ANGLES,
    ORDER,
    ROUNDING,
    Pairs,
    Series,
    deviation,
    fourth_order,
)
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.film_problem import (
    ALONG,
    ASIDE,
    NORMAL,
    OBLIQUE,
    Film,
    conductivity,
    film,
    resistivity,
    surviving,
)
from openmr.sample import presets
from openmr.sample.film import Sample

SECTION = "V A. Ferromagnetic magnetoresistance"
RHO_L0 = 2.3
"""Any number, so that it counts."""
POINTS = ((-2e-3, 10.0, 36.0), (-1e-3, 25.0, 19.0), (-1.5e-3, 15.0, 28.0))
"""n_S J [eV], T [K], B [T] with relaxation and precession of like size."""


# --- (86), (87) ------------------------------------------------------------------------------


class Parts(NamedTuple):
    """The three parts of Eqs. (88)-(90) times a number rho_L0, found by propagation."""

    drho0: float
    drho1: float
    drho2: float
    theta: float
    m: Array  # indices from 1
    rho_L0: float


def parts(sample: Sample, temperature: float, field: float, at: Film, rho_L0: float = 1.0) -> Parts:
    """Read off the surviving spin current with the field along y, x and z."""
    along_y, along_x, along_z = (
        surviving(film(sample, temperature, field, axis)) for axis in (ASIDE, ALONG, NORMAL)
    )
    drho0, drho2 = rho_L0 * along_y[1, 1], rho_L0 * along_z[0, 1]
    return Parts(drho0, drho0 - rho_L0 * along_x[1, 1], drho2, at.theta, at.m, rho_L0)


def by_angle(
    row: int, sample: Sample, temperature: float, field: float, axes: Any = OBLIQUE
) -> Series:
    """rho_xx or rho_yx at all orders, for a falling spin Hall angle."""
    films = [film(sample, temperature, field, axis) for axis in axes]
    given = [parts(sample, temperature, field, f, RHO_L0) for f in films]
    return Series(
        ANGLES,
        [
            [
                (
                    (p._replace(theta=float(a)),),
                    RHO_L0 * resistivity(f._replace(theta=float(a)))[row, 0],
                )
                for p, f in zip(given, films, strict=True)
            ]
            for a in ANGLES
        ],
    )


@cache
def _longitudinal_series() -> Series:
    """Change of rho_L."""
    found = by_angle(0, presets.pt_py(-1e-3), 25.0, 19.0)
    return Series(found.sizes, [[(g, rho - RHO_L0) for g, rho in row] for row in found.pairs])


@cache
def _transverse_series() -> Series:
    """rho_T."""
    return by_angle(1, presets.pt_py(-1e-3), 25.0, 19.0)


def longitudinal(p: Parts) -> Any:
    """Eq. (86)."""
    m, theta = p.m, p.theta
    return 2 * theta**2 * p.rho_L0 - theta**2 * p.drho0 + theta**2 * p.drho1 * (1 - m[2] ** 2)


def _transverse_printed(p: Parts) -> Any:
    """Eq. (87) as printed."""
    m, theta = p.m, p.theta
    return theta**2 * p.drho1 * m[1] * m[2] - theta**2 * p.drho2 * m[3]


def transverse(p: Parts) -> Any:
    """Eq. (87) with the precession of Eq. (2)."""
    m, theta = p.m, p.theta
    return theta**2 * p.drho1 * m[1] * m[2] + theta**2 * p.drho2 * m[3]


# --- (88)-(90) -------------------------------------------------------------------------------


@cache
def _numerical_parts(which: str) -> Pairs:
    """One of the three, found by propagation, for three films."""
    found: Pairs = []
    for coupling, temperature, field in POINTS:
        sample = presets.pt_py(coupling)
        f = film(sample, temperature, field, ALONG)
        found.append(((f,), getattr(parts(sample, temperature, field, f), which)))
    return found


def drho0(f: Film) -> Any:
    """Eq. (88)."""
    return 2 * f.l_par / f.d * np.tanh(f.d / (2 * f.l_par))


def drho1(f: Film) -> Any:
    """Eq. (89)."""
    Lambda = (f.l_perp**-2 + 1j * f.l_L**-2) ** -0.5
    return (
        2 * f.l_par / f.d * np.tanh(f.d / (2 * f.l_par))
        - (2 * Lambda / f.d * np.tanh(f.d / (2 * Lambda))).real
    )


def drho2(f: Film) -> Any:
    """Eq. (90)."""
    Lambda = (f.l_perp**-2 + 1j * f.l_L**-2) ** -0.5
    return (2 * Lambda / f.d * np.tanh(f.d / (2 * Lambda))).imag


# --- cosine squared --------------------------------------------------------------------------


@cache
def turning() -> Pairs:
    """J_L over J_L0 while the magnetisation turns in the plane of the film."""
    sample, temperature, field = presets.pt_py(-1e-3), 25.0, 19.0

    def found(angle: float) -> float:
        axis = (float(np.cos(angle)), float(np.sin(angle)), 0.0)
        return float(conductivity(film(sample, temperature, field, axis))[0, 0])

    ends = found(0.0), found(np.pi / 2)
    base = 1 - 2 * sample.film.spin_hall_angle**2  # what no direction changes
    return [
        ((angle, ends[0] - base, ends[1] - base), found(angle) - base)
        for angle in (0.3, 1.0, 2.2, -0.7)
    ]


def cosine_square(angle: float, at_x: float, at_y: float) -> Any:
    """At an angle from x."""
    return at_y + (at_x - at_y) * np.cos(angle) ** 2


PROPAGATOR = "boundary-value problem by its propagator, field along y, x and z"
FRACTION = (
    "openmr.transport.diffusion.surviving_fraction",
    "openmr.transport.diffusion.surviving_matrix",
)
_entry = partial(
    Entry,
    section=SECTION,
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
        equation="86",
        statement="Longitudinal resistivity to second order in the spin Hall angle",
        latex=r"\Delta\rho_L \simeq 2\theta_{SH}^2\rho_{L0} - \theta_{SH}^2\Delta\rho_0"
        r" + \theta_{SH}^2\Delta\rho_1(1 - \hat m_y^2)",
        printed=longitudinal,
        reference=_longitudinal_series,
    ),
    _fourth(
        equation="87",
        statement="Transverse resistivity to second order in the spin Hall angle",
        latex=r"\rho_T = \theta_{SH}^2\Delta\rho_1\hat m_x\hat m_y"
        r" - \theta_{SH}^2\Delta\rho_2\hat m_z",
        corrected_latex=r"\rho_T \simeq \theta_{SH}^2\Delta\rho_1\hat m_x\hat m_y"
        r" + \theta_{SH}^2\Delta\rho_2\hat m_z",
        printed=_transverse_printed,
        corrected=transverse,
        reference=_transverse_series,
        note="The last term, all of rho_T for m along z, has the wrong sign. It follows the "
        "precession of (B4), opposite to that of (2). rho_T is E_y / J_x at J_y = 0. "
        "`precession_sign='printed'` keeps the print.",
    ),
    _entry(
        equation="88",
        statement="Part of the resistivity that no direction changes",
        latex=r"\frac{\Delta\rho_0}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\parallel}",
        code=FRACTION,
        printed=drho0,
        reference=partial(_numerical_parts, "drho0"),
    ),
    _entry(
        equation="89",
        statement="Part that goes with the direction in the longitudinal resistivity",
        latex=r"\frac{\Delta\rho_1}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\parallel}"
        r" - \mathrm{Re}\left[\frac{2\Lambda}{d_N}\tanh\frac{d_N}{2\Lambda}\right]",
        code=(*FRACTION, "openmr.transport.diffusion.transverse_decay"),
        printed=drho1,
        reference=partial(_numerical_parts, "drho1"),
        note="Lambda^-2 = l_perp^-2 + i l_L^-2.",
    ),
    _entry(
        equation="90",
        statement="Part that goes with m_z in the transverse resistivity",
        latex=r"\frac{\Delta\rho_2}{\rho_{L0}} ="
        r"\mathrm{Im}\left[\frac{2\Lambda}{d_N}\tanh\frac{d_N}{2\Lambda}\right]",
        code=(*FRACTION, "openmr.transport.diffusion.transverse_decay"),
        printed=drho2,
        reference=partial(_numerical_parts, "drho2"),
        note="Lambda^-2 = l_perp^-2 + i l_L^-2; the x spin that survives of a source of y spins.",
    ),
    _entry(
        equation="V.A cos2",
        statement="Longitudinal current goes with cos^2 of the angle between m and x",
        latex=r"\Delta\rho_1(1 - \hat m_y^2) = \Delta\rho_1\cos^2\alpha",
        code=(
            "openmr.transport.resistivity.resistivity",
            "openmr.transport.resistivity.scan_directions",
        ),
        printed=cosine_square,
        reference=turning,
        because="over the change; rounding over theta^2",
        tolerance=1e-10,
        note="Of the current exactly, of the resistivity to second order in theta_SH.",
    ),
]
