"""Correlators of a moment with any levels, as an electron at the Fermi energy meets them.

With p_m the populations and x_m the energies over k_B T, the noise at the electron's frequency W is

    C_ab(W) = sum_mn p_m K(W - (x_n - x_m)) S_a^mn S_b^nm,   K(x) = x / (1 - exp(-x)).

At W = 0 its weights are symmetric, p_m K(x_m - x_n) = p_n K(x_n - x_m), and C is real.

A Fermi sea split by w takes more than C: in the two-by-two collision integral with the energies
integrated, the electron that comes and the one that goes each have a Fermi function of their own.
To first order in a tilt t = x, y of its spin, with D = x_n - x_m and z along the splitting,

    A_up = [K(-D) - K(w - D)] / 2,   A_down = [K(-w - D) - K(-D)] / 2,
    Z_da = pi sum_e,s,s' sigma_e^s's sum_mn p_m X_a^mn X_e^nm
               {A_s [sigma_t sigma_d]_ss' - A_not-s' [sigma_d sigma_t]_ss'},
    Gamma_ct = -(n nu / hbar w) sum_da eps_acd Im Z_da,

while spins along z relax as without splitting.
"""

from __future__ import annotations

import numpy as np

from openmr._checks import SMALLEST, Array, ComplexArray
from openmr._spins import LEVI_CIVITA
from openmr.bath.correlators import PAULI, electron_hole_spectrum, spectrum_slope
from openmr.moments.levels import Levels
from openmr.sample.crystal_field import weighted_products


def _gaps(found: Levels) -> Array:
    """x_m - x_n, shape (..., d, d)."""
    return np.asarray(found.energies[..., :, None] - found.energies[..., None, :])


def flip_weights(found: Levels) -> tuple[Array, float]:
    """Symmetric weights p_m K(x_m - x_n) (..., d, d), and the largest violation of symmetry.

    That is of detailed balance, p_m K(x_m - x_n) = p_n K(x_n - x_m), relative to the larger.
    """
    noise = electron_hole_spectrum(_gaps(found))
    p = found.populations
    up = p[..., :, None] * noise  # of the pair m, n
    down = np.swapaxes(up, -1, -2)
    off = np.abs(up - down) / np.maximum(np.maximum(up, down), SMALLEST)
    return 0.5 * (up + down), float(off.max(initial=0.0))


def level_noise(found: Levels, *, connected: bool = False) -> tuple[Array, float]:
    """C_ab (..., 3, 3) at W = 0, symmetric and positive, and the violation of `flip_weights`.

    `connected`: of S - <S>, as on a perfect lattice.
    """
    weights, off = flip_weights(found)
    spins = found.shifted(found.mean) if connected else found.spins
    return weighted_products(weights, spins), off


def level_noise_at(found: Levels, frequency: Array, *, connected: bool = False) -> ComplexArray:
    """C_ab(W) (..., 3, 3) at W = beta hbar omega, energy that the electron loses.

    Hermitian and positive semidefinite; `connected` as of `level_noise`.
    """
    noise = electron_hole_spectrum(_gaps(found) + frequency[..., None, None])
    weights = found.populations[..., :, None] * noise
    spins = found.shifted(found.mean) if connected else found.spins
    amplitudes = np.sqrt(weights)[..., None, :, :] * spins
    rows = amplitudes.reshape(*amplitudes.shape[:-2], -1)
    return np.asarray(rows @ np.swapaxes(rows.conj(), -1, -2))


_NEAR = 3e-5
"""Splitting below which a quotient of differences is the slope between."""


def _tilts() -> ComplexArray:
    """Coefficients of Gamma_ct in sum_mn p_m A_s X_a^mn X_e^nm, shape (t, c, a, e, s)."""
    found = np.zeros((2, 3, 3, 3, 2), dtype=complex)
    for t, d, e, i, j in np.ndindex(2, 3, 3, 2, 2):
        forth, back = PAULI[t] @ PAULI[d], PAULI[d] @ PAULI[t]
        turned = np.pi * PAULI[e][j, i] * LEVI_CIVITA[:, :, d].T  # (c, a) of eps_acd
        found[t, :, :, e, i] += turned * forth[i, j]
        found[t, :, :, e, 1 - j] -= turned * back[i, j]
    return found


_TILTS = _tilts()


def split_fermi_sea(
    found: Levels, coupling: Array, splitting: Array, *, connected: bool = False
) -> Array:
    """Relaxation tensor of electrons of any splitting over n nu / hbar, (..., 3, 3) [(eV m^3)^2].

    Of J_ab (..., 3, 3) [eV m^3] between sigma_a, in axes with z along the splitting, and S_b, and
    of w = beta hbar omega (...), signed. Symmetric for levels along the splitting, for others not.
    """
    spins = found.shifted(found.mean) if connected else found.spins
    x = np.asarray(np.einsum("...ab,...bmn->...amn", coupling, spins))
    gap, w = -_gaps(found), np.asarray(splitting)[..., None, None]
    noise = electron_hole_spectrum(-gap)
    near = np.abs(w) < _NEAR
    safe = np.where(near, 1.0, w)
    ratios = []
    for sign in (1.0, -1.0):  # [K(-D) - K(+-w - D)] / w, of which A_down has the other sign
        apart = (noise - electron_hole_spectrum(sign * w - gap)) / safe
        ratios.append(np.where(near, -sign * spectrum_slope(0.5 * sign * w - gap), apart))
    p = found.populations[..., :, None]
    pairs = [
        np.einsum("...mn,...amn,...enm->...ae", weight, x, x)
        for weight in (0.5 * p * ratios[0], -0.5 * p * ratios[1], np.pi * p * noise)
    ]
    still = pairs[2].real
    tensor = np.trace(still, axis1=-2, axis2=-1)[..., None, None] * np.eye(3) - still
    across = np.einsum("tcaes,s...ae->...ct", _TILTS, np.stack(pairs[:2]))
    tensor[..., :2] = -across.imag
    return np.asarray(tensor)
