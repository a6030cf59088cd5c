"""The public surface, line by line: what others may build on, read from the code itself.

``python tests/surface/public.py`` records it in ``recorded/*.txt`` beside this file, after a change that is
meant. Lines that are new since the last release begin with ``+``, those that are gone with ``-``; the names
in both have to stand in the unreleased section of CHANGELOG.md. With ``--release`` the marks are dropped.
"""

import ast
import dataclasses
import difflib
import functools
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RECORDS = HERE / "recorded"

MODULES = {
    "deepglass": ("deepglass", "deepglass.errors", "deepglass.phases"),
    "theory": (
        "theory", "theory.potentials", "theory.predictions", "theory.models", "theory.inverse_ising",
        "theory.convergence", "theory.symbolic.landau", "theory.symbolic.reference",
    ),
    "simulate": (
        "simulate", "simulate.data", "simulate.copies", "simulate.sweep", "simulate.grid",
        "simulate.inspection", "simulate.contract", "simulate.protocol", "simulate.registry",
        "simulate.thermal.system", "simulate.thermal.experiment", "simulate.overlaps", "simulate.noise",
        "simulate.systems.deep_perceptron", "simulate.systems.disorder", "simulate.dynamics.monte_carlo",
        "simulate.dynamics.compiled_sweeps", "simulate.ising_chains",
    ),
    "compare": (
        "compare", "compare.figure", "compare.layers", "compare.peaks", "compare.resampling", "compare.trees",
    ),
    "paper_figures": ("paper_figures", "paper_figures.huang2025", "paper_figures.yoshino2020"),
}  # fmt: skip
"""Of each package the modules that are public: what the ``__all__`` of one lists."""

PACKAGES = tuple(MODULES)


def objects(package: str) -> Iterator[tuple[str, Any]]:
    """Every public name of a package with what it stands for."""
    for name in MODULES[package]:
        module = importlib.import_module(name)
        for public in module.__all__:
            yield f"{name}.{public}", _get(module, public)


def surface(package: str) -> list[str]:
    """The public surface of a package, its command line last."""
    lines: list[str] = []
    for name, found in objects(package):
        lines += described(name, found)
    return lines + list(_options(package))


def described(name: str, found: Any) -> list[str]:
    """Lines for one public object; one that is public elsewhere too is only named."""
    home = _homes().get(id(found), name)
    if home != name:
        return [f"{name} = {home}"]
    if isinstance(found, ModuleType):
        return [f"{name}: module"]
    if inspect.isclass(found):
        return list(_class(name, found))
    if callable(found) and hasattr(found, "__code__"):
        return [name + _signature(found)]
    return [f"{name} = {_value(found)}"]


