"""Physical constants in the units of the public interface: eV, K, T, m, s."""

from math import pi
from typing import Final

# written out, since scipy.constants takes longer to import than all else of `import openmr`
ELEMENTARY_CHARGE: Final[float] = 1.602176634e-19
"""Elementary charge [C], which is also one eV in joules; exact in the SI."""
HBAR: Final[float] = 6.62607015e-34 / (2.0 * pi) / ELEMENTARY_CHARGE
"""Reduced Planck constant [eV s]; exact in the SI."""
K_B: Final[float] = 1.380649e-23 / ELEMENTARY_CHARGE
"""Boltzmann constant [eV/K]; exact in the SI."""
MU_B: Final[float] = 5.7883817982e-5
"""Bohr magneton [eV/T], CODATA 2022."""
ELECTRON_MASS: Final[float] = 9.1093837139e-31
"""Mass of the free electron [kg], CODATA 2022."""


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
    joules, kilograms = fermi_energy * ELEMENTARY_CHARGE, mass * ELECTRON_MASS
    momentum = (2.0 * kilograms * joules) ** 0.5
    per_joule = kilograms * momentum / (2.0 * pi**2 * (HBAR * ELEMENTARY_CHARGE) ** 3)
    return float(per_joule * ELEMENTARY_CHARGE)
