"""`om.validity`: what the closed forms assume, how small it is in a sample, and what it costs.

The small parameters are the closed forms' own. Every deviation is found by a route or an engine at
the asked temperatures and fields; where none can find it, the small parameter stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from operator import attrgetter
from textwrap import fill
from typing import Any, Final, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ConvergenceError, ExtractionError, ParameterError, SizeError
from openmr._words import Disorder, Order
from openmr.bath.correlators import electron_hole_spectrum, moment_correlator
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.moments.labels import Labels, arrays_of, labelled
from openmr.moments.state import ThermalState
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.methods import COSTLY, Name
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.sample.film import Layer, Sample
from openmr.sample.magnet import Magnet
from openmr.sample.ordering import ordering_temperature
from openmr.sample.stack import Interface, Stack
from openmr.tables import (
    Alike,
    Arrays,
    Column,
    Comparison,
    Labelled,
    document,
    html_table,
    shown_vector,
    table,
)
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import resistivity
from openmr.transport.stack_rates import StackRates, stack_rates
from openmr.units import HBAR, K_B, MU_B

NEIGHBOURHOOD = 13
"""Moments of the complete graph that stands for a moment and its neighbours (fcc: twelve)."""
REMARK = 50
"""Characters of a remark that the table shows; what is longer stands below it."""
WIDTH = 158
"""Characters of a line."""
FEW = 5
"""So many temperatures or fields are all told."""
ALIGNED = 5.0
"""Zeeman energy of the cluster's moment [k_B T] beyond which it points along the field."""
FILM_AREA = 1e-12
"""Area of film [m^2] whose electrons are counted as one closed system."""


@dataclass(frozen=True, slots=True, eq=False)
class Assumption(Alike):
    """One approximation of the theory.

    Attributes
    ----------
    name : str
    equation : str
        Where the paper makes it.
    affects : tuple of str
        Closed forms that rest on it.
    parameter : str
        What must be small.
    size : array (...)
        Its value, dimensionless.
    deviation : array (...) or None
        What it costs, dimensionless; None where no route gave a number.
    because : str
        What `deviation` is the deviation of, or why there is none.
    route : str
        Who found it.
    choice : bool
        A choice of model rather than an approximation: shown, but no verdict rests on it.
    """

    name: str
    equation: str
    affects: tuple[str, ...]
    parameter: str
    size: Array
    deviation: Array | None
    because: str
    route: str
    choice: bool = False

    @property
    def cost(self) -> float:
        """Largest deviation of those that are known; NaN where no route gave one."""
        return float("nan") if self.deviation is None else float(np.nanmax(self.deviation))

    measure = _checks.old_name("measure", "because")


def _of_each(name: str, report: Validity) -> Array:
    """A number of every assumption at every point, NaN where there is none, the last axis."""
    grid = np.broadcast_shapes(report.temperature.shape, report.field.shape)
    found = np.full((*grid, len(report.assumptions)), np.nan)
    for i, one in enumerate(report.assumptions):
        if (values := getattr(one, name)) is not None:
            found[..., i] = values
    return found


_COLUMNS: Final = {
    name: Column(partial(_of_each, name), "1", "", label, axes=("assumption",))
    for name, label in {"size": "what must be small", "deviation": "what it costs"}.items()
}
_HEAD: Final = "assumption", "Eq.", "small", "value", "off by", "", "of what [by which route]"


@dataclass(frozen=True, slots=True, eq=False)
class Validity(Labelled):
    """The approximations for one sample; prints as a table.

    Attributes
    ----------
    sample : Sample
    temperature, field : array (...), K and T
    assumptions : tuple of Assumption
    tolerance : float
        Largest deviation that counts as good.
    half_width : float, eV
        Half width W of the band.
    labels : Labels or None
        Names of the axes, where they were given by DataArrays.
    direction : array (3,), no unit
        Unit vector b of the field.
    """

    SCHEMA = "openmr/validity/1"
    sample: Sample
    temperature: Array
    field: Array
    assumptions: tuple[Assumption, ...]
    tolerance: float
    half_width: float = 1.0
    labels: Labels | None = None
    direction: Array | None = None

    @property
    def ok(self) -> bool:
        """True if every deviation, or the parameter of what has none, is within the tolerance."""
        return all(self.holds(assumption) is not False for assumption in self.assumptions)

    def comparison(self, assumption: Assumption) -> Comparison | None:
        """Its largest deviation beside the tolerance; None where no route gave one."""
        if assumption.deviation is None:
            return None
        return Comparison(
            deviation=assumption.cost,
            tolerance=self.tolerance,
            because=assumption.because,
            route=assumption.route,
        )

    def holds(self, assumption: Assumption) -> bool | None:
        """Whether it is within the tolerance everywhere; None for a choice, and where no route
        gave a deviation and its parameter, of which it could cost as much, is within it.
        """
        if assumption.choice:
            return None
        found, deviation = self.comparison(assumption), assumption.deviation
        unknown = True if deviation is None else np.isnan(deviation)
        if (found and not found.ok) or np.any(unknown & (assumption.size > self.tolerance)):
            return False
        return None if found is None else True

    def verdict(self, assumption: Assumption) -> str:
        """`holds` in a word: good, MISS, OPEN (large and without a number), choice, or none."""
        missed = "MISS" if assumption.cost > self.tolerance else "OPEN"
        words = {True: "good", False: missed, None: "choice" if assumption.choice else ""}
        return words[self.holds(assumption)]

    @property
    def closed_forms(self) -> dict[str, str]:
        """Names of the closed forms, and what the table calls them."""
        if not self.sample.is_stack:
            return dict(CLOSED_FORMS)
        coupled = any(layer.magnet for layer in self.sample.layers)
        of_layers = CLOSED_FORMS if coupled else {"rho": CLOSED_FORMS["rho"]}
        return {**of_layers, **{name: f"{name} of faces" for name in ("G_s", "G_r", "G_i")}}

    def worst(self, closed_form: str) -> Assumption | None:
        """The costliest assumption of "tau_par", "tau_perp", "omega_L" or "rho".

        Of a stack "G_s", "G_r" and "G_i" of its faces, too.

        None if no route gave a number for one.
        """
        _checks.choice("closed_form", closed_form, self.closed_forms)
        found = [
            a
            for a in self.assumptions
            if closed_form in a.affects and a.deviation is not None and not a.choice
        ]
        return max(found, key=attrgetter("cost"), default=None)

    def to_dict(self) -> dict[str, Any]:
        """The report for machines: plain numbers, strings, lists and dictionaries."""
        body = {
            "ok": self.ok,
            "sample": self.sample.name,
            "temperature_K": self.temperature,
            "field_T": self.field,
            "direction": self.direction,
            "tolerance": self.tolerance,
            "half_width_eV": self.half_width,
            "assumptions": [
                # "measure": the name of "because" until now, kept for one release
                {**asdict(a), "measure": a.because, "holds": self.holds(a)}
                for a in self.assumptions
            ],
        }
        return document(self.SCHEMA, body)

    def _arrays(self) -> Arrays:
        coordinates, variables = arrays_of(self, _COLUMNS)
        texts = {
            "assumption": [a.name for a in self.assumptions],
            "equation": [a.equation for a in self.assumptions],
            "verdict": [self.verdict(a) for a in self.assumptions],
            "because": [a.because for a in self.assumptions],
            "route": [a.route for a in self.assumptions],
        }
        told = {
            name: (("assumption",), np.array(each), {"long_name": name})
            for name, each in texts.items()
        }
        return {**coordinates, **told}, variables

    def _about(self) -> dict[str, Any]:
        kept = "tolerance", "half_width"
        return {"sample": self.sample.name, **{name: getattr(self, name) for name in kept}}

    def __repr__(self) -> str:
        return _table(self)

    def _repr_html_(self) -> str:
        closing = ([line] for line in closing_lines(self) if line)
        return html_table(_title(self), [*rows(self), *closing], _HEAD)


