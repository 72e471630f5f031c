"""Ledger of Eqs. (76)-(97), (B1)-(B39), Sec. V and Appendix C: verdicts and their references."""

from functools import cache

import numpy as np
import pytest
from nearness import approx
from spoil import replaced, variants
from survivors import DIGITS, EVEN, FORMULA_SURVIVORS

import openmr as om
from openmr.rates import axes, record
from openmr.reports.ledger import all_entries, deviations
from openmr.reports.ledger import film_problem as fp
from openmr.reports.ledger.antiferromagnet import antiferromagnet
from openmr.reports.ledger.appendix_c import rho
from openmr.reports.ledger.diffusion import curvature, curvatures, settled_slopes
from openmr.reports.ledger.entries import CONTRADICTED, decide, order_of_error
from openmr.reports.ledger.spin_diffusion import vectors
from openmr.sample.film import Electrons
from openmr.transport import diffusion, impurity, matrix_tanh, resistivity, surviving
from openmr.transport.diffusion import film_tensor, profile

CASES = [(-1e-3, 10.0, 5.0), (1e-3, 25.0, 2.0), (-0.4e-3, 80.0, 9.0)]


# --- functions that ship ---------------------------------------------------------------------

JUDGED = {
    resistivity.same_polarisation: "86 B25",
    resistivity.other_polarisation: "87 B26",
    resistivity.second_order: "86 87",
    resistivity.conductivity: "B25 B26",
    resistivity.inverse: "B25 B26",
    resistivity.relative_resistivity: "86 87 B25 B26",
    resistivity._shares: "86 V.A.anisotropy V.A.magnons",
    surviving.surviving_along: "88 95",
    surviving.surviving_across: "89 90",
    surviving.transverse_decay: "89 90 B6",
    surviving.longitudinal_length: "88 B6",
    surviving.transverse_length: "B2",
    surviving.surviving_fraction: "B29",
    surviving.squared_argument: "81 B5",
    surviving._tanh_ratio: "B29",
    surviving._tanh_ratio_pair: "90 B29",
    matrix_tanh.profiles: "B23 B10",
    diffusion._mode_profiles: "B23 B10",
    diffusion._along_and_across: "B23 B10",
    impurity.spin_flip_rate: "V.A.tau_0",
    impurity.golden_rule_rate: "V.A.tau_0",
    impurity._scale: "V.A.tau_0",
    Electrons.diffusion: "B4.Einstein",
    resistivity.resistivity: "95",
    resistivity._resistivities: "95 87",
    resistivity._axial: "87 89 B37",
    resistivity.Mechanisms.total: "86",
    diffusion.profile: "B23 B10",
    diffusion.graded_profile: "B27 B10",
    axes.local_axes: "B5 80",
    axes.film_axes: "B5 B37",
    axes.turned: "B12 95",
    record.precession_tensor: "B4",
    record.rotation: "39 38 75",
    record.quantisation_axis: "70 75",
    record.spin_polarised_loss: "62",
    record.Relaxation.tensor: "95",
    record.Relaxation.exchange_tensor: "90",
    record.Relaxation.longitudinal: "B6",
    record.Relaxation.transverse: "B6",
    record.Relaxation.exchange_field: "83",
    record.Relaxation.along: "70 75 73",
}
"""Formulas of the line from the rates on -> entries that judge them, a full stop for each space."""
NO_EQUATION = "`precession_isotropic` is in no equation; `openmr verify` has a line for it"
NORMAL = "a field along the normal is a case of `openmr verify`"
SURVIVORS = {
    "local_axes: 0.0 -> 0.37": NORMAL,
    "_shares: alike + turning -> alike - turning": NO_EQUATION,
    "_shares: still + turning -> still - turning": EVEN,
    "profiles: 2.0 * p @ p - c -> 2.0 * p @ p + c": DIGITS,
    "profiles: 2.0 -> 2.74": DIGITS,
    "turned: 0.7 -> 0.959": DIGITS,
    "turned: 0.5 * (even[..., 0, 0] + even[..., 1, 1]) -> "
    "0.5 / (even[..., 0, 0] + even[..., 1, 1])": DIGITS,
    "turned: even[..., 0, 0] + even[..., 1, 1] -> even[..., 0, 0] - even[..., 1, 1]": DIGITS,
    "turned: 0.5 -> 0.685": DIGITS,
    "turned: 0.0 -> 0.37": DIGITS,
    "turned: even - shared * np.eye(3) -> even + shared * np.eye(3)": DIGITS,
}
"""Wrong variants that no verdict can notice, but `openmr verify` -> why not."""


@cache
def entry_and_reference(equation):
    (entry,) = (e for e in all_entries() if e.equation == equation)
    return entry, entry.reference()


def turned(numbers):
    """Whether any of the entries contradicts what ships."""
    for number in numbers.split():
        entry, found = entry_and_reference(number.replace(".", " ").replace("V A", "V.A"))
        if decide(entry, found, entry.printed, entry.corrected).verdict == CONTRADICTED:
            return True
    return False


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_wrong_function_that_ships_turns_a_verdict():
    known = {name for names in FORMULA_SURVIVORS.values() for name in names}
    survivors: set[str] = set()
    for named, numbers in JUDGED.items():
        function = getattr(named, "fget", named)
        assert not turned(numbers), function
        for change, code in variants(function):
            name = f"{function.__name__}: {change}"
            with replaced(function, code):
                if name not in known and not turned(numbers):
                    survivors.add(name)
    assert survivors == SURVIVORS.keys()


# --- references ------------------------------------------------------------------------------


