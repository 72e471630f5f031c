"""The collision integral of many electrons by pair correlations, Eqs. (A1)-(A14)."""

from __future__ import annotations

from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import ComplexArray
from openmr.models import fock
from openmr.reports.ledger.collision_integral import backward as backward_transform
from openmr.reports.ledger.collision_integral import forward as forward_transform
from openmr.reports.ledger.collision_integral import half_sided, half_sided_residual
from openmr.reports.ledger.entries import Entry, Formula
from openmr.reports.ledger.one_body import (
    element_residual,
    kinetic,
    many_body_rate,
    mean_potential,
    mean_potential_printed,
    mean_potentials,
    mean_residual,
    one_body_element,
    one_electron,
)
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Few,
    Scattered,
    as_state,
    commutator,
    density,
    few_electrons,
    filling,
    gaussian,
    hermitian,
    largest,
    many_body_state,
    relative,
    scattered,
    turned,
)

SECTION = "Appendix A. Derivations of Eq. (21)"
SUMS = "relative to the largest element; rounding of sums over labels, modes and times"
MODES = range(4)
DOUBLE = r"\sum_{n_i\alpha_i}"


# --- (A4)-(A8) --------------------------------------------------------------------------------


class Many(NamedTuple):
    """Any state of few electrons beside two coupled moments, and what scattering does to it."""

    few: Few
    state: ComplexArray
    pairs: ComplexArray  # R, axes (1, 2, 3, 4)
    earlier: ComplexArray  # V^n(-tau) on Fock space, (t, n, 16, 16)
    parts: Scattered


@cache
def _any_state() -> Many:
    """Double commutator on electrons (x) moments, traced over the moments."""
    few, state = few_electrons(), many_body_state()
    electron = fock.one_body(np.diag(few.energies)).full()
    earlier = np.stack([[turned(electron, v, -t) for v in few.many] for t in few.times])
    _, parts = scattered(few, state)
    return Many(few, state, fock.pairs(as_state(state)), earlier, parts)


def _with_commutator(m: Many) -> ComplexArray:
    """Eq. (A4)."""
    r, rho, total = m.few, m.state, np.zeros((4, 4), dtype=complex)
    nodes = zip(r.weights, r.after, r.before, m.earlier, strict=True)
    change = np.zeros_like(r.many)
    for weight, after, before, v in nodes:
        for n1, n2 in np.ndindex(len(v), len(v)):
            late = after[n1, n2] * v[n2] @ rho
            change[n1] += weight * (late - before[n2, n1] * rho @ v[n2])
    for a2, a1 in np.ndindex(total.shape):
        hop = r.f[a1].conj().T @ r.f[a2]
        for v1, then in zip(r.many, change, strict=True):
            total[a2, a1] += np.trace((v1 @ hop - hop @ v1) @ then)
    return total


def _commuted(v: ComplexArray, f: ComplexArray, a1: int, a2: int) -> ComplexArray:
    """Eq. (A5): <3|V|1> is v[a3, a1]."""
    return np.asarray(
        sum(
            v[a3, a1] * f[a3].conj().T @ f[a2] - v[a2, a3] * f[a1].conj().T @ f[a3]
            for a3 in range(len(f))
        )
    )


class Commutator(NamedTuple):
    """One-body elements of a coupling, annihilators, and [V, f_1^+ f_2] at (1, 2)."""

    v: ComplexArray
    f: ComplexArray
    exact: ComplexArray


@cache
def commutators() -> Commutator:
    """Matrix products in Fock space."""
    few, v = few_electrons(), hermitian(4, 21)
    many = fock.one_body(v).full()
    exact = [[commutator(many, few.f[a].conj().T @ few.f[b]) for b in MODES] for a in MODES]
    return Commutator(v, few.f, np.array(exact))


