"""Figures of transport: what is on them, units on the axes, marks where they belong."""

import inspect
import re
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nearness import approx
from refusals import unclear

import openmr as om
from openmr import animation, diffusion, plotting
from openmr.reports.verify.check import Check
from openmr.show import frame

FIELD = np.linspace(0.0, 25.0, 101)
ALONG = (1, 0, 0)
FILM = om.presets.pt_py(-1e-3)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def along_field(coupling):
    return om.magnetoresistance(om.presets.pt_py(coupling), 10.0, FIELD, ALONG)


def texts(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()]


def test_resistance_curves_mark_the_exchange_field():
    curves = {"anti": along_field(-1e-3), "ferro": along_field(1e-3)}
    figure, ax = plotting.resistance_curves(curves)
    assert figure is ax.figure
    assert texts(ax)[:2] == ["anti", "ferro"]
    assert "B_" in texts(ax)[2]
    marks = [line.get_xdata() for line in ax.lines if line.get_marker() == "o"]
    crossing = np.interp(0.0, curves["anti"].relaxation.precession, FIELD)
    assert marks[0] == approx([crossing], abs=0.25)  # one step of the field
    assert len(marks[1]) == 0
    styles = {(line.get_color(), line.get_linestyle()) for line in ax.lines[::2]}
    assert len(styles) >= 2
    assert "(T)" in ax.get_xlabel()
    assert "Omega" in ax.get_ylabel()


def test_resistance_curves_against_temperature_in_given_axes():
    _, given = plt.subplots()
    kelvin = np.linspace(5, 60, 12)
    curve = om.magnetoresistance(FILM, kelvin, 5.0, ALONG)
    _, ax = plotting.resistance_curves(
        {"5 T": curve}, against="temperature", relative=True, ax=given
    )
    assert ax is given
    assert ax.get_xlabel() == "temperature (K)"
    np.testing.assert_allclose(ax.lines[0].get_xdata(), kelvin)
    assert ax.get_ylabel().endswith("($10^{-3}$)")
    change = 1e3 * (curve.longitudinal / curve.longitudinal[0] - 1)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), change)


@pytest.mark.parametrize("part", ["longitudinal", "transverse"])
def test_angular_scan(part):
    angle = np.linspace(0, 2 * np.pi, 49)
    scans = {
        plane: om.magnetoresistance(FILM, 10.0, 5.0, om.scan_directions(plane, angle))
        for plane in ("xy", "zx")
    }
    _, ax = plotting.angular_scan(angle, scans, part=part)
    assert texts(ax) == ["x to y", "z to x"]
    assert "degrees" in ax.get_xlabel()
    laws = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(laws) == (2 if part == "longitudinal" else 0)
    for law, scan in zip(laws, scans.values(), strict=False):
        exact = np.interp(law.get_xdata(), np.rad2deg(angle), scan.longitudinal * 1e6)
        np.testing.assert_allclose(law.get_ydata(), exact, rtol=1e-9)


@pytest.mark.parametrize(("quantity", "unit"), [("accumulation", "(eV)"), ("current", "A/m")])
def test_spin_profile(quantity, unit):
    found = diffusion.profile(FILM.film, om.relaxation(FILM, 10.0, 5.0), ALONG)
    _, ax = plotting.spin_profile(found, quantity=quantity)
    assert unit in ax.get_ylabel()
    assert "(nm)" in ax.get_xlabel()
    assert len(texts(ax)) == 3
    np.testing.assert_allclose(ax.lines[1].get_ydata(), getattr(found, quantity)[:, 1])


@pytest.mark.parametrize("coupling", [-1e-3, 1e-3])
def test_resistivity_map(coupling):
    kelvin = np.linspace(5, 80, 9)[:, None]
    found = om.magnetoresistance(om.presets.pt_py(coupling), kelvin, FIELD, ALONG)
    figure, ax = plotting.resistivity_map(found)
    assert (ax.get_legend() is not None) == (coupling < 0)  # B = B_sd only there
    assert ax.get_ylabel() == "temperature (K)"
    assert "Omega" in figure.axes[1].get_ylabel()


LIKED = ["default", "dark_background", "grayscale", "ggplot"]


def contrasts(ax):
    """Lightness of every line but guides, less that of the ground."""
    ground = np.mean(to_rgb(ax.get_facecolor()))
    drawn = [line for line in ax.lines if len(line.get_xdata()) > 2]
    return [abs(np.mean(to_rgb(line.get_color())) - ground) for line in drawn]


