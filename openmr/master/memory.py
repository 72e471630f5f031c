"""Equations with memory, from baths whose correlations are sums of exponentials.

Second order, for any H(t), A(t) and pulses [MeierTannor1999]: each exponent has one operator M_kj,

    dM_kj/dt = -i [H, M_kj] - nu_k M_kj + A_j,   Lambda_i = sum_kj c_kij M_kj + delta_ij A_j,
    d rho/dt = -i [H, rho] + sum_i { [Lambda_i rho, A_i^dag] + h.c. }.

Fourth order: the hierarchy of auxiliary operators w rho on the manifold where they follow rho,

    w1_k' = (L - nu_k) w1_k + D_k - w1_k L,
    w2_kl' = (L - nu_k - nu_l) w2_kl + D_l w1_k + D_k w1_l - w2_kl L,
    w3_k' = (L - nu_k) w3_k + sum_l U_l w2_kl - w3_k L - w1_k K2,
    K = L + K2 + K4,   K2 = sum_k U_k w1_k,   K4 = sum_k U_k w3_k,

with U = -i [A, .] and D = -i (c A . - c~ . A), where c~ are the coefficients of the conjugate of C.
Inside, energies are in units of the largest of the system, and operators are of order one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from qutip import Qobj, QobjEvo

from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError, SizeError
from openmr._qutip import exact_arithmetic
from openmr.bath.exponential_sums import Exponents
from openmr.master.markov import Generator, Part, collapse_part, merged
from openmr.master.motion import integrated
from openmr.master.open_system import Coupling, OpenSystem, check_hermitian, operator_at
from openmr.master.panels import dress, groups, of_tables

SETTLED = 37.0
"""Decay times of the slowest exponent, after which 1e-16 of it is left."""
MOST_BYTES = 2 * 2**30
"""Largest fourth-order equation or hierarchy that is built."""
FINE, _FOURTH = 1e-8, 1e-5
"""Error of the exponents in second order, where one more costs little, and in fourth, where in the
long run of a constant system it enters the fourth order alone."""
FASTEST = {"tcl2": 100.0, "tcl4": 30.0}
"""Noise above so many times the largest frequency is white where memory is integrated in time."""
_COARSE = 0.03
"""Error of the exponents that tell the size of a bath's frequencies."""
_IDLE = 0.5
"""Share of an exponent in the noise, over the error of all, below which it is left out."""

_Places = NDArray[np.intp]
_Matrices = Callable[[float], ComplexArray]


# --- an open system in exponentials --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Reservoir:
    """One bath in exponentials, and what it takes hold of."""

    coupling: Coupling  # as given
    operators: _Matrices  # A_j at a time, (n, d, d), divided by `size`
    size: float  # largest element of the operators as given
    coefficients: ComplexArray  # c of C(t), (k, n, n)
    partners: ComplexArray  # c~ of its conjugate, at the same rates
    rates: ComplexArray  # nu (k,), each with its conjugate
    delta: ComplexArray  # half of the white noise beside the exponentials, (n, n)
    uncertainty: float  # of the exponents, over the largest of the spectrum


