"""The store: finished boxes stay, unfinished and damaged ones are done again, others refused."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import kills
import numpy as np
import pytest
import xarray

import openmr as om
from openmr.sweeps import store
from openmr.sweeps.plan import VARIABLES, evaluate

module = import_module("openmr.sweeps.sweep")
FILM = om.presets.pt_py()
GRID = {"temperature": np.linspace(5.0, 200.0, 6), "field": np.linspace(0.0, 9.0, 4)}


@pytest.fixture
def evaluated(monkeypatch):
    """The shapes of the boxes that are worked out."""
    shapes = []

    def counted(task):
        shapes.append(task.shape)
        return evaluate(task)

    monkeypatch.setattr(module, "evaluate", counted)
    return shapes


def kept(path, **more):
    return om.sweep(FILM, **GRID, store=path, **{"chunk_points": 4, **more})


@pytest.mark.slow
def test_read_back_as_it_would_be_without(tmp_path):
    directions = np.eye(3)
    found = kept(tmp_path / "s", direction=directions, disorder=["random", "lattice"])
    plain = om.sweep(FILM, **GRID, direction=directions, disorder=["random", "lattice"])
    xarray.testing.assert_allclose(found, plain, rtol=1e-12, atol=1e-25)
    assert list(found) == list(plain)
    assert found.attrs == plain.attrs
    for name in [*VARIABLES, *plain.coords]:
        assert found[name].attrs == plain[name].attrs


def test_a_finished_store_is_not_worked_out_again(tmp_path, evaluated):
    first = kept(tmp_path / "s").load()
    assert len(evaluated) == 6
    again = kept(tmp_path / "s").load()
    assert len(evaluated) == 6
    xarray.testing.assert_identical(first, again)


def chunk_files(path, variable="precession"):
    return sorted(p for p in (path / variable / "c").rglob("*") if p.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove"])
@pytest.mark.parametrize("variable", ["precession", "drho2"])
def test_a_damaged_chunk_is_done_again(tmp_path, evaluated, damage, variable):
    first = kept(tmp_path / "s").load()
    evaluated.clear()
    target = chunk_files(tmp_path / "s", variable)[2]
    data = bytearray(target.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
        target.write_bytes(data)
    elif damage == "remove":
        target.unlink()
    else:
        target.write_bytes(data[: len(data) // 2] if damage == "truncate" else b"")
    again = kept(tmp_path / "s").load()
    assert len(evaluated) == 1
    xarray.testing.assert_identical(first, again)


@pytest.mark.slow
def test_a_flipped_bit_anywhere_is_noticed(tmp_path, evaluated):
    kept(tmp_path / "s").load()
    target = chunk_files(tmp_path / "s")[0]
    whole = target.read_bytes()
    for position in range(0, len(whole), 3):
        data = bytearray(whole)
        data[position] ^= 1 << position % 8
        target.write_bytes(data)
        evaluated.clear()
        kept(tmp_path / "s")
        assert len(evaluated) == 1


@pytest.mark.slow
def test_interrupted_and_gone_on_with(tmp_path, evaluated, monkeypatch):
    """Stopped after any number of boxes: the rest is done, nothing twice."""
    plain = om.sweep(FILM, **GRID, chunk_points=4)
    for stop in range(6):
        path = tmp_path / f"s{stop}"
        right = module.evaluate

        def stops(task, stop=stop, right=right):
            if len(evaluated) == stop:
                raise KeyboardInterrupt
            return right(task)

        evaluated.clear()
        with monkeypatch.context() as patch:
            patch.setattr(module, "evaluate", stops)
            with pytest.raises(KeyboardInterrupt):
                kept(path)
        evaluated.clear()
        found = kept(path)
        assert len(evaluated) == 6 - stop
        xarray.testing.assert_allclose(found, plain, rtol=1e-12, atol=1e-25)


KILLED = """
import sys
import numpy as np
import openmr as om
om.sweep(om.presets.pt_py(), temperature=np.linspace(5, 90, 60), field=3.0,
         method="bloch-redfield", store=sys.argv[1], chunk_points=1)
