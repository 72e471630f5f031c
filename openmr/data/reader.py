"""Measured resistivities out of a laboratory's file: columns found, units turned into SI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks
from openmr._checks import Array, ParameterError, Range
from openmr._words import Plane
from openmr.data.columns import SI, plain, split, unit
from openmr.data.geometry import Geometry
from openmr.data.measured import Measured, measured
from openmr.data.runs import GAP, Labels, hold_one_temperature, levels
from openmr.data.source import USUAL, Column, Source, source_of
from openmr.data.text_table import Decimal, table
from openmr.transport.resistivity import scan_directions

_FIELD: Final = Range(-100.0, 100.0, "T", "9e4 Oe is 9 T")
_CSV_FIELD: Final = Range(-1000.0, 1000.0, "T", "9e4 Oe is 9 T")
_TEMPERATURE: Final = Range(1e-3, 2000.0, "K", "21 degC is 294 K")
_LONGITUDINAL: Final = Range(
    1e-10, 1e-2, "Ohm m", "200 uOhm cm is 2e-6 Ohm m; a resistance needs `geometry`"
)
_TRANSVERSE: Final = Range(-1e-2, 1e-2, "Ohm m", "a resistance needs `geometry`")
_ANGLE: Final = Range(-4 * np.pi, 4 * np.pi, "rad", "90 deg is pi/2")
_LABELS: Final = {"film", "sample", "probe", "sample name", "device"}
"""Names of columns that tell films apart."""
_AXES: Final = {
    **{"alpha": "xy", "\N{GREEK SMALL LETTER ALPHA}": "xy"},
    **{"beta": "yz", "\N{GREEK SMALL LETTER BETA}": "yz"},
    **{"gamma": "zx", "\N{GREEK SMALL LETTER GAMMA}": "zx"},
}
_PLANES: Final = (*get_args(Plane), "yx", "zy", "xz")


def read(
    path: Any,
    *,
    geometry: Geometry | Mapping[str, Geometry] | None = None,
    direction: ArrayLike | Sequence[str] | None = None,
    plane: str | None = None,
    angle: str | None = None,
    zero: float = 0.0,
    longitudinal: str | None = None,
    transverse: str | None = None,
    uncertainty: str | None = None,
    temperature: str | float | None = None,
    field: str | float | None = None,
    time: str | None = None,
    film: str | None = None,
    level: str | float | None = None,
    sweep: str | None = None,
    units: Mapping[str, str] | None = None,
    decimal: Decimal | None = None,
) -> Measured:
    """Measured resistivities from a laboratory's file or a frame.

    Parameters
    ----------
    path : str, Path, or frame
        A .dat of Quantum Design, or a text table of any common encoding, delimiter and decimal
        mark with the names of its columns above the numbers; or a frame of pandas or polars.
    geometry : Geometry, or mapping of film to Geometry, optional
        Makes resistivities of resistances, R w d / L and R_xy d; left out for resistivities.
    direction : array_like (3,), or names of three columns, no unit
        Field direction b, of any length; current along x, film normal z. Either this, or `plane`
        with `angle`.
    plane : {"xy", "yz", "zx", "yx", "zy", "xz"}, or a column of them
        Where b turns: from the first axis to the second. "xy", "yz" and "zx" are the scans alpha,
        beta and gamma, and stand as these words in a column.
    angle : str
        Column of the rotator, in deg or rad.
    zero : float, in the unit of that column
        Its reading where b is along the first axis of the plane.
    longitudinal, transverse, uncertainty : str, optional
        Columns of a resistance or a resistivity: rho_L, rho_T, and the standard deviation of
        rho_L. The only resistance of a file is rho_L if none is named. A column is named with or
        without its unit.
    temperature, field : str, or float in K and T, optional
        Column, or the one value of a file that has none; found by its unit if it is left out.
    time : str, optional
        Column; found as these are.
    film : str, optional
        Column that tells films apart, or "" for one film in all; labels are the file's name
        without its ending if there is no column.
    level : str, or float in K, optional
        Column of temperature levels, or the smallest distance of two; 0.5 K if it is left out.
    sweep : str, optional
        Column of sweeps; found where field or angle turns back if it is left out.
    units : mapping of str to str, optional
        Column -> unit, where the name of the column has none or a wrong one.
    decimal : {".", ","}, optional
        Decimal mark, where the file does not tell.

    Returns
    -------
    Measured
        One row a row of the file that has all it needs; the others are counted in `dropped`.

    Raises
    ------
    ParameterError
        For a file that cannot be read, a column that is missing or holds text, a unit that is
        missing or impossible, a resistance without geometry, two temperatures in one level.

    Examples
    --------
    >>> import openmr as om
    >>> from pandas import DataFrame
    >>> frame = DataFrame({"T (K)": [10, 10], "H (kOe)": [0, 90], "R (kOhm)": [4.0, 4.1]})
    >>> bar = om.Geometry(squares=10, thickness=5e-9)
    >>> data = om.read(frame, geometry=bar, direction=(1, 0, 0))
    >>> data.field
    array([0., 9.])
    >>> data.longitudinal
    array([2.00e-06, 2.05e-06])
    """
    source = source_of(path, units, decimal)
    picked = _Picked(source)
    if longitudinal is None and transverse is None:
        longitudinal = _only_resistance(source)
    films = picked.films(film)
    picked.quantity("temperature", temperature, _TEMPERATURE)
    picked.quantity("field", field, _FIELD)
    if time is not None or len(source.usual("time")) == 1:
        picked.quantity("time", time, None)
    used = _resistivities(picked, geometry, films, longitudinal, transverse, uncertainty)
    b = _directions(picked, direction, plane, angle, zero)
    gap = level if not isinstance(level, str | None) else GAP
    gap = _checks.number("level", gap, "K", least=0.0)
    if isinstance(level, str):
        picked.label("level", level)
    if sweep is not None:
        picked.label("sweep", sweep)
    source.table.hold_one_mark(picked.used)
    source.table.expect_no_thousands(picked.used)
    rows = picked.complete(b)
    return _measured(picked, rows, b, films, gap, used)


class _Picked:
    """Values taken out of a table so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.values: dict[str, Array] = {}
        self.labels: dict[str, NDArray[np.str_]] = {}
        self.used: list[int] = []
        self.columns = {"table": source.table.form}
        self.dropped = dict(source.table.dropped)

    def take(self, name: str, column: Column, note: str = "") -> Array:
        """Values of a column in SI units, remembered by the name."""
        self.source.table.hold_one_mark([column.at])
        self.used.append(column.at)
        self.values[name] = self.source.values(column)
        head = self.source.table.names[column.at]
        self.columns[name] = f"{head!r} in {column.text}{note}"
        return self.values[name]

    def quantity(self, name: str, given: Any, limits: Range | None) -> None:
        """Temperature, field or time: a column, one number, or the column of that unit."""
        if limits is not None and given is not None and not isinstance(given, str):
            value = _checks.number(name, given, limits.unit)
            self.source.hold(limits, name, np.array([value]), None)
            self.values[name] = np.full(len(self.source.table.lines), value)
            self.columns[name] = f"{value:g} {limits.unit}, as given"
            return
        if given is None:
            given = self._found(name)
        column = self.source.column(name, given, name)
        values = self.take(name, column)
        if limits is not None:
            self.source.hold(limits, name, values, column)

    def _found(self, name: str) -> str:
        names = [self.source.table.names[at] for at in self.source.usual(name)]
        if len(names) == 1:
            return names[0]
        if names:
            several = ", ".join(map(repr, names))
            raise ParameterError(f"`{name}` must name one of the columns {several}, got None")
        for usual in USUAL[name]:  # a column without a unit is refused with that cure
            for head in self.source.table.names:
                if split(head)[0].casefold() == usual:
                    return head
        raise ParameterError(
            f"`{name}` must name a column, or be one number in {SI[name]}, got None; the file has "
            f"none with such a unit: {self.source.heads}"
        )

    def label(self, name: str, column: str) -> NDArray[np.str_]:
        """Labels in a column: film, level or sweep."""
        at = self.source.named(name, column)
        self.columns[name] = repr(self.source.table.names[at])
        self.labels[name] = np.array(self.source.table.texts(at))
        return self.labels[name]

    def films(self, film: str | None) -> NDArray[np.str_]:
        """Label of the film of each row."""
        found = self.source.table
        if film:
            return self.label("film", film)
        if film is None:
            for at, head in enumerate(found.names):
                if plain(head).casefold() in _LABELS and len(several := {*found.texts(at)}) > 1:
                    some = ", ".join(sorted(several)[:4])
                    raise ParameterError(
                        f"`film` must be given where films may differ, got None beside column "
                        f'{head!r} ({some}); film={head!r} tells them apart, film="" does not'
                    )
        label = Path(found.source).stem or "film"
        return np.full(len(found.lines), label)

    def complete(self, b: Array) -> Labels:
        """Rows that have all they need; the others are counted."""
        names = self.source.table.names
        here = np.ones(len(b), dtype=bool)
        rho = [self.values[n] for n in ("longitudinal", "transverse") if n in self.values]
        needed = [
            ("no resistance", np.any(np.isfinite(rho), axis=0)),
            *((f"no {n}", np.isfinite(v)) for n, v in self.values.items() if n in SI),
            *((f"no {n}", words != "") for n, words in self.labels.items()),
            ("no direction", np.all(np.isfinite(b), axis=-1)),
        ]
        if "uncertainty" in self.values:
            bare = ~np.isfinite(self.values.get("longitudinal", np.full(len(b), np.nan)))
            needed.append(("no uncertainty", np.isfinite(self.values["uncertainty"]) | bare))
        for reason, there in needed:
            if count := int(np.sum(here & ~there)):
                self.dropped[reason] = count
            here &= there
        if not np.any(here):
            why = ", ".join(f"{count} rows with {reason}" for reason, count in self.dropped.items())
            raise ParameterError(f"`path` must hold complete rows of {names}, got {why}")
        return np.flatnonzero(here).astype(np.int64)


