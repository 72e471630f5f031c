"""Fits: recovery, uncertainties that hold at the stated rate, and what data cannot tell."""

from dataclasses import replace
from functools import cache

import lmfit
import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from scipy import stats
from scipy.special import erfinv
from systems import antiferromagnet, ferrimagnet

import openmr as om
from openmr import diagnosis
from openmr.data import least_squares
from openmr.data.diagnosis import PARAMETERS, determined, fit, measured, read_csv
from openmr.data.found import value_with_error
from openmr.sample.parameters import varied

FIELD = np.linspace(0.5, 25, 14)
KELVIN = np.array([10.0, 40.0])[:, None]
NAMES = ("exchange_energy", "ordering_temperature", "diffusion_length", "spin_hall_angle")
TRUTH = om.presets.pt_py(-1e-3)


def curve(sample, kelvin=KELVIN, field=FIELD, direction=(1, 0, 0)):
    rho = om.magnetoresistance(sample, kelvin, field, direction, order="exact")
    return rho.longitudinal


def data(sample=TRUTH, noise=0.0, seed=0, kelvin=KELVIN, field=FIELD, known=True):
    exact = curve(sample, kelvin, field)
    noisy = exact + noise * np.random.default_rng(seed).normal(size=exact.shape)
    return measured(
        noisy,
        temperature=kelvin,
        field=field,
        direction=(1, 0, 0),
        uncertainty=noise if known and noise else None,
    )


# --- parameters ------------------------------------------------------------------------------


INDEPENDENT = (
    *("exchange_energy_in_proportion", "density_at_fixed_exchange_energy", "ordering_temperature"),
    *("dos", "spin_hall_angle", "diffusion_length", "diffusion_at_fixed_diffusion_length"),
    *("thickness", "resistivity"),
)
SAMPLES = {"one": TRUTH, "two alike": antiferromagnet(), "two unlike": ferrimagnet()}
ONE_KIND = {
    "weiss": {"one"},
    "curie_temperature": {"one"},
    "neel_temperature": {"two alike"},
    "exchange": {"one", "two alike"},
    "anisotropy": set(),  # of moments with axes, in tests of the table itself
    "rhombicity": set(),
}
"""Samples that have such a number."""


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_parameter_is_read_where_it_was_put(kind):
    sample = SAMPLES[kind]
    for name, parameter in PARAMETERS.items():
        if kind not in ONE_KIND.get(name, SAMPLES):
            continue
        value = parameter.read(sample)
        changed = parameter.put(sample, 1.25 * value)
        assert parameter.read(changed) == approx(1.25 * value, rel=1e-14, abs=0), name
        for other in {*INDEPENDENT} - {name} if name in INDEPENDENT else ():
            before, after = PARAMETERS[other].read(sample), PARAMETERS[other].read(changed)
            assert after == approx(before, rel=1e-14, abs=0), (name, other)


@pytest.mark.parametrize(
    ("names", "held"),
    [
        ("density_at_fixed_exchange", lambda s: s.magnet.exchange),
        (
            "density_at_fixed_exchange_energy",
            lambda s: [one.exchange_energy for one in s.magnet.sublattices],
        ),
        ("diffusion_at_fixed_spin_flip_time", lambda s: s.film.spin_flip_time),
        ("diffusion_at_fixed_diffusion_length", lambda s: s.film.diffusion_length),
        ("spin_flip_time", lambda s: s.film.diffusion),
        ("diffusion_length", lambda s: s.film.diffusion),
        ("dos", lambda s: s.electrons.dos_up / s.electrons.dos_down),
        ("exchange_energy_in_proportion", lambda s: s.magnet.exchange / s.magnet.exchange[0, 2]),
        ("ordering_temperature", lambda s: np.array(s.magnet.weiss) / s.magnet.weiss[0][0]),
    ],
)
def test_what_a_parameter_holds_stays(names, held):
    for sample in (TRUTH, ferrimagnet()):
        parameter = PARAMETERS[names]
        changed = parameter.put(sample, 1.25 * parameter.read(sample))
        np.testing.assert_allclose(held(changed), held(sample), rtol=1e-14)


@pytest.mark.parametrize(
    ("sample", "old", "new"),
    [
        (TRUTH, "moment_density", "density_at_fixed_exchange_energy"),
        (TRUTH, "diffusion", "diffusion_at_fixed_diffusion_length"),
        (ferrimagnet(), "exchange_energy", "exchange_energy_in_proportion"),
    ],
)
def test_old_names_warn_and_fit_the_same(sample, old, new):
    given = data(sample)
    with pytest.warns(DeprecationWarning, match=f"`{old}` is now `{new}`") as on:
        found = fit(sample, given, [old])
    assert on[0].filename == __file__
    assert found.parameters == (old,)
    assert f"  {old:<20} : " in repr(found)
    assert found.interval(old) == fit(sample, given, [new]).interval(new)
    with pytest.raises(om.ParameterError, match="`parameters` must name each parameter once"):
        fit(sample, given, [new, old])