def _by_hops(m: Many) -> ComplexArray:
    """Eq. (A6)."""
    r, rho, total = m.few, m.state, np.zeros((4, 4), dtype=complex)
    nodes = zip(r.weights, r.after, r.before, m.earlier, strict=True)
    change = np.zeros_like(r.many)
    for weight, after, before, v in nodes:
        for n1, n2 in np.ndindex(len(v), len(v)):
            late = after[n1, n2] * v[n2] @ rho
            change[n1] += weight * (late - before[n2, n1] * rho @ v[n2])
    for v1, then in zip(r.V, change, strict=True):
        hops = density(r, then)  # Tr[f_1^+ f_2 then] at (2, 1)
        for a1, a2, a3 in product(MODES, repeat=3):
            total[a2, a1] += v1[a3, a1] * hops[a2, a3] - v1[a2, a3] * hops[a3, a1]
    return total


def _earlier_coupling(r: Few, v: ComplexArray, tau: float) -> ComplexArray:
    """Eq. (A7) with w_5^6 = e_6 - e_5."""
    return np.asarray(
        sum(
            np.exp(1j * (r.energies[a6] - r.energies[a5]) * tau)
            * v[a5, a6]
            * r.f[a5].conj().T
            @ r.f[a6]
            for a5 in range(len(v))
            for a6 in range(len(v))
        )
    )


def _earlier_residual(formula: Formula, m: Many) -> float:
    found = [formula(m.few, v, float(m.few.times[7])) for v in m.few.V]
    return relative(found, m.earlier[7])


def _transformed(m: Many) -> ComplexArray:
    """Eq. (A8)."""
    r, rho, total = m.few, m.state, np.zeros((4, 4), dtype=complex)
    change = np.zeros_like(r.many)
    for a5, a6 in product(MODES, repeat=2):
        hop = r.f[a5].conj().T @ r.f[a6]
        for n1, n2 in product(range(len(r.V)), repeat=2):
            late = r.plus[n1, n2, a5, a6] * r.V[n2][a5, a6] * hop @ rho
            change[n1] += late - r.minus[n2, n1, a5, a6] * r.V[n2][a5, a6] * rho @ hop
    for v1, then in zip(r.V, change, strict=True):
        hops = density(r, then)  # Tr[f_1^+ f_2 then] at (2, 1)
        for a1, a2, a3 in product(MODES, repeat=3):
            total[a2, a1] += v1[a3, a1] * hops[a2, a3] - v1[a2, a3] * hops[a3, a1]
    return total


# --- (A11)-(A14) ------------------------------------------------------------------------------


def _emitted(m: Many) -> ComplexArray:
    """Eq. (A12): R^{5 1}_{6 3} is pairs[a5, a6, a1, a3]."""
    r, pairs, total = m.few, m.pairs, np.zeros((4, 4), dtype=complex)
    for n1, a5, a6 in product(range(len(r.V)), MODES, MODES):
        second = sum(r.minus[n2, n1, a5, a6] * r.V[n2][a5, a6] for n2 in range(len(r.V)))
        for a1, a2, a3 in product(MODES, repeat=3):
            gain = r.V[n1][a2, a3] * pairs[a5, a6, a1, a3]
            total[a2, a1] += second * (gain - r.V[n1][a3, a1] * pairs[a5, a6, a3, a2])
    return total


def _absorbed(m: Many) -> ComplexArray:
    """Eq. (A13): R^{3 5}_{2 6} is pairs[a3, a2, a5, a6]."""
    r, pairs, total = m.few, m.pairs, np.zeros((4, 4), dtype=complex)
    for n1, a5, a6 in product(range(len(r.V)), MODES, MODES):
        second = sum(r.plus[n1, n2, a5, a6] * r.V[n2][a5, a6] for n2 in range(len(r.V)))
        for a1, a2, a3 in product(MODES, repeat=3):
            gain = r.V[n1][a3, a1] * pairs[a3, a2, a5, a6]
            total[a2, a1] += second * (gain - r.V[n1][a2, a3] * pairs[a1, a3, a5, a6])
    return total


def _in_two(emission: ComplexArray, absorption: ComplexArray) -> ComplexArray:
    """Eq. (A11)."""
    return emission + absorption


def _pair_element(f: ComplexArray, state: ComplexArray, a1: int, a2: int, a3: int, a4: int) -> Any:
    """Eq. (A14)."""
    return np.trace(f[a1].conj().T @ f[a2] @ f[a3].conj().T @ f[a4] @ state)


class _Fixed(NamedTuple):
    """Two electrons, their one-body density matrix."""

    few: Few
    state: ComplexArray
    rho: ComplexArray


