"""The explorer: numbers and snippet apart from any browser, then the page in Chromium."""

import contextlib
import csv
import io
import json
import logging
import os
import re
import signal
import socket
import sys
from dataclasses import fields, replace
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import browser
import numpy as np
import pytest
from nearness import approx
from scipy.linalg import expm

import openmr as om
from openmr import closed_form
from openmr.apps import cli
from openmr.apps.explorer import drawing, own_film, page
from openmr.apps.explorer.screen import (
    DECAY_POINTS,
    LARGEST_QUTIP_SPIN,
    SHOWN,
    SIZEABLE,
    SMALL,
    START,
    Refusal,
    Settings,
    answer,
    captions,
    direction_of,
    sample_of,
    screen,
    shown,
    snippet,
)
from openmr.apps.explorer.server import tells_more_than_a_closed_tab
from openmr.reports.validity import percent
from openmr.sample.parameters import POINT, parameter
from openmr.sample.toml import EXAMPLE, STACK_EXAMPLE, read_config

START_VALUES = Settings()
CASES = {
    "start": START_VALUES,
    "anisotropic": Settings(
        temperature=4, field=2.25, exchange_x=0.35, exchange_y=-1.05, exchange_z=0.7,
        spin=0.5, weiss=-0.15, thickness=12.5, polar=35, azimuth=215,
    ),
    "large spin": Settings(spin=8.0, temperature=40.0, exchange_z=2.95),
    "hot": Settings(temperature=300.0, field=0.0, polar=0.0),
    "no exchange": Settings(exchange_x=0.0, exchange_y=0.0, exchange_z=0.0),
    "fast turns": Settings(temperature=1.0, field=30.0, exchange_z=3.0, spin=10.0, weiss=5.0),
    "a magnet on it": Settings(real_mixing=4.1, imaginary_mixing=-1.3, polar=35, azimuth=215),
    "a magnet on a plain film": Settings(
        exchange_x=0.0, exchange_y=0.0, exchange_z=0.0, imaginary_mixing=2.5,
    ),
    "another metal": Settings(
        density=0.02, spin_hall_angle=-0.15, diffusion_length=1.8, diffusion=-5.35, resistivity=1.5,
        fermi_energy=5.5, mass=1.2, polar=50,
    ),
    "easy axis": Settings(anisotropy=-0.1, rhombicity=0.02, polar=35, azimuth=40),
    "along the easy axis": Settings(anisotropy=-0.1, polar=180.0),
}  # fmt: skip
ORIENTED = {name: case for name, case in CASES.items() if case.oriented}


@pytest.fixture(params=CASES.values(), ids=CASES)
def settings(request):
    return request.param


# --- numbers ----------------------------------------------------------------------------------


def printed(found):
    """The numbers on the screen, line by line."""
    below = ("spin after 1 ps", "rho_L at 0, 30 T [microohm m]", "mu_s at z = d [microeV]")
    lines = [
        *((f"{row.name} [{row.unit}]", row.texts) for row in found.rows),
        ("ordering temperature [K]", [shown(found.ordering, 2)]),
        ("<S_par>", [shown(found.mean_spin, 4)]),
        ("<S> along x, y, z", [shown(value, 4) for value in found.order]),
        ("B_sd [T]", [shown(found.exchange_field, 3)]),
        *((small.parameter, [f"{small.size:.3g}"]) for small in found.small),
        *zip(below, captions(found), strict=True),
    ]
    return "".join(f"{name:<30}{''.join(f'{t:>16}' for t in texts)}\n" for name, texts in lines)


def test_the_snippet_prints_the_numbers_of_the_screen(settings):
    said = io.StringIO()
    found = screen(settings)
    with contextlib.redirect_stdout(said):
        exec(compile(snippet(settings, found.methods), "snippet", "exec"), {})
    assert said.getvalue() == printed(found)


def test_the_film_is_that_of_the_preset():
    sample = sample_of(START_VALUES)
    preset = om.presets.pt_py(curie_temperature=om.curie_temperature(sample.magnet))
    assert sample.film == preset.film
    assert sample.electrons == preset.electrons
    assert sample.magnet.sublattices == preset.magnet.sublattices
    # T_C and back: two roundings
    assert sample.magnet.weiss[0][0] == approx(preset.magnet.weiss[0][0], rel=1e-15)


def test_rows_are_those_of_the_two_routes(settings):
    found, sample, b = screen(settings), sample_of(settings), direction_of(settings)
    known = {"direction": b} if settings.oriented else {}
    for column, method in enumerate(found.methods):
        point = settings.temperature, settings.field
        rates = om.relaxation(sample.layer(0), *point, method=method, **known)
        rho = om.magnetoresistance(sample, *point, b, method=method)
        expected = [
            1e-9 * rates.longitudinal, 1e-9 * rates.tensor[0, 0], 1e-9 * rates.tensor[1, 1],
            1e-9 * rates.precession, 1e6 * rho.longitudinal, 1e6 * rho.transverse,
        ]  # fmt: skip
        shown = [(row.closed_form, row.numerical)[column] for row in found.rows]
        assert shown == [float(value) for value in expected]


