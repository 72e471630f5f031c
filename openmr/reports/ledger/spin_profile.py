"""Spin accumulation across the film, mode by mode, Eqs. (B11)-(B23)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.reports.ledger.deviations import ROUNDING, Pairs, deviation
from openmr.reports.ledger.entries import Entry, Formula
from openmr.reports.ledger.film_problem import Film, at, films, modes, propagator, spin_profile
from openmr.reports.ledger.shipped_film import accumulation
from openmr.reports.ledger.spin_diffusion import SECTION
from openmr.transport.diffusion import Method
from openmr.transport.surviving import surviving_fraction

_Y = np.array([0.0, 1.0, 0.0])
_DEPTHS = (0.0, 0.3, 0.85)  # over d


class Solution(NamedTuple):
    """Accumulation mu(z), taken apart into numpy's modes."""

    film: Film
    mu: Callable[[float], Array]
    l: ComplexArray  # noqa: E741
    E: ComplexArray
    E_inv: ComplexArray
    A: ComplexArray
    B: ComplexArray
    flow: ComplexArray  # (sigma/2) d mu_ch/dz at d, of the part that is even about z = 0
    hall: ComplexArray  # -(sigma/2) d mu_sH/dz at d, over e J_SH


def _solution(f: Film, mu: Callable[[float], Array]) -> Solution:
    """Accumulation at both faces projected on the modes."""
    m = modes(f.matrix, f.b)
    bottom, top = (m.inverse @ mu(z) for z in (0.0, f.d))
    A = 0.5 * (top - bottom * np.exp(-f.d / m.length)) / np.sinh(f.d / m.length)
    B = bottom - A
    # the part that decays from z = 0 is propagated on its own, and so is the rest
    decaying, falling = m.vectors @ (B - A), -m.vectors @ ((B - A) / m.length)
    slope_sh = at(f.matrix, f.d, decaying, falling)[1]
    slope_ch = at(f.matrix, f.d, m.vectors @ (2 * A), np.zeros(3))[1]
    flow, hall = 0.5 * f.sigma * slope_ch, -0.5 * f.sigma * slope_sh / (f.e * f.J_SH)
    return Solution(f, mu, m.length, m.vectors, m.inverse, A, B, flow, hall)


@cache
def _solutions() -> list[Solution]:
    """By propagation of the three components."""
    return [_solution(f, partial(_propagated, f)) for f in films()]


def _propagated(f: Film, z: float) -> Array:
    return spin_profile(f, z)[0]


def _shipped(values: Formula) -> tuple[Formula, ...]:
    """The same quantity of the accumulation that the package finds, by both its methods."""

    def by(method: Method) -> Formula:
        found = partial(accumulation, method)
        return lambda s, *depth: values(_solution(s.film, partial(found, s.film)), *depth)

    return by("matrix"), by("closed-form")


def _decaying(s: Solution, z: float) -> ComplexArray:
    return np.asarray(s.E @ ((s.B - s.A) * np.exp(-z / s.l)))


def _growing(s: Solution, z: float) -> ComplexArray:
    return np.asarray(s.mu(z) - _decaying(s, z))


# --- (B11)-(B15) -----------------------------------------------------------------------------


def _ansatz(s: Solution, z: float) -> Any:
    """Eq. (B11)."""
    return s.E @ (s.A * np.exp(+z / s.l) + s.B * np.exp(-z / s.l))


def _source(s: Solution) -> Any:
    """Sigma times the slope at z = 0 of the settled spins."""
    return s.film.sigma * spin_profile(s.film, 0.0)[1]


def _source_in_modes(s: Solution) -> Any:
    """Left-hand side of Eq. (B12)."""
    return s.E @ (s.film.sigma / s.l * (s.A - s.B))


def _source_given(s: Solution) -> Any:
    """Right-hand side of Eq. (B12)."""
    return -2 * s.film.e * s.film.J_SH * _Y


def _amplitudes(s: Solution) -> Any:
    """Left-hand side of Eq. (B13)."""
    return (s.A - s.B) / (2 * s.film.e * s.film.J_SH)


def _difference(s: Solution) -> Any:
    """Right-hand side of Eq. (B13)."""
    return -s.E_inv @ _Y * s.l / s.film.sigma


def _growing_part(s: Solution, z: float) -> Any:
    """Eq. (B14)."""
    return s.E @ (s.A * 2 * np.cosh(z / s.l))


def _decaying_part(s: Solution, z: float) -> Any:
    """Eq. (B15)."""
    amplitudes = s.E_inv @ _Y * s.l / s.film.sigma
    return 2 * s.film.e * s.film.J_SH * s.E @ (amplitudes * np.exp(-z / s.l))


