"""Kinetic route: the energy-resolved equation of the Fermi sea with Pauli blocking.

Eqs. (21)-(34), (43)-(63) with nothing assumed of the distribution but its initial form, Eq. (51).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from openmr import _checks
from openmr._checks import EPSILON, ConvergenceError, ParameterError, SizeError
from openmr._work import progress_bar
from openmr.bath.correlators import moment_correlator
from openmr.models import fermi_kinetics
from openmr.models.fermi_kinetics import Scatterer, Sea
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates.record import ExchangePart, on_grid
from openmr.rates.routes import joint_space
from openmr.sample.film import Sample
from openmr.units import HBAR, K_B

_SLOPE_TOLERANCE = 1e-10
"""Largest change of the tensor on a finer grid, of its largest element."""
_SPECTRUM_REACH = 20.0  # beyond it the flip rates equal their limits to exp(-20)
_SPECTRUM_SPACING = 0.3  # the rates between the extremes are a continuum: the grid only samples it
_LARGEST_SPECTRUM = 1500
"""Energies of the linearised operator's grid; its modes then take a minute and 0.2 GiB."""
_LARGEST_GRID = 100_000
"""Energies of the grid of the initial slope."""
_MOST_SECONDS = 3600.0
_POINT_BYTES = 8000  # of the matrices alive at once, per energy
_NEGLIGIBLE = 1e-6  # part of the spin that a mode must carry to count
_NEVER = 1e-6  # of the initial slope: a rate below it is a leak of the finite grid, exp(-20)
_ROUNDING = 1e-12  # of the fastest rate


def kinetic(
    state: Equilibrium,
    *,
    energy_relaxation_rate: float = 0.0,
    half_width: float = 1.0,
    spacing: float = 0.3,
    reach: float = 40.0,
    modes: bool = True,
) -> ExchangePart:
    """Exchange part of the relaxation tensor from the kinetic equation of the Fermi sea.

    The electrons' spin splitting is kept in full.

    Parameters
    ----------
    energy_relaxation_rate : float, 1/s
        1/tau_ee at which collisions among the electrons restore the local Fermi-Dirac state. The
        initial slope does not depend on it, the later decay does.
    half_width : float, eV
        Half width W of the band, for the second-order shift alone; large against k_B T.
    spacing, reach : float, k_B T
        Of the energy grid, the reach beyond the largest flip energy and splitting. The error falls
        as exp(-pi^2/spacing) and exp(-reach).
    modes : bool
        Diagonalise the linearised operator for the diagnostics on the later decay; without it a
        point takes milliseconds.

    Returns
    -------
    ExchangePart
        Initial slope from the ansatz (51). `charge_to_spin` is Eq. (62). Diagnostics as in
        `rates.methods`; along the field those with `modes` count modes that carry at least 1e-6 of
        the spin, and move flip energies to whole grid steps of at most 0.3 k_B T, which changes
        nothing for one sublattice with beta eps_L > 0.05, and less than 2e-4 below.

    Raises
    ------
    ParameterError
        For bad arguments.
    SizeError
        If the moments are so cold that the grid is too long.
    ConvergenceError
        If the tensor changes on a finer grid.
    """
    rate = _checks.number("energy_relaxation_rate", energy_relaxation_rate, "1/s", least=0.0)
    half_width = _checks.number("half_width", half_width, "eV", above=0.0)
    spacing = _checks.number("spacing", spacing, "k_B T", above=0.0)
    reach = _checks.number("reach", reach, "k_B T", above=0.0)
    joint_space.refuse_large(state.sample)
    points = [(point, _precession(point)) for point in state.points()]
    _check_grids(points, half_width, spacing, reach, modes)
    found = []
    for point, omega in progress_bar(
        points, desc="kinetic", unit="point", delay=2.0, disable=None, leave=False
    ):
        sea = _sea(point, omega, rate, spacing, reach)
        finer = _sea(point, omega, rate, 0.7 * sea.spacing, 1.2 * reach)
        rates = _at_point(sea, finer, half_width / (K_B * float(point.temperature)))
        if modes:
            grid = _SPECTRUM_SPACING, _SPECTRUM_REACH
            along = _sea(point, omega, rate, *grid, whole_steps=True)
            later = _modes(along, float(rates.dissipator[2, 2]))
            rates = rates._replace(diagnostics={**rates.diagnostics, **later})
        found.append(rates)
    return on_grid(state.temperature.shape, found)


