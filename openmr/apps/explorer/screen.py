"""From the values of the sliders to everything that the explorer shows, as plain numbers.

Two routes stand side by side: the closed forms (70), (75), (78), (86), and the Bloch-Redfield
tensor, which knows none of them. Moments with an anisotropy that no closed form takes have the
tensor in NumPy in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np
from scipy.linalg import expm

from openmr import _checks
from openmr._checks import Array, OpenmrError, ParameterError
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.moments.state import ThermalState
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.faces import face_conductances
from openmr.rates.fit_decay import decay
from openmr.rates.methods import Name
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation, relaxation_at
from openmr.reports.validity import validity_at
from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.ordering import ordering_temperature
from openmr.sample.presets import PT_LATTICE_CONSTANT
from openmr.sample.stack import Sheet, Stack
from openmr.transport.diffusion import SpinProfile, profile
from openmr.transport.resistivity import Resistivity, resistivity
from openmr.transport.stack_rates import StackRates

LARGEST_QUTIP_SPIN: Final = 3.5
"""QuTiP builds the tensor in a space of dimension (4S+2)^2, in 24 ms for S = 7/2 and 1.8 s for 10;
beyond this spin the same tensor in NumPy ("batched") stands in, so that every slider is quick."""
STRONGEST_FIELD: Final = 30.0  # T, where the curve rho(B) ends
CURVE_POINTS: Final = 121
ORIENTED_POINTS: Final = 25
"""The same for moments with an anisotropy, whose direction is looked for at each: 10 ms a field."""
ELECTRIC_FIELD: Final = 2e4  # V/m: 1e10 A/m^2 in a film of 2e-6 Ohm m
_PERIODS: Final = 12
"""Turns of the spin that a figure can show; a faster spin is followed for that many."""
_LIFETIMES: Final = 3.0
DECAY_POINTS: Final = 24 * _PERIODS + 1
START: Final = (np.sqrt(0.5), 0.0, np.sqrt(0.5))
"""The spin at first, halfway between the field (z) and a direction across it (x)."""
SHOWN: Final = (
    "hbar / (k_B T tau)",
    "eps_L / W",
    "beta eps_L",
    "beta hbar omega_L",
    "nu_F J ln(W / k_B T)",
    "(T_C / T)^2",
    "active electrons per moment",
    "theta_SH^2",
)
"""Small parameters of `openmr.validity` on the screen, in this order."""
SMALL: Final = 0.1
"""Below it a small parameter is called small."""
SIZEABLE: Final = 1.0
"""Below it a small parameter is called sizeable."""
_PROBE: Final = 1e-12  # s, when the caption of the decay reads the spin


@dataclass(frozen=True, slots=True)
class Settings:
    """Values of the sliders, in the units that they show."""

    temperature: float = 10.0  # K
    field: float = 5.0  # T
    exchange_x: float = -1.0  # meV, n_S J along the three local axes, z along the field
    exchange_y: float = -1.0
    exchange_z: float = -1.0
    spin: float = 2.0
    weiss: float = 1.3  # meV, J0 of Eq. (30)
    density: float = 0.1  # n_S a^3, moments in a cube of the lattice constant of Pt
    anisotropy: float = 0.0  # meV, D of D S_z^2, z the normal
    rhombicity: float = 0.0  # meV, E of E (S_x^2 - S_y^2)
    thickness: float = 5.0  # nm
    spin_hall_angle: float = 0.1
    diffusion_length: float = 3.0  # nm
    diffusion: float = -6.0  # log10 of D over m^2/s
    resistivity: float = 2.0  # microohm m
    fermi_energy: float = 1.0  # eV
    mass: float = 1.0  # free-electron masses
    polar: float = 90.0  # degrees, of the field from the film's normal z
    azimuth: float = 0.0  # degrees, of the field from the current x in the plane
    real_mixing: float = 0.0  # 1e14 S/m^2, G_r of a sheet on the film; no sheet if both are 0
    imaginary_mixing: float = 0.0  # 1e14 S/m^2, G_i of it

    @property
    def method(self) -> Name:
        """Name of the Bloch-Redfield route that is fast enough for this spin."""
        return "bloch-redfield" if self.spin <= LARGEST_QUTIP_SPIN else "batched"

    @property
    def oriented(self) -> bool:
        """Whether the moments have an anisotropy, and so a direction of their own."""
        return bool(self.anisotropy or self.rhombicity)

    @property
    def has_sheet(self) -> bool:
        """Whether an insulating magnet lies on the film."""
        return bool(self.real_mixing or self.imaginary_mixing)


class _Slider(NamedTuple):
    """Ends and step of a slider, in the unit of `Settings`."""

    least: float
    most: float
    step: float


SLIDERS: Final[dict[str, _Slider]] = {
    "temperature": _Slider(1.0, 300.0, 1.0),
    "field": _Slider(0.0, STRONGEST_FIELD, 0.25),
    "polar": _Slider(0.0, 180.0, 5.0),
    "azimuth": _Slider(0.0, 360.0, 5.0),
    **{f"exchange_{axis}": _Slider(-3.0, 3.0, 0.05) for axis in "xyz"},
    "spin": _Slider(0.5, 10.0, 0.5),
    "weiss": _Slider(-2.0, 5.0, 0.05),
    "density": _Slider(0.001, 1.0, 0.001),
    "anisotropy": _Slider(-1.0, 1.0, 0.01),
    "rhombicity": _Slider(-0.3, 0.3, 0.01),
    "thickness": _Slider(0.0, 50.0, 0.5),
    "spin_hall_angle": _Slider(-0.5, 0.5, 0.005),
    "diffusion_length": _Slider(0.1, 300.0, 0.1),
    "diffusion": _Slider(-7.0, -1.0, 0.05),
    "resistivity": _Slider(0.01, 10.0, 0.01),
    "fermi_energy": _Slider(0.1, 15.0, 0.1),
    "mass": _Slider(0.1, 5.0, 0.05),
    "real_mixing": _Slider(0.0, 10.0, 0.1),
    "imaginary_mixing": _Slider(-10.0, 10.0, 0.1),
}


def moved(values: Mapping[str, Any]) -> Settings | Refusal:
    """Settings of what the page sent, which need not come from a slider."""
    try:
        return Settings(
            **{
                name: _checks.number(name, values.get(name), least=ends.least, most=ends.most)
                for name, ends in SLIDERS.items()
            }
        )
    except OpenmrError as error:
        return Refusal(Settings(), plain(error))


@dataclass(frozen=True, slots=True)
class _Row:
    """One quantity by both routes, in the unit shown.

    The relative difference of rates is that of the exchange part: 1/tau_0 is the same in both.
    """

    name: str
    unit: str
    decimals: int
    closed_form: float
    numerical: float
    difference: float

    @property
    def texts(self) -> tuple[str, str]:
        """Both numbers as they are shown and printed."""
        return shown(self.closed_form, self.decimals), shown(self.numerical, self.decimals)


@dataclass(frozen=True, slots=True)
class _Small:
    """A parameter that the theory takes for small, and what rests on it by `openmr.validity`."""

    parameter: str
    assumption: str
    equation: str
    size: float

    @property
    def verdict(self) -> str:
        """Its size in a word."""
        if self.size < SMALL:
            return "small"
        return "sizeable" if self.size < SIZEABLE else "not small"


@dataclass(frozen=True, slots=True)
class Decay:
    """Decay of a spin by both routes, in the local axes, z along the field."""

    times: Array  # (n,), s
    closed_form: Array  # (n, 3), deviation from equilibrium, of length 1 at first
    numerical: Array  # (n, 3)
    probe: Array  # (3,), the closed form after `_PROBE`


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything that the explorer shows for one position of the sliders."""

    settings: Settings
    sample: Sample
    direction: Array  # b, (3,)
    methods: tuple[Name, Name]  # of the two columns
    ordering: float  # K, below which the moments order at zero field; 0 if they never do
    mean_spin: float  # <S_par>
    order: Array  # <S>, (3,), in coordinates of the film
    reduced_splitting: float | None  # beta eps_L; None of moments with an anisotropy
    exchange_field: float  # B_sd by the first method, T
    rows: tuple[_Row, ...]
    small: tuple[_Small, ...]  # none of moments with an anisotropy
    decay: Decay
    profile: SpinProfile  # for the electric field `ELECTRIC_FIELD` along x
    curve: Resistivity  # rho(B) by the closed form, or the tensor in NumPy
    checks: Resistivity  # rho(B) by the tensor in NumPy, or of QuTiP, at every fifth field


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is nothing to show."""

    settings: Settings
    reason: str


def shown(value: float, decimals: int) -> str:
    """A number with that many decimals and no negative zero."""
    return f"{value:z.{decimals}f}"


# --- from the sliders to the sample ---------------------------------------------------------


def _digits(value: float, exponent: int = 0) -> str:
    """A number times a power of ten, as Python reads it: 0.3 meV is 0.0003 eV.

    Without the last digits that a slider's steps round.
    """
    return repr(float(Decimal(f"{value:.12g}").scaleb(exponent)))


def sample_of(settings: Settings) -> Sample:
    """Film of Appendix C with the values of the sliders; `ParameterError` for one out of range.

    It is a stack of one layer where the sliders lay a sheet on it.
    """
    exchange = (settings.exchange_x, settings.exchange_y, settings.exchange_z)
    moments = Moments(
        settings.spin,
        float(_digits(settings.density)) / PT_LATTICE_CONSTANT**3,
        exchange_energy=[float(_digits(value, -3)) for value in exchange],
        anisotropy=_anisotropy(settings),
    )
    film = Sample(
        Magnet(moments, float(_digits(settings.weiss, -3))),
        Electrons.free(settings.fermi_energy, settings.mass),
        Film(
            thickness=float(_digits(settings.thickness, -9)),
            spin_hall_angle=settings.spin_hall_angle,
            diffusion=float(_power(settings.diffusion)),
            diffusion_length=float(_digits(settings.diffusion_length, -9)),
            resistivity=float(_digits(settings.resistivity, -6)),
        ),
        "film",
    )
    if settings.oriented and settings.spin > LARGEST_QUTIP_SPIN:
        raise ParameterError(
            f"`spin` of moments with an anisotropy must be at most {LARGEST_QUTIP_SPIN:g} here, "
            f"got {settings.spin:g}: larger ones take longer than a slider may"
        )
    if not settings.has_sheet:
        return film
    if settings.oriented:
        raise ParameterError(
            "`top` must be left out where moments have an anisotropy: set G_r and G_i, or D and E, "
            "to 0"
        )
    sheet = Sheet(
        G_r=float(_digits(settings.real_mixing, 14)),
        G_i=float(_digits(settings.imaginary_mixing, 14)),
    )
    return Sample(stack=Stack(film.layers, top=sheet), name="bilayer")


def _anisotropy(settings: Settings) -> tuple[float, float] | None:
    """D and E [eV]."""
    if not settings.oriented:
        return None
    return float(_digits(settings.anisotropy, -3)), float(_digits(settings.rhombicity, -3))


def _power(logarithm: float) -> str:
    """Ten to it, without last digits if they are those that a logarithm of 14 digits rounds."""
    exact = float(10.0**logarithm)
    short = float(f"{exact:.12g}")
    return repr(short if abs(np.log10(short) - logarithm) < 6e-14 else exact)


def direction_of(settings: Settings) -> Array:
    """Unit vector b of the field: current along x, film normal z, shape (3,)."""
    theta, phi = np.radians([settings.polar, settings.azimuth])
    return np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


# --- the screen -------------------------------------------------------------------------------


def screen(settings: Settings) -> Screen:
    """Everything for one position of the sliders; `OpenmrError` where theory or route refuses.

    Examples
    --------
    >>> found = screen(Settings(temperature=10.0, field=5.0))
    >>> [row.texts[0] for row in found.rows if row.name.startswith("1/tau_par")]
    ['114.980']
    """
    sample, b = sample_of(settings), direction_of(settings)
    layer, (kelvin, tesla) = sample.layer(0), (settings.temperature, settings.field)
    known = b if settings.oriented else None
    state = equilibrium(layer, kelvin, tesla, direction=known)
    closed, methods = _closed(state, settings)
    numerical = relaxation_at(state, method=methods[1])
    fields = np.linspace(
        0.0, STRONGEST_FIELD, ORIENTED_POINTS if known is not None else CURVE_POINTS
    )
    line_by: Name = "batched" if settings.oriented else "closed-form"
    circles_by: Name = "bloch-redfield" if settings.oriented else "batched"
    line = relaxation(layer, kelvin, fields, direction=known, method=line_by)
    circles = relaxation_at(line.equilibrium.at(slice(None, None, 5)), method=circles_by)
    return Screen(
        settings=settings,
        sample=sample,
        direction=b,
        methods=methods,
        ordering=ordering_temperature(layer.magnet),
        mean_spin=float(state.mean_spin[0]),
        order=_order(state, b),
        reduced_splitting=float(state.reduced_splitting[0]) if _is_axial(state) else None,
        exchange_field=float(closed.exchange_field),
        rows=_rows(sample, closed, numerical, b),
        small=_small(state) if _is_axial(state) else (),
        decay=_decay(closed, numerical),
        profile=profile(*_through(sample, closed), b, electric_field=ELECTRIC_FIELD),
        curve=resistivity(*_through(sample, line), b),
        checks=resistivity(*_through(sample, circles), b),
    )


def _closed(state: ThermalState, settings: Settings) -> tuple[Relaxation, tuple[Name, Name]]:
    """Rates of the closed form, or of the tensor in NumPy if there is none; and both methods."""
    try:
        return relaxation_at(state), ("closed-form", settings.method)
    except ParameterError:
        if not settings.oriented:
            raise
        return relaxation_at(state, method="batched"), ("batched", settings.method)


def _is_axial(state: ThermalState) -> TypeGuard[Equilibrium]:
    """Whether the moments lie along the field, which is what the small parameters are of."""
    return isinstance(state, Equilibrium)


def _order(state: ThermalState, b: Array) -> Array:
    """<S> in coordinates of the film, (3,)."""
    return np.asarray(
        state.mean[0] if isinstance(state, VectorEquilibrium) else state.mean_spin * b
    )


def _through(sample: Sample, found: Relaxation) -> tuple[Film | Stack, Relaxation | StackRates]:
    """The film, or the film and the sheet on it, with the rates that spin diffusion takes."""
    if sample.stack is None:
        return sample.film, found
    sheet, (layer,) = sample.stack.top, sample.layers
    assert sheet is not None
    top = face_conductances(sheet, layer, found.temperature, found.field)
    return sample.stack, StackRates(sample, (found,), top=top)


def answer(settings: Settings) -> Screen | Refusal:
    """The screen, or in plain words why there is none."""
    try:
        return screen(settings)
    except OpenmrError as error:
        return Refusal(settings, plain(error))


def plain(error: OpenmrError) -> str:
    """The message of an error as a sentence: no code marks."""
    text = str(error).replace("`", "").replace("_", " ")
    prefix = "" if isinstance(error, ParameterError) else "No result here: "
    return prefix + text[:1].upper() + text[1:] + "."


def _rows(sample: Sample, closed: Relaxation, numerical: Relaxation, b: Array) -> tuple[_Row, ...]:
    rho = [resistivity(*_through(sample, found), b) for found in (closed, numerical)]

    def rate(name: str, axis: int) -> _Row:
        whole = (float(1e-9 * found.tensor[axis, axis]) for found in (closed, numerical))
        one, other = (float(found.dissipator[axis, axis]) for found in (closed, numerical))
        return _Row(name, "1/ns", 3, next(whole), next(whole), _relative(one, other, scale=one))

    turns = 1e-9 * float(closed.precession), 1e-9 * float(numerical.precession)
    along = 1e6 * float(rho[0].longitudinal), 1e6 * float(rho[1].longitudinal)
    across = 1e6 * float(rho[0].transverse), 1e6 * float(rho[1].transverse)
    return (
        rate("1/tau_par", 2),
        rate("1/tau_perp, x", 0),
        rate("1/tau_perp, y", 1),
        _Row("omega_L", "rad/ns", 3, *turns, _relative(*turns, scale=turns[0])),
        _Row("rho_L", "microohm m", 6, *along, _relative(*along, scale=along[0])),
        # across the current there may be nothing: measured against rho_L
        _Row("rho_T", "microohm m", 6, *across, _relative(*across, scale=along[0])),
    )


def _relative(one: float, other: float, *, scale: float) -> float:
    """|other - one| over the scale; 0 where they agree to the last digit."""
    gap = abs(other - one)
    return gap / abs(scale) if gap and scale else gap


def _small(state: Equilibrium) -> tuple[_Small, ...]:
    """One row for each parameter of `SHOWN`, however many assumptions rest on it."""
    report = validity_at(state, costs=False)
    rows = []
    for parameter in SHOWN:
        resting = [a for a in report.assumptions if a.parameter == parameter]
        names = "; ".join(a.name for a in resting)
        equations = ", ".join(dict.fromkeys(a.equation for a in resting))
        rows.append(_Small(parameter, names, equations, float(resting[0].size)))
    return tuple(rows)


def _decay(closed: Relaxation, numerical: Relaxation) -> Decay:
    """Follow the spin until it has relaxed, or has turned as often as a figure can show."""
    length = _LIFETIMES / float(np.diagonal(closed.tensor).min())
    turning = abs(float(closed.precession))
    if turning * length > 2 * np.pi * _PERIODS:
        length = 2 * np.pi * _PERIODS / turning
    times = np.linspace(0.0, length, DECAY_POINTS)
    start, step = np.array(START)[:, None], float(times[1])
    return Decay(
        times,
        decay(closed.tensor, step, start, DECAY_POINTS - 1)[..., 0],
        decay(numerical.tensor, step, start, DECAY_POINTS - 1)[..., 0],
        np.asarray(expm(-_PROBE * closed.tensor) @ START),
    )


# --- what reproduces it -----------------------------------------------------------------------


def captions(found: Screen) -> tuple[tuple[str, ...], ...]:
    """Numbers of what stands below each figure."""
    ends = 1e6 * found.curve.longitudinal[[0, -1]]
    face = 1e6 * found.profile.accumulation[-1]
    return (
        tuple(shown(value, 4) for value in found.decay.probe),
        tuple(shown(value, 6) for value in ends),
        tuple(shown(value, 4) for value in face),
    )


def snippet(settings: Settings, methods: tuple[str, str] | None = None) -> str:
    """Python that prints the numbers on the screen, line by line; `methods` as of the screen."""
    methods = methods or ("closed-form", settings.method)
    exponents = {"exchange_x": -3, "exchange_y": -3, "exchange_z": -3, "weiss": -3, "thickness": -9}
    exponents |= {"anisotropy": -3, "rhombicity": -3, "diffusion_length": -9, "resistivity": -6}
    exponents |= {"real_mixing": 14, "imaginary_mixing": 14}
    numbers = {n: _digits(v, exponents.get(n, 0)) for n, v in asdict(settings).items()}
    numbers["diffusion"] = _power(settings.diffusion)
    oriented, sheet = settings.oriented, settings.has_sheet
    return _SNIPPET.format(
        **numbers,
        own=_OWN.format(**numbers) if oriented else "",
        along=", direction=b" if oriented else "",
        order="state.mean[0]" if oriented else "state.mean_spin[0] * np.array(b)",
        curve=', method="batched"' if oriented else "",
        small="" if oriented else _SMALL_LINES,
        sheet=_SHEET.format(**numbers) if sheet else "",
        whole="bilayer" if sheet else "sample",
        metal="bilayer.stack" if sheet else "sample.film",
        through="rho[0].rates" if sheet else "rates[0]",
        first=methods[0],
        second=methods[1],
        strongest=f"{STRONGEST_FIELD:g}",
        points=ORIENTED_POINTS if oriented else CURVE_POINTS,
        electric=f"{ELECTRIC_FIELD:g}",
    )


_OWN: Final = """\
            anisotropy=({anisotropy}, {rhombicity}),
