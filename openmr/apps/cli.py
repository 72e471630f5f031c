"""The command line: `openmr rates`, `resistance`, `verify`, `validity`, `ledger`, `sweep`, ..."""

from __future__ import annotations

import argparse
import errno
import os
import re
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, get_args

from openmr import _checks
from openmr._checks import OpenmrError, ParameterError, required
from openmr._files import expect_directory, expect_file, write_whole
from openmr._version import __version__
from openmr._words import Branch
from openmr.apps.fit_file import FIT_EXAMPLE
from openmr.moments.vector_equilibrium import refuse_branch
from openmr.rates.methods import COSTLY, METHODS
from openmr.reports.ledger.entries import VERDICTS
from openmr.sample.parameters import POINT, parameter
from openmr.sample.toml import EXAMPLE, read_config, read_sample
from openmr.tables import document, json_text, table

if TYPE_CHECKING:
    import xarray
    from numpy.typing import ArrayLike

    from openmr.reports.ledger import Ledger
    from openmr.reports.validity import Validity
    from openmr.reports.verify.report import Report
    from openmr.sample.film import Sample
    from openmr.transport.resistivity import Resistivity

_Found = TypeVar("_Found")
_Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"
_PAGES: Final = "https://openmr.github.io/openmr"
_OK, _MISSED, _BAD_INPUT, _PIPE_CLOSED = 0, 1, 2, 128 + 13
_OF_SAMPLE = ("exchange_energy", "spin", "curie_temperature", "disorder")
"""Options of which `--config` takes the place."""
_OF_LAYER = {
    "longitudinal": "1/s",
    "transverse": "1/s",
    "precession": "rad/s",
    "exchange_field": "T",
}
"""Columns of `openmr rates`, and their units."""
_SHELLS = ("bash", "zsh", "fish")
_WRITTEN = ("csv", "plot", "page", "output")
"""Options that name a file to write."""
_IN_MEMORY = 2**30
"""Bytes of a dataset that goes to its file by way of memory."""
_NEGATIVE = re.compile(
    r"-(\d[\d_]*\.?[\d_]*|\.\d[\d_]*|inf|nan)(e[+-]?\d+)?(\s*[^\W\d].*)?$", re.IGNORECASE
)


_LONGEST = 500
"""Characters of a message; what was given may be longer."""


