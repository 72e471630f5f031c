"""Least squares over logarithms of parameters, and errors that hang on nothing that is open.

Gauss-Newton steps within a trust region and a box; second derivatives of the residuals are learnt
on the way. Around the minimum a direction that the data hardly determine is followed through its
range, the other parameters fitted again at each stride, as a profile of chi^2 would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, OpenmrError
from openmr.data.identifiability import REACH, Combination, Determined, determined

_STEP: Final[float] = 1e-3
"""Relative step of the differences of fourth order, good to 1e-10 of the largest sensitivity."""
FORWARD: Final[float] = 1e-6
"""Relative step of forward differences, good to about as much: rounding of 1e-13 adds 1e-7."""
CENTRAL: Final[float] = 1e-5
"""Relative step of central differences, whose rounding is 1e-8."""
_LINEAR: Final[float] = 0.1
"""Relative uncertainty up to which the model is as good as linear in ln p."""
_STRIDE: Final[float] = np.log(10.0)
"""Longest step in ln p of the walk along what the data hardly determine."""
_MOST_STEPS: Final[int] = 100
_MOST_TRIALS: Final[int] = 25
"""Trials of a fit in the walk; one that takes longer starts far above any allowed chi^2."""
_FARTHEST: Final[float] = 9.0
"""Rise of chi^2 at which the walk ends: three standard deviations."""
_FIRST: Final[float] = 0.2
"""Radius in ln p within which the first step stays."""
_SETTLED: Final[float] = 1e-11
"""Promised fall of chi^2, over chi^2 per degree of freedom, at which a search ends: no product
moves by more than 3e-6 of its standard deviation."""
_SOFTLY_SETTLED: Final[float] = 1e-6
"""The same of a search with the soft loss, from whose end another one starts."""
_LINE: Final[float] = 5e-8
"""Step in ln p along which residuals are lines to rounding. A last one needs no evaluation; it
leaves a tenth of itself where second derivatives are not known."""
_SECANTS: Final[float] = 0.03
"""Largest step in ln p from which second derivatives are learnt."""
_WEAK: Final[float] = 3e-4
"""Part of the largest singular value at which an error of 1e-6 of forward differences is a
hundredth."""
_SOFT: Final[float] = 2.0
"""Standard deviations from which the soft loss grows linearly."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Residuals in standard deviations, and their slopes, of logarithms of parameters."""

    names: tuple[str, ...]
    residuals: Callable[[Array], Array]  # (m,) -> (n,)
    near: Callable[[Array], tuple[Array, Array]]  # -> residuals, slopes (n, m) for a search
    slopes: Callable[[Array], Array]  # -> (n, m), finer
    ends: Array  # (2, m)

    def chi_square(self, logs: Array) -> float:
        """Sum of squared residuals; inf where the model refuses such a sample."""
        try:
            return float(np.sum(self.residuals(logs) ** 2))
        except OpenmrError:
            return np.inf

    def error_slopes(self, logs: Array) -> Array:
        """Slopes for errors: by forward differences where no direction is too weak for them."""
        found = self.near(logs)[1]
        singular = np.linalg.svd(found, compute_uv=False)
        return self.slopes(logs) if singular[-1] < _WEAK * singular[0] else found

    def at_an_end(self, logs: Array) -> NDArray[np.bool_]:
        """Parameters driven to an end of their range, and so not found."""
        low, high = self.ends
        return np.asarray((logs < 0.99 * low) | (logs > high - 0.01 * np.log(REACH)))


class Minimum(NamedTuple):
    """The end of a search, and the residuals and slopes there, the soft loss's weighted."""

    logs: Array
    loss: float
    evaluations: int
    settled: bool
    residuals: Array
    slopes: Array


def least(
    problem: Problem,
    logs: Array,
    *,
    free: NDArray[np.bool_] | None = None,
    soft: bool = False,
    most: int = _MOST_STEPS,
    settled: float | None = None,
) -> Minimum:
    """Smallest loss from `logs`: the sum of squares or, softly, what outliers pull less.

    `free` (m,) chooses what may change.
    """
    may = np.ones(len(logs), dtype=bool) if free is None else free
    logs = np.clip(logs, *problem.ends)
    width = _SOFT if soft else np.inf
    if settled is None:
        settled = _SOFTLY_SETTLED if soft else _SETTLED
    found, weak = _searched(problem, problem.near, logs, may, width, most, settled)
    if (weak or not found.settled) and not soft and free is None:
        # forward differences stop short of the minimum along a flat valley
        def fine(logs: Array) -> tuple[Array, Array]:
            return problem.residuals(logs), problem.slopes(logs)

        again, _ = _searched(problem, fine, found.logs, may, width, most, settled)
        found = again._replace(evaluations=found.evaluations + again.evaluations)
    return found


