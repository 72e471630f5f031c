"""Long work with a progress bar and on one thread, where the packages for them are installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")


class _Unseen(Generic[T]):
    """The part of a bar that is used, without one."""

    def __init__(self, items: Iterable[T]) -> None:
        self.items = items

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __enter__(self) -> _Unseen[T]:
        return self

    def __exit__(self, *ended: object) -> None:
        pass

    def update(self, done: int) -> None:
        """Count nothing."""


def progress_bar(items: Iterable[T], **options: Any) -> tqdm[T]:
    """A bar of tqdm over the items, or the items alone where tqdm is missing."""
    try:
        from tqdm import tqdm
    except ImportError:
        return cast("tqdm[T]", _Unseen(items))
    return tqdm(items, **options)


class _Shared:
    """The limit on BLAS, which is one for all threads of a process."""

    lock, users, limits = Lock(), 0, cast("Any", None)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS to one thread, since more cost more than small matrices, if threadpoolctl can.

    Of several threads that ask for it the last one lifts it, so that what was before comes back.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with _Shared.lock:
        if not _Shared.users:
            _Shared.limits = threadpool_limits(limits=1, user_api="blas")
        _Shared.users += 1
    try:
        yield
    finally:
        with _Shared.lock:
            _Shared.users -= 1
            if not _Shared.users:
                _Shared.limits.restore_original_limits()
