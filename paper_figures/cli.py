"""``python -m paper_figures``: figures from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass.cli import application
from paper_figures import demo as demo_figure

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
