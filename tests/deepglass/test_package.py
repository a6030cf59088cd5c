"""What is installed: the wheel holds the packages with their data and nothing else, and runs by itself."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("build")

ROOT = Path(__file__).parents[2]
PACKAGES = {"compare", "deepglass", "paper_figures", "simulate", "theory"}
NEEDED = ("README.md", "LICENSE", "pyproject.toml", "MANIFEST.in", *PACKAGES)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: setuptools leaves a folder ``build`` that would go into the next one."""
    copy = tmp_path_factory.mktemp("tree")
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    dist = copy / "dist"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, env=apart(copy))
    assert done.returncode == 0, done.stderr + done.stdout
    (built,) = dist.glob("*.whl")
    return built


def apart(place):
    """The environment without anything that leads to the checkout."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PWD": str(place)}


def test_the_wheel_holds_the_packages_their_data_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = next(name.split("/")[0] for name in names if ".dist-info/" in name)
    packed = {name for name in names if not name.startswith(info)}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".lock"
    }
    assert packed == wanted
    assert f"{info}/licenses/LICENSE" in names


def test_extras_and_versions():
    """Pythons are claimed that somebody has run; the pinned versions are allowed by what is declared."""
    from packaging.requirements import Requirement
    from packaging.version import Version

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cluster", "test", "lint"} <= set(declared["optional-dependencies"])
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    lists = [declared["dependencies"], *declared["optional-dependencies"].values()]
    for requirement in (Requirement(text) for given in lists for text in given):
        if requirement.name == "deepglass":
            continue
        assert Version(pinned[requirement.name]) in requirement.specifier, requirement
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    for line in declared["classifiers"]:
        if "Python :: 3." in line:
            assert f"Python {line.rpartition(' ')[2]}" in contributing


@pytest.mark.slow
def test_installed_without_the_checkout_the_demo_runs(wheel, tmp_path):
    """A fresh environment that sees the dependencies (they are not downloaded again), but not this tree."""
    place = tmp_path / "venv"
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    libraries = place / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # Its lines are folders, whose own .pth files, such as the one of this checkout, are not read.
    (libraries / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, env=apart(tmp_path))

    def answer(*command):
        done = subprocess.run(
            [str(python), *command], capture_output=True, text=True, cwd=tmp_path, env=apart(tmp_path)
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    packages = "compare, deepglass, paper_figures, simulate, theory"
    where = f"import {packages}; print(*(x.__file__ for x in ({packages})))"
    assert all(Path(path).is_relative_to(libraries) for path in answer("-c", where).split())
    said = answer("-m", "paper_figures", "demo", "--out", "demo")
    assert "alpha: theory 30, run 30" in said
    written = {path.name for path in (tmp_path / "demo").iterdir()}
    assert written == {"run.nc", "control.nc", "profile.nc", "table.txt", "overlay.png", "report.html"}
    # Stored results and reference curves are there too.
    answer("-m", "paper_figures", "huang2025", "--figure", "2", "--from-stored", "--out", "figures")
