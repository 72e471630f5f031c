"""What measured resistances say about the film: fits, and what the data leave open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from openmr import _checks
from openmr._checks import Array, ConvergenceError, ParameterError
from openmr.identifiability import Combination, determined
from openmr.measured import Measured, measured, read_csv
from openmr.parameters import PARAMETERS
from openmr.pipeline import magnetoresistance
from openmr.sample import Sample

__all__ = ["PARAMETERS", "Combination", "Diagnosis", "Measured", "fit", "measured", "read_csv"]

STEP: Final[float] = 1e-4
"""Relative step of the central differences, which leaves 1e-8 of a sensitivity."""
REACH: Final[float] = 100.0
"""A fitted parameter stays within this factor of its start."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Fitted parameters and what the data say about them.

    Attributes
    ----------
    sample : Sample
        With the fitted values in it.
    parameters : tuple of str
    values, uncertainties : arrays (m,), in the units of `PARAMETERS`
        One standard deviation; ``inf`` where the data do not determine the parameter, or where it
        ran to an end of its range.
    correlations : array (m, m)
        Rows of parameters without any finite uncertainty are those of the unit matrix.
    combinations : tuple of Combination
        From the best to the least determined; as many as parameters.
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
    minimizer : lmfit.minimizer.MinimizerResult
        lmfit's own record; its parameters are ln(value / start).
    """

    sample: Sample
    parameters: tuple[str, ...]
    values: Array
    uncertainties: Array
    correlations: Array
    combinations: tuple[Combination, ...]
    limit: float
    model: Array
    residuals: Array
    degrees_of_freedom: int
    known_noise: bool
    chi_square: float
    scatter: float
    minimizer: Any

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the parameters that the data do not determine."""
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
        tail = 0.5 + 0.5 * level
        many = (
            stats.norm.ppf(tail) if self.known_noise else stats.t.ppf(tail, self.degrees_of_freedom)
        )
        half = float(many * self.uncertainties[at])
        return float(self.values[at]) - half, float(self.values[at]) + half

    def __repr__(self) -> str:
        lines = [
            f"Diagnosis  {len(self.model)} points, {len(self.parameters)} parameters, "
            + (
                f"chi^2 per degree of freedom {self.chi_square:.3g}"
                if self.known_noise
                else "noise taken from the scatter"
            )
        ]
        part = self.scatter / (float(np.ptp(self.model)) or float(self.model[0]))
        lines.append(
            f"  {'scatter':<20} : {self.scatter:.3g} Ohm m, {100 * part:.2g} % of the fitted change"
        )
        for name, value, error in zip(
            self.parameters, self.values, self.uncertainties, strict=True
        ):
            known = "not determined" if name in self.undetermined else f"+- {error:.2g}"
            lines.append(f"  {name:<20} : {value:.5g} {known} {PARAMETERS[name].unit}".rstrip())
        lines += [f"  left open            : {c}" for c in self.undetermined_combinations]
        return "\n".join(lines)


