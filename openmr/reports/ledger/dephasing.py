"""Golden-rule rates across the field, Eqs. (72)-(75)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from openmr._checks import Array
from openmr.reports.ledger.deviations import ROUNDING
from openmr.reports.ledger.entries import Entry, order_of_error
from openmr.reports.ledger.relaxation import Rates, numerical_rates, sea_slope
from openmr.reports.ledger.spin_flips import (
    AZIMUTHS,
    DENSITY,
    VOLUME,
    Coupled,
    flip_lines,
    ladder_error,
    lines_error,
    moments,
    turned_ladders,
    worst_ratio,
)
from openmr.units import HBAR

_SECTION = "III B 2. Transverse spin relaxation time"


def _raising_across(
    phi: float, jx: float, jy: float, jz: float, s_plus: Any, s_minus: Any, s_z: Any
) -> Any:
    """Eq. (72)."""
    return jz * s_z + 1j * (
        (np.sin(phi) * jx - 1j * np.cos(phi) * jy) / 2 * s_plus
        + (np.sin(phi) * jx + 1j * np.cos(phi) * jy) / 2 * s_minus
    )


def _lowering_across(
    phi: float, jx: float, jy: float, jz: float, s_plus: Any, s_minus: Any, s_z: Any
) -> Any:
    """Eq. (73)."""
    return jz * s_z - 1j * (
        (np.sin(phi) * jx - 1j * np.cos(phi) * jy) / 2 * s_plus
        + (np.sin(phi) * jx + 1j * np.cos(phi) * jy) / 2 * s_minus
    )


def _across_printed(c: Coupled) -> Any:
    """Eq. (74) as printed."""
    m = c.moment
    rate = np.pi / (8 * HBAR**2 * VOLUME**2) * DENSITY
    turned = np.sin(c.phi) ** 2 * c.jx**2 + np.cos(c.phi) ** 2 * c.jy**2
    still = np.pi / (2 * HBAR**2 * VOLUME**2) * DENSITY * c.jz**2
    return [
        (m.omega_l + m.omega_l, rate * turned * m.flip_up),
        (-m.omega_l - m.omega_l, rate * turned * m.flip_down),
        (0.0, still * m.mean_square),
    ]


def across(c: Coupled) -> Any:
    """Eq. (74) with omega_L once."""
    m = c.moment
    rate = np.pi / (8 * HBAR**2 * VOLUME**2) * DENSITY
    turned = np.sin(c.phi) ** 2 * c.jx**2 + np.cos(c.phi) ** 2 * c.jy**2
    still = np.pi / (2 * HBAR**2 * VOLUME**2) * DENSITY * c.jz**2
    return [
        (m.omega_l, rate * turned * m.flip_up),
        (-m.omega_l, rate * turned * m.flip_down),
        (0.0, still * m.mean_square),
    ]


def _transverse_printed(r: Rates, phi: float) -> Any:
    """Eq. (75) as printed."""
    absorbed = r.x / np.expm1(r.x)
    emitted = r.x / -np.expm1(-r.x)
    rate = np.pi / (4 * HBAR) * r.density * r.dos
    turned = np.sin(phi) ** 2 * r.jx**2 + np.cos(phi) ** 2 * r.jy**2
    return (
        rate * turned * absorbed * r.flip_up
        + rate * turned * emitted * r.flip_down
        + np.pi / HBAR * r.density * r.jz**2 * r.second_moment
    )


def transverse(r: Rates, phi: float) -> Any:
    """Eq. (75) with nu_F in the third term."""
    absorbed = r.x / np.expm1(r.x)
    emitted = r.x / -np.expm1(-r.x)
    rate = np.pi / (4 * HBAR) * r.density * r.dos
    turned = np.sin(phi) ** 2 * r.jx**2 + np.cos(phi) ** 2 * r.jy**2
    return (
        rate * turned * absorbed * r.flip_up
        + rate * turned * emitted * r.flip_down
        + np.pi / HBAR * r.density * r.dos * r.jz**2 * r.second_moment
    )


def _across(tensor: Array, phi: float) -> Array:
    """Rate of spins along the axis that SciPy's rotations give at theta = pi/2."""
    turned = Rotation.from_euler("y", 0.5 * np.pi) * Rotation.from_euler("z", phi)
    axis = turned.as_matrix()[2]
    return np.asarray(np.einsum("a,...ab,b->...", axis, tensor, axis))


