"""Common part of the thermal states of moments: sample, points, the mean along the field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar, Self

import numpy as np

from openmr._checks import Array
from openmr.moments.grid import each
from openmr.moments.labels import Labels, arrays_of
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet
from openmr.tables import Arrays, Column, Labelled, shown, shown_vector

_COLUMNS = {
    "mean_spin": Column(
        lambda state: state.mean_spin, "1", "(32)", "<S_par>", axes=("sublattice",)
    ),
    "spread": Column(lambda state: state.spread, "eV", "", "highest energy of one flip"),
}


class _OnGrid(Labelled):
    """A record on a grid of points whose arrays `COLUMNS` lists."""

    __slots__ = ()
    COLUMNS: ClassVar[Mapping[str, Column]]
    temperature: Any
    field: Any

    def _arrays(self) -> Arrays:
        return arrays_of(self, self.COLUMNS)

    @property
    def _where(self) -> str:
        """Temperature and field as the head of a print says them."""
        found = f"T = {shown(self.temperature)} K, B = {shown(self.field)} T"
        b = getattr(self, "direction", None)
        if b is None or not b.size:
            return found
        if np.any(b != b.reshape(-1, 3)[0]):
            return f"{found} along b {b.shape}"
        return f"{found} along {shown_vector(b.reshape(-1, 3)[0])}"


@dataclass(frozen=True, eq=False)
class ThermalState(_OnGrid, ABC):
    """Thermal state of the moments on a grid of points.

    Attributes
    ----------
    sample : Sample
    temperature, field : array (...), K and T
    labels : Labels or None
        Names of the axes, where they were given by DataArrays.
    """

    SCHEMA = "openmr/equilibrium/1"
    COLUMNS = _COLUMNS

    sample: Sample
    temperature: Array
    field: Array
    labels: Labels | None = dataclass_field(default=None, kw_only=True, repr=False, compare=False)

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

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__:<38}{self.sample.name}, {self._where}"]
        for i, moments in enumerate(self.magnet.sublattices):
            mean = f"<S> along b {shown(self.mean_spin[..., i])}{self._across(i)}"
            lines.append(f"  sublattice {i} : spin {moments.spin:g}, {mean}")
        return "\n".join([*lines, f"  one flip     : {shown(1e3 * self.spread)} meV at most"])

    def _across(self, sublattice: int) -> str:
        """Words on the order vector, where it is not along the field."""
        return ""

    def _about(self) -> dict[str, Any]:
        return {"sample": self.sample.name}

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


class AtThermalState(_OnGrid):
    """A record of what was found of moments in equilibrium, on their grid of points."""

    __slots__ = ()

    equilibrium: ThermalState

    @property
    def temperature(self) -> Array:
        """Temperature of each point [K], shape (...)."""
        return self.equilibrium.temperature

    @property
    def field(self) -> Array:
        """Field of each point along b [T], shape (...)."""
        return self.equilibrium.field

    @property
    def direction(self) -> Array | None:
        """Unit vector b of the field, (..., 3), of moments with axes of their own; else None."""
        return getattr(self.equilibrium, "direction", None)

    @property
    def labels(self) -> Labels | None:
        """Names of the axes, where they were given by DataArrays."""
        return self.equilibrium.labels

    def _about(self) -> dict[str, Any]:
        return {"sample": self.equilibrium.sample.name}
