"""The batched tensor against the engine's, against forty digits, and what no closed form covers."""

from functools import partial

import mpmath as mp
import numpy as np
import pytest
import qutip
from refusals import unclear
from systems import (
    COUPLINGS,
    SPINS,
    antiferromagnet,
    exact_averages,
    ferrimagnet,
    field_for,
    film_of,
    paramagnet,
    redfield,
)

import openmr as om
from openmr import bath, hilbert
from openmr._qutip import exact_arithmetic
from openmr.moments import grid
from openmr.rates.record import rotation
from openmr.rates.routes import batched as module
from openmr.rates.routes.batched import redfield_tensor

batched = partial(om.relaxation, method="batched")
bloch_redfield = partial(om.relaxation, method="bloch-redfield")

DEPTHS = np.array([1e-6, 1e-3, 0.1, -1.0, 3.0, 8.0, 71.0])


def same_elements(found, exact):
    largest = np.abs(exact).max(axis=(-2, -1), keepdims=True)
    assert np.all(np.abs(found - exact) <= 1e-10 * np.abs(exact) + 4e-15 * largest)
    diagonal = np.diagonal(found, axis1=-2, axis2=-1), np.diagonal(exact, axis1=-2, axis2=-1)
    rounding = 4e-16 * largest[..., 0]
    assert np.all(np.abs(diagonal[0] - diagonal[1]) <= 1e-10 * np.abs(diagonal[1]) + rounding)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(
    "spin", [*SPINS[:3], *(pytest.param(spin, marks=pytest.mark.slow) for spin in SPINS[3:])]
)
@pytest.mark.parametrize("name", COUPLINGS)
@pytest.mark.parametrize("disorder", ["random", "lattice"])
def test_equals_bloch_redfield(split, spin, name, disorder):
    sample = paramagnet(spin, COUPLINGS[name], disorder)
    fields = field_for(DEPTHS, 4.0)
    found = batched(sample, 4.0, fields, electron_splitting=split)
    exact = bloch_redfield(sample, 4.0, fields, electron_splitting=split)
    same_elements(found.dissipator, exact.dissipator)
    # the projection has the mean moment to a rounding of S, also where it is small
    shift = abs(sample.magnet.sublattices[0].exchange_energy[2]) * spin / om.units.HBAR
    np.testing.assert_allclose(found.precession, exact.precession, rtol=1e-14, atol=1e-15 * shift)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("make", [antiferromagnet, ferrimagnet])
@pytest.mark.parametrize("disorder", ["random", "lattice"])
def test_sublattices_add(make, disorder, split):
    sample = make(disorder=disorder)
    temperature, field = np.array([[8.0], [30.0], [300.0]]), np.array([0.0, 4.0])
    found = batched(sample, temperature, field, electron_splitting=split)
    exact = bloch_redfield(sample, temperature, field, electron_splitting=split)
    assert found.dissipator.shape == (3, 2, 3, 3)
    same_elements(found.dissipator, exact.dissipator)


def joint_tensor(exchange, spin, x, w):
    """The engine on electron (x) moment with A = -(1/2) sum_ab J_ab sigma_a S_b."""
    operators = hilbert.spin_operators(spin)
    with exact_arithmetic():
        coupling = sum(
            -0.5 * exchange[a, b] * hilbert.embed(hilbert.PAULI[a], [operators[b]])
            for a in range(3)
            for b in range(3)
        )
    made = redfield(hilbert.hamiltonian([spin], [x], w), (coupling, bath.electron_hole_spectrum))
    moment = hilbert.thermal_moments([spin], [x])
    return hilbert.bloch_tensor(hilbert.project(made.dissipate, moment))


@pytest.mark.parametrize("w", [None, 0.7, -2.0])
@pytest.mark.parametrize("spin", [0.5, 1.5, 3.0])
def test_any_coupling_matrix(spin, w):
    rng = np.random.default_rng(3)
    exchange, x = rng.normal(size=(3, 3)), np.array([0.9, -1.7])
    found = redfield_tensor(exchange, spin, x, w)
    for tensor, splitting in zip(found, x, strict=True):
        exact = joint_tensor(exchange, spin, splitting, w or 0.0)
        np.testing.assert_allclose(tensor, exact, atol=1e-14 * np.abs(exact).max())


def test_a_transposed_coupling_matrix_is_noticed():
    exchange = np.array([[1.0, 0.5, 0.0], [0.0, 0.8, 0.3], [0.2, 0.0, 0.6]])
    exact = joint_tensor(exchange, 1.5, 0.9, 0.7)
    wrong = redfield_tensor(exchange.T, 1.5, 0.9, 0.7)
    assert np.abs(wrong - exact).max() > 1e-2 * np.abs(exact).max()


