"""Relaxation, the record of every method, and the exchange part that a method finds for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from math import prod
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks, units
from openmr._checks import Array
from openmr.moments.grid import each
from openmr.moments.state import AtThermalState, ThermalState
from openmr.sample.film import Electrons, Sample
from openmr.tables import Column, shown

State = TypeVar("State", bound=ThermalState)
_MOST_TURNED: Final = 25 * 10**6
"""Points of tensors that are turned at once, 8 GiB."""
PRECESSION_GENERATOR = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
"""omega_L times this is the precession part of the tensor: d<sigma>/dt = +omega_L b x <sigma>."""


def precession_tensor(along: Array, across: Array | None = None) -> Array:
    """Precession part of the tensor, d<sigma>/dt = Omega x <sigma>, shape (..., 3, 3) [1/s].

    `along` is Omega_z (...), along b, `across` Omega_x and Omega_y (..., 2), in rad/s.
    """
    tensor = along[..., None, None] * PRECESSION_GENERATOR
    if across is not None:
        tensor[..., 1, 2], tensor[..., 2, 0] = across[..., 0], across[..., 1]
        tensor[..., 2, 1], tensor[..., 0, 2] = -across[..., 0], -across[..., 1]
    return np.asarray(tensor)


def expect_field_along_b(across: Array | None, *, electron_splitting: bool) -> None:
    """Refuse Bohr frequencies of an electron, if asked for, on which the field is not along b."""
    if electron_splitting and across is not None:
        raise _checks.ParameterError(
            "`electron_splitting` must be False for couplings with J_xz or J_yz, got True: the "
            "field on the electron is not along b, and its Bohr frequencies are not worked out"
        )


RATES: Final = {
    "longitudinal_rate": Column(lambda r: r.longitudinal, "1/s", "(70), (84)", "1/tau_par"),
    "transverse_rate": Column(
        lambda r: r.transverse, "1/s", "(75), (85)", "1/tau_perp, mean of two"
    ),
    "precession": Column(lambda r: r.precession, "rad/s", "(78)", "omega_L"),
    "charge_to_spin_rate": Column(lambda r: r.charge_to_spin, "1/s", "(62)", "1/T_0"),
}
"""Variables of a dataset of rates."""
_COLUMNS: Final = RATES | {
    "exchange_field": Column(lambda r: r.exchange_field, "T", "(78), (83)", "B_sd"),
    "tensor": Column(
        lambda r: r.tensor, "1/s", "(39)", "d sigma/dt = -tensor sigma", axes=("axis", "of_axis")
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation(AtThermalState):
    """Relaxation of the electron spin: d<sigma>/dt = -tensor . (<sigma> - <sigma>_eq).

    Local axes: the rows of R, Eq. (39), at theta = 0; z is the field direction b.

    Attributes
    ----------
    method : str
    equilibrium : Equilibrium or VectorEquilibrium
        Of the moments, at the same points.
    dissipator : array (..., 3, 3), 1/s
        Exchange part of the relaxation without precession and without 1/tau_0.
    precession : array (...), rad/s
        omega_L, signed, Eq. (78); where `precession_across` is given, the component along b.
    charge_to_spin : array (...), 1/s
        1/T_0, Eq. (62), along b.
    spin_flip_rate : float, 1/s
        1/tau_0 of the film.
    azimuth : float or array (...), rad
        By how much the axes of the tensor are turned about b, Eq. (39); (Jx, Jy) lie along those
        of azimuth 0.
    uncertainty : array (..., 3, 3), 1/s, or None
        Of `exchange_tensor`, where the method knows one.
    diagnostics : mapping of str to array or float
        Numbers by which the method judges itself; `rates.methods` has their units and meanings.
    precession_across : array (..., 2), rad/s, or None
        Components of the precession along the local x and y, which a coupling matrix with J_xz
        or J_yz gives; None where it is about b alone.
    """

    SCHEMA = "openmr/relaxation/1"
    COLUMNS = _COLUMNS
    method: str
    equilibrium: ThermalState
    dissipator: Array
    precession: Array
    charge_to_spin: Array
    spin_flip_rate: float = 0.0
    azimuth: ArrayLike = 0.0
    uncertainty: Array | None = None
    diagnostics: Mapping[str, Any] = dataclass_field(default_factory=dict)
    precession_across: Array | None = None

    @property
    def sample(self) -> Sample:
        """The film whose electrons relax."""
        return self.equilibrium.sample

    def _about(self) -> dict[str, Any]:
        return {"sample": self.sample.name, "method": self.method}

    @property
    def exchange_tensor(self) -> Array:
        """Exchange part with precession, without 1/tau_0 [1/s], shape (..., 3, 3)."""
        turning = precession_tensor(self.precession, self.precession_across)
        return np.asarray(self.dissipator + turning)

    @property
    def tensor(self) -> Array:
        """The whole tensor [1/s], shape (..., 3, 3); ``tensor[..., 0, 1] = +omega_L``."""
        return np.asarray(self.exchange_tensor + self.spin_flip_rate * np.eye(3))

    @property
    def longitudinal(self) -> Array:
        """1/tau_par [1/s], Eq. (84): of spins along the field b."""
        return np.asarray(self.dissipator[..., 2, 2] + self.spin_flip_rate)

    @property
    def transverse(self) -> Array:
        """1/tau_perp [1/s], Eq. (85): mean of the two transverse rates."""
        mean = 0.5 * (self.dissipator[..., 0, 0] + self.dissipator[..., 1, 1])
        return np.asarray(mean + self.spin_flip_rate)

    @property
    def principal_rates(self) -> Array:
        """Eigenvalues of the symmetric part of the tensor [1/s], ascending, shape (..., 3).

        Rates along the axes in which spins that do not precess decay each on their own.
        """
        symmetric = 0.5 * (self.dissipator + np.swapaxes(self.dissipator, -1, -2))
        return np.asarray(np.linalg.eigvalsh(symmetric) + self.spin_flip_rate)

    @property
    def tau_longitudinal(self) -> Array:
        """tau_par [s]; ``inf`` where nothing relaxes."""
        return times_of(self.longitudinal)

    @property
    def tau_transverse(self) -> Array:
        """tau_perp [s]; ``inf`` where nothing relaxes."""
        return times_of(self.transverse)

    @property
    def exchange_field(self) -> Array:
        """B_sd = B - hbar omega_L / (g mu_B) [T] along b, Eqs. (78), (83)."""
        return np.asarray(
            self.field - units.HBAR * self.precession / (self.sample.electrons.g * units.MU_B)
        )

    def along(self, axis: ArrayLike) -> Array:
        """Relaxation rate of spins quantised along any axis, Eqs. (45), (46) [1/s].

        Parameters
        ----------
        axis : array_like (..., 2), rad
            Polar angle theta and azimuth phi of Eqs. (35)-(39); broadcasts with the grid.

        Returns
        -------
        array (...), 1/s
            With 1/tau_0 in it.

        Raises
        ------
        ParameterError
            For angles of a wrong shape, or not finite.
        """
        angles = _checks.finite_array("axis", axis, "rad")
        if angles.ndim == 0 or angles.shape[-1] != 2:
            raise _checks.ParameterError(
                f"`axis` must have a last axis (theta, phi) in rad, got shape {angles.shape}"
            )
        _, here = _checks.broadcast(axis=angles[..., 0], temperature=self.temperature)
        names = "`axis` and `temperature`"
        _checks.refuse_many(names, here.size, most=_MOST_TURNED, bytes_each=320)
        n = quantisation_axis(angles[..., 0], angles[..., 1])
        rate = np.einsum("...a,...ab,...b->...", n, self.dissipator, n)
        return np.asarray(rate + self.spin_flip_rate)

    def rotated(self, azimuth: ArrayLike) -> Relaxation:
        """The same relaxation in local axes turned by an azimuth phi [rad], Eq. (39).

        Parameters
        ----------
        azimuth : array_like (...), rad
            From the axes of azimuth 0.

        Returns
        -------
        Relaxation
            With its tensors written in the turned axes.

        Raises
        ------
        ParameterError
            For an azimuth that is not finite, or does not broadcast with the grid.
        """
        if isinstance(azimuth, float) and azimuth == 0.0:
            return self
        azimuth = _checks.finite_array("azimuth", azimuth, "rad")
        grid = _checks.broadcast(azimuth=azimuth, temperature=self.temperature)[0].shape
        names = "`azimuth` and `temperature`"
        _checks.refuse_many(names, prod(grid), most=_MOST_TURNED, bytes_each=320)
        turn, here = rotation(0.0, azimuth), spread_over(self, grid)
        total = np.asarray(self.azimuth) + azimuth
        across = self.precession_across
        return replace(
            here,
            dissipator=turn @ self.dissipator @ np.swapaxes(turn, -1, -2),
            azimuth=np.broadcast_to(total, grid) if np.ndim(total) else total,
            precession_across=None
            if across is None
            else (turn[..., :2, :2] @ across[..., None])[..., 0],
            uncertainty=None
            if self.uncertainty is None
            else np.abs(turn) @ self.uncertainty @ np.abs(np.swapaxes(turn, -1, -2)),
        )

    @property
    def _excess(self) -> float:
        """Largest exchange rate over the largest frequency of the noise, k_B T or the splitting."""
        state = self.equilibrium
        largest = np.maximum(units.K_B * state.temperature, state.spread) / units.HBAR
        rate = np.abs(np.diagonal(self.dissipator, axis1=-2, axis2=-1)).max(axis=-1)
        return float(np.max(rate / largest, initial=0.0))

    def __repr__(self) -> str:
        where = f"T = {shown(self.temperature)} K, B = {shown(self.field)} T"
        lines = [
            f"{'Relaxation  ' + self.method:<38}{self.sample.name}, {where}",
            f"  longitudinal   : {shown(self.longitudinal)} 1/s  "
            f"(tau {shown(1e12 * self.tau_longitudinal)} ps)",
            f"  transverse     : {shown(self.transverse)} 1/s  "
            f"(tau {shown(1e12 * self.tau_transverse)} ps)",
            f"  precession     : {shown(self.precession)} rad/s  "
            f"(exchange field {shown(self.exchange_field)} T)",
            f"  charge_to_spin : {shown(self.charge_to_spin)} 1/s",
        ]
        if "bath" in self.diagnostics:  # not that of a Fermi sea
            kinds = ", ".join(sorted(set(np.ravel(self.diagnostics["bath"]))))
            lines.append(f"  bath           : {kinds}, not the Fermi sea's")
        if (excess := self._excess) > 1:
            lines.append(
                f"  warning        : {excess:.2g} times k_B T / hbar and the splitting: too fast "
                "for a rate that is constant (n_S J is in eV)"
            )
        return "\n".join(lines)


def spread_over(found: Relaxation, grid: tuple[int, ...]) -> Relaxation:
    """The same record at the points of a larger grid, without a copy."""
    old = len(found.temperature.shape)
    here: Relaxation = each(lambda a: np.broadcast_to(a, (*grid, *a.shape[old:])), found)
    return here


def times_of(rates: Array) -> Array:
    """Inverse of rates; ``inf`` for 0."""
    return np.divide(1.0, rates, out=np.full_like(rates, np.inf), where=rates != 0)


def rotation(theta: ArrayLike, phi: ArrayLike) -> Array:
    """Matrix R of Eq. (39), shape (..., 3, 3); its rows are the local axes."""
    theta, phi = np.broadcast_arrays(np.asarray(theta, float), np.asarray(phi, float))
    ct, st, cp, sp = np.cos(theta), np.sin(theta), np.cos(phi), np.sin(phi)
    zero = np.zeros_like(ct)
    rows = [[ct * cp, -ct * sp, st], [sp, cp, zero], [-st * cp, st * sp, ct]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quantisation_axis(theta: ArrayLike, phi: ArrayLike) -> Array:
    """Unit vector of Eq. (37), third row of R, shape (..., 3)."""
    return np.asarray(rotation(theta, phi)[..., 2, :])


def spin_polarised_loss(electrons: Electrons, flip_rate: Array) -> Array:
    """1/T_0 from counting flips: an up electron falls into nu_down states, and the reverse.

    d(N_up - N_down)/dt = -2 (k_up N_up - k_down N_down) with k_up = nu_down k, k_down = nu_up k
    leaves the charge N_up + N_down the factor k_up - k_down, while the spin decays at
    k_up + k_down = `flip_rate`.
    """
    if electrons.dos_up == electrons.dos_down:
        return np.zeros_like(flip_rate)
    total = electrons.dos_up + electrons.dos_down
    return np.asarray(flip_rate * ((electrons.dos_down - electrons.dos_up) / total))


class ExchangePart(NamedTuple):
    """A method's answer, at one point or on a grid; what is not said here is as of `Relaxation`."""

    dissipator: Array  # (..., 3, 3), 1/s
    precession: Any  # rad/s
    uncertainty: Array | None = None
    diagnostics: Mapping[str, Any] = MappingProxyType({})
    charge_to_spin: Any = None  # 1/s; None where it is to be counted from the flips
    precession_across: Array | None = None


