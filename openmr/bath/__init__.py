"""Fluctuations: correlators of the moments, the Fermi sea, transforms of spectra.

In: spins, splittings and arrays in units of k_B T; out: spectra S(w), correlators C(t) and their
half-sided transforms. May not know an Equilibrium, master equations or rates.
"""

from openmr._checks import ComplexArray
from openmr.bath.correlators import (
    LARGEST_SPIN,
    CorrelatorLines,
    detailed_balance,
    electron_hole_spectrum,
    moment_correlation,
    moment_correlator,
    populations,
    spin_matrices,
)

__all__ = [
    "LARGEST_SPIN",
    "ComplexArray",
    "CorrelatorLines",
    "detailed_balance",
    "electron_hole_spectrum",
    "moment_correlation",
    "moment_correlator",
    "populations",
    "spin_matrices",
]
