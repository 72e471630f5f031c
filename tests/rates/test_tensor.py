"""Bloch-Redfield against the closed form, and what any generator must obey."""

from functools import partial

import numpy as np
import pytest
import qutip
from nearness import approx
from systems import (
    COUPLINGS,
    SPINS,
    antiferromagnet,
    ferrimagnet,
    field_for,
    film_of,
    paramagnet,
    redfield,
)

import openmr as om
from openmr import bath, hilbert
from openmr._qutip import exact_arithmetic
from openmr.rates.record import rotation

bloch_redfield = partial(om.relaxation, method="bloch-redfield")

DEPTHS = np.array([1e-6, 1e-3, 0.1, 1.0, 3.0, 10.0, 25.0, 50.0])


def same_tensor(found, exact):
    """Every element within 1e-12 of the largest; shallow diagonals to 1e-10 of themselves."""
    largest = np.abs(exact.dissipator).max(axis=(-2, -1), keepdims=True)
    assert np.all(np.abs(found.dissipator - exact.dissipator) <= 1e-12 * largest)


@pytest.mark.parametrize(
    "spin", [*SPINS[:3], *(pytest.param(spin, marks=pytest.mark.slow) for spin in SPINS[3:])]
)
@pytest.mark.parametrize("name", COUPLINGS)
@pytest.mark.parametrize("disorder", ["random", "lattice"])
def test_tensor_equals_closed_form(spin, name, disorder):
    sample = paramagnet(spin, COUPLINGS[name], disorder)
    fields = field_for(DEPTHS, 4.0)
    found = om.relaxation(sample, 4.0, fields, method="bloch-redfield")
    exact = om.relaxation(sample, 4.0, fields)
    same_tensor(found, exact)
    shallow = DEPTHS <= 10
    diagonals = [np.einsum("...ii->...i", r.dissipator[shallow]) for r in (found, exact)]
    # an element that is exactly zero comes out as a few roundings of the largest
    rounding = 4e-16 * diagonals[1].max(axis=-1, keepdims=True)
    assert np.all(np.abs(diagonals[0] - diagonals[1]) <= 1e-10 * diagonals[1] + rounding)


@pytest.mark.parametrize("disorder", ["random", "lattice"])
@pytest.mark.parametrize("make", [antiferromagnet, ferrimagnet])
def test_sublattices_add(make, disorder):
    sample = make(disorder=disorder)
    temperatures = np.array([2.0, 15.0, 38.0, 300.0])
    found = om.relaxation(sample, temperatures, 0.0, method="bloch-redfield")
    exact = om.relaxation(sample, temperatures, 0.0)
    same_tensor(found, exact)


def test_precession_is_the_first_order_term():
    for sample in (om.presets.pt_py(), ferrimagnet(), antiferromagnet()):
        for field in (-3.0, 0.0, 1e-6, 8.0):
            found = om.relaxation(sample, 12.0, field, method="bloch-redfield")
            exact = om.relaxation(sample, 12.0, field)
            zeeman = 2 * om.units.MU_B * field / om.units.HBAR
            state = om.equilibrium(sample, 12.0, field)
            shifts = sum(
                abs(m.exchange_energy[2] * mean) / om.units.HBAR
                for m, mean in zip(sample.magnet.sublattices, state.mean_spin, strict=True)
            )
            error = abs(found.precession - exact.precession)
            assert error <= 1e-12 * (abs(zeeman) + shifts)
            asked = 1e-8 * (abs(zeeman) + abs(exact.precession - zeeman))
            if not (sample.name == "test film" and field == 0.0):  # shifts may cancel to 0 there
                assert error <= asked


def test_spin_precesses_as_the_hamiltonian_says():
    """d<sigma>/dt = + omega_L b x <sigma>: an electron along x turns towards +y for B > 0."""
    tensor = om.relaxation(om.presets.pt_py(0.0), 10.0, 5.0, method="bloch-redfield").tensor
    velocity = -tensor @ np.array([1.0, 0.0, 0.0])
    assert velocity[1] == approx(2 * om.units.MU_B * 5.0 / om.units.HBAR)


