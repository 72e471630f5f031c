"""The one-body collision integral and the Weiss field in it, Eqs. (21)-(34)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from openmr import bath, clusters, coupled_moments, scattering
from openmr._checks import Array
from openmr.bath import ComplexArray, spin_matrices
from openmr.ledger.entries import Entry, Formula, measured_order
from openmr.ledger.master_equation import Kinetic, many_body_rate
from openmr.ledger.small_systems import (
    PAULI,
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
    thermal,
    time_nodes,
    without_mean_field,
)
from openmr.units import K_B, MU_B

SECTION = "III A. From many- to one-body master equation"
SUMS = "relative to the largest element; rounding of sums over labels and times"


# --- (21), (22) -------------------------------------------------------------------------------


class OneBody(NamedTuple):
    """Few electrons, their one-body density matrix and its rate of change."""

    few: Few
    rho: ComplexArray
    change: ComplexArray


@cache
def free_electrons() -> OneBody:
    """Traces over Fock space for free electrons, less the disconnected term of (A16)."""
    few, rho = few_electrons(), filling()
    return OneBody(few, rho, without_mean_field(few, rho).total)


def collision_printed(r: Few, rho: ComplexArray) -> ComplexArray:
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


class Holes(NamedTuple):
    """A one-body density matrix, and Tr[f_2 f_1^+ state]."""

    rho: ComplexArray
    holes: ComplexArray


@cache
def holes() -> Holes:
    """Traces over Fock space for any state."""
    few, state = few_electrons(), many_body_state()
    blocked = np.einsum("aij,bkj,ki->ab", few.f, few.f.conj(), state)
    return Holes(density(few, state), blocked)


def blocking(rho: ComplexArray) -> ComplexArray:
    """Eqs. (22), (A18)."""
    return np.asarray(np.eye(len(rho)) - rho)


# --- (23), (24) -------------------------------------------------------------------------------


def populations(k: Kinetic) -> ComplexArray:
    """Eq. (23), solved for the rate of change."""
    free = 1j / k.hbar * np.diag(k.rho @ k.h0 - k.h0 @ k.rho)
    mean = 1j / k.hbar * np.diag(k.rho @ k.vm - k.vm @ k.rho)
    return np.asarray(free + mean + np.diag(k.collision))


class Coherent(NamedTuple):
    """States with coherences of several sizes; moments at places that average the phases."""

    sizes: tuple[float, ...]
    states: tuple[ComplexArray, ...]
    bands: tuple[scattering.Scattering, ...]
    same_momentum: Array
    same_spin: Array


@cache
def coherences() -> Coherent:
    """Three orbitals, moments at five places: their phases sum to zero unless k = k'."""
    momenta, energies = np.arange(3.0), np.array([-1.1, -0.9, -0.1, 0.1, 0.9, 1.1])
    transform = scattering.thermal_transform(bath.moment_correlator(0.5, 1.3))
    places = 2 * np.pi * np.arange(5) / 5
    bands = tuple(
        scattering.Scattering(energies, scattering.plane_waves(momenta, r, 0.1), transform)
        for r in places
    )
    off = np.zeros((6, 6), dtype=complex)
    for a, b, value in ((0, 2, 1.0), (2, 4, 0.7j), (1, 3, -0.4), (1, 5, 0.6j)):
        off[a, b], off[b, a] = value, np.conj(value)
    sizes = (0.04, 0.02, 0.01)
    kept = np.diag([0.8 + 0j, 0.6, 0.5, 0.3, 0.2, 0.4])
    orbital, spin = np.repeat(np.arange(3), 2), np.tile([0, 1], 3)
    return Coherent(
        sizes=sizes,
        states=tuple(kept + size * off for size in sizes),
        bands=bands,
        same_momentum=(orbital[:, None] == orbital).astype(float),
        same_spin=(spin[:, None] == spin).astype(float),
    )


def diagonal(c: Coherent, rho: ComplexArray) -> ComplexArray:
    """Eq. (24)."""
    return np.asarray(c.same_spin * c.same_momentum * rho)


def _diagonal_residual(formula: Formula, c: Coherent) -> float:
    def rate(rho: ComplexArray) -> Array:
        total = sum(scattering.one_body_collision(rho, band) for band in c.bands)
        return np.asarray(np.diag(total).real)

    errors = [largest(rate(formula(c, rho)) - rate(rho)) for rho in c.states]
    return abs(measured_order(c.sizes, errors) - 2.0)


