"""The TCL2 engine against models that are solved elsewhere, and what any generator must obey."""

import numpy as np
import pytest
import qutip
from refusals import unclear
from scipy.integrate import quad

import openmr as om
from openmr import bath, hilbert, kernels, master
from openmr._qutip import exact_arithmetic
from openmr.bath.transforms import half_sided
from openmr.master.evolution import choi_eigenvalues
from openmr.master.interaction import hermitian_basis
from openmr.master.open_system import bohr_groups
from openmr.master.redfield import reset

UP = qutip.sigmap()
BAND = 300.0


def thermal(t):
    """A thermal bath of temperature 1, one operator."""
    return kernels.flat_band(t, 30.0)[:, None, None]


def ohmic(alpha=0.05, cutoff=3.0):
    """Zero-temperature ohmic bath J(w) = alpha w exp(-w/cutoff)."""
    return lambda t: (alpha * cutoff**2 / (1 + 1j * cutoff * t) ** 2)[:, None, None]


def random_operators(seed, dimension, number, *, hermitian=True, dims=None):
    rng = np.random.default_rng(seed)
    shape = (number, dimension, dimension)
    raw = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    matrices = (raw + raw.conj().swapaxes(1, 2)) / 2 if hermitian else raw
    return [qutip.Qobj(m, dims=dims or [[dimension], [dimension]]) for m in matrices]


# --- exactly solvable models ------------------------------------------------------------------


def test_pure_dephasing_is_exact():
    """Coherence (1 + (wc t)^2)^(-2 alpha) of the ohmic spin-boson model at T = 0."""
    alpha, cutoff, times = 0.05, 3.0, np.linspace(0, 6, 13)
    for level_shift in (True, False):
        generator = master.tcl2(
            0.7 * qutip.sigmaz(),
            [qutip.sigmaz()],
            ohmic(alpha, cutoff),
            6.0,
            level_shift=level_shift,
        )
        plus = qutip.ket2dm((qutip.basis(2, 0) + qutip.basis(2, 1)).unit())
        states = master.evolve(generator, plus, times)
        coherence = np.array([abs(rho[0, 1]) for rho in states])
        exact = 0.5 * (1 + (cutoff * times) ** 2) ** (-2 * alpha)
        np.testing.assert_allclose(
            coherence, exact, rtol=1e-7
        )  # solver: rtol 1e-10 in each of 100 steps
        wrong = 0.5 * (1 + (cutoff * times) ** 2) ** (-alpha)
        assert np.abs(coherence - wrong).max() > 0.05


def test_pure_dephasing_by_one_mode_equals_the_unitary_evolution():
    """The same law for a bath that never forgets: one thermal oscillator, solved in full."""
    frequency, strength, occupation, size = 1.3, 0.2, 0.4, 24
    a = qutip.destroy(size)
    weights = (occupation / (1 + occupation)) ** np.arange(size)
    mode = qutip.qdiags(weights / weights.sum(), 0)
    whole = (
        qutip.tensor(0.5 * qutip.sigmaz(), qutip.qeye(size))
        + qutip.tensor(qutip.qeye(2), frequency * a.dag() * a)
        + strength * qutip.tensor(qutip.sigmaz(), a + a.dag())
    )
    time = 2.9
    turn = (-1j * whole * time).expm()
    plus = qutip.ket2dm((qutip.basis(2, 0) + qutip.basis(2, 1)).unit())
    exact = (turn * qutip.tensor(plus, mode) * turn.dag()).ptrace(0)

    def correlation(t):
        up, down = np.exp(1j * frequency * t), np.exp(-1j * frequency * t)
        return strength**2 * ((occupation + 1) * down + occupation * up)

    generator = master.tcl2(0.5 * qutip.sigmaz(), [qutip.sigmaz()], [[correlation]], time)
    found = master.evolve(generator, plus, [0.0, time])[-1]
    # the oscillator is cut at 24 levels, where 0.4/1.4 to the 24th is 1e-13
    assert abs(found[0, 1] - exact[0, 1]) <= 1e-7


def lorentzian(rate, width, detuning=0.0):
    """<B(t) B^dag> of a vacuum with a Lorentzian density, B at the atom's frequency + detuning."""
    return lambda t: 0.5 * rate * width * np.exp(-(width + 1j * (1.0 + detuning)) * t)


