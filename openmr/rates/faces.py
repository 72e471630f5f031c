"""Spin conductances of a face from the moments in a sheet there, by every method of the rates.

A sheet of n_2D moments per area takes spins out of the metal at the speed W = n_2D gamma [m/s],
where gamma = (rate of the exchange part) / n_S is what one moment does and does not depend on n_S.
With the metal's diffusion coefficient and conductivity, D mu' = W mu is the spin conductance

    G = sigma W / (2 D),   W = 2 rho D G,

which equals e^2 nu_F W where the metal obeys Einstein's relation. Neither 1/tau_0 nor the
precession about the applied field is in W. Closed forms stand in docs/theory/interfaces.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks, units
from openmr._checks import Array, ParameterError
from openmr.moments.equilibrium import (
    Equilibrium,
    checked_points,
    checked_vectors,
    equilibrium,
    thermal_state,
)
from openmr.moments.grid import in_blocks
from openmr.moments.labels import labelled
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.methods import METHODS, Method, Name, Options
from openmr.rates.record import State, precession_tensor
from openmr.rates.relaxation import relaxation_at
from openmr.sample.film import Layer, Sample
from openmr.sample.stack import REFERENCE, Sheet
from openmr.tables import Alike, shown


@dataclass(frozen=True, slots=True, eq=False)
class FaceConductances(Alike):
    """Spin conductances of a sheet at the face of a layer.

    Attributes
    ----------
    method : str
        "given" of a sheet with conductances.
    sheet : Sheet
    layer : Layer
        The metal at the face.
    temperature, field : array (...), K and T
    equilibrium : Equilibrium, VectorEquilibrium or None
        Of the moments.
    G_s : array (...), S/m^2
        Sink of spins along the moments.
    G_r : array (...), S/m^2
        What spins across them lose more.
    G_i : array (...), S/m^2
        Turns spins about b, signed; positive as a field along b does.
    uncertainty : array (..., 3, 3), S/m^2, or None
        Of `tensor`, where the method knows one.
    oblique : array (..., 3, 3), S/m^2, or None
        `tensor` of moments with axes of their own. G_s is then what spins along the field lose,
        G_r what those across it lose more, in the mean, and G_i what turns them about the field.
    """

    method: str
    sheet: Sheet
    layer: Layer
    temperature: Array
    field: Array
    equilibrium: Equilibrium | VectorEquilibrium | None
    G_s: Array
    G_r: Array
    G_i: Array
    uncertainty: Array | None = None
    oblique: Array | None = None

    @property
    def tensor(self) -> Array:
        """G_s 1 + G_r (1 - bb) - G_i [b x] in local axes, z along b [S/m^2], (..., 3, 3)."""
        if self.oblique is not None:
            return self.oblique
        found = precession_tensor(self.G_i)
        found[..., 0, 0] = found[..., 1, 1] = self.G_s + self.G_r
        found[..., 2, 2] = self.G_s
        return found

    @property
    def W(self) -> Array:
        """2 rho D times `tensor` [m/s]: D mu' = W mu at a face, shape (..., 3, 3)."""
        return np.asarray(self.tensor / _conductance_of_speed(self.layer))

    def __repr__(self) -> str:
        where = f"T = {shown(self.temperature)} K, B = {shown(self.field)} T"
        lines = [f"{'FaceConductances  ' + self.method:<38}{self.sheet.name}, {where}"]
        lines += [
            f"  {name} : {shown(getattr(self, name))} S/m^2" for name in ("G_s", "G_r", "G_i")
        ]
        lines.append("  moments along b" if self.oblique is None else "  axes of their own")
        return "\n".join(lines)


def _conductance_of_speed(layer: Layer) -> float:
    """Sigma / (2 D), so that G = it times W [S s/m^3]."""
    return 0.5 / (layer.film.resistivity * layer.film.diffusion)


@labelled
def face_conductances(
    sheet: Sheet,
    layer: Layer,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    method: Name = "closed-form",
    **options: Unpack[Options],
) -> FaceConductances:
    """Spin conductances of a sheet of moments at the face of a layer.

    Parameters
    ----------
    sheet : Sheet
        One of given conductances has them at every temperature; G_i turns with the field's sign.
    layer : Layer
        The metal at the face: its densities of states, diffusion, resistivity, and, where the
        method keeps the electrons' splitting, its own moments.
    temperature : array_like (...), K
    field : array_like (...), T
        Signed, along b; broadcasts with `temperature`. Moments without axes are collinear with it.
    direction : array_like (..., 3), no unit, optional
        Of the field, as in `equilibrium`; needed by moments with axes of their own.
    method : str
        As in `relaxation`, but "heom" and "exact": beyond second order the answer depends on how
        long an electron stays with a moment, which a plane does not say.
    **options
        Those of the method; no ``azimuth``.

    Returns
    -------
    FaceConductances
        On the grid of temperature and field.

    Raises
    ------
    ParameterError
        For a bad argument, or a method or an option that says nothing of a plane.

    Examples
    --------
    >>> import openmr as om
    >>> eu = om.Sheet(spin=3.5, areal_density=2e18, exchange=3e-31, curie_temperature=16.6)
    >>> metal = om.Electrons.free(fermi_energy=5.0)
    >>> rho = 40e-8
    >>> pt = om.Film(7e-9, 0.11, metal.diffusion(rho), resistivity=rho, diffusion_length=1.5e-9)
    >>> found = om.face_conductances(eu, om.Layer(pt, metal), temperature=5.0, field=0.5)
    >>> print(f"{found.G_s:.3g} {found.G_r:.3g} {found.G_i:.3g}")
    1.57e+10 8.47e+10 3.77e+12
    """
    _checks.instance("sheet", sheet, Sheet)
    _checks.instance("layer", layer, Layer)
    chosen = METHODS[_checks.choice("method", method, METHODS)]
    sample = Sample(sheet.magnet, layer.electrons, layer.film, sheet.name)
    if sheet.magnet.is_oriented and direction is not None:
        state = equilibrium(sample, temperature, field, direction=direction)
        assert isinstance(state, VectorEquilibrium)
        return _oriented(sheet, layer, state, chosen, _of_a_plane(chosen, options))
    if direction is None:
        points = checked_points(sample, temperature, field)
    else:
        points = checked_vectors(sample, temperature, field, direction)[:2]
    if not sheet.has_moments:
        chosen.checked(options)
        return _given(sheet, layer, *points)
    asked = _of_a_plane(chosen, options)

    def line(temperature: Array, field: Array) -> tuple[Array, ...]:
        state = thermal_state(sample, temperature, field)
        return state.reduced_splitting, *_conductances(layer, state, chosen, asked)

    if chosen.takes_grids:
        x, sink, mixing, turning, off = in_blocks(line, points[0].shape, *points)
        state = Equilibrium(sample, *points, x)
    else:
        state = equilibrium(sample, *points)
        sink, mixing, turning, off = _conductances(layer, state, chosen, asked)
    uncertainty = off if off.size else None
    return FaceConductances(
        method, sheet, layer, *points, state, sink, mixing, turning, uncertainty
    )


