"""Tables as instruments and spreadsheets write them: text of any common kind, or a frame."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from openmr import _checks
from openmr._checks import ParameterError
from openmr._files import read_whole
from openmr.data.cells import Table
from openmr.data.rows import rows_of

_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as the next one does
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


Decimal = Literal[".", ","]


def table(path: Any, decimal: Decimal | None = None) -> Table:
    """The table in a file, or of a frame of pandas or polars."""
    if decimal is not None:
        _checks.choice("decimal", decimal, Decimal)
    if hasattr(path, "columns") and not isinstance(path, str | Path):
        return _of_frame(path, decimal)
    encoding, text = _decoded(read_whole("path", path), str(path))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    try:
        found = rows_of(lines, decimal)
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
