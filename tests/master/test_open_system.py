"""Markovian equations against exact numbers, foreign numbers and the laws that each must keep.

The rows were computed by a program that shares nothing with openmr: the integrals of each equation
by quadrature, the hierarchy by itself; its digits are the tolerance.
"""

import math
from importlib import import_module
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
import qutip
from nearness import approx
from qutip.core.environment import BosonicEnvironment, FermionicEnvironment
from refusals import unclear
from scipy.linalg import expm

import openmr as om
from openmr import master

SX, SY, SZ = qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()
DRUDE = om.Bath.drude(reorganization=0.05, cutoff=1.5, temperature=1.0)
QUBIT = om.OpenSystem(0.3 * SZ + 0.4 * SX, [(SZ, DRUDE)])
POSITIVE = ("davies", "grouped", "universal", "geometric", "coarse-grained")
SECOND_ORDER = ("redfield", *POSITIVE)
ROUNDING = 1e-13


def random_hermitian(rng, size):
    matrix = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return 0.5 * (matrix + matrix.conj().T)


def random_system(rng, size):
    """Two couplings, one to a hot bath and one to a cold one."""
    hot = om.Bath.drude(rng.uniform(0.01, 0.1), rng.uniform(0.3, 3.0), rng.uniform(1.0, 2.0))
    cold = om.Bath.drude(rng.uniform(0.01, 0.1), rng.uniform(0.3, 3.0), rng.uniform(0.2, 1.0))
    operators = [random_hermitian(rng, size) for _ in range(3)]
    return om.OpenSystem(operators[0], [(operators[1], hot), (operators[2], cold)])


def evolved(made, start, time):
    """rho(t) between the states in which H was given."""
    return (expm(time * made.matrix) @ start.T.ravel()).reshape(start.shape).T


def apart(one, other):
    return np.abs(one - other).max() / np.abs(other).max()


# --- rows of numbers ---------------------------------------------------------------------------


R1 = {
    ("davies", None): (0.12783971, 0.15991985, 1.03362308),
    ("redfield", None): (0.13285812, 0.15741065, 1.02505887),
    ("universal", None): (0.13214326, 0.15776808, 1.02668945),
    ("geometric", None): (0.13218828, 0.15774557, 1.02681735),
    ("coarse-grained", 20.0): (0.12643, 0.15653, 1.03212),
    ("coarse-grained", 200.0): (0.12769, 0.15957, 1.03347),
}
DIGITS = {"coarse-grained": 2e-5}
"""R1 gives five digits there."""


def test_rates_of_a_qubit():
    """R1."""
    wrong = {}
    for (method, resolution), row in R1.items():
        options = {} if resolution is None else {"resolution": resolution}
        found = master.rates(QUBIT, method, **options)
        numbers = [found.longitudinal[0], found.transverse[0], found.frequencies[0]]
        if np.abs(np.subtract(numbers, row)).max() > DIGITS.get(method, 6e-9):
            wrong[method, resolution] = numbers
    assert wrong == {}
    lowest = {method: master.generator(QUBIT, method).positivity for method in SECOND_ORDER}
    assert lowest.pop("redfield") == approx(-0.01509136, abs=6e-9)
    assert min(lowest.values()) > -ROUNDING


def test_steady_states_of_a_qubit():
    """R1: populations of second order are wrong at second order; Davies is thermal."""
    row = {"davies": 0.36136, "redfield": 0.357460, "universal": 0.368751, "geometric": 0.369796}
    found = {method: master.steady_state(QUBIT, method) for method in row}
    up = {method: one.state.full()[0, 0].real for method, one in found.items()}
    assert up == approx(row, abs=5e-6)
    assert found["davies"].gibbs_distance < ROUNDING < found["redfield"].gibbs_distance
    assert "wrong at second order" in repr(found["redfield"])
    cold, warm = om.Bath.ohmic(1e-3, 5.0, 0.0), om.Bath.ohmic(1e-3, 5.0, 1.0)
    x, z = qutip.sigmax(), 0.5 * qutip.sigmaz()
    ground = master.steady_state(om.OpenSystem(z, [(x, cold)]), "davies")
    assert ground.gibbs_distance < ROUNDING  # of the lowest level alone
    assert ground.populations == approx([1.0, 0.0], abs=ROUNDING)
    heat = master.currents(om.OpenSystem(z, [(x, cold), (x, warm)]), method="davies")
    assert heat.entropy_production is None  # no number at T = 0


R2 = {
    "redfield": (0.351867, 0.183798, 0.216779),
    "universal": (0.352220, 0.183404, 0.215984),
    "geometric": (0.352226, 0.182630, 0.215399),
    "davies": (0.367324, 0.035843, 0.0),
}
R2_HEOM = (0.35824, 0.18503, 0.21472)
R2_GROUPED = {0.5: 3.8e-2, 0.3: 2.7e-2, 0.15: 1.7e-2, 0.03: 8.5e-3}


def near_degenerate(apart=0.03):
    """Three levels, two of them close together."""
    coupling = np.zeros((3, 3))
    coupling[0, 1:] = coupling[1:, 0] = 1.0
    bath = om.Bath.drude(reorganization=0.02, cutoff=2.0, temperature=0.5)
    return om.OpenSystem(np.diag([0.0, 1.0, 1.0 + apart]), [(coupling, bath)])


def two_levels(method):
    rho = evolved(master.generator(near_degenerate(), method), np.diag([0.0, 1.0, 0.0]), 30.0)
    return rho[1, 1].real, rho[2, 2].real, abs(rho[1, 2])


def test_levels_that_are_nearly_degenerate():
    """R2: at the crossover dropping terms is wrong by 0.2, grouping by 0.01."""
    found = {method: two_levels(method) for method in R2}
    assert {m: apart(np.array(found[m]), np.array(R2[m])) < 4e-6 for m in R2} == dict.fromkeys(
        R2, True
    )
    off = {m: np.abs(np.subtract(two_levels(m), R2_HEOM)).max() for m in ("davies", "grouped")}
    assert off == approx({"davies": 0.215, "grouped": 0.0085}, rel=0.1)


def dots():
    """R3: two coupled dots, the first between them and a lead, the second opposite."""
    c1, c2 = om.fock.annihilators(2)
    n1, n2 = c1.dag() * c1, c2.dag() * c2
    left = om.Bath.lead(rate=0.1, half_width=20, temperature=0.6, potential=1, band="lorentz")
    right = om.Bath.lead(rate=0.2, half_width=20, temperature=0.6, potential=-1, band="lorentz")
    h = 0.5 * n1 - 0.3 * n2 - 0.2 * (c1.dag() * c2 + c2.dag() * c1) + 3 * n1 * n2
    return om.OpenSystem(h, [(c1, left), (c2, right)]), n1 + n2


def test_currents_between_leads():
    """R3, equal to what QmeQ gives."""
    system, particles = dots()
    rows = {
        ("redfield", False): (0.00666704936, 0.00258999720),
        ("redfield", True): (0.00661374937, 0.00258124765),
        ("davies", False): (0.00673601908, 0.00261908753),
    }
    for (method, shift), row in rows.items():
        found = master.currents(system, particles, method, level_shift=shift)
        assert (found.quantity[0], found.energy[0]) == approx(row, abs=6e-12)
        # the heat from each lead is what it gives less what its particles carry
        heat = found.energy - np.array([1.0, -1.0]) * found.quantity
        assert found.entropy_production == approx(-heat.sum() / 0.6, rel=1e-9)


