"""Type checkers are silent on a user's script that is right, and find each of its slips."""

import subprocess
import sys

import pytest

RIGHT = """
import openmr as om

film = om.presets.pt_py(exchange_energy=-1e-3)
rates = om.relaxation(film, 10.0, [1.0, 5.0], method="kinetic", half_width=2.0, modes=False)
rho = om.magnetoresistance(film, 10.0, 5.0, (1, 0, 0), form="finite-splitting", order="exact")
spins = om.bath.spin_matrices(0.5)
scans = {plane: om.magnetoresistance(film, 9, 5, om.scan_directions(plane, [0.0, 1.0]))
         for plane in ("xy", "yz")}
om.plotting.angular_scan([0.0, 1.0], scans, part="transverse")
om.read("film.dat", longitudinal="R", plane="plane of the rotator", angle="angle")
figure, axes = om.plotting.resistance_curves(rho)
print(rates.equilibrium.mean_spin, rho.relaxation.longitudinal, spins.shape, om.master.generator)
print(om.Bath.drude(0.05, 1.5, temperature=1.0).half_sided([0.0, 0.7]))
"""
SLIPS = {
    "om.nonsense": "import openmr as om\nom.nonsense\n",
    "om.bath.nonsense": "import openmr as om\nom.bath.nonsense\n",
    "method": "import openmr as om\nom.relaxation(om.presets.pt_py(), 1.0, 1.0, method='heon')\n",
    "plane": "import openmr as om\nom.scan_directions('zy', 1.0)\n",
    "profile": "import openmr as om\nom.animation.turning_field(om, [0.0], 0, quantity='spin')\n",
    "option": "import openmr as om\nom.relaxation(om.presets.pt_py(), 1.0, 1.0, halfwidth=1.0)\n",
    "bath": "import openmr as om\nom.Bath.drude(0.05, 1.5, 1.0).spectra(0.0)\n",
    "attribute": "import openmr as om\nom.relaxation(om.presets.pt_py(), 1.0, 1.0).longitudnal\n",
}
CHECKERS = {
    "mypy": ["-m", "mypy", "--strict"],
    "pyright": ["-m", "pyright", "--pythonpath", sys.executable],
}


SETTINGS = "[mypy]\n[mypy-xarray.*,pandas.*]\nfollow_imports = skip\n"
"""The scripts use no data set, whose packages take mypy a third of its time."""


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_users_script(checker, tmp_path):
    scripts = {"right": RIGHT, **SLIPS}
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    for name, text in scripts.items():
        (tmp_path / f"{name.replace('.', '_')}.py").write_text(text)
    run = subprocess.run(
        [sys.executable, *CHECKERS[checker], *sorted(p.name for p in tmp_path.glob("*.py"))],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    wrong = {name for name in scripts if f"{name.replace('.', '_')}.py:" in run.stdout}
    assert wrong == set(SLIPS), run.stdout + run.stderr
