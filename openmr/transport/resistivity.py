"""Longitudinal and transverse resistivity, Eqs. (86)-(97), (B24)-(B29), (B36)-(B39).

Current along x, film normal z. The transverse resistivity is rho_yx = E_y / J_x at J_y = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, cast, overload

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array
from openmr._elementary import every, maximum, plain
from openmr._words import Order, Plane, PrecessionSign
from openmr.moments.grid import in_blocks
from openmr.moments.labels import Labels, arrays_of, labelled
from openmr.rates.axes import expect_own_direction, film_axes, turned, with_rates
from openmr.rates.record import RATES, Relaxation, precession_tensor, spread_over
from openmr.sample.film import Film, Sample
from openmr.sample.stack import Stack
from openmr.tables import Arrays, Column, Labelled, shown
from openmr.transport import stack_mechanisms
from openmr.transport.stack_mechanisms import Shares, StackMechanisms
from openmr.transport.stack_rates import (
    StackRates,
    of_a_stack,
    stack_axes,
    surviving_one,
    surviving_through,
)
from openmr.transport.surviving import (
    rates_apart,
    surviving_across,
    surviving_along,
    surviving_anisotropy,
    surviving_apart,
    surviving_change,
    surviving_matrix,
)


def _of_rates(column: Callable[[Relaxation], Any], found: Resistivity) -> Any:
    return column(found.relaxation)


_OWN: Final = {
    "longitudinal_resistivity": Column(
        lambda r: r.longitudinal, "ohm m", "(86), (93)", "rho_L", True
    ),
    "transverse_resistivity": Column(lambda r: r.transverse, "ohm m", "(87), (94)", "rho_T", True),
}
VARIABLES: Final = {
    **{name: one._replace(of=partial(_of_rates, one.of)) for name, one in RATES.items()},
    **_OWN,
    "drho0": Column(lambda r: r.drho0, "ohm m", "(88)", "isotropic part over theta_SH^2"),
    "drho1": Column(lambda r: r.drho1, "ohm m", "(89)", "anisotropic part over theta_SH^2"),
    "drho2": Column(lambda r: r.drho2, "ohm m", "(90)", "Hanle part over theta_SH^2"),
}
"""Variables of a dataset of a film, from its `Resistivity`."""
STACK_VARIABLES: Final = _OWN | {
    "sheet_resistance": Column(
        lambda r: r.sheet_longitudinal, "ohm", "", "longitudinal, of a square", True
    ),
    "sheet_transverse_resistance": Column(
        lambda r: r.sheet_transverse, "ohm", "", "transverse, of a square", True
    ),
}
"""Variables of a stack, whose layers have rates of their own."""
_Unit = Literal["rad", "deg"]
_ARRAYS = ("longitudinal", "transverse", "drho0", "drho1", "drho2")


@dataclass(frozen=True, slots=True, eq=False)
class Resistivity(Labelled):
    """Resistivity of the film; every array has the broadcast shape of rates and direction.

    Attributes
    ----------
    rates : StackRates
        The rates it was got from, those of one layer for a film.
    direction : array (..., 3), no unit
        Unit vector of the order parameter.
    longitudinal : array (...), Ohm m
        rho_L = rho_L0 + drho_L, Eqs. (86), (93); of a stack the resistance of a square times the
        whole thickness.
    transverse : array (...), Ohm m
        rho_T = rho_yx, Eqs. (87), (94).
    drho0, drho1, drho2 : array (...), Ohm m
        Eqs. (88)-(90); they enter with theta_SH^2, of a stack its mean weighted with the current
        that each layer carries.
    thickness : float, m
        Of the film, or of all layers.
    order : str
        "second" or "exact" in theta_SH.
    """

    SCHEMA = "openmr/resistivity/1"
    rates: StackRates
    direction: Array
    longitudinal: Array
    transverse: Array
    drho0: Array
    drho1: Array
    drho2: Array
    thickness: float
    order: Order = "second"

    @property
    def relaxation(self) -> Relaxation:
        """Rates of the film; of a stack of several layers they are in `rates.layers`."""
        if len(self.rates.layers) > 1:
            raise _checks.ParameterError(
                f"`relaxation` is that of one layer, got {len(self.rates.layers)}: take "
                "`rates.layers`"
            )
        return self.rates.layers[0]

    @property
    def sample(self) -> Sample:
        """The film or stack."""
        return self.rates.sample

    @property
    def temperature(self) -> Array:
        """Temperature of each point of the rates [K], shape (...)."""
        return self.rates.temperature

    @property
    def field(self) -> Array:
        """Field of each point of the rates along b [T], shape (...)."""
        return self.rates.field

    @property
    def labels(self) -> Labels | None:
        """Names of the axes, where they were given by DataArrays."""
        return self.rates.labels

    def _arrays(self) -> Arrays:
        columns = STACK_VARIABLES if self.rates.sample.is_stack else VARIABLES
        first = {name: columns[name] for name in _OWN}  # which have every axis
        return arrays_of(self, first | columns)

    def _about(self) -> dict[str, Any]:
        found = self.rates
        return {
            "sample": found.sample.name,
            "method": found.method,
            "order": self.order,
            "thickness": self.thickness,
        }

    @property
    def sheet_longitudinal(self) -> Array:
        """Resistance of a square [Ohm], shape (...)."""
        return np.asarray(self.longitudinal / self.thickness)

    @property
    def sheet_transverse(self) -> Array:
        """Transverse resistance, which no length enters [Ohm], shape (...)."""
        return np.asarray(self.transverse / self.thickness)

    def __repr__(self) -> str:
        found = self.rates
        where = f"T = {shown(found.temperature)} K, B = {shown(found.field)} T"
        lines = [f"{'Resistivity  ' + found.method:<38}{found.sample.name}, {where}"]
        lines += [f"  {name:<13}: {shown(getattr(self, name))} Ohm m" for name in _ARRAYS]
        if found.sample.is_stack:
            square = f"{shown(self.sheet_longitudinal)}, {shown(self.sheet_transverse)} Ohm"
            lines.append(f"  {'a square':<13}: {square}, longitudinal and transverse")
        lines.append(f"  {'order':<13}: {self.order} in the spin Hall angle")
        return "\n".join(lines)


@labelled
def resistivity(
    film: Film | Stack,
    relaxation: Relaxation | StackRates,
    direction: ArrayLike,
    *,
    order: Order = "second",
    precession_sign: PrecessionSign = "hamiltonian",
) -> Resistivity:
    """Resistivity for any direction of the order parameter.

    Parameters
    ----------
    film : Film or Stack
    relaxation : Relaxation, or StackRates of a stack
        Rates with 1/tau_0 included, as `om.relaxation` returns them, or those in the `rates` of a
        resistivity.
    direction : array_like (..., 3), no unit
        Field direction b (for an antiferromagnet the Neel vector, whose sign does not matter);
        any length but zero. Leading axes broadcast with the rates.
    order : {"second", "exact"}
        To second order in theta_SH, Eqs. (86), (87), or by inverting the 2x2 conductivity.
    precession_sign : {"hamiltonian", "printed"}
        Sign of the term drho2 m_z of the transverse resistivity: as H_e, Eq. (2), makes spins
        precess, or as Eqs. (87), (B39) print it.

    Returns
    -------
    Resistivity
        Both resistivities and what they are made of.

    Raises
    ------
    ParameterError
        For bad arguments, or where a large theta_SH makes the conductivity negative.

    Notes
    -----
    The whole 3x3 tensor enters, so Jx, Jy and Jz may all differ; (Jx, Jy) lie along the axes of
    `axes.local_axes`, Jy in the plane of the film. For Jx = Jy the elements of the matrix
    function are Eqs. (88)-(90). Otherwise drho1 and drho2 hold the mean over the azimuth, and
    `longitudinal` and `transverse` what the tensor gives.
    """
    if (rates := of_a_stack(film, relaxation)) is not None:
        m = checked_direction(direction, order, precession_sign)
        return of_stack(rates, m, order, precession_sign)
    film, relaxation = cast("Film", film), cast("Relaxation", relaxation)
    expect_own_direction(relaxation.equilibrium, direction)
    m, at_points = at_direction(film, direction, order, precession_sign)
    grid = relaxation.temperature.shape
    parts = in_blocks(at_points, grid, relaxation) if m.ndim == 1 else at_points(relaxation)
    return record(film, relaxation, m, order, parts)


def checked_direction(direction: ArrayLike, order: Order, precession_sign: PrecessionSign) -> Array:
    """Unit vectors, and the other arguments of `resistivity` checked."""
    _checks.choice("order", order, Order)
    _checks.choice("precession_sign", precession_sign, PrecessionSign)
    return _checks.unit_vectors("direction", direction)


def at_direction(
    film: Film,
    direction: ArrayLike,
    order: Order,
    precession_sign: PrecessionSign,
    *,
    axial: bool = False,
) -> tuple[Array, Callable[[Relaxation], tuple[Array, ...]]]:
    """Unit vectors, and the function that gives the arrays of `Resistivity` for them.

    Only one direction leaves the shape of the points as it is. To see that rates are `axial` takes
    a tenth of the line, where it is not known.
    """
    m = checked_direction(direction, order, precession_sign)
    return m, partial(_of_axial if axial else _resistivities, film, order, precession_sign, m)


def record(
    film: Film, relaxation: Relaxation, m: Array, order: Order, parts: tuple[Array, ...]
) -> Resistivity:
    """`Resistivity`, refused where its conductivity is negative."""
    rates = StackRates(relaxation.sample, (relaxation,))
    return _recorded(rates, film.thickness, film.spin_hall_angle, m, order, parts)


def _recorded(
    rates: StackRates,
    thickness: float,
    angle: float,
    m: Array,
    order: Order,
    parts: tuple[Array, ...],
) -> Resistivity:
    longitudinal, transverse, drho0, drho1, drho2 = map(np.asarray, parts)
    if not every(plain(longitudinal) > 0):
        raise _checks.ParameterError(
            "`spin_hall_angle` must leave the conductivity of the film positive: at "
            f"{angle:g} more charge current is lost to the spin Hall effect, "
            "2 theta_SH^2, than the field drives; take a smaller one"
        )
    return Resistivity(rates, m, longitudinal, transverse, drho0, drho1, drho2, thickness, order)


def of_stack(
    rates: StackRates, m: Array, order: Order, precession_sign: PrecessionSign
) -> Resistivity:
    """Resistivity of a stack: in closed form for one layer of axial rates, else by the network."""
    angle = rates.mean_angle
    faces = rates.faces.values()
    if all(map(_is_axial, rates.layers)) and all(face.oblique is None for face in faces):
        stack_axes(rates, m)  # refuses another direction than that of the moments
        if len(rates.layers) == 1:
            drho0, across, drho2 = in_blocks(surviving_one, rates.temperature.shape, rates)
            parts = drho0, drho0 - across, drho2
        else:
            parts = _invariants(surviving_through(rates))
        found = _axial(angle**2, parts, m, order, precession_sign)
    else:
        local, axes = surviving_through(rates), stack_axes(rates, m)
        along = local[..., 2, 2]
        apart = along, local - along[..., None, None] * np.eye(3)
        found = _oblique(angle**2, apart, axes, order, precession_sign)
    values = tuple(rates.bare_resistivity * part for part in found)
    return _recorded(rates, rates.thickness, angle, m, order, values)


def _resistivities(
    film: Film, order: Order, precession_sign: PrecessionSign, m: Array, relaxation: Relaxation
) -> tuple[Array, ...]:
    """rho_L, rho_yx and Eqs. (88)-(90) [Ohm m]."""
    if _is_axial(relaxation):
        return _of_axial(film, order, precession_sign, m, relaxation)
    square, apart = film.spin_hall_angle**2, surviving_apart(film, relaxation)
    found = _oblique(square, apart, film_axes(relaxation, m), order, precession_sign)
    return tuple(film.resistivity * part for part in found)


def _of_axial(
    film: Film, order: Order, precession_sign: PrecessionSign, m: Array, relaxation: Relaxation
) -> tuple[Array, ...]:
    """The same of rates that are equal across the field."""
    drho0 = surviving_along(film, relaxation)
    across, drho2 = surviving_across(film, relaxation)
    parts = drho0, surviving_anisotropy(film, relaxation, drho0, across), drho2
    found = _axial(film.spin_hall_angle**2, parts, m, order, precession_sign)
    return tuple(film.resistivity * part for part in found)


def axial_resistivities(
    film: Film, order: Order, m: Array, relaxation: Relaxation
) -> tuple[Array, Array]:
    """rho_L and rho_yx of axial rates [Ohm m]; numbers of the film may be arrays that broadcast."""
    longitudinal, transverse, *_ = _of_axial(film, order, "hamiltonian", m, relaxation)
    return longitudinal, transverse


def _oblique(
    square: float,
    apart: tuple[Array, Array],
    axes: Array,
    order: Order,
    precession_sign: PrecessionSign,
) -> tuple[Array, ...]:
    """The same over rho_L0, from any matrix F: its element along b, and what it is off that."""
    along, off = apart
    sensed = off if precession_sign == "hamiltonian" else np.swapaxes(off, -1, -2)
    surviving = turned(sensed, axes) + along[..., None, None] * np.eye(3)
    odd = 0.5 * (off[..., 0, 1] - off[..., 1, 0])
    across = 0.5 * (off[..., 0, 0] + off[..., 1, 1])
    parts = along + off[..., 2, 2], off[..., 2, 2] - across, odd
    return *relative_resistivity(square, surviving, order), *parts


def _is_axial(relaxation: Relaxation) -> bool:
    """Whether the two transverse rates are equal everywhere, to rounding, and no spin grows."""
    found = relaxation.dissipator
    if relaxation.precession_across is not None:
        return False
    rows: Any = found.reshape(-1, 9).T if found.ndim > 2 else found.ravel().tolist()
    x, y, z = rows[::4]
    least = rows[::4].min(initial=0.0) if found.ndim > 2 else min(x, y, z)
    if not (least >= 0 and relaxation.spin_flip_rate >= 0):
        return False
    aside = [*rows[1:4], *rows[5:8]]
    exact = relaxation.method == "closed-form" and not np.any(relaxation.azimuth)
    # a sum of squares is the fastest sign that all are 0, or far below rounding
    if every(x == y) and not any(np.vdot(part, part) if found.ndim > 2 else part for part in aside):
        return not exact or _is_alike_across(relaxation.sample)
    if exact:
        return False  # no rounding of its own: rates that differ by a trifle are meant to
    rounding = 1e-14 * maximum(x, z)
    return all(every(abs(part) <= rounding) for part in (x - y, *aside))


def _is_alike_across(sample: Sample) -> bool:
    """Whether Jx = Jy to the last digit, which rates may round away."""
    pairs = (moments.principal_exchange[:2] for moments in sample.magnet.sublattices)
    return all(x == y for x, y in pairs)


def _axial(
    square: float,
    parts: tuple[Array, Array, Array],
    m: Array,
    order: Order,
    precession_sign: PrecessionSign,
) -> tuple[Array, ...]:
    """The same over rho_L0, by Eqs. (86)-(90), which axial coupling leaves of the matrix."""
    drho0, drho1, drho2 = parts
    if m.ndim > 1:
        with_rates(m.shape[:-1], np.shape(drho0))
    mx, my, mz = m.tolist() if m.ndim == 1 else np.moveaxis(m, -1, 0)
    turning = mz if precession_sign == "hamiltonian" else -mz
    yy, xy = same_polarisation(my, drho0, drho1), other_polarisation(mx * my, turning, drho1, drho2)
    if order == "second":
        return *second_order(square, yy, xy), *parts
    xx = same_polarisation(mx, drho0, drho1)
    yx = other_polarisation(mx * my, -turning, drho1, drho2)
    return *inverse(*conductivity(square, xx, yy, xy, yx)), *parts


def _invariants(surviving: Array) -> tuple[Array, Array, Array]:
    """Eqs. (88)-(90) over rho_L0 from the matrix in local axes."""
    parallel = surviving[..., 2, 2]
    across = 0.5 * (surviving[..., 0, 0] + surviving[..., 1, 1])
    return parallel, parallel - across, 0.5 * (surviving[..., 0, 1] - surviving[..., 1, 0])


def same_polarisation(m_a: Array, drho0: Array, drho1: Array) -> Array:
    """F_aa = drho0 - drho1 (1 - m_a^2) over rho_L0: a spins left of a source of them, Eq. (B36)."""
    # factors of one direction for many points first: fewer passes over the points
    left: Array = drho0 + drho1 * (m_a**2 - 1)
    return left


def other_polarisation(product: Array, m_z: Array, drho1: Array, drho2: Array) -> Array:
    """F_xy = drho1 m_x m_y + drho2 m_z: x spins left of a source of y spins, Eq. (B37)."""
    left: Array = drho1 * product + drho2 * m_z
    return left


def second_order(square: float, yy: Array, xy: Array) -> tuple[Array, Array]:
    """rho_L and rho_yx over rho_L0 to second order in theta_SH, Eqs. (86), (87), from F."""
    return 1 + 2 * square - square * yy, square * xy


def conductivity(square: float, xx: Array, yy: Array, xy: Array, yx: Array) -> tuple[Array, ...]:
    """sigma_xx, sigma_yy, sigma_xy, sigma_yx over sigma_D from the elements of F, (B24)-(B28).

    A field E sends the spin Hall currents s = theta (E_y, -E_x, 0); of the mean, -F s is carried
    back by diffusion and turned into charge by the inverse effect.
    """
    return 1 - square * (2 - yy), 1 - square * (2 - xx), -square * yx, -square * xy


def inverse(xx: Array, yy: Array, xy: Array, yx: Array) -> tuple[Array, Array]:
    """rho_xx and rho_yx from the elements of the conductivity."""
    determinant = xx * yy - xy * yx
    return yy / determinant, -yx / determinant


def relative_resistivity(square: float, surviving: Array, order: Order) -> tuple[Array, Array]:
    """rho_L and rho_yx over rho_L0 from theta_SH^2 and F in film axes, (..., 3, 3)."""
    if order == "second":
        return second_order(square, surviving[..., 1, 1], surviving[..., 0, 1])
    elements = (surviving[..., a, b] for a, b in ((0, 0), (1, 1), (0, 1), (1, 0)))
    return inverse(*conductivity(square, *elements))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mechanisms(Shares):
    """Share of each mechanism of Sec. V A in rho_L at second order in theta_SH.

    Attributes
    ----------
    bare : array (...), Ohm m
        rho_L0 [1 + 2 theta^2 - theta^2 f(1/tau_0)]: the film without exchange and without field,
        f(rate) = (2 l/d) tanh(d/2l) with l^2 = D / rate.
    isotropic_magnon : array (...), Ohm m
        All spins relax at 1/tau_par and none precesses: -theta^2 [drho0 - f(1/tau_0)].
    relaxation_anisotropy : array (...), Ohm m
        What the transverse rates change once they differ from 1/tau_par, with omega_L = 0.
    precession : array (...), Ohm m
        What omega_L changes, at the rates as they are.
    precession_isotropic : array (...), Ohm m
        What omega_L would change if all spins relaxed at 1/tau_par.
    """

    bare: Array
    isotropic_magnon: Array
    relaxation_anisotropy: Array
    precession: Array
    precession_isotropic: Array

    @property
    def total(self) -> Array:
        """Sum of bare and the three mechanisms: rho_L of Eq. (86) [Ohm m]."""
        return np.asarray(
            self.bare + self.isotropic_magnon + self.relaxation_anisotropy + self.precession
        )

    @property
    def interplay(self) -> Array:
        """Difference of the two values of precession, the first less the second [Ohm m]."""
        return np.asarray(self.precession - self.precession_isotropic)


@overload
def mechanisms(film: Film, relaxation: Relaxation, direction: ArrayLike) -> Mechanisms: ...


@overload
def mechanisms(film: Stack, relaxation: StackRates, direction: ArrayLike) -> StackMechanisms: ...


@labelled
def mechanisms(
    film: Film | Stack, relaxation: Relaxation | StackRates, direction: ArrayLike
) -> Mechanisms | StackMechanisms:
    """rho_L split into the isotropic magnon, anisotropy and precession mechanisms, Sec. V A.

    That of a stack is split into the Hanle effect, exchange in the layers, and its faces.

    Parameters
    ----------
    film : Film or Stack
    relaxation : Relaxation, or StackRates of a stack
        As in `resistivity`.
    direction : array_like (..., 3), no unit
        As in `resistivity`.

    Returns
    -------
    Mechanisms, or StackMechanisms of a stack
        What each adds to rho_L.

    Raises
    ------
    ParameterError
        For a direction of length zero, or without three components.

    Notes
    -----
    The mechanisms are switched on one after the other: relaxation at one rate, then its
    anisotropy, then precession. The steps telescope, so at second order in theta_SH their sum is
    rho_L exactly. "Each alone" is less definite: the paper sets l_par = l_perp to see precession
    alone, and which of the two lengths is meant changes the answer by `interplay`, of the order
    of the rate difference times omega_L^2. With ``order="exact"`` resistivities do not add
    either: cross terms are of fourth order in theta_SH.

    In a stack precession about the applied field comes first, then what moments in the layers do
    beyond it, then the sheets at the faces.

    Examples
    --------
    >>> import openmr as om
    >>> film = om.presets.pt_py()
    >>> parts = om.mechanisms(film.film, om.relaxation(film, 10.0, 0.0), (1, 0, 0))
    >>> bool(parts.precession > parts.relaxation_anisotropy > abs(parts.isotropic_magnon))
    True
    """
    if (rates := of_a_stack(film, relaxation)) is not None:
        return stack_mechanisms.of_stack(rates, direction)
    film, relaxation = cast("Film", film), cast("Relaxation", relaxation)
    axes = film_axes(relaxation, direction)
    grid = axes.shape[:-2]
    return Mechanisms(*in_blocks(partial(_shares, film), grid, spread_over(relaxation, grid), axes))


def _shares(film: Film, relaxation: Relaxation, axes: Array) -> tuple[Array, ...]:
    """Fields of `Mechanisms` of a film, in their order, of as many rates as axes."""
    square, unit = film.spin_hall_angle**2, film.resistivity
    one, exchange = np.eye(3), relaxation.dissipator[..., 2, 2]
    turning = precession_tensor(relaxation.precession, relaxation.precession_across)
    lost, alike = relaxation.spin_flip_rate * one, relaxation.longitudinal[..., None, None] * one
    still = relaxation.dissipator + lost

    def share(before: Array, after: Array, change: Array) -> Array:
        """Change of rho_L with the tensor, by - theta^2 F_yy."""
        grown = turned(surviving_change(film, before, after, change), axes)
        return np.asarray(-unit * square * grown[..., 1, 1])

    bare = 1 + 2 * square - square * surviving_matrix(film, lost)[..., 1, 1]
    return (
        np.full(exchange.shape, unit * bare),
        share(lost, alike, exchange[..., None, None] * one),
        share(alike, still, rates_apart(relaxation)),
        share(still, still + turning, turning),
        share(alike, alike + turning, turning),
    )


def scan_directions(plane: Plane, angle: ArrayLike, unit: _Unit = "rad") -> Array:
    """Unit vectors that turn in a plane of the film, shape (..., 3).

    Parameters
    ----------
    plane : {"xy", "yz", "zx"}
        The scan starts along the first axis and turns towards the second; x is along the current,
        z along the normal. The field calls the planes alpha, beta and gamma: alpha is counted from
        x and gamma from z as here, beta mostly from z, which is 90 degrees less the angle here.
    angle : array_like (...), rad or deg
    unit : {"rad", "deg"}
        Of the angle.

    Returns
    -------
    array (..., 3), no unit
        One vector an angle.

    Raises
    ------
    ParameterError
        For an unknown plane, or angles that are not finite; for more than one turn, since
        degrees are easily taken for rad.

    Examples
    --------
    >>> import openmr as om
    >>> om.scan_directions("xy", [0, 30], "deg").round(3).tolist()
    [[1.0, 0.0, 0.0], [0.866, 0.5, 0.0]]
    """
    start, towards = ("xyz".index(axis) for axis in _checks.choice("plane", plane, Plane))
    _checks.choice("unit", unit, _Unit)
    turn = _checks.finite_array("angle", angle, unit)
    whole = 2 * np.pi if unit == "rad" else 360.0
    if np.any(np.abs(turn) > whole * (1 + 1e-12)):
        most = turn.ravel()[np.abs(turn).argmax()]
        hint = ' (degrees: scan_directions(..., unit="deg"))' if unit == "rad" else ""
        raise _checks.ParameterError(
            f"`angle` must be within one turn, -{whole:g} to {whole:g} {unit}, got {most:g}{hint}"
        )
    turn = turn if unit == "rad" else np.deg2rad(turn)
    found = np.zeros((*turn.shape, 3))
    found[..., start], found[..., towards] = np.cos(turn), np.sin(turn)
    return found