def _only_resistance(source: Source) -> str:
    names = [source.table.names[at] for at in source.resistances()]
    if len(names) == 1:
        return names[0]
    if names:
        raise ParameterError(
            "`longitudinal` or `transverse` must name one of the columns "
            f"{', '.join(map(repr, names))}, got None"
        )
    raise ParameterError(
        "`longitudinal` must name a column of a resistance or resistivity, got None; none has such "
        f"a unit of {source.heads}; one without is given as units={{'R': 'Ohm'}}"
    )


def _resistivities(
    picked: _Picked,
    geometry: Geometry | Mapping[str, Geometry] | None,
    films: NDArray[np.str_],
    longitudinal: str | None,
    transverse: str | None,
    uncertainty: str | None,
) -> dict[str, Geometry]:
    """Take rho_L, rho_T and the error of rho_L; sizes of the films that needed them."""
    used: dict[str, Geometry] = {}
    asked = {"longitudinal": longitudinal, "transverse": transverse, "uncertainty": uncertainty}
    if uncertainty is not None and longitudinal is None:
        raise ParameterError("`uncertainty` is that of `longitudinal`, which must be named, too")
    if longitudinal is not None and transverse is not None:
        at = picked.source.named("longitudinal", longitudinal)
        if picked.source.named("transverse", transverse) == at:
            raise ParameterError(f"`transverse` must be another column, got {transverse!r} twice")
    for name, given in asked.items():
        if given is None:
            continue
        column = picked.source.column(name, given, "resistance", "resistivity")
        values = picked.take(name, column)
        _hold_instrument_unit(picked.source, name, column)
        if column.unit.of == "resistance":
            used = used or _sizes(geometry, films, picked.source.table.names[column.at])
            for label, size in used.items():
                factor = size.transverse if name == "transverse" else size.longitudinal
                values[films == label] *= factor
        if name != "uncertainty":
            limits = _LONGITUDINAL if name == "longitudinal" else _TRANSVERSE
            picked.source.hold(limits, name, values, column)
        elif np.any(values <= 0):
            row = int(np.flatnonzero(values <= 0)[0])
            raise ParameterError(
                f"`uncertainty` must be > 0, got {values[row]:g} in line "
                f"{picked.source.table.lines[row]}"
            )
    if geometry is not None and not used:
        raise ParameterError(
            "`geometry` must be left out where the columns are resistivities, got one for "
            + ", ".join(picked.columns[name] for name, given in asked.items() if given)
        )
    return used


