"""tau_0 from spin-orbit scattering by impurities, text below Eq. (85).

An impurity of potential U delta(r - R) scatters k to k' with the amplitude
-i U l_so^2 sigma.(k x k'). Golden rule for impurities at random places, free electrons.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import constants

from openmr import _checks, units
from openmr._checks import Array
from openmr.bath.correlators import PAULI

VACUUM_LENGTH: Final[float] = constants.hbar / (2 * constants.m_e * constants.c)
"""l_so = hbar / 2mc of free electrons [m], as Eq. (2) has it; bands make it much longer."""


_ENERGY = _checks.Range(1e-12, 1e6, "eV")
_MASS = _checks.Range(1e-9, 1e6, "free-electron masses")
_POTENTIAL = _checks.Range(-1.0, 1.0, "eV m^3")


def fermi_momentum(fermi_energy: float, mass: float = 1.0) -> float:
    """k_F of free electrons [1/m].

    Parameters as of `spin_flip_rate`.

    Returns
    -------
    float, 1/m
        k_F.

    Raises
    ------
    ParameterError
        For an energy or mass that is not positive.
    """
    energy = _ENERGY.positive("fermi_energy", fermi_energy) * constants.e
    mass = _MASS.positive("mass", mass) * constants.m_e
    return float(np.sqrt(2 * mass * energy) / constants.hbar)


def _scale(
    density: float, potential: float, fermi_energy: float, mass: float, length: float
) -> float:
    """(pi/hbar) n_i nu_F k_F^4 l_so^4 U^2 [1/s]."""
    density = _checks.number("density", density, "m^-3", least=0.0, most=1e35)
    potential = float(
        _POTENTIAL.hold("potential", _checks.number("potential", potential, "eV m^3"))
    )
    length = _checks.number("spin_orbit_length", length, "m", least=0.0, most=1.0)
    phase = (fermi_momentum(fermi_energy, mass) * length) ** 4
    dos = units.free_electron_dos(float(fermi_energy), float(mass))
    return np.pi / units.HBAR * density * dos * phase * potential**2


def spin_flip_rate(
    density: float,
    potential: float,
    fermi_energy: float,
    mass: float = 1.0,
    *,
    spin_orbit_length: float = VACUUM_LENGTH,
) -> float:
    """1/tau_0 = (16 pi / 9 hbar) n_i nu_F k_F^4 l_so^4 U^2 [1/s].

    Parameters
    ----------
    density : float, m^-3
        n_i of the impurities.
    potential : float, eV m^3
        U.
    fermi_energy : float, eV
    mass : float, free-electron masses
    spin_orbit_length : float, m
        l_so.

    Returns
    -------
    float, 1/s
        1/tau_0.

    Notes
    -----
    Differs from the paper by 2/3: the printed 8 pi/3 counts <|k x k'|^2>, of which the third
    along the spin conserves it.

    Examples
    --------
    >>> from openmr import impurity
    >>> rate = impurity.spin_flip_rate(6e26, 1e-28, 1.0, spin_orbit_length=1e-10)
    >>> f"tau_0 = {1e12 / rate:.2f} ps"
    'tau_0 = 0.08 ps'
    """
    return 16 / 9 * _scale(density, potential, fermi_energy, mass, spin_orbit_length)


def spin_flip_rate_printed(
    density: float,
    potential: float,
    fermi_energy: float,
    mass: float = 1.0,
    *,
    spin_orbit_length: float = VACUUM_LENGTH,
) -> float:
    """1/tau_0 with the printed factor 8 pi/3, 3/2 of what the golden rule gives [1/s].

    Parameters and returns as of `spin_flip_rate`.
    """
    return 8 / 3 * _scale(density, potential, fermi_energy, mass, spin_orbit_length)


def golden_rule_rate(
    axis: ArrayLike,
    density: float,
    potential: float,
    fermi_energy: float,
    mass: float = 1.0,
    *,
    spin_orbit_length: float = VACUUM_LENGTH,
    nodes: int = 4,
) -> Array:
    """1/tau_0 by counting spin flips over the Fermi sphere [1/s].

    Both k and k' run over the sphere; the amplitude is the matrix element of sigma.(k x k')
    between the two spinors along `axis`, and a spin decays at twice the rate of its flips. Other
    parameters as of `spin_flip_rate`.

    Parameters
    ----------
    axis : array_like (..., 3), no unit
        Along which the spin is quantised.
    nodes : int
        Gauss points in the cosine of the polar angle, twice as many in the azimuth. The integrand
        is of second degree in each of k and k', so 2 are exact; more are there to show it.

    Returns
    -------
    array (...), 1/s
        One for each axis.

    Raises
    ------
    ParameterError
        For an axis of length zero, or nodes outside 1 ... 16.
    """
    n = _checks.unit_vectors("axis", axis)
    count = _checks.integer("nodes", nodes, least=1, most=16)
    k, weight = _sphere(count)
    crossed = np.cross(k[:, None], k[None, :])
    operator = np.einsum("ija,ast->ijst", crossed, PAULI)
    up, down = _spinors(n)
    flips = np.abs(np.einsum("...s,ijst,...t->...ij", down.conj(), operator, up)) ** 2
    mean = np.einsum("...ij,i,j->...", flips, weight, weight)
    per_flip = 2 * _scale(density, potential, fermi_energy, mass, spin_orbit_length)
    return np.asarray(2 * per_flip * mean)


def _sphere(count: int) -> tuple[Array, Array]:
    """Unit vectors and weights of sum 1, exact to degree 2 `count` - 1."""
    cosine, weight = np.polynomial.legendre.leggauss(count)
    azimuth = np.arange(2 * count) * np.pi / count
    sine = np.sqrt(1 - cosine**2)[:, None]
    points = np.stack(
        np.broadcast_arrays(sine * np.cos(azimuth), sine * np.sin(azimuth), cosine[:, None]), -1
    )
    return points.reshape(-1, 3), np.repeat(weight, 2 * count) / (4 * count)


def _spinors(axis: Array) -> tuple[Array, Array]:
    """Eigenvectors of sigma.n for +1 and -1, shape (..., 2)."""
    _, vectors = np.linalg.eigh(np.einsum("...a,ast->...st", axis, PAULI))
    return vectors[..., :, 1], vectors[..., :, 0]
