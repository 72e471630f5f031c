"""From the Liouville-von Neumann equation to the master equation of the electrons, (7)-(16)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import moment_correlation
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Beside,
    Hop,
    commutator,
    electron_beside_moment,
    hermitian,
    hop,
    largest,
    relative,
    trace_second,
    turned,
)

_SECTION = "III. Open quantum theory"
_SOLVER = 1e-9
"""Differential equations and differences are carried to 1e-11 or better."""


# --- (7), (8), (16) ---------------------------------------------------------------------------


def _liouville(b: Beside, rho: ComplexArray, v: ComplexArray) -> ComplexArray:
    """Eq. (7)."""
    return np.asarray(1j / b.hbar * (rho @ v - v @ rho))


class Rate(NamedTuple):
    """A state in the interaction picture, its rate of change and what changes it."""

    system: Beside
    rho: ComplexArray
    coupling: ComplexArray
    change: ComplexArray


@cache
def _exact_rate() -> Rate:
    """Exact evolution of electron and moment from the levels of H, by a six-point difference."""
    b = electron_beside_moment()
    free = np.kron(b.electron, np.eye(3)) + np.kron(np.eye(2), b.moment)
    whole, start = free + b.coupling(0.0), np.kron(b.rho, b.bath)

    def state(time: float) -> ComplexArray:
        return turned(free, turned(whole, start, -time / b.hbar), time / b.hbar)

    step = 0.01
    change = sum(
        weight * (state(b.now + n * step) - state(b.now - n * step)) / step
        for n, weight in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
    )
    return Rate(b, state(b.now), b.coupling(b.now), np.asarray(change))


def _interaction_picture(
    operator: ComplexArray, h0: ComplexArray, t: float, hbar: float
) -> ComplexArray:
    """Eq. (8)."""
    return np.asarray(expm(1j * h0 * t / hbar) @ operator @ expm(-1j * h0 * t / hbar))


def earlier(v: ComplexArray, he: ComplexArray, tau: float, hbar: float) -> ComplexArray:
    """Eq. (16)."""
    return np.asarray(expm(-1j * he * tau / hbar) @ v @ expm(1j * he * tau / hbar))


class _Picture(NamedTuple):
    """An operator, what turns it, and where it is after a time."""

    operator: ComplexArray
    energy: ComplexArray
    time: float
    hbar: float
    moved: ComplexArray


@cache
def heisenberg(sign: float) -> _Picture:
    """dO/dt = (i / hbar) [H, O] integrated forwards (+1) or backwards (-1) in time."""
    energy, start, hbar, time = hermitian(3, 8), hermitian(3, 9), 0.8, 1.4

    def rate(_: float, flat: Any) -> Any:
        operator = flat.reshape(3, 3)
        return (sign * 1j / hbar * commutator(energy, operator)).ravel()

    found = solve_ivp(rate, (0, time), start.ravel(), method="DOP853", rtol=1e-12, atol=1e-13)
    return _Picture(start, energy, time, hbar, found.y[:, -1].reshape(3, 3))


def _picture_residual(formula: Formula, p: _Picture) -> float:
    return relative(formula(p.operator, p.energy, p.time, p.hbar), p.moved)


# --- (9) --------------------------------------------------------------------------------------


def born_markov(h: Hop, rho: ComplexArray) -> ComplexArray:
    """Eq. (9): change of the electron at t, with V(tau) at the nodes of an integral from t_0."""
    joint = np.kron(rho, h.bath)
    first = 1j / h.hbar * trace_second(joint @ h.now - h.now @ joint, 2)
    second = np.zeros((2, 2))
    for weight, before in zip(h.weights, h.before, strict=True):
        inner = joint @ before - before @ joint
        second = second + weight / h.hbar**2 * trace_second(inner @ h.now - h.now @ inner, 2)
    return np.asarray(first - second)


def fluctuating(h: Hop, rho: ComplexArray) -> ComplexArray:
    """Eq. (9) with the mean of the coupling in its first term alone: one factor suffices."""
    joint = np.kron(rho, h.bath)
    first = 1j / h.hbar * trace_second(joint @ h.now - h.now @ joint, 2)
    now, second = h.now - h.mean_now, np.zeros((2, 2))
    for weight, before in zip(h.weights, h.before, strict=True):
        inner = joint @ before - before @ joint
        second = second + weight / h.hbar**2 * trace_second(inner @ now - now @ inner, 2)
    return np.asarray(first - second)


STRENGTHS = (0.08, 0.04, 0.02)


@cache
def _hops() -> tuple[tuple[Hop, ComplexArray], ...]:
    """Zero mean but for one of second order, as the first term of Eq. (9)."""
    return tuple(hop(strength, strength**2) for strength in STRENGTHS)


@cache
def means() -> tuple[tuple[Hop, ComplexArray], ...]:
    """The electron stays in its orbital: a coupling with a mean, and no bath of zero mean."""
    return tuple(hop(0.0, strength) for strength in STRENGTHS)


def _order_residual(expected: float) -> Any:
    def residual(formula: Formula, systems: tuple[tuple[Hop, ComplexArray], ...]) -> float:
        errors = []
        for system, generator in systems:
            units = np.eye(4, dtype=complex).reshape(4, 2, 2)
            found = np.stack([formula(system, unit).ravel() for unit in units], axis=1)
            errors.append(largest(found - generator))
        return abs(order_of_error(STRENGTHS, errors) - expected)

    return residual


# --- (10)-(15) --------------------------------------------------------------------------------


def mean_field(mean: ComplexArray, v: ComplexArray, rho: ComplexArray) -> ComplexArray:
    """Eqs. (10), (14): V^n(t) or V^n."""
    return np.asarray(sum(-1j * mean[n] * (rho @ v[n] - v[n] @ rho) for n in range(len(v))))


class _MeanField(NamedTuple):
    """<L_n>, V^n, a state of the electron, and what the mean of the coupling does to it."""

    mean: ComplexArray
    v: ComplexArray
    rho: ComplexArray
    change: ComplexArray


@cache
def _traced_first_order(now: float) -> _MeanField:
    """(i / hbar) Tr_m [rho (x) rho_m, V_em(t)] on the joint space; t = 0 is Schroedinger's."""
    b = electron_beside_moment()
    change = 1j / b.hbar * commutator(np.kron(b.rho, b.bath), b.coupling(now))
    mean = np.einsum("nij,ji->n", b.L, b.bath)
    v = np.stack([turned(b.electron, a, now / b.hbar) for a in b.V])
    return _MeanField(mean, v, b.rho, trace_second(change, 2))


