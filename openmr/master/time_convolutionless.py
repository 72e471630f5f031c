"""Time-convolutionless master equation of second order, Eqs. (9)-(16), for any small system.

    K(t) rho = -i [H, rho] - sum_ij integral_0^t dtau { D_ij(tau) [A_i, A_j(-tau) rho] + h.c. }

for V = sum_i A_i (x) B_i with the full matrix D_ij(t) = <B_i(t) B_j(0)> of a bath whose <B_i> = 0.
Energies and times are in mutually inverse units (hbar = 1); Qobj in, Qobj out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qutip import Qobj, QobjEvo

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError
from openmr._qutip import exact_arithmetic
from openmr.bath.transforms import HalfSided
from openmr.master.interaction import hermitian_basis, operator_matrices, transforms
from openmr.master.open_system import ROUNDING, bohr_groups

_PICTURES = ("schroedinger", "interaction")


@dataclass(frozen=True, slots=True)
class Generator:
    """Second-order generator K at one time, and all it takes to have it at any earlier one.

    Attributes
    ----------
    superoperator : Qobj
        K at `time`, the Markov limit for ``time=inf``.
    shift : Qobj
        Level-shift Hamiltonian at `time`, traceless; measured also where it is left out.
    time, uncertainty, memory : float, unit of 1/H, of H, of 1/H
        The time; the measured absolute error of the transforms (half a rate), quadrature and tail;
        and the time beyond which the correlators are not needed any more.
    """

    superoperator: Qobj
    shift: Qobj
    time: float
    uncertainty: float
    memory: float
    _system: _System
    _transforms: HalfSided

    error = _checks.old_name("error", "uncertainty")

    def at(self, time: float) -> Qobj:
        """K at another time from 0 to `time`; for an infinite one, the limit after `memory`.

        Parameters
        ----------
        time : float, unit of 1/H

        Returns
        -------
        Qobj
            Superoperator K, unit of H.

        Raises
        ------
        ParameterError
            For a time beyond that of the generator.
        """
        time = _checks.number("time", time, least=0.0, most=self.time, infinite=True)
        return self._at(time)

    def _at(self, time: float) -> Qobj:
        return self._system.generator(self._transforms.at(time), time)

    @property
    def evolving(self) -> QobjEvo:
        """K(t) for QuTiP's solvers, whose steps may overshoot `time`: K stands still there."""
        return QobjEvo(self._at)

    def gibbs(self, beta: float) -> Qobj:
        """Thermal state exp(-beta H) / Z of the system.

        Parameters
        ----------
        beta : float, unit of 1/H

        Returns
        -------
        Qobj
            Density matrix.
        """
        energies, vectors = self._system.energies, self._system.vectors
        weights = np.exp(-beta * (energies - (energies[0] if beta > 0 else energies[-1])))
        with exact_arithmetic():
            return Qobj(vectors * (weights / weights.sum()) @ vectors.conj().T, self._system.dims)

    @property
    def first_step(self) -> float:
        """Length of the first panel of quadrature: the shortest memory there is."""
        return float(self._transforms.edges[1])

    def __repr__(self) -> str:
        size = self.superoperator.shape[0]
        return "\n".join(
            [
                f"Generator  TCL2 ({self._system.picture} picture), {size} x {size}",
                f"  time        : {self.time:.4g}",
                f"  memory      : {self.memory:.4g}",
                f"  uncertainty : {self.uncertainty:.2g}",
                f"  shift       : {np.abs(self.shift.full()).max():.4g}",
            ]
        )


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
) -> Generator:
    """Generator of the second-order time-convolutionless master equation.

    Parameters
    ----------
    hamiltonian : Qobj
        H of the system, any tensor structure.
    couplings : sequence of Qobj
        A_i, Hermitian or not; V = sum_i A_i (x) B_i as a whole is Hermitian.
    correlators : callable, nested sequence of callables, or (times, values)
        D_ij(t) = <B_i(t) B_j(0)>, t >= 0, without daggers also for non-Hermitian B_i: with
        V = sigma_+ B + sigma_- B^dag the list (sigma_+, sigma_-) goes with
        [[<B(t) B>, <B(t) B^dag>], [<B^dag(t) B>, <B^dag(t) B^dag>]]. One callable takes times (t,)
        to (t, n, n); nested callables take them to (t,), None standing for zero; samples are on a
        uniform grid that starts at 0, values (t, n, n).
    time : float
        t of K(t), in units of 1/H; ``inf`` (default) is the Markov limit.
    level_shift : bool
        Keep the anti-Hermitian part of the transforms. Without it the Markov limit is QuTiP's
        Bloch-Redfield tensor.
    secular : float, unit of H, or None
        None (default) keeps all terms. A frequency groups the Bohr frequencies, each group at most
        that wide, with one transform at its centre, and drops what couples different groups; the
        Markov limit is then completely positive. 0 is the full secular approximation, where only
        frequencies that are equal to rounding stay together. Choose it well above the rates and
        well below the spacing of the groups; nothing jumps as levels merge within half of it
        [Trushechkin2021].
    picture : str
        "schroedinger", or "interaction" (without -i[H, .], operators turning with H), which has
        no limit at ``time=inf``.
    rtol : float, no unit
        Allowed error of the transforms, relative to the largest half rate. Default 1e-6.

    Returns
    -------
    Generator
        At `time`, and ready for every earlier one.

    Raises
    ------
    ParameterError
        For operators that do not fit, correlators that are not finite, of the wrong shape, or not
        those of a Hermitian V.
    SizeError
        Above dimension 64, with an estimate of the memory.
    ConvergenceError
        If the transforms are not converged.
    """
    time = _checks.number("time", time, least=0.0, infinite=True)
    rtol = _checks.number("rtol", rtol, above=0.0, most=1.0)
    if secular is not None:
        secular = _checks.number("secular", secular, least=0.0)
    _checks.choice("picture", picture, _PICTURES)
    if picture == "interaction" and not np.isfinite(time):
        raise ParameterError("`time` must be finite in the interaction picture, got inf")
    basis, mixing = hermitian_basis(operator_matrices(hamiltonian, couplings))
    system = _system(hamiltonian, basis, bool(level_shift), secular, picture)
    found = transforms(correlators, mixing, system.frequencies, time, rtol)
    gammas = found.limit
    return Generator(
        superoperator=system.generator(gammas, time),
        shift=system.shift(gammas),
        time=time,
        uncertainty=found.uncertainty + found.tail,
        memory=float(found.edges[-1]),
        _system=system,
        _transforms=found,
    )


