"""The Weiss field of one kind of moments: the right root, self-consistent."""

from dataclasses import replace
from itertools import product

import mpmath as mp
import numpy as np
import pytest
from nearness import approx
from spoil import replaced, rewritten
from systems import antiferromagnet, exact_averages, ferrimagnet, weiss_plane

import openmr as om
from openmr import units
from openmr.moments import coupled_sublattices as descent
from openmr.moments.equilibrium import thermal_state
from openmr.moments.one_sublattice import _bend, _series, weiss_field
from openmr.moments.spin_averages import MAX_HORNER, brillouin, level_sums

SPINS = (0.5, 1.0, 2.0, 3.5, 7.5)


@pytest.mark.parametrize("spin", SPINS)
def test_residual_over_the_whole_plane(spin):
    zeeman, coupling = weiss_plane(spin)
    x, _ = weiss_field(spin, zeeman, coupling)
    mean = brillouin(spin, x).mean
    again = brillouin(spin, zeeman + coupling * mean).mean
    assert np.all(np.abs(again - mean) <= 1e-13 * spin)


@pytest.mark.parametrize("spin", SPINS)
def test_the_largest_root_is_found(spin):
    """No sign change of x - h - a m(x) above it: the state of lowest free energy."""
    rng = np.random.default_rng(7)
    zeeman, pull = 10 ** rng.uniform(-6, 1, 300), rng.uniform(0, 4, 300)
    coupling = pull * 3 / (spin * (spin + 1))
    x, _ = weiss_field(spin, zeeman, coupling)
    above = x * (1 + np.geomspace(1e-6, 100, 400)[:, None])
    assert np.all(above - zeeman - coupling * brillouin(spin, above).mean > 0)


@pytest.mark.parametrize("spin", SPINS)
def test_repulsive_coupling(spin):
    zeeman = np.logspace(-8, 2, 101)[:, None]
    coupling = -np.logspace(-4, 1, 41)
    zeeman, coupling = (a.ravel() for a in np.broadcast_arrays(zeeman, coupling))
    x, _ = weiss_field(spin, zeeman, coupling)
    mean, slope = brillouin(spin, x)
    change = slope / (1 - coupling * slope) * (x - zeeman - coupling * mean)
    assert np.all(np.abs(change) <= 1e-13 * spin)
    again = brillouin(spin, np.maximum(zeeman + coupling * mean, 0.0)).mean
    assert np.all(np.abs(again - mean) <= 1e-13 * spin)


COUPLED = {
    "antiferromagnet": antiferromagnet(),
    "spins 1/2": antiferromagnet(spin=0.5),
    "ferrimagnet": ferrimagnet(),
    "frustrated": replace(
        antiferromagnet(),
        magnet=om.Magnet(
            [antiferromagnet().magnet.sublattices[0]] * 3,
            -1e-3 * (1 - np.eye(3)) + 2e-4 * np.eye(3),
        ),
    ),
}


@pytest.mark.parametrize("name", COUPLED)
def test_residual_of_coupled_sublattices(name):
    """|m(zeeman + coupling m) - m| <= 1e-13 S, far below and above the transition and at it."""
    sample = COUPLED[name]
    magnet = sample.magnet
    critical = om.ordering_temperature(magnet)
    temperature = critical * np.array([0.03, 0.2, 0.6, 0.95, 1.0, 1.05, 2.0, 8.0])[:, None]
    state = om.equilibrium(sample, temperature, np.array([-3.0, 0.0, 1e-3, 0.5, 8.0, 60.0]))
    beta = 1 / (units.K_B * state.temperature[..., None])
    zeeman = beta * units.MU_B * 2.0 * state.field[..., None]
    pulls = beta[..., None] * np.array(magnet.weiss) * state.mean_spin[..., None, :]
    splitting = zeeman - pulls.sum(axis=-1)
    for i, spin in enumerate(magnet.spins):
        again = level_sums(spin, splitting[..., i]).mean_spin
        assert np.all(np.abs(again - state.mean_spin[..., i]) <= 1e-13 * spin)


