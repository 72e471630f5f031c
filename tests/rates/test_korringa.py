"""A moment relaxed by the electrons, and both together: Korringa, bottleneck, what is conserved."""

import mpmath as mp
import numpy as np
import pytest
import qutip
from nearness import approx
from spoil import unnoticed
from systems import DENSITY, TILTED_COUPLING, redfield

from openmr.bath.correlators import electron_hole_spectrum, spectrum_slope
from openmr.bath.level_noise import level_noise
from openmr.moments.levels import Levels, levels
from openmr.rates import korringa
from openmr.rates.joint_motion import (
    JointMotion,
    Partner,
    excess,
    joint_generator,
    returned,
    static_tensor,
    total_spin,
)
from openmr.rates.korringa import (
    MomentBath,
    accumulation_drive,
    back_flux,
    coherence_rates,
    gibbs_response,
    moment_shift,
    population_rates,
    relaxation_generator,
    transition_rates,
)
from openmr.sample.crystal_field import crystal_hamiltonian
from openmr.units import HBAR, K_B, MU_B

DOS, J = 6.8e27, -6e-31
SCALAR = J * np.eye(3)


def scheme(hamiltonian, spin, drive, kelvin):
    found = levels(hamiltonian, spin, np.array(drive, float)[None], np.array([1 / (K_B * kelvin)]))
    return Levels(*(array[0] for array in found))


def moment(spin=2.5, own=(-4e-4, 1.3e-4), field=(0.3, 0, 1), kelvin=3.0, coupling=SCALAR):
    hamiltonian = crystal_hamiltonian(spin, own)
    drive = 2 * MU_B * np.array(field, dtype=float)
    return MomentBath(scheme(hamiltonian, spin, drive, kelvin), coupling, DOS, kelvin)


def electron_rates(bath):
    """Gamma of the electrons [1/s]."""
    noise = level_noise(bath.levels, connected=bath.connected)[0]
    noise = bath.coupling @ noise @ bath.coupling.T
    return np.pi / HBAR * DENSITY * DOS * (np.trace(noise) * np.eye(3) - noise)


def test_reference_numbers():
    bath = moment()
    rates = population_rates(bath)
    assert rates[0] == approx(5.244369841905e6, rel=1e-12)
    assert rates[-1] == approx(3.973771809556e8, rel=1e-12)
    assert bath.levels.energies[1] * K_B * 3.0 == approx(5.607374739873e-4, rel=1e-12)
    assert coherence_rates(bath)[0, 1] == approx(2.432197143584e8, rel=1e-12)
    hot = moment(0.5, None, (0, 0, 0), 10.0)
    assert population_rates(hot)[0] == approx(6.846637279702e7, rel=1e-12)
    exchange = electron_rates(hot)[2, 2]
    assert exchange == approx(9.697808661574e9, rel=1e-12)
    ratio = DENSITY * 0.75 / (3 * K_B * 10.0) / (DOS / 2)
    assert exchange / population_rates(hot)[0] == approx(ratio, rel=1e-13)


@pytest.mark.parametrize("field", [0.0, 1e-3, 2.0, 30.0])
def test_spin_one_half(field):
    bath = moment(0.5, None, (0, 0, field), 4.0)
    energy, kelvin = 2 * MU_B * field, K_B * 4.0
    half = energy / (2 * kelvin)
    over = half / np.tanh(half) if half else 1.0
    unit = np.pi / HBAR * (DOS * J) ** 2 * kelvin
    assert population_rates(bath)[0] == approx(unit * over, rel=1e-12)
    assert coherence_rates(bath)[0, 1] == approx(0.5 * unit * (1 + over), rel=1e-12)


def test_korringa_and_knight_shift():
    """T1 T K^2 of nuclear magnetic resonance, with the shift of the moment for K."""
    bath = moment(0.5, None, (0, 0, 0), 4.0)
    zeeman = 2 * MU_B * 1.5
    shift = moment_shift(bath, np.array([0, 0, zeeman]))[2] / zeeman
    assert shift == approx(DOS * J / 2, rel=1e-14)
    rate = population_rates(bath)[0]
    assert shift**2 / (rate / 4.0) == approx(HBAR / (4 * np.pi * K_B), rel=1e-13)


