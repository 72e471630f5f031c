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
from openmr.reports.ledger.spin_diffusion import COUNTED, SECTION
from openmr.transport.surviving import surviving_fraction

_DEPTHS = (0.0, 0.3, 0.85)  # over d


class Solution(NamedTuple):
    """Accumulation mu(z), taken apart into numpy's modes; indices from 1."""

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
    length, vectors = m.length[1:], m.vectors[1:, 1:]
    bottom, top = (m.inverse[1:, 1:] @ mu(z) for z in (0.0, f.d))
    A = 0.5 * (top - bottom * np.exp(-f.d / length)) / np.sinh(f.d / length)
    B = bottom - A
    # the part that decays from z = 0 is propagated on its own, and so is the rest
    slope_sh = at(f.matrix, f.d, vectors @ (B - A), -vectors @ ((B - A) / length))[1]
    slope_ch = at(f.matrix, f.d, vectors @ (2 * A), np.zeros(3))[1]
    flow, hall = 0.5 * f.sigma * slope_ch, -0.5 * f.sigma * slope_sh / (f.e * f.J_SH)
    counted = (np.append(np.nan, values) for values in (A, B, flow, hall))
    return Solution(f, mu, m.length, m.vectors, m.inverse, *counted)


@cache
def _solutions() -> list[Solution]:
    """By propagation of the three components."""
    return [_solution(f, lambda z, f=f: spin_profile(f, z)[0]) for f in films()]


def _shipped(values: Callable[..., Any]) -> tuple[Formula, ...]:
    """The same quantity of the accumulation that the package finds, by both its methods."""

    def by(method: str) -> Formula:
        def judged(s: Solution, *depth: float) -> Any:
            f = s.film
            return values(_solution(f, lambda z: accumulation(f, z, method)), *depth)

        return judged

    return by("matrix"), by("closed-form")


def _everywhere(values: Callable[[Solution, float], Any]) -> Pairs:
    """A quantity at some depths."""
    return [((s, x * s.film.d), values(s, x * s.film.d)) for s in _solutions() for x in _DEPTHS]


def _per_mode(values: Callable[[Solution], Any]) -> Pairs:
    """One number for each mode, or component."""
    return [((s,), values(s)) for s in _solutions()]


def _whole(s: Solution, z: float) -> Array:
    """Accumulation."""
    return s.mu(z)


def _decaying(s: Solution, z: float) -> ComplexArray:
    """Its part that decays from z = 0."""
    return np.asarray(s.E[1:, 1:] @ ((s.B - s.A)[1:] * np.exp(-z / s.l[1:])))


def _growing(s: Solution, z: float) -> ComplexArray:
    """The rest."""
    return np.asarray(s.mu(z) - _decaying(s, z))


# --- (B11)-(B15) -----------------------------------------------------------------------------


def ansatz(s: Solution, z: float) -> Any:
    """Eq. (B11)."""
    return [
        sum(
            s.A[n] * s.E[i, n] * np.exp(+z / s.l[n]) + s.B[n] * s.E[i, n] * np.exp(-z / s.l[n])
            for n in COUNTED
        )
        for i in COUNTED
    ]


def _source(s: Solution) -> Any:
    """Sigma times the slope at z = 0 of the settled spins."""
    return s.film.sigma * spin_profile(s.film, 0.0)[1]


def _source_in_modes(s: Solution) -> Any:
    """Left-hand side of Eq. (B12)."""
    weights = s.film.sigma / s.l * (s.A - s.B)
    return [sum(weights[n] * s.E[i, n] for n in COUNTED) for i in COUNTED]


def _source_given(s: Solution) -> Any:
    """Right-hand side of Eq. (B12)."""
    return [-(i == 2) * 2 * s.film.e * s.film.J_SH for i in COUNTED]


def _amplitudes(s: Solution) -> Any:
    """Left-hand side of Eq. (B13)."""
    return (s.A - s.B)[1:] / (2 * s.film.e * s.film.J_SH)


def difference(s: Solution) -> Any:
    """Right-hand side of Eq. (B13)."""
    return [-s.E_inv[n, 2] * s.l[n] / s.film.sigma for n in COUNTED]


def _growing_part(s: Solution, z: float) -> Any:
    """Eq. (B14)."""
    return [sum(s.A[n] * s.E[i, n] * 2 * np.cosh(z / s.l[n]) for n in COUNTED) for i in COUNTED]


def _decaying_part(s: Solution, z: float) -> Any:
    """Eq. (B15)."""
    e, J_SH, sigma = s.film.e, s.film.J_SH, s.film.sigma
    return [
        2
        * e
        * J_SH
        * sum(s.E[i, n] * s.E_inv[n, 2] * s.l[n] / sigma * np.exp(-z / s.l[n]) for n in COUNTED)
        for i in COUNTED
    ]


