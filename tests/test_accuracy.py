"""The closed-form line keeps the digits of what it is given, and no step of it forgets to."""

from dataclasses import replace
from inspect import unwrap

import accuracy
import mpmath as mp
import numpy as np
import pytest
from nearness import approx
from spoil import replaced, rewritten, spoiled, unnoticed

import openmr as om
from openmr.moments.spin_averages import _less_than_one, _little_less, axial_excess
from openmr.rates import axes, closed_form
from openmr.transport import diffusion, matrix_tanh, resistivity, surviving

CASES = list(accuracy.films(seed=11, count=80))


def beyond(*names):
    """What is beyond what is allowed, of these quantities or of all, one by one."""
    for case in CASES:
        for error in accuracy.errors(case):
            if not error.relative <= error.allowed and (not names or error.name in names):
                yield error


def test_every_quantity_has_thirteen_digits_or_those_of_its_condition():
    assert list(beyond()) == []


@pytest.mark.slow
def test_more_films_keep_them_too(monkeypatch):
    monkeypatch.setitem(globals(), "CASES", list(accuracy.films(seed=12, count=600)))
    assert list(beyond()) == []


def test_numerical_routes_are_within_rounding_of_the_closed_form():
    """Of drho_0, and rates of their own: cold flips fade as exp(-x), with a rounding of S x."""
    unit = np.finfo(float).eps
    for case in CASES:
        film, at = case.sample.film, (case.temperature, case.field)
        exact = om.relaxation(case.sample, *at)
        size = np.abs(exact.equilibrium.reduced_splitting * case.sample.magnet.spins).max()
        line = om.resistivity(film, exact, case.direction)
        for method in ("batched", "bloch-redfield"):
            rates = om.relaxation(case.sample, *at, method=method)
            np.testing.assert_allclose(
                rates.dissipator, exact.dissipator, rtol=16 * unit * (1 + size), atol=1e-290
            )
            found = om.resistivity(film, rates, case.direction)
            for name in ("longitudinal", "transverse", "drho0", "drho1", "drho2"):
                one, other = getattr(found, name), getattr(line, name)
                assert abs(one - other) <= 1e-13 * line.drho0 + 4 * unit * abs(other)


def profiles_keep_their_digits():
    """Of every component, in a film that is nearly isotropic in weak fields."""
    sample = om.presets.pt_py()
    for temperature, field in ((300.0, 1e-6), (300.0, 1e-2), (60.0, 0.3)):
        case = accuracy.Case(sample, temperature, field, (-0.6, 0.3, 0.5))
        found, exact = accuracy.computed(case), accuracy.reference(case).exact
        for name in (f"{kind}_{axis}" for kind in ("mu", "current") for axis in "xyz"):
            with mp.workdps(40):
                if not abs(found[name] / exact[name] - 1) < 1e-13:
                    return False
    return True


def test_small_components_of_profiles_have_digits_of_their_own():
    assert profiles_keep_their_digits()
    function = unwrap(diffusion.profile)  # as before, from the matrix of all polarisations
    with replaced(function, rewritten(function, "in (even, apart)", "in (even, even)")):
        assert not profiles_keep_their_digits()


def test_a_difference_of_two_terms_is_noticed():
    """Without what this page is about nearly isotropic films lose their digits."""
    function = surviving.surviving_anisotropy
    with replaced(function, rewritten(function, "if not some(alike):", "if True:")):
        assert next(beyond("drho1"))
    function = surviving._rate_anisotropy
    with replaced(function, rewritten(function, 'relaxation.method != "closed-form"', "True")):
        assert next(beyond("drho1"))


def averages(spin, x, fluctuation):
    """<S_par^2> - <S_x^2 + S_y^2> x / (2 sinh x) from the printed formulas."""
    with mp.workdps(400):
        one = accuracy.moment_averages(spin, mp.mpf(x))
        across = mp.mpf(spin) * (spin + 1) - one["second"]
        noise = one["variance" if fluctuation else "second"]
        return float(noise - across * mp.mpf(x) / mp.sinh(x) / 2)


