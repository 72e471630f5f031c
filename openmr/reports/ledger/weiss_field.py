"""The Weiss field of the moments, and local correlators, Eqs. (29)-(34)."""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import spin_matrices
from openmr.models import clusters
from openmr.reports.ledger import long_formulas
from openmr.reports.ledger.collision_integral import SUMS, occupied
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.small_systems import ROUNDING, Few, largest, relative, thermal
from openmr.units import K_B, MU_B

_SECTION = "III A. From many- to one-body master equation"


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


def _ring(ratio: float) -> clusters.Cluster:
    """Six spins 1/2 at T_C / T in a weak field."""
    return clusters.at_reduced_temperature(0.5, clusters.graph("ring", 6), 1 / ratio, 0.3)


@cache
def rings() -> Weiss:
    """Six spins 1/2 above their Curie temperature in a weak field, by diagonalisation."""
    temperature, ratios = 10.0, (0.04, 0.02, 0.01)
    thermal_energy, fields, exact = K_B * temperature, [], []
    for ratio in ratios:
        ring = _ring(ratio)
        state = clusters.levels(ring)
        exact.append(float(np.einsum("m,mm->", state.populations, state.along[0])))
        splitting = float(clusters.weiss_splittings(ring)[0])
        fields.append(splitting * thermal_energy / (2.0 * MU_B))
    return Weiss(
        2.0, MU_B, spin_matrices(0.5)[2], tuple(fields), thermal_energy, ratios, tuple(exact)
    )


def _weiss_term_printed(w: Weiss, h: float) -> ComplexArray:
    """Eq. (29) as printed."""
    return np.asarray(w.g * w.spin * h)


def _weiss_term(w: Weiss, h: float) -> ComplexArray:
    """Eq. (29) with the Bohr magneton."""
    return np.asarray(w.g * w.mu_b * w.spin * h)


def _weiss_residual(formula: Formula, w: Weiss) -> float:
    errors = []
    for h, exact in zip(w.fields, w.exact, strict=True):
        state = thermal(formula(w, h) / w.thermal)
        errors.append(abs(np.trace(state @ w.spin).real / exact - 1))
    return abs(order_of_error(w.ratios, errors) - 2.0)


class _Fields(NamedTuple):
    """Three unlike moments: field, exchange, means, and the field that each one feels."""

    field: float  # B [T]
    g: float
    mu_b: float
    exchange: Array  # eV
    spins: Array  # <S>
    felt: Array  # T


@cache
def _felt_fields() -> _Fields:
    """Partial trace of the exact Hamiltonian over the other moments, in product states."""
    temperature, field, g = 10.0, 3.0, 2.0
    bonds = 1e-3 * np.array([[0.0, 0.7, -0.4], [0.7, 0.0, 1.1], [-0.4, 1.1, 0.0]])
    cluster = clusters.in_units((0.5, 0.5, 0.5), bonds, temperature, field, g=g)
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
    return _Fields(field, g, MU_B, bonds, means, np.array(felt))


def weiss_field(f: _Fields, i: int) -> float:
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
def _ring_correlators() -> Correlators:
    """Equal-time correlators of six spins 1/2 in a field, at several T_C / T."""
    ratios, local, exact = (0.04, 0.02, 0.01), [], []
    for ratio in ratios:
        ring = clusters.at_reduced_temperature(0.5, clusters.graph("ring", 6), 1 / ratio, 0.3)
        exact.append(clusters.correlator(clusters.levels(ring), np.ones_like, connected=True))
        alone = clusters.weiss_correlator(ring, np.ones_like, connected=True)
        local.append(alone[0, 0])
    return Correlators(np.eye(6)[:, :, None, None], tuple(local), tuple(exact), ratios)


def _local_correlator(c: Correlators, on_site: ComplexArray) -> ComplexArray:
    """Eq. (31)."""
    return np.asarray(c.same_site * on_site)


def _local_residual(formula: Formula, c: Correlators) -> float:
    errors = [largest(formula(c, a) - b) for a, b in zip(c.local, c.exact, strict=True)]
    return abs(order_of_error(c.ratios, errors) - 1.0)


