"""Spin Hall and Hanle magnetoresistance between faces: closed forms and limits.

These are no equations of the paper, and no other text was at hand: the forms are stated as derived
from the diffusion of spins and its boundary conditions, D mu' = W mu at a face.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr import units
from openmr._checks import Array
from openmr.moments.equilibrium import equilibrium
from openmr.rates.faces import face_conductances
from openmr.rates.relaxation import relaxation
from openmr.reports.ledger.deviations import ROUNDING, Pairs, deviation
from openmr.reports.ledger.entries import Entry, order_of_error
from openmr.sample.film import Electrons, Film, Layer, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.stack import Sheet, Stack
from openmr.transport import network
from openmr.transport.faces import surviving_between
from openmr.transport.line import magnetoresistance
from openmr.transport.slabs import Joint, Slab

_SECTION = "Faces and stacks, beyond the paper: spin Hall and Hanle magnetoresistance"
_METAL = Electrons.free(5.0)
_LENGTH = 1.5e-9


def _platinum(thickness: float) -> Film:
    return Film(thickness, 0.11, 1e-5, resistivity=40e-8, diffusion_length=_LENGTH)


_PLATINUM = _platinum(7e-9)
_OBLIQUE = np.array([0.48, 0.6, 0.64])

# --- the spins carried from face to face by a matrix exponential -----------------------------


def _cross(b: Array) -> Array:
    """Matrix of v -> b x v."""
    return np.cross(b, np.eye(3)).T


def _axial(along: float, across: float, turning: float, b: Array) -> Array:
    """A rate or conductance along b, across it, and what turns about it."""
    return across * np.eye(3) + (along - across) * np.outer(b, b) - turning * _cross(b)


def _drops(slabs: Sequence[Slab], bottom: Array, top: Array) -> list[Array]:
    """Accumulation above less below each slab [V per V/m], by propagation from the lowest face.

    u' = 2 theta - 2 J / sigma and J' = -(sigma/2) (gamma/D) u for a unit field across; joints are
    transparent.
    """
    from scipy.linalg import expm  # not for `import openmr` to wait for

    sigma, one, zero = slabs[0].conductivity, np.eye(3), np.zeros((3, 3))
    length = sum(slab.thickness for slab in slabs)
    unit = sigma / length  # u in units of the length, J in units of sigma
    state = np.block([[one, zero], [-bottom / unit, zero]])  # of u at the lowest face, and of 1
    faces = []
    for slab in slabs:
        ratio, x = slab.conductivity / sigma, slab.thickness / length
        generator = np.zeros((9, 9))
        generator[:3, 3:6] = -2 / ratio * one
        generator[:3, 6:] = 2 * slab.spin_hall_angle * one
        generator[3:6, :3] = -0.5 * ratio * slab.gamma * length**2 / slab.diffusion
        moved = expm(generator * x)
        lower, state = state, moved[:6, :6] @ state
        state[:, 3:] += moved[:6, 6:]
        faces.append((lower[:3], state[:3]))
    out = top / unit
    start = np.linalg.solve(
        state[3:, :3] - out @ state[:3, :3], out @ state[:3, 3:] - state[3:, 3:]
    )
    return [
        length * ((high[:, :3] - low[:, :3]) @ start + high[:, 3:] - low[:, 3:])
        for low, high in faces
    ]


# --- one layer between two faces --------------------------------------------------------------


class _Face(NamedTuple):
    """Conductances of a face [S/m^2]."""

    G_s: float = 0.0
    G_r: float = 0.0
    G_i: float = 0.0

    def tensor(self, b: Array) -> Array:
        """G in axes of the film."""
        return _axial(self.G_s, self.G_s + self.G_r, self.G_i, b)


class _Between(NamedTuple):
    """A film between two faces, with the field and all moments along b."""

    film: Film = _PLATINUM
    bottom: _Face = _Face()
    top: _Face = _Face()
    tesla: float = 0.0
    b: Array = _OBLIQUE

    @property
    def d(self) -> float:
        """Thickness [m]."""
        return self.film.thickness

    @property
    def length(self) -> float:
        """Diffusion length along b [m]."""
        return self.film.diffusion_length

    @property
    def k(self) -> complex:
        """Root of (1/tau + i omega_L) / D [1/m]."""
        omega = _METAL.g * units.MU_B / units.HBAR * self.tesla
        return complex(np.sqrt((self.film.spin_flip_rate + 1j * omega) / self.film.diffusion))

    def across(self, face: _Face) -> complex:
        """2 rho G of spins across b [1/m]."""
        return complex(2 * self.film.resistivity * (face.G_s + face.G_r + 1j * face.G_i))

    @property
    def slab(self) -> Slab:
        """The film's numbers, in its axes."""
        film, omega = self.film, _METAL.g * units.MU_B / units.HBAR * self.tesla
        gamma = _axial(film.spin_flip_rate, film.spin_flip_rate, omega, self.b)
        sigma = 1 / film.resistivity
        return Slab(film.thickness, sigma, film.spin_hall_angle, film.diffusion, gamma)

    @property
    def sample(self) -> Sample:
        """The same as a stack of one layer."""
        faces = {side: Sheet(**getattr(self, side)._asdict()) for side in ("bottom", "top")}
        return Sample(stack=Stack([Layer(self.film, _METAL)], **faces))


