"""Memory of moments and Fermi sea: the Markov limit, how it is approached, what goes wrong."""

from functools import partial

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from systems import antiferromagnet, ferrimagnet, field_for, paramagnet

import openmr as om
from openmr import bath, hilbert, kernels, master
from openmr._qutip import exact_arithmetic
from openmr.rates.routes import tcl2 as route
from openmr.rates.routes.tcl2 import dissipator_in_time, electron_generator, spin_in_time
from openmr.units import HBAR, K_B

bloch_redfield = partial(om.relaxation, method="bloch-redfield")
tcl2 = partial(om.relaxation, method="tcl2")

FILM = om.presets.pt_py((-1e-3, -0.7e-3, -0.5e-3))
HOT, FIELD = 10.0, 5.0
BETA_HBAR = HBAR / (K_B * HOT)


def diagonal(tensor):
    return np.einsum("...ii->...i", tensor)


def slope(x, y):
    return float(np.polyfit(np.log(x), np.log(np.abs(y)), 1)[0])


# --- Markov limit -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kernel", kernels.KERNELS)
@pytest.mark.parametrize("split", [False, True])
def test_wide_band_is_approached_at_first_order(kernel, split):
    """Markov limit against the Redfield tensor: deviations fall as 1/W."""
    widths = np.array([0.3, 1.0, 3.0, 10.0])
    exact = bloch_redfield(FILM, HOT, FIELD, electron_splitting=split).dissipator
    found = np.array(
        [
            tcl2(FILM, HOT, FIELD, half_width=w, kernel=kernel, electron_splitting=split).dissipator
            for w in widths
        ]
    )
    for axis in range(3):
        deviations = found[:, axis, axis] / exact[axis, axis] - 1
        assert slope(widths, deviations) == approx(-1, abs=0.05)  # next order at 0.3 eV
        assert abs(deviations[-1]) < 1e-3
    # a factor 2 or a dropped cross-correlation does not vanish with the band
    assert slope(widths, 2 * found[:, 2, 2] / exact[2, 2] - 1) > -0.1


@pytest.mark.slow
@pytest.mark.parametrize("make", [antiferromagnet, ferrimagnet])
@pytest.mark.parametrize("disorder", ["random", "lattice"])
def test_sublattices_and_disorder(make, disorder):
    """Everything that the tensor route knows, at W = 100 eV where the band counts 1e-4."""
    sample = make(disorder=disorder)
    found = tcl2(sample, [15.0, 300.0], 2.0, half_width=100.0, kernel="flat")
    exact = bloch_redfield(sample, [15.0, 300.0], 2.0)
    np.testing.assert_allclose(
        diagonal(found.dissipator), diagonal(exact.dissipator), rtol=3 * 300 * K_B / 100
    )
    np.testing.assert_allclose(found.precession, exact.precession)
    other = make(disorder="lattice" if disorder == "random" else "random")
    wrong = tcl2(other, 15.0, 2.0, half_width=100.0, kernel="flat").dissipator
    assert abs(wrong[0, 0] / exact.dissipator[0, 0, 0] - 1) > 1e-2


@pytest.mark.parametrize("kernel", kernels.KERNELS)
def test_finite_band_obeys_its_own_spectrum(kernel):
    """At zero field only w = 0 counts: 1/tau = (8/3) S(S+1) J^2/4 G(0) of the finite band."""
    sample = paramagnet(1.5)
    found = tcl2(sample, 50.0, 0.0, half_width=0.3, kernel=kernel, rtol=1e-6)
    wide = bloch_redfield(sample, 50.0, 0.0).dissipator[0, 0]
    band = 0.3 / (50.0 * K_B)
    low = {"exponential": 1.0, "flat": 1 - 4 * np.log(2) / band}[kernel]
    error = float(found.uncertainty.max()) / wide
    assert abs(found.dissipator[0, 0] / wide - low) <= error + {"exponential": 0, "flat": 10}[
        kernel
    ] / band**2  # fmt: skip


def test_an_uncoupled_spin_turns():
    empty = spin_in_time(om.presets.pt_py(0.0), 4.0, FIELD, [0.0, 1e-12], start=(1, 0, 0))
    turn = float(om.relaxation(om.presets.pt_py(0.0), 4.0, FIELD).precession) * 1e-12
    np.testing.assert_allclose(empty[-1], [np.cos(turn), np.sin(turn), 0], atol=1e-8)