# --- (B16)-(B20) -----------------------------------------------------------------------------


def _mode_conductance(sigma: float, length: complex, d: float) -> complex:
    """(sigma/2) mu'(d) / mu(d) of one mode with mu'(0) = 0, by propagation."""
    across = propagator(np.array([[length**-2]]), d)
    return complex(0.5 * sigma * across[1, 0] / across[0, 0])


def _conductances() -> Pairs:
    """The conductance of every mode."""
    given = [(s.film.sigma, length, s.film.d) for s in _solutions() for length in s.l]
    return [(mode, _mode_conductance(*mode)) for mode in given]


def _conductance(sigma: float, length: complex, d: float) -> Any:
    """Eq. (B17)."""
    return sigma / (2 * length) * np.tanh(d / length)


def _conductance_of_two(sigma: float, length: complex, d: float) -> Any:
    """Half of what the package lets a film of twice the thickness keep."""
    return 0.5 * sigma * d / length**2 * surviving_fraction(2 * d, length**-2)


def _g(s: Solution) -> ComplexArray:
    """g_nu, found by propagation."""
    return np.array([_mode_conductance(s.film.sigma, length, s.film.d) for length in s.l])


def _flow(s: Solution) -> Any:
    """Right-hand side of Eq. (B16)."""
    return s.E @ _flow_of_modes(s)


def _flow_of_modes(s: Solution) -> Any:
    """Left-hand side of Eq. (B20)."""
    return s.A * _g(s) * 2 * np.cosh(s.film.d / s.l)


def _flow_parts(s: Solution) -> Any:
    """Right-hand side of Eq. (B18)."""
    return -s.film.e * s.film.J_SH * _Y + s.film.e * s.film.J_SH * s.hall


def _hall_current(s: Solution) -> Any:
    """Eq. (B19)."""
    return s.E @ (s.E_inv @ _Y * np.exp(-s.film.d / s.l))


def _projected_flow(s: Solution) -> Any:
    """Right-hand side of Eq. (B20)."""
    return s.E_inv @ s.flow


# --- (B21)-(B23) -----------------------------------------------------------------------------


def _inverse_G(s: Solution) -> Any:
    """Eq. (B22)."""
    d, sigma = s.film.d, s.film.sigma
    return 1 / _g(s) * (1 / np.cosh(d / s.l) - 1) - 2 * s.l / sigma * np.exp(-d / s.l)


def _inverse_G_found(s: Solution) -> Any:
    """Coefficient of cosh(z/l) / cosh(d/l) over that of the source."""
    return 2 * s.A * np.cosh(s.film.d / s.l) / (s.film.e * s.film.J_SH * (s.E_inv @ _Y))


def _growing_solved(s: Solution, z: float) -> Any:
    """Eq. (B21) with (B22), times e J_SH."""
    shape = np.cosh(z / s.l) / np.cosh(s.film.d / s.l)
    return s.film.e * s.film.J_SH * s.E @ (s.E_inv @ _Y * _inverse_G(s) * shape)


def _total(s: Solution, z: float) -> Any:
    """Eq. (B23) with (B22), times e J_SH: (B21) and (B15) together."""
    return np.add(_growing_solved(s, z), _decaying_part(s, z))


_PROPAGATED = "boundary-value problem by its propagator, taken apart into numpy's modes"
_entry = partial(
    Entry,
    section=SECTION,
    code=("openmr.transport.diffusion.profile",),
    residual=deviation,
    tolerance=ROUNDING,
    because="over the largest component; rounding times the growth through the film, at most e^5",
    route=_PROPAGATED,
)


def _found(values: Formula, *depths: float) -> dict[str, Any]:
    """Reference and shipped forms of a quantity, at depths over d if it has one."""

    def reference() -> Pairs:
        given: list[tuple[Any, ...]] = [(s,) for s in _solutions()]
        if depths:
            given = [(s, z * s.film.d) for (s,) in given for z in depths]
        return [(each, values(*each)) for each in given]

    return {"reference": reference, "shipped": _shipped(values)}


