"""The kinetic route against the closed forms, and by how much their assumptions miss."""

from functools import partial

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from systems import (
    COUPLINGS,
    SPINS,
    antiferromagnet,
    ferrimagnet,
    field_for,
    film_of,
    paramagnet,
)

import openmr as om
from openmr import kinetics
from openmr.rates.routes import kinetic as route
from openmr.rates.routes.kinetic import electron_sea

kinetic = partial(om.relaxation, method="kinetic")
without_modes = partial(kinetic, modes=False)
"""The initial slope and what belongs to it; the modes take a hundred times as long."""

DEPTHS = np.array([1e-6, 0.1, 1.0, 3.0, 10.0, 25.0])


def splitting(sample, temperature, field):
    """beta hbar omega_L."""
    omega = om.relaxation(sample, temperature, field).precession
    return om.units.HBAR * omega / (om.units.K_B * np.asarray(temperature))


def slopes(sample, temperature, fields):
    """Initial slope alone, without the modes that the route adds, (n, 3, 3)."""
    seas = [electron_sea(sample, temperature, field) for field in np.atleast_1d(fields)]
    return np.array([kinetics.initial_slope(sea)[1:, 1:] for sea in seas])


def same_rates(dissipator, exact):
    """The rate along the field and the mean across it, within 1e-13 of the larger."""
    largest = exact.dissipator.max(axis=(-2, -1))
    along = dissipator[..., 2, 2] - exact.dissipator[..., 2, 2]
    both = np.trace(dissipator - exact.dissipator, axis1=-2, axis2=-1) - along
    assert np.all(np.abs(along) <= 1e-13 * largest)
    assert np.all(np.abs(both) <= 2e-13 * largest)


@pytest.mark.parametrize("spin", SPINS)
@pytest.mark.parametrize("disorder", ["random", "lattice"])
@pytest.mark.parametrize("name", COUPLINGS)
def test_initial_slope_at_any_splitting(spin, disorder, name):
    """Eq. (70) exactly; Eq. (75) with R(w, x) and, for flips that break the spin, R(-w, x)."""
    sample = paramagnet(spin, COUPLINGS[name], disorder)
    fields = field_for(DEPTHS, 4.0)
    assert np.abs(splitting(sample, 4.0, fields)).max() > 1.5
    exact = om.relaxation(sample, 4.0, fields, form="finite-splitting")
    same_rates(slopes(sample, 4.0, fields), exact)


@pytest.mark.parametrize("make", [antiferromagnet, ferrimagnet, om.presets.pt_py])
def test_route(make):
    """Sublattices add; 1/tau_0 is added once."""
    sample = make()
    temperatures = np.array([15.0, 38.0, 300.0])
    found = without_modes(sample, temperatures, 2.0)
    exact = om.relaxation(sample, temperatures, 2.0, form="finite-splitting")
    same_rates(found.dissipator, exact)
    np.testing.assert_allclose(found.longitudinal, exact.longitudinal, rtol=1e-13)
    np.testing.assert_allclose(found.precession, exact.precession, rtol=1e-11)


@pytest.mark.parametrize(("name", "order"), [("isotropic", 1), ("anisotropic", 1), ("one axis", 2)])
def test_transverse_rates_become_eq_75_as_the_splitting_vanishes(name, order):
    """Each transverse rate; for Jx Jy = 0 the first order in beta hbar omega_L cancels."""
    deviations = []
    for g in (2e-2, 2e-3, 2e-4):
        exchange = 1e-7 * np.array(COUPLINGS[name])  # no exchange field to speak of
        one = om.Moments(spin=2, density=1.66e27, exchange_energy=exchange)
        sample = film_of(one, g=g)
        found = slopes(sample, 4.0, field_for(2.0, 4.0))[0]
        exact = om.relaxation(sample, 4.0, field_for(2.0, 4.0))
        difference = (found - exact.dissipator)[[0, 1], [0, 1]]
        deviations.append(np.abs(difference).max() / exact.dissipator.max())
    np.testing.assert_allclose(np.diff(np.log10(deviations)), -order, atol=0.02)


