"""``python -m paper_figures own-networks``."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from deepglass import checks
from deepglass.cli import Overwrite, choice, table
from deepglass.errors import InvalidInput
from paper_figures.options import FromStored, Out, Stored
from paper_figures.own_networks import FIGURES
from paper_figures.own_networks import studies as kept
from paper_figures.own_networks.thickness import TOLD
from paper_figures.sheet import targets
from simulate.progress import ProgressBar


def own_networks(
    figure: Annotated[str | None, choice(FIGURES, "One figure; all of them without.")] = None,
    size: Annotated[str, choice(kept.SIZES, "Seconds; half an hour of a core.")] = "laptop",
    from_stored: FromStored = False,
    out: Out = Path("results/figures/own_networks"),
    data: Stored = kept.DATA,
    overwrite: Overwrite = False,
) -> None:
    """Ordinary networks trained by Adam and SGD: solid and liquid layers against depth, width and data.

    What is not stored is trained first; it may be stopped and called again.

    \b
    Example:
        python -m paper_figures own-networks --from-stored
    """
    names = FIGURES if figure is None else (checks.one_of("figure", figure, FIGURES),)
    checks.one_of("size", size, kept.SIZES)
    paths = {name: targets(out, name, overwrite) for name in names}
    for name in names:
        module = importlib.import_module(f"paper_figures.own_networks.{name}")
        with ProgressBar() as progress:
            found = module.gather(size, data, not from_stored, progress)
        if not found or not all(len(each) for each in found.values()):
            absent = f"what {name} needs at size {size} is not stored in {data}"
            if figure is not None:
                raise InvalidInput(absent)
            typer.echo(f"{absent}: not drawn\n")
            continue
        told = module.draw(found, paths[name], overwrite)
        typer.echo(name)
        if told:
            typer.echo(table([(head, [row[i] for row in told]) for i, head in enumerate(TOLD)]))
        typer.echo(f"wrote {out / name}.png, .pdf, .csv\n")
