"""``python -m compare layers``: your own networks, layer by layer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from numpy.typing import NDArray
from typer.core import TyperCommand

from compare.layers import matching, page
from compare.layers.capture import SAMPLES
from compare.layers.copies import read
from compare.layers.measure import Measured, measure, measure_copies
from compare.layers.phases import LEVEL
from deepglass import arrays
from deepglass.checks import integers
from deepglass.cli import Format, Output, Overwrite, choice, print_json, table
from deepglass.errors import InvalidInput
from deepglass.phases import THRESHOLD
from simulate.copies import load
from simulate.copies.data import folded
from simulate.copies.models import Model, arguments
from simulate.data import parse_classes
from simulate.options import DataDir

PROBES = 512
SOURCES = ("digits", "mnist", "cifar10")

LISTS = ("--weights", "--shuffled", "--layer", "--model-arg")


class Several(TyperCommand):
    """``--weights A B C`` is ``--weights A --weights B --weights C``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the base class."""
        given: list[str] = []
        current = ""
        for word in args:
            if word.startswith("--"):
                current = word if word in LISTS else ""
                if not current:
                    given.append(word)
            else:
                given += [current, word] if current else [word]
        return super().parse_args(ctx, given)


def layers(
    out: Annotated[Path, typer.Option(metavar="REPORT", help="Writes REPORT.html and REPORT.nc.")],
    model: Annotated[str | None, typer.Option(metavar="MODULE:FACTORY", help="Makes the network.")] = None,
    model_arg: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Handed to it; may be repeated.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="A.pt B.pt ...", help="Checkpoints of trained copies, or their folder."),
    ] = None,
    probe: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="digits, mnist, cifar10, X.npy, or X.npz (training, test)."),
    ] = None,
    shuffled: Annotated[
        list[str] | None, typer.Option(metavar="A.pt ...", help="Copies trained on shuffled labels.")
    ] = None,
    untrained: Annotated[int | None, typer.Option(help="Untrained copies; as many as trained.")] = None,
    activations: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="Stored answers and weights, not a model.")
    ] = None,
    untrained_activations: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="The same of untrained copies.")
    ] = None,
    shuffled_activations: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="The same of shuffled labels.")
    ] = None,
    layer: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only these modules.")] = None,
    align: Annotated[str, choice(matching.BY, "What units are matched by.")] = "activations",
    signs: Annotated[
        str, choice(("auto", "all", "none"), "Whether units may change sign; auto: if odd.")
    ] = "auto",
    margin: Annotated[float, typer.Option(help="Of the excess over a null.")] = THRESHOLD,
    level: Annotated[float, typer.Option(help="Chance of a wrong interval, a layer.")] = LEVEL,
    probes: Annotated[int, typer.Option(help="Training probes, and test probes, at most.")] = PROBES,
    probe_shape: Annotated[
        str, typer.Option(metavar="1,28,28", help="Shape of one probe as the network takes it.")
    ] = "",
    patterns: Annotated[
        int, typer.Option(help="Training patterns of digits, ...: as trained on; 0: all.")
    ] = 0,
    classes: Annotated[str | None, typer.Option(help="Classes of digits, ...: as trained on.")] = None,
    data_dir: DataDir = None,
    data_seed: Annotated[int, typer.Option(help="Of the split of digits, ...: as trained on.")] = 0,
    samples: Annotated[int, typer.Option(help="Answers of a unit kept at most.")] = SAMPLES,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    format: Output = Format.table,
    overwrite: Overwrite = False,
) -> None:
    """Which layers of your own trained networks are solid, which are liquid.

    K trained copies of one PyTorch network answer the same probes; how far their layers agree is set beside
    what untrained copies, copies of shuffled labels, and alignment alone give. docs/own_networks.md

    \b
    Copies to try it with, half a minute:
        python -m simulate train-copies --data digits --copies 6 --out copies
        python -m compare layers --model simulate.copies.networks:mlp --weights copies --probe digits \\
            --out report
    """
    page.targets(out, overwrite)
    if activations is not None:
        for name, value in (("model", model), ("weights", weights), ("probe", probe)):
            if value:
                raise InvalidInput(f"--activations are stored answers: they go without --{name}")
        found = measure_copies(
            read(activations).with_signs(signs),
            untrained=_read(untrained_activations, signs), shuffled=_read(shuffled_activations, signs),
            align=align, margin=margin, level=level, seed=seed,
        )  # fmt: skip
    else:
        for name, value in (("model", model), ("weights", weights), ("probe", probe)):
            if not value:
                raise InvalidInput(f"--{name} is missing (or --activations, for stored answers)")
        assert model is not None
        assert probe is not None
        training, test = read_probes(
            probe, probes, patterns=patterns, seed=data_seed, data_dir=data_dir,
            classes=None if classes is None else parse_classes(classes),
        )  # fmt: skip
        shape = integers("probe_shape", probe_shape)
        found = measure(
            Model(model, arguments(model_arg or [])), expand(weights), folded(training, shape),
            None if test is None else folded(test, shape),
            shuffled=expand(shuffled) if shuffled else None, untrained=untrained, layers=layer, align=align,
            signs=signs, margin=margin, level=level, samples=samples, seed=seed,
        )  # fmt: skip
        found = Measured(found.dataset.assign_attrs(probe=probe))
    written = page.write(found, out, overwrite)
    if format is Format.json:
        print_json(as_dict(found))
    else:
        typer.echo(describe(found))
        typer.echo(f"wrote {written[0]} and {written[1]}")


def _read(path: Path | None, signs: str) -> Any:
    return None if path is None else read(path).with_signs(signs)


def expand(paths: Sequence[str] | None) -> list[Path]:
    """Checkpoints, those of a folder in its place."""
    found: list[Path] = []
    for word in paths or ():
        path = Path(word)
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix in (".pt", ".pth"))
            if not inside:
                raise InvalidInput(f"folder {path} holds no .pt or .pth file")
            found += inside
        else:
            found.append(path)
    return found


def read_probes(data: str, count: int, **how: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Training and test probes: of a known source as :func:`simulate.copies.load` gives, or from a file.

    An .npy file is training probes; an .npz file has arrays ``training`` (or ``probe``, ``images``) and
    ``test``. Raises InvalidInput for what cannot be read.
    """
    if data in SOURCES:
        found = load(data, **how)
        return found.inputs[:count], found.test_inputs[:count]
    if data.endswith(".npy"):
        return arrays.read_array(data)[:count], None
    if data.endswith(".npz"):
        archive = arrays.read_archive(data)
        for name in ("training", "probe", "images"):
            if name in archive:
                return archive[name][:count], archive["test"][:count] if "test" in archive else None
        listed = ", ".join(archive) or "nothing"
        raise InvalidInput(f"{data} has none of the arrays training, probe, images; it has {listed}")
    raise InvalidInput(f"probe = {data!r} must be one of {', '.join(SOURCES)}, X.npy, X.npz")


