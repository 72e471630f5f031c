"""Resistivities over rho_L0 of samples at fixed points: of one, or of many side by side.

r = rho / rho_L0 does not depend on rho_L0. The moments' equilibrium does not know the electrons,
nor J; the exchange part of the rates does not know the film: 1/tau_0 is added to it. So of one
sample each stage is solved only when it changes. Films with one kind of moments, alike along x and
y, go through the closed form all at once: what differs between them broadcasts against the points.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, OpenmrError, ParameterError
from openmr._words import Disorder, Order
from openmr.moments.equilibrium import Equilibrium, checked_points, equilibrium, thermal_state
from openmr.moments.grid import in_blocks
from openmr.moments.spin_averages import Means
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.closed_form import closed_form
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.parameters import PARAMETERS, Parameter, order_of, varied
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
    temperature: Array, field: Array, direction: Array, order: Order, options: Mapping[str, Any]
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
        rho = resistivity(sample.film, found, direction, order=order)
        return np.stack([rho.longitudinal, rho.transverse]) / sample.film.resistivity

    def stack(sample: Sample) -> Array:
        rho = magnetoresistance(
            sample, temperature, field, direction, order=order, **options
        )  # fmt: skip
        return np.stack([rho.longitudinal, rho.transverse]) / bare_resistivity(sample)

    return lambda sample: stack(sample) if sample.is_stack else film(sample)


class SideBySide:
    """Function k samples -> (rho_L, rho_T) / rho_L0, shape (k, 2, n), at points (n,)."""

    def __init__(
        self, temperature: Array, field: Array, direction: Array, order: Order,
        options: Mapping[str, Any],
    ) -> None:  # fmt: skip
        one = direction[0] if np.all(direction == direction[:1]) else direction
        self.points = temperature, field, one
        self.order = order
        self.one = curve(*self.points, order, options)
        method = options.get("method", "closed-form")
        self.closed = method == "closed-form" and not set(options) - {"method"}
        self.checked: Array | None = None
        self.kept: tuple[Any, list[Array]] | None = None

    def __call__(self, samples: Sequence[Sample]) -> Array:
        """The function itself, of any samples."""
        if self.closed and all(map(_is_plain, samples)):
            found = self._at_once(samples[0], np.array([_numbers(one) for one in samples]))
            if found[:, 0].min() > 0:
                return found
        return np.stack([self.one(sample) for sample in samples])  # or refuses it

    def of_numbers(self, first: Sample, numbers: Array) -> Array:
        """The same of plain films with these `_numbers` (k, 12), else as the first."""
        found = self._at_once(first, numbers)
        if not found[:, 0].min() > 0:
            raise ParameterError("`spin_hall_angle` must leave the conductivity positive")
        return found

    @np.errstate(under="ignore")
    def _at_once(self, first: Sample, numbers: Array) -> Array:
        """The function of plain films side by side: with these numbers, else as the first."""
        temperature, field, direction = self.points
        if self.checked is None:  # the points are checked once
            checked_points(first, temperature, field)
            self.checked = checked_direction(direction, self.order, "hamiltonian")
        x, *averages = self._state(first, numbers)
        _, _, density, across, along, dos, electron_g, *of_film = numbers.T[..., None]
        magnet = _Magnets(
            (across[..., None], across[..., None], along[..., None]),
            density[..., None],
            first.magnet.spins,
            first.magnet.disorder,
            first.magnet.sublattices,
        )
        electrons = SimpleNamespace(dos=dos[..., None], g=electron_g, dos_up=0.0, dos_down=0.0)
        thickness, diffusion, angle, loss, _ = of_film
        film = SimpleNamespace(
            thickness=thickness, diffusion=diffusion, spin_hall_angle=angle, resistivity=1.0
        )
        sides: Any = _Sides(magnet, electrons, film)
        grid = np.repeat(temperature[None], len(numbers), axis=0)
        state = Equilibrium(sides, grid, field, x, Means(*averages))
        part = closed_form(state)
        rates: Any = Relaxation(
            "closed-form", state, part.dissipator, part.precession, np.empty(0), loss
        )
        return np.stack(axial_resistivities(sides.film, self.order, self.checked, rates), axis=1)

    def _state(self, first: Sample, numbers: Array) -> list[Array]:
        """Splittings, averages with J0 and g of each film (k, n, 1), or of all (1, n, 1); kept."""
        magnets = list(map(tuple, numbers[:, :2].tolist()))
        told = list(dict.fromkeys(magnets))
        key = (first.magnet, told)
        if self.kept is None or self.kept[0] != key:
            # x depends on J0 / T and g B / T alone: other magnets are this one at other points
            weiss, g = np.array(told).T[..., None]
            cooler = first.magnet.weiss[0][0] / weiss
            stronger = g / first.magnet.sublattices[0].single_g
            points = cooler * self.points[0], cooler * stronger * self.points[1]
            state = in_blocks(partial(thermal_state, first), points[0].shape, *points)
            self.kept = key, [state.reduced_splitting, *state.averages]
        if len(told) == 1:
            return self.kept[1]
        places = np.array([told.index(magnet) for magnet in magnets])
        return [part.take(places, axis=0) for part in self.kept[1]]


class Powers(NamedTuple):
    """Values of parameters at a plain film, its `_numbers`, and the exponents of these."""

    rows: Sequence[Parameter]
    start: Array  # (m,)
    here: Array  # (12,)
    exponents: Array  # (m, 12)
    ends: Array  # (2, m)

    def numbers(self, values: Array) -> Array:
        """Those (k, 12) at values (k, m), each refused outside its range."""
        outside = (values < self.ends[0]) | (values > self.ends[1])
        if outside.any():
            k, i = np.argwhere(outside)[0]
            row = self.rows[i]
            raise row.range.refuse(row.name, values[k, i])
        factors = (values / self.start)[..., None] ** self.exponents
        return np.asarray(self.here * factors.prod(axis=1))


def powers(
    sample: Sample, change: Callable[[Mapping[str, float]], Sample], names: Sequence[str]
) -> Powers | None:
    """Powers with which parameters enter a film; None unless it is plain and they are whole.

    A search needs no samples then.
    """
    ratio = 1 - 2.0**-6
    try:
        start = {name: float(PARAMETERS[name].read(sample)) for name in names}
        order = sorted(names, key=order_of)  # what is put before stays as it is
        moved = {
            name: change({n: start[n] * (ratio if n == name else 1.0) for n in order[place:]})
            for place, name in enumerate(order)
        }
    except OpenmrError:  # at an end of its range, or several numbers
        return None
    if not all(map(_is_plain, moved.values())) or 0.0 in start.values() or np.inf in start.values():
        return None
    here, there = _numbers(sample), np.array([_numbers(moved[name]) for name in names])
    change_of = np.divide(there, here, out=np.ones_like(there), where=here != 0)
    if np.any(change_of <= 0) or np.any(there[:, here == 0]):
        return None
    raw = np.log(change_of) / np.log(ratio)
    exponents = np.rint(raw)
    if np.any(np.abs(raw - exponents) > 1e-9):
        return None
    rows = [PARAMETERS[name] for name in names]
    ends = np.array([row.range[:2] if row.range else (-np.inf, np.inf) for row in rows]).T
    return Powers(rows, np.array(list(start.values())), here, exponents, ends)


def _is_plain(sample: Sample) -> bool:
    """Whether a film has one kind of moments with an axial coupling, that order by themselves."""
    magnet = sample.magnet
    if sample.is_stack or len(magnet.sublattices) != 1:
        return False
    if magnet.is_oriented or not magnet.is_held:  # whose rates are not the closed form's alone
        return False
    x, y, _ = magnet.sublattices[0].exchange
    return not isinstance(x, tuple) and x == y and magnet.weiss[0][0] != 0.0


def _numbers(sample: Sample) -> Array:
    """All that a plain film is beside its spin and disorder, (12,); rho_L0 comes last."""
    moments, electrons, film = sample.magnet.sublattices[0], sample.electrons, sample.film
    across, _, along = moments.exchange
    magnetic = sample.magnet.weiss[0][0], moments.single_g, moments.density, across, along
    diffusive = film.thickness, film.diffusion, film.spin_hall_angle, film.spin_flip_rate
    return np.array([*magnetic, electrons.dos, electrons.g, *diffusive, film.resistivity])


class _Magnets(NamedTuple):
    """Magnets as the closed form asks for them, with axes that broadcast with (k, n, 1)."""

    exchange: tuple[Array, Array, Array]
    densities: Array
    spins: Array
    disorder: Disorder
    sublattices: tuple[Moments, ...]


class _Sides(NamedTuple):
    """Samples side by side, as records of columns (k, 1)."""

    magnet: Any
    electrons: Any
    film: Any

    def of_films(self, which: NDArray[np.intp]) -> _Sides:
        """Magnets and electrons of films (p,), which may repeat, for points (p, 1)."""
        across, _, along = (part[which, 0] for part in self.magnet.exchange)
        densities = self.magnet.densities[which, 0]
        magnet = self.magnet._replace(exchange=(across, across, along), densities=densities)
        return self._replace(
            magnet=magnet, electrons=SimpleNamespace(dos=self.electrons.dos[which, 0])
        )


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
