"""Levels of temperature, and sweeps of field or angle, found in the rows of a measurement."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array, ParameterError

Labels = NDArray[np.int64]
GAP = 0.5
"""Smallest distance of two levels [K], unless the user gives another."""
_SCATTERS = 5.0
"""Distance of two levels in standard deviations of the temperature within them."""
_MANY = 3
"""Points that make a second temperature of what could be one reading gone wrong."""
_READING = 0.15
"""Step of a coarse thermometer [K], which is no second temperature; a fiftieth where it is cold."""
_STILL = 0.02
"""Part of the largest field, and angle [rad], within which either counts as constant."""


def levels(temperature: Array, gap: float = GAP) -> Labels:
    """Number of the level of each point, from the coldest: clusters of temperature [K].

    Two levels are more than `gap` apart, and more than five times the scatter within both.
    """
    order = np.argsort(temperature)
    kelvin = temperature[order]
    begins = [0, *(np.flatnonzero(np.diff(kelvin) > gap) + 1).tolist(), len(kelvin)]
    parts = [kelvin[a:b] for a, b in pairwise(begins)]
    joined = parts[:1]
    for part in parts[1:]:
        if part[0] - joined[-1][-1] > _SCATTERS * _scatter(joined[-1], part):
            joined.append(part)
        else:
            joined[-1] = np.concatenate([joined[-1], part])
    found = np.empty(len(kelvin), dtype=np.int64)
    found[order] = np.repeat(np.arange(len(joined)), [len(part) for part in joined])
    return found


def _scatter(*parts: Array) -> float:
    """Standard deviation about the mean of each part, from parts of two points and more."""
    freedom = sum(len(part) - 1 for part in parts)
    squares = sum(float(np.sum((part - part.mean()) ** 2)) for part in parts)
    return float(np.sqrt(squares / freedom)) if freedom else 0.0


def hold_one_temperature(temperature: Array, level: Labels) -> None:
    """Refuse levels that hold two temperatures, since a level has one resistivity."""
    for one in np.unique(level):
        kelvin = np.sort(temperature[level == one])
        inner = np.diff(kelvin)[_MANY - 1 : len(kelvin) - _MANY]
        if inner.size:
            at = int(np.argmax(inner)) + _MANY
            low, high = kelvin[:at], kelvin[at:]
            step = min(_READING, 0.02 * low[-1])
            if high[0] - low[-1] > max(_SCATTERS * _scatter(low, high), step):
                cold, warm = float(np.median(low)), float(np.median(high))
                gap = (
                    f"the smallest distance of two levels in K, as level={0.5 * (warm - cold):.2g}"
                )
                raise _two(cold, warm, gap)
        widest = min(0.25 * kelvin[-1], max(1.0, 0.01 * kelvin[-1]))
        if kelvin[-1] - kelvin[0] > widest:
            ends = float(kelvin[0]), float(kelvin[-1])
            raise _two(*ends, "leave out what was taken while it changed")


def _two(low: float, high: float, cure: str) -> ParameterError:
    return ParameterError(
        f"`temperature` must be one in each level, got {low:.6g} and {high:.6g} K in one; give a "
        f"column of levels, or {cure}"
    )


def sweeps(field: Array, direction: Array, run: Labels) -> Labels:
    """Number of the sweep of each point, in the order of the rows.

    A sweep ends where `run` changes (film and level, say), where field or angle turns back, and
    where what was held still, the angle in sweeps of the field or the field in rotations, does not.
    """
    starts = np.zeros(len(field), dtype=bool)
    edges = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(field)]
    for first, last in pairwise(edges):
        if last > first:
            here = slice(first, last)
            starts[first] = True
            starts[first + _turns_of(field[here], _angle(direction[here]))] = True
    return np.cumsum(starts, dtype=np.int64) - 1


def _turns_of(field: Array, angle: Array) -> Labels:
    """Rows at which a sweep begins within one run, the first row apart."""
    largest = float(np.max(np.abs(field)))
    steady_field, steady_angle = _STILL * largest, _STILL
    if np.ptp(angle) <= steady_angle:
        return _turns(field, steady_field)
    if np.ptp(field) <= steady_field:
        return _turns(angle, steady_angle)
    for held, steady, moved, least in (
        (field, steady_field, angle, steady_angle),
        (angle, steady_angle, field, steady_field),
    ):
        steps = _steps(held, steady)
        if len(held) >= _MANY * (len(steps) + 1):
            edges = [0, *steps.tolist(), len(held)]
            within = [a + _turns(moved[a:b], least) for a, b in pairwise(edges)]
            return np.concatenate([steps, *within])
    return np.concatenate([_turns(field, steady_field), _turns(angle, steady_angle)])


def _angle(direction: Array) -> Array:
    """Angle [rad] travelled by b, counted back where it turns back."""
    if np.all(direction == direction[0]):
        return np.zeros(len(direction))
    after, before = direction[1:], direction[:-1]
    cross = np.cross(before, after)
    size = np.linalg.norm(cross, axis=-1)
    if not np.any(size > 1e-9):
        return np.zeros(len(direction))
    axis = cross[np.argmax(size)]
    sign = np.where(cross @ axis < 0, -1.0, 1.0)
    step = sign * np.arctan2(size, np.sum(before * after, axis=-1))
    return np.concatenate([[0.0], np.cumsum(step)])


def _steps(signal: Array, least: float) -> Labels:
    """Rows at which the signal has left, by more than `least`, where it was held."""
    found, held = [], signal[0] if len(signal) else 0.0
    for at, value in enumerate(signal.tolist()):
        if abs(value - held) > least:
            found.append(at)
            held = value
    return np.array(found, dtype=np.int64)


def _turns(signal: Array, least: float) -> Labels:
    """Rows after which the signal goes back by more than `least`."""
    steps = np.flatnonzero(np.diff(signal))
    if not steps.size:
        return np.empty(0, dtype=np.int64)
    back = np.flatnonzero(np.diff(np.sign(signal[steps + 1] - signal[steps])))
    flat = (steps[back] + 1 + steps[back + 1]) // 2  # the middle of equal values at each turn
    ends = [*flat.tolist(), len(signal) - 1]
    found: list[int] = []
    low = high = (float(signal[0]), 0)
    heading = 0
    for at in ends:
        value = float(signal[at])
        if value >= high[0]:
            high = (value, at)
        if value <= low[0]:
            low = (value, at)
        if heading >= 0 and high[0] - value > least:
            if heading:
                found.append(high[1] + 1)
            heading, low, high = -1, (value, at), (value, at)
        elif heading <= 0 and value - low[0] > least:
            if heading:
                found.append(low[1] + 1)
            heading, low, high = 1, (value, at), (value, at)
    return np.array(found, dtype=np.int64)
