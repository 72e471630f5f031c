"""`openmr rates` and `openmr resistance`: the numbers of the API, as a table, CSV and JSON."""

import csv
import json

import numpy as np
import pytest

import openmr as om
from openmr.apps.cli import main

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


def test_resistance_is_drawn_a_curve_a_temperature(tmp_path):
    target = tmp_path / "rho.svg"
    assert main(["resistance", *POINTS, "--plot", str(target)]) == 0
    drawn = target.read_text(encoding="utf-8")
    assert all(f"<!-- {kelvin} K -->" in drawn for kelvin in (10, 30))


def test_without_a_command_it_says_which_there_are(capsys):
    assert main([]) == 0
    assert "resistance" in capsys.readouterr().out
