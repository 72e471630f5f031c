"""Motions of a state: exponential, with memory, through a hierarchy, or by levels of the moment.

Each motion knows its unit, makes its own whole state from columns (d^2, n) of stacked density
matrices, kicks it by a pulse, and travels along marks of time in its unit, with dense output. In a
constant system the generator of the long run takes over once the memory is over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from qutip import Qobj
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError
from openmr.master import memory
from openmr.master.hierarchy import Hierarchy, Travel, hierarchies, ladder
from openmr.master.markov import METHODS, Generator, generator
from openmr.master.memory import ConstantSecondOrder, FourthOrder, SecondOrder, scaled
from openmr.master.open_system import OpenSystem
from openmr.master.panels import PanelMemory, panel_memory

_FINENESS, _LAST = (memory.FINE, 1e-6), 1e-4
"""Errors of the exponents that are tried in second order, where one more costs little; and the last
one, for pulses: without them C(t) itself serves."""
_REACH, _NEAR = 100.0, 30.0
"""Noise above so many times the largest frequency is white in second and in fourth order, where the
memory is integrated step by step."""
_LARGEST_LIMIT = 24
"""Levels up to which a matrix exponential is cheaper than going on in time."""
_MOST_STEPS = 3
"""Different steps up to which each has its own matrix exponential."""

Path = Callable[[float], ComplexArray]


class Motion(Protocol):
    """A whole state on its way."""

    @property
    def unit(self) -> float:
        """Energy that inverse times are divided by."""
        ...

    def start(self, columns: ComplexArray) -> Any:
        """Whole state of columns (d^2, n), uncorrelated with the baths."""
        ...

    def kicked(self, state: Any, pulse: ComplexArray) -> Any:
        """Whole state after a pulse."""
        ...

    def travel(self, state: Any, marks: Array) -> tuple[list[ComplexArray], Path, Any]:
        """Columns at the marks, at any time between, and the whole state at the last."""
        ...


def run(
    motion: Motion, columns: ComplexArray, grid: Array, kicks: list[tuple[float, ComplexArray]]
) -> tuple[list[ComplexArray], Path]:
    """Columns at the times, and at any time between: from one pulse to the next."""
    ends = [*(time for time, _ in kicks), float(grid[-1])]
    state, time = motion.start(columns), float(grid[0])
    starts, paths, values = [], [], []
    for end, kick in zip(ends, [*kicks, None], strict=True):
        inside = grid[(grid >= time) & ((grid < end) if kick else (grid <= end))]
        marks = np.unique(np.concatenate([[time], inside, [end]]))
        found, path, last = motion.travel(state, motion.unit * marks)
        chosen = np.searchsorted(marks, inside)
        values += [found[k] for k in chosen]
        starts.append(time)
        paths.append(path)
        state = motion.kicked(last, kick[1]) if kick else last
        time = end

    def whole(time: float) -> ComplexArray:
        piece = max(0, bisect_right(starts, time) - 1)
        return np.asarray(paths[piece](motion.unit * time))

    return values, whole


@dataclass(frozen=True, eq=False)
class _Constant:
    """exp(K t), K (d^2, d^2) in the unit; columns are the whole state."""

    matrix: ComplexArray
    unit: float

    def start(self, columns: ComplexArray) -> ComplexArray:
        return columns

    def kicked(self, state: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        return np.asarray(np.kron(pulse.conj(), pulse) @ state)

    @cached_property
    def _modes(self) -> tuple[ComplexArray, ComplexArray, ComplexArray] | None:
        values, vectors = np.linalg.eig(self.matrix)
        if not np.linalg.cond(vectors) < 1e6:
            return None
        return values, vectors, np.linalg.inv(vectors)

    def travel(
        self, state: ComplexArray, marks: Array
    ) -> tuple[list[ComplexArray], Path, ComplexArray]:
        steps = np.diff(marks)
        # what is equal to the rounding of the times themselves is equal
        equal = np.round(steps / (4 * np.spacing(np.abs(marks).max())))
        _, first, which = np.unique(equal, return_index=True, return_inverse=True)
        several = len(first) > _MOST_STEPS and self._modes is not None
        matrices = [] if several else [expm(steps[k] * self.matrix) for k in first]
        found = [state]
        for k, step in zip(which, steps, strict=True):
            found.append(self._moved(found[-1], step) if several else matrices[k] @ found[-1])

        def path(time: float) -> ComplexArray:
            k = max(0, bisect_right(marks, time) - 1)
            return np.asarray(expm((time - marks[k]) * self.matrix) @ found[k])

        return found, path, found[-1]

    def _moved(self, state: ComplexArray, step: float) -> ComplexArray:
        assert self._modes is not None
        values, vectors, back = self._modes
        return np.asarray(vectors @ (np.exp(step * values)[:, None] * (back @ state)))


def _integrated(
    change: Callable[[float, ComplexArray], ComplexArray],
    start: ComplexArray,
    marks: Array,
    unit: float,
    solver: Mapping[str, Any],
) -> Path:
    """Dense solution of y' = f(t, y); `solver` as of `_options`."""
    if marks[-1] == marks[0]:
        return lambda _: start
    options = {**solver, "max_step": unit * solver["max_step"]}
    ends = (float(marks[0]), float(marks[-1]))
    found: Any = solve_ivp(change, ends, start, dense_output=True, **options)
    if not found.success:
        raise ConvergenceError(
            f"the integrator stopped at t = {found.t[-1] / unit:.4g}: {found.message}; try "
            "options={'method': 'Radau'}"
        )
    dense: Path = found.sol
    return dense


