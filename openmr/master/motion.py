"""Motions of a state: exponential, by a generator of the moment, or with a memory.

A whole state is one vector whose first entries are the columns (d^2, n) of stacked density
matrices; what remembers comes after them. It travels along marks of time in units of 1 / `unit`. In
a constant system the generator of the long run takes over once the memory is over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from openmr import _checks
from openmr._checks import EPSILON, Array, ComplexArray, ConvergenceError, ParameterError

_EXPLICIT = ("adams", "vern7", "vern9", "tsit5", "dop853", "DOP853")
_CONSTANT = ("diag", "krylov")
_METHODS = {
    **dict.fromkeys(_EXPLICIT, "DOP853"),
    **dict.fromkeys(("bdf", "lsoda", "BDF"), "BDF"),
    **{name: name for name in ("RK45", "RK23", *_CONSTANT)},
}
"""Integrators by QuTiP's names and SciPy's."""
_SOLVER = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-12}
"""Errors of a step in time, for states and for memories that are both of order one."""

_FEW, _BAD_BASIS = 3, 1e3
"""Marks up to which an exponential each is cheap, and rounding of a basis that would show."""

Path = Callable[[float], ComplexArray]
Change = Callable[[float, ComplexArray], ComplexArray]


def solver_options(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Options of `integrated` from QuTiP's, checked."""
    if not isinstance(given, Mapping | None):
        raise ParameterError(
            f"`options` must be a dict of solver options, got {_checks.shown(given)}"
        )
    found = {}
    for name, value in (given or {}).items():
        _checks.choice("options", name, [*_OPTIONS, *_IDLE])
        label, idle = f"options[{name!r}]", _IDLE.get(name, ())
        if not idle:
            found[name] = _OPTIONS[name](label, value)
        elif repr(value) not in map(repr, idle):
            raise ParameterError(f"`{label}` must be one of {idle}, got {_checks.shown(value)}")
    return found


_OPTIONS: dict[str, Callable[[str, Any], Any]] = {
    "method": lambda name, value: _METHODS[_checks.choice(name, value, _METHODS)],
    # SciPy takes no less
    "rtol": lambda name, value: max(_checks.number(name, value, above=0.0), 100 * EPSILON),
    "atol": partial(_checks.number, above=0.0),
    # QuTiP's 0 is no limit
    "max_step": lambda name, value: _checks.number(name, value, least=0.0, infinite=True) or np.inf,
    "nsteps": partial(_checks.integer, least=1),
}
_IDLE: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("store_states", "store_final_state"), (None, True, False)),
    "progress_bar": (None, False, ""),
}
"""Options of QuTiP that change nothing here, and what they may be."""


def integrated(
    change: Change,
    start: ComplexArray,
    marks: Array,
    unit: float = 1.0,
    *,
    max_step: float = np.inf,
    nsteps: float = np.inf,
    **solver: Any,
) -> list[ComplexArray]:
    """Solution of y' = f(t, y) at the marks; `max_step` in units of time, others of SciPy's."""
    if marks[-1] == marks[0] or not start.size:
        return [start] * len(marks)
    options: dict[str, Any] = {**_SOLVER, **solver, "max_step": unit * max_step}
    if options["method"] in _CONSTANT:
        raise ParameterError(
            f"`options['method']` {options['method']!r} goes with constant generators alone; "
            "take 'adams' or 'bdf'"
        )
    steps = count(-1)

    def counted(_: float, __: ComplexArray) -> float:
        if next(steps) > nsteps * (len(marks) - 1):
            raise ConvergenceError(
                f"the integrator takes more than `options['nsteps']` = {nsteps} steps between times"
            )
        return 1.0  # an event that never comes

    found: Any = solve_ivp(
        change, (marks[0], marks[-1]), start, t_eval=marks, events=counted, **options
    )
    if not found.success:
        reached = found.t[-1] if len(found.t) else marks[0]
        raise ConvergenceError(
            f"the integrator stopped after t = {reached / unit:.4g}: {found.message}; try "
            "options={'method': 'bdf'}"
        )
    return list(found.y.T)


def exponentials(matrix: ComplexArray, start: ComplexArray, marks: Array) -> list[ComplexArray]:
    """exp((t - t0) matrix) on columns at the marks, by its modes where they are a good basis.

    Otherwise step by step, where steps that are equal to the rounding of the times are one.
    """
    if len(marks) > _FEW:
        values, modes = np.linalg.eig(matrix)
        if np.linalg.cond(modes) < _BAD_BASIS:
            grown = np.exp(np.outer(marks - marks[0], values))
            return list(modes @ (grown[:, :, None] * np.linalg.solve(modes, start)))
    found, last = [start], np.nan
    for step in np.diff(marks):
        if not abs(step - last) <= 4 * np.spacing(np.abs(marks).max()):
            moved, last = expm(step * matrix), step
        found.append(np.asarray(moved @ found[-1]))
    return found


