"""A 3x3 generator from recorded spins: windows, first guess and least-squares fit.

Times and rates are in mutually inverse units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import expm, logm
from scipy.optimize import least_squares

from openmr._checks import Array, ExtractionError

STEPS = 64
"""Samples per window, besides the first."""
DECAYS = 3.0
"""A window lasts this many decay times of its rate."""
LONGEST = 1e3
"""Longest window over the shortest; a slower rate gets an uncertainty instead of a window."""
RESIDUAL_LIMIT = 1e-6
"""Largest misfit, of the initial polarisation; keeps errors below 1e-5 of the largest rate."""


@dataclass(frozen=True, slots=True)
class GeneratorFit:
    """A fitted 3x3 generator and how well it describes the data (times in the unit of the data)."""

    generator: Array
    standard_error: Array
    residual: float


def decay(generator: Array, step: float, first: Array) -> Array:
    """exp(-generator k step) first for k = 0 ... STEPS, shape (STEPS + 1, 3, 3)."""
    power = expm(-generator * step)
    states = first[None]
    while len(states) <= STEPS:  # doubling: six products instead of STEPS
        states = np.concatenate([states, power @ states])
        power = power @ power
    return states[: STEPS + 1]


def fit_generator(windows: Sequence[tuple[float, Array]], guess: Array) -> GeneratorFit:
    """Least-squares 3x3 generator of several decays sampled at even steps.

    Parameters
    ----------
    windows : sequence of (step, signal)
        Signal of shape (STEPS + 1, 3, 3): component, initial direction; its first sample is taken
        as the initial value.
    guess : array (3, 3)
        Good enough that no window is off by a period.

    Returns
    -------
    GeneratorFit

    Raises
    ------
    ExtractionError
        If the misfit exceeds `RESIDUAL_LIMIT` of the initial polarisation.
    """
    scale = float(np.abs(guess).max())

    def misfit(flat: Array) -> Array:
        generator = scale * flat.reshape(3, 3)
        return np.concatenate(
            [(decay(generator, step, data[0]) - data)[1:].ravel() for step, data in windows]
        )

    # central differences: a forward step cannot resolve 1e-9 of a rate
    solution = least_squares(
        misfit,
        guess.ravel() / scale,
        jac="3-point",
        method="lm",
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    residual = float(np.abs(solution.fun).max())
    if not residual <= RESIDUAL_LIMIT:
        raise ExtractionError(
            f"one 3x3 generator does not describe the recorded spins: misfit {residual:.2g} of the "
            f"initial polarisation, allowed {RESIDUAL_LIMIT:g}; a faster thermostat or tighter "
            "solver `options` may help"
        )
    degrees = max(1, solution.fun.size - 9)
    jacobian = np.asarray(solution.jac)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * (solution.fun @ solution.fun)
    error = scale * np.sqrt(np.maximum(np.diag(covariance), 0.0) / degrees)
    return GeneratorFit(scale * solution.x.reshape(3, 3), error.reshape(3, 3), residual)


def initial_guess(step: float, signal: Array) -> Array:
    """Generator from neighbouring samples, for steps short against every rate and period."""
    before = np.concatenate(list(signal[:-1]), axis=1)
    after = np.concatenate(list(signal[1:]), axis=1)
    propagator = after @ np.linalg.pinv(before)
    return np.asarray(-np.real(logm(propagator)) / step)


def window_lengths(generator: Array) -> list[float]:
    """One window per distinct decay rate of the generator."""
    rates = np.sort(np.linalg.eigvals(generator).real)[::-1]
    kept: list[float] = []
    for rate in np.maximum(rates, rates[0] / LONGEST):
        length = float(DECAYS / rate)
        if not kept or length > 1.5 * kept[-1]:
            kept.append(length)
    return kept
