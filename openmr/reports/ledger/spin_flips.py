"""Flips along the field: operators, lines and golden-rule rates, Eqs. (64)-(69)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from openmr._checks import Array
from openmr.bath.correlators import PAULI, moment_correlator, populations, spin_matrices
from openmr.moments.spin_averages import level_sums, means
from openmr.rates import closed_form
from openmr.rates.routes import joint_space
from openmr.reports.ledger.deviations import ROUNDING, Pairs, deviation
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.spin_axes import turn
from openmr.units import HBAR, K_B

_SECTION = "III B 1. Longitudinal spin relaxation time"
DENSITY = 1.66e27  # m^-3
AZIMUTHS = (0.0, 0.4, 0.5 * np.pi, 2.3)


def worst_ratio(found: Any, expected: Any) -> float:
    """Largest relative deviation."""
    return float(np.max(np.abs(np.asarray(found) / expected - 1)))


# --- (64), (65) ------------------------------------------------------------------------------


_STRENGTHS = (0.9, 0.3, -0.6)
_MOMENT = 1.5


@cache
def turned_ladders(theta: float, sign: int) -> Pairs:
    """L_x +- i L_y for L_v = J_v S_v, turned by SciPy's rotations, for each azimuth."""
    vector = np.array(_STRENGTHS)[:, None, None] * spin_matrices(_MOMENT)
    found = []
    for phi in AZIMUTHS:
        frame = (Rotation.from_euler("y", theta) * Rotation.from_euler("z", phi)).as_matrix()
        x, y, _ = np.einsum("ab,bij->aij", frame, vector)
        found.append(x + sign * 1j * y)
    return [((), np.array(found))]


def ladder(theta: float, sign: int) -> Any:
    """Eqs. (64), (65) at theta = 0 and (72), (73) at pi/2: L_+ or L_-, by amplitudes of flips."""
    phi, (x, y, z) = np.array(AZIMUTHS), spin_matrices(_MOMENT)
    amplitudes = closed_form.flip_amplitudes(np.array(_STRENGTHS), theta, phi)
    operators = (x + 1j * y, x - 1j * y, z)
    raised = np.einsum("p,ap,aij->pij", np.exp(1j * phi), amplitudes, operators)
    return raised if sign > 0 else np.swapaxes(raised, -1, -2).conj()


# --- (66)-(69) -------------------------------------------------------------------------------


class _Moment(NamedTuple):
    """One moment in its field, and its averages in the thermal state."""

    spin: float
    x: float
    omega_l: float  # rad/s
    mean: float  # <S_par>
    mean_square: float  # <S_par^2>
    flip_up: float  # <S_- S_+>
    flip_down: float  # <S_+ S_->


_TEMPERATURE, _VOLUME = 4.0, 1e-26  # K, m^3


@cache
def moments() -> tuple[_Moment, ...]:
    """Averages from matrices and Boltzmann weights."""
    found = []
    for spin, x in ((0.5, 0.4), (2.0, 1.3), (3.5, 3.0)):
        s_x, s_y, s_z = spin_matrices(spin)
        up, down = s_x + 1j * s_y, s_x - 1j * s_y
        operators = (s_z, s_z @ s_z, down @ up, up @ down)
        p = populations(spin, x)
        averages = [float(p @ operator.diagonal().real) for operator in operators]
        found.append(_Moment(spin, x, x * K_B * _TEMPERATURE / HBAR, *averages))
    return tuple(found)


@cache
def _moment_lines() -> tuple[tuple[_Moment, Any], ...]:
    """<S_-(t) S_+> and <S_+(t) S_->: (frequency in rad/s, weight) of their lines."""
    up, down = np.array([1, 1j, 0]), np.array([1, -1j, 0])
    found = []
    for m in moments():
        lines = moment_correlator(m.spin, m.x)
        both = []
        for first, last in ((up, down), (down, up)):
            weights = np.einsum("a,b,lab->l", last, first, lines.weights).real
            strongest = int(np.argmax(weights))
            both.append((lines.frequencies[strongest] / m.x * m.omega_l, weights[strongest]))
        found.append((m, np.array(both)))
    return tuple(found)


def _upward(m: _Moment) -> Any:
    """Eq. (67): position and weight of the line."""
    return m.omega_l, m.spin * (m.spin + 1) - m.mean_square - m.mean


def _downward(m: _Moment) -> Any:
    """Eq. (68): position and weight of the line."""
    return -m.omega_l, m.spin * (m.spin + 1) - m.mean_square + m.mean


def _by_levels(direction: int, sums: Any, m: _Moment) -> Any:
    """The same from sums over levels."""
    averages = sums(m.spin, np.asarray(m.x))
    return direction * m.omega_l, averages.flip_up if direction > 0 else averages.flip_down


def _line_error(formula: Any, r: Any, which: int) -> float:
    return max(worst_ratio(formula(m), lines[which]) for m, lines in r)


