"""Pictures that move: spins that precess and decay, a Fermi sea that relaxes, a field that turns.

Three functions draw one frame each. Like those of `openmr.plotting` they take `ax=` and return
``(fig, ax)``, and `frame` counts along the first axis of what they are given. Axis limits and the
places of title and legend are those of the whole history, so frames may be laid over each other.
`save` writes many frames to a file::

    draw = partial(animation.bloch_vector, times, spins)
    animation.save(draw, range(0, len(times), 5), "spiral.gif")
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.linalg import expm
from scipy.special import expit

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr._files import expect_file, write_whole
from openmr._words import Plane, Profile
from openmr.models.fermi_kinetics import DOWN, UP, Sea, densities
from openmr.rates.record import Relaxation
from openmr.show import plotting
from openmr.show.frame import LINES, axes, colour, in_plane, ink
from openmr.show.plotting import PICOSECOND
from openmr.transport.diffusion import SpinProfile

_Shown = Literal["occupation", "change"]
_MARKERS = "os^Dv"
_VISIBLE = 5e-3
"""Share of the largest change of the occupation that is still seen and belongs on the axes."""
_SHORTEST = 8.0
"""Energies shown to either side at least [k_B T]: room for the legend, and f = 0.0003 there."""
_FASTEST = 50
"""Frames per second; a GIF counts hundredths of a second, and viewers slow down what takes one."""


# --- spins -----------------------------------------------------------------------------------


def decaying_spin(
    relaxation: Relaxation,
    times: ArrayLike,
    start: ArrayLike,
    *,
    equilibrium: ArrayLike = (0.0, 0.0, 0.0),
) -> Array:
    """<sigma>(t) of d<sigma>/dt = -tensor . (<sigma> - <sigma>_eq), Eqs. (76), (77).

    Parameters
    ----------
    relaxation : Relaxation
        At one temperature and field.
    times : array_like (n,), s
        >= 0.
    start, equilibrium : array_like (3,), no unit
        <sigma> at time 0 and in the end, in local axes: z along the field.

    Returns
    -------
    array (n, 3), no unit
        <sigma> at each time, in local axes.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> import openmr as om
    >>> rates = om.relaxation(om.presets.pt_py(), temperature=10.0, field=5.0)
    >>> spin = om.animation.decaying_spin(rates, [0.0, rates.tau_longitudinal], (0, 0, 1))
    >>> spin.round(3).tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 0.368]]
    """
    _checks.instance("relaxation", relaxation, Relaxation)
    if relaxation.tensor.shape != (3, 3):
        raise ParameterError(
            "`relaxation` must be at one temperature and field, "
            f"got a grid of shape {relaxation.tensor.shape[:-2]}"
        )
    grid = _checks.row("times", times, "s")
    if grid.min() < 0:
        raise ParameterError(f"`times` must be >= 0 s, got {grid.min():g}")
    first, last = (_vector(*named) for named in (("start", start), ("equilibrium", equilibrium)))
    decay = expm(-grid[:, None, None] * relaxation.tensor)
    return np.asarray(last + decay @ (first - last))


def bloch_vector(
    times: ArrayLike, spins: Mapping[str, ArrayLike], frame: int, *, ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Bloch vectors at one time, in three dimensions, with the way that they have come.

    Errors as of `decaying_spin`.

    Parameters
    ----------
    times : array_like (n,), s
    spins : mapping of label to array_like (n, 3)
        <sigma>(t) in local axes, z along the field, by any method: `decaying_spin`, or the dynamics
        of an engine such as `openmr.rates.routes.tcl2.spin_in_time`.
    frame : int
        From 0 to n - 1.
    ax : Axes, optional
        One with ``projection="3d"``.

    Returns
    -------
    (Figure, Axes)
        A line per label up to `frame` and a marker at its end; the arrow belongs to the first.
        The circles are the equator and two meridians of the unit sphere.
    """
    if not isinstance(spins, Mapping) or not spins:
        got = _checks.shown(spins)
        raise ParameterError(f"`spins` must map a label or more to <sigma>(t), got {got}")
    grid = _checks.row("times", times, "s")
    histories = {label: _history(f"spins[{label!r}]", s, grid) for label, s in spins.items()}
    frame = _checks.integer("frame", frame, least=0, most=len(grid) - 1)
    figure, ax = axes(ax, "3d")
    _sphere(ax)
    for index, (label, spin) in enumerate(histories.items()):
        shade, line = colour(index), LINES[index % len(LINES)]
        way, tip = spin[: frame + 1].T, spin[frame]
        ax.plot(*way, color=shade, linestyle=line, linewidth=1.6 if index else 1.2)
        if index == 0:
            ax.quiver(0, 0, 0, *tip, color=shade, arrow_length_ratio=0.12, linewidth=2.0)
        marker = _MARKERS[index % len(_MARKERS)]
        size = 6 + 3 * index  # those beneath stay visible around those that coincide with them
        ax.plot(*tip[:, None], marker, color=shade, markerfacecolor="none", markersize=size)
        ax.plot([], [], [], marker=marker, color=shade, linestyle=line, markerfacecolor="none",
                label=label)  # fmt: skip
    for axis in "xyz":
        label = rf"$\langle\sigma_{axis}\rangle$"
        ax.set(**{f"{axis}lim": (-1, 1), f"{axis}label": label, f"{axis}ticks": [-1, 0, 1]})
    ax.set_title(f"$t$ = {grid[frame] / PICOSECOND:.2f} ps")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(-0.14, 1.04))
    return figure, ax


