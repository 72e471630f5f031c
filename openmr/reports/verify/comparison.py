"""Closed forms set beside what was measured: here they enter, and only here.

Every deviation and tolerance is relative to a stated scale. A check that cannot be computed counts
as missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from openmr import units
from openmr._checks import EPSILON, Array
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.reports.verify.cases import NUMERICAL, Measurement
from openmr.transport.resistivity import resistivity
from openmr.transport.surviving import longitudinal_length, transverse_decay, transverse_length

TENSOR_TOLERANCE: Final = 1e-12
"""Of the largest rate: some thousand roundings of the tensor's sums."""
EVOLUTION_TOLERANCE: Final = 1e-4
"""Of the largest rate; three times the stated uncertainty if that is less."""
PRECESSION_TOLERANCE: Final = 1e-8
"""Of |omega_B| plus the exchange shifts of all sublattices."""
AXES: Final = ((0.7, 0.4), (1.2, 2.5), (2.9, 5.1))
"""(theta, phi) [rad] of some quantisation axes."""


@dataclass(frozen=True, slots=True)
class Check:
    """One number by closed form, beside the same number from a numerical route.

    Attributes
    ----------
    case, quantity, equation, unit : str
    route : str
        Where `numerical` comes from.
    closed_form, numerical : float
        In `unit`.
    deviation, tolerance : float
        Relative to the scale that `because` names.
    because : str
        What the deviation is relative to, and the reason of the tolerance.
    """

    case: str
    quantity: str
    equation: str
    unit: str
    route: str
    closed_form: float
    numerical: float
    deviation: float
    tolerance: float
    because: str

    @property
    def ok(self) -> bool:
        """Whether the deviation is within its tolerance; a NaN is not."""
        return bool(self.deviation <= self.tolerance)


class _Allowance(NamedTuple):
    scale: float
    tolerance: float
    because: str


