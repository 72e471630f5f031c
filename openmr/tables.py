"""Aligned tables and JSON for every report, and the record that the reports share.

Knows no station: numbers, texts, lists and records come in; lines and plain dictionaries go out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

import numpy as np

from openmr._version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A number beside the number that it should be: how far off, how much is allowed, and why.

    Attributes
    ----------
    deviation : float, no unit
        Relative to the scale that `because` names; NaN or infinite where it cannot be computed.
    tolerance : float, no unit
        Largest deviation that counts as agreement.
    because : str
        What the deviation is relative to, and the reason of the tolerance.
    route : str
        How the number to compare with was found.
    """

    deviation: float
    tolerance: float
    because: str
    route: str

    @property
    def ok(self) -> bool:
        """Whether the deviation is within its tolerance; a NaN is not."""
        return bool(self.deviation <= self.tolerance)

    @property
    def text(self) -> str:
        """The deviation, in brackets what is allowed, and MISS where it is more."""
        miss = "" if self.ok else " MISS"
        return f"{self.deviation:.1e} ({self.tolerance:.0e}){miss}"


def table(
    align: str, rows: Iterable[str | Sequence[str]], *, indent: str = "", gap: str = "  "
) -> str:
    """Rows in columns as wide as their longest text, without blanks at the ends of lines.

    `align` has "<" (left) or ">" (right) for each column; the head is a row as any other; a text in
    the place of a row stands as it is. `indent` stands before each row, `gap` between columns.
    """
    rows = list(rows)
    cells = [row for row in rows if not isinstance(row, str)] or [[""] * len(align)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    slots = [f"{{:{side}{width}}}" for side, width in zip(align, widths, strict=True)]
    line = indent + gap.join(slots)
    return "\n".join(row if isinstance(row, str) else line.format(*row).rstrip() for row in rows)


def document(schema: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A report for machines: ``schema``, ``version`` of openmr, and the body in what JSON can hold.

    The schema is name and number of the set of keys, such as "openmr/verify/1"; a new number where
    a key changes its meaning or goes. Lists stand for tuples and arrays, dictionaries for records
    (with ``ok`` for a `Comparison`), None for infinity and NaN.
    """
    return {"schema": schema, "version": __version__, **_plain(body)}


class Record:
    """A dataclass that goes out as JSON, all public fields under its schema."""

    SCHEMA: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """All fields in what JSON can hold; complex numbers by real and imaginary part.

        Returns
        -------
        dict
            With ``schema`` and ``version``.
        """
        return document(self.SCHEMA, _plain(self))


def _plain(value: Any) -> Any:
    if hasattr(value, "full"):  # an operator of QuTiP
        value = value.full()
    if isinstance(value, np.ndarray | np.generic | complex) and np.iscomplexobj(value):
        value = {"real": np.real(value), "imag": np.imag(value)}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if is_dataclass(value):
        verdict = {"ok": value.ok} if isinstance(value, Comparison) else {}
        public = [field.name for field in fields(value) if not field.name.startswith("_")]
        value = {name: getattr(value, name) for name in public} | verdict
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def json_text(plain: Mapping[str, Any]) -> str:
    """Strict JSON of a `document`, to print or to store."""
    return json.dumps(plain, indent=1, allow_nan=False)
