"""Pair correlations by one-body density matrices, Eqs. (A15)-(A22)."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from scipy.linalg import expm

from openmr._checks import ComplexArray
from openmr.bath.correlators import PAULI
from openmr.models import fock
from openmr.reports.ledger import collision_integral, long_formulas, one_body
from openmr.reports.ledger.collision_integral import collision
from openmr.reports.ledger.deviations import Pairs, Series, deviation, order
from openmr.reports.ledger.entries import Entry, Formula, order_of_error
from openmr.reports.ledger.many_electrons import (
    DOUBLE,
    FOCK,
    SECTION,
    SUMS,
    absorbed,
    again,
    emitted,
)
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Few,
    as_state,
    density,
    few_electrons,
    filling,
    gaussian,
    hermitian,
    many_body_state,
    on_fock_space,
    relative,
    scattered,
    thermal,
    without_mean_field,
)

# --- (A15), (A16) -----------------------------------------------------------------------------


@cache
def _any_pairs() -> Pairs:
    """R of a state without symmetries, axes (1, 2, 3, 4), by traces in Fock space."""
    f, state = few_electrons().f, many_body_state()
    hops = np.einsum("aji,bjk->abik", f.conj(), f)
    return [((state,), np.einsum("abij,cdjk,ki->abcd", hops, hops, state, optimize=True))]


def _reordered(state: ComplexArray) -> ComplexArray:
    """Eq. (A15)."""
    many = as_state(state)
    rho = fock.density(many)
    return np.asarray(np.einsum("bc,da->abcd", np.eye(len(rho)), rho) - fock.ordered_pairs(many))


def _pairs(state: ComplexArray) -> ComplexArray:
    """R of any state."""
    return fock.pairs(as_state(state))


@cache
def _interacting() -> Series:
    """Gibbs states of electrons that interact by n_0 n_1 + n_1 n_2 [k_B T].

    For the density matrix Tr[f_1^+ f_3^+ f_2 f_4 state], axes (1, 2, 3, 4).
    """
    few, strengths = few_electrons(), np.array([0.04, 0.02, 0.01])
    found: list[Pairs] = []
    free, n = on_fock_space(hermitian(4, 22), few.f), np.swapaxes(few.f.conj(), 1, 2) @ few.f
    removed = np.einsum("bij,djk->bdik", few.f, few.f)
    created = np.einsum("aji,ckj->acik", few.f.conj(), few.f.conj())
    for strength in strengths:
        state = thermal(free + strength * (n[0] @ n[1] + n[1] @ n[2]))
        traces = np.einsum("acij,bdjk,ki->abcd", created, removed, state, optimize=True)
        found.append([((density(few, state),), traces)])
    return Series(strengths, found)


def _wick(rho: ComplexArray) -> ComplexArray:
    """Eq. (A16): the traces of free electrons with the same density matrix."""
    return fock.ordered_pairs(fock.gaussian_state(rho))


# --- (A17) ------------------------------------------------------------------------------------


_TILTS = (0.08, 0.04, 0.02)


@cache
def _moved() -> list[tuple[ComplexArray, ComplexArray]]:
    """States of free electrons and the rates at which they scatter, every term kept.

    One without symmetries, and an equilibrium with its spins turned away from the field.
    """
    few, states = few_electrons(), [filling()]
    settled = np.diag(1 / (1 + np.exp(few.energies)))
    for angle in _TILTS:
        turn = np.kron(np.eye(2), expm(-0.5j * angle * PAULI[0]))
        states.append(turn @ settled @ turn.conj().T)
    return [(rho, scattered(few, gaussian(rho))[1].total) for rho in states]


def _kept_pairs(rho: ComplexArray) -> ComplexArray:
    """Eq. (A17)."""
    return fock.blocked_pairs(rho)


def _moved_residual(formula: Formula, moved: list[tuple[ComplexArray, ComplexArray]]) -> float:
    """By (A12), (A13): natural orbitals' populations, and the order of the error across b."""
    few, (states, changes) = few_electrons(), zip(*moved, strict=True)
    rates = [emitted(few, r) + absorbed(few, r) for r in map(formula, states)]
    orbitals = np.linalg.eigh(states[0])[1]
    kept, whole = (np.diag(orbitals.conj().T @ x[0] @ orbitals) for x in (rates, changes))
    off = (x - y for x, y in zip(rates[1:], changes[1:], strict=True))
    across = [abs(x[0, 1] + x[2, 3]) for x in off]
    if not relative(kept, whole) < ROUNDING:
        return float("inf")
    return order_of_error(_TILTS, across)


# --- (A19)-(A22) ------------------------------------------------------------------------------


def _emission_or_absorption(part: str) -> Pairs:
    """Scattering of free electrons less the disconnected term, by a double commutator."""
    few, rho = few_electrons(), filling()
    return [((few, rho), getattr(without_mean_field(few, rho), part))]


def _emitted_free(r: Few, rho: ComplexArray) -> ComplexArray:
    """Eq. (A19)."""
    early = np.einsum("mnab,mab->nab", r.minus, r.V)
    inner = rho @ early @ (np.eye(len(rho)) - rho)
    return np.asarray((r.V @ inner - inner @ r.V).sum(axis=0))


