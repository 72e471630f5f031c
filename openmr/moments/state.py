"""Common part of the thermal states of moments: sample, points, the mean along the field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from openmr._checks import Array
from openmr.moments.grid import each
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet


@dataclass(frozen=True)
class ThermalState(ABC):
    """Thermal state of the moments on a grid of points.

    Attributes
    ----------
    sample : Sample
    temperature, field : array (...), K and T
    """

    sample: Sample
    temperature: Array
    field: Array

    @property
    @abstractmethod
    def mean_spin(self) -> Array:
        """<S_par> along the field direction b, shape (..., n); last axis the sublattice."""

    @property
    @abstractmethod
    def spread(self) -> Array:
        """Highest energy a moment gives in one flip [eV], shape (...)."""

    @property
    def magnet(self) -> Magnet:
        """The moments of the sample."""
        return self.sample.magnet

    def points(self) -> Iterator[Self]:
        """One equilibrium per point of the grid, in C order.

        Returns
        -------
        iterator of the same record
            Each of one point, without grid axes.
        """
        return map(self.at, np.ndindex(self.temperature.shape))

    def at(self, points: Any) -> Self:
        """Some of the points of the grid.

        Parameters
        ----------
        points : index or slice of the grid

        Returns
        -------
        the same record
            Theirs, not solved again.
        """
        chosen: Self = each(lambda array: np.asarray(array[points]), self)
        return chosen