def on_grid(grid: tuple[int, ...], points: Sequence[ExchangePart]) -> ExchangePart:
    """The exchange part on a grid from those of its points, given in C order."""

    def stacked(*values: Any) -> Any:
        if isinstance(values[0], Mapping):
            return {name: stacked(*(value[name] for value in values)) for name in values[0]}
        return None if values[0] is None else np.reshape(values, (*grid, *np.shape(values[0])))

    if not points:
        return ExchangePart(np.zeros((*grid, 3, 3)), np.zeros(grid))
    return ExchangePart(*map(stacked, *points))


def pointwise(
    state: State, work: Callable[[State], ExchangePart], points: Iterable[State] | None = None
) -> ExchangePart:
    """`work` of every point of the grid, or of its `points` behind a bar; failures say where."""
    found = []
    for point in state.points() if points is None else points:
        try:
            found.append(work(point))
        except (_checks.ConvergenceError, _checks.ExtractionError) as error:
            where = f"at {float(point.temperature):g} K and {float(point.field):g} T"
            raise type(error)(f"{error} ({where})") from None
    return on_grid(state.temperature.shape, found)


def zero_tensor(grid: tuple[int, ...]) -> Array:
    """Zeros (..., 3, 3) whose elements each lie in one piece over the points."""
    return np.zeros((3, 3, *grid)).transpose(*range(2, 2 + len(grid)), 0, 1)


def over_sublattices(parts: Any) -> Any:
    """Sum over the last axis; for one sublattice without a pass, and the number of one as it is."""
    if isinstance(parts, float):
        return parts
    return np.asarray(parts[..., 0] if parts.shape[-1] == 1 else parts.sum(axis=-1))