class _Moment(NamedTuple):
    """Moments in fields: S, beta eps_L and traces over their levels."""

    spin: Array
    x: Array
    mean: Array
    square: Array


@cache
def thermal_moments() -> _Moment:
    """Traces of S_z and S_z^2 with exp(-x S_z)."""
    points = [(s, x) for s in (0.5, 1.0, 2.0, 3.5) for x in (-3.0, -0.2, 0.7, 2.5)]
    mean, square = [], []
    for s, x in points:
        z = spin_matrices(s)[2]
        state = thermal(x * z)
        mean.append(np.trace(state @ z).real)
        square.append(np.trace(state @ z @ z).real)
    spins, splittings = np.array(points).T
    return _Moment(spins, splittings, np.array(mean), np.array(square))


def magnetization(s: Array, x: Array) -> Array:
    """Eq. (32): -S B_S(S x) with the Brillouin function written out, x = beta eps_L."""
    high = (2 * s + 1) / (2 * s) / np.tanh((2 * s + 1) / (2 * s) * s * x)
    low = 1 / (2 * s) / np.tanh(1 / (2 * s) * s * x)
    return np.asarray(-s * (high - low))


def second_moment(s: Array, x: Array, mean: Array) -> Array:
    """Eq. (33)."""
    return np.asarray(s * (s + 1) + 1 / np.tanh(x / 2) * mean)


class _Magnons(NamedTuple):
    """A saturated ring: its Weiss field, and the exact energies of one flipped moment."""

    g: float
    mu_b: float
    field: float  # H [T]
    local: Array  # energy of a flip at one site [eV], (N,)
    band: Array  # exact magnons [eV], (N,)


@cache
def _flipped_moments() -> _Magnons:
    """Six spins 1/2 from their Hamiltonian: the block with one flip, beside the ground state."""
    temperature, field, g, sites = 10.0, 3.0, 2.0, 6
    bonds = 2e-4 * clusters.graph("ring", sites)
    ring = clusters.in_units((0.5,) * sites, bonds, temperature, field, g=g)
    whole = clusters.hamiltonian(ring).toarray() * K_B * temperature
    lowest = 2**sites - 1  # all moments against the field
    flips = [lowest - 2 ** (sites - 1 - i) for i in range(sites)]
    block = whole[np.ix_(flips, flips)] - whole[lowest, lowest] * np.eye(sites)
    saturated = field + bonds.sum(axis=1)[0] * 0.5 / (g * MU_B)
    return _Magnons(g, MU_B, saturated, np.diag(block), np.linalg.eigvalsh(block))


def _flat_energy(m: _Magnons) -> float:
    """eps_L = g mu_B H."""
    return m.g * m.mu_b * m.field


# --- (34) --------------------------------------------------------------------------------------


def _local_rate_printed(r: Few, p: Array, n_s: float) -> ComplexArray:
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


def _local_rate(r: Few, p: Array, n_s: float) -> ComplexArray:
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


_entry = partial(Entry, section=_SECTION, tolerance=ROUNDING)