@labelled
@_checks.renamed(bandwidth="half_width", measure="costs")
def validity(
    sample: Sample,
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    direction: ArrayLike = (1.0, 0.0, 0.0),
    half_width: float = 1.0,
    costs: bool = True,
    routes: Sequence[Name] = (),
    tolerance: float = 0.1,
    mixing_rate: float = 0.0,
) -> Validity:
    """Small parameters of every approximation, each with what it costs for the sample.

    Parameters
    ----------
    sample : Sample
        A film, or a stack, of which each layer with moments and each face is judged.
    temperature, field : array_like (...), K and T
    direction : array_like (3,), no unit
        Field direction, for the resistivity and for moments with axes of their own.
    half_width : float, eV
        Half width W of the band, which ends memories and logarithms. A real band ends less
        sharply: W is known to a factor, and the Kondo lines say what a factor of 2 is worth.
    costs : bool
        False gives the small parameters alone, in about a millisecond; nothing is run.
    routes : sequence of str
        Costly routes to run besides: "heom" (spin 1/2 and 1), "exact".
    tolerance : float, no unit
        Largest deviation that counts as good.
    mixing_rate : float, 1/s
        1/tau_ee at which collisions mix the energies of the electrons; 0 if not at all.

    Returns
    -------
    Validity
        Prints as a table.

    Raises
    ------
    ParameterError
        For bad arguments; for a coupling matrix with elements off its diagonal.

    Examples
    --------
    >>> import openmr as om
    >>> report = om.validity(om.presets.pt_py(), temperature=200.0, field=1.0)
    >>> report.worst("tau_par").name
    'third order in J (Kondo), along'
    """
    _checks.instance("sample", sample, Sample)
    temperature = _checks.finite_array("temperature", temperature, "K")
    field = _checks.finite_array("field", field, "T")
    _checks.switch("costs", costs)
    if not temperature.size or not field.size:
        raise _checks.ParameterError("`temperature` and `field` must hold at least one number each")

    def of_film(film: Sample) -> Validity:
        own = film.magnet.is_oriented
        if not own:
            _ = film.magnet.exchange  # refuses matrices
            _refuse_large(film, costs)
        return validity_at(
            equilibrium(film, temperature, field, direction=direction if own else None),
            direction=direction,
            half_width=half_width,
            costs=costs,
            routes=routes,
            tolerance=tolerance,
            mixing_rate=mixing_rate,
        )

    if not sample.is_stack:
        return of_film(sample)
    layers = [of_film(sample.layer(i)) for i in range(len(sample.layers))]
    return _of_stack(sample, layers, temperature, field, direction, costs)


def _of_stack(
    sample: Sample,
    layers: Sequence[Validity],
    temperature: ArrayLike,
    field: ArrayLike,
    direction: ArrayLike,
    costs: bool,
) -> Validity:
    """Lines on the moments in each layer, on each face, and on the resistivity."""
    from openmr.reports import face_validity  # whose lines are made of those here

    direction = _checks.unit_vectors("direction", direction)
    method: Name = "batched" if sample.is_oriented else "closed-form"
    rates = stack_rates(sample, temperature, field, direction=direction, method=method)
    found = []
    for i, own in enumerate(layers):
        lines = [one for one in own.assumptions if one.affects != ("rho",)]
        found += [replace(one, name=f"{one.name} [layers.{i}]") for one in lines]
    for name, face in rates.faces.items():
        if face.equilibrium is not None:
            point = Point(face.equilibrium, layers[0].half_width, costs, 0.0)
            found += [_at_face(one, name, face.sheet.magnet) for one in _of_sheet(point)]
            if name in ("bottom", "top"):
                found.append(face_validity.thickness(sample, name, rates, direction, costs))
        found += face_validity.of_face(name, face, costs)
    found.append(_hall_angle_of_stack(rates, direction, costs))
    return Validity(sample, rates.temperature, rates.field, tuple(found), layers[0].tolerance,
                    layers[0].half_width, direction=direction)  # fmt: skip


