"""The Bath: one noise, many views; sources agree, limits and laws hold, bad input is refused."""

import subprocess
import sys

import numpy as np
import pytest
import qutip
import xarray as xr
from nearness import approx
from refusals import unclear
from scipy.integrate import quad
from scipy.special import dawsn, expi, gamma

import openmr as om
from openmr.bath.sources import Source
from openmr.rates.routes import heom

W = np.array([-2.0, -0.7, -1e-6, 0.0, 1e-6, 0.7, 2.0])


def drude(unit=1.0):
    return om.Bath.drude(0.05 * unit, 1.5 * unit, unit)


def ohmic(unit=1.0, power=1.0):
    return om.Bath.ohmic(0.05, 5 * unit, unit, power)


def lead(unit=1.0, band="lorentz"):
    return om.Bath.lead(0.1 * unit, 20 * unit, 0.6 * unit, unit, band)


def moments(unit=1.0):
    return om.bath.moment_bath([2, 0.5], [unit, -0.3 * unit], [1, 2], 0.7 * unit, cutoff=9 * unit)


BATHS = {
    "drude": drude,
    "drude at a thermal pole": lambda unit=1.0: om.Bath.drude(0.05 * unit, 2 * np.pi * unit, unit),
    "cold drude": lambda unit=1.0: om.Bath.drude(0.05 * unit, 1.5 * unit, 0.0),
    "ohmic": ohmic,
    "cold ohmic": lambda unit=1.0: om.Bath.ohmic(0.05, 5 * unit, 0.0),
    "super-ohmic": lambda unit=1.0: ohmic(unit, 2.5),
    "lead": lead,
    "flat lead": lambda unit=1.0: lead(unit, "flat"),
    "pairs": lambda unit=1.0: om.Bath.electron_hole(0.3, unit, 4 * unit),
    "moments": moments,
    "J": lambda unit=1.0: om.Bath(
        spectral_density=lambda w: 0.1 * w / (1 + (w / unit) ** 4), temperature=unit
    ),
}


@pytest.fixture(params=BATHS)
def make(request):
    return BATHS[request.param]


# --- numbers -------------------------------------------------------------------------------------


def test_drude_reference():
    found = drude().half_sided([-1, 0, 0.7])
    exact = [0.0268604634 - 0.0608834142j, 0.0666666667 - 0.05j, 0.0761224656 - 0.0194316842j]
    np.testing.assert_allclose(found, exact, atol=1e-10)  # the digits that are given


def test_ohmic_reference():
    found = ohmic().half_sided([0, 0.7, -0.7, 2])
    exact = [
        0.157079633 - 0.25j, 0.189885062 - 0.225686374j,
        0.094294131 - 0.250799164j, 0.243547874 - 0.181608787j,
    ]  # fmt: skip
    np.testing.assert_allclose(found, exact, atol=1e-9)


@pytest.mark.parametrize("cutoff", [0.3, 5.0])
def test_cold_ohmic_is_an_exponential_integral(cutoff):
    """lambda = alpha [-wc + w exp(-w/wc) Ei(w/wc)]."""
    x = W[W != 0] / cutoff
    exact = 0.05 * cutoff * (-1 + x * np.exp(-x) * expi(x))
    found = om.Bath.ohmic(0.05, cutoff, 0.0).shift(W[W != 0])
    np.testing.assert_allclose(found, exact, rtol=1e-12)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 30.0])
def test_shift_at_rest_is_the_reorganization(temperature):
    """lambda(0) = -integral J(w)/(pi w) dw, at any temperature: -lambda or -alpha wc."""
    assert om.Bath.drude(0.05, 1.5, temperature).shift(0.0) == approx(-0.05, rel=1e-14)
    assert om.Bath.ohmic(0.05, 5.0, temperature).shift(0.0) == approx(-0.25, rel=1e-12)


@pytest.mark.parametrize("power", [0.5, 0.8, 1.3, 3.5])
def test_cold_shift_at_rest_is_a_gamma_function(power):
    """lambda(0) = -alpha wc Gamma(s), at T = 0, where S begins as w^s."""
    found = om.Bath.ohmic(0.05, 5.0, 0.0, power).shift(0.0)
    assert found == approx(-0.25 * gamma(power), rel=1e-11)


