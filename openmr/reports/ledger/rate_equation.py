"""Spin densities along any axis and their rate equation, Eqs. (43)-(50)."""

from __future__ import annotations

import operator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from qutip import Qobj
from scipy.special import expit

from openmr._checks import Array, ComplexArray
from openmr.bath import correlators
from openmr.bath.correlators import PAULI
from openmr.models import fermi_kinetics, fock, scattering
from openmr.models.fermi_kinetics import DOWN, UP
from openmr.moments.spin_averages import level_sums
from openmr.rates import closed_form
from openmr.reports.ledger.deviations import ROUNDING, nothing
from openmr.reports.ledger.entries import Entry, order_of_error
from openmr.reports.ledger.small_systems import relative, thermal, turned
from openmr.reports.ledger.spin_axes import axes
from openmr.units import HBAR

_SECTION = "III B. Anisotropic spin relaxation: rate equation"

THERMAL = 0.026  # eV
_EXCHANGE = np.array([0.1, 0.03, -0.06])  # J_v / V in k_B T
VOLUME = 2.5  # m^3


# --- a few orbitals, every trace over Fock space exact ----------------------------------------


class Few(NamedTuple):
    """Three orbitals that meet one moment, spins along a turned axis; arrays (orbital, spin)."""

    band: scattering.Scattering
    energies: Array  # eV
    rates: Array  # golden rule W(k s <- k' s'), axes (k, s, k', s'), 1/(beta hbar m^3)
    filled: Array  # Fermi function
    slope: Array  # its derivative by the chemical potential, 1/eV
    dos: Array  # density of states (spin,), 1/(eV m^3)
    change: Array  # d/dt of N^s per mu^s', (spin, spin)


@cache
def few() -> Few:
    """Energies, exact rates of change and golden-rule rates."""
    reduced = np.array([[-0.9, -0.3], [0.2, 0.7], [1.4, 1.1]])
    basis = np.kron(np.eye(3), axes()[0].spin)
    waves = scattering.plane_waves([0.3, 1.1, 2.0], 0.4, _EXCHANGE)
    couplings = basis.conj().T @ waves @ basis
    transform = scattering.thermal_transform(correlators.moment_correlator(1.0, 1.3))
    band = scattering.Scattering(reduced.ravel(), couplings, transform)
    energies = THERMAL * reduced
    step = 1e-30
    slope = fermi_function((energies - 1j * step) / THERMAL).imag / step
    filled = expit(-reduced)
    change = np.empty((2, 2))
    for spin in (UP, DOWN):
        moved = np.zeros((3, 2))
        moved[:, spin] = 0.1 * THERMAL * slope[:, spin]
        # quadratic in the populations: half the difference is their first order, exactly
        difference = exact_change(band, filled + moved) - exact_change(band, filled - moved)
        change[:, spin] = difference.sum(axis=0) / (2 * 0.1 * THERMAL * VOLUME)
    return Few(
        band,
        energies,
        scattering.golden_rule(band).reshape(3, 2, 3, 2) / VOLUME,
        filled,
        slope,
        slope.sum(axis=0) / VOLUME,
        change,
    )


def fermi_function(energy: Any) -> Any:
    """1/(exp(e) + 1) that also takes complex energies."""
    return 1 / (np.exp(energy) + 1)


def exact_change(band: scattering.Scattering, populations: Array) -> Array:
    """d/dt of the populations (orbital, spin) by the many-body collision integral."""
    state = fock.gaussian_state(np.diag(populations.ravel()))
    changed = fock.density(fock.collision(state, band))
    return np.asarray(changed.diagonal().real.reshape(-1, 2))


def some_populations() -> Array:
    """Far from equilibrium."""
    return np.array([[0.9, 0.35], [0.2, 0.75], [0.55, 0.1]])


