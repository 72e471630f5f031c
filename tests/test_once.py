"""No number is worked out twice: every report solves the equilibrium of a point once."""

import numpy as np
import pytest

import openmr as om
from openmr.apps.explorer.screen import CURVE_POINTS, Settings, screen
from openmr.moments import equilibrium as station
from openmr.reports.verify.case import Case
from openmr.reports.verify.cases import solve as solve_cases
from openmr.reports.verify.comparison import compare

FILM = om.presets.pt_py()


@pytest.fixture
def points(monkeypatch):
    """(temperature, field) of every point whose Weiss equations are solved."""
    found = []
    for name in ("_apart", "_together"):
        solve = getattr(station, name)

        def counted(magnet, temperature, field, solve=solve):
            found.extend(zip(np.ravel(temperature), np.ravel(field), strict=True))
            return solve(magnet, temperature, field)

        monkeypatch.setattr(station, name, counted)
    return found


def test_the_line(points):
    rho = om.magnetoresistance(FILM, [10.0, 20.0], 5.0, (1, 0, 0))
    assert points == [(10.0, 5.0), (20.0, 5.0)]
    assert rho.relaxation.equilibrium.sample is FILM
    om.mechanisms(FILM.film, rho.relaxation, (1, 0, 0))
    assert len(points) == 2


def test_every_method(points):
    state = om.equilibrium(FILM, 10.0, 5.0)
    for method in ("closed-form", "batched", "bloch-redfield", "kinetic"):
        om.relaxation(FILM, 10.0, 5.0, method=method)
    assert len(points) == 1 + 4
    assert float(state.mean_spin[0]) < 0


@pytest.mark.slow
def test_validity(points):
    film = om.presets.pt_py(spin=0.5)
    om.validity(film, [10.0, 200.0], 5.0)
    asked = [(10.0, 5.0), (200.0, 5.0)]
    assert points == [*asked, (10.0, 0.0), (200.0, 0.0)]  # a magnetoresistance counts from B = 0
    points.clear()
    om.validity(film, 10.0, [0.0, 5.0])
    assert points == [(10.0, 0.0), (10.0, 5.0)]


def test_verify(points):
    cases = [Case(f"{t} K", FILM, t, 5.0) for t in (10.0, 200.0)]
    assert all(check.ok for check in compare(solve_cases(cases, progress=False)))
    assert points == [(10.0, 5.0), (200.0, 5.0)]


@pytest.mark.parametrize("mixing", [0.0, 4.0])
def test_explorer(points, mixing):
    screen(Settings(temperature=10.0, field=5.0, real_mixing=mixing))
    assert len(points) == 1 + CURVE_POINTS


def test_sweep(points):
    om.sweep(
        FILM, temperature=[10.0, 20.0], field=[1.0, 2.0, 3.0], thickness=[2e-9, 5e-9],
        chunk_points=100,
    )  # fmt: skip
    assert len(points) == 6
    assert np.unique(points, axis=0).shape == (6, 2)
