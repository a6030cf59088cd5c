"""``python -m compare``: set a prediction beside a measurement."""

from pathlib import Path
from typing import Annotated

import typer

from compare import figure, liquid_figure
from compare.equilibrium import equilibrium as in_equilibrium
from compare.glassy import glassy as beside_the_null
from compare.layers import command as own_networks
from compare.liquid import THRESHOLD
from compare.liquid import liquid as liquid_or_not
from compare.liquid_report import describe_liquid
from compare.overlay import overlay as align
from compare.report import describe, describe_equilibrium, describe_glassy, describe_verdict
from compare.verdict import LEVEL
from compare.verdict import verdict as judge
from compare.weight_ensemble import ensemble
from deepglass import files, schema
from deepglass.cli import Format, Output, Overwrite, application, print_json
from deepglass.errors import InvalidInput

app = application("Compare predicted and measured layers.")

Run = Annotated[Path, typer.Argument(metavar="RUN.nc", help="A run, from `python -m simulate run --out`.")]
WaitingTime = Annotated[
    int | None, typer.Option("--t-w", help="Waiting time in steps; without it the longest of each run.")
]
Level = Annotated[float, typer.Option(help="Chance of a false alarm, of each prediction or pair of sides.")]
Variables = Annotated[
    str, typer.Option(help="The overlaps to judge: of neurons, of weights.", metavar="NEURONS,WEIGHTS")
]


@app.command()
def overlay(
    profile: Annotated[
        Path, typer.Argument(metavar="PROFILE.nc", help="From `python -m theory profile --out`.")
    ],
    run: Run,
    out: Annotated[Path, typer.Option(help="The figure: .png, .pdf or .svg.")],
    t_w: WaitingTime = None,
    control: Annotated[
        Path | None, typer.Option(metavar="RUN.nc", help="A run to draw beside, e.g. on shuffled labels.")
    ] = None,
    format: Output = Format.table,
    overwrite: Overwrite = False,
) -> None:
    """Overlay one predicted profile and one measured run, layer by layer.

    A layer is solid where its overlap exceeds 1/e. alpha_eff is the theory's alpha whose profile is
    nearest to the measured one. Theory (Ising, random data) and machine are different models: the
    overlay describes, it does not test.

    \b
    Example:
        python -m compare overlay profile.nc run.nc --out overlay.png
    """
    figure.format_of(out)
    files.check_target(out, overwrite)
    predicted = schema.read(profile, "profile")
    result = align(predicted, schema.read(run, "run"), t_w)
    beside = None if control is None else align(predicted, schema.read(control, "run"), t_w)
    figure.save(figure.draw(result, beside), out, overwrite)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if format is Format.json:
        print_json(result.as_dict())
    else:
        typer.echo(describe(result))
        typer.echo(f"wrote {out}")


@app.command()
def verdict(
    results: Annotated[
        list[Path], typer.Argument(help="Profiles and runs, in any order: PROFILE.nc... RUN.nc...")
    ],
    level: Level = LEVEL,
    quadratic: Annotated[
        bool, typer.Option("--quadratic", help="Fit a + b/N + c/N^2 (3 sizes or more), not a + b/N.")
    ] = False,
    t_w: WaitingTime = None,
    variables: Variables = "q,Q",
    format: Output = Format.table,
) -> None:
    """Judge measured runs by predicted profiles, layer by layer and all together.

    Runs of several sizes are extrapolated to infinite size; several profiles (closures, branches, broken
    symmetry) are judged side by side. What is tested, and what that cannot tell: docs/verdict.md.

    \b
    Example:
        python -m compare verdict gaussian.nc site.nc run-n100.nc run-n200.nc run-n400.nc
    """
    names = _two(variables)
    read = [schema.read(path, "profile", "run") for path in results]
    of_kind = {kind: [r for r in read if r.attrs["deepglass_kind"] == kind] for kind in ("profile", "run")}
    result = judge(
        of_kind["profile"],
        of_kind["run"],
        level=level,
        quadratic=quadratic,
        t_w=t_w,
        variables=names,
    )
    if format is Format.json:
        print_json(result.as_dict())
    else:
        typer.echo(describe_verdict(result))