@pytest.mark.slow
def test_joint_space_of_electron_and_moment_gives_the_same_memory():
    """Gamma(t) of the electron alone = the joint space projected onto the thermal moment."""
    moments = FILM.magnet.sublattices[0]
    x = float(om.equilibrium(FILM, HOT, FIELD).reduced_splitting[0])
    band = 1.0 / (K_B * HOT)
    for time in (0.05, 0.8, 3.0):
        with exact_arithmetic():
            h = hilbert.hamiltonian([moments.spin], [x])
            a = hilbert.coupling([moments.spin], 0, np.array(moments.exchange) / HBAR)
            sea = om.Bath(correlation=lambda t: kernels.flat_band(t, band))
            joint = master.generator(
                om.OpenSystem(h, [(a, sea)]), "tcl2", time=time, level_shift=False
            )
            projected = hilbert.bloch_tensor(
                hilbert.project(joint.dissipate, hilbert.thermal_moments([moments.spin], [x]))
            )
        noise = 2 * np.pi * moments.density * FILM.electrons.dos * HBAR
        alone = tcl2(FILM, HOT, FIELD, time=time * BETA_HBAR, kernel="flat").dissipator
        largest = np.abs(alone).max()
        np.testing.assert_allclose(noise * projected, alone, rtol=0, atol=1e-10 * largest)


# --- memory -----------------------------------------------------------------------------------


def test_memory_of_a_wide_band_is_a_hyperbolic_cotangent():
    """Gamma(t) = Gamma coth(pi k_B T t / hbar) at zero field, with an error of order 1/W."""
    times = np.array([0.05, 0.1, 0.3, 0.6, 1.0]) * BETA_HBAR
    widths, deviations = np.array([1.0, 3.0, 10.0, 30.0]), []
    sample = paramagnet(2.0)
    limit = bloch_redfield(sample, HOT, 0.0).dissipator[0, 0]
    exact = limit / np.tanh(np.pi * times / BETA_HBAR)
    for w in widths:
        found = dissipator_in_time(sample, HOT, 0.0, times, half_width=w, kernel="flat")
        deviations.append(np.abs(found[:, 0, 0] / exact - 1).max())
    assert slope(widths, deviations) == approx(-1, abs=0.1)
    assert np.abs(found[:, 0, 0] / limit - 1)[0] > 5  # far from Markov at first


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "in_time", "in_width"), [("exponential", 1, 1), ("flat", 3, 2)])
def test_orders_at_which_the_memory_ends(kernel, in_time, in_width):
    """Beyond the thermal exp(-2 pi t) the band's edge leaves a tail in t and W.

    Pure dephasing, where nothing oscillates: t^-1 W^-1 from the kink of the cutoff at w = 0,
    t^-3 W^-2 from the kink of the density of states at e = 0.
    """
    sample = paramagnet(2.0, (0.0, 0.0, 1e-3))
    times, widths = np.array([6.0, 8.0, 12.0, 16.0]), np.array([0.03, 0.06, 0.12, 0.24])
    rest = []
    for w in widths:
        options = {"half_width": w, "kernel": kernel}
        tight = {"rtol": 1e-11} if kernel == "flat" else {"rtol": 1e-4}
        limit = tcl2(sample, HOT, FIELD, **options, **tight).dissipator[0, 0]
        if kernel == "exponential":  # its spectrum at w = 0 is that of the wide band
            limit = bloch_redfield(sample, HOT, FIELD).dissipator[0, 0]
        found = dissipator_in_time(sample, HOT, FIELD, times * BETA_HBAR, **options)
        rest.append(found[:, 0, 0] / limit - 1)
    rest = np.array(rest)
    for row in rest:
        # corrections of order t^-2 = 0.03
        assert slope(times, row) == approx(-in_time, abs=0.1)
    assert slope(widths, rest[:, 1]) == approx(-in_width, abs=0.05)