"""
_SHEET: Final = """\
sheet = om.Sheet(G_r={real_mixing}, G_i={imaginary_mixing})
bilayer = om.Sample(stack=om.Stack(sample.layers, top=sheet))
"""
_SMALL_LINES: Final = (
    """\
# what must be small
report = om.validity(sample, temperature, field, costs=False)
sizes = {assumption.parameter: assumption.size for assumption in report.assumptions}
for parameter in (
"""
    + "".join(f'    "{parameter}",\n' for parameter in SHOWN)
    + """\
):
    line(parameter, sizes[parameter], form=".3g")

"""
)
_SNIPPET: Final = """\
import numpy as np
from scipy.linalg import expm

import openmr as om

sample = om.Sample(
    magnet=om.Magnet(
        om.Moments(
            spin={spin},
            density={density} / om.presets.PT_LATTICE_CONSTANT**3,
            exchange_energy=({exchange_x}, {exchange_y}, {exchange_z}),
{own}        ),
        weiss={weiss},
    ),
    electrons=om.Electrons.free(fermi_energy={fermi_energy}, mass={mass}),
    film=om.Film(
        thickness={thickness},
        spin_hall_angle={spin_hall_angle},
        diffusion={diffusion},
        diffusion_length={diffusion_length},
        resistivity={resistivity},
    ),
    name="film",
)
{sheet}temperature, field = {temperature}, {field}
theta, phi = np.radians([{polar}, {azimuth}])  # from the normal z, from the current x
b = (np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta))


