"""Eigenvalues by conserved blocks equal those of the dense generator, and what they say."""

import numpy as np
import pytest
import qutip
from refusals import unclear
from scipy.optimize import linear_sum_assignment
from systems import redfield

from openmr import bath, hilbert, sectors
from openmr._qutip import exact_arithmetic
from openmr.models.sectors import joint_spectrum
from openmr.rates.routes.batched import redfield_tensor


def dense(spins, splittings, exchange, noise, electron, unitary, mean=0.0):
    """The engine's generator on the whole joint space."""
    with exact_arithmetic():
        h = hilbert.hamiltonian(spins, splittings, electron)
        couplings = [
            (
                hilbert.coupling(spins, i, j, mean=mean),
                lambda w, n=n: n * bath.electron_hole_spectrum(w),
            )
            for i, (j, n) in enumerate(zip(exchange, noise, strict=True))
        ]
        return (redfield(h, *couplings).dissipator + unitary * qutip.liouvillian(h)).full()


def distance(found, exact):
    """Largest distance between two sets of numbers, paired at least cost."""
    cost = np.abs(found[:, None] - exact)
    return cost[linear_sum_assignment(cost)].max()


SYSTEMS = {
    "one axial": ([2.0], [0.8], [(1.0, 1.0, 0.7)], 0.3, 2.0),
    "dissipator alone": ([1.5], [-1.4], [(1.0, 1.0, 0.7)], 0.0, 0.0),
    "anisotropic": ([1.0], [0.8], [(1.0, 0.4, 0.7)], 0.3, 2.0),
    "one axis": ([1.0], [0.8], [(0.0, 0.0, 0.7)], 0.3, 1.0),
    "two moments": ([0.5, 1.0], [0.8, -0.4], [(1.0, 1.0, 0.7), (0.3, 0.3, -0.5)], 0.5, 1.0),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_equal_to_the_dense_generator(name):
    spins, x, exchange, w, unitary = SYSTEMS[name]
    noise = [1.3, 0.8][: len(spins)]
    found = joint_spectrum(spins, x, exchange, noise=noise, electron_splitting=w, unitary=unitary)
    generator = dense(spins, x, exchange, noise, w, unitary)
    exact = np.linalg.eigvals(generator)
    assert found.eigenvalues.shape == exact.shape
    assert found.largest_block < found.dimension**2
    # conserved quantities make eigenvalue 0 degenerate: rounding enters as its square root at worst
    # where the generator has no full set of eigenvectors, else with condition numbers of order 10
    assert distance(found.eigenvalues, exact) <= 1e-12 * np.abs(generator).max()


def test_a_lost_back_action_is_noticed(monkeypatch):
    """The negative test: without K's dependence on the moment's energy the spectrum differs."""
    spins, x, exchange, electron, unitary = SYSTEMS["one axial"]
    exact = np.linalg.eigvals(dense(spins, x, exchange, [1.0], electron, unitary))
    monkeypatch.setattr(sectors, "electron_hole_spectrum", np.ones_like)
    wrong = joint_spectrum(spins, x, exchange, electron_splitting=electron, unitary=unitary)
    assert distance(wrong.eigenvalues, exact) > 0.1


def test_perfect_lattice():
    found = joint_spectrum([1.0], [0.7], [(1.0, 1.0, 1.0)], mean=-0.4)
    exact = np.linalg.eigvals(dense([1.0], [0.7], [(1.0, 1.0, 1.0)], [1.0], 0.0, 0.0, mean=-0.4))
    assert distance(found.eigenvalues, exact) <= 1e-12


@pytest.mark.parametrize("spin", [0.5, 1.5, 3.5])
def test_blocks_of_one_moment_are_four_by_four(spin):
    found = joint_spectrum([spin], [1.0], [(1.0, 1.0, 1.0)])
    assert found.largest_block == 4
    assert len(found.eigenvalues) == found.dimension**2
    # one stationary state per sector of total S_z, of which there are 2S + 2
    still = np.abs(found.eigenvalues) <= 1e-13 * np.abs(found.eigenvalues).max()
    assert np.count_nonzero(still) >= 2 * spin + 2
    assert found.eigenvalues.real.max() <= 1e-13 * np.abs(found.eigenvalues).max()


def test_a_free_moment_relaxes_faster():
    """S = 1/2: each sector equilibrates with itself at (1 + cosh x) / tau_par."""
    for x in (0.3, 1.0, 2.5):
        spectrum = joint_spectrum([0.5], [x], [(1.0, 1.0, 1.0)]).eigenvalues
        rate = redfield_tensor(np.eye(3), 0.5, x)[2, 2]
        assert np.abs(spectrum + rate * (1 + np.cosh(x))).min() <= 1e-13 * rate * np.cosh(x)


def test_many_points_at_once():
    x, w = np.linspace(-2, 2, 7)[:, None, None] * [1.0, 0.3], np.array([0.2, 0.9, 1.4])
    exchange = [(1.0, 1.0, 0.5), (0.4, 0.4, 0.4)]
    found = joint_spectrum([0.5, 0.5], x, exchange, electron_splitting=w, unitary=3.0)
    assert found.eigenvalues.shape == (7, 3, 64)
    for i, k in ((0, 0), (3, 1), (6, 2)):
        one = joint_spectrum([0.5, 0.5], x[i, 0], exchange, electron_splitting=w[k], unitary=3.0)
        assert distance(found.eigenvalues[i, k], one.eigenvalues) <= 1e-12


@pytest.mark.slow
def test_two_moments_of_seven_halves():
    """Joint dimension 128, whose dense superoperator would take 4 GiB."""
    found = joint_spectrum([3.5, 3.5], [0.8, -0.4], [(1, 1, 0.7), (0.5, 0.5, 0.5)], unitary=1.0)
    assert found.eigenvalues.shape == (128**2,)
    assert found.largest_block == 225
    scale = np.abs(found.eigenvalues).max()
    assert abs(found.eigenvalues[-1]) <= 1e-12 * scale
    assert found.eigenvalues.real.max() <= 1e-12 * scale


def test_no_points():
    assert joint_spectrum([1.0], np.zeros((0, 1)), [[1.0, 1.0, 1.0]]).eigenvalues.shape == (0, 36)


BAD = [
    (lambda: joint_spectrum([], [], np.ones((0, 3))), "`spins` must hold at least one spin"),
    (lambda: joint_spectrum([1.0], [1.0], np.ones((1, 3)), noise=-1.0), "`noise` must be >= 0"),
    (lambda: joint_spectrum([1.0], [1.0], np.ones((1, 3)), unitary=np.nan), "`unitary`.*nan"),
    (lambda: joint_spectrum([0.3], [1.0], np.ones((1, 3))), "`spins` must be a positive half-int"),
    (
        lambda: joint_spectrum([1.0], 1.0, np.ones((1, 3))),
        "`reduced_splittings`.* last axis",
    ),
    (lambda: joint_spectrum([1.0], [1.0], np.ones(3)), r"`exchange` must have shape \(1, 3\)"),
    (lambda: joint_spectrum([3.5] * 4, [1.0] * 4, np.ones((4, 3))), "dimension <= 2048, got 8192"),
    (
        lambda: joint_spectrum([3.5] * 2, [1.0] * 2, [(1, 0.5, 1)] * 2),
        r"at most 2500 elements on a side, got 4096 \(0.25 GiB\)",
    ),
]


def test_bad_input():
    assert unclear(BAD) == {}
