"""Hierarchical equations of motion, built by QuTiP (Tanimura 2020, Lambert et al. 2023).

Slow modes of an open system, steady currents, two-time functions, motion, and how far the
hierarchy has converged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from qutip import Qobj
from qutip.solver.heom import Bath, BathExponent, HEOMSolver
from scipy.linalg import expm
from scipy.sparse import csc_array, csr_array, eye_array
from scipy.sparse import kron as kron_sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from openmr._checks import EPSILON, Array, ComplexArray, ConvergenceError, ParameterError, SizeError
from openmr._qutip import exact_arithmetic
from openmr.master.markov import Part, collapse_part, commutator
from openmr.master.memory import MOST_BYTES, SETTLED, Scaled, scaled, tcl2_generator
from openmr.master.motion import Motion
from openmr.master.open_system import OpenSystem

_SHALLOW, _MOST_FINER, _MOST_ITERATIONS = 2, 6, 100
"""First depth; how often exponents are made finer; inverse iterations."""
MAX_DEPTH, _TRIED = 12, 5
"""Deepest hierarchy, unless it is said otherwise; and where finer exponents are tried at most."""
_COARSEST, _REACH = 1e-2, 10.0
"""First exponents: their error, and where noise counts as white over the largest frequency."""
_LEAST_SHARE, _LEFT_ITERATIONS = 0.5, 3
"""Part of a state that goes into the modes found, without which they are the bath's; and the
inverse iterations by which it is known to a per cent."""
_MOST_ROWS, _MOST_FACTORED = 100_000, 15_000
"""Rows of the largest hierarchy that is propagated, and of the largest that is factored: a minute
and ten seconds."""
_FOLLOWED = 1e-11
"""Distance from the slow modes that is rounding, over the largest element."""
_OFFSET = 0.02
"""Shift off the axis of frequencies, over the slowest exponent, that keeps matrices regular."""
_DENSE = 150
"""Largest block whose exponential is taken whole, at less than its steps one by one."""
_KRYLOV = 80
"""Largest Krylov space before the time step is halved."""
_LARGEST_ERROR = 1e-9
"""Error of a step in time, over the state, above which rounding is no excuse."""
_MOST_HALVINGS = 30
"""Halvings of a time step before it is given up."""
_GROWN = 1e100
"""No density matrix grows, nor what hangs on it: only a hierarchy cut short does."""

_Sweep = Callable[[ComplexArray, ComplexArray, Any], ComplexArray]


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Hierarchy of an open system in exponentials, cut below a depth, in the units of `problem`."""

    problem: Scaled  # the system
    depth: int  # largest number of excitations of all exponents together
    extra: ComplexArray | None = None  # added to L of a constant system, in the basis of H as given

    def __post_init__(self) -> None:
        self.problem.refuse_leads("heom", "redfield")
        for r in self.problem.reservoirs:
            c = r.coupling
            if not all(isinstance(op, Qobj) for op in c.operators):
                raise ParameterError(
                    f"`couplings[{c.index}]` must not depend on time with 'heom'; use 'tcl2'"
                )
            skew = np.abs(r.coefficients - r.coefficients.swapaxes(-1, -2)).max(initial=0.0)
            if skew > 1e-9 * np.abs(r.coefficients).max(initial=0.0):
                raise ParameterError(
                    f"`couplings[{c.index}]` must have C_ij = C_ji with 'heom', got an "
                    f"antisymmetric part of {skew * (self.problem.unit / r.size) ** 2:.3g}; "
                    "use 'tcl4'"
                )
        d, k = self.problem.system.dimension, len(self.exponents)
        needed = self._rows * (20.0 * 4 * d * (k + 1) + 16.0 * (_KRYLOV + 4))
        self._refuse(needed, _MOST_ROWS)

    @property
    def _rows(self) -> int:
        k = len(self.exponents)
        return self.problem.system.dimension**2 * comb(k + self.depth, self.depth)

    def refuse_factored(self) -> None:
        """`SizeError` where its matrix is too large to be factored for slow modes."""
        self._refuse(64.0 * self._rows * self.problem.system.dimension**2, _MOST_FACTORED)

    def _refuse(self, needed: float, most: int) -> None:
        rows = self._rows
        if needed > MOST_BYTES or rows > most:
            raise SizeError(
                f"`method` 'heom' with {len(self.exponents)} exponents and depth {self.depth} "
                f"would take {rows:.2g} rows and about {needed / 2**30:.2g} GiB, allowed "
                f"{most} rows and {MOST_BYTES / 2**30:g} GiB; use 'tcl4', or a larger `rtol`"
            )

    @cached_property
    def exponents(self) -> list[tuple[int, ComplexArray, complex, complex, complex]]:
        """Coupling, operator, nu, and c of the real and of the imaginary part of C(t).

        A matrix of coefficients is a sum over operators A_i + A_j and A_i.
        """
        found = []
        for index, r in enumerate(self.problem.reservoirs):
            a = r.operators(0.0)
            real = 0.5 * (r.coefficients + r.partners)
            imaginary = -0.5j * (r.coefficients - r.partners)
            for i, j in zip(*np.tril_indices(len(a)), strict=True):
                for nu, *parts in zip(r.rates, real, imaginary, strict=True):
                    x, y = (p[i, j] if i != j else 2 * p[i, i] - p[i].sum() for p in parts)
                    found.append((index, a[i] + a[j] if i != j else a[i], nu, x, y))
        return [one for one in found if one[3] != 0 or one[4] != 0]

    @cached_property
    def _solver(self) -> HEOMSolver:
        d = self.problem.system.dimension
        exponents = [
            BathExponent("RI", None, Qobj(a), x, nu, y, tag=index)
            for index, a, nu, x, y in self.exponents
        ]
        with exact_arithmetic():
            still = Qobj(np.zeros((d**2, d**2)), dims=[[[d], [d]]] * 2, superrep="super")
            return HEOMSolver(still, Bath(exponents), self.depth, options={"progress_bar": ""})

    @cached_property
    def bare(self) -> csr_array:
        """Right-hand side without L."""
        if not self.exponents:
            return csr_array((self.problem.system.dimension**2,) * 2, dtype=complex)
        return csr_array(self._solver.rhs(0).data.as_scipy())

    @cached_property
    def matrix(self) -> csr_array:
        """Right-hand side of a constant system."""
        own = self.problem.free(0.0)
        own = own if self.extra is None else own + self.extra
        found = csr_array(self.bare + kron_sparse(eye_array(self.size), own))
        found.eliminate_zeros()
        return found

    @property
    def size(self) -> int:
        """Number of density matrices in the hierarchy."""
        return self.bare.shape[0] // self.problem.system.dimension**2

    def place(self, *exponents: int) -> slice:
        """Rows of the auxiliary operator with these excitations."""
        label = tuple(exponents.count(k) for k in range(len(self.exponents)))
        d = self.problem.system.dimension**2
        first = d * self._solver.ados.idx(label)
        return slice(first, first + d)

    @cached_property
    def slow(self) -> tuple[ComplexArray, ComplexArray]:
        """Generator K of the slow modes (d^2, d^2), and W (rows, d^2): the hierarchy is W rho.

        Inverse iteration about each eigenvalue of second order, no propagation. `ConvergenceError`
        if the modes of the system are not apart from those of the bath.
        """
        system, unit = self.problem.system, self.problem.unit
        top = system.dimension**2
        self.refuse_factored()
        matrix = csc_array(self.matrix)
        values, vectors = _modes_of(tcl2_generator(system).matrix / unit, system.states)
        width = _OFFSET * (SETTLED / self.problem.settled if self.problem.settled else 1.0)
        swept = _inverse_iteration(matrix, values, width)
        modes = np.zeros((matrix.shape[0], top), dtype=complex)
        modes[:top] = vectors
        scale = max(1.0, float(np.abs(values).max()))
        change, last = np.inf, np.inf
        found: ComplexArray = np.zeros((top, top), dtype=complex)
        for _ in range(_MOST_ITERATIONS):
            modes = swept(modes, values, "N")
            if np.linalg.norm(modes[:top], ord=-2) < 1e3 * EPSILON:
                break
            below = np.linalg.inv(modes[:top])
            before, found = found, np.asarray((matrix[:top] @ modes) @ below, dtype=complex)
            change = float(np.abs(found - before).max())
            if change <= 10 * EPSILON * scale * top or (change <= 1e-10 * scale and change >= last):
                whole = np.asarray(modes @ below, dtype=complex)
                if self._share(whole, found, swept) < _LEAST_SHARE:
                    break
                return found, whole
            last = change
            values, vectors = np.linalg.eig(found)
            modes = modes @ (below @ vectors)
        raise ConvergenceError(
            "the hierarchy has no slow modes: rates of the system are as large as those of its "
            f"bath's memory (last change {change * unit:.2g}); propagate with `evolve`, or take a "
            "larger `rtol`, which needs fewer exponents"
        )

    def _share(self, whole: ComplexArray, generator: ComplexArray, swept: _Sweep) -> float:
        """Part of a state uncorrelated with the bath that goes into the slow modes W, of 1.

        Their projector needs the left modes, by inverse iteration with the same matrices.
        """
        top = len(generator)
        values, vectors = _modes_of(generator, self.problem.system.states)
        back = np.zeros_like(whole)
        back[:top] = np.linalg.inv(vectors).conj().T
        for _ in range(_LEFT_ITERATIONS):
            back = swept(back, values, "H")
        slip = np.linalg.solve(back.conj().T @ whole, back[:top].conj().T)
        return float(np.trace(slip).real / top)

    @cached_property
    def steady(self) -> ComplexArray:
        """Steady state as the whole hierarchy, (rows,), trace one.

        `ConvergenceError` if it is not unique.
        """
        generator, whole = self.slow
        _, sizes, rows = np.linalg.svd(generator)
        if len(sizes) > 1 and sizes[-2] <= 10 * EPSILON * len(sizes) * sizes[0]:
            raise ConvergenceError(
                "the steady state of 'heom' is not unique: evolve the start you mean"
            )
        rho = rows[-1].conj()
        return np.asarray(whole @ (rho / np.trace(_unstacked(rho))))