@pytest.mark.parametrize("exchange", [0.0, -1.0])
def test_a_magnet_on_the_film_changes_what_spins_diffuse_through_and_no_rate(exchange):
    """The resistivity, its curve and the accumulation are those of the stack."""
    bare = replace(START_VALUES, **{f"exchange_{v}": exchange for v in "xyz"}, polar=40, azimuth=70)
    settings = replace(bare, real_mixing=3.0, imaginary_mixing=1.5)
    without, found, b = screen(bare), screen(settings), direction_of(settings)
    film = without.sample
    plain = om.Sample(film.magnet if exchange else None, film.electrons, film.film)
    stack = om.Stack(plain.layers, top=om.Sheet(G_r=3e14, G_i=1.5e14))
    rho = om.magnetoresistance(om.Sample(stack=stack), 10.0, found.curve.relaxation.field, b)
    for name in ("longitudinal", "transverse"):
        expected, curve = getattr(rho, name), getattr(found.curve, name)
        np.testing.assert_allclose(curve, expected, rtol=1e-12)
        np.testing.assert_allclose(getattr(found.checks, name), expected[::5], rtol=1e-11)
        assert np.all(np.abs(curve - getattr(without.curve, name)) > 1e-12)  # Ohm m
    here = om.magnetoresistance(om.Sample(stack=stack), 10.0, 5.0, b)
    profile = om.diffusion.profile(stack, here.rates, b, electric_field=2e4)
    whole = found.profile.accumulation
    np.testing.assert_allclose(whole, profile.accumulation, atol=1e-12 * np.abs(whole).max())
    assert [row for row in found.rows if row.unit != "microohm m"] == [
        row for row in without.rows if row.unit != "microohm m"
    ]
    assert found.small == without.small


@pytest.mark.parametrize("name", ORIENTED)
def test_moments_with_an_anisotropy_show_their_order_vector(name):
    """Across their axes no closed form takes them; along, it stands beside the tensor."""
    settings = CASES[name]
    found, b = screen(settings), direction_of(settings)
    state = om.equilibrium(found.sample, 10.0, 5.0, direction=b)
    np.testing.assert_array_equal(found.order, state.mean[0])
    along = abs(np.cross(found.order, b)).max() < 1e-9
    assert found.methods == ("closed-form" if along else "batched", "bloch-redfield")
    assert along == (name == "along the easy axis")
    numbers = page.numbers(found)
    assert f"({', '.join(shown(value, 3) for value in found.order)})" in numbers
    assert ("No closed form" in numbers) == (not along)
    assert found.small == ()
    assert "along the field" in page.small(found)
    assert max(row.difference for row in found.rows) < 1e-11


@pytest.mark.parametrize(
    ("change", "words"),
    [({"spin": 4.0}, ("Spin", "at most 3.5")), ({"real_mixing": 1.0}, ("Top", "D and E"))],
)
def test_what_an_anisotropy_does_not_go_with_is_said(change, words):
    refused = answer(Settings(anisotropy=-0.1, **change))
    assert isinstance(refused, Refusal)
    assert all(word in refused.reason for word in words)


def test_moments_without_an_anisotropy_lie_along_the_field():
    found = screen(CASES["anisotropic"])
    np.testing.assert_allclose(found.order, found.mean_spin * found.direction)


def test_large_spins_take_the_tensor_in_numpy():
    assert Settings(spin=LARGEST_QUTIP_SPIN).method == "bloch-redfield"
    assert Settings(spin=LARGEST_QUTIP_SPIN + 0.5).method == "batched"
    assert "NumPy" in page.numbers(screen(CASES["large spin"]))
    assert "QuTiP" in page.numbers(screen(START_VALUES))


@pytest.mark.parametrize("spin", [2.0, 8.0])
def test_an_error_in_the_closed_form_shows_as_a_difference(monkeypatch, spin):
    settings = replace(START_VALUES, spin=spin)
    # routes that sum the same levels in another order: rounding
    assert max(row.difference for row in screen(settings).rows) < 1e-11
    longitudinal = closed_form.longitudinal
    monkeypatch.setattr(closed_form, "longitudinal", lambda *a: 1.001 * longitudinal(*a))
    rows = {row.name: row for row in screen(settings).rows}
    assert rows["1/tau_par"].difference == approx(0.001 / 1.001)
    assert rows["1/tau_perp, x"].difference < 1e-11


