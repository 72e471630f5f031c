"""Every approximation is listed with what the routes found for it, and the report can fail."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from systems import FILM_TABLES, antiferromagnet, field_for, film_of, paramagnet

import openmr as om
from openmr._checks import ExtractionError
from openmr.apps import cli
from openmr.models.clusters import MAX_PAIR
from openmr.rates.routes import tcl2
from openmr.reports import validity
from openmr.sample.toml import read_sample

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report():
    return om.validity(om.presets.pt_py(), [10.0, 200.0], 5.0)


def row(report, equation):
    return next(a for a in report.assumptions if a.equation == equation)


def lines_of(name, sample, kelvin, tesla, *more, half_width=1.0, mixing_rate=0.0):
    """Lines of one approximation, without the time that the others take."""
    point = validity.Point(om.equilibrium(sample, kelvin, tesla), half_width, True, mixing_rate)
    found = getattr(validity, name)(point, *more)
    return found if isinstance(found, tuple) else (found,)


def test_every_approximation_of_the_paper_is_listed(report):
    listed = " ".join(a.equation for a in report.assumptions)
    for number in (9, 15, 24, 29, 51, 75, 83, "A16", "A17", 86):
        assert f"({number})" in listed
    for a in report.assumptions:
        assert a.size.shape == (2,)
        assert np.all(np.isfinite(a.size))
        if a.deviation is not None:
            assert a.deviation.shape == (2,)
            assert np.all(np.isfinite(a.deviation))
            assert a.route
    assert {a.route for a in report.assumptions} >= {"kinetic", "tcl2", "clusters", "fock"}


def test_rows_carry_what_the_routes_found(report):
    film = om.presets.pt_py()
    sea = om.relaxation(film, [10.0, 200.0], 5.0, method="kinetic")
    np.testing.assert_allclose(row(report, "(51)").deviation, sea.diagnostics["residue"])
    plain = om.relaxation(film, [10.0, 200.0], 5.0)
    split = om.relaxation(film, [10.0, 200.0], 5.0, form="finite-splitting")
    exchange = plain.transverse - plain.spin_flip_rate
    across = np.abs(split.transverse - plain.transverse) / exchange
    electrons = next(a for a in report.assumptions if a.name.startswith("electrons not split"))
    np.testing.assert_allclose(electrons.deviation, across, rtol=1e-10)
    memory = om.relaxation(film, [10.0, 200.0], 5.0, method="tcl2", kernel="flat")
    slip = np.abs(memory.diagnostics["slip"]).max(axis=(-2, -1))
    np.testing.assert_allclose(row(report, "(15)").deviation, slip)


def test_the_shift_is_set_beside_the_precession_that_the_moments_cause(report):
    film = om.presets.pt_py()
    sea = om.relaxation(film, [10.0, 200.0], 5.0, method="kinetic")
    caused = film.electrons.g * om.units.MU_B * sea.exchange_field / om.units.HBAR
    shift = np.abs(sea.diagnostics["level_shift"] / caused)
    np.testing.assert_allclose(row(report, "(10), (83)").deviation, shift, rtol=1e-9)


def test_sizes_are_what_their_parameters_say(report):
    film, kelvin, b, w = om.presets.pt_py(), np.array([10.0, 200.0]), 5.0, 1.0
    hbar, thermal = om.units.HBAR, om.units.K_B * kelvin
    dos, (density,) = film.electrons.dos, film.magnet.densities
    ordering = om.ordering_temperature(film.magnet)
    state = om.equilibrium(film, kelvin, b)
    depth = np.abs(state.splitting[:, 0])
    # by the tensor in NumPy: the report has it from the closed forms
    rates = om.relaxation(film, kelvin, b, method="batched")
    exchange = dos * film.magnet.exchange[0, 2]
    mean = state.mean_spin[:, 0]
    # the electrons' spin -(1/2) nu_F hbar omega_L shifts the moments', which turn as one
    larmor = 2 * om.units.MU_B * b + 0.5 * exchange * hbar * rates.precession
    apart = rates.precession - larmor / hbar
    torques = density * film.magnet.exchange[0, 2] * mean * exchange * rates.precession / 2 / hbar
    coth = 1 / np.tanh(depth / 2 / thermal)  # 1/T2 of S = 1/2, near enough of any
    korringa = np.pi / 2 / hbar * exchange**2 * (thermal + depth / 2 * coth)
    lines = apart**2 + (rates.transverse + korringa) ** 2
    share = rates.transverse / (rates.transverse - rates.spin_flip_rate)
    square_micrometre = 1e-12 * film.film.thickness
    expected = {
        "hbar / (k_B T tau)": hbar * rates.dissipator.max(axis=(1, 2)) / thermal,
        "eps_L / W": depth / w,
        "beta eps_L": depth / thermal,
        "beta hbar omega_L": hbar * np.abs(rates.precession) / thermal,
        "nu_F J ln(W / k_B T)": dos * np.abs(film.magnet.exchange).max() * np.log(w / thermal),
        "2 nu_F J ln(W / k_B T)": 2 * np.abs(exchange) * np.log(w / thermal),
        "torques / (lines apart)^2": np.abs(torques) / lines * share,
        "(nu_up - nu_down) / sum": np.zeros(2),
        "1 / active electrons in 1 um^2": 1 / (2 * dos * thermal * square_micrometre),
        "1 / sqrt(moments in 1 um^2)": np.full(2, (density * square_micrometre) ** -0.5),
        "(T_C / T)^2": (ordering / kelvin) ** 2,
        "active electrons per moment": dos * thermal / density,
        "<S>^2 / <S^2>": (state.mean_spin**2 / state.second_moment)[:, 0],
        "theta_SH^2": np.full(2, 0.1**2),
    }
    assert {a.parameter for a in report.assumptions} == set(expected)
    for a in report.assumptions:
        # routes that sum the same levels in another order: rounding
        np.testing.assert_allclose(a.size, expected[a.parameter], rtol=1e-11, err_msg=a.parameter)


def test_sizes_alone_are_those_of_the_whole_report(report):
    alone = om.validity(om.presets.pt_py(), [10.0, 200.0], 5.0, costs=False)
    for a, whole in zip(alone.assumptions, report.assumptions, strict=True):
        np.testing.assert_array_equal(a.size, whole.size)
        kept = ("name", "equation", "affects", "parameter", "choice")
        assert [getattr(a, name) for name in kept] == [getattr(whole, name) for name in kept]
        assert (a.deviation, a.route) == (None, "")
    assert [alone.worst(name) for name in ("tau_par", "tau_perp", "omega_L", "rho")] == [None] * 4
    assert not alone.ok  # beta eps_L = 3.6 at 10 K
    assert "OPEN" in str(alone)
    assert "\n\n\n" not in str(alone)


def test_old_names_warn(report):
    first = report.assumptions[0]
    with pytest.deprecated_call(match="`measure` is now `because`"):
        assert first.measure == first.because
    with pytest.deprecated_call(match="`measure` is now `costs`"):
        alone = om.validity(om.presets.pt_py(), 10.0, 5.0, measure=False)
    assert alone.assumptions[1].deviation is None


def test_sizes_alone_run_no_route():
    code = (
        "import sys, openmr as om\n"
        "for disorder in ('random', 'lattice'):\n"
        "    om.validity(om.presets.pt_py(disorder=disorder), 10.0, 5.0, costs=False)\n"
        "engines = ('qutip', 'openmr.rates.routes', 'openmr.fock', 'openmr.clusters')\n"
        "print([name for name in sys.modules if name.startswith(engines)])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == "[]\n"


@pytest.mark.parametrize("costs", [True, False])
def test_a_coupling_matrix_is_refused_before_anything_runs(costs, monkeypatch):
    def never(*arguments, **options):
        raise AssertionError("a method was run")

    monkeypatch.setattr(sys.modules["openmr.reports.validity"], "relaxation_at", never)
    matrix = np.diag([1e-3, 1e-3, 1e-3])
    matrix[0, 1] = 2e-4
    expected = r"^`exchange` must be a scalar or \(x, y, z\).*elements off its diagonal"
    with pytest.raises(om.ParameterError, match=expected):
        om.validity(om.presets.pt_py(matrix), 10.0, 1.0, costs=costs)


def test_what_misses_is_named(report):
    """Cold moments: the ansatz and the Weiss field; hot ones: hardly anything."""
    assert not report.ok
    assert report.holds(row(report, "(51)")) is False
    assert report.worst("tau_par").equation in ("(51)", "(29)-(31)")
    hot = om.validity(om.presets.pt_py(), 200.0, 5.0)
    assert hot.ok
    loose = replace(report, tolerance=1e3)
    assert loose.ok
    strict = replace(hot, tolerance=1e-9)
    assert not strict.ok


def test_the_ansatz_costs_what_its_pairs_say():
    """7.8 % of the spin at beta eps_L = 1, nothing as it vanishes."""
    point = paramagnet(2.0), 4.0, field_for(np.array([0.15, 1.0]), 4.0)
    (row51,) = lines_of("_chemical_potential", *point)
    np.testing.assert_allclose(row51.size, [0.15, 1.0], rtol=1e-12)
    assert row51.deviation[1] == approx(0.078, rel=0.01)
    assert row51.deviation[0] < 0.003
    # free moments have no Weiss field to be wrong
    for line in lines_of("_weiss", *point):
        assert np.abs(line.deviation).max() <= 1e-12


def test_zero_field_and_sublattices():
    """No broken symmetry in a finite cluster: at B = 0 the mean over the axes is compared."""
    for weiss in lines_of("_weiss", om.presets.pt_py(), 60.0, 0.0):
        assert 0 < weiss.deviation < 0.1
    for field in (0.0, 1e-6):  # an ordered magnet, and a cluster that does not know where to point
        for cold in lines_of("_weiss", om.presets.pt_py(), 10.0, field):
            assert cold.deviation is None
            assert "does not order; apply 1.4 T" in cold.because
    two = row(om.validity(antiferromagnet(), 25.0, 0.0), "(29)-(31)")
    assert two.deviation is None
    assert "one sublattice" in two.because


def test_what_is_large_and_without_a_number_is_open():
    """280 K in a magnet of T_C = 300 K: 1 T does not align thirteen moments, and (T_C/T)^2 > 1.

    Open it is as soon as the parameter exceeds what counts as good, of which it may cost as much.
    """
    hot = om.validity(paramagnet(2.0, -1e-3), 200.0, 1.0, costs=False)
    size = float(row(hot, "(15)").size)
    assert hot.ok
    assert replace(hot, tolerance=1.01 * size).holds(row(hot, "(15)")) is None
    assert replace(hot, tolerance=0.99 * size).holds(row(hot, "(15)")) is False
    report = om.validity(om.presets.pt_py(curie_temperature=300.0), 280.0, 1.0)
    weiss = row(report, "(29)-(31)")
    assert report.holds(weiss) is False
    assert not report.ok
    assert "OPEN" in str(report)
    needed = float(weiss.because.split()[-2])
    enough = om.presets.pt_py(curie_temperature=300.0), 280.0, 1.02 * needed
    assert all(line.deviation is not None for line in lines_of("_weiss", *enough))


def test_an_antiferromagnet_must_be_held_along_the_field():
    """Anisotropy field > B^2/2B_E, with the exchange field of the ordered sublattices."""
    sample = antiferromagnet(neel=60.0)
    found = om.validity(sample, 6.0, 9.0, costs=False)
    (held,) = (a for a in found.assumptions if a.name.startswith("sublattices"))
    spin = sample.magnet.spins[0]
    exchange = 3 * om.units.K_B * 60.0 / (spin + 1) / (2 * om.units.MU_B)  # frozen, g = 2
    assert held.size == approx(9.0 / exchange, rel=0.01)
    assert float(held.because.split()[5]) == approx(81.0 / (2 * exchange), rel=0.05)
    (same,) = lines_of("_collinear", sample, 6.0, 9.0)
    assert same == held  # no route knows its cost
    assert held.deviation is None
    assert lines_of("_collinear", om.presets.pt_py(), 10.0, 5.0) == ()


def test_the_neighbourhood_is_the_largest_that_can_be_diagonalised():
    """One moment and the total spin of the others: (2S + 1)(2S(N - 1) + 1) states."""
    held = []
    for spin in (0.5, 2.5, 20.0, 60.0):
        count = validity._neighbourhood(paramagnet(spin).magnet)
        states = [(2 * spin + 1) * (2 * spin * n + 1) for n in (count - 1, count)]
        held.append(states[0] <= MAX_PAIR and count <= validity.NEIGHBOURHOOD)
        assert states[1] > MAX_PAIR or count == validity.NEIGHBOURHOOD
    assert all(held)


def test_weiss_error_falls_with_temperature():
    """As (T_C / T)^2."""
    temperatures = np.array([120.0, 240.0, 480.0])
    found, _ = lines_of("_weiss", om.presets.pt_py(), temperatures, 1.0)
    slope = np.polyfit(np.log(temperatures), np.log(found.deviation), 1)[0]
    assert slope == approx(-2.0, abs=0.3)


def test_the_weiss_field_has_a_cost_along_and_one_across():
    """Cold flips are frozen by the whole Weiss splitting; dephasing does not mind."""
    along, across = lines_of("_weiss", om.presets.pt_py(), 10.0, 5.0)
    assert (along.affects, across.affects) == (("tau_par",), ("tau_perp",))
    assert along.deviation > 5 * across.deviation > 0
    along, across = lines_of("_weiss", om.presets.pt_py(disorder="lattice"), 10.0, 5.0)
    assert along.deviation > 0
    assert across.deviation is None
    assert "not in the noise" in across.because


def test_spins_that_nothing_flips_have_nothing_to_miss():
    (line,) = lines_of("_chemical_potential", om.presets.pt_py((0.0, 0.0, 1e-3)), 100.0, 5.0)
    assert line.deviation == 0


def test_a_route_that_gives_up_leaves_its_line_open():
    """Frozen moments of a perfect lattice: rates below what the memory's transforms resolve."""
    found = om.validity(om.presets.pt_py(spin=2.5, disorder="lattice"), 0.03, 1.0)
    open_line = row(found, "(15)")
    assert open_line.deviation is None
    assert open_line.because.startswith("no number: rates uncertain by")
    known = {a.equation for a in found.assumptions if a.deviation is not None}
    assert known >= {"(75)", "(29)-(31)", "(86)"}
    assert max(map(len, str(found).splitlines())) <= 160


