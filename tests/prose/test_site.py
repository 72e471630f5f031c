"""The site's own extensions, without building it; `make docs` builds it and checks the whole."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import browser
import pytest

pytestmark = pytest.mark.prose

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture
def extension(monkeypatch):
    """An extension by its name."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    return importlib.import_module


def test_a_summary_is_not_cut_at_a_formula(extension, monkeypatch):
    formulas = extension("ascii_formulas")
    from sphinx.ext import autosummary

    monkeypatch.setattr(autosummary, "periods_re", formulas.NOWHERE)
    from docutils.frontend import get_default_settings
    from docutils.parsers.rst import Parser

    said = "d sigma/dt = -tensor . (sigma - sigma_eq), see Eq. (76)."
    settings = get_default_settings(Parser)
    assert autosummary.extract_summary(["", *said.split(", "), "", "More."], settings) == (
        said.replace(", ", " ")
    )


def checked(extension, folder, pages, shown=7):
    module = extension("whole_site")
    app = SimpleNamespace(
        outdir=folder,
        builder=SimpleNamespace(name="html"),
        config=SimpleNamespace(
            root_doc="index", html_theme_options={"header_links_before_dropdown": shown}
        ),
        env=SimpleNamespace(toctree_includes={"index": pages}),
    )
    module.check(app, None)


def test_names_that_differ_in_case_alone_and_pages_behind_a_menu_end_the_build(extension, tmp_path):
    from sphinx.errors import ExtensionError

    (tmp_path / "a.html").touch()
    checked(extension, tmp_path, ["a"] * 7)
    with pytest.raises(ExtensionError, match="menu"):
        checked(extension, tmp_path, ["a"] * 8)
    (tmp_path / "A.html").touch()
    with pytest.raises(ExtensionError, match=r"\['A\.html', 'a\.html'\]"):
        checked(extension, tmp_path, ["a"])


def test_the_bar_of_links_shows_every_page_at_its_top():
    tree = re.search(r"```{toctree}\n(.*?)```", (DOCS / "index.md").read_text(), re.S)[1]
    entries = [line for line in tree.splitlines() if "<" in line]
    (shown,) = re.findall(r'"header_links_before_dropdown": (\d+)', (DOCS / "conf.py").read_text())
    assert len(entries) <= int(shown)


def test_questions_and_front_page_lead_to_the_rest():
    front = (DOCS / "index.md").read_text()
    assert "pip install openmr" in front.partition("```{code-cell}")[0]
    for page in ("explorer", "course/index", "browser/index"):
        assert f"({page}.md)" in front.partition("```{code-cell}")[0]
    for page in ("rate", "film", "data"):
        assert f":link: questions/{page}\n" in front
        text = (DOCS / "questions" / f"{page}.md").read_text()
        links = set(re.findall(r"\]\(([\w./]+)", text))
        assert len(links) >= 6
        built = {DOCS / "ledger.md", DOCS / "benchmarks.md"}
        lost = [
            link
            for link in links
            if not (target := (DOCS / "questions" / link).resolve()).exists()
            and target not in built
        ]
        assert lost == []


def test_the_kept_run_of_the_benchmarks_makes_a_page(extension):
    kept = json.loads((ROOT / "benchmarks" / "last_run.json").read_text())
    page = extension("benchmarks").page(kept)
    assert f"Measured on {kept['datetime'][:10]}" in page
    areas = {re.sub(r".*bench_|\.py", "", path.name) for path in ROOT.glob("benchmarks/bench_*.py")}
    assert {found for found in areas if f"### {found}: " in page}
    assert page.count("\n| ") > len(kept["benchmarks"])


def test_what_is_beside_a_rival_has_a_column_for_each_kind_of_processor(extension):
    one = {"row": "a", "rival": "b", "ratio": 0.5, "most": None}
    table = extension("benchmarks").beside_rivals({"X": [one], "Y": [one | {"most": 1.0}, one]})
    assert table[2:] == ["| a | b |  | 0.5 | 0.5 |", "| a | b | 1 |  | 0.5 |", ""]
    assert {line.count("|") for line in table[:-1]} == {6}


def test_the_ledgers_filter_offers_every_verdict(extension):
    equations = extension("equations")
    found = {"counts": {"holds": 2, "misprint": 1}, "entries": []}
    form = equations.page(found)
    assert re.findall("<option>(.*?)</option>", form) == ["holds", "misprint"]
    script = (DOCS / "_static" / "ledger.js").read_text()
    for name in ("words", "verdict", "count"):
        assert f'name="{name}"' in form
        assert f"elements.{name}" in script


LEDGER = """<!doctype html><section><h1>Ledger</h1>{form}
<section id="first"><h2>One</h2>
<section id="a"><h3>(70) <span class="verdict">misprint</span></h3>the transverse rate</section>
<section id="b"><h3>(75) <span class="verdict">holds</span></h3>the longitudinal rate</section>
</section><section id="second"><h2>Two</h2>
<section id="c"><h3>(83) <span class="verdict">misprint</span></h3>the field</section></section>
</section><script>{script}</script>"""


@pytest.mark.slow
@pytest.mark.skipif(browser.CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize(
    ("asked", "hidden"),
    [
        ("", set()),
        ("?verdict=misprint", {"b"}),
        ("?words=the+RATE", {"c", "second"}),
        ("?words=rate&verdict=holds", {"a", "c", "second"}),
    ],
)
def test_the_ledger_shows_what_is_asked_for(extension, tmp_path, asked, hidden):
    equations = extension("equations")
    form = equations.FILTER.format(choices="<option>holds</option><option>misprint</option>")
    script = (DOCS / "_static" / "ledger.js").read_text()
    page = tmp_path / "ledger.html"
    page.write_text(LEDGER.format(form=form, script=script))
    shown = subprocess.run(
        [browser.CHROMIUM, *browser.FLAGS, f"--user-data-dir={tmp_path / 'home'}", "--dump-dom",
         f"{page.as_uri()}{asked}"],
        capture_output=True, text=True, check=True, timeout=browser.PATIENCE,
    ).stdout  # fmt: skip
    assert set(re.findall(r'<section id="(\w+)" hidden', shown)) == hidden
    assert "<form" in shown
    assert '<form id="ledger-filter" hidden' not in shown


def teardown_module():
    for name in ("ascii_formulas", "whole_site", "benchmarks", "equations"):
        sys.modules.pop(name, None)
