"""What the pages say of the code is so: equations, commands, verdicts, traps, docstrings."""

import importlib
import re

import pytest
from snippets import DOCS, blocks


def named(target: str) -> object:
    """What a dotted name leads to."""
    parts = target.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for name in parts[count:]:
            found = getattr(found, name)
        return found
    raise AssertionError(target)


EQUATIONS = (DOCS / "equations.md").read_text(encoding="utf-8")


def test_every_function_of_an_equation_exists():
    targets = re.findall(r"\]\(#((?:theory|simulate|compare)[\w.]+)\)", EQUATIONS)
    assert len(targets) > 60
    for target in targets:
        assert (named(target).__doc__ or "").strip(), target


def test_every_equation_of_the_theory_is_on_the_page():
    listed = [int(x) for x in re.findall(r"^\| (\d+) \|", EQUATIONS, re.MULTILINE)]
    assert listed == list(range(1, 48))
    text = "".join((DOCS / f"{page}.md").read_text(encoding="utf-8") for page in ("theory", "theory_rsb"))
    found = re.findall(r"^ {4}\((\d+)\) |\((\d+)\) \||^\| (\d+) \|", text, re.MULTILINE)
    assert set(listed) == {int("".join(each)) for each in found}


@pytest.mark.parametrize("page", ["theory", "theory_rsb", "thermal_machine"])
def test_formulas_are_not_wider_than_a_page(page):
    lines = (DOCS / f"{page}.md").read_text(encoding="utf-8").splitlines()
    formulas = [line for line in lines if line.startswith("    ") and " python " not in line]
    assert len(formulas) > 3
    assert [line for line in formulas if len(line) > 92] == []


def test_where_the_theory_names_a_function_the_table_does():
    """`potentials.Potential.value` of theory.md is the `Potential.value` that equation 6 leads to."""
    rows = dict(re.findall(r"^\| (\d+) \| .* \| (.*) \|$", EQUATIONS, re.MULTILINE))
    text = (DOCS / "theory.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\d+) \| .*`([\w.]+)` \|$", text, re.MULTILINE)
    told = [(number, name) for number, name in told if 6 <= int(number) <= 16]
    assert len(told) == 11 - 1  # (8) says "the same"
    for number, name in told:
        linked = [named(target) for target in re.findall(r"\]\(#([\w.]+)\)", rows[number])]
        assert named(f"theory.{name}") in linked, (number, name)


@pytest.mark.parametrize("page", sorted((DOCS / "howto").glob("*.md")), ids=lambda page: page.stem)
def test_code_that_is_not_run_says_why(page):
    for block in blocks(page):
        assert not block.why or len(block.why) > 10
    fences = len(re.findall(r"^```(?:python|sh)$", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert fences == len(list(blocks(page)))


def test_every_command_of_a_page_exists():
    """Options too; of commands that are not run, in all pages."""
    import typer.main

    apps = {
        name: typer.main.get_command(importlib.import_module(f"{name}.cli").app)
        for name in ("theory", "simulate", "compare", "paper_figures")
    }
    found = 0
    for page in [*DOCS.glob("*.md"), *DOCS.glob("howto/*.md"), DOCS.parent / "README.md"]:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for package, command in re.findall(
            r"python -m (theory|simulate|compare|paper_figures) ([a-z][\w-]*)", text
        ):
            assert command in apps[package].commands, f"{page.name}: python -m {package} {command}"
            found += 1
    assert found > 60


def test_the_gallery_knows_every_verdict():
    pytest.importorskip("PIL")
    import figures

    from paper_figures.checks import Check
    from paper_figures.huang2025.claims import VERDICTS
    from paper_figures.stored.scores import Score

    scores = [
        Score("", 1.0), Score("", float("nan")), Score("", 1.0, within=(0, 2)), Score("", 1.0, within=(2, 3)),
        Score("", 1.0, 0.6, within=(2, 3)),
    ]  # fmt: skip
    checks = [Check("", 1.0), Check("", 1.0, 1.0, 0.1), Check("", 1.0, 2.0, 0.1)]
    verdicts = [*VERDICTS, *(x.verdict for x in [*scores, *checks])]
    assert len(set(verdicts)) == len(VERDICTS) + 5 + 2
    assert set(verdicts) <= set(figures.KINDS)
    kinds = {figures.KINDS[x] for x in ("differs", "fails", "off")}
    assert kinds == {figures.DIFFERS}


def test_rows_of_the_gallery_are_those_of_the_claims():
    import figures

    from paper_figures.huang2025.claims import Claim, Estimate

    claim = Claim("2c", "E*", Estimate(1.0, 0.1, 4), paper=3.0, source="digitised", note="M = 1715")
    (row,) = figures._claims([claim])
    assert (row.what, row.ours, row.beside, row.verdict) == ("2c: E*", "1.00(10)", "3", claim.verdict)
    assert row.kind == figures.DIFFERS


def test_traps_are_collected():
    pytest.importorskip("sphinx", reason="the site needs the extra docs: make docs")
    import traps

    found = traps.traps(DOCS)
    assert found.count("\n* ") > 50
    for page in ("theory.md#traps", "thermal_machine.md#traps", "engine.md#traps", "own_networks.md#traps"):
        assert page in found
    first = "* **One.** It is deep\n  and wide. More of it follows here, as it does.\n"
    text = f"## Traps\n\n{first}* Two.\n\n## Next\n\n* no\n"
    ((heading, section),) = traps.sections(text)
    assert heading == "Traps"
    assert [traps.line(x) for x in traps.items(section)] == [
        "**One.** It is deep and wide. More of it follows here, as it does.", "Two.",
    ]  # fmt: skip


def test_docstrings_become_what_they_look_like():
    pytest.importorskip("sphinx", reason="the site needs the extra docs: make docs")
    from api import prepared

    text = """Energy |r| of pi_ in (..., *shape); *so* ``|x|`` and :func:`f_`.

It is:

    a_b = |c|
      + d

Attributes:
    one, two: numbers
        that go on.
    three: *more*.
"""
    assert (
        "\n".join(prepared(text.split("\n")))
        == r"""Energy \|r\| of pi\_ in (..., \*shape); *so* ``|x|`` and :func:`f_`.

It is::

    a_b = |c|
      + d

**Attributes**

* ``one``, ``two``: numbers
  that go on.
* ``three``: *more*.
"""
    )
