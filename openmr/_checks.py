"""Argument checks: one form of message, naming argument, value, allowed range and unit."""

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from importlib import import_module
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr._elementary import every, maximum, plain, some, sqrt
from openmr._quantities import in_unit

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
EPSILON = float(np.finfo(float).eps)
SMALLEST = float(np.finfo(float).tiny)  # below it numbers lose their relative precision
_LARGEST = float(np.finfo(float).max)
_PLAIN = (float, int)  # what most calls give, and `True` is not
_LONGEST = 120
"""Characters of a rejected value that a message shows."""


_LONGEST_MESSAGE = 600


class OpenmrError(Exception):
    """Any failure that openmr reports on purpose, in one line of no more than some lines."""

    def __init__(self, message: str = "", *more: Any) -> None:
        line = " ".join(str(message).split())
        if len(line) > _LONGEST_MESSAGE:
            line = f"{line[: _LONGEST_MESSAGE - 200]} ... {line[-150:]}"
        super().__init__(line, *more)


class ParameterError(OpenmrError, ValueError):
    """An argument outside its allowed range."""


class SizeError(ParameterError):
    """A request that would need more memory than is sensible; the message carries the estimate."""


class ConvergenceError(OpenmrError, RuntimeError):
    """An iteration that did not converge."""


class ExtractionError(OpenmrError, RuntimeError):
    """Rates that could not be read off the evolved spins."""


class MissingPackageError(OpenmrError, ImportError):
    """A package that only some parts of openmr need, and that is not installed."""


class WorkerError(OpenmrError, RuntimeError):
    """Work that was handed to others and did not come back."""


class WriteError(OpenmrError, OSError):
    """A file or store that could not be written; the message names it."""

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.errno = getattr(cause, "errno", None)


