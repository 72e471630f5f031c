"""Fits of a film to measured resistances, and what the data leave open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from openmr import _checks
from openmr._checks import Array, ConvergenceError, ParameterError
from openmr._words import Order
from openmr.data.engine import Engine, Model, Unknown
from openmr.data.found import REFUSED, arrays_of, propagated, start_of, value_with_error
from openmr.data.identifiability import Combination, determined
from openmr.data.least_squares import Minimum, full_errors, least
from openmr.data.measured import Measured, measured
from openmr.data.nuisance import rows_of
from openmr.data.reader import read_csv
from openmr.sample import parameters as table
from openmr.sample.film import Sample
from openmr.sample.parameters import varied
from openmr.tables import Arrays, Labelled

__all__ = ["PARAMETERS", "Combination", "Diagnosis", "Measured", "fit", "measured", "read_csv"]

_OLD: Final = {
    "moment_density": "density_at_fixed_exchange_energy",
    "diffusion": "diffusion_at_fixed_diffusion_length",
    "exchange_energy": "exchange_energy_in_proportion",  # old where couplings are not all alike
}
_FITTED: Final = {
    name: row for name, row in table.PARAMETERS.items() if row.continuous and not row.instead
}
PARAMETERS: Final = _FITTED | {old: table.PARAMETERS[new] for old, new in _OLD.items()}
"""Name -> parameter that can be fitted, of the same table as those of sweeps."""
_MOST_STEPS: Final = 500
"""Steps of a search; along a curved valley each is short."""


def _parameter(name: str) -> table.Parameter:
    """That of a film, or of a part of a stack."""
    return PARAMETERS[name] if name in PARAMETERS else table.PARAMETERS[name]


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis(Labelled):
    """Fitted parameters and what the data say about them.

    Attributes
    ----------
    sample : Sample
        With the fitted values in it.
    parameters : tuple of str
    values, uncertainties : arrays (m,), in the units of `PARAMETERS`
        One standard deviation, with what is open left free over its whole range; ``inf`` where
        the data do not determine the parameter, or where it ran to an end of its range; nan where
        the model does not describe the data.
    correlations : array (m, m)
        Rows of parameters without any finite uncertainty are those of the unit matrix.
    combinations : tuple of Combination
        From the best to the least determined at the fitted values; as many as parameters.
    covariance : array (m, m), no unit
        Of ln p; what is open enters with the range of a parameter, ln 100.
    open_directions : array (k, m), no unit
        Directions in ln p along which the data leave everything possible.
    limit : float, no unit
        Relative uncertainty above which a product or a parameter counts as undetermined.
    model, residuals : arrays (n,), Ohm m and standard deviations
    degrees_of_freedom : int
    known_noise : bool
        Whether the data brought their uncertainty; if not, it is the scatter about the fit.
    chi_square : float, no unit
        Per degree of freedom, with the uncertainty of the data; 1 if that is the scatter.
    scatter : float, Ohm m
        Root mean square of model less data, per degree of freedom.
    probability : float, no unit
        Of a chi^2 as large by chance, nan where the noise is taken from the scatter. Below 1e-3
        the model does not describe the data, and no parameter has an uncertainty: all are nan.
    """

    SCHEMA = "openmr/diagnosis/1"
    sample: Sample
    parameters: tuple[str, ...]
    values: Array
    uncertainties: Array
    correlations: Array
    combinations: tuple[Combination, ...]
    covariance: Array
    open_directions: Array
    limit: float
    model: Array
    residuals: Array
    degrees_of_freedom: int
    known_noise: bool
    chi_square: float
    scatter: float
    probability: float = np.nan

    @property
    def refused(self) -> bool:
        """Whether the model does not describe the data."""
        return self.probability < REFUSED

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the parameters that the data do not determine."""
        if self.refused:
            return ()
        relative = self.uncertainties / np.abs(self.values)
        return tuple(np.array(self.parameters)[~(relative <= self.limit)].tolist())

    @property
    def undetermined_combinations(self) -> tuple[Combination, ...]:
        """Products of powers that the data leave open."""
        return tuple(c for c in self.combinations if not c.uncertainty <= self.limit)

    def interval(self, name: str, level: float = 0.6827) -> tuple[float, float]:
        """Ends of the confidence interval of one parameter.

        Parameters
        ----------
        name : str
        level : float, no unit
            Part of repeated experiments whose interval holds the true value. Student's t is used
            where the noise is taken from the scatter.

        Returns
        -------
        tuple of float, unit of the parameter
            Lower and upper end.

        Raises
        ------
        ParameterError
            For an unknown name, or a level outside (0, 1).
        """
        at = self.parameters.index(_checks.choice("name", name, self.parameters))
        level = _checks.number("level", level, above=0.0, most=0.9999999)
        noise = stats.norm() if self.known_noise else stats.t(self.degrees_of_freedom)
        half = float(noise.ppf(0.5 + 0.5 * level) * self.uncertainties[at])
        return float(self.values[at]) - half, float(self.values[at]) + half

    def propagate(self, function: Callable[[Sample], ArrayLike]) -> tuple[Array, Array]:
        """Any number that follows from the sample, with its standard error by the covariance.

        Parameters
        ----------
        function : callable
            Sample -> real numbers of any shape and unit, smooth in the fitted parameters.

        Returns
        -------
        value : array (...), unit of the function
            At the fitted sample.
        error : array (...), unit of the function
            One standard deviation; ``inf`` where the number changes along what the data leave
            open, and finite for a product that they determine although its factors are not.

        Raises
        ------
        ParameterError
            If `function` cannot be called, or what it returns is not finite, not real, or
            changes its shape.

        Notes
        -----
        Linear in ln p: error^2 = g C g with g = d function / d ln p by finite differences.

        Examples
        --------
        >>> import openmr as om
        >>> film = om.presets.pt_py()
        >>> given = {"temperature": 10.0, "field": [1.0, 5.0, 20.0], "direction": (1, 0, 0)}
        >>> rho = om.magnetoresistance(film, **given, order="exact").longitudinal
        >>> data = om.diagnosis.measured(rho, uncertainty=1e-10, **given)
        >>> found = om.diagnosis.fit(film, data, ["exchange_energy"])
        >>> tau, error = found.propagate(lambda s: om.relaxation(s, 10.0, 5.0).tau_longitudinal)
        >>> bool(0 < error < 0.01 * tau)
        True
        """

        def at(logs: Array) -> Sample:
            return _with(self.sample, self.parameters, self.values * np.exp(logs))

        value, error = propagated(function, at, self, self.limit)
        return value, np.full_like(error, np.nan) if self.refused else error

    def _arrays(self) -> Arrays:
        return arrays_of(self, [_parameter(name).unit for name in self.parameters])

    def _about(self) -> dict[str, Any]:
        kept = "chi_square", "degrees_of_freedom", "scatter", "probability"
        return {"sample": self.sample.name, **{name: getattr(self, name) for name in kept}}

    def __repr__(self) -> str:
        noise = "noise taken from the scatter"
        if self.known_noise:
            noise = f"chi^2 per degree of freedom {self.chi_square:.3g}"
        part = self.scatter / (float(np.ptp(self.model)) or float(self.model[0]))
        rows = [("scatter", f"{self.scatter:.3g} Ohm m, {100 * part:.2g} % of the fitted change")]
        triples = zip(self.parameters, self.values, self.uncertainties, strict=True)
        for name, value, error in triples:
            known = f"{value:.3g}"
            if name in self.undetermined:
                known += " not determined"
            elif not self.refused:
                known = value_with_error(value, error)
            rows.append((name, f"{known} {_parameter(name).unit.removesuffix('1')}"))
        closing = [f"  the model does not describe the data: p = {self.probability:.1g}"]
        if not self.refused:
            rows += [("left open", f"{one}") for one in self.undetermined_combinations]
            closing = []
        width = max(20, *map(len, self.parameters))
        head = f"Diagnosis  {len(self.model)} points, {len(self.parameters)} parameters, {noise}"
        lines = [f"  {name:<{width}} : {text}".rstrip() for name, text in rows]
        return "\n".join([head, *lines, *closing])


