"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from openmr._checks import ParameterError, failure


def expect_file(name: str, target: Path) -> None:
    """Refuse, before anything is computed, a file that could not be written afterwards.

    `name` is that of the argument or option, for the message.
    """
    try:
        missing = target.is_dir() or not target.parent.is_dir()
    except OSError as error:
        raise _no_room(name, target, error) from None
    if missing:
        raise ParameterError(
            f"`{name}` must be a file in a directory that exists, got {str(target)!r}"
        )
    _expect_room(name, target, target.parent)


def expect_directory(name: str, target: Path) -> None:
    """Refuse a directory that could neither be used nor made; parameters as of `expect_file`."""
    there = next(one for one in (target, *target.absolute().parents) if one.exists())
    if not there.is_dir():
        raise ParameterError(f"`{name}` must be a directory, got the file {str(there)!r}")
    _expect_room(name, target, there)


def _expect_room(name: str, target: Path, directory: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _no_room(name, target, error) from None


def _no_room(name: str, target: Path, error: OSError) -> ParameterError:
    return ParameterError(
        f"`{name}` must be a path that can be written, got {failure(target, error)}"
    )


def write_whole(target: Path, save: Callable[[str], object]) -> None:
    """Let `save(name)` write under a temporary name beside `target`, then rename.

    The name ends as `target` does, which keeps what it holds if `save` raises.
    """
    handle, name = tempfile.mkstemp(suffix=target.suffix, dir=target.parent)
    os.close(handle)
    try:
        save(name)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