def test_what_the_kinetic_equation_cannot_do_leaves_the_rest():
    """At 1 mK its grid would be too long; it says so, in full, and the other lines stand."""
    found = om.validity(om.presets.pt_py((0.0, 0.0, 1e-3)), 1e-3, 1.0)
    sea = [a for a in found.assumptions if a.because.startswith("no number: `temperature`")]
    assert {a.name for a in sea} >= {
        "electrons not split, across the field",
        "exchange field of first order",
    }
    assert found.verdict(sea[0]) == "OPEN"
    assert found.worst("tau_perp").route == "tcl2"
    text = " ".join(str(found).split())
    assert "an energy grid of at most 100000 points, got 0.001 K with" in text
    assert max(map(len, str(found).splitlines())) <= 160
    for name in ("_zeeman_energy", "_chemical_potential", "_equal_spins", "_exchange_field"):
        (line,) = lines_of(name, om.presets.pt_py(), 1e-3, 1.0)
        assert line.deviation is None, name
        assert "so high that flips" in line.because
    for line in lines_of("_weiss", om.presets.pt_py(spin=11.0), 300.0, 1.0):
        assert line.deviation is None
        assert "too many levels" in line.because
    with pytest.raises(om.ParameterError, match="`spin` must span a joint space"):
        om.validity(om.presets.pt_py(spin=1e5), 300.0, 1.0)
    # a band too narrow to hold k_B T is a bad argument, not an open line
    with pytest.raises(om.ParameterError, match=r"`half_width` must be >= 8\.62 eV, ten times"):
        om.validity(om.presets.pt_py(), 1e4, 1.0)