def random_problem(rng, count, share):
    """Coupled moments at shares (p,) of the ordering temperature, in random fields."""
    weights = rng.uniform(0.5, 2.0, count)
    energies = rng.normal(size=(count, count))
    energies[0, 0] = 2.0  # so that they order
    spins = rng.integers(1, 8, count) / 2
    weiss = (energies + energies.T) / weights[:, None]
    root = np.sqrt(spins * (spins + 1) / 3 / weights)
    strongest = np.linalg.eigvalsh(root[:, None] * weights[:, None] * weiss * root)[-1]
    g, beta = rng.uniform(1.0, 3.0, count), 1 / (share * strongest)
    field = rng.uniform(-2.0, 2.0, len(share))
    return descent.WeissProblem(spins, g, weights, weiss, beta, g[:, None] * beta * field)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_one_start_is_enough_from_the_ordering_temperature_on(count):
    rng = np.random.default_rng(count)
    missed = 0
    for _ in range(10):
        above = random_problem(rng, count, rng.uniform(1.0, 3.0, 50))
        found, lowest = descent.convex(above), descent.lowest(above)
        # near the transition rounding grows by up to one over the distance from it
        np.testing.assert_allclose(found, lowest, rtol=1e-10, atol=1e-10)
        below = random_problem(rng, count, rng.uniform(0.1, 0.9, 50))
        found, lowest = descent.convex(below), descent.lowest(below)
        missed += np.count_nonzero(np.abs(found - lowest).max(axis=0) > 1e-3)
    assert missed > 10  # below, it is not


@pytest.mark.parametrize("count", [1, 2, 4])
def test_elimination_solves_positive_matrices_and_knows_the_others(count):
    rng = np.random.default_rng(count)
    matrix = rng.normal(size=(count, count, 300)) + 2 * np.eye(count)[..., None]
    matrix = matrix + matrix.transpose(1, 0, 2)
    vector = rng.normal(size=(count, 300))
    found, positive = descent._eliminated(matrix.copy(), vector)
    stacked = np.moveaxis(matrix, -1, 0)
    values = np.linalg.eigvalsh(stacked)
    np.testing.assert_array_equal(positive, values[:, 0] > 0)
    assert positive.any()
    wanted = np.linalg.solve(stacked, vector.T[..., None])[..., 0].T
    scale = np.abs(wanted).max(axis=0) * values[:, -1] / values[:, 0]
    assert np.all((np.abs(found - wanted) <= 1e-14 * scale)[:, positive])


def all_starts_to_the_end(problem):
    """Least free energy of all patterns of signs, each followed by sweeps alone."""
    n, least = len(problem.spins), np.inf
    for pattern in product((-1.0, 1.0), repeat=n):
        m = np.tile((np.array(pattern) * problem.spins)[:, None], len(problem.beta))
        for _ in range(200):
            x = descent._sweep(problem, m)
        m, entropy = np.empty_like(x), np.empty_like(x)
        for i, spin in enumerate(problem.spins):
            sums = level_sums(spin, x[i])
            m[i], entropy[i] = sums.mean_spin, sums.entropy
        pair = 0.5 * m * (problem.beta * (problem.weiss @ m))
        energy = (problem.weights[:, None] * (problem.zeeman * m - pair - entropy)).sum(axis=0)
        least = np.minimum(least, energy)
    return least


def coupled_problem(kind, seed):
    """Moments below their ordering temperature, down to a hundredth of it, in any field."""
    rng = np.random.default_rng(seed)
    n = 2 + seed % 3
    energies = rng.normal(size=(n, n))
    energies = energies + energies.T
    spins, g, weights = (
        rng.integers(1, 8, n) / 2,
        rng.uniform(-1.0, 3.0, n),
        rng.uniform(0.5, 2, n),
    )
    if kind == "frustrated":  # equal moments on a complete graph
        energies = rng.uniform(0, 0.5) * np.eye(n) - (1 - np.eye(n))
        spins, g, weights = np.full(n, spins[0]), np.full(n, 2.0), np.ones(n)
    if kind == "metamagnetic":  # each attracted by its own kind, repelled by others
        energies = np.diag(rng.uniform(0, 4, n)) - np.abs(energies - np.diag(np.diag(energies)))
    root = np.sqrt(spins * (spins + 1) / 3 / weights)
    strongest = np.linalg.eigvalsh(root[:, None] * energies * root)[-1]
    beta = 1 / (10 ** rng.uniform(-2, -0.02, 12) * max(strongest, 0.1))
    field = rng.choice([0, 0, 1e-6, 0.1, 1.0, 5.0], 12) * rng.choice([-1, 1], 12)
    field *= np.abs(energies).max() * spins.max()
    zeeman = g[:, None] * beta * field
    return descent.WeissProblem(spins, g, weights, energies / weights[:, None], beta, zeeman)