# --- the system and its superoperators -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _System:
    """H and the coupling operators in its eigenbasis, and which terms to keep."""

    energies: Array  # (d,)
    vectors: ComplexArray  # (d, d)
    basis: ComplexArray  # F_a in the eigenbasis (a, d, d)
    labels: NDArray[np.intp]  # group of the Bohr frequency E_n - E_m of the element <m|F|n>
    column: NDArray[np.intp]  # place of that group among `frequencies`
    frequencies: Array
    level_shift: bool
    secular: bool
    picture: str
    dims: Any

    def generator(self, gammas: ComplexArray, time: float) -> Qobj:
        kept = gammas if self.level_shift else _hermitian(gammas)
        tensor = self._dissipator(kept)
        gaps = self.energies[:, None] - self.energies
        if self.picture == "interaction":
            phases = np.exp(1j * time * gaps)
            tensor = phases[:, :, None, None] * tensor * phases.conj()
        else:
            level = np.arange(len(gaps))
            tensor[level[:, None], level, level[:, None], level] -= 1j * gaps
        return self._superoperator(tensor)

    def shift(self, gammas: ComplexArray) -> Qobj:
        """Traceless H of the part of the dissipator that the anti-Hermitian transforms make.

        H = (1/2id) sum_mn [E_mn, L(E_nm)] [HaydenSorce2022].
        """
        tensor = self._dissipator(gammas - _hermitian(gammas))
        left = np.einsum("jlji->il", tensor) - np.einsum("pili->pl", tensor)
        matrix = self.vectors @ (left / (2j * len(left))) @ self.vectors.conj().T
        return Qobj(0.5 * (matrix + matrix.conj().T), dims=self.dims)

    def _dissipator(self, gammas: ComplexArray) -> ComplexArray:
        """Tensor T of (L rho)_ml = sum_nk T[m, l, n, k] rho_nk in the eigenbasis."""
        dressed = np.zeros_like(self.basis)  # Lambda_a = sum_b Gamma_ab F_b, element by element
        for a, b in np.ndindex(gammas.shape[1:]):
            dressed[a] += gammas[self.column, a, b] * self.basis[b]
        jump = np.einsum("amn,akl->mlnk", dressed, self.basis)
        product = np.einsum("amk,akn->kmn", self.basis, dressed)
        if self.secular:
            # Lambda_mn rho_nk F_kl turns with w_mn - w_lk, F_mk Lambda_kn with w_kn - w_km
            jump *= self.labels[:, None, :, None] == self.labels[None, :, None, :]
            product *= self.labels[:, :, None] == self.labels[:, None, :]
        level = np.arange(len(self.energies))
        jump[:, level, :, level] -= product.sum(axis=0)
        return np.asarray(jump + jump.conj().transpose(1, 0, 3, 2))

    def _superoperator(self, tensor: ComplexArray) -> Qobj:
        """In the basis of H as given; column stacking."""
        u, size = self.vectors, len(self.energies) ** 2
        for matrix in (u, u.conj(), u.conj(), u):  # one index at a time, each goes to the end
            tensor = np.tensordot(tensor, matrix, axes=(0, 1))
        matrix = tensor.transpose(1, 0, 3, 2).reshape(size, size)
        with exact_arithmetic():
            return Qobj(matrix, dims=[self.dims, self.dims], superrep="super")


def _hermitian(gammas: ComplexArray) -> ComplexArray:
    return 0.5 * (gammas + gammas.conj().swapaxes(-1, -2))


def _system(
    hamiltonian: Qobj, basis: ComplexArray, level_shift: bool, secular: float | None, picture: str
) -> _System:
    energies, vectors = np.linalg.eigh(hamiltonian.full())
    width = max(secular or 0.0, ROUNDING * float(np.abs(energies).max()))
    labels, centres = bohr_groups(energies, width)
    present, column = np.unique(labels, return_inverse=True)
    return _System(
        energies=energies,
        vectors=vectors,
        basis=vectors.conj().T @ basis @ vectors,
        labels=labels,
        column=np.reshape(column, labels.shape),
        frequencies=np.sign(present) * centres[np.abs(present)],
        level_shift=level_shift,
        secular=secular is not None,
        picture=picture,
        dims=hamiltonian.dims,
    )
