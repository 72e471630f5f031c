"""The lessons of the course as Jupyter notebooks, for `make notebooks` and for the site.

A lesson is a Python script in the percent format. Its notebook folds the solutions and has plain
text where the site has links: Jupyter knows no Sphinx roles.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from nbformat import NotebookNode
    from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
LESSONS = DOCS / "course"
NOTEBOOKS = DOCS / "_build" / "notebooks"


def plain(text: str) -> str:
    """Markdown without Sphinx roles: ``{eqn}`75` `` becomes "Eq. (75)", other roles their text."""
    text = re.sub(r"\{eqn\}`([^`]*)`", r"Eq. (\1)", text)
    return re.sub(r"\{[\w:]+\}`~?([^`<]*?)(?: *<[^`]*>)?`", r"`\1`", text)


def notebook(lesson: Path) -> NotebookNode:
    """One lesson, not executed, with its solutions folded."""
    import jupytext

    found = jupytext.reads(lesson.read_text(), fmt="py:percent")
    for cell in found.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
        elif "hide-cell" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
    return found


def write(folder: Path = NOTEBOOKS) -> list[Path]:
    """Write the notebooks of all lessons into a folder and say where they are."""
    import nbformat

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for lesson in sorted(LESSONS.glob("lesson_*.py")):
        target = folder / f"{lesson.stem}.ipynb"
        nbformat.write(notebook(lesson), target)
        written.append(target)
    return written


def warn_without_picture(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """A lesson has a picture; one without was executed with a backend that shows none."""
    from docutils import nodes
    from sphinx.util import logging

    if page.startswith("course/lesson_") and not any(doctree.findall(nodes.image)):
        logging.getLogger(__name__).warning(
            "no picture; remove docs/_build/.jupyter_cache and build again", location=page
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Write them before the pages are read, which offer them for download."""
    # a kernel puts figures into the page only if the environment names no backend
    os.environ.pop("MPLBACKEND", None)
    app.connect("builder-inited", lambda _: write())
    app.connect("doctree-resolved", warn_without_picture)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in write())
