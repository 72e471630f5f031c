"""General master-equation engines for any small open system.

In: an `OpenSystem` (Hamiltonian, couplings to baths) and a question; out: generators, states in
time, rates, currents, and all routes compared. May not know samples, films, rates or transport.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

__all__ = [
    "Currents",
    "Evolution",
    "Generator",
    "Monitors",
    "OpenSystem",
    "Rates",
    "Route",
    "RouteTable",
    "SteadyState",
    "check",
    "compare",
    "correlation",
    "currents",
    "evolve",
    "generator",
    "monitors",
    "rates",
    "redfield_dissipator",
    "reset",
    "spectrum",
    "steady_state",
    "tcl2",
]

if TYPE_CHECKING:
    from openmr.master.comparison import Route, RouteTable, compare
    from openmr.master.evolution import Monitors, monitors
    from openmr.master.markov import Generator, generator
    from openmr.master.open_system import OpenSystem
    from openmr.master.propagation import Evolution, evolve
    from openmr.master.questions import (
        Currents,
        Rates,
        SteadyState,
        check,
        correlation,
        currents,
        rates,
        spectrum,
        steady_state,
    )
    from openmr.master.redfield import redfield_dissipator, reset
    from openmr.master.time_convolutionless import tcl2
else:
    _FILES = {
        "comparison": ("Route", "RouteTable", "compare"),
        "evolution": ("Monitors", "monitors"),
        "markov": ("Generator", "generator"),
        "open_system": ("OpenSystem",),
        "propagation": ("Evolution", "evolve"),
        "redfield": ("redfield_dissipator", "reset"),
        "time_convolutionless": ("tcl2",),
    }

    def __getattr__(name: str) -> object:
        if name in __all__:
            file = next((file for file, names in _FILES.items() if name in names), "questions")
            return getattr(_import_module(f"openmr.master.{file}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
