"""Sheets, joints and stacks: what they hold, and what they refuse in one clear error."""

import pickle
from dataclasses import asdict, replace

import numpy as np
import pytest
from nearness import approx

import openmr as om
from openmr.sample.stack import REFERENCE

PY = om.presets.pt_py()
FILM, ELECTRONS = PY.film, PY.electrons
LAYER = om.Layer(FILM, ELECTRONS)
MAGNETIC = om.Layer(FILM, ELECTRONS, PY.magnet)
EU = {"spin": 3.5, "areal_density": 2e18, "exchange": 3e-31}
SHEET = om.Sheet(**EU, curie_temperature=16.6, name="Eu")
GIVEN = om.Sheet(G_r=4e14, G_i=-2e13)
STACK = om.Stack(
    [LAYER, MAGNETIC], bottom=GIVEN, top=SHEET, between=[om.Interface(1e-15, 0.3, GIVEN, "above")]
)
SAMPLE = om.Sample(stack=STACK, name="Pt/Py/Eu")


def test_a_sheet_holds_moments_at_any_reference_thickness():
    (one,) = SHEET.magnet.sublattices
    assert one.density * REFERENCE == approx(2e18, rel=1e-15)
    assert (one.spin, one.exchange, one.g) == (3.5, (3e-31,) * 3, 2.0)
    assert om.curie_temperature(SHEET.magnet) == approx(16.6, rel=1e-15)
    assert SHEET.magnet.disorder == "random"
    assert not GIVEN.magnet
    assert SHEET.has_moments
    assert not GIVEN.has_moments


def test_sublattices_have_one_entry_each():
    pair = om.Sheet([2.5, 2.0], [1e18, 5e17], -1e-31, g=[2.0, 2.1], weiss=[[0, -1e-3], [-2e-3, 0]])
    assert pair.spin == (2.5, 2.0)
    assert pair.exchange == (-1e-31, -1e-31)
    assert pair.g == (2.0, 2.1)
    equal = om.Sheet(2.5, [1e18, 1e18], 1e-31, neel_temperature=50.0)
    assert om.neel_temperature(equal.magnet) == approx(50.0)


def test_what_is_not_given_of_conductances_is_zero():
    assert (GIVEN.G_s, GIVEN.G_r, GIVEN.G_i) == (0.0, 4e14, -2e13)
    assert om.Sheet(G_s=1e13).G_r == 0.0
    assert om.Sheet(G_s=2e13, G_r=-1e13).G_r == -1e13  # across m it still takes spins


def test_a_bare_sheet_is_a_transparent_joint():
    joints = om.Stack([LAYER] * 3, between=[SHEET, None]).between
    assert joints == (om.Interface(sheet=SHEET), None)
    assert joints[0].is_transparent
    assert not om.Interface(1e-15).is_transparent


def test_records_are_values():
    for one in (SHEET, GIVEN, STACK, SAMPLE, LAYER, STACK.between[0]):
        assert pickle.loads(pickle.dumps(one)) == one == replace(one)
        assert hash(one) == hash(replace(one))
    assert asdict(SAMPLE)["stack"]["top"]["areal_density"] == (2e18,)
    assert replace(GIVEN, G_s=1e12).G_s == 1e12
    assert replace(SHEET, exchange=1e-31).exchange == (1e-31,)
    assert (
        repr(GIVEN) == "Sheet(G_s=0.0, G_r=400000000000000.0, G_i=-20000000000000.0, name='sheet')"
    )


def test_a_sample_is_a_film_or_a_stack():
    assert SAMPLE.is_stack
    assert SAMPLE.layers == (LAYER, MAGNETIC)
    assert (SAMPLE.magnet, SAMPLE.electrons, SAMPLE.film) == (None, None, None)
    assert SAMPLE.layer(1) == om.Sample(PY.magnet, ELECTRONS, FILM, "Pt/Py/Eu, layer 1")
    assert not PY.is_stack
    assert PY.layers == (MAGNETIC,)
    assert PY.layer(0) == PY
    assert STACK.thickness == 2 * FILM.thickness


