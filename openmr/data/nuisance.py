"""Rows of a fit, and what an instrument adds to them: drift, Hall voltages, offsets.

A row is one measured number. Rows of one file, film and component are a series, which has one
noise; those of one temperature in it are a run. All columns belong to one run but for the optional
B^2 and anisotropic magnetoresistance, which have one coefficient a film and component, or a film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, ParameterError
from openmr.data.measured import Measured

Labels = NDArray[np.int64]
TermName = Literal["drift", "hall", "offset", "quadratic", "amr"]
TERMS: Final = get_args(TermName)
_LONGITUDINAL, _TRANSVERSE = "longitudinal", "transverse"
_DEPENDENT: Final = 0.02
"""Part of a column beyond the others below which it says nothing of its own: jitter of the clock
sets the Hall voltage of a sweep apart from its drift by less."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Every measured number of all files, each run in the order in which it was taken."""

    value: Array  # (n,), Ohm m
    sigma: Array  # (n,), Ohm m; nan where none was given
    transverse: NDArray[np.bool_]
    file: Labels
    point: Labels  # row in its file
    film: NDArray[np.str_]
    group: Labels  # what has one rho_L0
    series: Labels
    run: Labels
    position: Array  # steps of time, in the unit of the usual one
    clock: Array  # in [0, 1] over the file
    sweep: Labels
    temperature: Array  # mean of the level
    field: Array
    direction: Array
    names: tuple[str, ...]  # of the series
    groups: tuple[tuple[str, float], ...]  # film and temperature of each group
    scale: Array  # (n,), Ohm m: mean rho_L of the film

    def __len__(self) -> int:
        return len(self.value)


def rows_of(data: Sequence[Measured]) -> Rows:
    """All numbers of all files in one table."""
    parts: list[dict[str, Any]] = []  # arrays, and numbers of all rows of a part
    groups: list[tuple[str, float, int]] = []
    names: list[str] = []
    runs = 0
    for at, one in enumerate(data):
        order = np.arange(len(one.longitudinal))
        if one.time is not None:
            order = np.argsort(one.time, kind="stable")
        clock = np.asarray(order if one.time is None else one.time[order], dtype=float)
        span = float(np.ptp(clock)) or 1.0
        for film in dict.fromkeys(one.film.tolist()):
            for word in (_LONGITUDINAL, _TRANSVERSE):
                values = getattr(one, word)[order]
                here = (one.film[order] == film) & np.isfinite(values)
                if not here.any():
                    continue
                file = f"{one.source or 'data'}" + (f" {at}" if len(data) > 1 else "")
                names.append(f"{file}, {film}, {word}")
                for level in np.unique(one.level[order][here]):
                    rows = np.flatnonzero(here & (one.level[order] == level))
                    kept = order[rows]
                    kelvin = float(np.mean(one.temperature[kept]))
                    group = _group(groups, film, kelvin, at)
                    sigma = one.uncertainty
                    stated = np.full(len(kept), np.nan)
                    if sigma is not None and word == _LONGITUDINAL:
                        stated = sigma[kept]
                    parts.append(
                        {
                            "value": values[rows],
                            "sigma": stated,
                            "transverse": word == _TRANSVERSE,
                            "file": at,
                            "point": kept,
                            "film": film,
                            "group": group,
                            "series": len(names) - 1,
                            "run": runs,
                            "position": _steps(clock[rows]),
                            "clock": (clock[rows] - clock[0]) / span,
                            "sweep": one.sweep[kept],
                            "temperature": kelvin,
                            "field": one.field[kept],
                            "direction": one.direction[kept],
                        }
                    )
                    runs += 1
    columns = {name: [part[name] for part in parts] for name in parts[0]}
    counts = [len(value) for value in columns["value"]]
    table = {
        name: np.concatenate(each) if isinstance(each[0], np.ndarray) else np.repeat(each, counts)
        for name, each in columns.items()
    }
    scale = np.empty(len(table["value"]))
    for film in np.unique(table["film"]):
        mine = table["film"] == film
        along = mine & ~table["transverse"]
        if not along.any():
            raise ParameterError(
                f"`data` must hold longitudinal resistivities of every film, got none of {film!r}"
            )
        scale[mine] = np.mean(table["value"][along])
    places = tuple((film, kelvin) for film, kelvin, _ in groups)
    return Rows(**table, names=tuple(names), groups=places, scale=scale)


