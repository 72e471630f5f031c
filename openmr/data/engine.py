"""The model of a fit beside its rows: what is linear is eliminated inside each step.

rho_i = rho_g r_i(p) + sum_j c_j n_j(i): rho_L0 of every group and the c_j follow from p by linear
least squares. The residuals that this leaves, and their slopes with p (Kaufman's), are those of the
whole problem at its minimum, so errors of p are those of all unknowns together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmr._checks import Array
from openmr._words import Order
from openmr.data.curves import (
    Powers,
    SideBySide,
    bare_resistivity,
    changed_by,
    powers,
    with_bare_resistivity,
)
from openmr.data.identifiability import REACH
from openmr.data.least_squares import CENTRAL, FORWARD, Problem, differences
from openmr.data.noise import Chain, chain
from openmr.data.nuisance import Rows
from openmr.sample.film import Sample

LARGEST_ANGLE: Final[dict[Order, float]] = {"second": 0.99, "exact": 0.7}
"""Ends of theta_SH; the exact conductivity stays positive below 1/sqrt(2) whatever the rates."""


_KEPT: Final = 8
"""Tables of curves that are kept: a minimum and the differences about it are visited again."""


class Unknown(NamedTuple):
    """A parameter that is fitted, of all films and temperatures or of one."""

    label: str
    name: str
    film: str | None = None
    kelvin: float | None = None

    def covers(self, film: str, kelvin: float) -> bool:
        """Whether it is a number of that film at that temperature."""
        return self.film in (None, film) and (self.kelvin is None or close(self.kelvin, kelvin))


def close(one: float, other: float) -> bool:
    """Whether two temperatures are one level."""
    return abs(one - other) < 1e-2 * one + 0.25


class _Part(NamedTuple):
    """Rows that one sample gives, by points without repeats."""

    rows: NDArray[np.int64]
    points: NDArray[np.int64]  # of each row
    component: NDArray[np.int64]
    curve: SideBySide
    powers: Powers | None
    sample: Sample
    changed: Callable[[Mapping[str, float]], Sample]
    unknowns: tuple[int, ...]
    groups: NDArray[np.int64]


def _distinct(rows: Array) -> tuple[Array, NDArray[np.int64]]:
    """Rows (n, c) without repeats, in order, and where each is among them."""
    order = np.lexsort(rows.T[::-1])
    rows, places = rows[order], np.empty_like(order)
    fresh = np.ones(len(rows), dtype=bool)
    fresh[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    places[order] = np.cumsum(fresh) - 1
    return rows[fresh], places


class Model:
    """rho / rho_L0 of all rows, of logarithms of the unknowns over their starts."""

    def __init__(
        self,
        rows: Rows,
        samples: Mapping[str, Sample],
        unknowns: Sequence[Unknown],
        order: Order,
        options: Mapping[str, Any],
    ) -> None:
        self.unknowns = tuple(unknowns)
        self.size = len(rows)
        self.parts: list[_Part] = []
        self.bare: dict[int, float] = {}
        self.kept: dict[tuple[bytes, bool], Array] = {}
        apart = any(one.kelvin is not None for one in unknowns)
        for film in dict.fromkeys(rows.film.tolist()):
            mine = rows.film == film
            split = apart or samples[film].is_stack
            pieces = [mine & (rows.group == g) for g in np.unique(rows.group[mine])]
            for mask in pieces if split else [mine]:
                at = np.flatnonzero(mask)
                given = np.column_stack([rows.temperature, rows.field, rows.direction])[at]
                points, places = _distinct(given)
                kelvin = float(rows.temperature[at[0]])
                curve = SideBySide(points[:, 0], points[:, 1], points[:, 2:], order, options)
                change = changed_by(samples[film])
                mine = [i for i, one in enumerate(unknowns) if one.covers(film, kelvin)]
                names = [unknowns[i].name for i in mine]
                self.parts.append(
                    _Part(
                        at,
                        places,
                        rows.transverse[at].astype(np.int64),
                        curve,
                        powers(samples[film], change, names) if curve.closed else None,
                        samples[film],
                        change,
                        tuple(mine),
                        np.unique(rows.group[at]),
                    )
                )

    def sample(self, part: _Part, values: Array) -> Sample:
        """The sample of some rows with the values of the unknowns in it."""
        changes = {self.unknowns[i].name: float(values[i]) for i in part.unknowns}
        found = part.changed(changes)
        if found.is_stack and (bare := self.bare.get(int(part.groups[0]))):
            found = with_bare_resistivity(found, bare)
        return found

    def __call__(self, table: Array, absolute: bool = False) -> Array:
        """Ratios rho / rho_L0 (k, n), or rho, of values (k, m); tables and their ends are kept."""
        key = table.tobytes(), absolute
        if key not in self.kept:
            for _ in range(len(self.kept) - _KEPT):
                del self.kept[next(iter(self.kept))]
            found = self._worked_out(table, absolute)
            self.kept |= {(table[-1].tobytes(), absolute): found[-1:], key: found}
        return self.kept[key]

    def at_resistivities(self, bare: Mapping[int, float]) -> None:
        """Count conductances of faces against these rho_L0 of groups."""
        self.bare |= bare
        self.kept.clear()

    def _worked_out(self, table: Array, absolute: bool) -> Array:
        found = np.empty((len(table), self.size))
        for part in self.parts:
            rows: Any = slice(None)
            places = rows
            if len(part.unknowns) < table.shape[1] or part.powers is None:
                first: dict[bytes, int] = {}  # rows that this part tells apart
                mine = [row.tobytes() for row in table[:, part.unknowns]]
                places = [first.setdefault(key, len(first)) for key in mine]
                rows = [mine.index(key) for key in first]
            found[:, part.rows] = self._curves(part, table[rows], absolute)[places]
        return found

    def _curves(self, part: _Part, table: Array, absolute: bool) -> Array:
        """Rows of a part for values (k, m)."""
        bare: Any
        if part.powers is not None:
            numbers = part.powers.numbers(table[:, part.unknowns])
            both, bare = part.curve.of_numbers(part.sample, numbers), numbers[:, -1:]
        else:
            samples = [self.sample(part, row) for row in table]
            both = part.curve(samples)
            bare = np.array([bare_resistivity(one) for one in samples])[:, None]
        both = both[:, part.component, part.points]
        return np.asarray(both * bare if absolute else both)


@dataclass(frozen=True, slots=True)
class _Linear:
    """Linear coefficients at a point, and what they leave."""

    ratio: Array  # (n,), rho / rho_L0
    groups: Array  # (G,), rho_L0 [Ohm m]
    left: Array  # (g,), whitened rows less all of it
    basis: Array  # (g, r), orthonormal, of groups beyond the columns
    volume: float  # logarithm of that of the columns of the groups beyond the others


@dataclass(frozen=True, slots=True)
class Engine:
    """Rows, columns, noise and flags, from which `problem` makes residuals."""

    rows: Rows
    columns: Array
    model: Model
    start: Array
    chain: Chain
    known: tuple[tuple[int, float, float], ...]  # unknown, value, error
    order: Order
    absolute: bool  # rho_L0 is that of the sample
    terms_basis: Array  # (g, k'), orthonormal, of the whitened columns

    @classmethod
    def of(
        cls,
        rows: Rows,
        columns: Array,
        model: Model,
        start: Array,
        good: NDArray[np.bool_],
        sigma: Array,
        memory: Array,
        known: Sequence[tuple[int, float, float]],
        order: Order,
        absolute: bool,
    ) -> Engine:
        """With the whitening of `good` rows by sigma and phi (n,) of each."""
        links = chain(np.flatnonzero(good), rows.run, rows.position, sigma, memory)
        basis = orthonormal(links.whiten(columns))
        return cls(rows, columns, model, start, links, tuple(known), order, absolute, basis)

    @property
    def names(self) -> tuple[str, ...]:
        """Labels of the unknowns."""
        return tuple(one.label for one in self.model.unknowns)

    @property
    def present(self) -> NDArray[np.int64]:
        """Groups of which a row is kept."""
        return np.unique(self.rows.group[self.chain.good])

    def values(self, logs: Array) -> Array:
        """Values of the unknowns, in their units."""
        return np.asarray(self.start * np.exp(logs))

    def _members(self) -> Array:
        members: Array = (self.rows.group[self.chain.good][:, None] == self.present).astype(float)
        return members

    def linear(self, ratio: Array) -> _Linear:
        """Coefficients of groups and columns for a curve (n,)."""
        groups = np.zeros(len(self.rows.groups))
        y = self.chain.whiten(self.rows.value)
        white = self.chain.whiten(ratio)
        volume = 0.0
        if self.absolute:
            left = self._without_terms(y - white)
            basis = np.empty((len(y), 0))
            groups[:] = 1.0
        else:
            beyond = self._without_terms(white[:, None] * self._members())
            basis, triangle = np.linalg.qr(beyond)
            volume = float(np.sum(np.log(np.abs(np.diag(triangle)))))
            y_beyond = self._without_terms(y)
            along = basis.T @ y_beyond
            groups[self.present] = np.linalg.solve(triangle, along)
            left = y_beyond - basis @ along
        return _Linear(ratio, groups, left, basis, volume)

    def _without_terms(self, white: Array) -> Array:
        basis = self.terms_basis
        if not basis.shape[1]:
            return white
        return np.asarray(white - basis @ (basis.T @ white))

    def projected(self, linear: _Linear, slopes: Array) -> Array:
        """Slopes (g, m) of the residuals from those of the ratio (n, m)."""
        scaled = slopes * linear.groups[self.rows.group][:, None]
        found = self._without_terms(self.chain.whiten(scaled))
        if linear.basis.shape[1]:
            found = found - linear.basis @ (linear.basis.T @ found)
        return np.asarray(found)

    def with_noise(self, sigma: Array, memory: Array) -> Engine:
        """The same with other sigma and phi (n,) of each row."""
        rows, good = self.rows, self.chain.good
        links = chain(good, rows.run, rows.position, sigma, memory)
        return replace(self, chain=links, terms_basis=orthonormal(links.whiten(self.columns)))

    def estimate(self, logs: Array, inner: Array) -> tuple[Array, Array]:
        """Step (m,) to the minimum, and covariance (m, m), with slopes of the ratio (n, m)."""
        linear = self.linear(self.ratio(logs))
        misses, prior = self._prior(logs)
        slopes = np.concatenate([self.projected(linear, inner), prior])
        covariance = np.linalg.pinv(slopes.T @ slopes, rcond=1e-12, hermitian=True)
        step = covariance @ (slopes.T @ np.concatenate([linear.left, -misses]))
        return np.asarray(step), np.asarray(covariance)

    def _prior(self, logs: Array) -> tuple[Array, Array]:
        misses = np.zeros(len(self.known))
        slopes = np.zeros((len(self.known), len(logs)))
        values = self.values(logs)
        for row, (at, value, error) in enumerate(self.known):
            misses[row] = (values[at] - value) / error
            slopes[row, at] = values[at] / error
        return misses, slopes

    def residuals(self, logs: Array) -> Array:
        """Model less data in standard deviations, (g + priors,)."""
        found = self.linear(self.ratio(logs))
        return np.concatenate([-found.left, self._prior(logs)[0]])

    def log_likelihood(self, logs: Array) -> float:
        """With every coefficient integrated out over all numbers, up to a constant.

        Each integral leaves the root of 2 pi over the curvature of chi^2 / 2 along it; those of the
        columns do not know the parameters.
        """
        residuals = self.residuals(logs)
        return float(-0.5 * residuals @ residuals - self.linear(self.ratio(logs)).volume)

    def ratio(self, logs: Array) -> Array:
        """All of rho / rho_L0, in rows; rho itself where rho_L0 is that of the sample."""
        return np.asarray(self.model(self.values(logs)[None], self.absolute)[0])

    def near(self, logs: Array) -> tuple[Array, Array]:
        """Residuals, and slopes for a search."""
        ratio, slopes = self.around(logs)
        linear = self.linear(ratio)
        misses, prior = self._prior(logs)
        return (
            np.concatenate([-linear.left, misses]),
            np.concatenate([self.projected(linear, slopes), prior]),
        )

    def around(self, logs: Array) -> tuple[Array, Array]:
        """Ratio (n,), and slopes (n, m) by central differences; forward where points are dear."""
        cheap = all(part.powers is not None for part in self.model.parts)
        size = CENTRAL if cheap else FORWARD
        m = len(logs)
        steps = np.eye(2 * m + 1, m)
        steps[m:-1] = -steps[:m] * cheap
        found = self.model(self.values(logs) * np.exp(size * steps), self.absolute)
        up, down = found[:-1].reshape(2, m, -1)
        return found[-1], (up - down).T / (2 * size if cheap else size)

    def fine_slopes(self, logs: Array) -> Array:
        """Slopes of the ratio (n, m) to fourth order."""
        return differences(lambda table: self.model(self.values(table), self.absolute), logs)

    def slopes(self, logs: Array) -> Array:
        """Slopes (g + priors, m) of the residuals for errors."""
        linear = self.linear(self.ratio(logs))
        fine = self.projected(linear, self.fine_slopes(logs))
        return np.concatenate([fine, self._prior(logs)[1]])

    @property
    def problem(self) -> Problem:
        """For searches and errors."""
        ends = np.full((2, len(self.start)), [[-np.log(REACH)], [np.log(REACH)]])
        for column, (unknown, value) in enumerate(
            zip(self.model.unknowns, self.start, strict=True)
        ):
            if unknown.name.endswith("spin_hall_angle"):
                most = np.log(LARGEST_ANGLE[self.order] / abs(value))
                ends[1, column] = min(ends[1, column], most)
        return Problem(self.names, self.residuals, self.near, self.slopes, ends)

    def joint_slopes(self, logs: Array) -> Array:
        """Whitened slopes with p, rho_L0 of every group, and every coefficient, side by side."""
        ratio = self.ratio(logs)
        linear = self.linear(ratio)
        inner = self.fine_slopes(logs) * linear.groups[self.rows.group][:, None]
        white = self.chain.whiten(ratio)[:, None] * self._members()
        whole = [self.chain.whiten(inner), self.chain.whiten(self.columns)]
        return np.column_stack(whole if self.absolute else [whole[0], white, whole[1]])

    def coefficients(self, logs: Array) -> tuple[Array, Array]:
        """rho_L0 of every group (nan if no row is kept), and of every column its coefficient."""
        ratio = self.ratio(logs)
        linear = self.linear(ratio)
        rest = self.rows.value - linear.groups[self.rows.group] * ratio
        if not self.columns.shape[1]:
            return linear.groups, np.empty(0)
        white = self.chain.whiten(self.columns)
        size = np.linalg.norm(white, axis=0)
        found = np.linalg.lstsq(white / size, self.chain.whiten(rest), rcond=1e-9)[0]
        return linear.groups, found / size


def orthonormal(columns: Array) -> Array:
    """Basis of what columns span, those that say nothing of their own left out."""
    if not columns.shape[1]:
        return columns
    size = np.linalg.norm(columns, axis=0)
    left, singular, _ = np.linalg.svd(columns[:, size > 0] / size[size > 0], full_matrices=False)
    return np.asarray(left[:, singular > 1e-8 * singular[:1].max(initial=0.0)])
