"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from openmr._checks import OpenmrError, ParameterError, SizeError, WriteError, failure, path, shown

_MARK = ".openmr-"
"""In the name of everything that waits to be renamed, before host and process."""
_ON_WINDOWS = os.name == "nt"
_LONGEST_USE = 24 * 3600.0
"""Seconds that a file may wait to be renamed where nobody can say whether its process runs."""


def expect_file(name: str, target: Path) -> None:
    """Refuse, before anything is computed, a file that could not be written afterwards.

    `name` is that of the argument or option, for the message.
    """
    path(name, target)
    try:
        missing = target.is_dir() or not target.parent.is_dir()
        target = _followed(target)
    except OSError as error:
        raise _no_room(name, target, error) from None
    if missing:
        raise ParameterError(
            f"`{name}` must be a file in a directory that exists, got {str(target)!r}"
        )
    _expect_room(name, target, target.parent)


def read_whole(name: str, source: Any, mebibytes: int = 256) -> bytes:
    """All that is in a file, which is refused by the name of the argument if it is larger.

    Devices such as /dev/zero have no end.
    """
    data = bytearray()
    try:
        with Path(source).open("rb") as file:
            while len(data) <= mebibytes * 2**20 and (piece := file.read(2**20)):
                data += piece
    except (OSError, TypeError, ValueError) as error:
        raise ParameterError(
            f"`{name}` must be a file to read, got {failure(source, error)}"
        ) from None
    if len(data) > mebibytes * 2**20:
        raise SizeError(
            f"`{name}` must hold at most {mebibytes} MiB, got more in {shown(str(source))}"
        )
    return bytes(data)


def expect_directory(name: str, target: Path) -> None:
    """Refuse a directory that could neither be used nor made; parameters as of `expect_file`."""
    path(name, target)
    there = next(one for one in (target, *target.absolute().parents) if one.exists())
    if not there.is_dir():
        raise ParameterError(f"`{name}` must be a directory, got the file {str(there)!r}")
    _expect_room(name, target, there)


def _expect_room(name: str, target: Path, directory: Path) -> None:
    if _is_special(target):
        return
    try:
        remove_leftovers(target)
        probe = temporary_beside(target, directory)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _no_room(name, target, error) from None


def _no_room(name: str, target: Path, error: Exception) -> ParameterError:
    return ParameterError(
        f"`{name}` must be a path that can be written, got {failure(target, error)}"
    )


def _followed(target: Path) -> Path:
    """The file that a link stands for."""
    try:
        return target.resolve()
    except RuntimeError:  # a ring of links, before Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None


def _is_special(target: Path) -> bool:
    """Whether it is a device or a pipe, which nothing may take the place of."""
    return target.exists() and not (target.is_file() or target.is_dir())


def write_whole(target: Path, save: Callable[[str], object]) -> None:
    """Let `save(name)` write under a temporary name beside `target`, then rename.

    The name ends as `target` does, which keeps what it holds if `save` raises. A link is followed,
    a file that exists keeps its permissions, a new one has those of the user's mask.
    `WriteError`, which is an OSError, names the file.
    """
    try:
        place = _followed(target)
        if _is_special(place):
            save(str(place))
            return
        remove_leftovers(place)
        replace(place, save)
    except OpenmrError:
        raise
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "errno" not in str(error):
            raise  # nothing that the disk has said, by way of HDF5
        raise WriteError(f"{failure(target, error)} (not written)", error) from error


def replace(place: Path, save: Callable[[str], object]) -> None:
    """`write_whole` of a file that is no link, without a look at what others have left there."""
    temporary = temporary_beside(place)
    try:
        save(str(temporary))
        if place.exists():
            shutil.copymode(place, temporary)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(target: Path, directory: Path | None = None) -> Path:
    """A free name beside `target` that says who writes there, so that leftovers can be told."""
    who = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    return (directory or target.parent) / f".{_short(target)}{_MARK}{who}{target.suffix}"


def _short(target: Path) -> str:
    return target.stem[:80]  # a name may have 255 bytes


def remove_leftovers(target: Path) -> None:
    """Remove what processes of this machine that are gone have left beside `target`."""
    for left in leftovers(target.parent, target):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def leftovers(directory: Path, target: Path) -> Iterator[Path]:
    """Temporary siblings of `target` whose process is gone."""
    stem, host = re.escape(_short(target)), re.escape(socket.gethostname())
    pattern = re.compile(rf"\.{stem}{re.escape(_MARK)}{host}-(\d+)-[0-9a-f]{{8}}(\..*)?")
    if directory.is_dir():
        for one in directory.iterdir():
            found = pattern.fullmatch(one.name)
            if found and not _is_in_use(one, int(found[1])):
                yield one


def _is_in_use(temporary: Path, process: int) -> bool:
    if process == os.getpid():
        return True
    if _ON_WINDOWS:  # to ask there is to send Ctrl-C
        return time.time() - temporary.stat().st_mtime < _LONGEST_USE
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's
        return True
    return True
