"""Local axes of the relaxation in the coordinates of the film, Eqs. (39), (79).

Film: x along the current, z along the normal. Local: z along the field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr.rates.record import Relaxation, rotation


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


def film_axes(relaxation: Relaxation, direction: ArrayLike) -> Array:
    """Axes in which the tensor of `relaxation` is written, as rows in film coordinates.

    Shape (..., 3, 3), where ... is that of the rates and directions broadcast.
    """
    axes = local_axes(direction)
    try:
        grid = np.broadcast_shapes(axes.shape[:-2], relaxation.precession.shape)
        return np.broadcast_to(rotation(0.0, relaxation.azimuth) @ axes, (*grid, 3, 3))
    except ValueError:
        raise ParameterError(
            "`direction` without its last axis must broadcast with the rates, "
            f"got {axes.shape[:-2]} and {relaxation.precession.shape}"
        ) from None


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
    """A matrix of local axes (rows of `axes`) in film coordinates."""
    return np.asarray(np.swapaxes(axes, -1, -2) @ local @ axes)
