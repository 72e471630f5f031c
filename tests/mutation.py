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
    """One wrong variant: which function, which change, and the code."""

    function: str
    change: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return f"{self.function}: {self.change}"


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
    for position, function in enumerate(original.body):
        if not isinstance(function, ast.FunctionDef):
            continue
        count = len(list(_sites(ast.Module(function.body, []))))
        for k in range(count):
            tree = copy.deepcopy(original)
            body = ast.Module(tree.body[position].body, [])
            parent, field, index, kind = list(_sites(body))[k]
            value = getattr(parent, field)
            node = value if index is None else value[index]
            new = _changed(node, kind)
            change = f"{ast.unparse(node)} -> {ast.unparse(new)}"
            if index is None:
                setattr(parent, field, new)
            else:
                value[index] = new
            found.append(Mutant(function.name, change, ast.fix_missing_locations(tree)))
    return found
