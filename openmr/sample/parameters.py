"""Every number of a sample that a sweep varies or a fit finds: a name has one meaning, everywhere.

A new parameter is a row of the table and a field of the record that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from operator import attrgetter
from typing import Any, Final

import numpy as np

from openmr import _checks
from openmr._checks import LARGEST_SPIN, ParameterError, Range
from openmr.sample import film, stack
from openmr.sample.film import Layer, Sample
from openmr.sample.magnet import EXCHANGE, ORDER, RESET_RATE, SPIN_DENSITY, Magnet
from openmr.sample.ordering import curie_temperature, neel_temperature, ordering_temperature
from openmr.sample.own_hamiltonian import G_FACTOR, LEVEL
from openmr.sample.stack import Interface, Stack

POINT: Final = {"temperature": "K", "field": "T", "direction": "1"}
"""Parameters of a sweep beside the sample's: name -> unit."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a sample: how to read it, and how to put another in its place."""

    name: str
    range: Range | None  # None for a word
    held: str  # what goes with it and what stays, where that could be doubted
    read: Callable[[Sample], Any]
    put: Callable[[Sample, Any], Sample]
    sets: tuple[str, ...]  # fields that it settles; none can be settled twice
    vector: bool = False  # whether it may be (x, y, z)
    infinite: bool = False
    continuous: bool = True  # or no fit can find it
    instead: str = ""  # the new name, of an old one that goes with the next release

    @property
    def unit(self) -> str:
        """Unit of the value: "1" of a pure number, "" of a word."""
        return "" if self.range is None else self.range.unit or "1"


_STANDS_FOR: Final = {
    "diffusion_length": "spin_flip_time",
    "exchange_energy": "exchange",
    "curie_temperature": "weiss",
    "neel_temperature": "weiss",
}
"""Argument of a record -> field of it."""


def _row(
    part: str, name: str, limits: Range | None, held: str = "", *numbers: str,
    of: Callable[[Any], Any] | None = None, into: Callable[[Any, Any], Any] | None = None,
    **more: Any,
) -> Parameter:  # fmt: skip
    """A number that a record takes, or with which `numbers` of it change in proportion.

    Read as by `of`, and put as `into` says what it makes of the record.
    """
    field, _, kept = name.partition("_at_fixed_")
    field = field.removeprefix("electron_").removeprefix("moment_")
    value_of = of or attrgetter(field)

    def needs_moments(sample: Sample) -> None:
        if sample.is_stack:
            raise ParameterError(
                f"`{name}` is a parameter of one layer of a stack: `layers.0.{name}`, ..."
            )
        if part in ("moments", "magnet") and not sample.magnet:
            raise ParameterError(
                f"`{name}` is a parameter of moments, and {sample.name!r} has none"
            )

    def read(sample: Sample) -> Any:
        needs_moments(sample)
        if part != "moments":
            return value_of(getattr(sample, part))
        each = [value_of(one) for one in sample.magnet.sublattices]
        if numbers:
            return each[0]
        values = np.concatenate([np.ravel(one) for one in each])
        one_value = len(set(values.tolist())) == 1
        alike = one_value or np.isclose(values, values[0], rtol=1e-12, atol=0.0).all()
        if any(np.ndim(one) > 1 for one in each) or not alike:
            raise ParameterError(
                f"`{name}` of the sample must be the same for all sublattices and axes, "
                f"got {_checks.shown(values.tolist())}"
            )
        return float(values[0])

    def put(sample: Sample, value: Any) -> Sample:
        needs_moments(sample)
        old = 1.0
        if limits is not None and numbers:
            old, value = read(sample), _checks.number(name, value, limits.unit, least=limits.least)
            if value == old:
                return sample
            if old == 0:
                raise ParameterError(f"`{name}` must not start from 0: others change in proportion")

        def changed(record: Any) -> Any:
            if into is not None:
                return into(record, value)
            new = {n: value * (np.array(getattr(record, n)) / old) for n in numbers}
            new = new or {field: value}
            if kept:
                new[kept] = getattr(record, kept)
            gone = {_STANDS_FOR.get(n, n) for n in new}
            same = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in gone}
            return type(record)(**same, **new)

        if part != "moments":
            return replace(sample, **{part: changed(getattr(sample, part))})
        moments = [changed(one) for one in sample.magnet.sublattices]
        magnet = Magnet(moments, sample.magnet.weiss, sample.magnet.disorder)
        return replace(sample, magnet=magnet)

    sets = tuple(f"{part}.{_STANDS_FOR.get(n, n)}" for n in numbers or (field,))
    return Parameter(name, limits, held, read, put, sets, **more)