def fit(
    sample: Sample,
    data: Measured | str | Path,
    parameters: Sequence[str],
    *,
    limit: float = 0.5,
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
        Names in `PARAMETERS`. Each stays within a factor 100 of its start and keeps its sign.
    limit : float, no unit
        Relative uncertainty above which a parameter or a product counts as undetermined; 0.5 asks
        for little more than the order of magnitude.
    **options
        Of `openmr.magnetoresistance`: `method`, `order`, and so on.

    Returns
    -------
    Diagnosis
        Values, uncertainties and what the data leave open.

    Raises
    ------
    ParameterError
    ConvergenceError
        If the least-squares fit stops before it has converged.
    ImportError
        If lmfit is not installed (``pip install '.[fit]'`` in a clone).

    Notes
    -----
    Intervals are those of the model linearised in ln p, for independent Gaussian noise. Signs are
    not found by the fit: rho_L holds theta_SH squared alone.
    """
    lmfit = _lmfit()
    limit = _checks.number("limit", limit, above=0.0)
    data = _data(data)
    names = _names(parameters, len(data.longitudinal))
    start = _start(sample, names)
    sigma = data.uncertainty
    scale = np.full_like(data.longitudinal, data.longitudinal.mean()) if sigma is None else sigma

    def model(logs: Array) -> Array:
        changed = sample
        for name, value in zip(names, start * np.exp(logs), strict=True):
            changed = PARAMETERS[name].put(changed, float(value))
        rho = magnetoresistance(changed, data.temperature, data.field, data.direction, **options)
        return rho.longitudinal

    varied = lmfit.Parameters()
    for name, value in zip(names, start, strict=True):
        most = min(REACH, 1 / abs(value)) if name == "spin_hall_angle" else REACH
        varied.add(name, value=0.0, min=-np.log(REACH), max=np.log(most))
    result = lmfit.minimize(
        lambda p: (model(_values(p)) - data.longitudinal) / scale,
        varied,
        method="leastsq",
        scale_covar=sigma is None,
        epsfcn=1e-10,  # relative step 1e-5: the equilibrium is good to 1e-14
    )
    if not result.success:
        raise ConvergenceError(
            f"the fit stopped after {result.nfev} evaluations without converging: start nearer "
            "with `sample`, or fit fewer `parameters`"
        )
    logs = _values(result.params)
    return _diagnosis(data, scale, names, start, logs, model, result, sample, limit)


def _diagnosis(
    data: Measured,
    scale: Array,
    names: tuple[str, ...],
    start: Array,
    logs: Array,
    model: Callable[[Array], Array],
    result: Any,
    sample: Sample,
    limit: float,
) -> Diagnosis:
    """The record of a finished fit."""
    found = model(logs)
    residuals = (found - data.longitudinal) / scale
    freedom = len(residuals) - len(names)
    chi_square = float(residuals @ residuals) / freedom
    misses = found - data.longitudinal
    if data.uncertainty is None:  # the scatter is the noise
        scale, residuals = scale * chi_square**0.5, residuals / (chi_square**0.5 or 1.0)
        chi_square = 1.0
    # a perfect fit leaves the rounding of the model
    scale = np.maximum(scale, 1e-15 * np.abs(found))
    sensitivity = sensitivities(model, logs) / scale[:, None]
    errors, correlations, combinations = determined(names, sensitivity)
    values = start * np.exp(logs)
    errors[_at_an_end(names, values, logs)] = np.inf
    for name, value in zip(names, values, strict=True):
        sample = PARAMETERS[name].put(sample, float(value))
    return Diagnosis(
        sample=sample,
        parameters=names,
        values=values,
        uncertainties=np.abs(values) * errors,
        correlations=correlations,
        combinations=combinations,
        limit=limit,
        model=found,
        residuals=residuals,
        degrees_of_freedom=freedom,
        known_noise=data.uncertainty is not None,
        chi_square=chi_square,
        scatter=float(np.sqrt(misses @ misses / freedom)),
        minimizer=result,
    )


def _at_an_end(names: tuple[str, ...], values: Array, logs: Array) -> NDArray[np.bool_]:
    """Parameters that the fit has driven to an end of their range, and so not found."""
    full = np.array([name == "spin_hall_angle" for name in names]) & (np.abs(values) > 0.99)
    return np.asarray(full | (np.abs(logs) > 0.99 * np.log(REACH)))


def sensitivities(model: Callable[[Array], Array], logs: Array) -> Array:
    """Derivatives of model_i to logs_j by central differences, shape (n, m).

    Parameters
    ----------
    model : callable
        Logarithms of parameters (m,) -> predictions (n,), in any unit.
    logs : array (m,), no unit
        Where the derivatives are taken.

    Returns
    -------
    array (n, m), unit of the predictions
        d model_i / d logs_j.
    """
    steps = STEP * np.eye(len(logs))
    columns = [(model(logs + step) - model(logs - step)) / (2 * STEP) for step in steps]
    return np.stack(columns, axis=-1)


def _values(varied: Any) -> Array:
    return np.array(list(varied.valuesdict().values()))


def _lmfit() -> Any:
    try:
        return import_module("lmfit")
    except ImportError as error:
        raise ImportError("fits need lmfit: pip install '.[fit]' in a clone") from error


def _data(data: Measured | str | Path) -> Measured:
    if isinstance(data, str | Path):
        return read_csv(data)
    if not isinstance(data, Measured):
        raise ParameterError(f"`data` must be a Measured or the path of a CSV file, got {data!r}")
    return data


def _names(parameters: Sequence[str], points: int) -> tuple[str, ...]:
    names = (parameters,) if isinstance(parameters, str) else tuple(parameters)
    for name in names:
        _checks.choice("parameters", name, PARAMETERS)
    if len(set(names)) < max(1, len(names)):
        raise ParameterError(f"`parameters` must name each parameter once, got {names!r}")
    if points <= len(names):
        raise ParameterError(
            f"`data` must hold more points than there are parameters, got {points} points for "
            f"{len(names)} parameters"
        )
    return names


def _start(sample: Sample, names: tuple[str, ...]) -> Array:
    _checks.instance("sample", sample, Sample)
    start = np.array([PARAMETERS[name].read(sample) for name in names])
    for name, value in zip(names, start, strict=True):
        if value == 0 or not np.isfinite(value):
            raise ParameterError(
                f"`sample` must start the fit of {name!r} from a number other than 0, got {value:g}"
            )
    return start
