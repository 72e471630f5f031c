"""The Weiss field of one kind of moments: x = zeeman + coupling m(x), m = S B_S(S x) = -<S_par>.

In units of k_B T, for any number of points at once. Newton's steps are monotonic from above the
largest root, or from below the only one if the coupling is negative; the starts are bounds that
need no exponential. docs/theory/numerics.md has the proofs.
"""

from __future__ import annotations

import numpy as np

from openmr._checks import EPSILON, SMALLEST, Array, ConvergenceError
from openmr._elementary import every, largest, maximum, minimum, some, sqrt, where
from openmr.moments.spin_averages import brillouin

_NEAR = 16 * EPSILON  # what rounding leaves of the distance from the transition
_WEAK = 0.9  # share of the critical coupling up to which the field alone decides
MAX_STEPS = 40
"""Newton steps allowed; `tests/moments/test_weiss.py` holds the number over the whole plane."""


def weiss_field(spin: float, zeeman: Array, coupling: Array) -> tuple[Array, int]:
    """Solve x = zeeman + coupling m(x) for the state of lowest free energy, at points (p,) or one.

    `zeeman` is beta g mu_B B, signed, and `coupling` beta J0. x has the sign of `zeeman`,
    or is >= 0 where that is 0, with a residual |m(zeeman + coupling m) - m| of at most 1e-13 S; it
    is a number of numbers. With it comes the count of Newton steps, each one evaluation of the
    Brillouin function; `ConvergenceError` if more than `MAX_STEPS` are needed.
    """
    if not (isinstance(zeeman, float) or zeeman.size):
        return np.zeros_like(zeeman), 0
    signed = zeeman + 0.0  # no negative zero: at zero field x >= 0
    down = some(signed < 0.0)
    depth = abs(signed) if down else signed
    pull = spin * (spin + 1.0) / 3.0 * largest(abs(coupling))
    solve = _far_from_the_transition if pull < _WEAK else _newton
    x, steps = solve(spin, depth, coupling, pull)
    return (where(signed < 0.0, -x, x) if down else x), steps


def _far_from_the_transition(
    spin: float, depth: Array, coupling: Array, pull: float
) -> tuple[Array, int]:
    """Roots and steps for |coupling c| <= pull < 1, where the steps come there from anywhere."""
    # a step leaves epsilon x (step / enough)^2 / stiffness, rounding 2 epsilon x / stiffness
    enough = (2.0 * EPSILON / (1.5 * _series(spin) * pull + SMALLEST)) ** 0.5
    x = depth / (1.0 - (spin * (spin + 1.0) / 3.0) * coupling)
    for count in range(1, MAX_STEPS + 1):
        mean, slope = brillouin(spin, x)
        step = (x - depth - coupling * mean) / (1.0 - coupling * slope)
        x = x - step
        if largest(abs(step) - 4 * EPSILON * x) <= enough:  # beyond 1e7 x itself is rounded to more
            return x, count
    raise _unsettled(spin, depth, coupling)


def _unsettled(spin: float, depth: Array, coupling: Array) -> ConvergenceError:
    return ConvergenceError(
        f"the Weiss field did not settle in {MAX_STEPS} Newton steps at {np.size(depth)} points, "
        f"first at beta g mu_B B = {np.ravel(depth)[0]:.17g}, "
        f"beta J0 = {np.ravel(coupling)[0]:.17g}, S = {spin:g}"
    )


@np.errstate(over="ignore")  # far from settled, in fields that none has
def _newton(spin: float, depth: Array, coupling: Array, pull: float) -> tuple[Array, int]:
    """Roots and steps of any points."""
    x = _start(spin, depth, coupling)
    for count in range(1, MAX_STEPS + 1):
        mean, slope = brillouin(spin, x)
        pulled, feedback = coupling * mean, coupling * slope
        residual = x - depth - pulled
        stiffness = maximum(1.0 - feedback, EPSILON)  # 0 to rounding at the transition alone
        step = residual / stiffness
        # |m''| <= 2 S m', so the next error is at most S feedback step^2 / stiffness; once it is
        # below rounding, stop
        settled = abs(feedback * step * step) <= (EPSILON / spin) * stiffness * x
        done = every(settled)
        if count > 3 and not done:  # at the transition rounding of the residual is all that is left
            at_rest = abs(residual) <= 8 * EPSILON * (x + depth + abs(pulled)) + SMALLEST
            done = every(settled | at_rest)
        x = maximum(x - step, 0.0)  # within rounding of the transition steps may pass it
        if done:
            return x, count
    raise _unsettled(spin, depth, coupling)


def _start(spin: float, depth: Array, coupling: Array) -> Array:
    """A point above the root where the coupling is attractive, below it where repulsive."""
    pull = (spin * (spin + 1.0) / 3.0) * coupling
    saturated = spin * coupling + depth
    above = _start_about_the_transition(_bend(spin), depth, pull, saturated)
    if some(coupling < 0):
        below = maximum(saturated, depth / (1.0 + abs(pull)))
        return where(coupling < 0, below, above)
    return above


def _start_about_the_transition(bend: float, depth: Array, pull: Array, saturated: Array) -> Array:
    """The least of the bounds also where the moments order by themselves."""
    gap = abs(pull - 1.0) - _NEAR
    # below the transition the root at zero field, plus the field over 1 - (slope there)
    order = sqrt(maximum(pull * pull - (1.0 - _NEAR), 0.0) / bend)
    above = minimum(order + depth * maximum(pull, 1.0) / maximum(gap, _NEAR), saturated)
    critical = gap < 1.0 - _WEAK
    if not some(critical):
        return above
    # so near that the gap itself is rounded, the enhancement bounds nothing
    other = where(gap > _NEAR, above, saturated)
    bound = minimum(other, _critical(bend, depth, pull, saturated))
    return where(critical, bound, above)


def _series(spin: float) -> float:
    """Twice the cubic term of m over the linear one."""
    return (2 * spin * spin + 2 * spin + 1) / 15.0


def _bend(spin: float) -> float:
    """Largest simple b with m <= c x / sqrt(1 + b x^2) at all x."""
    return min(_series(spin), 0.96 * ((spin + 1.0) / 3.0) ** 2)


def _critical(bend: float, depth: Array, pull: Array, above: Array) -> Array:
    """Bound near the transition, where x grows as the cube root of the field."""
    most = sqrt(1.0 + bend * above * above)
    chord = bend / (1.0 + most)  # (most - 1) / above^2
    field = np.cbrt(2.0 * depth * most / chord)
    order = sqrt(2.0 * maximum(pull - 1.0 + _NEAR, 0.0) / chord)
    return maximum(field, order)
