"""From the values of the sliders to everything that the explorer shows, as plain numbers.

Two routes stand side by side: the closed forms (70), (75), (78), (86), and the Bloch-Redfield
tensor, which knows none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.linalg import expm

from openmr import _checks
from openmr._checks import Array, OpenmrError, ParameterError
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates.faces import face_conductances
from openmr.rates.fit_decay import decay
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation, relaxation_at
from openmr.reports.validity import validity_at
from openmr.sample.film import Film, Sample
from openmr.sample.ordering import ordering_temperature
from openmr.sample.parameters import varied
from openmr.sample.presets import pt_py
from openmr.sample.stack import Sheet, Stack
from openmr.transport.diffusion import SpinProfile, profile
from openmr.transport.resistivity import Resistivity, resistivity
from openmr.transport.stack_rates import StackRates

METHOD: Final = "batched"
"""Bloch-Redfield in NumPy: the tensor that QuTiP gives, to rounding, and quick at any spin."""
STRONGEST_FIELD: Final = 30.0  # T, where the curve rho(B) ends
CURVE_POINTS: Final = 121
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
    thickness: float = 5.0  # nm
    polar: float = 90.0  # degrees, of the field from the film's normal z
    azimuth: float = 0.0  # degrees, of the field from the current x in the plane
    real_mixing: float = 0.0  # 1e14 S/m^2, G_r of a sheet on the film; no sheet if both are 0
    imaginary_mixing: float = 0.0  # 1e14 S/m^2, G_i of it


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
    "thickness": _Slider(0.0, 50.0, 0.5),
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
        return Refusal(Settings(), _plain(error))


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
    ordering: float  # K, below which the moments order at zero field; 0 if they never do
    mean_spin: float  # <S_par>
    reduced_splitting: float  # beta eps_L
    exchange_field: float  # B_sd by the closed form, T
    rows: tuple[_Row, ...]
    small: tuple[_Small, ...]
    decay: Decay
    profile: SpinProfile  # for the electric field `ELECTRIC_FIELD` along x
    curve: Resistivity  # rho(B) by the closed form
    checks: Resistivity  # rho(B) by the tensor in NumPy at every fifth field


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
    changes = {
        "spin": settings.spin,
        "exchange_energy": [float(_digits(value, -3)) for value in exchange],
        "weiss": float(_digits(settings.weiss, -3)),
        "thickness": float(_digits(settings.thickness, -9)),
    }
    film = varied(pt_py(), changes)
    if not (settings.real_mixing or settings.imaginary_mixing):
        return film
    sheet = Sheet(
        G_r=float(_digits(settings.real_mixing, 14)),
        G_i=float(_digits(settings.imaginary_mixing, 14)),
    )
    return Sample(stack=Stack(film.layers, top=sheet), name=film.name)


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
    layer = sample.layer(0)
    state = equilibrium(layer, settings.temperature, settings.field)
    closed = relaxation_at(state)
    numerical = relaxation_at(state, method=METHOD)
    fields = np.linspace(0.0, STRONGEST_FIELD, CURVE_POINTS)
    line = relaxation(layer, settings.temperature, fields)
    circles = relaxation_at(line.equilibrium.at(slice(None, None, 5)), method=METHOD)
    return Screen(
        settings=settings,
        sample=sample,
        direction=b,
        ordering=ordering_temperature(layer.magnet),
        mean_spin=float(state.mean_spin[0]),
        reduced_splitting=float(state.reduced_splitting[0]),
        exchange_field=float(closed.exchange_field),
        rows=_rows(sample, closed, numerical, b),
        small=_small(state),
        decay=_decay(closed, numerical),
        profile=profile(*_through(sample, closed), b, electric_field=ELECTRIC_FIELD),
        curve=resistivity(*_through(sample, line), b),
        checks=resistivity(*_through(sample, circles), b),
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
        return Refusal(settings, _plain(error))


def _plain(error: OpenmrError) -> str:
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


def snippet(settings: Settings) -> str:
    """Python that prints the numbers on the screen, line by line."""
    exponents = {"exchange_x": -3, "exchange_y": -3, "exchange_z": -3, "weiss": -3, "thickness": -9}
    exponents |= {"real_mixing": 14, "imaginary_mixing": 14}
    numbers = {n: _digits(v, exponents.get(n, 0)) for n, v in asdict(settings).items()}
    has_sheet = settings.real_mixing or settings.imaginary_mixing
    return _SNIPPET.format(
        **numbers,
        sheet=_SHEET.format(**numbers) if has_sheet else "",
        whole="bilayer" if has_sheet else "sample",
        metal="bilayer.stack" if has_sheet else "sample.film",
        through="rho[0].rates" if has_sheet else "rates[0]",
        method=METHOD,
        strongest=f"{STRONGEST_FIELD:g}",
        points=CURVE_POINTS,
        electric=f"{ELECTRIC_FIELD:g}",
        shown="\n".join(f'    "{parameter}",' for parameter in SHOWN),
    )


_SHEET: Final = """\
sheet = om.Sheet(G_r={real_mixing}, G_i={imaginary_mixing})
bilayer = om.Sample(stack=om.Stack(sample.layers, top=sheet))
"""
_SNIPPET: Final = """\
import numpy as np
from scipy.linalg import expm

