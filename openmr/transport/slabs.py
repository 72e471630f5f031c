"""Layers and what joins them, as numbers and arrays in the axes of the film.

The network, the boundary-value solver and their tests take the same ones, and no one of them knows
the other. Of a tuple of slabs from z = 0 upwards, `joints[i]` lies between the slabs i and i + 1.
"""

from __future__ import annotations

from typing import NamedTuple

from openmr._checks import Array


class Slab(NamedTuple):
    """A layer of one metal."""

    thickness: float  # m
    conductivity: float  # 1/(Ohm m)
    spin_hall_angle: float
    diffusion: float  # m^2/s
    gamma: Array  # relaxation and precession, d mu/dt = -gamma mu, (..., 3, 3), 1/s

    @property
    def sheet_conductance(self) -> float:
        """Sheet conductance of the layer alone [S]."""
        return self.thickness * self.conductivity

    @property
    def source(self) -> float:
        """Spin Hall current along z over the field across it, s = source (E_y, -E_x, 0) [S/m]."""
        return self.spin_hall_angle * self.conductivity


class Joint(NamedTuple):
    """A joint of two layers, with the spin conductance of what relaxes spins at either side."""

    resistance: float = 0.0  # Ohm m^2
    memory_loss: float = 0.0
    below: Array | None = None  # (..., 3, 3), S/m^2
    above: Array | None = None
