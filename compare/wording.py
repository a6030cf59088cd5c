"""The verdict in words."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from compare.finite_size import Limit
from compare.hotelling import Test
from compare.measured import PERCEPTRON, Measured
from compare.predicted import Prediction
from compare.resampling import FEWEST

TOO_FEW = "too few samples"
BLUNT = 5.0
"""Errors: a judge that lets pass what is farther off says so."""
NO_SPREAD = "no spread over samples, no test"


def enough(freedom: float) -> bool:
    """Whether errors of so many degrees of freedom let anything be said: at least 3 samples."""
    return freedom >= FEWEST - 1 - 1e-9


def of_layer(names: Sequence[str], agree: Sequence[bool], predicted: ArrayLike, error: float) -> str:
    """Of predictions that do or do not ``agree`` with a layer, known to ``error``; see :func:`sides`."""
    values = np.asarray(predicted, dtype=float)[np.asarray(agree)]
    words = sides(names, agree)
    if len(values) < 2:
        return words
    differ = float(np.ptp(values))
    apart = f"they differ by {differ:.2g}, error {error:.2g}" if differ else "they are equal here"
    return f"{words} (cannot tell: {apart})"


def sides(names: Sequence[str], agree: Sequence[bool]) -> str:
    """E.g. ``agrees with gaussian, not with site``; ``agrees with both``; ``agrees with neither``."""
    yes = [name for name, good in zip(names, agree, strict=True) if good]
    no = [name for name, good in zip(names, agree, strict=True) if not good]
    if len(names) == 1:
        return f"agrees with {names[0]}" if yes else f"does not agree with {names[0]}"
    if not yes:
        return "agrees with neither" if len(no) == 2 else "agrees with none"
    if not no:
        return "agrees with both" if len(yes) == 2 else "agrees with all"
    return f"agrees with {_listed(yes, 'and')}, not with {_listed(no, 'or')}"


def _listed(words: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def curve(symbol: str, order: int) -> str:
    """E.g. ``straight line in 1/N``."""
    return f"{('straight line', 'parabola')[order - 1]} in 1/{symbol}"


def blunt(tests: Sequence[Test], level: float) -> tuple[str, ...]:
    """How far off a layer has to be to be refuted, where that is far; ``tests``: one for each layer."""
    known = [test.freedom for test in tests if test.freedom > 0]
    if not known or not enough(min(known)):
        return ()
    reach = float(stats.t.isf(level / len(known) / 2, min(known)))
    if reach < BLUNT:
        return ()
    return (f"few samples: a layer is refuted only if it is {reach:.2g} errors off; to agree says little",)


def notes(
    predicted: Iterable[Prediction],
    measured: Measured,
    limit: Limit,
    bent: Sequence[str],
    warnings: Iterable[str],
) -> tuple[str, ...]:
    """What a reader must know before believing a verdict; ``bent`` are layers whose curve does not fit."""
    found = []
    symbol, sizes = measured.symbol, measured.sizes
    perceptron = measured.system == PERCEPTRON
    if not perceptron:
        found.append(
            f"the runs are of the {measured.system}, the predictions of the {PERCEPTRON}: different models;"
            " only their depth was held against each other, and disagreement does not refute the theory"
        )
    if limit.order == 0:
        found.append(
            f"one size: compared at {symbol} = {sizes[0]}, not extrapolated; the predictions are of"
            f" 1/{symbol} -> 0"
        )
    elif len(sizes) == limit.order + 1:
        found.append(f"{len(sizes)} sizes: the fit in 1/{symbol} goes through all of them and is not tested")
    if bent:
        found.append(
            f"no {curve(symbol, limit.order)}: {', '.join(bent)}; their limits are not to be trusted, nor the"
            " sum over layers: more or larger sizes, or a quadratic fit"
        )
    if len(set(measured.times)) > 1:
        each = zip(sizes, measured.times, strict=True)
        times = ", ".join(f"{symbol} = {size}: t_w = {t_w}, t = {t}" for size, (t_w, t) in each)
        found.append(f"sizes were measured at different times: {times}")
    for prediction in predicted:
        if prediction.rsb:
            found.append(f"{prediction.name}: overlaps within a state, the innermost level")
        elif prediction.replicon is not None and prediction.replicon < 0:
            found.append(
                f"{prediction.name}: replica symmetry is unstable (replicon {prediction.replicon:.2g})"
            )
        if prediction.closure == "site" and perceptron and symbol == "N":
            found.append(
                f"{prediction.name}: exact for N >> c >> 1; in fully connected networks loops correct it"
            )
    return (*found, *(f"run: {warning}" for warning in dict.fromkeys(warnings) if warning))
