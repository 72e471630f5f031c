"""Validity of films whose moments have levels of their own, and of what a thermostat leaves."""

from dataclasses import replace

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from systems import DENSITY, TILTED_COUPLING, film_of, flopping, oriented, reference_film

import openmr as om
from openmr.reports.face_validity import about_mean_field

UP = (0, 0, 1)
FIRST = reference_film(oriented(1.5, anisotropy=(3e-4, 1e-4)))


def line(report, name):
    (found,) = (one for one in report.assumptions if one.name.startswith(name))
    return found


@pytest.mark.parametrize(
    "film",
    [
        FIRST,
        pytest.param(flopping(), marks=pytest.mark.slow),
        reference_film(oriented(1.5, TILTED_COUPLING, anisotropy=-1e-4)),
    ],
)
def test_levels_of_their_own_have_a_report(film):
    report = om.validity(film, [4.0, 10.0], [1.0, 3.0], direction=(1, 2, 3))
    assert len(report.assumptions) == 16
    assert all(one.size.shape == (2,) for one in report.assumptions)
    assert line(report, "electrons not split").deviation.shape == (2,)
    told = str(report)
    assert "B = 1, 3 T along (0.2673, 0.5345, 0.8018), W" in told
    assert report.to_xarray().b_y == approx(2 / 14**0.5)
    assert report.to_dict()["direction"][2] == approx(3 / 14**0.5)
    assert "thermal if reset faster than" in told
    plain = om.validity(film, 4.0, 1.0, direction=UP, costs=False)
    assert all(one.deviation is None for one in plain.assumptions)


@pytest.mark.parametrize("own", [pytest.param({}, marks=pytest.mark.slow), {"axes": np.eye(3)}])
def test_lines_that_cross_are_told(own):
    """The electron's line on the moment's, at g = 1.558, or apart from it, at g = 2."""
    sizes, costs = [], []
    for g in (2.0, 1.5576404710):
        film = reference_film(om.Moments(0.5, DENSITY, -6e-31, g=g, **own))
        lossless = om.Film(5e-9, 0.1, 1e-6, resistivity=2e-6, spin_flip_time=np.inf)
        film = replace(film, film=lossless, electrons=replace(film.electrons, g=2.0))
        found = line(om.validity(film, 10.0, 3.0, direction=UP), "moments do not follow")
        sizes.append(float(found.size))
        costs.append(found.cost)
    assert sizes[0] == approx(0.005, rel=0.05)
    assert sizes[1] == approx(1.04, rel=0.05)
    assert costs[0] < 0.01
    assert costs[1] > 0.1


def test_couplings_without_the_densities_leave_one_line_open():
    """Electrons and moments cannot move together there; all else can be judged."""
    other = om.Moments(1.0, 2 * DENSITY, 3e-31)
    for back, known in ((-4e-4, True), (-8e-4, False)):
        weiss = [[0, -8e-4], [back, 0]]
        film = reference_film(oriented(1.5, anisotropy=1e-4), other, weiss=weiss)
        found = line(om.validity(film, 5.0, 3.0, direction=(1, 2, 3)), "moments do not follow")
        assert (found.deviation is not None) is known
        assert ("not the densities" in found.because) is not known


@pytest.mark.slow
def test_a_thermostat_is_weighed_against_the_electrons():
    rate = 1e9
    film = reference_film(om.Moments(0.5, DENSITY, -6e-31, thermostat_rate=rate))
    found = line(om.validity(film, 10.0, 3.0, direction=UP), "no back-action")
    own = float(om.moment_relaxation(film, 10.0, 3.0).population_rates[0])
    assert found.parameter == "1 / (r T1)"
    assert float(found.size) == approx(own / rate, rel=1e-12)
    assert found.cost == approx(own / (own + rate), rel=1e-9)
    assert found.choice
    free = reference_film(om.Moments(0.5, DENSITY, -6e-31, thermostat_rate=0.0))
    assert np.isinf(line(om.validity(free, 10.0, 3.0), "no back-action").size)


def stack_with(top):
    layer = om.Layer(FIRST.film, FIRST.electrons, FIRST.magnet)
    return om.Sample(stack=om.Stack([layer], top=top))


@pytest.mark.parametrize("top", [None, om.Sheet(G_r=4e14), om.Sheet(3.5, 2e18, 3e-31)])
def test_a_layer_of_a_stack_has_the_lines_of_its_film(top):
    where = {"temperature": 4.0, "field": 1.0, "direction": (1, 2, 3)}
    whole, film = om.validity(stack_with(top), **where), om.validity(FIRST, **where)
    lines = [one for one in film.assumptions if one.affects != ("rho",)]
    assert lines
    for one in lines:
        again = line(whole, f"{one.name} [layers.0]")
        np.testing.assert_array_equal(again.size, one.size)
        assert again.because == one.because
    faces = [one for one in whole.assumptions if one.name.endswith("[top]")]
    assert bool(faces) == (top is not None)


@pytest.mark.parametrize("more", [{}, {"thermostat_rate": 1e9}])
def test_a_sheet_has_its_lines_whatever_axes_it_has(more):
    """Axes alone change none; what levels change of the rates stays open."""
    plain = om.Sheet(3.5, 2e18, 3e-31, **more)
    metal = om.presets.pt_eus().stack.layers
    reports = [
        om.validity(
            om.Sample(stack=om.Stack(metal, top=replace(plain, **own))),
            *(4.0, 1.0), direction=(1, 2, 3),
        )
        for own in ({}, {"axes": np.eye(3)}, {"anisotropy": 1e-4})
    ]  # fmt: skip
    names = [[one.name for one in each.assumptions] for each in reports]
    assert names[1] == names[2]
    shared = [one for one in reports[1].assumptions if one.name in names[0]]
    assert len(shared) == 7 + bool(more)
    for one in shared:
        first = line(reports[0], one.name)
        np.testing.assert_allclose(one.size, first.size, rtol=1e-12)
        if one.deviation is not None:
            np.testing.assert_allclose(one.deviation, first.deviation, rtol=1e-6)
    speeds = [line(one, "second order in J (golden rule)").size for one in reports]
    assert abs(speeds[2] / speeds[1] - 1) > 1e-3


def test_what_a_plane_reflects_is_of_its_mean_field_wherever_it_points():
    """The easy axis along the field or across it, and the field too weak to turn the moments."""
    found = []
    for z in ((0, 0, 1), (1, 0, 0)):
        axes = [(0, 1, 0), np.cross(z, (0, 1, 0)), z]
        sheet = om.Sheet(3.5, 2e18, 3e-31, weiss=1e-3, anisotropy=-3e-3, axes=axes)
        metal = om.presets.pt_eus().stack.layers[0]
        where = {"direction": (0, 0, 1), "method": "batched"}
        face = om.face_conductances(sheet, metal, 5.0, 1e-4, **where)
        found.append(np.abs(about_mean_field(face)))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-3)
    assert abs(face.G_i) < 1e-3 * found[0][2]  # along the field there is none of it


BAD = [
    (
        lambda: om.validity(FIRST, 4.0, 1.0, routes=("heom",)),
        "`routes` must be empty for moments with axes of their own",
    ),
    (lambda: om.verify(FIRST), "`sample` must have moments without axes of their own.*compare"),
    (
        lambda: om.verify(film_of(om.Moments(0.5, DENSITY, -6e-31, thermostat_rate=1e9))),
        "`thermostat_rate` must be infinite here",
    ),
]


def test_what_is_refused():
    assert unclear(BAD) == {}
