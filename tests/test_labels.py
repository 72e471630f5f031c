"""Axes with names: arguments broadcast by them, and records go out with them."""

import json
import sys
from itertools import permutations

import numpy as np
import pint_xarray
import pytest
import xarray as xr
from nearness import approx
from systems import film_of, flopping

import openmr as om
from openmr._checks import ParameterError
from openmr.tables import json_text
from openmr.transport.resistivity import VARIABLES

FILM = om.presets.pt_py()
KELVIN = xr.DataArray([5.0, 10.0, 40.0], dims="T", coords={"T": [5.0, 10.0, 40.0]})
TESLA = xr.DataArray([0.5, 5.0, 9.0], dims="B", attrs={"units": "T"})
ANGLE = xr.DataArray([0.0, 0.4, 1.1, 1.5], dims="angle", coords={"angle": [0, 23, 63, 86]})
TURNED = (np.cos(ANGLE), np.sin(ANGLE), 0.0)
GRID = {
    "temperature": KELVIN.to_numpy()[:, None, None],
    "field": TESLA.to_numpy()[:, None],
    "direction": om.scan_directions("xy", ANGLE.to_numpy()),
}


def test_arguments_of_one_length_make_a_grid_by_their_names():
    """By position three temperatures beside three fields would be three points."""
    found = om.relaxation(FILM, KELVIN, TESLA)
    here = om.relaxation(FILM, KELVIN.to_numpy()[:, None], TESLA.to_numpy())
    assert np.array_equal(found.tensor, here.tensor)
    rates = found.to_xarray().longitudinal_rate
    assert rates.dims == ("T", "B")
    assert rates.sel(T=10.0, B=1) == here.longitudinal[1, 1]
    same = xr.DataArray([0.5, 5.0, 9.0], dims="T")
    along = om.relaxation(FILM, KELVIN, same)
    assert np.array_equal(along.longitudinal, np.diagonal(here.longitudinal))


@pytest.mark.parametrize("order", list(permutations(["T", "B", "angle"])))
def test_the_order_of_dimensions_does_not_count(order):
    whole = dict(zip(("T", "B", "angle"), xr.broadcast(KELVIN, TESLA, ANGLE), strict=True))
    t, b, angle = (one.transpose(*order) for one in whole.values())
    found = om.magnetoresistance(FILM, t, b, (np.cos(angle), np.sin(angle), 0.0))
    here = om.magnetoresistance(FILM, **GRID)
    rho = found.to_xarray().longitudinal_resistivity
    assert rho.dims == order
    assert np.allclose(rho.transpose("T", "B", "angle"), here.longitudinal, rtol=1e-14)


def test_resistivities_have_the_axes_of_rates_and_direction():
    in_one = om.magnetoresistance(FILM, KELVIN, TESLA, TURNED).to_xarray()
    rates = om.relaxation(FILM, KELVIN, TESLA)
    in_two = om.resistivity(FILM.film, rates, TURNED).to_xarray()
    here = om.magnetoresistance(FILM, **GRID)
    for found in (in_one, in_two):
        assert dict(found.sizes) == {"T": 3, "B": 3, "angle": 4}
        rho = found.longitudinal_resistivity.transpose("T", "B", "angle")
        assert np.allclose(rho, here.longitudinal, rtol=1e-14, atol=0)
        assert found.longitudinal_rate.dims == ("T", "B")  # no direction in it
        assert np.array_equal(found.angle, ANGLE.angle)
        assert np.allclose(found.b_y, np.sin(ANGLE))
    single = om.resistivity(FILM.film, om.relaxation(FILM, 10.0, 5.0), TURNED).to_xarray()
    assert single.longitudinal_resistivity.dims == ("angle",)
    parts = om.mechanisms(FILM.film, rates, TURNED)
    assert parts.total.shape == (3, 3, 4)
    across = om.diffusion.profile(FILM.film, rates, TURNED, depth=[0.0, 2e-9])
    here = om.diffusion.profile(
        FILM.film, om.relaxation(FILM, GRID["temperature"], GRID["field"]), GRID["direction"],
        depth=across.depth,
    )  # fmt: skip
    found = across.to_xarray()
    assert found.accumulation.dims == ("T", "B", "angle", "depth", "component")
    for name in ("accumulation", "current"):
        assert np.allclose(found[name], getattr(here, name), rtol=1e-14, atol=0)
    assert np.allclose(found.direction.sel(component="y"), np.sin(ANGLE))


