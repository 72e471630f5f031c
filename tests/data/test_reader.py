"""Laboratory files: one table in every clothing, the instruments' kinds, and what is refused."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nearness import approx
from refusals import unclear
from spoil import replaced, rewritten

import openmr as om
from openmr.apps import cli
from openmr.data import reader
from openmr.data.columns import split, unit
from openmr.data.measured import measured
from openmr.data.overview import overview
from openmr.data.runs import hold_one_temperature, levels, sweeps
from openmr.data.source import Source

FILES = Path(__file__).parent / "files"
TRUTH = json.loads((FILES / "truth.json").read_text())
BAR = om.Geometry(width=10e-6, length=100e-6, thickness=5e-9)
X = (1, 0, 0)

# --- one table in every clothing -------------------------------------------------------------

RNG = np.random.default_rng(5)
UP = np.linspace(-9.0, 9.0, 7)
FIELD = np.tile(np.concatenate([UP, UP[::-1]]), 2)
KELVIN = np.repeat([10.0, 30.0], 14) + np.round(0.01 * RNG.normal(size=28), 3)
OHM = np.round(4000.0 + RNG.normal(size=28), 3)
SECONDS = 60.0 * np.arange(1, 29)
RHO = OHM * BAR.longitudinal

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
DELIMITERS = ("\t", ";", ",", " ", "|")
MARKS = (".", ",")
HEADS = {
    "(u)": ("{} ({})", 1.0),
    "[u]": ("{} [{}]", 1.0),
    "/ u": ("{} / {}", 1.0),
    "/u": ("{}/{}", 1.0),
}
UNITS = {  # field, resistance, temperature, time: unit -> its value in SI
    "field": {
        **{"T": 1.0, "mT": 1e-3, "Oe": 1e-4, "kOe": 0.1, "G": 1e-4, "kG": 0.1, "Gauss": 1e-4},
        **{"kA/m": 4e-4 * np.pi, "A/m": 4e-7 * np.pi, "Oersted": 1e-4, "tesla": 1.0},
    },
    "resistance": {
        **{"Ohm": 1.0, "Ohms": 1.0, "kOhm": 1e3, "mOhm": 1e-3, "MOhm": 1e6, "kohm": 1e3},
        **{"k\N{OHM SIGN}": 1e3, "k\N{GREEK CAPITAL LETTER OMEGA}": 1e3},
        **{"\N{MICRO SIGN}Ohm": 1e-6, "\N{GREEK SMALL LETTER MU}Ohm": 1e-6, "uOhm": 1e-6},
    },
    "resistivity": {
        **{"Ohm m": 1.0, "Ohm-m": 1.0, "Ohm*m": 1.0, "Ohm cm": 1e-2, "uOhm cm": 1e-8},
        **{"\N{MICRO SIGN}\N{OHM SIGN} cm": 1e-8, "mOhm-cm": 1e-5, "nOhm m": 1e-9},
        **{"\N{GREEK SMALL LETTER MU}\N{GREEK CAPITAL LETTER OMEGA}\N{MIDDLE DOT}cm": 1e-8},
    },
    "temperature": {"K": 1.0, "Kelvin": 1.0, "mK": 1e-3, "kelvin": 1.0},
    "time": {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "ms": 1e-3},
    "angle": {"deg": np.pi / 180, "degrees": np.pi / 180, "rad": 1.0, "mrad": 1e-3},
}


def text(columns, delimiter=";", mark=".", end="\n"):
    """A table of columns, head -> numbers."""
    rows = [delimiter.join(columns)]
    for row in zip(*columns.values(), strict=True):
        cells = [cell if isinstance(cell, str) else f"{cell:.12g}" for cell in row]
        rows.append(delimiter.join(cell.replace(".", mark) for cell in cells))
    return end.join(rows) + end


def write(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path


def table(form="{} ({})", field="T", resistance="Ohm", temperature="K", time="s", size=28):
    of = UNITS
    return {
        form.format("Temp", temperature): (KELVIN / of["temperature"][temperature])[:size],
        form.format("B", field): (FIELD / of["field"][field])[:size],
        form.format("R", resistance): (OHM / of["resistance"][resistance])[:size],
        form.format("Time", time): (SECONDS / of["time"][time])[:size],
    }


def same(data, rtol=1e-9):
    np.testing.assert_allclose(data.longitudinal, RHO, rtol=rtol)
    np.testing.assert_allclose(data.temperature, KELVIN, rtol=rtol)
    np.testing.assert_allclose(data.field, FIELD, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(data.time, SECONDS, rtol=rtol)
    np.testing.assert_array_equal(data.level, np.repeat([0, 1], 14))
    # the row at which the field turns belongs to the sweep that ends there
    np.testing.assert_array_equal(np.bincount(data.sweep), [7, 7, 7, 7])
    assert data.dropped == {}
    assert np.all(np.isnan(data.transverse))


def otherwise(cases, path):
    """Case -> what went wrong, of those that do not read as the one table."""
    found = {}
    for case, content, encoding in cases:
        try:
            same(om.read(write(path, content, encoding), geometry=BAR, direction=X))
        except Exception as error:
            found[case] = repr(error)
    return found


def test_every_encoding_delimiter_decimal_mark_and_line_end(tmp_path):
    cases = []
    for encoding, delimiter, mark, end in product(
        ENCODINGS, DELIMITERS, MARKS, ("\n", "\r\n", "\r")
    ):
        if (delimiter, mark) == (",", ","):
            continue
        form = "{}({})" if delimiter == " " else "{} ({})"
        ohm = "kOhm" if encoding in ("cp1252", "latin-1") else "k\N{OHM SIGN}"
        content = text(table(form, resistance=ohm), delimiter, mark, end)
        if encoding in ("cp1252", "latin-1"):
            content = (
                f"# 10 \N{MICRO SIGN}m x 100 \N{MICRO SIGN}m, 25 \N{DEGREE SIGN}C{end}{content}"
            )
        cases.append(((encoding, delimiter, mark, end), content, encoding))
    assert len(cases) == 7 * 9 * 3
    assert otherwise(cases, tmp_path / "a.txt") == {}


def test_every_unit_in_every_way_to_write_it(tmp_path):
    cases = [
        ((name, kind, one), text(table(form, **{kind: one})), "utf-8")
        for name, (form, _) in HEADS.items()
        for kind in ("field", "resistance", "temperature", "time")
        for one in UNITS[kind]
    ]
    # 1e-9: twelve digits are written, and mu_0 differs from 4 pi 1e-7 by 1e-10
    assert otherwise(cases, tmp_path / "a.txt") == {}


def test_units_are_what_they_say_and_others_none():
    for kind, units in UNITS.items():
        for name, value in units.items():
            found = unit(name)
            assert (found.of, found.offset) == (kind, 0.0), name
            assert found.factor == approx(value, rel=1e-9), name
    assert unit("degC") == unit("\N{DEGREE SIGN}C") == ("temperature", 1.0, 273.15)
    for name in ("emu", "V", "A", "", "t", "k", "S", "%", "kg", "m", "arb. u.", "Torr", "Hz"):
        assert unit(name) is None, name


def test_names_and_units_are_told_apart():
    for head, expected in {
        "B (T)": ("B", "T"),
        "mu0H / mT": ("mu0H", "mT"),
        "rho / (uOhm cm)": ("rho", "uOhm cm"),
        "H/kA/m": ("H", "kA/m"),
        "Resistance Ch1 (Ohms)": ("Resistance Ch1", "Ohms"),
        "Resistance (Ohms) Ch1": ("Resistance Ch1", "Ohms"),
        "Status (code)": ("Status", "code"),
        "Field, Oe": ("Field", "Oe"),
        "R, left": ("R, left", ""),
        "R": ("R", ""),
    }.items():
        assert split(head) == expected


def test_heads_of_other_programs(tmp_path):
    """A line of units below the names, NumPy's comment, a preamble, blanks, trailing delimiters."""
    plain = table()
    body = text(plain, "\t").split("\n", 1)[1]
    commas = text(plain, ",").split("\n", 1)[1]
    names = "Temp\tB\tR\tTime"
    cases = [
        ("origin", f"{names}\nK\tT\tOhm\ts\n{body}", "utf-8"),
        ("brackets", f"{names}\n[K]\t[T]\t[Ohm]\t[s]\n{body}", "utf-8"),
        ("numpy", f"# made by hand\n# {text(plain, chr(9))}", "utf-8"),
        ("numpy blanks", "# " + text(table("{}({})"), " "), "utf-8"),
        ("two blanks", text(plain, "  "), "utf-8"),
        ("numbers above", f"Width\t20\nLength\t400\nDate\tMay\n{text(plain, chr(9))}", "utf-8"),
        ("preamble", f"Sample\tPt 5 nm\nDate\t2025-04-26\n\n{text(plain, chr(9))}", "utf-8"),
        ("comments", f"% a\n! b\n; c\n{text(plain, ',')}", "utf-8"),
        ("blank lines", text(plain, "\t").replace("\n", "\n\n"), "utf-8"),
        ("quoted", text({f'"{head}"': each for head, each in plain.items()}, ","), "utf-8"),
        (
            "trailing",
            text(plain, ",").split("\n")[0] + "\n" + commas.replace("\n", ",,\n"),
            "utf-8",
        ),
        ("minus", text(plain).replace("-", "\N{MINUS SIGN}"), "utf-8"),
        ("blanks in cells", text(plain).replace(";", " ; "), "utf-8"),
    ]
    assert otherwise(cases, tmp_path / "a.txt") == {}


