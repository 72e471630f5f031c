"""Names of one release ago as callers of the engine, each with a warning; then this file goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from qutip import Qobj

from openmr._checks import ParameterError, shown, warn_renamed
from openmr.master.markov import generator
from openmr.master.open_system import OpenSystem


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
            f"full secular approximation; got sec_cutoff = {shown(sec_cutoff)}"
        )
    return generator(OpenSystem(hamiltonian, couplings), level_shift=False).dissipator


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
