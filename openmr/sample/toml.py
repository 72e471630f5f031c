"""A film and a sweep described in TOML, as in `EXAMPLE`.

Instead of its parts the sample may be a preset, by name, and the preset's arguments. Keys are the
arguments of the classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Final

import numpy as np

from openmr import _checks
from openmr._checks import ParameterError
from openmr.sample import presets
from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.parameters import NAMES, PARAMETERS

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

[[sample.moments]]           # once for each sublattice
spin = 1.5
density = 1.359e27           # 1/m^3
exchange_energy = -4e-4      # n_S J in eV, or [Jx, Jy, Jz]; or exchange in eV m^3

[sweep]                      # numbers, lists or ranges
temperature = { from = 2.0, to = 300.0, points = 150 }   # spacing = "log"
field = [0.0, 5.0, 17.0]
direction = [[1, 0, 0], [0, 0, 1]]
thickness = [4e-9, 8e-9]     # anything that om.sweep varies

[options]                    # of the method
electron_splitting = true
"""
"""A sweep of one's own film, with every table."""
_TABLES = ("method", "sample", "sweep", "options")
_MAGNET = tuple(signature(Magnet).parameters)[1:]
_PARTS = ("name", "film", "electrons", "moments", *_MAGNET)


def read_config(path: Path) -> dict[str, Any]:
    """Arguments of `om.sweep` from a TOML file.

    `ParameterError` for what is no TOML file, and for a key or value that does not fit, named.
    """
    tables = _read(path)
    if not isinstance(tables.get("sweep"), dict):
        raise ParameterError(f"{path} must have a table [sweep]")
    for name in ("temperature", "field"):
        if name not in tables["sweep"]:
            raise ParameterError(f"`sweep.{name}` must be given")
    _known("sweep.", {n: v for n, v in tables["sweep"].items() if n not in PARAMETERS}, NAMES)
    if not isinstance(tables.get("options", {}), dict):
        raise ParameterError(f"{path} must have a table [options], got {tables['options']!r}")
    return {
        "sample": _sample(tables["sample"]),
        "method": tables.get("method", "closed-form"),
        "options": tables.get("options", {}),
        **{name: _values(name, value) for name, value in tables["sweep"].items()},
    }


def read_sample(path: Path) -> Sample:
    """The sample of a TOML file; its other tables may be missing and are not looked into."""
    return _sample(_read(path)["sample"])


def _read(path: Path) -> dict[str, Any]:
    """The tables of a file that has a sample and none that are unknown."""
    import tomllib  # with its patterns a twentieth of the time of `openmr --help`

    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(
            f"`config` must be a file to read, got {_checks.failure(path, error)}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParameterError(f"{path} is not TOML: {error}") from None
    _known("", tables, _TABLES)
    if not isinstance(tables.get("sample"), dict):
        raise ParameterError(f"{path} must have a table [sample]")
    return tables


def _known(where: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in table:
        if key not in allowed:
            raise ParameterError(
                f"unknown key `{where}{key}`; known are {', '.join(where + a for a in allowed)}"
            )


def _called(where: str, kind: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """`kind(**arguments)`, with a wrong or missing name told as a bad parameter."""
    takes = signature(kind).parameters
    _known(f"{where}.", arguments, tuple(takes))
    missing = [
        name for name, one in takes.items() if one.default is one.empty and name not in arguments
    ]
    if missing:
        raise ParameterError(
            f"[{where}] lacks {', '.join(f'`{name}`' for name in missing)}; "
            f"known are {', '.join(f'{where}.{name}' for name in takes)}"
        )
    return kind(**arguments)


def _sample(table: Mapping[str, Any]) -> Sample:
    if "preset" in table:
        known = {"pt_py": presets.pt_py}
        name = table["preset"]
        if not isinstance(name, str) or name not in known:
            raise ParameterError(f"`sample.preset` must be one of {', '.join(known)}, got {name!r}")
        arguments = {key: value for key, value in table.items() if key != "preset"}
        return _called("sample", known[name], arguments)  # type: ignore[no-any-return]
    _known("sample.", table, _PARTS)
    for part in ("film", "electrons", "moments"):
        if part not in table:
            raise ParameterError(f"[sample] must have a `preset` or a table [sample.{part}]")
    moments = table["moments"] if isinstance(table["moments"], list) else [table["moments"]]
    for part, value in (
        ("film", table["film"]),
        ("electrons", table["electrons"]),
        *(("moments", one) for one in moments),
    ):
        if not isinstance(value, dict):
            raise ParameterError(f"`sample.{part}` must be a table, got {value!r}")
    electrons = table["electrons"]
    free = {"fermi_energy", "mass"} & electrons.keys()
    return Sample(
        magnet=Magnet(
            [_called("sample.moments", Moments, one) for one in moments],
            **{key: table[key] for key in _MAGNET if key in table},
        ),
        electrons=_called("sample.electrons", Electrons.free if free else Electrons, electrons),
        film=_called("sample.film", Film, table["film"]),
        name=table.get("name", "sample"),
    )


def _values(name: str, value: Any) -> Any:
    """A number, a list, or a range {from, to, points[, spacing = "log"]}."""
    if not isinstance(value, dict):
        return value
    _known(f"sweep.{name}.", value, ("from", "to", "points", "spacing"))
    missing = {"from", "to", "points"} - value.keys()
    if missing:
        raise ParameterError(f"`sweep.{name}` lacks {', '.join(sorted(missing))}")
    points, spacing = value["points"], value.get("spacing", "linear")
    if isinstance(points, bool) or not isinstance(points, int) or not 1 <= points <= _MOST_POINTS:
        raise ParameterError(
            f"`sweep.{name}.points` must be a whole number from 1 to {_MOST_POINTS}, got {points!r}"
        )
    for end in ("from", "to"):
        _checks.number(f"sweep.{name}.{end}", value[end])
    if spacing not in ("linear", "log"):
        raise ParameterError(f"`sweep.{name}.spacing` must be linear or log, got {spacing!r}")
    if spacing == "log" and not (value["from"] > 0 and value["to"] > 0):
        raise ParameterError(f"`sweep.{name}` must run between numbers > 0 for spacing log")
    space = np.linspace if spacing == "linear" else np.geomspace
    return space(value["from"], value["to"], points)
