"""Deliberately wrong variants of a module, made over its syntax tree."""

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
LAYOUT_CALLS = {"moveaxis", "stack", "sum", "_replace"}  # their integers are axes of arrays


class Mutant(NamedTuple):
    """One wrong variant: which function, which change, and the function's code alone."""

    function: str
    change: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return f"{self.function}: {self.change}"


def mutant(change: str, wrong: ast.FunctionDef) -> Mutant:
    """The wrong function, ready to be compiled and to be run where the right one stands."""
    return Mutant(wrong.name, change, ast.fix_missing_locations(ast.Module([wrong], [])))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _sites(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, str]]:
    """(parent, field, index, kind) of every coefficient, sign and power."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            items = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for index, node in items:
                if isinstance(parent, (ast.Subscript, ast.keyword)) and field in ("slice", "value"):
                    if isinstance(parent, ast.Subscript) and field == "slice":
                        continue
                    if isinstance(parent, ast.keyword) and _is_layout(node):
                        continue
                if isinstance(parent, ast.Call) and field == "args" and _is_layout(node):
                    called = parent.func
                    name = getattr(called, "attr", getattr(called, "id", ""))
                    if name in LAYOUT_CALLS:
                        continue
                if _is_number(node):
                    power = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow)
                    yield parent, field, index, "power" if power else "coefficient"
                elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
                    yield parent, field, index, "operator"
                elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                    yield parent, field, index, "sign"


def _is_layout(node: ast.AST) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and type(inner.value) is int


def _changed(node: ast.AST, kind: str) -> ast.AST:
    new = copy.deepcopy(node)
    if kind == "power":
        new.value = node.value + 1
    elif kind == "coefficient":
        new.value = 1.37 * node.value if node.value else 0.37
    elif kind == "operator":
        new.op = SWAPPED[type(node.op)]()
    else:
        new = new.operand
    return new


def mutants(source: str) -> list[Mutant]:
    """Every single change of a coefficient, sign or power in the functions of a module."""
    original = ast.parse(source)
    found = []
    for function in original.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for k in range(len(list(_sites(ast.Module(function.body, []))))):
            wrong = copy.deepcopy(function)
            parent, field, index, kind = list(_sites(ast.Module(wrong.body, [])))[k]
            value = getattr(parent, field)
            node = value if index is None else value[index]
            new = _changed(node, kind)
            change = f"{ast.unparse(node)} -> {ast.unparse(new)}"
            if index is None:
                setattr(parent, field, new)
            else:
                value[index] = new
            found.append(mutant(change, wrong))
    return found


PARTNERS = (
    "jx jy",
    "up down",
    "own other",
    "theta phi",
    "charge spin",
    "after before",
    "par perp",
)
"""Words of names that differ by an index alone."""


def _partner(name: str) -> str:
    for pair in PARTNERS:
        one, other = pair.split()
        words = name.split("_")
        swapped = [{one: other, other: one}.get(word, word) for word in words]
        if swapped != words:
            return "_".join(swapped)
    return name


def _other_index(node: ast.AST) -> ast.AST | None:
    """The node with one index changed: a constant by one, two of them swapped, jx for jy."""
    new = copy.deepcopy(node)
    if isinstance(new, ast.Attribute):
        new.attr = _partner(new.attr)
    elif isinstance(new, ast.Name):
        new.id = _partner(new.id)
    elif isinstance(new, ast.Subscript) and isinstance(new.ctx, ast.Load):
        index = new.slice
        if isinstance(index, ast.Tuple) and len(index.elts) == 2:
            index.elts.reverse()
        elif isinstance(index, ast.Constant) and type(index.value) is int:
            index.value = index.value - 1 if index.value else 1
        else:
            return None
    else:
        return None
    return new if ast.dump(new) != ast.dump(node) else None


def index_mutants(source: str) -> list[Mutant]:
    """Every single change of an index in the functions of a module; a name must be known there."""
    original = ast.parse(source)
    found = []
    for function in original.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        known = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        known |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        known |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        for k, node in enumerate(ast.walk(ast.Module(function.body, []))):  # not its annotations
            new = _other_index(node)
            if new is None or getattr(new, "attr", getattr(new, "id", None)) not in {None, *known}:
                continue
            wrong = copy.deepcopy(function)
            list(ast.walk(ast.Module(wrong.body, [])))[k].__dict__.update(new.__dict__)
            found.append(mutant(f"{ast.unparse(node)} -> {ast.unparse(new)}", wrong))
    return found
