"""TCL2 route: the electron spin alone, with the memory of the moments and of a finite band.

Numerical counterpart of Eqs. (9)-(16) before the Markov approximation. The moments and the
electron-hole continuum enter as one 3x3 matrix of correlation functions, cross-correlations
included, D_ab(t) = (J_a J_b / 4) <S_a(t) S_b> G(t); that is the joint space of electron and moment
projected onto the thermal moment. Inside, times are in units of beta hbar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj

from openmr import _checks
from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError
from openmr._qutip import exact_arithmetic
from openmr._words import Kernel
from openmr.bath.bath import Bath
from openmr.bath.correlators import moment_correlation
from openmr.bath.fermi_sea import KERNELS
from openmr.bath.transforms import Correlator
from openmr.master.markov import Generator
from openmr.master.open_system import OpenSystem
from openmr.master.panels import PanelMemory, panel_memory
from openmr.master.propagation import evolve
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates.record import ExchangePart, pointwise
from openmr.rates.routes import joint_space
from openmr.sample.film import Sample
from openmr.units import HBAR, K_B

SLIP_TIME = 10.0
"""Thermal times beta hbar after which the initial slip is read off: exp(-2 pi 10) is left."""

MEMORY_SEARCH = 1e3
"""Thermal times up to which the end of the memory is looked for."""

LARGEST_ERROR = 0.01
"""Part of the largest rate of the Markov limit; beyond it there is no rate to speak of."""

_TENSOR_FROM_TRANSFORM = 8.0
"""An error of the transforms Gamma_ab enters 1/tau_par = 4 Re(Gamma_xx + Gamma_yy) this often."""

_AXES = np.stack([axis.full() for axis in joint_space.PAULI])


def tcl2(
    state: Equilibrium,
    *,
    time: float = np.inf,
    half_width: float = 1.0,
    kernel: Kernel = "exponential",
    electron_splitting: bool = False,
    level_shift: bool = False,
    resolution: float | None = None,
    rtol: float = 1e-6,
    memory_time: bool = False,
) -> ExchangePart:
    """Exchange part of the relaxation tensor at one time after a product state, or its limit.

    Parameters
    ----------
    state : Equilibrium
    time : float, s
        Time since electron and moments were uncorrelated; ``inf`` (default) is the Markov limit.
    half_width : float, eV
        W, where the electron-hole continuum ends. The Markov limit deviates from the wide band by
        about eps_L / W ("exponential") or 4 ln 2 k_B T / W ("flat").
    kernel : str
        "exponential": noise spectrum cut by exp(-|w|/W), whose memory ends in a weak 1/t^2 tail;
        "flat": density of states exp(-|e|/W), whose memory ends in a weaker 1/t^4 tail.
    electron_splitting : bool
        Keep the electron's own spin splitting hbar omega_L among the Bohr frequencies.
    level_shift : bool
        Keep the level shift of the small space in ``dissipator`` (its antisymmetric part). It grows
        linearly with W, which the Fermi sea does not do, so it is left out by default.
    resolution : float or None, s
        None (default) keeps everything. A time drops what couples electron frequencies (0 and
        +-omega_L) further apart than 1 / `resolution`; ``inf`` is the full secular approximation.
        Acts with ``electron_splitting=True`` only.
    rtol : float, no unit
        Allowed error of the transforms, relative to the largest. With the "exponential" kernel and
        W below about 30 eps_L the tail takes a larger one, or the "flat" kernel.
    memory_time : bool
        Give the diagnostic of that name, which takes an eighth more time.

    Returns
    -------
    ExchangePart
        `uncertainty` is that of any rate, from quadrature and tail of the memory. Diagnostics per
        point: ``level_shift`` [rad/s], measured also where left out; ``slip``, (3, 3), the integral
        of Gamma(time) - Gamma(t) over the first ten thermal times, which is what the logarithm of
        the decay lies above exp(-Gamma t); ``memory_time`` [s], after which Gamma(t) stays within
        one per cent of the largest element of Gamma(time), known to 7 per cent; ``positivity``,
        smallest over largest eigenvalue of the Kossakowski matrix.

    Raises
    ------
    ParameterError
        For bad arguments.
    ConvergenceError
        If the memory is not resolved, or too long for `rtol`, or if the Markov limit's `error`
        exceeds a hundredth of its largest rate.
    """
    time = _checks.number("time", time, "s", least=0.0, infinite=True)
    options = _Options(half_width, kernel, electron_splitting, level_shift, resolution, rtol)
    joint_space.refuse_large(state.sample)
    return pointwise(state, lambda point: _at_point(point, time, options, memory_time=memory_time))


def dissipator_in_time(
    sample: Sample, temperature: float, field: float, times: ArrayLike, **options: Any
) -> Array:
    """Exchange part of the relaxation tensor at many times of one point, shape (t, 3, 3), 1/s.

    Parameters
    ----------
    sample : Sample
    temperature, field : float, K and T
    times : array_like (t,), s
        ``inf`` only alone, through `tcl2`.
    **options
        As of `tcl2`, except ``time`` and ``memory_time``.

    Returns
    -------
    array (t, 3, 3), 1/s
        In the local axes.
    """
    grid = _times(times)
    electron = _electron(_point(sample, temperature, field), _Options(**options))
    reduced = grid / electron.beta_hbar
    memory = electron.memory(float(reduced.max()))
    tensors = [electron.bloch(memory.at(time)) for time in reduced]
    return np.asarray(tensors) / electron.beta_hbar


def spin_in_time(
    sample: Sample,
    temperature: float,
    field: float,
    times: ArrayLike,
    *,
    start: ArrayLike = (0.0, 0.0, 1.0),
    solver: Mapping[str, Any] | None = None,
    **options: Any,
) -> Array:
    """<sigma>(t) of an electron that starts uncorrelated, shape (t, 3), precession included.

    rho(t) = (1 + <sigma> . sigma) / 2 follows K(t) by `openmr.master.evolve`.

    Other parameters as of `dissipator_in_time`.

    Parameters
    ----------
    times : array_like (t,), s
        Increasing from 0.
    start : array_like (3,), no unit
        <sigma> at the first time, of length <= 1.
    solver : mapping, optional
        Options of `openmr.master.evolve`.

    Returns
    -------
    array (t, 3), no unit
        <sigma_x>, <sigma_y>, <sigma_z> in the local axes.

    Raises
    ------
    ParameterError
        For times that do not increase from 0, or a start longer than 1.
    """
    grid = _times(times)
    spin = _checks.finite_array("start", start)
    if spin.shape != (3,) or np.linalg.norm(spin) > 1 + 1e-12:
        raise ParameterError(f"`start` must be three numbers of length <= 1, got {start!r}")
    electron = _electron(_point(sample, temperature, field), _Options(**options))
    reduced = grid / electron.beta_hbar
    rho = 0.5 * (qutip.qeye(2) + sum(s * p for s, p in zip(spin, joint_space.PAULI, strict=True)))
    memory = electron.memory(float(reduced[-1]))
    found = evolve(
        memory,
        rho,
        reduced,
        e_ops=joint_space.PAULI,
        extra=electron.precession,
        options=solver,
        check=False,
    )
    return np.stack(found.expect, axis=-1)


def electron_generator(
    sample: Sample, temperature: float, field: float, *, time: float = np.inf, **options: Any
) -> PanelMemory:
    """Second order of the electron spin for `openmr.master`, in units of beta hbar.

    Without the precession unless ``electron_splitting=True``.

    Other parameters as of `dissipator_in_time`.

    Parameters
    ----------
    time : float, s
        As of `tcl2`.

    Returns
    -------
    PanelMemory
        On the electron spin.

    Raises
    ------
    ParameterError
        For a value out of its range.
    """
    time = _checks.number("time", time, "s", least=0.0, infinite=True)
    electron = _electron(_point(sample, temperature, field), _Options(**options))
    return electron.memory(time / electron.beta_hbar)


# --- one point -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Options:
    half_width: float = 1.0  # eV
    kernel: Kernel = "exponential"
    electron_splitting: bool = False
    level_shift: bool = False
    resolution: float | None = None  # s
    rtol: float = 1e-6

    def __post_init__(self) -> None:
        _checks.number("half_width", self.half_width, "eV", above=0.0)
        _checks.choice("kernel", self.kernel, KERNELS)
        joint_space.in_thermal_times(self.resolution, 1.0)
        _checks.number("rtol", self.rtol, above=0.0, most=1.0)


@dataclass(frozen=True, slots=True)
class _Electron:
    """The electron spin at one point and what it is coupled to, in units of beta hbar."""

    beta_hbar: float  # s
    omega: float  # rad/s, of first order
    hamiltonian: Qobj
    precession: Qobj  # what the Hamiltonian of the dissipator leaves out of it
    correlator: Correlator
    options: _Options

    def memory(self, time: float) -> PanelMemory:
        return self._memory(self.correlator, time, self.options.rtol)

    def _memory(self, correlator: Correlator, time: float, rtol: float) -> PanelMemory:
        pair = (list(joint_space.PAULI), Bath(correlation=correlator))
        resolution = self.options.resolution
        return panel_memory(
            OpenSystem(self.hamiltonian, [pair]),
            time,
            level_shift=self.options.level_shift,
            resolution=None if resolution is None else resolution / self.beta_hbar,
            rtol=rtol,
        )

    def bloch(self, generator: Generator) -> Array:
        """`joint_space.bloch_tensor`, without the superoperator: many times are asked for."""
        moved = sum(part.apply(_AXES) for part in generator.pieces)
        return np.asarray(-0.5 * np.einsum("aij,bji->ab", _AXES, moved).real)

    def slip(self, memory: PanelMemory) -> Array:
        """Integral of Gamma(time) - Gamma(t) over the first `SLIP_TIME`, by parts."""
        end = min(SLIP_TIME, memory.time)
        rest = self.bloch(memory.last) - self.bloch(memory.at(end))

        def moment(time: Array) -> ComplexArray:
            return np.asarray(np.asarray(time)[..., None, None] * self.correlator(time))

        return np.asarray(end * rest + self.bloch(self._memory(moment, end, 1.0).last))

    def memory_time(self, memory: PanelMemory) -> float:
        """Last time at which Gamma(t) is a hundredth of its largest element from Gamma(time)."""
        last = self.bloch(memory.last)
        end = min(memory.memory, MEMORY_SEARCH)
        if end == 0.0:
            return 0.0
        allowed = 0.01 * np.abs(last).max()
        for time in np.geomspace(end, min(1e-3, 1e-3 * end), 200):
            if np.abs(self.bloch(memory.at(time)) - last).max() > allowed:
                return float(time)
        return 0.0


def _electron(state: Equilibrium, options: _Options) -> _Electron:
    beta_hbar = HBAR / (K_B * float(state.temperature))
    omega = float(joint_space.first_order_tensor(state.sample, state)[0, 1])
    with exact_arithmetic():
        precession = 0.5 * beta_hbar * omega * joint_space.PAULI[2]
        own = precession if options.electron_splitting else 0 * precession
        return _Electron(
            beta_hbar=beta_hbar,
            omega=omega,
            hamiltonian=own,
            precession=qutip.liouvillian(precession - own),
            correlator=_correlator(state, options),
            options=options,
        )


def _correlator(state: Equilibrium, options: _Options) -> Correlator:
    """D_ab(t) of sigma_a sigma_b over all sublattices, in units of 1 / (beta hbar)^2."""
    magnet = state.magnet
    thermal = K_B * float(state.temperature)
    # 2 pi n_S nu_F J_a J_b / hbar is G(0) [1/s]; times beta hbar it is a number
    strength = 0.5 * np.pi * state.sample.electrons.dos / thermal
    moments = [
        (m.spin, float(x), strength * m.density * np.outer(m.exchange, m.exchange))
        for m, x in zip(magnet.sublattices, state.reduced_splitting, strict=True)
    ]
    connected = magnet.disorder == "lattice"

    def correlator(time: Array) -> ComplexArray:
        flat = np.ravel(time)
        noise = KERNELS[options.kernel](flat, options.half_width / thermal)[:, None, None]
        total = np.zeros((len(flat), 3, 3), dtype=complex)
        for spin, x, coupling in moments:
            total += coupling * moment_correlation(spin, x, flat, connected=connected)
        return np.reshape(total * noise, (*np.shape(time), 3, 3))

    return correlator


def _at_point(
    state: Equilibrium, time: float, options: _Options, *, memory_time: bool
) -> ExchangePart:
    electron = _electron(state, options)
    try:
        memory = electron.memory(time / electron.beta_hbar)
    except ConvergenceError as error:
        raise ConvergenceError(f"{error}; times are in hbar/k_B T") from None
    dissipator, shift = memory.last.dissipator, memory.shift
    tensor = joint_space.bloch_tensor(dissipator)
    uncertain = _TENSOR_FROM_TRANSFORM * memory.uncertainty
    if time == np.inf and uncertain > LARGEST_ERROR * np.abs(tensor).max():
        raise ConvergenceError(
            f"rates uncertain by {uncertain / electron.beta_hbar:.2g} 1/s, the largest "
            f"{np.abs(tensor).max() / electron.beta_hbar:.2g} 1/s: frozen moments leave them far "
            "below the transforms they are got from; take a smaller `rtol` or another method"
        )
    lowest, highest = joint_space.kossakowski(dissipator)
    diagnostics = {
        "level_shift": float((shift * joint_space.PAULI[2]).tr().real) / electron.beta_hbar,
        "positivity": lowest / max(highest, 1e-300),
        "slip": electron.slip(memory),
    }
    if memory_time:
        diagnostics["memory_time"] = electron.memory_time(memory) * electron.beta_hbar
    return ExchangePart(
        dissipator=tensor / electron.beta_hbar,
        precession=electron.omega,
        uncertainty=np.full((3, 3), uncertain / electron.beta_hbar),
        diagnostics=diagnostics,
    )


def _point(sample: Sample, temperature: float, field: float) -> Equilibrium:
    return equilibrium(
        sample, _checks.number("temperature", temperature, "K"), _checks.number("field", field, "T")
    )


def _times(times: ArrayLike) -> Array:
    grid = _checks.finite_array("times", times, "s")
    if grid.ndim != 1 or not len(grid) or grid.min() < 0:
        raise ParameterError(f"`times` must be a list of numbers >= 0 s, got {times!r}")
    return grid