@dataclass(frozen=True, eq=False)
class Scaled:
    """An open system as matrices of time, in units of its own."""

    system: OpenSystem  # as given
    unit: float  # energy that energies and inverse times are divided by
    hamiltonian: _Matrices  # H (d, d) at a time
    jumps: _Matrices  # collapse operators (n, d, d) at a time, in the unit as given
    reservoirs: tuple[_Reservoir, ...]  # one for each coupling
    whole: bool  # the exponents are to hold all of the noise; else what is left of it is white

    def white(self, time: float) -> list[Part]:
        """Share of each coupling's noise beside the exponents, as if it were white.

        In a constant system it is all that second order still lacks in the long run: exponents that
        are few are then wrong at fourth order alone.
        """
        system, found = self.system, []
        for r in self.reservoirs:
            a = r.operators(time)
            dressed = np.einsum("ij,jmn->imn", r.delta, a)
            if system.constant and not self.whole:
                w = system.bohr[1]
                decay = r.rates - 1j * w[:, None] / self.unit
                table = np.reshape(r.coupling.bath.half_sided(w), (-1, *r.delta.shape))
                table = table * (r.size**2 / self.unit)
                table = table - np.einsum("kij,wk->wij", r.coefficients, 1 / decay)
                dressed = dress(system, table, a)
            found.append(Part(dressed, a, np.zeros_like(a[0])))
        return found

    def total(self, time: float, parts: Sequence[Part]) -> Part:
        """These parts of the couplings with H and the collapse operators, as one."""
        h, jumps = self.hamiltonian(time), self.jumps(time)
        return merged([Part(0.5 / self.unit * jumps, jumps, np.zeros_like(h)), *parts], h)

    def free(self, time: float) -> ComplexArray:
        """-i [H, .], the collapse operators and the white noise, (d^2, d^2)."""
        return self.total(time, self.white(time)).matrix()

    def refuse_leads(self, method: str, instead: str) -> None:
        """Raise for couplings that are not Hermitian."""
        for c in self.system.couplings:
            if c.bath.conserving:
                raise ParameterError(
                    f"`method` {method!r} takes baths with Hermitian couplings, got a lead in "
                    f"coupling {c.index}; use {instead!r}"
                )

    @property
    def settled(self) -> float:
        """Time after which no exponent is left; 0 without a bath."""
        rates = [float(r.rates.real.min()) for r in self.reservoirs if len(r.rates)]
        return SETTLED / min(rates) if rates else 0.0


def scaled(system: OpenSystem, rtol: float, start: float = 0.0, *, reach: float = np.inf) -> Scaled:
    """The system with its baths in exponentials to `rtol`, in units of its largest energy.

    Above `reach` times the largest frequency of the system at `start`, or of the most of a bath's
    noise where that is more, the noise counts as white.
    """
    first = system.at(start)
    largest = float(np.ptp(first.energies)) if np.isfinite(reach) else np.inf
    found = []
    for c in system.couplings:
        highest = reach * max(largest, _typical(c)) if np.isfinite(reach) else np.inf
        found.append((c, _weighty(c.bath.exponents(rtol, highest), rtol)))
    energies = [float(np.abs(e.rates).min()) for _, e in found if len(e.rates)]
    energies += [float(np.abs(op.full()).max() ** 2) for op in first.collapse]
    unit = max([float(np.abs(first.hamiltonian.full()).max()), *energies]) or 1.0
    none = np.zeros((0, system.dimension, system.dimension), dtype=complex)
    hamiltonian = matrices([system.hamiltonian], unit, "hamiltonian", hermitian=True)
    return Scaled(
        system=system,
        unit=unit,
        hamiltonian=lambda time: hamiltonian(time)[0] / unit,
        jumps=matrices(system.collapse, unit, "collapse", hermitian=False)
        if system.collapse
        else lambda _: none,
        reservoirs=tuple(_reservoir(c, e, unit, start) for c, e in found),
        whole=not np.isfinite(reach),
    )


def _weights(exponents: Exponents) -> Array:
    """Share of each exponent in the noise, (k,)."""
    sizes = np.abs(np.reshape(exponents.coefficients, (len(exponents.rates), -1)))
    return np.asarray(sizes.max(axis=1, initial=0.0) / np.abs(exponents.rates.real))


def _weighty(exponents: Exponents, rtol: float) -> Exponents:
    """Without what a fit needs to follow its own noise, which would be remembered for very long."""
    weights = _weights(exponents)
    kept = weights > _IDLE * rtol * weights.max(initial=0.0)
    return replace(
        exponents, rates=exponents.rates[kept], coefficients=exponents.coefficients[kept]
    )


def _typical(coupling: Coupling) -> float:
    """Rate of the exponent with the largest share of the noise."""
    coarse = coupling.bath.exponents(_COARSE)
    return float(np.abs(coarse.rates[np.argmax(_weights(coarse))])) if len(coarse.rates) else 0.0