def _hold_instrument_unit(source: Source, name: str, column: Column) -> None:
    """Refuse a resistivity whose unit an instrument's file names otherwise in its header."""
    head = source.table.names[column.at]
    words = plain(head).split()
    if not source.table.instrument or column.unit.of != "resistivity" or words[0] != "Bridge":
        return
    told = unit(source.table.info.get(f"Sample{words[1]} Units", ""))
    if told is not None and told.of != "resistivity" and split(head)[0] not in source.units:
        raise ParameterError(
            f"`{name}` must have one unit, got {column.text!r} in column {head!r} and "
            f"{source.table.info[f'Sample{words[1]} Units']!r} in the header of the file; take "
            "the resistance and `geometry`"
        )


def _sizes(
    geometry: Geometry | Mapping[str, Geometry] | None, films: NDArray[np.str_], head: str
) -> dict[str, Geometry]:
    """Sizes of each film."""
    if geometry is None:
        raise ParameterError(
            f"`geometry` must be given for the resistance in column {head!r}, as "
            "Geometry(width=10e-6, length=100e-6, thickness=5e-9), got None"
        )
    labels = films[:1].tolist() if np.all(films == films[0]) else [*dict.fromkeys(films.tolist())]
    if isinstance(geometry, Geometry):
        return dict.fromkeys(labels, geometry)
    if not isinstance(geometry, Mapping):
        raise ParameterError(
            f"`geometry` must be an openmr.Geometry or one for each film, got {geometry!r}"
        )
    missing = [label for label in labels if not isinstance(geometry.get(label), Geometry)]
    if missing:
        raise ParameterError(
            f"`geometry` must have an openmr.Geometry for each film, got none for {missing[0]!r} "
            f"among {_checks.shown(list(geometry))}"
        )
    return {label: geometry[label] for label in labels}


