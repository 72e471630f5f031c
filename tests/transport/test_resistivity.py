"""Transport: against an independent solution of the diffusion problem, limits and symmetries."""

from dataclasses import replace

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from scipy.linalg import expm
from systems import antiferromagnet, film_of

import openmr as om
from openmr import units
from openmr.rates.record import PRECESSION_GENERATOR, rotation
from openmr.transport.surviving import longitudinal_length, surviving_fraction, transverse_decay


def conductivity_by_shooting(film, rates, b):
    """2x2 conductivity over sigma_D from the linear boundary-value problem, by its propagator.

    D mu'' = Gamma mu with Gamma from d<sigma>/dt = -Gamma <sigma>, and total spin current
    -(1/2) mu'(z) + theta (a x E)_z = 0 at both faces (units of sigma_D = e = 1), Eq. (B9).
    """
    b = np.asarray(b) / np.linalg.norm(b)
    cross = np.array([[0, -b[2], b[1]], [b[2], 0, -b[0]], [-b[1], b[0], 0]])
    gamma = float(rates.transverse) * np.eye(3) - float(rates.precession) * cross
    gamma += float(rates.longitudinal - rates.transverse) * np.outer(b, b)
    d, theta = film.thickness, film.spin_hall_angle
    matrix = gamma * d**2 / film.diffusion  # z in units of d
    zero, one = np.zeros((3, 3)), np.eye(3)
    propagator = expm(np.block([[zero, one], [matrix, zero]]))
    sigma = np.zeros((2, 2))
    for column, field in enumerate(np.eye(3)[:2]):
        source = theta * np.array([np.cross(a, field)[2] for a in np.eye(3)])
        slope = 2 * source  # mu'(0) = mu'(1)
        start = np.linalg.solve(propagator[3:, :3], slope - propagator[3:, 3:] @ slope)
        end = propagator[:3, :3] @ start + propagator[:3, 3:] @ slope
        mean_spin_current = -0.5 * (end - start)  # of the three polarisations, along z
        back = theta * sum(
            np.cross(a, [0, 0, j]) for a, j in zip(np.eye(3), mean_spin_current, strict=True)
        )
        sigma[:, column] = (1 - 2 * theta**2) * field[:2] + back[:2]
    return sigma


RATES = om.relaxation(om.presets.pt_py(), 10.0, 5.0)
DIRECTIONS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.36, -0.48, 0.8), (-0.6, 0.1, -0.3), (1, 1, 0)]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("field", [-7.0, 0.0, 5.0, 17.0])
def test_exact_order_against_the_boundary_value_problem(direction, field):
    film = om.presets.pt_py().film
    rates = om.relaxation(om.presets.pt_py(), 10.0, field)
    rho = np.linalg.inv(conductivity_by_shooting(film, rates, direction)) * film.resistivity
    found = om.resistivity(film, rates, direction, order="exact")
    assert found.longitudinal == approx(rho[0, 0], rel=1e-12, abs=0)
    assert found.transverse == approx(rho[1, 0], rel=1e-11, abs=1e-14 * film.resistivity)


def test_second_order_misses_the_exact_by_the_fourth_power_of_the_angle():
    errors = []
    angles = np.array([0.2, 0.1, 0.05])
    for angle in angles:
        film = replace(om.presets.pt_py().film, spin_hall_angle=angle)
        one = om.resistivity(film, RATES, (0.36, -0.48, 0.8))
        two = om.resistivity(film, RATES, (0.36, -0.48, 0.8), order="exact")
        errors.append(abs(float(one.longitudinal - two.longitudinal)))
    np.testing.assert_allclose(np.diff(np.log(errors)) / np.diff(np.log(angles)), 4, atol=0.1)


