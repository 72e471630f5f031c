"""Local axes of the relaxation in the coordinates of the film, Eqs. (39), (79).

Film: x along the current, z along the normal. Local: z along the field.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.record import Relaxation, rotation
from openmr.units import MU_B


def local_axes(direction: ArrayLike) -> Array:
    """Local axes of the rates as rows, for a field direction b: R of Eq. (39), shape (..., 3, 3).

    The third row is b = (-sin(theta) cos(phi), sin(theta) sin(phi), cos(theta)), Eq. (79); the
    local y axis lies in the plane of the film and the local x axis in the plane of b and the
    normal. With b along the normal, where the print leaves phi open, phi = 0: local x is +x
    (b = +z) or -x (b = -z).

    Parameters
    ----------
    direction : array_like (..., 3), no unit
        b, of any length but zero.

    Returns
    -------
    array (..., 3, 3), no unit
        Rotation matrices.

    Raises
    ------
    ParameterError
        For a direction of length zero, or without three components.

    Examples
    --------
    >>> from openmr.rates.axes import local_axes
    >>> local_axes((0, 0, 1))  # b along the normal
    array([[ 1., -0.,  0.],
           [ 0.,  1.,  0.],
           [ 0.,  0.,  1.]])
    """
    b = _checks.unit_vectors("direction", direction)
    sine, cosine = np.hypot(b[..., 0], b[..., 1]), b[..., 2]
    # cos(phi) and sin(phi) without angles, so that axes of the film stay exact
    tilted = sine > 0
    along = np.where(tilted, -b[..., 0] / np.where(tilted, sine, 1.0), 1.0)
    aside = np.where(tilted, b[..., 1] / np.where(tilted, sine, 1.0), 0.0)
    rows = [
        np.stack([cosine * along, -cosine * aside, sine], axis=-1),
        np.stack([aside, along, np.zeros_like(sine)], axis=-1),
        b,
    ]
    return np.stack(rows, axis=-2)


def local_coupling(state: VectorEquilibrium, sublattice: int) -> Array:
    """J_ab between sigma in local axes and S in the axes of the crystal, (..., 3, 3) [eV m^3].

    J of moments without axes of their own refers to the local ones on both sides.
    """
    moments, axes = state.magnet.sublattices[sublattice], local_axes(state.direction)
    if moments.is_oriented:
        return np.asarray(axes @ (moments.crystal_axes.T @ moments.exchange_matrix))
    return np.asarray(moments.exchange_matrix @ axes)


def axes_about(vectors: Array) -> Array:
    """Axes as rows, z along each vector, shape (..., 3, 3); those of the film for none."""
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return local_axes(np.where(size > 0, vectors, np.array([0.0, 0.0, 1.0])))


def electron_splitting(state: VectorEquilibrium) -> Array:
    """Splitting hbar omega of H = hbar omega.sigma / 2 in the moments' mean field, (..., 3) [eV].

    In local axes.
    """
    total = np.zeros((*state.field.shape, 3))
    total[..., 2] = state.sample.electrons.g * MU_B * state.field
    for i, moments in enumerate(state.magnet.sublattices):
        own = state.mean[..., i, :] @ moments.crystal_axes.T
        total -= moments.density * (local_coupling(state, i) @ own[..., None])[..., 0]
    return total


def expect_own_direction(state: object, direction: ArrayLike) -> None:
    """Refuse, of moments with axes of their own, a field along which they were not solved for."""
    if not isinstance(state, VectorEquilibrium):
        return
    b = _checks.unit_vectors("direction", direction)
    try:
        same = np.broadcast_shapes(b.shape, state.direction.shape) == state.direction.shape
    except ValueError:
        same = False
    if not same or np.abs(b - state.direction).max(initial=0.0) > 1e-12:
        raise ParameterError(
            "`direction` must be that of the equilibrium for moments with axes of their own, "
            f"whose rates depend on it, got {_checks.shown(np.asarray(direction).tolist())}"
        )


def film_axes(relaxation: Relaxation, direction: ArrayLike) -> Array:
    """Axes in which the tensor of `relaxation` is written, as rows in film coordinates.

    Shape (..., 3, 3), where ... is that of the rates and directions broadcast. Refused as by
    `expect_own_direction`.
    """
    expect_own_direction(relaxation.equilibrium, direction)
    axes = local_axes(direction)
    grid = with_rates(axes.shape[:-2], relaxation.precession.shape, bytes_each=320)
    return np.broadcast_to(rotation(0.0, relaxation.azimuth) @ axes, (*grid, 3, 3))


def with_rates(
    directions: tuple[int, ...], rates: tuple[int, ...], *, bytes_each: int = 80
) -> tuple[int, ...]:
    """Shape of the points that directions and rates span together; refused if 8 GiB hold less."""
    try:
        grid = np.broadcast_shapes(directions, rates)
    except ValueError:
        raise ParameterError(
            "`direction` without its last axis must broadcast with the rates, "
            f"got {directions} and {rates}"
        ) from None
    names, most = "`direction` and the rates", 8 * 10**9 // bytes_each
    _checks.refuse_many(names, prod(grid), most=most, bytes_each=bytes_each)
    return grid


def film_tensor(relaxation: Relaxation, direction: ArrayLike) -> Array:
    """Relaxation and precession in film coordinates, as in Eq. (81), shape (..., 3, 3) [1/s].

    d mu/dt = -tensor . mu; x is along the current, z along the normal.

    Parameters
    ----------
    direction : array_like (..., 3), no unit
        b; leading axes broadcast with the rates.

    Returns
    -------
    array (..., 3, 3), 1/s
        In film coordinates.
    """
    return turned(relaxation.tensor, film_axes(relaxation, direction))


def turned(local: Array, axes: Array) -> Array:
    """A matrix of local axes (rows of `axes`) in film coordinates.

    Digits of small elements are kept: the antisymmetric part turns as a vector does, and leaves
    nothing on the diagonal; near the normal, where x and y turn into each other, what they share is
    isotropic but for z, and leaves nothing off it.
    """
    even, odd = (0.5 * (local + sign * np.swapaxes(local, -1, -2)) for sign in (1.0, -1.0))
    near = np.abs(axes[..., 2, 2]) > 0.7
    shared = np.where(near, 0.5 * (even[..., 0, 0] + even[..., 1, 1]), 0.0)[..., None, None]
    found = np.asarray(np.swapaxes(axes, -1, -2) @ (even - shared * np.eye(3)) @ axes)
    vector = np.stack([odd[..., a, b] for a, b, _ in _CYCLES], axis=-1)
    vector = (vector[..., None, :] @ axes)[..., 0, :]
    diagonal = np.sum((even @ axes) * axes, axis=-2)
    for a, b, c in _CYCLES:
        found[..., a, b] += vector[..., c]
        found[..., b, a] -= vector[..., c]
        found[..., c, c] = diagonal[..., c]
    return found


_CYCLES = ((1, 2, 0), (2, 0, 1), (0, 1, 2))
