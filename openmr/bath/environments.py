"""QuTiP's environments, in and out.

QuTiP's bosonic S(w) and C(t) are those of `bath`. Its fermionic branches are C(t) of `bath` for
(c^dag, c), and its S_plus is taken at -w. Loaded on first use: nothing else here knows QuTiP.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from qutip.core import environment as qutip

from openmr._checks import ConvergenceError, ParameterError, number
from openmr.bath import closed_spectra, sources
from openmr.bath.exponential_sums import Exponents
from openmr.bath.sources import Source


def taken_over(given: Any) -> tuple[Source, float | None, float | None, bool]:
    """Source of an environment, its temperature and potential, and whether it is conserving."""
    if isinstance(given, qutip.FermionicEnvironment):
        return _fermionic(given), given.T, given.mu or 0.0, True
    if not isinstance(given, qutip.BosonicEnvironment):
        raise ParameterError(
            f"`environment` must be a QuTiP environment, got a {type(given).__name__}"
        )
    source: Source
    if isinstance(given, qutip.ExponentialBosonicEnvironment):
        c = np.array([[[one.coefficient]] for one in given.exponents], dtype=complex)
        nu = np.array([one.exponent for one in given.exponents], dtype=complex)
        source = sources.Exponential(Exponents(c, nu, np.zeros((1, 1), dtype=complex), 1e-2))
    elif isinstance(given, qutip.DrudeLorentzEnvironment):
        lam, gamma, kelvin = _numbers(given, "lam", "gamma")
        source = closed_spectra.Drude(lam, gamma, kelvin)
    elif isinstance(given, qutip.OhmicEnvironment):
        alpha, cutoff, power, kelvin = _numbers(given, "alpha", "wc", "s")
        source = closed_spectra.Ohmic(alpha / np.pi, cutoff, kelvin, power)
    else:
        source = sources.Given(given.power_spectrum, 1, given.T)
    return source, given.T, None, False


def _numbers(given: Any, *names: str) -> list[float]:
    """Positive numbers of an environment whose closed form is taken as it stands, and its T."""
    found = [number(f"environment.{name}", getattr(given, name), above=0.0) for name in names]
    return [*found, number("environment.T", given.T, least=0.0)]


def _fermionic(given: Any) -> Source:
    if isinstance(given, qutip.LorentzianEnvironment) and given.omega0 == given.mu:
        rate, half_width, kelvin = _numbers(given, "gamma", "W")
        return closed_spectra.Lead(rate, half_width, kelvin, given.mu, "lorentz")
    if isinstance(given, qutip.ExponentialFermionicEnvironment):
        c = np.zeros((len(given.exponents), 2, 2), dtype=complex)
        for k, one in enumerate(given.exponents):
            place = 1 if one.type.name == "+" else 0
            c[k, place, place] = one.coefficient
        nu = np.array([one.exponent for one in given.exponents], dtype=complex)
        return sources.Exponential(Exponents(c, nu, np.zeros((2, 2), dtype=complex), 1e-2))

    def spectrum(w: Any) -> Any:
        out = np.zeros((*np.shape(w), 2, 2))
        out[..., 0, 0] = given.power_spectrum_minus(w)
        out[..., 1, 1] = given.power_spectrum_plus(-np.asarray(w))
        return out

    mu = float(given.mu or 0.0)
    return sources.Given(spectrum, 2, given.T, breaks=(mu, -mu), centres=(mu, -mu))


def named(source: Source) -> Any:
    """QuTiP's own environment of that name, or None."""
    if isinstance(source, closed_spectra.Drude) and source.temperature > 0:
        return qutip.DrudeLorentzEnvironment(
            T=source.temperature, lam=source.reorganization, gamma=source.cutoff
        )
    if isinstance(source, closed_spectra.Ohmic):
        return qutip.OhmicEnvironment(
            T=source.temperature, alpha=np.pi * source.coupling, wc=source.cutoff, s=source.power
        )
    if isinstance(source, closed_spectra.Lead) and source.band == "lorentz":
        return qutip.LorentzianEnvironment(
            T=source.temperature, mu=source.potential, gamma=source.rate, W=source.half_width
        )
    return None


def of_spectrum(spectrum: Callable[..., Any], source: Source, temperature: float | None) -> Any:
    """Environment of S as a function, with the frequency above which it is negligible."""
    highest = None
    for decades in (6.0, 2.0):
        w = source.scale * 10.0 ** np.arange(-1.0, decades, 0.05)
        with suppress(ConvergenceError):  # of a correlation, which is not followed that far
            size = np.abs(source.spectrum(np.concatenate([w, -w]))).max(axis=(-2, -1))
            last = np.flatnonzero(size.reshape(2, -1).max(axis=0) > 1e-9 * size.max())[-1]
            highest = float(w[last + 1]) if last + 1 < len(w) else None
            break
    return qutip.BosonicEnvironment.from_power_spectrum(spectrum, wMax=highest, T=temperature)


def of_exponents(
    given: Exponents, temperature: float | None, potential: float | None, conserving: bool
) -> Any:
    """Environment of exponents."""
    if np.any(given.delta != 0):
        raise ParameterError(
            "`environment` must be without white noise, which QuTiP's exponents do not hold, got "
            f"delta = {np.abs(given.delta).max():.3g}"
        )
    if conserving:
        c, nu = given.coefficients, given.rates
        plus, minus = c[:, 1, 1], c[:, 0, 0]
        return qutip.ExponentialFermionicEnvironment(
            plus[plus != 0], nu[plus != 0], minus[minus != 0], nu[minus != 0],
            T=temperature, mu=potential,
        )  # fmt: skip
    # of a real rate Re C and Im C are one exponent, of a complex one two
    exponents = []
    for c, nu in zip(given.coefficients[:, 0, 0], given.rates, strict=True):
        parts = [(0.5 * c, -0.5j * c, nu), (0.5 * c.conj(), 0.5j * c.conj(), nu.conj())]
        for real, imaginary, rate in parts if nu.imag else [(c.real, c.imag, nu.real)]:
            exponents.append(qutip.CFExponent("RI", real, rate, imaginary))
    return qutip.ExponentialBosonicEnvironment(exponents=exponents, T=temperature)
