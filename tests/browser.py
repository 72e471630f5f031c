"""The explorer in a headless Chromium; run as a script it takes the picture of docs/explorer.md."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-prefers-reduced-motion",
)
PATIENCE = 90  # s: a loaded machine starts Chromium and marimo's page slowly


def axe():
    """axe-core, where `npm install axe-core` put it or where the variable AXE says; else None."""
    places = (os.environ.get("AXE", ""), ROOT / "node_modules/axe-core/axe.min.js")
    return next(
        (Path(place).read_text() for place in places if place and Path(place).is_file()), None
    )


def heed_ctrl_c():
    """Also where the tests run in the background of a shell, which lets its jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def process(home, *more):
    """`python -m openmr explore` on a free port with a home directory of its own; its address."""
    environment = os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    log = home / "server.log"
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "openmr", "explore", "--headless", "--port", "0", *more],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True,
            preexec_fn=heed_ctrl_c,  # noqa: PLW1509
        )  # fmt: skip
        try:
            line = server.stdout.readline()
            assert "http://" in line, log.read_text()
            yield server, next(word for word in line.split() if word.startswith("http://"))
        finally:
            server.terminate()
            server.communicate(timeout=30)


@contextmanager
def served(home):
    """Address of the explorer; no cell of it may fail."""
    with process(home) as (_, address):
        yield address
    log = (home / "server.log").read_text()
    assert "Traceback" not in log, log


@contextmanager
def chromium(*more):
    """Chromium with a new profile, and with more flags."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, *more, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            yield driver
        finally:
            driver.quit()


def visit(driver, address, width, height):
    """Load the page anew and wait for the last part of it."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get("about:blank")
    for kind in ("browser", "performance"):
        driver.get_log(kind)  # what was logged before
    resize(driver, width, height)
    driver.get(address)
    WebDriverWait(driver, PATIENCE).until(
        lambda d: d.find_elements("id", "om-snippet") and d.execute_script(WHOLE)
    )


WHOLE = """return [...document.querySelectorAll('marimo-slider')].length > 0 &&
  [...document.querySelectorAll('marimo-slider')].every(
    (s) => s.shadowRoot && s.shadowRoot.querySelector('[role=slider]')) &&
  [...document.querySelectorAll('marimo-mime-renderer')].every(
    (s) => s.shadowRoot && s.shadowRoot.querySelector('canvas'))"""


def resize(driver, width, height):
    """The inner size of the window, below what Chromium allows a window to be."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def requests(driver):
    """Addresses that the page asked for, without those of Chromium's own pages."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [p["request"]["url"] for p in asked if not p["documentURL"].startswith("chrome:")]


KEYS = {
    "ArrowRight": "\ue014",
    "Tab": "\ue004",
    "Home": "\ue011",
    "Enter": "\ue007",
}


def press(driver, key):
    from selenium.webdriver import ActionChains

    ActionChains(driver).send_keys(KEYS[key]).perform()


def wait_for(driver, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, PATIENCE, poll_frequency=0.05).until(condition)


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as home,
        served(Path(home)) as address,
        chromium() as driver,
    ):
        visit(driver, address, 1280, 1080)
        driver.save_screenshot(sys.argv[1])
