"""The one-body collision integral, Eqs. (21)-(28)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.bath import correlators
from openmr.bath.correlators import PAULI, spin_matrices
from openmr.bath.transforms import half_sided
from openmr.models import fock, scattering
from openmr.reports.ledger import long_formulas
from openmr.reports.ledger.deviations import Pairs, deviation
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.one_body import kinetic, many_body_rate
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Few,
    density,
    engine,
    few_electrons,
    filling,
    gaussian,
    largest,
    many_body_state,
    relative,
    scattered,
    thermal,
    without_mean_field,
)

_SECTION = "III A. From many- to one-body master equation"
SUMS = "relative to the largest element; rounding of sums over labels and times"


# --- (21), (22) -------------------------------------------------------------------------------


@cache
def _free_electrons() -> Pairs:
    """Traces over Fock space for free electrons, less the disconnected term of (A16)."""
    few, rho = few_electrons(), filling()
    return [((few, rho), without_mean_field(few, rho).total)]


def _collision_printed(r: Few, rho: ComplexArray) -> ComplexArray:
    """Eq. (21) as printed; 1 - rho where the print has a bar."""
    bar, away, total = np.eye(len(rho)) - rho, r.k[:, None] - r.k, np.zeros_like(rho)
    for n1 in range(len(r.sites)):
        for n2 in range(len(r.sites)):
            first = np.exp(-1j * away * r.sites[n1]) * r.sigma[n1]
            second = np.exp(-1j * away * r.sites[n2]) * r.sigma[n2]
            early, late = r.minus[n2, n1] * second, r.plus[n1, n2] * second
            total = total + first @ bar @ early @ bar - rho @ early @ bar @ first
            total = total + bar @ late @ bar @ first - first @ bar @ late @ bar
    return np.asarray(total / r.volume**2)


def collision(r: Few, rho: ComplexArray) -> ComplexArray:
    """Eq. (21) with the bars of Eq. (A22): each term has one rho and one 1 - rho."""
    return scattering.one_body_collision(rho, engine(r))


def collision_parts(r: Few, rho: ComplexArray) -> ComplexArray:
    """Eq. (21) as what a state of free electrons does, less the disconnected term."""
    parts = fock.collision_parts(fock.gaussian_state(rho), engine(r))
    return np.asarray(parts.exact - parts.disconnected)


@cache
def _holes() -> Pairs:
    """Tr[f_2 f_1^+ state], traces over Fock space for any state."""
    few, state = few_electrons(), many_body_state()
    return [((density(few, state),), np.einsum("aij,bkj,ki->ab", few.f, few.f.conj(), state))]


def _blocking(rho: ComplexArray) -> ComplexArray:
    """Eqs. (22), (A18): the holes in (1 - rho)_23 rho_41."""
    return np.asarray(np.einsum("abca->bc", fock.blocked_pairs(rho)) / np.trace(rho))


# --- (23), (24) -------------------------------------------------------------------------------


def _populations(*given: Any) -> ComplexArray:
    """Eq. (23), solved for the rate of change."""
    return np.diag(kinetic(*given))


def _gain_less_loss(rates: Array, p: Array) -> Array:
    """Eq. (25) with one occupied and one empty state in each term."""
    q = 1 - p
    return np.asarray(q * (rates @ p) - p * (q @ rates))


class _Coherent(NamedTuple):
    """States with coherences of several sizes, and the rates of their populations."""

    sizes: tuple[float, ...]
    states: tuple[ComplexArray, ...]
    bands: tuple[scattering.Scattering, ...]
    rates: tuple[Array, ...]


@cache
def _coherences() -> _Coherent:
    """Three orbitals, moments at five places: their phases sum to zero unless k = k'."""
    momenta, energies = np.arange(3.0), np.array([-1.1, -0.9, -0.1, 0.1, 0.9, 1.1])
    transform = scattering.thermal_transform(correlators.moment_correlator(0.5, 1.3))
    bands = tuple(
        scattering.Scattering(energies, scattering.plane_waves(momenta, r, 0.1), transform)
        for r in 2 * np.pi * np.arange(5) / 5
    )
    off = np.zeros((6, 6), dtype=complex)
    for a, b, value in ((0, 2, 1.0), (2, 4, 0.7j), (1, 3, -0.4), (1, 5, 0.6j)):
        off[a, b], off[b, a] = value, np.conj(value)
    sizes = (0.04, 0.02, 0.01)
    kept: ComplexArray = np.diag([0.8 + 0j, 0.6, 0.5, 0.3, 0.2, 0.4])
    states = tuple(kept + size * off for size in sizes)
    rates = (sum(scattering.one_body_collision(rho, b) for b in bands) for rho in states)
    return _Coherent(sizes, states, bands, tuple(np.diag(rate).real for rate in rates))


