"""``python -m paper_figures``: figures from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass.cli import application, choice
from deepglass.errors import DeepglassError
from paper_figures import demo as demo_figure
from paper_figures import yoshino2020 as layered
from paper_figures.yoshino2020.checks import table

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
        "results/figures"
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
