"""Coupled moments against independent engines, exact answers and the Weiss mean field."""

import numpy as np
import pytest
import qutip
from nearness import approx
from refusals import unclear
from systems import COUPLINGS, film_of, redfield

import openmr as om
from openmr import bath, clusters, hilbert
from openmr._qutip import exact_arithmetic
from openmr.units import K_B, MU_B

ROUNDING = 1e-13  # sums over up to 256^2 transitions of numbers of order one


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(np.abs(errors)), 1)[0]


def largest(values):
    return float(np.abs(values).max())


def random_cluster(spins, zeeman=0.7, seed=5):
    exchange = np.triu(np.random.default_rng(seed).normal(size=(len(spins),) * 2), k=1)
    return clusters.Cluster(spins, exchange + exchange.T, zeeman)


def electron_hole(gained):
    return bath.electron_hole_spectrum(-gained)


# --- the exact side ----------------------------------------------------------------------------


def test_hamiltonian_counts_each_pair_once():
    """Dimer: singlet at +3J/4, triplet at -J/4 + b M."""
    found = np.linalg.eigvalsh(clusters.hamiltonian(random_pair := pair(1.3, 0.4)).toarray())
    np.testing.assert_allclose(found, np.sort([0.975, -0.725, -0.325, 0.075]), atol=ROUNDING)
    assert random_pair.exchange[0, 1] == 1.3


def pair(exchange, zeeman=0.0):
    return clusters.Cluster((0.5, 0.5), [[0.0, exchange], [exchange, 0.0]], zeeman)


@pytest.mark.parametrize("exchange", [-3.0, -0.2, 0.0, 1.0, 6.0])
def test_dimer_in_closed_form(exchange):
    """Local noise of a dimer at b = 0: lines at 0 and +-J with known weights."""
    triplet, singlet = np.exp(exchange / 4), np.exp(-3 * exchange / 4)
    k = bath.electron_hole_spectrum
    noise = 0.5 * triplet + 0.25 * (triplet * k(-exchange) + singlet * k(exchange))
    rate = noise / (3 * triplet + singlet)  # 2 (Tr g - g_zz) with g = noise / 4
    found = clusters.rates(pair(exchange))
    assert found.longitudinal == approx(rate, rel=1e-13)
    assert found.transverse == approx(rate, rel=1e-13)


@pytest.mark.parametrize("spins", [(0.5, 0.5), (0.5, 1.0), (0.5, 0.5, 0.5)])
@pytest.mark.parametrize("name", COUPLINGS)
def test_tensor_equals_bloch_redfield(spins, name):
    """Electron (x) cluster in one space, the engine's tensor, projected."""
    cluster = random_cluster(spins)
    coupling = np.array(COUPLINGS[name]) / 1e-3
    dims = [round(2 * s) + 1 for s in spins]
    with exact_arithmetic():
        h = qutip.Qobj(clusters.hamiltonian(cluster).toarray(), dims=[dims, dims])
        total = sum(
            hilbert.project(
                redfield(
                    hilbert.embed(qutip.qeye(2), [h]),
                    (hilbert.coupling(spins, i, coupling), bath.electron_hole_spectrum),
                ).dissipate,
                (-h).expm().unit(),
            )
            for i in range(len(spins))
        )
    exact = hilbert.bloch_tensor(total) / len(spins)
    found = clusters.rates(cluster, coupling=coupling)
    assert largest(found.tensor - exact) < 1e-12 * largest(exact)
    assert found.drift < 1e-14