def damped_atom(time, rate=1.0, width=4.0, detuning=0.0, **options):
    """V = sigma_+ B + sigma_- B^dag in vacuum: only <B B^dag> is not zero."""
    return master.tcl2(
        0.5 * qutip.sigmaz(),
        [UP, UP.dag()],
        [[None, lorentzian(rate, width, detuning)], [None, None]],
        time,
        **options,
    )


@pytest.mark.parametrize("detuning", [0.0, 2.5])
def test_damped_atom_has_the_known_rate_and_shift(detuning):
    """gamma_2(t) and S_2(t) of Breuer and Petruccione, Sec. 10.1."""
    rate, width = 0.6, 2.0
    for time in (0.3, 1.1, np.inf):
        generator = damped_atom(time, rate, width, detuning)
        decaying = width + 1j * detuning
        left = 0.0 if time == np.inf else np.exp(-decaying * time)
        transform = 0.5 * rate * width * (1 - left) / decaying
        excited = qutip.operator_to_vector(qutip.basis(2, 0) * qutip.basis(2, 0).dag())
        change = qutip.vector_to_operator(generator.superoperator * excited)
        assert change[0, 0] == pytest.approx(-2 * transform.real, abs=1e-9)
        assert change[1, 1] == pytest.approx(2 * transform.real, abs=1e-9)
        shift = (generator.shift * qutip.sigmaz()).tr().real
        assert shift == pytest.approx(transform.imag, abs=1e-9)


@pytest.mark.slow
def test_damped_atom_deviates_from_the_exact_decay_at_second_order():
    """P(t) = exp(-l t) (cosh(d t/2) + (l/d) sinh(d t/2))^2, d^2 = l^2 - 2 g l."""
    width, time = 1.0, 4.0
    rates = np.array([0.02, 0.04, 0.08, 0.16])
    errors = []
    for rate in rates:
        d = np.sqrt(width**2 - 2 * rate * width)
        half = 0.5 * d * time
        exact = np.exp(-width * time) * (np.cosh(half) + width / d * np.sinh(half)) ** 2
        excited = qutip.ket2dm(qutip.basis(2, 0))
        rho = master.evolve(damped_atom(time, rate, width), excited, [0.0, time])[-1]
        errors.append(abs(rho[0, 0].real / exact - 1))
    slope = np.polyfit(np.log(rates), np.log(errors), 1)[0]
    assert slope == pytest.approx(2.0, abs=0.1)  # next order in g/l is 0.16


def test_correlators_with_daggers_are_refused():
    """<B^dag B> instead of <B B^dag> is not the correlator of a Hermitian V."""
    with pytest.raises(om.ParameterError, match="no daggers"):
        master.tcl2(
            0.5 * qutip.sigmaz(), [UP, UP.dag()], [[lorentzian(1, 4), None], [None, None]], 1.0
        )
    with pytest.raises(om.ParameterError, match="lowest eigenvalue -1"):
        master.tcl2(qutip.sigmaz(), [qutip.sigmax()], lambda t: -ohmic()(t), 1.0)


# --- against textbook forms -------------------------------------------------------------------


def spectrum(w):
    return float(kernels.exponential_cutoff_spectrum(w, BAND))


def cut_ohmic(t):
    return kernels.exponential_cutoff(t, BAND)[:, None, None]


def redfield(hamiltonian, operator):
    """Markov limit without level shift, written out with QuTiP's superoperators."""
    energies, vectors = np.linalg.eigh(hamiltonian.full())
    inside = vectors.conj().T @ operator.full() @ vectors
    half = 0.5 * np.vectorize(spectrum)(energies[None, :] - energies[:, None])
    dressed = qutip.Qobj(vectors @ (inside * half) @ vectors.conj().T, dims=operator.dims)
    return (
        qutip.liouvillian(hamiltonian)
        + qutip.sprepost(dressed, operator)
        + qutip.sprepost(operator, dressed.dag())
        - qutip.spre(operator * dressed)
        - qutip.spost(dressed.dag() * operator)
    )


