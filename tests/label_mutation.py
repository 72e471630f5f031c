"""Wrong variants in which a label of a sum, V[a2, a3], is taken for another label of it."""

import ast
import copy
from collections.abc import Iterator

from mutation import Mutant


def _labels(function: ast.AST) -> Iterator[ast.Name]:
    """Names that stand alone between brackets or commas."""
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript):
            inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            yield from (name for name in inside if isinstance(name, ast.Name))


def label_mutants(source: str) -> list[Mutant]:
    """Every label of the functions of a module replaced by every other in use, one at a time.

    A label may not be known where it is put: such a variant raises NameError when it is called.
    """
    original = ast.parse(source)
    found = []
    for position, function in enumerate(original.body):
        if not isinstance(function, ast.FunctionDef):
            continue
        labels = [label.id for label in _labels(function)]
        for k, label in enumerate(labels):
            for other in sorted(set(labels) - {label}):
                tree = copy.deepcopy(original)
                list(_labels(tree.body[position]))[k].id = other
                change = f"label {k} {label} -> {other}"
                found.append(Mutant(function.name, change, ast.fix_missing_locations(tree)))
    return found
