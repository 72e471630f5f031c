"""Moments and spin diffusion from the numbers of a sample alone; no file of the line is used.

The Weiss field by descent of the free energy, Eqs. (29)-(33), and the boundary-value problem (81),
(82) by spectral elements [Patera1984]: neither knows a formula that it is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from openmr import units
from openmr._checks import EPSILON, Array
from openmr.sample.film import Film
from openmr.sample.magnet import Magnet

# --- moments ---------------------------------------------------------------------------------


class Averages(NamedTuple):
    """Boltzmann sums of one moment with H = x S_par (in k_B T), and the logarithm of Z."""

    mean: float
    square: float
    flip_up: float
    flip_down: float
    log_z: float


def boltzmann(spin: float, x: float) -> Averages:
    """<S_par>, <S_par^2>, <S_- S_+>, <S_+ S_-> by a sum over the levels."""
    m = np.arange(-spin, spin + 1)
    p = np.exp(-x * m - abs(x) * spin)
    z = p.sum()
    up, down = (spin - m) * (spin + m + 1), (spin + m) * (spin - m + 1)
    averages = [float(values @ p / z) for values in (m, m * m, up, down)]
    return Averages._make([*averages, float(np.log(z) + abs(x) * spin)])


def reduced_splittings(magnet: Magnet, temperature: float, field: float) -> tuple[Array, Array]:
    """Beta eps_L (n,) where the free energy of product states is lowest, and its rounding.

    Of states equal in it the one of least Zeeman energy, net moment, first moment, second moment.
    """
    from scipy.optimize import minimize  # not for `import openmr` to wait for

    order, spins = sum(ordering_temperatures(magnet)), magnet.spins
    if not magnet or (field == 0 and temperature >= order * (1 - 16 * EPSILON)):
        # below by a rounding there is an order of about its root
        near = temperature <= order * (1 + 16 * EPSILON)
        return np.zeros(len(spins)), np.full(len(spins), 8 * (16 * EPSILON) ** 0.5 * near)
    beta = 1 / (units.K_B * temperature)
    g = np.array([moments.single_g for moments in magnet.sublattices])
    zeeman, coupling = beta * units.MU_B * g * field, beta * np.array(magnet.weiss)
    weights = _reciprocal_weights(coupling)

    def at(x: Array) -> tuple[Array, Array, Array]:
        sums = [boltzmann(spin, one) for spin, one in zip(spins, x.tolist(), strict=True)]
        mean, square, _, _, log_z = np.array(sums).T
        return mean, square - mean**2, log_z

    def free_energy(x: Array) -> tuple[float, Array]:
        mean, variance, log_z = at(x)
        pull = coupling @ mean
        energy = weights @ ((zeeman - x - 0.5 * pull) * mean - log_z)
        return float(energy), weights * variance * (x - zeeman + pull)

    # no start is symmetric under an exchange of sublattices: descent would keep to the symmetry
    signs = np.array(list(product((-1, 1), repeat=len(g)))) * np.linspace(1, 0.9, len(g))
    starts = sorted(signs * spins, key=lambda m: weights @ ((zeeman - 0.5 * coupling @ m) * m))
    minima = []
    for start in starts[:_STARTS]:
        x = minimize(free_energy, zeeman - coupling @ start, jac=True, method="BFGS").x
        for _ in range(_POLISHING):  # Newton's steps on what saturation does not flatten
            mean, variance, _ = at(x)
            stiffness = np.eye(len(g)) - coupling * variance
            step = np.linalg.lstsq(stiffness, zeeman - coupling @ mean - x, rcond=EPSILON)[0]
            x = x + step
            if np.all(np.abs(step) <= 4 * EPSILON * np.abs(x)):
                break
        mean = at(x)[0]
        key = [weights * zeeman @ mean, weights * g @ mean, *mean]
        with np.errstate(over="ignore"):
            minima.append((free_energy(x)[0], np.round(key, 9).tolist(), x, stiffness))
    lowest = min(energy for energy, *_ in minima)
    equal = [one for one in minima if one[0] <= lowest + _EQUAL * (1 + abs(lowest))]
    _, _, x, stiffness = min(equal, key=lambda one: one[1])
    drive = np.abs(zeeman) + np.abs(coupling) @ spins
    rounding = 16 * EPSILON * np.abs(np.linalg.pinv(stiffness, rcond=1e-18)) @ drive
    return np.where(np.abs(x) <= rounding, 0.0, x), rounding


_STARTS, _POLISHING, _EQUAL = 64, 50, 1e-10


def _reciprocal_weights(coupling: Array) -> Array:
    """Weights w with w_i J_ij = w_j J_ji, from their logarithms."""
    pairs = np.argwhere(np.triu(coupling, 1))
    rows = np.array([np.eye(len(coupling))[i] - np.eye(len(coupling))[j] for i, j in pairs])
    ratios = [np.log(coupling[j, i] / coupling[i, j]) for i, j in pairs]
    if not ratios:
        return np.ones(len(coupling))
    return np.asarray(np.exp(np.linalg.lstsq(rows, np.array(ratios), rcond=None)[0]))


def ordering_temperatures(magnet: Magnet) -> tuple[float, float]:
    """T_C and T_N [K]: where a matrix of Curie's law, J0_ij <S_j^2> / k_B, has the eigenvalue T."""
    if not magnet:
        return 0.0, 0.0
    squares = np.array([boltzmann(spin, 0.0).square for spin in magnet.spins])
    values, modes = np.linalg.eig(np.array(magnet.weiss) * squares / units.K_B)
    first = int(np.argmax(values.real))
    moment = np.array([m.density * m.single_g for m in magnet.sublattices]) * modes[:, first].real
    order = max(0.0, float(values[first].real))
    is_net = abs(moment.sum()) > 1e-9 * np.abs(moment).sum()
    return (order, 0.0) if is_net else (0.0, order)


