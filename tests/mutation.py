"""Deliberately wrong variants of a module, made over its syntax tree.

Each changes one place: a coefficient, a sign, a power, an index, a label, a term.
"""

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
TURNED = {ast.Add: ast.Sub, ast.Sub: ast.Add}
LAYOUT_CALLS = {"moveaxis", "swapaxes", "stack", "sum", "reshape", "zeros", "_replace"}
"""Their integers are axes and sizes of arrays."""


class Mutant(NamedTuple):
    """One wrong variant: which function, which change, and the function's code alone."""

    function: str
    change: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return f"{self.function}: {self.change}"


class Place(NamedTuple):
    """Where a node hangs in its tree."""

    parent: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def _hanging(parent: ast.AST) -> Iterator[tuple[Place, ast.AST]]:
    for field, value in ast.iter_fields(parent):
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, node in items:
            if isinstance(node, ast.AST):
                yield Place(parent, field, index), node


@contextmanager
def _instead(place: Place, node: ast.AST, new: ast.AST) -> Iterator[None]:
    place.put(new)
    try:
        yield
    finally:
        place.put(node)


def _mutant(change: str, function: ast.FunctionDef) -> Mutant:
    """The function as it is now, ready to be compiled and to be run where the right one stands."""
    tree = ast.Module([copy.deepcopy(function)], [])
    return Mutant(function.name, change, ast.fix_missing_locations(tree))


def _functions(source: str) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_integer(node: ast.AST) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and type(inner.value) is int


def _is_layout(index: ast.AST) -> bool:
    """Whether it picks no element: a slice, an ellipsis, a new axis."""
    return isinstance(index, ast.Slice) or getattr(index, "value", 0) in (..., None)


def _is_index(node: ast.AST) -> bool:
    """Whether the numbers of a tuple are indices."""
    return isinstance(node, ast.Tuple) and any(map(_is_layout, node.elts))


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _said(function: ast.FunctionDef) -> list[tuple[Place, ast.AST]]:
    """Everything in the body of a function that does not only check, warn or lay out."""
    return [(place, node) for _, place, node in _walk(ast.Module(function.body, []))]


def _sites(function: ast.FunctionDef) -> Iterator[tuple[Place, ast.AST, str]]:
    """(place, node, kind) of every coefficient, sign and power."""
    axes: list[ast.AST] = []
    for place, node in _said(function):
        parent = place.parent
        if isinstance(parent, ast.Subscript) and place.field == "slice":
            continue
        layout = isinstance(parent, ast.Call) and _called(parent) in LAYOUT_CALLS
        layout = (layout and place.field == "args") or isinstance(parent, ast.Slice)
        if (layout and _is_integer(node)) or parent in axes or _is_index(parent):
            axes.append(node)
            continue
        if _is_number(node):
            power = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow)
            yield place, node, "power" if power else "coefficient"
        elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
            yield place, node, "operator"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield place, node, "sign"


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
    found = []
    for function in _functions(source):
        for place, node, kind in list(_sites(function)):
            new = _changed(node, kind)
            with _instead(place, node, new):
                found.append(_mutant(f"{ast.unparse(node)} -> {ast.unparse(new)}", function))
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
    if not isinstance(node, (ast.Attribute, ast.Name, ast.Subscript)):
        return None
    new = copy.deepcopy(node)
    if isinstance(new, ast.Attribute):
        new.attr = _partner(new.attr)
    elif isinstance(new.ctx, ast.Load) and isinstance(new, ast.Name):
        new.id = _partner(new.id)
    elif isinstance(new.ctx, ast.Load):
        inside = new.slice.elts if isinstance(new.slice, ast.Tuple) else [new.slice]
        integers = [one for one in inside if _is_number(one)]
        if len(integers) == 1:
            integers[0].value = integers[0].value - 1 if integers[0].value else 1
        elif len(inside) > 1 and not any(map(_is_layout, inside[-2:])):
            inside[-2:] = inside[:-3:-1]
    return new if ast.dump(new) != ast.dump(node) else None


def _names(function: ast.AST) -> set[str]:
    """Names that a function knows: variables, arguments, attributes."""
    return {
        getattr(node, field)
        for node in ast.walk(function)
        for kind, field in ((ast.Name, "id"), (ast.arg, "arg"), (ast.Attribute, "attr"))
        if isinstance(node, kind)
    }


