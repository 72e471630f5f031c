"""The documentation site: `make docs`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "_ext")]
# the kernels that execute the lessons shall find the same copy
os.environ["PYTHONPATH"] = str(ROOT)

import openmr

project = "openmr"
author = copyright = "The openmr developers"
version = release = openmr.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "equations",
    "notebooks",
]
root_doc = "index"
exclude_patterns = ["_build", "_ext", "conf.py", "**/.ipynb_checkpoints"]
nitpicky = False

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autosummary_generate = True
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "openmr"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False, "navbar_align": "left"}
html_static_path: list[str] = []
