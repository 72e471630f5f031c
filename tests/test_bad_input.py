"""Every bad input gives one error that names argument, value and allowed range."""

from collections import deque
from functools import partial

import numpy as np
import pytest
from refusals import unclear
from systems import film_of, paramagnet

import openmr as om
from openmr import _checks
from openmr._files import write_whole
from openmr.apps import cli
from openmr.data.reader import read_csv
from openmr.rates.routes.evolution import free_moment, record_decay
from openmr.sample import film, magnet
from openmr.sample.parameters import PARAMETERS, varied
from openmr.transport.surviving import surviving_fraction

evolution = partial(om.relaxation, method="evolution")

FILM = om.presets.pt_py()
MOMENTS = {"spin": 2, "density": 1e27, "exchange_energy": 1e-3}
LAYER = {
    "thickness": 5e-9,
    "spin_hall_angle": 0.1,
    "diffusion": 1e-6,
    "spin_flip_time": 1e-11,
    "resistivity": 2e-6,
}

BAD = [
    (lambda: om.Moments(**{**MOMENTS, "spin": 0.3}), "`spin` must be a positive half-int.*0.3"),
    (lambda: om.Moments(**{**MOMENTS, "spin": 0}), "`spin`.*got 0"),
    (lambda: om.Moments(**{**MOMENTS, "spin": -0.5}), "`spin`.*-0.5"),
    (lambda: om.Moments(**{**MOMENTS, "spin": "two"}), "`spin`.*'two'"),
    (lambda: om.Moments(**{**MOMENTS, "spin": float("nan")}), "`spin`.*nan"),
    (lambda: om.Moments(**{**MOMENTS, "density": -1e27}), r"`density`.*> 0 m\^-3, got -1e\+27"),
    (lambda: om.Moments(**{**MOMENTS, "density": 0}), "`density`.*got 0"),
    (lambda: om.Moments(**{**MOMENTS, "density": None}), "`density`.*None"),
    (lambda: om.Moments(**{**MOMENTS, "exchange": 1e-30}), "exactly one of `exchange` and"),
    (lambda: om.Moments(spin=2, density=1e27), "exactly one of.*got None"),
    (lambda: om.Moments(**{**MOMENTS, "exchange_energy": (1, 2)}), r"`exchange_energy`.*\(2,\)"),
    (lambda: om.Moments(**{**MOMENTS, "exchange_energy": np.nan}), "`exchange_energy`.*eV.*nan"),
    (lambda: om.Moments(**{**MOMENTS, "exchange_energy": 1j}), "`exchange_energy`.*1j"),
    (lambda: om.Moments(**{**MOMENTS, "g": np.inf}), "`g`.*inf"),
    (lambda: om.Magnet([]), "`sublattices`.*none"),
    (lambda: om.Magnet([1]), "`sublattices` must be an openmr.Moments, got 1"),
    (
        lambda: om.curie_temperature(FILM),
        r"`magnet` must be an openmr.Magnet \(its .magnet is one\), got Sample",
    ),
    (lambda: om.curie_temperature(FILM.film), "`magnet` must be an openmr.Magnet, got Film"),
    (lambda: om.Magnet(om.Moments(**MOMENTS), [[1, 2]]), r"`weiss` must have shape \(1, 1\)"),
    (lambda: om.Magnet([om.Moments(**MOMENTS)] * 2, 1e-3), r"`weiss`.*\(2, 2\)"),
    (
        lambda: om.Magnet([om.Moments(**MOMENTS)] * 2, [[0, 1e-3], [-1e-3, 0]]),
        r"`weiss` must be reciprocal.*weiss\[0\]\[1\] = 0.001 eV",
    ),
    (
        lambda: om.Magnet(om.Moments(**MOMENTS), 1e-3, curie_temperature=30.0),
        "exactly one of `weiss` and `curie_temperature`",
    ),
    (lambda: om.Magnet(om.Moments(**MOMENTS), curie_temperature=-1), "`curie_temperature`.*K.*-1"),
    (
        lambda: om.Magnet([om.Moments(**MOMENTS)] * 2, curie_temperature=30.0),
        "`curie_temperature` is for one sublattice, got 2",
    ),
    (
        lambda: om.Magnet(om.Moments(**MOMENTS), neel_temperature=30.0),
        r"`neel_temperature` is for two sublattices of equal spin.*S = 2 at 1e\+27 m\^-3",
    ),
    (lambda: om.Electrons.free(1.0).diffusion(0.0), "`resistivity`.*> 0 Ohm m, got 0"),
    (lambda: om.Magnet(om.Moments(**MOMENTS), 0.0, "glass"), "`disorder`.*'lattice'.*'glass'"),
    (lambda: om.Electrons(dos_up=-1, dos_down=1), r"`dos_up`.*eV\^-1 m\^-3, got -1"),
    (lambda: om.Electrons(dos_up=1, dos_down=1, g=0), "`g` of the electrons must not be 0"),
    (lambda: om.Electrons.free(fermi_energy=0), "`fermi_energy`.*> 0 eV, got 0"),
    (lambda: om.Electrons.free(1.0, mass=-1), "`mass`.*got -1"),
    (lambda: om.Film(**{**LAYER, "thickness": 0}), "`thickness`.*> 0 m, got 0"),
    (lambda: om.Film(**{**LAYER, "spin_hall_angle": 2}), "`spin_hall_angle`.*and 1, got 2"),
    (lambda: om.Film(**LAYER, diffusion_length=1e-9), "exactly one of `spin_flip_time` and"),
    (lambda: om.Film(**{**LAYER, "spin_flip_time": None}), "exactly one of.*None"),
    (lambda: om.Film(**{**LAYER, "resistivity": None}), "`resistivity`.*None"),
    (lambda: om.Sample(1, FILM.electrons, FILM.film), "`magnet` must be an openmr.Magnet"),
    (lambda: om.presets.pt_py(spin=0.3), "`spin`.*0.3"),
    (lambda: om.presets.pt_py(curie_temperature=-1), "`curie_temperature`.*>= 0 K, got -1"),
    (lambda: om.equilibrium(FILM, 0.0, 1.0), "`temperature` must be > 0 K, got 0.0"),
    (lambda: om.equilibrium(FILM, [10, -4], 1.0), "`temperature`.*-4.0"),
    (lambda: om.equilibrium(FILM, np.nan, 1.0), "`temperature`.*in K, got nan$"),
    (lambda: om.equilibrium(FILM, 10.0, np.inf), "`field`.*in T, got inf"),
    (lambda: om.equilibrium(FILM, 10.0, "strong"), "`field`.*'strong'"),
    (lambda: om.equilibrium(FILM, [1.0, 2.0], [1.0, 2.0, 3.0]), r"`temperature` \(2,\), `field`"),
    (lambda: om.equilibrium("film", 1.0, 1.0), "`sample` must be an openmr.Sample"),
    (lambda: om.relaxation(FILM, 10.0, 1.0, method="magic"), "'bloch-redfield'.*'magic'"),
    (lambda: om.relaxation(FILM, 10.0, 1.0, method=None), "`method`.*None"),
    (lambda: om.relaxation(FILM, 10.0, 1.0, speed=3), "'closed-form' takes no option `speed`"),
    (lambda: om.relaxation(FILM, 10.0, 1.0, form="wrong"), "`form`.*'printed'.*'wrong'"),
    (lambda: om.relaxation(FILM, 10.0, 1.0, azimuth=np.nan), "`azimuth`.*nan"),
    (lambda: om.relaxation(FILM, 10.0, 1.0).along((1, 2, 3)), r"`axis`.*\(3,\)"),
    (
        lambda: om.relaxation(FILM, 10.0, 1.0, method="bloch-redfield", resolution=0.0),
        "`resolution` must be one real number and > 0 s, got 0",
    ),
    (
        lambda: om.relaxation(FILM, 10.0, 1.0, method="evolution", sec_cutoff=0.1),
        "`sec_cutoff` is now `resolution`, a time in s.*inf is the full.*got sec_cutoff = 0.1",
    ),
    (
        lambda: om.relaxation(paramagnet(2.5e6 - 0.5), 10.0, 1.0, method="bloch-redfield"),
        "`spin`.*dimension <= 64, got 10000000.*GiB",
    ),
    (
        lambda: om.relaxation(paramagnet(2.5e6 - 0.5), 10.0, 1.0, method="evolution"),
        "`spin`.*dimension <= 64, got 10000000.*GiB",
    ),
    (lambda: evolution(FILM, 10.0, 1.0, thermostat="oven"), "`thermostat`.*'reset'.*'oven'"),
    (lambda: evolution(FILM, 10.0, 1.0, thermostat="reset"), "`thermostat_rate`.*None"),
    (lambda: evolution(FILM, 10.0, 1.0, thermostat_rate=1.0), "`thermostat_rate` goes with"),
    (
        lambda: evolution(FILM, 10.0, 1.0, thermostat="flips", thermostat_rate=1e9),
        r"`thermostat_rate` must be at least ten times.*1/s, got 1e\+09",
    ),
    (
        lambda: evolution(FILM, 10.0, 1.0, options={"rtoll": 1e-9}),
        "`options` must be QuTiP solver options.*rtoll",
    ),
    (lambda: evolution(FILM, 10.0, 1.0, options={"rtol": "x"}), r"`options\['rtol'\]`.*'x'"),
    (
        lambda: evolution(FILM, 10.0, 1.0, options={"method": "magic"}),
        "`options` must be QuTiP solver options.*magic",
    ),
    (lambda: record_decay(om.presets.pt_py(0.0), 10.0, 1.0), "`sample` must couple"),
    (
        lambda: free_moment(film_of(*[om.Moments(**MOMENTS)] * 2), 10.0, 1.0),
        "one coupled sublattice, got 2",
    ),
    (lambda: om.magnetoresistance(FILM, 10.0, 1.0, (0, 0, 0)), "`direction`.*length > 0"),
    (lambda: om.magnetoresistance(FILM, 10.0, 1.0, (1, 0)), r"`direction`.*3, got shape \(2,\)"),
    (lambda: om.magnetoresistance(FILM, 10.0, 1.0, (1, np.nan, 0)), "`direction`.*nan"),
    (lambda: om.magnetoresistance(FILM, 10.0, [1, 2], np.ones((3, 3))), "`direction` without"),
    (lambda: om.magnetoresistance(FILM, 10.0, 1.0, (1, 0, 0), order="third"), "`order`.*'third'"),
    (lambda: om.verify("film"), "`sample` must be an openmr.Sample"),
    (lambda: om.verify(temperature=-1.0), "`temperature`.*-1"),
    (lambda: om.verify(direction=np.eye(3)), r"`direction` must have shape \(3,\)"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


def test_unclear_errors_are_noticed():
    def raises(error):
        raise error

    rows = [
        (lambda: 3, "nothing"),
        (lambda: raises(ValueError("`a` wrong")), "another kind"),
        (lambda: raises(om.ParameterError("`b` wrong")), "`a` wrong"),
        (lambda: raises(om.ParameterError("`d` wrong")), "`d` wrong"),
    ]
    assert list(unclear(rows)) == ["nothing", "another kind", "`a` wrong"]
    assert list(unclear(rows[-1:], size="wrong")) == ["`d` wrong"]


COMMANDS = [
    (["verify", "--temperature", "-3"], "`temperature` must be > 0 K, got -3"),
    (["verify", "--temperature", "nan"], "`temperature`"),
    (["verify", "--temperature", "warm"], "must be one real number in K, got 'warm'"),
    (["verify", "--field", "inf"], "`field`"),
    (["verify", "--spin", "0.3"], "`spin`"),
    (["verify", "--spin", "2500"], "GiB"),
    (["verify", "--direction", "0", "0", "0"], "`direction`"),
    (["verify", "--exchange-energy", "1meV", "2meV"], "`exchange_energy` must be a scalar, (x, y"),
    (["verify", "--exchange-energy", "-1"], "have a unit, meV as in -1meV or eV as in -1e-3eV"),
    (["verify", "--exchange-energy", "-1e-3"], "--exchange-energy: must have a unit"),
    (["verify", "--exchange-energy", "-1meV", "0", "-1meV"], "must have a unit"),
    (["verify", "--exchange-energy", "-1MeV"], "must have a unit"),
    (["verify", "--exchange-energy", "strongeV"], "must have a unit"),
    (["verify", "--disorder", "glass"], "`disorder`"),
    (["verify", "--plot", __file__], "`--plot` must be a directory"),
    (["ledger", "--only", ""], "`only` must hold at least one equation number"),
    (["verify", "--speed", "3"], "unrecognized arguments: --speed 3"),
    (["verify", "--field", "-inf"], "`field` must be finite real numbers in T, got -inf"),
    (["verify", "--field", "-1e"], "--field/-B: must be in T, got a quantity in e"),
    (["verify", "--temperature", "1e-300"], "`temperature` must be so high"),
    (["verify", "--temperature", "-1e-1"], "`temperature` must be > 0 K, got -0.1"),
    (["validity", "--tolerance", "-1e-1"], "`tolerance`"),
    (["ledger", "--only", "-1e1"], "got '-1e1'"),
    (["sweep", "-c", "a", "-o", "b", "-j", "-1e0"], "-j: invalid int value: '-1e0'"),
    (["read", "nope.dat"], "`path` must be a file to read, got 'nope.dat': No such file"),
    (["read", __file__, "--decimal", "x"], "`decimal` must be one of '.', ',', got 'x'"),
    (["read", __file__, "--units", "Oe"], "`--units` must be COLUMN=UNIT, as B=Oe, got 'Oe'"),
    (["explore", "--port", "-1e3"], "--port: invalid int value: '-1e3'"),
    (["conquer"], "invalid choice: 'conquer'"),
    (["rates", "--method", "magic"], "--method"),
    (["rates", "-T", "-1"], "`temperature`"),
    (["rates", "--page", "rho.png"], "--page"),
    (["resistance", "--csv", "no/such/file.csv"], "`--csv`"),
    (["resistance", "--plot", "no/such/file.png"], "`--plot`"),
    (["resistance", "--direction", "0", "0", "0"], "`direction`"),
]


def test_the_command_line_prints_one_line_and_exits_2(capsys):
    otherwise = []
    for arguments, message in COMMANDS:
        try:
            status = cli.main(arguments)
        except SystemExit as stopped:  # argparse
            status = stopped.code
        out, err = capsys.readouterr()
        if status != 2 or message not in err or err.count("\n") != 1 or out:
            otherwise.append((arguments, status, out, err))
    assert otherwise == []


@pytest.mark.parametrize("command", ["verify", "validity"])
def test_negative_numbers_in_every_notation(command):
    """Python's own parser takes -1e-1 for an unknown option."""
    for number in ("-1", "-2.", "-.5", "-1e-1", "-1E+2", "-.5e-3", "-2.e1", "-1_0"):
        read_negative(command, number)


def read_negative(command, number):
    for option in ("--field", "-B", "--temperature"):
        for more in ([], ["3", number]):
            found = cli._parser().parse_args([command, option, number, *more])
            name = {"-B": "field"}.get(option, option[2:].replace("-", "_"))
            assert getattr(found, name) == [float(word) for word in (number, *more)]
    for unit, scale in (("meV", 1e-3), ("eV", 1.0), (" eV", 1.0)):
        given = [command, "--exchange-energy", number + unit, "3meV", number + unit]
        energy = scale * float(number)
        assert cli._parser().parse_args(given).exchange_energy == [energy, 3e-3, energy]
    found = cli._parser().parse_args([command, "--direction", "1", number, "0", "-B", number])
    assert found.direction == [1.0, float(number), 0.0]
    assert found.field == [float(number)]
    assert cli._parser().parse_args([command, "--spin", number]).spin == float(number)


def test_no_half_written_figure(tmp_path):
    def fails(path):
        with open(path, "w") as file:
            file.write("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "figure.png", fails)
    assert list(tmp_path.iterdir()) == []


def test_zero_coupling_and_no_spin_flips_stay_finite():
    film = om.Film(**{**LAYER, "spin_flip_time": np.inf})
    sample = om.Sample(om.presets.pt_py(0.0).magnet, FILM.electrons, film)
    for method in ("closed-form", "bloch-redfield", "evolution", "tcl2"):
        found = om.magnetoresistance(sample, 10.0, 0.0, (1, 0, 0), method=method)
        assert found.relaxation.tau_longitudinal == np.inf
        assert np.isfinite(found.longitudinal)
        assert found.relaxation.longitudinal == 0


ODD = [
    (lambda: om.ledger(1.5), "`only` must be a sequence of equation numbers, got 1.5"),
    (lambda: om.ledger(""), "`only` must hold at least one equation number, got ''"),
    (lambda: om.ledger([]), r"`only` must hold at least one equation number, got \[\]"),
    (lambda: om.ledger(1000), "`only` must hold equations.*got '1000'"),
    (lambda: om.curie_temperature(1), "`magnet` must be an openmr.Magnet, got 1"),
    (lambda: om.Magnet(1.0), "`sublattices` must be an openmr.Moments, got 1.0"),
    (lambda: om.clusters.rates(None), "`cluster` must be an openmr.Cluster, got None"),
    (lambda: om.clusters.Cluster(0.5, [[0]], 0.1), "`spins` must be a sequence of spins, got 0.5"),
    (lambda: om.fock.density("a"), "`state` must be a qutip.Qobj, got 'a'"),
    (lambda: om.scattering.plane_waves(np.zeros(50000)), "`wavenumbers`.*1000"),
    (lambda: om.scattering.plane_waves([1, 2], 0.0, []), r"`exchange`.*\(0,\)"),
    (lambda: om.bath.moment_correlator(0.7, 1.0), "`spin` must be a positive half-int.*0.7"),
    (lambda: om.bath.moment_correlator(0.5, np.nan), "`x`.*nan"),
    (lambda: om.bath.moment_correlator(5000.0, 1.0), "`spin`.*GiB"),
    (lambda: om.relaxation(FILM, np.datetime64("2020"), 1.0), "`temperature`.*2020"),
    (lambda: om.relaxation(FILM, True, 1.0), "`temperature`.*True"),
    (lambda: om.relaxation(FILM, [1, [2, 3]], 1.0), r"`temperature`.*\[1, \[2, 3\]\]"),
    (lambda: om.relaxation(FILM, 10**400, 1.0), "`temperature`.*1000000"),
    (lambda: om.relaxation(FILM, 1e-300, 1.0), "`temperature` must be between"),
    (lambda: om.relaxation(FILM, 10.0, 1e300), "`field` must be between"),
    (
        lambda: om.presets.pt_py(1e300),
        r"`exchange_energy` must be between -100 and 100 eV, got 1e\+300 \(in eV: 1 meV is 1e-3\)",
    ),
    (lambda: om.relaxation(FILM, [1.0, 2.0], 1.0, azimuth=[0, 1, 2]), r"`azimuth` \(3,\)"),
    (
        lambda: om.relaxation(FILM, np.ma.masked_array([1.0, 2.0], [True, False]), 1.0),
        "`temperature`.*masked",
    ),
]


def test_odd_input_gets_the_same_clear_error():
    assert unclear(ODD) == {}


FREE = om.Electrons.free
BEYOND = [
    (lambda: om.Moments(1.66e27, 2, exchange_energy=1e-3), r"`spin` must be .* 1e\+07, got 1.66e"),
    (lambda: om.Moments(2, 1e300, exchange_energy=1e-3), r"`density`.* m\^-3, got 1e\+300 \(.*cm"),
    (lambda: om.Moments(2, 2.5, exchange_energy=1e-3), r"`density`.* m\^-3, got 2.5 \(in m\^-3: "),
    (
        lambda: om.Moments(2, 1e27, exchange=1.0),
        "`exchange` times `density` must be at most 100 eV",
    ),
    (lambda: om.Moments(**MOMENTS, g=1e300), "`g` must be between -10000 and 10000, got 1e"),
    (
        lambda: om.Magnet(om.Moments(**MOMENTS), 1e300),
        r"`weiss` .* 100 eV, got 1e\+300 \(in eV: 1 ",
    ),
    (lambda: om.presets.pt_py(curie_temperature=1e300), r"`curie_temperature`.*100000 K, got 1e"),
    (
        lambda: om.Magnet([om.Moments(**MOMENTS)] * 2, neel_temperature=1e300),
        "`neel_temperature` must be between 0 and 100000 K, got 1e",
    ),
    (lambda: om.Electrons(1e300, 1e27), r"`dos_up` must be between 1 and .* eV\^-1 m\^-3, got 1e"),
    (lambda: om.Electrons(1e27, 1e-300), r"`dos_down` must be between 1 and .* m\^-3, got 1e-300"),
    (lambda: om.Electrons(1e27, 1e27, g=1e300), "`g` must be between -10000 and 10000, got 1e"),
    (lambda: om.Electrons(1e27, 1e27, g=1e-300), "`g` of the electrons.*nor smaller than 1e-15"),
    (lambda: FREE(1e300), r"`fermi_energy` must be between .* eV, got 1e\+300"),
    (lambda: FREE(1.0, mass=1e300), "`mass` must be between .* free-electron masses, got 1e"),
    (lambda: FREE(1.0).diffusion(1e-300), "`resistivity` must be between .* Ohm m, got 1e-300"),
    (
        lambda: om.Film(**{**LAYER, "thickness": 1e300}),
        r"`thickness` .* m, got 1e\+300 \(in m: 5 n",
    ),
    (
        lambda: om.Film(**{**LAYER, "thickness": 5}),
        r"`thickness`.*0.001 m, got 5 \(in m: 5 nm is 5",
    ),
    (lambda: om.Film(**{**LAYER, "diffusion": 1e300}), r"`diffusion` must be .* m\^2/s, got 1e"),
    (
        lambda: om.Film(**{**LAYER, "resistivity": 2e6}),
        r"`resistivity`.*0.01 Ohm m, got 2000000.0 ",
    ),
    (lambda: om.Film(**{**LAYER, "spin_flip_time": 1e300}), "`spin_flip_time` .* s, got 1e.*9 ps"),
    (lambda: length(1e-300), r"`diffusion_length` .* m, got 1e-300 \(in m: 3 nm is 3e-9\)"),
    (lambda: length(1e200), "`diffusion_length` must be between 1e-15 and 1 m, got 1e"),
    (lambda: om.closed_form.mean_spin(2, np.nan), "`x`.*nan"),
    (lambda: om.closed_form.mean_spin(2, "a"), "`x`.*'a'"),
    (lambda: om.closed_form.mean_spin(2, [1.0, 0.0]), "`x` must not be zero, got 0"),
    (lambda: om.closed_form.mean_spin(2.3, 1.0), "`spin` must be a positive half-int.*2.3"),
    (lambda: om.closed_form.second_moment([1, 2], [1, 2, 3]), r"`spin` \(2,\), `x` \(3,\)"),
    (lambda: om.closed_form.absorption("a"), "`x`.*'a'"),
    (lambda: om.closed_form.emission(np.inf), "`x`.*inf"),
    (lambda: surviving_fraction(5e-9, np.nan), r"`decay`.*m\^-2, got nan"),
    (lambda: surviving_fraction(5e-9, [1j, np.nan]), r"`decay` must be finite numbers in m\^-2"),
    (lambda: surviving_fraction(5e-9, "a"), "`decay`.*'a'"),
    (lambda: surviving_fraction(5e-9, [[1], [1, 2]]), r"`decay`.*\[\[1\], \[1, 2\]\]"),
    (lambda: surviving_fraction(5e-9, -1e16), r"`decay` must be >= 0 m\^-2 if real, got -1e\+16"),
    (lambda: surviving_fraction(-1, 1.0), "`thickness`.*> 0 m, got -1"),
    (lambda: surviving_fraction(1e300, 1.0), "`thickness` and `decay` must leave.*overflow"),
    (lambda: read_csv("nope.csv"), "`path` must be a file to read, got 'nope.csv': No"),
    (lambda: read_csv("."), "`path` must be a file to read, got '.': Is a directory"),
    (lambda: read_csv(None), "`path` must be a file to read, got None"),
]


def length(metres):
    return om.Film(**{**LAYER, "spin_flip_time": None}, diffusion_length=metres)


def test_what_no_film_has_is_refused_by_name():
    assert unclear(BEYOND) == {}


RANGES = {
    "spin": (0.5, _checks.LARGEST_SPIN),
    "density": magnet.SPIN_DENSITY[:2],
    "exchange_energy": magnet.EXCHANGE[:2],
    "moment_g": film.G_FACTOR[:2],
    "electron_g": (film.SMALLEST_G, film.G_FACTOR.most),
    "curie_temperature": magnet.ORDER[:2],
    "weiss": magnet.EXCHANGE[:2],
    "dos_up": film.DOS[:2],
    "thickness": film.THICKNESS[:2],
    "diffusion": film.DIFFUSION[:2],
    "diffusion_length": (*film.LENGTH[:2], np.inf),
    "spin_flip_time": (*film.TIME[:2], np.inf),
    "resistivity": film.RESISTIVITY[:2],
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "spin")) for name in RANGES]
)
@pytest.mark.filterwarnings("error")
def test_the_ends_of_every_range_leave_finite_results(name):
    for value in RANGES[name]:
        changed = varied(om.presets.pt_py(), {name: value})
        found = om.magnetoresistance(changed, 10.0, 5.0, (1, 1, 1))
        rates = found.relaxation
        assert np.isfinite(found.longitudinal)
        assert np.isfinite(found.transverse)
        assert np.all(np.isfinite(rates.tensor))
        assert np.isfinite(rates.exchange_field)


