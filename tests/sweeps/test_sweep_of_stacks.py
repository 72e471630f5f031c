"""A sweep of a stack is its magnetoresistance, point by point, in memory, in a store, in a file."""

import json

import numpy as np
import pytest

import openmr as om
from openmr.apps import cli
from openmr.sample.parameters import varied
from openmr.sample.toml import STACK_EXAMPLE
from openmr.sweeps.plan import STACK_VARIABLES

SAMPLE = om.presets.pt_eus()
DIRECTIONS = np.array([[0.0, 1.0, 0.0], [0.48, 0.6, 0.64]])
GRID = {
    "temperature": [5.0, 30.0],
    "field": [0.0, 0.5],
    "direction": DIRECTIONS,
    "layers.0.thickness": [4e-9, 8e-9],
    "bottom.exchange": [1e-31, 3e-31],
}


@pytest.fixture(scope="module")
def found():
    return om.sweep(SAMPLE, **GRID)


def test_a_sweep_is_its_points(found):
    assert set(found.data_vars) == set(STACK_VARIABLES)
    for i, thickness in enumerate(GRID["layers.0.thickness"]):
        for j, exchange in enumerate(GRID["bottom.exchange"]):
            one = varied(SAMPLE, {"layers.0.thickness": thickness, "bottom.exchange": exchange})
            rho = om.magnetoresistance(one, [[[5.0]], [[30.0]]], [[0.0], [0.5]], DIRECTIONS)
            here = found[{"layers.0.thickness": i, "bottom.exchange": j}]
            # the network may take other points together
            for name, values in (
                ("longitudinal_resistivity", rho.longitudinal),
                ("transverse_resistivity", rho.transverse),
                ("sheet_resistance", rho.sheet_longitudinal),
                ("sheet_transverse_resistance", rho.sheet_transverse),
            ):
                largest = np.abs(values).max()
                np.testing.assert_allclose(here[name], values, atol=1e-14 * largest)
    assert found.sheet_resistance.units == "ohm"
    assert found["bottom.exchange"].units == "eV m^3"


def test_a_store_resumes(found, tmp_path):
    given = {**GRID, "store": tmp_path / "map.zarr", "chunk_points": 4}
    first = om.sweep(SAMPLE, **given)
    again = om.sweep(SAMPLE, **given)
    for name in STACK_VARIABLES:
        np.testing.assert_allclose(first[name], found[name], rtol=1e-12, atol=1e-20)
        np.testing.assert_array_equal(first[name], again[name])
    told = json.loads(first.description)["sample"]
    assert set(told) == {"name", "stack"}
    with pytest.raises(om.ParameterError, match=r"holds another sweep: sample\.stack\.bottom"):
        om.sweep(varied(SAMPLE, {"bottom.areal_density": 1e18}), **given)


def test_what_a_film_is_described_by_has_not_changed():
    told = json.loads(om.sweep(om.presets.pt_py(), temperature=5.0, field=0.0).description)
    assert list(told["sample"]) == ["magnet", "electrons", "film", "name"]


def test_refusals_before_anything_is_computed():
    with pytest.raises(om.ParameterError, match="`thickness` is a parameter of one layer"):
        om.sweep(SAMPLE, temperature=5.0, field=0.0, thickness=[1e-9, 2e-9])
    with pytest.raises(om.ParameterError, match="`temperature` must be > 0 K"):
        om.sweep(SAMPLE, temperature=[0.0, 1.0], field=0.0)
    with pytest.raises(om.ParameterError, match="`exchange` must be between"):
        om.sweep(SAMPLE, temperature=5.0, field=0.0, **{"bottom.exchange": [1e-31, 1.0]})


def test_the_command_takes_a_file_of_a_stack(tmp_path):
    path, out = tmp_path / "stack.toml", tmp_path / "map.nc"
    path.write_text(STACK_EXAMPLE)
    assert cli.main(["sweep", "--config", str(path), "-o", str(out)]) == 0
    import xarray

    with xarray.open_dataset(out) as kept:
        assert kept.sizes["layers.1.thickness"] == 5
        assert np.isfinite(kept.longitudinal_resistivity).all()
