"""Temperatures at which the moments order in mean field."""

from __future__ import annotations

from math import ceil, log2

import numpy as np

from openmr import _checks, units
from openmr._checks import EPSILON, Array, ComplexArray, ParameterError
from openmr._spins import spin_matrices
from openmr.sample.crystal_field import static_response
from openmr.sample.magnet import Magnet, Moments, symmetrising_weights

_PER_OCTAVE = 16
"""Steps to a factor of two in temperature with which the first order on cooling is looked for."""
_COLDEST = 1e-6
"""Share of the largest possible ordering temperature below which no order is looked for."""


def _ordering_modes(magnet: Magnet) -> tuple[Array, Array]:
    """Mean-field ordering temperatures [K], ascending, and the <S_par> patterns (columns)."""
    _checks.instance("magnet", magnet, Magnet)
    weiss = magnet.weiss_matrix
    weights = symmetrising_weights(weiss)
    curie_constant = magnet.spins * (magnet.spins + 1.0) / 3.0
    root = np.sqrt(curie_constant / weights)
    energies, modes = np.linalg.eigh(root[:, None] * weights[:, None] * weiss * root)
    return energies / units.K_B, root[:, None] * modes


def ordering_temperature(magnet: Magnet) -> float:
    """Highest temperature at which the moments order at zero field [K]; 0 if they never do.

    Largest eigenvalue of J0_ij S_j(S_j+1) / (3 k_B), the point where the Weiss equations (30),
    (32) first have a solution other than zero. With axes of their own det(1 - chi(T) J0) = 0,
    chi the response of the moments to a field in their own levels.

    Returns
    -------
    float, K
        Of the first order that sets in on cooling.

    Raises
    ------
    ParameterError
        For moments that a Hamiltonian without time reversal polarises at any temperature.
    """
    _checks.instance("magnet", magnet, Magnet)
    if magnet.is_oriented:
        return _first_order(magnet)[0]
    if len(magnet.sublattices) == 1:
        spin = magnet.sublattices[0].spin
        return float(max(magnet.weiss[0][0] * (spin * (spin + 1.0) / 3.0) / units.K_B, 0.0))
    return float(_ordering_modes(magnet)[0].max(initial=0.0))


def _zero_field_levels(moments: Moments) -> tuple[Array, ComplexArray]:
    """Energies over the lowest [eV] and S in the film's coordinates between the levels."""
    energies, states = np.linalg.eigh(moments.crystal_hamiltonian)
    spins = states.conj().T @ spin_matrices(moments.spin) @ states
    return energies - energies[0], np.tensordot(moments.crystal_axes.T, spins, axes=1)


def _response(levels: list[tuple[Array, ComplexArray]], kelvin: float) -> Array:
    """Chi of each moment at zero field [1/eV], shape (n, 3, 3)."""
    found = []
    for energies, spins in levels:
        x = energies / (units.K_B * kelvin)
        p = np.exp(-x) / np.exp(-x).sum()
        mean = np.einsum("m,amm->a", p, spins).real
        if np.abs(mean).max() > 64 * EPSILON * len(x):
            raise ParameterError(
                "`hamiltonian` must be the same after time reversal for an ordering temperature: "
                f"it polarises the moments without field, <S> = {np.round(mean, 6).tolist()}"
            )
        found.append(static_response(x, p, spins) / (units.K_B * kelvin))
    return np.array(found)


def _first_order(magnet: Magnet) -> tuple[float, Array]:
    """Ordering temperature [K], and the pattern <S_i> (n, 3) that sets in; 0 and zeros for none."""
    weiss = magnet.couplings
    weights = symmetrising_weights(np.array(magnet.weiss))
    count = len(weights)
    levels = [_zero_field_levels(moments) for moments in magnet.sublattices]
    energy = (weights[:, None, None, None] * weiss).transpose(0, 2, 1, 3)

    def mode(kelvin: float) -> tuple[float, Array]:
        """Largest eigenvalue of sqrt(chi) J0 sqrt(chi), 1 where order sets in, and <S> in it."""
        values, axes = np.linalg.eigh(_response(levels, kelvin))
        root = (axes * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ axes.transpose(0, 2, 1)
        root /= np.sqrt(weights)[:, None, None]
        matrix = np.einsum("iab,ibjc,jcd->iajd", root, energy, root).reshape(3 * count, -1)
        largest, modes = np.linalg.eigh(matrix)
        return float(largest[-1]), np.einsum("iab,ib->ia", root, modes[:, -1].reshape(count, 3))

    # <(S.u)^2> <= S^2 bounds chi, and so the temperature
    size = magnet.spins / np.sqrt(weights)
    bound = np.einsum("i,iajb,j->iajb", size, energy, size).reshape(3 * count, -1)
    high = float(np.linalg.eigvalsh(bound)[-1]) / units.K_B
    if high <= 0.0:
        return 0.0, np.zeros((count, 3))
    steps = ceil(-log2(_COLDEST) * _PER_OCTAVE)
    low = high
    for _ in range(steps):
        low = high * 2.0 ** (-1.0 / _PER_OCTAVE)
        if mode(low)[0] >= 1.0:
            break
        high = low
    else:
        return 0.0, np.zeros((count, 3))
    while high - low > 2 * EPSILON * high:  # halved until no double lies between
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if mode(middle)[0] >= 1.0 else (low, middle)
    return high, mode(high)[1]


def _leading_net_moment(magnet: Magnet) -> float:
    """|sum of n_S g <S>| over the sum of magnitudes, in the mode that orders first."""
    _checks.instance("magnet", magnet, Magnet)
    if magnet.is_oriented:
        pattern = _first_order(magnet)[1]
        moments = np.array(
            [
                one.density * (one.crystal_axes.T @ one.g_tensor @ one.crystal_axes @ mean)
                for one, mean in zip(magnet.sublattices, pattern, strict=True)
            ]
        )
        sizes = np.linalg.norm(moments, axis=-1).sum()
        return float(np.linalg.norm(moments.sum(axis=0)) / sizes) if sizes else 0.0
    modes = _ordering_modes(magnet)[1]
    if not modes.size:
        return 0.0
    pattern = modes[:, -1]
    moments = pattern * magnet.densities * magnet.g_factors
    return float(abs(moments.sum()) / np.abs(moments).sum())


def curie_temperature(magnet: Magnet) -> float:
    """Ordering temperature [K] if the order that sets in has a net moment, else 0.

    Returns
    -------
    float, K
        T_C.
    """
    # eigenvectors are good to about machine epsilon over the relative gap of the eigenvalues
    return ordering_temperature(magnet) if _leading_net_moment(magnet) > 1e-9 else 0.0


def neel_temperature(magnet: Magnet) -> float:
    """Ordering temperature [K] if the order that sets in has no net moment, else 0.

    Returns
    -------
    float, K
        T_N.
    """
    return 0.0 if _leading_net_moment(magnet) > 1e-9 else ordering_temperature(magnet)
