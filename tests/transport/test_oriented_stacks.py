"""Stacks whose layers or faces have moments with axes of their own."""

from dataclasses import replace

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from systems import oriented, reference_film

import openmr as om
from openmr.rates.axes import film_axes, turned

FILM = om.Film(5e-9, 0.1, 1e-6, resistivity=2e-6, diffusion_length=3e-9)
METAL = om.Layer(FILM, reference_film(oriented(0.5)).electrons)
SLANTED = (1, 2, 3)


def under(sheet):
    return om.Sample(stack=om.Stack([METAL], top=sheet))


def easy(**more):
    return om.Sheet(2.5, 2e18, 3e-31, anisotropy=(-3e-4, 1e-4), **more)


def resistivity(sample, kelvin, field, direction, **options):
    found = om.magnetoresistance(sample, kelvin, field, direction, method="batched", **options)
    return np.stack([found.longitudinal, found.transverse])


@pytest.mark.parametrize("direction", [(0, 0, 1), SLANTED])
def test_axes_alone_change_nothing(direction):
    sheets = (om.Sheet(2.5, 2e18, 3e-31, weiss=2e-4, **own) for own in ({}, {"axes": np.eye(3)}))
    kelvin, field = np.array([[5.0], [20.0]]), np.array([0.7, 3.0, -3.0])
    plain, own = (resistivity(under(sheet), kelvin, field, direction) for sheet in sheets)
    np.testing.assert_allclose(own, plain, rtol=1e-13, atol=1e-13 * 2e-6)


@pytest.mark.parametrize("own", [{}, {"anisotropy": (-3e-4, 1e-4)}])
@pytest.mark.parametrize("hold", [np.inf, 1.0, 0.0])
def test_a_sheet_is_a_thin_layer_of_its_moments(own, hold):
    """Two layers, one thin: its rates times its thickness are the sheet's conductances.

    Also of moments that follow the accumulation at the face, the more the less they are held.
    """
    thin, areal, j, b = 1e-14, 5e16, 6e-30, (0.3, 1, 0.4)
    where = {"direction": b} if own else {}
    alone = om.Sample(om.Magnet(om.Moments(2.5, 1e27, j, **own)), METAL.electrons, FILM)
    rate = hold * float(om.moment_relaxation(alone, 30.0, 1.0, **where).population_rates[0])
    sheet = om.Sheet(2.5, areal, j, thermostat_rate=rate, **own)
    moments = om.Moments(2.5, areal / thin, j, thermostat_rate=rate, **own)
    layer = om.Layer(replace(FILM, thickness=thin), METAL.electrons, om.Magnet(moments))
    both = om.Sample(stack=om.Stack([METAL, layer]))
    held = replace(sheet, thermostat_rate=None)
    films = under(None), both, under(sheet), under(held)
    bare, *found = (resistivity(one, 30.0, [0.5, 3.0], b)[0] / 2e-6 for one in films)
    change, expected, other = (one - bare for one in found)
    # the layer carries current and precesses, too: 2e-6 of the thickness
    np.testing.assert_allclose(change, expected, rtol=1e-4)
    follows = hold < np.inf
    assert np.all((np.abs(other / expected - 1) > 1e-3) == follows)
    faces = [om.face_conductances(one, METAL, 30.0, 1.0, method="batched", **where)
             for one in (sheet, held)]  # fmt: skip
    assert bool(faces[0].G_s < 0.99 * faces[1].G_s) is follows
    if not own and hold == 0.0:
        assert abs(faces[0].G_s) <= 1e-12 * faces[1].G_s  # nothing takes spins along the moments


def test_a_face_turns_with_field_and_crystal():
    rng = np.random.default_rng(6)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    b = np.array([0.3, -1.0, 2.0])
    found = []
    for axes, field in ((np.eye(3), b), (turn.T, turn @ b)):
        face = om.face_conductances(
            easy(axes=axes), METAL, 3.0, 2.0, direction=field, method="batched"
        )
        sample = om.Sample(face.sheet.magnet, METAL.electrons, METAL.film)
        like = om.relaxation(sample, 3.0, 2.0, direction=field, method="batched")
        found.append(turned(face.tensor, film_axes(like, field)))
    np.testing.assert_allclose(found[1], turn @ found[0] @ turn.T, atol=1e-13 * found[0].max())
    assert found[0].shape == (3, 3)


