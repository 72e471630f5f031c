"""Pictures that move: what each frame shows, what stays where it is, what the file holds."""

import stat
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from refusals import unclear
from scipy.integrate import solve_ivp
from scipy.special import expit

import openmr as om
from openmr import animation, diffusion, kinetics
from openmr.rates.routes.kinetic import electron_sea

FILM = om.presets.pt_py(-1e-3)
RATES = om.relaxation(FILM, 10.0, 5.0)
TIMES = np.linspace(0.0, 40e-12, 161)
START = (0.6, 0.0, 0.8)
SPINS = {
    "all of it": animation.decaying_spin(RATES, TIMES, START),
    "half of it": 0.5 * animation.decaying_spin(RATES, TIMES, START),
}
ANGLES = np.deg2rad([0.0, 45.0, 90.0, 180.0])
TURNED = diffusion.profile(FILM.film, RATES, om.scan_directions("xy", ANGLES))
EDGE = np.finfo(float).eps


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def relaxing():
    """A sea that mixes its energies, its states up to ten tau_par."""
    film = om.presets.pt_py(curie_temperature=0.0)
    rate = float(om.relaxation(film, 4.0, 5.0).dissipator[2, 2])
    sea = electron_sea(film, 4.0, 5.0, energy_relaxation_rate=30 * rate, reach=12.0)
    times = np.array([0.0, 0.2, 1.0, 10.0]) / rate
    start = kinetics.local_equilibrium(sea, 0.0, (0.0, 0.0, 0.5))
    return sea, times, kinetics.evolve(sea, start, times, rtol=1e-7)


def limits(ax):
    return ax.get_xlim(), ax.get_ylim(), *([ax.get_zlim()] if ax.name == "3d" else [])


def texts(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()]


# --- a spin that decays ----------------------------------------------------------------------


def test_a_decaying_spin_obeys_its_equation_of_motion():
    last = np.array([0.0, 0.0, -0.1])
    found = animation.decaying_spin(RATES, TIMES, START, equilibrium=last)
    exact = solve_ivp(
        lambda _, spin: -RATES.tensor @ (spin - last),
        (0.0, TIMES[-1]),
        START,
        "DOP853",
        TIMES,
        rtol=1e-11,
        atol=1e-13,
    )
    np.testing.assert_allclose(found, exact.y.T, atol=1e-8)  # rtol times a thousand steps
    np.testing.assert_allclose(found[0], START, atol=4 * EDGE)
    late = animation.decaying_spin(RATES, [40 / RATES.longitudinal], START, equilibrium=last)
    np.testing.assert_allclose(late[0], last, atol=2 * np.exp(-40))


def test_it_precesses_about_the_field_and_forgets_along_it():
    x, y, z = animation.decaying_spin(RATES, TIMES, START).T
    turned = np.unwrap(np.arctan2(y, x))
    np.testing.assert_allclose(turned, RATES.precession * TIMES, atol=1e-10)
    np.testing.assert_allclose(z, 0.8 * np.exp(-RATES.longitudinal * TIMES), rtol=1e-10)


@pytest.mark.parametrize("frame", [0, 80, 160])
def test_bloch_vector(frame):
    _, ax = animation.bloch_vector(TIMES, SPINS, frame)
    assert ax.get_title() == f"$t$ = {1e12 * TIMES[frame]:.2f} ps"
    assert texts(ax) == list(SPINS)
    ways = [line for line in ax.lines if line.get_marker() == "None"][-2:]
    tips = [line for line in ax.lines if line.get_linestyle() == "None"]
    for way, tip, spin in zip(ways, tips, SPINS.values(), strict=True):
        np.testing.assert_array_equal(np.transpose(way.get_data_3d()), spin[: frame + 1])
        np.testing.assert_array_equal(np.ravel(tip.get_data_3d()), spin[frame])
    assert ways[0].get_linestyle() != ways[1].get_linestyle()
    assert tips[0].get_marker() != tips[1].get_marker()
    assert limits(ax) == ((-1, 1),) * 3
    assert all("sigma" in getattr(ax, f"get_{axis}label")() for axis in "xyz")


def test_bloch_vector_in_given_axes():
    given = plt.figure().add_subplot(projection="3d")
    figure, ax = animation.bloch_vector(TIMES, SPINS, 3, ax=given)
    assert ax is given
    assert figure is given.figure


# --- a sea that relaxes ----------------------------------------------------------------------