def _surviving(c: _Between) -> Array:
    """F of a film by propagation."""
    (drop,) = _drops([c.slab], c.bottom.tensor(c.b), c.top.tensor(c.b))
    return np.asarray(0.5 * drop / (c.film.spin_hall_angle * c.d))


def _modes(surviving: Array, b: Array) -> tuple[float, complex]:
    """F along b, and that across it with the part that turns as imaginary one."""
    along = float(b @ surviving @ b)
    across, turned = 0.5 * (np.trace(surviving) - along), -0.5 * np.sum(surviving * _cross(b))
    return along, complex(across, turned)


def _across(c: _Between) -> complex:
    return _modes(_surviving(c), c.b)[1]


def _without(c: _Between) -> _Between:
    return c._replace(bottom=_Face(), top=_Face())


_GARNET = _Face(0.0, 4e14, 5e13)
_LEAKY = _Face(3e13, 2e14, -1e14)
_CASES = (
    _Between(bottom=_GARNET),
    _Between(bottom=_GARNET, top=_LEAKY, tesla=9.0),
    _Between(_PLATINUM, _LEAKY, _Face(1e13, 5e14, 3e14), 5.0, np.array([0.6, 0.0, -0.8])),
    _Between(
        Film(2e-9, -0.2, 3e-5, resistivity=2e-7, diffusion_length=1.1e-9), _LEAKY, _GARNET, 14.0
    ),
)


def _f(c: _Between) -> complex:
    """Share that is left across b between two faces."""
    k, d, lower, upper = c.k, c.d, c.across(c.bottom), c.across(c.top)
    both = (lower + upper) / k
    lost = k * d * (1 + both / np.tanh(k * d) + lower * upper / k**2)
    return complex((2 * np.tanh(0.5 * k * d) + both) / lost)


def _f_shipped(c: _Between) -> Any:
    u2, d = np.array((0.5 * c.k * c.d) ** 2), c.d
    faces = (np.array(c.across(face) * d) for face in (c.bottom, c.top))
    return surviving_between(u2, *faces)


def _f_along(c: _Between) -> float:
    """The same along b, where nothing turns."""
    bottom, top = (_Face(0.0, face.G_s) for face in (c.bottom, c.top))
    return _f(c._replace(bottom=bottom, top=top, tesla=0.0)).real