def _sphere(ax: Any) -> None:
    """Equator, two meridians and the direction of the field."""
    angle = np.linspace(0.0, 2 * np.pi, 121)
    circle, zero = np.stack([np.cos(angle), np.sin(angle)]), np.zeros_like(angle)
    for rows in ((*circle, zero), (circle[0], zero, circle[1]), (zero, *circle)):
        ax.plot(*rows, color=ink(), alpha=0.3, linewidth=0.8)
    ax.plot([0, 0], [0, 0], [-1, 1], color=ink(), alpha=0.6, linewidth=0.8)
    ax.text(0.0, 0.0, 1.06, r"$\mathbf{b}$", ha="center")
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.pane.fill = False
    ax.grid(False)
    ax.set_box_aspect((1, 1, 1), zoom=1.05)
    ax.view_init(elev=24, azim=-58)


# --- the Fermi sea ---------------------------------------------------------------------------


def distribution(
    sea: Sea,
    times: ArrayLike,
    states: ArrayLike,
    frame: int,
    *,
    quantity: _Shown = "occupation",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Occupation of both spins against the total energy at one time, beside Eq. (51).

    Errors as of `decaying_spin`.

    Parameters
    ----------
    times : array_like (n,), s
    states : array_like (n, 4, N), no unit
        As `openmr.models.fermi_kinetics.evolve` gives them.
    frame : int
        From 0 to n - 1.
    quantity : {"occupation", "change"}
        The occupation itself, or its deviation from equilibrium, which shows a weak excitation.

    Returns
    -------
    (Figure, Axes)
        Lines belong to the state; open markers to the Fermi-Dirac distributions of as many
        electrons of each spin, which the closed forms assume. The title tells the time and how
        much of the first spin along the field is left.
    """
    _checks.instance("sea", sea, Sea)
    _checks.choice("quantity", quantity, _Shown)
    grid = _checks.row("times", times, "s")
    history = _checks.finite_array("states", states)
    shape = (len(grid), 4, len(sea.energies))
    if history.shape != shape:
        raise ParameterError(f"`states` must have shape {shape}, got {history.shape}")
    frame = _checks.integer("frame", frame, least=0, most=len(grid) - 1)
    figure, ax = axes(ax, "rectilinear")
    e, still = sea.energies, expit(-sea.energies)
    base = still if quantity == "occupation" else np.zeros_like(e)
    spins = history[:, [UP, DOWN]]
    lines: list[Line2D] = []
    markers: list[Line2D] = []
    for level, change in enumerate(spins[frame]):
        potential = change.sum() * sea.spacing  # mu of Eq. (51), exact for any size of it
        ansatz = base - still + expit(potential - e)
        shade, line = colour(level), LINES[level]
        lines += ax.plot(e, base + change, color=shade, linestyle=line)
        markers += ax.plot(e[::4], ansatz[::4], _MARKERS[level], color=shade, markersize=5,
                           markerfacecolor="none")  # fmt: skip
    lines += ax.plot(e, base, color=ink(), linestyle=":", zorder=0)
    _distribution_limits(ax, e, np.abs(spins).max(axis=(0, 1)), quantity)
    ax.set_xlabel(r"energy above the Fermi level, $\epsilon / k_BT$")
    left = _part_left(sea, history, frame)
    ax.set_title(f"$t$ = {grid[frame] / PICOSECOND:.2f} ps{left}")
    ax.legend(
        handles=[*lines[:2], tuple(markers), lines[2]],
        labels=["spin up", "spin down", "Fermi-Dirac,\nas many of each", "equilibrium"],
        handler_map={tuple: HandlerTuple(ndivide=None)},
        frameon=False,
        loc="upper right",
        fontsize="small",
    )
    return figure, ax


def _distribution_limits(ax: Axes, energies: Array, size: Array, quantity: str) -> None:
    """Limits for changes of at most `size` (N,)."""
    largest = float(size.max()) or 1.0
    reach = np.abs(energies[size > _VISIBLE * largest]).max(initial=_SHORTEST)
    ax.set_xlim(-reach, reach)
    if quantity == "occupation":
        ax.set(ylim=(-0.03, 1.03), ylabel="occupation")
    else:
        limits = (-1.1 * largest, 1.1 * largest)
        ax.set(ylim=limits, ylabel="occupation, change from equilibrium")


def _part_left(sea: Sea, history: Array, frame: int) -> str:
    first, now = densities(sea, history[[0, frame]])[:, 3]
    return f",  {now / first:.1%} of the spin left" if first else ""


# --- the film --------------------------------------------------------------------------------


def turning_field(
    found: SpinProfile,
    angles: ArrayLike,
    frame: int,
    *,
    plane: Plane = "xy",
    quantity: Profile = "accumulation",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Spin accumulation or spin current across the film at one angle of the field.

    Errors as of `decaying_spin`.

    Parameters
    ----------
    found : SpinProfile
        For the directions ``om.scan_directions(plane, angles)``: accumulation (n, depths, 3).
    angles : array_like (n,), rad
    frame : int
        From 0 to n - 1.
    plane : {"xy", "yz", "zx"}
        As of `openmr.scan_directions`.
    quantity : {"accumulation", "current"}

    Returns
    -------
    (Figure, Axes)
        The three components against the depth, as `plotting.spin_profile` draws them, and
        the field as an arrow.
    """
    _checks.instance("found", found, SpinProfile)
    grid = _checks.row("angles", angles, "rad")
    _checks.choice("plane", plane, Plane)
    _checks.choice("quantity", quantity, Profile)
    shape = (len(grid), len(found.depth), 3)
    if found.accumulation.shape != shape:
        raise ParameterError(
            f"`found` must hold a profile per angle, shape {shape}, got {found.accumulation.shape}"
        )
    if found.direction is None:
        raise ParameterError(
            "`found` must know the direction of the field, as openmr.diffusion.profile gives it, "
            "got a graded profile"
        )
    in_plane("found", found.direction, plane, grid)
    frame = _checks.integer("frame", frame, least=0, most=len(grid) - 1)
    now = replace(
        found, accumulation=found.accumulation[frame], current=found.current[frame],
        direction=found.direction[frame],
    )  # fmt: skip
    figure, ax = plotting.spin_profile(now, quantity=quantity, ax=ax)
    values = getattr(found, quantity)
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    room = 0.05 * (high - low) or 1.0
    ax.set(xlim=found.depth[[0, -1]] * 1e9, ylim=(low - room, high + room))
    degrees = np.rad2deg(grid[frame])
    ax.set_title(rf"field at {degrees:.1f}$\degree$ from ${plane[0]}$ to ${plane[1]}$")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _compass(ax.inset_axes((1.03, 0.1, 0.3, 0.45)), grid[frame], plane)
    return figure, ax


def _compass(ax: Axes, angle: float, plane: Plane) -> None:
    """The field in its plane."""
    turn = np.linspace(0.0, 2 * np.pi, 73)
    ax.plot(np.cos(turn), np.sin(turn), color=ink(), alpha=0.3, linewidth=0.8)
    tip = (np.cos(angle), np.sin(angle))
    ax.annotate("", tip, (0.0, 0.0), arrowprops={"arrowstyle": "-|>", "color": ink(), "shrinkA": 0})
    for name, place in zip(plane, ((1.25, 0.0), (0.0, 1.25)), strict=True):
        ax.text(*place, f"${name}$", ha="center", va="center")
    ax.text(0.0, -1.35, r"field $\mathbf{b}$", ha="center", va="center")
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.6, 1.5), aspect="equal")
    ax.axis("off")


