"""Hierarchical equations of motion against second order, exact answers and wrong versions of it."""

from dataclasses import replace
from functools import partial
from math import factorial

import numpy as np
import pytest
import qutip
import scipy.linalg
from nearness import approx
from refusals import unclear
from systems import antiferromagnet, film_of, paramagnet
from systems import ferrimagnet as big_ferrimagnet

import openmr as om
from openmr import hilbert
from openmr._checks import ConvergenceError, ExtractionError, SizeError
from openmr.master import hierarchy
from openmr.master.memory import scaled
from openmr.rates.plateau import STEP, STEPS, WINDOW, find_plateau, relaxation_part
from openmr.rates.routes import heom as route
from openmr.units import HBAR, K_B

heom = partial(om.relaxation, method="heom")

COLD = (4.0, 14.0)  # beta eps_L = 4.7: flips are rare, and what second order leaves out shows
MILD = (10.0, 5.0)
THERMAL = om.units.K_B * MILD[0]  # eV


def film(exchange_energy, spin=0.5, **more):
    return om.presets.pt_py(exchange_energy, spin=spin, curie_temperature=0.0, **more)


def deviation(exchange_energy, point=COLD, **options):
    """Relative deviation of the diagonal rates from Bloch-Redfield, and its uncertainty."""
    sample = film(exchange_energy)
    split = options.get("electron_splitting", False)
    found = heom(sample, *point, **options)
    second = om.relaxation(sample, *point, method="bloch-redfield", electron_splitting=split)
    scale = np.diag(second.dissipator)
    return np.diag(found.dissipator) / scale - 1, np.diag(found.uncertainty) / scale


def record(space, coupling, width, terms, depth, held):
    return route._recorded(space, route._hierarchy(space, coupling, width, terms, depth), held)


def recorded(exchange_energy, terms, depth, width=15 * np.pi, point=COLD, held=True):
    """Last recorded rates over those of second order, less 1, with no convergence control."""
    sample = film(exchange_energy)
    state = om.equilibrium(sample, *point)
    (space,) = hilbert.moment_spaces(sample, state)
    coupling = space.noise * HBAR / (K_B * point[0])
    last = record(space, coupling, width, terms, depth, held)[-1]
    second = om.relaxation(sample, *point, method="bloch-redfield").dissipator
    return np.diag(relaxation_part(last)) / np.diag(second) / (HBAR / (K_B * point[0])) - 1


def slope(x, y):
    return np.polyfit(np.log(x), np.log(np.abs(y)), 1)[0]


# --- second order, and the order of what is beyond it ------------------------------------------


@pytest.mark.slow
def test_deviation_from_second_order_is_of_first_order_in_the_noise():
    """Relative deviation ~ G0 ~ J^2; the next order is G0 times some units, 2 % at most here."""
    exchange = np.array([5e-5, 2e-4])
    found = np.array([deviation(j, moment="held", rtol=1e-5)[0] for j in exchange])
    assert slope(exchange**2, found[:, 2]) == approx(1.0, abs=0.02)
    assert slope(exchange**2, found[:, 0]) == approx(1.0, abs=0.02)


@pytest.mark.slow
def test_free_moment_deviates_at_the_same_order():
    """Its window moves with ln G0, by a quarter of a thermal time per step: hence the bound.

    Where it is colder, the couplings of one and ten per cent below say the same.
    """
    exchange = np.array([1e-4, 4e-4])
    found = np.array([deviation(j, MILD)[0] for j in exchange])
    assert slope(exchange**2, found[:, 2]) == approx(1.0, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("exchange", [-2e-5, (2e-5, 1e-5, -1.5e-5)])
@pytest.mark.parametrize("split", [False, True])
def test_weak_coupling_is_bloch_redfield(exchange, split):
    """To G0 = 1e-5 and what the route says of itself."""
    found, error = deviation(exchange, moment="held", electron_splitting=split)
    assert np.all(np.abs(found) <= error + 3e-5)


@pytest.mark.slow
@pytest.mark.parametrize("disorder", ["random", "lattice"])
def test_disorder_and_spin_one(disorder):
    sample = film(5e-5, spin=1.0, disorder=disorder)
    found = heom(sample, *MILD)
    second = om.relaxation(sample, *MILD, method="bloch-redfield")
    ratio = np.diag(found.dissipator) / np.diag(second.dissipator)
    np.testing.assert_allclose(ratio, 1.0, atol=2e-4)  # 4 G0
    assert found.precession == approx(float(second.precession), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "exchange", "level"),
    [
        ("free", 0.133e-3, 0.01),
        ("free", 0.424e-3, 0.1),
        ("held", 0.45e-3, 0.01),
        ("held", 1.5e-3, 0.1),
    ],
)
def test_couplings_at_which_the_deviation_reaches_one_and_ten_percent(moment, exchange, level):
    """4 K, 14 T, S = 1/2; a free moment's back-action comes first, at a tenth of the noise."""
    found, error = deviation(exchange, moment=moment, rtol=1e-3)
    assert found[2] == approx(-level, rel=0.1)
    assert error[2] < 0.3 * level


