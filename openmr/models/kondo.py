"""Third order in the exchange: golden rule with T = V + V G V for a moment in a flat band.

An electron that goes from k to k' may pass through an empty state k'', or an electron from a filled
k'' goes to k' first and the one from k then fills k''. The moment is visited in opposite orders,
and what its spin matrices do not commute by is left with a logarithm of the band. V is real in a
fitting basis, so principal values alone count. Energies are in units of k_B T; the electrons' spin
levels are not split, the moment's are. Sources: Kondo1964, Anderson1970.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import PAULI, populations, spin_matrices
from openmr.bath.fermi_sea import principal_values
from openmr.models.fermi_kinetics import energy_grid

_SPACING, _REACH = 0.3, 40.0  # k_B T; sums err by exp(-pi^2 / spacing) and exp(-reach)


class Visits(NamedTuple):
    """Two visits to the moment by way of k'', over e + x given - e'' for an electron at e.

    Attributes
    ----------
    given : int
        Levels that the moment falls by as the electron leaves k.
    empty, filled : complex array (2, M, 2, M), no unit
        Through an empty and a filled k''; axes: spin and level after, before.
    """

    given: int
    empty: ComplexArray
    filled: ComplexArray


def visits(spin: float, exchange: ArrayLike) -> tuple[ComplexArray, list[Visits]]:
    """Matrix of V, and what its second order is made of.

    Parameters
    ----------
    spin : float, no unit
    exchange : array_like (3,), no unit
        nu_F J_v; positive is ferromagnetic.

    Returns
    -------
    first : complex array (2, M, 2, M), no unit
        Axes: spin and level after, before.
    second : list of Visits
    """
    moment = np.asarray(exchange)[:, None, None] * spin_matrices(spin)
    number = np.arange(moment.shape[-1])
    second = []
    for given in (-1, 0, 1):
        line = moment * (number[:, None] - number == given)
        empty = np.einsum("bij,ajk,bmo,aon->imkn", PAULI, PAULI, moment, line)
        filled = np.einsum("bij,ajk,amo,bon->imkn", PAULI, PAULI, line, moment)
        second.append(Visits(given, 0.25 * empty, 0.25 * filled))
    return -0.5 * np.einsum("aik,amn->imkn", PAULI, moment), second


def flip_rates(
    spin: float, x: float, exchange: ArrayLike, half_width: float, *, connected: bool = False
) -> tuple[Array, Array]:
    """Diagonal of the relaxation tensor of second order, and what the third order adds to it.

    Parameters
    ----------
    spin : float, no unit
    x : float, no unit
        beta eps_L of the moment.
    exchange : array_like (3,), no unit
        nu_F J_v.
    half_width : float, k_B T
        W of the band, far above 1 and |x|, where the logarithm ends.
    connected : bool
        Leave out the moment's mean, as on a perfect lattice.

    Returns
    -------
    second : array (3,), 2 pi n_S / (hbar nu_F)
        Rates of spins along x, y, z.
    third : array (3,), 2 pi n_S / (hbar nu_F)
        For spins along x, y, z. With one J the third is -2 nu_F J (ln W + c) of the second for
        x = 0, c = 1 + gamma - ln(2 pi); at any x it changes with ln W at this rate.
    """
    first, second = visits(spin, exchange)
    p = populations(spin, x)
    number = np.arange(len(p))
    energies = energy_grid([x], _SPACING, _REACH)
    spacing = energies[1] - energies[0]
    terms = []  # values and numerators of G
    for given, empty, filled in second:
        between = energies + given * x
        electrons, holes = principal_values(between, between, half_width)
        terms += [(-holes, empty), (-electrons, filled)]
    found = np.zeros((2, 3))
    for axis, pauli in enumerate(PAULI):
        minus, plus = np.linalg.eigh(pauli)[1].T
        flip = np.outer(minus.conj(), plus)
        once, *twice = (
            np.einsum("ik,imkn->mn", flip, matrix) for matrix in (first, *(m for _, m in terms))
        )
        for given in (-1, 0, 1):  # by the moment to the electron, which ends in an empty state
            thermal = spacing * expit(-energies) * expit(energies + given * x)
            again = sum((thermal @ g) * m for (g, _), m in zip(terms, twice, strict=True))
            mask = number[:, None] - number == given
            amplitudes = [mask * a for a in (once, thermal.sum() * once, 2 * again)]
            if connected and given == 0:
                amplitudes = [a - np.trace(a * p) * mask for a in amplitudes]
            for order, amplitude in enumerate(amplitudes[1:]):
                found[order, axis] += 2 * ((amplitudes[0].conj() * amplitude).real @ p).sum()
    return found[0], found[1]
