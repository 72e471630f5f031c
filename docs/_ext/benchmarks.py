"""The benchmarks' page out of the last run that was kept; no number is typed."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "benchmarks" / "last_run.json"
PAGE = Path(__file__).parents[1] / "benchmarks.md"
RATIOS = """What is compared runs in turn in one process, best of a few, so that these numbers carry
over to another machine better than times do."""
SINGLE = "Times per point of whole grids, memory, and counts."
RIVALS = """What openmr takes over what the rival takes for the same numbers, both in one run, by
kind of processor. `make bench` fails above the most that is allowed, and outside a factor of two
of what this table says of the same kind of processor."""


def duration(seconds: float) -> str:
    """A time in the unit that suits it, three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g}&nbsp;{unit}"
    return f"{seconds / 1e-9:.3g}&nbsp;ns"


def what(measured: dict[str, Any]) -> str:
    """Test and parameters in words: ``test_ring[8]`` is "ring, sites = 8"."""
    name = re.sub(r"^test_|\[.*", "", measured["name"]).replace("_", " ")
    return ", ".join([name, *(f"{k} = {v}" for k, v in (measured["params"] or {}).items())])


def table(heading: str, text: str, numbers: dict[str, float]) -> list[str]:
    """A section with one number a row, or nothing."""
    if not numbers:
        return []
    rows = [f"| {name} | {value:.3g} |" for name, value in numbers.items()]
    return [f"## {heading}", "", text, "", "| what | value |", "| --- | ---: |", *rows, ""]


def beside_rivals(rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    """One row for what was measured and its rival, one column for a kind of processor."""
    ratios: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for kind, measured in rows.items():
        for one in measured:
            most = "" if one["most"] is None else f"{one['most']:.3g}"
            ratios[one["row"], one["rival"], most][kind] = f"{one['ratio']:.3g}"
    lines = [
        "| ".join(["", "row ", "rival ", "at most ", *(f"{kind} " for kind in rows), ""]),
        "| --- | --- | ---: |" + " ---: |" * len(rows),
    ]
    for what_and_rival, by_kind in ratios.items():
        numbers = (by_kind.get(kind, "") for kind in rows)
        lines.append("| " + " | ".join([*what_and_rival, *numbers]) + " |")
    return [*lines, ""]


def page(found: dict[str, Any]) -> str:
    """The page in Markdown."""
    machine = found["machine_info"]
    cpu = machine.get("cpu", {})
    versions = machine.get("versions", {})
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {found['datetime'][:10]}: {cpu.get('brand_raw', machine['machine'])}, "
        f"{cpu.get('count', '?')} processors, {machine['system']}, "
        f"{machine['python_implementation']} {machine['python_version']}"
        + "".join(f", {name} {version}" for name, version in versions.items())
        + f"; commit {found['commit_info'].get('id') or 'unknown'}"[:17]
        + ". One thread. `make bench` measures the same at your machine, and "
        "`python benchmarks/keep.py` keeps it for this page.",
        "",
    ]
    if rows := found.get("rows"):
        lines += ["## Beside rivals", "", RIVALS, ""]
        lines += beside_rivals(rows)
    numbers = found.get("ratios", {})
    lines += table("Ratios", RATIOS, {k: v for k, v in numbers.items() if " over " in k})
    lines += table(
        "Single numbers", SINGLE, {k: v for k, v in numbers.items() if " over " not in k}
    )
    groups = defaultdict(list)
    for measured in found["benchmarks"]:
        groups[measured["fullname"].partition("::")[0], measured["group"]].append(measured)
    lines += [
        "## Times",
        "",
        "Median, fastest and number of runs; the ratio is to the fastest of its table.",
        "",
    ]
    for (file, group), items in groups.items():
        fastest = min(item["stats"]["median"] for item in items)
        area = re.sub(r".*bench_|\.py", "", file)
        lines += [f"### {area}: {group or what(items[0])}", ""]
        lines += [
            "| what | median | fastest | ratio | runs |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for item in items:
            stats = item["stats"]
            extra = "".join(f"; {value} {key}" for key, value in item["extra_info"].items())
            lines.append(
                f"| {what(item)}{extra} | {duration(stats['median'])} | {duration(stats['min'])} "
                f"| {stats['median'] / fastest:.3g} | {stats['rounds']} |"
            )
        lines.append("")
    return "\n".join(lines)


def write_page(app: Sphinx) -> None:
    """Write the page, if what it shows has changed."""
    text = page(json.loads(KEPT.read_text(encoding="utf-8")))
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        PAGE.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the page before the sources are looked for."""
    app.connect("builder-inited", write_page, priority=100)
    return {"parallel_read_safe": True}
