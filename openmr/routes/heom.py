"""Hierarchical equations of motion: electron (x) moment beyond second order, with QuTiP.

The same joint space, coupling and noise as the Bloch-Redfield route, but the bath has a memory and
acts to every order: numerical counterpart of Eqs. (15), (34) without the Born and the Markov step.
The noise spectrum is G(w) of `openmr.bath` with a Lorentz-Drude cut (Tanimura 2020); the
time-local generator of the electron is read off on its plateau. Inside, energies are in k_B T and
times in beta hbar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj
from qutip.core.environment import DrudeLorentzEnvironment, ExponentialBosonicEnvironment
from qutip.solver.heom import HEOMSolver
from qutip.solver.integrator import IntegratorException
from scipy.linalg import expm
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from openmr import _checks, hilbert
from openmr._checks import Array, ConvergenceError, ExtractionError, ParameterError, SizeError
from openmr._qutip import exact_arithmetic
from openmr.bath import ComplexArray
from openmr.equilibrium import Equilibrium, equilibrium
from openmr.rates import PointRates, Relaxation, collect
from openmr.sample import Sample
from openmr.units import HBAR, K_B

STEP = 0.25
"""Spacing of the times at which the generator is recorded [beta hbar]."""
STEPS = 16
"""The slowest memory of a wide band decays as exp(-2 pi t): to 1e-8 at t = 3, of 4 recorded."""
WINDOW = 4
"""Steps in the window on which the generator must stand still: one thermal time."""
VARIATION_LIMIT = 0.1
"""A generator that varies by more than this, of its largest rate, in every window has no plateau."""
NARROWEST = 7 * np.pi
"""Default bandwidth [k_B T]; odd multiples of pi lie between the Matsubara frequencies."""
WIDER = 3.0
"""The second run, which measures what the bandwidth does, has so many times the bandwidth."""
FIRST_TERMS, FIRST_DEPTH = 4, 2
KRYLOV = 80
"""Largest Krylov space before the time step is halved."""
EPSILON = float(np.finfo(float).eps)
ROUNDING = 1e-14
"""Error of one time step, of the largest weight in the Krylov space."""
MAX_ELEMENTS = 4e5
"""Largest hierarchy that is propagated; its right-hand side takes about 0.5 GB."""


def heom(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    electron_splitting: bool = False,
    moment: str = "free",
    bandwidth: float | None = None,
    rtol: float = 1e-5,
    max_terms: int = 12,
    max_depth: int = 8,
    largest_spin: float = 1.0,
    options: Mapping[str, Any] | None = None,
) -> Relaxation:
    """Exchange part of the relaxation tensor from hierarchical equations of motion.

    Parameters
    ----------
    sample : Sample
    temperature, field : array_like, K and T
    electron_splitting : bool
        As in `bloch_redfield`.
    moment : {"free", "held"}
        What the moment does. "free": it starts thermal and is left to itself, and the generator is
        that of the electron's own map. Its back-action makes the generator drift and oscillate at
        the order of the deviation from second order. "held": the generator of electron and moment
        together, which stands still once the memory is over, projected onto the thermal moment,
        as when a fast thermostat holds it. Costs (2S+1)^2 times as many columns.
    bandwidth : float, k_B T, optional
        Drude cut gamma of the noise. Default 7 pi, or ten times the largest Bohr frequency where
        that is more. Second order does not depend on it; beyond, rates run with its logarithm.
    rtol : float
        Largest change, of the largest rate, on one more exponent and on one more level of the
        hierarchy. Choose it ten times below the deviation that is looked for.
    max_terms, max_depth : int
        Where to give up: Pade terms of the thermal factor, levels of the hierarchy.
    largest_spin : float
        Larger spins are refused with an estimate. Raise it to run them.
    options : dict, optional
        QuTiP's solver options, to propagate with its integrators. By default the matrix
        exponential is applied, which has no tolerance.

    Returns
    -------
    Relaxation
        `dissipator` is the symmetric part; `precession` that of first order. `uncertainty` adds
        up the variation on the plateau, the changes on one term and one level less, the change on
        three times the bandwidth and, for several sublattices, what they may do to each other.
        Diagnostics: ``terms``, ``depth``, ``bandwidth`` [k_B T], ``coupling`` (noise times
        beta hbar), ``terms_change``, ``depth_change``, ``plateau_variation``,
        ``bandwidth_change``, ``trace``, ``fixed_point`` (relative to the largest rate),
        ``plateau_start``, ``plateau_end`` [s], ``level_shift`` and ``remaining_shift`` [rad/s]
        (precession by the bath's level shift: removed, and left).

    Raises
    ------
    ParameterError
        For bad arguments.
    SizeError
        For a spin above `largest_spin`, before anything is built.
    ConvergenceError
        If `max_terms`, `max_depth` or the memory is reached before `rtol`.
    ExtractionError
        If the generator has no plateau: the spin relaxes while the bath still remembers.

    Notes
    -----
    Each sublattice is followed in a space of its own and the rates are added. That is exact at
    second order; beyond it sublattices also disturb each other, which is not computed and enters
    the uncertainty with its order of magnitude, coupling_i Gamma_j.
    """
    _checks.choice("moment", moment, ("free", "held"))
    if bandwidth is not None:
        bandwidth = _checks.number("bandwidth", bandwidth, "k_B T", above=0.0)
    knobs = _Knobs(
        held=moment == "held",
        rtol=_checks.number("rtol", rtol, above=0.0, most=0.1),
        max_terms=int(_checks.number("max_terms", max_terms, least=FIRST_TERMS)),
        max_depth=int(_checks.number("max_depth", max_depth, least=FIRST_DEPTH)),
        options=options,
    )
    largest_spin = _checks.number("largest_spin", largest_spin, least=0.5)
    for moments in sample.magnet.sublattices:
        _affordable_spin(moments.spin, largest_spin, knobs.held)
        _checks.joint_dimension("spin", [moments.spin], most=hilbert.MAX_DIMENSION)
    state = equilibrium(sample, temperature, field)
    points = []
    for point in state.points():
        try:
            points.append(_at_point(sample, point, electron_splitting, bandwidth, knobs))
        except (ConvergenceError, ExtractionError) as error:
            where = f"at {float(point.temperature):g} K and {float(point.field):g} T"
            raise type(error)(f"{error} ({where})") from None
    return collect("heom", sample, state.temperature, state.field, points)


@dataclass(frozen=True, slots=True)
class _Knobs:
    held: bool
    rtol: float
    max_terms: int
    max_depth: int
    options: Mapping[str, Any] | None


def _affordable_spin(spin: float, largest: float, held: bool) -> None:
    if spin <= largest:
        return
    size = (round(2 * (2 * spin + 1))) ** 2
    elements = size * comb(FIRST_TERMS + 6, 4)
    columns = size if held else 4
    gibibytes = 16.0 * elements * (2 * columns + 80) / 2**30
    # a thousand products, at 2e-8 s per nonzero (20 a row) and column, for each of ten runs
    seconds = 10 * 1000 * 2e-8 * 20 * elements * columns / 10
    raise SizeError(
        f"`spin` must be <= `largest_spin` = {largest:g}, got {spin:g}: a hierarchy of "
        f"{elements:.2g} elements, about {gibibytes:.2g} GiB and {seconds:.2g} s per point"
    )


# --- one point -------------------------------------------------------------------------------

_LARGEST = (
    "terms depth bandwidth coupling terms_change depth_change plateau_variation bandwidth_change "
    "trace fixed_point plateau_start plateau_end"
).split()
_SUMMED = ("level_shift", "remaining_shift")


def _at_point(
    sample: Sample,
    state: Equilibrium,
    electron_splitting: bool,
    bandwidth: float | None,
    knobs: _Knobs,
) -> PointRates:
    precession = float(hilbert.first_order_tensor(sample, state)[0, 1])
    time = HBAR / (K_B * float(state.temperature))
    w = time * precession if electron_splitting else 0.0
    spaces = hilbert.moment_spaces(sample, state, electron=w)
    found = [_of_space(space, space.noise * time, w, bandwidth, knobs) for space in spaces]
    tensors = [one.tensor for one in found] or [np.zeros((3, 3))]
    errors = [one.error for one in found] or [np.zeros((3, 3))]
    couplings = [space.noise * time for space in spaces]
    crossed = [
        coupling * np.abs(tensor)
        for i, coupling in enumerate(couplings)
        for j, tensor in enumerate(tensors)
        if i != j
    ]
    diagnostics = {
        name: max((o.diagnostics[name] for o in found), default=0.0) for name in _LARGEST
    }
    diagnostics |= {name: sum(one.diagnostics[name] for one in found) / time for name in _SUMMED}
    diagnostics |= {name: diagnostics[name] * time for name in ("plateau_start", "plateau_end")}
    return PointRates(
        dissipator=np.sum(tensors, axis=0) / time,
        precession=precession,
        uncertainty=np.sum([*errors, *crossed], axis=0) / time,
        diagnostics=diagnostics,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """Symmetric part, its error and the diagnostics of one space, in units of 1/(beta hbar)."""

    tensor: Array
    error: Array
    diagnostics: dict[str, float]


def _of_space(
    space: hilbert.MomentSpace, coupling: float, w: float, bandwidth: float | None, knobs: _Knobs
) -> _Found:
    fastest = abs(space.splitting) + abs(w)
    width = max(NARROWEST, 10 * fastest) if bandwidth is None else bandwidth
    if width < 2 * fastest:
        raise ParameterError(
            f"`bandwidth` must be at least twice the largest Bohr frequency, {2 * fastest:.3g} "
            f"k_B T, got {width:.3g}"
        )
    narrow = _converged(space, coupling, width, knobs)
    wide = _plateau(_generators(space, coupling, WIDER * width, narrow.terms, narrow.depth, knobs))
    generator = narrow.plateau.generator
    tensor = _symmetric(generator)
    scale = float(np.abs(tensor).max())
    widened = np.abs(_symmetric(wide.generator) - tensor)
    error = narrow.plateau.variation[1:, 1:] + narrow.terms_change + narrow.depth_change + widened
    fixed = generator @ np.array([1.0, 0.0, 0.0, -np.tanh(0.5 * w)])
    return _Found(
        tensor=tensor,
        error=error,
        diagnostics={
            "terms": narrow.terms,
            "depth": narrow.depth,
            "bandwidth": width,
            "coupling": coupling,
            "terms_change": narrow.terms_change / scale,
            "depth_change": narrow.depth_change / scale,
            "plateau_variation": float(narrow.plateau.variation.max()) / scale,
            "bandwidth_change": float(widened.max()) / scale,
            "trace": float(np.abs(generator[0]).max()) / scale,
            "fixed_point": float(np.abs(fixed).max()) / scale,
            "plateau_start": narrow.plateau.start,
            "plateau_end": narrow.plateau.end,
            "level_shift": _shift_of(space, coupling, width, narrow.terms),
            "remaining_shift": 0.5 * float(generator[2, 1] - generator[1, 2]) - w,
        },
    )


def _symmetric(generator: Array) -> Array:
    tensor = -generator[1:, 1:]
    return np.asarray(0.5 * (tensor + tensor.T))


# --- convergence in terms and depth, and the plateau -------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plateau:
    """Generator (4, 4) on (1, sigma), its variation on the window, and the window's ends."""

    generator: Array
    variation: Array
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Converged:
    plateau: _Plateau
    terms: int
    depth: int
    terms_change: float
    depth_change: float


def _converged(
    space: hilbert.MomentSpace,
    coupling: float,
    width: float,
    knobs: _Knobs,
) -> _Converged:
    """Raise terms and depth until one less of either changes no rate by more than rtol."""
    recorded: dict[tuple[int, int], Array] = {}

    def record(terms: int, depth: int) -> Array:
        if (terms, depth) not in recorded:
            recorded[terms, depth] = _generators(space, coupling, width, terms, depth, knobs)
        return recorded[terms, depth]

    terms, depth = FIRST_TERMS, FIRST_DEPTH
    while True:
        best = record(terms, depth)
        plateau = _plateau(best)
        allowed = knobs.rtol * float(np.abs(_symmetric(plateau.generator)).max())
        window = slice(round(plateau.start / STEP), round(plateau.end / STEP) + 1)
        fewer = float(np.abs(best - record(terms - 1, depth))[window].max())
        shallower = float(np.abs(best - record(terms, depth - 1))[window].max())
        if fewer <= allowed and shallower <= allowed:
            _check_plateau(plateau)
            return _Converged(plateau, terms, depth, fewer, shallower)
        more = terms + (not fewer <= allowed), depth + (not shallower <= allowed)
        elements = _elements(space.hamiltonian.shape[0], *more)
        if more[0] > knobs.max_terms or more[1] > knobs.max_depth or elements > MAX_ELEMENTS:
            raise ConvergenceError(
                f"the hierarchy is not converged to `rtol` = {knobs.rtol:g} with {terms} terms and "
                f"depth {depth}: changes {knobs.rtol * fewer / allowed:.2g} and "
                f"{knobs.rtol * shallower / allowed:.2g} of the largest rate; the next has "
                f"{elements:.2g} elements (allowed {MAX_ELEMENTS:.2g}, `max_terms` "
                f"{knobs.max_terms}, `max_depth` {knobs.max_depth})"
            )
        terms, depth = more


def _elements(dimension: int, terms: int, depth: int) -> float:
    return float(dimension**2 * comb(terms + 1 + depth, depth))


def _plateau(generators: Array) -> _Plateau:
    """The window of `WINDOW` steps in which the generator changes least."""
    windows = np.lib.stride_tricks.sliding_window_view(generators, WINDOW + 1, axis=0)
    variation = np.ptp(windows, axis=-1)
    first = int(np.argmin(variation.max(axis=(-2, -1))))
    return _Plateau(
        generator=windows[first].mean(axis=-1),
        variation=variation[first],
        start=first * STEP,
        end=(first + WINDOW) * STEP,
    )


def _check_plateau(plateau: _Plateau) -> None:
    scale = float(np.abs(_symmetric(plateau.generator)).max())
    worst = float(plateau.variation.max())
    if worst > VARIATION_LIMIT * scale:
        raise ExtractionError(
            f"the generator has no plateau: where it changes least, from {plateau.start:g} to "
            f"{plateau.end:g} beta hbar, it still varies by {worst / scale:.2g} of its largest "
            f"rate (allowed {VARIATION_LIMIT:g}); the spin relaxes in {1 / scale:.3g} beta hbar, "
            "while the bath's memory lasts about one: weaken the exchange, raise the temperature "
            'or hold the moment (`moment="held"`)'
        )


# --- the hierarchy -----------------------------------------------------------------------------


def _environment(coupling: float, width: float, terms: int) -> ExponentialBosonicEnvironment:
    """Exponents of the noise G0 x/(1 - exp(-x)) / (1 + (x/gamma)^2).

    QuTiP gives the pole at gamma the weight of the exact thermal factor and the other poles those
    of its Pade form. Until that form converges at gamma, far above every Bohr frequency, the
    mismatch is white noise that swamps the rates. Here gamma gets the weight of the Pade form too,
    which is the one that makes S(0) exact, and the spectrum converges where it is needed.
    """
    drude = DrudeLorentzEnvironment(T=1.0, lam=0.25 * coupling * width, gamma=width)
    exponents = drude.approximate("pade", Nk=terms, combine=False).exponents
    real = [e for e in exponents if e.type.name == "R"]
    imaginary = [e for e in exponents if e.type.name == "I"]
    thermal = real[1:]  # the first is the pole at gamma
    rest = sum(float(e.ck) / float(e.vk) for e in thermal)
    at_width = width * (0.5 * coupling - rest)
    return ExponentialBosonicEnvironment(
        [at_width, *(float(e.ck) for e in thermal)],
        [width, *(float(e.vk) for e in thermal)],
        [float(e.ck) for e in imaginary],
        [float(e.vk) for e in imaginary],
        T=1.0,
    )


def _gaps(hamiltonian: Qobj) -> Array:
    """E_m - E_n of a diagonal Hamiltonian, shape (d, d)."""
    energies = hamiltonian.diag().real
    return np.asarray(energies[:, None] - energies[None, :])


def _dressed(space: hilbert.MomentSpace, width: float) -> Qobj:
    """Coupling whose elements at Bohr frequency w are larger by sqrt(1 + (w/gamma)^2).

    The Drude cut lowers the noise at w by the square of that, so second order sees G(w) itself.
    """
    enlarged = space.coupling.full() * np.sqrt(1.0 + (_gaps(space.hamiltonian) / width) ** 2)
    return Qobj(enlarged, dims=space.coupling.dims)


def _level_shift(
    hamiltonian: Qobj, coupling: Qobj, environment: ExponentialBosonicEnvironment
) -> Qobj:
    """Second-order level shift, (A Lambda - Lambda^dag A)/2i, Lambda = int C(t) A(-t) dt.

    It grows linearly with the bandwidth and would turn electron and moment about each other; for
    electrons in a Fermi sea there is no such term, so it is taken out of the Hamiltonian.
    """
    gaps = _gaps(hamiltonian)
    half_sided = sum(e.coefficient / (e.exponent + 1j * gaps) for e in environment.exponents)
    memory = Qobj(coupling.full() * half_sided, dims=coupling.dims)
    return (coupling * memory - memory.dag() * coupling) / 2j


def _shift_of(space: hilbert.MomentSpace, coupling: float, width: float, terms: int) -> float:
    """Precession of the electron by the level shift, which `_solver` takes out."""
    with exact_arithmetic():
        shift = _level_shift(
            space.hamiltonian, _dressed(space, width), _environment(coupling, width, terms)
        )
        projected = hilbert.project(qutip.liouvillian(shift), space.moment)
    return float(hilbert.bloch_tensor(projected)[0, 1])


def _solver(
    space: hilbert.MomentSpace,
    coupling: float,
    width: float,
    terms: int,
    depth: int,
    options: Mapping[str, Any] | None,
) -> HEOMSolver:
    environment = _environment(coupling, width, terms)
    operator = _dressed(space, width)
    shift = _level_shift(space.hamiltonian, operator, environment)
    chosen = {"progress_bar": "", **(options or {}), "store_ados": True}
    try:
        return HEOMSolver(space.hamiltonian - shift, (environment, operator), depth, options=chosen)
    except KeyError as error:
        raise ParameterError(f"`options` must be QuTiP solver options: {error}") from None


def _generators(
    space: hilbert.MomentSpace,
    coupling: float,
    width: float,
    terms: int,
    depth: int,
    knobs: _Knobs,
) -> Array:
    """Time-local generator of the electron on (1, sigma) at the recorded times, (t, 4, 4)."""
    with exact_arithmetic():
        solver = _solver(space, coupling, width, terms, depth, knobs.options)
        spins = [qutip.qeye(2), *hilbert.PAULI]
        identity = qutip.qeye(space.moment.dims[0])
        starts = np.stack([_column(qutip.tensor(s, space.moment)) for s in spins], axis=-1)
        traces = 0.5 * np.stack([_column(qutip.tensor(s, identity)).conj() for s in spins])
        columns = np.eye(len(starts), dtype=complex) if knobs.held else starts
        if knobs.options is None:
            states, changes = _exponential(csr_array(solver.rhs(0).data.as_scipy()), columns)
        else:
            states, changes = _integrated(solver, columns)
    if knobs.held:
        joint = changes @ np.linalg.inv(states)
        return np.asarray((traces @ joint @ starts).real)
    return np.asarray(((traces @ changes) @ np.linalg.inv(traces @ states)).real)


def _column(operator: Qobj) -> ComplexArray:
    return np.asarray(operator.full().ravel("F"))


def _exponential(rhs: csr_array, columns: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Density matrix and its derivative at the recorded times by the matrix exponential.

    Conserved quantities (J_z where Jx = Jy, its parity otherwise) split the right-hand side into
    blocks; each block takes the columns that start in it.
    """
    size, count = columns.shape
    rhs.eliminate_zeros()
    states = np.zeros((STEPS + 1, size, count), dtype=complex)
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
        for step in range(STEPS + 1):
            if step:
                moved = [_krylov(part, vector, STEP) for vector in vectors.T]
                vectors = np.stack(moved, axis=-1)
            at = np.ix_([step], top, chosen)
            states[at] = vectors[: len(top)]
            changes[at] = part[: len(top)] @ vectors
    return states, changes


def _krylov(matrix: csr_array, vector: ComplexArray, time: float) -> ComplexArray:
    """exp(time matrix) vector in a Krylov space, grown until its error estimate is round-off.

    The hierarchy is stiff but damped, so the space needs the root of the number of products that a
    Taylor series does (Hochbruck and Lubich 1997).
    """
    size = min(KRYLOV, len(vector))
    length = float(np.linalg.norm(vector))
    basis = np.zeros((size + 1, len(vector)), dtype=complex)
    small = np.zeros((size + 1, size + 1), dtype=complex)
    basis[0] = vector / length
    for m in range(1, size + 1):
        new = matrix @ basis[m - 1]
        for _ in range(2):  # once more, against the rounding of the first
            overlap = basis[:m].conj() @ new
            new -= overlap @ basis[:m]
            small[:m, m - 1] += overlap
        rest = float(np.linalg.norm(new))
        small[m, m - 1] = rest
        exact = rest <= EPSILON * float(np.abs(small).max())
        if not exact:
            basis[m] = new / rest
        if exact or m % 10 == 0 or m == size:
            weights = expm(time * small[: m + 1, : m + 1])[:, 0]
            if exact or abs(weights[m]) <= ROUNDING * np.abs(weights).max():
                return np.asarray(length * (weights @ basis[: m + 1]))
    half = _krylov(matrix, vector, 0.5 * time)
    return _krylov(matrix, half, 0.5 * time)


def _integrated(solver: HEOMSolver, columns: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """The same by QuTiP's integrator."""
    size = round(len(columns) ** 0.5)
    rhs = csr_array(solver.rhs(0).data.as_scipy())
    times = STEP * np.arange(STEPS + 1)
    states, changes = [], []
    for column in columns.T:
        start = np.zeros(rhs.shape[0], dtype=complex)
        start[: len(column)] = column
        try:
            run = solver.run(start.reshape(-1, size, size), times)
        except IntegratorException as error:
            raise ExtractionError(f"QuTiP's solver stopped ({error}); change `options`") from None
        flat = np.stack([state._ado_state.ravel() for state in run.ado_states])
        states.append(flat[:, : len(column)])
        changes.append((rhs[: len(column)] @ flat.T).T)
    return np.stack(states, axis=-1), np.stack(changes, axis=-1)
