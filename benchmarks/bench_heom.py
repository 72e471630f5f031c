"""What the hierarchy costs: one propagation against depth, exponents and spin, and a whole point.

Run with ``pytest benchmarks/bench_heom.py --benchmark-only``; sizes and memory are printed.
"""

import tracemalloc

import pytest

import openmr as om
from openmr import hilbert
from openmr.rates.routes import heom as route
from openmr.units import HBAR, K_B

POINT = (10.0, 5.0)


def film(spin):
    return om.presets.pt_py(5e-4, spin=spin, curie_temperature=0.0)


def propagation(spin, terms, depth, held):
    """One hierarchy, built and propagated over four thermal times; its number of elements."""
    sample = film(spin)
    (space,) = hilbert.moment_spaces(sample, om.equilibrium(sample, *POINT))
    coupling = space.noise * HBAR / (K_B * POINT[0])
    hierarchy = route._hierarchy(space, coupling, route.NARROWEST, terms, depth)
    route._recorded(space, hierarchy, held)
    return hierarchy.matrix.shape[0]


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_against_depth(benchmark, depth):
    benchmark.group = "S = 1/2, 4 terms, against depth"
    benchmark.pedantic(propagation, (0.5, 4, depth, False))


@pytest.mark.parametrize("terms", [3, 4, 6, 8])
def test_against_exponents(benchmark, terms):
    benchmark.group = "S = 1/2, depth 3, against Pade terms"
    benchmark.pedantic(propagation, (0.5, terms, 3, False))


@pytest.mark.parametrize("spin", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("held", [False, True])
def test_against_spin(benchmark, spin, held):
    benchmark.group = f"4 terms, depth 3, {'held' if held else 'free'} moment, against spin"
    benchmark.pedantic(propagation, (spin, 4, 3, held))


@pytest.mark.parametrize("moment", ["free", "held"])
@pytest.mark.parametrize("spin", [0.5, 1.0])
def test_whole_point(benchmark, spin, moment):
    benchmark.group = "one converged point"
    benchmark.pedantic(lambda: om.relaxation(film(spin), *POINT, method="heom", moment=moment))


def test_memory(capsys):
    """Peak of the arrays that Python knows of, per element of the hierarchy."""
    rows = []
    for spin, terms, depth, held in ((0.5, 4, 4, False), (0.5, 4, 4, True), (1.0, 4, 4, True)):
        tracemalloc.start()
        elements = propagation(spin, terms, depth, held)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rows.append((spin, terms, depth, held, elements, peak))
    with capsys.disabled():
        for spin, terms, depth, held, elements, peak in rows:
            print(
                f"\nS = {spin}, {terms} terms, depth {depth}, {'held' if held else 'free'}: "
                f"{elements:.0f} elements, {peak / 2**20:.1f} MiB, {peak / elements:.0f} B each",
                end="",
            )
