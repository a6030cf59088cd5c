"""``python -m simulate train-copies``: several trainings of one network at once, as checkpoints."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from deepglass import files
from deepglass.checks import integers
from deepglass.cli import Format, choice, print_json
from deepglass.errors import InvalidInput
from simulate import options
from simulate.copies.data import TEST_PATTERNS, folded, load
from simulate.copies.loss import LOSSES
from simulate.copies.models import Model, arguments
from simulate.copies.train import LABELS, OPTIMIZERS, Training, train
from simulate.data import parse_classes
from simulate.progress import ProgressBar
from simulate.run import torch_threads

T = Training


def train_copies(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="For copy-00.pt, ... and training.json.")],
    model: Annotated[
        str, typer.Option(metavar="MODULE:FACTORY", help="Makes the network; takes rows of pixels.")
    ] = "simulate.copies.networks:mlp",
    model_arg: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Handed to it; may be repeated.")
    ] = None,
    data: Annotated[
        str, typer.Option(help="digits, mnist, cifar10, PATH.npz or a folder of IDX files.")
    ] = "digits",
    data_dir: options.DataDir = None,
    classes: Annotated[str | None, typer.Option(help="Classes, such as 0,1; all of them without.")] = None,
    patterns: Annotated[int, typer.Option(help="Training patterns; 0: all but the test.")] = 0,
    test_patterns: Annotated[int, typer.Option(help="Patterns of the test.")] = TEST_PATTERNS,
    data_seed: Annotated[int, typer.Option(help="Of the split; the same for all copies.")] = 0,
    shape: Annotated[
        str, typer.Option(metavar="1,28,28", help="Shape of one input as the network takes it.")
    ] = "",
    copies: Annotated[int, typer.Option(help="K, how many are trained.")] = T.copies,
    epochs: Annotated[int, typer.Option(help="Passes over the patterns.")] = T.epochs,
    batch: options.Batch = T.batch,
    optimizer: Annotated[str, choice(OPTIMIZERS, "How to descend.")] = T.optimizer,
    rate: Annotated[float, typer.Option(help="Its step.")] = T.rate,
    momentum: Annotated[float, typer.Option(help="Of SGD.")] = T.momentum,
    weight_decay: Annotated[float, typer.Option(help="As torch has it.")] = T.weight_decay,
    labels: Annotated[str, choice(LABELS, "Shuffled: in another order for every copy.")] = T.labels,
    loss: Annotated[str, choice(LOSSES, "Which loss.")] = T.loss,
    seed: Annotated[int, typer.Option(help="Copy k has seed + k: start, order, shuffle.")] = T.seed,
    device: options.Device = "cpu",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    format: options.Output = Format.table,
    overwrite: options.Overwrite = False,
) -> None:
    """Train K copies of one network at once, each from its own seed; docs/own_networks.md.

    \b
    Examples:
        python -m simulate train-copies --data digits --copies 6 --out copies
        python -m simulate train-copies --data digits --copies 6 --labels shuffled --out shuffled
    """
    training = Training(copies, epochs, batch, optimizer, rate, momentum, weight_decay, labels, loss, seed)
    files.check_target(out / "training.json", overwrite)
    if threads < 1:
        raise InvalidInput(f"threads = {threads} must be an integer >= 1")
    chosen = load(
        data, patterns=patterns, test_patterns=test_patterns, seed=data_seed, data_dir=data_dir,
        classes=None if classes is None else parse_classes(classes),
    )  # fmt: skip
    size = integers("shape", shape)
    inputs, tests = (folded(x, size) for x in (chosen.inputs, chosen.test_inputs))
    chosen = replace(chosen, inputs=inputs, test_inputs=tests)
    made = Model(model, arguments(model_arg or []))
    with torch_threads(threads), ProgressBar() as progress:
        found = train(made, chosen, training, progress, device)
    paths = found.save(out, overwrite)
    if format is Format.json:
        print_json({
            "checkpoints": [str(p) for p in paths], "accuracy": found.accuracy,
            "test_accuracy": found.test_accuracy, "loss": found.history[-1] if len(found.history) else None,
        })  # fmt: skip
    else:
        tested = f", of the test {found.test_accuracy.mean():.3f}" if len(chosen.test_labels) else ""
        typer.echo(
            f"{copies} copies of {made.described()}: {found.accuracy.mean():.3f} of {len(chosen.labels)}"
            f" training patterns right{tested}"
        )
        typer.echo(f"wrote {paths[0]} to {paths[-1].name} and training.json")
