"""A moment's own Hamiltonian, g tensor and axes as they may be given: checked, kept as tuples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import EPSILON, Array, ComplexArray, ParameterError, Range, SizeError
from openmr.sample.crystal_field import STEVENS_FACTORS, Elements, second_rank
from openmr.units import K_B

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]
Stevens = tuple[tuple[tuple[int, int], float], ...]
G_FACTOR = Range(-1e4, 1e4, "")
LEVEL = Range(-100.0, 100.0, "eV", "in eV: 1 meV is 1e-3")
_LARGEST_SCHEME = 50.0
"""Largest spin whose levels are found by diagonalisation: 1.6 MB a point beyond it."""


def nested(values: Array | ComplexArray) -> Any:
    """Numbers of an array as tuples within tuples, which a frozen record can keep."""

    def tuples(rows: Any) -> Any:
        return tuple(map(tuples, rows)) if isinstance(rows, list) else rows

    return tuples(values.tolist())


def checked_g(value: ArrayLike) -> float | Triple | Matrix:
    """A g-factor, three of them along the axes, or a tensor; as it was given."""
    given = G_FACTOR.hold("g", value)
    if given.shape not in ((), (3,), (3, 3)):
        raise ParameterError(
            f"`g` must be a number, (x, y, z) or a 3x3 matrix, got shape {given.shape}"
        )
    return nested(given)  # type: ignore[no-any-return]


def checked_anisotropy(value: ArrayLike, spin: float) -> tuple[float, float]:
    """D or (D, E) in eV, as (D, E); 0 of a spin 1/2."""
    given = LEVEL.hold("anisotropy", value)
    if given.shape not in ((), (1,), (2,)):
        raise ParameterError(f"`anisotropy` must be D or (D, E) in eV, got shape {given.shape}")
    d, *e = np.atleast_1d(given).tolist()
    if spin < 1 and given.any():
        raise ParameterError(
            "`anisotropy` must be 0 eV for S = 1/2, which has no quadrupole, got "
            f"{_checks.shown(given.tolist())}; axes of a doublet are those of its `g` or `exchange`"
        )
    return (d, *e) if e else (d, 0.0)


def checked_stevens(value: Any, spin: float) -> Stevens | None:
    """Pairs of (k, q) and B_kq in eV, in ascending order; None for none."""
    allowed = "`stevens` must map (k, q) to B_kq in eV, k = 2, 4, 6 and |q| <= k"
    listed = "or list pairs [[k, q], B_kq], as a file does"
    try:
        pairs: Iterable[Any] = value.items() if isinstance(value, Mapping) else value
        given = {(k, q): strength for (k, q), strength in pairs}
    except (TypeError, ValueError):
        raise ParameterError(f"{allowed}, {listed}, got {_checks.shown(value)}") from None
    found = []
    for (k, q), strength in given.items():
        name = f"stevens[{_checks.shown((k, q))}]"
        whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in (k, q))
        if whole and k % 2 and k > 0:
            raise ParameterError(f"{allowed}; odd k break time reversal, got k = {k}")
        if not whole or k not in STEVENS_FACTORS or abs(q) > k:
            raise ParameterError(f"{allowed}, got {_checks.shown((k, q))}")
        if k > 2 * spin:
            raise ParameterError(
                f"`stevens` must have k <= 2S, for O_kq of a smaller spin is 0: got k = {k} "
                f"for S = {spin:g}"
            )
        found.append(((int(k), int(q)), LEVEL.one(name, strength)))
    return tuple(sorted(found)) or None


def checked_hamiltonian(value: Any, spin: float) -> Elements:
    """Hermitian matrix in eV, or what has one by its `full()`, as a tuple of rows."""
    size = round(2 * spin) + 1
    full = value.full() if callable(getattr(value, "full", None)) else value
    matrix = _checks.square_matrix("hamiltonian", full, size, "eV")
    LEVEL.hold("hamiltonian", np.stack([matrix.real, matrix.imag]))
    apart = np.abs(matrix - matrix.conj().T)
    # sums and products of a few operators leave some roundings of the largest element
    if np.any(apart > 16 * size * EPSILON * np.abs(matrix).max()):
        i, j = np.unravel_index(np.argmax(apart), apart.shape)
        raise ParameterError(
            f"`hamiltonian` must be Hermitian, got {matrix[i, j]:g} eV at [{i}][{j}] and "
            f"{matrix[j, i]:g} eV at [{j}][{i}]"
        )
    return nested(matrix)  # type: ignore[no-any-return]


def checked_axes(value: ArrayLike) -> Matrix:
    """Crystal axes as rows, of any length; right-handed and orthogonal."""
    given = _checks.finite_array("axes", value)
    if given.shape != (3, 3):
        raise ParameterError(
            "`axes` must be the three crystal axes as rows, in coordinates of the film: "
            f"got shape {given.shape}"
        )
    unit = _checks.unit_vectors("axes", given)
    overlaps = unit @ unit.T
    if np.any(np.abs(overlaps - np.eye(3)) > 16 * EPSILON):
        i, j = np.unravel_index(np.argmax(np.abs(overlaps - np.eye(3))), (3, 3))
        raise ParameterError(
            f"`axes` must be orthogonal to rounding, got rows {i} and {j} with the cosine "
            f"{overlaps[i, j]:g}; rows may have any length: (1, 1, 0), (-1, 1, 0), (0, 0, 1)"
        )
    if np.linalg.det(unit) < 0:
        raise ParameterError(
            f"`axes` must be right-handed, z = x cross y, got {_checks.shown(given.tolist())}"
        )
    return nested(given)  # type: ignore[no-any-return]


def told_levels(spin: float, hamiltonian: ComplexArray, axes: Array) -> str:
    """Span of the levels, and the axes that their part of second rank prefers or shuns.

    So that what was given in kelvin, or as columns, is seen. Vectors are in the film's coordinates.
    """
    energies = np.linalg.eigvalsh(hamiltonian)
    span = float(energies[-1] - energies[0])
    found = [f"levels span {1e3 * span:.3g} meV ({span / K_B:.3g} K)"]
    values, vectors = np.linalg.eigh(second_rank(spin, hamiltonian))
    easy, hard = np.diff(values) > 1e-9 * max(span, values[2] - values[0])
    if easy:
        found.append(f"easy axis {told_vector(vectors[:, 0] @ axes)}")
    if hard:
        name = "hard axis" if easy else "easy plane across"
        found.append(f"{name} {told_vector(vectors[:, 2] @ axes)}")
    return ", ".join(found)


def told_vector(axis: Array) -> str:
    """An axis, of which either sense will do, in three digits."""
    axis = np.round(axis * np.sign(axis[np.abs(axis).argmax()]), 3) + 0.0
    return f"({', '.join(f'{part:.3g}' for part in axis)})"


def refuse_large_scheme(spin: float) -> None:
    """Raise `SizeError` for a spin with too many levels to be diagonalised."""
    if spin > _LARGEST_SCHEME:
        raise SizeError(
            f"`spin` must be <= {_LARGEST_SCHEME:g} for a moment with axes of its own, "
            f"got {spin:g} (its matrices would take {6 * 16 * (2 * spin + 1) ** 2 / 2**20:.3g} "
            "MiB a point)"
        )
