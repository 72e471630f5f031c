"""Named axes: DataArrays broadcast by the names of their dimensions, and what is found keeps them.

The functions work on arrays by position. `labelled` stands before them, once: it lines the arrays
up, and writes the names into the thermal state of the moments, which every record holds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import wraps
from inspect import signature
from typing import Any, Final, ParamSpec, TypeVar, cast

import numpy as np

from openmr._checks import Array, ParameterError
from openmr._quantities import in_unit
from openmr.moments.grid import each
from openmr.sample.film import Film, Sample
from openmr.sample.stack import Stack
from openmr.tables import Arrays, Column, Coordinate, same

_Arguments = ParamSpec("_Arguments")
_Found = TypeVar("_Found")
_UNITS: Final = {"temperature": "K", "field": "T", "direction": ""}
"""Arguments that may have named axes, and their units."""
_NAMELESS: Final = frozenset(
    {float, int, str, bool, type(None), np.ndarray, np.float64, Sample, Film, Stack}
)
"""Kinds of arguments that have no named axes: told first, since single calls shall be fast."""
_COMPONENT: Final = "component"
"""Dimension of (x, y, z), as in the datasets of a sweep."""
_POINTS: Final = {"temperature": "temperature", "field": "field along b"}
"""Coordinates of every record on a grid, and what they are."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Names, lengths and coordinates of the axes of a grid."""

    sizes: Mapping[str, int]
    coordinates: Mapping[str, Coordinate]


def labelled(function: Callable[_Arguments, _Found]) -> Callable[_Arguments, _Found]:
    """Decorator that takes DataArrays as temperature, field and direction, by their dimensions."""
    names = list(signature(function).parameters)

    @wraps(function)
    def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Found:
        if "xarray" not in sys.modules:
            return function(*args, **kwargs)
        for value in (*args, *kwargs.values()):
            if has_names(value):
                break
        else:
            return function(*args, **kwargs)
        given: dict[str, Any] = dict(zip(names, args, strict=False)) | kwargs
        rates = given.get("relaxation")
        labels = getattr(rates, "labels", None)
        arguments, labels = by_position({n: given[n] for n in _UNITS if n in given}, labels)
        if rates is not None:
            arguments["relaxation"] = _with_axes(rates, len(labels.sizes))
        found = cast("Callable[..., _Found]", function)(**given | arguments)
        return cast("_Found", _named(found, labels))

    return call


def has_names(value: Any) -> bool:
    """Whether `value` is a DataArray, a direction of some, or a record that came from them."""
    kind = type(value)
    if kind in _NAMELESS:
        return False
    if kind is tuple or kind is list:
        if len(value) != 3:
            return False
        x, y, z = value
        return "DataArray" in (type(x).__name__, type(y).__name__, type(z).__name__)
    return kind.__name__ == "DataArray" or getattr(value, "labels", None) is not None


def by_position(
    given: Mapping[str, Any],
    known: Labels | None = None,
    units: Mapping[str, str] = _UNITS,
) -> tuple[dict[str, Any], Labels]:
    """Arrays that broadcast by position, from some that do by name, and those names."""
    sizes = dict(known.sizes) if known else {}
    coordinates = dict(known.coordinates) if known else {}
    parts = {name: _parts(name, value) for name, value in given.items()}
    for name, items in parts.items():
        for item in items:
            if hasattr(item, "dims"):
                _take_axes(name, item, sizes, coordinates)
            elif np.ndim(in_unit(name, item, units[name])) > (name == "direction"):
                raise ParameterError(
                    f"`{name}` must be one, or a DataArray, whose axes have names, beside others "
                    f"that are; got shape {np.shape(item)}"
                )
    arrays: dict[str, Any] = {}
    for name, items in parts.items():
        found = [_aligned(name, item, sizes, units[name]) for item in items]
        arrays[name] = np.stack(np.broadcast_arrays(*found), -1) if len(found) > 1 else found[0]
    return arrays, Labels(sizes, coordinates)


def _parts(name: str, value: Any) -> list[Any]:
    """The components of a direction where they are given apart, else the value."""
    apart = name == "direction" and isinstance(value, tuple | list) and has_names(value)
    if name == "direction" and _COMPONENT not in getattr(value, "dims", [_COMPONENT]):
        raise ParameterError(
            f"`direction` must have a dimension {_COMPONENT!r} of x, y, z, or be three components, "
            f"got the dimensions {value.dims}"
        )
    return list(value) if apart else [value]


def _take_axes(
    name: str, array: Any, sizes: dict[str, int], coordinates: dict[str, Coordinate]
) -> None:
    if len({*array.dims}) < len(array.dims):
        raise ParameterError(f"`{name}` must have other names for each axis, got {array.dims}")
    for axis, size in array.sizes.items():
        if axis != _COMPONENT and sizes.setdefault(axis, size) != size:
            raise ParameterError(
                f"`{name}` must have {sizes[axis]} points along {axis!r} as the others, got {size}"
            )
    for key, values in array.coords.items():
        if _COMPONENT in values.dims or key in _UNITS:
            continue
        new = (values.dims, values.to_numpy(), dict(values.attrs))
        _, old, _ = coordinates.setdefault(key, new)
        if key in array.dims and not same(np.asarray(old), new[1]):
            raise ParameterError(
                f"`{name}` must have the coordinates along {key!r} that the others have"
            )