# --- writing ---------------------------------------------------------------------------------


def save(
    draw: Callable[..., tuple[Figure, Any]],
    frames: Iterable[Any],
    path: str | Path,
    *,
    fps: int = 12,
    dpi: float = 100.0,
) -> Path:
    """Write an animation, as a whole or not at all.

    Errors as of `decaying_spin`.

    Parameters
    ----------
    draw : callable
        ``draw(frame, ax=...)`` -> (figure, axes): one of the functions above with all but `frame`
        filled in by `functools.partial`, or your own. It is called without `ax` once, which makes
        the figure; before each later frame the axes of that figure are cleared.
    frames : iterable
        What to call `draw` with. Viewers run through them again and again.
    path : str or Path
        A name that ends in .gif, or in .mp4 where the program ffmpeg or the package imageio-ffmpeg,
        which brings it along, is installed; in a directory that exists and can be written.
    fps : int
        Frames per second, at most 50.
    dpi : float, pixels per inch

    Returns
    -------
    Path
        The file that was written.

    Notes
    -----
    The layout is worked out on the first frame and then kept. Neighbouring frames that do not
    differ in a single pixel are one frame of a GIF, shown for as long as both.
    """
    target = _target(path)
    fps = _checks.integer("fps", fps, least=1, most=_FASTEST)
    dpi = _checks.number("dpi", dpi, "pixels per inch", least=10.0, most=1000.0)
    writer, program = _writer(target, fps)
    if not isinstance(frames, Iterable):
        raise ParameterError(f"`frames` must be iterable, such as range(100), got {frames!r}")
    chosen = list(frames)
    if not chosen:
        raise ParameterError("`frames` must hold one frame at least, got none")
    _takes_ax(draw, chosen[0])
    others = plt.get_fignums()
    figure, axes = _drawn(draw, chosen[0], others)
    try:
        _keep_layout(figure)

        def write(name: str) -> None:
            own = plt.rc_context({"animation.ffmpeg_path": program} if program else None)
            with own, writer.saving(figure, name, dpi):
                writer.grab_frame()
                for frame in chosen[1:]:
                    for each in figure.axes:
                        each.clear()
                    draw(frame, ax=axes)
                    writer.grab_frame()

        write_whole(target, write)
    finally:
        if getattr(figure, "number", None) not in others:
            plt.close(figure)
    return target


