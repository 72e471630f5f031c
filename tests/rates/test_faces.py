"""Conductances of a face from the moments there: numbers, limits, symmetries, route by route."""

from dataclasses import replace

import numpy as np
import pytest
from mpmath import mp
from nearness import approx
from spoil import clear_caches, functions, replaced, variants

import openmr as om
from openmr.moments.spin_averages import axial_excess
from openmr.rates import closed_form
from openmr.rates.methods import METHODS
from openmr.units import ELEMENTARY_CHARGE, HBAR, K_B, MU_B

FREE = om.Electrons.free(5.0)
FAST = ("closed-form", "batched", "bloch-redfield")
ROUTES = tuple(name for name, one in METHODS.items() if one.takes_sheets)


def metal(electrons=FREE, resistivity=40e-8, magnet=None, **changes):
    """A layer whose diffusion obeys Einstein's relation, unless changed."""
    numbers = {"thickness": 7e-9, "spin_hall_angle": 0.11, "diffusion_length": 1.5e-9}
    numbers |= {"diffusion": electrons.diffusion(resistivity), "resistivity": resistivity}
    return om.Layer(om.Film(**numbers | changes), electrons, magnet)


PT = metal()
EU = om.Sheet(3.5, 2e18, 3e-31, curie_temperature=16.6)
GRID = np.geomspace(1.0, 300.0, 9)[:, None], np.array([-5.0, 0.0, 0.5, 9.0])


def parts(found):
    return np.array([found.G_s, found.G_r, found.G_i])


# --- numbers -----------------------------------------------------------------------------------

FREE_ELECTRONS = {
    2.0: (9.347687615e8, 9.720675272e10, 3.890016985e12),
    5.0: (1.570338601e10, 8.468069779e10, 3.765771013e12),
    16.6: (7.348763954e10, 1.397862866e10, 1.832017896e12),
}
ROUND_NUMBERS = {
    2.0: (1.48842331457e11, 5.425784384146e11, 9.681742283319e12),
    5.0: (4.402650362915e11, 1.851024952499e11, 6.455772281273e12),
    20.0: (5.768039110949e11, 1.782911484713e9, 6.76377248360e11),
    100.0: (5.780841531429e11, 4.55791373816e7, 1.082099222526e11),
}


@pytest.mark.parametrize("temperature", FREE_ELECTRONS)
def test_of_free_electrons(temperature):
    found = om.face_conductances(EU, PT, temperature, 0.5)
    # ten digits are given
    np.testing.assert_allclose(parts(found), FREE_ELECTRONS[temperature], rtol=5e-10)


@pytest.mark.parametrize("temperature", ROUND_NUMBERS)
def test_of_round_numbers(temperature):
    layer = metal(om.Electrons(1e28, 1e28), 1e-7)
    found = om.face_conductances(om.Sheet(3.5, 2e18, 6e-31, weiss=7.9e-5), layer, temperature, 0.5)
    # two factors of hbar, which the package has to ten digits
    np.testing.assert_allclose(parts(found), ROUND_NUMBERS[temperature], rtol=2e-10)


def test_speeds_do_not_know_the_conductivity():
    expected = 12.8689185486, 69.3957979168, 3086.04783661
    for layer in (PT, metal(diffusion=1e-5), metal(resistivity=3e-6)):
        w = om.face_conductances(EU, layer, 5.0, 0.5).W
        assert (w[2, 2], w[0, 0] - w[2, 2], w[0, 1]) == approx(expected, rel=1e-11)


def test_conductance_is_that_of_the_film_and_not_of_einstein():
    """sigma W / 2D; e^2 nu_F W only where D = sigma / (2 e^2 nu_F)."""
    for layer, factor in ((PT, 1.0), (metal(diffusion=1e-5), PT.film.diffusion / 1e-5)):
        found = om.face_conductances(EU, layer, 5.0, 0.5)
        einstein = ELEMENTARY_CHARGE * FREE.dos * found.W[..., 2, 2]
        assert found.G_s == approx(factor * einstein, rel=1e-13)


