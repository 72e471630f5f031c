"""Moments of which the closed forms hold line by line: levels of S_par, couplings along the field.

A moment whose Hamiltonian commutes with S_par has one line for every spacing of its levels.
"""

from __future__ import annotations

import numpy as np

from openmr._checks import ParameterError
from openmr.moments.levels import AxialLevels
from openmr.moments.vector_equilibrium import VectorEquilibrium

_ABLE = (
    "the methods 'batched' and 'bloch-redfield' take any, and so does form='finite-splitting' of "
    "the closed form"
)


def axial_lines(state: VectorEquilibrium) -> list[AxialLevels]:
    """Lines of each sublattice; refused unless a moment's Hamiltonian commutes with S_par."""
    found = []
    for i, moments in enumerate(state.magnet.sublattices):
        levels = state.axial(i)
        if levels is None:
            raise ParameterError(
                "the closed form takes moments whose levels are those of S_par: order and field "
                f"along the crystal's z and q = 0 alone, got others of sublattice {i}, a moment "
                f"of spin {moments.spin:g}; {_ABLE}"
            )
        found.append(levels)
    return found


def refuse_turned_couplings(state: VectorEquilibrium) -> None:
    """Refuse couplings that are not (J_x, J_y, J_z) in axes with z along the field.

    J is a number, or the same across a crystal axis z that the field is along.
    """
    for moments in state.magnet.sublattices:
        if not moments.is_oriented or moments.is_isotropic:
            continue
        j, z = moments.exchange, moments.crystal_axes[2]
        along = np.abs(np.cross(state.direction, z)).max(initial=0.0) <= 1e-10
        if not (moments.is_diagonal and j[0] == j[1] and along):
            raise ParameterError(
                "`exchange` must be one number here, or (J, J, J_z) with the field along the "
                f"crystal's z, got {moments.exchange}; {_ABLE}"
            )


def is_axial(state: VectorEquilibrium) -> bool:
    """Whether the formulas line by line hold."""
    try:
        axial_lines(state)
        refuse_turned_couplings(state)
    except ParameterError:
        return False
    return True
