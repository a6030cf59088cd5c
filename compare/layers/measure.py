"""Copies of one network, measured layer by layer beside their nulls: what is solid, what is liquid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import nn

from compare.layers import nulls, overlaps
from compare.layers.capture import SAMPLES, Weights, capture, networks
from compare.layers.copies import Copies
from compare.layers.matrices import NEURONS, WEIGHTS, matrices
from compare.layers.overlaps import Mean
from compare.layers.phases import LEVEL, Beyond, beyond, missing, over_all
from compare.resampling import FEWEST
from compare.trees import tree_chance
from deepglass import checks
from deepglass.errors import InvalidInput
from deepglass.phases import THRESHOLD
from simulate.copies.models import Model

FRESH = 1_000_000
"""Seed of the first untrained copy: far from those of trained ones."""

JUDGED = ("q", "Q", "cka")
TREE, FLAT = "tree", "flat"
"""What overlaps between copies are: some are nearer to each other than their own overlaps say, or not."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured; see docs/own_networks.md.

    Attributes:
        dataset: matrices, means, errors, excesses over nulls, phases, by set, probes, alignment and layer.
    """

    dataset: xr.Dataset

    @property
    def layers(self) -> list[str]:
        """Names."""
        return [str(x) for x in self.dataset["layer"].values]

    def phases(self, variable: str = "q", null: str = "all") -> list[str]:
        """Solid, liquid, undecided or missing, of neurons (q), weights (Q) or representations (cka), against
        a null or all."""
        checks.one_of("variable", variable, JUDGED)
        return [str(x) for x in self.dataset[f"{variable}_phase"].sel(null=null).values]

    @property
    def trees(self) -> list[str]:
        """Of each layer, whether the trained copies form a tree or overlap flatly; missing for too few."""
        return [str(x) for x in self.dataset["tree"].values]

    @property
    def caveats(self) -> list[str]:
        """In words."""
        return [line for line in str(self.dataset.attrs["caveats"]).split("\n") if line]


def measure(
    model: Model | str | Callable[..., nn.Module] | None, weights: Weights, probes: NDArray[Any],
    test_probes: NDArray[Any] | None = None, *, shuffled: Weights | None = None, untrained: int | None = None,
    layers: Sequence[str] | None = None, align: str = "activations", signs: str = "auto",
    margin: float = THRESHOLD, level: float = LEVEL, samples: int = SAMPLES, seed: int = 0,
) -> Measured:  # fmt: skip
    """Which layers of K trained copies of a network are solid, which are liquid.

    Args:
        model: what makes the network: ``MODULE:FACTORY``, a function or class; None if ``weights`` are
            modules, which then have no untrained copies beside them.
        weights: of the trained copies: paths of checkpoints, states, or modules.
        probes, test_probes: (M, ...) as the network takes them: those it was trained on, and others.
        shuffled: copies trained on shuffled labels.
        untrained: how many untrained copies; None: as many as trained ones, 3 at least.
        layers: names of modules; None: all Linear, Conv1d, Conv2d and projections of attention.
        align: how units are matched, by "activations" or by "weights".
        signs: whether units may change sign: "auto", "all", "none".
        margin, level: of the phases, see :mod:`compare.layers.phases`.
        samples, seed: answers kept of a unit at most; of these and of the nulls.

    Raises InvalidInput for what does not fit together.
    """
    if len(weights) < 2:
        raise InvalidInput(f"{len(weights)} trained copies: overlaps want 2 at least, their errors 3")
    how: dict[str, Any] = {"names": layers, "signs": signs, "samples": samples, "seed": seed}
    trained = capture(networks(model, weights), probes, test_probes, **how)
    fresh: Copies | None = None
    if model is not None:
        made = Model.of(model)
        count = max(len(weights), 3) if untrained is None else checks.integer("untrained", untrained, 0)
        if count == 1:
            raise InvalidInput("untrained = 1 has no pairs: 2 or more, or 0 for none")
        modules = [made.build(FRESH + seed + k) for k in range(count)]
        fresh = capture(modules, probes, test_probes, **how) if count else None
    shuffled_ones: Copies | None = None
    if shuffled is not None and len(shuffled):
        if len(shuffled) < 2:
            raise InvalidInput("one copy trained on shuffled labels has no pairs: 2 or more")
        shuffled_ones = capture(networks(model, shuffled), probes, test_probes, **how)
    found = measure_copies(
        trained, untrained=fresh, shuffled=shuffled_ones, align=align, margin=margin, level=level, seed=seed
    )
    named = "" if model is None else Model.of(model).described()
    return Measured(found.dataset.assign_attrs(model=named, samples=samples))


def measure_copies(
    trained: Copies, *, untrained: Copies | None = None, shuffled: Copies | None = None,
    align: str = "activations", margin: float = THRESHOLD, level: float = LEVEL, seed: int = 0,
) -> Measured:  # fmt: skip
    """As :func:`measure`, of copies that are arrays (:mod:`compare.layers.copies`)."""
    if trained.count < 2:
        raise InvalidInput(f"{trained.count} trained copies: overlaps want 2 at least, their errors 3")
    checks.real("margin", margin, at_least=0, at_most=1)
    checks.real("level", level, above=0, at_most=0.5)
    sets = {nulls.TRAINED: trained}
    for name, copies in (("untrained", untrained), ("shuffled", shuffled)):
        if copies is not None:
            trained.check_alike(copies, name)
            sets[name] = copies
    sets["alignment"] = nulls.out_of_order(trained, seed)
    sets["rotated"] = nulls.rotated(trained, seed)
    each = {name: matrices(copies, align) for name, copies in sets.items()}
    means = {name: _means(found) for name, found in each.items()}
    whole = xr.concat(
        [found.assign(_as_variables(found, means[name])) for name, found in each.items()],
        xr.DataArray(list(each), dims="set", name="set"), join="outer",
    )  # fmt: skip
    judged = _judged(means, margin, level) | _trees(each[nulls.TRAINED], level, seed)
    sizes = {
        "units": ("layer", [x.units for x in trained.layers]),
        "fan_in": ("layer", [_fan_in(x.weights) for x in trained.layers]),
        "kind": ("layer", [x.kind for x in trained.layers]),
        "signed": ("layer", [int(x.signed) for x in trained.layers]),
        "exchangeable": ("layer", [int(not x.fixed) for x in trained.layers]),
        "samples_kept": ("layer", [x.neurons["training"].shape[1] for x in trained.layers]),
    }
    attributes = {
        "copies": trained.count, "depth": len(trained.layers), "align": align, "margin": margin,
        "level": level, "seed": seed, "signs": trained.about.get("signs", "kept"),
        "layers_missed": trained.about.get("missed", ""), "source": trained.about.get("source", ""),
    }  # fmt: skip
    dataset = whole.assign(judged).assign(sizes).assign_attrs(attributes)
    return Measured(dataset.assign_attrs(caveats="\n".join(_caveats(dataset, trained))))


def _means(found: xr.Dataset) -> dict[str, Mean]:
    """Of all matrices and of the effective dimension, over pairs or copies."""
    names = (*NEURONS, *WEIGHTS, "cka")
    means = {name: overlaps.mean_of_pairs(found[f"{name}_matrix"].values) for name in names}
    return means | {"dimension": overlaps.mean_of_copies(found["dimension"].values)}


def _as_variables(found: xr.Dataset, means: Mapping[str, Mean]) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for name, mean in means.items():
        matrix = found["dimension" if name == "dimension" else f"{name}_matrix"]
        dims = [d for d in matrix.dims if d not in ("copy", "copy_b")]
        variables["dimension_mean" if name == "dimension" else name] = (dims, mean.value)
        variables[f"{name}_error"] = (dims, mean.error)
    return variables


def _judged(means: Mapping[str, Mapping[str, Mean]], margin: float, level: float) -> dict[str, Any]:
    """Excess over each null and over all, with interval and phase, of what is JUDGED, after alignment and on
    training probes. CKA is not judged against ``rotated``, of which it is the same."""
    names = [name for name in means if name != nulls.TRAINED]
    variables: dict[str, Any] = {"null": [*names, "all"]}
    where = {"q": (0, 1), "Q": (1,), "cka": (0,)}
    for variable in JUDGED:

        def aligned(name: str, variable: str = variable) -> Mean:
            mean, at = means[name][variable], where[variable]
            return Mean(mean.value[at], mean.error[at], mean.copies)

        found = {name: beyond(aligned(nulls.TRAINED), aligned(name), margin, level) for name in names}
        if variable == "cka":
            found["rotated"] = missing(found["rotated"])
        whole, least = over_all({n: b for n, b in found.items() if (variable, n) != ("cka", "rotated")})
        rows: list[Beyond] = [*found.values(), whole]
        for part in ("excess", "error", "low", "high", "phase"):
            name = f"{variable}_excess" if part == "excess" else f"{variable}_{part}"
            name = f"{variable}_excess_error" if part == "error" else name
            variables[name] = (("null", "layer"), np.stack([getattr(row, part) for row in rows]))
        variables[f"{variable}_null"] = ("layer", least)
    return variables


def _trees(trained: xr.Dataset, level: float, seed: int) -> dict[str, Any]:
    """Whether the trained copies form a tree, by their aligned q on training probes: at ``level`` for all
    layers together."""
    matrices = trained["q_matrix"].sel(probes="training", aligned="after").values
    chance = np.array([tree_chance(x, seed=seed) for x in matrices])
    said = np.where(chance * len(matrices) <= level, TREE, FLAT)
    return {
        "tree_chance": ("layer", chance), "tree": ("layer", np.where(np.isnan(chance), "missing", said)),
    }  # fmt: skip


def _fan_in(weights: NDArray[Any] | None) -> int:
    return 0 if weights is None else int(np.prod(weights.shape[2:]))


def _caveats(dataset: xr.Dataset, trained: Copies) -> list[str]:
    """What the numbers cannot tell, as far as it shows in them."""
    found = []
    sets = [str(x) for x in dataset["set"].values]
    if trained.count < FEWEST:
        found.append(
            f"{trained.count} copies have no error bars, so that every layer is undecided: 3 or more."
        )
    elif trained.count < 5:
        found.append(f"{trained.count} copies: error bars are rough, and layers easily undecided.")
    if "untrained" not in sets:
        found.append("No untrained copies: what the architecture alone shares is not taken off.")
    if "shuffled" not in sets:
        found.append(
            "No copies trained on shuffled labels: what the inputs alone pin down counts as solid, too."
        )
    if not any(x.signed for x in trained.layers):
        found.append("Signs of units are kept (no odd activation was found, or the user said so).")
    q = dataset["q_matrix"].sel(set="trained", probes="training", aligned="before").values
    off = q[:, ~np.eye(trained.count, dtype=bool)]
    if off.size and (off > 1 - 1e-12).all():
        found.append("The copies are identical: nothing is measured. Were they trained from other seeds?")
    for layer in trained.layers:
        rows = layer.neurons["training"].shape[1]
        if rows < 2 * layer.units:
            found.append(
                f"{layer.name}: {rows} probes for {layer.units} units: alignment and CKA overfit; look at the"
                " test probes and the nulls."
            )
    names = [x.name for x in trained.layers if x.weights is not None and x.fed_by is None]
    if names:
        found.append(
            "Units that feed these layers are not those of another layer (pooling, attention, skip"
            f" connections), and were matched on their own: {', '.join(names)}. The network then has fewer"
            " symmetries than were used; the nulls have the same freedom."
        )
    high = dataset["q"].sel(probes="training", aligned="after").drop_sel(set="trained").max("set")
    crowded = [str(x) for x in dataset["layer"].values[(high > 0.8).values]]
    if crowded:
        found.append(
            f"A null is above 0.8 in {', '.join(crowded)}: few effective dimensions, in which any units"
            " overlap. Look at the effective dimension and at CKA."
        )
    if missed := trained.about.get("missed"):
        found.append(f"Not reached by the probes, not measured: {missed}.")
    return found
