"""`om.fit_model`: rho of a sample as a model of lmfit, to be added to others."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr._words import Component, Order
from openmr.data.engine import LARGEST_ANGLE
from openmr.data.identifiability import REACH
from openmr.sample.film import Sample
from openmr.sample.parameters import PARAMETERS, fitted_parameter, varied
from openmr.transport.line import magnetoresistance

_POINT = ("temperature", "field", "direction")


def fit_model(
    sample: Sample,
    free: str | Sequence[str],
    *,
    component: Component = "longitudinal",
    order: Order = "exact",
    **options: Any,
) -> Any:
    """rho_L or rho_T as an `lmfit.Model` of temperature, field and direction.

    For sums with models of lmfit and for what it knows of minimisers; `openmr.fit` is the way to
    values with errors, since it finds noise, outliers and what is linear.

    Parameters
    ----------
    sample : Sample
        Starting values, and the values of what is not free.
    free : str or sequence of str
        Parameters of `openmr.sweep`, "resistivity" among them; dots become underscores.
    component : {"longitudinal", "transverse"}
    order : {"exact", "second"}
        In theta_SH.
    **options
        Of `openmr.magnetoresistance`: `method` and so on.

    Returns
    -------
    lmfit.Model
        Of ``temperature`` (...) in K, ``field`` (...) in T and ``direction`` (..., 3); rho in
        Ohm m. Its parameters start at the sample's values and stay within a factor 100 of them.
        Levenberg-Marquardt needs ``fit_kws={"epsfcn": 1e-10}``: rho is good to 1e-14, of which
        the parameters move a thousandth part.

    Raises
    ------
    ParameterError
        For names that are no parameters, or none at all.
    MissingPackageError
        Without lmfit: the extra `fit`.

    Examples
    --------
    >>> import openmr as om
    >>> model = om.fit_model(om.presets.pt_py(), ["exchange_energy", "resistivity"])
    >>> model.param_names
    ['exchange_energy', 'resistivity']
    >>> rho = model.eval(model.make_params(), temperature=10.0, field=5.0, direction=(1, 0, 0))
    >>> f"{rho:.4g}"
    '2.037e-06'
    """
    lmfit = _checks.required("lmfit", "`fit_model`", extra="fit")
    _checks.instance("sample", sample, Sample)
    _checks.choice("component", component, Component)
    _checks.choice("order", order, Order)
    labels = _labels(free)
    starts = {label: float(PARAMETERS[name].read(sample)) for label, name in labels.items()}

    def rho(temperature: Array, field: Array, direction: Array, **values: float) -> Array:
        changed = varied(sample, {labels[label]: value for label, value in values.items()})
        found = magnetoresistance(changed, temperature, field, direction, order=order, **options)
        return np.asarray(getattr(found, component))

    rho.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in (*_POINT, *labels)]
    )
    model = lmfit.Model(rho, independent_vars=list(_POINT), param_names=list(labels))
    for label, name in labels.items():
        model.set_param_hint(label, value=starts[label], **_ends(name, starts[label], order))
    return model


def _labels(free: str | Sequence[str]) -> dict[str, str]:
    """Label that lmfit takes -> name of the parameter."""
    names = (free,) if isinstance(free, str) else free
    if not isinstance(names, Sequence) or not names:
        raise ParameterError(f"`free` must name at least one parameter, got {names!r}")
    return {fitted_parameter(name).name.replace(".", "_"): name for name in names}


def _ends(name: str, start: float, order: Order) -> dict[str, float]:
    """Ends of the range: a factor 100 of the start, its sign kept, and within that of theta_SH."""
    ends = [start / REACH, start * REACH]
    if name.endswith("spin_hall_angle"):
        ends[1] = float(np.copysign(min(abs(ends[1]), LARGEST_ANGLE[order]), start))
    return {"min": min(ends), "max": max(ends)} if start else {}
