"""Second order from C(t) itself: models that are solved elsewhere, and what it must obey."""

import math

import numpy as np
import pytest
import qutip
from nearness import approx
from refusals import unclear

import openmr as om
from openmr import bath, hilbert, kernels, master
from openmr.master.open_system import bohr_groups
from openmr.master.panels import panel_memory

SX, SZ = qutip.sigmax(), qutip.sigmaz()
PLUS = (qutip.basis(2, 0) + qutip.basis(2, 1)).unit()
TIMES = np.linspace(0, 3, 16)
BAND = 300.0


def memory(hamiltonian, operators, correlation, time=np.inf, **options):
    system = om.OpenSystem(hamiltonian, [(operators, om.Bath(correlation=correlation))])
    return panel_memory(system, time, **options)


def maps(given, times=TIMES):
    whole = np.eye(given.system.dimension**2)
    return master.evolve(given, given.system.as_superoperator(whole), times)


def thermal(t):
    """A thermal bath of temperature 1."""
    return kernels.flat_band(t, 30.0)


def ohmic(alpha=0.05, cutoff=3.0):
    """Zero-temperature ohmic bath J(w) = alpha w exp(-w/cutoff)."""
    return lambda t: alpha * cutoff**2 / (1 + 1j * cutoff * t) ** 2


def random_operators(seed, dimension, number, dims=None):
    raw = np.random.default_rng(seed).normal(size=(2, number, dimension, dimension))
    draw = raw[0] + 1j * raw[1]
    matrices = (draw + draw.conj().swapaxes(1, 2)) / 2
    return [qutip.Qobj(m, dims=dims or [[dimension], [dimension]]) for m in matrices]


# --- exactly solvable models ------------------------------------------------------------------


@pytest.mark.parametrize("level_shift", [True, False])
def test_pure_dephasing_is_exact(level_shift):
    """Coherence (1 + (wc t)^2)^(-2 alpha) of the ohmic spin-boson model at T = 0."""
    alpha, cutoff, times = 0.05, 3.0, np.linspace(0, 6, 13)
    given = memory(0.7 * SZ, SZ, ohmic(alpha, cutoff), 6.0, level_shift=level_shift)
    states = master.evolve(given, PLUS, times).states
    coherence = np.array([abs(rho[0, 1]) for rho in states])
    exact = 0.5 * (1 + (cutoff * times) ** 2) ** (-2 * alpha)
    # rtol 1e-10 in each of 100 steps
    np.testing.assert_allclose(coherence, exact, rtol=1e-8)


def test_pure_dephasing_by_one_mode_equals_the_unitary_evolution():
    """The same law for a bath that never forgets: one thermal oscillator, solved in full."""
    frequency, strength, occupation, size = 1.3, 0.2, 0.4, 24
    a = qutip.destroy(size)
    weights = (occupation / (1 + occupation)) ** np.arange(size)
    mode = qutip.qdiags(weights / weights.sum(), 0)
    whole = (
        qutip.tensor(0.5 * SZ, qutip.qeye(size))
        + qutip.tensor(qutip.qeye(2), frequency * a.dag() * a)
        + strength * qutip.tensor(SZ, a + a.dag())
    )
    time = 2.9
    turn = (-1j * whole * time).expm()
    exact = (turn * qutip.tensor(PLUS.proj(), mode) * turn.dag()).ptrace(0)

    def correlation(t):
        up, down = np.exp(1j * frequency * t), np.exp(-1j * frequency * t)
        return strength**2 * ((occupation + 1) * down + occupation * up)

    found = master.evolve(memory(0.5 * SZ, SZ, correlation, time), PLUS, [0.0, time]).states[-1]
    # the oscillator is cut at 24 levels, where 0.4/1.4 to the 24th is 1e-13
    assert abs(found[0, 1] - exact[0, 1]) <= 1e-8


def test_a_bath_that_stands_still():
    """Static noise: coherence exp(-2 s^2 t^2) of a Gaussian field of variance s^2."""
    still = memory(0 * SZ, SZ, lambda t: 0.3 + 0 * t, 1.0)
    rho = master.evolve(still, PLUS, [0.0, 1.0]).states[-1]
    assert abs(rho[0, 1]) == approx(0.5 * np.exp(-2 * 0.3), rel=1e-8)


