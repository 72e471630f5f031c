"""What brings a unit of its own is converted by it, or refused, at every entrance."""

from functools import partial

import numpy as np
import pytest
import xarray as xr
from attack import entrances
from nearness import approx

import openmr as om
from openmr import _checks
from openmr._checks import ParameterError
from openmr._quantities import in_unit
from openmr.apps.cli import main
from openmr.sample.parameters import NAMES, PARAMETERS, POINT
from openmr.sample.toml import read_config

pint = pytest.importorskip("pint")
astropy = pytest.importorskip("astropy.units")
unyt = pytest.importorskip("unyt")
REGISTRY = pint.UnitRegistry()

MAKE = {
    "pint": REGISTRY.Quantity,
    "astropy": astropy.Quantity,
    "unyt": lambda value, unit: unyt.unyt_array(value, unit)[()],
}
"""Library -> quantity of a value and a unit."""


@pytest.fixture(params=MAKE)
def quantity(request):
    return MAKE[request.param]


FILM = om.presets.pt_py()


def of_film(name, value):
    given = {
        "thickness": 8e-9, "spin_hall_angle": 0.05, "diffusion": 1.67e-4, "resistivity": 25e-8,
        "diffusion_length": 5e-9, name: value,
    }  # fmt: skip
    if name == "spin_flip_time":
        del given["diffusion_length"]
    return getattr(om.Film(**given), name)


def of_moments(name, value):
    given = {"spin": 2.0, "density": 1e27, "exchange_energy": 1e-3, name: value}
    if name == "exchange":
        del given["exchange_energy"]
    return getattr(om.Moments(**given), name)


def of_sheet(name, value):
    moments = {"spin": 2.0, "areal_density": 1e18, "exchange": 1e-31}
    given = {} if name.startswith("G_") else moments
    return getattr(om.Sheet(**given | {name: value}), name)


def of_magnet(name, value):
    return om.Magnet(om.Moments(2.0, 1e27, 1e-30), **{name: value}).weiss[0][0]


def at_point(name, value):
    given = {"temperature": 10.0, "field": 5.0, name: value}
    return om.equilibrium(FILM, **given).mean_spin


def varied(name, value):
    return om.sweep(FILM, **{"temperature": 10.0, "field": 5.0} | {name: value}).longitudinal_rate


def measured(name, value):
    given = {"longitudinal": [2e-6, 2.1e-6], "temperature": 10.0, "field": [0.0, 5.0], name: value}
    return getattr(om.diagnosis.measured(**given, direction=(1, 0, 0)), name)


