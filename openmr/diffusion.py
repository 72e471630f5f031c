"""Spin diffusion across the film, Eqs. (77), (81), (B29): lengths and the current that survives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array
from openmr.levels import blocks
from openmr.rates import Relaxation
from openmr.sample import Film

ComplexArray = NDArray[np.complex128]


def longitudinal_length(film: Film, relaxation: Relaxation) -> Array:
    """l_par = sqrt(D tau_par) [m]."""
    return np.asarray(np.sqrt(film.diffusion * relaxation.tau_longitudinal))


def transverse_length(film: Film, relaxation: Relaxation) -> Array:
    """l_perp = sqrt(D tau_perp) [m]."""
    return np.asarray(np.sqrt(film.diffusion * relaxation.tau_transverse))


def transverse_decay(film: Film, relaxation: Relaxation) -> ComplexArray:
    """Lambda^-2 = l_perp^-2 + i l_L^-2 with l_L^-2 = omega_L / D, below Eq. (90) [m^-2]."""
    decay = np.empty(relaxation.precession.shape, dtype=complex)
    decay.real[...] = relaxation.transverse / film.diffusion
    decay.imag[...] = relaxation.precession / film.diffusion
    return decay


def surviving_fraction(thickness: float, decay: Array | ComplexArray) -> NDArray[Any]:
    """(2 l/d) tanh(d/2l) of Eqs. (88)-(90), (B29): mean spin current over the source.

    Parameters
    ----------
    thickness : float, m
    decay : array, m^-2
        1/l^2, real or complex.

    Returns
    -------
    array, shape and kind of `decay`
        1 for d << l, 2l/d for d >> l.
    """
    u2: NDArray[Any] = 0.25 * thickness**2 * np.asarray(decay)
    flat, fraction = u2.reshape(-1), np.empty(u2.size, dtype=u2.dtype)
    for block in blocks(flat.size):
        fraction[block] = _tanh_ratio(flat[block])
    return fraction.reshape(u2.shape)


def _tanh_ratio(u2: NDArray[Any]) -> NDArray[Any]:
    """tanh(u)/u of u^2."""
    small = np.abs(u2.real) + np.abs(u2.imag) < 1e-3
    if not small.any():
        u = np.sqrt(u2)
        return np.asarray(np.tanh(u) / u)
    u = np.sqrt(np.where(small, 1.0, u2))
    # four terms leave 1e-15 at |u2| = 1e-3, and keep a small imaginary part that tanh would round
    series = 1 - u2 / 3 * (1 - u2 * 2 / 5 * (1 - u2 * 17 / 42 * (1 - u2 * 62 / 153)))
    return np.asarray(np.where(small, series, np.tanh(u) / u))