@pytest.mark.parametrize("detuning", [0.0, 2.5])
@pytest.mark.parametrize("time", [0.3, 1.1, np.inf])
def test_damped_atom_has_the_known_rate_and_shift(time, detuning):
    """gamma_2(t) and S_2(t) of Breuer and Petruccione, Sec. 10.1, c and c^dag in vacuum."""
    rate, width = 0.6, 2.0
    decaying = width + 1j * detuning
    transform = 0.5 * rate * width / decaying
    transform *= 1 - (0.0 if time == np.inf else np.exp(-decaying * time))

    def vacuum(t):
        values = 0.5 * rate * width * np.exp(-(decaying + 1j) * np.asarray(t))
        return values[..., None, None] * np.diag([1.0, 0.0])

    space = om.Bath(correlation=vacuum, conserving=True)
    made = panel_memory(om.OpenSystem(0.5 * SZ, [(qutip.sigmam(), space)]), time)
    change = made.last.apply(qutip.ket2dm(qutip.basis(2, 0)))
    assert change[0, 0] == approx(-2 * transform.real, abs=1e-9)
    assert change[1, 1] == approx(2 * transform.real, abs=1e-9)
    assert (made.shift * SZ).tr().real == approx(transform.imag, abs=1e-9)


# --- against the Markovian engine and the joint space -------------------------------------------


def test_markov_limit_is_the_redfield_generator():
    h, a = random_operators(4, 4, 2, dims=[[2, 2], [2, 2]])
    cut = om.Bath(lambda w: kernels.exponential_cutoff_spectrum(w, BAND))
    exact = master.generator(om.OpenSystem(h, [(a, cut)]), level_shift=False).matrix
    options = {"level_shift": False, "rtol": 1e-5}
    found = memory(h, a, lambda t: kernels.exponential_cutoff(t, BAND), **options).last
    largest = np.abs(exact).max()
    assert found.superoperator.dims == [h.dims, h.dims]
    assert np.abs(found.matrix - exact).max() <= 1e-5 * largest
    full = memory(h, a, lambda t: kernels.exponential_cutoff(t, BAND), rtol=1e-5).last
    both = master.generator(om.OpenSystem(h, [(a, cut)])).matrix
    assert np.abs(full.matrix - both).max() <= 1e-4 * np.abs(both).max()


def test_cross_correlations_count():
    """Electron alone with the whole matrix D_ab = joint space projected; without D_xy it is not."""
    spin, x, exchange, time = 1.0, 1.3, np.array([1.0, 0.3, -0.6]), 0.7

    def matrix(t):
        noise = thermal(np.ravel(t))[:, None, None]
        found = 0.25 * np.outer(exchange, exchange) * bath.moment_correlation(spin, x, np.ravel(t))
        return np.reshape(found * noise, (*np.shape(t), 3, 3))

    h = 0.45 * SZ
    alone = memory(h, list(hilbert.PAULI), matrix, time).last.dissipator
    joint = memory(
        hilbert.hamiltonian([spin], [x], 0.9), hilbert.coupling([spin], 0, exchange), thermal, time
    )
    projected = hilbert.project(joint.last.dissipate, hilbert.thermal_moments([spin], [x]))
    largest = np.abs(projected.full()).max()
    assert np.abs((alone - projected).full()).max() <= 1e-12 * largest
    diagonal = memory(h, list(hilbert.PAULI), lambda t: matrix(t) * np.eye(3), time)
    assert np.abs((diagonal.last.dissipator - projected).full()).max() > 0.05 * largest


def test_the_level_shift_is_what_is_left_out():
    h, a = 0.5 * SZ, SX
    kept, left_out = (
        memory(h, a, thermal, level_shift=shift, resolution=np.inf) for shift in (True, False)
    )
    shift = kept.shift
    assert np.abs((shift - left_out.shift).full()).max() <= 1e-15
    difference = kept.last.superoperator - left_out.last.superoperator - qutip.liouvillian(shift)
    assert np.abs(difference.full()).max() <= 1e-12 * np.abs(kept.last.matrix).max()


# --- invariants, and the resolution of frequencies ----------------------------------------------


