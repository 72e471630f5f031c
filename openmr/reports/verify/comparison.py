"""Numbers that ship beside those found without them: here they enter, and only here.

Every deviation and tolerance is relative to a stated scale. A part that raises counts as missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from importlib import import_module
from types import ModuleType
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from openmr import units
from openmr._checks import EPSILON, Array
from openmr.bath.correlators import electron_hole_spectrum
from openmr.moments.equilibrium import Equilibrium
from openmr.rates.axes import film_tensor
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.reports.verify import reference
from openmr.reports.verify.cases import THIN, Solution
from openmr.reports.verify.check import TENSOR_TOLERANCE, Allowance, Check, check, relative
from openmr.reports.verify.stack_comparison import OF_STACKS, StackLine
from openmr.reports.verify.stacks import StackSolution
from openmr.sample import ordering
from openmr.sample.film import Electrons, Film
from openmr.sample.magnet import Magnet, Moments
from openmr.transport import surviving
from openmr.transport.diffusion import Method, graded_profile, profile
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import Resistivity, mechanisms, resistivity

EVOLUTION_TOLERANCE: Final = 1e-4
"""Part of the largest rate; three times the stated uncertainty if that is less."""
PRECESSION_TOLERANCE: Final = 1e-8
"""Part of |omega_B| plus the exchange shifts of all sublattices."""
LAW: Final = Allowance(1.0, TENSOR_TOLERANCE, "over the largest exchange rate; rounding")
AXES: Final = ((0.7, 0.4), (1.2, 2.5), (2.9, 5.1))
"""(theta, phi) [rad] of some quantisation axes."""
E: Final = 2.0
"""Electric field of the profiles [V/m]."""
LONGEST_SUM: Final = 1e4
"""|beta eps_L| up to which the noise is integrated."""


class _Line:
    """One case: what was found, and what ships, worked out when first asked for."""

    def __init__(self, solution: Solution) -> None:
        self.s, self.sample = solution, solution.case.sample
        self.magnet, self.electrons = self.sample.magnet, self.sample.electrons
        self.film, self.b = self.sample.film, np.array(solution.case.direction)
        self.bare = 1 / self.film.spin_flip_time
        self.found = solution.rates["bloch-redfield"]
        self.sites = [f" [{i}]" for i in range(len(solution.averages))]
        if len(self.sites) == 1:
            self.sites = [""]
        self.check = partial(check, solution.case.name)

    @cached_property
    def resistivity(self) -> Resistivity:
        case = self.s.case
        return magnetoresistance(case.sample, case.temperature, case.field, case.direction)

    @property
    def rates(self) -> Relaxation:
        return self.resistivity.relaxation

    @property
    def state(self) -> Equilibrium:
        found = self.rates.equilibrium
        assert isinstance(found, Equilibrium)  # `solve` has refused moments with axes of their own
        return found

    @property
    def forms(self) -> ModuleType:
        """Loaded late, so that the numerical routes run without it."""
        return import_module("openmr.rates.closed_form")

    @property
    def lines(self) -> Any:
        return self.forms.thermal_lines(self.state, self.magnet.disorder)


def compare(
    solutions: Iterable[Solution | StackSolution], stations: Iterable[str] | None = None
) -> Iterator[Check]:
    """Set what ships beside what the routes found, one number after the other.

    Of some stations only, or of all of the line.
    """
    asked = tuple(_STATIONS if stations is None else stations)
    for solution in solutions:
        line: _Line | StackLine
        parts: Mapping[str, tuple[Callable[[Any], Iterator[Check]], ...]]
        if isinstance(solution, StackSolution):
            line, parts = StackLine(solution), OF_STACKS
        else:
            line, parts = _Line(solution), _STATIONS
        for station in asked:
            for part in parts.get(station, ()):
                for found in _checks(part, line):
                    yield replace(found, station=station)


def _checks(part: Callable[[Any], Iterator[Check]], line: _Line | StackLine) -> Iterator[Check]:
    try:
        yield from part(line)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        allowance = Allowance(1.0, EPSILON, f"could not be computed: {e}")
        yield line.check(allowance, "none", str(part.__doc__), "-", "-", np.nan, np.nan)


# --- scales and tolerances -------------------------------------------------------------------


def _largest_rate(found: Relaxation) -> float:
    """Largest element of the exchange part [1/s]; of 1/tau_0 where nothing couples."""
    return float(np.abs(found.dissipator).max()) or found.spin_flip_rate or 1.0


def _tensor_tolerance(line: _Line) -> float:
    """With the rounding of the Weiss field: the averages change by 2S + 1 of it at the most."""
    return TENSOR_TOLERANCE + float(
        (2 * line.magnet.spins + 2).max(initial=0.0) * line.s.rounding.max(initial=0.0)
    )


def _element_tolerance(line: _Line, found: Relaxation) -> Array:
    """Tolerance of each tensor element over the largest, (3, 3)."""
    tolerance = _tensor_tolerance(line)
    if found.uncertainty is None:
        return np.full((3, 3), tolerance)
    stated = 3 * found.uncertainty / _largest_rate(found) + tolerance
    return np.asarray(np.minimum(EVOLUTION_TOLERANCE, stated))


def _rate_allowance(line: _Line, found: Relaxation, *elements: tuple[int, int]) -> Allowance:
    tolerance = _element_tolerance(line, found)
    reason = "rounding" if found.uncertainty is None else "3 stated uncertainties, at most 1e-4"
    return Allowance(
        _largest_rate(found),
        max(float(tolerance[element]) for element in elements or ((0, 0),)),
        f"over the largest exchange rate; {reason}",
    )


def _total_rate_allowance(line: _Line, found: Relaxation) -> Allowance:
    """For rates with 1/tau_0, whose rounding may exceed that of the exchange part."""
    scale, tolerance, because = _rate_allowance(line, found)
    return Allowance(scale, tolerance + 8 * EPSILON * line.bare / scale, because)


def _spin_splittings(line: _Line) -> float:
    """Zeeman splitting plus the exchange shifts of all sublattices, each by magnitude [eV]."""
    means = np.array([averages.mean for averages in line.s.averages])
    shifts = np.abs(line.magnet.densities * line.magnet.exchange[:, 2] * means).sum()
    return float(abs(line.electrons.g * units.MU_B * line.s.case.field) + shifts)


def _turning_tolerance(line: _Line) -> float:
    """With the rounding of the Weiss field: the variance is at most S^2."""
    shifts = line.magnet.densities * np.abs(line.magnet.exchange[:, 2]) * line.magnet.spins**2
    return TENSOR_TOLERANCE + float(shifts @ line.s.rounding) / (_spin_splittings(line) or 1.0)


def _precession_allowance(line: _Line, found: Relaxation) -> Allowance:
    scale = _spin_splittings(line) / units.HBAR
    if scale == 0.0:  # no precession at all: what the fit says of its own zero
        return _rate_allowance(line, found, (0, 1), (1, 0))
    tolerance = _turning_tolerance(line) + PRECESSION_TOLERANCE * (found.uncertainty is not None)
    return Allowance(scale, tolerance, "over |omega_B| + |exchange shifts|; asked of the method")


def _surviving_tolerance(line: _Line, found: Relaxation) -> float:
    """Change of the surviving fraction that the tolerances of the rates allow."""
    allowed, largest = _element_tolerance(line, found), _largest_rate(found)
    scale, tolerance, _ = _precession_allowance(line, found)
    along, across = _rates_of(line, found)
    # (2 l/d) tanh(d/2l) changes by at most half the relative change of 1/l^2
    decay = np.hypot(across, found.precession)
    change = (allowed.max() * largest + tolerance * scale) / decay if decay else 0.0
    change += allowed[2, 2] * largest / along if along > 0 else 0.0
    return float(change) + line.s.diffused[found.method].rounding


def _rates_of(line: _Line, found: Relaxation) -> tuple[float, float]:
    """1/tau_par and 1/tau_perp [1/s] of a route's tensor."""
    gamma = found.dissipator
    return gamma[2, 2] + line.bare, 0.5 * (gamma[0, 0] + gamma[1, 1]) + line.bare


