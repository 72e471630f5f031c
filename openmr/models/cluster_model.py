"""Moments coupled to each other: what they are, and their Weiss mean field.

Eqs. (3), (29)-(33). Energies are in units of k_B T with hbar = 1. The moments' Hamiltonian is

    H = sum_i b S_i^z - (1/2) sum_ij J_ij S_i . S_j,

each pair once, so that the Weiss splitting of site i is x_i = b - sum_j J_ij <S_j^z>, Eq. (30).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks, units
from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError, SizeError
from openmr.bath.correlators import moment_correlator
from openmr.moments.spin_averages import level_sums

MAX_DIMENSION = 512
"""Largest moment space that is diagonalised: nine spins 1/2."""

Weight = Callable[[Array], ArrayLike]
"""Function of the energy that the moments gain [k_B T]."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Moments coupled to each other.

    Attributes
    ----------
    spins : tuple of float (N,)
    exchange : array (N, N), k_B T
        Symmetric J_ij without diagonal; > 0 is ferromagnetic.
    zeeman : float, k_B T
        b = beta g mu_B B.
    """

    spins: tuple[float, ...]
    exchange: Array
    zeeman: float

    def __post_init__(self) -> None:
        if not isinstance(self.spins, Sequence):
            raise ParameterError(f"`spins` must be a sequence of spins, got {self.spins!r}")
        spins = tuple(_checks.half_integer("spins", s) for s in self.spins)
        if not spins:
            raise ParameterError("`spins` must hold at least one moment, got none")
        exchange = _checks.finite_array("exchange", self.exchange, "k_B T")
        if exchange.shape != (len(spins), len(spins)):
            raise ParameterError(
                f"`exchange` must have shape ({len(spins)}, {len(spins)}), got {exchange.shape}"
            )
        if np.any(exchange != exchange.T) or np.any(np.diag(exchange)):
            raise ParameterError(
                "`exchange` must be symmetric with zero diagonal, "
                f"got {exchange.tolist() if len(spins) < 4 else 'another matrix'}"
            )
        dimension = float(np.prod([2 * s + 1 for s in spins]))
        if dimension > MAX_DIMENSION:
            gibibytes = 16.0 * len(spins) * dimension**2 / 2**30
            raise SizeError(
                f"`spins` must span a space of dimension <= {MAX_DIMENSION}, got {dimension:.6g} "
                f"(the spin matrices would take {gibibytes:.3g} GiB)"
            )
        object.__setattr__(self, "spins", spins)
        object.__setattr__(self, "exchange", exchange)
        object.__setattr__(self, "zeeman", _checks.number("zeeman", self.zeeman, "k_B T"))


def whole(name: str, value: float, *, least: int, most: int, square: float) -> int:
    """`value` as an integer; above `most`, refused with its memory of `square` value^2 bytes."""
    found = _checks.integer(name, value, least=least)
    if found > most:
        gibibytes = square * float(found) ** 2 / 2**30
        raise SizeError(f"`{name}` must be <= {most}, got {value} (about {gibibytes:.3g} GiB)")
    return found


def graph(shape: str, sites: int) -> Array:
    """Bonds (N, N) of 1 or 0: "ring", "chain" or "complete".

    Parameters
    ----------
    shape : {"ring", "chain", "complete"}
    sites : int
        N.

    Returns
    -------
    array (N, N), no unit
        Symmetric, zero on the diagonal.

    Raises
    ------
    ParameterError
        For an unknown shape, or too few sites.
    SizeError
        For too many sites.
    """
    shape = _checks.choice("shape", shape, ("ring", "chain", "complete"))
    count = whole("sites", sites, least=1, most=MAX_DIMENSION, square=8.0)
    if shape == "complete":
        return np.ones((count, count)) - np.eye(count)
    bonds = np.eye(count, k=1) + np.eye(count, k=-1)
    if shape == "ring" and count > 2:
        bonds[0, -1] = bonds[-1, 0] = 1.0
    return bonds


def at_reduced_temperature(
    spin: float, bonds: ArrayLike, reduced_temperature: float, zeeman: float = 0.0
) -> Cluster:
    """Equal spins at T / T_C of their own mean field, Eqs. (30), (32).

    Parameters
    ----------
    spin : float, no unit
    bonds : array_like (N, N), no unit
        Relative J_ij, e.g. from `graph`; scaled so that 3 k_B T_C = S(S+1) max eigenvalue.
    reduced_temperature : float, no unit
        T / T_C; ``inf`` uncouples the moments.
    zeeman : float, k_B T

    Returns
    -------
    Cluster
        In units of k_B T.

    Raises
    ------
    ParameterError
        For a value out of its range, or bonds without a positive eigenvalue.
    """
    ratio = _checks.number(
        "reduced_temperature", reduced_temperature, "T_C", above=0.0, infinite=True
    )
    spin = _checks.half_integer("spin", spin)
    bonds = _checks.finite_array("bonds", bonds)
    if bonds.ndim != 2 or bonds.shape[0] != bonds.shape[1]:
        raise ParameterError(f"`bonds` must be a square matrix, got shape {bonds.shape}")
    largest = float(np.linalg.eigvalsh(bonds)[-1])
    if np.any(bonds) and not largest > 0:
        raise ParameterError("`bonds` must have a positive eigenvalue, got none")
    scale = 3.0 / (spin * (spin + 1.0) * ratio * largest) if largest > 0 else 0.0
    return Cluster((spin,) * len(bonds), scale * bonds, zeeman)


def in_units(
    spins: tuple[float, ...],
    exchange: ArrayLike,
    temperature: float,
    field: float,
    *,
    g: float = 2.0,
) -> Cluster:
    """A cluster from J_ij [eV], temperature [K] and field [T].

    Parameters
    ----------
    spins : tuple of float (N,), no unit
        S of each moment.
    exchange : array_like (N, N), eV
        J_ij.
    temperature : float, K
    field : float, T
    g : float, no unit
        g-factor of the moments.

    Returns
    -------
    Cluster
        In units of k_B T.

    Raises
    ------
    ParameterError
        For a value out of its range.
    """
    beta = 1.0 / (units.K_B * _checks.number("temperature", temperature, "K", above=0.0))
    field = _checks.number("field", field, "T")
    couplings = beta * _checks.finite_array("exchange", exchange, "eV")
    zeeman = beta * units.MU_B * _checks.number("g", g) * field
    return Cluster(spins, couplings, zeeman)


def weiss_splittings(cluster: Cluster) -> Array:
    """x_i = b - sum_j J_ij <S_j>, Eq. (30), of lowest free energy among collinear states, (N,).

    Tried are the disordered state and both signs of the two extreme modes of J_ij and of the
    uniform one. A moment, where one appears at b = 0, points against the field.

    Returns
    -------
    array (N,), no unit
        x_i, signed.

    Raises
    ------
    ConvergenceError
        If the iteration does not settle.
    """
    modes = np.linalg.eigh(cluster.exchange)[1][:, [-1, 0]]
    signs = [np.where(np.abs(m) > 1e-9, np.sign(m), 1.0) for m in (np.ones(len(modes)), *modes.T)]
    starts = [cluster.zeeman * np.ones(len(modes))]
    for pattern in [*signs, *(-s for s in signs)]:
        moments = -pattern * np.array(cluster.spins)
        starts.append(cluster.zeeman - cluster.exchange @ moments)
    solved = [_settle(cluster, start) for start in np.unique(starts, axis=0)]
    energies = np.array([_free_energy(cluster, x) for x in solved])
    rounding = 1e-12 * len(modes) * (1.0 + np.abs(energies).max())
    lowest = [solved[i] for i in np.flatnonzero(energies <= energies.min() + rounding)]
    return min(lowest, key=lambda x: float(np.sum(_averages(cluster, x)[0])))


def _averages(cluster: Cluster, x: Array) -> tuple[Array, Array, Array]:
    """<S_z>, its variance and the entropy of every site in its Weiss field."""
    found = np.empty((3, len(x)))
    for spin in set(cluster.spins):
        own = np.array(cluster.spins) == spin
        sums = level_sums(spin, x[own])
        found[:, own] = sums.mean_spin, sums.variance, sums.entropy
    return found[0], found[1], found[2]


def _free_energy(cluster: Cluster, x: Array) -> float:
    m, _, entropy = _averages(cluster, x)
    return float(np.sum(cluster.zeeman * m - entropy) - 0.5 * m @ cluster.exchange @ m)


def _settle(cluster: Cluster, x: Array, *, sweeps: int = 30, steps: int = 200) -> Array:
    """Site after site, which only lowers the free energy, then Newton."""
    m = _averages(cluster, x)[0]
    for _ in range(sweeps):
        for i, spin in enumerate(cluster.spins):
            m[i] = level_sums(spin, cluster.zeeman - cluster.exchange[i] @ m).mean_spin
    x = cluster.zeeman - cluster.exchange @ m
    identity = np.eye(len(x))
    for _ in range(steps):
        m, variance, _ = _averages(cluster, x)
        residual = x - cluster.zeeman + cluster.exchange @ m
        scale = np.abs(x) + np.abs(cluster.exchange) @ np.abs(m) + abs(cluster.zeeman)
        if np.all(np.abs(residual) <= 1e-14 * scale + 1e-150):
            return x
        x = x - np.linalg.lstsq(identity - cluster.exchange * variance, residual, rcond=None)[0]
    raise ConvergenceError(
        f"the Weiss field of the cluster did not converge in {steps} steps, "
        f"residual {np.abs(residual).max():.2g} k_B T"
    )


def weiss_correlator(cluster: Cluster, weight: Weight, *, connected: bool = False) -> ComplexArray:
    """`correlator` in the local approximation (31): each moment alone in its Weiss field.

    Parameters
    ----------
    weight : callable, (...) [k_B T] -> (...), any unit
        As of `correlator`.
    connected : bool
        Subtract the means.

    Returns
    -------
    complex array (N, N, 3, 3), unit of the weight
        Zero between different moments.
    """
    found = np.zeros((len(cluster.spins),) * 2 + (3, 3), dtype=complex)
    for i, (spin, x) in enumerate(zip(cluster.spins, weiss_splittings(cluster), strict=True)):
        lines = moment_correlator(spin, float(x), connected=connected)
        found[i, i] = np.einsum("l,lab->ab", np.asarray(weight(lines.frequencies)), lines.weights)
    return found