def formulas(sheet, layer, temperature, field):
    """W_s, W_r, W_i by 40 digits, one sublattice."""
    state = om.face_conductances(sheet, layer, temperature, field).equilibrium
    x, n, j = mp.mpf(float(state.reduced_splitting[0])), sheet.areal_density[0], sheet.exchange[0]
    levels = [mp.mpf(m) for m in np.arange(-sheet.spin[0], sheet.spin[0] + 1)]
    weights = [mp.exp(-x * m) for m in levels]
    mean, square = (
        sum(w * m**k for w, m in zip(weights, levels, strict=True)) / sum(weights) for k in (1, 2)
    )
    a = -mean * x / (2 * mp.sinh(x / 2) ** 2)
    c0 = mp.pi / HBAR * n * layer.electrons.dos * j**2
    return np.array([c0 * a, c0 * (square - a / 2), -n * j * mean / HBAR], dtype=float)


@pytest.mark.parametrize("spin", [0.5, 1.0, 2.0, 3.5])
@pytest.mark.parametrize("temperature", [2.0, 16.5, 100.0, 3e4])
def test_closed_form_keeps_the_digits_of_each_conductance(spin, temperature):
    """At 30000 K G_r is 1e-11 of G_s."""
    sheet = om.Sheet(spin, 2e18, -3e-31, g=1.9, curie_temperature=16.6)
    found = om.face_conductances(sheet, PT, temperature, 0.7)
    w = found.W
    with mp.workdps(40):
        expected = formulas(sheet, PT, temperature, 0.7)
    assert (w[2, 2], w[0, 1]) == approx((expected[0], expected[2]), rel=1e-13)
    unit = 2 * PT.film.resistivity * PT.film.diffusion
    assert unit * found.G_r == approx(expected[1], rel=1e-13)


_M = np.arange(-600.5, 601.0)
_P = np.exp(-0.3 * (_M - _M[0]))
_SQUARE = _P @ _M**2 / _P.sum()
LARGE = _SQUARE - (600.5 * 601.5 - _SQUARE) / 2 * 0.3 / np.sinh(0.3)


@pytest.mark.parametrize("spin", [0.5, 1.0, 3.5, 7.0, 50.0])
def test_excess_across_has_its_own_digits_at_any_splitting(spin):
    for x in (1e-8, 1e-3, 0.3, 0.999, 1.0, 7.0, 400.0):
        with mp.workdps(60):
            levels = [mp.mpf(m) for m in np.arange(-spin, spin + 1)]
            weights = [mp.exp(-mp.mpf(x) * m) for m in levels]
            pairs = zip(weights, levels, strict=True)
            square = sum(w * m**2 for w, m in pairs) / sum(weights)
            across = spin * (spin + 1) - square
            expected = float(square - across / 2 * x / mp.sinh(x))
        assert axial_excess(spin, x) == approx(expected, rel=2e-14)
        assert axial_excess(spin, -x) == axial_excess(spin, x)
    assert axial_excess(spin, 0.0) == 0.0
    assert axial_excess(600.5, 0.3) == approx(LARGE, rel=1e-12)


# --- routes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spin", [0.5, 1.0, 1.5, 2.0, 3.5])
@pytest.mark.parametrize("method", ["bloch-redfield", "batched"])
def test_closed_form_against_the_tensor(spin, method):
    sheet = om.Sheet(spin, 2e18, -6e-31, curie_temperature=16.6)
    form = om.face_conductances(sheet, PT, *GRID)
    found = om.face_conductances(sheet, PT, *GRID, method=method)
    scale = form.G_s + form.G_r
    assert np.all(np.abs(parts(found) - parts(form))[:2] <= 1e-12 * scale)
    np.testing.assert_allclose(found.G_i, form.G_i, rtol=1e-12, atol=1e-12 * scale.max())
    assert found.tensor.shape == (9, 4, 3, 3)


