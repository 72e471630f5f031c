"""Every equation has its entry, every verdict can fail, and nothing is stored."""

import inspect
import json
import re
import sys
import types
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest
from mutation import index_mutants, mutants, sum_mutants
from spoil import clear_caches as forget
from spoil import functions, replaced, scaled, spoiled
from survivors import FORMULA_SURVIVORS, ISOTROPIC, J0, J1

import openmr as om
from openmr.apps.cli import main
from openmr.rates import closed_form
from openmr.reports.ledger import CHAPTERS, all_entries
from openmr.reports.ledger.entries import (
    APPROXIMATION,
    CONTRADICTED,
    HOLDS,
    MISPRINT,
    SCAN_ERROR,
    Finding,
    decide,
    examine,
)
from openmr.reports.ledger.report import Ledger, _place, prose

SURVIVORS: dict[str, str] = {
    "97 drho2: solved(f).drho2 / film_of(f).resistivity -> "
    "solved(f).drho2 * film_of(f).resistivity": "twice nothing is nothing",
    "C rho_L0 _einstein_resistivity: 1e-06 -> 1.37e-06": "any resistivity: it cancels",
    f"V.A i field _cold_field: {J0} -> {J1}": ISOTROPIC,
}
"""Wrong variants that no check can notice -> why not."""
CHAPTER = "openmr.reports.ledger."
FORMULAS = (
    "openmr.rates.closed_form.",
    "openmr.rates.axes.",
    "openmr.rates.record.",
    "openmr.transport.",
)
"""Where the functions stand whose numbers are changed one by one."""
TRANSPORT = (
    "openmr.transport.",
    "openmr.rates.axes.",
    "openmr.rates.record.precession_tensor",
)
"""Those of them that test_ledger_transport.py changes."""
ZERO = "twice nothing is nothing"
UNSCALED: dict[str, str] = {
    "50 models.scattering.golden_rule": "a factor in all rates leaves their balance",
    "58 models.fermi_kinetics.collision": "a factor in what both spins do leaves their sum at zero",
    "V.B precession rates.closed_form.precession": ZERO,
}
"""Entry and function that it names -> why nothing changes if all that it returns is doubled.

Factors that differ from element to element are noticed, unless all is zero.
"""
OTHER_FORM = 'form="finite-splitting" is not the paper\'s; tests/rates/test_tensor.py holds it'
ONE_BAND = "1/T_0 of a film is a line of `openmr verify`, which has two bands"
SHIPPED_SURVIVORS: dict[str, str] = {
    "closed_form: 0.5 * (flips_x - flips_y) -> 0.5 / (flips_x - flips_y)": OTHER_FORM,
    "closed_form: 0.5 -> 0.685": OTHER_FORM,
    "closed_form: flips_x - flips_y -> flips_x + flips_y": OTHER_FORM,
    "closed_form: mean + half_difference -> mean - half_difference": OTHER_FORM,
    "closed_form: mean - half_difference -> mean + half_difference": OTHER_FORM,
    "closed_form: electrons.dos_down -> electrons.dos_up": ONE_BAND,
    "closed_form: electrons.dos_up -> electrons.dos_down": ONE_BAND,
    **FORMULA_SURVIVORS["rates.closed_form"],
}
"""Wrong variants of shipped functions that no entry can notice -> why not."""
WRONG = {
    MISPRINT: {
        *("2", "3", "19", "20", "27 text", "29", "34", "40", "53", "60 potentials", "66", "70"),
        *("74", "75", "76", "80", "81", "82", "83", "83 precession", "87", "93", "V.A spin-orbit"),
        *("V.A i field", "V.A tau_0", "A3", "A19", "A20", "A21", "A22", "B4", "B7", "B24", "B36"),
        *("B37", "B38", "B39", "C saturation", "C rho_L0"),
    },
    SCAN_ERROR: {"21", "25", "45", "57", "B31"},
    APPROXIMATION: {
        *("9", "III zero mean", "24", "31", "47", "51", "52", "54 cold", "75 splitting", "77"),
        *("V.A Omega1", "V.A ii field", "86", "V.A thin", "V.A Hanle", "V.A shifted", "94", "A16"),
        *("A17", "C hot field", "C quadratic", "C shifted"),
        *(f"SMR{n}" for n in (*range(6, 10), *range(16, 19))),
    },
}
"""All that does not simply hold."""
SLIGHT = {"40": 0.3, "60 potentials": 0.03, "B24": 0.02, "B36": 1e-3}
"""Misprints that cost less than a half where they are looked at -> what they cost at least."""


