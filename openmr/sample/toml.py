"""A film or a stack, and a sweep, described in TOML, as in `EXAMPLE` and `STACK_EXAMPLE`.

Instead of its parts the sample may be a preset, by name, and the preset's arguments. Keys are the
arguments of the classes. A number may be a text that brings its unit, "8 nm".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Final

import numpy as np

from openmr import _checks
from openmr._checks import ParameterError
from openmr._files import read_whole
from openmr.sample import presets
from openmr.sample.film import Electrons, Film, Layer, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.parameters import NAMES, PARAMETERS, POINT, parameter
from openmr.sample.stack import Interface, Sheet, Stack

_MOST_POINTS = 10**8
EXAMPLE: Final = """\
method = "batched"           # default: closed-form

[sample]                     # or: preset = "pt_py" and its arguments, no tables
name = "Pd(Co)"
curie_temperature = 20.0     # K; or neel_temperature, or weiss in eV
disorder = "random"          # or lattice

[sample.film]
thickness = 8e-9             # m
spin_hall_angle = 0.05
diffusion = 1.67e-4          # m^2/s
diffusion_length = 5e-9      # m; or spin_flip_time in s
resistivity = 25e-8          # Ohm m

[sample.electrons]
dos_up = 7.475e28            # 1/(eV m^3); or fermi_energy in eV and mass
dos_down = 7.475e28

[[sample.moments]]           # once for each sublattice; none for a bare film
spin = 1.5
density = 1.359e27           # 1/m^3
exchange_energy = -4e-4      # n_S J in eV, or [Jx, Jy, Jz]; or exchange in eV m^3

[sweep]                      # numbers, lists or ranges
temperature = { from = 2.0, to = 300.0, points = 150 }   # spacing = "log"
field = [0.0, 5.0, 17.0]
direction = [[1, 0, 0], [0, 0, 1]]
thickness = [4e-9, 8e-9]     # anything that om.sweep varies

# branch = "up"              # or "down": of moments with axes of their own, a hysteresis loop

[options]                    # of the method
electron_splitting = true
"""
"""A sweep of one's own film, with every table."""
STACK_EXAMPLE: Final = """\
[sample]
name = "Cu/Pt/EuS"

[[layers]]                   # from z = 0 upward; each with the tables of a film
[layers.film]
thickness = 5e-9
spin_hall_angle = 0.0
diffusion = 5e-3
diffusion_length = 200e-9
resistivity = 6e-8
[layers.electrons]
fermi_energy = 7.0
mass = 1.0

[[layers]]
[layers.film]
thickness = 7e-9
spin_hall_angle = 0.11
diffusion = 1e-5
diffusion_length = 1.5e-9
resistivity = 40e-8
[layers.electrons]
fermi_energy = 5.0
mass = 1.0

[[between]]                  # one for each pair of neighbours; an empty one is transparent
resistance = 1e-15           # Ohm m^2
memory_loss = 0.3

[top]                        # and [bottom]: a sheet, or none
spin = 3.5
areal_density = 2e18         # m^-2; or G_s, G_r, G_i in S/m^2 instead of moments
exchange = 3e-31             # eV m^3
curie_temperature = 16.6     # K

[sweep]
temperature = [5.0, 100.0]
field = [0.0, 0.5]
layers.1.thickness = { from = 2e-9, to = 10e-9, points = 5 }
top.exchange = [1e-31, 3e-31]
"""
"""The same of a stack."""
_TABLES = (
    *("method", "sample", "layers", "bottom", "top", "between", "sweep", "options"),
    *("data", "films", "fit"),
)
_STACK = ("bottom", "top", "between")
_MAGNET = tuple(signature(Magnet).parameters)[1:]
_PARTS = ("film", "electrons", "moments", *_MAGNET)


