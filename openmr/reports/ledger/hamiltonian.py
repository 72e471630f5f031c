"""The Hamiltonian, Eqs. (1)-(6)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import qutip

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import PAULI, spin_matrices
from openmr.models import finite_band, scattering
from openmr.moments.equilibrium import equilibrium
from openmr.reports.ledger.entries import Entry, Formula
from openmr.reports.ledger.small_systems import (
    ROUNDING,
    few_electrons,
    largest,
    relative,
    thermal,
    trace_second,
)
from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.units import K_B, MU_B

_SECTION = "II. System Hamiltonian"


# --- (1) --------------------------------------------------------------------------------------


class Energies(NamedTuple):
    """Expectation values along an exact evolution, (times, initial states)."""

    electrons: Array
    moments: Array
    exchange: Array
    start: Array  # of the whole, at the start, per initial state


@cache
def _exact_energies() -> Energies:
    """One electron in a band of nine levels with a moment, strongly coupled, from expm."""
    electron, moment = np.diag(PAULI[2]).real, np.array([0.5, -0.5])
    zeeman = np.repeat(0.4 * electron, 2)
    splitting = np.tile(1.3 * moment, 2)
    orbitals = finite_band.orbital_levels(9, 1.0)
    generator = np.random.default_rng(3)
    band = finite_band.FiniteBand(
        energies=zeeman + splitting,
        populations=np.array([0.3, 0.7]),
        couplings=np.stack([sum(np.kron(p, s) for p, s in zip(PAULI, 0.5 * PAULI, strict=True))]),
        orbitals=orbitals,
        scattering=finite_band.random_scattering(orbitals, 1.0, 0.5, generator)[None],
    )
    _, states = finite_band.evolve(band, 0.2, 3.0, 6)
    weights = np.abs(states) ** 2
    kinetic = np.einsum("tkas,k->ts", weights, orbitals)
    electrons = kinetic + np.einsum("tkas,a->ts", weights, zeeman)
    moments = np.einsum("tkas,a->ts", weights, splitting)
    exchange = np.einsum(
        "tkas,ab,kl,tlbs->ts", states.conj(), band.couplings[0], band.scattering[0], states,
        optimize=True,
    ).real  # fmt: skip
    # the start is an eigenstate of the rest, and V has no element that keeps the orbital
    start = orbitals[band.start] + zeeman + splitting
    return Energies(electrons, moments, exchange, start)


def _total_energy(e: Energies) -> Array:
    """Eq. (1)."""
    return np.asarray(e.electrons + e.moments + e.exchange)


def _drift(found: Array, e: Energies) -> float:
    return float(np.abs(found - e.start).max() / np.ptp(e.exchange))


# --- (2) --------------------------------------------------------------------------------------


class Electron(NamedTuple):
    """An electron in the 2p shell of a Coulomb potential -1/r, in a field."""

    hbar: float
    mass: float
    c: float
    g: float
    mu_b: float
    field: float
    momentum_squared: float
    sigma: ComplexArray  # (3, 6, 6)
    along: ComplexArray  # b.sigma
    cross: ComplexArray  # p x grad V_so (3, 6, 6)


@cache
def _hydrogen() -> tuple[Electron, Electron, tuple[float, float, float]]:
    """The shell in a field without orbit, the shell without field, and what must come out.

    Expected: the splitting of a spin 1/2 with the moment -g mu_B s; the fine structure and, by the
    virial theorem, the kinetic energy of Dirac's levels.
    """
    hbar, mass, c, g, mu_b, field = 0.8, 1.7, 1000.0, 2.1, 0.7, 0.3
    radius = hbar**2 / mass
    x, weights = np.polynomial.laguerre.laggauss(12)  # x = r / radius, exact for polynomials
    norm = weights @ x**4
    inverse_cube = weights @ x / norm / radius**3
    slope = (2 * x - x**2 / 2) ** 2 + 2 * x**2  # u = x^2 exp(-x/2), l (l + 1) = 2
    momentum_squared = float(hbar**2 * (weights @ slope) / norm / radius**2)
    orbit = hbar * spin_matrices(1.0)
    bare = Electron(
        hbar=hbar,
        mass=mass,
        c=c,
        g=g,
        mu_b=mu_b,
        field=0.0,
        momentum_squared=momentum_squared,
        sigma=np.stack([np.kron(p, np.eye(3)) for p in PAULI]),
        along=np.kron(0.6 * PAULI[0] + 0.8 * PAULI[2], np.eye(3)),
        cross=np.stack([np.kron(np.eye(2), -inverse_cube * m) for m in orbit]),
    )
    zeeman = bare._replace(field=field, momentum_squared=0.0, cross=0 * bare.cross)
    alpha = 1 / (hbar * c)

    def bound(j: float) -> float:
        effective = 2 - (j + 0.5) + np.sqrt((j + 0.5) ** 2 - alpha**2)
        return float(mass * c**2 * np.expm1(-0.5 * np.log1p((alpha / effective) ** 2)))

    spin = qutip.jmat(0.5, "z").full()
    levels = g * mu_b * field * (spin[0, 0] - spin[1, 1]).real
    return zeeman, bare, (levels, bound(1.5) - bound(0.5), -(2 * bound(1.5) + bound(0.5)) / 3)


def _electron_printed(e: Electron) -> ComplexArray:
    """Eq. (2) as printed."""
    orbit = sum(e.sigma[v] @ e.cross[v] for v in (0, 1, 2))
    kinetic = e.momentum_squared / (2 * e.mass) * np.eye(len(e.along))
    zeeman = e.g * e.mu_b * e.field * e.along
    return np.asarray(kinetic + zeeman - e.hbar / (4 * e.mass**2 * e.c**2) * orbit)


def electron(e: Electron) -> ComplexArray:
    """Eq. (2) with half of the Zeeman term."""
    orbit = sum(e.sigma[v] @ e.cross[v] for v in (0, 1, 2))
    kinetic = e.momentum_squared / (2 * e.mass) * np.eye(len(e.along))
    zeeman = e.g * e.mu_b * e.field * e.along / 2
    return np.asarray(kinetic + zeeman - e.hbar / (4 * e.mass**2 * e.c**2) * orbit)


def _electron_residual(formula: Formula, reference: Any) -> float:
    zeeman, bare, (splitting, fine, kinetic) = reference
    found = np.trace(formula(zeeman) @ zeeman.along).real / 3
    matrix = formula(bare)
    levels = np.linalg.eigvalsh(matrix)
    mean = levels.mean()
    # two states of j = 1/2 and four of j = 3/2: the third moment tells which is above
    order = np.sign(np.sum((levels - mean) ** 3)) * -1
    gap = order * np.ptp(levels)
    return float(max(abs(found / splitting - 1), abs(gap / fine - 1), abs(mean / kinetic - 1)))


# --- (3) --------------------------------------------------------------------------------------


class Pair(NamedTuple):
    """Two moments, spins 1/2 and 1, in a field; energies in eV."""

    g: float
    mu_b: float
    field: Array  # (3,) T
    exchange: Array  # J_ij
    spins: ComplexArray  # (site, component, 6, 6)
    states: tuple[ComplexArray, ComplexArray]  # of the moments, thermal
    splittings: Array  # eps_L of the Weiss field [eV]


@cache
def _weiss_pair() -> Pair:
    """Moments on two sublattices with their Weiss field from `om.equilibrium`."""
    bond, temperature, field = 1e-3, 10.0, 3.0
    magnet = Magnet(
        [Moments(0.5, 1e27, exchange_energy=1e-3), Moments(1.0, 1e27, exchange_energy=1e-3)],
        [[0.0, bond], [bond, 0.0]],
    )
    film = Film(5e-9, 0.1, 1e-6, spin_flip_time=9e-12, resistivity=2e-6)
    state = equilibrium(Sample(magnet, Electrons(3e27, 3e27), film), temperature, field)
    half, one = spin_matrices(0.5), spin_matrices(1.0)
    x = state.splitting / (K_B * temperature)
    return Pair(
        g=2.0,
        mu_b=MU_B,
        field=np.array([0.0, 0.0, field]),
        exchange=np.array([[0.0, bond], [bond, 0.0]]),
        spins=np.stack(
            [[np.kron(s, np.eye(3)) for s in half], [np.kron(np.eye(2), s) for s in one]]
        ),
        states=(thermal(x[0] * half[2]), thermal(x[1] * one[2])),
        splittings=state.splitting,
    )


def _moments_printed(m: Pair) -> ComplexArray:
    """Eq. (3) as printed: the sum runs over i, i' and over i', i."""
    zeeman = sum(m.field[v] * m.spins[i][v] for i in (0, 1) for v in (0, 1, 2))
    exchange = sum(
        m.exchange[i, j] * m.spins[i][v] @ m.spins[j][v]
        for i in (0, 1)
        for j in (0, 1)
        for v in (0, 1, 2)
    )
    return np.asarray(m.g * m.mu_b * zeeman - exchange)


def moments(m: Pair) -> ComplexArray:
    """Eq. (3) with each pair once."""
    zeeman = sum(m.field[v] * m.spins[i][v] for i in (0, 1) for v in (0, 1, 2))
    exchange = sum(
        m.exchange[i, j] * m.spins[i][v] @ m.spins[j][v]
        for i in (0, 1)
        for j in (0, 1)
        for v in (0, 1, 2)
    )
    return np.asarray(m.g * m.mu_b * zeeman - exchange / 2)


def _splittings(hamiltonian: ComplexArray, m: Pair) -> Array:
    """Level distance of each moment in the mean field of the other."""
    first = trace_second(hamiltonian @ np.kron(np.eye(2), m.states[1]), 2)
    exchanged = (hamiltonian @ np.kron(m.states[0], np.eye(3))).reshape(2, 3, 2, 3)
    second = np.einsum("aiaj->ij", exchanged)
    return np.array([(h[0, 0] - h[1, 1]).real for h in (first, second)])


# --- (4)-(6) ----------------------------------------------------------------------------------


class Exchange(NamedTuple):
    """An electron's spin at a moment of spin 1, isotropic exchange."""

    hbar: float
    coupling: float  # J [energy volume]
    volume: float
    sigma: ComplexArray  # (3, 6, 6)
    spin: ComplexArray  # (3, 6, 6)
    levels: Array  # by total angular momentum