# --- fits ------------------------------------------------------------------------------------


def test_recovers_the_parameters_from_wrong_starts():
    start = om.presets.pt_py(-0.8e-3, curie_temperature=37.0)
    start = replace(start, film=replace(start.film, spin_hall_angle=0.13))
    found = fit(start, data(), NAMES)
    np.testing.assert_allclose(found.values, [-1e-3, 30.0, 3e-9, 0.1], rtol=1e-6)
    assert found.undetermined == ()
    assert found.sample.film.spin_hall_angle == approx(0.1, rel=1e-6)
    np.testing.assert_allclose(found.model, data().longitudinal, rtol=1e-9)


def test_angular_scan():
    """rho(alpha) at one field: theta_SH and l_0."""
    b = om.scan_directions("xy", np.linspace(0, np.pi, 19))
    sample = om.presets.pt_py(1e-3)
    given = measured(
        curve(sample, 10.0, 5.0, b), temperature=10.0, field=5.0, direction=b, uncertainty=1e-11
    )
    start = replace(sample, film=replace(sample.film, spin_hall_angle=0.08))
    found = fit(start, given, ["spin_hall_angle", "resistivity"])
    np.testing.assert_allclose(found.values, [0.1, 2e-6], rtol=1e-6)


def test_another_model_can_be_fitted():
    """The options of `magnetoresistance` reach it: to second order its own data are exact."""
    rho = om.magnetoresistance(TRUTH, KELVIN, FIELD, (1, 0, 0), order="second").longitudinal
    given = measured(rho, temperature=KELVIN, field=FIELD, direction=(1, 0, 0))
    angle = [
        fit(TRUTH, given, ["spin_hall_angle"], order=order).values[0]
        for order in ("second", "exact")
    ]
    assert angle[0] == approx(0.1, rel=1e-6)
    assert abs(angle[1] - 0.1) > 1e-4


def test_a_film_is_fitted_with_the_exact_order():
    """The second order fits it as well by chi^2 and is out by tens of standard deviations."""
    given = data(noise=1e-10, seed=3)
    found, second = fit(TRUTH, given, NAMES), fit(TRUTH, given, NAMES, order="second")
    true = np.array([-1e-3, 30.0, 3e-9, 0.1])
    assert np.all(np.abs(found.values - true) < 4 * found.uncertainties)
    assert second.chi_square < 2
    assert abs(second.values[3] - 0.1) > 20 * second.uncertainties[3]


@pytest.mark.slow
def test_the_fit_ends_in_the_minimum_along_weak_directions_too():
    """One more Newton step with the final sensitivities moves no product by a hundredth."""
    given, found = tungsten(2), fit_beside_open("weak weights", 2)

    def model(logs):
        sample = found.sample
        for name, value in zip(found.parameters, found.values * np.exp(logs), strict=True):
            sample = PARAMETERS[name].put(sample, value)
        return om.magnetoresistance(
            sample, given.temperature, given.field, given.direction, order="exact"
        ).longitudinal

    slopes = (
        least_squares.sensitivities(model, np.zeros(len(found.values))) / given.uncertainty[:, None]
    )
    left, singular, _ = np.linalg.svd(slopes, full_matrices=False)
    assert singular[-1] < 1e-6 * singular[0]  # the case in question
    np.testing.assert_allclose(left.T @ found.residuals, 0, atol=0.01)


def test_the_last_step_of_a_fit_is_so_short_that_its_curve_is_a_line(monkeypatch):
    def off():
        found = fit(om.presets.pt_py(-0.8e-3), data(noise=1e-10), NAMES[::2])
        return np.max(np.abs(found.model / curve(found.sample).ravel() - 1))

    assert off() < 1e-14
    monkeypatch.setattr(least_squares, "_LINE", 1.0)
    monkeypatch.setattr(least_squares, "_SETTLED", 1e-2)
    assert off() > 1e-12


