"""Electrons, film, and what joins them with a magnet, a layer or a sample: frozen and checked.

Equation numbers refer to Zhang, Wang and Yao, "Open quantum theory of magnetoresistance in
mesoscopic magnetic materials".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from openmr import _checks, units
from openmr._checks import ParameterError, Range
from openmr.sample.magnet import NO_MOMENTS, Magnet
from openmr.sample.own_hamiltonian import G_FACTOR
from openmr.tables import page_of

if TYPE_CHECKING:
    from openmr.sample.stack import Stack

SMALLEST_G = 1e-15  # B_sd stays finite; small ones serve to switch the Zeeman energy off
DOS = Range(1.0, 1e34, "eV^-1 m^-3", "1 per eV and nm^3 is 1e27")
_FERMI_ENERGY = Range(1e-9, 1e3, "eV")
_MASS = Range(1e-6, 1e3, "free-electron masses")
SPIN_HALL_ANGLE = Range(-1.0, 1.0, "")
THICKNESS = Range(1e-15, 1e-3, "m", "in m: 5 nm is 5e-9")
DIFFUSION = Range(1e-20, 1e6, "m^2/s", "in m^2/s: 1 cm^2/s is 1e-4")
LENGTH = Range(1e-15, 1.0, "m", "in m: 3 nm is 3e-9")
TIME = Range(1e-40, 1e30, "s", "in s: 9 ps is 9e-12")
RESISTIVITY = Range(1e-15, 1e-2, "Ohm m", "in Ohm m: 200 uOhm cm is 2e-6")


@dataclass(frozen=True, slots=True)
class Electrons:
    """Itinerant electrons at the Fermi energy.

    Parameters
    ----------
    dos_up, dos_down : float, eV^-1 m^-3
        Density of states of each spin.
    g : float, no unit
        g-factor of the electron, not 0.
    """

    dos_up: float
    dos_down: float
    g: float = 2.0

    def __post_init__(self) -> None:
        dos = {name: DOS.positive(name, getattr(self, name)) for name in ("dos_up", "dos_down")}
        _checks.settle(self, **dos, g=G_FACTOR.one("g", self.g))
        if abs(self.g) < SMALLEST_G:
            raise ParameterError(
                "`g` of the electrons must not be 0, which no field B_sd goes with, nor smaller "
                f"than {SMALLEST_G:g} in size, got {self.g:g}"
            )

    @classmethod
    def free(cls, fermi_energy: float, mass: float = 1.0, *, g: float = 2.0) -> Electrons:
        """Free electrons of a Fermi energy [eV] and a mass [free-electron masses].

        Parameters
        ----------
        fermi_energy : float, eV
        mass : float, free-electron masses
        g : float, no unit
            Lande factor.

        Returns
        -------
        Electrons
            With equal densities of states of both spins.

        Raises
        ------
        ParameterError
            For an energy or mass that is not positive.
        """
        fermi_energy = _FERMI_ENERGY.positive("fermi_energy", fermi_energy)
        mass = _MASS.positive("mass", mass)
        dos = units.free_electron_dos(fermi_energy, mass)
        return cls(dos_up=dos, dos_down=dos, g=g)

    @property
    def dos(self) -> float:
        """Effective density of states per spin nu_F, Eq. (71) [eV^-1 m^-3]."""
        return 0.5 * (self.dos_up + self.dos_down)

    def diffusion(self, resistivity: float) -> float:
        """Diffusion coefficient D = 1 / (2 e nu_F rho) by Einstein's relation [m^2/s].

        Parameters
        ----------
        resistivity : float, Ohm m
            rho_L0 of the film.

        Returns
        -------
        float, m^2/s
            D.

        Raises
        ------
        ParameterError
            For a resistivity that is not positive.

        Examples
        --------
        >>> import openmr as om
        >>> round(om.Electrons.free(fermi_energy=1.0).diffusion(2e-6), 6)
        0.000458
        """
        resistivity = RESISTIVITY.positive("resistivity", resistivity)
        return 1.0 / (2.0 * units.ELEMENTARY_CHARGE * self.dos * resistivity)


@dataclass(frozen=True, slots=True, init=False)
class Film:
    """Geometry and charge transport of the film.

    Parameters
    ----------
    thickness : float, m
        d_N, along z; the current flows along x.
    spin_hall_angle : float, no unit
        theta_SH, between -1 and 1.
    diffusion : float, m^2/s
        Diffusion coefficient of the electrons.
    spin_flip_time : float, s, optional
        tau_0 without the moments; ``inf`` for none.
    resistivity : float, Ohm m
        rho_L0 = 1/sigma_D.
    diffusion_length : float, m, optional
        l_0 = sqrt(diffusion * tau_0). Exactly one of it and `spin_flip_time` is given.
    """

    thickness: float
    spin_hall_angle: float
    diffusion: float
    spin_flip_time: float
    resistivity: float

    def __init__(
        self,
        thickness: float,
        spin_hall_angle: float,
        diffusion: float,
        spin_flip_time: float | None = None,
        resistivity: float | None = None,
        *,
        diffusion_length: float | None = None,
    ) -> None:
        chosen = _checks.exactly_one(
            spin_flip_time=spin_flip_time, diffusion_length=diffusion_length
        )
        diffusion = DIFFUSION.positive("diffusion", diffusion)
        if chosen == "spin_flip_time":
            time = TIME.positive("spin_flip_time", spin_flip_time, infinite=True)
        else:
            length = LENGTH.positive("diffusion_length", diffusion_length, infinite=True)
            time = length**2 / diffusion
        angle = SPIN_HALL_ANGLE.one("spin_hall_angle", spin_hall_angle)
        _checks.settle(
            self,
            thickness=THICKNESS.positive("thickness", thickness),
            spin_hall_angle=angle,
            diffusion=diffusion,
            spin_flip_time=time,
            resistivity=RESISTIVITY.positive("resistivity", resistivity),
        )

    @property
    def diffusion_length(self) -> float:
        """l_0 = sqrt(D tau_0) [m]."""
        return float(np.sqrt(self.diffusion * self.spin_flip_time))

    @property
    def spin_flip_rate(self) -> float:
        """1/tau_0 [1/s]."""
        return 1.0 / self.spin_flip_time


@dataclass(frozen=True, slots=True, init=False)
class Layer:
    """One layer of a stack: a film, its electrons and the moments in it, if there are any.

    Parameters
    ----------
    film : Film
    electrons : Electrons
    magnet : Magnet or None
        None is a layer without moments.
    """

    film: Film
    electrons: Electrons
    magnet: Magnet

    def __init__(self, film: Film, electrons: Electrons, magnet: Magnet | None = None) -> None:
        magnet = NO_MOMENTS if magnet is None else magnet
        _checks.instance("film", film, Film)
        _checks.instance("electrons", electrons, Electrons)
        _checks.instance("magnet", magnet, Magnet)
        _checks.settle(self, film=film, electrons=electrons, magnet=magnet)


@dataclass(frozen=True, slots=True, init=False)
class Sample:
    """A magnet, its itinerant electrons and the film they are in; or a stack of layers.

    Parameters
    ----------
    magnet : Magnet or None
        None is a film without moments, whose `magnet` has no sublattices.
    electrons : Electrons
    film : Film
    name : str
        What reports call it; not empty.
    stack : Stack, optional
        Instead of the first three, which are then None.

    Raises
    ------
    ParameterError
        For a part of a wrong kind, a stack beside parts of a film, or an empty name.
    """

    magnet: Magnet
    electrons: Electrons
    film: Film
    name: str = "sample"
    stack: Stack | None = None

    def __init__(
        self,
        magnet: Magnet | None = None,
        electrons: Electrons | None = None,
        film: Film | None = None,
        name: str = "sample",
        *,
        stack: Stack | None = None,
    ) -> None:
        if stack is None:
            of_film = Layer(film, electrons, magnet)  # type: ignore[arg-type]
            parts = of_film.magnet, of_film.electrons, of_film.film
        else:
            from openmr.sample.stack import Stack  # which is made of layers

            _checks.instance("stack", stack, Stack)
            parts = magnet, electrons, film  # type: ignore[assignment]
            for part, value in zip(("magnet", "electrons", "film"), parts, strict=True):
                if value is not None:
                    raise ParameterError(
                        f"`{part}` must not be given beside `stack`, whose layers have their own"
                    )
        own = dict(zip(("magnet", "electrons", "film"), parts, strict=True))
        _checks.settle(self, **own, name=_checks.word("name", name), stack=stack)

    def __str__(self) -> str:
        from openmr.sample.printed import printed  # by the table of parameters, which know samples

        return printed(self)

    def _repr_html_(self) -> str:
        return page_of(str(self))

    @staticmethod
    def from_toml(config: str | Path) -> Sample:
        """The film of the table [sample] of a file, or the stack of its [[layers]].

        Parameters
        ----------
        config : path
            Of TOML, as `openmr sweep --help` shows it; other tables are left aside.

        Returns
        -------
        Sample
            Named as the file names it.

        Raises
        ------
        ParameterError
            For a file that cannot be read, an unknown key, or a number out of its range.
        """
        from openmr.sample.toml import read_sample

        return read_sample(_checks.path("config", config))

    @property
    def is_stack(self) -> bool:
        """Whether it is a stack, even of one layer."""
        return self.stack is not None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """From z = 0 upward; one of a film."""
        if self.stack is not None:
            return self.stack.layers
        return (Layer(self.film, self.electrons, self.magnet),)

    @property
    def magnets(self) -> list[Magnet]:
        """Moments of the layers, from z = 0 upward, and of the sheets at faces and joints."""
        found = [layer.magnet for layer in self.layers]
        if self.stack is not None:
            joints = (one.sheet for one in self.stack.between if one is not None)
            sheets = (self.stack.bottom, self.stack.top, *joints)
            found += [sheet.magnet for sheet in sheets if sheet is not None]
        return found

    @property
    def is_oriented(self) -> bool:
        """Whether any moments, in layers or at faces, have axes of their own."""
        return any(magnet.is_oriented for magnet in self.magnets)

    def layer(self, index: int) -> Sample:
        """The sample that one layer would be alone.

        Parameters
        ----------
        index : int
            From 0 at z = 0 upward.

        Returns
        -------
        Sample
            Without the faces of the stack.

        Raises
        ------
        ParameterError
            If there is no such layer.
        """
        if self.stack is None and index == 0:
            return self
        most = len(self.layers) - 1
        one = self.layers[_checks.integer("index", index, least=0, most=most)]
        return Sample(one.magnet, one.electrons, one.film, f"{self.name}, layer {index}")


def expect_film(sample: Sample) -> None:
    """Refuse what is no sample, or is a stack, where a film is asked for."""
    _checks.instance("sample", sample, Sample)
    if sample.is_stack:
        raise ParameterError(
            f"`sample` must be a film here, got a stack of {len(sample.layers)} layers; "
            "`sample.layer(0)` is its lowest layer alone"
        )
