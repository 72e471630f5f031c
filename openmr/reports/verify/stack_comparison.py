"""Faces and stacks as shipped beside those found without them: here they enter, and only here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from types import MappingProxyType
from typing import Final

import numpy as np

from openmr._checks import EPSILON
from openmr.reports.verify.check import TENSOR_TOLERANCE, Allowance, Check, check, relative
from openmr.reports.verify.stacks import StackSolution, Through
from openmr.transport.diffusion import profile
from openmr.transport.line import magnetoresistance
from openmr.transport.resistivity import Resistivity, mechanisms, resistivity
from openmr.transport.stack_rates import StackRates

_CARRIED: Final = "the tolerances of rates and faces, and the solver's, carried through"
E: Final = 2.0
"""Electric field of the profiles [V/m]."""


class StackLine:
    """One stack: what was found, and what ships, worked out when first asked for."""

    def __init__(self, solution: StackSolution) -> None:
        self.s, self.sample = solution, solution.case.sample
        self.check = partial(check, solution.case.name)
        assert self.sample.stack is not None
        self.stack = self.sample.stack

    @cached_property
    def resistivity(self) -> Resistivity:
        """The whole line as shipped."""
        case = self.s.case
        return magnetoresistance(case.sample, case.temperature, case.field, case.direction)

    @property
    def rates(self) -> StackRates:
        """Rates and conductances as shipped."""
        return self.resistivity.rates


def _conductances(line: StackLine) -> Iterator[Check]:
    """G_s, G_r and G_i of every face, by what one moment does."""
    for face in line.s.faces:
        shipped = line.rates.faces[face.name]
        for route, (sink, mixing, turning) in face.parts.items():
            because = "over the largest of G_s, G_s + G_r; rounding"
            allowed = TENSOR_TOLERANCE + face.rounding
            taken = Allowance(max(sink, sink + mixing) or 1.0, allowed, because)
            because = "over the G_i of all sublattices by magnitude; rounding"
            turned = Allowance(face.shift or 1.0, allowed, because)
            for name, equation, allowance, own in (
                ("G_s", "(70)", taken, sink),
                ("G_r", "(75)", taken, mixing),
                ("G_i", "(78)", turned, turning),
            ):
                form = getattr(shipped, name)
                label = f"{name} [{face.name}]"
                yield line.check(allowance, route, label, equation, "S/m^2", form, own)


def _allowed(line: StackLine, through: Through) -> float:
    """Error that is allowed, over theta_SH^2 rho_0."""
    rounding = sum(face.rounding for face in line.s.faces)
    return 4 * through.known + 8 * TENSOR_TOLERANCE + rounding + EPSILON / (through.square or 1.0)


def _resistances(line: StackLine) -> Iterator[Check]:
    """Resistance of a square, of second order and exact, from the rates and faces of each route."""
    whole, case = line.sample.layers, line.s.case
    thickness = sum(one.film.thickness for one in whole)
    for route, through in line.s.through.items():
        shunt, square = through.shunt, through.square
        unit = thickness / shunt
        form = line.rates.bare_resistivity
        label = f"{route}, boundary-value problem"
        yield line.check(relative(unit, 64 * EPSILON), label, "rho_0", "-", "Ohm m", form, unit)
        allowed = _allowed(line, through)
        allowance = Allowance((square or 1.0) * unit, allowed, f"over theta_SH^2 rho_0; {_CARRIED}")
        row = partial(line.check, allowance, label)
        sigma = through.conductance / shunt
        found = line.resistivity
        yield row("rho_L", "(86)", "Ohm m", found.longitudinal, unit * (2 - sigma[0, 0]))
        yield row("rho_T", "(87)", "Ohm m", found.transverse, -unit * sigma[1, 0])
        inverse = np.linalg.inv(sigma)
        amplified = allowance._replace(tolerance=2 * allowed * float(np.linalg.norm(inverse)) ** 2)
        row = partial(line.check, amplified, label)
        exact = resistivity(line.stack, line.rates, case.direction, order="exact")
        yield row("rho_L exact", "(B28)", "Ohm m", exact.longitudinal, unit * inverse[0, 0])
        yield row("rho_T exact", "(B28)", "Ohm m", exact.transverse, unit * inverse[1, 0])
        square_allowance = relative(float(exact.longitudinal) / thickness, allowed)
        ours, own = exact.sheet_longitudinal, np.linalg.inv(through.conductance)[0, 0]
        yield line.check(square_allowance, label, "R of a square", "(B28)", "Ohm", ours, own)


def _shares(line: StackLine) -> Iterator[Check]:
    """Shares of the Hanle effect, of exchange in the layers and of the faces."""
    through = line.s.through["bloch-redfield"]
    unit = sum(one.film.thickness for one in line.sample.layers) / through.shunt

    def of(one: Through) -> float:
        return float(unit * (2 - one.conductance[0, 0] / one.shunt))

    bare, hanle, bulk, alone = (of(one) for one in line.s.switched.values())
    allowed = 2 * max(_allowed(line, one) for one in (through, *line.s.switched.values()))
    because = f"over theta_SH^2 rho_0; {_CARRIED}"
    allowance = Allowance((through.square or 1.0) * unit, allowed, because)
    row = partial(line.check, allowance, "bloch-redfield, boundary-value problem")
    parts = mechanisms(line.stack, line.rates, line.s.case.direction)
    for name, own in (
        ("bare", bare),
        ("hanle", hanle - bare),
        ("bulk_exchange", bulk - hanle),
        ("faces", of(through) - bulk),
        ("faces_alone", alone - bare),
    ):
        yield row(f"{name} [stack]", "(86)", "Ohm m", getattr(parts, name), own)


def _profiles(line: StackLine) -> Iterator[Check]:
    """Spin accumulation and spin current at both faces and in the middle of every layer."""
    through, case = line.s.through["bloch-redfield"], line.s.case
    form = profile(line.stack, line.rates, case.direction, electric_field=E)
    because = f"over the largest in the stack; {_CARRIED}"
    allowed = 4 * through.uncertainty + 16 * TENSOR_TOLERANCE
    allowed += sum(face.rounding for face in line.s.faces)
    route = "bloch-redfield, boundary-value problem"
    above = 0.0
    for i, (one, metal) in enumerate(zip(through.layers, line.sample.layers, strict=True)):
        above += metal.film.thickness
        depth = relative(above, 64 * EPSILON)
        label = f"depth of the faces [layer {i}]"
        yield line.check(depth, route, label, "-", "m", form.depth[101 * i + 100], above)
        for name, unit in (("accumulation", "eV"), ("current", "A/m^2")):
            # by E along x: spins against y
            values = -E * getattr(one, name)[..., 1]
            scale = E * max(float(np.abs(getattr(s, name)).max()) for s in through.layers)
            row = partial(line.check, Allowance(scale or 1.0, allowed, because), route)
            places = (0, 0, "lower"), (50, len(one.depth) // 2, "middle"), (100, -1, "upper")
            for ours, theirs, place in places:
                shipped = getattr(form, name)[101 * i + ours]
                for a, axis in enumerate("xyz"):
                    label = f"{name} in a stack [{axis}, {place}, layer {i}]"
                    yield row(label, "(B23)", unit, shipped[a], values[theirs][a])


OF_STACKS: Final[Mapping[str, tuple[Callable[[StackLine], Iterator[Check]], ...]]] = (
    MappingProxyType({"rates": (_conductances,), "transport": (_resistances, _shares, _profiles)})
)
"""Parts of each station that a stack has."""
