"""Every example asserts, about numbers that it worked out, what its title says."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.prose

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def assertions(source):
    """Demands that a run meets: none inside a function, which may never be called."""
    pending, found = list(ast.parse(source).body), []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Assert):
            found.append(node)
        elif not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return found


def worked_out(source):
    """Names whose value comes from a call: no constant, and nothing made of constants alone."""
    found, size = set(), -1
    while len(found) > size:
        size = len(found)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Assign):
                value, targets = node.value, node.targets
            elif isinstance(node, ast.For | ast.comprehension):
                value, targets = node.iter, [node.target]
            else:
                continue
            inside = list(ast.walk(value))
            if any(isinstance(n, ast.Call) or getattr(n, "id", None) in found for n in inside):
                found |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return found


def says_something(source):
    """Whether one assertion compares a number that was worked out."""
    numbers = worked_out(source)
    for demand in assertions(source):
        inside = list(ast.walk(demand.test))
        compares = any(isinstance(n, ast.Compare | ast.Call) for n in inside)
        if compares and any(getattr(n, "id", None) in numbers for n in inside):
            return True
    return False


def test_every_example_asserts_its_message():
    assert len(EXAMPLES) > 20
    assert [path.name for path in EXAMPLES if not says_something(path.read_text())] == []


@pytest.mark.parametrize(
    "idle",
    [
        "x = f(1)",
        "assert True",
        "x = f(1)\nassert 1 < 2",
        "x = 3.0\nassert x > 2",
        "def check():\n    x = f(1)\n    assert x > 2",
        "x = f(1)\nassert x",
    ],
)
def test_an_idle_assertion_does_not_count(idle):
    assert not says_something(idle)


def test_a_number_in_a_loop_counts():
    assert says_something("for x in f(3):\n    y = 2 * x\n    assert y < 1")
