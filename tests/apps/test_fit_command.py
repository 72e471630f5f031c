"""`openmr fit`: a TOML file in; a report, JSON and PDF out, whole or not at all."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from nearness import approx

import openmr as om
from openmr.apps import cli, fit_file

FILES = Path(__file__).parents[1] / "data" / "files"
FILM = """
[data]
file = "ppms_pt_py.dat"
longitudinal = "Bridge 1 Resistance"
transverse = "Bridge 2 Resistance"
direction = [1, 0, 0]
geometry = { width = 10e-6, length = 100e-6 }

[sample]
preset = "pt_py"
exchange_energy = -0.5e-3
curie_temperature = 30.0

[fit]
free = ["exchange_energy", "ordering_temperature", "spin_hall_angle"]
"""
SERIES = """
[data]
file = "thickness_series.csv"
film = "Probe"
direction = [1, 0, 0]
geometry = { width = 20e-6, length = 400e-6 }

[sample]
[sample.film]
thickness = 3e-9
spin_hall_angle = 0.08
diffusion = 3e-6
diffusion_length = 1.5e-9
resistivity = 65e-8
[sample.electrons]
fermi_energy = 5.0
mass = 1.0

[films]
Pt3 = {}
Pt5 = { thickness = 5e-9 }
Pt7 = { thickness = 7e-9 }
Pt12 = { thickness = 12e-9 }

[fit]
free = ["spin_hall_angle", "diffusion_length", "diffusion_at_fixed_diffusion_length"]
known = { diffusion_length = [1.2e-9, 0.05e-9] }
"""


@pytest.fixture
def asked(tmp_path):
    """Function text -> path of a TOML file beside the data."""
    for name in ("ppms_pt_py.dat", "thickness_series.csv", "one_film_utf16.txt"):
        shutil.copy(FILES / name, tmp_path / name)

    def write(text):
        path = tmp_path / "film.toml"
        path.write_text(text)
        return path

    return write


@pytest.mark.slow
def test_it_reports_and_writes_what_the_api_finds(asked, capsys, tmp_path):
    assert cli.main(["fit", str(asked(FILM))]) == 0
    out = capsys.readouterr().out
    found = om.Fit.load(tmp_path / "film.json")
    bar = om.Geometry(width=10e-6, length=100e-6, thickness=5e-9)
    columns = {"longitudinal": "Bridge 1 Resistance", "transverse": "Bridge 2 Resistance"}
    data = om.read(FILES / "ppms_pt_py.dat", geometry=bar, direction=(1, 0, 0), **columns)
    film = om.presets.pt_py(-0.5e-3, curie_temperature=30.0)
    names = ("exchange_energy", "ordering_temperature", "spin_hall_angle")
    same = om.fit(data, film, names)
    np.testing.assert_array_equal(found.values, same.values)
    assert repr(found) in out
    assert found.report() in out
    assert (tmp_path / "film.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_films_have_their_sizes_and_the_verdict_sets_the_status(asked, capsys, tmp_path):
    assert cli.main(["fit", str(asked(SERIES)), "-q", "-o", str(tmp_path / "out.json")]) == 0
    found = om.Fit.load(tmp_path / "out.json")
    thickness = [sample.film.thickness for sample in found.asked.samples.values()]
    assert thickness == [3e-9, 5e-9, 7e-9, 12e-9]
    assert found.value("diffusion_length") == approx(1.2e-9, rel=0.03)
    start, _, rest = SERIES.partition("[films]")
    one = start.replace("thickness_series.csv", "one_film_utf16.txt").replace('film = "Probe"', "")
    one = one.replace("3e-9\n", "7e-9\n")
    lines = [line for line in rest[rest.index("[fit]") :].splitlines() if "known" not in line]
    assert cli.main(["fit", str(asked(one + "\n".join(lines))), "-q"]) == 1
    assert capsys.readouterr().out.split("\n") == ["good", "not determined", ""]


def test_the_help_shows_a_file_that_is_taken(asked, capsys, tmp_path):
    with pytest.raises(SystemExit):
        cli.main(["fit", "--help"])
    shown = capsys.readouterr().out
    for line in fit_file.FIT_EXAMPLE.splitlines():
        assert line in shown
    shutil.copy(FILES / "ppms_pt_py.dat", tmp_path / "film.dat")
    found = fit_file.fit_of(asked(fit_file.FIT_EXAMPLE))
    assert found.verdict == "good"
    assert "diffusion_length" in found.parameters


WRONG = {
    "no [data]": (FILM.replace("[data]", "[options]"), r"table \[data\]"),
    "no [fit]": (FILM.replace("[fit]", "[options]"), r"table \[fit\]"),
    "no free": (FILM.replace("free =", "per ="), "`free`"),
    "free": (FILM.replace('"spin_hall_angle"', '"spin_hal_angle"'), "spin_hal_angle"),
    "free 3": (FILM.partition("free")[0] + "free = 3", "`free`.*3"),
    "known": (FILM + "known = 3", "`known`.*3"),
    "per": (FILM + "per = 3", "`per`.*3"),
    "nuisance": (FILM + "nuisance = 3", "`nuisance`.*3"),
    "key": (FILM + "prior = 3", "`fit.prior`"),
    "file": (FILM.replace("ppms_pt_py.dat", "no.dat"), r"no\.dat"),
    "no file": (FILM.replace("file =", "path ="), "`data.path`"),
    "number": (FILM.replace('"ppms_pt_py.dat"', "3"), "`data.file`.*3"),
    "text": (FILM.replace("[1, 0, 0]", '"x"'), "`direction`.*'x'"),
    "column": (FILM.replace("Bridge 1", "Bridge 7"), "Bridge 7"),
    "sizes": (FILM.replace("width", "breadth"), "`data.geometry.breadth`"),
    "no table": (FILM.replace("{ width = 10e-6, length = 100e-6 }", "3"), "`data.geometry`.*3"),
    "thick": (
        FILM.replace("= 100e-6 }", "= 100e-6, thickness = 6e-9 }"),
        "as thick as its geometry, 6e-09 m, got 5e-09",
    ),
    "data": (FILM.replace("[data]", "data = 3\n[options]"), "`data`.*3"),
    "films": (FILM.replace("[data]", "films = 3\n[data]"), "`films`.*3"),
    "option": (FILM + '[options]\norder = "second"', "`options.order`"),
    "sweep": (FILM.replace("direction =", "sweep = 3\ndirection ="), "`sweep`.*3"),
    "label": (SERIES.replace("Pt5 =", "Pt6 ="), "'Pt5'"),
    "not TOML": ("[fit", "not TOML"),
}


def test_bad_input_is_one_line_and_writes_nothing(asked, capsys, tmp_path):
    unclear = {}
    before = sorted(path.name for path in tmp_path.iterdir())
    for name, (text, message) in WRONG.items():
        status = cli.main(["fit", str(asked(text))])
        shown = capsys.readouterr()
        one = shown.err.count("\n") == 1 and shown.err.startswith("openmr: ")
        if status != 2 or not one or shown.out or not re.search(message, shown.err):
            unclear[name] = status, shown.err
    assert unclear == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "film.toml"])
    assert cli.main(["fit", str(asked(FILM)), "-o", str(tmp_path / "no" / "out")]) == 2
    assert "`--output`" in capsys.readouterr().err
