"""Deviations of a formula from what was found, and the order of its error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from openmr._checks import Array
from openmr.reports.ledger.entries import order_of_error

ANGLES: Final = np.array([0.1, 0.05, 0.025])
"""theta_SH for orders of errors."""
ROUNDING: Final = 1e-12
ORDER: Final = "of the order; the next power, theta^6, bends the slope by theta^2"

Pairs = list[tuple[Any, Any]]
"""(arguments of a formula, what it should give)."""


def deviation(formula: Callable[..., Any], pairs: Pairs) -> float:
    """Largest deviation over all pairs, relative to the largest element expected of each."""
    worst = 0.0
    for arguments, expected in pairs:
        miss = np.abs(np.asarray(formula(*arguments)) - expected).max()
        worst = max(worst, float(miss / np.abs(expected).max()))
        if not np.isfinite(miss):
            return float("inf")
    return worst


class Series(NamedTuple):
    """Pairs for falling values of a small parameter, and the scale of each error."""

    sizes: Array
    pairs: list[Pairs]


def order(formula: Callable[..., Any], series: Series) -> float:
    """Order of the largest error in the small parameter."""
    errors = [
        max(
            float(np.abs(np.asarray(formula(*given)) - expected).max()) for given, expected in pairs
        )
        for pairs in series.pairs
    ]
    return order_of_error(series.sizes, errors)


def nothing() -> float:
    """Zero, for what is said to vanish."""
    return 0.0