@pytest.mark.parametrize("costs", [True, False])
def test_a_rate_without_exchange_part_has_nothing_to_miss(costs):
    """Jz alone flips no spin: what is measured of both rates as a whole is of 1/tau_perp alone."""
    strong = om.validity(om.presets.pt_py((0.0, 0.0, 20e-3)), 10.0, 5.0, costs=costs)
    along = [a for a in strong.assumptions if "tau_par" in a.affects]
    assert {a.equation for a in along} == {"(9)", "(51)", "(60)-(63)", "(29)-(31)"}
    for a in along:
        assert strong.holds(a) is not False
        assert a.cost == 0 or a.deviation is None
        assert not np.any(a.size)
        assert a.because == "no exchange part of 1/tau_par"
    memory = row(strong, "(15)")
    assert memory.affects == ("tau_perp",)
    assert strong.verdict(memory) == ("MISS" if costs else "OPEN")
    still = om.validity(om.presets.pt_py(0.0), 0.5, 5.0, costs=costs)
    assert still.ok
    # Jx alone gives both rates a part
    flips = om.validity(om.presets.pt_py((1e-3, 0.0, 0.0)), 10.0, 5.0, costs=False)
    assert row(flips, "(15)").affects == ("tau_par", "tau_perp")


def test_fields_of_sublattices_that_cancel_are_no_denominator():
    """A compensated antiferromagnet: rounding over rounding is no deviation."""
    (line,) = lines_of("_exchange_field", antiferromagnet(neel=60.0), 3.0, 1e-6)
    assert line.cost < 1e-6
    # nor are flips that are frozen out
    (line,) = lines_of("_equal_spins", om.presets.pt_py(20e-3), 0.3, 0.0)
    assert line.cost == 0


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [
        (0.1004, 0.1, "10.04 %"),
        (0.1, 0.1, "10 %"),
        (0.0996, 0.1, "9.96 %"),
        (0.58, 0.1, "58 %"),
        (0.010001, 0.01, "1.0001 %"),
        (10.004, 10.0, "10.004 x"),
        (1234.5, 0.1, "1.23e+03 x"),
        (0.0, 0.1, "0 %"),
    ],
)
def test_a_miss_is_seen_to_be_one(value, limit, said):
    assert validity.percent(value, limit) == said