# --- (25), (34) -------------------------------------------------------------------------------


class Occupied(NamedTuple):
    """Populations, and their rate of change for free electrons in Fock space."""

    few: Few
    p: Array
    density: float  # n_S, moments over volume
    change: ComplexArray


@cache
def occupied(moments: int) -> Occupied:
    """Two moments that interact, or three that do not; nothing moves populations but (A17)."""
    few, p = few_electrons(moments), np.array([0.8, 0.3, 0.55, 0.1])
    _, parts = scattered(few, gaussian(np.diag(p)))
    number = 3 if moments == 1 else 1
    return Occupied(few, p, number / few.volume, number * np.diag(parts.total))


def population_rate_printed(r: Few, p: Array) -> ComplexArray:
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


def population_rate(r: Few, p: Array) -> ComplexArray:
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


def local_rate_printed(r: Few, p: Array, n_s: float) -> ComplexArray:
    """Eq. (34) as printed: one frequency for the way in and the way out."""
    q, total = 1 - p, np.zeros(len(p), dtype=complex)
    for a, b in np.ndindex(len(p), len(p)):
        for n1, n2 in np.ndindex(len(r.sites), len(r.sites)):
            first = r.sigma[n1][a, b] * r.sigma[n2][b, a]
            second = r.sigma[n2][a, b] * r.sigma[n1][b, a]
            gain = r.minus[n2, n1, b, a] * first + r.plus[n1, n2, a, b] * second
            loss = r.minus[n2, n1, b, a] * second + r.plus[n1, n2, a, b] * first
            total[a] = total[a] + gain * p[b] * q[a] - loss * p[a] * q[b]
    return np.asarray(n_s / r.volume * total)


def local_rate(r: Few, p: Array, n_s: float) -> ComplexArray:
    """Eq. (34) with the frequencies of Eq. (25)."""
    q, total = 1 - p, np.zeros(len(p), dtype=complex)
    for a, b in np.ndindex(len(p), len(p)):
        for n1, n2 in np.ndindex(len(r.sites), len(r.sites)):
            first = r.sigma[n1][a, b] * r.sigma[n2][b, a]
            second = r.sigma[n2][a, b] * r.sigma[n1][b, a]
            gain = r.minus[n2, n1, b, a] * first + r.plus[n1, n2, a, b] * second
            loss = r.minus[n2, n1, a, b] * second + r.plus[n1, n2, b, a] * first
            total[a] = total[a] + gain * p[b] * q[a] - loss * p[a] * q[b]
    return np.asarray(n_s / r.volume * total)


# --- (26)-(28) --------------------------------------------------------------------------------


class HalfSided(NamedTuple):
    """A correlator in time, and its transforms from its lines."""

    frequencies: Array
    times: Array  # tau > 0
    weights: Array
    eta: float
    later: ComplexArray  # D(tau)
    sooner: ComplexArray  # D(-tau)
    lines: bath.CorrelatorLines


@cache
def half_sided() -> HalfSided:
    """A moment of spin 1; exp(-eta tau) is down to 1e-15 at the end."""
    eta, lines = 0.7, bath.moment_correlator(1.0, 1.3)
    times, weights = time_nodes(50.0, 240)
    return HalfSided(
        frequencies=np.linspace(-2.0, 2.0, 5),
        times=times,
        weights=weights,
        eta=eta,
        later=bath.moment_correlation(1.0, 1.3, times),
        sooner=bath.moment_correlation(1.0, 1.3, -times),
        lines=lines,
    )


def forward(h: HalfSided, omega: float) -> ComplexArray:
    """Eqs. (26), (A9) by quadrature."""
    wave = h.weights * np.exp(1j * omega * h.times - h.eta * h.times)
    return np.asarray(np.tensordot(wave, h.later, axes=1))


def backward(h: HalfSided, omega: float) -> ComplexArray:
    """Eqs. (27), (A10) by quadrature over tau = -times."""
    wave = h.weights * np.exp(1j * omega * -h.times + h.eta * -h.times)
    return np.asarray(np.tensordot(wave, h.sooner, axes=1))


def half_sided_residual(sign: float) -> Any:
    """Of a half-sided transform against the resolvent of every line; -1 for Eq. (27)."""

    def residual(formula: Formula, h: HalfSided) -> float:
        off = h.frequencies[:, None] - h.lines.frequencies
        exact = np.einsum("wl,lab->wab", 1 / (h.eta - sign * 1j * off), h.lines.weights)
        return relative([formula(h, float(w)) for w in h.frequencies], exact)

    return residual