def test_heat_through_a_qubit():
    """R4 and R16: between two baths at the same operator, and at operators that do not commute."""
    hot, cold = (om.Bath.drude(0.02, 2.0, temperature) for temperature in (1.2, 0.6))
    same = om.OpenSystem(0.5 * SZ + 0.2 * SX, [(SX, hot), (SX, cold)])
    other = om.Bath.drude(0.03, 1.0, 0.5)
    crossed = om.OpenSystem(0.6 * SZ + 0.2 * SX, [(SX, hot), (SZ, other)])
    rows = {
        "davies": (0.00401539834, 0.0014519252),
        "redfield": (0.00401105306, 0.0016566839),
        "universal": (0.0040163444, 0.0014643909),
        "geometric": (0.0040180181, None),
    }
    for method, (first, second) in rows.items():
        assert master.currents(same, method=method).energy[0] == approx(first, abs=6e-11)
        if second is not None:
            found = master.currents(crossed, method=method).energy[0]
            assert found == approx(second, abs=6e-11)
    state = master.steady_state(same).state.full()
    assert state[0, 0].real == approx(0.25389, abs=5e-6)


def test_spin_in_a_phonon_bath():
    """R9: one spin 1 whose bath has rates and no level shift."""
    x, y, z = qutip.jmat(1)
    del y
    phonons = om.Bath(spectral_density=lambda w: 5e-4 * w**3, temperature=2.0)
    h = z * z + 0.05 * (x * x - qutip.jmat(1, "y") ** 2) + 0.3 * z + 0.1 * x
    second = x * x - qutip.jmat(1, "y") ** 2
    spin = om.OpenSystem(h, [(x * z + z * x, phonons), (second, phonons)])
    assert spin.energies == approx([-0.01034523, 0.70173481, 1.30861042], abs=6e-9)
    found = master.rates(spin, "davies", level_shift=False)
    assert found.longitudinal == approx([1.86007019e-3, 3.75771088e-3], abs=6e-12)
    row = [1.408081858e-3, 2.158565013e-3, 2.051134202e-3]
    assert found.transverse[[0, 1, 2]] == approx(row, abs=6e-13)
    assert found.golden_longitudinal == approx(found.longitudinal, rel=1e-9)
    assert found.golden_transverse == approx(found.transverse, rel=1e-9)
    redfield = master.generator(spin, level_shift=False)
    assert redfield.positivity == approx(-4.79e-4, abs=6e-7)
    assert redfield.detailed_balance < 2e-13
    with pytest.raises(om.ParameterError, match="level_shift"):
        master.generator(spin)


def test_the_decay_of_a_spin_does_not_depend_on_another():
    """R11: two spins along x, a bath on the first; its decay is S(1) + S(-1) at any splitting.

    Below a splitting d of the frequencies, eigenvectors are known to rounding over d, and Davies
    loses the square of that until d is taken for zero, 1e-12: at most (1e-15 / 1e-12)^2.
    """
    one = qutip.qeye(2)
    first, second, z = (qutip.tensor(*pair) for pair in ((SX, one), (one, SX), (SZ, one)))
    bath = om.Bath.electron_hole(strength=1.0, temperature=1.0)
    turn = qutip.rand_unitary(4, seed=3)
    turn = qutip.Qobj(turn.full(), dims=first.dims)
    wrong = {}
    for split in (*10.0 ** -np.arange(1, 16), 0.0):
        for u in (qutip.qeye([2, 2]), turn):
            h, a, decaying = (
                u * operator * u.dag()
                for operator in ((first + (1 + split) * second) / 2, z, first)
            )
            system = om.OpenSystem(0.5 * (h + h.dag()), [(0.5 * (a + a.dag()), bath)])
            for method in ("redfield", "davies", "universal", "geometric"):
                made = master.generator(system, method, level_shift=False)
                rate = -(decaying * made.apply(decaying)).tr().real / 4
                if abs(rate - 2.163953413738653) > (1e-6 if method == "davies" else 1e-12):
                    wrong[split, method] = rate
    assert wrong == {}


def test_steps_that_are_equal_are_one():
    """A large spin in a field, in any basis: its Davies equation has two jumps, S_- and S_+."""
    spin, step = 2.5, 0.7
    bath = om.Bath.electron_hole(strength=1.0, temperature=1.0)
    u = qutip.rand_unitary(6, seed=17)
    h, a, lower = (
        u * one * u.dag()
        for one in (step * qutip.jmat(spin, "z"), qutip.jmat(spin, "x"), qutip.jmat(spin, "-"))
    )
    system = om.OpenSystem(0.5 * (h + h.dag()), [(0.5 * (a + a.dag()), bath)])
    down, up = (np.sqrt(bath.spectrum(w)) / 2 for w in (step, -step))
    lindblad = qutip.liouvillian(h, [down * lower, up * lower.dag()])
    found = master.generator(system, "davies", level_shift=False).superoperator
    assert apart(found.full(), lindblad.full()) < ROUNDING
    degenerate = om.OpenSystem(np.eye(6) - 2 * (u * qutip.basis(6, 0)).proj().full(), [])
    assert len(set(degenerate.energies)) == 2


def test_two_time_functions():
    """R13, by regression."""
    row = {"davies": 0.25703902 - 0.00419201j, "redfield": 0.26617117 + 0.03003779j}
    for method, value in row.items():
        found = master.correlation(QUBIT, SX, SX, [0.0, 1.5, 3.0], method)
        assert found[0] == approx(1.0, abs=ROUNDING)
        assert found[-1] == approx(value, abs=1e-8)


def test_the_spectrum_is_the_transform_of_the_correlation():
    """By QuTiP's own regression with the same generator."""
    made = master.generator(QUBIT, "davies")
    times = np.linspace(0.0, 250.0, 25001)
    steady = master.steady_state(QUBIT, "davies").state
    found = qutip.correlation_2op_1t(
        made.superoperator, steady, times, [], SX, SY, options={"rtol": 1e-10, "atol": 1e-12}
    )
    found = found - found[-1]
    w = np.array([-1.0, 0.0, 0.4, 1.1])
    # <A(-t) B> = <B^dag(t) A^dag>^*
    back = master.correlation(QUBIT, SY, SX, times, "davies")
    back = back - back[-1]
    waves = np.exp(1j * w[:, None] * times)
    both = np.trapezoid(found * waves, times) + np.trapezoid((back * waves).conj(), times)
    # trapezoids of 0.01 leave (w dt)^2 / 12
    assert apart(master.spectrum(QUBIT, SX, SY, w, "davies"), both) < 3e-5


def test_the_exact_spectrum():
    """The transform of the hierarchy's two-time function, with what the bath remembers."""
    times = np.linspace(0.0, 120.0, 2401)
    found = master.correlation(QUBIT, SX, SX, times, "heom")
    w = np.array([0.0, 0.9, -1.1])
    waves = np.exp(1j * w[:, None] * times) * (found - found[-1])
    # trapezoids of 0.05 leave (w dt)^2 / 12, twice the real part since A = B
    exact = master.spectrum(QUBIT, SX, SX, w, "heom")
    assert apart(exact, 2 * np.trapezoid(waves, times).real) < 5e-4
    assert apart(master.spectrum(QUBIT, SX, SX, w), exact) > 1e-2


