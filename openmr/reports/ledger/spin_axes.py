"""Spins quantised along any axis, Eqs. (35)-(42)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from openmr._checks import Array, ComplexArray
from openmr.bath.correlators import PAULI, spin_matrices
from openmr.rates import closed_form
from openmr.rates.record import quantisation_axis, rotation
from openmr.rates.routes import joint_space
from openmr.reports.ledger.entries import Entry, Residual

_SECTION = "III B. Anisotropic spin relaxation: axes"
_ROUNDING = 1e-13
"""Some hundred machine epsilons: sums of a few products of numbers of order one."""

_MOMENT = 1.5
"""Spin of the moment whose operators are turned."""


class Axis(NamedTuple):
    """One quantisation axis, and the rotation that leads to it."""

    theta: float
    phi: float
    frame: Array  # rows: the turned axes x, y, z
    spin: ComplexArray  # rotation of an electron spin from z to the axis
    moment: ComplexArray  # the same rotation of a moment of spin MOMENT


def turn(spin: float, theta: float, phi: float) -> ComplexArray:
    """Rotation operator from z to the axis: exponentials of the spin matrices."""
    _, y, z = spin_matrices(spin)
    return np.asarray(expm(1j * phi * z) @ expm(1j * theta * y))


@cache
def axes() -> tuple[Axis, ...]:
    """Some axes, with the frame of Eq. (39) from SciPy's rotations about y and z."""
    angles = ((0.7, 0.4), (2.1, -1.3), (0.5 * np.pi, 2.2), (0.0, 0.9))
    return tuple(
        Axis(
            theta,
            phi,
            (Rotation.from_euler("y", theta) * Rotation.from_euler("z", phi)).as_matrix(),
            turn(0.5, theta, phi),
            turn(_MOMENT, theta, phi),
        )
        for theta, phi in angles
    )


def _conjugated(turned: ComplexArray, operators: Any) -> ComplexArray:
    """U A U^+ for each operator."""
    return np.asarray(turned @ np.asarray(operators) @ turned.conj().T)


def worst(distance: Callable[[Any, Axis], Any]) -> Residual:
    """Residual: the largest element of a difference over all axes."""

    def residual(formula: Any, reference: tuple[Axis, ...]) -> float:
        return max(float(np.abs(distance(formula, axis)).max()) for axis in reference)

    return residual


# --- (35), (36) ------------------------------------------------------------------------------


def _spin_up(theta: float, phi: float) -> Any:
    """Eq. (35)."""
    return closed_form.spin_states(theta, np.array([phi]))[0][0]


def _spin_down(theta: float, phi: float) -> Any:
    """Eq. (36)."""
    return closed_form.spin_states(theta, np.array([phi]))[1][0]


def _away_from(state: ComplexArray, axis: Axis, level: int) -> ComplexArray:
    """Projector on a state less the projector on the turned spin."""
    turned = axis.spin[:, level]
    return np.asarray(np.outer(state, state.conj()) - np.outer(turned, turned.conj()))


# --- (37)-(39) -------------------------------------------------------------------------------


def _turned_pauli(theta: float, phi: float) -> Any:
    """Eq. (37)."""
    return np.einsum("a,aij->ij", quantisation_axis(theta, phi), PAULI)


def _turned_vector(theta: float, phi: float, operators: Any) -> Any:
    """Eq. (38)."""
    return np.einsum("ab,bij->aij", rotation(theta, np.array([phi]))[0], operators)


def _spin_and_moment(formula: Any, axis: Axis) -> Any:
    pairs = ((axis.spin, PAULI), (axis.moment, spin_matrices(_MOMENT)))
    return np.concatenate(
        [
            np.ravel(formula(axis.theta, axis.phi, operators) - _conjugated(turned, operators))
            for turned, operators in pairs
        ]
    )


# --- (40)-(42) -------------------------------------------------------------------------------


def _coupling_printed(l_plus: Any, l_minus: Any, l_z: Any, plus: Any, minus: Any, z: Any) -> Any:
    """Eq. (40) as printed; with L = J S/2 of Eq. (6), hbar = 1."""
    return -1 / 2 * (l_plus @ minus + l_minus @ plus + l_z @ z)