def test_uncertainties_and_correlations_are_those_of_lmfit():
    """Ours by central differences, lmfit's from the forward differences of its fit, 1e-5 steps."""
    for known in (True, False):
        given = data(noise=1e-10, known=known)
        found = fit(TRUTH, given, NAMES)
        start = lmfit.Parameters()
        for name in NAMES:
            start.add(name, value=0.0)

        def misses(logs, given=given):
            sample = TRUTH
            for name in NAMES:
                value = PARAMETERS[name].read(TRUTH) * np.exp(logs[name].value)
                sample = PARAMETERS[name].put(sample, value)
            return (curve(sample).ravel() - given.longitudinal) / 1e-10

        theirs = lmfit.minimize(misses, start, epsfcn=1e-10, scale_covar=not known)
        covariance = theirs.covar
        sigma = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose(found.uncertainties / np.abs(found.values), sigma, rtol=1e-3)
        correlations = covariance / np.outer(sigma, sigma)
        np.testing.assert_allclose(found.correlations, correlations, atol=1e-3)
        assert found.degrees_of_freedom == 24
        residual = found.model - data(noise=1e-10).longitudinal
        if known:
            assert found.chi_square == approx(np.sum((residual / 1e-10) ** 2) / 24)
        assert found.residuals @ found.residuals == approx(24 * found.chi_square)


def test_no_error_where_the_model_does_not_describe_the_data():
    """A bump of ten standard deviations: no uncertainty, no interval, no +- in print."""
    given = data(noise=1e-10)
    bump = 1e-9 * ((given.field > 8) & (given.field < 16))
    found = fit(TRUTH, replace(given, longitudinal=given.longitudinal + bump), NAMES)
    assert found.refused
    assert found.probability < 1e-6
    assert np.all(np.isnan(found.uncertainties))
    assert np.isnan(found.interval(NAMES[0])).all()
    assert np.isnan(found.propagate(lambda s: s.film.spin_hall_angle)[1])
    assert "+-" not in repr(found)
    assert "does not describe" in repr(found)


def test_errors_shrink_as_the_noise():
    sizes = np.array([3e-10, 3e-11, 3e-12])
    errors = [fit(TRUTH, data(noise=n), NAMES).uncertainties for n in sizes]
    slopes = np.diff(np.log10(errors), axis=0) / np.diff(np.log10(sizes))[:, None]
    # the fit itself moves with the noise: first order in 3e-10 / 2e-8
    np.testing.assert_allclose(slopes, 1, atol=0.1)


# --- coverage --------------------------------------------------------------------------------

PARAMAGNET = om.presets.pt_py(-1e-3, curie_temperature=0.0)
FREE = ("exchange_energy", "diffusion_length", "spin_hall_angle")
COLD = np.array([2.0, 8.0, 60.0])[:, None]
FITS = 100
LEVEL = 0.6827


def repeated(known):
    """Of fits with fresh noise: where the intervals lie to the true values, and chi^2."""
    true = np.array([PARAMETERS[name].read(PARAMAGNET) for name in FREE])
    rng = np.random.default_rng([11, known])
    exact = curve(PARAMAGNET, COLD)
    ends, chi_squares = [], []
    for _ in range(FITS):
        given = measured(
            exact + 1e-10 * rng.normal(size=exact.shape),
            temperature=COLD,
            field=FIELD,
            direction=(1, 0, 0),
            uncertainty=1e-10 if known else None,
        )
        result = fit(PARAMAGNET, given, FREE)
        ends.append([result.interval(name, LEVEL) for name in FREE])
        chi_squares.append(result.chi_square)
    return np.array(ends) - true[:, None], np.array(chi_squares)


def covered(ends, stretch=1.0):
    """Which intervals hold the true value, their half widths times `stretch`."""
    middle, half = ends.mean(axis=-1), stretch * 0.5 * np.diff(ends, axis=-1)[..., 0]
    return np.abs(middle) <= half


def allowed(total):
    """Binomial range left with a probability of 1e-4."""
    return stats.binom.ppf([5e-5, 1 - 5e-5], total, LEVEL)


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
def test_intervals_hold_the_true_values_at_the_stated_rate(known):
    """And chi^2, where the noise is known, is distributed as it should be."""
    ends, chi_squares = repeated(known)
    low, high = allowed(FITS)
    for column, name in enumerate(FREE):
        count = covered(ends)[:, column].sum()
        assert low <= count <= high, (name, count)
        # intervals half or twice as wide are noticed
        assert covered(ends, 0.5)[:, column].sum() < low
        assert covered(ends, 2.0)[:, column].sum() > high
    if known:
        freedom = COLD.size * FIELD.size - len(FREE)
        assert stats.kstest(freedom * chi_squares, stats.chi2(freedom).cdf).pvalue > 1e-4


