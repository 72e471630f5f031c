"""Hyperbolic functions of the square root of a 3x3 matrix A = U^2, by doubling of the argument.

    f = tanh(U) / U,   s(x) = sinh(x U) / (U cosh U),
    p(x) = cosh(x U) / cosh U,   r(x) = 1 - p(x),

for -1 <= x <= 1 from face to face, and g = U coth U, c = 1 / cosh^2 U for what passes the faces.
From a short series at A / 4^k they are doubled k times:

    D = (1 + q)^-1,   f' = f D,   q' = 4 q D^2,   g' = g (1 + q),   c' = (c D)^2,
    s' = s p D,   p' = (2 p^2 - c) D,   r' = 2 r (2 - r) D,

with q = tanh^2 U, never A f^2, whose rounding would grow (Higham1986; docs/theory/numerics.md).
"""

from __future__ import annotations

from math import factorial
from typing import Any

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
    one = np.eye(matrix.shape[-1])
    total = np.zeros(np.broadcast_shapes(matrix.shape, (*coefficients.shape[1:], 1, 1)))
    for coefficient in coefficients[::-1]:
        total = matrix @ total + coefficient[..., None, None] * one
    return np.asarray(total)


def _factorials(first: int) -> Array:
    return np.array([1.0 / factorial(2 * n + first) for n in range(_SERIES_TERMS)])


def tanh_over_root(matrix: Array) -> Array:
    """f(A) = tanh(U) / U with U^2 = A, shape (..., 3, 3) or of `beside`.

    No eigenvalue of A may lie on the negative axis beyond -(pi/2)^2, where f has its poles. Good to
    a few rounding errors of its norm times what A's own rounding makes of it.
    """
    steps = _doublings(matrix)
    scaled, one = matrix * 0.25**steps, np.eye(matrix.shape[-1])
    f = np.linalg.solve(_series(scaled, _factorials(0)), _series(scaled, _factorials(1)))
    q = scaled @ f @ f
    for _ in range(steps):
        half = np.linalg.inv(one + q)
        f, q = f @ half, 4.0 * q @ half @ half
    return np.asarray(f)


def beside(before: Array, after: Array, change: Array) -> Array:
    """[[A, E], [0, B]] of A, B = A + E and E, shape (..., 6, 6), for all but `face_functions`.

    From M f(M) = f(M) M the upper blocks of f(M) are f(A) and f(B) - f(A). In products and
    inverses each term of the second has one factor of its kind, so that it keeps the digits of E,
    however small.
    """
    both = np.zeros((*after.shape[:-2], 6, 6))
    both[..., :3, :3], both[..., :3, 3:], both[..., 3:, 3:] = before, change, after
    return both


def parted(both: Array, argument: Array) -> tuple[Array, Array]:
    """f(B), and f(B) - f(A) with digits of its own, of a function of `beside`, its argument.

    Doublings that B alone needs cost the block digits, a bit each at most: elements that lose fewer
    are taken as the difference that they read.
    """
    before, after, apart = both[..., :3, :3], both[..., 3:, 3:], both[..., :3, 3:]
    first, second = (
        np.max(np.sum(np.abs(of), axis=-1, keepdims=True), axis=-2, keepdims=True)
        for of in (argument[..., :3, :3], argument[..., 3:, 3:])
    )
    lost = np.sqrt(np.maximum(1.0, second / np.maximum(_SERIES_REACH, first)))
    apart = np.where(lost * np.abs(apart) < 0.5 * np.abs(after), apart, after - before)
    only = _only_precess_about_z(argument)
    whole, own = (np.where(only, _odd_across_z(some), some) for some in (after, apart))
    return whole, own


def _only_precess_about_z(argument: Array) -> Array:
    """Whether A and B are diagonal but for precession about z, (..., 1, 1): functions are, too."""
    blocks = np.stack([argument[..., :3, :3], argument[..., 3:, 3:]])
    found = blocks[..., 0, 1] == -blocks[..., 1, 0]
    for a in (0, 1):
        found &= (blocks[..., a, 2] == 0) & (blocks[..., 2, a] == 0)
    return np.asarray(found.all(axis=0)[..., None, None])


def _odd_across_z(matrix: Array) -> Array:
    """Without what rounding leaves of an even part, which rotations would put on the diagonal."""
    odd = np.array(matrix)
    odd[..., 0, 1] = 0.5 * (matrix[..., 0, 1] - matrix[..., 1, 0])
    odd[..., 1, 0] = -odd[..., 0, 1]
    return odd


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

    Of a matrix A, or of `beside`.

    `gap` and `side` (n,) are the distance 1 - |x| to the nearer face, and the sign of x. The second
    vanishes exactly at the faces.
    """
    steps = _doublings(matrix)
    scaled = matrix[..., None, :, :] * 0.25**steps
    one, even = np.eye(matrix.shape[-1]), 2.0 * np.arange(_SERIES_TERMS + 1)[:, None]
    with np.errstate(divide="ignore"):  # |x| = 0 in the middle
        inside = np.log1p(-gap)
    powers = np.exp(even[1:] * inside)
    missing = -np.expm1(even[1:] * inside)  # 1 - x^2n, to the last digit at the faces too
    even_powers = np.concatenate([np.ones((1, len(gap))), powers[:-1]])
    odd = side * (1 - gap) * even_powers
    coshes = _series(scaled, _factorials(0))
    f = np.linalg.solve(coshes, _series(scaled, _factorials(1)))
    s = np.linalg.solve(coshes, _series(scaled, _factorials(1)[:, None] * odd))
    bent = _series(scaled, _factorials(2)[:, None] * missing)
    p = np.linalg.solve(coshes, _series(scaled, _factorials(0)[:, None] * even_powers))
    q, r = scaled @ f @ f, scaled @ np.linalg.solve(coshes, bent)
    c: Any = np.linalg.inv(coshes @ coshes)
    for _ in range(steps):
        half = np.linalg.inv(one + q)
        s, p, r = s @ p @ half, (2.0 * p @ p - c) @ half, 2.0 * r @ (2.0 * one - r) @ half
        q, c = 4.0 * q @ half @ half, c @ half @ c @ half
        # of two that add up to one the smaller has the digits of both
        p, r = _smaller_first(p, r)
        c, _ = _smaller_first(c, q)
    return np.asarray(s), np.asarray(r)


def _smaller_first(first: Any, second: Any) -> tuple[Array, Array]:
    """Two matrices whose sum is 1, either from the other, row by row where it is the larger."""
    one = np.eye(first.shape[-1])
    small = np.abs(np.diagonal(first, axis1=-2, axis2=-1))[..., None] < 0.5
    return np.where(small, first, one - second), np.where(small, one - first, second)