ENTRANCES = {
    "dos_up": (lambda v: om.Electrons(v, 7e28).dos_up, 7e28, "eV**-1*nm**-3", 1e27),
    "fermi_energy": (lambda v: om.Electrons.free(v).dos, 5.0, "meV", 1e-3),
    "thickness": (partial(of_film, "thickness"), 8e-9, "nm", 1e-9),
    "diffusion": (partial(of_film, "diffusion"), 1e-4, "cm**2/s", 1e-4),
    "diffusion_length": (partial(of_film, "diffusion_length"), 5e-9, "nm", 1e-9),
    "spin_flip_time": (partial(of_film, "spin_flip_time"), 5e-12, "ps", 1e-12),
    "resistivity": (partial(of_film, "resistivity"), 2e-6, "uohm*cm", 1e-8),
    "of diffusion": (FILM.electrons.diffusion, 2e-6, "uohm*cm", 1e-8),
    "density": (partial(of_moments, "density"), 1e27, "1/cm**3", 1e6),
    "exchange": (partial(of_moments, "exchange"), 1e-30, "meV*nm**3", 1e-30),
    "exchange_energy": (partial(of_moments, "exchange_energy"), 1e-3, "meV", 1e-3),
    "anisotropy": (partial(of_moments, "anisotropy"), 1e-3, "meV", 1e-3),
    "stevens": (lambda v: of_moments("stevens", {(2, 0): v})[0][1], 1e-3, "meV", 1e-3),
    "curie_temperature": (partial(of_magnet, "curie_temperature"), 30.0, "mK", 1e-3),
    "weiss": (partial(of_magnet, "weiss"), 1e-3, "meV", 1e-3),
    "areal_density": (partial(of_sheet, "areal_density"), 1e18, "1/nm**2", 1e18),
    "of a sheet": (partial(of_sheet, "exchange"), 1e-31, "meV*nm**3", 1e-30),
    "G_r": (partial(of_sheet, "G_r"), 1e14, "ohm**-1*cm**-2", 1e4),
    "resistance": (lambda v: om.Interface(v).resistance, 1e-15, "ohm*um**2", 1e-12),
    "width": (lambda v: om.Geometry(v, 1e-4, 5e-9).width, 1e-5, "um", 1e-6),
    "temperature": (partial(at_point, "temperature"), 10.0, "mK", 1e-3),
    "field": (partial(at_point, "field"), 5.0, "mT", 1e-3),
    "in a sweep": (partial(varied, "temperature"), 10.0, "mK", 1e-3),
    "thickness in a sweep": (partial(varied, "thickness"), 8e-9, "nm", 1e-9),
    "measured": (partial(measured, "longitudinal"), [2e-6, 2.1e-6], "uohm*cm", 1e-8),
    "transverse": (partial(measured, "transverse"), [2e-9, 2.1e-9], "uohm*cm", 1e-8),
    "time": (partial(measured, "time"), [0.0, 1.0], "ms", 1e-3),
    "angle": (partial(om.scan_directions, "xy"), 0.5, "deg", np.pi / 180),
    "azimuth": (lambda v: om.relaxation(FILM, 10, 5, azimuth=v).azimuth, 0.5, "deg", np.pi / 180),
    "depth": (
        lambda v: om.diffusion.profile(
            FILM.film, om.relaxation(FILM, 10, 5), (1, 0, 0), depth=v
        ).depth,
        1e-9, "nm", 1e-9,
    ),
    "potential": (lambda v: om.validity(FILM, 10, 5, costs=False, half_width=v).half_width, 1.0,
                  "meV", 1e-3),
}  # fmt: skip
"""Entrance -> what it makes of a number, the number, another unit, and that in ours."""


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_quantity_is_converted_by_its_own_unit(entrance, quantity):
    build, number, unit, factor = ENTRANCES[entrance]
    here = build(number)
    assert np.allclose(build(quantity(np.asarray(number) / factor, unit)), here, rtol=1e-12, atol=0)
    if np.ndim(number):
        items = [quantity(one / factor, unit) for one in number]
        assert np.allclose(build(items), here, rtol=1e-12, atol=0)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_text_is_converted_as_the_quantity_that_it_names(entrance):
    build, number, unit, factor = ENTRANCES[entrance]
    texts = [f"{float(one / factor)!r} {unit}" for one in np.ravel(number)]
    given = texts if np.ndim(number) else texts[0]
    assert np.allclose(build(given), build(number), rtol=1e-12, atol=0)
    for wrong in ("2 kg", "2 nonsense", "2", "", "nm", "2 m 3"):
        with pytest.raises(ParameterError):
            build([wrong, wrong] if np.ndim(number) else wrong)


def test_texts_are_read_as_people_write_them():
    for text, kelvin in (
        ("10K", 10.0), ("+1e4 mK", 10.0), (" .5 kelvin ", 0.5), ("-3 °C", 270.15), ("1.5E1 K", 15.0)
    ):  # fmt: skip
        assert in_unit("t", text, "K") == approx(kelvin, rel=1e-14)
    for text in ("2 uOhm cm", "2 uohm*cm", "0.02 µΩ m", "2e-8 Ohm m", "0.02 ohm*mm**2/m"):
        assert in_unit("r", text, "Ohm m") == approx(2e-8, rel=1e-14)
    for text in ("1e3 uS/mm^2", "1e-3 S / mm^2", "1000 1/(ohm m^2)"):
        assert in_unit("g", text, "S/m^2") == approx(1000.0, rel=1e-14)


def test_what_looks_like_no_unit_stays_a_text():
    """Pint works out powers: 9 to the 9 to the 9 takes for ever."""
    for text in ("10", "K", "1 K**9**9**9", "1 K^(9**9)", "1 K**99", "1/3 K", "1 2 K", "1 K # K"):
        assert in_unit("t", text, "K") == text
    assert in_unit("spin", "2 K", "") == "2 K"
    assert in_unit("t", ["K " * 10**5, "1" + " K" * 10**4 + "!"], "K")[0] == "K " * 10**5