@pytest.mark.parametrize("spins", [(0.5, 0.5), (0.5, 1.0), (1.0, 1.0)])
@pytest.mark.parametrize("electron", [0.0, 0.6])
def test_joint_space_of_two_moments_adds(spins, electron):
    """One space of two moments gives the sum of two spaces of one."""
    splittings, noise = (0.8, -1.7), (1.0, 2.3)
    exchange = np.array([[1.0, 0.4, -0.7], [0.5, -0.9, 0.3]])

    def tensor(spins, splittings, couplings):
        moments = hilbert.thermal_moments(spins, splittings)
        made = redfield(
            hilbert.hamiltonian(spins, splittings, electron),
            *(
                (
                    hilbert.coupling(spins, site, j),
                    lambda w, n=n: n * bath.electron_hole_spectrum(w),
                )
                for site, (j, n) in enumerate(couplings)
            ),
        )
        return hilbert.bloch_tensor(hilbert.project(made.dissipate, moments))

    couplings = list(zip(exchange, noise, strict=True))
    joint = tensor(list(spins), list(splittings), couplings)
    separate = sum(
        tensor([s], [x], [c]) for s, x, c in zip(spins, splittings, couplings, strict=True)
    )
    np.testing.assert_allclose(joint, separate, atol=1e-13 * np.abs(separate).max())


@pytest.mark.parametrize("w", [0.0, 0.6])
def test_qutips_tensor_is_the_same(w):
    """Built elsewhere, for a coupling that is real, as this is between eigenstates."""
    h, a = hilbert.hamiltonian([1.5], [0.8], w), hilbert.coupling([1.5], 0, (1.0, 0.4, -0.7))

    def spectrum(w):
        return float(bath.electron_hole_spectrum(w))

    with exact_arithmetic():
        theirs = qutip.brterm(h, a, spectrum, sec_cutoff=-1, fock_basis=True).full()
    ours = redfield(h, (a, bath.electron_hole_spectrum)).dissipator.full()
    np.testing.assert_allclose(ours, theirs, atol=1e-14 * np.abs(theirs).max())


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("name", COUPLINGS)
def test_invariants(name, split):
    """Trace, fixed point and detailed balance; the Gibbs state of the whole H when split."""
    sample = om.presets.pt_py(COUPLINGS[name])
    found = bloch_redfield(sample, [5.0, 20.0, 200.0], 3.0, electron_splitting=split)
    for law in ("trace", "fixed_point", "kms"):
        assert np.all(found.diagnostics[law] <= 1e-14), law
    if not split:  # the Kossakowski matrix is a noise spectrum at one frequency
        assert np.all(found.diagnostics["positivity"] >= -1e-14)


def test_positivity_is_lost_where_the_splitting_is_kept_and_the_coupling_anisotropic():
    """The Kossakowski matrix of the full (non-secular) tensor may turn negative; it is reported."""
    sample = om.presets.pt_py((1e-3, 0.0, 0.0))
    found = bloch_redfield(sample, [2.0, 5.0, 300.0], 5.0, electron_splitting=True)
    assert found.diagnostics["positivity"].min() < -1e-3
    secular = bloch_redfield(sample, [2.0, 5.0, 300.0], 5.0)
    assert secular.diagnostics["positivity"].min() >= -1e-14


def test_gibbs_state_of_the_joint_space_stands_still():
    spin, x, w = 1.0, 1.3, 0.7
    with exact_arithmetic():
        h = hilbert.hamiltonian([spin], [x], w)
        made = redfield(
            h, (hilbert.coupling([spin], 0, (1.0, 0.3, -0.6)), bath.electron_hole_spectrum)
        )
        change = made.dissipate((-h).expm().unit()).norm()
    assert change <= 1e-14


def test_splitting_changes_the_rates_at_first_order():
    """O(beta hbar omega_B), as the flips [(e^w + 1)/2] K(x - w)/K(x) say."""
    sample = paramagnet(2.0, (1e-6, 1e-6, 0.0))
    deviations = []
    for g in (2e-1, 2e-2, 2e-3):
        one = film_of(*sample.magnet.sublattices, g=g)
        kept = om.relaxation(one, 4.0, 6.0, method="bloch-redfield", electron_splitting=True)
        dropped = om.relaxation(one, 4.0, 6.0, method="bloch-redfield")
        # the exchange part alone, which 1/tau_0 would swamp
        deviations.append(abs(kept.dissipator[2, 2] / dropped.dissipator[2, 2] - 1))
    np.testing.assert_allclose(np.diff(np.log10(deviations)), -1, atol=0.1)


