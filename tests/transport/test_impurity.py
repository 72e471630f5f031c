"""tau_0: golden rule by counting flips over the Fermi sphere, against its closed form."""

from dataclasses import replace

import numpy as np
from nearness import approx
from refusals import unclear
from scipy import constants

import openmr as om
from openmr import impurity, units

CASE = (6e26, 1e-28, 1.0)  # density, potential, Fermi energy
LONG = {"spin_orbit_length": 1e-10}
AXES = np.random.default_rng(1).normal(size=(7, 3))


def test_counting_flips_gives_16_pi_over_9():
    """Any axis: impurities at random places leave tau_0 isotropic. Rounding of 1e4 terms."""
    found = impurity.golden_rule_rate(AXES, *CASE, **LONG)
    np.testing.assert_allclose(found, impurity.spin_flip_rate(*CASE, **LONG), rtol=1e-13)


def test_printed_form_is_three_halves_and_counts_the_conserving_part():
    """8 pi / 3 = twice the rate of all scattering by sigma.(k x k'), spin kept or not."""
    printed = impurity.spin_flip_rate_printed(*CASE, **LONG)
    assert printed == approx(1.5 * impurity.spin_flip_rate(*CASE, **LONG), rel=1e-15)
    rng = np.random.default_rng(0)
    k, q = rng.normal(size=(2, 200_000, 3))
    cross = np.cross(k / np.linalg.norm(k, axis=1)[:, None], q / np.linalg.norm(q, axis=1)[:, None])
    all_scattering = np.mean(np.sum(cross**2, axis=1))
    flips = np.mean(cross[:, 0] ** 2 + cross[:, 1] ** 2)
    # 2/3 and 4/9 with a statistical error of 0.3 / sqrt(2e5) = 7e-4; five of them
    assert all_scattering == approx(2 / 3, abs=3.5e-3)
    assert flips == approx(4 / 9, abs=3.5e-3)
    scale = impurity.spin_flip_rate(*CASE, **LONG) / (16 / 9)
    assert printed == approx(4 * scale * 2 / 3, rel=1e-14)
    assert impurity.spin_flip_rate(*CASE, **LONG) == approx(4 * scale * 4 / 9, rel=1e-14)


def test_two_nodes_are_exact_and_one_is_not():
    exact = impurity.spin_flip_rate(*CASE, **LONG)
    for nodes in (2, 3, 4, 6):
        found = impurity.golden_rule_rate((0, 0.6, 0.8), *CASE, **LONG, nodes=nodes)
        assert found == approx(exact, rel=1e-13)
    assert abs(impurity.golden_rule_rate((0, 0.6, 0.8), *CASE, **LONG, nodes=1)) < 0.9 * exact


def test_one_fixed_momentum_is_not_isotropic():
    """The average over k, not only over k', is what makes tau_0 isotropic."""
    points, weight = impurity._sphere(4)
    cross = np.cross([0.0, 0.0, 1.0], points)
    flips = np.einsum("i,ia->a", weight, cross**2)  # mean of each component squared
    along = flips.sum() - flips
    np.testing.assert_allclose(along, [1 / 3, 1 / 3, 2 / 3], rtol=1e-14)
    np.testing.assert_allclose(along.mean(), 4 / 9, rtol=1e-14)


def test_powers():
    """n_i, U^2, l_so^4, and k_F^4 nu_F = E^(5/2) m^(7/2)."""
    base = impurity.spin_flip_rate(*CASE, **LONG)
    assert impurity.spin_flip_rate(12e26, 1e-28, 1.0, **LONG) == approx(2 * base)
    assert impurity.spin_flip_rate(6e26, -2e-28, 1.0, **LONG) == approx(4 * base)
    longer = impurity.spin_flip_rate(*CASE, spin_orbit_length=2e-10)
    assert longer == approx(16 * base)
    assert impurity.spin_flip_rate(6e26, 1e-28, 2.0, **LONG) == approx(2**2.5 * base)
    heavy = impurity.spin_flip_rate(*CASE, mass=2.0, **LONG)
    assert heavy == approx(2**3.5 * base)
    assert impurity.spin_flip_rate(0.0, 1e-28, 1.0) == 0


def test_constants_are_those_of_codata():
    exact = {
        "HBAR": "reduced Planck constant in eV s",
        "K_B": "Boltzmann constant in eV/K",
        "ELEMENTARY_CHARGE": "elementary charge",
    }
    for name, called in exact.items():
        assert getattr(units, name) == approx(constants.value(called), rel=1e-15, abs=0)
    # measured: each adjustment moves it within the uncertainty of the one before, or nearly
    value, _, uncertainty = constants.physical_constants["Bohr magneton in eV/T"]
    assert abs(units.MU_B - value) <= 10 * uncertainty


def test_by_hand_in_si():
    k = impurity.fermi_momentum(1.0)
    assert k == approx(5.123e9, rel=1e-3)  # sqrt(2 m eV)/hbar
    assert approx(1.9308e-13, rel=1e-4) == impurity.VACUUM_LENGTH  # Compton length / 4 pi
    dos = k**3 / (4 * np.pi**2)  # n = k^3 / 3 pi^2 of both spins, nu = 3 n / 4 E at E = 1 eV
    assert units.free_electron_dos(1.0, 1.0) == approx(dos, rel=1e-9)
    expected = 16 * np.pi / 9 / units.HBAR * 6e26 * dos * (k * 1e-10) ** 4 * 1e-56
    assert impurity.spin_flip_rate(*CASE, **LONG) == approx(expected, rel=1e-9)


def test_into_a_film():
    rate = impurity.spin_flip_rate(*CASE, **LONG)
    film = replace(om.presets.pt_py().film, spin_flip_time=1 / rate)
    sample = replace(om.presets.pt_py(0.0), film=film)
    found = om.relaxation(sample, 10.0, 0.0)
    assert found.longitudinal == approx(rate)
    assert found.transverse == approx(rate)


BAD = [
    (lambda: impurity.spin_flip_rate(-1, 1e-28, 1.0), r"`density`.*>= 0 .*m\^-3, got -1"),
    (lambda: impurity.spin_flip_rate(1e26, np.nan, 1.0), r"`potential`.*eV m\^3, got nan"),
    (lambda: impurity.spin_flip_rate(1e26, 1e-28, 0.0), "`fermi_energy`.*> 0 eV, got 0"),
    (lambda: impurity.spin_flip_rate(1e26, 1e-28, 1.0, -1.0), "`mass`.*got -1"),
    (
        lambda: impurity.spin_flip_rate_printed(1e26, 1e-28, 1.0, spin_orbit_length=-1e-10),
        "`spin_orbit_length`.*>= 0 .*m, got -1e-10",
    ),
    (lambda: impurity.golden_rule_rate((0, 0, 0), *CASE), "`axis`.*length > 0"),
    (
        lambda: impurity.golden_rule_rate((0, 0, 1), *CASE, nodes=0),
        "`nodes` must be an integer 1 to 16, got 0",
    ),
    (
        lambda: impurity.golden_rule_rate((0, 0, 1), *CASE, nodes=1000),
        "`nodes` must be an integer 1 to 16, got 1000",
    ),
]


def test_one_clear_error():
    assert unclear(BAD) == {}
