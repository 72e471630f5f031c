"""Levels of moments with a Hamiltonian of their own, many points at once.

    H = H_crystal + h.S,

with h in eV and in the axes of the crystal. Averages are sums over pairs of levels with weights
that are smooth functions of their energies, so degenerate levels need no grouping.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr._spins import spin_matrices
from openmr.moments.grid import blocks
from openmr.sample.crystal_field import static_response

_CACHE = 2**21
"""Bytes that the arrays of one block of points may take."""
_REUSED = 2**17
"""Bytes of one matrix a point, of which the C library reuses the memory."""


class Levels(NamedTuple):
    """Levels of one moment at points (...), d = 2S+1 of them, in ascending order.

    Attributes
    ----------
    ground : array (...), no unit
        Lowest energy over k_B T.
    energies : array (..., d), no unit
        Energies over k_B T above the lowest.
    populations : array (..., d), no unit
        Boltzmann weights with sum 1.
    spins : array (..., 3, d, d), no unit
        <m|S_a|n> between the levels.
    """

    ground: Array
    energies: Array
    populations: Array
    spins: ComplexArray

    @property
    def mean(self) -> Array:
        """<S_a>, shape (..., 3)."""
        each = np.diagonal(self.spins, axis1=-2, axis2=-1).real
        return np.asarray(np.einsum("...am,...m->...a", each, self.populations))

    def shifted(self, mean: Array) -> ComplexArray:
        """<m|S_a - mean_a|n>, shape of `spins`."""
        found = self.spins.copy()
        found[..., range(found.shape[-1]), range(found.shape[-1])] -= mean[..., None]
        return found

    @property
    def response(self) -> Array:
        """-d<S_a>/d(beta h_b), shape (..., 3, 3)."""
        return static_response(self.energies, self.populations, self.shifted(self.mean))

    @property
    def log_partition(self) -> Array:
        """Logarithm of the partition function, energies counted as in H, shape (...)."""
        return np.asarray(np.log(np.exp(-self.energies).sum(axis=-1)) - self.ground)


class AxialLevels(NamedTuple):
    """Levels of a moment whose Hamiltonian commutes with S_par; m = S ... -S along b.

    Attributes
    ----------
    m : array (d,), no unit
        S_par of each level.
    populations : array (..., d), no unit
    gaps : array (..., d-1), no unit
        Energy over k_B T that S_+ costs, from m - 1 to m, for m = S ... 1-S.
    """

    m: Array
    populations: Array
    gaps: Array

    @property
    def mean_spin(self) -> Array:
        """<S_par>, shape (...)."""
        return np.asarray(self.populations @ self.m)

    @property
    def second_moment(self) -> Array:
        """<S_par^2>, shape (...)."""
        return np.asarray(self.populations @ self.m**2)

    @property
    def variance(self) -> Array:
        """<S_par^2> - <S_par>^2, shape (...)."""
        return np.asarray((self.populations * (self.m - self.mean_spin[..., None]) ** 2).sum(-1))

    @property
    def raised(self) -> Array:
        """p_{m-1} |<m|S_+|m-1>|^2 of each line, whose sum is <S_- S_+>, shape (..., d-1)."""
        return np.asarray(self.populations[..., 1:] * self._strength)

    @property
    def lowered(self) -> Array:
        """p_m |<m-1|S_-|m>|^2 of each line, whose sum is <S_+ S_->, shape (..., d-1)."""
        return np.asarray(self.populations[..., :-1] * self._strength)

    @property
    def _strength(self) -> Array:
        spin, m = self.m[0], self.m[:-1]
        return np.asarray((spin + m) * (spin - m + 1))


@np.errstate(under="ignore")
def axial_levels(energies: Array, m: Array) -> AxialLevels:
    """Populations and gaps from the energies over k_B T of the levels m.

    Parameters
    ----------
    energies : array (..., d), no unit
    m : array (d,), no unit

    Returns
    -------
    AxialLevels
        At the same points.
    """
    weights = np.exp(energies.min(axis=-1, keepdims=True) - energies)
    weights /= weights.sum(axis=-1, keepdims=True)
    return AxialLevels(m, weights, energies[..., :-1] - energies[..., 1:])


class Averages(NamedTuple):
    """Averages in the Gibbs state of H + h.S at points (p,), in the axes of the crystal.

    Attributes
    ----------
    mean : array (p, 3), no unit
        <S_a>.
    response : array (p, 3, 3), no unit
        -d<S_a>/d(beta h_b).
    ground, log_partition : array (p,), no unit
        Lowest energy over k_B T, and the logarithm of the partition function.
    entropy : array (p,), k_B
    """

    mean: Array
    response: Array
    ground: Array
    log_partition: Array
    entropy: Array


def averages(hamiltonian: ComplexArray, spin: float, drive: Array, beta: Array) -> Averages:
    """Means, response and free energy of H + h.S, which is made real where the axes allow it.

    Parameters as of `levels`.

    Returns
    -------
    Averages
        Block by block.
    """
    points = len(beta)
    found = Averages(np.empty((points, 3)), np.empty((points, 3, 3)), *np.empty((3, points)))
    for block in blocks(points, max(16, _REUSED // (16 * len(hamiltonian) ** 2))):
        _put_averages(found, block, hamiltonian, spin, drive[block], beta[block])
    return found


def _put_averages(
    whole: Averages, block: slice, h: ComplexArray, spin: float, drive: Array, beta: Array
) -> None:
    axial = np.count_nonzero(h) == np.count_nonzero(np.diagonal(h))
    if axial:  # turned about the axis until h_y = 0
        angle = np.arctan2(drive[:, 1], drive[:, 0])
        back = np.zeros((len(drive), 3, 3))
        back[:, 0, 0] = back[:, 1, 1] = np.cos(angle)
        back[:, 1, 0] = np.sin(angle)
        back[:, 0, 1] = -back[:, 1, 0]
        back[:, 2, 2] = 1.0
        across = np.hypot(drive[:, 0], drive[:, 1])
        drive = np.stack([across, np.zeros_like(across), drive[:, 2]], axis=-1)
    found = levels(h, spin, drive, beta)
    mean = found.mean
    response = static_response(found.energies, found.populations, found.shifted(mean))
    if axial:
        mean = (back @ mean[..., None])[..., 0]
        response = back @ response @ np.swapaxes(back, -1, -2)
    logs = found.log_partition
    entropy = logs + found.ground + (found.populations * found.energies).sum(axis=-1)
    for old, new in zip(whole, (mean, response, found.ground, logs, entropy), strict=True):
        old[block] = new


def points_at_once(spin: float) -> int:
    """Points of a block whose matrices stay in the cache."""
    return max(16, int(_CACHE / (96 * (2 * spin + 1) ** 2)))


@np.errstate(under="ignore")  # weights of frozen levels go to 0
def levels(hamiltonian: ComplexArray, spin: float, drive: Array, beta: Array) -> Levels:
    """Levels of H + h.S at points (p,).

    Parameters
    ----------
    hamiltonian : complex array (2S+1, 2S+1), eV
        Without field, in the axes of the crystal, m = S ... -S.
    spin : float, no unit
    drive : array (p, 3), eV
        h, in the same axes.
    beta : array (p,), 1/eV

    Returns
    -------
    Levels
        `spins` in the same axes.
    """
    sx, sy, sz = spin_matrices(spin)
    real = not (np.iscomplexobj(hamiltonian) and hamiltonian.imag.any()) and not drive[:, 1].any()
    parts = (sx.real, sz.real) if real else (sx, sy, sz)
    along = drive[:, ::2] if real else drive
    total = np.tensordot(along, np.stack(parts), axes=1)
    total += hamiltonian.real if real else hamiltonian
    energies, states = np.linalg.eigh(total)
    x = (energies - energies[:, :1]) * beta[:, None]
    weights = np.exp(-x)
    weights /= weights.sum(axis=-1, keepdims=True)
    adjoint = np.swapaxes(states.conj(), -1, -2)
    m = np.diagonal(sz).real
    raised = np.diagonal(sx, offset=1).real * 2.0
    spins = np.empty((len(x), 3, *hamiltonian.shape), dtype=complex)
    spins[:, 2] = adjoint @ (m[:, None] * states)
    up = adjoint[:, :, :-1] @ (raised[:, None] * states[:, 1:])
    down = np.swapaxes(up.conj(), -1, -2)
    spins[:, 0] = 0.5 * (up + down)
    spins[:, 1] = -0.5j * (up - down)
    return Levels(energies[:, 0] * beta, x, weights, spins)


def means(hamiltonian: ComplexArray, spin: float, drive: Array, beta: Array) -> Array:
    """<S_a> in the axes of the crystal, shape (p, 3).

    Parameters as of `levels`.

    Returns
    -------
    array (p, 3), no unit
        Block by block.
    """
    found = np.empty((len(beta), 3))
    for block in blocks(len(beta), points_at_once(spin)):
        found[block] = levels(hamiltonian, spin, drive[block], beta[block]).mean
    return found