def _square_of_spin(spin: float, identity: Array) -> Any:
    """Eq. (69)."""
    return spin * (spin + 1) * identity


@cache
def _squares() -> Pairs:
    """S_x^2 + S_y^2 + S_z^2 of QuTiP's spin matrices."""
    found = []
    for spin in (0.5, 1.0, 3.5):
        x, y, z = joint_space.spin_operators(spin)
        square = (x * x + y * y + z * z).full()
        found.append(((spin, np.eye(len(square))), square))
    return found


class Coupled(NamedTuple):
    """A moment and its couplings [eV m^3]."""

    exchange: Array
    phi: float
    moment: _Moment


def lines_of(weights: closed_form.FlipWeights, m: _Moment) -> list[tuple[float, Any]]:
    """(w_up - w_down, weight) of W: delta functions of a frequency, where weights have energies."""
    density = 1 / (HBAR * _VOLUME**2)
    return [
        (m.omega_l, density * weights.absorbing * m.flip_up),
        (-m.omega_l, density * weights.emitting * m.flip_down),
        (0.0, density * weights.conserving * m.mean_square),
    ]


def doubled(lines: Any) -> Any:
    """Lines with omega_L from Eqs. (67), (68) besides their own, as Eqs. (66), (74) print them."""
    return [(2 * where, weight) for where, weight in lines]


def _along(c: Coupled) -> Any:
    """Eq. (66) with omega_L once."""
    return lines_of(closed_form.flip_weights_longitudinal(c.exchange, np.array(DENSITY)), c.moment)


def any_axis(theta: float, c: Coupled) -> Any:
    """The golden rule for spins along any axis."""
    weights = closed_form.flip_weights(c.exchange, np.array(DENSITY), theta, c.phi)
    return lines_of(weights, c.moment)


@cache
def flip_lines(theta: float) -> tuple[tuple[Coupled, Array], ...]:
    """Lines (w_up - w_down, weight) of the golden rule with -(1/2) J sigma S, from matrices."""
    found = []
    for m in moments():
        for phi in AZIMUTHS:
            coupling = np.array(_STRENGTHS) * 1e-30
            lines = moment_correlator(m.spin, m.x)
            turned = turn(0.5, theta, phi)
            pauli = turned.conj().T @ PAULI @ turned
            hop, back = coupling / 2 * pauli[:, 1, 0], coupling / 2 * pauli[:, 0, 1]
            strength = np.einsum("a,b,lab->l", back, hop, lines.weights).real
            weights = 2 * np.pi / (HBAR * _VOLUME) ** 2 * DENSITY * strength
            where = lines.frequencies / m.x * m.omega_l
            table = np.stack([where, weights], axis=-1)[::-1]  # +omega_L, 0, -omega_L
            found.append((Coupled(coupling, phi, m), table[[0, 2, 1]]))
    return tuple(found)


def lines_error(formula: Any, r: Any) -> float:
    """Positions over omega_L, weights over the largest."""
    scales = [np.array([c.moment.omega_l, np.abs(table[:, 1]).max()]) for c, table in r]
    pairs = zip(r, scales, strict=True)
    return max(float(np.abs((formula(c) - table) / scale).max()) for (c, table), scale in pairs)


def _upward_from_downward(spin: float, x: float) -> Any:
    """<S_- S_+> from <S_+ S_->."""
    return np.exp(x) * level_sums(spin, x).flip_down


def _change_of_total_spin() -> Any:
    """Conserving and non-conserving part of Eq. (66): change along the field when spin falls."""
    return [0.0, -2.0]


@cache
def _total_spin_steps() -> Array:
    """[S_z + sigma_z / 2, A] = step A for the parts of the coupling that lower the electron."""
    spins = [_MOMENT]
    sigma, moment = joint_space.PAULI, joint_space.spin_operators(_MOMENT)
    total = joint_space.embed(0.5 * sigma[2], [1 + 0 * moment[2]])
    total = total + joint_space.embed(1 + 0 * sigma[2], [moment[2]])
    steps = []
    for exchange in ((1.0, 1.0, 0.0), (1.0, -1.0, 0.0)):
        operator = joint_space.coupling(spins, 0, exchange)
        below = joint_space.embed(0.5 - 0.5 * sigma[2], [1 + 0 * moment[2]])
        above = joint_space.embed(0.5 + 0.5 * sigma[2], [1 + 0 * moment[2]])
        falling = (below * operator * above).full()
        commutator = total.full() @ falling - falling @ total.full()
        steps.append(np.vdot(falling, commutator).real / np.vdot(falling, falling).real)
    return np.array(steps)


_LEVELS = ("openmr.moments.spin_averages.level_sums", "openmr.moments.spin_averages.means")
entry = partial(
    Entry,
    section=_SECTION,
    tolerance=ROUNDING,
    because="relative; rounding",
    route="spin matrices and Boltzmann weights",
)
ladder_entry = partial(
    entry,
    code=("openmr.rates.closed_form.flip_amplitudes",),
    residual=deviation,
    route="vector J_v S_v turned by scipy.spatial.transform.Rotation",
    note="With L = J S, not the J S/(2 hbar) of Eq. (6).",
)


