"""The Hamiltonian, Eqs. (1)-(6)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import qutip

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import PAULI, spin_matrices
from openmr.models import clusters, finite_band, scattering
from openmr.moments.equilibrium import equilibrium
from openmr.rates.routes.joint_space import coupling, hamiltonian
from openmr.reports.ledger.deviations import Pairs, deviation
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


class Evolved(NamedTuple):
    """Exact states of an electron in a band with a moment, and their energies at the start."""

    band: finite_band.FiniteBand
    states: ComplexArray  # (times, orbital, spins, initial state)
    start: Array  # per initial state
    exchanged: float  # by the coupling


@cache
def exact_evolution() -> Evolved:
    """Nine orbitals, a strongly coupled moment of spin 1/2: levels of the whole matrix."""
    electron, moment = np.diag(PAULI[2]).real, np.array([0.5, -0.5])
    orbitals, generator = finite_band.orbital_levels(9, 1.0), np.random.default_rng(3)
    band = finite_band.FiniteBand(
        energies=np.repeat(0.4 * electron, 2) + np.tile(1.3 * moment, 2),
        populations=np.array([0.3, 0.7]),
        couplings=np.einsum("v,vij,vkl->ikjl", [0.5, 0.3, 0.4], PAULI, PAULI).reshape(1, 4, 4),
        orbitals=orbitals,
        scattering=finite_band.random_scattering(orbitals, 1.0, 0.5, generator)[None],
    )
    exchange = np.kron(band.scattering[0], band.couplings[0])
    free = np.add.outer(orbitals, band.energies)
    energies, basis = np.linalg.eigh(np.diag(free.ravel()) + exchange)
    inside = basis.conj().T[:, 4 * band.start : 4 * band.start + 4]
    phases = np.exp(-1j * energies * np.array([0.2, 1.0, 3.0])[:, None])
    states: ComplexArray = np.einsum("ia,ta,as->tis", basis, phases, inside)
    moved = np.einsum("tas,ab,tbs->ts", states.conj(), exchange, states).real
    # the start is an eigenstate of the rest, and V has no element that keeps the orbital
    return Evolved(band, states.reshape(3, 9, 4, 4), free[band.start], float(np.ptp(moved)))


def _total_energy(e: Evolved) -> Array:
    """Eq. (1)."""
    whole = [finite_band.apply_hamiltonian(e.band, states) for states in e.states]
    return np.asarray(np.einsum("tkas,tkas->ts", e.states.conj(), whole).real)


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
    along: ComplexArray  # b.sigma, b along z
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
        along=np.kron(PAULI[2], np.eye(3)),
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
    """Eq. (2) with the Zeeman energy of the joint space, half of the printed one."""
    zeeman = hamiltonian([1.0], [0.0], e.g * e.mu_b * e.field).full()
    return np.asarray(_electron_printed(e._replace(field=0.0)) + zeeman)


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
    pair = clusters.Cluster((0.5, 1.0), m.exchange, m.g * m.mu_b * m.field[2])
    return np.asarray(clusters.hamiltonian(pair).toarray())


def _splittings(hamiltonian: ComplexArray, m: Pair) -> Array:
    """Level distance of each moment in the mean field of the other."""
    first = trace_second(hamiltonian @ np.kron(np.eye(2), m.states[1]), 2)
    exchanged = (hamiltonian @ np.kron(m.states[0], np.eye(3))).reshape(2, 3, 2, 3)
    second = np.einsum("aiaj->ij", exchanged)
    return np.array([(h[0, 0] - h[1, 1]).real for h in (first, second)])


# --- (4)-(6) ----------------------------------------------------------------------------------


class Exchange(NamedTuple):
    """An electron's spin at a moment of spin 1, isotropic exchange."""

    coupling: float  # J / V [energy]
    k: Array  # of an electron at rest
    levels: Array  # by total angular momentum