# --- sample, moments, bath -------------------------------------------------------------------


def _conversions(line: _Line) -> Iterator[Check]:
    """Another unit or another name of a number of the sample, by the other way round."""
    from scipy import constants  # not for `import openmr` to wait for

    magnet, electrons, film = line.magnet, line.electrons, line.film

    def row(name: str, unit: str, form: ArrayLike, own: float, off: float = 64 * EPSILON) -> Check:
        because = "rounding" if off < 1e-9 else "two adjustments of the constants"
        allowance = relative(own, off, because)
        return line.check(allowance, "own arithmetic", name, "-", unit, form, own)

    for site, one in zip(line.sites, magnet.sublattices, strict=True):
        own = one.density * np.array(one.principal_exchange)
        a = int(np.argmax(np.abs(own)))
        again = Moments(one.spin, one.density, exchange_energy=own)
        yield row(f"n_S J{site}", "eV", one.principal_energy[a], own[a])
        yield row(f"n_S J, any form{site}", "eV", np.ravel(one.exchange_energy)[a], own[a])
        yield row(f"J of n_S J{site}", "eV m^3", again.exchange[a], one.principal_exchange[a])
    for first in magnet.sublattices[:1]:  # J0 <S^2> = k_B T_C of free moments
        needed = 20 * units.K_B / reference.boltzmann(first.spin, 0.0).square
        yield row("J0 of T_C", "eV", Magnet(first, curie_temperature=20.0).weiss[0][0], needed)
        pair = Magnet([first, first], neel_temperature=20.0)
        yield row("J0 of T_N", "eV", pair.weiss[0][1], -needed)
    curie, neel = reference.ordering_temperatures(magnet)
    yield row("T_C", "K", ordering.curie_temperature(magnet), curie)
    yield row("T_N", "K", ordering.neel_temperature(magnet), neel)
    yield row("T_C or T_N", "K", ordering.ordering_temperature(magnet), curie + neel)
    yield row("1/tau_0", "1/s", film.spin_flip_rate, line.bare)
    if line.bare:
        length = (film.diffusion / line.bare) ** 0.5
        again_film = Film(5e-9, 0.1, film.diffusion, None, 2e-6, diffusion_length=length)
        yield row("l_0", "m", film.diffusion_length, length)
        yield row("tau_0 of l_0", "s", again_film.spin_flip_time, film.spin_flip_time)
    dos, charge = 0.5 * (electrons.dos_up + electrons.dos_down), constants.e
    einstein = 1 / (2 * charge * dos * film.resistivity)
    yield row("nu_F", "1/eV m^3", electrons.dos, dos)
    yield row("D of rho_L0", "m^2/s", electrons.diffusion(film.resistivity), einstein)
    free = 1.5 * (constants.m_e * charge / constants.hbar**2) ** 1.5 / (6 * np.pi**2) * 4**0.5
    yield row("nu_F at 4 eV, half the mass", "1/eV m^3", Electrons.free(4.0, 0.5).dos, free, 1e-8)
    yield row("hbar", "eV s", units.HBAR, constants.hbar / charge, 1e-8)
    yield row("k_B", "eV/K", units.K_B, constants.k / charge, 1e-8)
    yield row("mu_B", "eV/T", units.MU_B, constants.value("Bohr magneton in eV/T"), 1e-8)