def test_what_is_returned_is_the_generator_of_the_electrons_own_map():
    """d/dt Phi Phi^-1 from finite differences of Phi itself; the moment is traced out.

    Five-point differences of step 1/8 err by h^4 Phi^(5) / 30, some 1e-3 of the memory's tail.
    """
    sample = film(4e-4)
    state = om.equilibrium(sample, *MILD)
    (space,) = hilbert.moment_spaces(sample, state)
    coupling, width = space.noise * HBAR / (K_B * MILD[0]), 7 * np.pi
    found = record(space, coupling, width, 4, 3, False)
    system = route._system(space, coupling, width, 4)
    solver = hierarchy.HEOMSolver(
        qutip.liouvillian(space.hamiltonian) - route.principal_part(system),
        (system.couplings[0].bath.environment(), system.couplings[0].operators[0]),
        3,
        options={"progress_bar": "", "rtol": 1e-11, "atol": 1e-13},
    )
    axes = [qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()]
    times = 2.0 + 0.125 * np.arange(-2, 3)
    maps = np.zeros((5, 4, 4))
    for column, start in enumerate(axes):
        runs = solver.run(qutip.tensor(start, space.moment), [0.0, *times]).states[1:]
        for row, axis in enumerate(axes):
            for t, state_then in enumerate(runs):
                maps[t, row, column] = 0.5 * (state_then.ptrace(0) * axis).tr().real
    weights = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / (12 * 0.125)
    by_hand = np.tensordot(weights, maps, 1) @ np.linalg.inv(maps[2])
    rates, exact = relaxation_part(found[round(2.0 / STEP)]), relaxation_part(by_hand)
    np.testing.assert_allclose(rates, exact, atol=1e-5 * np.abs(exact).max())


# --- exact answers at any coupling -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["held", "free"])
def test_pure_dephasing_of_spin_half_is_exact(moment):
    """Jz alone with S_z^2 = 1/4: one Gaussian phase, so second order is exact at any coupling."""
    sample = film((0.0, 0.0, 4e-3))
    found = heom(sample, *MILD, moment=moment, rtol=1e-6)
    second = om.relaxation(sample, *MILD, method="bloch-redfield").dissipator
    assert found.diagnostics["coupling"] > 0.2
    largest = second.max()
    # the extrapolation in the band leaves the memory's tail and the depth's rtol
    np.testing.assert_allclose(found.dissipator, second, atol=1e-5 * largest)


