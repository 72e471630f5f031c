"""Resistivities over rho_L0 of a sample at fixed points, each stage solved only when it changes.

r = rho / rho_L0 does not depend on rho_L0. The moments' equilibrium does not know the electrons,
nor J; the exchange part of the rates does not know the film: 1/tau_0 is added to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, Final

import numpy as np

from openmr._checks import Array
from openmr.moments.equilibrium import Equilibrium, equilibrium, thermal_state
from openmr.moments.grid import in_blocks
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet
from openmr.sample.parameters import PARAMETERS, order_of, varied
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import resistivity

_KEPT: Final = 8
"""States of each stage that are kept: those of a point and of its neighbours."""


_PARTS: Final = {
    "film": ("film",),
    "electrons": ("electrons",),
    "magnet": ("moments", "magnet"),
}
"""Part of a sample -> words with which what a parameter sets begins."""


class _Stage:
    """The last few results of a function of what a key names."""

    def __init__(self) -> None:
        self.known: dict[Hashable, Any] = {}

    def __call__(self, key: Hashable, work: Callable[[], Any]) -> Any:
        if key in self.known:
            self.known[key] = self.known.pop(key)  # last used last
        else:
            if len(self.known) >= _KEPT:
                del self.known[next(iter(self.known))]
            self.known[key] = work()
        return self.known[key]


def curve(
    temperature: Array, field: Array, direction: Array, order: str, options: Mapping[str, Any]
) -> Callable[[Sample], Array]:
    """Function sample -> (rho_L, rho_T) / rho_L0, shape (2, n), at points (n,)."""
    states, rates = _Stage(), _Stage()

    def film(sample: Sample) -> Array:
        def solved() -> Equilibrium:
            if not states.known:  # the points are checked once
                return equilibrium(sample, temperature, field)
            return in_blocks(partial(thermal_state, sample), temperature.shape, temperature, field)

        def relaxed() -> Relaxation:
            state = states(_moments_key(sample.magnet), solved)
            return relaxation_at(replace(state, sample=sample), **options)

        found = rates((sample.magnet, sample.electrons), relaxed)
        state = replace(found.equilibrium, sample=sample)
        found = replace(found, equilibrium=state, spin_flip_rate=sample.film.spin_flip_rate)
        rho = resistivity(sample.film, found, direction, order=order)  # type: ignore[arg-type]
        return np.stack([rho.longitudinal, rho.transverse]) / sample.film.resistivity

    def stack(sample: Sample) -> Array:
        rho = magnetoresistance(
            sample, temperature, field, direction, order=order, **options  # type: ignore[arg-type]
        )  # fmt: skip
        return np.stack([rho.longitudinal, rho.transverse]) / bare_resistivity(sample)

    return lambda sample: stack(sample) if sample.is_stack else film(sample)


def changed_by(sample: Sample) -> Callable[[Mapping[str, float]], Sample]:
    """Function changes -> `varied` of the sample; parts that stay are not built again.

    Parameters of film, electrons and magnet know nothing of each other.
    """
    if sample.is_stack:
        return lambda changes: varied(sample, changes)
    stages = {part: _Stage() for part in _PARTS}

    def change(changes: Mapping[str, float]) -> Sample:
        parts = {}
        for part, kinds in _PARTS.items():
            mine = {
                name: value
                for name, value in changes.items()
                if PARAMETERS[name].sets[0].partition(".")[0] in kinds
            }
            whole = sample
            done: tuple[tuple[str, float], ...] = ()
            for name in sorted(mine, key=order_of):  # as `varied` puts them
                done = (*done, (name, mine[name]))
                whole = stages[part](done, partial(PARAMETERS[name].put, whole, mine[name]))
            if mine:
                parts[part] = getattr(whole, part)
        return replace(sample, **parts)

    return change


def bare_resistivity(sample: Sample) -> float:
    """rho_L0 of a film; thickness over the sheet conductance of a stack [Ohm m]."""
    films = [layer.film for layer in sample.layers]
    thickness = sum(film.thickness for film in films)
    return float(thickness / sum(film.thickness / film.resistivity for film in films))


def with_bare_resistivity(sample: Sample, value: float) -> Sample:
    """The sample with all resistivities in proportion, so that `bare_resistivity` is `value`."""
    if sample.stack is None:
        return replace(sample, film=replace(sample.film, resistivity=value))
    ratio = value / bare_resistivity(sample)
    layers = tuple(
        replace(one, film=replace(one.film, resistivity=one.film.resistivity * ratio))
        for one in sample.stack.layers
    )
    return replace(sample, stack=replace(sample.stack, layers=layers))


def _moments_key(magnet: Magnet) -> Hashable:
    """Everything that the equilibrium of the moments depends on: all but J and the disorder."""
    rest = tuple(
        getattr(magnet, one.name)
        for one in fields(magnet)
        if one.name not in ("sublattices", "disorder")
    )
    moments = tuple(
        tuple(getattr(each, one.name) for one in fields(each) if one.name != "exchange")
        for each in magnet.sublattices
    )
    return rest, moments
