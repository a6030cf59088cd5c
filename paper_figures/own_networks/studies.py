"""What is trained for these figures, and what is kept: matrices of aligned overlaps, some kB a network.

A cell is one network on one set of data: copies with the right labels, as many with labels shuffled, as many
untrained. Cells that are stored are not trained again.
"""

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from compare.layers import measure
from deepglass import schema
from deepglass.checks import one_of
from deepglass.errors import InvalidInput
from paper_figures.stored import reduced
from simulate.copies import Model, Training, load, train
from simulate.module.protocol import FORCES, ModuleProtocol
from simulate.run import run as simulate_run

DATA = Path(__file__).parents[1] / "data" / "own_networks"
SIZES = ("smoke", "laptop")
BATCH, PROBES, SHUFFLED = 32, 400, 1000
RATES = {"adam": 1e-3, "sgd": 1e-2}
KEPT = ("q_matrix", "Q_matrix", "cka_matrix", "dimension")
SOURCES = {"digits": "digits", "mnist": "MNIST"}
NETWORKS = "simulate.copies.networks"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Cell:
    """One network and its data.

    Attributes:
        line: what it is drawn with; not of the cell itself, which several studies may share.
        network, arguments: of :mod:`simulate.copies.networks`; perceptrons have depth, width, activation.
        data, patterns: M training patterns of a source.
        optimizer, steps: of the training.
        copies: K of each kind.
    """

    line: str
    network: str = "mlp"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    data: str = "digits"
    patterns: int = 480
    optimizer: str = "adam"
    steps: int = 1500
    copies: int = 6

    @property
    def label(self) -> str:
        """Name of its file."""
        sizes = [f"{k}={v}" for k, v in self.arguments.items()]
        return ".".join([self.data, self.network, *sizes, self.optimizer, f"M={self.patterns}"])

    @property
    def alpha(self) -> float:
        """M/N, of perceptrons."""
        return self.patterns / int(self.arguments.get("width", 1))


def perceptron(line: str, depth: int, width: int, activation: str = "tanh", **how: Any) -> Cell:
    """A cell of a multilayer perceptron."""
    return Cell(line, arguments={"depth": depth, "width": width, "activation": activation}, **how)


def studies(size: str) -> dict[str, list[Cell]]:
    """All cells of a size, by study; raises InvalidInput for another size."""
    one_of("size", size, SIZES)
    if size == "smoke":
        few: dict[str, Any] = {"steps": 40, "copies": 3, "patterns": 60}
        return {
            "depth": [perceptron("digits", depth, 8, **few) for depth in (3, 4)],
            "width": [perceptron("digits", 3, width, **few) for width in (8, 12)],
            "data": [perceptron("digits, tanh, Adam", 3, 8, **{**few, "patterns": m}) for m in (40, 60, 100)],
            "architectures": [
                Cell("convolutions", "ConvNet", {"channels": 4}, **few),
                Cell("transformer", "Transformer", {"width": 8, "heads": 2, "depth": 1}, **few),
            ],
        }
    amounts = (30, 60, 120, 240, 480, 1200)
    mnist: dict[str, Any] = {"data": "mnist", "steps": 2500}
    one: dict[str, dict[str, Any]] = {"digits": {}, "MNIST": {**mnist, "patterns": 1000}}
    return {
        "depth": [
            perceptron(line, depth, 32, **how) for line, how in one.items() for depth in (4, 6, 8, 10, 12)
        ],
        "width": [
            perceptron(line, 10, width, **how) for line, how in one.items() for width in (16, 32, 64, 128)
        ],
        "data": [
            *(perceptron("digits, tanh, Adam", 10, 32, patterns=m) for m in amounts),
            *(perceptron("digits, tanh, SGD", 10, 32, patterns=m, optimizer="sgd") for m in amounts),
            *(perceptron("digits, ReLU, Adam", 10, 32, "relu", patterns=m) for m in amounts),
            *(
                perceptron("MNIST, tanh, Adam", 10, 32, patterns=m, **mnist)
                for m in (100, 250, 1000, 2000, 4000)
            ),
        ],
        "architectures": [
            Cell("convolutions", "ConvNet", {"channels": 16}, patterns=1200, steps=800),
            Cell("transformer", "Transformer", {"width": 32, "heads": 4}, patterns=1200, steps=800),
        ],
    }  # fmt: skip


