"""Figures of fits: what was measured, what was left out, what the model says, and the verdict."""

from dataclasses import replace
from functools import cache

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nearness import approx
from refusals import unclear

import openmr as om
from openmr import plotting

TRUTH = om.presets.pt_py(-0.7e-3, curie_temperature=24.0)
START = om.presets.pt_py(-0.6e-3, curie_temperature=24.0)
SIGMA = 3e-10
SWEEP = np.concatenate([np.linspace(-9, 9, 19), np.linspace(9, -9, 19)])


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@cache
def swept(cusp=0.0, outlier=True):
    """A fit of field sweeps at two temperatures, rho_L and rho_T."""
    noise = np.random.default_rng(3)
    kelvin, field = np.repeat([10.0, 30.0], 38), np.tile(SWEEP, 2)
    rho = om.magnetoresistance(TRUTH, kelvin, field, (1, 0, 0), order="exact")
    along = rho.longitudinal + SIGMA * noise.normal(size=76) + 1e-10 * field
    along += cusp * SIGMA * np.exp(-np.abs(field))
    if outlier:
        along[40] += 60 * SIGMA
    data = om.diagnosis.measured(
        along,
        temperature=kelvin,
        field=field,
        direction=(1, 0, 0),
        transverse=rho.transverse + 1e-10 * noise.normal(size=76),
    )
    return om.fit(data, START, ("exchange_energy", "spin_hall_angle"), nuisance=("hall", "offset"))


@cache
def turned():
    """A fit of scans in three planes at one temperature."""
    angle = np.deg2rad(np.concatenate([np.arange(0, 360, 15), np.arange(360, 0, -15)]))
    b = np.concatenate([om.scan_directions(plane, angle) for plane in ("xy", "yz", "zx")])
    rho = om.magnetoresistance(TRUTH, 10.0, 9.0, b, order="exact").longitudinal
    noisy = rho + SIGMA * np.random.default_rng(4).normal(size=len(rho))
    data = om.diagnosis.measured(noisy, temperature=10.0, field=9.0, direction=b)
    return om.fit(data, START, "exchange_energy")


def points(ax):
    """(x, y) of the measured points of each curve."""
    return [np.array(bars.lines[0].get_data()) for bars in ax.containers]


def crosses(ax):
    return [line for line in ax.lines if line.get_marker() == "X"]


def lines(ax):
    """Curves of the model."""
    return [line for line in ax.lines if line.get_zorder() == 4]


def test_data_stand_beside_the_model_and_residuals_below():
    found = swept()
    figure, axes = plotting.fit(found)
    assert axes.shape == (2, 2)
    assert figure is axes[0, 0].figure
    assert [len(points(ax)) for ax in axes[0]] == [2, 2]
    good, rows = found.good, found.rows
    for column, transverse in enumerate((False, True)):
        mine = good & (rows.transverse == transverse)
        drawn = np.concatenate(points(axes[0, column]), axis=1)
        np.testing.assert_allclose(np.sort(drawn[0]), np.sort(rows.field[mine]))
        left = [line for line in axes[1, column].lines if line.get_linestyle() == "None"]
        left = np.concatenate([line.get_ydata() for line in left if line.get_marker() != "X"])
        np.testing.assert_allclose(np.sort(left), np.sort(found.residuals[mine]))
        assert r"\sigma" in axes[1, column].get_ylabel()
        assert "(T)" in axes[1, column].get_xlabel()
        assert lines(axes[0, column])
    assert figure.get_suptitle() == ""
    assert axes[0, 0].get_ylabel().endswith("($10^{-3}$)")


def test_the_line_passes_where_the_model_is_and_bars_are_the_noise():
    found = swept()
    _, axes = plotting.fit(found, relative=False)
    rows = found.rows
    for column, (transverse, unit) in enumerate(((False, 1e6), (True, 1e9))):
        for group, line in enumerate(lines(axes[0, column])):
            mine = (rows.group == group) & (rows.transverse == transverse)
            x, y = line.get_data()
            at = np.interp(rows.field[mine], x, y)
            # 0.06 T between points of the line
            close = 2e-3 * np.ptp(y) + 1e-9 * np.abs(y).max()
            assert np.max(np.abs(at - unit * found.physics[mine])) <= close
        bars = axes[0, column].containers[0].lines[2][0].get_segments()
        half = 0.5 * np.ptp([segment[:, 1] for segment in bars], axis=1)
        sigma = unit * found.sigma[rows.transverse == transverse][0]
        np.testing.assert_allclose(half, sigma, rtol=1e-6)


def test_what_the_instrument_adds_may_stay():
    found = swept()
    _, axes = plotting.fit(found, "longitudinal", subtract="nothing", relative=False)
    rows = found.rows
    drawn = np.sort(np.concatenate(points(axes[0, 0]), axis=1)[1])
    mine = found.good & ~rows.transverse
    np.testing.assert_allclose(drawn, np.sort(1e6 * rows.value[mine]))
    line = np.concatenate([line.get_ydata() for line in lines(axes[0, 0])])
    np.testing.assert_allclose(np.sort(line), np.sort(1e6 * found.fitted[~rows.transverse]))


def test_changes_start_from_zero_field():
    _, axes = plotting.fit(swept(), "longitudinal")
    for line in lines(axes[0, 0]):
        assert np.interp(0.0, *line.get_data()) == approx(0.0, abs=1e-12)


