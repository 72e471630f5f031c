"""Sources of a bath, and the views derived from each: S(w), Gamma(w), C(t), exponents.

    S(w) = integral C(t) exp(i w t) dt,   lambda(w) = P integral S(u) / (w - u) du / 2 pi,
    Gamma(w) = integral_0^inf C(t) exp(i w t) dt = S/2 + i lambda,   w > 0: energy to the bath.

A source knows one view; the others follow by quadrature with a measured error. All arrays are
matrices, (w, n, n) or (t, n, n). hbar = k_B = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.special import spherical_jn

from openmr._checks import (
    EPSILON,
    Array,
    ComplexArray,
    ConvergenceError,
    OpenmrError,
    ParameterError,
    finite_array,
    finite_numbers,
    is_masked,
    shown,
)
from openmr._quantities import in_unit
from openmr.bath import exponential_sums, transforms
from openmr.bath.correlators import electron_hole_spectrum
from openmr.bath.exponential_sums import Exponents

_EXACT = 1e-13
"""Error of quadratures of formulas that keep their digits, over the largest S."""
_DECADES = 45.0
"""Frequencies are sought from 1e-45 to 1e45 of the unit, whatever that is."""
_TO_LEGENDRE = np.linalg.inv(legendre.legvander(transforms.NODES, len(transforms.NODES) - 1))
_FITTED = 30.0
"""Allowed integral of |C - fit| over that of |C|, in units of the largest deviation over C(0)."""
_ENDLESS = (
    "`level_shift` must be False for this bath: its spectrum does not fall off, so that the "
    "principal part P integral S(u) / (w - u) du does not exist; or give it a cutoff"
)


def thermal(w: Array, temperature: float) -> Array:
    """Function w / (1 - exp(-w/T)), and its limit max(w, 0) at T = 0."""
    if temperature == 0:
        return np.maximum(w, 0.0)
    with np.errstate(under="ignore", over="ignore"):
        return temperature * electron_hole_spectrum(w / temperature)


def _inside(nodes: Array) -> Array:
    """Nodes of panels (p, k) drawn in by a hair, so that each is on its side of a step."""
    middle = 0.5 * (nodes[..., :1] + nodes[..., -1:])
    return middle + (1 - 1e-13) * (nodes - middle)


class Source:
    """Views that follow from `spectrum` alone; a source overrides those it knows better."""

    label = "spectrum"
    """Name of the source, for messages."""
    size = 1
    breaks: tuple[float, ...] = (0.0,)
    """Frequencies near which the spectrum may have kinks, steps or thermal edges."""
    centres: tuple[float, ...] = (0.0,)
    """Frequency about which each diagonal element is a thermal spectrum."""

    slack = 0.0
    """Error of S, over the largest, beyond rounding."""
    precision = _EXACT
    """Smallest error of quadratures that the arithmetic of S allows, over the largest S."""
    closed = False
    """Whether S is a formula of ours, positive and in detailed balance by construction."""

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        raise NotImplementedError

    def wide(self, w: Array) -> ComplexArray:
        """`spectrum` for integrals over all frequencies, unchecked."""
        return self.spectrum(w)

    @cached_property
    def scale(self) -> float:
        """Frequency at which the weight u S(u) of a decade is first near its largest."""
        u = 10.0 ** np.arange(-_DECADES, _DECADES, 0.25)
        weight = np.zeros(len(u))
        for centre in set(self.centres):
            for sign in (-1.0, 1.0):
                with np.errstate(all="ignore"):
                    found = u * np.abs(self.spectrum(centre + sign * u)).max(axis=(-2, -1))
                weight = np.fmax(weight, np.where(np.isfinite(found), found, 0.0))
        return float(u[np.argmax(weight >= 0.3 * weight.max())]) if weight.any() else 1.0

    def half_sided(self, w: Array) -> tuple[ComplexArray, float]:
        """Gamma (w, n, n), and its largest absolute error."""
        shift, error = self.shift(w)
        return 0.5 * self.spectrum(w) + 1j * shift, error

    def shift(self, w: Array) -> tuple[ComplexArray, float]:
        """Principal part lambda (w, n, n), and its largest absolute error."""
        found = [self._principal(one) for one in w]
        values = np.array([one for one, _ in found], dtype=complex)
        largest = max((error for _, error in found), default=0.0)
        return values.reshape(-1, self.size, self.size), largest

    def _principal(self, w: float) -> tuple[ComplexArray, float]:
        """(1/2 pi) integral_0^inf [S(w - v) - S(w + v)] dv/v over panels of ln v."""
        size, marks = self.size, [*self.breaks, *self.peaks]
        apart = [gap for one in marks if (gap := abs(w - one)) > 1e-9 * self.scale]
        smallest, largest = min([self.finest, *apart]), max([self.scale, *apart])

        def odd(y: Array) -> ComplexArray:
            v = np.exp(_inside(y)).ravel()
            u = self._away(np.concatenate([w - v, w + v]), smallest)
            both = self.spectrum(u).reshape(2, *y.shape, size, size)
            if not np.all(np.isfinite(both)):
                bad = u[~np.isfinite(both).all(axis=(-2, -1)).ravel()]
                raise ParameterError(
                    f"`spectrum` must be finite for a level shift, got a value that is not at "
                    f"w = {bad[np.argmin(np.abs(bad))]:.6g}"
                )
            return np.asarray(both[0] - both[1])

        here = float(np.abs(self.spectrum(np.array([w, self.scale + self.centres[0]]))).max())
        end = float(np.log(1e27 * largest))
        if np.abs(odd(np.array([end - 2.0, end]))).max() > 1e-9 * here:
            raise ParameterError(_ENDLESS)
        first, bend, start = self._straight(odd, smallest, here)
        steps = np.linspace(start, end, int(np.ceil(end - start) / 2) + 1)
        edges = np.unique([*steps, *np.log(apart)])
        edges = edges[np.append(True, np.diff(edges) > 1e-14 * np.abs(edges[1:]))]
        edges = edges[edges >= start]
        edges, values = transforms.resolved(
            odd, edges, here, precision=self.precision, name="spectra", axis="ln v"
        )
        half = 0.5 * np.diff(edges)
        total, lower = (
            np.einsum("p,k,pkij->ij", half, weights, values) / (2 * np.pi)
            for weights in (transforms.WEIGHTS, transforms.LOWER_WEIGHTS)
        )
        rounding = (self.precision + EPSILON * (end - start)) * here
        if self.precision > _EXACT:  # of a divergence at a break, what is kept off is missing
            off = 1e-9 * smallest * np.array([[1.0, 10.0], [-1.0, -10.0]])
            near = self.spectrum(np.add.outer(self.breaks, off).ravel()).reshape(-1, 2, size**2)
            rounding += 1e-8 * float(np.abs(np.diff(near, axis=1)).max())
        error = float(np.abs(total - lower).max()) + bend / (2 * np.pi) + rounding
        return total + first / (2 * np.pi), error

    def _straight(
        self, odd: Callable[[Array], ComplexArray], smallest: float, here: float
    ) -> tuple[ComplexArray, float, float]:
        """Integral from v = 0 to where S is a straight line, its error, and ln v there.

        As far from w as the error allows: nearer, a user's formula may lose its digits.
        """
        found = []
        for decades in range(6, 33, 2):
            start = float(np.log(10.0**-decades * smallest))
            first, tenth = odd(np.array([start, start - np.log(10.0)]))
            found.append((first, float(np.abs(first - 10 * tenth).max()), start))
        return min(found, key=lambda one: max(one[1], self.precision * here))

    @cached_property
    def peaks(self) -> tuple[float, ...]:
        """Maxima of a user's spectrum on a grid of half a per cent, which nodes could miss."""
        if self.closed:
            return ()
        u = self.scale * 10.0 ** np.arange(-3, 3, 0.002)
        found = []
        for side in (u, -u):
            with np.errstate(all="ignore"):
                size = np.abs(self.spectrum(side)).max(axis=(-2, -1))
            inner = size[1:-1] * (1 - 1e-6)
            found += side[1:-1][(inner > size[:-2]) & (inner > size[2:])].tolist()
        return tuple(found[:64])

    @property
    def finest(self) -> float:
        """Smallest scale of the spectrum that is known."""
        return min(self.scale, getattr(self, "temperature", 0.0) or self.scale)

    def _away(self, u: Array, scale: float) -> Array:
        """Frequencies, moved off a break where they are so near that a formula loses its digits."""
        distance = scale * (1e-9 if self.precision > _EXACT else 1e-40)
        for one in self.breaks:
            near = np.abs(u - one) < distance
            u = np.where(near, one + np.where(u < one, -distance, distance), u)
        return u

    def until(self, w: Array, time: float, rtol: float = 1e-7) -> tuple[ComplexArray, float]:
        """Integral_0^time C(t) exp(i w t) dt, (w, n, n), and its largest absolute error."""
        found = self.panels(w, time, rtol)
        return found.limit, found.uncertainty + found.tail

    def panels(self, w: Array, time: float, rtol: float) -> transforms.HalfSided:
        """The same at every time up to `time`, to `rtol` of the largest half rate."""
        return transforms.half_sided(self._smooth, w, time, rtol=rtol)

    def _smooth(self, t: Array) -> ComplexArray:
        """C at times of any shape, with a finite value at 0 (the logarithm is integrable)."""
        flat = np.maximum(t.ravel(), 1e-18 / self.scale)
        found = self.correlation(flat)
        bad = ~np.isfinite(found).all(axis=(-2, -1))
        if bad.any():
            raise ParameterError(
                f"`correlation` must be finite, got NaN or infinity at t = {flat[bad][0]:.4g}"
            )
        return found.reshape(*t.shape, self.size, self.size)

    @cached_property
    def _panels(self) -> tuple[Array, ComplexArray]:
        """Panels of the frequency axis and S at their nodes, (p, k, n, n)."""
        steps = self.scale * 2.0 ** np.arange(-8, 90)
        middles = sorted({*self.breaks, *self.centres, *self.peaks})
        edges = np.unique(np.append([c + s * steps for c in middles for s in (-1, 1)], middles))
        edges = edges[np.append(True, np.diff(edges) > 8 * EPSILON * np.abs(edges[1:]))]
        ends = np.abs(self.spectrum(self._away(edges, self.finest))).max(axis=(-2, -1))
        if not np.all(np.isfinite(ends)):
            raise ParameterError(
                f"`spectrum` must be finite for a correlation, got a value that is not at "
                f"w = {edges[~np.isfinite(ends)][0]:.6g}"
            )
        if max(ends[0], ends[-1]) > 1e-9 * ends.max():
            raise ParameterError(
                "`spectrum` must fall off at high frequencies: without a cutoff there is no "
                f"correlation C(t), got S = {max(ends[0], ends[-1]):.3g} at w = {edges[-1]:.3g}"
            )
        kept = np.flatnonzero(ends * np.abs(edges) >= 1e-19 * (ends * np.abs(edges)).max())
        edges = edges[max(kept[0] - 1, 0) : kept[-1] + 2]

        def spectrum(u: Array) -> ComplexArray:
            found = self.spectrum(self._away(_inside(u).ravel(), self.finest))
            return found.reshape(*u.shape, self.size, self.size)

        return transforms.resolved(
            spectrum, edges, precision=self.precision, name="spectra", axis="w"
        )

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) >= 0, shape (t, n, n), to 1e-13 of the integral of S.

        On a panel that holds few periods of exp(-i u t) by its nodes, on others by the transforms
        of Legendre polynomials, spherical Bessel functions.
        """
        edges, values = self._panels
        half, middle = 0.5 * np.diff(edges), 0.5 * (edges[:-1] + edges[1:])
        order = np.arange(values.shape[1])
        weighted = values * (half[:, None] * transforms.WEIGHTS)[..., None, None]
        series = np.einsum("kl,plij->pkij", _TO_LEGENDRE, values) * half[:, None, None, None]
        series *= 2 * (-1j) ** order[:, None, None]
        out = np.zeros((len(t), self.size, self.size), dtype=complex)
        sequence = np.argsort(t)
        for part in np.array_split(sequence, max(1, len(t) * values[..., 0, 0].size // 2**18)):
            times = t[part, None]
            few = half * t[part].max(initial=0.0) < 2.0
            phases = np.exp(-1j * times * transforms.nodes(edges)[few].ravel())
            out[part] = np.tensordot(phases, weighted[few].reshape(-1, *out.shape[1:]), 1)
            waves = spherical_jn(order[:, None, None], times * half[~few])
            waves = waves * np.exp(-1j * times * middle[~few])
            out[part] += np.einsum("ktp,pkij->tij", waves, series[~few], optimize=True)
        out /= 2 * np.pi
        if np.any(t == 0):
            ends = edges[[0, -1]]
            slow = np.abs(self.spectrum(ends) * ends[:, None, None]).max(axis=0)
            here = np.abs(self.spectrum(np.array([self.scale, -self.scale]))).max()
            out[t == 0] = np.where(slow > 1e-9 * self.scale * here, np.inf, out[t == 0])
        return out

    def exponents(self, rtol: float, highest: float = np.inf) -> Exponents:
        """Sum of exponentials whose spectrum is S to `rtol` of the largest S, up to `highest`."""
        if len(self.centres) < self.size or self.size == 1:
            return exponential_sums.rational(
                self.spectrum, self.scale, self.centres[0], rtol, highest, self.peaks
            )
        found = []
        for k, centre in enumerate(self.centres):  # a diagonal matrix, whose elements are apart
            at = (slice(None), slice(k, k + 1), slice(k, k + 1))

            def element(w: Array, at: tuple[slice, ...] = at) -> ComplexArray:
                return self.spectrum(w)[at]

            one = exponential_sums.rational(element, self.scale, centre, rtol, highest)
            whole = np.zeros((len(one.rates) + 1, self.size, self.size), dtype=complex)
            whole[at] = np.concatenate([one.coefficients, np.reshape(one.delta, (1, 1, 1))])
            found.append(Exponents(whole[:-1], one.rates, whole[-1], one.uncertainty))
        return Exponents(
            np.concatenate([one.coefficients for one in found]),
            np.concatenate([one.rates for one in found]),
            np.asarray(sum(one.delta for one in found)),
            max(one.uncertainty for one in found),
        )


def value(name: str, function: Callable[..., Any], x: float, size: int | None) -> ComplexArray:
    """One value of a user's function as a matrix (n, n); NaN where its arithmetic fails."""
    try:
        given = _numbers(name, function(np.float64(x)))
    except OpenmrError:
        raise
    except (ArithmeticError, ValueError):
        n = size or 1
        return np.full((n, n), np.nan, dtype=complex)
    except Exception as error:
        kind = type(error).__name__
        raise ParameterError(
            f"`{name}` must be a function of one number, got {kind}: {error}"
        ) from error
    if given.dtype.kind not in "iufc":
        raise ParameterError(f"`{name}` must give numbers, got {shown(given[()])} at {x:g}")
    if given.size == 1 and size in (None, 1):
        return given.reshape(1, 1).astype(complex)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or size not in (None, len(given)):
        wanted = "one number, or a matrix (n, n)" if size in (None, 1) else f"({size}, {size})"
        raise ParameterError(f"`{name}` must give {wanted}, got shape {given.shape} at {x:g}")
    return given.astype(complex)


