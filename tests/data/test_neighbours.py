"""Fits beside other libraries: models of lmfit, chains of emcee, tables of ArviZ."""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec

import arviz
import lmfit
import numpy as np
import pytest
from nearness import approx
from refusals import unclear

import openmr as om
from openmr.data.found import Adequacy

TRUTH = om.presets.pt_py(-0.7e-3, curie_temperature=24.0)
START = om.presets.pt_py(-0.6e-3, curie_temperature=24.0)
NAMES = ("exchange_energy", "spin_hall_angle")
TESLA = np.tile(np.linspace(-9, 9, 25), 2)
POINTS = {"temperature": 10.0, "field": TESLA, "direction": (1, 0, 0)}
SIGMA = 1e-10
FINE = {"epsfcn": 1e-10}


def noisy():
    rho = om.magnetoresistance(TRUTH, **POINTS, order="exact").longitudinal
    return rho + SIGMA * np.random.default_rng(1).normal(size=50)


@cache
def fitted():
    return om.fit(om.diagnosis.measured(noisy(), **POINTS), START, NAMES, nuisance=())


def test_a_model_of_lmfit_finds_what_the_fit_finds():
    """The same least squares where the noise is given and only rho_L0 is linear."""
    model = om.fit_model(START, (*NAMES, "resistivity"))
    assert model.independent_vars == ["temperature", "field", "direction"]
    found = model.fit(noisy(), model.make_params(), weights=1 / SIGMA, fit_kws=FINE, **POINTS)
    data = om.diagnosis.measured(noisy(), **POINTS, uncertainty=SIGMA)
    ours = om.fit(data, START, NAMES, nuisance=(), noise="given", loss="none")
    for name in NAMES:
        error = ours.uncertainties[ours.parameters.index(name)]
        # both stop within 1e-3 of an error
        assert abs(found.params[name].value - ours.value(name)) < 0.01 * error
    level = ours.resistivities[0]
    assert found.params["resistivity"].value == approx(level.resistivity, rel=1e-6)


def test_a_model_of_lmfit_adds_to_others():
    """A Hall voltage, linear in the field, as a model of lmfit of its own."""
    whole = om.fit_model(START, (*NAMES, "resistivity")) + lmfit.models.LinearModel(
        independent_vars=["x"]
    )
    start = whole.make_params(slope=0.0, intercept={"value": 0.0, "vary": False})
    data = noisy() + 3e-11 * TESLA
    found = whole.fit(data, start, weights=1 / SIGMA, fit_kws=FINE, x=TESLA, **POINTS)
    # sigma of a slope: SIGMA over the root of the sum of B^2, 2.6e-12; five of it
    assert found.params["slope"].value == approx(3e-11, abs=1.3e-11)


def test_a_model_knows_stacks_components_and_ranges():
    layer = om.Layer(TRUTH.film, TRUTH.electrons)
    stack = om.Sample(stack=om.Stack([layer], top=om.Sheet(G_r=4e14, G_i=2e13)))
    model = om.fit_model(stack, "top.G_i", component="transverse")
    (name,) = model.param_names
    assert name == "top_G_i"
    given = {"temperature": 300.0, "field": np.array([0.1, 0.2]), "direction": (0, 0, 1)}
    rho = model.eval(model.make_params(), **given)
    wanted = om.magnetoresistance(stack, 300.0, given["field"], (0, 0, 1), order="exact")
    np.testing.assert_array_equal(rho, wanted.transverse)
    hints = om.fit_model(TRUTH, "spin_hall_angle").make_params()["spin_hall_angle"]
    assert (hints.value, hints.min, hints.max) == (0.1, 0.001, 0.7)


@pytest.mark.slow
def test_chains_scatter_as_the_errors_say():
    found = fitted()
    chains = found.posterior(300, seed=5)
    assert list(chains) == list(NAMES)
    again = found.posterior(300, seed=5)
    for at, name in enumerate(NAMES):
        assert chains[name].shape == (8, 300)
        np.testing.assert_array_equal(chains[name], again[name])
        # about 8 * 300 / 40 = 60 independent draws: a mean to 0.13, a deviation to 0.09; 3.5 of it
        assert abs(chains[name].mean() - found.values[at]) < 0.45 * found.uncertainties[at]
        assert chains[name].std() == approx(found.uncertainties[at], rel=0.32)


def test_chains_fill_what_is_left_open_within_its_range():
    names = ("thickness", "diffusion_length", "diffusion_at_fixed_diffusion_length")
    data = om.diagnosis.measured(noisy(), **POINTS)
    found = om.fit(data, START, names, nuisance=())
    assert set(found.undetermined) == set(names)
    chains = found.posterior(200, seed=1)
    for at, name in enumerate(names):
        spread = np.log(chains[name] / found.start[at])
        assert np.abs(spread).max() <= np.log(100.0) * (1 + 1e-12)
        assert spread.std() > 0.3


def test_arviz_reads_the_chains():
    chains = fitted().posterior(50, seed=2)
    newer = int(arviz.__version__.split(".")[0]) >= 1
    given = {"posterior": chains}
    tree = arviz.from_dict(given) if newer else arviz.from_dict(**given)
    assert dict(tree.posterior.sizes) == {"chain": 8, "draw": 50}


def test_one_clear_error():
    found = fitted()
    refused = replace(found, adequacy=Adequacy("F", 20.0, 1e-9))
    bad = [
        (lambda: om.fit_model(None, "thickness"), "`sample`.*Sample.*None"),
        (lambda: om.fit_model(TRUTH, []), r"`free`.*\[\]"),
        (lambda: om.fit_model(TRUTH, "rho"), "`rho`"),
        (lambda: om.fit_model(TRUTH, "spin"), "`free`.*'spin'"),
        (lambda: om.fit_model(TRUTH, "diffusion"), "`free`.*instead of 'diffusion'"),
        (lambda: om.fit_model(TRUTH, "thickness", component="x"), "`component`.*'x'"),
        (lambda: om.fit_model(TRUTH, "thickness", order="third"), "`order`.*'third'"),
    ]
    if find_spec("emcee"):
        bad += [
            (lambda: found.posterior(0), "`steps`.*0"),
            (lambda: found.posterior(9, walkers=2), "`walkers`.*4.*2"),
            (lambda: found.posterior(9, burn=-1), "`burn`.*-1"),
            (lambda: found.posterior(9, seed=-1), "`seed`.*-1"),
            (lambda: refused.posterior(9), "`posterior`.*p = 1e-09"),
        ]
    assert unclear(bad) == {}
