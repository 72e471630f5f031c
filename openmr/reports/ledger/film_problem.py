"""The film without any formula of the paper: rates from matrices, profiles by propagation.

Lengths in nm, times in ps; sigma_D, the electron's charge and the electric field are arbitrary
numbers, so that each of them counts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import expm

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import PAULI, electron_hole_spectrum, spin_matrices
from openmr.moments.equilibrium import equilibrium
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation
from openmr.reports.ledger.deviations import ANGLES, Series
from openmr.sample import presets
from openmr.sample.film import Sample
from openmr.units import HBAR, MU_B

PER_PS = 1e-12
NM = 1e9
ALONG = (1.0, 0.0, 0.0)
ASIDE = (0.0, 1.0, 0.0)
NORMAL = (0.0, 0.0, 1.0)
OBLIQUE = ((0.36, -0.48, 0.8), (-0.8, 0.36, -0.48), (0.48, 0.6, -0.64))


# --- relaxation in axes of the film ----------------------------------------------------------


def film_axes_tensor(sample: Sample, temperature: float, field: float, direction: Array) -> Array:
    """Gamma of d<sigma>/dt = -Gamma <sigma> in axes of the film [1/s].

    Born-Markov in the joint space of an electron and a moment that points along `direction`, with
    the electron-hole continuum as bath; nothing is turned, no rate is named. Coupling isotropic.
    """
    state = equilibrium(sample, temperature, field)
    h = 0.5 * sample.electrons.g * MU_B * field / HBAR * _component(PAULI, direction)
    gamma = sample.film.spin_flip_rate * np.eye(3)
    for moments, x in zip(sample.magnet.sublattices, state.reduced_splitting, strict=True):
        spins = spin_matrices(moments.spin)
        levels, vectors = np.linalg.eigh(x * _component(spins, direction))
        weights = np.exp(levels.min() - levels)
        thermal = (vectors * weights / weights.sum()) @ vectors.conj().T
        parts = [j * np.kron(s, m) for j, s, m in zip(moments.exchange, PAULI, spins, strict=True)]
        coupling = -0.5 * np.sum(parts, axis=0)
        mean = coupling.reshape(2, len(levels), 2, len(levels))
        h = h + moments.density / HBAR * np.einsum("iajb,ba->ij", mean, thermal)
        noise = 2 * np.pi * moments.density * sample.electrons.dos / HBAR
        gamma = gamma + noise * _dissipator(coupling, levels, vectors, thermal)
    return gamma + _bloch(lambda s: -1j * (h @ s - s @ h))


def _component(operators: ComplexArray, direction: Array) -> ComplexArray:
    return np.asarray(np.einsum("a,aij->ij", direction, operators))


def _bloch(change: Callable[[ComplexArray], ComplexArray]) -> Array:
    return np.array([[-0.5 * np.trace(a @ change(b)).real for b in PAULI] for a in PAULI])


def _dissipator(
    coupling: ComplexArray, levels: Array, vectors: ComplexArray, thermal: ComplexArray
) -> Array:
    basis = np.kron(np.eye(2), vectors)
    energy = np.tile(levels, 2)
    given = energy[None, :] - energy[:, None]  # to the bath, by the element <i|A|j>
    inside = basis.conj().T @ coupling @ basis
    after = basis @ (0.5 * electron_hole_spectrum(given) * inside) @ basis.conj().T

    def change(s: ComplexArray) -> ComplexArray:
        rho = np.kron(s, thermal)
        half = after @ rho @ coupling - coupling @ after @ rho
        whole = half + half.conj().T
        return np.asarray(np.einsum("iaja->ij", whole.reshape(2, len(levels), 2, len(levels))))

    return _bloch(change)


# --- one film --------------------------------------------------------------------------------


class Film(NamedTuple):
    """A film at one temperature and field, in nm and ps.

    The rates are those of Eqs. (84), (85), (78) and serve the formulas as input; the tensor in
    axes of the film is found from matrices and serves the references.
    """

    b: Array
    rates: Relaxation
    tensor: Array
    d: float
    D: float
    theta: float
    sigma: float = 0.7
    e: float = 1.3
    E: float = 0.9

    @property
    def m(self) -> Array:
        """Components m_1, m_2, m_3 at indices 1, 2, 3, as the paper counts."""
        return np.array([np.nan, *self.b])

    @property
    def tau_par(self) -> float:
        """1 over Eq. (84)."""
        return float(self.rates.tau_longitudinal) / PER_PS

    @property
    def tau_perp(self) -> float:
        """1 over Eq. (85)."""
        return float(self.rates.tau_transverse) / PER_PS

    @property
    def omega(self) -> float:
        """Eq. (78)."""
        return float(self.rates.precession) * PER_PS

    @property
    def l_par(self) -> float:
        """sqrt(D tau_par)."""
        return float(np.sqrt(self.D * self.tau_par))

    @property
    def l_perp(self) -> float:
        """sqrt(D tau_perp)."""
        return float(np.sqrt(self.D * self.tau_perp))

    @property
    def l_L(self) -> float:
        """sqrt(D / omega_L), for omega_L > 0."""
        return float(np.sqrt(self.D / self.omega))

    @property
    def J_SH(self) -> float:
        """Theta sigma E."""
        return self.theta * self.sigma * self.E

    @property
    def matrix(self) -> Array:
        """Gamma / D, in axes of the film."""
        return self.tensor / self.D


def film(sample: Sample, temperature: float, field: float, direction: tuple[float, ...]) -> Film:
    """The sample's film; `direction` is that of the field."""
    b = np.asarray(direction, float)
    return Film(
        b=b,
        rates=relaxation(sample, temperature, field),
        tensor=film_axes_tensor(sample, temperature, field, b) * PER_PS,
        d=sample.film.thickness * NM,
        D=sample.film.diffusion * NM**2 * PER_PS,
        theta=sample.film.spin_hall_angle,
    )


