"""Measured resistivities, one row a point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from dataclasses import field as default
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr._quantities import in_unit
from openmr.data.geometry import Geometry
from openmr.data.runs import Labels, hold_one_temperature, levels, sweeps
from openmr.moments.labels import by_position, has_names
from openmr.tables import Alike

if TYPE_CHECKING:
    from pandas import DataFrame

_UNITS: Final = {
    "longitudinal": "Ohm m", "temperature": "K", "field": "T", "direction": "",
    "uncertainty": "Ohm m", "transverse": "Ohm m", "time": "s",
    "film": "", "level": "", "sweep": "",
}  # fmt: skip
"""Arguments that broadcast, and their units."""
_SAME_FIELD = 0.01
"""Part of the largest field by which two points may miss being opposite to each other."""


def _absent() -> Any:
    return np.empty(0)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Measured(Alike):
    """Measured resistivities, one row a point; build it with `openmr.read` or `measured`.

    Attributes
    ----------
    longitudinal : array (n,), Ohm m
        rho_L; nan where a row holds rho_T alone.
    temperature, field : array (n,), K and T
    direction : array (n, 3), no unit
        Unit vector b.
    uncertainty : array (n,), Ohm m, or None
        Standard deviation of rho_L; None where it is to be taken from the scatter.
    transverse : array (n,), Ohm m
        rho_T = E_y / J_x at J_y = 0; nan where it was not measured.
    time : array (n,), s, or None
    film : array (n,) of str, no unit
        Label of the film of each point.
    level, sweep : arrays (n,) of int, no unit
        Temperature level, from the coldest, and sweep, in the order of the rows; found from the
        points where they are left out.
    source : str
        Name of the file.
    dropped : mapping of str to int
        Reason -> rows of the file that are not here.
    info : mapping of str to str
        Notes in the header of the file, not interpreted.
    columns : mapping of str to str
        Quantity -> column of the file, and the unit it was read in.
    geometry : mapping of str to Geometry
        Film -> sizes with which its resistances became resistivities.
    """

    longitudinal: Array
    temperature: Array
    field: Array
    direction: Array
    uncertainty: Array | None = None
    transverse: Array = default(default_factory=_absent)
    time: Array | None = None
    film: NDArray[np.str_] = default(default_factory=_absent)
    level: Labels = default(default_factory=_absent)
    sweep: Labels = default(default_factory=_absent)
    source: str = ""
    dropped: Mapping[str, int] = default(default_factory=dict)
    info: Mapping[str, str] = default(default_factory=dict)
    columns: Mapping[str, str] = default(default_factory=dict)
    geometry: Mapping[str, Geometry] = default(default_factory=dict)

    def __post_init__(self) -> None:
        points = len(self.longitudinal)

        def fill(name: str, values: Callable[[], Any]) -> None:
            if getattr(self, name).size == 0:
                object.__setattr__(self, name, values())

        fill("transverse", lambda: np.full(points, np.nan))
        fill("film", lambda: np.full(points, "film"))
        fill("level", lambda: levels(self.temperature))
        fill("sweep", lambda: sweeps(self.field, self.direction, self._runs()))

    def _runs(self) -> Labels:
        """A number for each film and level."""
        same = bool(np.all(self.film == self.film[:1]))
        film = 0 if same else np.unique(self.film, return_inverse=True)[1]
        return np.asarray(film * (self.level.max(initial=0) + 1) + self.level)

    def select(self, mask: ArrayLike) -> Measured:
        """Some of the points, with the levels and sweeps that they have.

        Parameters
        ----------
        mask : array_like (n,) of bool or of row numbers, no unit

        Returns
        -------
        Measured
            The others are counted in `dropped`.

        Raises
        ------
        ParameterError
            For a mask of another length, or one that leaves nothing.

        Examples
        --------
        >>> from openmr.data.measured import measured
        >>> data = measured([2e-6, 2.1e-6], temperature=10, field=[0, 5], direction=(1, 0, 0))
        >>> data.select(data.field > 1).longitudinal
        array([2.1e-06])
        """
        rows = np.asarray(mask)
        points = len(self.longitudinal)
        right = rows.shape == (points,) if rows.dtype == bool else rows.ndim == 1
        try:
            kept = np.arange(points)[rows] if right else None
        except IndexError:
            kept = None
        if kept is None or kept.size == 0:
            raise ParameterError(
                f"`mask` must choose some of {points} points, got {_checks.shown(mask)}"
            )
        parts = {
            one.name: value[kept]
            for one in fields(self)
            if isinstance(value := getattr(self, one.name), np.ndarray)
        }
        dropped = dict(self.dropped)
        if len(kept) < points:
            dropped["not selected"] = dropped.get("not selected", 0) + points - len(kept)
        return replace(self, **parts, dropped=dropped)

    def symmetrised(self) -> Measured:
        """The part even in the field of rho_L, and odd of rho_T, for figures.

        Returns
        -------
        Measured
            Each point that has one of the opposite field vector, to a hundredth of the largest
            field, in its film and level; half the sum or difference with the nearest. The others
            are counted in `dropped`.

        Raises
        ------
        ParameterError
            If no two points are opposite.

        Notes
        -----
        Fit the points as they were read: this hides what a Hall voltage adds, takes the part
        that goes as b_x b_y out of rho_T, and correlates the noise of the two points.
        """
        from scipy.spatial import KDTree

        vectors = self.field[:, None] * self.direction
        partner = np.full(len(vectors), -1)
        largest = float(np.max(np.abs(self.field), initial=0.0))
        for group in {*zip(self.film.tolist(), self.level.tolist(), strict=True)}:
            rows = np.flatnonzero((self.film == group[0]) & (self.level == group[1]))
            far, near = KDTree(vectors[rows]).query(-vectors[rows])
            partner[rows] = np.where(far <= _SAME_FIELD * largest, rows[near], -1)
        if not np.any(partner >= 0):
            raise ParameterError("`symmetrised` needs points of opposite field, got none")
        sigma = self.uncertainty
        whole = replace(
            self,
            longitudinal=0.5 * (self.longitudinal + self.longitudinal[partner]),
            transverse=0.5 * (self.transverse - self.transverse[partner]),
            uncertainty=None if sigma is None else 0.5 * np.hypot(sigma, sigma[partner]),
        )
        alone = int(np.sum(partner < 0))
        found = whole.select(partner >= 0)
        dropped = dict(self.dropped) | ({"no opposite field": alone} if alone else {})
        return replace(found, dropped=dropped)

    def to_pandas(self) -> DataFrame:
        """One row a point, in SI units.

        Returns
        -------
        pandas.DataFrame
            With the names of the attributes, and b_x, b_y, b_z.

        Examples
        --------
        >>> from openmr.data.measured import measured
        >>> data = measured([2e-6, 2.1e-6], temperature=10, field=[0, 5], direction=(1, 0, 0))
        >>> list(data.to_pandas().columns)[:3]
        ['film', 'level', 'sweep']
        """
        from pandas import DataFrame

        axes = dict(zip(("b_x", "b_y", "b_z"), self.direction.T, strict=True))
        columns = {
            "film": self.film,
            "level": self.level,
            "sweep": self.sweep,
            "time": self.time,
            "temperature": self.temperature,
            "field": self.field,
            **axes,
            "longitudinal": self.longitudinal,
            "transverse": self.transverse,
            "uncertainty": self.uncertainty,
        }
        return DataFrame({name: each for name, each in columns.items() if each is not None})

    def __repr__(self) -> str:
        points = len(self.longitudinal)
        rows = {"points": f"{points}"}
        for name in ("longitudinal", "transverse"):
            values = getattr(self, name)
            values = values[np.isfinite(values)]
            if values.size:
                rows[name] = f"{_span(values)} Ohm m"
                if values.size < points:
                    rows[name] += f", in {values.size} rows"
        means = [self.temperature[self.level == one].mean() for one in np.unique(self.level)]
        rows["temperature"] = f"{_listed([f'{mean:.5g}' for mean in means])} K"
        rows["field"] = f"{_span(self.field)} T"
        first = self.direction[0]
        alike = np.allclose(self.direction, first, rtol=0, atol=1e-6)
        rows["direction"] = "({:.4g}, {:.4g}, {:.4g})".format(*first) if alike else "changes"
        rows["films"] = _listed(list(dict.fromkeys(self.film.tolist())))
        rows["sweeps"] = f"{len(np.unique(self.sweep))}"
        counts = [f"{count} {reason}" for reason, count in self.dropped.items()]
        rows["dropped"] = _listed(counts) if counts else "none"
        title = f"Measured  {self.source}".rstrip()
        return "\n".join([title, *(f"  {name:<12} : {text}" for name, text in rows.items())])


def _span(values: Array) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _listed(words: list[str], most: int = 8) -> str:
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")


def measured(
    longitudinal: ArrayLike,
    *,
    temperature: ArrayLike,
    field: ArrayLike,
    direction: ArrayLike,
    uncertainty: ArrayLike | None = None,
    transverse: ArrayLike | None = None,
    time: ArrayLike | None = None,
    film: ArrayLike | None = None,
    level: ArrayLike | None = None,
    sweep: ArrayLike | None = None,
) -> Measured:
    """Data from arrays, which broadcast with each other; DataArrays by the names of their axes.

    Parameters
    ----------
    longitudinal : array_like (...), Ohm m
        nan where a point has only a transverse resistivity.
    temperature, field : array_like (...), K and T
    direction : array_like (..., 3), no unit
        See `openmr.scan_directions` for angular scans.
    uncertainty : array_like (...), Ohm m, optional
    transverse : array_like (...), Ohm m, optional
        rho_T; nan where it was not measured.
    time : array_like (...), s, optional
    film : array_like (...) of str, no unit, optional
        Label of the film.
    level, sweep : array_like (...) of int, no unit, optional
        Found from temperature, field and direction where they are left out.

    Returns
    -------
    Measured
        One row a point.

    Raises
    ------
    ParameterError
        For numbers that are not finite, not positive where they must be, or do not broadcast;
        for two temperatures in one level.
    """
    given: dict[str, Any] = {
        "uncertainty": uncertainty, "transverse": transverse, "time": time, "film": film,
        "level": level, "sweep": sweep,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    given |= {"longitudinal": longitudinal, "temperature": temperature, "field": field}
    given["direction"] = direction
    if any(map(has_names, given.values())):
        given, _ = by_position(given, units=_UNITS)
    b = _checks.unit_vectors("direction", given.pop("direction"))
    may_miss = transverse is not None
    arrays = {name: _checked(name, value, may_miss) for name, value in given.items()}
    *columns, part = _checks.broadcast(**arrays, direction=b[..., 0])
    rows: dict[str, Any] = dict(zip(given, map(np.ravel, columns), strict=True))
    if may_miss and np.any(np.isnan(rows["longitudinal"]) & np.isnan(rows["transverse"])):
        raise ParameterError("`longitudinal` must be a number where `transverse` is not, got nan")
    found = Measured(**rows, direction=np.broadcast_to(b, (*part.shape, 3)).reshape(-1, 3))
    if level is not None:
        hold_one_temperature(found.temperature, found.level)
    return found


def _checked(name: str, value: ArrayLike, may_miss: bool) -> NDArray[Any]:
    if name == "film":
        films = np.asarray(value).astype(str)
        if np.any(np.strings.strip(films) == ""):
            raise ParameterError("`film` must be labels that are not empty, got ''")
        return films
    if name in ("level", "sweep"):
        return _labels(name, value)
    if _UNITS[name] == "Ohm m":
        return _measured_here(name, value, may_miss)
    check = _checks.positive_array if name == "temperature" else _checks.finite_array
    return check(name, value, _UNITS[name])


def _measured_here(name: str, value: ArrayLike, may_miss: bool) -> Array:
    """`value` as resistivities, nan where there is none if that is allowed."""
    if not may_miss:
        return _checks.positive_array(name, value, "Ohm m")
    value = in_unit(name, value, "Ohm m")
    try:
        missing = np.isnan(np.asarray(value, dtype=float))
    except (TypeError, ValueError, OverflowError):
        missing = np.array(False)  # the check below refuses it
    there = np.where(missing, 1.0, value) if np.any(missing) else value
    check = _checks.finite_array if name == "transverse" else _checks.positive_array
    return np.where(missing, np.nan, check(name, there, "Ohm m"))


def _labels(name: str, value: ArrayLike) -> Labels:
    numbers = _checks.finite_array(name, value)
    if np.any(numbers != np.round(numbers)):
        raise ParameterError(f"`{name}` must be whole numbers, got {_checks.shown(value)}")
    return numbers.astype(np.int64)
