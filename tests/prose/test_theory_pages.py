"""The theory pages mention every equation of the ledger, with its functions."""

import re
from pathlib import Path

import pytest

from openmr.reports.ledger import entries

DOCS = Path(__file__).parents[2] / "docs"
ENTRIES = {entry.equation: entry for entry in entries()}
MENTION = re.compile(r"\{eqn\}`([^`]+)`")
ITEM = re.compile(r"^- \{eqn\}`([^`]+)`:(.*(?:\n  .*)*)", re.M)
THEORY = "\n".join(page.read_text() for page in sorted((DOCS / "theory").glob("*.md")))
PROSE = ITEM.sub("", THEORY)
ITEMS = dict(ITEM.findall(THEORY))


def test_every_equation_is_in_the_text():
    assert set(ENTRIES) <= set(MENTION.findall(PROSE))


def test_every_equation_is_listed_once():
    assert sorted(name for name, _ in ITEM.findall(THEORY)) == sorted(ENTRIES)


@pytest.mark.parametrize("equation", ENTRIES)
def test_listed_with_its_functions_and_what_is_wrong_in_print(equation):
    entry, text = ENTRIES[equation], ITEMS[equation]
    named = re.findall(r"<(openmr\.[\w.]+)>", re.sub(r"\s+", " ", text))
    assert sorted(named) == sorted(entry.code)
    assert ("*Mended:*" in text) == bool(entry.corrected or entry.corrected_latex)
    assert ("errs at order" in re.sub(r"\s+", " ", text)) == (entry.order is not None)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_only_equations_that_exist_are_mentioned(page):
    if "_build" not in page.parts:
        assert set(MENTION.findall(page.read_text())) <= set(ENTRIES)