class Memory(NamedTuple):
    """Second term of Eq. (9), and what Eqs. (11), (15) make it of."""

    rho: ComplexArray
    now: ComplexArray  # V^n(t)
    before: ComplexArray  # V^n(tau), or V^n(-tau), (t, n, 2, 2)
    weights: Array
    d_before: ComplexArray  # D_{n1 n2}(tau - t), or D(-tau), (t, n, n)
    d_after: ComplexArray  # D_{n1 n2}(t - tau), or D(+tau)
    change: ComplexArray


@cache
def _double_commutator() -> Memory:
    """-int dtau Tr_m [[rho (x) rho_m, V(tau)], V(t)] / hbar^2 on the joint space, t_0 = 0."""
    b = electron_beside_moment()
    joint, now = np.kron(b.rho, b.bath), b.coupling(b.now)
    total = np.zeros((2, 2), dtype=complex)
    for time, weight in zip(b.times, b.weights, strict=True):
        inner = commutator(joint, b.coupling(time))
        total -= weight / b.hbar**2 * trace_second(commutator(inner, now), 2)
    return Memory(
        rho=b.rho,
        now=np.stack([turned(b.electron, a, b.now / b.hbar) for a in b.V]),
        before=np.stack([[turned(b.electron, a, t / b.hbar) for a in b.V] for t in b.times]),
        weights=b.weights,
        d_before=np.stack([b.correlator(t, b.now) for t in b.times]),
        d_after=np.stack([b.correlator(b.now, t) for t in b.times]),
        change=total,
    )


