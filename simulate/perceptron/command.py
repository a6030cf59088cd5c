"""``python -m simulate run --system deep-perceptron``: deep perceptrons from the command line."""

from typing import Annotated, Any

import typer

from deepglass.checks import reals
from deepglass.cli import choice
from simulate import options
from simulate.perceptron.protocol import STARTS, PerceptronProtocol
from simulate.systems.deep_perceptron import POTENTIALS
from simulate.systems.disorder import SCENARIOS

OWN: dict[str, Any] = {
    "scenario": Annotated[
        str,
        choice(
            SCENARIOS, "random: random inputs and outputs. teacher-student: outputs of a teacher network."
        ),
    ],
    "potential": Annotated[
        str,
        choice(POTENTIALS, "v(r) of a gap r < kappa: (r - kappa)^2/2, or 1; hard at T = 0: the hard core."),
    ],
    "margin": Annotated[float, typer.Option(help="kappa, the smallest gap that costs nothing.")],
    "depth": options.Depth,
    "width": options.Width,
    "degree": Annotated[int | None, typer.Option(help="c, neurons a perceptron reads; all by default.")],
    "patterns": Annotated[int, typer.Option(help="M, training patterns; alpha = M/c.")],
    "temperature": Annotated[float, typer.Option(help="T = 1/beta, in units of the potential v.")],
    "schedule": options.Schedule,
    "initial_temperature": options.InitialTemperature,
    "schedule_steps": options.ScheduleSteps,
    "ladder": Annotated[
        str, typer.Option(help="Hotter temperatures of copies that exchange configurations, e.g. 0.2,0.5.")
    ],
    "exchange_every": Annotated[int, typer.Option(help="Sweeps between exchanges.")],
    "start": Annotated[
        str, choice(STARTS, "planted: as the teacher; apart: random, each replica from its own.")
    ],
    "reach": Annotated[
        float, typer.Option(help="Of proposed rotations of weight vectors; 0: slices of the sphere.")
    ],
    "test_patterns": Annotated[int, typer.Option(help="Fresh inputs on which networks are compared.")],
    "backend": Annotated[
        str, choice(PerceptronProtocol.backends, "How to advance the machines; auto is the fastest.")
    ],
    "matrix_times": options.MatrixTimes,
}

HELP = """Sample deep perceptrons with the exact law, split them into replicas at t_w, and measure overlaps.

Steps are sweeps over all neurons and weights.

\b
Example, a few seconds on a laptop: students who leave their teacher.
    python -m simulate run --system deep-perceptron --depth 2 --width 20 --patterns 80 \\
        --start planted --steps 1000 --out run.nc
"""

run = options.command(PerceptronProtocol, OWN, HELP, lists={"ladder": reals})