def _of_sheet(point: Point) -> list[Assumption]:
    """Lines on moments that do not depend on the volume that a moment is in."""
    if point.has_levels:
        from openmr.reports.level_validity import third_order

        lines = [third_order(point)]
    else:
        _refuse_large(point.sample, point.costs)
        lines = [*_third_order(point), *_weiss(point), *_collinear(point)]
    return lines if point.sample.magnet.is_held else [*lines, _back_action(point)]


def _at_face(found: Assumption, name: str, magnet: Magnet) -> Assumption:
    """A line on the rates of moments, of the conductances that follow from them."""
    resting = _of_exchange(magnet, found)
    names = dict(zip(RATES, (("G_s",), ("G_s", "G_r")), strict=True))
    affects = tuple(dict.fromkeys(g for rate in found.affects for g in names[rate]))
    because = found.because.replace("1/tau_par", "G_s").replace("1/tau_perp", "G_s + G_r")
    return replace(resting, name=f"{found.name} [{name}]", affects=affects, because=because)


def _refuse_large(sample: Sample, costs: bool) -> None:
    """The space of electron and moment must be small: measured deviations start from it."""
    if costs:
        from openmr.rates.routes.joint_space import refuse_large

        refuse_large(sample)


@np.errstate(under="ignore")  # weights of frozen levels go to 0
def validity_at(
    state: ThermalState,
    *,
    direction: ArrayLike = (1.0, 0.0, 0.0),
    half_width: float = 1.0,
    costs: bool = True,
    routes: Sequence[Name] = (),
    tolerance: float = 0.1,
    mixing_rate: float = 0.0,
) -> Validity:
    """`validity` of moments whose equilibrium is known already; arguments as there."""
    tolerance = _checks.number("tolerance", tolerance, above=0.0)
    if isinstance(routes, str) or not isinstance(routes, Sequence):
        raise _checks.ParameterError(
            f"`routes` must be a sequence of names, got {_checks.shown(routes)}"
        )
    for route in routes:
        _checks.choice("routes", route, COSTLY)
    if routes and not costs:
        raise _checks.ParameterError(
            f"`routes` must be empty where `costs` is False, got {routes!r}"
        )
    direction = _checks.unit_vectors("direction", direction)
    half_width = _checks.number("half_width", half_width, "eV", above=0.0)
    mixing_rate = _checks.number("mixing_rate", mixing_rate, "1/s", least=0.0)
    point = Point(state, half_width, costs, mixing_rate)
    if costs and state.magnet and not point.has_levels:
        point.cost(lambda: point.fermi_sea.longitudinal, "", "")  # refuses a band too narrow
    if not state.magnet:  # 1/tau_0 and omega_B are as given
        found = (_hall_angle(point, direction),)
        return Validity(state.sample, state.temperature, state.field, found, tolerance, half_width,
                        direction=direction)  # fmt: skip
    if point.has_levels:
        return _with_levels(point, direction, routes, tolerance)
    assumptions = [
        _second_order(point, routes),
        *_third_order(point),
        _memory(point),
        _wide_band(point),
        _chemical_potential(point),
        _zeeman_energy(point),
        _exchange_field(point),
        _equal_spins(point),
        _bottleneck(point),
        _wick(point),
        _orbitals(point),
        *_weiss(point),
        *_collinear(point),
        _back_action(point),
        _disorder(point),
        _hall_angle(point, direction),
    ]
    where = state.sample, state.temperature, state.field
    resting = tuple(_of_exchange(state.sample.magnet, one) for one in assumptions)
    return Validity(*where, resting, tolerance, half_width, direction=direction)


def _with_levels(
    point: Point, direction: Array, routes: Sequence[Name], tolerance: float
) -> Validity:
    """The report on moments with axes and levels of their own."""
    from openmr.reports import level_validity  # whose lines are made of those here

    if routes:
        raise ParameterError(
            "`routes` must be empty for moments with axes of their own, which neither takes, got "
            f"{list(routes)}"
        )
    found = (
        replace(_second_order(point, routes), because="no route takes levels of their own"),
        *level_validity.of_levels(point),
        _wick(point),
        _orbitals(point),
        *_weiss(point),
        _back_action(point),
        _hall_angle(point, direction),
    )
    state = point.state
    where = state.sample, state.temperature, state.field
    return Validity(*where, found, tolerance, point.half_width, direction=direction)


def _of_exchange(magnet: Magnet, found: Assumption) -> Assumption:
    """A rate without exchange part rests on nothing, whatever a line is measured on as a whole."""
    flips, all_of = np.any(magnet.exchange[:, :2]), np.any(magnet.exchange)
    without = {name for name, part in zip(RATES, (flips, all_of), strict=True) if not part}
    affects = tuple(name for name in found.affects if name not in without)
    if affects:
        return replace(found, affects=affects)
    nothing = None if found.deviation is None else np.zeros_like(found.deviation)
    because = "no exchange part of " + " and ".join(f"1/{name}" for name in found.affects)
    return replace(found, size=0 * found.size, deviation=nothing, because=because)


Cost: TypeAlias = tuple[Array | None, str, str]
"""`deviation`, `because` and `route` of an `Assumption`."""
NOT_ASKED: Final[Cost] = (None, "not asked for", "")