def compare(measurements: Iterable[Measurement]) -> list[Check]:
    """Set the closed forms beside what was measured.

    Parameters
    ----------
    measurements : iterable of Measurement

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
    return [check for m in measurements for part in parts for check in part(m)]


def _check(
    m: Measurement,
    label: tuple[str, str, str],
    closed_form: Callable[[], ArrayLike],
    numerical: ArrayLike,
    allowance: _Allowance,
    *,
    route: str = "bloch-redfield",
    show: Callable[[float], float] = float,
) -> Check:
    """One check; `show` turns the compared number into the one that is printed."""
    scale, tolerance, because = allowance
    try:
        value = float(np.squeeze(closed_form()))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        value, because = float("nan"), f"could not be computed: {error}"
    quantity, equation, unit = label
    measured = float(np.squeeze(numerical))
    return Check(
        case=m.case.name,
        quantity=quantity,
        equation=equation,
        unit=unit,
        route=route,
        closed_form=show(value) + 0.0,
        numerical=show(measured) + 0.0,
        deviation=abs(measured - value) / scale,
        tolerance=tolerance,
        because=because,
    )


def _formulas() -> ModuleType:
    """Loaded late, so that the numerical routes run without it and a test can replace it."""
    return import_module("openmr.rates.closed_form")


def _reference(m: Measurement) -> Callable[[], Relaxation]:
    """The closed-form record, computed once and when first asked for."""
    return cache(lambda: relaxation_at(m.state))


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


def _spin_splittings(m: Measurement) -> float:
    """Zeeman splitting plus the exchange shifts of all sublattices, each by magnitude [eV]."""
    sample = m.case.sample
    shifts = (
        abs(sublattice.principal_energy[2] * mean)
        for sublattice, (mean, _) in zip(sample.magnet.sublattices, m.moments, strict=True)
    )
    return float(abs(sample.electrons.g * units.MU_B * m.case.field) + sum(shifts))


def _precession_allowance(m: Measurement, found: Relaxation) -> _Allowance:
    scale = _spin_splittings(m) / units.HBAR
    if scale == 0.0:  # no precession at all: what the fit says of its own zero
        return _rate_allowance(found, (0, 1), (1, 0))
    tolerance = TENSOR_TOLERANCE if found.uncertainty is None else PRECESSION_TOLERANCE
    return _Allowance(scale, tolerance, "over |omega_B| + |exchange shifts|; asked of the method")


def _field_allowance(m: Measurement) -> _Allowance:
    scale = _spin_splittings(m) / abs(m.case.sample.electrons.g * units.MU_B)
    return _Allowance(
        scale or 1.0, TENSOR_TOLERANCE, "over |B| + |B_sd| of each sublattice; rounding"
    )


# --- the line: moments, bath, rates, transport -----------------------------------------------


def _moments(m: Measurement) -> Iterator[Check]:
    """Thermal averages from the operators of the Hilbert space, Eqs. (32), (33)."""
    spins, splittings = m.case.sample.magnet.spins, m.state.reduced_splitting
    for i, (spin, x, measured) in enumerate(zip(spins, splittings, m.moments, strict=True)):
        if x == 0:
            continue  # the closed forms have a removable 0/0 there
        site = f" [{i}]" if len(spins) > 1 else ""
        # the coth's of the closed forms cancel to one part in x^2
        rounding = _Allowance(
            1.0, 16 * EPSILON * spin * (spin + 1) * (1 + 1 / x**2), "absolute; rounding of coth"
        )
        yield _check(
            m,
            ("<S_par>" + site, "(32)", "1"),
            lambda spin=spin, x=x: _formulas().mean_spin(spin, x),  # type: ignore[misc]
            measured[0],
            rounding,
            route="operators",
        )
        yield _check(
            m,
            ("<S_par^2>" + site, "(33)", "1"),
            lambda spin=spin, x=x: _formulas().second_moment(spin, x),  # type: ignore[misc]
            measured[1],
            rounding,
            route="operators",
        )


def _invariants(m: Measurement) -> Iterator[Check]:
    """What any second-order generator must obey: zero is the right answer."""
    found = m.rates["bloch-redfield"]
    depth = float(np.abs(m.state.reduced_splitting).max())
    rounding = _Allowance(1.0, TENSOR_TOLERANCE, "over the largest exchange rate; rounding")
    kms = _Allowance(1.0, 64 * EPSILON * (1 + depth), "over the larger side; rounding of exp(x)")
    negative = -min(0.0, float(found.diagnostics["positivity"]))
    for label, value, allowance in (
        (("detailed balance violated by", "(48)", "1"), found.diagnostics["kms"], kms),
        (("trace changes by", "(58)", "1"), found.diagnostics["trace"], rounding),
        (("fixed point moves by", "(50)", "1"), found.diagnostics["fixed_point"], rounding),
        (("positivity violated by", "(34)", "1"), negative, rounding),
    ):
        yield _check(m, label, lambda: 0.0, value, allowance)


def _rates(m: Measurement) -> Iterator[Check]:
    """tau_par, tau_perp, omega_L, the nine elements and 1/T_0 by each numerical route."""
    exact = _reference(m)
    for route in NUMERICAL:
        found = m.rates[route]
        yield _check(
            m,
            ("tau_par", "(70)", "s"),
            lambda: exact().longitudinal,
            found.longitudinal,
            _rate_allowance(found, (2, 2)),
            route=route,
            show=_time,
        )
        yield _check(
            m,
            ("tau_perp", "(75)", "s"),
            lambda: exact().transverse,
            found.transverse,
            _rate_allowance(found, (0, 0), (1, 1)),
            route=route,
            show=_time,
        )
        yield _check(
            m,
            ("omega_L", "(78)", "rad/s"),
            lambda: exact().precession,
            found.precession,
            _precession_allowance(m, found),
            route=route,
        )
        for a, b in np.ndindex(3, 3):
            yield _check(
                m,
                (f"Gamma_{'xyz'[a]}{'xyz'[b]}", "(70), (75)", "1/s"),
                lambda a=a, b=b: exact().dissipator[a, b],  # type: ignore[misc]
                found.dissipator[a, b],
                _rate_allowance(found, (a, b)),
                route=route,
            )
        yield _check(
            m,
            ("1/T_0", "(62)", "1/s"),
            lambda: exact().charge_to_spin,
            found.charge_to_spin,
            _rate_allowance(found, (2, 2)),
            route=route,
        )


def _time(rate: float) -> float:
    return 1.0 / rate if rate else float("inf")


def _transport(m: Measurement) -> Iterator[Check]:
    """Diffusion lengths and resistivities from the rates of each route."""
    film, exact = m.case.sample.film, _reference(m)
    for route in NUMERICAL:
        found = m.rates[route]
        largest, allowed = _largest_rate(found), _element_tolerance(found)
        if found.longitudinal > 0:
            # a length goes with the inverse square root of its rate
            lengths = {
                "l_par": (longitudinal_length, allowed[2, 2] / found.longitudinal),
                "l_perp": (transverse_length, allowed.max() / found.transverse),
            }
            for quantity, (length, relative) in lengths.items():
                measured = float(length(film, found))
                yield _check(
                    m,
                    (quantity, "(81)", "m"),
                    lambda length=length: length(film, exact()),  # type: ignore[misc]
                    measured,
                    _Allowance(
                        measured,
                        float(relative) * largest + 8 * EPSILON,
                        "relative; the rates' tolerances carried through",
                    ),
                    route=route,
                )
        precession_scale, precession_tolerance, _ = _precession_allowance(m, found)
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
        for quantity, equation, attribute in (
            ("rho_L", "(86)", "longitudinal"),
            ("rho_T", "(87)", "transverse"),
        ):

            def resistance(rates: Relaxation, attribute: str = attribute) -> Array:
                found = resistivity(film, rates, m.case.direction)
                return np.asarray(getattr(found, attribute))

            yield _check(
                m,
                (quantity, equation, "Ohm m"),
                lambda resistance=resistance: resistance(exact()),  # type: ignore[misc]
                resistance(found),
                allowance,
                route=route,
            )


# --- the other closed forms, against Bloch-Redfield ------------------------------------------


def _golden_rule(m: Measurement) -> Iterator[Check]:
    """Any quantisation axis, the weights W, dephasing, B_sd, spin per charge."""
    case, state = m.case, m.state
    magnet, electrons = case.sample.magnet, case.sample.electrons
    found = m.rates["bloch-redfield"]
    exchange_part = replace(found, spin_flip_rate=0.0)
    rounding = _rate_allowance(found, (0, 0))

    def lines() -> Any:
        return _formulas().thermal_lines(state, magnet.disorder)

    def from_weights(name: str, *angle: float) -> Array:
        weights = getattr(_formulas(), name)(magnet.exchange, magnet.densities, *angle)
        flux = _formulas().flip_flux(weights, lines())
        return np.asarray(_formulas().relaxation_rate(flux, electrons).sum(axis=-1))

    yield _check(
        m,
        ("1/tau_par from W", "(61), (66)", "1/s"),
        lambda: from_weights("flip_weights_longitudinal"),
        exchange_part.longitudinal,
        rounding,
    )
    for theta, phi in AXES:
        yield _check(
            m,
            (f"1/tau along ({theta}, {phi})", "(35)-(46)", "1/s"),
            lambda theta=theta, phi=phi: _formulas().rate_along(  # type: ignore[misc]
                magnet, electrons, state, theta, phi
            ),
            exchange_part.along((theta, phi)),
            rounding,
        )
        yield _check(
            m,
            (f"1/tau_perp({phi}) from W", "(61), (74)", "1/s"),
            lambda phi=phi: from_weights("flip_weights_transverse", phi),  # type: ignore[misc]
            exchange_part.along((0.5 * np.pi, phi)),
            rounding,
        )
    yield _check(
        m,
        ("dephasing", "(75)", "1/s"),
        lambda: _formulas().dephasing(magnet, electrons, lines()).sum(axis=-1),
        m.dephasing,
        rounding,
    )
    yield _check(
        m,
        ("B_sd", "(83)", "T"),
        lambda: _formulas().exchange_field(magnet, electrons, state),
        found.exchange_field,
        _field_allowance(m),
    )
    if found.dissipator[2, 2] > 0:
        exact = _reference(m)
        # an exchange-only steady state: the flips of the two spins balance
        populations = (electrons.dos_up - electrons.dos_down) / (
            electrons.dos_up + electrons.dos_down
        )
        yield _check(
            m,
            ("dN_par/dN_0", "(63)", "1"),
            lambda: _formulas().spin_per_charge(exact().dissipator[2, 2], exact().charge_to_spin),
            populations,
            _Allowance(1.0, 16 * EPSILON, "absolute; rounding"),
            route="densities of states",
        )


def _isotropic(m: Measurement) -> Iterator[Check]:
    """Eqs. (84), (85), (91), (92) and their limits, where the coupling is isotropic."""
    sample, found, state = m.case.sample, m.rates["bloch-redfield"], m.state
    magnet, electrons = sample.magnet, sample.electrons
    if np.ptp(magnet.exchange, axis=-1).any():
        return
    arguments = sample.film.spin_flip_rate, magnet, electrons, state
    yield _check(
        m,
        ("1/tau_par, isotropic", "(84), (91)", "1/s"),
        lambda: _formulas().longitudinal_isotropic(*arguments),
        found.longitudinal,
        _total_rate_allowance(found),
    )
    yield _check(
        m,
        ("1/tau_perp, isotropic", "(85), (92)", "1/s"),
        lambda: _formulas().transverse_isotropic(*arguments),
        found.transverse,
        _total_rate_allowance(found),
    )
    if magnet.disorder != "random":
        return
    depth = np.abs(state.reduced_splitting)
    rounding = _rate_allowance(found, (0, 0))
    if np.all(depth == 0):
        yield _check(
            m,
            ("Omega_1, beta eps_L = 0", "Sec. V A", "1/s"),
            lambda: _formulas().paramagnetic_rate(magnet, electrons),
            found.dissipator[0, 0],
            rounding,
        )
    if np.all(depth > 40):  # flips and fluctuations are down to 40 exp(-40) = 2e-16
        yield _check(
            m,
            ("Omega_0, beta eps_L > 40", "Sec. V A", "1/s"),
            lambda: _formulas().saturated_dephasing(magnet, electrons),
            found.dissipator[0, 0],
            rounding,
        )


def _fermi_sea(m: Measurement) -> Iterator[Check]:
    """The kinetic equation: longitudinal rate and 1/T_0 as they stand, transverse rate with R."""
    sea, exact = m.fermi_sea, _reference(m)
    rounding = _total_rate_allowance(sea)
    laws = _Allowance(1.0, TENSOR_TOLERANCE, "over the largest exchange rate; rounding")
    corrected = cache(lambda: relaxation_at(m.state, form="finite-splitting"))
    yield _check(
        m,
        ("Fermi sea: 1/tau_par", "(70)", "1/s"),
        lambda: exact().longitudinal,
        sea.longitudinal,
        rounding,
        route="kinetic",
    )
    yield _check(
        m,
        ("Fermi sea: 1/tau_perp with R", "(75) with R", "1/s"),
        lambda: corrected().transverse,
        sea.transverse,
        rounding,
        route="kinetic",
    )
    yield _check(
        m,
        ("Fermi sea: 1/T_0", "(62)", "1/s"),
        lambda: exact().charge_to_spin,
        sea.charge_to_spin,
        rounding,
        route="kinetic",
    )
    for label, equation, law in (
        ("Fermi sea: f moves by", "(50)", "stationarity"),
        ("Fermi sea: charge changes by", "(58)", "charge"),
    ):
        yield _check(
            m, (label, equation, "1"), lambda: 0.0, sea.diagnostics[law], laws, route="kinetic"
        )


def _other_forms(m: Measurement) -> Iterator[Check]:
    """Printed forms, held to the size of their misprint, and the form for finite splitting."""
    case, state, found = m.case, m.state, m.rates["bloch-redfield"]
    magnet, electrons = case.sample.magnet, case.sample.electrons
    rounding = _rate_allowance(found, (0, 0))
    jx, jy, _ = magnet.exchange[0]

    def lines() -> Any:
        return _formulas().thermal_lines(state, magnet.disorder)

    if len(magnet.sublattices) == 1 and (jx or jy):
        part = float(1 - jx * jy / (jx**2 + jy**2))
        printed = part * found.dissipator[2, 2]
        yield _check(
            m,
            (f"1/tau_par printed = {part:.4g} of it", "(70) printed", "1/s"),
            lambda: _formulas().longitudinal_printed(magnet, electrons, lines()).sum(axis=-1),
            printed,
            rounding,
        )
        yield _check(
            m,
            (f"form='printed' = {part:.4g} of it", "(70) printed", "1/s"),
            lambda: relaxation_at(m.state, form="printed").dissipator[2, 2],
            printed,
            rounding,
        )
    yield _check(
        m,
        ("dephasing printed, times nu_F", "(75) printed", "1/s"),
        lambda: _formulas().dephasing_printed(magnet, lines()).sum(axis=-1) * electrons.dos,
        m.dephasing,
        rounding,
    )
    yield _check(
        m,
        ("B_sd printed, times hbar", "(83) printed", "T"),
        lambda: _formulas().exchange_field_printed(magnet, electrons, state) * units.HBAR,
        found.exchange_field,
        _field_allowance(m),
    )
    # flips alone, with the splitting in the dissipator; tanh(w/2)/(w/2) of them is what the Fermi
    # sea does to transverse spins
    split = m.flips_split
    w = float(units.HBAR * split.precession / (units.K_B * split.temperature))
    flips = split.dissipator[0, 0] + split.dissipator[1, 1]
    expected = 0.5 * flips * (float(np.tanh(0.5 * w) / (0.5 * w)) if w else 1.0)
    yield _check(
        m,
        ("transverse flips with R", "(75) with R", "1/s"),
        lambda: (
            _formulas()
            .transverse_flips_finite_splitting(
                split.sample.magnet, electrons, state, split.precession
            )
            .sum(axis=-1)
        ),
        expected,
        rounding,
        route="bloch-redfield, split",
    )
    yield _check(
        m,
        ("form='finite-splitting', flips", "(75) with R", "1/s"),
        lambda: (
            np.trace(relaxation_at(split.equilibrium, form="finite-splitting").dissipator[:2, :2])
            / 2
        ),
        expected,
        rounding,
        route="bloch-redfield, split",
    )

    def anisotropy(dissipator: Array) -> Array:
        return np.asarray(dissipator[0, 0] - dissipator[1, 1])

    yield _check(
        m,
        ("form='finite-splitting', xx - yy", "(75)", "1/s"),
        lambda: anisotropy(relaxation_at(m.state, form="finite-splitting").dissipator),
        anisotropy(found.dissipator),
        rounding,
    )
