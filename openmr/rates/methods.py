"""Every method as a value: where it lives, what it takes and gives, which question it answers.

Dispatch, refusals, the documentation's table of routes, `--help` and the property suite read it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any, Final, Literal, NamedTuple, TypedDict, get_args, get_origin, get_type_hints

import numpy as np

from openmr import _checks
from openmr._words import Form, Kernel, Moment, Thermostat
from openmr.rates.record import ExchangePart

Name = Literal[
    "closed-form", "batched", "bloch-redfield", "evolution", "kinetic", "tcl2", "heom", "exact"
]


class Options(TypedDict, total=False):
    """Every option of every method, for type checkers; each method takes its own."""

    azimuth: Any
    form: Form
    electron_splitting: bool
    resolution: float | None
    thermostat: Thermostat
    thermostat_rate: float | None
    options: Mapping[str, Any] | None
    progress: bool | None
    energy_relaxation_rate: float
    half_width: float
    spacing: float
    reach: float
    modes: bool
    time: float
    kernel: Kernel
    level_shift: bool
    memory_time: bool
    rtol: float
    moment: Moment
    drude_cutoff: float | None
    max_terms: int
    max_depth: int
    largest_spin: float
    levels: int
    noise_width: float
    realisations: int
    seed: int | np.random.Generator


class Diagnostic(NamedTuple):
    """A number by which a method judges itself; the unit of a pure number is "1"."""

    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Method:
    """A numerical route or the closed form."""

    name: str  # as `method=` takes it
    place: str  # "module:function", Equilibrium -> ExchangePart; imported when first asked for
    question: str  # asked by whoever chooses it
    exact: str  # treated without approximation
    fails: str  # where not to use it
    cost: float  # s of one processor per point, as measured once to a factor of two or so
    takes_grids: bool = False  # all points at once; the others go point by point
    takes_matrices: bool = False  # couplings J with elements off the diagonal
    takes_levels: bool = False  # moments with axes and levels of their own
    takes_sheets: bool = True  # linear in the density, so that a plane of moments has a rate
    keeps_splitting: bool = False  # the electrons', whatever the options
    gives_uncertainty: bool = False  # else `Relaxation.uncertainty` is None
    diagnostics: Mapping[str, Diagnostic] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)  # old name of an option -> new
    retired: Mapping[str, float | None] = field(
        default_factory=dict
    )  # -> value that means no change

    @property
    def function(self) -> Callable[..., ExchangePart]:
        """The function itself; `MissingPackageError` where what it runs on is not installed."""
        module, name = self.place.split(":")
        try:
            loaded = sys.modules.get(module) or import_module(module)
        except ModuleNotFoundError as error:
            raise _checks.MissingPackageError(
                f"method {self.name!r} needs {error.name}: pip install {error.name}"
            ) from error
        function: Callable[..., ExchangePart] = getattr(loaded, name)
        return function

    def checked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options under their present names; `ParameterError` for one that it does not take."""
        known = _option_names(self.function)
        found = {}
        for name, value in options.items():
            if name in self.retired:
                _no_resolution(name, value, self.retired[name])
                continue
            new = self.renamed.get(name, name)
            if new not in known:
                takes = ", ".join(f"`{one}`" for one in known) or "none"
                raise _checks.ParameterError(
                    f"method {self.name!r} takes no option `{name}`; it takes {takes}"
                )
            if new != name:
                _checks.warn_renamed(name, new)
            found[new] = _of_its_kind(new, value)
        return found


@cache
def _kinds() -> dict[str, tuple[Any, ...]]:
    """Option -> types: those of switches and mappings are checked here, others by their method."""
    hints = get_type_hints(Options)  # which load numpy.random
    return {name: get_args(hint) or (hint,) for name, hint in hints.items()}