class Point:
    """A sample at temperatures and fields, each method run once and when first asked for."""

    def __init__(
        self, state: ThermalState, half_width: float, costs: bool, mixing_rate: float
    ) -> None:
        self.sample, self.state = state.sample, state
        self.half_width, self.costs, self.mixing_rate = half_width, costs, mixing_rate
        self.thermal = K_B * state.temperature  # eV
        self._found: dict[tuple[Any, ...], Relaxation] = {}

    def rates(self, method: str, **options: Any) -> Relaxation:
        """Rates by one method."""
        key = method, *options.items()
        if key not in self._found:
            self._found[key] = relaxation_at(self.state, method=method, **options)
        return self._found[key]

    @property
    def has_levels(self) -> bool:
        """Whether the moments have axes and levels of their own."""
        return isinstance(self.state, VectorEquilibrium)

    @property
    def collinear(self) -> Equilibrium:
        """The state of moments along the field."""
        return cast("Equilibrium", self.state)

    @property
    def closed_form(self) -> Relaxation:
        """The record that the small parameters are made of."""
        return self.rates("batched" if self.has_levels else "closed-form")

    @property
    def reference(self) -> Relaxation:
        """Second order, wide band, no memory."""
        return self.rates(self.route)

    @property
    def route(self) -> Name:
        """Method of the reference."""
        return "batched" if self.has_levels else "bloch-redfield"

    @property
    def fermi_sea(self) -> Relaxation:
        """The kinetic equation."""
        return self.rates("kinetic", half_width=self.half_width, modes=False)

    @property
    def flip(self) -> Array:
        """Whether flips are not so rare that no spin along the field relaxes by them."""
        along = self.reference.dissipator[..., 2, 2]
        return np.asarray(along > RARE * _fastest(self.reference))

    @property
    def broadening(self) -> Array:
        """Broadening of a level by the fastest exchange, hbar / (k_B T tau)."""
        return ratio(HBAR * _fastest(self.closed_form), self.thermal)

    def distance(self, found: Relaxation) -> Array:
        """Distance of each rate from the reference, over that rate; the larger of the two."""
        rates = _exchange_rates(self.reference.dissipator)
        change = ratio(_exchange_rates(found.dissipator) - rates, rates)
        if found.uncertainty is not None:
            known = ratio(_exchange_rates(found.uncertainty), rates) <= RESOLVED
            if not known.any(axis=0).all():
                raise ExtractionError("each rate is uncertain by more than a hundredth")
            change = np.where(known, change, 0.0)
        return np.asarray(change.max(axis=0))

    def change(self, route: str, because: str, **options: Any) -> Cost:
        """The distance of a route's rates as a cost."""
        return self.cost(lambda: self.distance(self.rates(route, **options)), because, route)

    def cost(self, deviation: Callable[[], Array], because: str, route: str) -> Cost:
        """A deviation by a route; or nothing, and why, where it gives up or is not asked."""
        if not self.costs:
            return NOT_ASKED
        try:
            return deviation(), because, route
        except (ConvergenceError, ExtractionError, SizeError) as error:
            return None, f"no number: {re.split(r';| .about ', str(error))[0]}", ""


def _fastest(found: Relaxation) -> Array:
    """Largest exchange rate [1/s]."""
    return np.asarray(np.abs(found.dissipator).max(axis=(-2, -1)))


def _exchange_rates(tensor: Array) -> Array:
    """Exchange parts of 1/tau_par and 1/tau_perp [1/s], (2, ...)."""
    along, across = tensor[..., 2, 2], tensor[..., 0, 0] + tensor[..., 1, 1]
    return np.stack([along, 0.5 * across])


def ratio(part: ArrayLike, whole: ArrayLike) -> Array:
    """|part| / |whole|; 0 where there is nothing."""
    part, whole = np.broadcast_arrays(np.abs(part), np.abs(whole))
    return np.asarray(np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0))


RATES: Final = ("tau_par", "tau_perp")
RESOLVED: Final = 0.01
"""Part of a rate that its route may leave uncertain, or the rate is not compared."""
RARE: Final = 1e-12
"""Part of the largest rate, below which flips are no relaxation."""


def _second_order(point: Point, routes: Sequence[Name]) -> Assumption:
    """Eq. (9) stops at J^2."""

    def of_a_flat_band() -> Array:
        return np.asarray(point.rates("exact").diagnostics["second_order"], dtype=float)

    found: Cost = (None, "ask for routes 'exact', or 'heom' for S <= 1", "")
    if "heom" in routes:  # with the moment held, for that of the closed forms is thermal
        found = point.change("heom", "the rates, all orders", moment="held")
    elif "exact" in routes:
        found = point.cost(of_a_flat_band, "the rates of a flat band, all orders", "exact")
    name = "second order in the exchange (Born)"
    return Assumption(name, "(9)", RATES, "hbar / (k_B T tau)", point.broadening, *found)


def _third_order(point: Point) -> tuple[Assumption, ...]:
    """Eq. (9) leaves out that other electrons dress the coupling, one logarithm an order."""
    electrons, magnet, state = point.sample.electrons, point.sample.magnet, point.collinear

    def added(half_width: float) -> Array:
        from openmr.models import kondo

        found = np.zeros((2, 2, state.temperature.size))  # order, rate, point
        for i, here in enumerate(state.points()):
            for x, moments in zip(here.reduced_splitting, magnet.sublattices, strict=True):
                tensors = kondo.flip_rates(
                    moments.spin,
                    float(x),
                    electrons.dos * np.array(moments.exchange),
                    half_width / (K_B * float(here.temperature)),
                    connected=magnet.disorder == "lattice",
                )
                of_one = [_exchange_rates(np.diag(tensor)) for tensor in tensors]
                found[..., i] += moments.density * np.array(of_one)
        second, third = found.reshape(2, 2, *state.temperature.shape)
        return np.asarray(np.copysign(ratio(third, second), third))

    name, parameter = "third order in J (Kondo)", "2 nu_F J ln(W / k_B T)"
    coupling = 2 * electrons.dos * np.abs(magnet.exchange).max()
    size = np.asarray(np.abs(coupling * np.log(point.half_width / point.thermal)))
    both = point.half_width, 2 * point.half_width
    found, *why = point.cost(lambda: np.array([added(w) for w in both]), "", "third order")
    costs: list[Cost] = [(None, why[0], why[1])] * 2
    if found is not None:
        costs.clear()
        for rate, here, wider in zip(RATES, *found, strict=True):
            grows = ("stays", "grows", "falls")[int(np.sign(here.ravel()[np.abs(here).argmax()]))]
            more = percent(float(np.abs(wider - here).max()))
            costs.append((np.abs(here), f"1/{rate} {grows}; {more} more at 2 W", why[1]))
    return _of_each_rate(name, "(9)", parameter, size, costs)


