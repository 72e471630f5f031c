"""The joint space electron spin (x) moment of a film, one for each coupled sublattice.

Takes a sample and its equilibrium; gives what the general engines take. `openmr.hilbert` is this
file, with the operators and projections of `openmr.master.joint_space`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import qutip
from qutip import Qobj

from openmr import _checks
from openmr._checks import Array
from openmr._qutip import MAX_DIMENSION, exact_arithmetic
from openmr.bath.bath import Bath
from openmr.master.joint_space import (
    PAULI,
    bloch_tensor,
    coupled,
    coupling,
    embed,
    hamiltonian,
    kossakowski,
    project,
    spin_operators,
    thermal_electron,
    thermal_moments,
    trace_change,
)
from openmr.master.markov import Generator, generator
from openmr.master.open_system import OpenSystem
from openmr.moments.equilibrium import Equilibrium
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.axes import local_coupling
from openmr.sample.film import Sample
from openmr.units import HBAR, K_B, MU_B

__all__ = [
    "MAX_DIMENSION",
    "PAULI",
    "MomentSpace",
    "bloch_tensor",
    "coupling",
    "embed",
    "first_order_tensor",
    "hamiltonian",
    "kossakowski",
    "moment_spaces",
    "project",
    "refuse_large",
    "reset",
    "spin_operators",
    "thermal_electron",
    "thermal_moments",
    "trace_change",
]


def refuse_large(sample: Sample) -> None:
    """Raise `SizeError` if the joint space of a sublattice is larger than `MAX_DIMENSION`.

    Raises
    ------
    SizeError
        Naming the spin.
    """
    for moments in sample.magnet.sublattices:
        _checks.joint_dimension("spin", [moments.spin], most=MAX_DIMENSION)


@dataclass(frozen=True, slots=True)
class JointSpace:
    """Electron (x) one moment of a sublattice, with the noise that its coupling sees.

    Attributes
    ----------
    hamiltonian, coupling, moment : Qobj
        H [k_B T]; A in units of the largest coupling J_max; thermal state rho_m.
    noise : float, 1/s
        G(0) J_max^2 = 2 pi n_S nu_F J_max^2 / hbar.
    """

    hamiltonian: Qobj
    coupling: Qobj
    moment: Qobj
    noise: float

    def generator(self, resolution: float | None = None) -> Generator:
        """Markovian generator without level shift, in units of k_B T and of `noise`.

        Parameters
        ----------
        resolution : float, beta hbar, optional
            Time that tells Bohr frequencies apart; None keeps every term.

        Returns
        -------
        Generator
            Of the engine.
        """
        system = OpenSystem(self.hamiltonian, [(self.coupling, Bath.electron_hole(1.0, 1.0))])
        method: Literal["redfield", "grouped"] = "redfield" if resolution is None else "grouped"
        return generator(system, method, level_shift=False, resolution=resolution)


@dataclass(frozen=True, slots=True)
class MomentSpace(JointSpace):
    """The same of a moment with evenly spaced levels along the field.

    Attributes
    ----------
    spin, splitting : float, no unit
        S and x = beta eps_L.
    """

    spin: float
    splitting: float


def in_thermal_times(resolution: float | None, temperature: float) -> float | None:
    """`resolution` in units of beta hbar.

    Parameters
    ----------
    resolution : float or None, s
        None keeps every term.
    temperature : float, K

    Returns
    -------
    float or None, beta hbar
        The same time.

    Raises
    ------
    ParameterError
        For a time that is not positive.
    """
    if resolution is None:
        return None
    time = _checks.number("resolution", resolution, "s", above=0.0, infinite=True)
    return time * K_B * temperature / HBAR


def moment_spaces(
    sample: Sample, state: Equilibrium, *, electron: float = 0.0
) -> list[MomentSpace]:
    """One electron (x) moment space per coupled sublattice.

    Parameters
    ----------
    state : Equilibrium
        At one point.
    electron : float, no unit
        beta hbar omega_L kept in the dissipator.

    Returns
    -------
    list of MomentSpace
        Sublattices without exchange with the electrons are left out.
    """
    magnet = sample.magnet
    spaces = []
    for i, moments in enumerate(magnet.sublattices):
        strength = float(np.abs(moments.exchange).max())
        if strength == 0.0:
            continue
        x = float(state.reduced_splitting[i])
        mean = float(state.mean_spin[i]) if magnet.disorder == "lattice" else 0.0
        with exact_arithmetic():
            space = MomentSpace(
                spin=moments.spin,
                splitting=x,
                hamiltonian=hamiltonian([moments.spin], [x], electron),
                coupling=coupling(
                    [moments.spin], 0, np.array(moments.exchange) / strength, mean=mean
                ),
                moment=thermal_moments([moments.spin], [x]),
                noise=2 * np.pi * moments.density * sample.electrons.dos * strength**2 / HBAR,
            )
        spaces.append(space)
    return spaces


def level_spaces(sample: Sample, state: VectorEquilibrium, *, electron: Array) -> list[JointSpace]:
    """The same of moments with levels of their own, in the basis of the crystal's S_z.

    Parameters
    ----------
    state : VectorEquilibrium
        At one point.
    electron : array (3,), no unit
        beta hbar times the electron's precession kept in the dissipator, in local axes.

    Returns
    -------
    list of JointSpace
        Sublattices without exchange with the electrons are left out.
    """
    spaces = []
    for i, moments in enumerate(sample.magnet.sublattices):
        exchange = local_coupling(state, i)
        strength = float(np.abs(exchange).max())
        if strength == 0.0:
            continue
        spins, own, rho, _ = _moment(state, i)
        if sample.magnet.disorder == "lattice":
            spins = [s - qutip.expect(s, rho) for s in spins]
        identity = qutip.qeye(own.shape[0])
        with exact_arithmetic():
            joint = embed(qutip.qeye(2), [own])
            for sigma, w in zip(PAULI, electron, strict=True):
                joint = joint + 0.5 * float(w) * embed(sigma, [identity])
            space = JointSpace(
                hamiltonian=joint,
                coupling=coupled([[s] for s in spins], exchange / strength),
                moment=rho,
                noise=2 * np.pi * moments.density * sample.electrons.dos * strength**2 / HBAR,
            )
        spaces.append(space)
    return spaces


def _moment(state: VectorEquilibrium, sublattice: int) -> tuple[list[Qobj], Qobj, Qobj, Qobj]:
    """S, H [k_B T], the Gibbs state of a moment in its crystal's axes, and what is uneven of it."""
    moments = state.magnet.sublattices[sublattice]
    spins = list(spin_operators(moments.spin))
    drive = moments.crystal_axes @ state.drive[sublattice]
    own = moments.crystal_hamiltonian + sum(h * s.full() for h, s in zip(drive, spins, strict=True))
    own = own / (K_B * float(state.temperature))
    energies, states = np.linalg.eigh(own)
    exponents = energies[0] - energies
    weights = np.exp(exponents)
    gibbs, uneven = (
        Qobj((states * some) @ states.conj().T)
        for some in (weights / weights.sum(), _uneven_weights(exponents))
    )
    return spins, Qobj(own), gibbs, uneven