def test_measured_points_are_lined_up_by_name():
    found = om.magnetoresistance(FILM, KELVIN, TESLA, TURNED).to_xarray()
    rho = found.longitudinal_resistivity.transpose("angle", "B", "T")
    ticks = xr.DataArray(np.arange(4), dims="angle")
    data = om.diagnosis.measured(
        rho,
        temperature=KELVIN,
        field=TESLA,
        direction=TURNED,
        level=None,
        time=1.0 * ticks,
        film=xr.DataArray(["a", "b", "c"], dims="B"),
    )
    assert len(data.longitudinal) == 36
    for row in (0, 7, 20, 35):
        angle = np.arctan2(data.direction[row, 1], data.direction[row, 0])
        own = om.magnetoresistance(
            FILM, data.temperature[row], data.field[row], (np.cos(angle), np.sin(angle), 0.0)
        )
        assert data.longitudinal[row] == approx(own.longitudinal, rel=1e-13)
        assert angle == approx(float(ANGLE[int(data.time[row])]))
        assert data.film[row] == "abc"[list(TESLA.to_numpy()).index(data.field[row])]


def test_directions_of_a_dataset_come_back():
    b = om.scan_directions("xy", ANGLE.to_numpy())
    swept = om.sweep(FILM, temperature=KELVIN, field=TESLA, direction=b)
    found = om.magnetoresistance(
        FILM, swept.temperature, swept.field, swept.direction_vector
    ).to_xarray()
    for name in VARIABLES:
        xr.testing.assert_allclose(
            found[name].drop_vars(["b_x", "b_y", "b_z"], errors="ignore"),
            swept[name].drop_vars("direction", errors="ignore"),
            rtol=1e-13,
        )


def test_oriented_moments_have_a_state_for_each_direction():
    film = flopping()
    t, b = KELVIN[:2], TESLA[:2]
    m = (np.cos(ANGLE[:2]), 0.0, np.sin(ANGLE[:2]))
    found = om.equilibrium(film, t, b, direction=m).to_xarray()
    assert found.mean_spin.dims == ("T", "B", "angle", "sublattice")
    alone = om.equilibrium(film, 10.0, 5.0, direction=(np.cos(0.4), 0.0, np.sin(0.4)))
    one = found.isel(T=1, B=1, angle=1)
    assert np.allclose(one.mean_spin, alone.mean_spin, atol=1e-12)
    assert one.order_vector.dims == ("sublattice", "axis")
    assert np.allclose(one.order_vector, alone.mean, atol=1e-12)
    assert np.isclose(one.stability, alone.stability, atol=1e-12)


def test_records_of_oriented_moments_say_where_the_field_points():
    """Of moments without axes nothing of it is known, nor asked."""
    film, m = flopping(), (np.cos(ANGLE[:2]), 0.0, np.sin(ANGLE[:2]))
    records = [om.equilibrium(film, 6.0, TESLA, direction=m)]
    records.append(om.relaxation(film, 6.0, TESLA, direction=m, method="batched"))
    records.append(om.moment_relaxation(film, 6.0, 1.0, direction=records[0].direction[0]))
    for record in records:
        found = record.to_xarray()
        b = np.stack(xr.broadcast(found.b_x, found.b_y, found.b_z), -1)
        assert np.allclose(
            b, record.direction[0] if record.direction.ndim > 2 else record.direction
        )
        assert found.b_y.dims == ()
        assert {"b_x", "b_y", "b_z"} <= {*record.to_dataframe().columns}
    assert found.b_x.dims == ("point",)
    same = om.relaxation(film, 6.0, [1.0, 2.0], direction=(0, 3, 4), method="batched")
    assert same.to_xarray().b_z == approx(0.8)
    assert str(same).splitlines()[0].endswith("B = 1 ... 2 (2,) T along (0, 0.6, 0.8)")
    assert "along b (3, 2, 3)" in str(records[0]).splitlines()[0]
    ends = [float(end) for end in same.principal_rates[0, [0, -1]]]
    assert f"{ends[0]:.4g} ... " in str(same).splitlines()[3]
    plain = om.relaxation(FILM, 6.0, 1.0)
    assert plain.direction is None
    assert "b_x" not in plain.to_xarray().coords
    assert "principal" not in str(plain)


def test_components_go_by_their_labels():
    order = {"component": ["y", "z", "x"]}
    turned = xr.DataArray([0.6, 0.0, 0.8], dims="component", coords=order)
    along = om.magnetoresistance(FILM, 10.0, 5.0, (0.8, 0.6, 0.0)).longitudinal
    assert om.magnetoresistance(FILM, 10.0, 5.0, turned).longitudinal == along
    assert om.magnetoresistance(FILM, 10.0, 5.0, (0.6, 0.0, 0.8)).longitudinal != along


