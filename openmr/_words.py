"""Words of which an argument takes one: type checkers and `_checks.choice` read the same list."""

from typing import Literal

Disorder = Literal["random", "lattice"]
Branch = Literal["lowest", "up", "down"]
Form = Literal["corrected", "printed", "finite-splitting"]
Thermostat = Literal["projection", "reset", "flips"]
Kernel = Literal["exponential", "flat"]
Moment = Literal["free", "held"]
Order = Literal["second", "exact"]
PrecessionSign = Literal["hamiltonian", "printed"]
Component = Literal["longitudinal", "transverse"]
Plane = Literal["xy", "yz", "zx"]
Profile = Literal["accumulation", "current"]
Against = Literal["field", "temperature"]