def test_the_heading_says_where():
    film = om.presets.pt_py()
    some = om.validity(film, [[10.0], [200.0]], [0.0, 1.5, 5.0], costs=False)
    assert str(some).splitlines()[0].endswith("T = 10, 200 K, B = 0, 1.5, 5 T, W = 1 eV")
    many = om.validity(film, 10.0, np.linspace(0, 9, 10), costs=False)
    assert "T = 10 K, B = 0 ... 9 (10 values) T" in str(many)


def dilute(exchange=-1.7e-30, spin=2.5):
    """Few moments in a metal of E_F = 7 eV."""
    return replace(
        om.presets.pt_py(),
        magnet=om.Magnet(om.Moments(spin, 2e25, exchange)),
        electrons=om.Electrons.free(7.0),
    )


def test_the_third_order_enters_the_rates():
    """2 nu_F J [ln(W/k_BT) + c] of each rate at 20 K; one more logarithm of 2 in a band of 2 W."""
    film = dilute()
    coupling = 2 * film.electrons.dos * 1.7e-30
    constant = 1 + np.euler_gamma - np.log(2 * np.pi)
    report = om.validity(film, 20.0, 1.0, half_width=7.0)
    assert report.worst("tau_par").name == "third order in J (Kondo), along"
    assert report.worst("tau_perp").name == "third order in J (Kondo), across"
    assert "W = 7 eV" in str(report)
    for width, sign in ((7.0, 1), (3.5, -1)):
        lines = lines_of("_third_order", dilute(sign * -1.7e-30), 20.0, 1.0, half_width=width)
        assert [a.affects for a in lines] == [("tau_par",), ("tau_perp",)]
        for line in lines:
            logarithm = np.log(width / (20.0 * om.units.K_B))
            assert line.size == approx(coupling * logarithm)
            # a moment splitting of 0.07 k_B T ends it a little sooner
            assert line.cost == approx(coupling * (logarithm + constant), rel=1e-3)
            assert report.holds(line) is False
            assert ("grows" if sign > 0 else "falls") in line.because
            assert f"{100 * coupling * np.log(2):.2g} % more at 2 W" in line.because
    # of moments of opposite couplings, twice as many antiferromagnetic: a third is left
    moments = [om.Moments(2.5, n, j) for n, j in ((1e25, 1.7e-30), (2e25, -1.7e-30))]
    for line in lines_of("_third_order", replace(film, magnet=om.Magnet(moments)), 20.0, 1.0):
        logarithm = np.log(1 / (20.0 * om.units.K_B))
        assert line.cost == approx(coupling * (logarithm + constant) / 3, rel=1e-2)
        assert "grows" in line.because


