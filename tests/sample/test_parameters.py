"""One table of parameters: what is put is read again, in a film and in any part of a stack."""

from dataclasses import replace

import numpy as np
import pytest
from nearness import approx
from systems import oriented, reference_film

import openmr as om
from openmr.sample.parameters import NAMES, OF_FACES, OF_JOINTS, PARAMETERS, POINT, varied
from openmr.sample.presets import PRESETS, pt_py
from openmr.sample.toml import STACK_EXAMPLE, read_config, read_sample

PY = pt_py()
LAYER = om.Layer(PY.film, PY.electrons, PY.magnet)
PLAIN = om.Layer(PY.film, PY.electrons)
GIVEN = om.Sheet(G_s=1e13, G_r=4e14, G_i=-2e13)
MOMENTS = om.Sheet(3.5, 2e18, 3e-31, curie_temperature=16.6)
OWN = om.Sheet([2.5, 2.0], [1e18, 1e18], 3e-31, anisotropy=(-2e-4, 5e-5))
PAIR = om.Sheet(2.5, [1e18, 1e18], [3e-31, -2e-31], neel_temperature=50.0)
STACK = om.Sample(
    stack=om.Stack(
        [LAYER, PLAIN, LAYER],
        bottom=GIVEN,
        top=MOMENTS,
        between=[om.Interface(1e-15, 0.3, PAIR), None],
    ),
    name="stack",
)
LEVELS = ("anisotropy", "rhombicity")
ELSEWHERE = (*POINT, *LEVELS, "disorder", "spin", "neel_temperature")
WORDS = [name for name in NAMES if name not in ELSEWHERE]
CASES = [
    *(f"layers.2.{word}" for word in WORDS),
    *(f"bottom.{word}" for word in ("G_s", "G_r", "G_i")),
    *(f"top.{w}" for w in ("areal_density", "exchange", "moment_g", "weiss", "curie_temperature")),
    *(f"between.0.{word}" for word in ("resistance", "memory_loss", "neel_temperature")),
    *("between.0.exchange", "between.0.areal_density"),
]


@pytest.mark.parametrize("name", CASES)
def test_a_number_of_a_part_is_put_where_it_is_read(name):
    one = PARAMETERS[name]
    before = one.read(STACK)
    new = 1.5 * before if np.isfinite(before) else 1e9
    after = varied(STACK, {name: new})
    assert one.read(after) == approx(new, rel=1e-14)
    assert one.unit == PARAMETERS[name].unit != ""
    changed = [
        part
        for part in ("layers", "bottom", "top", "between")
        if getattr(after.stack, part) != getattr(STACK.stack, part)
    ]
    assert changed == [name.partition(".")[0]]
    assert after.stack.layers[:2] == STACK.stack.layers[:2]
    assert after.stack.between[1] is None
    if name.startswith("layers"):
        word = name.rpartition(".")[2]
        assert after.layer(2).magnet == varied(PY, {word: new}).magnet
        assert after.layer(2).film == varied(PY, {word: new}).film


def test_sublattices_of_a_sheet_change_in_proportion():
    after = varied(STACK, {"between.0.exchange": 6e-31, "between.0.areal_density": 3e18})
    sheet = after.stack.between[0].sheet
    assert sheet.exchange == approx((6e-31, -4e-31), rel=1e-15)
    assert sheet.areal_density == (3e18, 3e18)
    assert varied(STACK, {"top.spin": 3.0}).stack.top.spin == (3.0,)


def with_axes(name):
    """What has D = -0.2 and E = 0.05 meV, where `name` goes, and how its moments are found."""
    if name in LEVELS:
        one = oriented(2.5, anisotropy=(-2e-4, 5e-5), axes=np.roll(np.eye(3), 1, axis=0))
        return reference_film(one, oriented(1.0, anisotropy=(-2e-4, 5e-5)))
    return om.Sample(stack=om.Stack([PLAIN], top=OWN))


@pytest.mark.parametrize("name", [*LEVELS, *(f"top.{name}" for name in LEVELS)])
def test_one_number_of_an_anisotropy_is_put_and_the_other_stays(name):
    sample, one = with_axes(name), PARAMETERS[name]
    after = varied(sample, {name: 3e-4})
    place = LEVELS.index(name.removeprefix("top."))
    expected = [-2e-4, 5e-5]
    assert one.read(sample) == expected[place]
    expected[place] = one.read(after)
    assert expected[place] == 3e-4
    before, now = (
        s.magnet.sublattices if name in LEVELS else (s.stack.top,) for s in (sample, after)
    )
    assert now == tuple(replace(moments, anisotropy=tuple(expected)) for moments in before)
    both = varied(sample, {name: 3e-4, name.replace(LEVELS[place], LEVELS[1 - place]): 0.0})
    assert both != after
    for value in ("x", 1e3, (1e-4, 0.0)):
        with pytest.raises(om.ParameterError, match=rf"{LEVELS[place]}` must be .*eV"):
            varied(sample, {name: value})


