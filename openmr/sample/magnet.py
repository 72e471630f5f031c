"""The local moments of a film and the exchange among them: frozen, checked, in public units.

Equation numbers refer to Zhang, Wang and Yao, "Open quantum theory of magnetoresistance in
mesoscopic magnetic materials".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks, units
from openmr._checks import SMALLEST, Array, ComplexArray, ParameterError, Range
from openmr._words import Disorder
from openmr.sample.crystal_field import Elements, crystal_hamiltonian
from openmr.sample.own_hamiltonian import (
    Matrix,
    Stevens,
    Triple,
    checked_anisotropy,
    checked_axes,
    checked_g,
    checked_hamiltonian,
    checked_stevens,
    nested,
    refuse_large_scheme,
    told_levels,
    told_vector,
)

# far wider than matter, so that no rate, length or resistivity overflows
SPIN_DENSITY = Range(1e15, 1e31, "m^-3", "in m^-3: 1e21 cm^-3 is 1e27")
EXCHANGE = Range(-100.0, 100.0, "eV", "in eV: 1 meV is 1e-3")
ORDER = Range(0.0, 1e5, "K")
RESET_RATE = Range(0.0, 1e20, "1/s")


def _coupling(name: str, value: ArrayLike, unit: str) -> Array:
    """Triple of the axes where nothing else is given, else the matrix."""
    array = _checks.finite_array(name, value, unit)
    if array.shape not in ((), (3,), (3, 3)):
        raise ParameterError(
            f"`{name}` must be a scalar, (x, y, z) or a 3x3 matrix in {unit}, "
            f"got shape {array.shape}"
        )
    if array.shape == (3, 3):
        diagonal = np.diagonal(array)
        return np.asarray(diagonal if np.array_equal(array, np.diag(diagonal)) else array)
    return np.asarray(np.broadcast_to(array, (3,)))


def _checked_reset(value: float) -> float | None:
    """A rate; None for an infinite one, so that what is stored does not change with it."""
    rate = _checks.number("thermostat_rate", value, "1/s", least=0.0, infinite=True)
    return None if np.isinf(rate) else RESET_RATE.one("thermostat_rate", rate)


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Moments:
    """Local moments of one sublattice.

    Parameters
    ----------
    spin : float, no unit
        Spin quantum number S: 1/2, 1, 3/2, ...
    density : float, m^-3
        Number density n_S.
    exchange : float, (x, y, z) or array (3, 3), eV m^3, optional
        Coupling J_v of V = -(1/2) sum_v J_v sigma_v S_v delta(r - R), Eqs. (4)-(6); positive is
        ferromagnetic. The axes are the local ones, z along the field. A matrix is J_ab of
        -(1/2) sum_ab J_ab sigma_a S_b; with elements off its diagonal the methods "batched" and
        "bloch-redfield" take it, the others refuse. A diagonal one is kept as (x, y, z). With any
        of the arguments below, a single g-factor aside, the axes are those of the crystal.
    exchange_energy : float, (x, y, z) or array (3, 3), eV, optional
        n_S J_v, what experiments quote. Exactly one of the two is given.
    g : float, (x, y, z) or array (3, 3), no unit
        g-factor of the moment, or its g tensor, mu_B B.g.S.
    anisotropy : float or (D, E), eV, optional
        D S_z^2 + E (S_x^2 - S_y^2); D < 0 has an easy axis. S = 1/2 has none.
    stevens : mapping of (k, q) to float, eV, optional
        B_kq of sum B_kq O_kq(S), k = 2, 4, 6 up to 2S, q = -k ... k.
    hamiltonian : Qobj or array (2S+1, 2S+1), eV, optional
        Added to both; in the basis m = S ... -S, without the field.
    axes : array (3, 3), no unit, optional
        Crystal axes x, y, z as rows, of any length, in coordinates of the film. The film's own
        axes where it is left out and another of these is given.
    thermostat_rate : float, 1/s
        Rate r at which a lattice, say, brings the moments back to the equilibrium that the rates
        of the electrons start from. Infinite is the paper's theory (kept as None). Where r is not
        far above their 1/T1 by the electrons (`moment_relaxation`), moments in a static film
        follow the spin accumulation and give spins back: for S = 1/2 the exchange part of
        1/tau_par is r/(r + 1/T1) times the paper's.

    Raises
    ------
    ParameterError
        For a value outside its range, or both or none of the two couplings.
    """

    spin: float
    density: float
    exchange: Triple | Matrix
    g: float | Triple | Matrix
    anisotropy: tuple[float, float] | None
    stevens: Stevens | None
    hamiltonian: Elements | None
    axes: Matrix | None
    thermostat_rate: float | None

    def __init__(
        self,
        spin: float,
        density: float,
        exchange: ArrayLike | None = None,
        *,
        exchange_energy: ArrayLike | None = None,
        g: ArrayLike = 2.0,
        anisotropy: ArrayLike | None = None,
        stevens: Mapping[tuple[int, int], float] | Stevens | None = None,
        hamiltonian: Any = None,
        axes: ArrayLike | None = None,
        thermostat_rate: float | None = None,
    ) -> None:
        chosen = _checks.exactly_one(exchange=exchange, exchange_energy=exchange_energy)
        spin = _checks.half_integer("spin", spin)
        density = SPIN_DENSITY.positive("density", density)
        if chosen == "exchange":
            assert exchange is not None
            coupling = _coupling("exchange", exchange, "eV m^3")
            largest = float(np.abs(coupling).max())
            if largest * density > EXCHANGE.most:
                raise ParameterError(
                    f"`exchange` times `density` must be at most {EXCHANGE.most:g} eV in size, "
                    f"got {largest * density:g}"
                )
        else:
            assert exchange_energy is not None
            coupling = _coupling("exchange_energy", exchange_energy, "eV")
            coupling = EXCHANGE.hold("exchange_energy", coupling) / density
        _checks.settle(
            self,
            spin=spin,
            density=density,
            exchange=nested(coupling),
            g=checked_g(g),
            anisotropy=None if anisotropy is None else checked_anisotropy(anisotropy, spin),
            stevens=None if stevens is None else checked_stevens(stevens, spin),
            hamiltonian=None if hamiltonian is None else checked_hamiltonian(hamiltonian, spin),
            axes=None if axes is None else checked_axes(axes),
            thermostat_rate=None if thermostat_rate is None else _checked_reset(thermostat_rate),
        )
        if self.is_oriented:
            refuse_large_scheme(spin)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{one.name}={value!r}"
            for one in fields(self)
            if (value := getattr(self, one.name)) is not None
        )
        return f"Moments({shown})" + (f"  [{self.axes_told}]" if self.is_oriented else "")

    @property
    def axes_told(self) -> str:
        """Words of a print on axes and levels: whose they are, and what was understood."""
        z = f"the crystal, z along {told_vector(self.crystal_axes[2])}"
        found = [f"axes of J, g and levels: those of {z if self.axes else 'the film'}"]
        if self.has_levels:
            found.append(told_levels(self.spin, self.crystal_hamiltonian, self.crystal_axes))
        if np.any(self.g_tensor != self.g_tensor.T):
            found.append("g is not symmetric: its rows go with B, its columns with S")
        size = np.linalg.svd(self.g_tensor, compute_uv=False)
        if self.spin == 0.5 and size[0] > 1.5 * size[2] and self.is_isotropic:
            found.append("an effective spin 1/2 with such a g tensor has no scalar J")
        return "; ".join(found)

    @property
    def reset_rate(self) -> float:
        """`thermostat_rate` as a number, infinite where none was given [1/s]."""
        return np.inf if self.thermostat_rate is None else self.thermostat_rate

    @property
    def is_oriented(self) -> bool:
        """Whether the moment has axes of its own, so that the direction of the field counts."""
        given = (self.axes, self.anisotropy, self.stevens, self.hamiltonian)
        return isinstance(self.g, tuple) or any(one is not None for one in given)

    @property
    def has_levels(self) -> bool:
        """Whether it has levels without a field: anisotropy, Stevens terms or a Hamiltonian."""
        given = (self.anisotropy, self.stevens, self.hamiltonian)
        return any(one is not None for one in given)

    @property
    def single_g(self) -> float:
        """The g-factor, for what takes no g tensor."""
        if isinstance(self.g, tuple):
            raise ParameterError(f"`g` must be one number here, got {_checks.shown(self.g)}")
        return self.g

    @property
    def g_tensor(self) -> Array:
        """Tensor of mu_B B.g.S, in the axes of the crystal, shape (3, 3)."""
        given = np.array(self.g)
        return given if given.ndim == 2 else given * np.eye(3)

    @property
    def crystal_axes(self) -> Array:
        """Unit vectors of the crystal as rows, in coordinates of the film, shape (3, 3)."""
        return np.eye(3) if self.axes is None else _checks.unit_vectors("axes", self.axes)

    @property
    def crystal_hamiltonian(self) -> ComplexArray:
        """Hamiltonian without field, in the axes of the crystal, m = S ... -S [eV]."""
        return crystal_hamiltonian(self.spin, self.anisotropy, self.stevens, self.hamiltonian)

    @property
    def exchange_energy(self) -> Triple | Matrix:
        """n_S J_v along the three local axes, or n_S J_ab [eV]."""
        return nested(self.density * np.array(self.exchange))  # type: ignore[no-any-return]

    @property
    def exchange_matrix(self) -> Array:
        """J_ab of -(1/2) sum_ab J_ab sigma_a S_b [eV m^3], shape (3, 3)."""
        given = np.array(self.exchange)
        return np.diag(given) if given.ndim == 1 else given

    @property
    def is_isotropic(self) -> bool:
        """Whether J is a number."""
        return self.is_diagonal and len(set(self.exchange)) == 1

    @property
    def is_diagonal(self) -> bool:
        """Whether J has no elements off its diagonal."""
        return not isinstance(self.exchange[0], tuple)

    @property
    def principal_exchange(self) -> Triple:
        """J_v along the three local axes [eV m^3], for what takes no other coupling.

        Raises
        ------
        ParameterError
            If J has elements off its diagonal.
        """
        x, y, z = self.exchange
        if not (isinstance(x, tuple) or isinstance(y, tuple) or isinstance(z, tuple)):
            return (x, y, z)
        raise ParameterError(
            "`exchange` must be a scalar or (x, y, z) here, got a matrix with elements off its "
            "diagonal"
        )

    @property
    def principal_energy(self) -> Triple:
        """n_S times `principal_exchange` [eV]."""
        x, y, z = (self.density * coupling for coupling in self.principal_exchange)
        return (x, y, z)


@dataclass(frozen=True, init=False)
class Magnet:
    """Sublattices of local moments and the exchange among them.

    Parameters
    ----------
    sublattices : sequence of Moments
    weiss : array (n, n) or (n, n, 3, 3), eV
        ``weiss[i][j]`` = J0 = sum over sublattice j of J_ij, Eqs. (30), (84); positive is
        ferromagnetic. A single number serves for one sublattice. It must derive from one energy:
        w_i J0_ij = w_j J0_ji for some positive weights w (the densities, in a real magnet).
        Matrices, J0_ij = -d(energy of i)/(d<S_i> d<S_j>), are in coordinates of the film and
        derive from one energy if w_i J0_ij = w_j J0_ji^T; an antisymmetric part is the
        Dzyaloshinskii-Moriya interaction. Default: none.
    disorder : {"random", "lattice"}
        With moments at random places the whole <S_par^2> dephases the electrons (the paper's
        choice); on a perfect lattice only its fluctuation does, since the mean belongs to the
        bands.
    curie_temperature : float, K, optional
        Instead of `weiss`, for one sublattice: J0 = 3 k_B T_C / S(S+1), the coupling with which
        Eqs. (30), (32) order there.
    neel_temperature : float, K, optional
        Instead of `weiss`, for two sublattices of equal spin and density: each is coupled to the
        other by J0 = -3 k_B T_N / S(S+1) and not to itself.

    Raises
    ------
    ParameterError
        For a value outside its range, a coupling given twice, or one that is not reciprocal.
    """

    sublattices: tuple[Moments, ...]
    weiss: tuple[tuple[Any, ...], ...]
    disorder: Disorder

    def __init__(
        self,
        sublattices: Sequence[Moments] | Moments,
        weiss: ArrayLike | None = None,
        disorder: Disorder = "random",
        *,
        curie_temperature: float | None = None,
        neel_temperature: float | None = None,
    ) -> None:
        moments = tuple(sublattices) if isinstance(sublattices, Sequence) else (sublattices,)
        if not moments:
            raise ParameterError(
                "`sublattices` must hold at least one Moments, got none; a film without moments is "
                "Sample(None, electrons, film)"
            )
        for item in moments:
            _checks.instance("sublattices", item, Moments)
        orders = {
            "weiss": weiss,
            "curie_temperature": curie_temperature,
            "neel_temperature": neel_temperature,
        }
        chosen = [name for name, value in orders.items() if value is not None]
        if len(chosen) > 1:
            _checks.exactly_one(**{name: orders[name] for name in chosen})
        if curie_temperature is not None:
            weiss = _curie_coupling(moments, curie_temperature)
        if neel_temperature is not None:
            weiss = _neel_coupling(moments, neel_temperature)
        matrix = _checks.finite_array("weiss", 0.0 if weiss is None else weiss, "eV")
        count = len(moments)
        if matrix.ndim == 0 and (count == 1 or matrix == 0):
            matrix = np.full((count, count), float(matrix))
        if count == 1 and matrix.shape == (3, 3):
            matrix = matrix[None, None]
        if matrix.shape not in ((count, count), (count, count, 3, 3)):
            matrices = f" or {(count, count, 3, 3)}" if matrix.ndim > 2 else ""
            raise ParameterError(
                f"`weiss` must have shape {(count, count)}{matrices} in eV, "
                f"got shape {matrix.shape}"
            )
        EXCHANGE.hold("weiss", matrix)
        symmetrising_weights(matrix)
        _checks.settle(
            self,
            sublattices=moments,
            weiss=nested(matrix),
            disorder=_checks.choice("disorder", disorder, Disorder),
        )

    @cached_property
    def is_oriented(self) -> bool:
        """Whether the direction of the field counts: axes of a moment, or couplings that have."""
        matrices = bool(self.weiss) and isinstance(self.weiss[0][0], tuple)
        return matrices or any(one.is_oriented for one in self.sublattices)

    @property
    def is_held(self) -> bool:
        """Whether a thermostat keeps all moments in equilibrium, as in the paper's theory."""
        return all(one.thermostat_rate is None for one in self.sublattices)

    @property
    def couplings(self) -> Array:
        """J0_ij as matrices in coordinates of the film, shape (n, n, 3, 3) [eV]."""
        given = np.array(self.weiss, dtype=float)
        return given if given.ndim == 4 else given[..., None, None] * np.eye(3)

    @cached_property
    def spins(self) -> Array:
        """Spin quantum number of each sublattice, shape (n,)."""
        return _kept([moments.spin for moments in self.sublattices])

    @cached_property
    def g_factors(self) -> Array:
        """g-factor of each sublattice, shape (n,)."""
        return _kept([moments.single_g for moments in self.sublattices])

    @cached_property
    def weiss_matrix(self) -> Array:
        """J0_ij [eV], shape (n, n)."""
        return _kept(self.weiss).reshape(2 * (len(self.sublattices),))

    @cached_property
    def densities(self) -> Array:
        """Density of each sublattice [m^-3], shape (n,)."""
        return _kept([moments.density for moments in self.sublattices])

    @cached_property
    def exchange(self) -> Array:
        """J_v of each sublattice [eV m^3], shape (n, 3); refused as by `principal_exchange`."""
        return _kept([moments.principal_exchange for moments in self.sublattices]).reshape(-1, 3)

    def __bool__(self) -> bool:
        """Whether there are moments at all."""
        return bool(self.sublattices)