@pytest.mark.parametrize(("g", "decay"), [(2.0, 9.6188e9), (1.5576404710, 5.63e9)])
def test_moments_that_follow_the_electrons_change_their_decay(g, decay):
    """10 K, 3 T, S = 1/2: 0.5 % with the lines apart, half of the rate where they cross."""
    film = replace(
        om.presets.pt_py(),
        magnet=om.Magnet(om.Moments(0.5, 1.66e27, -6e-31, g=g)),
        electrons=om.Electrons(6.8e27, 6.8e27),
        film=om.Film(5e-9, 0.1, 1e-6, spin_flip_time=np.inf, resistivity=2e-6),
    )
    (line,) = lines_of("_bottleneck", film, 10.0, 3.0)
    alone = float(om.relaxation(film, 10.0, 3.0).transverse)
    assert line.affects == ("tau_perp",)
    # the shift of the moments' polarisation by the electrons is not in their equilibrium: nu_F J
    assert line.cost == approx(abs(decay / alone - 1), rel=0.03)
    assert (line.cost <= 0.1) == (g == 2.0)
    assert (line.size > 1) == (g != 2.0)
    # a film's own 1/tau_0 of 12 times the rate keeps the lines apart
    (damped,) = lines_of("_bottleneck", replace(film, film=om.presets.pt_py().film), 10.0, 3.0)
    assert (damped.cost < line.cost) == (g != 2.0)
    assert damped.cost == approx(float(damped.size), rel=0.7)