@cache
def by_equation():
    return {entry.equation: entry for entry in all_entries()}


@cache
def examined(equation):
    return examine(replace(by_equation()[equation], reference=partial(reference, equation)))


def entries_of(*chapters):
    modules = [import_module(f"openmr.reports.ledger.{chapter}") for chapter in chapters]
    return [entry for module in modules for entry in module.ENTRIES]


@cache
def reference(equation):
    return by_equation()[equation].reference()


def test_equations_are_entered_once():
    names = [entry.equation for entry in all_entries()]
    assert len(names) == len(set(names))


def lacking(entry):
    """Parts that an entry should have and has not."""
    parts = {"statement": entry.statement, "section": entry.section}
    for name in entry.code:
        module, _, attribute = name.rpartition(".")
        parts[name] = hasattr(import_module(module), attribute)
    if entry.residual is not None:
        parts |= {"because": entry.because, "route": entry.route, "tolerance": entry.tolerance > 0}
    if entry.order is not None:
        parts["parameter"] = entry.parameter
    return [name for name, there in parts.items() if not there]


def test_entries_are_complete():
    assert {e.equation: lacking(e) for e in all_entries() if lacking(e)} == {}


@pytest.mark.slow
def test_which_are_wrong_in_print():
    verdicts = {equation: examined(equation).verdict for equation in by_equation()}
    named = {verdict: {e for e, v in verdicts.items() if v == verdict} for verdict in WRONG}
    assert named == WRONG
    assert set(verdicts.values()) == {*WRONG, HOLDS}


@pytest.mark.slow
def test_misprints_are_no_matter_of_rounding():
    for equation in WRONG[MISPRINT] | WRONG[SCAN_ERROR]:
        finding, entry = examined(equation), by_equation()[equation]
        if entry.printed is not None:
            assert finding.printed_residual > SLIGHT.get(equation, 0.5 - 1e-12), equation
        assert entry.note
        assert entry.corrected_latex
        assert bool(entry.evidence) == (finding.verdict == SCAN_ERROR)


def variants(formula):
    """(change, function) for every coefficient, sign, operator, power and index of a formula."""
    name = formula.__name__
    module = inspect.getmodule(formula)
    source = inspect.getsource(formula)
    for mutant in mutants(source) + index_mutants(source) + sum_mutants(source):
        room = types.ModuleType("variant")
        room.__dict__.update(module.__dict__)
        exec(compile(mutant.tree, f"<variant of {name}>", "exec"), room.__dict__)
        yield mutant.name, room.__dict__[name]


def test_wrong_indices_are_tried():
    tried = {change for change, _ in variants(closed_form.charge_to_spin_rate)}
    assert "charge_to_spin_rate: electrons.dos_up -> electrons.dos_down" in tried


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_wrong_variants_flip_the_verdict(chapter):
    """The form that a verdict rests on, with one thing changed, must not get it."""
    tested = [entry for entry in entries_of(chapter) if entry.residual is not None]
    survivors, untried = set(), []
    for entry in tested:
        tried = 0
        for change, verdict in verdicts_of_variants(entry):
            tried += 1
            if verdict == examined(entry.equation).verdict:
                survivors.add(f"{entry.equation} {change}")
        # a shipped function is changed below
        if not tried and not entry.code and entry.equation not in SURVIVORS:
            untried.append(entry.equation)
    expected = {entry.equation for entry in tested}
    here = tuple(f"{equation} " for equation in expected)
    assert survivors == {name for name in SURVIVORS if name.startswith(here)}
    assert untried == []