def test_free_moment_of_spin_one_dephases_by_its_populations():
    """Jz alone: Phi_xx(t) = sum_m p_m exp(-m^2 g(t)), g = int_0^t (t - s) Re C(s) ds.

    The noise turns the spin by m: its two levels differ by m in A = -(1/2) sigma_z S_z.
    """
    sample = film((0.0, 0.0, 1e-3), spin=1.0)
    state = om.equilibrium(sample, *MILD)
    (space,) = hilbert.moment_spaces(sample, state)
    coupling, width, terms = 0.02, 7 * np.pi, 4
    found = -record(space, coupling, width, terms, 4, False)[:, 1, 1]
    bath = route.bath(coupling, width, terms).exponents()
    t = STEP * np.arange(STEPS + 1)
    phase, rate = np.zeros_like(t), np.zeros_like(t)
    for c, nu in zip(bath.coefficients.real, bath.rates.real, strict=True):
        rate += c / nu * (1 - np.exp(-nu * t))
        phase += c / nu * (t - (1 - np.exp(-nu * t)) / nu)
    p, m2 = np.diag(space.moment.full()).real, np.array([1.0, 0.0, 1.0])
    decay = p * np.exp(-m2 * phase[:, None])
    exact = (decay * m2 * rate[:, None]).sum(axis=1) / decay.sum(axis=1)
    # depth 4 leaves out (G0/2)^4 or so
    np.testing.assert_allclose(found, exact, atol=1e-6 * exact.max())


def test_krylov_exponential():
    rng = np.random.default_rng(1)
    n = 60
    stiff = -np.diag(np.linspace(0, 300, n)) + rng.normal(size=(n, n)) + 0j
    start = rng.normal(size=n) + 0j
    found = hierarchy.krylov_exponential(hierarchy.csr_array(stiff), start, 0.7)
    exact = scipy.linalg.expm(0.7 * stiff) @ start
    np.testing.assert_allclose(found, exact, atol=1e-11 * np.abs(exact).max())
    gone = hierarchy.krylov_exponential(hierarchy.csr_array(stiff), 0 * start, 0.7)
    np.testing.assert_array_equal(gone, 0)


@pytest.mark.parametrize("dense", [0, 150])
def test_steps_are_those_of_qutips_integrator(monkeypatch, dense):
    """One by one or by whole exponentials, even or not."""
    monkeypatch.setattr(hierarchy, "_DENSE", dense)
    bath, h = route.bath(0.05, 7 * np.pi, 2), 0.4 * qutip.sigmaz()
    system = om.OpenSystem(h, [(qutip.sigmax(), bath)])
    own = hierarchy.Hierarchy(scaled(system, 1e-15), 2)
    start = np.zeros((own.matrix.shape[0], 4), dtype=complex)
    start[:4] = np.eye(4)
    times = np.array([0.0, 0.5, 1.0, 1.5, 1.7])
    found = [y[:4] for y in hierarchy.stepped(own.matrix, start, own.problem.unit * times)]
    options = {"progress_bar": "", "rtol": 1e-10, "atol": 1e-12}
    solver = hierarchy.HEOMSolver(h, (bath.environment(), qutip.sigmax()), 2, options=options)
    for n, unit in enumerate(np.eye(4)):
        states = solver.run(qutip.Qobj(unit.reshape(2, 2).T), times).states
        exact = np.array([state.full().ravel("F") for state in states])
        np.testing.assert_allclose(np.array(found)[:, :, n], exact, atol=1e-7)


def test_plateau_is_after_the_memory_and_before_a_late_accident():
    """A drift that grows and stops: the lasting search takes the stop, the other the start."""
    t = STEP * np.arange(STEPS + 1)
    generators = np.zeros((len(t), 4, 4))
    drift = 1.0 - np.exp(-2 * np.pi * t) + 0.01 * np.minimum(t, 3.0) ** 2
    generators[:, [1, 2, 3], [1, 2, 3]] = -drift[:, None]
    early, late = find_plateau(generators, False), find_plateau(generators, True)
    assert 0.5 <= early.start <= 1.25
    assert late.first + WINDOW == STEPS
    assert late.end == STEP * STEPS == late.start + STEP * WINDOW
    inside = drift[early.window]
    assert early.largest == approx(inside.mean())
    assert early.variation[0, 0] == approx(np.ptp(inside))


# --- convergence, and that its loss is noticed ---------------------------------------------------


@pytest.mark.slow
def test_rates_converge_with_the_cutoff_as_its_inverse():
    """Deviations of the held moment's rates at gamma, 3 gamma, 9 gamma; next order (x/gamma)."""
    found = np.array([recorded(2e-4, 8, 3, w * np.pi, MILD) for w in (7, 21, 63)])
    steps = np.diff(found, axis=0)
    order = np.log(steps[0] / steps[1]) / np.log(3)
    np.testing.assert_allclose(order[[0, 2]], 1.0, atol=0.1)


