"""The API reference: what a package lists in ``__all__``, and whole modules beside it, by autodoc.

``.. public:: theory`` documents every name that the package exports. ``.. modules:: theory.potentials ...``
documents modules, without what is documented already because a package exports it.
"""

import importlib
import inspect
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

PACKAGES = ("theory", "simulate", "compare", "paper_figures", "deepglass")


def exported(package: str) -> list[str]:
    """Names a package lists."""
    return list(getattr(importlib.import_module(package), "__all__", []))


def _elsewhere(module: str) -> list[str]:
    """Names of a module that some package exports: documented there."""
    found = importlib.import_module(module)
    there = {
        id(getattr(importlib.import_module(package), name))
        for package in PACKAGES
        if package != module
        for name in exported(package)
    }
    return [name for name, value in vars(found).items() if not name.startswith("_") and id(value) in there]


class Generated(SphinxDirective):
    """A directive that stands for other directives."""

    required_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> list[str]:
        """What it stands for."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """The nodes."""
        source = self.get_source_info()[0]
        node = nodes.container()
        node.document = self.state.document
        nested_parse_with_titles(self.state, StringList(self.lines(), source), node)
        return node.children


class Public(Generated):
    """What a package exports."""

    def lines(self) -> list[str]:
        """A directive of autodoc for every name."""
        package = self.arguments[0]
        module = importlib.import_module(package)
        lines = [f".. automodule:: {package}", "   :no-members:", "", f".. py:currentmodule:: {package}", ""]
        for name in exported(package):
            value = getattr(module, name)
            if inspect.isclass(value):
                lines += [f".. autoclass:: {package}.{name}", "   :members:", ""]
            elif inspect.isroutine(value):
                lines += [f".. autofunction:: {package}.{name}", ""]
            else:
                lines += [f".. autodata:: {package}.{name}", ""]
        return lines


class Modules(Generated):
    """Whole modules."""

    def lines(self) -> list[str]:
        """A section for each."""
        lines = []
        for module in self.arguments[0].split():
            lines += [module, "~" * len(module), "", f".. automodule:: {module}", "   :members:"]
            if known := _elsewhere(module):
                lines.append(f"   :exclude-members: {', '.join(known)}")
            lines.append("")
        return lines


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_directive("public", Public)
    app.add_directive("modules", Modules)
    return {"parallel_read_safe": True}