def _directions(
    picked: _Picked, direction: Any, plane: str | None, angle: str | None, zero: float
) -> Array:
    """Unit vector b of each row, nan where a cell is empty."""
    source, size = picked.source, len(picked.source.table.lines)
    if _checks.exactly_one(direction=direction, plane=plane) == "direction":
        if angle is not None or zero != 0.0:
            raise ParameterError("`angle` and `zero` go with `plane`, got them with `direction`")
        if not _all_text(direction):
            b = _checks.unit_vectors("direction", direction)
            if b.shape != (3,):
                raise ParameterError(
                    "`direction` must be one vector (x, y, z) or three columns, got shape "
                    f"{b.shape}"
                )
            picked.columns["direction"] = "({:.4g}, {:.4g}, {:.4g}), as given".format(*b)
            return np.broadcast_to(b, (size, 3))
        at = [source.named("direction", name) for name in direction]
        picked.used.extend(at)
        source.table.hold_one_mark(at)
        picked.columns["direction"] = ", ".join(repr(source.table.names[one]) for one in at)
        parts = np.stack([source.table.numbers(one) for one in at], axis=-1)
        there = np.all(np.isfinite(parts), axis=-1)
        parts[there] = _checks.unit_vectors("direction", parts[there])
        return parts
    if angle is None:
        raise ParameterError("`angle` must name the column of the rotator, got None with `plane`")
    column = source.column("angle", angle, "angle")
    turn = picked.take("angle", column)
    source.hold(_ANGLE, "angle", turn, column) if column.unit.factor == 1.0 else None
    turn = turn - _checks.number("zero", zero) * column.unit.factor
    words: list[Any] = [plane] * size
    if plane not in _PLANES:
        at_plane = source.named("plane", plane)
        words = [_AXES.get(word.lower(), word.lower()) for word in source.table.texts(at_plane)]
    picked.columns["angle"] += f", {zero:g} along the first axis of plane {plane}"
    b = np.full((size, 3), np.nan)
    there = np.isfinite(turn)
    turn = np.fmod(turn, 2 * np.pi)  # a rotator may have been round several times
    for word in dict.fromkeys(words):
        rows = there & (np.array(words) == word)
        if word not in _PLANES[:3] and word in _PLANES:
            b[rows] = scan_directions(word[::-1], np.fmod(0.5 * np.pi - turn[rows], 2 * np.pi))
        elif word:
            b[rows] = scan_directions(word, turn[rows])
    return b


