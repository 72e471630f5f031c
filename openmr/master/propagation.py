"""States and maps of an open system in time, by any equation, with pulses and monitors.

A constant generator takes one matrix exponential, and so does an equation with memory once the
memory is over; an H or A that depends on time, and the memory itself, are integrated with dense
output [HairerNorsettWanner1993], on which positivity is followed to its root. Inside, times are in
units of the largest energy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj, QobjEvo
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq

from openmr import _checks
from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError
from openmr._qutip import exact_arithmetic
from openmr.master import evolution, memory, time_convolutionless
from openmr.master.evolution import choi_eigenvalues
from openmr.master.markov import METHODS, Generator, generator
from openmr.master.memory import ATOL, RTOL, ConstantSecondOrder, FourthOrder, SecondOrder, scaled
from openmr.master.open_system import OpenSystem

_METHODS = (*METHODS, "tcl2", "tcl4", "heom")
_SOLVERS = ("DOP853", "RK45", "RK23", "Radau", "BDF")
_OPTIONS = ("method", "rtol", "atol", "max_step")
_FINENESS = (memory.FINE, 1e-6, 1e-4)
"""Errors of the exponents that are tried in second order, where one more costs little."""
_REACH, _NEAR = 100.0, 30.0
"""Noise above so many times the largest frequency is white in second and in fourth order, where the
memory is integrated step by step."""
_LARGEST_LIMIT = 24
"""Levels up to which a matrix exponential is cheaper than going on in time."""
_MOST_STEPS = 3
"""Different steps up to which each has its own matrix exponential."""
_NOISE = {False: 1e-12, True: 1e-9}
"""Negative eigenvalues that are rounding, and those that may be a solver's."""

_Path = Callable[[float], ComplexArray]


# --- the result ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Evolution:
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
        "tcl2" and "tcl4": error of the exponents over the largest of the spectrum; else 0.
    """

    method: str
    times: Array
    states: tuple[Qobj, ...]
    expect: Any
    uncertainty: float
    _path: _Path = field(repr=False)
    _maps: Callable[[], Evolution] = field(repr=False)
    _noise: float = field(repr=False)

    @property
    def _is_map(self) -> bool:
        return bool(self.states[0].issuper)

    @cached_property
    def lowest_state(self) -> Array | None:
        """Smallest eigenvalue of each state (t,), no unit; None for maps."""
        if self._is_map:
            return None
        return np.array([_lowest(state.full().ravel("F")[:, None]) for state in self.states])

    @cached_property
    def lowest_choi(self) -> Array:
        """Smallest eigenvalue of the Choi matrix of the map from the first time (t,), trace one."""
        if not self._is_map:
            return self._maps().lowest_choi
        return np.array([_lowest(state.full()) for state in self.states])

    @cached_property
    def crossings(self) -> tuple[float, ...]:
        """Times at which the state, or the map, loses or regains positivity, by Brent's method.

        Sought between those of the times that differ in sign.
        """
        lowest = self.lowest_choi if self._is_map else self.lowest_state
        assert lowest is not None
        found = []
        for k in np.flatnonzero(np.diff(lowest < -self._noise)):
            last = np.nextafter(self.times[k + 1], self.times[k])  # before a pulse there

            def height(t: float) -> float:
                return _lowest(self._path(t)) + self._noise

            ends = height(float(self.times[k])), height(float(last))
            same = ends[0] * ends[1] > 0  # it is the pulse that changes the sign
            low, high = float(self.times[k]), float(last)
            found.append(
                float(self.times[k + 1]) if same else brentq(height, low, high, rtol=1e-13)
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Times, states as real and imaginary parts, mean values and monitors, for JSON."""
        states = np.array([state.full() for state in self.states])
        expect = self.expect if isinstance(self.expect, dict) else dict(enumerate(self.expect))
        return tables_document(
            {
                "method": self.method,
                "times": self.times,
                "states": {"real": states.real, "imag": states.imag},
                "expect": {
                    str(k): {"real": np.real(v), "imag": np.imag(v)} for k, v in expect.items()
                },
                "uncertainty": self.uncertainty,
                "lowest_state": self.lowest_state,
                "crossings": self.crossings,
            }
        )

    def __repr__(self) -> str:
        what = "maps" if self._is_map else "states"
        lowest = self.lowest_choi if self._is_map else self.lowest_state
        assert lowest is not None
        rows = [
            f"Evolution  {self.method}, {len(self.times)} {what} to t = {self.times[-1]:.4g}",
            f"  lowest eigenvalue : {lowest.min():.3g}",
        ]
        if self.crossings:
            rows.append("  through zero at   : " + ", ".join(f"{t:.6g}" for t in self.crossings))
        items = self.expect.items() if isinstance(self.expect, dict) else enumerate(self.expect)
        for name, values in items:
            rows.append(f"  <{name}>".ljust(20) + f": {values[0]:.6g} ... {values[-1]:.6g}")
        if self.uncertainty:
            rows.append(f"  uncertainty       : {self.uncertainty:.2g}")
        return "\n".join(rows)


