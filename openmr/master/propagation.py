"""States and maps of an open system in time, by any equation, with pulses and monitors.

Positivity is followed to its root on dense output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj, QobjEvo
from scipy.optimize import brentq

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError
from openmr._qutip import exact_arithmetic
from openmr.master.hierarchy import MAX_DEPTH, SHALLOW
from openmr.master.markov import ROUTES, Generator
from openmr.master.memory import ATOL, RTOL
from openmr.master.motion import Motion, Path, by_hierarchy, motion_of, refuse_options, run
from openmr.master.open_system import OpenSystem
from openmr.master.panels import PanelMemory
from openmr.tables import document

_SOLVERS = ("DOP853", "RK45", "RK23", "Radau", "BDF")
_OPTIONS = ("method", "rtol", "atol", "max_step")
_NOISE = {False: 1e-12, True: 1e-9}
"""Negative eigenvalues that are rounding, and those that may be a solver's."""


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
        "tcl2" and "tcl4": error of the exponents over the largest of the spectrum, or of the
        transforms over the largest half rate where there are none; else 0.
    """

    method: str
    times: Array
    states: tuple[Qobj, ...]
    expect: Any
    uncertainty: float
    _path: Path = field(repr=False)
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
        """Times, states as real and imaginary parts, mean values and monitors.

        Returns
        -------
        dict
            As JSON can hold it.
        """
        expect = self.expect if isinstance(self.expect, dict) else dict(enumerate(self.expect))
        body = {
            "method": self.method,
            "times": self.times,
            "states": np.array([state.full() for state in self.states]),
            "expect": {str(k): np.asarray(v, dtype=complex) for k, v in expect.items()},
            "uncertainty": self.uncertainty,
            "lowest_state": self.lowest_state,
            "crossings": self.crossings,
        }
        return document("openmr/master/evolution/1", body)

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


def _lowest(columns: ComplexArray) -> float:
    """Smallest eigenvalue of a state (d^2, 1), or of the Choi matrix of a map (d^2, d^2)."""
    d = round(len(columns) ** 0.5)
    if columns.shape[1] == 1:
        rho = columns.reshape(d, d).T
        return float(np.linalg.eigvalsh(0.5 * (rho + rho.conj().T))[0])
    # [column, row | column, row] of what comes out and goes in -> [row out, row in | columns]
    choi = columns.reshape(d, d, d, d).transpose(1, 3, 0, 2).reshape(d * d, d * d) / d
    return float(np.linalg.eigvalsh(0.5 * (choi + choi.conj().T))[0])


# --- the question --------------------------------------------------------------------------------


def evolve(
    system: OpenSystem | Generator | PanelMemory,
    start: Qobj,
    times: ArrayLike,
    *,
    method: str = "redfield",
    e_ops: Any = (),
    pulses: Iterable[tuple[float, Qobj]] = (),
    level_shift: bool = True,
    resolution: float | None = None,
    rtol: float | None = None,
    max_depth: int | None = None,
    check: bool = True,
    options: Mapping[str, Any] | None = None,
    extra: Qobj | None = None,
) -> Any:
    """States of an open system in time; maps, if the start is a superoperator.

    Parameters
    ----------
    system : OpenSystem, Generator or PanelMemory
        What `OpenSystem` describes, with an H or A that may depend on time; or a generator that is
        there already, constant or at all times. For one release also what the old `tcl2` gives,
        with a list of states as the result.
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
        Of the integrator: "method" (SciPy's DOP853, RK45, RK23, Radau or BDF), "rtol", "atol" and
        "max_step" (inverse unit of energy), which must be shorter than any feature of H(t) that
        the integrator could leap over. Constant generators need none.
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
    if hasattr(system, "listed_states"):
        _checks.warn_renamed("evolve(tcl2(...), ...)", "evolve(system, ..., method='tcl2')")
        return system.listed_states(start, times, extra=extra, options=options)
    made = system if isinstance(system, Generator | PanelMemory) else None
    given: Any = made.system if made is not None else system
    _checks.instance("system", given, OpenSystem)
    described: OpenSystem = given
    if isinstance(made, PanelMemory):
        method = "tcl2"
    elif extra is not None:
        raise ParameterError("`extra` goes with a PanelMemory; else change H or `collapse`")
    else:
        method = made.method if made is not None else _checks.choice("method", method, ROUTES)
    if rtol is not None:
        rtol = _checks.number("rtol", rtol, above=0.0, most=0.1)
    if max_depth is not None:
        max_depth = _checks.integer("max_depth", max_depth, least=SHALLOW + 1)
        if method != "heom":
            raise ParameterError(f"`max_depth` goes with 'heom', not with `method` {method!r}")
    grid, solver = _grid(times), _options(options)
    if isinstance(made, PanelMemory) and not (grid[0] >= 0 and grid[-1] <= made.time * (1 + 1e-12)):
        raise ParameterError(
            f"`times` must be between 0 and {made.time:.4g}, where the memory is known, got "
            f"{grid[0]:.4g} to {grid[-1]:.4g}"
        )
    columns = _columns(described, start, check)
    observables = _observables(described, e_ops, columns)
    kicks = _kicks(described, pulses, grid)

    def columns_by(motion: Motion) -> tuple[list[ComplexArray], Path]:
        return run(motion, columns, grid, kicks)

    first = float(grid[0])
    with exact_arithmetic():
        if method == "heom" and made is None:
            refuse_options(method, level_shift, resolution)
            values, path, uncertainty = by_hierarchy(
                described, first, columns_by, rtol or 1e-4, max_depth or MAX_DEPTH, solver
            )
        else:
            motion, uncertainty = motion_of(
                made or described,
                extra,
                method,
                first,
                rtol,
                solver,
                level_shift,
                resolution,
                pulsed=bool(kicks),
            )
            values, path = columns_by(motion)
    states = tuple(_as_qobj(described, one) for one in values)

    def maps() -> Evolution:
        whole = np.eye(described.dimension**2, dtype=complex)
        found: Evolution = evolve(
            made or described,
            described.as_superoperator(whole),
            grid,
            method=method,
            pulses=[(time, described.as_operator(kick)) for time, kick in kicks],
            level_shift=level_shift,
            resolution=resolution,
            rtol=rtol,
            max_depth=max_depth,
            options=options,
            extra=extra,
        )
        return found

    return Evolution(
        method=method,
        times=grid,
        states=states,
        expect=_means(observables, grid, states),
        uncertainty=uncertainty,
        _path=path,
        _maps=maps,
        _noise=_NOISE[method in ("tcl2", "tcl4", "heom") or not described.constant],
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
    found: dict[str, Any] = {
        "method": _checks.choice("options['method']", given.get("method", "DOP853"), _SOLVERS)
    }
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


def _as_qobj(system: OpenSystem, columns: ComplexArray) -> Qobj:
    if columns.shape[1] > 1:
        return system.as_superoperator(columns)
    return system.as_operator(columns.reshape(system.dimension, -1).T)
