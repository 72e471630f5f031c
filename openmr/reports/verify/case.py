"""A sample at one point, and its moments by the lowest free energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openmr._checks import Array
from openmr.moments.equilibrium import Equilibrium
from openmr.moments.spin_averages import Means
from openmr.reports.verify import reference
from openmr.reports.verify.reference import Averages
from openmr.sample.film import Sample


@dataclass(frozen=True, slots=True)
class Case:
    """One film or stack at one temperature [K], field [T] and field direction."""

    name: str
    sample: Sample
    temperature: float
    field: float
    direction: tuple[float, float, float] = (1.0, 0.0, 0.0)


def moments_of(case: Case) -> tuple[Equilibrium, Array, list[Averages]]:
    """The moments of a film as the routes take them, and the rounding of beta eps_L."""
    magnet, point = case.sample.magnet, (np.array(case.temperature), np.array(case.field))
    x, rounding = reference.reduced_splittings(magnet, case.temperature, case.field)
    found = [reference.boltzmann(spin, one) for spin, one in zip(magnet.spins, x, strict=True)]
    averages = Means(*np.reshape(found, (len(found), 5)).T[:4])
    return Equilibrium(case.sample, *point, x, averages), rounding, found