def _kept(values: Any) -> Array:
    """An array that is made once and stays as it is."""
    array = np.array(values, dtype=float)
    array.setflags(write=False)
    return array


def _without_moments() -> Magnet:
    """A magnet of no sublattices, which `Magnet` itself takes for a slip."""
    none = object.__new__(Magnet)
    _checks.settle(none, sublattices=(), weiss=(), disorder="random")
    return none


NO_MOMENTS: Final = _without_moments()
"""The magnet of a film without moments: every sum over its sublattices is 0."""


def _coupling_of_order(name: str, kelvin: float, moments: Moments) -> float:
    """J0 = 3 k_B T / S(S+1) [eV], with which moments order at T [K], Eqs. (30), (32)."""
    if moments.has_levels:
        raise ParameterError(
            f"`{name}` is for moments without levels of their own, got {moments!r}: "
            "give `weiss` in eV"
        )
    spin = moments.spin
    kelvin = float(ORDER.hold(name, _checks.number(name, kelvin, "K", least=0.0)))
    return 3.0 * units.K_B * kelvin / (spin * (spin + 1.0))


def _curie_coupling(moments: tuple[Moments, ...], kelvin: float) -> float:
    coupling = _coupling_of_order("curie_temperature", kelvin, moments[0])
    if len(moments) > 1:
        raise ParameterError(
            f"`curie_temperature` is for one sublattice, got {len(moments)}: give `weiss` in eV"
        )
    return coupling


