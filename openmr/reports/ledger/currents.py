"""Charge current, Eqs. (B24)-(B29)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.reports.ledger import shipped_film
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
from openmr.reports.ledger.spin_diffusion import SECTION
from openmr.sample.film import Electrons
from openmr.transport.surviving import surviving_fraction
from openmr.units import ELECTRON_MASS, ELEMENTARY_CHARGE, HBAR

# --- D = sigma / (2 nu e^2) ------------------------------------------------------------------


@cache
def _drifting_gas() -> Pairs:
    """D = <v_z^2> tau by quadrature for an energy [eV], a mass and the resistivity of Drude."""
    energy, mass, tau = 1.7, 0.8, 2.3e-15
    kilograms = mass * ELECTRON_MASS
    speed = np.sqrt(2 * energy * ELEMENTARY_CHARGE / kilograms)
    cosine, weight = np.polynomial.legendre.leggauss(4)
    spread = float(0.5 * weight @ (speed * cosine) ** 2 * tau)
    # all electrons of both spins drift
    density = 2 * (kilograms * speed / (HBAR * ELEMENTARY_CHARGE)) ** 3 / (6 * np.pi**2)
    return [((energy, mass, kilograms / (density * ELEMENTARY_CHARGE**2 * tau)), spread)]


def _einstein(energy: float, mass: float, rho: float) -> Any:
    """D in the text below Eq. (B4)."""
    return Electrons.free(energy, mass).diffusion(rho)


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


@cache
def _through_the_film() -> list[tuple[tuple[Film, Array, Array], Array]]:
    """Weights and slopes for a quadrature over z, and the current that the faces drive.

    The integral of the slope is the difference of the accumulation at the faces.
    """
    points, weights = np.polynomial.legendre.leggauss(24)
    found = []
    for f in films():
        gradients = np.array([spin_profile(f, 0.5 * f.d * (1 + x))[1] for x in points])
        top, bottom = spin_profile(f, f.d)[0], spin_profile(f, 0.0)[0]
        drift = (1 - 2 * f.theta**2) * f.sigma * f.E * X
        back = f.theta * f.sigma / (2 * f.e * f.d) * np.cross(Z, np.eye(3)).T @ (top - bottom)
        found.append(((f, 0.5 * weights, gradients), drift + back))
    return found


def _average(f: Film, weights: Array, gradients: Array) -> Any:
    """Right-hand side of Eqs. (B25), (B26) with (B24)."""
    return weights @ [current(f, gradient, f.E * X) for gradient in gradients]


def _average_x(f: Film, weights: Array, gradients: Array) -> Any:
    """Eq. (B25)."""
    return _average(f, weights, gradients)[0]


def _average_y(f: Film, weights: Array, gradients: Array) -> Any:
    """Eq. (B26)."""
    return _average(f, weights, gradients)[1]


def _shipped_average(way: str, row: int) -> Any:
    """J_L (row 0) or J_T (row 1) by the package."""
    return lambda f, *_: f.sigma * f.E * shipped_film.conductivity(f, way)[row, 0]


# --- (B27)-(B29) -----------------------------------------------------------------------------


class Solved(NamedTuple):
    """Accumulation at both faces and numpy's modes; zeta is counted from 1."""

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
        zeta = [np.nan + 0j] + [_one_mode(length, f.d) for length in m.length]
        faces = (spin_profile(f, z)[0] for z in (0.0, f.d))
        found.append(Solved(f, m, np.array(zeta), *faces))
    return found


def _one_mode(length: complex, d: float) -> complex:
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
    f, rise = s.film, (s.top - s.bottom)[1] / (s.film.e * s.film.J_SH)
    shares = s.modes.vectors[1] * s.modes.inverse[:, 1]
    return [
        1 - 2 * f.theta**2 - f.theta**2 * f.sigma / (2 * f.d) * rise,
        1 - 2 * f.theta**2 - f.theta**2 * shares @ s.zeta[1:],
    ]


def _longitudinal_on_a_grid(s: Solved) -> Any:
    """The first line with the faces found by collocation."""
    bottom, top = shipped_film.faces_on_a_grid(s.film)
    return _longitudinal_current(s._replace(bottom=bottom, top=top))[0]


def _transverse_current(s: Solved) -> Any:
    """Both lines of Eq. (B28), over theta^2."""
    f, rise = s.film, (s.top - s.bottom)[0] / (s.film.e * s.film.J_SH)
    shares = s.modes.vectors[0] * s.modes.inverse[:, 1]
    return [+f.sigma / (2 * f.d) * rise, +shares @ s.zeta[1:]]


def longitudinal_current(s: Solved, way: str = "axial") -> Any:
    """J_L over J_L0 by the package, Eqs. (B27), (B36)."""
    return shipped_film.conductivity(s.film, way)[0, 0]


def transverse_current(s: Solved, way: str = "axial") -> Any:
    """J_T over theta^2 J_L0 by the package, Eqs. (B28), (B37)."""
    return shipped_film.conductivity(s.film, way)[1, 0] / s.film.theta**2


@cache
def _mean_slopes() -> Pairs:
    """Zeta of the modes of a film, also beside modes so long that (d/2l)^2 < 1e-3."""
    found: Pairs = []
    for s in solved():
        lengths, d = s.modes.length, s.film.d
        for given in (lengths, np.append(lengths, [20 * d, (16 + 3j) * d]), np.array([20 * d])):
            found.append(((given, d), np.array([_one_mode(length, d) for length in given])))
    return found


