"""Resistivities over rho_L0 of samples at fixed points: of one, or of many side by side.

r = rho / rho_L0 does not depend on rho_L0. The moments' equilibrium does not know the electrons,
nor J; the exchange part of the rates does not know the film: 1/tau_0 is added to it. So of one
sample each stage is solved only when it changes. Films with one kind of moments, alike along x and
y, go through the closed form all at once: what differs between them broadcasts against the points.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import numpy as np

from openmr._checks import Array
from openmr.moments.equilibrium import Equilibrium, checked_points, equilibrium, thermal_state
from openmr.moments.grid import in_blocks
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.closed_form import closed_form
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.parameters import PARAMETERS, order_of, varied
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import axial_resistivities, checked_direction, resistivity

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
        def solved() -> Equilibrium | VectorEquilibrium:
            if sample.magnet.is_oriented:
                return equilibrium(sample, temperature, field, direction=direction)
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


def side_by_side(
    temperature: Array, field: Array, direction: Array, order: str, options: Mapping[str, Any]
) -> Callable[[Sequence[Sample]], Array]:
    """Function k samples -> (rho_L, rho_T) / rho_L0, shape (k, 2, n), at points (n,)."""
    one = curve(temperature, field, direction, order, options)
    if set(options) - {"method"} or options.get("method", "closed-form") != "closed-form":
        return lambda samples: np.stack([one(sample) for sample in samples])
    checked: list[Array] = []

    def many(samples: Sequence[Sample]) -> Array:
        if all(map(_is_plain, samples)):
            if not checked:  # the points are checked once
                checked_points(samples[0], temperature, field)
                checked.append(checked_direction(direction, order, "hamiltonian"))
            found = _at_once(samples, temperature, field, checked[0], order)
            if found[:, 0].min() > 0:
                return found
        return np.stack([one(sample) for sample in samples])  # or refuses it

    return many


def _is_plain(sample: Sample) -> bool:
    """Whether a film has one kind of moments with an axial coupling, that order by themselves."""
    magnet = sample.magnet
    if sample.is_stack or len(magnet.sublattices) != 1 or magnet.is_oriented or not magnet.is_held:
        return False
    x, y, _ = magnet.sublattices[0].exchange
    return not isinstance(x, tuple) and x == y and magnet.weiss[0][0] != 0.0


class _Magnets(NamedTuple):
    """Magnets as the closed form asks for them, with axes that broadcast with (k, n, 1)."""

    exchange: Array
    densities: Array
    spins: Array
    disorder: str
    sublattices: tuple[Moments, ...]


class _Sides(NamedTuple):
    """Samples side by side, as records of columns (k, 1)."""

    magnet: Any
    electrons: Any
    film: Any


@np.errstate(under="ignore")
def _at_once(
    samples: Sequence[Sample], temperature: Array, field: Array, m: Array, order: str
) -> Array:
    """`side_by_side` of plain films of one spin and kind of disorder."""
    first = samples[0]
    moments = [sample.magnet.sublattices[0] for sample in samples]

    def column(values: Iterable[float]) -> Array:
        return np.array(list(values))[:, None]

    # x depends on J0 / T and g B / T alone: other magnets are this one at other points
    weiss = column(sample.magnet.weiss[0][0] for sample in samples)
    cooler = temperature * (weiss[0] / weiss)
    stronger = (
        field * (column(one.single_g for one in moments) / moments[0].single_g) * (weiss[0] / weiss)
    )
    solved = in_blocks(partial(thermal_state, first), cooler.shape, cooler, stronger)
    density = column(one.density for one in moments)[..., None]
    dos = column(sample.electrons.dos for sample in samples)
    magnet = _Magnets(
        np.array([one.exchange for one in moments])[:, None, None, :],
        density,
        first.magnet.spins,
        first.magnet.disorder,
        first.magnet.sublattices,
    )
    g = column(sample.electrons.g for sample in samples)
    electrons = SimpleNamespace(dos=dos[..., None], g=g, dos_up=0.0, dos_down=0.0)
    film = SimpleNamespace(
        thickness=column(sample.film.thickness for sample in samples),
        diffusion=column(sample.film.diffusion for sample in samples),
        spin_hall_angle=column(sample.film.spin_hall_angle for sample in samples),
        resistivity=1.0,
    )
    sides: Any = _Sides(magnet, electrons, film)
    grid = cooler.shape
    state = replace(
        solved,
        sample=sides,
        temperature=np.broadcast_to(temperature, grid),
        field=np.broadcast_to(field, grid),
    )
    loss: Any = column(sample.film.spin_flip_rate for sample in samples)
    part = closed_form(state)
    rates = Relaxation("closed-form", state, part.dissipator, part.precession, np.empty(0), loss)
    return np.stack(axial_resistivities(sides.film, order, m, rates), axis=1)


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
