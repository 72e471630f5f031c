"""The third order in the exchange: its amplitudes in Fock space, its logarithm by scaling."""

import numpy as np
import pytest
import qutip
from scipy.special import expit

from openmr.bath.correlators import electron_hole_spectrum, moment_correlator, spin_matrices
from openmr.models import fock, kondo
from openmr.models.clusters import golden_rule_tensor

CASES = [(0.5, 0.0, False), (1.0, 0.7, False), (2.5, 3.0, False), (2.0, 1.2, True)]
ONE, THREE = (-0.02, -0.02, -0.02), (0.01, 0.02, -0.03)


def by_golden_rule(spin, x, exchange, connected):
    lines = moment_correlator(spin, x, connected=connected)
    noise = np.einsum("l,lab->ab", electron_hole_spectrum(-lines.frequencies), lines.weights)
    return np.diag(golden_rule_tensor(np.outer(exchange, exchange) * noise)[0])


@pytest.mark.parametrize(("spin", "x", "connected"), CASES)
@pytest.mark.parametrize("exchange", [ONE, THREE])
def test_the_logarithm_is_that_of_scaling(spin, x, connected, exchange):
    """J_x falls by nu_F J_y J_z for each factor e of the band; the second order is quadratic."""
    near, far = (
        kondo.flip_rates(spin, x, exchange, width, connected=connected)
        for width in (1e8, 1e8 * np.e)
    )
    np.testing.assert_allclose(near[0], by_golden_rule(spin, x, exchange, connected), rtol=1e-12)
    j = np.array(exchange)
    step = -np.roll(j, 1) * np.roll(j, 2)
    up, down = (by_golden_rule(spin, x, j + s * step, connected) for s in (1, -1))
    # the band's ends are felt as eps_L / W
    np.testing.assert_allclose(far[1] - near[1], 0.5 * (up - down), rtol=1e-6, atol=1e-12)
    if exchange is ONE:  # antiferromagnetic: the coupling grows
        assert np.all(far[1] > near[1])


def by_summing_a_band(spin, x, exchange, axis, width, spacing=0.1):
    """Golden rule with V + V G V, level by level: states between at energies of the whole."""
    levels = np.arange(-width, width, spacing) + spacing / 2
    shells = np.arange(-30, 30 + spacing / 2, spacing)  # half a step off: principal values
    moment = np.array(exchange)[:, None, None] * spin_matrices(spin)
    pauli = 2 * spin_matrices(0.5)
    minus, plus = np.linalg.eigh(pauli[axis])[1].T
    energy = x * spin_matrices(spin)[2].diagonal().real
    weight = np.exp(-energy) / np.exp(-energy).sum()
    once = -0.5 * np.einsum("aik,amn,i,k->mn", pauli, moment, minus.conj(), plus)
    twice = 0.25 * np.einsum("bij,ajk,i,k->ba", pauli, pauli, minus.conj(), plus)

    def principal(occupied, total):  # the sum of occupied / (total - levels)
        return spacing * (occupied / (total[:, None] - levels)).sum(axis=1)

    found = np.zeros(2)
    for n, m in np.ndindex(once.shape):
        arriving = shells + energy[n] - energy[m]
        thermal = spacing * expit(-shells) * expit(arriving) * weight[n]
        found[0] += 2 * thermal.sum() * abs(once[m, n]) ** 2
        for q in range(len(energy)):
            empty = np.einsum("ba,b,a->", twice, moment[:, m, q], moment[:, q, n])
            filled = np.einsum("ba,a,b->", twice, moment[:, m, q], moment[:, q, n])
            if empty == filled == 0 or once[m, n] == 0:
                continue
            # E - E' = (shell + E_n) - (level + E_q), or (level + E_n) - (arriving + E_q) and the
            # sign of an exchange
            second = empty * principal(expit(levels), shells + energy[n] - energy[q])
            second = second + filled * principal(expit(-levels), arriving + energy[q] - energy[n])
            found[1] += 4 * (once[m, n].conj() * (thermal @ second)).real
    return found


