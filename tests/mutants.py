"""Makes deliberately wrong variants of every physics module and tells which are noticed.

    python tests/mutants.py --seed 1 --number 40 --minutes 3 --module transport

A variant is drawn by its own name, so that a draw changes only by what was changed in the package.
Each variant runs in a process of its own, forked before openmr was imported: first the quick
tests named after its file; then the entries of the ledger that name it, and `om.verify` if it goes
there; the quick tests of all other files that reach the wrong function, those of its own station
first; and the slow tests of its own station. Exit status 1 if a variant goes unnoticed that
`survivors.py` does not explain, or if one that is explained there is noticed; what is not decided
in the time is no failure.
"""

import argparse
import ast
import contextlib
import cProfile
import hashlib
import importlib
import itertools
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
import pytest
from mutation import Variant, variants
from survivors import SURVIVORS

ROOT = Path(__file__).parents[1]
STATIONS = ("sample", "moments", "bath", "master", "models", "rates", "transport", "data")
OTHERS = ("units.py", "reports/validity.py")
APART = {"__init__.py", "toml.py", "measured.py", "methods.py", "state.py", "saved.py"}
"""Files of the stations that compute nothing."""
COMMUTING = {"matrix_tanh.py"}
"""Files in which all matrices are functions of one: the order of a product says nothing."""
TESTED = (*STATIONS, "reports")
"""Folders of tests that may notice wrong physics."""
LIBRARIES = (
    *("qutip", "scipy.integrate", "scipy.optimize", "scipy.interpolate", "scipy.sparse.linalg"),
    *("scipy.special", "scipy.stats", "matplotlib.pyplot", "xarray", "lmfit", "uncertainties"),
    *(
        "hypothesis",
        "_hypothesis_pytestplugin",
        "mpmath",
        "threadpoolctl",
        "tqdm",
        "h5netcdf",
        "mpi4py",
    ),
)
"""Imported once, for all processes."""
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"),
    *("-o", "addopts=--import-mode=importlib", "--hypothesis-seed=0"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is loaded already
)
SPARE = 20
"""Seconds of processor time beside three times what the right module needs: then it is endless."""
SLOW = 300
"""Seconds after which three times as much is endless, for what has no time of its own."""
MEMORY = 8 * 2**30


class Wrong(NamedTuple):
    """A variant with its name: module, function, change, and its number if there are several."""

    path: Path
    variant: Variant
    change: str
    code: Any

    @property
    def module(self) -> str:
        return self.path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")

    @property
    def name(self) -> str:
        return f"{self.module}.{self.variant.function}: {self.change}".removeprefix("openmr.")


def physics() -> list[Path]:
    """Files of all modules that compute a number of physics."""
    house = ROOT / "openmr"
    found = [path for station in STATIONS for path in (house / station).rglob("*.py")]
    found += [house / name for name in OTHERS]
    return sorted(path for path in found if path.name not in APART)