def _of_each_rate(
    name: str, equation: str, parameter: str, size: Array, costs: Sequence[Cost]
) -> tuple[Assumption, ...]:
    return tuple(
        Assumption(f"{name}, {axis}", equation, (rate,), parameter, size, *cost)
        for axis, rate, cost in zip(("along", "across"), RATES, costs, strict=True)
    )


def _memory(point: Point) -> Assumption:
    """The upper limit of Eq. (15) goes to infinity."""

    def slip() -> Array:
        memory = point.rates("tcl2", half_width=point.half_width, kernel="flat")
        return np.asarray(np.abs(memory.diagnostics["slip"]).max(axis=(-2, -1)))

    cost = point.cost(slip, "the spin left after the memory", "tcl2")
    # the slowest memory of a wide band, exp(-2 pi k_B T t / hbar), is over in one thermal time
    size = point.broadening
    return Assumption("no memory (Markov)", "(15)", RATES, "hbar / (k_B T tau)", size, *cost)


def _wide_band(point: Point) -> Assumption:
    """Eq. (54) knows the density of states at the Fermi energy alone."""
    cost = point.change("tcl2", "the rates, where resolved", half_width=point.half_width)
    size = ratio(np.abs(point.collinear.splitting).max(axis=-1), point.half_width)
    return Assumption("wide, flat band", "(54)", RATES, "eps_L / W", size, *cost)


def _chemical_potential(point: Point) -> Assumption:
    """Each spin keeps a Fermi-Dirac distribution of its own, Eq. (51)."""
    mixing = point.mixing_rate
    along = point.closed_form.dissipator[..., 2, 2]

    def residue() -> Array:
        options = {"half_width": point.half_width, "energy_relaxation_rate": mixing}
        try:
            sea = point.rates("kinetic", **options)
        except ParameterError as error:  # beyond what the route resolves, in this line's own word
            told = str(error).replace("energy_relaxation_rate", "mixing_rate")
            raise ExtractionError(told) from None
        here, late = sea.dissipator[..., 2, 2], sea.diagnostics["slowest_rate"]
        slower = ratio(late - here, here) if mixing else 0.0
        found = np.maximum(sea.diagnostics["residue"], slower)
        return np.where(point.flip, found, 0.0)

    name = "each spin in its own equilibrium"
    size, parameter = np.abs(point.collinear.reduced_splitting).max(axis=-1), "beta eps_L"
    because = "spin that never decays (mixing_rate = 0)"
    if mixing:
        size, parameter = along / mixing, "1 / (tau_par mixing_rate)"
        because = "1/tau_par in the end, energies mixed"
    cost = point.cost(residue, because, "kinetic")
    return Assumption(name, "(51)", ("tau_par",), parameter, np.asarray(size), *cost)


def _zeeman_energy(point: Point) -> Assumption:
    """Eq. (75) has no splitting of the electrons."""

    def change() -> Array:
        found = point.reference.dissipator, point.fermi_sea.dissipator
        plain, sea = (_exchange_rates(tensor)[1] for tensor in found)
        return ratio(sea - plain, plain)

    name = "electrons not split, across the field"
    cost = point.cost(change, "1/tau_perp", "kinetic")
    size = ratio(HBAR * point.closed_form.precession, point.thermal)
    return Assumption(name, "(75)", ("tau_perp",), "beta hbar omega_L", size, *cost)


def _exchange_field(point: Point) -> Assumption:
    """Eqs. (10), (83) shift the precession at first order in J."""
    electrons, magnet = point.sample.electrons, point.sample.magnet

    def second_order() -> Array:
        first = np.abs(magnet.densities * magnet.exchange[:, 2] * point.state.mean_spin)
        return ratio(HBAR * point.fermi_sea.diagnostics["level_shift"], first.sum(axis=-1))

    name, parameter = "exchange field of first order", "nu_F J ln(W / k_B T)"
    cost = point.cost(second_order, "B_sd (Kondo)", "kinetic")
    coupling = electrons.dos * np.abs(magnet.exchange).max()
    size = np.asarray(np.abs(coupling * np.log(point.half_width / point.thermal)))
    return Assumption(name, "(10), (83)", ("omega_L",), parameter, size, *cost)


def _equal_spins(point: Point) -> Assumption:
    """Charge and spin do not mix, below Eq. (75)."""
    up, down = point.sample.electrons.dos_up, point.sample.electrons.dos_down

    def mixing() -> Array:
        sea = point.fermi_sea
        return np.where(point.flip, ratio(sea.charge_to_spin, sea.dissipator[..., 2, 2]), 0.0)

    name, parameter = "equal densities of states", "(nu_up - nu_down) / sum"
    cost = point.cost(mixing, "spin per charge", "kinetic")
    size = np.full(point.state.temperature.shape, abs(up - down) / (up + down))
    return Assumption(name, "(60)-(63)", ("tau_par",), parameter, size, *cost)


