"""Assumptions at the faces of a stack: each with its number, and the report can fail."""

import json
from dataclasses import replace
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from nearness import approx
from spoil import replaced, rewritten

import openmr as om
from openmr.apps import cli
from openmr.reports import face_validity
from openmr.units import ELECTRON_MASS, ELEMENTARY_CHARGE, HBAR

pytestmark = pytest.mark.slow

Q = (0.48, 0.6, 0.64)
FREE = om.Electrons.free(5.0)
FILM = om.Film(7e-9, 0.11, FREE.diffusion(4e-7), resistivity=4e-7, diffusion_length=1.5e-9)
FREE_MASS = ELECTRON_MASS / ELEMENTARY_CHARGE  # eV s^2/m^2
EU = om.Sheet(3.5, 2e18, 3e-31, curie_temperature=16.6)


def stack(top, *layers, **faces):
    return om.Sample(stack=om.Stack(layers or [om.Layer(FILM, FREE)], top=top, **faces))


def lines(sample, kelvin=5.0, tesla=0.5, **given):
    report = om.validity(sample, kelvin, tesla, direction=Q, **given)
    return {a.name: a for a in report.assumptions}


@pytest.fixture(scope="module")
def report():
    return om.validity(stack(EU), [2.0, 20.0], [0.5], direction=Q)


def test_every_line_has_a_number_and_its_reason(report):
    for a in report.assumptions:
        assert a.size.shape == (2,)
        assert np.all(np.isfinite(a.size))
        assert a.because
        if a.deviation is not None:
            assert a.deviation.shape == (2,)
            assert a.route
    text = str(report)
    assert max(map(len, text.splitlines())) <= 160
    for word in ("Kondo", "Weiss", "golden rule", "Sharvin", "wall", "thickness", "Hall angle"):
        assert word in text
    assert all(f"{name} of faces" in text for name in ("G_s", "G_r", "G_i"))
    assert report.worst("G_r").name == "moments scatter one by one [top]"
    assert not report.ok
    assert replace(report, tolerance=1e3).ok


@pytest.mark.parametrize("p", [0.01, 0.8, 5.0, 60.0])
def test_reflection_by_the_mean_field(p):
    """The integrals by 30 digits."""
    together, turned = face_validity.reflected(np.array(p))
    with mp.workdps(30):
        even, odd = (
            mp.quadosc(lambda u, f=f: f(p * u) / u**3, [1, mp.inf], omega=p)
            for f in (mp.cos, mp.sin)
        )
        expected = float(0.5 - even), float(odd)
    assert (together, turned) == approx(expected, rel=1e-9)
    assert face_validity.reflected(1e-6 * p)[1] == approx(1e-6 * p, rel=1e-4)


def numbers_of_frozen_moments():
    """(ours, expected, relative) of a plane at 0.2 K: 5.86e10 of 9.78e10 is missed of G_r."""
    found = lines(stack(EU), 0.2, 9.0)
    velocity, _ = face_validity.fermi_velocity(FREE)
    sharvin = 4.045777193e14  # of 5 eV
    own = om.face_conductances(EU, om.Layer(FILM, FREE), 0.2, 9.0)
    g = own.G_s + own.G_r + 1j * own.G_i
    effective = 1 / (1 / g - 1 / (2 * sharvin))
    speed = 2 * FILM.resistivity * FILM.diffusion
    a = speed * own.G_i / velocity
    first = found["first order in the mean field [top]"]
    together = found["moments scatter one by one [top]"]
    series = found["no Sharvin resistance in series [top]"]
    rule = found["second order in J (golden rule) [top]"]
    return [
        (ELEMENTARY_CHARGE * FREE.dos * velocity / 4, sharvin, 1e-8),
        (together.deviation, 5.86e10 / 9.78e10, 2e-3),  # three digits are known
        (together.size, 2e18 / (mp.mpf(2) * FREE_MASS * 5.0 / (2 * mp.pi * HBAR**2)), 1e-8),
        (first.size, a, 1e-12),
        (first.deviation, 0.5 * np.pi * a - 2 / 3 * a**2, 1e-5),  # of the integral of sin(2 a u)
        (series.size, abs(g) / (2 * sharvin), 1e-8),
        (series.deviation, abs(effective / g - 1), 1e-8),
        (rule.size, 4 * speed * (own.G_s + own.G_r) / velocity, 1e-12),
    ]


def test_a_plane_of_frozen_moments():
    for ours, expected, within in numbers_of_frozen_moments():
        assert float(ours) == approx(float(expected), rel=within)


@pytest.mark.parametrize(
    "change",
    [
        (face_validity.fermi_velocity, "2 * np.pi**2", "3 * np.pi**2"),
        (face_validity.reflected, "0.5 * p * np.sin", "1.5 * p * np.sin"),
        (face_validity.reflected, "- 0.5 * tail", "+ 0.5 * tail"),
        (face_validity.reflected, "0.5 * np.pi - sine", "np.pi - sine"),
        (face_validity.of_face, "0.5 * velocity * part", "velocity * part"),
        (face_validity.of_face, "reflected(2 * a)", "reflected(a)"),
        (face_validity.of_face, "4 * taken", "2 * taken"),
        (face_validity.of_face, "velocity / (4 * speed)", "velocity / (2 * speed)"),
        (face_validity.of_face, "(1 - part)", "(1 + part)"),
        (face_validity.of_face, "2 * np.pi * _plane", "np.pi * _plane"),
    ],
)
def test_a_wrong_number_is_noticed(change):
    function, old, new = change
    with replaced(function, rewritten(function, old, new)):
        found = numbers_of_frozen_moments()
    assert not all(
        float(ours) == approx(float(expected), rel=within) for ours, expected, within in found
    )


