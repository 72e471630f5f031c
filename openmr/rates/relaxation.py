"""`om.relaxation`: choose a method by name, add 1/tau_0 once, turn the local axes once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array
from openmr._words import Branch
from openmr.moments.equilibrium import Equilibrium, checked_points, equilibrium, thermal_state
from openmr.moments.grid import BLOCK, in_blocks
from openmr.moments.labels import labelled
from openmr.moments.state import ThermalState
from openmr.rates.methods import METHODS, Method, Name, Options
from openmr.rates.moment_relaxation import (
    refuse_large_generator,
    refuse_unequal_spins,
    returned_rates,
)
from openmr.rates.record import ExchangePart, Relaxation, spin_polarised_loss
from openmr.sample.film import Sample, expect_film

_MOST_SECONDS = 1e5
"""Longest call, a day by the declared costs."""
_LARGE_SPIN = 100.0
"""Beyond it a route may refuse, without points, before the equilibrium of many levels is solved."""


@labelled
def relaxation(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    branch: Branch = "lowest",
    method: Name = "closed-form",
    **options: Unpack[Options],
) -> Relaxation:
    """Spin relaxation and precession of the electrons.

    Parameters
    ----------
    sample : Sample
    temperature : array_like (...), K
    field : array_like (...), T
        Signed, along b; broadcasts with `temperature`, DataArrays by the names of dimensions.
    direction : array_like (..., 3), no unit, optional
    branch : {"lowest", "up", "down"}
        Both as in `equilibrium`, for moments with axes of their own.
    method : str
        "closed-form", "batched", "bloch-redfield", "evolution", "tcl2", "heom", "kinetic" or
        "exact"; `rates.methods` says of each which question it answers.
    **options
        Those of the method, e.g. ``form=`` of the closed form, ``electron_splitting=`` of the
        numerical routes, ``options=`` of the evolution (QuTiP's solver options); and ``azimuth=``
        [rad], which turns the local axes by phi, Eq. (39): ``tensor[..., 0, 0]`` is then
        1/tau_perp(phi). That is the same relaxation in other axes, so no resistivity depends on it.

    Returns
    -------
    Relaxation
        With 1/tau_0 of the film included, and the equilibrium of the moments.

    Raises
    ------
    ParameterError
        For a bad argument or an unknown method, the message lists the known ones; for a coupling
        matrix with elements off its diagonal, which "batched" and "bloch-redfield" take; for
        moments with axes of their own and a method that does not take them.

    Examples
    --------
    >>> import openmr as om
    >>> om.relaxation(om.presets.pt_py(), temperature=10.0, field=5.0).tensor.shape
    (3, 3)
    """
    if direction is None and branch == "lowest":
        return relaxation_and(None, sample, temperature, field, method, options)[0]
    expect_film(sample)
    _chosen(sample, method, options)  # refused before any work
    state = equilibrium(sample, temperature, field, direction=direction, branch=branch)
    return relaxation_at(state, method=method, **options)


@np.errstate(under="ignore")  # weights of frozen levels go to 0
def relaxation_and(
    then: Callable[[Relaxation], Any] | None,
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    method: str,
    options: Mapping[str, Any],
) -> tuple[Relaxation, Any]:
    """`relaxation`, and arrays that `then`, if given, makes of each block of it, azimuth 0."""
    expect_film(sample)
    chosen, route, azimuth = _chosen(sample, method, options)
    if not chosen.takes_grids:
        if sample.magnet.spins.max(initial=0.0) > _LARGE_SPIN:
            route(equilibrium(sample, [], []))
        points = checked_points(sample, temperature, field)
        _refuse_too_long(chosen, points[0].size)
        state = equilibrium(sample, *points)
        found = _record(chosen, state, route(state))
        return found.rotated(azimuth), then(found) if then else ()

    def line(temperature: Array, field: Array) -> tuple[Relaxation, Array, ExchangePart, Any]:
        state = thermal_state(sample, temperature, field)
        part = route(state)
        found = _record(chosen, state, part)
        return found, state.reduced_splitting, part, then(found) if then else ()

    points = checked_points(sample, temperature, field)
    if points[0].size <= BLOCK:
        found, *_, more = line(*points)
        return found.rotated(azimuth), more
    # of many points without the averages, which would take more memory than all else
    x, part, more = in_blocks(lambda *some: line(*some)[1:], points[0].shape, *points)
    return _record(chosen, Equilibrium(sample, *points, x), part).rotated(azimuth), more


@np.errstate(under="ignore")
def relaxation_at(
    state: ThermalState, *, method: str = "closed-form", **options: Any
) -> Relaxation:
    """`relaxation` of moments whose equilibrium is known already.

    Other parameters, returns and errors as of `relaxation`.
    """
    chosen, route, azimuth = _chosen(state.sample, method, options)
    grid = state.temperature.shape
    _refuse_too_long(chosen, state.temperature.size)
    part = in_blocks(route, grid, state) if chosen.takes_grids else route(state)
    return _record(chosen, state, part).rotated(azimuth)


def _refuse_too_long(chosen: Method, points: int) -> None:
    """Refuse points that take days, which only a sweep keeps when it is cut short."""
    most, seconds = _MOST_SECONDS / chosen.cost, points * chosen.cost
    if points > most:
        raise _checks.SizeError(
            f"`temperature` and `field` must span at most {most:.2g} points for method "
            f"{chosen.name!r}, got {points:.3g} (about {seconds:.2g} s); `openmr.sweep` does more, "
            "in a store and on many processors"
        )


def _chosen(
    sample: Sample, method: str, options: Mapping[str, Any]
) -> tuple[Method, partial[ExchangePart], ArrayLike]:
    """The method, its function with the options in it, and the azimuth."""
    chosen = METHODS[_checks.choice("method", method, METHODS)]
    given: dict[str, Any] = dict(options)
    azimuth = given.pop("azimuth", 0.0)
    given = chosen.checked(given)
    route = partial(chosen.function, **given)
    if not sample.magnet.is_held:
        refuse_unequal_spins(sample)
        for moments in sample.magnet.sublattices:
            refuse_large_generator(0.5 if moments.thermostat_rate is None else moments.spin)
        route = partial(_less_returned, route)
    if sample.magnet.is_oriented:
        if not chosen.takes_levels:
            able = ", ".join(repr(name) for name, one in METHODS.items() if one.takes_levels)
            raise _checks.ParameterError(
                "moments with axes or levels of their own (anisotropy, axes, a g tensor ...) are "
                f"taken by the methods {able}, got {method!r}"
            )
        return chosen, route, azimuth
    diagonal = all(moments.is_diagonal for moments in sample.magnet.sublattices)
    if not (chosen.takes_matrices or diagonal):
        able = " and ".join(repr(name) for name, one in METHODS.items() if one.takes_matrices)
        raise _checks.ParameterError(
            f"`exchange` must be a scalar or (x, y, z) for method {method!r}, got a matrix with "
            f"elements off its diagonal, which the methods {able} take"
        )
    return chosen, route, azimuth


def _less_returned(
    route: Callable[[ThermalState], ExchangePart], state: ThermalState
) -> ExchangePart:
    """A method's answer for moments that follow the electrons, for all that a thermostat does."""
    found = route(state)
    return found._replace(dissipator=found.dissipator - returned_rates(state))


def _record(chosen: Method, state: ThermalState, part: ExchangePart) -> Relaxation:
    lost = part.charge_to_spin
    if lost is None:
        lost = spin_polarised_loss(state.sample.electrons, part.dissipator[..., 2, 2])
    return Relaxation(
        chosen.name,
        state,
        part.dissipator,
        part.precession,
        lost,
        spin_flip_rate=state.sample.film.spin_flip_rate,
        uncertainty=part.uncertainty,
        diagnostics=dict(part.diagnostics),
        precession_across=part.precession_across,
    )
