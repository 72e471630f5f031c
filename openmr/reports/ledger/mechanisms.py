"""Limits and mechanisms of the resistivity that Sec. V A states in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr import units
from openmr._checks import Array
from openmr.bath.correlators import PAULI
from openmr.moments.equilibrium import equilibrium
from openmr.rates.closed_form import exchange_field
from openmr.rates.relaxation import relaxation
from openmr.reports.ledger.deviations import Pairs, Series, deviation, order
from openmr.reports.ledger.ferromagnet import POINTS, SECTION, entry
from openmr.reports.ledger.film_problem import (
    ALONG,
    ASIDE,
    NM,
    NORMAL,
    OBLIQUE,
    PER_PS,
    Film,
    film,
    film_axes_tensor,
    surviving,
)
from openmr.sample import presets
from openmr.sample.film import Sample
from openmr.transport import collocation, impurity
from openmr.transport.diffusion import film_tensor, longitudinal_length, transverse_length
from openmr.transport.resistivity import mechanisms
from openmr.transport.surviving import surviving_fraction

# --- thin and thick --------------------------------------------------------------------------


@cache
def _thin_films() -> Series:
    """Surviving current for d / l = 0.2, 0.1, 0.05."""
    ratios = np.array([0.2, 0.1, 0.05])
    return Series(ratios, [[((1 / r, 1.0), _survivor(1 / r, 1.0))] for r in ratios])


def _survivor(length: float, d: float) -> float:
    """Mean slope between faces with slope 1, by collocation of order 4."""
    found = collocation.solve(
        lambda z: np.broadcast_to((d / length) ** 2 * np.eye(3), (len(z), 3, 3)),
        np.array([[1.0], [0.0], [0.0]]),
        layer=min(1.0, length / d),
        rtol=1e-10,
        most_cells=16384,
    )
    return float(found.values[-1, 0, 0] - found.values[0, 0, 0])


@cache
def _thick_films() -> Pairs:
    """For d / l = 30, 60."""
    return [((0.7, 0.7 * ratio), _survivor(1.0, ratio)) for ratio in (30.0, 60.0)]


def _thin_limit(length: float, d: float) -> Any:
    """D << l: all of it."""
    return 1.0


def _thick_limit(length: float, d: float) -> Any:
    """D >> l: what lives within a length of the faces."""
    return 2 * length / d


def _kept(length: float, d: float) -> Any:
    """The package's, for any thickness."""
    return surviving_fraction(d, length**-2)


# --- mechanisms ------------------------------------------------------------------------------


class Hanle(NamedTuple):
    """drho1 over rho_L0 at some distance of the field from where the precession stops."""

    coefficient: float
    B: float
    B_sd: float


def hanle_series(change: Callable[[float], tuple[float, float]], sizes: Array) -> Series:
    """(drho1, B_sd) at B - B_sd = size; the coefficient is the limit of small sizes.

    Two small sizes give the limit: the next term goes with the square of the size.
    """
    h = 0.1 * float(sizes.min())
    near, far = (change(size)[0] / size**2 for size in (h, 2 * h))
    limit = (4 * near - far) / 3
    pairs: list[Pairs] = []
    for size in sizes:
        drho1, b_sd = change(float(size))
        # over size^2: the relative error
        pairs.append([((Hanle(limit, b_sd + size, b_sd), drho1), 1.0)])
    return Series(sizes, pairs)


def _relative_order(formula: Any, series: Series) -> float:
    """Order of the relative error; infinite where the error is the whole."""

    def relative(h: Hanle, found: float) -> Any:
        return formula(h) / found

    if max(deviation(relative, pairs) for pairs in series.pairs) >= 1:
        return float("inf")
    return order(relative, series)


