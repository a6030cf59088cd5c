"""The authors' arrays, where they lie: moments, models and configurations of arXiv:2007.08093.

They are not ours to copy and never enter the repository; what is inferred from them is stored under labels
that begin with ``authors.``, so that figures are drawn without them. They are looked for in a folder that is
named, in that of the variable DEEPGLASS_REFERENCE, and in ``../shared/reference/zou_huang_2021`` beside the
checkout.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compare.ising_models import independent_configurations
from deepglass.arrays import read_archive
from deepglass.errors import InvalidInput
from paper_figures.zou_huang2021.part_of_network import LEVELS, TRUTH, Part, ensembles, moving
from simulate.data.zou_huang import VARIABLE
from simulate.ising_chains import IsingChains
from theory.inverse_ising import IsingModel, Moments, parts

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "zou_huang_2021"
DEEP, SHALLOW = (20, 15, 15, 10), (20, 10)

CASES: Mapping[str, tuple[str, str | None, str | None]] = {
    "authors.up": ("under_para", "pseudo_up", "up"),
    "authors.op": ("over_para", "pseudo_op", "op"),
    "authors.fashion": ("fashion", None, None),
}
"""Of the deep cases: files of moments with Bethe models, of pseudo-likelihood models, name of references."""

SHORT = {"input": "LB", "interior": "ITER", "output": "RB", "full": "FULL"}
"""The authors' names of the parts."""


def folder(given: Path | None = None) -> Path | None:
    """Where the arrays are; None where they are not. A folder that is named must hold them (InvalidInput)."""
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    place = BESIDE if named is None else named
    if (place / "shallow.npz").is_file():
        return place
    if named is not None:
        raise InvalidInput(f"{named} holds no shallow.npz: name the folder of the authors' arrays")
    return None


def absent() -> str:
    """What to say where they are not."""
    return (
        f"the authors' arrays are not here ({BESIDE}); name their folder by --reference-dir or {VARIABLE}."
        " Figures are drawn from what is stored"
    )


def _model(data: Mapping[str, NDArray[np.float64]], part: str) -> IsingModel | None:
    name = f"J_{SHORT[part]}"
    return IsingModel(data[name], data[f"h_{SHORT[part]}"].ravel()) if name in data else None


def _references(place: Path, case: str, count: int) -> dict[str, NDArray[np.int8]]:
    """The first configurations of each energy, (count, N)."""
    rows = read_archive(place / "reference_weights.npz")
    return {level: rows[f"{level}_{case}"][:count, 2:].astype(np.int8) for level in LEVELS}


def shallow(place: Path, references: int = 2) -> list[Part]:
    """The shallow network: all of its spins, and those that move."""
    data = read_archive(place / "shallow.npz")
    moments = Moments(data["mi_data"].ravel(), data["Ca_data"])
    model = _model(data, "full")
    whole = Part(
        "authors.shallow", "full", SHALLOW, moments, references=_references(place, "sl", references),
        models={} if model is None else {"authors": model},
    )  # fmt: skip
    return [whole, moving(whole)]


def control(place: Path, count: int = 5000, chains: int = 500) -> Part:
    """Configurations of the authors' shallow model, of its branch along the data: data with a transition.

    Fitted like others: what the verdict is worth where it should be "real". The model they are of is judged
    with the fits, under the name of TRUTH; what begins there (``exact.truth``) has no say in the verdict.
    """
    whole = shallow(place)[0]
    model = whole.models["authors"]
    start = independent_configurations(whole.moments, chains, seed=7)
    walkers = IsingChains(model.N, chains, seed=7, burn=300, every=30, keep=-(-count // chains), start=start)
    drawn = walkers.draw(model.J, model.h).reshape(-1, model.N)[:count]
    return replace(ensembles("authors.control", SHALLOW, drawn)[0], models={TRUTH: model})


def deep(place: Path, label: str, references: int = 1) -> list[Part]:
    """The parts of a deep case with their Bethe models, and the whole with its pseudo-likelihood model.

    Where no configurations came with them (Fashion), the references are draws of independent spins.
    """
    source, pseudo, case = CASES[label]
    data = read_archive(place / f"{source}.npz")
    others = {} if pseudo is None else read_archive(place / f"{pseudo}.npz")
    every = Moments(data["mi_data"].ravel(), data["Ca_data"])
    if case is None:
        drawn = independent_configurations(every, references * len(LEVELS), seed=1)
        known = dict(zip(LEVELS, np.split(drawn, len(LEVELS)), strict=True))
    else:
        known = _references(place, case, references)
    found = []
    for part, where in parts(DEEP).items():
        # The whole has no Bethe model: its file is not among the published ones.
        models = (
            {"authors": _model(data, part)} if part != "full" else {"authors.pseudo": _model(others, part)}
        )
        found.append(
            Part(
                label, part, DEEP, every.part(where),
                references={level: rows[:, where] for level, rows in known.items()},
                models={name: model for name, model in models.items() if model is not None},
            )
        )  # fmt: skip
    return found
