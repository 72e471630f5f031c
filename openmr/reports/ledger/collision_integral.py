"""The one-body collision integral, Eqs. (21)-(28)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.bath import correlators
from openmr.bath.correlators import PAULI
from openmr.models import scattering
from openmr.reports.ledger import long_formulas
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.one_body import Kinetic, many_body_rate
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Few,
    density,
    few_electrons,
    filling,
    gaussian,
    largest,
    many_body_state,
    relative,
    scattered,
    time_nodes,
    without_mean_field,
)

_SECTION = "III A. From many- to one-body master equation"
SUMS = "relative to the largest element; rounding of sums over labels and times"


# --- (21), (22) -------------------------------------------------------------------------------


class _OneBody(NamedTuple):
    """Few electrons, their one-body density matrix and its rate of change."""

    few: Few
    rho: ComplexArray
    change: ComplexArray


@cache
def free_electrons() -> _OneBody:
    """Traces over Fock space for free electrons, less the disconnected term of (A16)."""
    few, rho = few_electrons(), filling()
    return _OneBody(few, rho, without_mean_field(few, rho).total)


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
    bar, away, total = np.eye(len(rho)) - rho, r.k[:, None] - r.k, np.zeros_like(rho)
    for n1 in range(len(r.sites)):
        for n2 in range(len(r.sites)):
            first = np.exp(-1j * away * r.sites[n1]) * r.sigma[n1]
            second = np.exp(-1j * away * r.sites[n2]) * r.sigma[n2]
            early, late = r.minus[n2, n1] * second, r.plus[n1, n2] * second
            total = total + first @ rho @ early @ bar - rho @ early @ bar @ first
            total = total + bar @ late @ rho @ first - first @ bar @ late @ rho
    return np.asarray(total / r.volume**2)


class _Holes(NamedTuple):
    """A one-body density matrix, and Tr[f_2 f_1^+ state]."""

    rho: ComplexArray
    holes: ComplexArray


@cache
def holes() -> _Holes:
    """Traces over Fock space for any state."""
    few, state = few_electrons(), many_body_state()
    blocked = np.einsum("aij,bkj,ki->ab", few.f, few.f.conj(), state)
    return _Holes(density(few, state), blocked)


def blocking(rho: ComplexArray) -> ComplexArray:
    """Eqs. (22), (A18)."""
    return np.asarray(np.eye(len(rho)) - rho)


# --- (23), (24) -------------------------------------------------------------------------------


def populations(k: Kinetic) -> ComplexArray:
    """Eq. (23), solved for the rate of change."""
    free = 1j / k.hbar * np.diag(k.rho @ k.h0 - k.h0 @ k.rho)
    mean = 1j / k.hbar * np.diag(k.rho @ k.vm - k.vm @ k.rho)
    return np.asarray(free + mean + np.diag(k.collision))


class _Coherent(NamedTuple):
    """States with coherences of several sizes; moments at places that average the phases."""

    sizes: tuple[float, ...]
    states: tuple[ComplexArray, ...]
    bands: tuple[scattering.Scattering, ...]
    same_momentum: Array
    same_spin: Array


@cache
def coherences() -> _Coherent:
    """Three orbitals, moments at five places: their phases sum to zero unless k = k'."""
    momenta, energies = np.arange(3.0), np.array([-1.1, -0.9, -0.1, 0.1, 0.9, 1.1])
    transform = scattering.thermal_transform(correlators.moment_correlator(0.5, 1.3))
    places = 2 * np.pi * np.arange(5) / 5
    bands = tuple(
        scattering.Scattering(energies, scattering.plane_waves(momenta, r, 0.1), transform)
        for r in places
    )
    off = np.zeros((6, 6), dtype=complex)
    for a, b, value in ((0, 2, 1.0), (2, 4, 0.7j), (1, 3, -0.4), (1, 5, 0.6j)):
        off[a, b], off[b, a] = value, np.conj(value)
    sizes = (0.04, 0.02, 0.01)
    kept: ComplexArray = np.diag([0.8 + 0j, 0.6, 0.5, 0.3, 0.2, 0.4])
    orbital, spin = np.repeat(np.arange(3), 2), np.tile([0, 1], 3)
    return _Coherent(
        sizes=sizes,
        states=tuple(kept + size * off for size in sizes),
        bands=bands,
        same_momentum=(orbital[:, None] == orbital).astype(float),
        same_spin=(spin[:, None] == spin).astype(float),
    )


def diagonal(c: _Coherent, rho: ComplexArray) -> ComplexArray:
    """Eq. (24)."""
    return np.asarray(c.same_spin * c.same_momentum * rho)


def _diagonal_residual(formula: Formula, c: _Coherent) -> float:
    def rate(rho: ComplexArray) -> Array:
        total = sum(scattering.one_body_collision(rho, band) for band in c.bands)
        return np.asarray(np.diag(total).real)

    errors = [largest(rate(formula(c, rho)) - rate(rho)) for rho in c.states]
    return abs(order_of_error(c.sizes, errors) - 2.0)