def test_printed_precession_sign_turns_the_hanle_term_alone():
    film = om.presets.pt_py().film
    for direction in DIRECTIONS:
        ours = om.resistivity(film, RATES, direction)
        printed = om.resistivity(film, RATES, direction, precession_sign="printed")
        assert ours.longitudinal == printed.longitudinal
        m = np.array(direction) / np.linalg.norm(direction)
        expected = 2 * film.spin_hall_angle**2 * ours.drho2 * m[2]
        assert ours.transverse - printed.transverse == approx(expected, abs=1e-20)


def test_thin_and_thick_films():
    decay = np.array([1e17])
    assert surviving_fraction(1e-14, decay).real == approx(1.0)
    length = decay**-0.5
    assert surviving_fraction(1.0, decay).real == approx(2 * length, rel=1e-12, abs=0)
    assert surviving_fraction(1.0, np.array([1e17 + 3e17j])).imag < 0
    assert surviving_fraction(1e-9, np.array([0.0])) == 1.0


def test_series_joins_the_formula():
    u2 = np.array([0.999e-3, 1.001e-3]) * np.exp(1j * 0.7)
    u = np.sqrt(u2)
    found = surviving_fraction(2.0, u2)
    np.testing.assert_allclose(found, np.tanh(u) / u, rtol=1e-15, atol=1e-15)


def test_hanle_magnetoresistance_without_exchange():
    """J = 0: drho_1 grows as B^2."""
    sample = om.presets.pt_py(0.0)
    fields = np.array([0.01, 0.02, 0.04])
    drho1 = om.magnetoresistance(sample, 10.0, fields, (1, 0, 0)).drho1
    np.testing.assert_allclose(np.diff(np.log2(drho1)), 2, atol=1e-3)


def test_relaxation_anisotropy_alone_and_precession_alone():
    film = om.presets.pt_py().film
    still = replace(RATES, precession=np.zeros(()))
    found = om.resistivity(film, still, (1, 0, 0))
    assert found.drho2 == 0
    lengths = [np.sqrt(film.diffusion / rate) for rate in (still.longitudinal, still.transverse)]
    along, across = (2 * x / film.thickness * np.tanh(film.thickness / 2 / x) for x in lengths)
    assert found.drho1 == approx(film.resistivity * (along - across), rel=1e-12, abs=0)
    isotropic = replace(still, dissipator=np.eye(3) * 1e10)
    assert om.resistivity(film, isotropic, (1, 0, 0)).drho1 == approx(0, abs=1e-20)
    assert longitudinal_length(film, isotropic) == approx(
        np.sqrt(film.diffusion / (1e10 + still.spin_flip_rate))
    )


def test_antiferromagnet_is_pi_periodic_and_has_no_hanle_term():
    sample = antiferromagnet()
    angle = np.linspace(0, 2 * np.pi, 9)
    neel = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    found = om.magnetoresistance(sample, 20.0, 0.0, neel)
    np.testing.assert_allclose(found.longitudinal[:4], found.longitudinal[4:8], rtol=1e-14)
    np.testing.assert_allclose(found.drho2, 0, atol=1e-18)
    # Eq. (93): cosine squared of the angle to the current
    law = found.longitudinal[2] + (found.longitudinal[0] - found.longitudinal[2]) * neel[:, 0] ** 2
    np.testing.assert_allclose(found.longitudinal, law, rtol=1e-14)


def test_appendix_c_by_the_whole_line():
    """Negative magnetoresistance for antiferromagnetic coupling when cold, positive when hot."""
    fields = np.linspace(0.0, 25.0, 251)
    cold = om.magnetoresistance(om.presets.pt_py(-1e-3), 10.0, fields, (1, 0, 0))
    assert cold.longitudinal[10] < cold.longitudinal[0]
    lowest = fields[np.argmin(cold.longitudinal)]
    assert lowest == approx(17.3, rel=0.02, abs=0)
    assert cold.relaxation.exchange_field[np.argmin(cold.longitudinal)] == approx(lowest, rel=0.02)
    hot = om.magnetoresistance(om.presets.pt_py(-1e-3), 200.0, fields, (1, 0, 0))
    assert np.all(np.diff(hot.longitudinal) > 0)
    ferro = om.magnetoresistance(om.presets.pt_py(1e-3), 10.0, fields, (1, 0, 0))
    assert np.all(np.diff(ferro.longitudinal) > 0)


