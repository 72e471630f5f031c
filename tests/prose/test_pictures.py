"""The committed pictures still show what the code computes."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.prose

PICTURES = Path(__file__).parents[2] / "pictures"


def test_resistance():
    made = runpy.run_path(str(PICTURES / "make.py"))
    found = made["curves"]()
    with Image.open(PICTURES / "resistance.png") as picture:
        shown = json.loads(picture.text["Curves"])
    assert shown.keys() == found.keys()
    for name, values in found.items():
        # numbers below a pixel: quadrature and special functions differ between machines
        scale = np.ptp(values)
        np.testing.assert_allclose(shown[name], values, rtol=0, atol=1e-6 * scale, err_msg=name)


def test_pictures_stay_small():
    for picture in PICTURES.glob("*.png"):
        assert picture.stat().st_size < 100_000, picture.name
