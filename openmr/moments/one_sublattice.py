"""The Weiss field of one kind of moments: x = zeeman + coupling m(x), m = S B_S(S x) = -<S_par>.

In units of k_B T, for any number of points at once. Newton's steps are monotonic from above the
largest root, or from below the only one if the coupling is negative; the starts are bounds that
need no exponential. docs/theory/numerics.md has the proofs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmr._checks import EPSILON, SMALLEST, Array, ConvergenceError
from openmr.moments.spin_averages import brillouin

_Counts = NDArray[np.int8]
_Real = NDArray[Any]  # of single or double precision
_SINGLE_EPSILON = float(np.finfo(np.float32).eps)
_NEAR = 16 * EPSILON  # what rounding leaves of the distance from the transition
_SKETCHES = 1
_WEAK = 0.9  # share of the critical coupling up to which the field alone decides
_MAX_SINGLE = 100  # 2S; from 130 on binomial coefficients overflow in single precision
MAX_STEPS = 40
"""Newton steps allowed; `tests/moments/test_weiss.py` holds the number over the whole plane."""


def weiss_field(spin: float, zeeman: Array, coupling: Array) -> tuple[Array, _Counts]:
    """Solve x = zeeman + coupling m(x) for the state of lowest free energy, at points (p,).

    `zeeman` is beta g mu_B B, signed, and `coupling` beta J0. Of the two arrays (p,) x has the sign
    of `zeeman`, or is >= 0 where that is 0, with a residual |m(zeeman + coupling m) - m| of at most
    1e-13 S; the other counts Newton steps, each one evaluation of the Brillouin function, those in
    single precision included. `ConvergenceError` if more than `MAX_STEPS` are needed.
    """
    x, steps = np.empty_like(zeeman), np.empty(len(zeeman), dtype=np.int8)
    if not x.size:
        return x, steps
    signed = zeeman + 0.0  # no negative zero: at zero field x >= 0
    down = signed.min() < 0.0
    _solve(spin, np.abs(signed) if down else signed, coupling, x, steps)
    return (np.copysign(x, signed, out=x) if down else x), steps


def _solve(spin: float, depth: Array, coupling: Array, out: Array, steps: _Counts) -> None:
    """Fill `out` and `steps`."""
    curie = spin * (spin + 1.0) / 3.0
    pull = curie * max(float(coupling.max()), -float(coupling.min()))
    if pull < _WEAK and 2 * spin <= _MAX_SINGLE:
        out[:], steps[:] = _far_from_the_transition(spin, depth, coupling, pull)
    else:
        _newton(spin, depth, coupling, out, steps)


def _far_from_the_transition(
    spin: float, depth: Array, coupling: Array, pull: float
) -> tuple[Array, int]:
    """Roots and the steps taken, for |coupling c| <= pull < 1 at all points.

    Newton's steps come to the root from anywhere there: the first are taken in single precision.
    """
    # a step leaves (2 / scale) x step^2 / stiffness, and rounding 2 epsilon x / stiffness
    scale = 2.0 / (1.5 * _series(spin) * pull + SMALLEST)
    zeeman, pulling = depth.astype(np.float32), coupling.astype(np.float32)
    rough = zeeman / (1.0 - (spin * (spin + 1.0) / 3.0) * pulling)
    step = _step(spin, rough, zeeman, pulling)
    rough -= step
    count = 1
    if float(np.abs(step, out=step).max()) > (scale * _SINGLE_EPSILON) ** 0.5:
        rough -= _step(spin, rough, zeeman, pulling)
        count = 2
    x = rough.astype(float)
    enough = (scale * EPSILON) ** 0.5
    while count < MAX_STEPS:
        step = _step(spin, x, depth, coupling)
        x -= step
        count += 1
        if np.abs(step, out=step).max() <= enough:
            return x, count
        # where x is beyond 1e7 its rounding alone is more
        if np.all((step <= enough) | (step <= 4 * EPSILON * x)):
            return x, count
    raise _unsettled(spin, depth, coupling)


def _step(spin: float, x: _Real, depth: _Real, coupling: _Real) -> _Real:
    """Newton's step, where the stiffness cannot vanish."""
    mean, slope = brillouin(spin, x)
    mean *= coupling
    step = x - depth
    step -= mean
    slope *= coupling
    step /= np.subtract(1.0, slope, out=slope)
    return step


def _unsettled(spin: float, depth: Array, coupling: Array) -> ConvergenceError:
    return ConvergenceError(
        f"the Weiss field did not settle in {MAX_STEPS} Newton steps at {len(depth)} points, "
        f"first at beta g mu_B B = {depth[0]:.17g}, beta J0 = {coupling[0]:.17g}, S = {spin:g}"
    )


