"""Few electrons that scatter from moments: the one-body collision integral with Pauli blocking.

Eqs. (18), (21)-(27) and (A19)-(A22), for any one-body density matrix rho_{a2 a1}, Eq. (17). Modes
are orbitals times spin, index 2 k + (0 up, 1 down). Energies are in units of k_B T with hbar = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp
from scipy.special import wofz

from openmr import _checks
from openmr._checks import (
    Array,
    ComplexArray,
    ConvergenceError,
    ParameterError,
    square_matrix,
    switch,
)
from openmr.bath.correlators import CorrelatorLines, spin_matrices
from openmr.tables import Alike

_MOST_WAVES = 1000
"""Wavenumbers of one band: its couplings take 0.2 GiB."""

Transform = Callable[[Array], ComplexArray]
"""D+(w) of Eq. (A9): frequencies (...) [k_B T] -> (..., n, n)."""


@dataclass(frozen=True, slots=True, eq=False)
class Scattering(Alike):
    """Modes of the electrons, and the couplings and the bath that they scatter from.

    Attributes
    ----------
    energies : array (m,), k_B T
        Of the modes.
    couplings : complex array (n, m, m)
        Hermitian <a|V^n|b>, Eq. (5), the strength J_n / 2 of Eq. (6) included.
    transform : callable, (...) [k_B T] -> complex array (..., n, n), 1/k_B T
        D+_{n1 n2}(w), Eq. (A9), of Hermitian bath operators; D- of Eq. (A10) is then
        D-_{n2 n1}(w) = conj D+_{n1 n2}(w).
    """

    energies: Array
    couplings: ComplexArray
    transform: Transform

    def __post_init__(self) -> None:
        energies = _checks.finite_array("energies", self.energies, "k_B T")
        couplings = np.asarray(self.couplings, dtype=complex)
        modes = energies.size
        if energies.ndim != 1 or couplings.ndim != 3 or couplings.shape[1:] != (modes, modes):
            raise ParameterError(
                f"`couplings` must have shape (n, m, m) for `energies` (m,), "
                f"got {couplings.shape} and {energies.shape}"
            )
        if not np.allclose(couplings, adjoint(couplings), rtol=0, atol=1e-12):
            raise ParameterError("`couplings` must hold Hermitian matrices, got one that is not")
        count = len(couplings)
        shape = np.shape(self.transform(np.zeros(1)))
        if shape != (1, count, count):
            raise ParameterError(
                f"`transform` must return shape (..., {count}, {count}), got {shape} for one w"
            )
        object.__setattr__(self, "energies", energies)
        object.__setattr__(self, "couplings", couplings)

    @property
    def dressed(self) -> ComplexArray:
        """sum_n2 D+_{n1 n2}(w_5 -> 6) <5|V^n2|6> with w = e_6 - e_5, Eq. (A8), (n, m, m)."""
        lost = self.energies[None, :] - self.energies[:, None]
        half_sided = self.transform(lost)
        if not np.all(np.isfinite(half_sided)):
            raise ParameterError("`transform` must be finite at the energies' differences")
        return np.asarray(np.einsum("abij,jab->iab", half_sided, self.couplings))


def adjoint(matrices: ComplexArray) -> ComplexArray:
    """Hermitian conjugate of the last two axes.

    Parameters
    ----------
    matrices : complex array (..., m, n), any unit

    Returns
    -------
    complex array (..., n, m), unit of the matrices
        Each transposed and conjugated.

    Raises
    ------
    ParameterError
        For what has no two axes of finite numbers.
    """
    found = _checks.finite_numbers("matrices", matrices)
    if found.ndim < 2:
        raise ParameterError(f"`matrices` must have two axes at least, got shape {found.shape}")
    return np.asarray(np.swapaxes(found, -1, -2).conj())


def plane_waves(
    wavenumbers: ArrayLike, position: float = 0.0, exchange: ArrayLike = 1.0
) -> ComplexArray:
    """Couplings (J_v / 2) exp[-i(k - k') r] sigma_v of one moment at r, Eqs. (5), (6), (21).

    Parameters
    ----------
    wavenumbers : array_like (orbitals,), 1/length
    position : float, length
    exchange : array_like (3,) or float, k_B T
        J_v over the normalisation volume.

    Returns
    -------
    complex array (3, modes, modes), k_B T
        Modes: each orbital up and down; first axis v.

    Raises
    ------
    ParameterError
        For wavenumbers or an exchange of a wrong shape.
    """
    k = _checks.finite_array("wavenumbers", wavenumbers)
    if k.ndim != 1 or k.size > _MOST_WAVES:
        raise ParameterError(
            f"`wavenumbers` must be one row of at most {_MOST_WAVES}, got shape {k.shape}"
        )
    strength = _checks.finite_array("exchange", exchange, "k_B T")
    if strength.shape not in ((), (3,)):
        raise ParameterError(
            f"`exchange` must be a scalar or (x, y, z), got shape {strength.shape}"
        )
    strength = np.broadcast_to(strength, (3,))
    orbital = np.exp(-1j * (k[:, None] - k[None, :]) * _checks.number("position", position))
    spin = strength[:, None, None] * spin_matrices(0.5)  # (J/2) sigma
    return np.stack([np.kron(orbital, s) for s in spin])


def thermal_transform(lines: CorrelatorLines, *, width: float = 1.0) -> Transform:
    """D+(w) of a moment whose lines are broadened without leaving thermal equilibrium.

    Parameters
    ----------
    lines : CorrelatorLines
        From `bath.moment_correlator`.
    width : float, k_B T
        Standard deviation s of each line; 1 is a memory of beta hbar. The Markov step needs rates
        well below it; energies that scatter are compared within it.

    Returns
    -------
    callable, w [k_B T] -> complex array (..., 3, 3), 1/k_B T
        D+ at each w.

    Raises
    ------
    ParameterError
        For a width that is not positive.

    Notes
    -----
    The correlator is multiplied by exp(-s^2 t^2 / 2 - i s^2 t / 2), the one Gaussian that obeys
    the KMS condition, so Eq. (48) holds exactly at every width. The half-sided integral is the
    Faddeeva function.
    """
    width = _checks.number("width", width, "k_B T", above=0.0)

    def transform(w: Array) -> ComplexArray:
        off = np.asarray(w, dtype=float)[..., None] - lines.frequencies - 0.5 * width**2
        half_sided = np.sqrt(np.pi / 2) / width * wofz(off / (np.sqrt(2) * width))
        return np.asarray(np.einsum("...l,lab->...ab", half_sided, lines.weights))

    return transform


def one_body_collision(rho: ComplexArray, scattering: Scattering) -> ComplexArray:
    """One-body collision integral with Pauli blocking, Eqs. (21), (A19), (A20).

    Parameters
    ----------
    rho : complex array (m, m), no unit
        One-body density matrix.

    Returns
    -------
    complex array (m, m), k_B T / hbar
        Rate of change of rho.

    Notes
    -----
    sum_n [V^n, rho M^+ (1 - rho) - (1 - rho) M rho] with M = sum_n2 D+_{n n2} V^n2. Differs from
    Eq. (21) as printed by the bars: each term has one rho and one 1 - rho, as in Eq. (A22).
    """
    rho = square_matrix("rho", rho, len(scattering.energies))
    empty = np.eye(len(rho)) - rho
    scattered = empty @ scattering.dressed @ rho
    difference = adjoint(scattered) - scattered
    v = scattering.couplings
    return np.asarray((v @ difference - difference @ v).sum(axis=0))


def mean_field(rho: ComplexArray, scattering: Scattering) -> ComplexArray:
    """Hermitian h whose -i[h, rho] is the disconnected term left out of Eq. (A17), (m, m).

    h = 2 sum_n V^n Im Tr[M^n rho]: the moments' response to the electrons' mean polarisation,
    acting back on the electrons. It moves phases and no populations.

    Parameters as of `one_body_collision`.

    Returns
    -------
    complex array (m, m), k_B T
        Hermitian.
    """
    rho = square_matrix("rho", rho, len(scattering.energies))
    response = np.einsum("nab,ba->n", scattering.dressed, rho).imag
    return np.asarray(2.0 * np.einsum("n,nab->ab", response, scattering.couplings))


def golden_rule(scattering: Scattering) -> Array:
    """Rates G[a, b] from mode b to mode a of Eq. (25): J_aa = sum_b G_ab p_b q_a - G_ba p_a q_b.

    Returns
    -------
    array (m, m), k_B T / hbar
        Zero on the diagonal.
    """
    moved = np.einsum("nba,nab->ab", scattering.couplings, scattering.dressed)
    return np.asarray(2.0 * moved.real)


def evolve_density(
    rho: ComplexArray,
    scattering: Scattering,
    times: ArrayLike,
    *,
    disconnected: bool = False,
    rtol: float = 1e-8,
) -> ComplexArray:
    """One-body equation (18) with the collision integral (21): rho at the times, (t, m, m).

    Parameters
    ----------
    rho : complex array (m, m)
    times : array_like (t,), beta hbar
    disconnected : bool
        Add the mean field that Eq. (A17) leaves out.
    rtol : float, no unit

    Returns
    -------
    complex array (t, m, m), no unit
        rho at each time.
    """
    switch("disconnected", disconnected)
    bohr = scattering.energies[:, None] - scattering.energies[None, :]

    def rate(now: ComplexArray) -> ComplexArray:
        total = -1j * bohr * now + one_body_collision(now, scattering)
        if disconnected:
            h = mean_field(now, scattering)
            total = total - 1j * (h @ now - now @ h)
        return np.asarray(total)

    return np.stack(integrate(rate, square_matrix("rho", rho, len(bohr)), times, rtol))


def integrate(
    rate: Callable[[NDArray[Any]], NDArray[Any]], start: NDArray[Any], times: ArrayLike, rtol: float
) -> list[NDArray[Any]]:
    """Matrices at the given times from their rate of change, by DOP853.

    Parameters
    ----------
    rate : callable, (m, n) -> (m, n), 1/time
        Matrix -> its rate of change.
    start : array (m, n), no unit
        At times[0]; real or complex.
    times : array_like (t,), any unit
    rtol : float, no unit
        Relative tolerance; the absolute one is 1e-3 of it.

    Returns
    -------
    list of array (m, n), no unit
        One a time.

    Raises
    ------
    ParameterError
        For times that do not increase, or a tolerance out of its range.
    ConvergenceError
        If the integrator stops.
    """
    times = _checks.finite_array("times", times)
    if times.ndim != 1 or len(times) < 2 or np.any(np.diff(times) <= 0):
        raise ParameterError("`times` must be at least two increasing numbers")
    rtol = _checks.number("rtol", rtol, least=1e-13)
    shape = start.shape
    found = solve_ivp(
        lambda _, y: rate(y.reshape(shape)).ravel(),
        (times[0], times[-1]),
        start.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=rtol,
        atol=1e-3 * rtol,
    )
    if not found.success:
        raise ConvergenceError(f"the integration did not converge: {found.message}")
    return [np.asarray(y.reshape(shape)) for y in found.y.T]
