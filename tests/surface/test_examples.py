"""The examples in docstrings and pages, run as they stand."""

import doctest
import importlib
import re
from pathlib import Path

import public
import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def with_examples(pattern, *folders):
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob(pattern))]
    return [p for p in found if re.search(r"^\s*>>> ", p.read_text(encoding="utf-8"), re.M)]


MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in with_examples("*.py", *public.PACKAGES)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name, tmp_path, monkeypatch):
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for i, example in enumerate(doctest.DocTestFinder().find(importlib.import_module(name))):
        (tmp_path / str(i)).mkdir()
        monkeypatch.chdir(tmp_path / str(i))  # each writes its files in a folder of its own
        runner.run(example)
    assert runner.tries
    assert not runner.failures


@pytest.mark.parametrize("page", with_examples("*.md", "docs"), ids=lambda page: page.name)
def test_examples_of_a_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not doctest.testfile(str(page), module_relative=False, optionflags=FLAGS).failed


def test_every_function_at_the_top_of_a_package_has_an_example():
    for package in public.PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            found = public._get(module, name)
            if callable(found) and not isinstance(found, type):
                assert ">>> " in (found.__doc__ or ""), f"{package}.{name} has no example"
