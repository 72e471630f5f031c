"""Argument checks: one form of message, naming argument, value, allowed range and unit."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
LONGEST = 120
"""Characters of a rejected value that a message shows."""


class OpenmrError(Exception):
    """Any failure that openmr reports on purpose."""


class ParameterError(OpenmrError, ValueError):
    """An argument outside its allowed range."""


class SizeError(ParameterError):
    """A request that would need more memory than is sensible; the message carries the estimate."""


class ConvergenceError(OpenmrError, RuntimeError):
    """An iteration that did not converge."""


class ExtractionError(OpenmrError, RuntimeError):
    """Rates that could not be read off the evolved spins."""


def _reject(name: str, allowed: str, unit: str, value: Any) -> ParameterError:
    unit = f" {unit}" if unit else ""
    if isinstance(value, np.generic):
        value = value.item()
    shown = " ".join(repr(value).split())
    if len(shown) > LONGEST:
        shown = shown[:LONGEST] + " ..."
    return ParameterError(f"`{name}` must be {allowed}{unit}, got {shown}")


def finite_array(name: str, value: ArrayLike, unit: str = "") -> Array:
    """`value` as a float array of any shape without NaN or infinity."""
    allowed = "finite real numbers" if unit == "" else "finite real numbers in"
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "iufO" or np.ma.is_masked(value):  # no dates, words or masks
            raise TypeError
        array = given.astype(float)
    except (OverflowError, TypeError, ValueError):
        raise _reject(name, allowed, unit, value) from None
    if not np.all(np.isfinite(array)):
        shown = value if array.ndim == 0 else array[~np.isfinite(array)][0]
        raise _reject(name, allowed, unit, shown)
    return array


def positive_array(name: str, value: ArrayLike, unit: str = "") -> Array:
    """`value` as an array of positive finite numbers."""
    array = finite_array(name, value, unit)
    if not np.all(array > 0):
        worst = float(array.min())
        raise _reject(name, "> 0", unit, worst)
    return array


def number(
    name: str,
    value: Any,
    unit: str = "",
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    infinite: bool = False,
) -> float:
    """`value` as one real number within the stated bounds."""
    bounds = [
        f"> {above:g}" if above is not None else "",
        f">= {least:g}" if least is not None else "",
        f"<= {most:g}" if most is not None else "",
    ]
    allowed = " and ".join(["one real number", *filter(None, bounds)])
    try:
        if np.asarray(value).dtype.kind not in "iufO" or np.ndim(value) != 0:
            raise TypeError
        converted = float(value)
    except (OverflowError, TypeError, ValueError):
        raise _reject(name, allowed, unit, value) from None
    good = (np.isfinite(converted) or (infinite and converted == np.inf)) and not (
        (above is not None and converted <= above)
        or (least is not None and converted < least)
        or (most is not None and converted > most)
    )
    if not good:
        raise _reject(name, allowed, unit, value)
    return converted


def half_integer(name: str, value: Any) -> float:
    """`value` as a spin 1/2, 1, 3/2, ..."""
    try:
        spin = number(name, value, above=0.0)
    except ParameterError:
        spin = 0.25
    if 2 * spin != round(2 * spin):
        raise _reject(name, "a positive half-integer (1/2, 1, 3/2, ...)", "", value)
    return spin


def exactly_one(**arguments: Any) -> str:
    """Name of the one argument that was given (is not None)."""
    given = [name for name, value in arguments.items() if value is not None]
    if len(given) != 1:
        names = " and ".join(f"`{name}`" for name in arguments)
        values = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        raise ParameterError(f"exactly one of {names} must be given, got {values}")
    return given[0]


def choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """`value` if it is one of the allowed words."""
    known = list(allowed)
    if not isinstance(value, str) or value not in known:
        words = ", ".join(repr(word) for word in known)
        raise ParameterError(f"`{name}` must be one of {words}, got {value!r}")
    return value


def instance(name: str, value: Any, kind: type) -> None:
    """Raise unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise _reject(name, f"an openmr.{kind.__name__}", "", value)


def unit_vectors(name: str, value: ArrayLike) -> Array:
    """`value` (..., 3) scaled to length one."""
    try:
        array = finite_array(name, value)
    except ParameterError:
        raise _reject(name, "finite real numbers (x, y, z) along a last axis", "", value) from None
    if array.ndim == 0 or array.shape[-1] != 3:
        raise ParameterError(
            f"`{name}` must have a last axis (x, y, z) of length 3, got shape {array.shape}"
        )
    largest = np.max(np.abs(array), axis=-1, keepdims=True)
    if not np.all(largest > 0):
        raise ParameterError(f"`{name}` must have a length > 0, got {np.zeros(3).tolist()}")
    scaled = array / largest
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))


def broadcast(**arrays: Array) -> list[Array]:
    """The arrays, broadcast against each other."""
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"`{name}` {array.shape}" for name, array in arrays.items())
        raise ParameterError(
            f"shapes must broadcast, got {shapes}; a grid needs an axis more: [:, None]"
        ) from None


def joint_dimension(name: str, spins: Sequence[float], *, most: int) -> int:
    """Dimension of electron spin (x) moments, refused above `most` with an estimate."""
    dimension = 2
    for spin in spins:
        dimension *= round(2 * spin + 1)
    if dimension > most:
        gibibytes = 16.0 * float(dimension) ** 4 / 2**30
        raise SizeError(
            f"`{name}` must span a joint space of dimension <= {most}, got {dimension} "
            f"(a dense superoperator would take {gibibytes:.3g} GiB)"
        )
    return dimension
