"""Labelled grids: any parameters given as arrays become dimensions of one dataset."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks
from openmr._checks import OpenmrError, ParameterError, SizeError, WorkerError
from openmr._version import __version__
from openmr._words import Branch
from openmr._work import one_thread, progress_bar
from openmr.rates.methods import Name
from openmr.sample.film import Sample
from openmr.sample.parameters import PARAMETERS
from openmr.sweeps.plan import (
    Box,
    Plan,
    Task,
    Values,
    attributes,
    coordinates,
    cost,
    cut,
    evaluate,
    task_of,
    try_samples,
)
from openmr.sweeps.workers import die_when_interrupted, submitter, watch, workers

if TYPE_CHECKING:
    import xarray

_MAX_BYTES: Final = 2**33
"""Largest dataset that is held in memory; above it a `store` is asked for."""
_MAX_STORED: Final = 2**40
"""Largest dataset in a store [bytes]."""
_MAX_SECONDS: Final = 1e9
"""Longest sweep, 30 years of one processor by the declared costs."""
_MAX_BOXES: Final = 10**6
_WAITING: Final = 4
"""Boxes handed out per worker, so that none idles and few results wait."""


def sweep(
    sample: Sample,
    *,
    temperature: ArrayLike,
    field: ArrayLike,
    direction: ArrayLike = (1.0, 0.0, 0.0),
    method: Name = "closed-form",
    options: Mapping[str, Any] | None = None,
    branch: Branch = "lowest",
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
    branch : {"lowest", "up", "down"}
        Of a film whose moments have axes of their own, as in `equilibrium`: the fields are gone
        through upwards or downwards at each temperature and direction, in whatever order given.
    executor : concurrent.futures.Executor, optional
        Where the boxes of points are worked out: a process pool, Dask's
        ``Client.get_executor()``, ``mpi4py.futures``. Default: here, one after the other. A Dask
        cluster may be without workers for as long as its ``no-workers-timeout`` says, here; if that
        is not set five minutes, or a day before the first one comes and if it is adaptive.
    store : path, optional
        Directory (Zarr) that receives each finished box. A sweep that was cut short goes on from
        what is there; a box that is damaged is done again; a store of other parameters is
        refused, and one that another sweep is writing to. The dataset is then read from it as it
        is used, and may be larger than memory.
    progress : bool
        Show a bar.
    chunk_seconds : float, s
        Time that a box shall take, by what the method's points cost on the average; more where
        the boxes would be thousands. Longer wastes less on messages, shorter loses less when the
        sweep is cut short.
    chunk_points : int, optional
        Points of a box instead. A store that is cut otherwise is cut anew, and keeps its numbers.
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
        For bad arguments, before anything is computed; and for a store of other parameters, or
        one that another sweep is writing to.
    SizeError
        If the dataset would not fit in memory and there is no `store`, nor on the disk if there
        is; if its points would take decades.
    WorkerError
        If the executor fails; the message says what is kept, and how to go on.
    WriteError
        If the store cannot be written, for one because its disk is full.

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
    _checks.required("xarray", "`sweep`")
    _checks.switch("progress", progress)
    chunk_seconds = _checks.number("chunk_seconds", chunk_seconds, "s", above=0.0)
    if chunk_points is not None:
        chunk_points = _checks.integer("chunk_points", chunk_points, least=1.0)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ParameterError(
            "`executor` must be a concurrent.futures.Executor or None, "
            f"got {_checks.shown(executor)}"
        )
    where = None if store is None else _checks.path("store", store)
    given = {**parameters, "temperature": temperature, "field": field, "direction": direction}
    task = task_of(sample, given, method, {} if options is None else options, branch)
    _refuse_too_large(task, where)
    try_samples(task)
    plan = cut(task, chunk_seconds, chunk_points)
    if plan.count > _MAX_BOXES:
        raise SizeError(
            f"`chunk_points` must cut the grid into at most {_MAX_BOXES:g} boxes, "
            f"got {plan.count:.3g}"
        )
    if where is None:
        return _in_memory(plan, executor, progress)
    from openmr.sweeps.store import stored_sweep

    with stored_sweep(where, plan, anew=chunk_points is not None) as (plan, todo, write):
        _run(plan, todo, write, executor, progress, where)
        return _opened(where, task)


def _refuse_too_large(task: Task, store: Path | None) -> None:
    """Refuse what no memory, no disk and no patience hold, before anything is computed."""
    points = prod(task.shape)
    size = 8 * sum(prod(task.along(name, task.shape)) for name in task.variables)
    most, place = _MAX_BYTES, "without `store`"
    if store is not None:
        most, place = min(_MAX_STORED, _free(store)), "in `store`"
    if size > most:
        raise SizeError(
            f"the dataset must take at most {most / 2**30:.3g} GiB {place}, "
            f"got {points:.3g} points ({size / 2**30:.3g} GiB)"
        )
    seconds = cost(task, task.shape)
    if seconds > _MAX_SECONDS:
        raise SizeError(
            f"the grid must take at most {_MAX_SECONDS:g} s of one processor by "
            f"`method` {task.method!r}, got {points:.3g} points (about {seconds:.2g} s)"
        )


def _free(store: Path) -> int:
    """Bytes that are free where a new store will be; a store that is there has its own already."""
    try:
        if store.exists():
            return _MAX_STORED
        disk = shutil.disk_usage(next(one for one in store.absolute().parents if one.exists()))
    except OSError:  # told when it is written to
        return _MAX_STORED
    return disk.free if disk.total else _MAX_STORED  # what is no disk says so when written to


def _in_memory(plan: Plan, executor: Executor | None, progress: bool) -> xarray.Dataset:
    shapes = {name: plan.task.along(name, plan.task.shape) for name in plan.task.variables}
    arrays = {name: np.empty(shape) for name, shape in shapes.items()}

    def write(box: Box, values: Values) -> None:
        for name, part in values.items():
            arrays[name][plan.task.along(name, box)] = part

    _run(plan, list(plan.boxes()), write, executor, progress)
    return dataset(plan, arrays)


def _run(
    plan: Plan,
    todo: list[Box],
    write: Callable[[Box, Values], None],
    executor: Executor | None,
    progress: bool,
    store: Path | None = None,
) -> None:
    """Work out the boxes and write each as it is finished."""

    def points(boxes: Iterable[Box]) -> int:
        return sum(prod(w.stop - w.start for w in box) for box in boxes)

    whole = prod(plan.task.shape)
    left = len(todo)
    with progress_bar(
        todo,
        total=whole, initial=whole - points(todo), unit="point", unit_scale=True,
        disable=not progress,
    ) as bar:  # fmt: skip
        try:
            for box, values in _finished(plan, todo, executor):
                write(box, values)
                left -= 1
                bar.update(points([box]))
        except OpenmrError:
            raise
        except Exception as error:
            if executor is None:
                raise
            raise WorkerError(_lost(error, plan, left, store)) from error


def _lost(error: Exception, plan: Plan, left: int, store: Path | None) -> str:
    """Words on what is kept after an executor has failed, and how to go on."""
    said = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    kept = (
        "nothing is kept without `store`, which would let the same call go on"
        if store is None
        else f"`store` {str(store)!r} holds {plan.count - left} of {plan.count} boxes; "
        "the same call with a new executor goes on from there"
    )
    return f"`executor` failed ({_checks.shortened(said)}): {kept}"


def _finished(
    plan: Plan, todo: list[Box], executor: Executor | None
) -> Iterator[tuple[Box, Values]]:
    if executor is None:
        for box in todo:
            yield box, evaluate(plan.part(box))
        return
    most = _WAITING * workers(executor)
    submit, heard = submitter(executor), watch(executor)
    waiting: dict[Future[Values], Box] = {}
    try:
        for box in todo:
            waiting[submit(_alone, plan.part(box), __version__)] = box
            if len(waiting) >= most:
                yield from _collected(waiting, heard)
        while waiting:
            yield from _collected(waiting, heard)
    finally:
        for future in waiting:
            future.cancel()


def _collected(
    waiting: dict[Future[Values], Box], heard: Callable[[bool], None]
) -> Iterator[tuple[Box, Values]]:
    done: set[Future[Values]] = set()
    while not done:
        done, _ = wait(waiting, 1.0, FIRST_COMPLETED)
        # those that a pool gives up when it is shut down are never told as done
        done = done or {future for future in waiting if future.cancelled()}
        heard(bool(done))
    for future in done:
        yield waiting.pop(future), future.result()


def _alone(task: Task, version: str) -> Values:
    """`evaluate` on one thread: the executor's workers are the parallelism."""
    if version != __version__:
        raise ParameterError(
            f"`executor` must have workers with openmr {version} as here, "
            f"got one with {__version__}"
        )
    die_when_interrupted()
    with one_thread():
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
    from zarr.storage import LocalStore

    # xarray turns a path into text, which Zarr reads as an address, less what stands behind a #
    kept = xarray.open_zarr(LocalStore(store, read_only=True), consolidated=False, chunks=None)
    coords = {  # xarray refuses to plot against text of variable length
        name: (c.dims, np.array(c.values.tolist()), c.attrs) if c.dtype.kind == "T" else c
        for name, c in kept.coords.items()
    }
    found: xarray.Dataset = kept[list(task.variables)].assign_coords(coords)
    for ours in ("chunks", "seal"):
        del found.attrs[ours]
    return found
