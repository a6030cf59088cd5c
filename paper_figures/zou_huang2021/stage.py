"""What figures of the effective Ising model need beside trained networks: models inferred from their weights.

Of our ensembles, and of the authors' arrays where they are; kept by :mod:`.inferred`, and made again only if
what they are made from has changed.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from paper_figures.stored.results import Results
from paper_figures.zou_huang2021 import reference_arrays as arrays
from paper_figures.zou_huang2021.inferred import complete
from paper_figures.zou_huang2021.part_of_network import Part, ensembles
from paper_figures.zou_huang2021.plans import (
    CONTROL,
    DEEP,
    FEWER,
    ISO,
    OWN_DEEP,
    OWN_SHALLOW,
    SHALLOW,
    SMOKE,
    WHOLE,
    Plan,
)
from paper_figures.zou_huang2021.weights import configurations

Wanted = list[tuple[Part, Plan]]


def prepare(
    module: ModuleType, results: Results, reference_dir: Path | None, tell: Callable[[str], None]
) -> None:
    """Infer what is missing for a figure whose module names, as INFERRED, the ensemble of ours that it is of.

    Raises InvalidInput for a folder without the authors' arrays.
    """
    label = getattr(module, "INFERRED", None)
    if label is None:
        return
    wanted = own(results, label)
    place = arrays.folder(reference_dir)
    if place is None:
        tell(arrays.absent())
    else:
        theirs = authors_plans(place, results.size)
        wanted += [(e, plan) for e, plan in theirs if label != "shallow" or len(e.sizes) == 2]
    complete(wanted, results.data, results.size, tell)


def own(results: Results, label: str) -> Wanted:
    """Parts of an ensemble of ours that are inferred; none where it is not stored."""
    found = configurations(results, label)
    if found is None:
        return []
    sizes = tuple(int(n) for n in found.attrs["sizes"].split(","))
    parts = ensembles(label, sizes, found["weights"].values)
    if results.size == "smoke":
        if len(sizes) == 2:
            return [(part, SMOKE) for part in parts if part.part == "full"]
        quick = replace(SMOKE, chains=False, judged=False, iso=())
        return [(part, quick) for part in parts if part.part == "output"]
    if len(sizes) == 2:
        return [(part, OWN_SHALLOW if part.part == "full" else FEWER) for part in parts]
    return [(part, OWN_DEEP) for part in parts if part.part != "full"]


def shallow_plans(parts: Iterable[Part]) -> list[tuple[Part, Plan]]:
    """All spins with two references of each energy, those that move with one."""
    return [(part, SHALLOW if part.part == "full" else FEWER) for part in parts]


def authors_plans(place: Path, size: str) -> list[tuple[Part, Plan]]:
    """What is inferred of the authors' arrays."""
    if size == "smoke":
        return [(e, SMOKE) for e in arrays.shallow(place)]
    wanted = shallow_plans(arrays.shallow(place))
    wanted.append((arrays.control(place), CONTROL))
    for label in arrays.CASES:
        for part in arrays.deep(place, label):
            if part.part != "full":
                wanted.append((part, DEEP))
            elif part.models:  # pseudo-likelihood models only
                iso = ISO if label == "authors.up" else ()
                wanted.append((part, replace(WHOLE, iso=iso)))
    return wanted