def test_moments_without_axes_get_no_anisotropy_unasked():
    for name in (*LEVELS, "layers.0.anisotropy", "top.rhombicity"):
        with pytest.raises(om.ParameterError, match="of moments with an anisotropy, and these"):
            varied(STACK if "." in name else PY, {name: 1e-4})


def test_what_is_further_down_holds():
    after = varied(STACK, {"top.curie_temperature": 30.0, "top.spin": 0.5})
    assert om.curie_temperature(after.stack.top.magnet) == approx(30.0, rel=1e-14)
    joint = varied(STACK, {"between.1.memory_loss": 0.1, "between.1.resistance": 2e-15})
    assert joint.stack.between[1] == om.Interface(2e-15, 0.1)


BAD = [
    ({"thickness": 1e-9}, r"`thickness` is a parameter of one layer of a stack: `layers\.0\.thick"),
    ({"layers.3.thickness": 1e-9}, "of layer 3, and the stack has 3"),
    ({"layers.01.thickness": 1e-9}, "unknown parameter"),
    ({"layers.1.spin": 1.0}, "`spin` is a parameter of moments, and 'stack, layer 1' has none"),
    ({"layers.0.diffusion": 1e-6}, "unknown parameter"),
    ({"top.G_r": 1e14}, r"`top\.G_r` is none of this sheet, which is given by moments"),
    ({"bottom.spin": 1.0}, r"`bottom\.spin` is none of this sheet, which is given by conductances"),
    ({"bottom.resistance": 1e-15}, "unknown parameter `bottom.resistance`; known are bottom.G_s"),
    ({"between.1.G_r": 1e14}, r"`between\.1\.G_r` is a parameter of a sheet, and there is none"),
    ({"between.2.resistance": 1.0}, "of joint 2, and the stack has 2"),
    ({"between.1.memory_loss": 0.1}, "`resistance` must be > 0"),
    ({"between.0.moment_g": "x"}, r"`between\.0\.moment_g` must be one real number"),
    ({"bottom.G_r": -1e15}, r"`G_s` \+ `G_r` must be >= 0"),
    ({"top.weiss": 1e-3, "top.curie_temperature": 3.0}, "exactly one of `top.weiss` and `top.cur"),
    ({"between.0.spin": 2.0, "top.areal_density": 0.0}, "`areal_density` must be between"),
]


@pytest.mark.parametrize(("changes", "told"), BAD)
def test_bad_changes(changes, told):
    with pytest.raises(om.ParameterError, match=told):
        varied(STACK, changes)


def test_a_film_has_no_parts():
    with pytest.raises(om.ParameterError, match=r"`layers\.0\.dos` is a parameter of a stack, and"):
        varied(PY, {"layers.0.dos": 1e27})
    alike = varied(STACK, {"top.exchange": 3e-31})
    assert alike == STACK
    uneven = om.Sheet([2.5, 2.0], [1e18, 1e18], [0.0, 1e-31])
    sample = om.Sample(stack=om.Stack([PLAIN], top=uneven))
    with pytest.raises(om.ParameterError, match="`spin` of the sheet must be the same"):
        varied(sample, {"top.spin": 1.0})
    with pytest.raises(om.ParameterError, match="`exchange` must not start from 0"):
        varied(sample, {"top.exchange": 1e-31})


def test_the_table_lists_a_film_and_knows_a_stack():
    assert not any("." in name for name in PARAMETERS)
    assert "layers.7.thickness" in PARAMETERS
    assert "layers.7.nothing" not in PARAMETERS
    assert set(OF_FACES) < set(OF_JOINTS)
    with pytest.raises(KeyError):
        PARAMETERS["layers"]


# --- files and presets -------------------------------------------------------------------------


