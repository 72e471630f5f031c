"""Workers that executors lose in silence: none is left, or a dead one keeps others waiting."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Final

_LONGEST_GAP: Final = 300.0
"""Longest that a Dask cluster is without a worker once it has had one [s]; nannies take seconds."""
_LONGEST_START: Final = 86400.0
"""The same before its first, or between those of an adaptive one, which may queue [s]."""
_LONGEST_SILENCE: Final = 10.0
"""After which a pool with a dead worker is taken to wait for the rest of its message [s]."""


def workers(executor: Executor) -> int:
    """Number of tasks that run at once, as far as the executor tells."""
    count = getattr(executor, "_max_workers", None)
    if count is None and hasattr(executor, "_client"):  # Dask's
        count = len(executor._client.nthreads())
    return max(2, count or 8)


def submitter(executor: Executor) -> Callable[..., Future[Any]]:
    """`submit` whose tasks are this sweep's own.

    Dask takes equal calls for one task: the end of an earlier sweep would cancel the next one's.
    """
    return partial(executor.submit, pure=False) if hasattr(executor, "_client") else executor.submit


def watch(executor: Executor) -> Callable[[bool], None]:
    """To be told about once a second whether work has come; `TimeoutError` if none will."""
    from concurrent.futures import ProcessPoolExecutor  # which a browser has not

    if isinstance(executor, ProcessPoolExecutor):
        return _watch_pool(executor)
    if hasattr(executor, "_client"):
        return _watch_dask(executor._client)
    return lambda came: None


def _watch_dask(client: Any) -> Callable[[bool], None]:
    """Dask waits for other workers for ever."""
    from dask import config
    from dask.utils import parse_timedelta

    told = parse_timedelta(config.get("distributed.scheduler.no-workers-timeout", None))
    had_one, last = bool(client.nthreads()), time.monotonic()

    def watch(came: bool) -> None:
        nonlocal had_one, last
        now = time.monotonic()
        if came or client.nthreads():
            had_one, last = True, now
            return
        lost = had_one and not getattr(client.cluster, "_adaptive", None)
        longest = told or (_LONGEST_GAP if lost else _LONGEST_START)
        if now - last > longest:
            raise TimeoutError(
                f"no worker for {longest:g} s; Dask's `distributed.scheduler.no-workers-timeout` "
                "says how long to wait"
            )

    return watch


def _watch_pool(pool: Any) -> Callable[[bool], None]:
    """A worker that dies in the middle of a message leaves a pool, which reads on, waiting."""
    last = time.monotonic()

    def watch(came: bool) -> None:
        nonlocal last
        now, processes = time.monotonic(), list((pool._processes or {}).values())
        if came or all(process.is_alive() for process in processes):
            last = now
        elif now - last > _LONGEST_SILENCE:
            for process in processes:
                process.kill()
            pool._result_queue._writer.close()  # so that its thread, too, hears of the end
            raise TimeoutError("a worker died in the middle of its answer")

    return watch


def die_when_interrupted() -> None:
    """In a process of a pool: do not let Python's own handler keep the lock that all answers need.

    It raises wherever the process is, at times between lock and answer, and the pool lives on.
    """
    from multiprocessing import parent_process

    if (
        parent_process() is not None
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
