"""Matrices of one spin, for every station."""

import numpy as np

from openmr._checks import ComplexArray

LEVI_CIVITA = np.zeros((3, 3, 3))
LEVI_CIVITA[[0, 1, 2], [1, 2, 0], [2, 0, 1]] = 1.0
LEVI_CIVITA[[0, 1, 2], [2, 0, 1], [1, 2, 0]] = -1.0


def spin_matrices(spin: float) -> ComplexArray:
    """S_x, S_y, S_z in the basis m = S ... -S, shape (3, 2S+1, 2S+1).

    Parameters
    ----------
    spin : float, no unit
        S, a positive half-integer.

    Returns
    -------
    complex array (3, 2S+1, 2S+1), no unit
        S_x, S_y, S_z.
    """
    m = spin - np.arange(round(2 * spin) + 1)
    raising = np.diag(np.sqrt((spin - m[1:]) * (spin + m[1:] + 1)), k=1).astype(complex)
    lowering = raising.T
    return np.stack([(raising + lowering) / 2, (raising - lowering) / 2j, np.diag(m) + 0j])
