"""From a resistance to a resistivity."""

from __future__ import annotations

from dataclasses import dataclass

from openmr import _checks
from openmr._checks import ParameterError, Range

_THICKNESS = Range(1e-10, 1e-5, "m", "in m: 5 nm is 5e-9")
_SIDE = Range(1e-9, 1.0, "m", "in m: 10 um is 1e-5")
_SQUARES = Range(1e-6, 1e9, "")


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of the current's path, between the contacts at which the voltage is taken.

    Parameters
    ----------
    width, length : float, m
        Of the path of the current: both, or neither and `squares`.
    thickness : float, m
        Of the film, 0.1 nm to 10 um.
    squares : float, no unit
        length / width.

    Raises
    ------
    ParameterError
        For a size that is not in m, or if not exactly one of `squares` and the two sides is given.

    Notes
    -----
    rho_L = R w d / L, and rho_T = R_xy d, since the sides of a Hall bar cancel.

    Examples
    --------
    >>> import openmr as om
    >>> bar = om.Geometry(width=10e-6, length=100e-6, thickness=5e-9)
    >>> f"{4000 * bar.longitudinal:.3g}"
    '2e-06'
    """

    width: float | None = None
    length: float | None = None
    thickness: float | None = None
    squares: float | None = None

    def __post_init__(self) -> None:
        if self.thickness is None:
            raise ParameterError("`thickness` of a Geometry must be given in m, got None")
        one = _checks.exactly_one(width=self.width, squares=self.squares)
        if (self.length is None) != (one == "squares"):
            raise ParameterError(
                f"`length` of a Geometry goes with `width`, and not with `squares`, "
                f"got {self.length!r} with `{one}`"
            )
        ranges = {"thickness": _THICKNESS, "width": _SIDE, "length": _SIDE, "squares": _SQUARES}
        for name, limits in ranges.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, limits.positive(name, value))

    @property
    def longitudinal(self) -> float:
        """rho_L / R [m]."""
        if self.width is not None and self.length is not None:
            return self.transverse * self.width / self.length
        return self.transverse / (self.squares or 1.0)

    @property
    def transverse(self) -> float:
        """rho_T / R_xy [m]."""
        return self.thickness or 0.0