def _one_line(error: object) -> str:
    """A message for the terminal, whatever has been typed, and none of its bytes unprintable."""
    line = " ".join(str(error).split()).encode(errors="backslashreplace").decode()
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " ..."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._negative_number_matcher = _NEGATIVE  # its own takes -1e-3 for an option

    def error(self, message: str) -> Any:
        self.exit(_BAD_INPUT, f"openmr: {_one_line(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="openmr",
        description="Spin relaxation and magnetoresistance from open quantum dynamics.",
    )
    parser.add_argument("--version", action="version", version=f"openmr {__version__}")
    parser.set_defaults(run=lambda _: print(parser.format_help(), end="") or _OK)
    commands = parser.add_subparsers(dest="command", parser_class=_Parser)
    _add_tables(commands)
    verify = commands.add_parser(
        "verify",
        help="every station of the line against another way, for a Pt/Py film and a set of others",
        description="Take a Pt film with Py moments from its parameters to its resistivity, by "
        "what ships, by quantum dynamics, and by a free energy and a boundary-value problem of "
        "their own, and do the same for a fixed set of other films, which --config and the "
        "options do not change. Exit status: 0 all checks hold, 1 some are missed, 2 bad input.",
    )
    _add_film(verify)
    verify.add_argument(
        "--plot", type=Path, dest="figures", metavar="DIR",
        help="write decay.png and deviations.png there",
    )  # fmt: skip
    verify.set_defaults(run=_verify)
    sweep = commands.add_parser(
        "sweep",
        help="rates and resistivities on a grid of parameters, to a netCDF file",
        description="Work out a grid that a TOML file describes and write it as netCDF.\n"
        "Exit status: 0 done, 2 bad input.",
        epilog=f"The file, here with every table ({_PAGES}/sweeps.html):\n\n"
        f"{indent(EXAMPLE, '  ')}\n"
        "Methods, and the question each answers:\n\n"
        + "\n".join(f"  {one.name:15} {one.question}" for one in METHODS.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sweep.add_argument("--config", "-c", type=Path, required=True, metavar="FILE.toml")
    sweep.add_argument("--output", "-o", type=Path, required=True, metavar="FILE.nc")
    sweep.add_argument(
        "--store", type=Path, metavar="DIR",
        help="keep finished parts there, and go on from them after an interruption",
    )  # fmt: skip
    sweep.add_argument(
        "--processes", "-j", type=int, default=1, metavar="N",
        help="work on N parts at once (default: 1)",
    )  # fmt: skip
    sweep.add_argument("--quiet", "-q", action="store_true", help="show no progress bar")
    sweep.set_defaults(run=_sweep)
    validity = commands.add_parser(
        "validity",
        help="which closed form to trust: the small parameters and what they cost",
        description="For a Pt film with Py moments, or with --config your own: every approximation "
        "behind the closed forms, its small parameter, and the deviation that a numerical route "
        "finds. Exit status: 0 all deviations found are within the tolerance, 1 some are not, "
        "2 bad input.",
    )
    _add_film(validity)
    validity.add_argument(
        "--tolerance", type=float, default=0.1, metavar="X",
        help="largest deviation that counts as good (default: 0.1)",
    )  # fmt: skip
    validity.add_argument(
        "--routes", nargs="+", default=[], metavar="ROUTE",
        help=f"costly routes to run besides: {', '.join(COSTLY)}",
    )  # fmt: skip
    validity.add_argument(
        "--half-width", type=_in("eV"), default=1.0, metavar="EV",
        help="half width of the band, where logarithms end (default: 1)",
    )  # fmt: skip
    validity.add_argument(
        "--mixing-rate", type=_in("1/s"), default=0.0, metavar="1/S",
        help="rate at which collisions mix the energies of the electrons (default: 0)",
    )  # fmt: skip
    validity.set_defaults(run=_validity)
    ledger = commands.add_parser(
        "ledger",
        help="every equation of the paper, with a computed verdict",
        description="Decide every numbered equation of the paper. Exit status: 0 all decided, 1 a "
        "check could not run or an entry is contradicted, 2 bad input.",
    )
    ledger.add_argument(
        "--only", nargs="+", action="extend", metavar="EQS",
        help="equations to decide, e.g. 70,86-90,B36 or 70 86-90 B36",
    )  # fmt: skip
    ledger.add_argument(
        "--verdict", metavar="WORD", choices=[_in_a_word(one) for one in VERDICTS],
        type=_in_a_word, help=f"those alone that have it: {', '.join(map(_in_a_word, VERDICTS))}",
    )  # fmt: skip
    ledger.add_argument("--page", type=Path, metavar="FILE", help="write a Markdown page, too")
    ledger.set_defaults(run=_ledger)
    read = commands.add_parser(
        "read",
        help="how om.read understands a laboratory's file: columns, units, levels, sweeps",
        description="Print the columns of a file of measured resistances with their units, the "
        "temperature levels and sweeps found in it, and what is left out. Exit status: 0 it can "
        "be read, 2 bad input.",
    )
    read.add_argument("file", type=Path, metavar="FILE")
    read.add_argument(
        "--units", nargs="+", default=[], metavar="COLUMN=UNIT",
        help="units of columns that have none or a wrong one, as B=Oe",
    )  # fmt: skip
    read.add_argument("--decimal", metavar="MARK", help="decimal mark, where the file has both")
    read.set_defaults(run=_read)
    fit = commands.add_parser(
        "fit",
        help="a film or stack fitted to measured resistances, to JSON and PDF",
        description="Fit the sample of a TOML file to the data that it names, print what was "
        "found, and write it beside the file with the endings .json and .pdf.\nExit status: 0 the "
        "verdict is good, 1 something is not determined or the model does not describe the data, "
        "2 bad input.",
        epilog=f"The file ({_PAGES}/howto/fit_data.html):\n\n{indent(FIT_EXAMPLE, '  ')}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fit.add_argument("file", type=Path, metavar="FILE.toml")
    fit.add_argument(
        "--output", "-o", type=Path, metavar="FILE",
        help="where to write instead; the endings .json and .pdf take the place of its own",
    )  # fmt: skip
    fit.add_argument("--quiet", "-q", action="store_true", help="print the verdict only")
    fit.set_defaults(run=_fit)
    explore = commands.add_parser(
        "explore",
        help="sliders in the browser: rates, decay, spin accumulation and resistivity",
        description="Serve a page of sliders and results until Ctrl-C, to this machine alone "
        f"({_PAGES}/explorer.html). Another --host lets in others who know the --token. "
        "Exit status: 0 stopped, 2 bad input or marimo is not installed.",
    )
    explore.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS",
        help="address to listen at (default: 127.0.0.1, this machine alone)",
    )  # fmt: skip
    explore.add_argument(
        "--port", type=int, default=2718, metavar="N",
        help="port to listen at; 0 takes a free one (default: 2718)",
    )  # fmt: skip
    explore.add_argument(
        "--token", nargs="?", const="", metavar="WORD",
        help="what visitors must know, at least 16 characters; made up if no WORD is given",
    )  # fmt: skip
    explore.add_argument("--headless", action="store_true", help="open no browser")
    explore.set_defaults(run=_explore)
    for command in (verify, validity, ledger):
        command.add_argument("--json", action="store_true", help="print the report as JSON")
    _add_completion(parser, commands)
    return parser


def _add_tables(commands: _Commands) -> None:
    for name, run, what in (
        ("rates", _rates, "relaxation rates, precession, exchange field, faces' conductances"),
        ("resistance", _resistance, "longitudinal and transverse resistivity"),
    ):
        line = commands.add_parser(
            name,
            help=f"{what} of a film or stack at temperatures and fields",
            description=f"Table of {what}: of a Pt film with Py moments, or with --config of your "
            "own film or stack. Exit status: 0 done, 2 bad input.",
        )
        _add_film(line)
        line.add_argument(
            "--method", default="closed-form", metavar="METHOD", choices=list(METHODS),
            help=f"one of {', '.join(METHODS)} (default: closed-form)",
        )  # fmt: skip
        line.add_argument(
            "--branch", default="lowest", metavar="BRANCH", choices=get_args(Branch),
            help="of moments with axes of their own: lowest, or up or down through the fields "
            "(default: lowest)",
        )  # fmt: skip
        line.add_argument("--csv", type=Path, metavar="FILE", help="write the table there, too")
        line.add_argument("--json", action="store_true", help="print the table as JSON")
        line.add_argument(
            "--plot", type=Path, metavar="FILE",
            help="draw it against field or temperature, PNG, PDF or SVG",
        )  # fmt: skip
        line.set_defaults(run=run)


def _add_completion(parser: argparse.ArgumentParser, commands: _Commands) -> None:
    completion = commands.add_parser(
        "completion",
        help="what lets a shell complete these commands and their options",
        description="Print a script for a shell, which completes commands, options and words once "
        "it is read: `openmr completion bash > ~/.local/share/bash-completion/completions/openmr`, "
        "`openmr completion zsh > DIR/_openmr` with DIR in fpath, or `openmr completion fish > "
        "~/.config/fish/completions/openmr.fish`. Needs the extra `complete`.",
    )
    completion.add_argument("shell", choices=_SHELLS, help=", ".join(_SHELLS), metavar="SHELL")
    completion.set_defaults(run=lambda given: _completion(parser, given.shell))


def _add_film(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--temperature", "-T", type=_in("K"), nargs="+", default=[10.0, 200.0],
        metavar=POINT["temperature"],
        help="temperatures of the film, or with another unit, as '300 mK' (default: 10 200)",
    )  # fmt: skip
    command.add_argument(
        "--field", "-B", type=_in("T"), nargs="+", default=[5.0], metavar=POINT["field"],
        help="fields of the film; every temperature is run at every field (default: 5)",
    )  # fmt: skip
    command.add_argument(
        "--direction", type=float, nargs=3, default=[1.0, 0.0, 0.0], metavar=("X", "Y", "Z"),
        help="direction of the field; current along x, film normal z (default: 1 0 0)",
    )  # fmt: skip
    command.add_argument(
        "--config", "-c", type=Path, metavar="FILE.toml",
        help="the film of the table [sample] of this file, or the stack of its [[layers]], instead "
        "of Pt with Py; nothing else of the file is used (`openmr sweep --help` shows one)",
    )  # fmt: skip
    command.add_argument(
        "--exchange-energy", type=_energy, nargs="+", metavar="ENERGY",
        help="n_S J with its unit, meV or eV: one, or three for Jx Jy Jz (default: -1meV)",
    )  # fmt: skip
    command.add_argument("--spin", type=float, metavar="S", help="spin of a moment (default: 2)")
    command.add_argument(
        "--curie-temperature", type=_in("K"), metavar=parameter("curie_temperature").unit,
        help="mean-field Curie temperature of the moments (default: 30)",
    )  # fmt: skip
    command.add_argument(
        "--disorder", metavar="KIND",
        help="where the moments are: random or lattice (default: random)",
    )  # fmt: skip


def _in(unit: str) -> Callable[[str], float]:
    """A number, in `unit` unless it brings its own, as "10 mT"."""

    def value(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            pass
        try:
            return _checks.number("value", text, unit)
        except OpenmrError as error:
            said = str(error).removeprefix("`value` ").removeprefix("= ")
            many = " (several stand apart: 10 20 30)" if re.search("[,;:]", text) else ""
            raise argparse.ArgumentTypeError(said + many) from None

    return value


def _in_a_word(verdict: str) -> str:
    """A verdict without a blank, at which shells would cut it."""
    return verdict.replace(" ", "-")


def _energy(text: str) -> float:
    """An energy [eV] with its unit: a bare number was in meV once."""
    number = text.removesuffix("eV")
    try:
        if number == text:
            raise ValueError
        return (1e-3 if number.endswith("m") else 1.0) * float(number.removesuffix("m"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must have a unit, meV as in -1meV or eV as in -1e-3eV, got {text!r}"
        ) from None


def _film(arguments: argparse.Namespace) -> Sample:
    from openmr.sample import presets

    given = {name: getattr(arguments, name) for name in _OF_SAMPLE}
    given = {name: value for name, value in given.items() if value is not None}
    if arguments.config is not None:
        if given:
            options = ", ".join(f"`--{name.replace('_', '-')}`" for name in given)
            raise ParameterError(f"`--config` gives the whole film, so {options} must not be given")
        return read_sample(arguments.config)
    if "exchange_energy" in given:
        couplings = given["exchange_energy"]
        given["exchange_energy"] = couplings[0] if len(couplings) == 1 else couplings
    return presets.pt_py(**given)


def _rates(arguments: argparse.Namespace) -> int:
    from openmr.rates.relaxation import relaxation
    from openmr.transport.stack_rates import StackRates, stack_rates

    sample, method = _film(arguments), arguments.method

    own = arguments.direction if sample.is_oriented else None
    refuse_branch(arguments.branch, sample)

    def at(kelvin: ArrayLike, tesla: ArrayLike) -> StackRates:
        if sample.is_stack:
            return stack_rates(sample, kelvin, tesla, direction=own, method=method)
        found = relaxation(
            sample, kelvin, tesla, direction=own, branch=arguments.branch, method=method
        )
        return StackRates(sample, (found,))

    found = [at(kelvin, arguments.field) for kelvin in arguments.temperature]
    layers = [f"layers.{i} " if sample.is_stack else "" for i in range(len(sample.layers))]
    columns = {
        f"{layer}{name.replace('_', ' ')} ({unit})": [getattr(one.layers[i], name) for one in found]
        for i, layer in enumerate(layers)
        for name, unit in _OF_LAYER.items()
    } | {
        f"{face} {name} (S/m^2)": [getattr(one.faces[face], name) for one in found]
        for face in found[0].faces
        for name in ("G_s", "G_r", "G_i")
    }
    if arguments.plot is not None:
        curves = _curves(arguments, found, at)
        named = {
            layer + label: rates.layers[i]
            for i, layer in enumerate(layers)
            for label, rates in curves.items()
        }
        _drawn(arguments.plot, "rate_curves", named)
    return _table(arguments, columns, {"sample": sample.name})


def _resistance(arguments: argparse.Namespace) -> int:
    from openmr.transport.line import magnetoresistance

    sample, method = _film(arguments), arguments.method

    def at(kelvin: ArrayLike, tesla: ArrayLike) -> Resistivity:
        return magnetoresistance(
            sample, kelvin, tesla, arguments.direction, branch=arguments.branch, method=method
        )

    found = [at(kelvin, arguments.field) for kelvin in arguments.temperature]
    columns = {
        f"{name} (Ohm m)": [getattr(one, name) for one in found]
        for name in ("longitudinal", "transverse")
    }
    if arguments.plot is not None:
        _drawn(arguments.plot, "resistance_curves", _curves(arguments, found, at))
    return _table(arguments, columns, {"sample": sample.name, "order": found[0].order})


def _curves(
    arguments: argparse.Namespace,
    found: Sequence[_Found],
    at: Callable[[ArrayLike, ArrayLike], _Found],
) -> dict[str, _Found]:
    """Curves along the fields, one a temperature; of one field along the temperatures."""
    if len(arguments.field) > 1:
        return dict(zip(map("{:g} K".format, arguments.temperature), found, strict=True))
    (tesla,) = arguments.field
    return {f"{tesla:g} T": at(arguments.temperature, tesla)}


def _table(
    arguments: argparse.Namespace, columns: Mapping[str, list[Any]], about: Mapping[str, str]
) -> int:
    """Print a row a temperature and field, and write it where that is asked for."""
    import csv
    from itertools import product

    head = [f"{name} ({unit})" for name, unit in list(POINT.items())[:2]] + list(columns)
    points = product(arguments.temperature, arguments.field)
    values = ([float(v) for part in parts for v in part] for parts in columns.values())
    rows = [[*point, *found] for point, *found in zip(points, *values, strict=True)]

    def write(name: str) -> None:
        with open(name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([head, *rows])

    if arguments.csv is not None:
        write_whole(arguments.csv, write)
    if arguments.json:
        given = {"method": arguments.method, "direction": arguments.direction}
        body = {**about, **given, "columns": head, "rows": rows}
        print(json_text(document(f"openmr/{arguments.command}/1", body)))
    else:
        shown = [[f"{value:.6g}" for value in row] for row in rows]
        print(table(">" * len(head), [head, *shown]))
    return _OK


def _drawn(path: Path, draw: str, found: Any) -> None:
    """Write the figure that a function of `plotting` makes."""
    plt = _pyplot()
    from openmr.show import plotting

    figure, _ = getattr(plotting, draw)(found)
    write_whole(path, lambda name: figure.savefig(name, dpi=150))
    plt.close(figure)


def _pyplot() -> Any:
    """Matplotlib's, without a window."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _verify(arguments: argparse.Namespace) -> int:
    import numpy as np

    from openmr.reports.verify.report import verify

    if arguments.figures is not None:
        expect_directory("--plot", arguments.figures)
    report = verify(
        _film(arguments),
        temperature=np.array(arguments.temperature)[:, None],
        field=np.array(arguments.field),
        direction=arguments.direction,
    )
    if arguments.figures is not None:
        _figures(report, arguments.figures)
    return _show(arguments, report.to_dict(), report)


def _validity(arguments: argparse.Namespace) -> int:
    from openmr.reports.validity import validity

    film, fields = _film(arguments), arguments.field
    reports = [
        validity(
            film,
            temperature,
            fields[0] if len(fields) == 1 else fields,
            direction=arguments.direction,
            routes=arguments.routes,
            tolerance=arguments.tolerance,
            half_width=arguments.half_width,
            mixing_rate=arguments.mixing_rate,
        )
        for temperature in arguments.temperature
    ]
    each = [report.to_dict() for report in reports]
    body = {"ok": all(report.ok for report in reports), "reports": each}
    return _show(arguments, document("openmr/reports/1", body), *reports)


def _ledger(arguments: argparse.Namespace) -> int:
    from openmr.reports.ledger import ledger

    verdict = next((one for one in VERDICTS if _in_a_word(one) == arguments.verdict), None)
    report = ledger(arguments.only and ",".join(arguments.only), verdict=verdict)
    if arguments.page is not None:
        text = report.to_markdown(arguments.page.parent) + "\n"
        write_whole(arguments.page, lambda name: Path(name).write_text(text, encoding="utf-8"))
    return _show(arguments, report.to_dict(), report)


def _show(
    arguments: argparse.Namespace, plain: dict[str, Any], *reports: Report | Validity | Ledger
) -> int:
    """Print the reports, or what a machine reads of them; exit status."""
    print(json_text(plain) if arguments.json else "\n\n".join(map(str, reports)))
    return _OK if all(report.ok for report in reports) else _MISSED


def _sweep(arguments: argparse.Namespace) -> int:
    from openmr.apps.processes import Terminated, workers
    from openmr.sweeps.sweep import sweep

    if arguments.processes < 1:
        raise ParameterError(f"`--processes` must be >= 1, got {arguments.processes}")
    asked = read_config(arguments.config)
    warnings.filterwarnings("default", category=DeprecationWarning, module=__name__)
    try:
        with workers(arguments.processes) as executor:
            found = sweep(
                **asked, store=arguments.store, executor=executor, progress=not arguments.quiet
            )
    except (KeyboardInterrupt, Terminated) as ended:
        kept = "without --store nothing is kept"
        if arguments.store is not None:
            kept = f"{arguments.store} keeps what is done, and the same command goes on from there"
        ended.args = (kept,)
        raise
    write_whole(arguments.output, lambda name: _write_netcdf(found, Path(name)))
    print(f"{arguments.output}: {dict(found.sizes)}")
    return _OK


def _read(arguments: argparse.Namespace) -> int:
    from openmr.data.overview import overview

    pairs = [pair.rpartition("=") for pair in arguments.units]
    wrong = [f"{text!r}" for name, _, text in pairs if not name]
    if wrong:
        raise ParameterError(f"`--units` must be COLUMN=UNIT, as B=Oe, got {wrong[0]}")
    units = {name: text for name, _, text in pairs}
    print(overview(arguments.file, units, arguments.decimal))
    return _OK


def _fit(arguments: argparse.Namespace) -> int:
    from openmr.apps.fit_file import fit_of

    target = arguments.file if arguments.output is None else arguments.output
    table, picture = target.with_suffix(".json"), target.with_suffix(".pdf")
    for one in (table, picture):
        expect_file("--output", one)
    found = fit_of(arguments.file)
    _drawn(picture, "fit", found)
    found.save(table)
    print(found.verdict if arguments.quiet else f"{found!r}\n\n{found.report()}")
    if not arguments.quiet:
        print(f"\n{table}, {picture}")
    return _OK if found.verdict == "good" else _MISSED


def _write_netcdf(found: xarray.Dataset, target: Path) -> None:
    """Through memory where there is room: HDF5 crashes on a disk that is full."""
    if found.nbytes < _IN_MEMORY:
        target.write_bytes(found.to_netcdf(engine="h5netcdf"))
        return
    if shutil.disk_usage(target.parent).free < found.nbytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    found.to_netcdf(target, engine="h5netcdf")


def _completion(parser: argparse.ArgumentParser, shell: str) -> int:
    shtab = required("shtab", "`openmr completion`", extra="complete")
    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE
    print(shtab.complete(parser, shell=shell))
    return _OK


def _actions(parser: argparse.ArgumentParser) -> Iterator[Any]:
    """Every argument of the commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action


def _explore(arguments: argparse.Namespace) -> int:
    required("marimo", "the explorer", extra="explore")
    from openmr.apps.explorer.server import serve

    serve(arguments.host, arguments.port, token=arguments.token, headless=arguments.headless)
    return _OK


def _figures(report: Report, directory: Path) -> None:
    plt = _pyplot()
    from openmr.rates.routes.evolution import record_decay
    from openmr.show import plotting

    directory.mkdir(parents=True, exist_ok=True)
    case = report.solutions[0].case
    films = map(case.sample.layer, range(len(case.sample.layers)))
    coupled = (one for one in films if any(any(m.exchange) for m in one.magnet.sublattices))
    if (film := next(coupled, None)) is not None:
        recorded = record_decay(film, case.temperature, case.field)
        figure, (left, right) = plt.subplots(1, 2, figsize=(11.0, 4.2), layout="constrained")
        plotting.decay(recorded, ax=left)
        plotting.precession(recorded, ax=right)
        left.set_title("Decay, exchange part")
        right.set_title("First two periods")
        figure.suptitle(case.name)
        write_whole(directory / "decay.png", lambda path: figure.savefig(path, dpi=150))
    _drawn(directory / "deviations.png", "deviations", report.checks)
    plt.close("all")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 all is well, 1 something is missed, 2 bad input or nothing computed.

    128 and the number of the signal where one has ended it.
    """
    from openmr.apps.processes import Terminated, terminated_raises

    try:
        with terminated_raises():
            return _status(argv)
    except (KeyboardInterrupt, Terminated) as ended:
        number = signal.SIGINT if isinstance(ended, KeyboardInterrupt) else signal.SIGTERM
        print("; ".join(("openmr: interrupted", *map(str, ended.args))), file=sys.stderr)
        return 128 + number


def _status(argv: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may lack the letters of a name
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            arguments = _parser().parse_args(argv)
            _expect_places(arguments)
            return int(arguments.run(arguments))
        finally:
            sys.stdout.flush()
    except (OpenmrError, OSError) as error:
        if _is_of_output(error, *_CLOSED):
            # who reads, as `head` does, has enough: end as by the signal
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _PIPE_CLOSED
        where = "standard output: " if _is_of_output(error, errno.ENOSPC) else ""
        print(f"openmr: {where}{_one_line(error)}", file=sys.stderr)
        return _BAD_INPUT


def _expect_places(arguments: argparse.Namespace) -> None:
    """Refuse files that could not be written, and that would take the place of another one."""
    taken: dict[str, str] = {}
    for option in ("config", "store", *_WRITTEN):
        if (path := getattr(arguments, option, None)) is None:
            continue
        if option in _WRITTEN:
            expect_file(f"--{option}", path)
        place = str(path) if "\0" in str(path) else os.path.realpath(path)  # told when it is read
        if (other := taken.setdefault(place, option)) != option:
            raise ParameterError(
                f"`--{option}` must be another file than `--{other}`, got {str(path)!r}"
            )


_CLOSED: Final = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)
"""Numbers of the error of a pipe that nobody reads; Windows calls it an invalid argument."""


def _is_of_output(error: Exception, *numbers: int) -> bool:
    """Whether it is what the system says of standard output: of no file, and none of ours."""
    if not isinstance(error, OSError) or isinstance(error, OpenmrError):
        return False
    return error.filename is None and error.errno in numbers


if __name__ == "__main__":
    sys.exit(main())
