"""A campaign of bad inputs over the public entrances: `make attack`, or a share of it.

Every argument of every entrance gets what it should not, by kinds, and files and command lines are
spoilt besides. Each call runs in a process that is watched, and ends in one of six ways: a clear
error (an OpenmrError of one line that is not too long), accepted, a NaN in what is returned, a
foreign traceback, an unclear error, or no end. The seed says which pairs of arguments are spoilt
together and how files are; exit status 1 if any call ended in one of the last four ways.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import io
import multiprocessing
import multiprocessing.connection
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from systems import FILM_TABLES, MOMENTS_TABLE

PATIENCE = 20.0  # s of a call; none of those that are right takes two
MEMORY = 6 * 2**30
LONGEST = 700
"""Characters of a message: what is echoed is cut, lists of what is known are not."""
NAN_MEANS = ("uncertainty", "condition", "deviation", "diagnostics", "splitting_uncertainty")
"""Fields whose NaN is documented: not known."""


class Exploding:
    """Raises whatever it is asked."""

    def _no(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("exploded")

    __array__ = __float__ = __len__ = __iter__ = __getitem__ = __repr__ = __str__ = __bool__ = _no


class Failing(np.ndarray):
    """An array that nothing can be worked out with."""

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("failed")


def recursive() -> list[Any]:
    one: list[Any] = []
    one.append(one)
    return one


@cache
def numbers() -> dict[str, Any]:
    """Name -> value in the place of a number or an array of numbers."""
    import pandas as pd
    import qutip

    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    return {
        "nan": np.nan, "inf": np.inf, "-inf": -np.inf, "minus one": -1, "zero": 0, "-0.0": -0.0,
        "1e300": 1e300, "-1e300": -1e300, "1e-300": 1e-300, "subnormal": 5e-324,
        "10**400": 10**400, "10**5000": 10**5000, "2**63": 2**63, "1e9 points": None,
        "True": True, "np.False_": np.False_, "None": None, "text": "5", "no text": "",
        "a mass": "2 kg", "NUL": "a\0b", "long text": "x" * 10**6, "surrogate": "\ud800",
        "bytes": b"5", "bytearray": bytearray(b"5"), "memoryview": memoryview(b"5"), "complex": 1j,
        "complex zero": np.array([1 + 0j]), "Fraction": Fraction(1, 3), "Decimal": Decimal("1.5"),
        "Decimal NaN": Decimal("NaN"), "long double": np.longdouble("1e4000"),
        "float16": np.float16(2), "pd.NA": pd.NA, "pd.NaT": pd.NaT,
        "date": datetime.date(2020, 1, 1),
        "timedelta": datetime.timedelta(1), "timedelta64": np.timedelta64(5, "s"),
        "datetime64": np.datetime64("2020"), "pd.Timedelta": pd.Timedelta(1),
        "masked": np.ma.masked, "masked array": masked, "all masked": np.ma.masked_all(2),
        "list with masked": [np.ma.masked, 1.0], "ragged": [1, [2, 3]], "empty": [],
        "empty twice": [[]], "dict": {"a": 1}, "set": {1.0}, "object": object(), "function": len,
        "class": float, "generator": (x for x in (1.0,)), "structured": np.zeros(2, [("a", "f8")]),
        "three axes": np.ones((2, 2, 2)), "objects": np.array([1.0, None], dtype=object),
        "words in objects": np.array(["5", 1.0], dtype=object), "words": ["a", "b"],
        "switches": [True, False], "switch among numbers": [1.0, True],
        "switch in rows": [[1.0, 0.0], [0.0, True]], "big-endian": np.array([1, 2], ">f4"),
        "array that fails": np.ones(2).view(Failing), "series with NaN": pd.Series([1.0, None]),
        "nullable": pd.array([1, None], dtype="Int64"), "frame": pd.DataFrame({"a": ["x"]}),
        "NaN inside": [1.0, np.nan], "inf inside": [np.inf, 1.0], "ellipsis": ...,
        "slice": slice(3),
        "Qobj": qutip.sigmax(), "exploding": Exploding(), "recursive": recursive(),
        "path": Path("a"),
        "module": np, "error": ValueError("x"), "huge": np.broadcast_to(1.0, (10**9,)),
    }  # fmt: skip


@cache
def words() -> dict[str, Any]:
    """Name -> value in the place of a word, a switch, a mapping, a path, a record."""
    few = (
        "nan", "zero", "minus one", "True", "None", "text", "no text", "NUL", "long text", "bytes",
        "surrogate", "bytearray", "complex", "Fraction", "pd.NA", "date", "masked", "masked array",
        "ragged", "empty", "dict", "set", "object", "function", "class", "words", "exploding",
        "recursive", "path", "error", "ellipsis", "10**5000", "structured", "generator", "frame",
    )  # fmt: skip
    more = {
        "blank": " ", "false": "false", "yes": "yes", "one": 1, "line break": "a\nb",
        "key that is no word": {1: 2}, "nested": {"a": {"b": [{}]}},
        "object inside": {"a": object()},
        "long path": "d/" * 3000 + "x", "no such folder": "/proc/none/a/b", "proc": "/proc/x",
        "null": "/dev/null/x", "root": "/", "list of None": [None], "list of lists": [[[]]],
        "array": np.ones(3), "int64": np.int64(3), "address": "s3://a/b",
    }  # fmt: skip
    return {name: numbers()[name] for name in few} | more


class Entrance(NamedTuple):
    """A call that is right, and which arguments are spoilt with what."""

    name: str
    call: Callable[..., Any]
    given: Mapping[str, Any]
    wordy: tuple[str, ...] = ()  # arguments that take `words`, the others take `numbers`
    whole: tuple[str, ...] = ()  # arguments that are left alone


@cache
def entrances() -> tuple[Entrance, ...]:
    """Every public entrance with a call that costs little."""
    import qutip

    import openmr as om

    film = om.presets.pt_py()
    magnet, electrons = film.magnet, film.electrons
    rates = om.relaxation(film, 10.0, [1.0, 5.0])
    rho = om.resistivity(film.film, rates, (1, 0, 0))
    h, x = qutip.sigmaz(), qutip.sigmax()
    system = om.OpenSystem(h, [(x, om.Bath(lambda w: 0.01 * np.exp(-abs(w)), temperature=None))])
    start = qutip.fock_dm(2, 0)
    cluster = om.clusters.Cluster((0.5, 0.5), np.array([[0, 0.1], [0.1, 0]]), 0.2)
    scattered = om.scattering.plane_waves([1.0, 2.0])
    moments = {"spin": 2, "density": 1e27, "exchange_energy": 1e-3, "g": 2.0}
    layer = {
        "thickness": 5e-9, "spin_hall_angle": 0.1, "diffusion": 1e-6, "spin_flip_time": 1e-11,
        "resistivity": 2e-6,
    }  # fmt: skip
    point = {"sample": film, "temperature": 10.0, "field": 5.0}
    grid = {"sample": film, "temperature": [5.0, 10.0], "field": [0.0, 5.0]}
    options = {
        "closed-form": {"form": "corrected", "azimuth": 0.1},
        "batched": {"electron_splitting": True},
        "bloch-redfield": {"electron_splitting": False, "resolution": None},
        "evolution": {"electron_splitting": False, "thermostat": "projection", "options": None,
                      "thermostat_rate": None, "resolution": None},
        "kinetic": {"modes": False, "spacing": 0.5, "reach": 12.0, "energy_relaxation_rate": 1e9},
        "tcl2": {"level_shift": False, "half_width": 1.0, "kernel": "exponential", "rtol": 1e-3},
        "heom": {"max_depth": 3, "largest_spin": 1.0, "drude_cutoff": None, "rtol": 1e-2},
        "exact": {"levels": 60, "noise_width": 0.1, "realisations": 2, "seed": 1},
    }  # fmt: skip
    wordy = (
        "form",
        "thermostat",
        "options",
        "electron_splitting",
        "modes",
        "level_shift",
        "kernel",
    )
    relaxing = [
        Entrance(
            f"relaxation {method}", partial(om.relaxation, film, 10.0, 5.0, method=method), given,
            wordy,
        )
        for method, given in options.items()
        if method not in ("heom", "exact")
    ]  # fmt: skip
    refused = [  # too slow to be let through: what is bad is told before anything is computed
        Entrance(f"relaxation {method}, no points",
                 partial(om.relaxation, om.presets.pt_py(spin=0.5), [], [], method=method),
                 options[method], wordy)
        for method in ("heom", "exact")
    ]  # fmt: skip
    varied = [
        Entrance(f"sweep {name}", partial(om.sweep, **grid), {name: value},
                 ("disorder",) if name == "disorder" else ())
        for name, value in {
            "thickness": [1e-9, 5e-9], "spin_flip_time": [1e-12, np.inf], "spin": [0.5, 2.0],
            "diffusion_length": [1e-9, 3e-9], "exchange_energy": (1e-3, 1e-3, 0.0),
            "weiss": [0.0, 2e-3], "disorder": ["random"], "dos": 2e27, "electron_g": 2.0,
            "ordering_temperature": 20.0, "density_at_fixed_exchange": 1e27, "resistivity": 2e-6,
            "spin_hall_angle": [0.1], "curie_temperature": 30.0, "moment_g": 2.0,
        }.items()
    ]  # fmt: skip
    return (
        Entrance("Moments", om.Moments, moments),
        Entrance("Magnet", om.Magnet, {"sublattices": om.Moments(**moments), "weiss": 1e-3,
                                       "disorder": "random"}, ("sublattices", "disorder")),
        Entrance("Magnet, T_C", partial(om.Magnet, om.Moments(**moments)),
                 {"curie_temperature": 30.0}),
        Entrance("Electrons", om.Electrons, {"dos_up": 1e27, "dos_down": 1e27, "g": 2.0}),
        Entrance("Electrons.free", om.Electrons.free, {"fermi_energy": 1.0, "mass": 1.0}),
        Entrance("Film", om.Film, layer),
        Entrance("Sample", om.Sample, {"magnet": magnet, "electrons": electrons, "film": film.film,
                                       "name": "a"}, ("magnet", "electrons", "film", "name")),
        Entrance("presets.pt_py", om.presets.pt_py, {"exchange_energy": -1e-3, "spin": 2.0,
                 "curie_temperature": 30.0, "disorder": "random"}, ("disorder",)),
        Entrance("equilibrium", om.equilibrium, point, ("sample",)),
        Entrance("relaxation", om.relaxation, {**point, "method": "closed-form"},
                 ("sample", "method")),
        *relaxing,
        *refused,
        Entrance("magnetoresistance", om.magnetoresistance,
                 {**point, "direction": (1, 0, 0), "order": "second",
                  "precession_sign": "hamiltonian"}, ("sample", "order", "precession_sign")),
        Entrance("resistivity", om.resistivity, {"film": film.film, "relaxation": rates,
                 "direction": (1, 0, 0)}, ("film", "relaxation")),
        Entrance("mechanisms", om.mechanisms, {"film": film.film, "relaxation": rates,
                 "direction": (1, 0, 0)}, ("film", "relaxation")),
        Entrance("scan_directions", om.scan_directions, {"plane": "xy", "angle": [0.0, 1.0]},
                 ("plane",)),
        Entrance("curie_temperature", om.curie_temperature, {"magnet": magnet}, ("magnet",)),
        Entrance("ordering_temperature", om.ordering_temperature, {"magnet": magnet}, ("magnet",)),
        Entrance("sweep", om.sweep, {**grid, "direction": (1, 0, 0), "method": "batched",
                 "options": {}, "chunk_seconds": 1.0, "chunk_points": 9, "progress": False,
                 "executor": None},
                 ("sample", "method", "options", "progress", "executor")),
        *varied,
        Entrance("sweep store", stored, {"store": "kept", "name": "a", "options": {}},
                 ("store", "name", "options")),
        Entrance("validity", partial(om.validity, film), {"temperature": 10.0, "field": 5.0,
                 "direction": (1, 0, 0), "half_width": 1.0, "costs": False, "routes": (),
                 "tolerance": 0.1, "mixing_rate": 0.0}, ("costs", "routes")),
        Entrance("ledger", om.ledger, {"only": "70"}, ("only",)),
        Entrance("diffusion.profile", partial(om.diffusion.profile, film.film, rates),
                 {"direction": (1, 0, 0), "depth": [0.0, 1e-9], "electric_field": 1.0,
                  "method": "matrix"}, ("method",)),
        Entrance("diffusion.surviving_fraction", om.diffusion.surviving_fraction,
                 {"thickness": 1e-9, "decay": [1e16]}),
        Entrance("impurity.spin_flip_rate", om.impurity.spin_flip_rate,
                 {"density": 1e24, "potential": 1e-29, "fermi_energy": 1.0, "mass": 1.0}),
        Entrance("bath.moment_correlator", om.bath.moment_correlator,
                 {"spin": 0.5, "x": 1.0, "connected": False}, ("connected",)),
        Entrance("bath.moment_bath", om.bath.moment_bath, {"spins": [0.5], "splittings": [1.0],
                 "strengths": [1.0], "temperature": 1.0, "cutoff": 5.0, "connected": False},
                 ("connected",)),
        Entrance("bath.populations", om.bath.populations, {"spin": 0.5, "x": 1.0}),
        Entrance("Bath", om.Bath, {"spectrum": abs, "temperature": 1.0, "conserving": False},
                 ("spectrum", "conserving")),
        Entrance("OpenSystem", om.OpenSystem, {"hamiltonian": h, "couplings": [], "collapse": ()},
                 ("couplings", "collapse")),
        Entrance("OpenSystem.gibbs", system.gibbs, {"temperature": 1.0}),
        Entrance("master.generator", om.master.generator, {"system": system, "method": "redfield",
                 "level_shift": False}, ("system", "method", "level_shift")),
        Entrance("master.evolve", om.master.evolve, {"system": system, "start": start,
                 "times": [0.0, 1.0], "method": "redfield", "e_ops": ()},
                 ("system", "start", "method", "e_ops")),
        Entrance("master.rates", om.master.rates, {"system": system, "method": "redfield"},
                 ("system", "method")),
        Entrance("master.steady_state", om.master.steady_state, {"system": system,
                 "method": "davies"}, ("system", "method")),
        Entrance("master.correlation", om.master.correlation, {"system": system, "a": x, "b": x,
                 "times": [0.0, 1.0]}, ("system", "a", "b")),
        Entrance("master.spectrum", om.master.spectrum, {"system": system, "a": x, "b": x,
                 "w": [1.0]}, ("system", "a", "b")),
        Entrance("master.compare", om.master.compare, {"system": system, "question": "rates",
                 "methods": ["redfield", "davies"]}, ("system", "question", "methods")),
        Entrance("clusters.graph", om.clusters.graph, {"shape": "ring", "sites": 4}, ("shape",)),
        Entrance("clusters.Cluster", om.clusters.Cluster, {"spins": (0.5, 0.5),
                 "exchange": [[0, 0.1], [0.1, 0]], "zeeman": 0.1}),
        Entrance("clusters.rates", om.clusters.rates, {"cluster": cluster, "coupling": 1.0,
                 "connected": False}, ("cluster", "connected")),
        Entrance("scattering.plane_waves", om.scattering.plane_waves, {"wavenumbers": [1.0, 2.0],
                 "position": 0.0, "exchange": 1.0}),
        Entrance("scattering.adjoint", om.scattering.adjoint, {"matrices": scattered}),
        Entrance("fock.one_body", om.fock.one_body, {"matrix": np.eye(2)}),
        Entrance("fock.density", om.fock.density, {"state": qutip.fock_dm([2, 2], [0, 1])},
                 ("state",)),
        Entrance("fock.gaussian_state", om.fock.gaussian_state, {"rho": 0.5 * np.eye(2)}),
        Entrance("fock.canonical_pairs", om.fock.canonical_pairs, {"energies": [0.0, 1.0],
                 "particles": 1}),
        Entrance("sectors.joint_spectrum", om.sectors.joint_spectrum, {"spins": [0.5],
                 "reduced_splittings": [1.0], "exchange": [(1, 1, 1)], "noise": 1.0,
                 "electron_splitting": 0.0}),
        Entrance("diagnosis.measured", om.diagnosis.measured, {"longitudinal": [1e-6, 2e-6],
                 "temperature": 10.0, "field": [1.0, 2.0], "direction": (1, 0, 0),
                 "uncertainty": 1e-9}),
        Entrance("diagnosis.read_csv", om.diagnosis.read_csv, {"path": "no.csv"}, ("path",)),
        Entrance("plotting.resistance_curves", drawn(om.plotting.resistance_curves),
                 {"curves": rho, "against": "field", "relative": False},
                 ("curves", "against", "relative")),
        Entrance("animation.decaying_spin", om.animation.decaying_spin, {"relaxation":
                 om.relaxation(film, 10.0, 5.0), "times": [0.0, 1e-12], "start": (1, 0, 0)},
                 ("relaxation",)),
        Entrance("explorer", page, {"temperature": 10.0,
                 "spin": 2.0, "exchange_x": 1.0, "thickness": 5.0, "polar": 90.0}),
    )  # fmt: skip


def stored(store: Any, name: Any, options: Any) -> Any:
    """A sweep into a store of a sample with that name."""
    import openmr as om

    base = om.presets.pt_py()
    sample = om.Sample(base.magnet, base.electrons, base.film, name)
    found = om.sweep(sample, temperature=[5.0, 9.0], field=1.0, store=store, options=options)
    return dict(found.load())


def page(**values: Any) -> Any:
    """The explorer's page of values that it was sent."""
    from openmr.apps.explorer import screen

    sent = {**dataclasses.asdict(screen.Settings()), **values}
    settings = screen.moved(sent) if hasattr(screen, "moved") else screen.Settings(**sent)
    return settings if hasattr(settings, "reason") else screen.answer(settings)


