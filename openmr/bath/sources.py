"""Sources of a bath, and the views derived from each: S(w), Gamma(w), C(t), exponents.

    S(w) = integral C(t) exp(i w t) dt,   Gamma(w) = integral_0^inf C(t) exp(i w t) dt = S/2 + i lambda,
    lambda(w) = P integral S(u) / (w - u) du / 2 pi,   w > 0: energy given to the bath.

A source knows one view; the others follow by quadrature with a measured error, or in closed form
where there is one. All arrays are matrices, (w, n, n) or (t, n, n). hbar = k_B = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from scipy.interpolate import AAA
from scipy.special import digamma, gamma, spherical_jn

from openmr._checks import (
    EPSILON,
    Array,
    ComplexArray,
    ConvergenceError,
    ParameterError,
    shown,
)
from openmr.bath import fermi_sea, transforms
from openmr.bath.correlators import electron_hole_spectrum

_DECADES = 45.0
"""Frequencies are sought from 1e-45 to 1e45 of the unit, whatever that is."""
_LATE = 40.0
"""Exponent after which a term of a thermal sum is nothing."""
_TO_LEGENDRE = np.linalg.inv(legendre.legvander(transforms.NODES, len(transforms.NODES) - 1))


@dataclass(frozen=True)
class Exponents:
    """Correlation as a sum of exponentials, C(t) = sum_k coefficients[k] exp(-rates[k] t), t > 0.

    Attributes
    ----------
    coefficients : complex array (k,) or (k, n, n), square of the energy unit
    rates : complex array (k,), in units of energy
        With a positive real part.
    delta : float or complex array (n, n), in units of energy
        Half of the white noise beside them: the weight of -delta [A, [A, .]].
    uncertainty : float, no unit
        Largest deviation from S(w), over the largest S.
    """

    coefficients: ComplexArray
    rates: ComplexArray
    delta: float | ComplexArray
    uncertainty: float


class Source:
    """Views that follow from `spectrum` alone; a source overrides those it knows better."""

    size = 1
    breaks: tuple[float, ...] = (0.0,)
    """Frequencies near which the spectrum may have kinks, steps or thermal edges."""
    centres: tuple[float, ...] = (0.0,)
    """Frequency about which each diagonal element is a thermal spectrum."""

    slack = 0.0
    """Error of S, over the largest, beyond rounding."""
    precision = 1e-13
    """Smallest error of quadratures that the arithmetic of S allows, over the largest S."""
    closed = False
    """Whether S is a formula of ours, positive and in detailed balance by construction."""

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        raise NotImplementedError

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
        size = self.size
        shape = (len(w), size, size)
        values = np.array([one for one, _ in found], dtype=complex).reshape(shape)
        return values, max((error for _, error in found), default=0.0)

    def _principal(self, w: float) -> tuple[ComplexArray, float]:
        """(1/2 pi) integral_0^inf [S(w - v) - S(w + v)] dv/v over panels of ln v."""
        size = self.size
        apart = [gap for one in self.breaks if (gap := abs(w - one)) > 1e-9 * self.scale]
        smallest, largest = min([self.finest, *apart]), max([self.scale, *apart])
        # below, S is a straight line; a user's 0/0 near a break keeps its distance
        start = 1e-6 if self.precision > 1e-13 else 1e-12
        ends = np.log(start * smallest), np.log(1e27 * largest)
        steps = np.linspace(*ends, int(np.ceil(ends[1] - ends[0]) / 2) + 1)
        edges = np.unique([*steps, *np.log(apart)])
        edges = edges[np.append(True, np.diff(edges) > 1e-14 * np.abs(edges[1:]))]

        def odd(y: Array) -> ComplexArray:
            v = np.exp(y).ravel()
            u = self._away(np.concatenate([w - v, w + v]), 1e-3 * start * smallest)
            both = self.spectrum(u).reshape(2, *y.shape, size, size)
            if not np.all(np.isfinite(both)):
                bad = u[~np.isfinite(both).all(axis=(-2, -1)).ravel()]
                raise ParameterError(
                    f"`spectrum` must be finite for a level shift, got a value that is not at "
                    f"w = {bad[np.argmin(np.abs(bad))]:.6g}"
                )
            return both[0] - both[1]

        last = np.abs(odd(np.array([edges[-1], edges[-1] - 2.0]))).max(axis=(-2, -1))
        here = float(np.abs(self.spectrum(np.array([w, self.scale + self.centres[0]]))).max())
        if last.max() > 1e-9 * here:
            raise ParameterError(
                "`level_shift` must be False for this bath: its spectrum does not fall off, so "
                "that the principal part P integral S(u) / (w - u) du does not exist; or give it "
                "a cutoff"
            )
        edges, values = transforms.resolved(
            odd, edges, here, precision=self.precision, name="spectra", axis="ln v"
        )
        half = 0.5 * np.diff(edges)
        total, lower = (
            np.einsum("p,k,pkij->ij", half, weights, values) / (2 * np.pi)
            for weights in (transforms.WEIGHTS, transforms.LOWER_WEIGHTS)
        )
        first = odd(np.array([ends[0]]))[0] / (2 * np.pi)
        rounding = (self.precision + EPSILON * (ends[1] - ends[0])) * here
        return total + first, float(np.abs(total - lower).max() + rounding)

    @property
    def finest(self) -> float:
        """Smallest scale of the spectrum that is known."""
        return min(self.scale, getattr(self, "temperature", 0.0) or self.scale)

    def _away(self, u: Array, distance: float) -> Array:
        """Frequencies, moved from a break to `distance` from it where they are nearer."""
        for one in self.breaks:
            near = np.abs(u - one) < distance
            u = np.where(near, one + np.where(u < one, -distance, distance), u)
        return u

    def until(self, w: Array, time: float) -> tuple[ComplexArray, float]:
        """Integral_0^time C(t) exp(i w t) dt, (w, n, n), and its largest absolute error."""
        found = transforms.half_sided(self._smooth, w, time, rtol=1e-7)
        return found.limit, found.uncertainty + found.tail

    def _smooth(self, t: Array) -> ComplexArray:
        """C at times of any shape, with a finite value at 0 (the logarithm is integrable)."""
        shape = (*t.shape, self.size, self.size)
        return self.correlation(np.maximum(t.ravel(), 1e-18 / self.scale)).reshape(shape)

    @property
    def highest(self) -> float | None:
        """Frequency above which S is negligible; None where it falls off slowly or not at all."""
        w = self.scale * 10.0 ** np.arange(-1.0, 6.0, 0.05)
        with np.errstate(all="ignore"):
            size = np.abs(self.spectrum(np.concatenate([w, -w]))).max(axis=(-2, -1))
        last = np.flatnonzero(size.reshape(2, -1).max(axis=0) > 1e-9 * np.nanmax(size))[-1]
        return float(w[last + 1]) if last + 1 < len(w) else None

    @cached_property
    def _panels(self) -> tuple[Array, ComplexArray]:
        """Panels of the frequency axis and Legendre coefficients of S on them, (p, k, n, n)."""
        steps = self.scale * 2.0 ** np.arange(-8, 90)
        middles = sorted({*self.breaks, *self.centres})
        edges = np.unique(np.append([c + s * steps for c in middles for s in (-1, 1)], middles))
        edges = edges[np.append(True, np.diff(edges) > 8 * EPSILON * np.abs(edges[1:]))]
        ends = np.abs(self.spectrum(self._away(edges, 1e-9 * self.finest))).max(axis=(-2, -1))
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
        kept = np.flatnonzero(ends * np.abs(edges) > 1e-19 * (ends * np.abs(edges)).max())
        edges = edges[max(kept[0] - 1, 0) : kept[-1] + 2]

        def spectrum(u: Array) -> ComplexArray:
            found = self.spectrum(self._away(u.ravel(), 1e-9 * self.finest))
            return found.reshape(*u.shape, self.size, self.size)

        edges, values = transforms.resolved(
            spectrum, edges, precision=self.precision, name="spectra", axis="w"
        )
        return edges, np.einsum("kl,plij->pkij", _TO_LEGENDRE, values)

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) >= 0, shape (t, n, n), to 1e-13 of the integral of S."""
        edges, series = self._panels
        half, middle = 0.5 * np.diff(edges), 0.5 * (edges[:-1] + edges[1:])
        order = np.arange(series.shape[1])
        series = (-1j) ** order[:, None, None] * series * half[:, None, None, None] / np.pi
        out = np.empty((len(t), self.size, self.size), dtype=complex)
        step = max(1, 2**22 // (len(half) * len(order)))
        for first in range(0, len(t), step):
            part = t[first : first + step, None]
            waves = spherical_jn(order[:, None, None], part * half) * np.exp(-1j * part * middle)
            out[first : first + step] = np.einsum("ktp,pkij->tij", waves, series, optimize=True)
        if np.any(t == 0):
            ends = edges[[0, -1]]
            slow = np.abs(self.spectrum(ends) * ends[:, None, None]).max(axis=0)
            out[t == 0] = np.where(slow > 1e-9 * self._weight, np.inf, out[t == 0])
        return out

    @cached_property
    def _weight(self) -> float:
        return self.scale * float(np.abs(self.spectrum(np.array([self.scale, -self.scale]))).max())

    def exponents(self, rtol: float, highest: float = np.inf) -> Exponents:
        """Sum of exponentials whose spectrum is S to `rtol` of the largest S, up to `highest`.

        The rates are poles of rational approximants of S(w) + S(-w) and [S(w) - S(-w)] / w as
        functions of w^2 about each centre [Nakatsukasa2018]. The coefficients follow by least
        squares, with a constant, the white noise, where the spectrum is cut at `highest`.
        """
        found = []
        for centre in dict.fromkeys(self.centres):
            inside = [k for k, one in enumerate(self.centres) if one == centre]
            inside = inside if len(self.centres) == self.size else list(range(self.size))
            found.append(self._fitted(centre, np.ix_(inside, inside), rtol, highest))
        return Exponents(
            np.concatenate([one.coefficients for one in found]),
            np.concatenate([one.rates for one in found]),
            sum(one.delta for one in found),
            max(one.uncertainty for one in found),
        )

    def _fitted(
        self, centre: float, block: tuple[Array, ...], rtol: float, highest: float
    ) -> Exponents:
        """Exponents of one diagonal block of the matrix, about its centre."""
        scale = min(self.scale, highest)
        x, both = self._sampled(centre, scale, block, rtol, highest)
        folded = (x**2 - scale**2) / (x**2 + scale**2)
        # one function with every pole in it: fixed weights tell the elements apart
        weigh = np.exp(1j * np.arange(both[0, 0].size).reshape(both.shape[2:]) ** 2)
        ahead, back = np.einsum("swij,ij->sw", both, weigh).real / np.abs(both).max()
        mixed = ahead + back + 1j * (ahead - back) * scale / x
        best: tuple[ComplexArray, ComplexArray, ComplexArray, float] | None = None
        for strictness in (1.0, 0.1, 0.01, 1e-3, 1e-4):
            # a bilinear map of w^2 onto (-1, 1): rational stays rational, far poles come near
            poles = AAA(folded[::2], mixed[::2], rtol=strictness * rtol).poles()
            with np.errstate(divide="ignore"):
                rates = scale * _roots((1 + poles) / (1 - poles))
            found = rates, *_least_squares(x, both, rates, white=highest < np.inf)
            weight = np.abs(found[1]).max(axis=(-2, -1)) / rates.real / np.abs(both).max()
            if np.any(idle := weight < 0.01 * rtol):
                rates = rates[~idle]
                found = rates, *_least_squares(x, both, rates, white=highest < np.inf)
            best = found if best is None or found[-1] < best[-1] else best
            if best[-1] <= rtol:
                break
        else:
            raise ConvergenceError(
                f"exponents of the bath reach {best[-1]:.2g} of the largest S, allowed {rtol:.2g}; "
                "a larger `rtol`, a `highest` frequency or a smoother spectrum helps"
            )
        rates, coefficients, white, error = _fewest(x, both, best, rtol, white=highest < np.inf)
        whole = np.zeros((len(rates) + 1, self.size, self.size), dtype=complex)
        whole[(slice(None), *block)] = np.concatenate([coefficients, white[None]])
        return Exponents(whole[:-1], rates + 1j * centre, whole[-1], error)

    def _sampled(
        self, centre: float, scale: float, block: tuple[Array, ...], rtol: float, highest: float
    ) -> tuple[Array, ComplexArray]:
        """Distances x from a centre and S at centre + x, centre - x, shape (2, x, n, n)."""
        x = scale * 10.0 ** np.linspace(-5, 12, 681)
        x = np.append(x[x < highest], [] if highest == np.inf else [highest])
        both = np.stack([self.spectrum(centre + x), self.spectrum(centre - x)])[(..., *block)]
        if not np.all(np.isfinite(both)):
            raise ParameterError("`spectrum` must be finite for exponents, got a value that is not")
        size = np.abs(both).max(axis=(0, -2, -1))
        if highest == np.inf:
            last = int(np.flatnonzero(size >= 0.03 * rtol * size.max())[-1]) + 2
            if last > len(x):
                raise ParameterError(
                    "`highest` must be given: the spectrum does not fall off at high frequencies"
                )
            x, both = x[:last], both[:, :last]
        return x, both


def _roots(poles: ComplexArray) -> ComplexArray:
    """Rates nu with -nu^2 a pole in w^2: real ones, and pairs of complex conjugates."""
    nu = np.sqrt(-np.asarray(poles, dtype=complex))
    nu = nu[np.isfinite(nu) & (nu.real > 1e-6 * np.abs(nu))]
    single = np.abs(nu.imag) < 0.03 * nu.real
    pairs = nu[~single]
    pairs = pairs.real + 1j * np.abs(pairs.imag)
    pairs = pairs[[bool(np.all(abs(p - pairs[:k]) > 0.03 * abs(p))) for k, p in enumerate(pairs)]]
    return np.concatenate([np.sort(nu[single].real), pairs, pairs.conj()])


def _fewest(
    x: Array,
    both: ComplexArray,
    fit: tuple[ComplexArray, ComplexArray, ComplexArray, float],
    rtol: float,
    *,
    white: bool,
) -> tuple[ComplexArray, ComplexArray, ComplexArray, float]:
    """The fit without every exponent that is not needed for `rtol`, the weakest first.

    A rational approximant follows its own noise with weak poles next to w = 0, which would be
    remembered for very long.
    """
    while len(rates := fit[0]) > 1:
        weight = np.abs(fit[1]).max(axis=(-2, -1)) / rates.real
        weakest = rates[np.argmin(weight)]
        kept = rates[(rates != weakest) & (rates != weakest.conj())]
        fewer = kept, *_least_squares(x, both, kept, white=white)
        if fewer[-1] > rtol:
            break
        fit = fewer
    return fit


def _least_squares(
    x: Array, both: ComplexArray, rates: ComplexArray, *, white: bool
) -> tuple[ComplexArray, ComplexArray, float]:
    """Coefficients (k, n, n) and half the white noise (n, n) of S, and the largest deviation.

    S_ij = sum_k c_ij / (nu - i w) + conj(c_ji) / (conj(nu) + i w), over the largest S.
    """
    n = both.shape[-1]
    w = np.concatenate([x, -x])
    values = both.reshape(len(w), n, n)
    basis = 1 / (rates - 1j * w[:, None])
    columns = np.concatenate([basis, basis.conj(), np.full((len(w), int(white)), 2.0)], axis=1)
    size = np.linalg.norm(columns, axis=0)
    found = np.linalg.lstsq(columns / size, values.reshape(len(w), -1), rcond=1e-13)[0]
    found = (found / size[:, None]).reshape(-1, n, n)
    k = len(rates)
    coefficients = 0.5 * (found[:k] + found[k : 2 * k].conj().swapaxes(-1, -2))
    rest = found[2 * k :].sum(axis=0)
    rest = 0.5 * (rest + rest.conj().T)
    half = np.einsum("wk,kij->wij", basis, coefficients) + rest
    deviation = half + half.conj().swapaxes(-1, -2) - values
    return coefficients, rest, float(np.abs(deviation).max() / np.abs(values).max())


# --- closed forms --------------------------------------------------------------------------------


def thermal(w: Array, temperature: float) -> Array:
    """Function w / (1 - exp(-w/T)), and its limit max(w, 0) at T = 0."""
    if temperature == 0:
        return np.maximum(w, 0.0)
    with np.errstate(under="ignore", over="ignore"):
        return temperature * electron_hole_spectrum(w / temperature)


def _matrix(values: Array | ComplexArray) -> ComplexArray:
    return np.asarray(values, dtype=complex)[:, None, None]


@dataclass(frozen=True)
class Drude(Source):
    """J(w) = 2 lambda gamma w / (w^2 + gamma^2) at temperature T, S = 2 J (n + 1)."""

    reorganization: float
    cutoff: float
    temperature: float
    closed = True

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        with np.errstate(over="ignore"):
            ratio = 1 / (1 + (w / self.cutoff) ** 2)
        return _matrix(4 * self.reorganization / self.cutoff * ratio * thermal(w, self.temperature))

    def shift(self, w: Array) -> tuple[ComplexArray, float]:
        """Principal part: digamma functions whose poles at gamma = 2 pi k T cancel by reflection."""
        x = w / self.cutoff
        step = 2 * np.pi * self.temperature
        if step == 0:
            with np.errstate(divide="ignore"):
                ratio = np.where(x == 0, 0.0, np.log(np.abs(x)))
        else:
            ratio = (digamma(1 - 1j * w / step) - digamma(self.cutoff / step)).real
        ratio = np.where(x == 0, 0.0, x * ratio)
        # -i/(1 - ix) and the term at gamma, -B/x, have these imaginary parts
        extra = 2 * self.temperature / self.cutoff * x
        values = self.reorganization * (-1 - extra + 2 / np.pi * ratio) / (1 + x**2)
        return _matrix(values), 8 * EPSILON * float(np.abs(values).max(initial=0.0))

    @property
    def scale(self) -> float:  # type: ignore[override]
        """Cutoff."""
        return self.cutoff

    def _late(self, time: float) -> tuple[ComplexArray, ComplexArray]:
        """Rates and coefficients (8, k) of C at and after `time`, at eight cutoffs about the true one.

        Their mean is C: poles at cutoff = 2 pi k T cancel, and C is analytic in the cutoff.
        """
        gamma = self.cutoff * (1 + 0.01 * np.exp(1j * (0.3 + 0.25 * np.pi * np.arange(8))))[:, None]
        step = 2 * np.pi * self.temperature
        nu = step * np.arange(1, 2 + int(_LATE / (step * time))) + 0 * gamma
        size = self.reorganization * gamma
        first = size * (1 / np.tan(0.5 * gamma / self.temperature) - 1j)
        rest = 4 * size * self.temperature * nu / (nu**2 - gamma**2)
        return np.append(gamma, nu, axis=1), np.append(first, rest, axis=1)

    def _is_late(self, time: float) -> bool:
        return 2 * np.pi * self.temperature * time > _LATE / 2000

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) >= 0, shape (t, n, n): the thermal sum, or early by quadrature."""
        late = np.array([self._is_late(one) for one in t], dtype=bool)
        out = np.empty((len(t), 1, 1), dtype=complex)
        if late.any():
            nu, c = self._late(t[late].min())
            out[late] = _matrix(
                sum(np.exp(-np.outer(t[late], n)) @ k for n, k in zip(nu, c, strict=True)) / 8
            )
        if not late.all():
            out[~late] = super().correlation(t[~late])
        return out

    def until(self, w: Array, time: float) -> tuple[ComplexArray, float]:
        """Integral_0^time C(t) exp(i w t) dt, (w, n, n), and its largest absolute error."""
        if not self._is_late(time):
            return super().until(w, time)
        whole, error = self.half_sided(w)
        rest = 0.0
        for nu, c in zip(*self._late(time), strict=True):
            slope = nu - 1j * w[:, None]
            rest = rest + (np.exp(-slope * time) / slope) @ c / 8
        return whole - _matrix(rest), error + 1e3 * EPSILON * float(np.abs(whole).max(initial=0.0))


@dataclass(frozen=True)
class Ohmic(Source):
    """J(w) = pi alpha w^s wc^(1-s) exp(-w/wc) at temperature T, S = 2 J (n + 1)."""

    coupling: float
    cutoff: float
    temperature: float
    power: float
    closed = True

    @property
    def scale(self) -> float:  # type: ignore[override]
        """Cutoff."""
        return self.cutoff

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        x = np.abs(w) / self.cutoff
        with np.errstate(divide="ignore", under="ignore", over="ignore", invalid="ignore"):
            shape = x ** (self.power - 1) * np.exp(-x) * thermal(w, self.temperature)
        if self.temperature == 0:
            shape = np.where(w == 0, 0.0, shape)
        return _matrix(2 * np.pi * self.coupling * shape)

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) >= 0, shape (t, n, n)."""
        if self.temperature == 0:
            size = self.coupling * self.cutoff**2 * gamma(self.power + 1)
            return _matrix(size / (1 + 1j * self.cutoff * t) ** (self.power + 1))
        if self.power == 1:
            size = 2 * np.pi * self.coupling * self.temperature**2
            band = self.cutoff / self.temperature
            return _matrix(size * fermi_sea.exponential_cutoff(self.temperature * t, band))
        return super().correlation(t)


