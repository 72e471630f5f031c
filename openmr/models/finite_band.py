"""One electron in a finite band, coupled to moments: exact dynamics and its second order.

Eq. (7) without any approximation, for N orbital levels instead of a Fermi sea. The system is the
electron spin and the moments (dimension d); the bath is the electron's own orbital motion. hbar is
1; energies and rates share one unit.

    H = H_s + sum_k xi_k |k><k| + sum_i A_i (x) G_i,
    (G_i)_kk' = g exp(i theta_kk') exp(-(xi_k - xi_k')^2 / 4 W^2),    (G_i)_kk = 0,

with an even comb of levels, random Hermitian phases theta and a noise of width W. The electron
starts in a level in mid-band. |G| is not random, so the second order holds no random number;
docs/theory/numerics.md says why the edges are soft.

Maps and generators on the electron spin are real 4 x 4 matrices on (1, <sigma_x>, <sigma_y>,
<sigma_z>): M_ab = (1/2) Tr[sigma_a M(sigma_b)], sigma_0 = 1.

Random band matrices as baths: LutzWeidenmueller1999; generators without convolution:
BreuerPetruccione.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import jv

from openmr._checks import Array, ComplexArray, ConvergenceError, renamed
from openmr.bath import correlators
from openmr.tables import Alike

SPAN = 4.0
"""Outermost levels over the width of the noise; |G|^2 to them is exp(-8) = 3e-4 of its largest."""

NORM_LIMIT = 1e-11
"""Largest change of a norm; rounding leaves 1e-15 times the products."""

PAULI = np.concatenate([np.eye(2)[None], correlators.PAULI])


@dataclass(frozen=True, slots=True, eq=False)
class FiniteBand(Alike):
    """Electron spin (x) moments (x) band.

    Attributes
    ----------
    energies : array (d,), unit of energy
        H_s, diagonal in the product basis electron (x) moments.
    populations : array (d/2,), no unit
        Thermal weights of the moments' states.
    couplings : complex array (n, d, d), no unit
        A_i, Hermitian.
    orbitals : array (N,), unit of energy
        xi_k, ascending; the electron starts in the middle one.
    scattering : complex array (n, N, N), unit of energy
        G_i, Hermitian, zero on the diagonal.
    """

    energies: Array
    populations: Array
    couplings: ComplexArray
    orbitals: Array
    scattering: ComplexArray

    @property
    def start(self) -> int:
        """Index of the level where the electron starts."""
        return len(self.orbitals) // 2

    def scaled(self, factor: float) -> FiniteBand:
        """The same band with every coupling multiplied; -1 turns all odd orders round.

        Parameters
        ----------
        factor : float, no unit

        Returns
        -------
        FiniteBand
            With the same band and the same splittings.
        """
        return replace(self, couplings=factor * self.couplings)


@renamed(bandwidth="noise_width")
def orbital_levels(levels: int, noise_width: float) -> Array:
    """Even comb with one more level in its middle, half a spacing from its neighbours.

    From there its noise is that of a continuum (docs/theory/numerics.md).

    Parameters
    ----------
    levels : int
        N, odd.
    noise_width : float, unit of energy
        The comb reaches `SPAN` times that to either side.

    Returns
    -------
    array (N,), unit of energy
        Ascending.
    """
    spacing = 2 * SPAN * noise_width / (levels - 1)
    comb = spacing * (np.arange(levels - 1) - (levels - 2) / 2)
    return np.insert(comb, levels // 2, 0.0)


@renamed(bandwidth="noise_width")
def heisenberg_time(levels: int, noise_width: float) -> float:
    """2 pi over the level spacing, after which the electron is back.

    Parameters as of `orbital_levels`.

    Returns
    -------
    float, inverse unit of energy
        With hbar = 1.
    """
    return float(np.pi * (levels - 1) / (SPAN * noise_width))


@renamed(bandwidth="noise_width")
def random_scattering(
    orbitals: Array, noise_width: float, noise: float, generator: np.random.Generator
) -> ComplexArray:
    """G_kk' of one moment, shape (N, N), with the noise G(w) = noise exp(-w^2 / 2 W^2).

    Parameters
    ----------
    orbitals : array (N,), unit of energy
        From `orbital_levels`.
    noise_width : float, unit of energy
        W, the standard deviation of the noise spectrum.
    noise : float, unit of energy
        G(0) = 2 pi |g|^2 over the level spacing: the golden rule.
    generator : numpy.random.Generator
        For the phases.

    Returns
    -------
    complex array (N, N), unit of energy
        Hermitian, zero on the diagonal.
    """
    strength = np.sqrt(noise * (orbitals[1] - orbitals[0]) / (2 * np.pi))
    transfer = (orbitals[:, None] - orbitals) / noise_width
    phases = np.exp(2j * np.pi * generator.random(transfer.shape))
    upper = np.triu(strength * np.exp(-0.25 * transfer**2) * phases, k=1)
    return np.asarray(upper + upper.conj().T)


def apply_hamiltonian(band: FiniteBand, states: ComplexArray) -> ComplexArray:
    """H on states of shape (N, d, columns).

    Parameters
    ----------
    states : complex array (N, d, columns), no unit

    Returns
    -------
    complex array (N, d, columns), unit of energy
        H on each column.
    """
    levels, dimension, columns = states.shape
    free = band.orbitals[:, None, None] + band.energies[:, None]
    total = free * states
    flat = states.reshape(levels, dimension * columns)
    for coupling, scattering in zip(band.couplings, band.scattering, strict=True):
        total = total + coupling @ (scattering @ flat).reshape(states.shape)
    return np.asarray(total)


def evolve(band: FiniteBand, start: float, stop: float, count: int) -> tuple[Array, ComplexArray]:
    """Schroedinger evolution of every spin state of electron and moments, from mid-band.

    Parameters
    ----------
    start, stop : float, inverse unit of energy
        First and last of the evenly spaced times.
    count : int

    Returns
    -------
    times : array (count,), inverse unit of energy
        From start to stop.
    states : complex array (count, N, d, d), no unit
        Last axis: the initial spin state. Accurate to rounding, by one expansion of
        exp(-i H t) in Chebyshev polynomials of H for all times [TalEzerKosloff1984].

    Raises
    ------
    ConvergenceError
        If a norm is lost.
    """
    times = np.linspace(start, stop, count)
    largest = _largest_energy(band)
    weights = _chebyshev_weights(largest * times)
    dimension, levels = len(band.energies), len(band.orbitals)
    before = np.zeros((levels, dimension, dimension), dtype=complex)
    before[band.start] = np.eye(dimension)
    now = apply_hamiltonian(band, before) / largest
    found = np.multiply.outer(weights[0], before) + np.multiply.outer(weights[1], now)
    for weight in weights[2:]:
        before, now = now, apply_hamiltonian(band, now) * (2 / largest) - before
        for place, factor in enumerate(weight):
            found[place] += factor * now
    change = float(np.abs(np.linalg.norm(found.reshape(count, -1, dimension), axis=1) - 1.0).max())
    if not change <= NORM_LIMIT:
        raise ConvergenceError(
            f"the evolution changed the norm of a state by {change:.2g}, allowed {NORM_LIMIT:g}"
        )
    return times, found


def _largest_energy(band: FiniteBand) -> float:
    """Bound on the size of every eigenvalue of H."""
    scattered = sum(
        np.linalg.norm(coupling, 2) * np.linalg.norm(scattering, np.inf)
        for coupling, scattering in zip(band.couplings, band.scattering, strict=True)
    )
    return float(np.abs(band.orbitals).max() + np.abs(band.energies).max() + scattered)


def _chebyshev_weights(phases: Array) -> ComplexArray:
    """c_k(z) in exp(-i z x) = sum_k c_k(z) T_k(x), |x| <= 1: Bessel functions, (k, phases).

    Beyond k = z they fall faster than any power, below rounding within ten widths z^(1/3) of it.
    """
    largest = float(np.abs(phases).max())
    order = np.arange(int(largest + 10 * np.cbrt(largest)) + 20)[:, None]
    return np.asarray((2 - (order == 0)) * (-1j) ** (order % 4) * jv(order, phases))


def dynamical_map(band: FiniteBand, states: ComplexArray) -> tuple[Array, Array]:
    """Phi(t) of the electron spin with the moments thermal at t = 0, and dPhi/dt.

    Parameters
    ----------
    states : complex array (count, N, d, d), no unit
        From `evolve`.

    Returns
    -------
    mapping : array (count, 4, 4), no unit
        Phi(t) in the basis 1, sigma_x, sigma_y, sigma_z.
    slope : array (count, 4, 4), unit of energy
        dPhi/dt.
    """
    # the levels' own energies drop out of the trace; left in, they would cost digits
    acting = replace(band, orbitals=np.zeros_like(band.orbitals))
    slopes = np.stack([-1j * apply_hamiltonian(acting, state) for state in states])
    change = _reduced(band, slopes, states)
    # the two terms of the product rule are Hermitian conjugates of each other
    return _reduced(band, states, states), 2 * change


def _reduced(band: FiniteBand, left: ComplexArray, right: ComplexArray) -> Array:
    moment = len(band.populations)
    split = (len(left), len(band.orbitals), 2, moment, 2, moment)
    # electron indices first: one matrix product sums over level, moment and initial moment
    left, right = (
        psi.reshape(split).transpose(0, 2, 4, 1, 3, 5).reshape(len(psi), 4, -1, moment)
        for psi in (left, right)
    )
    weighted = (left * band.populations).reshape(*left.shape[:2], -1)
    kept = weighted @ right.reshape(*right.shape[:2], -1).conj().swapaxes(-1, -2)
    blocks = kept.reshape(-1, 2, 2, 2, 2)  # row, initial row, column, initial column
    return np.asarray(0.5 * np.einsum("iba,tasbr,jsr->tij", PAULI, blocks, PAULI).real)


def time_local_generator(mapping: Array, slope: Array) -> Array:
    """K(t) = dPhi/dt Phi^-1, shape (count, 4, 4): the exact time-convolutionless generator.

    Parameters
    ----------
    mapping : array (count, 4, 4), no unit
        Phi(t).
    slope : array (count, 4, 4), unit of energy
        dPhi/dt, from `dynamical_map`.

    Returns
    -------
    array (count, 4, 4), unit of energy
        In the basis of `dynamical_map`.
    """
    return np.asarray(np.linalg.solve(mapping.swapaxes(-1, -2), slope.swapaxes(-1, -2))).swapaxes(
        -1, -2
    )


def precession_generator(frequency: float) -> Array:
    """-i [(frequency / 2) sigma_z, .] as a 4 x 4 matrix.

    Parameters
    ----------
    frequency : float, unit of energy

    Returns
    -------
    array (4, 4), unit of energy
        In the basis of `dynamical_map`.
    """
    generator = np.zeros((4, 4))
    generator[2, 1], generator[1, 2] = frequency, -frequency
    return generator


def second_order_generator(band: FiniteBand, times: Array) -> Array:
    """Second order of K(t) without the electron's own precession, from the same levels.

    -int_0^t ds Tr [V, [V(-s), rho (x) rho_0]] with V(-s) = exp(-i H_0 s) V exp(i H_0 s), the finite
    time form of Eqs. (9), (15); rho_0 is thermal moments and the level in mid-band.

    Returns as of `time_local_generator`.

    Parameters
    ----------
    times : array (count,), inverse unit of energy
    """
    return np.stack([_second_order_at(band, float(time)) for time in times])


def _second_order_at(band: FiniteBand, time: float) -> Array:
    start, moment = band.start, len(band.populations)
    gained = band.energies[:, None] - band.energies  # by the system in the element (a, b)
    lost = band.orbitals[start] - band.orbitals
    frequency = lost - gained[..., None]
    # int_0^t ds exp(i frequency s)
    phase = time * np.exp(0.5j * frequency * time) * np.sinc(frequency * time / (2 * np.pi))
    away, back = band.scattering[:, :, start], band.scattering[:, start, :]
    correlation = np.einsum("ik,jk,abk->ijab", back, away, phase)
    dressed = np.einsum("ijab,jab->iab", correlation, band.couplings)
    columns = []
    for pauli in PAULI:
        state = np.kron(pauli, np.diag(band.populations))
        change = np.zeros_like(state, dtype=complex)
        for coupling, memory in zip(band.couplings, dressed, strict=True):
            term = memory @ state
            change -= coupling @ term - term @ coupling
        change = change + change.conj().T
        electron = np.trace(change.reshape(2, moment, 2, moment), axis1=1, axis2=3)
        columns.append(0.5 * np.einsum("iba,ab->i", PAULI, electron).real)
    return np.stack(columns, axis=-1)
