"""The three reports come from one record, one table writer and one JSON writer."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import openmr as om
from openmr import tables
from openmr.apps import cli
from openmr.reports.ledger.entries import Entry, decide
from openmr.reports.verify import report as verify_report
from openmr.reports.verify.check import Check
from openmr.tables import Comparison, document, json_text, table

OFF = {"tolerance": 1e-12, "because": "rounding", "route": "operators"}
CHECK = Check(
    station="rates",
    kind="number",
    case="a case",
    quantity="tau_par",
    equation="(70)",
    unit="s",
    closed_form=float("inf"),
    numerical=float("nan"),
    deviation=float("nan"),
    **OFF,
)


def no_formula(*_):
    raise ZeroDivisionError


def reports():
    """One of each kind, with numbers that JSON cannot hold."""
    named = {"equation": "0", "section": "a section", "statement": "a claim", "latex": ""}
    entry = Entry(**named, residual=lambda form, _: form(), **OFF)
    contradicted = om.ledger.__globals__["Ledger"]((decide(entry, None, no_formula, None),))
    field = np.array([0.0, 5.0])
    validity = om.validity(om.presets.pt_py(), np.array([[10.0], [200.0]]), field, costs=False)
    return {
        "verify": verify_report.Report(checks=(CHECK,), solutions=()),
        "validity": validity,
        "ledger": contradicted,
    }


@pytest.mark.parametrize("kind", ["verify", "validity", "ledger"])
def test_every_json_says_what_it_is_and_is_strict(kind, monkeypatch):
    monkeypatch.setattr(tables, "__version__", "that of one writer")
    plain = reports()[kind].to_dict()
    assert list(plain)[:2] == ["schema", "version"]
    number = 2 if kind == "verify" else 1
    assert (plain["schema"], plain["version"]) == (f"openmr/{kind}/{number}", "that of one writer")
    assert json.loads(json_text(plain)) == plain
    json.dumps(plain, allow_nan=False)


def test_what_json_cannot_hold_is_null():
    found = reports()
    (check,) = found["verify"].to_dict()["checks"]
    assert (check["closed_form"], check["numerical"], check["deviation"]) == (None, None, None)
    assert check["ok"] is False
    (entry,) = found["ledger"].to_dict()["entries"]
    assert (entry["verdict"], entry["residual"]) == ("contradicted", None)
    assert np.shape(found["validity"].to_dict()["assumptions"][0]["size"]) == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        (["verify"], "openmr/verify/2"),
        (["validity", "-T", "200"], "openmr/reports/1"),
        (["ledger", "--only", "70"], "openmr/ledger/1"),
    ],
)
def test_the_command_line_prints_the_same(arguments, schema, monkeypatch, capsys):
    monkeypatch.setattr(verify_report, "solve", lambda cases, progress=None: [])
    assert cli.main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["version"]) == (schema, om.__version__)
    assert told["ok"] is True
    for report in told.get("reports", []):
        assert (report["schema"], report["version"]) == ("openmr/validity/1", om.__version__)


def test_one_missed_report_is_a_missed_whole(capsys):
    given = ["validity", "-T", "200", "10", "--exchange-energy", "-1e-3meV", "--json"]
    assert cli.main(given) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], [report["ok"] for report in told["reports"]]) == (False, [True, False])


@pytest.mark.slow
@pytest.mark.parametrize("command", ["ledger --only 70-75", "validity -T 200"])
def test_a_reader_may_leave(command):
    """Nothing on stderr, and the exit status of a program that the closed pipe ends."""
    code = "import sys; from openmr.apps.cli import main; sys.exit(main(sys.argv[1:]))"
    run = [sys.executable, "-c", code, *command.split()]
    reader, writer = os.pipe()
    os.close(reader)
    found = subprocess.run(run, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (found.returncode, found.stderr) == (141, "")


def test_nothing_else_writes_json():
    root = Path(om.__file__).parent
    files = [root / "apps/cli.py", *(root / "reports").rglob("*.py")]
    assert len(files) > 30
    for file in files:
        assert not re.search(r"\bjson\.|import json", file.read_text()), file


def test_the_reports_share_one_record():
    found = reports()
    rows = [found["verify"].checks[0], found["ledger"].findings[0].form]
    hot = om.validity(om.presets.pt_py(), 200.0, 5.0)
    rows += [c for c in map(hot.comparison, hot.assumptions) if c is not None]
    assert all(isinstance(row, Comparison) for row in rows)
    assert [row.ok for row in rows[:2]] == [False, False]


@pytest.mark.parametrize(
    ("deviation", "ok"),
    [(0.0, True), (1e-12, True), (1.1e-12, False), (np.inf, False), (np.nan, False)],
)
def test_a_comparison_holds_within_its_tolerance(deviation, ok):
    found = Comparison(deviation=deviation, **OFF)
    assert found.ok is ok
    assert found.text == f"{deviation:.1e} (1e-12){'' if ok else ' MISS'}"


def test_columns_are_as_wide_as_their_longest_text():
    rows = [("name", "value"), "a text in the place of a row", ("x", "1.25"), ("longer", "")]
    assert table("<>", rows, indent=" ").split("\n") == [
        " name    value",
        "a text in the place of a row",
        " x        1.25",
        " longer",
    ]
    assert table("<>", ["only a text"]) == "only a text"
    with pytest.raises(ValueError, match="zip"):
        table("<", rows)


def test_a_document_is_plain():
    @dataclass
    class Record:
        pair: tuple[np.float64, np.bool_]

    body = {"of": Record((np.float64(2.0), np.bool_(True))), "grid": np.array([[1.0, np.inf]])}
    plain = document("openmr/test/1", body)
    assert plain["of"] == {"pair": [2.0, True]}
    assert plain["grid"] == [[1.0, None]]
    assert type(plain["of"]["pair"][1]) is bool
