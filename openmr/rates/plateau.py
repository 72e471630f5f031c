"""The time window in which a generator stands still, between memory and relaxation.

Generators act on (1, sigma) and are recorded at even times; times are in beta hbar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openmr._checks import Array, ExtractionError

STEP = 0.25
"""Spacing of the times at which the generator is recorded [beta hbar]."""
STEPS = 16
"""The slowest memory of a wide band decays as exp(-2 pi t): to 1e-8 at t = 3, of 4 recorded."""
WINDOW = 4
"""Steps in the window on which the generator must stand still: one thermal time."""
VARIATION_LIMIT = 0.1
"""No plateau where the rates vary by more than this, of the largest, in the best window."""


@dataclass(frozen=True, slots=True)
class Plateau:
    """The window in which a generator stands still; rates in 1/(beta hbar)."""

    generator: Array  # (4, 4), mean over the window
    variation: Array  # (3, 3), largest less smallest value of each rate in the window
    first: int  # the window's first recorded time

    @property
    def largest(self) -> float:
        """Largest rate."""
        return float(np.abs(relaxation_part(self.generator)).max())

    @property
    def window(self) -> slice:
        """The recorded times that belong to it."""
        return slice(self.first, self.first + WINDOW + 1)

    @property
    def start(self) -> float:
        """First time [beta hbar]."""
        return STEP * self.first

    @property
    def end(self) -> float:
        """Last time [beta hbar]."""
        return STEP * (self.first + WINDOW)


def relaxation_part(generator: Array) -> Array:
    """Symmetric part of the Bloch tensor of a generator on (1, sigma): shape (..., 3, 3)."""
    tensor = -generator[..., 1:, 1:]
    return np.asarray(0.5 * (tensor + np.swapaxes(tensor, -1, -2)))


def find_plateau(generators: Array, lasting: bool) -> Plateau:
    """The window of `WINDOW` steps in which the rates of generators (t, 4, 4) change least.

    `lasting`: the generator stands still for ever once the memory is over. If not (the back-action
    of a free moment has no end), a late window in which drift and oscillation cancel is no plateau:
    then it is the first window whose neighbours both vary more.
    """
    windows = np.lib.stride_tricks.sliding_window_view(generators, WINDOW + 1, axis=0)
    variation = np.ptp(relaxation_part(np.moveaxis(windows, -1, 1)), axis=1)
    largest = variation.max(axis=(-2, -1))
    rising = np.flatnonzero(np.diff(largest) > 0)
    first = int(np.argmin(largest) if lasting or not len(rising) else rising[0])
    return Plateau(windows[first].mean(axis=-1), variation[first], first)


def check_plateau(plateau: Plateau) -> None:
    """Raise `ExtractionError` where the generator never stands still."""
    worst = float(plateau.variation.max()) / plateau.largest
    if worst > VARIATION_LIMIT:
        raise ExtractionError(
            f"the generator has no plateau: where it changes least, from {plateau.start:g} to "
            f"{plateau.end:g} beta hbar, its rates vary by {worst:.2g} of the largest (allowed "
            f"{VARIATION_LIMIT:g}); the spin relaxes in {1 / plateau.largest:.3g} beta hbar, not "
            "long after the bath's memory of about one: weaken the exchange, raise the "
            'temperature or hold the moment (`moment="held"`)'
        )