def excess(problem):
    """Free energy of the state found above the least of all starts, over its rounding."""
    x = descent.lowest(problem)
    energy, rounding = descent._free_energy(problem, descent._trial(problem, x))
    return (energy - all_starts_to_the_end(problem)) / (rounding + 1e-11 * np.abs(energy))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["any", "frustrated", "metamagnetic"])
def test_no_start_followed_to_its_end_finds_less_than_merged_ones(kind):
    for seed in range(9):
        assert excess(coupled_problem(kind, seed)).max() <= 10, (kind, seed)


@pytest.mark.slow
def test_starts_merged_too_early_are_noticed():
    """Whatever the free energy between them."""
    function = descent._convex_between
    wrong = rewritten(function, "one * other > 0", "one * other > -np.inf")
    with replaced(function, wrong):
        assert any(
            excess(coupled_problem(kind, seed)).max() > 1e3
            for kind in ("metamagnetic", "any")
            for seed in range(9)
        )


@pytest.mark.parametrize("spin", [0.5, 1.0, 4.5, 5.0, 10.0, 60.0, 200.0])
def test_the_start_is_a_bound(spin):
    x = np.logspace(-5, 3, 4001)
    bound = spin * (spin + 1) / 3 * x / np.sqrt(1 + _bend(spin) * x**2)
    assert np.all(brillouin(spin, x).mean <= bound * (1 + 1e-14))


@pytest.mark.parametrize("spin", [0.5, 1.0, 1.5, 2.0, 3.5, 7.5, 20.0, 60.0])
def test_the_bend_is_strongest_at_the_origin(spin):
    """|m''| <= 3 b c x, on which the last step far from the transition rests; met as x -> 0."""
    x = np.logspace(-3, 2, 4001)
    step = 1e-4 * x
    bend = (brillouin(spin, x + step).slope - brillouin(spin, x - step).slope) / (2 * step)
    ratio = -bend / (_series(spin) * spin * (spin + 1) * x)
    assert np.all(ratio >= -1e-6)
    assert 0.998 < ratio.max() < 1 + 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("spin", [0.5, 2.0, 50.0, 60.0])
def test_single_precision_leaves_no_trace(spin):
    """Roots far from the transition, fields beyond its range and saturation among them."""
    fields = np.concatenate([[0.0, 5e-324, 1e-310, 1e-40], np.logspace(-36, 12, 49)])
    pull = np.concatenate([-np.logspace(-6, -0.05, 10), [0.0], np.logspace(-6, -0.05, 10)])
    coupling = 3 * pull / (spin * (spin + 1))
    # one by one: of many the slowest decides when to stop
    found = [[weiss_field(spin, np.array([h]), np.array([c]))[0] for c in coupling] for h in fields]
    x = np.array(found)[..., 0]
    zeeman = fields[:, None]
    mean, slope = brillouin(spin, x)
    residual = np.abs(x - zeeman - coupling * mean)
    rounding = np.finfo(float).eps * (x + np.abs(coupling * mean) + zeeman)
    smallest = np.finfo(float).smallest_subnormal
    allowed = 4 * np.maximum(rounding, smallest) / (1 - coupling * slope)
    assert np.all(residual / (1 - coupling * slope) <= allowed)


def test_any_field_beside_any_other():
    """One block holds a point that is stiff and one so strong that its rounding is a large step."""
    kelvin, fields = np.full(2, 36.742372881355934), np.array([0.1, 1e10])
    together = thermal_state(om.presets.pt_py(), kelvin, fields).mean_spin
    for i in range(2):
        alone = thermal_state(om.presets.pt_py(), kelvin[i : i + 1], fields[i : i + 1])
        assert float(together[i, 0]) == approx(float(alone.mean_spin[0, 0]))


def test_no_field_points_up_within_rounding_of_the_transition():
    coupling = 0.5 * (1 + np.arange(-8, 9) * np.finfo(float).eps)
    for zeeman in (0.0, 1e-30):
        x, _ = weiss_field(2.0, np.full_like(coupling, zeeman), coupling)
        assert np.all(x >= 0.0)


@pytest.mark.parametrize("spin", SPINS)
def test_level_sums_against_forty_digits(spin):
    for x in (0.0, 1e-12, 0.3, -2.0, 30.0, -650.0):
        found = level_sums(spin, np.array([x]))[:5]
        for value, exact in zip(found, exact_averages(spin, x), strict=True):
            scale = abs(exact) if exact else mp.mpf(1)
            assert abs(mp.mpf(float(value[0])) - exact) <= 8e-16 * (2 * spin + 1) * scale