def test_correlator_in_time_is_eq_12():
    cluster = random_cluster((0.5, 1.0, 0.5))
    h = clusters.hamiltonian(cluster).toarray()
    energies, basis = np.linalg.eigh(h)
    rho = basis @ np.diag(np.exp(-energies)) @ basis.T
    rho = rho / np.trace(rho)
    forward = basis @ np.diag(np.exp(1j * energies * 0.8)) @ basis.T
    first = np.kron(np.kron(bath.spin_matrices(0.5)[0], np.eye(3)), np.eye(2))
    last = np.kron(np.eye(6), bath.spin_matrices(0.5)[1])
    exact = np.trace(rho @ forward @ first @ forward.conj().T @ last)
    state = clusters.levels(cluster)
    found = clusters.correlator(state, lambda w: np.exp(-0.8j * w))
    assert found[0, 2, 0, 1] == approx(exact, abs=ROUNDING)
    assert found[0, 2, 2, 0] == 0


@pytest.mark.parametrize("connected", [False, True])
def test_thermal_balance_and_sum_rule(connected):
    """D_{ia,jb}(w) = e^w D_{jb,ia}(-w), Eq. (48); sum_a <S_a S_a> = S(S+1)."""
    cluster = random_cluster((0.5, 1.5, 1.0))
    state = clusters.levels(cluster)

    def line(w):
        return 1.0 / (1.0 + (w - 0.4) ** 2)

    forward = clusters.correlator(state, line, connected=connected)
    backward = clusters.correlator(state, lambda w: line(-w) * np.exp(-w), connected=connected)
    assert largest(forward - backward.transpose(1, 0, 3, 2)) < ROUNDING
    if not connected:
        still = clusters.correlator(state, np.ones_like)
        lengths = np.einsum("iiaa->i", still).real
        np.testing.assert_allclose(lengths, [0.75, 3.75, 2.0], rtol=1e-13)


@pytest.mark.parametrize("zeeman", [-2.0, 0.0, 1.3])
@pytest.mark.parametrize("connected", [False, True])
def test_uncoupled_moments_need_no_mean_field(zeeman, connected):
    """J_ij = 0: Weiss correlators are exact, whatever the coupling to the electrons."""
    cluster = clusters.Cluster((0.5, 1.0, 2.5), np.zeros((3, 3)), zeeman)
    for name in COUPLINGS:
        coupling = np.array(COUPLINGS[name]) / 1e-3
        found = clusters.rates(cluster, coupling=coupling, connected=connected)
        assert largest(found.tensor - found.weiss_tensor) < ROUNDING
    line = clusters.weiss_correlator(cluster, electron_hole, connected=connected)
    exact = clusters.correlator(clusters.levels(cluster), electron_hole, connected=connected)
    assert largest(np.einsum("iiab->iab", exact - line)) < ROUNDING


def test_moments_in_phase_precess_together():
    """k_F R -> 0: the isotropic exchange commutes with the total spin, only +-b and 0 are seen."""
    ring = clusters.Cluster((0.5,) * 4, 1.7 * clusters.graph("ring", 4), 0.6)
    state = clusters.levels(ring)

    def off_the_lines(w):
        return w * (w - 0.6) * (w + 0.6)

    assert largest(clusters.correlator(state, off_the_lines)[0, 0]) > 0.1
    assert largest(clusters.correlator(state, off_the_lines).sum(axis=(0, 1))) < ROUNDING
    together = clusters.rates(ring, phases=clusters.interference(np.zeros((4, 3)), 0.0))
    noise = clusters.correlator(state, electron_hole).sum(axis=(0, 1)) / 4
    assert largest(together.tensor - clusters.golden_rule_tensor(noise)[0]) < ROUNDING


@pytest.mark.parametrize("distance", [0.0, 0.3, 2.0, 7.0])
def test_interference_is_the_average_over_both_directions(distance):
    """<exp[-i (k - k') . R]> over k and k' by quadrature over the spheres, Eq. (28)."""
    cosines, weights = np.polynomial.legendre.leggauss(40)
    phase = np.exp(-1j * 1.4 * distance * cosines)
    average = np.abs(0.5 * weights @ phase) ** 2
    found = clusters.interference([[0, 0, 0], [0, distance, 0]], 1.4)
    assert found[0, 1] == approx(average, abs=1e-14)
    assert found[0, 0] == 1
    np.testing.assert_array_equal(clusters.interference(np.zeros((2, 3)), np.inf), np.eye(2))


