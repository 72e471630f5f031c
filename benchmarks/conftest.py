"""One JSON file for all: times by pytest-benchmark, ratios and versions beside them."""

from importlib.metadata import version

import pytest

RATIOS = pytest.StashKey[dict[str, float]]()


def pytest_xdist_auto_num_workers():
    """What is timed runs alone."""
    return 0


def pytest_configure(config):
    config.stash[RATIOS] = {}


@pytest.fixture(scope="session")
def ratios(request):
    """What a benchmark measures besides times: name -> number, written with the times."""
    return request.config.stash[RATIOS]


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["versions"] = {
        name: version(name) for name in ("openmr", "qutip", "numpy", "scipy")
    }


def pytest_benchmark_update_json(config, benchmarks, output_json):
    output_json["ratios"] = config.stash[RATIOS]
