"""One BLAS thread per worker: many workers with many threads each only wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the linear algebra of this process at one thread, and give back what was set."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield
