"""Questions to an open system: rates, steady state, currents and two-time functions.

Every answer is a frozen record that prints itself and holds what is needed to ask again. The method
"heom" answers from the slow eigenmodes of the hierarchy (`openmr.master.hierarchy`), every other
one from its `Generator`. hbar = k_B = 1; one unit of energy, its inverse for times.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qutip import Qobj
from scipy.linalg import lapack
from scipy.optimize import linear_sum_assignment

from openmr import _checks
from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError
from openmr.bath.bath import Bath, BathCheck
from openmr.master import hierarchy
from openmr.master.markov import (
    ROUTES,
    Generator,
    Part,
    RouteName,
    commutator,
    generator,
    generator_of,
    options_of,
)
from openmr.master.motion import exponentials
from openmr.master.open_system import ROUNDING, OpenSystem, matrix_of
from openmr.tables import Record, table

MIXED = 0.7
"""Share of a mode in its pair of levels below which it belongs to none."""
_APART = 10.0
"""Difference of frequencies over the rates from which on a secular equation may be used."""
_SHORT = 0.1
"""Change of the noise within a rate up to which the memory of a bath counts as short."""
_SHOWN = 12
"""Largest number of rows of a table in print."""
_WEAK = 1e-5
"""Rates over differences of frequencies below which the two are solved for one after the other."""
_EQUAL = 1e-9
"""Eigenvalues that are one to rounding, over the largest."""
_SECOND_ORDER = (
    "populations of an equation of second order are wrong at second order of the coupling "
    "[FlemingCummings2011]"
)


def solved(system: OpenSystem, method: str, options: dict[str, Any]) -> Generator:
    """Generator of any method, that of the slow modes of the hierarchy for "heom"."""
    options = _asked(system, method, options)
    if method != "heom":
        return generator_of(system, method, **options)
    matrix, uncertainty = hierarchy.slow_generator(system, **options)
    hamiltonian = system.hamiltonian.full()
    none = np.zeros((0, *hamiltonian.shape), dtype=complex)
    unitary = Part(none, none, hamiltonian).matrix()
    part = Part(none, none, np.zeros_like(hamiltonian), matrix - unitary)
    return Generator(system, "heom", (part,), uncertainty=uncertainty)


def _asked(system: OpenSystem, method: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a question, checked with all else."""
    _checks.instance("system", system, OpenSystem)
    return options_of(_checks.choice("method", method, ROUTES), options)


# --- rates -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Rates(Record):
    """Relaxation rates of an open system, from the eigenvalues of its generator.

    Attributes
    ----------
    method : str
        The equation.
    longitudinal : array (d-1,), unit of energy
        1/T1 of the modes of populations, ascending.
    pairs : array of int (p, 2), no unit
        Levels m < n of each coherence |m><n|, counted from the lowest. A pair that is overdamped
        has two real modes, and then (n, m) stands for the faster.
    transverse, frequencies, shifts : array (p,), unit of energy
        1/T2, frequency, and its difference from that of the levels.
    golden_longitudinal, golden_transverse : array (d-1,) and (p,), unit of energy
        The same rates by the golden rule, for levels that are not degenerate.
    participation : array (p,), no unit
        Share of |m><n| and |n><m| in the mode; below 0.7 it is mixed, and its name a convention.
    modes : complex array (d, d), unit of energy
        Every eigenvalue, -1/T + i frequency, at the place of its |m><n|; populations in the middle.
    uncertainty : float, unit of energy
        Error that the route states of its own, and rounding of the levels.
    warnings : tuple of str
        What to know before using the numbers.
    """

    SCHEMA = "openmr/master/rates/1"
    method: str
    longitudinal: Array
    pairs: NDArray[np.intp]
    transverse: Array
    frequencies: Array
    shifts: Array
    golden_longitudinal: Array
    golden_transverse: Array
    participation: Array
    modes: ComplexArray
    uncertainty: float
    warnings: tuple[str, ...]

    @property
    def relaxation_times(self) -> Array:
        """T1 = 1 / `longitudinal`, inverse unit of energy, shape (d-1,)."""
        return _inverse(self.longitudinal)

    @property
    def coherence_times(self) -> Array:
        """T2 = 1 / `transverse`, inverse unit of energy, shape (p,)."""
        return _inverse(self.transverse)

    def __repr__(self) -> str:
        still = (_column(self.longitudinal), _column(self.golden_longitudinal))
        shifts = [_rounded(shift, self.frequencies) for shift in self.shifts]
        moving = (self.transverse, self.golden_transverse, self.frequencies, shifts)
        rows: list[Sequence[str]] = [
            ("levels", "1/T2", "golden rule", "frequency", "shift", "participation")
        ]
        for k, (m, n) in enumerate(self.pairs):
            mixed = " mixed" if self.participation[k] < MIXED else ""
            cells = _column([one[k] for one in moving])
            rows.append((f"{m} {n}", *cells, f"{self.participation[k]:.2f}{mixed}"))
        lines = [
            f"Rates  {self.method}",
            _few(">>", [("1/T1", "golden rule"), *zip(*still, strict=True)]),
            _few("<>>>><", rows),
            *(f"  warning: {text}" for text in self.warnings),
        ]
        return "\n".join(lines)


