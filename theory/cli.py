"""Command line of the theory: ``python -m theory``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepglass import files, schema
from deepglass.cli import Format, Output, Overwrite, application, choice, print_json, table
from deepglass.errors import InvalidInput
from theory import report
from theory.closures import CLOSURES
from theory.network import check_depth
from theory.potentials import POTENTIALS
from theory.profile import BRANCHES, SCENARIOS, Profile, solve_profile
from theory.transitions import phase_diagram, transitions

if TYPE_CHECKING:
    from theory.broken import Hierarchy

app = application("Replica theory of deep perceptrons: how strongly each layer is fixed by the data.")

Scenario = Annotated[
    str,
    choice(SCENARIOS, "random: random inputs and outputs. teacher-student: outputs of a teacher network."),
]
Depth = Annotated[int, typer.Option(help="L, layers of weights, 1 to 200.")]
Margin = Annotated[
    float,
    typer.Option(
        help="kappa, the smallest gap every neuron must have, -4 to 4. Other than 0, teacher-student is a "
        "planted ensemble: patterns around a machine that satisfies them, not the answers of a teacher."
    ),
]
ClosureName = Annotated[
    str,
    choice(
        CLOSURES,
        "gaussian: a neuron enters its own gap by its average, as in the reference. "
        "site: neuron and gap together.",
    ),
]
PotentialName = Annotated[
    str,
    choice(
        POTENTIALS,
        "hard: no gap below the margin. soft: a harmonic penalty below it, at inverse temperature --beta.",
    ),
]
Beta = Annotated[float | None, typer.Option(help="1/T of the soft potential, 1e-3 to 1e8; only with it.")]


@app.command()
def profile(
    scenario: Scenario,
    depth: Depth,
    alpha: Annotated[
        float, typer.Option(help="Storage ratio M/N, patterns by neurons of a layer, 1e-6 to 1e9.")
    ],
    margin: Margin = 0.0,
    branch: Annotated[
        str,
        typer.Option(
            help="continuous: grown from zero overlap, from the boundaries inwards. crystal: teacher-student "
            "solution with every overlap close to 1. equilibrium: the one of larger entropy.",
            metavar="|".join(BRANCHES),
        ),
    ] = "continuous",
    closure: ClosureName = "gaussian",
    potential: PotentialName = "hard",
    beta: Beta = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--rsb",
            help="Steps K of replica symmetry breaking, 0 to 200, on the continuous branch: every overlap "
            "becomes K+1 values, outermost first. Without it the symmetric solution.",
        ),
    ] = None,
    format: Output = Format.table,
    out: Annotated[Path | None, typer.Option(help="The netCDF file of the profile, PROFILE.nc.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Overlap profile of a network: neuron layers q_0..q_L and weight layers Q_1..Q_L.

    Solves the replica-symmetric equations. An overlap of 0 is a liquid
    layer, 1 a frozen one. Entropy is counted per N M. The residual is the largest change of any overlap
    under one undamped map of the equations, relative to one minus that overlap. The replicon is positive
    where replica symmetry is stable.

    Exit codes: 2 for bad input, 3 where the branch has no solution (the capacity or spinodal is named).

    \b
    Example:
        python -m theory profile --scenario teacher-student --depth 3 --alpha 20 \\
            --branch equilibrium
    """
    if out is not None:
        files.check_target(out, overwrite)
    result: Profile | Hierarchy
    if steps is None:
        result = solve_profile(
            scenario, depth, alpha, margin, branch, closure=closure, potential=potential, beta=beta
        )
    elif branch != "continuous":
        raise InvalidInput(f"branch = {branch!r}: --rsb breaks the continuous branch only")
    else:
        # Numba compiles the recursion; only a hierarchy needs it.
        from theory.broken import solve_hierarchy

        result = solve_hierarchy(
            scenario, depth, alpha, steps, margin, closure=closure, potential=potential, beta=beta
        )
    if out is not None:
        schema.write(result.to_dataset(), out, kind="profile", overwrite=overwrite)
    if format is Format.json:
        print_json(
            report.profile_as_json(result)
            if isinstance(result, Profile)
            else report.hierarchy_as_json(result)
        )
    else:
        typer.echo(
            report.profile_as_table(result)
            if isinstance(result, Profile)
            else report.hierarchy_as_table(result)
        )