def test_markov_limit_equals_the_redfield_tensor():
    dims = [[2, 2], [2, 2]]
    h, a = random_operators(4, 4, 2, dims=dims)
    found = master.tcl2(h, [a], cut_ohmic, level_shift=False, rtol=1e-5)
    exact = redfield(h, a)
    assert found.superoperator.dims == exact.dims
    largest = np.abs(exact.full()).max()
    assert np.abs((found.superoperator - exact).full()).max() <= 1e-5 * largest
    assert np.abs((found.superoperator - redfield(h, 1.01 * a)).full()).max() > 1e-3 * largest


def test_markov_limit_equals_qutips_tensor_for_real_couplings():
    h, a = (0.5 * (m + m.conj()) for m in random_operators(5, 3, 2))
    found = master.tcl2(h, [a], cut_ohmic, level_shift=False, rtol=1e-5)
    tensor = qutip.bloch_redfield_tensor(h, [[a, spectrum]], sec_cutoff=-1, fock_basis=True)
    largest = np.abs(tensor.full()).max()
    assert np.abs((found.superoperator - tensor).full()).max() <= 1e-5 * largest


def test_markov_limit_equals_the_dissipator_for_complex_couplings():
    """Where QuTiP's own tensor is that of the conjugate coupling."""
    h, a = random_operators(6, 3, 2)
    found = master.tcl2(h, [a], cut_ohmic, level_shift=False, rtol=1e-5).superoperator
    other = master.redfield_dissipator(h, [(a, spectrum)]) + qutip.liouvillian(h)
    largest = np.abs(found.full()).max()
    assert np.abs((found - other).full()).max() <= 1e-5 * largest
    qutips = qutip.bloch_redfield_tensor(h, [[a, spectrum]], sec_cutoff=-1, fock_basis=True)
    assert np.abs((found - qutips).full()).max() > 1e-2 * largest


def test_non_hermitian_couplings_say_the_same_as_hermitian_ones():
    """sigma_x X + sigma_y Y = sigma_+ B + sigma_- B^dag with B = X - i Y."""
    lines = bath.moment_correlator(1.5, 0.9)

    def cartesian(t):
        phases = np.exp(-1j * t[:, None] * lines.frequencies)
        moment = np.einsum("tl,lab->tab", phases, lines.weights)[:, :2, :2]
        return moment * kernels.flat_band(t, 40.0)[:, None, None]

    turn = np.array([[1, -1j], [1, 1j]])
    h = 0.4 * qutip.sigmaz() + 0.1 * qutip.sigmax()
    for time in (0.8, np.inf):
        one = master.tcl2(h, [qutip.sigmax(), qutip.sigmay()], cartesian, time)
        other = master.tcl2(h, [UP, UP.dag()], lambda t: turn @ cartesian(t) @ turn.T, time)
        difference = (one.superoperator - other.superoperator).full()
        assert np.abs(difference).max() <= 1e-12 * np.abs(one.superoperator.full()).max()


def test_cross_correlations_count():
    """Electron alone with the whole matrix D_ab = joint space projected; without D_xy it is not."""
    spin, x, exchange, time = 1.0, 1.3, np.array([1.0, 0.3, -0.6]), 0.7

    def matrix(t):
        moment = bath.moment_correlation(spin, x, t)
        return 0.25 * np.outer(exchange, exchange) * moment * thermal(t)

    h = 0.45 * qutip.sigmaz()
    alone = master.tcl2(h, hilbert.PAULI, matrix, time).superoperator - qutip.liouvillian(h)
    with exact_arithmetic():
        whole = hilbert.hamiltonian([spin], [x], 0.9)
        joint = master.tcl2(whole, [hilbert.coupling([spin], 0, exchange)], thermal, time)
        dissipator = joint.superoperator - qutip.liouvillian(whole)
        projected = hilbert.project(dissipator, hilbert.thermal_moments([spin], [x]))
    largest = np.abs(projected.full()).max()
    assert np.abs((alone - projected).full()).max() <= 1e-12 * largest
    diagonal = master.tcl2(h, hilbert.PAULI, lambda t: matrix(t) * np.eye(3), time)
    dropped = diagonal.superoperator - qutip.liouvillian(h) - projected
    assert np.abs(dropped.full()).max() > 0.05 * largest