def test_a_map_that_is_not_completely_positive():
    """R14: lowest Choi eigenvalue of Redfield's map."""
    made = master.generator(QUBIT)

    def lowest(time):
        choi = qutip.to_choi((time * made.superoperator).expm()).full()
        return np.linalg.eigvalsh(choi)[0] / 2

    row = {0.5: -0.00285399, 1.0: -0.00221871, 1.6642958: 0.0}
    assert {time: lowest(time) for time in row} == approx(row, abs=6e-9)
    assert min(lowest(time) for time in np.arange(0.6, 0.7, 0.01)) == approx(-0.0030576, abs=6e-8)


def flip_rate(spin, x):
    """Longitudinal rate of an electron beside a thermal moment, by the golden rule in 40 digits."""
    with mp.workdps(40):
        x, spin = mp.mpf(x), mp.mpf(spin)
        levels = [spin - k for k in range(int(2 * spin) + 1)]
        weights = [mp.exp(-x * m) for m in levels]
        noise = {sign: sign * x / (1 - mp.exp(-sign * x)) for sign in (1, -1)}
        rate = sum(
            p * (spin * (spin + 1) - m * (m - sign)) * noise[sign] / 4
            for p, m in zip(weights, levels, strict=True)
            for sign in (1, -1)
        )
        return float(rate / sum(weights))


def test_an_electron_beside_a_moment():
    """R15, and rates that are exponentially small: all digits at any field."""
    space = om.hilbert
    bath = om.Bath.electron_hole(strength=1.0, temperature=1.0)
    for x in (1.5, 5.0, 20.0, 50.0, 71.0):
        a = space.coupling([2], 0, (1, 1, 1))
        pair = om.OpenSystem(space.hamiltonian([2], [x]), [(a, bath)])
        made = master.generator(pair, level_shift=False)
        tensor = space.bloch_tensor(space.project(made, space.thermal_moments([2], [x])))
        assert tensor[2, 2] == approx(flip_rate(2, x), rel=2e-14, abs=0)
        if x == 1.5:
            row = [2.125182603, 2.125182603, 0.951385225]
            assert np.diag(tensor) == approx(row, abs=6e-10)


def test_levels_that_move():
    """R8 by Redfield and Davies equations of the levels at each instant."""
    c = [0.04830418 - 0.045j, 0.03124966, 0.05541059]
    bath = om.Bath(exponents=(c, [1.5, 6.30593914, 19.49961875]))
    h = qutip.QobjEvo([0.5 * SZ, [0.5 * SX, math.cos]])
    driven = om.OpenSystem(h, [(SZ, bath)])
    options = {"method": "vern9", "rtol": 1e-9, "atol": 1e-11, "nsteps": 10**5}
    for method, row in (
        ("redfield", (0.5755023, 0.2185116 + 0.1249141j)),
        ("davies", (0.5849048, None)),
    ):
        moving = qutip.QobjEvo(
            lambda t, method=method: master.generator(driven, method, time=t).superoperator
        )
        start = qutip.basis(2, 0).proj()
        rho = qutip.mesolve(moving, start, [0.0, 10.0], options=options).final_state.full()
        assert rho[0, 0].real == approx(row[0], abs=6e-8)
        if row[1] is not None:
            assert rho[0, 1] == approx(row[1], abs=1e-7)


# --- laws --------------------------------------------------------------------------------------


def test_methods_that_are_completely_positive():
    """On 50 random systems, at any resolution; Redfield is not."""
    rng = np.random.default_rng(4)
    broken, redfield = {}, []
    for trial in range(50):
        system = random_system(rng, 2 + trial % 3)
        for method in POSITIVE:
            timed = method in ("grouped", "coarse-grained")
            options = {"resolution": 10 ** rng.uniform(-1, 2)} if timed else {}
            made = master.generator(system, method, **options)
            scale = np.abs(made.dissipator.full()).max()
            if made.positivity < -1e-12 * scale:
                broken[trial, method] = made.positivity
        redfield.append(master.generator(system).positivity)
    assert broken == {}
    assert max(redfield) < 0


def test_jumps_make_the_generator():
    """QuTiP's Lindbladian of the jumps and the shifted Hamiltonian is the same superoperator."""
    system = random_system(np.random.default_rng(5), 3)
    system = om.OpenSystem(
        system.hamiltonian,
        [(c.operators[0], c.bath) for c in system.couplings],
        [0.3 * np.eye(3, k=1)],
    )
    for method in POSITIVE:
        made = master.generator(system, method)
        lindblad = qutip.liouvillian(system.hamiltonian + made.shift, list(made.jumps))
        assert apart(lindblad.full(), made.superoperator.full()) < ROUNDING, method
    with pytest.raises(om.ParameterError, match=r"`method`.*'redfield'"):
        _ = master.generator(system).jumps


def test_a_generator_is_the_sum_of_its_parts():
    """And applied as commutators it is the superoperator."""
    system = random_system(np.random.default_rng(6), 4)
    rng = np.random.default_rng(7)
    x = qutip.Qobj(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))
    for method in SECOND_ORDER:
        made = master.generator(system, method)
        unitary = qutip.liouvillian(system.hamiltonian)
        assert apart(sum(made.parts, unitary).full(), made.superoperator.full()) < ROUNDING
        assert apart((unitary + made.dissipator).full(), made.superoperator.full()) < ROUNDING
        image = qutip.vector_to_operator(made.superoperator * qutip.operator_to_vector(x))
        assert apart(made.apply(x).full(), image.full()) < ROUNDING


@pytest.mark.slow
def test_what_does_not_matter():
    """The order of couplings, a bath in two halves, the basis, the unit of energy."""
    rng = np.random.default_rng(8)
    h, a, b = (random_hermitian(rng, 4) for _ in range(3))
    u = qutip.rand_unitary(4, seed=9).full()
    wrong = {}
    for method in SECOND_ORDER:

        def system(h, a, b, parts=(1.0,), unit=1.0, swap=False):
            first = [(a, om.Bath.drude(0.05 * p * unit, unit, unit)) for p in parts]
            second = [(b, om.Bath.drude(0.03 * unit, 2 * unit, 0.5 * unit))]
            pairs = second + first if swap else first + second
            return om.OpenSystem(unit * h, pairs)

        plain = master.generator(system(h, a, b), method).matrix
        changed = {
            "order": master.generator(system(h, a, b, swap=True), method).matrix,
            "halves": master.generator(system(h, a, b, parts=(0.5, 0.5)), method).matrix,
        }
        turned = [u @ one @ u.conj().T for one in (h, a, b)]
        turned = [0.5 * (one + one.conj().T) for one in turned]
        back = np.kron(u.conj(), u)
        basis = master.generator(system(*turned), method).matrix
        changed["basis"] = back.conj().T @ basis @ back
        for unit in (1e-30, 1e-7, 1e30):
            made = master.generator(system(h, a, b, unit=unit), method)
            changed[unit] = made.matrix / unit
        for what, matrix in changed.items():
            # eigenvectors of a random H of size 4 are known to rounding over its closest levels
            if apart(matrix, plain) > 1e-12:
                wrong[method, what] = apart(matrix, plain)
    assert wrong == {}