def _transverse_error(formula: Any, r: Rates) -> float:
    return max(worst_ratio(formula(r, phi), _across(r.tensor, phi)) for phi in AZIMUTHS)


def _flips_across(x: float, flip_up: float, flip_down: float) -> Any:
    """First two terms of Eq. (75), isotropic, in units of 2 pi n_S nu_F J^2 / hbar."""
    return (x / np.expm1(x) * flip_up + x / -np.expm1(-x) * flip_down) / 8


_SPLITTINGS = (0.02, 0.05, 0.1, 0.2)


@cache
def _rates_by_splitting() -> tuple[tuple[float, ...], ...]:
    """Flips alone: transverse rate of a Fermi sea for several splittings of the electrons.

    First with Jx = Jy, which keeps the total spin, then with Jx = -Jy, which breaks it.
    """
    return tuple(
        tuple(float(sea_slope(1.3, w, jy=jy)[1, 1]) for w in _SPLITTINGS) for jy in (1.0, -1.0)
    )


def _splitting_order(formula: Any, rates: tuple[tuple[float, ...], ...]) -> float:
    m = moments()[1]
    orders = [
        order_of_error(
            _SPLITTINGS, [abs(formula(m.x, m.flip_up, m.flip_down) / rate - 1) for rate in row]
        )
        for row in rates
    ]
    return max(abs(order - 1) for order in orders)


def _pure_dephasing(r: Rates) -> Any:
    """Third term of Eq. (75), with nu_F."""
    return np.pi / HBAR * r.density * r.dos * r.jz**2 * r.second_moment


_entry = partial(
    Entry,
    section=_SECTION,
    tolerance=ROUNDING,
    because="relative; rounding",
    route="spin matrices and Boltzmann weights",
)

_HALF = 0.5 * np.pi

