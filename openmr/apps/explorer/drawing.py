"""Line figures as SVG text, drawn in a millisecond.

A figure of matplotlib takes 50 to 100 ms, too long for three of them at every move of a slider;
those of `openmr.plotting` are for print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Final

import numpy as np

from openmr._checks import Array

_WIDTH, _HEIGHT = 440, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 12, 38, 48  # room for numbers and names
_TICKS: Final = 5
# Okabe-Ito colours, told apart by line as well
_STYLES: Final = (("#000000", ""), ("#b34700", "7 4"), ("#0060a0", "2 3"))


@dataclass(frozen=True, slots=True)
class Line:
    """One curve."""

    label: str  # in the legend; none if empty
    x: Array  # (n,)
    y: Array  # (n,)
    colour: str = "#000000"
    dash: str = ""  # of SVG; empty for a solid line, "none" for circles without a line


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at x with its name in the legend."""

    label: str
    x: float
    colour: str = "#5a6472"
    dash: str = "3 3"


@dataclass(frozen=True, slots=True)
class Axis:
    """A range, its ticks, and what turns a number into a place on the page."""

    low: float
    high: float
    start: float
    stop: float
    ticks: tuple[float, ...]
    texts: tuple[str, ...]

    def at(self, value: Array) -> Array:
        """Places of numbers [px]."""
        share = (np.asarray(value) - self.low) / (self.high - self.low)
        return np.asarray(self.start + (self.stop - self.start) * share)


def figure(
    lines: Sequence[Line], *, description: str, x_name: str, y_name: str, marks: Sequence[Mark] = ()
) -> str:
    """Curves, at least one, over one pair of axes: an `svg` element that scales with its width.

    A screen reader says the `description`; the names of the axes have their units in them.
    """
    across = axis(np.concatenate([line.x for line in lines]), _LEFT, _WIDTH - _RIGHT, tight=True)
    along = axis(np.concatenate([line.y for line in lines]), _HEIGHT - _BOTTOM, _TOP)
    inside = [mark for mark in marks if across.low <= mark.x <= across.high]
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(description)}">',
        *_frame(across, along, x_name, y_name),
        *(_mark(mark, across) for mark in inside),
        *(_curve(line, across, along) for line in lines),
        *_legend([*(line for line in lines if line.label), *inside]),
        "</svg>",
    ]
    return "".join(parts)


def axis(values: Array, start: float, stop: float, *, tight: bool = False) -> Axis:
    """Axis from `start` to `stop` [px] that holds all values, with about five round ticks.

    A `tight` one ends at the extreme values, without a margin.
    """
    low, high = float(values.min()), float(values.max())
    span = high - low
    least = 1e-9 * max(abs(low), abs(high))  # below it lies rounding
    if span <= least:
        span = max(abs(low), 1e-30) if least else 1.0
        low, high = low - 0.5 * span, high + 0.5 * span
    elif not tight:
        low, high = low - 0.06 * span, high + 0.06 * span
    step = round_step((high - low) / _TICKS)
    ticks = step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    large = np.abs(ticks).max(initial=0.0)
    texts = [f"{t:z.{decimals}f}" if decimals < 7 and large < 1e6 else f"{t:.3g}" for t in ticks]
    return Axis(low, high, start, stop, tuple(ticks.tolist()), tuple(texts))


def round_step(rough: float) -> float:
    """Smallest of 1, 2, 5 times a power of ten that is at least `rough`."""
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= 0.999999 * rough))


def three(
    x: Array, values: Array, labels: Sequence[str], *, circles: Array | None = None, every: int = 1
) -> list[Line]:
    """Three components (n, 3) as lines, and those of a second route as circles on them."""
    lines = []
    for i, (label, (colour, dash)) in enumerate(zip(labels, _STYLES, strict=True)):
        line = Line(label, x, values[:, i], colour, dash)
        lines.append(line)
        if circles is not None:
            lines.append(replace(line, label="", x=x[::every], y=circles[::every, i], dash="none"))
    return lines


def _frame(across: Axis, along: Axis, x_name: str, y_name: str) -> list[str]:
    left, right, top, bottom = _LEFT, _WIDTH - _RIGHT, _TOP, _HEIGHT - _BOTTOM
    columns = across.at(np.array(across.ticks)).tolist()
    rows = along.at(np.array(along.ticks)).tolist()
    parts = [
        '<g class="om-grid">',
        *(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>' for x in columns),
        *(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>' for y in rows),
        '</g><g class="om-ticks">',
    ]
    for place, text in zip(columns, across.texts, strict=True):
        parts.append(f'<text x="{place:.1f}" y="{bottom + 17}" text-anchor="middle">{text}</text>')
    for place, text in zip(rows, along.texts, strict=True):
        parts.append(f'<text x="{left - 7}" y="{place + 4.5:.1f}" text-anchor="end">{text}</text>')
    middle = 0.5 * (top + bottom)
    parts.append(
        f'</g><rect class="om-box" x="{left}" y="{top}" width="{right - left}" '
        f'height="{bottom - top}"/>'
        f'<text x="{0.5 * (left + right)}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"{escape(x_name)}</text>"
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_name)}</text>"
    )
    return parts


def _mark(mark: Mark, across: Axis) -> str:
    place = float(across.at(np.array(mark.x)))
    return (
        f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" '
        f'stroke="{mark.colour}" stroke-width="1.5" stroke-dasharray="{mark.dash}"/>'
    )


def _curve(line: Line, across: Axis, along: Axis) -> str:
    x, y = across.at(line.x).tolist(), along.at(line.y).tolist()
    if line.dash == "none":
        circles = "".join(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in zip(x, y, strict=True)
        )
        return f'<g fill="none" stroke="{line.colour}">{circles}</g>'
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2" '
        f'stroke-dasharray="{line.dash}"/>'
    )


def _legend(entries: Sequence[Line | Mark]) -> list[str]:
    parts = []
    place = float(_LEFT)
    for entry in entries:
        if entry.dash == "none":
            swatch = f'<circle cx="{place + 11:.0f}" cy="20" r="3" fill="none" '
        else:
            swatch = (
                f'<line x1="{place:.0f}" x2="{place + 22:.0f}" y1="20" y2="20" '
                f'stroke-width="2" stroke-dasharray="{entry.dash}" '
            )
        parts.append(f'{swatch}stroke="{entry.colour}"/>')
        parts.append(f'<text x="{place + 27:.0f}" y="24.5">{escape(entry.label)}</text>')
        place += 27 + 7.2 * len(entry.label) + 16
    return parts
