"""The line without heavy packages and new memory; what the rest says where one is missing."""

import errno
import os
import platform
import subprocess
import sys
from textwrap import dedent

import pytest

from openmr import WriteError
from openmr._work import one_thread
from openmr.apps import cli

HEAVY = {"qutip", "matplotlib", "xarray", "h5py", "h5netcdf", "tqdm", "threadpoolctl", "pandas"}
BLOCKED = """
import sys


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Blocked())
import numpy as np

import openmr as om

film = om.presets.pt_py(exchange_energy=-1e-3)
"""


def run_without(names, code):
    """What the code prints in a process that cannot import these."""
    program = BLOCKED.format(names=sorted(names)) + dedent(code)
    command = [sys.executable, "-W", "error", "-c", program]
    # Dask, in other tests, tells the processes to come how to give memory back
    surroundings = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    run = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


LINE = """
state = om.equilibrium(film, 10.0, 5.0)
for method in ("closed-form", "batched"):
    rates = om.relaxation(film, 10.0, np.linspace(0.0, 25.0, 6), method=method)
    print(repr(rates)[:20], np.isfinite(rates.tensor).all())
rho = om.magnetoresistance(film, 10.0, [0.0, 5.0], (1, 0, 0))
print(om.mechanisms(film.film, rho.relaxation, (1, 0, 0)).total.shape)
print(om.scan_directions("xy", [0.0, 1.0]).shape, om.curie_temperature(film.magnet) > 0)
bilayer = om.presets.pt_yig("Vlietstra2013")
print(float(om.magnetoresistance(bilayer, 300.0, 0.1, (1, 0, 0)).sheet_longitudinal) > 0)
"""


@pytest.mark.slow
def test_the_closed_form_line_runs_without_the_heavy_packages():
    assert run_without(HEAVY, LINE).count("True") == 4


@pytest.mark.slow
def test_a_sweep_and_a_route_need_no_progress_bar():
    found = run_without(
        {"tqdm", "threadpoolctl"},
        """
        grid = om.sweep(film, temperature=[10.0, 20.0], field=[0.0, 5.0], progress=True)
        print(grid.longitudinal_rate.shape)
        print(om.relaxation(film, 10.0, 5.0, method="kinetic").longitudinal > 0)
        print(om.relaxation(film, 10.0, 5.0, method="evolution").longitudinal > 0)
        """,
    )
    assert found == "(2, 2)\nTrue\nTrue\n"


ASKED = {
    "xarray": ("`sweep`", "xarray", "om.sweep(film, temperature=[9.0], field=[1.0], store='a')"),
    "zarr": (
        "`store`",
        "'openmr[store]'",
        "om.sweep(film, temperature=[9.0], field=[1.0], store='a')",
    ),
    "qutip": ("method 'heom'", "qutip", "om.relaxation(film, 10.0, 5.0, method='heom')"),
    "pint": ("`temperature` = '9 mK'", "'openmr[units]'", "om.relaxation(film, '9 mK', 5.0)"),
    "lmfit": ("`fit_model`", "'openmr[fit]'", "om.fit_model(film, ['resistivity'])"),
}


@pytest.mark.slow
@pytest.mark.parametrize("package", ASKED)
def test_what_is_missing_is_named_with_the_way_to_install_it(package, tmp_path, monkeypatch):
    asker, source, call = ASKED[package]
    monkeypatch.chdir(tmp_path)
    said = run_without(
        {package},
        f"""
        try:
            {call}
        except om.MissingPackageError as error:
            print(error)
        """,
    )
    assert said == f"{asker} needs {package}: pip install {source}\n"


FAULTS = """
import resource

one = om.Moments(spin=2.0, density=1e27, exchange=6e-31)
coupled = om.Sample(om.Magnet([one, one], neel_temperature=30.0), film.electrons, film.film)
kelvin, field = np.linspace(2.0, 29.0, 100)[:, None], np.linspace(0.0, 14.0, 50)
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    om.equilibrium(coupled, kelvin, field)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how glibc gives memory")
def test_a_second_call_asks_for_no_new_memory(monkeypatch):
    """Some 4000 pages where the program does not know that it runs on Linux."""
    assert int(run_without(HEAVY, FAULTS)) < 200
    other = f"import sys\nsys.platform = 'another'\n{BLOCKED}"
    monkeypatch.setattr(sys.modules[__name__], "BLOCKED", other)
    assert int(run_without(HEAVY, FAULTS)) > 200


def test_the_last_thread_lifts_the_limit_on_blas(monkeypatch):
    """A limit that ends between begin and end of another would be what that one brings back."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    now = [8]

    class Limits:
        def __init__(self, limits, user_api):
            self.before, now[0] = now[0], limits

        def restore_original_limits(self):
            now[0] = self.before

    monkeypatch.setattr(threadpoolctl, "threadpool_limits", Limits)
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert now == [1]
    second.__exit__(None, None, None)
    assert now == [8]


POSIX = {"fcntl", "grp", "pwd", "resource", "termios"}


@pytest.mark.slow
def test_a_sweep_goes_without_what_windows_lacks(tmp_path):
    """Modules and functions of POSIX; os.kill, which sends Ctrl-C there, must not be called."""
    config = tmp_path / "film.toml"
    config.write_text(
        '[sample]\npreset = "pt_py"\n[sweep]\ntemperature = [5.0, 9.0]\nfield = [0.0, 5.0]\n',
        encoding="utf-8",
    )
    found = run_without(
        POSIX,
        f"""
        import os, signal, subprocess
        from pathlib import Path
        from openmr import _files
        from openmr.apps import cli

        def never(*_):
            raise SystemExit("os.kill was called")

        _files._ON_WINDOWS, os.kill = True, never
        for owner, names in (
            (os, "fork getuid getpgid killpg setsid sched_getaffinity sysconf umask uname"),
            (signal, "pthread_sigmask SIGKILL SIGHUP SIGUSR1 setitimer"),
        ):
            for name in names.split():
                vars(owner).pop(name, None)
        os.chdir({str(tmp_path)!r})
        mark = f"openmr-{{_files.socket.gethostname()}}-1-00000000"
        old, new = Path(f".kept.{{mark}}"), Path(f".out.{{mark}}.nc")
        old.mkdir()
        os.utime(old, (0, 0))
        new.touch()
        for options in (["-j", "2"], []):
            told = ["sweep", "-c", "film.toml", "-o", "out.nc", "--store", "kept", "-q"]
            assert cli.main([*told, *options]) == 0
        print(sorted(one.name for one in Path().iterdir() if one != new), new.exists())
        """,
    )
    assert found.splitlines()[-1] == "['film.toml', 'kept', 'out.nc'] True"


def test_a_closed_pipe_is_told_by_its_number():
    """EINVAL of no file, on Windows; that of a file, or ours, is another matter."""
    closed = OSError(errno.EINVAL, "Invalid argument")
    assert cli._is_of_output(closed, errno.EPIPE, errno.EINVAL)
    assert cli._is_of_output(BrokenPipeError(errno.EPIPE, ""), *cli._CLOSED)
    for other in (
        OSError(errno.EINVAL, "Invalid argument", "a file"), WriteError("a", closed), ValueError(),
    ):  # fmt: skip
        assert not cli._is_of_output(other, errno.EPIPE, errno.EINVAL)
