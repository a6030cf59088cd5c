"""MathJax from the installed package, not from a network: one script and its fonts go into the site."""

from importlib.util import find_spec
from pathlib import Path
from shutil import copytree
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

SCRIPT = "tex-chtml.js"
FONTS = Path("output/chtml/fonts/woff-v2")


def _home() -> Path:
    """Where the package keeps MathJax; its name is no identifier, so that it cannot be imported."""
    found = find_spec("sphinx-mathjax-offline")
    if found is None or found.origin is None:
        raise ExtensionError("sphinx-mathjax-offline is not installed; make docs installs it")
    return Path(found.origin).parent / "static" / "mathjax"


def _copy(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        out = Path(app.outdir) / "_static" / "mathjax"
        copy_asset(str(_home() / SCRIPT), str(out))
        copytree(_home() / FONTS, out / FONTS, dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.config.mathjax_path = f"mathjax/{SCRIPT}"
    app.config.mathjax3_config = {  # the menu would load more scripts
        "options": {"enableMenu": False},
        "chtml": {"mtextInheritFont": True},
    }
    app.connect("build-finished", _copy)
    return {"parallel_read_safe": True}