def matrices(
    operators: Sequence[Qobj | QobjEvo], unit: float, name: str, *, hermitian: bool
) -> _Matrices:
    """Operators as a function of time in units of 1 / `unit`, (n, d, d), checked at every time."""
    if all(isinstance(op, Qobj) for op in operators):
        fixed = np.stack([op.full() for op in operators])
        return lambda _: fixed

    def at(time: float) -> ComplexArray:
        with exact_arithmetic():
            now = [operator_at(name, op, time / unit) for op in operators]
        found, where = np.stack([op.full() for op in now]), f" at t = {time / unit:.4g}"
        if not np.isfinite(found).all():
            raise ParameterError(f"`{name}` must be finite, got NaN or infinity{where}")
        if hermitian:
            for op in now:
                check_hermitian(name, op, where)
        return found

    return at


def _reservoir(coupling: Coupling, exponents: Exponents, unit: float, start: float) -> _Reservoir:
    at = matrices(
        coupling.operators,
        unit,
        f"couplings[{coupling.index}]",
        hermitian=not coupling.bath.conserving,
    )
    size = float(np.abs(at(unit * start)).max()) or 1.0
    n = len(coupling.operators)
    rates: ComplexArray = np.asarray(exponents.rates / unit, dtype=complex)
    coefficients = np.reshape(exponents.coefficients, (-1, n, n)) * (size / unit) ** 2
    alone = ~(np.abs(rates[:, None] - rates.conj()) <= 1e-10 * np.abs(rates)).any(axis=1)
    rates = np.asarray(np.concatenate([rates, rates[alone].conj()]))
    coefficients = np.concatenate([coefficients, np.zeros_like(coefficients[alone])])
    partner = [int(np.argmin(np.abs(nu - rates.conj()))) for nu in rates]
    delta: ComplexArray = np.asarray(exponents.delta, dtype=complex)
    return _Reservoir(
        coupling=coupling,
        operators=lambda time: at(time) / size,
        size=size,
        coefficients=coefficients,
        partners=coefficients[partner].conj(),
        rates=rates,
        delta=delta.reshape(n, n) * (size**2 / unit),
        uncertainty=float(exponents.uncertainty),
    )


def left(matrix: ComplexArray) -> ComplexArray:
    """Superoperator X . of a matrix (..., d, d), columns stacked."""
    return np.asarray(np.kron(np.eye(matrix.shape[-1]), matrix))


def right(matrix: ComplexArray) -> ComplexArray:
    """Superoperator . X of a matrix (..., d, d), columns stacked."""
    return np.asarray(np.kron(matrix.swapaxes(-1, -2), np.eye(matrix.shape[-1])))