def test_units_do_not_matter_to_the_questions():
    """Rates, states and currents scale with the unit of energy, from 1e-30 to 1e30."""

    def system(unit):
        hot, cold = (om.Bath.drude(0.02 * unit, unit, t * unit) for t in (1.0, 0.5))
        return om.OpenSystem(unit * (0.5 * SZ + 0.2 * SX), [(SX, hot), (SZ, cold)])

    def answers(unit):
        one = system(unit)
        rates, flow = master.rates(one), master.currents(one)
        return np.concatenate(
            [
                rates.longitudinal / unit,
                rates.frequencies / unit,
                master.steady_state(one, "davies").populations,
                flow.energy / unit**2,
                master.correlation(one, SX, SY, [1.0 / unit]).view(float),
                (master.spectrum(one, SX, SX, [0.3 * unit]) * unit).real,
            ]
        )

    for unit in (1e-30, 1e30):
        assert answers(unit) == approx(answers(1.0), rel=1e-11)


def test_detailed_balance():
    """Without level shift Redfield leaves the Gibbs state alone exactly, Davies always."""
    rng = np.random.default_rng(10)
    operators = [random_hermitian(rng, 5) for _ in range(3)]
    baths = [om.Bath.drude(0.05, 1.0, 0.7), om.Bath.ohmic(0.01, 3.0, 0.7)]
    system = om.OpenSystem(operators[0], list(zip(operators[1:], baths, strict=True)))
    still = {
        "redfield": master.generator(system, level_shift=False).detailed_balance,
        "davies": master.generator(system, "davies").detailed_balance,
    }
    assert max(still.values()) < ROUNDING
    assert master.generator(system).detailed_balance > 1e-4
    # another temperature is another state
    mixed = om.OpenSystem(operators[0], [(operators[1], DRUDE), (operators[2], baths[0])])
    assert master.generator(mixed).detailed_balance is None


def test_limits_of_the_resolution():
    """An infinite one drops every term that Davies drops; a coarse average tends to it as 1/T."""
    system = random_system(np.random.default_rng(11), 3)
    davies = master.generator(system, "davies").matrix
    for method in ("grouped", "coarse-grained"):
        assert apart(master.generator(system, method, resolution=np.inf).matrix, davies) < ROUNDING
    long = master.generator(system, "coarse-grained", resolution=1e5).matrix
    assert apart(long, davies) < 1e-4
    sharp = master.rates(QUBIT, "davies").longitudinal
    off = [
        master.rates(QUBIT, "coarse-grained", resolution=time).longitudinal - sharp
        for time in (200.0, 400.0)
    ]
    assert off[0] / off[1] == approx([2.0], rel=0.02)


def test_a_moving_system_asks_for_its_default_resolution_once(monkeypatch):
    asked, correlation = [], om.Bath.correlation
    monkeypatch.setattr(om.Bath, "correlation", lambda *a: asked.append(0) or correlation(*a))
    system = om.OpenSystem([SZ, [SX, np.cos]], [(SX, om.Bath.drude(0.05, 1.5, 1.0))])
    for method in ("grouped", "coarse-grained"):
        now, later = (master.generator(system, method, time=time) for time in (0.0, 1.0))
        assert now.resolution == later.resolution
    assert len(asked) == 1


def test_noise_that_is_not_met_does_not_matter():
    """S(0), infinite for 1/f noise, where A has no elements between equal levels."""
    one, other = (
        om.OpenSystem(SZ, [(SX, om.Bath(lambda w, s=s: 0.1 / abs(w) if w else s))])
        for s in (0.0, 7.0)
    )
    for method in SECOND_ORDER[:2]:
        found = [master.rates(s, method, level_shift=False).transverse for s in (one, other)]
        np.testing.assert_allclose(found, 0.05, rtol=1e-14)  # half of S(2) + S(-2)


def test_one_coupling_or_correlated_ones():
    """Fully correlated noise on A and B is one noise on A + B, for every method."""
    rng = np.random.default_rng(12)
    h, a, b = (random_hermitian(rng, 3) for _ in range(3))
    matrix = np.ones((2, 2))
    both = om.Bath(exponents=([0.05 * matrix, 0.01 * matrix], [1.0, 3.0]))
    one = om.Bath(exponents=([0.05, 0.01], [1.0, 3.0]))
    wrong = {}
    for method in SECOND_ORDER:
        pair = master.generator(om.OpenSystem(h, [([a, b], both)]), method).matrix
        together = master.generator(om.OpenSystem(h, [(a + b, one)]), method).matrix
        if apart(pair, together) > 1e-9:
            wrong[method] = apart(pair, together)
    assert wrong == {}


def test_the_universal_shift():
    """Of two levels without diagonal coupling it is that of Davies: one frequency up, one down.

    The one is an integral over the roots of the spectrum, the other a principal part of the bath;
    a narrow line of the bath is found by both. 1e-11 of the largest panel is allowed to each.
    """
    baths = {
        "Drude": DRUDE,
        "T = 0": om.Bath.ohmic(0.02, 5.0, 0.0),
        "line": om.Bath(
            spectral_density=lambda w: 2e-4 * w / ((w**2 - 4) ** 2 + 1e-6 * w**2), temperature=1.0
        ),
        "C(t)": om.Bath(correlation=lambda t: 0.05 * np.exp(-(1 + 0.7j) * t)),
        # both lose their digits near w = 0
        "formula": om.Bath(
            lambda w: w / (1 - np.exp(-w)) * np.exp(-abs(w) / 3) if w else 1.0, temperature=1.0
        ),
        "QuTiP's": om.Bath(environment=qutip.UnderDampedEnvironment(T=5, lam=0.1, gamma=0.5, w0=1)),
    }
    off = {}
    for name, bath in baths.items():
        system = om.OpenSystem(0.5 * SZ, [(SX, bath)])
        davies, universal = (
            master.generator(system, method).shift.full() for method in ("davies", "universal")
        )
        off[name] = apart(universal, davies)
    assert max(off.values()) < 1e-8, off


def test_the_universal_shift_of_noise_that_sets_in_slowly():
    """Elements of levels meet elements of transitions in G(v) G(v + w), from v^0.1 on at T = 0."""
    bath, h = om.Bath.ohmic(0.02, 5.0, 0.0, 0.2), 0.3 * SZ + 0.4 * SX
    energies, states = np.linalg.eigh(h.full())
    a = states.conj().T @ SZ.full() @ states
    gaps = energies - energies[:, None]

    def odd(y):
        up, down = (np.sqrt(bath.spectrum(s * np.exp(y) + gaps)) * a for s in (1, -1))
        return up.conj().T @ up - down.conj().T @ down

    nodes, weights = np.polynomial.legendre.leggauss(24)
    near = np.geomspace(1e-15, 1.0, 31)  # the transition is at v = 1
    edges = np.concatenate([np.linspace(-300, -1, 100), -near[::-1], near, [2.0, 3.0, 4.0, 5.0]])
    total = sum(
        0.5 * (high - low) * w * odd(0.5 * (low + high + (high - low) * x))
        for low, high in pairwise(edges)
        for x, w in zip(nodes, weights, strict=True)
    )
    exact = states @ (-total / (2 * np.pi)) @ states.conj().T
    found = master.generator(om.OpenSystem(h, [(SZ, bath)]), "universal").shift.full()
    assert apart(found, exact) < 1e-6


