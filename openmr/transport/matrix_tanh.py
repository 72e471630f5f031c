"""Hyperbolic functions of the square root of a 3x3 matrix A = U^2, by doubling of the argument.

    f = tanh(U) / U,   s(x) = sinh(x U) / (U cosh U),   r(x) = 1 - cosh(x U) / cosh U,

for -1 <= x <= 1 from face to face, and g = U coth U, c = 1 / cosh^2 U for what passes the faces.
From a short series at A / 4^k they are doubled k times:

    D = (1 + q)^-1,   f' = f D,   q' = 4 q D^2,   s' = s (1 - r) D,   r' = 2 r (2 - r) D,
    g' = g (1 + q),   c' = (c D)^2,

with q = tanh^2 U, never A f^2, whose rounding would grow (Higham1986; docs/theory/numerics.md).
"""

from __future__ import annotations

from math import factorial

import numpy as np

from openmr._checks import Array

_SERIES_REACH = 0.25
"""Norm of A up to which the series are summed."""
_SERIES_TERMS = 9
"""(1/4)^9 / 18! = 6e-22 is left out."""


def _doublings(matrix: Array) -> int:
    largest = float(np.max(np.sum(np.abs(matrix), axis=-1), initial=0.0))
    # rounding in the exponent alone: frexp is exact, a logarithm is not needed
    return max(0, -(-int(np.frexp(largest / _SERIES_REACH)[1]) // 2))


def _series(matrix: Array, coefficients: Array) -> Array:
    """sum_n c_n A^n by Horner; `coefficients` (terms, ...) broadcast over the leading axes of A."""
    one = np.eye(3)
    total = np.zeros(np.broadcast_shapes(matrix.shape, (*coefficients.shape[1:], 1, 1)))
    for coefficient in coefficients[::-1]:
        total = matrix @ total + coefficient[..., None, None] * one
    return np.asarray(total)


def _factorials(first: int) -> Array:
    return np.array([1.0 / factorial(2 * n + first) for n in range(_SERIES_TERMS)])


def tanh_over_root(matrix: Array) -> Array:
    """f(A) = tanh(U) / U with U^2 = A, shape (..., 3, 3).

    No eigenvalue of A may lie on the negative axis beyond -(pi/2)^2, where f has its poles. Good to
    a few rounding errors of its norm times what A's own rounding makes of it.
    """
    steps = _doublings(matrix)
    scaled = matrix * 0.25**steps
    f = np.linalg.solve(_series(scaled, _factorials(0)), _series(scaled, _factorials(1)))
    q = scaled @ f @ f
    for _ in range(steps):
        half = np.linalg.inv(np.eye(3) + q)
        f, q = f @ half, 4.0 * q @ half @ half
    return np.asarray(f)


def tanh_over_root_about(base: Array, off: Array) -> tuple[Array, Array]:
    """f(a), shape (...), and f(a + E) - f(a) of a number a and a matrix E (..., 3, 3).

    The second is worked out as such all the way, so that it has the digits of E, however small:

        D = (1 + q)^-1,   df' = (df - f_a D_a dq) D,   dq' = 4 dq (1 - q_a q) (D_a D)^2.
    """
    a, one = base[..., None, None], np.eye(3)
    steps = _doublings(a * one + off)
    a, off = a * 0.25**steps, off * 0.25**steps
    (c, dc), (s, ds) = (_series_about(a, off, _factorials(first)) for first in (0, 1))
    f = s / c
    df = np.linalg.solve(c * one + dc, ds - f * dc)
    both = 2.0 * f * one + df
    q, dq = a * f * f, off @ (f * f * one + df @ both) + a * (df @ both)
    for _ in range(steps):
        d = 1.0 / (1.0 + q)
        half = np.linalg.inv((1.0 + q) * one + dq)
        f, df = f * d, (df - f * d * dq) @ half
        kept = 4.0 * d * d * ((1.0 - q * q) * one - q * dq)
        q, dq = 4.0 * q * d * d, dq @ kept @ half @ half
    return np.asarray(f[..., 0, 0]), np.asarray(df)


def _series_about(a: Array, off: Array, coefficients: Array) -> tuple[Array, Array]:
    """sum_n c_n a^n (..., 1, 1), and by how much it is more for a + E."""
    value, more = np.zeros_like(a), np.zeros_like(off)
    for coefficient in coefficients[::-1]:
        more = off @ more + a * more + off * value
        value = a * value + coefficient
    return value, more


def face_functions(matrix: Array) -> tuple[Array, Array]:
    """U tanh U and 2 U / sinh 2 U of U^2 = A, shape (..., 3, 3).

    With values u at the two faces, y'' = A y has the slopes -(P u + Q (u - u')) outwards.
    The second goes to zero for large A, and no larger number than U is met on the way.
    """
    steps = _doublings(matrix)
    scaled, one = matrix * 0.25**steps, np.eye(3)
    coshes, sinhs = _series(scaled, _factorials(0)), _series(scaled, _factorials(1))
    sech, g = np.linalg.inv(coshes), np.linalg.solve(sinhs, coshes)
    f = sech @ sinhs
    q, c = scaled @ f @ f, sech @ sech
    for _ in range(steps):
        half = np.linalg.inv(one + q)
        g, c = g @ (one + q), c @ half
        q, c = 4.0 * q @ half @ half, c @ c
    return np.asarray(q @ g), np.asarray(c @ g)


def from_the_middle(depth: Array, thickness: float) -> tuple[Array, Array]:
    """Distance to the nearer face over half the `thickness`, and the sign of x, for `profiles`."""
    above = thickness - depth
    return 2 * np.minimum(depth, above) / thickness, np.where(depth < above, -1.0, 1.0)


def profiles(matrix: Array, gap: Array, side: Array) -> tuple[Array, Array]:
    """s(x) and 1 - cosh(x U) / cosh U = A p(x) between the faces x = -1 and x = 1, (..., n, 3, 3).

    `gap` and `side` (n,) are the distance 1 - |x| to the nearer face, and the sign of x. The second
    vanishes exactly at the faces.
    """
    steps = _doublings(matrix)
    scaled = matrix[..., None, :, :] * 0.25**steps
    one, even = np.eye(3), 2.0 * np.arange(_SERIES_TERMS + 1)[:, None]
    with np.errstate(divide="ignore"):  # |x| = 0 in the middle
        inside = np.log1p(-gap)
    powers = np.exp(even[1:] * inside)
    missing = -np.expm1(even[1:] * inside)  # 1 - x^2n, to the last digit at the faces too
    odd = side * (1 - gap) * np.concatenate([np.ones((1, len(gap))), powers[:-1]])
    coshes = _series(scaled, _factorials(0))
    f = np.linalg.solve(coshes, _series(scaled, _factorials(1)))
    s = np.linalg.solve(coshes, _series(scaled, _factorials(1)[:, None] * odd))
    bent = _series(scaled, _factorials(2)[:, None] * missing)
    q, r = scaled @ f @ f, scaled @ np.linalg.solve(coshes, bent)
    for _ in range(steps):
        half = np.linalg.inv(one + q)
        s, r = s @ (one - r) @ half, 2.0 * r @ (2.0 * one - r) @ half
        q = 4.0 * q @ half @ half
    return np.asarray(s), np.asarray(r)
