"""Couplings J_ab with elements off the diagonal: two routes, turned axes, and who refuses."""

from dataclasses import replace

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from systems import film_of

import openmr as om
from openmr.rates.methods import METHODS
from openmr.rates.record import precession_tensor, rotation

GENERAL = 1e-3 * np.array([[1.0, 0.4, -0.3], [-0.2, 0.8, 0.5], [0.6, -0.1, -0.7]])
STRAIGHT = GENERAL * [[1, 1, 0], [1, 1, 0], [1, 1, 1]]
"""eV; without J_xz and J_yz the mean moments pull the electrons along b alone."""
TEMPERATURE, FIELD = np.array([[4.0], [30.0]]), np.array([0.0, 5.0, -9.0])


def film(energy, spin=1.5, disorder="random", **parameters):
    moments = om.Moments(spin, 1e27, exchange_energy=energy)
    return film_of(moments, weiss=5e-4, disorder=disorder, **parameters)


@pytest.mark.parametrize(
    ("energy", "split"), [(GENERAL, False), (STRAIGHT, False), (STRAIGHT, True)]
)
@pytest.mark.parametrize("disorder", ["random", "lattice"])
def test_batched_equals_bloch_redfield(energy, split, disorder):
    sample = film(energy, disorder=disorder)
    found, exact = (
        om.relaxation(sample, TEMPERATURE, FIELD, method=method, electron_splitting=split)
        for method in ("batched", "bloch-redfield")
    )
    for name in ("dissipator", "exchange_tensor"):
        largest = np.abs(getattr(exact, name)).max(axis=(-2, -1), keepdims=True)
        difference = np.abs(getattr(found, name) - getattr(exact, name))
        assert np.all(difference <= 1e-10 * largest)
    assert (found.precession_across is None) == (energy is STRAIGHT)


@pytest.mark.parametrize("method", ["batched", "bloch-redfield"])
def test_first_order_is_the_field_of_the_mean_moments(method):
    """hbar Omega = g mu_B B b - n_S J <S>, a vector."""
    sample = film(GENERAL)
    found = om.relaxation(sample, 20.0, 5.0, method=method)
    mean = om.equilibrium(sample, 20.0, 5.0).mean_spin * [0.0, 0.0, 1.0]
    zeeman = sample.electrons.g * om.units.MU_B * 5.0 * np.array([0.0, 0.0, 1.0])
    omega = (zeeman - GENERAL @ mean) / om.units.HBAR
    largest = np.abs(omega).max()
    np.testing.assert_allclose(found.precession, omega[2], atol=1e-13 * largest)
    np.testing.assert_allclose(found.precession_across, omega[:2], atol=1e-13 * largest)
    spin = np.array([0.3, -0.5, 0.8])
    turning = -precession_tensor(found.precession, found.precession_across) @ spin
    np.testing.assert_allclose(turning, np.cross(omega, spin), atol=1e-13 * largest)


def test_fields_of_the_sublattices_add_as_vectors():
    """Across the field too, where each has J_xz and J_yz of its own."""
    each = [om.Moments(s, 1e27, exchange_energy=j) for s, j in ((1.5, GENERAL), (1.0, GENERAL.T))]
    sample = film_of(*each, weiss=[[5e-4, 2e-4], [2e-4, 3e-4]])
    state = om.equilibrium(sample, 20.0, 5.0)
    across = -sum(
        m.density * m.exchange_matrix[:2, 2] * s for m, s in zip(each, state.mean_spin, strict=True)
    )
    for method in ("batched", "bloch-redfield"):
        found = om.relaxation(sample, 20.0, 5.0, method=method).precession_across
        np.testing.assert_allclose(found, across / om.units.HBAR, rtol=1e-12)


