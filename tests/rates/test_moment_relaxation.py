"""Moments that relax and are followed: verbs, thermostat, bottleneck, what is conserved."""

from dataclasses import replace

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from spoil import unnoticed
from systems import (
    CANTED,
    CANTED_WEISS,
    DENSITY,
    TILTED_COUPLING,
    film_of,
    flopping,
    oriented,
    reference_film,
)

import openmr as om
from openmr.data.curves import SideBySide, curve
from openmr.rates import joint_motion, moment_relaxation
from openmr.rates.axes import local_axes
from openmr.sample.parameters import varied
from openmr.units import HBAR, K_B, MU_B

UP = (0, 0, 1)
SLANTED = (1, 2, 3)
SEVENTH = reference_film(oriented(2.5, anisotropy=(-4e-4, 1.3e-4)))
FIRST = reference_film(oriented(1.5, anisotropy=(3e-4, 1e-4)))


def moments(spin=0.5, **more):
    return om.Moments(spin, DENSITY, -6e-31, **more)


def losing(sample, time):
    """The film with another spin-flip time."""
    film = om.Film(5e-9, 0.1, 1e-6, resistivity=2e-6, spin_flip_time=time)
    return replace(sample, film=film)


def equal_g(sample):
    return losing(replace(sample, electrons=replace(sample.electrons, g=2.0)), np.inf)


def test_reference_numbers_of_one_moment():
    found = om.moment_relaxation(SEVENTH, 3.0, np.hypot(0.3, 1.0), direction=(0.3, 0, 1))
    ends = found.population_rates[[0, -1]]
    np.testing.assert_allclose(ends, [5.244369841905e6, 3.973771809556e8], rtol=1e-9)
    assert found.energies[1] == approx(5.607374739873e-4, rel=1e-12)
    assert 1 / found.T2[0, 1] == approx(2.432197143584e8, rel=1e-9)
    assert found.generator.shape == (36, 36)
    assert "slowest 1/T1   : 5.244e+06 1/s  (T1 190.7 ns)" in repr(found)


def test_grids_are_points_and_axes_are_local():
    kelvin, field = np.array([[2.0], [9.0]]), np.array([0.5, 3.0, -3.0])
    many = om.moment_relaxation(FIRST, kelvin, field, direction=SLANTED)
    assert many.T1.shape == (2, 3, 3)
    assert many.shift.shape == (2, 3, 3)
    alone = om.moment_relaxation(FIRST, 9.0, 3.0, direction=SLANTED)
    np.testing.assert_allclose(many.transition_rates[1, 1], alone.transition_rates, rtol=1e-12)
    # a moment without axes has the same rates in any field direction, and its shift along it
    plain = om.moment_relaxation(reference_film(moments(1.5)), 9.0, 3.0)
    turned = om.moment_relaxation(
        reference_film(oriented(1.5, axes=np.eye(3))), 9.0, 3.0, direction=SLANTED
    )
    np.testing.assert_allclose(turned.population_rates, plain.population_rates, rtol=1e-11)
    np.testing.assert_allclose(turned.shift, plain.shift, atol=1e-12 * plain.shift[2])
    omega = om.relaxation(reference_film(moments(1.5)), 9.0, 3.0).precession
    assert plain.shift[2] == approx(0.5 * 6.8e27 * -6e-31 * HBAR * omega, rel=1e-12)
    empty = om.moment_relaxation(FIRST, [], 1.0, direction=UP)
    assert empty.T1.shape == (0, 3)
    assert "[] (0,)" in repr(empty)


def test_each_sublattice_has_its_own():
    film = reference_film(moments(0.5), moments(2.0, g=1.5))
    for i, moment in enumerate(film.magnet.sublattices):
        alone = om.moment_relaxation(reference_film(moment), 4.0, 2.0)
        found = om.moment_relaxation(film, 4.0, 2.0, sublattice=i)
        np.testing.assert_array_equal(found.T1, alone.T1)


