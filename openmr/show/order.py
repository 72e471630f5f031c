"""Order of the moments: the components of <S> of every sublattice along a curve of points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr.moments.equilibrium import Equilibrium
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.show.frame import LINES, TEMPERATURE, axes, colour, field_label, ink, legend

_NOTHING = 1e-6
"""Part of S below which a component is not drawn."""


def order_vector(
    state: Equilibrium | VectorEquilibrium | Mapping[str, Equilibrium | VectorEquilibrium],
    *,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """<S> of every sublattice over S, by its components in axes of the film.

    Parameters
    ----------
    state : Equilibrium or VectorEquilibrium, or mapping of str to these
        From `openmr.equilibrium` along one axis: field, temperature or direction varies. Several
        by their names, such as the branches up and down.

    Returns
    -------
    (Figure, Axes)
        Components that are nowhere seen are left out; moments without axes of their own have that
        along the field alone. A field that turns is drawn against its angle from where it starts.

    Raises
    ------
    ParameterError
        For anything else, for films without moments, or where nothing varies.
    """
    states = dict(state) if isinstance(state, Mapping) else {"": state}
    if not states:
        raise ParameterError("`state` must hold at least one equilibrium, got none")
    figure, ax = axes(ax)
    places = {name: _abscissa(one) for name, one in states.items()}
    kinds = {label for _, label in places.values()}
    if len(kinds) > 1:
        raise ParameterError(
            f"`state` must vary in one quantity, got {' and '.join(sorted(kinds))}: draw two "
            "figures"
        )
    drawn = 0
    for k, (name, one) in enumerate(states.items()):
        x, _ = places[name]
        for i, moments in enumerate(one.magnet.sublattices):
            for part, values in _components(one, i).items():
                share = values / moments.spin
                if np.abs(share).max() < _NOTHING:
                    continue
                site = f"_{i + 1}" if len(one.magnet.sublattices) > 1 else ""
                label = rf"$\langle S{site}\rangle_{part}$" + (f", {name}" if name else "")
                style: dict[str, Any] = {
                    "linestyle": LINES[k % len(LINES)], "color": colour(_shade(part, i)),
                }  # fmt: skip
                ax.plot(x, share, label=label, **style)
                drawn += 1
    ax.axhline(0.0, color=ink(), alpha=0.3, linewidth=0.8, zorder=0)
    ax.set(xlabel=kinds.pop(), ylabel=r"$\langle S\rangle\,/\,S$")
    if drawn:
        legend(ax)
    return figure, ax


def _shade(part: str, sublattice: int) -> int:
    """Number of the colour of a component, the same on every branch."""
    return 3 * sublattice + "xyz".find(part) if part in "xyz" else sublattice


def _components(state: Equilibrium | VectorEquilibrium, sublattice: int) -> dict[str, Array]:
    if isinstance(state, VectorEquilibrium):
        return dict(zip("xyz", state.mean[:, sublattice].T, strict=True))
    return {"b": state.mean_spin[:, sublattice]}


def _abscissa(state: Any) -> tuple[Array, str]:
    """The quantity that varies, and the label of its axis."""
    if not isinstance(state, Equilibrium | VectorEquilibrium):
        raise ParameterError(
            f"`state` must be an equilibrium of moments, got {_checks.shown(state)}"
        )
    if not state.magnet:
        raise ParameterError(f"`state` must have moments, got {state.sample.name!r} without any")
    if state.temperature.ndim != 1 or not state.temperature.size:
        raise ParameterError(
            f"`state` must lie along one axis, got a grid of shape {state.temperature.shape}"
        )
    b = state.direction if isinstance(state, VectorEquilibrium) else np.zeros((1, 3))
    if np.ptp(state.field) > 0:
        return state.field, field_label(b)
    if np.ptp(state.temperature) > 0:
        return state.temperature, TEMPERATURE
    if np.abs(b - b[:1]).max() > 0:
        steps = np.arccos(np.clip((b[1:] * b[:-1]).sum(axis=-1), -1.0, 1.0))
        return np.degrees(np.concatenate([[0.0], np.cumsum(steps)])), "field turned by (degrees)"
    raise ParameterError("`state` must vary in field, temperature or direction, got one point")
