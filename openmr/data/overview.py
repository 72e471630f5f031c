"""A summary of how `openmr.read` understands a file, before it is told anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from openmr import tables
from openmr._checks import Array, ParameterError
from openmr.data.columns import SI, split
from openmr.data.runs import levels, sweeps
from openmr.data.source import Source, source_of
from openmr.data.text_table import Decimal


def overview(
    path: str | Path, units: Mapping[str, str] | None = None, decimal: Decimal | None = None
) -> str:
    """Columns with their units, temperature levels, sweeps, and what a fit would not get.

    Lines to print; `units` and `decimal` as of `openmr.read`.
    """
    source = source_of(path, units, decimal)
    found = source.table
    lines = [f"{found.source}: {found.form}, {len(found.lines)} rows"]
    lines += [f"  {name}: {text}" for name, text in found.info.items()]
    lines += ["", tables.table("<<>>>", _columns(source), indent="  "), ""]
    roles = {name: source.usual(name) for name in ("temperature", "field", "time")}
    roles["resistance"] = source.resistances()
    for name, places in roles.items():
        names = ", ".join(found.names[at] for at in places)
        ask = "" if len(places) == 1 or name == "time" else "  (to be named)"
        lines.append(f"  {name:<12}: {names or 'none with such a unit'}{ask}")
    lines += _runs(source, roles)
    try:
        found.expect_no_thousands(at for places in roles.values() for at in places)
    except ParameterError:
        doubt = "three digits behind every comma may be thousands; if not, --decimal ,"
        lines.append(f"  {'decimals':<12}: {doubt}")
    counts = [f"{count} {reason}" for reason, count in found.dropped.items()]
    lines.append(f"  {'dropped':<12}: {', '.join(counts) or 'none'}")
    return "\n".join(lines)


def _columns(source: Source) -> list[tuple[str, ...]]:
    """Name, unit, cells with numbers, and range in SI units of each column that has any."""
    rows: list[tuple[str, ...]] = [("column", "unit", "numbers", "from", "to")]
    for at, head in enumerate(source.table.names):
        cells = source.table.columns[at]
        if not isinstance(cells, np.ndarray) and not any(map(str.strip, cells)):
            continue
        unit, text = source.unit_of(at)
        shown = f"{text} (not known)" if text and unit is None else text or "none"
        values, si = _values(source, at), f" {SI[unit.of]}" if unit else ""
        ends = ["text", ""]
        if values.size:
            ends = [f"{end:.6g}{si}" for end in (values.min(), values.max())]
        name = split(head)[0] if unit else head
        rows.append((name, shown, f"{values.size}", *ends))
    return rows


def _values(source: Source, at: int) -> Array:
    """Numbers of a column, in SI units where its unit is known; none of a text."""
    try:
        numbers = source.table.numbers(at)
    except ValueError:
        return np.empty(0)
    unit = source.unit_of(at)[0]
    if unit is not None:
        numbers = numbers * unit.factor + unit.offset
    return numbers[np.isfinite(numbers)]


def _runs(source: Source, roles: Mapping[str, list[int]]) -> list[str]:
    """Lines on levels and sweeps, and on rows without what a fit needs."""
    if len(roles["temperature"]) != 1:
        return []
    here = np.ones(len(source.table.lines), dtype=bool)
    values = {}
    for name in ("temperature", "field", "resistance"):
        if len(roles[name]) == 1:
            at = roles[name][0]
            column = source.column(name, source.table.names[at], *SI)
            values[name] = source.values(column)
            here &= np.isfinite(values[name])
    lost = int(np.sum(~here))
    told = f"  {'incomplete':<12}: {lost} rows without one of {', '.join(values)}"
    lines = [told] if lost else []
    if not np.any(here):
        return lines
    kelvin = values["temperature"][here]
    level = levels(kelvin)
    each = [
        f"{kelvin[level == one].mean():.5g} K ({np.sum(level == one)} rows)"
        for one in range(min(8, level.max() + 1))
    ]
    more = f" and {level.max() - 7} more" if level.max() > 7 else ""
    lines.append(f"  {'levels':<12}: {', '.join(each)}{more}")
    if "field" in values:
        still = np.broadcast_to([1.0, 0.0, 0.0], (len(kelvin), 3))
        count = sweeps(values["field"][here], still, level).max() + 1
        lines.append(f"  {'sweeps':<12}: {count} of the field")
    return lines