def test_a_stack_from_a_file(tmp_path):
    path = tmp_path / "stack.toml"
    path.write_text(STACK_EXAMPLE)
    sample = read_sample(path)
    assert sample.name == "Cu/Pt/EuS"
    cu, pt = sample.layers
    assert cu.film == om.Film(5e-9, 0.0, 5e-3, None, 6e-8, diffusion_length=200e-9)
    assert pt.electrons == om.Electrons.free(5.0)
    assert sample.stack.between == (om.Interface(1e-15, 0.3),)
    assert sample.stack.top == MOMENTS
    assert sample.stack.bottom is None
    found = read_config(path)
    assert list(found["layers.1.thickness"]) == approx([2e-9, 4e-9, 6e-9, 8e-9, 1e-8])
    assert found["top.exchange"] == [1e-31, 3e-31]
    path.write_text(STACK_EXAMPLE.replace("layers.1.thickness", '"layers.1.thickness"'))
    assert list(read_config(path)) == list(found)
    path.write_text(
        STACK_EXAMPLE.replace("memory_loss = 0.3", 'side = "above"\n[between.sheet]\nG_r = 4e14')
    )
    assert read_sample(path).stack.between == (om.Interface(1e-15, 0, om.Sheet(G_r=4e14), "above"),)
    path.write_text(STACK_EXAMPLE[STACK_EXAMPLE.index("[[layers]]") :])
    assert read_sample(path).name == "sample"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("areal_density", "density", "`density` is of moments in a volume"),
        ("memory_loss", "memory", "unknown key `between.memory`"),
        ("[top]", "[side]", "unknown key `side`; known are method, sample, layers, bottom"),
        ("[[between]]", "[between]", r"`between` must be tables \[\[between\]\]"),
        ("[layers.film]", "[layers.fil]", "unknown key `layers.fil`"),
        ("top.exchange =", "top.exchang =", "unknown parameter `top.exchang`; known are top.G_s"),
        ('name = "Cu/Pt/EuS"', 'preset = "pt"', "unknown key `sample.preset`; known are sample.n"),
        ("spin = 3.5", "", "a sheet of moments lacks `spin`"),
        ("[[between]]", "[[between]]\n[[between]]", "`between` must have one entry"),
    ],
)
def test_a_bad_file_of_a_stack(tmp_path, old, new, told):
    path = tmp_path / "stack.toml"
    path.write_text(STACK_EXAMPLE.replace(old, new))
    with pytest.raises(om.ParameterError, match=told):
        read_config(path)
    path.write_text('[sample]\npreset = "pt"\n[top]\nG_r = 1e14\n')
    with pytest.raises(om.ParameterError, match="`top` is of a stack, which needs tables"):
        read_sample(path)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_sample_with_its_sources(tmp_path, name):
    preset = PRESETS[name]
    assert preset() == getattr(om.presets, name)()
    path = tmp_path / "preset.toml"
    path.write_text(f'[sample]\npreset = "{name}"\n')
    assert read_sample(path) == preset()
    measured = name in ("pt_py", "pt_yig")
    assert preset().name.endswith("(example)") != measured
    told = preset.__doc__
    assert measured or "xample" in told


def test_a_set_of_a_group_is_taken_whole():
    sets = {
        "Althammer2013": (0.11, 1.5e-9, 4e14, 0.0),
        "Vlietstra2013": (0.08, 1.1e-9, 7e14, 5e13),
    }
    for source, numbers in sets.items():
        sample = om.presets.pt_yig(source, thickness=4e-9)
        film, face = sample.layers[0].film, sample.stack.bottom
        found = (film.spin_hall_angle, film.diffusion_length, face.G_r, face.G_i)
        assert found == approx(numbers, rel=1e-15)
        assert film.thickness == 4e-9
        assert source in sample.name
    with pytest.raises(om.ParameterError, match="`source` must be one of 'Althammer2013'"):
        om.presets.pt_yig("both")


def test_pt_on_ggg_is_turned_by_the_moments_that_a_field_aligns():
    sample = om.presets.pt_ggg()
    face, metal = sample.stack.bottom, sample.layers[0]
    found = om.face_conductances(face, metal, 2.0, [0.0, 0.01, 0.02, 9.0])
    assert found.G_i[0] == found.G_r[0] == 0.0
    assert found.G_i[2] == approx(2 * found.G_i[1], rel=1e-3)
    assert found.G_r[2] == approx(4 * found.G_r[1], rel=1e-3)
    assert found.G_s[3] < 0.1 * found.G_s[0]


def test_hanle_effect_of_pt_and_ta_is_seen_across_the_spins_of_the_current():
    for sample in (om.presets.pt(), om.presets.ta()):
        rho = om.magnetoresistance(sample, 300.0, 9.0, [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
        x, y, z = rho.longitudinal
        assert x == approx(z, rel=1e-14)
        assert x > y