@cache
def _two_electrons() -> _Fixed:
    """A free state projected on two electrons."""
    few = few_electrons()
    state = fock.fixed_number(as_state(gaussian(filling())), 2).full()
    return _Fixed(few, state, density(few, state))


def _sum_rules(formula: Formula, t: _Fixed) -> float:
    """Sum over 3 = 4 counts the electrons, sum over 2 = 3 the empty states that one may enter."""
    shape = (4,) * 4
    found = np.array([formula(t.few.f, t.state, *index) for index in np.ndindex(shape)])
    pairs = found.reshape(shape)
    counted = np.einsum("abcc->ba", pairs) - 2 * t.rho
    entered = np.einsum("abbd->da", pairs) - (4 - 2 + 1) * t.rho
    return float(np.max([largest(counted), largest(entered)]) / largest(t.rho))


FOCK = "double commutator on electrons (x) two coupled moments, traces in Fock space"

_entry = partial(Entry, section=SECTION, tolerance=ROUNDING, because=SUMS)

ENTRIES = [
    _entry(
        equation="A1",
        statement="One-body density matrix; repeats Eq. (17)",
        latex=r"\rho_{\alpha_2\alpha_1}(t) = \langle\alpha_2|\hat\rho(t)|\alpha_1\rangle = "
        r"\mathrm{Tr}_e\{\hat f_{\alpha_1}^+\hat f_{\alpha_2}\hat\rho(t)\}",
        code=("openmr.models.fock.density",),
        printed=one_body_element,
        reference=one_electron,
        residual=element_residual,
        because="relative; rounding",
        route="the density matrix of a single electron, put into Fock space",
    ),
    _entry(
        equation="A2",
        statement="Equation of motion of the one-body density matrix; repeats Eq. (18)",
        latex=r"\frac{\partial}{\partial t}\rho_{\alpha_2\alpha_1}(t)"
        r" - \frac i\hbar[\rho(t), \hat{\mathcal H}_0^e]_{\alpha_2\alpha_1}"
        r" - \frac i\hbar[\rho(t), \hat{\mathcal V}_m]_{\alpha_2\alpha_1}"
        r" = \mathcal J_{\alpha_2\alpha_1}(\hat\rho|t)",
        code=("openmr.models.scattering.evolve_density",),
        printed=kinetic,
        reference=many_body_rate,
        residual=lambda formula, k: relative(formula(k), k.change),
        because="relative; rounding in Fock space",
        route="commutators and traces in Fock space",
    ),
    _entry(
        equation="A3",
        statement="Mean potential of the moments; repeats Eq. (19)",
        latex=r"\hat{\mathcal V}_m = -\frac12\sum_{j\nu}N_j\mathcal J_j^\nu"
        r"\langle\hat S_j^\nu\rangle\hat\sigma^\nu",
        corrected_latex=r"\hat{\mathcal V}_m = -\frac12\sum_{j\nu}\frac{N_j}V\mathcal J_j^\nu"
        r"\langle\hat S_j^\nu\rangle\hat\sigma^\nu",
        code=("openmr.rates.routes.joint_space.first_order_tensor",),
        printed=mean_potential_printed,
        corrected=mean_potential,
        reference=mean_potentials,
        residual=mean_residual,
        tolerance=1e-9,
        because="relative; rounding of omega_L - omega_B in SI units",
        route="couplings at places, k = k'; Liouvillian projected onto the thermal moment",
        note="As (19): the density N / V is meant; off by the factor V as printed.",
    ),
    _entry(
        equation="A4",
        statement="Collision integral of the density matrix with the commutator moved to f^+ f",
        latex=r"\mathcal J_{\alpha_2\alpha_1}(\hat\rho|t) = \sum_{n_i}\int_0^{t-t_0}d\tau\,"
        r"\mathrm{Tr}_e\{[\hat V^{n_1}, \hat f_{\alpha_1}^+\hat f_{\alpha_2}]\times"
        r"[\mathcal D_{n_1n_2}(+\tau)\hat{\mathcal V}^{n_2}(-\tau)\hat\rho(t)"
        r" - \mathcal D_{n_2n_1}(-\tau)\hat\rho(t)\hat{\mathcal V}^{n_2}(-\tau)]\}",
        code=("openmr.models.fock.collision", "openmr.models.fock.density"),
        printed=_with_commutator,
        reference=_any_state,
        residual=lambda formula, m: relative(formula(m), m.parts.total),
        route=FOCK,
    ),
    _entry(
        equation="A5",
        statement="Commutator of a coupling with f^+ f",
        latex=r"[V^{n_1}, \hat f_{\alpha_1}^+\hat f_{\alpha_2}] = \sum_{\alpha_i}["
        r"\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle\hat f_{\alpha_3}^+\hat f_{\alpha_2}"
        r" - \langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle\hat f_{\alpha_1}^+\hat f_{\alpha_3}]",
        code=("openmr.models.fock.collision_integral", "openmr.models.fock.one_body"),
        printed=_commuted,
        reference=commutators,
        residual=lambda formula, c: relative(
            [[formula(c.v, c.f, a, b) for b in MODES] for a in MODES], c.exact
        ),
        because="relative; rounding",
        route="matrix products in Fock space",
    ),
    _entry(
        equation="A6",
        statement="(A5) in (A4)",
        latex=r"\mathcal J_{\alpha_2\alpha_1}(\hat\rho|t) = "
        + DOUBLE
        + r"\int_0^{t-t_0}d\tau\,\mathrm{Tr}_e\{[\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle"
        r"\hat f_{\alpha_3}^+\hat f_{\alpha_2} - \langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle"
        r"\hat f_{\alpha_1}^+\hat f_{\alpha_3}]\times[\mathcal D_{n_1n_2}(+\tau)"
        r"\hat{\mathcal V}^{n_2}(-\tau)\hat\rho(t) - \mathcal D_{n_2n_1}(-\tau)\hat\rho(t)"
        r"\hat{\mathcal V}^{n_2}(-\tau)]\}",
        code=("openmr.models.fock.collision_integral",),
        printed=_by_hops,
        reference=_any_state,
        residual=lambda formula, m: relative(formula(m), m.parts.total),
        route=FOCK,
    ),
    _entry(
        equation="A7",
        statement="The electrons' operator at the earlier time, element by element",
        latex=r"\hat{\mathcal V}^{n_2}(-\tau) = \sum_{\alpha_i}e^{+i\omega_{\alpha_5}^{\alpha_6}"
        r"\tau}\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle\hat f_{\alpha_5}^+\hat f_{\alpha_6}",
        code=("openmr.models.scattering.Scattering",),
        printed=_earlier_coupling,
        reference=_any_state,
        residual=_earlier_residual,
        because="relative; rounding",
        route="phases of the many-electron levels in Fock space",
        note="Fixes the sign: the frequency from 5 to 6 is that of 6 less that of 5.",
    ),
    _entry(
        equation="A8",
        statement="Collision integral with half-sided transforms",
        latex=r"\mathcal J_{\alpha_2\alpha_1}(\hat\rho) = "
        + DOUBLE
        + r"\mathrm{Tr}_e\{[\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle\hat f_{\alpha_3}^+"
        r"\hat f_{\alpha_2} - \langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle\hat f_{\alpha_1}^+"
        r"\hat f_{\alpha_3}]\times[\mathcal D_{n_1n_2}^+(\omega_{\alpha_5}^{\alpha_6})"
        r"\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle\hat f_{\alpha_5}^+\hat f_{\alpha_6}"
        r"\hat\rho(t) - \mathcal D_{n_2n_1}^-(\omega_{\alpha_6}^{\alpha_5})\hat\rho(t)"
        r"\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle\hat f_{\alpha_5}^+\hat f_{\alpha_6}]\}",
        code=("openmr.models.fock.collision", "openmr.models.scattering.Scattering"),
        printed=_transformed,
        reference=_any_state,
        residual=lambda formula, m: relative(formula(m), m.parts.total),
        route=FOCK,
    ),
    _entry(
        equation="A9",
        statement="Half-sided transform of the correlator, later times; repeats Eq. (26)",
        latex=r"\mathcal D_{n_1n_2}^+(\omega) = \int_0^{+\infty}d\tau\,e^{+i\omega\tau-\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.models.scattering.thermal_transform", "openmr.models.scattering.Scattering"),
        printed=forward_transform,
        reference=half_sided,
        residual=half_sided_residual(1.0),
        because="relative; the integrand is cut at exp(-35)",
        route="resolvent of every line of the moment's spectrum",
    ),
    _entry(
        equation="A10",
        statement="Half-sided transform of the correlator, earlier times; repeats Eq. (27)",
        latex=r"\mathcal D_{n_1n_2}^-(\omega) = \int_{-\infty}^0d\tau\,e^{+i\omega\tau+\eta\tau}"
        r"\mathcal D_{n_1n_2}(\tau)",
        code=("openmr.models.scattering.Scattering", "openmr.models.scattering.adjoint"),
        printed=backward_transform,
        reference=half_sided,
        residual=half_sided_residual(-1.0),
        because="relative; the integrand is cut at exp(-35)",
        route="resolvent of every line of the moment's spectrum",
    ),
    _entry(
        equation="A11",
        statement="Emission and absorption add up to the collision integral",
        latex=r"\hat{\mathcal J}_{\alpha_2\alpha_1}(\hat\rho) = "
        r"\hat{\mathcal J}_{\alpha_2\alpha_1}^e(\hat\rho)"
        r" + \hat{\mathcal J}_{\alpha_2\alpha_1}^a(\hat\rho)",
        code=("openmr.models.fock.collision_integral",),
        printed=_in_two,
        reference=_any_state,
        residual=lambda formula, m: relative(formula(_emitted(m), _absorbed(m)), m.parts.total),
        route=FOCK + ", beside (A12) and (A13)",
    ),
    _entry(
        equation="A12",
        statement="Emission part, by the pair correlation",
        latex=r"\hat{\mathcal J}_{\alpha_2\alpha_1}^e(\hat\rho) = "
        + DOUBLE
        + DOUBLE
        + r"\mathcal D_{n_2n_1}^-(\omega_{\alpha_6}^{\alpha_5})"
        r"\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle[\langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle"
        r"R_{\alpha_6\alpha_3}^{\alpha_5\alpha_1}(t) - \langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle"
        r"R_{\alpha_6\alpha_2}^{\alpha_5\alpha_3}(t)]",
        code=("openmr.models.fock.collision_integral", "openmr.models.fock.pairs"),
        printed=_emitted,
        reference=_any_state,
        residual=lambda formula, m: relative(formula(m), m.parts.early),
        route=FOCK,
        note="The sign of the sum is printed twice; one sum is meant.",
    ),
    _entry(
        equation="A13",
        statement="Absorption part, by the pair correlation",
        latex=r"\hat{\mathcal J}_{\alpha_2\alpha_1}^a(\hat\rho) = "
        + DOUBLE
        + DOUBLE
        + r"\mathcal D_{n_1n_2}^+(\omega_{\alpha_5}^{\alpha_6})"
        r"\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle[\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle"
        r"R_{\alpha_2\alpha_6}^{\alpha_3\alpha_5}(t) - \langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle"
        r"R_{\alpha_3\alpha_6}^{\alpha_1\alpha_5}(t)]",
        code=("openmr.models.fock.collision_integral", "openmr.models.fock.pairs"),
        printed=_absorbed,
        reference=_any_state,
        residual=lambda formula, m: relative(formula(m), m.parts.late),
        route=FOCK,
        note="The sign of the sum is printed twice; one sum is meant.",
    ),
    _entry(
        equation="A14",
        statement="Pair correlation; its sums count electrons and empty states",
        latex=r"R_{\alpha_2\alpha_4}^{\alpha_1\alpha_3}(t) = \mathrm{Tr}_e\{\hat f_{\alpha_1}^+"
        r"\hat f_{\alpha_2}\hat f_{\alpha_3}^+\hat f_{\alpha_4}\hat\rho(t)\}",
        code=("openmr.models.fock.pairs",),
        printed=_pair_element,
        reference=_two_electrons,
        residual=_sum_rules,
        because="relative; rounding",
        route="one-body density matrix of two electrons on four modes",
    ),
]
