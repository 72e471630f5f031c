"""Cold, hot and antiferromagnetic: limits of Sec. V A, Eqs. (91), (92) and limits of Sec. V B."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from openmr._checks import Array
from openmr.rates import closed_form
from openmr.reports.ledger.deviations import nothing
from openmr.reports.ledger.entries import order_of_error
from openmr.reports.ledger.exchange_field import (
    FIRST_ORDER,
    G,
    Point,
    at_point,
    entry,
    field_error,
    of_rates,
    of_state,
    worst_rate,
)
from openmr.reports.ledger.relaxation import ELECTRONS, FILM, film
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.units import HBAR, K_B, MU_B

_ANTIFERROMAGNET = "V B. Antiferromagnetic MR: rates"


def _antiferromagnet() -> Sample:
    """Two equal sublattices with T_N = 40 K."""
    coupling = 3 * K_B * 40.0 / 3.75
    one = Moments(1.5, 1.66e27, exchange_energy=0.7e-3)
    return Sample(Magnet([one, one], [[0.0, -coupling], [-coupling, 0.0]]), ELECTRONS, FILM)


@cache
def _compensated() -> tuple[Point, ...]:
    """The antiferromagnet without a field, below its ordering temperature."""
    return tuple(at_point(_antiferromagnet(), t, 0.0, "bloch-redfield") for t in (12.0, 30.0, 39.0))


def _cold_field(r: Point) -> Any:
    """Exchange field of saturated moments without hbar."""
    magnet = r.state.sample.magnet
    return -np.sum(magnet.densities * magnet.exchange[:, 0] * magnet.spins) / (G * MU_B)


def _cold_field_printed(r: Point) -> Any:
    """As printed."""
    return _cold_field(r) / HBAR


def _bare_rate(r: Point) -> Any:
    """1/tau_0 alone, the rest of 1/tau_par."""
    return r.state.sample.film.spin_flip_rate


def _above_bare(formula: Any, r: Point) -> Any:
    """1/tau_0 and a rate of the moments, Omega_0 or Omega_1, summed over sublattices."""
    sample = r.state.sample
    return sample.film.spin_flip_rate + formula(sample.magnet, sample.electrons)


@cache
def _cold() -> tuple[Point, ...]:
    """Saturated moments: beta eps_L = 40 and more."""
    samples = (film(2.0, 0.7e-3), film(0.5, -1e-3))
    return tuple(at_point(s, 0.4, b, "bloch-redfield") for s in samples for b in (12.0, 15.0))


@cache
def _cold_antiferromagnet() -> tuple[Point, ...]:
    """T = T_N / 40 and below."""
    return tuple(at_point(_antiferromagnet(), t, 0.0, "bloch-redfield") for t in (0.8, 1.0))


@cache
def _hot() -> tuple[Point, ...]:
    """Small beta eps_L, by the field."""
    sample = film(2.0, 0.7e-3)
    return tuple(at_point(sample, 4.0, b, "bloch-redfield") for b in (0.05, 0.1, 0.2, 0.4))


def _depths(r: tuple[Point, ...]) -> list[float]:
    return [float(one.state.reduced_splitting[0]) for one in r]


def _paramagnetic_orders(formula: Any, r: tuple[Point, ...]) -> Array:
    rates = ("longitudinal", "transverse")
    errors = [[abs(formula(one) / getattr(one, rate) - 1) for one in r] for rate in rates]
    return np.array([order_of_error(_depths(r), of_one) for of_one in errors])


def _vanishing_field_order(formula: Any, r: tuple[Point, ...]) -> float:
    saturated = [one.stopping_field / _cold_field(one) for one in r]
    return order_of_error(_depths(r), [abs(b - formula()) for b in saturated])


def _felt(r: Point) -> float:
    """Precession in the field of one sublattice [rad/s]."""
    magnet = r.state.sample.magnet
    return float(np.abs(magnet.densities * magnet.exchange[:, 2] * r.state.mean_spin).sum() / HBAR)


_FROZEN = "relative; rounding, and flips frozen to x exp(-x) < 2e-16"

ENTRIES = [
    entry(
        equation="V.A i flips",
        statement="Frozen moments flip no spins",
        latex=r"\beta\epsilon_L \gg 1:\quad \tau_\parallel^{-1} = \tau_0^{-1}",
        code=("openmr.rates.closed_form.longitudinal_isotropic",),
        printed=_bare_rate,
        shipped=(partial(of_rates, closed_form.longitudinal_isotropic),),
        reference=_cold,
        residual=partial(worst_rate, of="longitudinal"),
        because=_FROZEN,
    ),
    entry(
        equation="V.A Omega0",
        statement="Frozen moments dephase at Omega_0",
        latex=r"\beta\epsilon_L \gg 1:\quad \tau_\perp^{-1} = \tau_0^{-1} + \Omega_0,\quad"
        r" \Omega_0 = \frac{\pi}{\hbar}n_S\nu_F(JS)^2",
        code=("openmr.rates.closed_form.saturated_dephasing",),
        printed=partial(_above_bare, closed_form.saturated_dephasing),
        reference=_cold,
        residual=partial(worst_rate, of="transverse"),
        because=_FROZEN,
        note="For moments at random places. In a perfect lattice only their fluctuation "
        "dephases, and none of this is left.",
    ),
    entry(
        equation="V.A i field",
        statement="Exchange field of frozen moments",
        latex=r"\beta\epsilon_L \gg 1:\quad B_{sd} = -n_SJS/(\hbar g\mu_B)",
        corrected_latex=r"\beta\epsilon_L \gg 1:\quad B_{sd} = -n_SJS/(g\mu_B)",
        code=("openmr.rates.closed_form.exchange_field",),
        printed=_cold_field_printed,
        corrected=_cold_field,
        shipped=(partial(of_state, closed_form.exchange_field),),
        reference=_cold,
        residual=field_error,
        because="relative; rounding, and moments saturated to exp(-40)",
        route="field at which QuTiP's first-order generator stands still",
        note="hbar as in (83). The sign is right: moments point against the field.",
    ),
    entry(
        equation="V.A Omega1",
        statement="Free moments relax all spins alike, at Omega_1",
        latex=r"\beta\epsilon_L \ll 1:\quad \tau_\parallel^{-1} = \tau_\perp^{-1}"
        r" = \tau_0^{-1} + \Omega_1,\quad \Omega_1 = \frac{2\pi}{3\hbar}\nu_Fn_SJ^2S(S+1)",
        code=("openmr.rates.closed_form.paramagnetic_rate",),
        printed=partial(_above_bare, closed_form.paramagnetic_rate),
        reference=_hot,
        residual=_paramagnetic_orders,
        tolerance=0.02,
        because="distance of both orders from 2; the next order, S(S+1)/10 (beta eps_L)^2 of it, "
        "adds at most twice its size to the slope, 0.02",
        order=2.0,
        parameter="beta eps_L",
    ),
    entry(
        equation="V.A ii field",
        statement="Free moments make no exchange field",
        latex=r"\beta\epsilon_L \ll 1:\quad B_{sd} = 0",
        printed=nothing,
        reference=_hot,
        residual=_vanishing_field_order,
        tolerance=0.02,
        because="distance of the order from 1; the next order, S(S+1)/10 (beta eps_L)^2 of it, "
        "adds at most twice its size to the slope, 0.02",
        route=FIRST_ORDER,
        order=1.0,
        parameter="beta eps_L",
    ),
    entry(
        equation="91",
        section=_ANTIFERROMAGNET,
        statement="Longitudinal rate of an antiferromagnet: sublattices add",
        latex=r"\frac{1}{\tau_\parallel} = \frac{1}{\tau_0} + \frac{\pi}{\hbar}n_S^\nu\nu_FJ^2"
        r"\beta\epsilon_L^\nu n_B(\epsilon_L^\nu)[S(S+1) - \langle S_i^\parallel"
        r" S_i^\parallel\rangle - \langle S_i^\parallel\rangle]",
        code=("openmr.rates.closed_form.longitudinal_isotropic",),
        printed=partial(of_rates, closed_form.longitudinal_isotropic),
        reference=_compensated,
        residual=partial(worst_rate, of="longitudinal"),
        note="eps_L and <S> of the sublattices have opposite signs, along one Neel vector; "
        "both give the same.",
    ),
    entry(
        equation="92",
        section=_ANTIFERROMAGNET,
        statement="Transverse rate of an antiferromagnet: sublattices add",
        latex=r"\frac{1}{\tau_\perp} = \frac{1}{2\tau_0} + \frac{1}{2\tau_\parallel}"
        r" + \frac{\pi}{\hbar}n_S^\nu\nu_FJ^2\langle S_i^\parallel S_i^\parallel\rangle",
        code=("openmr.rates.closed_form.transverse_isotropic",),
        printed=partial(of_rates, closed_form.transverse_isotropic),
        reference=_compensated,
        residual=partial(worst_rate, of="transverse"),
        note="Scattering off neighbours does not interfere, which is what random places mean.",
    ),
    entry(
        equation="V.B precession",
        section=_ANTIFERROMAGNET,
        statement="The sublattices' exchange fields cancel: no precession without a field",
        latex=r"B = 0:\quad \omega_L = 0",
        code=("openmr.rates.closed_form.precession",),
        printed=partial(of_state, closed_form.precession),
        reference=_compensated,
        residual=lambda f, r: max(abs(f(one) - one.precession) / _felt(one) for one in r),
        because="over the sum of the sublattices' fields; rounding",
        route=FIRST_ORDER,
    ),
    entry(
        equation="V.B flips",
        section=_ANTIFERROMAGNET,
        statement="Deep in the ordered phase no spin along the Neel vector flips",
        latex=r"T \ll T_N:\quad \tau_\parallel^{-1} \to \tau_0^{-1}",
        code=("openmr.rates.closed_form.longitudinal_isotropic",),
        printed=_bare_rate,
        shipped=(partial(of_rates, closed_form.longitudinal_isotropic),),
        reference=_cold_antiferromagnet,
        residual=partial(worst_rate, of="longitudinal"),
        because=_FROZEN,
    ),
    entry(
        equation="V.B Omega0",
        section=_ANTIFERROMAGNET,
        statement="Deep in the ordered phase spins across the Neel vector dephase at 2 Omega_0",
        latex=r"T \ll T_N:\quad \tau_\perp^{-1} = \tau_0^{-1} + 2\Omega_0,\quad"
        r" \Omega_0 = \frac{\pi}{\hbar}n_s\nu_FJ^2S^2",
        code=("openmr.rates.closed_form.saturated_dephasing",),
        printed=partial(_above_bare, closed_form.saturated_dephasing),
        reference=_cold_antiferromagnet,
        residual=partial(worst_rate, of="transverse"),
        because=_FROZEN,
        note="n_s is the density of one sublattice.",
    ),
]