def test_flagged_points_are_open_crosses_and_leave_the_range():
    found = swept()
    assert [(one.point, one.component) for one in found.flagged] == [(40, "longitudinal")]
    _, axes = plotting.fit(found)
    for ax in axes[:, 0]:
        (cross,) = crosses(ax)
        assert cross.get_markerfacecolor() == "none"
        assert cross.get_xdata() == approx([SWEEP[2]])
        low, high = ax.get_ylim()
        assert low < cross.get_ydata()[0] < high  # at the edge: 60 sigma would squeeze the rest
        assert high < 20 * np.abs(points(axes[0, 0])[1][1]).max() or ax is axes[1, 0]
    assert not crosses(axes[0, 1])
    labels = [text.get_text() for text in axes[0, 0].get_legend().get_texts()]
    assert labels == ["10 K", "30 K", "flagged"]


def test_a_colour_for_each_temperature_and_the_style_decides_which():
    for style in ("default", "dark_background", "grayscale", "seaborn-v0_8"):
        with plt.style.context(style):
            cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
            _, axes = plotting.fit(swept())
            back = np.mean(to_rgb(mpl.rcParams["axes.facecolor"]))
        drawn = lines(axes[0, 0])
        assert [line.get_color() for line in drawn] == cycle[:2]
        # in grey, or printed black on white, they differ by line and by marker
        assert len({line.get_linestyle() for line in drawn}) == 2
        markers = {bars.lines[0].get_marker() for bars in axes[0, 0].containers}
        assert len(markers) == 2
        for ax in axes.ravel():
            for line in ax.lines:
                assert abs(np.mean(to_rgb(line.get_color())) - back) > 0.15, style


def test_scans_are_drawn_against_the_angle():
    found = turned()
    figure, axes = plotting.fit(found)
    assert "degrees" in axes[1, 0].get_xlabel()
    drawn = lines(axes[0, 0])
    labels = [line.get_label() for line in axes[0, 0].lines if not len(line.get_xdata())]
    assert labels == ["x to y", "y to z", "z to x"]
    assert len({line.get_color() for line in drawn}) == 3  # one temperature
    assert figure.get_suptitle() == ""
    for line, plane in zip(drawn, ("xy", "yz", "zx"), strict=True):
        b = om.scan_directions(plane, np.deg2rad(line.get_xdata()))
        rho = found.model(10.0, 9.0, b).longitudinal
        drawn_change = line.get_ydata() - line.get_ydata()[0]
        change = rho / rho[0] - 1
        # 1e-3 of the change: the reference is the model at another point
        np.testing.assert_allclose(drawn_change, 1e3 * change, atol=1e-2 * np.ptp(1e3 * change))


def test_the_verdict_is_the_title_unless_it_is_good():
    refused = swept(cusp=12.0, outlier=False)
    assert refused.verdict == "does not describe"
    figure, _ = plotting.fit(refused)
    assert "does not describe" in figure.get_suptitle()
    _, ax = plotting.fit(refused, "longitudinal", ax=plt.figure().subplots())
    assert "does not describe" in ax.get_title()
    open_ = replace(swept(), verdict="not determined", uncertainties=np.array([np.inf, 1e-4]))
    figure, _ = plotting.fit(open_)
    assert figure.get_suptitle() == "not determined: exchange_energy"


def test_given_axes_are_drawn_into():
    figure, given = plt.subplots(2, 2)
    same, axes = plotting.fit(swept(), ax=given)
    assert same is figure
    assert axes.tolist() == given.tolist()
    figure, one = plt.subplots()
    assert plotting.fit(swept(), "transverse", ax=one) == (figure, one)
    assert "(T)" in one.get_xlabel()


def test_contours_are_where_chi_square_rises_and_hold_the_fit():
    found = swept()
    figure, ax = plotting.contour(found, "exchange_energy", "spin_hall_angle")
    assert figure is ax.figure
    assert ax.get_xlabel() == "exchange_energy (eV)"
    assert ax.get_ylabel() == "spin_hall_angle"
    outlines = ax.collections[0].get_paths()
    problem = found.engine.problem
    for path, level in zip(outlines, (2.2957, 6.1801), strict=True):  # -2 ln(1 - p)
        logs = np.log(path.vertices / found.start)
        rise = [problem.chi_square(row) - problem.chi_square(found.logs) for row in logs[::40]]
        # Student's t of some hundred degrees of freedom; lines are straight between points
        np.testing.assert_allclose(rise, level, rtol=0.06)
        assert path.contains_point(found.values)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["68 %", "95 %", "fit"]


def test_one_clear_error():
    refused = swept(cusp=12.0, outlier=False)
    pair = ("exchange_energy", "spin_hall_angle")
    bad = [
        (lambda: plotting.fit(None), "`found`.*Fit.*None"),
        (lambda: plotting.fit(swept(), "rho"), "`what`.*'transverse'.*'rho'"),
        (lambda: plotting.fit(swept(), []), "`what`.*'transverse', got "),
        (lambda: plotting.fit(turned(), "transverse"), "`what`.*'longitudinal'.*'transverse'"),
        (lambda: plotting.fit(swept(), subtract="all"), "`subtract`.*'nothing'.*'all'"),
        (lambda: plotting.fit(swept(), relative=2), "`relative`.*True or False.*2"),
        (lambda: plotting.fit(swept(), ax=3), r"`ax`.*\(2, 2\).*3"),
        (lambda: plotting.contour(None, *pair), "`found`.*Fit.*None"),
        (lambda: plotting.contour(swept(), "spin", pair[1]), "`a`.*'exchange_energy'.*'spin'"),
        (lambda: plotting.contour(swept(), pair[0], pair[0]), "`b`.*another"),
        (lambda: plotting.contour(swept(), *pair, points=2), "`points`.*5.*2"),
        (lambda: plotting.contour(refused, *pair), "`found`.*describe.*no region"),
    ]
    assert unclear(bad) == {}
    assert plt.get_fignums() == []
    one = plt.figure().subplots()
    with pytest.raises(om.ParameterError, match=r"`ax`.*\(2, 2\).*got one"):
        plotting.fit(swept(), ax=one)
