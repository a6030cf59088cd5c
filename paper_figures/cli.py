"""``python -m paper_figures``: figures from the command line."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from deepglass import files
from deepglass.checks import one_of
from deepglass.cli import Overwrite, application, choice
from deepglass.errors import DeepglassError, InvalidInput
from paper_figures import demo as demo_figure
from paper_figures import huang2025 as thermal
from paper_figures import kerr_winter2025 as glassy
from paper_figures import perceptron as own
from paper_figures import yoshino2020 as layered
from paper_figures import yoshino2023 as greedy
from paper_figures import zou_huang2021 as spins
from paper_figures.checks import Check, table
from paper_figures.huang2025.claims import table as scoreboard_table
from paper_figures.huang2025.studies import DATA, RUNS, results_at
from paper_figures.kerr_winter2025 import pages as relu_pages
from paper_figures.kerr_winter2025 import studies as relu_studies
from paper_figures.options import FromStored, Out, Runs, Stored, Workers
from paper_figures.own_networks import command as own_networks
from paper_figures.perceptron import studies as perceptron_studies
from paper_figures.stored import figures
from paper_figures.stored.pages import refresh
from paper_figures.stored.results import Results
from paper_figures.stored.scores import Score
from paper_figures.stored.scores import table as score_table
from paper_figures.stored.study import SIZES
from paper_figures.zou_huang2021 import reference_arrays
from paper_figures.zou_huang2021 import studies as spin_studies
from paper_figures.zou_huang2021.stage import prepare as infer
from simulate import options
from simulate.data.zou_huang import VARIABLE
from simulate.progress import ProgressBar

app = application("Figures, each with the numbers behind it.")


@app.command()
def demo(
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.npz|FOLDER",
            help="Your own images: an .npz file (arrays images, labels), a folder with a subfolder of"
            " pictures for each class, or a folder of IDX files. Without: 8 x 8 digits.",
        ),
    ] = None,
    classes: Annotated[str, typer.Option(help="The labels to tell apart, e.g. 3,8 or cat,dog.")] = "",
    threshold: Annotated[float | None, typer.Option(help="Pixels above it are +1, others -1.")] = None,
    patterns: Annotated[int | None, typer.Option(help="M, images that are learnt, others test.")] = None,
    width: options.Width = demo_figure.PROTOCOL.width,
    depth: options.Depth = demo_figure.PROTOCOL.depth,
    steps: options.Steps = demo_figure.PROTOCOL.steps,
    out: Annotated[Path, typer.Option(help="Folder for runs, profile, table, overlay and report.")] = (
        demo_figure.FOLDER
    ),
    overwrite: Overwrite = False,
) -> None:
    """The main job in small: train on real digits, or your own images, predict the layers, overlay the two;
    report.html says it all.

    \b
    Example:
        python -m paper_figures demo --out results/demo
        python -m paper_figures demo --data my_images.npz --out mine
    """
    protocol = demo_figure.protocol_of(width, depth, steps)
    if data is None:
        if classes or threshold is not None:
            raise InvalidInput("--classes and --threshold are of your own images: name them by --data")
        protocol = protocol if patterns is None else replace(protocol, patterns=patterns)
        typer.echo(demo_figure.make(out, protocol, overwrite))
        return
    typer.echo(demo_figure.on_own_images(out, data, classes, threshold, protocol, patterns, overwrite))


@app.command()
def yoshino2020(
    figure: Annotated[
        str | None, choice([*layered.THEORY, *layered.FIGURES], "One figure; all of them without.")
    ] = None,
    size: Annotated[
        str, choice(SIZES, "Seconds, or minutes a figure; of those that are measured paper: a GPU.")
    ] = "laptop",
    from_stored: FromStored = False,
    out: Out = Path("results/figures/yoshino2020"),
    data: Stored = perceptron_studies.DATA,
    runs: Runs = perceptron_studies.RUNS,
    workers: Workers = 1,
    overwrite: Overwrite = False,
) -> None:
    """The layered replica theory, solved and measured: figures, and the numbers they stand for.

    Fails if a number is off. What is measured is run where it is missing; it may be stopped and called again.

    \b
    Example:
        python -m paper_figures yoshino2020 --figure hierarchy --size smoke
    """
    if figure is not None:
        one_of("figure", figure, [*layered.THEORY, *layered.FIGURES])
    solved: Iterable[tuple[str, list[Check]]] = ()
    if figure is None or figure in layered.THEORY:
        solved = layered.make(out, figure, "smoke" if size == "smoke" else "laptop", overwrite)
    if figure in layered.THEORY:
        _show(solved, out)
    else:
        results = perceptron_studies.results_at(one_of("size", size, SIZES), data)
        _measure(layered, results, out, figure, from_stored, runs, workers, overwrite, _show, solved)


def _measure(
    package: ModuleType, results: Results, out: Path, figure: str | None, from_stored: bool, runs: Path,
    workers: int, overwrite: bool, tell: Callable[[Iterable[tuple[str, list[Any]]], Path], None],
    before: Iterable[tuple[str, list[Any]]] = (), prepare: Callable[[ModuleType], None] | None = None,
) -> None:  # fmt: skip
    """Figures that are drawn from stored results, after others that are ready to be made; ``tell`` prints
    them, ``prepare`` is called with the module of each before it is drawn, unless nothing is run."""
    with ProgressBar() as progress:
        made = figures.make(
            package, results, out, figure, runs=None if from_stored else runs, workers=workers,
            progress=progress, overwrite=overwrite, prepare=prepare,
        )  # fmt: skip
        tell(chain(before, made), out)


def _show(made: Iterable[tuple[str, list[Check]]], out: Path) -> None:
    """Print the numbers of figures as they are made; raises DeepglassError, after all, if some are off."""
    off = []
    for name, checks in made:
        typer.echo(f"{name}\n{table(checks)}\nwrote {out / name}.png, .pdf, .csv\n")
        off += [f"{name}, {check.name}" for check in checks if check.verdict == "off"]
    if off:
        raise DeepglassError(f"{len(off)} checked numbers are off: {'; '.join(off)}")


def _score(null: str) -> Callable[[Iterable[tuple[str, list[Score]]], Path], None]:
    """What prints the scores of figures as they are made; ``null`` names what stands beside ours."""

    def tell(made: Iterable[tuple[str, list[Score]]], out: Path) -> None:
        for name, scores in made:
            typer.echo(f"{name}\n{score_table(scores, null)}\nwrote {out / name}.png, .pdf, .csv\n")

    return tell


def _measured(
    package: ModuleType, studies: ModuleType, folder: Path, size_help: str, about: str,
    tell: Callable[[Iterable[tuple[str, list[Any]]], Path], None] = _show,
) -> None:  # fmt: skip
    """Add the command of a package whose figures are all drawn from stored results."""
    name = package.__name__.rpartition(".")[2]

    def command(
        figure: Annotated[str | None, choice(package.FIGURES, "One figure; all of them without.")] = None,
        size: Annotated[str, choice(SIZES, size_help)] = "laptop",
        from_stored: FromStored = False,
        out: Out = folder,
        data: Stored = studies.DATA,
        runs: Runs = studies.RUNS,
        workers: Workers = 1,
        overwrite: Overwrite = False,
    ) -> None:
        results = studies.results_at(one_of("size", size, SIZES), data)
        _measure(package, results, out, figure, from_stored, runs, workers, overwrite, tell)

    shown = f"Example:\n    python -m paper_figures {name} --from-stored"
    app.command(name, help=f"{about}\n\n\b\n{shown}")(command)


_measured(
    greedy, perceptron_studies, Path("results/figures/yoshino2023"), "Seconds; half an hour; a GPU.",
    "Greedy students of a deep teacher: run what is missing, draw, and print the numbers.",
)  # fmt: skip
_measured(
    own, perceptron_studies, Path("results/figures/deep_perceptron"), "Seconds; an hour of two cores; a GPU.",
    "The deep perceptron measured beside both closures: run what is missing, draw, and print the numbers.",
)  # fmt: skip
_measured(
    glassy, relu_studies, Path("results/figures/kerr_winter2025"),
    "Seconds; an hour of two cores; days of a GPU.",
    "Glassy dynamics of trained networks beside free diffusion: run what is missing, draw, keep the score.",
    _score(relu_pages.NULL),
)  # fmt: skip


@app.command("zou_huang2021")
def zou_huang2021(
    figure: Annotated[str | None, choice(spins.FIGURES, "One figure; all of them without.")] = None,
    size: Annotated[str, choice(SIZES, "Seconds; two hours of two cores; a GPU.")] = "laptop",
    from_stored: FromStored = False,
    out: Out = Path("results/figures/zou_huang2021"),
    data: Stored = spin_studies.DATA,
    runs: Runs = spin_studies.RUNS,
    workers: Workers = 1,
    reference_dir: Annotated[Path | None, typer.Option(help="Folder of the authors' arrays.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """The effective Ising model of weight space: train, infer what is missing, draw, and keep the score.

    The authors' arrays, where they are, are inferred from too; $DEEPGLASS_REFERENCE names their folder.

    \b
    Example:
        python -m paper_figures zou_huang2021 --from-stored
    """
    results = spin_studies.results_at(one_of("size", size, SIZES), data)
    place = reference_arrays.folder(reference_dir)
    if place is not None:
        os.environ[VARIABLE] = str(place)  # the training looks there too

    def prepare(module: ModuleType) -> None:
        infer(module, results, place, lambda line: typer.echo(line, err=True))

    _measure(
        spins, results, out, figure, from_stored, runs, workers, overwrite, _score("null"), prepare=prepare
    )


@app.command()
def huang2025(
    figure: Annotated[
        str | None, choice([*thermal.FIGURES, "3d ..."], "One figure, or one panel; all of them without.")
    ] = None,
    size: Annotated[
        str, choice(thermal.SIZES, "A minute; hours of two cores, shared by figures; a GPU.")
    ] = "laptop",
    from_stored: FromStored = False,
    out: Out = Path("results/figures/huang2025"),
    data: Stored = DATA,
    runs: Runs = RUNS,
    workers: Workers = 1,
    overwrite: Overwrite = False,
) -> None:
    """The thermal deep learning machine: run what is missing, draw, and say what agrees with the paper.

    May be stopped and called again (with --overwrite): finished samples are kept, the others go on.

    \b
    Example:
        python -m paper_figures huang2025 --figure 3d --from-stored
    """
    with ProgressBar() as progress:
        made = thermal.make(
            out, figure, size, from_stored=from_stored, data=data, runs=runs, workers=workers,
            progress=progress, overwrite=overwrite,
        )  # fmt: skip
        for name, claims in made:
            typer.echo(f"{name}\n{scoreboard_table(claims)}\nwrote {out / name}.png, .pdf, .csv\n")


app.command()(own_networks.own_networks)


@app.command()
def pages(
    check: Annotated[bool, typer.Option("--check", help="Only fail if a page is out of date.")] = False,
    root: Annotated[Path, typer.Option(help="Root of the checkout.")] = Path("."),
    data: Stored = DATA.parent,
) -> None:
    """Generate the tables of the pages in docs that hold measured numbers, from stored results.

    \b
    Example:
        python -m paper_figures pages --check
    """
    from paper_figures.huang2025 import pages as thermal_pages
    from paper_figures.own_networks import pages as own_pages
    from paper_figures.perceptron import pages as perceptron_pages
    from paper_figures.zou_huang2021 import pages as spin_pages

    stale = []
    kept: list[tuple[Any, Any]] = [
        (thermal_pages, results_at("laptop", data / "huang2025")),
        (perceptron_pages, perceptron_studies.results_at("laptop", data / "deep_perceptron")),
        (relu_pages, relu_studies.results_at("laptop", data / "relu_network")),
        (spin_pages, spin_studies.results_at("laptop", data / "weight_space")),
        (own_pages, own_pages.stored(data / "own_networks")),
    ]
    for module, results in kept:
        for page in (root / name for name in module.PAGES):
            if not page.is_file():
                raise InvalidInput(f"{page} does not exist; name the root of a checkout by --root")
            old = page.read_text(encoding="utf-8")
            new = refresh(old, results, module.BLOCKS)
            if new != old:
                stale.append(str(page))
                if not check:
                    files.write_bytes(page, new.encode(), overwrite=True)
    if check and stale:
        raise DeepglassError(f"out of date: {', '.join(stale)}; run python -m paper_figures pages")
    typer.echo(f"wrote {', '.join(stale)}" if stale else "all pages are up to date")
