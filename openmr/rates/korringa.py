"""Relaxation of one moment by the electrons: rates among its levels, T1, T2, and the spin it takes.

V = -(1/2) sum_a sigma_a X_a with X_a = sum_b J_ab S_b; nu is the electrons' density of states per
spin. Between levels of energies x_m (over k_B T)

    W_mn = (pi/hbar) nu^2 k_B T K(x_m - x_n) sum_a |X_a^nm|^2,    K(x) = x / (1 - exp(-x)),

goes from m to n, and with coherences d rho/dt = L rho,

    L rho = -sum_a [X_a, Lam_a rho - rho Lam_a^+],
    Lam_a^mn = (pi/2 hbar) nu^2 k_B T K(x_n - x_m) X_a^mn.

A spin accumulation mu, relative to the field that acts on the electrons, drives the moment by the
same form with Lam_a -> (pi/2 hbar) nu^2 sum_bc i eps_abc K'(x_n - x_m) X_b^mn mu_c, where moments
on a perfect lattice have X_b - <X_b>; what the moment gives to the electrons is the back flux.
Level shifts of second order grow with the logarithm of the band width and are left out. Nothing
is checked here; matrices act on rho row by row. Generator, drive and back flux take leading axes of
a grid, the rest is of one point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr._spins import LEVI_CIVITA
from openmr.bath.correlators import electron_hole_spectrum, spectrum_slope
from openmr.moments.levels import Levels
from openmr.sample.crystal_field import static_weights
from openmr.units import HBAR, K_B

_NEVER = 1e-26
"""Part of the fastest rate below which none is known."""


class MomentBath(NamedTuple):
    """A moment and the electrons that it meets, at one point or on a grid (...)."""

    levels: Levels  # of the moment
    coupling: Array  # J_ab between sigma_a and S_b, in the axes of `levels`, (..., 3, 3), eV m^3
    dos: float  # nu, density of states per spin, eV^-1 m^-3
    temperature: float | Array  # (...), K
    connected: bool = False  # the mean of the moments does not scatter, as on a perfect lattice

    @property
    def operators(self) -> ComplexArray:
        """X_a = sum_b J_ab S_b between the levels [eV m^3], shape (..., 3, d, d)."""
        return _coupled(self.coupling, self.levels.spins)

    @property
    def gaps(self) -> Array:
        """x_m - x_n, shape (..., d, d)."""
        x = self.levels.energies
        return np.asarray(x[..., :, None] - x[..., None, :])

    @property
    def strength(self) -> Array:
        """(pi/hbar) nu^2 k_B T [1/s per (eV m^3)^2], shape (...)."""
        return np.asarray(np.pi / HBAR * self.dos**2 * K_B * self.temperature)


def _coupled(coupling: Array, spins: ComplexArray) -> ComplexArray:
    return np.asarray(np.einsum("...ab,...bmn->...amn", coupling, spins))


def transition_rates(bath: MomentBath) -> Array:
    """W_mn from level m to level n, (d, d) [1/s]; 0 on the diagonal, and p_m W_mn = p_n W_nm."""
    square = (np.abs(bath.operators) ** 2).sum(axis=0).T
    rates = bath.strength * electron_hole_spectrum(bath.gaps) * square
    np.fill_diagonal(rates, 0.0)
    return np.asarray(rates)


def population_rates(bath: MomentBath) -> Array:
    """Rates 1/T1 with which populations relax (d-1,) [1/s], ascending, without the conserved sum.

    Eigenvalues of the rate equation. Made symmetric by the root of the populations it is A A^T
    with a column for every pair of levels, W_mn^(1/2) at m and -W_nm^(1/2) at n: squares of
    singular values, so that slow rates behind a barrier keep their digits. Below 1e-26 of the
    fastest, where levels themselves are rounding, they are 0.
    """
    roots = np.sqrt(transition_rates(bath))
    first, second = np.triu_indices(len(roots), 1)
    pairs = np.zeros((len(roots), len(first) + 1))  # one pair alone leaves a column of zeros
    columns = np.arange(len(first))
    pairs[first, columns] = roots[first, second]
    pairs[second, columns] = -roots[second, first]
    rates = np.linalg.svd(pairs, compute_uv=False)[-2::-1] ** 2
    return np.asarray(np.where(rates > _NEVER * rates.max(), rates, 0.0))


def coherence_rates(bath: MomentBath) -> Array:
    """Secular 1/T2 of the coherence between two levels, (d, d) [1/s]; 0 on the diagonal.

    (W_m + W_n)/2 + (pi/2 hbar) nu^2 k_B T sum_a (X_a^mm - X_a^nn)^2. Equal spacings couple
    coherences; then only `relaxation_generator` tells how they decay.
    """
    leaving = transition_rates(bath).sum(axis=1)
    along = np.diagonal(bath.operators, axis1=-2, axis2=-1).real
    apart = ((along[:, :, None] - along[:, None, :]) ** 2).sum(axis=0)
    rates = 0.5 * (leaving[:, None] + leaving[None, :]) + 0.5 * bath.strength * apart
    np.fill_diagonal(rates, 0.0)
    return np.asarray(rates)


def _dressed(bath: MomentBath) -> ComplexArray:
    """Lam_a [1/(s eV m^3)], shape (..., 3, d, d)."""
    noise = bath.strength[..., None, None] * electron_hole_spectrum(-bath.gaps)
    return np.asarray(0.5 * noise[..., None, :, :] * bath.operators)


def _driven(bath: MomentBath) -> ComplexArray:
    """Lam_a of a unit accumulation mu_c, shape (..., c, a, d, d)."""
    found = bath.levels
    spins = found.shifted(found.mean) if bath.connected else found.spins
    slope = np.pi / (2 * HBAR) * bath.dos**2 * spectrum_slope(-bath.gaps)
    each = slope[..., None, :, :] * _coupled(bath.coupling, spins)
    return np.asarray(1j * np.einsum("abc,...bmn->...camn", LEVI_CIVITA, each))


def _adjoint(matrices: ComplexArray) -> ComplexArray:
    return np.asarray(np.swapaxes(matrices.conj(), -1, -2))


def _redfield(operators: ComplexArray, dressed: ComplexArray) -> ComplexArray:
    """Matrix, on rho row by row, of rho -> -sum_a [X_a, Lam_a rho - rho Lam_a^+]."""
    size = operators.shape[-1]
    one = np.eye(size)
    left = (operators @ dressed).sum(axis=-3)
    total = np.einsum("...amk,...anl->...mnkl", dressed, np.swapaxes(operators, -1, -2))
    total += np.einsum("...amk,...anl->...mnkl", operators, dressed.conj())
    total -= np.einsum("...mk,nl->...mnkl", left, one)
    total -= np.einsum("mk,...nl->...mnkl", one, left.conj())
    return np.asarray(total.reshape(*total.shape[:-4], size**2, size**2))


def relaxation_generator(bath: MomentBath) -> ComplexArray:
    """L of d rho/dt = L rho, (..., d^2, d^2) [1/s], without the moment's own Hamiltonian."""
    return _redfield(bath.operators, _dressed(bath))