@pytest.mark.slow
def test_an_antiferromagnet_flops_at_a_face():
    sheet = om.Sheet(2.5, [1e18, 1e18], 3e-31, anisotropy=-2.5e-5, weiss=[[0, -1e-3], [-1e-3, 0]])
    field = np.array([5.0, 6.0, 6.2, 7.0])
    found = om.magnetoresistance(under(sheet), 6.0, field, (0, 0, 1), method="batched")
    mean = found.rates.top.equilibrium.mean
    assert np.all(np.abs(mean[:2, 0, 2]) > 2.4)
    assert np.all(np.abs(mean[2:, 0, 2]) < 0.5)
    change = found.longitudinal / 2e-6
    assert change[2] - change[1] > 0.5 * (change[1] - change[0])
    parts = om.mechanisms(found.rates.sample.stack, found.rates, (0, 0, 1))
    np.testing.assert_allclose(parts.total, found.longitudinal, rtol=1e-14)
    assert "axes of their own" in repr(found.rates.top)
    swept = om.sweep(
        under(sheet), temperature=6.0, field=field, direction=[(0, 0, 1)], method="batched"
    )
    np.testing.assert_allclose(swept.longitudinal_resistivity[:, 0], found.longitudinal, rtol=1e-13)


def test_layers_with_axes_beside_layers_without():
    magnet = reference_film(oriented(1.5, anisotropy=(3e-4, 1e-4))).magnet
    own = om.Layer(FILM, METAL.electrons, magnet)
    both = om.Sample(stack=om.Stack([own, METAL]))
    field = np.array([1.0, 3.0])
    found = om.magnetoresistance(both, 10.0, field, SLANTED, method="batched")
    alone = om.relaxation(both.layer(0), 10.0, field, direction=SLANTED, method="batched")
    np.testing.assert_array_equal(found.rates.layers[0].tensor, alone.tensor)
    assert found.rates.layers[1].precession.shape == (2,)
    # upside down the same
    other = om.Sample(stack=om.Stack([METAL, own]))
    rho = om.magnetoresistance(other, 10.0, field, SLANTED, method="batched")
    np.testing.assert_allclose(rho.longitudinal, found.longitudinal, rtol=1e-13)
    profile = om.diffusion.profile(both.stack, found.rates.__class__(
        both, tuple(one for one in found.rates.layers), between=(None,)
    ), SLANTED)  # fmt: skip
    assert profile.accumulation.shape[0] == 2


def test_a_fit_takes_moments_with_axes():
    film = reference_film(oriented(1.5, anisotropy=(3e-4, 1e-4)))
    field = np.linspace(-6, 6, 13)
    rho = om.magnetoresistance(film, 10.0, field, (0, 0, 1), method="batched", order="exact")
    data = om.diagnosis.Measured(
        rho.longitudinal, np.full(13, 10.0), field, np.tile([0.0, 0, 1], (13, 1))
    )
    start = replace(film, film=replace(film.film, thickness=1.2 * film.film.thickness))
    found = om.fit(data, start, "thickness", nuisance=(), method="batched", loss="none")
    assert found.value("thickness") == approx(film.film.thickness, rel=1e-3)


def test_sheets_are_stored_and_read():
    sheet = easy(axes=[(1, 1, 0), (-1, 1, 0), (0, 0, 1)], g=np.diag([1.9, 2.0, 2.1]))
    assert sheet.magnet.sublattices[0].g_tensor[2, 2] == 2.1
    assert replace(sheet, name="other").anisotropy == (-3e-4, 1e-4)
    assert om.Sheet(0.5, 1e18, 1e-31).anisotropy is None
    assert "anisotropy" not in repr(om.Sheet(0.5, 1e18, 1e-31))


BAD = [
    (
        lambda: om.magnetoresistance(under(easy()), 4.0, 1.0, (0, 0, 1)),
        "closed form takes moments whose levels are those of S_par",
    ),
    (
        lambda: om.face_conductances(easy(), METAL, 4.0, 1.0, method="batched"),
        "`direction` of the field must be given",
    ),
    (
        lambda: om.face_conductances(
            easy(), METAL, 4.0, 1.0, direction=(0, 0, 1), method="batched", electron_splitting=True
        ),
        "`electron_splitting` and `form` must not be given for a sheet",
    ),
    (
        lambda: om.resistivity(
            under(easy()).stack,
            om.magnetoresistance(under(easy()), 4.0, 1.0, (0, 0, 1), method="batched").rates,
            (1, 0, 0),
        ),
        "`direction` must be that of the equilibrium",
    ),
    (lambda: om.Sheet(2.5, 2e18, 3e-31, g=np.ones((2, 3))), "`g` must be a number, one for each"),
    (lambda: om.Sheet(1.0, 2e18, 3e-31, stevens={(4, 0): 1e-6}), "`stevens` must have k <= 2S"),
    (lambda: om.Sheet(G_r=1e14, anisotropy=1e-4), "a sheet must be given by moments or by"),
]


def test_what_is_refused():
    assert unclear(BAD) == {}
