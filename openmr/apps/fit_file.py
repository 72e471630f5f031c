"""A fit that a TOML file describes, as `FIT_EXAMPLE` does: [data], [sample], [films], [fit]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openmr._checks import ParameterError, shown
from openmr.sample.parameters import varied
from openmr.sample.toml import called, expect_table, known_keys, read_tables, sample_of

if TYPE_CHECKING:
    from openmr.data.found import Fit
    from openmr.data.measured import Measured
    from openmr.sample.film import Sample

FIT_EXAMPLE: Final = """\
method = "closed-form"       # default; and a table [options], if it has any

[data]                       # or [[data]], once a file: the arguments of om.read
file = "film.dat"            # beside this file
longitudinal = "Bridge 1 Resistance"
transverse = "Bridge 2 Resistance"
direction = [1, 0, 0]        # or plane = "xy" and angle = "Sample Position"
geometry = { width = 10e-6, length = 100e-6 }   # m; or squares. thickness: the sample's

[sample]                     # as for openmr sweep: starts what is fitted, holds what is known
preset = "pt_py"
exchange_energy = -0.5e-3
curie_temperature = 30.0

[fit]                        # the arguments of om.fit
free = ["exchange_energy", "ordering_temperature", "spin_hall_angle"]
nuisance = ["drift", "hall", "offset"]
known = { diffusion_length = [3e-9, 0.15e-9] }   # value and error
"""


def fit_of(path: Path) -> Fit:
    """The fit of a file; `ParameterError` for a key, a file or a value that does not fit."""
    from openmr.data.fit import fit

    tables = read_tables(path)
    for name in ("data", "fit"):
        if name not in tables:
            raise ParameterError(f"{path} must have a table [{name}]")
    sample = sample_of(tables)
    films = tables.get("films", {})
    expect_table("films", films)
    for label, changes in films.items():
        expect_table(f"films.{label}", changes)
    samples = {label: varied(sample, changes) for label, changes in films.items()}
    data = list(_data(tables["data"], path.parent, samples or {"": sample}))
    expect_table("fit", tables["fit"])
    expect_table("options", tables.get("options", {}))
    asked = {"data": data, "sample": samples or sample, **tables["fit"]}
    takes = set(signature(fit).parameters) - {"options", "data", "sample"}
    known_keys("fit.", tables["fit"], tuple(sorted(takes)))
    if "free" not in asked:
        raise ParameterError("[fit] must have `free`, names of what is fitted")
    options = {"method": tables.get("method", "closed-form")}
    for name, value in tables.get("options", {}).items():
        if name in asked or name in takes or name in options:
            raise ParameterError(f"`options.{name}` is no option of a method")
        options[name] = value
    return fit(**asked, **options)


def _data(given: Any, folder: Path, samples: Mapping[str, Sample]) -> Iterator[Measured]:
    """Every file, read."""
    from openmr.data.reader import read

    takes = tuple(name for name in signature(read).parameters if name != "path")
    for table in given if isinstance(given, list) and given else [given]:
        expect_table("data", table)
        known_keys("data.", table, ("file", *takes))
        if not isinstance(table.get("file"), str):
            raise ParameterError(f"`data.file` must be a path, got {shown(table.get('file'))}")
        options = {name: value for name, value in table.items() if name != "file"}
        if "geometry" in options:
            options["geometry"] = _geometry(options["geometry"], samples)
        yield read(folder / table["file"], **options)


def _geometry(table: Any, samples: Mapping[str, Sample]) -> Any:
    """One for all films, or one for each label; the thickness is that of the sample."""
    from openmr.data.geometry import Geometry

    expect_table("data.geometry", table)

    def one(where: str, sizes: Mapping[str, Any], sample: Sample) -> Geometry:
        thickness = sum(layer.film.thickness for layer in sample.layers)
        found: Geometry = called(where, Geometry, {"thickness": thickness, **sizes})
        return found

    first = next(iter(samples.values()))
    apart = {label: sizes for label, sizes in table.items() if isinstance(sizes, dict)}
    if apart and len(apart) == len(table):
        return {
            label: one(f"data.geometry.{label}", sizes, samples.get(label, first))
            for label, sizes in apart.items()
        }
    if len(samples) == 1:
        return one("data.geometry", table, first)
    return {label: one("data.geometry", table, each) for label, each in samples.items()}