def coupling(l_plus: Any, l_minus: Any, l_z: Any, plus: Any, minus: Any, z: Any) -> Any:
    """Eq. (40) with the factor of Eq. (4)."""
    return -(l_plus @ minus + l_minus @ plus + l_z @ z)


def _raising(x: Any, y: Any, sigma_x: Any, sigma_y: Any) -> tuple[Any, Any]:
    """Eq. (41)."""
    return x + 1j * y, 1 / 2 * (sigma_x + 1j * sigma_y)


def _lowering(x: Any, y: Any, sigma_x: Any, sigma_y: Any) -> tuple[Any, Any]:
    """Eq. (42)."""
    return x - 1j * y, 1 / 2 * (sigma_x - 1j * sigma_y)


_EXCHANGE = (1.0, 0.3, -0.6)


def _coupling_error(formula: Any, axis: Axis) -> Any:
    """The rotated form beside -(1/2) sum J sigma S, built in QuTiP without any rotation."""
    moments = [0.5 * j * s for j, s in zip(_EXCHANGE, spin_matrices(_MOMENT), strict=True)]
    size = len(moments[0])
    l_x, l_y, l_z = (np.kron(np.eye(2), s) for s in _turn(axis, moments))
    x, y, z = (np.kron(s, np.eye(size)) for s in _turn(axis, PAULI))
    plus, minus = 0.5 * (x + 1j * y), 0.5 * (x - 1j * y)
    found = formula(l_x + 1j * l_y, l_x - 1j * l_y, l_z, plus, minus, z)
    return found - joint_space.coupling([_MOMENT], 0, _EXCHANGE).full()


def _turn(axis: Axis, vector: Any) -> Any:
    return np.einsum("ab,bij->aij", axis.frame, vector)


def _ladder_error(formula: Any, axis: Axis, sign: int) -> Any:
    """Operators of the turned axes beside turned ladder operators: matrices with one diagonal."""
    pauli, moment = PAULI, spin_matrices(_MOMENT)
    turned_moment = _conjugated(axis.moment, moment)
    turned_electron = _conjugated(axis.spin, pauli)
    for_moment, for_electron = formula(*turned_moment[:2], *turned_electron[:2])
    height = _MOMENT - np.arange(len(moment[0]))  # m = S ... -S
    steps = np.sqrt((_MOMENT - height[1:]) * (_MOMENT + height[1:] + 1))
    expected = np.diag(steps, k=1) if sign > 0 else np.diag(steps, k=-1)
    hop = np.eye(2, k=sign)
    return np.concatenate(
        [
            np.ravel(for_moment - _conjugated(axis.moment, expected)),
            np.ravel(for_electron - _conjugated(axis.spin, hop)),
        ]
    )


_entry = partial(
    Entry,
    section=_SECTION,
    reference=axes,
    tolerance=_ROUNDING,
    because="absolute, for numbers of order one; rounding",
    route="exponentials of spin matrices",
)

