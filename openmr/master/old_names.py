"""Names of one release ago as callers of the engine, each with a warning; then this file goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from qutip import Qobj, QobjEvo

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError, warn_renamed
from openmr.bath.bath import Bath
from openmr.master.markov import generator
from openmr.master.open_system import OpenSystem
from openmr.master.panels import PanelMemory, panel_memory
from openmr.master.propagation import Evolution, evolve

_NOISE = 1e-9


def redfield_dissipator(
    hamiltonian: Qobj,
    couplings: Sequence[tuple[Qobj, Callable[[Any], Any]]],
    *,
    sec_cutoff: float = -1.0,
) -> Qobj:
    """Old name of the dissipator of `generator`, for one release.

    Parameters
    ----------
    hamiltonian : Qobj
    couplings : sequence of (Qobj, callable)
        Operators and noise spectra S(w).
    sec_cutoff : float, no unit
        Only -1, which keeps every term.

    Returns
    -------
    Qobj
        Superoperator without the unitary part and without level shift.

    Raises
    ------
    ParameterError
        For another `sec_cutoff`.
    """
    new = "master.generator(OpenSystem(H, [(A, Bath(S))]), level_shift=False).dissipator"
    warn_renamed("master.redfield_dissipator", new)
    if sec_cutoff != -1:
        raise ParameterError(
            "`sec_cutoff` is now `resolution`, a time, of generator(system, 'grouped'): inf is the "
            f"full secular approximation; got sec_cutoff = {_checks.shown(sec_cutoff)}"
        )
    pairs: Any = couplings
    if isinstance(couplings, list | tuple):
        pairs = [
            (pair[0], Bath(pair[1])) if isinstance(pair, list | tuple) and len(pair) == 2 else pair
            for pair in couplings
        ]
    return generator(OpenSystem(hamiltonian, pairs), level_shift=False).dissipator


def reset(moments: Qobj, rate: float) -> Qobj:
    """Old name of `openmr.hilbert.reset`, for one release.

    Parameters
    ----------
    moments : Qobj
        State that the moments are reset to.
    rate : float, any unit

    Returns
    -------
    Qobj, unit of the rate
        Superoperator.
    """
    warn_renamed("master.reset", "hilbert.reset")
    return import_module("openmr.rates.routes.joint_space").reset(moments, rate)


@dataclass(frozen=True, eq=False)
class OldGenerator:
    """Result of the old `tcl2`: a memory on panels under its old names."""

    panels: PanelMemory

    error = _checks.old_name("error", "uncertainty")

    @property
    def superoperator(self) -> Qobj:
        """Generator at `time`."""
        return self.panels.last.superoperator

    def __getattr__(self, name: str) -> Any:
        if name in ("shift", "time", "uncertainty", "memory", "first_step"):
            return getattr(self.panels, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def at(self, time: float) -> Qobj:
        """Generator at an earlier time."""
        return self.panels.at(time).superoperator

    @property
    def evolving(self) -> QobjEvo:
        """Generator as a function of time, for QuTiP's solvers."""
        return QobjEvo(lambda t: self.panels.overshot(t).superoperator)

    def gibbs(self, beta: float) -> Qobj:
        """Thermal state of the system."""
        return self.panels.system.gibbs(1.0 / _checks.number("beta", beta, above=0.0))

    def listed_states(self, start: Qobj, times: ArrayLike, **given: Any) -> list[Qobj]:
        """States at the times, as the old `evolve` gave them."""
        return list(cast(Evolution, evolve(self.panels, start, times, **given)).states)


def tcl2(
    hamiltonian: Qobj,
    couplings: Sequence[Qobj],
    correlators: Any,
    time: float = np.inf,
    *,
    level_shift: bool = True,
    secular: float | None = None,
    picture: str = "schroedinger",
    rtol: float = 1e-6,
) -> OldGenerator:
    """Old name of `generator` with the method "tcl2", for one release.

    Parameters
    ----------
    hamiltonian : Qobj
    couplings : sequence of Qobj
        A_i of V = sum_i A_i (x) B_i.
    correlators : callable, nested sequence of callables, or (times, values)
        <B_i(t) B_j(0)>, without daggers.
    time : float, inverse unit of H
    level_shift : bool
    secular : float, unit of H, or None
        1 / `resolution`.
    picture : str
        Only "schroedinger".
    rtol : float, no unit

    Returns
    -------
    OldGenerator
        At `time`, and ready for every earlier one.

    Raises
    ------
    ParameterError
        For bad arguments.
    """
    warn_renamed("master.tcl2", "master.generator(OpenSystem(H, [(A, Bath(...))]), 'tcl2')")
    _checks.choice("picture", picture, ["schroedinger"])
    resolution = None
    if secular is not None:
        width = _checks.number("secular", secular, least=0.0)
        resolution = 1.0 / width if width else np.inf
    if isinstance(couplings, Qobj) or not len(couplings):
        raise ParameterError("`couplings` must be a list of at least one operator, got none")
    if not all(isinstance(operator, Qobj) for operator in couplings):
        raise ParameterError("`couplings` must be square operators (qutip.Qobj)")
    basis, mixing = _hermitian_basis(np.stack([operator.full() for operator in couplings]))
    bath = Bath(correlation=_correlation(correlators, mixing))
    operators = [Qobj(one, dims=couplings[0].dims) for one in basis]
    pair = (operators if len(operators) > 1 else operators[0], bath)
    options: dict[str, Any] = {"level_shift": level_shift, "resolution": resolution, "rtol": rtol}
    return OldGenerator(panel_memory(OpenSystem(hamiltonian, [pair]), time, **options))


