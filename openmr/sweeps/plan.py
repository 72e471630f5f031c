"""A sweep as plain data: which points, cut into which boxes, and what is worked out at each.

A box of points is one task for an executor, one message back, and one chunk of a store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from math import ceil, prod
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from openmr import _checks
from openmr._checks import OpenmrError, ParameterError
from openmr._quantities import in_unit
from openmr._version import __version__
from openmr._words import Branch
from openmr.moments.equilibrium import checked_points, checked_vectors, equilibrium
from openmr.moments.grid import BLOCK, blocks
from openmr.moments.vector_equilibrium import refuse_branch
from openmr.rates.methods import METHODS, Name
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.sample.film import Sample
from openmr.sample.parameters import PARAMETERS, POINT, parameter, varied
from openmr.tables import Column
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import STACK_VARIABLES, VARIABLES, Resistivity, resistivity
from openmr.transport.stack_rates import stack_rates

_Each = TypeVar("_Each")
Box = tuple[slice, ...]
Values = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Task:
    """Work of one worker for one box; small, and nothing but plain data."""

    sample: Sample
    dimensions: Mapping[str, NDArray[Any]]  # in order
    fixed: Mapping[str, Any]  # what was given as a number, parameters of the sample among them
    method: str
    options: Mapping[str, Any]
    branch: Branch = "lowest"

    @property
    def variables(self) -> Mapping[str, Column]:
        """Columns of the dataset."""
        return STACK_VARIABLES if self.sample.is_stack else VARIABLES

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each dimension."""
        return tuple(len(values) for values in self.dimensions.values())

    @property
    def oriented(self) -> bool:
        """Whether the rates depend on the direction of the field."""
        return self.sample.is_oriented

    def along(self, variable: str, each: Iterable[_Each]) -> tuple[_Each, ...]:
        """Items of `each` dimension that a variable has.

        Direction is for resistivities alone, unless moments have axes of their own.
        """
        pairs = zip(self.dimensions, each, strict=True)
        kept = self.oriented or self.variables[variable].directional
        return tuple(of_it for name, of_it in pairs if kept or name != "direction")


_MOST_POINTS: Final = 2**20
"""Points of a box; with the intermediate arrays of the methods they take some 300 MiB."""
_MOST_BOXES: Final = 4000
"""Boxes that a cut by time makes; nine files each."""
_SAMPLE_COST: Final = 4e-4  # s, of a sample put together and its moments solved
_DIRECTION_COST: Final = 1e-7  # s, of a resistivity
_ORIENTED_COST: Final = 1e-4  # s, of the state of moments with axes of their own
_LAYER_COST: Final = 6e-6  # s, of spin diffusion through a layer of a stack