@pytest.mark.parametrize("coupling", [SCALAR, TILTED_COUPLING])
@pytest.mark.parametrize("kelvin", [0.3, 3.0, 300.0])
def test_detailed_balance_and_the_gibbs_state(coupling, kelvin):
    bath = moment(coupling=coupling, kelvin=kelvin)
    p = bath.levels.populations
    flow = p[:, None] * transition_rates(bath)
    assert np.abs(flow - flow.T).max() <= 1e-14 * flow.max()
    generator = relaxation_generator(bath)
    resting = generator @ np.diag(p).ravel()
    assert np.abs(resting).max() <= 1e-14 * np.abs(generator).max()
    trace = np.eye(6).ravel() @ generator
    assert np.abs(trace).max() <= 1e-14 * np.abs(generator).max()
    rates = transition_rates(bath)
    plain = rates.T - np.diag(rates.sum(axis=1))
    slow = np.sort(-np.linalg.eigvals(plain).real)[1:]
    np.testing.assert_allclose(population_rates(bath), slow, rtol=1e-9)


@pytest.mark.parametrize("kelvin", [30.0, 3.0, 1.6])
def test_slow_rates_behind_a_barrier_keep_their_digits(kelvin):
    """Against 60 digits, down to 1e-20 of the fastest."""
    bath = moment(2.0, (-1.5e-3, 0.0), (0, 0, 0.5), kelvin)
    rates = transition_rates(bath)
    with mp.workdps(60):
        exact = mp.matrix(5, 5)
        for m in range(5):
            for n in range(5):
                if m != n:
                    exact[m, n] = -mp.sqrt(mp.mpf(rates[m, n]) * mp.mpf(rates[n, m]))
                    exact[m, m] += mp.mpf(rates[m, n])
        expected = sorted(float(one) for one in mp.eigsy(exact, eigvals_only=True))[1:]
    found = population_rates(bath)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    if kelvin < 2:
        assert found[0] < 1e-15 * found[-1]
    assert population_rates(moment(2.0, (-1.5e-3, 0.0), (0, 0, 0.5), 0.5))[0] == 0.0


@pytest.mark.parametrize("spin", [0.5, 1.5, 2.5])
def test_the_generator_is_that_of_the_engine(spin):
    own = None if spin == 0.5 else (-4e-4, 1.3e-4)
    bath = moment(spin, own, coupling=TILTED_COUPLING)
    energies = qutip.qdiags(bath.levels.energies, 0)
    noise = np.sqrt(bath.strength)  # the engine halves the spectrum
    couplings = [(qutip.Qobj(noise * x), electron_hole_spectrum) for x in bath.operators]
    exact = redfield(energies, *couplings).dissipator.full()
    size = len(bath.levels.energies)
    by_rows = exact.reshape(size, size, size, size).transpose(1, 0, 3, 2).reshape(size**2, -1)
    found = relaxation_generator(bath)
    np.testing.assert_allclose(found, by_rows, atol=1e-14 * np.abs(found).max())
    decay = -np.diagonal(found).reshape(size, size).real
    expected = coherence_rates(bath)
    off = ~np.eye(size, dtype=bool)
    np.testing.assert_allclose(decay[off], expected[off], rtol=1e-13)


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("coupling", [SCALAR, TILTED_COUPLING])
@pytest.mark.parametrize("kelvin", [0.5, 3.0, 300.0])
def test_what_electrons_lose_is_what_moments_gain(coupling, kelvin, connected):
    bath = moment(kelvin=kelvin, coupling=coupling)._replace(connected=connected)
    drive = accumulation_drive(bath)
    # Tr[S_a P_b rho], an independent way to the rates of the electrons, for one number J
    gained = DENSITY * np.einsum("amk,bkm->ab", bath.levels.spins, drive)
    if coupling is SCALAR:
        lost = DOS / 2 * electron_rates(bath)
        np.testing.assert_allclose(gained, lost, atol=1e-14 * np.abs(lost).max())
        means = bath.levels.spins.transpose(0, 2, 1).reshape(3, -1)
        flux, given = back_flux(bath), -means @ relaxation_generator(bath)
        np.testing.assert_allclose(flux, given, atol=2e-14 * np.abs(flux).max())
    # Onsager: any coupling, any levels
    flux = back_flux(bath)
    size = len(bath.levels.energies)
    into = np.diagonal(flux.reshape(3, size, size), axis1=1, axis2=2)
    expected = bath.levels.populations * into / (K_B * kelvin)
    found = np.diagonal(drive, axis1=1, axis2=2)
    np.testing.assert_allclose(found, expected, atol=1e-14 * np.abs(found).max())
    still = flux @ np.diag(bath.levels.populations).ravel()
    assert np.abs(still).max() <= 1e-14 * np.abs(flux).max()


def test_slope_of_the_spectrum():
    x = np.array([-800, -50, -1.2, -0.9, -1e-3, 0, 1e-9, 1e-3, 0.5, 0.999, 1.001, 3, 40, 900.0])
    with mp.workdps(40):

        def exact(y):
            if y == 0:
                return mp.mpf(1) / 2
            return mp.diff(lambda z: z / -mp.expm1(-z), mp.mpf(float(y)))

        for y, found in zip(x, spectrum_slope(x), strict=True):
            assert abs(found - float(exact(y))) <= 4e-16


