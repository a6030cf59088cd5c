"""``python -m compare``: set a prediction beside a measurement."""

from pathlib import Path
from typing import Annotated

import typer

from compare import figure
from compare.overlay import overlay as align
from compare.report import describe
from deepglass import files, schema
from deepglass.cli import Format, application, print_json

app = application("Compare predicted and measured layers.")


@app.command()
def overlay(
    profile: Annotated[Path, typer.Argument(help="A profile, from `python -m theory profile --out`.")],
    run: Annotated[Path, typer.Argument(help="A run, from `python -m simulate run --out`.")],
    out: Annotated[Path, typer.Option(help="The figure: .png, .pdf or .svg.")],
    t_w: Annotated[int | None, typer.Option(help="Waiting time; the longest of the run without.")] = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = Format.table,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing figure.")] = False,
) -> None:
    """Overlay one predicted profile and one measured run, layer by layer.

    A layer is solid where its overlap exceeds 1/e. alpha_eff is the theory's alpha whose profile is
    nearest to the measured one. Theory (Ising, random data) and machine are different models: the
    overlay describes, it does not test.
    """
    figure.format_of(out)
    files.check_target(out, overwrite)
    result = align(schema.read(profile, "profile"), schema.read(run, "run"), t_w)
    figure.save(figure.draw(result), out, overwrite)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if format is Format.json:
        print_json(result.as_dict())
    else:
        typer.echo(describe(result))
        typer.echo(f"wrote {out}")
