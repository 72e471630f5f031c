"""One moment with H = x S_par: its thermal averages as polynomials in q = exp(-|x|).

    Z = sum_k q^k,   T = sum_k (2S - k)(k + 1) q^k,   V = sum_{i<j} (i - j)^2 q^{i+j},
    <S_x^2> + <S_y^2> = R(t^2) / P(t^2),   t = tanh(|x|/2),   L = 2S + 1,
    R_k = L C(L, 2k+2) - C(L, 2k+3),   P_k = 2 C(L, 2k+1).

No coefficient is negative, so nothing cancels at any x; docs/theory/numerics.md derives the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb, factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from openmr._checks import SMALLEST, Array
from openmr._elementary import every, exp, maximum, minimum, tanh, where

_KEPT = 32  # spins whose coefficients are kept
MAX_HORNER = 256  # beyond it one matrix product is cheaper than that many passes over the points
_MAX_BINOMIAL = 1000  # C(n, k) overflows from n = 1030 on


class LevelSums(NamedTuple):
    """Averages of one moment with H = x S_par (in k_B T), each with the shape of x."""

    mean_spin: Array
    second_moment: Array
    variance: Array
    flip_up: Array
    flip_down: Array
    entropy: Array


@lru_cache(maxsize=_KEPT)
def _coefficients(spin: float) -> tuple[Array, Array, Array]:
    """Coefficients of Z, T and V, lowest power first."""
    k = np.arange(round(2 * spin) + 1.0)
    r = np.arange(round(4 * spin))  # V is a palindrome: v_n = n(n+1)(n+2)/6 up to the middle
    r = np.minimum(r, round(4 * spin) - r).astype(float)
    return np.ones_like(k), ((2 * spin - k) * (k + 1))[:-1], r * (r + 1) * (r + 2) / 6


@lru_cache(maxsize=_KEPT)
def _half_angle(spin: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Coefficients of R and P over 2, lowest power first; integers or halves, exact at t = 1."""
    count = round(2 * spin) + 1
    above = [count * comb(count, 2 * k + 2) - comb(count, 2 * k + 3) for k in range(count // 2)]
    below = [comb(count, 2 * k + 1) for k in range((count + 1) // 2)]
    return tuple(n / 2 for n in above), tuple(float(n) for n in below)


def _polynomial(coefficients: Sequence[float] | Array, q: Array) -> Array:
    """Values at q, shape of q."""
    if len(coefficients) > MAX_HORNER:
        with np.errstate(under="ignore"):
            powers = np.asarray(q)[..., None] ** np.arange(len(coefficients))
            return np.asarray(powers @ coefficients)
    if len(coefficients) == 1:
        return coefficients[0] + 0.0 * q
    value = (q if coefficients[-1] == 1.0 else coefficients[-1] * q) + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value *= q
        value += coefficient
    return value


def _across(spin: float, depth: Array, t: Array) -> Array:
    """<S_x^2> + <S_y^2> at depth = |x|, t = tanh(|x|/2)."""
    if 2 * spin > _MAX_BINOMIAL:
        q = exp(-depth)
        ones, towards, _ = _coefficients(spin)
        return 0.5 * (1.0 + q) * _polynomial(towards, q) / _polynomial(ones, q)
    above, below = _half_angle(spin)
    square = t * t
    return _polynomial(above, square) / _polynomial(below, square)


@lru_cache(maxsize=_KEPT)
def _quadrupole(spin: float) -> tuple[float, ...]:
    """Coefficients of [S(S+1) P - 3 R / 2] over 2, lowest power first: 0 and no negative one."""
    above, below = _half_angle(spin)
    above = (*above, 0.0)[: len(below)]
    square = spin * (spin + 1)
    return tuple(square * p - 1.5 * r for p, r in zip(below, above, strict=True))


def axial_excess(spin: float, x: Array, *, fluctuation: bool = False) -> Array:
    """<S_par^2> - (1/2) (<S_x^2> + <S_y^2>) x / sinh(x), without a difference of large numbers.

    What spins across the field lose faster than spins along it, by a noise that is flat but for
    detailed balance. At small x it is x^2 S(S+1) [12 S(S+1) + 1] / 180, at large x it is S^2.

    Parameters
    ----------
    spin : float, no unit
    x : array (...) or a number, no unit
        beta eps_L.
    fluctuation : bool
        With the variance in the place of <S_par^2>.

    Returns
    -------
    array (...), no unit
        >= 0, or <= 0 of the variance.
    """
    depth = abs(x)
    t = tanh(0.5 * depth)
    if 2 * spin > _MAX_BINOMIAL:
        across = _across(spin, depth, t)
        excess = spin * (spin + 1) - 1.5 * across
    else:
        square = t * t
        above, below = (_polynomial(part, square) for part in _half_angle(spin))
        across, excess = above / below, _polynomial(_quadrupole(spin), square) / below
    excess = excess + 0.5 * across * _less_than_one(depth)
    if not fluctuation:
        return excess
    # the mean, squared, is of the same order when hot; the variance fades when cold
    with np.errstate(over="ignore"):  # to 0
        cold = variance(spin, depth) - 0.5 * across * _over_sinh(depth)
    return where(depth < 1.0, excess - (t * across) ** 2, cold)


def _less_than_one(x: Array) -> Array:
    """1 - x / sinh(x) at x >= 0."""
    if every(x < 1.0):
        return _little_less(x)
    near, far = minimum(x, 1.0), minimum(maximum(x, 1.0), 700.0)
    return where(x < 1.0, _little_less(near), 1.0 - far / np.sinh(far))


_RISE = tuple(1.0 / factorial(2 * n + 3) for n in range(9))
"""Coefficients of [sinh(x)/x - 1] / x^2 in x^2."""


def _little_less(x: Array) -> Array:
    """The same at 0 <= x <= 1."""
    square = x * x
    rise = _polynomial(_RISE, square) * square
    return rise / (1.0 + rise)


def _over_sinh(x: Array) -> Array:
    """X / sinh(x)."""
    return maximum(x, SMALLEST) / np.sinh(maximum(x, SMALLEST))


class Brillouin(NamedTuple):
    """S B_S(S x) = -<S_par> and its slope, the variance, at x >= 0."""

    mean: Array
    slope: Array


def brillouin(spin: float, x: Array) -> Brillouin:
    """Brillouin function times S, and its slope; one hyperbolic tangent per point.

    Errors are relative to S; `level_sums` keeps every average to its own relative precision.
    """
    t = tanh(0.5 * x)
    across = _across(spin, x, t)
    mean = t * across
    # <S_par^2> = S(S+1) less what is across
    return Brillouin(mean, spin * (spin + 1) - (mean * mean + across))


class Means(NamedTuple):
    """The averages that most rates need."""

    mean_spin: Array
    second_moment: Array
    flip_up: Array
    flip_down: Array


def means(spin: float, x: Array) -> Means:
    """`level_sums` without the variance and the entropy."""
    depth = abs(x)
    t = tanh(0.5 * depth)
    across = _across(spin, depth, t)
    second = spin * (spin + 1) - across
    mean = t * across
    forth = mean + across
    back = exp(-depth) * forth
    up = x >= 0
    if every(up):
        return Means(0.0 - mean, second, forth, back)  # no negative zero
    return Means(
        mean_spin=where(up, 0.0 - mean, mean),
        second_moment=second,
        flip_up=where(up, forth, back),
        flip_down=where(up, back, forth),
    )


def variance(spin: float, x: Array) -> Array:
    """<S_par^2> - <S_par>^2 of `level_sums`."""
    ones, _, pairs = _coefficients(spin)
    q = np.exp(-np.abs(x))
    return np.asarray(_polynomial(pairs, q) / _polynomial(ones, q) ** 2)


def level_sums(spin: float, x: ArrayLike) -> LevelSums:
    """Thermal averages of a moment of given spin at reduced splitting x = beta eps_L.

    Parameters
    ----------
    spin : float
    x : array_like
        Any finite real numbers.

    Returns
    -------
    LevelSums
        <S_par>; <S_par^2>; <S_par^2> - <S_par>^2; <S_- S_+>, Eq. (67); <S_+ S_->, Eq. (68); and
        the entropy in k_B.
    """
    x = np.asarray(x, dtype=float)
    depth = np.abs(x)
    q = np.exp(-depth)
    rest = q * _polynomial(_coefficients(spin)[0][:-1], q)  # Z - 1
    height = q * _polynomial(np.arange(1.0, round(2 * spin) + 1), q)  # sum_k k q^k
    entropy = np.log1p(rest) + depth * height / (1.0 + rest)
    return LevelSums(variance=variance(spin, x), entropy=entropy, **means(spin, x)._asdict())


def log_partition(spin: float, x: Array) -> Array:
    """Logarithm of the partition function, tr exp(-x S_par)."""
    depth = np.abs(x)
    q = np.exp(-depth)
    return np.asarray(spin * depth + np.log1p(q * _polynomial(_coefficients(spin)[0][:-1], q)))