def drawn(plot: Callable[..., Any]) -> Callable[..., None]:
    """A plot whose figure is thrown away."""

    def draw(**given: Any) -> None:
        import matplotlib.pyplot as plt

        try:
            plot(**given)
        finally:
            plt.close("all")

    return draw


# --- files and command lines ------------------------------------------------------------------

TOML = f"""method = "batched"
[sample]
name = "a"
weiss = 1.3e-3
{FILM_TABLES}{MOMENTS_TABLE}[sweep]
temperature = {{ from = 2.0, to = 10.0, points = 3 }}
field = [0.0, 5.0]
[options]
electron_splitting = false
"""
VALUES = (
    "nan", "inf", "-1", "0", "1e999", "true", '"x"', '""', '"a\\u0000b"', "[]", "[[]]", "{}",
    "{ a = 1 }", "2020-01-01", "[1, [2]]", '["a", 1]', "9" * 30, "[" * 3000 + "]" * 3000,
    "{ from = 1 }", "{ from = 1, to = 2, points = 99999999999999999999 }", "'''\n'''", "0x1F",
    "{ from = nan, to = 2, points = 3 }", "[nan]", "[true]", '"\\uD7FF"',
)  # fmt: skip
COMMANDS = (
    ["verify", "--temperature", "5", "--field", "1"], ["validity", "-T", "10", "-B", "1"],
    ["ledger", "--only", "70"], ["sweep", "-c", "film.toml", "-o", "o.nc", "-q"],
    ["explore", "--headless"],
)  # fmt: skip
WORDS = (
    "", " ", "-1", "nan", "inf", "1e400", "x" * 3000, "\udcff", "-", "--", "1,2", "/", "/proc/x",
    "/dev/full", "None", "999999999999999999999", "a\nb", "1meV", "-1e-3", "0x10",
)  # fmt: skip


