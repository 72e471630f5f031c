"""Spin diffusion across the film, Eqs. (76), (77), (81), (82), (B1)-(B23), (B29), three ways.

Closed form: the modes of (B5) written with projectors, one along b and a complex pair across it,
never with the eigenvectors (B7), whose norm vanishes for b along x. Matrix function: any 3x3
relaxation-plus-precession matrix. Collocation: rates that vary with the depth.

The spin current along z of polarisation a is J_a = -(sigma_D/2e) d mu_a/dz + s_a with the bare
spin Hall current s = theta_SH sigma_D (E_y, -E_x, 0), and vanishes at both faces, Eqs. (B9), (B10).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmr import _checks, collocation, hyperbolic
from openmr._checks import Array, ParameterError
from openmr.axes import film_axes, film_tensor, local_axes, turned
from openmr.levels import blocks
from openmr.rates import PRECESSION_GENERATOR, Relaxation
from openmr.sample import Film

__all__ = [
    "SpinProfile",
    "film_tensor",
    "graded_profile",
    "local_axes",
    "longitudinal_length",
    "profile",
    "surviving_fraction",
    "surviving_matrix",
    "transverse_decay",
    "transverse_length",
]

ComplexArray = NDArray[np.complex128]


# --- lengths ---------------------------------------------------------------------------------


def longitudinal_length(film: Film, relaxation: Relaxation) -> Array:
    """l_par = sqrt(D tau_par) [m].

    Parameters
    ----------
    film : Film
    relaxation : Relaxation

    Returns
    -------
    array (...), m
        l_par; inf where nothing relaxes.
    """
    return np.asarray(np.sqrt(film.diffusion * relaxation.tau_longitudinal))


def transverse_length(film: Film, relaxation: Relaxation) -> Array:
    """l_perp = sqrt(D tau_perp) [m].

    Parameters
    ----------
    film : Film
    relaxation : Relaxation

    Returns
    -------
    array (...), m
        l_perp; inf where nothing relaxes.
    """
    return np.asarray(np.sqrt(film.diffusion * relaxation.tau_transverse))


def transverse_decay(film: Film, relaxation: Relaxation) -> ComplexArray:
    """Lambda^-2 = l_perp^-2 + i l_L^-2 with l_L^-2 = omega_L / D, below Eq. (90) [m^-2].

    Parameters
    ----------
    film : Film
    relaxation : Relaxation

    Returns
    -------
    complex array (...), m^-2
        Lambda^-2.
    """
    decay = np.empty(relaxation.precession.shape, dtype=complex)
    decay.real[...] = relaxation.transverse / film.diffusion
    decay.imag[...] = relaxation.precession / film.diffusion
    return decay


# --- what is left of the spin current ---------------------------------------------------------


def surviving_fraction(thickness: float, decay: ArrayLike) -> NDArray[Any]:
    """(2 l/d) tanh(d/2l) of Eqs. (88)-(90), (B29): mean spin current over the source.

    Parameters
    ----------
    thickness : float, m
    decay : array_like (...), m^-2
        1/l^2, real or complex.

    Returns
    -------
    array, shape and kind of `decay`, no unit
        1 for d << l, 2l/d for d >> l.

    Raises
    ------
    ParameterError
        For a thickness that is not positive, and for a decay that is not finite or is real and
        negative.
    """
    thickness = _checks.number("thickness", thickness, "m", above=0.0)
    decay = _checks.finite_numbers("decay", decay, "m^-2")
    if not np.iscomplexobj(decay) and decay.min(initial=0.0) < 0:
        raise ParameterError(f"`decay` must be >= 0 m^-2 if real, got {decay.min():g}")
    with np.errstate(over="ignore", invalid="ignore"):
        u2: NDArray[Any] = np.multiply(0.5 * thickness, 0.5 * thickness) * decay
    if not np.all(np.isfinite(u2)):
        raise ParameterError("`thickness` and `decay` must leave (d/2l)^2 finite, got an overflow")
    flat, fraction = u2.reshape(-1), np.empty(u2.size, dtype=u2.dtype)
    for block in blocks(flat.size):
        part = flat[block]
        if np.iscomplexobj(u2):
            fraction.real[block], fraction.imag[block] = _tanh_ratio_pair(part.real, part.imag)
        else:
            fraction[block] = _tanh_ratio(part)
    return fraction.reshape(u2.shape)


def surviving_along(film: Film, relaxation: Relaxation) -> Array:
    """(2 l/d) tanh(d/2l) of spins along b, Eq. (88), shape of the grid.

    Parameters
    ----------
    film : Film
    relaxation : Relaxation

    Returns
    -------
    array (...), no unit
        1 where nothing relaxes.
    """
    u2 = np.asarray((0.25 * film.thickness**2 / film.diffusion) * relaxation.longitudinal)
    return _tanh_ratio(u2.reshape(-1)).reshape(u2.shape)


def surviving_across(film: Film, relaxation: Relaxation) -> tuple[Array, Array]:
    """Real and imaginary part of (2 Lambda/d) tanh(d/2 Lambda), Eqs. (89), (90), as two arrays.

    Parameters
    ----------
    film : Film
    relaxation : Relaxation

    Returns
    -------
    real : array (...), no unit
        Eq. (89).
    imaginary : array (...), no unit
        Eq. (90).
    """
    scale = 0.25 * film.thickness**2 / film.diffusion
    parts = np.broadcast_arrays(scale * relaxation.transverse, scale * relaxation.precession)
    real, imaginary = _tanh_ratio_pair(*(part.reshape(-1) for part in parts))
    return real.reshape(parts[0].shape), imaginary.reshape(parts[0].shape)


SERIES_BELOW, SQUARES_BELOW = 1e-3, 1e150
"""Of |u^2|: where the series serves, and where squares do not overflow."""


def _tanh_ratio(u2: NDArray[Any]) -> NDArray[Any]:
    """tanh(u)/u of u^2."""
    size = np.abs(u2) if np.iscomplexobj(u2) else u2
    small = None if size.min(initial=np.inf) >= SERIES_BELOW else np.abs(u2) < SERIES_BELOW
    u = np.sqrt(u2 if small is None else np.where(small, 1.0, u2))
    ratio = np.tanh(u)
    ratio /= u
    if small is not None:
        ratio[small] = _tanh_ratio_series(u2[small])
    return np.asarray(ratio)


def _tanh_ratio_series(u2: NDArray[Any]) -> NDArray[Any]:
    """Four terms leave 1e-15 at |u^2| = 1e-3, and an imaginary part that tanh would round."""
    return np.asarray(1 - u2 / 3 * (1 - u2 * 2 / 5 * (1 - u2 * 17 / 42 * (1 - u2 * 62 / 153))))


def _tanh_ratio_pair(real: Array, imaginary: Array) -> tuple[Array, Array]:
    """Real and imaginary part of tanh(u)/u of u^2, given as its two parts.

    With u = p + iv, t = tanh p and s = tan v,

        tanh u = [t (1 + s^2) + i s (1 - t^2)] / (1 + t^2 s^2),   1/u = (p - iv) / |u|^2,

    in real functions alone, which are several times faster than complex ones.
    """
    with np.errstate(over="ignore"):
        modulus = real * real
        modulus += imaginary * imaginary
    np.sqrt(modulus, out=modulus)
    if not (
        modulus.min(initial=1.0) >= SERIES_BELOW
        and modulus.max(initial=1.0) <= SQUARES_BELOW
        and real.min(initial=0.0) >= 0
    ):
        ratio = _tanh_ratio(real + 1j * imaginary)
        return ratio.real, ratio.imag
    p = modulus + real
    p *= 0.5
    np.sqrt(p, out=p)
    v = imaginary / p
    v *= 0.5
    t, s = np.tanh(p), np.tan(v)
    t2, s2 = t * t, s * s
    over = t2 * s2
    over += 1.0
    over *= modulus
    np.divide(1.0, over, out=over)
    even, odd = s2, t2
    even += 1.0
    even *= t
    even *= over
    np.subtract(1.0, t2, out=odd)
    odd *= s
    odd *= over
    return even * p + odd * v, odd * p - even * v


def surviving_matrix(film: Film, tensor: ArrayLike) -> Array:
    """The same for any relaxation-plus-precession matrix, shape (..., 3, 3).

    F = tanh(U) / U with U^2 = (d/2)^2 Gamma / D. The mean diffusion current of polarisation a is
    minus the sum over b of F_ab s_b. For axial rates F has the elements (88)-(90).

    Parameters
    ----------
    film : Film
    tensor : array_like (..., 3, 3), 1/s
        Gamma of d mu/dt = -Gamma mu, uniaxial or not, defective or not.

    Returns
    -------
    array (..., 3, 3), no unit
        F; the unit matrix where nothing relaxes.

    Raises
    ------
    ParameterError
        If the tensor lets a spin grow.

    Examples
    --------
    >>> import numpy as np, openmr as om
    >>> film = om.presets.pt_py().film
    >>> om.diffusion.surviving_matrix(film, np.diag([0.0, 1e11, 1e11])).diagonal().round(3)
    array([1.   , 0.833, 0.833])
    """
    return hyperbolic.tanh_over_root(_squared_argument(film, tensor))


def _squared_argument(film: Film, tensor: ArrayLike) -> Array:
    """U^2 = (d/2)^2 Gamma / D."""
    _checks.instance("film", film, Film)
    gamma = _checks.finite_array("tensor", tensor, "1/s")
    if gamma.shape[-2:] != (3, 3):
        raise ParameterError(f"`tensor` must have shape (..., 3, 3), got {gamma.shape}")
    with np.errstate(over="ignore"):
        u2 = gamma * ((0.5 * film.thickness) ** 2 / film.diffusion)
    if not np.all(np.isfinite(u2)):
        raise ParameterError("`tensor` must leave (d/2)^2 tensor / D finite, got an overflow")
    _refuse_growth(u2)
    return np.asarray(u2)


def _refuse_growth(u2: Array) -> None:
    """Raise if an eigenvalue lies left of zero by more than a fitted rate may miss it."""
    even = 0.5 * (u2 + np.swapaxes(u2, -1, -2))
    diagonal = np.einsum("...aa->...a", even)
    aside = np.sum(np.abs(even), axis=-1) - np.abs(diagonal)
    if np.all(diagonal >= aside):  # Gershgorin: damped without asking for eigenvalues
        return
    eigenvalues = np.linalg.eigvals(u2)
    allowed = np.minimum(1.0, 1e-6 * np.max(np.abs(eigenvalues), axis=-1))
    if not np.all(np.min(eigenvalues.real, axis=-1) >= -allowed):
        raise ParameterError(
            "`tensor` must not let a spin grow, got (d/2)^2 tensor / D with an eigenvalue of "
            f"real part {float(np.min(eigenvalues.real)):.3g}"
        )


# --- profiles --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpinProfile:
    """Spin accumulation and spin current across the film.

    Attributes
    ----------
    method : str
    depth : array (n,), m
        z, from 0 to the thickness.
    accumulation : array (..., n, 3), eV
        mu_s^x, mu_s^y, mu_s^z.
    current : array (..., n, 3), A/m^2
        Spin current along z of the three polarisations; zero at both faces.
    error : float, no unit
        Estimated error over the largest accumulation; 0 for the exact methods.
    """

    method: str
    depth: Array
    accumulation: Array
    current: Array
    error: float = 0.0

    def __repr__(self) -> str:
        return (
            f"SpinProfile  {self.method}, {len(self.depth)} depths to {self.depth[-1]:.4g} m\n"
            f"  accumulation : at most {np.max(np.abs(self.accumulation)):.4g} eV\n"
            f"  current      : at most {np.max(np.abs(self.current)):.4g} A/m^2"
        )


def profile(
    film: Film,
    relaxation: Relaxation,
    direction: ArrayLike,
    *,
    depth: ArrayLike | None = None,
    electric_field: float = 1.0,
    method: str = "matrix",
) -> SpinProfile:
    """mu_s(z) and J_s(z) for rates that are the same at every depth, Eq. (B23).

    Parameters
    ----------
    film : Film
    relaxation : Relaxation
    direction : array_like (..., 3), no unit
        b; leading axes broadcast with the rates.
    depth : array_like (n,), m, optional
        From 0 to the thickness; 101 points by default.
    electric_field : float, V/m
        E along x; all is proportional to it.
    method : {"matrix", "closed-form"}
        Function of the 3x3 matrix, or modes along and across b, for which the two transverse
        rates must be equal.

    Returns
    -------
    SpinProfile
        At the given depths.

    Raises
    ------
    ParameterError
        For depths outside the film, an unknown method, or transverse rates that the method
        cannot take.
    """
    _checks.instance("film", film, Film)
    _checks.instance("relaxation", relaxation, Relaxation)
    _checks.choice("method", method, ("matrix", "closed-form"))
    field = _checks.number("electric_field", electric_field, "V/m")
    z = np.linspace(0.0, film.thickness, 101) if depth is None else np.atleast_1d(depth)
    z = _checks.finite_array("depth", z, "m")
    if z.ndim != 1 or z.size == 0 or not np.all((z >= 0) & (z <= film.thickness)):
        raise ParameterError(
            f"`depth` must be one row of numbers from 0 to {film.thickness:g} m, got "
            + (f"{z.min():g} to {z.max():g} m" if z.size else "none")
            + (f" in shape {z.shape}" if z.ndim != 1 else "")
        )
    gap = 2 * np.minimum(z, film.thickness - z) / film.thickness
    side = np.where(z < film.thickness - z, -1.0, 1.0)
    if method == "matrix":
        s, j = hyperbolic.profiles(_squared_argument(film, relaxation.tensor), gap, side)
    else:
        s, j = _mode_profiles(film, relaxation, gap, side)
    axes = film_axes(relaxation, direction)[..., None, :, :]
    source = film.spin_hall_angle * field * np.array([0.0, -1.0, 0.0])
    return SpinProfile(
        method=method,
        depth=z,
        accumulation=film.thickness * (turned(s, axes) @ source),
        current=turned(j, axes) @ source / film.resistivity,
    )


def _mode_profiles(
    film: Film, relaxation: Relaxation, gap: Array, side: Array
) -> tuple[Array, Array]:
    """s(x) and 1 - cosh(x u)/cosh(u) of (B11)-(B23), one mode along b and a pair across it."""
    even = relaxation.dissipator
    axial = np.zeros_like(even)
    axial[..., 0, 0] = axial[..., 1, 1] = even[..., 0, 0]
    axial[..., 2, 2] = even[..., 2, 2]
    # rotations and numerical routes leave rounding
    if relaxation.precession_across is not None or not np.all(
        np.abs(even - axial) <= 1e-12 * np.max(np.abs(even), axis=(-2, -1))[..., None, None]
    ):
        raise ParameterError(
            "`relaxation` must have two equal transverse rates, and precess about the field, for "
            "method='closed-form'; "
            "method='matrix' takes any"
        )
    decay = np.stack(
        [relaxation.longitudinal / film.diffusion + 0j, transverse_decay(film, relaxation)]
    )
    u = 0.5 * film.thickness * np.sqrt(decay)[..., None]
    below = 1 + np.exp(-2 * u)
    odd = np.exp(-u * gap) * -np.expm1(-2 * u * (1 - gap)) / (np.where(u == 0, 1.0, u) * below)
    s = np.asarray(side * np.where(u == 0, 1 - gap, odd), dtype=complex)
    j = np.expm1(-u * gap) * np.expm1(-u * (2 - gap)) / below
    return _along_and_across(s), _along_and_across(j)


def _along_and_across(modes: ComplexArray) -> Array:
    """Matrix of a function of the modes: b b^T, 1 - b b^T and the generator of the precession."""
    along = np.diag([0.0, 0.0, 1.0])
    parallel, across = modes[..., None, None]
    across_even = across.real * (np.eye(3) - along)
    return np.asarray(parallel.real * along + across_even + across.imag * PRECESSION_GENERATOR)


def graded_profile(
    film: Film,
    rates: Callable[[Array], Array],
    *,
    electric_field: float = 1.0,
    jumps: Sequence[float] = (),
    rtol: float = 1e-8,
    most_cells: int = 8192,
) -> SpinProfile:
    """mu_s(z) and J_s(z) for rates that vary with the depth, by collocation of order 4.

    Parameters
    ----------
    film : Film
    rates : callable
        Depths (n,) [m] -> tensors (n, 3, 3) [1/s] in film coordinates, as `film_tensor` gives.
    electric_field : float, V/m
        E along x.
    jumps : sequence of float, m
        Depths inside the film at which the rates jump, in rising order: the faces between the
        layers of a multilayer. The spin accumulation and current are continuous there.
    rtol : float, no unit
        Largest estimated error of accumulation and current over their largest value. The mesh
        doubles until this holds; 1e-8 takes a few hundred cells.
    most_cells : int
        Where it stops.

    Returns
    -------
    SpinProfile
        At the nodes of the last mesh, which are dense near the faces.

    Raises
    ------
    ConvergenceError
        If `most_cells` do not suffice, or the rates jump elsewhere.
    ParameterError
    """
    _checks.instance("film", film, Film)
    field = _checks.number("electric_field", electric_field, "V/m")
    inner = np.atleast_1d(_checks.finite_array("jumps", jumps, "m"))
    edges = np.concatenate([[0.0], inner / film.thickness, [1.0]])
    if edges.ndim != 1 or not np.all(np.diff(edges) > 0):
        raise ParameterError(
            f"`jumps` must rise between 0 and {film.thickness:g} m, got {inner.tolist()}"
        )
    rtol = _checks.number("rtol", rtol, least=1e-12, most=0.1)
    cells = round(_checks.number("most_cells", most_cells, least=64, most=2**17))
    d = film.thickness

    def matrix(z: Array) -> Array:
        tensor = _checks.finite_array("rates", rates(z * d), "1/s")
        if tensor.shape != (*z.shape, 3, 3):
            raise ParameterError(
                f"`rates` must give shape {(*z.shape, 3, 3)} for depths {z.shape}, "
                f"got {tensor.shape}"
            )
        return 4.0 * _squared_argument(film, tensor)

    steepest = float(np.max(np.linalg.norm(matrix(np.linspace(0, 1, 257)), axis=(-2, -1))))
    unit = np.array([[0.0], [-1.0], [0.0]])  # values in units of 2 theta E d
    found = collocation.solve(
        matrix,
        unit,
        layer=min(1.0, max(steepest, 1e-300) ** -0.5),
        rtol=rtol,
        most_cells=cells,
        edges=edges.tolist(),
    )
    scale = 2 * film.spin_hall_angle * field
    return SpinProfile(
        method="collocation",
        depth=found.nodes * d,
        accumulation=scale * d * found.values[..., 0],
        current=-0.5 * scale / film.resistivity * found.excess[..., 0],
        error=found.error,
    )
