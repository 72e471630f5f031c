"""One moment with H = x S_par: its thermal averages as polynomials in q = exp(-|x|).

Every polynomial below has positive coefficients only, so nothing cancels at any x, and each costs
one exponential and a few multiplications per point. With levels counted from the lowest,

    Z = sum_k q^k,   T = sum_k (2S - k)(k + 1) q^k,   V = sum_{i<j} (i - j)^2 q^{i+j},

the averages follow without a further sum: <S_-S_+> = T/Z for x >= 0, <S_+S_-> = q T/Z, from the
commutator <S_par> = -(1 - q) T / (2 Z), from the Casimir operator <S_par^2>, and the variance is
V/Z^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from openmr._checks import Array

BLOCK = 12288
"""Points worked on at a time: twenty arrays of them fit an L2 cache of 2 MiB, one is small enough
for the C library to reuse its memory, and the calls of NumPy count little."""

MAX_HORNER = 256  # beyond it one matrix product is cheaper than that many passes over the points


class LevelSums(NamedTuple):
    """Averages of one moment with H = x S_par (in k_B T), each with the shape of x."""

    magnetization: Array
    second_moment: Array
    variance: Array
    flip_up: Array
    flip_down: Array
    entropy: Array


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices that cover `count` points, each short enough for the cache."""
    return (slice(start, start + size) for start in range(0, count, size))


@cache
def _coefficients(spin: float) -> tuple[Array, Array, Array]:
    """Of Z, T and V, lowest power first."""
    k = np.arange(round(2 * spin) + 1.0)
    r = np.arange(round(4 * spin))  # V is a palindrome: v_n = n(n+1)(n+2)/6 up to the middle
    r = np.minimum(r, round(4 * spin) - r).astype(float)
    return np.ones_like(k), ((2 * spin - k) * (k + 1))[:-1], r * (r + 1) * (r + 2) / 6


def _polynomial(coefficients: Array, q: Array) -> Array:
    """Values at q, shape of q."""
    if len(coefficients) > MAX_HORNER:
        with np.errstate(under="ignore"):
            return np.asarray(q[..., None] ** np.arange(len(coefficients)) @ coefficients)
    if len(coefficients) == 1:
        return np.full_like(q, coefficients[0])
    value = coefficients[-1] * q
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= q
    value += coefficients[0]
    return np.asarray(value)


class Brillouin(NamedTuple):
    """S B_S(S x) = -<S_par> and its slope, the variance, at x >= 0."""

    mean: Array
    slope: Array


def brillouin(spin: float, x: Array) -> Brillouin:
    """Brillouin function times S, and its slope; one exponential per point.

    Parameters
    ----------
    spin : float
    x : array, >= 0

    Returns
    -------
    Brillouin
        Errors relative to S; `level_sums` keeps every average to its own relative precision.
    """
    ones, towards, _ = _coefficients(spin)
    less = np.expm1(-x)  # q - 1
    q = less + 1.0
    flips = _polynomial(towards, q)
    flips /= _polynomial(ones, q)
    mean = -0.5 * less
    mean *= flips
    slope = mean * mean  # <S_par^2> = S(S+1) - <S_-S_+> - <S_par>
    np.subtract(mean, slope, out=slope)
    slope -= flips
    slope += spin * (spin + 1)
    return Brillouin(mean, slope)


class Means(NamedTuple):
    """The averages that most rates need."""

    magnetization: Array
    second_moment: Array
    flip_up: Array
    flip_down: Array


def means(spin: float, x: Array) -> Means:
    """`level_sums` without the variance and the entropy."""
    ones, towards, _ = _coefficients(spin)
    depth = np.abs(x)
    less = -depth
    q = np.exp(less)
    mean = np.expm1(less)
    forth = _polynomial(towards, q)
    forth /= _polynomial(ones, q)
    back = q * forth
    mean *= 0.5
    mean *= forth
    mean += 0.0  # no negative zero
    second = forth + back
    second *= -0.5
    second += spin * (spin + 1)
    up = x >= 0
    if np.all(up):
        return Means(mean, second, forth, back)
    return Means(
        magnetization=np.where(up, mean, -mean) + 0.0,
        second_moment=second,
        flip_up=np.where(up, forth, back),
        flip_down=np.where(up, back, forth),
    )


def variance(spin: float, x: Array) -> Array:
    """<S_par^2> - <S_par>^2 of `level_sums`."""
    ones, _, pairs = _coefficients(spin)
    q = np.exp(-np.abs(x))
    return np.asarray(_polynomial(pairs, q) / _polynomial(ones, q) ** 2)


class Averages(NamedTuple):
    """The first five of `LevelSums`."""

    magnetization: Array
    second_moment: Array
    variance: Array
    flip_up: Array
    flip_down: Array


def averages(spin: float, x: Array) -> Averages:
    """`level_sums` without the entropy."""
    return Averages(variance=variance(spin, x), **means(spin, x)._asdict())


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
    return LevelSums(*averages(spin, x), entropy=np.log1p(rest) + depth * height / (1.0 + rest))