def _with(sample: Sample, names: Sequence[str], values: Array) -> Sample:
    """The sample with these values in it."""
    new = (_parameter(name).name for name in names)
    return varied(sample, dict(zip(new, values.tolist(), strict=True)))


def fit(
    sample: Sample,
    data: Measured | str | Path,
    parameters: Sequence[str],
    *,
    limit: float = 0.5,
    order: Order = "exact",
    **options: Any,
) -> Diagnosis:
    """Fit named parameters of a sample to measured longitudinal resistivities.

    Parameters
    ----------
    sample : Sample
        Starting values, and the values of what is not fitted.
    data : Measured or path
        From `measured` or `read_csv`, or the path of a CSV file.
    parameters : sequence of str
        Names in `PARAMETERS`, no two for one number. Each stays within a factor 100 of its start
        and keeps its sign; |theta_SH| stays below 0.7 (0.99 at second order).
    limit : float, no unit
        Relative uncertainty above which a parameter or a product counts as undetermined; 0.5 asks
        for little more than the order of magnitude.
    order : {"exact", "second"}
        In theta_SH, as in `resistivity`. A film is exact; the second order is for data that were
        computed with it.
    **options
        Of `openmr.magnetoresistance`: `method` and so on.

    Returns
    -------
    Diagnosis
        Values, uncertainties and what the data leave open.

    Raises
    ------
    ParameterError
    ConvergenceError
        If the least-squares fit stops before it has converged.

    Notes
    -----
    Intervals are those of the model linearised in ln p, for independent Gaussian noise. What is
    known no better than to 10 % is moved through its range, as far as chi^2 rises by less than 9,
    and the others fitted again: a change over the root of the rise counts as an error, and within
    a rise of 1 the errors found there do, so that none is conditional on what is open. Signs are
    not found by the fit: rho_L holds theta_SH squared alone.
    """
    limit = _checks.number("limit", limit, above=0.0)
    _checks.choice("order", order, Order)
    data = _data(data)
    names = _names(parameters, len(data.longitudinal))
    _checks.instance("sample", sample, Sample)
    start = np.array([start_of(name, _parameter(name).read(sample), order) for name in names])
    for name in names:
        if name in _OLD and (name not in _FITTED or _unlike(sample)):
            _checks.warn_renamed(name, _OLD[name])
    engine = _engine(sample, data, names, start, order, options)
    found = least(engine.problem, np.zeros(len(names)), most=_MOST_STEPS)
    if not found.settled:
        raise ConvergenceError(
            f"the fit stopped after {found.evaluations} evaluations without converging: start "
            "nearer with `sample`, or fit fewer `parameters`"
        )
    return _diagnosis(engine, found, names, sample, limit, known=data.uncertainty is not None)