def test_a_file_and_a_command_take_texts(tmp_path, capsys):
    config = tmp_path / "film.toml"
    config.write_text(
        """
        [sample.film]
        thickness = "8 nm"
        spin_hall_angle = 0.05
        diffusion = "1.67 cm^2/s"
        diffusion_length = "5 nm"
        resistivity = "25 uOhm cm"
        [sample.electrons]
        fermi_energy = "5 eV"
        [[sample.moments]]
        spin = 1.5
        density = "1.359 nm^-3"
        exchange_energy = "-0.4 meV"
        [sweep]
        temperature = { from = "2000 mK", to = "0.3 kK", points = 3 }
        field = ["0 T", "5e3 mT"]
        thickness = [4e-9, "8 nm"]
        """,
        encoding="utf-8",
    )
    asked = read_config(config)
    found, expected = (
        om.sweep(**asked),
        om.sweep(asked["sample"], temperature=[2, 151, 300], field=[0, 5], thickness=[4e-9, 8e-9]),
    )
    assert asked["sample"].film.thickness == approx(8e-9)
    assert asked["sample"].magnet.sublattices[0].density == approx(1.359e27)
    for name in ("temperature", "field", "thickness", "longitudinal_resistivity"):
        assert np.allclose(found[name], expected[name], rtol=1e-13)
    printed = []
    for points in (["-T", "10 K", "-B", "-5000mT"], ["-T", "10", "-B", "-5"]):
        assert main(["rates", "--config", str(config), *points]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    for wrong in ("10 T", "10 kOe", "ten", "10,20", "10:20:3"):
        with pytest.raises(SystemExit):
            main(["rates", "-T", wrong])
        told = capsys.readouterr().err
        assert "argument --temperature/-T: must be" in told
        assert ("several stand apart" in told) == any(mark in wrong for mark in ",:")
    for oersted, told in (("9 kOe", True), ("9 kOe/m", False), ("9 K", False)):
        with pytest.raises(ParameterError, match="quantity in") as refused:
            om.equilibrium(FILM, 10.0, oersted)
        assert ("1 kOe goes with 0.1 T" in str(refused.value)) == told


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_quantity_of_another_dimension_is_refused(entrance, quantity):
    build, number, *_ = ENTRANCES[entrance]
    for given in (quantity(number, "kg"), [quantity(one, "kg") for one in np.ravel(number)]):
        with pytest.raises(ParameterError, match=r"`.*` must be in .*, got a quantity in k"):
            build(given)


def test_pure_numbers_take_no_unit(quantity):
    given = {"thickness": 8e-9, "diffusion": 1e-4, "diffusion_length": 5e-9, "resistivity": 25e-8}
    of_one = om.Film(**given, spin_hall_angle=quantity(0.05, ""))
    assert of_one.spin_hall_angle == 0.05
    with pytest.raises(ParameterError, match="`spin_hall_angle` must be a pure number here"):
        om.Film(**given, spin_hall_angle=quantity(0.05, "K"))
    with pytest.raises(ParameterError, match="`direction` must be a pure number here"):
        om.magnetoresistance(FILM, 10.0, 5.0, quantity([1.0, 0.0, 0.0], "m"))


@pytest.mark.parametrize("name", [n for n in NAMES if n in POINT or PARAMETERS[n].range])
def test_every_parameter_of_a_sweep_refuses_what_is_no_such_quantity(name, quantity):
    given = {"temperature": 10.0, "field": 5.0, name: quantity([1.0, 1.0, 1.0], "kg")}
    with pytest.raises(ParameterError, match=f"`{name}` must be .*, got a quantity in k"):
        om.sweep(FILM, **given)


def test_every_unit_of_the_package_is_read_by_all_libraries(quantity):
    units = {PARAMETERS[n].unit for n in NAMES if n not in POINT and PARAMETERS[n].range}
    units |= {"K", "T", "rad", "1/s", "S/m^2", "Ohm m^2", "m^-2", "V/m", "eV m^3"}
    for unit in units - {"1"}:
        spelled = unit.replace("Ohm", "ohm").replace(" ", "*").replace("^", "**")
        spelled = spelled.replace("S/", "ohm**-1/")
        assert in_unit("x", quantity(2.0, spelled), unit) == approx(2.0, rel=1e-15)
        with pytest.raises(ParameterError, match="got a quantity in"):
            in_unit("x", quantity(2.0, "mol"), unit)


def test_arrays_of_quantities_and_nested_lists():
    kelvin = np.array([REGISTRY.Quantity(1.0, "mK"), 2.0], dtype=object)
    assert in_unit("t", kelvin, "K").tolist() == [0.001, 2.0]
    assert in_unit("t", [[unyt.unyt_quantity(1.0, "mK")], [2.0]], "K") == [[0.001], [2.0]]


def test_bare_units_and_foreign_quantities_are_refused():
    class Foreign(np.ndarray):
        units = "mK"

    class Other(np.ndarray):
        unit = object()

    for given in (np.ones(2).view(Foreign), np.ones(2).view(Other), REGISTRY.K, astropy.K, unyt.K):
        with pytest.raises(ParameterError, match="`temperature`"):
            om.equilibrium(FILM, given, 1.0)


def test_data_arrays_keep_to_their_unit():
    celsius = xr.DataArray(REGISTRY.Quantity(np.array([20.0]), "degC"), dims="t")
    assert in_unit("t", celsius, "K").tolist() == [293.15]
    kelvin = xr.DataArray([10.0], dims="t", attrs={"units": "kelvin"})
    assert in_unit("t", kelvin, "K").tolist() == [10.0]
    assert _checks.number("t", xr.DataArray(10.0, attrs={"units": "K"}), "K") == 10.0
    with pytest.raises(ParameterError, match="`thickness` must be in m, got a quantity in nm"):
        of_film("thickness", xr.DataArray(5.0, attrs={"units": "nm"}))
    objects = xr.DataArray(np.array([unyt.unyt_quantity(10.0, "mK")], dtype=object), dims="t")
    assert _checks.finite_array("t", objects, "K").tolist() == [0.01]


def test_a_plain_number_costs_a_look_at_its_type():
    """Nothing is imported, and lists of numbers are handed on as they are."""
    for value in (1.0, 3, np.float64(2.0), np.ones(3), [1.0, 2.0], (1, 0, 0), "ten", None):
        assert in_unit("x", value, "K") is value


# --- without a unit -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: om.relaxation(FILM, 10.0, 9e4), "`field`.*1000 T, got 90000.*9e4 Oe is 9 T"),
        (lambda: om.sweep(FILM, temperature=10.0, field=[0.0, -5e3]), "`field`.*1000 T, got -5000"),
        (lambda: of_film("resistivity", 200.0), "`resistivity`.*0.01 Ohm m, got 200.*uOhm cm is"),
        (lambda: om.scan_directions("xy", [0, 45, 90]), 'got 90 .degrees:.*unit="deg"'),
        (lambda: om.scan_directions("xy", [0, 400], "deg"), "-360 to 360 deg, got 400$"),
        (lambda: om.scan_directions("xy", 1.0, "grad"), "`unit` must be one of 'rad', 'deg'"),
    ],
)
def test_numbers_that_no_laboratory_has_are_refused_with_a_hint(call, told):
    with pytest.raises(ParameterError, match=told):
        call()