def test_frozen_moments_leave_zero_rates():
    """Rates that underflow are zero in every method, not a division by it."""
    frozen = om.presets.pt_py(disorder="lattice")
    for method in ("closed-form", "bloch-redfield"):
        assert om.relaxation(frozen, 0.03, 1.0, method=method).dissipator.max() == 0


def test_no_directory_to_write_to(capsys):
    """Noticed before anything is computed."""
    for command, option, target in (
        (["ledger"], "--page", "/nonexistent/page.md"),
        (["ledger"], "--page", "/proc/page.md"),
        (["verify"], "--plot", "/proc/plots"),
        (["sweep", "-c", "no.toml"], "--output", "/proc/x.nc"),
    ):
        assert cli.main([*command, option, target]) == 2
        said = capsys.readouterr()
        assert f"`{option}` must be a" in said.err
        assert target in said.err
        assert said.err.count("\n") == 1
        assert said.out == ""


def test_no_file_takes_the_place_of_one_that_is_read_or_written(tmp_path, capsys, monkeypatch):
    """By whatever names they are called."""
    monkeypatch.chdir(tmp_path)
    film = tmp_path / "film.toml"
    film.write_text('[sample]\npreset = "pt_py"\n[sweep]\ntemperature = 5.0\nfield = 1.0\n')
    (tmp_path / "link.toml").symlink_to(film)
    kept = film.read_bytes()
    for command, one, other in (
        ("sweep -c film.toml -o film.toml", "output", "config"),
        ("sweep -c film.toml -o ./link.toml", "output", "config"),
        (f"sweep -c film.toml --store a.nc -o {tmp_path}/a.nc", "output", "store"),
        ("rates -c film.toml --csv film.toml", "csv", "config"),
        ("resistance --csv a.svg --plot ./a.svg", "plot", "csv"),
    ):
        assert cli.main(command.split()) == 2
        assert f"`--{one}` must be another file than `--{other}`" in capsys.readouterr().err
    assert film.read_bytes() == kept
    assert sorted(one.name for one in tmp_path.iterdir()) == ["film.toml", "link.toml"]