def together(spin, own, field, kelvin, flips, *, weiss=0.0, hold=0.0):
    """Electrons and moments in each other's mean field."""
    field = np.array(field, dtype=float)
    mean, resting = np.zeros(3), np.zeros(3)
    hamiltonian = crystal_hamiltonian(spin, own)
    for _ in range(300):
        drive = 2 * MU_B * field - J * resting - weiss * mean
        found = scheme(hamiltonian, spin, drive, kelvin)
        mean = found.mean
        omega = (2 * MU_B * field - DENSITY * J * mean) / HBAR
        resting = -0.5 * DOS * HBAR * omega
    bath = MomentBath(found, SCALAR, DOS, kelvin)
    partners = (Partner(bath, DENSITY, hold),)
    return JointMotion(partners, weiss * np.eye(3)[None, None], omega, electron_rates(bath), flips)


def slowest(generator):
    """Decay rates of the modes that do not turn, ascending, the trace first."""
    values = np.linalg.eigvals(generator)
    return np.sort(-values[np.abs(values.imag) < 1e3].real), values


def test_joint_reference_numbers():
    motion = together(1.5, (2e-4, 5e-5), (1, 2, 3), 10.0, 1.111111111111e11)
    generator = joint_generator(motion)
    real, values = slowest(generator)
    assert abs(real[0]) <= 1e-14 * 1e11 * 1e3  # the trace
    assert values.real.max() <= 1.0
    # the reference's dissipators do not know the field -J s of the electrons: third order in J
    bath = motion.partners[0].bath
    known = J * gibbs_response(bath).reshape(3, -1).T
    generator[:3, :3] -= DENSITY * back_flux(bath) @ known
    generator[3:, :3] -= relaxation_generator(bath) @ known
    other, values = slowest(generator)
    np.testing.assert_allclose(other[1:3], [8.743125506e7, 2.055542832e8], rtol=1e-9)
    assert -values.real.min() == approx(1.597387643434e11, rel=1e-11)
    np.testing.assert_allclose(real[1:], other[1:], rtol=2 * DOS * abs(J) / 2)


@pytest.mark.parametrize("weiss", [0.0, 3e-4])
def test_larmor_theorem(weiss):
    """With equal g and nothing else to flip spins, their sum precesses in the field for ever."""
    field = np.array([1.0, 2.0, 3.0])
    motion = together(1.5, None, field, 10.0, 0.0, weiss=weiss)
    generator, rows = joint_generator(motion), total_spin(motion)
    x, y, z = 2 * MU_B / HBAR * field
    turning = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    change = rows @ generator - turning @ rows
    assert np.abs(change).max() <= 3e-15 * (np.abs(rows) @ np.abs(generator)).max()
    larmor = 2 * MU_B * np.linalg.norm(field) / HBAR
    values = np.linalg.eigvals(generator)
    assert np.abs(values - 1j * larmor).min() <= 1e-13 * larmor


def test_bottleneck():
    electrons = DOS / 2
    moments = DENSITY * 0.75 / (3 * K_B * 100.0)
    slow = []
    for flips in (1e3, 1e16):
        values = np.linalg.eigvals(joint_generator(together(0.5, None, (0, 0, 1e-6), 100.0, flips)))
        slow.append(np.sort(-values.real)[1])
    # exchange goes back and forth: the moments relax with all spins, as few as flip
    assert slow[0] / 1e3 == approx(electrons / (electrons + moments), rel=0.02)
    korringa_rate = population_rates(moment(0.5, None, (0, 0, 0), 100.0))[0]
    assert slow[1] == approx(korringa_rate, rel=1e-3)


def held_at(motion, rate):
    return motion._replace(partners=(motion.partners[0]._replace(thermostat_rate=rate),))


def test_a_static_film_needs_a_thermostat_on_its_moments():
    motion = together(0.5, None, (0, 0, 3), 10.0, 1e11)
    rate = population_rates(motion.partners[0].bath)[0]
    for hold in (0.0, 1.0, 100.0):
        along = static_tensor(held_at(motion, hold * rate))[2, 2] - motion.spin_flip_rate
        share = along / motion.exchange_rates[2, 2]
        assert share == approx(hold / (hold + 1), abs=1e-13)
    # held for ever it is the relaxation of the electrons by themselves
    motion = together(1.5, (2e-4, 5e-5), (1, 2, 3), 10.0, 1e11)
    x, y, z = motion.precession
    turning = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    expected = motion.exchange_rates + 1e11 * np.eye(3) - turning
    for hold, bound in ((1e17, 1e-4), (np.inf, 1e-15)):
        held = static_tensor(held_at(motion, hold))
        largest = np.abs(motion.exchange_rates).max()
        np.testing.assert_allclose(held, expected, atol=bound * largest, rtol=1e-15)