def test_the_magnetoresistance_is_what_rho_is_judged_by():
    """Not what the spin Hall effect adds to rho_L0, of which the field changes a part."""
    film, kelvin, fields = om.presets.pt_py(), np.array([[10.0], [60.0]]), np.array([0.0, 3.0, 9.0])
    second, exact = (
        om.magnetoresistance(film, kelvin, fields, (0, 1, 0), order=order).longitudinal
        for order in ("second", "exact")
    )
    change = second - second[:, :1]
    error = np.abs(exact - exact[:, :1] - change) / np.abs(change).max(axis=1, keepdims=True)
    (asked,) = lines_of("_hall_angle", film, kelvin, fields, (0, 1, 0))
    np.testing.assert_allclose(asked.deviation, error, rtol=1e-8, atol=1e-14)
    assert asked.cost > 2 * np.abs((exact - second) / (second - film.film.resistivity)).max()
    one = row(om.validity(film, 10.0, 3.0, direction=(0, 1, 0)), "(86)")
    seen = (exact - exact[:, :1])[0, 1]
    assert one.cost == approx(abs(seen / change[0, 1] - 1), rel=1e-8)
    (still,) = lines_of("_hall_angle", film, 60.0, 0.0, (1, 0, 0))
    assert still.deviation is None
    assert "only B = 0" in still.because


def test_collisions_mix_the_energies():
    """58 % of the spin never decays without them; with them all does, nearly at one rate."""
    film = om.presets.pt_py()
    formula = float(om.relaxation(film, 10.0, 5.0).exchange_tensor[2, 2])
    for mixing in (1e11, 1e13):
        sea = om.relaxation(film, 10.0, 5.0, method="kinetic", energy_relaxation_rate=mixing)
        (line,) = lines_of("_chemical_potential", film, 10.0, 5.0, mixing_rate=mixing)
        slower = abs(float(sea.diagnostics["slowest_rate"]) / formula - 1)
        assert line.cost == approx(slower, rel=1e-6)
        assert line.size == approx(formula / mixing)
        assert line.cost <= 0.1
        assert line.parameter == "1 / (tau_par mixing_rate)"
    assert line.cost < 1e-3
    assert row(om.validity(film, 10.0, 5.0, mixing_rate=1e13), "(51)").cost == line.cost


def test_one_denominator_a_rate(report):
    """The rate itself, not the largest of them: the deviation of a rare flip is not hidden."""
    film = om.presets.pt_py()
    wide, ends = (
        om.relaxation(film, [10.0, 200.0], 5.0, method=name).dissipator
        for name in ("batched", "tcl2")
    )
    across, _, along = np.abs(
        np.diagonal(ends, axis1=1, axis2=2) / np.diagonal(wide, axis1=1, axis2=2) - 1
    ).T
    np.testing.assert_allclose(row(report, "(54)").deviation, np.maximum(along, across), rtol=1e-6)
    assert along[0] > 5 * across[0]
    assert "over the exchange part of the rate" in str(report)
    # a rate that its route does not know is not compared; two such give no number
    point = validity.Point(om.equilibrium(film, 10.0, 5.0), 1.0, True, 0.0)
    right, off = point.reference.dissipator, np.diag([1.01, 1.01, 3.0])
    for vague, distance in (([0.0, 0.0, 0.0], 2.0), ([0.005, 0.005, 0.1], 0.01)):
        found = replace(point.reference, dissipator=off @ right, uncertainty=np.diag(vague) @ right)
        assert point.distance(found) == approx(distance)
    with pytest.raises(ExtractionError, match="more than a hundredth"):
        point.distance(replace(point.reference, uncertainty=0.1 * right))