FILM_ASKED = "`sample` must be a film here, got a stack of 2 layers"
BAD = [
    (om.Sheet, "a sheet must be given by `spin`.*or by `G_s`.*got none"),
    (lambda: om.Sheet(**EU, G_r=1e14), "by moments or by conductances, got `spin` and `G_r`"),
    (lambda: om.Sheet(spin=0.5, exchange=1e-31), "lacks `areal_density`"),
    (lambda: om.Sheet(**EU, density=1e27), "`density` is of moments in a volume.*`areal_density`"),
    (lambda: om.Sheet(**EU, exchange_energy=1e-3), "`exchange_energy` is n_S J.*`exchange`"),
    (lambda: om.Sheet(**EU, disorder="lattice"), "`disorder` must be 'random'.*scatters"),
    (lambda: om.Sheet(G_r=1e14, thermostat_rate=1e9), "by moments or by conductances, got"),
    (lambda: om.Sheet(**EU, thermostat_rate=-np.inf), "`thermostat_rate` must be .*>= 0"),
    (lambda: om.Sheet(**EU, disorder="x"), "`disorder` must be one of"),
    (lambda: om.Sheet(**{**EU, "spin": 0.3}), "`spin` must be a positive half-integer"),
    (lambda: om.Sheet(**{**EU, "areal_density": 2e27}), r"`areal_density`.*m\^-2.*1 per nm\^2"),
    (lambda: om.Sheet(**{**EU, "areal_density": []}), r"`areal_density` must be.*\(0,\)"),
    (lambda: om.Sheet(**{**EU, "areal_density": 0.0}), "`areal_density` must be between"),
    (lambda: om.Sheet(**{**EU, "exchange": 1e-3}), r"`exchange`.*eV m\^3.*1 meV nm\^3 is 1e-30"),
    (lambda: om.Sheet(**{**EU, "exchange": 1e-24}), "`exchange` times `areal_density` must be"),
    (
        lambda: om.Sheet(**{**EU, "exchange": (1e-31, 2e-31)}),
        r"`exchange`.*\(1\), got shape \(2,\)",
    ),
    (lambda: om.Sheet(**EU, g=np.nan), "`g` must be"),
    (lambda: om.Sheet(**EU, weiss=[[0, 1], [1, 0]]), r"`weiss` must have shape \(1, 1\)"),
    (lambda: om.Sheet(**EU, weiss=0.0, curie_temperature=1.0), "exactly one of `weiss` and `cur"),
    (lambda: om.Sheet(G_s=-1e13), "`G_s` must be >= 0.*other sign"),
    (lambda: om.Sheet(G_s=1e13, G_r=-2e13), r"`G_s` \+ `G_r` must be >= 0.*across m would grow"),
    (lambda: om.Sheet(G_r=-1e13), r"`G_s` \+ `G_r` must be >= 0"),
    (lambda: om.Sheet(G_r=np.inf), "`G_r` must be one real number"),
    (lambda: om.Sheet(G_r=1e30), r"`G_r` must be between.*S/m\^2"),
    (lambda: om.Interface(-1e-15), "`resistance` must be between 0 and"),
    (lambda: om.Interface(memory_loss=0.3), "`resistance` must be > 0.*lost in passing"),
    (lambda: om.Interface(1e-15, -0.1), "`memory_loss` must be between 0"),
    (lambda: om.Interface(1e-15, side="left"), "`side` must be one of 'below', 'above'"),
    (lambda: om.Interface(1e-15, sheet=PY.magnet), "`sheet` must be an openmr.Sheet"),
    (lambda: om.Stack([]), "`layers` must hold at least one Layer, got none"),
    (lambda: om.Stack([FILM]), "`layers` must be an openmr.Layer"),
    (lambda: om.Stack(FILM), "`layers` must be a sequence"),
    (lambda: om.Stack([LAYER, SHEET, LAYER]), "got a Sheet: it lies at a face.*two layers with it"),
    (lambda: om.Stack([LAYER], top=om.Interface()), "`top` must be an openmr.Sheet"),
    (lambda: om.Stack([LAYER] * 3, between=[None]), "neighbouring layers, 2, got 1"),
    (lambda: om.Stack([LAYER] * 2, between=[1]), "`between` must be an openmr.Interface"),
    (
        lambda: om.Layer(replace(FILM, thickness=0.0), ELECTRONS),
        "`thickness` must be.*> 0 m, got 0",
    ),
    (lambda: om.Layer(FILM, ELECTRONS, SHEET), "`magnet` must be an openmr.Magnet"),
    (lambda: om.Sample(stack=[LAYER]), "`stack` must be an openmr.Stack"),
    (lambda: om.Sample(PY.magnet, stack=STACK), "`magnet` must not be given beside `stack`"),
    (om.Sample, "`film` must be an openmr.Film, got None"),
    (lambda: SAMPLE.layer(2), "`index` must be an integer 0 to 1, got 2"),
    (lambda: om.relaxation(SAMPLE, 1.0, 0.0), FILM_ASKED),
    (lambda: om.equilibrium(SAMPLE, 1.0, 0.0), FILM_ASKED),
]


@pytest.mark.parametrize(("make", "told"), BAD)
def test_a_bad_part_is_refused_in_one_clear_error(make, told):
    with pytest.raises(om.ParameterError, match=told):
        make()