def rates(system: OpenSystem, method: RouteName = "redfield", **options: Any) -> Rates:
    """Longitudinal and transverse rates, frequency and shift of every pair of levels.

    Parameters
    ----------
    method : str
        As of `generator`, or "heom".
    **options
        Those of `generator`: ``level_shift``, ``resolution``, ``time``; for "heom" ``rtol`` and
        ``max_depth``, as of `evolve`.

    Returns
    -------
    Rates
        Each eigenvalue is assigned to one |m><n| by the overlap of its eigenvectors. A warning
        "memory" says that the noise is not the same within a rate of the frequencies.

    Raises
    ------
    ParameterError
        For options that do not go with the method.
    """
    return rates_of(solved(system, method, options))


def rates_of(made: Generator) -> Rates:
    """Rates of a generator that is there already."""
    system = made.system
    d, energies = system.dimension, system.energies
    values, share = _modes(made)
    # columns of rho stacked: place n d + m of |m><n|
    shares = share.reshape(-1, d, d).transpose(0, 2, 1)
    levels = np.arange(d)
    populations = shares[:, levels, levels].sum(axis=1)
    weight = shares.copy()
    turning = np.abs(values.imag) > _EQUAL * np.abs(values).max(initial=0.0)
    values = np.where(turning, values, values.real)
    weight[:, levels, levels] = (populations - 0.5 * turning)[:, None]  # populations mostly do not
    _, chosen = linear_sum_assignment(weight.reshape(-1, d * d).T, maximize=True)
    mode = chosen.reshape(d, d)
    zero = int(np.argmin(np.abs(values[mode[levels, levels]])))
    still = np.sort(np.delete(0.0 - values[mode[levels, levels]].real, zero))
    pairs = []
    for m, n in zip(*np.triu_indices(d, k=1), strict=True):
        both = [mode[m, n], mode[n, m]]
        overdamped = not turning[both].any()
        if overdamped or energies[m] == energies[n]:  # neither is of |m><n| alone
            mode[m, n], mode[n, m] = sorted(both, key=lambda k: (-values[k].imag, -values[k].real))
        pairs += [(m, n), (n, m)][: 1 + overdamped]
    m, n = np.array(pairs).T
    modes = values[mode]
    participation = np.minimum(shares + shares.swapaxes(1, 2), 1.0)[mode[m, n], m, n]
    golden_still, golden_moving = _golden_rule(system)
    return Rates(
        method=made.method,
        longitudinal=still,
        pairs=np.stack([m, n], axis=1),
        transverse=0.0 - modes[m, n].real,
        frequencies=modes[m, n].imag + 0.0,
        shifts=modes[m, n].imag - np.abs(energies[n] - energies[m]),
        golden_longitudinal=golden_still,
        golden_transverse=golden_moving[m, n],
        participation=participation,
        modes=modes,
        uncertainty=made.uncertainty + _checks.EPSILON * float(np.abs(energies).max()),
        warnings=(*made.warnings, *_warnings(made, modes, participation)),
    )