# --- the mean field ----------------------------------------------------------------------------

MEV = 1e-3


@pytest.mark.parametrize(
    ("spins", "bonds", "field"),
    [
        ((0.5,) * 4, 0.3 * MEV * clusters.graph("ring", 4), 0.0),
        ((0.5,) * 4, 0.3 * MEV * clusters.graph("chain", 4), 2.0),
        ((1.0, 2.0, 1.0), -0.2 * MEV * clusters.graph("chain", 3), 1.0),
        ((0.5,) * 4, -0.3 * MEV * clusters.graph("ring", 4), 0.0),
        ((2.0, 0.5), 0.1 * MEV * clusters.graph("chain", 2), -3.0),
    ],
)
@pytest.mark.parametrize("temperature", [0.8, 3.0, 20.0])
def test_weiss_field_is_that_of_the_equilibrium(spins, bonds, field, temperature):
    """Eq. (30) for one site per sublattice: the pair sum and J0 count alike."""
    moments = [om.Moments(spin=s, density=1e27, exchange_energy=1e-3) for s in spins]
    state = om.equilibrium(film_of(*moments, weiss=bonds), temperature, field)
    found = clusters.weiss_splittings(clusters.in_units(spins, bonds, temperature, field))
    np.testing.assert_allclose(np.sort(found), np.sort(state.reduced_splitting), atol=1e-9)


def test_units():
    cluster = clusters.in_units((0.5, 0.5), [[0, MEV], [MEV, 0]], 10.0, 5.0, g=2.1)
    assert cluster.zeeman == approx(2.1 * MU_B * 5 / (K_B * 10), rel=1e-14)
    assert cluster.exchange[0, 1] == approx(MEV / (K_B * 10), rel=1e-14)


@pytest.mark.parametrize("shape", ["ring", "chain", "complete"])
def test_reduced_temperature_is_where_order_sets_in(shape):
    bonds = clusters.graph(shape, 5)
    above = clusters.weiss_splittings(clusters.at_reduced_temperature(1.0, bonds, 1.01))
    below = clusters.weiss_splittings(clusters.at_reduced_temperature(1.0, bonds, 0.99))
    assert largest(above) < 1e-12
    assert 0.05 < below.min() < 1.0


def test_ordered_moments_lower_the_free_energy():
    ring = clusters.at_reduced_temperature(0.5, clusters.graph("ring", 4), 0.5)
    x = clusters.weiss_splittings(ring)
    # spin 1/2: m = tanh(2 m / t) with 2 S = 1
    m = np.tanh(0.5 * x[0])
    assert m == approx(np.tanh(m / 0.5), rel=1e-12)
    assert clusters._free_energy(ring, x) < clusters._free_energy(ring, np.zeros(4))


# --- how good the mean field is ----------------------------------------------------------------

HOT = np.array([12.0, 24.0, 48.0])


@pytest.mark.slow
@pytest.mark.parametrize("zeeman", [0.0, 0.5])
@pytest.mark.parametrize(("spin", "sites"), [(0.5, 6), (1.0, 3), (1.5, 3)])
def test_error_falls_as_temperature_squared(spin, sites, zeeman):
    """At fixed field: the molecular field fluctuates by J_ij, which Eq. (31) leaves out."""
    bonds = clusters.graph("ring", sites)
    runs = [clusters.at_reduced_temperature(spin, bonds, t, zeeman / t) for t in HOT]
    errors = np.array([clusters.rates(run).errors for run in runs])
    # the next order is T_C / T itself, 8 % at the hot end
    assert slope(1 / HOT, errors[:, 0]) == approx(2, abs=0.1)
    assert slope(1 / HOT, errors[:, 1]) == approx(2, abs=0.1)


