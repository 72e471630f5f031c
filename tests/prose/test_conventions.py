"""Signs, factors and units of docs/conventions.md, where no other test states them."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import qutip
from nearness import approx
from scipy import constants
from systems import antiferromagnet, film_of, paramagnet

import openmr as om
from openmr import hilbert

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conventions.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
ROWS = [
    line
    for line in PAGE.splitlines()
    if line.startswith("|") and not re.match(r"\| (---|what)", line)
]


def test_the_named_tests_exist():
    missing = []
    for file in {file for file, _ in NAMED}:
        tree = ast.parse((ROOT / file).read_text())
        there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        missing += [f"{file}::{test}" for of, test in NAMED if of == file and test not in there]
    assert not missing


def test_every_convention_names_its_test():
    assert len(ROWS) > 20
    assert [row for row in ROWS if not re.search(r"`tests/[\w/]+\.py::\w+`", row)] == []


def test_every_test_here_holds_a_convention():
    own = {name for name in globals() if name.startswith("test_")}
    own -= {name for name in own if name.startswith(("test_the_named", "test_every"))}
    assert own <= {test for _, test in NAMED}


def test_rates_from_si_units():
    """Omega_1 of free moments, every factor written out in SI units."""
    density, energy, fermi_energy = 1.66e27, 1e-3, 1.0
    sample = paramagnet(2.0, energy)
    coupling = energy * constants.e / density  # J m^3
    momentum = np.sqrt(2 * constants.m_e * fermi_energy * constants.e)
    dos = constants.m_e * momentum / (2 * np.pi**2 * constants.hbar**3)  # J^-1 m^-3, per spin
    rate = 2 * np.pi / (3 * constants.hbar) * density * dos * coupling**2 * 2 * (2 + 1)
    hot = om.relaxation(sample, 1e4, 1e-3)  # beta eps_L = 1e-7, of which the square is left out
    np.testing.assert_allclose(np.diag(hot.dissipator), rate, rtol=1e-10)


def test_density_of_states_is_that_of_one_spin():
    """The derivative of half the electrons' density, n = k_F^3 / 3 pi^2."""
    energy, step = 1.0, 1e-4  # eV

    def electrons(e):
        return (2 * constants.m_e * e * constants.e) ** 1.5 / (3 * np.pi**2 * constants.hbar**3)

    both = (electrons(energy + step) - electrons(energy - step)) / (2 * step)
    # error of the central difference: step^2 times a third of the third derivative
    assert om.Electrons.free(fermi_energy=energy).dos == approx(both / 2, rel=1e-8)


def test_exchange_energy_is_density_times_exchange():
    one = om.Moments(spin=1, density=2e27, exchange=(1e-30, -2e-30, 3e-30))
    np.testing.assert_allclose(one.exchange_energy, (2e-3, -4e-3, 6e-3), rtol=1e-14)
    assert om.Moments(spin=1, density=2e27, exchange_energy=one.exchange_energy).exchange == (
        approx(one.exchange, rel=1e-14)
    )


def test_positive_exchange_puts_parallel_spins_below():
    """-J s.S: the triplet at -J/4, the singlet at +3J/4."""
    parallel = qutip.basis([2, 2], [0, 0])
    for exchange in (1.0, -1.0):
        coupling = hilbert.coupling([0.5], 0, (exchange,) * 3)
        levels = np.sort(exchange * np.array([-0.25, -0.25, -0.25, 0.75]))
        np.testing.assert_allclose(coupling.eigenenergies(), levels, atol=1e-14)
        assert coupling.matrix_element(parallel, parallel) == approx(-exchange / 4)


def test_only_energies_over_the_temperature_count():
    """Rates know splittings over k_B T alone: all energies of the moments scaled together."""
    sample = antiferromagnet()
    scaled = replace(
        sample, magnet=replace_weiss(sample.magnet, 3.0 * np.array(sample.magnet.weiss))
    )
    here, there = om.relaxation(sample, 20.0, 4.0), om.relaxation(scaled, 60.0, 12.0)
    np.testing.assert_allclose(there.dissipator, here.dissipator, rtol=1e-10)


def replace_weiss(magnet, weiss):
    return om.Magnet(magnet.sublattices, weiss, magnet.disorder)


@pytest.mark.parametrize("coupling", [-1e-3, 1e-3])
def test_exchange_field_opposes_an_antiferromagnetic_coupling(coupling):
    """omega_L = g mu_B (B - B_sd) / hbar, and B_sd > 0 for J < 0."""
    rates = om.relaxation(om.presets.pt_py(coupling), 10.0, 5.0)
    assert np.sign(rates.exchange_field) == -np.sign(coupling)
    expected = 2 * om.units.MU_B * (5.0 - rates.exchange_field) / om.units.HBAR
    assert rates.precession == approx(expected, rel=1e-13)


def test_g_factors_of_electrons_and_moments_are_apart():
    sample = film_of(om.Moments(2, 1.66e27, exchange_energy=-1e-3, g=1.0), g=3.0)
    assert om.equilibrium(sample, 10.0, 5.0).splitting[0] == approx(om.units.MU_B * 5.0)
    uncoupled = film_of(om.Moments(2, 1.66e27, exchange_energy=0.0, g=1.0), g=3.0)
    omega = om.relaxation(uncoupled, 10.0, 5.0).precession
    assert omega == approx(3 * om.units.MU_B * 5.0 / om.units.HBAR, rel=1e-14)


