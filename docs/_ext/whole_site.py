"""What holds for the site as a whole; the build fails where it does not."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

VENDORED = {"lite", "_static"}
"""Folders whose names others gave."""


def check(app: Sphinx, error: Exception | None) -> None:
    """Refuse names that differ in case alone, and pages that the bar of links would hide."""
    if error is not None or app.builder.name != "html":
        return
    spellings = defaultdict(set)
    for path in Path(app.outdir).rglob("*"):
        name = path.relative_to(app.outdir)
        if name.parts[0] not in VENDORED:
            spellings[str(name).lower()].add(str(name))
    if same := [sorted(names) for names in spellings.values() if len(names) > 1]:
        raise ExtensionError(f"one file on Windows and macOS: {same}")
    shown = app.config.html_theme_options["header_links_before_dropdown"]
    if hidden := app.env.toctree_includes[app.config.root_doc][shown:]:
        raise ExtensionError(f"only behind a menu in the bar of links: {hidden}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Look once all files are written."""
    app.connect("build-finished", check, priority=900)
    return {"parallel_read_safe": True}