def tables_document(body: Mapping[str, Any]) -> dict[str, Any]:
    """`openmr.tables.document` of an evolution."""
    from openmr.tables import document

    return document("openmr/master/evolution/1", body)


def _lowest(columns: ComplexArray) -> float:
    """Smallest eigenvalue of a state (d^2, 1), or of the Choi matrix of a map (d^2, d^2)."""
    d = round(len(columns) ** 0.5)
    if columns.shape[1] == 1:
        rho = columns.reshape(d, d).T
        return float(np.linalg.eigvalsh(0.5 * (rho + rho.conj().T))[0])
    # [column, row | column, row] -> [row out, column out | row in, column in]
    return float(choi_eigenvalues(columns.reshape(d, d, d, d).transpose(1, 0, 3, 2))[0])


# --- the question --------------------------------------------------------------------------------


def evolve(
    system: OpenSystem | Generator | time_convolutionless.Generator,
    start: Qobj,
    times: ArrayLike,
    *,
    method: str = "redfield",
    e_ops: Any = (),
    pulses: Iterable[tuple[float, Qobj]] = (),
    level_shift: bool = True,
    resolution: float | None = None,
    rtol: float | None = None,
    check: bool = True,
    options: Mapping[str, Any] | None = None,
    extra: Qobj | None = None,
) -> Any:
    """States of an open system in time; maps, if the start is a superoperator.

    Parameters
    ----------
    system : OpenSystem or Generator
        What `OpenSystem` describes, with an H or A that may depend on time; or a generator that is
        there already. For one release also the generator of the old `tcl2`, which gives a list of
        states.
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
    level_shift, resolution
        As of `generator`.
    rtol : float, no unit
        "heom": allowed change of any element of a state on finer exponents and on one level less,
        1e-4 by default. "tcl2", "tcl4": error of the exponents, over the largest of the spectrum,
        the smallest there is by default.
    check : bool
        Refuse a start that is no state.
    options : mapping, optional
        Of the integrator: "method" (SciPy's DOP853, RK45, RK23, Radau or BDF), "rtol", "atol" and
        "max_step" (inverse unit of energy), which must be shorter than any feature of H(t) that
        the integrator could leap over. Constant generators need none.
    extra : Qobj, optional
        Superoperator added to an old generator.

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
    if isinstance(system, time_convolutionless.Generator):
        return evolution.evolve(system, start, times, extra=extra, options=options)
    made = system if isinstance(system, Generator) else None
    system = made.system if made is not None else system
    _checks.instance("system", system, OpenSystem)
    method = made.method if made is not None else _checks.choice("method", method, _METHODS)
    if rtol is not None:
        rtol = _checks.number("rtol", rtol, above=0.0, most=0.1)
    grid, solver = _grid(times), _options(options)
    columns = _columns(system, start, check)
    observables = _observables(system, e_ops, columns)
    kicks = _kicks(system, pulses, grid)

    def run(motion: Any) -> tuple[list[ComplexArray], _Path]:
        return _run(motion, columns, grid, kicks)

    with exact_arithmetic():
        if method == "heom" and made is None:
            _plain(method, level_shift, resolution)
            values, path, uncertainty = _by_hierarchy(system, grid, run, rtol or 1e-4, solver)
        else:
            motion, uncertainty = _motion(
                made or system, method, float(grid[0]), rtol, solver, level_shift, resolution
            )
            values, path = run(motion)
    states = tuple(_as_qobj(system, one) for one in values)
    whole = np.eye(system.dimension**2)

    def maps() -> Evolution:
        again = system if made is None else made
        identity = system.as_superoperator(whole)
        given = {"level_shift": level_shift, "resolution": resolution, "rtol": rtol}
        return evolve(  # type: ignore[no-any-return]
            again, identity, grid, method=method, pulses=pulses, options=options, **given
        )

    return Evolution(
        method=method,
        times=grid,
        states=states,
        expect=_means(observables, grid, states),
        uncertainty=uncertainty,
        _path=path,
        _maps=maps,
        _noise=_NOISE[method in ("tcl2", "tcl4", "heom") or not system.constant],
    )


# --- what was given ------------------------------------------------------------------------------


def _grid(times: ArrayLike) -> Array:
    grid = _checks.finite_array("times", times)
    if grid.ndim != 1 or not len(grid) or np.any(np.diff(grid) <= 0):
        raise ParameterError(f"`times` must be increasing numbers, got {_checks.shown(times)}")
    return grid


def _options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    given = dict(options or {})
    for name in given:
        _checks.choice("options", name, _OPTIONS)
    found = {"method": _checks.choice("options['method']", given.get("method", "DOP853"), _SOLVERS)}
    for name, usual in (("rtol", RTOL), ("atol", ATOL)):
        found[name] = _checks.number(f"options[{name!r}]", given.get(name, usual), above=0.0)
    longest = given.get("max_step", np.inf)
    found["max_step"] = _checks.number("options['max_step']", longest, above=0.0, infinite=True)
    return found


def _columns(system: OpenSystem, start: Any, check: bool) -> ComplexArray:
    """Columns (d^2, n) of the start: its stacked columns, or the matrix of a map."""
    if not isinstance(start, Qobj):
        raise ParameterError(
            f"`start` must be a qutip.Qobj (ket, density matrix or superoperator) with dims "
            f"{system.dims}, got a {type(start).__name__}"
        )
    if start.issuper:
        if start.dims != [system.dims, system.dims]:
            raise ParameterError(
                f"`start` must act on operators with dims {system.dims}, got dims {start.dims}"
            )
        matrix = start.full()
        if not np.all(np.isfinite(matrix)):
            raise ParameterError("`start` must hold finite numbers, got one that is not")
        return np.asarray(matrix)
    if not check and start.isoper and start.dims == system.dims:
        if not np.all(np.isfinite(start.full())):
            raise ParameterError("`start` must hold finite numbers, got one that is not")
        return np.asarray(start.full().ravel("F")[:, None])
    return np.asarray(system.density_matrix(start).full().ravel("F")[:, None])


def _observables(
    system: OpenSystem, e_ops: Any, columns: ComplexArray
) -> dict[Any, Any] | list[Any]:
    one = isinstance(e_ops, Qobj | QobjEvo) or callable(e_ops)
    given = {0: e_ops} if one else e_ops if isinstance(e_ops, Mapping) else dict(enumerate(e_ops))
    if given and columns.shape[1] > 1:
        raise ParameterError("`e_ops` must be empty where `start` is a superoperator")
    for name, operator in given.items():
        if isinstance(operator, Qobj | QobjEvo):
            if operator.dims != system.dims:
                raise ParameterError(
                    f"`e_ops[{name!r}]` must have the dims {system.dims} of the system, got "
                    f"{operator.dims}"
                )
        elif not callable(operator):
            raise ParameterError(
                f"`e_ops[{name!r}]` must be a Qobj, QobjEvo or function of time and state, got "
                f"{_checks.shown(operator)}"
            )
    return dict(given) if isinstance(e_ops, Mapping) else list(given.values())


def _means(observables: dict[Any, Any] | list[Any], grid: Array, states: Sequence[Qobj]) -> Any:
    def mean(operator: Any) -> Any:
        if isinstance(operator, Qobj):
            return np.array([qutip.expect(operator, state) for state in states])
        if isinstance(operator, QobjEvo):
            return np.array(
                [qutip.expect(operator(t), s) for t, s in zip(grid, states, strict=True)]
            )
        return np.array([operator(t, s) for t, s in zip(grid, states, strict=True)])

    if isinstance(observables, dict):
        return {name: mean(operator) for name, operator in observables.items()}
    return [mean(operator) for operator in observables]


def _kicks(system: OpenSystem, pulses: Any, grid: Array) -> list[tuple[float, ComplexArray]]:
    """Times and matrices of the pulses, in the order of time."""
    found = []
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


def _plain(method: str, level_shift: bool, resolution: float | None) -> None:
    if not level_shift:
        raise ParameterError(
            f"`level_shift` must be True with {method!r}, where it is no separate term"
        )
    if resolution is not None:
        raise ParameterError(f"`resolution` does not go with `method` {method!r}")


def _as_qobj(system: OpenSystem, columns: ComplexArray) -> Qobj:
    if columns.shape[1] > 1:
        return system.as_superoperator(columns)
    return system.as_operator(columns.reshape(system.dimension, -1).T)


# --- in time -------------------------------------------------------------------------------------


def _run(
    motion: Any, columns: ComplexArray, grid: Array, kicks: list[tuple[float, ComplexArray]]
) -> tuple[list[ComplexArray], _Path]:
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

    def path(time: float) -> ComplexArray:
        piece = max(0, bisect_right(starts, time) - 1)
        return np.asarray(paths[piece](motion.unit * time))

    return values, path


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
    ) -> tuple[list[ComplexArray], _Path, ComplexArray]:
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
) -> _Path:
    """Dense solution of y' = f(t, y); `solver` as of `_options`."""
    if marks[-1] == marks[0]:
        return lambda _: start
    options = {**solver, "max_step": unit * solver["max_step"]}
    ends = (float(marks[0]), float(marks[-1]))
    found = solve_ivp(change, ends, start, dense_output=True, **options)
    if not found.success:
        raise ConvergenceError(
            f"the integrator stopped at t = {found.t[-1] / unit:.4g}: {found.message}; try "
            "options={'method': 'Radau'}"
        )
    return found.sol  # type: ignore[no-any-return]


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
    ) -> tuple[list[ComplexArray], _Path, ComplexArray]:
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

    def travel(self, state: Any, marks: Array) -> tuple[list[ComplexArray], _Path, Any]:
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

    def _remembered(self, state: Any, marks: Array) -> tuple[list[ComplexArray], _Path, Any]:
        columns, first = state
        d, count = round(len(columns) ** 0.5), columns.shape[1]
        explicit = isinstance(self.equation, ConstantSecondOrder)
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