@cache
def _double_commutator_now() -> Memory:
    """The same in Schroedinger's picture: V(-tau) before V, over the same span of time."""
    b = electron_beside_moment()
    joint, now = np.kron(b.rho, b.bath), b.coupling(0.0)
    total = np.zeros((2, 2), dtype=complex)
    for time, weight in zip(b.times, b.weights, strict=True):
        inner = commutator(joint, b.coupling(-time))
        total -= weight / b.hbar**2 * trace_second(commutator(inner, now), 2)
    return Memory(
        rho=b.rho,
        now=b.V,
        before=np.stack([[turned(b.electron, a, -t / b.hbar) for a in b.V] for t in b.times]),
        weights=b.weights,
        d_before=np.stack([b.correlator(-t, 0.0) for t in b.times]),
        d_after=np.stack([b.correlator(t, 0.0) for t in b.times]),
        change=total,
    )


def _collision_interaction(m: Memory) -> ComplexArray:
    """Eq. (11)."""
    total = np.zeros((2, 2))
    nodes = zip(m.weights, m.before, m.d_before, m.d_after, strict=True)
    for weight, then, d_before, d_after in nodes:
        for n1, v1 in enumerate(then):
            for n2, v2 in enumerate(m.now):
                gain = d_before[n1, n2] * (v2 @ m.rho @ v1 - m.rho @ v1 @ v2)
                loss = d_after[n2, n1] * (v2 @ v1 @ m.rho - v1 @ m.rho @ v2)
                total = total + weight * (gain - loss)
    return np.asarray(total)


def collision(m: Memory) -> ComplexArray:
    """Eq. (15)."""
    total = np.zeros((2, 2))
    nodes = zip(m.weights, m.before, m.d_before, m.d_after, strict=True)
    for weight, then, d_before, d_after in nodes:
        for n2, v2 in enumerate(then):
            for n1, v1 in enumerate(m.now):
                gain = d_before[n2, n1] * (v1 @ m.rho @ v2 - m.rho @ v2 @ v1)
                loss = d_after[n1, n2] * (v1 @ v2 @ m.rho - v2 @ m.rho @ v1)
                total = total + weight * (gain - loss)
    return np.asarray(total)


class Correlation(NamedTuple):
    """A moment's operators L_n(t) at two times, its state, and <S_a(t) S_b> of `bath`."""

    one: ComplexArray  # L_n(t_1)
    two: ComplexArray  # L_n(t_2)
    state: ComplexArray
    expected: ComplexArray


@cache
def correlations() -> Correlation:
    """Lines of the moment's spectrum at t_1 - t_2 times the couplings."""
    b, one, two = electron_beside_moment(), 1.9, 0.6
    scale = np.array([0.3, 0.2, 0.5]) / (2 * b.hbar)
    lines = moment_correlation(1.0, 1.3, (one - two) / b.hbar)
    return Correlation(
        one=np.stack([turned(b.moment, m, one / b.hbar) for m in b.L]),
        two=np.stack([turned(b.moment, m, two / b.hbar) for m in b.L]),
        state=b.bath,
        expected=np.outer(scale, scale) * lines,
    )


def correlator(c: Correlation, n1: int, n2: int) -> complex:
    """Eq. (12)."""
    return complex(np.trace(c.one[n1] @ c.two[n2] @ c.state))


def _correlator_residual(formula: Formula, c: Correlation) -> float:
    found = [[formula(c, a, b) for b in range(3)] for a in range(3)]
    return relative(found, c.expected)


class Turning(NamedTuple):
    """The electron in Schroedinger's picture."""

    hbar: float
    electron: ComplexArray
    rho: ComplexArray
    first: ComplexArray  # B_1 rho
    collision: ComplexArray  # J(rho)
    change: ComplexArray