def run(cell: Cell) -> xr.Dataset:
    """Train all copies of a cell, measure, and keep what the figures need."""
    data = load(cell.data, patterns=cell.patterns)
    given = dict(cell.arguments)
    if cell.network == "mlp":
        given["inputs"] = data.inputs.shape[1]
    model = Model(f"{NETWORKS}:{cell.network}", given)
    size = min(BATCH, cell.patterns)
    epochs = math.ceil(cell.steps / (cell.patterns // size))
    how: dict[str, Any] = {
        "copies": cell.copies, "epochs": epochs, "batch": size, "optimizer": cell.optimizer,
        "rate": RATES[cell.optimizer],
    }  # fmt: skip
    trained = train(model, data, Training(**how))
    mixed = train(model, data, Training(**how, labels="shuffled", seed=SHUFFLED))
    found = measure(
        model, trained.states, data.inputs[:PROBES], data.test_inputs, shuffled=mixed.states,
        untrained=cell.copies,
    ).dataset  # fmt: skip
    kept = found[list(KEPT)].sel(aligned="after").astype("float32")
    accuracy = {"accuracy": trained.accuracy, "test_accuracy": trained.test_accuracy}
    accuracy["accuracy_shuffled"] = mixed.accuracy
    attributes = {
        k: v for k, v in found.attrs.items() if k in ("copies", "depth", "align", "margin", "model")
    }
    told = _told(cell)
    return xr.Dataset(
        {
            **kept.data_vars, **{k: ("copy", v.astype("float32")) for k, v in accuracy.items()},
            "units": found["units"], "kind": found["kind"],
        },
        attrs={
            **attributes, **told, "epochs": epochs, "data_source": data.source, "data_sha256": data.sha256,
            "torch_version": str(torch.__version__),
        },
    )  # fmt: skip


def results(
    size: str, study: str, data: Path = DATA, *, work: bool = False, progress: Progress | None = None
) -> list[tuple[Cell, xr.Dataset]]:
    """The stored cells of a study; with ``work`` those that are missing are trained and stored first.

    Raises InvalidInput for a stored cell of other parameters than the study has now.
    """
    found = []
    cells = studies(size)[one_of("study", study, studies(size))]
    for number, cell in enumerate(cells):
        path = data / size / "cells" / f"{cell.label}.nc"
        if work and not path.exists():
            schema.write(run(cell), path, "layers")
        if path.exists():
            found.append((cell, _checked(cell, schema.read(path, "layers"), path)))
        if progress is not None:
            progress(number + 1, len(cells))
    return found


def _told(cell: Cell) -> dict[str, Any]:
    """What a file says of its cell; the arguments stand in its name, and the line is the study's."""
    return {k: v for k, v in asdict(cell).items() if k not in ("arguments", "line")}


def _checked(cell: Cell, found: xr.Dataset, path: Path) -> xr.Dataset:
    for name, value in _told(cell).items():
        if str(found.attrs.get(name)) != str(value):
            raise InvalidInput(f"{path} is of {name} = {found.attrs.get(name)}, not {value}; delete it")
    return found


def gather(
    names: tuple[str, ...], size: str, data: Path, work: bool, progress: Progress | None
) -> dict[str, list[tuple[Cell, xr.Dataset]]]:
    """Stored cells of several studies, trained where they are missing if ``work``."""
    return {name: results(size, name, data, work=work, progress=progress) for name in names}


@dataclass(frozen=True)
class Around:
    """Replicas around trained perceptrons (tanh, on digits) at a temperature, and their free walk.

    Attributes:
        depth, width, patterns, epochs: of the training.
        samples, replicas, steps, eta: of the dynamics.
        temperatures: T, a run each, and one without data.
    """

    depth: int = 10
    width: int = 32
    patterns: int = 240
    epochs: int = 150
    samples: int = 4
    replicas: int = 3
    steps: int = 5000
    eta: float = 0.05
    temperatures: tuple[float, ...] = (1e-5, 1e-4)


AROUND = {
    "laptop": Around(),
    "smoke": Around(3, 8, 60, 10, 2, 2, 30, 0.05, (1e-4,)),
}


def around(
    size: str, data: Path, work: bool, progress: Progress | None = None
) -> dict[tuple[float, str], xr.Dataset]:
    """Stored runs by (T, forces); with ``work`` those that are missing are made first."""
    study = AROUND[one_of("size", size, SIZES)]
    names = [(t, forces) for t in study.temperatures for forces in FORCES]
    paths = {name: data / size / "replicas" / f"T={name[0]:g}.{name[1]}.nc" for name in names}
    missing = [name for name in names if not paths[name].exists()]
    if work and missing:
        for name, run_ in _around(study, missing, progress):
            reduced.write(run_, paths[name])
    return {name: reduced.read(path) for name, path in paths.items() if path.exists()}


def _around(
    study: Around, names: list[tuple[float, str]], progress: Progress | None
) -> Iterator[tuple[tuple[float, str], xr.Dataset]]:
    words = {"depth": study.depth, "width": study.width}
    model, patterns = Model(f"{NETWORKS}:mlp", words), load("digits", patterns=study.patterns)
    training = Training(study.samples, study.epochs, min(BATCH, study.patterns))
    with tempfile.TemporaryDirectory() as folder:
        weights = train(model, patterns, training).save(folder)
        for temperature, forces in names:
            protocol = ModuleProtocol.of(
                model_args=tuple(f"{k}={v}" for k, v in words.items()), weights=tuple(map(str, weights)),
                patterns=study.patterns, samples=study.samples, replicas=study.replicas, steps=study.steps,
                eta=study.eta, temperature=temperature, forces=forces, keep_state=False,
            )  # fmt: skip
            kept = reduced.reduce(simulate_run(protocol, progress))
            identity = json.loads(kept.attrs["identity"])
            identity["weights"] = [path.name for path in weights]  # not where they lay
            yield (temperature, forces), kept.assign_attrs(identity=json.dumps(identity, sort_keys=True))