def _bottleneck(point: Point) -> Assumption:
    """Eq. (A17) drops how the electrons turn the moments, which turn the electrons in return."""
    electrons, magnet, state = point.sample.electrons, point.sample.magnet, point.collinear
    found = point.closed_form
    exchanged = found.transverse - found.spin_flip_rate
    thermal, omega = point.thermal[..., None], found.precession[..., None]
    exchange, mean = electrons.dos * magnet.exchange, state.mean_spin
    over = magnet.densities / electrons.dos  # moments per state [eV]

    def joint() -> Array:
        from openmr.models.bottleneck import Partner, transverse_decay

        lattice = magnet.disorder == "lattice"
        change = np.zeros(state.temperature.size)
        for i, (here, w) in enumerate(zip(state.points(), found.precession.ravel(), strict=True)):
            kelvin = K_B * float(here.temperature)
            partners = [
                Partner(moments.spin, float(x), number / kelvin, tuple(coupling), lattice)
                for moments, x, number, coupling in zip(
                    magnet.sublattices, here.reduced_splitting, over, exchange, strict=True
                )
            ]
            weiss, unit = np.array(magnet.weiss) / kelvin, HBAR / kelvin
            decay = transverse_decay(partners, weiss, unit * w, unit * found.spin_flip_rate)
            change[i] = decay / unit
        return ratio(change.reshape(exchanged.shape) - found.transverse, exchanged)

    # each in the field of the other [1/s], the moments' lines and widths
    torque = over * mean * np.prod(exchange[:, :2], axis=-1) * omega / (2 * HBAR)
    own = state.splitting + mean * np.diag(magnet.weiss) + 0.5 * HBAR * omega * exchange[:, 2]
    x = state.reduced_splitting
    heat = thermal * (1 + 0.5 * (electron_hole_spectrum(x) + electron_hole_spectrum(-x)))
    width = found.transverse[..., None] + np.pi / (2 * HBAR) * exchange[:, 0] ** 2 * heat
    size = ratio(torque, (omega - own / HBAR) ** 2 + width**2).sum(axis=-1)
    size = size * ratio(found.transverse, exchanged)
    name, parameter = "moments do not follow the electrons", "torques / (lines apart)^2"
    cost = point.cost(joint, "1/tau_perp (bottleneck)", "joint motion")
    return Assumption(name, "(A17)", ("tau_perp",), parameter, size, *cost)


def _wick(point: Point) -> Assumption:
    """Eq. (A16); at fixed number it errs as one over the electrons."""
    volume = FILM_AREA * point.sample.film.thickness
    active = 2 * point.sample.electrons.dos * point.thermal * volume

    def correlations() -> Array:
        from openmr.models import fock

        probe = 32  # electrons in twice as many levels within k_B T, where 1/N is reached
        one, both = fock.canonical_pairs(np.linspace(-0.5, 0.5, 2 * probe), probe)
        connected = both - np.outer(one, one)
        np.fill_diagonal(connected, 0.0)
        return ratio(4 * probe * np.abs(connected).max(), active)  # over (1/2)(1/2), times N

    name, parameter = "Wick's theorem", "1 / active electrons in 1 um^2"
    cost = point.cost(correlations, "pair correlations at fixed charge", "fock")
    return Assumption(name, "(A16)", RATES, parameter, ratio(1.0, active), *cost)


def _orbitals(point: Point) -> Assumption:
    """Eq. (24) averages over the places of many moments."""
    moments = point.sample.magnet.densities.sum() * FILM_AREA * point.sample.film.thickness
    name, parameter = "no coherence between orbitals", "1 / sqrt(moments in 1 um^2)"
    size = np.full(point.state.temperature.shape, moments**-0.5)
    return Assumption(name, "(24)", RATES, parameter, size, None, "see docs/fock.md", "")


def _weiss(point: Point) -> tuple[Assumption, ...]:
    """Eqs. (29)-(31): every moment alone in a mean field; what it costs along and across."""
    magnet, state = point.sample.magnet, point.collinear
    ordering = ordering_temperature(magnet)
    size = np.asarray((ordering / state.temperature) ** 2)
    costs = (NOT_ASKED, NOT_ASKED)
    if point.costs and point.has_levels:
        costs = ((None, "for moments without levels of their own", ""),) * 2
    elif point.costs:
        costs = _weiss_costs(magnet, state, ordering)
    return _of_each_rate("a moment alone (Weiss field)", "(29)-(31)", "(T_C / T)^2", size, costs)


def _weiss_costs(magnet: Magnet, state: Equilibrium, ordering: float) -> tuple[Cost, Cost]:
    """Along the field and across it; or why there is none."""
    errors, open_ = np.zeros((*state.temperature.shape, 2)), ""  # no coupling: no rate is wrong
    if magnet.exchange.any():
        if len(magnet.sublattices) > 1:
            return ((None, "for one sublattice only", ""),) * 2
        if _neighbourhood(magnet) < 2:
            return ((None, "two moments of this spin are too many levels", ""),) * 2
        needed = _alignment(magnet, state.temperature)
        unknown = (state.temperature < ordering) & ~(np.abs(state.field) > needed)
        if np.any(unknown):
            open_ = f"a finite cluster does not order; apply {needed[unknown].max():.2g} T"
        if np.all(unknown):
            return ((None, open_, ""),) * 2
        each = zip(state.points(), unknown.ravel(), strict=True)
        none = np.full(2, np.nan)
        of_points = [none if no else _weiss_errors(magnet, s) for s, no in each]
        errors = np.reshape(of_points, errors.shape)
    moments = f"{_neighbourhood(magnet)} moments all coupled"
    if open_:
        moments += f"; no number somewhere: {open_}"
    along, across = (
        (errors[..., i], f"1/{rate}, {moments}", "clusters") for i, rate in enumerate(RATES)
    )
    if magnet.disorder == "lattice" and np.any(state.field):
        return along, (None, "fluctuations along the field are not in the noise", "")
    return along, across


def _alignment(magnet: Magnet, temperature: Array) -> Array:
    """Field beyond which it, and not chance, aligns the moment of the whole cluster [T]."""
    moments = magnet.sublattices[0]
    moment = _neighbourhood(magnet) * moments.spin * abs(moments.single_g) * MU_B
    return np.asarray(ALIGNED * K_B * temperature / moment)


def _neighbourhood(magnet: Magnet) -> int:
    """Moments that can be diagonalised: one, and the total spin of the others."""
    from openmr.models.clusters import MAX_PAIR

    spin = float(magnet.spins[0])
    return min(NEIGHBOURHOOD, int((MAX_PAIR / (2 * spin + 1) - 1) / (2 * spin)) + 1)


