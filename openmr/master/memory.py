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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qutip import Qobj, QobjEvo
from scipy.integrate import solve_ivp

from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError, SizeError
from openmr._qutip import exact_arithmetic
from openmr.bath.exponential_sums import Exponents
from openmr.master.markov import Generator, Part, collapse_part
from openmr.master.open_system import Coupling, OpenSystem
from openmr.master.panels import dress, groups, of_tables

RTOL, ATOL = 1e-10, 1e-12
"""Errors of a step in time, for states and for memories that are both of order one."""
SETTLED = 37.0
"""Decay times of the slowest exponent, after which 1e-16 of it is left."""
MOST_BYTES = 2 * 2**30
"""Largest fourth-order equation or hierarchy that is built."""
FINE = 1e-8
"""Error of the exponents in second order, where one more costs little."""
_COARSE = 0.03
"""Error of the exponents that tell the size of a bath's frequencies."""

_IDLE = 0.5
"""Share of an exponent in the noise, over the error of all, below which it is left out."""

_Places = NDArray[np.intp]
_Matrices = Callable[[float], ComplexArray]


# --- an open system in exponentials --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Reservoir:
    """One bath in exponentials, and what it takes hold of.

    Attributes
    ----------
    coupling : Coupling
        As given.
    operators : callable
        A_j at a time, (n, d, d), divided by `size`.
    size : float
        Largest element of the operators as given.
    coefficients, partners : complex array (k, n, n)
        c of C(t), and c~ of its conjugate, at the same rates.
    rates : complex array (k,)
        nu, each with its conjugate.
    delta : complex array (n, n)
        Half of the white noise beside the exponentials.
    uncertainty : float
        Of the exponents, relative to the largest of the spectrum.
    """

    coupling: Coupling
    operators: _Matrices
    size: float
    coefficients: ComplexArray
    partners: ComplexArray
    rates: ComplexArray
    delta: ComplexArray
    uncertainty: float


