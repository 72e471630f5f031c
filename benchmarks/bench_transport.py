"""What transport costs: the matrix function beside the modes, the grid, and one fit.

Run with ``pytest benchmarks --benchmark-only``.
"""

import tracemalloc

import numpy as np
import pytest

import openmr as om
from openmr import diagnosis, diffusion

SAMPLE = om.presets.pt_py()
FILM = SAMPLE.film
SIZES = (1, 100, 10_000)


def rates(count):
    return om.relaxation(SAMPLE, 100.0, np.linspace(0, 25, count))


@pytest.mark.parametrize("count", SIZES)
def test_surviving_matrix(benchmark, count):
    tensor = rates(count).tensor
    benchmark.group = f"{count} points"
    benchmark(diffusion.surviving_matrix, FILM, tensor)


@pytest.mark.parametrize("count", SIZES)
def test_modes(benchmark, count):
    found = rates(count)
    decay = diffusion.transverse_decay(FILM, found)
    benchmark.group = f"{count} points"
    benchmark(lambda: diffusion.surviving_fraction(FILM.thickness, decay))


@pytest.mark.parametrize("count", SIZES)
def test_resistivity(benchmark, count):
    found = rates(count)
    benchmark.group = f"{count} points"
    benchmark(om.resistivity, FILM, found, (0.6, 0.0, 0.8))


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("method", ["matrix", "closed-form", "grid"])
def test_profile(benchmark, method, ratio):
    """101 depths, or the grid's own, at growing d / l."""
    rate = FILM.diffusion * (ratio / FILM.thickness) ** 2
    film = om.Film(FILM.thickness, 0.1, FILM.diffusion, 1 / rate, FILM.resistivity)
    bare = om.presets.pt_py(0.0)
    found = om.relaxation(om.Sample(bare.magnet, bare.electrons, film), 100.0, 1.0)
    benchmark.group = f"profile at d/l = {ratio:g}"
    if method == "grid":
        tensor = diffusion.film_tensor(found, (1, 0, 0))

        def constant(z):
            return np.broadcast_to(tensor, (len(z), 3, 3))

        solved = benchmark(diffusion.graded_profile, film, constant)
        benchmark.extra_info["nodes"] = len(solved.depth)
    else:
        benchmark(diffusion.profile, film, found, (1, 0, 0), method=method)


@pytest.mark.parametrize("names", [1, 3])
def test_fit(benchmark, names):
    kelvin, field = np.array([10.0, 40.0])[:, None], np.linspace(0.5, 25, 14)
    rho = om.magnetoresistance(SAMPLE, kelvin, field, (1, 0, 0), order="exact").longitudinal
    data = diagnosis.measured(rho, temperature=kelvin, field=field, direction=(1, 0, 0))
    chosen = ("exchange_energy", "diffusion_length", "spin_hall_angle")[:names]
    start = om.presets.pt_py(exchange_energy=-0.9e-3)
    benchmark.group = "fit of 28 points"
    benchmark.pedantic(diagnosis.fit, (start, data, chosen), rounds=3)


@pytest.mark.parametrize("count", SIZES)
def test_memory(count, capsys):
    tensor = rates(count).tensor
    tracemalloc.start()
    diffusion.surviving_matrix(FILM, tensor)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with capsys.disabled():
        print(f"\nmatrix function of {count} points: {peak / 1024:.0f} KiB at most", end="")