@cache
def sea(mixing: float = 0.0, dos: tuple[float, float] = (1.0, 1.0)) -> fermi_kinetics.Sea:
    """A Fermi sea that meets moments of spin 2, anisotropic coupling."""
    lines = correlators.moment_correlator(2.0, 1.0)
    scatterer = fermi_kinetics.Scatterer(1.0, np.array([1.0, 0.3, -0.6]), lines)
    grid = fermi_kinetics.energy_grid([1.0], 0.3, 40.0)
    return fermi_kinetics.Sea(grid, 0.5, dos, (scatterer,), mixing=mixing)


def thermal_lines(spin: float, x: float) -> closed_form.Lines:
    """`closed_form.thermal_lines` of one moment with beta eps_L = x."""
    moment = level_sums(spin, x)
    return closed_form.Lines(
        closed_form.absorption(x) * moment.flip_up,
        closed_form.emission(x) * moment.flip_down,
        moment.second_moment,
    )


# --- (43)-(46) -------------------------------------------------------------------------------


def _spin_density(state: Qobj, level: ComplexArray, volume: float) -> Any:
    """Eq. (43)."""
    rho = fock.density(state).reshape(3, 2, 3, 2)
    return np.einsum("kakb,a,b->", rho, level.conj(), level).real / volume


@cache
def _fock_densities() -> tuple[tuple[Qobj, ComplexArray, float], ...]:
    """Expectation of (N + n.sigma)/2 over V for a state with every coherence, by levels."""
    rng = np.random.default_rng(5)
    wild = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
    basis, _ = np.linalg.qr(wild)
    rho = basis @ np.diag(rng.uniform(size=6)) @ basis.conj().T
    state = fock.gaussian_state(rho)
    found = []
    for axis in axes():
        n_sigma = np.einsum("a,aij->ij", axis.frame[2], PAULI)
        for level, sign in ((UP, 1), (DOWN, -1)):
            projector = fock.one_body(np.kron(np.eye(3), np.eye(2) + sign * n_sigma) / 2)
            expected = (projector * state).tr().real / VOLUME
            found.append((state, axis.spin[:, level], float(expected)))
    return tuple(found)


def _density_change(populations: Array, volume: float) -> Any:
    """Eq. (44) of populations (orbital, spin)."""
    rho = np.diag(populations.ravel()).astype(complex)
    collided = scattering.one_body_collision(rho, few().band).diagonal().real
    return 1 / volume * collided.reshape(populations.shape).sum(axis=0)


@cache
def _exact_density_change() -> Array:
    """d/dt of N^up, N^down from the many-body collision integral."""
    return np.asarray(exact_change(few().band, some_populations()).sum(axis=0) / VOLUME)


def _rate_printed(w_in: Array, w_out: Array, own: Array, other: Array) -> Any:
    """Eq. (45) as printed; own (k, 1), other (1, k'), W (k, k')."""
    return np.sum(w_in * other * own) - np.sum(w_out * own * other)


def rate(w_in: Array, w_out: Array, own: Array, other: Array) -> Any:
    """Eq. (45) with the Pauli blocking of Eq. (22)."""
    return np.sum(w_in * other * (1 - own)) - np.sum(w_out * own * (1 - other))


def _rate_error(formula: Any, exact: Array) -> float:
    p, w = some_populations(), few().rates
    found = [
        formula(w[:, s, :, 1 - s], w[:, 1 - s, :, s].T, p[:, s, None], p[None, :, 1 - s])
        for s in (UP, DOWN)
    ]
    return relative(found, exact)


def _transition_rate(after: int) -> Any:
    """Eq. (46) from the other spin to `after`: strengths of the lines times their spectra."""
    axis, e = axes()[0], few().band.energies.reshape(3, 2)
    plus = few().band.transform(e[None, :, 1 - after] - e[:, None, after])
    spectrum = plus + scattering.adjoint(plus)  # D(w_before - w_after) of S, hbar = 1
    up, along = np.array([1, 1j, 0]), np.array([0, 0, 1])
    lines = ((up.conj(), up), (up, up.conj()), (along, along))
    spectra = [np.einsum("a,b,kqab->kq", *line, spectrum) for line in lines]
    theta = axis.theta if after == DOWN else _opposite(axis.theta)
    one_moment = np.array(1 / VOLUME)
    weights = closed_form.flip_weights(_EXCHANGE * VOLUME, one_moment, theta, axis.phi)
    return HBAR / (2 * np.pi * VOLUME**2) * sum(map(operator.mul, weights, spectra))


