"""Electrons and moments as two spins: what is conserved, and a resonance worked out elsewhere."""

import numpy as np
import pytest
from nearness import approx

from openmr.bath.correlators import populations, spin_matrices
from openmr.models.bottleneck import Partner, joint_generator, transverse_decay
from openmr.units import HBAR, K_B, MU_B

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def settled(spins, g, zeeman, number, exchange, weiss, connected=False, g_electron=2.0):
    """Partners and the electrons' splitting in each other's fields, by iteration."""
    mean, w = -0.1 * np.array(spins), 0.0
    number, exchange = np.array(number), np.array(exchange)
    for _ in range(400):
        own = zeeman * np.array(g) - np.asarray(weiss) @ mean
        whole = own + 0.5 * exchange * w
        levels = [spin_matrices(s)[2].diagonal().real for s in spins]
        found = [populations(s, x) @ m for s, x, m in zip(spins, whole, levels, strict=True)]
        mean = 0.5 * (mean + np.array(found))
        w = zeeman * g_electron - float(number @ (exchange * mean))
    partners = [
        Partner(s, float(x), n, (j, j, j), connected)
        for s, x, n, j in zip(spins, own, number, exchange, strict=True)
    ]
    return partners, w


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("g", [2.0, 1.3])
def test_only_the_field_turns_the_whole_spin(connected, g):
    """Scalar exchange conserves it; with one g the whole precesses freely for ever."""
    weiss = np.array([[0.3, -0.4], [-0.8, 0.1]])  # densities 2 : 1
    partners, w = settled(
        [1.5, 1.0], [g, g], 0.4, [60.0, 30.0], [-0.01, 0.006], weiss, connected=connected
    )
    generator = joint_generator(partners, weiss, w, 0.0).reshape(3, 2, 3, 2)
    whole = -generator.sum(axis=0)
    for column, factor in enumerate((2.0, g, g)):
        np.testing.assert_allclose(whole[:, column], 0.4 * factor * TURN, atol=1e-12)
    modes = np.linalg.eigvals(generator.reshape(6, 6))
    free = np.abs(modes - 0.8j).min()
    assert (free < 1e-12) == (g == 2.0)


def resonance(g):
    """10 K, 3 T, S = 1/2, n = 1.66e27 m^-3, nu_F = 6.8e27 /eV m^3, J = -6e-31 eV m^3 [1/s]."""
    thermal = 10.0 * K_B
    zeeman, number = MU_B * 3.0 / thermal, 1.66e27 / (6.8e27 * thermal)
    partners, w = settled([0.5], [g], zeeman, [number], [-6e-31 * 6.8e27], [[0.0]])
    rate = thermal / HBAR
    generator = rate * joint_generator(partners, [[0.0]], w, 0.0)
    return generator, rate * transverse_decay(partners, [[0.0]], w, 0.0)


def test_lines_apart_and_crossing():
    generator, decay = resonance(2.0)
    assert generator[0, 0] == approx(9.5694e9, rel=1e-5)
    assert decay == approx(9.6188e9, rel=1e-5)
    generator, decay = resonance(1.5576404710)
    modes = np.linalg.eigvals(generator)
    modes = np.sort_complex(modes[modes.imag > 0])
    np.testing.assert_allclose(modes.real, [4.04e9, 5.63e9], rtol=1e-3)
    assert abs(np.diff(modes.imag)[0]) == approx(1.7e10, rel=0.03)
    assert np.abs(modes.real / decay - 1).min() < 1e-9
    # without the torques: one spin relaxes against the other, and their sum for ever stays
    still = generator.copy().reshape(2, 2, 2, 2)
    still[0, :, 1] = 0.5 * np.trace(still[0, :, 1]) * np.eye(2)
    still[1, :, 0] = 0.5 * np.trace(still[1, :, 0]) * np.eye(2)
    apart = np.sort(np.linalg.eigvals(still.reshape(4, 4)).real)
    np.testing.assert_allclose(apart[::2], [0.0, 9.67e9], rtol=1e-3, atol=1e3)


def test_a_free_moment_decays_as_korringa_says():
    """S = 1/2: 1/T2 = (pi/2)(nu_F J)^2 [1 + (x/2) coth(x/2)] k_B T / hbar, electrons aside."""
    for x in (1e-9, 0.4, 6.0):
        generator = joint_generator([Partner(0.5, x, 1e-12, (0.1,) * 3)], [[0.0]], 0.0, 0.0)
        expected = np.pi / 2 * 0.01 * (1 + x / 2 / np.tanh(x / 2))
        assert generator[2, 2] == approx(expected, rel=1e-10)
    alone = transverse_decay([Partner(0.5, 0.4, 1.0, (0.0,) * 3)], [[0.0]], 0.4, 0.3)
    assert alone == approx(0.3)