@pytest.mark.parametrize(("points", "freedom"), [(2, 1), (3, 2)])
@pytest.mark.parametrize("level", [0.5, 0.6827, 0.99])
def test_few_points_widen_the_interval_as_student_says(points, freedom, level):
    """In closed form for one and two degrees of freedom; Gauss where the noise is known."""
    field = np.array([2.0, 9.0, 20.0])[:points]
    noisy = curve(PARAMAGNET, 4.0, field) * (1 + 1e-4 * np.array([1.0, -1.0, 1.0])[:points])
    wide = {1: np.tan(0.5 * np.pi * level), 2: level * np.sqrt(2 / (1 - level**2))}[freedom]
    for noise, many in ((None, wide), (1e-10, np.sqrt(2) * erfinv(level))):
        given = measured(
            noisy, temperature=4.0, field=field, direction=(1, 0, 0), uncertainty=noise
        )
        found = fit(PARAMAGNET, given, ["spin_hall_angle"])
        assert found.degrees_of_freedom == freedom
        low, high = found.interval("spin_hall_angle", level)
        assert 0.5 * (high - low) == approx(many * found.uncertainties[0], rel=1e-12)


# --- coverage where something is open --------------------------------------------------------

HEAVY = om.Electrons.free(5.0)
TUNGSTEN = om.Sample(
    om.Magnet(om.Moments(spin=2.5, density=1e28, exchange_energy=2e-3), curie_temperature=550.0),
    HEAVY,
    om.Film(
        thickness=3e-9,
        spin_hall_angle=-0.3,
        diffusion=1e-4,
        spin_flip_time=2e-14,
        resistivity=2e-6,
    ),
)
TUNGSTEN_START = replace(
    TUNGSTEN,
    magnet=om.Magnet(
        om.Moments(spin=2.5, density=1e28, exchange_energy=1.5e-3), curie_temperature=500.0
    ),
)
TUNGSTEN_NAMES = (
    "exchange_energy",
    "dos",
    "diffusion_length",
    "ordering_temperature",
    "spin_hall_angle",
)


def tungsten(seed):
    """One temperature far below ordering, two directions: the rates are all but constant."""
    field, direction = np.linspace(0, 10, 41)[:, None], np.eye(3)[:2]
    exact = curve(TUNGSTEN, 300.0, field, direction)
    noise = 1.56e-12 * np.random.default_rng(seed).normal(size=exact.shape)
    return measured(
        exact + noise, temperature=300.0, field=field, direction=direction, uncertainty=1.56e-12
    )


COLD_FIELD = np.linspace(0, 20, 41)
COLD_NAMES = (
    "exchange_energy",
    "dos",
    "diffusion_length",
    "diffusion_at_fixed_diffusion_length",
    "spin_hall_angle",
)
COLD_START = replace(
    om.presets.pt_py(-0.7e-3),
    film=om.Film(
        thickness=5e-9,
        spin_hall_angle=0.12,
        diffusion=1.5e-6,
        diffusion_length=3.5e-9,
        resistivity=2e-6,
    ),
)


def cold(seed):
    return data(noise=2.5e-10, seed=seed, kelvin=np.array([[10.0]]), field=COLD_FIELD)


def pulls(found, truth):
    """(value - truth) / error, NaN where the fit says that it is not determined."""
    true = np.array([PARAMETERS[name].read(truth) for name in found.parameters])
    unknown = np.isin(found.parameters, found.undetermined)
    return np.where(unknown, np.nan, (found.values - true) / found.uncertainties)


BESIDE_OPEN = {
    "weak weights": (TUNGSTEN, TUNGSTEN_START, tungsten, TUNGSTEN_NAMES, {"dos"}, (0, 2)),
    "runs away": (TRUTH, COLD_START, cold, COLD_NAMES, {"dos", "diffusion_length"}, (1, 2)),
    "two run away": (
        TRUTH,
        COLD_START,
        cold,
        (*COLD_NAMES, "ordering_temperature"),
        {"dos", "diffusion_length", "ordering_temperature"},
        (1, 14),
    ),
}


@cache
def fit_beside_open(kind, seed):
    _, start, given, names, _, _ = BESIDE_OPEN[kind]
    return fit(start, given(seed), names)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BESIDE_OPEN)
def test_what_is_called_determined_beside_what_is_open(kind):
    """Errors conditional on the open parameters are too small by 5 to 20 for most of these."""
    truth, _, _, names, open_, seeds = BESIDE_OPEN[kind]
    found = [fit_beside_open(kind, seed) for seed in seeds]
    for each in found:
        assert open_ <= set(each.undetermined)
    got = np.array([pulls(each, truth) for each in found])
    # 2 fits of at most 4 parameters: beyond 4 once in 2000 runs of a right code
    assert np.nanmax(np.abs(got)) < 4
    angle = got[:, names.index("spin_hall_angle")]
    assert np.all(np.isfinite(angle))  # "not determined" is not the answer to everything
    assert stats.chi2(len(seeds)).sf(np.sum(angle**2)) > 1e-4


