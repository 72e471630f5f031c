"""Every number of a sample that a sweep varies or a fit finds: a name has one meaning, everywhere.

A new parameter is a row of the table and a field of the record that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Final

import numpy as np

from openmr import _checks
from openmr._checks import LARGEST_SPIN, ParameterError, Range
from openmr.sample import film
from openmr.sample.film import Sample
from openmr.sample.magnet import EXCHANGE, G_FACTOR, ORDER, SPIN_DENSITY
from openmr.sample.ordering import curie_temperature, neel_temperature, ordering_temperature

POINT: Final = {"temperature": "K", "field": "T", "direction": "1"}
"""What a sweep varies beside the sample: name -> unit."""


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


def _with(sample: Sample, part: str, changes: Callable[[Any], Mapping[str, Any]]) -> Sample:
    """The sample with some arguments of its film, electrons, magnet or of all moments changed."""

    def remade(record: Any) -> Any:
        new = changes(record)
        gone = {_STANDS_FOR.get(name, name) for name in new}
        own = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in gone}
        return type(record)(**own, **new)

    if part == "moments":
        moments = [remade(one) for one in sample.magnet.sublattices]
        return _with(sample, "magnet", lambda magnet: {"sublattices": moments})
    return replace(sample, **{part: remade(getattr(sample, part))})


def _row(
    part: str, name: str, limits: Range | None, held: str = "", *numbers: str,
    read: Callable[[Sample], Any] | None = None, keeps: tuple[str, ...] = (), **more: Any,
) -> Parameter:  # fmt: skip
    """A number that a record takes, or with which `numbers` of it change in proportion."""
    field = name.partition("_at_fixed_")[0].removeprefix("electron_").removeprefix("moment_")

    def common(sample: Sample) -> Any:
        if part != "moments":
            return getattr(getattr(sample, part), field)
        each = [np.array(getattr(one, field)) for one in sample.magnet.sublattices]
        values = np.concatenate([one.ravel() for one in each])
        if max(one.ndim for one in each) > 1 or np.ptp(values) > 1e-12 * np.abs(values).max():
            raise ParameterError(
                f"`{name}` of the sample must be the same for all sublattices and axes, "
                f"got {_checks.shown(values.tolist())}"
            )
        return float(values[0])

    reads = read or common

    def put(sample: Sample, value: Any) -> Sample:
        old = 1.0
        if limits is not None and numbers:
            old, value = reads(sample), _checks.number(name, value, limits.unit, least=limits.least)
            if value == old:
                return sample
            if old == 0:
                raise ParameterError(f"`{name}` must not start from 0: others change in proportion")

        def changes(record: Any) -> dict[str, Any]:
            new = {n: value * (np.array(getattr(record, n)) / old) for n in numbers}
            return (new or {field: value}) | {n: getattr(record, n) for n in keeps}

        return _with(sample, part, changes)

    sets = tuple(f"{part}.{_STANDS_FOR.get(n, n)}" for n in numbers or (field,))
    return Parameter(name, limits, held, reads, put, sets, **more)


def _density(sample: Sample) -> float:
    return sample.magnet.sublattices[0].density


def _energy(sample: Sample) -> float:
    return _density(sample) * float(sample.magnet.sublattices[0].exchange_matrix[2, 2])


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
    _film(
        "diffusion_at_fixed_diffusion_length", film.DIFFUSION, "l_0 stays, tau_0 changes",
        keeps=("diffusion_length",),
    ),
    _film("diffusion", film.DIFFUSION, instead="diffusion_at_fixed_spin_flip_time"),
    _film("spin_flip_time", film.TIME, "D stays, l_0 changes", infinite=True),
    _film("diffusion_length", film.LENGTH, "D stays, tau_0 changes", infinite=True),
    _film("resistivity", film.RESISTIVITY, "D and the densities of states stay"),
    _electrons(
        "dos", film.DOS, "mean of both spins, which change in proportion; D stays",
        "dos_up", "dos_down",
    ),
    _electrons("dos_up", film.DOS),
    _electrons("dos_down", film.DOS),
    _electrons("electron_g", G_FACTOR),
    _moments(
        "spin", Range(0.5, LARGEST_SPIN, ""),
        f"{_ALIKE}; J and J0 stay, the ordering temperature changes", continuous=False,
    ),
    _moments(
        "density_at_fixed_exchange", SPIN_DENSITY, f"{_FIRST}; J stays, n_S J changes",
        "density", read=_density,
    ),
    _moments(
        "density_at_fixed_exchange_energy", SPIN_DENSITY, f"{_FIRST}; n_S J stays, J changes",
        "density", read=_density, keeps=("exchange_energy",),
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
        f"n_S J along z {_FIRST}, and those along x and y; n_S stays",
        "exchange_energy", read=_energy,
    ),
    _magnet("weiss", EXCHANGE, "J0 of one sublattice", read=lambda s: s.magnet.weiss[0][0]),
    _magnet(
        "curie_temperature", ORDER, "of one sublattice; sets J0",
        read=lambda s: curie_temperature(s.magnet),
    ),
    _magnet(
        "neel_temperature", ORDER, "of two sublattices alike; sets J0 between them, none within",
        read=lambda s: neel_temperature(s.magnet),
    ),
    _magnet(
        "ordering_temperature", ORDER, "of any magnet; all J0 in proportion",
        "weiss", read=lambda s: ordering_temperature(s.magnet),
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


def settled_once(parameters: Mapping[str, Parameter]) -> None:
    """Refuse two, by what they are called, that settle the same number of the sample."""
    by: dict[str, str] = {}
    for name, one in parameters.items():
        for field in one.sets:
            if field in by:
                raise ParameterError(f"exactly one of `{by[field]}` and `{name}` may be given")
            by[field] = name


def varied(sample: Sample, changes: Mapping[str, Any]) -> Sample:
    """The sample with some parameters changed.

    Parameters
    ----------
    sample : Sample
    changes : mapping of str to value
        Names of `PARAMETERS`, in any order, none of which settles what another does.

    Returns
    -------
    Sample

    Raises
    ------
    ParameterError
        For an unknown name, two that exclude each other, or a value outside its range.
    """
    settled_once({name: parameter(name) for name in changes})
    for name, one in PARAMETERS.items():
        if name in changes:
            sample = one.put(sample, changes[name])
    return sample
