"""Few orbitals in Fock space: the many-body collision integral and its pair correlations.

Eqs. (13), (15), (17) and (A1)-(A18). One-body matrices are plain arrays over the modes of
`scattering`, many-body operators are QuTiP's. Energies are in units of k_B T with hbar = 1.
Sources: JordanWigner1928, Gaudin1960.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj
from scipy import sparse
from scipy.optimize import brentq
from scipy.special import expit

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError, SizeError, square_matrix
from openmr._qutip import exact_arithmetic
from openmr.models.scattering import Scattering, adjoint, integrate, one_body_collision

_MAX_ORBITALS = 4
"""Largest Fock space that is built: 4 orbitals, dimension 256, 1 MiB per density matrix."""


def _modes(count: int) -> int:
    orbitals = count / 2
    if orbitals > _MAX_ORBITALS:
        gibibytes = 16.0 * 4.0**count / 2**30
        raise SizeError(
            f"`orbitals` must number at most {_MAX_ORBITALS}, got {orbitals:g} "
            f"(one many-body density matrix would take {gibibytes:.3g} GiB)"
        )
    return count


@lru_cache(maxsize=2 * _MAX_ORBITALS)
def annihilators(modes: int) -> tuple[Qobj, ...]:
    """f_a of every mode, by the Jordan-Wigner transformation."""
    _modes(modes)
    return tuple(qutip.fdestroy(modes, a) for a in range(modes))


def one_body(matrix: ArrayLike) -> Qobj:
    """sum_ab A_ab f_a^+ f_b of a one-body matrix A (m, m).

    Parameters
    ----------
    matrix : array_like (m, m), any unit

    Returns
    -------
    Qobj, unit of the matrix
        On the Fock space of m modes.
    """
    matrix = square_matrix("matrix", matrix)
    f = annihilators(len(matrix))
    with exact_arithmetic():
        total = 0 * f[0]
        for a, b in np.argwhere(matrix):
            total = total + matrix[a, b] * (f[a].dag() * f[b])
    return total


def _products(left: Sequence[Qobj], right: Sequence[Qobj]) -> sparse.csr_matrix:
    """Every left_a right_b as one sparse row of length dimension^2."""
    rows = [(a * b).data_as("csr_matrix").reshape((1, -1)) for a in left for b in right]
    return sparse.csr_matrix(sparse.vstack(rows))


@lru_cache(maxsize=_MAX_ORBITALS)
def _hops(modes: int) -> sparse.csr_matrix:
    f = annihilators(modes)
    return _products([a.dag() for a in f], f)


def density(state: Qobj) -> ComplexArray:
    """One-body density matrix rho_{a2 a1} = Tr[f_a1^+ f_a2 state], Eq. (17), (m, m).

    Parameters
    ----------
    state : Qobj
        On the Fock space of m modes.

    Returns
    -------
    complex array (m, m), no unit
        Its trace is the number of electrons.
    """
    modes = _mode_count(state)
    traces = _hops(modes) @ state.full().T.ravel()
    return np.asarray(traces.reshape(modes, modes).T)


def _mode_count(state: Qobj) -> int:
    if not isinstance(state, Qobj):
        raise ParameterError(f"`state` must be a qutip.Qobj, got {_checks.shown(state)}")
    dims = state.dims[0]
    if dims != [2] * len(dims) or len(dims) % 2 or not state.isoper:
        raise ParameterError(
            f"`state` must be an operator on an even number of modes, got dims {state.dims}"
        )
    return _modes(len(dims))


def pairs(state: Qobj) -> ComplexArray:
    """R = Tr[f_1^+ f_2 f_3^+ f_4 state], Eq. (A14), axes (1, 2, 3, 4) in this order.

    Parameters
    ----------
    state : Qobj
        On the Fock space of m modes.

    Returns
    -------
    complex array (m, m, m, m), no unit
        R, axes (1, 2, 3, 4).
    """
    hops = _hops(_mode_count(state))
    return _averages(hops, hops, state)


def _averages(first: sparse.csr_matrix, then: sparse.csr_matrix, state: Qobj) -> ComplexArray:
    """Tr[A B state] for every A of the first and B of the other products, four axes."""
    matrix, size = state.full(), state.shape[0]
    # Tr[A B rho] = sum_ij (A^T)_ji (B rho)_ji
    after = np.stack([(row.reshape((size, size)) @ matrix).T.ravel() for row in then])
    return np.asarray((first @ after.T).reshape((_modes(len(state.dims[0])),) * 4))


def ordered_pairs(state: Qobj) -> ComplexArray:
    """Normal-ordered Tr[f_1^+ f_3^+ f_2 f_4 state] of Eq. (A15), axes (1, 2, 3, 4).

    Parameters and returns as of `pairs`.
    """
    f = annihilators(_mode_count(state))
    created, removed = _products([a.dag() for a in f], [a.dag() for a in f]), _products(f, f)
    return _averages(created, removed, state).transpose(0, 2, 1, 3)


def blocked_pairs(rho: ComplexArray) -> ComplexArray:
    """(1 - rho)_{2 3} rho_{4 1}, Eq. (A17): what the one-body collision integral keeps.

    Parameters
    ----------
    rho : complex array (m, m), no unit
        One-body density matrix.

    Returns
    -------
    complex array (m, m, m, m), no unit
        Axes (1, 2, 3, 4).
    """
    return np.asarray(np.einsum("bc,da->abcd", np.eye(len(rho)) - rho, rho))


def disconnected_pairs(rho: ComplexArray) -> ComplexArray:
    """rho_{2 1} rho_{4 3}: what Eq. (A17) leaves out of Eq. (A16).

    Parameters and returns as of `blocked_pairs`.
    """
    return np.asarray(np.einsum("ba,dc->abcd", rho, rho))


def connected_pairs(state: Qobj) -> ComplexArray:
    """R minus its value on the Gaussian state of the same density: 0 if Wick's theorem holds.

    Parameters and returns as of `pairs`.
    """
    rho = density(state)
    return np.asarray(pairs(state) - blocked_pairs(rho) - disconnected_pairs(rho))


def gaussian_state(rho: ArrayLike) -> Qobj:
    """Quasi-free state of a one-body density matrix with eigenvalues in [0, 1].

    Parameters
    ----------
    rho : array_like (m, m), no unit
        One-body density matrix.

    Returns
    -------
    Qobj
        Density matrix on the Fock space of m modes.

    Raises
    ------
    ParameterError
        For a matrix that is not Hermitian, or has eigenvalues outside [0, 1].
    """
    rho = square_matrix("rho", rho)
    _modes(len(rho))
    occupations, orbitals = np.linalg.eigh(rho)
    if not np.allclose(rho, rho.conj().T, rtol=0, atol=1e-12) or np.any(
        np.abs(occupations - 0.5) > 0.5 + 1e-12
    ):
        raise ParameterError(
            "`rho` must be Hermitian with eigenvalues from 0 to 1, "
            f"got {occupations.min():.3g} ... {occupations.max():.3g}"
        )
    with exact_arithmetic():
        state = qutip.qeye([2] * len(rho))
        for n, u in zip(occupations, orbitals.T, strict=True):
            number = one_body(np.outer(u, u.conj()))
            state = state * ((1 - n) + (2 * n - 1) * number)
    return state


def fixed_number(state: Qobj, particles: int) -> Qobj:
    """`state` projected on one particle number and normalised.

    Other parameters as of `density`.

    Parameters
    ----------
    particles : int
        From 0 to m.

    Returns
    -------
    Qobj
        Of trace 1.

    Raises
    ------
    ParameterError
        For a number that the state does not hold.
    """
    modes = _mode_count(state)
    number = np.rint(one_body(np.eye(modes)).diag().real)
    keep = qutip.qdiags((number == particles).astype(float), 0, dims=state.dims)
    with exact_arithmetic():
        kept = keep * state * keep
        weight = float(kept.tr().real)
        if not weight > 0:
            raise ParameterError(
                f"`particles` must be a number that the state contains, got {particles!r}"
            )
        return kept / weight


_MOST_PAIRED = 8192


def canonical_pairs(energies: ArrayLike, particles: int) -> tuple[Array, Array]:
    """Occupations <n_a> and pairs <n_a n_b> of free electrons at fixed number, any m.

    Parameters
    ----------
    energies : array_like (m,), k_B T
    particles : int
        From 1 to m - 1.

    Returns
    -------
    occupations : array (m,), no unit
        <n_a>.
    pairs : array (m, m), no unit
        <n_a n_b>.

    Raises
    ------
    ParameterError
        For a number out of its range.

    Notes
    -----
    The projection on a number is an average of Gaussian weights over m + 1 phases, exact.
    """
    e = _checks.finite_array("energies", energies, "k_B T")
    if e.ndim != 1:
        raise ParameterError(f"`energies` must be one row of numbers, got shape {e.shape}")
    if e.size > _MOST_PAIRED:
        raise SizeError(
            f"`energies` must be at most {_MOST_PAIRED}, got {e.size} (their pairs and phases "
            f"would take {64 * e.size**2 / 2**30:.3g} GiB)"
        )
    particles = _checks.integer("particles", particles, least=1, most=e.size - 1)
    # the chemical potential keeps the phases' sum free of cancellation
    mu = brentq(lambda mu: expit(mu - e).sum() - particles, e.min() - 50.0, e.max() + 50.0)
    # a quarter step keeps clear of exp(i phase) = -1, where an occupation has its pole
    phases = 2 * np.pi * (np.arange(e.size + 1) + 0.25) / (e.size + 1)
    lifted = np.exp(-np.maximum(e - mu, -700.0)[None, :] + 1j * phases[:, None])
    logs = np.log1p(lifted).sum(axis=1) - 1j * particles * phases
    weight = np.exp(logs - logs.real.max())
    weight = weight / weight.sum()
    n = lifted / (1.0 + lifted)
    both = np.einsum("p,pa,pb->ab", weight, n, n).real
    one = (weight @ n).real
    np.fill_diagonal(both, one)
    return one, both


def collision(state: Qobj, scattering: Scattering) -> Qobj:
    """Many-body collision integral J(state), Eq. (15), with every trace over Fock space exact.

    Parameters as of `density`.

    Returns
    -------
    Qobj, k_B T / hbar
        Rate of change of the state.
    """
    _same_modes(_mode_count(state), scattering)
    return Qobj(_collide(_operators(scattering), state.full()), dims=state.dims)


def _collide(
    operators: list[tuple[sparse.csr_matrix, sparse.csr_matrix]], rho: ComplexArray
) -> ComplexArray:
    changed = np.zeros_like(rho)
    for probe, dressed in operators:
        after = dressed @ rho  # D+ V(-t) rho; D- rho V(-t) is its adjoint
        difference = after.conj().T - after
        changed += probe @ difference - difference @ probe
    return changed


def _same_modes(modes: int, scattering: Scattering) -> None:
    if modes != len(scattering.energies):
        raise ParameterError(
            f"`state` must have the {len(scattering.energies)} modes of `scattering`, got {modes}"
        )


def _operators(scattering: Scattering) -> list[tuple[sparse.csr_matrix, sparse.csr_matrix]]:
    """V^n1 and its partner sum_n2 D+_{n1 n2} V^n2 on Fock space."""
    return [
        (one_body(v).data_as("csr_matrix"), one_body(d).data_as("csr_matrix"))
        for v, d in zip(scattering.couplings, scattering.dressed, strict=True)
    ]


def collision_integral(correlation: ComplexArray, scattering: Scattering) -> ComplexArray:
    """J_{a2 a1} from any pair correlation R, Eqs. (A11)-(A13); linear in R.

    With `pairs` it is exact; with `blocked_pairs` it is Eq. (21); `disconnected_pairs` and
    `connected_pairs` isolate what Eq. (21) leaves out.

    Parameters
    ----------
    correlation : complex array (m, m, m, m), no unit
        R, axes (1, 2, 3, 4).

    Returns
    -------
    complex array (m, m), k_B T / hbar
        Rate of change of the one-body density matrix.
    """
    v, plus = scattering.couplings, scattering.dressed
    minus = adjoint(plus)
    early = np.einsum("nef,efac->nac", minus, correlation)  # R^{5 1}_{6 3} and R^{5 3}_{6 2}
    late = np.einsum("nef,acef->nac", plus, correlation)  # R^{3 5}_{2 6} and R^{1 5}_{3 6}
    difference = early - late
    gain = np.einsum("nbc,nac->ba", v, difference)
    return np.asarray(gain - np.einsum("nca,ncb->ba", v, difference))


class CollisionParts(NamedTuple):
    """Exact one-body rate of change = one_body + disconnected + connected, each (m, m).

    Attributes
    ----------
    exact : complex array (m, m), k_B T / hbar
        From the traces over Fock space.
    one_body : complex array (m, m), k_B T / hbar
        Eq. (21).
    disconnected : complex array (m, m), k_B T / hbar
        The mean field that Eq. (A17) leaves out.
    connected : complex array (m, m), k_B T / hbar
        What Wick's theorem leaves out.
    """

    exact: ComplexArray
    one_body: ComplexArray
    disconnected: ComplexArray
    connected: ComplexArray


def collision_parts(state: Qobj, scattering: Scattering) -> CollisionParts:
    """The many-body collision integral of a state, split into what Eq. (21) keeps and drops.

    Parameters as of `density`.

    Returns
    -------
    CollisionParts
        `exact` from Eq. (15).
    """
    rho = density(state)
    return CollisionParts(
        exact=density(collision(state, scattering)),
        one_body=one_body_collision(rho, scattering),
        disconnected=collision_integral(disconnected_pairs(rho), scattering),
        connected=collision_integral(connected_pairs(state), scattering),
    )


def evolve_state(
    state: Qobj, scattering: Scattering, times: ArrayLike, *, rtol: float = 1e-8
) -> list[Qobj]:
    """Many-body master equation (13): states at the given times.

    Parameters
    ----------
    state : Qobj
        At times[0].
    times : array_like (t,), beta hbar
        Increasing.
    rtol : float, no unit
        Relative tolerance of the integration (DOP853).

    Returns
    -------
    list of Qobj
        One density matrix a time.
    """
    modes = _mode_count(state)
    _same_modes(modes, scattering)
    energy = one_body(np.diag(scattering.energies)).diag().real
    operators, bohr = _operators(scattering), energy[:, None] - energy[None, :]

    def rate(rho: ComplexArray) -> ComplexArray:
        return np.asarray(-1j * bohr * rho + _collide(operators, rho))

    return [Qobj(rho, dims=state.dims) for rho in integrate(rate, state.full(), times, rtol)]