def test_what_the_cutoff_does_is_extrapolated_away(monkeypatch):
    """Rates that go as 1/gamma come out at an infinite cutoff, and the last step is the error."""
    infinite, first = np.diag([0.0, 0.3, 0.3, 0.2]), np.diag([0.0, 1.0, -2.0, 3.0])
    turning = np.zeros((4, 4))
    turning[1, 2], turning[2, 1] = 0.05, -0.05

    class Stub:
        def __init__(self, space, coupling, width, terms, depth):
            self.width, self.exponents, self.depth = width, [0] * (terms + 1), depth

    def recorded_at(space, one, held):
        return np.tile(-(infinite + first / one.width + turning), (STEPS + 1, 1, 1))

    monkeypatch.setattr(route, "_hierarchy", Stub)
    monkeypatch.setattr(route, "_recorded", recorded_at)
    (space,) = hilbert.moment_spaces(FILM, om.equilibrium(FILM, *MILD))
    knobs = route._Knobs(False, None, 1e-4, 12, 8)
    found = route._of_space(space, 0.01, 0.0, THERMAL, knobs)
    np.testing.assert_allclose(found.dissipator, infinite[1:, 1:], atol=1e-15)
    last = np.abs(first[1:, 1:]) / (route.WIDER * found.diagnostics["drude_cutoff"])
    np.testing.assert_allclose(found.uncertainty, last, atol=1e-15)
    narrow = np.abs(infinite + first / found.diagnostics["drude_cutoff"]).max()
    assert found.diagnostics["cutoff_change"] == approx(last.max() / narrow, rel=1e-12)
    assert found.diagnostics["cutoff_change"] > 0.1  # of the largest rate: no idle test
    assert found.diagnostics["remaining_shift"] == approx(0.05, rel=1e-12)


def test_undressed_coupling_errs_as_the_inverse_square_of_the_cutoff(monkeypatch):
    monkeypatch.setattr(route, "dressed", lambda hamiltonian, operator, width: operator)
    widths = np.array([15, 30, 60]) * np.pi
    found = np.array([recorded(1e-5, 4, 2, w)[2] for w in widths])
    # 1/(1 + y) for 1 - y at the narrowest, y = (4.7/47)^2; rounding 1e-5 of 6e-4 at the widest
    assert slope(widths, found) == approx(-2.0, abs=0.03)


@pytest.mark.slow
def test_too_few_terms_or_levels_are_noticed():
    converged = recorded(5e-4, 5, 4)[2]
    assert converged == approx(-0.007, abs=0.001)
    for terms, depth in ((1, 4), (5, 1)):
        assert abs(recorded(5e-4, terms, depth)[2] - converged) > 0.1
    plain = heom(film(5e-4), *COLD, moment="held").diagnostics
    assert plain["terms"] >= 4
    assert plain["depth"] >= 3
    assert max(plain["terms_change"], plain["depth_change"]) <= 1e-4


def plain_pade(coupling, width, terms):
    drude = route.DrudeLorentzEnvironment(T=1.0, lam=0.25 * coupling * width, gamma=width)
    taken = om.Bath(environment=drude.approximate("pade", Nk=terms)).exponents()
    return om.Bath(exponents=replace(taken, uncertainty=1.0))  # or its negative noise is refused


@pytest.mark.slow
def test_qutips_own_weights_need_twice_the_terms(monkeypatch):
    """With half the terms their spectrum is white noise, a hundred times the rate; ours holds."""
    good = recorded(1e-5, 8, 2, 7 * np.pi)[2]
    assert abs(good) <= 1e-5
    assert abs(recorded(1e-5, 4, 2, 7 * np.pi)[2] - good) <= 1e-5
    monkeypatch.setattr(route, "bath", plain_pade)
    assert abs(recorded(1e-5, 10, 2, 7 * np.pi)[2] - good) <= 1e-3
    assert abs(recorded(1e-5, 4, 2, 7 * np.pi)[2]) > 10