def excess_is_right():
    points = [1e-12, 1e-5, 0.03, 0.6, 0.99, 1.01, 3.0, 30.0, 600.0]
    for spin in (0.5, 1.0, 2.0, 7.5):
        for lattice in (False, True):
            exact = [averages(spin, x, lattice) for x in points]
            found = axial_excess(spin, np.array(points), fluctuation=lattice)
            if not np.allclose(found, exact, rtol=4e-14 if not lattice else 2e-13, atol=0):
                return False
    # beyond binomial coefficients that are doubles, and where flips are below the smallest
    many = np.isclose(axial_excess(600.5, 0.3), averages(600.5, 0.3, False), rtol=1e-12, atol=0)
    return bool(many) and axial_excess(0.5, 1e5, fluctuation=True) == 0


def test_what_spins_across_the_field_lose_besides():
    assert excess_is_right()


@pytest.mark.parametrize("step", [0.3, -0.3, 1e-3, -1e-3, 1e-12j, 0.2 - 0.3j])
def test_nothing_overflows_where_spins_are_far_from_the_faces(step):
    """tanh u/u -> 1/u: the difference of 1/u and 1/v at any length, either of them the longer."""
    u2 = np.array([1e4, 1e9, 1e13, 1e200])
    change = u2 * complex(step)
    with mp.workdps(60):
        pairs = [
            (mp.mpf(u), mp.mpmathify(u) + mp.mpmathify(c)) for u, c in zip(u2, change, strict=True)
        ]
        exact = [complex(1 / mp.sqrt(u) - 1 / mp.sqrt(v)) for u, v in pairs]
    found = surviving.lost_by(u2, change)
    for part in (np.real, np.imag):
        np.testing.assert_allclose(part(found), part(exact), rtol=8 * np.finfo(float).eps)


