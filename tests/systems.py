"""Films and exact answers that the tests share."""

from dataclasses import replace

import mpmath as mp
import numpy as np

import openmr as om
from openmr.units import K_B, MU_B

SPINS = (0.5, 1.0, 2.0, 2.5, 3.5)
COUPLINGS = {
    "isotropic": (-1e-3, -1e-3, -1e-3),
    "anisotropic": (1e-3, 0.3e-3, -0.6e-3),
    "one axis": (1e-3, 0.0, 0.0),
}
DENSITY = 1.66e27
FILM_TABLES = """\
[sample.film]
thickness = 5e-9
spin_hall_angle = 0.1
diffusion = 1e-6
spin_flip_time = 9e-12
resistivity = 2e-6
[sample.electrons]
fermi_energy = 1.0
"""
"""Film and electrons in a file of TOML."""
MOMENTS_TABLE = """\
[[sample.moments]]
spin = 2.0
density = 1.66e27
exchange_energy = -1e-3
"""


def redfield(hamiltonian, *couplings) -> om.master.Generator:
    """Bloch-Redfield generator without level shift, from (operator, spectrum) pairs."""
    pairs = [(operator, om.Bath(spectrum)) for operator, spectrum in couplings]
    return om.master.generator(om.OpenSystem(hamiltonian, pairs), level_shift=False)


def film_of(*moments: om.Moments, weiss=0.0, disorder="random", **electrons) -> om.Sample:
    """Pt film with the given moments."""
    base = om.presets.pt_py()
    magnet = om.Magnet(moments, weiss, disorder)
    return replace(
        base, magnet=magnet, electrons=replace(base.electrons, **electrons), name="test film"
    )


def paramagnet(spin, exchange_energy=-1e-3, disorder="random") -> om.Sample:
    """Uncoupled moments: beta eps_L = g mu_B B / k_B T."""
    moments = om.Moments(spin=spin, density=DENSITY, exchange_energy=exchange_energy)
    return film_of(moments, disorder=disorder)


def field_for(x: float, temperature: float) -> float:
    """Field [T] at which an uncoupled moment with g = 2 has beta eps_L = x."""
    return x * K_B * temperature / (2.0 * MU_B)


def antiferromagnet(spin=2.0, exchange_energy=1e-3, neel=40.0, disorder="random") -> om.Sample:
    """Two equal sublattices that order at `neel` kelvin."""
    coupling = 3.0 * K_B * neel / (spin * (spin + 1.0))
    one = om.Moments(spin=spin, density=DENSITY, exchange_energy=exchange_energy)
    return film_of(one, one, weiss=[[0.0, -coupling], [-coupling, 0.0]], disorder=disorder)


def ferrimagnet(disorder="random") -> om.Sample:
    """Two unequal sublattices, anisotropic couplings."""
    coupling = 1.7e-3
    first = om.Moments(spin=2.5, density=DENSITY, exchange_energy=(1e-3, 0.6e-3, 0.8e-3))
    second = om.Moments(spin=1.0, density=2 * DENSITY, exchange_energy=(0.4e-3, 0.9e-3, -0.7e-3))
    weiss = [[coupling, -coupling], [-0.5 * coupling, 0.0]]
    return film_of(first, second, weiss=weiss, disorder=disorder)


def weiss_plane(spin):
    """beta g mu_B B and beta J0 from far below to far above everything, the transition included."""
    near = np.logspace(-16, -1, 61)
    pull = np.concatenate([[0.0], np.logspace(-6, 3, 91), 1 + near, 1 - near])
    zeeman = np.concatenate([[0.0, 5e-324, 1e-310], np.logspace(-60, 3, 190)])
    zeeman, pull = (a.ravel() for a in np.meshgrid(zeeman, pull))
    kept = (zeeman > 0) | (pull > 1)
    return zeeman[kept], pull[kept] * 3 / (spin * (spin + 1))


def exact_averages(spin, x):
    """<S>, <S^2>, variance, <S_-S_+>, <S_+S_-> at 40 digits from the level sums."""
    with mp.workdps(40):
        x, s = mp.mpf(x), mp.mpf(spin)
        levels = [-s + k for k in range(int(2 * spin) + 1)]
        ground = -s if x >= 0 else s
        weights = [mp.e ** (-x * (m - ground)) for m in levels]
        total = mp.fsum(weights)

        def mean(values):
            return mp.fsum(w * v for w, v in zip(weights, values, strict=True)) / total

        first = mean(levels)
        return (
            first,
            mean([m**2 for m in levels]),
            mean([(m - first) ** 2 for m in levels]),
            mean([s * (s + 1) - m * (m + 1) for m in levels]),
            mean([s * (s + 1) - m * (m - 1) for m in levels]),
        )


def exact_weiss(sample, temperature, field, start):
    """Reduced splittings at 40 digits, by Newton from a nearby start."""
    with mp.workdps(40):
        beta = 1 / (mp.mpf(K_B) * mp.mpf(temperature))
        magnet = sample.magnet
        moments = magnet.sublattices
        zeeman = [beta * mp.mpf(m.g) * mp.mpf(MU_B) * mp.mpf(field) for m in moments]
        weiss = [[beta * mp.mpf(j) for j in row] for row in magnet.weiss]

        def residual(*x):
            means = [exact_averages(m.spin, xi)[0] for m, xi in zip(moments, x, strict=True)]
            return [
                x[i] - zeeman[i] + mp.fsum(weiss[i][j] * means[j] for j in range(len(x)))
                for i in range(len(x))
            ]

        start = [mp.mpf(float(v)) for v in np.atleast_1d(start)]
        if len(start) == 1:
            low, high = start[0] * (1 - mp.mpf("1e-9")), start[0] * (1 + mp.mpf("1e-9"))
            root = mp.findroot(lambda x: residual(x)[0], (low, high), solver="secant", tol=1e-60)
            return [root]
        return list(mp.findroot(residual, start, tol=1e-60))


def reference_film(*moments, weiss=0.0, disorder="random") -> om.Sample:
    """Film of 1.66e27 moments per m^3 and 6.8e27 states per eV and m^3 and spin."""
    return film_of(*moments, weiss=weiss, disorder=disorder, dos_up=6.8e27, dos_down=6.8e27)


def oriented(spin, exchange=-6e-31, **own) -> om.Moments:
    """Moments of the reference film; `own` as of `Moments`."""
    return om.Moments(spin, DENSITY, exchange, **own)


CUBIC_LEVELS = {(4, 0): 1e-6, (4, 4): 5e-6, (6, 0): 2e-9, (6, 4): -4.2e-8, (2, 2): 2e-5}
TILTED_COUPLING = 1e-31 * np.array([[6.0, 1.0, 0.0], [0.0, 5.0, -2.0], [1.0, 0.0, 7.0]])
FERROMAGNET = (oriented(1.5, anisotropy=(-3e-4, 5e-5)),)
CANTED = (oriented(1.0, anisotropy=-2e-4),) * 2
CANTED_COUPLING = 1e-4 * np.array([[-10, 2, 0], [-2, -9, 1], [0, 0.5, -12]])
NONE = np.zeros((3, 3))
CANTED_WEISS = [[NONE, CANTED_COUPLING], [CANTED_COUPLING.T, NONE]]


def flopping(spin=2.5, anisotropy=-2.5e-5, exchange=-1e-3, **more) -> om.Sample:
    """Two sublattices with an easy axis along z, each coupled to the other."""
    one = oriented(spin, anisotropy=anisotropy, **more)
    return reference_film(one, one, weiss=[[0.0, exchange], [exchange, 0.0]])
