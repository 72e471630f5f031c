"""A moment's own Hamiltonian: Stevens operators, what may be given, what is refused."""

import copy
import pickle

import numpy as np
import pytest
import qutip
from nearness import approx
from refusals import unclear
from spoil import replaced, unnoticed, variants
from systems import CANTED, CANTED_WEISS, DENSITY, FERROMAGNET, oriented, reference_film

import openmr as om
from openmr._spins import spin_matrices
from openmr.moments.levels import levels, means
from openmr.sample import crystal_field
from openmr.sample.crystal_field import crystal_hamiltonian, stevens_operator
from openmr.sample.parameters import varied
from openmr.units import K_B

RANKS = [(k, q) for k in (2, 4, 6) for q in range(k + 1)]


def half(operator, other):
    """(AB + BA) / 2."""
    return 0.5 * (operator @ other + other @ operator)


def tabulated(spin, k, q):
    """Polynomials in S_z, S_+, S_- as the tables of crystal fields print them."""
    sx, sy, z = spin_matrices(spin)
    x, one = spin * (spin + 1), np.eye(len(z))
    power = np.linalg.matrix_power
    plus, minus = sx + 1j * sy, sx - 1j * sy
    ladder = 0.5 * (power(plus, q) + power(minus, q))
    z2, z4, z6 = power(z, 2), power(z, 4), power(z, 6)
    along = {
        (2, 0): 3 * z2 - x * one,
        (2, 1): z,
        (2, 2): one,
        (4, 0): 35 * z4 - (30 * x - 25) * z2 + (3 * x**2 - 6 * x) * one,
        (4, 1): 7 * power(z, 3) - (3 * x + 1) * z,
        (4, 2): 7 * z2 - (x + 5) * one,
        (4, 3): z,
        (4, 4): one,
        (6, 0): 231 * z6
        - (315 * x - 735) * z4
        + (105 * x**2 - 525 * x + 294) * z2
        - (5 * x**3 - 40 * x**2 + 60 * x) * one,
        (6, 1): 33 * power(z, 5) - (30 * x - 15) * power(z, 3) + (5 * x**2 - 10 * x + 12) * z,
        (6, 2): 33 * z4 - (18 * x + 123) * z2 + (x**2 + 10 * x + 102) * one,
        (6, 3): 11 * power(z, 3) - (3 * x + 59) * z,
        (6, 4): 11 * z2 - (x + 38) * one,
        (6, 5): z,
        (6, 6): one,
    }[k, q]
    return half(along, ladder)


def misfits(spin=3.5):
    """Distance of all operators from the tables, over their size."""
    found = []
    for k, q in RANKS:
        table = tabulated(spin, k, q)
        found.append(np.abs(stevens_operator(spin, k, q) - table).max() / np.abs(table).max())
    return np.array(found)


@pytest.mark.parametrize("spin", [3.5, 4.0, 7.5])
def test_stevens_operators_are_the_tabulated_polynomials(spin):
    assert misfits(spin).max() <= 1e-13


def test_every_wrong_variant_of_the_operators_is_noticed():
    unnoticed = []
    for change, code in variants(stevens_operator):
        with replaced(stevens_operator, code):
            try:
                wrong = misfits().max() > 1e-6 or turned(3.5, 4, -3) > 1e-6
            except Exception:  # no operator at all
                wrong = True
        unnoticed += [] if wrong else [change]
    assert unnoticed == ["0 -> 0.37"]  # q is an integer: above 0 and above 0.37 are the same


def turned(spin, k, q):
    """O_k^-q is O_k^q turned about z by a quarter of its period."""
    z = np.diagonal(spin_matrices(spin)[2]).real
    turn = np.exp(-0.5j * np.pi / abs(q) * z)
    found = turn[:, None] * stevens_operator(spin, k, abs(q)) * turn.conj()
    return np.abs(found - stevens_operator(spin, k, -abs(q))).max() / np.abs(found).max()


@pytest.mark.parametrize("k", [2, 4, 6])
def test_operators_are_tensors_of_their_rank(k):
    spins = spin_matrices(4.0)
    for q in range(-k, k + 1):
        operator = stevens_operator(4.0, k, q)
        np.testing.assert_array_equal(operator, operator.conj().T)
        inner = [s @ operator - operator @ s for s in spins]
        twice = sum(s @ one - one @ s for s, one in zip(spins, inner, strict=True))
        assert np.abs(twice - k * (k + 1) * operator).max() <= 3e-14 * np.abs(twice).max()
        if q:
            assert turned(4.0, k, q) <= 1e-13