def test_flat_lead_by_subtraction():
    """P integral f(e) / (w - e) de, with f(w) taken off and put back as a logarithm."""
    rate, width, kelvin, mu = 0.1, 20.0, 0.6, 1.0

    def f(e):
        return 0.5 - 0.5 * np.tanh(0.5 * e / kelvin)

    found = lead(band="flat").shift([0.4, 2.5])
    for w, (full, empty) in zip((0.4, 2.5), found[:, [1, 0], [1, 0]].real, strict=True):
        for sign, value in ((-1, full), (1, empty)):
            # c^dag sees the full states at -w, c the empty ones at w
            x = sign * w - mu

            def occupied(e, sign=sign):
                return f(-sign * e)

            def smooth(e, x=x, occupied=occupied):
                return (occupied(e) - occupied(x)) / (x - e) if e != x else 0.0

            part, _ = quad(smooth, -width, width, points=[x, 0], epsabs=1e-12, limit=400)
            part += occupied(x) * np.log((width + x) / (width - x))
            assert value == approx(sign * rate * part / (2 * np.pi), abs=1e-10)


# --- laws that every bath keeps ------------------------------------------------------------------


def test_detailed_balance(make):
    bath = make()
    assert bath.check().lowest >= -1e-12
    if bath.temperature:
        assert bath.check().detailed_balance <= 1e-12


def test_closed_forms_agree_with_quadrature(make):
    """S is the only view that the quadrature knows."""
    source = make()._source
    shift, error = Source.shift(source, W)
    closed, _ = source.shift(W)
    assert np.abs(shift - closed).max() <= error + 1e-12 * np.abs(closed).max()


@pytest.mark.slow
def test_views_scale_with_the_unit(make):
    """Nothing depends on the unit of energy; rounding grows with the digits lost near a kink."""

    def views(unit):
        bath = make(unit)
        return (
            bath.half_sided(unit * W) / unit,
            bath.half_sided(unit * W[::3], 1.3 / unit) / unit,
            bath.correlation([0.02 / unit, 2 / unit]) / unit**2,
        )

    ones = views(1.0)
    for unit in (1e-30, 1e30):
        for found, exact in zip(views(unit), ones, strict=True):
            np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12 * np.abs(exact).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BATHS if name != "flat lead"])
def test_half_sided_transform_begins_at_zero_and_ends_at_the_limit(name):
    """What is left after a time t is no more than the integral of |C| from there."""
    bath = BATHS[name]()
    late = bath.memory_time(1e-3)
    whole = bath.half_sided(W)
    assert np.abs(bath.half_sided(W, 0.0)).max() == 0
    size, _ = quad(lambda t: np.abs(bath.correlation(t)).max(), 0, late, limit=500, epsrel=1e-4)
    left = np.abs(bath.half_sided(W, late) - whole).max()
    assert left <= 2e-3 * size


@pytest.mark.slow
def test_finite_transform_is_the_integral_of_the_correlation(make):
    bath = make()
    time, w = 0.8, 0.7
    found = bath.half_sided(w, time)
    element = (0, 0) if bath.size > 1 else ()

    def part(t, of):
        return of(bath.correlation(t)[element] * np.exp(1j * w * t))

    # an integrable logarithm at t = 0: the substitution takes it out
    real, imaginary = (
        quad(lambda s, of=of: 3 * s**2 * part(s**3, of), 1e-6, time ** (1 / 3), epsabs=1e-10)[0]
        for of in (np.real, np.imag)
    )
    assert abs(found[element] - real - 1j * imaginary) <= 1e-9


@pytest.mark.parametrize("rtol", [1e-2, 1e-4])
def test_exponents_are_as_good_as_they_say(make, rtol):
    bath = make()
    highest, end = np.inf, 12.0
    if getattr(bath._source, "band", "") == "flat":  # no sum comes near a step
        highest, end = 8.0, 6.0
    found = bath.exponents(rtol, highest)
    assert found.uncertainty <= rtol
    assert np.all(found.rates.real > 0)
    again = om.Bath(exponents=found, conserving=bath.conserving)
    w = np.linspace(-end, end, 501)
    largest = np.abs(bath.spectrum(w)).max()
    deviation = np.abs(again._source.spectrum(w).squeeze() - bath.spectrum(w)).max()
    assert deviation <= 1.5 * rtol * largest  # between the points of the fit


@pytest.mark.filterwarnings("ignore:AAA failed")
@pytest.mark.parametrize(("cutoff", "rtol"), [(1.0, 1e-8), (0.999, 1e-8), (0.01, 1e-6)])
def test_no_exponent_is_slower_than_the_bath(cutoff, rtol):
    """Poles that only follow the noise of a fit would make a memory of 1e10 of its times."""
    rates = om.Bath.drude(0.1, cutoff, 1.0).exponents(rtol).rates
    assert rates.real.min() == approx(cutoff, rel=1e-3)


