"""Small systems in which the steps of the theory can be computed without its formulas.

Everything is made of matrices: an electron beside a moment, and two orbitals in Fock space beside
one or two moments. hbar is not 1 where a formula shows it, so that a wrong power is seen.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import qutip
from numpy.typing import ArrayLike
from scipy.linalg import dft

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import PAULI, spin_matrices
from openmr.models import fock, scattering

ROUNDING = 1e-11
"""Sums of some thousand terms and quadratures carried to 1e-14, relative to the largest element."""


def largest(values: ArrayLike) -> float:
    """Largest magnitude."""
    return float(np.abs(values).max())


def relative(found: ArrayLike, expected: ArrayLike) -> float:
    """Largest deviation over the largest element."""
    return largest(np.asarray(found) - np.asarray(expected)) / largest(expected)


def commutator(a: Any, b: Any) -> ComplexArray:
    """Commutator a b - b a, for the references."""
    return np.asarray(a @ b - b @ a)


def hermitian(size: int, seed: int) -> ComplexArray:
    """A Hermitian matrix without symmetries."""
    generator = np.random.default_rng(seed)
    a = generator.normal(size=(size, size)) + 1j * generator.normal(size=(size, size))
    return np.asarray(0.5 * (a + a.conj().T))


def mixed_state(size: int, seed: int) -> ComplexArray:
    """A density matrix without symmetries."""
    a = hermitian(size, seed)
    return np.asarray(a @ a / np.trace(a @ a))


def thermal(hamiltonian: ComplexArray) -> ComplexArray:
    """Gibbs state of a Hamiltonian in k_B T."""
    energies, basis = np.linalg.eigh(hamiltonian)
    weights = np.exp(energies.min() - energies)
    return np.asarray((basis * (weights / weights.sum())) @ basis.conj().T)


def turned(hamiltonian: ComplexArray, operator: Any, angle: float) -> ComplexArray:
    """exp(i H angle) O exp(-i H angle) by the phases of the levels."""
    energies, basis = np.linalg.eigh(hamiltonian)
    phases = np.exp(1j * angle * (energies[:, None] - energies))
    inside = phases * (basis.conj().T @ operator @ basis)
    return np.asarray(basis @ inside @ basis.conj().T)


def trace_second(joint: Any, first: int) -> ComplexArray:
    """Trace over the second factor of first (x) second."""
    second = len(joint) // first
    return np.asarray(np.einsum("imjm->ij", joint.reshape(first, second, first, second)))


def time_nodes(longest: float, count: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights from 0 to `longest`."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return 0.5 * longest * (nodes + 1), 0.5 * longest * weights


# --- an electron beside a moment --------------------------------------------------------------


class Beside(NamedTuple):
    """An electron's spin beside one thermal moment, in the interaction picture."""

    hbar: float
    spin: float
    splitting: float
    exchange: Array  # J_v
    electron: ComplexArray  # H_e
    moment: ComplexArray  # H_m
    rho: ComplexArray
    bath: ComplexArray  # rho_m

    def coupling(self, time: float) -> ComplexArray:
        """V_em in the interaction picture on the joint space, from Eqs. (4), (6)."""
        products = map(np.kron, PAULI, spin_matrices(self.spin))
        joint = -0.5 * sum(j * product for j, product in zip(self.exchange, products, strict=True))
        free = np.kron(self.electron, np.eye(len(self.bath))) + np.kron(np.eye(2), self.moment)
        return turned(free, joint, time / self.hbar)


@cache
def electron_beside_moment() -> Beside:
    """A moment of spin 1, anisotropic exchange, an electron in a tilted field."""
    spin, splitting = 1.0, 1.3
    moment = splitting * spin_matrices(spin)[2]
    return Beside(
        hbar=0.8,
        spin=spin,
        splitting=splitting,
        exchange=np.array([0.3, 0.2, 0.5]),
        electron=hermitian(2, 1),
        moment=moment,
        rho=mixed_state(2, 2),
        bath=thermal(moment),
    )


class Still(NamedTuple):
    """An electron's spin that stays at a moment, Eq. (9) from t_0 = 0 to t."""

    hbar: float
    now: ComplexArray  # V^v(t) times the coupling's strength, (3, 2, 2)
    before: ComplexArray  # at the times, (t, 3, 2, 2)
    mean: Array  # <S_v>
    times: Array
    weights: Array


