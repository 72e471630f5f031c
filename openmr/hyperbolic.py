"""Hyperbolic functions of the square root of a 3x3 matrix, by doubling of the argument.

With A = U^2 the functions of diffusion between two faces, -1 <= x <= 1 from face to face,

    f = tanh(U) / U,   s(x) = sinh(x U) / (U cosh U),   p(x) = (cosh U - cosh x U) / (A cosh U),

are analytic in A: no square root is taken and no eigenvector is asked for, so a defective matrix
is like any other. From a short series at A / 4^k they are doubled k times,

    f(4A) = f D,   s(4A) = s (1 - A p) D,   p(4A) = p (1 - A p / 2) D,   D = (1 + A f^2)^-1.

One doubling neither amplifies an earlier error (1 - A p = cosh x U / cosh U and A f^2 = tanh^2 U
are bounded where no spin grows) nor overflows.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from openmr._checks import Array

SERIES_REACH = 0.25
"""Norm of A up to which the series are summed."""
SERIES_TERMS = 9
"""(1/4)^9 / 18! = 6e-22 is left out."""


def _doublings(matrix: Array) -> int:
    largest = float(np.max(np.sum(np.abs(matrix), axis=-1), initial=0.0))
    # rounding in the exponent alone: frexp is exact, a logarithm is not needed
    return max(0, -(-int(np.frexp(largest / SERIES_REACH)[1]) // 2))


def _series(matrix: Array, coefficients: Array) -> Array:
    """sum_n c_n A^n by Horner; `coefficients` (terms, ...) broadcast over the leading axes of A."""
    one = np.eye(3)
    total = np.zeros(np.broadcast_shapes(matrix.shape, (*coefficients.shape[1:], 1, 1)))
    for coefficient in coefficients[::-1]:
        total = matrix @ total + coefficient[..., None, None] * one
    return np.asarray(total)


def _factorials(first: int) -> Array:
    return np.array([1.0 / factorial(2 * n + first) for n in range(SERIES_TERMS)])


def tanh_over_root(matrix: Array) -> Array:
    """f(A) = tanh(U) / U with U^2 = A.

    Parameters
    ----------
    matrix : array (..., 3, 3)
        A; no eigenvalue may lie on the negative axis beyond -(pi/2)^2, where f has its poles.

    Returns
    -------
    array (..., 3, 3)
        Good to a few rounding errors of its norm times what A's own rounding makes of it.
    """
    steps = _doublings(matrix)
    scaled = matrix * 0.25**steps
    value = np.linalg.solve(_series(scaled, _factorials(0)), _series(scaled, _factorials(1)))
    for _ in range(steps):
        value = np.linalg.solve(np.eye(3) + scaled @ value @ value, value)
        scaled = 4.0 * scaled
    return np.asarray(value)


def profiles(matrix: Array, gap: Array, side: Array) -> tuple[Array, Array]:
    """s(x) and 1 - cosh(x U) / cosh U = A p(x) between the faces x = -1 and x = 1.

    Parameters
    ----------
    matrix : array (..., 3, 3)
        A.
    gap, side : arrays (n,)
        Distance 1 - |x| to the nearer face, and the sign of x.

    Returns
    -------
    two arrays (..., n, 3, 3)
        The second vanishes exactly at the faces.
    """
    steps = _doublings(matrix)
    scaled = matrix[..., None, :, :] * 0.25**steps
    one, even = np.eye(3), 2.0 * np.arange(SERIES_TERMS + 1)[:, None]
    with np.errstate(divide="ignore"):  # |x| = 0 in the middle
        inside = np.log1p(-gap)
    powers = np.exp(even[1:] * inside)
    missing = -np.expm1(even[1:] * inside)  # 1 - x^2n, to the last digit at the faces too
    odd = side * (1 - gap) * np.concatenate([np.ones((1, len(gap))), powers[:-1]])
    coshes = _series(scaled, _factorials(0))
    f = np.linalg.solve(coshes, _series(scaled, _factorials(1)))
    s = np.linalg.solve(coshes, _series(scaled, _factorials(1)[:, None] * odd))
    p = np.linalg.solve(coshes, _series(scaled, _factorials(2)[:, None] * missing))
    for _ in range(steps):
        divisor = one + scaled @ f @ f
        ap = scaled @ p
        f = np.linalg.solve(divisor, f)
        s = np.linalg.solve(divisor, s @ (one - ap))
        p = np.linalg.solve(divisor, p @ (one - 0.5 * ap))
        scaled = 4.0 * scaled
    return np.asarray(s), np.asarray(scaled @ p)
