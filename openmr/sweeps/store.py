"""Finished boxes of a sweep on disk: a Zarr group, one checked chunk per box and variable.

A box is one chunk of every variable, written whole: it is finished when all its chunks are present,
pass their checksum (CRC32C, as Zarr has it) and bear their own mark, which says sweep, variable and
place: a chunk elsewhere, or of another sweep, counts as missing. The mark stands in a frame that
decoders of Zstandard skip, so any reader of Zarr reads the store. All that is asked of the files as
they are, without unpacking them. The seal, among the attributes, is the digest of everything else.
There is no journal that could disagree with the data. One process at a time writes to a store, or
cuts it anew: it locks a file beside it, and the system takes the lock from a process that dies.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmr import _checks
from openmr._checks import ParameterError, WriteError
from openmr._files import leftovers, remove_leftovers, replace, temporary_beside
from openmr.sweeps.plan import Box, Plan, Values, attributes, coordinates

_FRAME = (0x184D2A50).to_bytes(4, "little") + (16).to_bytes(4, "little")
"""Head of a frame of 16 bytes that decoders of Zstandard skip."""


@contextmanager
def stored_sweep(
    path: Path, plan: Plan, *, anew: bool
) -> Iterator[tuple[Plan, list[Box], Callable[[Box, Values], None]]]:
    """The plan as the store has it cut, the boxes still to do, and where to write them.

    `anew` cuts a store that is there as the plan is. `ParameterError` if `path` cannot be written,
    is no store, is that of another sweep, or is in the hands of another process.
    """
    zarr = _checks.required("zarr", "`store`", extra="store")
    if not path.name:
        raise ParameterError(
            f"`store` must be a new path or the store of a sweep, got {str(path)!r}"
        )
    with _alone_at(path):
        try:
            _tidy(path, plan.task.variables)
            if not path.exists():
                _place(_built(path, plan), path)
        except OSError as error:
            raise ParameterError(
                f"`store` must be a path to write to, got {_checks.failure(path, error)}"
            ) from None
        if not (path / "zarr.json").is_file():
            raise ParameterError(
                f"`store` must be a new path or the store of a sweep, got {str(path)!r}"
            )
        kept = _checked(zarr, path, plan)
        if not anew:
            plan = kept.plan
        if kept.plan.chunks != plan.chunks or not kept.marked:
            kept = _cut_anew(kept, plan)
        yield kept.plan, kept.unfinished(), kept.write


_HERE: dict[tuple[int, Path], object] = {}
"""Process and lock of the stores that are being written here; locks are between processes alone."""


@contextmanager
def _alone_at(path: Path) -> Iterator[None]:
    """Hold the lock of a store; `ParameterError`, which names the holder, if another has it."""
    try:
        place = path.resolve()
        lock = place.with_name(f".{place.name}.openmr-lock")
    except (OSError, RuntimeError, ValueError):  # told when it is written to
        lock = path
    ours, mine = (os.getpid(), lock), object()
    if _HERE.setdefault(ours, mine) is not mine:
        raise _held(path, "this process")
    try:
        file = _locked(path, lock)
        try:
            yield
        finally:
            if file is not None:
                with suppress(OSError):
                    lock.unlink()  # while it is held, so that it is nobody else's
                os.close(file)
    finally:
        del _HERE[ours]


def _locked(path: Path, lock: Path) -> int | None:
    """The open file, locked; nothing where there can be none, for one beside what is read only."""
    try:
        fcntl = import_module("fcntl")
        lock.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                # of records, not of files: children that are forked do not share these
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(file), os.stat(lock)):
                    os.ftruncate(file, 0)
                    os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())
                    return file
            except FileNotFoundError:
                pass  # its holder has just removed it
            except (BlockingIOError, PermissionError):
                holder = os.read(file, 200).decode(errors="replace")
                os.close(file)
                raise _held(path, holder or "another process") from None
            except BaseException:
                os.close(file)
                raise
            os.close(file)
    except (ImportError, OSError):  # Windows has no such locks, nor have some file systems
        return None


def _held(path: Path, holder: str) -> ParameterError:
    return ParameterError(
        f"`store` must be a path that no other sweep writes to, got {str(path)!r}, "
        f"which is held by {holder}"
    )


class _Store:
    """Chunks of a store whose seal holds; those of release 0.1 have neither seal nor marks."""

    def __init__(self, path: Path, plan: Plan, *, marked: bool = True) -> None:
        self.path, self.plan, self.marked = path, plan, marked
        self.seal = _seal(path, plan.task.variables, coordinates(plan.task))["digest"]

    def chunk(self, name: str, box: Box) -> tuple[Path, bytes]:
        """File of a chunk, and the mark that it bears."""
        corner = [cut.start // size for cut, size in zip(box, self.plan.chunks, strict=True)]
        place = "/".join(map(str, ("c", *self.plan.task.along(name, corner))))
        said = f"{self.seal} {name}/{place}"
        mark = _FRAME + blake2b(said.encode(), digest_size=16).digest()
        return self.path / name / place, mark if self.marked else b""

    def is_finished(self, box: Box) -> bool:
        """Whether no chunk of the box is missing, damaged or strayed."""
        return all(_undamaged(*self.chunk(name, box)) for name in self.plan.task.variables)

    def unfinished(self) -> list[Box]:
        """The boxes still to do."""
        return [box for box in self.plan.boxes() if not self.is_finished(box)]

    def write(self, box: Box, values: Values) -> None:
        """Put a finished box in its place."""
        from google_crc32c import value
        from numcodecs.zstd import Zstd

        pack = Zstd(level=1)
        for name, part in values.items():
            chunk, mark = self.chunk(name, box)
            whole = np.full(self.plan.task.along(name, self.plan.chunks), np.nan, dtype="<f8")
            whole[tuple(slice(n) for n in part.shape)] = part  # at the edge a part of it
            packed = pack.encode(whole.tobytes()) + mark
            data = packed + value(packed).to_bytes(4, "little")
            try:
                chunk.parent.mkdir(parents=True, exist_ok=True)
                replace(chunk, partial(_put, data))
            except OSError as error:
                raise WriteError(
                    f"`store` {str(self.path)!r} could not take {_checks.failure(chunk, error)}; "
                    "what it holds is kept, and the same call goes on from there",
                    error,
                ) from error


def _put(data: bytes, name: str) -> None:
    Path(name).write_bytes(data)


def _undamaged(chunk: Path, mark: bytes) -> bool:
    """Whether a file is there, bears its mark and ends with the checksum of what precedes it."""
    from google_crc32c import value

    try:
        data = chunk.read_bytes()
    except OSError:
        return False
    checked, checksum = data[:-4], data[-4:]
    return checked.endswith(mark) and value(checked) == int.from_bytes(checksum, "little")


# --- making one -------------------------------------------------------------------------------


def _built(path: Path, plan: Plan) -> Path:
    """An empty store under a temporary name beside `path`."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    temporary.mkdir()
    labels = coordinates(plan.task)
    try:
        group = import_module("zarr").open_group(temporary, mode="w")
        group.attrs.update({**attributes(plan), "chunks": list(plan.chunks)})
        for name in plan.task.variables:
            group.create_array(
                name,
                shape=plan.task.along(name, plan.task.shape),
                chunks=plan.task.along(name, plan.chunks),
                dtype="<f8",
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
        group.attrs["seal"] = _seal(temporary, plan.task.variables, labels)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return temporary


def _place(temporary: Path, path: Path) -> None:
    """Put a store in its place in one step."""
    try:
        os.rename(temporary, path)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        if not (path / "zarr.json").is_file():
            raise  # and no other process was first


def _aside(path: Path) -> Path:
    """Place of the old store for the moment in which a new cut takes over."""
    return path.with_name(f".{path.name}.openmr-old")


def _tidy(path: Path, names: Iterable[str]) -> None:
    """Undo and remove what processes that were killed have left."""
    old = _aside(path)
    if old.exists():
        if path.exists():
            shutil.rmtree(old)
        else:
            os.rename(old, path)
    remove_leftovers(path)
    for name in names:
        for place, _, files in os.walk(path / name):
            for file in files:
                if file.startswith("."):
                    chunk = Path(place) / file.split(".")[1]
                    for left in leftovers(chunk.parent, chunk):
                        left.unlink(missing_ok=True)


def _cut_anew(kept: _Store, plan: Plan) -> _Store:
    """The same sweep in other boxes, with all that the old ones hold of each."""
    path, group = kept.path, import_module("zarr").open_group(kept.path, mode="r")
    counts = [-(-n // c) for n, c in zip(plan.task.shape, kept.plan.chunks, strict=True)]
    whole = np.array([kept.is_finished(box) for box in kept.plan.boxes()]).reshape(counts)
    try:
        new = _Store(_built(path, plan), plan)
        for box in plan.boxes():
            old = tuple(
                slice(cut.start // size, (cut.stop - 1) // size + 1)
                for cut, size in zip(box, kept.plan.chunks, strict=True)
            )
            if np.all(whole[old]):
                cuts = {name: plan.task.along(name, box) or ... for name in plan.task.variables}
                new.write(
                    box, {name: np.asarray(group[name][cuts[name]]) for name in plan.task.variables}
                )
        os.rename(path, _aside(path))
        os.rename(new.path, path)
        shutil.rmtree(_aside(path))
    except OSError as error:
        raise WriteError(f"`store` could not be cut anew: {error}", error) from error
    return _Store(path, plan)


# --- reading one ------------------------------------------------------------------------------


def _checked(zarr: Any, path: Path, plan: Plan) -> _Store:
    """The store as it is cut; `ParameterError` if it is damaged or of another sweep."""
    try:
        group = zarr.open_group(path, mode="r")
        if "description" not in group.attrs:
            raise ParameterError(f"`store` must be the store of a sweep, got {str(path)!r}")
        wanted = json.loads(json.dumps(plan.description()))
        difference = _difference(json.loads(group.attrs["description"]), wanted)
        seal = group.attrs.get("seal")
        labels = coordinates(plan.task) if seal is None else seal.get("coordinates", ())
        found = _seal(path, plan.task.variables, labels)
        if difference is None and seal not in (None, found):
            raise ValueError("its metadata or coordinates are not those that it was made with")
        if difference := difference or _other_values(group, plan):
            raise ParameterError(f"`store` {str(path)!r} holds another sweep: {difference}")
        kept = Plan(plan.task, tuple(group.attrs["chunks"]))
        return _Store(path, kept, marked=seal is not None)
    except ParameterError:
        raise
    except Exception as error:  # zarr passes on whatever a damaged file makes of its parsers
        raise ParameterError(
            f"`store` {str(path)!r} is damaged beyond its boxes "
            f"({_checks.shortened(' '.join(f'{type(error).__name__}: {error}'.split()))}); "
            "remove it and start again"
        ) from None


def _seal(path: Path, names: Iterable[str], labels: Iterable[str]) -> dict[str, Any]:
    """Digest of all metadata and of the coordinates of those labels; without the seal itself."""
    found = blake2b(digest_size=16)
    told = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    told["attributes"].pop("seal", None)
    found.update(json.dumps(told, sort_keys=True).encode())
    values = [file for label in labels for file in (path / label).rglob("*") if file.is_file()]
    for file in sorted([*(path / name / "zarr.json" for name in names), *values]):
        found.update(f"{file.relative_to(path)}\0".encode())
        found.update(blake2b(file.read_bytes()).digest())
    return {"coordinates": list(labels), "digest": found.hexdigest()}


def _other_values(group: Any, plan: Plan) -> str | None:
    """The first coordinate that is another."""
    for label, (_, values, _) in coordinates(plan.task).items():
        kept = np.asarray(group[label][...]) if label in group else np.array("nothing")
        if kept.shape != values.shape or not np.array_equal(kept, values):
            return f"{label} = {_shown(kept)}, asked for {_shown(values)}"
    return None


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


def _shown(values: NDArray[Any]) -> str:
    if values.size <= 4:
        return str(values.tolist())
    return f"{values.shape[0]} values from {values[0]} to {values[-1]}"
