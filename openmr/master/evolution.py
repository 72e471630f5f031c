"""States under a time-local generator: evolution with QuTiP, and monitors of its physics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj
from qutip.solver.integrator import IntegratorException

from openmr import _checks
from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError
from openmr._qutip import exact_arithmetic
from openmr.master.time_convolutionless import Generator

_SOLVER: Mapping[str, Any] = {
    "method": "vern9",
    "rtol": 1e-10,
    "atol": 1e-12,
    "nsteps": 10**6,
    "progress_bar": "",
    "normalize_output": False,
    "store_states": True,
}
"""QuTiP's options unless the caller gives others; the tolerances set how exact the monitors are."""

_NOISE = 1e-9
"""Negative eigenvalues down to here are the solver's."""


@dataclass(frozen=True, slots=True)
class Monitors:
    """Trace, Hermiticity and positivity of an evolution, at a set of times.

    Attributes
    ----------
    times : array (t,), unit of 1/H
    trace : float
        Largest change of the trace of any matrix unit.
    hermiticity : float
        Largest |Phi(X^dag) - Phi(X)^dag| over matrix units X.
    lowest_choi : array (t,), no unit
        Smallest eigenvalue of the Choi matrix of Phi(t), scaled to trace one; negative where the
        map is not completely positive.
    lowest_state : array (t,), no unit, or None
        Smallest eigenvalue of rho(t), if a start was given.
    first_violation : (float, float), unit of 1/H and no unit, or None
        First of the times at which `lowest_choi` < -1e-9, and its value there.
    gibbs : float or None
        Largest element of K at the latest time on exp(-beta H), if beta was given [1/time].
    """

    times: Array
    trace: float
    hermiticity: float
    lowest_choi: Array
    lowest_state: Array | None
    first_violation: tuple[float, float] | None
    gibbs: float | None

    def __repr__(self) -> str:
        first = self.first_violation
        when = "never" if first is None else f"first at t = {first[0]:.4g} by {first[1]:.2g}"
        lines = [
            f"Monitors  {len(self.times)} times to t = {self.times[-1]:.4g}",
            f"  trace           : {self.trace:.2g}",
            f"  hermiticity     : {self.hermiticity:.2g}",
            f"  lowest Choi     : {self.lowest_choi.min():.2g} (negative {when})",
        ]
        if self.lowest_state is not None:
            lines.append(f"  lowest of rho   : {self.lowest_state.min():.2g}")
        if self.gibbs is not None:
            lines.append(f"  change of Gibbs : {self.gibbs:.2g} 1/time")
        return "\n".join(lines)


def evolve(
    generator: Generator,
    start: Qobj,
    times: ArrayLike,
    *,
    extra: Qobj | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Qobj]:
    """States, or maps if `start` is a superoperator, at the times; by QuTiP's `MESolver`.

    Parameters
    ----------
    start : Qobj
        Density matrix or superoperator at the first time.
    times : array_like (t,), unit of 1/H
        Increasing, from 0 on, up to the generator's time.
    extra : Qobj, optional
        Superoperator that is added to K(t).
    options : mapping, optional
        QuTiP's own solver options; what is not given is taken from `_SOLVER`.

    Returns
    -------
    list of Qobj
        One state, or map, a time.

    Raises
    ------
    ParameterError
        For bad times or unknown options.
    ConvergenceError
        If QuTiP's solver stops.
    """
    if not isinstance(start, Qobj) or not np.all(np.isfinite(start.full())):
        raise ParameterError(f"`start` must be a qutip.Qobj of finite numbers, got {start!r}")
    grid = _times(times, generator.time)
    evolving = generator.evolving if extra is None else generator.evolving + extra
    with exact_arithmetic():
        try:
            solver = qutip.MESolver(evolving, options=_solver_options(generator, options))
        except (KeyError, ValueError) as error:
            raise ParameterError(f"`options` must be QuTiP solver options: {error}") from None
        try:
            return list(solver.run(start, grid).states)
        except IntegratorException as error:
            raise ConvergenceError(f"QuTiP's solver stopped: {error}") from None


