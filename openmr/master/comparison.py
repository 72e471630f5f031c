"""Every route to one question side by side: how far from the best, how positive, how thermal.

The best route is the hierarchy where it converged, else fourth order where it is stable; without
either, nothing is certified. Nothing is tuned to it: each route solves its own equation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from openmr import _checks
from openmr._checks import OpenmrError, ParameterError
from openmr.master.markov import ROUTES, Generator, RouteName
from openmr.master.open_system import OpenSystem
from openmr.master.questions import (
    MIXED,
    Currents,
    Rates,
    SteadyState,
    currents_of,
    rates_of,
    solved,
    steady_of,
)
from openmr.tables import Record, table

_COMPARED = tuple(name for name in ROUTES if name != "tcl2")
_BEST = ("heom", "tcl4")
"""Routes beyond second order, which alone certify others."""
_VERDICTS = {"good": 0.01, "fair": 0.1, "poor": np.inf}
"""Deviations up to which a route is called so."""
_NEGATIVE = -1e-9
"""Rate or population, over the largest, from which on it is no rounding."""

Answer = Rates | SteadyState | Currents
_Apart = tuple[float, float | None]


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
        From `RouteTable.best`, over what `RouteTable.scale` says; NaN where there is no answer.
    frequency_deviation : float or None, no unit
        The same of frequencies, which are not judged; None for other questions than "rates".
    lowest : float, unit of energy
        Lowest Kossakowski eigenvalue; negative where positivity is not kept.
    gibbs : float or None, no unit
        Change of the Gibbs state over the largest element of the dissipator.
    cost : float [s]
        Processor time, a scalar.
    verdict : str
        "best", "good" (deviation within 1 %), "fair" (within 10 %), "poor", "unstable" (something
        grows, or a population is negative), "crossover" (frequencies neither apart nor equal),
        "uncertified" (nothing beyond second order to judge by) or "refused".
    notes : tuple of str
        Reason of a refusal, or what is to be known.
    """

    method: str
    answer: Answer | None
    deviation: float
    frequency_deviation: float | None
    lowest: float
    gibbs: float | None
    cost: float
    verdict: str
    notes: tuple[str, ...]

    def _cells(self, show: Callable[[Any], Sequence[float]]) -> list[str]:
        if self.answer is None:
            return []
        beside = [] if self.frequency_deviation is None else [self.frequency_deviation]
        return [
            *(f"{value:.6g}" for value in show(self.answer)),
            *(f"{value:.1e}" for value in (self.deviation, *beside, self.lowest)),
            "" if self.gibbs is None else f"{self.gibbs:.1e}",
            f"{self.cost:.2g} s",
        ]


@dataclass(frozen=True, eq=False)
class RouteTable(Record):
    """One question, every route.

    Attributes
    ----------
    question : str
        "rates", "steady_state" or "currents".
    best : str
        The route from which deviations are counted; certified where it is "heom" or "tcl4".
    scale : str
        What they are relative to.
    routes : tuple of Route
        In the order of the table.
    """

    SCHEMA = "openmr/master/compare/1"
    question: str
    best: str
    scale: str
    routes: tuple[Route, ...]

    def __getitem__(self, method: str) -> Route:
        for route in self.routes:
            if route.method == method:
                return route
        raise KeyError(method)

    def __repr__(self) -> str:
        asked = _QUESTIONS[self.question]
        heads = [*asked.heads, "Kossakowski", "Gibbs", "cost"]
        rows: list[Sequence[str]] = [("route", *heads, "verdict")]
        for one in self.routes:
            cells = one._cells(asked.show)
            rows.append((one.method, *cells, *[""] * (len(heads) - len(cells)), one.verdict))
        said: dict[str, list[str]] = {}
        for method, text in ((one.method, text) for one in self.routes for text in one.notes):
            said.setdefault(text, []).append(method)
        notes = [f"  {', '.join(who)}: {text}" for text, who in said.items()]
        title = f"RouteTable  {self.question}; "
        if self.best not in _BEST:
            title += "no route beyond second order converged, none is certified; "
        title += f"deviation from {self.best!r}, {self.scale}" if self.best else "no answer"
        return "\n".join([title, table("<" + ">" * len(heads) + "<", rows), *notes])


