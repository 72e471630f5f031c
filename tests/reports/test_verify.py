"""The verdict holds, can fail for every wrong formula and station, and the routes are blind."""

import ast
import importlib
import inspect
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
from spoil import rewritten

import openmr as om
from openmr import closed_form
from openmr.apps import cli
from openmr.reports.verify import reference
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
    assert len({check["quantity"] for check in missed}) == 1
    assert all("broken on purpose" in check["because"] for check in missed)


# --- every station of the line ----------------------------------------------------------------

THICKNESS_HALVED = (
    ("transport.surviving:surviving_along", "0.25 * film", "0.0625 * film"),
    ("transport.surviving:surviving_across", "0.25 * film", "0.0625 * film"),
    ("transport.surviving:squared_argument", "0.5 * film", "0.25 * film"),
    ("transport.surviving:surviving_fraction", "0.5 * thickness, 0.5", "0.5 * thickness, 0.125"),
)
COUPLING_DOUBLED = (
    ("moments.equilibrium:_apart", "own * beta", "2 * own * beta"),
    ("moments.coupled_sublattices:WeissProblem.pull", "self.beta *", "2 * self.beta *"),
)
WRONG = (
    ("sample.film:Film.spin_flip_rate", "1.0 /", "2.0 /"),
    ("sample.film:Film.diffusion_length", "self.diffusion *", "2 * self.diffusion *"),
    ("sample.film:Film.__init__", "length**2", "length"),
    ("sample.film:Electrons.dos", "0.5", "1.0"),
    ("sample.film:Electrons.diffusion", "2.0", "1.0"),
    ("sample.magnet:_coupling_of_order", "3.0", "2.0"),
    ("sample.magnet:_neel_coupling", "[[0.0, -coupling]", "[[0.0, coupling]"),
    ("sample.magnet:Moments.exchange_energy", "self.density *", "2 * self.density *"),
    ("sample.magnet:Moments.__init__", "/ density", "/ (2 * density)"),
    ("sample.ordering:_ordering_modes", "/ 3.0", "/ 2.0"),
    ("units:free_electron_dos", "2.0 * pi**2", "3.0 * pi**2"),
    ("moments.one_sublattice:weiss_field", "coupling, x,", "1.01 * coupling, x,"),
    ("moments.coupled_sublattices:lowest", "new < old - margin", "new > old + margin"),
    ("moments.coupled_sublattices:_descend", "- mean_field -", "- 1.01 * mean_field -"),
    ("moments.spin_averages:means", "forth += 1.0", "forth += 1.01"),
    ("moments.spin_averages:variance", "** 2", "** 3"),
    ("moments.equilibrium:_apart", "moments.g)", "0.5 * moments.g)"),
    ("moments.equilibrium:_together", "units.MU_B * g", "2 * units.MU_B * g"),
    ("bath.correlators:electron_hole_spectrum", "x / decay", "2 * x / decay"),
    ("rates.record:Relaxation.longitudinal", "self.spin_flip_rate", "2 * self.spin_flip_rate"),
    ("rates.record:Relaxation.transverse", "0.5", "0.6"),
    ("rates.record:Relaxation.exchange_field", "- units.HBAR", "+ units.HBAR"),
    ("rates.record:Relaxation.rotated", "rotation(0.0, azimuth)", "rotation(0.0, -azimuth)"),
    ("rates.record:rotation", "[sp, cp, zero]", "[-sp, cp, zero]"),
    ("rates.axes:local_axes", "-cosine * aside", "cosine * aside"),
    ("rates.axes:turned", "np.swapaxes(axes, -1, -2) @ local @ axes", "local"),
    ("transport.surviving:longitudinal_length", "tau_longitudinal", "tau_transverse"),
    ("transport.surviving:transverse_length", "film.diffusion *", "2 * film.diffusion *"),
    (
        "transport.surviving:transverse_decay",
        "relaxation.precession / ",
        "-relaxation.precession / ",
    ),
    ("transport.surviving:_tanh_ratio", "ratio /= u", "ratio /= 1.01 * u"),
    ("transport.surviving:_tanh_ratio_pair", "even * p + odd * v", "even * p - odd * v"),
    ("transport.matrix_tanh:tanh_over_root", "4.0 * q", "3.9 * q"),
    ("transport.matrix_tanh:profiles", "2.0 * r @", "1.9 * r @"),
    ("transport.diffusion:profile", "-1.0, 0.0]", "1.0, 0.0]"),
    ("transport.diffusion:_mode_profiles", "2 - gap", "1 - gap"),
    ("transport.surviving:_tanh_ratio_series", "2 / 5", "2 / 4"),
    ("transport.diffusion:graded_profile", "4.0 * squared", "3.0 * squared"),
    ("transport.collocation:solve_on", "np.sqrt(48.0)", "np.sqrt(40.0)"),
    (
        "sample.magnet:symmetrising_weights",
        "weiss[i, j] / weiss[j, i]",
        "weiss[j, i] / weiss[i, j]",
    ),
    ("transport.resistivity:_axial", "polarisation(my,", "polarisation(mx,"),
    ("transport.resistivity:relative_resistivity", "surviving[..., 0, 1])", "0 * square)"),
    ("transport.resistivity:conductivity", "2 - xx", "1"),
    ("transport.resistivity:_invariants", "0.5 * (surviving[..., 0, 1]", "(surviving[..., 0, 1]"),
    ("transport.resistivity:mechanisms", "full - anisotropic", "full - magnon"),
    ("transport.line:magnetoresistance", "direction, order,", 'direction, "exact",'),
)
WRONG_ROUTES = (
    ("bath.correlators:populations", "x * m", "1.01 * x * m"),
    ("rates.routes.joint_space:moment_spaces", "2 * np.pi", "3 * np.pi"),
    ("rates.routes.joint_space:first_order_tensor", "0.5 * zeeman", "zeeman"),
    ("rates.routes.bloch_redfield:_at_point", "space.noise", "2 * space.noise"),
    ("rates.routes.evolution:_antisymmetric", "0.5 *", "0.51 *"),
    ("rates.routes.kinetic:_sea", "2 * np.pi", "3 * np.pi"),
    ("master.redfield:redfield_dissipator", "return back @", "return 2 * back @"),
    ("reports.verify.reference:boltzmann", "(spin + m + 1)", "(spin + m)"),
    ("reports.verify.reference:in_film", "- precession", "+ precession"),
)