def shown(value: Any) -> str:
    """`value` in one line."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        line = " ".join(repr(value).split())
    except Exception:  # an integer of more than 4300 digits, and who fails to say what it is
        line = f"a {type(value).__name__}"
    return shortened(line)


def shortened(line: str) -> str:
    """A line of what somebody gave or said, not longer than a message can bear."""
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " ..."


def _reject(name: str, allowed: str, unit: str, value: Any) -> ParameterError:
    unit = f" {unit}" if unit else ""
    return ParameterError(f"`{name}` must be {allowed}{unit}, got {shown(value)}")


_NO_NUMBERS = (str, bytes, bytearray, memoryview, bool, np.bool_, np.datetime64, np.timedelta64)
"""Python would make numbers of their letters, of their truth, of their ticks."""


def is_masked(value: Any) -> bool:
    """Whether some of its numbers are; without numpy.ma, which is slow to load, none can be."""
    return "numpy.ma" in sys.modules and bool(np.ma.is_masked(value))


_MOST_NUMBERS = 2**28  # 2 GiB


def _has_switch(values: Sequence[Any]) -> bool:
    """Whether True or False is among numbers, of which NumPy would make 1 and 0."""
    if {float, int}.issuperset(map(type, values)):
        return False
    return any(
        _has_switch(one)
        if isinstance(one, list | tuple)
        else isinstance(one, bool) or getattr(getattr(one, "dtype", None), "kind", "") == "b"
        for one in values
    )


def _as_numbers(name: str, value: Any, unit: str = "", kinds: str = "iufO") -> NDArray[Any]:
    """`value` as an array of numbers in `unit`, without words, dates, switches, bytes or masks."""
    value = in_unit(name, value, unit)
    if isinstance(value, _NO_NUMBERS) or is_masked(value):
        raise TypeError
    given = np.asarray(value)
    if isinstance(value, Sequence) and given.ndim and _has_switch(value):
        raise TypeError
    if given.size > _MOST_NUMBERS:
        raise SizeError(
            f"`{name}` must hold at most {_MOST_NUMBERS:.2g} numbers, got {given.size:.3g} "
            f"({8 * given.size / 2**30:.3g} GiB)"
        )
    if given.dtype.kind == "O":
        given = in_unit(name, given, unit)
    if given.dtype.kind not in kinds:
        raise TypeError
    if given.dtype.kind == "O" and any(
        isinstance(one, _NO_NUMBERS) or one is np.ma.masked for one in given.flat
    ):
        raise TypeError
    if given.dtype.kind == "f" and given.dtype.itemsize > 8:  # a long double may be out of range
        with np.errstate(over="ignore", under="ignore"):
            short = given.astype(float)
        if np.any(np.isinf(short) & np.isfinite(given)):
            raise OverflowError
        return short
    return given


def finite_array(name: str, value: ArrayLike, unit: str = "", *, infinite: bool = False) -> Array:
    """`value` as a float array of any shape without NaN, and without infinity unless it may be."""
    if type(value) in _PLAIN and abs(value) <= _LARGEST:  # type: ignore[arg-type]
        return np.array(value, dtype=float)
    allowed = "finite real numbers" if unit == "" else "finite real numbers in"
    try:
        array = _as_numbers(name, value, unit).astype(float, order="C")
    except OpenmrError:
        raise
    except Exception:  # whatever the object makes of being asked for numbers
        raise _reject(name, allowed, unit, value) from None
    good = np.isfinite(array)
    if infinite:
        good |= array == np.inf
    if not every(good):
        raise _reject(name, allowed, unit, value if array.ndim == 0 else array[~good][0])
    return array


def positive_array(name: str, value: ArrayLike, unit: str = "") -> Array:
    """`value` as an array of positive finite numbers."""
    array = finite_array(name, value, unit)
    if not every(plain(array) > 0):
        raise _reject(name, "> 0", unit, float(array.min()))
    return array


def nonzero_array(name: str, value: ArrayLike) -> Array:
    """`value` as an array of finite numbers whose inverse is finite, too."""
    array = finite_array(name, value)
    small = np.abs(array) < SMALLEST
    if np.any(small):
        raise ParameterError(f"`{name}` must not be zero, got {shown(array[small][0])}")
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
    try:
        if type(value) is float:
            converted = value
        else:
            given = _as_numbers(name, value, unit)
            converted = float(given[()]) if given.ndim == 0 else np.nan
    except OpenmrError:
        raise
    except Exception:  # whatever the object makes of being asked for a number
        converted = np.nan
    if (
        (isfinite(converted) or (infinite and converted == np.inf))
        and (above is None or converted > above)
        and (least is None or converted >= least)
        and (most is None or converted <= most)
    ):
        return converted
    bounds = [
        f"> {above:g}" if above is not None else "",
        f">= {least:g}" if least is not None else "",
        f"<= {most:g}" if most is not None else "",
    ]
    allowed = " and ".join(["one real number", *filter(None, bounds)])
    raise _reject(name, allowed if any(bounds) or not unit else f"{allowed} in", unit, value)


def integer(name: str, value: Any, *, least: float, most: float | None = None) -> int:
    """`value` as one integer within the stated bounds, which are allowed."""
    found = number(name, value)
    if found != int(found) or found < least or (most is not None and found > most):
        allowed = (
            f"an integer >= {least:g}" if most is None else f"an integer {least:g} to {most:g}"
        )
        if least == most:
            allowed = f"{least:g}"
        raise _reject(name, allowed, "", value)
    return int(found)


def switch(name: str, value: Any) -> bool:
    """`value` as True or False; no other value stands for one of them."""
    if not isinstance(value, bool | np.bool_):
        raise _reject(name, "True or False", "", value)
    return bool(value)


class Range(NamedTuple):
    """Range of a quantity, far wider than in any sample, so that nothing overflows."""

    least: float
    most: float  # both ends are allowed
    unit: str
    hint: str = ""  # a number in a unit easily taken by mistake, and the same in `unit`

    def refuse(self, name: str, value: Any) -> ParameterError:
        """The error for a value outside."""
        if value <= 0 < self.least and not self.hint:
            return _reject(name, "> 0", self.unit, value)
        told = _reject(name, f"between {self.least:g} and {self.most:g}", self.unit, value)
        return ParameterError(f"{told} ({self.hint})") if self.hint else told

    def positive(self, name: str, value: Any, *, infinite: bool = False) -> float:
        """`value` as one positive number within the range."""
        found = number(name, value, self.unit, above=0.0, infinite=infinite)
        if not (self.least <= found <= self.most or found == np.inf):
            raise self.refuse(name, value)
        return found

    def one(self, name: str, value: Any) -> float:
        """`value` as one number within the range."""
        return float(self.hold(name, number(name, value, self.unit)))

    def hold(self, name: str, values: ArrayLike) -> Array:
        """`values` as a float array of any shape, all within the range."""
        array = finite_array(name, values, self.unit)
        given = plain(array)
        if some(outside := (given < self.least) | (given > self.most)):
            raise self.refuse(name, array[outside][0])
        return array


LARGEST_SPIN = 1e7
"""More than any moment or cluster has, and less than a density in the place of a spin."""


def half_integer(name: str, value: Any) -> float:
    """`value` as a spin 1/2, 1, 3/2, ..."""
    try:
        spin = number(name, value, above=0.0)
    except ParameterError:
        spin = 0.25
    if 2 * spin != round(2 * spin):
        raise _reject(name, "a positive half-integer (1/2, 1, 3/2, ...)", "", value)
    if spin > LARGEST_SPIN:
        raise _reject(name, f"a half-integer of at most {LARGEST_SPIN:g}", "", value)
    return spin


def half_integers(name: str, values: ArrayLike) -> Array:
    """`values` as an array of spins 1/2, 1, 3/2, ..."""
    array = finite_array(name, values)
    for spin in np.unique(array):
        half_integer(name, spin)
    return array


def finite_numbers(name: str, value: ArrayLike, unit: str = "") -> NDArray[Any]:
    """`value` as an array of finite real or complex numbers."""
    try:
        given = _as_numbers(name, value, unit, "iufcO")
    except OpenmrError:
        raise
    except Exception:
        given = np.asarray(None)
    if given.dtype.kind != "c":
        return finite_array(name, value, unit)
    if not np.all(np.isfinite(given)):
        allowed = "finite numbers" + (" in" if unit else "")
        raise _reject(name, allowed, unit, given[~np.isfinite(given)].ravel()[0])
    return given


def square_matrix(
    name: str, matrix: ArrayLike, size: int | None = None, unit: str = "", *, stacked: bool = False
) -> ComplexArray:
    """`matrix` as a finite complex matrix (m, m), of the given size if there is one, or a stack."""
    try:
        found = _as_numbers(name, matrix, unit, "iufcO").astype(complex)
        if found.ndim == 0:
            raise TypeError
    except OpenmrError:
        raise
    except Exception:
        raise _reject(name, "a matrix of numbers", "", matrix) from None
    side = size or "m"
    m = found.shape[-1:] if size is None else (size,)
    if not (stacked or found.ndim == 2) or found.shape[-2:] != 2 * m:
        raise ParameterError(f"`{name}` must have shape ({side}, {side}), got {found.shape}")
    if not np.all(np.isfinite(found)):
        raise ParameterError(f"`{name}` must hold finite numbers, got one that is not")
    return found


def failure(path: Any, error: Exception) -> str:
    """Path that the system refused, and its reason, for a message."""
    path = os.fspath(path) if isinstance(path, os.PathLike) else path
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:_LONGEST]
    return f"{shown(path)}: {reason}" if reason else shown(path)


def exactly_one(**arguments: Any) -> str:
    """Name of the one argument that was given (is not None)."""
    given = [name for name, value in arguments.items() if value is not None]
    if len(given) != 1:
        names = " and ".join(f"`{name}`" for name in arguments)
        found = " and ".join(f"`{name}`" for name in given)
        raise ParameterError(f"exactly one of {names} must be given, got {found or None}")
    return given[0]


def choice(name: str, value: Any, allowed: Any) -> Any:
    """`value` if it is one of the allowed words, which may be those of a Literal."""
    known = getattr(allowed, "__args__", allowed)
    if isinstance(value, str) and value in known:
        return value
    raise _reject(name, f"one of {', '.join(map(repr, known))}", "", value)


def choices(name: str, values: Any, allowed: Any) -> list[str]:
    """`values` if they are a list of allowed words, one at least."""
    known = getattr(allowed, "__args__", allowed)
    if not isinstance(values, list | tuple) or not values:
        raise _reject(name, f"a list of words of {', '.join(map(repr, known))}", "", values)
    return [choice(name, value, known) for value in values]


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """`value` as a mapping of words."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _reject(name, "a mapping of names to values", "", value)
    return value


