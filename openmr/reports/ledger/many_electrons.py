"""The collision integral of many electrons by pair correlations, Eqs. (A1)-(A14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import ComplexArray
from openmr.models import fock
from openmr.reports.ledger import collision_integral, one_body
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Few,
    Scattered,
    as_state,
    commutator,
    density,
    engine,
    few_electrons,
    filling,
    gaussian,
    hermitian,
    largest,
    many_body_state,
    on_fock_space,
    relative,
    scattered,
    turned,
)

SECTION = "Appendix A. Derivations of Eq. (21)"
SUMS = "relative to the largest element; rounding of sums over labels, modes and times"
_MODES = range(4)
DOUBLE = r"\sum_{n_i\alpha_i}"


def again(chapter: Sequence[Entry], equation: str, name: str, **changes: Any) -> Entry:
    """An entry of the main text under its name in the appendix, which repeats it."""
    (entry,) = (entry for entry in chapter if entry.equation == equation)
    changes.setdefault("statement", f"{entry.statement}; repeats Eq. ({equation})")
    return replace(entry, equation=name, section=SECTION, **changes)


# --- (A4)-(A8) --------------------------------------------------------------------------------


class Many(NamedTuple):
    """Any state of few electrons beside two coupled moments, and what scattering does to it."""

    few: Few
    state: ComplexArray
    earlier: ComplexArray  # V^n(-tau) on Fock space, (t, n, 16, 16)
    parts: Scattered


@cache
def _any_state() -> Many:
    """Double commutator on electrons (x) moments, traced over the moments."""
    few, state = few_electrons(), many_body_state()
    electron = on_fock_space(np.diag(few.energies), few.f)
    earlier = np.stack([[turned(electron, v, -t) for v in few.many] for t in few.times])
    return Many(few, state, earlier, scattered(few, state)[1])


def _retarded(m: Many) -> ComplexArray:
    """Integral over tau in (A4): what follows the commutator, for each label n_1."""
    r = m.few
    late = np.einsum("t,tnm,tmij->nij", r.weights, r.after, m.earlier)
    early = np.einsum("t,tmn,tmij->nij", r.weights, r.before, m.earlier)
    return np.asarray(late @ m.state - m.state @ early)


def _with_commutator(m: Many) -> ComplexArray:
    """Eq. (A4)."""
    r, then = m.few, _retarded(m)
    total = np.zeros((4, 4), dtype=complex)
    for a2, a1 in np.ndindex(total.shape):
        hop = r.f[a1].conj().T @ r.f[a2]
        total[a2, a1] = np.einsum("nij,nji->", r.many @ hop - hop @ r.many, then)
    return total


def _by_hops(m: Many) -> ComplexArray:
    """Eq. (A6) with Tr[f_1^+ f_2 ...] as a matrix (2, 1)."""
    hops = np.stack([density(m.few, then) for then in _retarded(m)])
    return np.asarray((hops @ m.few.V - m.few.V @ hops).sum(axis=0))


def _commuted(c: Commutator, a1: int, a2: int) -> ComplexArray:
    """Eq. (A5): <3|V|1> is v[a3, a1]."""
    v, f = c.v, c.f
    return np.asarray(
        sum(
            v[a3, a1] * f[a3].conj().T @ f[a2] - v[a2, a3] * f[a1].conj().T @ f[a3]
            for a3 in range(len(f))
        )
    )


def _many_body_commutator(c: Commutator, a1: int, a2: int) -> ComplexArray:
    """Commutator in (A5) of the engine's operator."""
    return commutator(fock.one_body(c.v).full(), c.f[a1].conj().T @ c.f[a2])


class Commutator(NamedTuple):
    """One-body elements of a coupling, annihilators, and [V, f_1^+ f_2] at (1, 2)."""

    v: ComplexArray
    f: ComplexArray
    exact: ComplexArray


@cache
def _commutators() -> Commutator:
    """Matrix products in Fock space."""
    few, v = few_electrons(), hermitian(4, 21)
    many = on_fock_space(v, few.f)
    exact = [[commutator(many, few.f[a].conj().T @ few.f[b]) for b in _MODES] for a in _MODES]
    return Commutator(v, few.f, np.array(exact))


def _earlier_coupling(r: Few, v: ComplexArray, tau: float) -> ComplexArray:
    """Eq. (A7) with w_5^6 = e_6 - e_5."""
    lost = r.energies[None, :] - r.energies[:, None]
    return np.asarray(fock.one_body(np.exp(1j * lost * tau) * v).full())


def _transformed(m: Many) -> ComplexArray:
    """Eq. (A8)."""
    return fock.density(fock.collision(as_state(m.state), engine(m.few)))


# --- (A11)-(A14) ------------------------------------------------------------------------------


def emitted(r: Few, pairs: ComplexArray) -> ComplexArray:
    """Eq. (A12): R^{5 1}_{6 3} is pairs[5, 6, 1, 3]."""
    early = np.einsum("mnef,mef,efac->nac", r.minus, r.V, pairs)
    return np.asarray(np.einsum("nbc,nac->ba", r.V, early) - np.einsum("nca,ncb->ba", r.V, early))