@pytest.mark.parametrize("resolution", [None, 3.0, np.inf])
@pytest.mark.parametrize("level_shift", [True, False])
def test_trace_and_hermiticity(resolution, level_shift):
    h, a, b = random_operators(7, 3, 3)
    mixed = np.array([[1.0, 0.4j], [-0.4j, 0.8]])

    def noise(t):
        return 0.02 * thermal(t)[..., None, None] * mixed

    given = memory(h, [a, b], noise, 3.0, level_shift=level_shift, resolution=resolution)
    for one in maps(given, TIMES[::5]).states:
        tensor = one.full().reshape(3, 3, 3, 3)  # [column, row | column, row]
        assert np.abs(np.einsum("mmij->ij", tensor) - np.eye(3)).max() <= 1e-12
        assert np.abs(tensor - tensor.conj().transpose(1, 0, 3, 2)).max() <= 1e-12


def test_full_resolution_parts_populations_from_coherences():
    """Of frequencies 0 and 2, coupled by sigma_x + sigma_z; the whole tensor mixes them."""
    for resolution, mixes in ((None, True), (np.inf, False)):
        made = memory(SZ, SX + SZ, ohmic(), 1.0, resolution=resolution)
        into_coherences = made.last.matrix[np.ix_([1, 2], [0, 3])]
        assert (np.abs(into_coherences).max() > 1e-3) == mixes
        assert mixes or np.abs(into_coherences).max() < 1e-15


def test_groups_are_positive_and_thermal_and_the_whole_tensor_is_not():
    h, a = random_operators(8, 3, 2)
    whole, secular, partial = (
        memory(h, 0.6 * a, thermal, resolution=resolution) for resolution in (None, np.inf, 2.0)
    )
    assert maps(whole).lowest_choi.min() < -1e-3
    assert maps(whole).crossings
    for positive in (secular, partial):
        assert positive.last.positivity >= -1e-12
        assert maps(positive).crossings == ()
    gibbs = secular.system.gibbs(1.0)
    # detailed balance of the transforms, to their error
    assert np.abs(secular.last.apply(gibbs).full()).max() <= 20 * secular.uncertainty
    assert np.abs(whole.last.apply(gibbs).full()).max() > 1e-3


@pytest.mark.parametrize("resolution", [None, 20.0])
def test_nothing_jumps_as_levels_become_degenerate(resolution):
    """Distance to the degenerate generator is of first order in the splitting, down to rounding."""
    a = qutip.Qobj(np.array([[0.2, 1.0, 0.5], [1.0, -0.1, 0.7], [0.5, 0.7, 0.3]]))

    def generator(split):
        h = qutip.qdiags([1.0, split, 0.0], 0)
        return memory(h, a, thermal, resolution=resolution).last.matrix

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


def test_one_time_is_one_of_many_and_the_bath_gives_the_same():
    given = memory(0.5 * SZ, SX, ohmic(), 4.0)
    assert "to t = 4\n  memory      : 4\n" in repr(given)
    for time in (0.0, 0.02, 1.3, 4.0):
        alone = master.generator(given.system, "tcl2", time=time)
        assert np.abs(given.at(time).matrix - alone.matrix).max() <= 1e-6


def test_it_goes_into_qutips_mesolve():
    given = memory(0.5 * SZ, SX, ohmic(), 2.0)
    evolving = qutip.QobjEvo(lambda t: given.overshot(t).superoperator)
    start, options = qutip.ket2dm(qutip.basis(2, 0)), {"rtol": 1e-9, "atol": 1e-11}
    theirs = qutip.mesolve(evolving, start, [0.0, 1.0, 2.0], options=options).states[-1]
    ours = master.evolve(given, start, [0.0, 1.0, 2.0]).states[-1]
    # Adams steps of rtol 1e-9, a hundred of them
    np.testing.assert_allclose(theirs.full(), ours.full(), atol=1e-6)


def test_no_step_leaps_over_a_short_memory():
    """A memory of 1e-6 of the time that is asked for: K(0) = 0, and yet the decay is there."""
    short = memory(0 * SZ, SZ, lambda t: 1e4 * np.exp(-1e6 * t))
    rho = master.evolve(short, PLUS, [0.0, 10.0]).states[-1]
    rate = 4 * 1e4 / 1e6
    assert abs(rho[0, 1]) == approx(0.5 * np.exp(-rate * (10.0 - 1e-6)), rel=1e-8)


