"""QuTiP with small matrix elements kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import numpy as np
import qutip

MAX_DIMENSION = 64
"""Largest space of density matrices: a dense superoperator takes 0.25 GiB."""


class _Here(local):
    """State of this thread alone."""

    depth = 0


_here = _Here()
_as_set = qutip.CoreOptions.__getitem__


def _option(self: Any, key: str) -> Any:
    """An option as QuTiP asks for it."""
    return False if _here.depth and key == "auto_tidyup" else _as_set(self, key)


qutip.CoreOptions.__getitem__ = _option


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Keep elements below 1e-14, which QuTiP drops by default and rates at low temperature need.

    In this thread alone: QuTiP's setting is one for all threads, and a process forked meanwhile
    would keep it for ever, so it is not changed but answered otherwise. (QuTiP's own
    ``CoreOptions`` context changes it for all and costs 40 ms.) What dies off ends at 0, also where
    NumPy is told to raise an underflow.
    """
    _here.depth += 1
    try:
        with np.errstate(under="ignore"):
            yield
    finally:
        _here.depth -= 1