def test_an_end_of_the_range_is_not_taken_for_knowledge():
    """What hangs on a parameter at its end is as open as that: theta_SH^2 rho_L0 in the curve."""
    start = replace(TRUTH, film=replace(TRUTH.film, resistivity=2e-9))
    found = fit(start, data(noise=1e-10, known=False), ["resistivity", "spin_hall_angle"])
    assert found.undetermined == ("resistivity", "spin_hall_angle")


# --- what follows from a fit -----------------------------------------------------------------


def test_a_parameter_propagates_to_itself():
    found = fit(TRUTH, data(noise=1e-10), NAMES)
    for name, value, error in zip(NAMES, found.values, found.uncertainties, strict=True):
        got = found.propagate(PARAMETERS[name].read)
        assert got[0] == approx(value, rel=1e-14, abs=0)
        assert got[1] == approx(error, rel=1e-8, abs=0)


def test_errors_of_products_hold_the_correlations():
    """For J^2 theta: error^2 = 4 c_JJ + 4 c_Jt + c_tt in relative errors."""
    found = fit(TRUTH, data(noise=1e-10), NAMES)
    energy, angle = (PARAMETERS[name].read for name in ("exchange_energy", "spin_hall_angle"))
    value, error = found.propagate(lambda s: [[energy(s) ** 2 * angle(s), 1.0]])
    relative = found.uncertainties / np.abs(found.values)
    covariance = np.outer(relative, relative) * found.correlations
    weights = np.array([2.0, 0.0, 0.0, 1.0])
    assert value.shape == error.shape == (1, 2)
    assert error[0, 0] / abs(value[0, 0]) == approx(
        np.sqrt(weights @ covariance @ weights), rel=1e-6
    )
    assert error[0, 1] == 0.0


def test_a_number_is_lost_where_an_open_direction_changes_it_by_the_limit():
    """Along what is open a parameter may be a hundred times larger: p^k changes by k ln 100."""
    found = fit(TRUTH, data(noise=1e-10), NAMES)
    found = replace(found, open_directions=np.eye(4)[:1], limit=0.5)
    energy, most = PARAMETERS["exchange_energy"].read, 0.5 / np.log(100.0)
    for part, lost in ((0.99, False), (1.01, True)):
        _, error = found.propagate(lambda s, k=part * most: abs(energy(s)) ** k)
        assert np.isinf(error) == lost


@pytest.mark.slow
def test_tau_of_repeated_experiments_scatters_by_its_error():
    """And the covariance matters: the rate is far surer than J^2 nu_F is apart."""
    names = ("exchange_energy", "ordering_temperature", "dos", "diffusion_length")
    kelvin = np.array([20.0, 40.0, 80.0])[:, None]
    pull = []
    for seed in range(8):
        given = data(noise=1e-11, seed=seed, kelvin=kelvin)
        found = fit(TRUTH, given, names)
        tau, error = found.propagate(lambda s: om.relaxation(s, 20.0, 5.0).tau_longitudinal)
        pull.append((tau - om.relaxation(TRUTH, 20.0, 5.0).tau_longitudinal) / error)
    assert 1e-4 < stats.chi2(8).cdf(np.sum(np.square(pull))) < 1 - 1e-4


def test_what_hangs_on_open_products_is_open():
    names = (
        "thickness",
        "diffusion_length",
        "diffusion_at_fixed_diffusion_length",
        "spin_hall_angle",
    )
    found = fit(TRUTH, data(noise=1e-12), names)
    film = [
        lambda s: s.film.thickness,
        lambda s: s.film.thickness / s.film.diffusion_length,
        lambda s: s.film.thickness**2 / s.film.diffusion,
        lambda s: s.film.thickness * s.film.diffusion,
        lambda s: s.film.spin_hall_angle,
    ]
    _, error = found.propagate(lambda s: [f(s) for f in film])
    np.testing.assert_array_equal(np.isinf(error), [True, False, False, True, False])
    known = fit(TRUTH, data(noise=1e-12), names[1:])
    _, expected = known.propagate(lambda s: [f(s) for f in film])
    np.testing.assert_allclose(error[[1, 2, 4]], expected[[1, 2, 4]], rtol=1e-2)
    assert expected[0] == 0


# --- what the data leave open ----------------------------------------------------------------


def powers(combination):
    return dict(combination.exponents)


