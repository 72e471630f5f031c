"""General master-equation engines for any small open system.

In: a Hamiltonian, couplings (Qobj) and the spectra or correlators of their baths; out: generators,
states in time, monitors (Qobj). May not know samples, films, rates or transport.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from openmr.master.evolution import (
        Monitors as Monitors,
    )
    from openmr.master.evolution import (
        evolve as evolve,
    )
    from openmr.master.evolution import (
        monitors as monitors,
    )
    from openmr.master.redfield import (
        redfield_dissipator as redfield_dissipator,
    )
    from openmr.master.redfield import (
        reset as reset,
    )
    from openmr.master.time_convolutionless import (
        Generator as Generator,
    )
    from openmr.master.time_convolutionless import (
        tcl2 as tcl2,
    )

_PLACES = {
    "openmr.master.evolution": ("Monitors", "evolve", "monitors"),
    "openmr.master.redfield": ("redfield_dissipator", "reset"),
    "openmr.master.time_convolutionless": ("Generator", "tcl2"),
}
__all__ = ["Generator", "Monitors", "evolve", "monitors", "redfield_dissipator", "reset", "tcl2"]


if not _TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        for module, names in _PLACES.items():
            if name in names:
                return getattr(_import_module(module), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