def line(name, *values, form="z.3f"):
    print(f"{{name:<30}}" + "".join(f"{{format(float(value), form):>16}}" for value in values))


# both routes
methods = ("{first}", "{second}")
rates = [om.relaxation(sample, temperature, field{along}, method=method) for method in methods]
rho = [om.magnetoresistance({whole}, temperature, field, b, method=method) for method in methods]
line("1/tau_par [1/ns]", *(1e-9 * found.tensor[2, 2] for found in rates))
line("1/tau_perp, x [1/ns]", *(1e-9 * found.tensor[0, 0] for found in rates))
line("1/tau_perp, y [1/ns]", *(1e-9 * found.tensor[1, 1] for found in rates))
line("omega_L [rad/ns]", *(1e-9 * found.precession for found in rates))
line("rho_L [microohm m]", *(1e6 * found.longitudinal for found in rho), form="z.6f")
line("rho_T [microohm m]", *(1e6 * found.transverse for found in rho), form="z.6f")

# the moments
state = om.equilibrium(sample, temperature, field{along})
ordering = om.ordering_temperature(sample.magnet)
line("ordering temperature [K]", ordering, form="z.2f")
line("<S_par>", state.mean_spin[0], form="z.4f")
line("<S> along x, y, z", *({order}), form="z.4f")
line("B_sd [T]", rates[0].exchange_field)

{small}# the curves
start = (np.sqrt(0.5), 0.0, np.sqrt(0.5))  # halfway between the field and across it
spin = expm(-1e-12 * rates[0].tensor) @ start
fields = np.linspace(0, {strongest}, {points})
curve = om.magnetoresistance({whole}, temperature, fields, b{curve})
profile = om.diffusion.profile({metal}, {through}, b, electric_field={electric})
line("spin after 1 ps", *spin, form="z.4f")
line("rho_L at 0, 30 T [microohm m]", *(1e6 * curve.longitudinal[[0, -1]]), form="z.6f")
line("mu_s at z = d [microeV]", *(1e6 * profile.accumulation[-1]), form="z.4f")
"""