def accumulation_drive(bath: MomentBath) -> ComplexArray:
    """P_c rho_eq: d rho/dt per unit of the spin accumulation mu_c, (..., 3, d, d) [1/(s eV)]."""
    lam, x = _driven(bath), bath.operators[..., None, :, :, :]
    # Lam rho - rho Lam^+ of a diagonal rho
    inner = lam * bath.levels.populations[..., None, None, None, :]
    inner -= _adjoint(inner)
    return np.asarray((inner @ x - x @ inner).sum(axis=-3))


def back_flux(bath: MomentBath) -> ComplexArray:
    """Q_c of one moment: spin that the electrons gain per time, as rows (..., 3, d^2) [1/s].

    i sum_da eps_cda Tr[X_a (Lam_d rho - rho Lam_d^+)] = row . rho.
    """
    x, lam = bath.operators, _dressed(bath)
    rows = np.zeros_like(x)
    for c, d, a in zip(*np.nonzero(LEVI_CIVITA), strict=True):
        one, other = x[..., a, :, :], lam[..., d, :, :]
        inner = one @ other - _adjoint(other) @ one  # Tr[inner rho]
        rows[..., c, :, :] += LEVI_CIVITA[c, d, a] * 1j * np.swapaxes(inner, -1, -2)
    return rows.reshape(*rows.shape[:-2], -1)


def gibbs_response(bath: MomentBath) -> ComplexArray:
    """Change of the Gibbs state of H + h.S per unit of h_a, shape (3, d, d) [1/eV].

    -L_mn <m|S_a - <S_a>|n> / k_B T with the weights of `static_weights`.
    """
    found = bath.levels
    weights = static_weights(found.energies, found.populations)
    return np.asarray(-weights * found.shifted(found.mean) / (K_B * bath.temperature))


def moment_shift(bath: MomentBath, electron_splitting: Array) -> Array:
    """Field -J^T s_eq of the polarised electrons on the moment, (3,) [eV], added to h of H + h.S.

    s_eq = -(nu/2) hbar omega of the splitting hbar omega (3,). With J a number the field is
    Delta g / g of the electron's Zeeman term, Delta g = g_e nu J / 2.
    """
    return np.asarray(0.5 * bath.dos * bath.coupling.T @ electron_splitting)