@cache
def _without_exchange() -> Series:
    """J = 0, field along y and x."""
    sample = presets.pt_py(0.0)

    def change(field: float) -> tuple[float, float]:
        along_y, along_x = (
            surviving(film(sample, 10.0, field, axis))[1, 1] for axis in (ASIDE, ALONG)
        )
        return float(along_y - along_x), 0.0

    return hanle_series(change, np.array([0.2, 0.1, 0.05]))


@cache
def _lengths_without_exchange() -> Pairs:
    """Decay lengths of the three spin components at J = 0, cold and in a field."""
    f = film(presets.pt_py(0.0), 5.0, 12.0, OBLIQUE[0])
    rates = np.linalg.eigvalsh(0.5 * (f.matrix + f.matrix.T))
    return [((f,), rates**-0.5)]


def _isotropic_length(f: Film) -> Any:
    """l_0, along the field and across it."""
    return NM * f.rates.sample.film.diffusion_length


def _length_along(f: Film) -> Any:
    """Along the field."""
    return NM * longitudinal_length(f.rates.sample.film, f.rates)


def _length_across(f: Film) -> Any:
    """Across it."""
    return NM * transverse_length(f.rates.sample.film, f.rates)


@cache
def shifted() -> Series:
    """All spins made to relax at 1/tau_0 as the precession passes zero, moments saturated."""
    sample, temperature = presets.pt_py(-1e-3), 2.0
    zero = float(exchange_field(*_point(sample, temperature, 17.0)))

    def change(size: float) -> tuple[float, float]:
        field = zero + size
        isotropic = sample.film.spin_flip_rate * PER_PS * np.eye(3)
        survivors = []
        for axis in (ASIDE, ALONG):
            tensor = film_axes_tensor(sample, temperature, field, np.array(axis)) * PER_PS
            f = film(sample, temperature, field, axis)
            survivors.append(
                surviving(f._replace(tensor=isotropic + 0.5 * (tensor - tensor.T)))[1, 1]
            )
        return float(survivors[0] - survivors[1]), zero

    return hanle_series(change, np.array([0.2, 0.1, 0.05]))


def _point(sample: Sample, temperature: float, field: float) -> tuple[Any, Any, Any]:
    return sample.magnet, sample.electrons, equilibrium(sample, temperature, field)


def hanle(h: Hanle) -> Any:
    """drho1 without exchange."""
    return h.coefficient * h.B**2


def shifted_hanle(h: Hanle) -> Any:
    """drho1 with exchange, relaxation isotropic."""
    return h.coefficient * (h.B - h.B_sd) ** 2


@cache
def _still_films() -> Pairs:
    """drho1 with the precession taken out of the tensor."""
    found: Pairs = []
    for coupling, temperature, field in POINTS:
        sample = presets.pt_py(coupling)
        along_y, along_x = (film(sample, temperature, field, axis) for axis in (ASIDE, ALONG))
        survivors = [
            surviving(f._replace(tensor=0.5 * (f.tensor + f.tensor.T)))[1, 1]
            for f in (along_y, along_x)
        ]
        found.append(((along_x,), survivors[0] - survivors[1]))
    return found


def _anisotropy(f: Film) -> Any:
    """drho1 at omega_L = 0."""
    film_, square = f.rates.sample.film, f.theta**2
    share = mechanisms(film_, f.rates, f.b).relaxation_anisotropy
    return share / (square * film_.resistivity)


@cache
def _without_flips() -> Pairs:
    """Field along y, moments that couple by Jz alone: no magnon is emitted or absorbed."""
    sample = presets.pt_py((0.0, 0.0, -1e-3))
    found: Pairs = []
    for temperature in (5.0, 25.0, 80.0):
        for field in (0.5, 6.0, 20.0):
            rates = relaxation(sample, temperature, field, method="bloch-redfield")
            f = film(sample, temperature, field, ASIDE)
            f = f._replace(tensor=film_tensor(rates, ASIDE) * PER_PS)
            found.append(((f,), surviving(f)[1, 1]))
    return found


