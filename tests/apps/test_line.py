"""`openmr rates` and `openmr resistance`: the numbers of the API, as a table, CSV and JSON."""

import csv
import json

import numpy as np
import pytest

import openmr as om
from openmr.apps.cli import main
from openmr.sample.toml import read_sample

POINTS = ["-T", "10", "30", "-B", "0", "5", "9"]
T, B = np.array([10.0, 30.0])[:, None], np.array([0.0, 5.0, 9.0])


def columns(command):
    """What the API says, point by point."""
    film = om.presets.pt_py(-2e-3, spin=1.5)
    if command == "rates":
        found = om.relaxation(film, T, B)
        names = ("longitudinal", "transverse", "precession", "exchange_field")
    else:
        found = om.magnetoresistance(film, T, B, (1, 0, 1))
        names = ("longitudinal", "transverse")
    return np.column_stack([np.ravel(getattr(found, name)) for name in names])


@pytest.mark.parametrize("command", ["rates", "resistance"])
def test_the_table_the_csv_and_the_json_hold_what_the_api_gives(command, capsys, tmp_path):
    film = ["--exchange-energy", "-2meV", "--spin", "1.5", "--direction", "1", "0", "1"]
    target = tmp_path / "table.csv"
    assert main([command, *POINTS, *film, "--csv", str(target)]) == 0
    table = [line.rsplit(maxsplit=5) for line in capsys.readouterr().out.splitlines()[1:]]
    assert main([command, *POINTS, *film, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    with target.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert body["schema"] == f"openmr/{command}/1"
    assert body["columns"] == head
    points = np.stack(np.broadcast_arrays(T, B), axis=-1).reshape(-1, 2)
    wanted = np.column_stack([points, columns(command)])
    assert np.array_equal(body["rows"], wanted)
    assert np.array_equal(np.array(rows, float), wanted)
    assert np.allclose(np.array(table, float), wanted, rtol=5e-6, atol=0)  # six digits are shown


STACK = """
[sample]
name = "two metals"
[[layers]]
[layers.film]
thickness = 7e-9
spin_hall_angle = 0.11
diffusion = 1e-5
diffusion_length = 1.5e-9
resistivity = 40e-8
[layers.electrons]
fermi_energy = 5.0
[[layers]]
[layers.film]
thickness = 4e-9
spin_hall_angle = -0.15
diffusion = 2e-6
diffusion_length = 1.8e-9
resistivity = 2e-6
[layers.electrons]
fermi_energy = 5.0
[top]
spin = 3.5
areal_density = 2e18
exchange = 3e-31
curie_temperature = 16.6
[bottom]
G_r = 4e14
"""


@pytest.mark.parametrize("method", ["closed-form", "bloch-redfield"])
def test_rates_of_a_stack_are_those_of_its_layers_and_faces(method, capsys, tmp_path):
    config = tmp_path / "stack.toml"
    config.write_text(STACK)
    assert main(["rates", *POINTS, "-c", str(config), "--method", method, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    found = dict(zip(body["columns"], np.transpose(body["rows"]), strict=True))
    sample = read_sample(config)
    layers = [om.relaxation(sample.layer(i), T, B, method=method) for i in (0, 1)]
    for i, one in enumerate(layers):
        for name, unit in (("longitudinal", "1/s"), ("precession", "rad/s")):
            column = found[f"layers.{i} {name} ({unit})"]
            assert np.array_equal(column, getattr(one, name).ravel())
    faces = {"bottom": sample.stack.bottom, "top": sample.stack.top}
    for i, (name, sheet) in enumerate(faces.items()):
        face = om.face_conductances(sheet, sample.layers[i], T, B, method=method)
        for part in ("G_s", "G_r", "G_i"):
            column = found[f"{name} {part} (S/m^2)"]
            np.testing.assert_allclose(column, getattr(face, part).ravel(), rtol=1e-12)
    assert len(found) == 2 + 2 * 4 + 2 * 3


def test_resistance_is_drawn_a_curve_a_temperature(tmp_path):
    target = tmp_path / "rho.svg"
    assert main(["resistance", *POINTS, "--plot", str(target)]) == 0
    drawn = target.read_text(encoding="utf-8")
    assert all(f"<!-- {kelvin} K -->" in drawn for kelvin in (10, 30))


def test_without_a_command_it_says_which_there_are(capsys):
    assert main([]) == 0
    assert "resistance" in capsys.readouterr().out
