"""Electrons and moments as two coupled spins: linear motion of both across the field.

Each precesses in the mean field of the other, and what one loses by flips the other gains. What
the moments' motion does to the electrons is the disconnected term that Eq. (A17) drops. Energies
are in units of k_B T, times of hbar / k_B T, spin densities of nu_F k_B T. Source: Hasegawa1959.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from openmr._checks import Array, ComplexArray
from openmr._spins import LEVI_CIVITA, spin_matrices
from openmr.bath.correlators import electron_hole_spectrum, populations
from openmr.models.clusters import golden_rule_tensor

_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


class Partner(NamedTuple):
    """Moments of one sublattice.

    Attributes
    ----------
    spin : float, no unit
    splitting : float, k_B T
        eps_L, without the field of the electrons.
    number : float, no unit
        n_S / (nu_F k_B T).
    exchange : sequence of float (3,), no unit
        nu_F J_v.
    connected : bool
        Whether the mean of the moments does not scatter, as on a perfect lattice.
    """

    spin: float
    splitting: float
    number: float
    exchange: Sequence[float]
    connected: bool = False


def transverse_decay(
    partners: Sequence[Partner], weiss: ArrayLike, electron_splitting: float, spin_flip_rate: float
) -> float:
    """Decay rate of the joint mode that most of the electrons' spin across the field is in.

    Parameters
    ----------
    partners : sequence of Partner
    weiss : array_like (n, n), k_B T
        J0_ij.
    electron_splitting : float, k_B T
        hbar omega_L, signed.
    spin_flip_rate : float, k_B T / hbar
        1/tau_0.

    Returns
    -------
    float, k_B T / hbar
        It is 1/tau_perp beside moments that do not move.
    """
    joint = joint_generator(partners, weiss, electron_splitting, spin_flip_rate)
    rates, modes = np.linalg.eig(joint)
    shares = np.abs((modes[:2] * np.linalg.inv(modes)[:, :2].T).sum(axis=0))
    return float(rates[np.argsort(shares)[-2:]].real.mean())


def joint_generator(
    partners: Sequence[Partner], weiss: ArrayLike, electron_splitting: float, spin_flip_rate: float
) -> Array:
    """G of dv/dt = -G v for v = the x and y of the electrons' spin, then of each sublattice's.

    Parameters
    ----------
    partners, weiss, electron_splitting, spin_flip_rate
        As of `transverse_decay`.

    Returns
    -------
    array (2 + 2n, 2 + 2n), k_B T / hbar
    """
    w, count = electron_splitting, len(partners)
    across = [np.diag(partner.exchange[:2]) for partner in partners]
    # of the electrons' spin over the thermal one in the field that the moments are making
    excess = np.stack([np.eye(2), *(-0.5 * coupling for coupling in across)], axis=1)
    change = np.zeros((1 + count, 2, 1 + count, 2))
    change[0, :, 0] = w * _TURN
    change[0] -= np.einsum("ab,bkc->akc", spin_flip_rate * np.eye(2), excess)
    for i, (partner, coupling) in enumerate(zip(partners, across, strict=True), 1):
        splitting = partner.splitting + 0.5 * partner.exchange[2] * w
        found = _exchanged(partner, splitting)
        change[0] -= np.einsum("ab,bkc->akc", found.relaxation, excess)
        change[0, :, i] += found.back_flow - 0.5 * w * _TURN @ coupling
        change[i] += np.einsum("ab,bkc->akc", found.pumping, excess)
        change[i, :, 0] += partner.number * found.mean * _TURN @ coupling
        change[i, :, i] += splitting * _TURN - found.decay
        for k, other in enumerate(partners, 1):
            ratio = partner.number / other.number * np.asarray(weiss)[i - 1, k - 1]
            change[i, :, k] += ratio * found.mean * _TURN
    return -change.reshape(2 + 2 * count, 2 + 2 * count)


class _Exchanged(NamedTuple):
    """<S_z>, and rates (2, 2) across the field: lost by electrons and gained from them by moments,
    lost by moments and gained from them by electrons.
    """

    mean: float
    relaxation: Array
    pumping: Array
    decay: Array
    back_flow: Array


def _exchanged(partner: Partner, splitting: float) -> _Exchanged:
    """By the Redfield form, with no splitting of the electrons."""
    s, exchange = spin_matrices(partner.spin), np.asarray(partner.exchange)[:, None, None]
    p = populations(partner.spin, splitting)
    mean = float(s[2].diagonal().real @ p)
    number = np.arange(len(p))
    taken = splitting * (number[:, None] - number)  # E_n - E_m of the element <m|S|n>
    rate, still = electron_hole_spectrum(taken), taken == 0
    slope = rate * (1 - electron_hole_spectrum(-taken)) / np.where(still, 1.0, taken)
    slope = np.where(still, 0.5, slope)  # of the rate with the energy
    # a moment turned by a small angle, [S, rho], over its spin: finite also without a splitting
    turned = s[:2] * np.maximum(p[:, None], p)
    turned = turned / np.einsum("bij,bji->b", turned, s[:2])[:, None, None]

    def gains(x: ComplexArray, dressed: ComplexArray, state: ComplexArray) -> tuple[Array, Array]:
        """Rates of the moment's spin and of the electrons', x and y."""
        flow = dressed @ state
        flow = flow - np.swapaxes(flow.conj(), -1, -2)
        moment = -np.einsum("cij,aji->c", s, x @ flow - flow @ x)
        electrons = 1j * np.einsum("cda,aij,dji->c", LEVI_CIVITA, x, flow)
        return moment.real[:2], electrons.real[:2]

    def swapped(x: ComplexArray) -> list[Array]:
        pushed = 1j * np.einsum("abc,bij->caij", LEVI_CIVITA, slope * x)
        pumping = [gains(x, push, np.diag(p))[0] for push in pushed[:2]]
        decay, back_flow = zip(*(gains(x, rate * x, state) for state in turned), strict=True)
        return [np.stack(part, -1) for part in (pumping, decay, back_flow)]

    x = exchange * s
    pumping, decay, back_flow = swapped(x)
    if partner.connected:
        x[2] -= partner.exchange[2] * mean * np.eye(len(p))
        whole = back_flow
        pumping, _, back_flow = swapped(x)
        decay = decay + whole - back_flow  # with one J spin is conserved
    noise = np.einsum("i,ij,aij,bji->ab", p, electron_hole_spectrum(-taken), x, x)
    return _Exchanged(
        mean,
        2 * np.pi * partner.number * golden_rule_tensor(noise)[0][:2, :2],
        np.pi * partner.number * pumping,
        -0.5 * np.pi * decay,
        0.5 * np.pi * back_flow,
    )
