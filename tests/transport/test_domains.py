"""Films of domains, and the two branches of a loop."""

from itertools import pairwise

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from systems import oriented, paramagnet, reference_film

import openmr as om

UP = (0, 0, 1)
PARTS = [om.magnetoresistance(paramagnet(0.5), 10.0, 1.0, b) for b in (UP, (1, 0, 0))]


def test_domains_share_the_film():
    parts = [om.magnetoresistance(paramagnet(2.0), 10.0, [1.0, 5.0], b) for b in (UP, (0, 1, 0))]
    both = om.domains(parts, [0.25, 0.75])
    mean = 0.25 * parts[0].longitudinal + 0.75 * parts[1].longitudinal
    np.testing.assert_allclose(both.longitudinal, mean, rtol=1e-15)
    assert np.all(both.uncertainty >= 0)
    # second order in the difference
    apart = parts[0].longitudinal - parts[1].longitudinal
    bound = np.abs(apart / mean).max()
    np.testing.assert_allclose(both.uncertainty, 0.25 * 0.75 * apart**2 / mean, rtol=bound)
    np.testing.assert_array_equal(om.domains(parts[:1], [1.0]).transverse, parts[0].transverse)
    fields = om.domains(parts, [[0.0, 1.0], [1.0, 0.0]])
    assert fields.longitudinal[0] == parts[1].longitudinal[0]
    assert fields.longitudinal[1] == parts[0].longitudinal[1]
    assert "2 kinds" in repr(both)


@pytest.mark.slow
def test_domains_of_an_antiferromagnet():
    """Easy axes along x and y: turned by a quarter, each is the other with the field turned."""
    one = {"spin": 2.5, "anisotropy": -2.5e-5}
    turned = {"x": [(0, 0, -1), (0, 1, 0), (1, 0, 0)], "y": [(1, 0, 0), (0, 0, -1), (0, 1, 0)]}
    found = []
    for axes in turned.values():
        moments = oriented(**one, axes=axes)
        film = reference_film(moments, moments, weiss=[[0, -1e-3], [-1e-3, 0]])
        found.append(om.magnetoresistance(film, 6.0, 1.0, (1, 0, 0), method="batched"))
    assert abs(found[0].longitudinal / found[1].longitudinal - 1) > 1e-6
    half = om.domains(found, [0.5, 0.5])
    assert min(f.longitudinal for f in found) < half.longitudinal
    assert half.longitudinal < max(f.longitudinal for f in found)


def test_a_loop_is_two_branches():
    axes = [(0, 0, -1), (0, 1, 0), (1, 0, 0)]
    moments = om.Moments(2.5, 1e27, exchange_energy=-5e-4, anisotropy=-4e-5, axes=axes)
    film = reference_film(moments, weiss=2e-3)
    field = np.linspace(-1.6, 1.6, 9)
    up, down = (
        om.magnetoresistance(film, 0.5, field, (1, 0, 0), method="batched", branch=branch)
        for branch in ("up", "down")
    )
    np.testing.assert_allclose(up.longitudinal, down.longitudinal[::-1], rtol=1e-12)
    means = [one.relaxation.equilibrium.mean[:, 0, 0] for one in (up, down)]
    assert means[0][4] == approx(-means[1][4], rel=1e-9)
    assert all(b <= a + 1e-9 for a, b in pairwise(means[0]))


BAD = [
    (lambda: om.domains([], []), "`parts` must hold at least one"),
    (lambda: om.domains(PARTS, [0.5, 0.6]), "`shares` must be >= 0 with sum 1"),
    (lambda: om.domains(PARTS, [1.5, -0.5]), "`shares` must be >= 0 with sum 1"),
    (lambda: om.domains(PARTS, [1.0]), "`shares` must have a last axis of 2"),
    (lambda: om.domains([1.0], [1.0]), "`parts` must be an openmr.Resistivity"),
    (
        lambda: om.magnetoresistance(paramagnet(0.5), 10.0, 1.0, UP, branch="up"),
        "`branch` must be 'lowest' for moments without axes",
    ),
]


def test_what_is_refused():
    assert unclear(BAD) == {}
