"""From the Liouville-von Neumann equation to the master equation of the electrons, (7)-(16)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from qutip import liouvillian
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import moment_correlation, spin_matrices
from openmr.models import clusters, finite_band, fock
from openmr.rates.routes.joint_space import bloch_tensor, coupling, project, thermal_moments
from openmr.reports.ledger.deviations import Pairs, Series, deviation, order
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.hamiltonian import exact_evolution
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Beside,
    Few,
    Still,
    as_state,
    commutator,
    electron_beside_moment,
    engine,
    few_electrons,
    hermitian,
    largest,
    many_body_state,
    on_fock_space,
    relative,
    scattered,
    still,
    thermal,
    time_nodes,
    trace_second,
    turned,
)

_SECTION = "III. Open quantum theory"
_SOLVER = 1e-9
"""Differential equations and differences are carried to 1e-11 or better."""


# --- (7), (8), (16) ---------------------------------------------------------------------------


@cache
def _integrated() -> Pairs:
    """Equation (7) by DOP853, hbar = 1, for an electron in a band with a moment.

    At the last of times given by the first, the last and their number.
    """
    band, times = exact_evolution().band, (0.2, 1.2, 3)
    coupling = np.kron(band.scattering[0], band.couplings[0])
    free = np.add.outer(band.orbitals, band.energies).ravel()
    start = np.zeros((36, 36), dtype=complex)
    start[4 * band.start + 1, 4 * band.start + 1] = 1.0

    def rate(t: float, flat: Any) -> Any:
        v = np.exp(1j * t * (free[:, None] - free)) * coupling
        return (1j * commutator(flat.reshape(start.shape), v)).ravel()

    found = solve_ivp(rate, (0, times[1]), start.ravel(), method="DOP853", rtol=1e-12, atol=1e-13)
    return [((band, times), found.y[:, -1].reshape(start.shape))]


def _evolved(band: finite_band.FiniteBand, asked: tuple[float, float, int]) -> ComplexArray:
    """Solution of Eq. (7) by the exact evolution of the second initial state."""
    times, states = finite_band.evolve(band, *asked)
    phases = np.exp(1j * times[-1] * np.add.outer(band.orbitals, band.energies).ravel())
    psi = phases * states[-1, :, :, 1].ravel()
    return np.outer(psi, psi.conj())


def _interaction_picture(
    operator: ComplexArray, h0: ComplexArray, t: float, hbar: float
) -> ComplexArray:
    """Eq. (8)."""
    return np.asarray(expm(1j * h0 * t / hbar) @ operator @ expm(-1j * h0 * t / hbar))


def earlier(v: ComplexArray, he: ComplexArray, tau: float, hbar: float) -> ComplexArray:
    """Eq. (16)."""
    return np.asarray(expm(-1j * he * tau / hbar) @ v @ expm(1j * he * tau / hbar))


@cache
def _heisenberg(sign: float) -> Pairs:
    """dO/dt = (i / hbar) [H, O] integrated forwards (+1) or backwards (-1) in time."""
    energy, start, hbar, time = hermitian(3, 8), hermitian(3, 9), 0.8, 1.4

    def rate(_: float, flat: Any) -> Any:
        operator = flat.reshape(3, 3)
        return (sign * 1j / hbar * commutator(energy, operator)).ravel()

    found = solve_ivp(rate, (0, time), start.ravel(), method="DOP853", rtol=1e-12, atol=1e-13)
    return [((start, energy, time, hbar), found.y[:, -1].reshape(3, 3))]


# --- (9) --------------------------------------------------------------------------------------


STRENGTHS = (0.08, 0.04, 0.02)
_WEAK = 1e-3
_TIME = 1.5


def _joint(band: finite_band.FiniteBand) -> tuple[Array, ComplexArray, ComplexArray]:
    """Energies, coupling and bath with the electron as the first factor."""
    bath = np.zeros(len(band.orbitals))
    bath[band.start] = 1.0
    free = np.add.outer(band.energies, band.orbitals).ravel()
    coupling = np.kron(band.couplings[0], band.scattering[0])
    return free, coupling, np.diag(np.kron(band.populations, bath))


def _on_paulis(change: Callable[[ComplexArray], ComplexArray]) -> Array:
    """Elements (1/2) Tr[sigma_a change(sigma_b)]."""
    changed = np.stack([change(pauli) for pauli in finite_band.PAULI])
    return np.asarray(0.5 * np.einsum("aij,bji->ab", finite_band.PAULI, changed).real)


def _exact_generator(band: finite_band.FiniteBand) -> Array:
    """Time-convolutionless generator by the levels of the whole, on Pauli matrices."""
    free, coupling, bath = _joint(band)
    whole = np.diag(free) + coupling

    def moved(rho: ComplexArray) -> ComplexArray:
        return turned(whole, np.kron(rho, bath), -_TIME)

    mapped = _on_paulis(lambda rho: trace_second(moved(rho), 2))
    slope = _on_paulis(lambda rho: trace_second(-1j * commutator(whole, moved(rho)), 2))
    return np.asarray(slope @ np.linalg.inv(mapped))


@cache
def _bands() -> Series:
    """Electrons that hop, and their exact generators."""
    bands = [exact_evolution().band.scaled(3 * strength) for strength in STRENGTHS]
    return Series(np.array(STRENGTHS), [[((band,), _exact_generator(band))] for band in bands])


def _born_markov(band: finite_band.FiniteBand) -> Array:
    """Eq. (9) in the Schroedinger picture: precession, no mean, second order."""
    second = finite_band.second_order_generator(band, np.array([_TIME]))[0]
    return np.asarray(finite_band.precession_generator(0.8) + second)


def second_order(h: Still, rho: ComplexArray, *, connected: bool) -> ComplexArray:
    """Eq. (9) with the moments' correlators, or with those of their fluctuation."""
    lines = moment_correlation(0.5, 1.3, (_TIME - h.times) / h.hbar, connected=connected)
    memory = np.einsum("t,tab,tbij->aij", h.weights, lines, h.before) / h.hbar**2
    change = -1j / h.hbar * np.einsum("a,aij->ij", h.mean, commutator(h.now, rho))
    for v, m in zip(h.now, memory, strict=True):
        change = change - commutator(v, m @ rho - rho @ m.conj().T)
    return np.asarray(change)


