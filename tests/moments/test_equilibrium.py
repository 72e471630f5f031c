"""Weiss equilibrium against 40-digit arithmetic, limits, branches."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nearness import approx
from systems import (
    DENSITY,
    SPINS,
    antiferromagnet,
    exact_averages,
    exact_weiss,
    ferrimagnet,
    field_for,
    film_of,
    paramagnet,
)

import openmr as om
from openmr.moments.spin_averages import level_sums
from openmr.units import K_B

AVERAGES = ("mean_spin", "second_moment", "variance", "flip_up", "flip_down")


def relative_error(value, exact):
    if exact == 0:
        return abs(float(value))
    return float(abs((mp.mpf(float(value)) - exact) / exact))


@pytest.mark.parametrize("spin", [*SPINS, 7.5])
@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-12, 1e-6, 0.1, 1.0, 7.0, 50.0, 600.0, 1e6])
@pytest.mark.parametrize("sign", [1, -1])
def test_level_sums_do_not_cancel(spin, x, sign):
    found = level_sums(spin, sign * x)
    exact = exact_averages(spin, sign * x)
    # exp(-k x) carries k x machine epsilons of the rounded product k x
    bound = 1e-15 * (10 + 4 * spin * min(x, 700))
    for name, value in zip(AVERAGES, exact, strict=True):
        got = float(getattr(found, name))
        if value != 0 and abs(value) < mp.mpf("1e-307"):  # below the range of a double
            assert got == approx(0.0, abs=1e-300)
        else:
            assert relative_error(got, value) <= bound, name


@given(spin2=st.integers(1, 12), x=st.floats(-300, 300))
def test_correlators_obey_detailed_balance(spin2, x):
    found = level_sums(spin2 / 2, x)
    smaller, larger = sorted([found.flip_up, found.flip_down])
    assert smaller == approx(np.exp(-abs(x)) * larger, rel=1e-15 * (20 + 8 * abs(x)))
    total = spin2 / 2 * (spin2 / 2 + 1)
    # Eq. (69): the three components make S(S+1)
    assert found.second_moment + 0.5 * (found.flip_up + found.flip_down) == approx(total, rel=1e-14)


POINTS = [
    (om.presets.pt_py(), 10.0, 5.0),
    (om.presets.pt_py(), 10.0, -5.0),
    (om.presets.pt_py(), 29.0, 0.0),
    (om.presets.pt_py(), 29.9999, 0.0),
    (om.presets.pt_py(), 30.0001, 1e-7),
    (om.presets.pt_py(), 300.0, 1e-3),
    (om.presets.pt_py(spin=3.5), 0.05, 9.0),
    (paramagnet(0.5), 1.0, 20.0),
    (film_of(om.Moments(1.5, DENSITY, exchange_energy=1e-3), weiss=-2e-3), 3.0, 4.0),
    (antiferromagnet(), 25.0, 0.0),
    (antiferromagnet(), 39.99, 0.0),
    (antiferromagnet(), 10.0, 3.0),
    (antiferromagnet(), 60.0, -3.0),
    (ferrimagnet(), 20.0, 0.0),
    (ferrimagnet(), 30.0, 6.0),
]


@pytest.mark.parametrize(("sample", "temperature", "field"), POINTS)
def test_weiss_field_against_forty_digits(sample, temperature, field):
    state = om.equilibrium(sample, temperature, field)
    x = exact_weiss(sample, temperature, field, state.reduced_splitting)
    beta = 1 / (mp.mpf(K_B) * mp.mpf(temperature))
    for i, (moments, exact_x) in enumerate(zip(sample.magnet.sublattices, x, strict=True)):
        bound = 1e-12 * state.condition[i]
        assert relative_error(state.splitting[i], exact_x / beta) <= bound
        for name, value in zip(AVERAGES, exact_averages(moments.spin, exact_x), strict=True):
            assert relative_error(getattr(state, name)[i], value) <= bound, name


def test_condition_is_the_measured_sensitivity_near_the_transition():
    sample, temperature, step = om.presets.pt_py(), 29.99, 1e-9
    state = om.equilibrium(sample, [temperature, temperature * (1 + step)], 0.0)
    slope = abs(np.diff(state.splitting[:, 0])[0]) / state.splitting[0, 0] / step
    assert slope <= state.condition[0, 0] <= 10 * slope


@pytest.mark.parametrize("sample", [paramagnet(0.5), paramagnet(3.5), ferrimagnet()])
@pytest.mark.parametrize("x", [0.3, 3.0, 12.0])
def test_condition_bounds_every_sensitivity(sample, x):
    """Of each average to temperature and field, alone and together; <S_+ S_-> of spin 1/2 meets it.

    There it falls as exp(-x), so by x per relative change of the field.
    """
    temperature, field, step = 20.0, field_for(x, 20.0), 1e-5
    condition = om.equilibrium(sample, temperature, field).condition
    worst = np.zeros_like(condition)
    for kelvin, tesla in ((1, 0), (0, 1), (1, -1)):
        low, high = (
            om.equilibrium(
                sample, temperature * (1 + sign * kelvin * step), field * (1 + sign * tesla * step)
            )
            for sign in (-1, 1)
        )
        for name in (*AVERAGES, "splitting"):
            change = np.log(getattr(high, name) / getattr(low, name)) / (2 * step)
            worst = np.maximum(worst, np.abs(change) / (abs(kelvin) + abs(tesla)))
    assert np.all(worst <= condition * (1 + 1e-6))
    if sample.magnet.spins[0] == 0.5 and x == 12.0:
        assert worst[0] > 0.99 * condition[0]


def test_exactly_zero_at_and_above_the_transition():
    for sample in (om.presets.pt_py(), antiferromagnet(), ferrimagnet()):
        critical = om.ordering_temperature(sample.magnet)
        state = om.equilibrium(sample, [critical, 1.5 * critical], 0.0)
        assert np.all(state.mean_spin == 0.0)
        assert np.all(state.splitting == 0.0)
        below = om.equilibrium(sample, critical * (1 - 1e-9), 0.0)
        assert np.all(below.mean_spin != 0.0)


def test_order_parameter_has_exponent_one_half():
    sample = om.presets.pt_py()
    distance = np.array([1e-4, 1e-5, 1e-6, 1e-7])
    critical = om.curie_temperature(sample.magnet)
    state = om.equilibrium(sample, critical * (1 - distance), 0.0)
    slopes = np.diff(np.log(np.abs(state.mean_spin[:, 0]))) / np.diff(np.log(distance))
    # the correction to scaling is of relative order `distance`
    np.testing.assert_allclose(slopes, 0.5, atol=2e-4)


def test_curie_and_neel_temperatures():
    ferro, antiferro = om.presets.pt_py().magnet, antiferromagnet().magnet
    assert om.curie_temperature(ferro) == approx(30.0, rel=1e-14)
    assert om.neel_temperature(ferro) == 0.0
    assert om.neel_temperature(antiferro) == approx(40.0, rel=1e-14)
    assert om.curie_temperature(antiferro) == 0.0
    assert om.curie_temperature(ferrimagnet().magnet) > 0
    assert om.ordering_temperature(paramagnet(2.0).magnet) == 0.0
    repelling = film_of(om.Moments(2, DENSITY, exchange_energy=1e-3), weiss=-1e-3)
    assert om.ordering_temperature(repelling.magnet) == 0.0


def test_densities_decide_whether_an_order_has_a_net_moment():
    """<S> = -sqrt(2 C_1/C_2) : 1 with C = S(S+1)/3, n_1 : n_2 = 1 : 2 and reciprocal couplings."""
    for spins, names in (((3.0, 2.0), "neel"), ((2.0, 3.0), "curie")):  # -2 : 1 and -1 : 1
        pair = [
            om.Moments(s, n * DENSITY, exchange=0.0) for s, n in zip(spins, (1, 2), strict=True)
        ]
        magnet = om.Magnet(pair, weiss=[[0.0, -2e-3], [-1e-3, 0.0]])
        found = om.neel_temperature(magnet), om.curie_temperature(magnet)
        assert (found[0] > 0, found[1] > 0) == (names == "neel", names == "curie")
        assert max(found) == om.ordering_temperature(magnet)


def test_branch_and_axis_convention_at_zero_field():
    ferro = om.equilibrium(om.presets.pt_py(), 10.0, [0.0, 1e-9, -1e-9])
    assert ferro.mean_spin[0, 0] < 0
    assert ferro.mean_spin[1, 0] < 0 < ferro.mean_spin[2, 0]
    neel = om.equilibrium(antiferromagnet(), 10.0, 0.0).mean_spin
    assert neel[0] < 0 < neel[1]
    assert neel[0] == approx(-neel[1], rel=1e-14)
    ferri = om.equilibrium(ferrimagnet(), 10.0, 0.0)
    assert ferri.mean_spin[0] < 0 < ferri.mean_spin[1]


@settings(max_examples=40, deadline=None)
@given(
    temperature=st.floats(2.0, 80.0),
    field=st.floats(-15.0, 15.0),
    inner=st.floats(-2e-3, 2e-3),
    outer=st.floats(-2e-3, 2e-3),
)
def test_the_lowest_free_energy_is_found(temperature, field, inner, outer):
    """No point of a dense grid of trial states lies lower."""
    one = om.Moments(1.5, DENSITY, exchange_energy=1e-3)
    weiss = np.array([[inner, outer], [outer, 0.3 * inner]])
    sample = film_of(one, one, weiss=weiss)
    state = om.equilibrium(sample, temperature, field)
    x = np.linspace(-60, 60, 241)
    x = np.sign(x) * np.abs(x) ** 2 / 60

    def free_energy(first, second):
        m = np.stack([first.mean_spin, second.mean_spin])
        entropy = first.entropy + second.entropy
        zeeman = 2 * om.units.MU_B * field * m.sum(axis=0)
        exchange = 0.5 * np.einsum("i...,ij,j...->...", m, weiss, m)
        return zeeman - exchange - K_B * temperature * entropy

    trial = free_energy(level_sums(1.5, x[:, None] + 0 * x), level_sums(1.5, x + 0 * x[:, None]))
    found = free_energy(*(level_sums(1.5, value) for value in state.reduced_splitting))
    assert found <= trial.min() + 1e-12 * np.abs(trial).max()


@pytest.mark.parametrize("inner", [0.0, 1e-3, -1.4e-3])
def test_fields_below_the_normal_numbers(inner):
    one = om.Moments(1.5, DENSITY, exchange_energy=1e-3)
    sample = film_of(one, one, weiss=[[inner, 0.0], [0.0, 0.3 * inner]])
    for field in (5e-324, 2.2e-311, 1e-300):
        state = om.equilibrium(sample, 2.0, field)
        assert np.all(np.isfinite(state.condition))
        assert np.all(state.mean_spin <= 0)


def test_the_net_moment_counts_the_g_factors():
    """A larger spin with a smaller g: the limit B -> 0+ turns the larger moment against b."""
    first = om.Moments(2.0, DENSITY, exchange_energy=1e-3, g=0.5)
    second = om.Moments(1.0, DENSITY, exchange_energy=1e-3, g=4.0)
    sample = film_of(first, second, weiss=[[0.0, -2e-3], [-2e-3, 0.0]])
    state = om.equilibrium(sample, 5.0, [0.0, 1e-6])
    assert np.all(state.mean_spin[:, 1] < 0)
    assert np.all(state.mean_spin[:, 0] > 0)


def test_vectorised_equals_pointwise():
    sample = ferrimagnet()
    temperatures, fields = np.array([[5.0], [30.0], [90.0]]), np.array([-4.0, 0.0, 4.0])
    grid = om.equilibrium(sample, temperatures, fields)
    assert grid.mean_spin.shape == (3, 3, 2)
    for i, j in np.ndindex(3, 3):
        point = om.equilibrium(sample, temperatures[i, 0], fields[j])
        np.testing.assert_allclose(
            grid.mean_spin[i, j], point.mean_spin, rtol=1e-13 * grid.condition[i, j].max()
        )


def test_field_reversal_flips_the_moments():
    state = om.equilibrium(ferrimagnet(), 20.0, [3.0, -3.0])
    np.testing.assert_allclose(state.mean_spin[0], -state.mean_spin[1], rtol=1e-13)
    np.testing.assert_allclose(state.flip_up[0], state.flip_down[1], rtol=1e-12)


def test_at_any_depth():
    """beta eps_L from 0 to beyond 1e6."""
    cold = om.equilibrium(om.presets.pt_py(), 3e-5, 5.0)
    assert cold.reduced_splitting[0] > 1e6
    assert cold.mean_spin[0] == -2.0
    assert cold.flip_up[0] == 4.0
    assert cold.flip_down[0] == 0.0
    still = om.equilibrium(paramagnet(2.0), 10.0, 0.0)
    assert still.flip_up[0] == approx(4.0, rel=1e-15)
    assert om.equilibrium(paramagnet(2.0), 10.0, field_for(3.0, 10.0)).reduced_splitting[
        0
    ] == approx(3.0, rel=1e-14)


@pytest.mark.parametrize("spin", [0.5, 2.0, 7.5])
def test_magnets_order_at_the_temperature_they_were_given(spin):
    moments = om.Moments(spin, 1e27, exchange_energy=1e-3)
    one = om.Magnet(moments, curie_temperature=30.0)
    two = om.Magnet([moments, moments], neel_temperature=30.0)
    assert om.curie_temperature(one) == approx(30.0, rel=1e-14)
    assert om.neel_temperature(one) == 0.0
    assert om.neel_temperature(two) == approx(30.0, rel=1e-14)
    assert om.curie_temperature(two) == 0.0


def test_einstein_relation():
    """sigma = e^2 (nu_up + nu_down) D, in SI units."""
    electrons, resistivity = om.Electrons(dos_up=3e27, dos_down=5e27), 2e-7
    per_joule = 8e27 / om.units.ELEMENTARY_CHARGE
    conductivity = om.units.ELEMENTARY_CHARGE**2 * per_joule * electrons.diffusion(resistivity)
    assert conductivity == approx(1 / resistivity, rel=1e-14)