def test_transverse_factor_over_the_plane():
    """R = s(w) s(x) / s(x - w) of the flips, for both signs of the splitting."""

    def s(y):
        y = np.where(np.abs(y) < 1e-6, 1e-6, y)
        return np.sinh(y / 2) / (y / 2)

    lines = {x: om.bath.moment_correlator(1.0, x) for x in (0.3, 1.0, 4.0)}
    ratios, expected = [], []
    for x, line in lines.items():
        for w in (-3.0, -1.0, -0.1, 0.1, 1.0, 2.0, 5.0):
            flips = kinetics.Scatterer(1.0, np.array([1.0, 1.0, 0.0]), line)
            slopes = [
                kinetics.initial_slope(
                    kinetics.Sea(kinetics.energy_grid([x], 0.3, 45.0), split, (1, 1), (flips,))
                )
                for split in (w, 0.0)
            ]
            ratios.append(slopes[0][1, 1] / slopes[1][1, 1])
            expected.append(float(s(w) * s(x) / s(x - w)))
            assert slopes[0][3, 3] == approx(slopes[1][3, 3], rel=1e-13)
    np.testing.assert_allclose(ratios, expected, rtol=1e-12)
    assert np.ptp(ratios) > 1
    # the wrong sign of the splitting, or the factor of one line alone, would be noticed
    mirrored = np.array(expected).reshape(3, 7)[:, ::-1].ravel()
    assert np.abs(np.array(ratios) / mirrored - 1).max() > 0.1


@pytest.mark.parametrize("axis", [(0.0, 0.0), (0.7, 0.4), (1.2, 2.5), (2.9, 5.1)])
def test_any_quantisation_axis(axis):
    """Eqs. (45), (46) without splitting: the tensor along n against the closed form along n."""
    sample = paramagnet(2.0, COUPLINGS["anisotropic"])
    sample = film_of(*sample.magnet.sublattices, g=1e-12)
    found = without_modes(sample, 300.0, 5.0)
    sample = film_of(*sample.magnet.sublattices)
    exact = om.relaxation(sample, 300.0, 5.0)
    # the exchange field still splits the spins: a correction of first order in w
    w = abs(splitting(sample, 300.0, 5.0))
    assert found.along(axis) == approx(exact.along(axis), rel=w)


def test_unequal_densities_of_states():
    """T_0 and the conversion of charge to spin, Eqs. (60)-(63), and no T_0 across the field."""
    sample = film_of(
        om.Moments(2, 1.66e27, exchange_energy=COUPLINGS["anisotropic"]),
        dos_up=2.2e27,
        dos_down=4.6e27,
    )
    found = without_modes(sample, 10.0, [0.5, 5.0])
    exact = om.relaxation(sample, 10.0, [0.5, 5.0])
    np.testing.assert_allclose(found.charge_to_spin, exact.charge_to_spin, rtol=1e-12)
    np.testing.assert_allclose(found.longitudinal, exact.longitudinal, rtol=1e-12)
    slope = kinetics.initial_slope(electron_sea(sample, 10.0, 5.0))
    assert np.abs(slope[1:3, 0]).max() <= 1e-14 * slope[3, 3]
    # what is left after a long time is charge and the spin of Eq. (63)
    values, vectors = np.linalg.eig(slope)
    steady = vectors[:, np.argmin(np.abs(values))].real
    expected = -exact.charge_to_spin[1] / exact.dissipator[1, 2, 2]
    assert steady[3] / steady[0] == approx(expected, rel=1e-12)


def test_printed_misprint_is_not_confirmed():
    """Eq. (70) as printed misses the slope by a factor of two; no kinetic equation gives it."""
    sample = om.presets.pt_py()
    found = without_modes(sample, 10.0, 5.0).dissipator[2, 2]
    printed = om.relaxation(sample, 10.0, 5.0, form="printed").dissipator[2, 2]
    assert found / printed == approx(2.0, rel=1e-12)


def test_diagnostics():
    found = kinetic(om.presets.pt_py(), [10.0, 200.0], 5.0)
    d = found.diagnostics
    for law in ("charge", "stationarity"):
        assert np.all(d[law] <= 1e-14), law
    assert np.all(d["grid_change"] <= 1e-13)
    np.testing.assert_allclose(
        d["electron_splitting"], splitting(om.presets.pt_py(), [10.0, 200.0], 5.0)
    )
    slope = found.dissipator[:, 2, 2]
    assert np.all(d["slowest_rate"] >= slope)
    assert np.all(d["fastest_rate"] >= d["slowest_rate"])
    # the spin drifts from the ansatz when cold, hardly when hot
    assert d["residue"][0] > 0.5
    assert 0 < d["residue"][1] < 1e-2
    assert d["spread"][0] > 1
    assert d["spread"][1] < 0.1
    # AF coupling: the second order strengthens the exchange field
    shift = -om.units.MU_B * 2 * np.asarray(found.exchange_field) / om.units.HBAR
    assert np.all(d["level_shift"] / shift > 0)


