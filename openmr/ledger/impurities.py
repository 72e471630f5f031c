"""Impurities with spin-orbit coupling, in the text below Eq. (85)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr._checks import Array
from openmr.bath import ComplexArray, spin_matrices
from openmr.ledger.entries import Entry
from openmr.ledger.exchange_field import FERROMAGNET
from openmr.units import HBAR


class SpinOrbit(NamedTuple):
    """Matrix elements between plane waves: of V, and the vector beside sigma of Eq. (2)."""

    after: Array
    before: Array
    potential: complex
    hbar: float
    mass: float
    light: float
    found: ComplexArray


@cache
def spin_orbit_elements() -> SpinOrbit:
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
    return SpinOrbit(after, before, potential, hbar, mass, light, found.astype(complex))


def spin_orbit_printed(r: SpinOrbit) -> Any:
    """Vector beside sigma in the text below Eq. (85), as printed."""
    l_so = r.hbar / (2 * r.mass * r.light)
    return -1j * l_so**2 * r.potential * np.cross(r.after, r.before)


def spin_orbit(r: SpinOrbit) -> Any:
    """The sign that Eq. (2) gives."""
    l_so = r.hbar / (2 * r.mass * r.light)
    return 1j * l_so**2 * r.potential * np.cross(r.after, r.before)


class Impurities(NamedTuple):
    """Spin-orbit scatterers in arbitrary units of length."""

    density: float = 0.3
    dos: float = 1.7  # per eV
    k_f: float = 1.9
    l_so: float = 0.4
    u: float = 0.6  # eV


def spin_orbit_rate_printed(i: Impurities) -> Any:
    """1/tau_0 in the text below Eq. (85), as printed."""
    return 8 * np.pi / (3 * HBAR) * i.density * i.dos * i.k_f**4 * i.l_so**4 * i.u**2


def spin_orbit_rate(i: Impurities) -> Any:
    """1/tau_0 without the component of k x k' along the spin."""
    return 16 * np.pi / (9 * HBAR) * i.density * i.dos * i.k_f**4 * i.l_so**4 * i.u**2


@cache
def golden_rule_tensor() -> tuple[Impurities, Array]:
    """Decay of the three spin components under V = U l^2 sigma.(k x k'), over the Fermi sphere.

    The integrand is of fourth order in the directions: Gauss-Legendre by three cosines and five
    azimuths integrates it exactly.
    """
    i = Impurities()
    cosines, weights = np.polynomial.legendre.leggauss(3)
    azimuth = 2 * np.pi * np.arange(5) / 5
    c, a = (grid.ravel() for grid in np.meshgrid(cosines, azimuth, indexing="ij"))
    sine = np.sqrt(1 - c**2)
    k = i.k_f * np.stack([sine * np.cos(a), sine * np.sin(a), c], axis=-1)
    weight = np.repeat(weights / 10, 5)
    pauli = 2 * spin_matrices(0.5)
    tensor = np.zeros((3, 3))
    for k_in, p_in in zip(k, weight, strict=True):
        for k_out, p_out in zip(k, weight, strict=True):
            v = i.u * i.l_so**2 * np.einsum("a,aij->ij", np.cross(k_in, k_out), pauli)
            for one, other in np.ndindex(3, 3):
                lost = 0.5 * (v @ v @ pauli[other] + pauli[other] @ v @ v) - v @ pauli[other] @ v
                tensor[one, other] += p_in * p_out * 0.5 * np.trace(pauli[one] @ lost).real
    return i, 2 * np.pi / HBAR * i.density * i.dos * tensor


_entry = partial(Entry, section=FERROMAGNET, tolerance=1e-12, code=("openmr.sample.Film",))

ENTRIES = [
    _entry(
        equation="V.A spin-orbit",
        statement="Spin-orbit part of the scattering by an impurity",
        latex=r"V_{\mathbf k\mathbf k'} = U^o_{\mathbf k\mathbf k'}"
        r" - iU^s_{\mathbf k\mathbf k'}\boldsymbol\sigma\cdot(\mathbf k\times\mathbf k'),\quad"
        r" U^s = l_{so}^2U^o,\quad l_{so} = \frac{\hbar}{2mc}",
        corrected_latex=r"V_{\mathbf k\mathbf k'} = U^o_{\mathbf k\mathbf k'}"
        r" + iU^s_{\mathbf k\mathbf k'}\boldsymbol\sigma\cdot(\mathbf k\times\mathbf k')",
        printed=spin_orbit_printed,
        corrected=spin_orbit,
        reference=spin_orbit_elements,
        residual=lambda f, r: float(np.abs(f(r) - r.found).max() / np.abs(r.found).max()),
        because="over the largest component; rounding",
        route="quadrature of the last term of Eq. (2) between plane waves",
        note="The sign is opposite to that of Eq. (2) for the phase exp[-i(k - k').R] of U^o. "
        "1/tau_0 holds its square; the sign of the spin Hall angle hangs on it.",
    ),
    _entry(
        equation="V.A tau0",
        statement="Spin relaxation by impurities with spin-orbit coupling",
        latex=r"\tau_0^{-1} \simeq \frac{8\pi}{3\hbar}n_i\nu_Fk_F^4l_{so}^4U^2",
        corrected_latex=r"\tau_0^{-1} = \frac{16\pi}{9\hbar}n_i\nu_Fk_F^4l_{so}^4U^2",
        printed=spin_orbit_rate_printed,
        corrected=spin_orbit_rate,
        reference=golden_rule_tensor,
        residual=lambda f, r: float(np.abs(f(r[0]) * np.eye(3) - r[1]).max() / f(r[0])),
        because="over the rate, for all three axes; rounding",
        route="golden rule averaged over the Fermi sphere by exact quadrature",
        note="The print is 3/2 of it: it counts the component of k x k' along the spin, which "
        "flips nothing.",
    ),
]