def _quadratic(name: str, place: int) -> dict[str, Callable[..., Any]]:
    """Reader and writer of D or E, in its place of `anisotropy`, for moments or a sheet."""

    def of(record: Any) -> float:
        return 0.0 if record.anisotropy is None else float(record.anisotropy[place])

    def into(record: Any, value: Any) -> Any:
        value = LEVEL.one(name, value)
        if record.anisotropy is None:  # axes, and so a direction of the field, come not unasked
            raise ParameterError(
                f"`{name}` is a parameter of moments with an anisotropy, and these have none: "
                "give them `anisotropy=0.0`"
            )
        first, second = record.anisotropy
        return replace(record, anisotropy=(first, value) if place else (value, second))

    return {"of": of, "into": into}


_film, _electrons, _moments, _magnet = (
    partial(_row, part) for part in ("film", "electrons", "moments", "magnet")
)
_LARGEST: Final = EXCHANGE.most / SPIN_DENSITY.least
_ALIKE: Final = "the same for all sublattices"
_AXIAL: Final = f"D of D S_z^2, {_ALIKE}; E stays"
_ACROSS: Final = f"E of E (S_x^2 - S_y^2), {_ALIKE}; D stays"
_FIRST: Final = "of the first sublattice, the others in proportion"
_ROWS: Final = (
    _film("thickness", film.THICKNESS),
    _film("spin_hall_angle", film.SPIN_HALL_ANGLE),
    _film("diffusion_at_fixed_spin_flip_time", film.DIFFUSION, "tau_0 stays, l_0 changes"),
    _film("diffusion_at_fixed_diffusion_length", film.DIFFUSION, "l_0 stays, tau_0 changes"),
    _film("diffusion", film.DIFFUSION, instead="diffusion_at_fixed_spin_flip_time"),
    _film("spin_flip_time", film.TIME, "D stays, l_0 changes", infinite=True),
    _film("diffusion_length", film.LENGTH, "D stays, tau_0 changes", infinite=True),
    _film("resistivity", film.RESISTIVITY, "D and the densities of states stay"),
    _electrons("dos", film.DOS, "mean of both, in proportion; D stays", "dos_up", "dos_down"),
    _electrons("dos_up", film.DOS, "D stays"),
    _electrons("dos_down", film.DOS, "D stays"),
    _electrons("electron_g", G_FACTOR),
    _moments(
        "spin", Range(0.5, LARGEST_SPIN, ""),
        f"{_ALIKE}; J and J0 stay, the ordering temperature changes", continuous=False,
    ),
    _moments(
        "density_at_fixed_exchange", SPIN_DENSITY, f"{_FIRST}; J stays, n_S J changes", "density"
    ),
    _moments(
        "density_at_fixed_exchange_energy", SPIN_DENSITY, f"{_FIRST}; n_S J stays, J changes",
        "density",
    ),
    _moments("density", SPIN_DENSITY, instead="density_at_fixed_exchange"),
    _moments("moment_g", G_FACTOR, _ALIKE),
    _moments("anisotropy", LEVEL, _AXIAL, **_quadratic("anisotropy", 0)),
    _moments("rhombicity", LEVEL, _ACROSS, **_quadratic("rhombicity", 1)),
    _moments(
        "exchange", Range(-_LARGEST, _LARGEST, "eV m^3"),
        f"J, {_ALIKE} and axes, or (x, y, z); n_S stays", vector=True,
    ),
    _moments(
        "exchange_energy", EXCHANGE, f"n_S J, {_ALIKE} and axes, or (x, y, z); n_S stays",
        vector=True,
    ),
    _moments(
        "exchange_energy_in_proportion", EXCHANGE,
        f"n_S J along z {_FIRST}, and so x and y; n_S stays",
        "exchange_energy", of=lambda first: first.principal_energy[2],
    ),
    _moments(
        "thermostat_rate", RESET_RATE, f"r, {_ALIKE}; infinite is the paper's theory",
        of=attrgetter("reset_rate"), infinite=True,
    ),
    _magnet("weiss", EXCHANGE, "J0 of one sublattice", of=lambda magnet: magnet.weiss[0][0]),
    _magnet("curie_temperature", ORDER, "of one sublattice; sets J0", of=curie_temperature),
    _magnet(
        "neel_temperature", ORDER, "of two sublattices alike; sets J0 between them, none within",
        of=neel_temperature,
    ),
    _magnet(
        "ordering_temperature", ORDER, "of any magnet; all J0 in proportion", "weiss",
        of=ordering_temperature,
    ),
    _magnet("disorder", None, "random or lattice", continuous=False),
)  # fmt: skip


# --- parts of a stack --------------------------------------------------------------------------


def _same(name: str, limits: Range, held: str = "") -> Parameter:
    """A number of a joint, or of the conductances of a sheet."""

    def put(record: Any, value: float) -> Any:
        return replace(record, **{name: value})

    return Parameter(name, limits, held, attrgetter(name), put, (name,))