# --- (25) -------------------------------------------------------------------------------


class _Occupied(NamedTuple):
    """Populations, and their rate of change for free electrons in Fock space."""

    few: Few
    p: Array
    density: float  # n_S, moments over volume
    change: ComplexArray


@cache
def occupied(moments: int) -> _Occupied:
    """Two moments that interact, or three that do not; nothing moves populations but (A17)."""
    few, p = few_electrons(moments), np.array([0.8, 0.3, 0.55, 0.1])
    _, parts = scattered(few, gaussian(np.diag(p)))
    number = 3 if moments == 1 else 1
    return _Occupied(few, p, number / few.volume, number * np.diag(parts.total))


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


def _population_rate(r: Few, p: Array) -> ComplexArray:
    """Eq. (25) with one occupied and one empty state in each term."""
    q, total = 1 - p, np.zeros(len(p), dtype=complex)
    for a, b in np.ndindex(len(p), len(p)):
        for n1, n2 in np.ndindex(len(r.sites), len(r.sites)):
            here = np.exp(-1j * (r.k[a] - r.k[b]) * (r.sites[n1] - r.sites[n2]))
            back = np.exp(-1j * (r.k[a] - r.k[b]) * (r.sites[n2] - r.sites[n1]))
            first = here * r.sigma[n1][a, b] * r.sigma[n2][b, a]
            second = back * r.sigma[n2][a, b] * r.sigma[n1][b, a]
            gain = r.minus[n2, n1, b, a] * first + r.plus[n1, n2, a, b] * second
            loss = r.minus[n2, n1, a, b] * second + r.plus[n1, n2, b, a] * first
            total[a] = total[a] + gain * p[b] * q[a] - loss * p[a] * q[b]
    return np.asarray(total / r.volume**2)


# --- (26)-(28) --------------------------------------------------------------------------------


class _HalfSided(NamedTuple):
    """A correlator in time, and its transforms from its lines."""

    frequencies: Array
    times: Array  # tau > 0
    weights: Array
    eta: float
    later: ComplexArray  # D(tau)
    sooner: ComplexArray  # D(-tau)
    lines: correlators.CorrelatorLines


@cache
def half_sided() -> _HalfSided:
    """A moment of spin 1; exp(-eta tau) is down to 1e-15 at the end."""
    eta, lines = 0.7, correlators.moment_correlator(1.0, 1.3)
    times, weights = time_nodes(50.0, 240)
    return _HalfSided(
        frequencies=np.linspace(-2.0, 2.0, 5),
        times=times,
        weights=weights,
        eta=eta,
        later=correlators.moment_correlation(1.0, 1.3, times),
        sooner=correlators.moment_correlation(1.0, 1.3, -times),
        lines=lines,
    )


def forward(h: _HalfSided, omega: float) -> ComplexArray:
    """Eqs. (26), (A9) by quadrature."""
    wave = h.weights * np.exp(1j * omega * h.times - h.eta * h.times)
    return np.asarray(np.tensordot(wave, h.later, axes=1))


def backward(h: _HalfSided, omega: float) -> ComplexArray:
    """Eqs. (27), (A10) by quadrature over tau = -times."""
    wave = h.weights * np.exp(1j * omega * -h.times + h.eta * -h.times)
    return np.asarray(np.tensordot(wave, h.sooner, axes=1))


def half_sided_residual(sign: float) -> Any:
    """Deviation of a half-sided transform from the resolvent of every line; -1 for Eq. (27)."""

    def residual(formula: Formula, h: _HalfSided) -> float:
        off = h.frequencies[:, None] - h.lines.frequencies
        exact = np.einsum("wl,lab->wab", 1 / (h.eta - sign * 1j * off), h.lines.weights)
        return relative([formula(h, float(w)) for w in h.frequencies], exact)

    return residual


def _spin_element_printed(sigma: ComplexArray, states: ComplexArray, to: int, _: int) -> complex:
    """Text below Eq. (27) as printed: sigma' on both sides."""
    return complex(states[to].conj() @ sigma @ states[to])


def _spin_element(sigma: ComplexArray, states: ComplexArray, to: int, start: int) -> complex:
    """<sigma'|sigma^nu|sigma>: from sigma to sigma'."""
    return complex(states[to].conj() @ sigma @ states[start])


def interference(r: Few, n1: int, n2: int, a: int, b: int) -> complex:
    """Eq. (28) with a = k sigma, b = k' sigma'."""
    phase = np.exp(-1j * (r.k[a] - r.k[b]) * (r.sites[n1] - r.sites[n2]))
    return complex(r.minus[n2, n1, b, a] * phase)


def _interference_residual(formula: Formula, few: Few) -> float:
    """Against the couplings' own elements, in which the places are points of a grid."""
    found, expected = [], []
    for n1, n2, a, b in np.ndindex(6, 6, 4, 4):
        spins = few.sigma[n1, a, b] * few.sigma[n2, b, a]
        found.append(formula(few, n1, n2, a, b) * spins / few.volume**2)
        expected.append(few.minus[n2, n1, b, a] * few.V[n1, a, b] * few.V[n2, b, a])
    return relative(found, expected)


