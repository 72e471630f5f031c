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
    "rates",
    "redfield_dissipator",
    "reset",
    "spectrum",
    "steady_state",
]

if TYPE_CHECKING:
    from openmr.master.comparison import Route, RouteTable, compare
    from openmr.master.markov import Generator, generator
    from openmr.master.old_names import redfield_dissipator, reset
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
else:
    _FILES = {
        "comparison": ("Route", "RouteTable", "compare"),
        "markov": ("Generator", "generator"),
        "open_system": ("OpenSystem",),
        "old_names": ("redfield_dissipator", "reset"),
        "propagation": ("Evolution", "evolve"),
    }

    def __getattr__(name: str) -> object:
        if name in __all__:
            file = next((file for file, names in _FILES.items() if name in names), "questions")
            return getattr(_import_module(f"openmr.master.{file}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