def _of_sublattices(
    name: str, limits: Range, held: str, *, alike: bool = False, continuous: bool = True
) -> Parameter:
    """Numbers of the moments of a sheet: all alike, or in proportion to the first."""
    field = name.removeprefix("moment_")

    def read(sheet: Any) -> float:
        values = getattr(sheet, field)
        if alike and len(set(values)) > 1:
            raise ParameterError(
                f"`{field}` of the sheet must be the same for all sublattices, got {values}"
            )
        if np.ndim(values[0]):
            raise ParameterError(f"`{field}` of the sheet must be one number, got {values[0]}")
        return float(values[0])

    def put(sheet: Any, value: float) -> Any:
        old = read(sheet)
        if value == old:
            return sheet
        values = np.array(getattr(sheet, field))
        if old == 0 and values.any():
            raise ParameterError(f"`{field}` must not start from 0: others change in proportion")
        new = values * (value / old) if old else np.full(len(values), value)
        return replace(sheet, **{field: tuple(new.tolist())})

    return Parameter(name, limits, held, read, put, (field,), continuous=continuous)


def _of_levels(name: str, place: int, held: str) -> Parameter:
    """D or E of the moments of a sheet, which are all alike in it."""
    known = _quadratic(name, place)
    return Parameter(name, LEVEL, held, known["of"], known["into"], (name,))


def _of_order(name: str, of: Callable[[Magnet], float], limits: Range, held: str) -> Parameter:
    """The exchange among the moments of a sheet."""

    def put(sheet: Any, value: float) -> Any:
        return replace(sheet, **{"weiss": None, name: value})

    return Parameter(name, limits, held, lambda sheet: of(sheet.magnet), put, ("weiss",))


def _by_name(*rows: Parameter) -> dict[str, Parameter]:
    return {row.name: row for row in rows}


_OF_CONDUCTANCES: Final = _by_name(
    *(_same(name, stack.CONDUCTANCE, "of given conductances") for name in ("G_s", "G_r", "G_i"))
)
_OF_MOMENTS: Final = _by_name(
    _of_sublattices(
        "spin", Range(0.5, LARGEST_SPIN, ""), f"{_ALIKE}; J and J0 stay", alike=True,
        continuous=False,
    ),
    _of_sublattices("areal_density", stack.AREAL_DENSITY, f"{_FIRST}; J stays"),
    _of_sublattices("exchange", stack.SHEET_EXCHANGE, f"J {_FIRST}"),
    _of_sublattices("moment_g", G_FACTOR, _ALIKE, alike=True),
    _of_levels("anisotropy", 0, _AXIAL),
    _of_levels("rhombicity", 1, _ACROSS),
    _of_order("weiss", lambda magnet: magnet.weiss[0][0], EXCHANGE, "J0, one sublattice"),
    _of_order("curie_temperature", curie_temperature, ORDER, "of one sublattice; sets J0"),
    _of_order("neel_temperature", neel_temperature, ORDER, "of two sublattices alike; sets J0"),
)  # fmt: skip
_OF_JOINTS: Final = _by_name(
    _same("resistance", stack.AREA_RESISTANCE),
    _same("memory_loss", stack.MEMORY_LOSS, "needs a resistance"),
)
OF_FACES: Final = _OF_CONDUCTANCES | _OF_MOMENTS
"""Name -> number of a sheet, as in `bottom.G_r`, `top.exchange`, `between.0.spin`."""
OF_JOINTS: Final = _OF_JOINTS | OF_FACES
"""Name -> number of a joint, as in `between.0.resistance`, and of the sheet in it."""


def _expect_stack(name: str, sample: Sample) -> Stack:
    if sample.stack is None:
        raise ParameterError(f"`{name}` is a parameter of a stack, and {sample.name!r} is a film")
    return sample.stack


def _replaced(parts: tuple[Any, ...], index: int, new: Any) -> tuple[Any, ...]:
    return (*parts[:index], new, *parts[index + 1 :])


def _of_layer(name: str, index: int, row: Parameter) -> Parameter:
    def layer(sample: Sample) -> Sample:
        count = len(_expect_stack(name, sample).layers)
        if index >= count:
            raise ParameterError(f"`{name}` is of layer {index}, and the stack has {count}, from 0")
        return sample.layer(index)

    def put(sample: Sample, value: Any) -> Sample:
        new = row.put(layer(sample), value)
        whole = _expect_stack(name, sample)
        layers = _replaced(whole.layers, index, Layer(new.film, new.electrons, new.magnet))
        return replace(sample, stack=replace(whole, layers=layers))

    return replace(
        row, name=name, read=lambda sample: row.read(layer(sample)), put=put,
        sets=tuple(f"layers.{index}.{field}" for field in row.sets),
    )  # fmt: skip


