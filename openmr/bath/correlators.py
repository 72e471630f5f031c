"""Fluctuations: correlators of one moment and the electron-hole continuum of the Fermi sea.

Everything follows from the spin matrices and from the Fermi functions; no closed form of the
relaxation rates enters. Energies are in units of k_B T, hbar = 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ComplexArray, SizeError
from openmr._spins import spin_matrices as spin_matrices  # noqa: PLC0414
from openmr.moments.spin_averages import level_sums

LARGEST_SPIN = 500.0
"""Largest moment whose matrices are built."""


PAULI = 2 * spin_matrices(0.5)
"""sigma_x, sigma_y, sigma_z, (3, 2, 2)."""


def populations(spin: float, x: float) -> Array:
    """Boltzmann weights of the levels m = S ... -S of H = x S_z, shape (2S+1,).

    Parameters
    ----------
    spin : float, no unit
        S of the moment.
    x : float, no unit
        beta eps_L.

    Returns
    -------
    array (2S+1,), no unit
        Weights with sum 1.

    Raises
    ------
    ParameterError
        For what is no spin, or an x that is not finite.
    """
    spin, x = _checks.half_integer("spin", spin), _checks.number("x", x)
    m = spin - np.arange(round(2 * spin) + 1)
    weights = np.exp(-(np.abs(x) * spin + x * m))
    return np.asarray(weights / weights.sum())


class CorrelatorLines(NamedTuple):
    """C_ab(t) = <S_a(t) S_b(0)> = sum_l weights[l, a, b] exp(-i frequencies[l] t).

    Attributes
    ----------
    frequencies : array (l,), no unit
        Energies of the lines over k_B T.
    weights : complex array (l, 3, 3), no unit
        Matrices of the lines, as in the sum.
    """

    frequencies: Array
    weights: ComplexArray


def moment_correlator(spin: float, x: float, *, connected: bool = False) -> CorrelatorLines:
    """Correlation functions of one thermal moment, from its matrices.

    Parameters
    ----------
    spin : float, no unit
    x : float, no unit
        beta eps_L.
    connected : bool
        Subtract the mean, <S_a(t) S_b> - <S_a><S_b>.

    Returns
    -------
    CorrelatorLines
        Frequencies (-x, 0, x) and weights of shape (3, 3, 3); the spectrum is
        D_ab(w) = 2 pi sum_l weights[l, a, b] delta(w - frequencies[l]).

    Raises
    ------
    ParameterError
        For a spin that is not a half-integer, or is too large.
    """
    spin = _checks.half_integer("spin", spin)
    x = _checks.number("x", x)
    _checks.switch("connected", connected)
    if spin > LARGEST_SPIN:
        raise SizeError(
            f"`spin` must be <= {LARGEST_SPIN:g}, got {spin:g} "
            f"(its matrices would take {3 * 16 * (2 * spin + 1) ** 2 / 2**30:.3g} GiB)"
        )
    operators = spin_matrices(spin)
    if connected:
        mean = float(level_sums(spin, x).mean_spin)
        operators[2] -= mean * np.eye(operators.shape[-1])
    p = populations(spin, x)
    level = np.arange(len(p))
    raised = level[:, None] - level[None, :]  # E_n - E_m in units of x for the element <m|S|n>
    products = np.einsum("m,amn,bnm->abmn", p, operators, operators)
    weights = np.stack(
        [np.where(raised == step, products, 0).sum(axis=(-2, -1)) for step in (-1, 0, 1)]
    )
    return CorrelatorLines(frequencies=x * np.array([-1.0, 0.0, 1.0]), weights=weights)


def moment_correlation(
    spin: float, x: float, time: ArrayLike, *, connected: bool = False
) -> ComplexArray:
    """C_ab(t) at times in units of beta hbar, shape (..., 3, 3).

    Other parameters as of `moment_correlator`.

    Parameters
    ----------
    time : array_like (...), beta hbar

    Returns
    -------
    complex array (..., 3, 3), no unit
        Of the spin operators S_x, S_y, S_z.
    """
    lines = moment_correlator(spin, x, connected=connected)
    phases = np.exp(-1j * np.asarray(time, dtype=float)[..., None] * lines.frequencies)
    return np.asarray(np.einsum("...l,lab->...ab", phases, lines.weights))


def electron_hole_spectrum(x: ArrayLike) -> Array:
    """Noise of the Fermi sea per active electron, K(x) = x / (1 - exp(-x)), K(0) = 1.

    Parameters
    ----------
    x : array_like (...), no unit
        beta hbar w, where w > 0 is energy given to the electrons. From
        integral f(e) [1 - f(e + w)] de = w / (1 - exp(-beta w)).

    Returns
    -------
    array, shape of x, no unit
        With a relative error of a few machine epsilons.
    """
    x = np.asarray(x, dtype=float)
    with np.errstate(over="ignore"):  # to 0 beyond the largest number
        decay = -np.expm1(-x)
    still = decay == 0
    if np.any(still):
        x, decay = np.where(still, 1.0, x), np.where(still, 1.0, decay)
    return np.asarray(x / decay)


def spectrum_slope(x: ArrayLike) -> Array:
    """Slope of K(x) = x / (1 - exp(-x)), 1/2 at x = 0.

    For x >= 0 [1 + (sinh x - x) / (cosh x - 1)] / 2, by series where that cancels; below
    K'(x) = exp(x) [K(-x) - K'(-x)], so that small slopes keep their digits.
    """
    x = np.asarray(x, dtype=float)
    size = np.abs(x)
    small = size < 1.0
    near = np.where(small, size, 0.0)
    far = np.clip(size, 1.0, 700.0)  # from 40 on the slope is 1
    above, below, term = np.zeros_like(x), np.zeros_like(x), np.full_like(x, 0.5)
    for k in range(2, 22, 2):  # x^k / k! of cosh and x^(k+1) / (k+1)! of sinh, over x^2
        below += term
        above += term * near / (k + 1)
        term = term * near**2 / ((k + 1) * (k + 2))
    odd = np.where(small, above / below, (np.sinh(far) - far) / (np.cosh(far) - 1.0))
    slope = 0.5 * (1.0 + odd)
    with np.errstate(under="ignore"):
        mirrored = np.exp(-size) * (electron_hole_spectrum(size) - slope)
    return np.asarray(np.where(x < 0, mirrored, slope))


def detailed_balance(spin: float, x: float) -> float:
    """Largest violation of D_ab(w) = exp(w) D_ba(-w), Eq. (48), by moment and electrons.

    Relative to the larger side; a few machine epsilons times 1 + |x| when the bath is thermal.

    Parameters as of `populations`.

    Returns
    -------
    float, no unit
        Largest relative violation.
    """
    lines = moment_correlator(spin, x)
    forward, still, backward = lines.weights[2], lines.weights[1], lines.weights[0]
    if x < 0:
        forward, backward = backward, forward
    boltzmann = np.exp(-np.abs(x))
    moment = np.abs(boltzmann * forward - backward.T).max() / np.abs(backward).max(initial=1e-300)
    kept = np.abs(still - still.T).max() / np.abs(still).max(initial=1e-300)
    up, down = electron_hole_spectrum(np.abs(x)), electron_hole_spectrum(-np.abs(x))
    electrons = np.abs(boltzmann * up - down) / max(float(down), 1e-300)
    return float(max(moment, kept, electrons))