def test_small_parameters_are_those_of_validity(settings):
    if settings.oriented:
        pytest.skip("of moments along the field")
    where = settings.temperature, settings.field
    report = om.validity(sample_of(settings).layer(0), *where, costs=False)
    found = {item.parameter: item for item in screen(settings).small}
    assert tuple(found) == SHOWN
    assert len(found) == 8
    resting = [a for a in report.assumptions if a.parameter in found]
    assert len(resting) == 10  # two parameters carry two assumptions each
    for assumption in resting:
        item = found[assumption.parameter]
        assert item.size == float(assumption.size)
        assert assumption.name in item.assumption
        assert assumption.equation in item.equation


def test_verdicts_of_small_parameters():
    words = {item.parameter: item.verdict for item in screen(START_VALUES).small}
    assert words["eps_L / W"] == "small"
    assert words["beta eps_L"] == "not small"


def test_the_page_says_what_its_words_mean():
    found = screen(START_VALUES)
    assert f"below {SMALL:g}; sizeable: below {SIZEABLE:g}" in page.small(found)
    numbers, table = page.numbers(found), page.small(found)
    assert page.NAMES["beta eps_L"] in numbers
    assert page.NAMES["beta eps_L"] in table
    for name in ("⟨S<sub>∥</sub>⟩:", "B<sub>sd</sub>:", "J<sub>0</sub>,"):
        assert name in page.MEANING


@pytest.mark.parametrize(
    ("exchange", "words"),
    [(-1.0, "the spins do not precess"), (-3.0, "between 0 and 30 T"), (1.0, "between 0 and 30 T")],
)
def test_the_caption_says_where_the_precession_stops(exchange, words):
    found = screen(replace(START_VALUES, exchange_z=exchange))
    drawn = page.figures(found)
    assert words in drawn
    still = page.standstill(found)
    assert ("B = Bsd" in drawn.replace("\\u003d", "=")) == (still is not None)
    if still is None:
        assert f"it is {found.exchange_field:.3f} T at 5 T" in drawn
    else:
        there = om.relaxation(found.sample, 10.0, still)
        # a line between two fields of the curve, 0.25 T apart
        assert abs(float(there.exchange_field) - still) < 0.01


@pytest.mark.slow
def test_the_table_of_costs_is_that_of_validity():
    report = om.validity(sample_of(START_VALUES), 10.0, 5.0)
    drawn = page.report(report)
    assert_well_formed(drawn)
    said = "".join(ElementTree.fromstring(f"<div>{drawn}</div>").itertext())
    for item in report.assumptions:
        assert item.name in said
        assert item.because in said
    worst = report.worst("tau_par")
    assert f"at worst {percent(worst.cost)}: {worst.name}" in said
    for part in ("at worst", "good: off by at most 10 %", "MISS"):
        assert part in said


@pytest.mark.slow
def test_deviations_read_as_in_the_table_of_validity():
    report = om.validity(om.presets.pt_py(), 200.0, 1.0)
    otherwise = {}
    for deviation in (0.0, 3e-4, 0.06, 0.58, 2.3, 14.0):
        item = replace(report.assumptions[3], deviation=np.array(deviation))
        text = str(replace(report, assumptions=(item,)))
        if f" {percent(deviation)} " not in text:
            otherwise[deviation] = text
    assert otherwise == {}


def test_a_closed_tab_is_no_news():
    def passes(message):
        return tells_more_than_a_closed_tab(
            logging.LogRecord("asyncio", logging.WARNING, "", 0, message, None, None)
        )

    assert not passes("socket.send() raised exception.")
    assert passes("Task was destroyed but it is pending!")


def test_the_decay_is_the_exponential_of_the_tensor(settings):
    found = screen(settings)
    decay = found.decay
    assert len(decay.times) == DECAY_POINTS
    where = {"direction": found.direction} if settings.oriented else {}
    where["method"] = found.methods[0]
    layer = found.sample.layer(0)
    closed = om.relaxation(layer, settings.temperature, settings.field, **where)
    for i in (0, 1, DECAY_POINTS // 2, DECAY_POINTS - 1):
        exact = expm(-decay.times[i] * closed.tensor) @ START
        # each of the steps rounds, and twelve turns amplify the rounding of their angle
        np.testing.assert_allclose(decay.closed_form[i], exact, atol=1e-11)
    turns = abs(float(closed.precession)) * decay.times[-1] / (2 * np.pi)
    assert turns <= 12.000001
    np.testing.assert_allclose(decay.numerical, decay.closed_form, atol=1e-9)


def test_the_curve_passes_through_the_number_in_the_table():
    found = screen(START_VALUES)
    fields_of_curve = found.curve.relaxation.field
    at = np.flatnonzero(fields_of_curve == START_VALUES.field)
    assert len(at) == 1
    rho = {row.name: row for row in found.rows}["rho_L"].closed_form
    assert 1e6 * found.curve.longitudinal[at[0]] == approx(rho, rel=1e-14)
    np.testing.assert_allclose(found.checks.longitudinal, found.curve.longitudinal[::5], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 0.0}, ("Temperature", "> 0 K", "0.0")),
        ({"spin": 0.3}, ("Spin", "half-integer", "0.3")),
        ({"thickness": 0.0}, ("Thickness", "> 0", " m")),
        ({"exchange_x": 1e12}, ("Exchange energy", "100 eV")),
        ({"exchange_x": float("nan")}, ("Exchange energy", "finite")),
    ],
)
def test_values_outside_the_theory_are_refused_in_words(change, words):
    refused = answer(replace(START_VALUES, **change))
    assert isinstance(refused, Refusal)
    for word in words:
        assert word in refused.reason
    assert not re.search(r"[`_]|Error", refused.reason)
    assert refused.reason in page.refusal(refused).replace("&gt;", ">")


