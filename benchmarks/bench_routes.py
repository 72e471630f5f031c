"""How many times longer the evolve-and-fit loop takes than the tensor, and that than the formula.

Run with ``pytest benchmarks --benchmark-only``; the ratios are printed from one run.
"""

import time

import pytest

import openmr as om

FILM = om.presets.pt_py()
METHODS = ("closed-form", "bloch-redfield", "evolution")


def point(method):
    return om.relaxation(FILM, 50.0, 5.0, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_one_point(benchmark, method):
    benchmark.group = "one point, S = 2"
    benchmark(point, method)


def test_ratios(capsys, ratios):
    """Best of three, each method against the tensor-and-projection loop."""
    best = {}
    for method in METHODS:
        point(method)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            point(method)
            times.append(time.perf_counter() - start)
        best[method] = min(times)
    with capsys.disabled():
        for method in METHODS:
            ratio = best[method] / best["bloch-redfield"]
            ratios[f"route {method} over bloch-redfield, one point"] = ratio
            print(
                f"\n{method:15} {ratio:8.3g} times the tensor ({1e3 * best[method]:.3g} ms)", end=""
            )


@pytest.mark.parametrize("spin", [0.5, 2.0, 3.5])
def test_growth_with_spin(benchmark, spin):
    benchmark.group = "tensor and projection against spin"
    film = om.presets.pt_py(spin=spin)
    benchmark(lambda: om.relaxation(film, 50.0, 5.0, method="bloch-redfield"))
