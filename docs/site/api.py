"""The API reference: what a package lists in ``__all__``, and whole modules beside it, by autodoc.

``.. public:: theory`` documents every name that the package exports. ``.. modules:: theory.potentials ...``
documents modules, without what is documented already because a package exports it. Docstrings are plain text
with a few conventions (``Attributes:``, formulas set in); :func:`prepared` makes reStructuredText of them.
"""

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

PACKAGES = ("theory", "simulate", "compare", "paper_figures", "deepglass")


def exported(package: str) -> list[str]:
    """Names a package lists."""
    return list(getattr(importlib.import_module(package), "__all__", []))


def value_of(package: str, name: str) -> object:
    """What a package exports by this name; modules need not be loaded yet."""
    found = importlib.import_module(package)
    return getattr(found, name) if hasattr(found, name) else importlib.import_module(f"{package}.{name}")


def _elsewhere(module: str) -> list[str]:
    """Names of a module that some package exports: documented there."""
    found = importlib.import_module(module)
    there = {
        id(value_of(package, name)) for package in PACKAGES if package != module for name in exported(package)
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
        lines = [f".. automodule:: {package}", "   :no-members:", "", f".. py:currentmodule:: {package}", ""]
        for name in exported(package):
            value = value_of(package, name)
            if inspect.ismodule(value):
                first = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")
                lines += [f"* ``{package}.{name}``: {first}", ""]
            elif inspect.isclass(value):
                lines += [f".. autoclass:: {package}.{name}", "   :members:", ""]
            elif inspect.isroutine(value):
                lines += [f".. autofunction:: {package}.{name}", ""]
            else:
                told = [f"   {line}" for line in constant(package, name, value)]
                lines += [f".. py:data:: {package}.{name}", "", *told, ""]
        return lines


def constant(package: str, name: str, value: object) -> list[str]:
    """What is said of a constant where it is defined, and what it is or, of a mapping, its keys."""
    shown = list(value) if isinstance(value, Mapping) else value
    told = [
        ", ".join(f"``{each}``" for each in shown) if isinstance(shown, list | tuple) else f"``{shown!r}``"
    ]
    source = inspect.getsource(importlib.import_module(package))
    if match := re.search(rf"^from ([\w.]+) import [^\n]*\b{name}\b", source, re.MULTILINE):
        try:
            comments = ModuleAnalyzer.for_module(match[1]).find_attr_docs()
        except PycodeError:
            comments = {}
        told += ["", *prepared(comments.get(("", name), []))]
    return told


class Modules(Generated):
    """Whole modules."""

    def lines(self) -> list[str]:
        """A section for each."""
        lines = []
        for module in self.arguments[0].split():
            lines += [module, "~" * len(module), ""]
            package, _, name = module.rpartition(".")
            importlib.import_module(module)
            if not inspect.ismodule(getattr(importlib.import_module(package), name)):
                # The package exports a function of the module's name: of the two only one can be a target.
                lines += [f".. automodule:: {module}", "   :no-index:", "   :no-members:", ""]
                lines += [*_members(module), ""]
                continue
            lines += [f".. automodule:: {module}", "   :members:"]
            if known := _elsewhere(module):
                lines.append(f"   :exclude-members: {', '.join(known)}")
            lines.append("")
        return lines


def _members(module: str) -> list[str]:
    """What a module defines, one by one."""
    lines, known = [], _elsewhere(module)
    for name, value in vars(importlib.import_module(module)).items():
        if not name.startswith("_") and name not in known and getattr(value, "__module__", "") == module:
            kind = "class" if inspect.isclass(value) else "function"
            lines += [f".. auto{kind}:: {module}.{name}", *(["   :members:"] if kind == "class" else []), ""]
    return lines


def prepared(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText: entries of ``Attributes:`` as a list, formulas as they are set."""
    out: list[str] = []
    section = literal = -1  # the indentation of the section, of the set-in block, that a line is in
    for number, line in enumerate(lines):
        indent, text = len(line) - len(line.lstrip()), line.strip()
        if not text:
            out.append("")
            continue
        literal = literal if indent > literal else -1
        section = section if indent > section else -1
        if literal >= 0:
            out.append(line)
        elif re.fullmatch(r"(Attributes|Args|Raises|Returns|Example|Examples):", text) and section < 0:
            section = indent
            out += [f"{' ' * indent}**{text[:-1]}**", ""]
        elif section >= 0 and indent == section + 4 and (entry := re.match(r"([\w, *`]+): (.*)", text)):
            names = ", ".join(f"``{name.strip(' `*')}``" for name in entry[1].split(","))
            out.append(f"{' ' * section}* {names}: {_escaped(entry[2])}")
        elif section >= 0 and indent >= section + 4:
            out.append(f"{' ' * (section + (2 if indent > section + 4 else 0))}{_escaped(text)}")
        else:
            then = next((each for each in lines[number + 1 :] if each.strip()), "")
            deeper = len(then) - len(then.lstrip()) > indent
            if text.endswith(":") and not text.endswith("::") and deeper and not lines[number + 1].strip():
                line, literal = f"{line}:", indent
            elif text.endswith("::"):
                literal = indent
            out.append(line[:indent] + _escaped(line[indent:]))
    return out


def _escaped(text: str) -> str:
    """What reStructuredText would take for marks and is none: ``|x|``, ``x_``, a lonely star."""
    if text.startswith("* "):
        return f"* {_escaped(text[2:])}"
    parts = re.split(r"(``.*?``|:\w+:`[^`]*`|`[^`]*`_*)", text)
    for k, part in enumerate(parts):
        if k % 2 == 0:
            part = re.sub(r"\|", r"\\|", part)
            part = re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", part)
            parts[k] = "".join(
                x if y % 2 else x.replace("*", r"\*")
                for y, x in enumerate(
                    re.split(r"(?<!\S)(\*{1,2}[^\s*](?:[^*]*[^\s*])?\*{1,2})(?![\w*])", part)
                )
            )
    return "".join(parts)


def _prepare(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    if lines and lines[0].startswith("Alias for field number"):  # what Python says of a field, not we
        lines.clear()
    lines[:] = [re.sub(r"\bdocs/(\w+)\.md", r":doc:`/\1`", line) for line in prepared(lines)]


_NDARRAY = re.compile(
    r"~?(?:numpy\.)?ndarray\[tuple\[~?(?:typing\.)?Any, \.\.\.\], ~?(?:numpy\.)?dtype\[~?([\w.]+)\]\]"
)
_ARRAY_LIKE = re.compile(r"~?(?:[\w.]+\.)?_Buffer \| .*?_NestedSequence\[complex \| bytes \| str\]")


def _short(app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str, returned: str) -> Any:
    """ArrayLike and NDArray[float64] as they are written, not what NumPy makes of them."""

    def told(text: str) -> str:
        return _NDARRAY.sub(r"NDArray[~\1]", _ARRAY_LIKE.sub("ArrayLike", text)) if text else text

    return told(signature), told(returned)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", _prepare)
    app.connect("autodoc-process-signature", _short)
    app.add_directive("public", Public)
    app.add_directive("modules", Modules)
    return {"parallel_read_safe": True}
