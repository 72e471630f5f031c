"""Closed forms set beside what the routes found: here they enter, and only here.

Every deviation and tolerance is relative to a stated scale. A check that cannot be computed counts
as missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from operator import attrgetter
from types import ModuleType
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from openmr import units
from openmr._checks import EPSILON, Array
from openmr.moments.equilibrium import Equilibrium
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.reports.verify.cases import Solution
from openmr.tables import Comparison
from openmr.transport.resistivity import resistivity
from openmr.transport.surviving import longitudinal_length, transverse_decay, transverse_length


class _Allowance(NamedTuple):
    scale: float
    tolerance: float
    because: str


TENSOR_TOLERANCE: Final = 1e-12
"""Part of the largest rate: some thousand roundings of the tensor's sums."""
EVOLUTION_TOLERANCE: Final = 1e-4
"""Part of the largest rate; three times the stated uncertainty if that is less."""
PRECESSION_TOLERANCE: Final = 1e-8
"""Part of |omega_B| plus the exchange shifts of all sublattices."""
LAW: Final = _Allowance(1.0, TENSOR_TOLERANCE, "over the largest exchange rate; rounding")
AXES: Final = ((0.7, 0.4), (1.2, 2.5), (2.9, 5.1))
"""(theta, phi) [rad] of some quantisation axes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Comparison):
    """One number by closed form, beside the same number from a numerical route.

    Attributes
    ----------
    case, quantity, equation, unit : str
    closed_form, numerical : float
        In `unit`.
    """

    case: str
    quantity: str
    equation: str
    unit: str
    closed_form: float
    numerical: float


_Exact: TypeAlias = Callable[[], Relaxation]


def compare(solutions: Iterable[Solution]) -> list[Check]:
    """Set the closed forms beside what the routes found.

    Parameters
    ----------
    solutions : iterable of Solution

    Returns
    -------
    list of Check
    """
    parts = (
        _moments,
        _invariants,
        _rates,
        _transport,
        _golden_rule,
        _isotropic,
        _fermi_sea,
        _other_forms,
    )
    return [check for s in solutions for part in parts for check in part(s, _reference(s))]


def _check(
    s: Solution,
    route: str,
    allowance: _Allowance,
    label: tuple[str, str, str],
    closed_form: Callable[[], ArrayLike],
    numerical: ArrayLike,
    *,
    show: Callable[[float], float] = float,
) -> Check:
    """One check; `show` turns the compared number into the one that is printed."""
    scale, tolerance, because = allowance
    try:
        value = float(np.squeeze(closed_form()))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        value, because = float("nan"), f"could not be computed: {error}"
    quantity, equation, unit = label
    found = float(np.squeeze(numerical))
    return Check(
        case=s.case.name,
        quantity=quantity,
        equation=equation,
        unit=unit,
        route=route,
        closed_form=show(value) + 0.0,
        numerical=show(found) + 0.0,
        deviation=abs(found - value) / scale,
        tolerance=tolerance,
        because=because,
    )


def _read(
    found: Relaxation,
    s: Solution,
    exact: _Exact,
    allowance: _Allowance,
    label: tuple[str, str, str],
    reading: Callable[[Relaxation], ArrayLike],
    *,
    show: Callable[[float], float] = float,
) -> Check:
    """One check of the same reading of two records, the closed forms' and a route's."""
    numerical = reading(found)
    return _check(s, found.method, allowance, label, lambda: reading(exact()), numerical, show=show)


def _formulas() -> ModuleType:
    """Loaded late, so that the numerical routes run without it and a test can replace it."""
    return import_module("openmr.rates.closed_form")


def _reference(s: Solution) -> _Exact:
    """The closed-form record, computed once and when first asked for."""
    return cache(lambda: relaxation_at(s.state))


# --- scales and tolerances -------------------------------------------------------------------


def _largest_rate(found: Relaxation) -> float:
    """Largest element of the exchange part [1/s]; of 1/tau_0 where nothing couples."""
    return float(np.abs(found.dissipator).max()) or found.spin_flip_rate or 1.0


def _element_tolerance(found: Relaxation) -> Array:
    """Tolerance of each tensor element over the largest, (3, 3)."""
    if found.uncertainty is None:
        return np.full((3, 3), TENSOR_TOLERANCE)
    stated = 3 * found.uncertainty / _largest_rate(found) + TENSOR_TOLERANCE
    return np.asarray(np.minimum(EVOLUTION_TOLERANCE, stated))


def _rate_allowance(found: Relaxation, *elements: tuple[int, int]) -> _Allowance:
    tolerance = _element_tolerance(found)
    reason = "rounding" if found.uncertainty is None else "3 stated uncertainties, at most 1e-4"
    return _Allowance(
        _largest_rate(found),
        max(float(tolerance[element]) for element in elements),
        f"over the largest exchange rate; {reason}",
    )


def _total_rate_allowance(found: Relaxation) -> _Allowance:
    """For rates with 1/tau_0, whose rounding may exceed that of the exchange part."""
    scale, tolerance, because = _rate_allowance(found, (0, 0))
    return _Allowance(scale, tolerance + 8 * EPSILON * found.spin_flip_rate / scale, because)


def _spin_splittings(s: Solution) -> float:
    """Zeeman splitting plus the exchange shifts of all sublattices, each by magnitude [eV]."""
    sample = s.case.sample
    shifts = (
        abs(sublattice.principal_energy[2] * mean)
        for sublattice, (mean, _) in zip(sample.magnet.sublattices, s.moments, strict=True)
    )
    return float(abs(sample.electrons.g * units.MU_B * s.case.field) + sum(shifts))


def _precession_allowance(s: Solution, found: Relaxation) -> _Allowance:
    scale = _spin_splittings(s) / units.HBAR
    if scale == 0.0:  # no precession at all: what the fit says of its own zero
        return _rate_allowance(found, (0, 1), (1, 0))
    tolerance = TENSOR_TOLERANCE if found.uncertainty is None else PRECESSION_TOLERANCE
    return _Allowance(scale, tolerance, "over |omega_B| + |exchange shifts|; asked of the method")


def _field_allowance(s: Solution) -> _Allowance:
    scale = _spin_splittings(s) / abs(s.case.sample.electrons.g * units.MU_B)
    return _Allowance(
        scale or 1.0, TENSOR_TOLERANCE, "over |B| + |B_sd| of each sublattice; rounding"
    )


# --- the line: moments, bath, rates, transport -----------------------------------------------


def _moments(s: Solution, _: _Exact) -> Iterator[Check]:
    """Thermal averages from the operators of the Hilbert space, Eqs. (32), (33)."""
    spins, splittings, forms = s.case.sample.magnet.spins, s.state.reduced_splitting, _formulas()
    for i, (spin, x, (mean, square)) in enumerate(zip(spins, splittings, s.moments, strict=True)):
        if x == 0:
            continue  # the closed forms have a removable 0/0 there
        site = f" [{i}]" if len(spins) > 1 else ""
        # the coth's of the closed forms cancel to one part in x^2
        rounding = 16 * EPSILON * spin * (spin + 1) * (1 + 1 / x**2)
        check = partial(
            _check, s, "operators", _Allowance(1.0, rounding, "absolute; rounding of coth")
        )
        yield check(("<S_par>" + site, "(32)", "1"), partial(forms.mean_spin, spin, x), mean)
        yield check(
            ("<S_par^2>" + site, "(33)", "1"), partial(forms.second_moment, spin, x), square
        )


def _invariants(s: Solution, _: _Exact) -> Iterator[Check]:
    """Laws that any second-order generator obeys: zero is the right answer."""
    laws = s.rates["bloch-redfield"].diagnostics
    depth = float(np.abs(s.state.reduced_splitting).max())
    kms = _Allowance(1.0, 64 * EPSILON * (1 + depth), "over the larger side; rounding of exp(x)")
    negative = -min(0.0, float(laws["positivity"]))
    for name, equation, value, allowance in (
        ("detailed balance violated by", "(48)", laws["kms"], kms),
        ("trace changes by", "(58)", laws["trace"], LAW),
        ("fixed point moves by", "(50)", laws["fixed_point"], LAW),
        ("positivity violated by", "(34)", negative, LAW),
    ):
        yield _check(s, "bloch-redfield", allowance, (name, equation, "1"), lambda: 0.0, value)


def _rates(s: Solution, exact: _Exact) -> Iterator[Check]:
    """tau_par, tau_perp, omega_L, the nine elements and 1/T_0 by each numerical route."""
    for found in s.rates.values():
        read, rate = partial(_read, found, s, exact), partial(_rate_allowance, found)
        along, across, turning = rate((2, 2)), rate((0, 0), (1, 1)), _precession_allowance(s, found)
        yield read(along, ("tau_par", "(70)", "s"), attrgetter("longitudinal"), show=_time)
        yield read(across, ("tau_perp", "(75)", "s"), attrgetter("transverse"), show=_time)
        yield read(turning, ("omega_L", "(78)", "rad/s"), attrgetter("precession"))
        for ab in np.ndindex(3, 3):
            name = "Gamma_" + "".join("xyz"[axis] for axis in ab)
            yield read(rate(ab), (name, "(70), (75)", "1/s"), partial(_element, ab))
        yield read(along, ("1/T_0", "(62)", "1/s"), attrgetter("charge_to_spin"))


def _time(rate: float) -> float:
    return 1.0 / rate if rate else float("inf")


def _element(ab: tuple[int, ...], rates: Relaxation) -> Array:
    return np.asarray(rates.dissipator[ab])


def _transport(s: Solution, exact: _Exact) -> Iterator[Check]:
    """Diffusion lengths and resistivities from the rates of each route."""
    film = s.case.sample.film
    for found in s.rates.values():
        read = partial(_read, found, s, exact)
        largest, allowed = _largest_rate(found), _element_tolerance(found)
        if found.longitudinal > 0:
            # a length goes with the inverse square root of its rate
            for quantity, length, relative in (
                ("l_par", longitudinal_length, allowed[2, 2] / found.longitudinal),
                ("l_perp", transverse_length, allowed.max() / found.transverse),
            ):
                allowance = _Allowance(
                    float(length(film, found)),
                    float(relative) * largest + 8 * EPSILON,
                    "relative; the rates' tolerances carried through",
                )
                yield read(allowance, (quantity, "(81)", "m"), partial(length, film))
        precession_scale, precession_tolerance, _ = _precession_allowance(s, found)
        # (2 l/d) tanh(d/2l) changes by at most half the relative change of 1/l^2
        decay = np.abs(transverse_decay(film, found)) * film.diffusion
        shift = allowed.max() * largest + precession_tolerance * precession_scale
        change = shift / decay if decay else 0.0
        if found.longitudinal > 0:
            change = change + allowed[2, 2] * largest / found.longitudinal
        scale = film.spin_hall_angle**2 * film.resistivity or film.resistivity
        allowance = _Allowance(
            scale,
            float(change) + 8 * EPSILON * film.resistivity / scale,
            "over theta_SH^2 rho_L0; the rates' tolerances carried through",
        )

        def resistance(component: str, rates: Relaxation) -> Array:
            return np.asarray(getattr(resistivity(film, rates, s.case.direction), component))

        yield read(allowance, ("rho_L", "(86)", "Ohm m"), partial(resistance, "longitudinal"))
        yield read(allowance, ("rho_T", "(87)", "Ohm m"), partial(resistance, "transverse"))


# --- the other closed forms, against Bloch-Redfield ------------------------------------------


def _golden_rule(s: Solution, exact: _Exact) -> Iterator[Check]:
    """Any quantisation axis, the weights W, dephasing, B_sd, spin per charge."""
    case, state, forms = s.case, s.state, _formulas()
    magnet, electrons = case.sample.magnet, case.sample.electrons
    found = s.rates["bloch-redfield"]
    exchange_part = replace(found, spin_flip_rate=0.0)
    check = partial(_check, s, "bloch-redfield", _rate_allowance(found, (0, 0)))

    def from_weights(name: str, *angle: float) -> Array:
        weights = getattr(forms, name)(magnet.exchange, magnet.densities, *angle)
        flux = forms.flip_flux(weights, forms.thermal_lines(state, magnet.disorder))
        return np.asarray(forms.relaxation_rate(flux, electrons).sum(axis=-1))

    yield check(
        ("1/tau_par from W", "(61), (66)", "1/s"),
        partial(from_weights, "flip_weights_longitudinal"),
        exchange_part.longitudinal,
    )
    for theta, phi in AXES:
        yield check(
            (f"1/tau along ({theta}, {phi})", "(35)-(46)", "1/s"),
            partial(forms.rate_along, magnet, electrons, state, theta, phi),
            exchange_part.along((theta, phi)),
        )
        yield check(
            (f"1/tau_perp({phi}) from W", "(61), (74)", "1/s"),
            partial(from_weights, "flip_weights_transverse", phi),
            exchange_part.along((0.5 * np.pi, phi)),
        )
    lines = partial(forms.thermal_lines, state, magnet.disorder)
    yield check(
        ("dephasing", "(75)", "1/s"),
        lambda: forms.dephasing(magnet, electrons, lines()).sum(axis=-1),
        s.dephasing,
    )
    yield _check(
        s,
        "bloch-redfield",
        _field_allowance(s),
        ("B_sd", "(83)", "T"),
        lambda: forms.exchange_field(magnet, electrons, state),
        found.exchange_field,
    )
    if found.dissipator[2, 2] > 0:
        # an exchange-only steady state: the flips of the two spins balance
        up, down = electrons.dos_up, electrons.dos_down
        yield _check(
            s,
            "densities of states",
            _Allowance(1.0, 16 * EPSILON, "absolute; rounding"),
            ("dN_par/dN_0", "(63)", "1"),
            lambda: forms.spin_per_charge(exact().dissipator[2, 2], exact().charge_to_spin),
            (up - down) / (up + down),
        )


def _isotropic(s: Solution, _: _Exact) -> Iterator[Check]:
    """Eqs. (84), (85), (91), (92) and their limits, where the coupling is isotropic."""
    sample, found, state, forms = s.case.sample, s.rates["bloch-redfield"], s.state, _formulas()
    magnet, electrons = sample.magnet, sample.electrons
    if np.ptp(magnet.exchange, axis=-1).any():
        return
    arguments = sample.film.spin_flip_rate, magnet, electrons, state
    total = partial(_check, s, "bloch-redfield", _total_rate_allowance(found))
    yield total(
        ("1/tau_par, isotropic", "(84), (91)", "1/s"),
        lambda: forms.longitudinal_isotropic(*arguments),
        found.longitudinal,
    )
    yield total(
        ("1/tau_perp, isotropic", "(85), (92)", "1/s"),
        lambda: forms.transverse_isotropic(*arguments),
        found.transverse,
    )
    if magnet.disorder != "random":
        return
    depth = np.abs(state.reduced_splitting)
    check = partial(_check, s, "bloch-redfield", _rate_allowance(found, (0, 0)))
    if np.all(depth == 0):
        yield check(
            ("Omega_1, beta eps_L = 0", "Sec. V A", "1/s"),
            lambda: forms.paramagnetic_rate(magnet, electrons),
            found.dissipator[0, 0],
        )
    if np.all(depth > 40):  # flips and fluctuations are down to 40 exp(-40) = 2e-16
        yield check(
            ("Omega_0, beta eps_L > 40", "Sec. V A", "1/s"),
            lambda: forms.saturated_dephasing(magnet, electrons),
            found.dissipator[0, 0],
        )


def _other_version(state: Equilibrium, form: str) -> Relaxation:
    return relaxation_at(state, form=form)


def _fermi_sea(s: Solution, exact: _Exact) -> Iterator[Check]:
    """The kinetic equation: longitudinal rate and 1/T_0 as they stand, transverse rate with R."""
    sea, corrected = s.fermi_sea, partial(_other_version, s.state, "finite-splitting")
    for quantity, equation, form, attribute in (
        ("1/tau_par", "(70)", exact, "longitudinal"),
        ("1/tau_perp with R", "(75) with R", corrected, "transverse"),
        ("1/T_0", "(62)", exact, "charge_to_spin"),
    ):
        label, rate = (f"Fermi sea: {quantity}", equation, "1/s"), attrgetter(attribute)
        yield _read(sea, s, form, _total_rate_allowance(sea), label, rate)
    for name, equation, law in (
        ("Fermi sea: f moves by", "(50)", "stationarity"),
        ("Fermi sea: charge changes by", "(58)", "charge"),
    ):
        value = sea.diagnostics[law]
        yield _check(s, "kinetic", LAW, (name, equation, "1"), lambda: 0.0, value)


def _other_forms(s: Solution, _: _Exact) -> Iterator[Check]:
    """Printed forms, held to the size of their misprint, and the form for finite splitting."""
    case, state, found, forms = s.case, s.state, s.rates["bloch-redfield"], _formulas()
    magnet, electrons = case.sample.magnet, case.sample.electrons
    rounding = _rate_allowance(found, (0, 0))
    check = partial(_check, s, "bloch-redfield", rounding)
    lines = partial(forms.thermal_lines, state, magnet.disorder)
    jx, jy, _ = magnet.exchange[0]
    if len(magnet.sublattices) == 1 and (jx or jy):
        part = float(1 - jx * jy / (jx**2 + jy**2))
        printed = part * found.dissipator[2, 2]
        yield check(
            (f"1/tau_par printed = {part:.4g} of it", "(70) printed", "1/s"),
            lambda: forms.longitudinal_printed(magnet, electrons, lines()).sum(axis=-1),
            printed,
        )
        yield check(
            (f"form='printed' = {part:.4g} of it", "(70) printed", "1/s"),
            lambda: _other_version(state, "printed").dissipator[2, 2],
            printed,
        )
    yield check(
        ("dephasing printed, times nu_F", "(75) printed", "1/s"),
        lambda: forms.dephasing_printed(magnet, lines()).sum(axis=-1) * electrons.dos,
        s.dephasing,
    )
    yield _check(
        s,
        "bloch-redfield",
        _field_allowance(s),
        ("B_sd printed, times hbar", "(83) printed", "T"),
        lambda: forms.exchange_field_printed(magnet, electrons, state) * units.HBAR,
        found.exchange_field,
    )
    # flips alone, with the splitting in the dissipator; tanh(w/2)/(w/2) of them is what the Fermi
    # sea does to transverse spins
    split = s.flips_split
    w = float(units.HBAR * split.precession / (units.K_B * split.temperature))
    flips = split.dissipator[0, 0] + split.dissipator[1, 1]
    expected = 0.5 * flips * (float(np.tanh(0.5 * w) / (0.5 * w)) if w else 1.0)
    flips_check = partial(_check, s, "bloch-redfield, split", rounding)
    yield flips_check(
        ("transverse flips with R", "(75) with R", "1/s"),
        lambda: forms.transverse_flips_finite_splitting(
            split.sample.magnet, electrons, state, split.precession
        ).sum(axis=-1),
        expected,
    )
    yield flips_check(
        ("form='finite-splitting', flips", "(75) with R", "1/s"),
        lambda: (
            np.trace(_other_version(split.equilibrium, "finite-splitting").dissipator[:2, :2]) / 2
        ),
        expected,
    )
    yield _read(
        found,
        s,
        partial(_other_version, s.state, "finite-splitting"),
        rounding,
        ("form='finite-splitting', xx - yy", "(75)", "1/s"),
        lambda rates: rates.dissipator[0, 0] - rates.dissipator[1, 1],
    )
