"""The verdict holds, can fail for every wrong formula, and the routes do without formulas."""

import ast
import importlib
import json
import subprocess
import sys
import types
from dataclasses import asdict, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest
from mutation import mutants

import openmr as om
from openmr import closed_form
from openmr.apps import cli
from openmr.reports.verify.cases import Case, solve, standard_cases
from openmr.reports.verify.comparison import compare
from openmr.sample.toml import EXAMPLE, read_sample

pytestmark = pytest.mark.slow

SOURCE = Path(closed_form.__file__).read_text()
SURVIVORS: dict[str, str] = {}
"""Changes that no check can notice -> why not."""

verify_module = importlib.import_module("openmr.reports.verify.report")


@cache
def wrong_formulas():
    return mutants(SOURCE)


@pytest.fixture(scope="module")
def solutions():
    film = om.presets.pt_py()
    own = [Case(f"own, {t} K", film, t, 5.0) for t in (10.0, 200.0)]
    return solve([*own, *standard_cases()], progress=False)


@cache
def compiled():
    return compile(SOURCE, "<copy of closed_form>", "exec")


def install(monkeypatch, tree=None):
    """Put the closed forms, one of them changed, in the place of the module."""
    module = types.ModuleType("openmr.rates.closed_form")
    monkeypatch.setitem(sys.modules, "openmr.rates.closed_form", module)
    exec(compiled(), module.__dict__)
    if tree is not None:
        exec(compile(tree, "<variant of closed_form>", "exec"), module.__dict__)
    module.equilibrium = lru_cache(None)(om.equilibrium)


def holds(solutions):
    """Whether every check holds; stops at the first that does not."""
    with np.errstate(all="ignore"):
        return all(check.ok for s in solutions for check in compare([s]))


def test_the_unchanged_module_passes_the_same_way(monkeypatch, solutions):
    install(monkeypatch)
    assert holds(solutions)


def test_there_are_mutants_of_every_formula():
    functions = {m.function for m in wrong_formulas()}
    formulas = {
        node.name
        for node in ast.parse(SOURCE).body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(inner, (ast.BinOp, ast.UnaryOp)) for inner in ast.walk(node))
    }
    assert functions == formulas
    assert len({m.name for m in wrong_formulas()}) > 250


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::FutureWarning")
def test_every_wrong_formula_is_noticed(solutions):
    survivors = set()
    for mutant in wrong_formulas():
        with pytest.MonkeyPatch.context() as patch:
            install(patch, mutant.tree)
            if holds(solutions):
                survivors.add(mutant.name)
    assert survivors == set(SURVIVORS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "function", ["longitudinal", "dephasing", "precession", "flip_weights", "spin_per_charge"]
)
def test_the_command_exits_1_on_a_wrong_formula(monkeypatch, solutions, capsys, function):
    monkeypatch.setattr(verify_module, "solve", lambda cases, progress=None: solutions)
    mutant = next(m for m in wrong_formulas() if m.function == function)
    install(monkeypatch, mutant.tree)
    assert cli.main(["verify"]) == 1
    printed = capsys.readouterr().out
    assert "MISS" in printed
    assert "Missed:" in printed


def test_a_wrong_route_is_noticed(solutions):
    """The other side of the comparison: rates off by one part in 1e11, precession by 1e-7."""
    first = solutions[0]
    found = first.rates["bloch-redfield"]
    wrong = replace(found, dissipator=found.dissipator * (1 + 1e-11))
    assert not holds([replace(first, rates={**first.rates, "bloch-redfield": wrong})])
    found = first.rates["evolution"]
    wrong = replace(found, precession=found.precession * (1 + 1e-7))
    assert not holds([replace(first, rates={**first.rates, "evolution": wrong})])
    wrong = replace(found, dissipator=found.dissipator * (1 + 2e-4), uncertainty=None)
    assert not holds([replace(first, rates={**first.rates, "evolution": wrong})])


def test_nan_is_a_miss(monkeypatch, solutions):
    monkeypatch.setattr(closed_form, "dephasing", lambda *a: np.array([np.nan]))
    assert not holds(solutions[:1])


def test_a_formula_that_raises_is_a_miss_and_not_a_crash(monkeypatch, solutions, capsys):
    def broken(*_):
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(closed_form, "spin_per_charge", broken)
    monkeypatch.setattr(verify_module, "solve", lambda cases, progress=None: solutions)
    assert cli.main(["verify", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    missed = [check for check in report["checks"] if not check["ok"]]
    assert {check["quantity"] for check in missed} == {"dN_par/dN_0"}
    assert "broken on purpose" in missed[0]["because"]


def test_the_command_itself(tmp_path):
    """The whole main job: table, JSON, figures, exit status."""
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "openmr.apps.cli",
            "verify",
            "--json",
            "--plot",
            str(tmp_path / "new"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["ok"] is True
    assert len(report["checks"]) > 800
    assert {c["route"] for c in report["checks"]} >= {"bloch-redfield", "evolution", "operators"}
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["decay.png", "deviations.png"]


def test_the_command_takes_ones_own_film(monkeypatch, tmp_path, capsys):
    """First among the cases; the formulas are set beside the routes for it."""
    monkeypatch.setattr(verify_module, "standard_cases", list)
    config = tmp_path / "film.toml"
    config.write_text(EXAMPLE)
    assert cli.main(["verify", "-c", str(config), "-T", "30", "-B", "-1e-1", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [case["name"] for case in told["cases"]] == [
        "Pd(Co), T = 30 K, B = -0.1 T",
        "Pd(Co), T = 30 K, B = 4 T",
    ]
    assert told["cases"][0]["sample"] == json.loads(json.dumps(asdict(read_sample(config))))


def test_report_reads_as_a_table(monkeypatch, solutions):
    monkeypatch.setattr(verify_module, "solve", lambda cases, progress=None: solutions)
    report = om.verify()
    text = str(report)
    for word in ("tau_par", "tau_perp", "omega_L", "rho_L", "rho_T", "Ohm m", "rad/s", "0 missed"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 160
    assert report.ok
    assert report.missed == ()
    with pytest.deprecated_call(match="`measurements` is now `solutions`"):
        assert report.measurements is report.solutions


def test_routes_run_without_the_closed_forms():
    code = """
import sys
sys.modules["openmr.rates.closed_form"] = None   # importing it raises
import openmr as om
for method in ("bloch-redfield", "evolution", "tcl2"):
    found = om.magnetoresistance(om.presets.pt_py(), 10.0, 5.0, (1, 0, 0), method=method)
    assert found.longitudinal > 0, method
try:
    om.relaxation(om.presets.pt_py(), 10.0, 5.0)
except ImportError:
    print("blind")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "blind", run.stderr


def test_closed_form_line_needs_neither_qutip_nor_matplotlib():
    code = """
import sys
import openmr as om
assert "scipy" not in sys.modules, "half of the time of an import"
om.magnetoresistance(om.presets.pt_py(), 10.0, 5.0, (1, 0, 0))
assert not {"qutip", "matplotlib"} & set(sys.modules), "too much imported"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