def test_broadcasting():
    temperatures, fields = np.array([10.0, 100.0])[:, None, None], np.linspace(-5, 5, 4)[:, None]
    found = om.magnetoresistance(om.presets.pt_py(), temperatures, fields, np.eye(3))
    assert found.longitudinal.shape == (2, 4, 3)
    point = om.magnetoresistance(om.presets.pt_py(), 100.0, -5.0, (0, 1, 0))
    assert found.transverse[1, 0, 1] == approx(float(point.transverse), abs=1e-20)
    assert found.longitudinal[1, 0, 1] == approx(float(point.longitudinal), rel=1e-13, abs=0)


# --- three unlike couplings ------------------------------------------------------------------

UNLIKE = film_of(om.Moments(2, 1.66e27, exchange_energy=(2e-3, 0.1e-3, -0.9e-3)))


def conductivity_of_tensor(film, gamma):
    """2x2 conductivity over sigma_D for a tensor in film axes, by the propagator, Eq. (B9)."""
    d, theta = film.thickness, film.spin_hall_angle
    matrix = gamma * d**2 / film.diffusion
    zero, one = np.zeros((3, 3)), np.eye(3)
    propagator = expm(np.block([[zero, one], [matrix, zero]]))
    sources = theta * np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    start = np.linalg.solve(propagator[3:, :3], 2 * sources - propagator[3:, 3:] @ (2 * sources))
    current = -0.5 * (propagator[:3, :3] @ start + propagator[:3, 3:] @ (2 * sources) - start)
    return (1 - 2 * theta**2) * np.eye(2) + theta * np.array([current[1], -current[0]])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("precession_sign", ["hamiltonian", "printed"])
def test_unlike_couplings_against_the_boundary_value_problem(direction, precession_sign):
    """Local axes from the angles of Eq. (39), an independent road to the tensor in film axes."""
    film = UNLIKE.film
    rates = om.relaxation(UNLIKE, 10.0, 0.3)
    x, y, z = np.array(direction) / np.linalg.norm(direction)
    axes = rotation(np.arctan2(np.hypot(x, y), z), np.arctan2(y, -x) if x or y else 0.0)
    sign = 1.0 if precession_sign == "hamiltonian" else -1.0
    local = rates.dissipator + rates.spin_flip_rate * np.eye(3)
    local = local + sign * rates.precession * PRECESSION_GENERATOR
    sigma = conductivity_of_tensor(film, axes.T @ local @ axes)
    rho = np.linalg.inv(sigma) * film.resistivity
    found = om.resistivity(film, rates, direction, order="exact", precession_sign=precession_sign)
    assert found.longitudinal == approx(rho[0, 0], rel=1e-12, abs=0)
    assert found.transverse == approx(rho[1, 0], rel=1e-9, abs=1e-14 * film.resistivity)
    # the mean of the two transverse rates is another film
    mean = np.diag([rates.transverse, rates.transverse, rates.longitudinal])
    mean = mean + rates.precession * PRECESSION_GENERATOR
    other = np.linalg.inv(conductivity_of_tensor(film, axes.T @ mean @ axes)) * film.resistivity
    if direction != (0, 1, 0):  # there rho_L knows the longitudinal rate alone
        assert abs(other[0, 0] - rho[0, 0]) > 1e-6 * film.resistivity