def _resistivities(c: _Between) -> Any:
    """rho_L / rho_0 - 1 and rho_T / rho_0."""
    square, along, across = c.film.spin_hall_angle**2, _f_along(c), _f(c)
    x, y, z = c.b
    longitudinal = square * (2 - along * y**2 - across.real * (1 - y**2))
    transverse = square * ((along - across.real) * x * y + across.imag * z)
    return np.array([longitudinal, transverse])


def _line(c: _Between) -> Any:
    found = magnetoresistance(c.sample, 300.0, c.tesla, c.b)
    unit = c.film.resistivity
    return np.array([found.longitudinal / unit - 1, found.transverse / unit])


def _resistivities_found() -> Pairs:
    """Second order from the propagated F, by the fields and currents of each polarisation."""
    kept = [(c, _surviving(c)) for c in _CASES]
    return [((c,), c.film.spin_hall_angle**2 * np.array([2 - F[1, 1], F[0, 1]])) for c, F in kept]


def _one_face(c: _Between) -> Any:
    """F without the face less F with it, over which theta^2 stands."""
    k, d, g = c.k, c.d, c.across(c.bottom)
    return g / k * np.tanh(0.5 * k * d) ** 2 / (1 + g / k / np.tanh(k * d)) / (k * d)


def _one_face_shipped(c: _Between) -> Any:
    return _f_shipped(_without(c)) - _f_shipped(c)


def _one_face_found() -> Pairs:
    cases = [c._replace(top=_Face()) for c in _CASES]
    return [((c,), _across(_without(c)) - _across(c)) for c in cases]


def _alike(c: _Between) -> Any:
    """Two equal faces."""
    k, d, g = c.k, c.d, c.across(c.bottom)
    return 2 / (k * d) * np.tanh(0.5 * k * d) / (1 + g / k * np.tanh(0.5 * k * d))


def _alike_found() -> Pairs:
    cases = [c._replace(top=c.bottom) for c in _CASES]
    return [((c,), _across(c)) for c in cases]


def _hanle(c: _Between) -> Any:
    """A film alone in a field: rho_L across it less that along it, and rho_T along the normal."""
    k, d, length = c.k, c.d, c.length
    kept = 2 / (k * d) * np.tanh(0.5 * k * d)
    still = 2 * length / d * np.tanh(0.5 * d / length)
    square = c.film.spin_hall_angle**2
    return square * np.array([still - kept.real, kept.imag])


def _hanle_shipped(c: _Between) -> Any:
    sample = Sample(None, _METAL, c.film)
    across, along, normal = (magnetoresistance(sample, 300.0, c.tesla, axis) for axis in np.eye(3))
    unit = c.film.resistivity
    return np.array([across.longitudinal - along.longitudinal, normal.transverse]) / unit


def _hanle_found() -> Pairs:
    found: Pairs = []
    for c in _CASES[1:]:
        still, kept = _modes(_surviving(_without(c)), c.b)
        square = c.film.spin_hall_angle**2
        found.append(((c,), square * np.array([still - kept.real, kept.imag])))
    return found


# --- limits -----------------------------------------------------------------------------------


def _change(c: _Between) -> float:
    """Share that the faces take, of spins across b."""
    return (_across(_without(c)) - _across(c)).real


class _Small(NamedTuple):
    """Values of a small parameter, a case at each, and what was found there."""

    sizes: Array
    cases: Sequence[Any]
    found: Array


def _small(sizes: Array, cases: list[_Between]) -> _Small:
    """The share that the faces take in each case."""
    return _Small(sizes, cases, np.array([_change(c) for c in cases]))


def _order(formula: Callable[..., Any], s: _Small) -> float:
    """Order of the relative error."""
    errors = np.array([formula(c) for c in s.cases]) / s.found - 1
    return order_of_error(s.sizes, np.abs(errors))


def _strong(*, two: bool) -> _Small:
    """1 / (g l) falls."""
    sizes = np.array([4e-3, 2e-3, 1e-3])
    unit = 2 * _PLATINUM.resistivity * _PLATINUM.diffusion_length
    faces = [_Face(0.0, 1 / (size * unit)) for size in sizes]
    return _small(sizes, [_Between(bottom=one, top=one if two else _Face()) for one in faces])


