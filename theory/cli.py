"""Command line of the theory: ``python -m theory``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass import files, schema
from deepglass.cli import Format, application, print_json
from theory.profile import BRANCHES, SCENARIOS, Profile, ensemble, solve_profile

app = application("Replica theory of deep perceptrons: how strongly each layer is fixed by the data.")


@app.command()
def profile(
    scenario: Annotated[
        str,
        typer.Option(
            help="random: random inputs and outputs. teacher-student: outputs of a teacher network.",
            metavar="|".join(SCENARIOS),
        ),
    ],
    depth: Annotated[int, typer.Option(help="Number of weight layers L, 1 to 200.")],
    alpha: Annotated[float, typer.Option(help="Storage ratio M/N: patterns per unit of width, 1e-6 to 1e9.")],
    margin: Annotated[
        float,
        typer.Option(
            help="Smallest gap every neuron must have, -4 to 4. Other than 0, teacher-student is a planted "
            "ensemble: patterns around a machine that satisfies them, not the answers of a teacher."
        ),
    ] = 0.0,
    branch: Annotated[
        str,
        typer.Option(
            help="continuous: grown from zero overlap, from the boundaries inwards. crystal: teacher-student "
            "solution with every overlap close to 1. equilibrium: the one of larger entropy.",
            metavar="|".join(BRANCHES),
        ),
    ] = "continuous",
    format: Annotated[Format, typer.Option(help="table to read, json for one JSON object.")] = Format.table,
    out: Annotated[Path | None, typer.Option(help="Also write the profile to this netCDF4 file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
) -> None:
    """Overlap profile of a network: neuron layers q_0..q_L and weight layers Q_1..Q_L.

    Solves the replica-symmetric equations (hard core, Gaussian closure). An overlap of 0 is a liquid
    layer, 1 a frozen one. Entropy is counted per N M. The residual is the largest change of any overlap
    under one undamped map of the equations, relative to one minus that overlap.

    Exit codes: 2 for bad input, 3 where the branch has no solution (the capacity or spinodal is named).

    \b
    Example:
        python -m theory profile --scenario teacher-student --depth 3 --alpha 20 \\
            --branch equilibrium
    """
    if out is not None:
        files.check_target(out, overwrite)
    result = solve_profile(scenario, depth, alpha, margin, branch)
    if out is not None:
        schema.write(result.to_dataset(), out, kind="profile", overwrite=overwrite)
    if format is Format.json:
        print_json(as_json(result))
    else:
        typer.echo(as_table(result))


def as_json(result: Profile) -> dict[str, Any]:
    """The profile as one flat object of numbers, words and lists."""
    return {
        "scenario": result.scenario,
        "depth": result.depth,
        "alpha": result.alpha,
        "margin": result.margin,
        "branch": result.branch,
        "q": result.q,
        "Q": result.Q,
        "eps": result.eps,
        "entropy": result.entropy,
        "residual": result.certificate.residual,
        "evaluations": result.certificate.evaluations,
        "method": result.certificate.method,
        "entropies": dict(result.entropies),
    }


def as_table(result: Profile) -> str:
    """The profile for reading: one line per layer, Q_l on the line of the layer it leads to."""
    kind = ensemble(result.scenario, result.margin)
    lines = [
        f"{result.scenario}, depth {result.depth}, alpha {result.alpha:g}, margin {result.margin:g}"
        + (" (planted ensemble)" if kind == "planted" else "")
        + f": {result.branch} branch",
        "",
        f"{'layer':>5}  {'q':>12}  {'1-q':>9}  {'Q':>12}  {'1-Q':>9}  {'eps':>11}",
    ]
    for layer in range(result.depth + 1):
        line = f"{layer:>5}  {result.q[layer]:>12.9f}  {result.q_complement[layer]:>9.2e}"
        if layer > 0:
            line += f"  {result.Q[layer - 1]:>12.9f}  {result.Q_complement[layer - 1]:>9.2e}"
        if 0 < layer < result.depth:
            line += f"  {result.eps[layer - 1]:>11.5g}"
        lines.append(line)
    lines += ["", f"entropy   {result.entropy:.12g}"]
    lines += [f"          {name} {value:.12g}" for name, value in result.entropies.items()]
    lines += [
        f"residual  {result.certificate.residual:.1e} ({result.certificate.reason}, "
        f"{result.certificate.evaluations} evaluations)",
        f"method    {result.certificate.method}",
    ]
    return "\n".join(lines)
