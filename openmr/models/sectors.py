"""The whole joint generator, back-action on the moments included, by its conserved blocks.

The coupling keeps the total S_z (Jx = Jy) or its parity, from the left and from the right, so the
generator falls into blocks; those of one shape go to LAPACK together (docs/theory/numerics.md).
Source: strong symmetries of a generator (BucaProsen2012).

Energies are in units of k_B T, hbar = 1; rates are in the unit of `noise`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from openmr import _checks
from openmr._checks import Array, ComplexArray, SizeError, renamed
from openmr.bath.correlators import PAULI, electron_hole_spectrum, spin_matrices
from openmr.moments.grid import blocks
from openmr.tables import Alike

_Indices = NDArray[np.intp]

MAX_DIMENSION = 2048
"""Largest joint space whose coupling, a dense matrix of 64 MiB, is split into sectors."""
_MAX_BLOCK = 2500
"""Largest block that is diagonalised: 95 MiB, and about a minute."""


@dataclass(frozen=True, slots=True, eq=False)
class JointSpectrum(Alike):
    """Eigenvalues of the generator on electron and moments.

    Attributes
    ----------
    eigenvalues : complex array (..., N^2)
        Sorted by real part, the slowest decay last; in the unit of `noise`.
    dimension : int
        N, of the joint space.
    largest_block : int
        Side of the largest block that was diagonalised, to compare with N^2.
    """

    eigenvalues: ComplexArray
    dimension: int
    largest_block: int


_RELATIVE = _checks.Range(-1e100, 1e100, "")


@renamed(splittings="reduced_splittings", electron="electron_splitting")
def joint_spectrum(
    spins: Sequence[float],
    reduced_splittings: ArrayLike,
    exchange: ArrayLike,
    *,
    noise: ArrayLike = 1.0,
    electron_splitting: ArrayLike = 0.0,
    unitary: float = 0.0,
    mean: ArrayLike = 0.0,
) -> JointSpectrum:
    """Every eigenvalue of the full Bloch-Redfield generator of an electron and its n moments.

    Parameters
    ----------
    spins : sequence of float, n of them
        S of each moment.
    reduced_splittings : array_like (..., n), no unit
        x = beta eps_L of each, at any number of points.
    exchange : array_like (n, 3)
        J_v of each, in any unit.
    noise : array_like (n,) or float, any unit
        G(0) that goes with `exchange`, of the bath of each moment: rate = noise * exchange^2.
    electron_splitting : array_like (...), no unit
        w = beta hbar omega_L of the electron, 0 to leave it out of the Bohr frequencies.
    unitary : float
        1/(beta hbar) in the unit of the rates adds -i [H, .]; 0 leaves the dissipator alone.
    mean : array_like (n,) or float, no unit
        Subtracted from S_z of each moment in the coupling, as on a perfect lattice.

    Returns
    -------
    JointSpectrum
        At every point.

    Raises
    ------
    ParameterError
        For shapes that do not fit, numbers that are not finite, and noise below 0.
    SizeError
        If a block would be too large, with the memory it would take.
    """
    given = _checks.sequence("spins", spins, "spins")
    spins = [_checks.half_integer("spins", spin) for spin in given]
    if not spins:
        raise _checks.ParameterError("`spins` must hold at least one spin, got none")
    _checks.joint_dimension("spins", spins, most=MAX_DIMENSION)
    unitary = _checks.number("unitary", unitary)
    x = _checks.finite_array("reduced_splittings", reduced_splittings)
    if x.ndim == 0 or x.shape[-1] != len(spins):
        raise _checks.ParameterError(
            f"`reduced_splittings` must have a last axis of length {len(spins)}, got {x.shape}"
        )
    strength = _per_moment("noise", noise, (len(spins),))
    if strength.min() < 0:
        raise _checks.ParameterError(f"`noise` must be >= 0, got {strength.min():g}")
    coupling = _couplings(
        spins,
        _per_moment("exchange", _RELATIVE.hold("exchange", exchange), (len(spins), 3)),
        strength,
        _per_moment("mean", mean, (len(spins),)),
    )
    sectors = _sectors(coupling)
    largest = max(sectors) ** 2
    if largest > _MAX_BLOCK:
        gibibytes = 16.0 * float(largest) ** 2 / 2**30
        raise SizeError(
            f"`spins` must leave blocks of at most {_MAX_BLOCK} elements on a side, got {largest} "
            f"({gibibytes:.3g} GiB); with Jx = Jy the blocks are smaller"
        )
    w = _checks.finite_array("electron_splitting", electron_splitting)
    w, _ = _checks.broadcast(electron_splitting=w, reduced_splittings=x[..., 0])
    x = np.broadcast_to(x, (*w.shape, len(spins)))
    energies = _energies(spins, x.reshape(-1, len(spins)), w.ravel())
    dimension = energies.shape[-1]
    eigenvalues = np.empty((len(energies), dimension**2), dtype=complex)
    # as many points at a time as their blocks take 32 MiB
    for points in blocks(len(energies), max(1, 2**21 // (largest * dimension**2))):
        found = list(_spectra(coupling, energies[points], sectors, unitary))
        eigenvalues[points] = np.sort(np.concatenate(found, axis=-1), axis=-1)
    return JointSpectrum(eigenvalues.reshape(*w.shape, dimension**2), dimension, largest)


def _per_moment(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    array = _checks.finite_array(name, value)
    if array.shape not in ((), shape):
        raise _checks.ParameterError(f"`{name}` must have shape {shape}, got {array.shape}")
    return np.asarray(np.broadcast_to(array, shape))


def _energies(spins: Sequence[float], x: Array, w: Array) -> Array:
    """Levels of H, diagonal in the product basis, shape (p, N)."""
    levels = 0.5 * w[:, None] * np.array([1.0, -1.0])
    for i, spin in enumerate(spins):
        own = x[:, i, None] * (spin - np.arange(round(2 * spin) + 1))
        levels = (levels[:, :, None] + own[:, None, :]).reshape(
            len(x), levels.shape[1] * own.shape[1]
        )
    return np.asarray(levels)


def _couplings(spins: Sequence[float], exchange: Array, noise: Array, mean: Array) -> Array:
    """A of each moment times the root of its noise, real, shape (n, N, N)."""
    sizes = [round(2 * spin) + 1 for spin in spins]
    stack = []
    for i, spin in enumerate(spins):
        operators = spin_matrices(spin)
        operators[2] -= mean[i] * np.eye(sizes[i])
        before, after = np.eye(int(np.prod(sizes[:i]))), np.eye(int(np.prod(sizes[i + 1 :])))
        terms = [
            j * np.kron(np.kron(np.kron(sigma, before), operator), after)
            for j, sigma, operator in zip(exchange[i], PAULI, operators, strict=True)
        ]
        stack.append(-0.5 * np.sqrt(noise[i]) * np.sum(terms, axis=0).real)  # sigma_y S_y is real
    return np.array(stack)


def _sectors(coupling: Array) -> dict[int, _Indices]:
    """States of the sectors that no coupling connects, by size: (sectors, size)."""
    labels = connected_components(np.any(coupling != 0, axis=0), directed=False)[1]
    members: dict[int, list[_Indices]] = {}
    for label in range(labels.max() + 1):
        states = np.flatnonzero(labels == label)
        members.setdefault(len(states), []).append(states)
    return {size: np.array(states) for size, states in members.items()}


def _spectra(
    coupling: Array, energies: Array, sectors: dict[int, _Indices], unitary: float
) -> Iterator[ComplexArray]:
    """Eigenvalues (p, .) of the blocks; that of (M', M) is the conjugate of that of (M, M')."""
    for size, rows in sectors.items():
        for other, columns in sectors.items():
            if other < size:
                continue
            most = max(1, 2**21 // (len(energies) * (size * other) ** 2))
            if size == other:
                for same in blocks(len(rows), most):
                    generators = _generators(coupling, energies, rows[same], rows[same], unitary)
                    yield _eigenvalues(_in_hermitian_matrices(generators))
                first, second = np.triu_indices(len(rows), 1)
            else:
                first, second = np.divmod(np.arange(len(rows) * len(columns)), len(columns))
            for pairs in blocks(len(first), most):
                left, right = rows[first[pairs]], columns[second[pairs]]
                found = _eigenvalues(_generators(coupling, energies, left, right, unitary))
                yield found
                yield found.conj()


def _generators(
    coupling: Array, energies: Array, rows: _Indices, columns: _Indices, unitary: float
) -> NDArray[Any]:
    """Rho -> -i [H, rho] + sum (Lambda rho A - A Lambda rho) + h.c. on (p, pairs, d d', d d')."""
    (a, dressed), (b, dressed_right) = (
        (own := coupling[:, s[:, :, None], s[:, None, :]], _dressed(own, energies[:, s]))
        for s in (rows, columns)
    )
    size, other = rows.shape[1], columns.shape[1]
    # n moment, p point, i pair, (m, q) row and (s, r) column of the result and of rho
    total = np.einsum("pnimq,nirs->pimsqr", dressed, b)
    total += np.einsum("nimq,pnisr->pimsqr", a, dressed_right)
    decay = np.einsum("nimk,pnikq->pimq", a, dressed)
    decay_right = np.einsum("pnikr,niks->pisr", dressed_right, b)
    for k in range(other):
        total[:, :, :, k, :, k] -= decay
    for k in range(size):
        total[:, :, k, :, k, :] -= decay_right
    total = total.reshape(*total.shape[:2], size * other, size * other)
    if unitary:
        gaps = energies[:, rows][..., :, None] - energies[:, columns][..., None, :]
        total = total.astype(complex)
        diagonal = np.einsum("...jj->...j", total)
        diagonal.imag -= unitary * gaps.reshape(*total.shape[:2], -1)
    return np.asarray(total)


def _in_hermitian_matrices(generators: NDArray[Any]) -> Array:
    """Real form of generators (..., d^2, d^2) within one sector: they keep rho Hermitian."""
    size = round(generators.shape[-1] ** 0.5)
    if not np.iscomplexobj(generators):
        return generators
    basis = np.zeros((size, size, size, size), dtype=complex)
    for i in range(size):
        basis[i, i, i, i] = 1.0
        for j in range(i):
            basis[i, j, i, j] = basis[j, i, i, j] = 0.5**0.5
            basis[i, j, j, i], basis[j, i, j, i] = 1j * 0.5**0.5, -1j * 0.5**0.5
    turn = basis.reshape(size**2, size**2)
    return np.asarray((turn.conj().T @ generators @ turn).real)


def _eigenvalues(matrices: NDArray[Any]) -> ComplexArray:
    """Eigenvalues (p, .) of matrices (p, pairs, n, n)."""
    found = np.linalg.eigvals(matrices).reshape(len(matrices), -1)
    return np.asarray(found, dtype=complex)


def _dressed(coupling: Array, energies: Array) -> Array:
    """Lambda = (1/2) A_mn K(E_n - E_m), shape (p, n, sectors, d, d)."""
    gaps = energies[..., None, :] - energies[..., :, None]
    return np.asarray(0.5 * coupling * electron_hole_spectrum(gaps)[:, None])