@pytest.mark.parametrize("method", ["evolution", "tcl2"])
def test_a_route_errs_by_what_it_states_and_by_its_band(method):
    form = om.face_conductances(EU, PT, 20.0, 0.5)
    options = {"half_width": 1e3} if method == "tcl2" else {}
    found = om.face_conductances(EU, PT, 20.0, 0.5, method=method, **options)
    assert found.uncertainty.shape == (3, 3)
    # tcl2's band ends: beta eps_L over beta W
    band = 1e-6 * form.G_s if options else 0.0
    off = np.abs(found.tensor - form.tensor)
    assert np.all(off <= found.uncertainty + band + 1e-12 * form.tensor.max())


def test_kinetic_equation_splits_electrons_as_the_layer_does():
    """And not as the sheet, whose own shift belongs to no electron of the layer."""
    magnet = om.Magnet(om.Moments(2.0, 1e27, exchange_energy=-2e-3), curie_temperature=30.0)
    for layer in (PT, metal(magnet=magnet)):
        form, printed, found, plain = (
            om.face_conductances(EU, layer, [[5.0], [60.0]], [0.0, 0.5, -9.0], method=m, **o)
            for m, o in (
                ("closed-form", {"form": "finite-splitting"}),
                ("batched", {"electron_splitting": True}),
                ("kinetic", {}),
                ("closed-form", {}),
            )
        )
        scale = plain.G_s + plain.G_r
        assert np.all(np.abs(parts(found) - parts(form)) <= 1e-9 * np.abs(scale))
        np.testing.assert_allclose(printed.G_i, plain.G_i, rtol=1e-13)
        changed = np.abs(found.G_r - plain.G_r) / scale
        assert changed[0, 2] > 1e-3
        assert (changed[0, 0] > 1e-3) == bool(layer.magnet)


@pytest.mark.parametrize("reference", [1e-12, 1e-3])
@pytest.mark.parametrize(
    ("method", "options"),
    [(name, {}) for name in ROUTES if name != "kinetic"]
    + [("kinetic", {}), ("bloch-redfield", {"electron_splitting": True})],
)
def test_no_conductance_depends_on_the_reference_thickness(monkeypatch, method, options, reference):
    sheet = om.Sheet(1.0, [2e18, 1e18], [3e-31, -2e-31], weiss=[[2e-3, 1e-3], [2e-3, 0.0]])
    before = om.face_conductances(sheet, PT, 12.0, 3.0, method=method, **options)
    for place in ("openmr.sample.stack", "openmr.rates.faces"):
        monkeypatch.setattr(f"{place}.REFERENCE", reference)
    after = om.face_conductances(sheet, PT, 12.0, 3.0, method=method, **options)
    assert after.equilibrium.magnet.densities[0] == approx(2e18 / reference)
    # a fit has the tolerance of its solver
    rtol = 1e-9 if method == "evolution" else 1e-12
    np.testing.assert_allclose(after.tensor, before.tensor, atol=rtol * before.tensor.max())


@pytest.mark.parametrize("method", ["heom", "exact"])
def test_a_method_of_all_orders_refuses_a_plane(method):
    with pytest.raises(om.ParameterError, match=r"`method` must be one of 'closed-form'.*stays"):
        om.face_conductances(EU, PT, 5.0, 0.5, method=method)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"azimuth": 0.3}, "`azimuth` must not be given for a sheet"),
        ({"method": "evolution", "thermostat": "reset"}, "`thermostat` must not be given"),
        ({"method": "tcl2", "level_shift": True}, "`level_shift` must not be given"),
        ({"method": "none"}, "`method` must be one of"),
        ({"half_width": 1.0}, "method 'closed-form' takes no option `half_width`"),
        ({"temperature": 0.0}, "`temperature` must be > 0 K"),
        ({"field": np.nan}, "`field` must be finite"),
        ({"sheet": PT}, "`sheet` must be an openmr.Sheet"),
        ({"layer": PT.film}, "`layer` must be an openmr.Layer"),
    ],
)
def test_bad_input(options, told):
    given = {"sheet": EU, "layer": PT, "temperature": 5.0, "field": 0.5} | options
    with pytest.raises(om.ParameterError, match=told):
        om.face_conductances(**given)


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", FAST)
def test_frozen_moments(method):
    found = om.face_conductances(EU, PT, 0.05, 0.5, method=method)
    c0 = np.pi / HBAR * 2e18 * FREE.dos * 3e-31**2
    unit = 0.5 / (PT.film.resistivity * PT.film.diffusion)
    assert found.G_s <= 1e-12 * found.G_r
    assert found.G_r == approx(unit * c0 * 3.5**2, rel=1e-12)
    assert found.G_i == approx(unit * 2e18 * 3e-31 * 3.5 / HBAR, rel=1e-12)
    assert found.G_r / found.G_i == approx(np.pi * FREE.dos * 3e-31 * 3.5, rel=1e-12)