@pytest.mark.parametrize("name", ["ohmic", "electron-hole pairs"])
def test_a_bath_without_exponents_is_followed_by_its_correlation(name):
    """C ~ t^-2 is no sum of few exponentials: a fit on even steps would leap over its beginning."""
    correlation = {
        "ohmic": ohmic(),
        "electron-hole pairs": lambda t: 0.02 * kernels.exponential_cutoff(t, BAND),
    }[name]
    given = memory(0.5 * SZ, SX, correlation, 3.0)
    known = master.evolve(given, qutip.basis(2, 0), [0.0, 1.0, 3.0])
    found = master.evolve(given.system, qutip.basis(2, 0), [0.0, 1.0, 3.0], method="tcl2")
    for one, other in zip(known.states, found.states, strict=True):
        assert np.abs((one - other).full()).max() <= 1e-6
    assert found.uncertainty <= 1e-6
    pulses = [(1.5, SX)]
    with pytest.raises(om.ConvergenceError, match="memory time"):
        master.evolve(
            given.system, qutip.basis(2, 0), [0, 3], method="tcl2", pulses=pulses, rtol=1e-6
        )


@pytest.mark.parametrize("unit", [1e-30, 1e15, 1e30])
def test_the_unit_does_not_matter(unit):
    def scaled(t):
        return unit**2 * kernels.exponential_cutoff(unit * np.asarray(t), 30.0)

    given = memory(0.5 * unit * SZ, SX, scaled)
    plain = memory(0.5 * SZ, SX, lambda t: kernels.exponential_cutoff(t, 30.0))
    one = master.evolve(given, qutip.basis(2, 0), np.array([0.0, 3.0]) / unit).states[-1]
    other = master.evolve(plain, qutip.basis(2, 0), [0.0, 3.0]).states[-1]
    assert np.abs((one - other).full()).max() <= 1e-9


# --- bad input --------------------------------------------------------------------------------

GRID = np.linspace(0, 5, 400)


def of(correlation=None, time=1.0, operator=SX, **options):
    return lambda: memory(
        SZ, operator, ohmic() if correlation is None else correlation, time, **options
    )


def states(times, start=None, **options):
    whole = qutip.basis(2, 0) if start is None else start
    return lambda: master.evolve(memory(SZ, SX, ohmic(), 1.0), whole, times, **options)


DRIVEN = om.OpenSystem(qutip.QobjEvo([[SZ, math.cos]]), [(SX, om.Bath(correlation=ohmic()))])
BAD = [
    (lambda: panel_memory(DRIVEN), "`system` must not depend on time"),
    (
        of(correlation=lambda t: np.where(t > 0.5, np.nan, 1.0)),
        "`correlation` must be finite.*at t",
    ),
    (of(correlation=(GRID,)), r"\(times, values\), got 1"),
    (of(correlation=(GRID[1:], np.exp(-GRID[1:]))), "uniform grid that starts at 0"),
    (of(correlation=(GRID**2, np.exp(-GRID))), "uniform grid"),
    (of(correlation=(GRID, np.exp(-GRID)[1:])), r"values \(t,\) or \(t, n, n\), got"),
    (of(correlation=(GRID, np.nan * GRID)), r"`correlation\[1\]`.*nan"),
    (of(correlation=(GRID, np.exp(-GRID)), time=6.0), "at most 5, where the samples end"),
    (of(time=-1.0), "`time` must be one real number and >= 0, got -1"),
    (of(time=np.nan), "`time`.*nan"),
    (of(resolution=0.0), "`resolution` must be.*> 0, got 0"),
    (of(rtol=0.0), "`rtol`.*> 0"),
    (lambda: of()().at(1.5), "`time`.*<= 1.*got 1.5"),
    (states([0.0, 2.0]), "`times` must be between 0 and 1, where the memory is known"),
    (states([1.0, 0.0]), "increasing"),
    (states([0.0, 1.0], options={"speed": 3}), "`options` must be"),
    (states([0.0, 1.0], pulses=[(0.5, SX)]), "`pulses` need a memory in exponents"),
    (lambda: master.evolve(of()().system, qutip.basis(2, 0), [0.0, 1.0], extra=0), "`extra` goes"),
    (lambda: kernels.flat_band(1.0, 0.0), "`band`.*> 0"),
    (lambda: kernels.flat_band(np.nan, 1.0), "`time`.*nan"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}
