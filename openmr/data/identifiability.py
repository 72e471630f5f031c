"""Which products of powers of the parameters data determine, from the sensitivities alone.

With S_ij = (d rho_i / d ln p_j) / sigma_i = sum_k u_ik s_k v_jk each right singular vector is a
product of powers that the data determine independently of the others; one over the singular value
is its relative uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from openmr._checks import Array

_NOISE_FLOOR: Final[float] = 1e-9
"""Singular values below this part of the largest are zero to the accuracy of the differences, which
leave 3e-11 on products that the theory does not contain."""
REACH: Final[float] = 100.0
"""A fitted parameter stays within this factor of its start."""


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


@dataclass(frozen=True, slots=True)
class Determined:
    """Verdict of the sensitivities on m parameters, to first order in ln p."""

    covariance: Array  # (m, m) of ln p; an open direction has a standard deviation of ln `REACH`
    open: Array  # (k, m), orthonormal directions in ln p on which the data do not depend
    lost: NDArray[np.bool_]  # (m,), what an open direction changes by more than the limit
    combinations: tuple[Combination, ...]  # from the best to the least determined

    @property
    def errors(self) -> Array:
        """Standard deviations of ln p, shape (m,); ``inf`` where lost."""
        return np.where(self.lost, np.inf, np.sqrt(np.diag(self.covariance)))


def determined(names: tuple[str, ...], sensitivity: Array, limit: float) -> Determined:
    """Uncertainties of m parameters and of products of powers of them, from S_ij (n, m).

    `limit` is the relative uncertainty above which a parameter is lost. A small weight in an open
    direction does not make a parameter unknown, but it must not be dropped either: the direction
    can be followed as far as `REACH` allows.
    """
    _, singular, vectors = np.linalg.svd(sensitivity, full_matrices=False)
    seen = singular > _NOISE_FLOOR * singular[0]
    relative = np.where(seen, 1 / np.where(seen, singular, 1.0), np.inf)
    spread = np.where(seen, relative, np.log(REACH))
    covariance = (vectors.T * spread**2) @ vectors
    lost = np.any(np.log(REACH) * np.abs(vectors[~seen]) > limit, axis=0)
    spanned = np.concatenate([vectors[seen], _plain(vectors[~seen])])
    products = tuple(
        _product(names, vector, float(error))
        for vector, error in zip(spanned, relative, strict=True)
    )
    return Determined(covariance, vectors[~seen], lost, products)


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
