"""Functions of the package made wrong where they stand, so that all who call them are wrong."""

import ast
import copy
import dataclasses
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pkgutil import resolve_name
from typing import Any

import numpy as np
from mutation import index_mutants, mutants
from qutip import Qobj

Function = types.FunctionType


@contextmanager
def replaced(function: Function, code: types.CodeType) -> Iterator[None]:
    """Run other code wherever `function` is called, by whatever name it was imported."""
    function = inspect.unwrap(function)
    intact = function.__code__
    function.__code__ = code.replace(co_freevars=intact.co_freevars)
    try:
        yield
    finally:
        function.__code__ = intact


def compiled(function: Function, tree: ast.Module) -> types.CodeType:
    """Code of the function of this name in `tree`, which knows what `function` knows."""
    room = {**function.__globals__, "property": lambda f: f}  # a property's code is its getter's
    exec(compile(tree, f"<variant of {function.__name__}>", "exec"), room)
    return inspect.unwrap(room[function.__name__]).__code__


def rewritten(function: Function, old: str, new: str) -> types.CodeType:
    """Code of `function` with a piece of its source changed."""
    source = textwrap.dedent(inspect.getsource(function))
    assert old in source, f"{function.__name__} no longer says {old!r}"
    return compiled(function, ast.parse(source.replace(old, new)))


def variants(function: Function) -> Iterator[tuple[str, types.CodeType]]:
    """(change, code) for every coefficient, sign, operator, power and index of a function."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):  # variants know no types
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
    source = ast.unparse(tree)
    for mutant in mutants(source) + index_mutants(source):
        yield mutant.change, compiled(function, mutant.tree)


def unnoticed(function: Function, is_right: Callable[[], bool]) -> list[str]:
    """Changes of a function with which all `is_right` says is so; what fails is noticed, too."""
    found = []
    for change, code in variants(function):
        with replaced(function, code), np.errstate(all="ignore"), suppress(Exception):
            if is_right():
                found.append(change)
    return found


def functions(name: str) -> list[Function]:
    """The function of a dotted name, or the methods and properties of a class."""
    found = resolve_name(name)
    if not inspect.isclass(found):
        return [inspect.unwrap(found)]
    members = [value for key, value in vars(found).items() if not key.startswith("_")]
    plain = [getattr(m, "fget", None) or getattr(m, "__func__", None) or m for m in members]
    return [m for m in plain if isinstance(m, Function)]


@contextmanager
def spoiled(name: str, spoil: Callable[[Any], Any]) -> Iterator[None]:
    """What has this dotted name returns `spoil` of what it should."""
    with _all_spoiled(functions(name), spoil):
        yield


@contextmanager
def _all_spoiled(some: list[Function], spoil: Callable[[Any], Any]) -> Iterator[None]:
    if not some:
        yield
        return
    function, *rest = some
    intact = Function(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    intact.__kwdefaults__ = function.__kwdefaults__
    key = f"_spoiled_{id(function)}"
    room: dict[str, Any] = {}
    exec(f"def wrong(*given, **named): return {key}(*given, **named)", room)
    function.__globals__[key] = lambda *given, **named: spoil(intact(*given, **named))
    try:
        with replaced(function, room["wrong"].__code__), _all_spoiled(rest, spoil):
            yield
    finally:
        del function.__globals__[key]


def scaled(value: Any, *, uneven: float = 0.0, factor: float = 2.0) -> Any:
    """Twice the numbers in `value`; growing from element to element if `uneven`."""

    def again(item: Any, more: float = 0.0) -> Any:
        return scaled(item, uneven=uneven, factor=factor + uneven * more)

    found = value
    if isinstance(value, Qobj):
        found = Qobj(again(value.full()), dims=value.dims)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "iufc":
        slope = uneven * np.arange(value.size).reshape(value.shape) / max(value.size, 1)
        found = (factor + slope) * value
    elif isinstance(value, (tuple, list)):
        items = [again(item, more) for more, item in enumerate(value)]
        found = type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    elif isinstance(value, dict):
        found = {key: again(item) for key, item in value.items()}
    elif dataclasses.is_dataclass(value):
        found = copy.copy(value)
        named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        for worked_out in getattr(found, "__dict__", {}).keys() - named:
            del vars(found)[worked_out]
        for name, item in named.items():
            if isinstance(item, (float, np.ndarray)) or hasattr(item, "_fields"):
                object.__setattr__(found, name, again(item))
    elif inspect.isgenerator(value):
        found = map(again, value)
    elif callable(value):
        found = lambda *given, **named: again(value(*given, **named))  # noqa: E731
    elif not (value is None or isinstance(value, (bool, str, np.bool_, np.ndarray))):
        found = factor * value  # a number, or a sparse matrix
    return found


def clear_caches() -> None:
    """Forget what the package has stored; names in `openmr` alone are looked through."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "openmr":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