def _diagonal(rho: ComplexArray, band: scattering.Scattering) -> Array:
    """Eq. (24): rates of the populations from the populations alone."""
    return _gain_less_loss(scattering.golden_rule(band), np.diag(rho).real)


def _diagonal_residual(formula: Formula, c: _Coherent) -> float:
    errors = [
        largest(sum(formula(rho, band) for band in c.bands) - rates)
        for rho, rates in zip(c.states, c.rates, strict=True)
    ]
    return order_of_error(c.sizes, errors)


# --- (25) -------------------------------------------------------------------------------


@cache
def occupied(moments: int) -> Pairs:
    """Change of populations by two moments that interact, or of a single one; nothing but (A17)."""
    few, p = few_electrons(moments), np.array([0.8, 0.3, 0.55, 0.1])
    return [((few, p), np.diag(scattered(few, gaussian(np.diag(p)))[1].total))]


def _population_rate_printed(r: Few, p: Array) -> ComplexArray:
    """Eq. (25) as printed; minus[.., b, a] is D-(w_a^b), plus[.., a, b] is D+(w_a^b)."""
    q, total = 1 - p, np.zeros(len(p), dtype=complex)
    for a, b in np.ndindex(len(p), len(p)):
        for n1, n2 in np.ndindex(len(r.sites), len(r.sites)):
            phase = np.exp(-1j * (r.k[a] - r.k[b]) * (r.sites[n1] - r.sites[n2]))
            first = r.sigma[n1][a, b] * r.sigma[n2][b, a] * phase
            second = r.sigma[n2][a, b] * r.sigma[n1][b, a] * phase.conj()
            total[a] += r.minus[n2, n1, b, a] * first * q[b] * q[a]
            total[a] -= r.minus[n2, n1, a, b] * second * p[a] * q[b]
            total[a] += r.plus[n1, n2, a, b] * second * q[a] * q[b]
            total[a] -= r.plus[n1, n2, b, a] * first * q[b] * q[a]
    return np.asarray(total / r.volume**2)


def _population_rate(r: Few, p: Array) -> Array:
    """Eq. (25) by the golden rule."""
    return _gain_less_loss(scattering.golden_rule(engine(r)), p)


# --- (26)-(28) --------------------------------------------------------------------------------


@cache
def _half_sided(sign: int) -> Pairs:
    """Transform of D(tau) exp(-eta tau) of a spin 1 by the resolvent of every line; D- for -1."""
    eta, frequencies, spin = 0.7, np.linspace(-2.0, 2.0, 5), spin_matrices(1.0)
    state, levels = thermal(1.3 * spin[2]), 1.3 * np.array([1.0, 0.0, -1.0])
    bohr = levels[:, None] - levels
    lines = np.einsum("aij,bji,ii->abij", spin, spin, state)  # exp(+i bohr tau)

    def later(times: Array) -> ComplexArray:
        waves = np.exp((1j * bohr - eta) * times[..., None, None])
        return np.asarray(np.einsum("abij,...ij->...ab", lines, waves))

    off = frequencies[:, None, None] + bohr
    found = np.einsum("abij,wij->wab", lines, 1 / (eta - sign * 1j * off))
    return [((later, frequencies), found)]


