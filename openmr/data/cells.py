"""Columns of cells as they stand in a file or a frame, and the numbers in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from openmr import _checks
from openmr._checks import Array, ParameterError

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?(?:\d+,?\d*|,\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_GROUPS: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d*", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d*", re.ASCII),
}
"""Numbers with their thousands apart, which only a given decimal mark tells from others."""
_EITHER: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
"""Numbers with a comma before decimals or thousands, 1,800."""
_MISSING: Final = {
    *("", "-", "--", "---", "nan", "+nan", "-nan", "n/a", "na", "#n/a", "null", "none", "<na>"),
    *("inf", "+inf", "-inf", "1.#qnan", "-1.#ind", "overflow", "overload", "ovld", "ovrflw"),
}
"""Cells without a number, in small letters."""
_OVERFLOW = 9.9e37
"""Reading of a meter beyond its range."""


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of cells as they stand in a file or a frame, and what stands around them."""

    source: str
    form: str
    names: tuple[str, ...]
    columns: tuple[Sequence[Any], ...]
    lines: Sequence[int]  # of each row, counted from 1
    decimal: str | None = None  # mark, where the user gives it
    info: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    instrument: bool = False  # whether it has the sections of Quantum Design

    def numbers(self, at: int) -> Array:
        """A column of numbers, nan where a cell has none."""
        cells = self.columns[at]
        if isinstance(cells, np.ndarray):
            return np.where(np.abs(cells) < _OVERFLOW, cells, np.nan)
        joined = "\n".join(cells)
        if self.decimal is None and "_" not in joined:
            if "," in joined and "." not in joined:
                cells = joined.replace(",", ".").split("\n")
            filled = (cell or "nan" for cell in cells)
            try:
                found = np.fromiter(map(float, filled), dtype=float, count=len(self.lines))
            except ValueError:
                pass
            else:
                return np.where(np.abs(found) < _OVERFLOW, found, np.nan)
        return self._one_by_one(at)

    def holds_something(self, at: int) -> bool:
        """Whether any cell of a column is filled."""
        cells = self.columns[at]
        if isinstance(cells, np.ndarray):
            return bool(np.any(np.isfinite(cells)))
        return not all(map(is_blank, {*cells}))

    def _one_by_one(self, at: int) -> Array:
        cells: Sequence[str] = self.columns[at]
        mark = self.decimal or ("," if self._marks(cells) else ".")
        found = np.empty(len(cells))
        for row, cell in enumerate(cells):
            try:
                found[row] = _number(cell, mark, thousands=self.decimal is not None)
            except ValueError:
                raise ParameterError(
                    f"`path` must hold a number in column {self.names[at]!r} of line "
                    f"{self.lines[row]}, got {_checks.shown(cell)}"
                ) from None
        return np.where(np.abs(found) < _OVERFLOW, found, np.nan)

    def _marks(self, cells: Sequence[str]) -> bool:
        """Whether the decimal mark is a comma."""
        comma = any("," in cell and _COMMA_NUMBER.fullmatch(_clean(cell)) for cell in cells)
        return comma and not any("." in cell and is_number(cell) for cell in cells)

    def hold_one_mark(self, used: Iterable[int]) -> None:
        """Refuse numbers with a decimal comma beside numbers with a decimal point."""
        if self.decimal is not None:
            return
        seen: dict[str, str] = {}
        for at in used:
            cells = self.columns[at]
            if isinstance(cells, np.ndarray):
                continue
            joined = "\n".join(cells)
            for mark in ",.":
                if mark in joined and mark not in seen:
                    row = next(row for row, cell in enumerate(cells) if mark in cell)
                    if is_number(cells[row]) or all(one in cells[row] for one in ",."):
                        where = f"column {self.names[at]!r}, line {self.lines[row]}"
                        seen[mark] = f"{cells[row].strip()!r} ({where})"
        if len(seen) == 2:
            raise ParameterError(
                "`path` must have one decimal mark, got "
                f"{seen['.']} and {seen[',']}; say which it is, as decimal=',' or decimal='.'"
            )

    def expect_no_thousands(self, used: Iterable[int]) -> None:
        """Refuse commas of which none tells that it stands before decimals."""
        if self.decimal is not None:
            return
        texts = [cells for at in used if not isinstance(cells := self.columns[at], np.ndarray)]
        marked = [cell for cells in texts for cell in cells if "," in cell]
        if marked and all(_EITHER.fullmatch(_clean(cell)) for cell in {*marked}):
            raise ParameterError(
                "`path` must tell decimals from thousands, got three digits behind every comma, as "
                f"in {marked[0].strip()!r}; decimal=',' says that they are decimals"
            )

    def texts(self, at: int) -> list[str]:
        """A column of labels."""
        cells = self.columns[at]
        if isinstance(cells, np.ndarray):
            return [f"{number:g}" for number in cells.tolist()]
        short = {cell: "" if is_blank(cell) else cell.strip() for cell in {*cells}}
        for cell in short:
            if is_number(cell):
                short[cell] = f"{float(_clean(cell).replace(',', '.')):g}"
        return [short[cell] for cell in cells]


def _clean(cell: str) -> str:
    return cell.strip().strip("'\"").replace("\N{MINUS SIGN}", "-")


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, with whichever decimal mark."""
    clean = _clean(cell)
    return bool(_NUMBER.fullmatch(clean) or _COMMA_NUMBER.fullmatch(clean))


def is_blank(cell: str) -> bool:
    """Whether a cell is empty, or says that there is no number."""
    return _clean(cell).lower() in _MISSING


def _number(cell: str, mark: str, *, thousands: bool) -> float:
    """The number in a cell, nan of one that says that there is none."""
    clean = _clean(cell)
    if clean.lower() in _MISSING:
        return np.nan
    other = "," if mark == "." else "."
    if thousands and _GROUPS[mark].fullmatch(clean):
        clean = clean.replace(other, "")
    form = _COMMA_NUMBER if mark == "," else _NUMBER
    if not form.fullmatch(clean):
        raise ValueError(cell)
    return float(clean.replace(",", "."))
