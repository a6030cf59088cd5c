"""What others may build on: recorded, documented, typed; no change of it goes unnoticed or unsaid."""

import difflib
import inspect
import re
from pathlib import Path

import public
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("package", public.PACKAGES)
def test_the_public_surface_is_what_is_recorded(package):
    recorded, found = public.recorded(package)[1], public.surface(package)
    difference = "\n".join(difflib.unified_diff(recorded, found, "recorded", "found", lineterm="", n=0))
    assert not difference, (
        f"the public surface of {package} has changed. If that is meant, run\n\n"
        f"    python tests/surface/public.py\n\nand say it in CHANGELOG.md under Unreleased.\n{difference}"
    )


@pytest.mark.parametrize("package", public.PACKAGES)
def test_the_changelog_names_what_has_changed_since_the_release(package):
    assert unsaid(public.changed(package), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")) == []


def unsaid(names, changelog):
    """Those of the names that the unreleased section does not hold as a word."""
    section = re.search(r"^## Unreleased\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    text = section[1] if section else ""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]


def test_a_change_is_marked_and_has_to_be_said(tmp_path, monkeypatch):
    """A field renamed, a default changed, an option gone: against a surface made up for it."""
    before = [
        "p.f(x: int = 1) -> int",
        "p.C: frozen dataclass",
        "p.C.old: float",
        "p.C.kept: float",
        "python -m p go --fast/--no-fast (default True)",
    ]
    after = ["p.f(x: int = 2) -> int", "p.C: frozen dataclass", "p.C.new: float", "p.C.kept: float"]
    monkeypatch.setattr(public, "RECORDS", tmp_path)
    for lines, release in ((before, True), (after, False)):
        monkeypatch.setattr(public, "surface", lambda package, lines=lines: lines)
        public.record("p", release)
    assert public.recorded("p") == (before, after)
    assert public.changed("p") == ["--fast", "f", "new", "old"]
    log = (
        "# Changelog\n\n## Unreleased\n\n* `f`, `C.new`; gone: `--faster`.\n\n## 0.1\n\n* `old`, `--fast`.\n"
    )
    assert unsaid(public.changed("p"), log) == ["--fast", "old"]
    public.record("p", release=True)
    assert public.changed("p") == []
    moved = [line.replace("p.C", "p.moved.C") for line in after]
    monkeypatch.setattr(public, "surface", lambda package: [*moved, "p.moved.C.more: int"])
    public.record("p")
    assert public.changed("p") == ["C"]


@pytest.mark.parametrize("package", public.PACKAGES)
def test_what_is_public_is_documented_and_typed(package):
    for name, found in public.objects(package):
        if inspect.isclass(found):
            members = {n: m for n, m in vars(found).items() if not n.startswith("_")}
            functions = {n: getattr(m, "fget", None) or getattr(m, "__func__", m) for n, m in members.items()}
            checked = {f"{name}.{n}": f for n, f in functions.items() if inspect.isfunction(f)}
            assert found.__doc__, f"{name} has no docstring"
        else:
            checked = {name: found} if inspect.isfunction(found) else {}
        for what, function in checked.items():
            assert inspect.getdoc(function), f"{what} has no docstring"
            signature = inspect.signature(function)
            for parameter in list(signature.parameters.values())[what.count(".") - name.count(".") :]:
                assert parameter.annotation is not parameter.empty, f"{what}: {parameter.name} has no type"
            assert signature.return_annotation is not signature.empty, f"{what}: no type is returned"


IMPORT = re.compile(
    rf"^\s*(?:>>> )?from ((?:{'|'.join(public.PACKAGES)})[\w.]*) import (\([^)]*\)|.+)$", re.M
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_pages_import_is_public(page):
    known = {name for package in public.PACKAGES for name, _ in public.objects(package)}
    known |= {module for modules in public.MODULES.values() for module in modules}
    for module, names in IMPORT.findall(page.read_text(encoding="utf-8")):
        for name in re.sub(r"#.*|[()\s]", "", names).strip(",").split(","):
            full = f"{module}.{name.partition(' as ')[0]}"
            assert full in known, f"{page.name} imports {full}, which is not public: list it in an __all__"
