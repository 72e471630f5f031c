"""Bath: one noun for what fluctuates, with every view of it and a measured error of each.

Conventions, fixed here: S(w) = integral C(t) exp(i w t) dt, and w > 0 is energy given to the bath;
S = 2 J (n + 1) of a spectral density J; a lead has the rates J (1 - f) and J f, without the 2, and
its band is centred on its potential. hbar = k_B = 1: energies, temperatures and inverse times are
in one unit of the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ComplexArray, ConvergenceError, OpenmrError, ParameterError, shown
from openmr.bath import closed_spectra, sources
from openmr.bath.correlators import moment_correlator
from openmr.bath.exponential_sums import Exponents
from openmr.bath.sources import Source
from openmr.bath.transforms import HalfSided
from openmr.tables import table

_Band = Literal["lorentz", "flat"]
_ROUNDING = 1e-12
"""Negative or anti-Hermitian part of a spectrum, over the largest, that is rounding."""
_BALANCE = 1e-6
"""Relative deviation from detailed balance that a rounded constant in a formula may make."""
_FITTED = 1e-2
"""Negative part of a sum of exponentials, over the largest, that its being cut short may make."""
_CUT_SHORT = {
    "exponents": " (a sum that is cut short? give more terms, or the environment it is taken from)"
}
"""Usual slips, by the name of a source."""
_UNIT, _PURE = "in units of energy", ("coupling", "power", "strength")


_to_zero = np.errstate(under="ignore")
"""Lets numbers that die off in frequency or time end at 0, also where NumPy is told to raise."""


@dataclass(frozen=True, repr=False)
class BathCheck:
    """Properties of a bath over all frequencies from 1e-6 to 1e6 of its own scale.

    Attributes
    ----------
    lowest : float, no unit
        Lowest eigenvalue of S over the largest.
    detailed_balance : float or None, no unit
        Largest deviation of S(-w) from exp(-w/T) S(w), over the largest S.
    has_shift : bool
        Whether the level shift exists.
    memory_time : float, inverse unit of energy
        As of `Bath.memory_time`; infinite where the correlation does not exist or not decay.
    """

    lowest: float
    detailed_balance: float | None
    has_shift: bool
    memory_time: float

    def __repr__(self) -> str:
        balance = self.detailed_balance
        rows = [
            ("lowest eigenvalue", f"{self.lowest:.3g}"),
            ("detailed balance", "not asked" if balance is None else f"{balance:.2g}"),
            ("level shift", "yes" if self.has_shift else "none: use level_shift=False"),
            ("memory time", f"{self.memory_time:.4g}"),
        ]
        return "\n".join(["BathCheck", table("<<", rows, indent="  ", gap=" : ")])


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Bath:
    """Noise that couples to a system: each pair (operator, bath) of a system is a bath of its own.

    Exactly one source is given; every other view is derived from it when it is asked for, with a
    measured error. Sources may give matrices (n, n) for n operators whose noise is correlated.

    Parameters
    ----------
    spectrum : callable, in units of energy
        S(w) = integral C(t) exp(i w t) dt, of either sign of w; w > 0 is energy given to the bath.
    spectral_density : callable, in units of energy
        J(w), asked at w > 0 alone: S(w) = 2 J(w) (n(w) + 1) and S(-w) = 2 J(w) n(w).
    correlation : callable or (array_like (t,), array_like (t,) or (t, n, n))
        C(t) at t >= 0, square of the unit of energy, which may fall off as a power of time above
        one; or times and values, evenly from 0 to where it has died out.
    exponents : (array_like (k,) or (k, n, n), array_like (k,)) or Exponents
        Coefficients c and rates nu of C(t) = sum_k c_k exp(-nu_k t).
    environment : qutip.core.environment.BosonicEnvironment or FermionicEnvironment
        QuTiP's; its temperature and potential are taken over.
    temperature : float, in units of energy
        Needed beside `spectral_density`; elsewhere detailed balance is then asked of the source.
    potential : float, in units of energy
        Chemical potential of a conserving bath.
    conserving : bool
        Whether the source is that of (c, c^dag) of V = c^dag B + h.c., a matrix (2, 2) as of
        `lead`. An excitation-conserving coupling to bosons at T = 0 is diag(S, 0).

    Attributes
    ----------
    temperature, potential : float or None, in units of energy
    conserving : bool

    Raises
    ------
    ParameterError
        If not exactly one source is given, or one that cannot be.
    """

    temperature: float | None
    potential: float | None
    conserving: bool
    _source: Source

    def __init__(
        self,
        spectrum: Callable[..., Any] | None = None,
        *,
        spectral_density: Callable[..., Any] | None = None,
        correlation: Callable[..., Any] | tuple[Any, Any] | None = None,
        exponents: Any = None,
        environment: Any = None,
        temperature: float | None = None,
        potential: float | None = None,
        conserving: bool = False,
    ) -> None:
        given = {
            "spectrum": spectrum,
            "spectral_density": spectral_density,
            "correlation": correlation,
            "exponents": exponents,
            "environment": environment,
        }
        kind = _checks.exactly_one(**given)
        conserving = _checks.switch("conserving", conserving)
        if temperature is not None:
            temperature = _checks.number("temperature", temperature, _UNIT, least=0.0)
        if potential is not None:
            potential = _checks.number("potential", potential, _UNIT)
        if kind == "environment":
            source, temperature, potential, conserving = _taken_over(
                environment, temperature, potential
            )
        elif kind == "exponents":
            source = sources.Exponential(_exponents(exponents))
        else:
            source = _called(kind, given[kind], temperature)
        if conserving and source.size != 2:
            raise ParameterError(
                f"`{kind}` of a conserving bath must be a matrix (2, 2), for (c, c^dag), got "
                f"({source.size}, {source.size})"
            )
        if potential is not None and not conserving:
            raise ParameterError(
                f"`potential` must be that of a conserving bath (conserving=True, or a lead), "
                f"got {potential:g}"
            )
        self._set(source, temperature, potential, conserving)

    def _set(
        self, source: Source, temperature: float | None, potential: float | None, conserving: bool
    ) -> None:
        values = {"temperature": temperature, "potential": potential, "conserving": conserving}
        for key, value in {**values, "_source": source}.items():
            object.__setattr__(self, key, value)

    @classmethod
    def _of(cls, source: Source, temperature: float, potential: float | None = None) -> Bath:
        made = object.__new__(cls)
        made._set(source, temperature, potential, potential is not None)
        return made

    def __repr__(self) -> str:
        known = [one.name for one in fields(self._source) if one.repr]  # type: ignore[arg-type]
        values = [f"{name}={getattr(self._source, name)!r}" for name in known]
        return f"Bath({', '.join([self._source.label, *values])})"

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
        lam, gamma = _positive(reorganization=reorganization, cutoff=cutoff)
        kelvin = _checks.number("temperature", temperature, _UNIT, least=0.0)
        return cls._of(closed_spectra.Drude(lam, gamma, kelvin), kelvin)

    @classmethod
    def ohmic(cls, coupling: float, cutoff: float, temperature: float, power: float = 1.0) -> Bath:
        """Bath with J(w) = pi alpha w^s wc^(1-s) exp(-w/wc).

        Errors as of `drude`.

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

        """
        alpha, end, s = _positive(coupling=coupling, cutoff=cutoff, power=power)
        kelvin = _checks.number("temperature", temperature, _UNIT, least=0.0)
        return cls._of(closed_spectra.Ohmic(alpha, end, kelvin, s), kelvin)

    @classmethod
    def lead(
        cls,
        rate: float,
        half_width: float,
        temperature: float,
        potential: float = 0.0,
        band: _Band = "lorentz",
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
        size, width, kelvin = _positive(rate=rate, half_width=half_width, temperature=temperature)
        mu = _checks.number("potential", potential, _UNIT)
        _checks.choice("band", band, _Band)
        return cls._of(closed_spectra.Lead(size, width, kelvin, mu, band), kelvin, mu)

    @classmethod
    def electron_hole(
        cls, strength: float, temperature: float, cutoff: float | None = None
    ) -> Bath:
        """Electron-hole pairs of a Fermi sea, S(w) = strength w / (1 - exp(-w/T)).

        Errors as of `drude`.

        Parameters
        ----------
        strength : float, no unit
        temperature : float, in units of energy
        cutoff : float, in units of energy
            Cutoff of the pairs, exp(-|w|/cutoff). Without it there are rates and no level shift.

        Returns
        -------
        Bath

        """
        (size,) = _positive(strength=strength)
        kelvin = _checks.number("temperature", temperature, _UNIT, least=0.0)
        if cutoff is None:
            return cls._of(closed_spectra.ElectronHole(size, kelvin), kelvin)
        (end,) = _positive(cutoff=cutoff)
        return cls._of(closed_spectra.Ohmic(size / (2 * np.pi), end, kelvin, 1.0), kelvin)

    # --- views -----------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of coupling operators that one use of the bath takes."""
        return self._source.size

    @property
    @_to_zero
    def has_shift(self) -> bool:
        """Whether the level shift exists: not for a spectrum that rises without end."""
        try:
            self._source.shift(np.array([self._source.centres[0] + self._source.scale]))
        except OpenmrError:
            return False
        return True

    def _shaped(self, like: ArrayLike, found: ComplexArray) -> ComplexArray:
        shape = np.shape(like) + ((self.size, self.size) if self.size > 1 else ())
        return np.asarray(found.reshape(shape))

    @_to_zero
    def _spectrum(self, w: Array) -> ComplexArray:
        """S (w, n, n), finite, Hermitian, positive and in detailed balance."""
        name, source = self._source.label, self._source
        found = source.spectrum(w)
        finite = np.isfinite(found).all(axis=(-2, -1))
        if not finite.all():
            first = int(np.argmin(finite))
            worst = found[first][~np.isfinite(found[first])][0]
            shape = worst if worst.imag else worst.real
            hint = " (0/0? give the limit, or use `spectral_density`)" if name == "spectrum" else ""
            if not hint and w[first] == 0 and np.isinf(worst):
                hint = (
                    " (J falls more slowly than w, as of a `power` below 1, at T > 0): no equation "
                    "has a constant rate, unless A has no elements there; then give a `spectrum` "
                    "with any finite value at 0"
                )
            raise ParameterError(
                f"`{name}` must be finite and real at every Bohr frequency, got {shape} at "
                f"w = {w[first]:g}{hint}"
            )
        if source.closed:
            return found
        slack = max(_ROUNDING, source.slack)
        back = source.spectrum(-w)
        largest = max(sources.largest(found), sources.largest(back))
        wrong = np.abs(found - found.conj().swapaxes(-1, -2)).max(axis=(-2, -1), initial=0.0)
        if np.any(wrong > slack * largest):
            first = int(np.argmax(wrong))
            wanted = "Hermitian" if self.size > 1 else "finite and real at every Bohr frequency"
            value = f"a deviation of {wrong[first]:.3g}" if self.size > 1 else found[first, 0, 0]
            raise ParameterError(f"`{name}` must be {wanted}, got {value} at w = {w[first]:g}")
        found = 0.5 * (found + found.conj().swapaxes(-1, -2))
        lowest = np.linalg.eigvalsh(found)[:, 0]
        if np.any(lowest < -slack * largest):
            first = int(np.argmin(lowest))
            wanted = "have no negative eigenvalue" if self.size > 1 else "not be negative"
            raise ParameterError(
                f"`{name}` must {wanted}, got S = {lowest[first]:.6g} at w = {w[first]:g}"
                f"{_CUT_SHORT.get(name, '')}"
            )
        if self.temperature:
            self._balanced(name, w, found, back, slack * largest)
        return found

    def _balanced(
        self, name: str, w: Array, ahead: ComplexArray, back: ComplexArray, slack: float
    ) -> None:
        """Refuse a spectrum that breaks S_ab(-w) = exp(-w/T) S_ba(w)."""
        deviation, weight = self._deviation(w, ahead, back)
        allowed = slack + _BALANCE * np.abs(weight)
        if not np.any(bad := deviation > allowed):
            return
        k, i, j = (int(axis[0]) for axis in np.nonzero(bad))
        kelvin = self.temperature or np.inf
        with np.errstate(all="ignore"):
            ratio = (ahead[k, i, j] / _partner(back, self.conserving)[k, i, j]).real
            wanted = np.exp((w[k] - self._centres[i, j]) / kelvin)
        raise ParameterError(
            f"`{name}` must obey detailed balance at `temperature` {kelvin:g}: S(w)/S(-w) is "
            f"{ratio:.6g} at w = {w[k]:g}, wanted exp(w/T) = {wanted:.6g}{_CUT_SHORT.get(name, '')}"
        )

    @property
    def _centres(self) -> Array:
        """Energies that the potential takes off w, shape (n, n)."""
        mu = self.potential or 0.0
        return np.diag([mu, -mu]) if self.conserving else np.zeros((self.size, self.size))

    def _deviation(self, w: Array, ahead: ComplexArray, back: ComplexArray) -> tuple[Array, Array]:
        """|S(w) - exp(w/T) S(-w)^T|, the larger side scaled down to the smaller, and that."""
        x = (w[:, None, None] - self._centres) / (self.temperature or np.inf)
        with np.errstate(under="ignore"):
            one = np.exp(-np.maximum(x, 0.0)) * ahead
            other = np.exp(np.minimum(x, 0.0)) * _partner(back, self.conserving)
        return np.abs(one - other), np.abs(one)

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

    @_to_zero
    def unchecked(self, w: ArrayLike) -> ComplexArray:
        """`spectrum` for integrals over all frequencies, of C(t) by a sum of exponentials.

        Parameters as of `spectrum`.

        Returns
        -------
        complex array (...) or (..., n, n), in units of energy
            Close to w = 0 a user's formula may have lost its digits.
        """
        return self._shaped(w, self._source.wide(_flat("w", w)))

    @_to_zero
    def shift(self, w: ArrayLike) -> Array | ComplexArray:
        """lambda(w) = P integral S(u) / (w - u) du / 2 pi.

        Parameters as of `spectrum`.

        Returns
        -------
        array (...) or complex array (..., n, n), in units of energy
            Real for one operator.

        Raises
        ------
        ParameterError
            If it does not exist, since the spectrum rises without end.
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
            Its Hermitian part is half a rate, the rest a level shift.

        Raises
        ------
        ParameterError
            If the level shift does not exist.
        """
        return self._shaped(w, self._half_sided(w, time)[0])

    def uncertainty(self, w: ArrayLike, time: float = np.inf) -> float:
        """Largest error of `half_sided`, as measured from two quadratures, or rounding.

        Parameters and errors as of `half_sided`.

        Returns
        -------
        float, in units of energy
            Absolute, of any element at any of the frequencies.
        """
        return self._half_sided(w, time)[1]

    @_to_zero
    def _half_sided(self, w: ArrayLike, time: float) -> tuple[ComplexArray, float]:
        flat = _flat("w", w)
        end = _checks.number("time", time, least=0.0, infinite=True)
        self._spectrum(flat)
        return self._source.half_sided(flat) if end == np.inf else self._source.until(flat, end)

    @_to_zero
    def panels(self, w: ArrayLike, time: float = np.inf, rtol: float = 1e-6) -> HalfSided:
        """`half_sided` at every time up to `time` at once, by quadrature of C(t).

        Parameters
        ----------
        w : array_like (w,), in units of energy
        time : float, inverse unit of energy
        rtol : float, no unit
            Allowed error, relative to the largest half rate.

        Returns
        -------
        HalfSided
            With its measured error.

        Raises
        ------
        ConvergenceError
            If the tolerance is not reached.
        """
        end = _checks.number("time", time, least=0.0, infinite=True)
        rtol = _checks.number("rtol", rtol, above=0.0, most=1.0)
        return self._source.panels(_flat("w", w), end, rtol)

    @_to_zero
    def correlation(self, t: ArrayLike) -> ComplexArray:
        """C(t) at t >= 0; C(-t) is the conjugate transpose.

        Parameters
        ----------
        t : array_like (...), inverse unit of energy

        Returns
        -------
        complex array (...) or (..., n, n), square of the unit of energy
            At t = 0 infinite where the spectrum falls off only as 1/w.

        Raises
        ------
        ParameterError
            For a negative time, or a spectrum that does not fall off.
        """
        flat = _flat("t", t)
        if np.any(flat < 0):
            raise ParameterError(f"`t` must be >= 0, got {flat.min():g}")
        return self._shaped(t, self._source.correlation(flat))

    @_to_zero
    def memory_time(self, rtol: float = 1e-3) -> float:
        """Time after which less than `rtol` of the integral of |C(t)| is left.

        Parameters
        ----------
        rtol : float, no unit

        Returns
        -------
        float, inverse unit of energy
            To a sixth.

        Raises
        ------
        ParameterError
            For a spectrum that does not fall off.
        ConvergenceError
            For a correlation that does not decay.
        """
        return sources.memory_time(self._source, _checks.number("rtol", rtol, above=0.0, most=1.0))

    @_to_zero
    def check(self) -> BathCheck:
        """Positivity, detailed balance, level shift and memory time, measured.

        Returns
        -------
        BathCheck
            Measured, not judged: `spectrum` judges where it is asked.
        """
        half = self._source.scale * 10.0 ** np.arange(-6, 6.1, 0.25)
        w = np.concatenate([-half[::-1], [0.0], half])
        found = self._source.spectrum(w)
        kept = np.isfinite(found).all(axis=(-2, -1)) & np.isfinite(found[::-1]).all(axis=(-2, -1))
        w, found = w[kept], found[kept] if kept.any() else self._spectrum(w)
        largest = float(np.abs(found).max()) or 1.0
        hermitian = 0.5 * (found + found.conj().swapaxes(-1, -2))
        balance = float(self._deviation(w, found, found[::-1])[0].max()) / largest
        try:
            memory = self.memory_time()
        except (ParameterError, ConvergenceError):
            memory = np.inf
        return BathCheck(
            float(np.linalg.eigvalsh(hermitian).min()) / largest,
            balance if self.temperature else None,
            self.has_shift,
            memory,
        )

    @_to_zero
    def environment(self, rtol: float | None = None) -> Any:
        """QuTiP environment of the same noise.

        Parameters
        ----------
        rtol : float, no unit
            With it, or where QuTiP has no such environment, as exponents of that tolerance.

        Returns
        -------
        qutip.core.environment.BosonicEnvironment or FermionicEnvironment
            By its name (Drude-Lorentz, Ohmic, Lorentzian), else from the spectrum or exponents.

        Raises
        ------
        ParameterError
            For a matrix of correlated operators: QuTiP's environments hold one.
        """
        from openmr.bath import environments

        if self.size > 1 and not self.conserving:
            raise ParameterError(
                f"`environment` must be of one operator, got a bath of {self.size}: QuTiP's "
                "environments know no correlated operators"
            )
        rtol = None if rtol is None else _checks.number("rtol", rtol, above=0.0)
        if rtol is None and (named := environments.named(self._source)) is not None:
            return named
        fitted = self.conserving or isinstance(self._source, sources.Exponential)
        if rtol is None and not fitted:
            return environments.of_spectrum(self.spectrum, self._source, self.temperature)
        found = self._source.exponents(rtol or 1e-4)
        return environments.of_exponents(found, self.temperature, self.potential, self.conserving)

    @_to_zero
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
            As few as the tolerance takes, with the deviation that was reached. Where they end at
            `highest`, the level shift lacks that of the noise above.

        Raises
        ------
        ConvergenceError
            If the tolerance is not reached.
        """
        found = self._source.exponents(
            _checks.number("rtol", rtol, above=0.0),
            _checks.number("highest", highest, _UNIT, above=0.0, infinite=True),
        )
        if self.size > 1:
            return found
        delta = float(np.ravel(found.delta)[0].real)
        return replace(found, coefficients=found.coefficients[:, 0, 0], delta=delta)


def moment_bath(
    spins: ArrayLike,
    splittings: ArrayLike,
    strengths: ArrayLike,
    temperature: float,
    *,
    cutoff: float = np.inf,
    connected: bool = False,
) -> Bath:
    """Bath that localized moments and the Fermi sea make for a spin, at second order.

    Parameters
    ----------
    spins, splittings, strengths : array_like (m,), splittings in units of energy
        S and eps_L of each moment, whose axis is z, and its weight G_i.
    temperature : float, in units of energy
    cutoff : float, in units of energy
        Cutoff of the electron-hole pairs, exp(-|w|/cutoff). Without it there is no level shift.
    connected : bool
        Whether the mean of each moment is left out.

    Returns
    -------
    Bath
        Of three correlated operators (A_x, A_y, A_z):
        S_ab(w) = sum_i G_i sum_l W_l,ab K(w - w_l), with the lines W_l of `moment_correlator` and
        K(w) = w / (1 - exp(-w/T)).

    Raises
    ------
    ParameterError
        For numbers that are not finite, a temperature or cutoff that is not positive, or a spin
        that is no half-integer.
    """
    kelvin = _checks.number("temperature", temperature, _UNIT, above=0.0)
    end = _checks.number("cutoff", cutoff, _UNIT, above=0.0, infinite=True)
    each = _checks.broadcast(
        spins=np.atleast_1d(_checks.finite_array("spins", spins)),
        splittings=_checks.finite_array("splittings", splittings, _UNIT),
        strengths=_checks.finite_array("strengths", strengths),
    )
    if each[0].ndim != 1 or not each[0].size:
        raise ParameterError(
            f"`spins`, `splittings` and `strengths` must be rows of numbers, got {each[0].shape}"
        )
    lines, weights = [], []
    for spin, splitting, strength in zip(*each, strict=True):
        found = moment_correlator(float(spin), float(splitting / kelvin), connected=connected)
        lines.append(kelvin * found.frequencies)
        weights.append(strength * found.weights)
    source = closed_spectra.Moments(np.concatenate(lines), np.concatenate(weights), kelvin, end)
    return Bath._of(source, kelvin)


def _positive(**values: float) -> list[float]:
    """Positive numbers, in units of energy unless they are pure."""
    units = {name: "" if name in _PURE else _UNIT for name in values}
    return [_checks.number(name, x, units[name], above=0.0) for name, x in values.items()]


def _flat(name: str, values: ArrayLike) -> Array:
    return _checks.finite_array(name, values).ravel()


def _partner(back: ComplexArray, conserving: bool) -> ComplexArray:
    """S(-w) as detailed balance compares it with S(w): transposed, c and c^dag exchanged."""
    return back[:, ::-1, ::-1] if conserving else back.swapaxes(-1, -2)


def _called(kind: str, function: Any, temperature: float | None) -> Source:
    """Source of a user's function; its size is that of the first value it gives."""
    if kind == "correlation" and isinstance(function, tuple):
        return sources.Samples.of(function)
    if not callable(function):
        raise ParameterError(
            f"`{kind}` must be a function of one number, got {shown(function)} "
            f"({type(function).__name__})"
        )
    with np.errstate(all="ignore"):
        size = len(sources.value(kind, function, 1.0, None))
    if kind == "correlation":
        return sources.Correlation(function, size)
    if kind == "spectrum":
        return sources.Given(function, size, temperature)
    if temperature is None:
        raise ParameterError("`temperature` must be given beside `spectral_density`, got None")
    return sources.Density(function, temperature, size)