def _takes_ax(draw: Callable[..., Any], frame: Any) -> None:
    """Raise unless ``draw(frame, ax=...)`` can be called, before minutes are spent on it."""
    if not callable(draw):
        raise ParameterError(f"`draw` must be a function draw(frame, ax=...), got {draw!r}")
    try:
        inspect.signature(draw).bind(frame, ax=None)
    except TypeError as error:
        raise ParameterError(f"`draw` must take draw(frame, ax=...): {error}") from None
    except ValueError:  # written in C, keeps its signature to itself
        pass


def _drawn(draw: Callable[..., Any], frame: Any, others: list[int]) -> tuple[Figure, Any]:
    """First frame as `draw` returns it; if that is bad, figures but the `others` are closed."""
    found = draw(frame)
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Figure):
        return found
    for number in set(plt.get_fignums()) - set(others):
        plt.close(number)
    raise ParameterError(f"`draw` must return (figure, axes), got {found!r}")


def _keep_layout(figure: Figure) -> None:
    """Lay the figure out now and never again."""
    figure.draw_without_rendering()
    # "none" would leave a placeholder, for which every frame is drawn twice
    with plt.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)


def _target(path: str | Path) -> Path:
    """`path`, where a file can be written."""
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(f"`path` must be the name of a file, got {path!r}")
    target = Path(path)
    if target.suffix not in (".gif", ".mp4"):
        raise ParameterError(f"`path` must end in .gif or .mp4, got {str(target)!r}")
    expect_file("path", target)
    return target


def _writer(target: Path, fps: int) -> tuple[AbstractMovieWriter, str]:
    """Name of what writes the frames, and the program for it where Matplotlib does not find one."""
    if target.suffix == ".gif":
        return PillowWriter(fps=fps), ""
    if FFMpegWriter.isAvailable():
        return FFMpegWriter(fps=fps), ""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        raise ParameterError(
            f"`path` {str(target)!r} needs the program ffmpeg, which is not installed: "
            "pip install imageio-ffmpeg, or https://ffmpeg.org/download.html; a name that ends in "
            ".gif needs nothing"
        ) from None
    return FFMpegWriter(fps=fps), get_ffmpeg_exe()


# --- checks ----------------------------------------------------------------------------------


def _vector(name: str, value: ArrayLike) -> Array:
    spin = _checks.finite_array(name, value)
    if spin.shape != (3,) or np.linalg.norm(spin) > 1 + 1e-12:
        raise ParameterError(f"`{name}` must be three numbers of length <= 1, got {value!r}")
    return spin


def _history(name: str, value: ArrayLike, times: Array) -> Array:
    spin = _checks.finite_array(name, value)
    if spin.shape != (len(times), 3):
        raise ParameterError(f"`{name}` must have shape {(len(times), 3)}, got {spin.shape}")
    return spin
