"""The blocks of the README and of every page: Python prints what stands below, TOML is taken."""

import re
import runpy
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from textwrap import indent

import pytest
from nearness import approx

from openmr.apps import cli
from openmr.sample.toml import EXAMPLE, read_config, read_sample
from openmr.sweeps.plan import Plan, evaluate, task_of

pytestmark = pytest.mark.prose

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MEASURED = ROOT / "tests" / "data" / "files"
BUILT = {DOCS / "ledger.md", DOCS / "benchmarks.md"}
PAGES = [
    ROOT / "README.md",
    *(
        p
        for folder in (".", "questions", "theory", "howto")
        for p in sorted((DOCS / folder).glob("*.md"))
    ),
]
PAGES = [page for page in PAGES if page not in BUILT]
LISTED = re.search(r"```{toctree}\n(.*?)```", (DOCS / "routes.md").read_text(), re.S)[1]
TEACH = {f"{name}.md" for name in re.findall(r"^(\w+)$", LISTED, re.M)}


def blocks(page):
    """(name, code, output) of each Python block."""
    pairs = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", page.read_text(), re.S)
    return [
        (f"{page.parent.stem}-{page.stem}-{i}", code, output)
        for i, (code, output) in enumerate(pairs)
    ]


BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize(("code", "output"), [b[1:] for b in BLOCKS], ids=[b[0] for b in BLOCKS])
@pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Dask's sockets
def test_block(code, output, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # blocks may write files
    for file in MEASURED.iterdir():  # and read these
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = tmp_path / "block.py"
    script.write_text(code)
    runpy.run_path(str(script), run_name="__main__")
    assert output, "no output is shown"
    assert capsys.readouterr().out == output


TOML = [
    (f"{page.parent.stem}-{page.stem}-{i}", text)
    for page in [*PAGES, *sorted((DOCS / "course").glob("*.md")), ROOT / "CONTRIBUTING.md"]
    for i, text in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.S | re.M))
]


def test_toml_is_accepted(tmp_path):
    """By the commands that take a film, and as a sweep, up to its first point."""
    refused = {}
    for name, text in TOML:
        try:
            take(text, tmp_path / "film.toml")
        except Exception as error:
            refused[name] = error
    assert not refused


def take(text, file):
    file.write_text(text)
    sample = read_sample(file)
    if "[sweep]" in text:
        asked = read_config(file)
        method, options = asked.pop("method"), asked.pop("options")
        task = task_of(asked.pop("sample"), {"direction": (1, 0, 0)} | asked, method, options)
        first = next(Plan(task, (1,) * len(task.dimensions)).boxes())
        found = evaluate(Plan(task, (1,) * len(task.dimensions)).part(first))
        assert found["longitudinal_resistivity"].ravel() > 0
    assert all(layer.film.thickness > 0 for layer in sample.layers)


def test_help_and_pages_show_one_file(capsys):
    """One film, by the page of sweeps, by the command, and built in Python for its how-to page."""
    assert f"```toml\n{EXAMPLE}```" in (DOCS / "sweeps.md").read_text()
    with pytest.raises(SystemExit):
        cli.main(["sweep", "--help"])
    assert indent(EXAMPLE, "  ").rstrip() in capsys.readouterr().out


def test_the_file_of_the_own_material_is_its_film(tmp_path, monkeypatch):
    """To the four digits that the file has of what Python works out."""
    monkeypatch.chdir(tmp_path)
    page = DOCS / "howto" / "own_material.md"
    (text,) = [text for name, text in TOML if name == "howto-own_material-0"]
    (tmp_path / "film.toml").write_text(text)
    (tmp_path / "block.py").write_text(blocks(page)[0][1])
    built = runpy.run_path("block.py")["film"]
    read = read_sample(tmp_path / "film.toml")
    assert (read.name, read.magnet.disorder) == (built.name, built.magnet.disorder)
    for part in ("film", "electrons"):
        own, other = (asdict(getattr(sample, part)) for sample in (read, built))
        assert own == approx(other, rel=5e-3, abs=0)  # 1.67e-4 is rounded to three digits
    own, other = (sample.magnet.sublattices[0] for sample in (read, built))
    assert own.spin == other.spin
    assert own.density == approx(other.density, rel=5e-4)
    assert own.exchange_energy == approx(other.exchange_energy, rel=1e-12, abs=0)
    assert read.magnet.weiss[0] == approx(built.magnet.weiss[0], rel=1e-12, abs=0)


def test_every_page_of_a_route_has_a_block():
    assert [page for page in sorted(TEACH) if not blocks(DOCS / page)] == []
