"""Every option has its help, in the same words wherever it is the same; every call that is shown is one."""

from collections import defaultdict
from pathlib import Path

import pytest
from command_lines import PACKAGES, calls, commands, group, names, options, parse

from deepglass.cli import EXIT_CODES

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = dict(commands())
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

DIFFER = {
    "--classes": "copies of a network are of all classes, machines of +-1 of two; probes repeat a training",
    "--control": "one run of the same machine, or any number of ensembles of weights",
    "--data": "each system has sources of its own",
    "--data-dir": "the arrays of zou2021 have a folder and a variable of their own",
    "--data-seed": "chosen when copies are trained, repeated when they are looked at",
    "--depth": "the theory solves chains of up to 200 layers, a simulated network has no limit",
    "--eta": "of each system's own law of motion",
    "--figure": "figures of huang2025 have panels",
    "--forces": "relu-network is trained first",
    "--labels": "each system has nulls of its own",
    "--level": "of a test, or of an interval",
    "--loss": "trained copies have a gradient by name, one network may bring its own",
    "--margin": "kappa of the theory, kappa of what is simulated, and a margin above a null",
    "--model": "train-copies hands it rows of pixels",
    "--out": "what a command writes",
    "--patterns": "counted by M or by P, as the papers do; alpha is by N or by c; copies may take all",
    "--potential": "hard walls at a temperature exist in simulate only",
    "--probes": "of one set or of two",
    "--rsb": "a profile is symmetric without it",
    "--samples": "independent networks, and answers that are kept of a unit",
    "--seed": "copy k has a seed of its own",
    "--size": "what each size costs",
    "--start": "each system has laws of its own",
    "--steps": "of a run, or more of them",
    "--temperature": "each system has units of its own",
    "--test-patterns": "images, or fresh random inputs",
    "--threads": "of a chunk, or of torch",
    "--threshold": "of pixels, or of liquid",
    "--weights": "of one network, or of many",
}
"""Options of which help differs between commands, and why."""


def test_every_option_has_its_help():
    for command, built in COMMANDS.items():
        for option in options(built):
            assert len((option.help or "").split()) > 1, f"{command} {names(option)} says {option.help!r}"
            assert option.help.endswith("."), f"{command} {names(option)}: a sentence ends in a full stop"


def test_options_of_one_name_have_one_help():
    said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for command, built in COMMANDS.items():
        for option in options(built):
            if option.param_type_name == "option":
                said[option.opts[0]][option.help].append(command)
    several = {name: helps for name, helps in said.items() if len(helps) > 1}
    for name, helps in several.items():
        told = "\n".join(f"  {text!r}: {', '.join(who)}" for text, who in helps.items())
        assert name in DIFFER, f"{name} has several helps; make them one, or say why not in DIFFER:\n{told}"
    assert set(DIFFER) == set(several), "DIFFER names options that have one help only"


def test_a_switch_is_off_without_its_name():
    """``--overwrite`` has no ``--no-overwrite``; only what is on without being asked for can be put off."""
    for command, built in COMMANDS.items():
        for option in options(built):
            if isinstance(option.default, bool) and option.param_type_name == "option":
                pair = [name.removeprefix("--no-") for name in option.secondary_opts]
                wanted = [option.opts[0].removeprefix("--")] if option.default else []
                assert pair == wanted, f"{command} {names(option)}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_a_call_of_itself(command):
    shown = [call for call in calls(COMMANDS[command].help) if call[:2] == command.split()[:2]]
    assert shown, f"{command} has no example in its docstring: a line `python -m {command} ...`"
    for call in calls(COMMANDS[command].help):
        parse(call)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_calls_that_the_pages_show_are_understood(page):
    for call in calls(page.read_text(encoding="utf-8")):
        if "..." not in call:
            parse(call)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_list_of_commands_says_how_a_command_ends(package, capsys):
    with pytest.raises(SystemExit):
        group(package).main(["--help"], prog_name=f"python -m {package}")
    printed = " ".join(capsys.readouterr().out.split())
    assert EXIT_CODES in printed
    for command in COMMANDS:
        assert not command.startswith(f"{package} ") or f" {command.split()[1]} " in printed
