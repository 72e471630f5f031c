"""The record of a fit: values, what they rest on, and whether the model describes the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from openmr import _checks
from openmr._checks import Array, OpenmrError, ParameterError
from openmr._version import __version__
from openmr._words import Order
from openmr.data.curves import with_bare_resistivity
from openmr.data.engine import LARGEST_ANGLE, Engine, Model, Unknown
from openmr.data.identifiability import REACH, Combination
from openmr.data.least_squares import least, sensitivities, with_held
from openmr.data.measured import Measured
from openmr.data.noise import SeriesNoise
from openmr.data.nuisance import Rows, columns_of, rows_of
from openmr.sample.film import Sample
from openmr.sample.parameters import PARAMETERS, parameter, varied
from openmr.tables import Arrays, Labelled, html_table, table
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import Resistivity

_Of = Literal["linear", "profile"]
_Verdict = Literal["good", "not determined", "does not describe"]
REFUSED: Final = 1e-3
"""Probability of the misfit by chance below which the model does not describe the data."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Data, samples and options of a fit."""

    data: tuple[Measured, ...]
    samples: Mapping[str, Sample]
    unknowns: tuple[Unknown, ...]
    nuisance: tuple[str, ...]
    known: Mapping[str, tuple[float, float]]
    order: Order
    limit: float
    options: Mapping[str, Any]
    noise: str = "found"
    loss: str = "flag"
    absolute: bool = False  # rho_L0 is that of the sample


class Flag(NamedTuple):
    """A point that was left out as an outlier."""

    file: int
    point: int
    component: str


@dataclass(frozen=True, slots=True)
class Level:
    """rho_L0 [Ohm m] of a film at a temperature [K], found with everything else."""

    film: str
    temperature: float
    resistivity: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Nuisance:
    """A linear term of the instrument: the largest size that it reaches [Ohm m]."""

    kind: str
    where: str
    value: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Adequacy:
    """Whether the model describes the data; numbers without unit, nan where not tested.

    Tested by "F" against cells of equal conditions, "chi^2" against a given noise, or "" where
    there are no repeats.
    """

    tested: str
    statistic: float
    probability: float

    @property
    def refused(self) -> bool:
        """Whether the misfit is no chance."""
        return self.tested != "" and self.probability < REFUSED


@dataclass(frozen=True, slots=True)
class LocalMinimum:
    """Another place where chi^2 is least."""

    values: Array  # (m,), units of the parameters
    chi_square: float  # no unit


def arrays_of(found: Any, units: list[str]) -> Arrays:
    """Coordinates and variables of fitted parameters."""
    texts = {"parameter": np.array(found.parameters), "unit": np.array(units)}
    numbers = {
        "value": found.values,
        "uncertainty": found.uncertainties,
        "correlation": found.correlations,
    }
    axes = "parameter", "of_parameter"
    coordinates, variables = (
        {name: (axes[: each.ndim], each, {"long_name": name}) for name, each in kind.items()}
        for kind in (texts, numbers)
    )
    return coordinates, variables