def _weiss_errors(magnet: Magnet, state: Equilibrium) -> Array:
    """Relative errors of the rates along and across the field."""
    from openmr.models import clusters

    moments = magnet.sublattices[0]
    couplings = np.outer(moments.principal_exchange, moments.principal_exchange)
    if not couplings.any():
        return np.zeros(2)
    beta = 1.0 / (K_B * float(state.temperature))
    zeeman = beta * moments.single_g * MU_B * float(state.field)
    exact = clusters.complete_graph_noise(
        moments.spin, _neighbourhood(magnet), beta * magnet.weiss[0][0], zeeman
    )
    lines = moment_correlator(moments.spin, float(state.reduced_splitting[0]))
    local = np.einsum("l,lab->ab", electron_hole_spectrum(-lines.frequencies), lines.weights)
    couplings = couplings / np.abs(couplings).max()
    rates = np.array(
        [np.diag(clusters.golden_rule_tensor(couplings * n)[0]) for n in (exact, local)]
    )
    if zeeman == 0.0:  # a finite cluster breaks no symmetry: the mean over the axes
        rates = np.repeat(rates.mean(axis=1, keepdims=True), 3, axis=1)
    errors = ratio(rates[1] - rates[0], rates[0])
    return np.array([errors[2], errors[:2].max()])


def _collinear(point: Point) -> tuple[Assumption, ...]:
    """Sublattices that oppose each other stay along the field, which an anisotropy must see to."""
    magnet, state = point.sample.magnet, point.state
    mean = state.mean_spin
    if mean.shape[-1] < 2 or not np.any(mean.min(axis=-1) * mean.max(axis=-1) < 0):
        return ()
    moment = np.array([abs(moments.single_g) * MU_B for moments in magnet.sublattices])
    exchange = np.abs(mean @ np.asarray(magnet.weiss, dtype=float).T / moment).min(axis=-1)  # T
    opposed = mean.min(axis=-1) * mean.max(axis=-1) < 0
    needed = float(np.where(opposed, 0.5 * ratio(state.field**2, exchange), 0.0).max())
    name = "sublattices stay along the field"
    because = f"needs an anisotropy field > {needed:.2g} T, or they flop"
    size = np.where(opposed, ratio(state.field, exchange), 0.0)
    return (Assumption(name, "(32)", RATES, "B / exchange field", size, None, because, ""),)


def _back_action(point: Point) -> Assumption:
    """The moments stay in equilibrium, below Eq. (12), or follow as `thermostat_rate` lets them."""
    magnet, found = point.sample.magnet, point.closed_form
    active = point.sample.electrons.dos * point.thermal
    name = "no back-action on the moments"
    if point.has_levels or not magnet.is_held:
        from openmr.reports.level_validity import fastest_return

        rates = fastest_return(point.state)
    else:
        # 1/T1: what the electrons lose the moments gain, and their spread is k_B T times theirs
        gained = 0.5 * active * found.dissipator[..., 2, 2]
        rates = ratio(gained, (magnet.densities * point.collinear.variance).sum(axis=-1))
    if magnet.is_held:
        because = f"thermal if reset faster than {float(rates.max()):.2g} 1/s"
        size = ratio(active, magnet.densities.sum())
        parameter = "active electrons per moment"
        return Assumption(name, "(12)", RATES, parameter, size, None, because, "")
    slowest = min(one.reset_rate for one in magnet.sublattices)
    size = np.asarray(rates / slowest if slowest else np.full(rates.shape, np.inf))

    def given_back() -> Array:
        from openmr.rates.moment_relaxation import returned_rates

        back = returned_rates(point.state)
        parts, kept = _exchange_rates(back), _exchange_rates(found.dissipator)
        return np.asarray(ratio(parts, kept + parts).max(axis=0))

    cost = point.cost(given_back, "rates of moments that are held, less", "joint motion")
    return Assumption(name, "(12)", RATES, "1 / (r T1)", size, *cost, choice=True)


def _disorder(point: Point) -> Assumption:
    """The whole <S_par^2> dephases, or its fluctuation alone."""
    magnet, state = point.sample.magnet, point.collinear
    coupling = magnet.densities * magnet.exchange[:, 2] ** 2
    mean, whole = (
        (coupling * moment).sum(axis=-1) for moment in (state.mean_spin**2, state.second_moment)
    )
    return of_disorder(point, "<S>^2 / <S^2>", ratio(mean, whole))


def of_disorder(point: Point, parameter: str, size: Array) -> Assumption:
    """The line on the places of moments, by the reference's own route with the other ones."""
    magnet = point.sample.magnet
    other: Disorder = "lattice" if magnet.disorder == "random" else "random"

    def change() -> Array:
        here = point.reference
        sample = replace(point.sample, magnet=replace(magnet, disorder=other))
        there = relaxation_at(replace(point.state, sample=sample), method=point.route)
        return ratio(there.transverse - here.transverse, here.transverse - here.spin_flip_rate)

    name = f"moments on {'random places' if other == 'lattice' else 'a perfect lattice'}"
    cost = point.cost(change, f"1/tau_perp if disorder='{other}'", point.route)
    return Assumption(name, "(75)", ("tau_perp",), parameter, size, *cost, choice=True)


def _hall_angle(point: Point, direction: ArrayLike) -> Assumption:
    """Eqs. (86)-(97) are of second order in theta_SH."""
    film, state = point.sample.film, point.state
    temperature, field = state.temperature, state.field

    def by_order(found: Relaxation) -> Array:
        orders: tuple[Order, ...] = get_args(Order)
        return np.array([resistivity(film, found, direction, order=o).longitudinal for o in orders])

    def higher_orders() -> Array:
        if not np.any(field):
            raise ExtractionError("not determined, for only B = 0 is asked")
        asked, still = by_order(point.reference), field == 0
        others = np.setdiff1d(temperature, temperature[still])
        own = direction if point.has_levels else None
        still_state = equilibrium(point.sample, others, 0.0, direction=own)
        apart = relaxation_at(still_state, method=point.reference.method)
        values = [*asked[:, still].T, *by_order(apart).T]
        at_zero = dict(zip([*temperature[still], *others], values, strict=True))
        each = temperature.ravel()
        second, exact = asked - np.reshape(np.transpose([at_zero[t] for t in each]), asked.shape)
        largest = {t: np.abs(second[temperature == t]).max() for t in at_zero}
        return ratio(exact - second, np.reshape([largest[t] for t in each], temperature.shape))

    cost = point.cost(higher_orders, "largest |rho_L(B) - rho_L(0)|", "resistivity")
    return _of_hall_angle(np.full(temperature.shape, film.spin_hall_angle**2), cost)