@cache
def _electron_at_moment() -> Exchange:
    """Levels of -J s.S / V with s the electron's spin: a number for each total spin F."""
    coupling, volume, spin = 0.9, 1.7, 1.0
    total = np.array([0.5, 0.5, 1.5, 1.5, 1.5, 1.5])
    product = 0.5 * (total * (total + 1) - spin * (spin + 1) - 0.75)
    return Exchange(
        hbar=0.8,
        coupling=coupling,
        volume=volume,
        sigma=np.stack([np.kron(p, np.eye(3)) for p in PAULI]),
        spin=np.stack([np.kron(np.eye(2), s) for s in spin_matrices(1.0)]),
        levels=np.sort(-coupling / volume * product),
    )


def exchange(e: Exchange, L: ComplexArray) -> ComplexArray:
    """Eq. (4), with delta = 1 / V."""
    return np.asarray(-e.hbar * sum(L[v] @ e.sigma[v] / e.volume for v in (0, 1, 2)))


def _moment_operator(e: Exchange) -> ComplexArray:
    """Eq. (6)."""
    return np.asarray(e.coupling / (2 * e.hbar) * e.spin)


def _coupling_levels(matrix: ComplexArray) -> Array:
    if not largest(matrix - matrix.conj().T) < 1e-12:
        raise ValueError("not Hermitian")
    return np.asarray(np.linalg.eigvalsh(matrix))


