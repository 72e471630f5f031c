"""One's own film: a file of TOML as the positions of the sliders, and these as a file or address.

A file is read no further than sliders go: numbers beyond their ends, more than one kind of moments,
more than one layer are refused before anything is built of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from openmr._checks import OpenmrError, ParameterError, number
from openmr.apps.explorer.screen import (
    SLIDERS,
    Refusal,
    Settings,
    direction_of,
    moved,
    plain,
    sample_of,
)
from openmr.sample.film import Electrons, Film
from openmr.sample.magnet import Magnet
from openmr.sample.presets import PT_LATTICE_CONSTANT
from openmr.sample.stack import Sheet
from openmr.sample.toml import sample_of as sample_of_tables
from openmr.sample.toml import tables_of

LARGEST_FILE: Final = 2**15
"""Bytes; in base64 and in JSON a request of it stays below what the gate lets pass."""
_OF_FILM: Final = (
    "thickness", "spin_hall_angle", "diffusion", "diffusion_length", "resistivity",
)  # fmt: skip
_BEYOND: Final = ("hamiltonian", "stevens", "axes", "g", "between", "bottom", "neel_temperature")


# --- a file ----------------------------------------------------------------------------------


def film_of(content: bytes, before: Settings) -> Settings | Refusal:
    """Sliders for the film of a TOML file, at the temperature and field that were `before`."""
    try:
        return moved(asdict(before) | _positions(content))
    except OpenmrError as error:
        return Refusal(before, plain(error))
    except UnicodeDecodeError:
        return Refusal(before, "The file must be text in UTF-8.")


def _positions(content: bytes) -> dict[str, float]:
    if len(content) > LARGEST_FILE:
        raise ParameterError(f"the file must have at most {LARGEST_FILE} bytes")
    tables = tables_of(content.decode("utf-8-sig"), "the file")
    _refuse_more_than_sliders(tables)
    sample = sample_of_tables(tables)
    layers = sample.layers
    if len(layers) != 1:
        raise ParameterError(f"`layers` must be one here, got {len(layers)}")
    layer, stack = layers[0], sample.stack
    if stack is not None and stack.bottom is not None:
        raise ParameterError("`bottom` must be left out here; a sheet is on `top`")
    return (
        _of_film(layer.film)
        | _of_electrons(layer.electrons, tables)
        | _of_magnet(layer.magnet)
        | _of_sheet(stack.top if stack is not None else None)
    )


def _refuse_more_than_sliders(tables: Mapping[str, Any]) -> None:
    """Refuse samples that would take long to build, before they are built."""
    for name, value in _entries({k: tables[k] for k in ("sample", "layers", "top") if k in tables}):
        if name in _BEYOND:
            raise ParameterError(f"`{name}` has no slider here: leave it out")
        if name == "spin":
            least, most, _ = SLIDERS["spin"]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"`spin` must be one number here, got {value!r:.60}")
            if not least <= value <= most:
                raise ParameterError(f"`spin` must be {least:g} to {most:g} here, got {value:g}")
        if name in ("moments", "layers") and isinstance(value, list) and len(value) > 1:
            raise ParameterError(f"`{name}` must be one here, got {len(value)}")


def _entries(table: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, also of tables in tables."""
    waiting = [table]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from one.items()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _of_film(film: Film) -> dict[str, float]:
    return {
        "thickness": _rounded(1e9 * film.thickness),
        "spin_hall_angle": film.spin_hall_angle,
        "diffusion_length": _rounded(1e9 * film.diffusion_length),
        "diffusion": _rounded(np.log10(film.diffusion)),
        "resistivity": _rounded(1e6 * film.resistivity),
    }


def _of_electrons(electrons: Electrons, tables: Mapping[str, Any]) -> dict[str, float]:
    """Fermi energy and mass of the file, or of mass 1 from the density of states."""
    if electrons.dos_up != electrons.dos_down:
        raise ParameterError("`dos_up` and `dos_down` must be equal here")
    if electrons.g != Electrons.free(1.0).g:
        raise ParameterError(f"`g` of the electrons must be 2 here, got {electrons.g:g}")
    for name, value in _entries(dict(tables)):
        if name == "electrons" and "fermi_energy" in value:
            energy = number("fermi_energy", value["fermi_energy"], "eV")  # "5 eV" in a file
            return {"fermi_energy": energy, "mass": value.get("mass", 1.0)}
    # only nu_F counts, which grows with the root of E_F, and with the mass to the power 3/2
    energy = _rounded((electrons.dos / Electrons.free(1.0).dos) ** 2)
    if energy <= SLIDERS["fermi_energy"].most:
        return {"fermi_energy": energy, "mass": 1.0}
    mass = (electrons.dos / Electrons.free(5.0).dos) ** (2 / 3)
    return {"fermi_energy": 5.0, "mass": _rounded(mass)}