def test_few_exponents_do_below_a_highest_frequency():
    """A Drude bath needs its own rate and a few thermal ones; white noise is the rest."""
    found = drude().exponents(1e-4, highest=20.0)
    assert len(found.rates) <= 4
    assert found.rates[0] == approx(1.5, rel=1e-3)
    assert 0 < found.delta < 0.02
    again = om.Bath(exponents=found)
    np.testing.assert_allclose(again.spectrum(W), drude().spectrum(W), atol=2e-5)


# --- one noise from every source -----------------------------------------------------------------


def sources():
    exact = ohmic()
    exponents = exact.exponents(1e-6)
    return {
        "spectrum": om.Bath(exact.spectrum, temperature=1.0),
        "spectrum of numbers": om.Bath(
            lambda w: 0.1 * np.pi * w / (1 - np.exp(-w)) * np.exp(-abs(w) / 5) if w else np.pi / 10
        ),
        "density": om.Bath(
            spectral_density=lambda w: 0.05 * np.pi * w * np.exp(-w / 5), temperature=1.0
        ),
        "correlation": om.Bath(correlation=exact.correlation, temperature=1.0),
        "exponents": om.Bath(exponents=exponents),
        "pair": om.Bath(exponents=(exponents.coefficients, exponents.rates)),
        "environment": om.Bath(environment=exact.environment()),
        "exponential environment": om.Bath(environment=exact.environment(1e-6)),
    }


@pytest.mark.slow
def test_all_sources_of_one_noise_agree():
    exact = ohmic().half_sided(W)
    for name, bath in sources().items():
        allowed = 1e-9 if "exp" not in name and name != "pair" else 1e-5
        found = bath.half_sided(W)
        np.testing.assert_allclose(found, exact, rtol=0, atol=allowed, err_msg=name)
        assert np.abs(found - exact).max() <= bath.uncertainty(W) + 1e-5 * (allowed > 1e-9)


def test_power_tails_are_extrapolated_and_their_error_is_stated():
    """C ~ t^-2, T > 0: no panel reaches the end, the powers do."""
    for bath in (ohmic(), om.Bath.ohmic(0.05, 5.0, 0.0, 1.3)):
        again = om.Bath(correlation=bath.correlation)
        error = np.abs(again.half_sided(W) - bath.half_sided(W)).max()
        assert error <= again.uncertainty(W) <= 1e-7


@pytest.mark.parametrize("width", [1e-1, 1e-3, 1e-5])
def test_a_narrow_line_is_not_missed(width):
    """A damped mode on a broad background; the stated error holds at and beside the line."""
    exact = om.Bath(exponents=([1.0, 0.1], [width + 1.2345j, 2.0]))
    found = om.Bath(exact.spectrum)
    w = 1.2345 + width * np.array([-1e3, -1.0, 0.0, 0.5, 1e4])
    error = np.abs(found.half_sided(w) - exact.half_sided(w)).max()
    assert error <= found.uncertainty(w) <= 1e-9 * np.abs(exact.half_sided(w)).max()
    np.testing.assert_allclose(found.correlation(3.0), exact.correlation(3.0), atol=1e-11)


def test_the_error_of_a_spectrum_that_diverges_is_stated():
    """S ~ |w|^-0.2 at w = 0, from two formulas, of which one may not go near."""
    exact = om.Bath.ohmic(0.05, 5.0, 1.0, 0.8)
    found = om.Bath(exact.spectrum)
    error = np.abs(found.shift([0.1, 1.0]) - exact.shift([0.1, 1.0])).max()
    assert error <= found.uncertainty([0.1, 1.0]) <= 1e-6


@pytest.mark.parametrize("width", [1e-2, 1.5e-3])
def test_a_line_without_wings_is_not_missed(width):
    """A Gaussian, which is nothing beside itself; its principal part is Dawson's function."""

    def line(w):
        return np.exp(-0.5 * ((w - 1.2345) / width) ** 2) + 0.1 * np.exp(-0.5 * w**2)

    def principal(w):
        return (dawsn((w - 1.2345) / width / 2**0.5) + 0.1 * dawsn(w / 2**0.5)) / np.pi**0.5

    found = om.Bath(line)
    w = np.array([-1.0, 0.0, 1.2345 - width, 1.2345, 2.0])
    error = np.abs(found.shift(w) - principal(w)).max()
    assert error <= found.uncertainty(w) <= 1e-9


