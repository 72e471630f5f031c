"""Which parameters a sweep may vary, their units, and the sample that each value gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from openmr._checks import ParameterError
from openmr.sample.film import Film, Sample
from openmr.sample.magnet import Magnet, Moments

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
ORDER: Final = {"weiss": "eV", "curie_temperature": "K", "neel_temperature": "K"}
MAGNET: Final = {**ORDER, "disorder": ""}
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
        ``curie_temperature`` are for magnets of one sublattice, ``neel_temperature`` for two alike.
        What is not named stays: J_v (not n_S J_v) when ``density`` changes, the Weiss coupling (not
        the ordering temperature) when ``spin`` does, tau_0 (not l_0) when ``diffusion`` does; to
        hold the other of each pair, name it too.

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
    order = {name: changes[name] for name in ORDER if name in changes}
    for name in order:
        if name != "neel_temperature" and len(sublattices) > 1:
            raise ParameterError(
                f"`{name}` can be varied for one sublattice only, "
                f"got {len(sublattices)} sublattices"
            )
    disorder = changes.get("disorder", magnet.disorder)
    return Magnet(sublattices, disorder=disorder, **(order or {"weiss": magnet.weiss}))


def _moments(moments: Moments, changes: dict[str, Any]) -> Moments:
    own = {"spin": moments.spin, "density": moments.density, "g": moments.g}
    if not {"exchange", "exchange_energy"} & changes.keys():
        own["exchange"] = moments.exchange  # type: ignore[assignment]
    return Moments(**{**own, **changes})
