"""Hierarchical equations of motion: electron (x) moment beyond second order, with QuTiP.

The same joint space, coupling and noise as the Bloch-Redfield route, but the bath has a memory and
acts to every order: numerical counterpart of Eqs. (15), (34) without the Born and the Markov step.
The time-local generator of the electron is read off on its plateau. Inside, energies are in k_B T
and times in beta hbar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import qutip
from qutip import Qobj
from qutip.core.environment import ExponentialBosonicEnvironment
from scipy.special import pdtrc

from openmr import _checks
from openmr._checks import (
    Array,
    ComplexArray,
    ConvergenceError,
    ParameterError,
    SizeError,
)
from openmr._qutip import exact_arithmetic
from openmr.master import hierarchy
from openmr.moments.equilibrium import Equilibrium
from openmr.rates.plateau import (
    STEP,
    STEPS,
    VARIATION_LIMIT,
    Plateau,
    check_plateau,
    find_plateau,
    relaxation_part,
)
from openmr.rates.record import ExchangePart, pointwise
from openmr.rates.routes import joint_space
from openmr.units import HBAR, K_B

NARROWEST = 7 * np.pi
"""Default Drude cutoff [k_B T]; odd multiples of pi lie between the Matsubara frequencies."""
WIDER = 3.0
"""A second run, which measures what the cutoff does, has so many times the cutoff."""
FIRST_TERMS, FIRST_DEPTH = 4, 3
"""The rates first converge with the cutoff at depth 3."""
MAX_ELEMENTS = 1e5
"""Largest hierarchy that is propagated: about half a GB and a minute."""


def heom(
    state: Equilibrium,
    *,
    electron_splitting: bool = False,
    moment: str = "free",
    drude_cutoff: float | None = None,
    rtol: float = 1e-4,
    max_terms: int = 12,
    max_depth: int = 8,
    largest_spin: float = 1.0,
    options: Mapping[str, Any] | None = None,
) -> ExchangePart:
    """Exchange part of the relaxation tensor from hierarchical equations of motion.

    Parameters
    ----------
    state : Equilibrium
    electron_splitting : bool
        As in `bloch_redfield`.
    moment : {"free", "held"}
        "free": the generator dPhi/dt Phi^-1 of the electron's own map; the moment starts thermal
        and is left to itself. Its back-action adds to what second order leaves out: at low
        temperature it is most of it, and the generator drifts, which the uncertainty contains as
        the variation on the plateau.
        "held": the generator of electron and moment together, which stands still once the memory is
        over, projected onto the thermal moment, as when a fast thermostat holds it. Takes
        (2 (2S+1))^2 columns where "free" takes four.
    drude_cutoff : float, eV, optional
        Drude cutoff gamma of the noise. Default 7 pi k_B T, or ten times the largest Bohr frequency
        where that is more. Rates at gamma and 3 gamma are extrapolated to an infinite cutoff as
        1/gamma.
    rtol : float, no unit
        Largest change, of the largest rate, on one exponent less and on one level of the hierarchy
        less; a tenth of the plateau's variation where that is more. Choose it ten times below the
        deviation that is looked for.
    max_terms, max_depth : int
        Where to give up: Pade terms of the thermal factor, levels of the hierarchy.
    largest_spin : float, no unit
        Larger spins are refused with an estimate. Raise it to run them.
    options : dict, optional
        QuTiP's solver options, to propagate with its integrators. By default the matrix
        exponential is applied, which has no tolerance.

    Returns
    -------
    ExchangePart
        `dissipator` is the symmetric part; `precession` that of first order. `uncertainty` adds
        up the variation on the plateau, the changes on one term and one level less, the last step
        to an infinite band and, for several sublattices, what they may do to each other.
        Diagnostics as in `rates.methods`.

    Raises
    ------
    ParameterError
        For bad arguments.
    SizeError
        For a coupled spin above `largest_spin`, before anything is built.
    ConvergenceError
        If `max_terms`, `max_depth` or the largest hierarchy is reached before `rtol`; before
        anything is propagated where the noise is so strong that no such depth can do.
    ExtractionError
        If the generator has no plateau: the spin relaxes while the bath still remembers.

    Notes
    -----
    The principal part of the bath's spectrum holds a level shift that grows linearly with the
    cutoff and would turn electron and moment about each other, and logarithms. It changes no
    rate at second order and is an artefact of the small space, so it is taken out at that order;
    the rates then converge with the cutoff as 1/gamma.

    Each sublattice is followed in a space of its own and the rates are added. That is exact at
    second order; beyond it sublattices also disturb each other, which is not computed and enters
    the uncertainty with its order of magnitude, coupling_i Gamma_j.
    """
    _checks.choice("moment", moment, ("free", "held"))
    if drude_cutoff is not None:
        drude_cutoff = _checks.number("drude_cutoff", drude_cutoff, "eV", above=0.0)
    knobs = _Knobs(
        held=moment == "held",
        drude_cutoff=drude_cutoff,
        rtol=_checks.number("rtol", rtol, above=0.0, most=0.1),
        max_terms=_count("max_terms", max_terms, FIRST_TERMS),
        max_depth=_count("max_depth", max_depth, FIRST_DEPTH),
        options=options,
    )
    largest_spin = _checks.number("largest_spin", largest_spin, least=0.5)
    for moments in state.magnet.sublattices:
        if any(moments.exchange):
            _affordable_spin(moments.spin, largest_spin, knobs.held)
            _checks.joint_dimension("spin", [moments.spin], most=joint_space.MAX_DIMENSION)
    return pointwise(state, lambda point: _at_point(point, electron_splitting, knobs))


@dataclass(frozen=True, slots=True)
class _Knobs:
    held: bool
    drude_cutoff: float | None  # eV
    rtol: float
    max_terms: int
    max_depth: int
    options: Mapping[str, Any] | None


def _count(name: str, value: float, least: int) -> int:
    count = _checks.number(name, value, least=least)
    if count != round(count):
        raise ParameterError(f"`{name}` must be an integer >= {least}, got {value!r}")
    return round(count)


def _affordable_spin(spin: float, largest: float, held: bool) -> None:
    if spin <= largest:
        return
    dimension = round(2 * (2 * spin + 1))
    elements = _elements(dimension, 6, 4)  # terms and depth at G0 near 0.1
    columns = dimension**2 if held else 4
    gibibytes = elements * (3000 + 32.0 * columns) / 2**30
    seconds = 4e-5 * elements * columns**0.5  # as measured for S = 1 to 5/2 at G0 = 0.015
    raise SizeError(
        f"`spin` must be <= `largest_spin` = {largest:g}, got {spin:g}: a hierarchy of "
        f"{elements:.2g} elements takes about {gibibytes:.2g} GiB and {seconds:.2g} s per point; "
        "raise `largest_spin` to run it"
    )


def _elements(dimension: int, terms: int, depth: int) -> float:
    return float(dimension**2 * comb(terms + 1 + depth, depth))


# --- one point -----------------------------------------------------------------------------------

LARGEST = ["terms", "depth", "drude_cutoff", "coupling", "terms_change", "depth_change"]
LARGEST += ["plateau_variation", "cutoff_change", "trace", "fixed_point"]
LARGEST += ["plateau_start", "plateau_end"]
SUMMED = ["level_shift", "remaining_shift"]


def _at_point(state: Equilibrium, electron_splitting: bool, knobs: _Knobs) -> ExchangePart:
    sample = state.sample
    precession = float(joint_space.first_order_tensor(sample, state)[0, 1])
    thermal = K_B * float(state.temperature)
    time = HBAR / thermal
    w = time * precession if electron_splitting else 0.0
    spaces = joint_space.moment_spaces(sample, state, electron=w)
    found = [_of_space(space, space.noise * time, w, thermal, knobs) for space in spaces]
    tensor = sum((one.tensor for one in found), np.zeros((3, 3)))
    error = sum((one.error for one in found), np.zeros((3, 3)))
    for one in found:  # what the others' noise may do to this one's rates
        others = sum(space.noise * time for space in spaces) - one.diagnostics["coupling"]
        error = error + others * np.abs(one.tensor)
    diagnostics = {name: max((o.diagnostics[name] for o in found), default=0.0) for name in LARGEST}
    diagnostics |= {name: sum(one.diagnostics[name] for one in found) / time for name in SUMMED}
    diagnostics |= {name: diagnostics[name] * time for name in ("plateau_start", "plateau_end")}
    diagnostics["drude_cutoff"] *= thermal
    return ExchangePart(tensor / time, precession, error / time, diagnostics)


@dataclass(frozen=True, slots=True)
class _Found:
    """Symmetric part, its error and the diagnostics of one space, in units of 1/(beta hbar)."""

    tensor: Array
    error: Array
    diagnostics: dict[str, float]


def _of_space(
    space: joint_space.MomentSpace, coupling: float, w: float, thermal: float, knobs: _Knobs
) -> _Found:
    width = _cutoff(abs(space.splitting) + abs(w), knobs.drude_cutoff, thermal)
    _refuse_strong_noise(space, coupling, width, knobs)
    narrow = _converged(space, coupling, width, knobs)
    plateau, scale = narrow.plateau, narrow.plateau.largest
    wide = _recorded(space, coupling, WIDER * width, narrow.terms, narrow.depth, knobs)
    # what is left of the cutoff goes as 1/gamma
    beyond = (wide[plateau.window].mean(axis=0) - plateau.generator) / (WIDER - 1.0)
    generator = wide[plateau.window].mean(axis=0) + beyond
    widened = np.abs(relaxation_part(beyond))
    gibbs = np.array([1.0, 0.0, 0.0, -np.tanh(0.5 * w)])
    return _Found(
        tensor=relaxation_part(generator),
        error=plateau.variation + narrow.terms_change + narrow.depth_change + widened,
        diagnostics={
            "terms": narrow.terms,
            "depth": narrow.depth,
            "drude_cutoff": width,
            "coupling": coupling,
            "terms_change": narrow.terms_change / scale,
            "depth_change": narrow.depth_change / scale,
            "plateau_variation": float(plateau.variation.max()) / scale,
            "cutoff_change": float(widened.max()) / scale,
            "trace": float(np.abs(generator[0]).max()) / scale,
            "fixed_point": float(np.abs(generator @ gibbs).max()) / scale,
            "plateau_start": plateau.start,
            "plateau_end": plateau.end,
            "level_shift": _removed_shift(space, coupling, width, narrow.terms),
            "remaining_shift": 0.5 * float(generator[2, 1] - generator[1, 2]) - w,
        },
    )


def _cutoff(fastest: float, asked: float | None, thermal: float) -> float:
    """Drude cutoff [k_B T]; `asked` and k_B T in eV."""
    if asked is None:
        return max(NARROWEST, 10 * fastest)
    least = 2 * fastest * thermal
    if asked < least:
        raise ParameterError(
            f"`drude_cutoff` must be at least twice the largest Bohr frequency, {least:.3g} eV, "
            f"got {asked:.3g}"
        )
    return asked / thermal


def _refuse_strong_noise(
    space: joint_space.MomentSpace, coupling: float, width: float, knobs: _Knobs
) -> None:
    """Refuse at once what fills the bath beyond the deepest level allowed.

    Two states of the coupling, a apart, displace the exponent c exp(-nu t) by a c/nu: the levels of
    the hierarchy then have the weights of a Poisson distribution with the mean a^2 |c|/nu^2.
    """
    exponents = hierarchy.environment(coupling, width, FIRST_TERMS).exponents
    apart = float(np.ptp(space.coupling.eigenenergies()))
    mean = apart**2 * sum(abs(e.coefficient) / abs(e.exponent) ** 2 for e in exponents)
    beyond = float(pdtrc(knobs.max_depth, mean))
    allowed = max(knobs.rtol, 0.1 * VARIATION_LIMIT)
    if beyond > allowed:
        raise ConvergenceError(
            f"the noise is too strong for a hierarchy of `max_depth` = {knobs.max_depth} levels: "
            f"{coupling:.2g} k_B T/hbar fills the bath to level {mean:.2g} and leaves {beyond:.2g} "
            f"of it beyond (allowed {allowed:.2g}); weaken the exchange or raise the temperature"
        )


# --- convergence in terms and depth --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Converged:
    plateau: Plateau
    terms: int
    depth: int
    terms_change: float
    depth_change: float


def _converged(
    space: joint_space.MomentSpace, coupling: float, width: float, knobs: _Knobs
) -> _Converged:
    """Raise terms and depth until one less of either changes no rate by more than allowed."""
    recorded: dict[tuple[int, int], Array] = {}

    def record(terms: int, depth: int) -> Array:
        if (terms, depth) not in recorded:
            recorded[terms, depth] = _recorded(space, coupling, width, terms, depth, knobs)
        return recorded[terms, depth]

    terms, depth = FIRST_TERMS, FIRST_DEPTH
    while True:
        best = record(terms, depth)
        plateau = find_plateau(best, knobs.held)
        fewer, shallower = (
            float(np.abs(relaxation_part(best - other)[plateau.window]).max())
            for other in (record(terms - 1, depth), record(terms, depth - 1))
        )
        variation = float(plateau.variation.max())
        allowed = max(knobs.rtol * plateau.largest, 0.1 * variation)
        if max(fewer, shallower) <= max(allowed, 0.3 * variation):  # the variation is no artefact
            check_plateau(plateau)
        if max(fewer, shallower) <= allowed:
            return _Converged(plateau, terms, depth, fewer, shallower)
        more = terms + (not fewer <= allowed), depth + (not shallower <= allowed)
        elements = _elements(space.hamiltonian.shape[0], *more)
        if more[0] > knobs.max_terms or more[1] > knobs.max_depth or elements > MAX_ELEMENTS:
            raise ConvergenceError(
                f"the hierarchy is not converged with {terms} terms and depth {depth}: one less "
                f"changes the rates by {fewer / plateau.largest:.2g} and "
                f"{shallower / plateau.largest:.2g} of the largest (allowed "
                f"{allowed / plateau.largest:.2g}, see `rtol`); the next has {elements:.2g} "
                f"elements (allowed {MAX_ELEMENTS:.2g}, `max_terms` = {knobs.max_terms}, "
                f"`max_depth` = {knobs.max_depth})"
            )
        terms, depth = more


# --- the generator -------------------------------------------------------------------------------


def _parts(
    space: joint_space.MomentSpace, coupling: float, width: float, terms: int
) -> tuple[ExponentialBosonicEnvironment, Qobj, Qobj]:
    """Bath, dressed coupling operator, principal part."""
    bath = hierarchy.environment(coupling, width, terms)
    operator = hierarchy.dressed(space.hamiltonian, space.coupling, width)
    return bath, operator, hierarchy.principal_part(space.hamiltonian, operator, bath)


def _removed_shift(
    space: joint_space.MomentSpace, coupling: float, width: float, terms: int
) -> float:
    """Precession of the electron by the principal part that is taken out."""
    with exact_arithmetic():
        shift = _parts(space, coupling, width, terms)[2]
        tensor = joint_space.bloch_tensor(joint_space.project(shift, space.moment))
    return 0.5 * float(tensor[0, 1] - tensor[1, 0])


def _recorded(
    space: joint_space.MomentSpace,
    coupling: float,
    width: float,
    terms: int,
    depth: int,
    knobs: _Knobs,
) -> Array:
    """Time-local generator of the electron on (1, sigma) at the recorded times, (t, 4, 4)."""
    with exact_arithmetic():
        bath, operator, principal = _parts(space, coupling, width, terms)
        system = qutip.liouvillian(space.hamiltonian) - principal
        solver = hierarchy.solver(system, operator, bath, depth, knobs.options)
        spins = [qutip.qeye(2), *joint_space.PAULI]
        identity = qutip.qeye(space.moment.dims[0])
        starts = np.stack([_column(qutip.tensor(s, space.moment)) for s in spins], axis=-1)
        traces = 0.5 * np.stack([_column(qutip.tensor(s, identity)).conj() for s in spins])
        columns = np.eye(len(starts), dtype=complex) if knobs.held else starts
        propagate = hierarchy.exponential if knobs.options is None else hierarchy.integrated
        states, changes = propagate(solver, columns, STEP, STEPS)
    if knobs.held:
        return np.asarray((traces @ changes @ np.linalg.inv(states) @ starts).real)
    return np.asarray((traces @ changes @ np.linalg.inv(traces @ states)).real)


def _column(operator: Qobj) -> ComplexArray:
    return np.asarray(operator.full().ravel("F"))