def spin_element_printed(sigma: ComplexArray, states: ComplexArray, to: int, _: int) -> complex:
    """Text below Eq. (27) as printed: sigma' on both sides."""
    return complex(states[to].conj() @ sigma @ states[to])


def spin_element(sigma: ComplexArray, states: ComplexArray, to: int, start: int) -> complex:
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


# --- (29)-(33) --------------------------------------------------------------------------------


class Weiss(NamedTuple):
    """One moment in its Weiss field; exact magnetisation of the ring that it stands for."""

    g: float
    mu_b: float  # eV / T
    spin: ComplexArray  # S_z
    fields: tuple[float, ...]  # H [T]
    thermal: float  # k_B T [eV]
    ratios: tuple[float, ...]  # T_C / T
    exact: tuple[float, ...]  # <S_z>


def _ring(ratio: float) -> coupled_moments.Cluster:
    """Six spins 1/2 at T_C / T in a weak field."""
    return coupled_moments.at_reduced_temperature(0.5, clusters.graph("ring", 6), 1 / ratio, 0.3)


@cache
def rings() -> Weiss:
    """Six spins 1/2 above their Curie temperature in a weak field, by diagonalisation."""
    temperature, ratios = 10.0, (0.04, 0.02, 0.01)
    thermal_energy, fields, exact = K_B * temperature, [], []
    for ratio in ratios:
        ring = coupled_moments.at_reduced_temperature(
            0.5, clusters.graph("ring", 6), 1 / ratio, 0.3
        )
        state = clusters.levels(ring)
        exact.append(float(np.einsum("m,mm->", state.populations, state.along[0])))
        splitting = float(coupled_moments.weiss_splittings(ring)[0])
        fields.append(splitting * thermal_energy / (2.0 * MU_B))
    return Weiss(
        2.0, MU_B, spin_matrices(0.5)[2], tuple(fields), thermal_energy, ratios, tuple(exact)
    )


def weiss_term_printed(w: Weiss, h: float) -> ComplexArray:
    """Eq. (29) as printed."""
    return np.asarray(w.g * w.spin * h)


def weiss_term(w: Weiss, h: float) -> ComplexArray:
    """Eq. (29) with the Bohr magneton."""
    return np.asarray(w.g * w.mu_b * w.spin * h)


def _weiss_residual(formula: Formula, w: Weiss) -> float:
    errors = []
    for h, exact in zip(w.fields, w.exact, strict=True):
        state = thermal(formula(w, h) / w.thermal)
        errors.append(abs(np.trace(state @ w.spin).real / exact - 1))
    return abs(measured_order(w.ratios, errors) - 2.0)


class Fields(NamedTuple):
    """Three unlike moments: field, exchange, means, and the field that each one feels."""

    field: float  # B [T]
    g: float
    mu_b: float
    exchange: Array  # eV
    spins: Array  # <S>
    felt: Array  # T


@cache
def felt_fields() -> Fields:
    """Partial trace of the exact Hamiltonian over the other moments, in product states."""
    temperature, field, g = 10.0, 3.0, 2.0
    bonds = 1e-3 * np.array([[0.0, 0.7, -0.4], [0.7, 0.0, 1.1], [-0.4, 1.1, 0.0]])
    cluster = coupled_moments.in_units((0.5, 0.5, 0.5), bonds, temperature, field, g=g)
    states = [np.diag([p, 1 - p]) for p in (0.2, 0.35, 0.1)]
    whole = clusters.hamiltonian(cluster).toarray()
    felt = []
    for site in range(3):
        factors = [np.eye(2) if j == site else states[j] for j in range(3)]
        for_all = whole @ np.kron(factors[0], np.kron(factors[1], factors[2]))
        tensor = np.moveaxis(for_all.reshape((2,) * 6), (site, 3 + site), (0, 3))
        local = np.einsum("abcdbc->ad", tensor)
        felt.append((local[0, 0] - local[1, 1]) * K_B * temperature / (g * MU_B))
    means = np.array([s[0, 0] - 0.5 for s in states])
    return Fields(field, g, MU_B, bonds, means, np.array(felt))


def weiss_field(f: Fields, i: int) -> float:
    """Eq. (30)."""
    return float(
        f.field - 1 / (f.g * f.mu_b) * sum(f.exchange[i, j] * f.spins[j] for j in (0, 1, 2))
    )


