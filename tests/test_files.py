"""Files are written whole, where links point, with the user's permissions; errors name them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import openmr as om
from openmr._files import expect_file, write_whole
from openmr.sample.toml import read_sample


def put(text):
    return lambda name: Path(name).write_text(text, encoding="utf-8")


@pytest.fixture
def mask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_new_file_heeds_the_mask_and_an_old_one_keeps_its_permissions(tmp_path, mask):
    target = tmp_path / "a.txt"
    write_whole(target, put("new"))
    assert target.stat().st_mode & 0o777 == 0o640
    target.chmod(0o600)
    write_whole(target, put("again"))
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_text() == "again"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "there" / "real.txt")
    for text in ("first", "second"):  # the target is missing at first
        expect_file("path", link)
        write_whole(link, put(text))
        assert link.is_symlink()
        assert (tmp_path / "there" / "real.txt").read_text() == text
    assert [p.name for p in (tmp_path / "there").iterdir()] == ["real.txt"]


def test_a_ring_of_links_is_refused(tmp_path):
    ring = tmp_path / "ring"
    ring.symlink_to(ring)
    with pytest.raises(om.OpenmrError, match="ring"):
        expect_file("path", ring)
    with pytest.raises(om.OpenmrError, match="ring"):
        write_whole(ring, put("no"))


def test_no_file_takes_the_place_of_a_device(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    expect_file("path", pipe)
    write_whole(pipe, put("through"))
    assert reader.communicate(timeout=30)[0] == "through"
    assert pipe.is_fifo()
    with pytest.raises(om.OpenmrError, match="'/dev/full': No space left on device"):
        write_whole(Path("/dev/full"), put("x"))


def test_what_was_there_stays_if_writing_fails(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fails(name):
        put("half")(name)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(target, fails)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


def test_a_long_name_has_room_for_a_temporary_one(tmp_path):
    target = tmp_path / ("x" * 250 + ".nc")
    expect_file("path", target)
    write_whole(target, put("long"))
    assert target.read_text() == "long"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without an end")
def test_a_file_without_an_end_is_refused():
    """As a description of a film, as data and as a fit."""
    endless = Path("/dev/zero")
    for read in (read_sample, om.read, om.Fit.load):
        with pytest.raises(om.SizeError, match=r"at most \d+ MiB, got more in '/dev/zero'"):
            read(endless)


FULL = """
import resource, sys
from openmr.apps import cli
# from here on no file may be longer than this, as on a disk that is full
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
sys.exit(cli.main(["sweep", "-c", sys.argv[1], "-o", sys.argv[2], "-q", *sys.argv[3:]]))
"""
CONFIG = """
[sample]
preset = "pt_py"
[sweep]
temperature = { from = 2.0, to = 300.0, points = 2000 }
field = [0.0, 5.0]
"""


@pytest.mark.slow
@pytest.mark.parametrize("store", [False, True])
def test_a_full_disk_names_the_file(tmp_path, store):
    config, target = tmp_path / "film.toml", tmp_path / "out.nc"
    config.write_text(CONFIG)
    more = ["--store", str(tmp_path / "kept")] if store else []
    done = subprocess.run(
        [sys.executable, "-c", FULL, config, target, *more],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert str(tmp_path / ("kept" if store else "out.nc")) in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not target.exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
