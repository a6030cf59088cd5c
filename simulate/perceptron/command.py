"""``python -m simulate run --system deep-perceptron``: deep perceptrons from the command line."""

from typing import Annotated

import typer

from deepglass.checks import reals
from deepglass.cli import Format, choice
from simulate import options
from simulate.perceptron.protocol import STARTS, PerceptronProtocol
from simulate.systems.deep_perceptron import POTENTIALS
from simulate.systems.disorder import SCENARIOS

P = PerceptronProtocol


def run(
    context: typer.Context,
    out: options.Out,
    system: options.System = P.system,
    scenario: Annotated[
        str,
        choice(
            SCENARIOS, "random: random inputs and outputs. teacher-student: outputs of a teacher network."
        ),
    ] = P.scenario,
    potential: Annotated[
        str,
        choice(POTENTIALS, "v(r) of a gap r < kappa: (r - kappa)^2/2, or 1; hard at T = 0: the hard core."),
    ] = P.potential,
    margin: Annotated[float, typer.Option(help="kappa, the smallest gap that costs nothing.")] = P.margin,
    depth: options.Depth = P.depth,
    width: options.Width = P.width,
    degree: Annotated[
        int | None, typer.Option(help="c, neurons a perceptron reads; all by default.")
    ] = P.degree,
    patterns: Annotated[int, typer.Option(help="M, training patterns; alpha = M/c.")] = P.patterns,
    temperature: Annotated[
        float, typer.Option(help="T = 1/beta, in units of the potential v.")
    ] = P.temperature,
    schedule: options.Schedule = P.schedule,
    initial_temperature: options.InitialTemperature = P.initial_temperature,
    schedule_steps: options.ScheduleSteps = P.schedule_steps,
    ladder: Annotated[
        str, typer.Option(help="Hotter temperatures of copies that exchange configurations, e.g. 0.2,0.5.")
    ] = "",
    exchange_every: Annotated[int, typer.Option(help="Sweeps between exchanges.")] = P.exchange_every,
    start: Annotated[
        str, choice(STARTS, "planted: as the teacher; apart: random, each replica from its own.")
    ] = P.start,
    steps: options.Steps = P.steps,
    waiting_time: options.WaitingTime = str(P.waiting_time),
    samples: options.Samples = P.samples,
    first_sample: options.FirstSample = P.first_sample,
    replicas: options.Replicas = P.replicas,
    seed: options.Seed = P.seed,
    reach: Annotated[
        float, typer.Option(help="Of proposed rotations of weight vectors; 0: slices of the sphere.")
    ] = P.reach,
    test_patterns: Annotated[
        int, typer.Option(help="Fresh inputs on which networks are compared.")
    ] = P.test_patterns,
    device: options.Device = P.device,
    backend: Annotated[
        str, choice(P.backends, "How to advance the machines; auto is the fastest.")
    ] = P.backend,
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
    """Sample deep perceptrons with the exact law, split them into replicas at t_w, and measure overlaps.

    Steps are sweeps over all neurons and weights.

    \b
    Example, a few seconds on a laptop: students who leave their teacher.
        python -m simulate run --system deep-perceptron --depth 2 --width 20 --patterns 80 \\
            --start planted --steps 1000 --out run.nc
    """
    values = options.parameters(context, P, {"ladder": lambda text: reals("ladder", text)})
    options.run_and_show(P(**values), out, overwrite, format)