def test_an_integer_spin_in_a_singlet_is_slow():
    """The lowest level of an easy plane has no moment, so all that is left costs D."""
    kelvin = np.array([2.0, 1.0])
    found = om.moment_relaxation(
        reference_film(oriented(1.0, anisotropy=1e-3)), kelvin, 0.0, direction=UP
    )
    dephasing = found.coherence_rates[:, 1, 2]
    assert np.all(dephasing > 0)
    slowed = found.transition_rates[:, 0, 1]
    x = 1e-3 / (K_B * kelvin)
    assert slowed[1] / slowed[0] == approx(np.expm1(x[0]) / np.expm1(x[1]), rel=1e-12)


@pytest.mark.parametrize(
    "method",
    ["closed-form", "bloch-redfield", pytest.param("kinetic", marks=pytest.mark.slow)],
)
def test_a_thermostat_decides_what_electrons_lose_for_good(method):
    """R / (r + 1/T1) of the exchange part, by every method the same."""
    field, kelvin = 3.0, 10.0
    free = reference_film(moments())
    plain = om.relaxation(free, kelvin, field, method=method)
    rate = float(om.moment_relaxation(free, kelvin, field).population_rates[0])
    for hold in (0.0, 1.0, 100.0):
        held = reference_film(moments(thermostat_rate=hold * rate))
        found = om.relaxation(held, kelvin, field, method=method)
        kept = (found.longitudinal - found.spin_flip_rate) / (
            plain.longitudinal - plain.spin_flip_rate
        )
        # the kinetic equation knows Gamma to its grid's accuracy
        assert kept == approx(hold / (1 + hold), abs=1e-6 if method == "kinetic" else 1e-12)
        # across the field the moments turn away before they can give back
        assert found.transverse == approx(plain.transverse, rel=1e-3)


@pytest.mark.parametrize("weiss", [0.0, 1.2e-3])
def test_an_infinite_thermostat_is_the_theory(weiss):
    plain = reference_film(moments(1.5), weiss=weiss)
    held = reference_film(moments(1.5, thermostat_rate=np.inf), weiss=weiss)
    assert held == plain
    assert "thermostat" not in repr(held)
    kelvin = np.array([3.0, 30.0])
    almost = reference_film(moments(1.5, thermostat_rate=1e20), weiss=weiss)
    expected = om.relaxation(plain, kelvin, 5.0).tensor
    found = om.relaxation(almost, kelvin, 5.0).tensor
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * expected.max())


def test_a_film_of_slow_moments_has_less_of_isotropic_magnetoresistance():
    free, plain = (reference_film(moments(2.0, thermostat_rate=r)) for r in (0.0, np.inf))
    field = np.array([0.0, 5.0])
    found = [om.magnetoresistance(film, 10.0, field, UP) for film in (free, plain)]
    # along the film's normal only what is across the field counts
    rates = [one.relaxation for one in found]
    np.testing.assert_allclose(rates[0].longitudinal, rates[0].spin_flip_rate, rtol=1e-12)
    assert np.all(rates[1].longitudinal > 1.05 * rates[1].spin_flip_rate)
    between = varied(plain, {"thermostat_rate": 1e9})
    kept = [om.relaxation(film, 10.0, field).longitudinal for film in (free, between, plain)]
    assert np.all(np.diff(kept, axis=0) > 0)


