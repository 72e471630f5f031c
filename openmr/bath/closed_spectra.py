"""Baths in closed form: Drude-Lorentz, Ohmic, leads, electron-hole pairs.

Views that have no closed form here are left to the quadratures of `sources`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gamma

from openmr._checks import EPSILON, Array, ComplexArray
from openmr.bath import fermi_sea
from openmr.bath.sources import Source, thermal

_LATE = 40.0
"""Exponent after which a term of a thermal sum is nothing."""


def _matrix(values: ArrayLike) -> ComplexArray:
    return np.asarray(values, dtype=complex)[:, None, None]


@dataclass(frozen=True)
class Drude(Source):
    """J(w) = 2 lambda gamma w / (w^2 + gamma^2) at temperature T, S = 2 J (n + 1)."""

    reorganization: float
    cutoff: float
    temperature: float
    label = "drude"
    closed = True

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        with np.errstate(over="ignore"):
            ratio = 1 / (1 + (w / self.cutoff) ** 2)
        return _matrix(4 * self.reorganization / self.cutoff * ratio * thermal(w, self.temperature))

    def shift(self, w: Array) -> tuple[ComplexArray, float]:
        """Principal part, by digamma functions; poles at gamma = 2 pi k T cancel by reflection."""
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
        values: Array = self.reorganization * (-1 - extra + 2 / np.pi * ratio) / (1 + x**2)
        return _matrix(values), 8 * EPSILON * float(np.abs(values).max(initial=0.0))

    @property
    def scale(self) -> float:
        """Cutoff."""
        return self.cutoff

    def _late(self, time: float) -> tuple[ComplexArray, ComplexArray]:
        """Rates and coefficients (8, k) of C after `time`, at eight cutoffs about the true one.

        Their mean is C: poles at cutoff = 2 pi k T cancel, and C is analytic in the cutoff.
        """
        gamma = self.cutoff * (1 + 0.01 * np.exp(1j * (0.3 + 0.25 * np.pi * np.arange(8))))[:, None]
        step = 2 * np.pi * self.temperature
        nu = np.tile(step * np.arange(1, 2 + int(_LATE / (step * time))), (8, 1))
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

    def until(self, w: Array, time: float, rtol: float = 1e-7) -> tuple[ComplexArray, float]:
        """Integral_0^time C(t) exp(i w t) dt, (w, n, n), and its largest absolute error."""
        if not self._is_late(time):
            return super().until(w, time, rtol)
        whole, error = self.half_sided(w)
        rest = np.zeros(len(w), dtype=complex)
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
    label = "ohmic"
    closed = True

    @property
    def scale(self) -> float:
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
            size = float(self.coupling * self.cutoff**2 * gamma(self.power + 1))
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
    label = "lead"
    closed = True

    @property
    def scale(self) -> float:
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
            return np.asarray(self.rate * (1 / (1 + y**2) if self.band == "lorentz" else y <= 1))

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
    """S(w) = strength w / (1 - exp(-w/T)); with a cutoff it is `Ohmic`."""

    strength: float
    temperature: float
    label = "electron_hole"
    closed = True

    @property
    def scale(self) -> float:
        """Temperature: there is no other."""
        return self.temperature or 1.0

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, n, n)."""
        return _matrix(self.strength * thermal(w, self.temperature))


@dataclass(frozen=True, eq=False)
class Moments(Source):
    """Lines of precessing moments, each widened by the electron-hole pairs of a Fermi sea."""

    lines: Array = field(repr=False)  # (l,)
    weights: ComplexArray = field(repr=False)  # (l, 3, 3)
    temperature: float
    cutoff: float
    size = 3
    label = "moments"
    closed = True

    @property
    def breaks(self) -> tuple[float, ...]:  # type: ignore[override]
        """Energies of the lines."""
        return tuple(np.unique(self.lines).tolist())

    def spectrum(self, w: Array) -> ComplexArray:
        """S at frequencies (w,), shape (w, 3, 3)."""
        apart = w[:, None] - self.lines
        pairs = thermal(apart, self.temperature) * np.exp(-np.abs(apart) / self.cutoff)
        return np.asarray(np.einsum("wl,lij->wij", pairs, self.weights))
