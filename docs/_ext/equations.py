"""The ledger as a page of the site, and the role that links to one of its equations.

``{eqn}`75` `` in a page becomes "Eq. (75)" and leads to the entry of the ledger, with its verdict
and the function.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "ledger.md"


def anchor(equation: str) -> str:
    """Name of an equation's place on the ledger's page."""
    return "eq-" + re.sub(r"[^a-z0-9]+", "-", equation.lower()).strip("-")


class Equation(SphinxRole):
    """A link to an equation's entry in the ledger."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The reference, resolved like any other label."""
        from sphinx.addnodes import pending_xref

        reference = pending_xref(
            "",
            nodes.inline("", f"Eq. ({self.text})"),
            refdomain="std",
            reftype="ref",
            reftarget=anchor(self.text),
            refexplicit=True,
            refwarn=True,
        )
        reference["refdoc"] = self.env.docname
        return [reference], []


def write_ledger(app: Sphinx) -> None:
    """Decide every equation and write the page, unless no code changed since it was written."""
    import openmr

    code = Path(openmr.__file__).parent
    if PAGE.exists() and PAGE.stat().st_mtime > max(f.stat().st_mtime for f in code.rglob("*.py")):
        return
    text = openmr.ledger().to_markdown()
    lines = []
    for line in text.splitlines():
        heading = re.match(r"### \(([^)]*)\)", line)
        if heading:
            lines.append(f"({anchor(heading[1])})=")
        lines.append(
            re.sub(r"\]\(\.\./openmr/[^)]*\)", "]", line).replace("[`", "`").replace("`]", "`")
        )
    PAGE.write_text("\n".join(lines) + "\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role and the page."""
    app.add_role("eqn", Equation())
    app.connect("builder-inited", write_ledger)
    return {"parallel_read_safe": True}