def cut(task: Task, seconds: float, points: int | None = None) -> Plan:
    """Boxes as long as possible along the last dimensions, of so many points or about so long.

    By the declared costs, so that the same sweep is always cut in the same way. A branch is never
    cut along the field, which it follows.
    """
    if points is None:
        points, seconds = _MOST_POINTS, max(seconds, cost(task, task.shape) / _MOST_BOXES)
    else:
        seconds = np.inf
    room = max(1, min(points, _MOST_POINTS))
    chunks = [1] * len(task.shape)
    for axis in reversed(range(len(chunks))):
        first = cost(task, chunks)
        chunks[axis] = 2
        slope = cost(task, chunks) - first
        longest = 1 + int(min(max(0.0, seconds - first) / slope, 1e15))
        length = task.shape[axis]
        whole = task.branch != "lowest" and list(task.dimensions)[axis] == "field"
        pieces = 1 if whole else ceil(length / min(length, longest, room))
        chunks[axis] = ceil(length / pieces)  # pieces of nearly one length
        room = max(1, room // chunks[axis])
    return Plan(task, tuple(chunks))


def cost(task: Task, lengths: Sequence[int]) -> float:
    """Processor seconds of a box of those lengths, by what the method declares."""
    named = dict(zip(task.dimensions, lengths, strict=True))
    inner = prod(n for name, n in named.items() if name in POINT)
    points = prod(lengths) // (1 if task.oriented else named.get("direction", 1))
    layers = len(task.sample.layers)
    each = _LAYER_COST * layers if task.sample.is_stack else _DIRECTION_COST
    point = METHODS[task.method].cost + (_ORIENTED_COST if task.oriented else 0.0)
    return _SAMPLE_COST * (prod(lengths) // inner) + point * layers * points + each * prod(lengths)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole sweep: the task of all points, and how it is cut into boxes."""

    task: Task
    chunks: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of boxes."""
        return prod(ceil(n / c) for n, c in zip(self.task.shape, self.chunks, strict=True))

    def boxes(self) -> Iterator[Box]:
        """Slices along every dimension, in C order."""
        starts = (range(0, n, c) for n, c in zip(self.task.shape, self.chunks, strict=True))
        for corner in product(*starts):
            yield tuple(
                slice(start, min(start + c, n))
                for start, c, n in zip(corner, self.chunks, self.task.shape, strict=True)
            )

    def part(self, box: Box) -> Task:
        """The task of one box."""
        whole = self.task.dimensions.items()
        cut = {name: values[where] for (name, values), where in zip(whole, box, strict=True)}
        return replace(self.task, dimensions=cut)

    def description(self) -> dict[str, Any]:
        """Everything that the numbers depend on, as plain data; dimensions by name alone."""
        return {
            "version": __version__,
            "method": self.task.method,
            "options": dict(self.task.options),
            "sample": _told(asdict(self.task.sample)),
            "fixed": {name: np.asarray(v).tolist() for name, v in self.task.fixed.items()},
            "dimensions": list(self.task.dimensions),
            **({} if self.task.branch == "lowest" else {"branch": self.task.branch}),
        }


def _told(record: Any) -> Any:
    """Plain data without what was not given, so that what a record learns to hold changes none."""
    if isinstance(record, dict):
        return {name: _told(value) for name, value in record.items() if value is not None}
    if isinstance(record, complex):
        return [record.real, record.imag]
    return type(record)(map(_told, record)) if isinstance(record, list | tuple) else record


def evaluate(task: Task) -> Values:
    """All variables at all points of a task; what a worker runs."""
    outer = _of_sample(task.dimensions)
    named = _of_sample(task.fixed)
    out = {name: np.empty(task.along(name, task.shape)) for name in task.variables}
    given = {**task.fixed, **task.dimensions}
    temperature = np.asarray(given["temperature"], dtype=float).reshape(-1, 1, 1)
    field = np.asarray(given["field"], dtype=float).reshape(-1, 1)
    directions = np.atleast_2d(np.asarray(given["direction"], dtype=float))
    # a few rows of temperatures at a time, so that the arrays in between stay in the cache
    rows = list(blocks(len(temperature), max(1, BLOCK // (field.size * len(directions)))))
    samples = {
        index: varied(
            task.sample, named | {n: outer[n][i] for n, i in zip(outer, index, strict=True)}
        )
        for index in np.ndindex(task.shape[: len(outer)])
    }
    for row in rows:
        rates: Relaxation | None = None
        for index, sample in samples.items():
            if sample.is_stack:
                points = temperature[row], field, directions
                found = magnetoresistance(sample, *points, method=task.method, **task.options)  # type: ignore[arg-type]
                _put(out, task, found, index, row)
                continue
            if rates is not None and _same_moments(rates.sample, sample):
                # of the film the rates know 1/tau_0 alone
                state = replace(rates.equilibrium, sample=sample)
                flips = sample.film.spin_flip_rate
                rates = replace(rates, equilibrium=state, spin_flip_rate=flips)
            else:
                own = directions if task.oriented else None
                state = equilibrium(
                    sample, temperature[row], field, direction=own, branch=task.branch
                )
                rates = relaxation_at(state, method=task.method, **task.options)
            found = resistivity(sample.film, rates, directions)
            _put(out, task, found, index, row)
    return out


def _put(out: Values, task: Task, found: Resistivity, index: tuple[int, ...], row: slice) -> None:
    """Fill in a few rows of temperatures of one sample."""
    for name, values in out.items():
        variable = task.variables[name]
        part = variable.of(found)  # (temperature, field, direction)
        part = part if task.oriented or variable.directional else part[..., 0]
        where: Any = (*index, row) if "temperature" in task.dimensions else index
        values[where] = part.reshape(values[where].shape)


def _of_sample(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are parameters of the sample."""
    return {name: value for name, value in given.items() if name in PARAMETERS}


def _same_moments(one: Sample, other: Sample) -> bool:
    return one.magnet == other.magnet and one.electrons == other.electrons


def task_of(
    sample: Sample,
    given: Mapping[str, Any],
    method: str,
    options: Mapping[str, Any],
    branch: Branch = "lowest",
) -> Task:
    """Dimensions and fixed values told apart, and checked one by one."""
    _checks.instance("sample", sample, Sample)
    _checks.word("sample.name", sample.name)
    _checks.choice("method", method, METHODS)
    along: Values = {}
    fixed: dict[str, Any] = {}
    for name, quantity in given.items():
        value = _in_its_unit(name, quantity)
        if _is_dimension(name, value):
            along[name] = _dimension(name, value)
        else:
            fixed[name] = _plain_value(name, value)
    base = varied(sample, _of_sample(fixed))
    both = {**fixed, **along}
    for name, other in (("temperature", {"field": 0.0}), ("field", {"temperature": 1.0})):
        check = (
            partial(checked_vectors, direction=(0, 0, 1)) if base.is_oriented else checked_points
        )
        check(base.layer(0), **{name: both[name], **other})
    unit_vectors = _checks.unit_vectors("direction", both["direction"])
    (along if "direction" in along else fixed)["direction"] = unit_vectors
    for name in ("temperature", "field"):
        if name in fixed:
            fixed[name] = float(fixed[name])
    refuse_branch(branch, base)
    return Task(base, along, fixed, method, _plain_options(options), branch)


def try_samples(task: Task) -> None:
    """Refuse what the samples or the method do: every value, and smallest and largest together."""
    named, along = _of_sample(task.fixed), _of_sample(task.dimensions)
    for name, values in along.items():
        for value in values:
            varied(task.sample, {**named, name: value})
    ends = {name: _ends(values) for name, values in along.items() if values.dtype.kind != "U"}
    for corner in product(*ends.values()):
        sample = varied(task.sample, {**named, **dict(zip(ends, corner, strict=True))})
        own = (0, 0, 1) if task.oriented else None
        if sample.is_stack:
            named_method = cast("Name", task.method)
            stack_rates(sample, [], [], direction=own, method=named_method, **task.options)
        else:
            state = equilibrium(sample, [], [], direction=own)
            relaxation_at(state, method=task.method, **task.options)


def _ends(values: NDArray[Any]) -> NDArray[Any]:
    """The smallest and the largest of some values, or vectors."""
    sizes = np.abs(values).max(axis=-1) if values.ndim > 1 else values
    return values[[np.argmin(sizes), np.argmax(sizes)]]


def _plain_options(options: Any) -> dict[str, Any]:
    """Options as the dataset can keep them: numbers, words, lists and dictionaries of them."""
    if not isinstance(options, Mapping):
        raise ParameterError(
            f"`options` must be a mapping of names to values, got {_checks.shown(options)}"
        )
    for name, value in options.items():
        _checks.word("options", name)
        if name in ("sample", "temperature", "field", "method"):
            raise ParameterError(f"`options` must be options of the method, got `{name}` in it")
        if name == "azimuth":
            try:
                _checks.number(name, value, "rad")
            except ParameterError:
                raise ParameterError(
                    f"`azimuth` must be one angle in rad in a sweep, got {_checks.shown(value)}"
                ) from None
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(options), default=_plain))
        json.dumps(plain, ensure_ascii=False).encode()
    except Exception as error:  # of whatever the values make of being asked for their items
        raise ParameterError(
            f"`options` must be plain values, got {_checks.shown(options)}: {error}"
        ) from None
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray) and not _checks.is_masked(value):
        plain = value.tolist()
        if not isinstance(plain, np.generic) and value.dtype.kind not in "mM":
            return plain  # which a long double has not
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _plain_value(name: str, value: Any) -> Any:
    """A value that is given once, as a number, vector or word that any file can keep."""
    if _is_word(name):
        return _checks.word(name, value)
    numbers = _checks.finite_array(name, value, infinite=_is_infinite(name))
    return float(numbers) if numbers.ndim == 0 else tuple(numbers.tolist())


