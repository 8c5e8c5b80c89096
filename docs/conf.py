"""How the documentation is built: ``python -m sphinx -W -n docs build/docs``. No network is needed."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import symderiv  # noqa: E402 (of this checkout)

project = "symderiv"
author = copyright = "The symderiv authors"
version = release = symderiv.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "extensions.mathml",
    "extensions.catalogue",
    "extensions.commands",
    "extensions.measured",
    "extensions.accessible",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["generated/parts"]
nitpicky = True
#: Types of Python's own library and of rooms that are no part of the public face.
nitpick_ignore_regex = [
    ("py:class", r"(collections\.abc|pathlib|typing)\..*|Path|Any|TypeAliasType|optional|object"),
    ("py:class", r"(symderiv\.)?(expression|calculus|check|documents|proof|witness|notation|kernels)\..*"),
    ("py:class", r"symderiv\.problem\.(Input|Upstream|Function|Assumption|Expectation|Definition)"),
    ("py:class", r"Explicit|Derivation|Backward|Expression|Case|Step|Content|Check|Figure|~?.*Kernel.*"),
]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline", "smartquotes"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "symderiv"
html_static_path = ["static"]
html_css_files = ["symderiv.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "native"
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
numpydoc_show_class_members = False
autosummary_generate = False
numpydoc_xref_param_type = False
python_use_unqualified_type_names = True
