"""Spin diffusion and resistivity of the package for a film of the ledger, in the ledger's units.

"axial" is the closed form for two equal transverse rates, "matrix" the function of the 3x3 tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from openmr._checks import Array
from openmr.rates.axes import film_tensor
from openmr.reports.ledger.film_problem import NM, Film
from openmr.sample import film as sample_film
from openmr.transport.diffusion import Method, SpinProfile, graded_profile, profile
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import Resistivity, mechanisms, resistivity
from openmr.transport.surviving import (
    longitudinal_length,
    squared_argument,
    surviving_fraction,
    transverse_decay,
)

Answer = Callable[..., Any]


def film_of(f: Film) -> sample_film.Film:
    """The sample's film at the spin Hall angle of `f`."""
    return replace(f.rates.sample.film, spin_hall_angle=f.theta)


def matrix(f: Film) -> Array:
    """Gamma / D in axes of the film."""
    return squared_argument(film_of(f), film_tensor(f.rates, f.b)) / (0.5 * f.d) ** 2


# --- resistivity -----------------------------------------------------------------------------


def solved(f: Film, way: str = "axial", **options: Any) -> Resistivity:
    """By one of the two ways."""
    # a field across b, be it zero, is what the closed form cannot take
    rates = f.rates if way == "axial" else replace(f.rates, precession_across=np.zeros(2))
    return resistivity(film_of(f), rates, f.b, **options)


def longitudinal(f: Film) -> Any:
    """rho_L over rho_L0, Eqs. (86), (93), (B38)."""
    return solved(f).longitudinal / film_of(f).resistivity


def transverse(f: Film) -> Any:
    """rho_yx over rho_L0, Eqs. (87), (94), (B39)."""
    return solved(f).transverse / film_of(f).resistivity


def transverse_printed(f: Film, way: str = "axial") -> Any:
    """rho_yx with the precession as printed."""
    return solved(f, way, precession_sign="printed").transverse / film_of(f).resistivity


def transverse_mended(way: str, f: Film) -> Any:
    """The same for the opposite b, which changes nothing but the sense of the precession."""
    return transverse_printed(f._replace(b=-f.b), way)


def drho0(f: Film) -> Any:
    """Eqs. (88), (95)."""
    return solved(f).drho0 / film_of(f).resistivity


def drho1(f: Film) -> Any:
    """Eqs. (89), (96)."""
    return solved(f).drho1 / film_of(f).resistivity


def drho2(f: Film) -> Any:
    """Eqs. (90), (97)."""
    return solved(f).drho2 / film_of(f).resistivity


def by_matrix(name: str) -> Answer:
    """A number of `resistivity` over rho_L0, by the function of the matrix."""
    return lambda f: getattr(solved(f, "matrix"), name) / film_of(f).resistivity


def sum_of_mechanisms(f: Film) -> Any:
    """rho_L, mechanism by mechanism."""
    return mechanisms(film_of(f), f.rates, f.b).total / film_of(f).resistivity


def by_the_whole_line(f: Film) -> Any:
    """rho_L from the sample on."""
    sample, rates = replace(f.rates.sample, film=film_of(f)), f.rates
    found = magnetoresistance(sample, rates.temperature, rates.field, f.b)
    return found.longitudinal / film_of(f).resistivity


def kept_along(f: Film) -> Any:
    """(2 l/d) tanh(d/2l) with the length along b."""
    film = film_of(f)
    return surviving_fraction(film.thickness, longitudinal_length(film, f.rates) ** -2)


def kept_across(f: Film) -> Any:
    """The same with the complex length across b."""
    return surviving_fraction(film_of(f).thickness, transverse_decay(film_of(f), f.rates))


def conductivity(f: Film, way: str) -> Array:
    """2x2 conductivity over sigma_D, from the resistivity for currents along x and along y."""
    aside = f._replace(b=np.array([f.b[1], -f.b[0], f.b[2]]))
    x, y = (solved(g, way, order="exact") for g in (f, aside))
    rho = np.array([[x.longitudinal, -y.transverse], [x.transverse, y.longitudinal]])
    return np.asarray(np.linalg.inv(rho) * film_of(f).resistivity)


# --- profile ---------------------------------------------------------------------------------


def accumulation(method: Method, f: Film, z: float) -> Array:
    """Mu at depth z for E along x, by a method of `profile`."""
    film = film_of(f)
    depth = min(z / NM, film.thickness)
    found = profile(film, f.rates, f.b, depth=depth, electric_field=f.E * NM, method=method)
    return np.asarray(f.e * found.accumulation[0])


def _matrix_profile(f: Film, method: Method = "matrix") -> SpinProfile:
    film = film_of(f)
    depth = np.linspace(0, film.thickness, 201)
    return profile(film, f.rates, f.b, depth=depth, electric_field=f.E * NM, method=method)


def _mode_profile(f: Film) -> SpinProfile:
    return _matrix_profile(f, "closed-form")


def _grid_profile(f: Film) -> SpinProfile:
    tensor = film_tensor(f.rates, f.b)

    def rates(z: Array) -> Array:
        if not 0 <= z[0] <= z[-1] <= film_of(f).thickness:
            raise ValueError(f"asked for rates at depths of {z[0]:g} to {z[-1]:g} m")
        return np.broadcast_to(tensor, (len(z), 3, 3))

    return graded_profile(film_of(f), rates, electric_field=f.E * NM, rtol=1e-10)


def faces_on_a_grid(f: Film) -> tuple[Array, Array]:
    """Mu at z = 0 and z = d, by collocation."""
    found = _grid_profile(f)
    return f.e * found.accumulation[0], f.e * found.accumulation[-1]


def _unbalanced(solve: Callable[[Film], SpinProfile], side: int, f: Film, slope: Array) -> Array:
    """Spin current that is not accounted for at a face where the spins settle with `slope`.

    Diffusion at the face against that of the settled spins, and d/100 away the sum of spin Hall
    current and diffusion against the current that the profile holds.
    """
    found = solve(f)
    away = np.abs(found.depth - found.depth[-side])
    near = [int(np.argmin(np.abs(away - k * away.max() / 200))) for k in range(5)]
    z, mu = found.depth[near] * NM, f.e * found.accumulation[near]
    current = f.sigma * film_of(f).resistivity / NM * found.current[near]
    t, powers = (z - z[0]) / (z[4] - z[0]), np.arange(1, 5)
    coefficients = np.linalg.solve(np.vander(t, increasing=True), mu)[1:]
    slopes = (powers * t[:, None] ** (powers - 1)) @ coefficients / (z[4] - z[0])
    diffusing = -f.sigma / (2 * f.e) * np.array([slope - slopes[0], slopes[2]])
    return diffusing - np.outer([0, 1], current[2] + f.J_SH * np.array([0.0, 1.0, 0.0]))


def at_face(side: int) -> tuple[Answer, ...]:
    """Imbalance of every profile of the package at the face z = 0 (side 0) or z = d (side 1)."""

    def leak(solve: Callable[[Film], SpinProfile]) -> Answer:
        return lambda f, slope: _unbalanced(solve, side, f, slope)

    return leak(_matrix_profile), leak(_mode_profile), leak(_grid_profile)