ENTRIES = [
    _entry(
        equation="B11",
        statement="Accumulation as a sum of modes that grow and decay",
        latex=r"\mu_{si}(z) = \sum_\nu A_\nu\mathcal E_{i\nu}e^{+z/\ell_\nu}"
        r" + B_\nu\mathcal E_{i\nu}e^{-z/\ell_\nu}",
        printed=_ansatz,
        **_found(lambda s, z: s.mu(z), *_DEPTHS),
        note="Two amplitudes per mode from the values at both faces give every depth between.",
    ),
    _entry(
        equation="B12",
        statement="Face at z = 0 in terms of the amplitudes",
        latex=r"\sum_\nu\frac{\sigma_D}{\ell_\nu}(A_\nu - B_\nu)\mathcal E_{i\nu}"
        r" = -\delta_{i2}2eJ_{SH}",
        printed=_source_given,
        shipped=(_source_in_modes, *_shipped(_source_in_modes)),
        reference=lambda: [((s,), _source(s)) for s in _solutions()],
    ),
    _entry(
        equation="B13",
        statement="Difference of the two amplitudes",
        latex=r"\frac{A_\nu}{2eJ_{SH}} - \frac{B_\nu}{2eJ_{SH}}"
        r" = -\mathcal E^{-1}_{\nu2}\frac{\ell_\nu}{\sigma_D}",
        printed=_difference,
        **_found(_amplitudes),
    ),
    _entry(
        equation="B14",
        statement="Part of the accumulation that is even about z = 0",
        latex=r"\mu^{ch}_{si}(z) = \sum_\nu A_\nu\mathcal E_{i\nu}2\cosh(z/\ell_\nu)",
        printed=_growing_part,
        **_found(_growing, *_DEPTHS),
    ),
    _entry(
        equation="B15",
        statement="Part of the accumulation that decays from z = 0",
        latex=r"\mu^{sH}_{si}(z) = 2eJ_{SH}\sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"\frac{\ell_\nu}{\sigma_D}e^{-z/\ell_\nu}",
        printed=_decaying_part,
        **_found(_decaying, *_DEPTHS),
    ),
    _entry(
        equation="B16",
        statement="Slope of the even part at z = d",
        latex=r"ej^b_{si} = \sum_\nu\mathcal E_{i\nu}A_\nu g_\nu2\cosh(d_N/\ell_\nu)",
        printed=_flow,
        **_found(lambda s: s.flow),
    ),
    _entry(
        equation="B17",
        statement="Conductance of a mode",
        latex=r"g_\nu = \frac{\sigma_D}{2\ell_\nu}\tanh\frac{d_N}{\ell_\nu}",
        code=("openmr.transport.diffusion.surviving_fraction",),
        printed=_conductance,
        shipped=(_conductance_of_two,),
        reference=_conductances,
        route="slope over value at z = d of one mode, by its propagator",
    ),
    _entry(
        equation="B18",
        statement="Two sources of the even part's slope",
        latex=r"ej^b_{si} = -\delta_{i2}eJ_{SH} + ej_{si}",
        printed=_flow_parts,
        **_found(lambda s: s.flow),
    ),
    _entry(
        equation="B19",
        statement="What the decaying part sends to z = d",
        latex=r"\frac{j_{si}}{J_{SH}} = \sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"e^{-d_N/\ell_\nu}",
        printed=_hall_current,
        **_found(lambda s: s.hall),
    ),
    _entry(
        equation="B20",
        statement="Amplitudes from the slope at z = d",
        latex=r"A_\nu g_\nu2\cosh(d_N/\ell_\nu) = \sum_i\mathcal E^{-1}_{\nu i}ej^b_{si}",
        printed=_projected_flow,
        **_found(_flow_of_modes),
    ),
    _entry(
        equation="B21",
        statement="Even part of the accumulation, solved",
        latex=r"\frac{\mu^{ch}_{si}(z)}{eJ_{SH}} = \sum_\nu\mathcal E_{i\nu}"
        r"\mathcal E^{-1}_{\nu2}G^{-1}_\nu\frac{\cosh(z/\ell_\nu)}{\cosh(d_N/\ell_\nu)}",
        printed=_growing_solved,
        **_found(_growing, *_DEPTHS),
    ),
    _entry(
        equation="B22",
        statement="Strength of the even part",
        latex=r"G^{-1}_\nu = g^{-1}_\nu\left[\mathrm{sech}(d_N/\ell_\nu) - 1\right]"
        r" - 2\frac{\ell_\nu}{\sigma_D}e^{-d_N/\ell_\nu}",
        printed=_inverse_G,
        **_found(_inverse_G_found),
    ),
    _entry(
        equation="B23",
        statement="Spin accumulation across the film",
        latex=r"\frac{\mu_{si}(z)}{eJ_{SH}} = \sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"\left[G^{-1}_\nu\frac{\cosh(z/\ell_\nu)}{\cosh(d_N/\ell_\nu)}"
        r" + 2\frac{\ell_\nu}{\sigma_D}e^{-z/\ell_\nu}\right]",
        printed=_total,
        **_found(lambda s, z: s.mu(z), *_DEPTHS),
        note="Its sign is that of (B9), not of (82).",
    ),
]
