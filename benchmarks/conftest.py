"""One JSON file for all: times by pytest-benchmark, ratios and versions beside them."""

from importlib.metadata import version

import pytest

RATIOS = pytest.StashKey[dict[str, float]]()
ROWS = pytest.StashKey[list[dict[str, object]]]()


def pytest_xdist_auto_num_workers():
    """What is timed runs alone."""
    return 0


def pytest_configure(config):
    config.stash[RATIOS], config.stash[ROWS] = {}, []


@pytest.fixture(scope="session")
def ratios(request):
    """What a benchmark measures besides times: name -> number, written with the times."""
    return request.config.stash[RATIOS]


@pytest.fixture(scope="session")
def row(request):
    """Function of what is measured, its rival, the ratio of their times, and what that usually is.

    Keeps a row of the table, and holds the ratio within a factor of two of the usual one, or below
    the most that it may be.
    """

    def add(what, rival, ratio, usual=None, most=None):
        bound = f"at most {most:g}" if usual is None else f"{usual / 2:.3g} to {2 * usual:.3g}"
        kept = {"row": what, "rival": rival, "ratio": ratio, "bound": bound}
        request.config.stash[ROWS].append(kept)
        print(f"\n{what} | {rival} | {ratio:.3g} | {bound}", end="")
        low, high = (0.0, most) if usual is None else (usual / 2, 2 * usual)
        assert low <= ratio <= high, kept

    return add


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["versions"] = {
        name: version(name) for name in ("openmr", "qutip", "numpy", "scipy")
    }


def pytest_benchmark_update_json(config, benchmarks, output_json):
    output_json["ratios"] = config.stash[RATIOS]
    output_json["rows"] = config.stash[ROWS]