def _local_spin(delta: ComplexArray, sigma: ComplexArray) -> ComplexArray:
    """Eq. (5): elements <r s|V|r' s'> on a grid of places."""
    return np.asarray(delta[:, None, :, None] * sigma[None, :, None, :])


class Local(NamedTuple):
    """Places on a ring, one of them the moment's."""

    waves: ComplexArray  # <r|k> (r, k)
    delta: ComplexArray  # delta(r - r_i) as a diagonal matrix
    expected: ComplexArray  # (3, modes, modes)


@cache
def _plane_wave_elements() -> Local:
    """Coupling at a place as the electrons' engine takes it, spin 1/2 times 2."""
    few = few_electrons(1)
    grid = 7
    spacing = few.volume / grid
    places = spacing * np.arange(grid)
    k = few.k[::2]
    delta = np.diag((np.arange(grid) == round(few.sites[0] / spacing)) / spacing)
    waves = np.exp(1j * np.outer(places, k)) / np.sqrt(grid)
    return Local(waves, delta, scattering.plane_waves(k, few.sites[0], 2.0 / few.volume))


def _local_residual(formula: Formula, r: Local) -> float:
    off = []
    for pauli, expected in zip(PAULI, r.expected, strict=True):
        places = formula(r.delta, pauli)
        found = np.einsum("rk,rsRt,Rl->kslt", r.waves.conj(), places, r.waves)
        off.append(relative(found.reshape(expected.shape), expected))
    return float(np.max(off))


_entry = partial(Entry, section=_SECTION, tolerance=ROUNDING)