def _aligned(name: str, value: Any, sizes: Mapping[str, int], unit: str) -> Any:
    """The values of a DataArray with an axis for each name, of length 1 where it has none."""
    if not hasattr(value, "dims"):
        return value
    last = [_COMPONENT] if _COMPONENT in value.dims else []
    if name == "direction" and last and value.sizes[_COMPONENT] != 3:
        raise ParameterError(
            f"`direction` must have 3 components along {_COMPONENT!r}, got "
            f"{value.sizes[_COMPONENT]}"
        )
    if name == "direction" and last and _COMPONENT in value.coords:
        value = _in_order(value)
    ordered = value.transpose(*(axis for axis in sizes if axis in value.dims), *last)
    numbers = np.asarray(in_unit(name, ordered, unit))
    shape = [value.sizes[axis] if axis in value.dims else 1 for axis in sizes]
    return numbers.reshape(*shape, *numbers.shape[len(numbers.shape) - len(last) :])


def _in_order(value: Any) -> Any:
    """Components of a direction in the order x, y, z, by their labels."""
    labels = value.coords[_COMPONENT].to_numpy().tolist()
    if sorted(map(str, labels)) != ["x", "y", "z"]:
        raise ParameterError(
            f"`direction` must have the labels x, y, z along {_COMPONENT!r}, or none, got {labels}"
        )
    return value.sel({_COMPONENT: ["x", "y", "z"]})


def _with_axes(rates: Any, count: int) -> Any:
    """The rates with axes of length 1 behind those of their grid, `count` in all."""
    old = rates.temperature.ndim
    if old and rates.labels is None:
        raise ParameterError(
            "`relaxation` must be of one point, or of DataArrays, where `direction` has named "
            f"axes, got shape {rates.temperature.shape}"
        )
    more = (1,) * (count - old)
    return each(lambda array: array.reshape(*array.shape[:old], *more, *array.shape[old:]), rates)


def _named(record: Any, labels: Labels) -> Any:
    """A record with the names in every thermal state that it holds."""
    if isinstance(record, tuple):
        return tuple(_named(one, labels) for one in record)
    kept = hasattr(record, "temperature") or hasattr(record, "labels")
    if not (is_dataclass(record) and kept):
        return record
    old = {one.name: getattr(record, one.name) for one in fields(record)}
    if "labels" in old:
        return replace(record, labels=labels)  # type: ignore[type-var]
    return replace(record, **{name: _named(value, labels) for name, value in old.items()})  # type: ignore[type-var]


# --- the way back ------------------------------------------------------------------------------


def arrays_of(record: Any, columns: Mapping[str, Column]) -> Arrays:
    """Coordinates and variables of a record on a grid.

    Axes without a name are called after what alone varies along them, temperature or field; else
    `point` of a single one, or `axis_0` and so on.
    """
    values = {name: np.asarray(column.of(record)) for name, column in columns.items()}
    own = {name: array.ndim - len(columns[name].axes) for name, array in values.items()}
    at = {name: np.asarray(getattr(record, name)) for name in _POINTS if hasattr(record, name)}
    grid = np.broadcast_shapes(
        *(array.shape for array in at.values()),
        *(array.shape[: own[name]] for name, array in values.items()),
    )
    labels: Labels | None = record.labels
    if labels is None or not _fit(labels, grid):  # some of the points that had the names
        labels = Labels(dict(zip(_axes(grid, at), grid, strict=True)), {})
    coordinates = dict(labels.coordinates)
    ours = {*columns, *(axis for column in columns.values() for axis in column.axes)}
    if taken := ours & {*labels.sizes, *coordinates}:
        raise ParameterError(
            f"names of axes and coordinates must be others than those of the record, got "
            f"{', '.join(sorted(map(repr, taken)))}: rename them in the DataArrays given"
        )
    for name, array in at.items():
        axes = list(labels.sizes)[len(grid) - array.ndim :]
        varies = _varying(array)
        kept = [a in varies or axes[a] == name for a in range(array.ndim)]
        dims = tuple(axis for axis, stays in zip(axes, kept, strict=True) if stays)
        key = name if name not in labels.sizes or dims == (name,) else f"{name}_of_point"
        chosen = array[tuple(slice(None) if stays else 0 for stays in kept)]
        coordinates[key] = (dims, chosen, {"units": _UNITS[name], "long_name": _POINTS[name]})
    variables: dict[str, Coordinate] = {}
    for name, array in values.items():
        axes = list(labels.sizes)[len(grid) - own[name] :]
        absent = [a for a, axis in enumerate(axes) if array.shape[a] != labels.sizes[axis]]
        dims = tuple(axis for a, axis in enumerate(axes) if a not in absent)
        column = columns[name]
        found = np.squeeze(array, tuple(absent))
        variables[name] = ((*dims, *column.axes), found, column.attributes)
    return coordinates, variables


def _fit(labels: Labels, grid: tuple[int, ...]) -> bool:
    sizes = tuple(labels.sizes.values())
    return len(sizes) == len(grid) and all(
        n in (1, size) for n, size in zip(grid, sizes, strict=True)
    )


def _axes(grid: tuple[int, ...], at: Mapping[str, Array]) -> list[str]:
    """Names of axes that have none."""
    count = len(grid)
    found = ["point"] if count == 1 else [f"axis_{i}" for i in range(count)]
    varying = {name: [a - array.ndim for a in _varying(array)] for name, array in at.items()}
    for name, axes in varying.items():
        others = [a for other, along in varying.items() if other != name for a in along]
        if len(axes) == 1 and axes[0] not in others:
            found[axes[0]] = name
    return found


def _varying(array: Array) -> list[int]:
    """Axes along which the values differ, and those without points."""
    return [
        a
        for a, size in enumerate(array.shape)
        if size == 0 or (size > 1 and np.any(np.diff(array, axis=a)))
    ]