def _numbers(name: str, given: Any) -> NDArray[Any]:
    """An array of what a function gives, without units of its own, and without masks."""
    if is_masked(given := in_unit(name, given)):
        raise ParameterError(f"`{name}` must give numbers, got {shown(given)}")
    return np.asarray(given)


def largest(values: ComplexArray) -> float:
    """Largest finite size."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


@np.errstate(all="ignore")
def evaluated(name: str, function: Callable[..., Any], x: Array, size: int) -> ComplexArray:
    """Values of a user's function at x (k,), shape (k, n, n), in one call where it takes arrays."""
    if len(x) > 2:
        try:
            given = _numbers(name, function(x.copy()))
        except Exception:
            given = np.empty(0)
        shape = (len(x),) if size == 1 else (len(x), size, size)
        if given.shape == shape and given.dtype.kind in "iufc":
            last, near = value(name, function, x[-1], size), 1e-9 * largest(given)
            whole = given.reshape(len(x), size, size).astype(complex)
            if np.allclose(whole[-1], last, rtol=1e-9, atol=near, equal_nan=True):
                return whole
    return np.array([value(name, function, one, size) for one in x]).reshape(-1, size, size)


@dataclass(frozen=True)
class Given(Source):
    """Spectrum as a user's function of w."""

    function: Callable[..., Any] = field(repr=False)
    size: int = 1
    temperature: float | None = None
    breaks: tuple[float, ...] = field(default=(0.0,), repr=False)
    centres: tuple[float, ...] = field(default=(0.0,), repr=False)
    precision = 1e-10

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        return evaluated("spectrum", self.function, w, self.size)


