"""Half-sided transforms of bath correlation functions, with their measured error.

    Gamma_ij(w, t) = integral_0^t D_ij(tau) exp(i w tau) dtau

at all t and a set of frequencies. The time axis is cut into panels that are halved until D is
resolved on each; per panel the integrand is a Chebyshev polynomial, whose antiderivative gives
every upper limit [ClenshawCurtis1960]. Nothing here knows of operators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from scipy.interpolate import make_interp_spline

from openmr._checks import Array, ComplexArray, ConvergenceError, SizeError

Correlator = Callable[[Array], ComplexArray]

_ORDER, _LOWER_ORDER = 24, 16
"""Degree of the polynomial on each panel, and of the one it must agree with."""
_MOST_PANELS = 2**15
_MOST_BYTES = 2**30
_PHASE = 4.0
"""Largest w times panel length: exp(i w tau) is then exact in degree 16."""
_CHUNK = 2**21
_POWERS = 4
"""Powers of 1/t in a tail."""
_RAY = np.exp(0.5 * np.pi * np.sinh(np.arange(-5.0, 5.05, 0.1)))
_RAY_WEIGHTS = 0.1 * 0.5 * np.pi * np.cosh(np.arange(-5.0, 5.05, 0.1)) * _RAY

NODES = -np.cos(np.pi * np.arange(_ORDER + 1) / _ORDER)
_TO_SERIES = np.linalg.inv(chebyshev.chebvander(NODES, _ORDER))


def _integrals(degree: int) -> Array:
    """Series of the integrals from -1 of the polynomials at the nodes, degree cut at `degree`."""
    series = np.where(np.arange(_ORDER + 1)[:, None] <= degree, _TO_SERIES, 0.0)
    return np.asarray(chebyshev.chebint(series, lbnd=-1))


_INTEGRALS = _integrals(_ORDER)
"""Made once: a memory is asked for at many times."""
WEIGHTS, LOWER_WEIGHTS = (
    np.asarray(chebyshev.chebval(1.0, one)) for one in (_INTEGRALS, _integrals(_LOWER_ORDER))
)


@dataclass(frozen=True, slots=True)
class _PowerTail:
    """Correlator beyond the last edge, sum_j coefficients[j] (start / t)^(power + j)."""

    start: float
    power: float  # above 1
    coefficients: ComplexArray  # (j, n, n)

    @np.errstate(under="ignore")
    def transform(self, frequencies: Array, time: float) -> ComplexArray:
        """Integral of D(t) exp(i w t) from `time` on, shape (w, n, n).

        Along t = time (1 +- i s), where the phase is a decay, with s = exp(pi/2 sinh(.)) in equal
        steps [TakahasiMori1974].
        """
        sign = np.where(frequencies < 0, -1.0, 1.0)
        turned = np.log(1 + 1j * sign[:, None] * _RAY)
        weights = np.exp(1j * frequencies * time) * 1j * sign * time
        moved = np.exp(-np.abs(frequencies[:, None]) * time * _RAY) * _RAY_WEIGHTS
        powers = self.power + np.arange(len(self.coefficients))
        pieces = [
            weights * (self.start / time) ** q * (moved * np.exp(-q * turned)).sum(axis=-1)
            for q in powers
        ]
        return np.asarray(np.einsum("jw,jab->wab", pieces, self.coefficients))


@dataclass(frozen=True, slots=True)
class HalfSided:
    """Gamma_ij(w, t) for 0 <= t, piecewise polynomial in t."""

    frequencies: Array  # (w,)
    edges: Array  # (p + 1,) ends of panels; beyond the last the transform stands, but for `late`
    values: ComplexArray  # (p, nodes, n, n), D at the nodes of each panel
    cumulative: ComplexArray  # (p + 1, w, n, n), Gamma at the edges
    uncertainty: float  # largest absolute error of Gamma at any edge, from two quadratures
    tail: float  # error of what is beyond the last edge T: T max|D|, or that of `late`
    late: _PowerTail | None = None  # D beyond the last edge, where it is known

    @property
    def limit(self) -> ComplexArray:
        """Gamma at the last edge, or at infinity where `late` is known, shape (w, n, n)."""
        if self.late is None:
            return np.asarray(self.cumulative[-1])
        rest = self.late.transform(self.frequencies, float(self.edges[-1]))
        return np.asarray(self.cumulative[-1] + rest)

    @property
    def scale(self) -> float:
        """Scale of the allowed errors: the largest Hermitian part (half a rate) of the limit.

        Or a ten-thousandth of the largest Gamma, where nothing relaxes.
        """
        hermitian = 0.5 * (self.limit + self.limit.conj().swapaxes(-1, -2))
        return float(max(np.abs(hermitian).max(), 1e-4 * np.abs(self.limit).max()))

    def at(self, time: float) -> ComplexArray:
        """Gamma at one time, shape (w, n, n)."""
        if time >= self.edges[-1]:
            rest = self.late.transform(self.frequencies, time) if self.late and time < np.inf else 0
            return self.limit - rest
        panel = max(0, int(np.searchsorted(self.edges, time, side="right")) - 1)
        start, half = self.edges[panel], 0.5 * np.diff(self.edges[panel : panel + 2])[0]
        weights = half * chebyshev.chebval((time - start) / half - 1.0, _INTEGRALS)
        phases = np.exp(1j * np.outer(self.frequencies, start + half * (NODES + 1.0)))
        return np.asarray(
            self.cumulative[panel] + np.einsum("wk,k,kij->wij", phases, weights, self.values[panel])
        )


def half_sided(
    correlator: Correlator, frequencies: Array, time: float, *, rtol: float = 1e-6
) -> HalfSided:
    """Transforms of D(t), times (t,) -> (t, n, n), at frequencies (w,) up to `time`.

    ``time=inf`` doubles the limit until the rest is below the tolerance, or is known as a sum of
    powers 1/t^p, which takes correlators that fall off faster than 1/t. `rtol` is in units of
    `HalfSided.scale`. `ConvergenceError` if D is not resolved or does not decay, `SizeError` if all
    edges do not fit into memory.
    """
    highest = float(np.abs(frequencies).max(initial=0.0))
    if np.isfinite(time):
        edges, values = _resolved(correlator, 0.0, time, highest)
        return _checked(_integrated(edges, values, frequencies), rtol)
    end = 1.0 / highest if highest else 1.0
    found = _integrated(*_resolved(correlator, 0.0, end, highest), frequencies)
    late, tail = _late(found)
    # what is still as large as at the start has not begun to decay
    while late > 0.1 * np.abs(found.values).max() or tail > 0.5 * rtol * found.scale:
        end, before = float(found.edges[-1]), tail
        try:
            found = _extended(found, correlator, 2 * end, highest)
            late, tail = _late(found)
            if late <= 0.1 * np.abs(found.values).max():
                powers = _extrapolated(found)
                if powers.tail <= 0.5 * rtol * found.scale:
                    return _checked(powers, rtol)
            _refuse_endless(found, tail, before, 0.5 * rtol * found.scale)
        except _TooManyPanels:
            raise ConvergenceError(
                f"correlators have not decayed by t = {end:.3g}: the rest may change the "
                f"transforms by {tail / found.scale:.2g} of the largest, allowed {rtol:.2g}; use a "
                "finite `time` of 'tcl2', a larger `rtol` where there is one, or correlators that "
                "fall off faster than 1/t"
            ) from None
    return _checked(replace(found, tail=tail), rtol)


class _TooManyPanels(ConvergenceError):
    """More than `_MOST_PANELS`, or on the way there."""


def _extended(found: HalfSided, correlator: Correlator, end: float, highest: float) -> HalfSided:
    size = _size(found.edges, found.values)
    edges, values = _resolved(correlator, float(found.edges[-1]), end, highest, size)
    if len(found.edges) + len(edges) > _MOST_PANELS:
        raise _TooManyPanels
    more = _integrated(edges, values, found.frequencies)
    return replace(
        found,
        edges=np.append(found.edges, edges[1:]),
        values=np.concatenate([found.values, values]),
        cumulative=np.concatenate([found.cumulative, found.limit + more.cumulative[1:]]),
        uncertainty=found.uncertainty + more.uncertainty,
    )


def _extrapolated(found: HalfSided) -> HalfSided:
    """Transforms with a power tail; the error is the change since half the time."""
    end = float(found.edges[-1])
    now, before = _fitted_tail(found, end), _fitted_tail(found, 0.5 * end)
    if now is None or before is None:
        return replace(found, tail=np.inf)
    whole = replace(found, late=now)
    earlier = found.at(0.5 * end) + before.transform(found.frequencies, 0.5 * end)
    return replace(whole, tail=float(np.abs(whole.limit - earlier).max()))


def _fitted_tail(found: HalfSided, end: float) -> _PowerTail | None:
    """Powers fitted to the values in [end/2, end]; None where D falls off too slowly or not so."""
    times = nodes(found.edges)
    size = np.abs(found.values).max(axis=(-2, -1))

    def slope(last: float) -> float:
        kept = (times >= 0.5 * last) & (times <= last) & (size > 0)
        if np.ptp(times[kept]) < 0.25 * last:
            return 0.0
        return -float(np.polyfit(np.log(times[kept]), np.log(size[kept]), 1)[0])

    power = 2 * slope(end) - slope(0.5 * end)  # corrections of relative order 1/t
    if not 1.2 < power < 20:
        return None
    if abs(power - round(power)) < 0.05:
        power = round(power)
    kept = (times >= 0.5 * end) & (times <= end)
    basis = (end / times[kept][:, None]) ** (power + np.arange(_POWERS))
    values = found.values[kept]
    fitted: Any = np.linalg.lstsq(basis, values.reshape(len(values), -1), rcond=None)[0]
    coefficients: ComplexArray = fitted.reshape(-1, *values.shape[1:])
    return _PowerTail(end, power, coefficients)


def _late(found: HalfSided) -> tuple[float, float]:
    """Largest |D| in the last quarter, and the bound T |D| on what comes after."""
    late = float(np.abs(found.values[nodes(found.edges) >= 0.75 * found.edges[-1]]).max())
    return late, float(found.edges[-1]) * late


def _refuse_endless(found: HalfSided, tail: float, before: float, allowed: float) -> None:
    """Stop where a tail that falls as a power needs far more panels than there may be.

    Doubling the time divided the tail by `before / tail`; the panels double at most.
    """
    if not allowed < tail < before or len(found.edges) < _MOST_PANELS // 2**5:
        return
    doublings = (np.log(tail) - np.log(max(allowed, np.finfo(float).tiny))) / np.log(before / tail)
    if np.log2(len(found.edges)) + doublings > np.log2(4 * _MOST_PANELS):
        raise _TooManyPanels


def sampled(
    times: Array, values: ComplexArray, frequencies: Array, time: float, *, rtol: float = 1e-6
) -> HalfSided:
    """Transforms of samples (t, n, n) on a uniform grid from 0, by quintic splines.

    The error is the change when every other sample is left out, which exceeds the error of the
    full set by about 2^7: splines are of order 6, and one more in the end panels that dominate.
    Other arguments as of `half_sided`; `ConvergenceError` if the samples are too coarse or, for an
    infinite time, end before D has decayed.
    """
    end = min(time, float(times[-1]))
    edges = np.append(times[times < end * (1 - 1e-12)], end)
    places = nodes(edges)
    last = len(times) - 1 - (len(times) - 1) % 2
    dense = _integrated(edges, make_interp_spline(times, values, k=5)(places), frequencies)
    every_other = make_interp_spline(times[: last + 1 : 2], values[: last + 1 : 2], k=5)
    sparse = _integrated(edges, every_other(places), frequencies)
    inside = edges <= times[last]
    change = float(np.abs((dense.cumulative - sparse.cumulative)[inside]).max())
    late = np.abs(values[times >= 0.75 * end]).max(initial=0.0)
    tail = 0.0 if np.isfinite(time) else float(end * late)
    return _checked(replace(dense, uncertainty=dense.uncertainty + change, tail=tail), rtol)


def _checked(found: HalfSided, rtol: float) -> HalfSided:
    allowed = rtol * found.scale
    if found.uncertainty + found.tail > allowed:
        raise ConvergenceError(
            f"half-sided transforms of the correlators are uncertain by {found.uncertainty:.2g} "
            f"(quadrature) and {found.tail:.2g} (beyond t = {found.edges[-1]:.3g}), allowed "
            f"{allowed:.2g}; use smoother, denser or longer correlators, or a larger `rtol`"
        )
    return found


def nodes(edges: Array) -> Array:
    """Chebyshev nodes of panels between increasing edges, shape (panels, nodes)."""
    half = 0.5 * np.diff(edges)[:, None]
    return np.asarray(edges[:-1, None] + half * (NODES + 1.0))


def _size(edges: Array, values: ComplexArray) -> float:
    """Integral of the largest |D_ij|."""
    largest = np.abs(values).max(axis=(-2, -1))
    return float(np.sum(0.5 * np.diff(edges) * (largest @ WEIGHTS)))


def _resolved(
    correlator: Correlator, start: float, end: float, highest: float, size: float = 0.0
) -> tuple[Array, ComplexArray]:
    """Panels short enough for the phases, on which D is `resolved`."""
    phases = (end - start) * highest / _PHASE
    if phases > _MOST_PANELS:
        raise _TooManyPanels(
            f"`time` must be at most {_MOST_PANELS * _PHASE / highest:.3g}, got {end:.3g}: the "
            "transforms would take too many periods of the largest Bohr frequency"
        )
    return resolved(correlator, np.linspace(start, end, max(1, int(np.ceil(phases))) + 1), size)


def resolved(
    function: Correlator,
    edges: Array,
    size: float = 0.0,
    *,
    precision: float = 1e-13,
    name: str = "correlators",
    axis: str = "t",
) -> tuple[Array, ComplexArray]:
    """Edges of panels on which a function is a polynomial, and its values at their nodes.

    To `precision` of the integral of its absolute value, of which `size` is a part known before.
    """
    values = function(nodes(edges))
    while True:
        series = np.einsum("ck,pkij->pcij", _TO_SERIES[_LOWER_ORDER + 1 :], values)
        tails = 0.5 * np.diff(edges) * np.abs(series).sum(axis=1).max(axis=(-2, -1))
        coarse = tails > precision * (size + _size(edges, values))
        if not coarse.any():
            return edges, values
        middles = 0.5 * (edges[:-1] + edges[1:])[coarse]
        if len(edges) + len(middles) > _MOST_PANELS or np.any(middles <= edges[:-1][coarse]):
            worst = edges[:-1][int(np.argmax(tails))]
            raise _TooManyPanels(
                f"{name} are not smooth enough near {axis} = {worst:.3g} for {_MOST_PANELS} panels"
                + "; level_shift=False needs no integral of them" * (name == "spectra")
            )
        merged = np.sort(np.append(edges, middles))
        fresh = np.isin(merged[:-1], np.append(edges[:-1][coarse], middles))
        kept, values = values[~coarse], np.empty((len(merged) - 1, *values.shape[1:]), complex)
        values[~fresh], values[fresh] = kept, function(nodes(merged)[fresh])
        edges = merged


def _integrated(edges: Array, values: ComplexArray, frequencies: Array) -> HalfSided:
    panels, n = len(edges) - 1, values.shape[-1]
    needed = 16.0 * (panels + 1) * len(frequencies) * n**2
    if needed > _MOST_BYTES:
        raise SizeError(
            f"transforms of {n}x{n} correlators at {len(frequencies)} frequencies on {panels} "
            f"panels would take {needed / 2**30:.3g} GiB, allowed {_MOST_BYTES / 2**30:g} GiB"
        )
    places, half = nodes(edges), 0.5 * np.diff(edges)
    pieces = np.empty((2, panels, len(frequencies), n, n), dtype=complex)
    step = max(1, _CHUNK // (len(frequencies) * (_ORDER + 1)))
    for first in range(0, panels, step):
        part = slice(first, first + step)
        phases = np.exp(1j * frequencies[:, None] * places[part, None, :])
        for order, weights in enumerate((WEIGHTS, LOWER_WEIGHTS)):
            weighted = phases * (half[part, None, None] * weights)
            flat = weighted @ values[part].reshape(-1, _ORDER + 1, n * n)
            pieces[order, part] = flat.reshape(-1, len(frequencies), n, n)
    cumulative = np.concatenate([np.zeros_like(pieces[0, :1]), np.cumsum(pieces[0], axis=0)])
    error = float(np.abs(pieces[0] - pieces[1]).sum(axis=0).max())
    return HalfSided(frequencies, edges, values, cumulative, error, tail=0.0)