# --- (B16)-(B20) -----------------------------------------------------------------------------


def _mode_conductance(sigma: float, length: complex, d: float) -> complex:
    """(sigma/2) mu'(d) / mu(d) of one mode with mu'(0) = 0, by propagation."""
    across = propagator(np.array([[length**-2]]), d)
    return complex(0.5 * sigma * across[1, 0] / across[0, 0])


def _conductances() -> Pairs:
    """Of every mode."""
    given = [(s.film.sigma, s.l[n], s.film.d) for s in _solutions() for n in COUNTED]
    return [(mode, _mode_conductance(*mode)) for mode in given]


def conductance(sigma: float, length: complex, d: float) -> Any:
    """Eq. (B17)."""
    return sigma / (2 * length) * np.tanh(d / length)


def _conductance_of_two(sigma: float, length: complex, d: float) -> Any:
    """Half of what the package lets a film of twice the thickness keep."""
    return 0.5 * sigma * d / length**2 * surviving_fraction(2 * d, length**-2)


def _g(s: Solution, n: int) -> complex:
    """g_nu of one mode, found by propagation."""
    return _mode_conductance(s.film.sigma, s.l[n], s.film.d)


def _even_flow(s: Solution) -> Any:
    """Left-hand side of Eqs. (B16), (B18)."""
    return s.flow[1:]


def _decaying_flow(s: Solution) -> Any:
    """Left-hand side of Eq. (B19)."""
    return s.hall[1:]


def _flow_of_modes(s: Solution) -> Any:
    """Left-hand side of Eq. (B20)."""
    return [s.A[n] * _g(s, n) * 2 * np.cosh(s.film.d / s.l[n]) for n in COUNTED]


def _flow(s: Solution) -> Any:
    """Right-hand side of Eq. (B16)."""
    d = s.film.d
    return [
        sum(s.E[i, n] * s.A[n] * _g(s, n) * 2 * np.cosh(d / s.l[n]) for n in COUNTED)
        for i in COUNTED
    ]


def _flow_parts(s: Solution) -> Any:
    """Right-hand side of Eq. (B18)."""
    e, J_SH = s.film.e, s.film.J_SH
    return [-(i == 2) * e * J_SH + e * J_SH * s.hall[i] for i in COUNTED]


def _hall_current(s: Solution) -> Any:
    """Eq. (B19)."""
    d = s.film.d
    return [sum(s.E[i, n] * s.E_inv[n, 2] * np.exp(-d / s.l[n]) for n in COUNTED) for i in COUNTED]


def _projected_flow(s: Solution) -> Any:
    """Right-hand side of Eq. (B20)."""
    return [sum(s.E_inv[n, i] * s.flow[i] for i in COUNTED) for n in COUNTED]


# --- (B21)-(B23) -----------------------------------------------------------------------------


def _inverse_G(s: Solution) -> Any:
    """Eq. (B22)."""
    d, sigma = s.film.d, s.film.sigma
    return [
        1 / _g(s, n) * (1 / np.cosh(d / s.l[n]) - 1) - 2 * s.l[n] / sigma * np.exp(-d / s.l[n])
        for n in COUNTED
    ]


def _inverse_G_found(s: Solution) -> Any:
    """Coefficient of cosh(z/l) / cosh(d/l) over that of the source."""
    source = s.film.e * s.film.J_SH * s.E_inv[1:, 2]
    return 2 * s.A[1:] * np.cosh(s.film.d / s.l[1:]) / source


def _growing_solved(s: Solution, z: float) -> Any:
    """Eq. (B21) with (B22), times e J_SH."""
    G_inv = dict(zip(COUNTED, _inverse_G(s), strict=True))
    d, e, J_SH = s.film.d, s.film.e, s.film.J_SH
    return [
        e
        * J_SH
        * sum(
            s.E[i, n] * s.E_inv[n, 2] * G_inv[n] * np.cosh(z / s.l[n]) / np.cosh(d / s.l[n])
            for n in COUNTED
        )
        for i in COUNTED
    ]


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