@dataclass(frozen=True)
class Density(Source):
    """Spectral density J(w) as a user's function of w > 0: S(w) = 2 J (n + 1), S(-w) = 2 J n."""

    function: Callable[..., Any] = field(repr=False)
    temperature: float
    size: int = 1
    label = "spectral_density"

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        out = np.empty((len(w), self.size, self.size), dtype=complex)
        moving = w != 0
        with np.errstate(all="ignore"):
            ratio = thermal(w[moving], self.temperature) / np.abs(w[moving])
            density = evaluated("spectral_density", self.function, np.abs(w[moving]), self.size)
        back = w[moving] < 0
        density[back] = density[back].swapaxes(-1, -2)
        with np.errstate(invalid="ignore"):
            out[moving] = np.where(
                ratio[:, None, None] == 0, 0.0, 2 * ratio[:, None, None] * density
            )
        if not moving.all():
            out[~moving] = self._still
        return out

    @cached_property
    def _still(self) -> ComplexArray:
        """Limit of S at w = 0, 2 T J(w)/w: zero, infinite or extrapolated, by the slope of J."""
        if self.temperature == 0:
            return np.zeros((self.size, self.size), dtype=complex)
        steps = np.asarray(1e-4 * self.finest / 2.0 ** np.arange(4))
        density = evaluated("spectral_density", self.function, steps, self.size)
        ratio = 2 * self.temperature * density / steps[:, None, None]
        size = np.abs(ratio).max(axis=(-2, -1))
        nothing = EPSILON * largest(self.spectrum(self.finest * np.array([1.0, 10.0, 1e2, 1e3])))
        if not size[-1] <= nothing and not size[-1] <= 1.002 * size[-2]:
            return np.full((self.size, self.size), np.inf, dtype=complex)
        if size[-1] < 0.998 * size[-2] or size[-1] <= nothing:
            return np.zeros((self.size, self.size), dtype=complex)
        return np.asarray(np.einsum("k,kij->ij", np.array([-1.0, 14.0, -56.0, 64.0]) / 21.0, ratio))