def _opposite(theta: float) -> float:
    """Axis along which spin up is spin down, up to a sign of x and y that no strength notices."""
    return np.pi - theta


@cache
def _exact_rates() -> Array:
    """W(k s <- k' s') as `Few.rates`: what leaves one filled state for the empty ones."""
    columns = [exact_change(few().band, one.reshape(3, 2)).ravel() for one in np.eye(6)]
    return np.stack(columns, axis=-1).reshape(3, 2, 3, 2) / VOLUME


def _transition_error(formula: Any, exact: Array) -> float:
    return max(relative(formula(s), exact[:, s, :, 1 - s]) for s in (UP, DOWN))


# --- (47)-(50) -------------------------------------------------------------------------------


def _equilibrium_population(energy: Array, zeeman: float, theta: float) -> Any:
    """Eq. (47) with the mean Zeeman energy of a spin along the axis; k_B T = 1."""
    return populations(energy, -zeeman * np.cos(theta))


def populations(energy: Array, potential: float) -> Array:
    """f(e - mu) of `local_equilibrium`, k_B T = 1."""
    shift = fermi_kinetics.local_equilibrium(alone(energy), potential, [0.0] * 3)
    return np.asarray(expit(-energy) + shift[UP])


def alone(energies: Array, up: float = 1.0, down: float = 1.0) -> fermi_kinetics.Sea:
    """Electrons of two densities of states without a field, that nothing scatters."""
    return fermi_kinetics.Sea(energies, 0.0, (up, down), ())


_Thermal = tuple[float, float, Array]


@cache
def _gibbs_populations() -> tuple[_Thermal, ...]:
    """Populations (orbital, spin) in the Gibbs state of Fock space, by Zeeman energy and theta."""
    orbital, found = np.array([-0.4, 0.9]), []
    for zeeman in (0.4, 0.2, 0.1, 0.05):
        energies = orbital[:, None] + zeeman * np.array([1.0, -1.0])
        gibbs = (-fock.one_body(np.diag(energies.ravel()))).expm()
        rho = fock.density(gibbs / gibbs.tr())
        for axis in axes():
            turned = np.kron(np.eye(2), axis.spin)
            turned_rho = turned.conj().T @ rho @ turned
            populations = turned_rho.diagonal().real.reshape(2, 2)
            found.append((zeeman, axis.theta, populations))
    return tuple(found)


def _thermal_order(formula: Any, reference: tuple[_Thermal, ...]) -> float:
    """Order of the error across the field; along it there must be none."""
    errors: dict[float, float] = {}
    for zeeman, theta, found in reference:
        e = np.array([-0.4, 0.9])
        tilted = [formula(e, z, theta) for z in (zeeman, -zeeman)]
        error = float(np.abs(np.stack(tilted, axis=-1) - found).max())
        if theta == 0.0 and error > ROUNDING:
            return float("inf")
        errors[zeeman] = max(error, errors.get(zeeman, 0.0))
    return order_of_error(list(errors), list(errors.values()))


def _time_reversed(spin: float, x: float, line: int) -> Any:
    """Eq. (48): D at the energy of a line from D at its negative, k_B T = 1."""
    lines = correlators.moment_correlator(spin, x)
    return np.exp(lines.frequencies[1 + line]) * lines.weights[1 - line].T


@cache
def _line_weights() -> tuple[tuple[float, float, int, ComplexArray], ...]:
    """D of the lines -1, 0, +1: a Fourier sum over three times of operators turned in time."""
    found = []
    for spin in (0.5, 2.0):
        for x in (0.3, 1.7):
            s = correlators.spin_matrices(spin)
            late = [[turned(x * s[2], a, 2 * np.pi * n / (3 * x)) for a in s] for n in range(3)]
            c = np.einsum("naij,bjk,ki->nab", np.array(late), s, thermal(x * s[2]))
            weights = np.fft.ifft(c, axis=0)
            found += [(spin, x, line, weights[line]) for line in (-1, 0, 1)]
    return tuple(found)


