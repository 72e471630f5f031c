"""What is said of the package in several files is one thing: version, needs, addresses, sources."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import openmr as om

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RECIPE = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text())
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
"""Packages that conda-forge has under another name."""


def test_one_version_and_one_date():
    newest, date = re.search(
        r"^## (\S+) - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M
    ).groups()
    assert {newest, RECIPE["context"]["version"], CITATION["version"]} == {om.__version__}
    assert str(CITATION["date-released"]) == date
    assert f"version = {{{om.__version__}}}" in om.cite()


def test_every_release_of_the_changelog_has_its_date():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    dates = [re.fullmatch(r"\d+\.\d+\.\d+ - (\d{4}-\d\d-\d\d)", heading)[1] for heading in headings]
    assert dates == sorted(dates, reverse=True)


def needs(requirements):
    """Name and bounds of each."""
    found = [Requirement(one) for one in requirements]
    return {CONDA_NAMES.get(one.name, one.name): one.specifier for one in found}


def test_the_recipe_of_conda_asks_for_what_the_wheel_asks_for():
    python, *run = RECIPE["requirements"]["run"]
    assert needs(one.replace(" ", "", 1) for one in run) == needs(PROJECT["dependencies"])
    assert python == "python >=${{ python_min }}"
    assert PROJECT["requires-python"] == f">={RECIPE['context']['python_min']}"
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    host = [one for one in RECIPE["requirements"]["host"] if not one.startswith(("pip", "python"))]
    assert needs(one.replace(" ", "", 1) for one in host) == needs(build)
    assert RECIPE["build"]["noarch"] == "python"
    (entry,) = PROJECT["scripts"].items()
    assert RECIPE["build"]["python"]["entry_points"] == [" = ".join(entry)]
    about = RECIPE["about"]
    assert (about["license"], about["summary"]) == (PROJECT["license"], PROJECT["description"])


def test_one_address():
    urls = PROJECT["urls"]
    assert RECIPE["about"]["repository"] == urls["Repository"] == CITATION["repository-code"]
    assert RECIPE["about"]["homepage"] == urls["Homepage"]
    assert urls["Repository"] in om.cite()
    page = (ROOT / "pyproject.toml").read_text()
    owner = urls["Repository"].removeprefix("https://github.com/")
    for place in ("https://github.com", "https://raw.githubusercontent.com"):
        assert re.search(rf"replacement = .*\({place}/{owner}/.*v\$HFPR_VERSION", page)


def test_every_declared_python_is_tried():
    said = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one]
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert yaml.safe_load(text)["jobs"]["short"]["strategy"]["matrix"]["python"] == said


@pytest.mark.parametrize("name", ["ci", "release"])
def test_workflows_run_the_commands_of_the_repository(name):
    """Beside the setting up of an environment, nothing that a person could not run here."""
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    steps = [one["run"] for job in flow["jobs"].values() for one in job["steps"] if "run" in one]
    own = re.compile(r"(?:sudo --preserve-env=PATH )?bash (\.ci/\w+)(?: .*)?|make \w+ PYTHON=\S+")
    set_up = re.compile(r"python -m (?:pip|venv) .*")
    assert [step for step in steps if not (own.fullmatch(step) or set_up.fullmatch(step))] == []
    named = {found[1] for step in steps if (found := own.fullmatch(step)) and found[1]}
    assert named
    assert all((ROOT / script).is_file() for script in named)


def test_ci_calls_every_script_of_its_own():
    scripts = {path.name for path in (ROOT / ".ci").iterdir()} - {"run"}
    text = "".join(path.read_text() for path in (ROOT / ".ci").iterdir())
    assert {name for name in scripts if f"/{name}" not in text} == set()


def test_what_to_cite_is_one_thing():
    entries = dict(re.findall(r"@\w+{(\w+),\n(.*?)^}", om.cite(), re.M | re.S))
    assert list(entries) == ["openmr", "Zhang2025", "QuTiP5"]
    (paper,) = CITATION["references"]
    assert paper["title"] in entries["Zhang2025"]
    families = [author["family-names"] for author in paper["authors"]]
    assert re.findall(r"(\w+), [\w-]+", entries["Zhang2025"])[:3] == families
    bibliography = " ".join((ROOT / "BIBLIOGRAPHY.md").read_text().split())
    for key in ("Zhang2025", "QuTiP5"):
        assert re.search(rf"\*\*{key}\*\*[^*]*\*", bibliography)
        (number,) = re.findall(r"eprint = {(.*)}", entries[key])
        assert f"arXiv:{number}" in bibliography
    assert paper["url"].endswith(re.findall(r"eprint = {(.*)}", entries["Zhang2025"])[0])
    assert CITATION["title"] == PROJECT["name"]


def test_no_message_and_no_page_asks_for_a_clone_to_install_an_extra():
    """Of what a user reads; who builds the site or the tests has a clone."""
    places = [*ROOT.glob("openmr/**/*.py"), ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    wanting = {
        f"{path.relative_to(ROOT)}: {found}"
        for path in places
        for found in re.findall(r"pip install[^\n]*[\"'](\.\[\w+.*?\])", path.read_text())
        if not {"test", "docs"} & set(re.findall(r"\w+", found))
    }
    assert wanting == set()