ENTRIES = [
    _entry(
        equation="1",
        statement="Electrons, moments and their coupling make up the whole energy",
        latex=r"H = H_e + H_m + V_{em}",
        code=(
            "openmr.models.finite_band.apply_hamiltonian",
            "openmr.rates.routes.joint_space.hamiltonian",
        ),
        printed=_total_energy,
        reference=_exact_energies,
        residual=lambda formula, e: _drift(formula(e), e),
        tolerance=1e-11,
        because="distance from the energy at the start over the change of the coupling's; rounding "
        "of the propagator",
        route="exact evolution of one electron in a band with a moment",
    ),
    _entry(
        equation="2",
        statement="Electron: kinetic, Zeeman (omega_B = g mu_B B / hbar) and spin-orbit energy",
        latex=r"H_e = p_l^2/2m + g\mu_B B\,\hat{\mathbf b}\cdot\boldsymbol\sigma_l"
        r" - (\hbar/4m^2c^2)\,\boldsymbol\sigma_l\cdot"
        r"[\mathbf p_l\times\nabla V_{so}(\mathbf r_l)]",
        corrected_latex=r"H_e = p_l^2/2m"
        r" + \tfrac12 g\mu_B B\,\hat{\mathbf b}\cdot\boldsymbol\sigma_l"
        r" - (\hbar/4m^2c^2)\,\boldsymbol\sigma_l\cdot"
        r"[\mathbf p_l\times\nabla V_{so}(\mathbf r_l)]",
        code=(
            "openmr.rates.routes.joint_space.hamiltonian",
            "openmr.rates.routes.joint_space.first_order_tensor",
        ),
        printed=_electron_printed,
        corrected=electron,
        reference=_hydrogen,
        residual=_electron_residual,
        tolerance=1e-5,
        because="relative, the worst of three energies; next order of Dirac's levels, "
        "alpha^2 = 1.6e-6",
        route="spin operators of QuTiP; Dirac's levels of n = 2",
        note="As printed the electron precesses at twice the omega_B that the same sentence "
        "defines. Kinetic and spin-orbit term are right.",
    ),
    _entry(
        equation="3",
        statement="Moments: Zeeman energy and exchange, whose mean field is Eq. (30)",
        latex=r"\hat H_m = g\mu_B\mathbf B\cdot\sum_{\iota i}\hat{\mathbf S}_{\iota i}"
        r" - \sum_{\iota i\iota'i'} J_{\iota i\iota'i'}\hat{\mathbf S}_{\iota i}\cdot"
        r"\hat{\mathbf S}_{\iota'i'}",
        corrected_latex=r"\hat H_m = g\mu_B\mathbf B\cdot\sum_{\iota i}\hat{\mathbf S}_{\iota i}"
        r" - \tfrac12\sum_{\iota i\iota'i'} J_{\iota i\iota'i'}\hat{\mathbf S}_{\iota i}\cdot"
        r"\hat{\mathbf S}_{\iota'i'}",
        code=("openmr.models.clusters.hamiltonian", "openmr.moments.equilibrium.equilibrium"),
        printed=_moments_printed,
        corrected=moments,
        reference=_weiss_pair,
        residual=lambda formula, m: relative(_splittings(formula(m), m), m.splittings),
        tolerance=1e-9,
        because="relative; the Weiss iteration is carried to 1e-12 and rounding is below",
        route="partial trace over the other moment, beside the Weiss field of om.equilibrium",
        note="The printed sum meets each pair twice, and its mean field has twice the exchange of "
        "Eq. (30). Either the sum is over pairs, as taken here, or (30) lacks a factor 2.",
    ),
    _entry(
        equation="4",
        statement="Moments and electrons couple by the product of L and V",
        latex=r"\check V_{em} = -\hbar\sum_{il\nu}\hat L_i^\nu\hat V_{il}^\nu",
        code=("openmr.rates.routes.joint_space.coupling", "openmr.models.scattering.plane_waves"),
        printed=exchange,
        reference=_electron_at_moment,
        residual=lambda formula, e: relative(
            _coupling_levels(formula(e, e.coupling / 2 / e.hbar * e.spin)), e.levels
        ),
        because="relative; rounding of a 6 x 6 diagonalisation",
        route="angular momentum: levels of -J s.S by the total spin",
        note="J > 0 puts the parallel spins below.",
    ),
    _entry(
        equation="5",
        statement="The electrons' operator is their spin at the place of the moment",
        latex=r"\hat V_{il}^\nu = \hat\sigma_l^\nu\,\delta(\mathbf r_l - \mathbf r_i)",
        code=("openmr.models.scattering.plane_waves", "openmr.models.fock.one_body"),
        printed=_local_spin,
        reference=_plane_wave_elements,
        residual=_local_residual,
        because="relative; rounding of sums over seven places",
        route="couplings between plane waves of om.scattering, beside sums over a grid of places",
    ),
    _entry(
        equation="6",
        statement="The moments' operator is their spin times J / 2 hbar",
        latex=r"\hat L_i^\nu = \frac{\mathcal J_i^\nu}{2\hbar}\hat S_{\iota i}^\nu",
        code=("openmr.rates.routes.joint_space.coupling", "openmr.bath.moment_correlator"),
        printed=_moment_operator,
        reference=_electron_at_moment,
        residual=lambda formula, e: relative(
            _coupling_levels(
                -e.hbar / e.volume * sum(a @ b for a, b in zip(formula(e), e.sigma, strict=True))
            ),
            e.levels,
        ),
        because="relative; rounding of a 6 x 6 diagonalisation",
        route="angular momentum: levels of -J s.S by the total spin",
        note="The factor 1/2 makes J the coupling of the electron's spin s = sigma/2. Eqs. (40), "
        "(64), (65) take L = J S instead: two normalisations of one letter.",
    ),
]
