"""States and maps of an open system in time, by any equation, with pulses and monitors.

Positivity is followed to its root on dense output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj, QobjEvo
from qutip.solver.result import Result
from scipy.optimize import brentq

from openmr import _checks
from openmr._checks import Array, ComplexArray, ConvergenceError, OpenmrError, ParameterError
from openmr._qutip import exact_arithmetic
from openmr.bath.sources import first_reached
from openmr.master.hierarchy import MAX_DEPTH, Hierarchy, hierarchical, hierarchies, ladder
from openmr.master.markov import METHODS, ROUTES, Generator, RouteName, generator_of, options_of
from openmr.master.memory import (
    FASTEST,
    FINE,
    ConstantSecondOrder,
    FourthOrder,
    SecondOrder,
    scaled,
)
from openmr.master.motion import Local, Motion, Path, Remembering, run, solver_options
from openmr.master.open_system import OpenSystem
from openmr.master.panels import PanelMemory, panel_memory
from openmr.tables import Record, document

_FINENESS, _LAST = (FINE, 1e-6), 1e-4
"""Errors of the exponents that are tried in second order, where one more costs little; and the last
one, for pulses: without them C(t) itself serves."""
_LARGEST_LIMIT = 24
"""Levels up to which a matrix exponential is cheaper than going on in time."""
_ROUNDING, _SOLVED = 1e-12, 1e-9
"""Negative eigenvalues that are rounding, and those that may be a solver's."""


