"""BIBLIOGRAPHY.md as a page: an anchor for every key, and links to what has a DOI.

``[](#Kondo1964)`` in a Markdown page leads to the entry.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

SOURCE = Path(__file__).parents[2] / "BIBLIOGRAPHY.md"


def with_links(text: str) -> str:
    """The same text, with anchors and links."""
    text = re.sub(r"doi:(10\.\d+/[^\s,]*[^\s,.])", r"[doi:\1](https://doi.org/\1)", text)
    text = re.sub(r"arXiv:((?:[a-z-]+/)?\d[\d.]*\d)", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
    heading, *entries = re.split(r"^- (?=\*\*)", text, flags=re.M)
    lines = [heading.rstrip(), ""]
    for entry in entries:
        key = re.match(r"\*\*(\w+)\*\*", entry)
        assert key is not None
        lines += [f"({key[1]})=", " ".join(entry.split()), ""]
    return "\n".join(lines)


def replace(app: Sphinx, docname: str, content: list[str]) -> None:
    """Hand the parser the linked text in place of the page's own."""
    if docname == "bibliography":
        content[0] = with_links(SOURCE.read_text(encoding="utf-8"))
        app.env.note_dependency(SOURCE)


def setup(app: Sphinx) -> dict[str, Any]:
    """Hook into the reading of the page."""
    app.connect("source-read", replace)
    return {"parallel_read_safe": True}
