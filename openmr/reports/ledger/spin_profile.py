"""Spin accumulation across the film, mode by mode, Eqs. (B11)-(B23)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import ComplexArray
from openmr.reports.ledger.deviations import ROUNDING, Pairs, deviation
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.film_problem import Film, at, films, modes, propagator, spin_profile
from openmr.reports.ledger.spin_diffusion import COUNTED, SECTION

_DEPTHS = (0.0, 0.3, 0.85)  # over d


class Solution(NamedTuple):
    """Accumulation found by propagation, taken apart into numpy's modes; indices from 1."""

    film: Film
    l: ComplexArray  # noqa: E741
    E: ComplexArray
    E_inv: ComplexArray
    A: ComplexArray
    B: ComplexArray
    flow: ComplexArray  # (sigma/2) d mu_ch/dz at d, of the part that is even about z = 0
    hall: ComplexArray  # -(sigma/2) d mu_sH/dz at d, over e J_SH


@cache
def _solutions() -> list[Solution]:
    """Value and slope at z = 0 projected on the modes."""
    found = []
    for f in films():
        m = modes(f.matrix, f.b)
        value, slope = spin_profile(f, 0.0)
        together, apart = (np.append(np.nan, m.inverse[1:, 1:] @ v) for v in (value, slope))
        apart = apart * m.length
        A, B = 0.5 * (together + apart), 0.5 * (together - apart)
        # the part that decays from z = 0 is propagated on its own
        decaying = m.vectors[1:, 1:] @ (B - A)[1:]
        falling = -(m.vectors[1:, 1:] @ ((B - A)[1:] / m.length[1:]))
        slope_sh = at(f.matrix, f.d, decaying, falling)[1]
        slope_ch = spin_profile(f, f.d)[1] - slope_sh
        flow, hall = 0.5 * f.sigma * slope_ch, -0.5 * f.sigma * slope_sh / (f.e * f.J_SH)
        found.append(
            Solution(
                f,
                m.length,
                m.vectors,
                m.inverse,
                A,
                B,
                np.append(np.nan, flow),
                np.append(np.nan, hall),
            )
        )
    return found


def _decaying(s: Solution, z: float) -> ComplexArray:
    """The part of the profile that falls off from z = 0."""
    weights = (s.B - s.A)[1:] * np.exp(-z / s.l[1:])
    return np.asarray(s.E[1:, 1:] @ weights)


@cache
def whole() -> Pairs:
    """Accumulation at some depths."""
    return [
        ((s, x * s.film.d), spin_profile(s.film, x * s.film.d)[0])
        for s in _solutions()
        for x in _DEPTHS
    ]


@cache
def decaying() -> Pairs:
    """Its part that decays from z = 0."""
    return [((s, z), _decaying(s, z)) for (s, z), _ in whole()]


@cache
def _growing() -> Pairs:
    """The rest."""
    return [((s, z), mu - _decaying(s, z)) for (s, z), mu in whole()]


def _per_mode(values: Any) -> Pairs:
    """One number per mode."""
    return [((s,), values(s)[1:]) for s in _solutions()]


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


@cache
def sources() -> Pairs:
    """Sigma times the slope at z = 0 of the settled spins."""
    return [((s,), s.film.sigma * spin_profile(s.film, 0.0)[1]) for s in _solutions()]


def _source_both(s: Solution) -> Any:
    """Both sides of Eq. (B12)."""
    sigma, e, J_SH = s.film.sigma, s.film.e, s.film.J_SH
    return [
        [sum(sigma / s.l[n] * (s.A[n] - s.B[n]) * s.E[i, n] for n in COUNTED) for i in COUNTED],
        [-(i == 2) * 2 * e * J_SH for i in COUNTED],
    ]


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


@cache
def conductances() -> Pairs:
    """(sigma/2) mu'(d) / mu(d) of one mode with mu'(0) = 0, by propagation."""
    found: Pairs = []
    for s in _solutions():
        for n in COUNTED:
            across = propagator(np.array([[s.l[n] ** -2]]), s.film.d)
            g = 0.5 * s.film.sigma * across[1, 0] / across[0, 0]
            found.append(((s.film.sigma, s.l[n], s.film.d), g))
    return found


def conductance(sigma: float, length: complex, d: float) -> Any:
    """Eq. (B17)."""
    return sigma / (2 * length) * np.tanh(d / length)


def _g(s: Solution, n: int) -> complex:
    """g_nu of one mode, found by propagation."""
    known = _solutions()
    position = next(k for k, other in enumerate(known) if other is s)
    return complex(conductances()[3 * position + n - 1][1])


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
    e, J_SH = s.film.e, s.film.J_SH
    found = [2 * s.A[n] * np.cosh(s.film.d / s.l[n]) / (e * J_SH * s.E_inv[n, 2]) for n in COUNTED]
    return np.array([np.nan, *found])


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


