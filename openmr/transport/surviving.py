"""Share of the spin Hall current that diffusion leaves, Eqs. (88)-(90), (B29), and its lengths.

F = (2 l/d) tanh(d/2l) for spins along b and, with a complex length, across it; tanh(U)/U for any
3x3 matrix of relaxation and precession.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks
from openmr._checks import EPSILON, Array, ComplexArray, ParameterError
from openmr._elementary import cos, every, maximum, plain, sin, some, sqrt, tan, tanh, where
from openmr.moments.equilibrium import Equilibrium
from openmr.rates.record import Relaxation, over_sublattices, precession_tensor
from openmr.sample.film import Film, Sample
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


def surviving_anisotropy(film: Film, relaxation: Relaxation, along: Any, across: Any) -> Any:
    """`surviving_along` less the real part of `surviving_across`, Eq. (89), given both.

    Where they nearly agree it is worked out from the difference of the rates, so that its digits
    are its own and not those of the two.
    """
    found = along - across
    alike = abs(found) < _ALIKE * along
    if not some(alike):
        return found
    shape, near = np.shape(found), np.flatnonzero(alike)
    of_film = 0.25 * film.thickness**2 / film.diffusion, relaxation.spin_flip_rate
    scale, loss = (_taken(one, shape, near) if np.ndim(one) else one for one in of_film)
    precession = _taken(relaxation.precession, shape, near)
    change = scale * (_rate_anisotropy(relaxation, shape, near) + 1j * precession)
    u2 = scale * (_taken(relaxation.dissipator[..., 2, 2], shape, near) + loss)
    lost = lost_by(u2, change).real
    if not shape:
        return lost
    found.reshape(-1)[near] = lost
    return found


def _taken(values: ArrayLike, shape: tuple[int, ...], places: NDArray[np.intp]) -> Array:
    """Those of the values, broadcast to a shape, that have these places in C order."""
    if not shape:
        one: Array = plain(np.asarray(values))
        return one
    whole = values
    if np.shape(values) != shape:
        whole = np.empty(shape)
        whole[...] = values
    return np.asarray(whole).reshape(-1)[places]


def _rate_anisotropy(
    relaxation: Relaxation,
    shape: tuple[int, ...],
    places: NDArray[np.intp],
    phi: float = 0.25 * np.pi,
) -> Array:
    """1/tau_perp - 1/tau_par at some points: of the closed form as a sum, else as a difference.

    `phi` is the azimuth of the axis: 0 is local x, pi/2 is y, and pi/4 the mean of all.
    """
    rates, state = relaxation.dissipator, relaxation.equilibrium
    x, y, z = (_taken(rates[..., a, a], shape, places) for a in range(3))
    difference: Array = cos(phi) ** 2 * (x - z) + sin(phi) ** 2 * (y - z)
    if relaxation.method != "closed-form" or not isinstance(state, Equilibrium):
        return difference
    from openmr.rates.closed_form import excess_at  # numerical rates do without it

    given = state.reduced_splitting
    splitting = np.array([_taken(given[..., i], shape, places) for i in range(given.shape[-1])]).T
    sample: Any = state.sample
    if not isinstance(sample, Sample):  # films side by side, the first axis of the grid
        sample = sample.of_films(places // prod(shape[1:]))
    parts = excess_at(sample.magnet, sample.electrons, splitting, phi)
    excess = plain(over_sublattices(parts))
    # another form of the rates, or a changed record, is not what the sum is of
    same = abs(excess - difference) <= 16 * EPSILON * maximum(maximum(x, y), z)
    return excess if every(same) else where(same, excess, difference)


_ALIKE = 2.0**-7
"""Share of F below which a difference of two of them has fewer than 13 digits."""
_SERIES_BELOW, _SQUARES_BELOW = 0.25, 1e150
"""Limits of |u^2|: the series serves below the first, squares overflow above the second."""
_SINH, _COSH = (tuple(1.0 / factorial(2 * n + first) for n in range(7, -1, -1)) for first in (1, 0))
"""Coefficients of sinh(u)/u and cosh(u) in u^2, highest power first."""


def lost_by(u2: Any, change: Any) -> Any:
    """tanh(u)/u at u2 >= 0 less that at u2 + change, both (n,) or numbers, with its own digits.

    With v^2 = u2 + change and h = v - u = change / (u + v),

        tanh(u)/u - tanh(v)/v = [h tanh u - u (tanh v - tanh u)] / (u v),

    and where u and v are small by the series of sinh and cosh, one difference at a time.
    """
    small = (u2 < _SERIES_BELOW) & (abs(u2 + change) < _SERIES_BELOW)
    if every(small):
        return _lost_by_series(u2, change)
    if not some(small):
        return _lost_by_exponentials(u2, change)
    lost = _lost_by_exponentials(where(small, 1.0, u2), change)
    return where(small, _lost_by_series(where(small, u2, 0.0), where(small, change, 0.0)), lost)


def _lost_by_series(u2: Any, change: Any) -> Any:
    other = u2 + change
    (sinh, more_sinh), (cosh, more_cosh) = (
        _series_and_change(coefficients, u2, change, other) for coefficients in (_SINH, _COSH)
    )
    return (sinh * more_cosh - more_sinh * cosh) / (cosh * (cosh + more_cosh))


def _series_and_change(
    coefficients: Sequence[float], u2: Any, change: Any, other: Any
) -> tuple[Any, Any]:
    """Value of a power series at `u2` and what it grows by up to `other` = u2 + change."""
    value: Any = coefficients[0]
    more: Any = 0.0
    for coefficient in coefficients[1:]:
        value, more = value * u2 + coefficient, more * other + change * value
    return value, more


def _lost_by_exponentials(u2: Any, change: Any) -> Any:
    near = abs(change) <= 0.5 * u2
    if not every(near):  # nothing is gained, and u may be 0
        apart = _tanh_ratio(u2 + 0j) - _tanh_ratio(u2 + change)
        if not some(near):
            return apart
        lost = _lost_by_exponentials(where(near, u2, 1.0), where(near, change, 0.0))
        return where(near, lost, apart)
    u, v = sqrt(u2), np.sqrt(u2 + change)
    h = change / (u + v)
    fading = np.exp(-2 * u)
    # exp(-2v) - exp(-2u), from the larger of the two, so that nothing grows beyond all numbers
    less, sign = where(h.real < 0, v, u), where(h.real < 0, -1, 1)
    faded = sign * np.exp(-2 * less) * np.expm1(-2 * (sign * h))
    grown = -2 * faded / ((1 + fading) * (1 + fading + faded))  # tanh v - tanh u
    return (h * tanh(u) - u * grown) / (u * v)


def _tanh_ratio(u2: Any) -> Any:
    """tanh(u)/u of u^2."""
    small = abs(u2) < _SERIES_BELOW
    if not some(small):
        u = sqrt(u2)
        return tanh(u) / u
    if every(small):
        return _tanh_ratio_series(u2)
    far = _tanh_ratio(where(small, 1.0, u2))
    return where(small, _tanh_ratio_series(where(small, u2, 0.0)), far)


def _tanh_ratio_series(u2: Any) -> Any:
    """The same at small |u^2|, with the digits of an imaginary part that tanh(u) would round."""
    sinh, cosh = _SINH[0], _COSH[0]
    for odd, even in zip(_SINH[1:], _COSH[1:], strict=True):
        sinh, cosh = sinh * u2 + odd, cosh * u2 + even
    return sinh / cosh


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


def surviving_change(film: Film, before: Array, after: Array, change: Array) -> Array:
    """By how much F grows with the tensor, (..., 3, 3) [1/s], with the digits of its `change`.

    Raises as of `surviving_matrix`, for either tensor.
    """
    u2 = argument_beside(film, before, after, change)
    return matrix_tanh.parted(matrix_tanh.tanh_over_root(u2), u2)[1]


def argument_beside(film: Film, before: Array, after: Array, change: Array) -> Array:
    """U^2 of a tensor before and after its change, for functions of `matrix_tanh.beside`."""
    scale = (0.5 * film.thickness) ** 2 / film.diffusion
    first, second = (squared_argument(film, tensor) for tensor in (before, after))
    return matrix_tanh.beside(first, second, scale * change)


def surviving_apart(film: Film, relaxation: Relaxation) -> tuple[Array, Array]:
    """F of spins along b, shape (...), and by how much the matrix F differs from that of all."""
    u2 = argument_beside(film, *tensors_apart(relaxation))
    both = matrix_tanh.tanh_over_root(u2)
    return both[..., 0, 0], matrix_tanh.parted(both, u2)[1]


def tensors_apart(relaxation: Relaxation) -> tuple[Array, Array, Array]:
    """1/tau_par for all spins, the tensor, and by how much it differs, each (..., 3, 3) [1/s]."""
    alike = relaxation.longitudinal[..., None, None] * np.eye(3)
    turning = precession_tensor(relaxation.precession, relaxation.precession_across)
    return alike, relaxation.tensor, rates_apart(relaxation) + turning


def rates_apart(relaxation: Relaxation) -> Array:
    """By how much the dissipator differs from 1/tau_par for all spins, (..., 3, 3) [1/s].

    It has digits of its own, as `surviving_anisotropy`.
    """
    along = relaxation.dissipator[..., 2, 2]
    off = relaxation.dissipator - along[..., None, None] * np.eye(3)
    everywhere = np.arange(along.size)
    for a, phi in enumerate((0.0, 0.5 * np.pi)):
        own = _rate_anisotropy(relaxation, along.shape, everywhere, phi)
        off[..., a, a] = np.reshape(own, along.shape)
    return off


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
