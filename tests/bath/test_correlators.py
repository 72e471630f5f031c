"""Correlators from operators, the electron-hole spectrum, detailed balance."""

import numpy as np
import pytest
from nearness import approx
from scipy.integrate import quad
from systems import SPINS

from openmr import bath
from openmr.bath import correlators
from openmr.moments.spin_averages import level_sums


@pytest.mark.parametrize("x", [-3.0, -0.2, 0.0, 1e-9, 0.7, 12.0])
def test_spectrum_is_the_fermi_integral(x):
    """integral f(e) [1 - f(e + x)] de over energies in k_B T."""
    integral, error = quad(
        lambda e: 0.25 * (1 - np.tanh(0.5 * e)) * (1 + np.tanh(0.5 * (e + x))), -60, 60
    )
    assert bath.electron_hole_spectrum(x) == approx(integral, abs=10 * error + 1e-12)


def test_spectrum_is_finite_everywhere():
    x = np.array([-1e9, -800.0, -1e-300, 0.0, 1e-300, 800.0, 1e9])
    np.testing.assert_allclose(bath.electron_hole_spectrum(x), [0, 0, 1, 1, 1, 800, 1e9], atol=0)


@pytest.mark.parametrize("spin", SPINS)
@pytest.mark.parametrize("x", [-2.0, 1e-8, 0.3, 4.0, 30.0])
def test_detailed_balance(spin, x):
    assert bath.detailed_balance(spin, x) <= 1e-15 * (20 + 8 * abs(x))


def test_detailed_balance_notices_a_warm_spectrum(monkeypatch):
    monkeypatch.setattr(correlators, "electron_hole_spectrum", lambda x: np.asarray(abs(x) + 1.0))
    assert bath.detailed_balance(2.0, 1.0) > 0.5


@pytest.mark.parametrize("spin", SPINS)
def test_correlators_sum_to_the_thermal_averages(spin):
    x = 1.3
    lines, sums = bath.moment_correlator(spin, x), level_sums(spin, x)
    raising = np.array([1, 1j, 0])
    up = np.einsum("a,lab,b->l", raising.conj(), lines.weights, raising)  # <S_- S_+>
    down = np.einsum("a,lab,b->l", raising, lines.weights, raising.conj())
    np.testing.assert_allclose(up, [0, 0, sums.flip_up], atol=1e-14)  # oscillates at +x
    np.testing.assert_allclose(down, [sums.flip_down, 0, 0], atol=1e-14)
    still = bath.moment_correlator(spin, x, connected=True).weights[1, 2, 2]
    assert still == approx(sums.variance, rel=1e-13)


def test_correlation_in_time_is_the_heisenberg_average():
    spin, x, time = 1.5, 0.8, 0.37
    operators, p = bath.spin_matrices(spin), bath.populations(spin, x)
    m = spin - np.arange(4)
    evolution = np.diag(np.exp(1j * x * m * time))
    heisenberg = np.array([evolution @ s @ evolution.conj() for s in operators])
    direct = np.einsum("m,amn,bnm->ab", p, heisenberg, operators)
    np.testing.assert_allclose(bath.moment_correlation(spin, x, time), direct, atol=1e-14)