def test_hanle_part_of_unlike_couplings_against_the_boundary_value_problem():
    """drho2 is the x spin that survives of y spins for b along z, the print's the opposite."""
    film, square = UNLIKE.film, UNLIKE.film.spin_hall_angle**2
    for field in (0.3, -4.0, 17.0):
        rates = om.relaxation(UNLIKE, 10.0, field)
        sigma = conductivity_of_tensor(film, rates.tensor)
        drho2 = 0.5 * (sigma[0, 1] - sigma[1, 0]) / square * film.resistivity
        assert np.sign(drho2) == -np.sign(rates.precession)
        for direction in DIRECTIONS:  # the part knows the rates alone
            found = om.resistivity(film, rates, direction)
            assert found.drho2 == approx(drho2, rel=1e-9, abs=0)
        printed = om.resistivity(film, rates, (0, 0, 1), precession_sign="printed")
        along = om.resistivity(film, rates, (0, 0, 1))
        assert along.transverse == approx(square * drho2, rel=1e-9, abs=0)
        assert printed.transverse == approx(-square * drho2, rel=1e-9, abs=0)


def test_unlike_couplings_seen_along_the_local_axes():
    """Without precession each spin direction has its own length: b along z reads off Jx and Jy."""
    rates = replace(om.relaxation(UNLIKE, 10.0, 1.0), precession=np.zeros(()))
    film, square = UNLIKE.film, UNLIKE.film.spin_hall_angle**2
    for turned, row in ((0.0, 1), (0.5 * np.pi, 0)):
        found = om.resistivity(film, replace(rates, azimuth=turned), (0, 0, 1))
        u = film.thickness / 2 * np.sqrt(rates.tensor[row, row] / film.diffusion)
        expected = film.resistivity * (1 + square * (2 - np.tanh(u) / u))
        assert found.longitudinal == approx(expected, rel=1e-14, abs=0)


def test_axial_rates_give_the_printed_formulas():
    """The matrix function is Eqs. (86)-(90) where Jx = Jy, to 1e-13 of the change."""
    film = om.presets.pt_py().film
    for field in (0.0, 1e-3, 5.0, 17.3):
        rates = om.relaxation(om.presets.pt_py(), 10.0, field)
        parallel = surviving_fraction(film.thickness, rates.longitudinal / film.diffusion).real
        pair = surviving_fraction(film.thickness, transverse_decay(film, rates))
        for direction in DIRECTIONS:
            mx, my, mz = np.array(direction) / np.linalg.norm(direction)
            found = om.resistivity(film, rates, direction)
            drho1, drho2 = parallel - pair.real, pair.imag
            square = film.spin_hall_angle**2
            longitudinal = 1 + square * (2 - parallel + drho1 * (1 - my**2))
            transverse = square * (drho1 * mx * my + drho2 * mz)
            unit = film.resistivity
            assert found.longitudinal == approx(unit * longitudinal, rel=1e-15, abs=0)
            assert found.transverse == approx(unit * transverse, abs=1e-15 * unit * square)
            assert found.drho0 == approx(unit * parallel, rel=1e-13, abs=0)
            assert found.drho1 == approx(unit * drho1, abs=1e-13 * unit)
            assert found.drho2 == approx(unit * drho2, rel=1e-13, abs=1e-30)


# --- mechanisms ------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [om.presets.pt_py(), UNLIKE], ids=["axial", "unlike"])
def test_mechanisms_add_to_the_whole(sample):
    rates = om.relaxation(sample, [[10.0], [60.0]], [0.0, 5.0, 17.0])
    for direction in DIRECTIONS:
        parts = om.mechanisms(sample.film, rates, direction)
        whole = om.resistivity(sample.film, rates, direction)
        np.testing.assert_allclose(parts.total, whole.longitudinal, rtol=1e-15)
        # at the exact order they do not: theta_SH^4 = 1e-4 remains
        exact = om.resistivity(sample.film, rates, direction, order="exact")
        miss = np.abs(parts.total / exact.longitudinal - 1)
        assert np.all((miss > 1e-6) & (miss < 1e-3))