def test_nothing_is_divided_by_zero_or_lost_below_the_smallest_number():
    """Cold and hot, where callers of NumPy have asked for errors."""
    film, lattice = om.presets.pt_py(), om.presets.pt_py(disorder="lattice")
    with np.errstate(all="raise"):
        for sample, kelvin, tesla in ((film, 10.0, 5.0), (lattice, 1.0, 9.0)):
            assert om.validity(sample, kelvin, tesla).assumptions
        for method in ("closed-form", "batched", "bloch-redfield", "tcl2"):
            assert np.all(om.relaxation(film, [1.0, 300.0], 1.0, method=method).longitudinal > 0)
        for tesla in (1.0, 100.0):
            assert om.relaxation(film, 0.3, tesla, method="kinetic", modes=False).longitudinal > 0
        times = np.linspace(0, 1e-11, 5)
        assert np.all(np.isfinite(tcl2.dissipator_in_time(film, 10.0, 5.0, times)))


def test_the_moments_must_be_reset():
    """S = 1/2 at 10 K without a field: 1/T1 = (pi/hbar) (nu_F J)^2 k_B T."""
    film = film_of(om.Moments(0.5, 1.66e27, -6e-31), dos_up=6.8e27, dos_down=6.8e27)
    because = row(om.validity(film, 10.0, 0.0, costs=False), "(12)").because
    assert because == "thermal if reset faster than 6.8e+07 1/s"


def test_uncoupled_electrons():
    found = om.validity(om.presets.pt_py(0.0), 10.0, 1.0)
    assert found.ok
    for a in found.assumptions:
        assert a.deviation is None or np.all(np.isfinite(a.deviation))


def test_exact_dynamics_on_request():
    film = om.presets.pt_py(spin=0.5, curie_temperature=0.0)
    (born,) = lines_of("_second_order", film, 100.0, 1.0, ("exact",))
    assert born.route == "exact"
    assert 0 < born.deviation < 0.05


def test_prints_and_json(report):
    text = str(report)
    assert max(map(len, text.splitlines())) <= 160
    for word in ("MISS", "good", "choice", "beta eps_L", "1/tau_par (70)", "[kinetic]", "worst is"):
        assert word in text
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["ok"] is False
    assert len(plain["assumptions"]) == len(report.assumptions)


def test_command_line(capsys):
    assert cli.main(["validity", "-T", "200", "-B", "5"]) == 0
    assert "at worst" in capsys.readouterr().out
    assert cli.main(["validity", "-T", "200", "-B", "5", "--tolerance", "1e-6", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reports"][0]["ok"] is False
    assert cli.main(["validity", "-T", "10", "--mixing-rate", "1e13", "--half-width", "2"]) == 1
    told = capsys.readouterr().out
    assert "W = 2 eV" in told
    assert "energies mixed" in told


OWN = f"""
[sample]
name = "mine"
neel_temperature = 40.0
disorder = "lattice"
{FILM_TABLES}[[sample.moments]]
spin = 1.0
density = 2e27
exchange_energy = -1e-3
[[sample.moments]]
spin = 1.0
density = 2e27
exchange = [5e-31, 5e-31, -1e-31]
"""
SWEEP = """
method = "batched"
[sweep]
temperature = "not looked at"
"""
MOMENTS = (
    om.Moments(spin=1, density=2e27, exchange_energy=-1e-3),
    om.Moments(spin=1, density=2e27, exchange=(5e-31, 5e-31, -1e-31)),
)
OWN_SAMPLE = om.Sample(
    om.Magnet(MOMENTS, disorder="lattice", neel_temperature=40.0),
    om.Electrons.free(1.0),
    om.Film(5e-9, 0.1, 1e-6, spin_flip_time=9e-12, resistivity=2e-6),
    name="mine",
)


def test_the_command_takes_ones_own_film(tmp_path, capsys):
    """Every part of it, and of the file nothing else."""
    config = tmp_path / "film.toml"
    here = ["-T", "70", "-B", "-1e-1", "--direction", "0", "-1e-1", "1", "--json"]
    found = om.validity(OWN_SAMPLE, 70.0, -0.1, direction=(0, -0.1, 1))
    for text in (OWN, SWEEP.replace("[sweep]", OWN + "[sweep]")):
        config.write_text(text)
        assert read_sample(config) == OWN_SAMPLE
        cli.main(["validity", "--config", str(config), *here])
        (told,) = json.loads(capsys.readouterr().out)["reports"]
        assert told == json.loads(json.dumps(found.to_dict()))
    assert "mine, T = 70 K" in str(found)


@pytest.mark.parametrize("command", ["verify", "validity"])
@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--spin", "2"], "`--spin`"),
        (["--exchange-energy", "-1meV"], "`--exchange-energy`"),
        (["--curie-temperature", "0"], "`--curie-temperature`"),
        (["--disorder", "random"], "`--disorder`"),
        (["--disorder", "random", "--spin", "2"], "`--spin`, `--disorder`"),
    ],
)
def test_a_film_given_twice_is_refused(tmp_path, capsys, command, more, named):
    """Also where the options say what the defaults are."""
    config = tmp_path / "film.toml"
    config.write_text(OWN)
    assert cli.main([command, "--config", str(config), *more]) == 2
    told = capsys.readouterr()
    assert told.err == f"openmr: `--config` gives the whole film, so {named} must not be given\n"
    assert told.out == ""