def test_redfield_of_a_complex_coupling_is_not_conjugated():
    """With a flat spectrum the tensor is the Lindblad dissipator of the coupling."""
    rng = np.random.default_rng(5)
    for size in (2, 3, 4):
        draw = rng.normal(size=(4, size, size))
        h, a = (
            qutip.Qobj(m + m.conj().T) for m in (draw[0] + 1j * draw[1], draw[2] + 1j * draw[3])
        )
        found = redfield(h, (a, lambda w: 1.0)).dissipator
        exact = qutip.lindblad_dissipator(a).full()
        np.testing.assert_allclose(found.full(), exact, atol=1e-13 * np.abs(exact).max())
        conjugate = qutip.brterm(h, a, lambda w: 1.0, sec_cutoff=-1, fock_basis=True).full()
        assert np.abs(conjugate - exact).max() > 0.1  # what QuTiP 5.3 gives by itself


def exact_tensor(exchange, spin, x, w):
    """Diagonal couplings at 40 digits, from the golden rule for raising and lowering."""
    with mp.workdps(40):
        jx, jy, jz = (mp.mpf(float(j)) for j in exchange)
        _, still, _, up, down = exact_averages(spin, x)

        def noise(y):
            return mp.mpf(1) if y == 0 else y / (-mp.expm1(-y))

        x, w = mp.mpf(float(x)), mp.mpf(float(w))
        keep, turn = (jx + jy) / 4, (jx - jy) / 4
        # sigma_- at w with S_+, sigma_+ at -w with S_-, and the pairs that break the total spin
        rate_zz = keep**2 * (up * noise(w - x) + down * noise(x - w))
        rate_zz += turn**2 * (down * noise(w + x) + up * noise(-w - x))
        along_x = mp.fsum(
            jy**2 / 16 * k for k in (up * noise(w - x), down * noise(x - w), down * noise(w + x))
        )
        along_x += jy**2 / 16 * up * noise(-w - x)
        cross = (
            jx
            * jy
            / 16
            * (up * noise(w - x) + down * noise(x - w) - down * noise(w + x) - up * noise(-w - x))
        )
        dephasing = jz**2 / 2 * still
        return rate_zz, dephasing + along_x + cross


@pytest.mark.parametrize("w", [0.0, 0.8])
@pytest.mark.parametrize("spin", [0.5, 2.0, 3.5])
@pytest.mark.parametrize("name", ["isotropic", "anisotropic"])
def test_against_forty_digits_down_to_the_ground_state(spin, name, w):
    exchange = np.array(COUPLINGS[name]) / 1e-3
    for x in (1e-6, 0.5, 5.0, 25.0, 50.0):
        found = redfield_tensor(np.diag(exchange), spin, x, w)
        rate_zz, rate_xx = exact_tensor(exchange, spin, x, w)
        assert abs(mp.mpf(found[2, 2]) / rate_zz - 1) <= 1e-13
        assert abs(mp.mpf(found[0, 0]) / rate_xx - 1) <= 1e-13


@pytest.mark.parametrize("w", [0.0, 0.8])
def test_the_engine_keeps_rates_that_are_exponentially_small(w):
    """Applied as commutators; the sum of the superoperator is off by a quarter at x = 50."""
    for x in (1.5, 5.0, 20.0, 50.0, 71.0):
        rate_zz, rate_xx = exact_tensor((1.0, 1.0, 1.0), 2.0, x, w)
        found = joint_tensor(np.eye(3), 2.0, x, w)
        # rounding of x itself changes exp(-x) by x eps
        assert abs(mp.mpf(found[2, 2]) / rate_zz - 1) <= 4e-16 * (1 + x)
        assert abs(mp.mpf(found[0, 0]) / rate_xx - 1) <= 2e-15
    space = hilbert.hamiltonian([2.0], [50.0], w)
    coupling = hilbert.coupling([2.0], 0, (1.0, 1.0, 1.0))
    summed = redfield(space, (coupling, bath.electron_hole_spectrum)).dissipator
    lost = hilbert.bloch_tensor(hilbert.project(summed, hilbert.thermal_moments([2.0], [50.0])))
    assert abs(lost[2, 2] / exact_tensor((1, 1, 1), 2.0, 50.0, w)[0] - 1) > 0.1


def test_batches_over_coupling_spin_and_splitting_at_once():
    rng = np.random.default_rng(11)
    exchange = rng.normal(size=(4, 1, 1, 3, 3))
    spins, x = np.array([0.5, 2.0, 3.5])[:, None], np.linspace(-3, 3, 5)
    found = redfield_tensor(exchange, spins, x, 0.4 * x)
    assert found.shape == (4, 3, 5, 3, 3)
    for i, j, k in np.ndindex(4, 3, 5):
        one = redfield_tensor(exchange[i, 0, 0], spins[j, 0], x[k], 0.4 * x[k])
        np.testing.assert_allclose(found[i, j, k], one, rtol=1e-14, atol=1e-15)