def test_coordinates_of_any_kind_come_back():
    for ticks in (np.array([np.nan, 1.0]), np.array(["2020", "2021"], "M8[ns]"), ["a", "b"]):
        one = xr.DataArray([5.0, 9.0], dims="n", coords={"n": ticks})
        found = om.relaxation(FILM, one, 0.1 * one)
        assert np.array_equal(found.to_xarray().n, one.n, equal_nan=one.n.dtype.kind == "f")
        json.dumps(found.to_dict(), allow_nan=False)
    for name in ("tensor", "axis", "precession"):
        clash = om.relaxation(FILM, xr.DataArray([5.0, 9.0], dims=name), 1.0)
        with pytest.raises(ParameterError, match=f"must be others .* got '{name}': rename"):
            clash.to_xarray()


def test_what_does_not_fit_by_name_is_refused():
    short = xr.DataArray([1.0, 2.0], dims="T")
    moved = xr.DataArray([1.0, 2.0, 3.0], dims="T", coords={"T": [5.0, 10.0, 41.0]})
    oersted = xr.DataArray([1e4], dims="B", attrs={"units": "Oe"})
    four = xr.DataArray(np.ones((2, 4)), dims=("n", "component"))
    other = xr.DataArray([1.0, 0.0, 0.0], dims="component", coords={"component": list("abc")})
    with pytest.warns(UserWarning, match="Duplicate dimension"):
        twice = xr.DataArray(np.ones((2, 2)), dims=("n", "n"))
    for call, told in (
        (lambda: om.relaxation(FILM, KELVIN, short), "`field` must have 3 points along 'T'"),
        (lambda: om.relaxation(FILM, KELVIN, moved), "`field` must have the coordinates along 'T'"),
        (lambda: om.relaxation(FILM, KELVIN, [1.0, 2.0, 3.0]), "`field` must be one, or a DataArr"),
        (lambda: om.relaxation(FILM, KELVIN, oersted), "`field` must be in T, got a quantity in O"),
        (lambda: om.magnetoresistance(FILM, 10.0, 5.0, four), "`direction` must have 3 components"),
        (
            lambda: om.magnetoresistance(FILM, 10.0, 5.0, other),
            "the labels x, y, z along",
        ),
        (lambda: om.magnetoresistance(FILM, 10.0, 5.0, short), "must have a dimension 'component'"),
        (lambda: om.relaxation(FILM, twice, 5.0), "`temperature` must have other names for each"),
        (
            lambda: om.resistivity(FILM.film, om.relaxation(FILM, [1.0, 2.0], 5.0), TURNED),
            r"`relaxation` must be of one point, or of DataArrays.*\(2,\)",
        ),
        (
            lambda: om.diagnosis.measured(
                1e-6 * KELVIN, temperature=[5.0, 10.0, 40.0], field=TESLA, direction=(1, 0, 0)
            ),
            "`temperature` must be one, or a DataArray",
        ),
    ):
        with pytest.raises(ParameterError, match=told):
            call()


def test_axes_without_names_are_called_after_what_varies_along_them():
    grid = om.relaxation(FILM, KELVIN.to_numpy()[:, None], TESLA.to_numpy()).to_xarray()
    assert dict(grid.longitudinal_rate.sizes) == {"temperature": 3, "field": 3}
    assert grid.longitudinal_rate.sel(temperature=10.0, field=5.0) > 0
    both = om.relaxation(FILM, [5.0, 10.0], [1.0, 2.0]).to_xarray()
    assert both.longitudinal_rate.dims == both.temperature.dims == both.field.dims == ("point",)
    curve = om.magnetoresistance(FILM, 10.0, [0.0, 1.0], (1, 0, 0)).to_xarray()
    assert curve.longitudinal_resistivity.dims == ("field",)
    assert om.relaxation(FILM, 10.0, 5.0).to_xarray().longitudinal_rate.dims == ()
    assert om.relaxation(FILM, [], 5.0).to_xarray().longitudinal_rate.size == 0
    scan = om.magnetoresistance(FILM, 10.0, 5.0, GRID["direction"]).to_xarray()
    assert scan.longitudinal_resistivity.dims == scan.b_x.dims == ("point",)


def records():
    given = {"temperature": 10.0, "field": [1.0, 5.0, 20.0], "direction": (1, 0, 0)}
    rho = om.magnetoresistance(FILM, **given, order="exact")
    data = om.diagnosis.measured(rho.longitudinal, uncertainty=1e-10, **given)
    return {
        "equilibrium": om.equilibrium(FILM, KELVIN, TESLA),
        "relaxation": om.relaxation(FILM, KELVIN, TESLA),
        "point": om.relaxation(FILM, 10.0, 5.0),
        "moment": om.moment_relaxation(FILM, KELVIN, TESLA),
        "coupled": om.coupled_relaxation(FILM, KELVIN, TESLA),
        "resistivity": rho,
        "validity": om.validity(FILM, KELVIN, 5.0, costs=False),
        "bare": om.validity(film_of_nothing(), 10.0, 5.0, costs=False),
        "diagnosis": om.diagnosis.fit(FILM, data, ["exchange_energy"]),
        "profile": om.diffusion.profile(
            FILM.film, om.relaxation(FILM, KELVIN, 5.0), (1, 0, 0), depth=[0.0, 2e-9]
        ),
    }