def test_level_shift_is_the_principal_value():
    """H_shift = (sigma_z / 2) [S(1) - S(-1)], S(w) = P integral S(x) / (w - x) dx / 2 pi."""

    def principal(w):
        near = quad(
            lambda x: spectrum(x) / (2 * np.pi), -30, 30, weight="cauchy", wvar=w, epsabs=1e-10
        )[0]
        far = quad(lambda x: spectrum(x) / (2 * np.pi * (x - w)), 30, 30 * BAND, limit=200)[0]
        return -near - far

    h, a = 0.5 * qutip.sigmaz(), qutip.sigmax()
    found = master.tcl2(h, [a], cut_ohmic, rtol=1e-5)
    expected = 0.5 * (principal(1.0) - principal(-1.0))
    shift = 0.5 * (found.shift * qutip.sigmaz()).tr().real
    assert shift == pytest.approx(expected, abs=4e-5)
    with exact_arithmetic():
        left_out = master.tcl2(h, [a], cut_ohmic, rtol=1e-5, level_shift=False, secular=0.0)
        kept = master.tcl2(h, [a], cut_ohmic, rtol=1e-5, secular=0.0)
        difference = kept.superoperator - left_out.superoperator - qutip.liouvillian(found.shift)
    assert np.abs(difference.full()).max() <= 1e-12 * np.abs(kept.superoperator.full()).max()


# --- invariants, secular approximation, pictures ----------------------------------------------

TIMES = np.linspace(0, 3, 16)


@pytest.mark.slow
@pytest.mark.parametrize("secular", [None, 0.3, 0.0])
@pytest.mark.parametrize("level_shift", [True, False])
def test_trace_and_hermiticity(secular, level_shift):
    h, a, b = random_operators(7, 3, 3)
    mixed = np.array([[1.0, 0.4j], [-0.4j, 0.8]])
    generator = master.tcl2(
        h,
        [a, b],
        lambda t: 0.02 * mixed * thermal(t),
        3.0,
        level_shift=level_shift,
        secular=secular,
    )
    found = master.monitors(generator, TIMES, start=qutip.ket2dm(qutip.basis(3, 1)))
    assert found.trace <= 1e-12
    assert found.hermiticity <= 1e-12
    assert found.lowest_state.shape == TIMES.shape
    assert "lowest Choi" in repr(found)
    assert "TCL2" in repr(generator)


def test_a_reset_leaves_the_electron_and_renews_the_moment_at_its_rate():
    joint = qutip.rand_dm([2, 3], seed=1)
    moment = qutip.Qobj(np.diag([0.5, 0.3, 0.2]))
    changed = qutip.vector_to_operator(reset(moment, 0.7) * qutip.operator_to_vector(joint))
    expected = 0.7 * (qutip.tensor(joint.ptrace(0), moment) - joint)
    np.testing.assert_allclose(changed.full(), expected.full(), atol=1e-14)


def test_monitors_start_from_the_identity():
    """At t = 0 nothing has changed: the Choi matrix is a projector, rho is what it was."""
    start = qutip.Qobj(np.diag([0.7, 0.3]))
    found = master.monitors(steady(), [0.0, 0.5, 1.0], start=start)
    assert max(found.trace, found.hermiticity) <= 1e-12
    assert found.lowest_choi[0] == pytest.approx(0.0, abs=1e-14)
    assert found.lowest_state[0] == pytest.approx(0.3, rel=1e-12)


def test_full_secular_parts_populations_from_coherences():
    """Of frequencies 0 and 2, coupled by sigma_x + sigma_z; the whole tensor mixes them."""
    for secular, mixes in ((None, True), (0.0, False)):
        generator = master.tcl2(Z, [X + Z], ohmic(), 1.0, secular=secular)
        into_coherences = generator.superoperator.full()[np.ix_([1, 2], [0, 3])]
        assert (np.abs(into_coherences).max() > 1e-3) == mixes
        assert mixes or np.abs(into_coherences).max() < 1e-15


@pytest.mark.slow
def test_full_secular_is_positive_and_thermal_and_the_whole_tensor_is_not():
    h, a = random_operators(8, 3, 2)
    whole, secular, partial = (
        master.tcl2(h, [0.6 * a], thermal, secular=width) for width in (None, 0.0, 0.5)
    )
    found = [master.monitors(g, TIMES, beta=1.0) for g in (whole, secular, partial)]
    assert found[0].lowest_choi.min() < -1e-3
    assert found[0].first_violation is not None
    for positive in found[1:]:
        assert positive.first_violation is None
    # detailed balance of the transforms, to their error
    assert found[1].gibbs <= 20 * secular.uncertainty
    assert found[0].gibbs > 1e-3