def _of_its_kind(name: str, value: Any) -> Any:
    """A switch or mapping, if the option is one; None where that is allowed."""
    kinds = _kinds().get(name, ())
    if value is None and type(None) in kinds:
        return None
    if bool in kinds:
        return _checks.switch(name, value)
    if any(get_origin(kind) is Mapping for kind in kinds):
        return _checks.mapping(name, value)
    return value


def _no_resolution(name: str, value: Any, every: float | None) -> None:
    """Take the value of an old option that keeps every term, and no other: units have changed."""
    if value != every:
        raise _checks.ParameterError(
            f"`{name}` is now `resolution`, a time in s: None keeps every term, inf is the full "
            f"secular approximation; got {name} = {_checks.shown(value)}"
        )
    _checks.warn_renamed(f"{name}={every!r}", "resolution=None")


@cache
def _option_names(function: Callable[..., ExchangePart]) -> tuple[str, ...]:
    return tuple(signature(function).parameters)[1:]


_TRACE = Diagnostic("1", "change of the trace, over the largest rate")
_FIXED = Diagnostic("1", "motion of the state that should stand still, over the largest rate")
_KMS = Diagnostic("1", "largest violation of detailed balance")
_POSITIVITY = Diagnostic("1", "smallest over largest eigenvalue of the Kossakowski matrix")