def absorbed(r: Few, pairs: ComplexArray) -> ComplexArray:
    """Eq. (A13): R^{3 5}_{2 6} is pairs[3, 2, 5, 6]."""
    late = np.einsum("nmef,mef,acef->nac", r.plus, r.V, pairs)
    return np.asarray(np.einsum("nca,ncb->ba", r.V, late) - np.einsum("nbc,nac->ba", r.V, late))


def _emission(m: Many) -> ComplexArray:
    """Eq. (A12) of any state."""
    return emitted(m.few, fock.pairs(as_state(m.state)))


def _absorption(m: Many) -> ComplexArray:
    """Eq. (A13) of any state."""
    return absorbed(m.few, fock.pairs(as_state(m.state)))


def _in_two(m: Many) -> ComplexArray:
    """Eq. (A11)."""
    return fock.collision_integral(fock.pairs(as_state(m.state)), engine(m.few))


def _pairs(state: ComplexArray) -> ComplexArray:
    """Eq. (A14), axes (1, 2, 3, 4)."""
    return fock.pairs(as_state(state))


@cache
def _two_electrons() -> tuple[ComplexArray, ComplexArray]:
    """A free state projected on two electrons, and its one-body density matrix."""
    state = fock.fixed_number(as_state(gaussian(filling())), 2).full()
    return state, density(few_electrons(), state)


def _sum_rules(pairs: ComplexArray, rho: ComplexArray) -> float:
    """Sum over 3 = 4 counts the electrons, sum over 2 = 3 the empty states that one may enter."""
    counted = np.einsum("abcc->ba", pairs) - 2 * rho
    entered = np.einsum("abbd->da", pairs) - (4 - 2 + 1) * rho
    return float(np.max([largest(counted), largest(entered)]) / largest(rho))


FOCK = "double commutator on electrons (x) two coupled moments, traces in Fock space"

_entry = partial(Entry, section=SECTION, tolerance=ROUNDING, because=SUMS)
_scattering = partial(
    _entry,
    reference=_any_state,
    residual=lambda formula, m: relative(formula(m), m.parts.total),
    route=FOCK,
)

