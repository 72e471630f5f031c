"""What somebody waits for, each in units of something done in the same run.

Processor time where one process does the work; the page in the browser by its own clock.
"""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import browser
import numpy as np
import pytest

import openmr as om
from openmr import clusters
from openmr.apps.explorer import page
from openmr.apps.explorer.screen import LARGEST_QUTIP_SPIN, Settings, screen
from openmr.rates.routes import tcl2

ROOT = Path(__file__).parents[1]
FILM = om.presets.pt_py()


def seconds(call, repeat=5):
    """Median processor time of a call, the first left out: what it loads is not its own."""
    times = []
    for _ in range(repeat + 1):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return median(times[1:])


def interpreter(code, *more):
    """Processor time of a new interpreter [s]."""
    code += "\nimport time\nprint(time.process_time())"
    run = subprocess.run(
        [sys.executable, "-c", code, *more], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return float(run.stdout.splitlines()[-1])


def point():
    """The unit: one point of the whole line by closed form, about a millisecond."""
    om.magnetoresistance(FILM, 10.0, 5.0, (1, 0, 0), order="exact")


def refused(call):
    def tried():
        with pytest.raises(om.SizeError):
            call()

    return tried


def relaxation(method, sample, **options):
    return lambda: om.relaxation(sample, 10.0, 1.0, method=method, **options)


HUGE = om.presets.pt_py(spin=1e5 - 0.5)
REFUSED = {
    **{m: relaxation(m, HUGE) for m in ("bloch-redfield", "evolution", "kinetic", "tcl2")},
    "heom": relaxation("heom", FILM),
    "exact": relaxation("exact", FILM, levels=100_001),
    "exact, many realisations": relaxation("exact", FILM, realisations=100_000),
    "clusters": lambda: clusters.complete_graph_noise(0.5, 10**6, 1.0, 0.0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_too_large_is_refused_at_once(name, ratios):
    ratio = seconds(refused(REFUSED[name])) / seconds(point)
    ratios[f"refusal of what does not fit, {name}, in points"] = ratio
    assert ratio < 5


@pytest.mark.parametrize("method", ["closed-form", "batched"])
def test_large_spins_cost_their_levels_alone(method, row):
    """Ten times the levels at no more than twice ten times the time, for caches have ends."""
    tenth = om.presets.pt_py(spin=1e4 - 0.5)
    ratio = seconds(relaxation(method, HUGE)) / seconds(relaxation(method, tenth))
    row(f"S = 99999.5 by {method}", "S = 9999.5", ratio, most=20.0)


def test_help(ratios):
    """Beside an interpreter that imports NumPy."""
    code = "import contextlib, openmr.apps.cli as c\nwith contextlib.suppress(SystemExit):"
    shown = min(interpreter(f"{code} c.main(['--help'])") for _ in range(3))
    plain = min(interpreter("import numpy") for _ in range(3))
    ratios["openmr --help, in imports of NumPy"] = shown / plain
    assert shown < 4 * plain


@pytest.mark.parametrize(
    ("name", "code", "unit"),
    [
        (
            "first resistivity",
            "import openmr as om\nom.magnetoresistance(om.presets.pt_py(), 10.0, 5.0, (1, 0, 0))",
            "import numpy",
        ),
        ("verify", "import openmr as om\nom.verify(progress=False)", "import qutip"),
    ],
)
def test_from_the_prompt(name, code, unit, row):
    whole, alone = (min(interpreter(one) for _ in range(3)) for one in (code, unit))
    row(name, f"a new interpreter's {unit}", whole / alone)


def test_a_constant_generator_is_carried_on_exactly(row):
    stepping = {"method": "vern9", "rtol": 1e-9, "atol": 1e-12, "nsteps": 1_000_000}
    exact, stepped = (
        relaxation("evolution", FILM, progress=False, **more)
        for more in ({}, {"options": stepping})
    )
    np.testing.assert_allclose(exact().longitudinal, stepped().longitudinal, rtol=1e-6)
    ratio = seconds(exact) / seconds(stepped, repeat=2)
    row("evolution", "the same by QuTiP's vern9, release 0.1.0's choice", ratio)


def test_how_long_a_memory_is_costs_little(row):
    electron = tcl2._electron(om.equilibrium(FILM, 10.0, 1.0), tcl2._Options())
    ratio = seconds(relaxation("tcl2", FILM)) / seconds(
        lambda: electron.slip(electron.memory(np.inf))
    )
    row("tcl2", "its transforms and the initial slip alone", ratio)


@pytest.mark.parametrize("spin", [2.0, LARGEST_QUTIP_SPIN, 10.0])
def test_an_update_of_the_explorer(spin, ratios):
    """All parts of the page: two routes, curves and figures."""
    settings = iter(replace(Settings(), spin=spin, temperature=20.0 + k) for k in range(100))

    def update():
        found = screen(next(settings))
        return page.numbers(found), page.figures(found), page.code(found.settings)

    ratio = seconds(update) / seconds(point)
    ratios[f"update of the explorer, S = {spin}, in points"] = ratio
    assert ratio < 250


CLOCK = """
window.clock = {pressed: 0, answers: []};
document.addEventListener("keydown", () => { clock.pressed = performance.now(); }, true);
const seen = () => {
  const numbers = document.getElementById("om-numbers");
  return numbers ? JSON.stringify(numbers.dataset) : "";
};
let last = seen();
new MutationObserver(() => {
  const now = seen();
  if (now && now !== last) { last = now; clock.answers.push(performance.now() - clock.pressed); }
}).observe(document.body, {subtree: true, childList: true, attributes: true});
"""


def test_from_a_key_to_the_numbers(tmp_path, ratios):
    """One step of the first slider, and the last of thirty pressed at once."""
    if not (browser.CHROMIUM and browser.DRIVER):
        assert os.environ.get("CI") != "true"
        pytest.skip("chromium and chromedriver are not installed")
    screen(Settings())  # what the first loads is not its own
    start = time.perf_counter()
    screen(Settings())
    unit = 1e3 * (time.perf_counter() - start)
    with browser.served(tmp_path) as address, browser.chromium() as driver:
        browser.visit(driver, address, 1280, 900)
        driver.execute_script(
            "document.querySelector('marimo-slider').shadowRoot.querySelector('[role=slider]').focus()"
        )
        driver.execute_script(CLOCK)

        def at(kelvin):
            text = "return document.getElementById('om-numbers')?.dataset.temperature"
            browser.wait_for(driver, lambda d: float(d.execute_script(text) or 0) == kelvin)

        for k in range(5):
            browser.press(driver, "ArrowRight")
            at(11.0 + k)
        one = median(driver.execute_script("return clock.answers"))
        for _ in range(30):
            browser.press(driver, "ArrowRight")
        at(45.0)
        last = driver.execute_script("return clock.answers.at(-1)")
    ratios["explorer, from a key to the numbers, in computed screens"] = one / unit
    ratios["explorer, thirty keys at once, the last"] = last / unit
    assert max(one, last) < 100 * unit


@pytest.mark.parametrize("lesson", sorted((ROOT / "docs" / "course").glob("lesson_*.py")))
def test_a_lesson_is_a_short_script(lesson, ratios):
    """Beside the import of what each of them uses, a second or two."""
    run = "import runpy, sys\nrunpy.run_path(sys.argv[1], run_name='__main__')"
    ratio = interpreter(run, str(lesson)) / interpreter("import qutip, matplotlib.pyplot")
    ratios[f"{lesson.stem}, in imports of QuTiP"] = ratio
    assert ratio < 10
