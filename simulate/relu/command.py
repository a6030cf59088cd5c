"""``python -m simulate run --system relu-network``: trained networks and their motion from the command
line."""

from typing import Annotated

import typer

from deepglass.checks import reals
from deepglass.cli import Format, choice
from simulate import options
from simulate.relu.protocol import FORCES, INITIAL, ReluProtocol

P = ReluProtocol


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{x:g}" for x in values)


def run(
    context: typer.Context,
    out: options.Out,
    system: options.System = P.system,
    data: Annotated[
        str, typer.Option(help="gaussian, digits, mnist, cifar10, PATH.npz or a folder of IDX files.")
    ] = P.data,
    data_dir: options.DataDir = P.data_dir,
    components: options.Components = P.components,
    power: Annotated[float | None, typer.Option(help="Mean |x|^2 of the inputs; 0: as they are.")] = P.power,
    test_patterns: options.TestImages = P.test_patterns,
    depth: options.Depth = P.depth,
    width: options.Width = P.width,
    patterns: Annotated[int, typer.Option(help="P, training patterns.")] = P.patterns,
    initial: Annotated[
        str, choice(INITIAL, "Weights: Gaussian, variance 2/fan-in; within 1/sqrt(fan-in).")
    ] = P.initial,
    lambda_: options.Lambda = P.lambda_,
    train_steps: Annotated[int, typer.Option(help="Steps of mini-batch descent.")] = P.train_steps,
    train_eta: Annotated[float, typer.Option(help="Step of the descent.")] = P.train_eta,
    train_fine: Annotated[int, typer.Option(help="Its last steps, with a tenth of the step.")] = P.train_fine,
    batch: options.Batch = P.batch,
    eta: Annotated[float, typer.Option(help="Step after the training, on all patterns.")] = P.eta,
    temperatures: Annotated[
        str, typer.Option(help="T of the copies after the training, in units of P U.")
    ] = _listed(P.temperatures),
    factors: Annotated[str, typer.Option(help="F: a weight within sigma_W/F has not moved.")] = _listed(
        P.factors
    ),
    forces: Annotated[
        str, choice(FORCES, "After the training; decay: of lambda alone, the null.")
    ] = P.forces,
    steps: options.Steps = P.steps,
    waiting_time: options.WaitingTime = str(P.waiting_time),
    samples: options.Samples = P.samples,
    first_sample: options.FirstSample = P.first_sample,
    replicas: options.Replicas = P.replicas,
    seed: options.Seed = P.seed,
    device: options.Device = P.device,
    precision: options.Precision = P.precision,
    threads: options.Threads = P.threads,
    replicas_per_chunk: options.ReplicasPerChunk = P.replicas_per_chunk,
    per_decade: options.PerDecade = P.per_decade,
    frames_per_decade: options.FramesPerDecade = P.frames_per_decade,
    matrix_times: options.MatrixTimes = "",
    checkpoint_every: options.CheckpointEvery = P.checkpoint_every,
    keep_state: options.KeepState = P.keep_state,
    format: options.Output = Format.table,
    overwrite: options.Overwrite = False,
) -> None:
    """Train ReLU networks by mini-batch descent, then follow them at temperatures T, and measure how they
    move.

    Samples are initial conditions; each is trained once and then goes on at every T.

    \b
    Example, a minute on a laptop: an under-parametrised network on the parity of Gaussian points.
        python -m simulate run --system relu-network --data gaussian --out run.nc
    """
    lists = {name: (lambda text, name=name: reals(name, text)) for name in ("temperatures", "factors")}
    values = options.parameters(context, P, lists)
    if values["power"] == 0:
        values["power"] = None
    options.run_and_show(P(**values), out, overwrite, format)