def _moments(line: _Line) -> Iterator[Check]:
    """The state of lowest free energy, Eqs. (29)-(33), (67), (68), and closed forms of averages."""
    for i, (site, own) in enumerate(zip(line.sites, line.s.averages, strict=True)):
        spin, x = float(line.magnet.spins[i]), float(line.s.state.reduced_splitting[i])
        rounding = float(line.s.rounding[i])
        absolute = Allowance(1.0, rounding + EPSILON, "absolute; rounding over the stiffness")
        solved = line.state.reduced_splitting[i]
        yield line.check(absolute, "free energy", "beta eps_L" + site, "(30)", "1", solved, x)
        # none of the averages changes by more than 2S of itself with beta eps_L
        allowed = 64 * EPSILON * (1 + 2 * spin * abs(x)) + 2 * spin * rounding
        square = spin * (spin + 1)
        for name, equation, scale, value in (
            ("mean_spin", "(32)", square, own.mean),
            ("second_moment", "(33)", square, own.square),
            ("flip_up", "(67)", own.flip_up, own.flip_up),
            ("flip_down", "(68)", own.flip_down, own.flip_down),
        ):
            row = partial(line.check, relative(scale, allowed, "rounding of the splitting"))
            form = getattr(line.state, name)[i]
            yield row("Boltzmann sum", name + site, equation, "1", form, value)
        if x:  # else the closed forms have a removable 0/0; their coth's cancel to a part in x^2
            rounding = 16 * EPSILON * square * (1 + 1 / x**2)
            row = partial(line.check, Allowance(1.0, rounding, "absolute; rounding of coth"))
            mean, second = line.forms.mean_spin(spin, x), line.forms.second_moment(spin, x)
            yield row("Boltzmann sum", "<S_par>" + site, "(32)", "1", mean, own.mean)
            yield row("Boltzmann sum", "<S_par^2>" + site, "(33)", "1", second, own.square)