def _absorbed_free(r: Few, rho: ComplexArray) -> ComplexArray:
    """Eq. (A20)."""
    late = np.einsum("nmab,mab->nab", r.plus, r.V)
    inner = (np.eye(len(rho)) - rho) @ late @ rho
    return np.asarray((inner @ r.V - r.V @ inner).sum(axis=0))


def _less_absorption(r: Few, rho: ComplexArray) -> ComplexArray:
    """Eq. (A19) as the rest of the one-body integral."""
    return collision(r, rho) - _absorbed_free(r, rho)


def _less_emission(r: Few, rho: ComplexArray) -> ComplexArray:
    """Eq. (A20) as the rest of the one-body integral."""
    return collision(r, rho) - _emitted_free(r, rho)


_OMEGA = (
    r"A frequency is printed $\omega_{\alpha_6}^{\omega_5}$ or $\omega_{\alpha_5}^{\omega_6}$, "
    r"which names no two states and does not compute. Decided is the rest, term by term, with "
    r"$\alpha$ for the upper $\omega$. Not decidable which, scan or print: (A12), (A13) and (21) "
    r"have the letter right, and three formulas have the same wrong one."
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

_entry = partial(Entry, section=SECTION, residual=deviation, tolerance=ROUNDING, because=SUMS)
_of_free = partial(
    _entry,
    code=("openmr.models.scattering.one_body_collision",),
    route=FOCK + ", free electrons, less the disconnected term",
    note=_OMEGA,
)

ENTRIES = [
    _entry(
        equation="A15",
        statement="Normal order of the pair correlation, any state",
        latex=r"R_{\alpha_2\alpha_4}^{\alpha_1\alpha_3}(t) = \delta_{\alpha_2\alpha_3}"
        r"\varrho_{\alpha_4\alpha_1} - \mathrm{Tr}_e\{\hat f_{\alpha_1}^+\hat f_{\alpha_3}^+"
        r"\hat f_{\alpha_2}\hat f_{\alpha_4}\hat\rho(t)\}",
        code=("openmr.models.fock.ordered_pairs", "openmr.models.fock.pairs"),
        printed=_reordered,
        shipped=(_pairs,),
        reference=_any_pairs,
        because="relative; rounding",
        route="traces in Fock space",
    ),
    _entry(
        equation="A16",
        statement="Wick's theorem for the normal-ordered pair",
        latex=r"\mathrm{Tr}_e\{\hat f_{\alpha_1}^+\hat f_{\alpha_3}^+\hat f_{\alpha_2}"
        r"\hat f_{\alpha_4}\check\rho_e(t)\}\simeq\varrho_{\alpha_4\alpha_1}"
        r"\varrho_{\alpha_2\alpha_3} - \varrho_{\alpha_4\alpha_3}\varrho_{\alpha_2\alpha_1}",
        code=("openmr.models.fock.ordered_pairs", "openmr.models.fock.gaussian_state"),
        printed=_wick,
        reference=_interacting,
        residual=order,
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
        code=("openmr.models.fock.blocked_pairs",),
        printed=_kept_pairs,
        reference=_moved,
        residual=_moved_residual,
        tolerance=0.01,
        because="distance of the slope from 1, with the rates of the natural orbitals' populations "
        "right to rounding; the next order is of relative size 0.08^2",
        route=FOCK + ", every term kept",
        order=1.0,
        parameter="the transverse spin about an equilibrium that a field splits",
        note="It misses rho_21 rho_43, which is as large as what is kept and acts as -i[h, rho], "
        "the moments' answer to the electrons' mean spin. That moves no population in the basis of "
        "rho, and so no longitudinal rate. But h turns with spins that turn out of the field, and "
        "the term is linear in them, as their decay is: the bottleneck of Hasegawa, om.validity.",
    ),
    again(
        collision_integral.ENTRIES,
        "22",
        "A18",
        statement="Density matrix of the holes; repeats Eq. (22)",
        latex=r"\bar\varrho_{\alpha_1\alpha_2} = \delta_{\alpha_1\alpha_2}"
        r" - \varrho_{\alpha_1\alpha_2}",
    ),
    _of_free(
        equation="A19",
        statement="Emission by one-body density matrices",
        latex=_EMISSION,
        corrected_latex=_EMISSION.replace(r"^{\omega_", r"^{\alpha_"),
        corrected=_emitted_free,
        shipped=(_less_absorption,),
        reference=partial(_emission_or_absorption, "early"),
    ),
    _of_free(
        equation="A20",
        statement="Absorption by one-body density matrices",
        latex=_ABSORPTION,
        corrected_latex=_ABSORPTION.replace(r"^{\omega_", r"^{\alpha_"),
        corrected=_absorbed_free,
        shipped=(_less_emission,),
        reference=partial(_emission_or_absorption, "late"),
    ),
    again(one_body.ENTRIES, "20", "A21"),
    again(
        collision_integral.ENTRIES,
        "21",
        "A22",
        statement="One-body collision integral with Pauli blocking, plane waves",
        latex=long_formulas.matrix_integral(argument=r"\bar\varrho", letter=r"\omega", sites="j"),
        corrected_latex=long_formulas.matrix_integral(sites="j"),
        printed=None,
        evidence="",
        note=_OMEGA + " The bars are right here, unlike in (21).",
    ),
]
