"""Second order of a constant system from C(t) itself, which needs no exponents.

The half-sided transforms Gamma(w, t) are known on panels of time, at all times and at the distinct
Bohr frequencies: the generator at a time is the Redfield one with Gamma(w, t) for Gamma(w).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qutip import Qobj

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError
from openmr.bath.transforms import HalfSided
from openmr.master.markov import Generator, Part, collapse_part
from openmr.master.open_system import OpenSystem


def groups(system: OpenSystem, resolution: float | None) -> tuple[NDArray[np.intp], Array]:
    """Groups of Bohr frequencies that have one transform: places (d, d), and centres (groups,)."""
    return system.bohr if resolution is None else system.groups(resolution)


def dress(system: OpenSystem, table: ComplexArray, operators: ComplexArray) -> ComplexArray:
    """sum_j T_ij(w_mn) <m|A_j|n> |m><n|, from a table (w, n, n) at the Bohr frequencies."""
    inside = system.in_eigenbasis(operators)
    return system.from_eigenbasis(np.einsum("mnij,jmn->imn", table[system.bohr[0]], inside))


def of_tables(
    system: OpenSystem,
    tables: Sequence[Any],
    time: float,
    level_shift: bool,
    resolution: float | None,
    uncertainty: float = 0.0,
) -> Generator:
    """Generator from the transforms of each coupling at the centres of `groups`."""
    places, centres = groups(system, resolution)
    pieces = []
    for coupling, given in zip(system.couplings, tables, strict=True):
        n = len(coupling.operators)
        table = np.reshape(given, (len(centres), n, n))
        if not level_shift:
            table = 0.5 * (table + table.conj().swapaxes(-1, -2))
        a = coupling.matrices
        if resolution is None:
            dressed = dress(system, table, a)
        else:
            within = places == np.arange(len(centres))[:, None, None]
            parts = within[:, None] * system.in_eigenbasis(a)
            a = system.from_eigenbasis(parts).reshape(-1, *a.shape[1:])
            dressed = system.from_eigenbasis(np.einsum("gij,gjmn->gimn", table, parts))
        pieces.append(Part(dressed.reshape(a.shape), a, np.zeros_like(a[0])))
    whole = (*pieces, *collapse_part(system))
    return Generator(system, "tcl2", whole, time, resolution, uncertainty)


@dataclass(frozen=True, eq=False)
class PanelMemory:
    """Second order of a constant system at every time, from C(t) itself on panels of time."""

    system: OpenSystem
    transforms: tuple[HalfSided, ...]  # of each coupling, at the centres of the groups
    time: float = np.inf  # up to which it is known; infinite includes the long run
    level_shift: bool = True  # as of `generator`
    resolution: float | None = None  # as of `generator`

    def at(self, time: float) -> Generator:
        """Generator at a time up to `time` after a product state."""
        time = _checks.number("time", time, least=0.0, most=self.time, infinite=True)
        return self.overshot(time)

    def overshot(self, time: float) -> Generator:
        """`at`, and beyond `time` what it is at its end: solvers may ask for that."""
        tables = [one.at(time) for one in self.transforms]
        options = self.level_shift, self.resolution, self.uncertainty
        return of_tables(self.system, tables, time, *options)

    def __repr__(self) -> str:
        rows = {"memory": self.memory, "uncertainty": self.uncertainty}
        return "\n".join(
            [
                f"PanelMemory  {self.system.dimension} levels, to t = {self.time:.4g}",
                *(f"  {name:<11} : {value:.4g}" for name, value in rows.items()),
            ]
        )

    @cached_property
    def last(self) -> Generator:
        """Generator at `time`."""
        return self.overshot(self.time)

    @property
    def shift(self) -> Qobj:
        """Level-shift Hamiltonian at `time`, traceless; measured also where it is left out."""
        made = self.last if self.level_shift else replace(self, level_shift=True).last
        return made.shift - made.shift.tr() / self.system.dimension

    @property
    def uncertainty(self) -> float:
        """Measured error of the transforms (half a rate), quadrature and tail, unit of energy."""
        return max((one.uncertainty + one.tail for one in self.transforms), default=0.0)

    @property
    def memory(self) -> float:
        """Time from which on the correlations are not needed, inverse unit of energy."""
        return max((float(one.edges[-1]) for one in self.transforms), default=0.0)

    @property
    def first_step(self) -> float:
        """Length of the first panel: the shortest memory there is, inverse unit of energy."""
        return min((float(one.edges[1]) for one in self.transforms), default=np.inf)


def panel_memory(
    system: OpenSystem,
    time: float = np.inf,
    *,
    level_shift: bool = True,
    resolution: float | None = None,
    rtol: float = 1e-6,
) -> PanelMemory:
    """Second order of a constant system up to a time, from correlations that need no exponents.

    `rtol` is the allowed error of the transforms, relative to the largest half rate.
    """
    if not system.constant:
        raise ParameterError("`system` must not depend on time for correlations without exponents")
    w = groups(system, resolution)[1]
    found = [c.bath.panels(w, time, rtol) for c in system.couplings]
    return PanelMemory(system, tuple(found), time, level_shift, resolution)