def _constant_drho0(f: Film) -> Any:
    """drho0 at the length of tau_0, whatever field and temperature."""
    return surviving_fraction(f.d, (f.rates.sample.film.diffusion_length * NM) ** -2)


def _bare_and_magnons(f: Film) -> Any:
    """drho0 of the film without exchange, and what magnons make of it."""
    film_, square = f.rates.sample.film, f.theta**2
    shares = mechanisms(film_, f.rates, f.b)
    kept = [2 - (part / film_.resistivity - 1) / square for part in (shares.bare, shares.total)]
    return [*kept, kept[0] - shares.isotropic_magnon / film_.resistivity / square]


# --- tau_0 -----------------------------------------------------------------------------------


@cache
def golden_rule() -> Pairs:
    """Spin flips between plane waves along +x, -x, ... -z, for several axes of the spin.

    The six average what is of second degree in each wave vector as the whole sphere does. For
    density [m^-3], potential [eV m^3], energy [eV], length [m] of scatterers, and the axis.
    """
    density, potential, energy, length = 6e26, 1e-28, 1.3, 1e-10
    waves = np.concatenate([np.eye(3), -np.eye(3)])
    found: Pairs = []
    for axis in (ALONG, NORMAL, OBLIQUE[0]):
        down, up = np.linalg.eigh(np.tensordot(axis, PAULI, 1)).eigenvectors.T
        amplitudes = [
            down.conj() @ np.tensordot(np.cross(after, before), PAULI, 1) @ up
            for after in waves
            for before in waves
        ]
        wave = np.sqrt(2 * units.ELECTRON_MASS * energy * units.ELEMENTARY_CHARGE)
        wave /= units.HBAR * units.ELEMENTARY_CHARGE
        # states of one spin between spheres, per eV: k^3 / 6 pi^2 over 2 E / 3
        dos = wave**3 / (6 * np.pi**2) * 1.5 / energy
        flips = np.mean(np.abs(amplitudes) ** 2) * (wave * length) ** 4 * potential**2
        # each flip takes two off the difference of up and down
        rate = 2 * 2 * np.pi / units.HBAR * density * dos * flips
        found.append(((density, potential, energy, length, axis), rate))
    return found


def _spin_orbit_rate_printed(n: float, U: float, energy: float, length: float, axis: Any) -> Any:
    """1/tau_0 in the text below Eq. (85)."""
    return impurity.spin_flip_rate_printed(n, U, energy, spin_orbit_length=length)


def _spin_orbit_rate(n: float, U: float, energy: float, length: float, axis: Any) -> Any:
    """1/tau_0 with the flips alone."""
    return impurity.spin_flip_rate(n, U, energy, spin_orbit_length=length)


def _counted_rate(n: float, U: float, energy: float, length: float, axis: Any) -> Any:
    """The same, counted by the package over the whole sphere."""
    return impurity.golden_rule_rate(axis, n, U, energy, spin_orbit_length=length)


_MECHANISMS = ("openmr.transport.resistivity.mechanisms",)
_entry = partial(entry, section=SECTION)
precession_entry = partial(
    _entry,
    residual=_relative_order,
    tolerance=0.05,
    because="of the order of the relative error; the next power of omega_L tau, 0.3 at most",
    order=2.0,
    parameter="omega_L tau",
)