def _modes(made: Generator) -> tuple[ComplexArray, Array]:
    """Eigenvalues (k,), and the share of each element of rho in each of them (k, d^2).

    Where rates are so small beside the differences of frequencies that rounding of the frequencies
    would show in them, each frequency has its own block, right to second order in their ratio.
    """
    places, frequencies = made.system.bohr
    weak, place = made.eigendissipator, places.T.ravel()
    closest = np.diff(frequencies).min(initial=np.inf)
    if np.abs(weak).sum(axis=1).max() > _WEAK * closest:
        return _eigen(made.eigenmatrix)
    values = np.zeros(len(place), dtype=complex)
    shares = np.zeros((len(place), len(place)))
    for k, frequency in enumerate(frequencies):
        inside, outside = np.flatnonzero(place == k), np.flatnonzero(place != k)
        through = weak[outside] / (1j * (frequency - frequencies[place[outside]]))[:, None]
        block = (weak + weak[:, outside] @ through)[np.ix_(inside, inside)]
        small, shares[np.ix_(inside, inside)] = _eigen(block)
        values[inside] = small + 1j * frequency
    return values, shares


def _eigen(matrix: ComplexArray) -> tuple[ComplexArray, Array]:
    """Eigenvalues (k,), and the share of each element of a vector in each of them (k, k).

    Equal eigenvalues have one spectral projector, which does not depend on the choice of basis.
    """
    values, right = np.linalg.eig(matrix)
    left = np.linalg.pinv(right)
    shares = right.T * left  # (mode, element)
    scale = np.abs(values).max(initial=0.0) or 1.0
    equal = np.abs(values[:, None] - values) <= _EQUAL * scale
    weights = np.abs(equal @ shares)
    return values, weights / weights.sum(axis=1, keepdims=True) * equal.sum(axis=1, keepdims=True)


def _golden_rule(system: OpenSystem, off: float = 0.0) -> tuple[Array, Array]:
    """Rates of populations (d-1,) and of pairs (d, d) from transition probabilities alone.

    The noise is taken `off` the Bohr frequencies.
    """
    d = system.dimension
    jumps, dephasing = np.zeros((d, d)), np.zeros((d, d))
    places, frequencies = system.bohr
    for coupling in system.couplings:
        a = system.in_eigenbasis(coupling.matrices)
        values = np.asarray(coupling.bath.spectrum(frequencies + off)).reshape(-1, len(a), len(a))
        jumps += np.einsum("imn,mnij,jmn->mn", a.conj(), values[places], a).real
        level = a[:, range(d), range(d)]
        apart = level[:, :, None] - level[:, None, :]
        still = values[places[0, 0]]
        dephasing += 0.5 * np.einsum("imn,ij,jmn->mn", apart.conj(), still, apart).real
    for operator in system.collapse:
        a = system.in_eigenbasis(operator)
        jumps += np.abs(a) ** 2
        level = np.diag(a)
        dephasing += 0.5 * np.abs(level[:, None] - level) ** 2
    np.fill_diagonal(jumps, 0.0)
    out = jumps.sum(axis=0)
    values = np.linalg.eigvals(jumps - np.diag(out)).real
    still = np.sort(0.0 - np.delete(values, int(np.argmin(np.abs(values)))))
    return still, 0.5 * (out[:, None] + out) + dephasing


def _warnings(made: Generator, modes: ComplexArray, participation: Array) -> list[str]:
    scale, texts = float(np.abs(modes.real).max()), []
    if (lowest := -float(modes.real.max())) < -1e-9 * scale:
        texts.append(f"unstable: the rate {lowest:.4g} is negative")
    if np.any(participation < MIXED):
        texts.append("mixed: some modes belong to no single pair of levels")
    if made.method not in ("tcl4", "heom") and (change := _remembered(made.system, scale)) > _SHORT:
        texts.append(
            f"memory: within a rate of the frequencies the noise differs by {change:.0%}, so that "
            "no rate is constant; ask 'tcl4' or 'heom'"
        )
    if made.method in ("davies", "grouped") and (ratio := _secular_margin(made, scale)) < _APART:
        texts.append(
            f"crossover: frequencies treated as different are only {ratio:.2g} rates apart; use "
            "'universal'"
        )
    if made.method == "tcl4":
        second = rates_of(generator(made.system, "redfield"))
        apart = np.abs((modes - second.modes).real)  # one may have overdamped pairs
        change = float(apart[~np.eye(len(apart), dtype=bool)].max())
        if change > 0.1 * scale:
            texts.append(f"fourth order changes 1/T2 by {change / scale:.0%} of the largest rate")
    return texts


