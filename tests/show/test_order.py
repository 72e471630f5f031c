"""Figures of the order vector."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from refusals import unclear
from systems import antiferromagnet, flopping, oriented, reference_film

import openmr as om
from openmr import plotting

UP = (0, 0, 1)
FILM = reference_film(oriented(1.5, anisotropy=(3e-4, 1e-4)))
STATE = om.equilibrium(FILM, 4.0, np.linspace(0.0, 5.0, 4), direction=(1, 2, 3))


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_components_are_those_of_the_state():
    figure, ax = plotting.order_vector(STATE)
    lines = ax.get_lines()[:3]
    assert [line.get_label() for line in lines] == [rf"$\langle S\rangle_{c}$" for c in "xyz"]
    for line, values in zip(lines, STATE.mean[:, 0].T, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), STATE.field)
        np.testing.assert_array_equal(line.get_ydata(), values / 1.5)
    assert ax.get_xlabel() == "field, $B$ (T)"
    assert plotting.order_vector(STATE, ax=ax)[0] is figure


def test_collinear_moments_have_one_component_each():
    state = om.equilibrium(antiferromagnet(), np.linspace(2.0, 60.0, 5), 1.0)
    _, ax = plotting.order_vector(state)
    assert [line.get_label() for line in ax.get_lines()[:2]] == [
        rf"$\langle S_{i}\rangle_b$" for i in (1, 2)
    ]
    assert ax.get_xlabel() == "temperature (K)"


def test_turning_fields_are_drawn_against_their_angle():
    scan = om.scan_directions("yz", np.linspace(0, np.pi, 5))
    state = om.equilibrium(FILM, 4.0, 5.0, direction=scan)
    _, ax = plotting.order_vector({"a": state, "b": state})
    np.testing.assert_allclose(ax.get_lines()[0].get_xdata(), [0, 45, 90, 135, 180])
    # no component along x, and each of the others on both curves
    assert [line.get_label()[-4:-1] for line in ax.get_lines()[:2]] == ["$, "] * 2
    assert len(ax.get_lines()) == 5


BAD = [
    (lambda: plotting.order_vector("state"), "`state` must be an equilibrium of moments"),
    (lambda: plotting.order_vector({}), "`state` must hold at least one"),
    (lambda: plotting.order_vector(om.equilibrium(FILM, 4.0, 1.0, direction=UP)), "along one axis"),
    (
        lambda: plotting.order_vector(om.equilibrium(FILM, [4.0], 1.0, direction=UP)),
        "`state` must vary in field, temperature or direction",
    ),
    (
        lambda: plotting.order_vector(
            {"a": STATE, "b": om.equilibrium(FILM, [4.0, 5.0], 1.0, direction=UP)}
        ),
        "`state` must vary in one quantity",
    ),
]


def test_what_is_refused():
    assert unclear(BAD) == {}


def test_flopping_films_have_one_line_each():
    state = om.equilibrium(flopping(), 6.0, np.array([5.0, 7.0]), direction=UP)
    _, ax = plotting.order_vector(state)
    assert len(ax.get_lines()) == 5