"""


@pytest.mark.slow
def test_killed_and_gone_on_with(tmp_path, evaluated):
    path = tmp_path / "s"
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parents[2]
    )
    deadline = time.monotonic() + 60
    while len(chunk_files(path, "drho2") if path.exists() else []) < 5:
        assert time.monotonic() < deadline
        assert worker.poll() is None
        time.sleep(0.05)
    with pytest.raises(om.ParameterError, match=f"held by process {worker.pid} on"):
        kept(path)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert (tmp_path / ".s.openmr-lock").exists()
    there = len(chunk_files(path, "drho2"))
    assert 5 <= there < 60
    sweep = {"temperature": np.linspace(5, 90, 60), "field": 3.0, "method": "bloch-redfield"}
    found = om.sweep(FILM, **sweep, store=path, chunk_points=1)
    # the last box may have been killed between two of its variables
    assert 60 - there <= len(evaluated) <= 60 - there + 1
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
    plain = om.sweep(FILM, **sweep, chunk_points=60)
    xarray.testing.assert_allclose(found, plain, rtol=1e-12, atol=1e-25)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks at children as Linux does")
def test_kills_and_spoilt_files_lose_and_change_nothing():
    run = subprocess.run(
        [sys.executable, kills.__file__, "--number", "4", "--corruptions", "27"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^all( +\d+){3} +4 +0$", run.stdout, re.MULTILINE)


def test_words_and_vectors_given_once(tmp_path):
    given = {"disorder": "lattice", "exchange_energy": (1e-3, 2e-3, 0.0), "spin": 1.5}
    for _ in range(2):
        found = kept(tmp_path / "s", **given).load()
    xarray.testing.assert_allclose(found, om.sweep(FILM, **GRID, **given), rtol=1e-12, atol=1e-25)
    assert str(found.disorder.values) == "lattice"
    with pytest.raises(om.ParameterError, match=r"holds another sweep: sample\.magnet\.disorder"):
        kept(tmp_path / "s", **{**given, "disorder": "random"})


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


DAMAGE = {
    "a coordinate": lambda path: flip(path / "field" / "c" / "0"),
    "a coordinate gone": lambda path: (path / "field" / "c" / "0").unlink(),
    "a coordinate's folder gone": lambda path: shutil.rmtree(path / "field"),
    "a number's folder gone": lambda path: shutil.rmtree(path / "direction_vector"),
    "the description": lambda path: (path / "zarr.json").write_text("{"),
    "no JSON at all": lambda path: (path / "zarr.json").write_bytes(b"\xff\xfe"),
    "a variable": lambda path: (path / "precession" / "zarr.json").unlink(),
    "the seal": lambda path: retold(path / "zarr.json", r'"digest": "..', '"digest": "no'),
}


def retold(path, pattern, text):
    path.write_text(re.sub(pattern, text, path.read_text(), count=1))


@pytest.mark.parametrize("name", DAMAGE)
def test_what_cannot_be_done_again_is_told(tmp_path, evaluated, name):
    kept(tmp_path / "s")
    DAMAGE[name](tmp_path / "s")
    with pytest.raises(
        om.ParameterError, match=r"is damaged beyond its boxes.*start again"
    ) as told:
        kept(tmp_path / "s")
    assert "\n" not in str(told.value)


@pytest.mark.slow
def test_no_digit_of_the_metadata_can_change_unseen(tmp_path, evaluated):
    kept(tmp_path / "s")
    unseen = []
    for path in sorted((tmp_path / "s").rglob("zarr.json")):
        whole = path.read_text()
        digits = [i for i, letter in enumerate(whole) if letter.isdigit()]
        for i in digits[:: max(1, len(digits) // 12)]:
            path.write_text(f"{whole[:i]}{(int(whole[i]) + 1) % 10}{whole[i + 1 :]}")
            try:
                kept(tmp_path / "s")
                unseen.append((path, whole[i - 20 : i + 20]))
            except om.ParameterError as error:
                assert re.search("damaged beyond|holds another sweep", str(error))  # noqa: PT017
        path.write_text(whole)
    assert unseen == []
    kept(tmp_path / "s")


STRAYED = {
    "boxes of a variable": ("precession/c/1/0", "precession/c/4/0"),
    "variables of a box": ("precession/c/2/0", "drho2/c/2/0"),
    "boxes of two sweeps": ("precession/c/2/0", "../other/precession/c/2/0"),
}


@pytest.mark.parametrize("name", STRAYED)
def test_a_chunk_in_the_place_of_another_is_done_again(tmp_path, evaluated, name):
    first = kept(tmp_path / "s").load()
    om.sweep(replace(FILM, name="other"), **GRID, store=tmp_path / "other", chunk_points=4)
    one, other = (tmp_path / "s" / place for place in STRAYED[name])
    before = one.read_bytes(), other.read_bytes()
    one.write_bytes(before[1])
    other.write_bytes(before[0])
    evaluated.clear()
    again = kept(tmp_path / "s").load()
    assert len(evaluated) == len({p.parts[-2] for p in (one, other) if "other" not in p.parts})
    assert one.read_bytes() == before[0]
    xarray.testing.assert_identical(first, again)


def test_a_store_without_marks_goes_on_and_gets_them(tmp_path, evaluated):
    """As release 0.1 wrote it: a checksum behind each chunk, no mark and no seal."""
    from google_crc32c import value

    whole = kept(tmp_path / "s").load()
    root = tmp_path / "s" / "zarr.json"
    told = json.loads(root.read_text())
    del told["attributes"]["seal"]
    root.write_text(json.dumps(told))
    for name in VARIABLES:
        for file in chunk_files(tmp_path / "s", name):
            packed = file.read_bytes()[: -4 - 24]
            file.write_bytes(packed + value(packed).to_bytes(4, "little"))
    chunk_files(tmp_path / "s")[0].unlink()
    evaluated.clear()
    for boxes in (1, 0):
        again = kept(tmp_path / "s", chunk_points=None).load()
        assert len(evaluated) == boxes
        xarray.testing.assert_identical(again, whole)
        evaluated.clear()
    assert "seal" in json.loads(root.read_text())["attributes"]


def test_any_reader_of_zarr_reads_it(tmp_path):
    first = kept(tmp_path / "s").load()
    plain = xarray.open_zarr(tmp_path / "s", consolidated=False, chunks=None)
    for name in VARIABLES:
        np.testing.assert_array_equal(plain[name], first[name])


def test_leftovers_of_the_dead_are_removed_and_of_the_living_not(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    kept(tmp_path / "s")
    host = socket.gethostname()
    dead = [
        tmp_path / f".s.openmr-{host}-{gone.pid}-00000000",
        tmp_path / "s" / "precession" / "c" / "0" / f".0.openmr-{host}-{gone.pid}-00000000",
    ]
    alive = tmp_path / f".s.openmr-{host}-{os.getppid()}-00000000"
    other = tmp_path / f".s2.openmr-{host}-{gone.pid}-00000000"
    for path in (dead[0], alive, other):
        path.mkdir()
    dead[1].write_bytes(b"half")
    kept(tmp_path / "s")
    assert not any(path.exists() for path in dead)
    assert alive.exists()
    assert other.exists()


def test_a_full_disk_names_the_store_and_keeps_what_is_there(tmp_path, evaluated, monkeypatch):
    def full(place, save):
        if len(evaluated) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return right(place, save)

    right = store.replace
    with monkeypatch.context() as patch:
        patch.setattr(store, "replace", full)
        with pytest.raises(om.OpenmrError, match=r"`store` .*/s' could not take .*No space left"):
            kept(tmp_path / "s")
    evaluated.clear()
    kept(tmp_path / "s")
    assert len(evaluated) == 4


def test_a_store_is_where_its_path_says(tmp_path, monkeypatch):
    """At home where it begins with ~, whatever letters it has, and at no address."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in ("~/s", "a b.zarr", "\u65e5 \u00fc%20#[x].zarr", "-x"):
        first = kept(name).load()
        xarray.testing.assert_identical(first, kept(name).load())
    assert (tmp_path / "s" / "zarr.json").is_file()
    assert not Path("~").exists()
    for address in ("s3://bucket/s", "memory://s", "file:///tmp/s"):
        with pytest.raises(om.ParameterError, match="`store` must be a path, got the address"):
            kept(address)
    assert len(list(Path().iterdir())) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of records, and links are few")