def test_thermal_memory_decays_as_exp_of_two_pi():
    """Before that tail the deviation falls as exp(-2 pi t k_B T / hbar)."""
    sample = paramagnet(2.0, (0.0, 0.0, 1e-3))
    times = np.array([0.8, 1.0, 1.2, 1.4])
    found = dissipator_in_time(
        sample, HOT, FIELD, times * BETA_HBAR, half_width=30.0, kernel="flat"
    )[:, 0, 0]
    limit = tcl2(sample, HOT, FIELD, half_width=30.0, kernel="flat", rtol=1e-9).dissipator[0, 0]
    rate = np.polyfit(times, np.log(found / limit - 1), 1)[0]
    assert rate == approx(-2 * np.pi, rel=0.01)  # coth: next term exp(-2 pi 0.8) = 0.7 %


@pytest.mark.slow
@pytest.mark.parametrize("kernel", kernels.KERNELS)
def test_memory_time_is_where_one_per_cent_is_left(kernel):
    found = tcl2(FILM, HOT, FIELD, kernel=kernel, memory_time=True)
    memory = float(found.diagnostics["memory_time"])
    assert 0.3 * BETA_HBAR < memory < 3 * BETA_HBAR
    times = memory * np.array([0.9, *np.linspace(1.08, 10, 40)])
    tensors = dissipator_in_time(FILM, HOT, FIELD, times, kernel=kernel)
    away = np.abs(tensors - found.dissipator).max(axis=(1, 2)) / np.abs(found.dissipator).max()
    assert np.all(away[1:] <= 0.01)
    assert away[0] > 0.01


def test_one_time_is_one_of_many():
    times = np.array([0.0, 0.1, 2.0]) * BETA_HBAR
    many = dissipator_in_time(FILM, HOT, FIELD, times, electron_splitting=True)
    for time, tensor in zip(times, many, strict=True):
        one = tcl2(FILM, HOT, FIELD, time=time, electron_splitting=True).dissipator
        np.testing.assert_allclose(one, tensor, atol=1e-7 * np.abs(many).max())
    one = tcl2(FILM, HOT, FIELD, time=times[1])
    generator = electron_generator(FILM, HOT, FIELD, time=times[1])  # for times in beta hbar
    own = hilbert.bloch_tensor(generator.last.superoperator)
    np.testing.assert_allclose(own, one.dissipator * BETA_HBAR, rtol=1e-12, atol=1e-12 * own.max())
    # 1/tau_par is 4 Re(Gamma_xx + Gamma_yy) of the transforms
    assert one.uncertainty.max() * BETA_HBAR == approx(8 * generator.uncertainty)
    assert np.abs(many[0]).max() <= 1e-14 * np.abs(many).max()


# --- slip -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kernel", kernels.KERNELS)
def test_initial_slip_is_its_second_order_integral(kernel):
    """<sigma>(t) -> exp(slip - Gamma t), slip = integral of Gamma(inf) - Gamma(t)."""
    sample = om.presets.pt_py(-1e-3)
    found = tcl2(sample, HOT, FIELD, kernel=kernel)
    rates, slips = diagonal(found.dissipator), diagonal(found.diagnostics["slip"])
    end = route.SLIP_TIME * BETA_HBAR

    def spin(start):
        return spin_in_time(sample, HOT, FIELD, [0.0, end], start=start, kernel=kernel)[-1]

    driven = spin((0, 0, 0))  # K(0) = 0, yet within the memory an unpolarised spin is polarised
    assert abs(driven[2]) > 1e-3
    lengths = [np.hypot(*spin((1, 0, 0))[:2]), (spin((0, 0, 1)) - driven)[2]]
    for length, rate, slip in zip(lengths, rates[[0, 2]], slips[[0, 2]], strict=True):
        # the solver's 1e-10 in each of some hundred steps
        assert np.log(length) + rate * end == approx(slip, abs=1e-7)
        assert slip < -0.01
        assert np.log(length) + rate * end != approx(2 * slip, abs=1e-3)