def electron_hole_noise(x: float) -> float:
    """Integral of f(e) [1 - f(e + x)], by the trapezoidal rule, exact to exp(-2 pi^2 / step)."""
    step, reach = 0.25, 45.0 + abs(x)
    e = step * np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1)
    return float(step * np.sum(np.exp(-np.logaddexp(0, e) - np.logaddexp(0, -e - x))))


# --- spin diffusion --------------------------------------------------------------------------


class Diffused(NamedTuple):
    """Half a film (depths [m] from a face to the middle), for currents fed in along x, y, z.

    Accumulation and its slope in units where minus the slope at the face is 1 over half the
    thickness; `surviving` is the mean of minus the slope, and `rounding` its error.
    """

    depth: Array
    values: Array  # (n, 3, 3)
    slope: Array  # (n, 3, 3), minus the slope
    surviving: Array  # (3, 3)
    rounding: float


_DEGREE = 20
"""Degree of the polynomials: exp(-z) on a cell as long as its distance from the face to 1e-14."""


@cache
def _lobatto() -> tuple[Array, Array, Array]:
    """Nodes and weights of Gauss and Lobatto on [0, 1], and the derivative at the nodes."""
    last = legendre.Legendre.basis(_DEGREE)
    nodes = np.concatenate([[-1.0], np.sort(last.deriv().roots().real), [1.0]])
    at_nodes, one = last(nodes), np.eye(_DEGREE + 1)
    weights = 1.0 / (_DEGREE * (_DEGREE + 1) * at_nodes**2)
    derivative = at_nodes[:, None] / at_nodes / (nodes[:, None] - nodes + one) - one
    derivative -= np.diag(derivative.sum(axis=1))  # a constant has no slope, to the last digit
    return 0.5 * (nodes + 1), weights, 2 * derivative


def thickness_for(argument: float, film: Film, tensor: Array) -> float:
    """Share of the thickness at which the largest |d/2l|^2 of a tensor [1/s] is `argument`."""
    largest = 0.25 * film.thickness**2 / film.diffusion * float(np.linalg.norm(tensor, 2))
    return (argument / largest) ** 0.5 if largest else 1.0


def diffuse(film: Film, tensor: Array) -> Diffused:
    """Solve D mu'' = tensor mu with a given slope at both faces, for a tensor (3, 3) [1/s].

    The accumulation is odd about the middle of the film.
    """
    matrix = tensor * (0.25 * film.thickness**2 / film.diffusion)
    nodes, weights, derivative = _lobatto()
    edges, layer = [0.0], max(float(np.linalg.norm(matrix)), 1.0) ** -0.5
    while edges[-1] < 1.0:  # cells that grow with their distance from the face
        edges.append(min(1.0, 2 * edges[-1] + layer))
    cells = np.diff(edges)
    count = len(cells) * _DEGREE + 1
    stiffness, mass, depth = np.zeros((count, count)), np.zeros(count), np.zeros(count)
    for k, width in enumerate(cells):
        here = slice(k * _DEGREE, (k + 1) * _DEGREE + 1)
        stiffness[here, here] += derivative.T @ (weights[:, None] * derivative) / width
        mass[here] += width * weights
        depth[here] = edges[k] + width * nodes
    # unknown at all nodes but the middle, where the accumulation vanishes
    left = np.kron(stiffness[:-1, :-1], np.eye(3)) + np.kron(np.diag(mass[:-1]), matrix)
    found = np.linalg.solve(left, np.eye(len(left), 3))
    size = np.abs(found).max(axis=1)
    values = np.zeros((count, 3, 3))
    values[:-1] = found.reshape(-1, 3, 3)
    slope = np.zeros_like(values)
    for k, width in enumerate(cells):
        here = slice(k * _DEGREE, (k + 1) * _DEGREE + 1)
        slope[here] = -np.tensordot(derivative / width, values[here], axes=1)
    rounding = EPSILON * float(size @ np.abs(left) @ size)
    return Diffused(0.5 * film.thickness * depth, values, slope, values[0], rounding)


def in_film(local: Array, precession: float, direction: Sequence[float]) -> Array:
    """Rates (3, 3) of local axes, and omega_L [1/s], as the matrix of d mu/dt = -matrix mu."""
    b = np.array(direction)
    flat = np.cross(b, [0.0, 0.0, 1.0])
    y = flat / np.linalg.norm(flat) if flat.any() else np.array([0.0, 1.0, 0.0])
    axes = np.stack([np.cross(y, b), y, b])
    return np.asarray(axes.T @ local @ axes - precession * turning_about(b))


def turning_about(b: Array) -> Array:
    """Matrix of v -> b x v."""
    return np.cross(b, np.eye(3)).T


def conductivity(film: Film, surviving: Array) -> Array:
    """Conductivity (2, 2) over sigma_D, Eqs. (B24)-(B26): the diffusion current turned to charge.

    j = (1 - 2 theta^2) E + theta sum_a a x J_a with J_a = -sum_b F_ab s_b along z and the spin Hall
    currents s = theta (E_y, -E_x, 0).
    """
    theta = film.spin_hall_angle
    back = -surviving @ (theta * np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]]))
    turned = theta * np.stack([back[1], -back[0]])
    return np.asarray((1 - 2 * theta**2) * np.eye(2) + turned)
