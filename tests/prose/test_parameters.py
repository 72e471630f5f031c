"""The page of sweeps shows the parameters that the code has, and its file their units."""

import re
from pathlib import Path

from openmr.sample.parameters import OF_JOINTS, PARAMETERS
from openmr.sample.toml import EXAMPLE, STACK_EXAMPLE

ROOT = Path(__file__).parents[2]
SWEEPS = (ROOT / "docs" / "sweeps.md").read_text()


def shown(one):
    limits = "" if one.range is None else f"{one.range.least:g} to {one.range.most:g}"
    return f"| `{one.name}` | {one.unit} | {limits} | {one.held} |"


def test_the_page_shows_the_table():
    head = ["| name | unit | range | what it is, and what is held |", "| --- | --- | --- | --- |"]
    table = "\n".join([*head, *(shown(one) for one in PARAMETERS.values() if not one.instead), ""])
    assert f"\n\n{table}\n" in SWEEPS, f"docs/sweeps.md should show\n{table}"


def test_the_page_shows_the_table_of_faces_and_joints():
    rows = (
        f"| `{name}` | {one.range.unit or '1'} | {one.range.least:g} to {one.range.most:g} "
        f"| {one.held} |"
        for name, one in OF_JOINTS.items()
    )
    table = "\n".join(rows)
    assert f"\n{table}\n\n" in SWEEPS, f"docs/sweeps.md should show\n{table}"


def test_the_page_shows_the_file_of_a_stack():
    assert f"```toml\n{STACK_EXAMPLE}```\n" in SWEEPS


def test_a_file_of_a_sweep_tells_units_as_the_table_has_them():
    """Its comments: "8e-9  # m; or another key in its unit"."""
    said = re.findall(r"^(\w+) = \S+ +# (\S+?)(?:;.*)?$", EXAMPLE, re.M)
    units = {name.partition("_at_fixed_")[0]: one.unit for name, one in PARAMETERS.items()}
    found = {name: unit.replace("1/m^3", "m^-3") for name, unit in said if name in units}
    assert found == {name: units[name] for name in found}
    assert {"thickness", "curie_temperature", "density", "diffusion"} <= set(found)