ENTRIES = [
    _entry(
        equation="29",
        statement="Weiss mean field: each moment alone in a field H",
        latex=r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf B \to "
        r"g\hat{\mathbf S}_{\iota i}\cdot\mathbf H_{\iota i}",
        corrected_latex=r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf B \to "
        r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf H_{\iota i}",
        code=(
            "openmr.moments.equilibrium.equilibrium",
            "openmr.models.clusters.weiss_splittings",
        ),
        printed=_weiss_term_printed,
        corrected=_weiss_term,
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
    _entry(
        equation="30",
        statement="Weiss field",
        latex=r"\mathbf H_{\iota i} = \mathbf B - \frac1{g\mu_B}J_{\iota i,\iota'i'}"
        r"\langle\hat{\mathbf S}_{\iota'i'}\rangle",
        code=(
            "openmr.moments.equilibrium.equilibrium",
            "openmr.models.clusters.weiss_splittings",
        ),
        printed=weiss_field,
        reference=_felt_fields,
        residual=lambda formula, f: relative([formula(f, i) for i in (0, 1, 2)], f.felt),
        because="relative; rounding",
        route="partial trace of the Hamiltonian of three moments over two of them",
        note="Each pair counted once in Eq. (3); if its sum meets each pair twice, (30) lacks a "
        "factor 2. At N = 128 neighbours only the first choice agrees with the exact rates, "
        "docs/clusters.md.",
    ),
    _entry(
        equation="31",
        statement="Moments fluctuate each for itself",
        latex=r"\mathcal D_{n_2n_1}^\eta(\omega)\simeq\delta_{j_2j_1}"
        r"\mathcal D_{\nu_2\nu_1}^{\eta;i_1}(\omega)",
        code=("openmr.models.clusters.weiss_correlator", "openmr.models.clusters.correlator"),
        printed=_local_correlator,
        reference=_ring_correlators,
        residual=_local_residual,
        tolerance=0.05,
        because="distance of the slope from 1; the next order is of relative size T_C / T <= 0.04",
        route="exact diagonalisation of a ring of six spins 1/2, fluctuations",
        order=1.0,
        parameter="T_C / T",
        note="In the rates the off-site part is weighted by (sin k_F R / k_F R)^2.",
    ),
    _entry(
        equation="32",
        statement="Mean moment: Brillouin function, against the field",
        latex=r"\langle S_\parallel^i\rangle = -SB_S(\beta S\epsilon_L^i)",
        code=("openmr.moments.spin_averages.level_sums",),
        printed=magnetization,
        reference=thermal_moments,
        residual=lambda formula, m: relative(formula(m.spin, m.x), m.mean),
        because="relative to S = 7/2; cancellation of the two coth at x = 0.2",
        route="trace of S_z with the Gibbs matrix, spins 1/2 to 7/2",
    ),
    _entry(
        equation="33",
        statement="Mean square of the moment",
        latex=r"\langle S_\parallel^iS_\parallel^i\rangle = S^i(S^i+1)"
        r" + \coth(\beta\epsilon_L^i/2)\langle S_\parallel\rangle",
        code=("openmr.moments.spin_averages.level_sums",),
        printed=second_moment,
        reference=thermal_moments,
        residual=lambda formula, m: relative(formula(m.spin, m.x, m.mean), m.square),
        because="relative to the largest; rounding",
        route="trace of S_z^2 with the Gibbs matrix, spins 1/2 to 7/2",
    ),
    _entry(
        equation="III magnons",
        statement="In the mean field every flip costs the one energy eps_L = g mu_B H",
        latex=r"\epsilon_L^i = g\mu_BH_i",
        code=("openmr.moments.equilibrium.equilibrium", "openmr.models.clusters.levels"),
        printed=_flat_energy,
        reference=_flipped_moments,
        residual=lambda formula, m: float(
            max(np.abs(formula(m) / m.local - 1).max(), abs(formula(m) / np.mean(m.band) - 1))
        ),
        because="relative; rounding",
        route="exact Hamiltonian of six spins 1/2 with one flip",
        note="It is the mean of the exact magnon band g mu_B B + S (J_0 - J_q), whose width the "
        "mean field drops. In a strong field the longitudinal rate is exact only for "
        "S J_q << k_B T, docs/clusters.md.",
    ),
    _entry(
        equation="34",
        statement="Collision integral of the populations with local correlators",
        latex=long_formulas.local_integral(out=long_formulas.IN, argument=r"\check\varrho"),
        corrected_latex=long_formulas.local_integral(),
        code=("openmr.models.scattering.golden_rule", "openmr.models.fermi_kinetics.collision"),
        printed=_local_rate_printed,
        corrected=_local_rate,
        reference=lambda: occupied(1),
        residual=lambda formula, o: relative(formula(o.few, o.p, o.density), o.change),
        because=SUMS,
        route="traces in Fock space, free electrons beside one moment, times the number of moments",
        note="Scattering out needs the frequency of the way out, as in (25). With one frequency "
        "for both ways the error is of the order of the rate itself and the Fermi function does "
        "not stand still. (One of its brackets is not closed.)",
    ),
]