def test_currents_keep_the_first_law():
    """dU/dt = sum of the currents, for each method and in any state; entropy is made."""
    system = random_system(np.random.default_rng(13), 4)
    h = system.hamiltonian
    start = qutip.rand_dm(4, seed=14)
    start = qutip.Qobj(start.full(), dims=h.dims)
    for method in SECOND_ORDER:
        change = (h * master.generator(system, method).apply(start)).tr().real
        found = master.currents(system, method=method, state=start)
        assert found.total_energy == approx(change, abs=1e-14)
        still = master.currents(system, method=method)
        assert abs(still.total_energy) < 1e-13 * np.abs(still.energy).max() + 1e-15
    assert master.currents(system, method="davies").entropy_production > 0


def test_whose_current_it_is():
    """Lindblad operators are no bath, and what a bath loses by the hierarchy is its own side."""
    hot, cold = om.Bath.drude(0.02, 2, 1.2), om.Bath.drude(0.03, 1, 0.5)
    pair = om.OpenSystem(0.6 * SZ + 0.2 * SX, [(SX, hot), (SZ, cold)])
    exact = master.currents(pair, method="heom")
    heat = exact.bath_energy / [1.2, 0.5]  # R16: 0.0023925 to 3e-6
    assert exact.entropy_production == approx(-heat.sum(), rel=1e-12)
    assert exact.entropy_production == approx(0.0023925 * (2 - 1 / 1.2), abs=1e-5)
    mixed = om.OpenSystem(SZ, [(SX, hot)], [0.1 * qutip.sigmam()])
    for method in ("redfield", "heom"):
        found = master.currents(mixed, method=method)
        assert found.sources == ("0", "collapse")
        assert abs(found.total_energy) < 1e-9 < found.energy[0]
        assert "\n  collapse " in repr(found)
        assert found.entropy_production is None
    assert master.currents(om.OpenSystem(SZ, [], [qutip.sigmam()])).entropy_production is None


def test_modes_have_one_name_each():
    """T2 of Davies is half of all that leaves the two levels, and pure dephasing, on 20 systems."""
    rng = np.random.default_rng(15)
    for _ in range(20):
        found = master.rates(random_system(rng, 4), "davies")
        assert found.golden_transverse == approx(found.transverse, rel=1e-9)
        assert found.golden_longitudinal == approx(found.longitudinal, rel=1e-9)
        assert found.participation.min() > 1 - 1e-9
    mixed = master.rates(near_degenerate(1e-3), "redfield")
    assert "mixed" in repr(mixed)
    assert any("mixed" in text for text in mixed.warnings)


def test_a_pair_that_is_overdamped_has_two_rates():
    """Slower first, whatever the equation; nothing turns; half of the sum is the golden rule."""
    slow, twice = om.OpenSystem(0.02 * SX, [(SZ, DRUDE)]), []
    for method in ("redfield", "universal", "tcl4", "heom"):
        found = master.rates(slow, method)
        assert found.pairs.tolist() == [[0, 1], [1, 0]]
        assert found.frequencies.tolist() == [0, 0]
        assert found.transverse[0] < found.transverse[1]
        assert found.shifts == approx([-0.04, -0.04])
        assert found.participation.min() > 0.99
        values = np.sort(-np.linalg.eigvals(master.generator(slow, "tcl4").matrix).real)
        rates = np.sort([*found.transverse, *found.longitudinal])
        assert rates == approx(values[1:], rel=0.05)
        assert found.transverse.mean() == approx(found.golden_transverse[0], rel=1e-3)
        twice.append(found.transverse)
    assert np.array(twice) == approx(np.tile(twice[-1], (4, 1)), rel=0.05)
    # levels that are equal and that the bath splits: which is called |0><1| has no meaning
    equal = om.OpenSystem(np.diag([0.0, 0.0, 1.0]), [(np.ones((3, 3)), DRUDE)])
    for method in ("redfield", "grouped", "universal", "geometric", "tcl4"):
        assert master.rates(equal, method).frequencies[0] == approx(0.3, abs=0.04)
    # the same rows where three levels have one such pair
    three = om.OpenSystem(np.diag([0.0, 0.01, 3.0]), [(np.eye(3)[[1, 0, 2]], DRUDE)])
    assert [1, 0] in master.rates(three).pairs.tolist()
    assert master.compare(slow, methods=["redfield", "heom"])["redfield"].verdict == "good"


def test_a_pair_that_is_overdamped_in_fourth_order_alone():
    system = om.OpenSystem(0.18 * SZ, [(SX, om.Bath.drude(0.2, 2.0, 1.0))])
    second, fourth = (master.rates(system, method) for method in ("redfield", "tcl4"))
    assert (len(second.pairs), len(fourth.pairs)) == (1, 2)
    assert any("fourth order changes 1/T2" in text for text in fourth.warnings)


def test_rates_that_are_not_small_beside_the_memory_say_so():
    """Noise within a rate: white noise forgets, a line narrower than that does not."""

    def change(*, width, strength=1.0):
        noise = om.Bath(spectrum=lambda w: strength * width**2 / ((w - 1) ** 2 + width**2))
        found = master.rates(om.OpenSystem(0.5 * SZ, [(SX, noise)]), "davies", level_shift=False)
        texts = [text for text in found.warnings if text.startswith("memory")]
        assert all(text in repr(found) for text in texts)
        return texts

    assert change(width=1e4) == change(width=1e3) == []
    # of a Lorentzian a rate r off its middle, r^2 / (r^2 + width^2) is missing
    assert "differs by 50%" in change(width=0.1, strength=0.1)[0]
    assert change(width=0.1, strength=0.03) == []
    assert "differs by 10%" in change(width=0.1, strength=0.034)[0]
    # half as much again at one of two frequencies, on one side of it, over the largest rate
    for side, share in ((-1, "33%"), (1, "50%")):
        step = om.Bath(spectrum=lambda w, side=side: 0.01 + 0.005 * (side * (w - 1) > 1e-9))
        system = om.OpenSystem(0.5 * SZ, [(SX, step)])
        (text,) = master.rates(system, "davies", level_shift=False).warnings
        assert f"differs by {share}" in text


def test_a_steady_state_that_is_not_the_only_one():
    system = om.OpenSystem(np.diag([0.0, 1.0]), [(SZ, DRUDE)])
    with pytest.raises(om.ConvergenceError, match="not unique"):
        master.steady_state(system)


def test_a_steady_state_without_baths_is_exact_and_says_so():
    """Two lower levels of a Lambda system, 0.6 |0> + 0.8 |1> is dark."""
    drive = qutip.Qobj([[0, 0, 0.8], [0, 0, -0.6], [0.8, -0.6, 0]])
    jumps = [qutip.basis(3, k) * qutip.basis(3, 2).dag() for k in (0, 1)]
    found = master.steady_state(om.OpenSystem(drive, [], jumps))
    dark = qutip.Qobj([[0.6], [0.8], [0.0]])
    assert qutip.expect(dark.proj(), found.state) == approx(1.0, abs=1e-12)
    assert (found.note, found.fourth_order) == ("", None)


