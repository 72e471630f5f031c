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
_DECAYS = 3.0
"""A window lasts this many decay times of its rate."""
LONGEST = 1e3
"""Longest window over the shortest; a slower rate gets an uncertainty instead of a window."""
_RESIDUAL_LIMIT = 1e-6
"""Largest misfit, of the initial polarisation; keeps errors below 1e-5 of the largest rate."""
_HOPELESS = 1e30
"""Misfit of a trial generator that overflows."""
_DIFFERENCE = 6e-6  # cube root of the rounding, in units of the fastest decay


@dataclass(frozen=True, slots=True)
class GeneratorFit:
    """A fitted 3x3 generator and how well it describes the data."""

    generator: Array  # (3, 3)
    error: Array  # (3, 3), largest change of each element that the misfit allows
    residual: float  # largest misfit, of the initial polarisation


def decay(generator: Array, step: float, first: Array, steps: int = STEPS) -> Array:
    """exp(-generator k step) first (3, m) for k = 0 ... steps, shape (..., steps + 1, 3, m)."""
    power = expm(-generator * step)
    states = np.broadcast_to(first, (*power.shape[:-1], first.shape[-1]))[..., None, :, :]
    while states.shape[-3] <= steps:  # doubling: six products instead of 64
        states = np.concatenate([states, power[..., None, :, :] @ states], axis=-3)
        power = power @ power
    return states[..., : steps + 1, :, :]


def fit_generator(windows: Sequence[tuple[float, Array]], guess: Array) -> GeneratorFit:
    """Least-squares 3x3 generator of several decays sampled at even steps.

    `windows` are steps and signals (STEPS + 1, 3, 3): component, initial direction; the first
    sample is taken as the initial value. The `guess` (3, 3) must be good enough that no window is
    off by a period. `ExtractionError` if the misfit exceeds `_RESIDUAL_LIMIT`.
    """
    # one plus the change of the guess in units of its fastest decay: a precession millions of
    # times faster must not set the steps, nor a change near zero what counts as settled
    scale = float(np.abs(np.linalg.eigvals(guess).real).max()) or float(np.abs(guess).max())

    def misfit(trial: Array) -> Array:
        batch = trial.shape[:-1]
        generator = guess + scale * (trial - 1).reshape(*batch, 3, 3)
        with np.errstate(over="ignore", invalid="ignore"):  # a trial that grows without bound
            parts = [decay(generator, step, data[0]) - data for step, data in windows]
        flat = np.concatenate([part[..., 1:, :, :].reshape(*batch, -1) for part in parts], axis=-1)
        return np.asarray(np.nan_to_num(flat, nan=_HOPELESS, posinf=_HOPELESS, neginf=-_HOPELESS))

    def slopes(trial: Array) -> Array:
        # central differences: a forward step cannot resolve 1e-9 of a rate
        up, down = (misfit(trial + step * np.eye(9)) for step in (_DIFFERENCE, -_DIFFERENCE))
        return np.asarray((up - down).T / (2 * _DIFFERENCE))

    solution = least_squares(
        misfit, np.ones(9), jac=slopes, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    residual = float(np.abs(solution.fun).max())
    if not residual <= _RESIDUAL_LIMIT:
        raise ExtractionError(
            f"one 3x3 generator does not describe the recorded spins: misfit {residual:.2g} of the "
            f"initial polarisation, allowed {_RESIDUAL_LIMIT:g}; a faster thermostat or tighter "
            "solver `options` may help"
        )
    # The misfit is rounding and truncation, not independent noise: take the largest change that
    # misfits of this size can cause. (By the singular values of the Jacobian; its square would lose
    # the difference of the transverse rates, which a fast precession averages out.)
    left, singular, right = np.linalg.svd(np.asarray(solution.jac), full_matrices=False)
    if singular[-1] <= np.finfo(float).eps * singular[0]:
        raise ExtractionError("the recorded spins do not determine all elements of the generator")
    response = np.abs((right.T / singular) @ left.T).sum(axis=1)
    return GeneratorFit(
        generator=guess + scale * (solution.x - 1).reshape(3, 3),
        error=scale * residual * response.reshape(3, 3),
        residual=residual,
    )


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
        length = float(_DECAYS / rate)
        if not kept or length > 1.5 * kept[-1]:
            kept.append(length)
    return kept