def _fluctuating(h: Still, rho: ComplexArray) -> ComplexArray:
    """Eq. (9) with the mean of the coupling in its first term alone."""
    return second_order(h, rho, connected=True)


@cache
def means() -> tuple[tuple[Still, ComplexArray], ...]:
    """The electron stays in its orbital: a coupling with a mean, and no bath of zero mean."""
    return tuple(still(strength, _TIME) for strength in STRENGTHS)


def on_units(formula: Formula, system: Still) -> ComplexArray:
    """Generator as a matrix on the elements of rho."""
    units = np.eye(4, dtype=complex).reshape(4, 2, 2)
    return np.stack([formula(system, unit).ravel() for unit in units], axis=1)


# --- (10)-(15) --------------------------------------------------------------------------------


@cache
def _traced_first_order(now: float) -> tuple[Beside, float, ComplexArray]:
    """(i / hbar) Tr_m [rho (x) rho_m, V_em(t)] on the joint space; t = 0 is Schroedinger's.

    An electron beside a moment, the time, and what the mean of the coupling does to it.
    """
    b = electron_beside_moment()
    change = 1j / b.hbar * commutator(np.kron(b.rho, b.bath), b.coupling(now))
    return b, now, trace_second(change, 2)


def _mean_field(b: Beside, rho: ComplexArray) -> ComplexArray:
    """Eq. (14), or (10) for a rho turned back, by the projected Liouvillian."""
    generator = liouvillian(coupling([b.spin], 0, b.exchange) / b.hbar)
    first = project(generator, thermal_moments([b.spin], [b.splitting])).full()
    return np.asarray((first @ rho.ravel("F")).reshape(rho.shape, order="F"))


def _mean_field_residual(formula: Formula, m: tuple[Beside, float, ComplexArray]) -> float:
    b, now, change = m
    found = formula(b, turned(b.electron, b.rho, -now / b.hbar))
    return relative(turned(b.electron, found, now / b.hbar), change)


