"""Spin accumulation and surviving spin current in any stack of layers: a chain of admittances.

u is the spin accumulation over e [V], J the spin current along z and s the spin Hall current; each
has a column (..., 3, 3) for each of three fields, which send s along x, y and z: s = source 1. A
slab passes, with U^2 = (t/2)^2 gamma / D,

    J_below = p u_below - q w + s,   J_above = -p u_above - q w + s,   w = u_above - u_below,
    p = (sigma/t) U tanh U,   q = (sigma/2t) 2U / sinh 2U.

A resistive joint obeys the same law with numbers for U; a sheet of moments takes up G u. From the
top down, what lies above a face is J = Y u + c there. No term of the chain is a difference of
larger ones and none grows with the thickness, so it holds for layers thick and thin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from openmr._checks import EPSILON, Array
from openmr.transport import matrix_tanh
from openmr.transport.slabs import Joint, Slab


class _Link(NamedTuple):
    """A slab or a resistive joint."""

    p: Array  # (..., 3, 3), S/m^2
    q: Array
    source: float  # s, S/m


class Faces(NamedTuple):
    """Spin accumulation over the field that drives it at the two faces of each slab."""

    below: list[Array]  # u, (..., 3, 3), V per V/m
    drop: list[Array]  # u above less u below


def mean_angle(slabs: Sequence[Slab]) -> float:
    """Root of the mean theta_SH^2, each layer with the current that it carries."""
    weights = [slab.sheet_conductance for slab in slabs]
    squares = [slab.spin_hall_angle**2 for slab in slabs]
    return float(np.sqrt(np.average(squares, weights=weights)))


def surviving(
    slabs: Sequence[Slab],
    joints: Sequence[Joint | None],
    bottom: Array | None = None,
    top: Array | None = None,
) -> Array:
    """F of a stack, which is to its mean angle as that of a film to its own, shape (..., 3, 3).

    Mean over the layers, each with the current that it carries and with its angle over the mean
    one, of what diffusion takes back of the spin Hall current. `bottom` and `top` are the spin
    conductances of the outer faces, (..., 3, 3) [S/m^2]. Where no layer has a spin Hall effect,
    all count the same.
    """
    angle = mean_angle(slabs)
    if angle == 0.0:
        return surviving(
            [slab._replace(spin_hall_angle=1.0) for slab in slabs], joints, bottom, top
        )
    shunt = sum(slab.sheet_conductance for slab in slabs)
    drops = accumulations(slabs, joints, bottom, top).drop
    parts = [0.5 * slab.source * drop for slab, drop in zip(slabs, drops, strict=True)]
    return np.asarray(sum(parts[1:], parts[0]) / (shunt * angle**2))


def accumulations(
    slabs: Sequence[Slab],
    joints: Sequence[Joint | None],
    bottom: Array | None = None,
    top: Array | None = None,
) -> Faces:
    """Spin accumulation at the faces of every slab."""
    links, sheets = _chain(slabs, joints, bottom, top)
    solved = [
        values
        for link, values in zip(links, _solve(links, sheets), strict=True)
        if isinstance(link, _Layer)
    ]
    return Faces([u for u, _ in solved], [w for _, w in solved])


def profiles(
    slabs: Sequence[Slab],
    joints: Sequence[Joint | None],
    bottom: Array | None,
    top: Array | None,
    depths: Sequence[Array],
) -> list[tuple[Array, Array]]:
    """Values u and J in each slab at depths (n,) from its lower face [m], both (..., n, 3, 3)."""
    at_faces = accumulations(slabs, joints, bottom, top)
    return [
        _inside(slab, below, drop, depth)
        for slab, below, drop, depth in zip(slabs, *at_faces, depths, strict=True)
    ]


def _inside(slab: Slab, below: Array, drop: Array, depth: Array) -> tuple[Array, Array]:
    """cosh(x U) / cosh U of the mean u, and sinh(x U) / sinh U of half the drop."""
    argument = _argument(slab)
    odd, missing = matrix_tanh.profiles(
        argument, *matrix_tanh.from_the_middle(depth, slab.thickness)
    )
    even = np.eye(3) - missing
    mean = (below + 0.5 * drop)[..., None, :, :]
    # U coth U = U tanh U + 2 U / sinh 2 U
    steep = (0.5 * sum(matrix_tanh.face_functions(argument)) @ drop)[..., None, :, :]
    unit = slab.conductivity / slab.thickness
    slope = argument[..., None, :, :] @ odd @ mean + even @ steep
    return np.asarray(even @ mean + odd @ steep), np.asarray(slab.source * np.eye(3) - unit * slope)


class _Layer(_Link):
    """A slab, where a bare `_Link` is a joint."""

    __slots__ = ()


def _argument(slab: Slab) -> Array:
    """U^2."""
    return np.asarray(slab.gamma * (0.25 * slab.thickness**2 / slab.diffusion))


def _slab_link(slab: Slab) -> _Layer:
    tanh, sinh = matrix_tanh.face_functions(_argument(slab))
    unit = slab.conductivity / slab.thickness
    return _Layer(unit * tanh, 0.5 * unit * sinh, slab.source)


def _joint_link(joint: Joint) -> _Link:
    """A slab of length delta and no thickness: p = (1/2r) delta tanh(delta/2), q with sinh."""
    loss, unit = joint.memory_loss, 0.5 / joint.resistance * np.eye(3)
    passing = loss / -np.expm1(-2 * loss) * 2 * np.exp(-loss) if loss else 1.0
    return _Link(unit * loss * np.tanh(0.5 * loss), unit * passing, 0.0)


def _chain(
    slabs: Sequence[Slab], joints: Sequence[Joint | None], bottom: Array | None, top: Array | None
) -> tuple[list[_Link], list[list[Array]]]:
    """Links from below, and the sheets below each and above the last."""
    links: list[_Link] = []
    sheets = [[bottom]]
    for slab, joint in zip(slabs, [*joints, Joint(below=top)], strict=True):
        links.append(_slab_link(slab))
        below, above = (joint.below, joint.above) if joint else (None, None)
        if joint and joint.resistance:
            links.append(_joint_link(joint))
            sheets += [[below], [above]]
        else:
            sheets.append([below, above])
    return links, [[sheet for sheet in some if sheet is not None] for some in sheets]


def _solve(links: Sequence[_Link], sheets: Sequence[list[Array]]) -> list[tuple[Array, Array]]:
    """Values u below each link and w across it."""
    one = np.eye(3)
    admittance, offset = np.zeros((3, 3)), np.zeros((3, 3))
    passed = []
    for link, sheet in zip(reversed(links), reversed(sheets[1:]), strict=True):
        admittance = sum(sheet, admittance)
        shunt = admittance + link.p
        inverse = np.linalg.inv(shunt + link.q)
        passed.append((inverse, shunt, link.source * one - offset))
        through = link.q @ inverse
        offset = link.source * (shunt @ inverse) + through @ offset
        admittance = link.p + through @ shunt
    value = -_lowest(sum(sheets[0], admittance), offset)
    found: list[tuple[Array, Array]] = []
    for link, (inverse, shunt, driven) in zip(links, reversed(passed), strict=True):
        found.append((value, np.asarray(inverse @ (driven - shunt @ value))))
        value = np.asarray(inverse @ (driven + link.q @ value))
    return found


def _lowest(admittance: Array, offset: Array) -> Array:
    """Admittance^-1 offset; the smallest of all where a spin is relaxed by nothing in the stack."""
    try:
        return np.asarray(np.linalg.solve(admittance, offset), dtype=float)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(admittance, rcond=EPSILON) @ offset, dtype=float)