def test_rotation_of_both_spins_about_the_field():
    """J -> R J R^T turns the tensor, with every frequency kept."""
    rng = np.random.default_rng(2)
    exchange, angle = rng.normal(size=(3, 3)), 0.7
    turn = rotation(0.0, angle)
    found = redfield_tensor(turn @ exchange @ turn.T, 1.5, 1.2, 0.5)
    expected = turn @ redfield_tensor(exchange, 1.5, 1.2, 0.5) @ turn.T
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_gaps_close_smoothly():
    x = np.array([1e-1, 1e-4, 1e-8, 1e-12, 1e-15, 0.0])
    found = redfield_tensor(np.eye(3), 2.0, x, 2 * x)
    assert np.all(np.abs(found - found[-1]).max(axis=(1, 2)) <= x + 1e-14)


def test_large_grids_in_blocks_equal_points(monkeypatch):
    sample = om.presets.pt_py()
    temperature, field = np.linspace(2, 60, 23)[:, None], np.linspace(-3, 9, 11)
    whole = om.relaxation(sample, temperature, field, method="batched")
    monkeypatch.setattr(grid, "BLOCK", 10)
    split = om.relaxation(sample, temperature, field, method="batched")
    # vector instructions round the last few points of a block differently
    np.testing.assert_allclose(split.dissipator, whole.dissipator, rtol=1e-13)
    np.testing.assert_allclose(split.precession, whole.precession, rtol=1e-13)
    assert split.diagnostics["kms"] <= 1e-14


def test_what_blocks_hand_on_is_not_taken_for_what_they_are_given(monkeypatch):
    monkeypatch.setattr(grid, "BLOCK", 10)
    table, line = np.arange(60.0).reshape(30, 2), np.arange(30.0)

    def views(t, x):
        return t[:, 0], t[:, 1], t, x, -x, t[:, ::-1]

    for found, expected in zip(
        grid.in_blocks(views, (30,), table, line), views(table, line), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_line_at_the_wrong_side_is_noticed(monkeypatch):
    """With the vectors of <S_-S_+> and <S_+S_-> swapped the flips of the wrong helicity count."""
    lines = module.LINES[[1, 0, 2]]
    sample = om.presets.pt_py(COUPLINGS["anisotropic"])
    exact = bloch_redfield(sample, 10.0, 5.0, electron_splitting=True).dissipator
    monkeypatch.setattr(module, "LINES", lines)
    wrong = batched(sample, 10.0, 5.0, electron_splitting=True).dissipator
    assert abs(wrong[2, 2] / exact[2, 2] - 1) > 0.1


def test_unequal_densities():
    one = om.presets.pt_py().magnet.sublattices[0]
    sample = film_of(one, dos_up=5e27, dos_down=2e27)
    found, exact = (
        om.relaxation(sample, 10.0, 4.0, method=m) for m in ("batched", "bloch-redfield")
    )
    np.testing.assert_allclose(found.charge_to_spin, exact.charge_to_spin, rtol=1e-12)


BAD = [
    (lambda: redfield_tensor(np.eye(2), 2.0, 1.0), r"`exchange` must have last axes \(3, 3\)"),
    (lambda: redfield_tensor(np.eye(3), 0.3, 1.0), "`spin` must be a positive half-integer.*0.3"),
    (lambda: redfield_tensor(np.eye(3), [1.0, 2.0], [1.0] * 3), "shapes must broadcast"),
    (lambda: redfield_tensor(np.eye(3), 1.0, np.nan), "`splitting`.*nan"),
    (lambda: om.relaxation(om.presets.pt_py(), -1.0, 0.0, method="batched"), "`temperature`.*-1"),
    (
        lambda: om.relaxation(om.presets.pt_py(), 9.0, 0.0, method="batched", sec_cutoff=1),
        "'batched' takes no option `sec_cutoff`",
    ),
]


def test_bad_input():
    assert unclear(BAD) == {}


def test_large_grids_of_azimuths_have_one_resistivity():
    """No resistivity depends on the axes, and a large grid may hold as many as it has points."""
    sample, azimuth = om.presets.pt_py(), np.linspace(0.0, 3.0, 2 * grid.BLOCK)
    found = om.magnetoresistance(sample, 10.0, 5.0, (1, 0, 0), method="batched", azimuth=azimuth)
    once = om.magnetoresistance(sample, 10.0, 5.0, (1, 0, 0), method="batched")
    np.testing.assert_allclose(found.longitudinal, once.longitudinal, rtol=1e-13)