def test_each_mechanism_alone():
    """Against Eqs. (88), (89) with the other two switched off by hand, b along the current."""
    sample = om.presets.pt_py()
    film, rates = sample.film, om.relaxation(sample, 10.0, 5.0)
    parts = om.mechanisms(film, rates, (1, 0, 0))
    unit = film.spin_hall_angle**2 * film.resistivity

    def f(rate):
        return surviving_fraction(film.thickness, np.asarray(rate) / film.diffusion).real

    along, across, omega = rates.longitudinal, rates.transverse, 1j * rates.precession
    assert parts.isotropic_magnon == approx(
        unit * (f(rates.spin_flip_rate) - f(along)), rel=1e-11, abs=0
    )
    assert parts.relaxation_anisotropy == approx(unit * (f(along) - f(across)), rel=1e-11, abs=0)
    assert parts.precession == approx(unit * (f(across) - f(across + omega)), rel=1e-11, abs=0)
    assert parts.precession_isotropic == approx(
        unit * (f(along) - f(along + omega)), rel=1e-11, abs=0
    )
    assert parts.interplay == approx(parts.precession - parts.precession_isotropic)
    # along y there is nothing but magnons
    still = om.mechanisms(film, rates, (0, 1, 0))
    assert abs(still.relaxation_anisotropy) < 1e-15 * film.resistivity
    assert abs(still.precession) < 1e-15 * film.resistivity


def test_interplay_is_of_second_order_in_the_precession():
    """The two ways to see precession alone differ by (rate difference) x omega_L^2 at first."""
    sample = om.presets.pt_py()
    rates = om.relaxation(sample, 10.0, 5.0)
    omega = 1e10 * 2.0 ** np.arange(4)
    slow = replace(
        rates,
        precession=omega,
        equilibrium=om.equilibrium(sample, np.full(omega.shape, 10.0), 5.0),
        dissipator=np.broadcast_to(rates.dissipator, (4, 3, 3)),
    )
    parts = om.mechanisms(sample.film, slow, (1, 0, 0))
    # 1e-16 of rho over an interplay of 1e-5 of it
    np.testing.assert_allclose(np.diff(np.log2(np.abs(parts.interplay))), 2, atol=0.05)
    alike = replace(slow, dissipator=np.broadcast_to(1e11 * np.eye(3), (4, 3, 3)))
    equal = om.mechanisms(sample.film, alike, (1, 0, 0))
    np.testing.assert_allclose(equal.interplay, 0, atol=1e-21)


# --- several sublattices ---------------------------------------------------------------------


def test_antiferromagnet_through_the_neel_temperature():
    """drho1 vanishes as T_N - T, and is zero above; low T gives 1/tau_0 + 2 Omega_0."""
    sample = antiferromagnet(neel=40.0)
    below = 40.0 * (1 - np.array([1e-3, 2e-3, 4e-3]))
    found = om.magnetoresistance(sample, below, 0.0, (1, 0, 0))
    # <S^2> - S(S+1)/3 goes with the square of the order parameter, that with T_N - T
    np.testing.assert_allclose(np.diff(np.log2(found.drho1)), 1, atol=0.02)
    above = om.magnetoresistance(sample, [40.01, 60.0], 0.0, (1, 0, 0))
    np.testing.assert_allclose(above.drho1, 0, atol=1e-15 * sample.film.resistivity)
    cold = om.relaxation(sample, 2.0, 0.0)
    moments = sample.magnet.sublattices[0]
    omega0 = np.pi / units.HBAR * moments.density * sample.electrons.dos
    omega0 *= (moments.exchange[0] * moments.spin) ** 2
    # thermal flips are left out: beta eps_L is 20 at 2 K
    assert cold.transverse == approx(cold.spin_flip_rate + 2 * omega0, rel=1e-6, abs=0)
    assert cold.longitudinal == approx(cold.spin_flip_rate, rel=1e-6, abs=0)
    assert abs(cold.transverse / (cold.spin_flip_rate + omega0) - 1) > 0.1  # both sublattices


def test_antiferromagnet_does_not_know_the_sign_of_its_neel_vector():
    neel = np.array([0.48, -0.6, 0.64])
    ours = om.magnetoresistance(antiferromagnet(), 20.0, 0.0, neel)
    theirs = om.magnetoresistance(antiferromagnet(), 20.0, 0.0, -neel)
    assert ours.longitudinal == approx(theirs.longitudinal, rel=1e-15, abs=0)
    assert ours.transverse == approx(theirs.transverse, rel=1e-9, abs=0)
    assert ours.transverse == approx(sample_law(ours, neel), rel=1e-9, abs=0)