def _all_text(direction: Any) -> bool:
    words = [isinstance(one, str) for one in direction] if np.iterable(direction) else []
    if isinstance(direction, str) or (any(words) and not (all(words) and len(words) == 3)):
        raise ParameterError(
            f"`direction` must be (x, y, z) or the names of three columns, got {direction!r}"
        )
    return any(words)


def _measured(
    picked: _Picked,
    rows: Labels,
    b: Array,
    films: NDArray[np.str_],
    gap: float,
    used: Mapping[str, Geometry],
) -> Measured:
    """The record of the complete rows."""
    source, labels = picked.source.table, picked.labels
    values = {name: each[rows] for name, each in picked.values.items() if name != "angle"}
    kelvin = values["temperature"]
    level = _ordered(labels["level"][rows], kelvin) if "level" in labels else levels(kelvin, gap)
    hold_one_temperature(kelvin, level)
    sweep = np.empty(0, dtype=np.int64)  # to be found
    if "sweep" in labels:
        words = labels["sweep"][rows]
        sweep = _ordered(words, np.arange(len(words)))
    return Measured(
        longitudinal=values.get("longitudinal", np.full(len(rows), np.nan)),
        temperature=kelvin,
        field=values["field"],
        direction=b[rows],
        uncertainty=values.get("uncertainty"),
        transverse=values.get("transverse", np.full(len(rows), np.nan)),
        time=values.get("time"),
        film=films[rows],
        level=level,
        sweep=sweep,
        source=source.source,
        dropped=picked.dropped,
        info=dict(source.info),
        columns=picked.columns,
        geometry=dict(used),
    )


def _ordered(words: Any, by: Any) -> Labels:
    """Numbers of labels, in the order of the mean of `by`."""
    _, each = np.unique(words, return_inverse=True)
    means = np.bincount(each, weights=by) / np.bincount(each)
    return np.argsort(np.argsort(means))[each].astype(np.int64)


def read_csv(path: str | Path) -> Measured:
    """Data from a CSV file with a header, in SI units.

    Columns ``longitudinal`` [Ohm m], ``temperature`` [K], ``field`` [T], ``b_x``, ``b_y``, ``b_z``
    and, if known, ``uncertainty`` [Ohm m], in any order. `openmr.read` takes other files.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Measured
        One row a line.

    Raises
    ------
    ParameterError
        For a file that cannot be read; naming the column, or the row and its entry, at fault.
    """
    needed = ["longitudinal", "temperature", "field", "b_x", "b_y", "b_z"]
    names = [*needed, "uncertainty"]
    found = table(path)
    for name in found.names:
        if found.names.count(name) > 1 or (name not in names and name.lower() in names):
            raise ParameterError(
                f"`path` must have each of {', '.join(names)} once, in lower case, got {name!r}"
            )
    missing = [name for name in needed if name not in found.names]
    if missing or not len(found.lines):
        what = f"no column {missing[0]!r}" if missing else "no row"
        raise ParameterError(f"`path` must be a table of {', '.join(needed)}, got {what}")
    places = {name: found.names.index(name) for name in names if name in found.names}
    found.hold_one_mark(places.values())
    found.expect_no_thousands(places.values())
    columns = {name: found.numbers(at) for name, at in places.items()}
    for name, values in columns.items():
        if np.any(np.isnan(values)):
            row = int(np.argmax(np.isnan(values)))
            raise ParameterError(
                f"`path` must hold a number in column {name!r} of line {found.lines[row]}, "
                f"got {found.columns[places[name]][row]!r}"
            )
    _CSV_FIELD.hold("field", columns["field"])
    direction = np.stack([columns.pop(name) for name in needed[3:]], axis=-1)
    rows = measured(columns.pop("longitudinal"), direction=direction, **columns)
    return replace(rows, source=found.source, info=found.info, dropped=found.dropped)