@pytest.mark.parametrize("oriented_too", [False, True])
def test_what_moments_give_back_on_a_grid_is_that_of_its_points(monkeypatch, oriented_too):
    """Blocks of points too large for one go, one sublattice that follows and one that is held."""
    own = {"anisotropy": (-2e-4, 5e-5)} if oriented_too else {}
    film = reference_film(oriented(1.5, thermostat_rate=1e8, **own), oriented(1.0, **own))
    where = {"method": "batched"} | ({"direction": (1, 2, 3)} if oriented_too else {})
    kelvin, field = np.array([[3.0], [20.0]]), np.array([0.0, 2.0, 9.0])
    monkeypatch.setattr(moment_relaxation, "_AT_ONCE", 2 * 16 * 4**4)
    whole = om.relaxation(film, kelvin, field, **where).exchange_tensor
    held = reference_film(oriented(1.5, **own), oriented(1.0, **own))
    assert np.abs(whole - om.relaxation(held, kelvin, field, **where).exchange_tensor).max() > 0
    for i, j in np.ndindex(2, 3):
        alone = om.relaxation(film, kelvin[i, 0], field[j], **where).exchange_tensor
        np.testing.assert_allclose(whole[i, j], alone, atol=1e-14 * np.abs(alone).max())


def test_oriented_moments_follow_in_local_axes():
    """The same film, field and crystal turned together: the same part comes back."""
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    b = np.array([0.3, -1.0, 2.0])
    found = []
    for axes, field in ((np.eye(3), b), (turn.T, turn @ b)):
        film = reference_film(
            oriented(1.5, TILTED_COUPLING, axes=axes, anisotropy=(-2e-4, 5e-5), thermostat_rate=1e6)
        )
        found.append(om.relaxation(film, 3.0, 2.0, direction=field, method="batched"))
    np.testing.assert_allclose(*(one.longitudinal for one in found), rtol=1e-10)
    np.testing.assert_allclose(*(one.principal_rates for one in found), rtol=1e-10)


COUPLED = {
    "ferromagnet": film_of(moments(1.5), weiss=3e-4, dos_up=6.8e27, dos_down=6.8e27),
    "with axes": reference_film(oriented(1.5, axes=np.eye(3)), weiss=3e-4),
    "ferrimagnet": reference_film(
        moments(1.5), om.Moments(1.0, 2 * DENSITY, 3e-31), weiss=[[0, -8e-4], [-4e-4, 0]]
    ),
    "lattice": reference_film(moments(1.0), weiss=8e-4, disorder="lattice"),
}


TURNED = np.array([[2.0, 1.0, 2.0], [-2.0, 2.0, 1.0], [-1.0, -2.0, 2.0]]) / 3.0


def test_spins_between_levels_are_in_the_axes_of_the_field():
    """Of crystals whose axes do not commute with those of the field; the rates do not ask."""
    film = reference_film(oriented(1.5, anisotropy=(-3e-4, 1e-4), axes=TURNED))
    found = om.coupled_relaxation(film, 4.0, 3.0, direction=SLANTED)
    thermal = np.diag(found.equilibrium.levels(0).populations).ravel()
    wanted = DENSITY * local_axes(found.equilibrium.direction) @ found.equilibrium.mean[0]
    np.testing.assert_allclose(found.total[:, 3:] @ thermal, wanted, atol=1e-12 * DENSITY)


@pytest.mark.parametrize("name", COUPLED)
def test_larmor_theorem_and_conservation(name):
    """Exchange conserves the total spin, which with equal g precesses in the field for ever."""
    found = om.coupled_relaxation(equal_g(COUPLED[name]), [6.0, 10.0], 3.0, direction=SLANTED)
    larmor = 2 * MU_B * 3.0 / HBAR
    z = np.array([[0, -larmor, 0], [larmor, 0, 0], [0, 0, 0]])
    change = found.total @ found.generator - z @ found.total
    scale = (np.abs(found.total) @ np.abs(found.generator)).max()
    assert np.abs(change).max() <= 5e-15 * scale
    assert np.abs(found.modes - 1j * larmor).min(axis=-1).max() <= 1e-13 * larmor
    assert np.abs(found.modes).min(axis=-1).max() <= 1e-13 * larmor  # the spin along the field


