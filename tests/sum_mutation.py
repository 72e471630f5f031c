"""Wrong variants of sums: a label, V[a2, a3], taken for another; a term subtracted, not added."""

import ast
import copy
from collections.abc import Iterator

from mutation import Mutant, mutant

TURNED = {ast.Add: ast.Sub, ast.Sub: ast.Add}


def _labels(function: ast.FunctionDef) -> Iterator[ast.Name]:
    """Names that stand alone between brackets or commas, types in the signature apart."""
    for node in ast.walk(ast.Module(function.body, [])):
        if isinstance(node, ast.Subscript):
            inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            yield from (name for name in inside if isinstance(name, ast.Name))


def _additions(function: ast.AST) -> list[ast.AugAssign]:
    """Statements `total += term` and `total -= term`."""
    found = (node for node in ast.walk(function) if isinstance(node, ast.AugAssign))
    return [node for node in found if type(node.op) in TURNED]


def _variants(function: ast.FunctionDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    labels = [label.id for label in _labels(function)]
    for k, label in enumerate(labels):
        for other in sorted(set(labels) - {label}):
            wrong = copy.deepcopy(function)
            list(_labels(wrong))[k].id = other
            yield f"label {k} {label} -> {other}", wrong
    for k, statement in enumerate(_additions(function)):
        wrong = copy.deepcopy(function)
        _additions(wrong)[k].op = TURNED[type(statement.op)]()
        yield f"{ast.unparse(statement)} with the other sign", wrong


def sum_mutants(source: str) -> list[Mutant]:
    """Every single change of a label or of the sign of a term in the functions of a module.

    A label may not be known where it is put: such a variant raises NameError when it is called.
    """
    return [
        mutant(change, wrong)
        for function in ast.parse(source).body
        if isinstance(function, ast.FunctionDef)
        for change, wrong in _variants(function)
    ]