@cache
def still(strength: float, time: float) -> tuple[Still, ComplexArray]:
    """The system, and its exact time-convolutionless generator at t as a 4 x 4 matrix."""
    hbar, spin = 0.8, spin_matrices(0.5)
    electron, bath = 0.6 * spin[2], thermal(1.3 * spin[2])
    v = strength * np.array([0.9, 0.7, 1.1])[:, None, None] * PAULI
    joint: ComplexArray = np.asarray(sum(map(np.kron, v, spin)))
    free: ComplexArray = np.kron(electron, np.eye(2)) + np.kron(np.eye(2), 1.3 * spin[2])
    times, weights = time_nodes(time, 16)

    def at(t: float) -> ComplexArray:
        return np.stack([turned(electron, a, t / hbar) for a in v])

    mean = np.einsum("vij,ji->v", spin, bath).real
    system = Still(hbar, at(time), np.stack([at(t) for t in times]), mean, times, weights)
    now = turned(free, joint, time / hbar)
    columns, changes = [], []
    for unit in np.eye(4, dtype=complex).reshape(4, 2, 2):
        moved = turned(free + joint, np.kron(unit, bath), -time / hbar)
        moved = turned(free, moved, time / hbar)
        columns.append(trace_second(moved, 2).ravel())
        changes.append(trace_second(-1j / hbar * commutator(now, moved), 2).ravel())
    return system, np.stack(changes, axis=1) @ np.linalg.inv(np.stack(columns, axis=1))


# --- few electrons beside moments -------------------------------------------------------------


class Few(NamedTuple):
    """Two orbitals on a ring in Fock space, and what they scatter from; hbar = 1, 4 modes."""

    k: Array  # (m,)
    energies: Array  # (m,)
    volume: float
    sites: Array  # position of label n, (n,)
    sigma: ComplexArray  # <s_2|sigma^v|s_3> of label n, (n, m, m)
    V: ComplexArray  # <2|V^n|3>, (n, m, m)
    L: ComplexArray  # L_n on the moments' space
    moments: ComplexArray  # H_m
    f: ComplexArray  # annihilators (m, 16, 16)
    many: ComplexArray  # V^n on Fock space
    times: Array  # tau
    weights: Array
    memory: Array
    after: ComplexArray  # D_{n1 n2}(+tau), (t, n, n)
    before: ComplexArray  # D_{n1 n2}(-tau)
    plus: ComplexArray  # D+_{n1 n2}(e_6 - e_5), (n, n, 5, 6)
    minus: ComplexArray  # D-_{n1 n2}(e_5 - e_6), (n, n, 5, 6)


def on_fock_space(matrix: ComplexArray, f: ComplexArray) -> ComplexArray:
    """sum_ab A_ab f_a^+ f_b."""
    return np.asarray(np.einsum("ab,aji,bjk->ik", matrix, f.conj(), f))


@cache
def few_electrons(moments: int = 2) -> Few:
    """Electrons that meet two moments, coupled to each other, or one.

    The moments' memory is cut by a Gaussian, so that the integrals over time converge.
    """
    grid, spacing, momenta = 7, 0.9, [1, 2]
    sites = np.repeat([2, 5][:moments], 3)
    waves = dft(grid)[momenta].conj() / np.sqrt(grid)  # exp(+i k r) / sqrt(grid)
    volume = grid * spacing
    spin = spin_matrices(0.5)
    single = [np.kron(s, np.eye(2)) for s in spin], [np.kron(np.eye(2), s) for s in spin]
    if moments == 1:
        operators, energy = list(spin), 1.3 * spin[2]
    else:
        operators = [*single[0], *single[1]]
        energy = 1.3 * single[0][2] + 0.9 * single[1][2]
        energy = energy - 0.8 * sum(a @ b for a, b in zip(*single, strict=True))
        # with different fields and a chiral bond no symmetry exchanges the two
        energy = energy + 0.5 * (single[0][0] @ single[1][1] - single[0][1] @ single[1][0])
    exchange = np.array([3.0, 2.0, 4.0, 2.5, 1.0, 3.0])[: 3 * moments, None, None]
    strength = 0.5 * exchange * np.stack(operators)
    # delta(r - r_i) is 1 / spacing at one point of the grid
    orbital = [np.outer(waves[:, s].conj(), waves[:, s]) / spacing for s in sites]
    pauli = np.tile(PAULI, (moments, 1, 1))
    v = np.stack([np.kron(o, p) for o, p in zip(orbital, pauli, strict=True)])
    energies = np.array([-0.4, -0.2, 0.5, 0.7])
    f = np.stack([qutip.fdestroy(4, a).full() for a in range(4)])
    times, weights = time_nodes(9.0, 64)
    memory = np.exp(-0.5 * times**2)
    bath = thermal(energy)
    moved = np.stack([[turned(energy, a, t) for a in strength] for t in times])
    after = np.einsum("tnij,mjk,ki,t->tnm", moved, strength, bath, memory)
    before = np.einsum("nij,tmjk,ki,t->tnm", strength, moved, bath, memory)
    lost = energies[None, :] - energies[:, None]
    waves_in_time = weights[:, None, None] * np.exp(1j * times[:, None, None] * lost)
    return Few(
        k=2 * np.pi * np.repeat(momenta, 2) / volume,
        energies=energies,
        volume=volume,
        sites=spacing * sites,
        sigma=np.stack([np.kron(np.ones((2, 2)), p) for p in pauli]),
        V=v,
        L=strength,
        moments=energy,
        f=f,
        many=np.stack([on_fock_space(a, f) for a in v]),
        times=times,
        weights=weights,
        memory=memory,
        after=after,
        before=before,
        plus=np.einsum("tnm,tab->nmab", after, waves_in_time),
        minus=np.einsum("tnm,tab->nmab", before, waves_in_time),
    )