def _noise(line: _Line) -> Iterator[Check]:
    """Electron-hole continuum, and detailed balance with the moments."""
    splittings = line.s.state.reduced_splitting.tolist()
    for site, x in zip(line.sites, splittings, strict=True):
        if abs(x) < LONGEST_SUM:
            form, own = electron_hole_spectrum(x), reference.electron_hole_noise(x)
            allowance = relative(own, 256 * EPSILON * (1 + abs(x)), "rounding of exp(x)")
            row = partial(line.check, allowance, "quadrature")
            yield row("noise of beta eps_L" + site, "(60)", "1", form, own)
    allowed = 64 * EPSILON * (1 + max(map(abs, splittings), default=0.0))
    kms = Allowance(1.0, allowed, "over the larger side; rounding of exp(x)")
    law, value = partial(line.check, kms, line.found.method, kind="law"), line.found.diagnostics
    yield law("detailed balance violated by", "(48)", "1", 0.0, value["kms"])


# --- rates -----------------------------------------------------------------------------------


def _rates(line: _Line) -> Iterator[Check]:
    """tau_par, tau_perp, omega_L, the nine elements and 1/T_0 by each numerical route."""
    for found in line.s.rates.values():
        route, rate, gamma = found.method, partial(_rate_allowance, line, found), found.dissipator
        along, across = _rates_of(line, found)
        for allowance, name, equation, form, own in (
            (rate((2, 2)), "tau_par", "(70)", line.rates.longitudinal, along),
            (rate((0, 0), (1, 1)), "tau_perp", "(75)", line.rates.transverse, across),
        ):
            yield line.check(allowance, route, name, equation, "s", form, own, show=_time)
        precession = _precession_allowance(line, found)
        turning = line.rates.precession
        yield line.check(precession, route, "omega_L", "(78)", "rad/s", turning, found.precession)
        for ab in np.ndindex(3, 3):
            name = "Gamma_" + "".join("xyz"[axis] for axis in ab)
            element = line.rates.dissipator[ab]
            yield line.check(rate(ab), route, name, "(70), (75)", "1/s", element, gamma[ab])
        lost = line.rates.charge_to_spin
        yield line.check(rate((2, 2)), route, "1/T_0", "(62)", "1/s", lost, found.charge_to_spin)


def _time(rate: float) -> float:
    return 1.0 / rate if rate else float("inf")


