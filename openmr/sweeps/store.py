"""Finished boxes of a sweep on disk: a Zarr group, one checked chunk per box and variable.

A box is one chunk of every variable, written whole: it is finished when all its chunks are present
and pass their checksum (CRC32C, by Zarr), which is asked of the files as they are, without
unpacking them. There is no journal that could disagree with the data.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from openmr import _checks
from openmr._checks import ParameterError
from openmr.sweeps.plan import (
    Box,
    Plan,
    Values,
    attributes,
    coordinates,
)


def stored_sweep(path: Path, plan: Plan) -> tuple[Plan, list[Box], Callable[[Box, Values], None]]:
    """The plan as the store has it cut, the boxes still to do, and where to write them.

    `ParameterError` if `path` cannot be written, is no store, or is that of another sweep.
    """
    zarr = _zarr()
    try:
        if not path.exists():
            _create(path, plan)
    except OSError as error:
        raise ParameterError(
            f"`store` must be a path to write to, got {_checks.failure(path, error)}"
        ) from None
    if not (path / "zarr.json").is_file():
        raise ParameterError(
            f"`store` must be a new path or the store of a sweep, got {str(path)!r}"
        )
    try:
        group = zarr.open_group(path, mode="r+")
        _same(group, plan, path)
        plan = Plan(plan.task, tuple(group.attrs["chunks"]))
        for name in plan.task.variables:
            _ = group[name].shape
    except ParameterError:
        raise
    except Exception as error:  # zarr passes on whatever a damaged file makes of its parsers
        raise ParameterError(
            f"`store` {str(path)!r} is damaged beyond its boxes ({type(error).__name__}: {error}); "
            "remove it and start again"
        ) from None

    def write(box: Box, values: Values) -> None:
        for name, part in values.items():
            where = plan.task.along(name, box)
            group[name][where if where else ...] = part

    return plan, _unfinished(path, group, plan), write


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise ParameterError(
            "`store` needs the package zarr: pip install '.[store]' in a clone"
        ) from None
    return zarr


def _create(path: Path, plan: Plan) -> None:
    """An empty store, put in place in one step."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=path.name, dir=path.parent))
    labels = coordinates(plan.task)
    try:
        group = _zarr().open_group(temporary, mode="w")
        group.attrs.update({**attributes(plan), "chunks": list(plan.chunks)})
        for name in plan.task.variables:
            group.create_array(
                name,
                shape=plan.task.along(name, plan.task.shape),
                chunks=plan.task.along(name, plan.chunks),
                dtype="f8",
                fill_value=np.nan,
                dimension_names=plan.task.along(name, plan.task.dimensions),
                compressors=[ZstdCodec(level=1), Crc32cCodec()],
                attributes={**plan.task.variables[name].attributes, "coordinates": " ".join(
                    label for label in labels if label not in plan.task.dimensions
                )},
            )  # fmt: skip
        for label, (dims, values, units) in labels.items():
            array = group.create_array(
                label, shape=values.shape, dtype=str if values.dtype.kind == "U" else values.dtype,
                dimension_names=dims, compressors=[Crc32cCodec()], attributes=units,
            )  # fmt: skip
            array[...] = values
        temporary.chmod(0o755)
        try:
            os.rename(temporary, path)
        except OSError:
            if not (path / "zarr.json").is_file():
                raise
            shutil.rmtree(temporary)  # another process was first
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _same(group: Any, plan: Plan, path: Path) -> None:
    """Refuse a store of other parameters, and say which."""
    if "description" not in group.attrs:
        raise ParameterError(f"`store` must be the store of a sweep, got {str(path)!r}")
    wanted = json.loads(json.dumps(plan.description()))
    difference = _difference(json.loads(group.attrs["description"]), wanted)
    for label, (_, values, _) in coordinates(plan.task).items():
        if difference is None and label in group:  # older stores have no text for a vector
            kept = np.asarray(group[label][...])
            if kept.shape != values.shape or not np.array_equal(kept, values):
                difference = f"{label} = {_shown(kept)}, asked for {_shown(values)}"
    if difference is not None:
        raise ParameterError(f"`store` {str(path)!r} holds another sweep: {difference}")


def _difference(kept: Any, wanted: Any, name: str = "") -> str | None:
    """The first place where two trees of plain data differ."""
    if isinstance(kept, list) and isinstance(wanted, list) and len(kept) == len(wanted):
        pairs = [(f"{name}[{i}]", *both) for i, both in enumerate(zip(kept, wanted, strict=True))]
    elif isinstance(kept, dict) and isinstance(wanted, dict):
        keys = dict.fromkeys([*wanted, *kept])
        pairs = [(f"{name}.{k}".lstrip("."), kept.get(k), wanted.get(k)) for k in keys]
    else:
        return None if kept == wanted else f"{name} = {kept!r}, asked for {wanted!r}"
    return next(filter(None, (_difference(old, new, label) for label, old, new in pairs)), None)


def _shown(values: np.ndarray) -> str:
    if values.size <= 4:
        return str(values.tolist())
    return f"{values.shape[0]} values from {values[0]} to {values[-1]}"


def _unfinished(path: Path, group: Any, plan: Plan) -> list[Box]:
    """The boxes of which a chunk is missing or damaged."""
    keys = {name: group[name].metadata.encode_chunk_key for name in plan.task.variables}

    def whole(name: str, box: Box) -> bool:
        corner = [cut.start // chunk for cut, chunk in zip(box, plan.chunks, strict=True)]
        return _undamaged(path / name / keys[name](plan.task.along(name, corner)))

    return [
        box for box in plan.boxes() if not all(whole(name, box) for name in plan.task.variables)
    ]


def _undamaged(chunk: Path) -> bool:
    """Whether a file is there and ends with the checksum of what precedes it."""
    from google_crc32c import value

    try:
        data = chunk.read_bytes()
    except OSError:
        return False
    return len(data) > 4 and value(data[:-4]) == int.from_bytes(data[-4:], "little")
