"""MathJax out of a Python package, so that formulas show without internet.

Of the package ``sphinx-mathjax-offline`` only the files that a page can ask for are copied: its own
extension copies 24 MB of speech rules with every build.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

NEEDED = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts")


def copy_files(app: Sphinx, error: Exception | None) -> None:
    """Put MathJax beside the other static files."""
    if error or app.builder.format != "html":
        return
    spec = find_spec("sphinx-mathjax-offline")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in NEEDED:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Say where MathJax is, and copy it at the end."""
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    # the package holds version 3; not empty, so that MyST writes its settings there too
    app.config.mathjax3_config = {"options": {}}
    app.connect("build-finished", copy_files)
    return {"parallel_read_safe": True}