@cache
def _double_commutator() -> Pairs:
    """-int_0^t dtau Tr [[rho (x) rho_0, V(tau)], V(t)] on the joint space, hbar = 1.

    For an electron in a band with a moment, on Pauli matrices.
    """
    band = exact_evolution().band
    free, v, bath = _joint(band)
    times, weights = time_nodes(_TIME, 24)

    def at(time: float) -> ComplexArray:
        return np.asarray(np.exp(1j * time * (free[:, None] - free)) * v)

    memory, now = sum(w * at(t) for t, w in zip(times, weights, strict=True)), at(_TIME)

    def change(rho: ComplexArray) -> ComplexArray:
        return trace_second(-commutator(commutator(np.kron(rho, bath), memory), now), 2)

    return [((band,), _on_paulis(change))]


def _collision_interaction(band: finite_band.FiniteBand) -> Array:
    """Eq. (11): the second order turned into the interaction picture."""
    turn = expm(finite_band.precession_generator(0.8) * _TIME)
    second = finite_band.second_order_generator(band, np.array([_TIME]))[0]
    return np.linalg.solve(turn, second @ turn)


@cache
def _traced_correlations() -> Pairs:
    """Tr[S_a(t) S_b rho_m] of a spin 1 at t = 1.6."""
    spin = spin_matrices(1.0)
    later = [turned(1.3 * spin[2], s, 1.6) for s in spin]
    state = thermal(1.3 * spin[2])
    return [((), np.array([[np.trace(a @ b @ state) for b in spin] for a in later]))]


def _line_correlator() -> ComplexArray:
    """Eq. (12) by the lines of a moment's spectrum."""
    return moment_correlation(1.0, 1.3, 1.6)


def _cluster_correlator() -> ComplexArray:
    """Eq. (12) by the levels of a cluster of one moment."""
    one = clusters.levels(clusters.Cluster((1.0,), np.zeros((1, 1)), 1.3))
    return np.asarray(clusters.correlator(one, lambda w: np.exp(-1.6j * w))[0, 0])


@cache
def _collided_electrons() -> Pairs:
    """Rate of change of a many-body state by double commutators on electrons (x) moments."""
    few, state = few_electrons(), many_body_state()
    return [((few, state), scattered(few, state)[0])]


@cache
def _scattered_electrons() -> Pairs:
    """Change of a state in some time: series of Eq. (13), J by double commutators."""
    few, state, time = few_electrons(), many_body_state(), 0.4
    free = on_fock_space(np.diag(few.energies), few.f)
    term, change = state, np.zeros_like(state)
    for k in range(1, 24):
        rate = -1j * commutator(free, term) + scattered(few, term)[0]
        term = time / k * rate
        change = change + term
    return [((few, state, time), change)]


def _master(few: Few, state: ComplexArray, time: float) -> ComplexArray:
    """Eq. (13): what the solver of the master equation has changed."""
    last = fock.evolve_state(as_state(state), engine(few), [0.0, time], rtol=ROUNDING)[-1]
    return np.asarray(last.full() - state)


def _many_body_collision(few: Few, state: ComplexArray) -> ComplexArray:
    """Eq. (15)."""
    return np.asarray(fock.collision(as_state(state), engine(few)).full())


@cache
def _first_order_shift() -> tuple[Any, float]:
    """Odd part in the coupling of the exact generator of an electron that stays in its orbital.

    Spin, splitting and exchange of a moment, and its shift of the precession, hbar = 1.
    """
    (system, plus), (_, minus) = still(_WEAK, _TIME), still(-_WEAK, _TIME)
    odd = 0.5 * (plus - minus)  # the interaction picture rotates about the same axis
    exchange = np.array([0.0, 0.0, -2 * system.now[2, 0, 0].real / system.hbar])
    return (0.5, 1.3, exchange), -float(odd[1, 1].imag)


def _field_of_the_mean(spin: float, splitting: float, exchange: Array) -> float:
    """Eq. (14) as a precession."""
    generator = liouvillian(coupling([spin], 0, exchange))
    return float(bloch_tensor(project(generator, thermal_moments([spin], [splitting])))[0, 1])


_entry = partial(
    Entry, section=_SECTION, residual=deviation, tolerance=ROUNDING, because="relative; rounding"
)