def test_conductances_by_number_are_a_choice():
    """Those of a fit have it in them: G = G_Sharvin would double."""
    sharvin = 4.045777193e14
    found = lines(stack(om.Sheet(G_r=sharvin)))
    line = found["no Sharvin resistance in series [top]"]
    assert line.choice
    assert line.size == approx(0.5, rel=1e-8)
    assert line.deviation == approx(1.0, rel=1e-7)
    assert not any(name in " ".join(found) for name in ("golden", "Weiss", "thickness"))


@pytest.mark.parametrize(
    ("electrons", "word"),
    [(om.Electrons(7e27, 6e27), "unequal"), (om.Electrons(7.5e28, 7.5e28), "one mass")],
)
def test_what_has_no_fermi_velocity_says_so(electrons, word):
    found = lines(stack(EU, om.Layer(FILM, electrons)))
    for name in ("moments scatter one by one [top]", "no Sharvin resistance in series [top]"):
        assert found[name].deviation is None
        assert found[name].size == np.inf  # open, whatever counts as good
        assert "not determined" in found[name].because
        assert word in found[name].because


def test_the_sheet_is_the_limit_of_a_thin_layer():
    """Linearly in the distance of the moments, at the same n_2D J^2."""
    sizes, costs = [], []
    for more in (10.0, 50.0, 200.0):
        sheet = om.Sheet(3.5, 2e18 * more, 3e-31 / more**0.5, weiss=1e-5)
        line = lines(stack(sheet), 20.0)["a sheet without thickness [top]"]
        sizes.append(float(line.size))
        costs.append(float(line.deviation))
    slope = np.polyfit(np.log(sizes), np.log(costs), 1)[0]
    assert slope == approx(1.0, abs=0.1)


def test_turned_over_it_says_the_same():
    up, down = lines(stack(EU)), lines(stack(None, bottom=EU))
    for name, line in up.items():
        other = down[name.replace("[top]", "[bottom]")]
        np.testing.assert_allclose(other.size, line.size, rtol=1e-12)
        if line.deviation is not None:
            np.testing.assert_allclose(other.deviation, line.deviation, rtol=1e-6)


def test_layers_with_moments_have_the_lines_of_a_film():
    film = om.presets.pt_py()
    magnetic = om.Layer(film.film, film.electrons, film.magnet)
    both = stack(om.Sheet(G_r=1e14), om.Layer(FILM, FREE), magnetic)
    alone = {a.name: a for a in om.validity(film, 200.0, 5.0).assumptions}
    found = lines(both, 200.0, 5.0)
    own = {name: line for name, line in found.items() if name.endswith("[layers.1]")}
    assert own.keys() == {
        f"{name} [layers.1]" for name, a in alone.items() if a.affects != ("rho",)
    }
    for name, line in own.items():
        other = alone[name.removesuffix(" [layers.1]")]
        np.testing.assert_array_equal(line.size, other.size)
        if line.deviation is not None:
            np.testing.assert_array_equal(line.deviation, other.deviation)
    assert om.validity(both, 200.0, 5.0, costs=False).worst("tau_par") is None


def test_higher_orders_in_the_angle_are_measured():
    """A fourth of the angle squared more: in proportion to theta_SH^2."""
    costs = []
    for angle in (0.02, 0.04):
        layer = om.Layer(replace(FILM, spin_hall_angle=angle), FREE)
        line = lines(stack(om.Sheet(G_r=4e14), layer))["second order in the spin Hall angle"]
        assert line.size == approx(angle**2, rel=1e-12)
        costs.append(float(line.deviation))
    assert costs[1] / costs[0] == approx(4.0, rel=0.02)


def test_the_small_parameters_alone_are_the_same():
    """And no route is run."""
    short, found = lines(stack(EU), costs=False), lines(stack(EU))
    assert short.keys() == found.keys()
    for name, line in short.items():
        np.testing.assert_array_equal(line.size, found[name].size)
        assert line.deviation is None


def test_the_command_takes_ones_own_stack(tmp_path, capsys):
    text = (Path(__file__).parents[2] / "docs/howto/my_bilayer.md").read_text(encoding="utf-8")
    config = tmp_path / "stack.toml"
    config.write_text(text.partition("```toml\n")[2].partition("```")[0])
    run = ["validity", "-c", str(config), "-T", "20", "-B", "0.5", "--json"]
    assert cli.main(run) == 1
    (told,) = json.loads(capsys.readouterr().out)["reports"]
    missed = {a["name"] for a in told["assumptions"] if a["holds"] is False}
    assert "moments scatter one by one [top]" in missed
    assert cli.main([*run, "--tolerance", "50"]) == 0
    capsys.readouterr()