def _remembered(system: OpenSystem, rate: float) -> float:
    """Change of the golden rule, over its largest rate, by noise a rate off the frequencies."""
    with suppress(_checks.OpenmrError):  # noise that is not known there
        here, low, high = (_golden_rule(system, off)[1] for off in (0.0, -rate, rate))
        if (largest := here.max()) > 0:
            return float(max(np.abs(low - here).max(), np.abs(high - here).max()) / largest)
    return 0.0


def _secular_margin(made: Generator, rate: float) -> float:
    """Smallest difference of frequencies whose terms were dropped, over a rate."""
    places, frequencies = made.system.bohr
    groups, _ = made.system.groups(made.resolution or np.inf)
    group = np.zeros(len(frequencies), dtype=int)
    group[places] = groups
    apart = np.diff(group) > 0
    return float(np.diff(frequencies)[apart].min(initial=np.inf)) / rate if rate > 0 else np.inf


# --- steady state ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SteadyState(Record):
    """The state that a generator leaves alone.

    Attributes
    ----------
    method : str
        The equation.
    state : Qobj
        Density matrix.
    populations : array (d,), no unit
        Of the levels of H, from the lowest.
    lowest : float, no unit
        Smallest eigenvalue; negative where the equation is not positive.
    gibbs_distance : float or None, no unit
        Trace distance from exp(-H/T) / Z, for baths of one temperature.
    fourth_order : array (d,) or None, no unit
        The populations by "tcl4", where the baths have exponents.
    note : str
        How far populations may be trusted.
    """

    SCHEMA = "openmr/master/steady_state/1"
    method: str
    state: Qobj
    populations: Array
    lowest: float
    gibbs_distance: float | None
    fourth_order: Array | None
    note: str

    def __repr__(self) -> str:
        rows = [
            ("populations", _list(self.populations)),
            ("lowest eigenvalue", f"{self.lowest:.3g}"),
        ]
        if self.gibbs_distance is not None:
            rows.append(("from Gibbs", f"{self.gibbs_distance:.3g}"))
        if self.fourth_order is not None:
            rows.append(("fourth order", _list(self.fourth_order)))
        lines = [f"SteadyState  {self.method}", table("<<", rows, indent="  ", gap=" : ")]
        return "\n".join([*lines, *([f"  note: {self.note}"] if self.note else [])])


def steady_state(system: OpenSystem, method: RouteName = "redfield", **options: Any) -> SteadyState:
    """The state in which nothing changes any more.

    Parameters as of `rates`.

    Returns
    -------
    SteadyState
        With its lowest eigenvalue and its distance from the Gibbs state.

    Raises
    ------
    ConvergenceError
        If there is more than one.
    """
    made, fourth = solved(system, method, options), None
    if method not in ("tcl4", "heom") and system.constant and system.couplings:
        with suppress(_checks.OpenmrError):  # no exponents, or no limit
            fourth = _steady_of(generator(system, "tcl4"))
    return steady_of(made, fourth)


def steady_of(made: Generator, fourth: ComplexArray | None = None) -> SteadyState:
    """Steady state of a generator that is there already; `fourth` is that of "tcl4"."""
    system, rho = made.system, _steady_of(made)
    distance = None
    if (temperature := system.temperature) is not None:
        gibbs = system.in_eigenbasis(system.gibbs(temperature))
        distance = 0.5 * float(np.abs(np.linalg.eigvalsh(rho - gibbs)).sum())
    return SteadyState(
        method=made.method,
        state=system.as_operator(system.from_eigenbasis(rho)),
        populations=np.diag(rho).real,
        lowest=float(np.linalg.eigvalsh(rho)[0]),
        gibbs_distance=distance,
        fourth_order=None if fourth is None else np.diag(fourth).real,
        note="" if made.method in ("tcl4", "heom") or not system.couplings else _SECOND_ORDER,
    )