def spoilt_toml(chance: random.Random) -> bytes:
    """A description of a sweep with one thing wrong in it."""
    lines = TOML.splitlines()
    kind = chance.randrange(6)
    if kind < 3:
        at = chance.choice([i for i, line in enumerate(lines) if " = " in line])
        lines[at] = f"{lines[at].partition(' = ')[0]} = {chance.choice(VALUES)}"
    elif kind == 3:
        del lines[chance.randrange(len(lines))]
    elif kind == 4:
        lines.insert(
            chance.randrange(len(lines)), chance.choice(["[x]", "x = 1", "[[sweep]]", "\0"])
        )
    text = bytearray("\n".join(lines).encode())
    if kind == 5:
        for _ in range(chance.randint(1, 4)):
            text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text)


def run(arguments: list[str]) -> None:
    """The command line in this process; anything but a line and a known status is a traceback."""
    from openmr.apps import cli

    said, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(said):
        try:
            status = cli.main(arguments)
        except SystemExit as left:
            status = left.code
    if status in (0, 1):
        return
    line = told.getvalue()
    if status != 2 or not line.startswith("openmr: ") or line.count("\n") != 1:
        raise RuntimeError(f"status {status}, said {line[:200]!r}")
    raise _Told(line.strip())


class _Told(Exception):
    """A clear line of the command line."""


