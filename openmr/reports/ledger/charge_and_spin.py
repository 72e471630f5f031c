"""Charge and spin of two chemical potentials and how they change, Eqs. (55)-(63)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from openmr._checks import Array
from openmr.models import fermi_kinetics, fock
from openmr.models.fermi_kinetics import DOWN, UP
from openmr.rates import closed_form
from openmr.rates.record import spin_polarised_loss
from openmr.reports.ledger.deviations import nothing
from openmr.reports.ledger.rate_equation import (
    THERMAL,
    VOLUME,
    Few,
    alone,
    entry,
    exact_change,
    few,
    sea,
    some_populations,
    thermal_lines,
)
from openmr.reports.ledger.small_systems import relative
from openmr.sample.film import Electrons
from openmr.units import HBAR

_DOS = (0.3, 1.7)  # of up and down over their mean
_CODE = "openmr.rates.closed_form."
_PROBE = np.array([0.3, -0.2]) * THERMAL  # chemical potentials of up and down


def _linear_rate(
    beta: float, w: Array, f_other: Array, f_own: Array, mu_other: float, mu_own: float
) -> Any:
    """Eq. (55); own (k, 1), other (1, k'), W (k, k')."""
    return np.sum(beta * w * f_other * (1 - f_own) * (mu_other - mu_own))


def _linear_error(formula: Any, r: Few) -> float:
    found = []
    for s in (UP, DOWN):
        own, other = r.filled[:, s, None], r.filled[None, :, 1 - s]
        w = r.rates[:, s, :, 1 - s]
        found.append(formula(1 / THERMAL, w, other, own, _PROBE[1 - s], _PROBE[s]))
    return relative(found, r.change @ _PROBE)


def _of_potentials(electrons: fermi_kinetics.Sea, mu_up: float, mu_down: float) -> Array:
    """State (4, N) of two chemical potentials to first order."""
    charge, _, _, spin = fermi_kinetics.responses(electrons)
    return np.asarray((mu_up + mu_down) / 2 * charge + (mu_up - mu_down) / 2 * spin)


def _densities(nu_up: float, mu_up: float, nu_down: float, mu_down: float) -> Any:
    """Eqs. (56), (57): charge and spin x, y, z."""
    electrons = alone(sea().energies, nu_up, nu_down)
    return fermi_kinetics.densities(electrons, _of_potentials(electrons, mu_up, mu_down))


@cache
def _charge_and_spin() -> Array:
    """First order of charge and spin density by PROBE, from operators on Fock space."""
    r = few()
    moved = r.slope * _PROBE
    states = [fock.gaussian_state(np.diag((r.filled + s * moved).ravel())) for s in (1, -1)]
    operators = [fock.one_body(np.kron(np.eye(3), np.diag([1, s]))) for s in (1, -1)]
    values = [[(o * state).tr().real for state in states] for o in operators]
    return np.array([0.5 * (plus - minus) / VOLUME for plus, minus in values])


def _of_probe(formula: Any) -> Any:
    nu = few().dos
    return formula(nu[UP], _PROBE[UP], nu[DOWN], _PROBE[DOWN])


@cache
def _charge_change() -> Array:
    """d/dt of the charge over that of the spin, far from equilibrium: orbitals and a Fermi sea."""
    orbitals = exact_change(few().band, some_populations()).sum(axis=0)
    unequal = sea(0.0, _DOS)
    state = fermi_kinetics.local_equilibrium(unequal, 0.3, (0.5, -0.2, 0.8))
    of_sea = fermi_kinetics.densities(unequal, fermi_kinetics.collision(unequal, state))
    return np.array([orbitals.sum() / np.abs(orbitals).max(), of_sea[0] / np.abs(of_sea).max()])


def _spin_change(mu_up: float, mu_down: float) -> Any:
    """Eq. (59) of a Fermi sea with nu_F = 1; potentials in k_B T."""
    nu_up, nu_down = _DOS
    scatterer = sea().scatterers[0]
    density = np.array(scatterer.rate * HBAR / (2 * np.pi))  # rate = 2 pi n_S nu_F J^2 / hbar
    weights = closed_form.flip_weights_longitudinal(scatterer.exchange, density)
    lines = thermal_lines(2.0, 1.0)
    return -2 * nu_up * nu_down * closed_form.flip_flux(weights, lines) * (mu_up - mu_down)


@cache
def _spin_lost() -> float:
    """The same by the kinetic equation."""
    unequal = sea(0.0, _DOS)
    change = fermi_kinetics.linear_collision(unequal, _of_potentials(unequal, *_PROBE))
    return float(fermi_kinetics.densities(unequal, change)[3])


def _flips(r: Few) -> tuple[Array, Array, Array]:
    return r.rates[:, DOWN, :, UP], r.filled[None, :, UP], r.filled[:, DOWN, None]


def _potentials_printed(charge: float, spin: float, nu_up: float, nu_down: float) -> Any:
    """The text before Eq. (60) as printed."""
    return (charge + spin) / (nu_up + nu_down), (charge - spin) / (nu_up + nu_down)


def _potentials(charge: float, spin: float, nu_up: float, nu_down: float) -> Any:
    """Eqs. (56), (57) inverted, by states of pure charge and pure spin."""
    electrons = alone(sea().energies, nu_up, nu_down)
    state = charge * fermi_kinetics.pure_spin(electrons, 0)
    state = state + spin * fermi_kinetics.pure_spin(electrons, 3)
    return state[:2].sum(axis=-1) * electrons.spacing


def _spin_equation(spin: float, charge: float, rate: float, conversion: float) -> Any:
    """Eq. (60)."""
    return -rate * spin - conversion * charge


def _flux(r: Few) -> tuple[Array, Electrons]:
    """Sum of beta W f (1 - f) over nu_up nu_down, and the electrons."""
    w, f_up, f_down = _flips(r)
    flux = np.sum(w * f_up * (1 - f_down)) / THERMAL / np.prod(r.dos)
    return np.asarray(flux), Electrons(*r.dos)


def _lost_by_counting(flux: Array, electrons: Electrons) -> Any:
    """Eq. (62) by counting flips."""
    return spin_polarised_loss(electrons, closed_form.relaxation_rate(flux, electrons))


@cache
def _exact_rates() -> Array:
    """1/T_par and 1/T_0 from the exact change of pure spin and pure charge."""
    r = few()
    to_densities = np.array([r.dos, r.dos * [1, -1]])  # charge, spin per mu
    change = r.change[UP] - r.change[DOWN]
    charge, spin = -change @ np.linalg.inv(to_densities)
    return np.array([spin, charge])


@cache
def _unequal_sea_change() -> tuple[Any, float]:
    """Spin, charge, rates from pure states, and the change of spin in a Fermi sea by (51).

    Odd part of the nonlinear change for small potentials.
    """
    unequal = sea(0.0, _DOS)
    states = [
        fermi_kinetics.local_equilibrium(unequal, 5e-4 * s, (0, 0, 1e-3 * s)) for s in (1, -1)
    ]
    odd = [fermi_kinetics.densities(unequal, state) for state in states]
    changed = [
        fermi_kinetics.densities(unequal, fermi_kinetics.collision(unequal, state))
        for state in states
    ]
    (charge, _, _, spin), found = odd[0] - odd[1], (changed[0] - changed[1])[3]
    slope = fermi_kinetics.initial_slope(unequal)
    return (spin, charge, slope[3, 3], slope[3, 0]), float(found)


def _steady_spin(charge: float, rate: float, conversion: float) -> Any:
    """Eq. (63)."""
    return closed_form.spin_per_charge(np.array(rate), np.array(conversion)) * charge


@cache
def _steady_state() -> tuple[Any, float]:
    """Charge, rates, and spin in a Fermi sea with unequal densities of states.

    Long after a charge was brought in: the kinetic equation followed for 25 spin lifetimes.
    """
    unequal = sea(3.0, _DOS)
    slope = fermi_kinetics.initial_slope(unequal)
    start = 0.7 * fermi_kinetics.pure_spin(unequal, 0)  # charge 0.7, no spin
    end = fermi_kinetics.evolve(unequal, start, np.array([0.0, 25 / slope[3, 3]]), linear=True)[-1]
    charge, _, _, spin = fermi_kinetics.densities(unequal, end)
    return (charge, slope[3, 3], slope[3, 0]), spin


ENTRIES = [
    entry(
        equation="55",
        statement="Rate equation to first order in the chemical potentials",
        latex=r"\frac{\partial}{\partial t}\delta N^\sigma = \beta W_{\sigma\bar\sigma}"
        r"(\mathbf k,\mathbf k')f(\omega^{\bar\sigma}_{\mathbf k'})"
        r"\bar f(\omega^\sigma_{\mathbf k})(\mu^{\bar\sigma} - \mu^\sigma)",
        code=("openmr.models.scattering.golden_rule",),
        printed=_linear_rate,
        reference=few,
        residual=_linear_error,
        note="f of a frequency is f of the energy.",
    ),
    entry(
        equation="56",
        statement="Charge density of two chemical potentials",
        latex=r"\delta N^o = \nu_F^\Uparrow\mu^\Uparrow + \nu_F^\Downarrow\mu^\Downarrow",
        code=("openmr.models.fermi_kinetics.densities",),
        printed=_densities,
        reference=_charge_and_spin,
        residual=lambda f, r: abs(_of_probe(f)[0] / r[0] - 1),
        route="number operator on Fock space",
        note="The scan doubles the arrows: up and down along the axis are meant.",
    ),
    entry(
        equation="57",
        statement="Spin density of two chemical potentials",
        latex=r"\delta N^\parallel = \nu_F^{\uparrow\downarrow}\mu^{\uparrow\downarrow}"
        r" - \nu_F^{\downarrow\uparrow}\mu^{\downarrow\uparrow}",
        corrected_latex=r"\delta N^\parallel = \nu_F^\Uparrow\mu^\Uparrow"
        r" - \nu_F^\Downarrow\mu^\Downarrow",
        code=("openmr.models.fermi_kinetics.densities",),
        corrected=_densities,
        evidence="(56), (59) and (61) have one sign for each spin",
        reference=_charge_and_spin,
        residual=lambda f, r: abs(_of_probe(f)[3] / r[1] - 1),
        route="spin operator on Fock space",
        note="Double arrows, up and down along the axis, read for the pairs of arrows of the text "
        "at hand, which name nothing. The check decides the formula read so, the sign between its "
        "terms and that each has its own potential; no computation decides what was printed.",
    ),
    entry(
        equation="58",
        statement="Charge is conserved",
        latex=r"\frac{\partial}{\partial t}\delta N^o = 0",
        code=("openmr.models.fermi_kinetics.collision",),
        printed=nothing,
        reference=_charge_change,
        residual=lambda f, r: float(np.abs(r - f()).max()),
        because="over the change of the spin; rounding",
        route="many-body collision integral, and a Fermi sea with unequal densities of states",
    ),
    entry(
        equation="59",
        statement="Change of the spin density",
        latex=r"\frac{\partial}{\partial t}\delta N^\parallel = -2\beta W_{\Downarrow\Uparrow}"
        r"(\mathbf k',\mathbf k)f(\omega^\Uparrow_{\mathbf k})"
        r"\bar f(\omega^\Downarrow_{\mathbf k'})(\mu^\Uparrow - \mu^\Downarrow)",
        code=(_CODE + "flip_flux", "openmr.models.fermi_kinetics.linear_collision"),
        printed=_spin_change,
        reference=_spin_lost,
        residual=lambda f, r: abs(f(*_PROBE) / r - 1),
        because="relative; rounding of sums over energies",
        route="kinetic equation with unequal densities of states",
    ),
    entry(
        equation="60 potentials",
        statement="Chemical potentials from charge and spin, in the text before Eq. (60)",
        latex=r"\mu^{\Uparrow/\Downarrow} = (\delta N^c \pm \delta N^s)"
        r"/(\nu_F^\Uparrow + \nu_F^\Downarrow)",
        corrected_latex=r"\mu^\sigma = (\delta N^c \pm \delta N^s)/(2\nu_F^\sigma)",
        code=("openmr.models.fermi_kinetics.pure_spin",),
        printed=_potentials_printed,
        corrected=_potentials,
        reference=_charge_and_spin,
        residual=lambda f, r: relative(f(*r, *few().dos), _PROBE),
        route="charge and spin counted on Fock space for given potentials",
        note="Right only for equal densities of states, where charge does not turn into spin; "
        "Eqs. (60)-(62) follow from the other form. N^c, N^s are N^o, N^par of (56), (57).",
    ),
    entry(
        equation="60",
        statement="Spin decays, and is fed by charge",
        latex=r"\frac{\partial}{\partial t}\delta N^\parallel"
        r" = -\frac{1}{T_\parallel}\delta N^\parallel - \frac{1}{T_0}\delta N^0",
        code=("openmr.models.fermi_kinetics.initial_slope",),
        printed=_spin_equation,
        reference=_unequal_sea_change,
        residual=lambda f, r: abs(f(*r[0]) / r[1] - 1),
        tolerance=1e-5,
        because="relative; the square of the chemical potentials over k_B T, 1e-6, and a few",
        route="nonlinear kinetic equation with unequal densities of states",
        note="The rates are those of pure spin and pure charge; a mixture is predicted.",
    ),
    entry(
        equation="61",
        statement="Spin relaxation rate",
        latex=r"\frac{1}{T_\parallel} = \left(\frac{\beta}{\nu_F^\Uparrow}"
        r" + \frac{\beta}{\nu_F^\Downarrow}\right)W_{\Downarrow\Uparrow}"
        r"f(\epsilon^\Uparrow_{\mathbf k})\bar f(\epsilon^\Downarrow_{\mathbf k_3})",
        code=(_CODE + "relaxation_rate",),
        printed=closed_form.relaxation_rate,
        reference=_exact_rates,
        residual=lambda f, r: abs(f(*_flux(few())) / r[0] - 1),
    ),
    entry(
        equation="62",
        statement="Charge-to-spin conversion rate",
        latex=r"\frac{1}{T_0} = \left(\frac{\beta}{\nu_F^\Uparrow}"
        r" - \frac{\beta}{\nu_F^\Downarrow}\right)W_{\Downarrow\Uparrow}"
        r"f(\epsilon^\Uparrow_{\mathbf k})\bar f(\epsilon^\Downarrow_{\mathbf k_3})",
        code=(_CODE + "charge_to_spin_rate", "openmr.rates.record.spin_polarised_loss"),
        printed=closed_form.charge_to_spin_rate,
        shipped=(_lost_by_counting,),
        reference=_exact_rates,
        residual=lambda f, r: abs(f(*_flux(few())) / r[1] - 1),
    ),
    entry(
        equation="63",
        statement="Spin that goes with charge in the steady state",
        latex=r"\delta N^\parallel = -\frac{T_\parallel}{T_0}\delta N^0",
        code=(_CODE + "spin_per_charge",),
        printed=_steady_spin,
        reference=_steady_state,
        residual=lambda f, r: abs(f(*r[0]) / r[1] - 1),
        tolerance=1e-6,
        because="relative; what is left after 25 lifetimes that mixing stretches by less than "
        "half, exp(-14)",
        route="kinetic equation with unequal densities of states, followed in time",
        note="It is the spin of a common chemical potential, (nu_up - nu_down)/(nu_up + nu_down) "
        "of the charge, whatever the moments do: no spin accumulates.",
    ),
]