def electron_sea(
    sample: Sample,
    temperature: float,
    field: float,
    *,
    energy_relaxation_rate: float = 0.0,
    spacing: float = 0.3,
    reach: float = 40.0,
) -> Sea:
    """The electrons of a sample at one temperature [K] and field [T], for `openmr.kinetics`.

    Other parameters as of `kinetic`.

    Parameters
    ----------
    temperature : float, K
    field : float, T

    Returns
    -------
    Sea
        With the moments of every sublattice as scatterers.

    Raises
    ------
    ParameterError
        For a value out of its range.
    SizeError
        If a spin is too large.
    """
    rate = _checks.number("energy_relaxation_rate", energy_relaxation_rate, "1/s", least=0.0)
    spacing = _checks.number("spacing", spacing, "k_B T", above=0.0)
    reach = _checks.number("reach", reach, "k_B T", above=0.0)
    joint_space.refuse_large(sample)
    state = equilibrium(
        sample, _checks.number("temperature", temperature, "K"), _checks.number("field", field, "T")
    )
    omega = _precession(state)
    _check_grids([(state, omega)], np.inf, spacing, reach, modes=False)
    return _sea(state, omega, rate, spacing, reach)


def _precession(state: Equilibrium) -> float:
    return float(joint_space.first_order_tensor(state.sample, state)[0, 1])


def _sea(
    state: Equilibrium,
    precession: float,
    mixing: float,
    spacing: float,
    reach: float,
    *,
    whole_steps: bool = False,
) -> Sea:
    magnet, electrons = state.magnet, state.sample.electrons
    splitting = HBAR * precession / (K_B * float(state.temperature))
    flips = [
        float(x) if any(moments.exchange) else 0.0
        for x, moments in zip(state.reduced_splitting, magnet.sublattices, strict=True)
    ]
    # along the field the splitting drops out of the total energies; across it, a state as wide as
    # the splitting is moved by the splitting and a flip
    across = 0.0 if whole_steps else 1.5 * abs(splitting)
    energies = fermi_kinetics.energy_grid(flips, spacing, reach + across)
    if whole_steps:
        step = energies[1] - energies[0]
        flips = [step * round(x / step) for x in flips]
    scatterers = []
    for moments, x in zip(magnet.sublattices, flips, strict=True):
        strength = float(np.abs(moments.exchange).max())
        if strength:
            connected = magnet.disorder == "lattice"
            lines = moment_correlator(moments.spin, x, connected=connected)
            rate = 2 * np.pi * moments.density * electrons.dos * strength**2 / HBAR
            scatterers.append(Scatterer(rate, np.array(moments.exchange) / strength, lines))
    return Sea(
        energies=energies,
        electron_splitting=splitting,
        dos=(electrons.dos_up / electrons.dos, electrons.dos_down / electrons.dos),
        scatterers=tuple(scatterers),
        precession=precession,
        mixing=mixing,
    )


def _check_grids(
    points: list[tuple[Equilibrium, float]],
    half_width: float,
    spacing: float,
    reach: float,
    modes: bool,
) -> None:
    """Refuse, before anything is computed, what is too long or outside the band."""
    seconds = 0.0
    for point, precession in points:
        thermal = K_B * float(point.temperature)
        split = HBAR * abs(precession) / thermal
        flip = float(np.abs(point.reduced_splitting).max(initial=0.0))
        least = 10 * thermal * max(1.0, split, flip)
        if half_width < least:
            raise ParameterError(
                f"`half_width` must be >= {least:.3g} eV, ten times k_B T and the splittings at "
                f"{float(point.temperature):g} K, got {half_width:g}"
            )
        count = 2 * (_SPECTRUM_REACH + split + flip) / _SPECTRUM_SPACING
        if modes and count > _LARGEST_SPECTRUM:
            raise SizeError(
                f"`temperature` must be so high that flips and splitting span an energy grid of "
                f"at most {_LARGEST_SPECTRUM} points, got {float(point.temperature):g} K with "
                f"{count:.0f} (about {_mode_seconds(count):.2g} s and "
                f"{3 * 8 * (2 * count) ** 2 / 2**30:.2g} GiB a point; `modes=False` does without)"
            )
        seconds += _mode_seconds(count) if modes else 0.0
        count = 2 * (reach + 1.5 * split + flip) / spacing
        if count > _LARGEST_GRID:
            size = f"{count:.3g} (about {count * _POINT_BYTES / 2**30:.2g} GiB)"
            if 2 * reach / spacing > 0.5 * _LARGEST_GRID:
                raise SizeError(
                    f"`spacing` and `reach` must span at most {_LARGEST_GRID} points, got {size}"
                )
            raise SizeError(
                f"`temperature` must be so high that flips and splitting span an energy grid of "
                f"at most {_LARGEST_GRID} points, got {float(point.temperature):g} K with {size}"
            )
    if seconds > _MOST_SECONDS:
        raise SizeError(
            f"`temperature` and `field` must span at most {_MOST_SECONDS:g} s of computation, got "
            f"{len(points)} points, about {seconds:.2g} s; `modes=False` takes a hundredth"
        )


