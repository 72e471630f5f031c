"""Transport: against an independent solution of the diffusion problem, limits and symmetries."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from systems import antiferromagnet

import openmr as om
from openmr.diffusion import longitudinal_length, surviving_fraction


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
    assert found.longitudinal == pytest.approx(rho[0, 0], rel=1e-12)
    assert found.transverse == pytest.approx(rho[1, 0], rel=1e-11, abs=1e-14 * film.resistivity)


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
        assert ours.transverse - printed.transverse == pytest.approx(expected, abs=1e-20)


def test_thin_and_thick_films():
    decay = np.array([1e17])
    assert surviving_fraction(1e-14, decay).real == pytest.approx(1.0)
    length = decay**-0.5
    assert surviving_fraction(1.0, decay).real == pytest.approx(2 * length, rel=1e-12)
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
    assert found.drho1 == pytest.approx(film.resistivity * (along - across), rel=1e-12)
    isotropic = replace(still, dissipator=np.eye(3) * 1e10)
    assert om.resistivity(film, isotropic, (1, 0, 0)).drho1 == pytest.approx(0, abs=1e-20)
    assert longitudinal_length(film, isotropic) == pytest.approx(
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
    assert lowest == pytest.approx(17.3, rel=0.02)
    assert cold.relaxation.exchange_field[np.argmin(cold.longitudinal)] == pytest.approx(
        lowest, rel=0.02
    )
    hot = om.magnetoresistance(om.presets.pt_py(-1e-3), 200.0, fields, (1, 0, 0))
    assert np.all(np.diff(hot.longitudinal) > 0)
    ferro = om.magnetoresistance(om.presets.pt_py(1e-3), 10.0, fields, (1, 0, 0))
    assert np.all(np.diff(ferro.longitudinal) > 0)


def test_broadcasting():
    temperatures, fields = np.array([10.0, 100.0])[:, None, None], np.linspace(-5, 5, 4)[:, None]
    found = om.magnetoresistance(om.presets.pt_py(), temperatures, fields, np.eye(3))
    assert found.longitudinal.shape == (2, 4, 3)
    point = om.magnetoresistance(om.presets.pt_py(), 100.0, -5.0, (0, 1, 0))
    assert found.transverse[1, 0, 1] == pytest.approx(float(point.transverse), abs=1e-20)
    assert found.longitudinal[1, 0, 1] == pytest.approx(float(point.longitudinal), rel=1e-13)