@cache
def _turned_back() -> Turning:
    """rho(t) = exp(-i H_e t) rho_I(t) exp(i H_e t), differentiated with rho_I(t) from Eq. (9)."""
    b, first, second = electron_beside_moment(), _traced_first_order(1.7), _double_commutator()
    slope = first.change + second.change

    def state(time: float) -> ComplexArray:
        return turned(b.electron, b.rho + time * slope, -(b.now + time) / b.hbar)

    step = 0.01
    change = sum(
        weight * (state(n * step) - state(-n * step)) / step
        for n, weight in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
    )

    def back(operator: ComplexArray) -> ComplexArray:
        return turned(b.electron, operator, -b.now / b.hbar)

    return Turning(
        b.hbar, b.electron, state(0.0), back(first.change), back(second.change), np.asarray(change)
    )


def master(t: Turning) -> ComplexArray:
    """Eq. (13), solved for the rate of change."""
    free = 1j / t.hbar * (t.rho @ t.electron - t.electron @ t.rho)
    return np.asarray(free + t.first + t.collision)


class _Shift(NamedTuple):
    """Shift of the precession over the coupling, by exact evolution."""

    mean: float  # <L_z> over the coupling
    frequency: float


@cache
def _first_order_shift() -> _Shift:
    """Odd part in the coupling of the exact generator of an electron that stays in its orbital."""
    size, hbar = 1e-3, 0.8
    plus, minus = hop(0.0, size)[1], hop(0.0, -size)[1]
    odd = 0.5 * (plus - minus)  # the interaction picture rotates about the same axis
    polarisation = -0.5 * np.tanh(0.65)
    return _Shift(mean=-size * polarisation / hbar, frequency=-odd[1, 1].imag)


def _field_of_the_mean(s: _Shift) -> float:
    """Eq. (14) read as a precession: -i <L_z> [rho, sigma_z] turns rho by -2 <L_z>."""
    return -2 * s.mean


_SPAN = "rounding of sums over two dozen times"

_entry = partial(Entry, section=_SECTION, tolerance=ROUNDING, because="relative; rounding")

