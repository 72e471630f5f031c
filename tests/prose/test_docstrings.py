"""Every public docstring: complete by numpydoc, with shapes and units, and with what it raises.

Not asked for, of numpydoc's checks: an extended summary, examples and "See also" of each function
(ES01, EX01, SA01), since a one-line law needs none; a description below each type (PR07), since the
type line holds shape and unit; capitals (SS02, PR08, RT04) and verbs (SS05), since a summary may
begin with a symbol, and a formula is named by a noun; blank lines and quotes (GL01-GL03), which the
formatter decides. A parameter that is a record of ours may go unsaid: its annotation names the
class, which says what is in it. So may what stands at another function of the file to the letter,
where the docstring says "Parameters, returns and errors as of `that`" or some of these.
"""

import ast
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import openmr
import openmr.rates.routes

pytestmark = pytest.mark.prose

CHECKS = {
    *("GL05", "GL06", "GL07", "GL08", "GL09"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR09", "PR10"),
    *("RT01", "RT02", "RT03", "YD01"),
    *("SS01", "SS03", "SS04", "SS06"),
}
ROUTES = tuple(module.name for module in pkgutil.iter_modules(openmr.rates.routes.__path__))
MODULES = tuple(
    dict.fromkeys(
        [
            *openmr._LAZY_MODULES.values(),
            *("openmr.data.measured", "openmr.sample.presets", "openmr.sample.stack"),
            *("openmr.rates.faces", "openmr.units"),
            "openmr.moments.vector_equilibrium",
            *(f"openmr.rates.routes.{name}" for name in ROUTES),
        ]
    )
)
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

NUMBER = re.compile(r"^(float|complex|array|(complex |sparse )?array|array_like|\(float)")
UNIT = re.compile(
    r"\b(eV|K|k_B T|T|m|s|A/m\^2|V/m|Ohm m|Ohm m\^2|S/m\^2|rad|rad/s|1/s|1/m|m\^-[123]|m\^2/s|bytes"
    r"|beta hbar|length|(free-)?electron mass(es)?|no unit|any unit|in the units?|inverse unit"
    r"|units? of|1/time|1/length|pixels per inch)(?![\w^])"
)
BRACKETED = re.compile(rf"\[{UNIT.pattern}\]")
SHAPE = re.compile(r"\(.*\)|shape|float|broadcast")


@cache
def named():
    """(name, object) of all that is public, each once."""
    names = (*openmr.__all__, *openmr._LAZY_NAMES)
    found = {f"openmr.{name}": getattr(openmr, name) for name in names}
    for module in MODULES:
        found[module] = import_module(module)
    for name, thing in list(found.items()):
        if inspect.ismodule(thing):
            found |= {
                f"{name}.{key}": value
                for key, value in ((key, getattr(thing, key)) for key in dir(thing))
                if not key.startswith("_")
                and (inspect.isfunction(value) or inspect.isclass(value))
                and (value.__module__ == thing.__name__ or key in getattr(thing, "__all__", ()))
            }
    for name, thing in list(found.items()):
        if inspect.isclass(thing):
            found |= {
                f"{name}.{key}": value
                for key, value in vars(thing).items()
                if not key.startswith("_")
                and (inspect.isfunction(value) or isinstance(value, (property, classmethod)))
            }
    return found


@cache
def functions():
    return {
        name: getattr(thing, "__func__", thing)
        for name, thing in named().items()
        if inspect.isfunction(thing) or isinstance(thing, classmethod)
    }


@cache
def records():
    return {
        name: thing
        for name, thing in named().items()
        if inspect.isclass(thing) and hasattr(thing, "__annotations__")
    }


@cache
def parsed(name):
    return NumpyDocString(inspect.getdoc(named()[name]) or "")


def entries(name):
    """Parameters, attributes and returns of a name."""
    doc = parsed(name)
    return [*doc["Parameters"], *doc["Attributes"], *doc["Returns"], *doc["Yields"]]


def told_by_another(name):
    """The words before "as of `that`" in a docstring, and the docstring of that."""
    said = re.search(r"(\w.*)\sas of `(\w+)`\.$", inspect.getdoc(named()[name]) or "", re.M)
    if not said:
        return "", {"Parameters": (), "Returns": (), "Raises": ()}
    return said[1].lower(), parsed(f"{name.rpartition('.')[0]}.{said[2]}")


def unsaid(name, code, text):
    """Whether a PR01 or RT01 tells of something that nothing explains."""
    if name in records():  # its fields stand under Attributes
        return code != "PR01"
    what, other = told_by_another(name)
    if code == "RT01":
        return "returns" not in what or not other["Returns"]
    told = {record.__name__ for record in records().values()} | {"Axes"}
    notes = inspect.get_annotations(functions()[name])
    there = {part.strip() for entry in other["Parameters"] for part in entry.name.split(",")}
    return any(
        not {*str(notes.get(one)).removesuffix(" | None").split(" | ")} <= told
        and not ("parameters" in what and one in there)
        for one in re.findall(r"'(\w+)'", text)
    )


def test_numpydoc():
    wrong = []
    stations = {"openmr.bath", "openmr.master"}  # no "def", which numpydoc needs; see test_house
    for name in [one for one in named() if one not in stations]:
        found = [pair for pair in validate(name)["errors"] if pair[0] in CHECKS]
        found = [pair for pair in found if pair[0] not in ("PR01", "RT01") or unsaid(name, *pair)]
        wrong += [f"{name}: {code} {text}" for code, text in found]
    assert not wrong, "\n".join(wrong)


def test_fields_of_records():
    missing = []
    for name, record in records().items():
        fields = {key for key in record.__annotations__ if not key.startswith("_")}
        known = {part.strip() for entry in entries(name) for part in entry.name.split(",")}
        missing += [f"{name}.{field}" for field in sorted(fields - known)]
    assert not missing, "\n".join(missing)


def test_numbers_have_unit_and_shape():
    missing = []
    for name in functions() | records():
        for entry in entries(name):
            kind = entry.type or entry.name
            if not NUMBER.match(kind):
                continue
            text = " ".join(entry.desc)
            unit = UNIT.search(kind) or BRACKETED.search(text) or "unit" in text
            if not unit or not SHAPE.search(f"{kind} {text}"):
                missing.append(f"{name}: {entry.name} : {kind}")
    assert not missing, "\n".join(missing)


def refuses(function):
    """Whether the body itself raises one of our errors, or checks an argument."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.startswith("_checks.") or called.endswith(("Error", "refuse_large")):
                return True
    return False


def test_errors_are_said():
    silent = [
        name
        for name, function in functions().items()
        if refuses(inspect.unwrap(function))
        and not parsed(name)["Raises"]
        and not ("errors" in told_by_another(name)[0] and told_by_another(name)[1]["Raises"])
    ]
    assert not silent, "refuse arguments, and do not say so:\n" + "\n".join(silent)


def test_formulas_name_their_equation():
    formulas = [name for name in functions() if name.startswith("openmr.rates.closed_form.")]
    assert formulas
    unnamed = [
        name
        for name in formulas
        if not re.search(r"Eqs?\. \(\w+\)|Not in the paper", inspect.getdoc(named()[name]))
    ]
    assert not unnamed, "\n".join(unnamed)


def test_reference_has_every_name():
    listed = re.split(r"[\s.]+", " ".join(page.read_text() for page in REFERENCE.glob("*.rst")))
    modules = (module.rpartition(".")[2] for module in MODULES)
    alone = [name for name, module in openmr._LAZY_NAMES.items() if module not in MODULES]
    public = [*openmr.__all__, *alone, *modules]
    assert [name for name in public if name not in listed] == []


@cache
def words_of(hint):
    """Every word that a type holds in a Literal, however deep."""
    if get_origin(hint) is Literal:
        return {*get_args(hint)}
    return set().union(*map(words_of, get_args(hint)))


def type_of(name, argument):
    """Of an argument of a function or a class, or None."""
    thing = named()[name]
    function = inspect.unwrap(thing.__init__ if inspect.isclass(thing) else functions()[name])
    told = inspect.get_annotations(function).get(argument)
    return eval(told, function.__globals__) if isinstance(told, str) else told


def test_a_word_out_of_few_is_a_type_and_the_same_words_are_told():
    """So that a wrong word is an error of types before it is one of the call."""
    wrong = []
    for name in {**functions(), **records()}:
        for entry in parsed(name)["Parameters"]:
            told = set(re.findall(r'"([^"]+)"', "".join(re.findall(r"\{(.*?)\}", entry.type))))
            for one in entry.name.split(", ") if told else ():
                hint = type_of(name, one)
                open_ended = str in get_args(hint)  # or any column of a file
                if words_of(hint) != told and not open_ended:
                    wrong.append((name, one, told))
    assert wrong == []


def test_no_text_is_checked_against_words_that_its_type_does_not_know():
    """`_checks.choice(name, value, Words)` of an argument whose annotation is `str`."""
    loose = []
    for name, function in functions().items():
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
        for call in calls:
            if getattr(call.func, "attr", "") in ("choice", "choices") and len(call.args) == 3:
                _, value, words = call.args
                closed = isinstance(words, ast.Tuple | ast.Name) and ast.unparse(words)[:1] != "_"
                hint = type_of(name, getattr(value, "id", ""))
                if closed and hint in (str, str | None, Sequence[str]):
                    loose.append((name, value.id))
    assert loose == []
