"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_whole(target: Path, save: Callable[[str], object]) -> None:
    """Let `save` write under a temporary name beside `target`, then rename.

    Parameters
    ----------
    target : Path
        In a directory that exists. Keeps what it holds if `save` raises.
    save : callable
        Takes the temporary name, which ends as `target` does.
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