def verdicts_of_variants(entry):
    """(change, verdict) for every wrong variant of the form that the verdict rests on."""
    verdict = examined(entry.equation).verdict
    assert verdict in (HOLDS, APPROXIMATION, MISPRINT, SCAN_ERROR), entry.equation
    for_printed = verdict in (HOLDS, APPROXIMATION)
    form = entry.printed if for_printed else entry.corrected
    if not getattr(form, "__module__", "").startswith(CHAPTER):
        return
    for change, wrong in variants(form):
        pair = (wrong, None) if for_printed else (entry.printed, wrong)
        try:
            yield change, decide(entry, reference(entry.equation), *pair).verdict
        except NameError:  # a label outside its sum: no formula
            continue


# --- the functions that ship ------------------------------------------------------------------


def judged():
    """Entries whose functions are tried, by the name of the function."""
    found = {}
    for entry in entries_of(*CHAPTERS):
        for name in entry.code:
            found.setdefault(name, []).append(entry)
    return found


def is_formula(name):
    return name.startswith(FORMULAS) and not inspect.isclass(resolve_name(name))


def decided(entry):
    """Whether the form that holds, run again, stands beside the reference that was computed."""
    finding = decide(entry, reference(entry.equation), entry.printed, entry.corrected)
    return Ledger((finding,)).ok


def still_ok(entry):
    """The same, all computed again if need be: it may be the reference that is wrong."""
    forget()
    return decided(entry) and Ledger((examine(entry),)).ok


@pytest.fixture
def nothing_stored():
    yield
    forget()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_function_is_judged(chapter, nothing_stored):
    """What an entry names as its code, twice as large, must contradict the entry."""
    unseen = set()
    for entry in entries_of(chapter):
        for name in entry.code:
            case = f"{entry.equation} {name.removeprefix('openmr.')}"
            with spoiled(name, scaled):
                if not still_ok(entry):
                    continue
            unseen.add(case)
            if UNSCALED.get(case) != ZERO:
                with spoiled(name, partial(scaled, uneven=0.5)):
                    assert not still_ok(entry), case
    here = {entry.equation for entry in entries_of(chapter)}
    assert unseen == {case for case in UNSCALED if case.rpartition(" ")[0] in here}


@pytest.mark.slow
def test_references_are_blind(nothing_stored):
    """No reference runs a formula that it is to judge."""
    seen = set()
    with ExitStack() as stack:
        for name in filter(is_formula, judged()):
            stack.enter_context(spoiled(name, partial(noted, seen, name)))
        for chapter in CHAPTERS:
            judging = [e for e in entries_of(chapter) if any(map(is_formula, e.code))]
            seen.clear()
            forget()
            for entry in judging:
                entry.reference()
            if seen.isdisjoint(name for entry in judging for name in entry.code):
                continue
            for entry in judging:  # whose reference was it? They share what is stored
                seen.clear()
                forget()
                entry.reference()
                assert seen.isdisjoint(entry.code), entry.equation


def noted(seen, name, value):
    seen.add(name)
    return value


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_wrong_variants_of_shipped_formulas_contradict_an_entry(nothing_stored):
    """Each number, sign and index of the closed forms is held by an entry that names it."""
    survivors = set()
    for name, entries in judged().items():
        if not is_formula(name) or name.startswith(TRANSPORT):
            continue
        (function,) = functions(name)
        for change, wrong in variants(function):
            with replaced(function, inspect.unwrap(wrong).__code__):
                try:
                    if all(map(decided, entries)):
                        survivors.add(change)
                except NameError:
                    continue
        assert all(map(decided, entries)), f"{name}: something wrong was stored"
    assert survivors == set(SHIPPED_SURVIVORS)


def test_a_wrong_formula_fails_the_ledger(capsys):
    with spoiled("openmr.rates.closed_form.longitudinal", scaled):
        assert om.ledger("70").findings[0].verdict == CONTRADICTED
        assert not om.ledger("70").ok
        assert main(["ledger", "--only", "70", "--json"]) == 1
    assert "contradicted" in capsys.readouterr().out
    assert main(["ledger", "--only", "70"]) == 0