def as_dict(found: Measured) -> dict[str, Any]:
    """Layers, overlaps and phases, for JSON."""
    after = found.dataset.sel(set="trained", probes="training", aligned="after")
    values: dict[str, Any] = {"layer": found.layers}
    for name in ("q", "Q", "cka"):
        judged = found.dataset.sel(null="all")
        values |= {name: after[name].values, f"{name}_error": after[f"{name}_error"].values}
        values[f"{name}_excess"] = judged[f"{name}_excess"].values
        values[f"{name}_phase"] = found.phases(name)
    return values | {
        "dimension": after["dimension_mean"].values,
        "tree": found.trees,
        "caveats": found.caveats,
    }


def describe(found: Measured) -> str:
    """The phases for a reader."""
    v = as_dict(found)
    columns = [("layer", v["layer"])]
    for name in ("q", "Q", "cka"):
        columns += [
            (name, v[name]), ("+-", v[f"{name}_error"]), ("over null", v[f"{name}_excess"]),
            ("is", v[f"{name}_phase"]),
        ]  # fmt: skip
    lines = [table([*columns, ("dimension", v["dimension"])])]
    a = found.dataset.attrs
    nulls = ", ".join(str(n) for n in found.dataset["null"].values if n != "all")
    lines.append(
        f"{a['copies']} copies, aligned by {a['align']}; beside all of {nulls}; margin {a['margin']:.3g}"
    )
    lines.append(f"copy against copy: {page.trees_said(found)}")
    return "\n".join([*lines, *(f"note: {line}" for line in found.caveats)])
