"""What every method must do, whichever it is: a new one is tested by adding its name."""

from functools import cache

import numpy as np
import pytest
from nearness import approx

import openmr as om
from openmr.rates.methods import METHODS

FILM = om.presets.pt_py(exchange_energy=2e-4, spin=0.5, curie_temperature=0.0)
TEMPERATURE, FIELD = 20.0, 3.0  # beta eps_L = 0.2: the flat bath of "exact" is nearly thermal
OPTIONS = {"exact": {"levels": 65, "realisations": 2}, "tcl2": {"memory_time": True}}
ERRORS = {
    "closed-form": 1e-12,
    "bloch-redfield": 1e-12,
    "evolution": 1e-4,
    "kinetic": 0.1,  # of first order in the electrons' splitting, beta hbar omega_L = 0.2
    "tcl2": 1e-3,  # eps_L / W
    "heom": 1e-3,  # the next order, beta hbar / tau
    "exact": 1e-2,  # the square of beta eps_L, and four realisations
    "batched": 1e-12,
}
"""Of the largest rate, against the closed form, and why."""


def found(method, temperature=TEMPERATURE, field=FIELD, sample=FILM, **options):
    given = {**OPTIONS.get(method, {}), **options}
    return om.relaxation(sample, temperature, field, method=method, **given)


SLOW = {"evolution", "heom", "kinetic", "exact"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in METHODS],
)
def method(request):
    return request.param


@cache
def one_point(method):
    return found(method)


@cache
def grid(method):
    """At two temperatures in the field and against it; without the modes, which are no rates."""
    more = {"modes": False} if method == "kinetic" else {}
    return found(method, [[15.0], [TEMPERATURE]], [FIELD, -FIELD], **more)


def test_agrees_with_the_closed_form_at_weak_coupling(method):
    exact = om.relaxation(FILM, TEMPERATURE, FIELD).dissipator
    error = np.abs(one_point(method).dissipator - exact).max() / exact.max()
    assert error <= ERRORS[method]


def test_record(method):
    one = one_point(method)
    assert one.method == method
    assert one.dissipator.shape == (3, 3)
    np.testing.assert_allclose(
        one.longitudinal, one.dissipator[2, 2] + 1 / FILM.film.spin_flip_time, rtol=1e-14
    )
    assert one.tensor[0, 1] == approx(one.precession, rel=1e-2)
    assert one.precession == approx(om.relaxation(FILM, TEMPERATURE, FIELD).precession, rel=1e-8)
    assert method in repr(one)
    for value in one.diagnostics.values():
        if np.asarray(value).dtype.kind == "f":
            assert np.all(np.isfinite(value))


def test_gives_what_its_method_says(method):
    one, said = one_point(method), METHODS[method]
    assert set(one.diagnostics) == set(said.diagnostics)
    assert (one.uncertainty is not None) == said.gives_uncertainty


def test_grids_are_their_points(method):
    many, one = grid(method), one_point(method)
    assert many.dissipator.shape == (2, 2, 3, 3)
    np.testing.assert_allclose(many.dissipator[1, 0], one.dissipator, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(many.precession[1, 0], one.precession, rtol=1e-9)


def test_field_reversal_turns_the_precession_alone(method):
    there, back = grid(method).dissipator[1]
    tolerance = max(1e-10, ERRORS[method] if method == "exact" else 1e-6)
    np.testing.assert_allclose(np.diag(there), np.diag(back), atol=tolerance * there.max())
    precession = grid(method).precession[1]
    assert precession[0] == approx(-precession[1], rel=1e-8)


def test_nothing_coupled(method):
    film = om.presets.pt_py(0.0, spin=0.5)
    free = found(method, sample=film)
    assert np.all(free.dissipator == 0)
    assert free.longitudinal == approx(1 / film.film.spin_flip_time)
    zeeman = 2 * om.units.MU_B * FIELD / om.units.HBAR
    assert free.precession == approx(zeeman, rel=1e-8)


def test_unknown_option_and_bad_numbers(method):
    with pytest.raises(om.ParameterError, match=f"'{method}' takes no option `speed`"):
        found(method, speed=3)
    with pytest.raises(om.ParameterError, match="`temperature` must be > 0 K, got 0"):
        found(method, temperature=0.0)
    with pytest.raises(om.ParameterError, match=r"`field`.*T, got nan"):
        found(method, field=np.nan)


def test_what_does_not_fit_is_refused(method):
    huge = om.presets.pt_py(spin=1e5 - 0.5)
    if method in ("closed-form", "batched"):  # sums over levels alone
        found(method, sample=huge)
    else:
        with pytest.raises(om.SizeError, match="GiB"):
            found(method, sample=huge)
