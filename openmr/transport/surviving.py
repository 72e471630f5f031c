"""Share of the spin Hall current that diffusion leaves, Eqs. (88)-(90), (B29), and its lengths.

F = (2 l/d) tanh(d/2l) for spins along b and, with a complex length, across it; tanh(U)/U for any
3x3 matrix of relaxation and precession.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError
from openmr._elementary import every, plain, some, sqrt, tan, tanh, where
from openmr.rates.record import Relaxation
from openmr.sample.film import Film
from openmr.transport import matrix_tanh

# --- lengths ---------------------------------------------------------------------------------


def longitudinal_length(film: Film, relaxation: Relaxation) -> Array:
    """l_par = sqrt(D tau_par) [m].

    Returns
    -------
    array (...), m
        Of the shape of the grid; inf where nothing relaxes.
    """
    return np.asarray(np.sqrt(film.diffusion * relaxation.tau_longitudinal))


def transverse_length(film: Film, relaxation: Relaxation) -> Array:
    """l_perp = sqrt(D tau_perp) [m].

    Returns as of `longitudinal_length`.
    """
    return np.asarray(np.sqrt(film.diffusion * relaxation.tau_transverse))


def transverse_decay(film: Film, relaxation: Relaxation) -> ComplexArray:
    """Lambda^-2 = l_perp^-2 + i l_L^-2 with l_L^-2 = omega_L / D, below Eq. (90) [m^-2].

    Returns
    -------
    complex array (...), m^-2
        Lambda^-2.
    """
    decay = np.empty(relaxation.precession.shape, dtype=complex)
    decay.real[...] = relaxation.transverse / film.diffusion
    decay.imag[...] = relaxation.precession / film.diffusion
    return decay


# --- what is left of the spin current ---------------------------------------------------------


def surviving_fraction(thickness: float, decay: ArrayLike) -> NDArray[Any]:
    """(2 l/d) tanh(d/2l) of Eqs. (88)-(90), (B29): mean spin current over the source.

    Parameters
    ----------
    thickness : float, m
    decay : array_like (...), m^-2
        1/l^2, real or complex.

    Returns
    -------
    array, shape and kind of `decay`, no unit
        1 for d << l, 2l/d for d >> l.

    Raises
    ------
    ParameterError
        For a thickness that is not positive, and for a decay that is not finite or is real and
        negative.
    """
    thickness = _checks.number("thickness", thickness, "m", above=0.0)
    decay = _checks.finite_numbers("decay", decay, "m^-2")
    if not np.iscomplexobj(decay) and decay.min(initial=0.0) < 0:
        raise ParameterError(f"`decay` must be >= 0 m^-2 if real, got {decay.min():g}")
    with np.errstate(over="ignore", invalid="ignore"):
        u2: NDArray[Any] = np.multiply(0.5 * thickness, 0.5 * thickness) * decay
    if not np.all(np.isfinite(u2)):
        raise ParameterError("`thickness` and `decay` must leave (d/2l)^2 finite, got an overflow")
    return tanh_ratio(u2)


def tanh_ratio(u2: NDArray[Any]) -> NDArray[Any]:
    """tanh(u)/u of u^2, shape (...), real or complex."""
    if not np.iscomplexobj(u2):
        return np.asarray(_tanh_ratio(u2))
    fraction = np.empty(u2.shape, dtype=u2.dtype)
    fraction.real, fraction.imag = _tanh_ratio_pair(u2.real, u2.imag)
    return fraction


def surviving_along(film: Film, relaxation: Relaxation) -> Array:
    """(2 l/d) tanh(d/2l) of spins along b, Eq. (88), shape of the grid; 1 where nothing relaxes."""
    scale = 0.25 * film.thickness**2 / film.diffusion
    left: Array = _tanh_ratio(scale * plain(relaxation.longitudinal))
    return left


def surviving_across(film: Film, relaxation: Relaxation) -> tuple[Array, Array]:
    """Real and imaginary part of (2 Lambda/d) tanh(d/2 Lambda), Eqs. (89) and (90)."""
    scale = 0.25 * film.thickness**2 / film.diffusion
    rates = plain(relaxation.transverse), plain(relaxation.precession)
    return _tanh_ratio_pair(scale * rates[0], scale * rates[1])


_SERIES_BELOW, _SQUARES_BELOW = 1e-3, 1e150
"""Limits of |u^2|: the series serves below the first, squares overflow above the second."""


def _tanh_ratio(u2: Any) -> Any:
    """tanh(u)/u of u^2."""
    small = abs(u2) < _SERIES_BELOW
    if not some(small):
        u = sqrt(u2)
        return tanh(u) / u
    u = sqrt(where(small, 1.0, u2))
    return where(small, _tanh_ratio_series(where(small, u2, 0.0)), tanh(u) / u)


def _tanh_ratio_series(u2: Any) -> Any:
    """Four terms leave 1e-15 at |u^2| = 1e-3, and an imaginary part that tanh would round."""
    return 1 - u2 / 3 * (1 - u2 * 2 / 5 * (1 - u2 * 17 / 42 * (1 - u2 * 62 / 153)))


def _tanh_ratio_pair(real: Any, imaginary: Any) -> tuple[Any, Any]:
    """Real and imaginary part of tanh(u)/u of u^2, given as its two parts.

    With u = p + iv, t = tanh p and s = tan v,

        tanh u = [t (1 + s^2) + i s (1 - t^2)] / (1 + t^2 s^2),   1/u = (p - iv) / |u|^2,

    in real functions alone, which are several times faster than complex ones.
    """
    with np.errstate(over="ignore"):
        modulus = sqrt(real * real + imaginary * imaginary)
    if not every((modulus >= _SERIES_BELOW) & (modulus <= _SQUARES_BELOW) & (real >= 0)):
        ratio = _tanh_ratio(np.asarray(real + 1j * imaginary))
        return ratio.real, ratio.imag
    p = sqrt(0.5 * (modulus + real))
    v = 0.5 * imaginary / p
    t, s = tanh(p), tan(v)
    t2, s2 = t * t, s * s
    over = 1.0 / ((1.0 + t2 * s2) * modulus)
    even, odd = t * (1.0 + s2) * over, s * (1.0 - t2) * over
    return even * p + odd * v, odd * p - even * v


def surviving_matrix(film: Film, tensor: ArrayLike) -> Array:
    """The same for any relaxation-plus-precession matrix, shape (..., 3, 3).

    F = tanh(U) / U with U^2 = (d/2)^2 Gamma / D. The mean diffusion current of polarisation a is
    minus the sum over b of F_ab s_b. For axial rates F has the elements (88)-(90).

    Parameters
    ----------
    tensor : array_like (..., 3, 3), 1/s
        Gamma of d mu/dt = -Gamma mu, uniaxial or not, defective or not.

    Returns
    -------
    array (..., 3, 3), no unit
        F; the unit matrix where nothing relaxes.

    Raises
    ------
    ParameterError
        If the tensor lets a spin grow.

    Examples
    --------
    >>> import numpy as np, openmr as om
    >>> film = om.presets.pt_py().film
    >>> om.diffusion.surviving_matrix(film, np.diag([0.0, 1e11, 1e11])).diagonal().round(3)
    array([1.   , 0.833, 0.833])
    """
    return matrix_tanh.tanh_over_root(squared_argument(film, tensor))


def squared_argument(film: Film, tensor: ArrayLike) -> Array:
    """U^2 = (d/2)^2 Gamma / D."""
    _checks.instance("film", film, Film)
    gamma = _checks.finite_array("tensor", tensor, "1/s")
    if gamma.shape[-2:] != (3, 3):
        raise ParameterError(f"`tensor` must have shape (..., 3, 3), got {gamma.shape}")
    with np.errstate(over="ignore"):
        u2 = gamma * ((0.5 * film.thickness) ** 2 / film.diffusion)
    if not np.all(np.isfinite(u2)):
        raise ParameterError("`tensor` must leave (d/2)^2 tensor / D finite, got an overflow")
    _refuse_growth(u2)
    return np.asarray(u2)


def _refuse_growth(u2: Array) -> None:
    """Raise if an eigenvalue lies left of zero by more than a fitted rate may miss it."""
    even = 0.5 * (u2 + np.swapaxes(u2, -1, -2))
    diagonal = np.einsum("...aa->...a", even)
    aside = np.sum(np.abs(even), axis=-1) - np.abs(diagonal)
    if np.all(diagonal >= aside):  # Gershgorin: damped without asking for eigenvalues
        return
    eigenvalues = np.linalg.eigvals(u2)
    allowed = np.minimum(1.0, 1e-6 * np.max(np.abs(eigenvalues), axis=-1))
    if not np.all(np.min(eigenvalues.real, axis=-1) >= -allowed):
        raise ParameterError(
            "`tensor` must not let a spin grow, got (d/2)^2 tensor / D with an eigenvalue of "
            f"real part {float(np.min(eigenvalues.real)):.3g}"
        )