def _engine(
    sample: Sample,
    data: Measured,
    names: tuple[str, ...],
    start: Array,
    order: Order,
    options: dict[str, Any],
) -> Engine:
    """Points as they are, one film, rho_L0 that of the sample, no term beside the model."""
    there = np.isfinite(data.longitudinal)
    here = replace(data, transverse=np.full(len(there), np.nan), time=None).select(there)
    rows = rows_of([here])
    rows = replace(rows, temperature=here.temperature[rows.point])
    unknowns = [Unknown(name, _parameter(name).name) for name in names]
    films = dict.fromkeys(rows.film.tolist(), sample)
    sigma = np.where(np.isnan(rows.sigma), np.mean(rows.value), rows.sigma)
    points = len(rows)
    return Engine.of(
        rows,
        np.empty((points, 0)),
        Model(rows, films, unknowns, order, options),
        start,
        np.ones(points, dtype=bool),
        sigma,
        np.zeros(points),
        (),
        order,
        True,
    )


def _diagnosis(
    engine: Engine,
    end: Minimum,
    names: tuple[str, ...],
    sample: Sample,
    limit: float,
    *,
    known: bool,
) -> Diagnosis:
    """The record of a finished fit."""
    order = np.argsort(engine.rows.point)
    logs, residuals = end.logs, end.residuals
    stated = scale = 1.0 / engine.chain.a
    misses = residuals * scale
    found = engine.rows.value + misses
    freedom = len(residuals) - len(names)
    chi_square = float(residuals @ residuals) / freedom
    probability = float(special.chdtrc(freedom, chi_square * freedom)) if known else np.nan
    if not known:  # the scatter is the noise
        scale, residuals = scale * chi_square**0.5, residuals / (chi_square**0.5 or 1.0)
        chi_square = 1.0
    # a perfect fit leaves the rounding of the model
    scale = np.maximum(scale, 1e-15 * np.abs(found))
    engine = replace(engine, chain=engine.chain._replace(a=1.0 / scale))
    problem = engine.problem
    local = determined(names, end.slopes * (stated / scale)[:, None], limit)
    refused = probability < REFUSED
    nothing = np.full(len(names), np.nan)
    errors = nothing if refused else full_errors(problem, logs, local, limit)
    values = engine.values(logs)
    linear = np.sqrt(np.diag(local.covariance))
    lost = np.isinf(errors)
    spread = np.where(lost | (linear == 0), 1.0, linear)
    correlations = np.where(
        lost[:, None] | lost, np.eye(len(names)), local.covariance / np.outer(spread, spread)
    )
    wider = np.where(lost | refused, 1.0, errors / spread)
    # an exactly open product leaves others of the same parameters determined
    apart = ~local.lost | problem.at_an_end(logs)
    return Diagnosis(
        sample=_with(sample, names, values),
        parameters=names,
        values=values,
        uncertainties=np.abs(values) * errors,
        correlations=correlations,
        combinations=local.combinations,
        covariance=np.outer(wider, wider) * local.covariance,
        open_directions=np.concatenate([local.open, np.eye(len(names))[lost & apart]]),
        limit=limit,
        model=found[order],
        residuals=residuals[order],
        degrees_of_freedom=freedom,
        known_noise=known,
        chi_square=chi_square,
        scatter=float(np.sqrt(misses @ misses / freedom)),
        probability=probability,
    )


def _data(data: Measured | str | Path) -> Measured:
    if isinstance(data, str | Path):
        return read_csv(data)
    if not isinstance(data, Measured):
        raise ParameterError(f"`data` must be a Measured or the path of a CSV file, got {data!r}")
    return data


def _names(parameters: Sequence[str], points: int) -> tuple[str, ...]:
    names = (parameters,) if isinstance(parameters, str) else tuple(parameters)
    for name in names:
        if name not in _OLD and not ("." in name and table.parameter(name).continuous):
            _checks.choice("parameters", name, _FITTED)
    if len({_parameter(name).name for name in names}) < max(1, len(names)):
        raise ParameterError(f"`parameters` must name each parameter once, got {names!r}")
    if points <= len(names):
        raise ParameterError(
            f"`data` must hold more points than there are parameters, got {points} points for "
            f"{len(names)} parameters"
        )
    return names


def _unlike(sample: Sample) -> bool:
    """Whether n_S J differs between axes or sublattices."""
    energies = [one.principal_energy for one in sample.magnet.sublattices]
    return bool(energies and np.ptp(energies) > 1e-12 * np.max(np.abs(energies)))
