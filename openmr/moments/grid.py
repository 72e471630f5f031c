"""Cuts a grid of points into blocks and joins what was found for them, once, at the top.

Below it every formula takes and returns arrays of points of any shape. A record of a grid is a
dataclass with a `temperature`; each of its arrays has the shape of the grid, and behind it its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from math import prod
from typing import Any, TypeVar

import numpy as np

from openmr._checks import Array

Found = TypeVar("Found")

# glibc asks the system anew for each piece of memory above 128 KiB, whose pages cost a third of the
# time, unless one as large has come back to it, of 32 MiB at most (mallopt(3))
if sys.platform == "linux":
    np.empty(31 * 2**20, np.uint8)

BLOCK = 16000
"""Points worked on at a time: eight arrays of them fit an L2 cache of 1 MiB, and the calls of NumPy
count little."""


def blocks(count: int, size: int | None = None) -> Iterator[slice]:
    """Slices that cover `count` points, each short enough for the cache."""
    size = size or BLOCK
    return (slice(start, start + size) for start in range(0, count, size))


def in_blocks(
    work: Callable[..., Found], grid: tuple[int, ...], *given: Any, size: int | None = None
) -> Found:
    """`work` of arrays (...) or records on a grid of that shape; block by block if it is large.

    `work` takes what is given, for all points or for some, and returns records, tuples, mappings or
    arrays of the same points. Numbers in mappings are the largest of all blocks.
    """
    count = prod(grid)
    if count <= (size or BLOCK):
        return work(*given)
    rows = [each(lambda array: array.reshape(count, *array.shape[len(grid) :]), g) for g in given]
    whole: Any = None
    for block in blocks(count, size):
        part = work(*(each(lambda array, cut=block: array[cut], row) for row in rows))
        if whole is None:
            whole = _rooms(count, part)
        whole = each(partial(_put, block), whole, part)
    return each(lambda array: array.reshape(*grid, *array.shape[1:]), whole)  # type: ignore[no-any-return]


def each(change: Callable[..., Array], first: Any, *others: Any) -> Any:
    """The same records, tuples and mappings with every array changed, pairwise if several."""
    if isinstance(first, np.ndarray):
        return change(first, *others)
    if isinstance(first, Mapping):
        return {key: each(change, first[key], *(other[key] for other in others)) for key in first}
    if isinstance(first, tuple):
        members = [each(change, *member) for member in zip(first, *others, strict=True)]
        return first._make(members) if hasattr(first, "_make") else tuple(members)
    if is_dataclass(first) and hasattr(first, "temperature"):
        named = {f.name: [getattr(r, f.name) for r in (first, *others)] for f in fields(first)}
        return replace(first, **{name: each(change, *m) for name, m in named.items()})  # type: ignore[type-var]
    return max(first, *others) if others and isinstance(first, float) else first


def _rooms(count: int, part: Any) -> Any:
    """The same records, tuples and mappings with room for all points.

    What a plain tuple holds of one number a point is one piece, whose pages are large and few.
    """
    if type(part) is not tuple:
        return each(partial(_room, count), part)
    if all(isinstance(one, np.ndarray) and one.ndim == 1 and one.dtype == float for one in part):
        return tuple(np.zeros((len(part), count)))
    return tuple(_rooms(count, one) for one in part)


def _room(count: int, part: Array) -> Array:
    """Zeros for all points, which come last in memory, so that each component is one piece."""
    return np.moveaxis(np.zeros((*part.shape[1:], count), part.dtype), -1, 0)


def _put(cut: slice, room: Array, part: Array) -> Array:
    """Fill in a block; components that are zero are left alone, and so cost no memory."""
    for component in np.ndindex(part.shape[1:]):
        values = part[:, *component]
        if not _is_zero(values):
            room[cut, *component] = values
    return room


def _is_zero(values: Array) -> bool:
    """Whether all are 0; of floats +0, whose largest bits are found faster than any other sign."""
    if values.dtype != np.float64:
        return not np.count_nonzero(values)
    return not (values[0] or values.view(np.uint64).max())