def _strong_one(c: _Between) -> float:
    d, length = c.d, c.length
    return length / d * float(np.tanh(0.5 * d / length) ** 2 * np.tanh(d / length))


def _strong_two(c: _Between) -> float:
    d, length = c.d, c.length
    return 2 * length / d * float(np.tanh(0.5 * d / length))


def _thin_films() -> _Small:
    """Falling d / l, with g l^2 / d held."""
    sizes, cases = np.array([0.08, 0.04, 0.02]), []
    for film in (_platinum(size * _LENGTH) for size in sizes):
        conductance = 0.7 * film.thickness / _LENGTH**2 / (2 * film.resistivity)
        cases.append(_Between(film, _Face(0.0, conductance)))
    return _small(sizes, cases)


def _thin(c: _Between) -> float:
    d, length, g = c.d, c.length, c.across(c.bottom).real
    return 0.25 * g * d / (1 + g * length**2 / d)


def _thick_films() -> _Small:
    """exp(-d/l) falls."""
    ratios, face = np.array([4.0, 5.0, 6.0]), _GARNET._replace(G_i=0.0)
    return _small(np.exp(-ratios), [_Between(_platinum(r * _LENGTH), face) for r in ratios])


def _thick(c: _Between) -> float:
    d, length, g = c.d, c.length, c.across(c.bottom).real
    return length / d * g * length / (1 + g * length)


_BRACKET = (1.0, 4.0)


def _largest(change: Callable[[float], float]) -> float:
    """Thickness over length, d / l, where a share is largest."""
    from scipy.optimize import minimize_scalar  # not for `import openmr` to wait for

    found = minimize_scalar(
        lambda x: -change(x), bounds=_BRACKET, method="bounded", options={"xatol": 1e-9}
    )
    return float(found.x)


def _optima() -> Any:
    """The thickness where one face does most: weak, sinh x = 2 x, and strong."""
    from scipy.optimize import brentq

    weak = brentq(lambda x: np.sinh(x) - 2 * x, *_BRACKET)
    strong = brentq(lambda x: x * (2 / np.sinh(x) + 2 / np.sinh(2 * x)) - 1, *_BRACKET)
    return np.array([weak, strong])


def _optima_found() -> Array:
    def change(strength: float, ratio: float) -> float:
        film = _platinum(ratio * _LENGTH)
        conductance = strength / (2 * film.resistivity * _LENGTH)
        return _change(_Between(film, _Face(0.0, conductance))) / min(strength, 1.0)

    return np.array([_largest(partial(change, strength)) for strength in (1e-5, 1e5)])


# --- what lies between a layer and its face ---------------------------------------------------


class _Behind(NamedTuple):
    """An active layer, and a passive one or a joint between it and the face below."""

    active: _Between
    passive: _Between
    joint: Joint = Joint()


_SPACER = _Between(Film(5e-9, 0.0, 5e-3, resistivity=6e-8, diffusion_length=2e-8))
_SPACED = [
    _Behind(one, _SPACER._replace(tesla=one.tesla))
    for one in (_CASES[0], _CASES[1]._replace(top=_Face()))
]
_LOSSY = [
    _Behind(_CASES[0], _SPACER, Joint(1e-15, 0.9)),
    _Behind(_CASES[1]._replace(top=_Face()), _SPACER, Joint(4e-16, 0.3)),
]


def _shared(drop: Array, c: _Between) -> complex:
    """Left of the active layer's own source."""
    return _modes(0.5 * drop / (c.film.spin_hall_angle * c.d), c.b)[1]