@pytest.mark.slow
def test_principal_part_would_contaminate_the_rates(monkeypatch):
    """Left in, its level shift turns spin and moment about each other, the more the wider."""

    def worst(width):
        found = recorded(5e-4, 4, 3, width * np.pi, MILD, held=False)
        return np.abs(found).max()

    clean = worst(7), worst(21)
    monkeypatch.setattr(
        route, "principal_part", lambda system: 0 * qutip.liouvillian(system.hamiltonian)
    )
    raw = worst(7), worst(21)
    assert clean[1] < 1.5 * clean[0]
    assert raw[1] > 3 * raw[0]
    assert raw[1] > 3 * clean[1]


@pytest.mark.slow
def test_a_wrong_factor_is_noticed(monkeypatch):
    """Twice the noise in the bath is no second-order rate within the uncertainty."""
    true = route.bath
    monkeypatch.setattr(route, "bath", lambda c, w, n: true(2 * c, w, n))
    found, error = deviation(2e-5)
    assert np.all(np.abs(found) > 100 * (error + 3e-5))


# --- what any route must obey --------------------------------------------------------------------


@pytest.mark.slow
def test_invariants_and_symmetries():
    exchange = (2e-4, 1e-4, -1.5e-4)
    found = heom(film(exchange), *MILD)
    swapped = heom(film((1e-4, 2e-4, -1.5e-4)), *MILD)
    back = heom(film(exchange), MILD[0], -MILD[1])
    largest = np.abs(found.dissipator).max()
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    upside_down = np.diag([1.0, -1.0, -1.0])
    for turn, other in ((quarter, swapped), (upside_down, back)):
        turned = turn @ found.dissipator @ turn.T
        assert np.abs(turned - other.dissipator).max() <= 1e-9 * largest
    assert found.diagnostics["trace"] <= 1e-10
    assert np.linalg.eigvalsh(found.dissipator).min() > 0


@pytest.mark.slow
def test_without_field_all_axes_are_equal():
    found = heom(film(1e-3), 10.0, 0.0).dissipator
    np.testing.assert_allclose(found / found[0, 0], np.eye(3), atol=1e-10)


@pytest.mark.slow
def test_level_shift_taken_out_is_linear_in_the_cutoff():
    default = heom(film(1e-4), *MILD).diagnostics
    wider = heom(film(1e-4), *MILD, drude_cutoff=3 * default["drude_cutoff"]).diagnostics
    ratio = wider["level_shift"] / default["level_shift"]
    assert ratio == approx(3.0, rel=0.2)  # logarithms beside it
    assert abs(default["remaining_shift"]) <= 1e-3 * abs(default["level_shift"])
    window = (default["plateau_end"] - default["plateau_start"]) * THERMAL / HBAR
    assert window == approx(WINDOW * STEP)


@pytest.mark.slow
def test_big_spins_that_do_not_couple_do_no_harm():
    silent = om.Moments(spin=3.5, density=1e27, exchange_energy=0.0)
    coupled = om.Moments(spin=0.5, density=1.66e27, exchange_energy=1e-4)
    both = heom(film_of(coupled, silent), *MILD)
    alone = heom(film_of(coupled), *MILD)
    np.testing.assert_allclose(both.dissipator, alone.dissipator, rtol=1e-12)


@pytest.mark.slow
def test_sublattices_add_and_say_what_they_leave_out():
    sample = antiferromagnet(spin=0.5, exchange_energy=5e-5, neel=5.0)
    found = heom(sample, 20.0, 0.0, moment="held")
    second = om.relaxation(sample, 20.0, 0.0, method="bloch-redfield")
    coupling = float(found.diagnostics["coupling"])
    largest = second.dissipator.max()
    assert np.abs(found.dissipator - second.dissipator).max() <= coupling * largest
    assert found.uncertainty.max() >= 0.9 * coupling * 0.5 * largest