def _detailed_balance(e_own: Any, e_other: Any) -> Any:
    """Eq. (49): W(k up <- k' down) from the rate of the way back; k_B T = 1."""
    return np.exp(e_other - e_own) * few().rates[:, DOWN, :, UP].T


def _balance_error(formula: Any, exact: Array) -> float:
    e = few().band.energies.reshape(3, 2)
    return relative(formula(e[:, UP, None], e[None, :, DOWN]), exact[:, UP, :, DOWN])


@cache
def _equilibrium_change() -> Array:
    """d/dt of N^up, N^down over what flips move one way: few orbitals, and a Fermi sea."""
    r = few()
    own, other = r.filled[:, UP, None], r.filled[None, :, DOWN]
    there, back = r.rates[:, UP, :, DOWN], r.rates[:, DOWN, :, UP].T
    gain = np.sum(there * (1 - own) * other)
    orbitals = exact_change(r.band, r.filled).sum(axis=0) / VOLUME / gain
    still = np.zeros((4, len(sea().energies)))
    of_sea = fermi_kinetics.densities(sea(), fermi_kinetics.collision(sea(), still))
    of_sea /= np.abs(fermi_kinetics.initial_slope(sea())).max()
    return np.array([rate(there, back, own, other) / gain, *orbitals, *of_sea])


entry = partial(
    Entry,
    section=_SECTION,
    tolerance=ROUNDING,
    because="relative; rounding of sums over Fock space",
    route="many-body collision integral of three orbitals (fock)",
)

