"""``python -m simulate run``: thermal machines from the command line."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass.checks import integers, one_of
from deepglass.cli import Format, choice
from simulate import report
from simulate.data import IMAGES, LABELS, parse_classes
from simulate.dynamics import BACKENDS
from simulate.dynamics.langevin import THERMOSTATS
from simulate.progress import ProgressBar
from simulate.protocol import DEVICES, PRECISIONS
from simulate.report import Output
from simulate.run import run as run_protocol
from simulate.schedule import SCHEDULES
from simulate.signals import checkpoint_before_stopping
from simulate.systems.start_law import EXAMPLES
from simulate.systems.thermal_machine import C_SCALES
from simulate.thermal.presets import PRESETS
from simulate.thermal.protocol import VELOCITIES, Protocol


def run(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The run's netCDF file, RUN.nc.")],
    preset: Annotated[
        str | None, choice(PRESETS, "Parameters of a published machine; options given beside it win.")
    ] = None,
    data: Annotated[
        str, typer.Option(help="digits, mnist, random, teacher, a .npz file or a folder of IDX files.")
    ] = Protocol.data,
    data_dir: Annotated[
        str | None, typer.Option(help="Folder of the MNIST files; else $DEEPGLASS_DATA, else downloaded.")
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Labels to use, e.g. 0,1.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Pixels above it are +1, others -1.")] = None,
    images: Annotated[str, choice(IMAGES, "random: fair signs in their place.")] = Protocol.images,
    labels: Annotated[
        str, choice(LABELS, "shuffled: among the patterns; teacher: a random network's.")
    ] = Protocol.labels,
    depth: Annotated[int, typer.Option(help="L, layers of weights.")] = Protocol.depth,
    width: Annotated[int, typer.Option(help="N, neurons of a hidden layer.")] = Protocol.width,
    patterns: Annotated[int, typer.Option(help="M, training patterns; alpha = M/N.")] = Protocol.patterns,
    temperature: Annotated[float, typer.Option(help="T of the thermostat.")] = Protocol.temperature,
    schedule: Annotated[str, choice(SCHEDULES, "How T is reached.")] = Protocol.schedule,
    initial_temperature: Annotated[
        float | None, typer.Option(help="T at step 0 of a quench or anneal.")
    ] = None,
    schedule_steps: Annotated[
        int | None, typer.Option(help="Step of the quench, or at which the anneal ends.")
    ] = None,
    steps: Annotated[int, typer.Option(help="All MD steps, from 0.")] = Protocol.steps,
    waiting_time: Annotated[
        str, typer.Option(help="t_w < steps, where each sample is split into replicas; several: 100,1000.")
    ] = str(Protocol.waiting_time),
    velocities: Annotated[
        str, choice(VELOCITIES, "Of replicas at t_w: thermal ones, or those of their sample.")
    ] = Protocol.velocities,
    samples: Annotated[int, typer.Option(help="Independent starts.")] = Protocol.samples,
    first_sample: Annotated[int, typer.Option(help="Number of the first one.")] = Protocol.first_sample,
    replicas: Annotated[int, typer.Option(help="Copies of each sample at every t_w.")] = Protocol.replicas,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = Protocol.seed,
    start: Annotated[
        str,
        choice([*EXAMPLES, "RUN.nc", "ARRAY.npy"], "small: normal:0.1,0.01; uniform: uniform:1,1; a file."),
    ] = Protocol.start,
    dt: Annotated[float, typer.Option(help="Time step.")] = Protocol.dt,
    eta: Annotated[float, typer.Option(help="Friction per step.")] = Protocol.eta,
    thermostat: Annotated[
        str, choice(THERMOSTATS, "literal: Eq. 11 as printed, a negative control.")
    ] = Protocol.thermostat,
    c_scale: Annotated[str, choice(C_SCALES, "c_l = 1 as printed, or 1/sqrt(fan-in).")] = Protocol.c_scale,
    device: Annotated[str, choice(DEVICES, "Where to compute.")] = Protocol.device,
    backend: Annotated[str, choice(BACKENDS, "How to step; auto is the fastest.")] = Protocol.backend,
    precision: Annotated[str, choice(PRECISIONS, "Of the particles.")] = Protocol.precision,
    threads: Annotated[
        int, typer.Option(help="CPU threads that share the machines of a chunk.")
    ] = Protocol.threads,
    replicas_per_chunk: Annotated[
        int | None, typer.Option(help="Machines advanced together at most; bounds the memory.")
    ] = None,
    per_decade: Annotated[int, typer.Option(help="Measurements per decade of t.")] = Protocol.per_decade,
    frames_per_decade: Annotated[
        int, typer.Option(help="Configurations kept per decade of steps since t_w; 0: none.")
    ] = Protocol.frames_per_decade,
    matrix_times: Annotated[
        str, typer.Option(help="Steps since t_w at which all pairs of machines are compared, e.g. 1000,9000.")
    ] = "",
    checkpoint_every: Annotated[
        int, typer.Option(help="Steps between checkpoints; 0: one a minute.")
    ] = Protocol.checkpoint_every,
    hot: Annotated[
        float, typer.Option(help="Warn of a layer with a kinetic temperature above this many T.")
    ] = Protocol.hot,
    keep_state: Annotated[
        bool, typer.Option(help="Keep in RUN.nc what a longer run needs to go on.")
    ] = Protocol.keep_state,
    format: Output = Format.table,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing output file.")] = False,
) -> None:
    """Train thermal machines, split them into replicas at t_w, and measure energies and overlaps.

    \b
    Example, a minute on a laptop:
        python -m simulate run --data digits --depth 10 --width 10 --patterns 240 \\
            --samples 2 --steps 20000 --waiting-time 10000 --out run.nc
    """
    values: dict[str, Any] = dict(  # noqa: C408 (names of parameters, not words)
        data=data, data_dir=data_dir, classes=None if classes is None else parse_classes(classes),
        threshold=threshold, images=images, labels=labels, depth=depth, width=width, patterns=patterns,
        temperature=temperature, schedule=schedule, initial_temperature=initial_temperature,
        schedule_steps=schedule_steps, steps=steps, waiting_time=integers("waiting_time", waiting_time),
        velocities=velocities, samples=samples, first_sample=first_sample, replicas=replicas, seed=seed,
        start=start, dt=dt, eta=eta, thermostat=thermostat, c_scale=c_scale, device=device,
        backend=backend, precision=precision, threads=threads, replicas_per_chunk=replicas_per_chunk,
        per_decade=per_decade, frames_per_decade=frames_per_decade,
        matrix_times=integers("matrix_times", matrix_times), checkpoint_every=checkpoint_every, hot=hot,
        keep_state=keep_state,
    )  # fmt: skip
    if preset is not None:
        named = PRESETS[one_of("preset", preset, PRESETS)]
        values |= {name: value for name, value in named.items() if _by_default(context, name)}
    protocol = Protocol(**values)
    with checkpoint_before_stopping(), ProgressBar() as progress:
        result = run_protocol(protocol, progress, out=out, overwrite=overwrite)
    report.show(result, f"wrote {out}", format)


def _by_default(context: typer.Context, name: str) -> bool:
    """Whether an option was left at its default."""
    source = context.get_parameter_source(name)
    return source is None or source.name in ("DEFAULT", "DEFAULT_MAP")
