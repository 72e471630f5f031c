"""Charge current, Eqs. (B24)-(B29)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.reports.ledger.deviations import ROUNDING, Pairs, deviation
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.film_problem import (
    Film,
    Modes,
    charge_current,
    conductivity,
    films,
    modes,
    propagator,
    spin_profile,
    start,
)
from openmr.reports.ledger.spin_diffusion import COUNTED, SECTION

# --- D = sigma / (2 nu e^2) ------------------------------------------------------------------


class _Gas(NamedTuple):
    """Free electrons with arbitrary mass, Fermi energy and time between collisions, hbar = 1."""

    sigma: float
    dos: float
    e: float


@cache
def _drifting_gas() -> Pairs:
    """D = <v_z^2> tau by quadrature, states counted between shells, Drude's n e^2 tau/m."""
    mass, k_f, tau, e = 0.8, 1.7, 2.3, 1.4
    cosine, weight = np.polynomial.legendre.leggauss(4)
    speed = k_f / mass
    spread = float(0.5 * weight @ (speed * cosine) ** 2 * tau)
    # states per volume between spheres, by the difference of their contents
    step = 1e-4 * k_f
    contents = [(k_f + x) ** 3 / (6 * np.pi**2) for x in (step, -step)]
    energies = [(k_f + x) ** 2 / (2 * mass) for x in (step, -step)]
    dos = (contents[0] - contents[1]) / (energies[0] - energies[1])
    # Drude: all electrons of both spins drift
    sigma = 2 * k_f**3 / (6 * np.pi**2) * e**2 * tau / mass
    return [((_Gas(sigma, dos, e),), spread)]


def _einstein(gas: _Gas) -> Any:
    """D in the text below Eq. (B4)."""
    return gas.sigma / (2 * gas.dos * gas.e**2)


# --- (B24) -----------------------------------------------------------------------------------


@cache
def _current_densities() -> Pairs:
    """j_c from the whole spin current through the inverse effect, for fields along x and y."""
    found: Pairs = []
    for f in films():
        for electric in (np.array([0.9, 0.0, 0.0]), np.array([0.3, -0.8, 0.0])):
            for z in (0.2 * f.d, 0.7 * f.d):
                gradient = spin_profile(f, z, electric)[1]
                found.append(((f, gradient, electric), charge_current(f, z, electric)))
    return found


X, Y, Z = np.eye(3)


def _current_printed(f: Film, gradient: Array, electric: Array) -> Any:
    """Eq. (B24) as printed."""
    return (1 - 2 * f.theta**2) * f.sigma * electric + sum(
        f.theta * np.cross(a, -f.D * gradient[k] * Z) for k, a in enumerate((X, Y, Z))
    )


def current(f: Film, gradient: Array, electric: Array) -> Any:
    """Eq. (B24) with sigma_D/2e in place of D."""
    return (1 - 2 * f.theta**2) * f.sigma * electric + sum(
        f.theta * np.cross(a, -f.sigma / (2 * f.e) * gradient[k] * Z)
        for k, a in enumerate((X, Y, Z))
    )


# --- (B27)-(B29) -----------------------------------------------------------------------------


class Solved(NamedTuple):
    """Accumulation at both faces and numpy's modes; indices from 1."""

    film: Film
    modes: Modes
    zeta: ComplexArray
    bottom: Array
    top: Array


@cache
def solved() -> list[Solved]:
    """By propagation of the three components, and of each mode on its own."""
    found = []
    for f in films():
        m = modes(f.matrix, f.b)
        bottom, top = (np.append(np.nan, spin_profile(f, z)[0]) for z in (0.0, f.d))
        zeta = [np.nan + 0j] + [one_mode(length, f.d) for length in m.length[1:]]
        found.append(Solved(f, m, np.array(zeta), bottom, top))
    return found


def one_mode(length: complex, d: float) -> complex:
    """Mean slope of a mode with slopes -1 at both faces."""
    matrix = np.array([[length**-2]])
    slope = np.array([-1.0])
    value = start(matrix, d, slope)
    across = propagator(matrix, d)
    end = across[0, 0] * value[0] + across[0, 1] * slope[0]
    return complex((end - value[0]) / d)


@cache
def _conductivities() -> list[Array]:
    """Over sigma_D, by quadrature of the current profile."""
    return [conductivity(f) for f in films()]


def forward() -> Pairs:
    """Current along the field."""
    return [((s,), sigma[0, 0]) for s, sigma in zip(solved(), _conductivities(), strict=True)]


def sideways() -> Pairs:
    """Current along y for a field along x, over theta^2."""
    return [
        ((s,), sigma[1, 0] / s.film.theta**2)
        for s, sigma in zip(solved(), _conductivities(), strict=True)
    ]


def _longitudinal_current(s: Solved) -> Any:
    """Both lines of Eq. (B27)."""
    f, E, E_inv, zeta = s.film, s.modes.vectors, s.modes.inverse, s.zeta
    rise = s.top[2] / (f.e * f.J_SH) - s.bottom[2] / (f.e * f.J_SH)
    return [
        1 - 2 * f.theta**2 - f.theta**2 * f.sigma / (2 * f.d) * rise,
        1 - 2 * f.theta**2 - f.theta**2 * sum(E[2, n] * E_inv[n, 2] * zeta[n] for n in COUNTED),
    ]


