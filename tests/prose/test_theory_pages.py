"""The theory pages mention every equation of the ledger, with its functions."""

import re
from functools import cache
from pathlib import Path

import pytest

from openmr.reports.ledger import all_entries

pytestmark = pytest.mark.prose

DOCS = Path(__file__).parents[2] / "docs"
MENTION = re.compile(r"\{eqn\}`([^`]+)`")
ITEM = re.compile(r"^- \{eqn\}`([^`]+)`:(.*(?:\n  .*)*)", re.M)
THEORY = "\n".join(page.read_text() for page in sorted((DOCS / "theory").glob("*.md")))


@cache
def ledger():
    return {entry.equation: entry for entry in all_entries()}


def test_every_equation_is_in_the_text():
    assert set(ledger()) <= set(MENTION.findall(ITEM.sub("", THEORY)))


def test_every_equation_is_listed_once():
    assert sorted(name for name, _ in ITEM.findall(THEORY)) == sorted(ledger())


def test_listed_with_its_functions_and_what_is_wrong_in_print():
    items, wrong = dict(ITEM.findall(THEORY)), []
    for equation, entry in ledger().items():
        text = re.sub(r"\s+", " ", items[equation])
        listed = sorted(re.findall(r"<(openmr\.[\w.]+)>", text))
        if listed != sorted(entry.code):
            wrong.append(f"({equation}) lists {listed}, the ledger {sorted(entry.code)}")
        if ("*Mended:*" in text) != bool(entry.corrected or entry.corrected_latex):
            wrong.append(f"({equation}): mended in one of page and ledger alone")
        if ("errs at order" in text) != (entry.order is not None):
            wrong.append(f"({equation}): an order in one of page and ledger alone")
    assert not wrong, "\n".join(wrong)


def test_only_equations_that_exist_are_mentioned():
    unknown = {
        str(page.relative_to(DOCS)): mentioned
        for page in sorted(DOCS.rglob("*.md"))
        if "_build" not in page.parts
        and (mentioned := set(MENTION.findall(page.read_text())) - set(ledger()))
    }
    assert not unknown
