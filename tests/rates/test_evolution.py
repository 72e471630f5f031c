"""Rates read off the evolved spins, thermostats, the free moment, and fits that must fail."""

from functools import partial

import numpy as np
import pytest
from nearness import approx
from scipy.linalg import expm
from systems import (
    COUPLINGS,
    antiferromagnet,
    ferrimagnet,
    field_for,
    film_of,
    paramagnet,
)

import openmr as om
from openmr.rates import fit_decay as extraction
from openmr.rates.routes.evolution import free_moment, record_decay

evolution = partial(om.relaxation, method="evolution")


def within_its_word(found, exact):
    """1e-4 of the largest rate, and three times the stated uncertainty."""
    error = np.abs(found.dissipator - exact.dissipator)
    largest = exact.dissipator.max()
    assert np.all(error <= 1e-4 * largest)
    assert np.all(error <= 3 * found.uncertainty + 1e-15 * largest)


# every two of spin, coupling and splitting meet once
@pytest.mark.slow
@pytest.mark.parametrize(
    ("spin", "name", "x"),
    [
        (0.5, "isotropic", 1e-3),
        (0.5, "anisotropic", 1.0),
        (0.5, "one axis", 5.0),
        (2.0, "isotropic", 1.0),
        (2.0, "anisotropic", 5.0),
        (2.0, "one axis", 1e-3),
        (3.5, "isotropic", 5.0),
        (3.5, "anisotropic", 1e-3),
        (3.5, "one axis", 1.0),
    ],
)
def test_fitted_rates(spin, name, x):
    sample, field = paramagnet(spin, COUPLINGS[name]), field_for(x, 4.0)
    found = om.relaxation(sample, 4.0, field, method="evolution")
    exact = om.relaxation(sample, 4.0, field)
    within_its_word(found, exact)
    zeeman = 2 * om.units.MU_B * field / om.units.HBAR
    error = abs(found.precession - exact.precession)
    assert error <= 1e-8 * (abs(zeeman) + abs(exact.precession - zeeman))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "temperature", "field"),
    [
        (antiferromagnet(), 25.0, 0.0),
        (ferrimagnet(), 30.0, 2.0),
        (om.presets.pt_py(-1e-3, disorder="lattice"), 10.0, 5.0),
        (om.presets.pt_py(-1e-3), 10.0, -5.0),
        (om.presets.pt_py(-2e-5), 10.0, 5.0),  # a million periods within one decay
    ],
)
def test_fitted_rates_of_other_films(sample, temperature, field):
    found = om.relaxation(sample, temperature, field, method="evolution")
    within_its_word(found, om.relaxation(sample, temperature, field))


def test_a_decay_is_the_exponential_on_the_start():
    """Of a start that does not commute with the generator, at every step."""
    generator, first = np.random.default_rng(3).normal(size=(2, 3, 3))
    found = extraction.decay(generator, 0.1, first)
    for k, state in enumerate(found):
        np.testing.assert_allclose(state, expm(-0.1 * k * generator) @ first, rtol=1e-10)


def test_overdamped_motion():
    """Jx != Jy and a precession slower than the difference of the two rates: no oscillation."""
    sample = film_of(om.Moments(2, 1e27, exchange_energy=(1e-3, 0.0, 0.0)))
    exact = om.relaxation(sample, 50.0, 1e-3)
    eigenvalues = np.linalg.eigvals(exact.exchange_tensor)
    assert np.all(eigenvalues.imag == 0)
    assert exact.precession > 0
    within_its_word(om.relaxation(sample, 50.0, 1e-3, method="evolution"), exact)


def test_with_the_electron_splitting_kept():
    """The fixed point is then polarised; the unpolarised reference takes it out."""
    sample = om.presets.pt_py()
    found = om.relaxation(sample, 10.0, 5.0, method="evolution", electron_splitting=True)
    tensor = om.relaxation(sample, 10.0, 5.0, method="bloch-redfield", electron_splitting=True)
    within_its_word(found, tensor)


def test_any_of_qutips_solvers_will_do():
    sample = om.presets.pt_py()
    exact = om.relaxation(sample, 50.0, 1.0)
    for options in (
        {"method": "diag"},
        {"method": "lsoda", "rtol": 1e-10, "atol": 1e-12, "nsteps": 10**5},
    ):
        found = om.relaxation(sample, 50.0, 1.0, method="evolution", options=options)
        within_its_word(found, exact)


def test_a_loose_solver_says_so():
    """The stated uncertainty covers the error of poor tolerances."""
    sample = om.presets.pt_py()
    exact = om.relaxation(sample, 50.0, 1.0)
    options = {"method": "adams", "rtol": 1e-7, "atol": 1e-9, "nsteps": 10**5}
    found = om.relaxation(sample, 50.0, 1.0, method="evolution", options=options)
    tight = om.relaxation(sample, 50.0, 1.0, method="evolution")
    assert found.uncertainty.max() > 10 * tight.uncertainty.max()
    assert np.all(np.abs(found.dissipator - exact.dissipator) <= 3 * found.uncertainty)


@pytest.mark.slow
@pytest.mark.parametrize("thermostat", ["reset", "flips"])
@pytest.mark.parametrize("spin", [0.5, 2.0])
def test_born_approximation_is_approached_as_one_over_kappa(thermostat, spin):
    sample, field = paramagnet(spin, (1e-3, 0.6e-3, 0.8e-3)), field_for(1.0, 4.0)
    exact = om.relaxation(sample, 4.0, field)
    largest = exact.dissipator.max()
    deviations = []
    for ratio in (1e2, 1e3, 1e4):
        found = evolution(
            sample, 4.0, field, thermostat=thermostat, thermostat_rate=ratio * largest
        )
        deviations.append(1 - found.dissipator[2, 2] / exact.dissipator[2, 2])
    order = np.diff(np.log10(deviations))
    # the next order is 1/(kappa tau)^2: relatively 1/100, then 1/1000
    np.testing.assert_allclose(order, -1, atol=0.05)
    coefficient = deviations[-1] * 1e4 * largest / exact.dissipator[2, 2]
    assert 0.1 < coefficient < 10