def _group(groups: list[tuple[str, float, int]], film: str, kelvin: float, file: int) -> int:
    """Number of the film, temperature and file, a new one if there is none yet."""
    for at, (name, there, where) in enumerate(groups):
        if (name, where) == (film, file) and abs(there - kelvin) < 1e-2 * kelvin + 0.25:
            return at
    groups.append((film, kelvin, file))
    return len(groups) - 1


def _steps(clock: Array) -> Array:
    """Times in whole steps of the usual interval, no two at once."""
    between = np.diff(clock)
    ahead = np.sort(between[between > 0])
    usual = 0.5 * (ahead[(ahead.size - 1) // 2] + ahead[ahead.size // 2]) if ahead.size else 1.0
    whole = np.maximum(np.round(between / usual), 1.0)
    return np.concatenate([[0.0], np.cumsum(whole)])


class Term(NamedTuple):
    """A linear term: its kind, and the series, film or sweep that it belongs to."""

    kind: str
    where: str


def columns_of(rows: Rows, nuisance: Sequence[str]) -> tuple[Array, tuple[Term, ...]]:
    """Columns (n, k) in Ohm m per unit coefficient, relative to rho of the film.

    None that the others of its run span already.
    """
    columns: list[Array] = []
    terms: list[Term] = []

    def add(kind: str, where: str, mask: NDArray[np.bool_], values: Array) -> None:
        column = np.where(mask, values, 0.0)
        largest = float(np.max(np.abs(column)))
        if largest > 0:
            columns.append(rows.scale * column / largest)
            terms.append(Term(kind, where))

    vector = rows.field[:, None] * rows.direction
    for run in range(int(rows.run.max()) + 1):
        mask = rows.run == run
        first = int(np.flatnonzero(mask)[0])
        where = f"{rows.names[rows.series[first]]}, {rows.temperature[first]:.4g} K"
        if rows.transverse[first] and "offset" in nuisance:
            add("offset", where, mask, np.ones(len(rows)))
        if "hall" in nuisance:
            for axis, name in ((2, "z"), (0, "x"), (1, "y")):  # across the film first
                add("hall", f"{where}, B_{name}", mask, vector[:, axis])
        if "drift" in nuisance:
            for sweep in np.unique(rows.sweep[mask]):
                within = mask & (rows.sweep == sweep)
                low, high = rows.clock[within].min(), rows.clock[within].max()
                add("drift", f"{where}, sweep {sweep}", mask, np.clip(rows.clock, low, high) - low)
    for film in dict.fromkeys(rows.film.tolist()):
        mask = rows.film == film
        if "quadratic" in nuisance:
            add("quadratic", film, mask & ~rows.transverse, rows.field**2)
        if "amr" in nuisance:
            x, y, _ = rows.direction.T
            add("amr", film, mask, np.where(rows.transverse, x * y, x * x))
    if not columns:
        return np.empty((len(rows), 0)), ()
    matrix = np.stack(columns, axis=1)
    kept = _independent(rows, matrix)
    return matrix[:, kept], tuple(terms[i] for i in kept)


def _independent(rows: Rows, matrix: Array) -> list[int]:
    """Columns that are not spanned by constants of the runs of rho_L and by those before them."""
    kept: list[int] = []
    known: dict[int, list[Array]] = {}
    for i, column in enumerate(matrix.T):
        runs = np.unique(rows.run[column != 0])
        basis = [vector for run in runs for vector in known.get(int(run), [])]
        rest = column.copy()
        for run in runs:
            mask = rows.run == run
            if not rows.transverse[mask][0]:
                rest[mask] -= rest[mask].mean()
        for _ in range(2):  # twice is enough for rounding
            for vector in basis:
                rest -= (vector @ rest) * vector
        size = float(np.linalg.norm(rest))
        if size > _DEPENDENT * float(np.linalg.norm(column)):
            kept.append(i)
            if len(runs) == 1:
                known.setdefault(int(runs[0]), []).append(rest / size)
    return kept
