"""`openmr rates` and `openmr resistance`: the numbers of the API, as a table, CSV and JSON."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from systems import FILM_TABLES

import openmr as om
from openmr._checks import ParameterError
from openmr.apps.cli import main
from openmr.sample.toml import read_sample
from openmr.tables import json_text

ROOT = Path(__file__).parents[2]

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
    # the order of points in a grid changes their rounding
    assert np.allclose(body["rows"], wanted, rtol=1e-14, atol=0)
    assert np.array_equal(np.array(rows, float), body["rows"])
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


# --- JSON ---------------------------------------------------------------------------------------

SCHEMA = json.loads((ROOT / "docs/_static/openmr.schema.json").read_text(encoding="utf-8"))
CONFORMS = jsonschema.Draft202012Validator(SCHEMA)
POINT = ["-T", "10", "-B", "5"]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def known(document):
    """Keys that the schema has for a document."""
    for one in SCHEMA["$defs"].values():
        if document["schema"] == one.get("properties", {}).get("schema", {}).get("const"):
            return set(one["properties"])
    raise KeyError(document["schema"])


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["rates", *POINTS], id="rates"),
        pytest.param(["resistance", *POINTS, "--method", "bloch-redfield"], id="resistance"),
        pytest.param(["validity", "-T", "10", "-B", "0", "5"], id="validity"),
        pytest.param(["ledger", "--only", "70-78"], id="ledger"),
        pytest.param(["verify", *POINT], id="verify", marks=pytest.mark.slow),
    ],
)
def test_every_json_conforms_to_the_schema(command, capsys):
    assert main([*command, "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    CONFORMS.validate(document)
    assert set(document) == known(document)
    for wrong in (document | {"schema": "openmr/rates/0"}, {**document, "version": None}):
        assert not CONFORMS.is_valid(wrong)


def test_a_stack_and_records_conform_too(capsys, tmp_path):
    config = tmp_path / "stack.toml"
    config.write_text(STACK, encoding="utf-8")
    for command in ("rates", "resistance"):
        assert main([command, *POINT, "--config", str(config), "--json"]) == 0
        CONFORMS.validate(json.loads(capsys.readouterr().out))
    film = om.presets.pt_py()
    rho = om.magnetoresistance(film, 10.0, [0.0, 5.0], (1, 0, 0))
    across = om.diffusion.profile(film.film, rho.relaxation, (1, 0, 0))
    state = rho.relaxation.equilibrium
    for record in (rho, rho.relaxation, state, om.validity(film, 10.0, 5.0), across):
        CONFORMS.validate(json.loads(json_text(record.to_dict())))


AXES = f"""
[sample]
{FILM_TABLES}[sample.moments]
spin = 2
density = 1e27
exchange_energy = -1e-3
anisotropy = -1e-4
"""


# --- films, figures -----------------------------------------------------------------------------


def test_rates_of_moments_with_axes_are_those_in_the_direction(capsys, tmp_path):
    config = tmp_path / "film.toml"
    config.write_text(AXES, encoding="utf-8")
    for direction in ((1, 0, 0), (0, 0, 1)):
        asked = [*POINT, "--config", str(config), "--direction", *map(str, direction)]
        assert main(["rates", *asked, "--method", "batched", "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)["rows"]
        film = read_sample(config)
        found = om.relaxation(film, 10.0, 5.0, direction=direction, method="batched")
        assert row[2] == float(found.longitudinal)


@pytest.mark.parametrize("command", ["rates", "resistance"])
@pytest.mark.parametrize(
    ("points", "told"), [(POINTS, "field"), (["-T", "10", "30", "-B", "5"], "temperature")]
)
def test_what_varies_is_drawn_against(command, points, told, tmp_path):
    target = tmp_path / "drawn.svg"
    assert main([command, *points, "--plot", str(target)]) == 0
    assert f"<!-- {told}" in target.read_text(encoding="utf-8")


def test_rates_of_each_layer_are_drawn(tmp_path):
    config, target = tmp_path / "stack.toml", tmp_path / "drawn.svg"
    config.write_text(STACK, encoding="utf-8")
    assert main(["rates", *POINTS, "--config", str(config), "--plot", str(target)]) == 0
    drawn = target.read_text(encoding="utf-8")
    assert "<!-- layers.0 10 K -->" in drawn
    assert "<!-- layers.1 30 K -->" in drawn


def test_one_point_is_no_curve(capsys, tmp_path):
    assert main(["rates", *POINT, "--plot", str(tmp_path / "drawn.svg")]) == 2
    assert "two fields or temperatures at least" in capsys.readouterr().err


def test_the_ledger_by_verdict(capsys):
    assert main(["ledger", "--only", "70-78", "--verdict", "misprint", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert entries
    assert {entry["verdict"] for entry in entries} == {"misprint"}
    with pytest.raises(ParameterError, match="`verdict` must be one of"):
        om.ledger("70", verdict="wrong")


# --- terminals ----------------------------------------------------------------------------------

NAMED = STACK.replace("two metals", "Pt 5 Å, Ω")


@pytest.fixture
def openmr(tmp_path):
    """Runs the command in a process of its own, with another environment."""

    def run(arguments, **environment):
        told = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "PYTHONIOENCODING")}
        return subprocess.run(
            [sys.executable, "-m", "openmr", *arguments],
            env=told | environment, cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_names_beyond_ascii_go_to_any_terminal(environment, openmr, tmp_path):
    (tmp_path / "Å.toml").write_text(NAMED, encoding="utf-8")
    report = openmr(["validity", *POINT, "-c", "Å.toml"], **environment)
    assert report.stderr == b""
    assert rb"Pt 5 \xc5, \u03a9" in report.stdout


def test_json_and_csv_keep_names_whole(openmr, tmp_path):
    (tmp_path / "film.toml").write_text(NAMED, encoding="utf-8-sig")  # with a BOM
    found = openmr(["rates", *POINT, "-c", "film.toml", "--json"], PYTHONIOENCODING="ascii")
    assert json.loads(found.stdout)["sample"] == "Pt 5 Å, Ω"


def test_who_has_read_enough_may_stop():
    command = [sys.executable, "-m", "openmr", "rates", *POINTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()  # before the first line
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
def test_a_full_disk_behind_what_is_printed_is_told_as_such():
    command = [sys.executable, "-m", "openmr", "ledger", "--json"]
    with open("/dev/full", "w") as full:
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr.startswith("openmr: standard output: ")
    assert found.stderr.count("\n") == 1


# --- completion ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands_options_and_words(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("resistance", "temperature", "bloch-redfield", "misprint", "verdict"):
        assert word in script


COMPLETED = {
    "bash": "source ./script; COMP_WORDS=(openmr ledger --verdict {0}); COMP_CWORD=3;"
    "COMP_LINE='openmr ledger --verdict {0}'; COMP_POINT=27; _shtab_openmr;"
    'echo "${{COMPREPLY[@]}}"',
    "fish": "source ./script; complete -C 'openmr ledger --verdict {0}' | cut -f1",
    # which completes for who types, alone: that it is loaded
    "zsh": "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; autoload +X _openmr;"
    "[[ $_comps[openmr] == _openmr ]] && echo {1}",
}
"""Shell -> what it is asked to make of the beginning of a verdict."""


@pytest.mark.parametrize("shell", COMPLETED)
def test_a_shell_completes_a_verdict(shell, tmp_path, capsys):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    main(["completion", shell])
    script = capsys.readouterr().out
    (tmp_path / ("_openmr" if shell == "zsh" else "script")).write_text(script, encoding="utf-8")
    for begun, whole in (("mis", "misprint"), ("sca", "scan-error")):
        found = subprocess.run(
            [program, "-c", COMPLETED[shell].format(begun, whole)],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert found.stdout.split() == [whole]
        assert found.stderr == ""


def test_a_verdict_of_two_words_has_none_at_a_shell(capsys):
    for word in ("scan-error", "scan error"):
        assert main(["ledger", "--only", "21,70", "--verdict", word]) == 0
        assert "1 entry: 1 scan error" in capsys.readouterr().out


def test_without_the_library_completion_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "pip install 'openmr[complete]'" in capsys.readouterr().err