ENTRIES = [
    _entry(
        equation="72",
        statement="Raising operator of the coupling, spins across the field",
        latex=r"L_+ = J_zS_z + i\left[\frac{\sin\phi J_x - i\cos\phi J_y}{2}S_+"
        r" + \frac{\sin\phi J_x + i\cos\phi J_y}{2}S_-\right]",
        code=(
            "openmr.rates.closed_form.flip_weights_transverse",
            "openmr.rates.routes.joint_space.coupling",
        ),
        printed=_raising_across,
        reference=partial(turned_ladders, _HALF, 1),
        residual=partial(ladder_error, count=3),
        route="vector J_v S_v turned by scipy.spatial.transform.Rotation",
        note="With L = J S, not the J S/(2 hbar) of Eq. (6).",
    ),
    _entry(
        equation="73",
        statement="Lowering operator of the coupling, spins across the field",
        latex=r"L_- = J_zS_z - i\left[\frac{\sin\phi J_x - i\cos\phi J_y}{2}S_+"
        r" + \frac{\sin\phi J_x + i\cos\phi J_y}{2}S_-\right]",
        code=(
            "openmr.rates.closed_form.flip_weights_transverse",
            "openmr.rates.routes.joint_space.coupling",
        ),
        printed=_lowering_across,
        reference=partial(turned_ladders, _HALF, -1),
        residual=partial(ladder_error, count=3),
        route="vector J_v S_v turned by scipy.spatial.transform.Rotation",
        note="With L = J S, not the J S/(2 hbar) of Eq. (6).",
    ),
    _entry(
        equation="74",
        statement="Golden-rule rate of spins across the field",
        latex=r"W_{\downarrow\uparrow} = \frac{\pi n_S}{8\hbar^2V^2}(\sin^2\phi J_x^2"
        r" + \cos^2\phi J_y^2)[\langle S_-S_+\rangle(\omega - \omega_L)"
        r" + \langle S_+S_-\rangle(\omega + \omega_L)]"
        r" + \frac{\pi n_S}{2\hbar^2V^2}J_z^2\langle S_\parallel^2\rangle(\omega)",
        corrected_latex=r"W_{\downarrow\uparrow} = \frac{\pi n_S}{8\hbar^2V^2}(\sin^2\phi J_x^2"
        r" + \cos^2\phi J_y^2)[\langle S_-S_+\rangle\,\delta(\omega - \omega_L)"
        r" + \langle S_+S_-\rangle\,\delta(\omega + \omega_L)]"
        r" + \frac{\pi n_S}{2\hbar^2V^2}J_z^2\langle S_\parallel^2\rangle\,\delta(\omega)",
        code=("openmr.rates.closed_form.flip_weights_transverse",),
        printed=_across_printed,
        corrected=across,
        reference=partial(flip_lines, _HALF),
        residual=partial(lines_error, count=3),
        because="positions over omega_L, weights over the largest; rounding",
        route="golden rule, Eq. (46), summed over spin matrices",
        note="omega_L is counted twice, as in (66). <S_par^2> is the full one, not its "
        "fluctuation: moments at random places.",
    ),
    _entry(
        equation="75",
        statement="Transverse relaxation rate for anisotropic coupling",
        latex=r"\frac{1}{\tau_\perp} = \frac{\pi}{4\hbar}n_S\nu_F(\sin^2\phi J_x^2"
        r" + \cos^2\phi J_y^2)\beta\epsilon_L[n_B\langle S_-S_+\rangle"
        r" + (1 + n_B)\langle S_+S_-\rangle]"
        r" + \frac{\pi}{\hbar}n_SJ_z^2\langle S_\parallel^2\rangle",
        corrected_latex=r"\frac{1}{\tau_\perp} = \frac{\pi}{4\hbar}n_S\nu_F(\sin^2\phi J_x^2"
        r" + \cos^2\phi J_y^2)\beta\epsilon_L[n_B\langle S_-S_+\rangle"
        r" + (1 + n_B)\langle S_+S_-\rangle]"
        r" + \frac{\pi}{\hbar}n_S\nu_FJ_z^2\langle S_\parallel^2\rangle",
        code=(
            "openmr.rates.closed_form.transverse_flips",
            "openmr.rates.closed_form.dephasing",
            "openmr.rates.closed_form.dephasing_printed",
        ),
        printed=_transverse_printed,
        corrected=transverse,
        reference=numerical_rates,
        residual=_transverse_error,
        because="relative; rounding of the tensor's sums",
        route="bloch-redfield",
        note="The third term lacks nu_F: its unit does not fit, and as a number it vanishes.",
    ),
    _entry(
        equation="75 splitting",
        statement="The electrons' splitting is left out of the flips across the field",
        latex=r"\beta\hbar\omega_L \to 0",
        code=(
            "openmr.rates.closed_form.transverse_flips_finite_splitting",
            "openmr.reports.validity.validity",
        ),
        printed=_flips_across,
        reference=_rates_by_splitting,
        residual=_splitting_order,
        tolerance=0.1,
        because="distance of the order from 1; the second order is smaller by half of "
        "beta hbar omega_L, at most 0.1",
        route="kinetic equation at several splittings",
        order=1.0,
        parameter="beta hbar omega_L",
        note="Flips that keep the total spin carry R(w, x) = s(w) s(x)/s(x - w), "
        "s(y) = sinh(y/2)/(y/2), w = beta hbar omega_L, x = beta eps_L; the others R(-w, x). "
        "Dephasing is exact.",
    ),
    _entry(
        equation="75 dephasing",
        statement="The transverse spin dephases without any flips",
        latex=r"J_x = J_y = 0:\quad \frac{1}{\tau_\perp}"
        r" = \frac{\pi}{\hbar}n_S\nu_FJ_z^2\langle S_\parallel^2\rangle",
        code=("openmr.rates.closed_form.dephasing",),
        printed=_pure_dephasing,
        reference=lambda: [
            numerical_rates(method, ((0.0, 0.0, -0.6e-3),))
            for method in ("bloch-redfield", "kinetic")
        ],
        residual=lambda f, r: max(worst_ratio(f(one), one.tensor[:, 0, 0]) for one in r),
        because="relative; rounding of the tensor's sums",
        route="bloch-redfield, and kinetic at the electrons' full splitting",
        note="Stated with nu_F, which Eq. (75) lacks.",
    ),
]