def _get(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        return importlib.import_module(f"{module.__name__}.{name}")


@functools.cache
def _homes() -> dict[int, str]:
    """The first public name of everything that is a class or a function."""
    found: dict[int, str] = {}
    for package in PACKAGES:
        for name, each in objects(package):
            if inspect.isclass(each) or inspect.isroutine(each):
                found.setdefault(id(each), name)
    return found


def _class(name: str, cls: type) -> Iterator[str]:
    bases = [b.__name__ for b in cls.__bases__ if b is not object]
    frozen = "frozen " if dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen else ""
    kind = f"{frozen}dataclass" if dataclasses.is_dataclass(cls) else "class"
    yield f"{name}: {kind}" + (f" ({', '.join(bases)})" if bases else "")
    # What a private base gives is listed here, what a public one gives there.
    for each in reversed(cls.__mro__):
        if each is cls or (_ours(each) and id(each) not in _homes()):
            yield from (f"{name}.{line}" for line in _members(each))


def _members(cls: type) -> Iterator[str]:
    values = {f.name: f for f in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else {}
    for node in _source(cls).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if not node.target.id.startswith("_"):
                default = _default(values.get(node.target.id), node.value)
                yield f"{node.target.id}: {ast.unparse(node.annotation)}{default}"
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if not node.targets[0].id.startswith("_"):
                yield f"{node.targets[0].id} = {ast.unparse(node.value)}"
        elif isinstance(node, ast.FunctionDef) and (node.name == "__init__" or node.name[0] != "_"):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            member = cls.__dict__[node.name]
            if "property" in marks or "cached_property" in marks or "functools.cached_property" in marks:
                yield f"{node.name} -> {ast.unparse(node.returns) if node.returns else '?'} (property)"
            else:
                mark = next((m for m in ("classmethod", "staticmethod") if m in marks), "")
                yield node.name + _signature(getattr(member, "__func__", member)) + (mark and f" ({mark})")


def _signature(function: Any) -> str:
    """Parameters with types as they are written, and the values of plain defaults."""
    function = inspect.unwrap(function)
    written: Any = _source(function)
    types = {a.arg: a.annotation for a in ast.walk(written.args) if isinstance(a, ast.arg)}
    parts, starred = [], False
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.KEYWORD_ONLY and not starred:
            parts, starred = [*parts, "*"], True
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        starred |= p.kind is p.VAR_POSITIONAL
        annotation = types[p.name]
        typed = f": {ast.unparse(annotation)}" if annotation else ""
        parts.append(f"{star}{p.name}{typed}" + ("" if p.default is p.empty else f" = {_value(p.default)}"))
    returned = f" -> {ast.unparse(written.returns)}" if written.returns else ""
    return f"({', '.join(parts)}){returned}"


@functools.cache
def _source(found: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]


def _ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in PACKAGES


def _default(field: Any, written: ast.expr | None) -> str:
    if field is not None and field.default is not dataclasses.MISSING:
        return f" = {_value(field.default)}"
    return "" if written is None else f" = {ast.unparse(written)}"


def _value(value: Any) -> str:
    """A value that a reader can check, or its type."""
    if isinstance(value, dict):
        return f"{{{', '.join(map(repr, value))}}}"
    if value is None or isinstance(value, bool | int | float | str | list | tuple):
        return repr(value)
    if isinstance(value, Path):
        return str(value.relative_to(ROOT)) if value.is_absolute() else str(value)
    return type(value).__name__


def _options(package: str) -> Iterator[str]:
    from command_lines import PACKAGES as TOLD
    from command_lines import commands, names, options

    for command, built in commands() if package in TOLD else ():
        if command.startswith(f"{package} "):
            for option in options(built):
                default = "required" if option.required else f"default {_value(option.default)}"
                yield f"python -m {command} {names(option)} ({default})"


# ------------------------------------------------------------------------------------------- the record


def recorded(package: str) -> tuple[list[str], list[str]]:
    """The lines of the last release, and those of now."""
    path = RECORDS / f"{package}.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [x[2:] for x in lines if x[0] != "+"], [x[2:] for x in lines if x[0] != "-"]


def changed(package: str) -> list[str]:
    """Names that are not as they were released: of an object, a member, an option.

    Of a class that is new, gone or elsewhere its own name is enough.
    """
    released, now = map(set, recorded(package))
    lines = released ^ now
    classes = {_path(line) for line in lines} - {_path(line) for line in released & now} - {""}
    return sorted({_named(line) for line in lines if _path(line).rpartition(".")[0] not in classes})


def _path(line: str) -> str:
    """``theory.Profile.entropy`` of ``theory.Profile.entropy: float``; of an option nothing."""
    return "" if line.startswith("python -m ") else re.split(r"[(:=]| ->", line)[0].strip()


def _named(line: str) -> str:
    """What a line is about: ``entropy`` of ``theory.Profile.entropy: float``, ``--alpha`` of an option."""
    if line.startswith("python -m "):
        words = line.rpartition(" (")[0].split()
        return words[-1].partition("/")[0]
    return _path(line).rpartition(".")[2]


def record(package: str, release: bool = False) -> None:
    """Write what there is now, marked against the last release."""
    now = surface(package)
    released = now if release else recorded(package)[0]
    marked = [line for line in difflib.ndiff(released, now) if line[0] != "?"]
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{package}.txt").write_text("\n".join(marked) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for each in PACKAGES:
        record(each, release="--release" in sys.argv[1:])