@dataclass(frozen=True, eq=False)
class _Instantaneous:
    """A generator of the moment's H and A; columns are the whole state."""

    matrix: Callable[[float], ComplexArray]
    unit: float
    solver: Mapping[str, Any]

    def start(self, columns: ComplexArray) -> ComplexArray:
        return columns

    def kicked(self, state: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        return np.asarray(np.kron(pulse.conj(), pulse) @ state)

    def travel(
        self, state: ComplexArray, marks: Array
    ) -> tuple[list[ComplexArray], Path, ComplexArray]:
        def change(time: float, y: ComplexArray) -> ComplexArray:
            return np.asarray((self.matrix(time / self.unit) @ y.reshape(state.shape)).ravel())

        flat = _integrated(change, state.ravel(), marks, self.unit, self.solver)

        def path(time: float) -> ComplexArray:
            return np.asarray(flat(time).reshape(state.shape))

        found = [path(mark) for mark in marks]
        return found, path, found[-1]


@dataclass(frozen=True, eq=False)
class _Remembering:
    """State and memory; in a constant system the generator of the long run takes over.

    The whole state is the columns (d^2, n) and the vector of `equation`.
    """

    equation: Any
    limit: ComplexArray | None
    solver: Mapping[str, Any]

    @property
    def unit(self) -> float:
        return float(self.equation.problem.unit)

    def start(self, columns: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        return columns, self.equation.start()

    def kicked(
        self, state: tuple[ComplexArray, ComplexArray], pulse: ComplexArray
    ) -> tuple[ComplexArray, ComplexArray]:
        turned = np.kron(pulse.conj(), pulse) @ state[0]
        return np.asarray(turned), self.equation.kicked(state[1], pulse)

    def travel(self, state: Any, marks: Array) -> tuple[list[ComplexArray], Path, Any]:
        end = marks[0] + self.equation.problem.settled
        if self.limit is None or end >= marks[-1]:
            return self._remembered(state, marks)
        early = np.append(marks[marks < end], end)
        values, path, state = self._remembered(state, early)
        late = np.concatenate([[end], marks[marks >= end]])
        later, rest, last = _Constant(self.limit, self.unit).travel(state[0], np.unique(late))
        keep = later if marks[marks >= end][0] == end else later[1:]

        def whole(time: float) -> ComplexArray:
            return path(time) if time < end else rest(time)

        return [*values[:-1], *keep], whole, (last, state[1])

    def _remembered(self, state: Any, marks: Array) -> tuple[list[ComplexArray], Path, Any]:
        columns, first = state
        d, count = round(len(columns) ** 0.5), columns.shape[1]
        explicit = isinstance(self.equation, ConstantSecondOrder | _Known)
        rho = columns.T.reshape(count, d, d).swapaxes(-1, -2)

        def change(time: float, y: ComplexArray) -> ComplexArray:
            now = self.equation.later(first, time - marks[0]) if explicit else y[rho.size :]
            moved = self.equation.act(time, now, y[: rho.size].reshape(rho.shape)).ravel()
            if explicit:
                return np.asarray(moved)
            return np.concatenate([moved, self.equation.change(time, now)])

        whole = np.concatenate([rho.ravel(), [] if explicit else first])
        flat = _integrated(change, whole, marks, self.unit, self.solver)

        def path(time: float) -> ComplexArray:
            matrices = flat(time)[: rho.size].reshape(rho.shape)
            return np.asarray(matrices.swapaxes(-1, -2).reshape(count, d * d).T)

        if explicit:
            last = self.equation.later(first, marks[-1] - marks[0])
        else:
            last = flat(marks[-1])[rho.size :]
        found = [path(mark) for mark in marks]
        return found, path, (found[-1], last)


@dataclass(frozen=True, eq=False)
class _Known:
    """K(t) of a memory on panels as an equation: what it remembers is the time."""

    made: PanelMemory
    first: float
    extra: ComplexArray | float

    @property
    def problem(self) -> _Known:
        return self

    @property
    def unit(self) -> float:
        """The first panel, the shortest memory, is of length one: no step leaps over it."""
        return 1.0 / self.made.first_step if 0 < self.made.first_step < np.inf else 1.0

    @property
    def settled(self) -> float:
        return self.unit * self.made.memory

    def start(self) -> Array:
        return np.array([self.first])

    def later(self, memory: Array, lapse: float) -> Array:
        return memory + lapse / self.unit

    def kicked(self, memory: Array, pulse: ComplexArray) -> Array:
        raise ParameterError(
            "`pulses` need a memory in exponents: give the OpenSystem, with baths that have them"
        )

    def matrix(self, time: float) -> ComplexArray:
        return np.asarray((self.made.overshot(time).matrix + self.extra) / self.unit)

    def act(self, time: float, memory: Array, rho: ComplexArray) -> ComplexArray:
        d = rho.shape[-1]
        flat = rho.swapaxes(-1, -2).reshape(-1, d * d) @ self.matrix(memory[0]).T
        return np.asarray(flat.reshape(rho.shape).swapaxes(-1, -2))

    @property
    def uncertainty(self) -> float:
        """Error of the transforms over the largest half rate."""
        found = self.made.transforms
        return max(((t.uncertainty + t.tail) / (t.scale or 1.0) for t in found), default=0.0)

    @property
    def limit(self) -> ComplexArray | None:
        """K in the long run, None where it is approached as a power of time."""
        endless = np.isinf(self.made.time) and all(t.late is None for t in self.made.transforms)
        return self.matrix(np.inf) if endless else None


def refuse_options(method: str, level_shift: bool, resolution: float | None) -> None:
    """Raise for options of Markovian generators."""
    if not level_shift:
        raise ParameterError(
            f"`level_shift` must be True with {method!r}, where it is no separate term"
        )
    if resolution is not None:
        raise ParameterError(f"`resolution` does not go with `method` {method!r}")


def motion_of(
    given: OpenSystem | Generator | PanelMemory,
    extra: Qobj | None,
    method: str,
    first: float,
    rtol: float | None,
    solver: Mapping[str, Any],
    level_shift: bool,
    resolution: float | None,
    pulsed: bool,
) -> tuple[Motion, float]:
    """Motion by any equation but the hierarchy, and its uncertainty."""
    if isinstance(given, PanelMemory):
        known = _Known(given, first, 0.0 if extra is None else extra.full())
        return _Remembering(known, known.limit, solver), known.uncertainty
    system = given.system if isinstance(given, Generator) else given
    chosen: dict[str, Any] = {"level_shift": level_shift, "resolution": resolution}
    if isinstance(given, Generator) or (system.constant and method in METHODS):
        made = given if isinstance(given, Generator) else generator(given, method, **chosen)
        unit = float(np.abs(made.matrix).max()) or 1.0
        return _Constant(made.matrix / unit, unit), made.uncertainty
    if method in METHODS:

        def matrix(time: float) -> ComplexArray:
            return np.asarray(generator(given, method, time=time, **chosen).matrix / unit)

        unit = 1.0
        unit = float(np.abs(matrix(first)).max()) or 1.0
        return _Instantaneous(matrix, unit, solver), 0.0
    refuse_options(method, level_shift, resolution)
    try:
        equation, limit = _equation(system, method, first, rtol, pulsed)
    except ConvergenceError:
        if method != "tcl2" or not system.constant or rtol is not None or pulsed:
            raise
        known = _Known(panel_memory(system), 0.0, 0.0)
        return _Remembering(known, known.limit, solver), known.uncertainty
    errors = [r.uncertainty for r in equation.problem.reservoirs]
    return _Remembering(equation, limit, solver), max(errors, default=0.0)


def _equation(
    system: OpenSystem, method: str, first: float, rtol: float | None, pulsed: bool
) -> tuple[Any, ComplexArray | None]:
    """Equation with memory, and its generator in the long run of a small constant system."""
    constant = system.constant
    short = system.dimension <= _LARGEST_LIMIT and constant
    if method == "tcl4":
        fourth = FourthOrder(scaled(system, rtol or 1e-5, first, reach=_NEAR))
        if not short:
            return fourth, None
        try:
            limit = memory.tcl4_generator(system).matrix
        except ConvergenceError:  # no limit: the memory is followed to the end
            return fourth, None
        return fourth, limit / fourth.problem.unit
    if not constant:
        return SecondOrder(scaled(system, rtol or 1e-5, first, reach=_REACH)), None
    tried = (rtol,) if rtol is not None else (*_FINENESS, _LAST) if pulsed else _FINENESS
    for fineness in tried:
        try:
            second = ConstantSecondOrder(scaled(system, fineness, first))
            break
        except ConvergenceError:
            if fineness == tried[-1]:
                raise
    if not short:
        return second, None
    d = system.dimension
    units = np.eye(d * d, dtype=complex).reshape(-1, d, d).swapaxes(-1, -2)
    moved = second.act(0.0, second.limit(), units)
    return second, moved.swapaxes(-1, -2).reshape(-1, d * d).T


# --- the hierarchy -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Hierarchical:
    """All auxiliary operators, (rows, n)."""

    hierarchy: Hierarchy
    solver: Mapping[str, Any]

    @property
    def unit(self) -> float:
        return float(self.hierarchy.problem.unit)

    def start(self, columns: ComplexArray) -> ComplexArray:
        rows = self.hierarchy.size * len(columns)
        whole = np.zeros((rows, columns.shape[1]), dtype=complex)
        whole[: len(columns)] = columns
        return whole

    def kicked(self, state: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        turn = np.kron(pulse.conj(), pulse)
        tiers = state.reshape(-1, len(turn), state.shape[1])
        return np.asarray((turn @ tiers).reshape(state.shape))

    @cached_property
    def _travel(self) -> Travel:
        return Travel(self.hierarchy)

    def travel(
        self, state: ComplexArray, marks: Array
    ) -> tuple[list[ComplexArray], Path, ComplexArray]:
        top = self.hierarchy.problem.system.dimension**2
        if not self.hierarchy.problem.system.constant:
            return self._driven(state, marks, top)
        found = [state]
        for step in np.diff(marks):
            found.append(self._travel.later(found[-1], step))

        def path(time: float) -> ComplexArray:
            k = max(0, bisect_right(marks, time) - 1)
            return np.asarray(self._travel.later(found[k], time - marks[k])[:top])

        return [one[:top] for one in found], path, found[-1]

    def _driven(
        self, state: ComplexArray, marks: Array, top: int
    ) -> tuple[list[ComplexArray], Path, ComplexArray]:
        bare = self.hierarchy.bare
        shape = (-1, top, state.shape[1])

        def change(time: float, y: ComplexArray) -> ComplexArray:
            whole = y.reshape(state.shape)
            own = self.hierarchy.problem.free(time) @ whole.reshape(shape)
            return np.asarray(bare @ whole + own.reshape(state.shape)).ravel()

        flat = _integrated(change, state.ravel(), marks, self.unit, self.solver)

        def path(time: float) -> ComplexArray:
            return np.asarray(flat(time).reshape(state.shape)[:top])

        return [path(mark) for mark in marks], path, flat(marks[-1]).reshape(state.shape)


def by_hierarchy(
    system: OpenSystem,
    first: float,
    columns_by: Callable[[Motion], tuple[list[ComplexArray], Path]],
    rtol: float,
    max_depth: int,
    solver: Mapping[str, Any],
) -> tuple[list[ComplexArray], Path, float]:
    """Columns converged in depth and exponents, and the sum of both changes."""
    done: dict[Hierarchy, tuple[list[ComplexArray], Path]] = {}

    def answer(hierarchy: Hierarchy) -> tuple[ComplexArray, float]:
        if hierarchy not in done:
            done[hierarchy] = columns_by(_Hierarchical(hierarchy, solver))
        return np.array(done[hierarchy][0]), rtol

    found, change = ladder(hierarchies(system, first), answer, max_depth)
    answer(found)
    return *done[found], change