@pytest.mark.slow
def test_a_matrix_of_noise():
    """Fully correlated operators A_1, A_2 = i A_1 are one operator."""
    one = om.Bath.ohmic(0.05, 5.0, 1.0)
    shape = np.array([[1, -1j], [1j, 1]])
    bath = om.Bath(lambda w: one.spectrum(w) * shape, temperature=None)
    assert bath.size == 2
    np.testing.assert_allclose(
        bath.half_sided(W), one.half_sided(W)[:, None, None] * shape, atol=1e-9
    )
    fitted = bath.exponents(1e-3)
    again = om.Bath(exponents=fitted)._source.spectrum(W)
    np.testing.assert_allclose(again, bath.spectrum(W), atol=2e-3)


@pytest.mark.parametrize("name", ["drude", "ohmic", "pairs", "J"])
def test_environment_of_qutip(name):
    bath = BATHS[name]()
    theirs = bath.environment()
    assert isinstance(theirs, qutip.BosonicEnvironment)
    w = W[W != 0]
    np.testing.assert_allclose(theirs.power_spectrum(w), bath.spectrum(w), rtol=1e-9)
    t = np.array([0.1, 1.0])
    fitted = bath.environment(1e-5)
    # the error of C adds up that of S over the width of the spectrum
    np.testing.assert_allclose(fitted.correlation_function(t), bath.correlation(t), atol=1e-4)


def test_environment_of_the_films_hierarchy():
    """G0 K(w) / (1 + (w/gamma)^2) is a Drude bath; its Pade form comes near with the terms."""
    strength, width = 2.0, 7 * np.pi
    exact = om.Bath.drude(0.25 * strength * width, width, 1.0)
    errors = []
    for terms in (2, 3, 4):
        bath = om.Bath(environment=heom.bath(strength, width, terms).environment())
        assert bath.spectrum(0.0) == approx(strength, rel=1e-14)
        errors.append(np.abs(bath.spectrum(W) - exact.spectrum(W)).max())
    assert errors[1] < 1e-2 * errors[0]
    assert errors[2] < 1e-2 * errors[1]


def test_fermionic_environment_of_qutip():
    bath = lead()
    for theirs, allowed in ((bath.environment(), 1e-14), (bath.environment(1e-4), 2e-5)):
        mine = bath.spectrum(W)
        minus, plus = theirs.power_spectrum_minus(W), theirs.power_spectrum_plus(-W)
        np.testing.assert_allclose(minus, mine[:, 0, 0].real, atol=allowed)
        np.testing.assert_allclose(plus, mine[:, 1, 1].real, atol=allowed)
        again = om.Bath(environment=theirs)
        assert (again.conserving, again.potential, again.temperature) == (True, 1.0, 0.6)
        np.testing.assert_allclose(again._source.spectrum(W), mine, atol=allowed)
    # a band that is not centred on the potential has no name here: S obeys detailed balance
    theirs = qutip.core.environment.LorentzianEnvironment(T=0.6, mu=1.0, gamma=0.1, W=3.0, omega0=0)
    found = om.Bath(environment=theirs).spectrum(W)
    np.testing.assert_allclose(found[:, 1, 1], theirs.power_spectrum_plus(-W), rtol=1e-12)


def test_bath_of_the_moments_is_the_product_of_their_correlations():
    """C_ab(t) = <S_a(t) S_b> K(t), line by line."""
    kelvin, band = 0.7, 9 / 0.7

    def product(t):
        spins = sum(
            strength * om.bath.moment_correlation(spin, x / kelvin, t * kelvin)
            for spin, x, strength in ((2, 1.0, 1), (0.5, -0.3, 2))
        )
        pairs = om.kernels.exponential_cutoff(t * kelvin, band)
        return kelvin**2 * spins * pairs[..., None, None]

    found = moments().correlation([0.05, 0.4, 2.0])
    exact = product(np.array([0.05, 0.4, 2.0]))
    np.testing.assert_allclose(found, exact, atol=1e-12 * np.abs(product(np.zeros(1))).max())


# --- what cannot be ------------------------------------------------------------------------------


def structured(w):
    return 5e-4 * w**3