def test_markov_generator_in_secular_form_is_completely_positive():
    """Kossakowski matrix of the Markov limit, not the short-time one."""
    for width in (0.0, 0.2):
        h = qutip.qdiags([0.3, -0.25, -0.05], 0)
        a = qutip.Qobj(np.ones((3, 3)))
        generator = master.tcl2(h, [a], thermal, secular=width)
        maps = (0.3 * generator.superoperator).expm().full()
        tensor = maps.reshape(3, 3, 3, 3).transpose(1, 0, 3, 2)
        assert choi_eigenvalues(tensor)[0] >= -1e-12


@pytest.mark.parametrize("secular", [None, 0.05])
def test_nothing_jumps_as_levels_become_degenerate(secular):
    """Distance to the degenerate generator is of first order in the splitting, down to rounding."""
    a = qutip.Qobj(np.array([[0.2, 1.0, 0.5], [1.0, -0.1, 0.7], [0.5, 0.7, 0.3]]))

    def generator(split):
        return master.tcl2(
            qutip.qdiags([1.0, split, 0.0], 0), [a], thermal, secular=secular
        ).superoperator.full()

    limit = generator(0.0)
    for split in (1e-2, 1e-5, 1e-9, 1e-13, 1e-15):
        # slope of the transforms, at most the first moment of |D|, and -i [H, .] itself
        assert np.abs(generator(split) - limit).max() <= 20 * split + 1e-12


def test_groups_are_symmetric_and_no_wider_than_asked():
    energies = np.array([0.0, 0.03, 1.0, 1.04, 1.9])
    labels, centres = bohr_groups(energies, 0.1)
    gaps = energies[None, :] - energies[:, None]
    np.testing.assert_array_equal(labels, -labels.T)
    for label in np.unique(labels):
        assert np.ptp(gaps[labels == label]) <= 0.1
    assert centres[0] == 0.0
    apart, _ = bohr_groups(energies, 0.0)
    assert len(np.unique(apart)) == len(np.unique(np.round(gaps, 12)))


@pytest.mark.slow
def test_interaction_picture_is_the_turned_schroedinger_picture():
    h, a = random_operators(9, 3, 2)
    time = 1.4
    plain = master.tcl2(h, [a], thermal, time)
    turned = master.tcl2(h, [a], thermal, time, picture="interaction")
    turn = (1j * h * time).expm()
    there, back = qutip.sprepost(turn, turn.dag()), qutip.sprepost(turn.dag(), turn)
    expected = there * (plain.superoperator - qutip.liouvillian(h)) * back
    np.testing.assert_allclose(turned.superoperator.full(), expected.full(), atol=1e-11)
    start = qutip.ket2dm(qutip.basis(3, 0))
    one = master.evolve(plain, start, [0.0, time])[-1]
    other = master.evolve(turned, start, [0.0, time])[-1]
    np.testing.assert_allclose((turn * one * turn.dag()).full(), other.full(), atol=1e-8)


def test_generator_goes_into_qutips_mesolve():
    generator = master.tcl2(0.5 * qutip.sigmaz(), [qutip.sigmax()], ohmic(), 2.0)
    start = qutip.ket2dm(qutip.basis(2, 0))
    options = {"rtol": 1e-9, "atol": 1e-11}
    theirs = qutip.mesolve(generator.evolving, start, [0.0, 1.0, 2.0], options=options).states[-1]
    ours = master.evolve(generator, start, [0.0, 1.0, 2.0], options=options)[-1]
    # Adams steps of rtol 1e-9, a hundred of them
    np.testing.assert_allclose(theirs.full(), ours.full(), atol=1e-6)


# --- quadrature -------------------------------------------------------------------------------


def exponential(t):
    return np.exp(-(1 + 2j) * np.asarray(t))[..., None, None]


