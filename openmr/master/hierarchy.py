"""Hierarchical equations of motion for one coupling and an electron-hole bath with a Drude cut.

QuTiP builds the hierarchy (Tanimura 2020, Lambert et al. 2023); here are the bath's exponents, what
is taken out of the system so that second order is exact at any cutoff, and the propagation.
Energies are in k_B T, times in beta hbar. Nothing here knows of films or moments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import qutip
from qutip import Qobj
from qutip.core.environment import DrudeLorentzEnvironment, ExponentialBosonicEnvironment
from qutip.solver.heom import HEOMSolver
from qutip.solver.integrator import IntegratorException
from scipy.linalg import expm
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from openmr import _checks
from openmr._checks import EPSILON, Array, ComplexArray, ExtractionError, ParameterError

_DENSE = 150
"""Largest block whose exponential is taken whole, at less than its steps one by one."""
_KRYLOV = 80
"""Largest Krylov space before the time step is halved."""
_GROWN = 1e100
"""No density matrix grows, nor what hangs on it: only a hierarchy cut short does."""


# --- the bath, and what second order must not see of it ------------------------------------------


def environment(coupling: float, width: float, terms: int) -> ExponentialBosonicEnvironment:
    """Exponents of the noise G0 K(w) / (1 + (w/gamma)^2), K(w) = w / (1 - exp(-w)).

    `coupling` is G0 [1/(beta hbar)], `width` the Drude cut gamma [k_B T], and `terms` the number of
    terms of the Pade form of the thermal factor. One more exponent is at gamma, with the weight of
    the Pade form, which makes S(0) exact, not QuTiP's of the exact thermal factor:
    docs/theory/numerics.md.
    """
    drude = DrudeLorentzEnvironment(T=1.0, lam=0.25 * coupling * width, gamma=width)
    exponents = drude.approximate("pade", Nk=terms, combine=False).exponents
    thermal = [e for e in exponents if e.type.name == "R"][1:]  # the first is the one at gamma
    imaginary = [e for e in exponents if e.type.name == "I"]
    rest = sum(float(e.ck) / float(e.vk) for e in thermal)
    return ExponentialBosonicEnvironment(
        [width * (0.5 * coupling - rest), *(float(e.ck) for e in thermal)],
        [width, *(float(e.vk) for e in thermal)],
        [float(e.ck) for e in imaginary],
        [float(e.vk) for e in imaginary],
        T=1.0,
    )


def _gaps(hamiltonian: Qobj) -> Array:
    """E_m - E_n of a Hamiltonian that is diagonal, shape (d, d)."""
    energies = hamiltonian.diag().real
    return np.asarray(energies[:, None] - energies[None, :])


def dressed(hamiltonian: Qobj, operator: Qobj, width: float) -> Qobj:
    """Coupling with its elements at Bohr frequency w enlarged by sqrt(1 + (w/gamma)^2).

    The Drude cut lowers the noise at w by the square of that, so second order sees the uncut noise
    at any cutoff. `hamiltonian` is diagonal.
    """
    enlarged = operator.full() * np.sqrt(1.0 + (_gaps(hamiltonian) / width) ** 2)
    return Qobj(enlarged, dims=operator.dims)


def principal_part(hamiltonian: Qobj, operator: Qobj, bath: ExponentialBosonicEnvironment) -> Qobj:
    """Second-order superoperator that the imaginary half-sided spectrum of the bath makes.

    -[A, Lambda rho - rho Lambda^dag] with Lambda = int_0^inf C(t) A(-t) dt, whose elements are
    those of A times int_0^inf C(t) exp(-i w t) dt; of that integral the imaginary part alone. The
    level shift is in it, which grows linearly with the cutoff, and logarithms of it.
    `hamiltonian` is diagonal.
    """
    gaps = _gaps(hamiltonian)
    half_sided = sum(e.coefficient / (e.exponent + 1j * gaps) for e in bath.exponents)
    memory = Qobj(1j * operator.full() * half_sided.imag, dims=operator.dims)
    outer = qutip.spre(operator) - qutip.spost(operator)
    return -outer * (qutip.spre(memory) - qutip.spost(memory.dag()))


def solver(
    liouvillian: Qobj,
    operator: Qobj,
    bath: ExponentialBosonicEnvironment,
    depth: int,
    options: Mapping[str, Any] | None = None,
) -> HEOMSolver:
    """QuTiP's hierarchy of the given depth; `ParameterError` for options that it does not know."""
    chosen = {"progress_bar": "", **(options or {}), "store_ados": True}
    try:
        return HEOMSolver(liouvillian, (bath, operator), depth, options=chosen)
    except KeyError as error:
        raise ParameterError(f"`options` must be QuTiP solver options: {error}") from None


# --- propagation ---------------------------------------------------------------------------------