ENTRIES = [
    _entry(
        equation="B11",
        statement="Accumulation as a sum of modes that grow and decay",
        latex=r"\mu_{si}(z) = \sum_\nu A_\nu\mathcal E_{i\nu}e^{+z/\ell_\nu}"
        r" + B_\nu\mathcal E_{i\nu}e^{-z/\ell_\nu}",
        printed=ansatz,
        shipped=_shipped(_whole),
        reference=partial(_everywhere, _whole),
        note="Two amplitudes per mode from value and slope at z = 0 give every other depth.",
    ),
    _entry(
        equation="B12",
        statement="Face at z = 0 in terms of the amplitudes",
        latex=r"\sum_\nu\frac{\sigma_D}{\ell_\nu}(A_\nu - B_\nu)\mathcal E_{i\nu}"
        r" = -\delta_{i2}2eJ_{SH}",
        printed=_source_given,
        shipped=(_source_in_modes, *_shipped(_source_in_modes)),
        reference=partial(_per_mode, _source),
    ),
    _entry(
        equation="B13",
        statement="Difference of the two amplitudes",
        latex=r"\frac{A_\nu}{2eJ_{SH}} - \frac{B_\nu}{2eJ_{SH}}"
        r" = -\mathcal E^{-1}_{\nu2}\frac{\ell_\nu}{\sigma_D}",
        printed=difference,
        shipped=_shipped(_amplitudes),
        reference=partial(_per_mode, _amplitudes),
    ),
    _entry(
        equation="B14",
        statement="Part of the accumulation that is even about z = 0",
        latex=r"\mu^{ch}_{si}(z) = \sum_\nu A_\nu\mathcal E_{i\nu}2\cosh(z/\ell_\nu)",
        printed=_growing_part,
        shipped=_shipped(_growing),
        reference=partial(_everywhere, _growing),
    ),
    _entry(
        equation="B15",
        statement="Part of the accumulation that decays from z = 0",
        latex=r"\mu^{sH}_{si}(z) = 2eJ_{SH}\sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"\frac{\ell_\nu}{\sigma_D}e^{-z/\ell_\nu}",
        printed=_decaying_part,
        shipped=_shipped(_decaying),
        reference=partial(_everywhere, _decaying),
    ),
    _entry(
        equation="B16",
        statement="Slope of the even part at z = d",
        latex=r"ej^b_{si} = \sum_\nu\mathcal E_{i\nu}A_\nu g_\nu2\cosh(d_N/\ell_\nu)",
        printed=_flow,
        shipped=_shipped(_even_flow),
        reference=partial(_per_mode, _even_flow),
    ),
    _entry(
        equation="B17",
        statement="Conductance of a mode",
        latex=r"g_\nu = \frac{\sigma_D}{2\ell_\nu}\tanh\frac{d_N}{\ell_\nu}",
        code=("openmr.transport.diffusion.surviving_fraction",),
        printed=conductance,
        shipped=(_conductance_of_two,),
        reference=_conductances,
        route="slope over value at z = d of one mode, by its propagator",
    ),
    _entry(
        equation="B18",
        statement="Two sources of the even part's slope",
        latex=r"ej^b_{si} = -\delta_{i2}eJ_{SH} + ej_{si}",
        printed=_flow_parts,
        shipped=_shipped(_even_flow),
        reference=partial(_per_mode, _even_flow),
    ),
    _entry(
        equation="B19",
        statement="What the decaying part sends to z = d",
        latex=r"\frac{j_{si}}{J_{SH}} = \sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"e^{-d_N/\ell_\nu}",
        printed=_hall_current,
        shipped=_shipped(_decaying_flow),
        reference=partial(_per_mode, _decaying_flow),
    ),
    _entry(
        equation="B20",
        statement="Amplitudes from the slope at z = d",
        latex=r"A_\nu g_\nu2\cosh(d_N/\ell_\nu) = \sum_i\mathcal E^{-1}_{\nu i}ej^b_{si}",
        printed=_projected_flow,
        shipped=_shipped(_flow_of_modes),
        reference=partial(_per_mode, _flow_of_modes),
    ),
    _entry(
        equation="B21",
        statement="Even part of the accumulation, solved",
        latex=r"\frac{\mu^{ch}_{si}(z)}{eJ_{SH}} = \sum_\nu\mathcal E_{i\nu}"
        r"\mathcal E^{-1}_{\nu2}G^{-1}_\nu\frac{\cosh(z/\ell_\nu)}{\cosh(d_N/\ell_\nu)}",
        printed=_growing_solved,
        shipped=_shipped(_growing),
        reference=partial(_everywhere, _growing),
    ),
    _entry(
        equation="B22",
        statement="Strength of the even part",
        latex=r"G^{-1}_\nu = g^{-1}_\nu\left[\mathrm{sech}(d_N/\ell_\nu) - 1\right]"
        r" - 2\frac{\ell_\nu}{\sigma_D}e^{-d_N/\ell_\nu}",
        printed=_inverse_G,
        shipped=_shipped(_inverse_G_found),
        reference=partial(_per_mode, _inverse_G_found),
    ),
    _entry(
        equation="B23",
        statement="Spin accumulation across the film",
        latex=r"\frac{\mu_{si}(z)}{eJ_{SH}} = \sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"\left[G^{-1}_\nu\frac{\cosh(z/\ell_\nu)}{\cosh(d_N/\ell_\nu)}"
        r" + 2\frac{\ell_\nu}{\sigma_D}e^{-z/\ell_\nu}\right]",
        printed=_total,
        shipped=_shipped(_whole),
        reference=partial(_everywhere, _whole),
        note="Its sign is that of (B9), not of (82).",
    ),
]