def test_thickness_length_and_diffusion_hang_together():
    """rho_L knows d/l_0 and d^2/D alone: d * l_0 * D^2 is free, and nothing else."""
    diffusion = "diffusion_at_fixed_diffusion_length"
    names = ("thickness", "diffusion_length", diffusion, "spin_hall_angle", "exchange_energy")
    found = fit(TRUTH, data(noise=1e-12), names)
    assert found.undetermined == names[:3]
    assert np.all(np.isinf(found.uncertainties[:3]))
    (left,) = found.undetermined_combinations
    assert left.uncertainty == np.inf
    expected = {"thickness": 0.5, "diffusion_length": 0.5, diffusion: 1.0}
    assert powers(left) == approx(expected, abs=1e-3)
    # true of the model itself: the same curve from another film
    film = replace(
        TRUTH.film,
        thickness=2 * TRUTH.film.thickness,
        diffusion=4 * TRUTH.film.diffusion,
        spin_flip_time=TRUTH.film.spin_flip_time,
    )
    assert film.diffusion_length == approx(2 * TRUTH.film.diffusion_length, abs=0)
    np.testing.assert_allclose(curve(replace(TRUTH, film=film)), curve(TRUTH), rtol=1e-15)
    # the others are as sure as if the three were known
    known = fit(TRUTH, data(noise=1e-12), names[1:2] + names[3:])
    assert np.all(found.uncertainties[3:] < 10 * known.uncertainties[1:])
    assert f"  {'thickness':<{len(diffusion)}} : " in repr(found)
    assert "not determined" in repr(found)
    assert "left open" in repr(found)


@pytest.mark.slow
def test_two_families_are_named_apart():
    diffusion, density = (
        "diffusion_at_fixed_diffusion_length",
        "density_at_fixed_exchange_energy",
    )
    names = ("thickness", "diffusion_length", diffusion, "dos", density)
    found = fit(TRUTH, data(noise=1e-13), names)
    lost = [powers(c) for c in found.undetermined_combinations if c.uncertainty == np.inf]
    assert len(lost) == 2
    assert sorted(map(sorted, lost)) == [
        [density, "dos"],
        [diffusion, "diffusion_length", "thickness"],
    ]
    assert next(p for p in lost if "dos" in p) == approx({"dos": 1.0, density: 1.0}, abs=1e-3)


def test_a_hot_film_does_not_tell_the_exchange():
    """At 300 K and below 2 T moments hardly order: J is lost in the noise, l_0 is not."""
    hot, weak = np.array([[300.0]]), np.linspace(0.2, 2, 12)
    sample = om.presets.pt_py(-1e-4, curie_temperature=1.0)
    given = data(sample, noise=2e-10, kelvin=hot, field=weak)
    found = fit(sample, given, ("exchange_energy", "spin_hall_angle"), limit=0.5)
    assert found.undetermined == ("exchange_energy",)
    (left,) = found.undetermined_combinations
    assert powers(left)["exchange_energy"] == 1
    assert 0.5 < left.uncertainty < np.inf


def test_a_parameter_at_the_end_of_its_range_is_not_found():
    """Started a factor 1000 from the truth, of which 100 are allowed."""
    start = replace(TRUTH, film=replace(TRUTH.film, resistivity=2e-9))
    found = fit(start, data(noise=1e-10, known=False), ["resistivity"])
    assert found.values[0] == approx(2e-7, rel=0.05)
    assert found.undetermined == ("resistivity",)


def test_determined_on_a_matrix_known_by_hand():
    """Two columns alike: their product is open, their quotient is not asked for by the data."""
    sensitivity = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 10.0], [0.0, 0.0, 0.0]])
    found = determined(("a", "b", "c"), sensitivity, 0.5)
    products = found.combinations
    assert found.lost.tolist() == [True, True, False]
    assert np.all(np.isinf(found.errors[:2]))
    assert found.errors[2] == approx(0.1)
    assert str(products[0]) == "c"
    assert powers(products[1]) == approx({"a": 1.0, "b": 1.0})
    assert products[1].uncertainty == approx(1 / np.sqrt(10) / np.sqrt(0.5))
    assert sorted(powers(products[2]).values()) == approx([-1.0, 1.0])
    assert products[2].uncertainty == np.inf


def test_a_small_weight_in_an_open_direction_counts():
    """a * b^0.02 is open: over the range of a, a factor 100, b changes by 100^0.02."""
    sensitivity = 1e4 * np.array([[-0.02, 1.0], [-0.04, 2.0], [0.0, 0.0]])
    found = determined(("a", "b"), sensitivity, 0.5)
    assert found.lost.tolist() == [True, False]
    assert found.errors[1] == approx(0.02 * np.log(100), rel=1e-3)
    for limit, lost in ((0.091, True), (0.093, False)):  # about 0.02 ln 100 = 0.0921
        assert determined(("a", "b"), sensitivity, limit).lost[1] == lost