def sliders():
    from openmr.apps.explorer.app import app

    return app.run()[1]["sliders"].elements


def test_sliders_stay_within_the_table_of_parameters_and_say_its_units():
    found = sliders()
    assert list(found) == list(STEPS)
    assert set(found) == {field.name for field in fields(Settings)}
    for name, prefix, factor in (
        *((f"exchange_{axis}", "m", 1e-3) for axis in "xyz"),
        ("weiss", "m", 1e-3), ("thickness", "n", 1e-9), ("spin", "", 1.0),
        ("diffusion_length", "n", 1e-9), ("resistivity", "µ", 1e-6), ("spin_hall_angle", "", 1.0),
        ("real_mixing", "10¹⁴ ", 1e14), ("imaginary_mixing", "10¹⁴ ", 1e14),
    ):  # fmt: skip
        mixing = {"real_mixing": "top.G_r", "imaginary_mixing": "top.G_i"}.get(name, name)
        row = parameter("exchange_energy" if name.startswith("exchange") else mixing)
        slider, unit = found[name], row.unit.replace("^2", "²").replace("Ohm", "Ω")
        assert slider.start * factor >= (row.range.least if name != "thickness" else 0.0), name
        assert slider.stop * factor <= row.range.most, name
        assert slider.step == STEPS[name]
        assert unit == "1" or f"({prefix}{unit})" in slider.text, slider.text
    for name in ("temperature", "field"):
        assert f"({POINT[name]})" in found[name].text
    diffusion = parameter("diffusion").range
    assert diffusion.least <= 10 ** found["diffusion"].start
    assert 10 ** found["diffusion"].stop <= diffusion.most


def test_no_slider_position_but_no_thickness_is_refused():
    """Ends of every slider, each with the others at the start and all but D and E together."""
    ends = {name: (one.start, one.stop) for name, one in sliders().items()}
    ends["thickness"] = STEPS["thickness"], ends["thickness"][1]
    changes = [{name: value} for name, pair in ends.items() for value in pair]
    for name in ("anisotropy", "rhombicity"):  # with a large spin or a magnet they are refused
        del ends[name]
    changes += [{name: pair[i] for name, pair in ends.items()} for i in (0, 1)]
    for change in changes:
        found = answer(replace(START_VALUES, **change))
        assert not isinstance(found, Refusal), (change, found)
        assert "nan" not in printed(found)
        assert "inf" not in printed(found)
        assert_well_formed(page.figures(found))


@pytest.mark.parametrize("spin", [2.0, LARGEST_QUTIP_SPIN, 10.0])
def test_an_update_has_every_part(spin):
    found = screen(replace(START_VALUES, spin=spin, temperature=20.0))
    for part in (page.numbers(found), page.figures(found), page.code(found.settings)):
        assert part


# --- figures and HTML -------------------------------------------------------------------------


def assert_well_formed(html):
    ElementTree.fromstring(f"<div>{html}</div>".replace("<br>", "<br/>"))


def test_every_part_is_well_formed_and_has_its_numbers(settings):
    found = screen(settings)
    numbers = page.numbers(found)
    for part in (page.header(), numbers, page.figures(found), page.code(settings)):
        assert_well_formed(part)
    for row in found.rows:
        for text in row.texts:
            assert f"<td>{text}</td>" in numbers
    for texts in captions(found):
        for text in texts:
            assert text in page.figures(found)


def specification(drawn):
    (element,) = ElementTree.fromstring(drawn).iter("marimo-mime-renderer")
    assert json.loads(element.get("data-mime")).startswith("application/vnd.vegalite")
    return json.loads(json.loads(element.get("data-data")))


def test_a_figure_holds_its_numbers_and_zooms_and_tells():
    x, y = np.linspace(0, 1, 11), np.linspace(2, 3, 22).reshape(11, 2)
    lines = drawing.three(x, y, ("x", "z, along"), circles=y + 0.5, every=5)
    names = {"x_name": "time (ps)", "y_name": "spin"}
    drawn = drawing.figure(lines, title="Decay of a spin", description="a spin", **names)
    assert_well_formed(drawn)
    found = specification(drawn)
    assert found["description"] == "a spin"
    rows = list(csv.DictReader(io.StringIO(found["data"]["values"])))
    assert list(rows[0]) == ["time (ps)", "x", "z, along", "x (circles)", "z, along (circles)"]
    np.testing.assert_allclose([float(row["z, along"]) for row in rows], y[:, 1], rtol=1e-9)
    circles = [float(row["x (circles)"]) for row in rows if row["x (circles)"]]
    np.testing.assert_allclose(circles, y[::5, 0] + 0.5, rtol=1e-9)
    assert set(found["data"]["format"]["parse"]) == set(rows[0])
    assert found["layer"][0]["params"][0]["bind"] == "scales"
    assert all("tooltip" in layer["encoding"] for layer in found["layer"][1:])
    assert 'aria-label="Picture of Decay of a spin"' in drawn