def _searched(
    problem: Problem,
    evaluate: Callable[[Array], tuple[Array, Array]],
    logs: Array,
    may: NDArray[np.bool_],
    width: float,
    most: int,
    settled: float,
) -> tuple[Minimum, bool]:
    """The end of a search, and whether a direction there is too weak for its slopes."""
    low, high = problem.ends
    radius, found = _FIRST, _Loss(*evaluate(logs), width)
    freedom = max(1, found.points - int(may.sum()))
    evaluations, failed, done = 1, 0, False
    bend = np.zeros_like(found.curvature)  # of residuals times their second derivatives
    for _ in range(most):
        step, fall = _step(found, found.curvature + bend, may, logs, low, high, radius)
        trial = np.minimum(np.maximum(logs + step, low), high)
        length = float(abs(trial - logs).max())
        least_fall = settled * found.loss / freedom
        done = fall <= least_fall or length < 1e-13
        if length < _LINE and fall <= 100 * least_fall and width == np.inf:
            residuals = found.residuals + found.slopes @ (trial - logs)
            logs, found, done = trial, _Loss(residuals, found.slopes, width), True
        if done or failed > 12:
            break
        evaluations += 1
        try:
            there = _Loss(*evaluate(trial), width)
        except OpenmrError:  # the model refuses such a sample
            there = None
        gain = -np.inf if there is None else (found.loss - there.loss) / fall
        if not gain > 0:
            bend[:] = 0.0
        elif there is not None and length < _SECANTS:
            bend += _learnt(found, there, trial - logs, bend)
        if there is not None and gain > 0:
            logs, found, failed = trial, there, 0
        else:
            failed += 1
        if gain > 0.75:
            radius = max(radius, 3.0 * length)
        elif gain < 0.25:
            radius = 0.25 * length
    values = np.linalg.eigvalsh(found.curvature[may][:, may])
    weak = bool(values[:1].min(initial=np.inf) < _WEAK**2 * values[-1:].max(initial=0.0))
    end = Minimum(logs, found.loss, evaluations, done, found.residuals, found.slopes)
    return end, weak


def _learnt(before: _Loss, after: _Loss, step: Array, bend: Array) -> Array:
    """Symmetric change of rank one by which `bend` explains a step [DennisGayWelsch1981]."""
    missed = (after.slopes - before.slopes).T @ after.residuals - bend @ step
    along = float(missed @ step)
    if abs(along) <= 1e-8 * np.linalg.norm(missed) * np.linalg.norm(step):
        return np.zeros_like(bend)
    return np.outer(missed, missed) / along


class _Loss:
    """Loss, its gradient and its curvature at a point."""

    def __init__(self, residuals: Array, slopes: Array, width: float) -> None:
        weighted = residuals
        if width < np.inf:
            root = np.sqrt(1 + (residuals / width) ** 2)
            self.loss = float(2 * width**2 * np.sum(root - 1))
            weighted, slopes = residuals / root, slopes / np.sqrt(root)[:, None]
            self.gradient = (slopes * np.sqrt(root)[:, None]).T @ weighted
        else:
            self.loss = float(residuals @ residuals)
            self.gradient = slopes.T @ weighted
        self.residuals, self.slopes = weighted, slopes
        self.curvature = slopes.T @ slopes
        self.points = len(residuals)