ENTRIES = [
    _entry(
        equation="V.A thin",
        statement="A thin film keeps all of the spin current",
        latex=r"\frac{2\ell}{d_N}\tanh\frac{d_N}{2\ell} \to 1,\quad d_N \ll \ell",
        printed=_thin_limit,
        reference=_thin_films,
        residual=order,
        tolerance=0.02,
        because="of the order; the next power of d/l, 0.04 at most, over ten",
        route="collocation",
        order=2.0,
        parameter="d/l",
    ),
    _entry(
        equation="V.A thick",
        statement="A thick film keeps what lives at its faces",
        latex=r"\frac{2\ell}{d_N}\tanh\frac{d_N}{2\ell} \to \frac{2\ell}{d_N},"
        r"\quad d_N \gg \ell",
        code=("openmr.transport.diffusion.surviving_fraction",),
        printed=_thick_limit,
        shipped=(_kept,),
        reference=_thick_films,
        tolerance=1e-8,
        because="relative; 2 exp(-d/l) is far less, and collocation is asked for 1e-10 of 1",
        route="collocation",
    ),
    _entry(
        equation="V.A no exchange",
        statement="Without exchange all spins diffuse equally far",
        latex=r"\mathcal J_{sd} = 0:\quad \ell_{\parallel,\perp} = \ell_0"
        r" = \sqrt{\mathcal D\tau_0}",
        code=(
            "openmr.transport.diffusion.longitudinal_length",
            "openmr.transport.diffusion.transverse_length",
        ),
        printed=_isotropic_length,
        shipped=(_length_along, _length_across),
        reference=_lengths_without_exchange,
        because="relative; rounding",
        route="Born-Markov generator from matrices",
    ),
    precession_entry(
        equation="V.A Hanle",
        statement="Without exchange the Hanle magnetoresistance goes with B^2",
        latex=r"\mathcal J_{sd} = 0:\quad \Delta\rho_1 \propto B^2",
        printed=hanle,
        reference=_without_exchange,
    ),
    precession_entry(
        equation="V.A shifted",
        statement="Isotropic relaxation leaves a precession part that goes with (B - B_sd)^2",
        latex=r"\ell_\parallel = \ell_\perp:\quad \Delta\rho_1 \propto (B - \mathcal B_{sd})^2",
        printed=shifted_hanle,
        reference=shifted,
        note="Moments saturated, so that B_sd does not move; omega_L from the mean field of the "
        "moments' matrices.",
    ),
    _entry(
        equation="V.A anisotropy",
        statement="Without precession the anisotropy of relaxation is left",
        latex=r"\omega_L = 0:\quad \frac{\Delta\rho_1}{\rho_{L0}} = \frac{2\ell_\parallel}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\parallel} - \frac{2\ell_\perp}{d_N}"
        r"\tanh\frac{d_N}{2\ell_\perp}",
        code=_MECHANISMS,
        printed=_anisotropy,
        reference=_still_films,
    ),
    _entry(
        equation="V.A magnons",
        statement="Field and temperature change drho_0 through spin flips alone",
        latex=r"\mathcal J_x = \mathcal J_y = 0:\quad \frac{\Delta\rho_0}{\rho_{L0}} ="
        r"\frac{2\ell_0}{d_N}\tanh\frac{d_N}{2\ell_0}",
        code=("openmr.transport.diffusion.surviving_fraction", *_MECHANISMS),
        printed=_constant_drho0,
        shipped=(_bare_and_magnons,),
        reference=_without_flips,
        route="bloch-redfield with Jz alone, then the boundary-value problem",
    ),
    _entry(
        equation="V.A tau_0",
        statement="Spin relaxation by impurities with spin-orbit coupling",
        latex=r"\tau_0^{-1} \simeq \frac{8\pi}{3\hbar}n_i\nu_Fk_F^4l_{so}^4U^2",
        corrected_latex=r"\tau_0^{-1} = \frac{16\pi}{9\hbar}n_i\nu_Fk_F^4l_{so}^4U^2",
        code=(
            "openmr.transport.impurity.spin_flip_rate",
            "openmr.transport.impurity.golden_rule_rate",
        ),
        printed=_spin_orbit_rate_printed,
        corrected=_spin_orbit_rate,
        shipped=(_counted_rate,),
        reference=golden_rule,
        because="relative; rounding",
        route="golden rule, spin flips between plane waves along the axes",
        note="The print, `impurity.spin_flip_rate_printed`, is 3/2 of it: it counts the component "
        "of k x k' along the spin, which flips nothing.",
    ),
]
