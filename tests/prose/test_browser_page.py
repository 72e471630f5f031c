"""The page that runs openmr in the browser: what it holds, and that it needs no QuTiP."""

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

pytestmark = [pytest.mark.prose, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
RUNNER = """
import sys
from importlib.abc import MetaPathFinder

class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""
NOT_THERE = ("qutip", "h5py", "h5netcdf", "xarray", "pandas", "tqdm", "threadpoolctl")
LINE = """
import openmr as om
film = om.presets.pt_py(exchange_energy=-1e-3)
for method in ("closed-form", "batched"):
    rates = om.relaxation(film, [1.0, 10.0, 300.0], 5.0, method=method)
    print(rates, om.resistivity(film.film, rates, (1, 0, 0)).longitudinal)
print(om.magnetoresistance(om.presets.pt_yig(), 300.0, [0.0, 5.0], (0, 1, 0)).longitudinal)
"""


@pytest.fixture(scope="module")
def browser():
    """The page's module, which has the name of one of the tests'."""
    folder = ROOT / "docs" / "_ext"
    spec = spec_from_file_location("page_of_the_browser", folder / "browser.py")
    module = module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def run_without(blocked, source):
    program = f"BLOCKED = {blocked!r}\n{RUNNER}\n{source}"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_closed_forms_need_numpy_alone():
    done = run_without((*NOT_THERE, "scipy", "matplotlib"), LINE)
    assert done.returncode == 0, done.stderr


def test_notebooks_run_on_what_the_page_installs(browser, tmp_path):
    pytest.importorskip("jupytext", reason="of the extra `docs`")
    written = browser.write(tmp_path)
    assert len(written) == len(browser.NOTEBOOKS)
    for path in written:
        cells = json.loads(path.read_text())["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert code[0] == browser.INSTALL
        done = run_without(NOT_THERE, "\n".join(code[1:]))
        assert done.returncode == 0, f"{path.name}: {done.stderr}"


def test_the_page_holds_our_wheel_the_notebooks_and_one_version_of_python(browser, tmp_path):
    pytest.importorskip("jupyterlite_core", reason="of the extra `docs`")
    browser.build(tmp_path)
    (wheel,) = tmp_path.glob("pypi/openmr-*.whl")
    index = json.loads((tmp_path / "pypi" / "all.json").read_text())
    assert [one["filename"] for one in index["openmr"]["releases"].popitem()[1]] == [wheel.name]
    settings = json.loads((tmp_path / "jupyter-lite.json").read_text())["jupyter-config-data"]
    kernel = settings["litePluginSettings"][browser.KERNEL]
    assert kernel["pyodideUrl"] == browser.PYODIDE
    # the kernel was built for this version
    (extension,) = tmp_path.glob("extensions/@jupyterlite/pyodide-kernel-extension")
    assert any(browser.PYODIDE in js.read_text() for js in extension.glob("static/*.js"))
    for source in browser.NOTEBOOKS:
        assert (tmp_path / "files" / f"{source.stem}.ipynb").exists()