def make_wrong(patch, place, old, new):
    """Put another code into the function, which every importer of it then runs."""
    module, _, path = place.partition(":")
    owner = importlib.import_module(f"openmr.{module}")
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    function = vars(owner)[name]
    function = inspect.unwrap(getattr(function, "fget", function))
    patch.setattr(function, "__code__", rewritten(function, old, new))


@pytest.fixture(scope="module")
def few(solutions):
    names = "Jx, Jy, Jz all different", "ferrimagnet, anisotropic", "perfect lattice", "own, 10.0 K"
    return [s for s in solutions if s.case.name in names]


def survivors(variants, solved):
    kept = []
    for change in variants:
        with pytest.MonkeyPatch.context() as patch:
            make_wrong(patch, *change)
            if holds(solved()):
                kept.append(change)
    return kept


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_wrong_variant_of_any_station_is_noticed(few):
    assert survivors(WRONG, lambda: few) == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_wrong_route_or_reference_is_noticed(few):
    assert survivors(WRONG_ROUTES, lambda: solve([few[-1].case], progress=False)) == []


@pytest.mark.parametrize("changes", [THICKNESS_HALVED, COUPLING_DOUBLED])
def test_the_command_exits_1_with_the_thickness_halved_or_j0_doubled(
    monkeypatch, capsys, few, changes
):
    for change in changes:
        make_wrong(monkeypatch, *change)
    monkeypatch.setattr(verify_module, "solve", lambda cases, progress=None: few)
    assert cli.main(["verify", "--json"]) == 1
    stations = json.loads(capsys.readouterr().out)["stations"]
    missed = {each["station"] for each in stations if each["missed"]}
    assert missed >= {"transport" if changes is THICKNESS_HALVED else "moments"}
    assert not missed & {"sample", "bath"}


def test_the_reference_knows_no_station():
    source = Path(reference.__file__).read_text()
    imported = {
        node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)
    }
    ours = {name for name in imported if name.startswith("openmr")}
    assert ours == {"openmr", "openmr._checks", "openmr.sample.film", "openmr.sample.magnet"}


def test_every_station_is_compared_and_zeros_do_not_count(solutions):
    report = verify_module.Report(checks=tuple(compare(solutions)), solutions=tuple(solutions))
    assert report.ok
    stations = {each["station"]: each for each in report.stations}
    assert list(stations) == ["sample", "moments", "bath", "rates", "transport"]
    assert {"free energy", "Boltzmann sum"} <= set(stations["moments"]["routes"])
    assert "boundary-value problem" in stations["transport"]["routes"]
    for check in report.checks:
        largest = max(abs(check.closed_form), abs(check.numerical))
        assert (check.kind != "number") or largest > 0, check
    total = sum(each[kind] for each in stations.values() for kind in ("numbers", "laws", "zeros"))
    assert total == len(report.checks)


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
    assert sum(c["kind"] == "number" for c in report["checks"]) > 1000
    assert {c["route"] for c in report["checks"]} >= {"bloch-redfield", "evolution", "free energy"}
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
    fixed = {case.name for case in verify_module.standard_cases()}
    own = [s.case.sample.name for s in solutions if s.case.name not in fixed]
    (said,) = (line for line in text.splitlines() if line.startswith("First "))
    assert f"then a fixed set of {len(fixed)} cases" in said
    assert all(f"{name} ({own.count(name)} of T and B)" in said for name in own)
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
