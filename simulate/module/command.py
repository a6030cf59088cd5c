"""``python -m simulate run --system module-langevin``: replicas of your own trained network at a
temperature."""

from typing import Annotated

import typer

from deepglass.checks import integers
from deepglass.cli import Format, choice
from simulate import options
from simulate.module.protocol import FORCES, ModuleProtocol

P = ModuleProtocol


def run(
    context: typer.Context,
    out: options.Out,
    system: options.System = P.system,
    model: Annotated[str, typer.Option(metavar="MODULE:FACTORY", help="Makes the network.")] = P.model,
    model_args: Annotated[
        list[str] | None,
        typer.Option("--model-arg", metavar="NAME=VALUE", help="Handed to it; may be repeated."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="A.pt", help="Trained state: of all samples, or repeated, one for each."),
    ] = None,
    data: Annotated[
        str, typer.Option(help="digits, mnist, cifar10, a folder, PATH.npz (images, or inputs and targets).")
    ] = P.data,
    data_dir: options.DataDir = P.data_dir,
    data_seed: Annotated[int, typer.Option(help="Of the split: as trained on.")] = P.data_seed,
    classes: Annotated[str, typer.Option(help="Classes, such as 0,1; all of them without.")] = "",
    patterns: Annotated[int, typer.Option(help="Training patterns M: as trained on.")] = P.patterns,
    test_patterns: Annotated[int, typer.Option(help="Patterns of the test.")] = P.test_patterns,
    shape: Annotated[
        str, typer.Option(metavar="1,28,28", help="Shape of one input as the network takes it.")
    ] = "",
    loss: Annotated[str, typer.Option(help="cross-entropy, squares or MODULE:FUNCTION.")] = P.loss,
    lambda_: options.Lambda = P.lambda_,
    eta: Annotated[float, typer.Option(help="Step of the dynamics.")] = P.eta,
    temperature: Annotated[float, typer.Option(help="T, in units of the loss.")] = P.temperature,
    forces: Annotated[str, choice(FORCES, "Decay: of lambda alone, the null.")] = P.forces,
    probes: Annotated[int, typer.Option(help="Patterns on which neurons are compared.")] = P.probes,
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
    """Follow replicas of a trained network at temperature T, and measure what each layer keeps.

    \b
    Example:
        python -m simulate train-copies --data digits --copies 1 --out copies
        python -m simulate run --system module-langevin --weights copies/copy-00.pt --patterns 1397 \\
            --temperature 1e-5 --out run.nc
    """
    lists = {name: (lambda text, name=name: integers(name, text)) for name in ("classes", "shape")}
    values = options.parameters(context, P, lists)
    for name in ("model_args", "weights"):
        values[name] = tuple(values[name] or ())
    options.run_and_show(P.of(**values), out, overwrite, format)