def test_frames(tmp_path):
    frame = pd.DataFrame(table())
    same(om.read(frame, geometry=BAR, direction=X))
    same(om.read(frame.astype(str), geometry=BAR, direction=X))
    same(om.read(frame.convert_dtypes(), geometry=BAR, direction=X))

    class Series:
        def __init__(self, values):
            self.values = values

        def to_numpy(self):
            return self.values

    class Polars:
        def __init__(self):
            self.columns = list(frame.columns)

        def __getitem__(self, name):
            return Series(frame[name].to_numpy())

    same(om.read(Polars(), geometry=BAR, direction=X))
    back = om.read(frame, geometry=BAR, direction=X).to_pandas()
    np.testing.assert_allclose(back["longitudinal"], RHO)


# --- instruments -----------------------------------------------------------------------------

PPMS = """[Header]
; a comment
TITLE,Pt film
FILEOPENTIME,3589995867.25658,04/26/2025,6:56 pm
BYAPP,Resistivity,2.1,1.0
INFO,Pt 5 nm,Sample1 Name
INFO,{unit},Sample1 Units
DATATYPE,TIME,2
[Data]
Comment,Time Stamp (sec),Status (code),Temperature (K),Magnetic Field (Oe),{angle},\
Bridge 1 Resistivity ({unit}),Bridge 1 Excitation (uA),Bridge 1 Std. Dev. (Ohm-m),\
Number of Readings,Bridge 1 Resistance (Ohms),Bridge 2 Resistance (Ohms)
"""