def test_a_paramagnet_far_above_its_splitting():
    """G_r ~ B^2, G_i ~ B, and G_s, which is not the field's."""
    spin, kelvin, fields = 3.5, 300.0, np.array([0.02, 0.2])
    square = spin * (spin + 1)
    for order in (0.0, 16.6):
        sheet = om.Sheet(spin, 2e18, 3e-31, curie_temperature=order)
        found = om.face_conductances(sheet, PT, kelvin, fields)
        x = 2 * MU_B * fields / (K_B * (kelvin - order))  # Curie-Weiss
        c0 = np.pi / HBAR * 2e18 * FREE.dos * 3e-31**2
        unit = 0.5 / (PT.film.resistivity * PT.film.diffusion)
        expected = (
            unit * c0 * 2 * square / 3,
            unit * c0 * square / 3 * x**2 * (12 * square + 1) / 60,
            unit * 2e18 * 3e-31 * square / 3 * x / HBAR,
        )
        for part, limit in zip(parts(found), expected, strict=True):
            np.testing.assert_allclose(part, limit, rtol=square * x.max() ** 2)


def test_moments_without_field_and_order_are_a_sink_alone():
    found = om.face_conductances(EU, PT, 20.0, 0.0)
    assert found.G_r == found.G_i == 0.0
    assert found.G_s > 0


# --- symmetries --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", FAST)
def test_signs(method):
    here = om.face_conductances(EU, PT, 5.0, 0.5, method=method)
    assert here.G_i > 0
    for other in (
        om.face_conductances(EU, PT, 5.0, -0.5, method=method),
        om.face_conductances(replace(EU, exchange=-3e-31), PT, 5.0, 0.5, method=method),
    ):
        np.testing.assert_allclose(parts(other), parts(here) * [1, 1, -1], rtol=1e-13)
    # d mu/dt = -W mu / thickness turns mu about b as a field along b does
    bulk = om.relaxation(om.Sample(None, FREE, PT.film), 5.0, 0.5)
    assert np.sign(here.tensor[0, 1]) == np.sign(bulk.tensor[0, 1])


@pytest.mark.parametrize("method", FAST)
def test_sublattices_add_the_imaginary_part_with_its_sign(method):
    numbers = [(2.5, 3e18, 2e-31, 2.0), (2.0, 1e18, -3e-31, 1.9)]
    pair = om.Sheet(*zip(*numbers, strict=True), weiss=[[0, -1e-3], [-3e-3, 0]])
    found = om.face_conductances(pair, PT, 9.0, 2.0, method=method)
    x = found.equilibrium.reduced_splitting
    alone = 0.0
    for (s, n, j, g), one in zip(numbers, x, strict=True):
        # a field in which a free moment is split as much
        field = one * K_B * 9.0 / (g * MU_B)
        alone = alone + parts(om.face_conductances(om.Sheet(s, n, j, g), PT, 9.0, field))
    np.testing.assert_allclose(parts(found), alone, rtol=1e-11)
    assert x[0] * x[1] < 0