@pytest.mark.parametrize("style", LIKED)
def test_curves_have_the_colours_of_the_style(style):
    curves = {"anti": along_field(-1e-3), "ferro": along_field(1e-3)}
    many = {f"{t:g} K": om.magnetoresistance(FILM, t, FIELD, ALONG) for t in range(5, 40, 5)}
    with plt.style.context(style):
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
        _, few = plotting.resistance_curves(curves)
        _, scan = plotting.angular_scan(TURN, {"xy": SCAN})
        found = diffusion.profile(FILM.film, POINT.relaxation, ALONG)
        _, depth = plotting.spin_profile(found)
        _, full = plotting.resistance_curves(many)
    assert [line.get_color() for line in few.lines[:4:2]] == cycle[:2]
    assert scan.lines[0].get_color() == cycle[0]
    assert [line.get_color() for line in depth.lines[:3]] == cycle[:3]
    for ax in (few, scan, depth, full):
        assert min(contrasts(ax)) > 0.15


def test_more_than_five_curves_have_the_colours_of_their_numbers_and_a_bar():
    kelvin = (300.0, 5.0, 10.0, 20.0, 50.0, 100.0)
    curves = {f"{t:g} K": om.magnetoresistance(FILM, t, FIELD, ALONG) for t in kelvin}
    figure, ax = plotting.resistance_curves(curves)
    _, bar = figure.axes
    assert bar.get_ylabel() == "temperature (K)"
    assert bar.get_ylim() == (5.0, 300.0)
    light = [np.dot(to_rgb(line.get_color()), (0.2126, 0.7152, 0.0722)) for line in ax.lines[:12:2]]
    assert np.argsort(light).tolist() == np.argsort(kelvin).tolist()  # viridis rises
    assert texts(ax) == [r"$B = B_\mathrm{sd}$"]
    figure, ax = plotting.resistance_curves(dict(list(curves.items())[:5]))
    assert len(figure.axes) == 1
    named = {
        f"film {letter}": curve for letter, curve in zip("abcdef", curves.values(), strict=True)
    }
    figure, ax = plotting.resistance_curves(named)
    assert len(figure.axes) == 1
    assert texts(ax)[:6] == list(named)


@pytest.mark.parametrize(
    ("labels", "numbers", "name"),
    [
        (["5 T", "-1 T"], [5.0, -1.0], "field, $B$ (T)"),
        (["J = -1e-3 eV", "J = 2 eV"], [-1e-3, 2.0], "J (eV)"),
        (["d=2", "d=3.5"], [2.0, 3.5], "d"),
        ([2.0, 3], [2.0, 3.0], ""),
        (["S = 5/2", "S = 3/2"], None, ""),
        (["5 T", "5 K"], None, ""),
        (["5 T", "5.0 T"], None, ""),
        (["run1", "run2"], None, ""),
        (["a", "b"], None, ""),
    ],
)
def test_labels_that_differ_in_a_number(labels, numbers, name):
    assert frame._numbers(labels) == (numbers, name)


@pytest.mark.parametrize("times", [1, 3])
def test_legends_are_off_the_data(times):
    """Also where later calls draw more curves into the same axes, which are not cut off."""
    ax = None
    for i in range(times):
        curves = {
            f"{name} {i}": along_field((1 + i) * c) for name, c in (("anti", -1e-3), ("f", 1e-3))
        }
        _, ax = plotting.resistance_curves(curves, ax=ax)
    turn = np.linspace(0, 2 * np.pi, 49)
    scan = om.magnetoresistance(FILM, 10.0, 5.0, om.scan_directions("xy", turn))
    profiled = diffusion.profile(FILM.film, POINT.relaxation, ALONG)
    drawn = [ax, plotting.angular_scan(turn, {"xy": scan})[1], plotting.spin_profile(profiled)[1]]
    for ax in drawn:
        ax.figure.draw_without_rendering()
        lowest = ax.get_legend().get_window_extent().y0
        top = max(
            ax.transData.transform(np.column_stack(line.get_data()))[:, 1].max()
            for line in ax.lines
            if len(line.get_xdata()) > 2
        )
        assert top < lowest
        assert lowest < ax.get_window_extent().y1


def test_limits_that_were_set_stay():
    _, ax = plt.subplots()
    ax.set_ylim(1.0, 3.0)
    plotting.resistance_curves(CURVE, ax=ax)
    assert ax.get_ylim() == (1.0, 3.0)


