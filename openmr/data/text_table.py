"""Tables as instruments and spreadsheets write them: text of any common kind, or a frame."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import numpy as np

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr.data.columns import unit

_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as the next one does
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DELIMITERS: Final = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", "": "blanks"}
"""In the order in which they are tried; "" stands for any white space."""
_LOOKED_AT = 40
"""Rows that decide on the delimiter."""
_PREAMBLE = 500
"""Lines among which a head must stand."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?(?:\d+,?\d*|,\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_GROUPS: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d*", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d*", re.ASCII),
}
"""Numbers with their thousands apart, which only a given decimal mark tells from others."""
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
        return not all(map(_is_blank, {*cells}))

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
        return comma and not any("." in cell and _is_number(cell) for cell in cells)

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
                    if _is_number(cells[row]) or all(one in cells[row] for one in ",."):
                        where = f"column {self.names[at]!r}, line {self.lines[row]}"
                        seen[mark] = f"{cells[row].strip()!r} ({where})"
        if len(seen) == 2:
            raise ParameterError(
                "`path` must have one decimal mark, got "
                f"{seen['.']} and {seen[',']}; say which it is, as decimal=',' or decimal='.'"
            )

    def texts(self, at: int) -> list[str]:
        """A column of labels."""
        cells = self.columns[at]
        if isinstance(cells, np.ndarray):
            return [f"{number:g}" for number in cells.tolist()]
        short = {cell: "" if _is_blank(cell) else cell.strip() for cell in {*cells}}
        for cell in short:
            if _is_number(cell):
                short[cell] = f"{float(_clean(cell).replace(',', '.')):g}"
        return [short[cell] for cell in cells]


def _clean(cell: str) -> str:
    return cell.strip().strip("'\"").replace("\N{MINUS SIGN}", "-")


def _is_number(cell: str) -> bool:
    clean = _clean(cell)
    return bool(_NUMBER.fullmatch(clean) or _COMMA_NUMBER.fullmatch(clean))


def _is_blank(cell: str) -> bool:
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


def table(path: Any, decimal: str | None = None) -> Table:
    """The table in a file, or of a frame of pandas or polars."""
    if decimal is not None:
        _checks.choice("decimal", decimal, (".", ","))
    if hasattr(path, "columns") and not isinstance(path, str | Path):
        return _of_frame(path, decimal)
    try:
        data = Path(path).read_bytes()
    except (OSError, TypeError, ValueError) as error:
        raise ParameterError(
            f"`path` must be a file to read, got {_checks.failure(path, error)}"
        ) from None
    encoding, text = _decoded(data, str(path))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    try:
        found = _of_lines(lines, decimal)
    except csv.Error as error:
        raise _no_table(str(path), error) from None
    return replace(found, source=Path(path).name, form=f"{encoding}, {found.form}", decimal=decimal)


def _no_table(path: str, why: object) -> ParameterError:
    return ParameterError(f"`path` must be a text table, got {path!r}: {why}")


def _decoded(data: bytes, path: str) -> tuple[str, str]:
    """Encoding and text of a file."""
    if data.startswith(b"PK\x03\x04") or data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _no_table(path, "a workbook; save it as CSV, or give the frame of pandas.read_excel")
    encodings = ["utf-8", "cp1252", "latin-1"]
    start = data[:4096]
    marked = [name for mark, name in _MARKS.items() if data.startswith(mark)]
    if marked:
        encodings = marked[:1]
    elif b"\0" in start:
        late = start[1::2].count(0) >= start[0::2].count(0)
        encodings = ["utf-16-le" if late else "utf-16-be"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            why = str(error)
        else:
            if "\0" not in text:
                return encoding, text
            why = "it holds characters of no text"
    raise _no_table(path, why)


# --- rows of text ----------------------------------------------------------------------------


def _of_lines(lines: list[str], decimal: str | None) -> Table:
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
    filled = [at for at, cell in enumerate(top[:width]) if _is_number(cell)]
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
    return any(map(_is_number, cells))


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
    filled = [cell for row in body for cell in row if not _is_blank(cell)]
    if not filled or sum(len(row) < 2 for row in body) > 0.5 * len(body):
        return -1.0
    return sum(map(_is_number, filled)) / max(len(filled), 1)


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


# --- frames ----------------------------------------------------------------------------------


def _of_frame(frame: Any, decimal: str | None) -> Table:
    """The table of a frame with `columns`, each with `to_numpy()`."""
    columns = []
    labels = list(frame.columns)
    for label in labels:
        try:
            values = np.asarray(frame[label].to_numpy())
        except (AttributeError, TypeError, ValueError, KeyError):
            raise ParameterError(
                f"`path` must be a file, or a frame of pandas or polars, got {type(frame)!r}"
            ) from None
        columns.append(_of_series(str(label), values))
    names = tuple(str(label) for label in labels)
    size = len(columns[0]) if columns else 0
    return Table("", "frame", names, tuple(columns), range(1, size + 1), decimal)


def _of_series(label: str, values: Any) -> Sequence[Any]:
    if values.ndim == 1 and values.dtype.kind in "iuf":
        return values.astype(float)  # type: ignore[no-any-return]
    cells = values.tolist() if values.ndim == 1 else []
    odd = [cell for cell in cells if hasattr(cell, "magnitude") or hasattr(cell, "unit")]
    if odd or values.ndim != 1:
        got = odd[0] if odd else f"an array of shape {values.shape}"
        raise ParameterError(
            f"`path` must hold plain numbers in column {label!r}, got {_checks.shown(got)}; "
            "convert it, and write its unit into the name of the column"
        )
    return ["" if cell is None else str(cell) for cell in cells]