def _golden_rule(line: _Line) -> Iterator[Check]:
    """Any axis, the weights W, dephasing, B_sd, spin per charge, and the laws."""
    forms, magnet, electrons, found = line.forms, line.magnet, line.electrons, line.found
    gamma, turn, b = found.dissipator, AXES[0][1], line.b
    row = partial(line.check, _rate_allowance(line, found), found.method)
    total = partial(line.check, _total_rate_allowance(line, found), found.method)

    def from_weights(name: str, *angle: float) -> Array:
        weights = getattr(forms, name)(magnet.exchange, magnet.densities, *angle)
        flux = forms.flip_flux(weights, line.lines)
        return np.asarray(forms.relaxation_rate(flux, electrons).sum(axis=-1))

    whole = from_weights("flip_weights_longitudinal")
    yield row("1/tau_par from W", "(61), (66)", "1/s", whole, gamma[2, 2])
    for theta, phi in AXES:
        label, own = f"1/tau along ({theta}, {phi})", found.rotated(turn).along((theta, phi - turn))
        form = forms.rate_along(magnet, electrons, line.state, theta, phi) + line.bare
        yield total(label, "(35)-(46)", "1/s", form, own)
        label, own = f"1/tau_perp({phi}) from W", found.along((0.5 * np.pi, phi))
        form = from_weights("flip_weights_transverse", phi) + line.bare
        yield total(label, "(61), (74)", "1/s", form, own)
        x, y = [np.cos(phi), -np.sin(phi), 0.0], [np.sin(phi), np.cos(phi), 0.0]
        form = line.rates.rotated(phi).dissipator[0, 1]
        yield row(f"Gamma'_xy ({phi})", "(39)", "1/s", form, x @ gamma @ y)
    form = forms.dephasing(magnet, electrons, line.lines).sum(axis=-1)
    yield row("dephasing", "(75)", "1/s", form, line.s.dephasing)
    form = forms.dephasing_printed(magnet, line.lines).sum(axis=-1) * electrons.dos
    yield row("dephasing printed, times nu_F", "(75) printed", "1/s", form, line.s.dephasing)
    scale = (_spin_splittings(line) or 1.0) / abs(electrons.g * units.MU_B)
    because = "over |B| + |B_sd| of each sublattice; rounding"
    allowance = Allowance(scale, _turning_tolerance(line), because)
    field = partial(line.check, allowance, found.method)
    form = forms.exchange_field(magnet, electrons, line.state)
    yield field("B_sd", "(83)", "T", form, found.exchange_field)
    form = forms.exchange_field_printed(magnet, electrons, line.state) * units.HBAR
    yield field("B_sd printed, times hbar", "(83) printed", "T", form, found.exchange_field)
    if gamma[2, 2] > 0:
        # an exchange-only steady state: the flips of the two spins balance
        share = (electrons.dos_up - electrons.dos_down) / (electrons.dos_up + electrons.dos_down)
        form = forms.spin_per_charge(line.rates.dissipator[2, 2], line.rates.charge_to_spin)
        allowance = Allowance(1.0, 16 * EPSILON, "absolute; rounding")
        yield line.check(allowance, "densities of states", "dN_par/dN_0", "(63)", "1", form, share)
    law, value = partial(line.check, LAW, found.method, kind="law"), found.diagnostics
    yield law("trace changes by", "(58)", "1", 0.0, value["trace"])
    yield law("fixed point moves by", "(50)", "1", 0.0, value["fixed_point"])
    yield law("positivity violated by", "(34)", "1", 0.0, -min(0.0, float(value["positivity"])))
    moved = film_tensor(found.rotated(turn).rotated(turn), b) - film_tensor(found, b)
    change = np.abs(moved).max() / (np.abs(found.tensor).max() or 1.0)
    rounding = Allowance(1.0, 64 * EPSILON, "over the largest rate; rounding")
    law = partial(line.check, rounding, found.method, kind="law")
    yield law("turned axes move the tensor by", "(39)", "1", 0.0, change)