@pytest.mark.slow
def test_slip_is_of_second_order_in_the_coupling_and_logarithmic_in_the_band():
    couplings = np.array([1e-4, 1e-3])
    slips = [
        tcl2(paramagnet(2.0, j), HOT, 0.0, kernel="flat").diagnostics["slip"][2, 2]
        for j in couplings
    ]
    assert slope(couplings, slips) == approx(2, abs=1e-9)
    sample, widths = paramagnet(2.0), np.array([1.0, 10.0, 100.0])
    rate = bloch_redfield(sample, HOT, 0.0).dissipator[2, 2] * BETA_HBAR
    slips = [
        tcl2(sample, HOT, 0.0, half_width=w, kernel="flat").diagnostics["slip"][2, 2]
        for w in widths
    ]
    # integral of 1 - coth(pi t) down to 1/L
    per_decade = -rate * np.log(10) / np.pi
    np.testing.assert_allclose(np.diff(slips), per_decade, rtol=0.02)  # corrections ln(L)/L


# --- positivity -------------------------------------------------------------------------------

AWRY = om.presets.pt_py((1e-3, 0.0, 0.0))


def maps(film, temperature, times, **options):
    """Maps of the electron spin from time 0, times in beta hbar."""
    memory = electron_generator(film, temperature, FIELD, kernel="flat", **options)
    return master.evolve(memory, memory.system.as_superoperator(np.eye(4)), times)


@pytest.mark.slow
def test_positivity_is_lost_with_the_splitting_kept_and_restored_by_the_secular_form():
    cold, beta_hbar = 2.0, HBAR / (K_B * 2.0)
    given = {"electron_splitting": True, "kernel": "flat"}
    kept = tcl2(AWRY, cold, FIELD, **given, memory_time=True)
    tensor = bloch_redfield(AWRY, cold, FIELD, electron_splitting=True)
    # the same loss as the tensor's, to the finite band
    assert kept.diagnostics["positivity"] == approx(
        float(tensor.diagnostics["positivity"]), rel=1e-2
    )
    assert kept.diagnostics["positivity"] < -0.1
    times = np.concatenate([[0.0], np.geomspace(1e-3, 30, 30)])
    whole = maps(AWRY, cold, times, electron_splitting=True)
    assert whole.lowest_choi.min() == approx(-1.9e-4, abs=2e-5)
    assert 0.001 < whole.crossings[0] < 0.2
    options = {"electron_splitting": True, "resolution": np.inf}
    assert maps(AWRY, cold, times, **options).crossings == ()
    full = tcl2(AWRY, cold, FIELD, kernel="flat", **options)
    assert full.diagnostics["positivity"] >= -1e-12
    assert full.dissipator[0, 0] == approx(full.dissipator[1, 1])
    assert beta_hbar < kept.diagnostics["memory_time"] < 20 * beta_hbar


@pytest.mark.slow
def test_the_splitting_left_out_keeps_the_map_positive_at_any_coupling():
    """One Bohr frequency: the map is exp of a positive form at all times."""
    times = np.concatenate([[0.0], np.geomspace(1e-2, 10, 15)])
    for strength in (1e-3, 2e-2):
        film = om.presets.pt_py((strength, 0.3 * strength, 0.0))
        assert maps(film, 5.0, times).crossings == ()


@pytest.mark.slow
def test_strong_coupling_breaks_even_the_secular_form_at_short_times():
    """Rates beyond k_B T / hbar: negative rates within the memory outweigh what they follow."""
    film = om.presets.pt_py((2e-2, 0.0, 0.0))
    times = np.concatenate([[0.0], np.geomspace(1e-2, 3, 15)])
    options = {"electron_splitting": True, "resolution": np.inf}
    assert maps(film, 2.0, times, **options).lowest_choi.min() < -0.1
    full = tcl2(film, 2.0, FIELD, kernel="flat", **options)
    assert full.diagnostics["positivity"] >= -1e-12


# --- level shift ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kernel", kernels.KERNELS)
@pytest.mark.parametrize("x", [0.5, 3.0])
def test_level_shift_diverges_with_the_band(kernel, x):
    """[L/2 - (x/2) coth(x/2) ln L + const] (n_S nu_F J^2 / hbar) <S_par>, L = W / k_B T.

    The Fermi sea has + ln L and nothing linear: the small space's shift is an artefact.
    """
    sample = paramagnet(2.0)
    field = field_for(x, HOT)
    moments = sample.magnet.sublattices[0]
    mean = float(om.equilibrium(sample, HOT, field).mean_spin[0])
    unit = moments.density * sample.electrons.dos * moments.exchange[2] ** 2 * mean / HBAR
    widths = np.array([3.0, 10.0, 30.0, 100.0])
    shifts = np.array(
        [
            float(
                tcl2(
                    sample, HOT, field, time=30 * BETA_HBAR, half_width=w, kernel=kernel
                ).diagnostics["level_shift"]
            )
            for w in widths
        ]
    )
    bands = widths / (K_B * HOT)
    linear = np.diff(shifts / unit) / np.diff(bands)
    assert linear[-1] == approx(0.5, rel=1e-3)
    logarithm = np.diff(shifts / unit - 0.5 * bands) / np.diff(np.log(bands))
    expected = -0.5 * x / np.tanh(0.5 * x)
    assert logarithm[-1] == approx(expected, rel=0.01)  # next order ln(L)/L = 1e-4, L = 35000