def test_of_two_that_write_one_store_the_second_is_refused_and_told_who_has_it(
    tmp_path, evaluated, monkeypatch
):
    """From another process and from this one; the recut and what a link points at as well."""
    (tmp_path / "link").symlink_to(tmp_path / "s")
    said = []

    def second(task):
        if not said:
            for path, more in (("s", {}), ("s", {"chunk_points": 1}), ("link", {})):
                with pytest.raises(om.ParameterError, match="held by this process") as told:
                    kept(tmp_path / path, **more)
                said.append(str(told.value))
            other = subprocess.run(
                [sys.executable, "-c", KILLED, str(tmp_path / "s")], cwd=Path(__file__).parents[2],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            said.append(other.stderr.splitlines()[-1])
        return evaluate(task)

    monkeypatch.setattr(module, "evaluate", second)
    first = kept(tmp_path / "s").load()
    assert all("no other sweep writes to, got " in one and "/s'" in one for one in said[:2])
    assert f"held by process {os.getpid()} on {socket.gethostname()}" in said[3]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "s"]
    xarray.testing.assert_identical(first, kept(tmp_path / "link").load())


def test_threads_that_start_one_store_at_once(tmp_path):
    def started(_):
        try:
            return kept(tmp_path / "s").load()
        except om.ParameterError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(started, range(3)))
    found = [one for one in ended if not isinstance(one, str)]
    assert found
    assert all("held by this process" in one for one in ended if isinstance(one, str))
    for one in found[1:]:
        xarray.testing.assert_identical(one, found[0])
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_a_store_that_cannot_be_locked_is_read_all_the_same(tmp_path, evaluated, monkeypatch):
    first = kept(tmp_path / "s").load()
    evaluated.clear()

    def refused(*_):
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(store.os, "open", refused)
    lock = store._locked(tmp_path / "s", tmp_path / ".s.openmr-lock")
    monkeypatch.undo()
    assert lock is None
    xarray.testing.assert_identical(first, kept(tmp_path / "s").load())


