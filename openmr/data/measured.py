"""Measured resistivities, from arrays or from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ParameterError


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured longitudinal resistivities, one row a point; build it with `measured`.

    Attributes
    ----------
    longitudinal : array (n,), Ohm m
    temperature, field : array (n,), K and T
    direction : array (n, 3), no unit
        Unit vector b.
    uncertainty : array (n,), Ohm m, or None
        Standard deviation of each point; None where it is to be taken from the scatter.
    """

    longitudinal: Array
    temperature: Array
    field: Array
    direction: Array
    uncertainty: Array | None = None


def measured(
    longitudinal: ArrayLike,
    *,
    temperature: ArrayLike,
    field: ArrayLike,
    direction: ArrayLike,
    uncertainty: ArrayLike | None = None,
) -> Measured:
    """Data from arrays, which broadcast with each other.

    Parameters
    ----------
    longitudinal : array_like (...), Ohm m
    temperature, field : array_like (...), K and T
    direction : array_like (..., 3), no unit
        See `openmr.scan_directions` for angular scans.
    uncertainty : array_like (...), Ohm m, optional

    Returns
    -------
    Measured
        One row a point.

    Raises
    ------
    ParameterError
        For numbers that are not finite, not positive where they must be, or do not broadcast.
    """
    given = {
        "longitudinal": _checks.positive_array("longitudinal", longitudinal, "Ohm m"),
        "temperature": _checks.positive_array("temperature", temperature, "K"),
        "field": _checks.finite_array("field", field, "T"),
    }
    if uncertainty is not None:
        given["uncertainty"] = _checks.positive_array("uncertainty", uncertainty, "Ohm m")
    b = _checks.unit_vectors("direction", direction)
    *columns, part = _checks.broadcast(**given, direction=b[..., 0])
    rows = dict(zip(given, map(np.ravel, columns), strict=True))
    return Measured(**rows, direction=np.broadcast_to(b, (*part.shape, 3)).reshape(-1, 3))


def read_csv(path: str | Path) -> Measured:
    """Data from a CSV file with a header.

    Columns ``longitudinal`` [Ohm m], ``temperature`` [K], ``field`` [T], ``b_x``, ``b_y``, ``b_z``
    and, if known, ``uncertainty`` [Ohm m], in any order.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Measured
        One row a line.

    Raises
    ------
    ParameterError
        For a file that cannot be read; naming the column, or the row and its entry, at fault.
    """
    needed = ["longitudinal", "temperature", "field", "b_x", "b_y", "b_z"]
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:  # as spreadsheets write it
            reader = csv.reader(file, skipinitialspace=True)
            names = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, TypeError) as error:
        raise ParameterError(
            f"`path` must be a file to read, got {_checks.failure(path, error)}"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(f"`path` must be a text table, got {str(path)!r}: {error}") from None
    known = [*needed, "uncertainty"]
    for name in names:
        if names.count(name) > 1 or (name not in known and name.lower() in known):
            raise ParameterError(
                f"`path` must have each of {', '.join(known)} once, in lower case, got {name!r}"
            )
    missing = [name for name in needed if name not in names]
    if missing or not rows:
        what = f"no column {missing[0]!r}" if missing else "no row"
        raise ParameterError(f"`path` must be a table of {', '.join(needed)}, got {what}")
    columns = {
        name: [_entry(row, names, name, line) for line, row in rows]
        for name in known
        if name in names
    }
    direction = np.stack([columns.pop(name) for name in needed[3:]], axis=-1)
    return measured(columns.pop("longitudinal"), direction=direction, **columns)


def _entry(row: Sequence[str], names: Sequence[str], name: str, line: int) -> float:
    if len(row) != len(names):
        raise ParameterError(
            f"`path` must hold {len(names)} cells in line {line}, got {len(row)} of them"
        )
    cell = row[names.index(name)]
    try:
        return float(cell)
    except ValueError:
        raise ParameterError(
            f"`path` must hold a number in column {name!r} of line {line}, got {cell!r}"
        ) from None