def exponential(
    hierarchy: HEOMSolver, columns: ComplexArray, step: float, steps: int
) -> tuple[ComplexArray, ComplexArray]:
    """Density matrices and their derivatives at even times, two arrays (steps + 1, d^2, n).

    By the matrix exponential, from column-stacked operators `columns` (d^2, n) with the bath in
    equilibrium; `step` in beta hbar. Conserved quantities (J_z where Jx = Jy, its parity otherwise)
    split the right-hand side into blocks; each block takes the columns that start in it.
    """
    rhs = _matrix(hierarchy)
    size, count = columns.shape
    states = np.zeros((steps + 1, size, count), dtype=complex)
    changes = np.zeros_like(states)
    _, block_of = connected_components(abs(rhs), directed=False)
    for block in np.unique(block_of[:size]):
        inside = np.flatnonzero(block_of == block)
        top = inside[inside < size]
        chosen = np.flatnonzero(np.any(columns[top] != 0, axis=0))
        if not len(chosen):
            continue
        part = csr_array(rhs[inside][:, inside])
        vectors = np.zeros((len(inside), len(chosen)), dtype=complex)
        vectors[: len(top)] = columns[np.ix_(top, chosen)]
        moved = _mover(part, step)
        for k in range(steps + 1):
            if k:
                vectors = moved(vectors)
            states[k][np.ix_(top, chosen)] = vectors[: len(top)]
            changes[k][np.ix_(top, chosen)] = part[: len(top)] @ vectors
    return states, changes


def _mover(matrix: csr_array, time: float) -> Callable[[ComplexArray], ComplexArray]:
    """exp(time matrix) on columns, which it takes many times over."""
    if matrix.shape[0] > _DENSE:
        return lambda vectors: np.stack(
            [krylov_exponential(matrix, vector, time) for vector in vectors.T], axis=-1
        )
    with np.errstate(over="ignore", invalid="ignore"):
        whole = expm(time * matrix.toarray())

    def moved(vectors: ComplexArray) -> ComplexArray:
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.asarray(whole @ vectors)
        _length(found)
        return found

    return moved


def _length(vectors: ComplexArray) -> float:
    """Norm; refused where it says that nothing holds the motion."""
    length = float(np.linalg.norm(vectors))
    if not length <= _GROWN:
        raise _checks.ConvergenceError(
            "the hierarchy grows without bound: it has too few levels for noise this strong"
        )
    return length


def _matrix(hierarchy: HEOMSolver) -> csr_array:
    matrix = csr_array(hierarchy.rhs(0).data.as_scipy())
    matrix.eliminate_zeros()
    return matrix


def krylov_exponential(matrix: csr_array, vector: ComplexArray, time: float) -> ComplexArray:
    """exp(time matrix) vector in a Krylov space, grown until its error estimate is round-off.

    The hierarchy is stiff but damped, so the space needs about the root of the number of products
    that a Taylor series takes (Hochbruck and Lubich 1997).
    """
    size = min(_KRYLOV, len(vector))
    length = _length(vector)
    basis = np.zeros((size + 1, len(vector)), dtype=complex)
    small = np.zeros((size + 1, size + 1), dtype=complex)
    basis[0] = vector / length
    for m in range(1, size + 1):
        new = matrix @ basis[m - 1]
        for _ in range(2):  # twice, against the rounding of the first
            overlap = basis[:m].conj() @ new
            new -= overlap @ basis[:m]
            small[:m, m - 1] += overlap
        rest = float(np.linalg.norm(new))
        small[m, m - 1] = rest
        closed = rest <= EPSILON * float(np.abs(small).max())  # the space holds the whole motion
        if not closed:
            basis[m] = new / rest
        if closed or m % 10 == 0 or m == size:
            inner = time * small[: m + 1, : m + 1]
            weights = expm(inner)[:, 0]
            # rounding of the small exponential grows with its norm: less cannot be asked
            rounding = 10 * EPSILON * (1 + float(np.linalg.norm(inner, 1)))
            if closed or abs(weights[m]) <= rounding * np.abs(weights).max():
                return np.asarray(length * (weights @ basis[: m + 1]))
    half = krylov_exponential(matrix, vector, 0.5 * time)
    return krylov_exponential(matrix, half, 0.5 * time)


def integrated(
    hierarchy: HEOMSolver, columns: ComplexArray, step: float, steps: int
) -> tuple[ComplexArray, ComplexArray]:
    """`exponential` by QuTiP's integrator and options; `ExtractionError` if that gives up."""
    matrix = _matrix(hierarchy)
    size = round(len(columns) ** 0.5)
    times = step * np.arange(steps + 1)
    states, changes = [], []
    for column in columns.T:
        start = np.zeros(matrix.shape[0], dtype=complex)
        start[: len(column)] = column
        try:
            run = hierarchy.run(start.reshape(-1, size, size), times)
        except IntegratorException as error:
            raise ExtractionError(f"QuTiP's solver stopped ({error}); change `options`") from None
        whole = np.stack([state._ado_state.ravel() for state in run.ado_states])
        states.append(whole[:, : len(column)])
        changes.append((matrix[: len(column)] @ whole.T).T)
    return np.stack(states, axis=-1), np.stack(changes, axis=-1)
