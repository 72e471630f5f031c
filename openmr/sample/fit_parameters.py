"""The numbers of a sample under the names that a fit takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.ordering import ordering_temperature


@dataclass(frozen=True, slots=True)
class Parameter:
    """How to read a number of a sample and how to put another in its place.

    Attributes
    ----------
    unit : str
    read : callable
        Sample -> value.
    put : callable
        Sample, value -> sample with that value.
    """

    unit: str
    read: Callable[[Sample], float]
    put: Callable[[Sample, float], Sample]


def _rescaled(sample: Sample, density: float = 1.0, energy: float = 1.0) -> Sample:
    """Densities and couplings n_S J of all sublattices times a factor."""
    magnet = sample.magnet
    moments = [
        Moments(
            m.spin,
            density * m.density,
            exchange_energy=energy * np.array(m.exchange_energy),
            g=m.g,
        )
        for m in magnet.sublattices
    ]
    return replace(sample, magnet=Magnet(moments, magnet.weiss, magnet.disorder))


def _with_order(sample: Sample, value: float) -> Sample:
    magnet = sample.magnet
    weiss = value / ordering_temperature(magnet) * np.array(magnet.weiss)
    return replace(sample, magnet=Magnet(magnet.sublattices, weiss, magnet.disorder))


def _with_dos(sample: Sample, value: float) -> Sample:
    old = sample.electrons
    scale = value / old.dos
    return replace(sample, electrons=Electrons(scale * old.dos_up, scale * old.dos_down, old.g))


FILM = ("thickness", "spin_hall_angle", "diffusion", "resistivity", "diffusion_length")


def _of_film(name: str, unit: str) -> Parameter:
    def put(sample: Sample, value: float) -> Sample:
        values = {known: getattr(sample.film, known) for known in FILM}
        return replace(sample, film=Film(**(values | {name: value})))

    return Parameter(unit, lambda sample: float(getattr(sample.film, name)), put)


def _density(sample: Sample) -> float:
    return sample.magnet.sublattices[0].density


def _energy(sample: Sample) -> float:
    return sample.magnet.sublattices[0].principal_energy[2]


def with_values(sample: Sample, names: Iterable[str], values: Iterable[float]) -> Sample:
    """The sample with some of `PARAMETERS` set, one after the other."""
    for name, value in zip(names, values, strict=True):
        sample = PARAMETERS[name].put(sample, float(value))
    return sample


PARAMETERS: Final[dict[str, Parameter]] = {
    "exchange_energy": Parameter("eV", _energy, lambda s, v: _rescaled(s, energy=v / _energy(s))),
    "moment_density": Parameter(
        "m^-3", _density, lambda s, v: _rescaled(s, density=v / _density(s))
    ),
    "ordering_temperature": Parameter("K", lambda s: ordering_temperature(s.magnet), _with_order),
    "dos": Parameter("eV^-1 m^-3", lambda s: s.electrons.dos, _with_dos),
    "spin_hall_angle": _of_film("spin_hall_angle", ""),
    "diffusion_length": _of_film("diffusion_length", "m"),
    "diffusion": _of_film("diffusion", "m^2/s"),
    "thickness": _of_film("thickness", "m"),
    "resistivity": _of_film("resistivity", "Ohm m"),
}
"""Name -> parameter. "exchange_energy" is n_S J_z of the first sublattice and carries all couplings
along in proportion; "moment_density" does so with all densities, at fixed n_S J; l_0 stays when
the diffusion coefficient changes."""