_MOST_ITEMS = 10**6


def sequence(name: str, value: Any, of: str) -> list[Any]:
    """`value` as a list of what it holds, which is told as `of`."""
    try:
        if isinstance(value, str | bytes | bytearray | Mapping) or is_masked(value):
            raise TypeError
        found = list(islice(value, _MOST_ITEMS + 1))
    except Exception:  # whatever the object makes of being asked for its items
        raise _reject(name, f"a sequence of {of}", "", value) from None
    if len(found) > _MOST_ITEMS:
        raise SizeError(f"`{name}` must be at most {_MOST_ITEMS:g} {of}, got more")
    return found


def word(name: str, value: Any) -> str:
    """`value` as text that every file can keep: not empty, no NUL, nothing but Unicode."""
    kept = isinstance(value, str) and value.strip() and "\0" not in value
    if not kept or value.encode(errors="replace") != value.encode(errors="surrogatepass"):
        raise _reject(name, "a text, not empty and without NUL", "", value)
    return str(value)


def path(name: str, value: Any) -> Path:
    """`value` as a path."""
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise _reject(name, "a path", "", value)
    if "://" in word(name, os.fspath(value)):  # which would become directories s3: and so on
        raise ParameterError(f"`{name}` must be a path, got the address {shown(value)}")
    try:
        return Path(value).expanduser()  # as xarray does, which is to open it
    except RuntimeError:  # nobody's home
        return Path(value)