def sweep_of(text: bytes) -> None:
    """`openmr sweep` of a file with that text."""
    Path("film.toml").write_bytes(text)
    run(["sweep", "-c", "film.toml", "-o", "o.nc", "-q"])


# --- the campaign -----------------------------------------------------------------------------


class Case(NamedTuple):
    """One call."""

    entrance: str
    kind: str
    call: Callable[[], Any]


def cases(seed: int) -> Iterator[Case]:
    """All calls of a campaign, the same for the same seed."""
    chance = random.Random(seed)
    for one in entrances():
        for argument in one.given:
            if argument in one.whole:
                continue
            values = words() if argument in one.wordy else numbers()
            for kind, value in values.items():
                yield Case(
                    one.name, f"{argument}: {kind}",
                    partial(one.call, **{**one.given, argument: fresh(kind, value)}),
                )  # fmt: skip
        if len(one.given) > 1:
            for _ in range(6):
                spoilt, kinds = {}, []
                for argument in chance.sample(sorted(one.given), 2):
                    values = words() if argument in one.wordy else numbers()
                    kind = chance.choice(sorted(values))
                    spoilt[argument] = fresh(kind, values[kind])
                    kinds.append(f"{argument}: {kind}")
                yield Case(one.name, ", ".join(kinds), partial(one.call, **{**one.given, **spoilt}))
    for number in range(1200):
        yield Case("openmr sweep, file", f"file {number}", partial(sweep_of, spoilt_toml(chance)))
    for _ in range(500):
        command = spoilt_command(chance)
        yield Case("openmr, options", " ".join(command)[:60], partial(run, command))


