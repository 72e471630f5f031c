"""Fits as JSON files: data, samples and results; what is read is numbers and names, never code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from openmr._checks import ParameterError
from openmr._files import expect_file, read_whole, write_whole
from openmr._version import __version__
from openmr.data.engine import Unknown
from openmr.data.found import Adequacy, Asked, Fit, Flag, Level, LocalMinimum, Nuisance
from openmr.data.geometry import Geometry
from openmr.data.identifiability import Combination
from openmr.data.measured import Measured
from openmr.data.noise import SeriesNoise
from openmr.sample.film import Electrons, Film, Layer, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.stack import Interface, Sheet, Stack

_SCHEMA: Final = "openmr/fit/1"
_KINDS: Final[dict[str, type]] = {
    kind.__name__: kind
    for kind in (
        *(Adequacy, Asked, Combination, Fit, Flag, Level, LocalMinimum, Measured, Nuisance),
        *(Geometry, SeriesNoise, Unknown),
        *(Electrons, Film, Interface, Layer, Magnet, Moments, Sample, Sheet, Stack),
    )
}
"""The only classes that a file may name."""


def fit_to_dict(found: Fit) -> dict[str, Any]:
    """Everything in what JSON can hold."""
    return {"schema": _SCHEMA, "version": __version__, "fit": _plain(found)}


def save(found: Fit, path: Path) -> None:
    """Write a fit."""
    expect_file("path", path)
    text = json.dumps(fit_to_dict(found), allow_nan=False)
    write_whole(path, lambda name: Path(name).write_text(text, encoding="utf-8"))


def load(path: Path) -> Fit:
    """Read a fit."""
    data = read_whole("path", path)
    try:
        tree = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ParameterError(f"`path` must be a fit in JSON, got {str(path)!r}: {error}") from None
    if not isinstance(tree, Mapping) or tree.get("schema") != _SCHEMA:
        raise ParameterError(f"`path` must be a fit in JSON of schema {_SCHEMA!r}, got {path}")
    try:
        found = _built(tree["fit"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ParameterError(f"`path` must be a whole fit, got {str(path)!r}: {error}") from None
    if not isinstance(found, Fit):
        raise ParameterError(f"`path` must be a fit, got a {type(found).__name__}")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"number": str(value)}
    named = _parts(value)
    if named is not None:
        return None if named == {} else {"class": type(value).__name__, **named}
    if isinstance(value, np.ndarray):
        flat = [_plain(one) for one in value.ravel().tolist()]
        return {"array": flat, "shape": list(value.shape), "of": value.dtype.kind}
    if isinstance(value, Mapping):
        return {"pairs": [[_plain(key), _plain(one)] for key, one in value.items()]}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    raise ParameterError(f"`options` of a fit that is saved must be numbers, got {value!r}")


def _parts(value: Any) -> dict[str, Any] | None:
    """Fields of a record by name, none of them for a magnet without moments."""
    if isinstance(value, Magnet) and not value:
        return {}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    return None


def _built(tree: Any) -> Any:
    if isinstance(tree, list):
        return tuple(_built(one) for one in tree)
    if not isinstance(tree, dict):
        return tree
    if "number" in tree:
        return float(tree["number"])
    if "array" in tree:
        kinds = {"f": float, "i": np.int64, "b": bool, "U": str}
        flat = np.array([_built(one) for one in tree["array"]], dtype=kinds[tree["of"]])
        return flat.reshape(tree["shape"])
    if "pairs" in tree:
        return {_built(key): _built(value) for key, value in tree["pairs"]}
    kind = _KINDS[tree["class"]]
    given = {name: _built(one) for name, one in tree.items() if name != "class"}
    if is_dataclass(kind):  # what a record was made without, it is built without
        blank = {f.name for f in fields(kind) if f.default is not MISSING and f.default is None}
        given = {name: v for name, v in given.items() if not (v is None and name in blank)}
        if kind in (Sheet, Interface):
            given = {name: value for name, value in given.items() if value is not None}
    if kind is Sample and given.get("stack") is not None:
        given = {"stack": given["stack"], "name": given["name"]}
    return kind(**given)
