"""Every command of the four command lines, as Typer builds them, and lines of text that call one."""

import importlib
import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer.main

PACKAGES = ("theory", "simulate", "compare", "paper_figures")


def group(package: str) -> Any:
    """The command line of a package."""
    return typer.main.get_command(importlib.import_module(f"{package}.cli").app)


def commands() -> Iterator[tuple[str, Any]]:
    """Each command as a user calls it, ``simulate run --system classifier``, with its object.

    ``run`` stands for one hidden command a system; these are listed in its place.
    """
    for package in PACKAGES:
        for name, command in group(package).commands.items():
            if command.hidden:
                yield f"{package} run --system {name}", command
            elif (package, name) != ("simulate", "run"):
                yield f"{package} {name}", command


def options(command: Any) -> list[Any]:
    """Its options and arguments, without ``--help``."""
    return [each for each in command.params if each.name != "help"]


def names(option: Any) -> str:
    """``--out``, ``--fits/--no-fits``, or the word of an argument, ``RUN.nc``."""
    if option.param_type_name == "argument":
        return str(option.metavar or option.name.upper())
    return "/".join([*option.opts, *option.secondary_opts])


def calls(text: str) -> list[list[str]]:
    """The words of every line ``python -m PACKAGE COMMAND ...`` of a text, continued lines joined."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    found = [line.strip() for line in lines if re.match(rf"\s*python -m ({'|'.join(PACKAGES)}) ", line)]
    return [shlex.split(line, comments=True)[2:] for line in found]


def parse(words: list[str]) -> None:
    """Read a call as its command would, and run nothing; raises what the command line raises."""
    package, arguments = group(words[0]), words[1:]
    if arguments == ["--help"]:
        return
    context = package.make_context(words[0], list(arguments))
    name, command, rest = package.resolve_command(context, list(arguments))
    command.make_context(name, list(rest), parent=context)