@pytest.mark.slow
def test_distribution_starts_as_the_ansatz_and_ends_in_equilibrium(relaxing):
    sea, times, states = relaxing
    _, first = animation.distribution(sea, times, states, 0)
    for line, markers, potential in zip(
        first.lines[0:4:2], first.lines[1:4:2], (0.5, -0.5), strict=True
    ):
        np.testing.assert_allclose(line.get_ydata(), expit(potential - sea.energies), atol=1e-9)
        # sums over the grid stop at its end, exp(-12) below the Fermi level
        np.testing.assert_allclose(markers.get_ydata(), line.get_ydata()[::4], atol=np.exp(-12))
        assert line.get_linestyle() not in ("None", ":")
    assert "100.0% of the spin left" in first.get_title()
    _, last = animation.distribution(sea, times, states, 3)
    for line in last.lines[0:4:2]:
        # ten times tau_par leave exp(-10) of the potential of 0.5, whose slope is 1/4
        np.testing.assert_allclose(line.get_ydata(), expit(-sea.energies), atol=np.exp(-9) / 8)
    assert "0.0% of the spin left" in last.get_title()
    assert limits(first) == limits(last)
    assert "k_BT" in first.get_xlabel()
    assert texts(first)[:2] == ["spin up", "spin down"]


@pytest.mark.slow
def test_distribution_as_a_change(relaxing):
    sea, times, states = relaxing
    shown = [animation.distribution(sea, times, states, i, quantity="change")[1] for i in range(4)]
    for ax, state in zip(shown, states, strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), state[kinetics.UP])
        np.testing.assert_array_equal(ax.lines[2].get_ydata(), state[kinetics.DOWN])
        assert limits(ax) == limits(shown[0])
        assert "change" in ax.get_ylabel()
    assert shown[0].get_ylim()[1] > np.abs(states[:, :2]).max()


@pytest.mark.slow
def test_nothing_to_relax(relaxing):
    sea, times, states = relaxing
    _, ax = animation.distribution(sea, times, 0 * states, 1, quantity="change")
    assert ax.get_title().endswith("ps")
    assert not np.any(ax.lines[0].get_ydata())


# --- a field that turns ----------------------------------------------------------------------


@pytest.mark.parametrize("quantity", ["accumulation", "current"])
@pytest.mark.parametrize("frame", range(4))
def test_turning_field(frame, quantity):
    b = (np.cos(ANGLES[frame]), np.sin(ANGLES[frame]), 0.0)
    alone = getattr(diffusion.profile(FILM.film, RATES, b), quantity)
    figure, ax = animation.turning_field(TURNED, ANGLES, frame, quantity=quantity)
    whole = np.abs(getattr(TURNED, quantity)).max()
    for component in range(3):
        shown = ax.lines[component].get_ydata()
        np.testing.assert_allclose(shown, alone[:, component], atol=64 * EDGE * whole)
    _, other = animation.turning_field(TURNED, ANGLES, 0, quantity=quantity)
    assert limits(ax) == limits(other)
    assert ax.get_ylim()[0] < getattr(TURNED, quantity).min()
    assert ax.get_ylim()[1] > getattr(TURNED, quantity).max()
    assert f"{np.rad2deg(ANGLES[frame]):.1f}" in ax.get_title()
    arrow = ax.child_axes[0].texts[0]
    np.testing.assert_allclose(arrow.xy, b[:2])
    assert figure is ax.figure


# --- files -----------------------------------------------------------------------------------


def test_a_gif_holds_every_frame(tmp_path):
    target = tmp_path / "spin.gif"
    draw = partial(animation.bloch_vector, TIMES, SPINS)
    assert animation.save(draw, range(0, 161, 40), target, fps=10, dpi=50) == target
    with Image.open(target) as picture:
        assert picture.n_frames == 5
        assert picture.size == (300, 250)
        assert picture.info["duration"] == 100
        assert picture.info["loop"] == 0  # for ever
    assert plt.get_fignums() == []
    assert list(tmp_path.iterdir()) == [target]


def test_axes_stay_where_the_first_frame_has_them(tmp_path):
    places = []

    def draw(frame, ax=None):
        figure, ax = animation.turning_field(TURNED, ANGLES, frame, ax=ax)
        ax.set_ylabel("\n" * frame)  # would push the axes aside
        figure.canvas.mpl_connect("draw_event", lambda _: places.append(ax.get_position().bounds))
        return figure, ax

    animation.save(draw, range(4), tmp_path / "field.gif", dpi=40)
    assert len(places) >= 4
    assert len(set(places[1:])) == 1


