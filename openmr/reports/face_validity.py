"""Assumptions behind the conductances of a face, and what they cost.

The plane's mean field reflects an electron of velocity v_z with the phase 2 a v_F / v_z between
its two spins, a = n_2D J m_S / (hbar v_F). To first order that is G_i; to all orders, with
f = 1 - cos or sin and p = 2 a,

    G = (e^2/h) (k_F^2 / 2 pi) int_1^inf f(p u) du / u^3 .

Electrons are free here, with one electron mass, wherever a velocity enters.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from openmr import units
from openmr._checks import Array
from openmr._spins import LEVI_CIVITA
from openmr.rates.axes import axes_about
from openmr.rates.faces import FaceConductances
from openmr.reports.validity import NOT_ASKED, Assumption, Cost, ratio
from openmr.sample.film import Electrons, Layer, Sample
from openmr.sample.magnet import SPIN_DENSITY, Magnet
from openmr.sample.stack import REFERENCE, Sheet, Stack
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import mechanisms
from openmr.transport.stack_rates import StackRates

_LARGEST: Final = 20.0
"""Fermi energy [eV] beyond which no metal has free electrons of one mass."""
_CONDUCTANCES: Final = ("G_s", "G_r", "G_i")


def fermi_velocity(electrons: Electrons) -> tuple[float, str]:
    """v_F [m/s] of free electrons with this density of states; NaN and the reason if none have."""
    if electrons.dos_up != electrons.dos_down:
        return np.nan, "v_F is not determined: unequal densities of states are not free electrons'"
    momentum = 2 * np.pi**2 * units.HBAR**2 * electrons.dos / _MASS
    energy = 0.5 * units.HBAR**2 * momentum**2 / _MASS
    if energy > _LARGEST:
        return np.nan, (
            f"v_F is not determined: free electrons of one mass with this density of states had "
            f"{energy:.3g} eV"
        )
    return units.HBAR * momentum / _MASS, ""


_MASS: Final = units.ELECTRON_MASS / units.ELEMENTARY_CHARGE
"""Electron mass [eV s^2/m^2]."""


def of_face(name: str, found: FaceConductances, costs: bool) -> list[Assumption]:
    """Lines on the plane itself, at one face; `found` is the closed forms' record."""
    electrons, (velocity, why) = found.layer.electrons, fermi_velocity(found.layer.electrons)
    along, mixing, field = about_mean_field(found)
    across = along + mixing + 1j * field
    speed = 2 * found.layer.film.resistivity * found.layer.film.diffusion
    shape, known = found.temperature.shape, not why
    velocity = velocity if known else 1e6  # of which nothing is told
    free = f"free electrons, v_F = {velocity:.3g} m/s"

    def line(
        what: str,
        parameter: str,
        affects: tuple[str, ...],
        size: ArrayLike,
        cost: Cost,
        choice: bool = False,
    ) -> Assumption:
        size = np.broadcast_to(np.asarray(size if known else np.inf, dtype=float), shape)
        told = cost if known else (None, why, "")
        return Assumption(f"{what} [{name}]", "face", affects, parameter, size, *told, choice)

    lines = []
    if found.sheet.has_moments:
        taken, turning = speed * across.real, speed * np.abs(field)
        a = turning / velocity
        together, turned = (0.5 * velocity * part for part in reflected(2 * a))
        added = ratio(together, speed * mixing)
        changed = ratio(turned - turning, turning)
        lines = [
            line(
                "second order in J (golden rule)", "speed into it / (v_F/4)", ("G_s", "G_r"),
                4 * taken / velocity, (None, "how long an electron stays is not known", ""),
            ),
            line(
                "moments scatter one by one", "n_2D / (k_F^2 / 2 pi)", ("G_r",),
                2 * np.pi * _plane(found.sheet) * (units.HBAR / (_MASS * velocity)) ** 2,
                _cost(costs, added, f"G_r, what a plane reflects together; {free}"),
            ),
            line(
                "first order in the mean field", "n_2D J m_S / hbar v_F", ("G_i",), a,
                _cost(costs, changed, f"G_i; {free}"),
            ),
            Assumption(
                f"density of states at the wall [{name}]", "face", _CONDUCTANCES,
                "nu_loc / nu_F - 1", np.ones(shape), None,
                "0 to 2 nu_F at a wall, which J has to include", "", choice=True,
            ),
        ]  # fmt: skip
        sharvin = velocity / (4 * speed)
        because = f"G, by 1/G - 1/2G_Sharvin; {free}"
    else:
        sharvin = units.ELEMENTARY_CHARGE * electrons.dos * velocity / 4
        because = f"G, if those given are ballistic; {free}"
    part = across / (2 * sharvin)
    cost = _cost(costs, np.abs(part / (1 - part)), because)
    choice = not found.sheet.has_moments
    name_of = "no Sharvin resistance in series"
    lines.append(line(name_of, "G / 2 G_Sharvin", _CONDUCTANCES, np.abs(part), cost, choice=choice))
    return lines