def sample_law(found, neel):
    """Eq. (94)."""
    square = found.relaxation.sample.film.spin_hall_angle**2
    return square * found.drho1 * neel[0] * neel[1]


def test_ferrimagnet_compensates_and_its_hanle_term_turns():
    """Sublattices of unlike coupling: omega_L changes sign below the ordering temperature."""
    one = om.Moments(2, 0.83e27, exchange_energy=1e-3)
    two = om.Moments(2, 0.83e27, exchange_energy=0.8e-3)
    coupling = 3 * units.K_B * 40.0 / 6
    sample = film_of(one, two, weiss=[[-0.6 * coupling, -coupling], [-coupling, 0.0]])
    order = om.ordering_temperature(sample.magnet)
    temperature = np.linspace(2.0, order - 0.5, 120)
    found = om.magnetoresistance(sample, temperature, 0.0, (0, 0, 1))
    omega = found.relaxation.precession
    turns = np.flatnonzero(omega[:-1] * omega[1:] < 0)
    assert len(turns) == 1
    # the transverse resistivity is the Hanle term alone and has the sign of -omega_L
    assert np.all(np.sign(found.transverse) == -np.sign(omega))
    above = om.magnetoresistance(sample, order + 1, 0.0, (0, 0, 1))
    assert abs(above.transverse) < 1e-18


# --- Appendix C ------------------------------------------------------------------------------

ALONG_CURRENT = (1, 0, 0)


@pytest.mark.parametrize(("coupling", "lowest_at"), [(-1e-3, 17.3), (-0.3e-3, 5.0)])
def test_lowest_where_the_field_meets_the_exchange_field(coupling, lowest_at):
    """Fig. 3 (a)-(c): within 2 % of B_sd; for no coupling, and with the wrong sign, at B = 0."""
    field = np.linspace(0.0, 25.0, 1001)
    found = om.magnetoresistance(om.presets.pt_py(coupling), 10.0, field, ALONG_CURRENT)
    at = np.argmin(found.longitudinal)
    assert field[at] == approx(found.relaxation.exchange_field[at], rel=0.02, abs=0)
    assert field[at] == approx(lowest_at, rel=0.03, abs=0)
    for wrong in (0.0, -coupling):
        other = om.magnetoresistance(om.presets.pt_py(wrong), 10.0, field, ALONG_CURRENT)
        assert np.argmin(other.longitudinal) == 0


def test_lowest_temperature_where_the_field_meets_the_exchange_field():
    """Fig. 3 (d): the minimum over temperature at fixed field, to 1 K = 2 % of T."""
    temperature = np.linspace(2.0, 80.0, 313)
    for coupling in (-0.5e-3, -1e-3):
        found = om.magnetoresistance(om.presets.pt_py(coupling), temperature, 5.0, ALONG_CURRENT)
        at = np.argmin(found.longitudinal)
        crossing = np.flatnonzero(np.diff(np.sign(found.relaxation.precession)))
        assert len(crossing) == 1
        assert temperature[at] == approx(temperature[crossing[0]], rel=0.02, abs=0)


def test_positive_when_hot_and_for_ferromagnetic_coupling():
    """The transition on cooling has one temperature; ferromagnetic coupling never crosses."""
    temperature = np.linspace(5.0, 200.0, 40)
    found, never = (
        om.magnetoresistance(
            om.presets.pt_py(coupling), temperature[:, None], [0.0, 2.0], ALONG_CURRENT
        )
        for coupling in (-1e-3, 1e-3)
    )
    change = found.longitudinal[:, 1] - found.longitudinal[:, 0]
    assert change[0] < 0 < change[-1]
    assert np.count_nonzero(np.diff(np.sign(change))) == 1
    assert np.all(never.longitudinal[:, 1] > never.longitudinal[:, 0])


