"""Bath: one noun for what fluctuates, with every view of it and a measured error of each.

Conventions, fixed here: S(w) = integral C(t) exp(i w t) dt, and w > 0 is energy given to the bath;
S = 2 J (n + 1) of a spectral density J; a lead has the rates J (1 - f) and J f, without the 2, and
its band is centred on its potential. hbar = k_B = 1: energies, temperatures and inverse times are
in one unit of the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError
from openmr.bath import sources
from openmr.bath.sources import Exponents, Source

_BELOW = -1e-12
"""Negative spectrum, over the largest, that is rounding."""


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Bath:
    """Noise that couples to a system: each pair (operator, bath) of a system is a bath of its own.

    Exactly one source is given. Everything else is derived from it when it is asked for.

    Attributes
    ----------
    temperature : float or None, in units of energy
        Where it is known, detailed balance is asked of the spectrum.
    potential : float or None, in units of energy
        Chemical potential of a lead.
    conserving : bool
        Whether the bath takes pairs of operators (c, c^dag) of V = c^dag B + h.c., as a lead does.
    """

    temperature: float | None
    potential: float | None
    conserving: bool
    _source: Source = field(repr=False)
    _name: str

    def __init__(
        self,
        spectrum: Callable[..., Any] | None = None,
        *,
        exponents: Any = None,
        temperature: float | None = None,
        potential: float | None = None,
        conserving: bool = False,
    ) -> None:
        raise NotImplementedError

    @classmethod
    def _of(
        cls,
        source: Source,
        name: str,
        temperature: float | None = None,
        potential: float | None = None,
        conserving: bool = False,
    ) -> Bath:
        made = object.__new__(cls)
        made._set(source, name, temperature, potential, conserving)
        return made

    def _set(
        self,
        source: Source,
        name: str,
        temperature: float | None,
        potential: float | None,
        conserving: bool,
    ) -> None:
        values = (temperature, potential, conserving, source, name)
        names = ("temperature", "potential", "conserving", "_source", "_name")
        for key, value in zip(names, values, strict=True):
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        return f"Bath({self._name})"

    # --- sources ---------------------------------------------------------------------------------

    @classmethod
    def drude(cls, reorganization: float, cutoff: float, temperature: float) -> Bath:
        """Drude-Lorentz bath, J(w) = 2 lambda gamma w / (w^2 + gamma^2).

        Parameters
        ----------
        reorganization : float, in units of energy
            lambda, minus the level shift at w = 0.
        cutoff : float, in units of energy
            gamma, the inverse memory time.
        temperature : float, in units of energy

        Returns
        -------
        Bath

        Raises
        ------
        ParameterError
            For a number that is not finite or not positive; `temperature` may be 0.
        """
        lam = _checks.number("reorganization", reorganization, "in units of energy", above=0.0)
        gamma = _checks.number("cutoff", cutoff, "in units of energy", above=0.0)
        kelvin = _checks.number("temperature", temperature, "in units of energy", least=0.0)
        name = f"drude, reorganization={lam:g}, cutoff={gamma:g}, temperature={kelvin:g}"
        return cls._of(sources.Drude(lam, gamma, kelvin), name, kelvin)

    @classmethod
    def ohmic(cls, coupling: float, cutoff: float, temperature: float, power: float = 1.0) -> Bath:
        """Bath with J(w) = pi alpha w^s wc^(1-s) exp(-w/wc).

        Parameters
        ----------
        coupling : float, no unit
            alpha.
        cutoff : float, in units of energy
            wc.
        temperature : float, in units of energy
        power : float, no unit
            s: 1 is Ohmic, below is sub-Ohmic.

        Returns
        -------
        Bath

        Raises
        ------
        ParameterError
            For a number that is not finite or not positive; `temperature` may be 0.
        """
        alpha = _checks.number("coupling", coupling, above=0.0)
        end = _checks.number("cutoff", cutoff, "in units of energy", above=0.0)
        kelvin = _checks.number("temperature", temperature, "in units of energy", least=0.0)
        s = _checks.number("power", power, above=0.0)
        name = f"ohmic, coupling={alpha:g}, cutoff={end:g}, temperature={kelvin:g}, power={s:g}"
        return cls._of(sources.Ohmic(alpha, end, kelvin, s), name, kelvin)

    @classmethod
    def lead(
        cls,
        rate: float,
        half_width: float,
        temperature: float,
        potential: float = 0.0,
        band: str = "lorentz",
    ) -> Bath:
        """Lead of free electrons: rates J f into the system and J (1 - f) out of it.

        Parameters
        ----------
        rate : float, in units of energy
            J in the middle of the band.
        half_width : float, in units of energy
            Half width of the band about the potential.
        temperature : float, in units of energy
        potential : float, in units of energy
        band : {"lorentz", "flat"}
            J = rate W^2 / (x^2 + W^2), or `rate` for |x| <= W, with x from the potential.

        Returns
        -------
        Bath
            For V = c^dag B + h.c.: the views are matrices for the jump operators (c, c^dag).

        Raises
        ------
        ParameterError
            For a number that is not finite, a rate, width or temperature that is not positive, or
            another band.
        """
        size = _checks.number("rate", rate, "in units of energy", above=0.0)
        width = _checks.number("half_width", half_width, "in units of energy", above=0.0)
        kelvin = _checks.number("temperature", temperature, "in units of energy", above=0.0)
        mu = _checks.number("potential", potential, "in units of energy")
        _checks.choice("band", band, ("lorentz", "flat"))
        name = (
            f"lead, rate={size:g}, half_width={width:g}, temperature={kelvin:g}, "
            f"potential={mu:g}, band={band!r}"
        )
        source = sources.Lead(size, width, kelvin, mu, band)
        return cls._of(source, name, kelvin, mu, conserving=True)

    @classmethod
    def electron_hole(
        cls, strength: float, temperature: float, cutoff: float | None = None
    ) -> Bath:
        """Electron-hole pairs of a Fermi sea, S(w) = strength w / (1 - exp(-w/T)).

        Parameters
        ----------
        strength : float, no unit
        temperature : float, in units of energy
        cutoff : float, in units of energy
            Cutoff of the pairs, exp(-|w|/cutoff). Without it there are rates and no level shift.

        Returns
        -------
        Bath

        Raises
        ------
        ParameterError
            For a number that is not finite or not positive; `temperature` may be 0.
        """
        size = _checks.number("strength", strength, above=0.0)
        kelvin = _checks.number("temperature", temperature, "in units of energy", least=0.0)
        name = f"electron_hole, strength={size:g}, temperature={kelvin:g}"
        if cutoff is None:
            return cls._of(sources.ElectronHole(size, kelvin), name, kelvin)
        end = _checks.number("cutoff", cutoff, "in units of energy", above=0.0)
        source = sources.Ohmic(size / (2 * np.pi), end, kelvin, 1.0)
        return cls._of(source, f"{name}, cutoff={end:g}", kelvin)

    # --- views -----------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of coupling operators that one use of the bath takes."""
        return self._source.size

    @property
    def has_shift(self) -> bool:
        """Whether the level shift exists: not for a spectrum that rises without end."""
        try:
            self._source.shift(np.array([self._source.centres[0] + self._source.scale]))
        except ParameterError:
            return False
        return True

    def _shaped(self, w: ArrayLike, found: ComplexArray) -> ComplexArray:
        shape = np.shape(w) + ((self.size, self.size) if self.size > 1 else ())
        return np.asarray(found.reshape(shape))

    def _spectrum(self, w: Array) -> ComplexArray:
        values = self._source.spectrum(w)
        return values

    def spectrum(self, w: ArrayLike) -> Array | ComplexArray:
        """S(w) = integral C(t) exp(i w t) dt, where w > 0 is energy given to the bath.

        Parameters
        ----------
        w : array_like (...), in units of energy

        Returns
        -------
        array (...) or complex array (..., n, n), in units of energy
            Real for one operator, Hermitian matrices for n.

        Raises
        ------
        ParameterError
            If it is not finite, not Hermitian, negative, or breaks detailed balance.
        """
        found = self._shaped(w, self._spectrum(_flat("w", w)))
        return found if self.size > 1 else found.real

    def shift(self, w: ArrayLike) -> Array | ComplexArray:
        """lambda(w) = P integral S(u) / (w - u) du / 2 pi.

        Parameters, returns and errors as of `half_sided`.
        """
        found = self._shaped(w, self._source.shift(_flat("w", w))[0])
        return found if self.size > 1 else found.real

    def half_sided(self, w: ArrayLike, time: float = np.inf) -> ComplexArray:
        """Gamma(w) = integral_0^time C(t) exp(i w t) dt, in the limit S/2 + i lambda.

        Parameters
        ----------
        w : array_like (...), in units of energy
        time : float, inverse unit of energy

        Returns
        -------
        complex array (...) or (..., n, n), in units of energy

        Raises
        ------
        ParameterError
            If the principal part does not exist.
        """
        flat = _flat("w", w)
        if _checks.number("time", time, least=0.0, infinite=True) == np.inf:
            self._spectrum(flat)
            found, _ = self._source.half_sided(flat)
        else:
            found, _ = self._source.until(flat, time)
        return self._shaped(w, found)

    def correlation(self, t: ArrayLike) -> ComplexArray:
        """C(t) at t >= 0; C(-t) is the conjugate transpose.

        Parameters
        ----------
        t : array_like (...), inverse unit of energy

        Returns
        -------
        complex array (...) or (..., n, n), square of the unit of energy

        Raises
        ------
        ParameterError
            For a negative time, or a spectrum that does not fall off.
        """
        return self._shaped(t, self._source.correlation(_flat("t", t)))

    def exponents(self, rtol: float = 1e-4, highest: float = np.inf) -> Exponents:
        """C(t) as a sum of exponentials.

        Parameters
        ----------
        rtol : float, no unit
            Allowed deviation of the spectrum, over the largest.
        highest : float, in units of energy
            Frequency above which S need not be right: far above the Bohr frequencies, noise is as
            good as white, and fewer exponents and `delta` do.

        Returns
        -------
        Exponents

        Raises
        ------
        ConvergenceError
            If the tolerance is not reached.
        """
        found = self._source.exponents(
            _checks.number("rtol", rtol, above=0.0),
            _checks.number("highest", highest, "in units of energy", above=0.0, infinite=True),
        )
        if self.size > 1:
            return found
        return Exponents(
            found.coefficients[:, 0, 0], found.rates, float(found.delta[0, 0].real), found.uncertainty
        )


def _flat(name: str, values: ArrayLike) -> Array:
    return _checks.finite_array(name, values).ravel()