@dataclass(frozen=True, eq=False)
class Motion:
    """A mover of whole states."""

    columns: ComplexArray  # of the start, uncorrelated with the baths, (d^2, n)
    solver: Mapping[str, Any]  # options of `integrated`
    unit: float  # energy that inverse times are divided by
    settled: float  # time after which `limit` moves the columns, 1 / `unit`
    limit: ComplexArray | None  # generator of the long run, (d^2, d^2), if there is one

    def change(self, time: float, y: ComplexArray) -> ComplexArray:
        """dy/dt."""
        raise NotImplementedError

    def start(self, time: float) -> ComplexArray:
        """Whole state at the first time."""
        return self.columns.ravel()

    def top(self, y: ComplexArray) -> ComplexArray:
        """Columns of a whole state."""
        return y[: self.columns.size].reshape(self.columns.shape)

    def kicked(self, time: float, y: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """Whole state after a pulse."""
        turned = np.kron(pulse.conj(), pulse) @ self.top(y)
        return np.concatenate([turned.ravel(), y[turned.size :]])

    def late(self, y: ComplexArray, columns: ComplexArray) -> ComplexArray:
        """Whole state in the long run, with these columns."""
        return np.concatenate([columns.ravel(), y[columns.size :]])

    def forgotten(self, y: ComplexArray) -> bool:
        """Whether `limit` may take over, which it does after the time `settled`."""
        return True

    def long_run(self) -> ComplexArray | None:
        """`limit`, which may be worked out here."""
        return self.limit

    def followed(self, y: ComplexArray, marks: Array) -> list[ComplexArray]:
        """Whole states at the marks, all of them followed."""
        return integrated(self.change, y, marks, self.unit, **self.solver)

    def along(self, y: ComplexArray, marks: Array) -> list[ComplexArray]:
        """Whole states at the marks, the first of them y."""
        end = marks[0] + self.settled
        if end >= marks[-1] or (limit := self.long_run()) is None:
            return self.followed(y, marks)
        rest = np.append(end, marks[marks >= end])
        *found, y = self.followed(y, np.append(marks[marks < end], end))
        if not self.forgotten(y):
            return [*found, *self.along(y, rest)[1:]]
        columns = exponentials(limit, self.top(y), rest)[1:]
        return [*found, *(self.late(y, one) for one in columns)]


def run(motion: Motion, grid: Array, kicks: Sequence[tuple[float, ComplexArray]]) -> Path:
    """Columns at any time: whole states at those of the grid, and on from the one before."""
    unit, now = motion.unit, float(grid[0])
    y = motion.start(unit * now)
    marks: list[float] = []
    states: list[ComplexArray] = []
    for end, pulse in [*kicks, (float(grid[-1]), None)]:
        leg = np.unique([now, *grid[(grid > now) & (grid < end)], end])
        marks += leg.tolist()
        states += motion.along(y, unit * leg)
        if pulse is not None:
            y, now = motion.kicked(unit * end, states[-1], pulse), end

    def path(time: float) -> ComplexArray:
        k = max(0, bisect_right(marks, time) - 1)
        if time <= marks[k]:
            return motion.top(states[k])
        return motion.top(motion.along(states[k], unit * np.array([marks[k], time]))[-1])

    return path


@dataclass(frozen=True, eq=False)
class Local(Motion):
    """Columns alone, by a generator of the moment; a constant one is its own limit at once."""

    matrix: Callable[[float], ComplexArray]

    def change(self, time: float, y: ComplexArray) -> ComplexArray:
        """dy/dt."""
        return np.asarray(self.matrix(time) @ self.top(y)).ravel()


@dataclass(frozen=True, eq=False)
class Remembering(Motion):
    """Columns, and the memory of an equation of second or fourth order."""

    equation: Any

    def start(self, time: float) -> ComplexArray:
        """Whole state at the first time."""
        return np.concatenate([self.columns.ravel(), self.equation.start(time)])

    def change(self, time: float, y: ComplexArray) -> ComplexArray:
        """dy/dt."""
        memory = y[self.columns.size :]
        moved = self.equation.act(time, memory, self.top(y))
        return np.concatenate([moved.ravel(), self.equation.change(time, memory)])

    def kicked(self, time: float, y: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """Whole state after a pulse, which the memory feels as well."""
        y = super().kicked(time, y, pulse)
        memory = self.equation.kicked(time, y[self.columns.size :], pulse)
        return np.concatenate([y[: self.columns.size], memory])
