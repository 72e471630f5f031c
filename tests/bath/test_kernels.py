"""Kernels of a finite band: digits at all times, their spectra, detailed balance, wide band."""

from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from nearness import approx
from scipy.integrate import quad

from openmr import kernels
from openmr.bath.correlators import electron_hole_spectrum
from openmr.bath.transforms import half_sided

BANDS = (0.3, 3.0, 40.0, 1e3, 1e6)
TIMES = np.array([0.0, 1e-7, 1e-3, 0.05, 0.4, 0.999, 1.001, 2.0, 4.0, 9.0, 40.0, 1e3, 1e7])


def trigamma_sum(time, band):
    edge, time = 1 / mp.mpf(band), mp.mpf(time)
    pair = mp.polygamma(1, edge + 1j * time) + mp.polygamma(1, 1 + edge - 1j * time)
    return pair / (2 * mp.pi)


def alternating(z):
    return (mp.digamma((z + 1) / 2) - mp.digamma(z / 2)) / 2


def digamma_square(time, band):
    edge, time = 1 / mp.mpf(band), mp.mpf(time)
    return (alternating(edge + 1j * time) + alternating(1 + edge - 1j * time)) ** 2 / (2 * mp.pi)


ORACLES = {"exponential": trigamma_sum, "flat": digamma_square}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("band", BANDS)
def test_all_digits_at_all_times(name, band):
    """Against 50 digits; naively the terms cancel as 1/(L t), losing ten digits at t = 1e7."""
    with mp.workdps(50):
        exact = [ORACLES[name](t, band) for t in TIMES]
        found = kernels.KERNELS[name](TIMES, band)
        errors = [abs(mp.mpc(f) - e) / abs(e) for f, e in zip(found, exact, strict=True)]
    # two dozen roundings of the recurrence, more where pi cot(pi z) has a large argument
    assert max(errors) <= 1e-13


def test_naive_sum_is_seen_to_cancel():
    """What the digits test guards against."""
    with mp.workdps(16):
        found = trigamma_sum(1e7, 1e3)
    with mp.workdps(50):
        exact = trigamma_sum(1e7, 1e3)
        assert abs(found - exact) / abs(exact) > 1e-8


@pytest.mark.parametrize("name", ORACLES)
def test_conjugate_at_negative_times(name):
    kernel = kernels.KERNELS[name]
    np.testing.assert_array_equal(kernel(-TIMES, 30.0), kernel(TIMES, 30.0).conj())
    assert kernel(0.3, 30.0).shape == ()


def transform(function, time, ends):
    """Integral of function(x) exp(-i x t) over x by adaptive quadrature, split at the kinks."""
    pieces = list(pairwise(ends))
    parts = [
        [quad(lambda x, f=f: function(x) * f(x * time), a, b, epsabs=1e-11, limit=400)
         for a, b in pieces]
        for f in (np.cos, np.sin)
    ]  # fmt: skip
    return sum(v for v, _ in parts[0]) - 1j * sum(v for v, _ in parts[1])


@pytest.mark.parametrize("time", [0.0, 0.2, 1.7])
def test_exponential_cutoff_is_the_transform_of_its_spectrum(time):
    band = 6.0
    ends = [-150, -30, 0, 30, 120, 250]
    integral = transform(lambda x: kernels.exponential_cutoff_spectrum(x, band), time, ends)
    found = kernels.exponential_cutoff(time, band)
    # the integral ends where the spectrum is 250 exp(-250/6) = 2e-16
    assert abs(found - integral / (2 * np.pi)) <= 1e-9
    doubled = kernels.exponential_cutoff(2 * time + 0.1, band)
    assert abs(doubled - integral / (2 * np.pi)) > 1e-3  # a wrong time is noticed


@pytest.mark.parametrize("time", [0.0, 0.2, 1.7])
def test_flat_band_is_the_square_of_the_transform_of_empty_states(time):
    """g(t) = integral of (1 - f(e)) exp(-|e|/L - i e t)."""
    band = 6.0

    def empty(e):
        return 0.5 * (1 + np.tanh(0.5 * e)) * np.exp(-abs(e) / band)

    g = transform(empty, time, [-60, 0, 60, 250])
    assert abs(kernels.flat_band(time, band) - g**2 / (2 * np.pi)) <= 1e-8


def flat_spectrum(x, band):
    """Integral of [1 - f(e)] f(e - x) exp(-(|e| + |e - x|)/L): the pairs of energy x."""

    def pairs(e):
        thermal = 0.25 * (1 + np.tanh(0.5 * e)) * (1 - np.tanh(0.5 * (e - x)))
        return thermal * np.exp(-(abs(e) + abs(e - x)) / band)

    low, high = min(0, x), max(0, x)
    return sum(quad(pairs, a, b)[0] for a, b in ((low - 60, low), (low, high), (high, high + 60)))


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("band", [15.0, 200.0])
def test_spectrum_and_detailed_balance(name, band):
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    rtol = 3e-5 if name == "exponential" else 1e-7
    found = half_sided(
        lambda t: kernels.KERNELS[name](t, band)[..., None, None], x, np.inf, rtol=rtol
    )
    spectrum = 2 * found.limit[:, 0, 0].real
    exact = (
        kernels.exponential_cutoff_spectrum(x, band)
        if name == "exponential"
        else [flat_spectrum(xi, band) for xi in x]
    )
    allowed = 2 * (found.uncertainty + found.tail) + 1e-8
    np.testing.assert_allclose(spectrum, exact, rtol=0, atol=allowed)
    np.testing.assert_allclose(spectrum[::-1] * np.exp(x), spectrum, rtol=0, atol=8 * allowed)


@pytest.mark.parametrize(("name", "order"), [("exponential", 1), ("flat", 1)])
def test_wide_band_is_approached_at_first_order(name, order):
    """Spectra deviate from x / (1 - exp(-x)) as 1/L."""
    x, bands = 1.0, np.array([30.0, 100.0, 300.0, 1000.0])
    wide = electron_hole_spectrum(x)
    spectrum = {"exponential": kernels.exponential_cutoff_spectrum, "flat": flat_spectrum}[name]
    deviations = [abs(spectrum(x, band) / wide - 1) for band in bands]
    slope = np.polyfit(np.log(bands), np.log(deviations), 1)[0]
    assert slope == approx(-order, abs=0.03)  # next order of 1/L at L = 30


def test_late_tails():
    """1/(pi L t^2) from the kink of the cutoff; (2 pi)^-1 L^-2 t^-4 from that of the states."""
    time, band = np.array([30.0, 100.0, 300.0, 1000.0]), 50.0
    for name, power, size in (("exponential", 2, 1 / (np.pi * band)), ("flat", 4, None)):
        kernel = np.abs(kernels.KERNELS[name](time, band))
        slope = np.polyfit(np.log(time), np.log(kernel), 1)[0]
        assert slope == approx(-power, abs=0.01)  # corrections of order t^-2 = 1e-3
        if size is not None:
            assert kernel[-1] * time[-1] ** power == approx(size, rel=1e-3)


def test_wide_band_thermal_kernel():
    """K -> -(pi/2) / sinh^2(pi t) for times beyond 1/L."""
    time = np.array([0.2, 0.5, 1.0, 1.5])
    for name in ORACLES:
        found = kernels.KERNELS[name](time, 1e8)
        np.testing.assert_allclose(found, -0.5 * np.pi / np.sinh(np.pi * time) ** 2, rtol=1e-4)