import openmr as om

sample = om.Sample(
    magnet=om.Magnet(
        om.Moments(
            spin={spin},
            density=0.1 / om.presets.PT_LATTICE_CONSTANT**3,
            exchange_energy=({exchange_x}, {exchange_y}, {exchange_z}),
        ),
        weiss={weiss},
    ),
    electrons=om.Electrons.free(fermi_energy=1.0, mass=1.0),
    film=om.Film(
        thickness={thickness},
        spin_hall_angle=0.1,
        diffusion=1e-6,
        diffusion_length=3e-9,
        resistivity=2e-6,
    ),
    name="Pt/Py",
)
{sheet}temperature, field = {temperature}, {field}
theta, phi = np.radians([{polar}, {azimuth}])  # from the normal z, from the current x
b = (np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta))


def line(name, *values, form="z.3f"):
    print(f"{{name:<30}}" + "".join(f"{{format(float(value), form):>16}}" for value in values))


# both routes
methods = ("closed-form", "{method}")
rates = [om.relaxation(sample, temperature, field, method=method) for method in methods]
rho = [om.magnetoresistance({whole}, temperature, field, b, method=method) for method in methods]
line("1/tau_par [1/ns]", *(1e-9 * found.tensor[2, 2] for found in rates))
line("1/tau_perp, x [1/ns]", *(1e-9 * found.tensor[0, 0] for found in rates))
line("1/tau_perp, y [1/ns]", *(1e-9 * found.tensor[1, 1] for found in rates))
line("omega_L [rad/ns]", *(1e-9 * found.precession for found in rates))
line("rho_L [microohm m]", *(1e6 * found.longitudinal for found in rho), form="z.6f")
line("rho_T [microohm m]", *(1e6 * found.transverse for found in rho), form="z.6f")

# the moments
state = om.equilibrium(sample, temperature, field)
ordering = om.ordering_temperature(sample.magnet)
line("ordering temperature [K]", ordering, form="z.2f")
line("<S_par>", state.mean_spin[0], form="z.4f")
line("B_sd [T]", rates[0].exchange_field)

# what must be small
report = om.validity(sample, temperature, field, costs=False)
sizes = {{assumption.parameter: assumption.size for assumption in report.assumptions}}
for parameter in (
{shown}
):
    line(parameter, sizes[parameter], form=".3g")

# the curves
start = (np.sqrt(0.5), 0.0, np.sqrt(0.5))  # halfway between the field and across it
spin = expm(-1e-12 * rates[0].tensor) @ start
fields = np.linspace(0, {strongest}, {points})
curve = om.magnetoresistance({whole}, temperature, fields, b)
profile = om.diffusion.profile({metal}, {through}, b, electric_field={electric})
line("spin after 1 ps", *spin, form="z.4f")
line("rho_L at 0, 30 T [microohm m]", *(1e6 * curve.longitudinal[[0, -1]]), form="z.6f")
line("mu_s at z = d [microeV]", *(1e6 * profile.accumulation[-1]), form="z.4f")
"""