def _isotropic(line: _Line) -> Iterator[Check]:
    """Eqs. (84), (85), (91), (92) and their limits, where the coupling is isotropic."""
    forms, magnet, electrons, found = line.forms, line.magnet, line.electrons, line.found
    if np.ptp(magnet.exchange, axis=-1).any():
        return
    arguments, (along, across) = (line.bare, magnet, electrons, line.state), _rates_of(line, found)
    total = partial(line.check, _total_rate_allowance(line, found), found.method)
    form = forms.longitudinal_isotropic(*arguments)
    yield total("1/tau_par, isotropic", "(84), (91)", "1/s", form, along)
    form = forms.transverse_isotropic(*arguments)
    yield total("1/tau_perp, isotropic", "(85), (92)", "1/s", form, across)
    depth = np.abs(line.s.state.reduced_splitting)
    row = partial(line.check, _rate_allowance(line, found), found.method)
    if magnet and magnet.disorder == "random":
        form = forms.transverse_excess(magnet, electrons, line.state).sum(axis=-1)
        name = "1/tau_perp less 1/tau_par"
        yield row(name, "(84), (85)", "1/s", form, across - along)
    if np.all(depth == 0) and magnet.disorder == "random":
        form = forms.paramagnetic_rate(magnet, electrons)
        yield row("Omega_1, beta eps_L = 0", "Sec. V A", "1/s", form, found.dissipator[0, 0])
    # flips and fluctuations are down to 40 exp(-40) = 2e-16
    if np.all(depth > 40) and magnet.disorder == "random":
        form = forms.saturated_dephasing(magnet, electrons)
        yield row("Omega_0, beta eps_L > 40", "Sec. V A", "1/s", form, found.dissipator[0, 0])


def _other_forms(line: _Line) -> Iterator[Check]:
    """The kinetic equation, the printed (70), and the form for finite splitting."""
    forms, magnet, electrons, found = line.forms, line.magnet, line.electrons, line.found
    sea, split = line.s.fermi_sea, line.s.flips_split
    finite = relaxation_at(line.state, form="finite-splitting")
    row = partial(line.check, _total_rate_allowance(line, sea), sea.method)
    (along, across), lost = _rates_of(line, sea), line.rates.charge_to_spin
    yield row("Fermi sea: 1/tau_par", "(70)", "1/s", line.rates.longitudinal, along)
    yield row("Fermi sea: 1/tau_perp with R", "(75) with R", "1/s", finite.transverse, across)
    yield row("Fermi sea: 1/T_0", "(62)", "1/s", lost, sea.charge_to_spin)
    law, value = partial(line.check, LAW, sea.method, kind="law"), sea.diagnostics
    yield law("Fermi sea: f moves by", "(50)", "1", 0.0, value["stationarity"])
    yield law("Fermi sea: charge changes by", "(58)", "1", 0.0, value["charge"])
    row = partial(line.check, _rate_allowance(line, found), found.method)
    if len(magnet.sublattices) == 1 and np.any(magnet.exchange[0, :2]):
        jx, jy, _ = magnet.exchange[0]
        part = float(1 - jx * jy / (jx**2 + jy**2))
        label, own = f"printed = {part:.4g} of it", part * found.dissipator[2, 2]
        form = forms.longitudinal_printed(magnet, electrons, line.lines).sum(axis=-1)
        yield row(f"1/tau_par {label}", "(70) printed", "1/s", form, own)
        form = relaxation_at(line.state, form="printed").dissipator[2, 2]
        yield row(f"form='printed', {label}", "(70) printed", "1/s", form, own)
    # flips alone, with the splitting in the dissipator; tanh(w/2)/(w/2) of them is what the Fermi
    # sea does to transverse spins
    half = float(0.5 * units.HBAR * split.precession / (units.K_B * split.temperature))
    flips = 0.5 * (split.dissipator[0, 0] + split.dissipator[1, 1])
    own = flips * (float(np.tanh(half)) / half if half else 1.0)
    form = forms.transverse_flips_finite_splitting(
        split.sample.magnet, electrons, line.state, split.precession
    ).sum(axis=-1)
    yield row("transverse flips with R", "(75) with R", "1/s", form, own)
    alone = relaxation_at(replace(line.state, sample=split.sample), form="finite-splitting")
    form = 0.5 * (alone.dissipator[0, 0] + alone.dissipator[1, 1])
    yield row("form='finite-splitting', flips", "(75) with R", "1/s", form, own)
    form, other = (one.dissipator[0, 0] - one.dissipator[1, 1] for one in (finite, found))
    yield row("form='finite-splitting', x - y", "(75)", "1/s", form, other)


# --- transport, against the boundary-value problem -------------------------------------------

BOUNDARY: Final = "boundary-value problem"
_CARRIED: Final = "the rates' tolerances carried through"


