"""The ledger as a table, as JSON and as a page."""

from __future__ import annotations

import inspect
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from openmr.reports.ledger.entries import (
    CONTRADICTED,
    MEANING,
    MISPRINT,
    SCAN_ERROR,
    VERDICTS,
    Finding,
    Verdict,
)
from openmr.tables import document, table

LEGEND: Final = """\
residual: distance of the form that holds from a reference computed without it, no unit; allowed:
the largest one that counts as agreement; printed: that of the form in print, where it fails
("none" where that has no value, "-" where it holds). "-" as residual: there is nothing to compute.
`--only 70` (up to six equations) tells what a residual is relative to, why so much is allowed, how
the reference was computed, and where the code is."""
FEW: Final = 6
"""So many entries are shown with everything about them."""

WRONG: Final = (MISPRINT, SCAN_ERROR)
"""Verdicts on a print in whose place another form holds."""

TOLD: Final = (
    "equation section statement because route latex corrected_latex evidence order parameter code "
    "note"
)
"""Fields of an entry that its JSON has."""

ROOT: Final = Path(__file__).resolve().parents[3]
"""Folder that holds the package."""


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
        """True if every check could run and none is contradicted."""
        return not any(f.error or f.verdict == CONTRADICTED for f in self.findings)

    @property
    def counts(self) -> dict[Verdict, int]:
        """Number of entries with each verdict."""
        found = Counter(finding.verdict for finding in self.findings)
        return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}

    def to_dict(self) -> dict[str, Any]:
        """The ledger for machines: plain numbers, strings, lists and dictionaries.

        Returns
        -------
        dict
            Entries, counts, and whether all could run and none is contradicted.
        """
        body = {"entries": [_row(f) for f in self.findings], "counts": self.counts, "ok": self.ok}
        return document("openmr/ledger/1", body)

    def __repr__(self) -> str:
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


def _row(finding: Finding) -> dict[str, Any]:
    entry = finding.entry
    return {
        **{name: getattr(entry, name) for name in TOLD.split()},
        "verdict": finding.verdict,
        "residual": finding.residual,
        "printed_residual": finding.printed_residual,
        "tolerance": entry.tolerance if entry.residual else None,
        "error": finding.error,
    }


def _number(value: float | None) -> str:
    """A residual; none where the form in print has no value."""
    return "none" if value is None or value == float("inf") else f"{value:.1e}"


def counted(counts: Mapping[Verdict, int], mark: str = "{}") -> str:
    """Number of entries, and of those with each verdict; `mark` decorates the verdict."""
    number = sum(counts.values())
    each = ", ".join(f"{n} {mark.format(verdict)}" for verdict, n in counts.items())
    return f"{number} {'entry' if number == 1 else 'entries'}: {each}."


def _table(ledger: Ledger) -> str:
    few = len(ledger.findings) <= FEW
    head = "Eq.", "verdict", "residual (allowed)", "printed", "statement"
    rows: list[str | Sequence[str]] = [head]
    for section, findings in groupby(ledger.findings, lambda finding: finding.entry.section):
        rows += ["", section]
        for f in findings:
            printed = _number(f.printed_residual) if f.verdict in WRONG else "-"
            residual = "-" if f.form is None else f.form.text
            said = f.error or f.entry.statement
            rows.append((f.entry.equation, f.verdict, residual, printed, said))
            rows += [f"    {line}" for line in _details(f)] if few else []
    verdicts = [f"{verdict}: {MEANING[verdict]}" for verdict in ledger.counts]
    lines = [LEGEND, "", *verdicts, "", table("<<<><", rows), "", counted(ledger.counts)]
    return "\n".join(lines)


def _details(finding: Finding) -> list[str]:
    entry = finding.entry
    lines = [f"printed   {entry.latex}"]
    if entry.corrected_latex and finding.verdict in WRONG:
        lines.append(f"holds     {entry.corrected_latex}")
    if entry.evidence:
        lines.append(f"evidence  {entry.evidence}")
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
    entries = [_row(finding) for finding in ledger.findings]
    lines = ["# Ledger of equations", "", counted(ledger.counts), ""]
    for section, members in groupby(entries, itemgetter("section")):
        lines += [f"## {section}", ""]
        for entry in members:
            heading = f"({entry['equation']}) {entry['verdict']}"
            lines += described(entry, heading, [_link(name, folder) for name in entry["code"]])
    return "\n".join(lines)


def described(entry: Mapping[str, Any], heading: str, code: Sequence[str]) -> list[str]:
    """Lines of Markdown on an entry as in ``entries`` of `Ledger.to_dict`, with links to `code`."""
    wrong = entry["verdict"] in WRONG
    lines = [f"### {heading}", "", prose(entry["statement"]), ""]
    if entry["latex"]:
        lines += ["$$", entry["latex"], "$$", ""]
    if entry["corrected_latex"] and wrong:
        lines += ["What holds:", "", "$$", entry["corrected_latex"], "$$", ""]
    facts = []
    if entry["route"]:
        allowed = "" if entry["tolerance"] is None else f", allowed {entry['tolerance']:.0e}"
        facts += [
            f"Residual {_number(entry['residual'])}{allowed} ({prose(entry['because'])}).",
            f"Computed by {prose(entry['route'])}.",
        ]
    if wrong:
        facts.append(f"As printed: {_number(entry['printed_residual'])}.")
        facts += [f"The scan's: {prose(entry['evidence'])}."] if entry["evidence"] else []
    if entry["order"] is not None:
        facts.append(f"Errs at order {entry['order']:g} in {prose(entry['parameter'])}.")
    for text in (" ".join(facts), prose(entry["error"]), prose(entry["note"])):
        lines += [text, ""] if text else []
    return [*lines, f"Code: {', '.join(code)}.", ""] if code else lines


def _link(name: str, folder: Path) -> str:
    path, _, line = _place(name).partition(":")
    target = Path(os.path.relpath(ROOT / path, folder)).as_posix()
    return f"[`{name}`]({target}{'#L' + line if line else ''})"