class Correlators(NamedTuple):
    """Correlators of the moments of a ring at one frequency, exact and of a lone moment."""

    same_site: Array  # (N, N, 1, 1)
    local: tuple[ComplexArray, ...]  # (3, 3)
    exact: tuple[ComplexArray, ...]  # (N, N, 3, 3)
    ratios: tuple[float, ...]


@cache
def ring_correlators() -> Correlators:
    """Equal-time correlators of six spins 1/2 in a field, at several T_C / T."""
    ratios, local, exact = (0.04, 0.02, 0.01), [], []
    for ratio in ratios:
        ring = coupled_moments.at_reduced_temperature(
            0.5, clusters.graph("ring", 6), 1 / ratio, 0.3
        )
        exact.append(clusters.correlator(clusters.levels(ring), np.ones_like, connected=True))
        alone = coupled_moments.weiss_correlator(ring, np.ones_like, connected=True)
        local.append(alone[0, 0])
    return Correlators(np.eye(6)[:, :, None, None], tuple(local), tuple(exact), ratios)


def local_correlator(c: Correlators, on_site: ComplexArray) -> ComplexArray:
    """Eq. (31)."""
    return np.asarray(c.same_site * on_site)


def _local_residual(formula: Formula, c: Correlators) -> float:
    errors = [largest(formula(c, a) - b) for a, b in zip(c.local, c.exact, strict=True)]
    return abs(measured_order(c.ratios, errors) - 1.0)


class Moment(NamedTuple):
    """Moments in fields: S, beta eps_L and traces over their levels."""

    spin: Array
    x: Array
    mean: Array
    square: Array


@cache
def thermal_moments() -> Moment:
    """Traces of S_z and S_z^2 with exp(-x S_z)."""
    points = [(s, x) for s in (0.5, 1.0, 2.0, 3.5) for x in (-3.0, -0.2, 0.7, 2.5)]
    mean, square = [], []
    for s, x in points:
        z = spin_matrices(s)[2]
        state = thermal(x * z)
        mean.append(np.trace(state @ z).real)
        square.append(np.trace(state @ z @ z).real)
    spins, splittings = np.array(points).T
    return Moment(spins, splittings, np.array(mean), np.array(square))


def magnetization(s: Array, x: Array) -> Array:
    """Eq. (32): -S B_S(S x) with the Brillouin function written out, x = beta eps_L."""
    high = (2 * s + 1) / (2 * s) / np.tanh((2 * s + 1) / (2 * s) * s * x)
    low = 1 / (2 * s) / np.tanh(1 / (2 * s) * s * x)
    return np.asarray(-s * (high - low))


def second_moment(s: Array, x: Array, mean: Array) -> Array:
    """Eq. (33)."""
    return np.asarray(s * (s + 1) + 1 / np.tanh(x / 2) * mean)


class Magnons(NamedTuple):
    """A saturated ring: its Weiss field, and the exact energies of one flipped moment."""

    g: float
    mu_b: float
    field: float  # H [T]
    local: Array  # energy of a flip at one site [eV], (N,)
    band: Array  # exact magnons [eV], (N,)


@cache
def flipped_moments() -> Magnons:
    """Six spins 1/2 from their Hamiltonian: the block with one flip, beside the ground state."""
    temperature, field, g, sites = 10.0, 3.0, 2.0, 6
    bonds = 2e-4 * clusters.graph("ring", sites)
    ring = coupled_moments.in_units((0.5,) * sites, bonds, temperature, field, g=g)
    whole = clusters.hamiltonian(ring).toarray() * K_B * temperature
    lowest = 2**sites - 1  # all moments against the field
    flips = [lowest - 2 ** (sites - 1 - i) for i in range(sites)]
    block = whole[np.ix_(flips, flips)] - whole[lowest, lowest] * np.eye(sites)
    saturated = field + bonds.sum(axis=1)[0] * 0.5 / (g * MU_B)
    return Magnons(g, MU_B, saturated, np.diag(block), np.linalg.eigvalsh(block))


def flat_energy(m: Magnons) -> float:
    """eps_L = g mu_B H."""
    return m.g * m.mu_b * m.field


BARS = (
    "Three of the four terms carry a bar too many: they would let an electron leave an empty "
    "state. (A22) and (34) have the bars right, and the scan sets bars, hats and checks at random "
    "elsewhere (as on the argument of J), so it is taken for the scan's."
)

