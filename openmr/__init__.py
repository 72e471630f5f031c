"""openmr: spin relaxation and magnetoresistance of magnetic metals from open quantum dynamics."""

from importlib import import_module as _import_module
from typing import Any as _Any

from openmr import presets, units
from openmr._checks import (
    ConvergenceError,
    ExtractionError,
    OpenmrError,
    ParameterError,
    SizeError,
)
from openmr._version import __version__ as __version__
from openmr.equilibrium import (
    Equilibrium,
    curie_temperature,
    equilibrium,
    neel_temperature,
    ordering_temperature,
)
from openmr.ledger import ledger
from openmr.pipeline import magnetoresistance
from openmr.rates import Relaxation
from openmr.relaxation import relaxation
from openmr.resistivity import (
    Mechanisms,
    Resistivity,
    mechanisms,
    resistivity,
    scan_directions,
)
from openmr.sample import Electrons, Film, Magnet, Moments, Sample
from openmr.sweep import sweep
from openmr.validity import validity
from openmr.verify import verify

__all__ = [
    "ConvergenceError",
    "Electrons",
    "Equilibrium",
    "ExtractionError",
    "Film",
    "Magnet",
    "Mechanisms",
    "Moments",
    "OpenmrError",
    "ParameterError",
    "Relaxation",
    "Resistivity",
    "Sample",
    "SizeError",
    "curie_temperature",
    "equilibrium",
    "ledger",
    "magnetoresistance",
    "mechanisms",
    "neel_temperature",
    "ordering_temperature",
    "presets",
    "relaxation",
    "resistivity",
    "scan_directions",
    "sweep",
    "units",
    "validity",
    "verify",
]

_LAZY_MODULES = (
    "animation",
    "bath",
    "closed_form",
    "clusters",
    "diagnosis",
    "diffusion",
    "finite_band",
    "fock",
    "hilbert",
    "impurity",
    "kernels",
    "kinetics",
    "master",
    "plotting",
    "scattering",
    "sectors",
)


def __getattr__(name: str) -> _Any:
    # QuTiP and matplotlib cost more than a second to import: only on demand
    if name in _LAZY_MODULES:
        return _import_module(f"openmr.{name}")
    raise AttributeError(f"module 'openmr' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_LAZY_MODULES]
