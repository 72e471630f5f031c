"""Exact route: unitary dynamics of one electron in a finite band, Eq. (7), read as a rate.

The electron is scattered among N levels by a random-phase operator whose golden-rule rate is that
of the sample. The map Phi(t) of its spin gives the exact time-local generator dPhi/dt Phi^-1, which
stands on a plateau after the memory time and before the relaxation time: the relaxation tensor.

There is one electron and no Fermi sea: the noise is flat, G(w) = 2 pi n_S nu_F / hbar, without the
factor x / (1 - exp(-x)). Rates agree with those of the Fermi sea for beta eps_L -> 0 only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openmr import _checks
from openmr._checks import Array, ExtractionError, SizeError
from openmr.models import finite_band
from openmr.models.finite_band import FiniteBand
from openmr.moments.equilibrium import Equilibrium
from openmr.rates.record import ExchangePart, pointwise
from openmr.rates.routes import joint_space
from openmr.rates.routes.joint_space import MomentSpace
from openmr.sample.film import Sample
from openmr.units import HBAR, K_B

WINDOW = (5.0, 15.0)
"""First and last time of the plateau over hbar / noise_width.

At the first the memory is down to erfc(5 / sqrt 2) = 6e-7.
"""
SAMPLES = 6
"""Times recorded in the window."""
_LONGEST = 0.5
"""Largest part of a relaxation time, and of the Heisenberg time, that the window may take."""
_SPREAD = 1e-2
"""Largest deviation from a straight plateau, of the largest rate."""
_MOST_BYTES = 4 * 2**30
_MOST_SECONDS = 3600.0
_PRODUCTS = 120
"""Applications of H per evolution; the window sets it, not the noise_width."""
_FLOPS = 1.5e10
"""Speed of one core per second, in complex matrix products (measured 1.4e10 to 2.6e10)."""


def exact(
    state: Equilibrium,
    *,
    levels: int = 201,
    noise_width: float = 0.5,
    realisations: int = 4,
    seed: int | np.random.Generator = 0,
    electron_splitting: bool = False,
) -> ExchangePart:
    """Exchange part of the relaxation tensor from exact unitary dynamics.

    Parameters
    ----------
    levels : int
        Orbital levels N, odd. The second order does not depend on it; what the random phases add
        beyond falls as 1/sqrt(N), the time grows as N^2. Enough where `uncertainty` is.
    noise_width : float, eV
        Standard deviation of the noise spectrum. Large against the moment's splitting eps_L and
        against hbar times the rates; the time needed does not depend on it.
    realisations : int
        Sets of random phases, at least 2; each is taken with both signs of the coupling, which
        cancels all odd orders. The same phases serve every temperature and field.
    seed : int or numpy.random.Generator
        For the phases.
    electron_splitting : bool
        Keep the electron's spin splitting hbar omega_L in the Hamiltonian. As the noise is flat it
        changes nothing while the band is wide.

    Returns
    -------
    ExchangePart
        Sublattices are solved one by one and add. `uncertainty` is the standard error over the
        realisations. Diagnostics as in `rates.methods`.

    Raises
    ------
    ParameterError
        For bad arguments.
    SizeError
        Before anything is computed, if memory or time is not affordable.
    ExtractionError
        Where there is no plateau: coupling too strong for the band, or band too narrow.
    """
    levels = _odd("levels", levels)
    noise_width = _checks.number("noise_width", noise_width, "eV", above=0.0)
    realisations = _checks.integer("realisations", realisations, least=2)
    joint_space.refuse_large(state.sample)
    _affordable(levels, realisations, state.sample, state.temperature.size)
    numerics = _Numerics(
        levels=levels,
        noise_width=noise_width,
        seeds=_seeds(realisations, seed, len(state.magnet.sublattices)),
        electron_splitting=electron_splitting,
    )
    return pointwise(state, lambda point: _at_point(point, numerics))


@dataclass(frozen=True, slots=True)
class _Numerics:
    levels: int
    noise_width: float
    seeds: Any  # integers (realisations, sublattices)
    electron_splitting: bool


def _odd(name: str, value: Any) -> int:
    # the window must end before half the Heisenberg time
    least = 1 + int(np.ceil(WINDOW[1] / _LONGEST / finite_band.heisenberg_time(2, 1.0)))
    if value != int(_checks.number(name, value, least=least)) or value % 2 == 0:
        raise _checks.ParameterError(f"`{name}` must be an odd integer, got {value!r}")
    return int(value)


def _seeds(realisations: int, seed: Any, sublattices: int) -> Any:
    try:
        generator = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise _checks.ParameterError(
            f"`seed` must be an integer >= 0 or a numpy.random.Generator, got {seed!r}"
        ) from None
    return generator.integers(2**63, size=(realisations, sublattices))


def cost(levels: int, dimensions: Sequence[int], evolutions: float) -> tuple[float, float]:
    """Estimated memory [bytes] and time [s] of evolving every spin state in a band.

    Parameters
    ----------
    levels : int
    dimensions : sequence of int
        Of electron (x) moment, one per sublattice; they are evolved one after another.
    evolutions : float, no unit
        Of each sublattice.

    Returns
    -------
    tuple of float, bytes and s
        Memory, time.
    """
    squares = np.square(dimensions, dtype=float)
    memory = 16.0 * levels * (4.0 * levels + (5 * SAMPLES + 6) * squares.max(initial=0.0))
    work = 8.0 * float(levels) ** 2 * squares.sum() * _PRODUCTS
    return memory, evolutions * work / _FLOPS


def _affordable(levels: int, realisations: int, sample: Sample, points: int) -> None:
    """Refuse what would take too much memory or time."""
    dimensions = [2 * round(2 * moments.spin + 1) for moments in sample.magnet.sublattices]
    memory, seconds = cost(levels, dimensions, 2 * realisations * points)
    if memory > _MOST_BYTES or seconds > _MOST_SECONDS:
        raise SizeError(
            "`levels` must be smaller, or spins, points or `realisations` fewer, got "
            f"{levels} levels and {realisations:.4g} realisations, about {memory / 2**30:.3g} GiB "
            f"and {seconds:.3g} s (at most {_MOST_BYTES / 2**30:g} GiB and {_MOST_SECONDS:g} s)"
        )


@dataclass(frozen=True, slots=True)
class _Plateau:
    """Intercepts at t = 0, their standard error, and what the window showed; units of k_B T."""

    generator: Array
    error: Array
    drift: float
    spread: float
    second_order: float
    flatness: float


def _at_point(state: Equilibrium, numerics: _Numerics) -> ExchangePart:
    sample = state.sample
    precession = float(joint_space.first_order_tensor(sample, state)[0, 1])
    thermal = K_B * float(state.temperature)
    w = HBAR * precession / thermal if numerics.electron_splitting else 0.0
    spaces = joint_space.moment_spaces(sample, state, electron=w)
    plateaus = [
        _plateau(space, w, thermal, numerics, seeds)
        for space, seeds in zip(spaces, numerics.seeds.T, strict=False)
    ]
    unit = thermal / HBAR
    none = np.zeros((4, 4))
    tensor = -unit * sum((p.generator for p in plateaus), start=none)[1:, 1:]
    variance = sum((p.error**2 for p in plateaus), start=none)[1:, 1:]
    worst = {
        name: max((getattr(p, name) for p in plateaus), default=0.0)
        for name in ("spread", "drift", "second_order", "flatness")
    }
    return ExchangePart(
        dissipator=0.5 * (tensor + tensor.T),
        precession=precession,
        uncertainty=unit * np.sqrt(variance),
        diagnostics={
            "bath": "flat",
            **worst,
            "shift": 0.5 * (tensor[0, 1] - tensor[1, 0]),
            "heisenberg": WINDOW[1] / finite_band.heisenberg_time(numerics.levels, 1.0),
        },
    )


def golden_rule_band(
    space: MomentSpace,
    noise: float,
    noise_width: float,
    levels: int,
    generator: np.random.Generator,
) -> FiniteBand:
    """Electron, moment and a band whose golden-rule noise in mid-band is `noise`.

    Parameters
    ----------
    noise : float, k_B T
        G(0); `space.noise` hbar / k_B T for the sample's.
    noise_width : float, k_B T
    levels : int
    generator : numpy.random.Generator

    Returns
    -------
    FiniteBand
        Energies in k_B T.
    """
    orbitals = finite_band.orbital_levels(levels, noise_width)
    scattering = finite_band.random_scattering(orbitals, noise_width, noise, generator)
    return FiniteBand(
        energies=space.hamiltonian.diag().real,
        populations=space.moment.diag().real,
        couplings=space.coupling.full()[None],
        orbitals=orbitals,
        scattering=scattering[None],
    )


def _plateau(
    space: MomentSpace, w: float, thermal: float, numerics: _Numerics, seeds: Array
) -> _Plateau:
    noise_width, noise = numerics.noise_width / thermal, HBAR * space.noise / thermal
    times = np.linspace(*WINDOW, SAMPLES) / noise_width

    def band(seed: int) -> FiniteBand:
        phases = np.random.default_rng(seed)
        return golden_rule_band(space, noise, noise_width, numerics.levels, phases)

    first, *_ = seeds.tolist()
    second = finite_band.second_order_generator(band(first), times)
    flatness = float(-np.expm1(-0.5 * (space.splitting / noise_width) ** 2))
    _must_be_apart(float(np.abs(second[-1]).max() * times[-1]), flatness)
    free = finite_band.precession_generator(w)
    curves = np.stack([averaged_generator(band(seed), times) - free for seed in seeds.tolist()])
    return _read(times, curves, second, flatness)


def _must_be_apart(relaxed: float, flatness: float) -> None:
    """Refuse what cannot have a plateau, before the long computation."""
    if relaxed > _LONGEST:
        raise ExtractionError(
            f"no plateau: the spin relaxes by {relaxed:.2g} before memory and window are over, "
            f"allowed {_LONGEST:g}; the coupling is too strong for this `noise_width`, take a "
            "larger"
        )
    if flatness > _SPREAD:
        raise ExtractionError(
            f"the noise is not flat: down by {flatness:.2g} at the moment's frequency, allowed "
            f"{_SPREAD:g}; the band is too narrow, take a larger `noise_width`"
        )


def _read(times: Array, curves: Array, second: Array, flatness: float) -> _Plateau:
    """Extrapolate what changes along the window to t = 0.

    The moment, which nothing holds thermal, follows the electron: K drifts by a rate squared times
    t. A straight line takes that out, up to hbar rate / noise_width.
    """
    lines, residual = _straight_lines(times, curves)
    reference, _ = _straight_lines(times, second[None])
    mean = lines.mean(axis=0)
    scale = float(np.abs(mean[0]).max())
    spread = float(np.abs(residual.mean(axis=0)).max()) / scale
    if not spread <= _SPREAD:
        raise ExtractionError(
            f"no plateau: the generator departs from a straight line by {spread:.2g} of the largest"
            f" rate, allowed {_SPREAD:g}; take a larger `noise_width`, or more `realisations`"
        )
    return _Plateau(
        generator=mean[0],
        error=lines[:, 0].std(axis=0, ddof=1) / np.sqrt(len(lines)),
        drift=float(np.abs(mean[1]).max() * np.ptp(times)) / scale,
        spread=spread,
        second_order=float(np.abs(mean[0] - reference[0, 0]).max()) / scale,
        flatness=flatness,
    )


def averaged_generator(band: FiniteBand, times: Array) -> Array:
    """Exact K(t) with Phi averaged over both signs of the coupling: odd orders cancel.

    Parameters
    ----------
    times : array (count,), beta hbar
        Evenly spaced.

    Returns
    -------
    array (count, 4, 4), k_B T / hbar
        In the basis of `finite_band.dynamical_map`.
    """
    both = []
    for sign in (1.0, -1.0):
        one = band.scaled(sign)
        _, states = finite_band.evolve(one, times[0], times[-1], len(times))
        both.append(np.stack(finite_band.dynamical_map(one, states)))
    mapping, slope = np.mean(both, axis=0)
    return finite_band.time_local_generator(mapping, slope)


def _straight_lines(times: Array, curves: Array) -> tuple[Array, Array]:
    """Intercept and slope (m, 2, 4, 4) and residuals of curves (m, count, 4, 4)."""
    design = np.stack([np.ones_like(times), times], axis=1)
    lines = np.einsum("ct,mt...->mc...", np.linalg.pinv(design), curves)
    return lines, curves - np.einsum("tc,mc...->mt...", design, lines)
