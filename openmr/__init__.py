"""openmr: spin relaxation and magnetoresistance of magnetic metals from open quantum dynamics."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from openmr import units
from openmr._checks import (
    ConvergenceError,
    ExtractionError,
    MissingPackageError,
    OpenmrError,
    ParameterError,
    SizeError,
    WorkerError,
    WriteError,
)
from openmr._cite import cite
from openmr._version import __version__ as __version__
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation
from openmr.sample import presets
from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.ordering import curie_temperature, neel_temperature, ordering_temperature
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import (
    Mechanisms,
    Resistivity,
    mechanisms,
    resistivity,
    scan_directions,
)

if TYPE_CHECKING:
    from openmr import bath as bath
    from openmr import master as master
    from openmr.bath import Bath as Bath
    from openmr.bath import fermi_sea as kernels  # noqa: F401
    from openmr.data import diagnosis as diagnosis
    from openmr.data.fit import fit as fit
    from openmr.data.found import Fit as Fit
    from openmr.data.geometry import Geometry as Geometry
    from openmr.data.lmfit_model import fit_model as fit_model
    from openmr.data.reader import read as read
    from openmr.master import OpenSystem as OpenSystem
    from openmr.models import clusters as clusters
    from openmr.models import fermi_kinetics as kinetics  # noqa: F401
    from openmr.models import finite_band as finite_band
    from openmr.models import fock as fock
    from openmr.models import scattering as scattering
    from openmr.models import sectors as sectors
    from openmr.rates import closed_form as closed_form
    from openmr.rates.coupled_relaxation import CoupledRelaxation as CoupledRelaxation
    from openmr.rates.coupled_relaxation import coupled_relaxation as coupled_relaxation
    from openmr.rates.faces import face_conductances as face_conductances
    from openmr.rates.moment_relaxation import MomentRelaxation as MomentRelaxation
    from openmr.rates.moment_relaxation import moment_relaxation as moment_relaxation
    from openmr.rates.routes import joint_space as hilbert  # noqa: F401
    from openmr.reports.ledger import ledger as ledger
    from openmr.reports.validity import validity as validity
    from openmr.reports.verify.report import verify as verify
    from openmr.sample.film import Layer as Layer
    from openmr.sample.stack import Interface as Interface
    from openmr.sample.stack import Sheet as Sheet
    from openmr.sample.stack import Stack as Stack
    from openmr.show import animation as animation
    from openmr.show import plotting as plotting
    from openmr.sweeps.sweep import sweep as sweep
    from openmr.transport import diffusion as diffusion
    from openmr.transport import impurity as impurity
    from openmr.transport.domains import Domains as Domains
    from openmr.transport.domains import domains as domains

__all__ = [
    "ConvergenceError",
    "Electrons",
    "Equilibrium",
    "ExtractionError",
    "Film",
    "Magnet",
    "Mechanisms",
    "MissingPackageError",
    "Moments",
    "OpenmrError",
    "ParameterError",
    "Relaxation",
    "Resistivity",
    "Sample",
    "SizeError",
    "WorkerError",
    "WriteError",
    "cite",
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

_LAZY_MODULES = {
    "animation": "openmr.show.animation",
    "bath": "openmr.bath",
    "closed_form": "openmr.rates.closed_form",
    "clusters": "openmr.models.clusters",
    "diagnosis": "openmr.data.diagnosis",
    "diffusion": "openmr.transport.diffusion",
    "finite_band": "openmr.models.finite_band",
    "fock": "openmr.models.fock",
    "hilbert": "openmr.rates.routes.joint_space",
    "impurity": "openmr.transport.impurity",
    "kernels": "openmr.bath.fermi_sea",
    "kinetics": "openmr.models.fermi_kinetics",
    "master": "openmr.master",
    "plotting": "openmr.show.plotting",
    "scattering": "openmr.models.scattering",
    "sectors": "openmr.models.sectors",
}

_LAZY_NAMES = {
    "Bath": "openmr.bath",
    "CoupledRelaxation": "openmr.rates.coupled_relaxation",
    "Domains": "openmr.transport.domains",
    "Fit": "openmr.data.found",
    "Geometry": "openmr.data.geometry",
    "Interface": "openmr.sample.stack",
    "Layer": "openmr.sample.film",
    "MomentRelaxation": "openmr.rates.moment_relaxation",
    "OpenSystem": "openmr.master",
    "Sheet": "openmr.sample.stack",
    "Stack": "openmr.sample.stack",
    "coupled_relaxation": "openmr.rates.coupled_relaxation",
    "domains": "openmr.transport.domains",
    "face_conductances": "openmr.rates.faces",
    "fit": "openmr.data.fit",
    "fit_model": "openmr.data.lmfit_model",
    "ledger": "openmr.reports.ledger",
    "moment_relaxation": "openmr.rates.moment_relaxation",
    "read": "openmr.data.reader",
    "sweep": "openmr.sweeps.sweep",
    "validity": "openmr.reports.validity",
    "verify": "openmr.reports.verify.report",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # what takes long to import, such as QuTiP and matplotlib, or few need: only on demand
        if name in _LAZY_MODULES:
            return _import_module(_LAZY_MODULES[name])
        if name in _LAZY_NAMES:
            return getattr(_import_module(_LAZY_NAMES[name]), name)
        raise AttributeError(f"module 'openmr' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_LAZY_MODULES, *_LAZY_NAMES]
