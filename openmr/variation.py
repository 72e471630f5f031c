"""Which parameters a sweep may vary, their units, and the sample that each value gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from openmr._checks import ParameterError
from openmr.sample import Film, Magnet, Moments, Sample

FILM: Final = {
    "thickness": "m",
    "spin_hall_angle": "1",
    "diffusion": "m^2/s",
    "spin_flip_time": "s",
    "diffusion_length": "m",
    "resistivity": "Ohm m",
}
ELECTRONS: Final = {"dos_up": "eV^-1 m^-3", "dos_down": "eV^-1 m^-3", "electron_g": "1"}
MOMENTS: Final = {
    "spin": "1",
    "density": "m^-3",
    "moment_g": "1",
    "exchange": "eV m^3",
    "exchange_energy": "eV",
}
MAGNET: Final = {"weiss": "eV", "curie_temperature": "K", "disorder": ""}
UNITS: Final[dict[str, str]] = {**FILM, **ELECTRONS, **MOMENTS, **MAGNET}
"""Name of each parameter of the sample -> its unit."""

_RENAMED: Final = {"electron_g": "g", "moment_g": "g"}


def varied(sample: Sample, changes: Mapping[str, Any]) -> Sample:
    """The sample with some parameters changed.

    Parameters
    ----------
    sample : Sample
    changes : mapping of str to value
        Names of `UNITS`. Those of the moments hold for every sublattice; ``weiss`` and
        ``curie_temperature`` are for magnets of one sublattice. ``exchange`` J_v stays as it is
        when ``density`` changes, and the Weiss coupling when ``spin`` does.

    Returns
    -------
    Sample

    Raises
    ------
    ParameterError
        For an unknown name or a value outside its range.
    """
    for name in changes:
        if name not in UNITS:
            raise ParameterError(
                f"unknown parameter `{name}`; known are temperature, field, direction, "
                + ", ".join(UNITS)
            )

    def of(group: Mapping[str, str]) -> dict[str, Any]:
        return {_RENAMED.get(n, n): value for n, value in changes.items() if n in group}

    return replace(
        sample,
        magnet=_magnet(sample.magnet, of(MOMENTS), of(MAGNET)),
        electrons=replace(sample.electrons, **of(ELECTRONS)),
        film=_film(sample.film, of(FILM)),
    )


def _film(film: Film, changes: dict[str, Any]) -> Film:
    own = {name: getattr(film, name) for name in FILM if name != "diffusion_length"}
    if "diffusion_length" in changes and "spin_flip_time" not in changes:
        del own["spin_flip_time"]
    return Film(**{**own, **changes})


def _magnet(magnet: Magnet, moments: dict[str, Any], changes: dict[str, Any]) -> Magnet:
    sublattices = [_moments(old, moments) for old in magnet.sublattices]
    weiss = changes.get("weiss", magnet.weiss)
    curie = changes.get("curie_temperature")
    if curie is not None:
        weiss = None
    if weiss is not magnet.weiss and len(sublattices) > 1:
        name = "weiss" if "weiss" in changes else "curie_temperature"
        raise ParameterError(
            f"`{name}` can be varied for one sublattice only, got {len(sublattices)} sublattices"
        )
    disorder = changes.get("disorder", magnet.disorder)
    return Magnet(sublattices, weiss, disorder, curie_temperature=curie)


def _moments(moments: Moments, changes: dict[str, Any]) -> Moments:
    own = {"spin": moments.spin, "density": moments.density, "g": moments.g}
    if not {"exchange", "exchange_energy"} & changes.keys():
        own["exchange"] = moments.exchange  # type: ignore[assignment]
    return Moments(**{**own, **changes})