def instance(name: str, value: Any, kind: type) -> None:
    """Raise unless `value` is a `kind`."""
    if not isinstance(value, kind):
        part, hint = kind.__name__.lower(), ""
        with suppress(Exception):  # whatever the object makes of being asked for its parts
            hint = f" (its .{part} is one)" if isinstance(getattr(value, part), kind) else ""
        raise _reject(name, f"an openmr.{kind.__name__}{hint}", "", value)


def settle(record: Any, **fields: Any) -> None:
    """Give a frozen record its fields, while it is made."""
    for name, value in fields.items():
        object.__setattr__(record, name, value)


def required(package: str, asker: str, *, extra: str | None = None) -> Any:
    """The package, or the error that says for what and how to install it: alone or by an extra."""
    try:
        return import_module(package)
    except ImportError as error:
        source = package if extra is None else f"'openmr[{extra}]'"
        raise MissingPackageError(f"{asker} needs {package}: pip install {source}") from error


def warn_renamed(old: str, new: str) -> None:
    """Warn whoever uses an old name, which is kept for one release."""
    warnings.warn(f"`{old}` is now `{new}`", DeprecationWarning, stacklevel=3)


def old_name(old: str, new: str) -> property:
    """Property that reads `new` by its old name, for one release, with a warning."""

    def read(record: Any) -> Any:
        warn_renamed(old, new)
        return getattr(record, new)

    return property(read, doc=f"Old name of `{new}`, for one release.")


def renamed(
    **names: str,
) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """Decorator that takes arguments by their old names, old="new", with a warning."""

    def decorate(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        @wraps(function)
        def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            for old in names.keys() & kwargs.keys():
                warn_renamed(old, names[old])
                if names[old] in kwargs:
                    raise ParameterError(f"`{old}` is `{names[old]}`: only one may be given")
                kwargs[names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate


def row(name: str, value: ArrayLike, unit: str) -> Array:
    """`value` as one row of numbers, one at least."""
    grid = finite_array(name, value, unit)
    if grid.ndim != 1 or not grid.size:
        raise ParameterError(
            f"`{name}` must be one row of numbers in {unit}, got shape {grid.shape}"
        )
    return grid


def unit_vectors(name: str, value: ArrayLike) -> Array:
    """`value` (..., 3) scaled to length one."""
    try:
        array = _as_numbers(name, value).astype(float, order="C")
        if not every(np.isfinite(array)):
            raise TypeError
    except OpenmrError:
        raise
    except Exception:
        raise _reject(
            name, "finite real numbers (x, y, z) along a last axis, as (1, 0, 0)", "", value
        ) from None
    if array.ndim == 0 or array.shape[-1] != 3:
        raise ParameterError(
            f"`{name}` must have a last axis (x, y, z) of length 3, got shape {array.shape}"
        )
    x, y, z = array.tolist() if array.ndim == 1 else np.moveaxis(array, -1, 0)
    largest = maximum(maximum(abs(x), abs(y)), abs(z))
    if not every(largest > 0):
        raise ParameterError(f"`{name}` must have a length > 0, got {np.zeros(3).tolist()}")
    x, y, z = x / largest, y / largest, z / largest
    length = sqrt(x * x + y * y + z * z)
    unit = np.array([x / length, y / length, z / length])
    return unit if unit.ndim == 1 else np.moveaxis(unit, 0, -1)


def broadcast(**arrays: Array) -> list[Array]:
    """The arrays, broadcast against each other."""
    if len({array.shape for array in arrays.values()}) == 1:
        return list(arrays.values())
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"`{name}` {array.shape}" for name, array in arrays.items())
        raise ParameterError(
            f"shapes must broadcast, got {shapes}; to make a grid, add an axis: "
            f"{next(iter(arrays))}[:, None]"
        ) from None


def refuse_many(names: str, points: int, *, most: int, bytes_each: int) -> None:
    """Refuse what no memory holds, before it is computed."""
    if points > most:
        raise SizeError(
            f"{names} must span at most {most:g} points, got {points:.3g} "
            f"(about {bytes_each * points / 2**30:.3g} GiB); `openmr.sweep` keeps more in a store"
        )


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
