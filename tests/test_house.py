"""The house: what stands where, what each station says of itself, and no name that hides another.

`lint-imports` holds the import rules; this holds the rooms.
"""

import pkgutil
import re
import types
from importlib import import_module
from pathlib import Path

import openmr

HOUSE = Path(openmr.__file__).parent
GROUND_FLOOR = {
    *(
        "__init__.py",
        "__main__.py",
        "py.typed",
        "_checks.py",
        "_elementary.py",
        "_files.py",
        "_qutip.py",
    ),
    *(
        "_quantities.py",
        "_spins.py",
        "_version.py",
        "_work.py",
        "_cite.py",
        "_words.py",
        "references.bib",
    ),
    *("units.py", "tables.py"),
}
STATIONS = {
    *("sample", "moments", "bath", "master", "models", "rates", "transport"),
    *("reports", "data", "sweeps", "show", "apps"),
}
PUBLIC_STATIONS = ("bath", "master")
"""Those whose own name is public: `om.bath`, `om.master`."""
RUN_ALONE = {"openmr.__main__", "openmr.apps.explorer.app"}
"""Modules that are run and not imported."""
THREE_LINES = re.compile(r"\n\nIn: .+; out: .+\.\sMay\snot\s(know|compute)\s.+\.", re.S)


def modules():
    """Names of all modules of openmr that may be imported."""
    found = pkgutil.walk_packages(openmr.__path__, "openmr.")
    return [module.name for module in found if module.name not in RUN_ALONE]


def test_the_house_has_its_rooms_and_no_others():
    there = {path.name for path in HOUSE.iterdir() if path.name != "__pycache__"}
    assert there == GROUND_FLOOR | STATIONS
    assert all((HOUSE / station / "__init__.py").exists() for station in STATIONS)


def test_no_number_passes_for_being_small():
    """As all lengths in m and energies in eV do by pytest's own `approx`."""
    tests = Path(__file__).parent
    lax = [p.name for p in tests.rglob("*.py") if re.search(r"pytest\.approx\b", p.read_text())]
    assert lax == ["nearness.py"]


def test_every_station_says_what_comes_in_what_goes_out_and_what_it_may_not_know():
    silent = [
        station
        for station in sorted(STATIONS)
        if not THREE_LINES.search(import_module(f"openmr.{station}").__doc__)
    ]
    assert silent == []


def test_no_file_of_a_public_station_bears_the_name_of_what_it_exports():
    hidden = {
        station: names
        for station in PUBLIC_STATIONS
        if (
            names := {path.stem for path in (HOUSE / station).glob("*.py")}
            & set(import_module(f"openmr.{station}").__all__)
        )
    }
    assert hidden == {}


def test_every_module_is_reached_by_its_name():
    """`import openmr.a.b as y` gives the module, not a function of the same name."""
    hidden = {}
    for name in modules():
        module = import_module(name)
        parent, _, last = name.rpartition(".")
        reached = getattr(import_module(parent), last)
        if not isinstance(module, types.ModuleType) or reached is not module:
            hidden[name] = reached
    assert hidden == {}


def test_no_summary_begins_with_a_question_word():
    """A docstring says in plain words what a thing is or does."""
    asking = re.compile(r'^\s*r?"""(What|Of|Where|How)\b', re.M)
    found = [
        f"{path.relative_to(HOUSE)}: {match.group(0).strip()}"
        for path in HOUSE.rglob("*.py")
        for match in asking.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
