"""Docstrings hold formulas in plain text; what reStructuredText would read as markup is escaped.

``|x|`` would be a substitution and ``<S_-S_+>`` a link.
"""

from __future__ import annotations

import re
from typing import Any

import sphinx.ext.autosummary
from sphinx.application import Sphinx

LITERAL = re.compile(r"(``.*?``|`[^`]*`(?:_|\b))")
# a summary is its whole first paragraph: a full stop in it may be part of a formula
NOWHERE = re.compile(r"(?!)")


def escaped(line: str) -> str:
    """A line without markup but for what stands in backticks."""
    parts = LITERAL.split(line)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"(?<!\\)\|", r"\\|", parts[i])
        parts[i] = re.sub(r"(?<=\w)_(?![\w`])", r"\\_", parts[i])
    return "".join(parts)


def escape(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Escape a docstring, leaving examples and literal blocks alone."""
    literal: int | None = None
    example = False
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            example = False
            continue
        if literal is not None and indent <= literal:
            literal = None
        example = example or line.lstrip().startswith(">>>")
        if literal is None and not example:
            lines[i] = escaped(line)
        if literal is None and line.rstrip().endswith("::"):
            literal = indent


def setup(app: Sphinx) -> dict[str, Any]:
    """Hook in before numpydoc, which reads the docstring at 500."""
    sphinx.ext.autosummary.periods_re = NOWHERE
    app.connect("autodoc-process-docstring", escape, priority=400)
    return {"parallel_read_safe": True}