def test_weak_coupling_keeps_its_digits():
    """Rates 1e-14 of the levels are those of the golden rule, whatever the basis."""
    rng = np.random.default_rng(20)
    h, a = random_hermitian(rng, 4), random_hermitian(rng, 4)
    wrong = {}
    for weak in (1e-3, 1e-5, 1e-9, 1e-13):
        system = om.OpenSystem(h, [(a, om.Bath.drude(0.05 * weak, 1.5, 1.0))])
        # rounding of the levels, 1e-15, over rates of 0.01 `weak`, where both are solved at once
        rounding = 1e-13 / weak if weak > 1e-6 else 1e-12
        found, still = master.rates(system, "davies"), master.steady_state(system, "davies")
        off = np.append(
            found.longitudinal / found.golden_longitudinal - 1,
            found.transverse / found.golden_transverse - 1,
        )
        if np.abs(off).max() > rounding or still.gibbs_distance > ROUNDING:
            wrong[weak] = np.abs(off).max(), still.gibbs_distance
        # what Redfield adds to the populations is of second order
        redfield = master.rates(system, "redfield")
        apart = np.abs(redfield.longitudinal / found.longitudinal - 1).max()
        if apart > 10 * weak + rounding:
            wrong["redfield", weak] = apart
    assert wrong == {}


# --- all routes side by side -------------------------------------------------------------------


def test_comparison():
    """Second order alone certifies nothing; whatever is not positive shows."""
    found = master.compare(near_degenerate(), methods=SECOND_ORDER)
    assert found["davies"].verdict == "crossover"
    assert found["redfield"].lowest < 0 <= found["universal"].lowest + ROUNDING
    assert {found[m].verdict for m in ("redfield", "universal", "geometric")} == {"uncertified"}
    text = repr(found)
    assert "no route beyond second order" in text
    assert all(f"\n{method}" in text for method in SECOND_ORDER)
    assert found.to_dict()["schema"] == "openmr/master/compare/1"
    for question in ("steady_state", "currents"):
        table = master.compare(dots()[0], question, ["redfield", "davies", "geometric"])
        deviations = [route.deviation for route in table.routes]
        assert table.best == "redfield"
        assert deviations[0] == 0 < min(deviations[1:])


def test_modes_that_belong_to_no_pair_are_compared_as_a_set():
    """Levels that the bath mixes: whatever a mode is called, fourth order is next to exact."""
    chosen = ("redfield", "universal", "geometric", "tcl4", "heom")
    found = master.compare(near_degenerate(0.01), methods=chosen)
    assert found.best == "heom"
    off = {one.method: one.deviation for one in found.routes}
    # two orders more, in rates over the memory's: 0.04 / 2
    assert off["tcl4"] < 0.1 * min(off[m] for m in chosen[:3])
    assert found["tcl4"].verdict == "good"
    # a word of caution stands where the number does not answer it
    close = om.OpenSystem(np.diag([0.0, 1.0, 1.2]), [(np.ones((3, 3)), om.Bath.drude(0.004, 2, 1))])
    judged = master.compare(close, methods=["davies", "heom"])["davies"]
    assert (judged.verdict == "good") != any("crossover" in text for text in judged.notes)
    # overdamped: two real modes where the coherence was, none of them lost
    slow = om.OpenSystem(0.02 * SX, [(SZ, DRUDE)])
    modes = [master.rates(slow, method).modes for method in ("redfield", "tcl4")]
    assert all(np.abs(one.imag).max() < ROUNDING for one in modes)
    for one, method in zip(modes, ("redfield", "tcl4"), strict=True):
        values = np.linalg.eigvals(master.generator(slow, method).matrix)
        assert apart(np.sort(one.real.ravel()), np.sort(values.real)) < 1e-11


def test_frequencies_are_shown_and_not_judged():
    """R10: second order is off by 17 % of a rate in the frequency, by 6 % in the rates."""
    cm = 0.1883652
    bath = om.Bath.drude(2 * cm, 10, 300 * 0.6950348 * cm)
    pair = [(np.diag([1.0, 0.0]), bath), (np.diag([0.0, 1.0]), bath)]
    h = np.array([[50.0, 100.0], [100.0, -50.0]]) * cm
    found = master.compare(om.OpenSystem(h, pair), methods=["redfield", "heom"])["redfield"]
    # the rows of R10, Redfield less the hierarchy, over its largest rate
    row = np.subtract([1.307489, 42.642783], [1.24128, 42.4352]) / 1.24128
    assert [found.deviation, found.frequency_deviation] == approx(row, abs=1e-3)
    assert found.verdict == "fair"


def test_a_bath_without_level_shift_is_compared_without():
    """S = w^3: rates exist, shifts do not."""
    bath = om.Bath(spectral_density=lambda w: 5e-4 * w**3, temperature=2)
    system = om.OpenSystem(SZ + 0.3 * SX, [(SX, bath)])
    refused = {one.method for one in master.compare(system).routes if one.verdict == "refused"}
    assert {"redfield", "davies", "heom", "tcl4"} <= refused
    found = master.compare(system, level_shift=False)
    verdicts = {method: found[method].verdict for method in ("davies", "redfield", "universal")}
    assert set(verdicts.values()) == {"uncertified"}
    for method in ("tcl4", "heom"):
        assert "`level_shift`" in found[method].notes[0]


def test_the_work_of_a_hierarchy_has_a_bound(monkeypatch):
    """After one of the factored matrices it is known what all would take; 3 MB are not enough."""
    rng = np.random.default_rng(5)
    system = om.OpenSystem(random_hermitian(rng, 4), [(random_hermitian(rng, 4), DRUDE)])
    monkeypatch.setattr(import_module("openmr.master.hierarchy"), "MOST_BYTES", 3e6)
    with pytest.raises(om.SizeError, match=r"would factor 1. matrices.*rows.*allowed.*'tcl4'"):
        master.rates(system, "heom")
    with pytest.raises(om.ConvergenceError, match="at `max_depth` = 3"):
        master.evolve(QUBIT, qutip.basis(2, 0), [0.0, 9.0], method="heom", max_depth=3)


def test_one_bath_carries_no_current():
    """Whatever the equation, rounding does not show."""
    for method in ("redfield", "davies", "tcl4", "heom"):
        found = master.currents(QUBIT, SZ @ SZ, method)
        assert found.energy[0] == found.quantity[0] == 0.0
    hot = master.currents(QUBIT, state=np.diag([1.0, 0.0]))
    assert abs(hot.energy[0]) > 1e-3


# --- what is refused ---------------------------------------------------------------------------


def test_an_array_that_hides_its_numbers_is_no_operator():
    """Not H, an A, a Lindblad operator, a state or what is asked for: masks, words, truths."""
    hidden = [
        np.ma.array(np.eye(2), mask=np.eye(2)), [["1", "0"], ["0", "1"]], [[True, 0.0], [0.0, 1.0]],
        np.eye(2, dtype=bool), np.eye(2).astype("m8[s]"),
    ]  # fmt: skip
    for given in hidden:
        for name, take in (
            ("hamiltonian", lambda one: om.OpenSystem(one, [])),
            (r"couplings\[0\]", lambda one: om.OpenSystem(SX, [(one, DRUDE)])),
            (r"collapse\[0\]", lambda one: om.OpenSystem(SX, GOOD, [one])),
            ("start", QUBIT.density_matrix),
            ("a", lambda one: master.correlation(QUBIT, one, SX, [0.0])),
        ):
            with pytest.raises(om.ParameterError, match=f"`{name}` must be"):
                take(given)


