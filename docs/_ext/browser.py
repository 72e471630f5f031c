"""The page that runs openmr in the reader's browser: JupyterLite with notebooks and our wheel.

Python and the scientific wheels come from Pyodide's server, of the version pinned here; everything
else is part of the site. QuTiP is not to be had there: cells with the tag "quantum" are left out,
or the first of them replaced by the file in docs/browser that is named like the lesson.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from notebooks import LESSONS, notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "browser"
NOTEBOOKS = (
    SOURCES / "first_steps.py",
    LESSONS / "lesson_5_times_from_data.py",
    LESSONS / "lesson_7_spin_diffusion.py",
    LESSONS / "lesson_8_pt_with_py.py",
)
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
THEMES = "@jupyterlab/apputils-extension:themes"
PYODIDE = "https://cdn.jsdelivr.net/pyodide/v314.0.6/full/pyodide.mjs"
INSTALL = """\
# once a session, half a minute: wheels come from Pyodide's server, openmr from this site
import piplite

await piplite.install(["numpy", "scipy", "matplotlib"])
await piplite.install("openmr", deps=False)"""


def without_qutip(source: Path) -> NotebookNode:
    """A notebook without its cells that need QuTiP."""
    found = notebook(source)
    instead = SOURCES / source.name
    kept = []
    for cell in found.cells:
        if "quantum" not in cell.metadata.get("tags", []):
            kept.append(cell)
        elif instead != source and instead.exists():
            cell.source, instead = instead.read_text().rstrip(), source
            kept.append(cell)
    found.cells = kept
    return found


def write(folder: Path) -> list[Path]:
    """Write the notebooks, each with the cell that installs, and say where they are."""
    import nbformat

    written = []
    for source in NOTEBOOKS:
        made = without_qutip(source)
        made.cells.insert(1, nbformat.v4.new_code_cell(INSTALL))
        # a name that the kernel of the page has
        made.metadata["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)"}
        written.append(folder / f"{source.stem}.ipynb")
        nbformat.write(made, written[-1])
    return written


def build(target: Path) -> None:
    """Write the page, a folder of static files."""
    with TemporaryDirectory() as place:
        here, files = Path(place), Path(place, "files")
        files.mkdir()
        write(files)
        _run(ROOT, "hatchling", "build", "-t", "wheel", "-d", place)
        settings = {
            "litePluginSettings": {KERNEL: {"pyodideUrl": PYODIDE}},
            "settingsOverrides": {THEMES: {"adaptive-theme": True}},  # dark where the system is
        }
        lite = {"jupyter-lite-schema-version": 0, "jupyter-config-data": settings}
        (here / "jupyter-lite.json").write_text(json.dumps(lite))
        shutil.rmtree(target, ignore_errors=True)
        options = {
            "--lite-dir": here,
            "--contents": files,
            "--output-dir": target.resolve(),
            "--piplite-wheels": next(here.glob("openmr-*.whl")),
        }
        line = [str(one) for pair in options.items() for one in pair]
        apps = ["--apps", "notebooks", "--no-sourcemaps", "--no-unused-shared-packages"]
        _run(here, "jupyterlite_core", "build", *line, *apps)  # which leaves a file there


def _run(folder: Path, module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Build it into the site at the end."""

    def finish(app: Sphinx, error: Exception | None) -> None:
        if not error and app.builder.format == "html":
            build(Path(app.outdir) / "lite")

    app.connect("build-finished", finish)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    build(Path(sys.argv[1]))