ENTRIES = [
    entry(
        equation="43",
        statement="Spin density along any axis",
        latex=r"N^\sigma = \frac1V\sum_{\mathbf k}\varrho^\sigma_{\mathbf k}",
        code=("openmr.models.fock.density",),
        printed=_spin_density,
        reference=_fock_densities,
        residual=lambda f, r: max(abs(f(*given, VOLUME) / found - 1) for *given, found in r),
        route="operators (N + n.sigma)/2 on Fock space",
    ),
    entry(
        equation="44",
        statement="Spin densities change by the collision integral alone",
        latex=r"\frac{\partial}{\partial t}N^\sigma"
        r" = \frac1V\sum_{\mathbf k}\mathcal J^\sigma_{\mathbf k}",
        code=("openmr.models.scattering.one_body_collision",),
        printed=_density_change,
        reference=_exact_density_change,
        residual=lambda f, r: relative(f(some_populations(), VOLUME), r),
        note="Mean field and Zeeman energy turn no population that is diagonal along the axis; "
        "coherence along another axis than the field would turn it.",
    ),
    entry(
        equation="45",
        statement="Rate equation of the spin densities, with Pauli blocking",
        latex=r"\frac{\partial}{\partial t}N^\sigma = W_{\sigma\bar\sigma}(\mathbf k,\mathbf k')"
        r"\varrho^{\bar\sigma}_{\mathbf k'}\varrho^\sigma_{\mathbf k}"
        r" - W_{\bar\sigma\sigma}(\mathbf k',\mathbf k)"
        r"\varrho^\sigma_{\mathbf k}\varrho^{\bar\sigma}_{\mathbf k'}",
        corrected_latex=r"\frac{\partial}{\partial t}N^\sigma"
        r" = W_{\sigma\bar\sigma}(\mathbf k,\mathbf k')"
        r"\varrho^{\bar\sigma}_{\mathbf k'}\bar\varrho^\sigma_{\mathbf k}"
        r" - W_{\bar\sigma\sigma}(\mathbf k',\mathbf k)"
        r"\varrho^\sigma_{\mathbf k}\bar\varrho^{\bar\sigma}_{\mathbf k'}",
        code=("openmr.models.scattering.golden_rule",),
        printed=_rate_printed,
        corrected=rate,
        evidence="(34), which it sums, and (55), which is linear in it, have the bars",
        reference=_exact_density_change,
        residual=_rate_error,
        note="The bars over the empty state are missing in the text at hand; Eqs. (22) and (55) "
        "have them. Without them the error is of the order of the rate itself.",
    ),
    entry(
        equation="46",
        statement="Golden-rule rate from the moments' spectrum, for spins along any axis",
        latex=r"W_{\sigma\sigma'}(\mathbf k,\mathbf k') = \frac{1}{V^2}n_S^\eta"
        r" D^{\eta,\eta}_{\nu_2\nu_1}(\omega^{\sigma'}_{\mathbf k'} - \omega^\sigma_{\mathbf k})"
        r"\sigma^{\nu_1}_{\sigma\sigma'}\sigma^{\nu_2}_{\sigma'\sigma}",
        code=("openmr.rates.closed_form.flip_weights", "openmr.models.scattering.golden_rule"),
        printed=_transition_rate,
        shipped=(lambda after: few().rates[:, after, :, 1 - after],),
        reference=_exact_rates,
        residual=_transition_error,
        route="many-body collision integral (fock) with one state filled",
        note="D is the whole transform D+ + D- of <L(t) L>, with L of Eq. (6), hbar = 1; one "
        "1/V is that of Eq. (44); eta is the sublattice.",
    ),
    entry(
        equation="47",
        statement="In equilibrium spins along the axis have Fermi-Dirac populations at their "
        "mean energy",
        latex=r"\varrho^\sigma_{\mathbf k} = f(\epsilon^\sigma_{\mathbf k}),\quad"
        r" \epsilon^\sigma_{\mathbf k} = \epsilon_{\mathbf k}"
        r" + \langle\sigma|\epsilon_B\hat\sigma_z|\sigma\rangle",
        code=("openmr.models.fermi_kinetics.local_equilibrium",),
        printed=_equilibrium_population,
        reference=_gibbs_populations,
        residual=_thermal_order,
        tolerance=0.05,
        because="distance of the order from 2; the next order of four Zeeman energies "
        "up to 0.4 k_B T moves it by a tenth of the square, 0.02",
        route="Gibbs state on Fock space",
        order=2.0,
        parameter="Zeeman energy over k_B T",
        note="Exact along the field. Across it the state is not diagonal: it keeps a coherence "
        "of first order in the Zeeman energy.",
    ),
    entry(
        equation="48",
        statement="Fluctuation-dissipation theorem of the moments",
        latex=r"D_{\nu_1\nu_2}(\epsilon) = e^{\beta\epsilon}D_{\nu_2\nu_1}(-\epsilon)",
        code=("openmr.bath.moment_correlator",),
        printed=_time_reversed,
        reference=_line_weights,
        residual=lambda f, r: max(relative(f(*line), found) for *line, found in r),
        because="relative to the largest element; rounding",
        route="spin matrices turned in time, traced with the Gibbs matrix",
    ),
    entry(
        equation="49",
        statement="Detailed balance of the transition rates",
        latex=r"W_{\sigma\bar\sigma}(\mathbf k,\mathbf k')"
        r" = e^{\beta(\epsilon^{\bar\sigma}_{\mathbf k'} - \epsilon^\sigma_{\mathbf k})}"
        r"W_{\bar\sigma\sigma}(\mathbf k',\mathbf k)",
        code=("openmr.models.scattering.golden_rule",),
        printed=_detailed_balance,
        reference=_exact_rates,
        residual=_balance_error,
        route="many-body collision integral (fock) with one state filled",
    ),
    entry(
        equation="50",
        statement="Nothing changes in equilibrium",
        latex=r"\frac{\partial}{\partial t}N^\sigma = 0",
        code=("openmr.models.scattering.golden_rule",),
        printed=nothing,
        reference=_equilibrium_change,
        residual=lambda f, r: float(np.abs(r - f()).max()),
        because="over what flips move one way; rounding",
        route="golden rule, many-body collision integral, and the kinetic equation of a Fermi sea",
    ),
]