def test_electron_alone_with_the_whole_correlation_matrix():
    """Dimension 2 with D_ab, the cross-correlation included, is the same master equation."""
    spin, x, exchange = 2.0, 1.1, np.array([1.0, 0.3, -0.6])
    for w in (0.0, 0.9):
        lines = bath.moment_correlator(spin, x)
        pauli = np.stack([p.full() for p in hilbert.PAULI])
        energies = 0.5 * w * np.array([1.0, -1.0])
        gaps = energies[None, :] - energies[:, None]  # E_n - E_m of the element <m|sigma|n>
        # noise at each electron frequency: moment line plus what is left for the Fermi sea
        noise = sum(
            weight[..., None, None] * bath.electron_hole_spectrum(gaps - frequency)
            for frequency, weight in zip(lines.frequencies, lines.weights, strict=True)
        )
        half = 0.25 * np.outer(exchange, exchange)[..., None, None] * noise
        dressed = 0.5 * np.einsum("abmn,bmn->amn", half, pauli)

        def change(rho, dressed=dressed, pauli=pauli):
            out = np.zeros((2, 2), complex)
            for a in range(3):
                term = dressed[a] @ rho
                out -= pauli[a] @ term - term @ pauli[a]
            return out + out.conj().T

        tensor = np.array([[-0.5 * np.trace(p @ change(q)).real for q in pauli] for p in pauli])
        with exact_arithmetic():
            joint = redfield(
                hilbert.hamiltonian([spin], [x], w),
                (hilbert.coupling([spin], 0, exchange), bath.electron_hole_spectrum),
            )
            projected = hilbert.project(joint.dissipate, hilbert.thermal_moments([spin], [x]))
        np.testing.assert_allclose(tensor, hilbert.bloch_tensor(projected), atol=1e-14)


def test_rotation_about_the_field():
    sample = om.presets.pt_py(COUPLINGS["anisotropic"])
    azimuth = np.array([0.0, 0.4, 2.2])
    turned = om.relaxation(sample, 10.0, 3.0, method="bloch-redfield", azimuth=azimuth)
    plain = om.relaxation(sample, 10.0, 3.0, method="bloch-redfield")
    across = np.stack([np.full(3, np.pi / 2), azimuth], axis=-1)
    np.testing.assert_allclose(turned.tensor[:, 0, 0], plain.along(across), rtol=1e-13)
    np.testing.assert_allclose(turned.precession, plain.precession)
    identity = rotation(0.3, 1.1) @ rotation(0.3, 1.1).T
    np.testing.assert_allclose(identity, np.eye(3), atol=1e-15)


def test_rates_beyond_k_B_T_are_told():
    """1 eV for 1 meV."""
    for energy, told in ((-1e-3, False), (-1.0, True)):
        text = repr(om.relaxation(om.presets.pt_py(exchange_energy=energy), [10.0, 300.0], 5.0))
        assert ("times k_B T / hbar" in text) == told


@pytest.mark.parametrize("x", [1e-1, 1e-4, 1e-8, 1e-12, 1e-15, 0.0])
def test_continuous_as_the_levels_become_degenerate(x):
    found = om.relaxation(paramagnet(2.0), 4.0, field_for(x, 4.0), method="bloch-redfield")
    limit = om.relaxation(paramagnet(2.0), 4.0, 0.0, method="bloch-redfield")
    # rates are even in x, so they approach as x^2
    difference = np.abs(found.dissipator - limit.dissipator).max() / limit.dissipator.max()
    assert difference <= x**2 + 1e-14