@pytest.mark.parametrize("kind", ["matrix", "closed-form"])
def test_a_profile_knows_the_direction_of_its_field(kind):
    b = om.scan_directions("zx", TURN)
    found = diffusion.profile(FILM.film, POINT.relaxation, b, method=kind)
    np.testing.assert_allclose(found.direction, b, atol=1e-15)
    single = diffusion.profile(FILM.film, POINT.relaxation, (0, 3, 4), method=kind)
    np.testing.assert_allclose(single.direction, (0, 0.6, 0.8), atol=1e-15)


def test_every_picture_is_in_the_gallery():
    """In an example that draws no other; every one returns a figure and takes `ax`."""
    drawn = {
        name: function
        for module in (plotting, animation)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_")
        and function.__module__.startswith("openmr.show.")
        and str(inspect.signature(function).return_annotation).startswith("tuple[Figure")
    }
    drawn.pop("axes")
    assert len(drawn) == 15
    examples = [path.read_text() for path in (Path(__file__).parents[2] / "examples").glob("*.py")]
    pictures = rf"(?:plotting|animation)\.({'|'.join(drawn)})\b"
    alone = [
        *filter(lambda names: len(names) == 1, (set(re.findall(pictures, e)) for e in examples))
    ]
    for name, function in drawn.items():
        assert "ax" in inspect.signature(function).parameters
        assert {name} in alone, name


def test_figures_of_a_stack():
    """Lines at the faces between layers; no field B_sd, which is that of a film."""
    film = FILM.film
    layer = om.Layer(film, FILM.electrons, FILM.magnet)
    sheet = om.Sheet(G_r=4e14, G_i=4e13)
    stack = om.Sample(stack=om.Stack([layer] * 3, bottom=sheet), name="three")
    scan = om.magnetoresistance(stack, 10.0, FIELD, ALONG)
    found = diffusion.profile(
        stack.stack, om.magnetoresistance(stack, 10.0, 5.0, ALONG).rates, ALONG
    )
    _, ax = plotting.spin_profile(found, ax=plt.figure().subplots())
    dotted = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(dotted, 1e9 * film.thickness * np.array([1, 2]))
    assert ax.lines[0].get_xdata()[-1] == approx(3e9 * film.thickness)
    _, ax = plotting.resistance_curves(scan)
    assert texts(ax) == ["three"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 1e6 * scan.longitudinal)
    kelvin = np.linspace(5, 80, 5)[:, None]
    figure, ax = plotting.resistivity_map(om.magnetoresistance(stack, kelvin, FIELD[::20], ALONG))
    assert len(figure.axes) == 2
    assert ax.get_legend() is None
    turn = np.linspace(0.0, np.pi, 7)
    plane = om.magnetoresistance(stack, 10.0, 5.0, om.scan_directions("yz", turn))
    _, ax = plotting.angular_scan(turn, {"yz": plane})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 1e6 * plane.longitudinal)


def still(curves, **options):
    """Abscissas of the marks B = B_sd, of every curve."""
    _, ax = plotting.resistance_curves(curves, **options)
    return np.concatenate([line.get_xdata() for line in ax.lines if line.get_marker() == "o"])


@pytest.mark.parametrize(
    ("coupling", "kelvin", "marks"),
    [(-1e-3, 10.0, 2), (1e-3, 10.0, 0), (-1e-3, 200.0, 0), (-0.3e-3, 10.0, 2), (-1e-3, 40.0, 2)],
)
@pytest.mark.parametrize("count", [20, 21, 100, 101])
def test_a_mark_stands_where_the_precession_passes_through_zero_and_not_where_it_jumps(
    coupling, kelvin, marks, count
):
    """A loop through B = 0, where moments below T_C turn over, with and without a point there."""
    film = om.presets.pt_py(coupling)
    loop = np.linspace(-25.0, 25.0, count)
    found = still(om.magnetoresistance(film, kelvin, loop, ALONG))
    assert len(found) == marks
    np.testing.assert_allclose(found, -found[::-1], atol=1e-9)
    for field in found[found > 0]:
        step = loop[1] - loop[0]
        beside = om.relaxation(film, kelvin, [max(field - step, 1e-3), field + step]).precession
        assert beside[0] * beside[1] < 0