def test_directions_by_degrees_are_those_by_rad():
    degrees = np.array([-360.0, -30.0, 0.0, 45.0, 360.0])
    here = om.scan_directions("zx", np.deg2rad(degrees))
    assert np.array_equal(om.scan_directions("zx", degrees, unit="deg"), here)


@pytest.mark.parametrize("name", ["", "  ", None, 3, "a\0b"])
def test_a_name_is_a_text_that_is_not_empty(name):
    for call in (
        lambda: om.Sample(None, FILM.electrons, FILM.film, name),
        lambda: om.Sheet(G_r=1e14, name=name),
    ):
        with pytest.raises(ParameterError, match="`name` must be a text, not empty"):
            call()


def test_a_film_of_data_has_a_label():
    with pytest.raises(ParameterError, match="`film` must be labels that are not empty"):
        measured("film", ["", "a"])


def numeric_arguments():
    """Entrance and argument of every number that the campaign of bad inputs spoils."""
    for entrance in entrances():
        for name, value in entrance.given.items():
            if name in (*entrance.wordy, *entrance.whole, "hamiltonian", "sublattices", "sample"):
                continue
            try:
                numbers = np.asarray(value, dtype=float)
            except (TypeError, ValueError, np.exceptions.ComplexWarning):
                continue
            if numbers.size and not isinstance(value, str | bool):
                yield entrance, name, numbers


@pytest.mark.slow
def test_no_entrance_takes_a_mass_for_its_number(quantity):
    """What NumPy makes of a unyt or an Astropy array has no unit any more."""
    taken = []
    for entrance, name, numbers in numeric_arguments():
        try:
            found = entrance.call(**{**entrance.given, name: quantity(numbers, "kg")})
        except ParameterError:
            continue
        except Exception as error:  # told with the rest
            taken.append((entrance.name, name, repr(error)))
        else:  # the explorer's page tells a refusal
            taken += [] if hasattr(found, "reason") else [(entrance.name, name, "taken")]
    assert taken == []
