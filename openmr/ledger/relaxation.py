"""Spin relaxation along any axis, Eqs. (35)-(75)."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from openmr._checks import Array
from openmr.equilibrium import equilibrium
from openmr.ledger.entries import Entry
from openmr.relaxation import relaxation
from openmr.sample import Electrons, Film, Magnet, Moments, Sample
from openmr.units import HBAR

SECTION = "III B. Anisotropic spin relaxation"
ROUNDING = 1e-12


class Rates(NamedTuple):
    """Films with one kind of moment at some fields, and rates that a route found for them [1/s]."""

    jx: Array  # eV m^3
    jy: Array
    jz: Array
    density: Array  # m^-3
    dos: Array  # eV^-1 m^-3
    x: Array  # beta eps_L
    flip_up: Array  # <S_- S_+>
    flip_down: Array  # <S_+ S_->
    second_moment: Array  # <S_par^2>
    tensor: Array  # (..., 3, 3)


@cache
def measured_rates(method: str = "bloch-redfield") -> Rates:
    """Exchange part of the relaxation tensor for several spins, couplings and fields."""
    found: list[list[Array]] = []
    electrons = Electrons(dos_up=3.4e27, dos_down=3.4e27)
    film = Film(5e-9, 0.1, 1e-6, spin_flip_time=9e-12, resistivity=2e-6)
    for spin in (0.5, 2.0):
        for coupling in ((-1e-3, -1e-3, -1e-3), (1e-3, 0.3e-3, -0.6e-3)):
            moments = Moments(spin, 1.66e27, exchange_energy=coupling)
            sample = Sample(Magnet(moments), electrons, film)
            fields = np.array([0.5, 3.0, 12.0])
            state = equilibrium(sample, 4.0, fields)
            rates = relaxation(sample, 4.0, fields, method=method)
            jx, jy, jz = (np.full(3, j) for j in moments.exchange)
            found.append(
                [
                    jx,
                    jy,
                    jz,
                    np.full(3, moments.density),
                    np.full(3, electrons.dos),
                    state.reduced_splitting[:, 0],
                    state.flip_up[:, 0],
                    state.flip_down[:, 0],
                    state.second_moment[:, 0],
                    rates.dissipator,
                ]
            )
    return Rates(*(np.concatenate(column) for column in zip(*found, strict=True)))


def worst_ratio(found: Array, expected: Array) -> float:
    """Largest relative deviation."""
    return float(np.max(np.abs(found / expected - 1)))


# --- (70) ------------------------------------------------------------------------------------


def longitudinal_printed(r: Rates) -> Array:
    """Eq. (70) as printed."""
    absorbed = r.x / np.expm1(r.x)
    emitted = r.x / -np.expm1(-r.x)
    rate = np.pi / (4 * HBAR) * r.density * r.dos
    return np.asarray(
        rate * (r.jx**2 + r.jy**2) * absorbed * r.flip_up
        + rate * (r.jx - r.jy) ** 2 * emitted * r.flip_down
    )


def longitudinal(r: Rates) -> Array:
    """Eq. (70) with the sum of the couplings squared, as Eq. (66) gives."""
    absorbed = r.x / np.expm1(r.x)
    emitted = r.x / -np.expm1(-r.x)
    rate = np.pi / (4 * HBAR) * r.density * r.dos
    return np.asarray(
        rate * (r.jx + r.jy) ** 2 * absorbed * r.flip_up
        + rate * (r.jx - r.jy) ** 2 * emitted * r.flip_down
    )


ENTRIES = [
    Entry(
        equation="70",
        section=SECTION,
        statement="Longitudinal relaxation rate for anisotropic coupling",
        latex=r"\frac{1}{\tau_\parallel} = \frac{\pi}{4\hbar} n_S\nu_F (J_x^2 + J_y^2)"
        r"\beta\epsilon_L n_B \langle S_-S_+\rangle + \frac{\pi}{4\hbar} n_S\nu_F (J_x - J_y)^2"
        r"\beta\epsilon_L (1 + n_B) \langle S_+S_-\rangle",
        corrected_latex=r"\frac{1}{\tau_\parallel} = \frac{\pi}{4\hbar} n_S\nu_F (J_x + J_y)^2"
        r"\beta\epsilon_L n_B \langle S_-S_+\rangle + \frac{\pi}{4\hbar} n_S\nu_F (J_x - J_y)^2"
        r"\beta\epsilon_L (1 + n_B) \langle S_+S_-\rangle",
        code=("openmr.closed_form.longitudinal", "openmr.closed_form.longitudinal_printed"),
        printed=longitudinal_printed,
        corrected=longitudinal,
        reference=measured_rates,
        residual=lambda formula, r: worst_ratio(formula(r), r.tensor[:, 2, 2]),
        tolerance=ROUNDING,
        because="relative; rounding of the tensor's sums",
        route="bloch-redfield",
        note="By detailed balance the printed form is 1 - Jx Jy/(Jx^2 + Jy^2) of the right one, "
        "half of Eq. (84) when isotropic.",
    ),
]