_BARS = (
    "Three of the four terms carry a bar too many: they would let an electron leave an empty "
    "state. (A22) and (34) have the bars right, and the scan sets bars, hats and checks at random "
    "elsewhere (as on the argument of J), so it is taken for the scan's."
)

_entry = partial(Entry, section=_SECTION, tolerance=ROUNDING, because="relative; rounding")

ENTRIES = [
    _entry(
        equation="21",
        statement="One-body collision integral with Pauli blocking",
        latex=long_formulas.matrix_integral(rho=r"\bar\varrho", argument=r"\bar\varrho"),
        corrected_latex=long_formulas.matrix_integral(),
        code=("openmr.models.scattering.one_body_collision", "openmr.models.fock.collision_parts"),
        printed=_collision_printed,
        corrected=collision,
        scan=True,
        reference=free_electrons,
        residual=lambda formula, r: relative(formula(r.few, r.rho), r.change),
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
        code=("openmr.models.scattering.one_body_collision", "openmr.models.fock.blocked_pairs"),
        printed=blocking,
        reference=holes,
        residual=lambda formula, h: relative(formula(h.rho), h.holes),
        route="Tr[f_2 f_1^+ state] in Fock space",
    ),
    _entry(
        equation="23",
        statement="Equation of motion of the populations",
        latex=r"\frac{\partial}{\partial t}\varrho_{\mathbf k}^\sigma(t)"
        r" - \frac i\hbar[\varrho(t), \hat{\mathcal H}_0^e]_{\mathbf k\mathbf k}^{\sigma\sigma}"
        r" - \frac i\hbar[\varrho(t), \hat{\mathcal V}_m]_{\mathbf k\mathbf k}^{\sigma\sigma}"
        r" = \mathcal J_{\mathbf k}^\sigma(\hat\varrho)",
        code=("openmr.models.scattering.evolve_density", "openmr.models.fermi_kinetics.collision"),
        printed=populations,
        reference=many_body_rate,
        residual=lambda formula, k: relative(formula(k), np.diag(k.change)),
        because="relative; rounding in Fock space",
        route="commutators and traces in Fock space",
    ),
    _entry(
        equation="24",
        statement="Diagonal density matrix",
        latex=r"\varrho_{\mathbf k_2\mathbf k_1}^{\sigma_2\sigma_1}\simeq"
        r"\delta_{\sigma_2\sigma_1}\delta_{\mathbf k_1\mathbf k_2}\varrho_{\mathbf k_1}^{\sigma_1}",
        code=("openmr.models.scattering.golden_rule", "openmr.models.fermi_kinetics.Sea"),
        printed=diagonal,
        reference=coherences,
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
        code=("openmr.models.scattering.golden_rule", "openmr.models.fermi_kinetics.collision"),
        printed=_population_rate_printed,
        corrected=_population_rate,
        scan=True,
        reference=lambda: occupied(2),
        residual=lambda formula, o: relative(formula(o.few, o.p), o.change),
        because=SUMS,
        route="traces in Fock space, free electrons beside two coupled moments",
        note=_BARS,
    ),
    _entry(
        equation="26",
        statement="Half-sided transform of the correlator, later times",
        latex=r"\mathcal D_{n_1n_2}^+(\omega) = \int_0^{+\infty}d\tau\,e^{+i\omega\tau-\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.models.scattering.thermal_transform", "openmr.models.scattering.Scattering"),
        printed=forward,
        reference=half_sided,
        residual=half_sided_residual(1.0),
        because="relative; the integrand is cut at exp(-35)",
        route="resolvent of every line of the moment's spectrum",
    ),
    _entry(
        equation="27",
        statement="Half-sided transform of the correlator, earlier times",
        latex=r"\mathcal D_{n_1n_2}^-(\omega) = \int_{-\infty}^0 d\tau\,e^{+i\omega\tau+\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.models.scattering.Scattering", "openmr.models.scattering.adjoint"),
        printed=backward,
        reference=half_sided,
        residual=half_sided_residual(-1.0),
        because="relative; the integrand is cut at exp(-35)",
        route="resolvent of every line of the moment's spectrum",
    ),
    _entry(
        equation="27 text",
        statement="Element of the spin between two spin states, text below (27)",
        latex=r"\sigma_{\sigma'\sigma}^\nu = \langle\sigma'|\sigma^\nu|\sigma'\rangle",
        corrected_latex=r"\sigma_{\sigma'\sigma}^\nu = \langle\sigma'|\sigma^\nu|\sigma\rangle",
        code=("openmr.models.fermi_kinetics.processes", "openmr.bath.spin_matrices"),
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
        code=("openmr.models.clusters.interference", "openmr.models.scattering.plane_waves"),
        printed=interference,
        reference=few_electrons,
        residual=_interference_residual,
        route="elements of delta functions on a ring of places, discrete Fourier transform",
        note="Averaged over the Fermi sphere the phase is (sin k_F R / k_F R)^2, docs/clusters.md.",
    ),
]
