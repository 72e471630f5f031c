"""Fits of real-looking data: right values with right errors, or the reason why there are none."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import interval_coverage as rows
import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from scipy import optimize
from systems import oriented, reference_film

import openmr as om
from openmr.data import curves, noise, saved
from openmr.data import fit as fits
from openmr.data.nuisance import columns_of, rows_of
from openmr.rates import closed_form
from openmr.sample.parameters import PARAMETERS, varied

NAMES = rows.NAMES
LENGTH, DIFFUSION = "diffusion_length", "diffusion_at_fixed_diffusion_length"


@cache
def found(row="all", seed=71):
    return om.fit(rows.data(row, seed), rows.START, NAMES)


def pulls(fit, true):
    return (fit.values - np.array(true)) / fit.uncertainties


def test_an_anisotropy_is_found_like_any_number():
    true = np.array([3e-4, 1e-4])
    sample = reference_film(oriented(1.5, anisotropy=true), weiss=1e-4)
    up, noise = np.linspace(-6.0, 6.0, 13), np.random.default_rng(1).normal(size=52)
    grid = {
        "temperature": np.repeat([4.0, 10.0], 26),
        "field": np.tile(np.concatenate([up, up[::-1]]), 2),
        "direction": (1, 2, 3),
    }
    rho = om.magnetoresistance(sample, **grid, order="exact", method="batched").longitudinal
    data = om.diagnosis.measured(rho * (1 + 1e-7 * noise), **grid, time=10.0 * np.arange(52))
    names = ("anisotropy", "rhombicity")
    start = varied(sample, dict(zip(names, 0.6 * true, strict=True)))
    fit = om.fit(data, start, names, method="batched")
    assert np.abs(pulls(fit, true)).max() <= 4
    np.testing.assert_allclose(fit.values, true, rtol=1e-2)


# --- files with known truth --------------------------------------------------------------------

FILES = Path(__file__).parent / "files"


def bare(thickness):
    film = om.Film(thickness, 0.1, 2e-6, resistivity=6e-7, diffusion_length=2e-9)
    return om.Sample(None, om.Electrons.free(1.0), film)


def test_both_resistivities_of_a_hall_bar():
    """Outliers, drift, Hall pick-up and a residual resistivity that changes with temperature."""
    data = om.read(
        FILES / "ppms_pt_py.dat",
        geometry=om.Geometry(width=10e-6, length=100e-6, thickness=5e-9),
        direction=(1, 0, 0),
        longitudinal="Bridge 1 Resistance (Ohms)",
        transverse="Bridge 2 Resistance (Ohms)",
    )
    fit = om.fit(data, om.presets.pt_py(-0.5e-3, curie_temperature=30.0), NAMES)
    assert fit.verdict == "good"
    assert np.all(np.abs(pulls(fit, [-0.7e-3, 24.0, 0.1])) < 3)
    cold, warm = fit.resistivities
    assert warm.resistivity / cold.resistivity == approx(1.003, abs=0.002)
    assert 1 <= len(fit.flagged) <= 12
    assert {one.component for one in fit.flagged} <= {"longitudinal", "transverse"}


def test_a_series_of_thicknesses():
    sizes = {"Pt3": 3e-9, "Pt5": 5e-9, "Pt7": 7e-9, "Pt12": 12e-9}
    bars = {film: om.Geometry(width=20e-6, length=400e-6, thickness=d) for film, d in sizes.items()}
    data = om.read(FILES / "thickness_series.csv", geometry=bars, film="Probe", direction=(1, 0, 0))
    samples = {film: bare(d) for film, d in sizes.items()}
    fit = om.fit(data, samples, ["spin_hall_angle", LENGTH, DIFFUSION])
    assert fit.verdict == "good"
    assert np.all(np.abs(pulls(fit, [0.056, 1.2e-9, 4e-6])) < 3)
    assert all(0.2 < one.memory < 0.8 for one in fit.noise)  # it is 0.6
    assert {one.film for one in fit.resistivities} == set(sizes)
    assert fit.sample("Pt7").film.thickness == 7e-9


def test_one_film_does_not_tell():
    data = om.read(
        FILES / "one_film_utf16.txt",
        geometry=om.Geometry(squares=10, thickness=7e-9),
        direction=(1, 0, 0),
    )
    fit = om.fit(data, bare(7e-9), ["spin_hall_angle", LENGTH, DIFFUSION])
    assert fit.verdict == "not determined"
    assert fit.undetermined == ("spin_hall_angle", LENGTH, DIFFUSION)
    assert np.all(np.isinf(fit.uncertainties))
    assert fit.adequacy.tested == ""
    assert "not determined" in repr(fit)
    assert "not tested" in repr(fit)


# --- when the model is wrong -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("row", ["white", "memory", "all"])
@pytest.mark.parametrize("width", [0.9, 1.6])
def test_a_cusp_is_refused_and_nothing_has_an_error(row, width):
    """Ten standard deviations high; ten and fourteen of 148 points wide."""
    data = rows.data(row, 5)
    inside = (np.abs(data.field) < width + 0.2) & (data.temperature < 20)
    assert inside.sum() >= 10
    cusp = 10 * rows.SIGMA * inside
    fit = om.fit(replace(data, longitudinal=data.longitudinal + cusp), rows.START, NAMES)
    assert fit.verdict == "does not describe"
    assert fit.adequacy.probability < 1e-6
    assert np.all(np.isnan(fit.uncertainties))
    assert np.isnan(fit.interval(NAMES[0])).all()
    assert np.isnan(fit.propagate(lambda s: s.film.spin_hall_angle)[1])
    frame = fit.to_dataframe()
    assert list(frame.parameter) == list(fit.parameters)
    assert np.array_equal(frame.value, fit.values)
    assert frame.uncertainty.isna().all()
    assert fit.to_xarray().attrs["verdict"] == "does not describe"
    for text in (repr(fit), fit.report(), fit._repr_html_()):
        assert "+-" not in text
        assert "does not describe" in text


def test_given_noise_that_is_too_small_is_refused():
    data = rows.data("white", 3)
    stated = replace(data, uncertainty=np.full(148, 0.5 * rows.SIGMA))
    assert om.fit(stated, rows.START, NAMES, noise="given").verdict == "does not describe"
    found = om.fit(stated, rows.START, NAMES)
    assert found.verdict == "good"
    assert found.noise[0].sigma / found.noise[0].given == approx(2, rel=0.2)


@pytest.mark.slow
def test_the_other_sign_of_the_exchange_ends_in_the_truth():
    start = om.presets.pt_py(+0.5e-3, curie_temperature=30.0)
    fit = om.fit(rows.data("white", 4), start, NAMES)
    assert fit.verdict == "good"
    assert np.all(np.abs(pulls(fit, rows.TRUTH)) < 4)
    alone = om.fit(rows.data("white", 4), start, NAMES, starts="one")
    assert alone.verdict == "does not describe"


# --- the mathematics ---------------------------------------------------------------------------


def test_errors_by_projection_are_those_of_all_unknowns_together():
    fit = found()
    projected = fit.engine.slopes(fit.logs)
    joint = fit.engine.joint_slopes(fit.logs)
    size = np.linalg.norm(joint, axis=0)
    covariance = np.linalg.inv((joint / size).T @ (joint / size)) / np.outer(size, size)
    many = len(NAMES)
    np.testing.assert_allclose(
        np.linalg.inv(projected.T @ projected), covariance[:many, :many], rtol=1e-10
    )


def test_the_relative_resistivity_does_not_hang_on_that_of_the_film():
    sample, field = rows.FILM, np.linspace(-9, 9, 7)
    for order in ("second", "exact"):
        relative = []
        for rho in (1e-8, 2e-6, 7e-5):
            film = replace(sample.film, resistivity=rho)
            curve = om.magnetoresistance(
                replace(sample, film=film), 10.0, field, (0.6, 0.0, 0.8), order=order
            )
            relative.append(np.stack([curve.longitudinal, curve.transverse]) / rho)
        np.testing.assert_allclose(relative[1:], np.stack(relative[:1] * 2), rtol=1e-14)


OF_OTHERS = ("neel_temperature", "anisotropy", "rhombicity")
"""Parameters of films that this one is not: two sublattices, moments with axes."""
FREE = [
    name
    for name, row in PARAMETERS.items()
    if row.continuous and not row.instead and name not in OF_OTHERS
]


@pytest.mark.parametrize("name", FREE)
def test_a_stage_that_is_kept_gives_what_is_solved_anew(name):
    """Every parameter after every other: no stage is kept that it changes."""
    sample = rows.FILM
    points = np.full(5, 12.0), np.linspace(0.5, 9, 5), np.tile([0.6, 0.0, 0.8], (5, 1))
    kept = curves.curve(*points, "exact", {})
    change = curves.changed_by(sample)
    for other in (None, "exchange_energy", "spin_hall_angle", "ordering_temperature", LENGTH):
        for factor in (1.0, 1.1):
            changes = {name: PARAMETERS[name].read(sample) * factor}
            if other is not None and not set(PARAMETERS[other].sets) & set(PARAMETERS[name].sets):
                changes |= {other: PARAMETERS[other].read(sample) * 1.01}
            np.testing.assert_array_equal(
                kept(change(changes)),
                curves.curve(*points, "exact", {})(varied(sample, changes)),
            )


def test_stages_are_solved_only_when_they_change(monkeypatch):
    """theta_SH asks for no rates, and J, dos, D and l_0 for no equilibrium."""
    counts = {"equilibrium": 0, "relaxation_at": 0}
    for name in (*counts, "thermal_state"):
        real = getattr(curves, name)

        def counted(*args, name=name, real=real, **options):
            counts["relaxation_at" if name == "relaxation_at" else "equilibrium"] += 1
            return real(*args, **options)

        monkeypatch.setattr(curves, name, counted)
    curve = curves.curve(
        np.full(3, 12.0), np.arange(3.0), np.tile([1.0, 0, 0], (3, 1)), "exact", {}
    )
    curve(rows.FILM)
    start = dict(counts)
    for name in ("spin_hall_angle", "thickness", "resistivity", LENGTH, DIFFUSION):
        curve(varied(rows.FILM, {name: 1.01 * PARAMETERS[name].read(rows.FILM)}))
    assert counts == start
    for name in ("exchange_energy", "dos"):
        curve(varied(rows.FILM, {name: 1.01 * PARAMETERS[name].read(rows.FILM)}))
    assert counts["equilibrium"] == start["equilibrium"]
    assert counts["relaxation_at"] == start["relaxation_at"] + 2
    curve(varied(rows.FILM, {"ordering_temperature": 25.0}))
    assert counts["equilibrium"] == start["equilibrium"] + 1


def test_a_key_without_the_ordering_temperature_would_be_noticed(monkeypatch):
    monkeypatch.setattr(curves, "_moments_key", lambda magnet: ())
    with pytest.raises(AssertionError):
        test_a_stage_that_is_kept_gives_what_is_solved_anew("ordering_temperature")


def plain(**changes):
    """Films side by side that differ in every parameter, and in the sign of J."""
    base = varied(rows.FILM, changes)
    names = [name for name in FREE if name not in {"neel_temperature", *changes}]
    each = [varied(base, {name: 1.1 * PARAMETERS[name].read(base)}) for name in names]
    return [base, varied(base, {"exchange_energy": 0.7e-3}), *each]


def beside(samples, order="exact", **options):
    """The same points side by side, and one by one by `om.magnetoresistance`."""
    points = np.repeat([12.0, 31.0], 5), np.tile(np.linspace(-9, 9, 5), 2)
    b = np.tile([[0.6, 0.0, 0.8], [0.3, -0.5, 0.1]], (5, 1))
    found = curves.SideBySide(*points, b, order, options)(samples)
    for one, sample in zip(found, samples, strict=True):
        rho = om.magnetoresistance(sample, *points, b, order=order, **options)
        bare = curves.bare_resistivity(sample)
        np.testing.assert_allclose(one[0], rho.longitudinal / bare, rtol=1e-14)
        across = rho.transverse / bare
        np.testing.assert_allclose(one[1], across, rtol=1e-10, atol=1e-13 * np.ptp(across))


@pytest.mark.parametrize("order", ["exact", "second"])
def test_samples_side_by_side_are_those_solved_one_by_one(order):
    beside(plain(), order)
    beside(plain(spin_flip_time=np.inf), order)
    beside(plain(), order, form="finite-splitting")
    beside([om.presets.pt_py(0.5e-3), om.presets.pt_yig()][:1], order, method="batched")
    axial = varied(rows.FILM, {"exchange_energy": (1e-3, 1e-3, 2e-3)})
    beside([axial, varied(axial, {"electron_g": 2.1})], order)
    oblique = varied(rows.FILM, {"exchange_energy": (1e-3, 2e-3, 2e-3)})
    beside([rows.FILM, oblique], order)
    free = replace(rows.FILM, magnet=om.presets.pt_py().magnet)
    beside([free, rows.FILM], order)


def test_nearly_isotropic_films_side_by_side_keep_their_digits(monkeypatch):
    """1/tau_perp - 1/tau_par as a sum is that of each film alone."""
    points = np.full(3, 300.0), np.array([0.05, 0.1, 0.2])
    b = np.tile([0.6, 0.8, 0.0], (3, 1))
    samples = [rows.FILM, *(varied(rows.FILM, {"dos": size}) for size in (1e27, 5e27))]
    real, found = closed_form.excess_at, []

    def spied(*args):
        found.append(real(*args).ravel())
        return found[-1]

    monkeypatch.setattr(closed_form, "excess_at", lambda *args: spied(*args)[:, None])

    def check():
        found.clear()
        curves.SideBySide(*points, b, "exact", {})(samples)
        for one in samples:
            om.magnetoresistance(one, *points, b, order="exact")
        np.testing.assert_allclose(found[0], np.concatenate(found[1:]), rtol=1e-14)

    check()
    of_films = curves._Sides.of_films
    monkeypatch.setattr(curves._Sides, "of_films", lambda self, which: of_films(self, 0 * which))
    with pytest.raises(AssertionError):
        check()


def test_a_film_that_is_not_plain_would_be_noticed(monkeypatch):
    monkeypatch.setattr(curves, "_is_plain", lambda sample: True)
    oblique = varied(rows.FILM, {"exchange_energy": (1e-3, 2e-3, 2e-3)})
    with pytest.raises(AssertionError):
        beside([oblique, varied(oblique, {"spin_hall_angle": 0.2})])


def test_points_of_another_order_would_be_noticed(monkeypatch):
    """Without the points scaled, every film would order at the temperature of the first."""
    real = curves.thermal_state
    monkeypatch.setattr(
        curves, "thermal_state", lambda sample, t, b: real(sample, 0 * t + t[:1], 0 * b + b[:1])
    )
    with pytest.raises(AssertionError):
        beside([rows.FILM, varied(rows.FILM, {"ordering_temperature": 28.0})])


def powers_of(names, sample=rows.FILM):
    return curves.powers(sample, curves.changed_by(sample), names)


def moved(names, factors):
    """Numbers of a film by powers, and of the sample itself."""
    values = np.array([PARAMETERS[name].read(rows.FILM) for name in names]) * factors
    sample = varied(rows.FILM, dict(zip(names, values.tolist(), strict=True)))
    return powers_of(names).numbers(values[None])[0], curves._numbers(sample)


POWERS = [
    (one, other)
    for one in FREE
    for other in FREE
    if not set(PARAMETERS[one].sets) & set(PARAMETERS[other].sets)
    and not {one, other} & {"dos_up", "dos_down"}
    and np.isfinite([PARAMETERS[name].read(rows.FILM) for name in (one, other)]).all()
]


def test_parameters_enter_films_as_powers():
    """Two together, far from the start: what is put first may be undone by the other."""
    for names in POWERS:
        np.testing.assert_allclose(*moved(names, np.array([1.7, 0.4])), rtol=1e-14)


def test_what_is_no_power_is_left_to_samples(monkeypatch):
    assert powers_of(["dos_up"]) is None
    oblique = varied(rows.FILM, {"exchange_energy": (1e-3, 2e-3, 2e-3)})
    assert powers_of([LENGTH], oblique) is None
    assert powers_of(["spin_flip_time"], varied(rows.FILM, {"spin_flip_time": np.inf})) is None
    real = curves.Powers.numbers
    monkeypatch.setattr(
        curves.Powers,
        "numbers",
        lambda self, values: real(self._replace(start=1.1 * self.start), values),
    )
    with pytest.raises(AssertionError):
        test_parameters_enter_films_as_powers()


def test_a_search_refuses_what_a_sample_would():
    for values in ([1e-3, 2.0], [1e9, 0.1]):
        with pytest.raises(om.ParameterError, match="must be between"):
            powers_of(["exchange_energy", "spin_hall_angle"]).numbers(np.array([values]))


def test_slopes_of_a_search_are_as_good_as_finer_ones(monkeypatch):
    fit = found()
    fine = fit.engine.slopes(fit.logs)
    largest = np.max(np.abs(fine), axis=0)

    def error(near):
        return np.max(np.max(np.abs(near - fine), axis=0) / largest)

    assert error(fit.engine.near(fit.logs)[1]) < 1e-7  # rounding
    parts = [part._replace(powers=None) for part in fit.engine.model.parts]
    monkeypatch.setattr(fit.engine.model, "parts", parts)
    forward = fit.engine.near(fit.logs)[1]
    assert 1e-7 < error(forward) < 1e-5


def test_a_fit_ends_at_the_minimum():
    """To 1e-8, as SciPy finds it with differences of its own."""
    fit = found()
    problem = fit.engine.problem
    best = optimize.least_squares(
        problem.residuals,
        fit.logs + 1e-3,
        jac=problem.slopes,
        x_scale="jac",
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    # losses, which SciPy compares, tell logarithms apart to 1e-8 alone
    step = np.linalg.lstsq(problem.slopes(best.x), -problem.residuals(best.x), rcond=None)[0]
    np.testing.assert_allclose(fit.logs, best.x + step, atol=1e-8)


def test_curves_that_are_kept_go_when_the_faces_count_anew():
    fit = found()
    model, values = fit.engine.model, fit.values[None]
    first = model(values)
    assert model.kept
    model.at_resistivities({0: 1e-6})
    assert not model.kept
    np.testing.assert_array_equal(model(values), first)


# --- the noise ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_good_point_is_flagged_and_no_bad_one_kept():
    """In 40 files of 148 points; one good point in 150 000 lies beyond 4.5 by chance."""
    wrong = 0
    for seed in range(40):
        data = rows.data("white", 2000 + seed)
        bad = np.random.default_rng(seed).choice(148, 4, replace=False)
        spoilt = data.longitudinal.copy()
        spoilt[bad] += 20 * rows.SIGMA
        fit = om.fit(replace(data, longitudinal=spoilt), rows.FILM, "spin_hall_angle", starts="one")
        wrong += len({one.point for one in fit.flagged} ^ set(bad.tolist()))
    assert wrong <= 1


def test_transverse_cells_know_the_odd_part():
    """rho_T(B) is not rho_T(-B): with |B| alone for a cell, good points would be noise."""
    field = np.tile(np.linspace(-9, 9, 31), 2)
    given = {"temperature": 10.0, "field": field, "direction": (0.5, 0.3, 0.8)}
    rho = om.magnetoresistance(rows.FILM, **given, order="exact")
    rng = np.random.default_rng(8)
    data = om.diagnosis.measured(
        rho.longitudinal + 2e-10 * rng.normal(size=62),
        transverse=rho.transverse + 2e-11 * rng.normal(size=62),
        **given,
    )
    fit = om.fit(data, rows.START, NAMES)
    assert fit.verdict == "good"
    assert len(fit.flagged) == 0
    assert fit.noise[1].sigma == approx(2e-11, rel=0.35)


def test_memory_is_found_with_points_left_out():
    rng = np.random.default_rng(3)
    values = np.empty(2000)
    values[0] = rng.normal()
    for i in range(1, 2000):
        values[i] = 0.7 * values[i - 1] + np.sqrt(0.51) * rng.normal()
    kept = np.sort(rng.choice(2000, 1500, replace=False))
    data = om.diagnosis.measured(
        2e-6 + 1e-10 * values[kept],
        temperature=10.0,
        field=np.linspace(0, 9, 1500),
        direction=(1, 0, 0),
        time=kept.astype(float),
    )
    table = rows_of([data])
    block = noise.Block(np.arange(1500), None, np.ones((1500, 1)) / np.sqrt(1500))
    memory = noise.memory_of(table.value, table, [block], np.zeros(1500, dtype=bool))
    assert memory.memory == approx(0.7, abs=0.06)
    assert memory.sigma == approx(1e-10, rel=0.15)
    links = noise.chain(
        np.arange(1500), table.run, table.position, np.full(1500, 1e-10), np.full(1500, 0.7)
    )
    white = links.whiten(table.value - 2e-6)
    assert np.std(white) == approx(1, abs=0.1)
    assert abs(np.corrcoef(white[1:], white[:-1])[0, 1]) < 0.08


def known_memory(fit, sigma, phi):
    """Step to the minimum and covariance, were the noise known."""
    every = np.ones(len(fit.rows))
    inner = fit.engine.around(fit.logs)[1]
    return fit.engine.with_noise(sigma * every, phi * every).estimate(fit.logs, inner)


def test_errors_know_that_the_memory_is_not_known(monkeypatch):
    """The law of total variance over random draws of phi equals the sum over its posterior."""
    kept = []
    real = fits.memory_of
    monkeypatch.setattr(fits, "memory_of", lambda *given: kept.append(real(*given)) or kept[-1])
    fit = om.fit(rows.data("memory", 3), rows.START, NAMES)
    one = kept[-1]
    draws = np.random.default_rng(0).choice(len(one.odds), 300, p=one.odds)
    found = [known_memory(fit, one.sigmas[k], one.memories[k]) for k in range(len(one.odds))]
    steps = np.array([found[k][0] for k in draws])
    within = np.array([np.diag(found[k][1]) for k in draws])
    total = within.mean(axis=0) + steps.var(axis=0)
    np.testing.assert_allclose((fit.uncertainties / fit.values) ** 2, total, rtol=0.1)
    assert np.all(np.abs(fit.widened - 1) > 1e-4)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_the_mean_of_phi_is_not_drawn_to_either_side(phi):
    """Over 40 series of 150 points with 10 unknown coefficients."""
    found, spread = [], np.linspace(-1, 1, 150)
    design = np.linalg.qr(np.polynomial.legendre.legvander(spread, 9))[0]
    for seed in range(40):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=150)
        for i in range(1, 150):
            values[i] = phi * values[i - 1] + np.sqrt(1 - phi**2) * values[i]
        data = om.diagnosis.measured(
            2e-6 + 1e-10 * values, temperature=10.0, field=9 * spread, direction=(1, 0, 0)
        )
        table = rows_of([data])
        block = noise.Block(np.arange(150), None, design)
        found.append(noise.memory_of(table.value, table, [block], np.zeros(150, dtype=bool)).memory)
    assert np.mean(found) == approx(phi, abs=0.05)


def test_drift_and_hall_of_one_sweep_are_one_column():
    sweep = np.linspace(0, 9, 20)
    data = om.diagnosis.measured(
        np.full(20, 2e-6), temperature=10.0, field=sweep, direction=(1, 0, 0)
    )
    columns, terms = columns_of(rows_of([data]), ("drift", "hall"))
    assert columns.shape == (20, 1)
    assert [term.kind for term in terms] == ["hall"]


@pytest.mark.slow
@pytest.mark.parametrize("row", ["outliers", "all"])
def test_intervals_hold_the_truth_at_the_stated_rate(row):
    """60 fits: 0.68 +- 0.06; three standard deviations are allowed."""
    outcomes = [rows.outcome(row, 30_000 + seed) for seed in range(60)]
    held = np.mean([one.held for one in outcomes], axis=0)
    assert np.all((held[0] > 0.50) & (held[0] < 0.88)), held
    assert np.all(held[1] > 0.86), held
    assert sum(one.verdict == "does not describe" for one in outcomes) <= 2


# --- shared parameters, priors, stacks -----------------------------------------------------------


def test_a_parameter_of_every_temperature():
    """theta_SH larger by a fifth in the warm film."""
    data = rows.data("white", 12)
    warm = replace(rows.FILM, film=replace(rows.FILM.film, spin_hall_angle=0.12))
    rho = om.magnetoresistance(warm, 30.0, data.field, (1, 0, 0), order="exact").longitudinal
    mixed = np.where(
        data.temperature > 20, data.longitudinal - rows.exact() + rho, data.longitudinal
    )
    data = replace(data, longitudinal=mixed)
    shared = om.fit(data, rows.START, NAMES)
    apart = om.fit(data, rows.START, NAMES, per={"spin_hall_angle": "temperature"})
    assert shared.verdict == "does not describe"
    assert apart.verdict == "good"
    assert apart.parameters[2:] == ("spin_hall_angle[10 K]", "spin_hall_angle[30 K]")
    assert np.all(np.abs(pulls(apart, [-0.7e-3, 24.0, 0.1, 0.12])) < 4)
    assert apart.sample(temperature=30.0).film.spin_hall_angle == approx(0.12, rel=0.1)


def test_what_is_known_from_elsewhere_counts():
    data = rows.data("white", 13)
    free = om.fit(data, rows.START, [*NAMES, LENGTH])
    held = om.fit(data, rows.START, NAMES, known={LENGTH: (3e-9, 1e-11)})
    fixed = om.fit(data, rows.START, NAMES)
    assert held.parameters == (*NAMES, LENGTH)
    assert held.uncertainties[2] < free.uncertainties[2]
    np.testing.assert_allclose(held.values[:3], fixed.values, rtol=0.02)
    assert held.uncertainties[3] <= 1.0001e-11


def test_the_mixing_conductance_of_a_stack():
    truth = om.presets.pt_yig()
    field = np.tile(np.linspace(0.5, 9.0, 5), 1)[:, None]
    b = om.scan_directions("yz", np.linspace(0, 2 * np.pi, 33))
    given = {"temperature": 300.0, "field": field, "direction": b}
    rho = om.magnetoresistance(truth, **given, order="exact").longitudinal
    sigma = 1e-6 * rho.mean()
    noisy = rho + sigma * np.random.default_rng(2).normal(size=rho.shape)
    data = om.diagnosis.measured(noisy, **given)
    start = varied(truth, {"bottom.G_r": 2e14})
    fit = om.fit(data, start, "bottom.G_r")
    assert fit.verdict == "good"
    assert abs(pulls(fit, [4e14])[0]) < 4


# --- the record --------------------------------------------------------------------------------


def test_a_fit_is_read_as_it_was_saved(tmp_path):
    fit = found()
    fit.save(tmp_path / "fit.json")
    again = om.Fit.load(tmp_path / "fit.json")
    assert repr(again) == repr(fit)
    assert again.report() == fit.report()
    np.testing.assert_array_equal(again.residuals, fit.residuals)
    assert again.sample() == fit.sample()
    assert again.to_dict() == fit.to_dict()


def test_every_preset_and_open_answers_can_be_saved():
    """inf and nan, and every preset."""
    for preset in om.presets.PRESETS.values():
        assert saved._built(saved._plain(preset())) == preset()
    for value in (np.inf, -np.inf):
        assert saved._built(saved._plain(value)) == value


def test_nothing_but_records_is_built_from_a_file(tmp_path):
    path = tmp_path / "fit.json"
    path.write_text('{"schema": "openmr/fit/1", "fit": {"class": "Popen", "args": ["ls"]}}')
    with pytest.raises(om.ParameterError, match="whole fit"):
        om.Fit.load(path)
    path.write_text("[1]")
    with pytest.raises(om.ParameterError, match="schema"):
        om.Fit.load(path)


def test_the_record_holds_what_a_figure_needs():
    fit = found()
    np.testing.assert_allclose(fit.fitted, fit.physics + fit.instrument)
    np.testing.assert_allclose(fit.residuals, (fit.rows.value - fit.fitted) / fit.sigma)
    assert np.std(fit.residuals[fit.good]) == approx(1, abs=0.25)
    assert (~fit.good).sum() == len(fit.flagged) > 0
    assert np.all(np.abs(fit.residuals[~fit.good]) > 4)
    mask = fit.rows.temperature < 20
    curve = fit.model(10.0, fit.rows.field[mask], (1, 0, 0))
    np.testing.assert_allclose(curve.longitudinal, fit.physics[mask], rtol=1e-12)


def test_profile_and_error_agree_where_the_model_is_linear():
    fit = found()
    low, high = fit.interval("spin_hall_angle", of="profile")
    np.testing.assert_allclose(
        (low, high), fit.interval("spin_hall_angle"), atol=0.1 * fit.uncertainties[2]
    )
    _, rise = fit.profile("spin_hall_angle", [0.95 * fit.values[2], fit.values[2]])
    assert rise[1] == approx(0, abs=1e-3)
    assert rise[0] > 1


def marginal(fit, logs):
    """The same from the whole covariance of the noise and all columns at once."""
    engine, at, rows = fit.engine, fit.good, fit.rows
    lag = np.abs(rows.position[:, None] - rows.position)
    noise = np.where(rows.run[:, None] == rows.run, fit.noise[0].memory ** lag, 0.0)
    noise = (fit.noise[0].sigma ** 2 * noise)[np.ix_(at, at)]
    ratio = engine.ratio(logs)[:, None] * (rows.group[:, None] == np.arange(len(rows.groups)))
    free, y = np.column_stack([ratio, engine.columns / 2e-6])[at], rows.value[at]
    inverse = np.linalg.inv(noise)
    curvature = free.T @ inverse @ free
    best = np.linalg.solve(curvature, free.T @ inverse @ y)
    left = y - free @ best
    return -0.5 * left @ inverse @ left - 0.5 * np.linalg.slogdet(curvature)[1]


def test_likelihood_with_the_linear_terms_integrated_out():
    """Differences equal those of the determinant and the misfit of all rows together."""
    fit = found()
    here = fit.log_likelihood(fit.logs)
    chi = fit.engine.problem.chi_square
    determinants = 0.0
    for change in ([0.02, 0.0, 0.0], [0.0, 0.05, 0.0], [0.0, 0.0, 0.8]):
        there = fit.logs + np.array(change)
        rise = fit.log_likelihood(there) - here
        assert rise == approx(marginal(fit, there) - marginal(fit, fit.logs), rel=1e-6)
        determinants = max(determinants, abs(rise + 0.5 * (chi(there) - chi(fit.logs))))
    assert determinants > 1e-4  # what chi^2 alone would leave out
    assert fit.log_likelihood(fit.logs + 10.0) == -np.inf


def test_a_term_that_is_there_is_preferred():
    """B^2 of 2e-4 at 9 T, which no F test sees."""
    data = rows.data("white", 21)
    kohler = 2e-6 * 1e-3 * (data.field / 9) ** 2
    bent = replace(data, longitudinal=data.longitudinal + kohler)
    plain = om.fit(bent, rows.START, NAMES)
    wider = om.fit(bent, rows.START, NAMES, nuisance=("drift", "hall", "quadratic"))
    assert plain.tests["aicc quadratic"] < plain.tests["aicc"]
    assert wider.verdict == "good"
    both = plain.compare(wider)
    assert both["aicc_other"] < both["aicc"]
    assert both["likelihood_ratio"] > 0
    assert both["probability"] < 0.05


DATA = rows.data("white", 1)
GIVEN = {"temperature": 10.0, "field": [1.0, 2.0, 3.0], "direction": (1, 0, 0)}
TINY = om.diagnosis.measured([2e-6] * 3, **GIVEN)
BAD = [
    (lambda: om.fit(3, rows.START, NAMES), "`data` must be"),
    (lambda: om.fit([], rows.START, NAMES), "`data` must hold at least one"),
    (lambda: om.fit(DATA, "film", NAMES), "`sample` must be an openmr.Sample or a mapping"),
    (lambda: om.fit(DATA, {"other": rows.START}, NAMES), "`sample` must hold every film.*'film'"),
    (lambda: om.fit(DATA, rows.START, []), "`free` must name at least one"),
    (lambda: om.fit(DATA, rows.START, "colour"), "unknown parameter `colour`"),
    (lambda: om.fit(DATA, rows.START, "spin"), "`free` must name what a fit can find, got 'spin'"),
    (lambda: om.fit(DATA, rows.START, "resistivity"), "`free` must not name 'resistivity'"),
    (lambda: om.fit(DATA, rows.START, NAMES, per={"dos": "film"}), "`per` must be one of"),
    (lambda: om.fit(DATA, rows.START, NAMES, per={NAMES[0]: "day"}), "`per` must be.*'day'"),
    (lambda: om.fit(DATA, rows.START, NAMES, nuisance=["wind"]), "`nuisance`.*'wind'"),
    (lambda: om.fit(DATA, rows.START, NAMES, known={"dos": 3}), "`known` must hold .value, error"),
    (lambda: om.fit(DATA, rows.START, NAMES, noise="given"), "`noise` must be 'found'"),
    (lambda: om.fit(DATA, rows.START, NAMES, noise="loud"), "`noise` must be one of"),
    (lambda: om.fit(DATA, rows.START, NAMES, loss="some"), "`loss` must be one of"),
    (lambda: om.fit(DATA, rows.START, NAMES, starts="all"), "`starts` must be one of"),
    (lambda: om.fit(DATA, rows.START, NAMES, limit=0), "`limit`.*> 0"),
    (lambda: om.fit(DATA, rows.START, NAMES, order="third"), "`order`.*'third'"),
    (lambda: om.fit(TINY, rows.START, NAMES), "`data` must hold more points.*3 points"),
    (lambda: om.fit(DATA, om.presets.pt_py(0.0), NAMES), "`sample`.*'exchange_energy'.*got 0"),
    (lambda: found().interval("dos"), "`name` must be one of"),
    (lambda: found().interval(NAMES[0], 2.0), "`level`"),
    (lambda: found().profile(NAMES[0], [1e-3]), "`values` must have the sign"),
    (lambda: found().compare(found("white")), "`other` must be a fit of the same data"),
    (lambda: found().log_likelihood([0.0]), "`logs` must have shape"),
    (lambda: found().propagate(3), "`function` must be callable"),
    (lambda: found().sample("other"), "`film` must be one of"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}
