"""Which products of powers of the parameters data determine, from the sensitivities alone.

With S_ij = (d rho_i / d ln p_j) / sigma_i = sum_k u_ik s_k v_jk each right singular vector is a
product of powers that the data determine independently of the others; one over the singular value
is its relative uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import qr

from openmr._checks import Array

NOISE_FLOOR: Final[float] = 1e-6
"""Singular values below this part of the largest are zero to the accuracy of the differences."""


@dataclass(frozen=True, slots=True)
class Combination:
    """A product of powers of the parameters, and how well the data determine it.

    Attributes
    ----------
    exponents : tuple of (str, float)
        Parameters and powers, the largest power 1; those below 1 % left out.
    uncertainty : float, no unit
        Relative standard deviation of the product; ``inf`` where the data do not depend on it.
    """

    exponents: tuple[tuple[str, float], ...]
    uncertainty: float

    def __str__(self) -> str:
        powers = (name if power == 1 else f"{name}^{power:.2f}" for name, power in self.exponents)
        return " * ".join(powers)


def determined(
    names: tuple[str, ...], sensitivity: Array
) -> tuple[Array, Array, tuple[Combination, ...]]:
    """Relative uncertainties, correlations, and products of powers from the best to the worst.

    Parameters
    ----------
    names : tuple of str
        m parameters.
    sensitivity : array (n, m)
        S_ij = (d rho_i / d ln p_j) / sigma_i.
    """
    _, singular, vectors = np.linalg.svd(sensitivity, full_matrices=False)
    seen = singular > NOISE_FLOOR * singular[0]
    relative = np.where(seen, 1 / np.where(seen, singular, 1.0), np.inf)
    covariance = (vectors[seen].T * relative[seen] ** 2) @ vectors[seen]
    # zero weights come out of the differences near 1e-8 / NOISE_FLOOR
    lost = np.any(np.abs(vectors[~seen]) > 0.03, axis=0)
    errors = np.where(lost, np.inf, np.sqrt(np.diag(covariance)))
    spread = np.where(lost, 1.0, np.sqrt(np.diag(covariance)))
    correlations = np.where(
        lost[:, None] | lost, np.eye(len(names)), covariance / np.outer(spread, spread)
    )
    vectors = np.concatenate([vectors[seen], _plain(vectors[~seen])])
    products = tuple(
        _product(names, vector, float(error))
        for vector, error in zip(vectors, relative, strict=True)
    )
    return errors, correlations, products


def _plain(space: Array) -> Array:
    """The same space spanned by vectors with as many zeros as elimination gives."""
    if not len(space):
        return space
    pivots = qr(space, mode="r", pivoting=True)[1][: len(space)]
    return np.asarray(np.linalg.solve(space[:, pivots], space))


def _product(names: tuple[str, ...], vector: Array, uncertainty: float) -> Combination:
    largest = vector[np.argmax(np.abs(vector))]
    powers, uncertainty = vector / largest, uncertainty / abs(largest)
    kept = [(n, float(p)) for n, p in zip(names, powers, strict=True) if abs(p) >= 0.01]
    return Combination(tuple(kept), uncertainty)