@pytest.mark.parametrize("command", ["verify", "validity"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "`config` must be a file to read"),
        ("[sample", "is not TOML"),
        ("[sweep]\nfield = 0.0", "must have a table [sample]"),
        ("[sampel]\npreset = 'pt_py'", "unknown key `sampel`"),
        (OWN.replace("thickness = 5e-9\n", ""), "[sample.film] lacks `thickness`"),
        (OWN.replace("spin = 1.0", "spin = 0.3"), "`spin` must be a positive half-integer"),
    ],
)
def test_a_bad_file_gives_one_line(tmp_path, capsys, command, text, message):
    config = tmp_path / "film.toml"
    if text is not None:
        config.write_text(text)
    assert cli.main([command, "-c", str(config)]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


BAD = [
    (lambda: om.validity("film", 10.0, 1.0), "`sample` must be an openmr.Sample"),
    (lambda: om.validity(om.presets.pt_py(), -1.0, 1.0), "`temperature`.*-1"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, np.nan), "`field`.*nan"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, tolerance=0), "`tolerance`.*> 0"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, routes=("tcl2",)), "`routes`.*'heom'"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, routes="heom"), "`routes`.*'heom'"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, routes=None), "`routes`.*None"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, costs=None), "`costs`.*None"),
    (
        lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, costs=False, routes=("exact",)),
        "`routes` must be empty where `costs` is False",
    ),
    (lambda: om.validity(om.presets.pt_py(), [], 1.0), "`temperature`.*at least one"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, half_width=-1), "`half_width`.*eV"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, direction=(0, 0, 0)), "`direction`"),
    (lambda: om.validity(om.presets.pt_py(), 10.0, 1.0, mixing_rate=-1), "`mixing_rate`.*1/s"),
]


def test_bad_input():
    assert unclear(BAD) == {}


def test_hierarchy_on_request():
    film = om.presets.pt_py(spin=0.5, curie_temperature=0.0)
    (born,) = lines_of("_second_order", film, 4.0, 3.0, ("heom",))
    assert born.route == "heom"
    assert 0 < born.deviation < 0.1
    large = om.validity(om.presets.pt_py(), 10.0, 1.0, routes=("heom",))
    born = row(large, "(9)")
    assert born.deviation is None
    assert born.because.startswith("no number: `spin` must be <= `largest_spin` = 1, got 2")
    assert row(large, "(15)").deviation is not None  # the other lines stand


@pytest.mark.parametrize("name", ["tau", "rho_L", None])
def test_the_worst_of_an_unknown_closed_form_is_refused(name):
    empty = om.validity(om.presets.pt_py(0.0), 10.0, 5.0)
    with pytest.raises(
        om.ParameterError, match="`closed_form` must be one of 'tau_par', 'tau_perp"
    ):
        empty.worst(name)


def test_one_point_without_a_number_hides_no_other():
    found = om.validity(om.presets.pt_py(), [10.0, 10.0], [0.0, 5.0])
    alone = lines_of("_weiss", om.presets.pt_py(), 10.0, 5.0)
    for word, own in zip(("MISS", "OPEN"), alone, strict=True):
        (mixed,) = (a for a in found.assumptions if a.name == own.name)
        np.testing.assert_allclose(mixed.deviation, [np.nan, own.cost], rtol=1e-12)
        assert found.verdict(mixed) == word
        assert mixed.cost == approx(own.cost, rel=1e-12)
    assert not found.ok
    assert "OPEN: a moment alone (Weiss field), across" in str(found)
