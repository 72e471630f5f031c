"""Worker processes that end with the command, and signals that end the command in one line."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from types import FrameType


class Terminated(BaseException):
    """SIGTERM came, as a batch system sends it when the time is over."""


@contextmanager
def terminated_raises() -> Iterator[None]:
    """SIGTERM raises `Terminated`, once, in the main thread; other threads have no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def raised(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    before = signal.signal(signal.SIGTERM, raised)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def workers(count: int) -> Iterator[Executor | None]:
    """A pool of so many processes, None for one; it is gone at the end, whatever ends it."""
    if count == 1:
        yield None
        return
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)
    try:
        with _no_interrupt():
            for _ in range(count):
                pool.submit(int)
        yield pool
    except BaseException:
        told = threading.excepthook
        threading.excepthook = lambda _: None  # the pool's thread trips over what was cancelled
        try:
            for child in active_children():
                child.terminate()
            pool.shutdown(cancel_futures=True)
        finally:
            threading.excepthook = told
        raise
    pool.shutdown()


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back while processes start, which inherit that: the parent alone is to tell."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Let no worker outlive a parent that is killed, and wait for work for ever."""

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