@pytest.mark.slow
def test_several_axes_in_one_picture(tmp_path):
    drawn = []

    def both(frame, ax=None):
        if ax is None:
            _, ax = plt.subplots(1, 2)
        for panel, quantity in zip(ax, ("accumulation", "current"), strict=True):
            animation.turning_field(TURNED, ANGLES, frame, quantity=quantity, ax=panel)
        drawn.append([len(panel.lines) for panel in ax])
        return ax[0].figure, ax

    animation.save(both, range(3), tmp_path / "both.gif", dpi=40)
    assert drawn == [[4, 4]] * 3  # cleared in between


def test_a_failure_leaves_the_old_file_and_other_figures(tmp_path):
    target = tmp_path / "field.gif"
    target.write_bytes(b"old")
    mine = plt.figure()

    def draw(frame, ax=None):
        if frame == 2:
            raise RuntimeError("no third frame")
        return animation.turning_field(TURNED, ANGLES, frame, ax=ax)

    with pytest.raises(RuntimeError, match="no third frame"):
        animation.save(draw, range(4), target, dpi=40)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
    assert plt.get_fignums() == [mine.number]


def test_mp4_hands_every_frame_to_ffmpeg(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "open(sys.argv[-1], 'w').write(f'{len(sys.stdin.buffer.read())} {sys.argv}')\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setitem(plt.rcParams, "animation.ffmpeg_path", str(program))
    draw = partial(animation.turning_field, TURNED, ANGLES)
    target = animation.save(draw, range(3), tmp_path / "field.mp4", fps=7, dpi=50)
    received, arguments = target.read_text().split(" ", 1)
    assert int(received) == 3 * (300 * 200 * 4)  # frames of width x height x RGBA
    assert "'300x200'" in arguments
    assert "'7'" in arguments


def test_mp4_without_ffmpeg_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(plt.rcParams, "animation.ffmpeg_path", str(tmp_path / "none"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(om.ParameterError, match=r"film\.mp4.*ffmpeg.*not installed.*\.gif"):
        animation.save(None, range(3), tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_mp4_by_the_program_of_a_wheel_holds_every_frame(tmp_path, monkeypatch):
    """Written and read again: as many frames, none twice."""
    program = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    monkeypatch.setitem(plt.rcParams, "animation.ffmpeg_path", str(tmp_path / "none"))
    draw = partial(animation.turning_field, TURNED, ANGLES)
    target = animation.save(draw, range(4), tmp_path / "field.mp4", fps=4, dpi=50)
    to_pixels = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    read = subprocess.run([program, "-i", target, *to_pixels], capture_output=True, check=True)
    assert b"300x200" in read.stderr
    assert b"4 fps" in read.stderr
    frames = np.frombuffer(read.stdout, np.uint8).reshape(-1, 200, 300, 3).astype(float)
    assert len(frames) == 4
    for before, after in pairwise(frames):  # the arrow turns
        assert np.abs(after - before).mean() > 0.1
    assert plt.rcParams["animation.ffmpeg_path"] == str(tmp_path / "none")


# --- errors ----------------------------------------------------------------------------------

GRID = om.relaxation(FILM, 10.0, [1.0, 5.0])
SEA = electron_sea(FILM, 10.0, 5.0, reach=5.0)
FIELD = partial(animation.turning_field, TURNED, ANGLES)
SPIN = partial(animation.bloch_vector, TIMES, SPINS)

BAD = [
    (lambda: animation.decaying_spin(None, TIMES, START), "`relaxation`.*Relaxation.*None"),
    (lambda: animation.decaying_spin(GRID, TIMES, START), r"`relaxation`.*one.*\(2,\)"),
    (lambda: animation.decaying_spin(RATES, [-1.0], START), "`times`.*>= 0 s.*-1"),
    (lambda: animation.decaying_spin(RATES, 1.0, START), r"`times`.*one row.*\(\)"),
    (lambda: animation.decaying_spin(RATES, TIMES, (1, 1, 1)), "`start`.*length <= 1.*1, 1, 1"),
    (lambda: animation.decaying_spin(RATES, TIMES, START, equilibrium=[0]), "`equilibrium`.*three"),
    (lambda: SPIN(161), "`frame` must be an integer 0 to 160, got 161"),
    (lambda: SPIN(-1), "`frame` must be an integer 0 to 160, got -1"),
    (lambda: SPIN(1.5), "`frame` must be an integer 0 to .*, got 1.5"),
    (lambda: SPIN(0, ax=3), "`ax`.*axes.*3"),
    (lambda: SPIN(0, ax=plt.subplots()[1]), "`ax`.*'3d'.*'rectilinear'"),
    (lambda: animation.bloch_vector(TIMES, {}, 0), "`spins`.*label.*{}"),
    (lambda: animation.bloch_vector(TIMES, SPINS["all of it"], 0), "`spins`.*label"),
    (lambda: animation.bloch_vector(TIMES, {"a": [START]}, 0), r"`spins\['a'\]`.*\(161, 3\)"),
    (lambda: animation.distribution(None, TIMES, [], 0), "`sea`.*Sea.*None"),
    (lambda: animation.distribution(SEA, TIMES, [], 0), r"`states`.*\(161, 4, \d+\).*\(0,\)"),
    (lambda: animation.distribution(SEA, [0.0], [], 0, quantity="spin"), "`quantity`.*'change'"),
    (lambda: FIELD(4), "`frame` must be an integer 0 to 3, got 4"),
    (lambda: FIELD(0, plane="xz"), "`plane`.*'zx'.*'xz'"),
    (
        lambda: FIELD(0, plane="zx"),
        r"`found`.*0 degrees.*'zx'.*\[0.0, 0.0, 1.0\].*\[1.0, 0.0, 0.0\]",
    ),
    (
        lambda: animation.turning_field(TURNED, ANGLES[::-1], 0),
        r"`found`.*180 degrees.*'xy'.*scan_directions",
    ),
    (
        lambda: animation.turning_field(replace(TURNED, direction=None), ANGLES, 0),
        "`found`.*direction.*graded",
    ),
    (lambda: FIELD(0, quantity="charge"), "`quantity`.*'current'.*'charge'"),
    (lambda: animation.turning_field(None, ANGLES, 0), "`found`.*SpinProfile.*None"),
    (lambda: animation.turning_field(TURNED, [0.0], 0), r"`found`.*\(1, 101, 3\).*\(4, 101, 3\)"),
    (lambda: animation.save(FIELD, range(3), "film.avi"), r"`path`.*\.gif or \.mp4.*film\.avi"),
    (lambda: animation.save(FIELD, range(3), "no/such/film.gif"), "`path`.*exists.*no/such"),
    (lambda: animation.save(FIELD, range(3), None), "`path`.*name of a file.*None"),
    (lambda: animation.save(FIELD, range(3), 5), "`path`.*name of a file.*5"),
    (lambda: animation.save(FIELD, range(3), "/proc/film.gif"), "`path`.*written.*/proc/film.gif"),
    (lambda: animation.save(FIELD, range(3), 300 * "a" + ".gif"), "`path`.*written.*too long"),
    (lambda: animation.save(FIELD, [], "film.gif"), "`frames`.*one frame at least"),
    (lambda: animation.save(FIELD, 5, "film.gif"), "`frames`.*iterable.*5"),
    (lambda: animation.save(None, range(3), "film.gif"), r"`draw`.*draw\(frame, ax=...\).*None"),
    (lambda: animation.save(lambda frame: 0, range(3), "film.gif"), "`draw`.*'ax'"),
    (lambda: animation.save(animation.turning_field, [0], "film.gif"), "`draw`.*'angles'"),
    (lambda: animation.save(lambda _, ax=0: None, [0], "film.gif"), r"`draw`.*\(figure.*None"),
    (lambda: animation.save(lambda _, ax=0: plt.figure(), [0], "film.gif"), "`draw`.*Figure"),
    (lambda: animation.save(lambda _, ax=0: (1, 2), [0], "film.gif"), r"`draw`.*\(1, 2\)"),
    (
        lambda: animation.save(FIELD, range(3), "film.gif", fps=60),
        "`fps` must be an integer 1 to 50, got 60",
    ),
    (
        lambda: animation.save(FIELD, range(3), "film.gif", fps=2.5),
        "`fps` must be an integer 1 to .*, got 2.5",
    ),
    (lambda: animation.save(FIELD, range(3), "film.gif", dpi=1), "`dpi`.*>= 10.*1"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


def test_a_refused_draw_leaves_other_figures_alone(tmp_path):
    mine = plt.figure()
    with pytest.raises(om.ParameterError, match="`draw`"):
        animation.save(lambda _, ax=None: plt.figure(), range(3), tmp_path / "film.gif")
    assert plt.get_fignums() == [mine.number]
    assert list(tmp_path.iterdir()) == []