@pytest.mark.parametrize(("coupling", "temperature", "field"), CASES)
@pytest.mark.parametrize("direction", [*fp.OBLIQUE, fp.ALONG, fp.NORMAL])
def test_matrices_in_film_axes_are_the_turned_tensor_of_qutip(
    coupling, temperature, field, direction
):
    sample = om.presets.pt_py(coupling)
    rates = om.relaxation(sample, temperature, field, method="bloch-redfield")
    turned = film_tensor(rates, direction)
    found = fp.film_axes_tensor(sample, temperature, field, np.array(direction))
    np.testing.assert_allclose(found, turned, atol=1e-13 * np.abs(turned).max())
    # the other sense of the precession is seen
    assert np.abs(found.T - turned).max() > 1e-2 * np.abs(turned).max()


def test_matrices_of_two_sublattices():
    sample = antiferromagnet()
    rates = om.relaxation(sample, 20.0, 0.0, method="bloch-redfield")
    found = fp.film_axes_tensor(sample, 20.0, 0.0, np.array(fp.OBLIQUE[0]))
    expected = film_tensor(rates, fp.OBLIQUE[0])
    np.testing.assert_allclose(found, expected, atol=1e-13 * np.abs(expected).max())


def test_propagated_profile_is_that_of_the_transport():
    sample, direction = om.presets.pt_py(-1e-3), fp.OBLIQUE[1]
    f = fp.film(sample, 25.0, 19.0, direction)
    rates = om.relaxation(sample, 25.0, 19.0)
    z = np.array([0.0, 0.2, 0.9])
    ours = [fp.spin_profile(f, x * f.d)[0] / (f.e * f.E) for x in z]
    theirs = profile(sample.film, rates, direction, depth=z * sample.film.thickness)
    # per volt and nm
    np.testing.assert_allclose(ours, theirs.accumulation * fp.NM, rtol=1e-9)


def test_quadrature_of_the_current_gives_the_exact_resistivity():
    sample = om.presets.pt_py(-1e-3)
    for direction in fp.OBLIQUE:
        f = fp.film(sample, 25.0, 19.0, direction)
        rates = om.relaxation(sample, 25.0, 19.0)
        theirs = om.resistivity(sample.film, rates, direction, order="exact")
        found = fp.resistivity(f)
        unit = sample.film.resistivity
        assert found[0, 0] == approx(float(theirs.longitudinal) / unit, rel=1e-12, abs=0)
        assert found[1, 0] == approx(float(theirs.transverse) / unit, rel=1e-10, abs=0)


@pytest.mark.parametrize(("coupling", "temperature", "field"), CASES)
def test_curves_of_appendix_c_are_those_of_the_whole_line(coupling, temperature, field):
    sample = om.presets.pt_py(coupling)
    theirs = om.magnetoresistance(sample, temperature, field, (1, 0, 0), order="exact")
    expected = float(theirs.longitudinal) / sample.film.resistivity
    assert rho(coupling, temperature, field) == approx(expected, rel=1e-13, abs=0)


def test_spins_in_cells_settle_with_the_third_power_of_a_cell():
    errors, cells = [], np.array([50, 100, 200])
    for count in cells:
        worst = 0.0
        for f, ends in settled_slopes(int(count)):
            exact = fp.slopes(f, np.array([f.E, 0.0, 0.0]))
            worst = max(worst, np.abs(ends - exact).max() / np.abs(exact).max())
        errors.append(worst)
    # the next power is a cell over the shortest length, 0.06 at most
    assert order_of_error(1 / cells, errors) == approx(3.0, abs=0.15)


def test_printed_faces_turn_the_magnetoresistance_over():
    """(82) with (B24): what diffuses back has the other sign, and so has the anisotropy."""
    sample = om.presets.pt_py(-1e-3)
    along, across = (fp.film(sample, 25.0, 19.0, axis) for axis in (fp.ALONG, fp.ASIDE))
    square = along.theta**2
    right, wrong = (
        [1 - 2 * square + sign * square * fp.surviving(f)[1, 1] for f in (along, across)]
        for sign in (1, -1)
    )
    for f, expected in zip((along, across), right, strict=True):
        assert fp.conductivity(f)[0, 0] == approx(expected, rel=1e-13, abs=0)
    assert right[0] < right[1]  # higher resistance with the field along the current
    assert wrong[0] > wrong[1]


def test_sign_of_the_precession_changes_the_term_of_m_z_alone():
    for f in fp.films():
        ours, theirs = (fp.resistivity(g) for g in (f, f._replace(tensor=f.tensor.T)))
        assert ours[0, 0] == approx(theirs[0, 0], rel=1e-13, abs=0)
        assert ours[1, 0] == approx(theirs[0, 1], rel=1e-10, abs=0)
        assert abs(ours[1, 0] - theirs[1, 0]) > 1e-4


def test_eigenvectors_are_singular_for_a_field_along_x():
    f = fp.film(om.presets.pt_py(-1e-3), 25.0, 19.0, fp.ALONG)
    with np.errstate(all="ignore"), pytest.raises(ZeroDivisionError):
        vectors(f)
    assert np.isfinite(fp.surviving(f)).all()


def test_deviation_and_order_notice():
    assert deviations.deviation(lambda x: 2 * x, [((1.0,), 2.0), ((2.0,), 4.4)]) == approx(1 / 11)
    assert deviations.deviation(lambda x: x * np.nan, [((1.0,), 2.0)]) == np.inf
    sizes = np.array([0.2, 0.1])
    series = deviations.Series(sizes, [[((x,), 1.0 + x**3)] for x in sizes])
    assert deviations.order(lambda x: 1.0, series) == approx(3.0)
    f, mu = curvatures()[0][0]
    turned = f._replace(b=-f.b)
    assert np.abs(np.array(curvature(turned, mu)) - curvatures()[0][1]).max() > 1e-2
