"""Exchange field and rates for isotropic coupling, Eqs. (78), (83)-(85)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates import closed_form
from openmr.rates.relaxation import relaxation_at
from openmr.rates.routes import joint_space
from openmr.reports.ledger.deviations import ROUNDING
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.relaxation import ELECTRONS, FILM
from openmr.reports.ledger.spin_flips import worst_ratio
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.presets import pt_py
from openmr.units import HBAR, MU_B

_DIFFUSION = "IV. Anisotropic spin diffusion equation: precession"
FERROMAGNET = "V A. Ferromagnetic MR: exchange field and rates"
G = ELECTRONS.g


class Point(NamedTuple):
    """Moments at one temperature and field, and what was found for them."""

    state: Equilibrium
    longitudinal: float  # 1/s, 1/tau_0 included
    transverse: float
    precession: float  # rad/s
    stopping_field: float  # T


def at_point(sample: Sample, temperature: float, field: float, method: str) -> Point:
    """One point by a route."""
    state = equilibrium(sample, temperature, field)
    options = {"modes": False} if method == "kinetic" else {}
    x, y, z = relaxation_at(state, method=method, **options).dissipator.diagonal()
    turning, other = (_turning(sample, state, b) for b in (field, field + 10.0))
    rest = 1 / sample.film.spin_flip_time
    stopping_field = field - 10.0 * turning / (other - turning)  # linear in the field
    return Point(state, z + rest, (x + y) / 2 + rest, turning, stopping_field)


def _turning(sample: Sample, state: Equilibrium, field: float) -> float:
    """Precession by QuTiP's first-order generator in any field, the moments held [rad/s]."""
    held = replace(state, field=np.array(field))
    return float(joint_space.first_order_tensor(sample, held)[0, 1])


def _ferrimagnet() -> Sample:
    """Two unequal sublattices that do not compensate."""
    moments = [
        Moments(2.5, 1.66e27, exchange_energy=1e-3),
        Moments(1.0, 3.1e27, exchange_energy=-0.4e-3),
    ]
    return Sample(Magnet(moments, [[2e-3, -1.7e-3], [-0.91e-3, 0.0]]), ELECTRONS, FILM)


@cache
def _ferromagnets(method: str = "bloch-redfield") -> tuple[Point, ...]:
    """A film that orders at 30 K, at several temperatures and fields."""
    points = ((10.0, 2.0), (28.0, 0.5), (60.0, 9.0))
    return tuple(at_point(pt_py(), t, b, method) for t, b in points)


@cache
def _shifted() -> tuple[Point, ...]:
    """Precession of one and of two sublattices, anisotropic or not, both signs of the field."""
    samples = (pt_py(), pt_py((-0.7e-3, -0.2e-3, 0.4e-3)), _ferrimagnet())
    return tuple(at_point(s, 15.0, b, "bloch-redfield") for s in samples for b in (3.0, -1.0))


def worst_rate(formula: Any, r: tuple[Point, ...], of: str) -> float:
    """Largest relative deviation from one of the rates that were found."""
    return max(worst_ratio(formula(one), getattr(one, of)) for one in r)


def of_state(formula: Any, r: Point) -> Any:
    """One of the closed forms that take magnet, electrons and state."""
    sample = r.state.sample
    return formula(sample.magnet, sample.electrons, r.state)


def of_rates(formula: Any, r: Point) -> Any:
    """One of the closed forms that take 1/tau_0 besides."""
    return of_state(partial(formula, r.state.sample.film.spin_flip_rate), r)


def _read(name: str, r: Point) -> Any:
    """As a user reads it off the relaxation."""
    return getattr(relaxation_at(r.state), name)


def _longitudinal_and_excess(r: Point) -> Any:
    """Eq. (85) as Eq. (84) and what spins across the field lose besides."""
    along = of_rates(closed_form.longitudinal_isotropic, r)
    return along + of_state(closed_form.transverse_excess, r).sum(axis=-1)


# --- (78), (83) ------------------------------------------------------------------------------


def _print_mended(r: Point) -> Any:
    """Eq. (83) as printed, times hbar."""
    return HBAR * of_state(closed_form.exchange_field_printed, r)


def field_error(formula: Any, r: tuple[Point, ...]) -> float:
    """Largest relative deviation from the exchange field that was found."""
    return max(worst_ratio(formula(one), one.stopping_field) for one in r)


def _shifted_precession_printed(r: Point) -> Any:
    """The text of Sec. V A as printed."""
    return HBAR * _shifted_precession(r)


def _shifted_precession(r: Point) -> Any:
    """With hbar."""
    field = r.state.field - of_state(closed_form.exchange_field, r)
    return G * MU_B * field / HBAR