def test_what_costs_nothing_does_not_relax():
    """A ferromagnet in no field may point anywhere, however fast spins are lost."""
    found = om.coupled_relaxation(reference_film(moments(1.5), weiss=1.2e-3), 5.0, 0.0)
    assert np.abs(found.modes[:2]).max() <= 1e-13 * np.abs(found.generator).max()
    assert found.modes[2].real < -1e6


@pytest.mark.parametrize("above", [1.01, 1.1, 3.0])
def test_moments_near_order_are_slow(above):
    """Critical slowing down: 1 - T_C/T of the rate by the electrons alone."""
    film = losing(reference_film(moments(1.5), weiss=1.2e-3), 1e-16)
    kelvin = above * om.ordering_temperature(film.magnet)
    found = om.coupled_relaxation(film, kelvin, 0.0)
    # its own electrons couple the moments, too
    ordering = om.ordering_temperature(found.equilibrium.magnet)
    alone = om.moment_relaxation(film, kelvin, 0.0).population_rates[0]
    expected = alone * (1 - ordering / kelvin)
    np.testing.assert_allclose(-found.modes[:3].real, expected, rtol=3e-4)


def test_detailed_balance_of_the_bottleneck():
    film = losing(reference_film(moments()), 1e-3)
    found = om.coupled_relaxation(film, 100.0, 1e-6)
    electrons, spins = 6.8e27 / 2, DENSITY * 0.75 / (3 * K_B * 100.0)
    # J n of the moments' field is small beside k_B T
    assert -found.modes[0].real == approx(1e3 * electrons / (electrons + spins), rel=0.02)
    np.testing.assert_allclose(found.static_tensor[2, 2], 1e3, rtol=1e-5)


def test_a_start_relaxes_as_its_modes_say():
    found = om.coupled_relaxation(FIRST, [5.0, 9.0], 2.0, direction=SLANTED)
    start = np.zeros(19)
    start[:3] = 1e24, -2e24, 3e24
    time = np.array([0.0, 1e-12, 1e-7])
    went = found.evolved(start, time)
    assert went.shape == (2, 3, 19)
    np.testing.assert_allclose(went[:, 0], np.broadcast_to(start, (2, 19)), atol=1e-9 * 1e24)
    slope = (found.evolved(start, [1e-18]) - start)[:, 0] / 1e-18
    scale = np.abs(found.generator @ start).max()
    np.testing.assert_allclose(slope, found.generator @ start, atol=1e-3 * scale)


def test_electrons_give_up_what_a_canted_magnet_needs():
    film = reference_film(*CANTED, weiss=CANTED_WEISS)
    found = om.coupled_relaxation(film, 4.0, np.sqrt(5), direction=(0, 1, 2))
    assert found.modes.real.max() <= 1e-3
    assert found.generator.shape == (21, 21)
    assert str(found).endswith("thermostat : none, none")
    held = [replace(one) for one in film.magnet.sublattices]
    assert tuple(held) == film.magnet.sublattices


def test_wrong_variants_of_the_joint_motion_are_noticed():
    film = equal_g(COUPLED["ferrimagnet"])
    ferro = reference_film(moments(1.5), weiss=1.2e-3)
    larmor = 2 * MU_B * 3.0 / HBAR

    def is_right():
        found = om.coupled_relaxation(film, 6.0, 3.0)
        turning = np.array([[0, -larmor, 0], [larmor, 0, 0], [0, 0, 0]])
        change = found.total @ found.generator - turning @ found.total
        scale = (np.abs(found.total) @ np.abs(found.generator)).max()
        free = om.coupled_relaxation(ferro, 5.0, 0.0)
        loose = om.coupled_relaxation(losing(ferro, 1e-16), 20.0, 0.0)
        return (
            np.abs(change).max() <= 1e-13 * scale
            and np.abs(free.modes[:2]).max() <= 1e-12 * np.abs(free.generator).max()
            and -loose.modes[0].real == approx(1.75531e7, rel=1e-4)
        )

    assert is_right()
    for function in (joint_motion.excess, joint_motion.joint_generator):
        assert unnoticed(function, is_right) == []