@pytest.mark.parametrize("coupling", [-1e-3, 1e-3])
def test_quadratic_at_small_fields_when_hot(coupling):
    field = np.array([0.01, 0.02, 0.04])
    sample = om.presets.pt_py(coupling)
    found = om.magnetoresistance(sample, 200.0, field, ALONG_CURRENT).longitudinal
    zero = om.magnetoresistance(sample, 200.0, 0.0, ALONG_CURRENT).longitudinal
    # 1e-16 of rho over a change of 1e-7 of it, and the next power, (omega_L / rate)^2 = 1e-4
    np.testing.assert_allclose(np.diff(np.log2(found - zero)), 2, atol=5e-3)
    cold = om.magnetoresistance(sample, 10.0, field, ALONG_CURRENT).longitudinal
    zero = om.magnetoresistance(sample, 10.0, 0.0, ALONG_CURRENT).longitudinal
    # shifted by B_sd: linear in B, with the sign of the coupling
    np.testing.assert_allclose(np.diff(np.log2(np.abs(cold - zero))), 1, atol=0.05)
    assert np.all(np.sign(cold - zero) == np.sign(coupling))


# --- scans -----------------------------------------------------------------------------------


def test_cosine_square_law_in_three_planes():
    angle = np.linspace(0, 2 * np.pi, 25)
    for plane, law in (
        ("xy", np.cos(angle) ** 2),
        ("yz", np.sin(angle) ** 2),
        ("zx", 1 + 0 * angle),
    ):
        b = om.scan_directions(plane, angle)
        np.testing.assert_allclose(np.linalg.norm(b, axis=-1), 1, rtol=1e-15)
        found = om.magnetoresistance(om.presets.pt_py(1e-3), 10.0, 5.0, b)
        along_y = om.magnetoresistance(om.presets.pt_py(1e-3), 10.0, 5.0, (0, 1, 0)).longitudinal
        along_x = om.magnetoresistance(om.presets.pt_py(1e-3), 10.0, 5.0, (1, 0, 0)).longitudinal
        np.testing.assert_allclose(
            found.longitudinal, along_y + (along_x - along_y) * law, rtol=1e-14
        )
    # a cosine law instead of its square is seen
    assert abs(found.longitudinal[0] - along_y) > 1e-3 * along_y


BAD = [
    (lambda: om.scan_directions("xx", 0.0), "`plane` must be one of 'xy', 'yz', 'zx', got 'xx'"),
    (lambda: om.scan_directions("xy", np.nan), "`angle`.*rad, got nan"),
    (lambda: om.mechanisms("film", RATES, (1, 0, 0)), "`film` must be an openmr.Film"),
    (lambda: om.mechanisms(UNLIKE.film, 1, (1, 0, 0)), "`relaxation` must be an openmr.Relax"),
    (lambda: om.mechanisms(UNLIKE.film, RATES, (0, 0, 0)), "`direction`.*length > 0"),
    (
        lambda: om.mechanisms(UNLIKE.film, om.relaxation(UNLIKE, 10, [1, 2]), np.ones((3, 3))),
        "`direction` without",
    ),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


def test_a_conductivity_that_is_not_positive_is_refused():
    """Beyond theta_SH = 1/sqrt(2) a thick film would lose more current than the field drives."""
    sample = om.presets.pt_py()
    rates = om.relaxation(sample, 10.0, 5.0)
    film = om.Film(
        thickness=5e-8,
        spin_hall_angle=0.9,
        diffusion=sample.film.diffusion,
        spin_flip_time=sample.film.spin_flip_time,
        resistivity=sample.film.resistivity,
    )
    with pytest.raises(om.ParameterError, match="`spin_hall_angle` must leave the conductivity"):
        om.resistivity(film, rates, (0.6, 0.0, 0.8), order="exact")
    assert om.resistivity(film, rates, (0.6, 0.0, 0.8)).longitudinal > 0