def test_anisotropy_is_the_stevens_terms_of_second_rank():
    d, e, spin = 3e-4, -1e-4, 2.5
    first = crystal_hamiltonian(spin, anisotropy=(d, e))
    second = crystal_hamiltonian(spin, stevens=(((2, 0), d / 3), ((2, 2), e)))
    constant = d * spin * (spin + 1) / 3
    np.testing.assert_allclose(first, second + constant * np.eye(6), atol=1e-18)


def test_a_hamiltonian_is_taken_as_a_matrix_or_a_qobj_and_adds():
    given = crystal_hamiltonian(1.5, anisotropy=(3e-4, 1e-4))
    forms = [
        om.Moments(1.5, DENSITY, 1e-31, hamiltonian=given),
        om.Moments(1.5, DENSITY, 1e-31, hamiltonian=qutip.Qobj(given)),
        om.Moments(1.5, DENSITY, 1e-31, hamiltonian=given.tolist()),
    ]
    assert forms[0] == forms[1] == forms[2]
    assert len({*forms}) == 1
    constant = np.trace(given).real / 4 * np.eye(4)
    np.testing.assert_allclose(forms[0].crystal_hamiltonian, given - constant, atol=1e-18)
    both = om.Moments(1.5, DENSITY, 1e-31, hamiltonian=given, anisotropy=(3e-4, 1e-4))
    np.testing.assert_allclose(both.crystal_hamiltonian, 2 * given - constant, atol=1e-18)


def test_records_stay_frozen_hashable_and_copyable():
    one = oriented(
        2.5,
        g=np.diag([2.0, 2.1, 2.3]),
        anisotropy=(1e-4, 2e-5),
        stevens={(4, 4): 1e-6},
        hamiltonian=crystal_hamiltonian(2.5, (1e-5, 0.0)),
        axes=[(1, 1, 0), (-1, 1, 0), (0, 0, 1)],
    )
    assert {one: 1}[copy.deepcopy(one)] == 1
    assert pickle.loads(pickle.dumps(one)) == one
    film = reference_film(one, weiss=1e-3 * np.eye(3))
    assert {film: 1}[pickle.loads(pickle.dumps(film))] == 1
    # what a sweep does with a number of the sample keeps all of it
    assert varied(film, {"density_at_fixed_exchange": 2 * DENSITY}).magnet.sublattices[
        0
    ].stevens == (((4, 4), 1e-6),)


def test_the_print_says_whose_axes_are_meant():
    assert "[" not in repr(om.Moments(1.5, DENSITY, 1e-31))
    assert "those of the film" in repr(oriented(1.5, anisotropy=1e-4))
    assert "those of the crystal" in repr(oriented(1.5, axes=np.eye(3)))
    assert "no scalar J" in repr(oriented(0.5, g=(1, 2, 6)))
    assert "no scalar J" not in repr(oriented(0.5, (1e-31, 2e-31, 6e-31), g=(1, 2, 6)))
    assert "no scalar J" not in repr(oriented(0.5, g=(2.0, 2.0, 2.2)))


def told(moments):
    return repr(moments).partition("[")[2]


def test_the_print_says_what_was_understood():
    """A D in kelvin, axes as columns, a g tensor the other way round: all would show."""
    assert "levels span 0.6 meV (6.96 K), easy axis (0, 0, 1)" in told(
        oriented(1.5, anisotropy=-3e-4)
    )
    in_kelvin = told(oriented(1.5, anisotropy=-3.48))
    assert "levels span 6.96e+03 meV" in in_kelvin
    assert "easy plane across (0, 0, 1)" in told(oriented(1.5, anisotropy=3e-4))
    assert "easy axis (0, 1, 0), hard axis (0, 0, 1)" in told(
        oriented(1.5, anisotropy=(3e-4, 1e-4))
    )
    axes = np.array([(0, 0, -1), (1, 0, 0), (0, -1, 0)])
    rows, columns = (told(oriented(1.5, anisotropy=-3e-4, axes=one)) for one in (axes, axes.T))
    assert "z along (0, 1, 0)" in rows
    assert "easy axis (0, 1, 0)" in rows
    assert "easy axis (1, 0, 0)" in columns
    cubic = told(oriented(2.5, stevens={(4, 0): 1e-6, (4, 4): 5e-6}))
    assert cubic.endswith("levels span 0.36 meV (4.18 K)]")
    tensor = np.array([[2.0, 0.1, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.2]])
    assert "g is not symmetric" in told(oriented(1.5, g=tensor))
    assert "symmetric" not in told(oriented(1.5, g=tensor + tensor.T))
    assert "easy axis (0, 0, 1)" in str(reference_film(oriented(1.5, anisotropy=-3e-4)))
    sheet = om.Sheet(1.0, 1e18, 3e-31, anisotropy=1e-4)
    assert "easy plane across (0, 0, 1)" in told(sheet)
    assert "[" not in repr(om.Sheet(1.0, 1e18, 3e-31))


