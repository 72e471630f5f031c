"""The print of a sample: every number under the name by which it is reached, with its unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from openmr.sample.film import Sample
from openmr.sample.magnet import Moments
from openmr.sample.parameters import OF_FACES, OF_JOINTS, PARAMETERS

_UNITS: Final = {
    re.sub("^electron_|^moment_|_at_fixed_.*", "", name): one.range.unit
    for name, one in (PARAMETERS | OF_FACES | OF_JOINTS).items()
    if one.range
} | {"stevens": "eV", "hamiltonian": "eV"}


def printed(sample: Sample) -> str:
    """One number a line, `film.thickness : 5e-09 m`."""
    rows = [row for name in ("film", "electrons", "magnet", "stack") for row in _rows(sample, name)]
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"Sample  {sample.name}", *(f"  {n:{width}} : {text}" for n, text in rows)])


def _rows(owner: Any, name: str, path: str = "") -> Iterator[tuple[str, str]]:
    value = getattr(owner, name)
    several = isinstance(value, tuple) and any(map(is_dataclass, value))
    for place, one in enumerate(value) if several else [("", value)]:
        here = f"{path}{name}[{place}]" if several else f"{path}{name}"
        if is_dataclass(one):
            parts = [field.name for field in fields(one)]
            if isinstance(one, Moments):
                parts += ["exchange_energy", *(["axes_told"] if one.is_oriented else [])]
            for part in parts:
                yield from _rows(one, part, f"{here}.")
        elif one == ():
            yield here, "none"
        elif one is not None:
            isotropic = isinstance(owner, Moments) and isinstance(one, tuple) and len({*one}) == 1
            yield here, f"{_text(one[0] if isotropic else one)} {_UNITS.get(name, '')}".rstrip()


def _text(value: Any) -> str:
    """A number as six digits tell it, a tuple of one as what it holds."""
    if isinstance(value, tuple):
        texts = list(map(_text, value))
        return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
