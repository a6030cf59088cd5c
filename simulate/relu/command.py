"""``python -m simulate run --system relu-network``: trained networks and their motion from the command
line."""

from typing import Annotated, Any

import typer

from deepglass.checks import reals
from deepglass.cli import choice
from simulate import options
from simulate.relu.protocol import FORCES, INITIAL, ReluProtocol

OWN: dict[str, Any] = {
    "data": Annotated[
        str, typer.Option(help="gaussian, digits, mnist, cifar10, PATH.npz or a folder of IDX files.")
    ],
    "data_dir": options.DataDir,
    "components": options.Components,
    "power": Annotated[float | None, typer.Option(help="Mean |x|^2 of the inputs; 0: as they are.")],
    "test_patterns": options.TestImages,
    "depth": options.Depth,
    "width": options.Width,
    "patterns": Annotated[int, typer.Option(help="P, training patterns.")],
    "initial": Annotated[
        str, choice(INITIAL, "Weights: Gaussian, variance 2/fan-in; within 1/sqrt(fan-in).")
    ],
    "lambda_": options.Lambda,
    "train_steps": Annotated[int, typer.Option(help="Steps of mini-batch descent.")],
    "train_eta": Annotated[float, typer.Option(help="Step of the descent.")],
    "train_fine": Annotated[int, typer.Option(help="Its last steps, with a tenth of the step.")],
    "batch": options.Batch,
    "eta": Annotated[float, typer.Option(help="Step after the training, on all patterns.")],
    "temperatures": Annotated[str, typer.Option(help="T of the copies after the training, in units of P U.")],
    "factors": Annotated[str, typer.Option(help="F: a weight within sigma_W/F has not moved.")],
    "forces": Annotated[str, choice(FORCES, "After the training; decay: of lambda alone, the null.")],
    "matrix_times": options.MatrixTimes,
}

HELP = """Train ReLU networks by mini-batch descent, then follow them at temperatures T, and measure how they
move.

Samples are initial conditions; each is trained once and then goes on at every T.

\b
Example, a minute on a laptop: an under-parametrised network on the parity of Gaussian points.
    python -m simulate run --system relu-network --data gaussian --out run.nc
"""


def _made(power: float, **values: Any) -> ReluProtocol:
    return ReluProtocol(power=power or None, **values)


run = options.command(ReluProtocol, OWN, HELP, lists={"temperatures": reals, "factors": reals}, made=_made)
