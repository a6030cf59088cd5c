"""``python -m simulate run``: thermal machines from the command line."""

from typing import Annotated

import typer

from deepglass.checks import one_of
from deepglass.cli import Format, choice
from simulate import options
from simulate.data import IMAGES, LABELS, parse_classes
from simulate.dynamics import BACKENDS
from simulate.dynamics.langevin import THERMOSTATS
from simulate.systems.start_law import EXAMPLES
from simulate.systems.thermal_machine import C_SCALES
from simulate.thermal.presets import PRESETS
from simulate.thermal.protocol import VELOCITIES, Protocol


def run(
    context: typer.Context,
    out: options.Out,
    system: options.System = Protocol.system,
    preset: Annotated[
        str | None, choice(PRESETS, "Parameters of a published machine; options given beside it win.")
    ] = None,
    data: Annotated[
        str, typer.Option(help="digits, mnist, cifar10, random, teacher, PATH.npz or a folder of IDX files.")
    ] = Protocol.data,
    data_dir: options.DataDir = None,
    classes: Annotated[
        str | None, typer.Option(help="Labels to use, e.g. 0,1; without it 0 and 1, of own images all.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Pixels above it are +1, others -1.")] = None,
    images: Annotated[str, choice(IMAGES, "random: fair signs in their place.")] = Protocol.images,
    labels: Annotated[
        str, choice(LABELS, "shuffled: among the patterns; teacher: a random network's.")
    ] = Protocol.labels,
    depth: options.Depth = Protocol.depth,
    width: options.Width = Protocol.width,
    patterns: Annotated[int, typer.Option(help="M, training patterns; alpha = M/N.")] = Protocol.patterns,
    temperature: Annotated[
        float, typer.Option(help="T of the thermostat, in units of the energy.")
    ] = Protocol.temperature,
    schedule: options.Schedule = Protocol.schedule,
    initial_temperature: options.InitialTemperature = Protocol.initial_temperature,
    schedule_steps: options.ScheduleSteps = Protocol.schedule_steps,
    steps: options.Steps = Protocol.steps,
    waiting_time: options.WaitingTime = str(Protocol.waiting_time),
    velocities: Annotated[
        str, choice(VELOCITIES, "Of replicas at t_w: thermal ones, or those of their sample.")
    ] = Protocol.velocities,
    samples: options.Samples = Protocol.samples,
    first_sample: options.FirstSample = Protocol.first_sample,
    replicas: options.Replicas = Protocol.replicas,
    seed: options.Seed = Protocol.seed,
    start: Annotated[
        str,
        choice([*EXAMPLES, "RUN.nc", "ARRAY.npy"], "small: normal:0.1,0.01; uniform: uniform:1,1; a file."),
    ] = Protocol.start,
    dt: Annotated[float, typer.Option(help="Time step, in units of the machine's time.")] = Protocol.dt,
    eta: Annotated[float, typer.Option(help="Friction per step.")] = Protocol.eta,
    thermostat: Annotated[
        str, choice(THERMOSTATS, "literal: Eq. 11 as printed, a negative control.")
    ] = Protocol.thermostat,
    c_scale: Annotated[str, choice(C_SCALES, "c_l = 1 as printed, or 1/sqrt(fan-in).")] = Protocol.c_scale,
    device: options.Device = Protocol.device,
    backend: Annotated[
        str, choice(BACKENDS, "How to advance the machines; auto is the fastest.")
    ] = Protocol.backend,
    precision: options.Precision = Protocol.precision,
    threads: options.Threads = Protocol.threads,
    replicas_per_chunk: options.ReplicasPerChunk = Protocol.replicas_per_chunk,
    per_decade: options.PerDecade = Protocol.per_decade,
    frames_per_decade: options.FramesPerDecade = Protocol.frames_per_decade,
    matrix_times: options.MatrixTimes = "",
    checkpoint_every: options.CheckpointEvery = Protocol.checkpoint_every,
    hot: Annotated[
        float, typer.Option(help="Warn of a layer with a kinetic temperature above this many T.")
    ] = Protocol.hot,
    keep_state: options.KeepState = Protocol.keep_state,
    format: options.Output = Format.table,
    overwrite: options.Overwrite = False,
) -> None:
    """Train thermal machines, split them into replicas at t_w, and measure energies and overlaps.

    \b
    Example, a minute on a laptop:
        python -m simulate run --data digits --depth 10 --width 10 --patterns 240 \\
            --samples 2 --steps 20000 --waiting-time 10000 --out run.nc
    """
    values = options.parameters(context, Protocol, {"classes": parse_classes})
    if preset is not None:
        named = PRESETS[one_of("preset", preset, PRESETS)]
        values |= {name: value for name, value in named.items() if options.by_default(context, name)}
    options.run_and_show(Protocol(**values), out, overwrite, format)
