"""The screen as HTML: tables, figures with captions, the snippet. Text in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import numpy as np

from openmr.apps.explorer import drawing
from openmr.apps.explorer.own_film import address, toml
from openmr.apps.explorer.screen import (
    ELECTRIC_FIELD,
    SIZEABLE,
    SMALL,
    STRONGEST_FIELD,
    Refusal,
    Screen,
    Settings,
    captions,
    shown,
    snippet,
)
from openmr.reports.validity import Validity, closing_lines, rows

NAMES: Final = {
    "1/tau_par": "1/τ<sub>∥</sub>",
    "1/tau_perp, x": "1/τ<sub>⊥</sub>, x",
    "1/tau_perp, y": "1/τ<sub>⊥</sub>, y",
    "omega_L": "ω<sub>L</sub>",
    "rho_L": "ρ<sub>L</sub>",
    "rho_T": "ρ<sub>T</sub>",
    "hbar / (k_B T tau)": "ħ / (k<sub>B</sub>T τ)",
    "eps_L / W": "ε<sub>L</sub> / W",
    "beta eps_L": "β ε<sub>L</sub>",
    "beta hbar omega_L": "β ħ ω<sub>L</sub>",
    "nu_F J ln(W / k_B T)": "ν<sub>F</sub> J ln(W / k<sub>B</sub>T)",
    "(T_C / T)^2": "(T<sub>C</sub> / T)²",
    "active electrons per moment": "active electrons per moment",
    "theta_SH^2": "θ<sub>SH</sub>²",
}
_UNITS: Final = {"1/ns": "1/ns", "rad/ns": "rad/ns", "microohm m": "µΩ m"}
_ROUTES: Final = {
    "closed-form": "closed form",
    "bloch-redfield": "Bloch–Redfield, QuTiP",
    "batched": "Bloch–Redfield, NumPy",
}
_WHO: Final = {
    False: "Line: closed form. Circles: Bloch–Redfield, NumPy.",
    True: "Line: Bloch–Redfield, NumPy. Circles: the same by QuTiP.",
}
MEANING: Final = (
    "The moments order by J<sub>0</sub>, the coupling of one to all others. ⟨S<sub>∥</sub>⟩: mean "
    "spin of a moment along the field; negative, as a spin points against its magnetic moment; "
    "⟨<b>S</b>⟩: the order vector along current x, across it y, and normal z. "
    "ε<sub>L</sub>: energy of one flip in the Weiss field; β = 1/k<sub>B</sub>T. B<sub>sd</sub>: "
    "mean field of the moments on the electrons, ω<sub>L</sub> = gμ<sub>B</sub>(B − "
    "B<sub>sd</sub>)/ħ."
)


def header() -> str:
    """Title and what this is."""
    return (
        '<header class="om-header"><h1>openmr explore</h1>'
        "<p>A Pt film with magnetic moments: spin relaxation and resistivity by the closed forms "
        "and by Bloch–Redfield. Tab to a slider, change it with the arrow keys. The address holds "
        "where the sliders stand.</p></header>"
    )


def controls(groups: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """Groups of sliders: heading, what one must know of them (may be empty), and their HTML."""
    parts = [
        f"<fieldset><legend>{escape(heading)}"
        + (f"<small>{escape(note)}</small>" if note else "")
        + f'</legend><div class="om-sliders">{"".join(sliders)}</div></fieldset>'
        for heading, note, sliders in groups
    ]
    return f'<section class="om-controls" aria-label="Parameters">{"".join(parts)}</section>'


def refusal(found: Refusal) -> str:
    """Why there is nothing to show."""
    return (
        '<section class="om-card om-refusal" role="alert"><h2>No result for these values</h2>'
        f'<p id="om-reason">{escape(found.reason)}</p>'
        "<p>Move the slider back and the numbers return.</p>"
        f"{_here(found.settings)}</section>"
    )


def unread(found: Refusal) -> str:
    """Why a file or an address does not set the sliders, which stand as the page began."""
    return (
        '<section class="om-card om-refusal" role="alert"><h2>Not taken over</h2>'
        f'<p id="om-unread">{escape(found.reason)}</p>'
        "<p>The sliders stand as the page began.</p></section>"
    )


def _here(settings: Settings) -> str:
    """Where the address takes the place of the sliders from."""
    return f'<span hidden="" data-address="{escape(address(settings))}"></span>'


def numbers(found: Screen) -> str:
    """State of the moments and the table of both routes."""
    order = f"{shown(found.ordering, 1)} K" if found.ordering > 0 else "none"
    facts = [
        ("ordering temperature", order),
        ("⟨S<sub>∥</sub>⟩", shown(found.mean_spin, 3)),
        ("⟨<b>S</b>⟩", f"({', '.join(shown(value, 3) for value in found.order)})"),
        ("B<sub>sd</sub>", f"{shown(found.exchange_field, 3)} T"),
    ]
    if found.reduced_splitting is not None:
        facts.insert(3, (NAMES["beta eps_L"], shown(found.reduced_splitting, 3)))
    state = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    rows = []
    for row in found.rows:
        closed, numerical = row.texts
        rows.append(
            f'<tr data-row="{escape(row.name)}"><th scope="row">{NAMES[row.name]} '
            f"<small>{_UNITS[row.unit]}</small></th><td>{closed}</td><td>{numerical}</td>"
            f"<td>{difference(row.difference)}</td></tr>"
        )
    first, second = (_ROUTES[method] for method in found.methods)
    note = (
        "Bloch–Redfield: the tensor of electron and moment."
        if found.settings.method == "bloch-redfield"
        else "Bloch–Redfield: the tensor in NumPy (<code>batched</code>), because the other takes "
        "longer than a slider may for this spin."
    )
    if found.methods[0] != "closed-form":
        note = (
            "No closed form takes moments that lie across their axes: the tensor is built twice, "
            "by QuTiP and in NumPy."
        )
    return (
        '<section class="om-card" id="om-numbers" aria-label="Numbers" '
        f"{_point(found.settings)}><h2>Numbers</h2>"
        f'<dl class="om-state">{state}</dl><p class="om-note om-meaning">{MEANING}</p>'
        f"{_table(('quantity', first, second, 'difference'), rows)}"
        f"<p class='om-note'>{note} The difference is relative; that of rates is of the exchange "
        "part, without 1/τ<sub>0</sub>; that of ρ<sub>T</sub> is over ρ<sub>L</sub>. "
        "x, y, z are the local axes, z along the field.</p>"
        f"{_here(found.settings)}</section>"
    )


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    columns = "".join(f'<th scope="col">{name}</th>' for name in head)
    return (
        f'<table class="om-table"><thead><tr>{columns}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _point(settings: Settings) -> str:
    """The values of the sliders that the numbers belong to, for tests and timing."""
    names = (*Settings.__slots__,)
    return " ".join(f'data-{n.replace("_", "-")}="{getattr(settings, n):g}"' for n in names)


def difference(value: float) -> str:
    """A relative difference with one digit; 0 is agreement to the last digit."""
    return "0" if value == 0.0 else f"{value:.0e}"


def small(found: Screen) -> str:
    """The small parameters."""
    if not found.small:
        return (
            '<section class="om-card" id="om-small" aria-label="What must be small">'
            "<h2>What must be small</h2>"
            '<p class="om-note">The small parameters are those of moments along the field. Set D '
            "and E to 0 to see them.</p></section>"
        )
    rows = (
        f'<tr data-row="{escape(item.parameter)}"><th scope="row">{NAMES[item.parameter]} '
        f'<small class="om-words">{escape(item.assumption)}, Eq. {escape(item.equation)}</small>'
        f"</th><td>{item.size:.3g}</td><td class='om-word om-{item.verdict.replace(' ', '-')}'>"
        f"{item.verdict}</td></tr>"
        for item in found.small
    )
    return (
        '<section class="om-card" id="om-small" aria-label="What must be small">'
        "<h2>What must be small</h2>"
        f"{_table(('parameter, and what rests on it', 'value', 'verdict'), rows)}"
        f"<p class='om-note'>small: below {SMALL:g}; sizeable: below {SIZEABLE:g}; not small: "
        f"{SIZEABLE:g} and more. The button below works out what each costs.</p></section>"
    )


def figures(found: Screen) -> str:
    """The three figures, each with the numbers below it, and the small parameters beside them."""
    spin, ends, face = captions(found)
    return (
        '<section class="om-figures" aria-label="Figures">'
        + _card(
            "Decay of a spin",
            _decay_figure(found),
            f"Lines: {_ROUTES[found.methods[0]]}. Circles: {_ROUTES[found.methods[1]]}. The spin "
            "starts halfway between the "
            f"field (z) and x; after 1 ps it is ({', '.join(spin)}).",
        )
        + _card(
            "Resistivity against field",
            _curve_figure(found),
            f"ρ<sub>L</sub> from {ends[0]} at 0 T to {ends[1]} µΩ m at 30 T. "
            f"{_WHO[found.settings.oriented]} {_where_still(found)}",
        )
        + _card(
            "Spin accumulation across the film",
            _profile_figure(found),
            f"At the far face ({', '.join(face)}) µeV, for "
            f"{ELECTRIC_FIELD / 1e4:g} × 10⁴ V/m along the current (10¹⁰ A/m²); x, y, z of the "
            "film, z its normal.",
        )
        + small(found)
        + "</section>"
    )


def _card(title: str, drawn: str, caption: str) -> str:
    return (
        f'<figure class="om-card"><h2>{title}</h2>{drawn}<figcaption>{caption}</figcaption>'
        "</figure>"
    )


def _decay_figure(found: Screen) -> str:
    decay = found.decay
    lines = drawing.three(
        1e12 * decay.times,
        decay.closed_form,
        ("x", "y", "z, along the field"),
        circles=decay.numerical,
        every=9,
    )
    return drawing.figure(
        lines,
        title="Decay of a spin",
        description="Three components of the spin against time",
        x_name="time (ps)",
        y_name="spin (initial length = 1)",
    )


def _curve_figure(found: Screen) -> str:
    curve, checks = found.curve, found.checks
    marks = [drawing.Mark(f"here, {found.settings.field:g} T", found.settings.field)]
    still = standstill(found)
    if still is not None:
        marks.append(drawing.Mark("B = Bsd", still))
    line = drawing.Line(
        "", curve.relaxation.field, 1e6 * curve.longitudinal, 1e6 * checks.longitudinal, every=5
    )
    return drawing.figure(
        [line],
        title="Resistivity against field",
        description="Longitudinal resistivity against the field",
        x_name="field (T)",
        y_name="resistivity ρL (µΩ m)",
        marks=marks,
    )


def standstill(found: Screen) -> float | None:
    """Field of the curve at which B = B_sd and the precession stands still [T]; None if none."""
    omega, fields = found.curve.relaxation.precession, found.curve.relaxation.field
    turns = np.flatnonzero(omega[1:-1] * omega[2:] < 0) + 1  # B_sd of a finite field
    if not len(turns):
        return None
    i = turns[0]
    return float(fields[i] - omega[i] * (fields[i + 1] - fields[i]) / (omega[i + 1] - omega[i]))


def _where_still(found: Screen) -> str:
    if standstill(found) is not None:
        return "At B = B<sub>sd</sub> the spins do not precess."
    return (
        "B<sub>sd</sub> equals B, which stops the precession, at no field between 0 and "
        f"{STRONGEST_FIELD:g} T: it is {shown(found.exchange_field, 3)} T at "
        f"{found.settings.field:g} T."
    )


def _profile_figure(found: Screen) -> str:
    return drawing.figure(
        drawing.three(
            1e9 * found.profile.depth, 1e6 * found.profile.accumulation, ("x", "y", "z, normal")
        ),
        title="Spin accumulation across the film",
        description="Spin accumulation against depth",
        x_name="depth z (nm)",
        y_name="spin accumulation (µeV)",
    )


def code(settings: Settings, methods: tuple[str, str] | None = None) -> str:
    """The Python of the screen and its file, with buttons that copy and save them."""
    python = _listing("Python", "om-snippet", snippet(settings, methods), "openmr_film.py")
    file = _listing("TOML", "om-file", toml(settings), "film.toml")
    return (
        '<section class="om-card" id="om-code" aria-label="The same without this page">'
        "<h2>The same without this page</h2>"
        f"{python}{file}</section>"
    )


def _listing(language: str, name: str, text: str, file: str) -> str:
    said = {
        "Python": "These lines print the numbers above.",
        "TOML": "For <code>openmr sweep</code>, <code>openmr resistance --config</code> and other "
        "commands, and for this page: “Own film” takes it back.",
    }[language]
    return (
        f'<div class="om-bar"><h3>In {language}</h3>'
        f'<button type="button" class="om-button" data-copy="{name}" '
        f'aria-label="Copy {language}">Copy</button>'
        f'<button type="button" class="om-button" data-save="{file}" data-from="{name}" '
        f'aria-label="Save {language}">Save</button>'
        f'<span class="om-copied" role="status"></span></div><p class="om-note">{said}</p>'
        f'<pre id="{name}" tabindex="0" aria-label="{language} of this film">{escape(text)}</pre>'
    )


def report(found: Validity) -> str:
    """The table of `openmr.validity` at one point, with lines that break where the window ends."""
    head = ("assumption, its small parameter", "value", "off by", "verdict")
    body = (
        f'<tr><th scope="row">{escape(name)} '
        f'<small class="om-words">{escape(f"{parameter}, Eq. {equation}")}</small></th>'
        f"<td>{size}</td><td class='om-word'>{'–' if off == '-' else off}</td>"
        f"<td class='om-word{' om-not-small' if verdict in ('MISS', 'OPEN') else ''}'>{verdict}"
        f"</td><td class='om-source'>{escape(said)}</td></tr>"
        for name, equation, parameter, size, off, verdict, said in rows(found)
    )
    notes = "".join(
        f'<p class="om-note">{escape(line.strip())}</p>' for line in closing_lines(found) if line
    )
    return (
        '<section class="om-card om-report" aria-label="What each costs"><h2>What each costs</h2>'
        f"{_table((*head, 'of what [by which route]'), body)}{notes}</section>"
    )
