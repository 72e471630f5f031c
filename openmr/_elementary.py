"""Elementary functions of a number or of an array.

A formula written with them takes both: many points as an array, one as a float, on which Python
works ten times faster than NumPy on an array of one. For type checkers both are arrays.
"""

# mypy: disable-error-code="arg-type, return-value, no-any-return"

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_LARGEST_POWER = 709.78  # of e


def plain(values: NDArray[Any]) -> Any:
    """A float instead of an array without axes; other arrays as they are."""
    return values.item() if values.ndim == 0 else values


def exp(x: Any) -> Array:
    """e^x."""
    return math.exp(x) if isinstance(x, float) else np.exp(x)


def expm1(x: Any) -> Array:
    """e^x - 1, infinite where that is beyond the largest number."""
    if isinstance(x, float):
        return math.expm1(x) if x < _LARGEST_POWER else math.inf
    with np.errstate(over="ignore"):
        return np.expm1(x)


def tanh(x: Any) -> Array:
    """Hyperbolic tangent."""
    return math.tanh(x) if isinstance(x, float) else np.tanh(x)


def sin(x: Any) -> Array:
    """Sine."""
    return math.sin(x) if isinstance(x, float) else np.sin(x)


def cos(x: Any) -> Array:
    """Cosine."""
    return math.cos(x) if isinstance(x, float) else np.cos(x)


def tan(x: Any) -> Array:
    """Tangent."""
    return math.tan(x) if isinstance(x, float) else np.tan(x)


def sqrt(x: Any) -> Array:
    """Square root."""
    return math.sqrt(x) if isinstance(x, float) else np.sqrt(x)


def maximum(x: Any, y: Any) -> Array:
    """The larger one, element by element."""
    return max(x, y) if isinstance(x, float) else np.maximum(x, y)


def minimum(x: Any, y: Any) -> Array:
    """The smaller one, element by element."""
    return min(x, y) if isinstance(x, float) else np.minimum(x, y)


def where(condition: Any, x: Any, y: Any) -> Array:
    """`x` where the condition holds, else `y`."""
    return (x if condition else y) if isinstance(condition, bool) else np.where(condition, x, y)


def some(condition: Any) -> bool:
    """Whether it holds anywhere; `any` has more Python around it than work."""
    return condition if isinstance(condition, bool) else np.count_nonzero(condition) > 0


def every(condition: Any) -> bool:
    """Whether it holds everywhere."""
    if isinstance(condition, bool):
        return condition
    return bool(np.count_nonzero(condition) == condition.size)


def largest(x: Any) -> float:
    """The largest number."""
    return float(x if isinstance(x, float) else x.max())
