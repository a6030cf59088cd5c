"""The how-to pages and the five-minute start do what they say: every block that can be run cheaply is run."""

import importlib

import matplotlib.pyplot as plt
import pytest
from snippets import DOCS, Block, blocks

from deepglass.cli import main

LONG = ("data", "cluster")
"""Pages whose runs take ten seconds each: `make docs-test` has them, `make test` not."""

PAGES = [
    pytest.param(page, marks=pytest.mark.slow if page.stem in LONG else (), id=page.stem)
    for page in [DOCS / "start.md", *sorted((DOCS / "howto").glob("*.md"))]
]


def run(block: Block, where: str, namespace: dict) -> None:
    if block.language == "python":
        exec(compile("\n" * block.line + block.code, where, "exec"), namespace)
        return
    for words in block.commands():
        assert words[:2] == ["python", "-m"], f"{where}:{block.line}: {words} needs a comment 'not run: why'"
        app = importlib.import_module(f"{words[2]}.cli").app
        assert main(app, words[3:]) == 0, f"{where}:{block.line}: {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_runs(page, tmp_path, monkeypatch, registered):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    namespace = {"__name__": "__main__"}
    for block in blocks(page):
        if not block.why:
            run(block, str(page), namespace)
    plt.close("all")


@pytest.fixture
def registered():
    """Systems that a page adds are taken away again."""
    from simulate.registry import SYSTEMS

    before = dict(SYSTEMS)
    yield
    SYSTEMS.clear()
    SYSTEMS.update(before)
