"""Every route to one question side by side: how far from the best, how positive, how thermal.

The best route is the hierarchy where it converged, else fourth order where it is stable, else
Redfield. Nothing is tuned to it: each route solves its own equation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np

from openmr import _checks
from openmr._checks import Array, OpenmrError, ParameterError
from openmr.master.markov import METHODS, Generator
from openmr.master.open_system import OpenSystem
from openmr.master.questions import (
    Currents,
    Rates,
    SteadyState,
    currents_of,
    rates_of,
    solved,
    steady_of,
)
from openmr.tables import document, table

_ROUTES = (*METHODS, "tcl4", "heom")
"""In order; "tcl2" for a long time is "redfield"."""
_BEST = ("heom", "tcl4", "redfield")
_GOOD, _FAIR = 0.01, 0.1
"""Deviations from the best route up to which a route is called good, and fair."""
_NEGATIVE = -1e-9
"""Rate or population, over the largest, from which on it is no rounding."""

Answer = Rates | SteadyState | Currents


@dataclass(frozen=True, eq=False)
class Route:
    """One method's answer, and how good it is.

    Attributes
    ----------
    method : str
        Its name.
    answer : Rates, SteadyState, Currents or None
        None where the method refused.
    deviation : float, no unit
        From the best route, see `RouteTable.scale`; NaN where there is no answer.
    lowest : float, unit of energy
        Lowest Kossakowski eigenvalue; negative where positivity is not kept.
    gibbs : float or None, no unit
        Change of the Gibbs state over the largest element of the dissipator.
    cost : float [s]
        Processor time, a scalar.
    verdict : str
        "best", "good" (within 1 %), "fair" (within 10 %), "poor", "unstable" (something grows, or a
        population is negative), "crossover" (frequencies neither apart nor equal) or "refused".
    notes : tuple of str
        Reason of a refusal, or what is to be known.
    """

    method: str
    answer: Answer | None
    deviation: float
    lowest: float
    gibbs: float | None
    cost: float
    verdict: str
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RouteTable:
    """One question, every route.

    Attributes
    ----------
    question : str
        "rates", "steady_state" or "currents".
    best : str
        The route from which deviations are counted.
    scale : str
        What they are relative to.
    routes : tuple of Route
        In the order of the table.
    """

    question: str
    best: str
    scale: str
    routes: tuple[Route, ...]

    def __getitem__(self, method: str) -> Route:
        for route in self.routes:
            if route.method == method:
                return route
        raise KeyError(method)

    def to_dict(self) -> dict[str, Any]:
        """All fields in what JSON can hold, without the answers themselves.

        Returns
        -------
        dict
            With ``schema`` and ``version``.
        """
        plain = [{**vars(route), "answer": None} for route in self.routes]
        return document("openmr/master/compare/1", {**vars(self), "routes": plain})

    def __repr__(self) -> str:
        heads, cells = _QUESTIONS[self.question].columns
        rows = [("route", *heads, "deviation", "Kossakowski", "Gibbs", "cost", "verdict")]
        for one in self.routes:
            if one.answer is None:
                rows.append((one.method, *[""] * (len(heads) + 4), one.verdict))
                continue
            rows.append(
                (
                    one.method,
                    *(f"{value:.6g}" for value in cells(one.answer)),
                    f"{one.deviation:.1e}",
                    f"{one.lowest:.1e}",
                    "" if one.gibbs is None else f"{one.gibbs:.1e}",
                    f"{one.cost:.2g} s",
                    one.verdict,
                )
            )
        said = dict.fromkeys(text for one in self.routes for text in one.notes)
        notes = [
            f"  {', '.join(one.method for one in self.routes if text in one.notes)}: {text}"
            for text in said
        ]
        title = f"RouteTable  {self.question}; deviation from {self.best!r}, {self.scale}"
        return "\n".join([title, table("<" + ">" * len(rows[0][1:-1]) + "<", rows), *notes])


def compare(
    system: OpenSystem, question: str = "rates", methods: Sequence[str] | None = None
) -> RouteTable:
    """The same question to every route that applies, in one table.

    Parameters
    ----------
    question : str
        "rates", "steady_state" or "currents".
    methods : sequence of str, optional
        Routes to ask; all by default.

    Returns
    -------
    RouteTable
        One row a route, those that refuse with their reason.

    Raises
    ------
    ParameterError
        For another question or route, and where H or A depend on time.
    """
    _checks.instance("system", system, OpenSystem)
    asked = _QUESTIONS[_checks.choice("question", question, _QUESTIONS)]
    if question == "currents" and len(system.couplings) < 2:
        raise ParameterError("`question` 'currents' needs two couplings: one alone carries none")
    chosen = [_checks.choice("methods", one, _ROUTES) for one in methods or _ROUTES]
    if not system.constant:
        raise ParameterError("`system` must be constant to compare routes, got one with H(t)")
    routes = [_route(system, method, asked) for method in chosen]
    stable = {one.method for one in routes if one.answer is not None and one.verdict != "unstable"}
    best = next((one for one in (*_BEST, *chosen) if one in stable), "")
    reference = next((one.answer for one in routes if one.method == best), None)
    if reference is not None:
        routes = [_judged(one, best, asked.deviation, reference) for one in routes]
    return RouteTable(question, best, asked.scale, tuple(routes))


def _route(system: OpenSystem, method: str, asked: _Question) -> Route:
    start = process_time()
    try:
        made = solved(system, method, {})
        answer = asked.ask(made)
    except OpenmrError as error:
        cost = process_time() - start
        return Route(method, None, np.nan, np.nan, None, cost, "refused", (str(error),))
    cost = process_time() - start
    found = rates_of(made) if not isinstance(answer, Rates) else answer
    all_rates = np.concatenate([found.longitudinal, found.transverse])
    verdict = ""
    if all_rates.min(initial=0.0) < _NEGATIVE * np.abs(all_rates).max(initial=0.0) or (
        isinstance(answer, SteadyState) and answer.lowest < _NEGATIVE
    ):
        verdict = "unstable"
    elif any(text.startswith("crossover") for text in found.warnings):
        verdict = "crossover"
    notes = [text for text in found.warnings if not text.startswith("not completely positive")]
    return Route(
        method, answer, np.nan, made.positivity, made.detailed_balance, cost, verdict,
        tuple(notes),
    )  # fmt: skip


def _judged(
    route: Route, best: str, deviation: Callable[[Any, Any], float], reference: Answer
) -> Route:
    if route.answer is None:
        return route
    found = deviation(route.answer, reference)
    verdict = "good" if found <= _GOOD else "fair" if found <= _FAIR else "poor"
    if route.method == best:
        verdict = "best"
    elif route.verdict == "unstable" or (route.verdict == "crossover" and found > _GOOD):
        verdict = route.verdict
    return replace(route, deviation=found, verdict=verdict)


# --- the questions -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Question:
    """A way to ask, one to measure a difference, and the numbers to show."""

    ask: Callable[[Generator], Answer]
    deviation: Callable[[Any, Any], float]
    scale: str
    columns: tuple[tuple[str, ...], Callable[[Any], Sequence[float]]]


def _rates_apart(one: Rates, other: Rates) -> float:
    def together(found: Rates) -> Array:
        return np.concatenate([found.longitudinal, found.transverse, found.frequencies])

    scale = np.abs(np.concatenate([other.longitudinal, other.transverse])).max(initial=0.0)
    return _over(np.abs(together(one) - together(other)).max(initial=0.0), scale)


def _states_apart(one: SteadyState, other: SteadyState) -> float:
    return 0.5 * float(np.abs(np.linalg.eigvalsh((one.state - other.state).full())).sum())


def _currents_apart(one: Currents, other: Currents) -> float:
    apart = np.abs(one.energy - other.energy).max(initial=0.0)
    return _over(apart, np.abs(other.energy).max(initial=0.0))


def _over(apart: float, scale: float) -> float:
    return float(apart / scale) if scale > 0 else 0.0 if apart == 0 else np.inf


_QUESTIONS = {
    "rates": _Question(
        rates_of,
        _rates_apart,
        "over its largest rate",
        (
            ("1/T1", "1/T2", "frequency"),
            lambda found: [
                *found.longitudinal[:1], *found.transverse[:1], *found.frequencies[:1],
            ],
        ),
    ),
    "steady_state": _Question(
        steady_of,
        _states_apart,
        "as a trace distance",
        (("p0", "lowest"), lambda found: [found.populations[0], found.lowest]),
    ),
    "currents": _Question(
        currents_of,
        _currents_apart,
        "over its largest current",
        (("energy of bath 0",), lambda found: list(found.energy[:1])),
    ),
}  # fmt: skip