@pytest.mark.parametrize("shape", ["ring", "chain", "complete"])
def test_error_at_high_temperature_in_closed_form(shape):
    """Spin 1/2, zero field: Weiss / exact - 1 -> (1/12) mean_i sum_j (beta J_ij)^2."""
    bonds, strength = clusters.graph(shape, 5), 1e-2
    found = clusters.rates(clusters.Cluster((0.5,) * 5, strength * bonds, 0.0)).errors
    expected = strength**2 * (bonds**2).sum(axis=1).mean() / 12
    # the next order is a fraction beta J of it
    np.testing.assert_allclose(found, expected, rtol=3 * strength)


def test_strong_field_saves_the_transverse_rate_alone():
    """Transverse error ~ exp(-b); the longitudinal ratio stays off by the magnons' dispersion."""
    exchange = 0.8 * clusters.graph("ring", 5)
    fields = np.array([12.0, 16.0, 20.0])
    errors = np.array(
        [clusters.rates(clusters.Cluster((0.5,) * 5, exchange, b)).errors for b in fields]
    )
    # ln|error| = -b + ln b + constant: the logarithm tilts it by 1/16
    assert np.polyfit(fields, np.log(np.abs(errors[:, 1])), 1)[0] == approx(-1, abs=0.1)
    magnons = fields[-1] + 0.5 * (1.6 - np.linalg.eigvalsh(exchange))
    flat = fields[-1] + 0.8
    ratio = flat * np.exp(-flat) / np.mean(magnons * np.exp(-magnons))
    # two magnons at once: exp(-20)
    assert 1 + errors[-1, 0] == approx(ratio, rel=1e-6)
    assert errors[-1, 0] < -0.1


def test_frozen_flips_keep_their_digits():
    """At b = 200 flips are e^-200 of the dephasing: the ratio to the magnons still comes out."""
    exchange = 0.8 * clusters.graph("ring", 4)
    found = clusters.rates(clusters.Cluster((0.5,) * 4, exchange, 200.0))
    magnons = 200 + 0.5 * (1.6 - np.linalg.eigvalsh(exchange))
    # S^- S^+ of one site: 2 S, and both flips cost the same: 2 (g_xx + g_yy) = E exp(-E) / 2
    rate = np.mean(magnons * np.exp(-magnons)) / 2
    # energies of size 200 carry 200 roundings into the exponent
    assert found.longitudinal == approx(rate, rel=1e-11)


def test_error_settles_with_the_size_of_the_ring():
    """At T = 2 T_C each further pair of sites changes the error several times less."""
    sizes = (4, 6, 8)
    bonds = [clusters.graph("ring", n) for n in sizes]
    errors = np.array(
        [clusters.rates(clusters.at_reduced_temperature(0.5, b, 2.0, 0.25)).errors for b in bonds]
    )
    steps = np.abs(np.diff(errors, axis=0))
    assert np.all(steps[1] < steps[0] / 3)
    assert np.all(errors[-1] > 0.05)


@pytest.mark.parametrize("sites", [2, 3, 5, 8])
def test_complete_graph_by_total_spin(sites):
    """The rest of the moments as one spin L: equal to the full diagonalisation."""
    bonds = 1.3 / (sites - 1) * clusters.graph("complete", sites)
    full = clusters.correlator(
        clusters.levels(clusters.Cluster((0.5,) * sites, bonds, 0.7)), electron_hole
    )
    assert largest(full[0, 0] - clusters.complete_graph_noise(0.5, sites, 1.3, 0.7)) < ROUNDING


def test_complete_graph_of_larger_spins():
    bonds = 0.4 * clusters.graph("complete", 3)
    full = clusters.correlator(
        clusters.levels(clusters.Cluster((1.5,) * 3, bonds, 0.7)), electron_hole
    )
    assert largest(full[0, 0] - clusters.complete_graph_noise(1.5, 3, 0.8, 0.7)) < ROUNDING


