"""Least squares over logarithms of parameters, and errors that hang on nothing that is open.

The minimum is lmfit's. Around it a direction that the data hardly determine is followed through its
range, the other parameters fitted again at each stride, as a profile of chi^2 would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, OpenmrError
from openmr.data.identifiability import NOISE_FLOOR, REACH, Combination, Determined, determined

_STEP: Final[float] = 1e-3
"""Relative step of the differences of fourth order, good to 1e-10 of the largest sensitivity."""
_LINEAR: Final[float] = 0.1
"""Relative uncertainty up to which the model is as good as linear in ln p."""
_STRIDE: Final[float] = np.log(10.0)
"""Longest step in ln p of the walk along what the data hardly determine."""
_MOST_TRIALS: Final[int] = 25
"""Trials of a fit in the walk; one that takes longer starts far above any allowed chi^2."""
_FARTHEST: Final[float] = 9.0
"""Rise of chi^2 at which the walk ends: three standard deviations."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Data beside a model that takes logarithms of parameters over their starts."""

    names: tuple[str, ...]
    model: Callable[[Array], Array]
    longitudinal: Array
    scale: Array
    ends: Array  # (2, m)

    def residuals(self, logs: Array) -> Array:
        """Model less data in standard deviations, shape (n,)."""
        return (self.model(logs) - self.longitudinal) / self.scale

    def slopes(self, logs: Array, free: NDArray[np.bool_] | None = None) -> Array:
        """Sensitivities S_ij, to the free parameters alone if so asked."""
        return sensitivities(self.model, logs, free) / self.scale[:, None]

    def at_rest(self, logs: Array) -> bool:
        """Whether a Newton step moves no product by a hundredth of its standard deviation."""
        residuals, slopes = self.residuals(logs), self.slopes(logs)
        left, singular, _ = np.linalg.svd(slopes, full_matrices=False)
        steps = (left.T @ residuals)[singular > NOISE_FLOOR * singular[0]]
        noise = np.sqrt(residuals @ residuals / len(residuals))
        return bool(np.all(np.abs(steps) <= 0.01 * noise))

    def at_an_end(self, logs: Array) -> NDArray[np.bool_]:
        """Parameters driven to an end of their range, and so not found."""
        low, high = self.ends
        return np.asarray((logs < 0.99 * low) | (logs > high - 0.01 * np.log(REACH)))


def least(problem: Problem, logs: Array, *, known: bool) -> Any:
    """Least squares from `logs`: lmfit's record."""
    # relative step 1e-5: the equilibrium is good to 1e-14
    near = _minimized(problem, logs, epsfcn=1e-10, scale_covar=not known)
    if not near.success or problem.at_rest(logs_of(near.params)):
        return near
    # those forward differences, good to 1e-5, stop short of the minimum along a flat valley
    result = _minimized(
        problem,
        logs_of(near.params),
        Dfun=lambda p: problem.slopes(logs_of(p)),
        scale_covar=not known,
    )
    result.nfev += near.nfev
    return result


def _with_held(problem: Problem, logs: Array, held: int) -> Array:
    """Logarithms for the least chi^2 with one of them held, to a hundredth of a chi^2."""
    free = np.arange(len(logs)) != held
    if not np.any(free):
        return logs
    result = _minimized(
        problem,
        logs,
        held=held,
        Dfun=lambda p: problem.slopes(logs_of(p), free),
        ftol=1e-4,
        max_nfev=_MOST_TRIALS,
    )
    return logs_of(result.params)


def _minimized(problem: Problem, logs: Array, held: int | None = None, **options: Any) -> Any:
    lmfit = lmfit_module()
    varied = lmfit.Parameters()
    for column, name in enumerate(problem.names):
        low, high = problem.ends[:, column]
        varied.add(
            name.replace(".", "_"), value=logs[column], min=low, max=high, vary=column != held
        )
    return lmfit.minimize(
        lambda p: problem.residuals(logs_of(p)), varied, method="leastsq", **options
    )


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
    least = np.sum(problem.residuals(found) ** 2)
    low, high = problem.ends
    errors, logs = np.zeros(len(found)), found
    while low[held] <= logs[held] + stride[held] <= high[held]:
        logs = np.clip(logs + stride, 0.98 * low, high - 0.02 * np.log(REACH))
        try:
            logs = _with_held(problem, logs, held)
            rise = np.sum(problem.residuals(logs) ** 2) - least
            if rise > _FARTHEST:
                break
            errors = np.maximum(errors, np.abs(logs - found) / np.sqrt(max(rise, 1.0)))
            if rise <= 1:
                there = determined(problem.names, problem.slopes(logs), limit)
                errors = np.maximum(errors, there.errors)
        except OpenmrError:  # the model refuses such a sample
            break
    return errors


def sensitivities(
    model: Callable[[Array], Array], logs: Array, free: NDArray[np.bool_] | None = None
) -> Array:
    """Slopes d model_i / d logs_j (n, m), in units of the model, to fourth order.

    `free` (m,) chooses the columns; all of them unless given.
    """
    steps = _STEP * np.eye(len(logs))
    if free is not None:
        steps = steps[free]

    def slope(step: Array) -> Array:
        near = model(logs + step) - model(logs - step)
        far = model(logs + 2 * step) - model(logs - 2 * step)
        return np.asarray((8 * near - far) / (12 * _STEP))

    return np.stack([slope(step) for step in steps], axis=-1)


def logs_of(varied: Any) -> Array:
    """The values of lmfit's parameters, which are ln(value / start)."""
    return np.array(list(varied.valuesdict().values()))


def lmfit_module() -> Any:
    """lmfit, or where it comes from."""
    try:
        return import_module("lmfit")
    except ImportError as error:
        raise ImportError("fits need lmfit: pip install '.[fit]' in a clone") from error
