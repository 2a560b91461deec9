"""How Sphinx builds the pages of `docs/`: `make docs`, or `sphinx-build -W -n docs build/docs`.

Nothing is fetched, neither now nor by the reader's browser: no intersphinx, no MathJax, no fonts.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER / "_ext"), str(FOLDER.parent)]

import dsmverify  # noqa: E402

project = "dsmverify"
author = "The dsmverify authors"
copyright = author
version = release = dsmverify.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.githubpages",  # writes .nojekyll
    "sphinx.ext.napoleon",
    "catalogue_page",
    "derivations_page",
    "docstring_text",
    "outside_links",
    "reading_aids",
]
exclude_patterns = ["_ext", "_static"]
suppress_warnings: list[str] = []

smartquotes_action = "D"  # dashes only: a prime is no quotation mark

nitpicky = True
# Types of other libraries, and of our own that have no entry in the API reference.
nitpick_ignore_regex = [("py:(class|obj|exc|data)", ".*")]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = "dsmverify"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": True}
