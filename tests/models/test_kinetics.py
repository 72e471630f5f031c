"""The kinetic equation: conservation laws, detailed balance, spectrum, shift, convergence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nearness import approx
from scipy.integrate import quad
from scipy.special import expit

from openmr import bath, kinetics
from openmr.moments.spin_averages import level_sums

ANISOTROPIC = (1.0, 0.3, -0.6)


def sea_of(x, w=0.0, exchange=(1.0, 1.0, 1.0), *, spin=2.0, spacing=0.3, reach=40.0, **kwargs):
    lines = bath.moment_correlator(spin, x)
    scatterer = kinetics.Scatterer(1.0, np.array(exchange), lines)
    energies = kinetics.energy_grid([x], spacing, reach + abs(w))
    kwargs = {"dos": (1.0, 1.0), **kwargs}
    return kinetics.Sea(energies, w, scatterers=(scatterer,), **kwargs)


def wild_state(sea, seed=3):
    """Far from equilibrium in every component, and dying off at the ends of the grid."""
    rng = np.random.default_rng(seed)
    state = kinetics.local_equilibrium(sea, 0.3, (0.5, -0.2, 0.8))
    return state * (1 + 0.5 * np.sin(rng.uniform(0.3, 2, (4, 1)) * sea.energies + rng.normal()))


SEAS = [
    {"x": 1.3, "w": 0.0},
    {"x": 1.3, "w": 0.4, "exchange": ANISOTROPIC},
    {"x": -2.0, "w": 1.7, "exchange": ANISOTROPIC, "dos": (0.3, 1.7)},
    {"x": 0.0, "w": 0.9, "exchange": (1.0, 0.0, 0.0), "dos": (1.2, 0.8)},
    {"x": 6.0, "w": -2.5, "spin": 0.5},
]


@pytest.mark.parametrize("kwargs", SEAS)
def test_fermi_dirac_is_stationary(kwargs):
    """Eq. (50), with gain and loss of order one each."""
    sea = sea_of(**kwargs)
    still = np.zeros((4, len(sea.energies)))
    assert np.abs(kinetics.collision(sea, still)).max() <= 1e-15
    # ... and so is every Fermi-Dirac state that differs in its chemical potential alone
    charged = kinetics.local_equilibrium(sea, 0.7, (0, 0, 0))
    assert np.abs(kinetics.collision(sea, charged)).max() <= 1e-14


@pytest.mark.parametrize("kwargs", SEAS)
def test_charge_is_conserved_for_any_state(kwargs):
    """Eq. (58), to the rounding of sums over some hundred energies."""
    sea = sea_of(**kwargs)
    change = kinetics.densities(sea, kinetics.collision(sea, wild_state(sea)))
    assert abs(change[0]) <= 1e-14
    assert np.abs(change[1:]).max() > 1e-2


@settings(max_examples=25, deadline=None)
@given(
    x=st.floats(-8, 8),
    w=st.floats(-3, 3),
    exchange=st.tuples(*[st.floats(-1, 1)] * 3),
    up=st.floats(0.2, 1.8),
)
def test_conservation_holds_everywhere(x, w, exchange, up):
    sea = sea_of(x, w, exchange, dos=(up, 2.0 - up), spin=1.0)
    change = kinetics.collision(sea, wild_state(sea))
    assert abs(kinetics.densities(sea, change)[0]) <= 1e-13
    slope = kinetics.initial_slope(sea)
    assert np.abs(slope[0]).max() <= 1e-14
    # one of the two transverse slopes may be negative where the spins are split and Jx != Jy;
    # what precession leaves of them, their mean, may not
    assert slope[3, 3] >= -1e-13
    assert slope[1, 1] + slope[2, 2] >= -1e-13


def test_missing_pauli_blocking_is_noticed(monkeypatch):
    sea = sea_of(1.3, 0.4)
    unblocked = kinetics._fermi_dirac

    def filled_only(sea, sign, axes):
        return unblocked(sea, sign, axes) if sign > 0 else lambda offset: np.eye(2)[..., None] + 0j

    monkeypatch.setattr(kinetics, "_fermi_dirac", filled_only)
    assert np.abs(kinetics.collision(sea, np.zeros((4, len(sea.energies))))).max() > 0.1


@pytest.mark.parametrize("kwargs", SEAS)
def test_detailed_balance_of_the_transition_rates(kwargs):
    """Eq. (49): W(b <- a) = exp(energy given to the moment) W(a <- b), per process."""
    sea = sea_of(**kwargs)
    rates = {}
    for process in kinetics.processes(sea.scatterers[0]):
        weight = process.amplitude[process.before, process.after].real  # its own reverse hop
        rates[process.after, process.before, process.energy] = weight
    compared = 0
    for (after, before, energy), rate in rates.items():
        if after != before and rate:
            back = rates[before, after, -energy]
            assert back * np.exp(energy) == approx(rate, rel=1e-13)
            compared += 1
    assert compared >= 2


def test_moments_out_of_balance_are_noticed():
    """A correlator whose two flip lines have changed places heats the electrons."""
    sea = sea_of(1.3)
    lines = sea.scatterers[0].lines
    wrong = lines._replace(weights=lines.weights[::-1])
    scatterer = kinetics.Scatterer(1.0, np.ones(3), wrong)
    warm = kinetics.Sea(sea.energies, 0.0, (1.0, 1.0), (scatterer,))
    assert np.abs(kinetics.collision(warm, np.zeros((4, len(sea.energies))))).max() > 0.1


def test_linear_part_is_exact():
    """The collision integral is quadratic: what the linear part leaves scales by four."""
    sea = sea_of(1.3, 0.4, ANISOTROPIC)
    state = wild_state(sea)
    linear = kinetics.linear_collision(sea, state)
    rest = kinetics.collision(sea, state) - linear
    twice = kinetics.collision(sea, 2 * state) - 2 * linear
    np.testing.assert_allclose(twice, 4 * rest, atol=1e-14)


def test_ansatz_derivatives():
    """Eq. (52) against central differences of Eq. (51); error of order step squared."""
    sea = sea_of(1.0, 0.8)
    errors = []
    for step in (1e-1, 1e-2):
        for axis in range(4):
            potentials = step * np.eye(4)[axis]
            plus = kinetics.local_equilibrium(sea, potentials[0], potentials[1:])
            minus = kinetics.local_equilibrium(sea, -potentials[0], -potentials[1:])
            errors.append(np.abs((plus - minus) / (2 * step) - kinetics.responses(sea)[axis]).max())
    orders = np.log10(np.array(errors[:4]) / np.array(errors[4:]))
    np.testing.assert_allclose(orders, 2, atol=0.05)


@pytest.mark.parametrize("splitting", [0.0, 0.8])
def test_initial_slope_of_the_nonlinear_equation_along_any_axis(splitting):
    """Small chemical potentials along n: dN_n/dt / N_n = n.K.n, Eqs. (45), (46), (51)."""
    sea = sea_of(1.2, splitting, ANISOTROPIC)
    slope = kinetics.initial_slope(sea)[1:, 1:]
    for n in np.array([[0.6, 0.0, 0.8], [0.36, -0.48, 0.8], [0.0, 1.0, 0.0]]):
        errors = []
        for size in (1e-2, 1e-3):
            state = kinetics.local_equilibrium(sea, 0.0, size * n)
            spin = kinetics.densities(sea, state)[1:]
            change = kinetics.densities(sea, kinetics.collision(sea, state))[1:]
            errors.append(np.abs(change + slope @ spin).max() / size)
        # polarised moments polarise a spin across the field at second order
        assert np.log10(errors[0] / errors[1]) == approx(1.0, abs=0.02)


def test_grid_error_falls_as_the_fermi_poles_say():
    """exp(-pi^2/spacing): the sums and shifts resolve poles at |Im e| = pi."""
    exact = kinetics.initial_slope(sea_of(1.0, 0.77, ANISOTROPIC, spacing=0.2, reach=45.0))
    spacings = np.array([1.6, 1.3, 1.0, 0.8])

    def free_grid(spacing):
        sea = sea_of(1.0, 0.77, ANISOTROPIC)
        count = int(45 / spacing)
        energies = spacing * np.arange(-count, count + 1)
        return kinetics.Sea(energies, sea.electron_splitting, sea.dos, sea.scatterers)

    errors = [np.abs(kinetics.initial_slope(free_grid(h)) - exact).max() for h in spacings]
    assert np.all(errors <= np.exp(-(np.pi**2) / spacings))
    slope = np.polyfit(1 / spacings, np.log(errors), 1)[0]
    assert -1.5 * np.pi**2 < slope < -0.9 * np.pi**2


def test_whole_steps_and_fourier_shifts_agree():
    sea = sea_of(0.7)
    profile = kinetics.responses(sea)[0, 0]
    for offset in (0.0, 3 * sea.spacing, -0.21, 1.234):
        moved = kinetics._shifted(sea, profile, offset)
        exact = expit(sea.energies + offset) * expit(-sea.energies - offset)
        np.testing.assert_allclose(moved, exact, atol=1e-13)


def test_rotations_of_all_spins():
    """Isotropic coupling, no splitting at all: the slope is a multiple of the unit matrix."""
    slope = kinetics.initial_slope(sea_of(0.0))
    np.testing.assert_allclose(slope[1:, 1:], slope[3, 3] * np.eye(3), atol=1e-14)


# --- spectrum --------------------------------------------------------------------------------


def coarse(x, **kwargs):
    return sea_of(x, spacing=0.3, reach=20.0, **kwargs)


@pytest.mark.parametrize("x", [0.5, 1.0, 5.0])
def test_each_pair_decays_at_its_own_rate(x):
    """From sinh(x/2)/(x/2) to sinh(x)/x of the initial slope."""
    sea = coarse(x)
    rates, weights = kinetics.longitudinal_spectrum(sea)
    slope = kinetics.initial_slope(sea)[3, 3]
    counted = rates[weights > 1e-6]
    decaying = counted[counted > 1e-6 * slope] / slope
    assert decaying.min() == approx(np.sinh(x / 2) / (x / 2), rel=1e-6)
    # weights above 1e-6 reach to where the flips are Boltzmann's to 1e-3
    assert decaying.max() == approx(np.sinh(x) / x, rel=1e-3)
    assert weights.sum() == approx(1.0, abs=1e-12)
    assert weights @ rates == approx(slope, rel=1e-12)


@pytest.mark.parametrize(("x", "percent"), [(0.3, None), (1.0, 7.8), (5.0, 77.0)])
def test_residue_that_never_decays(x, percent):
    """f_up(e) + f_down(e - x) is conserved: an integral over the pairs."""

    def fluctuation(e):
        return expit(e) * expit(-e)

    def kept(e):
        up, down = fluctuation(e), fluctuation(e - x)
        return 0.5 * (up - down) ** 2 / (up + down)

    expected = quad(kept, -40, 40 + x, epsabs=1e-13, limit=200)[0]
    rates, weights = kinetics.longitudinal_spectrum(coarse(x))
    residue = weights[rates < 1e-6 * (weights @ rates)].sum()
    assert residue == approx(expected, rel=1e-6)
    if percent:
        assert 100 * residue == approx(percent, rel=0.01)


@pytest.mark.parametrize("exchange", [(1.0, 1.0, 1.0), ANISOTROPIC])
def test_energy_relaxation_restores_one_rate_at_first_order(exchange):
    """The slowest mode approaches the initial slope as tau_ee -> 0, with an error ~ tau_ee."""
    slope = kinetics.initial_slope(coarse(2.0, exchange=exchange))[3, 3]
    ratios = np.array([30.0, 100.0, 300.0, 1000.0])
    errors = []
    for ratio in ratios:
        sea = coarse(2.0, exchange=exchange, mixing=ratio * slope)
        rates, _ = kinetics.longitudinal_spectrum(sea)
        assert rates[0] <= 1e-6 * slope  # charge
        errors.append(1 - rates[1] / slope)
        assert kinetics.initial_slope(sea)[3, 3] == approx(slope, rel=1e-13)
    orders = np.diff(np.log(errors)) / np.diff(np.log(ratios))
    np.testing.assert_allclose(orders[1:], -1, atol=0.05)
    assert min(errors) > 0


def test_evolution_follows_the_spectrum():
    sea = coarse(1.0)
    rates, weights = kinetics.longitudinal_spectrum(sea)
    times = np.linspace(0.0, 4.0, 9)
    found = kinetics.evolve(sea, kinetics.pure_spin(sea, 3), times, linear=True)
    expected = np.exp(-np.outer(times, rates)) @ weights
    np.testing.assert_allclose(kinetics.densities(sea, found)[:, 3], expected, atol=1e-8)


@pytest.mark.slow
def test_transverse_evolution_follows_its_spectrum():
    sea = coarse(1.0, w=0.5, exchange=ANISOTROPIC, precession=6.0, mixing=0.3)
    rates, weights = kinetics.transverse_spectrum(sea)
    times = np.linspace(0.0, 3.0, 7)
    found = kinetics.evolve(sea, kinetics.pure_spin(sea, 1), times, linear=True)
    expected = np.exp(-np.outer(times, rates)) @ weights
    np.testing.assert_allclose(kinetics.densities(sea, found)[:, 1], expected.real, atol=1e-7)
    np.testing.assert_allclose(
        np.sort(rates.real), np.sort(kinetics.transverse_rates(sea)), atol=1e-10
    )


def test_free_spins_turn_as_the_hamiltonian_says():
    sea = kinetics.Sea(kinetics.energy_grid([], 0.3, 30.0), 0.5, (1.0, 1.0), (), precession=2.0)
    found = kinetics.evolve(sea, kinetics.pure_spin(sea, 1), np.array([0.0, np.pi / 4]))
    np.testing.assert_allclose(kinetics.densities(sea, found)[1], [0, 0, 1, 0], atol=1e-7)


@pytest.mark.slow
def test_strong_polarisation_relaxes_within_the_pauli_principle():
    """Nonlinear: occupations stay between 0 and 1, charge stays, and the spin dies."""
    sea = coarse(1.0, w=0.5, exchange=ANISOTROPIC, precession=0.7, mixing=0.05)
    start = kinetics.local_equilibrium(sea, 0.4, (2.0, 1.0, 3.0))
    times = np.linspace(0.0, 12.0, 13)
    found = kinetics.evolve(sea, start, times, rtol=1e-8)
    for state in found:
        density = kinetics._deviation(sea, state)(0.0) + kinetics._fermi_dirac(
            sea, 1.0, state.ndim
        )(0.0)
        occupations = np.linalg.eigvalsh(np.moveaxis(density, -1, 0))
        assert occupations.min() >= -1e-8
        assert occupations.max() <= 1 + 1e-8
    charge = kinetics.densities(sea, found)[:, 0]
    np.testing.assert_allclose(charge, charge[0], atol=1e-8)
    spin = np.linalg.norm(kinetics.densities(sea, found)[:, 1:], axis=-1)
    assert spin[-1] < 0.05 * spin[0]


# --- level shift -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "w", "dos"),
    [(1.0, 0.0, (1, 1)), (1.5, 0.7, (1, 1)), (3.0, -1.2, (1, 1)), (1.5, 0.7, (0.4, 1.6))],
)
def test_flip_shift_equals_the_golden_rule_of_second_order(x, w, dos):
    """Flips alone: E_up - E_down of second-order perturbation theory, by Cauchy quadrature.

    A virtual flip ends in the other band: the density of states is that one's.
    """
    bandwidth = 400.0
    sums = level_sums(2.0, x)

    def integral(pole, filled, sign):  # over the total energies of the band of one spin
        return -quad(
            lambda e: expit(-e) if filled else expit(e),
            -bandwidth + sign * w / 2,
            bandwidth + sign * w / 2,
            weight="cauchy",
            wvar=pole,
            limit=400,
            epsabs=1e-10,
        )[0]  # of f/(pole - e)

    def up(e):  # a virtual flip down raises the moment; a hole filled from below lowers it
        down_band = [integral(e - x, filled, -1) for filled in (False, True)]
        return dos[1] * (sums.flip_up * down_band[0] + sums.flip_down * down_band[1])

    def down(e):
        up_band = [integral(e + x, filled, 1) for filled in (False, True)]
        return dos[0] * (sums.flip_down * up_band[0] + sums.flip_up * up_band[1])

    energies = np.linspace(-24, 24, 97)
    profile = expit(0.5 * abs(w) - energies) * expit(0.5 * abs(w) + energies)
    difference = [up(e + w / 2) - down(e - w / 2) for e in energies]
    expected = np.average(difference, weights=profile) / (8 * np.pi)
    found = kinetics.level_shift(sea_of(x, w, (1.0, 1.0, 0.0), dos=dos), bandwidth)[0, 1]
    assert found == approx(expected, rel=20 * abs(x) / bandwidth**2 + 2e-6)


@pytest.mark.parametrize("exchange", [(1.0, 1.0, 1.0), (1.0, 1.0, 0.0), ANISOTROPIC])
def test_shift_grows_with_the_logarithm_of_the_bandwidth(exchange):
    """By (n_S nu_F Jx Jy / hbar) <S_par> per unit of ln W; that is 1/(2 pi) of the sea's rate."""
    sea = sea_of(1.0, 0.5, exchange)
    bandwidths = np.array([1e4, 1e6])
    shifts = [kinetics.level_shift(sea, b)[0, 1] for b in bandwidths]
    slope = np.diff(shifts)[0] / np.diff(np.log(bandwidths))[0]
    expected = level_sums(2.0, 1.0).mean_spin / (2 * np.pi) * exchange[0] * exchange[1]
    assert slope == approx(expected, rel=2e-2 if exchange == ANISOTROPIC else 1e-4)


def test_shift_falls_with_the_logarithm_of_temperature():
    """At fixed <S_par>, small w and x scale out: only ln(W / k_B T) is left."""
    values = [kinetics.level_shift(sea_of(1.0), w)[0, 1] for w in (1e4, 2e4)]
    moment = level_sums(2.0, 1.0).mean_spin / (2 * np.pi)
    assert values[1] - values[0] == approx(moment * np.log(2), rel=1e-3)


@pytest.mark.parametrize("w", [0.0, 0.9])
@pytest.mark.parametrize("exchange", [(0.0, 0.0, 1.0), (1.0, 1.0, 0.4), ANISOTROPIC])
def test_principal_parts_change_no_rate(exchange, w):
    shift = kinetics.level_shift(sea_of(1.3, w, exchange), 1e3)
    assert abs(np.trace(shift)) <= 1e-14
    if exchange[0] == exchange[1]:
        np.testing.assert_allclose(shift, -shift.T, atol=1e-14)
    if exchange[0] == 0.0:
        np.testing.assert_allclose(shift, 0, atol=1e-14)