ENTRIES = [
    _entry(
        equation="7",
        statement="Liouville-von Neumann equation in the interaction picture",
        latex=r"\frac{\partial}{\partial t}\check\varrho(t)"
        r" = \frac{i}{\hbar}[\check\varrho(t), \check V_{em}(t)]",
        code=("openmr.models.finite_band.evolve", "openmr.models.finite_band.dynamical_map"),
        printed=_liouville,
        reference=_exact_rate,
        residual=lambda formula, r: relative(formula(r.system, r.rho, r.coupling), r.change),
        tolerance=_SOLVER,
        because="relative; six-point difference of step 0.01",
        route="exact evolution by the levels of H",
    ),
    _entry(
        equation="8",
        statement="Interaction picture",
        latex=r"\check{\mathcal O}(t) = e^{+i\check H_0t/\hbar}\mathcal O(t)"
        r"e^{-i\check H_0t/\hbar}",
        code=("openmr.models.finite_band.second_order_generator",),
        printed=_interaction_picture,
        reference=lambda: heisenberg(1.0),
        residual=_picture_residual,
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
            "openmr.master.redfield_dissipator",
        ),
        printed=born_markov,
        reference=_hops,
        residual=_order_residual(4.0),
        tolerance=0.05,
        because="distance of the slope from 4; at J t = 0.12 the next order J^6 is a few per cent",
        route="exact time-convolutionless generator of eight states",
        order=4.0,
        parameter="J, for a coupling whose mean is of second order",
        note="The route 'exact' gives the same order for a whole band.",
    ),
    _entry(
        equation="III zero mean",
        statement="Moments scatter by their fluctuation; their mean acts as a field alone",
        latex=r"\check V_{em} \to \check V_{em} - \mathrm{Tr}_m[\hat\varrho_m\check V_{em}]",
        code=("openmr.bath.moment_correlator", "openmr.models.finite_band.random_scattering"),
        printed=fluctuating,
        reference=means,
        residual=_order_residual(3.0),
        tolerance=0.1,
        because="distance of the slope from 3; the next order is a tenth at J t = 0.12",
        route="exact time-convolutionless generator of eight states",
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
        code=("openmr.rates.routes.joint_space.first_order_tensor",),
        printed=mean_field,
        reference=lambda: _traced_first_order(1.7),
        residual=lambda formula, m: relative(formula(m.mean, m.v, m.rho), m.change),
        route="partial trace on electron (x) moment",
    ),
    _entry(
        equation="III mean field",
        statement="The first term of Eq. (9) corrects the field that the electrons feel",
        latex=r"\delta\omega = -2\langle\hat L_z\rangle",
        code=(
            "openmr.rates.routes.joint_space.first_order_tensor",
            "openmr.rates.closed_form.exchange_field",
        ),
        printed=_field_of_the_mean,
        reference=_first_order_shift,
        residual=lambda formula, s: abs(formula(s) / s.frequency - 1),
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
        code=("openmr.models.finite_band.second_order_generator", "openmr.models.fock.collision"),
        printed=_collision_interaction,
        reference=_double_commutator,
        residual=lambda formula, m: relative(formula(m), m.change),
        because="relative; " + _SPAN,
        route="double commutator on electron (x) moment",
    ),
    _entry(
        equation="12",
        statement="Correlator of the moments; it knows the difference of the times only",
        latex=r"\mathcal D_{n_1n_2}(t_1-t_2) = "
        r"\langle\hat{\mathcal L}_{n_1}(t_1)\hat{\mathcal L}_{n_2}(t_2)\rangle",
        code=("openmr.bath.moment_correlator", "openmr.models.clusters.correlator"),
        printed=correlator,
        reference=correlations,
        residual=_correlator_residual,
        route="lines of the moment's spectrum, openmr.bath",
    ),
    _entry(
        equation="13",
        statement="Master equation in the Schroedinger picture",
        latex=r"\frac{\partial}{\partial t}\hat\rho(t) - \frac{i}{\hbar}[\hat\rho(t), \hat H_e]"
        r" - \hat B_1(t)\hat\rho(t) = \hat{\mathcal J}(\hat\rho)",
        code=("openmr.models.fock.evolve_state",),
        printed=master,
        reference=_turned_back,
        residual=lambda formula, t: relative(formula(t), t.change),
        tolerance=_SOLVER,
        because="relative; six-point difference of step 0.01",
        route="rotation of the interaction picture's solution, differentiated",
        note="Spins turn as d s / dt = + omega b x s for H_e = hbar omega b.sigma / 2.",
    ),
    _entry(
        equation="14",
        statement="The moments' mean as a field, Schroedinger picture",
        latex=r"\hat B_1(t)\hat\rho(t) = -i\langle\hat L_n(t)\rangle"
        r"[\hat\rho(t), \hat{\mathcal V}^n]",
        code=("openmr.rates.routes.joint_space.first_order_tensor",),
        printed=mean_field,
        reference=lambda: _traced_first_order(0.0),
        residual=lambda formula, m: relative(formula(m.mean, m.v, m.rho), m.change),
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
        printed=collision,
        reference=_double_commutator_now,
        residual=lambda formula, m: relative(formula(m), m.change),
        because="relative; " + _SPAN,
        route="double commutator on electron (x) moment",
    ),
    _entry(
        equation="16",
        statement="The electrons' operator at the earlier time",
        latex=r"\hat{\mathcal V}^{n_2}(-\tau) = e^{-i\hat H_e\tau/\hbar}\hat{\mathcal V}^{n_2}"
        r"e^{i\hat H_e\tau/\hbar}",
        code=("openmr.models.scattering.Scattering", "openmr.models.fock.collision"),
        printed=earlier,
        reference=lambda: heisenberg(-1.0),
        residual=_picture_residual,
        tolerance=_SOLVER,
        because="relative; the solver's rtol is 1e-12",
        route="Heisenberg's equation of motion by DOP853, backwards",
    ),
]