def _of_face(name: str, place: str, index: int, word: str) -> Parameter:
    row = OF_JOINTS[word]

    def at(sample: Sample) -> Any:
        """The sheet or joint that has the number."""
        whole = _expect_stack(name, sample)
        found = getattr(whole, place)
        if place == "between":
            if index >= len(found):
                raise ParameterError(
                    f"`{name}` is of joint {index}, and the stack has {len(found)}, from 0"
                )
            found = found[index] or Interface()
            if word in _OF_JOINTS:
                return found
            found = found.sheet
        if found is None:
            raise ParameterError(f"`{name}` is a parameter of a sheet, and there is none")
        if found.has_moments != (word in _OF_MOMENTS):
            other = "moments" if found.has_moments else "conductances"
            raise ParameterError(f"`{name}` is none of this sheet, which is given by {other}")
        return found

    def put(sample: Sample, value: Any) -> Sample:
        assert row.range is not None
        new: Any = row.put(at(sample), _checks.number(name, value, row.range.unit))
        whole = _expect_stack(name, sample)
        if place != "between":
            return replace(sample, stack=replace(whole, **{place: new}))
        if word not in _OF_JOINTS:
            joint = whole.between[index]
            assert joint is not None
            new = replace(joint, sheet=new)
        return replace(sample, stack=replace(whole, between=_replaced(whole.between, index, new)))

    prefix = name.removesuffix(word)
    return replace(
        row, name=name, read=lambda sample: row.read(at(sample)), put=put,
        sets=tuple(prefix + field for field in row.sets),
    )  # fmt: skip


@cache
def _of_stack(name: str) -> Parameter | None:
    """A parameter of a part of a stack, by its dotted name."""
    place, _, rest = name.partition(".")
    number, _, word = rest.partition(".")
    if place in ("bottom", "top") and rest in OF_FACES:
        return _of_face(name, place, 0, rest)
    if not number.isdecimal() or str(int(number)) != number:
        return None
    if place == "between" and word in OF_JOINTS:
        return _of_face(name, place, int(number), word)
    if place == "layers" and word in _BY_NAME and not _BY_NAME[word].instead:
        return _of_layer(name, int(number), _BY_NAME[word])
    return None


class _Table(dict[str, Parameter]):
    """Lists the parameters of a film; knows those of the parts of a stack, too."""

    def __missing__(self, name: str) -> Parameter:
        if (found := _of_stack(name)) is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        known = super().__contains__(name)
        return known or (isinstance(name, str) and _of_stack(name) is not None)


_BY_NAME: Final = _by_name(*_ROWS)
PARAMETERS: Final = _Table(_BY_NAME)
"""Name -> parameter, in the order in which several are put: what is named below holds.

Of a stack `layers.1.thickness` and so on for all of these, and `bottom.G_r`, `top.exchange`,
`between.0.resistance` for what `OF_FACES` and `OF_JOINTS` list.
"""
NAMES: Final = (*POINT, *(row.name for row in _ROWS if not row.instead))
"""Everything that a sweep varies, without the old names."""


def parameter(name: str) -> Parameter:
    """The parameter of that name, or an error with the names that there are."""
    if name in PARAMETERS:
        return PARAMETERS[name]
    place, known = name.partition(".")[0], NAMES
    if place in ("bottom", "top"):
        known = tuple(f"{place}.{word}" for word in OF_FACES)
    elif place == "between":
        known = tuple(f"between.0.{word}" for word in OF_JOINTS)
    elif place == "layers":
        known = tuple(f"layers.0.{word}" for word in NAMES if word not in POINT)
    raise ParameterError(f"unknown parameter `{name}`; known are {', '.join(known)}")


def fitted_parameter(name: str) -> Parameter:
    """The parameter of that name, if it is one that may be `free` in a fit."""
    row = parameter(name)
    if row.instead:
        raise ParameterError(f"`free` must name {row.instead!r} instead of {name!r}")
    if not row.continuous:
        raise ParameterError(f"`free` must name what a fit can find, got {name!r}")
    return row


_ORDER: Final = list(dict.fromkeys([*_OF_JOINTS, *_BY_NAME, *OF_FACES]))


def order_of(name: str) -> int:
    """Place of a parameter among several that are put: what comes later holds."""
    return _ORDER.index(name.rpartition(".")[2])


def varied(sample: Sample, changes: Mapping[str, Any]) -> Sample:
    """The sample with some parameters changed, by names of `PARAMETERS` in any order.

    `ParameterError` for an unknown name, two that exclude each other, or a value out of its range.
    """
    by: dict[str, str] = {}
    for name in changes:
        for field in parameter(name).sets:
            if (other := by.setdefault(field, name)) != name:
                raise ParameterError(f"exactly one of `{other}` and `{name}` may be given")
    for name in sorted(changes, key=order_of):
        sample = PARAMETERS[name].put(sample, changes[name])
    return sample