class Scattered(NamedTuple):
    """One-body rate of change of a many-body state, and its shares, each (m, m)."""

    total: ComplexArray
    early: ComplexArray  # with the earlier coupling behind the state: emission, (A12)
    late: ComplexArray  # in front of it, (A13)


def density(few: Few, operator: ComplexArray) -> ComplexArray:
    """Tr[f_1^+ f_2 O] as an array (2, 1)."""
    return np.asarray(np.einsum("aji,bjk,ki->ba", few.f.conj(), few.f, operator))


def scattered(few: Few, state: ComplexArray) -> tuple[ComplexArray, Scattered]:
    """Collision integral of a state by the double commutator on electrons (x) moments.

    -int_0^inf dtau Tr_m [[state (x) rho_m, V(-tau)], V] with the memory in V(-tau): the moments are
    in the space, and no correlator is needed. J(state) of Eq. (15) on Fock space (16, 16), and that
    of its one-body density matrix.
    """
    fock_size, moment_size = len(state), len(few.moments)
    coupling = -sum(np.kron(a, b) for a, b in zip(few.many, few.L, strict=True))
    electron = on_fock_space(np.diag(few.energies), few.f)
    free = np.kron(electron, np.eye(moment_size)) + np.kron(np.eye(fock_size), few.moments)
    energies, basis = np.linalg.eigh(free)
    inside = basis.conj().T @ coupling @ basis
    bohr = energies[:, None] - energies
    memory = np.einsum(
        "t,tab->ab", few.weights * few.memory, np.exp(-1j * bohr * few.times[:, None, None])
    )
    earlier = basis @ (memory * inside) @ basis.conj().T
    joint = np.kron(state, thermal(few.moments))
    early = trace_second(-commutator(joint @ earlier, coupling), fock_size)
    late = trace_second(commutator(earlier @ joint, coupling), fock_size)
    parts = density(few, early), density(few, late)
    return early + late, Scattered(parts[0] + parts[1], *parts)


@cache
def many_body_state() -> ComplexArray:
    """Any state of the two orbitals."""
    return mixed_state(16, 5)


@cache
def filling() -> ComplexArray:
    """A one-body density matrix without symmetries, eigenvalues from 0.15 to 0.85."""
    basis = np.linalg.eigh(hermitian(4, 6))[1]
    return np.asarray((basis * [0.15, 0.4, 0.6, 0.85]) @ basis.conj().T)


def gaussian(rho: ComplexArray) -> ComplexArray:
    """Free electrons with a given one-body density matrix."""
    return np.asarray(fock.gaussian_state(rho).full())


def as_state(matrix: ComplexArray) -> qutip.Qobj:
    """A matrix on the Fock space of two orbitals as QuTiP's operator."""
    return qutip.Qobj(matrix, dims=[[2] * 4] * 2)


def engine(few: Few) -> scattering.Scattering:
    """The same electrons and moments for `openmr.scattering` and `fock`, D+ by quadrature."""

    def transform(w: Array) -> ComplexArray:
        waves = few.weights * np.exp(1j * np.asarray(w)[..., None] * few.times)
        return np.asarray(np.einsum("...t,tnm->...nm", waves, few.after))

    return scattering.Scattering(few.energies, few.V, transform)


def without_mean_field(few: Few, rho: ComplexArray) -> Scattered:
    """Change of free electrons, less the disconnected term: the moments' answer to their spin.

    The answer of the moments is a number per coupling, Tr[V(-tau) rho], and acts through [V, rho].
    """
    _, whole = scattered(few, gaussian(rho))
    ahead = np.einsum("nmab,mab,ba->n", few.plus, few.V, rho)
    behind = np.einsum("mnab,mab,ba->n", few.minus, few.V, rho)
    early = sum(x * commutator(v, rho) for x, v in zip(behind, few.V, strict=True))
    late = -sum(x * commutator(v, rho) for x, v in zip(ahead, few.V, strict=True))
    return Scattered(whole.total - early - late, whole.early - early, whole.late - late)