def _forward(later: Callable[[Array], ComplexArray], frequencies: Array) -> ComplexArray:
    """Eqs. (26), (A9)."""
    return half_sided(later, frequencies, np.inf, rtol=ROUNDING).limit


def _backward(later: Callable[[Array], ComplexArray], frequencies: Array) -> ComplexArray:
    """Eqs. (27), (A10): D-(w) of Hermitian operators."""
    return scattering.adjoint(_forward(later, frequencies))


def _spin_element_printed(sigma: ComplexArray, states: ComplexArray, to: int, _: int) -> complex:
    """Text below Eq. (27) as printed: sigma' on both sides."""
    return complex(states[to].conj() @ sigma @ states[to])


def _spin_element(sigma: ComplexArray, states: ComplexArray, to: int, start: int) -> complex:
    """<sigma'|sigma^nu|sigma>: from sigma to sigma'."""
    return complex(states[to].conj() @ sigma @ states[start])


def _interference(r: Few, n1: int, n2: int) -> ComplexArray:
    """Eq. (28) at all k sigma, k' sigma', with the spins of Eq. (25)."""
    places = (scattering.plane_waves(r.k[::2], r.sites[n], 2.0 / r.volume)[n % 3] for n in (n1, n2))
    first, second = places
    return np.asarray(r.minus[n2, n1].T * first * second.T)


def _interference_residual(formula: Formula, few: Few) -> float:
    """Against elements in which the places are points of a grid."""
    found = [formula(few, n1, n2) for n1, n2 in np.ndindex(6, 6)]
    expected = np.einsum("mnba,nab,mba->nmab", few.minus, few.V, few.V)
    return relative(np.reshape(found, expected.shape), expected)


_BARS = "Three of four terms carry a bar too many: an electron would leave an empty state."

_entry = partial(
    Entry, section=_SECTION, residual=deviation, tolerance=ROUNDING, because="relative; rounding"
)

