"""`om.magnetoresistance`: the whole line from sample to resistivity in one call."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._words import Branch, Order, PrecessionSign
from openmr.moments.labels import labelled
from openmr.moments.vector_equilibrium import refuse_branch
from openmr.rates.methods import Name, Options
from openmr.rates.relaxation import relaxation, relaxation_and
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet
from openmr.transport.resistivity import (
    Resistivity,
    at_direction,
    checked_direction,
    of_stack,
    record,
)
from openmr.transport.stack_rates import stack_rates


@labelled
def magnetoresistance(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    direction: ArrayLike,
    *,
    method: Name = "closed-form",
    order: Order = "second",
    precession_sign: PrecessionSign = "hamiltonian",
    branch: Branch = "lowest",
    **options: Unpack[Options],
) -> Resistivity:
    """Equilibrium, relaxation, spin diffusion and resistivity in one call.

    Parameters
    ----------
    sample : Sample
        A film, or a stack of layers.
    temperature, field : array_like (...), K and T
    direction : array_like (..., 3), no unit
        Field direction b; its leading axes broadcast with temperature and field. DataArrays do by
        the names of their dimensions, a direction with one `component` or as three components.
    method : str
        As in `relaxation`, which also takes the other `options`.
    order, precession_sign : str
        As in `resistivity`.
    branch : {"lowest", "up", "down"}
        Of a film whose moments have axes of their own, as in `equilibrium`: a hysteresis loop is
        the two curves "up" and "down".
    **options
        Passed to the method.

    Returns
    -------
    Resistivity
        With the rates in `.relaxation`, or those of a stack in `.rates`.

    Raises
    ------
    ParameterError
        As in `relaxation` and `resistivity`.

    Examples
    --------
    >>> import openmr as om
    >>> curve = om.magnetoresistance(om.presets.pt_py(), 10.0, [0.0, 17.0], (1, 0, 0))
    >>> bool(curve.longitudinal[1] < curve.longitudinal[0])
    True
    """
    _checks.instance("sample", sample, Sample)
    refuse_branch(branch, sample)
    if sample.is_stack:
        m = checked_direction(direction, order, precession_sign)
        own = m if sample.is_oriented else None
        found = stack_rates(sample, temperature, field, direction=own, method=method, **options)
        return of_stack(found, m, order, precession_sign)
    axial = method == "closed-form" and _stays_axial(sample.magnet)
    m, at_points = at_direction(sample.film, direction, order, precession_sign, axial=axial)
    own = m if sample.magnet.is_oriented else None
    apart = m.ndim > 1 or np.ndim(options.get("azimuth", 0.0))
    if own is not None or apart or branch != "lowest":
        # axes that the points may not have, or a state that depends on the direction
        rates = relaxation(
            sample, temperature, field, direction=own, branch=branch, method=method, **options
        )
        return record(sample.film, rates, m, order, at_points(rates))
    rates, parts = relaxation_and(at_points, sample, temperature, field, method, options)
    return record(sample.film, rates, m, order, parts)


def _stays_axial(magnet: Magnet) -> bool:
    """Whether the closed form gives rates that are equal across the field, without a look."""
    couplings = (moments.exchange for moments in magnet.sublattices)
    return magnet.is_held and not magnet.is_oriented and all(x == y for x, y, _ in couplings)
