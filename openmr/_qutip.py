"""QuTiP with small matrix elements kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from qutip import settings

MAX_DIMENSION = 64
"""Largest space of density matrices: a dense superoperator takes 0.25 GiB."""

_lock = Lock()
_users = 0
_before = True


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Keep elements below 1e-14, which QuTiP drops by default and rates at low temperature need.

    The setting is QuTiP's and global: it is restored when the last thread leaves. (QuTiP's own
    ``CoreOptions`` context would reset the user's other options and costs 40 ms.)
    """
    global _users, _before  # noqa: PLW0603 - mirrors a global of QuTiP
    with _lock:
        if _users == 0:
            _before = settings.core["auto_tidyup"]
            settings.core["auto_tidyup"] = False
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                settings.core["auto_tidyup"] = _before