def _modes_of(matrix: ComplexArray, states: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Eigenvalues and eigenvectors; where these coincide, those of the states alone."""
    values, vectors = np.linalg.eig(matrix)
    if np.linalg.cond(vectors) > 1e8:
        vectors = np.kron(states.conj(), states)
        values = np.diag(vectors.conj().T @ matrix @ vectors)
    return np.asarray(values, dtype=complex), np.asarray(vectors, dtype=complex)


def _inverse_iteration(matrix: csc_array, values: ComplexArray, width: float) -> _Sweep:
    """A step of inverse iteration, with shifts beside groups of values within a width of them."""
    centres: list[complex] = []
    for value in values:
        if not any(abs(value - centre) <= width for centre in centres):
            centres.append(value)
    shifts = np.array(centres) + width * (0.3 + 0.2j)
    one = eye_array(matrix.shape[0], dtype=complex, format="csc")
    # as symmetric in its pattern as it is, the matrix hardly fills in
    options: dict[str, Any] = {"diag_pivot_thresh": 0.01, "options": {"SymmetricMode": True}}
    factors: list[Any] = []
    for w in shifts:
        factors.append(splu(csc_array(matrix - w * one), "MMD_AT_PLUS_A", **options))
        needed = 20.0 * len(shifts) * factors[0].nnz  # a number and its place: 20 bytes
        if needed > MOST_BYTES:
            raise SizeError(
                f"`method` 'heom' would factor {len(shifts)} matrices of {matrix.shape[0]} rows, "
                f"{needed / 2**30:.2g} GiB, allowed {MOST_BYTES / 2**30:g} GiB; use 'tcl4', or a "
                "larger `rtol`"
            )

    def swept(modes: ComplexArray, near: ComplexArray, side: Any) -> ComplexArray:
        """Right ("N") or left ("H") modes, each by the shift nearest to its value."""
        nearest = np.argmin(np.abs(near[:, None] - shifts), axis=1)
        found = np.empty_like(modes)
        for k, factor in enumerate(factors):
            found[:, nearest == k] = factor.solve(modes[:, nearest == k], side)
        return np.asarray(found / np.linalg.norm(found, axis=0))

    return swept


def _apart(one: ComplexArray, other: ComplexArray) -> float:
    return float(np.abs(one - other).max())


def ladder(
    hierarchy_of: Callable[[int, int], Hierarchy],
    answer: Callable[[Hierarchy], tuple[Any, float]],
    max_depth: int,
    most_finer: int = _MOST_FINER,
    apart: Callable[[Any, Any], float] = _apart,
) -> tuple[Hierarchy, float, float]:
    """Hierarchy converged in the number of exponents and in depth, and both changes.

    `answer` gives what is to stand still and how much of a change is allowed, `apart` the change
    from one answer to another. The depth is raised until one level less changes the answer by less
    than half of that; finer exponents are tried on fewer levels, where they are cheap.
    """
    made = cache(hierarchy_of)
    of = cache(lambda finer, depth: answer(made(finer, depth)))
    for depth in range(_SHALLOW + 1, max_depth + 1):
        found, change = of(0, depth)
        allowed, shallower = 0.5 * change, apart(found, of(0, depth - 1)[0])
        if shallower <= allowed:
            break
    else:
        raise ConvergenceError(
            f"the hierarchy is not converged at `max_depth` = {max_depth}: one level less changes "
            f"it by {shallower:.2g}, allowed {allowed:.2g} (see `rtol`)"
        )
    tried = max(_SHALLOW + 1, min(depth - 2, _TRIED))
    for finer in range(most_finer):
        # there is as much again to come, see `hierarchies`
        fewer = 2 * apart(of(finer, tried)[0], of(finer + 1, tried)[0])
        if fewer <= allowed:
            return made(finer, depth), fewer, shallower
    raise ConvergenceError(
        "the hierarchy is not converged in the number of exponents: finer ones change it by "
        f"{fewer:.2g}, allowed {allowed:.2g} (see `rtol`)"
    )


def hierarchies(
    system: OpenSystem, start: float = 0.0, widen: float = 2.0
) -> Callable[[int, int], Hierarchy]:
    """Hierarchy of a system by fineness of its exponents (0, 1, ...) and by depth.

    Each step of fineness takes the frequency above which noise is white up by the factor `widen`;
    what the white noise leaves out of a state falls as its inverse, of a rate as its square.
    """

    @cache
    def problem(finer: int) -> Scaled:
        return scaled(system, _COARSEST / 10**finer, start, reach=_REACH * widen**finer)

    return lambda finer, depth: Hierarchy(problem(finer), depth)


@lru_cache(maxsize=1)  # for the next question to the same system
def _converged(
    system: OpenSystem, *, rtol: float = 1e-4, max_depth: int = MAX_DEPTH
) -> tuple[Hierarchy, float]:
    """Hierarchy whose slow modes are converged, and the sum of changes that `rtol` is asked of.

    These are the largest change of an element of their generator by finer exponents, and by one
    level of the hierarchy less, over the largest decay rate.
    """
    if not system.constant:
        raise ParameterError("`system` must not depend on time for slow modes; use `evolve`")

    def answer(hierarchy: Hierarchy) -> tuple[ComplexArray, float]:
        unit, generator = hierarchy.problem.unit, hierarchy.slow[0]
        rate = float(np.abs(np.linalg.eigvals(generator).real).max())
        rounding = 1e-11 * float(np.abs(generator).max())
        return unit * generator, unit * max(rtol * rate, rounding)

    hierarchy_of = hierarchies(system, widen=1.5)
    hierarchy_of(1, _SHALLOW + 1).refuse_factored()  # without it no convergence can be told
    found, fewer, shallower = ladder(hierarchy_of, answer, max_depth)
    return found, fewer + shallower


def slow_generator(system: OpenSystem, **options: Any) -> tuple[ComplexArray, float]:
    """Generator of the long run to every order in the coupling (d^2, d^2), and its uncertainty.

    In the basis of H as given, columns of rho stacked; for Hermitian couplings. `ConvergenceError`
    if it is not converged at the largest depth, or there are no slow modes.
    """
    hierarchy, change = _converged(system, **options)
    return hierarchy.problem.unit * hierarchy.slow[0], change


def currents(
    system: OpenSystem, number: ComplexArray | None = None, **options: Any
) -> tuple[Array, Array, Array | None]:
    """Steady currents of energy from each bath, both sides, and of another operator.

    The system's side is I_i = Tr[H K_i rho]; the bath's is -d<H_B>/dt = I_i - i sum_j <[V_j, V_i]>,
    from the second tier of the hierarchy [KatoTanimura2016]. The last entry of each is of
    `collapse`, if there is any.
    """
    hierarchy, _ = _converged(system, **options)
    problem, b = hierarchy.problem, len(system.couplings)
    unit, rho = problem.unit, _unstacked(hierarchy.steady[: system.dimension**2])
    noise = _Noise(hierarchy)
    changes = [noise.pushed(index) for index in range(b)]
    changes += [part.apply(rho) / unit for part in collapse_part(system)]
    shared = np.zeros((len(changes),) * 2)
    for i, j in combinations(range(b), 2):
        shared[i, j] = noise.shared(i, j)
    flows = np.array(changes).reshape(-1, *rho.shape)
    inside = np.einsum("ab,kba->k", problem.hamiltonian(0.0), flows).real
    outside = inside - (shared - shared.T).sum(axis=1)
    other = None if number is None else np.einsum("ab,kba->k", number, flows).real * unit
    return inside * unit**2, outside * unit**2, other


def _unstacked(column: ComplexArray) -> ComplexArray:
    d = round(len(column) ** 0.5)
    return column.reshape(d, d).T


@dataclass(frozen=True, eq=False)
class _Noise:
    """Means of the noise of one bath or two, times the steady state."""

    hierarchy: Hierarchy

    def matrix(self, *excited: int) -> ComplexArray:
        """Auxiliary operator with these exponents excited."""
        return _unstacked(self.hierarchy.steady[self.hierarchy.place(*excited)])

    def exponents(self, index: int) -> list[tuple[int, ComplexArray]]:
        """Number and operator of each exponent of a coupling."""
        return [(k, e[1]) for k, e in enumerate(self.hierarchy.exponents) if e[0] == index]

    @cached_property
    def _white(self) -> list[Part]:
        return self.hierarchy.problem.white(0.0)

    def white(self, index: int, x: ComplexArray) -> list[tuple[ComplexArray, ComplexArray]]:
        """Operators of a coupling, each with the mean of its white noise times x."""
        part = self._white[index]
        mean = part.dressed @ x - x @ part.dressed.conj().swapaxes(-1, -2)
        return list(zip(part.operators, -1j * mean, strict=True))

    def of(self, index: int, *excited: int) -> list[tuple[ComplexArray, ComplexArray]]:
        """Operators of a coupling, each with the mean of its noise times an auxiliary operator."""
        coloured = [(a, self.matrix(*excited, k)) for k, a in self.exponents(index)]
        return coloured + self.white(index, self.matrix(*excited))

    def pushed(self, index: int) -> ComplexArray:
        """K_i rho: what one coupling does to the state."""
        none = np.zeros_like(self.matrix())
        return np.asarray(sum((-1j * commutator(a, x) for a, x in self.of(index)), start=none))

    def shared(self, i: int, j: int) -> float:
        """Mean of i [V_j, V_i], of which white noise of both is in either order alike."""
        rho = self.matrix()
        terms = [(a, b, x) for k, a in self.exponents(i) for b, x in self.of(j, k)]
        terms += [(a, b, x) for m, b in self.exponents(j) for a, x in self.white(i, self.matrix(m))]
        terms += [(a, b, 0.5 * y) for a, x in self.white(i, rho) for b, y in self.white(j, x)]
        terms += [(a, b, 0.5 * y) for b, x in self.white(j, rho) for a, y in self.white(i, x)]
        return float(sum((1j * np.trace(commutator(b, a) @ x)).real for a, b, x in terms))


def two_time(
    system: OpenSystem, a: ComplexArray, b: ComplexArray, times: Array, **options: Any
) -> ComplexArray:
    """<A(t) B(0)> in the steady state, with all that system and baths share at time 0."""
    (hierarchy, _), d = _converged(system, **options), system.dimension
    # columns are stacked: B acts on the last axis
    y = (hierarchy.steady.reshape(-1, d, d) @ b.T).ravel()
    marks = hierarchy.problem.unit * np.append(0.0, times)
    found = hierarchical(hierarchy, y[: d * d, None], {}).along(y, marks)[1:]
    return np.array([a.ravel() @ one[: d * d] for one in found])


def half_sided_spectra(
    system: OpenSystem,
    pairs: Sequence[tuple[ComplexArray, ComplexArray]],
    frequencies: Array,
    **options: Any,
) -> ComplexArray:
    """Integral_0^inf (<A(t) B(0)> - <A><B>) exp(i w t) dt for pairs (A, B), shape (pairs, w).

    The steady state is taken out of the matrix, so that nothing is singular at w = 0.
    """
    (hierarchy, _), d = _converged(system, **options), system.dimension
    unit, still, size = hierarchy.problem.unit, hierarchy.steady, d**2
    trace = np.zeros((1, still.size))
    trace[0, : size : d + 1] = 1.0
    matrix = csc_array(hierarchy.matrix) - csc_array(still[:, None]) @ csc_array(trace)
    starts = [(still.reshape(-1, d, d) @ b.T).ravel() for _, b in pairs]
    columns = np.stack([y - y[: size : d + 1].sum() * still for y in starts], axis=1)
    left = np.array([a.ravel() for a, _ in pairs])
    found = []
    for w in frequencies / unit:
        solved = splu(csc_array(-matrix - 1j * w * eye_array(still.size))).solve(columns)
        found.append(np.einsum("pk,kp->p", left, solved[:size]) / unit)
    return np.array(found).T


@dataclass(frozen=True, eq=False)
class Hierarchical(Motion):
    """All auxiliary operators in time: in a constant system by the matrix exponential."""

    hierarchy: Hierarchy

    def start(self, time: float) -> ComplexArray:
        """Nothing but the columns."""
        y = np.zeros((self.hierarchy.size * len(self.columns), self.columns.shape[1]), complex)
        y[: len(self.columns)] = self.columns
        return y.ravel()

    def kicked(self, time: float, y: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """Whole state after a pulse."""
        turn = np.kron(pulse.conj(), pulse)
        return np.asarray(turn @ y.reshape(-1, *self.columns.shape)).ravel()

    def change(self, time: float, y: ComplexArray) -> ComplexArray:
        """dy/dt."""
        own = self.hierarchy.problem.free(time) @ y.reshape(-1, *self.columns.shape)
        return np.asarray(self.hierarchy.bare @ self._rows(y)).ravel() + own.ravel()

    def followed(self, y: ComplexArray, marks: Array) -> list[ComplexArray]:
        """Whole states at the marks."""
        if not self.hierarchy.problem.system.constant:
            return super().followed(y, marks)
        found = stepped(self.hierarchy.matrix, self._rows(y), marks)
        return [rows.ravel() for rows in found]

    @cached_property
    def _slow(self) -> tuple[ComplexArray, ComplexArray] | None:
        try:
            return self.hierarchy.slow if self.hierarchy.problem.system.constant else None
        except (ConvergenceError, SizeError):  # no slow modes: the hierarchy is followed to the end
            return None

    def long_run(self) -> ComplexArray | None:
        """Generator of the slow modes."""
        return None if self._slow is None else self._slow[0]

    def late(self, y: ComplexArray, columns: ComplexArray) -> ComplexArray:
        """Hierarchy of these columns in slow modes alone."""
        assert self._slow is not None
        return np.asarray(self._slow[1] @ columns).ravel()

    def forgotten(self, y: ComplexArray) -> bool:
        """Whether slow modes are all there is."""
        return bool(np.abs(self.late(y, self.top(y)) - y).max() <= _FOLLOWED * np.abs(y).max())

    def _rows(self, y: ComplexArray) -> ComplexArray:
        return y.reshape(-1, self.columns.shape[1])


def hierarchical(
    hierarchy: Hierarchy, columns: ComplexArray, solver: Mapping[str, Any]
) -> Hierarchical:
    """Motion through a hierarchy; after three quarters of its memory 1e-12 of that is left."""
    settled = 0.75 * hierarchy.problem.settled
    return Hierarchical(columns, solver, hierarchy.problem.unit, settled, None, hierarchy)


# --- propagation ---------------------------------------------------------------------------------


def stepped(matrix: csr_array, start: ComplexArray, marks: Array) -> Iterator[ComplexArray]:
    """exp(t matrix) on columns (rows, n), at one mark of time after the other.

    Conserved quantities split the matrix into blocks; each column takes those that it starts in.
    Small blocks move by their whole exponential.
    """
    yield start
    _, block = connected_components(abs(matrix), directed=False)
    groups: dict[tuple[int, ...], list[int]] = {}
    for n, column in enumerate(start.T):
        if column.any():
            groups.setdefault(tuple(np.unique(block[column != 0])), []).append(n)
    places = [(np.flatnonzero(np.isin(block, kept)), columns) for kept, columns in groups.items()]
    parts = [csr_array(matrix[rows][:, rows]) for rows, _ in places]
    last, y, rounding = np.nan, start, 4 * np.spacing(np.abs(marks).max())
    for step in np.diff(marks):
        if not abs(step - last) <= rounding:
            movers, last = [_mover(part, step) for part in parts], step
        before, y = y, np.zeros_like(y)
        for (rows, columns), moved in zip(places, movers, strict=True):
            for n in columns:
                y[rows, n] = moved(before[rows, n])
        yield y


def _mover(matrix: csr_array, time: float) -> Callable[[ComplexArray], ComplexArray]:
    """exp(time matrix) on vectors, many times over."""
    if matrix.shape[0] > _DENSE:
        return lambda vector: krylov_exponential(matrix, vector, time)
    with np.errstate(over="ignore", invalid="ignore"):
        whole = expm(time * matrix.toarray())

    def moved(vector: ComplexArray) -> ComplexArray:
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.asarray(whole @ vector)
        _length(found)
        return found

    return moved


def _length(vectors: ComplexArray) -> float:
    """Norm; refused where it says that nothing holds the motion."""
    length = float(np.linalg.norm(vectors))
    if not length <= _GROWN:
        raise ConvergenceError(
            "the hierarchy grows without bound: it has too few levels for noise this strong"
        )
    return length


def krylov_exponential(
    matrix: csr_array, vector: ComplexArray, time: float, halvings: int = 0
) -> ComplexArray:
    """exp(time matrix) vector in a Krylov space, grown until its error estimate is round-off.

    The hierarchy is stiff but damped, so the space needs about the root of the number of products
    that a Taylor series takes (Hochbruck and Lubich 1997).
    """
    size = min(_KRYLOV, len(vector))
    length = _length(vector)
    if length == 0.0:
        return vector
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
            rounding = min(10 * EPSILON * (1 + float(np.linalg.norm(inner, 1))), _LARGEST_ERROR)
            if closed or abs(weights[m]) <= rounding * np.abs(weights).max():
                return np.asarray(length * (weights @ basis[: m + 1]))
    if halvings == _MOST_HALVINGS:
        raise ConvergenceError(
            f"the hierarchy does not move on in steps of {time:.2g}: it is too stiff, or too "
            "shallow for noise this strong"
        )
    half = krylov_exponential(matrix, vector, 0.5 * time, halvings + 1)
    return krylov_exponential(matrix, half, 0.5 * time, halvings + 1)
