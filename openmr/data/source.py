"""The columns of a table by name, unit and kind, in SI units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from openmr._checks import Array, ParameterError, Range
from openmr.data.cells import Table
from openmr.data.columns import KINDS, SI, Unit, known, plain, split, unit
from openmr.data.text_table import Decimal, table

USUAL: Final = {
    "temperature": ("temperature", "sample temp", "sample temperature", "temp", "t"),
    "field": ("magnetic field", "field", "b", "h", "μ0h", "mu0h", "mu_0 h", "μ_0 h"),
    "time": ("time stamp", "time", "t"),
}
"""Names that decide where several columns have the right unit."""


class Column(NamedTuple):
    """A column that was asked for or found, and its unit."""

    at: int
    unit: Unit
    text: str  # of the unit


@dataclass(frozen=True, slots=True)
class Source:
    """A table, and what the user says of its units."""

    table: Table
    units: Mapping[str, str]

    @property
    def heads(self) -> str:
        """Names of the columns, for a message."""
        return ", ".join(repr(head) for head in self.table.names if head)

    def named(self, argument: str, name: Any) -> int:
        """Number of the column of this name, with its unit or without."""
        if not isinstance(name, str):
            raise ParameterError(f"`{argument}` must be the name of a column, got {name!r}")
        wanted = plain(name).casefold()
        heads = [plain(head).casefold() for head in self.table.names]
        for names in (heads, [split(head)[0].casefold() for head in heads]):
            found = [at for at, one in enumerate(names) if one == wanted]
            if len(found) == 1:
                return found[0]
            if found:
                several = ", ".join(f"{self.table.names[at]!r} (no. {at + 1})" for at in found)
                raise ParameterError(
                    f"`{argument}` must name one column, got {name!r}, of which there are "
                    f"{len(found)}: {several}"
                )
        raise ParameterError(
            f"`{argument}` must name a column of the file, got {name!r}; it has {self.heads}"
        )

    def unit_of(self, at: int) -> tuple[Unit | None, str]:
        """Unit of a column, None where it is not known, and its text."""
        head = self.table.names[at]
        keys = {plain(head).casefold(), split(head)[0].casefold()}
        given = [text for key, text in self.units.items() if plain(key).casefold() in keys]
        if given:
            return known(given[0]), given[0]
        text = split(head)[1]
        return unit(text), text

    def column(self, argument: str, name: Any, *kinds: str) -> Column:
        """The column of this name, which must be one of `kinds`."""
        at = self.named(argument, name)
        found, text = self.unit_of(at)
        head = self.table.names[at]
        allowed = " or ".join(KINDS[kind] for kind in kinds)
        if found is None:
            key = split(head)[0]
            got = f"the unit {text!r}" if text else "no unit"
            raise ParameterError(
                f"`{argument}` must have a unit of {allowed}, got {got} in column {head!r}; say "
                f"what it is, as units={{{key!r}: {SI[kinds[0]]!r}}}"
            )
        if found.of not in kinds:
            raise ParameterError(
                f"`{argument}` must be {allowed}, got {KINDS[found.of]} in {text} from column "
                f"{head!r}"
            )
        return Column(at, found, text)

    def of_kind(self, kind: str) -> list[int]:
        """Numbers of the columns with a unit of this kind."""
        places = range(len(self.table.names))
        return [at for at in places if (unit := self.unit_of(at)[0]) and unit.of == kind]

    def usual(self, kind: str) -> list[int]:
        """Column of temperature, field or time; several where names do not decide."""
        found = self.of_kind(kind)
        for name in USUAL[kind]:
            called = [at for at in found if split(self.table.names[at])[0].casefold() == name]
            if called and len(found) > 1:
                return called
        return found

    def resistances(self) -> list[int]:
        """Columns of a resistance, or of a resistivity outside instruments' files, with numbers."""
        kinds = ["resistance"] if self.table.instrument else ["resistance", "resistivity"]
        found = [at for kind in kinds for at in self.of_kind(kind)]
        names = {at: self.table.names[at].casefold() for at in found}
        spread = ("std", "error", "sigma", "resistivity" if self.table.instrument else "std")
        return [
            at
            for at in sorted(found)
            if not any(word in names[at] for word in spread) and self.table.holds_something(at)
        ]

    def values(self, column: Column) -> Array:
        """A column in SI units."""
        numbers = self.table.numbers(column.at)
        return numbers * column.unit.factor + column.unit.offset

    def hold(self, limits: Range, name: str, values: Array, column: Column | None) -> None:
        """Refuse values out of range, with line, column, and the cure."""
        with np.errstate(invalid="ignore"):
            wrong = np.flatnonzero((values < limits.least) | (values > limits.most))
        if not wrong.size:
            return
        told = str(limits.refuse(name, float(values[wrong[0]])))
        if column is None:
            raise ParameterError(told)
        head = self.table.names[column.at]
        raise ParameterError(
            f"{told} in column {head!r}, line {self.table.lines[wrong[0]]}, read in "
            f"{column.text}; another unit is given as units={{{split(head)[0]!r}: ...}}"
        )


def source_of(path: Any, units: Mapping[str, str] | None, decimal: Decimal | None) -> Source:
    """The table in `path`, with `units` checked against its columns."""
    if not isinstance(units, Mapping | None):
        raise ParameterError(f"`units` must map columns to units, as {{'B': 'Oe'}}, got {units!r}")
    found = Source(table(path, decimal), dict(units or {}))
    for key, text in found.units.items():
        found.named("units", key)
        known(text)
    if not len(found.table.lines):
        raise ParameterError(
            f"`path` must hold rows of numbers below {', '.join(found.table.names)}, got no row"
        )
    return found
