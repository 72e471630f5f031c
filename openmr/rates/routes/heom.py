"""Hierarchical equations of motion: electron (x) moment beyond second order, with QuTiP.

The same joint space, coupling and noise as the Bloch-Redfield route, but the bath has a memory and
acts to every order: numerical counterpart of Eqs. (15), (34) without the Born and the Markov step.
The time-local generator of the electron is read off on its plateau. Inside, energies are in k_B T
and times in beta hbar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np
import qutip
from qutip import Qobj
from qutip.core.environment import DrudeLorentzEnvironment
from scipy.special import pdtrc

from openmr import _checks
from openmr._checks import EPSILON, Array, ConvergenceError, ParameterError, SizeError
from openmr._words import Moment
from openmr.bath.bath import Bath
from openmr.master.hierarchy import Hierarchy, ladder, stepped
from openmr.master.memory import scaled
from openmr.master.open_system import OpenSystem
from openmr.master.panels import of_tables
from openmr.moments.equilibrium import Equilibrium
from openmr.rates.methods import METHODS
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


def heom(
    state: Equilibrium,
    *,
    electron_splitting: bool = False,
    moment: Moment = "free",
    drude_cutoff: float | None = None,
    rtol: float = 1e-4,
    max_terms: int = 12,
    max_depth: int = 8,
    largest_spin: float = 1.0,
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
        Largest change, of the largest rate, on more exponents and on one level of the hierarchy
        less; a tenth of the plateau's variation where that is more. Choose it ten times below the
        deviation that is looked for.
    max_terms, max_depth : int
        Where to give up: Pade terms of the thermal factor, levels of the hierarchy.
    largest_spin : float, no unit
        Larger spins are refused with an estimate. Raise it to run them.

    Returns
    -------
    ExchangePart
        `dissipator` is the symmetric part; `precession` that of first order. `uncertainty` adds
        up the variation on the plateau, the changes on more terms and one level less, the last step
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
    _checks.choice("moment", moment, Moment)
    if drude_cutoff is not None:
        drude_cutoff = _checks.number("drude_cutoff", drude_cutoff, "eV", above=0.0)
    knobs = _Knobs(
        held=moment == "held",
        drude_cutoff=drude_cutoff,
        rtol=_checks.number("rtol", rtol, above=0.0, most=0.1),
        max_terms=_checks.integer("max_terms", max_terms, least=FIRST_TERMS),
        max_depth=_checks.integer("max_depth", max_depth, least=FIRST_DEPTH),
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


def _affordable_spin(spin: float, largest: float, held: bool) -> None:
    if spin <= largest:
        return
    dimension = round(2 * (2 * spin + 1))
    elements = dimension**2 * comb(11, 4)  # 6 terms and depth 4, at G0 near 0.1
    columns = dimension**2 if held else 4
    gibibytes = elements * (3000 + 32.0 * columns) / 2**30
    seconds = 4e-5 * elements * columns**0.5  # as measured for S = 1 to 5/2 at G0 = 0.015
    raise SizeError(
        f"`spin` must be <= `largest_spin` = {largest:g}, got {spin:g}: a hierarchy of "
        f"{elements:.2g} elements takes about {gibibytes:.2g} GiB and {seconds:.2g} s per point; "
        "raise `largest_spin` to run it"
    )


# --- one point -----------------------------------------------------------------------------------

_SUMMED = ("level_shift", "remaining_shift")
"""Diagnostics that add up over the spaces; of others the largest is told."""


def _at_point(state: Equilibrium, electron_splitting: bool, knobs: _Knobs) -> ExchangePart:
    sample = state.sample
    precession = float(joint_space.first_order_tensor(sample, state)[0, 1])
    thermal = K_B * float(state.temperature)
    time = HBAR / thermal
    w = time * precession if electron_splitting else 0.0
    spaces = joint_space.moment_spaces(sample, state, electron=w)
    found = [_of_space(space, space.noise * time, w, thermal, knobs) for space in spaces]
    tensor, error = np.zeros((3, 3)), np.zeros((3, 3))
    for one in found:  # what the others' noise may do to this one's rates
        others = sum(space.noise * time for space in spaces) - one.diagnostics["coupling"]
        tensor = tensor + one.dissipator
        error = error + np.asarray(one.uncertainty) + others * np.abs(one.dissipator)
    diagnostics = {
        name: max((one.diagnostics[name] for one in found), default=0.0)
        for name in METHODS["heom"].diagnostics
    }
    diagnostics |= {name: sum(one.diagnostics[name] for one in found) / time for name in _SUMMED}
    diagnostics |= {name: diagnostics[name] * time for name in ("plateau_start", "plateau_end")}
    diagnostics["drude_cutoff"] *= thermal
    return ExchangePart(tensor / time, precession, error / time, diagnostics)


def _of_space(
    space: joint_space.MomentSpace, coupling: float, w: float, thermal: float, knobs: _Knobs
) -> ExchangePart:
    """Symmetric part, its error and the diagnostics of one space, in units of 1/(beta hbar)."""
    width = _cutoff(abs(space.splitting) + abs(w), knobs.drude_cutoff, thermal)
    _refuse_strong_noise(space, coupling, width, knobs)
    terms, depth, plateau, *changes = _converged(space, coupling, width, knobs)
    scale = plateau.largest
    wide = _recorded(space, _hierarchy(space, coupling, WIDER * width, terms, depth), knobs.held)
    # what is left of the cutoff goes as 1/gamma
    beyond = (wide[plateau.window].mean(axis=0) - plateau.generator) / (WIDER - 1.0)
    generator = wide[plateau.window].mean(axis=0) + beyond
    widened = np.abs(relaxation_part(beyond))
    gibbs = np.array([1.0, 0.0, 0.0, -np.tanh(0.5 * w)])
    return ExchangePart(
        dissipator=relaxation_part(generator),
        precession=0.0,
        uncertainty=plateau.variation + sum(changes) + widened,
        diagnostics={
            "terms": terms,
            "depth": depth,
            "drude_cutoff": width,
            "coupling": coupling,
            "terms_change": changes[0] / scale,
            "depth_change": changes[1] / scale,
            "plateau_variation": float(plateau.variation.max()) / scale,
            "cutoff_change": float(widened.max()) / scale,
            "trace": float(np.abs(generator[0]).max()) / scale,
            "fixed_point": float(np.abs(generator @ gibbs).max()) / scale,
            "plateau_start": plateau.start,
            "plateau_end": plateau.end,
            "level_shift": _removed_shift(space, coupling, width, terms),
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
    found = bath(coupling, width, FIRST_TERMS).exponents()
    apart = float(np.ptp(space.coupling.eigenenergies()))
    mean = apart**2 * float((np.abs(found.coefficients) / np.abs(found.rates) ** 2).sum())
    beyond = float(pdtrc(knobs.max_depth, mean))
    allowed = max(knobs.rtol, 0.1 * VARIATION_LIMIT)
    if beyond > allowed:
        raise ConvergenceError(
            f"the noise is too strong for a hierarchy of `max_depth` = {knobs.max_depth} levels: "
            f"{coupling:.2g} k_B T/hbar fills the bath to level {mean:.2g} and leaves {beyond:.2g} "
            f"of it beyond (allowed {allowed:.2g}); weaken the exchange or raise the temperature"
        )


# --- convergence in terms and depth --------------------------------------------------------------


def _converged(
    space: joint_space.MomentSpace, coupling: float, width: float, knobs: _Knobs
) -> tuple[int, int, Plateau, float, float]:
    """Terms and depth at which no rate on the plateau changes by more than allowed; the changes."""
    recorded = cache(lambda one: _recorded(space, one, knobs.held))

    def answer(one: Hierarchy) -> tuple[Array, float]:
        plateau = find_plateau(recorded(one), knobs.held)
        variation = float(plateau.variation.max())
        return recorded(one), 2 * max(knobs.rtol * plateau.largest, 0.1 * variation)

    def apart(best: Array, other: Array) -> float:
        window = find_plateau(best, knobs.held).window
        return float(np.abs(relaxation_part(best - other)[window]).max())

    def hierarchy_of(more: int, depth: int) -> Hierarchy:
        return _hierarchy(space, coupling, width, FIRST_TERMS + more, depth)

    more_terms = 1 + knobs.max_terms - FIRST_TERMS
    try:
        found, fewer, shallower = ladder(hierarchy_of, answer, knobs.max_depth, more_terms, apart)
    except SizeError as error:
        raise ConvergenceError(f"too large before it is converged: {error}") from None
    plateau = find_plateau(recorded(found), knobs.held)
    check_plateau(plateau)
    return len(found.exponents) - 1, found.depth, plateau, fewer, shallower


# --- the generator -------------------------------------------------------------------------------


def bath(coupling: float, width: float, terms: int) -> Bath:
    """Noise G0 K(w) / (1 + (w/gamma)^2), K(w) = w / (1 - exp(-w)), in exponents.

    The one at gamma has the weight of the Pade form, which makes S(0) exact, not QuTiP's of the
    exact thermal factor: docs/theory/numerics.md.

    Parameters
    ----------
    coupling : float, 1/(beta hbar)
        G0.
    width : float, k_B T
        Drude cut gamma.
    terms : int
        Of the Pade form of the thermal factor; one more exponent is at gamma.

    Returns
    -------
    Bath
        Comes out as QuTiP's environment, too.
    """
    drude = DrudeLorentzEnvironment(T=1.0, lam=0.25 * coupling * width, gamma=width)
    exponents = drude.approximate("pade", Nk=terms, combine=False).exponents
    thermal = [e for e in exponents if e.type.name == "R"][1:]  # the first is the one at gamma
    (imaginary,) = (e for e in exponents if e.type.name == "I")
    rest = sum(e.ck / e.vk for e in thermal)
    first = width * (0.5 * coupling - rest) + 1j * imaginary.ck
    return Bath(exponents=([first, *(e.ck for e in thermal)], [width, *(e.vk for e in thermal)]))


def dressed(hamiltonian: Qobj, operator: Qobj, width: float) -> Qobj:
    """Coupling with its elements at Bohr frequency w enlarged by sqrt(1 + (w/gamma)^2).

    The Drude cut lowers the noise at w by the square of that, so second order sees the uncut noise
    at any cutoff.

    Parameters
    ----------
    hamiltonian : Qobj, k_B T
        Diagonal.
    operator : Qobj
    width : float, k_B T
        Drude cut gamma.

    Returns
    -------
    Qobj
        Same dims.
    """
    energies = hamiltonian.diag().real
    gaps = energies[:, None] - energies
    return Qobj(operator.full() * np.sqrt(1.0 + (gaps / width) ** 2), dims=operator.dims)


def principal_part(system: OpenSystem) -> Qobj:
    """Second-order superoperator that the imaginary half-sided spectra of the baths make.

    The level shift is in it, which grows linearly with the cutoff, and logarithms of it.

    Parameters
    ----------
    system : OpenSystem

    Returns
    -------
    Qobj
        Superoperator, in the unit of the Hamiltonian.
    """
    w = system.bohr[1]
    tables = [1j * c.bath.half_sided(w).imag for c in system.couplings]
    return of_tables(system, tables, np.inf, True, None).dissipator


def _system(
    space: joint_space.MomentSpace, coupling: float, width: float, terms: int
) -> OpenSystem:
    operator = dressed(space.hamiltonian, space.coupling, width)
    return OpenSystem(space.hamiltonian, [(operator, bath(coupling, width, terms))])


def _hierarchy(
    space: joint_space.MomentSpace, coupling: float, width: float, terms: int, depth: int
) -> Hierarchy:
    problem = scaled(_system(space, coupling, width, terms), EPSILON)
    return Hierarchy(problem, depth, -principal_part(problem.system).full() / problem.unit)


def _removed_shift(
    space: joint_space.MomentSpace, coupling: float, width: float, terms: int
) -> float:
    """Precession of the electron by the principal part that is taken out."""
    shift = principal_part(_system(space, coupling, width, terms))
    tensor = joint_space.bloch_tensor(joint_space.project(shift, space.moment))
    return 0.5 * float(tensor[0, 1] - tensor[1, 0])


def _recorded(space: joint_space.MomentSpace, hierarchy: Hierarchy, held: bool) -> Array:
    """Time-local generator of the electron on (1, sigma) at the recorded times, (t, 4, 4)."""
    starts, traces = (
        np.array(
            [qutip.tensor(s, m).full().ravel("F") for s in (qutip.qeye(2), *joint_space.PAULI)]
        )
        for m in (space.moment, qutip.qeye(space.moment.dims[0]))
    )
    starts, traces = starts.T, 0.5 * traces.conj()
    columns = np.eye(len(starts), dtype=complex) if held else starts
    matrix, unit, top = hierarchy.matrix, hierarchy.problem.unit, len(starts)
    whole = np.zeros((matrix.shape[0], columns.shape[1]), dtype=complex)
    whole[:top] = columns
    found = []
    marks: Array = unit * STEP * np.arange(STEPS + 1.0)
    for y in stepped(matrix, whole, marks):
        change, state = unit * (matrix[:top] @ y), y[:top]
        if held:
            found.append(traces @ change @ np.linalg.inv(state) @ starts)
        else:
            found.append(traces @ change @ np.linalg.inv(traces @ state))
    return np.array(found).real