def test_equation_numbers_in_either_case_or_as_a_number():
    assert [f.entry.equation for f in om.ledger("b36, 70").findings] == ["70", "B36"]
    assert [f.entry.equation for f in om.ledger(70).findings] == ["70"]


def test_equation_numbers_by_the_command_line(capsys):
    for arguments in (["70", "B36"], ["70", "--only", "B36"], ["70,B36"]):
        assert cli.main(["ledger", "--only", *arguments]) == 0
        assert "2 entries" in capsys.readouterr().out


def test_the_command_line_knows_its_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"openmr {om.__version__}\n"


def test_a_message_is_one_line_that_a_screen_holds():
    said = str(om.ParameterError(f"`name` must be\nshort, got {'x' * 10**6} in the end"))
    assert "\n" not in said
    assert len(said) < 700
    assert said.startswith("`name` must be short, got xxx")
    assert said.endswith("x in the end")


NO_NUMBERS = [
    bytearray(b"5"), memoryview(b"5"), np.ma.masked, [np.ma.masked, 1.0],
    np.ma.array([1.0, 2.0], mask=[0, 1]), np.array(["5", 1.0], dtype=object),
    np.array([True, 1.0], dtype=object), np.timedelta64(5), [np.timedelta64(5), 1],
    np.longdouble("1e4000"), 10**5000, np.zeros(2, [("a", "f8")]), [1, [2, 3]],
    [True, 1.0], (2, np.True_), [[1.0, 0.0], [0.0, True]], [np.array(True), 1.0],
    deque([True, 1.0]), [np.array([True, False]), (1.0, 2.0)],
]  # fmt: skip


