"""The verdict holds, can fail for every wrong formula and station, and the routes are blind."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from spoil import functions, replaced, rewritten, variants
from survivors import FORMULA_SURVIVORS

import openmr as om
from openmr import closed_form
from openmr.apps import cli
from openmr.reports.verify import reference
from openmr.reports.verify.case import Case
from openmr.reports.verify.cases import solve, standard_cases
from openmr.reports.verify.comparison import compare
from openmr.reports.verify.stacks import standard_stacks
from openmr.sample.toml import EXAMPLE, read_sample

pytestmark = pytest.mark.slow

verify_module = importlib.import_module("openmr.reports.verify.report")
FEW = (
    *("Jx, Jy, Jz all different", "own, 10.0 K", "ferrimagnet, anisotropic", "perfect lattice"),
    *("unequal densities of states", "above T_C in a field"),
    *("zero field above T_C", "frozen moments"),
)
"""Cases that together see every number of a formula."""


@cache
def all_cases():
    film = om.presets.pt_py()
    own = [Case(f"own, {t} K", film, t, 5.0) for t in (10.0, 200.0)]
    return {case.name: case for case in [*own, *standard_cases()]}


@cache
def solution(name):
    return solve([all_cases()[name]], progress=False)[0]


@pytest.fixture(scope="module")
def solutions():
    return [solution(name) for name in all_cases()]


@pytest.fixture(scope="module")
def few():
    return [solution(name) for name in FEW]


def holds(solutions, stations=None):
    """Whether every check holds; stops at the first that does not."""
    with np.errstate(all="ignore"):
        return all(check.ok for check in compare(solutions, stations))


# --- formulas ---------------------------------------------------------------------------------

FORMULAS = {
    "rates.closed_form": ("rates", "moments"),
    "rates.axes": ("transport", "rates"),
    "rates.record": ("transport", "rates"),
    "transport.surviving": ("transport",),
    "transport.matrix_tanh": ("transport",),
    "transport.diffusion": ("transport",),
    "transport.resistivity": ("transport",),
}
"""Modules of formulas -> stations whose checks must notice each of their numbers."""
NO_FORMULAS = {
    "rates.record": {
        "shown",
        "on_grid",
        "times_of",
        "zero_tensor",
        "over_sublattices",
        "spread_over",
    },
    "transport.surviving": {"_refuse_growth"},
    "transport.matrix_tanh": {"_doublings"},
    "rates.axes": {"with_rates"},
    "transport.diffusion": {"_depths", "_refuse_many_depths"},
    "transport.resistivity": {"_is_axial", "scan_directions"},
}
"""Functions that print, lay out, refuse, or choose between two ways to the same number."""
OF_STACKS = {
    "face_functions",
    "_through_stack",
    "of_stack",
    "_invariants",
    "relaxation",
    "sheet_longitudinal",
    "sheet_transverse",
}
"""Functions that no film needs: tests of the network and of stacks notice each of their numbers."""
OF_LEVELS = {
    *("_summed", "principal_rates", "electron_splitting", "axes_about"),
    *("_of_split_electrons", "_none_across"),
}
"""Functions of moments with levels of their own; tests/rates/test_own_levels.py tries each."""
NEARLY_ISOTROPIC = {
    *("excess_at", "surviving_anisotropy", "surviving_apart", "_rate_anisotropy", "_taken"),
    *("lost_by", "_lost_by_series", "_series_and_change", "_lost_by_exponentials"),
    *("_tanh_ratio_series", "_oblique", "beside", "parted", "rates_apart", "tensors_apart"),
    *("_smaller_first", "_only_precess_about_z", "_odd_across_z", "turned", "argument_beside"),
}
"""Functions that keep the digits of small differences; tests/test_accuracy.py tries each number."""
ROUTES_OWN = {"spin_polarised_loss"}
"""Functions on the other side of the comparison."""


def formulas(module):
    """Functions, methods and properties of a module in which a number may be wrong."""
    found = importlib.import_module(f"openmr.{module}")
    names = vars(found).keys() - NO_FORMULAS.get(module, set()) - ROUTES_OWN
    named = sorted(
        n for n in names if inspect.isfunction(f := getattr(found, n)) or inspect.isclass(f)
    )
    inside = [f for name in named for f in functions(f"{found.__name__}.{name}")]
    others = OF_STACKS | OF_LEVELS | NEARLY_ISOTROPIC
    return [f for f in inside if f.__module__ == found.__name__ and f.__name__ not in others]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("module", FORMULAS)
def test_every_wrong_formula_is_noticed(few, module):
    survivors, tried = set(), 0
    for function in formulas(module):
        for change, code in variants(function):
            tried += 1
            with replaced(function, code):
                if holds(few, FORMULAS[module]):
                    survivors.add(f"{function.__name__}: {change}")
    assert tried
    assert survivors == FORMULA_SURVIVORS.get(module, {}).keys()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "function", ["longitudinal", "dephasing", "precession", "flip_weights", "spin_per_charge"]
)
def test_the_command_exits_1_on_a_wrong_formula(monkeypatch, few, capsys, function):
    monkeypatch.setattr(verify_module, "solve", lambda cases, progress=None: few)
    formula = getattr(closed_form, function)
    with replaced(formula, next(variants(formula))[1]):
        assert cli.main(["verify"]) == 1
    printed = capsys.readouterr().out
    assert "MISS" in printed
    assert "Missed:" in printed


def test_a_wrong_route_is_noticed(few):
    """The other side of the comparison: rates off by one part in 1e11, precession by 1e-7."""
    first = few[1]
    found = first.rates["bloch-redfield"]
    wrong = replace(found, dissipator=found.dissipator * (1 + 1e-11))
    assert not holds([replace(first, rates={**first.rates, "bloch-redfield": wrong})])
    found = first.rates["evolution"]
    wrong = replace(found, precession=found.precession * (1 + 1e-7))
    assert not holds([replace(first, rates={**first.rates, "evolution": wrong})])
    wrong = replace(found, dissipator=found.dissipator * (1 + 2e-4), uncertainty=None)
    assert not holds([replace(first, rates={**first.rates, "evolution": wrong})])


def test_nan_is_a_miss(monkeypatch, few):
    monkeypatch.setattr(closed_form, "dephasing", lambda *a: np.array([np.nan]))
    assert not holds(few[:1])


def test_a_formula_that_raises_is_a_miss_and_not_a_crash(monkeypatch, few, capsys):
    def broken(*_):
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(closed_form, "spin_per_charge", broken)
    monkeypatch.setattr(verify_module, "solve", lambda cases, progress=None: few)
    assert cli.main(["verify", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    missed = [check for check in report["checks"] if not check["ok"]]
    assert len({check["quantity"] for check in missed}) == 1
    assert all("broken on purpose" in check["because"] for check in missed)


# --- every station of the line ----------------------------------------------------------------

STATIONS = ("sample", "moments", "bath", "rates", "transport")

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
    ("moments.one_sublattice:weiss_field", "depth, coupling,", "depth, 1.01 * coupling,"),
    ("moments.coupled_sublattices:_lowest", "new < old - margin", "new > old + margin"),
    ("moments.coupled_sublattices:_trial", "problem.pull(mean)", "1.01 * problem.pull(mean)"),
    ("moments.spin_averages:means", "mean + across", "1.01 * mean + across"),
    ("moments.spin_averages:variance", "** 2", "** 3"),
    ("moments.equilibrium:_apart", "moments.single_g)", "0.5 * moments.single_g)"),
    ("moments.equilibrium:_together", "units.MU_B * g", "2 * units.MU_B * g"),
    ("bath.correlators:electron_hole_spectrum", "x / decay", "2 * x / decay"),
    ("transport.collocation:solve_on", "np.sqrt(48.0)", "np.sqrt(40.0)"),
    (
        "sample.magnet:symmetrising_weights",
        "weiss[i, j] / weiss[j, i]",
        "weiss[j, i] / weiss[i, j]",
    ),
    ("transport.line:magnetoresistance", "direction, order,", 'direction, "exact",'),
)
WRONG_ROUTES = (
    ("bath.correlators:populations", "x * m", "1.01 * x * m"),
    ("rates.routes.joint_space:moment_spaces", "2 * np.pi", "3 * np.pi"),
    ("rates.routes.joint_space:first_order_tensor", "0.5 * zeeman", "zeeman"),
    ("rates.routes.bloch_redfield:_at_point", "s.noise", "2 * s.noise"),
    ("rates.routes.evolution:_antisymmetric", "0.5 *", "0.51 *"),
    ("rates.routes.kinetic:_sea", "2 * np.pi", "3 * np.pi"),
    ("master.markov:_redfield", "term.operators,", "2 * term.operators,"),
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


def survivors(changes, solved):
    kept = []
    for change in changes:
        own = change[0].partition(":")[0].partition(".")[0]
        with pytest.MonkeyPatch.context() as patch:
            make_wrong(patch, *change)
            if holds(solved(), sorted(STATIONS, key=lambda station: station != own)):
                kept.append(change)
    return kept


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_wrong_variant_of_any_station_is_noticed(few):
    assert survivors(WRONG, lambda: few) == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_wrong_route_or_reference_is_noticed():
    case = all_cases()["ferrimagnet, anisotropic"]
    assert survivors(WRONG_ROUTES, lambda: solve([case], progress=False)) == []


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


# --- stacks ------------------------------------------------------------------------------------

WRONG_STACKS = {
    "a sheet": (
        ("rates.faces:_conductance_of_speed", "0.5 /", "1.0 /"),
        ("rates.faces:_conductances", "unit = REFERENCE", "unit = 2 * REFERENCE"),
        ("rates.faces:_given", "field < 0", "field > 0"),
        ("sample.stack:Sheet.magnet", "n / REFERENCE", "2 * n / REFERENCE"),
    ),
    "tensor": (
        ("rates.faces:FaceConductances.tensor", "(self.G_i)", "(-self.G_i)"),
        ("rates.faces:FaceConductances.tensor", "self.G_s + self.G_r", "self.G_r"),
    ),
    "through": (
        ("transport.stack_rates:_slab", "film.thickness,", "0.5 * film.thickness,"),
        ("transport.stack_rates:_joint", "if joint is None", "if True"),
        ("transport.stack_rates:_joint", "joint.memory_loss", "0.0"),
        ("transport.stack_rates:_joint", '"above"', '"below"'),
        ("transport.stack_rates:_tensor", "face.tensor", "2 * face.tensor"),
        ("transport.stack_rates:surviving_one", "0.25 *", "0.0625 *"),
        ("transport.stack_rates:surviving_one", "+ 1j * face.G_i", "- 1j * face.G_i"),
        ("transport.stack_rates:surviving_one", "2 * film.resistivity", "film.resistivity"),
        ("transport.faces:surviving_between", "kept = 4 *", "kept = 2 *"),
        ("transport.network:surviving", "0.5 *", "1.0 *"),
        ("transport.network:mean_angle", "**2", "**3"),
        ("transport.network:_slab_link", "0.5 * unit", "unit"),
        ("transport.network:_joint_link", "0.5 / joint", "1.0 / joint"),
        ("transport.network:_joint_link", "0.5 * loss", "loss"),
        ("transport.diffusion:_through_stack", "field *", "2 * field *"),
        ("transport.resistivity:of_stack", "angle**2, parts", "angle, parts"),
        ("transport.stack_mechanisms:_without_exchange", "units.MU_B", "2 * units.MU_B"),
        ("transport.stack_mechanisms:of_stack", "2 * square", "3 * square"),
    ),
    "boundary-value problem": (
        ("transport.collocation:solve_stack", "2 * length / unit", "length / unit"),
        ("transport.collocation:_slab_piece", "2 * slab", "3 * slab"),
        ("reports.verify.stacks:_face", "0.5 * SPREAD", "SPREAD"),
        ("reports.verify.stacks:_face", "across - along", "across"),
        ("reports.verify.stacks:_through", '"below"', '"above"'),
        ("reports.verify.stacks:Through.conductance", "-0.5", "0.5"),
    ),
}


def solved_stacks():
    return solve(standard_stacks(), progress=False)


@pytest.mark.parametrize("where", WRONG_STACKS)
def test_a_wrong_face_or_layer_is_noticed(where):
    here = [solution(case.name) for case in standard_stacks()]
    anew = where == "boundary-value problem"
    assert holds(here)
    assert survivors(WRONG_STACKS[where], solved_stacks if anew else lambda: here) == []


@pytest.mark.parametrize(
    "change", [WRONG_STACKS["a sheet"][0], WRONG_STACKS["tensor"][0], *WRONG_STACKS["through"][:2]]
)
def test_the_command_exits_1_on_a_wrong_stack(monkeypatch, capsys, change):
    make_wrong(monkeypatch, *change)
    monkeypatch.setattr(verify_module, "standard_cases", standard_stacks)
    assert cli.main(["verify", "-T", "30", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    missed = {check["case"] for check in told["checks"] if not check["ok"]}
    assert missed
    assert missed <= {case.name for case in standard_stacks()}


def test_the_command_takes_ones_own_stack(monkeypatch, tmp_path, capsys):
    """And its layers that have moments, each as a film."""
    monkeypatch.setattr(verify_module, "standard_cases", list)
    config = tmp_path / "stack.toml"
    text = (Path(__file__).parents[2] / "docs/howto/my_bilayer.md").read_text(encoding="utf-8")
    plain = text.partition("```toml\n")[2].partition("```")[0]
    config.write_text(plain)
    run = ["verify", "-c", str(config), "-T", "5", "-B", "-9", "--direction", "1", "2", "2"]
    assert cli.main([*run, "--plot", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert all(f"{part} [top]" in printed for part in ("G_s", "G_r", "G_i"))
    assert not (tmp_path / "decay.png").exists()  # no layer has moments that decay
    magnet = "[[layers.moments]]\nspin = 1\ndensity = 1e27\nexchange_energy = 1e-3\n"
    config.write_text(plain.replace("[top]", f"{magnet}[top]"))
    assert cli.main([*run, "--json"]) == 0
    names = [case["name"] for case in json.loads(capsys.readouterr().out)["cases"]]
    assert names == [f"Pt on EuS{part}, T = 5 K, B = -9 T" for part in ("", ", layer 0")]


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
    assert tuple(stations) == STATIONS
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
