"""``python -m compare``: set a prediction beside a measurement."""

from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import typer

from compare import figure
from compare.overlay import Overlay
from compare.overlay import overlay as align
from deepglass import schema
from deepglass.cli import Format, application, print_json, table
from deepglass.errors import InvalidInput

app = application("Compare predicted and measured layers.")
FORMATS = ("png", "pdf", "svg")


@app.command()
def overlay(
    profile: Annotated[Path, typer.Argument(help="A profile, from `python -m theory profile --out`.")],
    run: Annotated[Path, typer.Argument(help="A run, from `python -m simulate run --out`.")],
    out: Annotated[Path, typer.Option(help="The figure: .png, .pdf or .svg.")],
    format: Annotated[Format, typer.Option(help="How to print the table.")] = Format.table,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing figure.")] = False,
) -> None:
    """Overlay one predicted profile and one measured run, layer by layer.

    A layer is solid where its overlap exceeds 1/e. alpha_eff is the theory's alpha whose profile is
    nearest to the measured one. Theory (Ising, random data) and machine are different models: the
    overlay describes, it does not test.
    """
    if out.suffix.lstrip(".").lower() not in FORMATS:
        raise InvalidInput(f"figure {out} must end in one of .{', .'.join(FORMATS)}")
    schema.check_target(out, overwrite)
    result = align(schema.read(profile, "profile"), schema.read(run, "run"))
    mpl.use("Agg")
    figure.save(figure.draw(result), out)
    for warning in result.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if format is Format.json:
        print_json(result.as_dict())
    else:
        typer.echo(describe(result))
        typer.echo(f"wrote {out}")


def describe(result: Overlay) -> str:
    """The overlay for a reader: table, storage ratios, extent of the solid."""
    lines = [table(result.columns())]
    effective = result.alpha_eff
    lines.append(
        f"alpha: theory {result.alpha_theory:g}, run {result.alpha_run:g}, effective {effective}"
        f" (rms distance {effective.rms:.2g})"
    )
    for side in ("predicted", "measured"):
        e = getattr(result, side)
        lines.append(
            f"{side}: {e.n_liquid} liquid layers, solid to {e.xi_input:.3g} layers from the input,"
            f" {e.xi_output:.3g} from the output"
        )
    return "\n".join(lines)