@pytest.mark.parametrize("method", FAST)
def test_a_compensated_antiferromagnet_has_no_imaginary_part(method):
    pair = om.Sheet(2.5, [1e18, 1e18], 3e-31, neel_temperature=50.0)
    whole = om.Sheet(2.5, 2e18, 3e-31, curie_temperature=50.0)
    found, ferro = (om.face_conductances(s, PT, 20.0, 0.0, method=method) for s in (pair, whole))
    assert abs(found.G_i) <= 1e-13 * ferro.G_i
    np.testing.assert_allclose(parts(found)[:2], parts(ferro)[:2], rtol=1e-11)
    uneven = replace(pair, exchange=(3e-31, 2e-31))
    assert abs(om.face_conductances(uneven, PT, 20.0, 0.0, method=method).G_i) > 0.1 * ferro.G_i


def test_neither_the_bulk_loss_nor_the_precession_of_the_layer_is_in_it():
    here = om.face_conductances(EU, PT, 5.0, 0.5)
    for layer in (metal(diffusion_length=1e-10), metal(replace(FREE, g=40.0))):
        np.testing.assert_array_equal(parts(om.face_conductances(EU, layer, 5.0, 0.5)), parts(here))
    nothing = om.face_conductances(replace(EU, exchange=0.0), PT, 5.0, 9.0)
    assert not parts(nothing).any()


# --- the record --------------------------------------------------------------------------------


def test_given_conductances_turn_with_the_field():
    sheet = om.Sheet(G_s=1e13, G_r=3e14, G_i=1e14)
    found = om.face_conductances(sheet, PT, [[5.0], [300.0]], [-1.0, 0.0, 2.0])
    assert (found.method, found.equilibrium, found.uncertainty) == ("given", None, None)
    assert np.all(found.G_s == 1e13)
    np.testing.assert_array_equal(found.G_i, 2 * [[-1e14, 1e14, 1e14]])
    tensor = [[3.1e14, 1e14, 0], [-1e14, 3.1e14, 0], [0, 0, 1e13]]
    np.testing.assert_array_equal(found.tensor[0, 2], tensor)
    unit = 2 * PT.film.resistivity * PT.film.diffusion
    np.testing.assert_allclose(found.W[1, 1], np.array(tensor) * unit, rtol=1e-15)


def test_print_says_where_the_moments_point():
    told = str(om.face_conductances(EU, PT, 5.0, [0.5, 1.0]))
    assert told.startswith("FaceConductances  closed-form         sheet, T = 5 (2,) K")
    assert told.endswith("moments along b")
    assert "G_r : 8.468e+10 ... " in told


def test_a_grid_is_its_points():
    grid = np.linspace(1.0, 300.0, 200)[:, None], np.linspace(-9.0, 9.0, 101)
    found = om.face_conductances(EU, PT, *grid)
    for i, j in ((0, 0), (57, 50), (199, 100)):
        one = om.face_conductances(EU, PT, grid[0][i, 0], grid[1][j])
        np.testing.assert_allclose(parts(found)[:, i, j], parts(one), rtol=1e-13)
    assert found.equilibrium.mean_spin.shape == (200, 101, 1)


# --- broken on purpose -------------------------------------------------------------------------


EQUAL = {
    # the coupling is the same along all axes
    "_split_as": ["magnet.exchange[:, 2] -> magnet.exchange[:, 1]"],
}
"""Changes that leave every number as it is."""


