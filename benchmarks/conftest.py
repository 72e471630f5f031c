"""One JSON file for all: times by pytest-benchmark, ratios and versions beside them."""

import json
from functools import cache
from importlib.metadata import version

import cpuinfo
import pytest
from keep import KEPT

RATIOS = pytest.StashKey[dict[str, float]]()
ROWS = pytest.StashKey[list[dict[str, object]]]()


def pytest_addoption(parser):
    parser.addoption(
        "--within",
        type=float,
        default=2.0,
        help="factor within which a row stays of the run that was kept of the same processor",
    )


def pytest_xdist_auto_num_workers():
    """What is timed runs alone."""
    return 0


def pytest_configure(config):
    config.stash[RATIOS], config.stash[ROWS] = {}, []


@pytest.fixture(scope="session")
def ratios(request):
    """What a benchmark measures besides times: name -> number, written with the times."""
    return request.config.stash[RATIOS]


@cache
def processor():
    """Name by which two machines of one kind are told: their ratios differ up to three times."""
    found = cpuinfo.get_cpu_info()
    names = (found.get("brand_raw", found["arch"]), found.get("family"), found.get("model"))
    return "{}, family {}, model {}".format(*names)


@pytest.fixture(scope="session")
def row(request):
    """Function of what is measured, its rival, the ratio of their times, and the most it may be.

    Keeps a row of the table, and holds the ratio within a factor of what was kept of it on the same
    processor: half of it would be a change to be explained, too.
    """
    factor = request.config.getoption("--within")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))["rows"].get(processor(), [])
    usual = {(one["row"], one["rival"]): one["ratio"] for one in kept}

    def add(what, rival, ratio, most=None):
        before = usual.get((what, rival))
        low, high = 0.0, float("inf") if most is None else most
        if before is not None:
            low, high = before / factor, min(high, factor * before)
        found = {"row": what, "rival": rival, "ratio": ratio, "most": most}
        request.config.stash[ROWS].append(found)
        print(f"\n{what} | {rival} | {ratio:.3g} | {low:.3g} to {high:.3g}", end="")
        assert low <= ratio <= high, found

    return add


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["processor_kind"] = processor()
    machine_info["versions"] = {
        name: version(name) for name in ("openmr", "qutip", "numpy", "scipy")
    }


def pytest_benchmark_update_json(config, benchmarks, output_json):
    output_json["ratios"] = config.stash[RATIOS]
    output_json["rows"] = {processor(): config.stash[ROWS]}