def ppms(unit="Ohm-m", angle="Sample Position (deg)", end=",,,,", rows=28):
    lines = [
        f",{t:.3f},4449,{k:.5f},{1e4 * b:.4f},{10 * i},2e-06,50,1e-10,25,{r:.6f},{0.1 * b:.6f}{end}"
        for i, (t, k, b, r) in enumerate(zip(SECONDS, KELVIN, FIELD, OHM, strict=True))
    ]
    return PPMS.format(unit=unit, angle=angle) + "\n".join(lines[:rows]) + "\n"


ONE = {"longitudinal": "Bridge 1 Resistance (Ohms)", "geometry": BAR}


@pytest.mark.parametrize("end", ["", ",", ",,,,"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_resistivity_option(tmp_path, end, encoding):
    """Rows may be longer than their head; the resistance is taken, not what is called rho."""
    path = write(tmp_path / "film.dat", ppms(end=end).replace("\n", "\r\n"), encoding)
    data = om.read(path, **ONE, direction=X)
    same(data)
    assert data.info["TITLE"] == "Pt film"
    assert data.info["Sample1 Name"] == "Pt 5 nm"
    assert data.film[0] == "film"
    both = om.read(path, **ONE, direction=X, transverse="bridge 2 resistance")
    np.testing.assert_allclose(both.transverse, 0.1 * FIELD * 5e-9, rtol=1e-6, atol=1e-20)
    rho = om.read(path, longitudinal="Bridge 1 Resistivity (Ohm-m)", direction=X)
    np.testing.assert_allclose(rho.longitudinal, 2e-6)


@pytest.mark.parametrize("angle", ["Sample Position (deg)", "Sample Position (degrees)"])
def test_rotator(tmp_path, angle):
    path = write(tmp_path / "film.dat", ppms(angle=angle))
    turn = np.deg2rad(10.0 * np.arange(28))
    for plane, name in (("xy", "alpha"), ("yz", "beta"), ("zx", "gamma")):
        data = om.read(path, **ONE, plane=plane, angle=angle, zero=30.0)
        expected = om.scan_directions(plane, turn - np.pi / 6)
        np.testing.assert_allclose(data.direction, expected, atol=1e-12)
        back = om.read(path, **ONE, plane=plane[::-1], angle=angle)
        b = np.zeros((28, 3))
        b[:, "xyz".index(plane[1])], b[:, "xyz".index(plane[0])] = np.cos(turn), np.sin(turn)
        np.testing.assert_allclose(back.direction, b, atol=1e-12)
        frame = pd.DataFrame(table()).assign(**{"phi (deg)": 10.0 * np.arange(28), "scan": name})
        data = om.read(frame, geometry=BAR, plane="scan", angle="phi", zero=30.0)
        np.testing.assert_allclose(data.direction, expected, atol=1e-12)
    three = dict(zip(("b_x", "b_y", "b_z"), 2 * expected.T, strict=True))
    data = om.read(pd.DataFrame(table() | three), geometry=BAR, direction=("b_x", "b_y", "b_z"))
    np.testing.assert_allclose(data.direction, expected, atol=1e-12)


def test_transport_option_with_its_channels_on_rows_in_turn(tmp_path):
    lines = ["[Header]", "BYAPP, ETO, 1.0", "[Data]"]
    heads = "Comment,Time Stamp (s),Sample Temp (Kelvin),Field (Oersted),Status,"
    heads += ",".join(
        f"Resistance Ch{n} (Ohms),Resistance Std. Dev. Ch{n} (Ohms),Phase Angle Ch{n} (deg)"
        for n in (1, 2)
    )
    lines.append(heads + ",Heat (\N{MICRO SIGN}J/K)")
    for t, k, b, r in zip(SECONDS, KELVIN, FIELD, OHM, strict=True):
        lines.append(f",{t},{k},{1e4 * b},1,{r},0.1,0.2,,,")
        lines.append(f",{t + 1},{k},{1e4 * b},1,,,,{0.1 * b},0.1,0.2,,")
    lines.append(",,,,,,,,,,,")
    lines.append(f",{t + 2},{k},{1e4 * b},1,,,,,,,")
    path = write(tmp_path / "eto.dat", "\r\n".join(lines), "cp1252")
    data = om.read(
        path,
        geometry=BAR,
        direction=X,
        longitudinal="Resistance Ch1 (Ohms)",
        transverse="Resistance Ch2",
        uncertainty="Resistance Std. Dev. Ch1 (Ohms)",
    )
    np.testing.assert_allclose(data.longitudinal[::2], RHO)
    np.testing.assert_allclose(data.transverse[1::2], 0.1 * FIELD * 5e-9, atol=1e-20)
    assert np.all(np.isnan(data.longitudinal[1::2]))
    assert np.all(np.isnan(data.transverse[::2]))
    np.testing.assert_allclose(data.uncertainty[::2], 0.1 * BAR.longitudinal)
    assert data.dropped == {"empty rows": 1, "no resistance": 1}
    np.testing.assert_array_equal(np.bincount(data.level), [28, 28])
    only = om.read(path, geometry=BAR, direction=X, transverse="Resistance Ch2")
    assert only.dropped == {"empty rows": 1, "no resistance": 29}
    assert np.all(np.isnan(only.longitudinal))


@pytest.mark.parametrize("plane", ["xy", "yz", "zx"])
def test_a_rotation_is_read_as_it_was_computed(tmp_path, plane):
    """At two temperatures and two fields, there and back, by the model's own resistivities."""
    film = om.presets.pt_py(-0.7e-3, curie_temperature=24.0)
    turn = np.tile(np.concatenate([np.arange(0, 361, 15.0), np.arange(360, -1, -15.0)]), 4)
    kelvin = np.repeat([5.0, 50.0], 100) + np.round(0.005 * RNG.normal(size=200), 4)
    field = np.tile(np.repeat([1.0, 9.0], 50), 2) + np.round(1e-4 * RNG.normal(size=200), 6)
    b = om.scan_directions(plane, np.deg2rad(turn - 17.0))
    rho = om.magnetoresistance(film, kelvin, field, b, order="exact")
    columns = {
        "Temperature (K)": kelvin,
        "Field (Oe)": 1e4 * field,
        "Angle (deg)": turn,
        "Rxx (kOhm)": 1e-3 * rho.longitudinal / BAR.longitudinal,
        "Rxy (mOhm)": 1e3 * rho.transverse / BAR.transverse,
    }
    path = tmp_path / "rotation.txt"
    np.savetxt(path, np.stack([*columns.values()], -1), "%.15e", "\t", header="\t".join(columns))
    named = {"longitudinal": "Rxx", "transverse": "Rxy", "angle": "Angle", "zero": 17.0}
    data = om.read(path, geometry=BAR, plane=plane, **named)
    np.testing.assert_allclose(data.longitudinal, rho.longitudinal, rtol=1e-13)
    np.testing.assert_allclose(data.transverse, rho.transverse, atol=1e-13 * 2e-6)
    np.testing.assert_allclose(data.direction, b, atol=1e-13)
    assert np.bincount(data.level).tolist() == [100, 100]
    assert np.bincount(data.sweep).tolist() == [25] * 8


# --- reference files -------------------------------------------------------------------------


def test_the_film_with_moments():
    known = TRUTH["ppms_pt_py.dat"]
    data = om.read(FILES / "ppms_pt_py.dat", geometry=BAR, direction=X, **known["columns"])
    assert len(data.longitudinal) == 244
    assert data.dropped == {}
    for level, kelvin in enumerate(("10", "30")):
        here = data.longitudinal[data.level == level]
        # within the magnetoresistance of the film, 4 %
        assert np.median(here) == approx(known["resistivity"][kelvin], rel=0.04)
        assert np.mean(data.temperature[data.level == level]) == approx(float(kelvin), 1e-3)
    assert np.all(np.isfinite(data.transverse))
    np.testing.assert_array_equal(np.bincount(data.sweep) > 50, True)
    assert data.sweep.max() == 3
    assert np.all(np.diff(data.time) > 0)


def test_the_series_of_films():
    known = TRUTH["thickness_series.csv"]
    films = {"Pt3": 3e-9, "Pt5": 5e-9, "Pt7": 7e-9, "Pt12": 12e-9}
    bars = {
        name: om.Geometry(known["known"]["width"], known["known"]["length"], thickness)
        for name, thickness in films.items()
    }
    data = om.read(FILES / "thickness_series.csv", geometry=bars, film="Probe", direction=X)
    assert data.dropped == {}
    assert dict(data.geometry) == bars
    for name, rho in known["resistivity"].items():
        here = data.film == name
        assert np.sum(here) == 92
        assert np.median(data.longitudinal[here]) == approx(rho, rel=0.01)
        assert len(np.unique(data.sweep[here])) == 2


def test_the_one_film():
    known = TRUTH["one_film_utf16.txt"]
    bar = om.Geometry(squares=10, thickness=7e-9)
    data = om.read(FILES / "one_film_utf16.txt", geometry=bar, direction=X)
    assert np.median(data.longitudinal) == approx(known["resistivity"], rel=0.01)
    assert data.dropped == {"no resistance": 2}
    assert len(data.longitudinal) == 59
    assert data.field.max() == approx(9.0)


# --- levels and sweeps -----------------------------------------------------------------------


def test_levels():
    def found(*kelvin, **gap):
        return levels(np.array(kelvin), **gap).tolist()

    assert found(30, 10, 10.01, 30.02) == [1, 0, 0, 1]
    assert found(10, 10.4) == [0, 0]
    assert found(10, 10.4, gap=0.2) == [0, 1]
    wide = np.concatenate([300 + np.linspace(-1, 1, 9), 302 + np.linspace(-1, 1, 9)])
    assert max(found(*wide)) == 0  # 0.5 K apart is not 5 times the scatter
    assert found(2, 4, 6) == [0, 1, 2]


def test_a_coarse_thermometer_has_one_temperature():
    for low, high in ((2.0, 2.01), (10.0, 10.1), (300.0, 300.1)):
        hold_one_temperature(np.repeat([low, high], 14), np.zeros(28, int))
    for low, high in ((2.0, 2.3), (10.0, 10.4), (300.0, 300.4)):
        with pytest.raises(om.ParameterError, match="one in each level"):
            hold_one_temperature(np.repeat([low, high], 14), np.zeros(28, int))


def test_sweeps_end_where_field_or_angle_turns():
    b = np.broadcast_to([1.0, 0, 0], (400, 3))
    noise = 1e-3 * RNG.normal(size=400)
    loop = 9 * np.sin(np.linspace(0, 4 * np.pi, 400)) + noise
    ends = np.flatnonzero(np.diff(sweeps(loop, b, np.zeros(400, int))))
    np.testing.assert_allclose(ends, [50, 150, 249, 349], atol=3)
    turn = np.concatenate([np.linspace(0, 2 * np.pi, 200), np.linspace(2 * np.pi, 0, 200)])
    turned = om.scan_directions("yz", turn)
    found = sweeps(9 + noise, turned, np.zeros(400, int))
    np.testing.assert_allclose(np.flatnonzero(np.diff(found)), [199], atol=1)
    fixed = np.repeat([1.0, 3.0, 6.0, 9.0], 100)
    turned = om.scan_directions("xy", np.tile(np.linspace(0, 2 * np.pi, 100), 4))
    assert np.bincount(sweeps(fixed, turned, np.zeros(400, int))).tolist() == [100] * 4
    three = np.repeat(np.eye(3), 50, axis=0)
    field = np.tile(np.linspace(-9, 9, 50), 3)
    assert np.bincount(sweeps(field, three, np.zeros(150, int))).tolist() == [50] * 3


def test_named_levels_and_sweeps():
    frame = pd.DataFrame(table()).assign(setpoint=np.repeat([30, 10], 14)[::-1], run=["b"] * 28)
    bare = frame.assign(run=["b"] * 27 + [None])
    short = om.read(bare, geometry=BAR, direction=X, level="setpoint", sweep="run")
    assert short.dropped == {"no sweep": 1}
    data = om.read(frame, geometry=BAR, direction=X, level="setpoint", sweep="run")
    np.testing.assert_array_equal(data.level, np.repeat([0, 1], 14))
    np.testing.assert_array_equal(data.sweep, np.zeros(28))


# --- the record ------------------------------------------------------------------------------


def test_a_part_keeps_its_levels_and_counts_the_rest():
    data = om.read(pd.DataFrame(table()), geometry=BAR, direction=X)
    warm = data.select(data.temperature > 20)
    assert set(warm.level) == {1}
    assert warm.dropped == {"not selected": 14}
    np.testing.assert_array_equal(warm.longitudinal, data.longitudinal[14:])
    assert "14 not selected" in repr(warm)


def test_symmetrised_takes_the_even_part_of_rho_l_and_the_odd_part_of_rho_t():
    even, odd = 2e-6 + 1e-9 * FIELD**2, 3e-9 * FIELD
    data = measured(even + odd, transverse=even + odd, temperature=KELVIN, field=FIELD, direction=X)
    found = data.symmetrised()
    np.testing.assert_allclose(found.longitudinal, even, rtol=1e-12)
    np.testing.assert_allclose(found.transverse, odd, rtol=1e-9, atol=1e-20)
    turn = np.linspace(0, 2 * np.pi, 25)
    b = om.scan_directions("xy", turn)
    scan = measured(2e-6 + 1e-9 * np.cos(turn), temperature=10, field=9, direction=b)
    np.testing.assert_allclose(scan.symmetrised().longitudinal, 2e-6, rtol=1e-12)
    half = measured(2e-6, temperature=10, field=np.array([-1.0, 1.0, 9.0]), direction=X)
    assert half.symmetrised().dropped == {"no opposite field": 1}


# --- each conversion, broken on purpose ------------------------------------------------------


def rotated():
    frame = pd.DataFrame(table(field="kOe", resistance="kOhm")).assign(**{"phi (deg)": 30.0})
    frame["Temp (degC)"] = frame.pop("Temp (K)") - 273.15
    data = om.read(frame, geometry=BAR, plane="yx", angle="phi", zero=-30.0, transverse="R")
    np.testing.assert_allclose(data.transverse, OHM * 5e-9)
    np.testing.assert_allclose(data.temperature, KELVIN)
    np.testing.assert_allclose(data.direction[0], [np.sqrt(0.75), 0.5, 0.0])
    same(om.read(frame, geometry=BAR, direction=X, longitudinal="R"), rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        (om.Geometry.longitudinal.fget, "self.width / self.length", "self.length / self.width"),
        (Source.values, "+ column.unit.offset", "- column.unit.offset"),
        (Source.values, "* column.unit.factor", "/ column.unit.factor"),
        (reader._directions, "turn - _checks", "turn + _checks"),
        (reader._directions, "0.5 * np.pi - turn", "0.5 * np.pi + turn"),
        (reader._resistivities, 'name == "transverse"', 'name == "longitudinal"'),
        (levels, "np.diff(kelvin) > gap", "np.diff(kelvin) < -gap"),
        (sweeps, "starts[first] = True", "starts[first] = False"),
    ],
)
def test_a_broken_conversion_is_noticed(function, old, new):
    rotated()
    noticed = pytest.raises((AssertionError, ValueError))  # a refusal is one
    with replaced(function, rewritten(function, old, new)), noticed:
        rotated()


# --- what is dropped is counted --------------------------------------------------------------


@pytest.mark.parametrize(
    "empty", ["", "NaN", "nan", "--", "n/a", "inf", "9.91e37", "#N/A", "1.#QNAN", "OVLD"]
)
def test_cells_without_a_number_are_counted(tmp_path, empty):
    columns = {head: list(each) for head, each in table().items()}
    columns["R (Ohm)"][3] = columns["Temp (K)"][5] = columns["B (T)"][6] = empty
    columns["Time (s)"][7] = empty
    data = om.read(write(tmp_path / "a.csv", text(columns)), geometry=BAR, direction=X)
    lost = {"no resistance": 1, "no temperature": 1, "no field": 1, "no time": 1}
    assert data.dropped == lost
    np.testing.assert_allclose(data.longitudinal, np.delete(RHO, [3, 5, 6, 7]))


def test_comments_and_short_rows_between_are_counted(tmp_path):
    lines = text(table(), ",").split("\n")
    lines.insert(5, "# field reversed")
    lines.insert(9, "300")
    data = om.read(write(tmp_path / "a.csv", "\n".join(lines)), geometry=BAR, direction=X)
    assert data.dropped == {"comments between the rows": 1, "no resistance": 1}
    np.testing.assert_allclose(data.longitudinal, RHO)


# --- refusals --------------------------------------------------------------------------------

PLAIN = pd.DataFrame(table())


def reading(frame=PLAIN, **more):
    return lambda: om.read(frame, **({"geometry": BAR, "direction": X} | more))


def renamed(**names):
    return PLAIN.rename(columns={f"{old} ({u})": new for old, (u, new) in names.items()})


REFUSED = [
    # Oe taken for T, Ohm for Ohm m, degrees for radians
    (
        reading(pd.DataFrame(table(field="Oe")), units={"B": "T"}),
        r"`field` must be between -100 and 100 T, got -90000.*9e4 Oe is 9 T.*units=\{'B'",
    ),
    (reading(renamed(B=("T", "B"))), r"`field`.*no unit in column 'B'.*units=\{'B': 'T'\}"),
    (reading(renamed(B=("T", "B (emu)"))), r"unit 'emu' in column 'B \(emu\)'.*units=\{'B'"),
    (reading(field=9e4), "`field` must be between -100 and 100 T, got 90000.*9e4 Oe is 9 T"),
    (
        reading(geometry=None, units={"R": "Ohm m"}),
        "`longitudinal` must be between 1e-10 .* Ohm m, got 3999.*a resistance needs `geometry`",
    ),
    (
        reading(PLAIN.assign(**{"phi (rad)": 90.0}), direction=None, plane="xy", angle="phi"),
        "`angle` must be between .* rad, got 90.*90 deg is pi/2",
    ),
    (
        reading(PLAIN.assign(phi=90.0), direction=None, plane="xy", angle="phi"),
        r"`angle`.*no unit in column 'phi'.*units=\{'phi': 'rad'\}",
    ),
    # two temperatures in one level, found and named, and one that drifts
    (
        reading(PLAIN.assign(**{"Temp (K)": np.repeat([10.0, 10.4], 14)})),
        "`temperature` must be one in each level, got 10 and 10.4 K.*level=0.2",
    ),
    (
        reading(PLAIN.assign(one="a"), level="one"),
        "`temperature` must be one in each level, got 9.9.* and 29.9",
    ),
    (
        reading(PLAIN.assign(**{"Temp (K)": np.linspace(10, 20, 28)})),
        "`temperature` must be one in each level, got 10 and 20 K",
    ),
    # columns
    (reading(longitudinal="Rxx"), r"`longitudinal` must name a column.*'Rxx'; it has 'Temp \(K\)'"),
    (reading(PLAIN.drop(columns="Temp (K)")), "`temperature` must name a column, or be one number"),
    (reading(PLAIN.drop(columns="R (Ohm)")), "`longitudinal` must name a column of a resistance"),
    (reading(longitudinal="Temp"), "`longitudinal` must be a resistance or .* got a temperature"),
    (reading(PLAIN.assign(**{"Rxy (Ohm)": 1.0})), r"`longitudinal` or `transverse` must name one"),
    (
        reading(renamed(Temp=("K", "Stage (K)")).assign(**{"Chip (K)": 1.0})),
        r"`temperature` must name one of the columns 'Stage \(K\)', 'Chip \(K\)'",
    ),
    (reading(units={"C": "T"}), "`units` must name a column of the file, got 'C'"),
    (reading(units={"B": "furlong"}), "`units` must name units such as T, Oe.*'furlong'"),
    (reading(transverse="R", uncertainty="R"), "`uncertainty` is that of `longitudinal`"),
    (reading(PLAIN.assign(Sample=["a", "b"] * 14)), "`film` must be given.*film='Sample'"),
    # geometry
    (reading(geometry=None), r"`geometry` must be given for the resistance in column 'R \(Ohm\)'"),
    (reading(geometry=5e-9), "`geometry` must be an openmr.Geometry or one for each film"),
    (reading(geometry={"Pt3": BAR}), "`geometry` must have .* none for 'film' among"),
    (
        reading(pd.DataFrame(table()).rename(columns={"R (Ohm)": "R (uOhm cm)"})),
        "`geometry` must be left out",
    ),
    (lambda: om.Geometry(10, 100, 5e-9), r"`width` must be between.* m, got 10 \(in m: 10 um is"),
    (lambda: om.Geometry(1e-5, 1e-4, 5), r"`thickness` must be between 1e-10 and 1e-05 m, got 5 "),
    (lambda: om.Geometry(1e-5, 1e-4), "`thickness` of a Geometry must be given"),
    (lambda: om.Geometry(1e-5, thickness=5e-9), "`length` of a Geometry goes with `width`"),
    (lambda: om.Geometry(thickness=5e-9), "exactly one of `width` and `squares`"),
    (lambda: om.Geometry(1e-5, 1e-4, 5e-9, squares=10), "exactly one of `width` and `squares`"),
    # numbers that no film has
    (reading(temperature=0.0), "`temperature` must be between 0.001 and 2000 K, got 0"),
    (reading(PLAIN.assign(**{"Temp (K)": 2001.0})), "`temperature`.*2000 K, got 2001.*line 1"),
    (
        reading(pd.DataFrame({**table(), "R (Ohm)": -OHM})),
        "`longitudinal` must be between 1e-10 and 0.01 Ohm m, got -1.99",
    ),
    # directions
    (reading(direction=None), "exactly one of `direction` and `plane`"),
    (reading(plane="xy"), "exactly one of `direction` and `plane`"),
    (reading(angle="B"), "`angle` and `zero` go with `plane`"),
    (reading(direction=None, plane="xy"), "`angle` must name the column of the rotator"),
    (reading(direction=None, plane="xz", angle="B"), "`angle` must be an angle, got a field"),
    (reading(longitudinal=3), "`longitudinal` must be the name of a column, got 3"),
    (reading(longitudinal="R", transverse="R"), "`transverse` must be another column, got 'R'"),
    (reading(units="Oe"), "`units` must map columns to units"),
    (reading(direction="x"), "`direction` must be .* or the names of three columns, got 'x'"),
    (reading(direction=np.eye(3)), "`direction` must be one vector"),
    # frames
    (reading(PLAIN.assign(**{"R (Ohm)": "4 kOhm"})), r"column 'R \(Ohm\)' of line 1, got '4 kOhm'"),
    (reading(PLAIN[:0]), "`path` must hold rows of numbers"),
    (reading(3), "`path` must be a file to read, got 3"),
    (reading("nope.dat"), "`path` must be a file to read, got 'nope.dat': No such"),
    (reading(decimal="'"), "`decimal` must be one of '.', ','"),
]


def test_each_refusal_names_its_cure():
    found = unclear(REFUSED)
    assert not found, found


GOOD = "T (K);B (T);R (Ohm)\n10;1;4000\n10;2;4001\n"
BAD_FILES = [
    (GOOD.replace("4001", "4 kOhm"), {}, r"number in column 'R \(Ohm\)' of line 3, got '4 kOhm'"),
    (GOOD.replace("4001", "4_001"), {}, r"column 'R \(Ohm\)' of line 3, got '4_001'"),
    (GOOD.replace("4001", "0x40"), {}, r"column 'R \(Ohm\)' of line 3, got '0x40'"),
    (GOOD.replace("4001", "4001?"), {}, r"column 'R \(Ohm\)' of line 3, got '4001\?'"),
    (GOOD.replace("10;2", "10,0;2.5"), {}, "one decimal mark, got '2.5'.*'10,0'.*decimal=','"),
    (GOOD.replace("4000", "4.000,5"), {}, "one decimal mark.*'4.000,5'.*line 2"),
    (GOOD.replace("4000", "4000.5"), {"decimal": ","}, r"column 'R \(Ohm\)' of line 2.*'4000.5'"),
    (GOOD.replace("4000", "4.001"), {"decimal": ","}, r"column 'R \(Ohm\)' of line 2.*'4.001'"),
    (GOOD + "End of file\n", {}, r"column 'T \(K\)' of line 4, got 'End of file'"),
    (GOOD.replace("T (K);B (T);R (Ohm)", "T;B;R"), {}, r"units=\{'R': 'Ohm'\}"),
    (GOOD.replace("4001", "4001;7"), {}, "3 cells in line 3, got 4 of them; .*decimal comma"),
    ("T (K),B (T),R (Ohm)\n10,0,1,0,4000,5\n", {}, "3 cells in line 2, got 6"),
    (
        GOOD.replace("B (T)", "R (Ohm)"),
        {"longitudinal": "R", "field": 1.0},
        r"got 'R', of which there are 2",
    ),
    ("10;1;4000\n10;2;4001\n", {}, "names of its columns above the numbers, got none"),
    ("", {}, "names of its columns above the numbers, got none"),
    ("T (K);B (T);R (Ohm)\n", {}, "rows of numbers.*got no row"),
    ("T (K);B (T);R (Ohm)\n10;;4000\n", {}, "complete rows.*1 rows with no field"),
    (ppms(), {"longitudinal": None}, "`longitudinal` or `transverse` must name one of"),
    (
        ppms(unit="Ohm"),
        {"longitudinal": "Bridge 1 Resistivity (Ohm)", "geometry": None},
        "`geometry` must be given for the resistance in column 'Bridge 1 Resistivity",
    ),
    (
        ppms().replace("INFO,Ohm-m", "INFO,Ohm"),
        {"longitudinal": "Bridge 1 Resistivity", "geometry": None},
        "`longitudinal` must have one unit, got 'Ohm-m'.* and 'Ohm' in the header",
    ),
]


def test_each_bad_file_is_refused(tmp_path):
    rows = []
    for number, (content, more, message) in enumerate(BAD_FILES):
        path = write(tmp_path / f"{number}.csv", content)
        rows.append((reading(path, **more), message))
    zipped = tmp_path / "a.xlsx"
    zipped.write_bytes(b"PK\x03\x04\0\0")
    rows.append((reading(tmp_path), "`path` must be a file to read, got .*directory"))
    rows.append((reading(zipped), "a workbook; save it as CSV"))
    binary = tmp_path / "b.csv"
    binary.write_bytes(bytes(range(256)) * 4)
    rows.append((reading(binary), "`path` must be a text table"))
    found = unclear(rows)
    assert not found, found


def test_no_comma_is_taken_for_a_decimal_one_by_its_looks(tmp_path):
    """1,800 may be 1.8: a number with other than three digits behind its comma must tell."""
    file = tmp_path / "a.csv"
    for rows, options, ohm in (
        ("10;1;1,800\n10;2;1,801\n", {}, None), ("10;-1,000;1,800\n10;2;11,801\n", {}, None),
        ("10;1;1,800\n10;2;1,801\n", {"decimal": ","}, 1.8), ("10,0;1;1,800\n10;2;1,801", {}, 1.8),
        ("10;0,100;1,800\n10;2;1,801\n", {}, 1.8), ("10;1;1,800\n10;2;1,8010\n", {}, 1.8),
    ):  # fmt: skip
        write(file, "T (K);B (T);R (Ohm)\n" + rows)
        if ohm is None:
            assert "decimals    : three digits behind every comma" in overview(file)
            with pytest.raises(om.ParameterError, match=r"tell decimals.*,[08]00.*decimal=','"):
                om.read(file, geometry=BAR, direction=X, **options)
        else:
            found = om.read(file, geometry=BAR, direction=X, **options)
            np.testing.assert_allclose(found.longitudinal[0], ohm * BAR.longitudinal)
            assert "decimals" not in overview(file, **options)


def test_a_decimal_mark_that_is_given_tells_thousands_apart(tmp_path):
    path = write(tmp_path / "a.csv", GOOD.replace("4000", "4.000,5").replace("4001", "4001,0"))
    data = om.read(path, geometry=BAR, direction=X, decimal=",")
    np.testing.assert_allclose(data.longitudinal, np.array([4000.5, 4001.0]) * BAR.longitudinal)


def test_units_that_are_given_go_before_those_of_the_head():
    data = om.read(
        renamed(B=("T", "H")).assign(H=1e4 * FIELD), geometry=BAR, direction=X, units={"H": "Oe"}
    )
    same(data)


# --- the command -----------------------------------------------------------------------------


def test_the_command_shows_how_a_file_is_understood(capsys, tmp_path):
    shown = {}
    for name in TRUTH:
        assert cli.main(["read", str(FILES / name)]) == 0
        shown[name] = capsys.readouterr().out
    for words in (
        "Magnetic Field            Oe",
        "10 K (122 rows), 30.001 K (122 rows)",
        "4 of the field",
        "Bridge 1 Resistance (Ohms), Bridge 2 Resistance (Ohms)  (to be named)",
        "Sample1 Length: 100 \N{MICRO SIGN}m",
    ):
        assert words in shown["ppms_pt_py.dat"]
    assert "utf-16" in shown["one_film_utf16.txt"]
    path = write(tmp_path / "a.csv", "T (K),B,R (Ohm)\n10,90000,4000\n")
    assert cli.main(["read", str(path), "--units", "B=Oe"]) == 0
    assert "9 T" in capsys.readouterr().out
    for wrong, message in ((["--units", "Oe"], "`--units` must be"), (["--decimal", "x"], "`dec")):
        assert cli.main(["read", str(path), *wrong]) == 2
        out, err = capsys.readouterr()
        assert message in err
        assert out == ""