def _charge(line: _Line) -> Iterator[Check]:
    """Diffusion lengths, rho_L and rho_T from the rates of each route."""
    film, unit = line.film, line.film.resistivity
    scale = film.spin_hall_angle**2 * unit or unit
    for found in line.s.rates.values():
        (along, across), largest = _rates_of(line, found), _largest_rate(found)
        allowed = _element_tolerance(line, found)
        for name, length, rate, error in (
            ("l_par", surviving.longitudinal_length, along, allowed[2, 2]),
            ("l_perp", surviving.transverse_length, across, allowed.max()),
        ):
            if along > 0:  # a length goes with the inverse square root of its rate
                form, own = length(film, line.rates), (film.diffusion / rate) ** 0.5
                allowance = relative(own, float(error / rate * largest) + 8 * EPSILON, _CARRIED)
                yield line.check(allowance, found.method, name, "(81)", "m", form, own)
        change = _surviving_tolerance(line, found) + 8 * EPSILON * unit / scale
        allowance = Allowance(scale, change, f"over theta_SH^2 rho_L0; {_CARRIED}")
        row = partial(line.check, allowance, f"{found.method}, {BOUNDARY}")
        sigma = reference.conductivity(film, line.s.diffused[found.method].surviving)
        second = unit * (2 * np.eye(2) - sigma)
        yield row("rho_L", "(86)", "Ohm m", line.resistivity.longitudinal, second[0, 0])
        yield row("rho_T", "(87)", "Ohm m", line.resistivity.transverse, second[1, 0])


def _versions(line: _Line) -> Iterator[Check]:
    """The other order and sign of the resistivities, Eqs. (88)-(90), and the mechanisms."""
    film, rates, b, unit = line.film, line.rates, line.b, line.film.resistivity
    square, left = film.spin_hall_angle**2, line.s.diffused["bloch-redfield"].surviving
    scale, change = square * unit or unit, 4 * _surviving_tolerance(line, line.found)
    change += 8 * EPSILON * unit / scale
    allowance = Allowance(scale, change, f"over theta_SH^2 rho_L0; {_CARRIED}")
    route = f"bloch-redfield, {BOUNDARY}"
    row = partial(line.check, allowance, route)
    inverse = np.linalg.inv(reference.conductivity(film, left))
    amplified = allowance._replace(tolerance=change * float(np.linalg.norm(inverse)) ** 2)
    exact, order = resistivity(film, rates, b, order="exact"), partial(line.check, amplified, route)
    yield order("rho_L exact", "(B28)", "Ohm m", exact.longitudinal, unit * inverse[0, 0])
    yield order("rho_T exact", "(B28)", "Ohm m", exact.transverse, unit * inverse[1, 0])
    form = resistivity(film, rates, b, precession_sign="printed").transverse
    own = unit * -reference.conductivity(film, left.T)[1, 0]
    yield row("rho_T, precession printed", "(87) printed", "Ohm m", form, own)
    ratio = partial(line.check, relative(1.0, change, _CARRIED), route)
    for i, mode in enumerate(_modes(left, b)):
        form = getattr(line.resistivity, f"drho{i}") / unit
        yield ratio(f"drho_{i} / rho_L0", f"({88 + i})", "1", form, mode)
    share, thin = line.s.thin
    allowed = THIN * 4 * _surviving_tolerance(line, line.found) + thin.rounding + 8 * EPSILON
    near = partial(line.check, relative(1.0, allowed, _CARRIED), route)
    for kind, say, of, part in (
        ("axial", ratio, 1.0, line.s.switched["axial"]),
        ("thin", near, share, thin.surviving),
    ):
        along, less, turning = _modes(part, b)
        decay = surviving.transverse_decay(film, rates)
        form = surviving.surviving_fraction(of * film.thickness, decay)
        yield say(f"surviving part, real, {kind}", "(B29)", "1", form.real, along - less)
        yield say(f"surviving part, imag, {kind}", "(B29)", "1", form.imag, turning)
    bare, alike, turned, still = (line.s.switched[name][1, 1] for name in _SWITCHES)
    parts = mechanisms(film, rates, b)
    for name, part in (
        ("bare", 1 + square * (2 - bare)),
        ("isotropic_magnon", square * (bare - alike)),
        ("relaxation_anisotropy", square * (alike - still)),
        ("precession", square * (still - left[1, 1])),
        ("precession_isotropic", square * (alike - turned)),
        ("interplay", square * (still - left[1, 1] - alike + turned)),
        ("total", 1 + square * (2 - left[1, 1])),
    ):
        yield row(name, "(86)", "Ohm m", getattr(parts, name), unit * part)


