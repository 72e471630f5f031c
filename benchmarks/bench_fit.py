"""A fit to 42 points beside the fit of release 0.1.0 and SciPy's least squares on the same model.

Run with ``pytest benchmarks --benchmark-only``.
"""

import numpy as np
import pytest
from bench_rivals import seconds
from scipy.optimize import least_squares, leastsq

import openmr as om
from openmr.data.least_squares import sensitivities
from openmr.data.nuisance import columns_of, rows_of
from openmr.sample.parameters import PARAMETERS, varied

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


def misses(names, start):
    """Residuals in standard deviations of logarithms of parameters, by `om.magnetoresistance`."""

    def residuals(logs):
        values = start * np.exp(logs)
        return ((curve(varied(START, dict(zip(names, values, strict=True)))) - RHO) / SIGMA).ravel()

    return residuals


def starts(names):
    return np.array([PARAMETERS[name].read(START) for name in names])


def release(names):
    """As release 0.1.0: MINPACK, a sample for every difference, on the line of today."""
    start = starts(names)
    residuals = misses(names, start)
    logs = leastsq(residuals, np.zeros(len(names)), epsfcn=1e-10)[0]
    for _ in range(2):  # whether it is at rest, and for the errors
        sensitivities(residuals, logs)
    return start * np.exp(logs)


def scipy(names):
    """SciPy, forward differences, values alone."""
    start = starts(names)
    found = least_squares(misses(names, start), np.zeros(len(names)), x_scale=0.1)
    return start * np.exp(found.x)


def scipy_with_all(names):
    """SciPy from both signs of J, rho_L0 and terms of the instrument by linear least squares."""
    rows = rows_of([DATA])
    columns = columns_of(rows, ("drift", "hall", "offset"))[0] / SIGMA
    design = np.zeros((RHO.size, 2 + columns.shape[1]))
    design[:, 2:] = columns
    best = None
    for sign in (1.0, -1.0):
        start = starts(names) * [sign, *(1.0 for _ in names[1:])]

        def residuals(logs, start=start):
            values = start * np.exp(logs)
            rho = curve(varied(START, dict(zip(names, values, strict=True))))
            for group in range(2):
                design[21 * group : 21 * (group + 1), group] = rho[group] / SIGMA
            target = RHO.ravel() / SIGMA
            return design @ np.linalg.lstsq(design, target, rcond=1e-9)[0] - target

        found = least_squares(residuals, np.zeros(len(names)), x_scale=0.1)
        if best is None or found.cost < best[0]:
            best = found.cost, start * np.exp(found.x)
    return best[1]


@pytest.mark.parametrize("fit", [openmr, with_all, release, scipy, scipy_with_all])
def test_fit(benchmark, fit):
    benchmark.group = "a fit of 4 parameters to 42 points"
    benchmark(fit, NAMES)


@pytest.mark.parametrize(
    ("ours", "rival", "count"),
    [
        (openmr, release, 3),
        (openmr, release, 4),
        (openmr, scipy, 4),
        (with_all, scipy_with_all, 4),
    ],
)
def test_against_a_rival(row, ours, rival, count):
    """Errors included, at the same values; SciPy alone misses the best minimum of all."""
    names = NAMES[:count]
    if ours is openmr:
        np.testing.assert_allclose(ours(names), rival(names), rtol=1e-5)
    mine, other = seconds(lambda: ours(names), lambda: rival(names))
    what = {openmr: "diagnosis.fit", with_all: "fit"}[ours]
    row(f"{what} of {count} parameters to 42 points", rival.__doc__.rstrip("."), mine / other)
