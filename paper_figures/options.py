"""Options that commands of figures have in common."""

from pathlib import Path
from typing import Annotated

import typer

FromStored = Annotated[bool, typer.Option("--from-stored", help="Run nothing: draw what is stored.")]
Out = Annotated[Path, typer.Option(help="Folder for a PNG, a PDF and a CSV of each figure.")]
Stored = Annotated[Path, typer.Option("--stored", help="Folder of the stored results.")]
Runs = Annotated[Path, typer.Option(help="Folder of the runs behind them.")]
Workers = Annotated[int, typer.Option(metavar="N", help="Processes on this machine; without it one.")]