@pytest.mark.parametrize("time", [0.0, 1e-6, 0.7, 5.0, np.inf])
def test_half_sided_transform_and_its_stated_error(time):
    w = np.array([-2.0, 0.0, 3.0])
    power = 1j * w - (1 + 2j)
    found = half_sided(exponential, w, time, rtol=1e-9)

    def exact(t):
        return ((np.exp(power * t) if t < np.inf else 0.0) - 1) / power

    stated = found.uncertainty + found.tail + 1e-14
    assert np.abs(found.limit[:, 0, 0] - exact(time)).max() <= stated
    inside = min(0.37 * time, 3.3)
    assert np.abs(found.at(inside)[:, 0, 0] - exact(inside)).max() <= stated


def test_a_bath_that_stands_still_may_be_a_constant():
    """Static noise: coherence exp(-2 s^2 t^2) of a Gaussian field of variance s^2."""
    generator = master.tcl2(0 * qutip.sigmaz(), [qutip.sigmaz()], ((lambda t: 0.3,),), 1.0)
    plus = qutip.ket2dm((qutip.basis(2, 0) + qutip.basis(2, 1)).unit())
    rho = master.evolve(generator, plus, [0.0, 1.0])[-1]
    assert abs(rho[0, 1]) == pytest.approx(0.5 * np.exp(-2 * 0.3), rel=1e-8)


def test_kinks_and_steps_are_found():
    """A bath that changes its mind at t = 1/3; the panels close in on it."""
    found = half_sided(lambda t: np.where(t < 1 / 3, 1.0, 0.5)[..., None, None], np.zeros(1), 1.0)
    assert found.limit[0, 0, 0] == pytest.approx(2 / 3, abs=1e-12)


def test_samples_converge_at_the_order_of_the_spline():
    """The end panels, of width h and error h^6, dominate: order 7. The stated error is larger."""
    generator, errors, stated = [], [], []
    numbers = np.array([24, 48, 96, 192])
    power = 1j - (1 + 2j)
    for number in numbers:
        times = np.linspace(0, 4, number + 1)
        generator = master.tcl2(
            qutip.sigmaz() / 2, [qutip.sigmax()], (times, exponential(times)), 4.0, rtol=1e-2
        )
        gamma = generator._transforms.limit[np.argmax(generator._system.frequencies), 0, 0]
        errors.append(abs(gamma - (np.exp(4 * power) - 1) / power))
        stated.append(generator.uncertainty)
    slope = np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    assert slope == pytest.approx(-7, abs=0.3)
    assert np.all(np.array(stated) >= errors)


def test_samples_to_the_markov_limit():
    times = np.linspace(0, 40, 2001)
    sampled = master.tcl2(qutip.sigmaz(), [qutip.sigmax()], (times, exponential(times)))
    called = master.tcl2(qutip.sigmaz(), [qutip.sigmax()], exponential)
    difference = (sampled.superoperator - called.superoperator).full()
    assert np.abs(difference).max() <= 8 * (sampled.uncertainty + called.uncertainty)


def test_hermitian_basis_rebuilds_the_operators():
    operators = np.stack([UP.full(), (2j * UP.dag()).full(), qutip.sigmax().full()])
    basis, mixing = hermitian_basis(operators)
    assert len(basis) == 2
    np.testing.assert_allclose(basis, basis.conj().swapaxes(1, 2), atol=1e-15)
    np.testing.assert_allclose(np.einsum("ai,amn->imn", mixing, basis), operators, atol=1e-15)


SLOW = [
    (lambda: half_sided(lambda t: np.cos(t)[..., None, None], np.ones(1), np.inf), "not decayed"),
    (
        lambda: half_sided(lambda t: (1 / (1 + t))[..., None, None], np.ones(1), np.inf),
        "fall off faster than 1/t",
    ),
    (
        lambda: master.tcl2(
            qutip.sigmaz(),
            [qutip.sigmax()],
            (np.linspace(0, 5, 400), exponential(np.linspace(0, 5, 400))),
        ),
        "beyond t = 5",
    ),
    (
        lambda: master.tcl2(
            qutip.sigmaz(),
            [qutip.sigmax()],
            (np.linspace(0, 50, 30), exponential(np.linspace(0, 50, 30))),
        ),
        "denser",
    ),
    (lambda: half_sided(exponential, np.array([1e6]), 1.0), "`time` must be at most 0.131"),
]


