"""General master-equation engines for any small open system.

In: a Hamiltonian, couplings (Qobj) and the spectra or correlators of their baths; out: generators,
states in time, monitors (Qobj). May not know samples, films, rates or transport.
"""

from openmr.master.evolution import Monitors, evolve, monitors
from openmr.master.redfield import redfield_dissipator, reset
from openmr.master.time_convolutionless import Generator, tcl2

__all__ = ["Generator", "Monitors", "evolve", "monitors", "redfield_dissipator", "reset", "tcl2"]