def compare(
    system: OpenSystem,
    question: Literal["rates", "steady_state", "currents"] = "rates",
    methods: Sequence[RouteName] | None = None,
    *,
    level_shift: bool = True,
) -> RouteTable:
    """The same question to every route that applies, in one table.

    Rates are judged by the largest difference of a decay rate, over the largest rate of the best
    route; how far frequencies differ, over the same, stands beside it. States are judged by
    their trace distance, currents by that of energy over the largest. Modes that belong to one pair
    of levels in both routes are compared by name, all others as a set.

    Parameters
    ----------
    question : str
        "rates", "steady_state" or "currents".
    methods : sequence of str, optional
        Routes to ask; all by default.
    level_shift : bool
        As of `generator`; without it "tcl4" and "heom" refuse, and nothing is certified.

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
    chosen = list(_COMPARED) if methods is None else _checks.choices("methods", methods, ROUTES)
    if "tcl2" in chosen:
        raise ParameterError("`methods` must name 'redfield' for the Markov limit of 'tcl2'")
    if not system.constant:
        raise ParameterError("`system` must be constant to compare routes, got one with H(t)")
    options = {"level_shift": _checks.switch("level_shift", level_shift)}
    routes = [_route(system, method, asked, options) for method in chosen]
    stable = {one.method for one in routes if one.answer is not None and one.verdict != "unstable"}
    best = next((one for one in (*_BEST, "redfield", *chosen) if one in stable), "")
    reference = next((one.answer for one in routes if one.method == best), None)
    if reference is not None:
        routes = [_judged(one, best, asked.apart, reference) for one in routes]
    return RouteTable(question, best, asked.scale, tuple(routes))


def _route(system: OpenSystem, method: str, asked: _Question, options: dict[str, Any]) -> Route:
    start = process_time()
    try:
        made = solved(system, method, options)
        answer = asked.ask(made)
    except OpenmrError as error:
        said, cost = (str(error),), process_time() - start
        return Route(method, None, np.nan, None, np.nan, None, cost, "refused", said)
    cost = process_time() - start
    found = answer if isinstance(answer, Rates) else rates_of(made)
    notes = [text for text in found.warnings if not text.startswith("not completely positive")]
    slowest, scale = -found.modes.real.max(), np.abs(found.modes.real).max()
    verdict = "crossover" if any(text.startswith("crossover") for text in notes) else ""
    if slowest < _NEGATIVE * scale or getattr(answer, "lowest", 0.0) < _NEGATIVE:
        verdict = "unstable"
    if method == "coarse-grained" and (time := made.resolution or np.inf) < np.inf:
        notes.append(
            f"averaged over `resolution` = {time:.3g}, in which {time * scale:.2g} of a decay "
            f"goes by and frequencies within {1 / time:.2g} are not told apart"
        )
    return Route(
        method, answer, np.nan, None, made.positivity, made.detailed_balance, cost, verdict,
        tuple(notes),
    )  # fmt: skip


def _judged(route: Route, best: str, measure: Callable[..., _Apart], reference: Answer) -> Route:
    if route.answer is None:
        return route
    apart, beside = measure(route.answer, reference)
    verdict, notes = next(name for name, most in _VERDICTS.items() if not apart > most), route.notes
    if best in _BEST:  # what might matter is measured
        told = ("crossover", "memory") if verdict == "good" else ("memory",)
        notes = tuple(text for text in notes if not text.startswith(told))
    if route.verdict == "unstable" or (route.verdict and (verdict != "good" or best not in _BEST)):
        verdict = route.verdict
    elif best not in _BEST:
        verdict = "uncertified"
    elif route.method == best:
        verdict = "best"
    return replace(route, deviation=apart, frequency_deviation=beside, verdict=verdict, notes=notes)


# --- the questions -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Question:
    """A way to ask, one to measure differences, and the numbers to show."""

    ask: Callable[[Generator], Answer]
    apart: Callable[[Any, Any], _Apart]
    scale: str
    heads: tuple[str, ...]
    show: Callable[[Any], Sequence[float]]


def _rates_apart(one: Rates, other: Rates) -> _Apart:
    """Deviation of rates, and of frequencies."""
    named = _belonging(one) & _belonging(other)
    left, right = one.modes[~named], other.modes[~named]
    k, j = linear_sum_assignment(np.abs(left[:, None] - right))
    apart = np.concatenate([(one.modes - other.modes)[named], left[k] - right[j]])
    scale = np.abs(other.modes.real).max()
    return _over(np.abs(apart.real).max(), scale), _over(np.abs(apart.imag).max(), scale)


def _belonging(found: Rates) -> NDArray[np.bool_]:
    """Which modes belong to a pair of levels, (d, d)."""
    share = np.zeros(found.modes.shape)
    share[tuple(found.pairs.T)] = found.participation
    return share >= MIXED


def _states_apart(one: SteadyState, other: SteadyState) -> _Apart:
    return 0.5 * float(np.abs(np.linalg.eigvalsh((one.state - other.state).full())).sum()), None


def _currents_apart(one: Currents, other: Currents) -> _Apart:
    apart = np.abs(one.energy - other.energy).max(initial=0.0)
    return _over(apart, np.abs(other.energy).max(initial=0.0)), None


def _over(apart: float, scale: float) -> float:
    return float(apart / scale) if scale > 0 else 0.0 if apart == 0 else np.inf


_QUESTIONS = {
    "rates": _Question(
        rates_of,
        _rates_apart,
        "over its largest rate",
        ("1/T1", "1/T2", "frequency", "deviation", "of frequency"),
        lambda found: [found.longitudinal[0], found.transverse[0], found.frequencies[0]],
    ),
    "steady_state": _Question(
        steady_of,
        _states_apart,
        "as a trace distance",
        ("p0", "lowest", "deviation"),
        lambda found: [found.populations[0], found.lowest],
    ),
    "currents": _Question(
        currents_of,
        _currents_apart,
        "over its largest current",
        ("energy of bath 0", "deviation"),
        lambda found: list(found.energy[:1]),
    ),
}
