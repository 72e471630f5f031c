"""Moments coupled to each other: exact diagonalisation beside the Weiss mean field.

Eqs. (3), (12), (28)-(33). Energies are in units of k_B T with hbar = 1. The moments' Hamiltonian is

    H = sum_i b S_i^z - (1/2) sum_ij J_ij S_i . S_j,

each pair once, so that the Weiss splitting of site i is x_i = b - sum_j J_ij <S_j^z>, Eq. (30).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import prod
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from openmr import _checks, units
from openmr._checks import Array, ComplexArray, ConvergenceError, ParameterError, SizeError
from openmr._spins import LEVI_CIVITA, spin_matrices
from openmr.bath.correlators import electron_hole_spectrum, moment_correlator
from openmr.moments.spin_averages import level_sums
from openmr.tables import Alike

_Shape = Literal["ring", "chain", "complete"]
MAX_DIMENSION = 2048
"""Largest moment space that is diagonalised: eleven spins 1/2."""
MAX_PAIR = 512
"""Largest space of one moment of a complete graph and the total spin of the rest."""

Weight = Callable[[Array], ArrayLike]
"""Function of the energy that the moments gain [k_B T]."""


@dataclass(frozen=True, slots=True, eq=False)
class Cluster(Alike):
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
        given = _checks.sequence("spins", self.spins, "spins")
        spins = tuple(_checks.half_integer("spins", s) for s in given)
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
            gibibytes = 8.0 * dimension**2 / 2**30
            raise SizeError(
                f"`spins` must span a space of dimension <= {MAX_DIMENSION}, got {dimension:.6g} "
                f"(the Hamiltonian would take {gibibytes:.3g} GiB)"
            )
        object.__setattr__(self, "spins", spins)
        object.__setattr__(self, "exchange", exchange)
        object.__setattr__(self, "zeeman", _checks.number("zeeman", self.zeeman, "k_B T"))


def _whole(name: str, value: float, *, least: int, most: int, square: float) -> int:
    """`value` as an integer; above `most`, refused with its memory of `square` value^2 bytes."""
    found = _checks.integer(name, value, least=least)
    if found > most:
        gibibytes = square * float(found) * float(found) / 2**30
        raise SizeError(
            f"`{name}` must be <= {most}, got {_checks.shown(found)} (about {gibibytes:.3g} GiB)"
        )
    return found


def graph(shape: _Shape, sites: int) -> Array:
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
    _checks.choice("shape", shape, _Shape)
    count = _whole("sites", sites, least=1, most=MAX_DIMENSION, square=8.0)
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

    Returns as of `at_reduced_temperature`.

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


# --- the Weiss mean field -------------------------------------------------------------------------


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


def _settle(cluster: Cluster, x: Array) -> Array:
    """Site after site, which only lowers the free energy, then Newton."""
    m, steps = _averages(cluster, x)[0], 200
    for _ in range(30):
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


# --- exact diagonalisation ------------------------------------------------------------------------


def _on_sites(spins: tuple[float, ...]) -> tuple[list[sparse.csr_array], list[sparse.csr_array]]:
    """S_z and S_+ of every site on the whole space, real."""
    sizes = [round(2 * spin) + 1 for spin in spins]
    along: list[sparse.csr_array] = []
    raising: list[sparse.csr_array] = []
    for site, own in enumerate(spins):
        before, after = (sparse.eye_array(prod(n)) for n in (sizes[:site], sizes[site + 1 :]))
        sx, sy, sz = spin_matrices(own)
        for found, one in ((along, sz.real), (raising, (sx + 1j * sy).real)):
            found.append(sparse.kron(sparse.kron(before, sparse.csr_array(one)), after, "csr"))
    return along, raising


class Levels(NamedTuple):
    """A cluster diagonalised, block by block of the total S_z, which ascends.

    Attributes
    ----------
    energies : array (d,), k_B T
        Ascending within each block.
    log_partition : float, no unit
    populations : array (d,), no unit
    along : tuple of array (N, b, b), no unit
        S_z of each moment, one array for each block.
    raising : tuple of array (N, b', b), no unit
        S_+ of each moment, from each block but the last to the next.
    """

    energies: Array
    log_partition: float
    populations: Array
    along: tuple[Array, ...]
    raising: tuple[Array, ...]

    @property
    def mean_spin(self) -> Array:
        """<S_z> of each moment, (N,)."""
        parts = [np.einsum("inn->in", block) for block in self.along]
        return np.asarray(np.concatenate(parts, axis=1) @ self.populations)

    def by_block(self, values: Array) -> list[Array]:
        """Numbers of the levels, cut into those of each block.

        Parameters
        ----------
        values : array (d,), any unit

        Returns
        -------
        list of arrays, unit of the values
            In the order of the blocks.
        """
        ends = np.cumsum([block.shape[-1] for block in self.along])
        return np.split(values, ends[:-1])


def hamiltonian(cluster: Cluster) -> sparse.csr_array:
    """H of Eq. (3) with each pair counted once, real and sparse (d, d).

    Returns
    -------
    sparse array (d, d), k_B T
        In the product basis m = S ... -S.
    """
    return _hamiltonian(cluster, *_on_sites(cluster.spins))


def _hamiltonian(
    cluster: Cluster, along: list[sparse.csr_array], raising: list[sparse.csr_array]
) -> sparse.csr_array:
    total = cluster.zeeman * sum(along[1:], start=along[0])
    for i, j in np.argwhere(np.triu(cluster.exchange)):
        flip = raising[i] @ raising[j].T
        total = total - cluster.exchange[i, j] * (along[i] @ along[j] + 0.5 * (flip + flip.T))
    return total.tocsr()


def levels(cluster: Cluster) -> Levels:
    """Exact thermal state of a cluster and its spin operators in the basis of energies.

    Returns
    -------
    Levels
        Of H from `hamiltonian`.
    """
    along, raising = _on_sites(cluster.spins)
    diagonals = np.stack([one.diagonal() for one in along])
    total = np.rint(2 * diagonals.sum(axis=0))
    order = np.argsort(total, kind="stable")
    edges = np.append(0, np.cumsum(np.unique(total, return_counts=True)[1]))
    blocks = [slice(start, end) for start, end in pairwise(edges)]
    diagonals = diagonals[:, order]
    whole = _hamiltonian(cluster, along, raising)[order][:, order].toarray()
    energies, bases = zip(*(np.linalg.eigh(whole[block, block]) for block in blocks), strict=True)
    raised: list[list[Array]] = [[] for _ in blocks[:-1]]
    for one in raising:
        entries = one[order][:, order].tocsc().tocoo()  # by columns
        cuts = np.searchsorted(entries.col, edges)
        for k, matrices in enumerate(raised):
            mine = slice(cuts[k], cuts[k + 1])
            before = bases[k][entries.col[mine] - edges[k]]
            after = bases[k + 1][entries.row[mine] - edges[k + 1]]
            matrices.append(after.T @ (entries.data[mine, None] * before))
    joined = np.concatenate(energies)
    boltzmann = np.exp(joined.min() - joined)
    partition = boltzmann.sum()
    return Levels(
        joined,
        float(np.log(partition) - joined.min()),
        boltzmann / partition,
        tuple(
            basis.T @ (diagonals[:, block, None] * basis)
            for block, basis in zip(blocks, bases, strict=True)
        ),
        tuple(map(np.stack, raised)),
    )


def correlator(state: Levels, weight: Weight, *, connected: bool = False) -> ComplexArray:
    """Sum over transitions m -> n of p_m weight(E_n - E_m) <m|S_ia|n><n|S_jb|m>, (N, N, 3, 3).

    Parameters
    ----------
    weight : callable, (...) [k_B T] -> (...), any unit
        Of the energy gained w: ``exp(-1j * w * t)`` gives <S_ia(t) S_jb>, Eq. (12); a narrow
        line around w0 its spectrum D_{ia,jb}(w0); 1 the thermal averages.
    connected : bool
        Subtract the means, <S_ia S_jb> - <S_ia><S_jb>.

    Returns
    -------
    complex array (N, N, 3, 3), no unit
        Axes: site i, site j, components a, b.

    Raises
    ------
    ParameterError
        If `connected` is neither True nor False.
    """
    _checks.switch("connected", connected)
    energies, populations = map(state.by_block, (state.energies, state.populations))
    means = state.mean_spin if connected else np.zeros(len(state.along[0]))

    def summed(operators: Array, start: int, end: int) -> ComplexArray:
        """Sum over transitions between two blocks of <m|A_i|n> <m|A_j|n>, (N, N)."""
        gained = energies[end][None, :] - energies[start][:, None]
        flat = operators.reshape(len(operators), -1)
        weights = populations[start][:, None] * np.asarray(weight(gained))
        return np.asarray((weights.ravel() * flat) @ flat.T)

    # S_z total is conserved: <S_+ S_+> and <S_z S_+> vanish
    zz, up_down, down_up = np.zeros((3, len(means), len(means)), dtype=complex)
    for k, along in enumerate(state.along):
        zz += summed(along - means[:, None, None] * np.eye(along.shape[-1]), k, k)
    for k, raising in enumerate(state.raising):
        up_down += summed(raising, k + 1, k)
        down_up += summed(np.swapaxes(raising, 1, 2), k, k + 1)
    found = np.zeros((*zz.shape, 3, 3), dtype=complex)
    found[..., 0, 0] = found[..., 1, 1] = 0.25 * (up_down + down_up)
    found[..., 0, 1] = 0.25j * (up_down - down_up)
    found[..., 1, 0] = -found[..., 0, 1]
    found[..., 2, 2] = zz
    return found


# --- what the electrons see -----------------------------------------------------------------------


def interference(positions: ArrayLike, wavenumber: float) -> Array:
    """Phase factors of Eq. (28) averaged over the Fermi sphere: (sin k_F R / k_F R)^2, (N, N).

    Parameters
    ----------
    positions : array_like (N, 3), length
    wavenumber : float, 1/length
        k_F; ``inf`` leaves the site-local correlators alone.

    Returns
    -------
    array (N, N), no unit
        1 on the diagonal.

    Raises
    ------
    ParameterError
        For positions of a wrong shape, or a negative wavenumber.
    """
    r = _checks.finite_array("positions", positions)
    if r.ndim != 2 or r.shape[1] != 3:
        raise ParameterError(f"`positions` must have shape (N, 3), got {r.shape}")
    k = _checks.number("wavenumber", wavenumber, least=0.0, infinite=True)
    if np.isinf(k):
        return np.eye(len(r))
    distance = np.linalg.norm(r[:, None] - r[None, :], axis=-1)
    return np.asarray(np.sinc(k * distance / np.pi) ** 2)


def golden_rule_tensor(noise: ComplexArray) -> tuple[Array, Array]:
    """Bloch tensor (3, 3) and drift (3,) of an electron spin under A_a = sigma_a / 2 with noise.

    Parameters
    ----------
    noise : complex array (3, 3), any unit
        integral dt <B_a(t) B_b(0)> of the operators that multiply A_a.

    Returns
    -------
    tensor : array (3, 3), unit of the noise
        In d<sigma>/dt = drift - tensor . <sigma>, from A_b rho A_a - {A_a A_b, rho} / 2.
    drift : array (3,), unit of the noise
        Of the same equation.
    """
    g = 0.25 * noise
    # [s_c, [s_d, s_b]] = -4 eps_dbe eps_cea s_a: on the diagonal a sum of positive terms, so that
    # a flip rate far below the dephasing rate keeps its digits
    tensor = 2.0 * np.einsum("cd,dbe,cae->ab", g.real, LEVI_CIVITA, LEVI_CIVITA)
    drift = -2.0 * np.einsum("cd,dce->e", g.imag, LEVI_CIVITA)
    return np.asarray(tensor), np.asarray(drift)


@dataclass(frozen=True, slots=True, eq=False)
class ClusterRates(Alike):
    """Relaxation of electrons by a cluster, per moment, in units of 2 pi n_S nu_F J^2 / hbar.

    The unit is `noise` of `hilbert.MomentSpace`, with J the largest coupling.

    Attributes
    ----------
    cluster : Cluster
    tensor, weiss_tensor : array (3, 3), unit of `noise`
        From the exact correlators and from the mean-field ones, by one formula.
    drift : float, no unit
        Largest drift of an unpolarised spin over the largest rate: 0 if detailed balance holds.
    """

    cluster: Cluster
    tensor: Array
    weiss_tensor: Array
    drift: float

    @property
    def longitudinal(self) -> float:
        """1/tau_par of the cluster."""
        return float(self.tensor[2, 2])

    @property
    def transverse(self) -> float:
        """1/tau_perp of the cluster: mean of the two transverse rates."""
        return float(0.5 * (self.tensor[0, 0] + self.tensor[1, 1]))

    @property
    def weiss_longitudinal(self) -> float:
        """1/tau_par of the mean field."""
        return float(self.weiss_tensor[2, 2])

    @property
    def weiss_transverse(self) -> float:
        """1/tau_perp of the mean field."""
        return float(0.5 * (self.weiss_tensor[0, 0] + self.weiss_tensor[1, 1]))

    @property
    def errors(self) -> Array:
        """Weiss rate over exact rate minus 1, (longitudinal, transverse); 0 without a rate."""
        exact = np.array([self.longitudinal, self.transverse])
        off = np.array([self.weiss_longitudinal, self.weiss_transverse]) - exact
        return np.asarray(np.divide(off, exact, out=np.zeros(2), where=exact != 0))

    def __repr__(self) -> str:
        off = 100 * self.errors
        return "\n".join(
            [
                f"ClusterRates  {len(self.cluster.spins)} moments",
                f"  longitudinal : {self.longitudinal:.6g}  (Weiss {off[0]:+.3g} %)",
                f"  transverse   : {self.transverse:.6g}  (Weiss {off[1]:+.3g} %)",
            ]
        )


def _electron_hole_weight(gained: Array) -> Array:
    """The electrons give the moments what these gain."""
    return electron_hole_spectrum(-gained)


_RELATIVE = _checks.Range(-1e100, 1e100, "")


def rates(
    cluster: Cluster,
    *,
    coupling: ArrayLike = 1.0,
    phases: Array | None = None,
    connected: bool = False,
) -> ClusterRates:
    """(tau_par, tau_perp) by golden rule from the exact and from the Weiss correlators.

    Parameters
    ----------
    coupling : array_like (3,) or float, no unit
        Relative couplings J_x, J_y, J_z to the electrons.
    phases : array (N, N), no unit, optional
        From `interference`; default: site-local correlators only, k_F R -> infinity.
    connected : bool
        Only fluctuations dephase ("lattice"), not the mean ("random", the default).

    Returns
    -------
    ClusterRates
        Both tensors, and the drift of the exact one.

    Raises
    ------
    ParameterError
        For a coupling or phases of a wrong shape.

    Notes
    -----
    (1/N) sum_ij phases_ij J_a J_b D_{ia,jb} with every transition weighted by x / (1 - exp(-x)),
    x the energy that the electrons gain. The Weiss values take Eq. (31): local terms only.
    """
    _checks.instance("cluster", cluster, Cluster)
    scale = _RELATIVE.hold("coupling", coupling)
    if scale.shape not in ((), (3,)):
        raise ParameterError(f"`coupling` must be a scalar or (x, y, z), got shape {scale.shape}")
    scale = np.broadcast_to(scale, (3,))
    sites = len(cluster.spins)
    factors = np.eye(sites) if phases is None else _checks.finite_array("phases", phases)
    if factors.shape != (sites, sites):
        raise ParameterError(f"`phases` must have shape ({sites}, {sites}), got {factors.shape}")
    exact = correlator(levels(cluster), _electron_hole_weight, connected=connected)
    local = weiss_correlator(cluster, _electron_hole_weight, connected=connected)
    noise, weiss_noise = (
        np.einsum("ij,ijab->ab", factors, d) * np.outer(scale, scale) / sites
        for d in (exact, local)
    )
    tensor, drift = golden_rule_tensor(noise)
    return ClusterRates(
        cluster=cluster,
        tensor=tensor,
        weiss_tensor=golden_rule_tensor(weiss_noise)[0],
        drift=float(np.abs(drift).max() / max(np.abs(tensor).max(), 1e-300)),
    )


def complete_graph_noise(
    spin: float, sites: int, mean_exchange: float, zeeman: float
) -> ComplexArray:
    """Local electron-hole noise (3, 3) of one of N moments, each pair coupled by J0 / (N - 1).

    The rest of the moments enters only as its total spin L: exact at any N.
    Source: KittelShore1965.

    Errors as of `in_units`.

    Parameters
    ----------
    spin : float, no unit
    sites : int
    mean_exchange : float, k_B T
        J0 = sum_j J_ij, kept as N grows.
    zeeman : float, k_B T

    Returns
    -------
    complex array (3, 3), no unit
        Of the spin components of one moment.
    """
    spin = _checks.half_integer("spin", spin)
    # one moment and the total spin of the rest: (2 S + 1) (2 S (N - 1) + 1) levels
    most = int((MAX_PAIR / (2 * spin + 1) - 1) / (2 * spin)) + 1
    matrices = 32.0 * (2 * spin + 1) ** 2 * (2 * spin) ** 2  # two spins' S_z and S_+, over N^2
    others = _whole("sites", sites, least=2, most=most, square=matrices) - 1
    bond = _checks.number("mean_exchange", mean_exchange, "k_B T") / others
    states = reduce(np.convolve, [np.ones(round(2 * spin) + 1)] * others)  # by M = -L ... L
    top = spin * others
    totals = np.arange(top % 1.0, top + 0.5)
    outside = states[np.rint(totals + top).astype(int)]
    multiplicity = outside - np.append(outside[1:], 0.0)
    logs, parts = [], []
    for total, many in zip(totals, multiplicity, strict=True):
        if many == 0:
            continue
        spins = (spin, total) if total > 0 else (spin,)
        pair = Cluster(spins, bond * (np.ones((len(spins),) * 2) - np.eye(len(spins))), zeeman)
        state = levels(pair)
        inner = 0.5 * bond * (total * (total + 1) - others * spin * (spin + 1))
        logs.append(np.log(many) + state.log_partition + inner)
        parts.append(correlator(state, _electron_hole_weight)[0, 0])
    weights = np.exp(np.array(logs) - max(logs))
    return np.asarray(np.einsum("l,lab->ab", weights / weights.sum(), np.stack(parts)))