def _steady_of(made: Generator) -> ComplexArray:
    """Steady state between eigenstates of H; rows are scaled, so that weak rates count."""
    d = made.system.dimension
    matrix = made.eigenmatrix.copy()
    matrix[0] = np.eye(d).ravel()
    scale = np.abs(matrix).max(axis=1)
    matrix /= np.where(scale > 0, scale, 1.0)[:, None]
    lu, pivots, info = lapack.zgetrf(matrix)
    condition = 0.0 if info else lapack.zgecon(lu, np.abs(matrix).sum(axis=0).max())[0]
    if not condition > 1e-15:
        raise ConvergenceError(
            f"the steady state of {made.method!r} is not unique: the baths do not reach all levels "
            "(or not to rounding); evolve the start that you mean"
        )
    right = np.zeros(d * d, dtype=complex)
    right[0] = 1.0
    rho = lapack.zgetrs(lu, pivots, right)[0].reshape(d, d).T
    return np.asarray(0.5 * (rho + rho.conj().T))


# --- currents ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Currents(Record):
    """Energy, and any other quantity, that flows from each bath into the system.

    Attributes
    ----------
    method : str
        The equation.
    sources : tuple of str
        Number of each coupling, then "collapse" for the Lindblad operators.
    energy : array (b,), unit of energy squared
        Tr[H K_i rho] of each coupling, then of `collapse`: the side of the system.
    bath_energy : array (b,) or None, unit of energy squared
        -d<H_B>/dt, what a calorimeter sees; "heom" only. It differs from `energy` at fourth order
        where two couplings do not commute.
    quantity : array (b,) or None, unit of energy times that of `of`
        Tr[N K_i rho] of the operator `of`.
    total_energy, total_quantity : float, in the units of the above
        Sums: 0 in a steady state.
    entropy_production : float or None, unit of energy
        dS/dt - sum_i (energy - potential quantity) / temperature, with `bath_energy` where that is
        known; None where a bath has no temperature or T = 0, or a potential and no `of`.
    warnings : tuple of str
        What to know before using the numbers.
    """

    SCHEMA = "openmr/master/currents/1"
    method: str
    sources: tuple[str, ...]
    energy: Array
    bath_energy: Array | None
    quantity: Array | None
    total_energy: float
    total_quantity: float | None
    entropy_production: float | None
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        columns = {"energy": self.energy, "bath side": self.bath_energy, "of": self.quantity}
        there = {name: _column(one) for name, one in columns.items() if one is not None}
        rows = [("bath", *there)]
        rows += [(name, *cells) for name, *cells in zip(self.sources, *there.values(), strict=True)]
        sums = {"energy": self.total_energy, "of": self.total_quantity}
        cells = {k: f"{_rounded(v, columns[k]):.2g}" for k, v in sums.items() if v is not None}
        rows.append(("sum", *(cells.get(k, "") for k in there)))
        lines = [f"Currents  {self.method}", table("<" + ">" * len(there), rows, indent="  ")]
        if self.entropy_production is not None:
            lines.append(f"  entropy production : {self.entropy_production:.6g}")
        return "\n".join([*lines, *(f"  warning: {text}" for text in self.warnings)])


def currents(
    system: OpenSystem,
    of: Qobj | None = None,
    method: RouteName = "redfield",
    *,
    state: Any = None,
    **options: Any,
) -> Currents:
    """Currents from each bath into the system, in the steady state or in a given one.

    Further parameters as of `rates`.

    Parameters
    ----------
    of : Qobj, optional
        Conserved operator whose current is asked for as well: particles, S_z.
    state : Qobj or array_like, optional
        Density matrix or ket; the steady state by default, which "heom" must have.

    Returns
    -------
    Currents
        Each bath with its own level shift, so that dU/dt is the sum to rounding.

    Raises
    ------
    ParameterError
        For an operator with other dims, or a state that is none.
    """
    number = None if of is None else matrix_of("of", of, system)
    if method == "heom":
        _steady_only(state)
        return currents_of(Generator(system, method, ()), number, **_asked(system, method, options))
    return currents_of(solved(system, method, options), number, state)


