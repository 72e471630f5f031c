"""Correlators of a moment with any levels, as an electron at the Fermi energy meets them.

With p_m the populations and x_m the energies over k_B T, the noise at the electron's frequency W is

    C_ab(W) = sum_mn p_m K(W - (x_n - x_m)) S_a^mn S_b^nm,   K(x) = x / (1 - exp(-x)).

At W = 0 its weights are symmetric, p_m K(x_m - x_n) = p_n K(x_n - x_m), and C is real.
"""

from __future__ import annotations

import numpy as np

from openmr._checks import SMALLEST, Array, ComplexArray
from openmr.bath.correlators import electron_hole_spectrum
from openmr.moments.levels import Levels
from openmr.sample.crystal_field import weighted_products


def _gaps(found: Levels) -> Array:
    """x_m - x_n, shape (..., d, d)."""
    return np.asarray(found.energies[..., :, None] - found.energies[..., None, :])


def flip_weights(found: Levels) -> tuple[Array, float]:
    """Symmetric weights p_m K(x_m - x_n), and the largest violation of detailed balance.

    Parameters
    ----------
    found : Levels

    Returns
    -------
    array (..., d, d), no unit
        From the smaller population of each pair, so that nothing overflows.
    float, no unit
        Of p_m K(x_m - x_n) = p_n K(x_n - x_m), relative to the larger.
    """
    noise = electron_hole_spectrum(_gaps(found))
    p = found.populations
    up = p[..., :, None] * noise  # of the pair m, n
    down = np.swapaxes(up, -1, -2)
    off = np.abs(up - down) / np.maximum(np.maximum(up, down), SMALLEST)
    return 0.5 * (up + down), float(off.max(initial=0.0))


def level_noise(found: Levels, *, connected: bool = False) -> tuple[Array, float]:
    """C_ab at W = 0, and the largest violation of detailed balance.

    Parameters
    ----------
    found : Levels
    connected : bool
        Of S - <S>, as on a perfect lattice.

    Returns
    -------
    array (..., 3, 3), no unit
        Symmetric and positive semidefinite.
    float, no unit
        As of `flip_weights`.
    """
    weights, off = flip_weights(found)
    spins = found.shifted(found.mean) if connected else found.spins
    return weighted_products(weights, spins), off


def level_noise_at(found: Levels, frequency: Array, *, connected: bool = False) -> ComplexArray:
    """C_ab(W) at the electron's frequency W = beta hbar omega, shape (..., 3, 3).

    Parameters
    ----------
    found : Levels
    frequency : array (...), no unit
        W; energy that the electron loses.
    connected : bool
        As of `level_noise`.

    Returns
    -------
    complex array (..., 3, 3), no unit
        Hermitian and positive semidefinite.
    """
    noise = electron_hole_spectrum(_gaps(found) + frequency[..., None, None])
    weights = found.populations[..., :, None] * noise
    spins = found.shifted(found.mean) if connected else found.spins
    amplitudes = np.sqrt(weights)[..., None, :, :] * spins
    rows = amplitudes.reshape(*amplitudes.shape[:-2], -1)
    return np.asarray(rows @ np.swapaxes(rows.conj(), -1, -2))