@pytest.mark.slow
def test_each_sublattice_adds_its_own_doubt_and_what_the_others_noise_may_do():
    """Of two alike: twice the rates, and twice the doubt of one with its rates times G0."""
    moments = om.Moments(spin=0.5, density=1e27, exchange_energy=2e-4)
    one, two = (heom(film_of(*(n * [moments])), *MILD, rtol=1e-3) for n in (1, 2))
    np.testing.assert_allclose(two.dissipator, 2 * one.dissipator, rtol=1e-12)
    noise = float(one.diagnostics["coupling"])
    expected = 2 * (one.uncertainty + noise * np.abs(one.dissipator))
    np.testing.assert_allclose(two.uncertainty, expected, rtol=1e-9)


def joint_tensor(splittings, noise):
    """Held tensor of an electron with several spins 1/2, each with a bath of its own."""
    spins = [0.5] * len(splittings)
    hamiltonian, pairs = hilbert.hamiltonian(spins, splittings), []
    for site in range(len(spins)):
        coupling = hilbert.coupling(spins, site, (1.0, 1.0, 1.0))
        operator = route.dressed(hamiltonian, coupling, 7 * np.pi)
        pairs.append((operator, route.bath(noise, 7 * np.pi, 3)))
    problem = scaled(om.OpenSystem(hamiltonian, pairs), 1e-15)
    shift = route.principal_part(problem.system)
    whole = hierarchy.Hierarchy(problem, 2, -shift.full() / problem.unit)
    top = hamiltonian.shape[0] ** 2
    start = np.eye(whole.matrix.shape[0], top, dtype=complex)
    *_, last = hierarchy.stepped(whole.matrix, start, problem.unit * np.linspace(0, 2.5, 6))
    change = problem.unit * (whole.matrix[:top] @ last)
    joint = qutip.Qobj(change @ np.linalg.inv(last[:top]), dims=shift.dims, superrep="super")
    return hilbert.bloch_tensor(hilbert.project(joint, hilbert.thermal_moments(spins, splittings)))


@pytest.mark.slow
def test_what_sublattices_do_to_each_other_is_within_what_is_said():
    """Two moments in one space less two spaces: G0^2, and below the sum of coupling_i Gamma_j."""
    noises = np.array([0.01, 0.02])
    rest = []
    for noise in noises:
        alone = joint_tensor([1.0], noise) + joint_tensor([-1.0], noise)
        rest.append(np.abs(np.diag(joint_tensor([1.0, -1.0], noise) - alone)))
        assert np.all(rest[-1] < noise * np.diag(alone))
        assert np.all(rest[-1] > 0.05 * noise * np.diag(alone))  # no idle estimate
    assert slope(noises, np.array(rest)[:, 2]) == approx(2.0, abs=0.1)


# --- refusals ------------------------------------------------------------------------------------

FILM = film(1e-4)
BAD = [
    (lambda: heom(FILM, *MILD, moment="frozen"), "`moment` must be one of 'free', 'held'.*frozen"),
    (lambda: heom(FILM, *MILD, drude_cutoff=0), "`drude_cutoff`.*> 0 eV, got 0"),
    (
        lambda: heom(FILM, *MILD, drude_cutoff=1e-4),
        "`drude_cutoff` must be at least twice.*0.00116 eV",
    ),
    (lambda: heom(FILM, *MILD, drude_cutoff="wide"), "`drude_cutoff`.*'wide'"),
    (lambda: heom(FILM, *MILD, rtol=0), "`rtol`.*> 0 and <= 0.1, got 0"),
    (lambda: heom(FILM, *MILD, rtol=np.nan), "`rtol`.*nan"),
    (lambda: heom(FILM, *MILD, max_terms=1), "`max_terms`.*>= 4, got 1"),
    (lambda: heom(FILM, *MILD, max_terms=4.5), "`max_terms` must be an integer >= 4, got 4.5"),
    (lambda: heom(FILM, *MILD, max_depth=1), "`max_depth`.*>= 3, got 1"),
    (lambda: heom(FILM, *MILD, largest_spin=-1), "`largest_spin`.*>= 0.5, got -1"),
    (lambda: heom(FILM, 0.0, 5.0), "`temperature` must be > 0 K, got 0.0"),
    (lambda: om.relaxation(FILM, *MILD, method="heom", depth=3), "'heom' takes no option `depth`"),
]


def test_bad_input():
    assert unclear(BAD) == {}