@pytest.mark.parametrize(
    "bath",
    [om.Bath(spectral_density=structured, temperature=2.0), om.Bath.electron_hole(1, 1)],
    ids=["w^3", "pairs"],
)
def test_rates_without_a_shift(bath):
    """A spectrum that rises without end has rates, and no principal part."""
    assert np.all(bath.spectrum(W) >= 0)
    assert not bath.has_shift
    assert unclear([(lambda: bath.half_sided(0.3), "`level_shift` must be False")]) == {}
    assert unclear([(lambda: bath.correlation(0.3), "must fall off")]) == {}
    assert drude().has_shift


def test_a_density_that_is_nothing_at_zero():
    """A Gaussian line, whose J(0) is 1e-44: what is divided by w stays nothing."""
    for kelvin in (0.01, 1.0):
        bath = om.Bath(
            spectral_density=lambda w: np.exp(-((10 * (w - 1)) ** 2)), temperature=kelvin
        )
        assert bath.spectrum(0.0) == 0
        assert bath.spectrum(1.0) == approx(2 / (1 - np.exp(-1 / kelvin)), rel=1e-14)


def test_an_environment_of_negative_noise_is_refused():
    """Its closed form would be taken as it stands."""
    for environment, name in (
        (qutip.DrudeLorentzEnvironment(T=1, lam=-0.05, gamma=1.5), "lam"),
        (qutip.DrudeLorentzEnvironment(T=1, lam=0.05, gamma=-1.5), "gamma"),
        (qutip.OhmicEnvironment(T=1, alpha=-0.1, wc=5, s=1), "alpha"),
        (qutip.LorentzianEnvironment(T=1, mu=0.5, gamma=-0.1, W=20), "gamma"),
    ):
        with pytest.raises(om.ParameterError, match=rf"`environment.{name}` must be .*> 0, got -"):
            om.Bath(environment=environment)
    for kelvin in (-1, None, np.nan):
        with pytest.raises(om.ParameterError, match=r"`environment\.T` must be one real"):
            om.Bath(environment=qutip.DrudeLorentzEnvironment(T=kelvin, lam=0.05, gamma=1.5))


def test_a_function_may_write_into_what_it_gets():
    def careless(w):
        found = np.exp(-(w**2))
        if np.ndim(w):
            w[:] = 7.0
        return found

    kept = om.Bath(careless)
    assert np.array_equal(kept.spectrum(W), np.exp(-(W**2)))


def nan(w):
    return w / (1 - np.exp(-w))


