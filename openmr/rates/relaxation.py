"""`om.relaxation`: choose a method by name, add 1/tau_0 once, turn the local axes once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from numpy.typing import ArrayLike

from openmr import _checks
from openmr.rates.record import Relaxation
from openmr.sample.film import Sample
from openmr.sample.magnet import TAKE_MATRICES

METHODS: Final[dict[str, str]] = {
    "closed-form": "openmr.rates.closed_form:closed_form",
    "bloch-redfield": "openmr.rates.routes.bloch_redfield:bloch_redfield",
    "batched": "openmr.rates.routes.batched:batched",
    "evolution": "openmr.rates.routes.evolution:evolution",
    "kinetic": "openmr.rates.routes.kinetic:kinetic",
    "tcl2": "openmr.rates.routes.tcl2:tcl2",
    "heom": "openmr.rates.routes.heom:heom",
    "exact": "openmr.rates.routes.exact:exact",
}
"""Method name -> where its function lives; loaded only when asked for."""


def relaxation(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    method: str = "closed-form",
    azimuth: ArrayLike = 0.0,
    **options: Any,
) -> Relaxation:
    """Spin relaxation and precession of the electrons.

    Parameters
    ----------
    sample : Sample
    temperature : array_like (...), K
    field : array_like (...), T
        Signed, along b; broadcasts with `temperature`.
    method : str
        "closed-form", "batched", "bloch-redfield", "evolution", "tcl2", "heom", "kinetic" or
        "exact"; the keys of `METHODS`.
    azimuth : array_like, rad
        Turns the local axes by phi, Eq. (39): ``tensor[..., 0, 0]`` is then 1/tau_perp(phi). The
        relaxation is the same one in other axes, so no resistivity depends on it.
    **options
        Passed to the method, e.g. ``form=`` of the closed form, ``electron_splitting=`` of the
        numerical routes, ``options=`` of the evolution (QuTiP's solver options).

    Returns
    -------
    Relaxation
        With 1/tau_0 of the film included.

    Raises
    ------
    ParameterError
        For a bad argument or an unknown method, the message lists the known ones; for a coupling
        matrix with elements off its diagonal, which "batched" and "bloch-redfield" take.

    Examples
    --------
    >>> import openmr as om
    >>> om.relaxation(om.presets.pt_py(), temperature=10.0, field=5.0).tensor.shape
    (3, 3)
    """
    _checks.instance("sample", sample, Sample)
    module, function = METHODS[_checks.choice("method", method, METHODS)].split(":")
    if method not in TAKE_MATRICES:
        _ = sample.magnet.exchange  # refuses matrices
    route: Callable[..., Relaxation] = getattr(import_module(module), function)
    try:
        found = route(sample, temperature, field, **options)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error) or function not in str(error):
            raise
        unknown = str(error).rsplit(maxsplit=1)[-1].strip("'")
        raise _checks.ParameterError(f"method {method!r} takes no option `{unknown}`") from None
    return replace(found, spin_flip_rate=sample.film.spin_flip_rate).rotated(azimuth)