def _step(
    found: _Loss,
    curvature: Array,
    may: NDArray[np.bool_],
    logs: Array,
    low: Array,
    high: Array,
    radius: float,
) -> tuple[Array, float]:
    """Step within the radius that lowers the quadratic model of the loss, and by how much."""
    may = may.copy()
    step = np.zeros(len(logs))
    for _ in range(len(logs) + 1):
        step[:] = 0.0
        if not may.any():
            return step, 0.0
        at = np.flatnonzero(may)
        values, vectors = np.linalg.eigh(curvature[at][:, at])
        along = vectors.T @ found.gradient[at]
        values = np.maximum(values, 1e-13 * values[-1] + 1e-300)
        damping = 0.0
        if hypot(*along / values) > radius:
            small, damping = 0.0, hypot(*along) / radius
            for _ in range(40):
                between = sqrt(small * damping) if small else 0.5 * damping
                if hypot(*along / (values + between)) > radius:
                    small = between
                else:
                    damping = between
                if damping < 1.1 * small:
                    break
        step[at] = vectors @ (-along / (values + damping))
        outside = ((logs <= low) & (step < 0)) | ((logs >= high) & (step > 0))
        if not outside.any():
            break
        may &= ~outside
    fall = -float(2 * found.gradient @ step + step @ curvature @ step)
    return step, fall


def full_errors(problem: Problem, logs: Array, local: Determined, limit: float) -> Array:
    """Standard deviations of ln p, none of them conditional on what is hardly determined."""
    errors = local.errors
    ended = problem.at_an_end(logs)
    strides = [
        min(3 * c.uncertainty, _STRIDE) * _direction(problem.names, c)
        for c in local.combinations
        if c.uncertainty > _LINEAR
    ]
    walked = {int(np.argmax(np.abs(stride))) for stride in strides}
    for column in np.flatnonzero(ended):
        variance = local.covariance[column, column]
        slope = local.covariance[column] / (variance or 1.0)
        errors = np.maximum(errors, np.abs(_STRIDE * slope))  # where no walk may go
        if column not in walked:
            strides.append(_STRIDE * np.eye(len(logs))[column])
    for stride in strides:
        for sign in (-1, 1):
            errors = np.maximum(errors, _walk(problem, logs, sign * stride, limit))
    return np.where(ended, np.inf, errors)


def _direction(names: tuple[str, ...], combination: Combination) -> Array:
    """The powers as a direction in ln p, the largest component 1."""
    powers = dict(combination.exponents)
    return np.array([powers.get(name, 0.0) for name in names])


def _walk(problem: Problem, found: Array, stride: Array, limit: float) -> Array:
    """Largest errors of ln p that chi^2 tells along a valley.

    In a linear model a change over the root of the rise of chi^2 is at most the standard deviation
    of the whole fit, and so are the errors anywhere.
    """
    held = int(np.argmax(np.abs(stride)))
    lowest = problem.chi_square(found)
    low, high = problem.ends
    errors, logs = np.zeros(len(found)), found
    while low[held] <= logs[held] + stride[held] <= high[held]:
        logs = np.clip(logs + stride, 0.98 * low, high - 0.02 * np.log(REACH))
        try:
            logs = with_held(problem, logs, held)
            rise = problem.chi_square(logs) - lowest
            if rise > _FARTHEST:
                break
            errors = np.maximum(errors, np.abs(logs - found) / np.sqrt(max(rise, 1.0)))
            if rise <= 1:
                there = determined(problem.names, problem.error_slopes(logs), limit)
                errors = np.maximum(errors, there.errors)
        except OpenmrError:  # the model refuses such a sample
            break
    return errors


def with_held(problem: Problem, logs: Array, held: int) -> Array:
    """Logarithms for the least chi^2 with one of them held, to a hundredth of a chi^2."""
    free = np.arange(len(logs)) != held
    if not np.any(free):
        return logs
    return least(problem, logs, free=free, most=_MOST_TRIALS, settled=1e-2).logs


def sensitivities(model: Callable[[Array], Array], logs: Array) -> Array:
    """Slopes d model_i / d logs_j (..., m), in units of the model, to fourth order."""
    return differences(lambda table: np.stack([model(row) for row in table]), logs)


def differences(models: Callable[[Array], Array], logs: Array) -> Array:
    """The same of a function that takes all points (k, m) at once, (k, ...)."""
    steps = np.array([1.0, -1.0, 2.0, -2.0])[:, None, None] * (_STEP * np.eye(len(logs)))
    found = models((logs + steps).reshape(-1, len(logs)))
    up, down, far_up, far_down = found.reshape(4, len(logs), *found.shape[1:])
    slopes = (8 * (up - down) - (far_up - far_down)) / (12 * _STEP)
    return np.moveaxis(slopes, 0, -1)