@dataclass(frozen=True, eq=False)
class Fit(Labelled):
    """A fit: the data, the model, and what the one says of the other.

    Attributes
    ----------
    verdict : {"good", "not determined", "does not describe"}
        Where the model does not describe the data, no number here has an error.
    parameters : tuple of str
        Labels; a parameter of one film or temperature has it in brackets.
    values, uncertainties : arrays (m,), units of `openmr.sample.parameters`
        One standard deviation; inf where not determined, nan where the model is refused.
    correlations : array (m, m)
    combinations : tuple of Combination
        Products of powers, from the best to the least determined.
    resistivities : tuple of Level
        rho_L0 of every film and temperature.
    nuisance : tuple of Nuisance
    noise : tuple of SeriesNoise
        sigma and memory of each series.
    flagged : tuple of Flag
        Points left out as outliers.
    adequacy : Adequacy
    tests : mapping of str to float
        chi_square, degrees_of_freedom, points, ljung_box and runs (probabilities), aicc,
        and aicc with a B^2 term ("aicc quadratic") or anisotropic magnetoresistance ("aicc amr").
    minima : tuple of LocalMinimum
        Others within 9 of the least chi^2.
    freedom : float, no unit
        Degrees of freedom of Student's t in intervals.
    covariance : array (m, m), no unit
        Of ln p; what is open enters with the range of a parameter, ln 100.
    open_directions : array (k, m), no unit
        Directions in ln p along which the data leave everything possible.
    widened : array (m,), no unit
        Factors of the errors, and roots of those of rises of chi^2, since the noise is not known.
    logs : array (m,), no unit
        ln(value / start).
    asked : Asked
        Data, samples and options.
    """

    verdict: _Verdict
    parameters: tuple[str, ...]
    values: Array
    uncertainties: Array
    correlations: Array
    combinations: tuple[Combination, ...]
    resistivities: tuple[Level, ...]
    nuisance: tuple[Nuisance, ...]
    noise: tuple[SeriesNoise, ...]
    flagged: tuple[Flag, ...]
    adequacy: Adequacy
    tests: Mapping[str, float]
    minima: tuple[LocalMinimum, ...]
    freedom: float
    covariance: Array
    open_directions: Array
    widened: Array
    logs: Array
    asked: Asked = field(repr=False)

    # --- what it is made of -------------------------------------------------------------------

    @property
    def data(self) -> tuple[Measured, ...]:
        """Every file."""
        return self.asked.data

    @cached_property
    def rows(self) -> Rows:
        """Every measured number, one row each: value, film, temperature, field, direction ..."""
        return rows_of(self.asked.data)

    @cached_property
    def good(self) -> NDArray[np.bool_]:
        """Rows that were not flagged."""
        flags, rows = set(self.flagged), self.rows
        words = np.where(rows.transverse, "transverse", "longitudinal").tolist()
        keys = zip(rows.file.tolist(), rows.point.tolist(), words, strict=True)
        return np.array([key not in flags for key in keys])

    @cached_property
    def engine(self) -> Engine:
        """The model beside the rows, with the noise that was found."""
        model = model_of(self.asked, self.rows)
        found = {group: level.resistivity for group, level in enumerate(self.resistivities)}
        model.at_resistivities({group: one for group, one in found.items() if np.isfinite(one)})
        return engine_of(self.asked, self.rows, self.good, self.noise, self.start, model=model)

    @property
    def start(self) -> Array:
        """Values from which `logs` count."""
        return np.asarray(self.values / np.exp(self.logs))

    @cached_property
    def fitted(self) -> Array:
        """Model and nuisance terms of every row [Ohm m]."""
        return np.asarray(self.physics + self.instrument)

    @cached_property
    def physics(self) -> Array:
        """Model of every row without nuisance terms [Ohm m]."""
        ratio = self.engine.ratio(self.logs)
        return np.asarray(self.engine.linear(ratio).groups[self.rows.group] * ratio)

    @cached_property
    def instrument(self) -> Array:
        """Nuisance terms of every row [Ohm m]."""
        engine = self.engine
        return np.asarray(engine.columns @ engine.coefficients(self.logs)[1])

    @property
    def sigma(self) -> Array:
        """Standard deviation of the noise of every row [Ohm m]."""
        return np.array([one.sigma for one in self.noise])[self.rows.series]

    @property
    def residuals(self) -> Array:
        """Data less model and nuisance terms of every row, in standard deviations."""
        return np.asarray((self.rows.value - self.fitted) / self.sigma)

    @property
    def whitened(self) -> Array:
        """Residuals of the rows that were kept, without their memory."""
        return np.asarray(self.engine.chain.whiten(self.rows.value - self.fitted))

    # --- questions ------------------------------------------------------------------------------

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Labels of the parameters that the data do not determine."""
        if self.adequacy.refused:
            return ()
        relative = self.uncertainties / np.abs(self.values)
        return tuple(np.array(self.parameters)[~(relative <= self.asked.limit)].tolist())

    def _at(self, name: str) -> int:
        return self.parameters.index(_checks.choice("name", name, self.parameters))

    def value(self, name: str) -> float:
        """The value of one parameter.

        Parameters
        ----------
        name : str

        Returns
        -------
        float, unit of the parameter
            At the least chi^2.

        Raises
        ------
        ParameterError
            For an unknown name.
        """
        return float(self.values[self._at(name)])

    def interval(
        self, name: str, level: float = 0.6827, *, of: _Of = "linear"
    ) -> tuple[float, float]:
        """Ends of the confidence interval of one parameter, by Student's t.

        Parameters
        ----------
        name : str
        level : float, no unit
            Part of repeated experiments whose interval holds the true value.
        of : {"linear", "profile"}
            Value and error, or the profile of chi^2.

        Returns
        -------
        tuple of float, unit of the parameter
            Lower and upper end; nan where the model does not describe the data.

        Raises
        ------
        ParameterError
            For an unknown name, or a level outside (0, 1).
        """
        at = self._at(name)
        level = _checks.number("level", level, above=0.0, most=0.9999999)
        _checks.choice("of", of, _Of)
        many = float(stats.t.ppf(0.5 + 0.5 * level, self.freedom))
        if of == "profile" and not self.adequacy.refused:
            values, rise = self.profile(name)
            middle = int(np.argmin(rise))
            # the last value of a side that does not rise so far
            low, high = (
                float(np.interp(many, np.sqrt(np.maximum(rise[side], 0.0)), values[side]))
                for side in (slice(middle, None, -1), slice(middle, None))
            )
            return min(low, high), max(low, high)
        half = float(many * self.uncertainties[at])
        return float(self.values[at]) - half, float(self.values[at]) + half

    def profile(self, name: str, values: ArrayLike | None = None) -> tuple[Array, Array]:
        """Rise of chi^2 along one parameter, all others fitted again.

        Parameters
        ----------
        name : str
        values : array_like (k,), unit of the parameter, optional
            Of the sign of the fitted one; from -4 to 4 standard deviations unless given.

        Returns
        -------
        values : array (k,), unit of the parameter
            Where chi^2 was found.
        rise : array (k,), no unit
            1 at one standard deviation.

        Raises
        ------
        ParameterError
            For an unknown name, or a value of the other sign.
        """
        at = self._at(name)
        problem = self.engine.problem
        low, high = problem.ends[:, at]
        if values is None:
            error = float(np.sqrt(self.covariance[at, at]))
            width = min(4 * error, 0.9 * np.log(REACH))
            logs = self.logs[at] + width * np.linspace(-1, 1, 17)
        else:
            unit = parameter(self.asked.unknowns[at].name).unit
            ratio = _checks.finite_array("values", values, unit) / self.start[at]
            if not np.all(ratio > 0):
                raise ParameterError(f"`values` must have the sign of {name!r}, got {values!r}")
            logs = np.log(np.atleast_1d(ratio))
        logs = np.clip(logs, low, high)
        least_now = problem.chi_square(self.logs)
        rise = np.empty(len(logs))
        for side in (logs >= self.logs[at], logs < self.logs[at]):
            here = self.logs
            order = np.flatnonzero(side)
            for i in order[np.argsort(np.abs(logs[order] - self.logs[at]))]:
                here = np.where(np.arange(len(here)) == at, logs[i], here)
                here = with_held(problem, here, at)
                rise[i] = problem.chi_square(here) - least_now
        return self.start[at] * np.exp(logs), rise / self.widened[at] ** 2

    def compare(self, other: Fit) -> dict[str, float]:
        """Another model of the same data beside this one.

        Parameters
        ----------
        other : Fit
            Of the same data.

        Returns
        -------
        dict of str to float
            ``aicc`` of this and ``aicc_other``, both with the flags and the noise of this fit;
            ``likelihood_ratio``, the fall of chi^2 by the parameters that one has more, and its
            ``probability`` by chance where the models are nested.

        Raises
        ------
        ParameterError
            For other data.
        """
        _checks.instance("other", other, Fit)
        if len(other.rows) != len(self.rows) or not np.array_equal(
            other.rows.value, self.rows.value
        ):
            raise ParameterError("`other` must be a fit of the same data")
        there = engine_of(other.asked, self.rows, self.good, self.noise, other.start)
        end, many = least(there.problem, other.logs), count_unknowns(there)
        fall, more = self.tests["chi_square"] - end.loss, many - self.tests["unknowns"]
        probability = float(stats.chi2.sf(abs(fall), abs(more))) if more else np.nan
        return {
            "aicc": self.tests["aicc"],
            "aicc_other": aicc(end.loss, many, len(there.chain.good)),
            "likelihood_ratio": float(fall if more >= 0 else -fall),
            "probability": probability,
        }

    def propagate(self, function: Callable[[Sample], ArrayLike]) -> tuple[Array, Array]:
        """Any number that follows from the sample, with its standard error.

        Parameters
        ----------
        function : callable
            Sample -> real numbers of any shape and unit, smooth in the fitted parameters.

        Returns
        -------
        value : array (...), unit of the function
            At the fitted parameters.
        error : array (...), unit of the function
            One standard deviation; inf where the number hangs on what is open, nan where the
            model does not describe the data.

        Raises
        ------
        ParameterError
            If `function` cannot be called, or what it returns is not finite, not real, or
            changes its shape.
        """
        value, error = propagated(
            function, lambda logs: self._sample_at(self.logs + logs), self, self.asked.limit
        )
        return value, np.full_like(error, np.nan) if self.adequacy.refused else error

    def _sample_at(
        self, logs: Array, film: str | None = None, kelvin: float | None = None
    ) -> Sample:
        films = list(self.asked.samples)
        film = films[0] if film is None else _checks.choice("film", film, films)
        mine = [one for one in self.resistivities if one.film == film]
        if not mine:
            raise ParameterError(f"`film` must be one that was fitted, got {film!r}")
        wanted = mine[0].temperature if kelvin is None else kelvin
        nearest = min(mine, key=lambda level: abs(level.temperature - wanted))
        values = self.start * np.exp(logs)
        changes = {
            one.name: float(value)
            for one, value in zip(self.asked.unknowns, values, strict=True)
            if one.covers(film, nearest.temperature)
        }
        sample = varied(self.asked.samples[film], changes)
        return sample if self.asked.absolute else with_bare_resistivity(sample, nearest.resistivity)

    def sample(self, film: str | None = None, temperature: float | None = None) -> Sample:
        """The sample with the fitted values, and the rho_L0 of the nearest temperature, in it.

        Parameters
        ----------
        film : str, optional
            The first unless given.
        temperature : float, K, optional
            The first level unless given.

        Returns
        -------
        Sample
            For any verb of openmr.

        Raises
        ------
        ParameterError
            For a film that was not fitted.
        """
        return self._sample_at(self.logs, film, temperature)

    def model(
        self,
        temperature: ArrayLike,
        field: ArrayLike,
        direction: ArrayLike,
        *,
        film: str | None = None,
    ) -> Resistivity:
        """The fitted curve at any points of one temperature level.

        Parameters
        ----------
        temperature : float, K
            rho_L0 is that of the nearest level.
        field : array_like (...), T
        direction : array_like (..., 3), no unit
        film : str, optional
            The first unless given.

        Returns
        -------
        Resistivity
            Without nuisance terms.

        Raises
        ------
        ParameterError
            As of `openmr.magnetoresistance`.
        """
        kelvin = float(np.mean(_checks.positive_array("temperature", temperature, "K")))
        return magnetoresistance(
            self.sample(film, kelvin),
            temperature,
            field,
            direction,
            order=self.asked.order,
            **self.asked.options,
        )

    def log_likelihood(self, logs: ArrayLike) -> float:
        """Logarithm of the likelihood, what is linear integrated out, up to a constant.

        rho_L0 of every film and temperature and the terms of the instrument may be any number; the
        determinant that the integral over them leaves is in it. The noise is that of the fit.

        Parameters
        ----------
        logs : array_like (m,), no unit
            ln(value / start), as `logs` holds them.

        Returns
        -------
        float, no unit
            -inf outside the range of a parameter, and where the model refuses its value.

        Raises
        ------
        ParameterError
            For a wrong number of logarithms.
        """
        at = _checks.finite_array("logs", logs)
        if at.shape != self.logs.shape:
            raise ParameterError(f"`logs` must have shape {self.logs.shape}, got {at.shape}")
        problem = self.engine.problem
        if np.any((at < problem.ends[0]) | (at > problem.ends[1])):
            return -np.inf
        try:
            return self.engine.log_likelihood(at)
        except OpenmrError:  # the model refuses such a sample
            return -np.inf

    def posterior(
        self,
        steps: int = 1000,
        *,
        walkers: int | None = None,
        burn: int | None = None,
        seed: int = 0,
    ) -> dict[str, Array]:
        """Samples of the posterior by emcee, every ln p alike before the data within its range.

        For what is not determined: where the data do determine a parameter, they scatter as its
        error says.

        Parameters
        ----------
        steps : int
            Of each chain, after the burn-in.
        walkers : int, optional
            Chains, four times the number of parameters unless given.
        burn : int, optional
            Steps left out at the start; half of `steps` unless given.
        seed : int
            Of the random numbers.

        Returns
        -------
        dict of str to array (walkers, steps), units of the parameters
            As ArviZ takes it: ``arviz.from_dict(posterior=found.posterior())``, and from its
            release 1 on ``arviz.from_dict({"posterior": found.posterior()})``.

        Raises
        ------
        ParameterError
            For numbers that do not suit, or a model that does not describe the data.
        MissingPackageError
            Without emcee: the extra `bayes`.
        """
        from openmr.data.posterior import posterior

        return posterior(self, steps, walkers, burn, seed)

    # --- words ----------------------------------------------------------------------------------

    def _known(self, at: int) -> str:
        """A value with what may be said of its error."""
        value, error = float(self.values[at]), float(self.uncertainties[at])
        if self.adequacy.refused:
            return f"{value:.4g}"
        if self.parameters[at] in self.undetermined:
            return "not determined"
        return value_with_error(value, error)

    def _lines(self) -> list[tuple[str, str, str]]:
        lines = []
        for at, label in enumerate(self.parameters):
            unit = PARAMETERS[self.asked.unknowns[at].name].unit.removesuffix("1")
            known = self._known(at)
            lines.append((label, known, "" if known == "not determined" else unit))
        for one in () if self.asked.absolute else self.resistivities:
            known = f"{one.resistivity:.6g}"
            if np.isfinite(one.uncertainty):
                known = value_with_error(one.resistivity, one.uncertainty)
            lines.append((f"rho_L0[{one.film}, {one.temperature:.4g} K]", known, "Ohm m"))
        return lines

    def _facts(self) -> list[tuple[str, str]]:
        chi, freedom = self.tests["chi_square"], self.tests["degrees_of_freedom"]
        facts = [("chi^2", f"{chi:.4g} for {freedom:.4g} degrees of freedom")]
        test, tested = self.adequacy, "not tested: no repeats"
        if test.tested:
            tested = f"{test.tested} = {test.statistic:.3g}, p = {test.probability:.2g}"
        facts.append(("adequacy", tested))
        for one in self.noise:
            given = "" if one.given is None else f", {one.sigma / one.given:.2g} of the given one"
            facts.append(
                ("noise", f"{one.sigma:.3g} Ohm m, memory {one.memory:.2f}{given}  ({one.series})")
            )
        facts.append(("flagged", f"{len(self.flagged)} of {int(self.tests['points'])} points"))
        facts += [("left open", str(c)) for c in self._open_combinations()]
        for kind in ("quadratic", "amr"):
            if (value := self.tests.get(f"aicc {kind}")) is not None:
                less = value - self.tests["aicc"]
                # two models that differ by less than 2 describe the data alike
                word = "preferred" if less < -2 else "not needed" if less > 0 else "undecided"
                facts.append((f"{kind} term", f"AICc {less:+.1f}, {word}"))
        for other in self.minima:
            text = ", ".join(f"{v:.4g}" for v in other.values)
            rise = other.chi_square - chi
            facts.append(("other minimum", f"{text}, chi^2 {rise:+.2g}"))
        return facts

    def _open_combinations(self) -> tuple[Combination, ...]:
        if self.adequacy.refused:
            return ()
        return tuple(c for c in self.combinations if not c.uncertainty <= self.asked.limit)

    def __repr__(self) -> str:
        words = {
            "good": "good",
            "not determined": "not determined: " + ", ".join(self.undetermined),
            "does not describe": "the model does not describe the data: no value has an error",
        }
        values = table("<<<", [(label, f": {text}", unit) for label, text, unit in self._lines()])
        facts = table("<<", [(name, f": {text}") for name, text in self._facts()])
        body = "\n".join("  " + line for line in f"{values}\n{facts}".splitlines())
        return f"Fit  {words[self.verdict]}\n{body}"

    def _repr_html_(self) -> str:
        return html_table(f"Fit: {self.verdict}", [*self._lines(), *self._facts()])

    def _arrays(self) -> Arrays:
        return arrays_of(self, [PARAMETERS[one.name].unit for one in self.asked.unknowns])

    def _about(self) -> dict[str, Any]:
        return {"verdict": self.verdict, "order": self.asked.order}

    def report(self) -> str:
        """A paragraph for the methods section of a paper.

        Returns
        -------
        str
            Plain text.
        """
        asked, test = self.asked, self.adequacy
        files = ", ".join(dict.fromkeys(one.source or "a table" for one in self.data))
        parts = [
            f"{int(self.tests['points'])} resistivities ({files}) of {len(asked.samples)} film(s) "
            f"at {len(self.resistivities)} level(s) of temperature were fitted with openmr "
            f"{__version__} (spin Hall angle: {asked.order}). "
        ]
        if not asked.absolute:
            terms = ", ".join(asked.nuisance) or "no other term"
            parts.append(
                "rho_L0 of every film and temperature was free, and so was what is linear: "
                f"{terms}. "
            )
        if asked.noise == "given":
            parts.append("The noise was that stated with the data. ")
        else:
            repeated = test.tested == "F"
            source = "points that symmetry makes equal" if repeated else "the scatter about the fit"
            memories = [one.memory for one in self.noise]
            parts.append(
                f"Noise was found from {source}, with the memory of AR(1) ({min(memories):.2f} to "
                f"{max(memories):.2f}); {len(self.flagged)} point(s) beyond 4.5 standard "
                "deviations were left out. "
            )
        if test.refused:
            parts.append(
                f"The model does not describe the data ({test.tested} test, "
                f"p = {test.probability:.1g}): its values have no errors. "
            )
        elif test.tested:
            parts.append(
                f"The model describes the data ({test.tested} test, p = {test.probability:.2g}). "
            )
        else:
            parts.append("Whether the model describes the data could not be tested: no repeats. ")
        listed = [
            f"{label} is {text}" if text == "not determined" else f"{label} = {text} {unit}"
            for label, text, unit in self._lines()
        ]
        parts.append("; ".join(map(str.rstrip, listed)) + ".")
        if not test.refused:
            parts.append(f" Errors are one standard deviation; Student's t has {self.freedom:.0f}.")
        return "".join(parts)

    # --- files ----------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Everything in what JSON can hold.

        Returns
        -------
        dict
            With ``schema`` and ``version``.
        """
        from openmr.data.saved import fit_to_dict

        return fit_to_dict(self)

    def save(self, path: str | Path) -> None:
        """Write everything, data and samples too, as JSON.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        ParameterError
            If the file cannot be written.
        """
        from openmr.data.saved import save

        save(self, _checks.path("path", path))

    @staticmethod
    def load(path: str | Path) -> Fit:
        """A fit that was saved; nothing in the file is run as code.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Fit
            Equal to the one that was saved.

        Raises
        ------
        ParameterError
            For a file that is none.
        """
        from openmr.data.saved import load

        return load(_checks.path("path", path))


