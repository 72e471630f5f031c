"""Current and resistivity against the direction of the magnetisation, Eqs. (B30)-(B39)."""

from __future__ import annotations

from functools import partial
from typing import Any

from openmr.reports.ledger import shipped_film
from openmr.reports.ledger.currents import (
    QUADRATURE,
    Solved,
    entry,
    forward,
    longitudinal_current,
    sideways,
    transverse_current,
)
from openmr.reports.ledger.deviations import Pairs
from openmr.reports.ledger.ferromagnet import fourth, series
from openmr.reports.ledger.film_problem import Film, films, modes
from openmr.reports.ledger.spin_diffusion import PRINTED_SIGN, SECTION, norm

# --- (B30)-(B35) -----------------------------------------------------------------------------


def products(row: int, mode: int) -> Pairs:
    """E_row,mode times the inverse's element mode,2, with the precession as printed."""
    found: Pairs = []
    for f in films():
        m = modes(f.matrix.T, f.b)
        found.append(((f,), m.vectors[row - 1, mode - 1] * m.inverse[mode - 1, 1]))
    return found


def _product_21(f: Film) -> Any:
    """Eq. (B30)."""
    m, N = f.m, norm(f)
    return (+1j * m[3] + m[1] * m[2]) / N * (-1j * m[3] + m[1] * m[2]) / N


def _product_22_printed(f: Film) -> Any:
    """Eq. (B31) as it stands."""
    m, N = f.m, norm(f)
    return (-1j * m[3] + m[1] * m[2] + 1j * m[3] + m[1] * m[2]) / N


def _product_22(f: Film) -> Any:
    """Eq. (B31) as a product of two fractions."""
    m, N = f.m, norm(f)
    return (-1j * m[3] + m[1] * m[2]) / N * (+1j * m[3] + m[1] * m[2]) / N


def _product_23(f: Film) -> Any:
    """Eq. (B32)."""
    return f.m[2] ** 2


def _product_11(f: Film) -> Any:
    """Eq. (B33)."""
    m, N = f.m, norm(f)
    return (m[1] ** 2 - 1) / N * (-1j * m[3] + m[1] * m[2]) / N


def _product_12(f: Film) -> Any:
    """Eq. (B34)."""
    m, N = f.m, norm(f)
    return (m[1] ** 2 - 1) / N * (1j * m[3] + m[1] * m[2]) / N


def _product_13(f: Film) -> Any:
    """Eq. (B35)."""
    return f.m[1] * f.m[2]


# --- (B36)-(B39) -----------------------------------------------------------------------------


def _longitudinal_by_direction_printed(s: Solved) -> Any:
    """Eq. (B36) as printed."""
    z, m, theta = s.zeta, s.film.m, s.film.theta
    return 1 - 2 * theta**2 - theta**2 * (z[3].real + (z[1].real - z[3].real) * (1 - m[1] ** 2))


def _transverse_by_direction_printed(s: Solved) -> Any:
    """Eq. (B37) as printed, over theta^2."""
    z, m = s.zeta, s.film.m
    return (z[3].real - z[1].real) * m[1] * m[2] - z[1].imag * m[3]


def _rho_longitudinal_printed(f: Film) -> Any:
    """Eq. (B38) as printed, without the resistivity that changes."""
    return shipped_film.longitudinal(f) - 1


_SIGN = "The term of m_3 turns with the precession, whose sign in (B4) is opposite to that of (2)."
_product = partial(
    entry,
    code=(),
    route="numpy's eigenvectors of the generator from matrices",
    because="relative; rounding",
)