@pytest.mark.parametrize("spin", [MAX_HORNER / 2 + 3.5, 500.0, 500.5])
def test_large_spins_take_one_product_instead(spin):
    """And beyond 500, where binomial coefficients overflow, <S_x^2> + <S_y^2> another sum."""
    x = np.array([1e-3, 0.2, -4.0])
    found, mean = level_sums(spin, x), brillouin(spin, np.abs(x)).mean
    np.testing.assert_allclose(np.abs(found.mean_spin), mean, rtol=1e-12)
    for i, value in enumerate(x):
        exact = exact_averages(spin, value)
        np.testing.assert_allclose([a[i] for a in found[:5]], [float(e) for e in exact], rtol=1e-12)


def test_the_largest_spins_point_as_a_vector_does():
    """Langevin: <S_par> = -S (coth y - 1/y), y = x S, to 1/2S."""
    spin, y = 2e4, np.array([0.01, 1.0, 5.0, 40.0])
    found, langevin = level_sums(spin, y / spin), 1 / np.tanh(y) - 1 / y
    np.testing.assert_allclose(-found.mean_spin / spin, langevin, rtol=1 / spin)
    square, slope = 1 - 2 * langevin / y, 1 / y**2 - 1 / np.sinh(y) ** 2
    np.testing.assert_allclose(found.second_moment / spin**2, square, rtol=2 / spin)
    np.testing.assert_allclose(found.variance / spin**2, slope, rtol=2 / spin)
    for flips in (found.flip_up, found.flip_down):
        np.testing.assert_allclose(flips / spin**2, 2 * langevin / y, rtol=y.max() / spin)


def test_a_root_that_is_not_reached_is_an_error(monkeypatch):
    """A slope off by half loses Newton's order."""
    from openmr.moments import one_sublattice as weiss

    zeeman, coupling = np.array([0.3]), np.array([0.8])
    right = weiss.brillouin
    monkeypatch.setattr(
        weiss, "brillouin", lambda s, x: right(s, x)._replace(slope=0.5 * right(s, x).slope)
    )
    monkeypatch.setattr(weiss, "MAX_STEPS", 5)
    with pytest.raises(om.ConvergenceError, match="did not settle in 5 Newton steps at 1 points"):
        weiss_field(2.0, zeeman, coupling)


def test_convergence_is_quadratic(monkeypatch):
    """Errors of successive steps: log e_{n+1} / log e_n approaches 2."""
    from openmr.moments import one_sublattice as weiss

    points, right = [], weiss.brillouin
    monkeypatch.setattr(weiss, "brillouin", lambda s, x: points.append(x.copy()) or right(s, x))
    x, _ = weiss_field(2.0, np.array([0.05]), np.array([0.55]))
    errors = [float(p[0] / x[0]) - 1 for p in points]
    errors = [e for e in errors if 1e-14 < e < 0.1]
    assert len(errors) >= 2
    # the constant of proportionality is of order one here
    assert np.log(errors[-1]) / np.log(errors[-2]) > 1.6
    assert errors == sorted(errors, reverse=True)  # monotone, from above


def test_sublattices_apart_equal_samples_of_one():
    sample = om.presets.pt_py()
    one = sample.magnet.sublattices[0]
    other = om.Moments(spin=1.0, density=1e27, exchange_energy=2e-3, g=-1.5)
    j = sample.magnet.weiss[0][0]
    both = om.Magnet([one, other], weiss=[[j, 0.0], [0.0, 0.4 * j]])
    temperature, field = np.array([2.0, 9.0, 40.0])[:, None], np.array([-2.0, 0.0, 3.0])
    found = om.equilibrium(replace(sample, magnet=both), temperature, field)
    for i, (moments, weiss) in enumerate(((one, j), (other, 0.4 * j))):
        alone = replace(sample, magnet=om.Magnet(moments, weiss))
        state = om.equilibrium(alone, temperature, field)
        np.testing.assert_array_equal(found.mean_spin[..., i], state.mean_spin[..., 0])
        assert np.all(state.mean_spin[:, 1][: 2 - i] * moments.g < 0)
    assert np.all(found.mean_spin[2, 1] == 0.0)


def test_exactly_zero_at_the_transition_on_a_grid():
    sample = om.presets.pt_py()
    critical = om.ordering_temperature(sample.magnet)
    temperature = critical * np.array([1 - 1e-12, 1.0, 1 + 1e-15, 2.0])
    state = om.equilibrium(sample, temperature, 0.0)
    assert state.mean_spin[0, 0] < 0
    assert np.all(state.mean_spin[1:] == 0.0)
