"""Aligned tables and JSON for every report, and the record that the reports share.

Knows no station: numbers, texts, lists and records come in; lines and plain dictionaries go out.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from html import escape
from itertools import starmap, zip_longest
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from openmr._checks import required
from openmr._version import __version__

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

Coordinate = tuple[tuple[str, ...], Any, Mapping[str, Any]]
"""Dimensions, values and attributes of an array, as xarray takes them."""
Arrays = tuple[Mapping[str, Coordinate], Mapping[str, Coordinate]]
"""Coordinates and variables."""


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


class Alike:
    """A dataclass that equals what holds the same, arrays and NaN too; arrays have no hash.

    A notebook shows it as the table that it prints.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Whether all fields are the same, however they came about."""
        return same(self, other) if type(self) is type(other) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        """The print as a table."""
        return page_of(str(self))


def same(one: Any, other: Any) -> bool:
    """Whether two trees of records, mappings, lists and arrays hold the same; NaN is NaN."""
    if one is other or type(one) is not type(other):
        return one is other
    if isinstance(one, np.ndarray) and one.dtype != object:
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple | np.ndarray) or is_dataclass(one):
        return all(starmap(same, zip_longest(_parts(one), _parts(other), fillvalue=...)))
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124


def _parts(value: Any) -> Iterable[Any]:
    if is_dataclass(value):
        return [getattr(value, field.name) for field in fields(value)]
    found: Iterable[Any] = value.tolist() if isinstance(value, np.ndarray) else value
    return found


class Record:
    """A dataclass that goes out as JSON, all public fields under its schema."""

    SCHEMA: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """All fields in what JSON can hold, with ``schema`` and ``version``.

        Complex numbers by real and imaginary part.
        """
        return document(self.SCHEMA, _plain(self))


class Column(NamedTuple):
    """An array of a record, by the name that datasets and tables have for it."""

    of: Callable[[Any], Any]
    units: str
    equation: str
    label: str
    directional: bool = False  # whether it depends on the direction of the field
    axes: tuple[str, ...] = ()  # behind those of the grid

    @property
    def attributes(self) -> dict[str, str]:
        """Units, equation and label, as a dataset keeps them."""
        return {"units": self.units, "equation": self.equation, "long_name": self.label}


class Labelled(Alike):
    """A record of arrays that goes out as a dataset, a table, JSON or a page of a notebook."""

    __slots__ = ()
    SCHEMA: ClassVar[str]

    @abstractmethod
    def _arrays(self) -> Arrays:
        """Coordinates and variables; the axes of the first variable are the rows of a table."""

    @abstractmethod
    def _about(self) -> dict[str, Any]:
        """Names and plain numbers that go for the whole."""

    def to_dict(self) -> dict[str, Any]:
        """All arrays with their dimensions and units in what JSON can hold.

        With ``schema`` and ``version``; NaN and infinity are None.
        """
        kinds = zip(("coordinates", "variables"), self._arrays(), strict=True)
        arrays = {
            kind: {
                name: {"dimensions": list(dims), "units": told.get("units", ""), "values": values}
                for name, (dims, values, told) in found.items()
            }
            for kind, found in kinds
        }
        return document(self.SCHEMA, self._about() | arrays)

    def to_xarray(self) -> Dataset:
        """All arrays with the names, coordinates and units of their axes.

        Every variable and coordinate of ours has ``units``, as Pint reads them, and ``long_name``.
        """
        coordinates, variables = self._arrays()
        about = {"source": f"openmr {__version__}"} | self._about()
        made = required("xarray", "`to_xarray`").Dataset
        found: Dataset = made(dict(variables), dict(coordinates), about)
        return found

    def to_dataframe(self) -> DataFrame:
        """One row a point, in the units of `to_xarray`; what has more axes is left out."""
        found = self.to_xarray()
        rows = set(next(iter(self._arrays()[1].values()))[0])
        found = found[[name for name, array in found.items() if {*array.dims} <= rows]]
        if not rows:
            return found.expand_dims("point").to_dataframe().reset_index(drop=True)
        return found.to_dataframe().reset_index()


def page_of(text: str) -> str:
    """Lines `name : value` below a head as a table of a page."""
    head, *lines = [line for line in text.splitlines() if line.strip()]
    return html_table(head, (line.partition(" : ")[::2] for line in lines))


def html_table(caption: str, rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Rows of texts as a table of a page; the last text of a short row goes on to the end."""
    rows = [[text.strip() for text in row] for row in rows]
    widest = max(len(head), *map(len, rows), 1)

    def line(texts: Sequence[str], tag: str) -> str:
        span = f' colspan="{widest - len(texts) + 1}"'
        places = [""] * (len(texts) - 1) + [span if len(texts) < widest else ""]
        cells = (
            f'<{tag}{place} style="text-align:left">{escape(text)}</{tag}>'
            for place, text in zip(places, texts, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"

    lines = [line([caption], "th"), *([line(head, "th")] if head else [])]
    lines += [line(row, "td") for row in rows]
    return f"<table>{''.join(lines)}</table>"


def shown(values: Any) -> str:
    """A scalar with four digits, an array as its range and shape; eight for a narrow range."""
    values = np.asarray(values + 0.0)  # no -0
    if values.ndim == 0:
        return f"{float(values):.4g}"
    if values.size == 0:
        return f"[] {values.shape}"
    low, high = float(values.min()), float(values.max())
    if low == high:
        return f"{low:.4g} {values.shape}"
    digits = 4 if f"{low:.4g}" != f"{high:.4g}" else 8
    return f"{low:.{digits}g} ... {high:.{digits}g} {values.shape}"


def shown_vector(values: Any) -> str:
    """The components of one vector, with four digits each."""
    return f"({', '.join(map(shown, values))})"


def _plain(value: Any) -> Any:
    if hasattr(value, "full"):  # an operator of QuTiP
        value = value.full()
    if isinstance(value, np.ndarray | np.generic | complex) and np.iscomplexobj(value):
        value = {"real": np.real(value), "imag": np.imag(value)}
    if isinstance(value, np.ndarray | np.generic):
        value = (value.astype(str) if value.dtype.kind in "mM" else value).tolist()
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