def _spaced_found() -> Pairs:
    found: Pairs = []
    for s in _SPACED:
        c, none = s.active, np.zeros((3, 3))
        drops = _drops([s.passive.slab, c.slab], c.bottom.tensor(c.b), none)
        found.append(((s,), _shared(drops[1], c)))
    return found


def _seen(c: _Between, across: complex) -> complex:
    """F where the lower face has a conductance across b."""
    return _f(c._replace(bottom=_Face(0.0, across.real, across.imag)))


def _spaced(s: _Behind) -> Any:
    own = s.active.bottom
    G, k, sigma = own.G_s + own.G_r + 1j * own.G_i, s.passive.k, 1 / s.passive.film.resistivity
    through, G2 = np.tanh(k * s.passive.d), 0.5 * sigma * k
    return _seen(s.active, G2 * (G + G2 * through) / (G2 + G * through))


def _spaced_shipped(s: _Behind) -> Any:
    c = s.active
    slabs = [s.passive.slab, c.slab]
    return _modes(network.surviving(slabs, [None], c.bottom.tensor(c.b)), c.b)[1]


def _lossy_found() -> Pairs:
    """The joint as a layer a thousandth of a picometre thick."""
    found: Pairs = []
    for s in _LOSSY:
        c, thin = s.active, 1e-15
        gamma = (s.joint.memory_loss / thin) ** 2 * c.film.diffusion * np.eye(3)
        layer = Slab(thin, thin / s.joint.resistance, 0.0, c.film.diffusion, gamma)
        drops = _drops([layer, c.slab], c.bottom.tensor(c.b), np.zeros((3, 3)))
        found.append(((s,), _shared(drops[1], c)))
    return found


def _lossy(s: _Behind) -> Any:
    own, r, delta = s.active.bottom, s.joint.resistance, s.joint.memory_loss
    G = own.G_s + own.G_r + 1j * own.G_i
    kept, passed = delta / (2 * r * np.tanh(delta)), delta / (2 * r * np.sinh(delta))
    return _seen(s.active, kept - passed**2 / (kept + G))


def _lossy_shipped(s: _Behind) -> Any:
    """With a film of nothing below the joint."""
    c = s.active
    below = c.slab._replace(thickness=1e-21, spin_hall_angle=0.0)
    found = network.surviving([below, c.slab], [s.joint], c.bottom.tensor(c.b))
    return _modes(found, c.b)[1]


# --- conductances from moments ----------------------------------------------------------------


class _Plane(NamedTuple):
    """A sheet of moments at a point, with sums over their levels."""

    sheet: Sheet
    spin: float
    areal_density: float
    exchange: float
    kelvin: float
    tesla: float
    x: float
    mean: float  # |<S>|
    square: float

    @property
    def prefactor(self) -> float:
        """(pi / hbar) n_2D nu_F J^2 [m/s]."""
        return np.pi / units.HBAR * self.areal_density * _METAL.dos * self.exchange**2


_SPREAD = 0.4e-9
"""Thickness [m] over which moments are spread for the dynamics, and which drops out."""


@cache
def _plane(spin: float, kelvin: float, tesla: float, weiss: float = 2e-4) -> tuple[_Plane, Array]:
    """A sheet, and its W_s, W_r, W_i [m/s] by Bloch-Redfield of moments in a volume."""
    areal, exchange = 2e18, 3e-31
    magnet = Magnet(Moments(spin, areal / _SPREAD, exchange), weiss)
    sample = Sample(magnet, _METAL, _PLATINUM)
    found = relaxation(sample, kelvin, tesla, method="bloch-redfield")
    x = float(equilibrium(sample, kelvin, tesla).reduced_splitting[0])
    levels = np.arange(-spin, spin + 1)
    weights = np.exp(-x * levels - abs(x) * spin)
    mean, square = (float(levels**n @ weights / weights.sum()) for n in (1, 2))
    plane = _Plane(
        Sheet(spin, areal, exchange, weiss=weiss), spin, areal, exchange, kelvin, tesla, x,
        abs(mean), square,
    )  # fmt: skip
    rates = found.dissipator
    free = _METAL.g * units.MU_B / units.HBAR * tesla
    turning = float(found.precession) - free
    return plane, _SPREAD * np.array([rates[2, 2], rates[0, 0] - rates[2, 2], turning])