def test_resolution_is_the_users_choice():
    sample = om.presets.pt_py(COUPLINGS["anisotropic"])

    def dissipator(split, resolution):
        found = bloch_redfield(sample, 10.0, 3.0, electron_splitting=split, resolution=resolution)
        return found.dissipator

    # with degenerate electron levels the projection sees zero-frequency terms alone
    np.testing.assert_allclose(dissipator(False, np.inf), dissipator(False, None), atol=1e-4)
    full, secular = dissipator(True, None), dissipator(True, np.inf)
    assert secular[0, 0] == approx(secular[1, 1], rel=1e-13)
    assert abs(full[0, 0] - full[1, 1]) > 1e-2 * full[0, 0]
    # a time that tells the moment's frequencies apart, and not the electron's from zero
    turning = abs(bloch_redfield(sample, 10.0, 3.0).precession)
    for time, apart in ((0.1 / turning, False), (10 / turning, True)):
        coarse = dissipator(True, time)
        assert (abs(coarse[0, 0] / coarse[1, 1] - 1) < 1e-12) == apart


def test_limits():
    sample = om.presets.pt_py()
    electrons, magnet = sample.electrons, sample.magnet
    from openmr import closed_form

    cold = om.relaxation(sample, 0.3, 5.0, method="bloch-redfield")
    assert cold.longitudinal == approx(sample.film.spin_flip_rate, rel=1e-14)
    assert cold.transverse - cold.spin_flip_rate == approx(
        closed_form.saturated_dephasing(magnet, electrons), rel=1e-13
    )
    # corrections of order x^2
    hot = om.relaxation(paramagnet(2.0), 300.0, 0.05, method="bloch-redfield")
    expected = closed_form.paramagnetic_rate(paramagnet(2.0).magnet, electrons)
    np.testing.assert_allclose(np.diag(hot.dissipator), expected, rtol=1e-6)


def test_antiferromagnet_at_low_temperature():
    sample = antiferromagnet()
    found = om.relaxation(sample, 0.5, 0.0, method="bloch-redfield")
    one = sample.magnet.sublattices[0]
    dephasing = np.pi / om.units.HBAR * one.density * sample.electrons.dos
    dephasing *= (one.exchange[0] * one.spin) ** 2
    assert found.transverse - found.spin_flip_rate == approx(2 * dephasing, rel=1e-13)
    scale = abs(one.exchange_energy[2] * one.spin) / om.units.HBAR
    assert abs(found.precession) <= 1e-14 * scale


def test_finite_splitting_factor():
    """The corrected transverse flips over those of Eq. (75) are R = s(w) s(x) / s(x - w)."""
    sample = paramagnet(2.0, (1e-9, 1e-9, 0.0))
    fields = field_for(np.array([0.3, 2.0, 7.0]), 4.0)
    plain = om.relaxation(sample, 4.0, fields)
    corrected = om.relaxation(sample, 4.0, fields, form="finite-splitting")
    w = om.units.HBAR * plain.precession / (om.units.K_B * 4.0)
    x = om.equilibrium(sample, 4.0, fields).reduced_splitting[:, 0]

    def s(y):
        return np.sinh(y / 2) / (y / 2)

    found = corrected.dissipator[:, 0, 0] / plain.dissipator[:, 0, 0]
    # g is 2 for both, so w = x up to rounding: s(x - w) = 1
    np.testing.assert_allclose(found, s(w) * s(x), rtol=1e-12)


def test_finite_splitting_leaves_the_difference_of_the_transverse_rates():
    sample = paramagnet(2.0, (1e-3, 0.3e-3, -0.6e-3))
    plain, split = (
        om.relaxation(sample, 4.0, [0.5, 3.0], form=form).dissipator.diagonal(0, -2, -1)
        for form in ("corrected", "finite-splitting")
    )
    np.testing.assert_allclose(np.diff(split[:, :2]), np.diff(plain[:, :2]), rtol=1e-9)
    assert np.all(split[:, 0] != plain[:, 0])


def test_finite_splitting_form_when_cold():
    cold = om.relaxation(om.presets.pt_py(), 1e-3, [5.0, -5.0], form="finite-splitting")
    plain = om.relaxation(om.presets.pt_py(), 1e-3, [5.0, -5.0])
    np.testing.assert_allclose(cold.transverse, plain.transverse, rtol=1e-12)
