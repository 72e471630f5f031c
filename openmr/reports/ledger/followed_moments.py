"""Moments relaxed by the electrons: the same rates from the other side, Korringa's, a thermostat.

These are no equations of the paper. What electrons lose to the moments, the moments gain: the
golden rule of a moment among electrons of unequal chemical potentials gives the paper's rates by a
way that has no electron in it.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from openmr._checks import Array
from openmr._words import Disorder
from openmr.moments.equilibrium import equilibrium
from openmr.moments.state import ThermalState
from openmr.rates.korringa import accumulation_drive
from openmr.rates.moment_relaxation import moment_bath, moment_relaxation
from openmr.rates.relaxation import relaxation, relaxation_at
from openmr.reports.ledger.deviations import ROUNDING, Pairs, deviation
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.relaxation import ELECTRONS, FILM
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.units import HBAR, K_B, MU_B

_SECTION = "Moments relaxed by the electrons, beyond the paper"
_DENSITY, _J = 1.66e27, -6e-31


def _film(spin: float, disorder: Disorder = "random", **own: Any) -> Sample:
    moments = Moments(spin, _DENSITY, _J, **own)
    return Sample(Magnet(moments, 0.0, disorder), ELECTRONS, FILM)


def _gained(point: ThermalState) -> Array:
    """(2/nu) n Tr[S_a P_b rho]: spin a that the moments take per accumulation b [1/s]."""
    bath = moment_bath(point, 0)
    flux = np.einsum("amk,bkm->ab", bath.levels.spins, accumulation_drive(bath)).real
    return np.asarray(2 * _DENSITY / bath.dos * flux)


@cache
def _along_the_field() -> Pairs:
    films = (_film(0.5), _film(2.0, "lattice"), _film(3.5))
    points = [
        equilibrium(film, kelvin, field)
        for film in films
        for kelvin, field in ((3.0, 4.0), (40.0, 9.0))
    ]
    return [((point,), _gained(point)) for point in points]


def _lost(point: ThermalState) -> Any:
    """Closed forms of the electrons' rates."""
    return relaxation_at(point).dissipator


@cache
def _in_crystals() -> Pairs:
    own = {"anisotropy": (3e-4, 1e-4), "stevens": {(4, 4): 2e-6}}
    found = []
    for disorder in ("random", "lattice"):
        film = _film(2.5, disorder, **own)
        for b in ((1.0, 2.0, 3.0), (0.0, 0.0, 1.0)):
            point = equilibrium(film, 6.0, 3.0, direction=b)
            found.append(((point,), _gained(point)))
    return found


def _lost_to_levels(point: ThermalState) -> Any:
    """Tensor of noise from the electrons' side."""
    return relaxation_at(point, method="batched").dissipator


@cache
def _engine() -> Pairs:
    """Slowest rate of a spin 1/2 by the general Bloch-Redfield engine, for beta eps and T."""
    from qutip import Qobj  # not for `import openmr` to wait for

    from openmr.bath.bath import Bath
    from openmr.bath.correlators import electron_hole_spectrum
    from openmr.master.markov import generator
    from openmr.master.open_system import OpenSystem

    found = []
    for kelvin, field in ((2.0, 0.0), (2.0, 3.0), (30.0, 12.0)):
        point = equilibrium(_film(0.5), kelvin, field)
        bath = moment_bath(point, 0)
        energies = Qobj(np.diag(bath.levels.energies))
        size = np.sqrt(bath.strength)
        pairs = [(Qobj(size * x), Bath(electron_hole_spectrum)) for x in bath.operators]
        full = generator(OpenSystem(energies, pairs), level_shift=False).dissipator.full()
        decay = -np.linalg.eigvals(full[np.ix_([0, 3], [0, 3])]).real.min()
        found.append(((2 * MU_B * field / (K_B * kelvin), kelvin), np.array(decay)))
    return found


def _korringa(splitting: float, kelvin: float) -> Any:
    """1/T1 [1/s]."""
    half = 0.5 * splitting
    over = half / np.tanh(half) if half else 1.0
    return np.pi / HBAR * (ELECTRONS.dos * _J) ** 2 * K_B * kelvin * over


def _korringa_of_levels(splitting: float, kelvin: float) -> Any:
    """As shipped."""
    field = splitting * K_B * kelvin / (2 * MU_B)
    return moment_relaxation(_film(0.5), kelvin, field).population_rates[0]


@cache
def _shares() -> Pairs:
    """Exchange part of 1/tau_par that is left, from the moments at rest in the accumulation.

    For 1/T1 of a spin 1/2 and the rate of its thermostat [1/s].
    """
    found = []
    for kelvin, field in ((4.0, 3.0), (20.0, 9.0)):
        own = float(moment_relaxation(_film(0.5), kelvin, field).population_rates[0])
        held = relaxation(_film(0.5), kelvin, field).dissipator[2, 2]
        for part in (0.03, 0.3, 1.0, 30.0):
            free = _film(0.5, thermostat_rate=part * own)
            kept = relaxation(free, kelvin, field).dissipator[2, 2]
            found.append(((own, part * own), np.array(kept / held)))
    return found


def _share(own: float, reset: float) -> Any:
    """By the two rates alone."""
    return reset / (reset + own)


_entry = partial(
    Entry,
    section=_SECTION,
    residual=deviation,
    tolerance=ROUNDING,
    because="over the largest element; rounding",
    note="Stated as derived here; the texts that have it were not at hand.",
)

ENTRIES = [
    _entry(
        equation="KOR1",
        statement="What electrons lose along and across the field is what moments gain",
        latex=r"\frac{\nu_F}2\Gamma_{ab} = n_S\,\mathrm{Tr}[S_aP_b\rho_{eq}]",
        code=(
            "openmr.rates.closed_form.longitudinal",
            "openmr.rates.closed_form.transverse_flips",
            "openmr.rates.closed_form.dephasing",
        ),
        printed=_lost,
        reference=_along_the_field,
        route="golden rule of a moment in a spin accumulation",
    ),
    _entry(
        equation="KOR2",
        statement="So it is for any levels and any field direction",
        latex=r"\Gamma = \frac\pi\hbar n_S\nu_F[\mathrm{Tr}(C)\,1 - C]",
        code=("openmr.rates.routes.batched.batched",),
        printed=_lost_to_levels,
        reference=_in_crystals,
        route="golden rule of a moment in a spin accumulation",
    ),
    _entry(
        equation="KOR3",
        statement="Korringa's rate of a spin 1/2",
        latex=r"\frac1{T_1} = \frac\pi{2\hbar}(\nu_FJ)^2\epsilon\coth\frac{\beta\epsilon}2",
        code=("openmr.rates.moment_relaxation.moment_relaxation",),
        printed=_korringa,
        shipped=(_korringa_of_levels,),
        reference=_engine,
        route="Bloch-Redfield engine",
    ),
    _entry(
        equation="KOR4",
        statement="Part of the rate along the field that a thermostat of the moments keeps",
        latex=r"\frac{r}{r + 1/T_1}",
        printed=_share,
        reference=_shares,
        route="moments at rest in a static accumulation",
    ),
]