def currents_of(
    made: Generator, number: ComplexArray | None = None, state: Any = None, **options: Any
) -> Currents:
    """Currents of a generator that is there already; `number` is the matrix of another quantity."""
    system, bath_energy, change, scale = made.system, None, 0.0, made
    if made.method == "heom":
        energy, bath_energy, other = hierarchy.currents(system, number, **options)
        scale = generator(system)
    else:
        if state is None:
            rho = system.from_eigenbasis(_steady_of(made))
        else:
            rho = system.density_matrix(state, "state").full()
        terms = np.array([part.apply(rho) for part in made.pieces]).reshape(-1, *rho.shape)
        energy = np.einsum("ab,kba->k", system.hamiltonian.full(), terms).real
        other = None if number is None else np.einsum("ab,kba->k", number, terms).real
        change = _entropy_change(rho, terms.sum(axis=0))
    if state is None and len(energy) == 1:  # nothing flows from one bath: what is rounding is 0
        size = system.dimension**2 * _checks.EPSILON * np.abs(scale.eigendissipator).max()
        sides = ((energy, system.energies), (bath_energy, system.energies), (other, number))
        for values, operator in sides:
            if values is not None and operator is not None:
                values[np.abs(values) <= size * np.abs(operator).max()] = 0.0
    return Currents(
        method=made.method,
        sources=tuple(map(str, range(len(system.couplings))))
        + ("collapse",) * bool(system.collapse),
        energy=energy,
        bath_energy=bath_energy,
        quantity=other,
        total_energy=float(energy.sum()),
        total_quantity=None if other is None else float(other.sum()),
        entropy_production=_entropy(
            system, energy if bath_energy is None else bath_energy, other, change
        ),
        warnings=_not_conserved(system, number),
    )


def _steady_only(state: Any) -> None:
    if state is not None:
        raise ParameterError("`state` must be None with 'heom', which knows its steady state alone")


def _entropy_change(rho: ComplexArray, change: ComplexArray) -> float:
    """-Tr[(d rho/dt) ln rho]."""
    p, u = np.linalg.eigh(rho)
    slope = np.einsum("mk,mn,nk->k", u.conj(), change, u).real
    kept = p > _checks.SMALLEST
    return -float(slope[kept] @ np.log(p[kept]))


def _entropy(
    system: OpenSystem, energy: Array, number: Array | None, change: float
) -> float | None:
    total = None if system.collapse else change
    for c in system.couplings:
        heat, potential = energy[c.index], c.bath.potential
        if total is None or not c.bath.temperature or (potential and number is None):
            return None
        if potential and number is not None:
            heat = heat - potential * number[c.index]
        total -= float(heat / c.bath.temperature)
    return total


def _not_conserved(system: OpenSystem, number: ComplexArray | None) -> tuple[str, ...]:
    if number is None:
        return ()
    h = system.hamiltonian.full()
    if np.abs(commutator(h, number)).max() <= 1e-10 * np.abs(h).max() * np.abs(number).max():
        return ()
    return ("`of` does not commute with H: it changes without the baths, too",)


# --- two-time functions ------------------------------------------------------------------------


def correlation(
    system: OpenSystem,
    a: Qobj,
    b: Qobj,
    times: ArrayLike,
    method: RouteName = "redfield",
    *,
    state: Any = None,
    **options: Any,
) -> ComplexArray:
    """Two-time function <A(t) B(0)> by regression, in the steady state unless one is given.

    "heom" keeps what system and bath share at t = 0, which regression forgets.
    Further parameters as of `rates`.

    Parameters
    ----------
    a, b : Qobj
        A and B.
    times : array_like (t,), inverse unit of energy
        Increasing, from 0 on.
    state : Qobj or array_like, optional
        At time 0, as of `currents`.

    Returns
    -------
    complex array (t,), unit of A B
        Tr[A exp(L t) B rho].

    Raises
    ------
    ParameterError
        For times that do not increase, or operators with other dims.
    """
    left, right = matrix_of("a", a, system), matrix_of("b", b, system)
    grid = _checks.finite_array("times", times)
    if grid.ndim != 1 or not grid.size or grid[0] < 0 or np.any(np.diff(grid) <= 0):
        raise ParameterError(f"`times` must be increasing numbers >= 0, got {_checks.shown(times)}")
    if method == "heom":
        _steady_only(state)
        options = _asked(system, method, options)
        return np.asarray(hierarchy.two_time(system, left, right, grid, **options))
    made, left, right, rho = _regression(system, left, right, method, state, options)
    columns = (right @ rho).T.reshape(-1, 1)
    found = exponentials(made.eigenmatrix, columns, np.append(0.0, grid))[1:]
    return np.array([left.ravel() @ one[:, 0] for one in found])


