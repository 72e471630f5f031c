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


def test_the_constant_beside_the_logarithm():
    """A band of levels, summed: f(e)(1 - f(e)) over sum of (1 - 2f'')/(e - e'')."""
    width, spacing = 60.0, 0.05
    band = np.arange(-width, width, spacing) + spacing / 2
    between = np.arange(-20, 20, spacing)  # half a step from every level: principal values
    # the sum of the band's parts is -2 nu_F J of this
    dressing = 0.5 * spacing * (np.tanh(band / 2) / (band - between[:, None])).sum(axis=1)
    thermal = expit(between) * expit(-between)
    mean = float(dressing @ thermal / thermal.sum())
    constant = 1 + np.euler_gamma - np.log(2 * np.pi)
    assert mean == pytest.approx(np.log(width) + constant, abs=3 / width**2)
    second, third = kondo.flip_rates(1.5, 0.0, ONE, width)
    np.testing.assert_allclose(third / second, -2 * ONE[0] * mean, rtol=3 / width**2)


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
