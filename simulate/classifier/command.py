"""``python -m simulate run --system classifier`` and ``simulate draws``: trained networks, and
configurations."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass import files, schema
from deepglass.checks import integers
from deepglass.cli import choice
from simulate import options
from simulate.classifier.draws import draws as drawn
from simulate.classifier.protocol import LABELS, SYNAPSES, ClassifierProtocol

OWN: dict[str, Any] = {
    "data": Annotated[
        str, typer.Option(help="digits, mnist, cifar10, zou2021, PATH.npz or a folder of IDX files.")
    ],
    "data_dir": Annotated[
        str | None,
        typer.Option(
            "--data-dir",
            "--reference-dir",
            help="Folder of the files of the source; else $DEEPGLASS_DATA, of zou2021 $DEEPGLASS_REFERENCE.",
        ),
    ],
    "components": options.Components,
    "outputs": Annotated[int, typer.Option(help="Classes, one output each.")],
    "test_patterns": options.TestImages,
    "labels": Annotated[str, choice(LABELS, "Of the training patterns; shuffled: the null.")],
    "depth": options.Depth,
    "width": options.Width,
    "patterns": Annotated[int, typer.Option(help="P, training patterns.")],
    "synapses": Annotated[str, choice(SYNAPSES, "Of weights +-1, by local reparametrisation; of real ones.")],
    "eta": Annotated[float, typer.Option(help="Step of Adam.")],
    "eta_drop": Annotated[int, typer.Option(help="Steps after which --eta falls tenfold; 0: never.")],
    "lambda_": options.Lambda,
    "batch": options.Batch,
    "spread": Annotated[
        float, typer.Option(help="Standard deviation of the fields of binary weights at the start.")
    ],
    "frozen": Annotated[str, typer.Option(help="Layers of weights that stay at random: 2 or 2,3.")],
    "draws": Annotated[int, typer.Option(help="Networks drawn of each where it is measured.")],
}

HELP = """Train many classifiers of binary or real weights at once.

Samples are independent networks on the same data. `simulate draws` then draws weight configurations.

\b
Example, seconds: 32 deep networks on the digits that come with scikit-learn.
    python -m simulate run --system classifier --out run.nc
"""

run = options.command(ClassifierProtocol, OWN, HELP, lists={"frozen": integers})


def draws(
    path: Annotated[Path, typer.Argument(metavar="RUN.nc", help="From `run --system classifier`.")],
    out: Annotated[Path, typer.Option(help="The netCDF file of the configurations.")],
    count: Annotated[
        int | None, typer.Option(help="Draws of every network; without it as many as were measured.")
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Draw configurations of weights +-1 from trained networks, for `python -m compare liquid`.

    \b
    Example:
        python -m simulate draws run.nc --out draws.nc
    """
    files.check_target(out, overwrite)
    found = drawn(schema.read(path, "run"), count)
    schema.write(found, out, "weights", overwrite)
    typer.echo(f"{found.attrs['what']}\nwrote {out}")
