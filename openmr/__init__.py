"""openmr: spin relaxation and magnetoresistance from open quantum dynamics."""
from openmr import presets
from openmr.equilibrium import *
from openmr.sample import *
from openmr.equilibrium import equilibrium
