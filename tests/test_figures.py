"""Figures of transport: what is on them, units on the axes, marks where they belong."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

import openmr as om
from openmr import diffusion, plotting

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
    assert marks[0] == pytest.approx([crossing], abs=0.25)  # one step of the field
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


BAD = [
    (lambda: plotting.resistance_curves({}, against="time"), "`against`.*'field'.*'time'"),
    (lambda: plotting.angular_scan(FIELD, {}, part="both"), "`part`.*'transverse'.*'both'"),
    (lambda: plotting.spin_profile(None, quantity="charge"), "`quantity`.*'current'.*'charge'"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[m for _, m in BAD])
def test_one_clear_error(call, message):
    with pytest.raises(om.ParameterError) as caught:
        call()
    assert re.search(message, str(caught.value)), str(caught.value)


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
