"""Every equation has its entry, every verdict can fail, and nothing is stored."""

import inspect
import json
import re
import types
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from mutation import index_mutants, mutants, sum_mutants

import openmr as om
from openmr.reports.ledger import CHAPTERS, all_entries
from openmr.reports.ledger.entries import (
    APPROXIMATION,
    CONTRADICTED,
    HOLDS,
    MISPRINT,
    SCAN_ERROR,
    VERDICTS,
    decide,
    examine,
)
from openmr.reports.ledger.report import _place, prose

REAL = "the imaginary part of any real number is zero"
SYMMETRIC = "the matrix is symmetric"
SURVIVORS: dict[str, str] = {
    "3 moments: m.exchange[i, j] -> m.exchange[j, i]": SYMMETRIC,
    "30 weiss_field: f.exchange[i, j] -> f.exchange[j, i]": SYMMETRIC,
    "A15 _reordered: delta[a2, a3] -> delta[a3, a2]": SYMMETRIC,
    "89 drho1: f.l_perp ** (-2) + 1j * f.l_L ** (-2) -> f.l_perp ** (-2) - 1j * f.l_L ** (-2)": (
        "the real part does not know the sense of the precession"
    ),
    "97 drho2: 2 * f.l_perp / f.d * np.tanh(f.d / (2 * f.l_perp)) -> "
    "2 * f.l_perp / f.d / np.tanh(f.d / (2 * f.l_perp))": REAL,
    "97 drho2: 2 * f.l_perp / f.d -> 2 * f.l_perp * f.d": REAL,
    "97 drho2: 2 * f.l_perp -> 2 / f.l_perp": REAL,
    "97 drho2: f.d / (2 * f.l_perp) -> f.d * (2 * f.l_perp)": REAL,
    "97 drho2: 2 -> 2.74": REAL,
}
"""Wrong variants that no check can notice -> why not."""
COSTLY = {"ansatz", "antiferromagnet", "charge_and_spin", "relaxation", "weiss_field"}
"""Chapters whose verdicts need more than a second."""


@cache
def by_equation():
    return {entry.equation: entry for entry in all_entries()}


@cache
def examined(equation):
    return examine(by_equation()[equation])


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


@pytest.mark.parametrize(
    "chapters",
    [
        pytest.param(sorted(COSTLY), marks=pytest.mark.slow, id="costly"),
        pytest.param([name for name in CHAPTERS if name not in COSTLY], id="others"),
    ],
)
def test_verdicts(chapters):
    findings = {entry.equation: examined(entry.equation) for entry in entries_of(*chapters)}
    undecided = {
        equation: finding.error or finding.verdict
        for equation, finding in findings.items()
        if finding.error or finding.verdict not in VERDICTS or finding.verdict == CONTRADICTED
    }
    assert undecided == {}


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
    formula = by_equation()["70"].corrected
    tried = {change for change, _ in variants(formula)}
    assert {"longitudinal: r.jx -> r.jy", "longitudinal: r.flip_up -> r.flip_down"} <= tried


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
        if not tried and entry.equation not in SURVIVORS:
            untried.append(entry.equation)
    expected = {entry.equation for entry in tested}
    assert survivors == {name for name in SURVIVORS if name.split()[0] in expected}
    assert untried == []


def verdicts_of_variants(entry):
    """(change, verdict) for every wrong variant of the form that the verdict rests on."""
    verdict = examined(entry.equation).verdict
    assert verdict in (HOLDS, APPROXIMATION, MISPRINT, SCAN_ERROR), entry.equation
    for_printed = verdict in (HOLDS, APPROXIMATION)
    for change, wrong in variants(entry.printed if for_printed else entry.corrected):
        pair = (wrong, None) if for_printed else (entry.printed, wrong)
        try:
            yield change, decide(entry, reference(entry.equation), *pair).verdict
        except NameError:  # a label outside its sum: no formula
            continue


def test_a_reference_that_cannot_be_computed_is_reported():
    def broken():
        raise ValueError("broken on purpose")

    finding = examine(replace(by_equation()["70"], reference=broken))
    assert finding.error == "ValueError: broken on purpose"
    assert not om.ledger.__globals__["Ledger"]((finding,)).ok


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