def test_large_spins_are_refused():
    for sample in (om.presets.pt_py(), big_ferrimagnet(), paramagnet(1e6)):
        with pytest.raises(SizeError, match=r"largest_spin.*GiB and .* s per point"):
            heom(sample, *MILD)
    with pytest.raises(SizeError, match="dimension <= 64, got 102"):
        heom(paramagnet(25.0), *MILD, largest_spin=30)


def test_an_unconverged_run_says_so():
    with pytest.raises(ConvergenceError, match=r"not converged at `max_depth` = 3.*10 K"):
        heom(film(1e-3), *MILD, moment="held", max_depth=3, rtol=1e-9)


def test_a_hierarchy_too_large_for_its_rtol_says_so(monkeypatch):
    monkeypatch.setattr(hierarchy, "_MOST_ROWS", 1000)
    with pytest.raises(ConvergenceError, match=r"too large before.*larger `rtol`.*10 K"):
        heom(film(1e-3), *MILD, moment="held", rtol=1e-9)


def test_noise_too_strong_for_any_depth_is_refused_at_once(monkeypatch):
    """Before anything is propagated; deeper levels would do, and 5 meV is not refused so."""
    monkeypatch.setattr(route, "_converged", lambda *_: pytest.fail("propagated"))
    strong = r"max_depth` = 8 levels: 30 k_B T/hbar .* level 27 .*weaken .* raise .*2 K and 5 T"
    with pytest.raises(ConvergenceError, match=strong):
        heom(om.presets.pt_py(-20e-3, spin=0.5), 2.0, 5.0)
    for exchange, depth in ((-20e-3, 60), (-5e-3, 8)):
        with pytest.raises(pytest.fail.Exception, match="propagated"):
            heom(om.presets.pt_py(exchange, spin=0.5), 2.0, 5.0, max_depth=depth)


def test_levels_of_the_hierarchy_fill_as_is_said(monkeypatch):
    """A coherence between states of the coupling, a apart: weights of a Poisson distribution.

    d rho_n/dt = -n nu rho_n - i a rho_(n+1) - i n a c rho_(n-1), each level from the one above, in
    the norm sqrt(n! c^n) that makes both couplings alike.
    """
    sample = film(1e-4, spin=1.0)
    (space,) = hilbert.moment_spaces(sample, om.equilibrium(sample, *MILD))
    a, c, nu = float(np.ptp(np.linalg.eigvalsh(space.coupling.full()))), 40.0, 3.0
    monkeypatch.setattr(route, "bath", lambda *_: om.Bath(exponents=([c], [nu])))
    levels = [1.0]
    for n in range(1, 60):
        levels.append(levels[-1] * n * a * c / (n * nu))
    weights = [r**2 / (factorial(n) * c**n) for n, r in enumerate(levels)]
    for depth in (4, 8):
        beyond = sum(weights[depth + 1 :]) / sum(weights)
        knobs = route._Knobs(False, None, 1e-4, 12, depth)
        with pytest.raises(ConvergenceError, match=rf"leaves {beyond:.2g} of it beyond"):
            route._refuse_strong_noise(space, 1.0, 7 * np.pi, knobs)


def test_a_hierarchy_that_grows_is_an_error(monkeypatch):
    grows = hierarchy.csr_array(np.diag([1000.0, -3.0, 2.0]) + 0.5)
    for dense, step in ((0, 0.3), (150, 0.3), (150, 3.0)):  # the last overflows at once
        monkeypatch.setattr(hierarchy, "_DENSE", dense)
        with pytest.raises(ConvergenceError, match="grows without bound"):
            list(hierarchy.stepped(grows, np.ones((3, 1), complex), step * np.arange(4)))
    vector = hierarchy.krylov_exponential(grows, np.ones(3, dtype=complex), 0.3)
    with pytest.raises(ConvergenceError, match="grows without bound"):
        hierarchy.krylov_exponential(grows, vector, 0.3)


def test_no_plateau_says_so():
    with pytest.raises(ExtractionError, match=r"no plateau.*held.*4 K and 14 T"):
        heom(film(4e-3), *COLD)
