"""The ledger as a table, as JSON and as a page."""

from __future__ import annotations

import inspect
import os
import re
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from openmr.reports.ledger.entries import MEANING, MISPRINT, SCAN_ERROR, VERDICTS, Finding

LEGEND: Final = """\
residual: distance of the form that holds from a reference computed without it, no unit; allowed:
the largest one that counts as agreement; printed: that of the form in print, where it fails.
`--only 70` (up to six equations) tells what a residual is relative to, why so much is allowed, how
the reference was computed, and where the code is."""
FEW: Final = 6
"""So many entries are shown with everything about them."""

ROOT: Final = Path(__file__).resolve().parents[3]
"""Where the package lies."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """All findings; prints as a table, and with every detail where they are few.

    Attributes
    ----------
    findings : tuple of Finding
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True if every check could run."""
        return not any(finding.error for finding in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """How many entries got each verdict."""
        found = Counter(finding.verdict for finding in self.findings)
        return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}

    def to_dict(self) -> dict[str, Any]:
        """The ledger for machines: plain numbers, strings, lists and dictionaries.

        Returns
        -------
        dict
            Entries, counts and whether all could run.
        """
        return {"entries": [_plain(f) for f in self.findings], "counts": self.counts, "ok": self.ok}

    def __str__(self) -> str:
        return _table(self)

    def to_markdown(self, folder: str | Path | None = None) -> str:
        """A page grouped by section: formula, verdict, residual, code.

        Parameters
        ----------
        folder : path, optional
            Where the page will lie; its links to the code start from there. Default: a folder
            beside the package, as the repository's ``docs``.

        Returns
        -------
        str
            A page in Markdown.
        """
        return _page(self, (ROOT / "docs") if folder is None else Path(folder).resolve())


def _plain(finding: Finding) -> dict[str, Any]:
    entry = finding.entry
    return {
        "equation": entry.equation,
        "section": entry.section,
        "statement": entry.statement,
        "verdict": finding.verdict,
        "residual": _finite(finding.residual),
        "printed_residual": _finite(finding.printed_residual),
        "tolerance": entry.tolerance if entry.residual else None,
        "because": entry.because,
        "route": entry.route,
        "latex": entry.latex,
        "corrected_latex": entry.corrected_latex,
        "order": entry.order,
        "parameter": entry.parameter,
        "code": list(entry.code),
        "note": entry.note,
        "error": finding.error,
    }


def _finite(value: float | None) -> float | None:
    """None for what JSON cannot hold: a form in print that cannot be computed."""
    return value if value is not None and value < float("inf") else None


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return "none" if value == float("inf") else f"{value:.1e}"


def _table(ledger: Ledger) -> str:
    lines = [f"{'Eq.':<16}{'verdict':<15}{'residual':>9} {'allowed':>9} {'printed':>9}  statement"]
    section = None
    for finding in ledger.findings:
        entry = finding.entry
        if entry.section != section:
            section = entry.section
            lines += ["", section]
        allowed = f"{entry.tolerance:.0e}" if entry.residual else "-"
        printed = finding.printed_residual if finding.verdict in (MISPRINT, SCAN_ERROR) else None
        lines.append(
            f"{entry.equation:<16}{finding.verdict:<15}{_number(finding.residual):>9} "
            f"{allowed:>9} {_number(printed):>9}  {finding.error or entry.statement}"
        )
        if len(ledger.findings) <= FEW:
            lines += [f"    {line}" for line in _details(finding)]
    counted = ", ".join(f"{number} {verdict}" for verdict, number in ledger.counts.items())
    number = len(ledger.findings)
    counts = f"{number} {'entry' if number == 1 else 'entries'}: {counted}."
    verdicts = [f"{verdict}: {MEANING[verdict]}" for verdict in ledger.counts]
    return "\n".join([LEGEND, "", *verdicts, "", *lines, "", counts])


def _details(finding: Finding) -> list[str]:
    entry = finding.entry
    lines = [f"printed   {entry.latex}"]
    if entry.corrected_latex and finding.verdict in (MISPRINT, SCAN_ERROR):
        lines.append(f"holds     {entry.corrected_latex}")
    if entry.residual is not None:
        lines.append(f"computed  {entry.route}; residual: {entry.because}")
    if entry.order is not None:
        lines.append(f"errs      at order {entry.order:g} in {entry.parameter}")
    if entry.note:
        lines.append(f"note      {entry.note}")
    lines += [f"code      {name}  ({_place(name)})" for name in entry.code]
    return lines


def _place(name: str) -> str:
    """File and line of a dotted name, from the package's root."""
    module, _, attribute = name.rpartition(".")
    found = inspect.unwrap(getattr(import_module(module), attribute))
    try:
        source, line = str(inspect.getsourcefile(found)), f":{inspect.getsourcelines(found)[1]}"
    except TypeError:  # a constant, not a function or class
        source, line = str(import_module(module).__file__), ""
    return Path(source).resolve().relative_to(ROOT).as_posix() + line


def prose(text: str) -> str:
    """A sentence with formulas such as <S_par> for Markdown, which reads <...>, [...] and *."""
    return re.sub(r"([<\[*])", r"\\\1", text)


def _page(ledger: Ledger, folder: Path) -> str:
    counted = ", ".join(f"{number} {verdict}" for verdict, number in ledger.counts.items())
    number = len(ledger.findings)
    head = f"{number} {'entry' if number == 1 else 'entries'}: {counted}."
    lines = ["# Ledger of equations", "", head, ""]
    section = None
    for finding in ledger.findings:
        entry = finding.entry
        if entry.section != section:
            section = entry.section
            lines += [f"## {section}", ""]
        lines += [f"### ({entry.equation}) {finding.verdict}", "", prose(entry.statement), ""]
        if entry.latex:
            lines += [f"$$ {entry.latex} $$", ""]
        if entry.corrected_latex and finding.verdict in (MISPRINT, SCAN_ERROR):
            lines += ["What holds:", "", f"$$ {entry.corrected_latex} $$", ""]
        if finding.residual is not None:
            lines.append(
                f"Residual {_number(finding.residual)}, allowed {entry.tolerance:.0e} "
                f"({prose(entry.because)}); computed by {prose(entry.route)}."
            )
        if finding.verdict in (MISPRINT, SCAN_ERROR):
            lines.append(f"As printed: {_number(finding.printed_residual)}.")
        if entry.order is not None:
            lines.append(f"Errs at order {entry.order:g} in {prose(entry.parameter)}.")
        if entry.note:
            lines.append(prose(entry.note))
        if entry.code:
            links = [_link(name, folder) for name in entry.code]
            lines.append(f"Code: {', '.join(links)}.")
        lines.append("")
    return "\n".join(lines)


def _link(name: str, folder: Path) -> str:
    path, _, line = _place(name).partition(":")
    target = Path(os.path.relpath(ROOT / path, folder)).as_posix()
    return f"[`{name}`]({target}{'#L' + line if line else ''})"