ENTRIES = [
    _entry(
        equation="7",
        statement="Liouville-von Neumann equation in the interaction picture",
        latex=r"\frac{\partial}{\partial t}\check\varrho(t)"
        r" = \frac{i}{\hbar}[\check\varrho(t), \check V_{em}(t)]",
        code=("openmr.models.finite_band.evolve",),
        printed=_evolved,
        reference=_integrated,
        tolerance=_SOLVER,
        because="relative; the solver's rtol is 1e-12",
        route="Liouville's equation in the interaction picture by DOP853",
    ),
    _entry(
        equation="8",
        statement="Interaction picture",
        latex=r"\check{\mathcal O}(t) = e^{+i\check H_0t/\hbar}\mathcal O(t)"
        r"e^{-i\check H_0t/\hbar}",
        printed=_interaction_picture,
        reference=partial(_heisenberg, 1.0),
        tolerance=_SOLVER,
        because="relative; the solver's rtol is 1e-12",
        route="Heisenberg's equation of motion by DOP853",
    ),
    _entry(
        equation="9",
        statement="Second-order Born-Markov master equation",
        latex=r"\frac{\partial}{\partial t}\hat\varrho_e(t) = \frac{i}{\hbar}\mathrm{Tr}_m"
        r"[\hat\varrho_e(t)\hat\varrho_m(t), \check V_{em}(t)] - \int_{t_0}^t\frac{d\tau}{\hbar^2}"
        r"\mathrm{Tr}_m[[\hat\varrho_e(t)\hat\varrho_m(t), \check V_{em}(\tau)],"
        r"\check V_{em}(t)]",
        code=(
            "openmr.models.finite_band.second_order_generator",
            "openmr.models.finite_band.precession_generator",
        ),
        printed=_born_markov,
        reference=_bands,
        residual=order,
        tolerance=0.05,
        because="distance of the slope from 3; the next order is a few per cent",
        route="exact time-convolutionless generator of an electron in a band of nine levels",
        order=3.0,
        parameter="J, for scattering between momenta, which has no mean",
        note="The third order is odd in J, Kondo's, om.validity. Phases of many momenta average it "
        "out in a band as the route 'exact' has it, and the error is of fourth order there.",
    ),
    _entry(
        equation="III zero mean",
        statement="Moments scatter by their fluctuation; their mean acts as a field alone",
        latex=r"\check V_{em} \to \check V_{em} - \mathrm{Tr}_m[\hat\varrho_m\check V_{em}]",
        code=("openmr.bath.moment_correlator",),
        printed=_fluctuating,
        reference=means,
        residual=lambda formula, systems: order_of_error(
            STRENGTHS, [largest(on_units(formula, system) - exact) for system, exact in systems]
        ),
        tolerance=0.1,
        because="distance of the slope from 3; the next order is a tenth at J t = 0.12",
        route="exact time-convolutionless generator of four states",
        order=3.0,
        parameter="J, for a coupling with a mean",
        note="With the whole coupling in the second term, as Eq. (9) is printed, the error is of "
        "second order: (9) takes a bath of zero mean. Scattering between different momenta has "
        "none, and so the full <S_par^2> dephases in Eq. (75); an electron that kept its momentum "
        "would see the fluctuation alone.",
    ),
    _entry(
        equation="10",
        statement="First term of Eq. (9): precession about the moments' mean",
        latex=r"\hat{\mathcal B}_1(t)\hat\varrho_e(t) = -i\langle\hat L_n(t)\rangle"
        r"[\hat\varrho_e(t), \hat{\mathcal V}^n(t)]",
        code=("openmr.rates.routes.joint_space.project",),
        printed=_mean_field,
        reference=lambda: _traced_first_order(1.7),
        residual=_mean_field_residual,
        route="partial trace on electron (x) moment",
    ),
    _entry(
        equation="III mean field",
        statement="The first term of Eq. (9) corrects the field that the electrons feel",
        latex=r"\delta\omega = -2\langle\hat L_z\rangle",
        code=("openmr.rates.routes.joint_space.bloch_tensor",),
        printed=_field_of_the_mean,
        reference=_first_order_shift,
        residual=lambda formula, s: abs(formula(*s[0]) / s[1] - 1),
        tolerance=1e-5,
        because="relative; the third order of the odd part, (J t)^2 = 2e-6",
        route="odd part in J of the exact generator of electron and moment",
    ),
    _entry(
        equation="11",
        statement="Second term of Eq. (9) by the moments' correlators",
        latex=r"\hat{\mathcal J}(\hat\varrho_e) = \int_{t_0}^t d\tau\{\mathcal D_{n_1n_2}(\tau-t)"
        r"[\hat{\mathcal V}^{n_2}(t), \hat\varrho_e(t)\hat{\mathcal V}^{n_1}(\tau)]"
        r" - \mathcal D_{n_2n_1}(t-\tau)"
        r"[\hat{\mathcal V}^{n_2}(t), \hat{\mathcal V}^{n_1}(\tau)\hat\varrho_e(t)]\}",
        code=("openmr.models.finite_band.second_order_generator",),
        printed=_collision_interaction,
        reference=_double_commutator,
        route="double commutator on electron (x) moment (x) band, two dozen times",
    ),
    _entry(
        equation="12",
        statement="Correlator of the moments; it knows the difference of the times only",
        latex=r"\mathcal D_{n_1n_2}(t_1-t_2) = "
        r"\langle\hat{\mathcal L}_{n_1}(t_1)\hat{\mathcal L}_{n_2}(t_2)\rangle",
        code=("openmr.bath.moment_correlator", "openmr.models.clusters.correlator"),
        printed=_line_correlator,
        shipped=(_cluster_correlator,),
        reference=_traced_correlations,
        route="traces over a moment in the Heisenberg picture",
    ),
    _entry(
        equation="13",
        statement="Master equation in the Schroedinger picture",
        latex=r"\frac{\partial}{\partial t}\hat\rho(t) - \frac{i}{\hbar}[\hat\rho(t), \hat H_e]"
        r" - \hat B_1(t)\hat\rho(t) = \hat{\mathcal J}(\hat\rho)",
        code=("openmr.models.fock.evolve_state",),
        printed=_master,
        reference=_scattered_electrons,
        tolerance=_SOLVER,
        because="relative; the solver's rtol is 1e-12",
        route="series in time, double commutators on electrons (x) two coupled moments",
        note="The mean field of (14) stands in the energies. Spins turn as "
        "d s / dt = + omega b x s for H_e = hbar omega b.sigma / 2.",
    ),
    _entry(
        equation="14",
        statement="The moments' mean as a field, Schroedinger picture",
        latex=r"\hat B_1(t)\hat\rho(t) = -i\langle\hat L_n(t)\rangle"
        r"[\hat\rho(t), \hat{\mathcal V}^n]",
        code=("openmr.rates.routes.joint_space.project",),
        printed=_mean_field,
        reference=lambda: _traced_first_order(0.0),
        residual=_mean_field_residual,
        route="partial trace on electron (x) moment",
    ),
    _entry(
        equation="15",
        statement="Many-body collision integral, Schroedinger picture",
        latex=r"\hat{\mathcal J}(\hat\rho) = \int_0^{t-t_0}d\tau\{\mathcal D_{n_2n_1}(-\tau)"
        r"[\hat{\mathcal V}^{n_1}, \hat\rho(t)\hat{\mathcal V}^{n_2}(-\tau)]"
        r" - \mathcal D_{n_1n_2}(+\tau)"
        r"[\hat{\mathcal V}^{n_1}, \hat{\mathcal V}^{n_2}(-\tau)\hat\rho(t)]\}",
        code=("openmr.models.fock.collision",),
        printed=_many_body_collision,
        reference=_collided_electrons,
        because="relative; rounding of sums over five dozen times",
        route="double commutator on electrons (x) two coupled moments",
    ),
    _entry(
        equation="16",
        statement="The electrons' operator at the earlier time",
        latex=r"\hat{\mathcal V}^{n_2}(-\tau) = e^{-i\hat H_e\tau/\hbar}\hat{\mathcal V}^{n_2}"
        r"e^{i\hat H_e\tau/\hbar}",
        printed=earlier,
        reference=partial(_heisenberg, -1.0),
        tolerance=_SOLVER,
        because="relative; the solver's rtol is 1e-12",
        route="Heisenberg's equation of motion by DOP853, backwards",
    ),
]
