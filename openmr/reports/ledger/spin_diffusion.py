"""Diffusion matrix, its modes and the faces, Eqs. (B1)-(B10)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from numpy.linalg import eigvals

from openmr._checks import Array, ComplexArray
from openmr._spins import LEVI_CIVITA as EPSILON
from openmr.reports.ledger.deviations import ROUNDING, Pairs, deviation
from openmr.reports.ledger.diffusion import (
    FACES,
    MATRICES,
    curvature,
    curvatures,
    face_current,
    into_a_face,
    settled_slopes,
)
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.film_problem import NM, Film, films, modes, propagator
from openmr.reports.ledger.shipped_film import at_face, film_of, matrix
from openmr.transport.diffusion import longitudinal_length, transverse_decay, transverse_length

SECTION = "Appendix B. Resistivity of a ferromagnet"
_AXES = range(3)


# --- (B1)-(B4) -------------------------------------------------------------------------------


def _split(f: Film) -> tuple[Array, Array, Array]:
    """The part that relaxes across the field, alike along it; the rest of what relaxes; the odd."""
    even, plane = 0.5 * (f.matrix + f.matrix.T), np.eye(3) - np.outer(f.b, f.b)
    across = 0.5 * np.trace(even @ plane) * np.eye(3)
    return across, even - across, f.matrix - even


def _parts(which: int) -> Pairs:
    """One of the three."""
    return [((f,), _split(f)[which]) for f in films()]


def _transverse_matrix(f: Film) -> Any:
    """Eq. (B2)."""
    return (NM * transverse_length(film_of(f), f.rates)) ** -2 * np.eye(3)


def _transverse_decay(f: Film) -> Any:
    """Eq. (B2) from the complex length."""
    return NM**-2 * transverse_decay(film_of(f), f.rates).real * np.eye(3)


def _axial_matrix(f: Film) -> Any:
    """Eq. (B3)."""
    along = (NM * longitudinal_length(film_of(f), f.rates)) ** -2 * np.eye(3)
    return np.outer(f.b, f.b) @ (along - _transverse_matrix(f))


def _rest_of_the_even_part(f: Film) -> Any:
    """Eq. (B3) from the tensor in axes of the film."""
    return 0.5 * (matrix(f) + matrix(f).T) - _transverse_matrix(f)


def _precession_matrix_printed(f: Film) -> Any:
    """Eq. (B4) as printed."""
    m = f.b
    return np.array(
        [[-(f.l_L**-2) * sum(EPSILON[i, j, k] * m[k] for k in _AXES) for j in _AXES] for i in _AXES]
    )


def _precession_matrix(f: Film) -> Any:
    """Eq. (B4) with the sign of Eq. (2)."""
    return 0.5 * (matrix(f) - matrix(f).T)


# --- (B5)-(B8) -------------------------------------------------------------------------------


@cache
def _decaying_modes() -> Pairs:
    """Shapes that keep their form on the way through the film, with the length of their decay."""
    found: Pairs = []
    for f in films():
        z = 0.1 * f.d
        factors, shapes = np.linalg.eig(propagator(f.matrix, z))
        for factor, shape in zip(factors, shapes.T, strict=True):
            length, vector = -z / np.log(factor), shape[:3] / np.linalg.norm(shape[:3])
            found.append(((f, length, vector), f.matrix @ vector))
    return found


def _mode_equation(f: Film, length: complex, vector: ComplexArray) -> Any:
    """Left-hand side of Eq. (B5)."""
    return length**-2 * vector


def _on_a_mode(f: Film, length: complex, vector: ComplexArray) -> Any:
    """Right-hand side of Eq. (B5) by the package."""
    return matrix(f) @ vector


@cache
def eigenvalues() -> Pairs:
    """By falling imaginary part, the real one last."""
    return [((f,), eigvals(f.matrix)) for f in films()]


def _inverse_squares(f: Film) -> Any:
    """Eq. (B6) with l_m^-2 = l_par^-2 - l_perp^-2."""
    decay = NM**-2 * transverse_decay(film_of(f), f.rates)
    return [decay, decay.conj(), (NM * longitudinal_length(film_of(f), f.rates)) ** -2]


def _as_sets(formula: Any, pairs: Pairs) -> float:
    """The same numbers in any order: power sums, which fix them."""
    powers = np.arange(1, 4)[:, None]
    return deviation(
        lambda f: np.sum(np.asarray(formula(f)) ** powers, axis=1),
        [(given, np.sum(expected**powers, axis=1)) for given, expected in pairs],
    )


@cache
def eigenvectors() -> Pairs:
    """Normalised, of the matrix with the precession of (B4) as printed."""
    return [((f,), modes(f.matrix.T, f.b).vectors) for f in films()]


@cache
def _inverse_eigenvectors() -> Pairs:
    """Inverse of the same matrix."""
    return [((f,), modes(f.matrix.T, f.b).inverse) for f in films()]


def norm(f: Film) -> Any:
    """Sqrt(2) N_r of Eqs. (B7), (B8), (B30)-(B35)."""
    return np.sqrt(2) * np.sqrt(1 - f.m[1] ** 2)


def vectors(f: Film) -> Any:
    """Eq. (B7) with m_1 in both elements of the first row."""
    m, N = f.m, norm(f)
    return np.array(
        [
            [(m[1] ** 2 - 1) / N, (m[1] ** 2 - 1) / N, m[1]],
            [(+1j * m[3] + m[1] * m[2]) / N, (-1j * m[3] + m[1] * m[2]) / N, m[2]],
            [(-1j * m[2] + m[1] * m[3]) / N, (+1j * m[2] + m[1] * m[3]) / N, m[3]],
        ]
    )


def _vectors_printed(f: Film) -> Any:
    """Eq. (B7) as printed."""
    E = vectors(f)
    E[0, 1] = (f.m[2] ** 2 - 1) / norm(f)
    return E


def _inverse_vectors(f: Film) -> Any:
    """Eq. (B8)."""
    m, N = f.m, norm(f)
    return np.array(
        [
            [(m[1] ** 2 - 1) / N, (-1j * m[3] + m[1] * m[2]) / N, (+1j * m[2] + m[1] * m[3]) / N],
            [(m[1] ** 2 - 1) / N, (+1j * m[3] + m[1] * m[2]) / N, (-1j * m[2] + m[1] * m[3]) / N],
            [m[1], m[2], m[3]],
        ]
    )


# --- commutators, faces ----------------------------------------------------------------------


def _commuting() -> Pairs:
    """The parts of the matrix, and the scale of their products."""
    split = [_split(f) for f in films()]
    return [((M, M_L), M_L) for M_perp, M_m, M_L in split for M in (M_m, M_perp)]


def commutator(M: Array, N: Array) -> Any:
    """[M, N], which is said to vanish."""
    return M @ N - N @ M


def _vanishing(formula: Any, pairs: Pairs) -> float:
    """Result over the product of the norms."""
    return max(
        float(np.abs(formula(M, N)).max() / np.linalg.norm(M) / np.linalg.norm(N))
        for (M, N), _ in pairs
    )


def _slopes_at(side: int) -> list[tuple[Film, Array]]:
    """The settled slopes at one of the faces."""
    return [(f, ends[side : side + 1]) for f, ends in settled_slopes()]


PRINTED_SIGN = (
    "Modes of the matrix with (B4) as printed; with the sign of (2) modes 1 and 2 change places."
)
_entry = partial(Entry, section=SECTION, residual=deviation, tolerance=ROUNDING, route=MATRICES)

ENTRIES = [
    _entry(
        equation="B1",
        statement="Diffusion equation as a sum of relaxing, axial and precessing parts",
        latex=r"\nabla^2\mu_{si} = \mathcal M_{ij}\mu_{sj} = (\mathcal M^\perp_{ij}"
        r" + \mathcal M^m_{ij} + \mathcal M^L_{ij})\mu_{sj}",
        code=("openmr.rates.axes.film_tensor", "openmr.transport.surviving.squared_argument"),
        printed=curvature,
        reference=curvatures,
        because="over the largest component; rounding",
        note="With (B4) corrected.",
    ),
    _entry(
        equation="B2",
        statement="Relaxing part of the diffusion matrix",
        latex=r"\mathcal M^\perp_{ij} = \delta_{ij}\ell_\perp^{-2}",
        code=(
            "openmr.transport.diffusion.transverse_length",
            "openmr.transport.diffusion.transverse_decay",
        ),
        printed=_transverse_matrix,
        shipped=(_transverse_decay,),
        reference=partial(_parts, 0),
        because="over the largest element; rounding",
    ),
    _entry(
        equation="B3",
        statement="Axial part of the diffusion matrix",
        latex=r"\mathcal M^m_{ij} = \hat m_i\hat m_j(\ell_\parallel^{-2} - \ell_\perp^{-2})",
        code=(
            "openmr.transport.diffusion.longitudinal_length",
            "openmr.transport.diffusion.transverse_length",
            "openmr.rates.axes.film_tensor",
        ),
        printed=_axial_matrix,
        shipped=(_rest_of_the_even_part,),
        reference=partial(_parts, 1),
        because="over the largest element; rounding",
    ),
    _entry(
        equation="B4",
        statement="Precessing part of the diffusion matrix",
        latex=r"\mathcal M^L_{ij} = -\ell_L^{-2}\epsilon_{ijk}m_k",
        corrected_latex=r"\mathcal M^L_{ij} = +\ell_L^{-2}\epsilon_{ijk}m_k",
        code=("openmr.rates.record.precession_tensor", "openmr.rates.axes.film_tensor"),
        printed=_precession_matrix_printed,
        corrected=_precession_matrix,
        reference=partial(_parts, 2),
        because="over the largest element; rounding",
        note="Spins of (2) precess the other way about. Only terms odd in omega_L notice: "
        "(87), (B37), (B39).",
    ),
    _entry(
        equation="B5",
        statement="Eigenmodes of the diffusion matrix",
        latex=r"\ell_\nu^{-2}\mathcal E_{i\nu} = \mathcal M_{ij}\mathcal E_{j\nu}",
        code=("openmr.rates.axes.film_tensor", "openmr.transport.surviving.squared_argument"),
        printed=_mode_equation,
        shipped=(_on_a_mode,),
        reference=_decaying_modes,
        because="over the largest component; rounding times the spread of the propagator",
        route="shapes that the propagator over a tenth of the film leaves alone",
    ),
    _entry(
        equation="B6",
        statement="Lengths of the modes",
        latex=r"\ell_1^{-2} = \ell_\perp^{-2} + i\ell_L^{-2},\quad"
        r"\ell_2^{-2} = \ell_\perp^{-2} - i\ell_L^{-2},\quad"
        r"\ell_3^{-2} = \ell_\perp^{-2} + \ell_m^{-2} = \ell_\parallel^{-2}",
        code=(
            "openmr.transport.diffusion.transverse_decay",
            "openmr.transport.diffusion.longitudinal_length",
        ),
        printed=_inverse_squares,
        reference=eigenvalues,
        residual=_as_sets,
        because="over the largest power sum; rounding",
        route="numpy's eigenvalues of the generator from matrices",
        note="l_m is defined nowhere; l_m^-2 = l_par^-2 - l_perp^-2 is the only reading.",
    ),
    _entry(
        equation="B7",
        statement="Eigenvectors of the diffusion matrix",
        latex=r"\mathcal E = \begin{bmatrix}"
        r"\frac{\hat m_1^2 - 1}{\sqrt2N_r} & \frac{\hat m_2^2 - 1}{\sqrt2N_r} & \hat m_1 \\"
        r"\frac{+i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r} &"
        r"\frac{-i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r} & \hat m_2 \\"
        r"\frac{-i\hat m_2 + \hat m_1\hat m_3}{\sqrt2N_r} &"
        r"\frac{+i\hat m_2 + \hat m_1\hat m_3}{\sqrt2N_r} & \hat m_3\end{bmatrix}",
        corrected_latex=r"\mathcal E_{12} = \frac{\hat m_1^2 - 1}{\sqrt2N_r}",
        printed=_vectors_printed,
        corrected=vectors,
        reference=eigenvectors,
        because="over the largest element; rounding",
        route="numpy's eigenvectors of the generator from matrices",
        note="E_12 holds m_2 for m_1, right for m_1^2 = m_2^2 alone. The norm N_r vanishes for m "
        "along x, where two columns are 0/0; the code uses projectors and no eigenvector. "
        + PRINTED_SIGN,
    ),
    _entry(
        equation="B8",
        statement="Inverse of the eigenvectors",
        latex=r"\mathcal E^{-1} = \begin{bmatrix}"
        r"\frac{\hat m_1^2 - 1}{\sqrt2N_r} & \frac{-i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r} &"
        r"\frac{+i\hat m_2 + \hat m_1\hat m_3}{\sqrt2N_r} \\"
        r"\frac{\hat m_1^2 - 1}{\sqrt2N_r} & \frac{+i\hat m_3 + \hat m_1\hat m_2}{\sqrt2N_r} &"
        r"\frac{-i\hat m_2 + \hat m_1\hat m_3}{\sqrt2N_r} \\"
        r"\hat m_1 & \hat m_2 & \hat m_3\end{bmatrix}",
        printed=_inverse_vectors,
        reference=_inverse_eigenvectors,
        because="over the largest element; rounding",
        route="numpy's inverse of its eigenvectors",
        note="It is the inverse of (B7) with E_12 corrected, and of no other. " + PRINTED_SIGN,
    ),
    _entry(
        equation="B8 commutators",
        statement="The precession commutes with both relaxing parts",
        latex=r"[\mathcal M^m, \mathcal M^L] = 0,\quad [\mathcal M^\perp, \mathcal M^L] = 0",
        printed=commutator,
        reference=_commuting,
        residual=_vanishing,
        because="over the norms; rounding",
    ),
    *(
        _entry(
            equation=equation,
            statement=f"No spin current through the face at {where}",
            latex=rf"\mathbf 0 = -\frac{{\sigma_D}}{{2e}}\partial_z\mu_s(z)|_{{z={at}}}"
            r" - J_{SH}\hat y",
            code=FACES,
            printed=face_current,
            shipped=at_face(index),
            reference=partial(_slopes_at, index),
            residual=into_a_face,
            tolerance=5e-5,
            because="over the spin Hall current; cube of a cell over the fastest mode's length",
            route="spins settled in 200 cells with no flow through the faces",
            note="Sign opposite to (82). Top and bottom are named the other way about there.",
        )
        for index, (equation, where, at) in enumerate(
            (("B9", "z = 0", "0"), ("B10", "z = d", "d_N"))
        )
    ),
]