class _Remembered(Source):
    """Views that follow from the half-sided transform of a known correlation."""

    def half_sided(self, w: Array) -> tuple[ComplexArray, float]:
        """Gamma (w, n, n), and its largest absolute error."""
        return self.until(w, np.inf)

    def shift(self, w: Array) -> tuple[ComplexArray, float]:
        """Principal part lambda (w, n, n), and its largest absolute error."""
        values, error = self.half_sided(w)
        return (values - values.conj().swapaxes(-1, -2)) / 2j, error

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        values, _ = self.half_sided(w)
        return np.asarray(values + values.conj().swapaxes(-1, -2))


def first_reached(ask: Callable[[float], Any], *tolerances: float) -> tuple[Any, float]:
    """Answer at the first tolerance that is reached, and that tolerance."""
    for rtol in tolerances[:-1]:
        with suppress(ConvergenceError):
            return ask(rtol), rtol
    return ask(tolerances[-1]), tolerances[-1]


@dataclass(frozen=True, eq=False)
class Correlation(_Remembered):
    """Correlation as a user's function of t >= 0."""

    function: Callable[..., Any] = field(repr=False)
    size: int = 1
    label = "correlation"
    _known: dict[bytes, tuple[ComplexArray, float]] = field(default_factory=dict, repr=False)
    _reached: list[float] = field(default_factory=lambda: [0.0], repr=False)

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) >= 0, shape (t, n, n)."""
        return evaluated("correlation", self.function, t, self.size)

    @property
    def slack(self) -> float:  # type: ignore[override]
        """Error of S, over the largest, beyond rounding."""
        return max(self._reached)

    @cached_property
    def scale(self) -> float:
        """Inverse of the time at which |C| first falls faster than the root of time."""
        t = 10.0 ** np.arange(-_DECADES, _DECADES, 0.25)
        size = np.abs(self.correlation(t)).max(axis=(-2, -1))
        falls = size[1:] < 10**-0.125 * size[:-1]
        return float(1 / t[np.argmax(falls)]) if falls.any() else 1.0

    def half_sided(self, w: Array) -> tuple[ComplexArray, float]:
        """Gamma (w, n, n), and its largest absolute error; the last few are kept.

        As accurate as the correlation allows: some fall off slowly and not as powers of time.
        """
        key = w.tobytes()
        if key not in self._known:
            if len(self._known) > 8:
                self._known.clear()
            self._known[key], rtol = first_reached(
                lambda r: self.until(w, np.inf, r), 1e-7, 1e-5, 1e-3
            )
            self._reached.append(2 * rtol)
        return self._known[key]

    def wide(self, w: Array) -> ComplexArray:
        """S (w, n, n) of a sum of exponentials: transforms would take too many periods of w."""
        return self._summed.spectrum(w)

    @cached_property
    def _summed(self) -> Exponential:
        return Exponential(first_reached(self.exponents, 1e-8, 1e-6, 1e-4)[0])

    def exponents(self, rtol: float, highest: float = np.inf) -> Exponents:
        """Sum of exponentials that is C to `rtol` of the largest C; `highest` is not needed."""
        end = memory_time(self, 0.1 * rtol)
        found = exponential_sums.rotational(self._smooth, end, rtol)
        # what even steps of time may leap over: the integral of |C - fit| bounds any error of Gamma
        t = np.geomspace(1e-9 * end, end, 600)
        exact = self._smooth(t)
        away = np.abs(Exponential(found).correlation(t) - exact).max(axis=(-2, -1))
        weights = t * np.gradient(np.log(t))
        error = float(weights @ away / (weights @ np.abs(exact).max(axis=(-2, -1))))
        if error > _FITTED * rtol:
            raise ConvergenceError(
                f"exponents of the bath reach {error:.2g} of the integral of |C|, allowed "
                f"{_FITTED * rtol:.2g}: it falls off too slowly to be a sum of few; "
                "use 'redfield', or 'tcl2' without pulses"
            )
        return replace(found, uncertainty=max(error, found.uncertainty))


@dataclass(frozen=True, eq=False)
class Samples(Correlation):
    """Correlation as values at even times from 0, zero beyond the last."""

    times: Any = ()
    values: Any = ()

    @classmethod
    def of(cls, given: Any) -> Samples:
        """Samples from a pair (times, values), checked."""
        if len(given) != 2:
            raise ParameterError(f"`correlation` must be (times, values), got {len(given)} items")
        times = finite_array("correlation[0]", given[0])
        values = finite_numbers("correlation[1]", given[1]).astype(complex)
        values = values[:, None, None] if values.ndim == 1 else values
        if (
            times.ndim != 1
            or len(times) < 12
            or values.shape != (len(times), *values.shape[-1:] * 2)
        ):
            raise ParameterError(
                "`correlation` must be times (t,) with t >= 12 and values (t,) or (t, n, n), got "
                f"{times.shape} and {values.shape}"
            )
        steps = np.diff(times)
        if times[0] != 0 or steps[0] <= 0 or np.ptp(steps) > 1e-6 * steps[0]:
            raise ParameterError("`correlation` must be sampled on a uniform grid that starts at 0")
        spline = make_interp_spline(times, values, k=5)

        def between(t: Array) -> ComplexArray:
            inside = (np.asarray(t) <= times[-1])[..., None, None]
            return np.asarray(np.where(inside, spline(np.minimum(t, times[-1])), 0.0))

        return cls(between, values.shape[-1], times=times, values=values)

    def panels(self, w: Array, time: float, rtol: float) -> transforms.HalfSided:
        """Half-sided transforms at every time up to `time`."""
        if np.isfinite(time) and time > self.times[-1] * (1 + 1e-12):
            raise ParameterError(
                f"`time` must be at most {self.times[-1]:.4g}, where the samples end, got {time!r}"
            )
        return transforms.sampled(self.times, self.values, w, time, rtol=rtol)

    def until(self, w: Array, time: float, rtol: float = 1e-3) -> tuple[ComplexArray, float]:
        """Integral_0^time C(t) exp(i w t) dt, (w, n, n), and its largest absolute error."""
        return super().until(w, time, rtol)


@dataclass(frozen=True)
class Exponential(_Remembered):
    """C(t) = sum_k c_k exp(-nu_k t), and white noise: every view is a sum."""

    given: Exponents = field(repr=False)
    label = "exponents"

    @property
    def size(self) -> int:  # type: ignore[override]
        """Number of operators."""
        return int(self.given.coefficients.shape[-1])

    @property
    def slack(self) -> float:  # type: ignore[override]
        """Error of S, over the largest, beyond rounding."""
        return self.given.uncertainty

    @property
    def scale(self) -> float:
        """Slowest rate."""
        return float(np.abs(self.given.rates).min())

    def until(self, w: Array, time: float, rtol: float = 0.0) -> tuple[ComplexArray, float]:
        """Integral_0^time C(t) exp(i w t) dt, (w, n, n), and its largest absolute error."""
        slope = 1j * w[:, None] - self.given.rates
        grown = np.expm1(slope * time) if np.isfinite(time) else -1.0
        values = np.einsum("wk,kij->wij", grown / slope, self.given.coefficients)
        values += self.given.delta if time > 0 else 0.0
        return values, 8 * EPSILON * float(np.abs(values).max(initial=0.0))

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) > 0, shape (t, n, n)."""
        waves = np.exp(-t[:, None] * self.given.rates)
        return np.asarray(np.einsum("tk,kij->tij", waves, self.given.coefficients))

    def exponents(self, rtol: float, highest: float = np.inf) -> Exponents:
        """Return the exponents as they were given."""
        return self.given


def memory_time(source: Source, rtol: float) -> float:
    """Time after which less than `rtol` of the integral of |C| is left."""
    t = 10.0 ** np.arange(-8, 10, 0.0625) / source.scale
    with np.errstate(all="ignore"):
        size = np.abs(source.correlation(t)).max(axis=(-2, -1))
    rounding = source.precision * size[t * source.scale >= 0.01].max()
    weight = np.where(size > rounding, t * size, 0.0)
    left = np.cumsum(weight[::-1])[::-1]
    if left[0] == 0:
        return 0.0
    if weight[np.flatnonzero(weight)[-1]] > 0.1 * rtol * weight.max():
        raise ConvergenceError(
            "the correlation has no memory time: it does not decay, or only as 1/t"
        )
    return float(t[np.flatnonzero(left > rtol * left[0])[-1] + 1])