def _uneven_weights(exponents: Array) -> Array:
    """Boltzmann weights less their mean, which no spin has a share in, with digits of their own.

    Of exponents whose largest is zero.
    """
    less = np.expm1(exponents)
    return np.asarray((less - less.mean()) / (len(less) + less.sum()))


def first_order_tensor(sample: Sample, state: Equilibrium | VectorEquilibrium) -> Array:
    """First-order projected generator, Eqs. (10), (14), as a Bloch tensor (3, 3) [1/s].

    The electron's own Zeeman term and the moments' mean field, from -i[H_e + A, .] projected
    onto the thermal moments; antisymmetric, with omega_L, Eq. (78), at [0, 1]. A coupling matrix
    with J_xz or J_yz has elements at [1, 2] and [2, 0] too: `rates.precession_tensor`.

    Parameters as of `moment_spaces`.

    Returns
    -------
    array (3, 3), 1/s
        Antisymmetric.
    """
    zeeman = sample.electrons.g * MU_B * float(state.field) / HBAR
    with exact_arithmetic():
        total = bloch_tensor(qutip.liouvillian(0.5 * zeeman * PAULI[2]))
        for i, moments in enumerate(sample.magnet.sublattices):
            if isinstance(state, VectorEquilibrium):
                spins, _, _, uneven = _moment(state, i)
                exchange = moments.density * local_coupling(state, i) / HBAR
                operator = coupled([[s] for s in spins], exchange)
            else:
                operator = coupling([moments.spin], 0, np.array(moments.exchange_energy) / HBAR)
                x = float(state.reduced_splitting[i])
                m = spin_operators(moments.spin)[2].diag().real
                uneven = qutip.qdiags(_uneven_weights(-(abs(x) * moments.spin + x * m)), 0)
            total = total + bloch_tensor(project(qutip.liouvillian(operator), uneven))
    return total


def reset(moments: Qobj, rate: float) -> Qobj:
    """Superoperator rate (Tr_m[rho] (x) rho_m - rho) on electron (x) moments.

    Parameters
    ----------
    moments : Qobj
        State rho_m that the moments are reset to.
    rate : float, any unit

    Returns
    -------
    Qobj, unit of the rate
        Superoperator.
    """
    electron, size = np.eye(2), moments.shape[0]
    # (row a i, column b j) <- (row c k, column d l); column stacking puts the column index first
    held = np.einsum("ac,bd,ij,kl->bjaidlck", electron, electron, moments.full(), np.eye(size))
    spaces = [[2, *moments.dims[0]]] * 2
    with exact_arithmetic():
        held = Qobj(held.reshape(4 * size**2, -1), dims=[spaces, spaces], superrep="super")
        return rate * (held - qutip.to_super(qutip.qeye(spaces[0])))