@dataclass(frozen=True)
class Lead(Source):
    """Electrons of a lead for the jump operators (c, c^dag): J (1 - f) and J f."""

    rate: float
    half_width: float
    temperature: float
    potential: float
    band: str
    size = 2
    closed = True

    @property
    def scale(self) -> float:  # type: ignore[override]
        """Half width of the band."""
        return self.half_width

    @property
    def centres(self) -> tuple[float, ...]:  # type: ignore[override]
        """Potential, as it is seen by c and by c^dag."""
        return (self.potential, -self.potential)

    @property
    def breaks(self) -> tuple[float, ...]:  # type: ignore[override]
        """Thermal edges and ends of the band."""
        ends = (0.0,) if self.band == "lorentz" else (0.0, -self.half_width, self.half_width)
        return tuple(centre + end for centre in self.centres for end in ends)

    def _density(self, x: Array) -> Array:
        """J at energies from the potential."""
        y = np.abs(x) / self.half_width
        with np.errstate(over="ignore"):
            return self.rate * (1 / (1 + y**2) if self.band == "lorentz" else np.float64(y <= 1))

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, 2, 2)."""
        out = np.zeros((len(w), 2, 2), dtype=complex)
        with np.errstate(over="ignore"):
            for k, x in enumerate((w - self.potential, w + self.potential)):
                # empty states for c; for c^dag, with energy -w, the full ones: the same function
                out[:, k, k] = self._density(x) / (1 + np.exp(-x / self.temperature))
        return out

    def shift(self, w: Array) -> tuple[ComplexArray, float]:
        """Principal part, by digamma functions for a Lorentzian band."""
        if self.band == "flat":
            return super().shift(w)
        out = np.zeros((len(w), 2, 2), dtype=complex)
        width, step = self.half_width, 2 * np.pi * self.temperature
        for k, x in enumerate((w - self.potential, w + self.potential)):
            logarithm = digamma(0.5 + 1j * x / step).real - digamma(0.5 + width / step)
            part = 0.5 * np.pi * x / width + logarithm
            out[:, k, k] = self._density(x) * part / (2 * np.pi)
        return out, 8 * EPSILON * float(np.abs(out).max(initial=0.0))


@dataclass(frozen=True)
class ElectronHole(Source):
    """S(w) = strength w / (1 - exp(-w/T)), with a cutoff times exp(-|w|/cutoff)."""

    strength: float
    temperature: float
    closed = True

    @property
    def scale(self) -> float:  # type: ignore[override]
        """Temperature: there is no other."""
        return self.temperature or 1.0

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        return _matrix(self.strength * thermal(w, self.temperature))


# --- what the user gives -------------------------------------------------------------------------


def value(name: str, function: Callable[..., Any], x: float, size: int | None) -> ComplexArray:
    """One value of a user's function as a matrix (n, n); NaN where its arithmetic fails."""
    try:
        given = np.asarray(function(np.float64(x)))
    except (ArithmeticError, ValueError):
        n = size or 1
        return np.full((n, n), np.nan, dtype=complex)
    except TypeError as error:
        raise ParameterError(f"`{name}` must be a function of one number: {error}") from None
    if given.dtype.kind not in "iufc":
        raise ParameterError(f"`{name}` must give numbers, got {shown(given[()])} at {x:g}")
    if given.size == 1 and size in (None, 1):
        return given.reshape(1, 1).astype(complex)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or size not in (None, len(given)):
        wanted = "one number, or a matrix (n, n)" if size in (None, 1) else f"({size}, {size})"
        raise ParameterError(f"`{name}` must give {wanted}, got shape {given.shape} at {x:g}")
    return given.astype(complex)