def _planes() -> list[tuple[_Plane, Array]]:
    points = ((0.5, 3.0, 5.0), (1.0, 8.0, 1.0), (3.5, 5.0, 0.5), (3.5, 30.0, 9.0))
    return [_plane(*point) for point in points]


def _speeds(p: _Plane) -> Array:
    """W_s, W_r, W_i [m/s] as shipped."""
    found = face_conductances(p.sheet, Layer(_PLATINUM, _METAL), p.kelvin, p.tesla)
    unit = 2 * _PLATINUM.resistivity * _PLATINUM.diffusion
    return unit * np.array([found.G_s, found.G_r, found.G_i])


def _taken(p: _Plane) -> Any:
    """W_s and W_r."""
    a = p.mean * p.x / (2 * np.sinh(0.5 * p.x) ** 2)
    return p.prefactor * np.array([a, p.square - 0.5 * a])


def _turned(p: _Plane) -> Any:
    """W_i."""
    return p.areal_density * p.exchange * p.mean / units.HBAR


def _frozen_found() -> Pairs:
    planes = [_plane(spin, 0.1, 9.0) for spin in (0.5, 2.0, 3.5)]
    return [((plane,), speeds[1] / speeds[2]) for plane, speeds in planes]


def _frozen(p: _Plane) -> Any:
    """G_r / G_i."""
    return np.pi * _METAL.dos * p.exchange * p.spin


def _warm(part: int) -> _Small:
    """Free moments at falling beta eps_L, and one of their W_s, W_r, W_i."""
    found = [_plane(3.5, 40.0, tesla, 0.0) for tesla in (9.0, 4.5, 2.25)]
    sizes = np.array([abs(plane.x) for plane, _ in found])
    return _Small(sizes, [plane for plane, _ in found], np.array([w[part] for _, w in found]))


def _paramagnet_sink(p: _Plane) -> float:
    return p.prefactor * 2 / 3 * p.spin * (p.spin + 1)


def _paramagnet_mixing(p: _Plane) -> float:
    square = p.spin * (p.spin + 1)
    return p.prefactor * square * p.x**2 * (12 * square + 1) / 180


def _paramagnet_turning(p: _Plane) -> float:
    return p.areal_density * p.exchange / units.HBAR * p.spin * (p.spin + 1) * abs(p.x) / 3


_STATED = "Stated as derived here; the texts that have it were not at hand."
_entry = partial(
    Entry,
    section=_SECTION,
    residual=deviation,
    tolerance=ROUNDING,
    because="over the largest element; rounding times the growth through the film, at most e^5",
    route="matrix exponentials from face to face",
    note=_STATED,
)
_BETWEEN = ("openmr.transport.faces.surviving_between",)
_LINE = ("openmr.transport.line.magnetoresistance",)
_NETWORK = ("openmr.transport.network.surviving",)
_FACES = ("openmr.rates.faces.face_conductances",)
_limit = partial(
    Entry,
    section=_SECTION,
    residual=_order,
    tolerance=0.05,
    because="of the order; the next power bends the slope",
    route="matrix exponentials from face to face",
    note=_STATED,
)
_of_moments = partial(
    _entry,
    code=_FACES,
    because="over the larger; rounding of sums over levels",
    route="Bloch-Redfield of moments in a volume, over their density",
)
_of_free_moments = partial(
    _limit, parameter=r"$\beta\epsilon_L$", order=2.0, route="Bloch-Redfield of free moments"
)

