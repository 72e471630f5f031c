"""Few orbitals in Fock space: the many-body collision integral and its one-body form.

Eqs. (15), (17), (21) and (A1)-(A22). Modes are orbitals times spin, index 2 k + (0 up, 1 down);
their one-body matrices and the density matrix rho_{a2 a1} = Tr[f_a1^+ f_a2 rho] are plain arrays,
many-body operators are QuTiP's. Energies are in units of k_B T with hbar = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj
from scipy import sparse
from scipy.integrate import solve_ivp
from scipy.special import wofz

from openmr import _checks
from openmr._checks import Array, ConvergenceError, ParameterError, SizeError
from openmr._qutip import exact_arithmetic
from openmr.bath import ComplexArray, CorrelatorLines, spin_matrices

MAX_ORBITALS = 4
"""Largest Fock space that is built: 4 orbitals, dimension 256, 1 MiB per density matrix."""

Transform = Callable[[Array], ComplexArray]
"""D+(w) of Eq. (A9): frequencies (...) [k_B T] -> (..., n, n)."""


@dataclass(frozen=True, slots=True)
class Scattering:
    """What the electrons scatter from.

    Attributes
    ----------
    energies : array (m,), k_B T
        Of the modes.
    couplings : complex array (n, m, m)
        Hermitian <a|V^n|b>, Eq. (5), the strength J_n / 2 of Eq. (6) included.
    transform : callable
        D+_{n1 n2}(w), Eq. (A9), of Hermitian bath operators; D- of Eq. (A10) is then
        D-_{n2 n1}(w) = conj D+_{n1 n2}(w).
    """

    energies: Array
    couplings: ComplexArray
    transform: Transform

    def __post_init__(self) -> None:
        energies = _checks.finite_array("energies", self.energies, "k_B T")
        couplings = np.asarray(self.couplings, dtype=complex)
        modes = energies.size
        if energies.ndim != 1 or couplings.ndim != 3 or couplings.shape[1:] != (modes, modes):
            raise ParameterError(
                f"`couplings` must have shape (n, m, m) for `energies` (m,), "
                f"got {couplings.shape} and {energies.shape}"
            )
        if not np.allclose(couplings, _adjoint(couplings), rtol=0, atol=1e-12):
            raise ParameterError("`couplings` must hold Hermitian matrices, got one that is not")
        count = len(couplings)
        shape = np.shape(self.transform(np.zeros(1)))
        if shape != (1, count, count):
            raise ParameterError(
                f"`transform` must return shape (..., {count}, {count}), got {shape} for one w"
            )
        object.__setattr__(self, "energies", energies)
        object.__setattr__(self, "couplings", couplings)

    @property
    def dressed(self) -> ComplexArray:
        """sum_n2 D+_{n1 n2}(w_5 -> 6) <5|V^n2|6> with w = e_6 - e_5, Eq. (A8), (n, m, m)."""
        lost = self.energies[None, :] - self.energies[:, None]
        return np.asarray(np.einsum("abij,jab->iab", self.transform(lost), self.couplings))


def _adjoint(matrices: ComplexArray) -> ComplexArray:
    return np.asarray(np.swapaxes(matrices, -1, -2).conj())


def plane_waves(
    wavenumbers: ArrayLike, position: float = 0.0, exchange: ArrayLike = 1.0
) -> ComplexArray:
    """Couplings (J_v / 2) exp[-i(k - k') r] sigma_v of one moment at r, Eqs. (5), (6), (21).

    Parameters
    ----------
    wavenumbers : array_like (orbitals,), 1/length
    position : float, length
    exchange : array_like (3,) or float, k_B T
        J_v over the normalisation volume.

    Returns
    -------
    complex array (3, modes, modes)
    """
    k = _checks.finite_array("wavenumbers", wavenumbers)
    strength = np.broadcast_to(_checks.finite_array("exchange", exchange), (3,))
    orbital = np.exp(-1j * (k[:, None] - k[None, :]) * _checks.number("position", position))
    spin = strength[:, None, None] * spin_matrices(0.5)  # (J/2) sigma
    return np.stack([np.kron(orbital, s) for s in spin])


def thermal_transform(lines: CorrelatorLines, *, width: float = 1.0) -> Transform:
    """D+(w) of a moment whose lines are broadened without leaving thermal equilibrium.

    Parameters
    ----------
    lines : CorrelatorLines
        From `bath.moment_correlator`.
    width : float, k_B T
        Standard deviation s of each line; 1 is a memory of beta hbar. The Markov step needs rates
        well below it; energies that scatter are compared within it.

    Returns
    -------
    callable

    Notes
    -----
    The correlator is multiplied by exp(-s^2 t^2 / 2 - i s^2 t / 2), the one Gaussian that obeys
    the KMS condition, so Eq. (48) holds exactly at every width. The half-sided integral is the
    Faddeeva function.
    """
    width = _checks.number("width", width, "k_B T", above=0.0)

    def transform(w: Array) -> ComplexArray:
        off = np.asarray(w, dtype=float)[..., None] - lines.frequencies - 0.5 * width**2
        half_sided = np.sqrt(np.pi / 2) / width * wofz(off / (np.sqrt(2) * width))
        return np.asarray(np.einsum("...l,lab->...ab", half_sided, lines.weights))

    return transform


def _modes(count: int) -> int:
    orbitals = count / 2
    if orbitals > MAX_ORBITALS:
        gibibytes = 16.0 * 4.0**count / 2**30
        raise SizeError(
            f"the number of orbitals must be <= {MAX_ORBITALS}, got {orbitals:g} "
            f"(one many-body density matrix would take {gibibytes:.3g} GiB)"
        )
    return count


@lru_cache(maxsize=2 * MAX_ORBITALS)
def annihilators(modes: int) -> tuple[Qobj, ...]:
    """f_a of every mode, by the Jordan-Wigner transformation."""
    _modes(modes)
    return tuple(qutip.fdestroy(modes, a) for a in range(modes))


def one_body(matrix: ArrayLike) -> Qobj:
    """sum_ab A_ab f_a^+ f_b of a one-body matrix A (m, m)."""
    matrix = np.asarray(matrix, dtype=complex)
    f = annihilators(len(matrix))
    with exact_arithmetic():
        total = 0 * f[0]
        for a, b in np.argwhere(matrix):
            total = total + matrix[a, b] * (f[a].dag() * f[b])
    return total


def _products(left: Sequence[Qobj], right: Sequence[Qobj]) -> sparse.csr_matrix:
    """Every left_a right_b as one sparse row of length dimension^2."""
    rows = [(a * b).data_as("csr_matrix").reshape((1, -1)) for a in left for b in right]
    return sparse.vstack(rows).tocsr()


@lru_cache(maxsize=MAX_ORBITALS)
def _hops(modes: int) -> sparse.csr_matrix:
    f = annihilators(modes)
    return _products([a.dag() for a in f], f)


def density(state: Qobj) -> ComplexArray:
    """One-body density matrix rho_{a2 a1} = Tr[f_a1^+ f_a2 state], Eq. (17), (m, m)."""
    modes = _mode_count(state)
    traces = _hops(modes) @ state.full().T.ravel()
    return np.asarray(traces.reshape(modes, modes).T)


def _mode_count(state: Qobj) -> int:
    dims = state.dims[0]
    if dims != [2] * len(dims) or len(dims) % 2 or not state.isoper:
        raise ParameterError(
            f"`state` must be an operator on an even number of modes, got dims {state.dims}"
        )
    return _modes(len(dims))


def pairs(state: Qobj) -> ComplexArray:
    """R = Tr[f_1^+ f_2 f_3^+ f_4 state], Eq. (A14), axes (1, 2, 3, 4) in this order."""
    modes = _mode_count(state)
    hops = _hops(modes)
    matrix, size = state.full(), state.shape[0]
    # Tr[A B rho] = sum_ij (A^T)_ji (B rho)_ji
    after = np.stack([(hops[i].reshape((size, size)) @ matrix).T.ravel() for i in range(modes**2)])
    return np.asarray((hops @ after.T).reshape((modes,) * 4))


def ordered_pairs(state: Qobj) -> ComplexArray:
    """Normal-ordered Tr[f_1^+ f_3^+ f_2 f_4 state] of Eq. (A15), axes (1, 2, 3, 4)."""
    modes = _mode_count(state)
    f = annihilators(modes)
    created, removed = _products([a.dag() for a in f], [a.dag() for a in f]), _products(f, f)
    matrix, size = state.full(), state.shape[0]
    after = np.stack([(removed[i].reshape((size, size)) @ matrix).T.ravel() for i in range(modes**2)])
    return np.asarray((created @ after.T).reshape((modes,) * 4).transpose(0, 2, 1, 3))


def blocked_pairs(rho: ComplexArray) -> ComplexArray:
    """(1 - rho)_{2 3} rho_{4 1}, Eq. (A17): what the one-body collision integral keeps."""
    return np.asarray(np.einsum("bc,da->abcd", np.eye(len(rho)) - rho, rho))


def disconnected_pairs(rho: ComplexArray) -> ComplexArray:
    """rho_{2 1} rho_{4 3}: what Eq. (A17) leaves out of Eq. (A16)."""
    return np.asarray(np.einsum("ba,dc->abcd", rho, rho))


def connected_pairs(state: Qobj) -> ComplexArray:
    """R minus its value on the Gaussian state of the same one-body density matrix."""
    rho = density(state)
    return np.asarray(pairs(state) - blocked_pairs(rho) - disconnected_pairs(rho))


def gaussian_state(rho: ArrayLike) -> Qobj:
    """Quasi-free state of a one-body density matrix with eigenvalues in [0, 1]."""
    rho = np.asarray(rho, dtype=complex)
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
    """`state` projected on one particle number and normalised."""
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


def canonical_pairs(energies: ArrayLike, particles: int) -> tuple[Array, Array]:
    """Occupations <n_a> and pairs <n_a n_b> of free electrons at fixed number, any m.

    Parameters
    ----------
    energies : array_like (m,), k_B T
    particles : int
        From 1 to m - 1.

    Returns
    -------
    array (m,), array (m, m)

    Notes
    -----
    The projection on a number is an average of Gaussian weights over m + 1 phases, exact.
    """
    e = _checks.finite_array("energies", energies, "k_B T")
    if not (isinstance(particles, int) and 0 < particles < e.size):
        raise ParameterError(f"`particles` must be an integer 1 ... {e.size - 1}, got {particles}")
    low, high = e.min() - 50.0, e.max() + 50.0
    for _ in range(60):  # the chemical potential keeps the phases' sum free of cancellation
        mu = 0.5 * (low + high)
        fewer = np.sum(0.5 - 0.5 * np.tanh(0.5 * (e - mu))) < particles
        low, high = (mu, high) if fewer else (low, mu)
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
    """Many-body collision integral J(state), Eq. (15), with every trace over Fock space exact."""
    modes = _mode_count(state)
    _same_modes(modes, scattering)
    matrix = state.full()
    changed = np.zeros_like(matrix)
    for probe, dressed in _operators(scattering):
        after = dressed @ matrix  # D+ V(-t) rho; D- rho V(-t) is its adjoint
        difference = after.conj().T - after
        changed += probe @ difference - difference @ probe
    return Qobj(changed, dims=state.dims)


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
    """
    v, plus = scattering.couplings, scattering.dressed
    minus = _adjoint(plus)
    early = np.einsum("nef,efac->nac", minus, correlation)  # R^{5 1}_{6 3} and R^{5 3}_{6 2}
    late = np.einsum("nef,acef->nac", plus, correlation)  # R^{3 5}_{2 6} and R^{1 5}_{3 6}
    difference = early - late
    gain = np.einsum("nbc,nac->ba", v, difference)
    return np.asarray(gain - np.einsum("nca,ncb->ba", v, difference))


def one_body_collision(rho: ComplexArray, scattering: Scattering) -> ComplexArray:
    """One-body collision integral with Pauli blocking, Eqs. (21), (A19), (A20).

    Notes
    -----
    sum_n [V^n, rho M^+ (1 - rho) - (1 - rho) M rho] with M = sum_n2 D+_{n n2} V^n2. Differs from
    Eq. (21) as printed by the bars: each term has one rho and one 1 - rho, as in Eq. (A22).
    """
    empty = np.eye(len(rho)) - rho
    scattered = empty @ scattering.dressed @ rho
    difference = _adjoint(scattered) - scattered
    v = scattering.couplings
    return np.asarray((v @ difference - difference @ v).sum(axis=0))


def mean_field(rho: ComplexArray, scattering: Scattering) -> ComplexArray:
    """Hermitian h whose -i[h, rho] is the disconnected term left out of Eq. (A17), (m, m).

    h = 2 sum_n V^n Im Tr[M^n rho]: the moments' response to the electrons' mean polarisation,
    acting back on the electrons. It moves phases and no populations.
    """
    response = np.einsum("nab,ba->n", scattering.dressed, rho).imag
    return np.asarray(2.0 * np.einsum("n,nab->ab", response, scattering.couplings))


def golden_rule(scattering: Scattering) -> Array:
    """Rates G[a, b] from mode b to mode a of Eq. (25): J_aa = sum_b G_ab p_b q_a - G_ba p_a q_b."""
    moved = np.einsum("nba,nab->ab", scattering.couplings, scattering.dressed)
    return np.asarray(2.0 * moved.real)


def evolve_state(
    state: Qobj, scattering: Scattering, times: ArrayLike, *, rtol: float = 1e-8
) -> list[Qobj]:
    """Many-body master equation (13): states at the given times.

    Parameters
    ----------
    state : Qobj
        At times[0].
    scattering : Scattering
    times : array_like (t,), beta hbar
        Increasing.
    rtol : float
        Relative tolerance of the integration (DOP853).
    """
    modes = _mode_count(state)
    _same_modes(modes, scattering)
    energy = one_body(np.diag(scattering.energies)).diag().real
    operators, bohr = _operators(scattering), energy[:, None] - energy[None, :]

    def rate(rho: ComplexArray) -> ComplexArray:
        total = -1j * bohr * rho
        for probe, dressed in operators:
            after = dressed @ rho
            difference = after.conj().T - after
            total = total + probe @ difference - difference @ probe
        return total

    return [Qobj(rho, dims=state.dims) for rho in _integrate(rate, state.full(), times, rtol)]


def evolve_density(
    rho: ComplexArray,
    scattering: Scattering,
    times: ArrayLike,
    *,
    disconnected: bool = False,
    rtol: float = 1e-8,
) -> ComplexArray:
    """One-body equation (18) with the collision integral (21): rho at the times, (t, m, m).

    Parameters
    ----------
    rho : complex array (m, m)
    scattering : Scattering
    times : array_like (t,), beta hbar
    disconnected : bool
        Add the mean field that Eq. (A17) leaves out.
    rtol : float
    """
    bohr = scattering.energies[:, None] - scattering.energies[None, :]

    def rate(now: ComplexArray) -> ComplexArray:
        total = -1j * bohr * now + one_body_collision(now, scattering)
        if disconnected:
            h = mean_field(now, scattering)
            total = total - 1j * (h @ now - now @ h)
        return np.asarray(total)

    return np.stack(_integrate(rate, np.asarray(rho, dtype=complex), times, rtol))


def _integrate(
    rate: Callable[[ComplexArray], ComplexArray],
    start: ComplexArray,
    times: ArrayLike,
    rtol: float,
) -> list[ComplexArray]:
    times = _checks.finite_array("times", times, "beta hbar")
    rtol = _checks.number("rtol", rtol, above=0.0)
    shape = start.shape
    found = solve_ivp(
        lambda _, y: rate(y.reshape(shape)).ravel(),
        (times[0], times[-1]),
        start.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=rtol,
        atol=1e-3 * rtol,
    )
    if not found.success:
        raise ConvergenceError(f"the integration did not converge: {found.message}")
    return [np.asarray(y.reshape(shape)) for y in found.y.T]
