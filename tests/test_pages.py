"""The Python blocks of the README and of every page print what stands below them."""

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILT = {DOCS / "ledger.md", DOCS / "benchmarks.md"}
PAGES = [
    ROOT / "README.md",
    *(p for folder in (".", "theory", "howto") for p in sorted((DOCS / folder).glob("*.md"))),
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
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = tmp_path / "block.py"
    script.write_text(code)
    runpy.run_path(str(script), run_name="__main__")
    assert output, "no output is shown"
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("page", sorted(TEACH))
def test_every_page_of_a_route_has_a_block(page):
    assert blocks(DOCS / page)