def spectrum(
    system: OpenSystem,
    a: Qobj,
    b: Qobj,
    w: ArrayLike,
    method: RouteName = "redfield",
    **options: Any,
) -> ComplexArray:
    """Fourier integral of <A(t) B(0)> - <A><B> over all times; by regression unless "heom".

    Further parameters as of `rates`.

    Parameters
    ----------
    a, b : Qobj
        A and B.
    w : array_like (w,), unit of energy
        Frequencies; the weight is exp(i w t), as in QuTiP's ``spectrum`` with the sign of w turned.

    Returns
    -------
    complex array (w,), unit of A B over energy
        Real for B = A^dag.

    Raises
    ------
    ParameterError
        For frequencies that are not finite, or operators with other dims.
    """
    frequencies = np.atleast_1d(_checks.finite_array("w", w))
    if frequencies.ndim != 1:
        raise ParameterError(f"`w` must be one row of numbers, got shape {frequencies.shape}")
    left, right = matrix_of("a", a, system), matrix_of("b", b, system)
    if method == "heom":
        pairs = [(left, right), (right.conj().T, left.conj().T)]
        options = _asked(system, method, options)
        ahead, back = hierarchy.half_sided_spectra(system, pairs, frequencies, **options)
        return np.asarray(ahead + back.conj())
    made, left, right, rho = _regression(system, left, right, method, None, options)
    d = len(rho)
    matrix = made.eigenmatrix
    size = np.abs(matrix).max()
    # the state of rest is taken out of both sides: nothing is singular at w = 0
    still = matrix - size * np.outer(rho.T.ravel(), np.eye(d).ravel())

    def half(x: ComplexArray, y: ComplexArray) -> ComplexArray:
        start = (y @ rho - np.trace(y @ rho) * rho).T.ravel()
        one = np.eye(d * d)
        return np.array(
            [x.ravel() @ np.linalg.solve(-still - 1j * f * one, start) for f in frequencies]
        )

    return half(left, right) + half(right.conj().T, left.conj().T).conj()


def _regression(
    system: OpenSystem,
    left: ComplexArray,
    right: ComplexArray,
    method: str,
    state: Any,
    options: dict[str, Any],
) -> tuple[Generator, ComplexArray, ComplexArray, ComplexArray]:
    """Generator, and A, B and rho between eigenstates of H."""
    made = solved(system, method, options)
    inside = made.system.in_eigenbasis
    given = None if state is None else made.system.density_matrix(state, "state")
    rho = _steady_of(made) if given is None else inside(given)
    return made, inside(left), inside(right), rho


# --- the bath itself ---------------------------------------------------------------------------


def check(bath: Bath) -> BathCheck:
    """Positivity, detailed balance, level shift and memory time of a bath, measured.

    Returns
    -------
    BathCheck
        Prints itself.

    Raises
    ------
    ParameterError
        For what is no bath.
    """
    _checks.instance("bath", bath, Bath)
    return bath.check()


# --- words -------------------------------------------------------------------------------------


def _inverse(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / values)


def _few(align: str, rows: Sequence[Sequence[str]]) -> str:
    """A table whose body has at most `_SHOWN` rows."""
    rest = len(rows) - 1 - _SHOWN
    more = [f"  ... {rest} more"] if rest > 0 else []
    return table(align, [*rows[: _SHOWN + 1], *more], indent="  ")


def _column(values: Any) -> list[str]:
    return [f"{value:.8g}" for value in values]


def _rounded(value: float, beside: Any) -> float:
    """Zero in place of the rounding of numbers of another size."""
    return 0.0 if abs(value) <= ROUNDING * np.abs(beside).max(initial=0.0) else float(value)


def _list(values: Array) -> str:
    shown = ", ".join(f"{value:.6g}" for value in values[:8])
    return shown + (" ..." if len(values) > 8 else "")
