"""The Weiss field of the moments, and local correlators, Eqs. (29)-(34)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import spin_matrices
from openmr.models import clusters, scattering
from openmr.moments.equilibrium import equilibrium
from openmr.moments.spin_averages import level_sums, means
from openmr.rates import closed_form
from openmr.reports.ledger import long_formulas
from openmr.reports.ledger.collision_integral import SUMS, occupied
from openmr.reports.ledger.deviations import Pairs, Series, deviation, order
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.relaxation import ELECTRONS, FILM
from openmr.reports.ledger.small_systems import ROUNDING, Few, engine, largest, relative, thermal
from openmr.reports.ledger.spin_flips import DENSITY
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.units import K_B, MU_B

_SECTION = "III A. From many- to one-body master equation"


# --- (29), (30) -------------------------------------------------------------------------------


class _Ring(NamedTuple):
    """Six spins 1/2 in a weak field at T_C / T, and their exact magnetisation."""

    ratio: float
    ring: clusters.Cluster
    sample: Sample
    field: float  # T
    exact: float  # <S_z>


_TEMPERATURE, _G = 10.0, 2.0  # K
_THERMAL = K_B * _TEMPERATURE
_RATIOS = (0.04, 0.02, 0.01)


def _ring(ratio: float) -> clusters.Cluster:
    return clusters.at_reduced_temperature(0.5, clusters.graph("ring", 6), 1 / ratio, 0.3)


def _film(weiss: Any, spins: tuple[float, ...] = (0.5,)) -> Sample:
    """Moments in their own exchange [eV], one sublattice for each spin."""
    moments = [Moments(spin, DENSITY, exchange_energy=1e-3, g=_G) for spin in spins]
    return Sample(Magnet(moments, weiss), ELECTRONS, FILM)


@cache
def _rings() -> tuple[_Ring, ...]:
    """Above their Curie temperature, by diagonalisation."""
    found = []
    for ratio in _RATIOS:
        ring = _ring(ratio)
        state = clusters.levels(ring)
        exact = float(state.mean_spin[0])
        film = _film(ring.exchange[0].sum() * _THERMAL)
        found.append(_Ring(ratio, ring, film, ring.zeeman * _THERMAL / (_G * MU_B), exact))
    return tuple(found)


def _mean_spin_printed(r: _Ring) -> Any:
    """Eq. (29) as printed: the energy g S.H without the Bohr magneton."""
    splitting = float(equilibrium(r.sample, _TEMPERATURE, r.field).splitting[0])
    return -0.5 * np.tanh(0.5 * splitting / MU_B / _THERMAL)


def _mean_spin(r: _Ring) -> Any:
    """Each moment alone in its field H."""
    return equilibrium(r.sample, _TEMPERATURE, r.field).mean_spin[0]


def _mean_spin_of_cluster(r: _Ring) -> Any:
    return level_sums(0.5, clusters.weiss_splittings(r.ring)[0]).mean_spin


def _weiss_residual(formula: Formula, rings: tuple[_Ring, ...]) -> float:
    errors = [abs(formula(r) / r.exact - 1) for r in rings]
    return order_of_error([r.ratio for r in rings], errors)


class _Trio(NamedTuple):
    """Three unlike moments, and their Hamiltonian."""

    cluster: clusters.Cluster
    sample: Sample
    field: float  # T
    energies: Array  # k_B T, (2,) * 6


@cache
def _trio() -> _Trio:
    field, spins = 3.0, (0.5, 0.5, 0.5)
    bonds = 1e-3 * np.array([[0.0, 0.7, -0.4], [0.7, 0.0, 1.1], [-0.4, 1.1, 0.0]])
    cluster = clusters.in_units(spins, bonds, _TEMPERATURE, field, g=_G)
    energies = clusters.hamiltonian(cluster).toarray().reshape((2,) * 6)
    return _Trio(cluster, _film(bonds, spins), field, energies)


def _felt(r: _Trio, means: Array) -> Array:
    """Field on each moment [T]: the Hamiltonian traced over product states of the others."""
    felt = []
    for site in range(3):
        one, other = (np.array([0.5 + means[j], 0.5 - means[j]]) for j in range(3) if j != site)
        mine = np.moveaxis(r.energies, (site, 3 + site), (0, 3))
        local = np.einsum("abcdbc,b,c->ad", mine, one, other)
        felt.append((local[0, 0] - local[1, 1]) * _THERMAL / (_G * MU_B))
    return np.array(felt)


def _weiss_field(r: _Trio) -> tuple[Array, Array]:
    """Eq. (30): H [T] and the means that it belongs to."""
    state = equilibrium(r.sample, _TEMPERATURE, r.field)
    return state.splitting / (_G * MU_B), state.mean_spin


def _weiss_field_of_cluster(r: _Trio) -> tuple[Array, Array]:
    x = clusters.weiss_splittings(r.cluster)
    return x * _THERMAL / (_G * MU_B), level_sums(0.5, x).mean_spin


def _field_residual(formula: Formula, r: _Trio) -> float:
    field, means = formula(r)
    return relative(field, _felt(r, means))


# --- (31)-(33) --------------------------------------------------------------------------------


@cache
def _ring_correlators() -> Series:
    """Equal-time correlators of six spins 1/2 in a field, at several T_C / T."""
    rings = [_ring(ratio) for ratio in _RATIOS]
    exact = (clusters.correlator(clusters.levels(r), np.ones_like, connected=True) for r in rings)
    return Series(np.array(_RATIOS), [[((r,), c)] for r, c in zip(rings, exact, strict=True)])


def _local_correlator(ring: clusters.Cluster) -> ComplexArray:
    """Eq. (31), (N, N, 3, 3)."""
    return clusters.weiss_correlator(ring, np.ones_like, connected=True)


@cache
def _thermal_moments(power: int) -> Pairs:
    """Traces of S_z or S_z^2 with exp(-x S_z), for moments S in fields x = beta eps_L."""
    points = [(s, x) for s in (0.5, 1.0, 2.0, 3.5) for x in (-3.0, -0.2, 0.7, 2.5)]
    found = []
    for s, x in points:
        z = spin_matrices(s)[2]
        found.append(np.trace(thermal(x * z) @ np.linalg.matrix_power(z, power)).real)
    spins, splittings = np.array(points).T
    return [((spins, splittings), np.array(found))]


def _by_levels(average: str, sums: Formula) -> Formula:
    """An average of the sums over levels, as a function of spins and splittings."""
    return lambda spins, x: [getattr(sums(*one), average) for one in zip(spins, x, strict=True)]


@cache
def _flipped_moments() -> Array:
    """Energies of one flip in six saturated spins 1/2 [eV]: at any site, and the magnons' mean."""
    sites = 6
    bonds = _BOND * clusters.graph("ring", sites)
    ring = clusters.in_units((0.5,) * sites, bonds, _TEMPERATURE, _FIELD, g=_G)
    whole = clusters.hamiltonian(ring).toarray() * _THERMAL
    lowest = 2**sites - 1  # all moments against the field
    flips = [lowest - 2 ** (sites - 1 - i) for i in range(sites)]
    block = whole[np.ix_(flips, flips)] - whole[lowest, lowest] * np.eye(sites)
    return np.array([*np.diag(block), np.linalg.eigvalsh(block).mean()])


