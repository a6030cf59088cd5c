"""How the documentation site is built: ``make docs``.

The pages are the Markdown files beside this one, readable as they are; what is generated (gallery, traps,
API) comes from the small extensions in ``docs/site``. Nothing is loaded from elsewhere when a page is viewed.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "site"), str(HERE.parent)]

import deepglass  # noqa: E402

project = "deepglass"
author = "the deepglass authors"
copyright = "2026, the deepglass authors"
release = version = deepglass.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "api",
    "formulas",
    "gallery",
    "traps",
]
exclude_patterns = ["site", "images", "examples"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a page may begin a part with a smaller heading
highlight_language = "text"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "deepglass"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0072B2",
        "color-brand-content": "#0060A0",
        "font-stack--monospace": "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
    },
    "dark_css_variables": {"color-brand-primary": "#56B4E9", "color-brand-content": "#7CC4F0"},
    "top_of_page_buttons": [],
}
toc_object_entries = False
html_search_scorer = str(HERE / "site" / "scorer.js")
copybutton_exclude = ".linenos, .gp"
