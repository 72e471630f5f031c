"""General master-equation engines for any small open system.

In: a Hamiltonian, couplings (Qobj) and the spectra or correlators of their baths; out: generators,
states in time, monitors (Qobj). May not know samples, films, rates or transport.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

__all__ = ["Generator", "Monitors", "evolve", "monitors", "redfield_dissipator", "reset", "tcl2"]

if TYPE_CHECKING:
    from openmr.master.evolution import Monitors, evolve, monitors
    from openmr.master.redfield import redfield_dissipator, reset
    from openmr.master.time_convolutionless import Generator, tcl2
else:

    def __getattr__(name: str) -> object:
        if name in __all__:
            for file in ("evolution", "redfield", "time_convolutionless"):
                if hasattr(found := _import_module(f"openmr.master.{file}"), name):
                    return getattr(found, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