@pytest.mark.parametrize("method", ["closed-form", "batched", "bloch-redfield"])
def test_rate_of_the_film_is_added_once_to_every_axis(method):
    rates = om.relaxation(om.presets.pt_py(), 10.0, 5.0, method=method)
    np.testing.assert_allclose(
        rates.tensor - rates.exchange_tensor,
        np.eye(3) / om.presets.pt_py().film.spin_flip_time,
        rtol=1e-13,
        atol=1e-15 * abs(rates.precession),
    )
    without = om.relaxation(om.presets.pt_py(0.0), 10.0, 5.0, method=method)
    assert without.longitudinal == without.transverse == without.spin_flip_rate


def test_transverse_is_the_mean_of_the_two():
    rates = om.relaxation(om.presets.pt_py((1e-3, 0.2e-3, -0.5e-3)), 10.0, 5.0)
    along_x, along_y = rates.along((np.pi / 2, 0.0)), rates.along((np.pi / 2, np.pi / 2))
    assert along_x != approx(along_y, rel=1e-3)
    assert rates.transverse == approx((along_x + along_y) / 2, rel=1e-14)


def test_spin_along_x_is_relaxed_by_the_coupling_along_y():
    """Noise about an axis leaves spins along it alone."""
    only_y = om.relaxation(om.presets.pt_py((0.0, 1e-3, 0.0)), 20.0, 5.0).dissipator
    assert only_y[1, 1] < 1e-30 * only_y[0, 0]  # cos(pi/2)^2 in floating point
    assert only_y[2, 2] == approx(only_y[0, 0], rel=1e-12)
    only_z = om.relaxation(om.presets.pt_py((0.0, 0.0, 1e-3)), 20.0, 5.0).dissipator
    assert only_z[2, 2] == 0 < only_z[0, 0] == only_z[1, 1]


def test_a_frozen_perfect_lattice_does_not_dephase():
    frozen = {
        disorder: om.relaxation(om.presets.pt_py(disorder=disorder), 0.3, 5.0)
        for disorder in ("random", "lattice")
    }
    bare = frozen["lattice"].spin_flip_rate
    # flips and fluctuations are frozen to exp(-beta eps_L) < 1e-40
    assert frozen["lattice"].transverse == approx(bare, rel=1e-14)
    assert frozen["random"].transverse > 1.1 * bare


@pytest.mark.parametrize("coupling", [-1e-3, (1e-3, 0.2e-3, -0.5e-3)])
def test_field_and_direction_may_change_sign_together(coupling):
    """B along b is -B along -b."""
    film = om.presets.pt_py(coupling)
    b = np.array([0.48, -0.6, 0.64])
    here = om.magnetoresistance(film, 10.0, 7.0, b)
    there = om.magnetoresistance(film, 10.0, -7.0, -b)
    # rounding of theta^2 F over 1 + theta^2 F
    assert there.longitudinal == approx(here.longitudinal, rel=1e-13)
    assert there.transverse == approx(here.transverse, rel=1e-10)
    other = om.magnetoresistance(film, 10.0, -7.0, b)
    assert other.transverse != approx(here.transverse, rel=1e-2)


def test_spin_hall_current_of_y_spins_runs_down():
    """E along x, theta_SH > 0: y spins flow towards -z and pile up at z = 0."""
    sample = om.presets.pt_py(0.0)
    found = om.diffusion.profile(
        sample.film, om.relaxation(sample, 10.0, 0.0), (0, 0, 1), electric_field=1.0
    )
    assert found.accumulation[0, 1] > 0 > found.accumulation[-1, 1]
    np.testing.assert_allclose(found.accumulation[:, [0, 2]], 0, atol=1e-30)
    np.testing.assert_allclose(found.current[[0, -1]], 0, atol=1e-10 * abs(found.current).max())
    assert found.current[50, 1] < 0


def test_longitudinal_resistivity_holds_the_bare_one():
    sample = om.presets.pt_py()
    without = replace(sample, film=replace_angle(sample.film, 0.0))
    bare = om.magnetoresistance(without, 10.0, 5.0, (0.6, 0.0, 0.8))
    assert bare.longitudinal == sample.film.resistivity
    assert bare.transverse == 0


def replace_angle(film, angle):
    return om.Film(
        film.thickness,
        angle,
        film.diffusion,
        spin_flip_time=film.spin_flip_time,
        resistivity=film.resistivity,
    )


def test_diffusion_length_squared_is_diffusion_times_time():
    film = om.Film(5e-9, 0.1, 1e-6, resistivity=2e-6, diffusion_length=3e-9)
    assert film.spin_flip_time == approx(9e-12, rel=1e-14)
    sample = replace(om.presets.pt_py(), film=film)
    rates = om.relaxation(sample, 10.0, 5.0)
    length = om.diffusion.longitudinal_length(film, rates)
    assert length**2 == approx(film.diffusion * rates.tau_longitudinal, rel=1e-14)