@pytest.mark.parametrize(
    ("omega", "steps"),
    [
        ([-2, -1, 1, 2], [1]),
        ([-2, -1, 0, 1, 2], [1]),  # a zero on a point counts once
        ([2, 1, 0, 1, 2], []),
        ([2, 1, 0, 0, 0], []),
        ([0, 1, 2], []),
        ([-1, 1], [0]),
        ([-1.1, -1, 5, 5.1], []),  # a jump
        ([-4, -1, 5, 8], [1]),
    ],
)
def test_a_jump_is_no_crossing(omega, steps):
    y = np.array(omega, dtype=float)
    assert plotting._crossings(np.arange(len(y)), y).tolist() == steps


TURN = np.linspace(0.0, np.pi, 7)
CURVE = om.magnetoresistance(FILM, 10.0, [3.0, 4.0], ALONG)
WARM = om.magnetoresistance(FILM, [10.0, 20.0, 30.0], 5.0, ALONG)
SCAN = om.magnetoresistance(FILM, 10.0, 5.0, om.scan_directions("xy", TURN))
GRID = om.magnetoresistance(FILM, [[10.0], [20.0]], [1.0, 2.0, 3.0], ALONG)
POINT = om.magnetoresistance(FILM, 10.0, 5.0, ALONG)
EMPTY = om.magnetoresistance(FILM, 10.0, [], ALONG)
PROFILES = diffusion.profile(FILM.film, POINT.relaxation, om.scan_directions("xy", TURN))
CHECK = Check(
    station="rates",
    kind="number",
    case="a case",
    quantity="tau_par",
    equation="(84)",
    unit="s",
    route="evolution",
    closed_form=1.0,
    numerical=1.0,
    deviation=0.5,
    tolerance=1.0,
    because="it must be",
)


def curves(*given, **options):
    return lambda: plotting.resistance_curves(*given, **options)


BAD = [
    (curves(CURVE, against="time"), "`against`.*'field'.*'time'"),
    (curves(SCAN), r"`curves`.*directions of shape \(7,\).*angular_scan"),
    (curves({"b": SCAN}), r"`curves\['b'\]`.*directions of shape \(7,\).*angular_scan"),
    (curves(GRID), r"`curves`.*one axis.*\(2, 3\).*resistivity_map"),
    (curves(POINT), r"`curves`.*two fields or temperatures.*\(\) at T = 10 K, B = 5 T"),
    (curves(EMPTY), r"`curves`.*two fields or temperatures.*\(0,\)"),
    (curves(None), "`curves`.*Resistivity.*label.*None"),
    (curves("a"), "`curves`.*Resistivity.*label.*'a'"),
    (curves({}), "`curves`.*label.*{}"),
    (curves(POINT.relaxation), "`curves`.*Resistivity.*got Relaxation"),
    (curves({"b": 3}), r"`curves\['b'\]`.*Resistivity.*3"),
    (curves(WARM, against="field"), "`against`.*'field'.*5 T.*'Pt/Py'.*'temperature'"),
    (curves({"a": CURVE, "b": WARM}), "`curves`.*'b' at one field and 'a' at one temperature"),
    (curves(CURVE, relative="x"), "`relative`.*True or False.*'x'"),
    (curves(CURVE, ax=3), "`ax`.*axes.*3"),
    (curves(CURVE, ax=np.array([None, None])), "`ax`.*axes.*array"),
    (lambda: plotting.angular_scan(TURN, {}, part="both"), "`part`.*'transverse'.*'both'"),
    (lambda: plotting.angular_scan("a", {"xy": SCAN}), "`angle`.*rad.*'a'"),
    (lambda: plotting.angular_scan(1.0, {"xy": SCAN}), r"`angle`.*one row.*\(\)"),
    (lambda: plotting.angular_scan(TURN, SCAN), "`scans`.*map.*got Resistivity"),
    (lambda: plotting.angular_scan(TURN, {}), "`scans`.*map.*{}"),
    (lambda: plotting.angular_scan(TURN, {"xz": SCAN}), "`plane`.*'zx'.*'xz'"),
    (lambda: plotting.angular_scan(TURN, {"xy": 3}), r"`scans\['xy'\]`.*Resistivity.*3"),
    (lambda: plotting.angular_scan(TURN[:2], {"xy": CURVE}), r"`scans\['xy'\]`.*resistance_curves"),
    (
        lambda: plotting.angular_scan(TURN, {"yz": SCAN}),
        r"`scans\['yz'\]`.*0 degrees.*'yz'.*\[0.0, 1.0, 0.0\].*\[1.0, 0.0, 0.0\].*scan_directions",
    ),
    (lambda: plotting.angular_scan(TURN / 2, {"xy": SCAN}), r"`scans\['xy'\]`.*15 degrees"),
    (lambda: plotting.spin_profile(None, quantity="charge"), "`quantity`.*'current'.*'charge'"),
    (lambda: plotting.spin_profile(CURVE), "`found`.*SpinProfile.*Resistivity"),
    (lambda: plotting.spin_profile(PROFILES), r"`found`.*one direction.*\(7,\).*turning_field"),
    (lambda: plotting.resistivity_map(None), "`found`.*Resistivity.*None"),
    (
        lambda: plotting.resistivity_map(CURVE),
        r"`found`.*grid.*\(2,\).*T = 10 K.*resistance_curves",
    ),
    (lambda: plotting.decay(POINT.relaxation), "`recorded`.*Decay.*record_decay.*Relaxation"),
    (lambda: plotting.precession(None), "`recorded`.*Decay.*record_decay.*None"),
    (lambda: plotting.free_moment(None, 1.0), "`free`.*FreeMoment.*free_moment.*None"),
    (lambda: plotting.deviations(None), "`checks`.*Check or more.*None"),
    (lambda: plotting.deviations([]), r"`checks`.*Check or more.*\[\]"),
    (lambda: plotting.deviations([CHECK, 3]), "`checks`.*Check or more"),
]