# --- second order --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SecondOrder:
    """The operators M_kj of all exponents as one vector, and what they do to a state."""

    problem: Scaled

    def start(self, time: float = 0.0) -> ComplexArray:
        """Nothing is remembered at a time."""
        size = sum(len(r.rates) * len(r.delta) for r in self.problem.reservoirs)
        return np.zeros(size * self.problem.system.dimension**2, dtype=complex)

    def _split(self, memory: ComplexArray) -> Iterator[tuple[_Reservoir, ComplexArray]]:
        d, first = self.problem.system.dimension, 0
        for r in self.problem.reservoirs:
            last = first + len(r.rates) * len(r.delta) * d * d
            yield r, memory[first:last].reshape(len(r.rates), len(r.delta), d, d)
            first = last

    def change(self, time: float, memory: ComplexArray) -> ComplexArray:
        """dM/dt."""
        h = self.problem.hamiltonian(time)
        return _joined(
            r.operators(time) - 1j * (h @ m - m @ h) - r.rates[:, None, None, None] * m
            for r, m in self._split(memory)
        )

    def kicked(self, time: float, memory: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """M after a pulse, P M P^dag."""
        return _joined(pulse @ m @ pulse.conj().T for _, m in self._split(memory))

    def parts(self, time: float, memory: ComplexArray) -> list[Part]:
        """Lambda_i and A_i of each reservoir."""
        return [
            replace(white, dressed=white.dressed + np.einsum("kij,kjmn->imn", r.coefficients, m))
            for (r, m), white in zip(self._split(memory), self.problem.white(time), strict=True)
        ]

    def act(self, time: float, memory: ComplexArray, columns: ComplexArray) -> ComplexArray:
        """Rate of change of columns (d^2, n)."""
        d = self.problem.system.dimension
        rho = columns.T.reshape(-1, d, d).swapaxes(-1, -2)
        found = self.problem.total(time, self.parts(time, memory)).apply(rho)
        return found.swapaxes(-1, -2).reshape(-1, d * d).T


@dataclass(frozen=True, eq=False)
class ConstantSecondOrder(SecondOrder):
    """The same where nothing depends on time: M(t) in closed form between eigenstates of H.

    The vector is a time and the M then, and stands still between pulses.
    """

    def start(self, time: float = 0.0) -> ComplexArray:
        """Nothing is remembered at a time."""
        return np.append(time, super().start())

    @cached_property
    def _tables(self) -> list[tuple[ComplexArray, ComplexArray]]:
        """Decay of each element of M, and M in the long run."""
        system = self.problem.system
        gaps = (system.energies - system.energies[:, None]) / self.problem.unit
        decays = [r.rates[:, None, None, None] - 1j * gaps for r in self.problem.reservoirs]
        return [
            (decay, system.in_eigenbasis(r.operators(0.0)) / decay)
            for decay, r in zip(decays, self.problem.reservoirs, strict=True)
        ]

    def _now(self, time: float, memory: ComplexArray) -> ComplexArray:
        """M at a time."""
        turn, back = self.problem.system.in_eigenbasis, self.problem.system.from_eigenbasis
        lapse, inside = time - memory[0].real, self._split(memory[1:])
        pairs = [(turn(m), *table) for (_, m), table in zip(inside, self._tables, strict=True)]
        return _joined(back(m + np.expm1(-decay * lapse) * (m - end)) for m, decay, end in pairs)

    def change(self, time: float, memory: ComplexArray) -> ComplexArray:
        """No change of what is noted."""
        return np.zeros_like(memory)

    def kicked(self, time: float, memory: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """M after a pulse, P M P^dag, and the time of it."""
        return np.append(time, super().kicked(time, self._now(time, memory), pulse))

    def parts(self, time: float, memory: ComplexArray) -> list[Part]:
        """Lambda_i and A_i of each reservoir."""
        return super().parts(time, self._now(time, memory))


def _joined(pieces: Iterable[ComplexArray]) -> ComplexArray:
    return np.concatenate([np.zeros(0, dtype=complex), *(piece.ravel() for piece in pieces)])


def tcl2_generator(
    system: OpenSystem,
    time: float = np.inf,
    *,
    level_shift: bool = True,
    resolution: float | None = None,
) -> Generator:
    """Generator of second order a time after a product state [BreuerPetruccione].

    At an infinite time it is "redfield". Where H or A depend on time, every bath needs exponents.
    With a `resolution` only terms within groups of Bohr frequencies are kept, with one transform
    each, which in the long run is positive.
    """
    if system.constant:
        w = groups(system, resolution)[1]
        whole = level_shift or np.isfinite(time)
        tables = [
            c.bath.half_sided(w, time) if whole else 0.5 * c.bath.spectrum(w)
            for c in system.couplings
        ]
        return of_tables(system, tables, time, level_shift, resolution)
    if resolution is not None or not level_shift:
        raise ParameterError(
            "`resolution` and `level_shift=False` do not go with 'tcl2' where H or A depend on time"
        )
    second = SecondOrder(scaled(system, FINE))
    unit, now = second.problem.unit, system.at(time)
    memory = integrated(second.change, second.start(), unit * np.array([0.0, time]))[-1]
    parts = second.parts(unit * time, memory)
    each = zip(parts, second.problem.reservoirs, now.couplings, strict=True)
    pieces = [Part(part.dressed * (unit / r.size), c.matrices, part.shift) for part, r, c in each]
    return Generator(now, "tcl2", (*pieces, *collapse_part(now)), time=time)


# --- fourth order --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FourthOrder:
    """w1, w2 and w3 of all exponents, of order one, and what they do to a state.

    With e the largest coefficient, w1 is in units of e, w2 and w3 of e^2, K2 of e, K4 of e^2.
    """

    problem: Scaled

    def __post_init__(self) -> None:
        self.problem.refuse_leads("tcl4", "tcl2")
        d, k = self.problem.system.dimension, len(self.rates)
        needed = 16.0 * float(d) ** 4 * (k * (k + 1) // 2 + 6 * k + 8)
        if needed > MOST_BYTES:
            raise SizeError(
                f"`method` 'tcl4' of {d} levels with {k} exponents would take "
                f"{needed / 2**30:.3g} GiB, allowed {MOST_BYTES / 2**30:g} GiB; "
                "use 'tcl2' or 'universal'"
            )

    @cached_property
    def rates(self) -> ComplexArray:
        """Decay nu of each exponent of each component, (k,)."""
        found = [np.repeat(r.rates, r.delta.shape[0]) for r in self.problem.reservoirs]
        return np.concatenate([np.zeros(0, dtype=complex), *found])

    @cached_property
    def strength(self) -> float:
        """Largest coefficient, or 1."""
        sizes = [np.abs(r.coefficients).max(initial=0.0) for r in self.problem.reservoirs]
        return float(max(sizes, default=0.0)) or 1.0

    def operators(self, time: float) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        """L (d^2, d^2) with the white noise, U and D / e of each exponent (k, d^2, d^2)."""
        return self._fixed if self.problem.system.constant else self._operators(time)

    @cached_property
    def _fixed(self) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        return self._operators(0.0)

    def _operators(self, time: float) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        free = self.problem.free(time)
        outer, inner = [np.zeros((0, *free.shape), complex)], [np.zeros((0, *free.shape), complex)]
        for r in self.problem.reservoirs:
            a = r.operators(time)
            both = np.einsum("kij,jab->kiab", r.coefficients, left(a))
            both -= np.einsum("kij,jab->kiab", r.partners, right(a))
            inner.append(-1j / self.strength * both.reshape(-1, *free.shape))
            outer.append(np.tile(-1j * (left(a) - right(a)), (len(r.rates), 1, 1)))
        return free, np.concatenate(outer), np.concatenate(inner)

    @cached_property
    def _pairs(self) -> tuple[_Places, _Places, _Places]:
        """Exponents of each pair, and the place of a pair among them (k, k)."""
        k = len(self.rates)
        one, other = np.tril_indices(k)
        place = np.zeros((k, k), dtype=int)
        place[one, other] = place[other, one] = np.arange(len(one))
        return one, other, place

    def start(self, time: float = 0.0) -> ComplexArray:
        """Nothing is remembered at a time."""
        k, d = len(self.rates), self.problem.system.dimension
        return np.zeros((2 * k + k * (k + 1) // 2) * d**4, dtype=complex)

    def _split(self, memory: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        k, size = len(self.rates), self.problem.system.dimension**2
        w = memory.reshape(-1, size, size)
        return w[:k], w[k:-k] if k else w, w[len(w) - k :]

    def _crossed(self, inner: ComplexArray, w1: ComplexArray) -> ComplexArray:
        """The share of w1 in the change of w2."""
        one, other, _ = self._pairs
        return np.asarray(inner[other] @ w1[one] + inner[one] @ w1[other])

    def _sources(self, outer: ComplexArray, w1: ComplexArray, w2: ComplexArray) -> ComplexArray:
        """The share of w1 and w2 in the change of w3."""
        place = self._pairs[2]
        loops = sum((u @ w2[row] for u, row in zip(outer, place, strict=True)), np.zeros_like(w1))
        return np.asarray(loops - w1 @ (outer @ w1).sum(axis=0))

    def change(self, time: float, memory: ComplexArray) -> ComplexArray:
        """Derivatives of w1, w2 and w3."""
        free, outer, inner = self.operators(time)
        one, other, _ = self._pairs
        nu = self.rates[:, None, None]
        w1, w2, w3 = self._split(memory)
        terms = (
            (w1, nu, inner),
            (w2, nu[one] + nu[other], self._crossed(inner, w1)),
            (w3, nu, self._sources(outer, w1, w2)),
        )
        return _joined(free @ w - w @ free - decay * w + source for w, decay, source in terms)

    def kicked(self, time: float, memory: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """All w after a pulse."""
        turn = np.kron(pulse.conj(), pulse)
        return np.asarray((turn @ memory.reshape(-1, *turn.shape) @ turn.conj().T).ravel())

    def fourth(self, time: float, memory: ComplexArray) -> list[ComplexArray]:
        """K4 of each coupling."""
        return self._by_coupling(self.operators(time)[1] @ self._split(memory)[2])

    def _by_coupling(self, terms: ComplexArray) -> list[ComplexArray]:
        ends = np.cumsum([len(r.rates) * len(r.delta) for r in self.problem.reservoirs])
        pieces = np.split(terms, ends[:-1]) if len(ends) else []
        return [self.strength**2 * piece.sum(axis=0) for piece in pieces]

    def act(self, time: float, memory: ComplexArray, columns: ComplexArray) -> ComplexArray:
        """Rate of change of columns (d^2, n)."""
        free, outer, _ = self.operators(time)
        w1, _, w3 = self._split(memory)
        total = free + (outer @ (self.strength * w1 + self.strength**2 * w3)).sum(axis=0)
        return np.asarray(total @ columns)

    def asymptotic(self) -> list[ComplexArray]:
        """K4 of each coupling in the long run, element by element between modes of L.

        `ConvergenceError` where a mode of L decays faster than the bath forgets.
        """
        free, outer, inner = self.operators(0.0)
        values, modes, back = _modes(free)
        outer, inner = back @ outer @ modes, back @ inner @ modes
        nu, gaps = self.rates[:, None, None], values[:, None] - values
        if len(nu) and float((nu - gaps).real.min()) <= 0:
            raise ConvergenceError(
                "'tcl4' has no long-time limit: `collapse` operators act faster than the slowest "
                f"exponent of the baths decays ({nu.real.min() * self.problem.unit:.3g}); give a "
                "`time`"
            )
        one, other, _ = self._pairs
        w1 = inner / (nu - gaps)
        w2 = self._crossed(inner, w1) / (nu[one] + nu[other] - gaps)
        w3 = self._sources(outer, w1, w2) / (nu - gaps)
        return self._by_coupling(modes @ (outer @ w3) @ back)


def _modes(free: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Eigenvalues of L, eigenvectors and their inverse; unitary ones where nothing decays."""
    if np.allclose(free, -free.conj().T, rtol=0.0, atol=1e-15):
        energies, modes = np.linalg.eigh(1j * free)
        return -1j * energies, modes, modes.conj().T
    values, modes = np.linalg.eig(free)
    if np.linalg.cond(modes) > 1e8:
        raise ConvergenceError(
            "'tcl4' has no long-time limit element by element: the modes of H and `collapse` "
            "coincide; give a `time`"
        )
    return values, modes, np.linalg.inv(modes)


def tcl4_generator(system: OpenSystem, time: float = np.inf) -> Generator:
    """Generator of fourth order a time after a product state [BreuerPetruccione].

    Of baths with exponents and Hermitian couplings; a part's `rest` is its fourth order.
    `ConvergenceError` if there is no long-time limit.
    """
    # in time, what is much faster than the system counts as white: it would take ever smaller steps
    reach = FASTEST["tcl4"] if np.isfinite(time) else np.inf
    equation = FourthOrder(scaled(system, _FOURTH, reach=reach))
    unit, now = equation.problem.unit, system.at(time)
    if np.isfinite(time):
        marks = unit * np.array([0.0, time])
        memory = integrated(equation.change, equation.start(), marks)[-1]
        fourth = equation.fourth(unit * time, memory)
    else:
        fourth = equation.asymptotic()
    second = tcl2_generator(system, time).pieces
    pieces = [replace(part, rest=unit * rest) for part, rest in zip(second, fourth, strict=False)]
    return Generator(now, "tcl4", (*pieces, *second[len(fourth) :]), time=time)
