"""``python -m simulate``: run thermal machines from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from deepglass import files, schema
from deepglass.cli import Format, application, choice, print_json
from simulate import report
from simulate.data import parse_classes
from simulate.dynamics.langevin import THERMOSTATS
from simulate.progress import ProgressBar
from simulate.protocol import DEVICES, PRECISIONS, Protocol
from simulate.run import run as run_protocol
from simulate.systems.thermal_machine import C_SCALES, STARTS

app = application("Simulate deep networks as particles: train by Langevin dynamics, measure layer by layer.")


@app.command()
def run(
    out: Annotated[Path, typer.Option(help="The run's netCDF file, RUN.nc.")],
    data: Annotated[
        str, typer.Option(help="digits, mnist, random, teacher, a .npz file or a folder of IDX files.")
    ] = Protocol.data,
    data_dir: Annotated[
        str | None, typer.Option(help="Folder of the MNIST files; else $DEEPGLASS_DATA, else downloaded.")
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Labels to use, e.g. 0,1.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Pixels above it are +1, others -1.")] = None,
    depth: Annotated[int, typer.Option(help="L, layers of weights.")] = Protocol.depth,
    width: Annotated[int, typer.Option(help="N, neurons of a hidden layer.")] = Protocol.width,
    patterns: Annotated[int, typer.Option(help="M, training patterns; alpha = M/N.")] = Protocol.patterns,
    temperature: Annotated[float, typer.Option(help="T of the thermostat.")] = Protocol.temperature,
    steps: Annotated[int, typer.Option(help="All MD steps, from 0.")] = Protocol.steps,
    waiting_time: Annotated[
        int, typer.Option(help="t_w < steps: each sample is split into replicas there.")
    ] = Protocol.waiting_time,
    samples: Annotated[int, typer.Option(help="Independent starts.")] = Protocol.samples,
    replicas: Annotated[int, typer.Option(help="Copies of each sample at t_w.")] = Protocol.replicas,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = Protocol.seed,
    start: Annotated[str, choice(STARTS, "small: S ~ 0.1, J ~ 0.01; uniform: (-1, 1).")] = Protocol.start,
    dt: Annotated[float, typer.Option(help="Time step.")] = Protocol.dt,
    eta: Annotated[float, typer.Option(help="Friction per step.")] = Protocol.eta,
    thermostat: Annotated[
        str, choice(THERMOSTATS, "literal: Eq. 11 as printed, a negative control.")
    ] = Protocol.thermostat,
    c_scale: Annotated[str, choice(C_SCALES, "c_l = 1 as printed, or 1/sqrt(fan-in).")] = Protocol.c_scale,
    device: Annotated[str, choice(DEVICES, "Where to compute.")] = Protocol.device,
    precision: Annotated[str, choice(PRECISIONS, "Of the particles.")] = Protocol.precision,
    threads: Annotated[int, typer.Option(help="CPU threads of the matrix products.")] = Protocol.threads,
    format: Annotated[Format, typer.Option(help="What to print when done.")] = Format.table,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing output file.")] = False,
) -> None:
    """Train thermal machines, split them into replicas at t_w, and measure energies and overlaps.

    \b
    Example, a minute on a laptop:
        python -m simulate run --data digits --depth 10 --width 10 --patterns 240 \\
            --samples 2 --steps 20000 --waiting-time 10000 --out run.nc
    """
    protocol = Protocol(
        data=data, data_dir=data_dir, classes=None if classes is None else parse_classes(classes),
        threshold=threshold, depth=depth, width=width, patterns=patterns, temperature=temperature,
        steps=steps, waiting_time=waiting_time, samples=samples, replicas=replicas, seed=seed,
        start=start, dt=dt, eta=eta, thermostat=thermostat, c_scale=c_scale,
        device=device, precision=precision, threads=threads,
    )  # fmt: skip
    files.check_target(out, overwrite)
    with ProgressBar() as progress:
        result = run_protocol(protocol, progress)
    schema.write(result, out, "run", overwrite)
    if result.attrs["warnings"]:
        typer.echo(f"warning: {result.attrs['warnings']}", err=True)
    if format is Format.json:
        print_json(report.summary(result))
    else:
        typer.echo(report.describe(result))
        typer.echo(f"wrote {out}")