ENTRIES = [
    Entry(
        equation="21",
        section=SECTION,
        statement="One-body collision integral with Pauli blocking",
        latex=r"\mathcal J_{\mathbf k_2\mathbf k_1}^{\sigma_2\sigma_1}(\bar\varrho) = \frac1{V^2}"
        r"\{\mathcal D_{n_2n_1}^-(\omega_{\alpha_6}^{\alpha_5})[e^{-i(\mathbf k_2-\mathbf k_3)\cdot"
        r"\mathbf r_{i_1}-i(\mathbf k_5-\mathbf k_6)\cdot\mathbf r_{i_2}}\sigma^{\nu_1}_{23}"
        r"\bar\varrho_{35}\sigma^{\nu_2}_{56}\bar\varrho_{61} - e^{\ldots}\varrho_{25}"
        r"\sigma^{\nu_2}_{56}\bar\varrho_{63}\sigma^{\nu_1}_{31}] + \mathcal D_{n_1n_2}^+"
        r"(\omega_{\alpha_5}^{\alpha_6})[e^{\ldots}\bar\varrho_{25}\sigma^{\nu_2}_{56}"
        r"\bar\varrho_{63}\sigma^{\nu_1}_{31} - e^{\ldots}\sigma^{\nu_1}_{23}\bar\varrho_{35}"
        r"\sigma^{\nu_2}_{56}\bar\varrho_{61}]\}",
        corrected_latex=r"\mathcal J_{\mathbf k_2\mathbf k_1}^{\sigma_2\sigma_1}(\varrho) ="
        r"\frac1{V^2}\{\mathcal D_{n_2n_1}^-(\omega_{\alpha_6}^{\alpha_5})[e^{\ldots}"
        r"\sigma^{\nu_1}_{23}\varrho_{35}\sigma^{\nu_2}_{56}\bar\varrho_{61} - e^{\ldots}"
        r"\varrho_{25}\sigma^{\nu_2}_{56}\bar\varrho_{63}\sigma^{\nu_1}_{31}] + \mathcal D_{n_1n_2}"
        r"^+(\omega_{\alpha_5}^{\alpha_6})[e^{\ldots}\bar\varrho_{25}\sigma^{\nu_2}_{56}"
        r"\varrho_{63}\sigma^{\nu_1}_{31} - e^{\ldots}\sigma^{\nu_1}_{23}\bar\varrho_{35}"
        r"\sigma^{\nu_2}_{56}\varrho_{61}]\}",
        code=("openmr.scattering.one_body_collision", "openmr.fock.collision_parts"),
        printed=collision_printed,
        corrected=collision,
        scan=True,
        reference=free_electrons,
        residual=lambda formula, r: relative(formula(r.few, r.rho), r.change),
        tolerance=ROUNDING,
        because=SUMS,
        route="traces in Fock space, free electrons beside two coupled moments, less the "
        "disconnected term",
        note=BARS,
    ),
    Entry(
        equation="22",
        section=SECTION,
        statement="Pauli blocking: the density matrix of the holes",
        latex=r"\bar\varrho_{\mathbf k\mathbf k'}^{\sigma\sigma'} = "
        r"\delta_{\mathbf k\mathbf k'}\delta_{\sigma\sigma'}"
        r" - \varrho_{\mathbf k\mathbf k'}^{\sigma\sigma'}",
        code=("openmr.scattering.one_body_collision", "openmr.fock.blocked_pairs"),
        printed=blocking,
        reference=holes,
        residual=lambda formula, h: relative(formula(h.rho), h.holes),
        tolerance=ROUNDING,
        because="relative; rounding",
        route="Tr[f_2 f_1^+ state] in Fock space",
    ),
    Entry(
        equation="23",
        section=SECTION,
        statement="Equation of motion of the populations",
        latex=r"\frac{\partial}{\partial t}\varrho_{\mathbf k}^\sigma(t)"
        r" - \frac i\hbar[\varrho(t), \hat{\mathcal H}_0^e]_{\mathbf k\mathbf k}^{\sigma\sigma}"
        r" - \frac i\hbar[\varrho(t), \hat{\mathcal V}_m]_{\mathbf k\mathbf k}^{\sigma\sigma}"
        r" = \mathcal J_{\mathbf k}^\sigma(\hat\varrho)",
        code=("openmr.scattering.evolve_density", "openmr.kinetics.collision"),
        printed=populations,
        reference=many_body_rate,
        residual=lambda formula, k: relative(formula(k), np.diag(k.change)),
        tolerance=ROUNDING,
        because="relative; rounding in Fock space",
        route="commutators and traces in Fock space",
    ),
    Entry(
        equation="24",
        section=SECTION,
        statement="Diagonal density matrix",
        latex=r"\varrho_{\mathbf k_2\mathbf k_1}^{\sigma_2\sigma_1}\simeq"
        r"\delta_{\sigma_2\sigma_1}\delta_{\mathbf k_1\mathbf k_2}\varrho_{\mathbf k_1}^{\sigma_1}",
        code=("openmr.scattering.golden_rule", "openmr.kinetics.Sea"),
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
    Entry(
        equation="25",
        section=SECTION,
        statement="Collision integral of the populations",
        latex=r"\mathcal J_{\mathbf k}^\sigma(\bar\varrho) = \frac1{V^2}\{[\mathcal D_{n_2n_1}^-"
        r"(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})e^{-i(\mathbf k-\mathbf k')\cdot"
        r"(\mathbf r_{i_1}-\mathbf r_{i_2})}\sigma_{\sigma\sigma'}^{\nu_1}"
        r"\bar\varrho_{\mathbf k'}^{\sigma'}\sigma_{\sigma'\sigma}^{\nu_2}"
        r"\bar\varrho_{\mathbf k}^\sigma - \mathcal D_{n_2n_1}^-"
        r"(\omega_{\mathbf k'\sigma'}^{\mathbf k\sigma})e^{\ldots}\varrho_{\mathbf k}^\sigma"
        r"\sigma_{\sigma\sigma'}^{\nu_2}\bar\varrho_{\mathbf k'}^{\sigma'}"
        r"\sigma_{\sigma'\sigma}^{\nu_1} + [\mathcal D_{n_1n_2}^+"
        r"(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})e^{\ldots}\bar\varrho_{\mathbf k}^\sigma"
        r"\sigma_{\sigma\sigma'}^{\nu_2}\bar\varrho_{\mathbf k'}^{\sigma'}"
        r"\sigma_{\sigma'\sigma}^{\nu_1} - \mathcal D_{n_1n_2}^+"
        r"(\omega_{\mathbf k'\sigma'}^{\mathbf k\sigma})e^{\ldots}\sigma_{\sigma\sigma'}^{\nu_1}"
        r"\bar\varrho_{\mathbf k'}^{\sigma'}\sigma_{\sigma'\sigma}^{\nu_2}"
        r"\bar\varrho_{\mathbf k}^\sigma]\}",
        corrected_latex=r"\bar\varrho_{\mathbf k'}\bar\varrho_{\mathbf k} \to "
        r"\varrho_{\mathbf k'}\bar\varrho_{\mathbf k}\ (\text{terms 1, 3}),\quad"
        r"\bar\varrho_{\mathbf k'}\varrho_{\mathbf k}\ (\text{term 4})",
        code=("openmr.scattering.golden_rule", "openmr.kinetics.collision"),
        printed=population_rate_printed,
        corrected=population_rate,
        scan=True,
        reference=lambda: occupied(2),
        residual=lambda formula, o: relative(formula(o.few, o.p), o.change),
        tolerance=ROUNDING,
        because=SUMS,
        route="traces in Fock space, free electrons beside two coupled moments",
        note=BARS,
    ),
    Entry(
        equation="26",
        section=SECTION,
        statement="Half-sided transform of the correlator, later times",
        latex=r"\mathcal D_{n_1n_2}^+(\omega) = \int_0^{+\infty}d\tau\,e^{+i\omega\tau-\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.scattering.thermal_transform", "openmr.scattering.Scattering"),
        printed=forward,
        reference=half_sided,
        residual=half_sided_residual(1.0),
        tolerance=ROUNDING,
        because="relative; the integrand is cut at exp(-35)",
        route="resolvent of every line of the moment's spectrum",
    ),
    Entry(
        equation="27",
        section=SECTION,
        statement="Half-sided transform of the correlator, earlier times",
        latex=r"\mathcal D_{n_1n_2}^-(\omega) = \int_{-\infty}^0 d\tau\,e^{+i\omega\tau+\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.scattering.Scattering", "openmr.scattering.adjoint"),
        printed=backward,
        reference=half_sided,
        residual=half_sided_residual(-1.0),
        tolerance=ROUNDING,
        because="relative; the integrand is cut at exp(-35)",
        route="resolvent of every line of the moment's spectrum",
    ),
    Entry(
        equation="27 text",
        section=SECTION,
        statement="Element of the spin between two spin states, text below (27)",
        latex=r"\sigma_{\sigma'\sigma}^\nu = \langle\sigma'|\sigma^\nu|\sigma'\rangle",
        corrected_latex=r"\sigma_{\sigma'\sigma}^\nu = \langle\sigma'|\sigma^\nu|\sigma\rangle",
        code=("openmr.kinetics.processes", "openmr.bath.spin_matrices"),
        printed=spin_element_printed,
        corrected=spin_element,
        reference=lambda: (PAULI, np.eye(2, dtype=complex)),
        residual=lambda formula, r: relative(
            [[[formula(s, r[1], a, b) for b in (0, 1)] for a in (0, 1)] for s in r[0]], r[0]
        ),
        tolerance=ROUNDING,
        because="relative; rounding",
        route="spin matrices",
        note="As printed no scattering flips a spin.",
    ),
    Entry(
        equation="28",
        section=SECTION,
        statement="Correlator of two moments with the phase that their places give",
        latex=r"\mathcal D_{n_2n_1}^-(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})"
        r"e^{-i(\mathbf k-\mathbf k')\cdot(\mathbf r_{i_1}-\mathbf r_{i_2})}",
        code=("openmr.clusters.interference", "openmr.scattering.plane_waves"),
        printed=interference,
        reference=few_electrons,
        residual=_interference_residual,
        tolerance=ROUNDING,
        because="relative; rounding",
        route="elements of delta functions on a ring of places, discrete Fourier transform",
        note="Averaged over the Fermi sphere the phase is (sin k_F R / k_F R)^2, docs/clusters.md.",
    ),
    Entry(
        equation="29",
        section=SECTION,
        statement="Weiss mean field: each moment alone in a field H",
        latex=r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf B \to "
        r"g\hat{\mathbf S}_{\iota i}\cdot\mathbf H_{\iota i}",
        corrected_latex=r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf B \to "
        r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf H_{\iota i}",
        code=("openmr.equilibrium.equilibrium", "openmr.coupled_moments.weiss_splittings"),
        printed=weiss_term_printed,
        corrected=weiss_term,
        reference=rings,
        residual=_weiss_residual,
        tolerance=0.1,
        because="distance of the slope of the error of <S_par> from 2; the next order is a few "
        "times T_C / T = 0.04",
        route="exact diagonalisation of a ring of six spins 1/2",
        order=2.0,
        parameter="T_C / T",
        note="The Bohr magneton is missing: H of Eq. (30) is in tesla, and as printed the moments "
        "are saturated at any temperature. The approximation itself errs as (T_C / T)^2 above the "
        "ordering temperature, and as 1/N for N neighbours.",
    ),
    Entry(
        equation="30",
        section=SECTION,
        statement="Weiss field",
        latex=r"\mathbf H_{\iota i} = \mathbf B - \frac1{g\mu_B}J_{\iota i,\iota'i'}"
        r"\langle\hat{\mathbf S}_{\iota'i'}\rangle",
        code=("openmr.equilibrium.equilibrium", "openmr.coupled_moments.weiss_splittings"),
        printed=weiss_field,
        reference=felt_fields,
        residual=lambda formula, f: relative([formula(f, i) for i in (0, 1, 2)], f.felt),
        tolerance=ROUNDING,
        because="relative; rounding",
        route="partial trace of the Hamiltonian of three moments over two of them",
        note="Each pair counted once in Eq. (3); if its sum meets each pair twice, (30) lacks a "
        "factor 2. At N = 128 neighbours only the first choice agrees with the exact rates, "
        "docs/clusters.md.",
    ),
    Entry(
        equation="31",
        section=SECTION,
        statement="Moments fluctuate each for itself",
        latex=r"\mathcal D_{n_2n_1}^\eta(\omega)\simeq\delta_{j_2j_1}"
        r"\mathcal D_{\nu_2\nu_1}^{\eta;i_1}(\omega)",
        code=("openmr.coupled_moments.weiss_correlator", "openmr.clusters.correlator"),
        printed=local_correlator,
        reference=ring_correlators,
        residual=_local_residual,
        tolerance=0.05,
        because="distance of the slope from 1; the next order is of relative size T_C / T <= 0.04",
        route="exact diagonalisation of a ring of six spins 1/2, fluctuations",
        order=1.0,
        parameter="T_C / T",
        note="In the rates the off-site part is weighted by (sin k_F R / k_F R)^2.",
    ),
    Entry(
        equation="32",
        section=SECTION,
        statement="Mean moment: Brillouin function, against the field",
        latex=r"\langle S_\parallel^i\rangle = -SB_S(\beta S\epsilon_L^i)",
        code=("openmr.equilibrium.level_sums",),
        printed=magnetization,
        reference=thermal_moments,
        residual=lambda formula, m: relative(formula(m.spin, m.x), m.mean),
        tolerance=ROUNDING,
        because="relative to S = 7/2; cancellation of the two coth at x = 0.2",
        route="trace of S_z with the Gibbs matrix, spins 1/2 to 7/2",
    ),
    Entry(
        equation="33",
        section=SECTION,
        statement="Mean square of the moment",
        latex=r"\langle S_\parallel^iS_\parallel^i\rangle = S^i(S^i+1)"
        r" + \coth(\beta\epsilon_L^i/2)\langle S_\parallel\rangle",
        code=("openmr.equilibrium.level_sums",),
        printed=second_moment,
        reference=thermal_moments,
        residual=lambda formula, m: relative(formula(m.spin, m.x, m.mean), m.square),
        tolerance=ROUNDING,
        because="relative to the largest; rounding",
        route="trace of S_z^2 with the Gibbs matrix, spins 1/2 to 7/2",
    ),
    Entry(
        equation="III flat magnons",
        section=SECTION,
        statement="In the mean field every flip costs the one energy eps_L = g mu_B H",
        latex=r"\epsilon_L^i = g\mu_BH_i",
        code=("openmr.equilibrium.equilibrium", "openmr.clusters.levels"),
        printed=flat_energy,
        reference=flipped_moments,
        residual=lambda formula, m: float(
            max(
                np.abs(formula(m) / m.local - 1).max(),
                abs(formula(m) / np.mean(m.band) - 1),
            )
        ),
        tolerance=ROUNDING,
        because="relative; rounding",
        route="exact Hamiltonian of six spins 1/2 with one flip",
        note="It is the mean of the exact magnon band g mu_B B + S (J_0 - J_q), whose width the "
        "mean field drops. In a strong field the longitudinal rate is exact only for "
        "S J_q << k_B T, docs/clusters.md.",
    ),
    Entry(
        equation="34",
        section=SECTION,
        statement="Collision integral of the populations with local correlators",
        latex=r"\mathcal J_{\mathbf k}^\sigma(\check\varrho) = \frac{n_S^i}V\{[\mathcal D_{\nu_2"
        r"\nu_1}^{-,i}(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})\sigma_{\sigma\sigma'}^{\nu_1}"
        r"\varrho_{\mathbf k'}^{\sigma'}\sigma_{\sigma'\sigma}^{\nu_2}"
        r"\bar\varrho_{\mathbf k}^\sigma"
        r" - \mathcal D_{\nu_2\nu_1}^{-,i}(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})"
        r"\varrho_{\mathbf k}^\sigma\sigma_{\sigma\sigma'}^{\nu_2}"
        r"\bar\varrho_{\mathbf k'}^{\sigma'}\sigma_{\sigma'\sigma}^{\nu_1}"
        r" + [\mathcal D_{\nu_1\nu_2}^{+,i}"
        r"(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})\bar\varrho_{\mathbf k}^\sigma"
        r"\sigma_{\sigma\sigma'}^{\nu_2}\varrho_{\mathbf k'}^{\sigma'}"
        r"\sigma_{\sigma'\sigma}^{\nu_1}"
        r" - \mathcal D_{\nu_1\nu_2}^{+,i}(\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'})"
        r"\sigma_{\sigma\sigma'}^{\nu_1}\bar\varrho_{\mathbf k'}^{\sigma'}"
        r"\sigma_{\sigma'\sigma}^{\nu_2}\varrho_{\mathbf k}^\sigma]\}",
        corrected_latex=r"\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'} \to "
        r"\omega_{\mathbf k'\sigma'}^{\mathbf k\sigma}\ (\text{terms 2, 4})",
        code=("openmr.scattering.golden_rule", "openmr.kinetics.collision"),
        printed=local_rate_printed,
        corrected=local_rate,
        reference=lambda: occupied(1),
        residual=lambda formula, o: relative(formula(o.few, o.p, o.density), o.change),
        tolerance=ROUNDING,
        because=SUMS,
        route="traces in Fock space, free electrons beside one moment, times the number of moments",
        note="Scattering out needs the frequency of the way out, as in (25). With one frequency "
        "for both ways the error is of the order of the rate itself and the Fermi function does "
        "not stand still. (One of its brackets is not closed.)",
    ),
]