def _of_magnet(magnet: Magnet) -> dict[str, float]:
    if not magnet:
        return {f"exchange_{axis}": 0.0 for axis in "xyz"}
    (moments,) = magnet.sublattices
    if magnet.disorder != "random":
        raise ParameterError(f"`disorder` must be 'random' here, got {magnet.disorder!r}")
    coupled = 1e3 * moments.density * np.asarray(moments.exchange)
    if coupled.shape != (3,):
        raise ParameterError("`exchange` must have no elements off its diagonal here")
    along, across = 0.0, 0.0
    if moments.anisotropy is not None:
        along, across = (np.append(np.atleast_1d(moments.anisotropy), 0.0))[:2]
    return {
        **{f"exchange_{axis}": _rounded(j) for axis, j in zip("xyz", coupled, strict=True)},
        "spin": moments.spin,
        "weiss": _rounded(1e3 * float(np.asarray(magnet.weiss).ravel()[0])),
        "density": _rounded(moments.density * PT_LATTICE_CONSTANT**3),
        "anisotropy": _rounded(1e3 * along),
        "rhombicity": _rounded(1e3 * across),
    }


def _of_sheet(sheet: Sheet | None) -> dict[str, float]:
    if sheet is None:
        return {"real_mixing": 0.0, "imaginary_mixing": 0.0}
    if sheet.has_moments or sheet.G_s:
        raise ParameterError("`top` must be given by `G_r` and `G_i` alone here")
    return {
        "real_mixing": _rounded(1e-14 * (sheet.G_r or 0.0)),
        "imaginary_mixing": _rounded(1e-14 * (sheet.G_i or 0.0)),
    }


def _rounded(value: float) -> float:
    """Without the digits that a power of ten rounds."""
    return float(f"{value:.14g}")


_FILE: Final = """\
method = "{method}"

[sample]
name = "{name}"
{head}weiss = {weiss}  # eV, J0

[{where}.film]
thickness = {thickness}  # m
spin_hall_angle = {spin_hall_angle}
diffusion = {diffusion}  # m^2/s
diffusion_length = {diffusion_length}  # m
resistivity = {resistivity}  # Ohm m

[{where}.electrons]
fermi_energy = {fermi_energy}  # eV
mass = {mass}

[[{where}.moments]]
spin = {spin}
density = {density}  # 1/m^3
exchange_energy = {exchange}  # n_S J in eV
{anisotropy}{top}
[sweep]
temperature = {temperature}  # K
field = {field}  # T
direction = {direction}
"""


def toml(settings: Settings) -> str:
    """The film, temperature and field as a file that `openmr` takes; errors as of `sample_of`."""
    sample = sample_of(settings)
    layer, stack = sample.layers[0], sample.stack
    film, (moments,) = layer.film, layer.magnet.sublattices
    own, top = "", ""
    if settings.oriented:
        own = f"anisotropy = {_numbers(moments.anisotropy)}  # D, E in eV, z the normal\n"
    if stack is not None and stack.top is not None:
        top = f"\n[top]\nG_r = {stack.top.G_r!r}  # S/m^2\nG_i = {stack.top.G_i!r}\n"
    return _FILE.format(
        method="batched" if settings.oriented else "closed-form",
        name=sample.name,
        head="\n[[layers]]\n" if top else "",
        where="layers" if top else "sample",
        weiss=repr(float(np.asarray(layer.magnet.weiss).ravel()[0])),
        **{name: repr(getattr(film, name)) for name in _OF_FILM},
        fermi_energy=repr(settings.fermi_energy),
        mass=repr(settings.mass),
        spin=repr(moments.spin),
        density=repr(moments.density),
        exchange=_numbers(moments.density * np.asarray(moments.exchange)),
        anisotropy=own,
        top=top,
        temperature=repr(settings.temperature),
        field=repr(settings.field),
        direction=_numbers(direction_of(settings)),
    )


def _numbers(values: Any) -> list[float]:
    return [_rounded(float(value)) for value in values]


# --- an address ------------------------------------------------------------------------------


def address(settings: Settings) -> str:
    """Sliders that are not at their start, as the query of an address."""
    start = asdict(Settings())
    return urlencode({n: repr(v) for n, v in asdict(settings).items() if v != start[n]})


def asked(query: Mapping[str, Any]) -> Settings | Refusal:
    """Sliders of an address, whose other words are not looked at."""
    values: dict[str, Any] = asdict(Settings())
    for name in values.keys() & query.keys():
        try:
            values[name] = float(query[name])
        except (TypeError, ValueError):
            values[name] = query[name]
    return moved(values)
