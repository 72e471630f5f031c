"""Named samples, each number with its source.

A name that ends in "(example)" marks a sample of numbers that are of the right size, but not
measured on one film: exchange them for your own.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from numpy.typing import ArrayLike

from openmr import _checks
from openmr.sample.film import Electrons, Film, Layer, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.stack import Sheet, Stack

PT_LATTICE_CONSTANT: Final[float] = 0.392e-9
"""Lattice constant of Pt [m]."""


def pt_py(
    exchange_energy: ArrayLike = -1e-3,
    *,
    curie_temperature: float = 30.0,
    spin: float = 2.0,
    disorder: str = "random",
) -> Sample:
    """Pt film decorated with permalloy moments: Appendix C and the caption of Fig. 3.

    Parameters
    ----------
    exchange_energy : float or (x, y, z), eV
        n_S J between electrons and moments; the paper says "of the order of meV".
    curie_temperature : float, K
        Mean-field T_C, which fixes the coupling J0 = 3 k_B T_C / S(S+1) among the moments.
    spin : float, no unit
        Spin of a moment.
    disorder : {"random", "lattice"}
        See `Magnet`; Appendix C has moments at random places.

    Returns
    -------
    Sample
        With film, electrons and one sublattice.

    Raises
    ------
    ParameterError
        For a value out of its range.

    Notes
    -----
    From the paper: theta_SH = 0.1, S = 2, l_0 = 3 nm, d_N = 5 nm, E_F = 1 eV, m_F = m_e,
    D = 1e-6 m^2/s, n_S a_Pt^3 = 0.1. Assumed, because the paper does not say: the Curie
    temperature and a_Pt = 0.392 nm. Differs from the paper by rho_L0 = 2.0e-6 Ohm m, printed
    as 2.0e6.
    """
    moments = Moments(
        spin=spin, density=0.1 / PT_LATTICE_CONSTANT**3, exchange_energy=exchange_energy
    )
    return Sample(
        magnet=Magnet(
            sublattices=[moments], disorder=disorder, curie_temperature=curie_temperature
        ),
        electrons=Electrons.free(fermi_energy=1.0, mass=1.0),
        film=Film(
            thickness=5e-9,
            spin_hall_angle=0.1,
            diffusion=1e-6,
            diffusion_length=3e-9,
            resistivity=2e-6,
        ),
        name="Pt/Py",
    )


def pt(*, thickness: float = 7e-9, resistivity: float = 40e-8, diffusion: float = 1e-5) -> Sample:
    """Pt film without moments, for the Hanle effect (example).

    Parameters
    ----------
    thickness : float, m
    resistivity : float, Ohm m
    diffusion : float, m^2/s

    Returns
    -------
    Sample
        A film.

    Raises
    ------
    ParameterError
        For a value out of its range.

    Notes
    -----
    l_0 = 3.4 nm and theta_SH = 0.051 from RojasSanchez2014, whose first version has 0.056.
    Examples: thickness, resistivity, diffusion, and free electrons of 5 eV. Sailler2024 finds the
    magnetoresistance of textured Pt ordinary rather than Hanle.
    """
    film = Film(thickness, 0.051, diffusion, resistivity=resistivity, diffusion_length=3.4e-9)
    return Sample(None, Electrons.free(5.0), film, "Pt (example)")


def ta(*, thickness: float = 4e-9, resistivity: float = 2e-6, diffusion: float = 2e-6) -> Sample:
    """Ta film without moments, for the Hanle effect (example).

    Parameters, returns and errors as of `pt`.

    Notes
    -----
    Examples: all numbers; theta_SH = -0.15, l_0 = 1.8 nm, free electrons of 5 eV.
    """
    film = Film(thickness, -0.15, diffusion, resistivity=resistivity, diffusion_length=1.8e-9)
    return Sample(None, Electrons.free(5.0), film, "Ta (example)")


def pt_yig(
    source: Literal["Althammer2013", "Vlietstra2013"] = "Althammer2013",
    *,
    thickness: float = 7e-9,
    resistivity: float = 40e-8,
    diffusion: float = 1e-5,
) -> Sample:
    """Pt on the insulating ferrimagnet YIG, by the conductances of the face.

    Parameters
    ----------
    source : {"Althammer2013", "Vlietstra2013"}
        Whose theta_SH, l_0 and conductances; each group has fitted its own together, so that
        numbers of both in one film mean nothing.
    thickness : float, m
    resistivity : float, Ohm m
    diffusion : float, m^2/s

    Returns
    -------
    Sample
        A stack of one layer on a sheet.

    Raises
    ------
    ParameterError
        For an unknown source, or a value out of its range.

    Notes
    -----
    Althammer2013, room temperature: G_r = 4e14 S/m^2 assumed, theta_SH = 0.11 +- 0.08 and
    l_0 = (1.5 +- 0.5) nm fitted. Vlietstra2013: theta_SH = 0.08 adopted, l_0 = (1.1 +- 0.3) nm,
    G_r = (7 +- 3)e14, G_i = (5 +- 3)e13 S/m^2 fitted. Examples: thickness, resistivity, diffusion,
    and free electrons of 5 eV. There are no moments to it: G_r / G_i = 16 would need
    pi nu_F J S = 16, where second order in J says nothing.
    """
    angle, length, face = {
        "Althammer2013": (0.11, 1.5e-9, Sheet(G_r=4e14, name="YIG")),
        "Vlietstra2013": (0.08, 1.1e-9, Sheet(G_r=7e14, G_i=5e13, name="YIG")),
    }[_checks.choice("source", source, ("Althammer2013", "Vlietstra2013"))]
    film = Film(thickness, angle, diffusion, resistivity=resistivity, diffusion_length=length)
    layer = Layer(film, Electrons.free(5.0))
    return Sample(stack=Stack([layer], bottom=face), name=f"Pt/YIG ({source})")


def pt_eus(
    *, areal_density: float = 2e18, exchange: float = 3e-31, thickness: float = 7e-9
) -> Sample:
    """Pt on the insulating ferromagnet EuS, by the moments of Eu (example).

    Parameters
    ----------
    areal_density : float, m^-2
    exchange : float, eV m^3
    thickness : float, m

    Returns
    -------
    Sample
        A stack of one layer on a sheet.

    Raises
    ------
    ParameterError
        For a value out of its range.

    Notes
    -----
    From the moments of Eu(2+): S = 7/2, and the bulk's T_C = 16.6 K. Examples: all others; below
    T_C they keep G_i above 3 G_r, as GomezPerez2020 reports of this pair. Fit G_i first, which is
    linear in the exchange.
    """
    face = Sheet(3.5, areal_density, exchange, curie_temperature=16.6, name="EuS")
    return _pt_on(face, thickness, "Pt/EuS (example)")


def pt_ggg(
    *, areal_density: float = 5e18, exchange: float = 3e-31, thickness: float = 7e-9
) -> Sample:
    """Pt on the insulating paramagnet GGG, by the moments of Gd (example).

    Parameters, returns and errors as of `pt_eus`.

    Notes
    -----
    From the moments of Gd(3+): S = 7/2, which do not order. Examples: all others. The effect is
    that of Oyanagi2021.
    """
    face = Sheet(3.5, areal_density, exchange, name="GGG")
    return _pt_on(face, thickness, "Pt/GGG (example)")


def _pt_on(face: Sheet, thickness: float, name: str) -> Sample:
    electrons, resistivity = Electrons.free(5.0), 40e-8
    film = Film(
        thickness, 0.11, electrons.diffusion(resistivity), resistivity=resistivity,
        diffusion_length=1.5e-9,
    )  # fmt: skip
    return Sample(stack=Stack([Layer(film, electrons)], bottom=face), name=name)


PRESETS: Final[Mapping[str, Callable[..., Sample]]] = MappingProxyType(
    {one.__name__: one for one in (pt, ta, pt_py, pt_yig, pt_eus, pt_ggg)}
)
"""Name -> preset, as a file of TOML calls it."""
