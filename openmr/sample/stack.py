"""Sheets of moments at the faces of layers, joints between them, and stacks: frozen and checked.

The axis z runs along the normal, from the bottom of the stack (z = 0) upward. A sheet takes up the
spin J(z0-) - J(z0+) = (1/e) G mu with mu = mu_up - mu_down and

    G = G_s 1 + G_r (1 - mm) - G_i [m x]   [S/m^2],

m = -<S>/|<S>| (the direction of a ferromagnet's magnetisation). G_i > 0 turns mu as a field along
m does; half of mu in the law doubles all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import ParameterError, Range
from openmr._words import Disorder
from openmr.sample.crystal_field import Elements
from openmr.sample.film import Layer
from openmr.sample.magnet import EXCHANGE, NO_MOMENTS, Magnet, Moments
from openmr.sample.own_hamiltonian import Matrix, Stevens

_OWN: Final = ("anisotropy", "stevens", "hamiltonian", "axes", "thermostat_rate")
"""Arguments that hold for every moment of a sheet, as of `Moments`."""
REFERENCE: Final = 1e-9
"""Thickness [m] over which `Sheet.magnet` spreads moments; it drops out of every conductance."""
_Side = Literal["below", "above"]
AREAL_DENSITY: Final = Range(1e8, 1e22, "m^-2", "in m^-2: 1 per nm^2 is 1e18")
SHEET_EXCHANGE: Final = Range(-1e-20, 1e-20, "eV m^3", "in eV m^3: 1 meV nm^3 is 1e-30")
CONDUCTANCE: Final = Range(
    -1e25, 1e25, "S/m^2", "in S/m^2: 1e14 1/(Ohm cm^2) is 1e18, 1e18 channels per m^2 are 3.87e13"
)
AREA_RESISTANCE: Final = Range(0.0, 1.0, "Ohm m^2", "in Ohm m^2: 1 fOhm m^2 is 1e-15")
MEMORY_LOSS: Final = Range(0.0, 100.0, "")


@dataclass(frozen=True, slots=True, init=False)
class Sheet:
    """Local moments in a plane at the face of a layer, or the conductances of such a face.

    Either moments, whose conductances follow with temperature and field, or conductances. Several
    sublattices have one entry each in `areal_density`, and in what else differs between them.

    Parameters
    ----------
    spin : float or sequence, no unit
        S of a moment.
    areal_density : float or sequence, m^-2
        Moments per area n_2D, a sequence for several sublattices.
    exchange : float or sequence, eV m^3
        Coupling J of V = -(1/2) J sigma.S delta(r - R), the same along all axes; positive is
        ferromagnetic. A wall changes the density of states at the moments: J includes that.
    g : float, sequence or array (3, 3), no unit
        g-factor of a moment, 2 by default, or the g tensor of all.
    weiss : float or array (n, n) or (n, n, 3, 3), eV
        Exchange among the moments, as of `Magnet`; default none.
    G_s, G_r, G_i : float, S/m^2
        Spin sink, and real and imaginary part of the spin-mixing conductance, instead of moments;
        0 if not given. They go with the full mu = mu_up - mu_down, and lie at the diffusion
        equation: a fit's are what is asked for, those of ballistic theory less 1/(2 G_Sharvin).
    name : str
        What reports call it; not empty.
    curie_temperature, neel_temperature : float, K
        Instead of `weiss`, as of `Magnet`.
    anisotropy, stevens, hamiltonian, axes : optional
        Of every moment, as of `Moments`: the field then has a direction against the crystal.
    density, exchange_energy : None
        Refused: a plane has no density per volume, so n_S J is none of its numbers.
    disorder : {"random"}
        "lattice" is refused: the plane's mean field scatters, for it repeats in the plane alone.
    thermostat_rate : float, 1/s
        Of every moment, as of `Moments`: slow ones follow the accumulation at the face.

    Raises
    ------
    ParameterError
        For a value outside its range, or conductances beside moments.
    """

    spin: tuple[float, ...] | None
    areal_density: tuple[float, ...] | None
    exchange: tuple[float, ...] | None
    g: tuple[float | Matrix, ...] | None
    weiss: tuple[tuple[Any, ...], ...] | None
    G_s: float | None
    G_r: float | None
    G_i: float | None
    name: str
    anisotropy: tuple[float, float] | None
    stevens: Stevens | None
    hamiltonian: Elements | None
    axes: Matrix | None
    thermostat_rate: float | None

    def __init__(
        self,
        spin: float | Sequence[float] | None = None,
        areal_density: float | Sequence[float] | None = None,
        exchange: float | Sequence[float] | None = None,
        g: ArrayLike | None = None,
        weiss: ArrayLike | None = None,
        G_s: float | None = None,
        G_r: float | None = None,
        G_i: float | None = None,
        name: str = "sheet",
        *,
        curie_temperature: float | None = None,
        neel_temperature: float | None = None,
        anisotropy: ArrayLike | None = None,
        stevens: Mapping[tuple[int, int], float] | Stevens | None = None,
        hamiltonian: Any = None,
        axes: ArrayLike | None = None,
        density: None = None,
        exchange_energy: None = None,
        disorder: Literal["random"] = "random",
        thermostat_rate: float | None = None,
    ) -> None:
        _refuse_bulk(density, exchange_energy, disorder)
        of_moments: dict[str, Any] = {
            "spin": spin, "areal_density": areal_density, "exchange": exchange, "g": g,
            "weiss": weiss, "curie_temperature": curie_temperature,
            "neel_temperature": neel_temperature, "anisotropy": anisotropy, "stevens": stevens,
            "hamiltonian": hamiltonian, "axes": axes, "thermostat_rate": thermostat_rate,
        }  # fmt: skip
        given = [part for part, value in of_moments.items() if value is not None]
        conductances = {"G_s": G_s, "G_r": G_r, "G_i": G_i}
        by_number = [part for part, value in conductances.items() if value is not None]
        if given and by_number:
            raise ParameterError(
                f"a sheet must be given by moments or by conductances, got `{given[0]}` and "
                f"`{by_number[0]}`"
            )
        if not given and not by_number:
            raise ParameterError(
                "a sheet must be given by `spin`, `areal_density` and `exchange` of its moments or "
                "by `G_s`, `G_r`, `G_i`, got none"
            )
        found = _conductances(conductances) if by_number else _moments(of_moments)
        nothing = dict.fromkeys(self.__slots__)
        _checks.settle(self, **nothing | found | {"name": _checks.word("name", name)})

    @property
    def has_moments(self) -> bool:
        """Whether its conductances follow from moments."""
        return self.spin is not None

    @property
    def magnet(self) -> Magnet:
        """The moments spread over a thickness of `REFERENCE`; none of given conductances."""
        if self.spin is None:
            return NO_MOMENTS
        assert self.areal_density is not None
        assert self.exchange is not None
        assert self.g is not None
        columns = zip(self.spin, self.areal_density, self.exchange, self.g, strict=True)
        own = {name: getattr(self, name) for name in _OWN}
        moments = [Moments(s, n / REFERENCE, j, g=g, **own) for s, n, j, g in columns]
        return Magnet(moments, self.weiss)

    def __repr__(self) -> str:
        shown = (
            f"{n}={getattr(self, n)!r}" for n in self.__slots__ if getattr(self, n) is not None
        )
        own = [one.axes_told for one in self.magnet.sublattices if one.is_oriented]
        return f"Sheet({', '.join(shown)})" + (f"  [{own[0]}]" if own else "")


def _refuse_bulk(density: Any, exchange_energy: Any, disorder: Any) -> None:
    if density is not None:
        raise ParameterError(
            "`density` is of moments in a volume; a sheet takes `areal_density` in m^-2"
        )
    if exchange_energy is not None:
        raise ParameterError(
            "`exchange_energy` is n_S J of moments in a volume; a sheet takes `exchange`, J in "
            "eV m^3"
        )
    if _checks.choice("disorder", disorder, Disorder) == "lattice":
        raise ParameterError(
            "`disorder` must be 'random' for a sheet, got 'lattice': a plane of moments repeats in "
            "the plane alone, so its mean field scatters and dephases electrons"
        )


def _conductances(given: dict[str, float | None]) -> dict[str, Any]:
    found = {
        name: CONDUCTANCE.one(name, 0.0 if value is None else value)
        for name, value in given.items()
    }
    if found["G_s"] < 0:
        raise ParameterError(
            f"`G_s` must be >= 0 S/m^2, got {found['G_s']:g}: it takes spins along m out of the "
            "metal; a law G_s mu + G_r m x (m x mu) counts it with the other sign"
        )
    if found["G_s"] + found["G_r"] < 0:
        raise ParameterError(
            "`G_s` + `G_r` must be >= 0 S/m^2, or spins across m would grow at the face, got "
            f"{found['G_s']:g} and {found['G_r']:g}"
        )
    return found


def _moments(given: dict[str, Any]) -> dict[str, Any]:
    missing = [n for n in ("spin", "areal_density", "exchange") if given[n] is None]
    if missing:
        raise ParameterError(f"a sheet of moments lacks `{missing[0]}`")
    densities = np.atleast_1d(AREAL_DENSITY.hold("areal_density", given["areal_density"]))
    if densities.ndim != 1 or not densities.size:
        raise ParameterError(
            f"`areal_density` must be a number or one for each sublattice, got shape "
            f"{densities.shape}"
        )
    count = len(densities)

    def each(name: str, value: Any, unit: str = "") -> np.ndarray[Any, np.dtype[np.float64]]:
        array = _checks.finite_array(name, value, unit)
        if array.shape not in ((), (count,)):
            raise ParameterError(
                f"`{name}` must be a number or one for each entry of `areal_density` ({count}), "
                f"got shape {array.shape}"
            )
        return np.broadcast_to(array, (count,))

    spins = each("spin", given["spin"])
    couplings = SHEET_EXCHANGE.hold("exchange", each("exchange", given["exchange"], "eV m^3"))
    largest = float((np.abs(couplings) * densities).max()) / REFERENCE
    if largest > EXCHANGE.most:
        raise ParameterError(
            f"`exchange` times `areal_density` must be at most {EXCHANGE.most * REFERENCE:g} eV m, "
            f"got {largest * REFERENCE:g}"
        )
    factors = _checks.finite_array("g", 2.0 if given["g"] is None else given["g"])
    if factors.ndim < 2:
        factors = each("g", factors)
    elif factors.shape in ((3, 3), (count, 3, 3)):
        factors = np.broadcast_to(factors, (count, 3, 3))
    else:
        raise ParameterError(
            f"`g` must be a number, one for each entry of `areal_density` ({count}) or a 3x3 "
            f"matrix, got shape {factors.shape}"
        )
    own = {name: given[name] for name in _OWN}
    rows = zip(spins.tolist(), (densities / REFERENCE).tolist(), couplings, factors, strict=True)
    moments = [Moments(s, n, float(j), g=g, **own) for s, n, j, g in rows]
    orders = {n: given[n] for n in ("weiss", "curie_temperature", "neel_temperature")}
    magnet = Magnet(moments, **orders)
    return {
        "spin": tuple(spins.tolist()),
        "areal_density": tuple(densities.tolist()),
        "exchange": tuple(couplings.tolist()),
        "g": tuple(one.g for one in moments),
        "weiss": magnet.weiss,
        **{name: getattr(moments[0], name) for name in _OWN},
    }


@dataclass(frozen=True, slots=True, init=False)
class Interface:
    """A joint that spins pass from layer to layer; charge does not, for the current is in plane.

    Parameters
    ----------
    resistance : float, Ohm m^2
        Resistance times area r; 0 is transparent. One spin sees 2r.
    memory_loss : float, no unit
        delta: spins are lost as in a layer of delta diffusion lengths and of resistance r.
    sheet : Sheet, optional
        Moments in the joint.
    side : {"below", "above"}
        On which side of the resistance they are.

    Raises
    ------
    ParameterError
        For a value outside its range, or a loss without a resistance.
    """

    resistance: float
    memory_loss: float
    sheet: Sheet | None
    side: _Side

    def __init__(
        self,
        resistance: float = 0.0,
        memory_loss: float = 0.0,
        sheet: Sheet | None = None,
        side: _Side = "below",
    ) -> None:
        resistance = AREA_RESISTANCE.one("resistance", resistance)
        memory_loss = MEMORY_LOSS.one("memory_loss", memory_loss)
        if memory_loss > 0 and resistance == 0:
            raise ParameterError(
                "`resistance` must be > 0 Ohm m^2 where `memory_loss` is, got "
                f"{resistance:g} with {memory_loss:g}: spins are lost in passing it"
            )
        if sheet is not None:
            _checks.instance("sheet", sheet, Sheet)
        side = _checks.choice("side", side, _Side)
        _checks.settle(self, resistance=resistance, memory_loss=memory_loss, sheet=sheet, side=side)

    @property
    def is_transparent(self) -> bool:
        """Whether the accumulation is the same on both sides."""
        return self.resistance == 0


@dataclass(frozen=True, slots=True, init=False)
class Stack:
    """Layers on top of each other, with what is at their faces.

    Parameters
    ----------
    layers : sequence of Layer
        From z = 0 upward.
    bottom, top : Sheet, optional
        At the outer faces, z = 0 and z = d; None lets no spin out.
    between : sequence of Interface, Sheet or None, optional
        One entry for each pair of neighbours, from z = 0 upward. None is a transparent joint, a
        sheet one with moments in it. Default: all transparent.

    Raises
    ------
    ParameterError
        For no layers, or a part of a wrong kind.

    Examples
    --------
    >>> import openmr as om
    >>> pt = om.Film(7e-9, 0.11, 1e-5, resistivity=40e-8, diffusion_length=1.5e-9)
    >>> layer = om.Layer(pt, om.Electrons.free(5.0))
    >>> om.Stack([layer], top=om.Sheet(G_r=4e14)).thickness
    7e-09
    """

    layers: tuple[Layer, ...]
    bottom: Sheet | None
    top: Sheet | None
    between: tuple[Interface | None, ...]

    def __init__(
        self,
        layers: Sequence[Layer] | Layer,
        bottom: Sheet | None = None,
        top: Sheet | None = None,
        between: Sequence[Interface | Sheet | None] | Interface | Sheet | None = None,
    ) -> None:
        given = (layers,) if isinstance(layers, Layer) else tuple(_sequence("layers", layers))
        if not given:
            raise ParameterError("`layers` must hold at least one Layer, got none")
        for part in given:
            if isinstance(part, Sheet | Interface):
                raise ParameterError(
                    f"`layers` must hold layers alone, got a {type(part).__name__}: it lies at a "
                    "face. One in the middle of a layer is two layers with it in `between`"
                )
            _checks.instance("layers", part, Layer)
        for name, face in (("bottom", bottom), ("top", top)):
            if face is not None:
                _checks.instance(name, face, Sheet)
        if isinstance(between, Interface | Sheet):
            between = (between,)
        count = len(given) - 1
        joints = (None,) * count if between is None else tuple(_sequence("between", between))
        if len(joints) != count:
            raise ParameterError(
                f"`between` must have one entry for each pair of neighbouring layers, {count}, "
                f"got {len(joints)}"
            )
        between = tuple(map(_joint, joints))
        _checks.settle(self, layers=given, bottom=bottom, top=top, between=between)

    @property
    def thickness(self) -> float:
        """Sum over the layers [m]."""
        return sum(layer.film.thickness for layer in self.layers)


def _sequence(name: str, value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ParameterError(f"`{name}` must be a sequence, got {_checks.shown(value)}")
    return value


def _joint(given: Any) -> Interface | None:
    joint = Interface(sheet=given) if isinstance(given, Sheet) else given
    if joint is not None:
        _checks.instance("between", joint, Interface)
    return joint
