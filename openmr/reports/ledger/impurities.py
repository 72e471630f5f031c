"""Impurities with spin-orbit coupling, in the text below Eq. (85)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.exchange_field import FERROMAGNET


class _SpinOrbit(NamedTuple):
    """Matrix elements between plane waves: of V, and the vector beside sigma of Eq. (2)."""

    after: Array
    before: Array
    potential: complex
    hbar: float
    mass: float
    light: float
    found: ComplexArray


@cache
def _spin_orbit_elements() -> _SpinOrbit:
    """-(hbar/4 m^2 c^2) <k| p x grad V |k'> for an impurity at some place, by quadrature."""
    hbar, mass, light = 0.7, 1.3, 2.1
    after, before = np.array([0.4, -1.1, 0.8]), np.array([-0.9, 0.3, 1.2])
    place, step = np.array([0.5, -0.2, 0.3]), 0.25
    grid = step * np.arange(-40, 41)  # spectrally exact for a Gaussian of unit width
    value, slope = np.empty(3, complex), np.empty(3, complex)
    for a in range(3):  # V is a product of Gaussians
        gauss = np.exp(-0.5 * (grid - place[a]) ** 2)
        wave = np.exp(-1j * (after[a] - before[a]) * grid)
        value[a] = step * np.sum(wave * gauss)
        slope[a] = step * np.sum(wave * (place[a] - grid) * gauss)
    gradient = np.prod(value) * slope / value
    momentum = hbar * after  # p acts on the plane wave at its left
    found = -hbar / (4 * mass**2 * light**2) * np.cross(momentum, gradient)
    potential = complex(np.prod(value))
    return _SpinOrbit(after, before, potential, hbar, mass, light, found.astype(complex))


def _spin_orbit_printed(r: _SpinOrbit) -> Any:
    """Vector beside sigma in the text below Eq. (85), as printed."""
    l_so = r.hbar / (2 * r.mass * r.light)
    return -1j * l_so**2 * r.potential * np.cross(r.after, r.before)


def _spin_orbit(r: _SpinOrbit) -> Any:
    """The sign that Eq. (2) gives."""
    l_so = r.hbar / (2 * r.mass * r.light)
    return 1j * l_so**2 * r.potential * np.cross(r.after, r.before)


ENTRIES = [
    Entry(
        equation="V.A spin-orbit",
        section=FERROMAGNET,
        statement="Spin-orbit part of the scattering by an impurity",
        latex=r"V_{\mathbf k\mathbf k'} = U^o_{\mathbf k\mathbf k'}"
        r" - iU^s_{\mathbf k\mathbf k'}\boldsymbol\sigma\cdot(\mathbf k\times\mathbf k'),\quad"
        r" U^s = l_{so}^2U^o,\quad l_{so} = \frac{\hbar}{2mc}",
        corrected_latex=r"V_{\mathbf k\mathbf k'} = U^o_{\mathbf k\mathbf k'}"
        r" + iU^s_{\mathbf k\mathbf k'}\boldsymbol\sigma\cdot(\mathbf k\times\mathbf k')",
        printed=_spin_orbit_printed,
        corrected=_spin_orbit,
        reference=_spin_orbit_elements,
        residual=lambda f, r: float(np.abs(f(r) - r.found).max() / np.abs(r.found).max()),
        tolerance=1e-12,
        because="over the largest component; rounding",
        route="quadrature of the last term of Eq. (2) between plane waves",
        note="The sign is opposite to that of Eq. (2) for the phase exp[-i(k - k').R] of U^o. "
        "1/tau_0 holds its square; the sign of the spin Hall angle hangs on it.",
    )
]
