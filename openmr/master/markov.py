"""Markovian generators of second order: one kernel, and for each method what goes into it.

    L rho = -i [H, rho] + sum_k { [X_k rho, Y_k^dag] + h.c. } - i [S, rho],

where the pairs (X_k, Y_k) and the Hamiltonian S of one coupling are

    redfield          X_i = sum_j Gamma_ij(w) o A_j and Y_i = A_i, no S
    davies, grouped   X = Y / 2 for every group g of Bohr frequencies, Y_i = sum_j G_ij(g) A_j(g)
    universal         the same without groups, Y_i = sum_j G_ij(w) o A_j
    geometric         Y of universal with the shift of redfield
    coarse-grained    Y from the matrix of all rates, averaged over the time `resolution`

Here w_mn = E_n - E_m, Gamma = S/2 + i lambda is the half-sided transform of the bath, G the
Hermitian root of its spectrum, and "o" multiplies element by element between eigenstates of H.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, Literal

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss
from qutip import Qobj

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError, SizeError
from openmr.bath import transforms
from openmr.bath.bath import Bath
from openmr.master.open_system import Coupling, OpenSystem, matrix_of

Equation = Literal[
    "redfield", "davies", "grouped", "universal", "geometric", "coarse-grained", "tcl2", "tcl4"
]
"""Methods of `generator`."""
RouteName = Equation | Literal["heom"]
"""Methods of every question."""
_MEMORY = ("tcl2", "tcl4")
"""Methods of `openmr.master.memory`."""
_CLOSE = 0.03
"""Frequencies whose difference times the averaging time is below are one, to fourth order."""
_MOST_RATES = 2000
"""Largest matrix of rates of the coarse-grained equation: 64 MB, ten seconds."""
_PRECISION = 1e-11
"""Relative precision of the integral of the universal level shift."""
_CHUNK = 2**20
"""Complex numbers of an integrand at a time."""


@dataclass(frozen=True, eq=False)
class Part:
    """Share of one coupling in a generator, in the basis of H as given."""

    dressed: ComplexArray  # X_k of the kernel, (k, d, d)
    operators: ComplexArray  # Y_k of the kernel, (k, d, d)
    shift: ComplexArray  # S of the kernel, (d, d); more of the level shift is in the pairs
    rest: ComplexArray | None = None  # of fourth order, not of that form, (d^2, d^2)

    @cached_property
    def left(self) -> ComplexArray:
        """G of the terms G rho + rho G^dag."""
        product = self.operators.conj().swapaxes(-1, -2) @ self.dressed
        return np.asarray(-product.sum(axis=0) - 1j * self.shift)

    @property
    def level_shift(self) -> ComplexArray:
        """The whole Hamiltonian of the coupling: S and the Hermitian part of i G."""
        return 0.5j * (self.left - self.left.conj().T)

    def matrix(self) -> ComplexArray:
        """Superoperator (d^2, d^2), columns of rho stacked."""
        found = _superoperator(self.dressed, self.operators, self.left)
        return found if self.rest is None else found + self.rest

    def apply(self, rho: ComplexArray) -> ComplexArray:
        """The part on operators (..., d, d), as commutators: nothing is lost as they cancel."""
        x, y, one = self.dressed, self.operators, rho[..., None, :, :]
        out, back = x @ one, one @ x.conj().swapaxes(-1, -2)
        adjoint = y.conj().swapaxes(-1, -2)
        if np.array_equal(y, adjoint):
            terms = commutator(out - back, y)
        else:
            terms = commutator(out, adjoint) + commutator(y, back)
        found = terms.sum(axis=-3) - 1j * commutator(self.shift, rho)
        if self.rest is not None:
            columns = rho.swapaxes(-1, -2).reshape(*rho.shape[:-2], -1)
            found = found + (columns @ self.rest.T).reshape(rho.shape).swapaxes(-1, -2)
        return np.asarray(found)


def merged(parts: Sequence[Part], hamiltonian: ComplexArray) -> Part:
    """Parts and a Hamiltonian as one part."""
    none = np.zeros((0, *hamiltonian.shape), dtype=complex)
    rest = [part.rest for part in parts if part.rest is not None]
    return Part(
        np.concatenate([none, *(part.dressed for part in parts)]),
        np.concatenate([none, *(part.operators for part in parts)]),
        sum((part.shift for part in parts), start=hamiltonian),
        sum(rest[1:], start=rest[0]) if rest else None,
    )


@dataclass(frozen=True, eq=False)
class Generator:
    """L of d rho/dt = L rho, and all it was made from.

    Attributes
    ----------
    system : OpenSystem
        Constant, or as it is at `time`.
    method : str
        Name of the equation.
    pieces : tuple of Part
        One for each coupling, and one for the Lindblad operators if there are any.
    time : float or None, inverse unit of energy
        Time of an H(t) or of an equation with memory.
    resolution : float or None, inverse unit of energy
        Time of grouping or coarse graining.
    uncertainty : float, unit of energy
        Error of the transforms, where the method has one of its own.
    """

    system: OpenSystem
    method: str
    pieces: tuple[Part, ...]
    time: float | None = None
    resolution: float | None = None
    uncertainty: float = 0.0

    @cached_property
    def matrix(self) -> ComplexArray:
        """L as an array (d^2, d^2), columns of rho stacked."""
        return merged(self.pieces, self.system.hamiltonian.full()).matrix()

    @cached_property
    def _whole(self) -> Part:
        return merged(self.pieces, np.zeros((self.system.dimension,) * 2, dtype=complex))

    @cached_property
    def eigenmatrix(self) -> ComplexArray:
        """L between eigenstates of H, (d^2, d^2), columns of rho stacked."""
        energies = self.system.energies
        return self.eigendissipator + np.diag(1j * (energies[:, None] - energies).ravel())

    @cached_property
    def eigendissipator(self) -> ComplexArray:
        """The same without -i [H, .]: weak rates keep their digits beside H."""
        inside, whole = self.system.in_eigenbasis, self._whole
        found = _superoperator(*map(inside, (whole.dressed, whole.operators, whole.left)))
        if whole.rest is not None:
            turn = np.kron(self.system.states.conj(), self.system.states)
            found += turn.conj().T @ whole.rest @ turn
        return found

    @cached_property
    def superoperator(self) -> Qobj:
        """L with all terms, for QuTiP's solvers."""
        return self.system.as_superoperator(self.matrix)

    @cached_property
    def dissipative(self) -> ComplexArray:
        """L without -i [H, .] as an array (d^2, d^2); the level shift stays in."""
        return self._whole.matrix()

    @cached_property
    def dissipator(self) -> Qobj:
        """The same as a superoperator."""
        return self.system.as_superoperator(self.dissipative)

    @cached_property
    def parts(self) -> tuple[Qobj, ...]:
        """Superoperator of each coupling with its own level shift, then of `collapse`."""
        return tuple(self.system.as_superoperator(part.matrix()) for part in self.pieces)

    @cached_property
    def shift(self) -> Qobj:
        """Hamiltonian that all couplings together add to H."""
        return self.system.as_operator(self._whole.level_shift)

    @property
    def jumps(self) -> tuple[Qobj, ...]:
        """Lindblad operators, for QuTiP's ``c_ops`` beside H + `shift`.

        Raises
        ------
        ParameterError
            For a method that is not completely positive.
        """
        positive = [name for name in METHODS if name != "redfield"]
        if self.method not in positive:
            raise ParameterError(
                f"`method` must be one of {', '.join(positive)} to have jumps, got {self.method!r}"
            )
        return tuple(self.system.as_operator(y) for part in self.pieces for y in part.operators)

    def apply(self, operator: Qobj) -> Qobj:
        """L on an operator, as commutators, which keeps small differences.

        Parameters
        ----------
        operator : Qobj
            With the dims of H.

        Returns
        -------
        Qobj
            L applied to it.

        Raises
        ------
        ParameterError
            For an operator with other dims.
        """
        rho = matrix_of("operator", operator, self.system)
        coherent = -1j * commutator(self.system.hamiltonian.full(), rho)
        return self.system.as_operator(coherent + self.dissipate(operator).full())

    def dissipate(self, operator: Qobj) -> Qobj:
        """`apply` without -i [H, .]; the level shift stays in.

        Parameters, returns and errors as of `apply`.
        """
        rho = matrix_of("operator", operator, self.system)
        zero = np.zeros_like(rho)
        return self.system.as_operator(sum((part.apply(rho) for part in self.pieces), zero))

    @cached_property
    def positivity(self) -> float:
        """Lowest Kossakowski eigenvalue, unit of energy; negative where L can break positivity."""
        return float(kossakowski(self.dissipative)[0])

    @cached_property
    def detailed_balance(self) -> float | None:
        """Largest element of L on the Gibbs state over that of the dissipator; None without one."""
        temperature = self.system.temperature
        if temperature is None:
            return None
        change = np.abs(self.apply(self.system.gibbs(temperature)).full()).max()
        return float(change / (np.abs(self.dissipative).max() or 1.0))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what a reader should know before using the numbers."""
        if not self.positivity < -1e-12 * np.abs(self.dissipative).max():
            return ()
        return (f"not completely positive: lowest Kossakowski eigenvalue {self.positivity:.3g}",)

    def __repr__(self) -> str:
        size = self.system.dimension**2
        rows = [
            f"Generator  {self.method}, {size} x {size}",
            f"  lowest Kossakowski : {self.positivity:.3g}",
            f"  shift              : {np.abs(self.shift.full()).max():.4g}",
        ]
        if self.detailed_balance is not None:
            rows.append(f"  Gibbs residue      : {self.detailed_balance:.2g}")
        times = {"time": self.time, "resolution": self.resolution}
        rows += [f"  {name:<19}: {t:.4g}" for name, t in times.items() if t is not None]
        return "\n".join([*rows, *(f"  warning: {text}" for text in self.warnings)])


def generator(
    system: OpenSystem,
    method: Equation = "redfield",
    *,
    time: float | None = None,
    level_shift: bool = True,
    resolution: float | None = None,
) -> Generator:
    """Generator of the density matrix of an open system.

    Parameters
    ----------
    method : str
        "redfield" keeps every term and is not positive; "davies" keeps those of equal Bohr
        frequencies; "grouped" [Trushechkin2021] those within 1 / `resolution`; "universal"
        [NathanRudner2020] and "geometric" [Davidovic2020] keep every term and are positive;
        "coarse-grained" [SchallerBrandes2008] averages over `resolution`; "tcl2" and "tcl4"
        remember.
    time : float, inverse unit of energy, optional
        Needed where H or A depend on time: "redfield" and the like are then those of the levels at
        that instant. For "tcl2" and "tcl4" the time since the start, infinite by default.
    level_shift : bool
        Keep lambda. Without it Redfield leaves the Gibbs state alone exactly.
    resolution : float, inverse unit of energy, optional
        Time that tells frequencies apart; infinite is "davies". Short ones smear the spectrum, long
        ones lose terms. By default "tcl2" keeps all, others take sqrt(tau_SB tau_B / 5)
        [MozgunovLidar2020].

    Returns
    -------
    Generator
        With the superoperator, its parts, and its monitors.

    Raises
    ------
    ParameterError
        For options that do not go with the method.
    """
    _checks.instance("system", system, OpenSystem)
    _checks.choice("method", method, [*METHODS, *_MEMORY])
    given = {"time": time, "level_shift": level_shift, "resolution": resolution}
    return generator_of(system, method, **options_of(method, given))


@np.errstate(under="ignore")
def generator_of(
    system: OpenSystem,
    method: str,
    *,
    time: float | None = None,
    level_shift: bool = True,
    resolution: float | None = None,
) -> Generator:
    """`generator` of options that are checked already."""
    if not system.constant and not np.isfinite(np.inf if time is None else time):
        raise ParameterError("`time` must be given and finite where H or A depend on time")
    if method in _MEMORY:
        from openmr.master import memory

        end = _checks.number("time", np.inf if time is None else time, least=0.0, infinite=True)
        if method == "tcl4":
            return memory.tcl4_generator(system, end)
        return memory.tcl2_generator(system, end, level_shift=level_shift, resolution=resolution)
    if system.constant and time is not None:
        raise ParameterError(
            f"`time` goes with an H or A that depends on time, or with 'tcl2': {method!r} of a "
            f"constant system has none, got {time!r}"
        )
    system = system if time is None else system.at(time)
    if method in ("grouped", "coarse-grained") and resolution is None:
        try:
            resolution = _default_resolution(system)
        except _checks.OpenmrError as error:
            raise ParameterError(f"`resolution` must be given: {error}") from None
    terms = [_Term(system, c, level_shift, resolution) for c in system.couplings]
    pieces = [_as_given(METHODS[method](term), term) for term in terms]
    return Generator(
        system=system,
        method=method,
        pieces=(*pieces, *collapse_part(system)),
        time=time,
        resolution=resolution,
    )


def collapse_part(system: OpenSystem) -> tuple[Part, ...]:
    """The Lindblad operators of a constant system as one part, or nothing."""
    if not system.collapse:
        return ()
    jumps: ComplexArray = np.stack([operator.full() for operator in system.collapse])
    return (Part(0.5 * jumps, jumps, np.zeros_like(jumps[0])),)


# --- superoperators ----------------------------------------------------------------------------


def commutator(a: ComplexArray, b: ComplexArray) -> ComplexArray:
    """A B - B A of stacks of matrices."""
    return np.asarray(a @ b - b @ a)


def _superoperator(x: ComplexArray, y: ComplexArray, left: ComplexArray) -> ComplexArray:
    """X rho Y^dag + Y rho X^dag + G rho + rho G^dag, columns of rho stacked, (d^2, d^2)."""
    d = len(left)
    one = np.eye(d)
    # [column, row | column, row] of what comes out and what goes in
    pairs = [*zip(x, y, strict=True), *zip(y, x, strict=True)]
    outer = np.array([a for a, _ in pairs] + [left, one]).reshape(-1, d * d)
    inner = np.array([b for _, b in pairs] + [one, left]).reshape(-1, d * d)
    found = (inner.conj().T @ outer).reshape(d, d, d, d)
    return np.ascontiguousarray(found.transpose(0, 2, 1, 3)).reshape(d * d, d * d)


def kossakowski(matrix: ComplexArray) -> Array:
    """Eigenvalues, ascending, of the Kossakowski matrix of a generator (d^2, d^2).

    Those of its Choi matrix without the maximally entangled state, for traceless operators F_a with
    Tr F_a^dag F_b = delta_ab.
    """
    d = round(len(matrix) ** 0.5)
    # columns stacked: [column, row | column, row] -> Choi [row out, row in | column out, column in]
    choi = matrix.reshape(d, d, d, d).transpose(1, 3, 0, 2).reshape(d * d, d * d)
    one = np.eye(d).reshape(-1) / np.sqrt(d)
    choi = choi - np.outer(one, one @ choi)
    choi = choi - np.outer(choi @ one, one)
    found = np.linalg.eigvalsh(0.5 * (choi + choi.conj().T))
    return np.delete(found, int(np.argmin(np.abs(found))))


# --- what each method puts in ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Term:
    """One coupling between eigenstates of H, and the options."""

    system: OpenSystem
    coupling: Coupling
    level_shift: bool
    resolution: float | None

    @cached_property
    def operators(self) -> ComplexArray:
        return self.system.in_eigenbasis(self.coupling.matrices)

    def spectrum(self, w: Array) -> ComplexArray:
        return _matrices(self.coupling.bath.spectrum(w), w)

    def half_sided(self, w: Array, time: float = np.inf) -> ComplexArray:
        """Gamma_ij(w) as far as it is asked for, (..., n, n)."""
        if time == np.inf and not self.level_shift:
            return 0.5 * self.spectrum(w)
        return _matrices(self.coupling.bath.half_sided(w, time), w)

    def root(self, w: Array) -> ComplexArray:
        """Hermitian G_ij(w) with G G = S, (..., n, n)."""
        return _root(self.spectrum(w))

    def dress(self, table: ComplexArray) -> ComplexArray:
        """sum_j T_ij(w_mn) <m|A_j|n>, from a table (..., w, n, n) at the Bohr frequencies."""
        places, _ = self.system.bohr
        if table.shape[-1] == 1:
            return np.asarray(table[..., places, 0, 0][..., None, :, :] * self.operators)
        found = np.einsum("...mnij,jmn->...imn", table[..., places, :, :], self.operators)
        return np.asarray(found)


def _matrices(values: Any, w: Array) -> ComplexArray:
    """Values of a bath with an axis pair for its components."""
    found = np.asarray(values)
    return found[..., None, None] if found.ndim == w.ndim else found


def _root(spectrum: ComplexArray) -> ComplexArray:
    """Hermitian roots of positive matrices (..., n, n)."""
    if spectrum.shape[-1] == 1:
        return np.sqrt(np.maximum(spectrum.real, 0.0))
    values, vectors = np.linalg.eigh(spectrum)
    roots = np.sqrt(np.maximum(values, 0.0))[..., None, :]
    return np.asarray((vectors * roots) @ vectors.conj().swapaxes(-1, -2))


def _hamiltonian(dressed: ComplexArray, operators: ComplexArray) -> ComplexArray:
    """(M - M^dag) / 2i of M = sum_i A_i^dag X_i."""
    product = (operators.conj().swapaxes(-1, -2) @ dressed).sum(axis=0)
    return np.asarray((product - product.conj().T) / 2j)


def _redfield(term: _Term) -> Part:
    dressed = term.dress(term.half_sided(term.system.bohr[1]))
    return Part(dressed, term.operators, np.zeros_like(term.operators[0]))


def _davies(term: _Term) -> Part:
    return _by_groups(term, *term.system.bohr)


def _grouped(term: _Term) -> Part:
    """Transforms at the centre of each group [Trushechkin2021]."""
    assert term.resolution is not None
    return _by_groups(term, *term.system.groups(term.resolution))


def _by_groups(term: _Term, places: Any, centres: Array) -> Part:
    shape = (-1, *term.operators.shape[1:])
    masks = places == np.arange(len(centres))[:, None, None]
    components = masks[:, None] * term.operators  # A_i(g), (g, i, m, n)
    jumps = np.einsum("gij,gjmn->gimn", term.root(centres), components).reshape(shape)
    shift = np.zeros(shape[1:], dtype=complex)
    if term.level_shift:
        dressed = np.einsum("gij,gjmn->gimn", term.half_sided(centres), components)
        shift = _hamiltonian(dressed.reshape(shape), components.reshape(shape))
    return _positive(jumps[np.any(jumps, axis=(1, 2))], shift)


def _positive(jumps: ComplexArray, shift: ComplexArray) -> Part:
    return Part(0.5 * jumps, jumps, shift)


def _geometric(term: _Term) -> Part:
    w = term.system.bohr[1]
    dressed = term.dress(term.half_sided(w))
    return _positive(term.dress(term.root(w)), _hamiltonian(dressed, term.operators))


def _universal(term: _Term) -> Part:
    jumps = term.dress(term.root(term.system.bohr[1]))
    shift = _universal_shift(term) if term.level_shift else np.zeros_like(jumps[0])
    return _positive(jumps, shift)


@np.errstate(under="ignore")
def _universal_shift(term: _Term) -> ComplexArray:
    """-(1/2pi) integral_0^inf dv/v [L(v)^dag L(v) - L(-v)^dag L(-v)] [NathanRudner2020]."""
    frequencies = term.system.bohr[1]
    term.half_sided(frequencies)  # a bath without a level shift says so

    scale = float(frequencies[-1]) or 1.0 / term.coupling.bath.memory_time()

    def integrand(y: Array) -> ComplexArray:
        found = []
        for v in np.array_split(np.exp(y.ravel()), 1 + y.size * term.operators.size // _CHUNK):
            u = np.stack([v, -v])[..., None] + frequencies
            u[(np.abs(u) < 1e-9 * scale) & (frequencies != 0)] = 0.0  # S(0) is known to be one
            jumps = term.dress(_root(_matrices(term.coupling.bath.unchecked(u), u)))
            products = (jumps.conj().swapaxes(-1, -2) @ jumps).sum(axis=-3)
            found.append(products[0] - products[1])
        return np.concatenate(found).reshape(*y.shape, *found[0].shape[1:])

    # a power of v up to v0, as far as it is one: near 0 a user's formula may lose its digits
    starts = np.log(scale) - np.log(10.0) * np.arange(4, 33, 2)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        first, tenth = integrand(np.array([starts, starts - np.log(10.0)]))
        bend = np.abs(first - 10 * tenth).max(axis=(-2, -1))
        powers = np.log10(np.abs(first).max(axis=(-2, -1)) / np.abs(tenth).max(axis=(-2, -1)))
    k = int(np.argmin(np.append(bend[1:] < 0.9 * bend[:-1], False)))
    below = first[k] / (np.clip(powers[k], 0.01, 1.0) if np.isfinite(powers[k]) else 1.0)
    edges = np.linspace(starts[k], np.log(scale) + 36.0, 24 + 3 * k)
    edges, values = transforms.resolved(
        integrand, edges, precision=_PRECISION, name="spectra", axis="ln v"
    )
    weights = 0.5 * np.diff(edges)[:, None] * transforms.WEIGHTS
    shift = np.tensordot(weights, values) + below
    return np.asarray(-(shift + shift.conj().T) / (4 * np.pi))


def _coarse_grained(term: _Term) -> Part:
    """Average over a window of length T centred on the present [SchallerBrandes2008]."""
    assert term.resolution is not None
    if np.isinf(term.resolution):
        return _davies(term)
    places, frequencies = term.system.bohr
    n, size = len(term.operators), len(frequencies)
    if n * size > _MOST_RATES:
        raise SizeError(
            f"`method` 'coarse-grained' takes a matrix of rates of at most {_MOST_RATES} rows, got "
            f"{n * size} ({16 * (n * size) ** 2 / 2**30:.2g} GiB); use 'universal'"
        )
    z = _windowed(term, frequencies, term.resolution)  # (w', w, i, j), symmetric in w', w
    adjoint = z.conj().swapaxes(-1, -2)
    rates = (z + adjoint).transpose(2, 0, 3, 1).reshape(n * size, n * size)
    values, vectors = np.linalg.eigh(0.5 * (rates + rates.conj().T))
    kept = values > 1e-15 * max(values[-1], 0.0)
    weights = (vectors[:, kept] * np.sqrt(values[kept])).conj().T.reshape(-1, n, size)
    jumps = np.einsum("kjmn,jmn->kmn", weights[:, :, places], term.operators)
    shift = np.zeros_like(term.operators[0])
    if term.level_shift:
        h = (z - adjoint) / 2j
        a = term.operators
        for m, row in enumerate(places):
            pairs = h[np.ix_(row, row)]
            shift += np.einsum("ip,pnij,jn->pn", a[:, m].conj(), pairs, a[:, m])
    return _positive(jumps, shift)


def _windowed(term: _Term, w: Array, time: float) -> ComplexArray:
    """Z(w', w) = int_0^T C(u) e^{i(w+w')u/2} (1-u/T) sinc((w'-w)(T-u)/2) du, (w', w, n, n).

    The divided difference of E(w) = e^{-iwT} Gamma(w, T), which is a Fourier integral over [0, T].
    """
    gaps = w[:, None] - w
    close = np.abs(gaps) * time < _CLOSE
    rows, columns = np.nonzero(close)
    # first and third derivative by Chebyshev series within 1/T: the sinc to fourth order
    nodes = chebyshev.chebpts1(14)
    around = 0.5 * (w[rows] + w[columns])[:, None] + nodes / time
    x = np.concatenate([w, around.ravel()])
    values = np.exp(-1j * x * time)[:, None, None] * term.half_sided(x, time)
    values, near = values[: len(w)], values[len(w) :].reshape(*around.shape, *values.shape[1:])
    found = (values[:, None] - values) / np.where(close, 1.0, gaps)[..., None, None]
    series = np.linalg.inv(chebyshev.chebvander(nodes, 13))
    first, third = (chebyshev.chebval(0.0, chebyshev.chebder(series, m)) * time**m for m in (1, 3))
    stretch = gaps[rows, columns, None] ** 2 / 24
    found[rows, columns] = np.einsum("pk,pkij->pij", first + stretch * third, near)
    mean = 0.5 * (w[:, None] + w)
    return np.asarray(1j / time * np.exp(1j * mean * time)[..., None, None] * found)


def _default_resolution(system: OpenSystem) -> float:
    """sqrt(tau_SB tau_B / 5) with 1/tau_SB = int |C| and tau_B/tau_SB = int t |C|, summed."""
    rates = moments = 0.0
    for coupling in system.couplings:
        a, (times, weights, values) = coupling.matrices, _memory(coupling.bath)
        noise = np.einsum("ikm,ptij,jkn->ptmn", a.conj(), values, a, optimize=True)
        size = np.linalg.norm(noise, ord=2, axis=(-2, -1))  # of A^dag C(t) A
        rates += float((weights * size).sum())
        moments += float((weights * size * times).sum())
    return float(np.sqrt(moments / 5.0) / rates) if rates else np.inf


@lru_cache(maxsize=16)  # H(t) asks at every step
def _memory(bath: Bath) -> tuple[Array, Array, ComplexArray]:
    """Times within a bath's memory, weights of integrals over them, and C(t)."""
    x, weights = leggauss(8)
    edges = bath.memory_time() * np.concatenate([[0.0], 8.0 ** np.arange(-6, 1)])
    half = 0.5 * np.diff(edges)[:, None]
    times = edges[:-1, None] + half * (x + 1.0)
    return times, half * weights, _matrices(bath.correlation(times), times)


def _as_given(part: Part, term: _Term) -> Part:
    """A part in the basis in which H was given; coupling operators stay exactly Hermitian."""
    back, y = term.system.from_eigenbasis, part.operators
    y = term.coupling.matrices if y is term.operators else back(y)
    return Part(back(part.dressed), y, back(part.shift))


METHODS = {
    "redfield": _redfield,
    "davies": _davies,
    "grouped": _grouped,
    "universal": _universal,
    "geometric": _geometric,
    "coarse-grained": _coarse_grained,
}
"""Markovian methods of second order."""
ROUTES = (*METHODS, *_MEMORY, "heom")
"""Every method there is."""


_RESOLVED = ("grouped", "coarse-grained")
_TIME = partial(_checks.number, infinite=True)
_OPTIONS: dict[str, tuple[Callable[[str, Any], Any], Any, Sequence[str], Sequence[str]]] = {
    "level_shift": (_checks.switch, True, (*METHODS, "tcl2"), (*METHODS,)),
    "resolution": (partial(_TIME, above=0.0), None, (*_RESOLVED, "tcl2"), _RESOLVED),
    "time": (_TIME, None, (*METHODS, *_MEMORY), ()),
    "rtol": (partial(_checks.number, above=0.0, most=0.1), None, ("heom",), (*_MEMORY, "heom")),
    "max_depth": (partial(_checks.integer, least=3), None, ("heom",), ("heom",)),
}
"""Check of each option, its default, and the methods it goes with: in general, in `evolve`."""


def options_of(method: str, given: Mapping[str, Any], *, moving: bool = False) -> dict[str, Any]:
    """Options other than their defaults, checked; each must go with the method."""
    found = {}
    for name, value in given.items():
        check, default, *goes = _OPTIONS[_checks.choice("options", name, _OPTIONS)]
        checked = value if value is default else check(name, value)
        if checked is not default and method not in goes[moving]:
            known = ", ".join(map(repr, goes[moving])) or "other questions"
            raise ParameterError(f"`{name}` goes with {known}, not with `method` {method!r}")
        if checked is not default:
            found[name] = checked
    return found
