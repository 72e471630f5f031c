"""Numbers that bring a unit, of pint, astropy, unyt or xarray: converted or refused, not stripped.

None of these is imported: their objects convert themselves. Only a text, as "8 nm", asks pint.
"""

from __future__ import annotations

import re
from types import MethodType
from typing import Any, Final

import numpy as np

_PLAIN: Final = frozenset({float, int, np.float64, np.int64, bool, complex, type(None)})
_FACTOR: Final = r"[^\W\d]+ (?: (?: \^ | \*\* ) -?\d )?"
_PRODUCT: Final = rf"{_FACTOR} (?: (?: \s+ | \s*\*\s* ) {_FACTOR} )*"
_TEXT: Final = re.compile(
    rf"""\s* ([-+]? (?: \d+\.?\d* | \.\d+ ) (?: e[-+]?\d+ )?) \s*
    ((?: 1\s*/\s* )? (?: °? {_PRODUCT} | \({_PRODUCT}\) )
    (?: \s*/\s* (?: {_FACTOR} | \({_PRODUCT}\) ) )*) \s*""",
    re.VERBOSE | re.IGNORECASE,
)
"""A number and a unit, whose exponents are digits: pint works out any, of any length."""
_WORDS: Final = {
    "1": "", "dimensionless": "", "kelvin": "K", "tesla": "T", "radian": "rad", "meter": "m",
    "metre": "m", "second": "s", "electron_volt": "eV", "ohm*meter": "ohm*m",
}  # fmt: skip
"""Words that an attribute of xarray may have for a unit -> the same as here."""


def in_unit(name: str, value: Any, unit: str = "") -> Any:
    """`value` as it is, or as numbers in `unit` where it or an item of it has a unit of its own.

    `ParameterError` for a quantity of another dimension; where there is no `unit`, for any that is
    not a pure number.
    """
    kind = type(value)
    if kind in _PLAIN or (kind is np.ndarray and value.dtype.kind != "O"):
        return value
    if kind is str:
        return _of_text(name, value, unit)
    if kind in (list, tuple, np.ndarray):
        return _items(name, value, unit)
    own = _unit_of(value)
    if own is None and (own := _unit_of(getattr(value, "data", None))) is not None:
        value = value.data  # of a DataArray
    if own is None:
        return value
    if isinstance(own, str) and _parsed(own) == _parsed(unit):
        return np.asarray(value)
    try:
        convert = getattr(value, "m_as", None) or value.to_value  # of pint, or of the other two
        return convert(_parsed(unit))
    except Exception:  # each library has errors of its own
        raise _refused(name, own, unit) from None


def _of_text(name: str, text: str, unit: str) -> Any:
    """The number of a text as "8 nm"; any other text as it is, which is no number."""
    found = _TEXT.fullmatch(text)
    if not (found and _parsed(unit)):
        return text
    number, own = float(found[1]), found[2]
    if _parsed(own) == _parsed(unit):
        return number
    from openmr._checks import required

    pint = required("pint", f"`{name}` = {text!r}", extra="units")
    quantity = pint.get_application_registry().Quantity
    try:
        return quantity(number, own.replace("Ohm", "ohm")).m_as(_parsed(unit))
    except Exception:  # no unit at all, or one of another dimension
        raise _refused(name, own, unit) from None


def _items(name: str, values: Any, unit: str) -> Any:
    if not isinstance(values, np.ndarray):
        if _PLAIN.issuperset(map(type, values)):
            return values
        return type(values)(in_unit(name, item, unit) for item in values)
    found = np.empty(values.shape, dtype=object)
    found.ravel()[:] = [in_unit(name, item, unit) for item in values.flat]
    return found


def _unit_of(value: Any) -> Any:
    """Unit of a quantity, or the word that an attribute has for it; None of what is none."""
    own = getattr(value, "units", None)
    if own is None:
        own = getattr(value, "unit", None)
        own = None if isinstance(own, str | MethodType) else own  # of a date, of a Qobj
    return own


def _refused(name: str, own: Any, unit: str) -> Exception:
    from openmr._checks import ParameterError  # which are checked with this

    wanted = f"in {unit.removeprefix('in ')}" if _parsed(unit) else "a pure number here"
    of_h = unit == "T" and re.fullmatch(r"\w*(Oe|oersted)", str(own))
    hint = ", which is one of H: 1 kOe goes with 0.1 T" if of_h else ""
    said = f"`{name}` must be {wanted}, got a quantity in {str(own) or 'no unit'}{hint}"
    return ParameterError(said)


def _parsed(unit: str) -> str:
    """A unit as all three libraries read it: ohm*m, eV**-1*m**-3."""
    found = re.sub(r"\s*\*\s*|\s+", "*", unit.strip().replace("**", "^")).replace("^", "**")
    found = found.replace("Ohm", "ohm").replace("S/", "ohm**-1/")  # unyt knows no siemens
    return _WORDS.get(found, found)
