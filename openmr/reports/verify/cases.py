"""Cases to verify and what the numerical routes find for them.

No closed form is used here, nor the shipped equilibrium and transport.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from openmr import units
from openmr._checks import Array
from openmr._work import progress_bar
from openmr.moments.equilibrium import Equilibrium
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.reports.verify import reference
from openmr.reports.verify.case import Case, moments_of
from openmr.reports.verify.reference import Averages, Diffused
from openmr.reports.verify.stacks import StackSolution, solve_stack, standard_stacks
from openmr.sample import presets
from openmr.sample.film import Electrons, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.tables import Alike

NUMERICAL: Final = ("bloch-redfield", "evolution")
"""Routes that every case is run through."""
THIN: Final = 0.9e-3
"""|d/2l|^2 of a film as thick as a series is good for."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution(Alike):
    """One case by the numerical routes; no closed form is in it."""

    case: Case
    state: Equilibrium  # by `reference`
    rounding: Array  # of beta eps_L, per sublattice
    averages: list[Averages]  # per sublattice
    rates: dict[str, Relaxation]
    diffused: dict[str, Diffused]  # of the rates of each route, in axes of the film
    switched: dict[str, Array]  # F of tensors with something switched off, Bloch-Redfield
    thin: tuple[float, Diffused]  # "axial" at the share of the thickness that `THIN` asks for
    fermi_sea: Relaxation  # with the electron's splitting in full
    flips_split: Relaxation  # flips alone, the electron's splitting in the dissipator
    dephasing: float  # Jz alone: 1/tau_perp [1/s]


def _with_moments(
    sample: Sample, *moments: Moments, weiss: ArrayLike = 0.0, **magnet: Any
) -> Sample:
    return replace(sample, magnet=Magnet(moments, weiss, **magnet))


def _moments(
    spin: float, exchange_energy: ArrayLike, g: float = 2.0, share: float = 1.0
) -> Moments:
    density = share * presets.pt_py().magnet.sublattices[0].density
    return Moments(spin=spin, density=density, exchange_energy=exchange_energy, g=g)


def standard_cases() -> list[Case]:
    """Spins, couplings, disorder, sublattices and fields that the closed forms must hold for."""
    film = presets.pt_py()
    two_bands = replace(film, electrons=Electrons(dos_up=2.2e27, dos_down=4.6e27))
    coupling = 3 * units.K_B * 40.0 / 6.0
    antiferro = _with_moments(
        film, _moments(2, 1e-3), _moments(2, 1e-3), weiss=[[0.0, -coupling], [-coupling, 0.0]]
    )
    ferri = _with_moments(
        film,
        _moments(2.5, (1e-3, 0.6e-3, 0.8e-3)),
        _moments(1, (0.4e-3, 0.9e-3, -0.7e-3), g=1.6, share=0.5),
        weiss=[[coupling, -coupling / 2], [-coupling, 0.0]],
    )
    oblique = (0.36, -0.48, 0.8)
    spins = [
        Case(
            f"Pt with S = {spin:g}, paramagnetic", _with_moments(film, _moments(spin, -1e-3)), 4, 6
        )
        for spin in (0.5, 1.0, 2.5, 3.5)
    ]
    return [
        *spins,
        Case("Jx, Jy, Jz all different", presets.pt_py((1e-3, 0.3e-3, -0.6e-3)), 20, 3, oblique),
        Case("Ising-like, Jx = Jy = 0", presets.pt_py((0.0, 0.0, 1e-3)), 20, 3, oblique),
        Case("one-axis flips, Jy = Jz = 0", presets.pt_py((1e-3, 0.0, 0.0)), 25, 0.01, oblique),
        Case("perfect lattice", presets.pt_py(1e-3, disorder="lattice"), 10, 5, oblique),
        Case("field reversed", presets.pt_py((-1e-3, -0.6e-3, -0.8e-3)), 15, -4, oblique),
        Case("above T_C in a field", presets.pt_py(-1e-3), 60, 5, (0.0, 0.0, 1.0)),
        Case("zero field above T_C", presets.pt_py(-1e-3), 200, 0, oblique),
        Case("antiferromagnet at zero field", antiferro, 25, 0, (0.6, 0.8, 0.0)),
        Case("ferrimagnet, anisotropic", ferri, 30, 2, oblique),
        Case("unequal densities of states", two_bands, 10, 5, oblique),
        Case("frozen moments", presets.pt_py(-1e-3), 0.5, 5, oblique),
        *standard_stacks(),
    ]


def _one_coupling(sample: Sample, kept: Sequence[float]) -> Sample:
    """The same sample with some of Jx, Jy, Jz set to zero."""
    if not sample.magnet:
        return sample
    moments = tuple(
        replace(m, exchange=tuple(np.array(kept) * m.principal_exchange))
        for m in sample.magnet.sublattices
    )
    magnet = replace(sample.magnet, sublattices=moments)
    return replace(sample, magnet=magnet)


def solve(cases: Iterable[Case], *, progress: bool | None = None) -> list[Solution | StackSolution]:
    """Run the numerical routes over the cases, with a bar, by default only on a terminal."""
    quiet = None if progress is None else not progress
    bar = progress_bar(list(cases), desc="verify", unit="case", disable=quiet, leave=False)
    return [solve_stack(case) if case.sample.is_stack else _solve_case(case) for case in bar]


def _solve_case(case: Case) -> Solution:
    state, rounding, averages = moments_of(case)
    quiet = {"bloch-redfield": {}, "evolution": {"progress": False}}
    rates = {name: relaxation_at(state, method=name, **quiet[name]) for name in NUMERICAL}
    flips = _one_coupling(case.sample, (1, 1, 0))
    only_jz = _one_coupling(case.sample, (0, 0, 1))
    diffuse = partial(reference.diffuse, case.sample.film)
    tensors = {name: _tensors(case, found) for name, found in rates.items()}
    axial = tensors["bloch-redfield"]["axial"]
    share = reference.thickness_for(THIN, case.sample.film, axial)
    return Solution(
        case=case,
        state=state,
        rounding=rounding,
        averages=averages,
        rates=rates,
        diffused={name: diffuse(each["full"]) for name, each in tensors.items()},
        switched={
            name: diffuse(tensor).surviving for name, tensor in tensors["bloch-redfield"].items()
        },
        thin=(share, diffuse(share**2 * axial)),  # as slower relaxation
        fermi_sea=relaxation_at(state, method="kinetic", modes=False),
        flips_split=relaxation_at(
            replace(state, sample=flips), method="bloch-redfield", electron_splitting=True
        ),
        dephasing=float(
            relaxation_at(replace(state, sample=only_jz), method="bloch-redfield").dissipator[0, 0]
        ),
    )


def _tensors(case: Case, found: Relaxation) -> dict[str, Array]:
    """Relaxation and precession [1/s] in axes of the film, whole and with something left out."""
    gamma, omega = found.dissipator, float(found.precession)
    bare = np.eye(3) / case.sample.film.spin_flip_time
    alike, mean = gamma[2, 2] * np.eye(3), 0.5 * (gamma[0, 0] + gamma[1, 1])
    parts = {
        "full": (gamma, omega),
        "no exchange": (0 * gamma, 0.0),
        "one rate": (alike, 0.0),
        "one rate, precessing": (alike, omega),
        "no precession": (gamma, 0.0),
        "axial": (np.diag([mean, mean, gamma[2, 2]]), omega),
    }
    place = partial(reference.in_film, direction=case.direction)
    return {name: place(rates, turning) + bare for name, (rates, turning) in parts.items()}