def test_level_shift_changes_no_rate_without_the_splitting():
    """One Bohr frequency: it is a pure precession, the antisymmetric part of the tensor."""
    without = tcl2(FILM, HOT, FIELD)
    with_it = tcl2(FILM, HOT, FIELD, level_shift=True)
    shift = float(with_it.diagnostics["level_shift"])
    difference = with_it.dissipator - without.dissipator
    expected = shift * np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(difference, expected, atol=1e-9 * abs(shift))
    assert abs(shift) > abs(with_it.precession)  # the artefact exceeds the first order


def test_cross_correlation_carries_the_level_shift():
    """<S_x S_y> is i <S_par> / 2: without it the shift is zero."""
    lines = bath.moment_correlator(2.0, 1.0)
    total = lines.weights.sum(axis=0)
    mean = float(om.equilibrium(paramagnet(2.0), HOT, field_for(1.0, HOT)).mean_spin[0])
    assert total[0, 1] == approx(0.5j * mean)


# --- bad input --------------------------------------------------------------------------------


def of(function=tcl2, **changes):
    arguments = {"sample": FILM, "temperature": HOT, "field": FIELD}
    return lambda: function(**{**arguments, **changes})


BAD = [
    (of(time=-1e-12), "`time` must be one real number and >= 0 s, got -1e-12"),
    (of(time="now"), "`time`.*'now'"),
    (of(half_width=0.0), "`half_width` must be.*> 0 eV, got 0"),
    (of(half_width=np.inf), "`half_width`.*inf"),
    (of(kernel="drude"), "`kernel` must be one of 'exponential', 'flat', got 'drude'"),
    (of(resolution=-1e-12), "`resolution` must be one real number and > 0 s, got -1e-12"),
    (of(secular=0.0), "`secular` is now `resolution`, a time in s.*inf is the full.*secular = 0.0"),
    (of(rtol=2.0), "`rtol`.*<= 1"),
    (of(temperature=0.0), "`temperature`"),
    (of(dissipator_in_time, times=[-1e-12]), "`times` must be a list of numbers >= 0 s"),
    (of(dissipator_in_time, times=[np.inf]), "`times`.*inf"),
    (of(dissipator_in_time, times=1e-12), "`times` must be a list"),
    (of(dissipator_in_time, times=[0.0], temperature=[1.0, 2.0]), "`temperature`.*one real"),
    (of(spin_in_time, times=[0.0, 1e-12], start=(1, 1, 1)), "`start`.*length <= 1"),
    (of(spin_in_time, times=[0.0, 1e-12], start=(1, 1)), "`start`.*three numbers"),
    (of(spin_in_time, times=[0.0, 1e-12], solver={"speed": 1}), "`options`"),
    (
        lambda: om.relaxation(FILM, HOT, FIELD, method="tcl2", depth=3),
        "method 'tcl2' takes no option `depth`",
    ),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


@pytest.mark.parametrize("rtol", [1e-9, 5e-324])
def test_a_memory_too_long_is_an_error(rtol):
    with pytest.raises(om.ConvergenceError, match="larger `rtol`"):
        tcl2(FILM, HOT, FIELD, half_width=0.1, rtol=rtol)


def test_nothing_has_happened_at_time_zero():
    found = tcl2(FILM, HOT, FIELD, time=0.0, memory_time=True)
    assert np.all(found.dissipator == 0)
    assert np.all(found.diagnostics["slip"] == 0)
    assert found.diagnostics["memory_time"] == 0
    assert found.precession != 0
