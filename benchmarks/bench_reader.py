"""The reading of a laboratory's file beside NumPy's reading of its bare numbers.

Run with ``pytest benchmarks --benchmark-only``.
"""

from time import process_time

import numpy as np
import pytest

import openmr as om

ROWS = 100_000
BAR = om.Geometry(squares=10, thickness=5e-9)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Four columns of numbers: ten sweeps at one temperature."""
    rng, turn = np.random.default_rng(0), np.linspace(0, 20 * np.pi, ROWS)
    columns = (
        np.arange(ROWS),
        300 + 0.01 * rng.normal(size=ROWS),
        9 * np.sin(turn),
        4000 + rng.normal(size=ROWS),
    )
    found = tmp_path_factory.mktemp("reader") / "big.csv"
    heads = "t (s),T (K),B (T),R (Ohm)"
    np.savetxt(found, np.stack(columns, -1), "%.6f", ",", header=heads, comments="")
    return found


def openmr(path):
    return om.read(path, geometry=BAR, direction=(1, 0, 0)).longitudinal


def numpy(path):
    return np.loadtxt(path, delimiter=",", skiprows=1)[:, 3] * BAR.longitudinal


@pytest.mark.parametrize("reader", [openmr, numpy])
def test_read(benchmark, reader, path):
    benchmark.group = f"{ROWS} rows of a text file"
    benchmark(reader, path)


def test_ratio(ratios, path):
    """At most three times NumPy's time, with units, levels and sweeps."""
    times = {openmr: [], numpy: []}
    for _ in range(7):
        for reader, found in times.items():
            start = process_time()
            rho = reader(path)
            found.append(process_time() - start)
            assert len(rho) == ROWS
    ratio = min(times[openmr]) / min(times[numpy])
    ratios["reading 1e5 rows, openmr.read / numpy.loadtxt"] = ratio
    assert ratio < 3