def _exponents(given: Any) -> Exponents:
    """Exponents from a record or a pair, as matrices."""
    if isinstance(given, Exponents):
        c, nu, delta, error = given.coefficients, given.rates, given.delta, given.uncertainty
    elif isinstance(given, tuple | list) and len(given) == 2:
        c, nu = given
        delta, error = 0.0, _FITTED
    else:
        raise ParameterError(f"`exponents` must be a pair (c, nu), got {shown(given)}")
    c = np.atleast_1d(_checks.finite_numbers("exponents", c)).astype(complex)
    nu = np.atleast_1d(_checks.finite_numbers("exponents", nu)).astype(complex)
    if c.ndim == 1:
        c = c[:, None, None]
    if nu.ndim != 1 or c.shape != (len(nu), c.shape[-1], c.shape[-1]) or not len(nu):
        raise ParameterError(
            f"`exponents` must be (c, nu) with shapes (k,) or (k, n, n) and (k,), got {c.shape} "
            f"and {nu.shape}"
        )
    if np.any(nu.real <= 0):
        raise ParameterError(
            f"`exponents` must have rates with a positive real part, got {nu[nu.real <= 0][0]}"
        )
    white: Any = delta if np.ndim(delta) else delta * np.eye(c.shape[-1])
    return Exponents(c, nu, np.asarray(white, dtype=complex), error)


def _taken_over(
    environment: Any, temperature: float | None, potential: float | None
) -> tuple[Source, float | None, float | None, bool]:
    from openmr.bath import environments

    source, kelvin, mu, conserving = environments.taken_over(environment)
    for name, here, there in (("temperature", temperature, kelvin), ("potential", potential, mu)):
        if here is not None and there is not None and here != there:
            raise ParameterError(f"`{name}` must be the environment's, {there:g}, got {here:g}")
    return source, kelvin if temperature is None else temperature, mu, conserving
