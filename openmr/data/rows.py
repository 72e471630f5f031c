"""Rows of text: which mark parts the columns, where the names stand, and what is no row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final

import numpy as np

from openmr._checks import ParameterError
from openmr.data.cells import Table, is_blank, is_number
from openmr.data.columns import unit

_DELIMITERS: Final = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", "": "blanks"}
"""In the order in which they are tried; "" stands for any white space."""
_LOOKED_AT = 40
"""Rows that decide on the delimiter."""
_PREAMBLE = 500
"""Lines among which a head must stand."""


def rows_of(lines: list[str], decimal: str | None) -> Table:
    """The table in lines of text."""
    top = [line.strip().lower() for line in lines[:_PREAMBLE]]
    section = top.index("[data]") if "[data]" in top else None
    best: tuple[float, str, int, int, list[str]] | None = None
    for delimiter in _DELIMITERS:
        head = _head(lines, delimiter, section)
        if head and (best is None or head[0] > best[0]):
            best = (head[0], delimiter, *head[1:])
    if best is None:
        raise ParameterError(
            "`path` must be a table with the names of its columns above the numbers, got none; "
            "write a line of names, or give a frame"
        )
    _, delimiter, head_at, first, names = best
    columns = _numbers_alone(lines[first:], delimiter, len(names)) if decimal is None else None
    places: Sequence[int] = range(first + 1, len(lines) + 1)
    dropped: dict[str, int] = {}
    if columns is None:
        columns, places, dropped = _rows(lines, first, delimiter, len(names))
    return Table(
        source="",
        form=f"names in line {head_at + 1}, {_DELIMITERS[delimiter]}",
        names=tuple(names),
        columns=columns,
        lines=places,
        info=_notes(lines[:head_at]),
        dropped=dropped,
        instrument=section is not None,
    )


def _numbers_alone(body: list[str], delimiter: str, width: int) -> tuple[Sequence[Any], ...] | None:
    """Columns of a table of numbers without gaps, or None: the fast way.

    A column with an empty cell or a text at its top is left as cells, split when asked for.
    """
    if not body or (delimiter != "," and any("," in line for line in body)):
        return None
    top = body[0].split(delimiter or None)
    filled = [at for at, cell in enumerate(top[:width]) if is_number(cell)]
    if len(filled) < width and not _are_even(body, delimiter, width):
        return None
    use = None if len(filled) == width else filled
    try:
        found = np.loadtxt(body, delimiter=delimiter or None, comments=None, ndmin=2, usecols=use)
    except ValueError:
        return None
    if found.shape != (len(body), len(filled)):
        return None
    numbers = dict(zip(filled, found.T, strict=True))
    return tuple(numbers.get(at, _Cells(body, delimiter, at)) for at in range(width))


def _are_even(body: list[str], delimiter: str, width: int) -> bool:
    """Whether each line has `width` cells without quotes, and none but empty ones beyond."""
    counts = {line.count(delimiter) + 1 for line in body} if delimiter else {0}
    if len(counts) > 1 or min(counts) < width or any('"' in line for line in body):
        return False
    beyond = delimiter * (counts.pop() - width)
    return all(line.endswith(beyond) for line in body)


class _Cells(Sequence[str]):
    """A column of cells, split off their lines when it is first looked at."""

    def __init__(self, body: list[str], delimiter: str, at: int) -> None:
        self.body, self.delimiter, self.at = body, delimiter, at
        self.cells: list[str] = []

    def _split(self) -> list[str]:
        if not self.cells:
            self.cells = [line.split(self.delimiter, self.at + 1)[self.at] for line in self.body]
        return self.cells

    def __len__(self) -> int:
        return len(self.body)

    def __getitem__(self, row: Any) -> Any:
        return self._split()[row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._split())


class _Split(dict[int, list[str]]):
    """Cells of each line that is asked for; none of one without the delimiter."""

    def __init__(self, lines: list[str], delimiter: str) -> None:
        super().__init__()
        self.lines, self.delimiter = lines, delimiter

    def __missing__(self, at: int) -> list[str]:
        line = self.lines[at]
        there = self.delimiter in line  # "" is in every line
        self[at] = found = _cells(line, self.delimiter) if there else []
        return found


def _cells(line: str, delimiter: str) -> list[str]:
    if not delimiter:
        return line.split()
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def _is_comment(line: str, delimiter: str) -> bool:
    start = line.lstrip()
    marks = ("#", "%", "!") if delimiter == ";" else ("#", "%", "!", ";")
    return start.startswith(marks) and not start.lower().startswith("#n/a")


def _has_number(cells: Sequence[str]) -> bool:
    return any(map(is_number, cells))


def _head(
    lines: list[str], delimiter: str, section: int | None
) -> tuple[float, int, int, list[str]] | None:
    """Part of numbers in the first rows, line of the head, line of the first row, and names."""
    start = 0 if section is None else section + 1
    there = [
        at
        for at in range(start, min(len(lines), start + _PREAMBLE))
        if lines[at].strip() and not _is_comment(lines[at], delimiter)
    ]
    split = _Split(lines, delimiter)
    bare = None  # place of the first row of numbers, which may be without a head
    for place, at in enumerate(there):
        after = there[place + 1 :]
        names = split[at]
        if len(names) < 2:
            continue
        if _has_number(names):
            bare = place if bare is None else bare
            if section is not None:
                return None
            continue
        units = bool(after) and _are_units(split[after[0]])
        body = [split[one] for one in after[units : units + _LOOKED_AT]]
        if not delimiter:
            names = _names_between_blanks(lines[at], body)
        if len(names) < 2 or not (section is not None or _is_body(body, place == 0)):
            continue
        if units:
            given = split[after[0]]
            pairs = zip(names, [*given, *[""] * len(names)], strict=False)
            names = [f"{name} ({text.strip('()[] ')})" if text else name for name, text in pairs]
        first = after[units] if len(after) > units else len(lines)
        return _score(body), at, first, [name.strip() for name in names]
    return None if bare is None else _commented_head(lines, delimiter, there[bare:], split)


def _is_body(body: list[list[str]], alone: bool) -> bool:
    """Whether rows have numbers, all but some at the end, or there are none and need not be."""
    first = [len(row) > 1 and _has_number(row) for row in body[:5]]
    return first[0] and sorted(first, reverse=True) == first if first else alone


def _commented_head(
    lines: list[str], delimiter: str, there: list[int], split: _Split
) -> tuple[float, int, int, list[str]] | None:
    """A head in the last comment above the numbers, as NumPy writes it."""
    first = there[0]
    body = [split[one] for one in there[:_LOOKED_AT]]
    for at in range(first - 1, -1, -1):
        if not _is_comment(lines[at], delimiter):
            continue
        text = lines[at].lstrip().lstrip("#%!;").strip()
        names = _cells(text, delimiter) if delimiter else _names_between_blanks(text, body)
        if len(names) == len(split[first]) > 1:
            return _score(body), at, first, [name.strip() for name in names]
    return None


def _names_between_blanks(line: str, body: list[list[str]]) -> list[str]:
    """Names with their units, between blanks; a name may hold single ones."""
    count = len(body[0]) if body else 0
    for names in (
        re.split(r"\s{2,}|\t", line.strip()),
        line.split(),
        re.findall(r'"[^"]*"|\S+(?:\s*[(\[][^)\]]*[)\]])?', line),
        re.findall(r"\S+(?:\s*/\s*\S+)?", line),
    ):
        if len(names) == count:
            return [name.strip('"') for name in names]
    return []


def _are_units(cells: list[str]) -> bool:
    """Whether a line below the names holds their units."""
    filled = [cell.strip("()[] ") for cell in cells if cell.strip()]
    return any(map(unit, filled)) and not _has_number(cells)


def _score(body: list[list[str]]) -> float:
    """Part of the filled cells that are numbers; less than none where a row is not split."""
    filled = [cell for row in body for cell in row if not is_blank(cell)]
    if not filled or sum(len(row) < 2 for row in body) > 0.5 * len(body):
        return -1.0
    return sum(map(is_number, filled)) / max(len(filled), 1)


def _rows(
    lines: list[str], first: int, delimiter: str, width: int
) -> tuple[tuple[Sequence[Any], ...], Sequence[int], dict[str, int]]:
    """Columns of cells, the line of each row, and what was left out."""
    places = [at for at in range(first, len(lines)) if not _is_comment(lines[at], delimiter)]
    dropped = {"comments between the rows": len(lines) - first - len(places)}
    body = [lines[at] for at in places]
    if not delimiter:
        rows, ends = [line.split() for line in body], list(range(1, len(body) + 1))
    else:
        reader = csv.reader([f"{line}\n" for line in body], delimiter=delimiter)
        rows, ends = [], []
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    kept = [at for at, row in enumerate(rows) if any(row) and any(map(str.strip, row))]
    dropped["empty rows"] = sum(map(bool, rows)) - len(kept)
    numbers = [places[ends[at] - 1] + 1 for at in kept]
    columns = tuple(zip_longest(*(rows[at] for at in kept), fillvalue=""))
    for column in columns[width:]:
        if any(map(str.strip, column)):
            at = next(at for at, cell in enumerate(column) if cell.strip())
            raise ParameterError(
                f"`path` must hold {width} cells in line {numbers[at]}, got "
                f"{len(rows[kept[at]])} of them; numbers with a decimal comma need another mark "
                "between the columns"
            )
    empty = ((),) if not kept else (("",) * len(kept),)
    columns = columns[:width] + empty * (width - len(columns))
    return columns, numbers, {reason: count for reason, count in dropped.items() if count}


def _notes(lines: list[str]) -> dict[str, str]:
    """Notes above the head: name -> text."""
    found: dict[str, str] = {}
    comments = []
    for line in lines:
        key, _, rest = line.strip().partition(",")
        text = line.strip().lstrip("#%!;").strip()
        if key == "INFO" and "," in rest:
            value, _, name = rest.rpartition(",")
            if value.strip():
                found[name.strip()] = value.strip()
        elif key in {"TITLE", "BYAPP", "FILEOPENTIME", "SERIAL", "SAMPLE"} and rest.strip(" ,"):
            found[key] = rest.strip(" ,")
        elif text and not text.startswith("[") and key not in _LAYOUT:
            comments.append(text)
    if comments:
        found["comments"] = "; ".join(comments)
    return found


_LAYOUT: Final = {"DATATYPE", "STARTUPAXIS", "STARTUPGROUP", "PLOT_APPEARANCE", "FIELDGROUP"}
"""Lines of a header on how the instrument's own program draws the data."""