def _given(sheet: Sheet, layer: Layer, temperature: Array, field: Array) -> FaceConductances:
    """Given conductances: the moments turn with the field, and m with them."""
    sink, mixing, turning = (
        np.full(temperature.shape, part, dtype=float) for part in (sheet.G_s, sheet.G_r, sheet.G_i)
    )
    turning = np.where(field < 0, -turning, turning)
    return FaceConductances("given", sheet, layer, temperature, field, None, sink, mixing, turning)


def _oriented(
    sheet: Sheet, layer: Layer, state: VectorEquilibrium, chosen: Method, options: Mapping[str, Any]
) -> FaceConductances:
    """The same of moments with axes of their own, from the whole tensor of the rates."""
    if options.get("electron_splitting", False) or options.get("form", "corrected") != "corrected":
        raise ParameterError(
            "`electron_splitting` and `form` must not be given for a sheet of moments with axes of "
            "their own: in which field the electrons are split there is not worked out"
        )
    found = relaxation_at(_alone(state), method=chosen.name, **options)
    unit = REFERENCE * _conductance_of_speed(layer)
    tensor = unit * found.exchange_tensor
    along = tensor[..., 2, 2]
    return FaceConductances(
        chosen.name, sheet, layer, state.temperature, state.field, state,
        G_s=along, G_r=0.5 * (tensor[..., 0, 0] + tensor[..., 1, 1]) - along,
        G_i=unit * found.precession, oblique=tensor,
    )  # fmt: skip


def _alone(state: State) -> State:
    """In no field, where an electron precesses about the sheet alone."""
    return replace(state, field=np.zeros_like(state.field))


def _of_a_plane(chosen: Method, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, without what says nothing of a plane."""
    if not chosen.takes_sheets:
        able = ", ".join(repr(name) for name, one in METHODS.items() if one.takes_sheets)
        raise ParameterError(
            f"`method` must be one of {able} for a sheet, got {chosen.name!r}: beyond second order "
            "the answer depends on how long an electron stays with a moment"
        )
    for name in ("azimuth", "thermostat", "thermostat_rate", "level_shift"):
        if name in options:
            raise ParameterError(f"`{name}` must not be given for a sheet, got {options[name]!r}")
    given = chosen.checked(options)
    if chosen.keeps_splitting:
        given.setdefault("modes", False)  # the later decay is not that of a plane
    return given


def _conductances(
    layer: Layer, state: Equilibrium, chosen: Method, options: Mapping[str, Any]
) -> tuple[Array, ...]:
    """G_s, G_r, G_i (...) and the uncertainty of the tensor, or nothing, [S/m^2]."""
    of_closed_form = chosen.name == "closed-form"
    plain = options.get("form", "corrected") == "corrected"
    if chosen.keeps_splitting or options.get("electron_splitting", False) or not plain:
        found = relaxation_at(_split_as(layer, state), method=chosen.name, **options)
        plainest = "closed-form" if of_closed_form else "batched"
        turning = relaxation_at(_alone(state), method=plainest).precession
    else:
        found = relaxation_at(_alone(state), method=chosen.name, **options)
        turning = found.precession
    rates = found.dissipator
    along = rates[..., 2, 2]
    if of_closed_form and plain:
        from openmr.rates.closed_form import transverse_excess  # not for the routes to know

        excess = transverse_excess(state.magnet, layer.electrons, state).sum(axis=-1)
    else:
        excess = 0.5 * (rates[..., 0, 0] + rates[..., 1, 1]) - along
    unit = REFERENCE * _conductance_of_speed(layer)
    none = np.zeros((*along.shape, 0))
    off = none if found.uncertainty is None else found.uncertainty
    return tuple(np.asarray(unit * part) for part in (along, excess, turning, off))


def _split_as(layer: Layer, state: Equilibrium) -> Equilibrium:
    """The sheet's moments, and electrons that are split as in the layer, not by the sheet."""
    of_layer = Sample(layer.magnet, layer.electrons, layer.film)
    bulk = thermal_state(of_layer, state.temperature, state.field)
    still = units.HBAR * relaxation_at(bulk, method="batched").precession
    magnet = state.magnet
    shift = (magnet.densities * magnet.exchange[:, 2] * state.mean_spin).sum(axis=-1)
    return replace(state, field=np.asarray((still + shift) / (layer.electrons.g * units.MU_B)))
