"""What the kinetic equation costs: the initial slope, the modes, and their growth with the grid."""

import tracemalloc

import pytest

import openmr as om
from openmr import kinetics
from openmr.rates.routes.kinetic import electron_sea

FILM = om.presets.pt_py()
DEPTHS = (200.0, 10.0, 1.0)
"""Temperatures [K]: the colder, the larger beta eps_L and the grid."""


@pytest.mark.parametrize("temperature", DEPTHS)
def test_initial_slope(benchmark, temperature):
    sea = electron_sea(FILM, temperature, 5.0)
    benchmark.group = "initial slope alone"
    benchmark.extra_info["energies"] = len(sea.energies)
    benchmark(kinetics.initial_slope, sea)


@pytest.mark.parametrize("temperature", DEPTHS)
def test_modes(benchmark, temperature):
    sea = electron_sea(FILM, temperature, 5.0, reach=20.0)
    benchmark.group = "modes along the field"
    benchmark.extra_info["energies"] = len(sea.energies)
    benchmark(kinetics.longitudinal_spectrum, sea)


@pytest.mark.parametrize("method", ["closed-form", "bloch-redfield", "kinetic"])
def test_one_point(benchmark, method):
    benchmark.group = "one point, 10 K"
    benchmark(om.relaxation, FILM, 10.0, 5.0, method=method)


@pytest.mark.parametrize("temperature", DEPTHS)
def test_memory(temperature, capsys):
    tracemalloc.start()
    om.relaxation(FILM, temperature, 5.0, method="kinetic")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with capsys.disabled():
        print(f"\nkinetic at {temperature:g} K: {peak / 2**20:.0f} MiB at most", end="")


def test_validity(benchmark):
    """The whole report at one point: kinetic, tcl2, Bloch-Redfield, clusters."""
    benchmark.group = "validity, one point"
    benchmark(om.validity, FILM, 10.0, 5.0)