METHODS: Final[dict[str, Method]] = {
    method.name: method
    for method in (
        Method(
            "closed-form",
            "openmr.rates.closed_form:closed_form",
            "What does the paper say? First look, fits, maps.",
            "the formula: Eqs. (70), (75), (78)",
            "cold moments, split electrons, strong exchange (`om.validity`)",
            3e-7,
            takes_grids=True,
            takes_levels=True,
        ),
        Method(
            "batched",
            "openmr.rates.routes.batched:batched",
            "The same numerically, any 3x3 coupling, millions of points?",
            "all of second order, no memory",
            "where second order does",
            4e-7,
            takes_grids=True,
            takes_matrices=True,
            takes_levels=True,
            diagnostics={"kms": Diagnostic("1", f"{_KMS.meaning} on the whole grid")},
        ),
        Method(
            "bloch-redfield",
            "openmr.rates.routes.bloch_redfield:bloch_redfield",
            "Is the formula what a Bloch-Redfield master equation gives?",
            "all of second order, no memory",
            "where second order does; splitting kept is right for no rate",
            5e-3,
            takes_matrices=True,
            takes_levels=True,
            diagnostics={
                "trace": _TRACE,
                "fixed_point": _FIXED,
                "kms": _KMS,
                "positivity": _POSITIVITY,
            },
            retired={"sec_cutoff": -1.0},
        ),
        Method(
            "evolution",
            "openmr.rates.routes.evolution:evolution",
            "What would an experiment on the decay read off?",
            "as bloch-redfield, plus the fit and its uncertainty",
            "rates too unequal for one time axis",
            3e-2,
            gives_uncertainty=True,
            diagnostics={
                "residual": Diagnostic("1", "largest misfit, of the initial polarisation"),
                "solver_change": Diagnostic("1/s", "change on a tighter solver tolerance"),
                "window_change": Diagnostic("1/s", "change on a window that starts later"),
                "precession_uncertainty": Diagnostic("rad/s", "of the precession"),
            },
            retired={"sec_cutoff": -1.0},
        ),
        Method(
            "kinetic",
            "openmr.rates.routes.kinetic:kinetic",
            "Do the Pauli principle and the electrons' splitting matter?",
            "every energy of the Fermi sea, any splitting; golden rule",
            "memory, higher orders; needs energy mixing when cold",
            0.2,
            keeps_splitting=True,
            diagnostics={
                "grid_change": Diagnostic("1", "change on a finer and longer energy grid"),
                "charge": Diagnostic("1", "change of the charge, over the largest rate"),
                "stationarity": Diagnostic("1", "motion of the Fermi-Dirac state, likewise"),
                "electron_splitting": Diagnostic("1", "beta hbar omega_L"),
                "level_shift": Diagnostic("rad/s", "second order in J, to add to the precession"),
                "spread": Diagnostic(
                    "1", "standard deviation over mean of the decay rates; 0: one decay"
                ),
                "residue": Diagnostic("1", "part of the spin that never decays; with `modes`"),
                "slowest_rate": Diagnostic("1/s", "of the decay along the field; with `modes`"),
                "fastest_rate": Diagnostic("1/s", "of the decay along the field; with `modes`"),
                "transverse_slowest_rate": Diagnostic("1/s", "across the field; with `modes`"),
                "transverse_fastest_rate": Diagnostic("1/s", "across the field; with `modes`"),
            },
            renamed={"bandwidth": "half_width"},
        ),
        Method(
            "tcl2",
            "openmr.rates.routes.tcl2:tcl2",
            "Is the rate constant in time? Does the band matter?",
            "memory of moments and band, second order",
            "higher orders; one electron spin, no Pauli blocking",
            0.2,
            gives_uncertainty=True,
            diagnostics={
                "level_shift": Diagnostic("rad/s", "of the small space, measured if left out"),
                "memory_time": Diagnostic(
                    "s", "after which rates stay within 1 %; with `memory_time`"
                ),
                "positivity": _POSITIVITY,
                "slip": Diagnostic("1", "(3, 3): spin lost for ever before the rate is constant"),
            },
            renamed={"bandwidth": "half_width"},
            retired={"secular": None},
        ),
        Method(
            "heom",
            "openmr.rates.routes.heom:heom",
            "Does second order in J suffice?",
            "all orders of a Gaussian bath with memory",
            "S > 1 is slow; very weak or very strong noise; very cold moments",
            2.0,
            takes_sheets=False,
            gives_uncertainty=True,
            diagnostics={
                "terms": Diagnostic("1", "Pade terms of the thermal factor"),
                "depth": Diagnostic("1", "levels of the hierarchy"),
                "drude_cutoff": Diagnostic("eV", "of the narrower of the two baths"),
                "coupling": Diagnostic("1", "noise times beta hbar"),
                "terms_change": Diagnostic("1", "change on more terms, over the largest rate"),
                "depth_change": Diagnostic("1", "change on one level less, likewise"),
                "plateau_variation": Diagnostic("1", "variation on the plateau, likewise"),
                "cutoff_change": Diagnostic("1", "last step to an infinite cutoff, likewise"),
                "trace": _TRACE,
                "fixed_point": _FIXED,
                "plateau_start": Diagnostic("s", "first time of the plateau"),
                "plateau_end": Diagnostic("s", "last time of the plateau"),
                "level_shift": Diagnostic("rad/s", "precession by the principal part taken out"),
                "remaining_shift": Diagnostic("rad/s", "precession that is left"),
            },
        ),
        Method(
            "exact",
            "openmr.rates.routes.exact:exact",
            "Is a master equation right at all?",
            "unitary dynamics of one electron in a finite band",
            "flat noise: only small beta eps_L is thermal; S > 1 is large",
            0.5,
            takes_sheets=False,
            gives_uncertainty=True,
            diagnostics={
                "bath": Diagnostic("", "kind of noise, here flat"),
                "spread": Diagnostic("1", "distance from a straight line, over the largest rate"),
                "drift": Diagnostic("1", "change along the plateau, likewise"),
                "second_order": Diagnostic("1", "distance from the same band's, likewise"),
                "flatness": Diagnostic("1", "loss of noise at the moment's frequency"),
                "shift": Diagnostic("rad/s", "antisymmetric part, an artefact that is left out"),
                "heisenberg": Diagnostic("1", "end of the window over the Heisenberg time"),
            },
            renamed={"bandwidth": "noise_width"},
        ),
    )
}
"""Method name -> method."""
COSTLY: Final = ("heom", "exact")
"""Methods that reports run only when they are asked for by name."""