def _solver_options(generator: Generator, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """K(0) = 0 lets a solver leap over the whole memory: the first step is the first panel's."""
    chosen = {**_SOLVER, **(options or {}), "store_states": True}
    if chosen["method"] in ("diag", "krylov"):
        raise ParameterError(
            "`options['method']` must be an integrator for a generator with memory, got "
            f"{chosen['method']!r}"
        )
    chosen.setdefault("first_step", generator.first_step)
    return chosen


def monitors(
    generator: Generator,
    times: ArrayLike,
    *,
    start: Qobj | None = None,
    beta: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Monitors:
    """Trace, Hermiticity, complete positivity and detailed balance of an evolution.

    Parameters
    ----------
    times : array_like (t,), unit of 1/H
        Increasing, from 0 on.
    start : Qobj, optional
        Density matrix whose lowest eigenvalue is followed.
    beta : float, unit of 1/H, optional
        Inverse temperature of the Gibbs state that is to stand still under the Markov limit.
    options : mapping, optional
        QuTiP's solver options.

    Returns
    -------
    Monitors
        What was found at the times.
    """
    grid = _times(times, generator.time)
    dims = generator.superoperator.dims[0]
    size = int(np.sqrt(generator.superoperator.shape[0]))
    with exact_arithmetic():
        identity = Qobj(np.eye(size**2), dims=[dims, dims], superrep="super")
    maps = np.stack([m.full() for m in evolve(generator, identity, grid, options=options)])
    # [column, row | column, row] of what comes out and what goes in
    tensor = maps.reshape(-1, size, size, size, size).transpose(0, 2, 1, 4, 3)
    lowest = choi_eigenvalues(tensor)[:, 0]
    violated = np.flatnonzero(lowest < -_NOISE)
    return Monitors(
        times=grid,
        trace=float(np.abs(np.einsum("tmmij->tij", tensor) - np.eye(size)).max()),
        hermiticity=float(np.abs(tensor - tensor.conj().transpose(0, 2, 1, 4, 3)).max()),
        lowest_choi=lowest,
        lowest_state=None if start is None else _lowest_state(tensor, start),
        first_violation=(float(grid[violated[0]]), float(lowest[violated[0]]))
        if len(violated)
        else None,
        gibbs=_gibbs_change(generator, beta),
    )


def choi_eigenvalues(tensor: ComplexArray) -> Array:
    """Eigenvalues, ascending, of Choi matrices of maps T[..., m, l, n, k], scaled to trace one."""
    size = tensor.shape[-1]
    choi = np.moveaxis(tensor, -2, -3).reshape(*tensor.shape[:-4], size**2, size**2) / size
    return np.asarray(np.linalg.eigvalsh(0.5 * (choi + choi.conj().swapaxes(-1, -2))))


def _lowest_state(tensor: ComplexArray, start: Qobj) -> Array:
    states = np.einsum("tmlnk,nk->tml", tensor, start.full())
    return np.asarray(np.linalg.eigvalsh(0.5 * (states + states.conj().swapaxes(-1, -2)))[:, 0])


def _gibbs_change(generator: Generator, beta: float | None) -> float | None:
    if beta is None:
        return None
    gibbs = qutip.operator_to_vector(generator.gibbs(_checks.number("beta", beta)))
    return float(np.abs(generator.superoperator.full() @ gibbs.full()).max())


def _times(times: ArrayLike, most: float) -> Array:
    grid = _checks.finite_array("times", times)
    if grid.ndim != 1 or len(grid) < 2 or grid[0] < 0 or np.any(np.diff(grid) <= 0):
        raise ParameterError("`times` must be at least two increasing numbers >= 0")
    if grid[-1] > most * (1 + 1e-12):
        raise ParameterError(
            f"`times` must end by the generator's time {most:.4g}, got {grid[-1]:.4g}"
        )
    return grid
