"""Named samples with their source."""

from typing import Final

from numpy.typing import ArrayLike

from openmr.sample.film import Electrons, Film, Sample
from openmr.sample.magnet import Magnet, Moments

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