ENTRIES = [
    _entry(
        equation="35",
        statement="Spin up along any axis in terms of up and down along the field",
        latex=r"|\Uparrow\rangle = \cos\frac{\theta}{2}|\uparrow\rangle"
        r" - e^{-i\phi}\sin\frac{\theta}{2}|\downarrow\rangle",
        code=("openmr.rates.closed_form.spin_states",),
        printed=_spin_up,
        residual=worst(lambda f, a: _away_from(f(a.theta, a.phi), a, 0)),
        note="The scan has single arrows on both sides: on the left, double ones are meant.",
    ),
    _entry(
        equation="36",
        statement="Spin down along any axis in terms of up and down along the field",
        latex=r"|\Downarrow\rangle = \cos\frac{\theta}{2}|\downarrow\rangle"
        r" + e^{+i\phi}\sin\frac{\theta}{2}|\uparrow\rangle",
        code=("openmr.rates.closed_form.spin_states",),
        printed=_spin_down,
        residual=worst(lambda f, a: _away_from(f(a.theta, a.phi), a, 1)),
        note="The phases of (35) and (36) are not those of the axes (38): there, sigma_+ of (41) "
        "is exp(i phi) times |up><down|. Rates hold its square and do not notice.",
    ),
    _entry(
        equation="37",
        statement="Pauli operator along the axis",
        latex=r"\sigma_{\mathbf z} = -\sin\theta\cos\phi\,\sigma_x"
        r" + \sin\theta\sin\phi\,\sigma_y + \cos\theta\,\sigma_z",
        code=("openmr.rates.record.quantisation_axis",),
        printed=_turned_pauli,
        residual=worst(lambda f, a: f(a.theta, a.phi) - _conjugated(a.spin, PAULI[2])),
        note="The axis has the polar angle theta and the right-handed azimuth pi - phi.",
    ),
    _entry(
        equation="38",
        statement="Spins of electrons and moments turn as vectors do",
        latex=r"(\hat\sigma_{\mathbf x}, \hat\sigma_{\mathbf y}, \hat\sigma_{\mathbf z})^T"
        r" = R\,(\hat\sigma_x, \hat\sigma_y, \hat\sigma_z)^T,\quad \hat L_{\mathbf a} = R\,\hat L",
        code=("openmr.rates.record.rotation",),
        printed=_turned_vector,
        residual=worst(_spin_and_moment),
        note="For anisotropic coupling L_v = J_v S_v is turned as a vector, which keeps L.sigma; "
        "it is then not the turned operator of a spin.",
    ),
    _entry(
        equation="39",
        statement="Rotation by phi about z followed by theta about y",
        latex=r"R = \begin{bmatrix} \cos\theta\cos\phi & -\cos\theta\sin\phi & \sin\theta \\"
        r" \sin\phi & \cos\phi & 0 \\"
        r" -\sin\theta\cos\phi & \sin\theta\sin\phi & \cos\theta \end{bmatrix}",
        code=("openmr.rates.record.rotation",),
        printed=rotation,
        residual=worst(lambda f, a: f(a.theta, a.phi) - a.frame),
        route="scipy.spatial.transform.Rotation",
    ),
    _entry(
        equation="40",
        statement="Exchange coupling in ladder operators of the turned axes",
        latex=r"V_{em} = -\frac12\sum_i\{L_+^i\sigma_- + L_-^i\sigma_+"
        r" + L_{\mathbf z}^i\sigma_{\mathbf z}\}",
        corrected_latex=r"V_{em} = -\hbar\sum_i\{L_+^i\sigma_- + L_-^i\sigma_+"
        r" + L_{\mathbf z}^i\sigma_{\mathbf z}\},\quad L^\nu = \frac{J^\nu}{2\hbar}S^\nu",
        code=("openmr.rates.routes.joint_space.coupling",),
        printed=_coupling_printed,
        corrected=coupling,
        residual=worst(_coupling_error),
        because="absolute, in units of the largest coupling; rounding",
        route="-(1/2) sum J sigma S in QuTiP, not turned",
        note="With L of Eq. (6), hbar = 1, half the coupling is printed. The factor fits "
        "L = J S instead, which Eqs. (64), (65), (72), (73) use: two normalisations of one letter.",
    ),
    _entry(
        equation="41",
        statement="Raising operators along the axis",
        latex=r"L_+ = L_{\mathbf x} + iL_{\mathbf y},\quad"
        r" \sigma_+ = \frac12(\sigma_{\mathbf x} + i\sigma_{\mathbf y})",
        code=("openmr.bath.spin_matrices",),
        printed=_raising,
        residual=worst(partial(_ladder_error, sign=1)),
        note="The electron's is a unit hop, the moment's has no 1/2.",
    ),
    _entry(
        equation="42",
        statement="Lowering operators along the axis",
        latex=r"L_- = L_{\mathbf x} - iL_{\mathbf y},\quad"
        r" \sigma_- = \frac12(\sigma_{\mathbf x} - i\sigma_{\mathbf y})",
        code=("openmr.bath.spin_matrices",),
        printed=_lowering,
        residual=worst(partial(_ladder_error, sign=-1)),
    ),
]