@pytest.mark.parametrize(("call", "message"), SLOW, ids=[m for _, m in SLOW])
def test_unconverged_is_an_error(call, message):
    with pytest.raises(om.ConvergenceError, match=message):
        call()


# --- bad input --------------------------------------------------------------------------------

Z, X = qutip.sigmaz(), qutip.sigmax()
GRID = np.linspace(0, 5, 400)


def of(**changes):
    arguments = {"hamiltonian": Z, "couplings": [X], "correlators": ohmic(), "time": 1.0}
    return lambda: master.tcl2(**{**arguments, **changes})


def steady():
    return master.tcl2(Z, [X], ohmic(), 1.0)


BAD = [
    (of(hamiltonian=np.eye(2)), "`hamiltonian` must be square operators"),
    (of(hamiltonian=qutip.Qobj(np.ones((2, 3)))), r"`hamiltonian`.*shape \(2, 3\)"),
    (of(hamiltonian=UP), "`hamiltonian` must be Hermitian"),
    (of(hamiltonian=np.nan * Z), "`hamiltonian` must be finite"),
    (of(hamiltonian=qutip.num(80)), "dimension <= 64, got 80.*0.61 GiB"),
    (of(couplings=X), "`couplings` must be a list"),
    (of(couplings=[]), "`couplings` must be a list"),
    (of(couplings=[qutip.num(3)]), r"`couplings` must have the dims \[\[2\], \[2\]\]"),
    (of(couplings=[qutip.basis(2, 0)]), r"`couplings`.*shape \(2, 1\)"),
    (of(couplings=[np.inf * X]), "`couplings` must be finite"),
    (of(correlators=lambda t: np.zeros(len(t))), r"`correlators` must give shape \(1, 1, 1\)"),
    (of(correlators=[[ohmic(), None]]), r"must be 1 x 1 for 1 `couplings`, got rows of \[2\]"),
    (of(correlators=[[lambda t: t[1:]]]), r"each give shape \(1,\) for 1 times, got \(0,\)"),
    (of(correlators=lambda t: "white"), "must give complex numbers, got str"),
    (of(correlators=[["white"]]), "functions"),
    (of(correlators=(GRID,)), r"\(times, values\), got 1"),
    (lambda: steady().at(1.5), "`time`.*<= 1.*got 1.5"),
    (lambda: master.monitors(steady(), [0.0, 1.0], beta=np.nan), "`beta`.*nan"),
    (of(correlators=3.0), "`correlators` must be callable"),
    (of(correlators=lambda t: np.full((len(t), 1, 1), np.nan)), "finite, got NaN.*t = 0"),
    (of(correlators=(GRID[1:], exponential(GRID[1:]))), "uniform grid that starts at 0"),
    (of(correlators=(GRID**2, exponential(GRID))), "uniform grid"),
    (of(correlators=(GRID, exponential(GRID)[1:])), r"values \(t, 1, 1\), got"),
    (of(correlators=(GRID, np.nan * exponential(GRID))), "among the samples"),
    (of(correlators=(GRID, exponential(GRID)), time=6.0), "at most 5, where the samples end"),
    (of(time=-1.0), "`time` must be one real number and >= 0, got -1"),
    (of(time=np.nan), "`time`.*nan"),
    (of(secular=-1.0), "`secular`.*>= 0"),
    (of(picture="heisenberg"), "`picture` must be one of 'schroedinger', 'interaction'"),
    (of(picture="interaction", time=np.inf), "finite in the interaction picture"),
    (of(rtol=0.0), "`rtol`.*> 0"),
    (lambda: master.evolve(steady(), qutip.ket2dm(qutip.basis(2, 0)), [0.0, 2.0]), "`times` must"),
    (lambda: master.evolve(steady(), qutip.ket2dm(qutip.basis(2, 0)), [1.0, 0.0]), "increasing"),
    (lambda: master.monitors(steady(), [0.0, 1.0], options={"speed": 3}), "`options` must be"),
    (lambda: kernels.flat_band(1.0, 0.0), "`band`.*> 0"),
    (lambda: kernels.flat_band(np.nan, 1.0), "`time`.*nan"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


@pytest.mark.slow
def test_size_is_refused_at_once():
    with pytest.raises(om.SizeError, match="GiB"):
        master.tcl2(qutip.num(5000), [qutip.num(5000)], ohmic())