def value_with_error(value: float, error: float) -> str:
    """Both, the value to the second digit of its error."""
    if not error > 0:
        return f"{value:.15g} +- {error:.2g}"
    last = int(f"{error:.1e}".split("e")[1]) - 1
    first = int(f"{value:.15e}".split("e")[1])
    digits = min(max(first - last + 1, 1), 15)
    return f"{value:#.{digits}g}".rstrip(".") + f" +- {error:.2g}"


def propagated(
    function: Callable[[Sample], ArrayLike],
    sample_at: Callable[[Array], Sample],
    found: Any,
    limit: float,
) -> tuple[Array, Array]:
    """Value and error of a number of the sample, by the covariance of ln p."""
    if not callable(function):
        raise ParameterError(f"`function` must be callable with a sample, got {function!r}")

    def at(logs: Array) -> Array:
        return _checks.finite_array("function", function(sample_at(logs)))

    zero = np.zeros(len(found.values))
    value = at(zero)
    try:
        slopes = sensitivities(at, zero).reshape(*value.shape, len(zero))
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(
            f"`function` must return the shape {value.shape} for every sample"
        ) from None
    variance = np.einsum("...i,ij,...j->...", slopes, found.covariance, slopes)
    change = np.log(REACH) * np.abs(slopes @ found.open_directions.T)
    lost = np.any(change > limit * np.abs(value)[..., None], axis=-1)
    return value, np.where(lost, np.inf, np.sqrt(variance))


