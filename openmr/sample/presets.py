"""Named samples, each number with its source.

A name that ends in "(example)" marks a sample of numbers that are of the right size, but not
measured on one film: exchange them for your own. The notes of each tell which numbers are whose,
which are examples, and which published number comes out of it, if there is one.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from numpy.typing import ArrayLike

from openmr import _checks
from openmr._words import Disorder
from openmr.sample.film import Electrons, Film, Layer, Sample
from openmr.sample.magnet import Magnet, Moments
from openmr.sample.stack import Sheet, Stack
from openmr.units import K_B

PT_LATTICE_CONSTANT: Final[float] = 0.392e-9
"""Lattice constant of Pt [m]."""
_Source = Literal["Althammer2013", "Vlietstra2013"]
_CU_LATTICE_CONSTANT: Final[float] = 0.361e-9
"""Lattice constant of Cu [m], AshcroftMermin."""
NIO_LATTICE_CONSTANT: Final[float] = 0.417e-9
"""Lattice constant of NiO [m], Kittel."""


def pt_py(
    exchange_energy: ArrayLike = -1e-3,
    *,
    curie_temperature: float = 30.0,
    spin: float = 2.0,
    disorder: Disorder = "random",
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
    as 2.0e6. No number of the paper comes out that does not go in; what it says of Fig. 3 does: the
    resistivity is lowest at B_sd at 10 K and at no field at 200 K.
    """
    moments = Moments(spin, 0.1 / PT_LATTICE_CONSTANT**3, exchange_energy=exchange_energy)
    magnet = Magnet(moments, disorder=disorder, curie_temperature=curie_temperature)
    film = Film(5e-9, 0.1, diffusion=1e-6, diffusion_length=3e-9, resistivity=2e-6)
    return Sample(magnet, Electrons.free(fermi_energy=1.0, mass=1.0), film, "Pt/Py")


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
    Examples: thickness, resistivity, diffusion, and free electrons of 5 eV. No published number is
    reproduced: the magnetoresistance of such a film is not known to us, and Sailler2024 finds that
    of textured Pt ordinary rather than Hanle.
    """
    film = Film(thickness, 0.051, diffusion, resistivity=resistivity, diffusion_length=3.4e-9)
    return Sample(None, Electrons.free(5.0), film, "Pt (example)")


def ta(*, thickness: float = 4e-9, resistivity: float = 2e-6, diffusion: float = 2e-6) -> Sample:
    """Ta film without moments, for the Hanle effect (example).

    Parameters, returns and errors as of `pt`.

    Notes
    -----
    Examples: all numbers; theta_SH = -0.15, l_0 = 1.8 nm, free electrons of 5 eV. So no published
    number is reproduced.
    """
    film = Film(thickness, -0.15, diffusion, resistivity=resistivity, diffusion_length=1.8e-9)
    return Sample(None, Electrons.free(5.0), film, "Ta (example)")


def pt_yig(
    source: _Source = "Althammer2013",
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
    pi nu_F J S = 16, where second order in J says nothing. Published beside the fit of
    Vlietstra2013: G_r / G_i = 16 +- 4, here 14; of Althammer2013, whose fit is of many films, none.
    """
    angle, length, face = {
        "Althammer2013": (0.11, 1.5e-9, Sheet(G_r=4e14, name="YIG")),
        "Vlietstra2013": (0.08, 1.1e-9, Sheet(G_r=7e14, G_i=5e13, name="YIG")),
    }[_checks.choice("source", source, _Source)]
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
    linear in the exchange. D by Einstein's relation: the free electrons of 5 eV make the spin-flip
    time of l_0 2 fs, where the larger density of states of Pt would make it about ten times that.
    Published, of the free ion: a moment of 7.94 mu_B (Kittel).
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
    that of Oyanagi2021. Published, of the free ion: a moment of 7.94 mu_B (Kittel).
    """
    face = Sheet(3.5, areal_density, exchange, name="GGG")
    return _pt_on(face, thickness, "Pt/GGG (example)")


def pt_nio(
    *,
    areal_density: float = 1.33e19,
    exchange: float = 3e-31,
    anisotropy: float = 1e-4,
    thickness: float = 7e-9,
) -> Sample:
    """Pt on a (111) face of NiO, an insulating antiferromagnet with an easy plane (example).

    Parameters
    ----------
    areal_density : float, m^-2
    exchange : float, eV m^3
    anisotropy : float, eV
        D of D S_z^2, z along the normal.
    thickness : float, m

    Returns
    -------
    Sample
        A stack of one layer on a sheet, which needs the method "batched" or "bloch-redfield".

    Raises
    ------
    ParameterError
        For a value out of its range.

    Notes
    -----
    From the moments of Ni(2+): S = 1, and the bulk's Neel temperature of 525 K (Kittel), to which
    the coupling between the sublattices is set; 4 / 3^(1/2) a^2 of Ni on (111), a = 0.417 nm
    (Kittel), half of each sublattice, as where steps show both. Examples: all others, D of the size
    of the bulk's. A field in the plane turns the sublattices across it. Published: so the
    resistance is larger with the field across the current than along it, the reverse of a
    ferromagnet's (Hoogeboom2017); a moment of the free spin of 2.83 mu_B (Kittel), beside 3.2 mu_B
    measured.
    """
    half = float(_checks.number("areal_density", areal_density, "m^-2")) / 2
    coupling = -1.5 * K_B * 525.0  # 3 k_B T_N / S(S+1)
    face = Sheet(
        1.0, (half, half), exchange, weiss=[[0.0, coupling], [coupling, 0.0]],
        anisotropy=anisotropy, name="NiO",
    )  # fmt: skip
    return _pt_on(face, thickness, "Pt/NiO (example)")


def cu_mn(
    atomic_fraction: float = 0.001, *, thickness: float = 20e-9, exchange: float = -4.7e-30
) -> Sample:
    """Cu film with a little Mn, a dilute magnetic alloy (example).

    Parameters
    ----------
    atomic_fraction : float, no unit
        Mn per atom, at most 0.05: beyond, the moments are no longer far apart.
    thickness : float, m
    exchange : float, eV m^3
        J of one Mn; the default is -0.4 eV on the volume of an atom.

    Returns
    -------
    Sample
        With film, electrons and one sublattice without order.

    Raises
    ------
    ParameterError
        For a value out of its range.

    Notes
    -----
    From AshcroftMermin: E_F = 7.00 eV and a = 0.361 nm of Cu. From Hund's rules: S = 5/2 of
    Mn(2+). Assumed: the exchange, resistivity 6e-8 Ohm m, l_0 = 200 nm of the Cu, theta_SH = 0.003;
    D by Einstein's relation. The alloy freezes into a spin glass, at 1 % near 10 K, of which a mean
    field knows nothing: it has no order here. Neither has it the Kondo effect. Published: 8.47e28
    electrons a m^3 (AshcroftMermin), here 8.41e28, and a moment of 5.92 mu_B of the ion (Kittel).
    """
    fraction = _checks.number("atomic_fraction", atomic_fraction, least=1e-7, most=0.05)
    moments = Moments(2.5, 4 * fraction / _CU_LATTICE_CONSTANT**3, exchange)
    return Sample(Magnet(moments), *_cu(thickness), "Cu(Mn) (example)")


def cu_fe(*, areal_density: float = 1e17, exchange: float = -1.2e-30) -> Sample:
    """Cu film with Fe atoms on Cu2N on it, moments with an easy and a hard axis (example).

    Parameters
    ----------
    areal_density : float, m^-2
    exchange : float, eV m^3
        J of one Fe; the default is -0.1 eV on the volume of an atom of Cu.

    Returns
    -------
    Sample
        With film, electrons and one sublattice, whose easy axis lies along the current.

    Raises
    ------
    ParameterError
        For a value out of its range.

    Notes
    -----
    From Hirjibehedin2007: S = 2, D = -1.55 meV, E = 0.31 meV, g = 2.11. Assumed: all others, as of
    `cu_mn`, and a film of 5 nm, far thinner than l_0, so that moments on it act as moments in it;
    the plane through easy and hard axis is that of the film. Its rates need the method "batched" or
    "bloch-redfield". Published: steps of the tunnelling current near 0.2, 3.8 and 5.7 meV, here
    0.18, 3.90 and 5.76.
    """
    thickness = 5e-9
    axes = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    moments = Moments(
        2.0, areal_density / thickness, exchange, g=2.11, anisotropy=(-1.55e-3, 0.31e-3), axes=axes
    )
    return Sample(Magnet(moments), *_cu(thickness), "Cu/Cu2N/Fe (example)")


def _metal(
    fermi_energy: float, thickness: float, angle: float, resistivity: float, length: float
) -> tuple[Electrons, Film]:
    """Free electrons, and a film whose D follows by Einstein's relation."""
    electrons = Electrons.free(fermi_energy)
    diffusion = electrons.diffusion(resistivity)
    film = Film(thickness, angle, diffusion, resistivity=resistivity, diffusion_length=length)
    return electrons, film


def _cu(thickness: float) -> tuple[Electrons, Film]:
    return _metal(7.0, thickness, angle=0.003, resistivity=6e-8, length=200e-9)


def _pt_on(face: Sheet, thickness: float, name: str) -> Sample:
    electrons, film = _metal(5.0, thickness, angle=0.11, resistivity=40e-8, length=1.5e-9)
    return Sample(stack=Stack([Layer(film, electrons)], bottom=face), name=name)


PRESETS: Final[Mapping[str, Callable[..., Sample]]] = MappingProxyType(
    {one.__name__: one for one in (pt, ta, pt_py, pt_yig, pt_eus, pt_ggg, pt_nio, cu_mn, cu_fe)}
)
"""Name -> preset, as a file of TOML calls it."""


def __dir__() -> list[str]:
    return ["NIO_LATTICE_CONSTANT", "PRESETS", "PT_LATTICE_CONSTANT", *PRESETS]