@pytest.mark.parametrize("hold", [0.0, 1e8])
@pytest.mark.parametrize("weiss", [0.0, 3e-4])
@pytest.mark.parametrize("own", [None, (2e-4, 5e-5)])
def test_the_static_tensor_is_the_joint_motion_at_rest(own, weiss, hold):
    """Spin fed into the electrons for ever, and the accumulation mu that it leads to."""
    motion = together(1.5, own, (1, 2, 3), 10.0, 1e11, weiss=weiss, hold=hold)
    generator = joint_generator(motion)
    populations = motion.partners[0].bath.levels.populations
    vacuum = np.zeros(len(generator), dtype=complex)
    vacuum[3:] = np.diag(populations).ravel()
    trace = np.concatenate([np.zeros(3), np.eye(4).ravel()])
    source = np.zeros((len(generator), 3))
    source[:3] = np.eye(3)
    resting = np.linalg.solve(generator - 1e9 * np.outer(vacuum, trace), -source)
    sigma = excess(motion)[:3] @ resting
    np.testing.assert_allclose(static_tensor(motion) @ sigma, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("coupling", [SCALAR, TILTED_COUPLING])
def test_moments_give_back_part_of_what_they_take(coupling, connected):
    """A thermostat takes out no more than Gamma, and nothing grows."""
    bath = moment(field=(1, 2, 3), kelvin=5.0, coupling=coupling)._replace(connected=connected)
    gamma = electron_rates(bath)
    inverse = np.linalg.inv(np.linalg.cholesky(gamma))
    mean = population_rates(bath).mean()
    shares = []
    for rate in (0.0, mean, 100 * mean, np.inf):
        kept = gamma - returned(Partner(bath, DENSITY, rate))
        kept = 0.5 * (kept + kept.T)
        shares.append(np.linalg.eigvalsh(inverse @ kept @ inverse.T))
    assert np.all(np.diff(shares, axis=0)[:, 0] > 0)
    assert np.min(shares) > 0
    assert np.max(shares) <= 1 + 1e-14


def test_levels_that_nothing_joins_are_not_driven():
    """An Ising coupling flips nothing, however long the moments wait for a thermostat."""
    bath = moment(own=None, field=(0, 0, 1), coupling=np.diag([0, 0, J]))
    back = returned(Partner(bath, DENSITY, 0.0))
    assert np.abs(back).max() <= 1e-3 * electron_rates(bath)[0, 0]
    assert abs(back[2, 2]) <= 1e-12 * electron_rates(bath)[0, 0]


def test_wrong_variants_are_noticed():
    bath = moment(coupling=TILTED_COUPLING)
    scalar = moment()
    frozen = moment(2.0, (-1.5e-3, 0.0), (0, 0, 0.5), 1.0)
    right = relaxation_generator(bath)
    rates = electron_rates(scalar)
    p = bath.levels.populations

    def is_right():
        flux, drive = back_flux(bath), accumulation_drive(bath)
        into = np.diagonal(flux.reshape(3, 6, 6), axis1=1, axis2=2)
        onsager = np.diagonal(drive, axis1=1, axis2=2) - p * into / (K_B * 3.0)
        gained = DENSITY * np.einsum("amk,bkm->ab", scalar.levels.spins, accumulation_drive(scalar))
        off = (
            np.abs(relaxation_generator(bath) - right).max() / np.abs(right).max(),
            np.abs(onsager).max() / np.abs(drive).max(),
            np.abs(gained - DOS / 2 * rates).max() / (DOS / 2 * np.abs(rates).max()),
            abs(population_rates(scalar)[0] / 5.244369841905e6 - 1),
            abs(coherence_rates(scalar)[0, 1] / 2.432197143584e8 - 1),
            np.abs(np.diag(coherence_rates(scalar))).max(),
            np.abs(np.diag(transition_rates(scalar))).max(),
            abs(population_rates(scalar)[-1] / 3.973771809556e8 - 1),
            len(population_rates(scalar)) - 5,
            float(population_rates(frozen)[0] != 0.0),
        )
        return np.abs(off).max() <= 1e-9

    assert is_right()
    for function in (
        korringa.transition_rates,
        korringa.population_rates,
        korringa.coherence_rates,
        korringa._dressed,
        korringa._driven,
        korringa._redfield,
        korringa.accumulation_drive,
        korringa.back_flux,
    ):
        assert unnoticed(function, is_right) == []