# --- the result ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Evolution(Record):
    """States of an open system at a set of times, and what they say of its positivity.

    Attributes
    ----------
    method : str
        The equation.
    times : array (t,), inverse unit of energy
        As given.
    states : tuple of Qobj
        Density matrices, or maps if the start was one; after a pulse that is at the same time.
    expect : list or dict of arrays (t,)
        Mean values of `e_ops`, in their order or under their keys.
    uncertainty : float, no unit
        "heom": sum of the largest changes of an element on finer exponents and on one level less;
        "tcl2" and "tcl4": error of the exponents over the largest of the spectrum, or of the
        transforms over the largest half rate where there are none; else 0.
    """

    SCHEMA = "openmr/master/evolution/1"
    method: str
    times: Array
    states: tuple[Qobj, ...]
    expect: Any
    uncertainty: float
    _asked: _Asked = field(repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without the integrator, which is set up anew where it is needed."""
        return {name: value for name, value in vars(self).items() if name != "_path"}

    @cached_property
    def _path(self) -> Path:
        return _path_of(self._asked)[0]

    def _state(self, time: float) -> Qobj:
        return _state_on(self._path, self._asked.system, time)

    @property
    def _noise(self) -> float:
        local = self.method in METHODS and self._asked.system.constant
        return _ROUNDING if local else _SOLVED

    @property
    def _is_map(self) -> bool:
        return bool(self.states[0].issuper)

    @cached_property
    def _lowest(self) -> Array:
        return np.array([_lowest(state) for state in self.states])

    @property
    def lowest_state(self) -> Array | None:
        """Smallest eigenvalue of each state (t,), no unit; None for maps."""
        return None if self._is_map else self._lowest

    @cached_property
    def lowest_choi(self) -> Array:
        """Smallest eigenvalue of the Choi matrix of the map from the first time (t,), trace one."""
        if self._is_map:
            return self._lowest
        whole = np.eye(len(self._asked.columns), dtype=complex)
        return _answer(replace(self._asked, columns=whole)).lowest_choi

    @cached_property
    def crossings(self) -> tuple[float, ...]:
        """Times at which the state, or the map, loses or regains positivity, by Brent's method.

        Sought between those of the times that differ in sign.
        """

        def height(time: float) -> float:
            return _lowest(self._state(time)) + self._noise

        found = []
        for k in np.flatnonzero(np.diff(self._lowest < -self._noise)):
            low, end = float(self.times[k]), float(self.times[k + 1])
            high = float(np.nextafter(end, low))  # before a pulse there
            same = height(low) * height(high) > 0  # it is the pulse that changes it
            found.append(end if same else brentq(height, low, high, rtol=1e-13))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """All fields, states by real and imaginary part, and the monitors.

        Returns
        -------
        dict
            As JSON can hold it.
        """
        monitors = {"lowest_state": self.lowest_state, "crossings": self.crossings}
        return super().to_dict() | document(self.SCHEMA, monitors)

    def __repr__(self) -> str:
        what = "maps" if self._is_map else "states"
        rows = [
            f"Evolution  {self.method}, {len(self.times)} {what} to t = {self.times[-1]:.4g}",
            f"  lowest eigenvalue : {self._lowest.min():.3g}",
        ]
        if self.crossings:
            rows.append("  through zero at   : " + ", ".join(f"{t:.6g}" for t in self.crossings))
        items = self.expect.items() if isinstance(self.expect, dict) else enumerate(self.expect)
        for name, values in items:
            rows.append(f"  <{name}>".ljust(20) + f": {values[0]:.6g} ... {values[-1]:.6g}")
        if self.uncertainty:
            rows.append(f"  uncertainty       : {self.uncertainty:.2g}")
        return "\n".join(rows)


def _lowest(state: Qobj) -> float:
    """Smallest eigenvalue of a state, or of the Choi matrix of a map."""
    matrix = qutip.to_choi(state).full() / state.shape[0] ** 0.5 if state.issuper else state.full()
    return float(np.linalg.eigvalsh(0.5 * (matrix + matrix.conj().T))[0])


# --- the question --------------------------------------------------------------------------------


def evolve(
    system: OpenSystem | Generator | PanelMemory,
    start: Qobj,
    times: ArrayLike,
    *,
    method: RouteName = "redfield",
    e_ops: Any = (),
    pulses: Iterable[tuple[float, Qobj]] = (),
    level_shift: bool = True,
    resolution: float | None = None,
    rtol: float | None = None,
    max_depth: int | None = None,
    check: bool = True,
    options: Mapping[str, Any] | None = None,
    extra: Qobj | None = None,
) -> Evolution:
    """States of an open system in time; maps, if the start is a superoperator.

    Parameters
    ----------
    system : OpenSystem, Generator or PanelMemory
        What `OpenSystem` describes, with an H or A that may depend on time; or a generator that is
        there already, constant or at all times.
    start : Qobj
        Ket, density matrix or superoperator at the first time, uncorrelated with the baths.
    times : array_like (t,), inverse unit of energy
        Increasing.
    method : str
        As of `generator`, constant or, where H or A depend on time, instantaneous; "tcl2" and
        "tcl4" remember (in "tcl2", `collapse` acts on the state and not on the memory); "heom" is
        exact.
    e_ops : Qobj, QobjEvo, callable (time, state), or list or dict of these
        Whose mean values are asked for.
    pulses : iterable of (time, Qobj)
        Unitary operators that act at once, on the memory as well.
    level_shift : bool
        As of `generator`; "tcl2", "tcl4" and "heom" always have it.
    resolution : float, inverse unit of energy, optional
        As of `generator`.
    rtol : float, no unit
        "heom": allowed change of any element of a state on finer exponents and on one level less,
        1e-4 by default. "tcl2", "tcl4": error of the exponents, over the largest of the spectrum,
        the smallest there is by default; without pulses "tcl2" needs none in a constant system.
    max_depth : int, optional
        "heom": levels of the hierarchy at which to give up, 12 by default.
    check : bool
        Refuse a start that is no state.
    options : mapping, optional
        Of the integrator, in the words of QuTiP: "method", "rtol", "atol", "nsteps" between two
        times, and "max_step" (inverse unit of energy), which must be shorter than any feature of
        H(t) that the integrator could leap over. Methods are SciPy's of the same kind: "adams",
        "vern7", "vern9", "tsit5" and "dop853" are its DOP853, "bdf" and "lsoda" its BDF; its own
        names are known as well. "diag" and "krylov" are what constant generators are moved by
        anyway. States are always kept, whatever "store_states" says.
    extra : Qobj, optional
        Superoperator added to a `PanelMemory`.

    Returns
    -------
    Evolution
        With its monitors.

    Raises
    ------
    ParameterError
        For a bad start, times, pulses or options.
    SizeError
        Above 2 GiB, with an estimate.
    ConvergenceError
        If the integrator stops, or a hierarchy does not converge.
    """
    made = isinstance(system, Generator | PanelMemory)
    described = system.system if isinstance(system, Generator | PanelMemory) else system
    _checks.instance("system", described, OpenSystem)
    if extra is not None and not isinstance(system, PanelMemory):
        raise ParameterError("`extra` goes with a PanelMemory; else change H or `collapse`")
    _checks.choice("method", method, ROUTES)
    method = getattr(system, "method", "tcl2") if made else method
    given = options_of(
        "a generator that is there" if made else method,
        {
            "level_shift": level_shift,
            "resolution": resolution,
            "rtol": rtol,
            "max_depth": max_depth,
        },
        moving=True,
    )
    grid = _grid(times)
    asked = _Asked(
        given=system,
        system=described,
        method=method,
        columns=_columns(described, start, _checks.switch("check", check)),
        grid=grid,
        kicks=_kicks(described, pulses, grid),
        rtol=given.pop("rtol", None),
        max_depth=given.pop("max_depth", MAX_DEPTH),
        options=given,
        solver=solver_options(options),
        extra=extra,
    )
    if isinstance(system, PanelMemory):
        _refuse_beyond(system, asked)
    return _answer(asked, e_ops)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A question to `evolve`, checked."""

    given: OpenSystem | Generator | PanelMemory
    system: OpenSystem
    method: str
    columns: ComplexArray
    grid: Array
    kicks: list[tuple[float, ComplexArray]]
    rtol: float | None
    max_depth: int
    options: dict[str, Any]  # of `generator`
    solver: dict[str, Any]
    extra: Qobj | None


def _answer(asked: _Asked, e_ops: Any = ()) -> Evolution:
    observables = _observables(asked, e_ops)
    path, uncertainty = _path_of(asked)
    states = tuple(_state_on(path, asked.system, time) for time in asked.grid)
    means = Result(observables, {"store_states": False, "store_final_state": False})
    try:
        for time, one in zip(asked.grid, states, strict=True):
            means.add(time, one)
        expect = {name: np.array(values) for name, values in means.e_data.items()}
        if words := [kept for kept in expect.values() if kept.dtype.kind not in "biufc"]:
            raise TypeError(f"{words[0][0]!r}")
    except OpenmrError:
        raise
    except Exception as error:  # of functions that are given
        said = _checks.shortened(f"{type(error).__name__}: {error}")
        raise ParameterError(
            f"`e_ops` must be operators or functions of time and state, got one that ends in {said}"
        ) from error
    found = Evolution(
        method=asked.method,
        times=asked.grid,
        states=states,
        expect=expect if isinstance(e_ops, Mapping) else list(expect.values()),
        uncertainty=uncertainty,
        _asked=asked,
    )
    vars(found)["_path"] = path
    return found


def _path_of(asked: _Asked) -> tuple[Path, float]:
    """Columns at any time of the grid's span, and their uncertainty."""
    with exact_arithmetic():
        if asked.method == "heom" and asked.given is asked.system:
            return _converged(asked)
        motion, uncertainty = _motion(asked)
        return run(motion, asked.grid, asked.kicks), uncertainty


def _state_on(path: Path, system: OpenSystem, time: float) -> Qobj:
    """State, or map, at a time."""
    with exact_arithmetic():
        columns = path(time)
    if columns.shape[1] > 1:
        return system.as_superoperator(columns)
    return system.as_operator(columns.reshape(system.dimension, -1).T)


# --- what moves it -------------------------------------------------------------------------------


def _motion(asked: _Asked) -> tuple[Motion, float]:
    """Motion by any equation but the hierarchy, and its uncertainty."""
    if isinstance(asked.given, PanelMemory):
        return _on_panels(asked, asked.given, 0.0)
    if asked.given is asked.system and asked.method not in METHODS:
        return _remembering(asked)

    def made(time: float | None) -> Generator:
        if isinstance(asked.given, Generator):
            return asked.given
        return generator_of(asked.system, asked.method, time=time, **asked.options)

    constant = isinstance(asked.given, Generator) or asked.system.constant
    now = made(None if constant else float(asked.grid[0]))
    unit = float(np.abs(now.matrix).max()) or 1.0
    limit = now.matrix / unit if constant else None

    def matrix(time: float) -> ComplexArray:
        return np.asarray(made(time / unit).matrix / unit)

    return Local(asked.columns, asked.solver, unit, 0.0, limit, matrix), now.uncertainty


def _on_panels(asked: _Asked, given: PanelMemory, since: float) -> tuple[Motion, float]:
    """By K(t) from panels of time, which stands still at the end unless C(t) has a tail."""
    # the first panel, the shortest memory, is of length one: no step leaps over it
    unit = 1.0 / given.first_step if 0 < given.first_step < np.inf else 1.0
    added = 0.0 if asked.extra is None else asked.extra.full()

    def matrix(time: float) -> ComplexArray:
        return np.asarray((given.overshot(time / unit - since).matrix + added) / unit)

    endless = np.isinf(given.time) and all(one.late is None for one in given.transforms)
    limit = matrix(np.inf) if endless else None
    errors = [(one.uncertainty + one.tail) / (one.scale or 1.0) for one in given.transforms]
    motion = Local(asked.columns, asked.solver, unit, unit * given.memory, limit, matrix)
    return motion, max(errors, default=0.0)


def _remembering(asked: _Asked) -> tuple[Motion, float]:
    """With memory, and in a small constant system by the generator of the long run after it."""
    system, method, rtol = asked.system, asked.method, asked.rtol
    closed = method == "tcl2" and system.constant
    fine = (*_FINENESS, _LAST) if asked.kicks else _FINENESS
    errors = (rtol,) if rtol else fine if closed else (1e-5,)
    start, reach = float(asked.grid[0]), np.inf if closed else FASTEST[method]
    try:
        problem, _ = first_reached(lambda rtol: scaled(system, rtol, start, reach=reach), *errors)
    except ConvergenceError:
        if closed and not (rtol or asked.kicks):
            return _on_panels(asked, panel_memory(system), start)
        raise
    second = ConstantSecondOrder if closed else SecondOrder
    equation = FourthOrder(problem) if method == "tcl4" else second(problem)
    limit = None
    if system.constant and system.dimension <= _LARGEST_LIMIT:
        with suppress(OpenmrError):  # no limit: the memory is followed to the end
            limit = generator_of(system, method).matrix / problem.unit
    uncertainty = max((r.uncertainty for r in problem.reservoirs), default=0.0)
    moved = asked.columns, asked.solver, problem.unit, problem.settled
    return Remembering(*moved, limit, equation), uncertainty


def _converged(asked: _Asked) -> tuple[Path, float]:
    """Through a hierarchy converged in depth and exponents, and the sum of both changes."""

    @cache
    def path_of(hierarchy: Hierarchy) -> Path:
        return run(hierarchical(hierarchy, asked.columns, asked.solver), asked.grid, asked.kicks)

    def answer(hierarchy: Hierarchy) -> tuple[ComplexArray, float]:
        return np.array([path_of(hierarchy)(time) for time in asked.grid]), asked.rtol or 1e-4

    hierarchy_of = hierarchies(asked.system, float(asked.grid[0]))
    found, fewer, shallower = ladder(hierarchy_of, answer, asked.max_depth)
    return path_of(found), fewer + shallower


# --- what was given ------------------------------------------------------------------------------


def _refuse_beyond(made: PanelMemory, asked: _Asked) -> None:
    if asked.kicks:
        raise ParameterError(
            "`pulses` need a memory in exponents: give the OpenSystem, with baths that have them"
        )
    first, last = asked.grid[0], asked.grid[-1]
    if not (first >= 0 and last <= made.time * (1 + 1e-12)):
        raise ParameterError(
            f"`times` must be between 0 and {made.time:.4g}, where the memory is known, got "
            f"{first:.4g} to {last:.4g}"
        )


def _grid(times: ArrayLike) -> Array:
    grid = _checks.finite_array("times", times)
    if grid.ndim != 1 or not len(grid) or np.any(np.diff(grid) <= 0):
        raise ParameterError(f"`times` must be increasing numbers, got {_checks.shown(times)}")
    return grid


def _columns(system: OpenSystem, start: Any, check: bool) -> ComplexArray:
    """Columns (d^2, n) of the start: its stacked columns, or the matrix of a map."""
    if not isinstance(start, Qobj):
        raise ParameterError(
            f"`start` must be a qutip.Qobj (ket, density matrix or superoperator) with dims "
            f"{system.dims}, got a {type(start).__name__}"
        )
    if start.issuper and start.dims != [system.dims, system.dims]:
        raise ParameterError(
            f"`start` must act on operators with dims {system.dims}, got dims {start.dims}"
        )
    if not start.issuper and (check or start.dims != system.dims):
        start = system.density_matrix(start)
    matrix = np.asarray(start.full())
    if not np.all(np.isfinite(matrix)):
        raise ParameterError("`start` must hold finite numbers, got one that is not")
    return matrix if start.issuper else matrix.ravel("F")[:, None]


def _observables(asked: _Asked, e_ops: Any) -> dict[Any, Any]:
    if not isinstance(given := {} if e_ops is None else e_ops, Mapping):
        given = dict(enumerate(given if isinstance(given, list | tuple) else [given]))
    if given and asked.columns.shape[1] > 1:
        raise ParameterError("`e_ops` must be empty where `start` is a superoperator")
    for name, operator in given.items():
        if isinstance(operator, type) or not (
            isinstance(operator, Qobj | QobjEvo) or callable(operator)
        ):
            raise ParameterError(
                f"`e_ops[{name!r}]` must be a Qobj, QobjEvo or function of time and state, got "
                f"{_checks.shown(operator)}"
            )
        if getattr(operator, "dims", asked.system.dims) != asked.system.dims:
            raise ParameterError(
                f"`e_ops[{name!r}]` must have the dims {asked.system.dims} of the system, got "
                f"{operator.dims}"
            )
    return dict(given)


def _kicks(system: OpenSystem, pulses: Any, grid: Array) -> list[tuple[float, ComplexArray]]:
    """Times and matrices of the pulses, in the order of time."""
    found: list[tuple[float, ComplexArray]] = []
    if not isinstance(pulses, Iterable):
        raise ParameterError(
            f"`pulses` must be a list of (time, Qobj) pairs, got {_checks.shown(pulses)}"
        )
    for index, pulse in enumerate(pulses):
        name = f"pulses[{index}]"
        if not isinstance(pulse, tuple | list) or len(pulse) != 2 or not isinstance(pulse[1], Qobj):
            raise ParameterError(
                f"`{name}` must be a pair (time, unitary qutip.Qobj), got {_checks.shown(pulse)}"
            )
        time = _checks.number(f"{name}[0]", pulse[0], least=float(grid[0]), most=float(grid[-1]))
        if pulse[1].dims != system.dims:
            raise ParameterError(
                f"`{name}[1]` must have the dims {system.dims} of the system, got {pulse[1].dims}"
            )
        matrix = pulse[1].full()
        away = float(np.abs(matrix @ matrix.conj().T - np.eye(len(matrix))).max())
        if not away <= 1e-10:
            raise ParameterError(
                f"`{name}[1]` must be unitary, got a U with |U U^dag - 1| up to {away:.3g}"
            )
        found.append((time, matrix))
    return sorted(found, key=lambda pulse: pulse[0])