def test_two_sublattices_under_a_thermostat():
    sample = antiferromagnet()
    exact = om.relaxation(sample, 35.0, 0.0)
    kappa = 1e5 * exact.dissipator.max()
    found = evolution(sample, 35.0, 0.0, thermostat="reset", thermostat_rate=kappa)
    np.testing.assert_allclose(np.diag(found.dissipator), np.diag(exact.dissipator), rtol=1e-3)


@pytest.mark.parametrize("x", [0.3, 1.0, 2.0])
def test_a_free_moment_gives_another_rate(x):
    """S = 1/2: total S_z is conserved, the rate is (1 + cosh x)/tau_par and a residue stays."""
    sample, field = paramagnet(0.5), field_for(x, 4.0)
    free = free_moment(sample, 4.0, field)
    thermal = om.relaxation(sample, 4.0, field).dissipator[2, 2]
    assert free.rate == approx((1 + np.cosh(x)) * thermal, rel=1e-9)
    assert free.residue == approx(np.cosh(x) / (1 + np.cosh(x)), rel=1e-9)
    single = free.residue + (1 - free.residue) * np.exp(-free.rate * free.times)
    np.testing.assert_allclose(free.polarisation, single, atol=1e-9)


def test_a_free_larger_moment():
    free = free_moment(paramagnet(2.0), 4.0, field_for(1.0, 4.0))
    thermal = om.relaxation(paramagnet(2.0), 4.0, field_for(1.0, 4.0)).dissipator[2, 2]
    assert 1.7 < free.rate / thermal < 2.0  # brief: 1.8; initial slope over what decays: 1.89
    assert 0.4 < free.residue < 0.5


def test_recorded_decay_predicts_what_it_was_not_fitted_to():
    recorded = record_decay(om.presets.pt_py(COUPLINGS["anisotropic"]), 10.0, 5.0)
    times, signals = recorded.prediction
    predicted = np.stack([expm(-recorded.generator * t) for t in times])
    np.testing.assert_allclose(signals, predicted, atol=1e-8)


# --- the fit itself ----------------------------------------------------------------------------


def synthetic(generator, length):
    step = length / extraction.STEPS
    times = step * np.arange(extraction.STEPS + 1)
    return step, np.stack([expm(-generator * t) for t in times])


GENERATOR = np.array([[1.0, 7.0, 0.1], [-7.0, 1.4, -0.2], [0.05, 0.3, 0.2]])


def test_fit_recovers_any_generator():
    guess = GENERATOR * (1 + 1e-3)
    fit = extraction.fit_generator([synthetic(GENERATOR, 3.0), synthetic(GENERATOR, 15.0)], guess)
    np.testing.assert_allclose(fit.generator, GENERATOR, atol=1e-10)


def test_stated_error_is_reached_by_the_worst_misfit():
    """Misfits all of one size, with the signs that move one element most: no other move it more."""
    step, signal = synthetic(GENERATOR, 3.0)
    h, size = 1e-6, 1e-8

    def signals(generator):
        return synthetic(generator, 3.0)[1][1:].ravel()

    moves = h * np.eye(9).reshape(9, 3, 3)
    slopes = [(signals(GENERATOR + m) - signals(GENERATOR - m)) / (2 * h) for m in moves]
    response = np.linalg.pinv(np.stack(slopes, axis=1))
    for element in range(9):
        worst = signal.copy()
        worst[1:] += size * np.sign(response[element]).reshape(-1, 3, 3)
        fit = extraction.fit_generator([(step, worst)], GENERATOR)
        moved = abs(fit.generator - GENERATOR).ravel()[element]
        # to first order in the size, and in the step of the derivatives
        assert moved / size == approx(fit.error.ravel()[element] / fit.residual, rel=1e-4)


def test_first_guess_is_exact_on_exact_data():
    step, signal = synthetic(GENERATOR, 2.0)
    np.testing.assert_allclose(extraction.initial_guess(step, signal), GENERATOR, atol=1e-10)


def test_windows_follow_the_rates():
    lengths = extraction.window_lengths(np.diag([2.0, 1.9, 0.01]))
    np.testing.assert_allclose(lengths, [1.5, 300.0])
    slow = extraction.window_lengths(np.diag([1.0, 1.0, 0.0]))
    assert slow[-1] == approx(3.0 * extraction.LONGEST)


def test_a_decay_that_is_not_exponential_is_an_error():
    step, signal = synthetic(GENERATOR, 3.0)
    times = step * np.arange(len(signal))
    wrong = signal * np.exp(-0.01 * times**2)[:, None, None]
    with pytest.raises(om.ExtractionError, match="misfit"):
        extraction.fit_generator([(step, wrong)], GENERATOR)


def test_a_decay_lost_in_precession_is_an_error():
    with pytest.raises(om.ExtractionError, match=r"precesses by .* rad .*at 10 K and 5 T"):
        om.relaxation(om.presets.pt_py(1e-9), 10.0, 5.0, method="evolution")


def test_a_solver_that_stops_is_an_error():
    options = {"method": "vern9", "rtol": 1e-9, "nsteps": 3}
    with pytest.raises(om.ExtractionError, match="stopped"):
        om.relaxation(om.presets.pt_py(), 10.0, 5.0, method="evolution", options=options)
