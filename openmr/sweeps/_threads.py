"""One BLAS thread per worker: many workers with many threads each only wait for each other."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_PREFIXES = ("scipy_openblas", "openblas")
_SUFFIXES = ("64_", "")


@cache
def _switches() -> list[tuple[ctypes._NamedFuncPointer, ctypes._NamedFuncPointer]]:
    """(get, set) of every OpenBLAS that this process has loaded, as far as the system tells."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return []
    files = {line.split()[-1] for line in maps.splitlines() if "openblas" in line}
    found = []
    for file in sorted(files):
        library = ctypes.CDLL(file)
        for prefix in _PREFIXES:
            for suffix in _SUFFIXES:
                names = (f"{prefix}_{verb}_num_threads{suffix}" for verb in ("get", "set"))
                get, put = (getattr(library, name, None) for name in names)
                if get is not None and put is not None:
                    found.append((get, put))
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every OpenBLAS of this process at one thread, and give back what was set."""
    before = [(get(), put) for get, put in _switches()]
    for _, put in before:
        put(1)
    try:
        yield
    finally:
        for count, put in before:
            put(count)