def test_the_part_of_second_rank_is_the_quadratic_form():
    form = np.array([[2.0, -0.3, 0.7], [-0.3, 1.0, 0.4], [0.7, 0.4, -3.0]])

    def is_right():
        for spin in (1.0, 1.5, 4.0):
            spins = spin_matrices(spin)
            h = np.einsum("ab,aij,bjk->ik", form, spins, spins)
            h = h + 3.0 * np.eye(len(h)) + (stevens_operator(spin, 4, 3) if spin >= 2 else 0.0)
            if not np.abs(crystal_field.second_rank(spin, h) - form).max() <= 1e-12:
                return False
        return not crystal_field.second_rank(0.5, np.diag([1.0, 2.0]) + 0j).any()

    assert is_right()
    assert set(unnoticed(crystal_field.second_rank, is_right)) == set()


def test_a_file_lists_what_a_mapping_holds():
    listed = [[[4, 4], -1e-6], [[2, 0], 1e-5]]
    assert oriented(2.5, stevens=listed) == oriented(2.5, stevens={(2, 0): 1e-5, (4, 4): -1e-6})


MATRIX = np.diag([1.0, 0.0, -1.0]) * 1e-3
BAD = [
    (lambda: oriented(1.5, stevens={(4, 0): 1e-6}), "k <= 2S.*got k = 4 for S = 1.5"),
    (lambda: oriented(2.5, stevens={(3, 0): 1e-6}), "odd k break time reversal, got k = 3"),
    (lambda: oriented(2.5, stevens={(8, 0): 1e-6}), r"k = 2, 4, 6 and \|q\| <= k, got \(8, 0\)"),
    (lambda: oriented(2.5, stevens={(4, 5): 1e-6}), r"\|q\| <= k, got \(4, 5\)"),
    (lambda: oriented(2.5, stevens={4: 1e-6}), r"`stevens` must map \(k, q\).*got \{4: 1e-06\}"),
    (
        lambda: oriented(2.5, stevens={(4, 0): np.nan}),
        r"`stevens\[\(4, 0\)\]` must.* number in eV, got nan",
    ),
    (lambda: oriented(2.5, stevens={"4,0": 1e-6}), r"list pairs \[\[k, q\], B_kq\], .*got \{'4,0'"),
    (lambda: oriented(2.5, anisotropy=(1, 2, 3)), r"`anisotropy` must be D or \(D, E\) in eV.*\(3"),
    (
        lambda: oriented(0.5, anisotropy=(0.0, 1e-4)),
        r"`anisotropy` must be 0 eV for S = 1/2, .*got \[0.0, 0.0001\]; axes of a doublet are",
    ),
    (
        lambda: varied(reference_film(oriented(1.5, anisotropy=1e-4)), {"spin": 0.5}),
        "`anisotropy` must be 0 eV for S = 1/2",
    ),
    (
        lambda: om.Sheet([1.0, 0.5], [1e18, 1e18], 3e-31, anisotropy=1e-4),
        "`anisotropy` must be 0 eV for S = 1/2",
    ),
    (lambda: oriented(2.5, anisotropy=300.0), "`anisotropy`.*between -100 and 100 eV.*1 meV"),
    (lambda: oriented(2.5, g=(1, 2)), r"`g` must be a number, \(x, y, z\) or a 3x3.*\(2,\)"),
    (lambda: oriented(2.5, axes=[(1, 1, 0), (0, 1, 0), (0, 0, 1)]), "orthogonal.*cosine 0.707"),
    (lambda: oriented(2.5, axes=np.diag([1, 1, -1])), "`axes` must be right-handed"),
    (lambda: oriented(2.5, axes=np.zeros((3, 3))), "`axes` must have a length > 0"),
    (lambda: oriented(2.5, axes=(0, 0, 1)), r"`axes` must be the three crystal axes.*\(3,\)"),
    (lambda: oriented(1.0, hamiltonian=np.eye(4)), r"`hamiltonian` must have shape \(3, 3\)"),
    (lambda: oriented(1.0, hamiltonian=np.triu(np.ones((3, 3)))), "`hamiltonian`.*Hermitian"),
    (lambda: oriented(1.0, hamiltonian=1e6 * MATRIX), "`hamiltonian` must be between.*eV"),
    (lambda: oriented(60.0, anisotropy=1e-4), "`spin` must be <= 50.*axes of its own.*MiB"),
    (
        lambda: om.Magnet(oriented(1.5, anisotropy=1e-4), curie_temperature=20.0),
        "`curie_temperature` is for moments without levels.*give `weiss` in eV",
    ),
    (
        lambda: om.Magnet([oriented(1.5, anisotropy=1e-4)] * 2, neel_temperature=20.0),
        "`neel_temperature` is for moments without levels.*give `weiss` in eV",
    ),
    (
        lambda: om.Magnet(CANTED, np.array(CANTED_WEISS) * [1, 2, 1]),
        r"`weiss` must be reciprocal, w_i weiss\[i\]\[j\] = w_j weiss\[j\]\[i\]\^T",
    ),
    (lambda: om.Magnet(CANTED, np.ones((2, 2, 3))), r"`weiss` must have shape \(2, 2\) or \(2, 2"),
    (
        lambda: om.ordering_temperature(om.Magnet(oriented(1.0, hamiltonian=MATRIX), 1e-3)),
        "`hamiltonian` must be the same after time reversal",
    ),
]