def deviation():
    """Of a few numbers above, as fast as possible; 1e-9 while all is right."""
    worst = 0.0
    magnet = om.Magnet(om.Moments(2.0, 1e27, exchange_energy=-2e-3), curie_temperature=30.0)
    layer = metal(magnet=magnet)
    pair = om.Sheet(2.5, [3e18, 1e18], [2e-31, -3e-31], weiss=[[0, -1e-3], [-3e-3, 0]])
    for sheet, kelvin in ((EU, 5.0), (EU, 300.0), (pair, 9.0)):
        form, tensor, split, other = (
            om.face_conductances(sheet, layer, kelvin, -0.5, method=method, **options)
            for method, options in (
                ("closed-form", {}),
                ("batched", {}),
                ("closed-form", {"form": "finite-splitting"}),
                ("kinetic", {}),
            )
        )
        scale = (form.G_s + form.G_r) * np.array([1, 1, form.G_i / form.G_s])
        for one, two in ((form, tensor), (split, other)):
            worst = max(worst, np.nanmax(np.abs((parts(one) - parts(two)) / scale)))
            for i, j in ((0, 0), (0, 1), (2, 2)):
                worst = max(worst, abs(one.tensor[i, j] / two.tensor[i, j] - 1))
        precession = om.relaxation(
            om.Sample(layer.magnet, FREE, layer.film), kelvin, -0.5
        ).precession
        flips = closed_form.transverse_flips_finite_splitting(
            sheet.magnet, FREE, form.equilibrium, precession
        )
        dephasing = tensor.G_r + 0.5 * tensor.G_s
        expected = dephasing + 0.5e-9 * flips.sum() / (
            layer.film.resistivity * layer.film.diffusion
        )
        worst = max(worst, abs((split.G_s + split.G_r) / expected - 1))
    with mp.workdps(40):
        worst = max(worst, abs(axial_excess(600.5, 0.3) / LARGE - 1))
        wanted = formulas(EU, PT, 300.0, 0.5) * 0.5 / (PT.film.resistivity * PT.film.diffusion)
    worst = max(worst, np.abs(parts(om.face_conductances(EU, PT, 300.0, 0.5)) / wanted - 1).max())
    for kelvin, numbers in FREE_ELECTRONS.items():
        found = om.face_conductances(EU, PT, kelvin, 0.5)
        w = found.W * 0.5 / (PT.film.resistivity * PT.film.diffusion)
        seen = [w[2, 2], w[0, 0] - w[2, 2], w[0, 1]]
        for some in (parts(found), seen):
            worst = max(worst, np.abs(np.divide(some, numbers) - 1).max())
    worst = max(worst, *following())
    given = om.face_conductances(om.Sheet(G_s=1e13, G_r=3e14, G_i=1e14), PT, 5.0, [-1, 0.2])
    wanted = [[1e13, 1e13], [3e14, 3e14], [-1e14, 1e14]]
    return max(worst, np.abs(parts(given) / wanted - 1).max())


def following():
    """Moments that follow, as in a film: its tensor less the precession about the applied field."""
    slow = replace(EU, thermostat_rate=1e9)
    for method in ("closed-form", "batched"):
        face = om.face_conductances(slow, PT, 5.0, -0.5, method=method)
        film = om.Sample(slow.magnet, PT.electrons, PT.film)
        wanted = om.relaxation(film, 5.0, -0.5, method=method).exchange_tensor
        larmor = PT.electrons.g * MU_B * -0.5 / HBAR
        wanted[0, 1] -= larmor
        wanted[1, 0] += larmor
        wanted *= 0.5e-9 / (PT.film.resistivity * PT.film.diffusion)
        for i, j in ((0, 0), (0, 1), (2, 2)):
            yield abs(face.tensor[i, j] / wanted[i, j] - 1)


def test_right_formulas_agree():
    assert deviation() < 1e-9


@pytest.mark.parametrize(
    "name",
    [
        "openmr.rates.faces._conductance_of_speed",
        "openmr.rates.faces._given",
        "openmr.rates.faces._conductances",
        "openmr.rates.faces._split_as",
        "openmr.rates.faces.FaceConductances",
    ],
)
def test_no_wrong_formula_goes_unnoticed(name):
    unseen, tried = [], 0
    for function in functions(name):
        for change, code in variants(function):
            tried += 1
            clear_caches()
            with replaced(function, code):
                try:
                    wrong = not deviation() < 1e-9
                except (ArithmeticError, IndexError, TypeError, ValueError, RuntimeWarning):
                    wrong = True
            if not wrong:
                unseen.append(change)
    clear_caches()
    assert tried
    assert unseen == EQUAL.get(name.rpartition(".")[2], [])