def start_of(name: str, value: float, order: Order) -> float:
    """The sample's value of a parameter, if a fit can start there."""
    if value == 0 or not np.isfinite(value):
        raise ParameterError(
            f"`sample` must start the fit of {name!r} from a number other than 0, got {value:g}"
        )
    most = LARGEST_ANGLE[order]
    if name.endswith("spin_hall_angle") and not abs(value) < most:
        raise ParameterError(
            f"`sample` must start the fit of {name!r} from less than {most:g} in size, "
            f"got {value:g}"
        )
    return float(value)


def engine_of(
    asked: Asked,
    rows: Rows,
    good: NDArray[np.bool_],
    noise: tuple[SeriesNoise, ...],
    start: Array,
    columns: Array | None = None,
    model: Model | None = None,
) -> Engine:
    """The engine of what was asked, with that noise."""
    if columns is None:
        columns = columns_of(rows, asked.nuisance)[0]
    if model is None:
        model = model_of(asked, rows)
    known = [
        (i, value, error)
        for name, (value, error) in asked.known.items()
        for i, one in enumerate(asked.unknowns)
        if one.name == name
    ]
    sigma = np.array([one.sigma for one in noise])[rows.series]
    if asked.noise == "given":
        sigma = np.where(np.isfinite(rows.sigma), rows.sigma, sigma)
    memory = np.array([one.memory for one in noise])[rows.series]
    return Engine.of(
        rows, columns, model, start, good, sigma, memory, known, asked.order, asked.absolute
    )


def model_of(asked: Asked, rows: Rows) -> Model:
    """The curves of what was asked; those of a stack at the resistivity that the data show."""
    model = Model(rows, asked.samples, asked.unknowns, asked.order, asked.options)
    if not asked.absolute:
        for group in range(len(rows.groups)):
            mine = (rows.group == group) & ~rows.transverse
            if mine.any():
                model.bare[group] = float(np.median(rows.value[mine]))
    return model


def count_unknowns(engine: Engine) -> int:
    """Parameters, rho_L0 of every group, and independent columns."""
    groups = 0 if engine.absolute else len(engine.present)
    return int(len(engine.start) + groups + engine.terms_basis.shape[1])


def aicc(chi_square: float, unknowns: int, points: int) -> float:
    """Akaike's criterion with the correction for few points."""
    spare = points - unknowns - 1
    return float(chi_square + 2 * unknowns + 2 * unknowns * (unknowns + 1) / max(spare, 1))
