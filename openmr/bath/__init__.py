"""Fluctuations: correlators of the moments, the Fermi sea, transforms of spectra.

In: spins, splittings and arrays in units of k_B T; out: spectra S(w), correlators C(t) and their
half-sided transforms. May not know an Equilibrium, master equations or rates.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

__all__ = [
    "LARGEST_SPIN",
    "Bath",
    "BathCheck",
    "ComplexArray",
    "CorrelatorLines",
    "Exponents",
    "detailed_balance",
    "electron_hole_spectrum",
    "moment_bath",
    "moment_correlation",
    "moment_correlator",
    "populations",
    "spin_matrices",
]

if TYPE_CHECKING:
    from openmr._checks import ComplexArray
    from openmr.bath.bath import Bath, BathCheck, moment_bath
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
    from openmr.bath.exponential_sums import Exponents
else:
    _FILES = {
        "Bath": "bath",
        "BathCheck": "bath",
        "moment_bath": "bath",
        "Exponents": "exponential_sums",
    }

    def __getattr__(name: str) -> object:
        if name in __all__:
            return getattr(_import_module(f"openmr.bath.{_FILES.get(name, 'correlators')}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