def film_of_nothing():
    return om.Sample(None, FILM.electrons, FILM.film)


ROWS = {
    "equilibrium": 9, "relaxation": 9, "point": 1, "moment": 9 * 5, "coupled": 9 * 27,
    "resistivity": 3, "validity": 51, "bare": 1, "diagnosis": 1, "profile": 18,
}  # fmt: skip


@pytest.fixture(scope="module", params=ROWS)
def record(request):
    return request.param, records()[request.param]


def test_every_record_goes_out_in_four_ways(record):
    kind, found = record
    plain = json.loads(json_text(found.to_dict()))
    assert plain["schema"].startswith("openmr/")
    assert plain["version"] == om.__version__
    dataset = found.to_xarray()
    for name, array in {**dataset.data_vars, **dataset.coords}.items():
        if not kind.startswith(("validity", "bare")) and name in plain.get("variables", {}):
            assert np.allclose(plain["variables"][name]["values"], array, equal_nan=True)
        assert "long_name" in array.attrs or name in ("T", "of_parameter")
    frame = found.to_dataframe()
    assert len(frame) == ROWS[kind]
    first = next(iter(dataset.data_vars))
    assert np.array_equal(frame[first], np.ravel(dataset[first]), equal_nan=True)
    page = found._repr_html_()
    assert page.startswith("<table><tr><th")
    assert page.count("<tr>") >= 3


def test_units_are_those_that_pint_reads(record):
    quantified = record[1].to_xarray().pint.quantify()
    assert pint_xarray.__version__
    if record[0] == "resistivity":
        rho = quantified.longitudinal_resistivity.pint.to("uohm cm")
        assert rho.pint.magnitude[0] == approx(1e8 * record[1].longitudinal[0], rel=1e-12)


def test_a_sweep_has_units_that_pint_reads_and_names_for_its_axes():
    stack = om.Stack([om.Layer(FILM.film, FILM.electrons)], top=om.Sheet(G_r=1e14))
    point = {"temperature": 10.0, "field": [1.0, 5.0]}
    for found in (
        om.sweep(
            FILM, **point, thickness=[4e-9, 8e-9], resistivity=2e-6, density_at_fixed_exchange=1e27
        ),
        om.sweep(om.Sample(stack=stack), **point, **{"top.G_r": [1e14, 2e14]}),
    ):
        found.pint.quantify()
        for array in {**found.coords, **found.data_vars}.values():
            assert array.attrs["long_name"]
        assert "Ohm" not in {str(array.attrs.get("units")) for array in found.coords.values()}


def test_a_part_of_a_labelled_state_has_no_names():
    state = om.equilibrium(FILM, KELVIN, TESLA)
    assert state.at(0).to_xarray().mean_spin.dims == ("field", "sublattice")
    turned = om.relaxation(FILM, KELVIN, TESLA).rotated(0.3)
    assert turned.to_xarray().tensor.dims == ("T", "B", "axis", "of_axis")


def test_a_state_prints_its_points_and_its_moments():
    state = om.equilibrium(FILM, 10.0, [1.0, 5.0])
    low, high = np.sort(state.mean_spin[:, 0])
    lines = str(state).splitlines()
    assert lines[0].endswith("T = 10 (2,) K, B = 1 ... 5 (2,) T")
    assert lines[1] == f"  sublattice 0 : spin 2, <S> along b {low:.4g} ... {high:.4g} (2,)"
    tilted = om.equilibrium(om.presets.cu_fe(), 10.0, 5.0, direction=(1, 1, 0))
    vector = ", ".join(f"{one:.4g}" for one in tilted.mean[0] + 0.0)
    assert str(tilted).splitlines()[1].endswith(f", vector ({vector})")


def test_film_of_two_sublattices_has_an_axis_of_them():
    moments = [om.Moments(2, 1e27, 1e-30), om.Moments(1.5, 1e27, 1e-30)]
    assert om.equilibrium(film_of(*moments), KELVIN, 1.0).to_xarray().mean_spin.shape == (3, 2)


def test_without_xarray_a_dataset_says_what_it_needs(monkeypatch):
    found = om.relaxation(FILM, 10.0, 5.0)
    monkeypatch.setitem(sys.modules, "xarray", None)
    for out in (found.to_xarray, found.to_dataframe):
        with pytest.raises(om.OpenmrError, match="`to_xarray` needs xarray: pip install xarray"):
            out()
    assert found.to_dict()["variables"]["longitudinal_rate"]["values"] == found.longitudinal
