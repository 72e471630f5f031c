"""The small Hilbert space electron spin (x) moment(s) in QuTiP.

Its operators and states, and the projection of a generator onto a thermal moment.
Energies are in units of k_B T with hbar = 1; the tensor order is electron, moment 1, moment 2, ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import qutip
from numpy.typing import ArrayLike
from qutip import Qobj

from openmr._checks import Array, renamed
from openmr._qutip import exact_arithmetic
from openmr.bath.correlators import populations
from openmr.master import markov
from openmr.master.markov import Generator

PAULI = (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())


def spin_operators(spin: float) -> tuple[Qobj, Qobj, Qobj]:
    """S_x, S_y, S_z of one moment in the basis m = S ... -S.

    Parameters
    ----------
    spin : float, no unit
        S, a positive half-integer.

    Returns
    -------
    tuple of three Qobj, no unit
        S_x, S_y, S_z.
    """
    return qutip.jmat(spin)  # type: ignore[no-any-return]


def embed(electron: Qobj, moments: Sequence[Qobj]) -> Qobj:
    """Operator on the joint space.

    Parameters
    ----------
    electron : Qobj
        On the electron spin.
    moments : sequence of Qobj
        One on each moment.

    Returns
    -------
    Qobj
        Their tensor product, in this order.
    """
    return qutip.tensor(electron, *moments)


def _identities(spins: Sequence[float]) -> list[Qobj]:
    return [qutip.qeye(round(2 * spin) + 1) for spin in spins]


@renamed(splittings="reduced_splittings", electron="electron_splitting")
def hamiltonian(
    spins: Sequence[float], reduced_splittings: Sequence[float], electron_splitting: float = 0.0
) -> Qobj:
    """H = (w/2) sigma_z + sum_i x_i S_z^i [k_B T].

    Parameters
    ----------
    spins : sequence of float, no unit
        S of each moment.
    reduced_splittings : sequence of float, no unit
        x_i = beta eps_L of each.
    electron_splitting : float, no unit
        w = beta hbar omega_L of the electron, 0 to leave it out of the dissipator.

    Returns
    -------
    Qobj, k_B T
        On electron (x) moments.
    """
    total = 0.5 * electron_splitting * embed(PAULI[2], _identities(spins))
    for i, (spin, x) in enumerate(zip(spins, reduced_splittings, strict=True)):
        factors = _identities(spins)
        factors[i] = spin_operators(spin)[2]
        total = total + x * embed(qutip.qeye(2), factors)
    return total


def coupling(spins: Sequence[float], site: int, exchange: ArrayLike, *, mean: float = 0.0) -> Qobj:
    """A = -(1/2) sum_v J_v sigma_v (x) S_v of one moment, Eqs. (4)-(6); J may be a matrix.

    Parameters
    ----------
    spins : sequence of float
    site : int
        Which moment couples.
    exchange : array_like (3,) or (3, 3)
        J_v, or J_ab of -(1/2) sum_ab J_ab sigma_a (x) S_b, in any unit; A comes out in the same.
    mean : float, no unit
        Subtracted from S_z: <S_par> for a perfect lattice, whose mean belongs to the bands.

    Returns
    -------
    Qobj, unit of the exchange
        On electron (x) moments.
    """
    identity = _identities(spins)
    operators = list(spin_operators(spins[site]))
    operators[2] = operators[2] - mean * identity[site]
    given = np.asarray(exchange)
    before, after = identity[:site], identity[site + 1 :]
    return coupled(
        [[*before, one, *after] for one in operators], np.diag(given) if given.ndim == 1 else given
    )


def coupled(moments: Sequence[Sequence[Qobj]], exchange: Array) -> Qobj:
    """A = -(1/2) sum_ab J_ab sigma_a (x) S_b, of S_x, S_y, S_z as one operator for each moment."""
    return sum(
        -0.5 * float(strength) * embed(PAULI[a], moments[b])
        for (a, b), strength in np.ndenumerate(exchange)
        if a == b or strength != 0
    )


@renamed(splittings="reduced_splittings")
def thermal_moments(spins: Sequence[float], reduced_splittings: Sequence[float]) -> Qobj:
    """rho_m, product of the Gibbs states of the moments.

    Parameters as of `hamiltonian`.

    Returns
    -------
    Qobj
        Density matrix of the moments.
    """
    states = [
        qutip.qdiags(populations(spin, x), 0, dims=[[round(2 * spin) + 1]] * 2)
        for spin, x in zip(spins, reduced_splittings, strict=True)
    ]
    return qutip.tensor(*states)


def project(generator: Qobj | Generator | Callable[[Qobj], Qobj], moments: Qobj) -> Qobj:
    """Electron's share of a joint superoperator: rho -> Tr_m[generator(rho (x) rho_m)].

    Parameters
    ----------
    generator : Qobj, Generator or callable
        On electron (x) moments: a superoperator, or what it does to an operator. `Generator.apply`,
        which stands for the `Generator`, and `Generator.dissipate` do it as commutators, which
        keeps exponentially small rates.
    moments : Qobj
        Thermal state rho_m.

    Returns
    -------
    Qobj
        Superoperator on the electron spin, 4 x 4.
    """
    size = moments.shape[0]
    if isinstance(generator, Qobj):
        joint = generator.full().reshape(2, size, 2, size, 2, size, 2, size)
        # column stacking: the superoperator's indices are (column, row) of what it acts on
        kept = np.einsum("amcmdiej,ji->acde", joint, moments.full()).reshape(4, 4)
    else:
        dims = [[2, *left] for left in moments.dims]
        act = generator.apply if isinstance(generator, Generator) else generator
        units = np.eye(4).reshape(4, 2, 2).swapaxes(1, 2)
        with exact_arithmetic():
            joint = [act(Qobj(np.kron(unit, moments.full()), dims=dims)) for unit in units]
        kept = np.stack(
            [np.einsum("aibi->ba", j.full().reshape(2, size, 2, size)).ravel() for j in joint],
            axis=1,
        )
    return Qobj(kept, dims=[[[2], [2]], [[2], [2]]], superrep="super")


def bloch_tensor(generator: Qobj) -> Array:
    """Gamma_ab = -(1/2) Tr[sigma_a L(sigma_b)] of a superoperator L on the electron, (3, 3).

    Parameters
    ----------
    generator : Qobj
        Superoperator on the electron spin, in any unit.

    Returns
    -------
    array (3, 3), unit of the generator
        Gamma_ab.
    """
    axes = np.stack([qutip.operator_to_vector(axis).full()[:, 0] for axis in PAULI])
    return np.asarray(-0.5 * (axes.conj() @ (generator.full() @ axes.T)).real)


def trace_change(generator: Qobj) -> float:
    """Largest |Tr L(rho)| over unit matrices rho: zero if the trace is kept.

    Parameters as of `bloch_tensor`.

    Returns
    -------
    float, unit of the generator
        Zero to rounding, for a generator of a density matrix.
    """
    return float(np.abs(generator.full()[[0, 3]].sum(axis=0)).max())


def kossakowski(generator: Qobj) -> tuple[float, float]:
    """Smallest and largest eigenvalue of the Kossakowski matrix of a generator on the electron.

    The dynamics is completely positive if and only if the smallest is not negative (Gorini,
    Kossakowski and Sudarshan 1976).

    Parameters as of `bloch_tensor`.

    Returns
    -------
    tuple of float, unit of the generator
        Smallest, largest.
    """
    eigenvalues = markov.kossakowski(generator.full())
    return float(eigenvalues[0]), float(eigenvalues[-1])


def thermal_electron(w: float) -> Qobj:
    """Gibbs state of an electron spin with H = (w/2) sigma_z [k_B T]; w = 0 is unpolarised.

    Parameters
    ----------
    w : float, no unit
        beta hbar omega_L.

    Returns
    -------
    Qobj
        Density matrix of the electron spin.
    """
    return 0.5 * (qutip.qeye(2) - np.tanh(0.5 * w) * PAULI[2])