DIFFERENCE = "_tanh_ratio(u2 + 0j) - _tanh_ratio(u2 + change)"
ELSEWHERE = ["1.0 -> 1.37", "0.0 -> 0.37"]  # what stands in where another way is taken
UNSEEN = {
    # which of two right ways is taken
    "surviving_anisotropy": [
        "_ALIKE * along -> _ALIKE / along",
        # to the left or to the right, as much is left along the source
        "_rate_anisotropy(relaxation, shape, near) + 1j * precession -> "
        "_rate_anisotropy(relaxation, shape, near) - 1j * precession",
    ],
    "_rate_anisotropy": ["16 * EPSILON -> 16 / EPSILON", "16 -> 21.92"],
    "lost_by": ["u2 + change -> u2 - change", *ELSEWHERE, "0.0 -> 0.37"],
    "parted": ["1.0 -> 1.37", "0.5 -> 0.685", "after -> before"],
    "_smaller_first": ["0.5 -> 0.685"],
    "beside": ["after -> before"],  # of two shapes
    "excess_at": ["jx -> jy", "jy -> jx"],
    "_less_than_one": ["1.0 -> 1.37", "1.0 -> 1.37", "700.0 -> 959.0000000000001"],
    "axial_excess": ["2 -> 2.74", "1.0 -> 1.37"],
    # where precession and anisotropy take each other's effect away
    "_lost_by_exponentials": [
        "0.5 -> 0.685",
        f"{DIFFERENCE} -> {DIFFERENCE.replace(' - _', ' + _')}",
        "u2 + 0j -> u2 - 0j",
        "u2 + change -> u2 - change",
        *ELSEWHERE,
    ],
    # in both of two series of which only the quotient counts
    "_tanh_ratio_series": ["_SINH[0] -> _SINH[1]"],  # the last of eight terms
    "_series_and_change": ["value * u2 + coefficient -> value * u2 - coefficient"],
    # what couplings J_xz and J_yz turn
    "_oblique": ["along + off[..., 2, 2] -> along - off[..., 2, 2]"],
}
"""Changes that leave every number here as it is."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "function",
    [
        surviving.surviving_anisotropy,
        surviving._rate_anisotropy,
        surviving.lost_by,
        surviving._lost_by_series,
        surviving._series_and_change,
        surviving._lost_by_exponentials,
        surviving._tanh_ratio_series,
        surviving.rates_apart,
        surviving.tensors_apart,
        surviving.argument_beside,
        matrix_tanh.beside,
        matrix_tanh.parted,
        matrix_tanh.tanh_over_root,
        matrix_tanh.profiles,
        matrix_tanh._smaller_first,
        resistivity._oblique,
        resistivity._shares,
        closed_form.excess_at,
    ],
)
def test_no_wrong_formula_goes_unnoticed(function):
    found = unnoticed(function, lambda: not any(True for _ in beyond()))
    assert found == UNSEEN.get(function.__name__, [])


def turning_is_right():
    """p along local x, q along y, precession w about b, element by element."""
    for p, q, w, b in (
        (0.7, 0.7, 1e-9, (1e-8, 2e-9, 1.0)), (0.7, 0.7, 1e-9, (3e-9, 1.0, 1e-9)),
        (0.7, 0.7, 1e-9, (-0.6, 1e-9, 0.9)), (1.0, 1e-9, 1e-8, (1.5, -1.4, -1e-11)),
    ):  # fmt: skip
        with mp.workdps(40):
            m = tuple(mp.mpf(x) / mp.sqrt(sum(mp.mpf(y) ** 2 for y in b)) for x in b)
            mean, uneven = (mp.mpf(p) + q) / 2, (mp.mpf(p) - q) / 2
            even = accuracy.InFilm(m, mp.mpf(0), mean, uneven, mp.mpf(0))
            odd = accuracy.InFilm(m, mp.mpf(0), mp.mpf(0), mp.mpf(0), mp.mpf(w))
            exact = [
                np.array([[float(of.element(i, j)) for j in range(3)] for i in range(3)])
                for of in (even, odd)
            ]
        found = axes.turned(np.array([[p, w, 0], [-w, q, 0], [0, 0, 0]]), axes.local_axes(b))
        unit = 8 * np.finfo(float).eps
        if not np.all(np.abs(found - sum(exact)) <= unit * np.abs(exact).sum(axis=0)):
            return False
    return True


def test_rotations_leave_small_elements_their_digits():
    assert turning_is_right()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_wrong_rotation_goes_unnoticed():
    # from where on b is near the normal
    assert unnoticed(axes.turned, turning_is_right) == ["0.7 -> 0.959"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", [axial_excess, _less_than_one, _little_less])
def test_no_wrong_average_goes_unnoticed(function):
    assert unnoticed(function, excess_is_right) == UNSEEN.get(function.__name__, [])


@pytest.mark.parametrize("name", ["precession", "longitudinal", "dephasing", "charge_to_spin_rate"])
def test_a_rate_that_is_wrong_by_a_trifle_is_noticed(name):
    with spoiled(f"openmr.rates.closed_form.{name}", lambda rate: rate * (1 + 1e-11)):
        assert next(beyond())


def test_a_changed_record_is_believed_and_not_its_equilibrium():
    """Rates that are not those of the closed form are taken as they are."""
    sample = om.presets.pt_py()
    rates = om.relaxation(sample, 300.0, 0.01)
    assert abs(rates.transverse / rates.longitudinal - 1) < 1e-3
    more = rates.dissipator.copy()
    more[0, 0] *= 1 + 1e-9
    more[1, 1] *= 1 + 1e-9
    changed = om.resistivity(sample.film, replace(rates, dissipator=more), (1, 1, 0))
    same = om.resistivity(sample.film, rates, (1, 1, 0))
    step = 1e-9 * rates.dissipator[0, 0] * 0.25 * sample.film.thickness**2 / sample.film.diffusion
    u = np.sqrt(0.25 * sample.film.thickness**2 / sample.film.diffusion * rates.longitudinal)
    slope = (np.tanh(u) / u - 1 / np.cosh(u) ** 2) / (2 * u * u)
    gained = (changed.drho1 - same.drho1) / sample.film.resistivity
    assert gained == approx(step * slope, rel=1e-3)