# --- the table -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (-0.3, 1.8e-7, "-0.30000000 +- 1.8e-07"),
        (-0.30000002, 1.8e-7, "-0.30000002 +- 1.8e-07"),
        (23.8377, 0.149, "23.84 +- 0.15"),
        (1344.6, 55.0, "1345 +- 55"),
        (0.1, 0.0999, "0.10 +- 0.1"),
        (-7.0078e-4, 2.1e-6, "-0.0007008 +- 2.1e-06"),
        (3.4061e27, 5e24, "3.4061e+27 +- 5e+24"),
        (2e-6, 0.0, "2e-06 +- 0"),
    ],
)
def test_values_are_shown_to_the_second_digit_of_their_error(value, error, shown):
    assert value_with_error(value, error) == shown


# --- files and errors ------------------------------------------------------------------------


def write(path, header, *rows):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


HEADER = "temperature,field,b_x,b_y,b_z,longitudinal,uncertainty"


def test_csv_and_arrays_are_one(tmp_path):
    given = data(noise=1e-10)
    rows = [
        f"{t!r},{f!r},1,0,0,{r!r},1e-10"
        for t, f, r in zip(
            given.temperature.tolist(),
            given.field.tolist(),
            given.longitudinal.tolist(),
            strict=True,
        )
    ]
    path = write(tmp_path / "curve.csv", HEADER, *rows)
    read = read_csv(path)
    for name in ("longitudinal", "temperature", "field", "direction", "uncertainty"):
        np.testing.assert_array_equal(getattr(read, name), getattr(given, name))
    one, two = fit(TRUTH, path, NAMES), fit(TRUTH, given, NAMES)
    np.testing.assert_array_equal(one.values, two.values)


def test_bad_files(tmp_path):
    short = write(tmp_path / "a.csv", "temperature,field", "10,1")
    with pytest.raises(om.ParameterError, match=r"`path` must be a table of.*no column 'longitud"):
        read_csv(short)
    with pytest.raises(om.ParameterError, match="no row"):
        read_csv(write(tmp_path / "b.csv", HEADER))
    word = write(tmp_path / "c.csv", HEADER, "10,1,1,0,0,2e-6,1e-9", "10,cold,1,0,0,2e-6,1e-9")
    with pytest.raises(om.ParameterError, match="column 'field' of line 3, got 'cold'"):
        read_csv(word)
    gap = write(tmp_path / "d.csv", HEADER, "10,1,1,0,0,2e-6")
    with pytest.raises(om.ParameterError, match="column 'uncertainty' of line 2, got ''"):
        read_csv(gap)


def test_interrupted_fit_is_an_error(monkeypatch):
    monkeypatch.setattr(diagnosis, "_MOST_STEPS", 1)
    start = om.presets.pt_py(-0.5e-3)
    with pytest.raises(om.ConvergenceError, match=r"stopped after \d+ evaluations"):
        fit(start, data(), NAMES)


@cache
def fitted():
    return fit(TRUTH, data(), ["dos"])


