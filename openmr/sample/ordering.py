"""Temperatures at which the moments order in mean field."""

from __future__ import annotations

import numpy as np

from openmr import _checks, units
from openmr._checks import Array
from openmr.sample.magnet import Magnet, symmetrising_weights


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
    (32) first have a solution other than zero.

    Returns
    -------
    float, K
        Of the first order that sets in on cooling.
    """
    _checks.instance("magnet", magnet, Magnet)
    if len(magnet.sublattices) == 1:
        spin = magnet.sublattices[0].spin
        return max(magnet.weiss[0][0] * (spin * (spin + 1.0) / 3.0) / units.K_B, 0.0)
    return float(_ordering_modes(magnet)[0].max(initial=0.0))


def _leading_net_moment(magnet: Magnet) -> float:
    """|sum of n_S g <S>| over the sum of magnitudes, in the mode that orders first."""
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
