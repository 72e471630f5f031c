"""Figures as specifications of Vega-Lite, the grammar of Altair, which marimo's page draws.

Built as plain dictionaries: that takes a millisecond, Altair's classes a hundred times as much at
every move of a slider. Figures for print are those of `openmr.plotting`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np

from openmr._checks import Array

_MIME: Final = "application/vnd.vegalite.v6+json"
# at least 3 to 1 on white and on the dark ground; told apart by line as well
_STYLES: Final[tuple[tuple[str, list[int]], ...]] = (
    ("#1a7bd0", []),
    ("#cc5f00", [7, 4]),
    ("#7d8793", [2, 3]),
)
_SILENT: Final = {"aria": False}
"""Marks are silent: the description of the figure says what they are, not each of a hundred."""
_DIGITS: Final = 10
"""Digits of the numbers that a figure holds, which "Data" saves."""
_HOVERED: Final = 60
"""Points of a line, about, that answer the mouse."""
_CIRCLED: Final = " (circles)"
_ZOOM: Final = {
    "name": "zoom",
    "bind": "scales",
    "select": {"type": "interval", "zoom": "wheel![event.shiftKey]"},
}
_LOOK: Final = {
    "font": "PT Sans, sans-serif",
    "axis": {
        "labelFontSize": 12.5, "titleFontSize": 13, "titleFontWeight": "normal", "tickCount": 6,
        "gridColor": "#7d8793", "gridOpacity": 0.3, "domainColor": "#7d8793",
        "tickColor": "#7d8793",
    },
    "legend": {"labelFontSize": 13, "columnPadding": 18},
    "view": {"stroke": "#7d8793"},
}  # fmt: skip
_EMBEDDED: Final = {
    "renderer": "canvas",  # a third of the time of a thousand elements at every move
    "actions": {
        "export": {"svg": True, "png": False}, "source": False, "compiled": False, "editor": False,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One curve, and the points of a second route on it."""

    label: str  # in the legend; none if empty
    x: Array  # (n,), the same in all lines of a figure
    y: Array  # (n,)
    circles: Array | None = None  # (m,), at x[::every]
    every: int = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at x, and what stands beside it."""

    label: str
    x: float


def three(
    x: Array, values: Array, labels: Sequence[str], *, circles: Array | None = None, every: int = 1
) -> list[Line]:
    """Three components (n, 3) as lines, and those of a second route as circles on them."""
    return [
        Line(label, x, values[:, i], None if circles is None else circles[::every, i], every)
        for i, label in enumerate(labels)
    ]


def figure(
    lines: Sequence[Line],
    *,
    title: str,
    description: str,
    x_name: str,
    y_name: str,
    marks: Sequence[Mark] = (),
) -> str:
    """Curves, at least one, over one pair of axes, as an element that marimo's page draws.

    A screen reader says the `description`; the names of the axes have their units in them. The
    wheel zooms with the key Shift, a drag moves, two clicks lead back.
    """
    drawn = spec(lines, description=description, x_name=x_name, y_name=y_name, marks=marks)
    saved = "".join(
        f'<button type="button" class="om-button" data-save="{kind}" '
        f'aria-label="{word} of {escape(title)}">{word}</button>'
        for kind, word in (("svg", "Picture"), ("csv", "Data"))
    )
    return (
        f'<div class="om-drawn" data-name="{escape(title.lower().replace(" ", "-"))}">'
        f"<marimo-mime-renderer data-mime='{_attribute(_MIME)}' "
        f"data-data='{_attribute(json.dumps(drawn))}'></marimo-mime-renderer>"
        f'<div class="om-bar">{saved}</div></div>'
    )


def _attribute(value: Any) -> str:
    return escape(json.dumps(value))


def spec(
    lines: Sequence[Line], *, description: str, x_name: str, y_name: str, marks: Sequence[Mark] = ()
) -> dict[str, Any]:
    """The specification, with its data in it."""
    labels, ends = [line.label or y_name for line in lines], _ends(lines)
    circled = [label + _CIRCLED for label, line in zip(labels, lines, strict=True)
               if line.circles is not None]  # fmt: skip
    legend = {"orient": "top", "title": None, "symbolType": "stroke", "symbolSize": 500}
    named = {"field": "curve", "type": "nominal", "sort": None,
             "legend": legend if lines[0].label else None}  # fmt: skip
    shades = [colour for colour, _ in _STYLES[: len(lines)]]
    place = {
        "x": {"field": x_name, "type": "quantitative", "scale": {"domain": ends, "nice": False}},
        "y": {"field": "value", "type": "quantitative", "title": y_name, "scale": {"zero": False}},
    }
    colour = {"color": {**named, "scale": {"domain": labels, "range": shades}}}
    dashes = [list(dash) or [1, 0] for _, dash in _STYLES[: len(lines)]]
    dashed = {"strokeDash": {**named, "scale": {"domain": labels, "range": dashes}}}
    hovered = [
        *([{"field": "curve"}] if lines[0].label else []),
        {"field": x_name, "format": ".6~g"},
        {"field": "value", "title": y_name, "format": ".8~g"},
    ]
    every = max(1, max(len(line.x) for line in lines) // _HOVERED)
    layers: list[dict[str, Any]] = [
        {
            "transform": [_fold(labels)],
            "mark": {"type": "line", "clip": True, "strokeWidth": 2, **_SILENT},
            "encoding": place | colour | dashed,
            "params": [_ZOOM],
        },
        {
            "transform": [
                {"window": [{"op": "row_number", "as": "i"}]},
                {"filter": f"datum.i % {every} == 0"},
                _fold(labels),
            ],
            "mark": {"type": "point", "clip": True, "size": 90, "opacity": 0, **_SILENT},
            "encoding": place | {"tooltip": hovered},
        },
    ]
    if circled:
        layers.append(
            {
                "transform": [
                    _fold(circled),
                    {"filter": "isValid(datum.value)"},
                    {"calculate": f"replace(datum.curve, '{_CIRCLED}', '')", "as": "curve"},
                ],
                "mark": {"type": "point", "clip": True, "size": 36, "strokeWidth": 1.2, **_SILENT},
                "encoding": place | colour | {"tooltip": hovered},
            }
        )
    for i, mark in enumerate(mark for mark in marks if ends[0] <= mark.x <= ends[1]):
        layers += _marked(mark, i, left=mark.x < sum(ends) / 2)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": description,
        "width": "container",
        "height": 230,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "transparent",
        "data": {
            "values": table(lines, x_name, y_name),
            "format": {
                "type": "csv",
                "parse": dict.fromkeys([x_name, *labels, *circled], "number"),
            },
        },
        "layer": layers,
        "config": _LOOK,
        "usermeta": {"embedOptions": _EMBEDDED},
    }


def _ends(lines: Sequence[Line]) -> list[float]:
    x = np.concatenate([line.x for line in lines])
    return [float(x.min()), float(x.max())]


def _fold(columns: Sequence[str]) -> dict[str, Any]:
    """A row for each column of the table."""
    return {"fold": list(columns), "as": ["curve", "value"]}


def _marked(mark: Mark, number: int, *, left: bool) -> list[dict[str, Any]]:
    """A vertical line and its words, at the side where there is room."""
    place = {"x": {"datum": mark.x, "type": "quantitative"}}
    look = {"color": _STYLES[2 - number][0], **_SILENT}
    near = {"align": "left", "dx": 5} if left else {"align": "right", "dx": -5}
    rule = {"type": "rule", "strokeDash": [[3, 3], [7, 4]][number], "strokeWidth": 1.5}
    words = {"type": "text", "text": mark.label, "fontSize": 12.5}
    once: dict[str, Any] = {"values": [{}]}
    return [
        {"data": once, "encoding": place, "mark": rule | look},
        {
            "data": once,
            "encoding": place | {"y": {"value": 9 + 16 * number}},
            "mark": words | look | near,
        },
    ]


def table(lines: Sequence[Line], x_name: str, y_name: str) -> str:
    """The numbers of a figure as CSV: x, every curve, and the circles on each where there are."""
    head, columns = [x_name], [_digits(lines[0].x)]
    for line in lines:
        head.append(line.label or y_name)
        columns.append(_digits(line.y))
    for line in lines:
        if line.circles is not None:
            head.append((line.label or y_name) + _CIRCLED)
            sparse = [""] * len(line.x)
            sparse[:: line.every] = _digits(line.circles)
            columns.append(sparse)
    rows = [",".join(f'"{name}"' for name in head)]
    return "\n".join(rows + [",".join(row) for row in zip(*columns, strict=True)]) + "\n"


def _digits(values: Array) -> list[str]:
    return [f"{value:.{_DIGITS}g}" for value in values]