def total(s: Solution, z: float) -> Any:
    """Eq. (B23) with (B22), times e J_SH."""
    G_inv = dict(zip(COUNTED, _inverse_G(s), strict=True))
    d, sigma, e, J_SH = s.film.d, s.film.sigma, s.film.e, s.film.J_SH
    return [
        e
        * J_SH
        * sum(
            s.E[i, n]
            * s.E_inv[n, 2]
            * (
                G_inv[n] * np.cosh(z / s.l[n]) / np.cosh(d / s.l[n])
                + 2 * s.l[n] / sigma * np.exp(-z / s.l[n])
            )
            for n in COUNTED
        )
        for i in COUNTED
    ]


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
        reference=whole,
        note="Two amplitudes per mode from value and slope at z = 0 give every other depth.",
    ),
    _entry(
        equation="B12",
        statement="Face at z = 0 in terms of the amplitudes",
        latex=r"\sum_\nu\frac{\sigma_D}{\ell_\nu}(A_\nu - B_\nu)\mathcal E_{i\nu}"
        r" = -\delta_{i2}2eJ_{SH}",
        printed=_source_both,
        reference=lambda: [(given, np.array([v, v])) for given, v in sources()],
    ),
    _entry(
        equation="B13",
        statement="Difference of the two amplitudes",
        latex=r"\frac{A_\nu}{2eJ_{SH}} - \frac{B_\nu}{2eJ_{SH}}"
        r" = -\mathcal E^{-1}_{\nu2}\frac{\ell_\nu}{\sigma_D}",
        printed=difference,
        reference=lambda: _per_mode(lambda s: (s.A - s.B) / (2 * s.film.e * s.film.J_SH)),
    ),
    _entry(
        equation="B14",
        statement="Part of the accumulation that is even about z = 0",
        latex=r"\mu^{ch}_{si}(z) = \sum_\nu A_\nu\mathcal E_{i\nu}2\cosh(z/\ell_\nu)",
        printed=_growing_part,
        reference=_growing,
    ),
    _entry(
        equation="B15",
        statement="Part of the accumulation that decays from z = 0",
        latex=r"\mu^{sH}_{si}(z) = 2eJ_{SH}\sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"\frac{\ell_\nu}{\sigma_D}e^{-z/\ell_\nu}",
        printed=_decaying_part,
        reference=decaying,
    ),
    _entry(
        equation="B16",
        statement="Slope of the even part at z = d",
        latex=r"ej^b_{si} = \sum_\nu\mathcal E_{i\nu}A_\nu g_\nu2\cosh(d_N/\ell_\nu)",
        printed=_flow,
        reference=lambda: _per_mode(lambda s: s.flow),
    ),
    _entry(
        equation="B17",
        statement="Conductance of a mode",
        latex=r"g_\nu = \frac{\sigma_D}{2\ell_\nu}\tanh\frac{d_N}{\ell_\nu}",
        printed=conductance,
        reference=conductances,
        route="slope over value at z = d of one mode, by its propagator",
    ),
    _entry(
        equation="B18",
        statement="Two sources of the even part's slope",
        latex=r"ej^b_{si} = -\delta_{i2}eJ_{SH} + ej_{si}",
        printed=_flow_parts,
        reference=lambda: _per_mode(lambda s: s.flow),
    ),
    _entry(
        equation="B19",
        statement="What the decaying part sends to z = d",
        latex=r"\frac{j_{si}}{J_{SH}} = \sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"e^{-d_N/\ell_\nu}",
        printed=_hall_current,
        reference=lambda: _per_mode(lambda s: s.hall),
    ),
    _entry(
        equation="B20",
        statement="Amplitudes from the slope at z = d",
        latex=r"A_\nu g_\nu2\cosh(d_N/\ell_\nu) = \sum_i\mathcal E^{-1}_{\nu i}ej^b_{si}",
        printed=_projected_flow,
        reference=lambda: _per_mode(
            lambda s: np.array(
                [np.nan] + [s.A[n] * _g(s, n) * 2 * np.cosh(s.film.d / s.l[n]) for n in COUNTED]
            )
        ),
    ),
    _entry(
        equation="B21",
        statement="Even part of the accumulation, solved",
        latex=r"\frac{\mu^{ch}_{si}(z)}{eJ_{SH}} = \sum_\nu\mathcal E_{i\nu}"
        r"\mathcal E^{-1}_{\nu2}G^{-1}_\nu\frac{\cosh(z/\ell_\nu)}{\cosh(d_N/\ell_\nu)}",
        printed=_growing_solved,
        reference=_growing,
    ),
    _entry(
        equation="B22",
        statement="Strength of the even part",
        latex=r"G^{-1}_\nu = g^{-1}_\nu\left[\mathrm{sech}(d_N/\ell_\nu) - 1\right]"
        r" - 2\frac{\ell_\nu}{\sigma_D}e^{-d_N/\ell_\nu}",
        printed=_inverse_G,
        reference=lambda: _per_mode(_inverse_G_found),
    ),
    _entry(
        equation="B23",
        statement="Spin accumulation across the film",
        latex=r"\frac{\mu_{si}(z)}{eJ_{SH}} = \sum_\nu\mathcal E_{i\nu}\mathcal E^{-1}_{\nu2}"
        r"\left[G^{-1}_\nu\frac{\cosh(z/\ell_\nu)}{\cosh(d_N/\ell_\nu)}"
        r" + 2\frac{\ell_\nu}{\sigma_D}e^{-z/\ell_\nu}\right]",
        printed=total,
        reference=whole,
        note="Its sign is that of (B9), not of (82).",
    ),
]