def zeta(length: Array, d: float) -> Any:
    """Eq. (B29)."""
    return -surviving_fraction(d, length**-2)


_WAYS = ("axial", "matrix")
_FACES = "accumulation at the faces, from the boundary-value problem by its propagator"
QUADRATURE = "quadrature of the current profile, from the boundary-value problem by its propagator"
EXACT = "inverse of the 2x2 conductivity, from the boundary-value problem by its propagator"
RHO = (
    "openmr.transport.resistivity.resistivity",
    "openmr.transport.resistivity.relative_resistivity",
    "openmr.transport.resistivity.second_order",
)
CONDUCTIVITY = (*RHO[:2], "openmr.transport.resistivity.conductivity")
entry = partial(
    Entry,
    section=SECTION,
    code=CONDUCTIVITY,
    residual=deviation,
    tolerance=ROUNDING,
    because="over the largest element; rounding times the growth through the film, at most e^5",
)
ENTRIES = [
    entry(
        equation="B4 Einstein",
        statement="Diffusion coefficient and conductivity",
        latex=r"\mathcal D = \sigma_D/(2\nu_Fe^2)",
        code=("openmr.units.free_electron_dos",),
        printed=_einstein,
        reference=_drifting_gas,
        because="relative; rounding",
        route="<v_z^2> tau against Drude's n e^2 tau/m of free electrons",
        note="nu_F is that of one spin.",
    ),
    entry(
        equation="B24",
        statement="Charge current: drift and inverse spin Hall effect",
        latex=r"\mathbf j_c = (1 - 2\theta_{SH}^2)\sigma_D\mathbf E"
        r" + \sum_a\theta_{SH}\hat a\times(-\mathcal D\nabla\mu_s^a)",
        corrected_latex=r"\mathbf j_c = (1 - 2\theta_{SH}^2)\sigma_D\mathbf E"
        r" + \sum_a\theta_{SH}\hat a\times\left(-\frac{\sigma_D}{2e}\nabla\mu_s^a\right)",
        printed=_current_printed,
        code=(),
        corrected=current,
        reference=_current_densities,
        because="over the largest component; rounding",
        route="inverse effect on the whole spin current, drift and diffusion",
        note="It decides what converts a slope of mu into charge, and the 2 of the drift; the "
        "package holds only the average over the thickness, (B25). D grad mu is no current "
        "density; sigma_D/2e = e nu_F D of (82) and (B9) belongs "
        "there, so the printed term is off by the number that e nu_F is in the units at hand. "
        "1 - 2 theta^2 is the inverse effect on the drift spin current, the sum of a x (a x E).",
    ),
    entry(
        equation="B25",
        statement="Longitudinal current: average over the thickness",
        latex=r"J_L = \frac{1}{d_Z}\int_0^{d_Z}dz\,j_c^x(z, y)",
        printed=_average_x,
        shipped=tuple(_shipped_average(way, 0) for way in _WAYS),
        reference=lambda: [(given, both[0]) for given, both in _through_the_film()],
        route=_FACES,
        note="That J_L is an average is a definition. It decides that the average of (B24), "
        "corrected, over z is what the accumulation at the faces drives, and what the package "
        "takes for it. d_Z is d_N of the other equations.",
    ),
    entry(
        equation="B26",
        statement="Transverse current: average over the thickness",
        latex=r"J_T = \frac{1}{d_Z}\int_0^{d_Z}dz\,j_c^y(z, y)",
        printed=_average_y,
        shipped=tuple(_shipped_average(way, 1) for way in _WAYS),
        reference=lambda: [(given, both[1]) for given, both in _through_the_film()],
        route=_FACES,
        note="As (B25), of the current along y for a field along x.",
    ),
    entry(
        equation="B27",
        statement="Longitudinal current from the accumulation at the faces and from the modes",
        latex=r"\frac{J_L}{J_{L0}} = 1 - 2\theta_{SH}^2 - \theta_{SH}^2\frac{\sigma_D}{2d_N}"
        r"\left[\frac{\mu_{s2}(d_N)}{ej_{sH}^0} - \frac{\mu_{s2}(0)}{ej_{sH}^0}\right]"
        r" = 1 - 2\theta_{SH}^2 - \theta_{SH}^2\sum_\nu\mathcal E_{2\nu}"
        r"\mathcal E^{-1}_{\nu2}\zeta_\nu",
        printed=_longitudinal_current,
        code=(*CONDUCTIVITY, "openmr.transport.diffusion.graded_profile"),
        shipped=(
            *(partial(longitudinal_current, way=way) for way in _WAYS),
            _longitudinal_on_a_grid,
        ),
        reference=forward,
        route=QUADRATURE,
        note="j_sH^0 is J_SH.",
    ),
    entry(
        equation="B28",
        statement="Transverse current from the accumulation at the faces and from the modes",
        latex=r"\frac{J_T}{J_{L0}} = +\theta_{SH}^2\frac{\sigma_D}{2d_N}"
        r"\left[\frac{\mu_{s1}(d_N)}{ej_{sH}^0} - \frac{\mu_{s1}(0)}{ej_{sH}^0}\right]"
        r" = +\theta_{SH}^2\sum_\nu\mathcal E_{1\nu}\mathcal E^{-1}_{\nu2}\zeta_\nu",
        printed=_transverse_current,
        shipped=tuple(partial(transverse_current, way=way) for way in _WAYS),
        reference=sideways,
        route=QUADRATURE,
    ),
    entry(
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