def _is_vector(name: str) -> bool:
    return name == "direction" or (name not in POINT and parameter(name).vector)


def _is_word(name: str) -> bool:
    return name not in POINT and parameter(name).range is None


def _is_infinite(name: str) -> bool:
    return name not in POINT and parameter(name).infinite


def _unit(name: str) -> str:
    return POINT[name] if name in POINT else parameter(name).unit


def _in_its_unit(name: str, value: Any) -> Any:
    """`value` without the unit that it may bring; an array, or what becomes one."""
    unit = _unit(name)
    try:
        found = in_unit(name, value, unit)
        np.asarray(found)
    except OpenmrError:
        raise
    except Exception:  # rows of unequal length, for one
        raise ParameterError(
            f"`{name}` must be a number or an array, got {_checks.shown(value)}"
        ) from None
    return found


def _is_dimension(name: str, value: Any) -> bool:
    one_vector = isinstance(value, tuple) and np.shape(value) == (3,) and _is_vector(name)
    return np.asarray(value).ndim > (1 if name == "direction" or one_vector else 0)


def _dimension(name: str, value: Any) -> NDArray[Any]:
    if _is_word(name):
        array = np.array([_checks.word(name, one) for one in value])
    else:
        array = _checks.finite_array(name, value, infinite=_is_infinite(name))
    allowed = (1, 2) if _is_vector(name) else (1,)
    if array.ndim not in allowed or array.size == 0 or (array.ndim == 2 and array.shape[1] != 3):
        shape = "one-dimensional or (n, 3)" if _is_vector(name) else "one-dimensional"
        raise ParameterError(
            f"`{name}` must be a number or {shape} and not empty, got shape {array.shape}"
        )
    return array