def _program(code: CodeType) -> tuple[Any, ...]:
    """What a code does, apart from where it stands."""
    inner = (_program(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, *inner)


def rank(seed: int, name: str) -> float:
    """A number between 0 and 1 that nothing but the seed and the name decides."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def drawn(path: Path, seed: int, share: float = 1.0) -> Iterator[Wrong]:
    """Wrong variants of a file by rank, up to a share; the same program is none."""
    tree, found = of_file(path)
    right = _program(compile(tree, str(path), "exec"))
    named = []
    for function in {variant.function for variant in found}:
        same = [variant for variant in found if variant.function == function]
        each = zip(same, changes(same), strict=True)
        named += [Wrong(path, variant, change, None) for variant, change in each]
    ranks = {wrong.name: rank(seed, wrong.name) for wrong in named}
    for wrong in sorted(named, key=lambda wrong: ranks[wrong.name]):
        if ranks[wrong.name] > share:
            return
        code = compile(wrong.variant.tree(tree), str(path), "exec")
        product = isinstance(getattr(wrong.variant.right, "op", None), ast.MatMult)
        is_order = product and wrong.variant.kind == "swapped"
        if _program(code) != right and not (is_order and path.name in COMMUTING):
            yield wrong._replace(code=code)


@cache
def of_file(path: Path) -> tuple[ast.Module, list[Variant]]:
    return variants(path.read_text(), constants=path.name == "units.py")


def changes(same: list[Variant]) -> Iterator[str]:
    """Changes of a function; the second that reads like another one is numbered."""
    seen: Counter[str] = Counter()
    for one in same:
        seen[one.change] += 1
        yield one.change + (f" ({seen[one.change]})" if seen[one.change] > 1 else "")


def sample(paths: list[Path], seed: int, number: int) -> list[Wrong]:
    """So many wrong variants, one of each module in turn."""
    order = sorted(paths, key=lambda path: rank(seed, path.relative_to(ROOT).as_posix()))
    rounds = itertools.zip_longest(*(drawn(path, seed) for path in order))
    return list(itertools.islice((wrong for one in rounds for wrong in one if wrong), number))


class Reached(NamedTuple):
    """A file of tests, or `verify`: processor seconds, and the functions of openmr it calls."""

    seconds: float
    functions: frozenset[tuple[str, str]]


class _Watch:
    """A plugin: the first test that fails."""

    failed = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def _limit(seconds: float) -> None:
    end = int(time.process_time() + 3 * seconds + SPARE)
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))


def _failure(file: str, marks: str = "not slow") -> str:
    """The first test of a file that fails, or nothing."""
    watch = _Watch()
    status = pytest.main([*OPTIONS, "-m", f"{marks} and not prose", file], plugins=[watch])
    passed = status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return "" if passed else watch.failed or f"pytest: {status!r}"


def _ledger(name: str) -> str:
    """The first entry naming a function that is contradicted or cannot be decided, or nothing."""
    try:
        from openmr.reports.ledger import all_entries
        from openmr.reports.ledger.entries import CONTRADICTED, examine

        for entry in all_entries():
            if name in entry.code:
                finding = examine(entry)
                if finding.error or finding.verdict == CONTRADICTED:
                    return f"ledger ({entry.equation})"
    except Exception as error:
        return f"ledger: {type(error).__name__}"
    return ""


def _verify() -> str:
    import openmr as om

    try:
        missed = om.verify(progress=False).missed
    except Exception as error:
        return f"verify: {type(error).__name__}"
    return f"verify: {missed[0].quantity}" if missed else ""


def _traced(run: Callable[[], str]) -> dict[str, Any]:
    """Run, with processor seconds and the functions of openmr that were called."""
    profile = cProfile.Profile(builtins=False, subcalls=False)
    start = time.process_time()
    failed = profile.runcall(run)
    house = str(ROOT / "openmr")
    functions = {
        (code.co_filename, code.co_qualname.partition(".<locals>")[0])
        for code in (entry.code for entry in profile.getstats())
        if isinstance(code, CodeType) and code.co_filename.startswith(house)
    }
    seconds = time.process_time() - start
    return {"failed": failed, "seconds": seconds, "functions": sorted(functions)}


def _checks(wrong: Wrong, reached: dict[str, Reached]) -> Iterator[tuple[float, Callable[[], str]]]:
    """Everything that may notice a wrong module, the likeliest first, with its seconds.

    Without a baseline every file of tests may, those of its own station first.
    """
    function, station = wrong.variant.function, wrong.module.split(".")[1]
    called = (str(wrong.path), "<module>" if function == "module" else function)
    there = {name: r.seconds for name, r in reached.items() if called in r.functions}
    if not reached:
        there = dict.fromkeys((*_quick_tests(), "verify"), float(SLOW))

    def distance(name: str) -> tuple[Any, ...]:
        far = wrong.path.stem not in name, f"tests/{station}/" not in name
        return *far, there.get(name, 0.0), name

    names = sorted(there.keys() - {"verify"}, key=distance)
    own = [name for name in names if wrong.path.stem in name]
    for name in own:
        yield there[name], partial(_failure, name)
    yield SLOW, partial(_ledger, f"{wrong.module}.{function.partition('.')[0]}")
    if "verify" in there:
        yield there["verify"], _verify
    for name in names[len(own) :]:
        yield there[name], partial(_failure, name)
    slow = (ROOT / "tests" / station).glob("test_*.py")
    for name in sorted((path.relative_to(ROOT).as_posix() for path in slow), key=distance):
        yield SLOW, partial(_failure, name, "slow")


def _judge(wrong: Wrong, reached: dict[str, Reached]) -> dict[str, Any]:
    """Put a wrong module in the place of the right one; what notices it first."""
    get_code = SourceFileLoader.get_code

    def wrong_code(self: SourceFileLoader, name: str) -> CodeType:
        return wrong.code if self.path == str(wrong.path) else get_code(self, name)

    SourceFileLoader.get_code = wrong_code
    for seconds, check in _checks(wrong, reached):
        _limit(seconds)
        if noticed := check():
            return {"noticed": noticed}
    return {"noticed": ""}


def in_processes(
    jobs: list[Callable[[], dict[str, Any]]], workers: int, end: float
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run each job in a process of its own; yields its number and result as they end."""
    running: dict[int, tuple[int, Any]] = {}
    waiting = iter(enumerate(jobs))
    while True:
        while len(running) < workers and time.time() < end:
            number, job = next(waiting, (None, None))
            if job is None:
                break
            told = tempfile.TemporaryFile("w+")  # noqa: SIM115
            pid = os.fork()
            if pid == 0:
                _work(job, told, end)
            running[pid] = number, told
        if not running:
            return
        pid, status = os.wait()
        number, told = running.pop(pid)
        with told:
            told.seek(0)
            text = told.read()
        if os.WIFSIGNALED(status):
            late = os.WTERMSIG(status) == signal.SIGALRM
            yield number, {"late": True} if late else {"noticed": "ended by the system: endless"}
        elif text:
            yield number, json.loads(text)
        else:
            yield number, {"noticed": "the process ended"}


def _work(job: Callable[[], dict[str, Any]], told: Any, end: float) -> None:
    """What a process does: silently, within limits, leaving nothing behind."""
    status = 1
    try:
        if np.isfinite(end):
            signal.alarm(max(1, int(end - time.time())))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        try:
            result = job()
        except Exception as error:  # of this tool
            result = {"broken": repr(error)}
        json.dump(result, told)
        told.flush()
        status = 0
    finally:
        os._exit(status)


def _quick_tests() -> list[str]:
    tests = [path for folder in TESTED for path in (ROOT / "tests" / folder).glob("test_*.py")]
    others = "prose/test_conventions.py", "test_bad_input.py", "test_labels.py"
    tests += [ROOT / "tests" / other for other in others]
    return sorted(path.relative_to(ROOT).as_posix() for path in tests)


def baseline(workers: int) -> dict[str, Reached]:
    """Run the right package: time and reach of every file of tests, and of verify."""
    files = [*_quick_tests(), "verify"]
    jobs = [
        lambda name=name: _traced(_verify if name == "verify" else lambda: _failure(name))
        for name in files
    ]
    found = {}
    for number, told in in_processes(jobs, workers, end=float("inf")):
        if told.get("failed", "ended"):
            raise SystemExit(f"the right package fails: {files[number]}: {told}")
        functions = frozenset(map(tuple, told["functions"]))
        found[files[number]] = Reached(told["seconds"], functions)
    return found


def report(wrongs: list[Wrong], results: dict[int, dict[str, Any]]) -> int:
    """Print the table; the exit status."""
    broken = {k: results[k]["broken"] for k in results if "broken" in results[k]}
    undecided = {k for k in results if "late" in results[k]} | broken.keys()
    survivors = [k for k in results if not results[k].get("noticed") and k not in undecided]
    open_ = [k for k in survivors if wrongs[k].name not in SURVIVORS]
    stale = [k for k in results if results[k].get("noticed") and wrongs[k].name in SURVIVORS]
    late = len(wrongs) - len(results) + len(undecided)
    print("\nby station: noticed, explained, unexplained")
    for station in sorted({wrong.module.split(".")[1] for wrong in wrongs}):
        mine = [k for k in results if wrongs[k].module.split(".")[1] == station]
        noticed = sum(bool(results[k].get("noticed")) for k in mine)
        left = sum(k in open_ for k in mine)
        explained = sum(k in survivors for k in mine) - left
        print(f"  {station:<10} {noticed:>4} {explained:>4} {left:>4}")
    for k in sorted(survivors):
        why = SURVIVORS.get(wrongs[k].name, "UNEXPLAINED")
        line = wrongs[k].variant.right.lineno
        print(f"\n{wrongs[k].path.relative_to(ROOT)}:{line} {wrongs[k].name}\n    {why}")
    for k in stale:
        print(f"\nexplained in survivors.py and yet noticed: {wrongs[k].name}")
    for k, error in broken.items():
        print(f"\nthis tool failed: {error}: {wrongs[k].name}")
    noticed = len(results) - len(survivors) - len(undecided)
    print(
        f"\n{len(wrongs)} wrong variants: {noticed} noticed, {len(survivors) - len(open_)} "
        f"explained, {len(open_)} unexplained, {late} not decided in the time"
    )
    return 1 if open_ or stale or broken else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=240)
    parser.add_argument(
        "--share", type=float, help="of all variants of each file, whatever their number"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end by then")
    parser.add_argument(
        "--few",
        action="store_true",
        help="run neither the right package first nor what is explained: quicker for a few",
    )
    parser.add_argument(
        "--module", nargs="+", default=[""], help="only files whose path holds one of these"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    start = time.time()
    end = start + 60 * given.minutes
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # or it looks for plugins for each file
    sys.path.insert(0, str(ROOT))
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    asked = [path for path in physics() if any(part in path.as_posix() for part in given.module)]
    if given.share:
        wrongs = [wrong for path in asked for wrong in drawn(path, given.seed, given.share)]
        wrongs.sort(key=lambda wrong: rank(given.seed, wrong.name))
    else:
        wrongs = sample(asked, given.seed, given.number)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        sys.pycache_prefix, sys.dont_write_bytecode = folder, False
        reached = {} if given.few else baseline(given.workers)
        print(f"the right package, {len(reached)} files: {time.time() - start:.0f} s", flush=True)
        believed = SURVIVORS if given.few else {}
        jobs = [
            (lambda: {"noticed": ""}) if w.name in believed else partial(_judge, w, reached)
            for w in wrongs
        ]
        for number, told in in_processes(jobs, given.workers, end):
            results[number] = told
            wrong = wrongs[number]
            said = told.get("noticed", *told) or "SURVIVES"
            print(f"{wrong.variant.kind:<10} {wrong.name[:110]:<110} {said}", flush=True)
    print(f"{time.time() - start:.0f} s")
    return report(wrongs, results)


if __name__ == "__main__":
    sys.exit(main())