_BOND, _FIELD, _COLD = 2e-4, 3.0, 0.1  # eV, T, K


def _flat_energy() -> Any:
    """eps_L of moments with two neighbours, as cold as it takes to saturate them."""
    return equilibrium(_film(2 * _BOND), _COLD, _FIELD).splitting[0]


# --- (34) --------------------------------------------------------------------------------------


def _three_moments() -> Pairs:
    """That do not interact, and their density n_S."""
    (((few, p), change),) = occupied(1)
    return [((few, p, 3 / few.volume), 3 * change)]


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
    rates = scattering.golden_rule(engine(r))
    return np.asarray(n_s * r.volume * ((1 - p) * (rates @ p) - p * (rates.T @ (1 - p))))


_WEISS = ("openmr.moments.equilibrium.equilibrium", "openmr.models.clusters.weiss_splittings")
_LEVELS = ("openmr.moments.spin_averages.level_sums", "openmr.moments.spin_averages.means")
_entry = partial(Entry, section=_SECTION, tolerance=ROUNDING)

ENTRIES = [
    _entry(
        equation="29",
        statement="Weiss mean field: each moment alone in a field H",
        latex=r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf B \to "
        r"g\hat{\mathbf S}_{\iota i}\cdot\mathbf H_{\iota i}",
        corrected_latex=r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf B \to "
        r"g\mu_B\hat{\mathbf S}_{\iota i}\cdot\mathbf H_{\iota i}",
        code=_WEISS,
        printed=_mean_spin_printed,
        corrected=_mean_spin,
        shipped=(_mean_spin_of_cluster,),
        reference=_rings,
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
        code=_WEISS,
        printed=_weiss_field,
        shipped=(_weiss_field_of_cluster,),
        reference=_trio,
        residual=_field_residual,
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
        residual=order,
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
        code=("openmr.rates.closed_form.mean_spin", *_LEVELS),
        printed=closed_form.mean_spin,
        shipped=tuple(_by_levels("mean_spin", sums) for sums in (level_sums, means)),
        reference=partial(_thermal_moments, 1),
        residual=deviation,
        because="relative to S = 7/2; cancellation of the two coth at x = 0.2",
        route="trace of S_z with the Gibbs matrix, spins 1/2 to 7/2",
    ),
    _entry(
        equation="33",
        statement="Mean square of the moment",
        latex=r"\langle S_\parallel^iS_\parallel^i\rangle = S^i(S^i+1)"
        r" + \coth(\beta\epsilon_L^i/2)\langle S_\parallel\rangle",
        code=("openmr.rates.closed_form.second_moment", *_LEVELS),
        printed=closed_form.second_moment,
        shipped=tuple(_by_levels("second_moment", sums) for sums in (level_sums, means)),
        reference=partial(_thermal_moments, 2),
        residual=deviation,
        because="relative to the largest; rounding",
        route="trace of S_z^2 with the Gibbs matrix, spins 1/2 to 7/2",
    ),
    _entry(
        equation="III magnons",
        statement="In the mean field every flip costs the one energy eps_L = g mu_B H",
        latex=r"\epsilon_L^i = g\mu_BH_i",
        code=("openmr.moments.equilibrium.equilibrium",),
        printed=_flat_energy,
        reference=_flipped_moments,
        residual=lambda formula, flips: largest(formula() / flips - 1),
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
        code=("openmr.models.scattering.golden_rule",),
        printed=_local_rate_printed,
        corrected=_local_rate,
        reference=_three_moments,
        residual=deviation,
        because=SUMS,
        route="traces in Fock space, free electrons beside one moment, times the number of moments",
        note="Scattering out needs the frequency of the way out, as in (25). With one frequency "
        "for both ways the error is of the order of the rate itself and the Fermi function does "
        "not stand still. (One of its brackets is not closed.)",
    ),
]