def spoilt_command(chance: random.Random) -> list[str]:
    """A command line with one or two things wrong in it."""
    command = list(chance.choice(COMMANDS))
    for _ in range(chance.randint(1, 2)):
        at = chance.randint(1, len(command))
        word = chance.choice(WORDS)
        if chance.random() < 0.5 or at == len(command):
            option = chance.choice(["--spin", "-T", "-B", "--config", "--port", word])
            command[at:at] = [option, word]
        else:
            command[at] = word
    if command[0] == "explore":  # a good command would serve for ever
        command += ["--port", "-1"]
    if command[0] in ("verify", "validity"):  # and these would take their time
        command += ["--direction", "0", "0", "0"]
    return command


def fresh(kind: str, value: Any) -> Any:
    """A generator is used up by the first who takes it."""
    return (x for x in (1.0,)) if kind == "generator" else value


def outcome(case: Case) -> tuple[str, str]:
    """Word for how a call ends, and what was said."""
    import openmr as om

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = case.call()
    except _Told as told:
        return "clear error", str(told)
    except om.OpenmrError as error:
        said = str(error)
        unclear = "\n" in said or len(said) > LONGEST or not said
        return ("unclear" if unclear else "clear error"), said[:300]
    except MemoryError as error:
        return "traceback", f"MemoryError: {error}"
    except Exception as error:
        with contextlib.suppress(Exception):
            return "traceback", f"{type(error).__name__}: {error}"[:300]
        return "traceback", type(error).__name__
    where = nan_in(found)
    return ("NaN", where) if where else ("accepted", "")