def _neel_coupling(moments: tuple[Moments, ...], kelvin: float) -> list[list[float]]:
    coupling = _coupling_of_order("neel_temperature", kelvin, moments[0])
    kinds = {(one.spin, one.density) for one in moments}
    if len(moments) != 2 or len(kinds) > 1:
        raise ParameterError(
            "`neel_temperature` is for two sublattices of equal spin and density, got "
            + ", ".join(f"S = {one.spin:g} at {one.density:g} m^-3" for one in moments)
        )
    return [[0.0, -coupling], [-coupling, 0.0]]


def symmetrising_weights(weiss: Array) -> Array:
    """Positive weights w with w_i J_ij = w_j J_ji, largest 1, shape (n,); `ParameterError` if none.

    They are what makes the Weiss equations the stationarity of one free energy; for a matrix that
    obeys action = reaction they are the densities of the sublattices. Of couplings (n, n, 3, 3)
    w_i J_ij = w_j J_ji^T.
    """
    count = len(weiss)
    if weiss.ndim == 4:
        return _weights_of_matrices(weiss)
    if count == 1:
        return np.ones(1)
    weights = np.zeros(count)
    for root in range(count):
        if weights[root]:
            continue
        weights[root] = 1.0
        pending = [root]
        while pending:
            i = pending.pop()
            for j in np.flatnonzero((weights == 0) & (weiss[i] * weiss[:, i] > 0)):
                weights[j] = weights[i] * weiss[i, j] / weiss[j, i]
                pending.append(int(j))
    energy = weights[:, None] * weiss
    mismatch = np.abs(energy - energy.T)
    # each weight is a product of at most n ratios, each good to a few roundings of the input
    if np.any(mismatch > 16 * count * np.finfo(float).eps * np.abs(energy)):
        row, column = np.unravel_index(np.argmax(mismatch), mismatch.shape)
        raise ParameterError(
            "`weiss` must be reciprocal, w_i weiss[i][j] = w_j weiss[j][i] for some positive "
            f"weights w (the densities), got weiss[{row}][{column}] = "
            f"{weiss[row, column]:g} eV and weiss[{column}][{row}] = {weiss[column, row]:g} eV"
        )
    return np.asarray(weights / weights.max(initial=SMALLEST))


def _weights_of_matrices(weiss: Array) -> Array:
    """The same from the sizes of the matrices, and then every element looked at."""
    weights = symmetrising_weights(np.sqrt((weiss**2).sum(axis=(-2, -1))))
    energy = weights[:, None, None, None] * weiss
    mismatch = np.abs(energy - energy.transpose(1, 0, 3, 2))
    scale = np.abs(energy).max(axis=(-2, -1), keepdims=True)
    if np.any(mismatch > 16 * len(weiss) * np.finfo(float).eps * scale):
        i, j, a, b = np.unravel_index(np.argmax(mismatch), mismatch.shape)
        raise ParameterError(
            "`weiss` must be reciprocal, w_i weiss[i][j] = w_j weiss[j][i]^T for some positive "
            f"weights w (the densities), got weiss[{i}][{j}][{a}][{b}] = "
            f"{weiss[i, j, a, b]:g} eV and weiss[{j}][{i}][{b}][{a}] = {weiss[j, i, b, a]:g} eV"
        )
    return weights