def read_config(path: Path) -> dict[str, Any]:
    """Arguments of `om.sweep` from a TOML file.

    `ParameterError` for what is no TOML file, and for a key or value that does not fit, named.
    """
    tables = read_tables(path)
    if not isinstance(tables.get("sweep"), dict):
        raise ParameterError(f"{path} must have a table [sweep]")
    asked = dict(_flat(tables["sweep"]))
    for name in ("temperature", "field"):
        if name not in asked:
            raise ParameterError(f"`sweep.{name}` must be given")
    for name in asked:
        if "." in name:
            parameter(name)
    unknown = {n: v for n, v in asked.items() if n not in PARAMETERS}
    known_keys("sweep.", unknown, (*NAMES, "branch"))
    if not isinstance(tables.get("options", {}), dict):
        raise ParameterError(f"{path} must have a table [options], got {tables['options']!r}")
    return {
        "sample": sample_of(tables),
        "method": tables.get("method", "closed-form"),
        "options": tables.get("options", {}),
        **{name: _values(name, value) for name, value in asked.items()},
    }


_LARGEST: Final = 16  # MiB


def read_sample(path: Path) -> Sample:
    """The sample of a TOML file; its other tables may be missing and are not looked into."""
    return sample_of(read_tables(path))


def _flat(table: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """`layers.1.thickness`, which TOML takes for tables in tables, by its whole name."""
    for key, value in table.items():
        name = place + key
        part = place or key in ("layers", *_STACK)
        if part and isinstance(value, dict) and name not in PARAMETERS:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a TOML file that has a sample and none that are unknown."""
    data = read_whole("config", path, _LARGEST)
    try:
        text = data.decode("utf-8-sig")  # with a BOM or without
    except UnicodeDecodeError as error:
        raise ParameterError(f"{path} is not TOML: {error}") from None
    return tables_of(text.replace("\r\n", "\n").replace("\r", "\n"), str(path))


def tables_of(text: str, path: str) -> dict[str, Any]:
    """The same of the text of a file that errors call `path`."""
    import tomllib  # with its patterns a twentieth of the time of `openmr --help`

    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ParameterError(f"{path} is not TOML: {error}") from None
    known_keys("", tables, _TABLES)
    if "layers" not in tables:
        for part in _STACK:
            if part in tables:
                raise ParameterError(f"`{part}` is of a stack, which needs tables [[layers]]")
    else:
        tables.setdefault("sample", {})
    if not isinstance(tables.get("sample"), dict):
        raise ParameterError(f"{path} must have a table [sample]")
    return tables


def known_keys(where: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Refuse a key that is not among those allowed; `where` stands before it."""
    for key in table:
        if key not in allowed:
            raise ParameterError(
                f"unknown key `{where}{key}`; known are {', '.join(where + a for a in allowed)}"
            )


def called(where: str, kind: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """`kind(**arguments)`, with a wrong or missing name told as a bad parameter."""
    takes = signature(kind).parameters
    known_keys(f"{where}.", arguments, tuple(takes))
    missing = [
        name for name, one in takes.items() if one.default is one.empty and name not in arguments
    ]
    if missing:
        raise ParameterError(
            f"[{where}] lacks {', '.join(f'`{name}`' for name in missing)}; "
            f"known are {', '.join(f'{where}.{name}' for name in takes)}"
        )
    return kind(**arguments)


def sample_of(tables: Mapping[str, Any]) -> Sample:
    """The sample of such tables."""
    table = tables["sample"]
    if "layers" in tables:
        return _stack(tables)
    if "preset" in table:
        name = table["preset"]
        if not isinstance(name, str) or name not in presets.PRESETS:
            raise ParameterError(
                f"`sample.preset` must be one of {', '.join(presets.PRESETS)}, got {name!r}"
            )
        arguments = {key: value for key, value in table.items() if key != "preset"}
        return called("sample", presets.PRESETS[name], arguments)  # type: ignore[no-any-return]
    film, electrons, magnet = _film("sample", table, "name")
    return Sample(magnet, electrons, film, table.get("name", "sample"))


def _film(where: str, table: Any, *more: str) -> tuple[Film, Electrons, Magnet | None]:
    """Film, electrons and moments of a film or a layer."""
    expect_table(where, table)
    known_keys(f"{where}.", table, (*more, *_PARTS))
    for part in ("film", "electrons"):
        if part not in table:
            either = "a `preset` or " if where == "sample" else ""
            raise ParameterError(f"[{where}] must have {either}a table [{where}.{part}]")
    moments = table.get("moments", [])
    moments = moments if isinstance(moments, list) else [moments]
    if not moments:
        for key in _MAGNET:
            if key in table:
                raise ParameterError(f"`{where}.{key}` needs moments: a table [[{where}.moments]]")
    for part, value in (
        ("film", table["film"]),
        ("electrons", table["electrons"]),
        *(("moments", one) for one in moments),
    ):
        expect_table(f"{where}.{part}", value)
    electrons = table["electrons"]
    free = {"fermi_energy", "mass"} & electrons.keys()
    magnet = None
    if moments:
        magnet = Magnet(
            [called(f"{where}.moments", Moments, one) for one in moments],
            **{key: table[key] for key in _MAGNET if key in table},
        )
    return (
        called(f"{where}.film", Film, table["film"]),
        called(f"{where}.electrons", Electrons.free if free else Electrons, electrons),
        magnet,
    )


def _stack(tables: Mapping[str, Any]) -> Sample:
    known_keys("sample.", tables["sample"], ("name",))
    layers = [Layer(*_film("layers", table)) for table in _list("layers", tables["layers"])]
    faces = {side: _sheet(side, tables[side]) for side in ("bottom", "top") if side in tables}
    joints = None
    if "between" in tables:
        joints = [_joint(table) for table in _list("between", tables["between"])]
    whole = Stack(layers, between=joints, **faces)
    return Sample(stack=whole, name=tables["sample"].get("name", "sample"))


def _sheet(where: str, table: Any) -> Sheet:
    expect_table(where, table)
    return called(where, Sheet, table)  # type: ignore[no-any-return]


def _joint(table: Any) -> Interface:
    expect_table("between", table)
    given = dict(table)
    if "sheet" in given:
        given["sheet"] = _sheet("between.sheet", given["sheet"])
    return called("between", Interface, given)  # type: ignore[no-any-return]


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ParameterError(f"`{name}` must be tables [[{name}]], got {value!r}")
    return value


def expect_table(name: str, value: Any) -> None:
    """Refuse what is no table."""
    if not isinstance(value, dict):
        raise ParameterError(f"`{name}` must be a table, got {value!r}")


def _values(name: str, value: Any) -> Any:
    """A number, a list, or a range {from, to, points[, spacing = "log"]}."""
    if not isinstance(value, dict):
        return value
    known_keys(f"sweep.{name}.", value, ("from", "to", "points", "spacing"))
    missing = {"from", "to", "points"} - value.keys()
    if missing:
        raise ParameterError(f"`sweep.{name}` lacks {', '.join(sorted(missing))}")
    points, spacing = value["points"], value.get("spacing", "linear")
    if isinstance(points, bool) or not isinstance(points, int) or not 1 <= points <= _MOST_POINTS:
        raise ParameterError(
            f"`sweep.{name}.points` must be a whole number from 1 to {_MOST_POINTS}, got {points!r}"
        )
    unit = POINT[name] if name in POINT else parameter(name).unit
    unit = "" if unit == "1" else unit
    first, last = (
        _checks.number(f"sweep.{name}.{end}", value[end], unit) for end in ("from", "to")
    )
    if spacing not in ("linear", "log"):
        raise ParameterError(f"`sweep.{name}.spacing` must be linear or log, got {spacing!r}")
    if spacing == "log" and not (first > 0 and last > 0):
        raise ParameterError(f"`sweep.{name}` must run between numbers > 0 for spacing log")
    space = np.linspace if spacing == "linear" else np.geomspace
    return space(first, last, points)
