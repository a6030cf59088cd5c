"""``python -m simulate run --system module-langevin``: replicas of your own trained network at a
temperature."""

from typing import Annotated, Any

import typer

from deepglass.checks import integers
from deepglass.cli import choice
from simulate import options
from simulate.module.protocol import FORCES, ModuleProtocol

OWN: dict[str, Any] = {
    "model": Annotated[str, typer.Option(metavar="MODULE:FACTORY", help="Makes the network.")],
    "model_args": Annotated[
        list[str] | None,
        typer.Option("--model-arg", metavar="NAME=VALUE", help="Handed to it; may be repeated."),
    ],
    "weights": Annotated[
        list[str] | None,
        typer.Option(metavar="A.pt", help="Trained state: of all samples, or repeated, one for each."),
    ],
    "data": Annotated[
        str, typer.Option(help="digits, mnist, cifar10, a folder, PATH.npz (images, or inputs and targets).")
    ],
    "data_dir": options.DataDir,
    "data_seed": Annotated[int, typer.Option(help="Of the split: as trained on.")],
    "classes": Annotated[str, typer.Option(help="Classes, such as 0,1; all of them without.")],
    "patterns": Annotated[int, typer.Option(help="Training patterns M: as trained on.")],
    "test_patterns": Annotated[int, typer.Option(help="Patterns of the test.")],
    "shape": Annotated[
        str, typer.Option(metavar="1,28,28", help="Shape of one input as the network takes it.")
    ],
    "loss": Annotated[str, typer.Option(help="cross-entropy, squares or MODULE:FUNCTION.")],
    "lambda_": options.Lambda,
    "eta": Annotated[float, typer.Option(help="Step of the dynamics.")],
    "temperature": Annotated[float, typer.Option(help="T, in units of the loss.")],
    "forces": Annotated[str, choice(FORCES, "Decay: of lambda alone, the null.")],
    "probes": Annotated[int, typer.Option(help="Patterns on which neurons are compared.")],
    "matrix_times": options.MatrixTimes,
}

HELP = """Follow replicas of a trained network at temperature T, and measure what each layer keeps.

\b
Example:
    python -m simulate train-copies --data digits --copies 1 --out copies
    python -m simulate run --system module-langevin --weights copies/copy-00.pt --patterns 1397 \\
        --temperature 1e-5 --out run.nc
"""


def _made(model_args: list[str] | None, weights: list[str] | None, **values: Any) -> ModuleProtocol:
    return ModuleProtocol.of(model_args=tuple(model_args or ()), weights=tuple(weights or ()), **values)


run = options.command(ModuleProtocol, OWN, HELP, lists={"classes": integers, "shape": integers}, made=_made)