def _hermitian_basis(operators: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Hermitian F_a and the matrix m of A_i = sum_a m_ai F_a."""
    adjoint = operators.conj().swapaxes(-1, -2)
    if np.abs(operators - adjoint).max() <= 1e-14 * np.abs(operators).max():
        return operators, np.eye(len(operators), dtype=complex)
    n, d = operators.shape[:2]
    parts = np.concatenate([0.5 * (operators + adjoint), -0.5j * (operators - adjoint)])
    flat = parts.reshape(2 * n, d * d)
    left, sizes, right = np.linalg.svd(np.hstack([flat.real, flat.imag]), full_matrices=False)
    kept = sizes > 1e-14 * max(sizes[0], 1e-300)
    basis = right[kept, : d * d] + 1j * right[kept, d * d :]
    amounts = (left * sizes)[:, kept].T
    return basis.reshape(-1, d, d), amounts[:, :n] + 1j * amounts[:, n:]


def _correlation(correlators: Any, mixing: ComplexArray) -> Any:
    """Correlations of the Hermitian operators, as `Bath` takes them."""
    n = mixing.shape[1]
    nested = isinstance(correlators, list | tuple) and any(
        one is None or callable(one)
        for row in correlators
        for one in (row if isinstance(row, list | tuple) else [row])
    )
    if isinstance(correlators, tuple) and not nested and len(correlators) == 2:
        return correlators[0], mixing @ np.asarray(correlators[1], dtype=complex) @ mixing.T
    if not (nested or callable(correlators)):
        raise ParameterError(
            "`correlators` must be callable, nested callables or (times, values), "
            f"got {_checks.shown(correlators)}"
        )
    rows = (
        [list(row) if isinstance(row, list | tuple) else [row] for row in correlators or []]
        if nested
        else []
    )
    if nested and (len(rows) != n or any(len(row) != n for row in rows)):
        raise ParameterError(
            f"`correlators` must be {n} x {n} for {n} `couplings`, got rows of "
            f"{[len(row) for row in rows]}"
        )

    def mixed(t: Array) -> ComplexArray:
        flat = np.ravel(t)
        if not nested:
            values = np.asarray(correlators(flat), dtype=complex)
        else:
            values = np.zeros((len(flat), n, n), dtype=complex)
            for i, j in np.ndindex(n, n):
                values[:, i, j] = 0.0 if rows[i][j] is None else rows[i][j](flat)
        return np.reshape(mixing @ values @ mixing.T, (*np.shape(t), *[len(mixing)] * 2))

    return mixed


@dataclass(frozen=True, slots=True)
class Monitors:
    """Trace, Hermiticity and positivity of an evolution, under their old names.

    Attributes
    ----------
    times : array (t,), unit of 1/H
    trace, hermiticity : float
        Largest change of a trace, and largest |Phi(X^dag) - Phi(X)^dag| over matrix units.
    lowest_choi : array (t,), no unit
    lowest_state : array (t,), no unit, or None
    first_violation : (float, float), unit of 1/H and no unit, or None
        First of the times at which `lowest_choi` < -1e-9, and its value there.
    gibbs : float, unit of H, or None
        Largest element of the generator on the Gibbs state.
    """

    times: Array
    trace: float
    hermiticity: float
    lowest_choi: Array
    lowest_state: Array | None
    first_violation: tuple[float, float] | None
    gibbs: float | None


def monitors(
    generator: OldGenerator | PanelMemory,
    times: ArrayLike,
    *,
    start: Qobj | None = None,
    beta: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Monitors:
    """Old name of what `Evolution` and `Generator` say of themselves, for one release.

    Parameters
    ----------
    generator : OldGenerator or PanelMemory
    times : array_like (t,), unit of 1/H
    start : Qobj, optional
    beta : float, unit of 1/H, optional
    options : mapping, optional
        Of `evolve`.

    Returns
    -------
    Monitors
        At the times.

    Raises
    ------
    ParameterError
        For bad times, a bad start or bad options.
    """
    warn_renamed("master.monitors", "lowest_choi, lowest_state and crossings of master.evolve")
    panels = generator.panels if isinstance(generator, OldGenerator) else generator
    system, d = panels.system, panels.system.dimension
    found = evolve(
        panels, system.as_superoperator(np.eye(d * d, dtype=complex)), times, options=options
    )
    maps = np.stack([one.full() for one in found.states])
    # [column, row | column, row] of what comes out and what goes in
    tensor = maps.reshape(-1, d, d, d, d).transpose(0, 2, 1, 4, 3)
    lowest, states, change = found.lowest_choi, None, None
    if start is not None:
        first = system.density_matrix(start).full()
        moved = np.einsum("tmlnk,nk->tml", tensor, first)
        states = np.linalg.eigvalsh(0.5 * (moved + moved.conj().swapaxes(-1, -2)))[:, 0]
    if beta is not None:
        gibbs = system.gibbs(1.0 / _checks.number("beta", beta, above=0.0))
        change = float(np.abs(panels.last.apply(gibbs).full()).max())
    violated = np.flatnonzero(lowest < -_NOISE)
    return Monitors(
        times=found.times,
        trace=float(np.abs(np.einsum("tmmij->tij", tensor) - np.eye(d)).max()),
        hermiticity=float(np.abs(tensor - tensor.conj().transpose(0, 2, 1, 4, 3)).max()),
        lowest_choi=lowest,
        lowest_state=states,
        first_violation=(float(found.times[violated[0]]), float(lowest[violated[0]]))
        if len(violated)
        else None,
        gibbs=change,
    )
