"""What one entry of the ledger is, and how its verdict is reached.

An entry sets a formula of the paper, as a Python function that reads like the print, beside a
reference that was computed without it. The verdict follows from the residuals alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

HOLDS: Final = "holds"
MISPRINT: Final = "misprint"
SCAN_ERROR: Final = "scan error"
DEFINITION: Final = "definition"
APPROXIMATION: Final = "approximation"
UNDECIDABLE: Final = "undecidable"
CONTRADICTED: Final = "contradicted"
MEANING: Final = {
    HOLDS: "the print stands the test",
    MISPRINT: "the print fails, and another form holds",
    SCAN_ERROR: "the copy at hand differs from what was printed",
    DEFINITION: "names something",
    APPROXIMATION: "errs, at the order that was measured",
    UNDECIDABLE: "nothing here can decide it",
    CONTRADICTED: "neither the print nor another form stands the test",
}
"""What each verdict says."""
VERDICTS: Final = tuple(MEANING)

Formula = Callable[..., Any]
Residual = Callable[[Formula, Any], float]


def _nothing() -> None:
    return None


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
        Dotted names of the functions that implement or use it.
    printed : callable or None
        The formula as printed; None for a definition and for what cannot be computed.
    corrected : callable or None
        The form that is expected to hold instead.
    corrected_latex : str
    scan : bool
        The print differs from the corrected form by the scan, not by its authors.
    reference : callable
        () -> whatever `residual` compares with; run once, without the formula.
    residual : callable or None
        (formula, reference) -> distance from the reference, relative to the scale that `because`
        names. For an approximation: distance of the measured order from `order`.
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
    scan: bool = False
    reference: Callable[[], Any] = field(default=_nothing)
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
    residual : float or None
        Of the form that the verdict rests on: the corrected one of a misprint.
    printed_residual : float or None
        Of the form in print.
    error : str
        Why the check could not run, if it could not.
    """

    entry: Entry
    verdict: str
    residual: float | None = None
    printed_residual: float | None = None
    error: str = ""


def measured(entry: Entry, formula: Formula, reference: Any) -> float:
    """Residual of a formula; infinite where it cannot be computed or is not a number.

    Parameters
    ----------
    entry : Entry
    formula : callable
        In print, corrected, or wrong on purpose.
    reference : object
        What `entry.reference` returned.

    Returns
    -------
    float, no unit
        Non-negative.
    """
    assert entry.residual is not None
    with np.errstate(all="ignore"):
        try:
            value = float(entry.residual(formula, reference))
        except (ArithmeticError, LookupError, TypeError, ValueError, np.linalg.LinAlgError):
            return float("inf")
    return value if np.isfinite(value) else float("inf")


def decide(
    entry: Entry, reference: Any, printed: Formula | None, corrected: Formula | None
) -> Finding:
    """Verdict on an entry, with its formulas given so that wrong ones can be tried.

    Parameters
    ----------
    entry : Entry
    reference : object
        What `entry.reference` returned.
    printed : callable or None
    corrected : callable or None

    Returns
    -------
    Finding
        From the residuals alone.
    """
    if printed is None:
        if entry.residual is None:
            return Finding(entry, UNDECIDABLE if entry.note and not entry.code else DEFINITION)
        # nothing but a corrected form can be computed: the print does not parse
        assert corrected is not None
        own = measured(entry, corrected, reference)
        other = SCAN_ERROR if entry.scan else MISPRINT
        return Finding(entry, other if own <= entry.tolerance else CONTRADICTED, own)
    as_printed = measured(entry, printed, reference)
    if as_printed <= entry.tolerance:
        verdict = HOLDS if entry.order is None else APPROXIMATION
        return Finding(entry, verdict, as_printed, as_printed)
    if corrected is None:
        return Finding(entry, CONTRADICTED, as_printed, as_printed)
    own = measured(entry, corrected, reference)
    if own > entry.tolerance:
        return Finding(entry, CONTRADICTED, own, as_printed)
    return Finding(entry, SCAN_ERROR if entry.scan else MISPRINT, own, as_printed)


def examine(entry: Entry) -> Finding:
    """Compute the reference of an entry and decide.

    Parameters
    ----------
    entry : Entry

    Returns
    -------
    Finding
        Undecidable, with the error, where the check cannot run.
    """
    try:
        reference = entry.reference()
    except Exception as error:  # reported, and turns the exit status to 1
        return Finding(entry, UNDECIDABLE, error=f"{type(error).__name__}: {error}")
    return decide(entry, reference, entry.printed, entry.corrected)


def measured_order(sizes: Any, errors: Any) -> float:
    """Slope of log error against log size over all points.

    Parameters
    ----------
    sizes : array_like (n,), any unit
    errors : array_like (n,), any unit

    Returns
    -------
    float, no unit
        The order at which the errors fall.
    """
    slope, _ = np.polyfit(np.log(np.asarray(sizes)), np.log(np.asarray(errors)), 1)
    return float(slope)
