"""Options that ``simulate run`` has for every system, and what was given for them as parameters."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass.checks import integers
from deepglass.cli import Format, choice
from deepglass.cli import Output as Output
from deepglass.cli import Overwrite as Overwrite
from simulate import report
from simulate.progress import ProgressBar
from simulate.protocol import DEVICES, PRECISIONS, BaseProtocol
from simulate.registry import SYSTEMS
from simulate.run import run as run_protocol
from simulate.schedule import SCHEDULES
from simulate.signals import checkpoint_before_stopping

Out = Annotated[Path, typer.Option(help="The run's netCDF file, RUN.nc.")]
System = Annotated[str, choice(SYSTEMS, "What is simulated; each has options of its own: add --help.")]
Depth = Annotated[int, typer.Option(help="L, layers of weights: hidden layers and one.")]
Width = Annotated[int, typer.Option(help="N, neurons of a hidden layer.")]
DataDir = Annotated[
    str | None,
    typer.Option(
        help="Folder of the files of MNIST or CIFAR-10; else $DEEPGLASS_DATA, else MNIST is downloaded."
    ),
]
Components = Annotated[int, typer.Option(help="Principal components that are the inputs.")]
TestImages = Annotated[int, typer.Option(help="Images kept for the test.")]
Lambda = Annotated[float, typer.Option("--lambda", help="Strength of L2.")]
Batch = Annotated[int, typer.Option(help="Patterns in a mini-batch.")]
Schedule = Annotated[str, choice(SCHEDULES, "How T is reached.")]
InitialTemperature = Annotated[float | None, typer.Option(help="T at step 0 of a quench or anneal.")]
ScheduleSteps = Annotated[int | None, typer.Option(help="Step of the quench, or at which the anneal ends.")]
Steps = Annotated[int, typer.Option(help="All steps, from 0 to the end of the run.")]
WaitingTime = Annotated[
    str, typer.Option(help="t_w < steps, where each sample is split into replicas; several: 100,1000.")
]
Samples = Annotated[int, typer.Option(help="Independent samples.")]
FirstSample = Annotated[int, typer.Option(help="Number of the first sample: 4 continues a run of 0 to 3.")]
Replicas = Annotated[int, typer.Option(help="Copies of each sample at every t_w.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Device = Annotated[str, choice(DEVICES, "Where to compute.")]
Precision = Annotated[str, choice(PRECISIONS, "Floating point of spins and weights.")]
Threads = Annotated[int, typer.Option(help="CPU threads that share the machines of a chunk.")]
ReplicasPerChunk = Annotated[
    int | None, typer.Option(help="Machines advanced together at most; bounds the memory.")
]
PerDecade = Annotated[int, typer.Option(help="Measurements per decade of t.")]
FramesPerDecade = Annotated[
    int, typer.Option(help="Configurations kept per decade of steps since t_w; 0: none.")
]
MatrixTimes = Annotated[
    str, typer.Option(help="Steps since t_w at which all pairs of machines are compared, e.g. 1000,9000.")
]
CheckpointEvery = Annotated[int, typer.Option(help="Steps between checkpoints; 0: one a minute.")]
KeepState = Annotated[bool, typer.Option(help="Keep in RUN.nc what a longer run needs to go on.")]

LISTS: Mapping[str, Callable[[str], Any]] = {
    name: partial(integers, name) for name in ("waiting_time", "matrix_times")
}
"""Parameters that are lists, as text on the command line."""


def parameters(
    context: typer.Context, protocol: type[BaseProtocol], lists: Mapping[str, Callable[[str], Any]]
) -> dict[str, Any]:
    """What the command line says of a protocol's parameters; ``lists`` reads those that are text there."""
    readers, found = {**LISTS, **lists}, {}
    for name in (field.name for field in fields(protocol)):
        if name in context.params:
            value = context.params[name]
            found[name] = readers[name](value) if name in readers and value is not None else value
    return found


def by_default(context: typer.Context, name: str) -> bool:
    """Whether an option was left at its default."""
    source = context.get_parameter_source(name)
    return source is None or source.name in ("DEFAULT", "DEFAULT_MAP")


def run_and_show(protocol: BaseProtocol, out: Path, overwrite: bool, format: Format) -> None:
    """Run to the end, with a progress bar, and print what came of it."""
    with checkpoint_before_stopping(), ProgressBar() as progress:
        result = run_protocol(protocol, progress, out=out, overwrite=overwrite)
    report.show(result, f"wrote {out}", format)