@cache
def _electron_at_moment() -> Exchange:
    """Levels of -J s.S / V with s the electron's spin: a number for each total spin F."""
    strength, spin = 0.9 / 1.7, 1.0
    total = np.array([0.5, 0.5, 1.5, 1.5, 1.5, 1.5])
    product = 0.5 * (total * (total + 1) - spin * (spin + 1) - 0.75)
    return Exchange(strength, np.zeros(1), np.sort(-strength * product))


def exchange(e: Exchange) -> ComplexArray:
    """Eq. (4)."""
    return np.asarray(coupling([1.0], 0, [e.coupling] * 3).full())


def _by_moment_operator(e: Exchange) -> ComplexArray:
    """Eq. (4) with the factor J / 2 of Eq. (6) as the electrons' engine has it."""
    local = scattering.plane_waves(e.k, exchange=e.coupling)
    return np.asarray(sum(map(np.kron, -local, spin_matrices(1.0))))


def _level_residual(formula: Formula, e: Exchange) -> float:
    matrix = formula(e)
    if not largest(matrix - matrix.conj().T) < 1e-12:
        raise ValueError("not Hermitian")
    return relative(np.linalg.eigvalsh(matrix), e.levels)


@cache
def _local_spins() -> Pairs:
    """Elements <k|delta(r - r_i)|k'> sigma by sums over a grid of seven places."""
    few = few_electrons(1)
    return [((few.k[::2], few.sites[0], few.volume), few.V)]


def _local_spin(k: Array, place: float, volume: float) -> ComplexArray:
    """Eq. (5), the spin 1/2 times 2."""
    return scattering.plane_waves(k, place, 2.0 / volume)


_entry = partial(Entry, section=_SECTION, tolerance=ROUNDING)

ENTRIES = [
    _entry(
        equation="1",
        statement="Electrons, moments and their coupling make up the whole energy",
        latex=r"H = H_e + H_m + V_{em}",
        code=("openmr.models.finite_band.apply_hamiltonian",),
        printed=_total_energy,
        reference=exact_evolution,
        residual=lambda formula, e: largest(formula(e) - e.start) / e.exchanged,
        tolerance=1e-11,
        because="distance from the energy at the start over the change of the coupling's; rounding",
        route="evolution of one electron in a band with a moment, by the levels of all states",
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
        code=("openmr.rates.routes.joint_space.hamiltonian",),
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
        code=("openmr.rates.routes.joint_space.coupling",),
        printed=exchange,
        reference=_electron_at_moment,
        residual=_level_residual,
        because="relative; rounding of a 6 x 6 diagonalisation",
        route="angular momentum: levels of -J s.S by the total spin",
        note="J > 0 puts the parallel spins below.",
    ),
    _entry(
        equation="5",
        statement="The electrons' operator is their spin at the place of the moment",
        latex=r"\hat V_{il}^\nu = \hat\sigma_l^\nu\,\delta(\mathbf r_l - \mathbf r_i)",
        code=("openmr.models.scattering.plane_waves",),
        printed=_local_spin,
        reference=_local_spins,
        residual=deviation,
        because="relative; rounding of sums over seven places",
        route="sums over a grid of places",
    ),
    _entry(
        equation="6",
        statement="The moments' operator is their spin times J / 2 hbar",
        latex=r"\hat L_i^\nu = \frac{\mathcal J_i^\nu}{2\hbar}\hat S_{\iota i}^\nu",
        code=("openmr.models.scattering.plane_waves",),
        printed=_by_moment_operator,
        reference=_electron_at_moment,
        residual=_level_residual,
        because="relative; rounding of a 6 x 6 diagonalisation",
        route="angular momentum: levels of -J s.S by the total spin",
        note="The factor 1/2 makes J the coupling of the electron's spin s = sigma/2. Eqs. (40), "
        "(64), (65) take L = J S instead: two normalisations of one letter.",
    ),
]
