"""Pair correlations by one-body density matrices, Eqs. (A15)-(A22)."""

from __future__ import annotations

from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import ComplexArray
from openmr.models import fock
from openmr.reports.ledger import long_formulas
from openmr.reports.ledger.collision_integral import blocking, collision, free_electrons, holes
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.many_electrons import DOUBLE, FOCK, MODES, SECTION, SUMS
from openmr.reports.ledger.one_body import plane_wave, plane_wave_printed, ring, wave_residual
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Few,
    Scattered,
    as_state,
    few_electrons,
    filling,
    gaussian,
    hermitian,
    largest,
    many_body_state,
    relative,
    scattered,
    without_mean_field,
)


def _elements(formula: Formula, *arguments: Any) -> ComplexArray:
    """A formula for an element (a_2, a_1) at all of them."""
    return np.array([[formula(*arguments, a2, a1) for a1 in MODES] for a2 in MODES])


# --- (A15)-(A18) ------------------------------------------------------------------------------


class _Ordered(NamedTuple):
    """One-body density matrix, normal-ordered traces, and R."""

    rho: ComplexArray
    ordered: ComplexArray  # Tr[f_1^+ f_3^+ f_2 f_4 state], axes (1, 2, 3, 4)
    pairs: ComplexArray


def ordered(state: ComplexArray) -> _Ordered:
    """Traces in Fock space."""
    matrix = as_state(state)
    return _Ordered(fock.density(matrix), fock.ordered_pairs(matrix), fock.pairs(matrix))


@cache
def _ordered_any() -> _Ordered:
    """Traces of a state without symmetries."""
    return ordered(many_body_state())


def _reordered(o: _Ordered, a1: int, a2: int, a3: int, a4: int) -> complex:
    """Eq. (A15)."""
    delta = np.eye(len(o.rho))
    return complex(delta[a2, a3] * o.rho[a4, a1] - o.ordered[a1, a2, a3, a4])


def _wick(rho: ComplexArray, a1: int, a2: int, a3: int, a4: int) -> complex:
    """Eq. (A16)."""
    return complex(rho[a4, a1] * rho[a2, a3] - rho[a4, a3] * rho[a2, a1])


def _all_pairs(formula: Formula, first: Any) -> ComplexArray:
    """A formula for an element (1, 2, 3, 4) at all of them."""
    found = [formula(first, *index) for index in np.ndindex(4, 4, 4, 4)]
    return np.array(found).reshape(4, 4, 4, 4)


_STRENGTHS = (0.04, 0.02, 0.01)


@cache
def _interacting() -> tuple[_Ordered, ...]:
    """Gibbs states of electrons that interact by n_0 n_1 + n_1 n_2 [k_B T]."""
    free = fock.one_body(hermitian(4, 22))
    n = [f.dag() * f for f in fock.annihilators(4)]
    found = []
    for strength in _STRENGTHS:
        state = (-(free + strength * (n[0] * n[1] + n[1] * n[2]))).expm()
        found.append(ordered((state / state.tr()).full()))
    return tuple(found)


def _wick_residual(formula: Formula, states: tuple[_Ordered, ...]) -> float:
    errors = [largest(_all_pairs(formula, o.rho) - o.ordered) for o in states]
    return abs(order_of_error(_STRENGTHS, errors) - 1.0)


def _kept_pairs(rho: ComplexArray, a1: int, a2: int, a3: int, a4: int) -> complex:
    """Eq. (A17)."""
    bar = np.eye(len(rho)) - rho
    return complex(bar[a2, a3] * rho[a4, a1])


class _Moved(NamedTuple):
    """Free electrons: rate at which the populations of their natural orbitals change."""

    few: Few
    rho: ComplexArray
    orbitals: ComplexArray
    change: ComplexArray


@cache
def _moved_populations() -> _Moved:
    """Traces in Fock space with every term."""
    few, rho = few_electrons(), filling()
    _, parts = scattered(few, gaussian(rho))
    orbitals = np.linalg.eigh(rho)[1]
    return _Moved(few, rho, orbitals, np.diag(orbitals.conj().T @ parts.total @ orbitals))


def _moved_residual(formula: Formula, m: _Moved) -> float:
    """By (A12), (A13), with tensor contractions."""
    r, pairs = m.few, _all_pairs(formula, m.rho)
    early = np.einsum("mnef,mef,efac->nac", r.minus, r.V, pairs)
    late = np.einsum("nmef,mef,acef->nac", r.plus, r.V, pairs)
    gain = np.einsum("nbc,nac->ba", r.V, early - late)
    change = gain - np.einsum("nca,ncb->ba", r.V, early - late)
    return relative(np.diag(m.orbitals.conj().T @ change @ m.orbitals), m.change)


# --- (A19)-(A22) ------------------------------------------------------------------------------


