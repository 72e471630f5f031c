"""Labelled grids: any parameters given as arrays become dimensions of one dataset."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks
from openmr._checks import ParameterError, SizeError
from openmr.sample.film import Sample
from openmr.sample.parameters import PARAMETERS
from openmr.sweeps.plan import (
    Box,
    Plan,
    Task,
    Values,
    attributes,
    coordinates,
    evaluate,
    task_of,
)

if TYPE_CHECKING:
    import xarray

_MAX_POINTS: Final = 2**20
"""Points of a box; with the intermediate arrays of the methods they take some 300 MiB."""
_MAX_BYTES: Final = 2**33
"""Largest dataset that is held in memory; above it a `store` is asked for."""
_WAITING: Final = 4
"""Boxes handed out per worker, so that none idles and few results wait."""


def sweep(
    sample: Sample,
    *,
    temperature: ArrayLike,
    field: ArrayLike,
    direction: ArrayLike = (1.0, 0.0, 0.0),
    method: str = "closed-form",
    options: Mapping[str, Any] | None = None,
    executor: Executor | None = None,
    store: str | Path | None = None,
    progress: bool = False,
    chunk_seconds: float = 1.0,
    chunk_points: int | None = None,
    **parameters: Any,
) -> xarray.Dataset:
    """Rates and resistivities on a grid of any parameters; of a stack its resistivities.

    Parameters
    ----------
    sample : Sample
    temperature, field : array_like () or (n,), K and T
        A one-dimensional array becomes a dimension, a number does not.
    direction : array_like (3,) or (n, 3), no unit
        Of the field; n of them become a dimension of the resistivities, with the components as
        text for its coordinate, "1 0 0", and as numbers in ``direction_vector``.
    method : str
        As in `relaxation`.
    options : mapping, optional
        Passed to the method, e.g. ``{"electron_splitting": True}``.
    executor : concurrent.futures.Executor, optional
        Where the boxes of points are worked out: a process pool, Dask's
        ``Client.get_executor()``, ``mpi4py.futures``. Default: here, one after the other.
    store : path, optional
        Directory (Zarr) that receives each finished box. A sweep that was cut short goes on from
        what is there; a box that is damaged is done again; a store of other parameters is
        refused. The dataset is then read from it as it is used, and may be larger than memory.
    progress : bool
        Show a bar.
    chunk_seconds : float, s
        Time that a box shall take, from the measured cost of a point. Longer wastes less on
        messages, shorter loses less when the sweep is cut short.
    chunk_points : int, optional
        Points of a box, instead of measuring.
    **parameters
        Any of `openmr.sample.parameters.PARAMETERS`, a table that docs/sweeps.md shows: units,
        and what stays while each is varied. A list or array becomes a dimension. For anisotropic
        couplings give a tuple (x, y, z), or an array (n, 3). To hold something else along a
        dimension, give its number too: the ordering temperature along ``spin``, for one. Of a
        stack they belong to its parts: ``**{"layers.1.thickness": [4e-9, 8e-9]}``.

    Returns
    -------
    xarray.Dataset
        Every variable carries ``units``, ``equation`` and ``long_name``; the dataset carries
        version, method, options and sample, so that it can be redone.

    Raises
    ------
    ParameterError
        For bad arguments, before anything is computed; and for a store of other parameters.
    SizeError
        If the dataset would not fit in memory and there is no `store`.

    Examples
    --------
    >>> import openmr as om
    >>> found = om.sweep(om.presets.pt_py(), temperature=[10.0, 50.0], field=[0.0, 5.0, 9.0])
    >>> found.longitudinal_rate.shape
    (2, 3)
    """
    for name in parameters:
        if name in PARAMETERS and PARAMETERS[name].instead:
            _checks.warn_renamed(name, PARAMETERS[name].instead)
    task = task_of(
        sample, {**parameters, "temperature": temperature, "field": field, "direction": direction},
        method, options or {},
    )  # fmt: skip
    chunk_seconds = _checks.number("chunk_seconds", chunk_seconds, "s", above=0.0)
    if chunk_points is not None:
        chunk_points = int(_checks.number("chunk_points", chunk_points, least=1.0))
    if executor is not None and not hasattr(executor, "submit"):
        raise ParameterError(
            f"`executor` must be a concurrent.futures.Executor or None, got {executor!r}"
        )
    plan = _planned(task, chunk_seconds, chunk_points)
    if store is None:
        return _in_memory(plan, executor, progress)
    from openmr.sweeps.store import stored_sweep

    if not isinstance(store, str | Path):
        raise ParameterError(f"`store` must be a path, got {store!r}")
    plan, todo, write = stored_sweep(Path(store), plan)
    _run(plan, todo, write, executor, progress)
    return _opened(Path(store), plan.task)


def _in_memory(plan: Plan, executor: Executor | None, progress: bool) -> xarray.Dataset:
    shapes = {name: plan.task.along(name, plan.task.shape) for name in plan.task.variables}
    size = 8 * sum(prod(shape) for shape in shapes.values())
    if size > _MAX_BYTES:
        raise SizeError(
            f"the dataset must take at most {_MAX_BYTES / 2**30:g} GiB without `store`, "
            f"got {prod(plan.task.shape):.3g} points ({size / 2**30:.3g} GiB)"
        )
    arrays = {name: np.empty(shape) for name, shape in shapes.items()}

    def write(box: Box, values: Values) -> None:
        for name, part in values.items():
            arrays[name][plan.task.along(name, box)] = part

    _run(plan, list(plan.boxes()), write, executor, progress)
    return dataset(plan, arrays)


def _planned(task: Task, chunk_seconds: float, chunk_points: int | None) -> Plan:
    """Boxes as long as possible along the last dimensions."""
    if chunk_points is None:
        chunk_points = ceil(chunk_seconds / _cost(task))
    room = max(1, min(chunk_points, _MAX_POINTS))
    chunks = []
    for length in reversed(task.shape):
        pieces = ceil(length / min(length, room))
        chunks.append(ceil(length / pieces))  # pieces of nearly one length
        room = max(1, room // chunks[-1])
    return Plan(task, tuple(reversed(chunks)))


def _cost(task: Task) -> float:
    """Processor seconds per point, measured on growing corners of the grid until that is 20 ms."""
    first = _planned(task, 1.0, 1)
    evaluate(first.part(next(first.boxes())))  # imports and caches are no cost of a point
    points = 1
    while True:
        corner = _planned(task, 1.0, points)
        start = time.process_time()
        evaluate(corner.part(next(corner.boxes())))
        taken = time.process_time() - start
        done = prod(corner.chunks)
        if taken > 0.02 or done >= min(prod(task.shape), _MAX_POINTS):
            return taken / done
        points = 8 * max(points, done)


def _run(
    plan: Plan,
    todo: list[Box],
    write: Callable[[Box, Values], None],
    executor: Executor | None,
    progress: bool,
) -> None:
    """Work out the boxes and write each as it is finished."""
    from tqdm import tqdm

    def points(boxes: Iterable[Box]) -> int:
        return sum(prod(w.stop - w.start for w in box) for box in boxes)

    whole = prod(plan.task.shape)
    with tqdm(
        total=whole, initial=whole - points(todo), unit="point", unit_scale=True,
        disable=not progress,
    ) as bar:  # fmt: skip
        for box, values in _finished(plan, todo, executor):
            write(box, values)
            bar.update(points([box]))


def _finished(
    plan: Plan, todo: list[Box], executor: Executor | None
) -> Iterator[tuple[Box, Values]]:
    if executor is None:
        for box in todo:
            yield box, evaluate(plan.part(box))
        return
    most = _WAITING * _workers(executor)
    waiting: dict[Future[Values], Box] = {}
    try:
        for box in todo:
            waiting[executor.submit(_alone, plan.part(box))] = box
            if len(waiting) >= most:
                yield from _collected(waiting)
        while waiting:
            yield from _collected(waiting)
    finally:
        for future in waiting:
            future.cancel()


def _collected(waiting: dict[Future[Values], Box]) -> Iterator[tuple[Box, Values]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        yield waiting.pop(future), future.result()


def _workers(executor: Executor) -> int:
    """Number of tasks that run at once, as far as the executor tells."""
    count = getattr(executor, "_max_workers", None)
    if count is None and hasattr(executor, "_client"):  # Dask's
        count = len(executor._client.nthreads())
    return max(2, count or 8)


def _alone(task: Task) -> Values:
    """`evaluate` on one thread: the executor's workers are the parallelism."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        return evaluate(task)


def dataset(plan: Plan, arrays: Mapping[str, NDArray[Any]]) -> xarray.Dataset:
    """Label the arrays."""
    import xarray

    return xarray.Dataset(
        {
            name: (plan.task.along(name, plan.task.dimensions), arrays[name], variable.attributes)
            for name, variable in plan.task.variables.items()
        },
        coords=coordinates(plan.task),
        attrs=attributes(plan),
    )


def _opened(store: Path, task: Task) -> xarray.Dataset:
    import xarray

    kept = xarray.open_zarr(store, consolidated=False, chunks=None)
    coords = {  # xarray refuses to plot against text of variable length
        name: (c.dims, np.array(c.values.tolist()), c.attrs) if c.dtype.kind == "T" else c
        for name, c in kept.coords.items()
    }
    found: xarray.Dataset = kept[list(task.variables)].assign_coords(coords)
    del found.attrs["chunks"]
    return found