ENTRIES = [
    _entry(
        equation="21",
        statement="One-body collision integral with Pauli blocking",
        latex=long_formulas.matrix_integral(rho=r"\bar\varrho", argument=r"\bar\varrho"),
        corrected_latex=long_formulas.matrix_integral(),
        code=("openmr.models.scattering.one_body_collision", "openmr.models.fock.collision_parts"),
        printed=_collision_printed,
        corrected=collision,
        shipped=(collision_parts,),
        evidence="(A22) derives it with the bars in their places",
        reference=_free_electrons,
        because=SUMS,
        route="traces in Fock space, free electrons beside two coupled moments, less the "
        "disconnected term",
        note=_BARS,
    ),
    _entry(
        equation="22",
        statement="Pauli blocking: the density matrix of the holes",
        latex=r"\bar\varrho_{\mathbf k\mathbf k'}^{\sigma\sigma'} = "
        r"\delta_{\mathbf k\mathbf k'}\delta_{\sigma\sigma'}"
        r" - \varrho_{\mathbf k\mathbf k'}^{\sigma\sigma'}",
        code=("openmr.models.fock.blocked_pairs",),
        printed=_blocking,
        reference=_holes,
        route="Tr[f_2 f_1^+ state] in Fock space",
    ),
    _entry(
        equation="23",
        statement="Equation of motion of the populations",
        latex=r"\frac{\partial}{\partial t}\varrho_{\mathbf k}^\sigma(t)"
        r" - \frac i\hbar[\varrho(t), \hat{\mathcal H}_0^e]_{\mathbf k\mathbf k}^{\sigma\sigma}"
        r" - \frac i\hbar[\varrho(t), \hat{\mathcal V}_m]_{\mathbf k\mathbf k}^{\sigma\sigma}"
        r" = \mathcal J_{\mathbf k}^\sigma(\hat\varrho)",
        code=("openmr.models.fock.density", "openmr.models.fock.collision"),
        printed=_populations,
        reference=lambda: [(given, np.diag(change)) for given, change in many_body_rate()],
        because="relative; rounding in Fock space",
        route="commutators and traces in Fock space",
    ),
    _entry(
        equation="24",
        statement="Diagonal density matrix",
        latex=r"\varrho_{\mathbf k_2\mathbf k_1}^{\sigma_2\sigma_1}\simeq"
        r"\delta_{\sigma_2\sigma_1}\delta_{\mathbf k_1\mathbf k_2}\varrho_{\mathbf k_1}^{\sigma_1}",
        code=("openmr.models.scattering.golden_rule",),
        printed=_diagonal,
        reference=_coherences,
        residual=_diagonal_residual,
        tolerance=1e-6,
        because="distance of the slope from 2; the integral is quadratic in the density matrix and "
        "has no higher order",
        route="rates of the populations by the one-body integral with the whole density matrix",
        order=2.0,
        parameter="the coherences, with moments at all places",
        note="With a single moment at a known place the error is of first order: (24) is an "
        "average over places.",
    ),
    _entry(
        equation="25",
        statement="Collision integral of the populations",
        latex=long_formulas.population_integral(rho=r"\bar\varrho", argument=r"\bar\varrho"),
        corrected_latex=long_formulas.population_integral(),
        code=("openmr.models.scattering.golden_rule",),
        printed=_population_rate_printed,
        corrected=_population_rate,
        evidence="(34), this for moments that know nothing of each other, has the bars",
        reference=partial(occupied, 2),
        because=SUMS,
        route="traces in Fock space, free electrons beside two coupled moments",
        note=_BARS,
    ),
    _entry(
        equation="26",
        statement="Half-sided transform of the correlator, later times",
        latex=r"\mathcal D_{n_1n_2}^+(\omega) = \int_0^{+\infty}d\tau\,e^{+i\omega\tau-\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.bath.transforms.half_sided",),
        printed=_forward,
        reference=partial(_half_sided, 1),
        route="resolvent of every line of the moment's spectrum",
    ),
    _entry(
        equation="27",
        statement="Half-sided transform of the correlator, earlier times",
        latex=r"\mathcal D_{n_1n_2}^-(\omega) = \int_{-\infty}^0 d\tau\,e^{+i\omega\tau+\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.bath.transforms.half_sided", "openmr.models.scattering.adjoint"),
        printed=_backward,
        reference=partial(_half_sided, -1),
        route="resolvent of every line of the moment's spectrum",
    ),
    _entry(
        equation="27 text",
        statement="Element of the spin between two spin states, text below (27)",
        latex=r"\sigma_{\sigma'\sigma}^\nu = \langle\sigma'|\sigma^\nu|\sigma'\rangle",
        corrected_latex=r"\sigma_{\sigma'\sigma}^\nu = \langle\sigma'|\sigma^\nu|\sigma\rangle",
        printed=_spin_element_printed,
        corrected=_spin_element,
        reference=lambda: (PAULI, np.eye(2, dtype=complex)),
        residual=lambda formula, r: relative(
            [[[formula(s, r[1], a, b) for b in (0, 1)] for a in (0, 1)] for s in r[0]], r[0]
        ),
        route="spin matrices",
        note="As printed no scattering flips a spin.",
    ),
    _entry(
        equation="28",
        statement="Correlator of two moments with the phase that their places give",
        latex=r"\mathcal D_{n_2n_1}^-(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})"
        r"e^{-i(\mathbf k-\mathbf k')\cdot(\mathbf r_{i_1}-\mathbf r_{i_2})}",
        code=("openmr.models.scattering.plane_waves",),
        printed=_interference,
        reference=few_electrons,
        residual=_interference_residual,
        route="elements of delta functions on a ring of places, discrete Fourier transform",
        note="Averaged over the Fermi sphere the phase is (sin k_F R / k_F R)^2, docs/clusters.md.",
    ),
]
