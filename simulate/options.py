"""Options that ``simulate run`` has for several systems, and the command that a system makes of its own."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from inspect import Parameter, Signature
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from deepglass.checks import integers, one_of
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

SHARED: Mapping[str, Any] = {
    "steps": Steps,
    "waiting_time": WaitingTime,
    "samples": Samples,
    "first_sample": FirstSample,
    "replicas": Replicas,
    "seed": Seed,
    "device": Device,
    "precision": Precision,
    "threads": Threads,
    "replicas_per_chunk": ReplicasPerChunk,
    "per_decade": PerDecade,
    "frames_per_decade": FramesPerDecade,
    "checkpoint_every": CheckpointEvery,
    "keep_state": KeepState,
}
"""Options of every system, by the parameters that they set."""

Reader = Callable[[str, str], Any]
"""What a text means, from the name of its option and the text; raises InvalidInput."""


def command(
    protocol: type[BaseProtocol],
    own: Mapping[str, Any],
    help: str,
    *,
    lists: Mapping[str, Reader] = MappingProxyType({}),
    made: Callable[..., BaseProtocol] | None = None,
) -> Callable[..., None]:
    """``run --system NAME``: ``own`` options, then the shared ones, with the defaults of the protocol.

    Keys of ``own`` are parameters of the protocol, or "preset"; values are types as Typer reads them.
    ``lists`` reads the parameters that are text on the command line; ``made`` makes the protocol from its
    parameters, where that is not the class itself.
    """
    wanted = {**own, **SHARED}
    readers = {"waiting_time": integers, "matrix_times": integers, **lists}
    defaults = {f.name: _default(f.default, f.name in readers) for f in fields(protocol)}
    defaults["preset"] = None

    def read(name: str, value: Any) -> Any:
        return readers[name](name, value) if name in readers and value is not None else value

    def run(context: typer.Context, out: Path, format: Format, overwrite: bool, **_: Any) -> None:
        found = {name: read(name, context.params[name]) for name in wanted if name != "preset"}
        if (preset := context.params.get("preset")) is not None:
            presets = SYSTEMS[protocol.system].presets
            named = presets[one_of("preset", preset, presets)]
            found |= {name: value for name, value in named.items() if _by_default(context, name)}
        _run_and_show((made or protocol)(**found), out, overwrite, format)

    # Typer asks a function for its options; this one answers with those of its system.
    options = {
        "context": (typer.Context, Parameter.empty),
        "out": (Out, Parameter.empty),
        "system": (System, protocol.system),
        **{name: (typed, defaults[name]) for name, typed in wanted.items()},
        "format": (Output, Format.table),
        "overwrite": (Overwrite, False),
    }
    run.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=typed, default=default)
            for name, (typed, default) in options.items()
        ]
    )
    run.__annotations__ = {name: typed for name, (typed, _) in options.items()}
    run.__name__, run.__doc__ = protocol.system, help
    return run


def _default(value: Any, text: bool) -> Any:
    """Of an option, from that of its parameter: ``text``, or of an option that may be repeated None."""
    if isinstance(value, tuple):
        return ",".join(f"{x:g}" for x in value) if text else value or None
    return str(value) if text and value is not None else value


def _by_default(context: typer.Context, name: str) -> bool:
    """Whether an option was left at its default."""
    source = context.get_parameter_source(name)
    return source is None or source.name in ("DEFAULT", "DEFAULT_MAP")


def _run_and_show(protocol: BaseProtocol, out: Path, overwrite: bool, format: Format) -> None:
    """Run to the end, with a progress bar, and print what came of it."""
    with checkpoint_before_stopping(), ProgressBar() as progress:
        result = run_protocol(protocol, progress, out=out, overwrite=overwrite)
    report.show(result, f"wrote {out}", format)