def test_one_clear_error():
    wrong = {}
    for row in BAD:
        wrong |= unclear([row])
        if left := plt.get_fignums():
            wrong[row[1]] = f"left figures {left} open"
    assert wrong == {}


def test_curves_of_other_units_are_not_laid_over_each_other():
    _, ax = plotting.resistance_curves(CURVE)
    for given, options in ((CURVE, {"relative": True}), (WARM, {})):
        with pytest.raises(om.ParameterError, match=r"`ax`.*other units.*one call"):
            plotting.resistance_curves(given, **options, ax=ax)
    assert len(ax.lines) == 2  # a curve and its empty marks
    plotting.resistance_curves(towards((0, 0, 1)), ax=ax)
    assert ax.get_xlabel() == "field, $B$ (T)"


def towards(direction):
    return om.magnetoresistance(FILM, 10.0, [0.0, 3.0], direction)


@pytest.mark.parametrize(
    ("directions", "label"),
    [
        ([(1, 0, 0)], "field along the current, $B_x$ (T)"),
        ([(0, 2, 0)], "field in the plane, across the current, $B_y$ (T)"),
        (
            [om.scan_directions("xy", np.pi / 2)],
            "field in the plane, across the current, $B_y$ (T)",
        ),
        ([(0, 0, 1), (0, 0, 1)], "field along the normal, $B_z$ (T)"),
        ([(1, 0, 0), (0, 0, 1)], "field, $B$ (T)"),
        ([(1, 1, 0)], "field, $B$ (T)"),
        ([(-1, 0, 0)], "field, $B$ (T)"),
        ([[(1, 0, 0), (0, 1, 0)]], "field, $B$ (T)"),
    ],
)
def test_the_axis_names_the_direction_of_the_field(directions, label):
    found = {str(i): towards(direction) for i, direction in enumerate(directions)}
    assert plotting.resistance_curves(found)[1].get_xlabel() == label


def test_a_map_names_the_direction_of_the_field():
    across = om.magnetoresistance(FILM, [[10.0], [20.0]], [1.0, 2.0, 3.0], (0, 1, 0))
    assert (
        plotting.resistivity_map(across)[1].get_xlabel().endswith("across the current, $B_y$ (T)")
    )


def test_what_varies_is_the_axis():
    _, ax = plotting.resistance_curves({"5 T": WARM})
    assert ax.get_xlabel() == "temperature (K)"
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [10.0, 20.0, 30.0])


@pytest.mark.parametrize(
    ("first", "options", "label"),
    [
        ((0.0, 0.0), {}, r"$\rho_L(B)\,/\,\rho_L(0) - 1$"),
        ((3.0, 3.0), {}, r"$\rho_L(B)\,/\,\rho_L(3\,\mathrm{T}) - 1$"),
        ((3.0, 4.0), {}, r"$\rho_L(B)\,/\,\rho_L(B_\mathrm{first}) - 1$"),
        ((10.0, 10.0), {"against": "temperature"}, r"$\rho_L(T)\,/\,\rho_L(10\,\mathrm{K}) - 1$"),
    ],
)
def test_a_change_says_since_when(first, options, label):
    found = {}
    for i, start in enumerate(first):
        row = start + np.arange(4.0)
        where = (row, 5.0) if options else (10.0, row)
        found[str(i)] = om.magnetoresistance(FILM, *where, ALONG)
    _, ax = plotting.resistance_curves(found, relative=True, **options)
    assert ax.get_ylabel().startswith(label)