def largest(values: ComplexArray) -> float:
    """Largest finite size."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


@np.errstate(all="ignore")
def evaluated(name: str, function: Callable[..., Any], x: Array, size: int) -> ComplexArray:
    """Values of a user's function at x (k,), shape (k, n, n), in one call where it takes arrays."""
    if len(x) > 2:
        try:
            given = np.asarray(function(x))
        except Exception:  # noqa: BLE001 - not written for arrays: it is called with numbers
            given = np.empty(0)
        if given.shape == ((len(x),) if size == 1 else (len(x), size, size)):
            whole = given.reshape(len(x), size, size)
            if whole.dtype.kind in "iufc":
                last = value(name, function, x[-1], size)
                if np.allclose(whole[-1], last, rtol=1e-9, atol=1e-9 * largest(whole), equal_nan=True):
                    return whole.astype(complex)
    return np.array([value(name, function, one, size) for one in x]).reshape(-1, size, size)


@dataclass(frozen=True)
class Given(Source):
    """Spectrum as a user's function of w."""

    function: Callable[..., Any]
    size: int = 1
    temperature: float | None = None
    breaks: tuple[float, ...] = (0.0,)
    centres: tuple[float, ...] = (0.0,)
    precision = 1e-10

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        return evaluated("spectrum", self.function, w, self.size)


