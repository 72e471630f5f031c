"""Units in the heads of columns, and the way from each to SI."""

from __future__ import annotations

import re
import unicodedata
from math import pi
from typing import Final, NamedTuple

from openmr._checks import ParameterError

_MU_0: Final = 1.25663706127e-6  # vacuum permeability [T m/A], CODATA 2022


class Unit(NamedTuple):
    """A unit: SI value = factor times number + offset."""

    of: str
    factor: float
    offset: float = 0.0


_OHM = ("ohm", "ohms", "Ω")
_BASES: Final[dict[str, dict[str, float]]] = {
    "field": {
        **dict.fromkeys(("T", "tesla"), 1.0),
        **dict.fromkeys(("G", "gs", "gauss", "oe", "oersted", "oersteds"), 1e-4),
        **dict.fromkeys(("A/m", "A m^-1"), _MU_0),
    },
    "resistance": dict.fromkeys(_OHM, 1.0),
    "resistivity": {
        f"{ohm}{gap}{metre}": factor
        for ohm in _OHM
        for gap in ("", " ")
        for metre, factor in (("m", 1.0), ("cm", 1e-2), ("meter", 1.0), ("metre", 1.0))
    },
    "temperature": dict.fromkeys(("K", "kelvin", "kelvins"), 1.0),
    "angle": {
        **dict.fromkeys(("deg", "degs", "degree", "degrees", "°"), pi / 180.0),
        **dict.fromkeys(("rad", "radian", "radians"), 1.0),
    },
    "time": dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
}
_UNITS: Final = {
    unit: Unit(of, factor) for of, units in _BASES.items() for unit, factor in units.items()
}
_WHOLE: Final = {
    **dict.fromkeys(("min", "mins", "minute", "minutes"), Unit("time", 60.0)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), Unit("time", 3600.0)),
    **dict.fromkeys(("°c", "degc", "deg c", "celsius"), Unit("temperature", 1.0, 273.15)),
}
"""Units that take no prefix, in small letters."""
_PREFIXES: Final = {
    **{"p": 1e-12, "n": 1e-9, "u": 1e-6, "μ": 1e-6, "m": 1e-3},
    **{"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9},
}
SI: Final = {
    **{"field": "T", "resistance": "Ohm", "resistivity": "Ohm m"},
    **{"temperature": "K", "angle": "rad", "time": "s"},
}
"""Quantity -> the unit that openmr has for it."""
KINDS: Final = {of: f"a{'n' if of == 'angle' else ''} {of}" for of in SI}


def plain(text: str) -> str:
    """`text` with one sign for each of those that look alike, and single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def unit(text: str) -> Unit | None:
    """The unit that `text` names, or None."""
    clean = re.sub(r"(?<=\w)\s*[-*.·⋅]\s*(?=c?m)", " ", plain(text))
    for start in ("", *_PREFIXES):
        base = clean.removeprefix(start)
        if start and base == clean:
            continue
        found = _UNITS.get(base) or (_UNITS.get(base.lower()) if len(base) > 1 else None)
        if not start:
            found = found or _WHOLE.get(base.lower() if len(base) > 1 else base)
        if found:
            return Unit(found.of, found.factor * _PREFIXES.get(start, 1.0), found.offset)
    return None


def split(head: str) -> tuple[str, str]:
    """Name and unit of a column, ``B (T)``, ``B [T]``, ``B / T`` or ``B, T``; "" without one.

    The last brackets that hold a known unit count, or else those at the end.
    """
    head = plain(head)
    brackets = list(re.finditer(r"[(\[]([^()\[\]]*)[)\]]", head))
    known = [one for one in brackets if unit(one[1])]
    ends = [one for one in brackets if one.end() == len(head)]
    for one in (*known[::-1], *ends):
        name = head[: one.start()] + head[one.end() :]
        return plain(name).removesuffix("/").strip(), one[1].strip()
    name, slash, text = head.partition("/")
    if slash and name.strip() and text.strip():
        return name.strip(), text.strip()
    name, _, text = head.rpartition(",")
    return (name.strip(), text.strip()) if name.strip() and unit(text) else (head, "")


def known(text: str, argument: str = "units") -> Unit:
    """The unit that `text` names, which must be one of those here."""
    found = unit(text) if isinstance(text, str) else None
    if found is None:
        raise ParameterError(
            f"`{argument}` must name units such as T, Oe, kA/m, Ohm, uOhm cm, K, deg, s, "
            f"got {text!r}"
        )
    return found
