"""One moment in its crystal: spin matrices, Stevens operators, Hamiltonian, static response.

    H = D S_z^2 + E (S_x^2 - S_y^2) + sum_kq B_kq O_kq(S) + H',

in the axes of the crystal and the basis m = S ... -S. The Stevens operators follow from
commutators: T_k^k = S_+^k, T^{q-1} = [S_-, T^q], with a_k = 1, a_{q-1} = -(k + q) a_q,

    O_k^0 = c_k0 T^0 / a_0,
    O_k^q = c_kq (T^q + h.c.) / 2 a_q,   O_k^-q = c_kq (T^q - h.c.) / 2i a_q.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr._spins import spin_matrices

STEVENS_FACTORS = {2: (3, 1, 1), 4: (35, 7, 7, 1, 1), 6: (231, 33, 33, 11, 11, 1, 1)}
"""Rank k -> c_kq for q = 0 ... k."""
Elements = tuple[tuple[complex, ...], ...]


def stevens_operator(spin: float, k: int, q: int) -> ComplexArray:
    """O_k^q of a moment, Hermitian, shape (2S+1, 2S+1); k = 2, 4, 6 up to 2S, q from -k to k."""
    sx, sy, _ = spin_matrices(spin)
    lowering = sx - 1j * sy
    tensor, factor = np.linalg.matrix_power(sx + 1j * sy, k), 1.0
    for order in range(k, abs(q), -1):
        tensor, factor = lowering @ tensor - tensor @ lowering, -(k + order) * factor
    tensor = tensor * (STEVENS_FACTORS[k][abs(q)] / factor)
    if q == 0:
        return np.asarray(tensor)
    adjoint = tensor.conj().T
    return np.asarray(0.5 * (tensor + adjoint) if q > 0 else -0.5j * (tensor - adjoint))


@cache
def crystal_hamiltonian(
    spin: float,
    anisotropy: tuple[float, float] | None = None,
    stevens: tuple[tuple[tuple[int, int], float], ...] | None = None,
    hamiltonian: Elements | None = None,
) -> ComplexArray:
    """H of a moment without field, in the axes of the crystal, shape (2S+1, 2S+1) [eV].

    Of (D, E), pairs ((k, q), B_kq) and the rows of H' less the constant of its trace [eV].
    Hermitian to the last digit; it may not be written to.
    """
    sx, sy, sz = spin_matrices(spin)
    size = len(sz)
    total = np.zeros((size, size), dtype=complex)
    if anisotropy is not None:
        total += anisotropy[0] * (sz @ sz) + anisotropy[1] * (sx @ sx - sy @ sy).real
    for (k, q), strength in stevens or ():
        total += strength * stevens_operator(spin, k, q)
    if hamiltonian is not None:
        given = np.array(hamiltonian)
        total += given - np.trace(given).real / size * np.eye(size)
    total = 0.5 * (total + total.conj().T)
    total.flags.writeable = False
    return np.asarray(total)


def second_rank(spin: float, hamiltonian: ComplexArray) -> Array:
    """Matrix q of the part sum_ab q_ab S_a S_b of a Hamiltonian, shape (3, 3) [eV].

    Parameters
    ----------
    spin : float, no unit
    hamiltonian : complex array (2S+1, 2S+1), eV

    Returns
    -------
    array (3, 3), eV
        Symmetric, its trace 0; all 0 of S = 1/2. What is left is of other rank.
    """
    spins, found = spin_matrices(spin), np.zeros((3, 3))
    if spin < 1:
        return found
    for a, b in np.ndindex(3, 3):
        product = 0.5 * (spins[a] @ spins[b] + spins[b] @ spins[a])
        found[a, b] = np.trace(product @ hamiltonian).real
    found -= np.trace(found) / 3 * np.eye(3)
    # over 2 Tr[(S_x S_y + S_y S_x)^2 / 4]
    square = spin * (spin + 1)
    return np.asarray(found * 30 / (square * (4 * square - 3) * (2 * spin + 1)))


def static_response(energies: Array, populations: Array, shifted: ComplexArray) -> Array:
    """Isothermal response -d<S_a>/dh_b of a moment to H + h.S, in 1/k_B T, shape (..., 3, 3).

        chi_ab = sum_mn L_mn S_a^mn S_b^nm - <S_a><S_b>,  L_mn = (p_m - p_n) / (x_n - x_m),

    where L_mn = p_m for equal energies x_m, p_m (..., d) over k_B T. `shifted` (..., 3, d, d) is
    <m|S_a - <S_a>|n>, so that nothing is subtracted from cold moments. Any basis of degenerate
    levels serves.
    """
    return weighted_products(static_weights(energies, populations), shifted)


def static_weights(energies: Array, populations: Array) -> Array:
    """L_mn = (p_m - p_n) / (x_n - x_m) of `static_response`, not negative, shape (..., d, d)."""
    gap = np.abs(energies[..., :, None] - energies[..., None, :])
    larger = np.maximum(populations[..., :, None], populations[..., None, :])
    same = gap == 0
    mean = np.where(same, 1.0, -np.expm1(-gap) / np.where(same, 1.0, gap))
    return np.asarray(larger * mean)


def weighted_products(weights: Array, operators: ComplexArray) -> Array:
    """Real part of sum_mn w_mn X_a^mn X_b^nm of Hermitian operators (..., a, d, d).

    For weights (..., d, d) that are symmetric and not negative it is a Gram matrix (..., a, a), so
    that none of its eigenvalues is negative beyond rounding.
    """
    amplitudes = np.sqrt(weights)[..., None, :, :] * operators
    rows = amplitudes.reshape(*amplitudes.shape[:-2], -1)
    if np.iscomplexobj(rows):
        rows = np.ascontiguousarray(rows).view(float)
    return np.asarray(rows @ np.swapaxes(rows, -1, -2))