@dataclass(frozen=True)
class Density(Source):
    """Spectral density J(w) as a user's function of w > 0: S(w) = 2 J (n + 1), S(-w) = 2 J n."""

    function: Callable[..., Any]
    temperature: float
    size: int = 1

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
            out[moving] = np.where(ratio[:, None, None] == 0, 0.0, 2 * ratio[:, None, None] * density)
        if not moving.all():
            out[~moving] = self._still
        return out

    @cached_property
    def _still(self) -> ComplexArray:
        """Limit of S at w = 0, 2 T J(w)/w: zero, infinite or extrapolated, by the slope of J."""
        if self.temperature == 0:
            return np.zeros((self.size, self.size), dtype=complex)
        steps = 1e-4 * min(self.temperature, self.scale) / 2.0 ** np.arange(4)
        density = evaluated("spectral_density", self.function, steps, self.size)
        ratio = 2 * self.temperature * density / steps[:, None, None]
        size = np.abs(ratio).max(axis=(-2, -1))
        if not np.all(np.isfinite(size)) or size[-1] > 1.002 * size[-2]:
            return np.full((self.size, self.size), np.inf, dtype=complex)
        if size[-1] < 0.998 * size[-2] or size[-1] == 0:
            return np.zeros((self.size, self.size), dtype=complex)
        return np.einsum("k,kij->ij", np.array([-1.0, 14.0, -56.0, 64.0]) / 21.0, ratio)