MATRIX = reference_film(oriented(1.5, TILTED_COUPLING))
UNEQUAL = film_of(moments(), dos_up=6.8e27, dos_down=5e27)
BAD = [
    (lambda: om.moment_relaxation(SEVENTH, 3.0, 1.0), "`direction` of the field must be given"),
    (
        lambda: om.moment_relaxation(SEVENTH, 3.0, 1.0, direction=UP, sublattice=1),
        "`sublattice` must be 0, got 1",
    ),
    (
        lambda: om.moment_relaxation(replace(SEVENTH, magnet=None), 3.0, 1.0),
        "`sample` must have moments",
    ),
    (lambda: om.moment_relaxation(UNEQUAL, 3.0, 1.0), "`dos_up` and `dos_down` must be equal"),
    (
        lambda: om.moment_relaxation(reference_film(moments(51.0)), 3.0, 1.0),
        "`spin` must be <= 50",
    ),
    (
        lambda: om.moment_relaxation(reference_film(moments(8.0)), 3.0, 1.0).generator,
        "`spin` must be <= 7.5 where the whole state",
    ),
    (
        lambda: om.coupled_relaxation(MATRIX, 3.0, 1.0, direction=UP),
        "`exchange` must be one number where electrons and moments move together",
    ),
    (
        lambda: om.coupled_relaxation(
            reference_film(
                moments(1.5), om.Moments(1.0, 2 * DENSITY, 3e-31), weiss=[[0, -8e-4], [-8e-4, 0]]
            ),
            3.0,
            1.0,
        ),
        "`weiss` must be reciprocal with the densities",
    ),
    (
        lambda: om.coupled_relaxation(FIRST, 3.0, 1.0, direction=UP).evolved([1.0], [0.0]),
        "`start` must have shape \\(19,\\)",
    ),
    (lambda: moments(thermostat_rate=-1.0), "`thermostat_rate` must be one real number and >= 0"),
    (lambda: moments(thermostat_rate=1e25), "`thermostat_rate` must be between 0 and 1e\\+20 1/s"),
    (lambda: moments(thermostat_rate="slow"), "`thermostat_rate` must be one real number"),
    (
        lambda: om.relaxation(
            film_of(moments(thermostat_rate=1e9), dos_up=6.8e27, dos_down=5e27), 3.0, 1.0
        ),
        "`dos_up` and `dos_down` must be equal",
    ),
    (
        lambda: om.relaxation(reference_film(moments(20.0, thermostat_rate=1e9)), 3.0, 1.0),
        "`spin` must be <= 7.5",
    ),
]


def test_what_is_refused():
    assert unclear(BAD) == {}


def test_flopping_sublattices_move_together():
    found = om.coupled_relaxation(flopping(), 6.0, [5.0, 7.0], direction=UP)
    assert found.modes.shape == (2, 73)
    # the flopped phase turns about the axis at no cost: a double zero, known to a root of rounding
    assert found.modes.real.max() <= 1e-9 * np.abs(found.generator).max()


def test_fits_know_that_moments_follow():
    """Many samples side by side are each by itself, and a thermostat changes them."""
    film = om.presets.pt_py()
    slow = varied(film, {"thermostat_rate": 1e8})
    field = np.linspace(-5, 5, 5)
    points = np.full(5, 200.0), field, np.tile([1.0, 0, 0], (5, 1))
    samples = [varied(slow, {"thickness": d}) for d in (4e-9, 6e-9)]
    found = SideBySide(*points, "exact", {})(samples)
    for one, sample in zip(found, samples, strict=True):
        np.testing.assert_allclose(one, curve(*points, "exact", {})(sample), rtol=1e-12)
    held = curve(*points, "exact", {})(varied(film, {"thickness": 4e-9}))
    assert np.abs(found[0] - held).max() > 1e-9