def about_mean_field(found: FaceConductances) -> tuple[Array, Array, Array]:
    """G_s, G_r, G_i about the mean field of the moments, which need not lie along b."""
    if found.oblique is None:
        return found.G_s, found.G_r, found.G_i
    turning = 0.5 * np.einsum("abc,...bc->...a", LEVI_CIVITA, found.oblique)
    size = np.linalg.norm(turning, axis=-1)
    axis = axes_about(turning)[..., 2, :]
    along = np.einsum("...a,...ab,...b->...", axis, found.oblique, axis)
    whole = np.trace(found.oblique, axis1=-2, axis2=-1)
    return along, 0.5 * (whole - along) - along, size


def thickness(
    sample: Sample, side: str, rates: StackRates, direction: Array, costs: bool
) -> Assumption:
    """Moments of the sheet at an outer face in a layer as thick as they are apart."""
    stack = sample.stack
    assert stack is not None
    sheet: Sheet = getattr(stack, side)
    place = 0 if side == "bottom" else -1
    metal, film = stack.layers[place], stack.layers[place].film
    apart, found = _plane(sheet) ** -0.5, rates.layers[place]
    fastest = np.hypot(np.maximum(found.longitudinal, found.transverse), found.precession)
    size = np.asarray(apart * np.sqrt(fastest / film.diffusion))
    name, parameter = f"a sheet without thickness [{side}]", "n_2D^(-1/2) / l"
    line = partial(Assumption, name, "face", ("rho",), parameter, size)
    if not costs:
        return line(*NOT_ASKED)
    if metal.magnet or film.thickness <= apart:
        return line(None, "the layer has moments, or is thinner", "")
    if _plane(sheet) / apart > SPIN_DENSITY.most:
        return line(None, "no volume holds so many moments", "")
    spread = [
        replace(one, density=one.density * REFERENCE / apart) for one in sheet.magnet.sublattices
    ]
    near, far = (replace(film, thickness=d) for d in (apart, film.thickness - apart))
    thin = Layer(near, metal.electrons, Magnet(spread, sheet.weiss))
    rest = replace(metal, film=far)
    layers, joints = list(stack.layers), list(stack.between)
    layers[place : place + 1 or None] = [thin, rest] if side == "bottom" else [rest, thin]
    joints.insert(0 if side == "bottom" else len(joints), None)
    bottom, top = (None, stack.top) if side == "bottom" else (stack.bottom, None)
    other = Sample(stack=Stack(layers, bottom, top, joints), name=sample.name)
    at = rates.temperature, rates.field, direction
    spread_out, plane = (
        magnetoresistance(one, *at, method="batched").longitudinal for one in (other, sample)
    )
    deviation = ratio(spread_out - plane, mechanisms(stack, rates, direction).faces)
    return line(deviation, "rho_L, over the share of the faces", "network")


def _cost(costs: bool, deviation: Array, because: str) -> Cost:
    return (np.asarray(deviation), because, "scattering") if costs else NOT_ASKED


def _plane(sheet: Sheet) -> float:
    """Moments per area [m^-2]."""
    return float(np.sum(sheet.areal_density or 0.0))


def reflected(p: Array) -> tuple[Array, Array]:
    """Integrals of 1 - cos(p u) and of sin(p u) over du / u^3 from 1 on."""
    from scipy.special import sici  # not for `import openmr` to wait for

    p = np.asarray(p, dtype=float)
    sine, cosine = sici(p)
    tail = np.where(p > 0, p**2 * np.where(p > 0, cosine, 0.0), 0.0)
    together = np.sin(0.5 * p) ** 2 + 0.5 * p * np.sin(p) - 0.5 * tail
    turned = 0.5 * np.sin(p) + 0.5 * p * np.cos(p) - 0.5 * p**2 * (0.5 * np.pi - sine)
    return np.asarray(together), np.asarray(turned)
