"""Time and memory of the exact route against the number of levels and the spin.

Run with ``pytest benchmarks/bench_exact.py --benchmark-only``; `test_cost_against_estimate` prints
what one evolution costs beside the estimate by which unaffordable sizes are refused.
"""

import time
import tracemalloc

import numpy as np
import pytest

import openmr as om
from openmr import finite_band
from openmr.rates.routes import exact as route
from openmr.rates.routes.joint_space import moment_spaces

WINDOW = np.linspace(*route.WINDOW, route.SAMPLES)


def band(spin, levels):
    film = om.presets.pt_py(spin=spin)
    space = moment_spaces(film, om.equilibrium(film, 50.0, 5.0))[0]
    return route.golden_rule_band(space, 1e-4, 1.0, levels, np.random.default_rng(0))


def evolution(one):
    _, states = finite_band.evolve(one, WINDOW[0], WINDOW[-1], len(WINDOW))
    return finite_band.dynamical_map(one, states)


@pytest.mark.parametrize("levels", [65, 129, 257])
def test_growth_with_levels(benchmark, levels):
    benchmark.group = "one evolution, S = 1/2, against levels"
    benchmark(evolution, band(0.5, levels))


@pytest.mark.parametrize("spin", [0.5, 1.0, 2.0])
def test_growth_with_spin(benchmark, spin):
    benchmark.group = "one evolution, 65 levels, against spin"
    benchmark(evolution, band(spin, 65))


def test_one_point(benchmark):
    benchmark.group = "one point, S = 2"
    film = om.presets.pt_py()
    benchmark.pedantic(lambda: om.relaxation(film, 50.0, 5.0, method="exact", levels=65), rounds=2)


def test_cost_against_estimate(capsys):
    """One evolution: seconds, peak memory of its arrays and the order of both in N."""
    lines = []
    for spin, levels in ((0.5, 129), (0.5, 257), (0.5, 513), (2.0, 129)):
        one = band(spin, levels)
        start = time.perf_counter()
        evolution(one)
        seconds = time.perf_counter() - start
        tracemalloc.start()
        evolution(band(spin, levels))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        memory, expected = route.cost(levels, [len(one.energies)], evolutions=1)
        lines.append(
            f"S = {spin:3}, N = {levels:4}: {seconds:6.2f} s (estimate {expected:.2f}), "
            f"{peak / 2**20:6.1f} MiB (estimate {memory / 2**20:.1f})"
        )
    with capsys.disabled():
        print("\n" + "\n".join(lines))