ENTRIES = [
    _product(
        equation="B30",
        statement="Share of mode 1 in the longitudinal current",
        latex=r"\mathcal E_{2,1}\mathcal E^{-1}_{1,2} ="
        r"\frac{+i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r}"
        r"\frac{-i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r}",
        printed=_product_21,
        reference=lambda: products(2, 1),
    ),
    _product(
        equation="B31",
        statement="Share of mode 2 in the longitudinal current",
        latex=r"\mathcal E_{2,2}\mathcal E^{-1}_{2,2} ="
        r"\frac{-i\hat m_3 + \hat m_1\hat m_2 + i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r}",
        corrected_latex=r"\mathcal E_{2,2}\mathcal E^{-1}_{2,2} ="
        r"\frac{-i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r}"
        r"\frac{+i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r}",
        evidence="(B38), which the paper gets from it, follows from the product",
        printed=_product_22_printed,
        corrected=_product_22,
        reference=lambda: products(2, 2),
        note="Twice m_1 m_2 over the norm, which is no share. Two fractions side by side, as in "
        "(B30), run into one: read as their product. The plus sign that opens the second numerator "
        "is that of (B7) and (B8).",
    ),
    _product(
        equation="B32",
        statement="Share of mode 3 in the longitudinal current",
        latex=r"\mathcal E_{2,3}\mathcal E^{-1}_{3,2} = \hat m_2^2",
        printed=_product_23,
        reference=lambda: products(2, 3),
    ),
    _product(
        equation="B33",
        statement="Share of mode 1 in the transverse current",
        latex=r"\mathcal E_{1,1}\mathcal E^{-1}_{1,2} = \frac{\hat m_1^2 - 1}{\sqrt2N_r}"
        r"\frac{-i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r}",
        printed=_product_11,
        reference=lambda: products(1, 1),
        note=PRINTED_SIGN,
    ),
    _product(
        equation="B34",
        statement="Share of mode 2 in the transverse current",
        latex=r"\mathcal E_{1,2}\mathcal E^{-1}_{2,2} = \frac{\hat m_1^2 - 1}{\sqrt2N_r}"
        r"\frac{i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r}",
        printed=_product_12,
        reference=lambda: products(1, 2),
        note="It uses E_12 in the form that (B7) should have. " + PRINTED_SIGN,
    ),
    _product(
        equation="B35",
        statement="Share of mode 3 in the transverse current",
        latex=r"\mathcal E_{1,3}\mathcal E^{-1}_{3,2} = \hat m_1\hat m_2",
        printed=_product_13,
        reference=lambda: products(1, 3),
    ),
    entry(
        equation="B36",
        statement="Longitudinal current against the direction of the magnetisation",
        latex=r"\frac{J_L}{J_{L0}} = 1 - 2\theta_{SH}^2 - \theta_{SH}^2"
        r"\{\zeta_3 + [\mathrm{Re}(\zeta_1) - \zeta_3](1 - \hat m_1^2)\}",
        corrected_latex=r"\frac{J_L}{J_{L0}} = 1 - 2\theta_{SH}^2 - \theta_{SH}^2"
        r"\{\zeta_3 + [\mathrm{Re}(\zeta_1) - \zeta_3](1 - \hat m_2^2)\}",
        printed=_longitudinal_by_direction_printed,
        corrected=longitudinal_current,
        shipped=(partial(longitudinal_current, way="matrix"),),
        reference=forward,
        route=QUADRATURE,
        note="m_1 for m_2: the printed angle is off by a quarter turn, so that the anisotropy "
        "in the plane has the wrong sign. (B38) has m_2.",
    ),
    entry(
        equation="B37",
        statement="Transverse current against the direction of the magnetisation",
        latex=r"\frac{J_T}{J_{L0}} = \theta_{SH}^2\{[\zeta_3 - \mathrm{Re}(\zeta_1)]"
        r"\hat m_1\hat m_2 - \mathrm{Im}(\zeta_1)\hat m_3\}",
        corrected_latex=r"\frac{J_T}{J_{L0}} = \theta_{SH}^2\{[\zeta_3 - \mathrm{Re}(\zeta_1)]"
        r"\hat m_1\hat m_2 + \mathrm{Im}(\zeta_1)\hat m_3\}",
        printed=_transverse_by_direction_printed,
        corrected=transverse_current,
        shipped=(partial(transverse_current, way="matrix"),),
        reference=sideways,
        route=QUADRATURE,
        note=_SIGN,
    ),
    fourth(
        equation="B38",
        section=SECTION,
        statement="Longitudinal resistivity to second order in the spin Hall angle",
        latex=r"\frac{\rho_L}{\rho_{L0}} \simeq \theta_{SH}^2(2 + \zeta_3)"
        r" + \theta_{SH}^2[\mathrm{Re}(\zeta_1) - \zeta_3](1 - \hat m_2^2)",
        corrected_latex=r"\frac{\rho_L}{\rho_{L0}} \simeq 1 + \theta_{SH}^2(2 + \zeta_3)"
        r" + \theta_{SH}^2[\mathrm{Re}(\zeta_1) - \zeta_3](1 - \hat m_2^2)",
        printed=_rho_longitudinal_printed,
        corrected=shipped_film.longitudinal,
        shipped=(shipped_film.by_matrix("longitudinal"),),
        reference=partial(series, 0),
        note="What is printed is the change of rho_L, as in (86): all of rho_L0 is missing.",
    ),
    fourth(
        equation="B39",
        section=SECTION,
        statement="Transverse resistivity to second order in the spin Hall angle",
        latex=r"\frac{\rho_T}{\rho_{L0}} = -\theta_{SH}^2[\zeta_3 - \mathrm{Re}(\zeta_1)]"
        r"\hat m_1\hat m_2 + \theta_{SH}^2\mathrm{Im}(\zeta_1)\hat m_3",
        corrected_latex=r"\frac{\rho_T}{\rho_{L0}} \simeq -\theta_{SH}^2[\zeta_3"
        r" - \mathrm{Re}(\zeta_1)]\hat m_1\hat m_2 - \theta_{SH}^2\mathrm{Im}(\zeta_1)\hat m_3",
        printed=shipped_film.transverse_printed,
        corrected=shipped_film.transverse,
        shipped=(shipped_film.by_matrix("transverse"),),
        reference=partial(series, 1),
        note="rho_T = E_y / J_x at J_y = 0. " + _SIGN,
    ),
]
