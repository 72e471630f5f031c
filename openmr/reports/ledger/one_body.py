"""The master equation of one electron, Eqs. (17)-(20)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import PAULI, spin_matrices
from openmr.models import fock, scattering
from openmr.moments.equilibrium import equilibrium
from openmr.rates.routes.joint_space import first_order_tensor
from openmr.reports.ledger.deviations import Pairs, deviation
from openmr.reports.ledger.entries import Entry, Formula
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    Few,
    as_state,
    commutator,
    density,
    engine,
    few_electrons,
    hermitian,
    largest,
    many_body_state,
    mixed_state,
    on_fock_space,
    relative,
    scattered,
    thermal,
)
from openmr.sample import presets
from openmr.units import HBAR, MU_B

_SECTION = "III A. From many- to one-body master equation"


# --- (17)-(19) --------------------------------------------------------------------------------


@cache
def _one_electron() -> Pairs:
    """sum_ab rho_ab f_a^+ |0><0| f_b, and the density matrix rho of a single electron."""
    few, single = few_electrons(), mixed_state(4, 12)
    vacuum = np.zeros(16)
    vacuum[np.argmin(np.einsum("aji,aji->i", few.f.conj(), few.f).real)] = 1.0
    created = np.einsum("aji,j->ai", few.f.conj(), vacuum)
    return [((np.einsum("ab,ai,bj->ij", single, created, created.conj()),), single)]


def _one_body_elements(many: ComplexArray) -> ComplexArray:
    """Eqs. (17), (A1)."""
    return fock.density(as_state(many))


@cache
def many_body_rate() -> Pairs:
    """Tr[f_1^+ f_2 (-(i / hbar) [H_e + <V_em>, rho] + J(rho))] in Fock space; hbar is not 1."""
    few, state, hbar = few_electrons(), many_body_state(), 0.8
    mean = np.einsum("nij,ji->n", few.L, thermal(few.moments))
    h0, vm = hermitian(4, 13), -hbar * np.einsum("n,nab->ab", mean, few.V)
    many = on_fock_space(h0 + vm, few.f)
    _, parts = scattered(few, state)
    change = density(few, -1j / hbar * commutator(many, state)) + parts.total
    return [((few, state, hbar, h0, vm), change)]


def kinetic(
    few: Few, state: ComplexArray, hbar: float, h0: ComplexArray, vm: ComplexArray
) -> ComplexArray:
    """Eqs. (18), (A2), solved for the rate of change."""
    many = as_state(state)
    rho, collided = fock.density(many), fock.density(fock.collision(many, engine(few)))
    free = 1j / hbar * (rho @ h0 - h0 @ rho)
    mean = 1j / hbar * (rho @ vm - vm @ rho)
    return np.asarray(free + mean + collided)


@cache
def _mean_potentials() -> Pairs:
    """Mean fields of a film, from its precession, and of moments on a ring in a tilted field.

    For their number, volume, J and <S>.
    """
    return [_film(), _ring()]


def _ring() -> tuple[Any, ComplexArray]:
    """Elements k = k' of the coupling to three moments, each a delta function on a grid."""
    few, number, spin = few_electrons(1), 3, spin_matrices(0.5)
    state = thermal(np.tensordot([0.7, 0.4, 1.1], spin, axes=1))
    mean = np.einsum("nij,ji->n", few.L, state)
    means = np.einsum("vij,ji->v", spin, state).real
    potential = -number * np.einsum("n,nab->ab", mean, few.V)[:2, :2]
    return (number, few.volume, (3.0, 2.0, 4.0), means), potential


def _film() -> tuple[Any, ComplexArray]:
    """omega_L - omega_B by the Liouvillian projected onto the thermal moment, QuTiP [eV, m]."""
    film = presets.pt_py()
    state = next(equilibrium(film, 10.0, 5.0).points())
    moments = film.magnet.sublattices[0]
    volume = 1e-24
    shift = float(first_order_tensor(film, state)[0, 1]) - film.electrons.g * MU_B * 5.0 / HBAR
    means = (0.0, 0.0, float(state.mean_spin[0]))
    given = moments.density * volume, volume, moments.principal_exchange, means
    return given, 0.5 * HBAR * shift * PAULI[2]


def _mean_potential_printed(number: float, volume: float, exchange: Any, spin: Any) -> ComplexArray:
    """Eqs. (19), (A3) as printed."""
    each = (number * exchange[v] * spin[v] * PAULI[v] for v in (0, 1, 2))
    return np.asarray(-1 / 2 * sum(each))


def _mean_potential(number: float, volume: float, exchange: Any, spin: Any) -> ComplexArray:
    """Eqs. (19), (A3) with the density N / V of moments."""
    return _mean_potential_printed(number, volume, exchange, spin) / volume


# --- (20) -------------------------------------------------------------------------------------


