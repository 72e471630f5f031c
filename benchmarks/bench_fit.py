"""A fit to 42 points beside SciPy's least squares on the same model.

Run with ``pytest benchmarks --benchmark-only``.
"""

from time import process_time

import numpy as np
import pytest
from scipy.optimize import least_squares

import openmr as om
from openmr.sample.parameters import varied

NAMES = ("exchange_energy", "ordering_temperature", "spin_hall_angle", "diffusion_length")
SIGMA = 2.5e-10
KELVIN, FIELD = np.array([10.0, 30.0])[:, None], np.linspace(0.0, 20.0, 21)
TRUTH = om.presets.pt_py(-0.7e-3, curie_temperature=24.0)
START = om.presets.pt_py(-0.5e-3, curie_temperature=30.0)


def curve(sample):
    return om.magnetoresistance(sample, KELVIN, FIELD, (1, 0, 0), order="exact").longitudinal


RHO = curve(TRUTH) + SIGMA * np.random.default_rng(1).normal(size=(2, 21))
DATA = om.diagnosis.measured(
    RHO, temperature=KELVIN, field=FIELD, direction=(1, 0, 0), uncertainty=SIGMA
)


def openmr(names):
    """Values, errors, and what the data leave open."""
    return om.diagnosis.fit(START, DATA, names).values


def with_all(names):
    """The same with rho_L0 of both temperatures, drift and Hall voltage free, both signs of J."""
    return om.fit(DATA, START, names, noise="given").values


def scipy(names):
    """Values alone, with forward differences of `om.magnetoresistance`."""
    start = np.array([om.sample.parameters.PARAMETERS[name].read(START) for name in names])

    def residuals(logs):
        values = start * np.exp(logs)
        return ((curve(varied(START, dict(zip(names, values, strict=True)))) - RHO) / SIGMA).ravel()

    return start * np.exp(least_squares(residuals, np.zeros(len(names)), x_scale=0.1).x)


@pytest.mark.parametrize("fit", [openmr, with_all, scipy])
def test_fit(benchmark, fit):
    benchmark.group = "a fit of 4 parameters to 42 points"
    benchmark(fit, NAMES)


@pytest.mark.parametrize("count", [3, 4])
def test_ratio(ratios, count):
    """At most half of SciPy's time, errors included, at the same values."""
    names = NAMES[:count]
    times = {openmr: [], scipy: []}
    for _ in range(7):
        values = {}
        for fit, found in times.items():
            start = process_time()
            values[fit] = fit(names)
            found.append(process_time() - start)
        np.testing.assert_allclose(values[openmr], values[scipy], rtol=1e-3)
    ratio = min(times[openmr]) / min(times[scipy])
    ratios[f"{count} parameters of 42 points, diagnosis.fit / scipy.least_squares"] = ratio
    assert ratio < 0.7
