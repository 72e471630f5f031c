"""Generators of any open system against NumPy by hand, and the comparison of all routes.

Processor time, the best of several in one process.
"""

import time

import numpy as np
import pytest

import openmr as om
from openmr import master

LEVELS = 16
BATH = om.Bath.drude(reorganization=0.05, cutoff=1.5, temperature=1.0)


def random_pair():
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(2, LEVELS, LEVELS)) + 1j * rng.normal(size=(2, LEVELS, LEVELS))
    return 0.5 * (raw + raw.conj().swapaxes(-1, -2))


def by_hand(hamiltonian, coupling):
    """Redfield generator by four Kronecker products."""
    energies, states = np.linalg.eigh(hamiltonian)
    inside = states.conj().T @ coupling @ states
    inside = BATH.half_sided(energies - energies[:, None]) * inside
    dressed = states @ inside @ states.conj().T
    one, left = np.eye(LEVELS), -1j * hamiltonian - coupling @ dressed
    return (
        np.kron(coupling.conj(), dressed)
        + np.kron(dressed.conj(), coupling)
        + np.kron(one, left)
        + np.kron(left.conj(), one)
    )


def seconds(function, rounds=20):
    best = np.inf
    for _ in range(rounds):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize(("method", "most"), [("redfield", 2.0), ("universal", 100.0)])
def test_against_numpy_by_hand(method, most, ratios):
    hamiltonian, coupling = random_pair()

    def ours(method=method):
        system = om.OpenSystem(hamiltonian, [(coupling, BATH)])
        return master.generator(system, method).superoperator

    hand = seconds(lambda: by_hand(hamiltonian, coupling))
    assert np.allclose(ours("redfield").full(), by_hand(hamiltonian, coupling), atol=1e-13)
    ratio = seconds(ours) / hand
    ratios[f"generator of 16 levels, {method}, over Kronecker products by hand"] = ratio
    assert ratio < most


def test_comparison_of_a_qubit(ratios):
    """Every route, fourth order and hierarchy included, in two seconds."""
    spin = np.array([[0.3, 0.4], [0.4, -0.3]])

    def ours():
        bath = om.Bath.drude(
            reorganization=0.05, cutoff=1.5, temperature=1.0
        )  # nothing is known yet
        return master.compare(om.OpenSystem(spin, [(np.diag([1.0, -1.0]), bath)]))

    used = seconds(ours, rounds=3)
    ratios["comparison of a qubit, seconds"] = used
    assert used < 2.0