def _newton(spin: float, depth: Array, coupling: Array, out: Array, steps: _Counts) -> None:
    """Fill `out` and `steps` for any points, each until it has settled."""
    x = _start(spin, depth, coupling)
    where = None  # points of the block still moving; all of them until most have settled
    for count in range(1, MAX_STEPS + 1):
        mean, slope = brillouin(spin, x)
        pull = coupling * mean
        residual = x - depth
        residual -= pull
        feedback = coupling * slope
        stiffness = 1.0 - feedback
        np.maximum(stiffness, EPSILON, out=stiffness)  # 0 to rounding at the transition alone
        step = residual / stiffness
        # |m''| <= 2 S m', so the next error is at most S feedback step^2 / stiffness; once it is
        # below rounding, stop
        with np.errstate(over="ignore"):  # far from settled, in fields that none has
            feedback *= step
            feedback *= step
        stiffness *= x
        stiffness *= EPSILON / spin
        settled = np.abs(feedback, out=feedback) <= stiffness
        if count > 3:  # at the transition rounding of the residual is all that is left
            rounding = 8 * EPSILON * (x + depth + np.abs(pull)) + SMALLEST
            settled |= np.abs(residual) <= rounding
        x -= step
        np.maximum(x, 0.0, out=x)  # within rounding of the transition steps may pass it
        if where is None:
            if settled.all():
                out[:], steps[:] = x, count
                return
            if 4 * np.count_nonzero(settled) < len(x):
                continue
            out[:], steps[:] = x, count
            where = moving = np.flatnonzero(~settled)
        else:
            out[where], steps[where] = x, count
            moving = np.flatnonzero(~settled)
            where = where[moving]
        if not len(where):
            return
        x, depth, coupling = x[moving], depth[moving], coupling[moving]
    raise _unsettled(spin, depth, coupling)


def _start(spin: float, depth: Array, coupling: Array) -> Array:
    """A point above the root where the coupling is attractive, below it where repulsive."""
    pull = (spin * (spin + 1.0) / 3.0) * coupling
    saturated = spin * coupling
    saturated += depth
    above = _start_about_the_transition(_bend(spin), depth, pull, saturated)
    for _ in range(_SKETCHES):  # Newton's steps on the last bound itself
        above -= np.maximum(_sketch(_bend(spin), above, depth, pull), 0.0)
    if coupling.min() < 0:
        below = np.maximum(saturated, depth / (1.0 + np.abs(pull)))
        return np.where(coupling < 0, below, above)
    return above


def _start_about_the_transition(bend: float, depth: Array, pull: Array, saturated: Array) -> Array:
    """The least of the bounds also where the moments order by themselves."""
    gap = np.abs(pull - 1.0)
    gap -= _NEAR
    # below the transition the root at zero field, plus the field over 1 - (slope there)
    above = pull * pull
    above -= 1.0 - _NEAR
    np.maximum(above, 0.0, out=above)
    above *= 1.0 / bend
    np.sqrt(above, out=above)
    enhanced = depth * np.maximum(pull, 1.0)
    enhanced /= np.maximum(gap, _NEAR)
    above += enhanced
    np.minimum(above, saturated, out=above)
    critical = np.flatnonzero(gap < 1.0 - _WEAK)
    if len(critical):
        bound = _critical(bend, depth[critical], pull[critical], saturated[critical])
        # so near that the gap itself is rounded, the enhancement bounds nothing
        other = np.where(gap[critical] > _NEAR, above[critical], saturated[critical])
        above[critical] = np.minimum(other, bound)
    return above


def _sketch(bend: float, x: Array, depth: Array, pull: Array) -> Array:
    """Newton step for x = zeeman + pull x / sqrt(1 + b x^2), whose root is above the one sought."""
    shrink = x * x
    shrink *= bend
    shrink += 1.0
    np.sqrt(shrink, out=shrink)
    np.divide(1.0, shrink, out=shrink)
    slope = pull * shrink
    step = slope * x
    np.subtract(x, step, out=step)
    step -= depth
    shrink *= shrink
    slope *= shrink
    np.subtract(1.0, slope, out=slope)
    np.maximum(slope, EPSILON, out=slope)
    step /= slope
    return step


def _series(spin: float) -> float:
    """Twice the cubic term of m over the linear one."""
    return (2 * spin * spin + 2 * spin + 1) / 15.0


def _bend(spin: float) -> float:
    """Largest simple b with m <= c x / sqrt(1 + b x^2) at all x."""
    return min(_series(spin), 0.96 * ((spin + 1.0) / 3.0) ** 2)


def _critical(bend: float, depth: Array, pull: Array, above: Array) -> Array:
    """Bound near the transition, where x grows as the cube root of the field."""
    most = np.sqrt(1.0 + bend * above * above)
    chord = bend / (1.0 + most)  # (most - 1) / above^2
    field = np.cbrt(2.0 * depth * most / chord)
    order = np.sqrt(2.0 * np.maximum(pull - 1.0 + _NEAR, 0.0) / chord)
    return np.maximum(field, order)