GIVEN = {"temperature": 10.0, "field": [1.0, 2.0], "direction": (1, 0, 0)}
BAD = [
    (lambda: measured([2e-6, -1e-6], **GIVEN), "`longitudinal` must be > 0 Ohm m, got -1e-06"),
    (lambda: measured(2e-6, **{**GIVEN, "temperature": 0.0}), "`temperature`.*> 0 K, got 0.0"),
    (lambda: measured(2e-6, **{**GIVEN, "field": np.nan}), "`field`.*in T, got nan"),
    (lambda: measured(2e-6, **{**GIVEN, "direction": (1, 0)}), r"`direction`.*\(2,\)"),
    (lambda: measured(2e-6, uncertainty=0.0, **GIVEN), "`uncertainty`.*> 0 Ohm m, got 0.0"),
    (lambda: measured([2e-6] * 3, **GIVEN), r"shapes must broadcast, got `longitudinal` \(3,\)"),
    (lambda: fit("film", data(), NAMES), "`sample` must be an openmr.Sample"),
    (lambda: fit(TRUTH, 3, NAMES), "`data` must be a Measured or the path of a CSV file, got 3"),
    (lambda: fit(TRUTH, data(), ["colour"]), "`parameters` must be one of.*'dos'.*'colour'"),
    (lambda: fit(TRUTH, data(), []), "`parameters` must name.*once, got"),
    (lambda: fit(TRUTH, data(), ["dos", "dos"]), "`parameters` must name each parameter once"),
    (lambda: fit(TRUTH, data(), ["weiss", "ordering_temperature"]), "one of `weiss` and `ordering"),
    (lambda: fit(ferrimagnet(), data(), ["exchange"]), "`exchange` of the sample must be the same"),
    (lambda: fit(TRUTH, data(), ["spin"]), "`parameters` must be one of.*'dos'.*'spin'"),
    (lambda: fit(TRUTH, measured(2e-6, **GIVEN), ["dos", "thickness"]), "`data`.*got 2 points"),
    (lambda: fit(om.presets.pt_py(0.0), data(), NAMES), "`sample`.*'exchange_energy'.*got 0"),
    (lambda: fit(PARAMAGNET, data(), NAMES), "`sample`.*'ordering_temperature'.*got 0"),
    (lambda: fit(TRUTH, data(), NAMES, limit=0.0), "`limit`.*> 0, got 0.0"),
    (lambda: fit(TRUTH, data(), ["dos"], order="third"), "`order`.*'third'"),
    (
        lambda: fit(
            replace(TRUTH, film=replace(TRUTH.film, spin_hall_angle=-0.8)),
            data(),
            "spin_hall_angle",
        ),
        "`sample`.*'spin_hall_angle' from less than 0.7 in size, got -0.8",
    ),
    (lambda: fitted().propagate(3), "`function` must be callable with a sample, got 3"),
    (lambda: fitted().propagate(lambda s: "two"), "`function` must.*real numbers, got 'two'"),
    (lambda: fitted().propagate(lambda s: 1j), "`function` must.*real numbers, got 1j"),
    (lambda: fitted().propagate(lambda s: np.inf), "`function` must.*finite.*got inf"),
    (lambda: fitted().propagate(lambda s: [1.0, [2.0]]), "`function` must.*real numbers"),
    (
        lambda: fitted().propagate(lambda s: np.ones(1 + (s != fitted().sample))),
        r"`function` must return the shape \(1,\) for every sample",
    ),
    (lambda: fit(TRUTH, data(), ["dos"]).interval("thickness"), "`name` must be one of 'dos'"),
    (lambda: fit(TRUTH, data(), ["dos"]).interval("dos", 1.0), "`level`.*got 1.0"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


COLUMNS = "longitudinal,temperature,field,b_x,b_y,b_z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{COLUMNS}\n\n\n2e-6,10,1,1,0,0\n2e-6,ten,1,1,0,0\n",
            "line 5, got 'ten'",
        ),
        (f"{COLUMNS}\n2e-6,10,1,1,0,0,7\n", "6 cells in line 2, got 7"),
        (f"{COLUMNS},longitudinal\n2e-6,10,1,1,0,0,2e-11\n", "once, in lower case, got 'longitu"),
        (f"{COLUMNS},Uncertainty\n2e-6,10,1,1,0,0,1e-11\n", "lower case, got 'Uncertainty'"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(om.ParameterError) as caught:
        om.diagnosis.read_csv(path)
    assert message in str(caught.value)


def test_tables_as_spreadsheets_write_them(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(COLUMNS.replace(",", " , ") + "\n2e-6,10,1,1,0,0\n", encoding="utf-8-sig")
    assert om.diagnosis.read_csv(path).temperature == [10.0]
    path.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(om.ParameterError, match="text table"):
        om.diagnosis.read_csv(path)


def test_numbers_of_a_face_are_fitted_by_the_names_of_the_table():
    sample = om.presets.pt_yig("Vlietstra2013")
    directions = om.scan_directions("yz", np.linspace(0.0, np.pi, 9))
    rho = om.magnetoresistance(sample, 300.0, 9.0, directions, order="exact").longitudinal
    data = diagnosis.measured(temperature=300.0, field=9.0, direction=directions, longitudinal=rho)
    names = ("bottom.G_r", "layers.0.resistivity")
    start = varied(sample, {"bottom.G_r": 4e14, "layers.0.resistivity": 3.9e-7})
    found = diagnosis.fit(start, data, names)
    assert found.values == approx([7e14, 40e-8], rel=1e-6)
    assert found.sample.stack.bottom.G_r == found.values[0]
    assert "bottom.G_r" in str(found)
    with pytest.raises(om.ParameterError, match=r"unknown parameter `bottom\.G`"):
        diagnosis.fit(start, data, ["bottom.G"])
    with pytest.raises(om.ParameterError, match="`parameters` must be one of"):
        diagnosis.fit(start, data, ["layers.0.disorder"])
