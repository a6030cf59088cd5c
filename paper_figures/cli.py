"""``python -m paper_figures``: figures from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import files
from deepglass.cli import application, choice
from deepglass.errors import DeepglassError, InvalidInput
from paper_figures import demo as demo_figure
from paper_figures import huang2025 as thermal
from paper_figures import yoshino2020 as layered
from paper_figures.huang2025.claims import table as scoreboard_table
from paper_figures.huang2025.results import DATA, RUNS, results_at
from paper_figures.yoshino2020.checks import table
from simulate.progress import ProgressBar

app = application("Figures, each with the numbers behind it.")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for run, profile, table and overlay.")] = Path(
        "results/demo"
    ),
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier demo.")] = False,
) -> None:
    """The main job in small: train on real digits, predict the layers, overlay the two."""
    typer.echo(demo_figure.make(out, overwrite=overwrite))


@app.command()
def yoshino2020(
    figure: Annotated[str | None, choice(layered.FIGURES, "One figure; all of them without.")] = None,
    size: Annotated[str, choice(layered.SIZES, "Seconds or minutes a figure.")] = "laptop",
    out: Annotated[Path, typer.Option(help="Folder for a PNG and a CSV of each figure.")] = Path(
        "results/figures/yoshino2020"
    ),
    overwrite: Annotated[bool, typer.Option(help="Replace earlier figures.")] = False,
) -> None:
    """The layered replica theory: figures, and the numbers they stand for. Fails if a number is off."""
    off = []
    for name, checks in layered.make(out, figure, size, overwrite):
        typer.echo(f"{name}\n{table(checks)}\nwrote {out / name}.png, {out / name}.csv\n")
        off += [f"{name}, {check.name}" for check in checks if check.verdict == "off"]
    if off:
        raise DeepglassError(f"{len(off)} checked numbers are off: {'; '.join(off)}")


@app.command()
def huang2025(
    figure: Annotated[
        str | None, choice([*thermal.FIGURES, "3d ..."], "One figure, or one panel; all of them without.")
    ] = None,
    size: Annotated[
        str, choice(thermal.SIZES, "A minute; hours of two cores, shared by figures; a GPU.")
    ] = "laptop",
    from_stored: Annotated[
        bool, typer.Option("--from-stored", help="Run nothing: draw what is stored.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for a PNG, a PDF and a CSV of each figure.")] = Path(
        "results/figures/huang2025"
    ),
    data: Annotated[Path, typer.Option(help="Folder of the stored results.")] = DATA,
    runs: Annotated[Path, typer.Option(help="Folder of the runs behind them.")] = RUNS,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes on this machine.")] = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace earlier figures.")] = False,
) -> None:
    """The thermal deep learning machine: run what is missing, draw, and say what agrees with the paper.

    May be stopped and called again (with --overwrite): finished samples are kept, the others go on.
    """
    with ProgressBar() as progress:
        made = thermal.make(
            out, figure, size, from_stored=from_stored, data=data, runs=runs, workers=workers,
            progress=progress, overwrite=overwrite,
        )  # fmt: skip
        for name, claims in made:
            typer.echo(f"{name}\n{scoreboard_table(claims)}\nwrote {out / name}.png, .pdf, .csv\n")


@app.command()
def pages(
    check: Annotated[bool, typer.Option("--check", help="Only fail if a page is out of date.")] = False,
    root: Annotated[Path, typer.Option(help="Root of the checkout.")] = Path("."),
    data: Annotated[Path, typer.Option(help="Folder of the stored results.")] = DATA,
) -> None:
    """Generate the tables of docs/scoreboard.md and docs/readings.md from the stored results."""
    from paper_figures.huang2025.pages import PAGES, refresh

    results = results_at("laptop", data)
    stale = []
    for page in (root / name for name in PAGES):
        if not page.is_file():
            raise InvalidInput(f"{page} does not exist; name the root of a checkout by --root")
        old = page.read_text(encoding="utf-8")
        new = refresh(old, results)
        if new != old:
            stale.append(str(page))
            if not check:
                files.write_bytes(page, new.encode(), overwrite=True)
    if check and stale:
        raise DeepglassError(f"out of date: {', '.join(stale)}; run python -m paper_figures pages")
    typer.echo(f"wrote {', '.join(stale)}" if stale else "all pages are up to date")
