"""Electrons and moments together: who relaxes whom.

To first order in the deviations from equilibrium, with the spin density s of the electrons, its
equilibrium s_eq = -(nu/2) hbar omega and the state rho of a moment,

    ds/dt = omega x s + delta_omega x s_eq - (Gamma + 1/tau_0)(s - delta_s) + n Q(delta_rho),
    d(delta_rho)/dt = -(i/hbar) [H, delta_rho] + (i/hbar) [(J0 delta_S + J s).S, rho_eq]
                      + L delta_rho + P.mu - r delta_rho,

where hbar delta_omega = -n J delta_S follows the moments at once, delta_s, the equilibrium in that
field, is -(nu/2) hbar delta_omega, mu = 2 (s - delta_s)/nu is the accumulation, and r the rate at
which a thermostat resets the moments. J is a number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from openmr._checks import Array, ComplexArray
from openmr.rates.korringa import (
    LEVI_CIVITA,
    MomentBath,
    accumulation_drive,
    back_flux,
    relaxation_generator,
)
from openmr.units import HBAR, K_B


class JointMotion(NamedTuple):
    """Parts of the joint generator, in the axes of the moment's levels.

    Attributes
    ----------
    bath : MomentBath
        With J the same number on the diagonal.
    density : float, m^-3
        n of the moments.
    weiss : array (3, 3), eV
        J0 among the moments.
    precession : array (3,), rad/s
        omega of the electrons, with the mean field of the moments.
    exchange_rates : array (3, 3), 1/s
        Gamma.
    spin_flip_rate : float, 1/s
        1/tau_0.
    thermostat_rate : float, 1/s
        r.
    """

    bath: MomentBath
    density: float
    weiss: Array
    precession: Array
    exchange_rates: Array
    spin_flip_rate: float
    thermostat_rate: float = 0.0


def _across(vector: Array) -> Array:
    """Matrix of vector x."""
    return np.asarray(-np.einsum("abc,c->ab", LEVI_CIVITA, vector))


def _means(motion: JointMotion) -> ComplexArray:
    """Rows that give Tr[S_a rho], shape (3, d^2)."""
    return np.asarray(motion.bath.levels.spins.transpose(0, 2, 1).reshape(3, -1))


def _instantaneous(motion: JointMotion) -> ComplexArray:
    """Rows that give delta_s, shape (3, d^2)."""
    bath = motion.bath
    return np.asarray(0.5 * bath.dos * motion.density * bath.coupling[0, 0] * _means(motion))


def joint_generator(motion: JointMotion) -> ComplexArray:
    """Matrix of d(s, delta_rho)/dt, rho row by row between the levels.

    Parameters
    ----------
    motion : JointMotion

    Returns
    -------
    complex array (3 + d^2, 3 + d^2), 1/s
        One eigenvalue is 0, or -r: the trace of rho.
    """
    bath, n = motion.bath, motion.density
    levels, j = bath.levels, float(bath.coupling[0, 0])
    size = len(levels.populations)
    means = _means(motion)
    turning = -n * j / HBAR * means  # delta_omega
    instant = _instantaneous(motion)
    resting = -0.5 * bath.dos * HBAR * motion.precession
    decay = motion.exchange_rates + motion.spin_flip_rate * np.eye(3)
    populations = np.diag(levels.populations)
    torque = np.array([(s @ populations - populations @ s).ravel() for s in levels.spins]).T
    torque = 1j / HBAR * torque  # of a unit field -S.f
    driven = accumulation_drive(bath).reshape(3, -1).T * (2.0 / bath.dos)
    own = levels.energies * K_B * bath.temperature / HBAR
    free = -1j * (own[:, None] - own[None, :]).ravel()
    total = np.zeros((3 + size**2, 3 + size**2), dtype=complex)
    total[:3, :3] = _across(motion.precession) - decay
    total[:3, 3:] = -_across(resting) @ turning + decay @ instant + n * back_flux(bath)
    total[3:, :3] = torque * j + driven
    total[3:, 3:] = np.diag(free - motion.thermostat_rate) + relaxation_generator(bath)
    total[3:, 3:] += torque @ motion.weiss @ means - driven @ instant
    return total


def total_spin(motion: JointMotion) -> ComplexArray:
    """Rows that give s + n delta_S, which exchange conserves, shape (3, 3 + d^2).

    Parameters
    ----------
    motion : JointMotion

    Returns
    -------
    complex array (3, 3 + d^2)
        In m^-3 for s in m^-3.
    """
    return np.hstack([np.eye(3), motion.density * _means(motion)])


def effective_tensor(motion: JointMotion) -> Array:
    """Tensor of 0 = diffusion - tensor . mu in a static film, whose moments have followed mu.

    Parameters
    ----------
    motion : JointMotion

    Returns
    -------
    array (3, 3), 1/s
        Gamma + 1/tau_0 with precession less what the moments, at zero frequency, give back.
    """
    total, instant = joint_generator(motion), _instantaneous(motion)
    moving = total[3:, 3:] + total[3:, :3] @ instant
    fed = total[:3, 3:] + total[:3, :3] @ instant
    followed = np.linalg.lstsq(moving, total[3:, :3], rcond=1e-13)[0]
    return np.asarray(-(total[:3, :3] - fed @ followed).real)
