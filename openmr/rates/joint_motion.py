"""Electrons and moments together: who relaxes whom.

To first order in the deviations from equilibrium, with the spin density s of the electrons and the
state rho_i of a moment of each sublattice. Each sees the other's mean field at once,

    hbar delta_omega = -sum_i n_i J_i delta_S_i,   delta_h_i = -sum_j J0_ij delta_S_j - J_i delta_s,

and nothing relaxes but what differs from the equilibrium in these fields,

    sigma = delta_s + (nu/2) hbar delta_omega,      eta_i = delta_rho_i - R_i delta_h_i,

with the Gibbs state's response R. In these two the motion is

    d(delta_s)/dt = omega x sigma - (Gamma + 1/tau_0) sigma + sum_i n_i Q_i eta_i,
    d(delta_rho_i)/dt = -(i/hbar) [H_i, eta_i] + (L_i - r_i) eta_i + P_i mu,    mu = 2 sigma / nu,

since the torques of the first line's fields are those parts of omega x s and [H, rho] that are not
in sigma and eta; r_i is the rate at which a thermostat resets the moments. J is a number.

In a static film mu is what diffuses. With eta at rest in mu,

    0 = diffusion - [Gamma + 1/tau_0 - omega x + (2/nu) sum_i n_i Q_i (F_i)^-1 P_i] mu,
    F = -(i/hbar) [H, .] + L - r,

for any coupling (docs/theory/followed_moments.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr._spins import LEVI_CIVITA
from openmr.rates.korringa import (
    MomentBath,
    accumulation_drive,
    back_flux,
    gibbs_response,
    relaxation_generator,
)
from openmr.units import HBAR, K_B

_SLOWEST = 1e-14
"""Part of the fastest rate that stands for a thermostat where there is none."""


class Partner(NamedTuple):
    """Moments of one sublattice."""

    bath: MomentBath  # in the axes of the electrons' spin
    density: float  # n, m^-3
    thermostat_rate: float = 0.0  # r, 1/s


class JointMotion(NamedTuple):
    """Parts of the joint generator, in the axes of the partners."""

    partners: Sequence[Partner]  # with J a number: `coupling` is it times the unit matrix
    weiss: Array  # J0 among the moments, (n, n, 3, 3), eV
    precession: Array  # omega of the electrons, with the mean field of the moments, (3,), rad/s
    exchange_rates: Array  # Gamma, (3, 3), 1/s
    spin_flip_rate: float  # 1/tau_0, 1/s

    @property
    def places(self) -> list[slice]:
        """Slices of each delta_rho in the vector (s, delta_rho_1, ...), row by row."""
        ends = np.cumsum([3, *(len(p.bath.levels.populations) ** 2 for p in self.partners)])
        return [slice(a, b) for a, b in pairwise(ends)]


def _across(vector: Array) -> Array:
    """Matrix of vector x."""
    return np.asarray(-np.einsum("abc,c->ab", LEVI_CIVITA, vector))


def _means(bath: MomentBath) -> ComplexArray:
    """Rows that give Tr[S_a rho], shape (3, d^2)."""
    return np.asarray(bath.levels.spins.transpose(0, 2, 1).reshape(3, -1))


def _still(partner: Partner, relaxing: ComplexArray) -> ComplexArray:
    """F: what eta of one sublattice does by itself, shape (..., d^2, d^2), given its L."""
    bath, moving = partner.bath, relaxing.copy()
    own = bath.gaps * np.asarray(K_B * bath.temperature / HBAR)[..., None, None]
    each = np.arange(moving.shape[-1])
    moving[..., each, each] -= 1j * own.reshape(*own.shape[:-2], -1) + partner.thermostat_rate
    return moving


def _drive(bath: MomentBath) -> ComplexArray:
    """P over nu/2: columns per unit of sigma, shape (..., d^2, 3)."""
    rows = accumulation_drive(bath)
    return np.asarray(np.swapaxes(rows.reshape(*rows.shape[:-2], -1), -1, -2) * (2.0 / bath.dos))


def excess(motion: JointMotion) -> ComplexArray:
    """Matrix from (s, delta_rho) to (sigma, eta), what is not in equilibrium with the fields."""
    places = motion.places
    found = np.eye(3 + sum(here.stop - here.start for here in places), dtype=complex)
    for i, (one, here) in enumerate(zip(motion.partners, places, strict=True)):
        j = float(one.bath.coupling[0, 0])
        found[:3, here] -= 0.5 * one.bath.dos * one.density * j * _means(one.bath)
        response = gibbs_response(one.bath).reshape(3, -1).T
        found[here, :3] += j * response
        for k, (other, there) in enumerate(zip(motion.partners, places, strict=True)):
            found[here, there] += response @ motion.weiss[i, k] @ _means(other.bath)
    return found


def joint_generator(motion: JointMotion) -> ComplexArray:
    """Matrix of d(s, delta_rho)/dt, (3 + sum d^2, 3 + sum d^2) [1/s], rho row by row.

    One eigenvalue a sublattice is 0, or -r: the trace of rho.
    """
    out = excess(motion)
    total = np.zeros_like(out)
    total[:3, :3] = _across(motion.precession) - motion.exchange_rates
    total[:3, :3] -= motion.spin_flip_rate * np.eye(3)
    for one, here in zip(motion.partners, motion.places, strict=True):
        total[:3, here] = one.density * back_flux(one.bath)
        total[here, here] = _still(one, relaxation_generator(one.bath))
        total[here, :3] = _drive(one.bath)
    return np.asarray(total @ out)


def total_spin(motion: JointMotion) -> ComplexArray:
    """Rows that give s + sum n delta_S, which exchange conserves, (3, 3 + sum d^2) [m^-3]."""
    each = [one.density * _means(one.bath) for one in motion.partners]
    return np.hstack([np.eye(3), *each])


def returned(partner: Partner) -> Array:
    """Part of Gamma that a static film's moments give back, for they have followed mu.

    -(2/nu) n Q F^-1 P for any coupling, (..., 3, 3) [1/s]; 0 for an infinite thermostat rate.
    """
    bath, rate = partner.bath, partner.thermostat_rate
    populations = bath.levels.populations
    if np.isinf(rate) or not bath.coupling.any():
        return np.zeros((*populations.shape[:-1], 3, 3))
    relaxing = relaxation_generator(bath)
    moving = _still(partner, relaxing)
    fastest = np.abs(np.diagonal(relaxing, axis1=-2, axis2=-1)).max(axis=-1)[..., None]
    each, size = np.arange(moving.shape[-1]), populations.shape[-1]
    # the trace stands still, and so may levels that no coupling joins: neither is driven
    moving[..., each, each] -= np.maximum(_SLOWEST * fastest - rate, 0.0)
    level = each[:: size + 1]  # the diagonal of rho
    moving[..., level[:, None], level] -= (np.maximum(fastest, rate) * populations)[..., None]
    followed = np.linalg.solve(moving, _drive(bath))
    return np.asarray(-partner.density * (back_flux(bath) @ followed).real)


def static_tensor(motion: JointMotion) -> Array:
    """Tensor of 0 = diffusion - tensor . mu in a static film, (3, 3) [1/s].

    Gamma + 1/tau_0 with precession, less what the moments give back that have followed mu.
    """
    kept = motion.exchange_rates - sum(map(returned, motion.partners))
    return np.asarray(kept + motion.spin_flip_rate * np.eye(3) - _across(motion.precession))
