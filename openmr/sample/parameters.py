"""Every number of a sample that a sweep varies or a fit finds: a name has one meaning, everywhere.

A new parameter is a row of the table and a field of the record that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from operator import attrgetter
from typing import Any, Final

import numpy as np

from openmr import _checks
from openmr._checks import LARGEST_SPIN, ParameterError, Range
from openmr.sample import film
from openmr.sample.film import Sample
from openmr.sample.magnet import EXCHANGE, ORDER, SPIN_DENSITY, Magnet
from openmr.sample.ordering import curie_temperature, neel_temperature, ordering_temperature
from openmr.sample.own_hamiltonian import G_FACTOR

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
    of: Callable[[Any], Any] | None = None, **more: Any,
) -> Parameter:  # fmt: skip
    """A number that a record takes, or with which `numbers` of it change in proportion."""
    field, _, kept = name.partition("_at_fixed_")
    field = field.removeprefix("electron_").removeprefix("moment_")
    value_of = of or attrgetter(field)

    def read(sample: Sample) -> Any:
        if part != "moments":
            return value_of(getattr(sample, part))
        each = [value_of(one) for one in sample.magnet.sublattices]
        if numbers:
            return each[0]
        values = np.concatenate([np.ravel(one) for one in each])
        if any(np.ndim(one) > 1 for one in each) or np.ptp(values) > 1e-12 * np.abs(values).max():
            raise ParameterError(
                f"`{name}` of the sample must be the same for all sublattices and axes, "
                f"got {_checks.shown(values.tolist())}"
            )
        return float(values[0])

    def put(sample: Sample, value: Any) -> Sample:
        old = 1.0
        if limits is not None and numbers:
            old, value = read(sample), _checks.number(name, value, limits.unit, least=limits.least)
            if value == old:
                return sample
            if old == 0:
                raise ParameterError(f"`{name}` must not start from 0: others change in proportion")

        def changed(record: Any) -> Any:
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


_film, _electrons, _moments, _magnet = (
    partial(_row, part) for part in ("film", "electrons", "moments", "magnet")
)
_LARGEST: Final = EXCHANGE.most / SPIN_DENSITY.least
_ALIKE: Final = "the same for all sublattices"
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
PARAMETERS: Final = {row.name: row for row in _ROWS}
"""Name -> parameter, in the order in which several are put: what is named below holds."""
NAMES: Final = (*POINT, *(row.name for row in _ROWS if not row.instead))
"""Everything that a sweep varies, without the old names."""


def parameter(name: str) -> Parameter:
    """The parameter of that name, or an error with the names that there are."""
    if name not in PARAMETERS:
        raise ParameterError(f"unknown parameter `{name}`; known are {', '.join(NAMES)}")
    return PARAMETERS[name]


def varied(sample: Sample, changes: Mapping[str, Any]) -> Sample:
    """The sample with some parameters changed, by names of `PARAMETERS` in any order.

    `ParameterError` for an unknown name, two that exclude each other, or a value out of its range.
    """
    by: dict[str, str] = {}
    for name in changes:
        for field in parameter(name).sets:
            if (other := by.setdefault(field, name)) != name:
                raise ParameterError(f"exactly one of `{other}` and `{name}` may be given")
    for name, one in PARAMETERS.items():
        if name in changes:
            sample = one.put(sample, changes[name])
    return sample