@pytest.mark.parametrize("value", [0.0, 2.0, -1e-7, 3e12])
def test_a_constant_curve_is_drawn(value):
    flat = drawing.Line("", np.linspace(0, 1, 5), np.full(5, value))
    drawn = drawing.figure([flat], title="flat", description="flat", x_name="x (m)", y_name="y (m)")
    assert_well_formed(drawn)
    rows = csv.DictReader(io.StringIO(specification(drawn)["data"]["values"]))
    assert [float(row["y (m)"]) for row in rows] == [value] * 5


def test_marks_outside_the_axis_are_left_out():
    line = drawing.Line("", np.linspace(0, 1, 5), np.linspace(0, 1, 5))
    marks = [drawing.Mark("inside", 0.5), drawing.Mark("outside", 2.0)]
    drawn = drawing.spec([line], description="d", x_name="x", y_name="y", marks=marks)
    words = [layer["mark"].get("text") for layer in drawn["layer"]]
    assert "inside" in words
    assert "outside" not in words


# --- one's own film ---------------------------------------------------------------------------


def test_a_film_goes_into_a_file_and_an_address_and_back(settings, tmp_path):
    again = own_film.film_of(own_film.toml(settings).encode(), settings)
    assert again == settings
    path = tmp_path / "film.toml"
    path.write_text(own_film.toml(settings))
    config = read_config(path)
    assert config["sample"] == sample_of(settings)
    assert (config["temperature"], config["field"]) == (settings.temperature, settings.field)
    np.testing.assert_allclose(config["direction"], direction_of(settings), atol=1e-13)
    assert own_film.asked(dict(parse_qsl(own_film.address(settings)))) == settings
    assert own_film.address(START_VALUES) == ""


@pytest.mark.parametrize("name", ["pt_py", "pt", "ta", "cu_mn"])
def test_a_preset_is_taken_over(name):
    found = own_film.film_of(
        f'[sample]\npreset = "{name}"'.encode(), replace(START_VALUES, field=3)
    )
    assert isinstance(found, Settings)
    assert found.field == 3
    sample, preset = sample_of(found), om.presets.PRESETS[name]()
    for part in ("thickness", "spin_hall_angle", "diffusion", "diffusion_length", "resistivity"):
        assert getattr(sample.film, part) == approx(getattr(preset.film, part), rel=1e-11)
    assert sample.electrons.dos == approx(preset.electrons.dos, rel=1e-11)
    there = om.magnetoresistance(sample, 20.0, 3.0, (0, 1, 0))
    rho = om.magnetoresistance(preset, 20.0, 3.0, (0, 1, 0))
    assert there.longitudinal == approx(rho.longitudinal, rel=1e-9)


def test_a_film_of_any_density_of_states_is_taken_over():
    found = own_film.film_of(EXAMPLE.encode(), START_VALUES)
    assert sample_of(found).electrons.dos == approx(7.475e28, rel=1e-11)


def test_a_film_of_texts_with_units_is_taken_over(settings):
    plain = own_film.toml(settings)
    energy, thickness = settings.fermi_energy, settings.thickness
    told = re.sub("fermi_energy = .*", f'fermi_energy = "{1e3 * energy!r} meV"', plain)
    told = re.sub("thickness = .*", f'thickness = "{thickness!r} nm"', told)
    assert told.count('meV"') == told.count(' nm"') == 1
    assert own_film.film_of(told.encode(), settings) == settings


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"\xff", "UTF-8"),
        (b"x =", "TOML"),
        (b"[sweep]", "[sample]"),
        (b'[sample]\npreset = "pt_py"\nspin = 1e9', "0.5 to 10"),
        (b'[sample]\npreset = "pt_py"\nspin = [1]', "one number"),
        (b'[sample]\npreset = "cu_fe"', "Anisotropy"),
        (b'[sample]\npreset = "pt_yig"', "Bottom"),
        (b'[sample]\npreset = "pt"\nthickness = 1', "Thickness"),
        (STACK_EXAMPLE.encode(), "one here, got 2"),
        (EXAMPLE.replace("spin = 1.5", "spin = 1.5\nhamiltonian = [[1]]").encode(), "no slider"),
        (EXAMPLE.replace("random", "lattice").encode(), "Disorder"),
        (EXAMPLE.replace("dos_down = 7", "dos_down = 8").encode(), "equal"),
        ((EXAMPLE + "#" * 40000).encode(), "bytes"),
        (b"a=" + b"[" * 5000, "TOML"),
    ],
)
def test_a_file_that_sliders_do_not_hold_is_refused_in_words(file, words):
    refused = own_film.film_of(file, START_VALUES)
    assert isinstance(refused, Refusal)
    assert words in refused.reason
    assert not re.search(r"[`_]|Error", refused.reason)