def test_spread_is_that_of_the_spectrum():
    sea = electron_sea(paramagnet(2.0), 4.0, field_for(2.0, 4.0), reach=20.0)
    rates, weights = kinetics.longitudinal_spectrum(sea)
    mean = weights @ rates
    deviation = np.sqrt(weights @ (rates - mean) ** 2) / mean
    assert route._spread(sea) == approx(deviation, rel=1e-8)


def test_fastest_spin_across_the_field_is_far_from_the_fermi_level():
    """So its grid must go where the Fermi factors have settled: at 15 k_B T to 3e-7."""
    sample, kelvin = paramagnet(2.0), 5.0
    field = field_for(2.0, kelvin)
    sea = electron_sea(sample, kelvin, field, spacing=0.5, reach=15.0)
    fastest = kinetics.transverse_rates(sea).real.max()
    found = kinetic(sample, kelvin, field).diagnostics["transverse_fastest_rate"]
    assert found == approx(fastest, rel=2e-3)


def test_energy_relaxation_gives_the_closed_form_back():
    """By how much the ansatz misses falls as tau_ee; so does what the moments leave behind."""
    sample = paramagnet(2.0)
    field = field_for(2.0, 4.0)
    slope = without_modes(sample, 4.0, field).dissipator[2, 2]
    misses = []
    for ratio in (100.0, 1000.0):
        found = kinetic(sample, 4.0, field, energy_relaxation_rate=ratio * slope)
        assert found.dissipator[2, 2] == approx(slope, rel=1e-12)
        assert found.diagnostics["residue"] <= 1e-10
        misses.append(1 - found.diagnostics["slowest_rate"] / slope)
    assert np.log10(misses[0] / misses[1]) == approx(1.0, abs=0.05)


def test_shift_is_of_second_order_in_the_exchange():
    shifts = [
        without_modes(paramagnet(2.0, j), 10.0, 0.05).diagnostics["level_shift"]
        for j in (1e-5, 2e-5)
    ]
    assert shifts[1] / shifts[0] == approx(4.0, rel=1e-2)


def test_too_coarse_a_grid_is_an_error():
    with pytest.raises(om.ConvergenceError, match="smaller `spacing`"):
        kinetic(om.presets.pt_py(), 10.0, 5.0, spacing=1.5)
    with pytest.raises(om.ConvergenceError, match="larger `reach`"):
        kinetic(om.presets.pt_py(), 10.0, 5.0, reach=8.0)


BAD = [
    ({"energy_relaxation_rate": -1.0}, "`energy_relaxation_rate`.*>= 0 1/s, got -1.0"),
    ({"energy_relaxation_rate": np.nan}, "`energy_relaxation_rate`.*nan"),
    ({"energy_relaxation_rate": 1e30}, "`energy_relaxation_rate` must be <= .*1/s.*1e\\+30"),
    ({"half_width": 0.0}, "`half_width`.*> 0 eV, got 0.0"),
    ({"half_width": 1e-4}, "`half_width` must be >= .*eV.*got 0.0001"),
    ({"spacing": -0.1}, "`spacing`.*k_B T, got -0.1"),
    ({"spacing": 1e-6}, "`spacing`.*points.*GiB"),
    ({"reach": "far"}, "`reach`.*'far'"),
    ({"temperature": 0.02}, "`temperature`.*energy grid.*GiB"),
    ({"temperature": -3.0}, "`temperature`.*-3.0"),
    ({"sec_cutoff": 1.0}, "'kinetic' takes no option `sec_cutoff`"),
]


def test_bad_input():
    point = {"temperature": 10.0, "field": 5.0}
    rows = [
        (
            partial(om.relaxation, om.presets.pt_py(), method="kinetic", **{**point, **change}),
            message,
        )
        for change, message in BAD
    ]
    assert unclear(rows) == {}