def nan_in(found: Any, where: str = "result", depth: int = 0) -> str:
    """Place of a NaN in what was returned; "" if there is none."""
    if depth > 4 or any(name in where for name in NAN_MEANS):
        return ""
    if type(found).__name__ == "Measured":  # NaN where one of the two was not measured
        one = np.where(np.isnan(found.longitudinal), found.transverse, found.longitudinal)
        return nan_in(one, where)
    if isinstance(found, float | complex | np.number | np.ndarray):
        array = np.asarray(found)
        return where if array.dtype.kind in "fc" and np.isnan(array).any() else ""
    if hasattr(found, "data_vars"):
        found = {name: found[name].values for name in found.data_vars}
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        fields = (field.name for field in dataclasses.fields(found))
        found = {name: getattr(found, name, None) for name in fields if not name.startswith("_")}
    if isinstance(found, Mapping):
        parts = found.items()
    elif isinstance(found, list | tuple):
        parts = enumerate(found[:50])
    else:
        return ""
    return next(filter(None, (nan_in(v, f"{where}.{k}", depth + 1) for k, v in parts)), "")


def work(pipe: Any, seed: int, share: float, first: int, step: int) -> None:
    """Run every `step`-th of the chosen cases from `first` on, and tell of each."""
    import resource  # of POSIX; the entrances serve elsewhere, too

    os.chdir(tempfile.mkdtemp(prefix="attack-"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.setrecursionlimit(1000)
    for number, case in enumerate(cases(seed)):
        if number < first or (number - first) % step or not chosen(number, seed, share):
            continue
        pipe.send((number, case.entrance, case.kind, "", ""))
        pipe.send((number, case.entrance, case.kind, *outcome(case)))
    pipe.send(None)


def chosen(number: int, seed: int, share: float) -> bool:
    """Whether a case is in that share of the campaign."""
    return random.Random(seed * 1_000_003 + number).random() < share


def campaign(seed: int, share: float, minutes: float, workers: int) -> list[tuple[str, ...]]:
    """(entrance, kind, outcome, what was said) of each case."""
    end = time.monotonic() + 60 * minutes
    context = multiprocessing.get_context("spawn")
    found: list[tuple[str, ...]] = []

    def started(first: int) -> list[Any]:
        ours, theirs = context.Pipe(False)
        process = context.Process(
            target=work, args=(theirs, seed, share, first, workers), daemon=True
        )
        process.start()
        theirs.close()
        return [process, ours, None, time.monotonic() + 120.0]  # imports take their time

    at_work = [started(first) for first in range(workers)]
    while at_work and time.monotonic() < end:
        ready = multiprocessing.connection.wait([one[1] for one in at_work], timeout=0.5)
        for one in list(at_work):
            process, pipe, last, deadline = one
            message: Any = "none yet"
            if pipe in ready:
                try:
                    message = pipe.recv()
                except EOFError:
                    message = "gone"
            if message is None:
                at_work.remove(one)
            elif isinstance(message, tuple):
                number, entrance, kind, ended, said = message
                if ended:
                    found.append((entrance, kind, ended, said))
                one[2:] = [message, time.monotonic() + PATIENCE]
            elif message == "gone" or time.monotonic() > deadline:
                process.kill()
                process.join()
                at_work.remove(one)
                if last is not None:
                    number, entrance, kind = last[:3]
                    if not last[3]:
                        word = "traceback" if message == "gone" else "hang"
                        found.append((entrance, kind, word, f"process {message}"))
                    at_work.append(started(number + workers))
    for process, *_ in at_work:
        process.kill()
    return found


OUTCOMES = ("clear error", "accepted", "NaN", "traceback", "unclear", "hang")


def table(found: list[tuple[str, ...]]) -> str:
    """Counts of outcomes, by entrance."""
    counts: dict[str, Counter[str]] = {}
    for entrance, _, ended, _ in found:
        counts.setdefault(entrance, Counter())[ended] += 1
    counts["all"] = sum(counts.values(), Counter())
    width = max(map(len, counts))
    lines = [f"{'':{width}}" + "".join(f"{name:>13}" for name in OUTCOMES)]
    for entrance, count in counts.items():
        lines.append(f"{entrance:{width}}" + "".join(f"{count[name]:>13}" for name in OUTCOMES))
    return "\n".join(lines)


def main() -> int:
    """Run a campaign and print its table and what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.55, help="of all calls")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--log", type=Path, help="write every case there")
    given = parser.parse_args()
    start = time.monotonic()
    found = campaign(given.seed, given.share, given.minutes, given.workers)
    bad = [one for one in found if one[2] not in ("clear error", "accepted")]
    for entrance, kind, ended, said in bad[:400]:
        print(f"{ended}: {entrance}, {kind}: {' '.join(said.split())[:160]}")
    print(table(found))
    print(f"{len(found)} cases, seed {given.seed}, {time.monotonic() - start:.0f} s")
    if given.log:
        given.log.write_text("\n".join(map(repr, found)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
