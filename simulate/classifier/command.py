"""``python -m simulate run --system classifier`` and ``simulate draws``: trained networks, and
configurations."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import files, schema
from deepglass.checks import integers
from deepglass.cli import Format, choice
from simulate import options
from simulate.classifier.draws import draws as drawn
from simulate.classifier.protocol import LABELS, SYNAPSES, ClassifierProtocol

P = ClassifierProtocol


def run(
    context: typer.Context,
    out: options.Out,
    system: options.System = P.system,
    data: Annotated[
        str, typer.Option(help="digits, mnist, cifar10, zou2021, PATH.npz or a folder of IDX files.")
    ] = P.data,
    data_dir: Annotated[
        str | None,
        typer.Option(
            "--data-dir",
            "--reference-dir",
            help="Folder of the files of the source; else $DEEPGLASS_DATA, of zou2021 $DEEPGLASS_REFERENCE.",
        ),
    ] = P.data_dir,
    components: options.Components = P.components,
    outputs: Annotated[int, typer.Option(help="Classes, one output each.")] = P.outputs,
    test_patterns: options.TestImages = P.test_patterns,
    labels: Annotated[str, choice(LABELS, "Of the training patterns; shuffled: the null.")] = P.labels,
    depth: options.Depth = P.depth,
    width: options.Width = P.width,
    patterns: Annotated[int, typer.Option(help="P, training patterns.")] = P.patterns,
    synapses: Annotated[
        str, choice(SYNAPSES, "Of weights +-1, by local reparametrisation; of real ones.")
    ] = P.synapses,
    eta: Annotated[float, typer.Option(help="Step of Adam.")] = P.eta,
    eta_drop: Annotated[
        int, typer.Option(help="Steps after which --eta falls tenfold; 0: never.")
    ] = P.eta_drop,
    lambda_: options.Lambda = P.lambda_,
    batch: options.Batch = P.batch,
    spread: Annotated[
        float, typer.Option(help="Standard deviation of the fields of binary weights at the start.")
    ] = P.spread,
    frozen: Annotated[str, typer.Option(help="Layers of weights that stay at random: 2 or 2,3.")] = "",
    draws: Annotated[int, typer.Option(help="Networks drawn of each where it is measured.")] = P.draws,
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
    checkpoint_every: options.CheckpointEvery = P.checkpoint_every,
    keep_state: options.KeepState = P.keep_state,
    format: options.Output = Format.table,
    overwrite: options.Overwrite = False,
) -> None:
    """Train many classifiers of binary or real weights at once.

    Samples are independent networks on the same data. `simulate draws` then draws weight configurations.

    \b
    Example, seconds: 32 deep networks on the digits that come with scikit-learn.
        python -m simulate run --system classifier --out run.nc
    """
    values = options.parameters(context, P, {"frozen": lambda text: integers("frozen", text)})
    options.run_and_show(P(**values), out, overwrite, format)


def draws(
    path: Annotated[Path, typer.Argument(metavar="RUN.nc", help="From `run --system classifier`.")],
    out: Annotated[Path, typer.Option(help="The netCDF file of the configurations.")],
    count: Annotated[
        int | None, typer.Option(help="Draws of every network; without it as many as were measured.")
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Draw configurations of weights +-1 from trained networks, for `python -m compare liquid`.

    \b
    Example:
        python -m simulate draws run.nc --out draws.nc
    """
    files.check_target(out, overwrite)
    found = drawn(schema.read(path, "run"), count)
    schema.write(found, out, "weights", overwrite)
    typer.echo(f"{found.attrs['what']}\nwrote {out}")
