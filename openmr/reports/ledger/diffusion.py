"""Spin diffusion across the film, Eqs. (76), (77), (79)-(82)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from scipy.optimize import brentq

from openmr._checks import Array
from openmr._spins import LEVI_CIVITA as EPSILON
from openmr.bath.correlators import PAULI
from openmr.rates.axes import film_tensor, local_axes
from openmr.rates.record import rotation
from openmr.reports.ledger.deviations import ROUNDING, Pairs, Series, deviation, order
from openmr.reports.ledger.entries import Entry
from openmr.reports.ledger.film_problem import NORMAL, PER_PS, Film, film, films
from openmr.reports.ledger.shipped_film import at_face, matrix
from openmr.sample import presets

_SECTION = "IV. Anisotropic spin diffusion equation"
_AXES = range(3)
_SPINS = ((0.3, -1.1, 0.7), (-0.4, 0.2, 0.9))


# --- (76) ------------------------------------------------------------------------------------


@cache
def _local_tensors() -> Pairs:
    """Tensors for a field along the normal, whose local axes are those of the film."""
    points = ((-1e-3, 25.0, 19.0), (1e-3, 10.0, 2.0))
    found = [film(presets.pt_py(j), t, field, NORMAL) for j, t, field in points]
    return [((f,), f.tensor) for f in found]


def _continuity_printed(f: Film) -> Any:
    """Matrix of Eq. (76) as printed."""
    return np.array(
        [
            [1 / f.tau_perp, 0, -f.omega],
            [0, 1 / f.tau_perp, +f.omega],
            [+f.omega, -f.omega, 1 / f.tau_par],
        ]
    )


def _continuity(f: Film) -> Any:
    """Matrix with a precession about z, as Eqs. (2) and (13) give."""
    return f.rates.tensor * PER_PS


# --- (77) ------------------------------------------------------------------------------------


@cache
def _flying_electrons() -> Series:
    """Stationary decay of spins that fly at speed 1, scatter at rate 1 and lose the spin slowly.

    f(u) = <f> / (1 + loss - u kappa) exp(-kappa z) for the cosine u of the flight with the
    normal; <f> settles kappa.
    """
    u, weight = np.polynomial.legendre.leggauss(40)
    weight = weight / 2
    decays, pairs = [], []
    for loss in (0.02, 0.01, 0.005):
        gamma = 1 + loss
        decay = float(
            brentq(lambda k, g=gamma: weight @ (1 / (g - u * k)) - 1, 1e-3, 0.5 * gamma, xtol=1e-15)
        )
        spread = 1 / (gamma - u * decay)
        # D = <u^2> of the gas; current and gradient over the density
        pairs.append([((float(weight @ u**2), -decay), float(weight @ (u * spread)))])
        decays.append(decay)
    relative = [[(given, expected)] for ((given, expected),) in pairs]
    return Series(np.array(decays), relative)


def _fick(D: float, gradient: float) -> Any:
    """Eq. (77)."""
    return -D * gradient


def _fick_order(formula: Any, series: Series) -> float:
    """The current is itself of first order in the decay: the relative error has one order less."""
    return order(formula, series) - 1


# --- (79) ------------------------------------------------------------------------------------


@cache
def populations() -> Pairs:
    """Difference of the populations of the spinors (35) and (36) in given spin states."""
    found: Pairs = []
    for theta, phi in ((0.4, 1.1), (1.9, -2.3), (2.6, 0.3)):
        up = np.array([np.cos(theta / 2), -np.exp(-1j * phi) * np.sin(theta / 2)])
        down = np.array([-up[1].conj(), up[0].conj()])
        for spin in _SPINS:
            rho = np.einsum("a,aij->ij", spin, PAULI)
            along = 0.5 * (up.conj() @ rho @ up - down.conj() @ rho @ down).real
            found.append(((theta, phi, np.array(spin)), along))
    return found


def _along_axis(theta: float, phi: float, mu: Array) -> Any:
    """Third row of Eq. (79)."""
    return rotation(theta, phi)[2] @ mu


def _along_given_axis(theta: float, phi: float, mu: Array) -> Any:
    """The same from the axis as a vector."""
    return local_axes(rotation(theta, phi)[2])[2] @ mu


# --- (80), (81) ------------------------------------------------------------------------------


@cache
def losses() -> Pairs:
    """-Gamma mu in axes of the film, in nm and ps."""
    return [((f, np.array(mu)), -f.tensor @ mu) for f in films() for mu in _SPINS]


def _divergence_printed(f: Film, mu: Array) -> Any:
    """Right-hand side of Eq. (80) as printed, each repeated index summed."""
    b = f.b
    return [
        -mu[v] / f.tau_perp
        - (1 / f.tau_par - 1 / f.tau_perp) * sum(b[v] * b[k] * mu[d] for k in _AXES for d in _AXES)
        - f.omega * sum(EPSILON[v, k, d] * mu[d] for k in _AXES for d in _AXES)
        for v in _AXES
    ]


def _divergence(f: Film, mu: Array) -> Any:
    """Eq. (80) with one b in each term and the precession of Eq. (2)."""
    return -PER_PS * film_tensor(f.rates, f.b) @ mu


@cache
def curvatures() -> Pairs:
    """(Gamma / D) mu in axes of the film."""
    return [((f, np.array(mu)), f.matrix @ mu) for f in films() for mu in _SPINS]


def _curvature_printed(f: Film, mu: Array) -> Any:
    """Right-hand side of Eq. (81) as printed, delta summed over its three places."""
    b = f.b
    return [
        f.l_perp**-2 * mu[v]
        + (f.l_par**-2 - f.l_perp**-2) * sum(b[v] * b[k] * mu[k] for k in _AXES)
        - f.l_L**-2 * sum(EPSILON[v, k, d] * b[d] * mu[d] for k in _AXES for d in _AXES)
        for v in _AXES
    ]


def curvature(f: Film, mu: Array) -> Any:
    """Eq. (81) with b at kappa."""
    return matrix(f) @ mu


# --- (82) ------------------------------------------------------------------------------------


@cache
def settled_slopes(cells: int = 200) -> list[tuple[Film, Array]]:
    """Slopes at both faces (2, 3) where the spins have settled in cells, nothing leaving the film.

    Between cells flows -D mu' plus the spin Hall current of polarisation a along a x J; through
    the faces nothing. The slope is carried to the face by a parabola, so it errs as the cube of a
    cell.
    """
    found = []
    for f in films():
        h = f.d / cells
        hall = (
            f.D
            * 2
            * f.e
            / f.sigma
            * np.array([f.theta * np.cross(a, (f.sigma * f.E, 0, 0))[2] for a in np.eye(3)])
        )
        neighbours = 2 * np.eye(cells) - np.eye(cells, k=1) - np.eye(cells, k=-1)
        neighbours[0, 0] = neighbours[-1, -1] = 1
        matrix = f.D / h**2 * np.kron(neighbours, np.eye(3)) + np.kron(np.eye(cells), f.tensor)
        load = np.zeros((cells, 3))
        load[0], load[-1] = -hall / h, hall / h
        mu = np.linalg.solve(matrix, load.ravel()).reshape(cells, 3)
        slope = np.diff(mu, axis=0) / h
        ends = [3 * s[0] - 3 * s[1] + s[2] for s in (slope, slope[::-1])]
        found.append((f, np.array(ends)))
    return found


def into_a_face(formula: Any, found: list[tuple[Film, Array]]) -> float:
    """Spin current that a formula lets through the faces, over the spin Hall current."""
    return max(
        float(np.abs(formula(f, slope)).max() / f.J_SH) for f, ends in found for slope in ends
    )


def _face_current_printed(f: Film, slope: Array) -> Any:
    """Eq. (82) as printed."""
    return [-f.sigma / (2 * f.e) * slope[v] + (v == 1) * f.theta * f.sigma * f.E for v in _AXES]


def face_current(f: Film, slope: Array) -> Any:
    """Eqs. (82), (B9), (B10) with the current of Fig. 2 along z, theta (y x J)_z = -theta J_x."""
    return [-f.sigma / (2 * f.e) * slope[v] - (v == 1) * f.theta * f.sigma * f.E for v in _AXES]


FACES = ("openmr.transport.diffusion.profile", "openmr.transport.diffusion.graded_profile")
MATRICES = "Born-Markov generator in axes of the film, from matrices of electron and moment"
_entry = partial(Entry, section=_SECTION, residual=deviation, tolerance=ROUNDING)

ENTRIES = [
    _entry(
        equation="76",
        statement="Continuity of the spin in local axes",
        latex=r"\frac{d}{dt}\mu_s + \nabla\cdot j_s = -\begin{bmatrix}"
        r"\tau_\perp^{-1} & 0 & -\omega_L \\ 0 & \tau_\perp^{-1} & +\omega_L \\"
        r"+\omega_L & -\omega_L & \tau_\parallel^{-1}\end{bmatrix}\mu_s",
        corrected_latex=r"\frac{d}{dt}\mu_s + \nabla\cdot j_s = -\begin{bmatrix}"
        r"\tau_\perp^{-1} & +\omega_L & 0 \\ -\omega_L & \tau_\perp^{-1} & 0 \\"
        r"0 & 0 & \tau_\parallel^{-1}\end{bmatrix}\mu_s",
        code=("openmr.rates.record.precession_tensor",),
        printed=_continuity_printed,
        corrected=_continuity,
        reference=_local_tensors,
        because="over the largest element; rounding",
        route=MATRICES,
        note="A precession about z cannot turn x or y into z: the printed matrix precesses about "
        "(1, 1, 0) and misses all of omega_L.",
    ),
    _entry(
        equation="77",
        statement="Spin current by Fick's law",
        latex=r"j_s^\nu = -\mathcal D\nabla\mu_s^\nu",
        printed=_fick,
        reference=_flying_electrons,
        residual=_fick_order,
        tolerance=0.05,
        because="of the order; the next power, the square of the ratio, is 0.06 at most",
        route="stationary Boltzmann equation with isotropic scattering, by quadrature",
        order=2.0,
        parameter="mean free path over spin diffusion length",
        note="D = <v_z^2> tau.",
    ),
    _entry(
        equation="79",
        statement="Third row of the rotation: spin along the quantisation axis",
        latex=r"\mu'_s = R\mu_s,\quad"
        r"\hat b = [-\sin\theta\cos\phi, \sin\theta\sin\phi, \cos\theta]",
        code=("openmr.rates.record.rotation", "openmr.rates.axes.local_axes"),
        printed=_along_axis,
        shipped=(_along_given_axis,),
        reference=populations,
        because="relative; rounding",
        route="populations of the spinors (35), (36)",
        note="The same letter stands for both sides in print; the left one is in local axes.",
    ),
    _entry(
        equation="80",
        statement="Continuity of the spin in axes of the film",
        latex=r"\nabla\cdot j_s^\nu = -\tau_\perp^{-1}\mu_s^\nu - (\tau_\parallel^{-1}"
        r" - \tau_\perp^{-1})\hat b_\nu\hat b_\kappa\mu_s^\delta"
        r" - \omega_L\epsilon_{\nu\kappa\delta}\mu_s^\delta",
        corrected_latex=r"\nabla\cdot j_s^\nu = -\tau_\perp^{-1}\mu_s^\nu - (\tau_\parallel^{-1}"
        r" - \tau_\perp^{-1})\hat b_\nu\hat b_\kappa\mu_s^\kappa"
        r" + \omega_L\epsilon_{\nu\kappa\delta}\hat b_\kappa\mu_s^\delta",
        code=("openmr.rates.axes.film_tensor",),
        printed=_divergence_printed,
        corrected=_divergence,
        reference=losses,
        because="over the largest component; rounding",
        route=MATRICES,
        note="The precession lacks b, mu's index in the second term is not summed with that of b, "
        "and with b beside mu in the order of the indices the sign is opposite to that of (2). The "
        "printed loss is wrong by several times its size.",
    ),
    _entry(
        equation="81",
        statement="Diffusion equation with anisotropic relaxation and precession",
        latex=r"\partial_z^2\mu_s^\nu = \ell_\perp^{-2}\delta_{\nu\kappa}\mu_s^\kappa"
        r" + (\ell_\parallel^{-2} - \ell_\perp^{-2})\hat b_\nu\hat b_\kappa\mu_s^\kappa"
        r" - \ell_L^{-2}\epsilon_{\nu\kappa\delta}\hat b_\delta\mu_s^\delta",
        corrected_latex=r"\partial_z^2\mu_s^\nu = \ell_\perp^{-2}\delta_{\nu\kappa}\mu_s^\kappa"
        r" + (\ell_\parallel^{-2} - \ell_\perp^{-2})\hat b_\nu\hat b_\kappa\mu_s^\kappa"
        r" - \ell_L^{-2}\epsilon_{\nu\kappa\delta}\hat b_\kappa\mu_s^\delta",
        code=("openmr.rates.axes.film_tensor", "openmr.transport.surviving.squared_argument"),
        printed=_curvature_printed,
        corrected=curvature,
        reference=curvatures,
        because="over the largest component; rounding",
        route=MATRICES,
        note="delta names b and mu at once, which makes the print wrong by more than its size. "
        "Read with b at kappa the sign is that of (2); read with mu at kappa, as (B4) has it, it "
        "is opposite. l_L^-2 is omega_L / D with its sign.",
    ),
    _entry(
        equation="82",
        statement="No spin current through the faces",
        latex=r"J_s^\nu|_{z=0,d_N} = -\frac{\sigma_D}{2e}\partial_z\mu_s^\nu|_{z=0,d_N}"
        r" + \delta_{\nu y}\theta_{SH}\sigma_DE = 0",
        corrected_latex=r"J_s^\nu|_{z=0,d_N} = -\frac{\sigma_D}{2e}\partial_z\mu_s^\nu|_{z=0,d_N}"
        r" - \delta_{\nu y}\theta_{SH}\sigma_DE = 0",
        code=FACES,
        printed=_face_current_printed,
        corrected=face_current,
        shipped=(*at_face(0), *at_face(1)),
        reference=settled_slopes,
        residual=into_a_face,
        tolerance=5e-5,
        because="over the spin Hall current; cube of a cell over the fastest mode's length",
        route="spins settled in 200 cells with no flow through the faces",
        note="It decides the sign of the source: the cells know only that a field along x sends y "
        "spins along -z, J_SH = theta (y x J) of Fig. 2 and (B9), and that none leave. The printed "
        "sign turns the spin accumulation over, and with (B24), which is the reciprocal of the "
        "right sign, the magnetoresistance as well. The slope is given, so D is not decided here.",
    ),
]