def test_bad_input():
    bath = om.Bath
    rows = [
        (lambda: bath(nan).spectrum([1.0, 0.0]), r"`spectrum` must be finite and real .* got nan"),
        (lambda: bath(nan).half_sided(0.0), r"w = 0 \(0/0\? give the limit, or use `spectral_den"),
        (lambda: bath(lambda w: np.inf).spectrum(0.3), "got inf at w = 0.3"),
        (lambda: bath(lambda w: w).spectrum([1, -2]), "must not be negative, got S = -2 at w = -2"),
        (lambda: bath(lambda w: 1 + 1j).spectrum(0.5), r"real .* got \(1\+1j\) at w = 0.5"),
        (lambda: bath(lambda w: "a"), "must give numbers, got 'a'"),
        (
            lambda: bath(lambda w: np.ma.array(1 + 0 * w, mask=w > 0)).spectrum(W),
            "`spectrum` must give numbers, got .*mask",
        ),
        (lambda: bath(lambda w: xr.DataArray(w * w, attrs={"units": "meV"})), "in meV"),
        (lambda: bath(lambda w: np.ones(3)), r"one number, or a matrix \(n, n\), got shape \(3,\)"),
        (lambda: bath(lambda: 1.0), "must be a function of one number"),
        (lambda: bath("ohmic"), r"function of one number, got 'ohmic' \(str\)"),
        (lambda: bath(drude()), r"`spectrum` must be a function"),
        (bath, "exactly one of `spectrum` and `spectral_density` and.*got None"),
        (lambda: bath(nan, correlation=nan), "got `spectrum` and `correlation`$"),
        (lambda: bath(spectral_density=nan), "`temperature` must be given beside"),
        (
            lambda: bath(lambda w: np.exp(-w * w), temperature=2.0).spectrum(1.0),
            r"detailed balance at `temperature` 2: S\(w\)/S\(-w\) is 1 at w = 1, .* = 1.64872",
        ),
        (
            lambda: bath(spectral_density=np.sqrt, temperature=1.0).spectrum(0.0),
            "`spectral_density` must be finite",
        ),
        (
            lambda: bath(lambda w: [[1, 1], [0, 1]]).spectrum(0.0),
            "must be Hermitian, got a deviation of 1 at w = 0",
        ),
        (
            lambda: bath(lambda w: [[1, 2], [2, 1]]).spectrum(0.0),
            "no negative eigenvalue, got S = -1",
        ),
        (lambda: bath(exponents=([1], [-1])), r"positive real part, got \(-1"),
        (lambda: bath(exponents=([1, 2], [1])), r"shapes \(k,\) or \(k, n, n\)"),
        (lambda: bath(exponents=3), r"must be a pair \(c, nu\), got 3"),
        (lambda: bath(environment=3), "must be a QuTiP environment, got a int"),
        (lambda: bath(nan, potential=1.0), r"`potential` must be that of a conserving bath"),
        (lambda: bath(nan, conserving=True), r"must be a matrix \(2, 2\)"),
        (
            lambda: bath(environment=drude().environment(), temperature=2.0),
            "`temperature` must be the environment's, 1, got 2",
        ),
        (lambda: bath.drude(-1, 1, 1), "`reorganization` must be one real number and > 0"),
        (lambda: bath.lead(1, 1, 0.0), "`temperature` must be one real number and > 0"),
        (lambda: bath.lead(1, 1, 1, band="wide"), "`band` must be one of 'lorentz', 'flat'"),
        (lambda: drude().spectrum(np.nan), "`w` must be finite"),
        (lambda: drude().correlation(-1.0), "`t` must be >= 0, got -1"),
        (lambda: drude().half_sided(0.0, -1.0), "`time` must be one real number and >= 0"),
        (lambda: moments().environment(), "must be of one operator, got a bath of 3"),
        (lambda: drude().environment(rtol=-1), "`rtol` must be one real number and > 0, got -1"),
        (lambda: drude().environment("fine"), "`rtol` must be one real number.*'fine'"),
        (lambda: bath(nan, conserving="x"), "`conserving` must be True or False, got 'x'"),
        (
            lambda: bath.ohmic(0.1, 2, 1, 0.5).spectrum(0.0),
            "at w = 0 .J falls more slowly .* give a `spectrum` with any finite value at 0",
        ),
        (lambda: bath.electron_hole(1, 1).exponents(), "exponents need a bath with a cutoff"),
        (lambda: drude().exponents(1e-15), "or a larger `rtol`.: its spectrum falls to .* 3e-17"),
        (
            lambda: bath(environment=drude().environment().approximate("matsubara", Nk=1)).spectrum(
                -20.0
            ),
            "must not be negative, .* cut short. give more terms, or the environment",
        ),
        (lambda: bath(lambda w: np.nan).check(), "must be finite and real"),
    ]
    assert unclear(rows) == {}


def test_what_does_not_decay_says_so():
    with pytest.raises(om.ConvergenceError, match="have not decayed"):
        om.Bath(correlation=np.cos).half_sided(1.0)
    with pytest.raises(om.ConvergenceError, match="does not decay"):
        om.Bath(correlation=lambda t: 1.0 + 0 * t).memory_time()
    with pytest.raises(om.ConvergenceError, match="only as 1/t"):
        lead(band="flat").memory_time()  # a step makes sin(W t) / t
    with pytest.raises(om.ConvergenceError, match=r"not smooth enough .* level_shift=False"):
        om.Bath.ohmic(0.1, 2.0, 1.0, 0.5).shift(1.3)


@pytest.mark.parametrize("unit", [1e-39, 1e-3, 1.0, 1e22])
def test_exponents_in_any_unit(unit):
    """Also where rounding makes the rational approximant end without a pole."""
    found = om.Bath.drude(0.01 * unit, 2 * unit, 0.5 * unit).exponents(1e-8)
    assert found.uncertainty <= 1e-8


def test_a_bath_that_is_silent():
    found = om.Bath(lambda w: 0.0).check()
    assert (found.lowest, found.memory_time, found.has_shift) == (0, 0, True)


def test_memory_time_of_an_exponential():
    """All but a thousandth is over after ln(1000)/nu; the times go in steps of a sixth."""
    bath = om.Bath(exponents=([1.0], [2.0]))
    assert bath.memory_time() == approx(np.log(1e3) / 2, rel=0.2)


def test_neither_import_nor_use_needs_qutip():
    script = (
        "import sys, openmr as om\n"
        "assert not {'scipy', 'qutip'} & set(sys.modules)\n"
        "om.Bath.drude(1, 1, 1).half_sided(0.3)\n"
        "assert 'qutip' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
