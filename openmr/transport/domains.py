"""`om.domains`: a film of domains, each with a share of its area, larger than the spins diffuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr.tables import Alike, shown
from openmr.transport.resistivity import Resistivity

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Domains(Alike):
    """Resistivity of a film of several domains.

    Attributes
    ----------
    parts : tuple of Resistivity
        The film as if it were one domain of each kind.
    shares : array (..., k), no unit
        Of the area, with sum 1.
    longitudinal, transverse : array (...), Ohm m
        Means over the area. They hold to first order in how the domains differ.
    uncertainty : array (...), Ohm m
        What currents that go round the worse conducting domains may take off `longitudinal`: with
        whatever shape they have, no more.
    """

    parts: tuple[Resistivity, ...]
    shares: Array
    longitudinal: Array
    transverse: Array
    uncertainty: Array

    def __repr__(self) -> str:
        return "\n".join(
            [
                f"Domains  {len(self.parts)} kinds",
                f"  shares       : {shown(self.shares)}",
                f"  longitudinal : {shown(self.longitudinal)} Ohm m",
                f"  transverse   : {shown(self.transverse)} Ohm m",
                f"  uncertainty  : {shown(self.uncertainty)} Ohm m",
            ]
        )


def domains(parts: Sequence[Resistivity], shares: ArrayLike) -> Domains:
    """Resistivity of a film whose domains share its area.

    Walls between the domains are not in it. Domains smaller than the spin-diffusion length, which
    exchange spins, are not either.

    Parameters
    ----------
    parts : sequence of Resistivity
        Of the film as if it were one domain of each kind: of an antiferromagnet, say, one for each
        `axes` that its easy axis may lie along, or one for each of two branches.
    shares : array_like (k,) or (..., k), no unit
        Of the area, with sum 1; leading axes broadcast with the parts.

    Returns
    -------
    Domains
        On the broadcast grid.

    Raises
    ------
    ParameterError
        For shares that are negative or have another sum, or parts that do not go together.

    Examples
    --------
    >>> import openmr as om
    >>> film = om.presets.pt_py()
    >>> parts = [om.magnetoresistance(film, 10.0, 5.0, b) for b in ((1, 0, 0), (0, 1, 0))]
    >>> bool(om.domains(parts, [0.5, 0.5]).longitudinal < parts[0].longitudinal)
    True
    """
    given = tuple(_checks.sequence("parts", parts, "Resistivity"))
    for one in given:
        _checks.instance("parts", one, Resistivity)
    if not given:
        raise ParameterError("`parts` must hold at least one Resistivity, got none")
    weights = _checks.finite_array("shares", shares)
    if weights.ndim == 0 or weights.shape[-1] != len(given):
        raise ParameterError(
            f"`shares` must have a last axis of {len(given)}, one for each of `parts`, got shape "
            f"{weights.shape}"
        )
    total = weights.sum(axis=-1)
    if weights.min(initial=0.0) < 0 or np.abs(total - 1).max(initial=0.0) > _ROUNDING:
        raise ParameterError(
            "`shares` must be >= 0 with sum 1, got "
            f"{_checks.shown(weights.reshape(-1, len(given))[0].tolist())}"
        )
    along, across = (
        np.stack(_checks.broadcast(**{f"parts[{i}]": row for i, row in enumerate(rows)}), axis=-1)
        for rows in ([one.longitudinal for one in given], [one.transverse for one in given])
    )
    mean = np.asarray((weights * along).sum(axis=-1))
    series = 1.0 / np.asarray((weights / along).sum(axis=-1))
    return Domains(
        given, weights, mean, np.asarray((weights * across).sum(axis=-1)), np.asarray(mean - series)
    )