def weiss_errors(spin, mean_exchange, zeeman, sizes, miscounted=1.0):
    two = clusters.Cluster((spin, spin), mean_exchange * clusters.graph("chain", 2), zeeman)
    weiss = np.diag(clusters.rates(two).weiss_tensor)
    exact = [
        np.diag(
            clusters.golden_rule_tensor(
                clusters.complete_graph_noise(spin, n, miscounted * mean_exchange, zeeman)
            )[0]
        )
        for n in sizes
    ]
    return weiss / np.array(exact) - 1


@pytest.mark.slow
@pytest.mark.parametrize(("spin", "ratio"), [(0.5, 2.0), (0.5, 0.5), (1.0, 2.0)])
def test_complete_graph_tends_to_the_mean_field(spin, ratio):
    """Each pair J0 / (N - 1): the error falls as 1 / N."""
    sizes = [32, 64, 128] if spin == 0.5 else [16, 32, 64]
    errors = weiss_errors(spin, 3 / (ratio * spin * (spin + 1)), 1.0 / ratio, sizes)
    steps = -np.diff(np.log(np.abs(errors)), axis=0)[:, [0, 2]] / np.log(2)
    # the next order is 1 / N^2: what a local slope is off by halves with each doubling
    assert np.all(np.abs(steps[1] - 1) < 0.2)
    assert np.all(np.abs(steps[1] - 1) < 0.7 * np.abs(steps[0] - 1))


@pytest.mark.slow
@pytest.mark.parametrize("miscounted", [0.5, 2.0])
def test_pairs_counted_otherwise_are_noticed(miscounted):
    """A factor 2 in J0, Eqs. (3), (30): the mean field is missed at every N."""
    errors = weiss_errors(0.5, 2.0, 0.5, [16, 32, 64], miscounted)
    assert abs(slope([16, 32, 64], errors[:, 0])) < 0.5
    assert np.all(np.abs(errors[-1]) > 0.03)


def test_golden_rule_tensor_is_the_dissipator_of_the_noise():
    """d<sigma>/dt from A_b rho A_a - {A_a A_b, rho} / 2 with any positive complex noise matrix."""
    rng = np.random.default_rng(3)
    root = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    noise, sigma = root @ root.conj().T, 2 * bath.spin_matrices(0.5)
    tensor, drift = clusters.golden_rule_tensor(noise)
    rho = 0.5 * (np.eye(2) + np.einsum("v,vij->ij", [0.3, -0.2, 0.6], sigma))
    jump = np.einsum("ab,bij,jk,akl->il", noise / 4, sigma, rho, sigma)
    loss = np.einsum("ab,aij,bjk->ik", noise / 4, sigma, sigma)
    change = jump - 0.5 * (loss @ rho + rho @ loss)
    exact = np.einsum("vij,ji->v", sigma, change).real
    np.testing.assert_allclose(drift - tensor @ [0.3, -0.2, 0.6], exact, rtol=1e-13)


def test_wrong_energy_sign_is_noticed():
    """Electrons that receive what the moments gain: no detailed balance, the spin drifts."""
    state = clusters.levels(random_cluster((0.5, 1.0)))
    noises = [
        np.einsum("iiab->ab", clusters.correlator(state, weight))
        for weight in (electron_hole, bath.electron_hole_spectrum)
    ]
    right, wrong = (clusters.golden_rule_tensor(noise)[1] for noise in noises)
    assert largest(right) < ROUNDING
    assert largest(wrong) > 0.1


# --- bad input ---------------------------------------------------------------------------------

