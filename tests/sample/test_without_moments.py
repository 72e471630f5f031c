"""A film without moments: nothing is exchanged, and every verb answers."""

import numpy as np
import pytest
from nearness import approx
from systems import FILM_TABLES

import openmr as om
from openmr.rates.methods import METHODS
from openmr.sample.toml import read_sample

PY = om.presets.pt_py()
BARE = om.Sample(None, PY.electrons, PY.film, "Pt")
GRID = np.array([2.0, 300.0])[:, None], np.array([-9.0, 0.0, 5.0])


@pytest.mark.parametrize("method", METHODS)
def test_no_method_finds_an_exchange_part_and_each_the_zeeman_precession(method):
    found = om.relaxation(BARE, *GRID, method=method)
    assert not found.dissipator.any()
    assert not found.charge_to_spin.any()
    assert found.longitudinal == approx(1 / PY.film.spin_flip_time, rel=1e-15)
    larmor = np.broadcast_to(2 * om.units.MU_B * GRID[1] / om.units.HBAR, (2, 3))
    np.testing.assert_allclose(found.precession, larmor, rtol=1e-14)
    assert found.equilibrium.mean_spin.shape == (2, 3, 0)
    assert "Pt, T = 2 ... 300" in repr(found)


@pytest.mark.parametrize("order", ["second", "exact"])
@pytest.mark.parametrize("plane", ["xy", "yz", "zx"])
def test_magnetoresistance_is_the_closed_form_of_hanle(order, plane):
    b = om.scan_directions(plane, np.linspace(0, 2 * np.pi, 7))
    rho = om.magnetoresistance(BARE, 10.0, 9.0, b, order=order)
    film = PY.film
    square, d = film.spin_hall_angle**2, film.thickness
    turning = 2 * om.units.MU_B * 9.0 / om.units.HBAR

    def left(rate):
        k = np.sqrt(rate / film.diffusion)
        return 2 * np.tanh(k * d / 2) / (k * d)

    along, across = left(film.spin_flip_rate), left(film.spin_flip_rate + 1j * turning)
    x, y, z = b.T
    f_yy = along * y**2 + across.real * (1 - y**2)
    f_xx = along * x**2 + across.real * (1 - x**2)
    f_xy = (along - across.real) * x * y + across.imag * z
    f_yx = (along - across.real) * x * y - across.imag * z
    if order == "second":
        expected = 1 + square * (2 - f_yy), square * f_xy
    else:
        sigma = np.array([[1 - square * (2 - f_yy), -square * f_yx],
                          [-square * f_xy, 1 - square * (2 - f_xx)]])  # fmt: skip
        whole = np.linalg.inv(np.moveaxis(sigma, -1, 0))
        expected = whole[:, 0, 0], whole[:, 1, 0]
    np.testing.assert_allclose(rho.longitudinal / film.resistivity, expected[0], rtol=1e-14)
    np.testing.assert_allclose(rho.transverse / film.resistivity, expected[1], atol=1e-16)


def test_of_the_mechanisms_precession_alone_is_left():
    parts = om.mechanisms(BARE.film, om.relaxation(BARE, 10.0, 9.0), (0, 0, 1))
    assert parts.isotropic_magnon == 0
    assert parts.relaxation_anisotropy == 0
    assert parts.precession > 0
    assert parts.total == approx(
        om.magnetoresistance(BARE, 10.0, 9.0, (0, 0, 1)).longitudinal, rel=1e-14
    )


def test_nothing_orders():
    for ordering in (om.ordering_temperature, om.curie_temperature, om.neel_temperature):
        assert ordering(BARE.magnet) == 0.0


@pytest.mark.parametrize(
    "name",
    ["spin", "exchange_energy", "density_at_fixed_exchange", "curie_temperature", "disorder"],
)
def test_parameters_of_moments_are_refused_by_name(name):
    value = "lattice" if name == "disorder" else 1e-3
    with pytest.raises(om.ParameterError, match=f"`{name}` is a parameter of moments, and 'Pt'"):
        om.sweep(BARE, temperature=1.0, field=[0.0, 9.0], **{name: value})


def test_a_sweep_varies_the_film():
    found = om.sweep(BARE, temperature=[2.0, 9.0], field=[0.0, 9.0], diffusion_length=[1e-9, 3e-9])
    for length, part in zip([1e-9, 3e-9], found.longitudinal_resistivity, strict=True):
        film = om.Film(5e-9, 0.1, 1e-6, None, 2e-6, diffusion_length=length)
        sample = om.Sample(None, PY.electrons, film)
        rho = om.magnetoresistance(sample, np.array([[2.0], [9.0]]), [0.0, 9.0], (1, 0, 0))
        np.testing.assert_array_equal(part, rho.longitudinal)


def test_validity_keeps_what_is_assumed_of_the_transport():
    report = om.validity(BARE, 10.0, 5.0)
    assert [one.affects for one in report.assumptions] == [("rho",)]
    assert report.ok
    assert "no moments" in str(report)


def test_verify_checks_it(monkeypatch):
    monkeypatch.setattr("openmr.reports.verify.report.standard_cases", list)
    report = om.verify(BARE, progress=False)
    assert report.ok
    assert report.missed == ()
    assert "  no moments; T = 10 K" in str(report)


def test_toml_without_moments(tmp_path):
    film = FILM_TABLES.replace("spin_flip_time = 9e-12", "diffusion_length = 3e-9")
    text = f'[sample]\nname = "Pt"\n{film}'
    path = tmp_path / "film.toml"
    path.write_text(text)
    assert read_sample(path) == BARE
    path.write_text(text.replace('"Pt"', '"Pt"\ncurie_temperature = 3.0'))
    with pytest.raises(om.ParameterError, match=r"`sample\.curie_temperature` needs moments"):
        read_sample(path)