class Free(NamedTuple):
    """Free electrons, and their scattering less the disconnected term."""

    few: Few
    rho: ComplexArray
    parts: Scattered


@cache
def _emission_and_absorption() -> Free:
    """Double commutator on electrons (x) moments."""
    few, rho = few_electrons(), filling()
    return Free(few, rho, without_mean_field(few, rho))


def _emitted_free(r: Few, rho: ComplexArray, a2: int, a1: int) -> complex:
    """Eq. (A19)."""
    bar, total = np.eye(len(rho)) - rho, 0j
    for n1, a5, a6 in product(range(len(r.V)), MODES, MODES):
        second = sum(r.minus[n2, n1, a5, a6] * r.V[n2][a5, a6] for n2 in range(len(r.V)))
        for a3 in MODES:
            gain = r.V[n1][a2, a3] * rho[a3, a5] * bar[a6, a1]
            total += second * (gain - rho[a2, a5] * bar[a6, a3] * r.V[n1][a3, a1])
    return complex(total)


def _absorbed_free(r: Few, rho: ComplexArray, a2: int, a1: int) -> complex:
    """Eq. (A20)."""
    bar, total = np.eye(len(rho)) - rho, 0j
    for n1, a5, a6 in product(range(len(r.V)), MODES, MODES):
        second = sum(r.plus[n1, n2, a5, a6] * r.V[n2][a5, a6] for n2 in range(len(r.V)))
        for a3 in MODES:
            gain = bar[a2, a5] * rho[a6, a3] * r.V[n1][a3, a1]
            total += second * (gain - r.V[n1][a2, a3] * bar[a3, a5] * rho[a6, a1])
    return complex(total)


_OMEGA = (
    r"The frequency is printed $\omega_{\alpha_6}^{\omega_5}$ or $\omega_{\alpha_5}^{\omega_6}$, "
    r"read $\omega_{\alpha_6}^{\alpha_5}$, $\omega_{\alpha_5}^{\alpha_6}$ as in (A8), (A12), "
    r"(A13): a frequency needs two states, and the print does not compute."
)

_EMISSION = (
    r"\hat{\mathcal J}_{\alpha_2\alpha_1}^e(\hat\varrho) = "
    + DOUBLE
    + r"\mathcal D_{n_2n_1}^-(\omega_{\alpha_6}^{\omega_5})[\langle\alpha_2|\hat V^{n_1}"
    r"|\alpha_3\rangle\varrho_{\alpha_3\alpha_5}\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle"
    r"\bar\varrho_{\alpha_6\alpha_1} - \varrho_{\alpha_2\alpha_5}\langle\alpha_5|\hat V^{n_2}"
    r"|\alpha_6\rangle\bar\varrho_{\alpha_6\alpha_3}"
    r"\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle]"
)

_ABSORPTION = (
    r"\hat{\mathcal J}_{\alpha_2\alpha_1}^a(\hat\varrho) = "
    + DOUBLE
    + r"\mathcal D_{n_1n_2}^+(\omega_{\alpha_5}^{\omega_6})[\bar\varrho_{\alpha_2\alpha_5}"
    r"\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle\varrho_{\alpha_6\alpha_3}"
    r"\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle - \langle\alpha_2|\hat V^{n_1}|\alpha_3"
    r"\rangle\bar\varrho_{\alpha_3\alpha_5}\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle"
    r"\varrho_{\alpha_6\alpha_1}]"
)

_entry = partial(Entry, section=SECTION, tolerance=ROUNDING, because=SUMS)

