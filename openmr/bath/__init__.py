"""What fluctuates: correlators of the moments, the Fermi sea, transforms of spectra.

In: spins, splittings and arrays in units of k_B T; out: spectra S(w), correlators C(t) and their
half-sided transforms. May not know an Equilibrium, master equations or rates.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from openmr.bath.correlators import (
        LARGEST_SPIN as LARGEST_SPIN,
    )
    from openmr.bath.correlators import (
        ComplexArray as ComplexArray,
    )
    from openmr.bath.correlators import (
        CorrelatorLines as CorrelatorLines,
    )
    from openmr.bath.correlators import (
        detailed_balance as detailed_balance,
    )
    from openmr.bath.correlators import (
        electron_hole_spectrum as electron_hole_spectrum,
    )
    from openmr.bath.correlators import (
        moment_correlation as moment_correlation,
    )
    from openmr.bath.correlators import (
        moment_correlator as moment_correlator,
    )
    from openmr.bath.correlators import (
        populations as populations,
    )
    from openmr.bath.correlators import (
        spin_matrices as spin_matrices,
    )

_PLACES = {
    "openmr.bath.correlators": (
        "ComplexArray",
        "CorrelatorLines",
        "LARGEST_SPIN",
        "detailed_balance",
        "electron_hole_spectrum",
        "moment_correlation",
        "moment_correlator",
        "populations",
        "spin_matrices",
    ),
}
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


if not _TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        for module, names in _PLACES.items():
            if name in names:
                return getattr(_import_module(module), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