@dataclass(frozen=True, eq=False)
class Scaled:
    """An open system as matrices of time, in units of its own.

    Attributes
    ----------
    system : OpenSystem
        As given.
    unit : float, unit of energy
        What energies and inverse times are divided by.
    hamiltonian, lindblad : callable
        H (d, d) and the superoperator (d^2, d^2) of the collapse operators at a time, columns of
        rho stacked.
    reservoirs : tuple of _Reservoir
        One for each coupling.
    whole : bool
        Whether the exponents are to hold all of the noise; otherwise what is left of it is white.
    """

    system: OpenSystem
    unit: float
    hamiltonian: _Matrices
    lindblad: _Matrices
    reservoirs: tuple[_Reservoir, ...]
    whole: bool

    def liouvillian(self, time: float) -> ComplexArray:
        """-i [H, .] and the collapse operators at a time, (d^2, d^2)."""
        return np.asarray(-1j * commutator(self.hamiltonian(time)) + self.lindblad(time))

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
                exact = np.reshape(r.coupling.bath.half_sided(w), (-1, *r.delta.shape))
                table = exact * (r.size**2 / self.unit)
                dressed = dress(system, table - _summed(r.coefficients, 1 / decay), a)
            found.append(Part(dressed, a, np.zeros_like(a[0])))
        return found

    def free(self, time: float) -> ComplexArray:
        """`liouvillian` with the white noise."""
        found = self.liouvillian(time)
        return sum((part.matrix() for part in self.white(time) if part.dressed.any()), found)

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

    def lindblad(time: float) -> ComplexArray:
        part = collapse_part(system.at(time / unit))
        zero = np.zeros((system.dimension**2,) * 2, dtype=complex)
        return np.asarray(part[0].matrix() / unit if part else zero)

    fixed = lindblad(unit * start)
    constant = all(isinstance(op, Qobj) for op in system.collapse)
    hamiltonian = matrices([system.hamiltonian], unit)
    return Scaled(
        system=system,
        unit=unit,
        hamiltonian=lambda time: hamiltonian(time)[0] / unit,
        lindblad=(lambda _: fixed) if constant else lindblad,
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


def matrices(operators: Sequence[Qobj | QobjEvo], unit: float) -> _Matrices:
    """Operators as a function of time in units of 1 / `unit`, (n, d, d)."""
    if all(isinstance(op, Qobj) for op in operators):
        fixed = np.stack([op.full() for op in operators])
        return lambda _: fixed

    def at(time: float) -> ComplexArray:
        with exact_arithmetic():
            now = [op if isinstance(op, Qobj) else op(time / unit) for op in operators]
        return np.stack([op.full() for op in now])

    return at


def _reservoir(coupling: Coupling, exponents: Exponents, unit: float, start: float) -> _Reservoir:
    at = matrices(coupling.operators, unit)
    size = float(np.abs(at(unit * start)).max()) or 1.0
    n = len(coupling.operators)
    rates: ComplexArray = np.asarray(exponents.rates / unit, dtype=complex)
    given = np.reshape(exponents.coefficients, (-1, n, n))
    coefficients = given * (size / unit) ** 2 if size < unit else (given * size**2) / unit**2
    near = np.abs(rates[:, None] - rates.conj()) <= 1e-10 * np.abs(rates)
    alone = ~near.any(axis=1)
    rates = np.asarray(np.concatenate([rates, rates[alone].conj()]))
    coefficients = np.concatenate([coefficients, np.zeros_like(coefficients[alone])])
    apart = np.abs(rates[:, None] - rates.conj())
    partner = np.argmin(apart, axis=1) if len(rates) else np.zeros(0, dtype=int)
    delta: ComplexArray = np.asarray(exponents.delta, dtype=complex)
    delta = delta if delta.shape == (n, n) else delta * np.eye(n)
    return _Reservoir(
        coupling=coupling,
        operators=lambda time: at(time) / size,
        size=size,
        coefficients=coefficients,
        partners=coefficients[partner].conj(),
        rates=rates,
        delta=np.asarray(delta * size**2 / unit),
        uncertainty=float(exponents.uncertainty),
    )


def commutator(matrix: ComplexArray) -> ComplexArray:
    """[X, .] as a superoperator (..., d^2, d^2), columns stacked."""
    return left(matrix) - right(matrix)


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

    @cached_property
    def _shapes(self) -> list[tuple[int, ...]]:
        d = self.problem.system.dimension
        return [(len(r.rates), r.delta.shape[0], d, d) for r in self.problem.reservoirs]

    def start(self) -> ComplexArray:
        """Nothing is remembered."""
        return np.zeros(sum(int(np.prod(shape)) for shape in self._shapes), dtype=complex)

    def _split(self, memory: ComplexArray) -> list[ComplexArray]:
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        pieces = np.split(memory, ends[:-1]) if len(ends) else []
        return [piece.reshape(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]

    def change(self, time: float, memory: ComplexArray) -> ComplexArray:
        """dM/dt."""
        h = self.problem.hamiltonian(time)
        out = [np.zeros(0, dtype=complex)]
        for r, m in zip(self.problem.reservoirs, self._split(memory), strict=True):
            new = r.operators(time) - 1j * (h @ m - m @ h) - r.rates[:, None, None, None] * m
            out.append(new.ravel())
        return np.concatenate(out)

    def kicked(self, memory: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """M after a pulse, P M P^dag."""
        pieces = [(pulse @ m @ pulse.conj().T).ravel() for m in self._split(memory)]
        return np.concatenate([np.zeros(0, dtype=complex), *pieces])

    def dressed(self, time: float, memory: ComplexArray) -> list[ComplexArray]:
        """Lambda_i of each reservoir, (n, d, d)."""
        return [
            np.einsum("kij,kjmn->imn", r.coefficients, m)
            + np.einsum("ij,jmn->imn", r.delta, r.operators(time))
            for r, m in zip(self.problem.reservoirs, self._split(memory), strict=True)
        ]

    def act(self, time: float, memory: ComplexArray, rho: ComplexArray) -> ComplexArray:
        """Rate of change of matrices rho (..., d, d)."""
        h = -1j * self.problem.hamiltonian(time)
        out = h @ rho - rho @ h
        for r, rows in zip(self.problem.reservoirs, self.dressed(time, memory), strict=True):
            for x, y in zip(rows, r.operators(time), strict=True):
                ahead, back = x @ rho, rho @ x.conj().T
                adjoint = y.conj().T
                out = out + ahead @ adjoint - adjoint @ ahead + y @ back - back @ y
        if self.problem.system.collapse:
            d = rho.shape[-1]
            flat = rho.swapaxes(-1, -2).reshape(-1, d * d) @ self.problem.lindblad(time).T
            out = out + flat.reshape(*rho.shape[:-2], d, d).swapaxes(-1, -2)
        return np.asarray(out)


@dataclass(frozen=True, eq=False)
class ConstantSecondOrder(SecondOrder):
    """The same where nothing depends on time: M(t) in closed form between eigenstates of H."""

    @cached_property
    def _tables(self) -> list[tuple[ComplexArray, ComplexArray]]:
        """A between eigenstates, and the decay of each element of M."""
        system = self.problem.system
        gaps = (system.energies - system.energies[:, None]) / self.problem.unit
        return [
            (system.in_eigenbasis(r.operators(0.0)), r.rates[:, None, None, None] - 1j * gaps)
            for r in self.problem.reservoirs
        ]

    def later(self, memory: ComplexArray, lapse: float) -> ComplexArray:
        """M after a lapse of time, all M between eigenstates of H."""
        pieces = [np.zeros(0, dtype=complex)]
        for (a, decay), m in zip(self._tables, self._split(memory), strict=True):
            grown = np.expm1(-decay * lapse)
            pieces.append((m + grown * (m - a / decay)).ravel())
        return np.concatenate(pieces)

    def limit(self) -> ComplexArray:
        """M in the long run."""
        found = [(a / decay).ravel() for a, decay in self._tables]
        return np.concatenate([np.zeros(0, dtype=complex), *found])

    def kicked(self, memory: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """M after a pulse."""
        return super().kicked(memory, self.problem.system.in_eigenbasis(pulse))

    def dressed(self, time: float, memory: ComplexArray) -> list[ComplexArray]:
        """Lambda_i of each reservoir, in the basis of H as given."""
        found = []
        for r, m in zip(self.problem.reservoirs, self._split(memory), strict=True):
            inside = np.einsum("kij,kjmn->imn", r.coefficients, m)
            white = np.einsum("ij,jmn->imn", r.delta, r.operators(time))
            found.append(self.problem.system.from_eigenbasis(inside) + white)
        return found


def tcl2_generator(
    system: OpenSystem,
    time: float = np.inf,
    *,
    level_shift: bool = True,
    resolution: float | None = None,
) -> Generator:
    """Generator of second order a time after a product state [BreuerPetruccione].

    Parameters
    ----------
    system : OpenSystem
        With an H or A that depend on time, every bath needs exponents.
    time : float, inverse unit of energy
        Since system and baths were uncorrelated, at time 0; infinite is "redfield".
    level_shift : bool
        Keep the anti-Hermitian part of the transforms.
    resolution : float, inverse unit of energy, optional
        Keep only terms within groups of Bohr frequencies 1 / `resolution` wide, with one transform
        each, which in the long run is positive; None keeps every term.

    Returns
    -------
    Generator
        At that time.

    Raises
    ------
    ParameterError
        For an infinite time where H or A depend on it, and there without a level shift.
    """
    if system.constant:
        w = groups(system, resolution)[1]
        whole = level_shift or np.isfinite(time)
        tables = [
            c.bath.half_sided(w, time) if whole else 0.5 * c.bath.spectrum(w)
            for c in system.couplings
        ]
        return of_tables(system, tables, time, level_shift, resolution)
    _needs_time(system, time, level_shift)
    if resolution is not None:
        raise ParameterError("`resolution` does not go with 'tcl2' where H or A depend on time")
    problem = scaled(system, FINE)
    second = SecondOrder(problem)
    end = problem.unit * time
    memory = _integrated(second.change, second.start(), end)
    now = system.at(time)
    pieces = [
        _part(r, x, now, problem.unit)
        for r, x in zip(problem.reservoirs, second.dressed(end, memory), strict=True)
    ]
    return Generator(now, "tcl2", (*pieces, *collapse_part(now)), time=time)


def _needs_time(system: OpenSystem, time: float, level_shift: bool) -> None:
    if not system.constant and not np.isfinite(time):
        raise ParameterError("`time` must be given and finite where H or A depend on time, got inf")
    if not level_shift:
        raise ParameterError(
            "`level_shift` must be True for 'tcl4', and for 'tcl2' where H or A depend on time: "
            "it is no separate term there"
        )


def _summed(coefficients: ComplexArray, weights: Any) -> ComplexArray:
    return np.asarray(np.einsum("kij,wk->wij", coefficients, weights))


def _part(reservoir: _Reservoir, dressed: ComplexArray, now: OpenSystem, unit: float) -> Part:
    operators = now.couplings[reservoir.coupling.index].matrices
    return Part(dressed * (unit / reservoir.size), operators, np.zeros_like(operators[0]))


def _integrated(
    change: Callable[[float, ComplexArray], ComplexArray], start: ComplexArray, end: float
) -> ComplexArray:
    if not len(start) or end == 0:
        return start
    found = solve_ivp(change, (0.0, end), start, method="DOP853", rtol=RTOL, atol=ATOL)
    if not found.success:
        raise ConvergenceError(f"the memory could not be integrated: {found.message}")
    return np.asarray(found.y[:, -1])


# --- fourth order --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FourthOrder:
    """w1, w2 and w3 of all exponents, of order one, and what they do to a state.

    With e the largest coefficient, w1 is in units of e, w2 and w3 of e^2, K2 of e, K4 of e^2.
    """

    problem: Scaled

    def __post_init__(self) -> None:
        for r in self.problem.reservoirs:
            if r.coupling.bath.conserving:
                raise ParameterError(
                    "`method` 'tcl4' takes baths with Hermitian couplings, got a lead in coupling "
                    f"{r.coupling.index}; use 'tcl2'"
                )
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
    def places(self) -> tuple[tuple[int, int], ...]:
        """Coupling, and component of its operators, of each exponent."""
        return tuple(
            (index, i)
            for index, r in enumerate(self.problem.reservoirs)
            for _ in r.rates
            for i in range(r.delta.shape[0])
        )

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
        size = len(free)
        outer, inner = [np.zeros((0, size, size), complex)], [np.zeros((0, size, size), complex)]
        for r in self.problem.reservoirs:
            a = r.operators(time)
            turn, ahead, back = commutator(a), left(a), right(a)
            both = np.einsum("kij,jab->kiab", r.coefficients, ahead)
            both = both - np.einsum("kij,jab->kiab", r.partners, back)
            inner.append(-1j / self.strength * both.reshape(-1, size, size))
            outer.append(np.tile(-1j * turn, (len(r.rates), 1, 1)))
        return free, np.concatenate(outer), np.concatenate(inner)

    @cached_property
    def _pairs(self) -> tuple[_Places, _Places, _Places]:
        """Exponents of each pair, and the place of a pair among them (k, k)."""
        k = len(self.rates)
        one, other = np.tril_indices(k)
        place = np.zeros((k, k), dtype=int)
        place[one, other] = place[other, one] = np.arange(len(one))
        return one, other, place

    def start(self) -> ComplexArray:
        """Nothing is remembered."""
        k, d = len(self.rates), self.problem.system.dimension
        return np.zeros((2 * k + k * (k + 1) // 2) * d**4, dtype=complex)

    def _split(self, memory: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        k, size = len(self.rates), self.problem.system.dimension**2
        w = memory.reshape(-1, size, size)
        return w[:k], w[k:-k] if k else w, w[len(w) - k :]

    def change(self, time: float, memory: ComplexArray) -> ComplexArray:
        """Derivatives of w1, w2 and w3."""
        free, outer, inner = self.operators(time)
        one, other, place = self._pairs
        w1, w2, w3 = self._split(memory)
        nu = self.rates[:, None, None]
        second = (outer @ w1).sum(axis=0)
        crossed = inner[other] @ w1[one] + inner[one] @ w1[other]
        loops = sum((outer[m] @ w2[place[:, m]] for m in range(len(nu))), np.zeros_like(w1))
        new = (
            free @ w1 - w1 @ free - nu * w1 + inner,
            free @ w2 - w2 @ free - (nu[one] + nu[other]) * w2 + crossed,
            free @ w3 - w3 @ free - nu * w3 + loops - w1 @ second,
        )
        return np.concatenate([piece.ravel() for piece in new])

    def kicked(self, memory: ComplexArray, pulse: ComplexArray) -> ComplexArray:
        """All w after a pulse."""
        turn = np.kron(pulse.conj(), pulse)
        size = len(turn)
        return np.asarray((turn @ memory.reshape(-1, size, size) @ turn.conj().T).ravel())

    def fourth(self, time: float, memory: ComplexArray) -> ComplexArray:
        """K4 of each coupling, (couplings, d^2, d^2)."""
        return self._by_coupling(self.operators(time)[1] @ self._split(memory)[2])

    def _by_coupling(self, terms: ComplexArray) -> ComplexArray:
        found = np.zeros((len(self.problem.reservoirs), *terms.shape[1:]), dtype=complex)
        np.add.at(found, [index for index, _ in self.places], self.strength**2 * terms)
        return found

    def act(self, time: float, memory: ComplexArray, rho: ComplexArray) -> ComplexArray:
        """Rate of change of matrices rho (..., d, d)."""
        free, outer, _ = self.operators(time)
        w1, _, w3 = self._split(memory)
        total = free + (outer @ (self.strength * w1 + self.strength**2 * w3)).sum(axis=0)
        d = rho.shape[-1]
        flat = rho.swapaxes(-1, -2).reshape(-1, d * d) @ total.T
        return np.asarray(flat.reshape(rho.shape).swapaxes(-1, -2))

    def asymptotic(self) -> ComplexArray:
        """K4 of each coupling in the long run, element by element between modes of L.

        `ConvergenceError` where a mode of L decays faster than the bath forgets.
        """
        free, outer, inner = self.operators(0.0)
        values, modes, back = self._modes(free)
        outer = np.asarray(back @ outer @ modes, dtype=complex)
        inner = np.asarray(back @ inner @ modes, dtype=complex)
        nu, gaps = self.rates, values[:, None] - values
        if len(nu) and float((nu.real[:, None, None] - gaps.real).min()) <= 0:
            raise ConvergenceError(
                "'tcl4' has no long-time limit: `collapse` operators act faster than the slowest "
                f"exponent of the baths decays ({nu.real.min() * self.problem.unit:.3g})"
            )
        w1 = np.asarray(inner / (nu[:, None, None] - gaps))
        loops: ComplexArray = np.asarray(-w1 @ (outer @ w1).sum(axis=0))
        for k in range(len(nu)):
            for m in range(k + 1):
                w2 = (inner[m] @ w1[k] + inner[k] @ w1[m]) / (nu[k] + nu[m] - gaps)
                loops[k] += outer[m] @ w2
                if m != k:
                    loops[m] += outer[k] @ w2
        w3 = loops / (nu[:, None, None] - gaps)
        return self._by_coupling(modes @ (outer @ w3) @ back)

    @property
    def _noisy(self) -> bool:
        return any(r.delta.any() for r in self.problem.reservoirs)

    def _modes(self, free: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        system = self.problem.system
        if not system.collapse and self.problem.whole and not self._noisy:
            gaps = (system.energies[:, None] - system.energies) / self.problem.unit
            unitary = np.asarray(np.kron(system.states.conj(), system.states), dtype=complex)
            return np.asarray(-1j * gaps.T.ravel()), unitary, unitary.conj().T
        values, modes = np.linalg.eig(free)
        if np.linalg.cond(modes) > 1e8:
            raise ConvergenceError(
                "'tcl4' has no long-time limit element by element: the modes of H and `collapse` "
                "coincide; give a `time`"
            )
        return values, modes, np.asarray(np.linalg.inv(modes))


def tcl4_generator(
    system: OpenSystem,
    time: float = np.inf,
    *,
    level_shift: bool = True,
    rtol: float = 1e-5,
) -> Generator:
    """Generator of fourth order a time after a product state [BreuerPetruccione].

    Parameters
    ----------
    system : OpenSystem
        With baths that have exponents and Hermitian couplings.
    time : float, inverse unit of energy
        Since system and baths were uncorrelated, at time 0.
    level_shift : bool
        Must be kept.
    rtol : float, no unit
        Error of the exponents, relative to the largest of the spectrum. In the long run of a
        constant system it enters fourth order alone.

    Returns
    -------
    Generator
        At that time; a part's `rest` is its fourth order.

    Raises
    ------
    ParameterError
        For leads, and as of `tcl2_generator`.
    SizeError
        Above 2 GiB, with an estimate.
    ConvergenceError
        If there is no long-time limit.
    """
    _needs_time(system, time, level_shift)
    equation = FourthOrder(scaled(system, rtol))
    unit, now = equation.problem.unit, system.at(time)
    if np.isfinite(time):
        memory = _integrated(equation.change, equation.start(), unit * time)
        rest = equation.fourth(unit * time, memory)
    else:
        rest = equation.asymptotic()
    second = tcl2_generator(system, time)
    pieces = [
        replace(part, rest=unit * part_rest)
        for part, part_rest in zip(second.pieces[: len(rest)], rest, strict=True)
    ]
    pieces += second.pieces[len(rest) :]
    return Generator(now, "tcl4", tuple(pieces), time=time)