def _mode_seconds(count: float) -> float:
    """Time of the modes of one point, as measured on one core."""
    return 0.1 + 60.0 * (count / _LARGEST_SPECTRUM) ** 3


def _at_point(sea: Sea, finer: Sea, half_width: float) -> ExchangePart:
    slope = fermi_kinetics.initial_slope(sea)
    largest = float(np.abs(slope).max()) or 1.0
    change = float(np.abs(fermi_kinetics.initial_slope(finer) - slope).max()) / largest
    # frozen moments leave rates that are exponentially small beside gain and loss
    rounding = 256 * EPSILON * sum(scatterer.rate for scatterer in sea.scatterers)
    if not change <= max(_SLOPE_TOLERANCE, rounding / largest):
        raise ConvergenceError(
            f"the relaxation tensor changes by {change:.2g} of its largest element on a finer "
            f"grid, allowed {_SLOPE_TOLERANCE:g}; choose a smaller `spacing` or a larger `reach`"
        )
    shift = fermi_kinetics.level_shift(sea, half_width)
    standing = fermi_kinetics.collision(sea, np.zeros((4, len(sea.energies))))
    return ExchangePart(
        dissipator=slope[1:, 1:],
        precession=sea.precession,
        charge_to_spin=float(slope[3, 0]),
        diagnostics={
            "grid_change": change,
            "charge": float(np.abs(slope[0]).max()) / largest,
            "stationarity": float(np.abs(standing).max()) / largest,
            "electron_splitting": sea.electron_splitting,
            "level_shift": float(0.5 * (shift[0, 1] - shift[1, 0])),
            "spread": _spread(sea),
        },
    )


def _spread(sea: Sea) -> float:
    """Standard deviation over mean of the rates at which the spin along the field decays."""
    spin = fermi_kinetics.pure_spin(sea, 3)
    once = fermi_kinetics.linear_collision(sea, spin)
    twice = fermi_kinetics.linear_collision(sea, once) + fermi_kinetics.energy_relaxation(sea, once)
    first, second = (fermi_kinetics.densities(sea, change)[3] for change in (once, twice))
    return float(np.sqrt(max(0.0, second - first**2)) / abs(first)) if first else 0.0


def _modes(sea: Sea, mean: float) -> dict[str, float]:
    """Rates of the linearised operator."""
    if not sea.scatterers:
        names = ("slowest_rate", "fastest_rate", "residue")
        return dict.fromkeys((*names, "transverse_slowest_rate", "transverse_fastest_rate"), 0.0)
    rates, weights = fermi_kinetics.longitudinal_spectrum(sea)
    decays = rates > max(_NEVER * mean, _ROUNDING * rates[-1])
    if sea.mixing > 1e9 * mean:
        raise ParameterError(
            f"`energy_relaxation_rate` must be <= {1e9 * mean:.2g} 1/s, 1e9 times the rate of the "
            f"spin, which rounding hides beyond it, got {sea.mixing:g}"
        )
    counted = rates[decays & (np.abs(weights) > _NEGLIGIBLE)]
    reach = float(sea.energies[-1]) + abs(sea.electron_splitting)
    coarse = fermi_kinetics.energy_grid([], _SPECTRUM_SPACING, reach)
    across = fermi_kinetics.transverse_rates(replace(sea, energies=coarse))
    return {
        "slowest_rate": float(counted.min()) if counted.size else 0.0,
        "fastest_rate": float(counted.max(initial=0.0)),
        "residue": float(weights[~decays].sum()),
        "transverse_slowest_rate": float(across.min()),
        "transverse_fastest_rate": float(across.max()),
    }
