"""Memory of the Fermi sea: correlation functions of the electron-hole continuum of a finite band.

Times in units of beta hbar, energies in units of k_B T; `band` is the cutoff L = beta W. Both
kernels are even in Hermitian conjugation, K(-t) = conj K(t), obey detailed balance exactly and
become x / (1 - exp(-x)) for a wide band; they differ in how the band ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bernoulli, digamma, expm1, log1p

from openmr import _checks
from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import electron_hole_spectrum

_EVEN_BERNOULLI = bernoulli(20)[2::2]
_FAR = 14
"""Distance from the poles at which ten terms of the asymptotic series are exact to rounding.

Even, since the steps of the alternating recurrence come in pairs.
"""
_LATE = 1.0
"""Time after which the thermal part is split off: below it nothing cancels."""


def exponential_cutoff(time: ArrayLike, band: float) -> ComplexArray:
    """Kernel whose spectrum is x / (1 - exp(-x)) exp(-|x|/L), shape of `time`.

    K(t) = [psi_1(1/L + i t) + psi_1(1 + 1/L - i t)] / 2 pi with the trigamma function. It falls
    as 1/(pi L t^2) for t >> 1, since the cutoff has a kink at x = 0.

    Parameters
    ----------
    time : array_like (...), beta hbar
        In units of beta hbar, of either sign.
    band : float, no unit
        L = beta W > 0.

    Returns
    -------
    complex array, shape of time, no unit
        With a relative error below 1e-12 at all times.
    """
    return _kernel(time, band, lambda z: _thermal(z) ** 2, _trigamma) / (2 * np.pi)


def flat_band(time: ArrayLike, band: float) -> ComplexArray:
    """Kernel of electrons in a flat band with the density of states exp(-|e|/L).

    K(t) = g(t)^2 / 2 pi, g = B(1/L + i t) + B(1 + 1/L - i t), with
    B(z) = [psi((z + 1)/2) - psi(z/2)] / 2 = sum_k (-1)^k / (z + k). It falls as t^-4 for t >> 1
    and its spectrum is lower than that of the wide band by about 4 ln 2 / L at x = 0.

    Parameters and returns as of `exponential_cutoff`.
    """
    return _kernel(time, band, _thermal, _alternating) ** 2 / (2 * np.pi)


KERNELS = {"exponential": exponential_cutoff, "flat": flat_band}
"""Kernel by name, as the TCL2 route takes it."""


def exponential_cutoff_spectrum(x: ArrayLike, band: float) -> Array:
    """Spectrum of `exponential_cutoff`, integral of K(t) exp(i x t) over all t.

    Parameters
    ----------
    x : array_like (...), no unit
        beta hbar w.
    band : float, no unit
        L = beta W > 0.

    Returns
    -------
    array, shape of x, no unit
        At x = 0 it is 1.
    """
    x = np.asarray(x, dtype=float)
    return np.asarray(electron_hole_spectrum(x) * np.exp(-np.abs(x) / band))


def principal_values(energy: Array, orbital: Array, half_width: float) -> tuple[Array, Array]:
    """Principal values of the integrals of f/(e' - e) and (1 - f)/(e' - e) over a flat band.

    Parameters
    ----------
    energy : array (...), k_B T
        e, from the chemical potential.
    orbital : array (...), k_B T
        e from the middle of the band, which a splitting moves.
    half_width : float, k_B T
        W; the result errs by (e/W)^2.

    Returns
    -------
    filled : array (...), no unit
        Over the electrons.
    empty : array (...), no unit
        Over the holes.
    """
    logarithm = np.log(0.5 * half_width / np.pi) - digamma(0.5 + 0.5j * energy / np.pi).real
    return -logarithm - orbital / half_width, logarithm - orbital / half_width


@np.errstate(under="ignore")  # the thermal part dies off as exp(-pi t): to 0 when late
def _kernel(
    time: ArrayLike,
    band: float,
    reflected: Callable[[ComplexArray], ComplexArray],
    function: Callable[..., ComplexArray],
) -> ComplexArray:
    """function(1/L + i t) + function(1 + 1/L - i t) without cancellation.

    Late, both terms are 1/t large and cancel. There the reflection formula splits off the thermal
    part, function(z) + function(1 - z) = reflected(z), and leaves a difference of two nearby
    arguments, which is taken term by term.
    """
    band = _checks.number("band", band, above=0.0)
    time = _checks.finite_array("time", time)
    edge, size = 1.0 / band, np.atleast_1d(np.abs(time))
    early = size <= max(_LATE, edge)  # a narrow band has no thermal part to split off
    total = np.empty(size.shape, dtype=complex)
    z = edge + 1j * size
    total[early] = function(z[early]) + function(1 + 2 * edge - z[early])
    late = z[~early] - 2 * edge
    total[~early] = reflected(late) + function(late, 2 * edge)
    total = total.reshape(time.shape)
    return np.where(time < 0, total.conj(), total)


def _thermal(z: ComplexArray) -> ComplexArray:
    """Ratio pi / sin(pi z) for Im z > 0, without overflow."""
    decay = np.exp(1j * np.pi * z)
    return np.asarray(-2j * np.pi * decay / (1 - decay**2))


def _powers(z: ComplexArray, exponents: Sequence[int], step: float) -> Iterator[ComplexArray]:
    """z^-p, or with a `step` the differences (z + step)^-p - z^-p to full relative accuracy."""
    inverse = 1 / z
    growth = log1p(step * inverse) if step else None
    for p in exponents:
        power = inverse**p
        yield power if growth is None else power * expm1(-p * growth)


def _raised(
    z: ComplexArray, step: float, exponent: int, sign: int
) -> tuple[ComplexArray, ComplexArray]:
    """Far z for the asymptotic series, and the terms sign^k (z + k)^-p that lead there."""
    total, far = np.zeros_like(z), z.copy()
    near = np.abs(z.imag) < _FAR  # far along the imaginary axis the series holds at once
    for k in range(_FAR if near.any() else 0):
        total[near] += sign**k * next(_powers(z[near] + k, [exponent], step))
    far[near] += _FAR
    return total, far


def _trigamma(z: ComplexArray, step: float = 0.0) -> ComplexArray:
    """psi_1(z) for Re z > -1, or psi_1(z + step) - psi_1(z): recurrence, then its series."""
    total, z = _raised(z, step, 2, 1)
    factors = [1.0, 0.5, *_EVEN_BERNOULLI]
    exponents = [1, 2, *range(3, 2 * len(_EVEN_BERNOULLI) + 2, 2)]
    for factor, power in zip(factors, _powers(z, exponents, step), strict=True):
        total += factor * power
    return total


def _alternating(z: ComplexArray, step: float = 0.0) -> ComplexArray:
    """B(z) = sum_k (-1)^k / (z + k) for Re z > -1, or B(z + step) - B(z)."""
    total, z = _raised(z, step, 1, -1)
    even = 2 * np.arange(1, len(_EVEN_BERNOULLI) + 1)
    factors = [0.5, *((2.0**even - 1) * _EVEN_BERNOULLI / even)]
    for factor, power in zip(factors, _powers(z, [1, *even.tolist()], step), strict=True):
        total += factor * power
    return total
