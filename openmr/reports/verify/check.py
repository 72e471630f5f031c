"""One number that ships beside the same number found another way, and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from openmr.tables import Comparison

TENSOR_TOLERANCE: Final = 1e-12
"""Part of the largest rate: some thousand roundings of the tensor's sums."""


class Allowance(NamedTuple):
    """Scale of a deviation, the largest that is allowed, and why."""

    scale: float
    tolerance: float
    because: str


def relative(scale: float, tolerance: float, because: str = "rounding") -> Allowance:
    """Allowance of a deviation over the number itself."""
    return Allowance(abs(float(scale)) or 1.0, tolerance, f"relative; {because}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Comparison):
    """One number that ships, beside the same number found another way, both in `unit`.

    Of a station of the line. Its kind is "number", "law", which leaves zero, or "zero", where both
    sides are less than what is allowed.
    """

    station: str
    kind: str
    case: str
    quantity: str
    equation: str
    unit: str
    closed_form: float
    numerical: float


def check(
    case: str,
    allowance: Allowance,
    route: str,
    quantity: str,
    equation: str,
    unit: str,
    closed_form: ArrayLike,
    numerical: ArrayLike,
    *,
    kind: str = "",
    show: Callable[[float], float] = float,
) -> Check:
    """One check; `show` turns the compared number into the one that is printed."""
    scale, tolerance, because = allowance
    value, found = float(np.squeeze(closed_form)), float(np.squeeze(numerical))
    is_zero = max(abs(value), abs(found)) <= scale * tolerance
    return Check(
        station="",
        kind=kind or ("zero" if is_zero else "number"),
        case=case,
        quantity=quantity,
        equation=equation,
        unit=unit,
        route=route,
        closed_form=show(value) + 0.0,
        numerical=show(found) + 0.0,
        deviation=abs(found - value) / scale,
        tolerance=tolerance,
        because=because,
    )