_SWITCHES: Final = ("no exchange", "one rate", "one rate, precessing", "no precession")


def _modes(left: Array, b: Array) -> tuple[float, float, float]:
    """F along b, that less the mean across b, and what precession makes antisymmetric."""
    along = float(b @ left @ b)
    turning = -0.5 * np.sum(left * reference.turning_about(b))
    return along, along - 0.5 * float(np.trace(left) - along), float(turning)


def _profiles(line: _Line) -> Iterator[Check]:
    """Spin accumulation and spin current at a face, in the middle, and beyond it."""
    film, diffused = line.film, line.s.diffused["bloch-redfield"]
    theta, inside = film.spin_hall_angle, len(diffused.depth) // 2
    # by E along x: s = theta sigma (0, -E, 0); beyond the middle the accumulation is minus that
    places = [0, -1, inside]
    spins = theta * E * film.thickness * diffused.values[places, :, 1] * [[1.0], [1.0], [-1.0]]
    currents = theta * E / film.resistivity * (diffused.slope[places, :, 1] - [0.0, 1.0, 0.0])
    depth, tensor = diffused.depth[places], film_tensor(line.rates, line.b)
    depth[2] = film.thickness - depth[2]
    is_axial = not np.ptp(line.magnet.exchange[:, :2], axis=1).any()

    def same_everywhere(z: Array) -> Array:
        if not 0 <= z[0] < 0.5 * film.thickness < z[-1] <= film.thickness:
            raise ValueError(f"asked for rates at depths of {z[0]:g} to {z[-1]:g} m")
        return np.broadcast_to(tensor, (*z.shape, 3, 3))

    if not min(_rates_of(line, line.found)) > 0:
        return  # a spin that never relaxes has any mean
    ways: list[Method | None] = ["matrix", None, "closed-form"]
    for way in ways[: 2 + is_axial]:
        if way is None:
            form = graded_profile(film, same_everywhere, electric_field=E)
        else:
            form = profile(film, line.rates, line.b, depth=depth, electric_field=E, method=way)
        method = form.method
        change = 4 * _surviving_tolerance(line, line.found) + 4 * form.uncertainty
        at = [0, len(form.depth) // 2, -1][: 3 - (method == "collocation")]  # its own depths
        allowance = relative(film.thickness, 8 * EPSILON)
        row = partial(line.check, allowance, f"bloch-redfield, {BOUNDARY}")
        yield row(f"depth [{method}]", "(B23)", "m", form.depth[at[1]], depth[1])
        for name, unit, scale, values, own in (
            ("accumulation", "eV", film.thickness, form.accumulation, spins),
            ("current", "A/m^2", 1 / film.resistivity, form.current, currents),
        ):
            because = "over theta_SH E, times d or 1/rho_L0; carried through"
            allowance = Allowance(abs(theta * E * scale) or scale, change, because)
            row = partial(line.check, allowance, f"bloch-redfield, {BOUNDARY}")
            for k, place in enumerate(at):
                kind = "law" if (name, k) == ("current", 0) else ""
                for a, axis in enumerate("xyz"):
                    label = f"{name} {_PLACES[k]} [{axis}], {method}"
                    yield row(label, "(B23)", unit, values[place][a], own[k][a], kind=kind)


_PLACES: Final = ("at the face", "in the middle", "beyond the middle")

_Part: TypeAlias = Callable[[_Line], Iterator[Check]]
_STATIONS: Final[dict[str, tuple[_Part, ...]]] = {
    "sample": (_conversions,),
    "moments": (_moments,),
    "bath": (_noise,),
    "rates": (_rates, _golden_rule, _isotropic, _other_forms),
    "transport": (_charge, _versions, _profiles),
}
