"""The ledger as a page of the site, and the role that links to one of its equations.

``{eqn}`75` `` in a page, or ``:eqn:`75` `` in a docstring, becomes "Eq. (75)" with a letter for the
verdict, and leads to the entry of the ledger. The entry leads to the functions in the reference and
to the sections that speak of it; in the reference each function leads to its equations.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections import defaultdict
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from openmr.reports.ledger.entries import MEANING
from openmr.reports.ledger.report import counted, described
from openmr.tables import json_text

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "ledger.md"
FOUND = DOCS / "_build" / "ledger.json"
LETTERS = {
    "holds": "H",
    "misprint": "M",
    "approximation": "A",
    "definition": "D",
    "scan error": "S",
    "undecidable": "U",
    "contradicted": "C",
}
FILTER = """\
<form id="ledger-filter" hidden>
<label>Words <input name="words" type="search" placeholder="75, precession, printed"></label>
<label>Verdict <select name="verdict"><option value="">any</option>{choices}</select></label>
<output name="count" aria-live="polite"></output>
</form>"""
log = logging.getLogger(__name__)


def anchor(equation: str) -> str:
    """Name of an equation's place on the ledger's page."""
    return "eq-" + re.sub(r"[^a-z0-9]+", "-", equation.lower()).strip("-")


def label(equation: str) -> str:
    """Eq. (75); a claim in words goes by its name."""
    return f"Eq. ({equation})" if re.fullmatch(r"[AB]?\d+", equation) else f"({equation})"


# --- the ledger, run when the code has changed -----------------------------------------------


def code_hash() -> str:
    """Fingerprint of the package's code; docstrings and comments decide no equation."""
    import openmr

    digest = hashlib.sha256()
    for file in sorted(Path(openmr.__file__).parent.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                first = body[0].value
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    first.value = ""
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def decided() -> dict[str, Any]:
    """Every entry with its verdict, as `openmr ledger --json` has it."""
    code = code_hash()
    if FOUND.exists():
        stored: dict[str, Any] = json.loads(FOUND.read_text(encoding="utf-8"))
        if stored["code"] == code:
            return stored
    import openmr

    log.info("deciding every equation of the paper (half a minute) ...")
    found = openmr.ledger().to_dict() | {"code": code}
    FOUND.parent.mkdir(exist_ok=True)
    FOUND.write_text(json_text(found), encoding="utf-8")
    return found


def public_name(dotted: str) -> str:
    """The name under which the reference has a function: openmr.x where that is the same thing."""
    import openmr

    module, _, name = dotted.rpartition(".")
    same = getattr(openmr, name, None) is getattr(import_module(module), name)
    listed = name in openmr.__all__ or name in openmr._LAZY_NAMES
    return f"openmr.{name}" if listed and same else dotted


def page(found: dict[str, Any]) -> str:
    """The ledger's page in MyST."""
    lines = [
        "# Ledger of equations",
        "",
        "Every numbered equation of the paper, decided when this page was built: the package's own",
        "function, or the formula as printed, beside a reference computed without it.",
        "`openmr ledger` does the same at your machine; the route and the tolerance stand with",
        "every entry.",
        "",
        counted(found["counts"], "{{verdict}}`{}`"),
        "",
        "The letter behind an equation elsewhere on this site is its verdict:",
        "",
    ]
    lines += [f"- {{verdict}}`{v}`: {MEANING[v]}" for v in found["counts"]]
    choices = "".join(f"<option>{v}</option>" for v in found["counts"])
    lines += ["", "```{raw} html", FILTER.format(choices=choices), "```"]
    for section, entries in groupby(found["entries"], itemgetter("section")):
        lines += ["", f"## {section}"]
        for entry in entries:
            lines += ["", *one_entry(entry)]
    return "\n".join(lines) + "\n"


def one_entry(entry: dict[str, Any]) -> list[str]:
    """Formula, verdict, residual, functions and backlinks of an equation."""
    equation = entry["equation"]
    heading = f"{label(equation)} {{verdict}}`{entry['verdict']}`"
    code = [f"{{py:obj}}`{name} <{public_name(name)}>`" for name in entry["code"]]
    lines = described(entry, heading, code)
    return [f"({anchor(equation)})=", *lines, f"{{eqn-uses}}`{equation}`"]


def write_ledger(app: Sphinx) -> None:
    """Decide, write the page if it changed, and keep the verdicts for the role."""
    found = decided()
    text = page(found)
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        PAGE.write_text(text, encoding="utf-8")
    Equation.verdicts = {entry["equation"]: entry["verdict"] for entry in found["entries"]}
    equations = defaultdict(list)
    for entry in found["entries"]:
        for name in entry["code"]:
            equations[public_name(name)].append(entry["equation"])
    app.openmr_equations = equations  # type: ignore[attr-defined]


# --- the roles -------------------------------------------------------------------------------


class Equation(SphinxRole):
    """A link to an equation's entry in the ledger."""

    verdicts: dict[str, str] = {}  # noqa: RUF012

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The reference, resolved once all pages are read, with the verdict's letter."""
        equation = " ".join(self.text.split())
        if equation not in self.verdicts:
            log.warning("the ledger has no equation (%s)", equation, location=self.get_location())
            return [nodes.inline("", f"Eq. ({equation})")], []
        verdict = self.verdicts[equation]
        content = nodes.inline("", label(equation))
        badge = verdict_node(verdict, LETTERS[verdict])
        reference = pending_xref(
            "",
            nodes.inline("", "", content, badge, classes=["eqn"]),
            refdomain="",
            reftype="eqn",
            reftarget=anchor(equation),
            eqn=equation,
        )
        reference["refdoc"] = self.env.docname
        return [reference], []


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.reference | None:
    """Link to the entry, badge included, which a label of the standard domain would drop.

    A function named by the file it stands in is looked up under its public name, too.
    """
    if node.get("refdomain") == "py" and node["reftarget"].startswith("openmr."):
        try:
            name = public_name(node["reftarget"])
        except (ImportError, AttributeError):
            return None
        if name == node["reftarget"]:
            return None
        return env.domains["py"].resolve_xref(
            env, node["refdoc"], app.builder, node["reftype"], name, node, content
        )
    if node["reftype"] != "eqn":
        return None
    uri = app.builder.get_relative_uri(node["refdoc"], "ledger") + f"#{node['reftarget']}"
    title = f"{Equation.verdicts[node['eqn']]}, by the ledger"
    return nodes.reference("", "", content, internal=True, refuri=uri, reftitle=title)


def verdict_node(verdict: str, text: str) -> nodes.Node:
    """A badge, legible without colour."""
    name = verdict.replace(" ", "-")
    return nodes.inline("", text, classes=["verdict", f"verdict-{name}"])


class Verdict(SphinxRole):
    """The badge of a verdict in full."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Its word, coloured."""
        return [verdict_node(self.text, self.text)], []


class Uses(SphinxRole):
    """Links to where the site speaks of an equation; filled in once every page is read."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """A place for the links."""
        return [uses("", equation=self.text)], []


class uses(nodes.General, nodes.Inline, nodes.Element):
    """Place for the links to the sections that speak of an equation."""


# --- backlinks -------------------------------------------------------------------------------


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Note in which section each equation is spoken of."""
    env = app.env
    forget(app, env, env.docname)
    if env.docname == "ledger" or env.docname.startswith("reference/"):
        return
    for reference in doctree.findall(pending_xref):
        if "eqn" not in reference:
            continue
        section = reference.parent
        while section and not isinstance(section, nodes.section):
            section = section.parent
        if section:
            spoken(env).setdefault(env.docname, []).append(
                (reference["eqn"], section["ids"][0], section[0].astext())
            )


def spoken(env: BuildEnvironment) -> dict[str, list[tuple[str, str, str]]]:
    """Page -> (equation, section's id, its title), kept with the environment."""
    if not hasattr(env, "openmr_spoken"):
        env.openmr_spoken = {}  # type: ignore[attr-defined]
    return env.openmr_spoken  # type: ignore[attr-defined,no-any-return]


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Drop what a page said before it was read again."""
    spoken(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: Any, other: BuildEnvironment) -> None:
    """Join what parallel readers found."""
    for docname in docnames:
        if docname in spoken(other):
            spoken(env)[docname] = spoken(other)[docname]


def rewrite(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The ledger's page is written anew whenever any page is: its backlinks may have changed."""
    return ["ledger"]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the links to the sections in their places on the ledger's page."""
    if docname != "ledger":
        return
    places: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for source, items in sorted(spoken(app.env).items()):
        for equation, identifier, title in items:
            places[equation][source, identifier] = title
    for place in list(doctree.findall(uses)):
        found = places[place["equation"]]
        links: list[nodes.Node] = []
        for (source, identifier), title in found.items():
            uri = app.builder.get_relative_uri(docname, source) + f"#{identifier}"
            links += [nodes.Text(", " if links else "Used in: ")]
            links += [nodes.reference("", title, internal=True, refuri=uri)]
        place.replace_self([*links, nodes.Text(".")] if links else [])


def name_equations(
    app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    """Append its equations to a function's docstring in the reference."""
    # the ledger may name a method's class or a module's function by either of its names
    equations = app.openmr_equations.get(name)  # type: ignore[attr-defined]
    if equations:
        links = ", ".join(f":eqn:`{equation}`" for equation in equations)
        lines += ["", f"In the ledger: {links}.", ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register roles, page and backlinks."""
    app.add_role("eqn", Equation())
    app.add_role("verdict", Verdict())
    app.add_role("eqn-uses", Uses())
    app.add_node(uses)
    app.connect("builder-inited", write_ledger, priority=100)
    # after numpydoc, which rearranges the docstring at 500
    app.connect("autodoc-process-docstring", name_equations, priority=900)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewrite)
    app.connect("doctree-resolved", fill)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "version": "2", "env_version": 1}
