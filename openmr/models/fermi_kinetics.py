"""The energy-resolved kinetic equation of the electrons, Eqs. (21)-(34), with Pauli blocking.

At every orbital energy xi stands a 2x2 spin density matrix. Its spin levels lie at xi +- w/2, so
with f_up, f_down as functions of the *total* energy and c of the orbital energy,

    rho(xi) = [[f_up(xi + w/2), c(xi)], [c(xi)*, f_down(xi - w/2)]].

Off-diagonal elements between different orbitals are left out, Eq. (24); those between the spins
are kept. Densities of states that differ enter as a matrix nu = diag(nu_up, nu_down) beside rho;
across the field their mean counts. (That bands of different density are not parallel, so that the
splitting depends on the energy, is left out.)

Energies count from the chemical potential in units of k_B T, hbar = 1; rates are in 1/s. A state is
the deviation from the Fermi-Dirac state on a uniform periodic grid: a real array (..., 4, N) of
f_up, f_down, <sigma_x>, <sigma_y>. Fermi functions are analytic for |Im e| < pi and deviations die
off exponentially, so sums over the grid and Fourier interpolation err by exp(-pi^2 / spacing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from openmr._checks import Array, ComplexArray, SizeError, old_name, renamed
from openmr.bath.correlators import PAULI, CorrelatorLines
from openmr.bath.fermi_sea import principal_values
from openmr.models.scattering import integrate
from openmr.tables import Alike

UP, DOWN = 0, 1
_MOST_ENERGIES = 10**7
_SIGN = (1.0, -1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Scatterer(Alike):
    """Moments of one sublattice as the electrons see them.

    Attributes
    ----------
    rate : float, 1/s
        2 pi n_S nu_F J_max^2 / hbar.
    exchange : array (3,), no unit
        J_v / J_max.
    lines : CorrelatorLines
        Correlators of the moment; their frequencies are the energies that a flip takes.
    """

    rate: float
    exchange: Array
    lines: CorrelatorLines


@dataclass(frozen=True, slots=True, eq=False)
class Sea(Alike):
    """Electrons on a grid of energies, and what scatters them.

    Attributes
    ----------
    energies : array (N,), N odd
        Uniform and symmetric about 0 [k_B T].
    electron_splitting : float, no unit
        w = beta hbar omega_L, signed.
    dos : (float, float), no unit
        Densities of states of up and down over their mean.
    scatterers : tuple of Scatterer
    precession : float, rad/s
        omega_L; enters the evolution alone.
    mixing : float, 1/s
        1/tau_ee: relaxation towards the local Fermi-Dirac state of the same charge and spin.
    """

    energies: Array
    electron_splitting: float
    dos: tuple[float, float]
    scatterers: tuple[Scatterer, ...]
    precession: float = 0.0
    mixing: float = 0.0

    splitting = old_name("splitting", "electron_splitting")

    @property
    def spacing(self) -> float:
        """Distance of neighbouring energies [k_B T]."""
        return float(self.energies[1] - self.energies[0])


Sea.__init__ = renamed(splitting="electron_splitting")(Sea.__init__)  # type: ignore[method-assign]


def energy_grid(flip_energies: Sequence[float], spacing: float, reach: float) -> Array:
    """Symmetric uniform grid; whole steps make up the largest flip energy, if it is not tiny.

    Parameters
    ----------
    flip_energies : sequence of float
        beta eps_L of the moments.
    spacing : float
        Largest spacing [k_B T].
    reach : float
        How far the grid goes beyond the largest flip energy [k_B T].

    Returns
    -------
    array (N,), k_B T
        Uniform, symmetric about 0, N odd.

    Raises
    ------
    SizeError
        For more than 2e7 points.
    """
    largest = max((abs(x) for x in flip_energies), default=0.0)
    if largest > 0.5 * spacing:  # an even number: the middle of a flip is on the grid
        spacing = largest / (2 * np.ceil(0.5 * largest / spacing))
    elif largest > spacing / 6:
        spacing = largest
    count = np.ceil((reach + largest) / spacing)
    if count > _MOST_ENERGIES:
        raise SizeError(
            f"`flip_energies` must leave an energy grid of at most {2 * _MOST_ENERGIES:g} points, "
            f"got {2 * count:.3g}: the moments' splitting is {largest:.3g} k_B T"
        )
    return np.asarray(spacing * np.arange(-count, count + 1))


# --- states ----------------------------------------------------------------------------------


def local_equilibrium(sea: Sea, charge: float, spin: Sequence[float]) -> Array:
    """Fermi-Dirac state f(H - mu_0 - mu.sigma), Eq. (51), as a deviation (4, N).

    Parameters
    ----------
    charge : float
        mu_0 [k_B T].
    spin : sequence of float (3,)
        mu [k_B T]. For mu along the field the two spins have the potentials mu_0 +- |mu| of
        Eq. (51); for other axes this is the state that a slow rotation of the spins leaves.

    Returns
    -------
    array (4, N), no unit
        Charge and spin x, y, z at every energy.
    """
    vector = np.array([0.0, 0.0, 0.5 * sea.electron_splitting]) - np.asarray(spin, dtype=float)
    length = float(np.linalg.norm(vector))
    direction = vector / length if length else np.zeros(3)

    def occupation(orbital: Array) -> tuple[Array, Array]:
        above, below = (expit(charge - orbital - sign * length) for sign in _SIGN)
        return 0.5 * (above + below), (above - below) * direction[:, None]

    e, half = sea.energies, 0.5 * sea.electron_splitting
    (mean_up, spin_up), (mean_down, spin_down) = occupation(e - half), occupation(e + half)
    across = occupation(e)[1]
    return np.stack(
        [
            mean_up + 0.5 * spin_up[2] - expit(-e),
            mean_down - 0.5 * spin_down[2] - expit(-e),
            across[0],
            across[1],
        ]
    )


def responses(sea: Sea) -> Array:
    """Derivatives of `local_equilibrium` by mu_0, mu_x, mu_y, mu_z, Eq. (52), shape (4, 4, N).

    Returns
    -------
    array (4, 4, N), no unit
        First axis: the potential.
    """
    e, w = sea.energies, abs(sea.electron_splitting)
    along = expit(e) * expit(-e)
    # [f(xi - w/2) - f(xi + w/2)] / w without cancellation
    across = expit(0.5 * w - e) * expit(0.5 * w + e) * (-np.expm1(-w) / w if w else 1.0)
    zero = np.zeros_like(e)
    return np.array(
        [
            [along, along, zero, zero],
            [zero, zero, 2 * across, zero],
            [zero, zero, zero, 2 * across],
            [along, -along, zero, zero],
        ]
    )


def densities(sea: Sea, state: Array) -> Array:
    """Charge and spin x, y, z over nu_F k_B T, Eqs. (43), (53), (56), (57), shape (..., 4).

    Parameters
    ----------
    state : array (..., 4, N), no unit
        Deviation from the thermal state.

    Returns
    -------
    array (..., 4), no unit
        Charge, spin x, y, z.
    """
    up, down, x, y = np.moveaxis(state.sum(axis=-1) * sea.spacing, -1, 0)
    up, down = sea.dos[UP] * up, sea.dos[DOWN] * down
    return np.stack([up + down, x, y, up - down], axis=-1)


def _shifted(sea: Sea, values: Array, offset: float) -> Array:
    """Values at the grid points plus an offset: whole steps exactly, the rest by Fourier."""
    if not values.any():  # common in the sectors of the linearised operator
        return values
    count = values.shape[-1]
    steps = round(offset / sea.spacing)
    rest = offset - steps * sea.spacing
    moved = np.zeros_like(values)  # nothing comes in from beyond the grid
    if 0 <= steps < count:
        moved[..., : count - steps] = values[..., steps:]
    elif -count < steps < 0:
        moved[..., -steps:] = values[..., : count + steps]
    if abs(rest) <= 1e-12 * (sea.spacing + abs(offset)):
        return moved
    wave = 2j * np.pi * np.fft.rfftfreq(count, sea.spacing)
    return np.fft.irfft(np.fft.rfft(moved) * np.exp(wave * rest), count)


_Matrices = Callable[[float], ComplexArray]
"""offset -> 2x2 matrices at the orbital energies grid + offset, shape (2, 2, ..., N)."""


def _fermi_dirac(sea: Sea, sign: float, axes: int) -> _Matrices:
    """Equilibrium density matrix (sign +1) or its holes (sign -1), beside states of `axes` axes."""

    def at(offset: float) -> ComplexArray:
        total = np.zeros((2, 2, len(sea.energies)), dtype=complex)
        for level in (UP, DOWN):
            energy = sea.energies + offset + 0.5 * _SIGN[level] * sea.electron_splitting
            total[level, level] = expit(-sign * energy)
        return total.reshape(2, 2, *[1] * (axes - 2), -1)

    return cache(at)


def _deviation(sea: Sea, state: Array) -> _Matrices:
    """A state as matrices."""

    def at(offset: float) -> ComplexArray:
        x, y = (_shifted(sea, state[..., i, :], offset) for i in (2, 3))
        total = np.empty((2, 2, *x.shape), dtype=complex)
        total[UP, DOWN], total[DOWN, UP] = 0.5 * (x - 1j * y), 0.5 * (x + 1j * y)
        for level in (UP, DOWN):
            to_total = offset + 0.5 * _SIGN[level] * sea.electron_splitting
            total[level, level] = _shifted(sea, state[..., level, :], to_total)
        return total

    return cache(at)


# --- scattering ------------------------------------------------------------------------------


class Process(NamedTuple):
    """One matrix element of Eq. (21): an electron goes from spin `before` to spin `after`.

    It gives the moment an `energy`; `amplitude` (2, 2) is
    sum_ab J_a J_b D_ab <after|sigma_b|before> sigma_a.

    Attributes
    ----------
    after : int
        0 for up, 1 for down.
    before : int
        0 for up, 1 for down.
    energy : float, k_B T
    amplitude : complex array (2, 2), no unit
    """

    after: int
    before: int
    energy: float
    amplitude: ComplexArray


def processes(scatterer: Scatterer) -> Iterator[Process]:
    """Scattering processes of the moments of one kind.

    Yields
    ------
    Process
        For each pair of spins and each line of the correlators.
    """
    j = scatterer.exchange
    for energy, weight in zip(*scatterer.lines, strict=True):
        amplitudes = np.einsum("a,b,ab,bij,akl->ijkl", j, j, weight, PAULI, PAULI)
        for after, before in np.ndindex(2, 2):
            if np.any(amplitudes[after, before]):
                yield Process(after, before, float(energy), amplitudes[after, before])


def _scattering(sea: Sea, holes: _Matrices, electrons: _Matrices) -> Array:
    """Gain less loss, Eqs. (21), (25), linear in the holes and in the electrons [1/s]."""
    shape = np.broadcast_shapes(holes(0.0).shape, electrons(0.0).shape)
    kinds = [(scatterer.rate / 8, list(processes(scatterer))) for scatterer in sea.scatterers]

    def at(offset: float) -> ComplexArray:
        empty, filled = holes(offset), electrons(offset)
        total = np.zeros(shape, dtype=complex)
        for rate, of_this_kind in kinds:
            for after, before, energy, amplitude in of_this_kind:
                gap = energy + 0.5 * (_SIGN[after] - _SIGN[before]) * sea.electron_splitting
                source, target = electrons(offset + gap), holes(offset - gap)
                # the density of states of the column of the one and of the row of the other:
                # with the trace of the densities this conserves charge for any state
                for i, j in np.argwhere(amplitude):
                    element = rate * amplitude[i, j]
                    total[:, j] += element * sea.dos[i] * empty[:, after] * source[before, i]
                    total[i] -= element * sea.dos[j] * target[j, after] * filled[before]
        return total + np.conj(np.swapaxes(total, 0, 1))

    half = 0.5 * sea.electron_splitting
    coherence = at(0.0)[UP, DOWN]
    up, down = at(-half)[UP, UP].real, at(half)[DOWN, DOWN].real
    return np.stack([up, down, 2 * coherence.real, -2 * coherence.imag], axis=-2)


def collision(sea: Sea, state: Array) -> Array:
    """Change of the state by scattering with Pauli blocking, Eqs. (21), (25), (34) [1/s].

    Parameters
    ----------
    state : array (..., 4, N), no unit

    Returns
    -------
    array (..., 4, N), 1/s
        Rate of change of `state`.
    """
    change = _deviation(sea, state)
    still, blocked = (_fermi_dirac(sea, sign, state.ndim) for sign in (1.0, -1.0))
    filled = cache(lambda offset: still(offset) + change(offset))
    empty = cache(lambda offset: blocked(offset) - change(offset))
    return _scattering(sea, empty, filled)


def linear_collision(sea: Sea, state: Array) -> Array:
    """`collision` to first order in the state [1/s].

    Parameters and returns as of `collision`.
    """
    change = _deviation(sea, state)
    still, blocked = (_fermi_dirac(sea, sign, state.ndim) for sign in (1.0, -1.0))
    lost = cache(lambda offset: -change(offset))
    return _scattering(sea, blocked, change) + _scattering(sea, lost, still)


def energy_relaxation(sea: Sea, state: Array) -> Array:
    """-(state - local Fermi-Dirac state of the same charge and spin) / tau_ee [1/s].

    That state is taken to first order in its potentials, Eq. (51): for mu well below k_B T. At
    2 k_B T and fast mixing occupations leave the range from 0 to 1.

    Parameters and returns as of `collision`.
    """
    if sea.mixing == 0.0:
        return np.zeros_like(state)
    ansatz = responses(sea)
    potentials = densities(sea, state) @ np.linalg.inv(densities(sea, ansatz))
    return sea.mixing * (np.tensordot(potentials, ansatz, axes=(-1, 0)) - state)


def initial_slope(sea: Sea) -> Array:
    """K of dN_a/dt = -K_ab N_b for the ansatz (51), Eqs. (55)-(62) [1/s].

    Returns
    -------
    array (4, 4), 1/s
        Order: charge, spin x, y, z. The first row is zero, Eq. (58); ``K[1:, 1:]`` relaxes the
        spin, ``K[3, 0]`` is 1/T_0.
    """
    ansatz = responses(sea)
    change = densities(sea, linear_collision(sea, ansatz))
    return np.asarray(-np.linalg.solve(densities(sea, ansatz), change).T)


# --- the linearised operator -----------------------------------------------------------------


class SpinSpectrum(NamedTuple):
    """Decay of a spin from the ansatz (51): N(t)/N(0) = sum of weights exp(-rates t).

    `rates` (M,) in 1/s by ascending real part; `weights` (M,) with sum 1. Both are complex across
    the field, where the imaginary part of a rate is a precession.

    Attributes
    ----------
    rates : array (M,), 1/s
    weights : array (M,), no unit
    """

    rates: NDArray[Any]
    weights: NDArray[Any]


def _linear_operator(sea: Sea, components: slice) -> Array:
    """-d(state)/dt over two components of the state as a matrix (2N, 2N) [1/s]."""
    count = len(sea.energies)
    columns = []
    for unit in np.array_split(np.eye(2 * count), 1 + count // 32):  # bounds the memory
        state = np.zeros((len(unit), 4, count))
        state[:, components] = unit.reshape(-1, 2, count)
        change = linear_collision(sea, state) + energy_relaxation(sea, state)
        columns.append(-change[:, components].reshape(-1, 2 * count))
    return np.concatenate(columns).T


def pure_spin(sea: Sea, component: int) -> Array:
    """Ansatz (51) with one spin density 1 and no charge, (4, N).

    Parameters
    ----------
    component : int
        1, 2, 3 for x, y, z.

    Returns
    -------
    array (4, N), no unit
        As `local_equilibrium` gives it, to first order.
    """
    ansatz = responses(sea)
    potentials = np.linalg.inv(densities(sea, ansatz))[component]
    return np.asarray(np.tensordot(potentials, ansatz, axes=1))


def longitudinal_spectrum(sea: Sea) -> SpinSpectrum:
    """Decay of the spin along the field by the modes of the linearised operator.

    The operator is self-adjoint under the weight nu/(f (1 - f)): detailed balance, Eq. (49). Flip
    energies must be whole numbers of steps of the grid.

    Returns
    -------
    SpinSpectrum
        With N modes.
    """
    operator = _linear_operator(sea, slice(0, 2))
    dos = np.repeat(sea.dos, len(sea.energies))
    fluctuation = np.tile(expit(sea.energies) * expit(-sea.energies), 2)
    root = np.sqrt(dos / fluctuation)
    symmetric = root[:, None] * operator / root
    rates, modes = np.linalg.eigh(0.5 * (symmetric + symmetric.T))
    start = root * pure_spin(sea, 3)[:2].ravel()
    probe = sea.spacing * dos * np.repeat(_SIGN, len(sea.energies)) / root
    return SpinSpectrum(rates, (probe @ modes) * (start @ modes))


def _transverse_operator(sea: Sea) -> Array:
    turning = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(len(sea.energies)))
    return np.asarray(_linear_operator(sea, slice(2, 4)) + sea.precession * turning)


def transverse_rates(sea: Sea) -> Array:
    """Decay rates of all modes across the field, (2N,) [1/s].

    Returns
    -------
    complex array (2N,), 1/s
        The imaginary part is a precession.
    """
    return np.asarray(np.linalg.eigvals(_transverse_operator(sea)).real)


def transverse_spectrum(sea: Sea) -> SpinSpectrum:
    """Decay and precession of a spin that starts along x, by the modes of the operator.

    Returns
    -------
    SpinSpectrum
        With 2N modes.
    """
    rates, modes = np.linalg.eig(_transverse_operator(sea))
    start = np.linalg.solve(modes, pure_spin(sea, 1)[2:].ravel() + 0j)
    weights = sea.spacing * modes[: len(sea.energies)].sum(axis=0) * start
    order = np.argsort(rates.real)
    return SpinSpectrum(rates[order], weights[order])


def evolve(
    sea: Sea, state: Array, times: Array, *, rtol: float = 1e-9, linear: bool = False
) -> Array:
    """Follow a state in time, with precession, scattering and energy relaxation.

    Parameters
    ----------
    state : array (4, N), no unit
    times : array (n,), s
        Ascending; the first is when `state` is given.
    rtol : float, no unit
        Relative tolerance of SciPy's DOP853, with 1e-3 of it as the absolute one.
    linear : bool
        Leave out the terms of second order in the state.

    Returns
    -------
    array (n, 4, N), no unit
        The state at each time.

    Raises
    ------
    ConvergenceError
        If the integrator stops.
    """
    scattering = linear_collision if linear else collision

    def change(now: Array) -> Array:
        total = scattering(sea, now) + energy_relaxation(sea, now)
        total[2] -= sea.precession * now[3]
        total[3] += sea.precession * now[2]
        return np.asarray(total)

    return np.stack(integrate(change, state, times, rtol))


# --- second-order shift of the precession ----------------------------------------------------


@renamed(bandwidth="half_width")
def level_shift(sea: Sea, half_width: float) -> Array:
    """Transverse part of `initial_slope` from the principal values of Eqs. (26), (27) [rad/s].

    Parameters
    ----------
    half_width : float, k_B T
        W of a flat band about the chemical potential.

    Returns
    -------
    array (2, 2), rad/s
        Antisymmetric for axial coupling: [0, 1] adds to omega_L. For Jx != Jy at finite splitting
        a traceless symmetric part remains, which precession averages out. Errs by (k_B T/W)^2.
    """
    e, half = sea.energies, 0.5 * sea.electron_splitting

    profile = responses(sea)[1, 2]
    profile = profile / profile.sum()
    dos = np.diag(sea.dos)
    total = np.zeros((2, 2))
    for scatterer in sea.scatterers:
        for process in processes(scatterer):
            after, before, energy, back = process
            gap = energy + 0.5 * (_SIGN[after] - _SIGN[before]) * sea.electron_splitting
            hop = np.outer(np.eye(2)[after], np.eye(2)[before])
            sources, targets = (
                principal_values(orbital + _SIGN[spin] * half, orbital, half_width)
                for orbital, spin in ((e + gap, before), (e - gap, after))
            )
            arriving, leaving = profile @ sources[0], profile @ targets[1]
            for a, b in np.ndindex(2, 2):
                probe, spin = PAULI[a], PAULI[b]
                traces = (
                    -sea.dos[before] * arriving * np.trace(probe @ spin @ hop @ back)
                    - leaving * np.trace(probe @ hop @ spin @ dos @ back)
                    + sea.dos[after] * leaving * np.trace(probe @ back @ hop @ spin)
                    + arriving * np.trace(probe @ back @ dos @ spin @ hop)
                )
                total[a, b] -= scatterer.rate / 8 * (1j / np.pi * traces).real
    return total