def test_letters_ticks_masks_and_truths_are_no_numbers():
    """Where an array, a number or a matrix is asked for, and in every parameter of a sweep."""
    for value in NO_NUMBERS:
        for check in (
            _checks.finite_array, _checks.number, _checks.finite_numbers, _checks.square_matrix,
        ):  # fmt: skip
            with pytest.raises(om.ParameterError, match="`name`"):
                check("name", value)
    for name in (one for one in RANGES if not PARAMETERS[one].instead):
        for value in NO_NUMBERS:
            with pytest.raises(om.ParameterError, match=f"`{name}`|`exchange"):
                om.sweep(FILM, temperature=10.0, field=5.0, **{name: value})


SWITCHES = ["false", "True", 0, 1.0, np.array([True]), [], None]


@pytest.mark.parametrize("value", SWITCHES, ids=repr)
def test_a_switch_is_true_or_false_and_nothing_else(value):
    for method, name in (
        ("batched", "electron_splitting"), ("bloch-redfield", "electron_splitting"),
        ("evolution", "electron_splitting"), ("tcl2", "electron_splitting"),
        ("heom", "electron_splitting"), ("exact", "electron_splitting"),
        ("kinetic", "modes"), ("tcl2", "level_shift"),
    ):  # fmt: skip
        words = rf"`{name}` must be True or False, got"
        with pytest.raises(om.ParameterError, match=words):
            om.relaxation(FILM, 10.0, 5.0, method=method, **{name: value})
        options = {name: value}
        with pytest.raises(om.ParameterError, match=words):
            om.sweep(FILM, temperature=10.0, field=5.0, method=method, options=options)
    with pytest.raises(om.ParameterError, match="`progress` must be True or False"):
        om.sweep(FILM, temperature=10.0, field=5.0, progress=value)
    with pytest.raises(om.ParameterError, match="`costs` must be True or False"):
        om.validity(FILM, 10.0, 5.0, costs=value)


