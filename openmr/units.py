"""Physical constants in the units of the public interface: eV, K, T, m, s."""

from typing import Final

from scipy import constants

HBAR: Final[float] = constants.value("reduced Planck constant in eV s")
"""Reduced Planck constant [eV s]."""
K_B: Final[float] = constants.value("Boltzmann constant in eV/K")
"""Boltzmann constant [eV/K]."""
MU_B: Final[float] = constants.value("Bohr magneton in eV/T")
"""Bohr magneton [eV/T]."""
ELEMENTARY_CHARGE: Final[float] = constants.e
"""Elementary charge [C], which is also one eV in joules."""


def free_electron_dos(fermi_energy: float, mass: float) -> float:
    """Density of states per spin of a free-electron gas [eV^-1 m^-3].

    Parameters
    ----------
    fermi_energy : float, eV
    mass : float, in units of the free-electron mass

    Returns
    -------
    float, eV^-1 m^-3
        nu per spin.
    """
    momentum = (2.0 * mass * constants.m_e * fermi_energy * constants.e) ** 0.5
    per_joule = mass * constants.m_e * momentum / (2.0 * constants.pi**2 * constants.hbar**3)
    return float(per_joule * constants.e)
