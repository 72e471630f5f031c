"""The paper's formulas for the rates.

Eqs. (32), (33), (35)-(46), (61)-(63), (66)-(75), (78), (83)-(85), (91), (92).

Each formula stands once in the form that holds; the form in print, where it differs, stands beside
it under a name that ends in ``_printed``. Rates are in 1/s, densities in m^-3, couplings in eV m^3,
densities of states in eV^-1 m^-3; x = beta eps_L. Last axis = sublattice, unless stated.

Source: X.-P. Zhang, X. Wang and Y. Yao, "Open quantum theory of magnetoresistance in mesoscopic
magnetic materials".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import SMALLEST, Array, ComplexArray
from openmr._elementary import cos, every, expm1, maximum, plain, sin, some, where
from openmr._words import Disorder, Form
from openmr.bath.level_noise import split_fermi_sea
from openmr.moments.equilibrium import Equilibrium
from openmr.moments.levels import AxialLevels
from openmr.moments.spin_averages import axial_excess, means
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.axes import axes_about, electron_splitting, local_coupling
from openmr.rates.axial_lines import axial_lines, is_axial, refuse_turned_couplings
from openmr.rates.record import ExchangePart, over_sublattices, spin_polarised_loss, zero_tensor
from openmr.sample.film import Electrons
from openmr.sample.magnet import Magnet
from openmr.units import HBAR, K_B, MU_B

# --- moments ---------------------------------------------------------------------------------


def _moments_of(spin: ArrayLike, x: ArrayLike) -> list[Array]:
    """Spins and splittings that Eqs. (32), (33) can be worked out for."""
    spins, x = _checks.half_integers("spin", spin), _checks.nonzero_array("x", x)
    return _checks.broadcast(spin=spins, x=x)


def mean_spin(spin: ArrayLike, x: ArrayLike) -> Array:
    """<S_par> = -S B_S(S x), Eq. (32), for x != 0.

    Parameters
    ----------
    spin : array_like (...), no unit
        S.
    x : array_like (...), no unit
        beta eps_L.

    Returns
    -------
    array (...), no unit
        <S_par>. Two large terms cancel: its absolute error is about 1e-16/|x|.

    Raises
    ------
    ParameterError
        For a spin that is no half-integer, and for x that is 0 or not finite.
    """
    spin, x = _moments_of(spin, x)
    levels = 2 * spin + 1
    return np.asarray(0.5 / np.tanh(0.5 * x) - 0.5 * levels / np.tanh(0.5 * levels * x))


def second_moment(spin: ArrayLike, x: ArrayLike) -> Array:
    """<S_par^2> = S(S+1) + coth(x/2) <S_par>, Eq. (33), for x != 0.

    Parameters and errors as of `mean_spin`.

    Returns
    -------
    array (...), no unit
        <S_par^2>. Large terms cancel: its absolute error is about 1e-16/x^2.
    """
    spin, x = _moments_of(spin, x)
    return np.asarray(spin * (spin + 1) + mean_spin(spin, x) / np.tanh(0.5 * x))


def absorption(x: ArrayLike) -> Array:
    """X n_B(x) with n_B = 1/(exp(x) - 1), the weight of flips that take energy from the moments.

    The bosons of Eq. (70).

    Parameters
    ----------
    x : array_like (...), no unit
        Energy of the flip over k_B T.

    Returns
    -------
    array (...), no unit
        1 at x = 0.

    Raises
    ------
    ParameterError
        For x that is not finite.
    """
    return _bosons(_checks.finite_array("x", x))[0]


def emission(x: ArrayLike) -> Array:
    """X [1 + n_B(x)], the weight of flips that give energy to the moments.

    The bosons of Eq. (70).

    Parameters, returns and errors as of `absorption`.
    """
    return _bosons(_checks.finite_array("x", x))[1]


def _bosons(x: Array) -> tuple[Array, Array]:
    """`absorption` and `emission`, both by n_B(|x|): one exponential, and nothing cancels."""
    depth = maximum(abs(x), SMALLEST)  # not 0/0 where nothing is split
    less = depth / expm1(depth)
    more = less + depth
    up = x >= 0
    return (less, more) if every(up) else (where(up, less, more), where(up, more, less))


# --- any quantisation axis -------------------------------------------------------------------


class FlipWeights(NamedTuple):
    """Strengths of the lines of W_{down,up}, Eq. (46), at w_up - w_down = +w_L, -w_L, 0 [eV m^3/s].

    W is ``(absorbing <S_-S_+> delta(w - w_L) + emitting <S_+S_-> delta(w + w_L)
    + conserving <S_par^2> delta(w)) / V^2`` with energies in eV.

    Attributes
    ----------
    absorbing : array (...), eV m^3/s
        Line at +w_L: the moments give energy.
    emitting : array (...), eV m^3/s
        Line at -w_L: the moments take energy.
    conserving : array (...), eV m^3/s
        Line at zero.
    """

    absorbing: Array
    emitting: Array
    conserving: Array


def _angles(theta: ArrayLike, phi: ArrayLike) -> tuple[Array, Array]:
    return _checks.finite_array("theta", theta, "rad"), _checks.finite_array("phi", phi, "rad")


def spin_states(theta: ArrayLike, phi: ArrayLike) -> tuple[ComplexArray, ComplexArray]:
    """Spin up and spin down along any axis, Eqs. (35), (36), in the basis of sigma_z.

    Parameters
    ----------
    theta, phi : array_like (...), rad
        Axis of Eq. (37).

    Returns
    -------
    up : complex array (..., 2), no unit
        Of length 1.
    down : complex array (..., 2), no unit
        Orthogonal to it.
    """
    theta, phi = np.broadcast_arrays(*_angles(theta, phi))
    c, s = np.cos(0.5 * theta).astype(complex), np.sin(0.5 * theta)
    up = np.stack([c, -np.exp(-1j * phi) * s], axis=-1)
    down = np.stack([np.exp(1j * phi) * s, c], axis=-1)
    return up, down


def flip_amplitudes(
    exchange: Array, theta: ArrayLike, phi: ArrayLike
) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """<down| sum_v J_v sigma_v S_v |up> by S_+, S_- and S_z of the moment [eV m^3].

    The operator L_+ of Eqs. (64), (72) up to the phase exp(i phi) of the states.

    Parameters
    ----------
    exchange : array (..., 3), eV m^3
    theta, phi : array_like, rad
        Axis of Eq. (37).

    Returns
    -------
    raising : complex array (...), eV m^3
        With S_+ of the moment.
    lowering : complex array (...), eV m^3
        With S_-.
    still : complex array (...), eV m^3
        With S_z.
    """
    up, down = spin_states(theta, phi)
    flip_x = np.sum(down.conj() * up[..., ::-1], axis=-1)
    flip_y = 1j * (down[..., 1].conj() * up[..., 0] - down[..., 0].conj() * up[..., 1])
    flip_z = down[..., 0].conj() * up[..., 0] - down[..., 1].conj() * up[..., 1]
    jx, jy, jz = _xyz(exchange)
    raising = 0.5 * (jx * flip_x - 1j * jy * flip_y)
    lowering = 0.5 * (jx * flip_x + 1j * jy * flip_y)
    return raising, lowering, jz * flip_z


def flip_weights(exchange: Array, density: Array, theta: ArrayLike, phi: ArrayLike) -> FlipWeights:
    """Golden rule for spins quantised along any axis, Eqs. (35)-(46).

    Parameters
    ----------
    exchange : array (..., 3), eV m^3
    density : array (...), m^-3
    theta, phi : array_like, rad
        Axis of Eq. (37).

    Returns
    -------
    FlipWeights
        Each of the broadcast shape of the arguments.
    """
    rate = np.pi * density / (2 * HBAR)
    amplitudes = flip_amplitudes(exchange, theta, phi)
    return FlipWeights(*(rate * np.abs(amplitude) ** 2 for amplitude in amplitudes))


def flip_weights_longitudinal(exchange: Array, density: Array) -> FlipWeights:
    """Eq. (66), theta = 0, with each delta function once.

    Parameters and returns as of `flip_weights`.
    """
    jx, jy, _ = _xyz(exchange)
    rate = np.pi * density / (8 * HBAR)
    return FlipWeights(rate * (jx + jy) ** 2, rate * (jx - jy) ** 2, np.zeros_like(rate))


def flip_weights_transverse(exchange: Array, density: Array, phi: ArrayLike) -> FlipWeights:
    """Eq. (74), theta = pi/2, with each delta function once.

    Parameters and returns as of `flip_weights`.
    """
    jx, jy, jz = _xyz(exchange)
    rate = np.pi * density / (8 * HBAR)
    flips = rate * ((np.sin(phi) * jx) ** 2 + (np.cos(phi) * jy) ** 2)
    return FlipWeights(flips, flips, 4 * rate * jz**2)


class Lines(NamedTuple):
    """Moments' part of the rates, per sublattice, from `thermal_lines`: what each line weighs.

    ``x n_B <S_-S_+>`` and ``x (1 + n_B) <S_+S_->``, which detailed balance makes equal, and what
    dephases, <S_par^2> or its fluctuation.

    Attributes
    ----------
    absorbing : array (..., n), no unit
        x n_B <S_-S_+>.
    emitting : array (..., n), no unit
        x (1 + n_B) <S_+S_->.
    conserving : array (..., n), no unit
        <S_par^2>, or its fluctuation.
    """

    absorbing: Array
    emitting: Array
    conserving: Array


def thermal_lines(state: Equilibrium | VectorEquilibrium, disorder: Disorder) -> Lines:
    """Use, as Eq. (60) does, integral f(e) [1 - f(e - w)] de = w n_B(w) at each line.

    Parameters
    ----------
    disorder : {"random", "lattice"}
        As of the magnet.

    Returns
    -------
    Lines
        Last axis: the sublattice. Of levels that are not evenly spaced each spacing is a line of
        its own, and their sum is given.
    """
    if isinstance(state, VectorEquilibrium):
        lines = [_summed(one, disorder) for one in axial_lines(state)]
        return Lines(*(np.stack(parts, axis=-1) for parts in zip(*lines, strict=True)))
    less, more = _bosons(state.reduced_splitting)
    return Lines(
        absorbing=less * state.flip_up,
        emitting=more * state.flip_down,
        conserving=state.dephasing_moment(disorder),
    )


def _summed(levels: AxialLevels, disorder: Disorder) -> Lines:
    less, more = _bosons(levels.gaps)
    return Lines(
        absorbing=(less * levels.raised).sum(axis=-1),
        emitting=(more * levels.lowered).sum(axis=-1),
        conserving=levels.variance if disorder == "lattice" else levels.second_moment,
    )


def flip_flux(weights: FlipWeights, lines: Lines) -> Array:
    """Sum over k, k' of beta W f (1 - f) over nu_up nu_down, per sublattice [eV m^3/s].

    The sums of Eqs. (60), (61).

    Returns
    -------
    array (..., n), eV m^3/s
        Last axis: the sublattice.
    """
    flux = weights.absorbing * lines.absorbing
    flux += weights.emitting * lines.emitting
    if np.count_nonzero(weights.conserving):
        flux += weights.conserving * lines.conserving
    return np.asarray(flux)


def relaxation_rate(flux: Array, electrons: Electrons) -> Array:
    """1/T_par = (1/nu_up + 1/nu_down) nu_up nu_down flux, Eq. (61) [1/s].

    Parameters
    ----------
    flux : array (...), eV m^3/s
        From `flip_flux`.

    Returns
    -------
    array (...), 1/s
        1/T_par.
    """
    up, down = electrons.dos_up, electrons.dos_down
    return np.asarray((1 / up + 1 / down) * up * down * flux)


def charge_to_spin_rate(flux: Array, electrons: Electrons) -> Array:
    """1/T_0 = (1/nu_up - 1/nu_down) nu_up nu_down flux, Eq. (62) [1/s].

    Parameters as of `relaxation_rate`.

    Returns
    -------
    array (...), 1/s
        1/T_0, signed.
    """
    return np.asarray((electrons.dos_down - electrons.dos_up) * flux)


def spin_per_charge(longitudinal: Array, charge_to_spin: Array) -> Array:
    """Steady dN_par / dN_0 = -T_par / T_0, Eq. (63).

    Parameters
    ----------
    longitudinal : array (...), 1/s
        1/T_par.
    charge_to_spin : array (...), 1/s
        1/T_0.

    Returns
    -------
    array (...), no unit
        dN_par / dN_0.
    """
    return np.asarray(-charge_to_spin / longitudinal)


def rate_along(
    magnet: Magnet, electrons: Electrons, state: Equilibrium, theta: ArrayLike, phi: ArrayLike
) -> Array:
    """Exchange relaxation rate of spins quantised along (theta, phi), Eqs. (35)-(46), (61) [1/s].

    theta and phi broadcast with the grid of `state`.

    Parameters
    ----------
    theta : array_like (...), rad
        Polar angle, Eq. (37).
    phi : array_like (...), rad
        Azimuth, Eq. (37).

    Returns
    -------
    array (...), 1/s
        Summed over the sublattices.
    """
    axis = (angle[..., None] for angle in _angles(theta, phi))
    weights = flip_weights(magnet.exchange, magnet.densities, *axis)
    lines = thermal_lines(state, magnet.disorder)
    rates = relaxation_rate(flip_flux(weights, lines), electrons)
    return np.asarray(rates.sum(axis=-1))


# --- along and across the field --------------------------------------------------------------


def _xyz(exchange: Any) -> Any:
    """J_x, J_y, J_z of all sublattices, or the numbers of one."""
    if isinstance(exchange, tuple):
        return exchange
    return exchange[..., 0], exchange[..., 1], exchange[..., 2]


def longitudinal(magnet: Magnet, electrons: Electrons, lines: Lines) -> Array:
    """Exchange part of 1/tau_par for anisotropic coupling, Eq. (70), per sublattice [1/s].

    Differs from the paper by (Jx + Jy)^2 in the first term, where Jx^2 + Jy^2 is printed.

    Returns
    -------
    array (..., n), 1/s
        Last axis: the sublattice.
    """
    jx, jy, _ = _xyz(magnet.exchange)
    rate = np.pi / (4 * HBAR) * magnet.densities * electrons.dos
    flips: Array = rate * (jx + jy) ** 2 * lines.absorbing
    if some(jx != jy):
        flips = flips + rate * (jx - jy) ** 2 * lines.emitting
    return flips


def longitudinal_printed(magnet: Magnet, electrons: Electrons, lines: Lines) -> Array:
    """Eq. (70) as printed; half of Eq. (84) for isotropic coupling.

    Returns as of `longitudinal`.
    """
    jx, jy, _ = _xyz(magnet.exchange)
    rate = np.pi / (4 * HBAR) * magnet.densities * electrons.dos
    keeping = (jx**2 + jy**2) * lines.absorbing
    breaking = (jx - jy) ** 2 * lines.emitting
    flips: Array = rate * (keeping + breaking)
    return flips


def transverse_flips(magnet: Magnet, electrons: Electrons, lines: Lines, phi: ArrayLike) -> Array:
    """Flip part of 1/tau_perp, first two terms of Eq. (75), per sublattice [1/s].

    Returns as of `longitudinal`.

    Parameters
    ----------
    phi : array_like, rad
        Azimuth of the axis, Eq. (37).
    """
    jx, jy, _ = _xyz(magnet.exchange)
    rate = np.pi / (4 * HBAR) * magnet.densities * electrons.dos
    coupling = (sin(phi) * jx) ** 2 + (cos(phi) * jy) ** 2
    flips: Array = rate * coupling * (lines.absorbing + lines.emitting)
    return flips


def dephasing(magnet: Magnet, electrons: Electrons, lines: Lines) -> Array:
    """Dephasing part of 1/tau_perp, third term of Eq. (75), per sublattice [1/s].

    Differs from the paper by nu_F, which the print lacks.

    Returns as of `longitudinal`.
    """
    _, _, jz = _xyz(magnet.exchange)
    rate = np.pi / HBAR * magnet.densities * electrons.dos
    dephased: Array = rate * jz**2 * lines.conserving
    return dephased


def dephasing_printed(magnet: Magnet, lines: Lines) -> Array:
    """Third term of Eq. (75) as printed, without nu_F; its unit is eV m^-3 /s times 1/nu_F.

    Returns
    -------
    array (..., n), eV m^-3/s over nu_F
        Last axis: the sublattice.
    """
    jz = magnet.exchange[..., 2]
    return np.asarray(np.pi / HBAR * magnet.densities * jz**2 * lines.conserving)


def transverse_excess(
    magnet: Magnet, electrons: Electrons, state: Equilibrium, phi: ArrayLike = 0.25 * np.pi
) -> Array:
    """1/tau_perp - 1/tau_par, per sublattice [1/s].

    Eq. (75) less Eq. (70), and Eq. (85) less Eq. (84), without a difference of the two: for
    isotropic coupling at random places no term of it is negative.

    Parameters
    ----------
    phi : array_like, rad
        Azimuth of the axis, Eq. (37); that of the default is the mean over all.

    Returns
    -------
    array (..., n), 1/s
        Last axis: the sublattice.
    """
    return excess_at(magnet, electrons, state.reduced_splitting, phi)


def excess_at(
    magnet: Magnet, electrons: Electrons, x: Array, phi: ArrayLike = 0.25 * np.pi
) -> Array:
    """`transverse_excess`, Eq. (75) less Eq. (70), of reduced splittings without their state.

    Parameters
    ----------
    magnet : Magnet
    electrons : Electrons
    x : array (..., n), no unit
        beta eps_L of every sublattice.
    phi : array_like (...), rad
        As of `transverse_excess`.

    Returns
    -------
    array (..., n), 1/s
        Last axis: the sublattice.
    """
    jx, jy, jz = _xyz(magnet.exchange)
    lattice = magnet.disorder == "lattice"
    excess = np.empty_like(x)
    for i, spin in enumerate(magnet.spins):
        excess[..., i] = axial_excess(spin, plain(x[..., i]), fluctuation=lattice)
    excess *= jz**2
    if some(jx != jz) or some(jy != jz):
        sine, cosine = np.sin(phi) ** 2, np.cos(phi) ** 2
        uneven = sine * ((jz - jy) * (jz + jy)) + cosine * ((jz - jx) * (jz + jx))
        for i, spin in enumerate(magnet.spins):
            flips = absorption(x[..., i]) * means(spin, x[..., i]).flip_up
            excess[..., i] += 0.5 * uneven[..., i] * flips
    return np.asarray(np.pi / HBAR * magnet.densities * electrons.dos * excess)


def transverse_flips_finite_splitting(
    magnet: Magnet, electrons: Electrons, state: Equilibrium | VectorEquilibrium, precession: Array
) -> Array:
    """Flip part of 1/tau_perp at any spin splitting, mean over the azimuth, per sublattice [1/s].

    Flips that keep the total spin, (Jx + Jy)^2, are those of Eq. (75) times R(w, x); those that
    break it, (Jx - Jy)^2, times R(-w, x), with

        R(w, x) = s(w) s(x) / s(x - w),   s(y) = sinh(y/2) / (y/2),   w = beta hbar omega_L,

    signed and with the exchange field included; of levels that are not evenly spaced each spacing
    x has its own R. Not in the paper, which leaves the Zeeman energy
    of the electrons out of the transverse rate; R -> 1 as w -> 0. Only the mean is a rate once the
    spin precesses faster than it relaxes.

    Returns as of `longitudinal`.

    Parameters
    ----------
    precession : array (...), rad/s
        omega_L, signed, Eq. (78).
    """
    jx, jy, _ = _xyz(magnet.exchange)
    w = (HBAR * precession / (K_B * state.temperature))[..., None]
    rate = np.pi / (8 * HBAR) * magnet.densities * electrons.dos
    if isinstance(state, VectorEquilibrium):
        lines = axial_lines(state)

        def flips(w: Array) -> Array:
            parts = [
                _split_flips(w, one.gaps, np.maximum(one.raised, one.lowered)) for one in lines
            ]
            return np.stack([part.sum(axis=-1) for part in parts], axis=-1)

    else:
        x, likely = state.reduced_splitting, np.maximum(state.flip_up, state.flip_down)

        def flips(w: Array) -> Array:
            return _split_flips(w, x, likely)

    return np.asarray(rate * ((jx + jy) ** 2 * flips(w) + (jx - jy) ** 2 * flips(-w)))


def _split_flips(w: Array, x: Array, likely: Array) -> Array:
    """R times the weight of the flips, exponentials joined: R alone overflows when cold."""
    frozen = np.exp(0.5 * (np.abs(w) - np.abs(x) - np.abs(x - w)))
    return np.asarray(frozen * emission(np.abs(x - w)) / emission(np.abs(w)) * likely)


# --- isotropic coupling, and its limits ------------------------------------------------------


def longitudinal_isotropic(
    spin_flip_rate: float, magnet: Magnet, electrons: Electrons, state: Equilibrium
) -> Array:
    """1/tau_par for isotropic coupling, Eqs. (84) and, summed over sublattices, (91) [1/s].

    Parameters
    ----------
    spin_flip_rate : float, 1/s
        1/tau_0.

    Returns
    -------
    array (...), 1/s
        1/tau_par with 1/tau_0 in it.
    """
    coupling = magnet.exchange[:, 0]
    rate = np.pi / HBAR * magnet.densities * electrons.dos * coupling**2
    flips = absorption(state.reduced_splitting) * state.flip_up
    return np.asarray(spin_flip_rate + (rate * flips).sum(axis=-1))


def transverse_isotropic(
    spin_flip_rate: float, magnet: Magnet, electrons: Electrons, state: Equilibrium
) -> Array:
    """1/tau_perp for isotropic coupling, Eqs. (85), (92) [1/s].

    Parameters and returns as of `longitudinal_isotropic`.
    """
    parallel = longitudinal_isotropic(spin_flip_rate, magnet, electrons, state)
    coupling = magnet.exchange[:, 0]
    rate = np.pi / HBAR * magnet.densities * electrons.dos * coupling**2
    dephased = (rate * state.dephasing_moment(magnet.disorder)).sum(axis=-1)
    return np.asarray(0.5 * spin_flip_rate + 0.5 * parallel + dephased)


def saturated_dephasing(magnet: Magnet, electrons: Electrons) -> float:
    """Omega_0 = (pi/hbar) n_S nu_F (J S)^2 summed: 1/tau_perp - 1/tau_0 as x -> infinity [1/s].

    The limit of Eq. (85).

    Returns
    -------
    float, 1/s
        Omega_0.
    """
    coupling = magnet.exchange[:, 0] * magnet.spins
    return float((np.pi / HBAR * magnet.densities * electrons.dos * coupling**2).sum())


def paramagnetic_rate(magnet: Magnet, electrons: Electrons) -> float:
    """Omega_1 = (2 pi/3 hbar) n_S nu_F J^2 S(S+1) summed: both rates - 1/tau_0 as x -> 0 [1/s].

    The limit of Eqs. (84), (85).

    Returns
    -------
    float, 1/s
        Omega_1.
    """
    moment = magnet.exchange[:, 0] ** 2 * magnet.spins * (magnet.spins + 1)
    return float((2 * np.pi / (3 * HBAR) * magnet.densities * electrons.dos * moment).sum())


# --- precession ------------------------------------------------------------------------------


def precession(
    magnet: Magnet, electrons: Electrons, state: Equilibrium | VectorEquilibrium
) -> Array:
    """omega_L = omega_B - (1/hbar) sum_i n_S J_z <S_par>, Eq. (78) [rad/s].

    Returns
    -------
    array (...), rad/s
        omega_L, signed.
    """
    zeeman = electrons.g * MU_B * state.field
    _, _, jz = _xyz(magnet.exchange)
    exchange = magnet.densities * jz * state.mean_spin
    splitting: Array = (zeeman - over_sublattices(exchange)) / HBAR
    return splitting


def exchange_field(magnet: Magnet, electrons: Electrons, state: Equilibrium) -> Array:
    """B_sd = sum_i n_S J_z <S_par> / (g mu_B), Eq. (83) [T].

    Differs from the paper by hbar, which the print has in the denominator.

    Returns
    -------
    array (...), T
        B_sd, signed.
    """
    exchange = magnet.densities * magnet.exchange[..., 2] * state.mean_spin
    return np.asarray(exchange.sum(axis=-1) / (electrons.g * MU_B))


def exchange_field_printed(magnet: Magnet, electrons: Electrons, state: Equilibrium) -> Array:
    """Eq. (83) as printed, over hbar; its unit is T/(eV s).

    Returns
    -------
    array (...), T/(eV s)
        B_sd / hbar.
    """
    exchange = magnet.densities * magnet.exchange[..., 2] * state.mean_spin
    return np.asarray(exchange.sum(axis=-1) / (HBAR * electrons.g * MU_B))


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "magnetization":
            _checks.warn_renamed(name, "mean_spin")
            return mean_spin
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# --- the method ------------------------------------------------------------------------------


def closed_form(
    state: Equilibrium | VectorEquilibrium, *, form: Form = "corrected"
) -> ExchangePart:
    """Exchange part of the relaxation tensor by Eqs. (70), (75), (78).

    Parameters
    ----------
    form : {"corrected", "printed", "finite-splitting"}
        "corrected" has the misprints of (70) and (75) mended; "printed" has them (with nu_F
        supplied in (75), without which its terms cannot be added); "finite-splitting" multiplies
        the mean transverse flip rate by R and leaves the difference of the two transverse rates
        as in (75), which precession averages out. Of moments with levels of their own it is the
        tensor of the split Fermi sea, `split_fermi_sea`, for any levels, field and coupling.

    Returns
    -------
    ExchangePart
        Last two axes of the tensor in the local frame, azimuth 0.

    Raises
    ------
    ParameterError
        For an unknown form; for moments whose levels are not those of S_par along the field.
    """
    _checks.choice("form", form, Form)
    if isinstance(state, VectorEquilibrium):
        if form == "finite-splitting" and not is_axial(state):
            return _of_split_electrons(state)
        refuse_turned_couplings(state)
    magnet, electrons = state.sample.magnet, state.sample.electrons
    some_magnet, at = magnet, state
    if isinstance(state, Equilibrium) and state.reduced_splitting.shape == _ONE:
        some_magnet, at = _in_numbers(magnet, state)
    omega = np.asarray(precession(some_magnet, electrons, at))
    lines = thermal_lines(at, magnet.disorder)
    jx, jy, _ = _xyz(some_magnet.exchange)
    flips_x = flips_y = over_sublattices(transverse_flips(some_magnet, electrons, lines, 0.0))
    if some(jx != jy):
        flips_y = over_sublattices(transverse_flips(some_magnet, electrons, lines, 0.5 * np.pi))
    if form == "finite-splitting":
        mean = transverse_flips_finite_splitting(magnet, electrons, state, omega).sum(axis=-1)
        half_difference = 0.5 * (flips_x - flips_y)
        flips_x, flips_y = mean + half_difference, mean - half_difference
    dephased = over_sublattices(dephasing(some_magnet, electrons, lines))
    parallel = longitudinal_printed if form == "printed" else longitudinal
    tensor = zero_tensor(state.temperature.shape)
    tensor[..., 0, 0] = flips_x + dephased
    tensor[..., 1, 1] = flips_y + dephased
    tensor[..., 2, 2] = over_sublattices(parallel(some_magnet, electrons, lines))
    across = None
    if form == "finite-splitting" and isinstance(state, VectorEquilibrium):
        across = _none_across(omega)
    lost = np.zeros_like(omega)
    if electrons.dos_up != electrons.dos_down:
        weights = flip_weights_longitudinal(magnet.exchange, magnet.densities)
        lost = over_sublattices(charge_to_spin_rate(flip_flux(weights, lines), electrons))
    return ExchangePart(tensor, omega, charge_to_spin=np.asarray(lost), precession_across=across)


def _of_split_electrons(state: VectorEquilibrium) -> ExchangePart:
    """`split_fermi_sea` of every sublattice, in axes with z along the electrons' own field."""
    grid, sample = state.temperature.shape, state.sample
    splitting = electron_splitting(state)
    axes = axes_about(splitting)
    w = np.linalg.norm(splitting, axis=-1) / (K_B * state.temperature)
    tensor = np.zeros((*grid, 3, 3))
    for i, moments in enumerate(sample.magnet.sublattices):
        strength = moments.density * sample.electrons.dos / HBAR
        own = axes @ local_coupling(state, i)
        connected = sample.magnet.disorder == "lattice"
        tensor += strength * split_fermi_sea(state.levels(i), own, w, connected=connected)
    tensor = np.swapaxes(axes, -1, -2) @ tensor @ axes
    omega = splitting / HBAR
    lost = spin_polarised_loss(sample.electrons, tensor[..., 2, 2])
    return ExchangePart(
        tensor, omega[..., 2], charge_to_spin=lost, precession_across=omega[..., :2]
    )


def _none_across(omega: Array) -> Array:
    """No precession across the field, where other blocks of points may have some."""
    return np.zeros((*omega.shape, 2))


_ONE = (1,)
"""Shape of one kind of moments at one point."""


class _OneMagnet(NamedTuple):
    """One kind of moments in numbers, as the formulas ask for a magnet."""

    exchange: tuple[float, float, float]
    densities: float


class _OnePoint(NamedTuple):
    """Their state at one point, as the formulas ask for an equilibrium."""

    field: float
    reduced_splitting: float
    mean_spin: float
    flip_up: float
    flip_down: float
    dephasing: float

    def dephasing_moment(self, disorder: Disorder) -> float:
        return self.dephasing


def _in_numbers(magnet: Magnet, state: Equilibrium) -> tuple[Any, Any]:
    """One kind of moments at one point: Python is ten times faster on numbers than on arrays."""
    parts = state.reduced_splitting, state.mean_spin, state.flip_up, state.flip_down
    numbers = (
        part.item() for part in (state.field, *parts, state.dephasing_moment(magnet.disorder))
    )
    (moments,) = magnet.sublattices
    return _OneMagnet(moments.principal_exchange, moments.density), _OnePoint(*numbers)