@cache
def films() -> list[Film]:
    """Anisotropic relaxation and precession of like size, three directions."""
    points = ((-2e-3, 10.0, 36.0), (-1e-3, 25.0, 19.0), (-1.5e-3, 15.0, 28.0))
    return [
        film(presets.pt_py(coupling), temperature, field, direction)
        for (coupling, temperature, field), direction in zip(points, OBLIQUE, strict=True)
    ]


# --- diffusion across it ---------------------------------------------------------------------


def propagator(matrix: Any, z: float) -> Any:
    """(mu, mu')(z) from (mu, mu')(0) for mu'' = matrix mu."""
    n = len(matrix)
    return expm(z * np.block([[np.zeros((n, n)), np.eye(n)], [matrix, np.zeros((n, n))]]))


def start(matrix: Any, d: float, slope: Array) -> Any:
    """mu(0) for mu'(0) = mu'(d) = slope."""
    n = len(matrix)
    across = propagator(matrix, d)
    return np.linalg.solve(across[n:, :n], slope - across[n:, n:] @ slope)


def at(matrix: Any, z: float, value: Any, slope: Any) -> tuple[Any, Any]:
    """(mu, mu')(z)."""
    both = propagator(matrix, z) @ np.concatenate([value, slope])
    return both[: len(matrix)], both[len(matrix) :]


def slopes(f: Film, electric: Array) -> Array:
    """Slope of mu at the faces, where -(sigma/2e) mu' + theta sigma (a x E)_z vanishes."""
    return np.array([2 * f.e * f.theta * np.cross(a, electric)[2] for a in np.eye(3)])


def spin_profile(f: Film, z: float, electric: Array | None = None) -> tuple[Array, Array]:
    """Mu and mu' at depth z, for E along x unless given."""
    slope = slopes(f, np.array([f.E, 0.0, 0.0]) if electric is None else electric)
    return at(f.matrix, z, start(f.matrix, f.d, slope), slope)


def charge_current(f: Film, z: float, electric: Array) -> Array:
    """j_c at depth z: the inverse effect acts on the whole spin current, drift and diffusion."""
    _, slope = spin_profile(f, z, electric)
    current = f.sigma * electric
    for a, gradient in zip(np.eye(3), slope, strict=True):
        spin_current = f.theta * f.sigma * np.cross(a, electric)
        spin_current = spin_current - f.sigma / (2 * f.e) * gradient * np.array([0.0, 0.0, 1.0])
        current = current + f.theta * np.cross(a, spin_current)
    return np.asarray(current)


def conductivity(f: Film, nodes: int = 24) -> Array:
    """2x2 conductivity over sigma_D: the charge current averaged over z by Gauss quadrature."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    columns = [
        sum(
            0.5 * w * charge_current(f, 0.5 * f.d * (1 + x), electric)
            for x, w in zip(points, weights, strict=True)
        )
        for electric in np.eye(3)[:2]
    ]
    return np.stack(columns, axis=1)[:2] / f.sigma


def resistivity(f: Film) -> Array:
    """2x2 resistivity over rho_L0, exact in theta."""
    return np.asarray(np.linalg.inv(conductivity(f)), float)


def by_angle(row: int, sample: Sample, temperature: float, field: float) -> Series:
    """rho_xx or rho_yx over rho_L0 at all orders, for a falling spin Hall angle."""
    found = [film(sample, temperature, field, axis) for axis in OBLIQUE]
    angled = [[f._replace(theta=float(angle)) for f in found] for angle in ANGLES]
    return Series(ANGLES, [[((f,), resistivity(f)[row, 0]) for f in alike] for alike in angled])


def surviving(f: Film) -> Array:
    """Mean diffusion current of polarisation a over minus a source of polarisation b, (3, 3)."""
    value = start(f.matrix, f.d, np.eye(3))
    across = propagator(f.matrix, f.d)
    end = across[:3, :3] @ value + across[:3, 3:]
    return np.asarray((end - value) / f.d)


# --- modes -----------------------------------------------------------------------------------


class Modes(NamedTuple):
    """Eigenvectors as columns and their inverse, in the order of the paper."""

    inverse_square: ComplexArray
    vectors: ComplexArray
    inverse: ComplexArray

    @property
    def length(self) -> ComplexArray:
        """l_nu."""
        return self.inverse_square**-0.5


def modes(matrix: Array, b: Array) -> Modes:
    """Normalised eigenvectors; 1 and 2 turn with +i and -i and have a negative first component."""
    values, vectors = np.linalg.eig(matrix)
    order = np.argsort(-values.imag)[[0, 2, 1]]
    values, vectors = values[order], vectors[:, order] / np.linalg.norm(vectors[:, order], axis=0)
    phase = np.append(-vectors[0, :2] / np.abs(vectors[0, :2]), np.sign(b @ vectors[:, 2].real))
    vectors = vectors / phase
    return Modes(values, vectors, np.linalg.inv(vectors))
