"""Correlations as sums of exponentials: by rational approximation of S(w), or from C(t) itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import AAA

from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError

_STRICTER = (1.0, 0.1, 0.01, 1e-3, 1e-4)
"""Factors of the tolerance that the poles are sought with, until the coefficients reach it."""
_FAST = np.array([2.0, 6.0])


@dataclass(frozen=True)
class Exponents:
    """Correlation as a sum of exponentials, C(t) = sum_k coefficients[k] exp(-rates[k] t), t > 0.

    Attributes
    ----------
    coefficients : complex array (k,) or (k, n, n), in units of energy squared
    rates : complex array (k,), in units of energy
        With a positive real part.
    delta : float or complex array (n, n), in units of energy
        Half of the white noise beside them: the weight of -delta [A, [A, .]].
    uncertainty : float, no unit
        Largest deviation from S(w) over the largest S, or of C(t) over the largest C.
    """

    coefficients: ComplexArray
    rates: ComplexArray
    delta: float | ComplexArray
    uncertainty: float


def rational(
    spectrum: Callable[[Array], ComplexArray],
    scale: float,
    centre: float,
    rtol: float,
    highest: float,
    lines: tuple[float, ...] = (),
) -> Exponents:
    """Sum of exponentials whose spectrum is S to `rtol` of the largest S, up to `highest`.

    The rates are poles of rational approximants of S(w) + S(-w) and [S(w) - S(-w)] / w as functions
    of w^2 about the centre [Nakatsukasa2018]. The coefficients follow by least squares, with a
    constant, the white noise, where the spectrum is cut at `highest`. `lines` are frequencies that
    the grid must not miss.
    """
    scale = min(scale, highest)
    x, both = _sampled(spectrum, scale, centre, rtol, highest, lines)
    folded = (x**2 - scale**2) / (x**2 + scale**2)
    largest = float(np.abs(both).max())
    # one function with every pole in it: fixed weights tell the elements apart
    weigh = np.exp(1j * np.arange(both[0, 0].size).reshape(both.shape[2:]) ** 2)
    ahead, back = np.einsum("swij,ij->sw", both, weigh).real / largest
    mixed = ahead + back + 1j * (ahead - back) * scale / x
    reached = np.inf
    for factor in _STRICTER:
        # a bilinear map of w^2 onto (-1, 1): rational stays rational, far poles come near
        poles = AAA(folded[::2], mixed[::2], rtol=factor * rtol).poles()
        with np.errstate(divide="ignore", invalid="ignore"):  # a pole at 1, or none
            rates = scale * _roots((1 + poles) / (1 - poles))
        found = _least_squares(x, both, rates, white=highest < np.inf)
        if highest < np.inf and found.uncertainty > rtol:
            # of the noise above, what is linear in w is not white, but fast
            rates = np.append(rates, highest * _FAST)
            found = _least_squares(x, both, rates, white=True)
        reached = min(reached, found.uncertainty)
        # as long as the rest will do: slow ones, which memories wait for, then the least of all
        for slow in (True, False):
            while found.uncertainty <= rtol:
                best, weight = found, np.abs(found.coefficients).max(axis=(-2, -1)) / rates.real
                if not len(rates):
                    break
                least = rates.real[np.argmin(rates.real if slow else weight)]
                rates = rates[np.abs(rates.real - least) > 0]
                found = _least_squares(x, both, rates, white=highest < np.inf)
            if reached <= rtol:
                found, rates = best, best.rates
        if reached <= rtol:
            return replace(best, rates=best.rates + 1j * centre)
    raise ConvergenceError(
        f"exponents of the bath reach {reached:.2g} of the largest S, allowed {rtol:.2g}; a larger "
        "`rtol`, a `highest` frequency or a smoother spectrum helps"
    )


def _sampled(
    spectrum: Callable[[Array], ComplexArray],
    scale: float,
    centre: float,
    rtol: float,
    highest: float,
    lines: tuple[float, ...],
) -> tuple[Array, ComplexArray]:
    """Distances x from a centre and S at centre + x, centre - x, shape (2, x, n, n)."""
    x = scale * 10.0 ** np.linspace(-5, 12, 681)
    x = np.unique([*x, *(apart for one in lines if (apart := abs(one - centre)) > 0)])
    x = np.append(x[x < highest], [] if highest == np.inf else [highest])
    both = np.stack([spectrum(centre + x), spectrum(centre - x)])
    size = np.abs(both).max(axis=(0, -2, -1))
    if not np.all(np.isfinite(size)):
        raise ParameterError("`spectrum` must be finite for exponents, got a value that is not")
    if highest == np.inf:
        last = int(np.flatnonzero(size >= 0.03 * rtol * size.max())[-1]) + 2
        if last > len(x):
            raise ParameterError(
                "exponents need a bath with a cutoff (or, where they are asked for, `highest` or a "
                f"larger `rtol`): its spectrum falls to {size[-1] / size.max():.2g} of the largest "
                f"at high frequencies, allowed {0.03 * rtol:.2g}"
            )
        x, both = x[:last], both[:, :last]
    return x, both


def _roots(poles: ComplexArray) -> ComplexArray:
    """Rates nu with -nu^2 a pole in w^2: real ones, and pairs of complex conjugates."""
    nu = np.sqrt(-np.asarray(poles, dtype=complex))
    nu = nu[np.isfinite(nu) & (nu.real > 1e-6 * np.abs(nu))]
    single = np.abs(nu.imag) < 0.03 * nu.real
    pairs = nu[~single].real + 1j * np.abs(nu[~single].imag)
    pairs = pairs[[bool(np.all(abs(p - pairs[:k]) > 0.01 * abs(p))) for k, p in enumerate(pairs)]]
    return np.concatenate([np.sort(nu[single].real), pairs, pairs.conj()])


def _least_squares(x: Array, both: ComplexArray, rates: ComplexArray, *, white: bool) -> Exponents:
    """Exponents of given rates, with the largest deviation from S over the largest S.

    S_ij = sum_k c_ij / (nu - i w) + conj(c_ji) / (conj(nu) + i w) + 2 delta_ij.
    """
    n, k = both.shape[-1], len(rates)
    w = np.concatenate([x, -x])
    values = both.reshape(len(w), n, n)
    basis = 1 / (rates - 1j * w[:, None])
    columns = np.concatenate([basis, basis.conj(), np.full((len(w), int(white)), 2.0)], axis=1)
    size = np.linalg.norm(columns, axis=0)
    found = np.linalg.lstsq(columns / size, values.reshape(len(w), -1), rcond=1e-13)[0]
    found = (found / size[:, None]).reshape(-1, n, n)
    coefficients = 0.5 * (found[:k] + found[k : 2 * k].conj().swapaxes(-1, -2))
    rest = found[2 * k :].sum(axis=0)
    rest = 0.5 * (rest + rest.conj().T)
    half = np.einsum("wk,kij->wij", basis, coefficients) + rest
    deviation = half + half.conj().swapaxes(-1, -2) - values
    error = float(np.abs(deviation).max() / np.abs(values).max())
    return Exponents(coefficients, rates, rest, error)


def rotational(correlation: Callable[[Array], ComplexArray], end: float, rtol: float) -> Exponents:
    """Sum of exponentials for C(t) on [0, end] by ESPRIT [RoyKailath1989].

    One step of time rotates the space of the signals; the rates are in its eigenvalues.
    """
    reached = np.inf
    for number in (256, 512, 1024):
        flat = correlation(end / number * np.arange(number, dtype=float)).reshape(number, -1)
        finer: Array = np.linspace(0.0, end, 3 * number // 2)
        exact = correlation(finer)
        flat_exact = exact.reshape(len(finer), -1)
        rows = number // 2
        hankel = np.concatenate([flat[k : k + rows] for k in range(number - rows)], axis=1)
        left, sizes, _ = np.linalg.svd(hankel, full_matrices=False)
        for factor in _STRICTER:
            kept = left[:, sizes > factor * rtol * sizes[0]]
            step = np.linalg.lstsq(kept[:-1], kept[1:], rcond=None)[0]
            rates = -np.log(np.linalg.eigvals(step) + 0j) * (number / end)
            rates = rates[rates.real > 0]
            basis = np.exp(-finer[:, None] * rates)
            found = np.linalg.lstsq(basis, flat_exact, rcond=1e-13)[0]
            error = float(np.abs(basis @ found - flat_exact).max() / np.abs(exact).max())
            reached = min(reached, error)
            if error <= rtol:
                c: ComplexArray = np.asarray(found.reshape(-1, *exact.shape[1:]), dtype=complex)
                return Exponents(c, rates.astype(complex), np.zeros_like(c[0]), error)
    raise ConvergenceError(
        f"exponents of the bath reach {reached:.2g} of the largest C, allowed {rtol:.2g}; a larger "
        "`rtol` or a smoother correlation helps"
    )