def _transverse_current(s: Solved) -> Any:
    """Both lines of Eq. (B28), over theta^2."""
    f, E, E_inv, zeta = s.film, s.modes.vectors, s.modes.inverse, s.zeta
    rise = s.top[1] / (f.e * f.J_SH) - s.bottom[1] / (f.e * f.J_SH)
    return [+f.sigma / (2 * f.d) * rise, +sum(E[1, n] * E_inv[n, 2] * zeta[n] for n in COUNTED)]


@cache
def _mean_slopes() -> Pairs:
    """Zeta of each mode."""
    return [((s.modes.length[n], s.film.d), s.zeta[n]) for s in solved() for n in COUNTED]


def zeta(length: complex, d: float) -> Any:
    """Eq. (B29)."""
    return -2 * length / d * np.tanh(d / (2 * length))


QUADRATURE = "quadrature of the current profile, from the boundary-value problem by its propagator"
EXACT = "inverse of the 2x2 conductivity, from the boundary-value problem by its propagator"
RHO = (
    "openmr.transport.resistivity.resistivity",
    "openmr.transport.resistivity.relative_resistivity",
)
_entry = partial(
    Entry,
    section=SECTION,
    code=RHO,
    residual=deviation,
    tolerance=ROUNDING,
    because="over the largest element; rounding times the growth through the film, at most e^5",
)
ENTRIES = [
    _entry(
        equation="B4 Einstein",
        statement="Diffusion coefficient and conductivity",
        latex=r"\mathcal D = \sigma_D/(2\nu_Fe^2)",
        code=("openmr.sample.film.Film", "openmr.units.free_electron_dos"),
        printed=_einstein,
        reference=_drifting_gas,
        tolerance=1e-7,
        because="relative; square of the step in energy",
        route="<v_z^2> tau against Drude's n e^2 tau/m, free electrons counted in shells",
        note="nu_F is that of one spin.",
    ),
    _entry(
        equation="B24",
        statement="Charge current: drift and inverse spin Hall effect",
        latex=r"\mathbf j_c = (1 - 2\theta_{SH}^2)\sigma_D\mathbf E"
        r" + \sum_a\theta_{SH}\hat a\times(-\mathcal D\nabla\mu_s^a)",
        corrected_latex=r"\mathbf j_c = (1 - 2\theta_{SH}^2)\sigma_D\mathbf E"
        r" + \sum_a\theta_{SH}\hat a\times\left(-\frac{\sigma_D}{2e}\nabla\mu_s^a\right)",
        printed=_current_printed,
        corrected=current,
        reference=_current_densities,
        because="over the largest component; rounding",
        route="inverse effect on the whole spin current, drift and diffusion",
        note="D grad mu is no current density; sigma_D/2e = e nu_F D of (82) and (B9) belongs "
        "there, so the printed term is off by the number that e nu_F is in the units at hand. "
        "1 - 2 theta^2 is the inverse effect on the drift spin current, the sum of a x (a x E).",
    ),
    Entry(
        equation="B25",
        section=SECTION,
        statement="Longitudinal current: average over the thickness",
        latex=r"J_L = \frac{1}{d_Z}\int_0^{d_Z}dz\,j_c^x(z, y)",
        code=RHO,
        note="d_Z is d_N of the other equations.",
    ),
    Entry(
        equation="B26",
        section=SECTION,
        statement="Transverse current: average over the thickness",
        latex=r"J_T = \frac{1}{d_Z}\int_0^{d_Z}dz\,j_c^y(z, y)",
        code=RHO,
    ),
    _entry(
        equation="B27",
        statement="Longitudinal current from the accumulation at the faces and from the modes",
        latex=r"\frac{J_L}{J_{L0}} = 1 - 2\theta_{SH}^2 - \theta_{SH}^2\frac{\sigma_D}{2d_N}"
        r"\left[\frac{\mu_{s2}(d_N)}{ej_{sH}^0} - \frac{\mu_{s2}(0)}{ej_{sH}^0}\right]"
        r" = 1 - 2\theta_{SH}^2 - \theta_{SH}^2\sum_\nu\mathcal E_{2\nu}"
        r"\mathcal E^{-1}_{\nu2}\zeta_\nu",
        printed=_longitudinal_current,
        reference=forward,
        route=QUADRATURE,
        note="j_sH^0 is J_SH.",
    ),
    _entry(
        equation="B28",
        statement="Transverse current from the accumulation at the faces and from the modes",
        latex=r"\frac{J_T}{J_{L0}} = +\theta_{SH}^2\frac{\sigma_D}{2d_N}"
        r"\left[\frac{\mu_{s1}(d_N)}{ej_{sH}^0} - \frac{\mu_{s1}(0)}{ej_{sH}^0}\right]"
        r" = +\theta_{SH}^2\sum_\nu\mathcal E_{1\nu}\mathcal E^{-1}_{\nu2}\zeta_\nu",
        printed=_transverse_current,
        reference=sideways,
        route=QUADRATURE,
    ),
    _entry(
        equation="B29",
        statement="What a mode carries back",
        latex=r"\zeta_\nu = -\frac{2\ell_\nu}{d_N}\tanh\frac{d_N}{2\ell_\nu}",
        code=("openmr.transport.diffusion.surviving_fraction",),
        printed=zeta,
        reference=_mean_slopes,
        route="mean slope of one mode between its faces, by its propagator",
        note="The text says that it depends on mixing conductances alone; none is in it, only the "
        "length of the mode over the thickness.",
    ),
]