def test_what_is_refused():
    assert unclear(BAD, size="MiB") == {}


def test_an_antisymmetric_coupling_has_one_energy_only_if_it_changes_sign():
    turn = 1e-4 * np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    none = np.zeros((3, 3))
    om.Magnet(CANTED, [[none, turn], [turn.T, none]])
    with pytest.raises(om.ParameterError, match="reciprocal"):
        om.Magnet(CANTED, [[none, turn], [turn, none]])
    # weights need not be equal
    om.Magnet(CANTED, [[none, 3 * turn], [turn.T, none]])


def test_ordering_temperature():
    for spin, coupling in ((1.5, 1.2e-3), (2.5, 3e-4)):
        plain = om.Magnet(om.Moments(spin, DENSITY, 1e-31), coupling)
        level = om.Magnet(oriented(spin, anisotropy=0.0), coupling)
        assert om.ordering_temperature(level) == approx(om.ordering_temperature(plain), rel=4e-15)
    # an Ising doublet of S = 3/2: k_B T_C = J0 S^2; a doublet +-1/2 across: J0 (S + 1/2)^2 / 4
    for d, share in ((-0.1, 9 / 4), (0.1, 1.0)):
        magnet = om.Magnet(oriented(1.5, anisotropy=d), 1e-4)
        assert om.curie_temperature(magnet) == approx(1e-4 * share / K_B, rel=2e-3)
    # a singlet orders only where J0 chi, chi = 2/D, exceeds 1
    for coupling, orders in ((0.49e-3, False), (0.51e-3, True)):
        magnet = om.Magnet(oriented(1.0, anisotropy=1e-3), coupling)
        assert (om.ordering_temperature(magnet) > 0) is orders
    pair = om.Magnet(CANTED, [[0.0, -1e-3], [-1e-3, 0.0]])
    assert om.neel_temperature(pair) > 0 == om.curie_temperature(pair)
    ferro = om.Magnet(CANTED, [[0.0, 1e-3], [1e-3, 0.0]])
    assert om.curie_temperature(ferro) == approx(om.neel_temperature(pair), rel=1e-13)
    assert om.ordering_temperature(om.Magnet(CANTED)) == 0.0
    assert om.ordering_temperature(om.Magnet(FERROMAGNET, 1.2e-3)) > 1.2e-3 * 1.25 / K_B


def test_the_order_sets_in_at_the_ordering_temperature():
    film = reference_film(*FERROMAGNET, weiss=1.2e-3)
    kelvin = om.ordering_temperature(film.magnet)
    state = om.equilibrium(film, kelvin * np.array([0.999, 1.001]), 0.0, direction=(0, 0, 1))
    size = np.linalg.norm(state.mean[:, 0], axis=-1)
    assert size[0] > 0.01
    assert size[1] < 1e-9


def test_every_wrong_variant_of_the_response_is_noticed():
    """Against the difference quotient of <S>."""
    scheme = crystal_hamiltonian(1.5, (3e-4, 1e-4))
    drive, beta = np.array([1e-4, 2e-4, 3e-4]), np.array([1 / (K_B * 4.0)])
    step = 1e-7
    quotient = np.empty((3, 3))
    for b in range(3):
        up, down = (
            means(scheme, 1.5, (drive + sign * step * np.eye(3)[b])[None], beta)[0]
            for sign in (1, -1)
        )
        quotient[:, b] = -(up - down) / (2 * step) / beta[0]

    def misfit():
        return np.abs(levels(scheme, 1.5, drive[None], beta).response[0] - quotient).max()

    assert misfit() <= 1e-6 * np.abs(quotient).max()
    unnoticed = []
    for right in (crystal_field.static_response, crystal_field.static_weights):
        for change, code in variants(right):
            with replaced(right, code):
                try:
                    wrong = misfit() > 1e-4 * np.abs(quotient).max()
                except Exception:
                    wrong = True
            unnoticed += [] if wrong else [change]
    assert unnoticed == ["1.0 -> 1.37"]  # a denominator where the quotient is not used