@app.command()
def equilibrium(
    run: Run,
    other: Annotated[
        Path | None, typer.Argument(metavar="[OTHER.nc]", help="One from another start; else its teacher.")
    ] = None,
    level: Level = LEVEL,
    t_w: WaitingTime = None,
    variables: Variables = "q,Q",
    format: Output = Format.table,
) -> None:
    """Say whether overlaps from two sides meet: two starts, or students and their teacher.

    \b
    Examples:
        python -m compare equilibrium planted.nc random.nc
        python -m compare equilibrium planted.nc
    """
    second = None if other is None else schema.read(other, "run")
    result = in_equilibrium(schema.read(run, "run"), second, t_w=t_w, variables=_two(variables), level=level)
    if format is Format.json:
        print_json(result.as_dict())
    else:
        typer.echo(describe_equilibrium(result))


@app.command()
def glassy(
    run: Annotated[
        Path, typer.Argument(metavar="RUN.nc", help="From `python -m simulate run --system relu-network`.")
    ],
    null: Annotated[
        Path | None, typer.Option(metavar="WALK.nc", help="One with `--forces decay`: simulated free walks.")
    ] = None,
    t_w: WaitingTime = None,
    factor: Annotated[
        float | None, typer.Option(help="F of relaxation times; the smallest of the run without.")
    ] = None,
    format: Output = Format.table,
) -> None:
    """Set the motion of trained networks beside free diffusion, and say what survives.

    Free walks fall as t^(-1/2), collapse, and relax as 1/T: docs/glassy_dynamics.md.

    \b
    Example:
        python -m compare glassy run.nc --null walk.nc
    """
    found = beside_the_null(
        schema.read(run, "run", "reduced"),
        None if null is None else schema.read(null, "run", "reduced"),
        t_w=t_w, factor=factor,
    )  # fmt: skip
    if format is Format.json:
        print_json(found.as_dict())
    else:
        typer.echo(describe_glassy(found))


app.command(cls=own_networks.Several)(own_networks.layers)


@app.command()
def liquid(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="WEIGHTS.nc", help="Weights of many networks, from `python -m simulate draws`."
        ),
    ],
    control: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Weights to set beside them; may be repeated."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Nats per weight below which a part is liquid.")
    ] = THRESHOLD,
    repetitions: Annotated[int, typer.Option(help="Draws of each null and of random parts.")] = 4,
    fits: Annotated[bool, typer.Option(help="Fit pairwise models too (minutes for 1000 weights).")] = True,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The figure: .png, .pdf or .svg.")] = None,
    overwrite: Overwrite = False,
    format: Output = Format.table,
) -> None:
    """Say of every part of binary networks whether its weights are liquid: as good as independent.

    Measures, nulls and what they cannot tell: docs/effective_ising.md.

    \b
    Example:
        python -m compare liquid trained.nc --control shuffled-labels=shuffled.nc --out liquid.png
    """
    if out is not None:
        figure.format_of(out)
        files.check_target(out, overwrite)
    named = dict(_named(each) for each in control or [])
    if len(named) < len(control or []):
        raise InvalidInput("two controls of the same name; give each its own")
    found = liquid_or_not(
        ensemble(schema.read(weights, "weights")),
        controls={name: ensemble(schema.read(path, "weights")) for name, path in named.items()},
        threshold=threshold, repetitions=repetitions, fits=fits, seed=seed,
    )  # fmt: skip
    if out is not None:
        figure.save(liquid_figure.draw(found), out, overwrite)
    if format is Format.json:
        print_json(found.as_dict())
    else:
        typer.echo(describe_liquid(found))
        if out is not None:
            typer.echo(f"wrote {out}")


def _named(control: str) -> tuple[str, Path]:
    """Name and file of a control."""
    name, separator, path = control.partition("=")
    if not (name and separator and path):
        raise InvalidInput(f"control = {control!r} must be NAME=FILE, such as shuffled-labels=shuffled.nc")
    return name, Path(path)


def _two(variables: str) -> tuple[str, str]:
    """The names of two variables."""
    neurons, separator, weights = variables.partition(",")
    if not (neurons and separator and weights):
        raise InvalidInput(f"variables = {variables!r} must be two names, such as q,Q")
    return neurons.strip(), weights.strip()