@pytest.mark.parametrize(
    ("query", "words"),
    [({"spin": "0.1"}, "Spin"), ({"field": "x"}, "Field"), ({"mass": ["1", "2"]}, "Mass")],
)
def test_an_address_that_sliders_do_not_hold_is_refused_in_words(query, words):
    refused = own_film.asked(query)
    assert isinstance(refused, Refusal)
    assert words in refused.reason
    assert own_film.asked({"token": "a", "other": "b"}) == START_VALUES


# --- command line -----------------------------------------------------------------------------


def test_without_marimo_one_line_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "marimo", None)
    assert cli.main(["explore"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "pip install 'openmr[explore]'" in said.err


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_ports_out_of_range(port, capsys):
    assert cli.main(["explore", "--headless", "--port", port]) == 2
    assert "`port` must be 0 to 65535" in capsys.readouterr().err


def test_a_taken_port_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["explore", "--headless", "--port", f"{port}"]) == 2
    said = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_ctrl_c_ends_it_without_a_traceback(tmp_path):
    with browser.process(tmp_path) as (server, _):
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0
    assert (tmp_path / "server.log").read_text() == ""


# --- in Chromium ------------------------------------------------------------------------------

# in the order of the Tab key, with one step of each slider
STEPS = {
    "temperature": 1.0, "field": 0.25, "polar": 5.0, "azimuth": 5.0, "exchange_x": 0.05,
    "exchange_y": 0.05, "exchange_z": 0.05, "spin": 0.5, "weiss": 0.05, "density": 0.001,
    "anisotropy": 0.01, "rhombicity": 0.01, "thickness": 0.5, "spin_hall_angle": 0.005,
    "diffusion_length": 0.1, "diffusion": 0.05, "resistivity": 0.01, "fermi_energy": 0.1,
    "mass": 0.05, "real_mixing": 0.1, "imaginary_mixing": 0.1,
}  # fmt: skip
FOCUSED = """
const host = document.activeElement;
const inner = host && host.shadowRoot ? host.shadowRoot.activeElement : host;
if (!inner || inner.getAttribute("role") !== "slider") return null;
const label = host.shadowRoot.getElementById(inner.getAttribute("aria-labelledby"));
const style = getComputedStyle(host);
return {label: label.textContent, now: Number(inner.getAttribute("aria-valuenow")),
        outline: parseFloat(style.outlineWidth), kind: style.outlineStyle};
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    if not (browser.CHROMIUM and browser.DRIVER):
        reason = "chromium and chromedriver are not installed"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("home")
    # a user who likes marimo dark: the page is as the system is all the same
    (home / ".marimo.toml").write_text('[display]\ntheme = "dark"\n')
    with browser.served(home) as where:
        yield where


@pytest.fixture(scope="module")
def chromium(address):
    with browser.chromium() as driver:
        yield driver


@pytest.fixture
def wide(chromium, address):
    browser.visit(chromium, address, 1280, 900)
    yield chromium
    assert_quiet(chromium)


@pytest.fixture
def narrow(chromium, address):
    browser.visit(chromium, address, 400, 860)
    yield chromium
    assert_quiet(chromium)


def assert_quiet(driver):
    loud = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert not loud


def tab_to(driver, name):
    """Press Tab until the slider with that name has the focus."""
    for _ in range(60):
        browser.press(driver, "Tab")
        focused = driver.execute_script(FOCUSED)
        if focused and focused["label"].startswith(name):
            return focused
    raise AssertionError(f"no slider {name!r} in 60 tabs")


def shown_settings(driver):
    """Settings that the numbers on the page belong to; None while there are none."""
    data = driver.execute_script(
        "const n = document.getElementById('om-numbers'); return n ? {...n.dataset} : null;"
    )
    if data is None:
        return None
    spelled = {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), k): float(v) for k, v in data.items()}
    return Settings(**{name: spelled[name] for name in STEPS})


def table(driver):
    return driver.execute_script(
        "return [...document.querySelectorAll('#om-numbers tbody tr')].map("
        "(r) => [r.dataset.row, r.cells[1].textContent, r.cells[2].textContent]);"
    )


def assert_page_is(driver, settings):
    """Table, snippet and small parameters of the page are those of the API."""
    found = screen(settings)
    browser.wait_for(
        driver,
        lambda d: (
            d.execute_script("return document.getElementById('om-snippet').textContent")
            == snippet(settings)
        ),
    )
    assert table(driver) == [[row.name, *row.texts] for row in found.rows]
    sizes = driver.execute_script(
        "return [...document.querySelectorAll('#om-small tbody tr')].map("
        "(r) => [r.dataset.row, r.cells[1].textContent]);"
    )
    assert sizes == [[item.parameter, f"{item.size:.3g}"] for item in found.small]


def overflow(driver):
    """How far the page is wider than the window, and what sticks out."""
    return driver.execute_script(
        "const app = document.getElementById('App');"
        "const wide = Math.max(app.scrollWidth - app.clientWidth,"
        "  document.documentElement.scrollWidth - innerWidth);"
        "const out = [...document.querySelectorAll('#App *')].filter("
        "  (e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('pre'));"
        "return [wide, out.map((e) => e.tagName + '.' + e.className)];"
    )


def drawn_figures(driver):
    """Left, right, and width in pixels over that on the screen, of each figure; none unless all."""
    found = driver.execute_script(
        "return [...document.querySelectorAll('.om-figures marimo-mime-renderer')].map((e) => {"
        "const c = e.shadowRoot && e.shadowRoot.querySelector('canvas');"
        "if (!c) return null; const r = c.getBoundingClientRect();"
        "return [r.left, r.right, c.width / r.width];});"
    )
    return found if found and all(found) else None


def test_the_page_shows_the_start_and_loads_nothing_from_elsewhere(wide, address):
    assert shown_settings(wide) == START_VALUES
    assert_page_is(wide, START_VALUES)
    asked = browser.requests(wide)
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert wide.execute_script("return document.body.classList.contains('light')")
    assert len(browser.wait_for(wide, drawn_figures)) == 3
    assert overflow(wide) == [0, []]


def test_every_slider_answers_the_keyboard(wide):
    settings = START_VALUES
    for name, step in STEPS.items():
        focused = tab_to(wide, "")  # the next slider
        assert focused["outline"] >= 2
        assert focused["kind"] == "solid"
        unit = r"\((K|T|°|meV|nm|10¹⁴ S/m²|m²/s|µΩ m|eV|a of Pt)\)$|^spin |mF/me$"
        assert re.search(unit, focused["label"]), focused
        # what a screen reader says is the value, not its place in a list
        assert focused["now"] == approx(getattr(settings, name))
        if name in ("anisotropy", "rhombicity"):  # slow, and refused with a magnet: by themselves
            continue
        for _ in range(2):
            settings = replace(settings, **{name: round(getattr(settings, name) + step, 10)})
            browser.press(wide, "ArrowRight")
            browser.wait_for(wide, lambda d, expected=settings: shown_settings(d) == expected)
        assert_page_is(wide, settings)


def test_a_held_key_is_not_answered_step_by_step(wide):
    """Thirty steps at once: the page ends at the last, and skips what it has no time for."""
    tab_to(wide, "temperature")
    for _ in range(30):
        browser.press(wide, "ArrowRight")
    last = replace(START_VALUES, temperature=40.0)
    browser.wait_for(wide, lambda d: shown_settings(d) == last)
    assert_page_is(wide, last)


def test_no_thickness_is_refused_on_the_page_and_left_again(wide):
    tab_to(wide, "thickness")
    browser.press(wide, "Home")
    reason = browser.wait_for(wide, lambda d: d.find_elements("id", "om-reason"))[0].text
    assert reason == answer(replace(START_VALUES, thickness=0.0)).reason
    gone = ("#om-numbers", ".om-figures", "#om-snippet")
    browser.wait_for(
        wide, lambda d: not any(d.find_elements("css selector", part) for part in gone)
    )
    assert "Traceback" not in wide.find_element("tag name", "body").text
    browser.press(wide, "ArrowRight")
    thin = replace(START_VALUES, thickness=0.5)
    browser.wait_for(wide, lambda d: shown_settings(d) == thin)
    assert not wide.find_elements("id", "om-reason")
    assert_page_is(wide, thin)


@pytest.mark.slow
def test_the_costs_are_measured_on_request_and_forgotten_after_a_move(wide):
    wide.execute_script(
        "document.querySelector('.om-measure marimo-button')"
        ".shadowRoot.querySelector('button').focus()"
    )
    browser.press(wide, "Enter")
    report = browser.wait_for(wide, lambda d: d.find_elements("css selector", ".om-report"))[0]
    expected = om.validity(sample_of(START_VALUES), 10.0, 5.0)
    said = report.get_attribute("textContent")
    assert all(item.name in said and item.because in said for item in expected.assumptions)
    assert overflow(wide) == [0, []]
    tab_to(wide, "temperature")
    browser.press(wide, "ArrowRight")
    browser.wait_for(wide, lambda d: not d.find_elements("css selector", ".om-report"))


@pytest.mark.slow
def test_ctrl_c_ends_it_with_a_page_open(chromium, tmp_path):
    with browser.process(tmp_path) as (server, elsewhere):
        browser.visit(chromium, elsewhere, 1280, 900)
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_the_snippet_is_copied(wide, address):
    wide.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"origin": address, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    wide.execute_script("document.querySelector('[data-copy]').focus()")
    browser.press(wide, "Enter")
    browser.wait_for(wide, lambda d: d.find_element("css selector", ".om-copied").text == "copied")
    copied = wide.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(`${e}`));"
    )
    assert copied == snippet(START_VALUES)


@pytest.mark.slow
def test_a_narrow_window_needs_no_scrolling_sideways(narrow):
    assert_page_is(narrow, START_VALUES)
    assert overflow(narrow) == [0, []]
    boxes = browser.wait_for(narrow, drawn_figures)
    assert len(boxes) == 3
    for left, right, shrunk in boxes:
        assert left >= 0
        assert right <= 400
        assert shrunk == approx(1, abs=0.02)  # letters have the size that they are given


def set_dark(driver, dark):
    value = "dark" if dark else "light"
    feature = {"name": "prefers-color-scheme", "value": value}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_follows_the_system_and_has_no_fault_that_axe_knows(
    chromium, address, width, dark
):
    set_dark(chromium, dark)
    try:
        browser.visit(chromium, address + "/?anisotropy=-0.1&polar=40", width, 900)
        browser.wait_for(chromium, drawn_figures)
        assert shown_settings(chromium) == replace(START_VALUES, anisotropy=-0.1, polar=40.0)
        assert chromium.execute_script("return document.body.classList.contains('dark')") == dark
        assert overflow(chromium) == [0, []]
        axe = browser.axe()
        if axe is None:
            pytest.skip("axe-core is not installed: npm install axe-core, AXE=its axe.min.js")
        chromium.execute_script(axe)
        browser.wait_for(
            chromium,
            lambda d: d.execute_script(
                "return document.querySelector('marimo-file').shadowRoot"
                ".querySelector('input').hasAttribute('aria-label')"
            ),
        )
        faults = chromium.execute_async_script(
            "const done = arguments[0]; axe.run().then((r) => done(r.violations.map("
            "(v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200))])));"
        )
        assert faults == []
        assert_quiet(chromium)
    finally:
        set_dark(chromium, False)


@pytest.mark.slow
def test_the_address_keeps_the_state_through_reload_and_back(wide, address):
    tab_to(wide, "temperature")
    for kelvin in (11.0, 12.0):
        browser.press(wide, "ArrowRight")
        browser.wait_for(wide, lambda d, t=kelvin: d.current_url == f"{address}/?temperature={t}")
    warm = replace(START_VALUES, temperature=12.0)
    wide.refresh()
    browser.wait_for(wide, lambda d: shown_settings(d) == warm)
    assert_page_is(wide, warm)
    wide.back()
    browser.wait_for(wide, lambda d: shown_settings(d) == replace(START_VALUES, temperature=11.0))


@pytest.mark.slow
def test_an_address_out_of_range_says_so_and_stands_at_the_start(chromium, address):
    browser.visit(chromium, address + "/?spin=1e6", 1280, 900)
    assert shown_settings(chromium) == START_VALUES
    assert chromium.find_element("id", "om-unread").text == own_film.asked({"spin": 1e6}).reason
    assert_quiet(chromium)


@pytest.mark.slow
def test_a_file_goes_up_and_pictures_data_and_file_come_down(wide, tmp_path):
    wide.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    film = replace(START_VALUES, thickness=8.0, spin_hall_angle=0.05, exchange_x=-0.4)
    upward = tmp_path / "up.toml"
    upward.write_text(own_film.toml(film))
    field = "return document.querySelector('marimo-file').shadowRoot.querySelector('input')"
    wide.execute_script(field).send_keys(str(upward))
    browser.wait_for(wide, lambda d: shown_settings(d) == film)
    assert_page_is(wide, film)
    browser.wait_for(wide, drawn_figures)
    for button in wide.find_elements("css selector", "[data-save]"):
        wide.execute_script("arguments[0].click()", button)
    stems = ("decay-of-a-spin", "resistivity-against-field", "spin-accumulation-across-the-film")
    due = [f"{stem}.{kind}" for stem in stems for kind in ("svg", "csv")]
    due += ["film.toml", "openmr_film.py"]
    browser.wait_for(wide, lambda _: all((tmp_path / name).exists() for name in due))
    assert (tmp_path / "film.toml").read_text() == own_film.toml(film)
    assert (tmp_path / "openmr_film.py").read_text() == snippet(film)
    with (tmp_path / "resistivity-against-field.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = screen(film)
    rho = [float(list(row.values())[1]) for row in rows]
    np.testing.assert_allclose(rho, 1e6 * found.curve.longitudinal, rtol=1e-9)
    picture = ElementTree.parse(tmp_path / "decay-of-a-spin.svg")
    words = "".join(picture.getroot().itertext())
    assert "time (ps)" in words
    assert "z, along the field" in words