BROKEN = np.array([[0.0, 1.0], [0.5, 0.0]])
NAN = np.array([[np.nan, 0.0], [0.0, 1.0]])
GOOD = [(SZ, DRUDE)]
BAD = [
    (lambda: om.OpenSystem(BROKEN, GOOD), "`hamiltonian` must be Hermitian.*up to 0.5"),
    (lambda: om.OpenSystem(NAN, GOOD), "`hamiltonian` must hold finite"),
    (lambda: om.OpenSystem(np.ones((2, 3)), GOOD), r"`hamiltonian` must have shape \(m, m\)"),
    (lambda: om.OpenSystem(qutip.basis(2, 0), GOOD), "`hamiltonian` must be a square operator"),
    (lambda: om.OpenSystem("sigmaz", GOOD), "`hamiltonian` must be a matrix.*'sigmaz'"),
    (lambda: om.OpenSystem(None, GOOD), "`hamiltonian`.*None"),
    (lambda: om.OpenSystem([[1.0]], []), "`hamiltonian` must have at least 2 levels, got 1"),
    (lambda: om.OpenSystem(SX, GOOD, 3), "`collapse` must be a list of operators, got 3"),
    (lambda: om.OpenSystem(np.eye(65), []), "`hamiltonian`.*<= 64, got 65.*GiB.*universal"),
    (
        lambda: om.OpenSystem(qutip.tensor(SZ, SZ), [(np.eye(2), DRUDE)]),
        r"`couplings\[0\]` must have the dims \[\[2, 2\], \[2, 2\]\]",
    ),
    (lambda: om.OpenSystem(SX, [(SZ, DRUDE), (NAN, DRUDE)]), r"`couplings\[1\]` must hold finite"),
    (
        lambda: om.OpenSystem(SX, [(SZ, DRUDE), (qutip.sigmap(), DRUDE)]),
        r"`couplings\[1\]` must be Hermitian.*up to 1; for V = c\^dag B \+ h.c. give c with a lead",
    ),
    (lambda: om.OpenSystem(SX, [SZ]), "a list of.*operator, bath. pairs, got Qobj.*pair 0"),
    (lambda: om.OpenSystem(SX, SZ), "a list of .operator, bath. pairs, got a Qobj"),
    (lambda: om.OpenSystem(SX, (SZ, DRUDE)), "one pair that is not in a list"),
    (lambda: om.OpenSystem(SX, [(SZ,)]), "got 1 items in the place of pair 0"),
    (lambda: om.OpenSystem(SX, [(SZ, 3)]), "in the place of bath 0.*om.Bath.spectrum"),
    (lambda: om.OpenSystem(SX, [(SZ, SX)]), "in the place of bath 0.*om.Bath.spectrum"),
    (lambda: om.OpenSystem(SX, [([SZ, SX], DRUDE)]), r"`couplings\[0\]` must hold 1 operators"),
    (lambda: om.OpenSystem(SX, GOOD, [np.eye(3)]), r"`collapse\[0\]` must have the dims"),
    (
        lambda: QUBIT.density_matrix(qutip.basis(2, 0).dag()),
        r"`start` must be a square operator.*\(1, 2\)",
    ),
    (
        lambda: QUBIT.density_matrix(np.eye(4) / 4),
        r"`start` must have the dims.*got \[\[4\], \[4\]\]",
    ),
    (lambda: QUBIT.density_matrix(2 * SZ), "`start`.*trace 0, lowest eigenvalue -2"),
    (lambda: QUBIT.density_matrix(np.eye(2)), "`start`.*trace 2"),
    (lambda: QUBIT.density_matrix(np.diag([1.2, -0.2])), "`start`.*lowest eigenvalue -0.2"),
    (lambda: QUBIT.density_matrix(2 * qutip.basis(2, 0)), "`start`.*trace 4"),
    (lambda: QUBIT.density_matrix(NAN), "`start`.*nan"),
    (lambda: master.currents(QUBIT, state=np.eye(2)), "`state`.*trace 2"),
    (lambda: master.currents(QUBIT, np.eye(3)), r"`of` must have the dims \[\[2\], \[2\]\]"),
    (lambda: master.currents(3, SZ), "`system` must be an openmr.OpenSystem, got 3"),
    (lambda: master.generator(QUBIT, "grouped", resolution=0), "`resolution`.*> 0, got 0"),
    (lambda: master.generator(QUBIT, "grouped", resolution=np.nan), "`resolution`.*nan"),
    (lambda: master.generator(QUBIT, "grouped", resolution=-1), "`resolution`.*-1"),
    (
        lambda: master.rates(
            om.OpenSystem(SZ, [(SX, om.Bath.electron_hole(1, 1))]), "grouped", level_shift=False
        ),
        "`resolution` must be given: `spectrum` must fall off",
    ),
    (lambda: master.generator(QUBIT, resolution=1.0), "`resolution` goes with 'grouped'"),
    (lambda: master.generator(QUBIT, "secular"), "`method` must be one of 'redfield'.*'secular'"),
    (lambda: master.generator(QUBIT, time=1.0), "`time` goes with"),
    (lambda: master.generator(om.OpenSystem(lambda t: t * SZ, GOOD)), "`time` must be given"),
    (lambda: master.generator(SZ), "`system` must be an openmr.OpenSystem"),
    (lambda: master.correlation(QUBIT, SX, SX, [1.0, 0.5]), "`times` must be increasing"),
    (lambda: master.correlation(QUBIT, qutip.qeye(3), SX, [1.0]), "`a` must have the dims"),
    (lambda: master.correlation(QUBIT, lambda t: t * SX, SX, [1.0]), "`a` must not depend on time"),
    (lambda: master.rates(QUBIT, "heom", level_shift=False), "`level_shift` goes with.*'heom'"),
    (lambda: master.rates(QUBIT, level_shift="no"), "`level_shift` must be True or False.*'no'"),
    (lambda: master.rates(QUBIT, speed=3), "`options` must be one of 'level_shift'.*got 'speed'"),
    (lambda: master.rates(QUBIT, "heom", speed=3), "`options` must be one of.*got 'speed'"),
    (lambda: master.rates(QUBIT, "heom", max_depth=0), "`max_depth` must be.*>= 3, got 0"),
    (lambda: master.rates(QUBIT, SZ), "`method` must be one of.*got Quantum object"),
    (lambda: master.generator(QUBIT).apply(qutip.qeye(3)), "`operator` must have the dims"),
    (lambda: master.generator(QUBIT, "tcl4", time=-1.0), "`time` must be.*>= 0, got -1"),
    (lambda: om.OpenSystem(lambda t: t * SZ, GOOD).at(np.inf), "`time` must be one real.*got inf"),
    (lambda: QUBIT.at("a"), "`time` must be one real number, got 'a'"),
    (lambda: QUBIT.groups(0), "`resolution` must be one real number and > 0, got 0"),
    (lambda: QUBIT.groups(np.nan), "`resolution` must be one real number and > 0, got nan"),
    (lambda: QUBIT.in_eigenbasis(qutip.qeye(3)), r"`operator` must have shape \(2, 2\), got"),
    (lambda: QUBIT.from_eigenbasis(np.eye(3)), r"`matrix` must have shape \(2, 2\), got \(3, 3\)"),
    (lambda: QUBIT.as_operator(np.eye(3)), r"`matrix` must have shape \(2, 2\), got \(3, 3\)"),
    (lambda: QUBIT.as_superoperator(np.eye(3)), r"`matrix` must have shape \(4, 4\)"),
    (lambda: om.OpenSystem([SZ, [SX, "cos(t"]], GOOD), "`hamiltonian`.*list form.*coefficient"),
    (lambda: om.OpenSystem(lambda t: SZ * (1 / 0), GOOD), "`hamiltonian`.*ZeroDivisionError"),
    (lambda: master.compare(QUBIT, methods=[]), r"`methods` must be a list of words of.*got \[\]"),
    (lambda: master.compare(QUBIT, methods="tcl4"), "`methods` must be a list.*got 'tcl4'"),
    (lambda: master.compare(QUBIT, methods=5), "`methods` must be a list of words.*got 5"),
    (lambda: master.rates(QUBIT, "Redfield"), "`method`.*'heom'.*'Redfield'"),
    (lambda: master.compare(QUBIT, methods=["tcl2"]), "`methods`.*'redfield'.*Markov limit"),
    (
        lambda: master.evolve(QUBIT, qutip.basis(2, 0), [0.0, 1.0], max_depth=4),
        "`max_depth` goes with 'heom'",
    ),
    (lambda: master.compare(QUBIT, "speed"), "`question`.*'speed'"),
    (lambda: master.compare(QUBIT, "currents"), "`question` 'currents' needs two couplings"),
    (lambda: master.check("bath"), "`bath` must be an openmr.Bath"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


def test_what_may_be_given():
    """Arrays, lists of lists, QuTiP's list form, kets; no coupling at all; bare environments."""
    noise = om.Bath.drude(0.05, 1.5, 1.0)
    for bare in (noise.environment(), noise.spectrum):
        made = om.OpenSystem(QUBIT.hamiltonian, [(SZ, bare)])
        assert apart(master.generator(made).matrix, master.generator(QUBIT).matrix) < 1e-5
    as_arrays = om.OpenSystem(QUBIT.hamiltonian.full().tolist(), [(SZ.full(), DRUDE)])
    assert apart(master.generator(as_arrays).matrix, master.generator(QUBIT).matrix) == 0
    moving = om.OpenSystem([SZ, [SX, lambda t: t]], GOOD)
    assert not moving.constant
    assert moving.at(2.0).hamiltonian == SZ + 2.0 * SX
    assert om.OpenSystem([SZ, SX], GOOD).constant
    closed = om.OpenSystem(SZ, [], [0.5 * qutip.sigmam()])
    found = master.generator(closed).superoperator
    assert found == qutip.liouvillian(SZ, [0.5 * qutip.sigmam()])
    ket = qutip.basis(2, 1)
    assert QUBIT.density_matrix(ket) == QUBIT.density_matrix(ket.full().ravel()) == ket.proj()


# --- QuTiP's own tests of its Bloch-Redfield solver ---------------------------------------------


CANNOT_SAY = {
    "test_time_dependence_tuples[_mixed_string]": "a spectrum that depends on time",
    "test_feedback": "a spectrum that depends on the state",
}


def spectrum_of(given):
    """QuTiP's spectra (functions of w or t and w, strings, coefficients) as a function of w."""
    if isinstance(given, str):
        given = qutip.coefficient(given, args={"w": 0.0})
    if isinstance(given, qutip.Coefficient):
        return lambda w: complex(given(0.0, w=w)).real
    try:
        given(0.0, 1.0)
    except TypeError:
        return given
    return lambda w: given(0.0, w)


class Solution:
    """What QuTiP's tests read from a result: states where no operators were asked for."""

    def __init__(self, states, e_ops):
        self.states = [] if e_ops else states
        self.expect = [qutip.expect(operator, states) for operator in e_ops]


def bath_of(operator, noise):
    """A pair of QuTiP's as one of ours; it couples c^dag to a fermionic environment."""
    if isinstance(noise, BosonicEnvironment):
        return operator, om.Bath(environment=noise)
    if isinstance(noise, FermionicEnvironment):
        return operator.dag(), om.Bath(environment=noise)
    return operator, om.Bath(spectrum=np.vectorize(spectrum_of(noise), otypes=[float]))


def brmesolve(h, psi0, times, a_ops=(), e_ops=(), c_ops=(), args=None, options=None):
    """QuTiP's signature: no level shift, and frequencies within a tenth of the smallest are one."""
    del options
    moving = qutip.QobjEvo(h, args=args)
    h = moving(0.0) if moving(0.0) == moving(times[-1]) else moving
    system = om.OpenSystem(h, [bath_of(*pair) for pair in a_ops], [qutip.QobjEvo(c) for c in c_ops])

    def generator(time):
        energies = np.linalg.eigvalsh(moving(time or 0.0).full())
        gaps = np.abs(energies[:, None] - energies)
        smallest = gaps[gaps > 1e-12 * gaps.max()].min(initial=np.inf)
        resolution = 10.0 / smallest or np.inf
        made = master.generator(
            system, "grouped", level_shift=False, time=time, resolution=resolution
        )
        return made.superoperator

    liouvillian = generator(None) if system.constant else qutip.QobjEvo(generator)
    options = {"nsteps": 10**5, "store_states": True}
    return Solution(qutip.mesolve(liouvillian, psi0, times, options=options).states, e_ops)


def subjects(module):
    """(name, function of no arguments) of each of QuTiP's tests."""
    for name, function in vars(module).items():
        if not name.startswith("test_"):
            continue
        marks = [m for m in getattr(function, "pytestmark", []) if m.name == "parametrize"]
        if not marks:
            yield name, function
            continue
        (mark,) = marks
        names = (
            [one.strip() for one in mark.args[0].split(",")]
            if isinstance(mark.args[0], str)
            else mark.args[0]
        )
        for values in mark.args[1]:
            row = getattr(values, "values", values)
            row = row if len(names) > 1 or hasattr(values, "values") else (row,)
            label = getattr(values, "id", None) or "-".join(
                getattr(v, "__name__", str(v)) for v in row
            )
            yield f"{name}[{label}]", lambda f=function, r=row: f(*r)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`cython`")
def test_what_qutip_asks_of_its_own_solver(monkeypatch):
    module = import_module("qutip.tests.solver.test_brmesolve")
    monkeypatch.setattr(module, "brmesolve", brmesolve)
    asked, failed = dict(subjects(module)), {}
    for name in asked.keys() - CANNOT_SAY.keys():
        try:
            asked[name]()
        except (AssertionError, om.OpenmrError, TypeError, ValueError) as error:
            failed[name] = str(error)
    assert failed == {}
    assert asked.keys() > CANNOT_SAY.keys()