def index_mutants(source: str) -> list[Mutant]:
    """Every single change of an index in the functions of a module; a name must be known there."""
    found = []
    for function in _functions(source):
        known = _names(function)
        for place, node in _said(function):
            new = _other_index(node)
            if new and getattr(new, "attr", getattr(new, "id", None)) in {None, *known}:
                with _instead(place, node, new):
                    change = f"{ast.unparse(node)} -> {ast.unparse(new)}"
                    found.append(_mutant(change, function))
    return found


def _labels(function: ast.FunctionDef) -> Iterator[ast.Name]:
    """Names that stand alone between brackets or commas, types in the signature apart."""
    for node in ast.walk(ast.Module(function.body, [])):
        if isinstance(node, ast.Subscript):
            inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            yield from (name for name in inside if isinstance(name, ast.Name))


def sum_mutants(source: str) -> list[Mutant]:
    """Every single change of a label or of the sign of a term in the functions of a module.

    A label, V[a2, a3], may not be known where it is put: such a variant raises NameError when it
    is called.
    """
    found = []
    for function in _functions(source):
        labels = list(_labels(function))
        for k, label in enumerate(labels):
            right = label.id
            for label.id in sorted({other.id for other in labels} - {right}):
                found.append(_mutant(f"label {k} {right} -> {label.id}", function))
            label.id = right
        for parent in ast.walk(function):
            for place, node in _hanging(parent):
                if isinstance(node, ast.AugAssign) and type(node.op) in TURNED:
                    new = copy.copy(node)
                    new.op = TURNED[type(node.op)]()
                    with _instead(place, node, new):
                        change = f"{ast.unparse(node)} with the other sign"
                        found.append(_mutant(change, function))
    return found


class Variant(NamedTuple):
    """One wrong variant of a whole module."""

    function: str  # "module" for what stands outside of functions
    kind: str  # sign, factor 2, swapped, dropped, off by one
    place: Place
    right: ast.AST
    new: ast.AST

    @property
    def change(self) -> str:
        return f"{ast.unparse(self.right)} -> {ast.unparse(ast.fix_missing_locations(self.new))}"

    def tree(self, module: ast.Module) -> ast.Module:
        """The tree of the wrong module, apart from the right one."""
        with _instead(self.place, self.right, self.new):
            return ast.fix_missing_locations(copy.deepcopy(module))


COUNTING = {"range", "arange", "linspace"}
SYMMETRIC = {
    *("maximum", "minimum", "max", "min", "hypot", "add", "multiply", "logaddexp"),
    *("allclose", "isclose", "array_equal", "broadcast_arrays", "broadcast_shapes"),
    *("isinstance", "getattr", "map", "zip", "where", "reshape"),
    *("expect", "dot", "vdot", "clip", "swapaxes"),
}
"""Calls whose first two arguments may change places, or that cannot run if they do."""
UNSEEN = (ast.Raise, ast.Assert, ast.JoinedStr, ast.arguments, ast.expr_context, ast.operator)
TOLD = ("__repr__", "__str__", "to_dict", "shown")
"""Words for people: no number comes out."""