def coordinates(task: Task) -> dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, str]]]:
    """Name -> (dimensions, values, attributes) of every coordinate."""
    found = {}
    for name, given in {**task.dimensions, **task.fixed}.items():
        units = {"units": _unit(name).replace("Ohm", "ohm"), "long_name": name.replace("_", " ")}
        dims: tuple[str, ...] = (name,) if name in task.dimensions else ()
        values = np.asarray(given)
        label = name
        if values.ndim > len(dims):  # vectors: a dimension may not share its name with a matrix
            if dims:
                told = {"long_name": name} if name == "direction" else units
                found[name] = (dims, _texts(values), told)
            dims, label = (*dims, "component"), f"{name}_vector"
        found[label] = (dims, values, units)
    return found


def _texts(vectors: NDArray[Any]) -> NDArray[Any]:
    """Names of vectors for plots and selections, shape (n,): its components, "0 0.6 0.8"."""
    noise = np.abs(vectors) < 1e-12 * np.abs(vectors).max(axis=-1, keepdims=True)
    rows = np.where(noise, 0.0, vectors).tolist()  # cos(pi/2) is not quite 0, and -0 is 0
    return np.array([f"{x:g} {y:g} {z:g}" for x, y, z in rows])


def attributes(plan: Plan) -> dict[str, str]:
    """Metadata of the dataset, as text that every file format takes."""
    told = plan.description()
    return {
        "title": f"openmr sweep of {plan.task.sample.name}",
        "source": f"openmr {told['version']}",
        "method": plan.task.method,
        "description": json.dumps(told),
    }
