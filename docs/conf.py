"""The documentation site: `make docs`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "_ext")]
# the kernels that execute the lessons shall find the same copy
os.environ["PYTHONPATH"] = str(ROOT)
# a kernel puts figures into its page only if the environment names no backend
os.environ.pop("MPLBACKEND", None)
# small matrices: more threads than one cost time, twenty times as much on a busy machine
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import openmr

project = "openmr"
author = copyright = "The openmr developers"
version = release = openmr.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "ascii_formulas",
    "equations",
    "benchmarks",
    "bibliography",
    "offline_mathjax",
    "thumbnail",
    "notebooks",
    "browser",
    "sphinxcontrib.bibtex",
    "whole_site",
]
root_doc = "index"
exclude_patterns = ["_build", "_ext", "_templates", "conf.py", "**/.ipynb_checkpoints"]
exclude_patterns += ["browser/*.py"]
exclude_patterns += ["gallery/*.ipynb", "gallery/*.py", "gallery/*.json", "gallery/*.zip"]
templates_path = ["_templates"]
nitpicky = True
# types of other packages: this site reads without internet, so it asks no inventory of theirs
nitpick_ignore_regex = [("py:class", r"(collections|numpy)\..*")]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

bibtex_bibfiles = ["../openmr/references.bib"]
autosummary_generate = True
# a class and a function whose names differ in case alone are one file on some systems
_public = {*openmr.__all__, *openmr._LAZY_NAMES, *openmr._LAZY_MODULES}
autosummary_filename_map = {
    f"openmr.{name}": f"openmr.{name}-class"
    for name in _public
    if name != name.lower() and name.lower() in _public
}
autosummary_ignore_module_all = False  # what a module passes on is part of its page
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": (),
    "show_memory": False,
    "remove_config_comments": True,
    "matplotlib_animations": False,
    "thumbnail_size": (400, 280),
    "doc_module": ("openmr",),
    "backreferences_dir": None,
    "min_reported_time": 1,
    "write_computation_times": False,
    "copyfile_regex": "",
    "default_thumb_file": str(Path(__file__).parent / "_build" / "printed.png"),
}

html_theme = "pydata_sphinx_theme"
html_title = "openmr"
html_theme_options = {
    "show_toc_level": 1,
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "show_prev_next": True,
    "secondary_sidebar_items": {"**": ["page-toc", "sourcelink"], "index": []},
}
html_sidebars: dict[str, list[str]] = {
    page: [] for page in ("index", "conventions", "ledger", "benchmarks", "glossary", "cite")
}
html_sidebars["bibliography"] = []
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["ledger.js", "pictures.js"]
