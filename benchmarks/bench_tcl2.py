"""Time and memory of the TCL2 engine against dimension, and of the route against the band.

Run with ``pytest benchmarks --benchmark-only``; the memory is printed from one run.
"""

import tracemalloc

import numpy as np
import pytest
import qutip

import openmr as om
from openmr import kernels
from openmr.master.panels import panel_memory

FILM = om.presets.pt_py()


def random_system(dimension):
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(2, dimension, dimension))
    return [qutip.Qobj((m + m.T) / np.sqrt(8 * dimension)) for m in raw]


def memory(dimension):
    hamiltonian, coupling = random_system(dimension)
    bath = om.Bath(correlation=lambda t: kernels.flat_band(t, 100.0))
    found = panel_memory(om.OpenSystem(hamiltonian, [(coupling, bath)]), rtol=1e-5)
    assert found.last.matrix.shape == (dimension**2,) * 2
    return found


@pytest.mark.parametrize("dimension", [2, 4, 8, 16])
def test_generator(benchmark, dimension):
    benchmark.group = "Markov generator against dimension"
    benchmark(memory, dimension)


@pytest.mark.parametrize("dimension", [2, 8])
def test_one_more_time(benchmark, dimension):
    benchmark.group = "K(t) at one more time, as a solver asks for it"
    found = memory(dimension)
    benchmark(lambda: found.at(0.3).matrix)


@pytest.mark.parametrize("kernel", kernels.KERNELS)
@pytest.mark.parametrize("half_width", [0.2, 1.0, 10.0])
def test_route(benchmark, kernel, half_width):
    benchmark.group = "one point of the route, S = 2"
    benchmark(om.relaxation, FILM, 10.0, 5.0, method="tcl2", kernel=kernel, half_width=half_width)


def test_memory(capsys):
    """Peak memory in units of one dense superoperator, 16 d^4 bytes."""
    with capsys.disabled():
        for dimension in (8, 16, 24):
            tracemalloc.start()
            memory(dimension)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            print(
                f"\ndimension {dimension:2}: peak {peak / 2**20:6.1f} MiB, "
                f"{peak / (16 * dimension**4):5.1f} dense superoperators",
                end="",
            )