def _motion(
    given: OpenSystem | Generator,
    method: str,
    first: float,
    rtol: float | None,
    solver: Mapping[str, Any],
    level_shift: bool,
    resolution: float | None,
) -> tuple[Any, float]:
    """What moves a state by any equation but the hierarchy, and its uncertainty."""
    system = given.system if isinstance(given, Generator) else given
    chosen = {"level_shift": level_shift, "resolution": resolution}
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
    _plain(method, level_shift, resolution)
    equation, limit = _equation(system, method, first, rtol)
    errors = [r.uncertainty for r in equation.problem.reservoirs]
    return _Remembering(equation, limit, solver), max(errors, default=0.0)


def _equation(
    system: OpenSystem, method: str, first: float, rtol: float | None
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
    for fineness in _FINENESS if rtol is None else (rtol,):
        try:
            second = ConstantSecondOrder(scaled(system, fineness, first))
            break
        except ConvergenceError:
            if fineness in (rtol, _FINENESS[-1]):
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

    hierarchy: Any
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
    def _motion(self) -> Any:
        from openmr.master.hierarchy import Motion

        return Motion(self.hierarchy)

    def travel(
        self, state: ComplexArray, marks: Array
    ) -> tuple[list[ComplexArray], _Path, ComplexArray]:
        top = self.hierarchy.problem.system.dimension**2
        if not self.hierarchy.problem.system.constant:
            return self._driven(state, marks, top)
        found = [state]
        for step in np.diff(marks):
            found.append(self._motion.later(found[-1], step))

        def path(time: float) -> ComplexArray:
            k = max(0, bisect_right(marks, time) - 1)
            return np.asarray(self._motion.later(found[k], time - marks[k])[:top])

        return [one[:top] for one in found], path, found[-1]

    def _driven(
        self, state: ComplexArray, marks: Array, top: int
    ) -> tuple[list[ComplexArray], _Path, ComplexArray]:
        bare = self.hierarchy.bare
        shape = (-1, top, state.shape[1])

        def change(time: float, y: ComplexArray) -> ComplexArray:
            whole = y.reshape(state.shape)
            own = self.hierarchy.problem.free(time) @ whole.reshape(shape)
            return np.asarray((bare @ whole + own.reshape(state.shape)).ravel())

        flat = _integrated(change, state.ravel(), marks, self.unit, self.solver)

        def path(time: float) -> ComplexArray:
            return np.asarray(flat(time).reshape(state.shape)[:top])

        return [path(mark) for mark in marks], path, flat(marks[-1]).reshape(state.shape)


def _by_hierarchy(
    system: OpenSystem,
    grid: Array,
    run: Callable[[Any], tuple[list[ComplexArray], _Path]],
    rtol: float,
    solver: Mapping[str, Any],
) -> tuple[list[ComplexArray], _Path, float]:
    """States converged in depth and exponents, and the sum of both changes."""
    from openmr.master.hierarchy import MAX_DEPTH, hierarchies, ladder

    done: dict[Any, tuple[list[ComplexArray], _Path]] = {}

    def answer(hierarchy: Any) -> tuple[ComplexArray, float]:
        done[hierarchy] = run(_Hierarchical(hierarchy, solver))
        return np.array(done[hierarchy][0]), rtol

    found, change = ladder(hierarchies(system, float(grid[0])), answer, MAX_DEPTH)
    if found not in done:
        answer(found)
    return *done[found], change