def test_turned_axes_turn_the_tensor():
    """J -> R J R^T about b is the same film seen from other axes: tensors and resistivity."""
    angle = 0.7
    turn = rotation(0.0, angle)
    here = om.relaxation(film(GENERAL), TEMPERATURE, FIELD, method="batched")
    there = om.relaxation(film(turn @ GENERAL @ turn.T), TEMPERATURE, FIELD, method="batched")
    again = here.rotated(angle)
    largest = np.abs(here.tensor).max()
    np.testing.assert_allclose(again.tensor, there.tensor, atol=1e-14 * largest)
    np.testing.assert_allclose(again.tensor, turn @ here.tensor @ turn.T, atol=1e-14 * largest)
    b = (0.3, -0.4, 0.8)
    one, other = (om.resistivity(here.sample.film, rates, b) for rates in (here, again))
    np.testing.assert_allclose(one.longitudinal, other.longitudinal, rtol=1e-13)
    np.testing.assert_allclose(one.transverse, other.transverse, rtol=1e-9)


def test_isotropic_coupling_of_turned_spins_precesses_about_the_turned_moment():
    """At B = 0 nothing but J ties the two spins' axes: J Q gives Q times the tensor times Q^T."""
    angle = 0.9
    tilt = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    plain = om.relaxation(film(1e-3), 3.0, 0.0, method="batched")
    tilted = om.relaxation(film(1e-3 * tilt), 3.0, 0.0, method="batched")
    expected = tilt @ plain.exchange_tensor @ tilt.T
    assert np.abs(plain.precession) > 0  # ordered without field
    np.testing.assert_allclose(
        tilted.exchange_tensor, expected, atol=1e-14 * np.abs(expected).max()
    )


def test_the_field_across_b_reaches_the_resistivity():
    sample = film(GENERAL)
    rates = om.relaxation(sample, 4.0, 5.0, method="batched")
    whole = om.resistivity(sample.film, rates, (1, 0, 0)).longitudinal
    without = om.resistivity(sample.film, replace(rates, precession_across=None), (1, 0, 0))
    surviving = om.diffusion.surviving_matrix(
        sample.film, om.diffusion.film_tensor(rates, (1, 0, 0))
    )
    square = sample.film.spin_hall_angle**2
    expected = sample.film.resistivity * (1 + square * (2 - surviving[1, 1]))
    np.testing.assert_allclose(whole, expected, rtol=1e-14)
    assert abs(without.longitudinal - whole) > 1e-6 * square * whole
    for b in ((1, 0, 0), (0.3, -0.5, 0.8)):
        across = om.resistivity(sample.film, rates, b).transverse
        turned = om.diffusion.film_tensor(rates, b)
        kept = om.diffusion.surviving_matrix(sample.film, turned)[0, 1]
        assert across == approx(sample.film.resistivity * square * kept, rel=1e-12)
    parts = om.mechanisms(sample.film, rates, (1, 0, 0))
    np.testing.assert_allclose(parts.total, whole, rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_a_diagonal_matrix_is_its_diagonal(method):
    one, other = (
        om.Moments(1.5, 1e27, exchange_energy=energy)
        for energy in ((1e-3, 2e-3, -3e-3), np.diag((1e-3, 2e-3, -3e-3)))
    )
    assert one == other
    assert hash(one) == hash(other)
    full = om.Moments(1.5, 1e27, exchange_energy=GENERAL)
    np.testing.assert_allclose(full.exchange_energy, GENERAL, rtol=1e-15)
    assert replace(full, g=1.9).exchange == full.exchange
    if method not in ("batched", "bloch-redfield"):
        with pytest.raises(om.ParameterError, match="'batched' and 'bloch-redfield' take"):
            om.relaxation(film(GENERAL), 10.0, 1.0, method=method)


BAD = [
    (lambda: film(np.ones((2, 3))), r"`exchange_energy` must be a scalar, \(x, y, z\) or a 3x3"),
    (lambda: film(np.full((3, 3), 1e7)), "`exchange_energy` must be between -100 and 100 eV"),
    (lambda: film(np.full((3, 3), np.nan)), "`exchange_energy`.*nan"),
    (lambda: film(GENERAL).magnet.exchange, "elements off its diagonal"),
    (lambda: om.validity(film(GENERAL), 10.0, 1.0), "elements off its diagonal"),
    *(
        (
            lambda m=method: om.relaxation(
                film(GENERAL), 9.0, 1.0, method=m, electron_splitting=True
            ),
            "`electron_splitting` must be False",
        )
        for method in ("batched", "bloch-redfield")
    ),
]


def test_refused():
    assert unclear(BAD) == {}