def _of_hall_angle(size: Array, cost: Cost) -> Assumption:
    name = "second order in the spin Hall angle"
    return Assumption(name, "(86)", ("rho",), "theta_SH^2", size, *cost)


def _hall_angle_of_stack(rates: StackRates, direction: ArrayLike, costs: bool) -> Assumption:
    """The same of what field, moments and faces change of a stack's resistivity."""
    size = np.full(rates.temperature.shape, rates.mean_angle**2)
    stack, sample = rates.sample.stack, rates.sample
    if not costs or stack is None:
        return _of_hall_angle(size, NOT_ASKED)
    bare = Stack(
        [Layer(one.film, one.electrons) for one in stack.layers],
        between=[
            None if one is None else Interface(one.resistance, one.memory_loss)
            for one in stack.between
        ],
    )
    without = Sample(stack=bare, name=sample.name)
    orders: tuple[Order, ...] = get_args(Order)
    second, exact = (
        resistivity(stack, rates, direction, order=order).longitudinal
        - magnetoresistance(without, rates.temperature, 0.0, direction, order=order).longitudinal
        for order in orders
    )
    largest = np.abs(second).max()
    because = "largest change of rho_L by field and moments"
    return _of_hall_angle(size, (ratio(exact - second, largest), because, "resistivity"))


# --- the table -------------------------------------------------------------------------------


CLOSED_FORMS: Final = {
    "tau_par": "1/tau_par (70)",
    "tau_perp": "1/tau_perp (75)",
    "omega_L": "omega_L (78)",
    "rho": "rho_L (86), rates given",
}


def rows(report: Validity) -> list[tuple[str, ...]]:
    """The texts of each line: assumption, equation, parameter, value, cost, verdict, of what."""
    return [
        (
            a.name,
            a.equation,
            a.parameter,
            f"{float(np.max(a.size)):.3g}",
            "-" if a.deviation is None else percent(a.cost, report.tolerance),
            report.verdict(a),
            f"{a.because} [{a.route}]" if a.route else a.because,
        )
        for a in report.assumptions
    ]


def _title(report: Validity) -> str:
    where = f"T = {_values(report.temperature)} K, B = {_values(report.field)} T"
    if report.sample.is_oriented and report.direction is not None:
        where += f" along {shown_vector(report.direction)}"
    where += f", W = {report.half_width:g} eV"
    return f"Validity of the closed forms      {report.sample.name}, {where}"


def _table(report: Validity) -> str:
    lines: list[tuple[str, ...]] = [_HEAD]
    notes: list[str] = []
    for *cells, said in rows(report):
        if len(said) > REMARK:
            notes += [] if said in notes else [said]
            mark = f" ... ({1 + notes.index(said)})"
            cells.append(said[: REMARK - len(mark)] + mark)
        lines.append((*cells, said)[: len(_HEAD)])
    found = table("<<<>><<", lines, indent="  ", gap=" ")
    told = [_wrapped(f"({i}) {note}") for i, note in enumerate(notes, 1)]
    return "\n".join([_title(report), "", found, *told, "", *map(_wrapped, closing_lines(report))])


def _values(asked: Array) -> str:
    """Temperatures or fields, all of them if they are few."""
    each = [f"{value:.6g}" for value in np.unique(asked)]
    return ", ".join(each) if len(each) <= FEW else f"{each[0]} ... {each[-1]} ({len(each)} values)"


def _wrapped(line: str) -> str:
    return fill(line, WIDTH, initial_indent="  ", subsequent_indent=27 * " ")


def closing_lines(report: Validity) -> list[str]:
    """Lines below the table: each closed form's worst, and the meaning of the words."""
    lines, allowed = [], report.tolerance
    for name, title in report.closed_forms.items():
        affected = [a for a in report.assumptions if name in a.affects]
        told = affected[0].because if affected else "no moments, nothing assumed"
        if (worst := report.worst(name)) is not None:
            told = f"at worst {percent(worst.cost, allowed)}: {worst.name} ({worst.because})"
            told += "; it says nothing here" if worst.cost >= 1.0 else ""
        unknown = [a.name for a in affected if report.verdict(a) == "OPEN"]
        told += f"; OPEN: {', '.join(unknown)}" if unknown else ""
        lines.append(f"{title:<24} {told}")
    many = "of several temperatures and fields the worst is shown"
    return [
        *lines,
        "",
        f"good: off by at most {percent(allowed)}; MISS: by more"
        + (f"; {many}" if report.temperature.size > 1 else ""),
        "off by: over the exchange part of the rate (spin lost or left counts as that part of it),",
        "  over the exchange fields, or the largest |rho_L(B) - rho_L(0)| of the fields asked for; "
        "12 x is 1200 %",
        *(["  at a face: over the conductance that is named"] if report.sample.is_stack else []),
        "small: what the theory takes to be small, no unit; tau is the shorter exchange time",
        "OPEN: somewhere no number was found, and what must be small exceeds what is good; "
        "no word: it does not",
        "choice: not an error, but what the other model would give",
    ]


def percent(value: float, limit: float = 0.0) -> str:
    """A deviation as the table shows it, with digits enough to tell it from a limit."""
    for digits in range(2, 18):
        if (told := _percent(value, digits)) != _percent(limit, digits):
            return told
    return _percent(value, 2)


def _percent(value: float, digits: int) -> str:
    if value >= 10:
        return f"{value:.{digits + 1}g} x"
    if value >= 0.1:
        return f"{100 * value:.{digits - 2}f} %"
    return f"{100 * value:.{digits}g} %" if value > 1e-12 else "0 %"
