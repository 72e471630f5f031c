"""Shares of the mechanisms in the resistivity of a stack: Hanle, exchange in the bulk, faces."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from openmr import units
from openmr._checks import Array
from openmr.rates.axes import turned
from openmr.rates.record import Relaxation
from openmr.tables import Alike, shown
from openmr.transport.stack_rates import StackRates, stack_axes, surviving_through


class Shares(Alike):
    """Fields that are shares in rho_L, and their `total`, which print with their unit."""

    __slots__ = ()

    def __repr__(self) -> str:
        names = [*(one.name for one in fields(self)), "total"]  # type: ignore[arg-type]
        width = max(map(len, names))
        lines = (f"  {name:{width}} : {shown(getattr(self, name))} Ohm m" for name in names)
        return "\n".join([f"{type(self).__name__}  shares in rho_L", *lines])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StackMechanisms(Shares):
    """Share of each mechanism in rho_L of a stack at second order in theta_SH.

    Attributes
    ----------
    bare : array (...), Ohm m
        Without moments and without field: layers, joints and 1/tau_0 alone.
    hanle : array (...), Ohm m
        What precession about the applied field changes of it, in all layers.
    bulk_exchange : array (...), Ohm m
        What moments in the layers change then, by relaxation and by precession.
    faces : array (...), Ohm m
        What sheets of moments at the faces and joints change then: spin Hall magnetoresistance.
    faces_alone : array (...), Ohm m
        What they change of `bare`.
    """

    bare: Array
    hanle: Array
    bulk_exchange: Array
    faces: Array
    faces_alone: Array

    @property
    def total(self) -> Array:
        """Sum of bare and the three mechanisms: rho_L of the stack [Ohm m]."""
        return np.asarray(self.bare + self.hanle + self.bulk_exchange + self.faces)

    @property
    def interplay(self) -> Array:
        """Change by the faces of the whole stack, less that of the bare one [Ohm m]."""
        return np.asarray(self.faces - self.faces_alone)


def of_stack(rates: StackRates, direction: ArrayLike) -> StackMechanisms:
    """The mechanisms switched on one after the other: their sum is rho_L at second order."""
    axes, square = stack_axes(rates, direction), rates.mean_angle**2
    unit = rates.bare_resistivity

    def without_faces(*layers: Relaxation) -> StackRates:
        none = tuple(None for _ in rates.between)
        return replace(rates, layers=layers, bottom=None, top=None, between=none)

    def carried(some: StackRates) -> Array:
        """The part of rho_L that the rates decide."""
        surviving = turned(surviving_through(some), axes)
        return np.asarray(-square * unit * surviving[..., 1, 1])

    still = [_without_exchange(one, 0.0 * one.field) for one in rates.layers]
    turning = [_without_exchange(one, one.field) for one in rates.layers]
    bare, hanle, bulk = (
        carried(without_faces(*layers)) for layers in (still, turning, rates.layers)
    )
    return StackMechanisms(
        bare=unit * (1 + 2 * square) + bare,
        hanle=np.asarray(hanle - bare),
        bulk_exchange=np.asarray(bulk - hanle),
        faces=np.asarray(carried(rates) - bulk),
        faces_alone=np.asarray(carried(replace(rates, layers=tuple(still))) - bare),
    )


def _without_exchange(found: Relaxation, field: Array) -> Relaxation:
    """1/tau_0, and precession about a field [T]."""
    precession = found.sample.electrons.g * units.MU_B / units.HBAR * field
    return replace(
        found,
        dissipator=np.zeros_like(found.dissipator),
        precession=np.asarray(precession),
        precession_across=None,
    )
