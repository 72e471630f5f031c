"""General master-equation engines: Qobj in, Qobj out. Nothing here knows of films or moments.

Energies and times are in mutually inverse units (hbar = 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import qutip
from qutip import Qobj

from openmr._checks import ParameterError
from openmr._qutip import exact_arithmetic
from openmr.bath.bath import Bath
from openmr.master.markov import generator
from openmr.master.open_system import OpenSystem

_Spectrum = Callable[[Any], Any]


def redfield_dissipator(
    hamiltonian: Qobj, couplings: Sequence[tuple[Qobj, _Spectrum]], *, sec_cutoff: float = -1.0
) -> Qobj:
    """Bloch-Redfield dissipator without the unitary part and without level shift.

    Parameters
    ----------
    hamiltonian : Qobj
        Its Bohr frequencies are the arguments of the spectra.
    couplings : sequence of (Qobj, callable)
        Hermitian coupling operators, each with its own bath and the noise spectrum S(w) of that
        bath; w > 0 is energy given to the bath.
    sec_cutoff : float
        QuTiP's secular cutoff, -1 (default) keeps every term. QuTiP measures it in units of the
        smallest level spacing, so a small positive number is not a small change.

    Returns
    -------
    Qobj
        Superoperator in the basis of `hamiltonian` as given.

    Raises
    ------
    ParameterError
        For what `OpenSystem` or `Bath` refuse, and for a cutoff of 0, which drops every term.

    Notes
    -----
    With a cutoff the tensor is QuTiP's. For a coupling
    that is complex in the eigenbasis QuTiP 5.3 returns the complex conjugate of the tensor (a flat
    spectrum then gives the Lindblad dissipator of A^* instead of A); so it is asked in the
    eigenbasis, with A^*.
    """
    system = OpenSystem(hamiltonian, [(a, Bath(spectrum)) for a, spectrum in couplings])
    if sec_cutoff == 0:
        raise ParameterError("`sec_cutoff` must be negative (all terms) or positive, got 0 (none)")
    if sec_cutoff < 0:
        return generator(system, level_shift=False).dissipator
    with exact_arithmetic():
        levels, basis = _eigenbasis(hamiltonian)
        dissipator = qutip.superoperator.liouvillian(0 * hamiltonian)
        for operator, spectrum in couplings:
            dissipator = dissipator + qutip.brterm(
                levels,
                (basis.dag() @ operator @ basis).conj(),
                _of_frequency(spectrum),
                sec_cutoff=float(sec_cutoff),
                fock_basis=True,
            )
        back = qutip.to_super(basis)
        return back @ dissipator @ back.dag()


def _eigenbasis(hamiltonian: Qobj) -> tuple[Qobj, Qobj]:
    """Diagonal Hamiltonian and the unitary to it; the identity if it is diagonal already."""
    matrix = hamiltonian.full()
    energies, vectors = np.diag(matrix).real, np.eye(len(matrix))
    if np.any(matrix != np.diag(energies)):
        energies, vectors = np.linalg.eigh(matrix)
    levels = qutip.qdiags(energies, 0, dims=hamiltonian.dims)
    return levels, Qobj(vectors, dims=hamiltonian.dims).to("CSR")


def _of_frequency(spectrum: _Spectrum) -> _Spectrum:
    """QuTiP tells a spectrum from a coefficient by the argument's name."""
    return lambda w: float(spectrum(w))


def reset(moments: Qobj, rate: float) -> Qobj:
    """Superoperator rate (Tr_m[rho] (x) rho_m - rho) on electron (x) moments.

    Parameters
    ----------
    moments : Qobj
        State rho_m that the moments are reset to.
    rate : float, any unit

    Returns
    -------
    Qobj, unit of the rate
        Superoperator.
    """
    electron, size = 2, moments.shape[0]
    total = electron * size
    replace = np.einsum("ac,bd,ij,kl->aibjckdl", np.eye(2), np.eye(2), moments.full(), np.eye(size))
    # (row a i, column b j) <- (row c k, column d l); column stacking puts the column index first
    matrix = replace.transpose(2, 3, 0, 1, 6, 7, 4, 5).reshape(total**2, total**2)
    spaces = [[electron, *moments.dims[0]]] * 2
    with exact_arithmetic():
        held = Qobj(matrix, dims=[spaces, spaces], superrep="super")
        return rate * (held - qutip.to_super(qutip.qeye(spaces[0])))