ENTRIES = [
    ladder_entry(
        equation="64",
        statement="Raising operator of the coupling, spins along the field",
        latex=r"L_+ = e^{+i\phi}\left[\frac{J_x + J_y}{2}S_+ + \frac{J_x - J_y}{2}S_-\right]",
        printed=partial(ladder, 0.0, 1),
        reference=partial(turned_ladders, 0.0, 1),
    ),
    ladder_entry(
        equation="65",
        statement="Lowering operator of the coupling, spins along the field",
        latex=r"L_- = e^{-i\phi}\left[\frac{J_x - J_y}{2}S_+ + \frac{J_x + J_y}{2}S_-\right]",
        printed=partial(ladder, 0.0, -1),
        reference=partial(turned_ladders, 0.0, -1),
    ),
    entry(
        equation="66",
        statement="Golden-rule rate of spins along the field",
        latex=r"W_{\downarrow\uparrow} = \frac{\pi n_S}{8\hbar^2V^2}(J_x + J_y)^2"
        r"\langle S_-S_+\rangle(\omega - \omega_L) + \frac{\pi n_S}{8\hbar^2V^2}(J_x - J_y)^2"
        r"\langle S_+S_-\rangle(\omega + \omega_L)",
        corrected_latex=r"W_{\downarrow\uparrow} = \frac{\pi n_S}{8\hbar^2V^2}(J_x + J_y)^2"
        r"\langle S_-S_+\rangle\,\delta(\omega - \omega_L) + \frac{\pi n_S}{8\hbar^2V^2}"
        r"(J_x - J_y)^2\langle S_+S_-\rangle\,\delta(\omega + \omega_L)",
        code=(
            "openmr.rates.closed_form.flip_weights_longitudinal",
            "openmr.rates.closed_form.flip_weights",
        ),
        printed=lambda c: doubled(_along(c)),
        corrected=_along,
        shipped=(partial(any_axis, 0.0),),
        reference=partial(flip_lines, 0.0),
        residual=lines_error,
        because="positions over omega_L, weights over the largest; rounding",
        route="golden rule, Eq. (46), summed over spin matrices",
        note="Eqs. (67), (68) hold omega_L already: together they put the lines at twice the "
        "flip energy. The strengths are right.",
    ),
    entry(
        equation="66 conserving",
        statement="Its first term keeps the total spin along the field, its second does not",
        latex=r"\Delta(S_z + \sigma_z/2) = 0,\; -2",
        printed=_change_of_total_spin,
        reference=_total_spin_steps,
        residual=lambda f, r: float(np.abs(f() - r).max()),
        because="absolute, in hbar; rounding",
        route="commutators in QuTiP",
        note="In the second both spins fall.",
    ),
    entry(
        equation="67",
        statement="Moments that take the energy of a flip",
        latex=r"\langle S_-S_+\rangle(\omega) = [S(S+1) - \langle S_\parallel^2\rangle"
        r" - \langle S_\parallel\rangle]\,\delta(\omega - \omega_L)",
        code=(*_LEVELS, "openmr.bath.moment_correlator"),
        printed=_upward,
        shipped=tuple(partial(_by_levels, 1, sums) for sums in (level_sums, means)),
        reference=_moment_lines,
        residual=partial(_line_error, which=0),
        because="position and weight, relative; rounding",
        note="Holds by itself; the doubled omega_L arises in (66), (74). The 2 pi of the Fourier "
        "integral stands in their prefactors.",
    ),
    entry(
        equation="68",
        statement="Moments that give the energy of a flip",
        latex=r"\langle S_+S_-\rangle(\omega) = [S(S+1) - \langle S_\parallel^2\rangle"
        r" + \langle S_\parallel\rangle]\,\delta(\omega + \omega_L)",
        code=(*_LEVELS, "openmr.bath.moment_correlator"),
        printed=_downward,
        shipped=tuple(partial(_by_levels, -1, sums) for sums in (level_sums, means)),
        reference=_moment_lines,
        residual=partial(_line_error, which=1),
        because="position and weight, relative; rounding",
    ),
    entry(
        equation="68 balance",
        statement="The two are in detailed balance",
        latex=r"\langle S_-S_+\rangle = e^{\beta\epsilon_L}\langle S_+S_-\rangle",
        code=_LEVELS[:1],
        printed=_upward_from_downward,
        reference=moments,
        residual=lambda f, r: max(worst_ratio(f(m.spin, m.x), m.flip_up) for m in r),
    ),
    entry(
        equation="69",
        statement="Length of a spin",
        latex=r"S_xS_x + S_yS_y + S_zS_z = S(S+1)",
        code=("openmr.rates.routes.joint_space.spin_operators",),
        printed=_square_of_spin,
        reference=_squares,
        residual=deviation,
        route="QuTiP's spin matrices",
    ),
]
