"""A module-level name without an underscore is one that somebody outside its file uses."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("openmr", "tests", "docs", "examples", "benchmarks")
PAGES = {".md", ".rst", ".ipynb"}
CELLS = ROOT / "openmr" / "apps" / "explorer" / "app.py"  # marimo runs it, and names its cells
CHAPTERS = ROOT / "openmr" / "reports" / "ledger"  # each is loaded by its name for its ENTRIES
LATER = (
    r"openmr/(units|rates/(closed_form|methods|routes/(batched|evolution|heom|tcl2))"
    r"|reports/(verify/|validity|ledger/(__init__|entries|report)))"
)
"""Files that are still to be put in order."""


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def texts():
    files = (path for place in PLACES for path in (ROOT / place).rglob("*"))
    return {path: path.read_text() for path in files if path.suffix in PAGES | {".py"}}


@cache
def trees():
    return {path: ast.parse(text) for path, text in texts().items() if path.suffix == ".py"}


@cache
def lazy():
    """`om.hilbert` and its like -> the module that it is."""
    found = {}
    for node in trees()[ROOT / "openmr" / "__init__.py"].body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_LAZY_MODULES":
            found = ast.literal_eval(node.value)
    return {f"openmr.{name}": module for name, module in found.items()}


def full_name(node, aliases):
    """Dotted name of what an expression such as `om.bath.spin_matrices` stands for."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = full_name(node.value, aliases)
        name = f"{base}.{node.attr}" if base else ""
        return lazy().get(name, name)
    return ""


@cache
def used_from():
    """Full name -> files in which it is imported, written out, or looked up in its module."""
    found = {}
    for path, tree in trees().items():
        aliases, names, nodes = {}, set(), list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openmr"):
                for one in node.names:
                    name = f"{node.module}.{one.name}"
                    aliases[one.asname or one.name] = lazy().get(name, name)
                    names.add(name)
            elif isinstance(node, ast.Import):
                for one in node.names:
                    if one.name.startswith("openmr"):
                        whole = one.name if one.asname else "openmr"
                        aliases[one.asname or "openmr"] = whole
        for node in nodes:
            if isinstance(node, ast.Attribute):
                names.add(full_name(node, aliases))
        for name in names:
            found.setdefault(name, set()).add(path)
    return found


def words(text):
    return set(re.findall(r"[A-Za-z]\w*", text))


def dotted(text):
    """Names at the end of a path in dots, or alone in quotes as for `setattr`."""
    found = re.findall(r"""(?:openmr|om)(?:\.\w+)*\.(\w+)|["'](\w+)["']""", text)
    return {first or second for first, second in found}


@cache
def mentioned():
    """Name -> pages that have the word, and files of code that have it in dots or in quotes."""
    found = {}
    for path, text in texts().items():
        for name in words(text) if path.suffix in PAGES else dotted(text):
            found.setdefault(name, set()).add(path)
    return found


def assigned(tree):
    """Public names that a module defines at its top level."""
    for node in tree.body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in targets:
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))


def promised(tree):
    """Names in `__all__`, and those that the signatures of public functions mention."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            yield from ast.literal_eval(node.value)
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = [*node.args.args, *node.args.kwonlyargs]
            notes = [node.returns, *(one.annotation for one in arguments)]
            for note in filter(None, notes):
                yield from (one.id for one in ast.walk(note) if isinstance(one, ast.Name))


def unused(path):
    """Public names of a file that nobody outside it uses."""
    module, tree = module_of(path), trees()[path]
    parents = [module.rpartition(".")[0]] if path.name != "__init__.py" else []
    kept = set(promised(tree))
    for name in dict.fromkeys(assigned(tree)):
        places = set().union(*(used_from().get(f"{m}.{name}", set()) for m in [module, *parents]))
        if not (
            name.startswith("_")
            or name in kept
            or path == CELLS
            or (name == "ENTRIES" and path.parent == CHAPTERS)
            or places - {path}
            or mentioned().get(name, set()) - {path}
        ):
            yield f"{module}.{name}"


@pytest.mark.slow
def test_public_names_are_used():
    package = [path for path in trees() if path.is_relative_to(ROOT / "openmr")]
    done = [path for path in package if not re.search(LATER, path.as_posix())]
    assert [name for path in done for name in unused(path)] == []


@pytest.mark.slow
def test_an_unused_name_is_found():
    path = ROOT / "openmr" / "_checks.py"
    trees()[path].body += ast.parse("NOBODY_NEEDS_THIS = 1").body
    try:
        assert [name.rpartition(".")[2] for name in unused(path)] == ["NOBODY_NEEDS_" + "THIS"]
    finally:
        trees()[path].body.pop()
