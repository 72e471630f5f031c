"""Half-sided transforms in time: panels of quadrature, samples, and their stated errors."""

import numpy as np
import pytest
from nearness import approx

import openmr as om
from openmr.bath.transforms import half_sided


def exponential(t):
    return np.exp(-(1 + 2j) * np.asarray(t))[..., None, None]


def samples(number, end):
    times = np.linspace(0, end, number)
    return om.Bath(correlation=(times, exponential(times)[:, 0, 0]))


@pytest.mark.parametrize("time", [0.0, 1e-6, 0.7, 5.0, np.inf])
def test_half_sided_transform_and_its_stated_error(time):
    w = np.array([-2.0, 0.0, 3.0])
    power = 1j * w - (1 + 2j)
    found = half_sided(exponential, w, time, rtol=1e-9)

    def exact(t):
        return ((np.exp(power * t) if t < np.inf else 0.0) - 1) / power

    stated = found.uncertainty + found.tail + 1e-14
    assert np.abs(found.limit[:, 0, 0] - exact(time)).max() <= stated
    inside = min(0.37 * time, 3.3)
    assert np.abs(found.at(inside)[:, 0, 0] - exact(inside)).max() <= stated


def test_kinks_and_steps_are_found():
    """A bath that changes its mind at t = 1/3; the panels close in on it."""
    found = half_sided(lambda t: np.where(t < 1 / 3, 1.0, 0.5)[..., None, None], np.zeros(1), 1.0)
    assert found.limit[0, 0, 0] == approx(2 / 3, abs=1e-12)


def test_samples_converge_at_the_order_of_the_spline():
    """The end panels, of width h and error h^6, dominate: order 7. The stated error is larger."""
    numbers, power = np.array([24, 48, 96, 192]), 1j - (1 + 2j)
    found = [samples(n + 1, 4.0).panels([1.0], 4.0, 1e-2) for n in numbers]
    errors = [abs(f.limit[0, 0, 0] - (np.exp(4 * power) - 1) / power) for f in found]
    slope = np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    assert slope == approx(-7, abs=0.3)
    assert np.all([f.uncertainty >= e for f, e in zip(found, errors, strict=True)])


def test_a_bath_of_samples_is_the_bath_they_were_taken_from():
    w = np.array([-1.0, 0.0, 0.4, 2.0])
    found, exact = samples(2001, 40.0), om.Bath(exponents=([1.0], [1 + 2j]))
    assert np.abs(found.half_sided(w) - exact.half_sided(w)).max() <= found.uncertainty(w)
    t = np.array([0.0, 0.013, 3.3, 50.0])
    np.testing.assert_allclose(found.correlation(t)[:3], exact.correlation(t)[:3], atol=1e-9)
    assert found.correlation(50.0) == 0


UNCONVERGED = [
    (lambda: half_sided(lambda t: np.cos(t)[..., None, None], np.ones(1), np.inf), "not decayed"),
    (
        lambda: half_sided(lambda t: (1 / (1 + t))[..., None, None], np.ones(1), np.inf),
        "fall off faster than 1/t",
    ),
    (lambda: samples(400, 5.0).half_sided(0.0), "beyond t = 5"),
    (lambda: samples(30, 50.0).half_sided(0.0), "denser"),
    (lambda: half_sided(exponential, np.array([1e6]), 1.0), "`time` must be at most 0.131"),
]


@pytest.mark.parametrize(("call", "message"), UNCONVERGED, ids=[m for _, m in UNCONVERGED])
def test_unconverged_is_an_error(call, message):
    with pytest.raises(om.ConvergenceError, match=message):
        call()


def test_a_correlation_of_few_exponentials_is_found_again():
    """Not only its values: the rates themselves, and no more of them."""
    c, nu = np.array([0.3 - 0.1j, 0.2]), np.array([1.0, 2.0 - 3.0j])
    bath = om.Bath(correlation=lambda t: c @ np.exp(-np.outer(nu, t)))
    found = bath.exponents(1e-6)
    order = np.argsort(found.rates.real)
    np.testing.assert_allclose(found.rates[order], nu, atol=1e-9)
    np.testing.assert_allclose(found.coefficients[order], c, atol=1e-9)