def _silent(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Whether nothing in a node is arithmetic of physics: checks, messages, types, layout."""
    if isinstance(node, ast.FunctionDef):
        told = node.name in TOLD or node.name.startswith(("check", "_check", "_told", "_warn"))
        return told or isinstance(node.body[-1], ast.Raise)
    if isinstance(parent, ast.keyword):
        return isinstance(node, (ast.Constant, ast.UnaryOp)) or str(parent.arg).endswith("tol")
    if isinstance(parent, ast.If) and field == "test":
        return isinstance(parent.body[-1], ast.Raise)
    if isinstance(node, ast.Call):
        return "_checks." in ast.unparse(node.func) or "warn" in _called(node)
    alias = isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Callable"
    return alias or (isinstance(node, ast.ClassDef) and node.name.endswith("Error"))


def _walk(parent: ast.AST, function: str = "module") -> Iterator[tuple[str, Place, ast.AST]]:
    """(function, place, node), from the outside to the inside, without what is silent."""
    for place, node in _hanging(parent):
        if isinstance(node, UNSEEN) or place.field in ("decorator_list", "annotation", "returns"):
            continue
        if _silent(parent, place.field, node):
            continue
        inside = function
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and isinstance(
            parent, (ast.Module, ast.ClassDef)
        ):
            inside = f"{function}.{node.name}".removeprefix("module.")
        if not isinstance(parent, ast.ClassDef) or isinstance(node, ast.FunctionDef):
            yield inside, place, node
            yield from _walk(node, inside)


def _is_text(node: ast.AST) -> bool:
    kinds = (ast.JoinedStr, ast.List, ast.Tuple)
    return isinstance(node, kinds) or (isinstance(node, ast.Constant) and type(node.value) is str)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for field, value in fields.items():
        setattr(new, field, value)
    return new


def _of_operation(place: Place, node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    op, left, right = type(node.op), node.left, node.right
    above = place.parent
    if _is_text(left) or _is_text(right) or ast.unparse(left) == "0":
        return
    if op in TURNED:
        yield "sign", _with(node, op=TURNED[op]())
        yield "dropped", left
        yield "dropped", right if op is ast.Add else ast.UnaryOp(ast.USub(), right)
        for side, number in (("left", left), ("right", right)):
            if _is_number(number):
                more = number.value + 1 if _is_integer(number) else 2 * number.value
                kind = "off by one" if _is_integer(number) else "factor 2"
                yield kind, _with(node, **{side: ast.Constant(more)})
    if op in (ast.Mult, ast.Div):
        inner = isinstance(above, ast.BinOp) and isinstance(above.op, (ast.Mult, ast.Div))
        if not inner and not isinstance(above, ast.Slice) and place.field != "slice":
            yield "factor 2", ast.BinOp(ast.Constant(2), ast.Mult(), node)
    if op in (ast.Div, ast.MatMult) and ast.dump(left) != ast.dump(right):
        yield "swapped", _with(node, left=right, right=left)
    if op is ast.Pow and _is_integer(right) and not _is_number(left):
        yield "off by one", _with(node, right=_one_more(right))


def _one_more(node: ast.AST) -> ast.AST:
    return ast.parse(str(ast.literal_eval(node) + 1), mode="eval").body


def _of_call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    args = node.args
    kinds = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp)
    if len(args) > 1 and isinstance(args[0], kinds) and type(args[0]) is type(args[1]):
        differ = ast.dump(args[0]) != ast.dump(args[1])
        if differ and _called(node) not in SYMMETRIC:
            yield "swapped", _with(node, args=[args[1], args[0], *args[2:]])
    if _called(node) in COUNTING:
        for k, arg in enumerate(args):
            more = _one_more(arg) if _is_integer(arg) else None
            more = ast.BinOp(arg, ast.Add(), ast.Constant(1)) if isinstance(arg, kinds) else more
            if more:
                yield "off by one", _with(node, args=[*args[:k], more, *args[k + 1 :]])


def _of_any(place: Place, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(kind, the wrong node) for every change of one node."""
    if isinstance(node, ast.BinOp):
        yield from _of_operation(place, node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        counted = isinstance(place.parent, (ast.Call, ast.Tuple, ast.Slice, ast.Subscript))
        if not (counted and _is_integer(node)):
            yield "sign", node.operand
    elif isinstance(node, ast.AugAssign):
        if type(node.op) in TURNED:
            yield "sign", _with(node, op=TURNED[type(node.op)]())
        yield "dropped", ast.Pass()
    elif isinstance(node, ast.Slice):
        for side in ("lower", "upper"):
            if _is_integer(bound := getattr(node, side) or ast.Constant("")):
                yield "off by one", _with(node, **{side: _one_more(bound)})
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        closed = {ast.Lt: ast.LtE, ast.Gt: ast.GtE}.get(type(node.ops[0]))
        if closed and _is_integer(node.comparators[0]):
            yield "off by one", _with(node, ops=[closed()])


def variants(source: str, constants: bool = False) -> tuple[ast.Module, list[Variant]]:
    """The tree of a module, and every single change of it that a physicist may get wrong.

    With `constants` the numbers that are given names there, too, are doubled.
    """
    tree, found = ast.parse(source), []
    known = _names(tree)
    for function, place, node in _walk(tree):
        changes = list(_of_any(place, node))
        sizes = getattr(getattr(node, "value", None), "attr", "") in ("shape", "dims")
        other = None if sizes else _other_index(node)  # of square matrices, or it cannot run
        if other and getattr(other, "attr", getattr(other, "id", None)) in {None, *known}:
            changes.append(("swapped", other))
        if constants and function == "module" and isinstance(place.parent, ast.AnnAssign):
            changes += [("factor 2", ast.Constant(2 * node.value))] if _is_number(node) else []
        found += [Variant(function, kind, place, node, new) for kind, new in changes]
    return tree, found