ENTRIES = [
    again(
        one_body.ENTRIES,
        "17",
        "A1",
        latex=r"\rho_{\alpha_2\alpha_1}(t) = \langle\alpha_2|\hat\rho(t)|\alpha_1\rangle = "
        r"\mathrm{Tr}_e\{\hat f_{\alpha_1}^+\hat f_{\alpha_2}\hat\rho(t)\}",
    ),
    again(
        one_body.ENTRIES,
        "18",
        "A2",
        latex=r"\frac{\partial}{\partial t}\rho_{\alpha_2\alpha_1}(t)"
        r" - \frac i\hbar[\rho(t), \hat{\mathcal H}_0^e]_{\alpha_2\alpha_1}"
        r" - \frac i\hbar[\rho(t), \hat{\mathcal V}_m]_{\alpha_2\alpha_1}"
        r" = \mathcal J_{\alpha_2\alpha_1}(\hat\rho|t)",
        note="",
    ),
    again(
        one_body.ENTRIES,
        "19",
        "A3",
        latex=r"\hat{\mathcal V}_m = -\frac12\sum_{j\nu}N_j\mathcal J_j^\nu"
        r"\langle\hat S_j^\nu\rangle\hat\sigma^\nu",
        corrected_latex=r"\hat{\mathcal V}_m = -\frac12\sum_{j\nu}\frac{N_j}V\mathcal J_j^\nu"
        r"\langle\hat S_j^\nu\rangle\hat\sigma^\nu",
    ),
    _scattering(
        equation="A4",
        statement="Collision integral of the density matrix with the commutator moved to f^+ f",
        latex=r"\mathcal J_{\alpha_2\alpha_1}(\hat\rho|t) = \sum_{n_i}\int_0^{t-t_0}d\tau\,"
        r"\mathrm{Tr}_e\{[\hat V^{n_1}, \hat f_{\alpha_1}^+\hat f_{\alpha_2}]\times"
        r"[\mathcal D_{n_1n_2}(+\tau)\hat{\mathcal V}^{n_2}(-\tau)\hat\rho(t)"
        r" - \mathcal D_{n_2n_1}(-\tau)\hat\rho(t)\hat{\mathcal V}^{n_2}(-\tau)]\}",
        printed=_with_commutator,
    ),
    _entry(
        equation="A5",
        statement="Commutator of a coupling with f^+ f",
        latex=r"[V^{n_1}, \hat f_{\alpha_1}^+\hat f_{\alpha_2}] = \sum_{\alpha_i}["
        r"\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle\hat f_{\alpha_3}^+\hat f_{\alpha_2}"
        r" - \langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle\hat f_{\alpha_1}^+\hat f_{\alpha_3}]",
        code=("openmr.models.fock.one_body",),
        printed=_commuted,
        shipped=(_many_body_commutator,),
        reference=_commutators,
        residual=lambda formula, c: relative(
            [[formula(c, a, b) for b in _MODES] for a in _MODES], c.exact
        ),
        because="relative; rounding",
        route="matrix products in Fock space",
    ),
    _scattering(
        equation="A6",
        statement="(A5) in (A4)",
        latex=r"\mathcal J_{\alpha_2\alpha_1}(\hat\rho|t) = "
        + DOUBLE
        + r"\int_0^{t-t_0}d\tau\,\mathrm{Tr}_e\{[\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle"
        r"\hat f_{\alpha_3}^+\hat f_{\alpha_2} - \langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle"
        r"\hat f_{\alpha_1}^+\hat f_{\alpha_3}]\times[\mathcal D_{n_1n_2}(+\tau)"
        r"\hat{\mathcal V}^{n_2}(-\tau)\hat\rho(t) - \mathcal D_{n_2n_1}(-\tau)\hat\rho(t)"
        r"\hat{\mathcal V}^{n_2}(-\tau)]\}",
        printed=_by_hops,
    ),
    _entry(
        equation="A7",
        statement="The electrons' operator at the earlier time, element by element",
        latex=r"\hat{\mathcal V}^{n_2}(-\tau) = \sum_{\alpha_i}e^{+i\omega_{\alpha_5}^{\alpha_6}"
        r"\tau}\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle\hat f_{\alpha_5}^+\hat f_{\alpha_6}",
        code=("openmr.models.fock.one_body",),
        printed=_earlier_coupling,
        reference=_any_state,
        residual=lambda formula, m: relative(
            [formula(m.few, v, m.few.times[7]) for v in m.few.V], m.earlier[7]
        ),
        because="relative; rounding",
        route="phases of the many-electron levels in Fock space",
        note="Fixes the sign: the frequency from 5 to 6 is that of 6 less that of 5.",
    ),
    _scattering(
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
        code=("openmr.models.fock.collision", "openmr.models.fock.density"),
        printed=_transformed,
    ),
    again(collision_integral.ENTRIES, "26", "A9"),
    again(collision_integral.ENTRIES, "27", "A10"),
    _scattering(
        equation="A11",
        statement="Emission and absorption add up to the collision integral",
        latex=r"\hat{\mathcal J}_{\alpha_2\alpha_1}(\hat\rho) = "
        r"\hat{\mathcal J}_{\alpha_2\alpha_1}^e(\hat\rho)"
        r" + \hat{\mathcal J}_{\alpha_2\alpha_1}^a(\hat\rho)",
        code=("openmr.models.fock.collision_integral", "openmr.models.fock.pairs"),
        printed=_in_two,
    ),
    _scattering(
        equation="A12",
        statement="Emission part, by the pair correlation",
        latex=r"\hat{\mathcal J}_{\alpha_2\alpha_1}^e(\hat\rho) = "
        + DOUBLE
        + DOUBLE
        + r"\mathcal D_{n_2n_1}^-(\omega_{\alpha_6}^{\alpha_5})"
        r"\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle[\langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle"
        r"R_{\alpha_6\alpha_3}^{\alpha_5\alpha_1}(t) - \langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle"
        r"R_{\alpha_6\alpha_2}^{\alpha_5\alpha_3}(t)]",
        code=("openmr.models.fock.pairs",),
        printed=_emission,
        residual=lambda formula, m: relative(formula(m), m.parts.early),
        note="The sign of the sum is printed twice; one sum is meant.",
    ),
    _scattering(
        equation="A13",
        statement="Absorption part, by the pair correlation",
        latex=r"\hat{\mathcal J}_{\alpha_2\alpha_1}^a(\hat\rho) = "
        + DOUBLE
        + DOUBLE
        + r"\mathcal D_{n_1n_2}^+(\omega_{\alpha_5}^{\alpha_6})"
        r"\langle\alpha_5|\hat V^{n_2}|\alpha_6\rangle[\langle\alpha_3|\hat V^{n_1}|\alpha_1\rangle"
        r"R_{\alpha_2\alpha_6}^{\alpha_3\alpha_5}(t) - \langle\alpha_2|\hat V^{n_1}|\alpha_3\rangle"
        r"R_{\alpha_3\alpha_6}^{\alpha_1\alpha_5}(t)]",
        code=("openmr.models.fock.pairs",),
        printed=_absorption,
        residual=lambda formula, m: relative(formula(m), m.parts.late),
        note="The sign of the sum is printed twice; one sum is meant.",
    ),
    _entry(
        equation="A14",
        statement="Pair correlation; its sums count electrons and empty states",
        latex=r"R_{\alpha_2\alpha_4}^{\alpha_1\alpha_3}(t) = \mathrm{Tr}_e\{\hat f_{\alpha_1}^+"
        r"\hat f_{\alpha_2}\hat f_{\alpha_3}^+\hat f_{\alpha_4}\hat\rho(t)\}",
        code=("openmr.models.fock.pairs",),
        printed=_pairs,
        reference=_two_electrons,
        residual=lambda formula, t: _sum_rules(formula(t[0]), t[1]),
        because="relative; rounding",
        route="one-body density matrix of two electrons on four modes",
    ),
]