class _Waves(NamedTuple):
    """Two wavenumbers of a ring of places, and the elements of a spin at one of them."""

    k: Array
    places: Array
    volume: float
    site: float
    elements: ComplexArray


@cache
def _on_ring() -> _Waves:
    """Elements of the coupling at one place as the electrons' engine takes them."""
    volume, count = 6.3, 9
    k, places = 2 * np.pi * np.array([1.0, 3.0]) / volume, volume * np.arange(count) / count
    elements = scattering.plane_waves(k, places[4], 2.0 / volume)[2][::2, ::2]
    return _Waves(k, places, volume, places[4], elements)


def _plane_wave_printed(k: float, r: Any, volume: float) -> Any:
    """Eqs. (20), (A21) as printed."""
    return 1 / np.sqrt(volume) * np.exp(k * r)


def _plane_wave(k: float, r: Any, volume: float) -> Any:
    """Eqs. (20), (A21) with i k.r."""
    return 1 / np.sqrt(volume) * np.exp(1j * k * r)


def _wave_residual(formula: Formula, w: _Waves) -> float:
    """Deviation of orthonormality and of the elements of a delta function."""
    waves = np.stack([formula(k, w.places, w.volume) for k in w.k])
    overlap = waves.conj() @ waves.T * w.volume / len(w.places)
    local = np.array([formula(k, w.site, w.volume) for k in w.k])
    # both together: the larger deviation
    return float(
        np.max([largest(overlap - np.eye(2)), relative(np.outer(local.conj(), local), w.elements)])
    )


_entry = partial(Entry, section=_SECTION, residual=deviation, tolerance=ROUNDING)

ENTRIES = [
    _entry(
        equation="17",
        statement="One-body density matrix, from Fock space",
        latex=r"\varrho_{\alpha_2\alpha_1}(t) = \langle\alpha_2|\hat\rho(t)|\alpha_1\rangle"
        r" = \mathrm{Tr}_e\{\hat f_{\alpha_1}^+\hat f_{\alpha_2}\hat\rho(t)\}",
        code=("openmr.models.fock.density",),
        printed=_one_body_elements,
        reference=_one_electron,
        because="relative; rounding",
        route="the density matrix of a single electron, put into Fock space",
    ),
    _entry(
        equation="18",
        statement="Equation of motion of the one-body density matrix",
        latex=r"\frac{\partial}{\partial t}\varrho_{\alpha_2\alpha_1}(t)"
        r" - \frac{i}{\hbar}[\varrho(t), \hat{\mathcal H}_0^e]_{\alpha_2\alpha_1}"
        r" - \frac{i}{\hbar}[\varrho(t), \hat{\mathcal V}_m]_{\alpha_2\alpha_1}"
        r" = \mathcal J_{\alpha_2\alpha_1}(\hat\rho)",
        code=("openmr.models.fock.density", "openmr.models.fock.collision"),
        printed=kinetic,
        reference=many_body_rate,
        because="relative; rounding in Fock space",
        route="commutators and traces in Fock space",
        note="Printed with indices inside the commutators, [rho_21, H]_21: read as [rho, H]_21, as "
        "in (A2).",
    ),
    _entry(
        equation="19",
        statement="Mean potential of the moments",
        latex=r"\hat{\mathcal V}_m = -\frac12 N_i\mathcal J_i^\nu\langle\hat S_i^\nu\rangle"
        r"\hat\sigma^\nu",
        corrected_latex=r"\hat{\mathcal V}_m = -\frac12\frac{N_i}{V}\mathcal J_i^\nu"
        r"\langle\hat S_i^\nu\rangle\hat\sigma^\nu",
        code=("openmr.rates.routes.joint_space.first_order_tensor",),
        printed=_mean_potential_printed,
        corrected=_mean_potential,
        reference=_mean_potentials,
        tolerance=1e-9,
        because="relative; rounding of omega_L - omega_B in SI units",
        route="couplings at places, k = k'; Liouvillian projected onto the thermal moment",
        note="J is an energy times a volume, Eq. (5), so N must be the density N / V: the print is "
        "right for V = 1 and off by the factor V else.",
    ),
    _entry(
        equation="20",
        statement="Plane waves",
        latex=r"\langle\mathbf r|\alpha\rangle = \frac{1}{\sqrt V}e^{\mathbf k\cdot\mathbf r}"
        r"|\sigma\rangle",
        corrected_latex=r"\langle\mathbf r|\alpha\rangle = \frac{1}{\sqrt V}"
        r"e^{i\mathbf k\cdot\mathbf r}|\sigma\rangle",
        code=("openmr.models.scattering.plane_waves",),
        printed=_plane_wave_printed,
        corrected=_plane_wave,
        reference=_on_ring,
        residual=_wave_residual,
        because="overlaps and elements, relative; rounding",
        route="orthonormality on a ring; couplings of om.scattering",
        note="Without the i the functions grow and are not orthogonal: the error exceeds 1.",
    ),
]