@app.command("transitions")
def transitions_command(
    scenario: Scenario,
    depth: Depth,
    margin: Margin = 0.0,
    closure: ClosureName = "gaussian",
    potential: PotentialName = "hard",
    beta: Beta = None,
    format: Output = Format.table,
) -> None:
    """Every transition of a network up to alpha = 1e6.

    continuous: a hidden layer begins to freeze. spinodal: a branch appears or ends. first order: the
    entropies of two branches cross. capacity: random data cannot be stored beyond.

    \b
    Example:
        python -m theory transitions --scenario teacher-student --depth 3
    """
    found = transitions(scenario, depth, closure=closure, margin=margin, potential=potential, beta=beta)
    if format is Format.json:
        print_json(report.transitions_as_json(found))
    else:
        typer.echo(report.transitions_as_table(found))


@app.command("phase-diagram")
def phase_diagram_command(
    scenario: Scenario,
    out: Annotated[Path, typer.Option(help="The picture: .png, .pdf or .svg.")],
    depths: Annotated[str, typer.Option(help="Depths to draw, e.g. 2,3,5.")] = "",
    max_depth: Annotated[int | None, typer.Option(help="All depths up to this one instead.")] = None,
    margin: Margin = 0.0,
    closure: ClosureName = "gaussian",
    potential: PotentialName = "hard",
    beta: Beta = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw alpha against depth with all transitions.

    \b
    Example:
        python -m theory phase-diagram --scenario teacher-student --depths 2,3,5,10 \\
            --out phases.png
    """
    chosen = depths_of(depths, max_depth)
    if out.suffix.lower() not in PICTURES:
        raise InvalidInput(f"out = '{out}' must end in one of {', '.join(PICTURES)}")
    files.check_target(out, overwrite)
    found = phase_diagram(scenario, chosen, closure=closure, margin=margin, potential=potential, beta=beta)
    # Matplotlib is slow to import, and only a picture needs it.
    from theory import diagram

    out.parent.mkdir(parents=True, exist_ok=True)
    diagram.draw(found, out)
    typer.echo(f"wrote {out}")


PICTURES = (".png", ".pdf", ".svg")


def depths_of(depths: str, max_depth: int | None) -> list[int]:
    """The depths asked for by ``--depths`` or ``--max-depth``; exactly one of the two."""
    if bool(depths) == (max_depth is not None):
        raise InvalidInput("give one of --depths, e.g. 2,3,5, and --max-depth")
    if max_depth is not None:
        return list(range(1, check_depth(max_depth) + 1))
    words = [word.strip() for word in depths.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise InvalidInput(f"depths = {depths!r} must be integers separated by commas")
    return sorted({check_depth(int(word)) for word in words})


@app.command()
def sk(
    temperature: Annotated[float, typer.Option(help="Temperature T in units of the coupling, above 0.")],
    steps: Annotated[int, typer.Option("--rsb", help="Steps K of replica symmetry breaking, 0 to 200.")] = 50,
    format: Output = Format.table,
) -> None:
    """The Sherrington-Kirkpatrick spin glass, solved by the same recursion: its external check.

    Energy and free energy per spin; the ground state of the model lies at -0.7631667.

    \b
    Example:
        python -m theory sk --temperature 0.5 --rsb 50 --format json
    """
    from theory.models import sk as solve

    found = solve(temperature, steps).as_json()
    if format is Format.json:
        print_json(found)
    else:
        scalars = {name: value for name, value in found.items() if not isinstance(value, list)}
        typer.echo(table((name, [value]) for name, value in scalars.items()))
