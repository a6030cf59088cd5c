"""``python -m simulate run``: thermal machines from the command line."""

from typing import Annotated, Any

import typer

from deepglass.cli import choice
from simulate import options
from simulate.data import IMAGES, LABELS, parse_classes
from simulate.dynamics import BACKENDS
from simulate.dynamics.langevin import THERMOSTATS
from simulate.systems.start_law import EXAMPLES
from simulate.systems.thermal_machine import C_SCALES
from simulate.thermal.presets import PRESETS
from simulate.thermal.protocol import VELOCITIES, Protocol

OWN: dict[str, Any] = {
    "preset": Annotated[
        str | None, choice(PRESETS, "Parameters of a published machine; options given beside it win.")
    ],
    "data": Annotated[
        str, typer.Option(help="digits, mnist, cifar10, random, teacher, PATH.npz or a folder of IDX files.")
    ],
    "data_dir": options.DataDir,
    "classes": Annotated[
        str | None, typer.Option(help="Labels to use, e.g. 0,1; without it 0 and 1, of own images all.")
    ],
    "threshold": Annotated[float | None, typer.Option(help="Pixels above it are +1, others -1.")],
    "images": Annotated[str, choice(IMAGES, "random: fair signs in their place.")],
    "labels": Annotated[str, choice(LABELS, "shuffled: among the patterns; teacher: a random network's.")],
    "depth": options.Depth,
    "width": options.Width,
    "patterns": Annotated[int, typer.Option(help="M, training patterns; alpha = M/N.")],
    "temperature": Annotated[float, typer.Option(help="T of the thermostat, in units of the energy.")],
    "schedule": options.Schedule,
    "initial_temperature": options.InitialTemperature,
    "schedule_steps": options.ScheduleSteps,
    "velocities": Annotated[
        str, choice(VELOCITIES, "Of replicas at t_w: thermal ones, or those of their sample.")
    ],
    "start": Annotated[
        str,
        choice([*EXAMPLES, "RUN.nc", "ARRAY.npy"], "small: normal:0.1,0.01; uniform: uniform:1,1; a file."),
    ],
    "dt": Annotated[float, typer.Option(help="Time step, in units of the machine's time.")],
    "eta": Annotated[float, typer.Option(help="Friction per step.")],
    "thermostat": Annotated[str, choice(THERMOSTATS, "literal: Eq. 11 as printed, a negative control.")],
    "c_scale": Annotated[str, choice(C_SCALES, "c_l = 1 as printed, or 1/sqrt(fan-in).")],
    "backend": Annotated[str, choice(BACKENDS, "How to advance the machines; auto is the fastest.")],
    "matrix_times": options.MatrixTimes,
    "hot": Annotated[
        float, typer.Option(help="Warn of a layer with a kinetic temperature above this many T.")
    ],
}

HELP = """Train thermal machines, split them into replicas at t_w, and measure energies and overlaps.

\b
Example, a minute on a laptop:
    python -m simulate run --data digits --depth 10 --width 10 --patterns 240 \\
        --samples 2 --steps 20000 --waiting-time 10000 --out run.nc
"""

run = options.command(Protocol, OWN, HELP, lists={"classes": lambda _, text: parse_classes(text)})
