"""An entry of the ledger, and the way to its verdict.

An entry sets a formula of the paper beside a reference that was computed without it. Where the
package has a function that says it, the formula is that function, behind a thin adapter; otherwise,
and for most misprints, it is written out as it stands in print. The verdict follows from the
residuals alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np

from openmr.tables import Comparison

HOLDS: Final = "holds"
MISPRINT: Final = "misprint"
SCAN_ERROR: Final = "scan error"
DEFINITION: Final = "definition"
APPROXIMATION: Final = "approximation"
UNDECIDABLE: Final = "undecidable"
CONTRADICTED: Final = "contradicted"
Verdict = Literal[
    "holds", "misprint", "scan error", "definition", "approximation", "undecidable", "contradicted"
]  # fmt: skip
MEANING: Final[dict[Verdict, str]] = {
    HOLDS: "the print stands the test",
    MISPRINT: "the print fails, and another form holds",
    SCAN_ERROR: "the print fails, and a second place in the text has the form that holds",
    DEFINITION: "names something",
    APPROXIMATION: "errs, at the order that was found",
    UNDECIDABLE: "nothing here can decide it",
    CONTRADICTED: "neither the print nor another form stands the test, or the code does not",
}
"""Meaning of each verdict."""
VERDICTS: Final = get_args(Verdict)

Formula = Callable[..., Any]
Residual = Callable[[Formula, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One equation, or one claim in words, of the paper.

    Attributes
    ----------
    equation : str
        "70", "A15", "B36"; claims in words: "V.A cos2", "C minimum".
    section : str
        Heading under which the ledger groups it.
    statement : str
        What it says, in our own words.
    latex : str
        The formula as printed.
    code : tuple of str
        Dotted names of the functions that say it: each runs when the entry is examined, and made
        wrong it turns the verdict.
    printed : callable or None
        The formula as printed; None for a definition and for what cannot be computed.
    corrected : callable or None
        The form that is expected to hold instead.
    corrected_latex : str
    shipped : tuple of callable
        Further functions of the package that say what the form that holds says, behind thin
        adapters; each must stand beside the reference as that form does.
    evidence : str
        Place in the text that shows the scan at fault; without one it is a misprint.
    reference : callable
        () -> whatever `residual` compares with; run once, without the formula.
    residual : callable or None
        (formula, reference) -> distance from the reference, relative to the scale that `because`
        names. For an approximation: the order found, or several, to be compared with `order`.
    tolerance : float
    because : str
        What the residual is relative to, and where the tolerance comes from.
    route : str
        How the reference is computed.
    order : float or None
        For an approximation: the order at which it errs in `parameter`.
    parameter : str
        The small parameter of an approximation.
    note : str
        What else a reader should know: reading used, what was tried, size of the misprint in words.
    """

    equation: str
    section: str
    statement: str
    latex: str
    code: tuple[str, ...] = ()
    printed: Formula | None = None
    corrected: Formula | None = None
    corrected_latex: str = ""
    shipped: tuple[Formula, ...] = ()
    evidence: str = ""
    reference: Callable[[], Any] = field(default=lambda: None)
    residual: Residual | None = None
    tolerance: float = 0.0
    because: str = ""
    route: str = ""
    order: float | None = None
    parameter: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on an entry.

    Attributes
    ----------
    entry : Entry
    verdict : str
        One of `VERDICTS`.
    form : Comparison or None
        The form that the verdict rests on, beside the reference: the corrected one of a misprint.
    printed : Comparison or None
        The form in print beside the reference.
    error : str
        Why the check could not run, if it could not.
    """

    entry: Entry
    verdict: Verdict
    form: Comparison | None = None
    printed: Comparison | None = None
    error: str = ""

    @property
    def residual(self) -> float | None:
        """Deviation of `form`, no unit."""
        return None if self.form is None else self.form.deviation

    @property
    def printed_residual(self) -> float | None:
        """Deviation of the form in print, no unit."""
        return None if self.printed is None else self.printed.deviation


def _beside(reference: Any, entry: Entry, formula: Formula) -> Comparison:
    """A formula beside the reference; infinitely far where it cannot be computed."""
    assert entry.residual is not None
    with np.errstate(all="ignore"):
        try:
            found = entry.residual(formula, reference)
            value = float(found if entry.order is None else np.abs(found - entry.order).max())
        except (ArithmeticError, LookupError, TypeError, ValueError, np.linalg.LinAlgError):
            value = float("inf")
    return Comparison(
        deviation=value if np.isfinite(value) else float("inf"),
        tolerance=entry.tolerance,
        because=entry.because,
        route=entry.route,
    )


def decide(
    entry: Entry, reference: Any, printed: Formula | None, corrected: Formula | None
) -> Finding:
    """Verdict from the residuals alone, with formulas given so that wrong ones can be tried.

    `reference` is what `entry.reference` returned.
    """
    if printed is None and entry.residual is None:
        return Finding(entry, UNDECIDABLE if entry.note and not entry.code else DEFINITION)
    # a form in print that does not parse is None
    verdict: Verdict
    in_print = form = None if printed is None else _beside(reference, entry, printed)
    if in_print is not None and in_print.ok:
        verdict = HOLDS if entry.order is None else APPROXIMATION
    else:
        verdict = SCAN_ERROR if entry.evidence else MISPRINT
        form = in_print if corrected is None else _beside(reference, entry, corrected)
    assert form is not None
    forms = [form, *(_beside(reference, entry, formula) for formula in entry.shipped)]
    worst = max(forms, key=lambda one: one.deviation)
    return Finding(entry, verdict if worst.ok else CONTRADICTED, worst, in_print)


def examine(entry: Entry) -> Finding:
    """Compute the reference of an entry and decide; undecidable where the check cannot run."""
    try:
        reference = entry.reference()
    except Exception as error:  # reported, and turns the exit status to 1
        return Finding(entry, UNDECIDABLE, error=f"{type(error).__name__}: {error}")
    return decide(entry, reference, entry.printed, entry.corrected)


def order_of_error(sizes: Any, errors: Any) -> float:
    """Order at which errors (n,) fall with sizes (n,): the slope of their logarithms."""
    slope, _ = np.polyfit(np.log(sizes), np.log(errors), 1)
    return float(slope)
