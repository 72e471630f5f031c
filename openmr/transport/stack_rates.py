"""Rates of every layer and conductances of every face of a stack, as spin diffusion takes them.

All tensors are in the local axes of the rates, z = b, which the layers share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr.moments.equilibrium import checked_vectors
from openmr.moments.grid import in_blocks
from openmr.moments.labels import Labels
from openmr.rates.axes import expect_own_direction, film_axes
from openmr.rates.faces import FaceConductances, face_conductances
from openmr.rates.methods import Name, Options
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation
from openmr.sample.film import Film, Layer, Sample
from openmr.sample.magnet import Magnet
from openmr.sample.stack import Interface, Sheet, Stack
from openmr.tables import Alike, shown
from openmr.transport import network
from openmr.transport.faces import surviving_between
from openmr.transport.slabs import Joint, Slab
from openmr.transport.surviving import squared_argument

_BLOCK = 1000
"""Points that the network solves at a time: it needs some kilobytes for each."""


@dataclass(frozen=True, slots=True, eq=False)
class StackRates(Alike):
    """Rates of every layer of a sample and spin conductances of every face; a film has one layer.

    Attributes
    ----------
    sample : Sample
    layers : tuple of Relaxation
        From z = 0 upward, all at the same points.
    bottom, top : FaceConductances or None
        Of the sheets at the outer faces.
    between : tuple of FaceConductances or None
        Of the sheets between the layers, from z = 0 upward.
    """

    sample: Sample
    layers: tuple[Relaxation, ...]
    bottom: FaceConductances | None = None
    top: FaceConductances | None = None
    between: tuple[FaceConductances | None, ...] = ()

    @property
    def faces(self) -> dict[str, FaceConductances]:
        """Every face with a sheet, by the name that parameters of it have."""
        all_of_them = {"bottom": self.bottom, "top": self.top}
        all_of_them |= {f"between.{i}": face for i, face in enumerate(self.between)}
        return {name: face for name, face in all_of_them.items() if face is not None}

    @property
    def method(self) -> str:
        """Method of the rates."""
        return self.layers[0].method

    @property
    def temperature(self) -> Array:
        """Temperature of each point [K], shape (...)."""
        return self.layers[0].temperature

    @property
    def field(self) -> Array:
        """Field of each point along b [T], shape (...)."""
        return self.layers[0].field

    @property
    def labels(self) -> Labels | None:
        """Names of the axes, where they were given by DataArrays."""
        return self.layers[0].labels

    @property
    def films(self) -> tuple[Film, ...]:
        """Films of the layers."""
        return tuple(layer.film for layer in self.sample.layers)

    @property
    def thickness(self) -> float:
        """Sum over the layers [m]."""
        return sum(film.thickness for film in self.films)

    @property
    def bare_resistivity(self) -> float:
        """Thickness over the sheet conductance without the spin Hall effect [Ohm m]."""
        return self.thickness / sum(film.thickness / film.resistivity for film in self.films)

    @property
    def mean_angle(self) -> float:
        """Root of the mean theta_SH^2, each layer with the current that it carries."""
        return network.mean_angle([_slab(film, np.zeros((3, 3))) for film in self.films])

    def __repr__(self) -> str:
        where = f"T = {shown(self.temperature)} K, B = {shown(self.field)} T"
        lines = [f"{'StackRates  ' + self.method:<38}{self.sample.name}, {where}"]
        for i, found in enumerate(self.layers):
            lines.append(f"  layers.{i} : 1/tau {shown(found.longitudinal)} along, ")
            lines[-1] += f"{shown(found.transverse)} 1/s across"
        for name, face in self.faces.items():
            parts = (f"{n} {shown(getattr(face, n))}" for n in ("G_s", "G_r", "G_i"))
            lines.append(f"  {name} : {', '.join(parts)} S/m^2")
        return "\n".join(lines)


def stack_rates(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    method: Name = "closed-form",
    **options: Unpack[Options],
) -> StackRates:
    """Relaxation in every layer and spin conductance of every face, by one method.

    Parameters
    ----------
    sample : Sample
        A stack, or a film.
    temperature, field : array_like (...), K and T
    direction : array_like (..., 3), no unit, optional
        Of the field; needed where moments have axes of their own. Broadcasts with the rest.
    method : str
        As in `relaxation` and, where there are moments at a face, `face_conductances`.
    **options
        Passed to the method.

    Returns
    -------
    StackRates
        With the equilibrium of every magnet in it.

    Raises
    ------
    ParameterError
        As in `relaxation` and `face_conductances`.
    """
    _checks.instance("sample", sample, Sample)
    if sample.is_stack and "azimuth" in options:
        raise ParameterError(
            "`azimuth` turns the axes of the rates of a film; a stack takes none, for no "
            "resistivity depends on it"
        )

    if not sample.is_oriented:
        direction = None
    elif direction is not None:
        points = checked_vectors(sample.layer(0), temperature, field, direction)
        temperature, field, direction = points

    def own(magnet: Magnet) -> ArrayLike | None:
        return direction if magnet.is_oriented else None

    @cache  # equal layers and equal faces are solved once
    def face(sheet: Sheet | None, metal: Layer) -> FaceConductances | None:
        if sheet is None:
            return None
        b = own(sheet.magnet)
        return face_conductances(
            sheet, metal, temperature, field, direction=b, method=method, **options
        )

    @cache
    def of_layer(first: int) -> Relaxation:
        layer = sample.layer(first)
        b = own(layer.magnet)
        return relaxation(layer, temperature, field, direction=b, method=method, **options)

    metals = sample.layers
    layers = tuple(of_layer(metals.index(metal)) for metal in metals)
    if sample.stack is None:
        return StackRates(sample, layers)
    joints = enumerate(sample.stack.between)
    return StackRates(
        sample,
        layers,
        bottom=face(sample.stack.bottom, metals[0]),
        top=face(sample.stack.top, metals[-1]),
        between=tuple(
            None if joint is None else face(joint.sheet, metals[i + (joint.side == "above")])
            for i, joint in joints
        ),
    )


def of_a_stack(film: object, rates: object) -> StackRates | None:
    """The rates if both belong to one stack, None for a film and its rates; other pairs refused."""
    if not isinstance(film, Stack):
        _checks.instance("film", film, Film)
        _checks.instance("relaxation", rates, Relaxation)
        return None
    if not isinstance(rates, StackRates):
        raise ParameterError(
            "`relaxation` must be the rates of a stack, of `om.relaxation` or the `rates` of a "
            f"resistivity, got {_checks.shown(rates)}"
        )
    if rates.sample.stack != film:
        raise ParameterError("`relaxation` must hold the rates of this stack, got another's")
    return rates


def stack_axes(rates: StackRates, direction: ArrayLike) -> Array:
    """Local axes as rows in coordinates of the stack, shape (..., 3, 3).

    `ParameterError` for another direction of the field than the one that moments were solved for.
    """
    states = [one.equilibrium for one in rates.layers]
    for state in (*states, *(face.equilibrium for face in rates.faces.values())):
        expect_own_direction(state, direction)
    return film_axes(rates.layers[0], direction)


def network_of(
    rates: StackRates,
) -> tuple[list[Slab], list[Joint | None], Array | None, Array | None]:
    """Slabs, joints and outer faces as `network` and `collocation.solve_stack` take them."""
    for film, found in zip(rates.films, rates.layers, strict=True):
        squared_argument(film, found.tensor)  # refuses spins that grow
    joints = () if rates.sample.stack is None else rates.sample.stack.between
    return (
        [_slab(film, found.tensor) for film, found in zip(rates.films, rates.layers, strict=True)],
        [_joint(*pair) for pair in zip(joints, rates.between, strict=True)],
        _tensor(rates.bottom),
        _tensor(rates.top),
    )


def _slab(film: Film, gamma: Array) -> Slab:
    sigma = 1.0 / film.resistivity
    return Slab(film.thickness, sigma, film.spin_hall_angle, film.diffusion, gamma)


def _joint(joint: Interface | None, face: FaceConductances | None) -> Joint | None:
    if joint is None:
        return None
    below, above = (None, _tensor(face)) if joint.side == "above" else (_tensor(face), None)
    return Joint(joint.resistance, joint.memory_loss, below, above)


def _tensor(face: FaceConductances | None) -> Array | None:
    return None if face is None else face.tensor


def surviving_through(rates: StackRates) -> Array:
    """F of a stack by the network, in local axes, shape (..., 3, 3)."""

    def at_points(some: StackRates) -> Array:
        return network.surviving(*network_of(some))

    return in_blocks(at_points, rates.temperature.shape, rates, size=_BLOCK)


def surviving_one(rates: StackRates) -> tuple[Array, Array, Array]:
    """F of a single layer between its faces, along b, across it, and its precession part.

    For two equal transverse rates.
    """
    (found,), (film,) = rates.layers, rates.films
    scale, unit = 0.25 * film.thickness**2 / film.diffusion, 2 * film.resistivity * film.thickness
    sinks, mixing = [], []
    for face in (rates.bottom, rates.top):
        sinks.append(np.zeros(()) if face is None else unit * face.G_s)
        mixing.append(
            np.zeros(()) if face is None else unit * (face.G_s + face.G_r + 1j * face.G_i)
        )
    along = surviving_between(scale * found.longitudinal, *sinks)
    across = surviving_between(scale * (found.transverse + 1j * found.precession), *mixing)
    return along, across.real, across.imag