@dataclass(frozen=True)
class Correlation(Source):
    """Correlation as a user's function of t >= 0."""

    function: Callable[..., Any]
    size: int = 1
    slack = 2e-7  # twice that of the transforms
    _known: dict[bytes, tuple[ComplexArray, float]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) >= 0, shape (t, n, n)."""
        return evaluated("correlation", self.function, t, self.size)

    @cached_property
    def scale(self) -> float:  # type: ignore[override]
        """Inverse of the time at which |C| first falls faster than the root of time."""
        t = 10.0 ** np.arange(-_DECADES, _DECADES, 0.25)
        size = np.abs(self.correlation(t)).max(axis=(-2, -1))
        falls = size[1:] < 10**-0.125 * size[:-1]
        return float(1 / t[np.argmax(falls)]) if falls.any() else 1.0

    def half_sided(self, w: Array) -> tuple[ComplexArray, float]:
        """Gamma (w, n, n), and its largest absolute error."""
        key = w.tobytes()
        if key not in self._known:
            if len(self._known) > 8:
                self._known.clear()
            self._known[key] = self.until(w, np.inf)
        return self._known[key]

    def shift(self, w: Array) -> tuple[ComplexArray, float]:
        """Principal part lambda (w, n, n), and its largest absolute error."""
        values, error = self.half_sided(w)
        return (values - values.conj().swapaxes(-1, -2)) / 2j, error

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        values, _ = self.half_sided(w)
        return values + values.conj().swapaxes(-1, -2)

    def exponents(self, rtol: float, highest: float = np.inf) -> Exponents:
        """Sum of exponentials by ESPRIT: rotation of the signal space by one step [Roy1989]."""
        end = memory_time(self, 0.1 * rtol)
        best: tuple[float, ComplexArray, ComplexArray] | None = None
        for number in (256, 512, 1024):
            t = end / number * np.arange(number)
            values = self._smooth(t)
            flat = values.reshape(number, -1)
            rows = number // 2
            hankel = np.concatenate(
                [flat[k : k + rows] for k in range(number - rows)], axis=1
            )
            left, sizes, _ = np.linalg.svd(hankel, full_matrices=False)
            finer = end * np.linspace(0, 1, 3 * number // 2)
            exact = self._smooth(finer).reshape(len(finer), -1)
            for level in (1.0, 0.1, 0.01, 1e-3):
                kept = left[:, sizes > level * rtol * sizes[0]]
                step = np.linalg.lstsq(kept[:-1], kept[1:], rcond=None)[0]
                nu = -np.log(np.linalg.eigvals(step).astype(complex)) * number / end
                nu = nu[nu.real > 0]
                basis = np.exp(-finer[:, None] * nu)
                found = np.linalg.lstsq(basis, exact, rcond=1e-13)[0]
                error = float(np.abs(basis @ found - exact).max() / np.abs(exact).max())
                if best is None or error < best[0]:
                    best = error, nu, found
                if best[0] <= rtol:
                    error, nu, found = best
                    coefficients = found.reshape(len(nu), self.size, self.size)
                    none = np.zeros((self.size, self.size), dtype=complex)
                    return Exponents(coefficients, nu, none, error)
        raise ConvergenceError(
            f"exponents of the bath reach {best[0] if best else 1:.2g} of the largest C, allowed "
            f"{rtol:.2g}; a larger `rtol` or a smoother correlation helps"
        )


def memory_time(source: Source, rtol: float) -> float:
    """Time after which less than `rtol` of the integral of |C| is left."""
    t = 10.0 ** np.arange(-12, 14, 0.125) / source.scale
    with np.errstate(all="ignore"):
        size = np.abs(source.correlation(t)).max(axis=(-2, -1))
    rounding = source.precision * size[t * source.scale >= 0.01].max()
    weight = np.where(size > rounding, t * size, 0.0)
    left = np.cumsum(weight[::-1])[::-1]
    late = left > rtol * left[0]
    if left[0] == 0:
        return 0.0
    if late[-8:].any():
        raise ConvergenceError("the correlation has no memory time: it does not decay")
    return float(t[np.flatnonzero(late)[-1] + 1])


@dataclass(frozen=True)
class Exponential(Source):
    """C(t) = sum_k c_k exp(-nu_k t), and white noise: every view is a sum."""

    given: Exponents

    @property
    def size(self) -> int:  # type: ignore[override]
        """Number of operators."""
        return self.given.coefficients.shape[-1]

    @property
    def slack(self) -> float:  # type: ignore[override]
        """Error of S, over the largest, beyond rounding."""
        return self.given.uncertainty

    @property
    def scale(self) -> float:  # type: ignore[override]
        """Slowest rate."""
        return float(np.abs(self.given.rates).min())

    def half_sided(self, w: Array) -> tuple[ComplexArray, float]:
        """Gamma (w, n, n), and its largest absolute error."""
        return self.until(w, np.inf)

    def until(self, w: Array, time: float) -> tuple[ComplexArray, float]:
        """Integral_0^time C(t) exp(i w t) dt, (w, n, n), and its largest absolute error."""
        slope = 1j * w[:, None] - self.given.rates
        grown = np.expm1(slope * time) if np.isfinite(time) else -1.0
        values = np.einsum("wk,kij->wij", grown / slope, self.given.coefficients)
        values += self.given.delta if time > 0 else 0.0
        return values, 8 * EPSILON * float(np.abs(values).max(initial=0.0))

    def shift(self, w: Array) -> tuple[ComplexArray, float]:
        """Principal part lambda (w, n, n), and its largest absolute error."""
        values, error = self.half_sided(w)
        return (values - values.conj().swapaxes(-1, -2)) / 2j, error

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        values, _ = self.half_sided(w)
        return values + values.conj().swapaxes(-1, -2)

    def correlation(self, t: Array) -> ComplexArray:
        """C at times (t,) > 0, shape (t, n, n)."""
        waves = np.exp(-t[:, None] * self.given.rates)
        return np.einsum("tk,kij->tij", waves, self.given.coefficients)

    def exponents(self, rtol: float, highest: float = np.inf) -> Exponents:
        """Return the exponents as they were given."""
        return self.given