@pytest.mark.parametrize("size", [0.0, 3e-16, 2e-8, 4e-6, 0.3e-3, 1e-3, 0.999, 2.0])
def test_the_power_of_ten_follows_the_size_of_the_change(size):
    rho = np.array([1.0, 1.0 + size / 2, 1.0 + size])
    change = rho / rho[0] - 1
    found = replace(om.magnetoresistance(FILM, 10.0, [0.0, 1.0, 2.0], ALONG), longitudinal=rho)
    figure, ax = plotting.resistance_curves(found, relative=True)
    figure.draw_without_rendering()
    assert ax.yaxis.get_offset_text().get_text() == ""
    power = re.search(r"\$10\^\{(-?\d+)\}", ax.get_ylabel())
    factor = 10.0 ** int(power[1]) if power else 1.0
    shown = ax.lines[0].get_ydata()
    np.testing.assert_allclose(factor * shown, change, rtol=1e-14)  # one product
    assert change[-1] == 0 or change[-1] < 1e-15 or 1 <= shown[-1] < 1000


@pytest.mark.parametrize("deviation", [np.nan, np.inf, 1e9, 0.5, 0.0])
def test_every_deviation_lies_within_the_axes(deviation):
    _, ax = plotting.deviations(c for c in [replace(CHECK, deviation=deviation)])
    (shown,) = ax.lines[1].get_ydata()
    low, high = ax.get_ylim()
    assert low < shown < high
    assert (shown <= 1.0) == (deviation <= 1.0)  # a NaN is missed


@pytest.mark.parametrize("end", [45, 360])
def test_the_law_needs_no_special_angles(end):
    angle = np.deg2rad(np.linspace(10.0, end, 13))
    scan = om.magnetoresistance(FILM, 10.0, 5.0, om.scan_directions("xy", angle))
    _, ax = plotting.angular_scan(angle.tolist(), {"xy": scan})
    curve, law = ax.lines
    np.testing.assert_allclose(law.get_ydata(), curve.get_ydata(), rtol=1e-12)


def test_a_single_curve_is_named_after_its_sample():
    rho = om.magnetoresistance(om.presets.pt_py(), 10.0, np.linspace(0, 9, 4), (1, 0, 0))
    figure, ax = om.plotting.resistance_curves(rho)
    assert ax.get_legend().get_texts()[0].get_text() == "Pt/Py"
    plt.close(figure)


def test_narrow_ranges_print_their_digits():
    rho = om.magnetoresistance(om.presets.pt_py(), 300.0, [0.0, 0.1], (1, 0, 0))
    low, high = f"{rho.longitudinal.min():.8g}", f"{rho.longitudinal.max():.8g}"
    assert f"{low} ... {high} (2,) Ohm m" in repr(rho)
    assert "T = 300 (2,) K" in repr(rho)


# --- rates --------------------------------------------------------------------------------------


def test_rate_curves_show_both_rates_along_what_varies():
    kelvins = {f"{t} K": om.relaxation(FILM, float(t), [0.0, 5.0, 9.0]) for t in (10, 30)}
    _, ax = plotting.rate_curves(kelvins)
    for i, rates in enumerate(kelvins.values()):
        along, across = ax.lines[2 * i : 2 * i + 2]
        assert np.allclose(along.get_ydata(), 1e-12 * rates.longitudinal)
        assert np.allclose(across.get_ydata(), 1e-12 * rates.transverse)
        assert along.get_color() == across.get_color()
        assert along.get_linewidth() > across.get_linewidth()
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told[:2] == ["10 K", "30 K"]
    assert len(told) == 4
    _, alone = plotting.rate_curves(om.relaxation(FILM, [5.0, 10.0], 1.0))
    assert alone.get_xlabel().startswith("temperature")


@pytest.mark.parametrize(
    ("curves", "told"),
    [
        (3, "`curves` must be an openmr.Relaxation .of openmr.relaxation"),
        ({"a": POINT}, "must be an openmr.Relaxation"),
        (POINT.relaxation, "two fields or temperatures at least"),
    ],
)
def test_rate_curves_refuse_what_is_none(curves, told):
    with pytest.raises(om.ParameterError, match=told):
        plotting.rate_curves(curves)
