"""The Redfield tensor of whole grids in NumPy: the moment as a matrix of noise on the electron.

With A = -(1/2) sum_ab J_ab sigma_a S_b and a moment of correlators D_cd(t) = <S_c(t) S_d> =
sum_l s_l e_l e_l^* exp(-i nu_l t), the electron spin alone sees the noise

    M_ab(W) = sum_l s_l K(W - nu_l) g_l g_l^*,   g_l = J e_l / 2,

at its three Bohr frequencies W = 0, -w, w. The lines l are <S_-S_+> at nu = x, <S_+S_-> at -x and
<S_par^2> at 0; their strengths s_l are level sums of `spin_averages`. Redfield's tensor is
then a contraction with the structure constants of spin 1/2,

    Gamma_pq = 4 [delta_pq sum_a Re L_aa - Re L_qp],   L = M / 2 at the frequency of each sigma_b,

linear in the (line, frequency) pairs: one small matrix of coefficients per coupling, one product
per block of points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks, units
from openmr._checks import SMALLEST, Array, ComplexArray
from openmr.bath.correlators import electron_hole_spectrum
from openmr.bath.level_noise import level_noise, level_noise_at
from openmr.moments.equilibrium import Equilibrium
from openmr.moments.grid import blocks, each
from openmr.moments.levels import Levels, points_at_once
from openmr.moments.spin_averages import means, variance
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.axes import axes_about, local_coupling
from openmr.rates.record import ExchangePart, expect_field_along_b, zero_tensor
from openmr.sample.film import Sample

LINES = np.array([[1.0, 1.0j, 0.0], [1.0, -1.0j, 0.0], [0.0, 0.0, 2.0]]) / 2
"""Vectors e_l of the lines <S_-S_+>, <S_+S_->, <S_par^2>."""


def batched(
    state: Equilibrium | VectorEquilibrium, *, electron_splitting: bool = False
) -> ExchangePart:
    """Exchange part of the relaxation tensor, all points of the grid at once.

    Parameters
    ----------
    electron_splitting : bool
        Keep the electron's own spin splitting hbar omega_L among the Bohr frequencies of the
        dissipator, as in `bloch_redfield`.

    Returns
    -------
    ExchangePart
        With diagnostics.

    Raises
    ------
    ParameterError
        For `electron_splitting` where the field on the electron is not along b, for moments
        without axes of their own.
    """
    if isinstance(state, VectorEquilibrium):
        return _of_levels(state, electron_splitting)
    sample = state.sample
    omega, across = mean_field_precession(sample, state)
    expect_field_along_b(across, electron_splitting=electron_splitting)
    w = units.HBAR / units.K_B * omega / state.temperature if electron_splitting else None
    dissipator, kms = zero_tensor(omega.shape), 0.0
    for i, moments in enumerate(sample.magnet.sublattices):
        strength = 2 * np.pi * moments.density * sample.electrons.dos / units.HBAR
        coefficients = strength * contraction(moments.exchange_matrix, split=electron_splitting)
        if not np.any(coefficients):
            continue
        noise = line_noise(
            state.reduced_splitting[..., i],
            state.flip_up[..., i],
            state.flip_down[..., i],
            state.dephasing_moment(sample.magnet.disorder)[..., i],
            w,
        )
        kms = max(kms, _imbalance(noise))
        part = np.tensordot(coefficients, noise, axes=(0, 0))
        dissipator += np.moveaxis(part, (0, 1), (-2, -1))
    return ExchangePart(dissipator, omega, diagnostics={"kms": kms}, precession_across=across)


def _of_levels(state: VectorEquilibrium, electron_splitting: bool) -> ExchangePart:
    """The same for moments of any levels, whose correlators are matrices of noise themselves.

    With X = J S the matrix of noise at each frequency is M = X-correlators / 4. Without splitting
    Gamma = (pi / hbar) n nu_F [Tr(C) 1 - C].
    """
    grid, sample = state.temperature.shape, state.sample
    count = state.temperature.size
    splitting = np.zeros((count, 3))
    splitting[:, 2] = sample.electrons.g * units.MU_B * state.field.ravel()
    flat = state if len(grid) == 1 else _flat(state, count)
    tensor, kms = np.zeros((count, 3, 3)), 0.0
    size = min(points_at_once(moments.spin) for moments in sample.magnet.sublattices)
    connected = sample.magnet.disorder == "lattice"
    for block in blocks(count, size):
        part = flat.at(block)
        met = [
            (moments, part.levels(i), local_coupling(part, i))
            for i, moments in enumerate(sample.magnet.sublattices)
        ]
        for moments, scheme, coupling in met:
            shift = (coupling @ scheme.mean[..., None])[..., 0]
            splitting[block] -= moments.density * shift
        for moments, scheme, coupling in met:
            if not coupling.any():
                continue
            strength = np.pi * moments.density * sample.electrons.dos / units.HBAR
            if electron_splitting:
                w = splitting[block] / (units.K_B * part.temperature[:, None])
                noise = _split_noise(scheme, coupling, w, connected)
                tensor[block] += strength * noise
                continue
            still, off = level_noise(scheme, connected=connected)
            kms = max(kms, off)
            tensor[block] += strength * _traceless(coupling @ still @ np.swapaxes(coupling, -1, -2))
    omega = (splitting / units.HBAR).reshape(*grid, 3)
    return ExchangePart(
        tensor.reshape(*grid, 3, 3),
        omega[..., 2],
        diagnostics={"kms": kms},
        precession_across=omega[..., :2],
    )


def _flat(state: VectorEquilibrium, count: int) -> VectorEquilibrium:
    rank = state.temperature.ndim
    changed: VectorEquilibrium = each(lambda a: a.reshape((count, *a.shape[rank:])), state)
    return changed


def _traceless(noise: Array) -> Array:
    """Tr(C) 1 - C, diagonal elements as sums of two so that small ones are kept."""
    x, y, z = (noise[..., a, a] for a in range(3))
    found = -noise
    found[..., 0, 0], found[..., 1, 1], found[..., 2, 2] = y + z, x + z, x + y
    return np.asarray(found)


def _split_noise(scheme: Levels, coupling: Array, w: Array, connected: bool) -> Array:
    """The tensor over (pi / hbar) n nu_F with the electron's frequencies kept, local axes.

    L = M / 2 at the frequency of each sigma_b, in axes with z along the electron's own field.
    """
    axes, size = axes_about(w), np.linalg.norm(w, axis=-1)
    own = axes @ coupling
    across = np.swapaxes(own, -1, -2)
    along, raising, lowering = (
        own @ level_noise_at(scheme, frequency, connected=connected) @ across
        for frequency in (np.zeros_like(size), -size, size)
    )
    dressed = np.zeros_like(along)
    dressed[..., 2] = along[..., 2]
    rising = raising[..., 0] - 1j * raising[..., 1]
    falling = lowering[..., 0] + 1j * lowering[..., 1]
    dressed[..., 0] = 0.5 * (rising + falling)
    dressed[..., 1] = 0.5j * (rising - falling)
    real = np.swapaxes(dressed.real, -1, -2)
    tensor = np.trace(real, axis1=-2, axis2=-1)[..., None, None] * np.eye(3) - real
    return np.asarray(np.swapaxes(axes, -1, -2) @ tensor @ axes)


def redfield_tensor(
    exchange: ArrayLike,
    spin: ArrayLike,
    splitting: ArrayLike,
    electron: ArrayLike | None = None,
    *,
    connected: bool = False,
) -> Array:
    """Redfield tensor of the electron in units of G(0), for any coupling matrix.

    Parameters
    ----------
    exchange : array_like (..., 3, 3)
        J_ab of A = -(1/2) sum_ab J_ab sigma_a S_b, in any unit (the result is in its square);
        z along the field.
    spin, splitting : array_like (...), no unit
        S and x = beta eps_L of the moment.
    electron : array_like (...), no unit, optional
        w = beta hbar omega_L kept in the dissipator, whose Hamiltonian is (w/2) sigma_z.
    connected : bool
        Take the fluctuation of S_par alone, as on a perfect lattice.

    Returns
    -------
    array (..., 3, 3), unit of the exchange squared
        Leading axes of the arguments broadcast against each other.

    Raises
    ------
    ParameterError
        For a spin that is not a half-integer, or shapes that do not fit.
    """
    matrix = _checks.finite_array("exchange", exchange)
    if matrix.shape[-2:] != (3, 3):
        raise _checks.ParameterError(
            f"`exchange` must have last axes (3, 3), got shape {matrix.shape}"
        )
    given = _checks.broadcast(
        spin=_checks.finite_array("spin", spin),
        splitting=_checks.finite_array("splitting", splitting),
        electron=_checks.finite_array("electron", 0.0 if electron is None else electron),
        exchange=np.empty(matrix.shape[:-2]),
    )
    grid = given[0].shape
    spins, x, w, _ = (axis.ravel() for axis in given)
    coefficients = contraction(matrix, split=electron is not None)
    pairs = coefficients.shape[-3:]
    spread = np.broadcast_to(coefficients, (*grid, *pairs)).reshape(-1, *pairs)
    tensor = np.empty((len(x), 3, 3))
    for value in np.unique(spins):
        _checks.half_integer("spin", value)
        chosen = np.flatnonzero(spins == value)
        for block in blocks(len(chosen)):
            here = chosen[block]
            _, second_moment, up, down = means(float(value), x[here])
            still = variance(float(value), x[here]) if connected else second_moment
            split = None if electron is None else w[here]
            noise = line_noise(x[here], up, down, still, split)
            tensor[here] = np.einsum("lp,plab->pab", noise, spread[here])
    return tensor.reshape(*grid, 3, 3)


def line_noise(x: Array, up: Array, down: Array, still: Array, w: Array | None) -> Array:
    """Strength s_l K(W - nu_l) of each pair (line l, electron frequency W), shape (pairs, p).

    Without `w` the three frequencies are one and there are three pairs; with it there are nine,
    frequencies 0, -w, w of the first line, then of the second, then of the third.

    Parameters
    ----------
    x : array (p,), no unit
        beta eps_L.
    up, down : array (p,), no unit
        <S_- S_+> and <S_+ S_->.
    still : array (p,), no unit
        What dephases.
    w : array (p,), no unit, or None
        beta hbar omega_L, kept in the dissipator.

    Returns
    -------
    array (3 or 9, p), no unit
        In units of G(0).
    """
    if w is None:
        return np.stack([up * electron_hole_spectrum(-x), down * electron_hole_spectrum(x), still])
    return np.stack(
        [
            strength * electron_hole_spectrum(frequency - line)
            for strength, line in ((up, x), (down, -x), (still, 0.0))
            for frequency in (np.zeros_like(w), -w, w)
        ]
    )


def _imbalance(noise: Array) -> float:
    """Detailed balance at zero electron frequency: <S_-S_+> K(-x) = <S_+S_-> K(x)."""
    first, second = noise[0], noise[len(noise) // 3]
    return float(np.max(np.abs(first - second) / np.maximum(first, SMALLEST), initial=0.0))


def contraction(exchange: Array, *, split: bool) -> Array:
    """Gamma per unit of each pair of `line_noise`, shape (..., 3 or 9, 3, 3).

    Parameters
    ----------
    exchange : array (..., 3, 3), any unit
        J_ab.
    split : bool
        Keep the three electron frequencies apart.

    Returns
    -------
    array (..., 3 or 9, 3, 3), unit of the exchange squared
        First axis after the points: the pair.
    """
    g = 0.5 * np.einsum("...ab,lb->...la", exchange, LINES)
    forward = g[..., 0] - 1j * g[..., 1]
    backward = g[..., 0] + 1j * g[..., 1]
    # sigma_b at the frequencies 0, -w, w: sigma_z, sigma_+, sigma_-
    along = _outer(g, g[..., 2].conj(), (0.0, 0.0, 1.0))
    raising = _outer(g, backward.conj(), (0.5, 0.5j, 0.0))
    lowering = _outer(g, forward.conj(), (0.5, -0.5j, 0.0))
    dressed = 0.5 * np.stack([along, raising, lowering], axis=-3)
    gamma = -4.0 * np.swapaxes(dressed.real, -1, -2)
    # the traces as squares: what conserves the total spin cancels in them to the last digit
    traces = 2.0 * np.stack(
        [np.abs(g[..., 2]) ** 2, 0.5 * np.abs(backward) ** 2, 0.5 * np.abs(forward) ** 2], axis=-1
    )
    gamma += traces[..., None, None] * np.eye(3)
    gamma[..., 1:, 2, 2] = traces[..., 1:]  # no sigma_z in sigma_+-: Gamma_zz is the trace
    if split:
        return np.asarray(gamma.reshape(*gamma.shape[:-4], 9, 3, 3))
    return np.asarray(gamma.sum(axis=-3))


def _outer(g: ComplexArray, weight: ComplexArray, axis: tuple[complex, ...]) -> ComplexArray:
    return np.asarray(g[..., :, None] * weight[..., None, None] * np.array(axis))


def mean_field_precession(sample: Sample, state: Equilibrium) -> tuple[Array, Array | None]:
    """Splitting of H_e plus the coupling to the mean moments, over hbar [rad/s].

    The mean moments point along b, so that of J_ab the column J_az counts.

    Returns
    -------
    along : array (...), rad/s
        omega_L, signed, shape of the grid.
    across : array (..., 2), rad/s, or None
        Along the local x and y, where J_xz or J_yz is not 0.
    """
    splitting = sample.electrons.g * units.MU_B * state.field
    across: Array | None = None
    for i, moments in enumerate(sample.magnet.sublattices):
        column = moments.density * moments.exchange_matrix[:, 2]
        mean = state.mean_spin[..., i]
        splitting = splitting - column[2] * mean
        if column[:2].any():
            across = (0.0 if across is None else across) - mean[..., None] * column[:2]
    return np.asarray(splitting / units.HBAR), None if across is None else across / units.HBAR