@pytest.mark.parametrize(("spin", "x", "exchange"), [(1.0, 2.0, THREE), (0.5, -3.0, ONE)])
def test_the_third_order_is_that_of_a_band_of_levels(spin, x, exchange):
    width = 100.0
    found = np.array(kondo.flip_rates(spin, x, exchange, width))
    for axis in range(3):
        expected = by_summing_a_band(spin, x, exchange, axis, width)
        # the band's ends are felt as (energy / W)^2
        np.testing.assert_allclose(found[:, axis], expected, rtol=10 * (x / width) ** 2)
    still = kondo.flip_rates(1.5, 0.0, ONE, width)
    constant = 1 + np.euler_gamma - np.log(2 * np.pi)
    np.testing.assert_allclose(still[1] / still[0], 0.04 * (np.log(width) + constant), rtol=1e-3)


def through_fock_space(spin, exchange, x, energies):
    """<f| V (E - H)^-1 V |i> of electrons 0 -> 1 past a filled orbital 2 and an empty 3."""
    spins = spin_matrices(spin)
    level = qutip.qdiags(spins[2].diagonal().real, 0)
    hop = np.ones((4, 4)) - np.eye(4)
    coupling, electrons = 0, fock.one_body(np.kron(np.diag(energies), np.eye(2)))
    one = qutip.qeye(electrons.dims[0])
    for j, s, pauli in zip(exchange, spins, 2 * spin_matrices(0.5), strict=True):
        coupling += qutip.tensor(-0.5 * j * fock.one_body(np.kron(hop, pauli)), qutip.Qobj(s))
    energy = qutip.tensor(electrons, qutip.qeye(len(spins[0]))) + x * qutip.tensor(one, level)
    bare, v = energy.diag().real, coupling.full()
    f = fock.annihilators(8)
    vacuum = qutip.basis([2] * 8, [0] * 8)
    if abs((f[0] * vacuum).norm()) > 0:  # whichever of the two states holds no electron
        vacuum = qutip.basis([2] * 8, [1] * 8)
    sea = f[4].dag() * f[5].dag() * vacuum
    size = len(spins[0])
    found = np.zeros((2, size, 2, size), dtype=complex)
    for k, n in np.ndindex(2, size):
        start = qutip.tensor(f[k].dag() * sea, qutip.basis(size, n)).full().ravel()
        e = float(np.abs(start) ** 2 @ bare)
        after = v @ start
        gap = e - bare
        between = np.where(np.abs(after) > 0, after / np.where(np.abs(gap) > 1e-9, gap, np.inf), 0)
        reached = v @ between
        for i, m in np.ndindex(2, size):
            end = qutip.tensor(f[2 + i].dag() * sea, qutip.basis(size, m)).full().ravel()
            found[i, m, k, n] = end.conj() @ reached
    return found


@pytest.mark.parametrize("spin", [0.5, 1.0])
@pytest.mark.parametrize("taken", [-1, 0, 1])
def test_two_visits_are_those_of_many_electrons(spin, taken):
    """Signs and order of the visits through a filled state, with nothing assumed but H."""
    x, e, filled, empty = 0.7, 0.31, -0.9, 1.7
    energies = [e, e + taken * x, filled, empty]  # the shell of a flip that gives `taken`
    exact = through_fock_space(spin, THREE, x, energies)
    first, second = kondo.visits(spin, THREE)
    found, swapped = (
        sum(
            hole / (e + v.given * x - filled) + electron / (e + v.given * x - empty)
            for v in second
            for electron, hole in [(v.empty, v.filled)[::order]]
        )
        for order in (1, -1)
    )
    number = np.arange(round(2 * spin) + 1)
    on_shell = (number[:, None] - number == taken)[None, :, None, :] & np.ones_like(first, bool)
    np.testing.assert_allclose(found[on_shell], exact[on_shell], atol=1e-15)
    assert np.abs(exact[on_shell]).max() > 1e-5
    assert not np.allclose(swapped[on_shell], exact[on_shell], rtol=1e-2)