ENTRIES = [
    _entry(
        equation="A15",
        statement="Normal order of the pair correlation, any state",
        latex=r"R_{\alpha_2\alpha_4}^{\alpha_1\alpha_3}(t) = \delta_{\alpha_2\alpha_3}"
        r"\varrho_{\alpha_4\alpha_1} - \mathrm{Tr}_e\{\hat f_{\alpha_1}^+\hat f_{\alpha_3}^+"
        r"\hat f_{\alpha_2}\hat f_{\alpha_4}\hat\rho(t)\}",
        code=("openmr.models.fock.ordered_pairs", "openmr.models.fock.pairs"),
        printed=_reordered,
        reference=_ordered_any,
        residual=lambda formula, o: relative(_all_pairs(formula, o), o.pairs),
        because="relative; rounding",
        route="traces in Fock space",
    ),
    _entry(
        equation="A16",
        statement="Wick's theorem for the normal-ordered pair",
        latex=r"\mathrm{Tr}_e\{\hat f_{\alpha_1}^+\hat f_{\alpha_3}^+\hat f_{\alpha_2}"
        r"\hat f_{\alpha_4}\check\rho_e(t)\}\simeq\varrho_{\alpha_4\alpha_1}"
        r"\varrho_{\alpha_2\alpha_3} - \varrho_{\alpha_4\alpha_3}\varrho_{\alpha_2\alpha_1}",
        code=("openmr.models.fock.connected_pairs", "openmr.models.fock.gaussian_state"),
        printed=_wick,
        reference=_interacting,
        residual=_wick_residual,
        tolerance=0.05,
        because="distance of the slope from 1; the next order is of relative size 0.04",
        route="traces in Fock space, Gibbs states of interacting electrons",
        order=1.0,
        parameter="interaction of the electrons over k_B T",
        note="Exact for free electrons. At a fixed number N of electrons the error is 1/N, in a "
        "mixture of free states the square of their spread, docs/fock.md.",
    ),
    _entry(
        equation="A17",
        statement="Pair correlation with blocking: all that moves populations of free electrons",
        latex=r"R_{\alpha_2\alpha_4}^{\alpha_1\alpha_3}(t)\simeq"
        r"\bar\varrho_{\alpha_2\alpha_3}\varrho_{\alpha_4\alpha_1}",
        code=("openmr.models.fock.blocked_pairs", "openmr.models.scattering.mean_field"),
        printed=_kept_pairs,
        reference=_moved_populations,
        residual=_moved_residual,
        because="populations of the natural orbitals; " + SUMS,
        route=FOCK + ", every term kept",
        note="As a statement on R itself it misses rho_21 rho_43, which is as large as what is "
        "kept. That term acts as -i[h, rho], the moments' answer to the electrons' mean spin: it "
        "turns phases and moves no population, so no rate of relaxation depends on it.",
    ),
    _entry(
        equation="A18",
        statement="Density matrix of the holes; repeats Eq. (22)",
        latex=r"\bar\varrho_{\alpha_1\alpha_2} = \delta_{\alpha_1\alpha_2}"
        r" - \varrho_{\alpha_1\alpha_2}",
        code=("openmr.models.fock.blocked_pairs", "openmr.models.scattering.one_body_collision"),
        printed=blocking,
        reference=holes,
        residual=lambda formula, h: relative(formula(h.rho), h.holes),
        because="relative; rounding",
        route="Tr[f_2 f_1^+ state] in Fock space",
    ),
    _entry(
        equation="A19",
        statement="Emission by one-body density matrices",
        latex=_EMISSION,
        corrected_latex=_EMISSION.replace(r"^{\omega_", r"^{\alpha_"),
        code=("openmr.models.scattering.one_body_collision",),
        corrected=_emitted_free,
        scan=True,
        reference=_emission_and_absorption,
        residual=lambda formula, r: relative(_elements(formula, r.few, r.rho), r.parts.early),
        route=FOCK + ", free electrons, less the disconnected term",
        note=_OMEGA,
    ),
    _entry(
        equation="A20",
        statement="Absorption by one-body density matrices",
        latex=_ABSORPTION,
        corrected_latex=_ABSORPTION.replace(r"^{\omega_", r"^{\alpha_"),
        code=("openmr.models.scattering.one_body_collision",),
        corrected=_absorbed_free,
        scan=True,
        reference=_emission_and_absorption,
        residual=lambda formula, r: relative(_elements(formula, r.few, r.rho), r.parts.late),
        route=FOCK + ", free electrons, less the disconnected term",
        note=_OMEGA,
    ),
    _entry(
        equation="A21",
        statement="Plane waves; repeats Eq. (20)",
        latex=r"\langle\mathbf r|\alpha\rangle = \frac1{\sqrt V}e^{\mathbf k\cdot\mathbf r}"
        r"|\sigma\rangle",
        corrected_latex=r"\langle\mathbf r|\alpha\rangle = \frac1{\sqrt V}"
        r"e^{i\mathbf k\cdot\mathbf r}|\sigma\rangle",
        code=("openmr.models.scattering.plane_waves",),
        printed=plane_wave_printed,
        corrected=plane_wave,
        reference=ring,
        residual=wave_residual,
        because="overlaps and elements, relative; rounding",
        route="orthonormality on a ring; couplings of om.scattering",
        note="As (20): the i is missing, the error exceeds 1.",
    ),
    _entry(
        equation="A22",
        statement="One-body collision integral with Pauli blocking, plane waves",
        latex=long_formulas.matrix_integral(argument=r"\bar\varrho", letter=r"\omega", sites="j"),
        corrected_latex=long_formulas.matrix_integral(sites="j"),
        code=("openmr.models.scattering.one_body_collision", "openmr.models.fock.collision_parts"),
        corrected=collision,
        scan=True,
        reference=free_electrons,
        residual=lambda formula, r: relative(formula(r.few, r.rho), r.change),
        route=FOCK + ", free electrons, less the disconnected term",
        note=_OMEGA + " The bars are right here, unlike in (21).",
    ),
]