entry = partial(
    Entry,
    section=FERROMAGNET,
    tolerance=ROUNDING,
    because="relative; rounding of the tensor's sums",
    route="bloch-redfield",
)
_READ = ("openmr.rates.closed_form.closed_form", "openmr.rates.record.Relaxation")
FIRST_ORDER = "first-order generator in QuTiP, projected on the thermal moment"


ENTRIES = [
    entry(
        equation="78",
        section=_DIFFUSION,
        statement="Precession shifted by the moments' mean field",
        latex=r"\omega_L = \omega_B - \frac1\hbar\sum_i n_S^i J_{sd}^i"
        r"\langle S_\parallel^i\rangle",
        code=(
            "openmr.rates.closed_form.precession",
            "openmr.rates.routes.joint_space.first_order_tensor",
        ),
        printed=partial(of_state, closed_form.precession),
        shipped=(partial(_read, "precession"),),
        reference=_shifted,
        residual=partial(worst_rate, of="precession"),
        because="relative; rounding",
        route=FIRST_ORDER,
        note="With omega_B = g mu_B B / hbar. For anisotropic coupling it is J_z that counts.",
    ),
    entry(
        equation="83",
        statement="Exchange field",
        latex=r"B_{sd} = n_SJ\langle S_\parallel\rangle/(\hbar g\mu_B)",
        corrected_latex=r"B_{sd} = n_SJ\langle S_\parallel\rangle/(g\mu_B)",
        code=(
            "openmr.rates.closed_form.exchange_field",
            "openmr.rates.closed_form.exchange_field_printed",
            "openmr.rates.record.Relaxation",
        ),
        printed=partial(of_state, closed_form.exchange_field_printed),
        corrected=partial(of_state, closed_form.exchange_field),
        shipped=(_print_mended, partial(_read, "exchange_field")),
        reference=_shifted,
        residual=field_error,
        because="relative; rounding",
        route="field at which QuTiP's first-order generator stands still",
        note="The print has hbar too many: no field by its unit.",
    ),
    entry(
        equation="83 precession",
        statement="Precession in the field less the exchange field, in the text of Sec. V A",
        latex=r"\omega_L = g\mu_B(B - B_{sd}),\quad \omega_B = g\mu_BB",
        corrected_latex=r"\omega_L = g\mu_B(B - B_{sd})/\hbar,\quad \omega_B = g\mu_BB/\hbar",
        code=("openmr.rates.closed_form.exchange_field",),
        printed=_shifted_precession_printed,
        corrected=_shifted_precession,
        reference=_shifted,
        residual=partial(worst_rate, of="precession"),
        because="relative; rounding",
        route=FIRST_ORDER,
        note="As below Eq. (2), with hbar; the hbar missing here is the one too many in (83).",
    ),
    entry(
        equation="84",
        statement="Longitudinal rate for isotropic coupling",
        latex=r"\frac{1}{\tau_\parallel} = \frac{1}{\tau_0} + \frac{\pi}{\hbar}n_S\nu_FJ^2"
        r"\beta\epsilon_Ln_B(\epsilon_L)[S(S+1) - \langle S_\parallel^2\rangle"
        r" - \langle S_\parallel\rangle]",
        code=("openmr.rates.closed_form.longitudinal_isotropic", *_READ),
        printed=partial(of_rates, closed_form.longitudinal_isotropic),
        shipped=(partial(_read, "longitudinal"),),
        reference=lambda: _ferromagnets("bloch-redfield") + _ferromagnets("kinetic"),
        residual=partial(worst_rate, of="longitudinal"),
        route="bloch-redfield, and kinetic at the electrons' full splitting",
        note="Twice what Eq. (70) gives as printed.",
    ),
    entry(
        equation="85",
        statement="Transverse rate for isotropic coupling: half the flips, and dephasing",
        latex=r"\frac{1}{\tau_\perp} = \frac{1}{2\tau_0} + \frac{1}{2\tau_\parallel}"
        r" + \frac{\pi}{\hbar}n_S\nu_FJ^2\langle S_\parallel^2\rangle",
        code=(
            "openmr.rates.closed_form.transverse_isotropic",
            "openmr.rates.closed_form.transverse_excess",
            *_READ,
        ),
        printed=partial(of_rates, closed_form.transverse_isotropic),
        shipped=(partial(_read, "transverse"), _longitudinal_and_excess),
        reference=_ferromagnets,
        residual=partial(worst_rate, of="transverse"),
        note="At small splitting of the electrons; see (75). Moments at random places.",
    ),
]