def test_a_reference_that_cannot_be_computed_is_reported():
    def broken():
        raise ValueError("broken on purpose")

    finding = examine(replace(by_equation()["70"], reference=broken))
    assert finding.error == "ValueError: broken on purpose"
    assert not Ledger((finding,)).ok


def test_json_and_page():
    report = om.ledger("70")
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["entries"][0]["equation"] == "70"
    assert plain["entries"][0]["verdict"] == "misprint"
    page = report.to_markdown()
    assert "(70) misprint" in page
    assert "[`openmr.rates.closed_form.longitudinal`](../openmr/rates/closed_form.py#L" in page
    assert "openmr/rates/closed_form.py:" in str(report)
    assert "1 misprint" in str(report)
    assert "misprint: the print fails, and another form holds" in str(report)


def test_links_of_a_page_start_where_it_lies(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    page = om.ledger("70").to_markdown(folder)
    links = re.findall(r"\]\((\S+)#L\d+\)", page)
    assert links
    assert all((folder / link).is_file() for link in links)


def test_sentences_are_safe_in_markdown():
    assert prose("<S> = [a](b) * c") == r"\<S> = \[a](b) \* c"


def test_every_formula_leads_to_its_code():
    """One step from the equation to the lines, for every entry."""
    root = Path(om.__file__).parents[1]
    for entry in all_entries():
        for name in entry.code:
            path, _, line = _place(name).partition(":")
            assert (root / path).exists(), name
            if line:
                text = (root / path).read_text().splitlines()[int(line) - 1 : int(line) + 40]
                assert name.rpartition(".")[2] in "\n".join(text), name


def test_unknown_equation():
    with pytest.raises(om.ParameterError, match=r"`only`.*'98'"):
        om.ledger(only=["70", "98"])


def test_a_range_is_all_from_one_equation_to_another(monkeypatch, capsys):
    """Claims between them included; what is no range gives one line."""
    ledger = sys.modules["openmr.reports.ledger"]
    monkeypatch.setattr(ledger, "examine", lambda entry: Finding(entry, "holds"))

    def chosen(only):
        return [finding.entry.equation for finding in om.ledger(only).findings]

    assert chosen("(86)-(90)") == ["86", "87", "88", "89", "90"]
    assert chosen("b5 - B39")[::3] == [*chosen("B5\u2013B39,B6")][::3]
    assert set(chosen("B5-B39")) == {f"B{n}" for n in range(5, 40)} | {
        "B8 commutators",
        "B4 Einstein",
    }
    assert chosen(["27-28", 70]) == ["27", "27 text", "28", "70"]
    assert chosen("V.A spin-orbit") == ["V.A spin-orbit"]
    every = [entry.equation for entry in all_entries()]
    assert chosen(f"1-{every[-1]}") == every
    for bad in ("90-86", "1-2-3", "86-", "-5", "86-98", "B5-A1", "70,90-86"):
        assert main(["ledger", f"--only={bad}"]) == 2
        told = capsys.readouterr()
        assert told.err.startswith("openmr: `only` must hold ")
        assert (told.err.count("\n"), told.out) == (1, "")


def paper():
    """The paper beside the project, where it is."""
    root = Path(__file__).resolve().parents[2]
    return next(
        (p for p in (root.parent / "shared/paper.md", root / "paper.md") if p.exists()), None
    )


def expected_equations():
    main = [str(n) for n in range(1, 98)]
    return {*main, *(f"A{n}" for n in range(1, 23)), *(f"B{n}" for n in range(1, 40))}


def test_no_equation_is_missing():
    assert expected_equations() <= {entry.equation for entry in all_entries()}


def test_the_numbers_are_those_of_the_paper():
    text = paper()
    if text is not None:
        found = re.findall(
            r"(?:\\tag\{|\()\s*(?:\\text\{)?([AB]?\d+)\}?\s*[)}]\s*\$?", text.read_text()
        )
        assert expected_equations() <= set(found)