ENTRIES = [
    _entry(
        equation="SMR1",
        statement="Share of the spin Hall current that is left between two faces",
        latex=r"f = \frac{2\tanh(kd/2) + (g_0+g_d)/k}{kd\,[1 + (g_0+g_d)k^{-1}\coth kd"
        r" + g_0g_d/k^2]},\quad k^2 = \frac{1/\tau+i\omega_L}{D},\quad g = 2\rho G",
        code=_BETWEEN,
        printed=_f,
        shipped=(_f_shipped,),
        reference=lambda: [((c,), _across(c)) for c in _CASES],
    ),
    _entry(
        equation="SMR2",
        statement="Resistivities between two faces, Hanle effect and spin Hall one together",
        latex=r"\frac{\rho_L}{\rho_0} = 1+\theta^2[2-f_\parallel b_y^2-\mathrm{Re}f\,(1-b_y^2)],"
        r"\quad\frac{\rho_T}{\rho_0} ="
        r" \theta^2[(f_\parallel-\mathrm{Re}f)b_xb_y+\mathrm{Im}f\,b_z]",
        code=_LINE,
        printed=_resistivities,
        shipped=(_line,),
        reference=_resistivities_found,
        tolerance=1e-11,
        because="over the larger; the change is 0.01 of what is rounded",
    ),
    _entry(
        equation="SMR3",
        statement="Spin Hall magnetoresistance of one face",
        latex=r"f(0)-f(G) = \frac{1}{kd}\,\frac{(g/k)\tanh^2(kd/2)}{1+(g/k)\coth kd}",
        code=_BETWEEN,
        printed=_one_face,
        shipped=(_one_face_shipped,),
        reference=_one_face_found,
        tolerance=1e-11,
        because="relative; a difference of two shares, and the growth through the film",
    ),
    _entry(
        equation="SMR4",
        statement="Share that is left between two equal faces",
        latex=r"f = \frac{2}{kd}\,\frac{\tanh(kd/2)}{1+(g/k)\tanh(kd/2)}",
        code=_BETWEEN,
        printed=_alike,
        shipped=(_f_shipped,),
        reference=_alike_found,
    ),
    _entry(
        equation="SMR5",
        statement="Hanle magnetoresistance of a film without moments",
        latex=r"\rho_L(x)-\rho_L(y) = \theta^2\rho_0\,[f(0)-\mathrm{Re}f(\omega_B)],\quad"
        r"\rho_T(z) = \theta^2\rho_0\,\mathrm{Im}f,\quad f = \frac{2}{kd}\tanh\frac{kd}2",
        code=_LINE,
        printed=_hanle,
        shipped=(_hanle_shipped,),
        reference=_hanle_found,
        tolerance=1e-10,
        because="over the larger; the change is 1e-4 of what is rounded",
    ),
    _limit(
        equation="SMR6",
        statement="One face that takes all spins",
        latex=r"f(0)-f = \frac ld\tanh^2\frac d{2l}\tanh\frac dl",
        printed=_strong_one,
        reference=partial(_strong, two=False),
        order=1.0,
        parameter=r"$1/gl$",
    ),
    _limit(
        equation="SMR7",
        statement="Two faces that take all spins",
        latex=r"f(0)-f = \frac{2l}d\tanh\frac d{2l}",
        printed=_strong_two,
        reference=partial(_strong, two=True),
        order=1.0,
        parameter=r"$1/gl$",
    ),
    _limit(
        equation="SMR8",
        statement="One face of a thin film: either what it takes or what flows there is the less",
        latex=r"f(0)-f = \frac{gd/4}{1+gl^2/d}",
        printed=_thin,
        reference=_thin_films,
        order=2.0,
        parameter=r"$d/l$ at the same $gl^2/d$",
    ),
    _limit(
        equation="SMR9",
        statement="One face of a thick film",
        latex=r"f(0)-f = \frac ld\,\frac{gl}{1+gl}",
        printed=_thick,
        reference=_thick_films,
        order=1.0,
        parameter=r"$\exp(-d/l)$",
    ),
    _entry(
        equation="SMR10",
        statement="Thickness where one face does most, 2.18 to 2.34 diffusion lengths",
        latex=r"\sinh x = 2x\ (gl\to0),\quad \frac2{\sinh x}+\frac2{\sinh2x} = \frac1x"
        r"\ (gl\to\infty),\quad x = d/l",
        printed=_optima,
        residual=lambda f, r: float(np.abs(f() - r).max()),
        reference=_optima_found,
        tolerance=1e-4,
        because="absolute; the root of rounding, at a maximum, and gl = 1e-5 and 1e5",
    ),
    _entry(
        equation="SMR11",
        statement="Conductance that a layer sees through a passive metal",
        latex=r"G_{eff} = G_2\frac{G+G_2T}{G_2+GT},\quad G_2 = \frac{\sigma_2k_2}2,\quad"
        r"T = \tanh k_2t_2",
        code=_NETWORK,
        printed=_spaced,
        shipped=(_spaced_shipped,),
        reference=_spaced_found,
    ),
    _entry(
        equation="SMR12",
        statement="Conductance that a layer sees through a joint that loses spins",
        latex=r"G_{eff} = A-\frac{B^2}{A+G},\quad A = \frac{\delta}{2r\tanh\delta},\quad"
        r"B = \frac{\delta}{2r\sinh\delta}",
        code=_NETWORK,
        printed=_lossy,
        shipped=(_lossy_shipped,),
        reference=_lossy_found,
        tolerance=1e-10,
        because="relative; a layer of 1e-6 of a diffusion length, squared, in the joint's place",
    ),
    _of_moments(
        equation="SMR13",
        statement="Speeds at which moments at a face take spins along and across them",
        latex=r"W_s = \frac\pi\hbar n_{2D}\nu_FJ^2a,\quad W_r = \frac\pi\hbar n_{2D}\nu_FJ^2"
        r"\Big(\langle S_\parallel^2\rangle-\frac a2\Big),\quad a = \frac{m_Sx}{2\sinh^2(x/2)}",
        printed=_taken,
        shipped=(lambda p: _speeds(p)[:2],),
        reference=lambda: [((plane,), speeds[:2]) for plane, speeds in _planes()],
    ),
    _of_moments(
        equation="SMR14",
        statement="Speed at which moments at a face turn spins",
        latex=r"W_i = \frac1\hbar n_{2D}Jm_S",
        printed=_turned,
        shipped=(lambda p: _speeds(p)[2],),
        reference=lambda: [((plane,), speeds[2]) for plane, speeds in _planes()],
    ),
    _of_moments(
        equation="SMR15",
        statement="Ratio of both parts of the mixing conductance of frozen moments",
        latex=r"\frac{G_r}{G_i} = \pi\nu_FJS",
        printed=_frozen,
        shipped=(lambda p: _speeds(p)[1] / _speeds(p)[2],),
        reference=_frozen_found,
        code=(),
    ),
    _of_free_moments(
        equation="SMR16",
        statement="Spin sink of a paramagnet",
        latex=r"W_s = \frac{2\pi}{3\hbar}n_{2D}\nu_FJ^2S(S+1)",
        printed=_paramagnet_sink,
        reference=partial(_warm, 0),
    ),
    _of_free_moments(
        equation="SMR17",
        statement="What a paramagnet takes of spins across it, with the square of the field",
        latex=r"W_r = \frac\pi\hbar n_{2D}\nu_FJ^2\,\frac{S(S+1)[12S(S+1)+1]}{180}x^2",
        printed=_paramagnet_mixing,
        reference=partial(_warm, 1),
    ),
    _of_free_moments(
        equation="SMR18",
        statement="What a paramagnet turns, with the field",
        latex=r"W_i = \frac1\hbar n_{2D}J\,\frac{S(S+1)}3x",
        printed=_paramagnet_turning,
        reference=partial(_warm, 2),
    ),
]
