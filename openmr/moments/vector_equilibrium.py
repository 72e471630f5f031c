"""Thermal state of moments with axes of their own, which need not lie along the field.

Vectors are in coordinates of the film: x along the current, z along its normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from openmr import _checks, units
from openmr._checks import Array, ParameterError
from openmr._words import Branch
from openmr.moments.levels import (
    AxialLevels,
    Levels,
    axial_levels,
    levels,
    means,
)
from openmr.moments.state import ThermalState
from openmr.moments.vector_descent import VectorProblem, exchanges, free_axes, kinds, stability
from openmr.moments.vector_weiss import followed, lowest
from openmr.sample.film import Sample
from openmr.sample.magnet import Magnet, symmetrising_weights
from openmr.tables import Column, shown

_TURNED = 1e-10
"""Angle [rad] by which moments, fields and axes may differ and still be taken for parallel."""

_COLUMNS = {
    **ThermalState.COLUMNS,
    "order_vector": Column(
        lambda state: state.mean, "1", "", "<S> in the film's axes", axes=("sublattice", "axis")
    ),
    "stability": Column(
        lambda state: state.stability, "1", "", "smallest curvature of the free energy"
    ),
}


@dataclass(frozen=True, repr=False, eq=False)
class VectorEquilibrium(ThermalState):
    """Thermal state of the moments; sublattices are the axis before the components.

    Attributes
    ----------
    sample : Sample
    temperature, field : array (...), K and T
    direction : array (..., 3), no unit
        Unit vector b of the field.
    drive : array (..., n, 3), eV
        h of H_i + h.S, what acts on each sublattice: field and exchange.
    """

    COLUMNS = _COLUMNS

    direction: Array
    drive: Array

    @property
    def _beta(self) -> Array:
        return np.asarray(1.0 / (units.K_B * self.temperature))

    @cached_property
    def mean(self) -> Array:
        """<S_i>, the order vector of each sublattice, shape (..., n, 3)."""
        grid, n = self.temperature.shape, len(self.magnet.sublattices)
        found = np.empty((self.temperature.size, n, 3))
        drive, beta = self.drive.reshape(found.shape), self._beta.ravel()
        for i, moments in enumerate(self.magnet.sublattices):
            axes = moments.crystal_axes
            own = drive[:, i] @ axes.T
            found[:, i] = means(moments.crystal_hamiltonian, moments.spin, own, beta) @ axes
        return found.reshape(*grid, n, 3)

    def _across(self, sublattice: int) -> str:
        return f", vector ({', '.join(shown(self.mean[..., sublattice, a]) for a in range(3))})"

    @cached_property
    def mean_spin(self) -> Array:
        """<S_par> along the field direction b, shape (..., n)."""
        axial = [self.axial(i) for i in range(len(self.magnet.sublattices))]
        if any(one is None for one in axial):
            return np.asarray(np.einsum("...ia,...a->...i", self.mean, self.direction))
        return np.stack([one.mean_spin for one in axial if one is not None], axis=-1)

    @cached_property
    def stability(self) -> Array:
        """Smallest eigenvalue of the curvature of the free energy, shape (...); 1 without exchange.

        It is 0 where the state ends. Free rotations, which cost nothing, are left out.
        """
        grid = self.temperature.shape
        if not np.any(self.magnet.weiss):
            return np.ones(grid)
        points = self.temperature.ravel(), self.field.ravel(), self.direction.reshape(-1, 3)
        drive = self.drive.reshape(-1, len(self.magnet.sublattices), 3)
        return stability(_problem(self.magnet, *points), drive).reshape(grid)

    def axial(self, sublattice: int) -> AxialLevels | None:
        """Levels of S_par along b, if they are those of one sublattice; no diagonalisation.

        Parameters
        ----------
        sublattice : int
            Which one, from 0.

        Returns
        -------
        AxialLevels or None
            None where the Hamiltonian does not commute with S_par at some point.
        """
        moments, drive = self.magnet.sublattices[sublattice], self.drive[..., sublattice, :]
        crystal = moments.crystal_hamiltonian
        own = np.diagonal(crystal).real
        along = (drive * self.direction).sum(axis=-1)
        across = drive - along[..., None] * self.direction
        size = np.abs(drive).max(axis=-1, keepdims=True, initial=0.0)
        if np.any(crystal != np.diag(own)) or np.any(np.abs(across) > _TURNED * size):
            return None
        m = moments.spin - np.arange(len(own))
        if np.ptp(own) > 0:
            z = moments.crystal_axes[2]
            sign = np.sign(self.direction @ z)[..., None]
            if np.any(np.abs(self.direction - sign * z) > _TURNED):
                return None
            own = np.asarray(np.where(sign > 0, own, own[::-1]))
        energies = (own + along[..., None] * m) * self._beta[..., None]
        return axial_levels(np.asarray(energies), np.asarray(m))

    def levels(self, sublattice: int) -> Levels:
        """Levels of one sublattice in the axes of its crystal.

        Parameters
        ----------
        sublattice : int
            Which one, from 0.

        Returns
        -------
        Levels
            Arrays (...), (..., d), (..., d) and (..., 3, d, d).
        """
        moments = self.magnet.sublattices[sublattice]
        grid = self.temperature.shape
        own = self.drive[..., sublattice, :].reshape(-1, 3) @ moments.crystal_axes.T
        found = levels(moments.crystal_hamiltonian, moments.spin, own, self._beta.ravel())
        return Levels(*(array.reshape((*grid, *array.shape[1:])) for array in found))

    @property
    def spread(self) -> Array:
        """Highest level over the lowest, of any sublattice [eV], shape (...)."""
        heights = [self.levels(i).energies[..., -1] for i in range(len(self.magnet.sublattices))]
        return np.asarray(np.max(heights, axis=0) / self._beta)

    @property
    def free_energy(self) -> Array:
        """F per w of the first sublattice [eV], shape (...).

        sum_i w_i [-k_B T ln Z_i + (h0_i - h_i).<S_i>] - (1/2) sum_ij w_i <S_i>.J0_ij <S_j>, with
        the weights of `Magnet.weiss` over the first; the constant of a matrix `hamiltonian` is 0.
        """
        weights = symmetrising_weights(np.array(self.magnet.weiss))
        weights = weights / weights[0]
        kelvin = units.K_B * self.temperature
        zeeman = _zeeman(self.magnet, self.field, self.direction)
        pull = np.einsum("ijab,...jb->...ia", self.magnet.couplings, self.mean)
        rest = ((zeeman - self.drive - 0.5 * pull) * self.mean).sum(axis=-1)
        logs = [self.levels(i).log_partition for i in range(len(weights))]
        return np.asarray((weights * (rest - kelvin[..., None] * np.stack(logs, -1))).sum(axis=-1))


def _turned_g(magnet: Magnet) -> Array:
    """g^T of each sublattice in coordinates of the film, shape (n, 3, 3)."""
    found = [one.crystal_axes.T @ one.g_tensor.T @ one.crystal_axes for one in magnet.sublattices]
    return np.array(found)


def _zeeman(magnet: Magnet, field: Array, direction: Array) -> Array:
    """mu_B g^T B of each sublattice, shape (..., n, 3) [eV]."""
    along = np.einsum("iab,...b->...ia", _turned_g(magnet), direction)
    return np.asarray(units.MU_B * field[..., None, None] * along)


def _problem(magnet: Magnet, kelvin: Array, tesla: Array, b: Array) -> VectorProblem:
    """The self-consistency problem at points (p,)."""
    hamiltonians = [one.crystal_hamiltonian for one in magnet.sublattices]
    axes = np.array([one.crystal_axes for one in magnet.sublattices])
    weights, g = symmetrising_weights(np.array(magnet.weiss)), _turned_g(magnet)
    alike = kinds(hamiltonians, axes)
    return VectorProblem(
        spins=magnet.spins,
        hamiltonians=hamiltonians,
        axes=axes,
        weights=weights,
        weiss=magnet.couplings,
        beta=1.0 / (units.K_B * kelvin),
        zeeman=_zeeman(magnet, tesla, b),
        along=np.einsum("iab,pb->pia", g, b),
        kinds=alike,
        exchanges=exchanges(alike, g, weights, magnet.couplings),
        free_axes=free_axes(hamiltonians, magnet.spins, axes, magnet.couplings),
    )


def solved(
    magnet: Magnet, temperature: Array, field: Array, direction: Array, branch: Branch
) -> Array:
    """Drives (..., n, 3) at points broadcast to one shape.

    Parameters
    ----------
    magnet : Magnet
    temperature, field : array (...), K and T
    direction : array (..., 3), no unit
    branch : {"lowest", "up", "down"}

    Returns
    -------
    array (..., n, 3), eV
        On the grid.
    """
    grid, n = temperature.shape, len(magnet.sublattices)
    kelvin, tesla, b = temperature.ravel(), field.ravel(), direction.reshape(-1, 3)
    if not np.any(magnet.weiss):
        return _zeeman(magnet, tesla, b).reshape(*grid, n, 3)
    problem = _problem(magnet, kelvin, tesla, b)
    drive = np.empty((len(kelvin), n, 3))
    if branch == "lowest":
        pieces = [np.arange(len(kelvin))] if len(kelvin) else []
    else:
        pieces = _curves(kelvin, tesla, b, branch)
    for piece in pieces:
        drive[piece] = (lowest if branch == "lowest" else followed)(problem.at(piece))
    return drive.reshape(*grid, n, 3)


def _curves(kelvin: Array, tesla: Array, b: Array, branch: Branch) -> list[np.ndarray]:
    """Indices of the points of each temperature and direction, in the order of the sweep."""
    _, curve = np.unique(np.column_stack([kelvin, b]), axis=0, return_inverse=True)
    found = []
    for k in range(curve.max(initial=-1) + 1):
        where = np.flatnonzero(curve == k)
        order = np.argsort(tesla[where], kind="stable")
        found.append(where[order if branch == "up" else order[::-1]])
    return found


def refuse_branch(branch: Branch, sample: Sample) -> None:
    """Refuse a branch of moments that always lie along the field in their lowest state.

    Parameters
    ----------
    branch : str
    sample : Sample

    Raises
    ------
    ParameterError
        For no branch; for another than the lowest of a stack, or of moments without axes of
        their own.
    """
    _checks.choice("branch", branch, Branch)
    if branch != "lowest" and sample.is_stack:
        raise ParameterError(f"`branch` must be 'lowest' for a stack, got {branch!r}")
    if branch != "lowest" and not sample.magnet.is_oriented:
        raise ParameterError(
            f"`branch` must be 'lowest' for moments without axes of their own, got {branch!r}"
        )