RING = clusters.graph("ring", 4)
BAD = [
    (lambda: clusters.Cluster((0.3,), [[0.0]], 0.0), "`spins` must be a positive half-int.*0.3"),
    (lambda: clusters.Cluster((), np.zeros((0, 0)), 0.0), "`spins`.*none"),
    (lambda: clusters.Cluster((0.5,) * 2, RING, 0.0), r"`exchange`.*\(2, 2\), got \(4, 4\)"),
    (lambda: clusters.Cluster((0.5,) * 4, np.triu(RING), 0.0), "`exchange` must be symmetric"),
    (lambda: clusters.Cluster((0.5,), [[1.0]], 0.0), r"zero diagonal, got \[\[1.0\]\]"),
    (lambda: clusters.Cluster((0.5,) * 4, np.nan * RING, 0.0), "`exchange`.*nan"),
    (lambda: clusters.Cluster((0.5,) * 4, RING, np.inf), "`zeeman`.*inf"),
    (
        lambda: clusters.Cluster((0.5,) * 40, np.zeros((40, 40)), 0.0),
        r"`spins`.*dimension <= 2048, got 1.09951e\+12 .*GiB",
    ),
    (lambda: clusters.graph("star", 4), "`shape`.*'complete'.*'star'"),
    (lambda: clusters.graph("ring", 0), "`sites`.*>= 1, got 0"),
    (lambda: clusters.graph("ring", "four"), "`sites`.*'four'"),
    (lambda: clusters.graph("ring", 2.5), "`sites` must be an integer >= .*, got 2.5"),
    (lambda: clusters.graph("ring", 10**9), "`sites` must be <= 2048, got 1000000000 .*GiB"),
    (lambda: clusters.at_reduced_temperature(0.5, RING, 0.0), "`reduced_temperature`.*> 0 T_C"),
    (lambda: clusters.at_reduced_temperature(0.4, RING, 1.0), "`spin`.*0.4"),
    (lambda: clusters.at_reduced_temperature(0.5, [1.0, 2.0], 1.0), "`bonds`.*square.*\\(2,\\)"),
    (lambda: clusters.in_units((0.5,), [[0.0]], 0.0, 1.0), "`temperature`.*> 0 K"),
    (lambda: clusters.in_units((0.5,), [[0.0]], 1.0, np.nan), "`field`.*T, got nan"),
    (lambda: clusters.interference([0.0, 1.0], 1.0), r"`positions`.*\(N, 3\), got \(2,\)"),
    (lambda: clusters.interference(np.zeros((2, 3)), -1.0), "`wavenumber`.*>= 0, got -1"),
    (lambda: clusters.rates(pair(1.0), phases=np.eye(3)), r"`phases`.*\(2, 2\), got \(3, 3\)"),
    (lambda: clusters.rates(pair(1.0), coupling=np.nan), "`coupling`.*nan"),
    (lambda: clusters.complete_graph_noise(0.5, 1, 1.0, 0.0), "`sites`.*>= 2, got 1"),
    (
        lambda: clusters.complete_graph_noise(0.5, 10**6, 1.0, 0.0),
        r"`sites` must be <= 256, got 1000000 \(about 1.19e\+05 GiB\)",
    ),
]


def test_one_clear_error():
    assert unclear(BAD, size="GiB") == {}


def test_no_coupling_and_infinite_temperature_stay_finite():
    still = clusters.rates(pair(1.0), coupling=0.0)
    assert largest(still.tensor) == 0
    assert largest(still.errors) == 0
    free = clusters.at_reduced_temperature(0.5, np.zeros((3, 3)), 1.0)
    assert not free.exchange.any()
    hot = clusters.at_reduced_temperature(0.5, RING, np.inf)
    assert largest(hot.exchange) == 0
    assert largest(clusters.rates(hot).errors) < ROUNDING


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("ratio", [0.02, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("zeeman", [0.0, 1e-6, 3.0])
def test_cold_and_critical_clusters_stay_finite(sign, ratio, zeeman):
    """Frozen moments, and the slowest point of the Weiss iteration."""
    cluster = clusters.at_reduced_temperature(1.0, sign * RING, ratio, zeeman / ratio)
    found = clusters.rates(cluster)
    assert np.all(np.isfinite(found.tensor))
    assert np.all(np.isfinite(found.weiss_tensor))
    assert found.longitudinal > 0
    assert found.drift < 1e-12


def test_print():
    assert "Weiss" in repr(clusters.rates(pair(1.0)))
