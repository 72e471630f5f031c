"""Every numbered equation of the paper, and what stacks and slow moments add, each decided anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Final

from openmr import _checks
from openmr.reports.ledger.entries import VERDICTS, Entry, Finding, Verdict, examine
from openmr.reports.ledger.report import Ledger

__all__ = ["Entry", "Finding", "Ledger", "all_entries", "ledger"]

CHAPTERS: Final = (
    "hamiltonian", "master_equation", "one_body", "collision_integral", "weiss_field",
    "spin_axes", "rate_equation", "ansatz", "charge_and_spin", "spin_flips", "relaxation",
    "dephasing", "diffusion", "exchange_field", "impurities", "limits", "ferromagnet",
    "mechanisms", "antiferromagnet", "many_electrons", "pair_correlations", "spin_diffusion",
    "spin_profile", "currents", "mode_shares", "appendix_c", "stacks",
    "followed_moments",
)  # fmt: skip
"""Modules that hold the entries, in the order of the paper; the last two are not of it."""


def all_entries() -> list[Entry]:
    """All entries, in the order of the paper."""
    found: list[Entry] = []
    for chapter in CHAPTERS:
        found += import_module(f"openmr.reports.ledger.{chapter}").ENTRIES
    return found


def ledger(
    only: Iterable[str | int] | str | int | None = None, *, verdict: Verdict | None = None
) -> Ledger:
    """Decide every equation of the paper, or some.

    Parameters
    ----------
    only : iterable of str or int, or "70,75", or 70, optional
        Equation numbers and names of claims, in either case of letters; "86-90" or "(86)-(90)" is
        all from the one to the other in the ledger's order, claims between them included.
    verdict : str, optional
        Those alone that have it, "misprint" for one.

    Returns
    -------
    Ledger
        Prints as a table; ``.findings``, ``.counts``, ``.ok``, ``.to_dict()``,
        ``.to_markdown()``.

    Raises
    ------
    ParameterError
        For a number that is not in the ledger, a range that ends before it begins, or none; for
        an unknown verdict.

    Examples
    --------
    >>> import openmr as om
    >>> om.ledger("70").findings[0].verdict
    'misprint'
    """
    chosen = all_entries()
    if only is not None:
        if isinstance(only, int) and not isinstance(only, bool):
            only = [only]
        numbers = (
            only.split(",")
            if isinstance(only, str)
            else _checks.sequence("only", only, "equation numbers")
        )
        texts = (one if isinstance(one, str) else _checks.shown(one) for one in numbers)
        wanted = [text.strip() for text in texts if text.strip()]
        if not wanted:
            raise _checks.ParameterError(
                f"`only` must hold at least one equation number, got {only!r}"
            )
        places = {entry.equation.lower(): place for place, entry in enumerate(chosen)}
        asked = {place for text in wanted for place in _places(text, places)}
        chosen = [chosen[place] for place in sorted(asked)]
    if verdict is not None:
        _checks.choice("verdict", verdict, VERDICTS)
    found = map(examine, chosen)
    return Ledger(tuple(one for one in found if verdict in (None, one.verdict)))


def _places(text: str, places: Mapping[str, int]) -> range:
    """Places in the ledger of an equation, or of all from one to another."""
    whole = text.strip(" ()").lower() in places  # a claim's name may have a hyphen
    ends = [end.strip(" ()") for end in ([text] if whole else re.split("(?<=.)[-\u2013]", text))]
    for end in ends:
        if end.lower() not in places:
            raise _checks.ParameterError(
                f"`only` must hold equations of the ledger (1 ... 97, A1 ... A22, B1 ... B39, "
                f"SMR1 ... SMR18 or a claim's name as the whole ledger lists it), got {end!r}"
            )
    first, last = places[ends[0].lower()], places[ends[-1].lower()]
    if len(ends) > 2 or last < first:
        raise _checks.ParameterError(
            f"`only` must hold ranges from an equation to a later one, as 86-90, got {text!r}"
        )
    return range(first, last + 1)