DIFFERENT = [
    ({"method": "batched"}, "method = 'closed-form', asked for 'batched'"),
    ({"options": {"form": "printed"}}, "options.form = None, asked for 'printed'"),
    ({"thickness": 6e-9}, r"sample.film.thickness = 5e-09, asked for 6e-09"),
    ({"spin": [1.0, 2.0]}, "dimensions"),
    ({"direction": (0, 0, 1)}, r"fixed.direction\[0\] = 1.0, asked for 0.0"),
    ({"temperature": np.linspace(5.0, 201.0, 6)}, "temperature = 6 values from 5.0 to 200.0"),
    ({"field": [0.0]}, r"field = \[0.0, 3.0, 6.0, 9.0\], asked for \[0.0\]"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("change", "message"), DIFFERENT, ids=[str(m) for _, m in DIFFERENT])
def test_a_store_of_other_parameters_is_refused_by_name(tmp_path, evaluated, change, message):
    kept(tmp_path / "s")
    before = {p: p.read_bytes() for p in (tmp_path / "s").rglob("*") if p.is_file()}
    with pytest.raises(om.ParameterError, match=message) as caught:
        om.sweep(FILM, **{**GRID, "store": tmp_path / "s", "chunk_points": 4, **change})
    assert "holds another sweep" in str(caught.value)
    assert {p: p.read_bytes() for p in (tmp_path / "s").rglob("*") if p.is_file()} == before


@pytest.mark.slow
def test_vectors_are_not_taken_for_numbers(tmp_path, evaluated):
    kept(tmp_path / "s", exchange_energy=[1e-3, 2e-3])
    with pytest.raises(om.ParameterError, match=r"exchange_energy = .*asked for"):
        kept(tmp_path / "s", exchange_energy=[(1e-3, 0.0, 0.0), (2e-3, 0.0, 0.0)])
    kept(tmp_path / "t", exchange_energy=[(1e-3, 0.0, 0.0), (2e-3, 0.0, 0.0)])
    with pytest.raises(om.ParameterError, match=r"exchange_energy = .*asked for"):
        kept(tmp_path / "t", exchange_energy=[1e-3, 2e-3])


def test_a_store_of_another_version_is_refused(tmp_path):
    kept(tmp_path / "s")
    told = json.loads((tmp_path / "s" / "zarr.json").read_text())
    description = json.loads(told["attributes"]["description"])
    description["version"] = "0.0.1"
    told["attributes"]["description"] = json.dumps(description)
    (tmp_path / "s" / "zarr.json").write_text(json.dumps(told))
    with pytest.raises(om.ParameterError, match=r"version = '0.0.1', asked for"):
        kept(tmp_path / "s")


def test_something_else_than_a_store_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(om.ParameterError, match="`store` must be a new path or the store of"):
            kept(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


def test_the_cut_of_the_store_holds_unless_another_is_asked_for(tmp_path, evaluated):
    first = kept(tmp_path / "s").load()
    chunk_files(tmp_path / "s")[0].unlink()
    evaluated.clear()
    om.sweep(FILM, **GRID, store=tmp_path / "s", chunk_seconds=1e-9)
    assert evaluated == [(1, 4)]
    chunk_files(tmp_path / "s")[0].unlink()
    evaluated.clear()
    again = om.sweep(FILM, **GRID, store=tmp_path / "s", chunk_points=1).load()
    assert evaluated == [(1, 1)] * 4  # the points of the box that was missing
    assert len(chunk_files(tmp_path / "s")) == 24
    xarray.testing.assert_allclose(again, first, rtol=1e-12)
    evaluated.clear()
    again = om.sweep(FILM, **GRID, store=tmp_path / "s", chunk_points=99).load()
    assert evaluated == []
    assert len(chunk_files(tmp_path / "s")) == 1
    xarray.testing.assert_allclose(again, first, rtol=1e-12)
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("step", ["rename", "rmtree"])
def test_killed_while_it_is_cut_anew(tmp_path, evaluated, monkeypatch, step):
    first = kept(tmp_path / "s").load()
    evaluated.clear()
    old = store._aside(tmp_path / "s")
    right = os.rename if step == "rename" else shutil.rmtree

    def dies(path, *more, **options):
        if old == Path(path) or (step == "rename" and old.exists()):
            raise KeyboardInterrupt
        return right(path, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(store.os if step == "rename" else store.shutil, step, dies)
        with pytest.raises(KeyboardInterrupt):
            kept(tmp_path / "s", chunk_points=1)
        assert old.exists()
    xarray.testing.assert_allclose(kept(tmp_path / "s").load(), first, rtol=1e-12)
    assert evaluated == []
    assert not old.exists()


def test_equal_parameters_are_the_same_sweep(tmp_path):
    """The negative of the refusal: the same parameters given in another way are the same."""
    kept(tmp_path / "s")
    again = replace(FILM, film=replace(FILM.film, thickness=FILM.film.thickness * 1.0))
    om.sweep(again, **GRID, store=tmp_path / "s", chunk_points=4)