TOO_MANY = [
    (lambda: om.relaxation(FILM, np.broadcast_to(10.0, 10**9), 5.0), "`temperature`.*7.45 GiB"),
    (
        lambda: om.relaxation(FILM, np.zeros((40000, 1)) + 1, np.zeros(40000)),
        r"at most 1e\+08 points, got 1.6e\+09 \(about 119 GiB\)",
    ),
    (
        lambda: om.relaxation(om.presets.pt_py(spin=1e6), np.linspace(1, 9, 1000), 5.0),
        r"points times spin levels at once.*238 GiB",
    ),
    (
        lambda: om.relaxation(FILM, np.full(10**6, 10.0), 5.0, method="kinetic"),
        r"at most 5e\+05 points for method 'kinetic', got 1e\+06 \(about 2e\+05 s\)",
    ),
    (
        lambda: om.magnetoresistance(FILM, 10.0, 5.0, np.broadcast_to(1.0, (10**9, 3))),
        "`direction` must hold at most .* numbers.*GiB",
    ),
    (
        lambda: om.sweep(
            FILM, temperature=np.full(10**7, 9.0), field=np.full(10**7, 1.0), store="no"
        ),
        "the dataset must take at most .* in `store`",
    ),
    (
        lambda: om.sweep(
            FILM, temperature=np.full(10**5, 9.0), field=np.full(10**5, 1.0), method="exact",
            store="no",
        ),
        "at most .* GiB in `store`|one processor by `method` 'exact'",
    ),
    (
        lambda: om.sweep(FILM, temperature=np.full(10**7, 9.0), field=1.0, chunk_points=1),
        "`chunk_points` must cut the grid into at most",
    ),
]  # fmt: skip


def test_what_memory_disk_and_patience_do_not_hold_is_refused_at_once():
    assert unclear(TOO_MANY) == {}
