"""Liquid or not: how correlated the weights of each part of a network are, over independent trainings.

From an ensemble of binary weight vectors (Zou & Huang, Phys. Rev. Research 3, 033290 (2021)). A part is
liquid where weights are as good as independent of each other over the ensemble: its multi-information per
weight (:mod:`compare.weight_space`) is below a threshold, the whole interval of two standard errors. It is
measured

* ``raw``, averaged over all permutations of hidden units, which leave the law of trained networks unchanged;
* in ``canonical`` order, which breaks that symmetry: averaging over it *makes* part of what looks liquid;

and beside it the same of weights that have no correlations, of as many random boundary weights, and of
control ensembles. Marginally random is not irrelevant: docs/effective_ising.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compare import liquid_words, partitions
from compare.pair_models import PairModel, pair_model
from compare.weight_ensemble import Array, Ensemble
from compare.weight_space import (
    Information,
    Jackknife,
    averaged_information,
    ordered_information,
)
from deepglass import checks
from deepglass.errors import InvalidInput
from theory.inverse_ising import Moments, parts, permutation_average, sample_moments

THRESHOLD = 0.01
"""Nats per weight below which a part is liquid.

A free weight holds ln 2 = 0.69 nats, so correlations take less than 1.5 % of what it could hold. It stands in
the gap of the authors' moments, interiors at 0.001 to 0.002 and boundaries at 0.07 to 0.12, a factor of 5 off
either.
"""

PARTS = ("input", "interior", "output", "full")
RANDOM = "random"
"""The name of a part of random boundary weights, as many as the interior has."""

DATA, UNTRAINED, INDEPENDENT = "data", "untrained", "independent"
ERRORS = 2.0
"""Standard errors to each side of a value that a verdict must hold for."""


@dataclass(frozen=True)
class Entry:
    """Multi-information per weight, in nats, of one part of one ensemble.

    Attributes:
        part: ``input``, ``interior``, ``output``, ``full``, or ``random``: boundary weights drawn at random.
        order: ``raw`` (averaged over hidden-unit permutations) or ``canonical``.
        source: ``data``; the nulls ``untrained`` (fair weights, one configuration a network) and
            ``independent`` (every weight of the data shuffled over networks by itself: same means, same
            draws); or the name of a control.
        weights: N of the part.
        value, error: bias removed; standard error over networks. Of nulls and random parts the mean over
            repetitions, ``spread`` their standard deviation (missing for one).
        bias: what was removed.
        frozen: weights that flip in fewer than 5 networks, taken as without correlations.
        verdict: ``liquid``, ``not liquid`` or ``undecided``.
        reason: why the value is missing, else empty.
    """

    part: str
    order: str
    source: str
    weights: int
    value: float
    error: float
    spread: float
    bias: float
    frozen: int
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class Contrast:
    """Interior over boundaries (both, per weight), in one order of one source, with errors over networks.

    The ratio is missing where boundaries cannot be told from 0.
    """

    order: str
    source: str
    interior: float
    boundaries: float
    boundaries_error: float
    ratio: float
    ratio_error: float


@dataclass(frozen=True)
class Share:
    """How much of the contrast averaging over permutations makes: ``1 - ln(ratio canonical)/ln(ratio raw)``.

    ``at_least``: the raw ratio is 0 within two errors; ``value`` is a lower bound, from the far ends of both
    intervals. Missing (NaN) where there is no contrast to share or nothing canonical.
    """

    value: float = float("nan")
    error: float = float("nan")
    at_least: bool = False


@dataclass(frozen=True)
class Liquid:
    """What is said of an ensemble.

    Attributes:
        sizes, networks, configurations: of the data.
        threshold: nats per weight.
        entries: parts, data and controls; ``contrasts``: their interiors against their boundaries.
        share: of the data's contrast that comes from averaging.
        models: pairwise models of the data's parts; empty if not wanted.
        verdict: in plain words; ``notes``: what to know before believing it.
    """

    sizes: tuple[int, ...]
    networks: int
    configurations: int
    threshold: float
    entries: tuple[Entry, ...]
    contrasts: tuple[Contrast, ...]
    share: Share
    models: tuple[PairModel, ...]
    verdict: str
    notes: tuple[str, ...]

    def entry(self, part: str, order: str = "raw", source: str = DATA) -> Entry:
        """One entry; InvalidInput if there is none."""
        for each in self.entries:
            if (each.part, each.order, each.source) == (part, order, source):
                return each
        raise InvalidInput(f"no {part} of {source} in {order} order among the entries")

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def verdict_of(value: float, error: float, threshold: float = THRESHOLD) -> str:
    """``liquid`` if value + 2 error < threshold, ``not liquid`` if value - 2 error > it; else undecided."""
    if value + ERRORS * error < threshold:
        return "liquid"
    return "not liquid" if value - ERRORS * error > threshold else "undecided"


def liquid(
    weights: ArrayLike | Ensemble,
    sizes: Sequence[int] | None = None,
    samples: ArrayLike | None = None,
    canonical: ArrayLike | None = None,
    controls: Mapping[str, ArrayLike | Ensemble] | None = None,
    *,
    threshold: float = THRESHOLD,
    repetitions: int = 4,
    fits: bool = True,
    seed: int = 0,
) -> Liquid:
    """Say of every part of a network whether its weights are liquid.

    weights: (S, N) of +-1, with ``sizes``, ``samples`` (S,) and ``canonical`` (S, N) as of :class:`Ensemble`,
    or one. controls: ensembles of the same sizes to set beside it (shuffled labels; untrained networks in
    canonical order), arrays or Ensembles. repetitions: of each null and of random parts. fits: whether to fit
    pairwise models.

    Raises InvalidInput for arrays that do not fit, a threshold that is not > 0, controls of other sizes or
    with the name of a null. What networks are too few for is missing, with the reason.

    >>> coins = np.random.default_rng(0).choice([-1, 1], size=(400, 20))
    >>> liquid(coins, sizes=(3, 4, 2), fits=False).verdict
    'The network is liquid in the raw ensemble ...'
    """
    level = checks.real("threshold", threshold, above=0.0)
    count = checks.integer("repetitions", repetitions, 1)
    rng = np.random.default_rng(checks.integer("seed", seed, 0))
    if isinstance(weights, Ensemble):
        data = weights
    elif sizes is None:
        raise InvalidInput("sizes are missing: layer sizes such as (20, 15, 15, 10)")
    else:
        data = Ensemble(weights, sizes, samples, canonical)
    others = _controls(controls or {}, data.sizes)
    orders = ["raw"] if data.canonical is None else ["raw", "canonical"]
    chosen = partitions.draw(data.sizes, count, rng)
    nulls = {
        UNTRAINED: [_untrained(data, rng) for _ in range(count)],
        INDEPENDENT: [_shuffled(data, rng) for _ in range(count)],
    }

    entries, contrasts, ratios = [], [], {}
    for order in orders:
        for source, members in ({DATA: [data]} | nulls | {k: [v] for k, v in others.items()}).items():
            if members[0].of(order) is None:
                continue
            found = {part: _measure(members, part, order) for part in PARTS if part in parts(data.sizes)}
            if source == DATA and chosen:
                found[RANDOM] = _random(data, order, chosen)
            entries += [_entry(part, order, source, data.sizes, each, level) for part, each in found.items()]
            if "interior" in found and source not in nulls:
                contrast, ratio = _contrast(order, source, found, data.sizes)
                contrasts.append(contrast)
                ratios[source, order] = ratio
    share = _share(ratios.get((DATA, "raw")), ratios.get((DATA, "canonical")))
    models = _models(data, orders, nulls[INDEPENDENT][:2]) if fits else ()
    known = {(each.part, each.order, each.source): each for each in entries}
    of_data = {key[:2]: each for key, each in known.items() if key[2] == DATA}
    interiors = [known[key] for name in others if (key := ("interior", "canonical", name)) in known]
    of_contrast = [contrast for contrast in contrasts if contrast.source == DATA]
    sentence = liquid_words.sentence(of_data, interiors, of_contrast, share)
    return Liquid(
        data.sizes, data.networks, len(data.weights), level, tuple(entries), tuple(contrasts), share, models,
        sentence, liquid_words.notes(known, data, level),
    )  # fmt: skip


def _controls(given: Mapping[str, ArrayLike | Ensemble], sizes: tuple[int, ...]) -> dict[str, Ensemble]:
    found = {}
    for name, control in given.items():
        if name in (DATA, UNTRAINED, INDEPENDENT) or not name:
            raise InvalidInput(
                f"control name {name!r} must be another than {DATA}, {UNTRAINED}, {INDEPENDENT}"
            )
        found[name] = control if isinstance(control, Ensemble) else Ensemble(control, sizes)
        if found[name].sizes != sizes:
            raise InvalidInput(
                f"control {name} has sizes {found[name].sizes}, must be {sizes} as the weights"
            )
    return found


def _untrained(data: Ensemble, rng: np.random.Generator) -> Ensemble:
    """Fair independent weights, one configuration for all draws of a network: the most noise there can be."""
    fair = rng.choice([-1.0, 1.0], size=(data.networks, data.weights.shape[1]))[data.samples]
    return Ensemble(fair, data.sizes, data.samples, None if data.canonical is None else fair)


def _shuffled(data: Ensemble, rng: np.random.Generator) -> Ensemble:
    """Every weight given to other networks, by itself, its draws together: same means, no correlations."""
    each = np.bincount(data.samples)
    starts = np.cumsum(each) - each
    draw = np.arange(len(data.samples)) - starts[data.samples]

    def shuffle(weights: Array) -> Array:
        out = np.empty_like(weights)
        for i in range(weights.shape[1]):
            of = rng.permutation(data.networks)[data.samples]
            # Where networks differ in draws, draws of a network with few come again.
            out[:, i] = weights[starts[of] + draw % each[of], i]
        return out

    ordered = None if data.canonical is None else shuffle(data.canonical)
    return Ensemble(shuffle(data.weights), data.sizes, data.samples, ordered)


Found = list[Information] | str
"""Of every repetition; or why there is none."""


def _measure(members: Sequence[Ensemble], part: str, order: str) -> Found:
    def one(member: Ensemble) -> Information:
        if order == "raw":
            return averaged_information(member, part)
        assert member.canonical is not None
        return ordered_information(member.canonical[:, parts(member.sizes)[part]], member.samples)

    try:
        return list(map(one, members))
    except InvalidInput as why:
        return str(why)


def _random(data: Ensemble, order: str, chosen: Sequence[NDArray[np.int64]]) -> Found:
    try:
        if order == "raw":
            return [Information(each.whole, 0.0, each, 0) for each in partitions.averaged(data, chosen)]
        assert data.canonical is not None
        return [ordered_information(data.canonical[:, where], data.samples) for where in chosen]
    except InvalidInput as why:
        return str(why)


def _entry(
    part: str, order: str, source: str, sizes: tuple[int, ...], found: Found, threshold: float
) -> Entry:
    where = parts(sizes)
    N = partitions.size(sizes) if part == RANDOM else where[part].stop - where[part].start
    if isinstance(found, str):
        nan = float("nan")
        return Entry(part, order, source, N, nan, nan, nan, nan, 0, "undecided", found)
    values = [each.value for each in found]
    value, error = float(np.mean(values)), float(np.sqrt(np.mean([each.error**2 for each in found])))
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    bias = float(np.mean([each.plain - each.value for each in found]))
    frozen = max(each.frozen for each in found)
    # Random parts differ by what was drawn, and every one has its error.
    whole = float(np.hypot(error, spread)) if part == RANDOM and len(values) > 1 else error
    return Entry(
        part, order, source, N, value, error, spread, bias, frozen, verdict_of(value, whole, threshold)
    )


def _contrast(
    order: str, source: str, found: Mapping[str, Found], sizes: tuple[int, ...]
) -> tuple[Contrast, Jackknife | None]:
    interior, first, last = (
        None if isinstance(each, str) else each[0].statistic
        for each in (found[part] for part in ("interior", "input", "output"))
    )
    nan = float("nan")
    if interior is None or first is None or last is None:
        return Contrast(order, source, interior.value if interior else nan, nan, nan, nan, nan), None
    a, b = sizes[0] * sizes[1], sizes[-1] * sizes[-2]
    boundaries = Jackknife.of(lambda x, y: (a * x + b * y) / (a + b), first, last)
    if not boundaries.value - ERRORS * boundaries.error > 0:
        return Contrast(order, source, interior.value, boundaries.value, boundaries.error, nan, nan), None
    ratio = Jackknife.of(lambda x, y: x / y, interior, boundaries)
    return Contrast(
        order, source, interior.value, boundaries.value, boundaries.error, ratio.value, ratio.error
    ), ratio


def _share(raw: Jackknife | None, canonical: Jackknife | None) -> Share:
    """See :class:`Share`; both ratios are of the same networks, so their errors go together."""
    if raw is None or canonical is None:
        return Share()
    low, high = canonical.value - ERRORS * canonical.error, raw.value + ERRORS * raw.error
    if not (low > 0 and 0 < high < 1):
        return Share()
    positive = min(raw.whole, raw.without.min(), canonical.whole, canonical.without.min()) > 0
    if raw.value - ERRORS * raw.error <= 0 or not positive:
        return Share(float(1 - np.log(low) / np.log(high)), at_least=True)
    found = Jackknife.of(lambda r, c: 1 - np.log(c) / np.log(r), raw, canonical)
    return Share(found.value, found.error)


def _models(data: Ensemble, orders: Sequence[str], nulls: Sequence[Ensemble]) -> tuple[PairModel, ...]:
    found = []
    for order in orders:
        for part, where in ((p, parts(data.sizes)[p]) for p in PARTS if p in parts(data.sizes)):

            def moments(weights: Array, order: str = order, where: slice = where) -> Moments:
                if order == "canonical":
                    return sample_moments(weights[:, where])
                return permutation_average(sample_moments(weights), data.sizes).part(where)

            weights = data.of(order)
            shuffled = [each.of(order) for each in nulls]
            assert weights is not None
            found.append(
                pair_model(
                    part, order, weights, data.samples, moments, [w for w in shuffled if w is not None]
                )
            )
    return tuple(found)
