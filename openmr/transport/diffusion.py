"""Spin diffusion across the film, Eqs. (76), (77), (81), (82), (B1)-(B23), (B29), three ways.

Closed form: the modes of (B5) written with projectors, one along b and a complex pair across it,
never with the eigenvectors (B7), whose norm vanishes for b along x. Matrix function: any 3x3
relaxation-plus-precession matrix. Collocation: rates that vary with the depth.

The spin current along z of polarisation a is J_a = -(sigma_D/2e) d mu_a/dz + s_a with the bare
spin Hall current s = theta_SH sigma_D (E_y, -E_x, 0), and vanishes at both faces, Eqs. (B9), (B10).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError
from openmr.moments.labels import Labels, arrays_of, labelled
from openmr.rates.axes import film_axes, film_tensor, local_axes, turned
from openmr.rates.record import PRECESSION_GENERATOR, Relaxation
from openmr.sample.film import Film
from openmr.sample.stack import Stack
from openmr.tables import Arrays, Column, Labelled
from openmr.transport import collocation, matrix_tanh, network
from openmr.transport.stack_rates import StackRates, network_of, of_a_stack, stack_axes
from openmr.transport.surviving import (
    argument_beside,
    longitudinal_length,
    squared_argument,
    surviving_fraction,
    surviving_matrix,
    tensors_apart,
    transverse_decay,
    transverse_length,
)

__all__ = [
    "SpinProfile",
    "film_tensor",
    "graded_profile",
    "local_axes",
    "longitudinal_length",
    "profile",
    "surviving_fraction",
    "surviving_matrix",
    "transverse_decay",
    "transverse_length",
]


# --- profiles --------------------------------------------------------------------------------


Method = Literal["matrix", "closed-form"]
_ALONG_Z: Final = ("depth", "component")
_VARIABLES: Final = {
    "accumulation": Column(
        lambda r: r.accumulation, "eV", "(B23)", "spin accumulation", axes=_ALONG_Z
    ),
    "current": Column(lambda r: r.current, "A/m^2", "(B23)", "spin current along z", axes=_ALONG_Z),
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SpinProfile(Labelled):
    """Spin accumulation and spin current across the film.

    Attributes
    ----------
    method : str
    depth : array (n,), m
        z, from 0 to the thickness.
    accumulation : array (..., n, 3), eV
        mu_s^x, mu_s^y, mu_s^z.
    current : array (..., n, 3), A/m^2
        Spin current along z of the three polarisations; zero at both faces of a film.
    edges : tuple of float, m
        Faces of the layers of a stack.
    direction : array (..., 3) or None, no unit
        b, unit vector of the field, as the leading axes of the accumulation; None where the rates
        were given in coordinates of the film.
    uncertainty : float, no unit
        Estimated error over the largest accumulation; 0 for the exact methods.
    labels : Labels or None
        Names of the leading axes, where they were given by DataArrays.
    """

    SCHEMA = "openmr/profile/1"
    method: str
    depth: Array
    accumulation: Array
    current: Array
    uncertainty: float = 0.0
    edges: tuple[float, ...] = ()
    direction: Array | None = None
    labels: Labels | None = None

    error = _checks.old_name("error", "uncertainty")

    def _arrays(self) -> Arrays:
        b = Column(lambda r: r.direction, "1", "", "unit vector of the field", axes=_ALONG_Z[1:])
        more = {} if self.direction is None else {"direction": b}
        grid, variables = arrays_of(self, _VARIABLES | more)
        axes = {
            "depth": (_ALONG_Z[:1], self.depth, {"units": "m", "long_name": "depth"}),
            "component": (_ALONG_Z[1:], np.array(list("xyz")), {"long_name": "polarisation"}),
        }
        of_grid = {name: variables[name] for name in more}
        return {**grid, **axes, **of_grid}, {name: variables[name] for name in _VARIABLES}

    def _about(self) -> dict[str, Any]:
        return {"method": self.method, "uncertainty": self.uncertainty, "edges": list(self.edges)}

    def __repr__(self) -> str:
        return (
            f"SpinProfile  {self.method}, {len(self.depth)} depths to {self.depth[-1]:.4g} m\n"
            f"  accumulation : at most {np.max(np.abs(self.accumulation)):.4g} eV\n"
            f"  current      : at most {np.max(np.abs(self.current)):.4g} A/m^2"
        )


@labelled
def profile(
    film: Film | Stack,
    relaxation: Relaxation | StackRates,
    direction: ArrayLike,
    *,
    depth: ArrayLike | None = None,
    electric_field: float = 1.0,
    method: Method = "matrix",
) -> SpinProfile:
    """mu_s(z) and J_s(z) for rates that are the same at every depth, Eq. (B23).

    Parameters
    ----------
    film : Film or Stack
    relaxation : Relaxation, or StackRates of a stack
    direction : array_like (..., 3), no unit
        b; leading axes broadcast with the rates, those of DataArrays by their names.
    depth : array_like (n,), m, optional
        From 0 to the thickness; 101 points by default, in every layer of a stack. One that lies
        between two layers is at the upper face of the lower one.
    electric_field : float, V/m
        E along x; all is proportional to it.
    method : {"matrix", "closed-form"}
        Function of the 3x3 matrix, or modes along and across b, for which the two transverse
        rates must be equal, in a film.

    Returns
    -------
    SpinProfile
        At the given depths.

    Raises
    ------
    ParameterError
        For depths outside the film, an unknown method, or transverse rates that the method
        cannot take.
    """
    rates = of_a_stack(film, relaxation)
    _checks.choice("method", method, Method)
    field = _checks.number("electric_field", electric_field, "V/m")
    z = None if depth is None else _depths(depth, film.thickness)
    if rates is not None:
        if method == "closed-form":
            raise ParameterError("`method` must be 'matrix' for a stack, got 'closed-form'")
        return _through_stack(rates, direction, z, field)
    film, relaxation = cast("Film", film), cast("Relaxation", relaxation)
    z = np.linspace(0.0, film.thickness, 101) if z is None else z
    axes = film_axes(relaxation, direction)[..., None, :, :]
    _refuse_many_depths(axes, z)
    gap, side = matrix_tanh.from_the_middle(z, film.thickness)
    if method == "matrix":
        u2 = argument_beside(film, *tensors_apart(relaxation))
        found = matrix_tanh.profiles(u2, gap, side)
        s, j = (matrix_tanh.parted(both, u2[..., None, :, :]) for both in found)
    else:
        s, j = _mode_profiles(film, relaxation, gap, side)
    source = film.spin_hall_angle * field * _ALONG_X

    def in_film(even: Array, apart: Array) -> Array:
        """Polarisations in film axes; those across the source from what is not alike for all."""
        parts = (turned(matrix, axes) @ source for matrix in (even, apart))
        return np.where(_ALONG_X != 0, *parts)

    return SpinProfile(
        method=method,
        depth=z,
        accumulation=film.thickness * in_film(*s),
        current=in_film(*j) / film.resistivity,
        direction=axes[..., 0, 2, :],
    )


_MOST_DEPTHS = 2 * 10**6
"""At all points together, 8 GiB while they are worked out."""
_ALONG_X = np.array([0.0, -1.0, 0.0])
"""Polarisation of the spin Hall current that a field along x drives along z."""


def _depths(depth: ArrayLike, thickness: float) -> Array:
    z = np.atleast_1d(_checks.finite_array("depth", depth, "m"))
    if z.ndim != 1 or z.size == 0 or not np.all((z >= 0) & (z <= thickness)):
        raise ParameterError(
            f"`depth` must be one row of numbers from 0 to {thickness:g} m, got "
            + (f"{z.min():g} to {z.max():g} m" if z.size else "none")
            + (f" in shape {z.shape}" if z.ndim != 1 else "")
        )
    return z


def _refuse_many_depths(axes: Array, depth: Array) -> None:
    points = prod(axes.shape[:-3]) * len(depth)
    names = "`depth`, `direction` and the rates"
    _checks.refuse_many(names, points, most=_MOST_DEPTHS, bytes_each=4000)


def _through_stack(
    rates: StackRates, direction: ArrayLike, depth: Array | None, field: float
) -> SpinProfile:
    thicknesses = [film.thickness for film in rates.films]
    edges = np.cumsum([0.0, *thicknesses])
    edges[-1] = rates.thickness  # as the sum is rounded where depths are checked
    if depth is None:
        within = [np.linspace(0.0, t, 101) for t in thicknesses]
        depth = np.concatenate([z + edge for z, edge in zip(within, edges, strict=False)])
        chosen: list[Any] = [slice(101 * i, 101 * (i + 1)) for i in range(len(within))]
    else:
        layer = np.maximum(np.searchsorted(edges, depth) - 1, 0)
        chosen = [np.flatnonzero(layer == i) for i in range(len(thicknesses))]
        within = [
            np.clip(depth[some] - edge, 0.0, t)
            for some, edge, t in zip(chosen, edges, thicknesses, strict=False)
        ]
    axes = stack_axes(rates, direction)[..., None, :, :]
    _refuse_many_depths(axes, depth)
    found = network.profiles(*network_of(rates), within)
    values = np.zeros((2, *axes.shape[:-3], len(depth), 3))
    for some, parts in zip(chosen, found, strict=True):
        for value, part in zip(values, parts, strict=True):
            value[..., some, :] = field * (turned(part, axes) @ _ALONG_X)
    return SpinProfile(
        "matrix", depth, values[0], values[1], edges=tuple(edges.tolist()),
        direction=axes[..., 0, 2, :],
    )  # fmt: skip


def _mode_profiles(
    film: Film, relaxation: Relaxation, gap: Array, side: Array
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """s(x) and 1 - cosh(x u)/cosh(u) of (B11)-(B23), one mode along b and a pair across it.

    Of each what `_along_and_across` makes of them.
    """
    even = relaxation.dissipator
    axial = np.zeros_like(even)
    axial[..., 0, 0] = axial[..., 1, 1] = even[..., 0, 0]
    axial[..., 2, 2] = even[..., 2, 2]
    # rotations and numerical routes leave rounding
    if relaxation.precession_across is not None or not np.all(
        np.abs(even - axial) <= 1e-12 * np.max(np.abs(even), axis=(-2, -1))[..., None, None]
    ):
        raise ParameterError(
            "`relaxation` must have two equal transverse rates, and precess about the field, for "
            "method='closed-form'; "
            "method='matrix' takes any"
        )
    decay = np.stack(
        [relaxation.longitudinal / film.diffusion + 0j, transverse_decay(film, relaxation)]
    )
    u = 0.5 * film.thickness * np.sqrt(decay)[..., None]
    below = 1 + np.exp(-2 * u)
    odd = np.exp(-u * gap) * -np.expm1(-2 * u * (1 - gap)) / (np.where(u == 0, 1.0, u) * below)
    s = np.asarray(side * np.where(u == 0, 1 - gap, odd), dtype=complex)
    j = np.expm1(-u * gap) * np.expm1(-u * (2 - gap)) / below
    return _along_and_across(s), _along_and_across(j)


def _along_and_across(modes: ComplexArray) -> tuple[Array, Array]:
    """Even part of the matrix, of b b^T and 1 - b b^T, and the whole less the first for all."""
    along, across = np.diag([0.0, 0.0, 1.0]), np.diag([1.0, 1.0, 0.0])
    parallel, pair = modes[..., None, None]
    off = (pair - parallel).real * across + pair.imag * PRECESSION_GENERATOR
    return np.asarray(parallel.real * along + pair.real * across), np.asarray(off)


def graded_profile(
    film: Film,
    rates: Callable[[Array], Array],
    *,
    electric_field: float = 1.0,
    jumps: Sequence[float] = (),
    rtol: float = 1e-8,
    most_cells: int = 8192,
) -> SpinProfile:
    """mu_s(z) and J_s(z) for rates that vary with the depth, by collocation of order 4.

    Parameters
    ----------
    film : Film
    rates : callable
        Depths (n,) [m] -> tensors (n, 3, 3) [1/s] in film coordinates, as `film_tensor` gives.
    electric_field : float, V/m
        E along x.
    jumps : sequence of float, m
        Depths inside the film at which the rates jump, in rising order: the faces between the
        layers of a multilayer. The spin accumulation and current are continuous there.
    rtol : float, no unit
        Largest estimated error of accumulation and current over their largest value. The mesh
        doubles until this holds; 1e-8 takes a few hundred cells.
    most_cells : int
        Where it stops.

    Returns
    -------
    SpinProfile
        At the nodes of the last mesh, which are dense near the faces.

    Raises
    ------
    ConvergenceError
        If `most_cells` do not suffice, or the rates jump elsewhere.
    ParameterError
    """
    _checks.instance("film", film, Film)
    field = _checks.number("electric_field", electric_field, "V/m")
    inner = np.atleast_1d(_checks.finite_array("jumps", jumps, "m"))
    edges = np.concatenate([[0.0], inner / film.thickness, [1.0]])
    if edges.ndim != 1 or not np.all(np.diff(edges) > 0):
        raise ParameterError(
            f"`jumps` must rise between 0 and {film.thickness:g} m, got {inner.tolist()}"
        )
    rtol = _checks.number("rtol", rtol, least=1e-12, most=0.1)
    cells = _checks.integer("most_cells", most_cells, least=64, most=2**17)
    d = film.thickness

    def matrix(z: Array) -> Array:
        tensor = _checks.finite_array("rates", rates(z * d), "1/s")
        if tensor.shape != (*z.shape, 3, 3):
            raise ParameterError(
                f"`rates` must give shape {(*z.shape, 3, 3)} for depths {z.shape}, "
                f"got {tensor.shape}"
            )
        return 4.0 * squared_argument(film, tensor)

    steepest = float(np.max(np.linalg.norm(matrix(np.linspace(0, 1, 257)), axis=(-2, -1))))
    unit = np.array([[0.0], [-1.0], [0.0]])  # values in units of 2 theta E d
    found = collocation.solve(
        matrix,
        unit,
        layer=min(1.0, max(steepest, 1e-300) ** -0.5),
        rtol=rtol,
        most_cells=cells,
        edges=edges.tolist(),
    )
    scale = 2 * film.spin_hall_angle * field
    return SpinProfile(
        method="collocation",
        depth=found.nodes * d,
        accumulation=scale * d * found.values[..., 0],
        current=-0.5 * scale / film.resistivity * found.excess[..., 0],
        uncertainty=found.uncertainty,
    )
