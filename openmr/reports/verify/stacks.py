"""Stacks to verify, and what is found for them without the shipped moments, faces and network.

Conductances are what one moment does to the spins of a metal, by quantum dynamics; spins cross the
layers by collocation of the boundary-value problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from openmr import units
from openmr._checks import Array
from openmr.rates.relaxation import relaxation_at
from openmr.reports.verify import reference
from openmr.reports.verify.case import Case, moments_of
from openmr.sample.film import Electrons, Film, Layer, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.stack import Interface, Sheet, Stack
from openmr.tables import Alike
from openmr.transport import collocation
from openmr.transport.collocation import SlabSolution
from openmr.transport.slabs import Joint, Slab

ROUTES: Final = ("bloch-redfield", "batched")
"""Routes that the faces and layers of every stack are run through."""
SPREAD: Final = 0.37e-9
"""Thickness [m] over which the moments of a sheet are spread, which drops out."""
RTOL: Final = 1e-10
"""Error of the boundary-value problem, over the largest accumulation."""


@dataclass(frozen=True, slots=True)
class FaceFound:
    """A face by the routes; of given conductances by no route."""

    name: str  # as parameters of it are called
    sheet: Sheet
    rounding: float  # that of the Weiss field leaves in a conductance, relative
    shift: float  # G_i of all sublattices by magnitude, S/m^2
    parts: dict[str, tuple[float, float, float]]  # G_s, G_r, G_i by each route, S/m^2


class Through(NamedTuple):
    """Spins in all layers, one current fed in for each polarisation."""

    slabs: list[Slab]
    layers: list[SlabSolution]
    uncertainty: float  # over the largest accumulation

    @property
    def shunt(self) -> float:
        """Sheet conductance without the spin Hall effect [S]."""
        return sum(s.conductivity * s.thickness for s in self.slabs)

    @property
    def square(self) -> float:
        """Mean of theta_SH^2 over the current."""
        own = (s.conductivity * s.thickness * s.spin_hall_angle**2 for s in self.slabs)
        return sum(own) / self.shunt

    @property
    def known(self) -> float:
        """Error of the sheet conductance by the solver, over theta_SH^2 of it."""
        largest = max(float(np.abs(one.accumulation).max()) for one in self.layers)
        driven = sum(abs(s.spin_hall_angle) * s.conductivity for s in self.slabs)
        return self.uncertainty * largest * driven / (self.square * self.shunt or 1.0)

    @property
    def conductance(self) -> Array:
        """Sheet conductance (2, 2) [S]: what diffusion carries turned to charge, layer by layer."""
        found = np.zeros((2, 2))
        for slab, one in zip(self.slabs, self.layers, strict=True):
            theta, unit = slab.spin_hall_angle, slab.conductivity
            drop = one.accumulation[-1] - one.accumulation[0]
            # E along x drives spins against y, E along y spins along x
            carried = -0.5 * unit * np.stack([-drop[:, 1], drop[:, 0]], axis=1)
            turned = theta * np.stack([carried[1], -carried[0]])
            found += slab.thickness * unit * (1 - 2 * theta**2) * np.eye(2) + turned
        return found


@dataclass(frozen=True, slots=True, eq=False)
class StackSolution(Alike):
    """One stack by the numerical routes; no closed form is in it."""

    case: Case
    faces: tuple[FaceFound, ...]
    through: dict[str, Through]  # of the rates and faces of each route
    switched: dict[str, Through]  # with something switched off, Bloch-Redfield


def standard_stacks() -> list[Case]:
    """Faces by moments and by number, joints, and layers with moments."""
    metal, oblique = Electrons.free(5.0), (0.48, 0.6, 0.64)
    platinum, slow = (
        Film(7e-9, 0.11, diffusion, resistivity=40e-8, diffusion_length=1.5e-9)
        for diffusion in (metal.diffusion(40e-8), 1e-5)
    )
    tantalum = Film(4e-9, -0.15, 2e-6, resistivity=2e-6, diffusion_length=1.8e-9)
    europium = Sheet(3.5, 2e18, 3e-31, curie_temperature=16.6)
    coupling = 3 * units.K_B * 40.0 / 6.0
    garnet = Sheet(
        (2.5, 1.0), (1e18, 2e18), (3e-31, -2e-31), (2.0, 1.6), [[0, -coupling], [-coupling, 0]]
    )
    magnet = Magnet(Moments(2, 1.66e27, exchange_energy=-1e-3), curie_temperature=30.0)

    def stack(name: str, at: tuple[float, float], layers: list[Layer], **faces: object) -> Case:
        whole = Stack(layers, **faces)  # type: ignore[arg-type]
        return Case(name, Sample(stack=whole, name=name), *at, oblique)

    lossy = Interface(0.8e-15, 0.9, europium, "above")
    return [
        stack("moments at a face", (5, 0.5), [Layer(platinum, metal)], top=europium),
        stack(
            "conductances and Hanle, B < 0", (300, -9), [Layer(slow, metal)],
            bottom=Sheet(G_s=1e13, G_r=3e14, G_i=1e14), top=Sheet(G_r=2e14, G_i=-4e13),
        ),
        stack(
            "two metals, memory loss", (12, 9),
            [Layer(slow, metal), Layer(tantalum, metal)],
            bottom=Sheet(G_r=4e14, G_i=4e13), between=lossy,
        ),
        stack(
            "magnetic layer, ferrimagnet", (25, 2),
            [Layer(replace(slow, thickness=3e-9), metal, magnet), Layer(slow, metal)], top=garnet,
        ),
    ]  # fmt: skip


def solve_stack(case: Case) -> StackSolution:
    """Run a stack through the routes and the boundary-value problem."""
    stack = case.sample.stack
    assert stack is not None
    metals = stack.layers
    faces = [("bottom", stack.bottom, metals[0]), ("top", stack.top, metals[-1])]
    for i, joint in enumerate(stack.between):
        if joint is not None:
            faces.append((f"between.{i}", joint.sheet, metals[i + (joint.side == "above")]))
    found = tuple(
        _face(case, name, sheet, metal) for name, sheet, metal in faces if sheet is not None
    )
    rates = {route: _rates(case, route) for route in ROUTES}
    tensors = {route: _tensors(case, found, route) for route in ROUTES}
    turning = case.field * units.MU_B / units.HBAR
    bare = [np.eye(3) / metal.film.spin_flip_time for metal in metals]
    none = np.zeros((3, 3))
    hanle = [
        one + reference.in_film(none, metal.electrons.g * turning, case.direction)
        for one, metal in zip(bare, metals, strict=True)
    ]
    through = partial(_through, stack)
    first = ROUTES[0]
    return StackSolution(
        case=case,
        faces=found,
        through={route: through(rates[route], tensors[route]) for route in ROUTES},
        switched={
            "bare": through(bare, {}),
            "hanle": through(hanle, {}),
            "no faces": through(rates[first], {}),
            "faces alone": through(bare, tensors[first]),
        },
    )


def _face(case: Case, name: str, sheet: Sheet, metal: Layer) -> FaceFound:
    if not sheet.has_moments:
        turning = float(np.copysign(1.0, case.field)) * (sheet.G_i or 0.0)
        given = {"as given": (sheet.G_s or 0.0, sheet.G_r or 0.0, turning)}
        return FaceFound(name, sheet, 0.0, abs(turning), given)
    columns = zip(sheet.spin, sheet.areal_density, sheet.exchange, sheet.g, strict=True)  # type: ignore[arg-type]
    moments = [Moments(s, n / SPREAD, j, g=g) for s, n, j, g in columns]
    magnet, film = Magnet(moments, sheet.weiss), metal.film
    state, rounding, averages = moments_of(
        replace(case, sample=Sample(magnet, metal.electrons, film))
    )
    unit = 0.5 * SPREAD / (film.resistivity * film.diffusion)
    parts = {}
    for route in ROUTES:
        # in no field an electron precesses about the moments alone
        found = relaxation_at(replace(state, field=np.zeros(())), method=route)
        across, along = 0.5 * np.trace(found.dissipator[:2, :2]), found.dissipator[2, 2]
        numbers = along, across - along, found.precession
        parts[route] = tuple(unit * float(number) for number in numbers)
    shift = sum(
        abs(one.density * one.principal_exchange[2] * mean.mean)
        for one, mean in zip(moments, averages, strict=True)
    )
    off = float((2 * magnet.spins + 2).max() * rounding.max())
    return FaceFound(name, sheet, off, unit * shift / units.HBAR, parts)  # type: ignore[arg-type]


def _tensors(case: Case, faces: Sequence[FaceFound], route: str) -> dict[str, Array]:
    """G of each face in axes of the film [S/m^2]."""
    tensors = {}
    for face in faces:
        sink, mixing, turning = face.parts.get(route) or face.parts["as given"]
        local = np.diag([sink + mixing, sink + mixing, sink])
        tensors[face.name] = reference.in_film(local, turning, case.direction)
    return tensors


def _rates(case: Case, route: str) -> list[Array]:
    """Relaxation and precession of each layer in axes of the film [1/s]."""
    found = []
    for i, metal in enumerate(case.sample.layers):
        state, _, _ = moments_of(replace(case, sample=case.sample.layer(i)))
        rates = relaxation_at(state, method=route)
        tensor = reference.in_film(rates.dissipator, float(rates.precession), case.direction)
        found.append(tensor + np.eye(3) / metal.film.spin_flip_time)
    return found


def _through(stack: Stack, rates: Sequence[Array], faces: Mapping[str, Array]) -> Through:
    slabs = []
    for metal, tensor in zip(stack.layers, rates, strict=True):
        film = metal.film
        numbers = film.thickness, 1 / film.resistivity, film.spin_hall_angle, film.diffusion
        slabs.append(Slab(*numbers, tensor))
    joints = []
    for i, joint in enumerate(stack.between):
        sheet, through = faces.get(f"between.{i}"), joint or Interface()
        sides = (sheet, None) if through.side == "below" else (None, sheet)
        joints.append(Joint(through.resistance, through.memory_loss, *sides))
    outer = faces.get("bottom"), faces.get("top")
    return Through(slabs, *collocation.solve_stack(slabs, joints, *outer, rtol=RTOL))
