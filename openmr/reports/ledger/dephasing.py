"""Golden-rule rates across the field, Eqs. (72)-(75)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from openmr._checks import Array
from openmr.moments.equilibrium import Equilibrium
from openmr.rates import closed_form
from openmr.reports.ledger.entries import order_of_error
from openmr.reports.ledger.rate_equation import thermal_lines
from openmr.reports.ledger.relaxation import (
    ELECTRONS,
    along,
    both_routes,
    film,
    numerical_rates,
    of_lines,
    of_record,
    sea_slope,
)
from openmr.reports.ledger.spin_flips import (
    AZIMUTHS,
    DENSITY,
    Coupled,
    any_axis,
    doubled,
    entry,
    flip_lines,
    ladder,
    ladder_entry,
    lines_error,
    lines_of,
    turned_ladders,
    worst_ratio,
)
from openmr.sample.film import Electrons
from openmr.sample.magnet import Magnet
from openmr.units import HBAR

_SECTION = "III B 2. Transverse spin relaxation time"


def _across(c: Coupled) -> Any:
    """Eq. (74) with omega_L once."""
    weights = closed_form.flip_weights_transverse(c.exchange, np.array(DENSITY), c.phi)
    return lines_of(weights, c.moment)


def _transverse_printed(state: Equilibrium, phi: float) -> Any:
    """Eq. (75) as printed."""
    flips = of_lines(closed_form.transverse_flips, state, phi)
    return flips + of_lines(_dephasing_printed, state)


def _dephasing_printed(magnet: Magnet, _: Electrons, lines: closed_form.Lines) -> Any:
    return closed_form.dephasing_printed(magnet, lines)


def _transverse(state: Equilibrium, phi: float) -> Any:
    """Eq. (75) with nu_F in the third term."""
    flips = of_lines(closed_form.transverse_flips, state, phi)
    return flips + of_lines(closed_form.dephasing, state)


def _print_mended(state: Equilibrium, phi: float) -> Any:
    """The print with the nu_F that it lacks."""
    flips = of_lines(closed_form.transverse_flips, state, phi)
    return flips + of_lines(_dephasing_printed, state) * state.sample.electrons.dos


def _transverse_error(formula: Any, r: Any) -> float:
    """Rates of spins along the axes that SciPy's rotations give at theta = pi/2."""
    errors = []
    for phi in AZIMUTHS:
        turned = Rotation.from_euler("y", 0.5 * np.pi) * Rotation.from_euler("z", phi)
        axis = turned.as_matrix()[2]
        for state, tensor in r:
            found = np.einsum("a,...ab,b->...", axis, tensor, axis)
            errors.append(worst_ratio(formula(state, phi), found))
    return max(errors)


def _flips_across(jy: float) -> Any:
    """First two terms of Eq. (75) at phi = 0 in units of 2 pi n_S nu_F J_x^2 / hbar."""
    flips = closed_form.transverse_flips(
        _FLIPPING[jy], ELECTRONS, thermal_lines(2.0, 1.3), _ALONG_X
    )
    return flips[0] * HBAR * DENSITY / (2 * np.pi * ELECTRONS.dos * _STRENGTH**2)


_ALONG_X, _STRENGTH = 0.0, 1e-3  # rad, eV
_FLIPPING = {jy: film(2.0, (_STRENGTH, jy * _STRENGTH, 0.0)).magnet for jy in (1.0, -1.0)}


_SPLITTINGS = (0.02, 0.05, 0.1, 0.2)


@cache
def _rates_by_splitting() -> tuple[tuple[float, ...], ...]:
    """Flips alone: transverse rate of a Fermi sea for several splittings of the electrons.

    First with Jx = Jy, which keeps the total spin, then with Jx = -Jy, which breaks it.
    """
    return tuple(
        tuple(float(sea_slope(1.3, w, jy=jy)[1, 1]) for w in _SPLITTINGS) for jy in (1.0, -1.0)
    )


def _splitting_orders(formula: Any, rates: tuple[tuple[float, ...], ...]) -> Array:
    pairs = zip((1.0, -1.0), rates, strict=True)
    errors = [[abs(formula(jy) / rate - 1) for rate in row] for jy, row in pairs]
    return np.array([order_of_error(_SPLITTINGS, row) for row in errors])


_entry, _ladder_entry = (partial(make, section=_SECTION) for make in (entry, ladder_entry))

_CODE = "openmr.rates.closed_form."
_HALF = 0.5 * np.pi

ENTRIES = [
    _ladder_entry(
        equation="72",
        statement="Raising operator of the coupling, spins across the field",
        latex=r"L_+ = J_zS_z + i\left[\frac{\sin\phi J_x - i\cos\phi J_y}{2}S_+"
        r" + \frac{\sin\phi J_x + i\cos\phi J_y}{2}S_-\right]",
        printed=partial(ladder, _HALF, 1),
        reference=partial(turned_ladders, _HALF, 1),
    ),
    _ladder_entry(
        equation="73",
        statement="Lowering operator of the coupling, spins across the field",
        latex=r"L_- = J_zS_z - i\left[\frac{\sin\phi J_x - i\cos\phi J_y}{2}S_+"
        r" + \frac{\sin\phi J_x + i\cos\phi J_y}{2}S_-\right]",
        printed=partial(ladder, _HALF, -1),
        reference=partial(turned_ladders, _HALF, -1),
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
        code=(_CODE + "flip_weights_transverse", _CODE + "flip_weights"),
        printed=lambda c: doubled(_across(c)),
        corrected=_across,
        shipped=(partial(any_axis, _HALF),),
        reference=partial(flip_lines, _HALF),
        residual=lines_error,
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
            _CODE + "transverse_flips",
            _CODE + "dephasing",
            _CODE + "dephasing_printed",
            _CODE + "flip_flux",
            _CODE + "rate_along",
            _CODE + "closed_form",
            "openmr.rates.record.Relaxation",
        ),
        printed=_transverse_printed,
        corrected=_transverse,
        shipped=(_print_mended, partial(along, _HALF), partial(of_record, _HALF)),
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
        code=(_CODE + "transverse_flips",),
        printed=_flips_across,
        reference=_rates_by_splitting,
        residual=_splitting_orders,
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
        code=(_CODE + "dephasing",),
        printed=partial(of_lines, closed_form.dephasing),
        reference=partial(both_routes, ((0.0, 0.0, -0.6e-3),)),
        residual=lambda f, r: max(worst_ratio(f(state), t[:, 0, 0]) for state, t in r),
        because="relative; rounding of the tensor's sums",
        route="bloch-redfield, and kinetic at the electrons' full splitting",
        note="Stated with nu_F, which Eq. (75) lacks.",
    ),
]
