"""The judge: whether measured overlaps obey predicted profiles, layer by layer and all together.

What is tested, by which law, and what that cannot tell: docs/verdict.md.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compare import wording
from compare.finite_size import Limit, limit
from compare.hotelling import Array, Test, holm
from compare.measured import Layer, gather, layers
from compare.predicted import Prediction, predictions
from deepglass import checks

LEVEL = 0.01
"""Chance of a false alarm, of each prediction."""


@dataclass(frozen=True)
class Entry:
    """One layer against one prediction.

    Attributes:
        layer, kind: which; ``q`` of neurons or ``Q`` of weights.
        measured, error: mean over samples, or its limit of large sizes, with the standard error.
        predicted: the profile's overlap.
        chi2: ((measured - predicted)/error)^2.
        p: two-sided, by Student's t with the ``freedom`` of the error; missing without spread.
        p_holm: p adjusted for the number of layers.
        prediction: the profile's name in the verdict; ``closure``, ``rsb``, ``branch`` are its attributes.
        verdict: in words, over all predictions; the same in all entries of a layer.
    """

    layer: int
    kind: str
    measured: float
    error: float
    predicted: float
    chi2: float
    p: float
    p_holm: float
    freedom: float
    prediction: str
    closure: str
    rsb: int
    branch: str
    verdict: str


@dataclass(frozen=True)
class Overall:
    """All layers against one prediction.

    Attributes:
        method: ``hotelling``: chi2 is Hotelling's T^2 of all layers; ``holm``, where there are too few
            samples for that: chi2 is that of the layer of least p, and p Bonferroni's for all.
        chi2, p, freedom: of that test and its errors.
        layers: how many were tested.
        rejected: the layers that disagree, by Holm's correction.
        verdict: ``agrees``, ``does not agree`` (all together, or a layer) or ``too few samples``.
    """

    prediction: str
    closure: str
    rsb: int
    branch: str
    method: str
    chi2: float
    p: float
    freedom: float
    layers: int
    rejected: tuple[str, ...]
    verdict: str


@dataclass(frozen=True)
class Trend:
    """How a layer goes with size: the slope b of a + b/N (+ c/N^2), and the test of that curve."""

    layer: int
    kind: str
    slope: float
    slope_error: float
    chi2: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class Verdict:
    """What the judge says.

    Attributes:
        layers: every layer against every prediction, layer by layer.
        overall: one for each prediction; ``verdict``: their sum in words.
        at: where they are compared: ``N = 100``, or ``1/N -> 0``.
        sizes, samples, times: of the runs, by size; times are (t_w, steps since t_w).
        trends: of the layers with size; empty for one size.
        level: of significance.
        notes: what the reader must know before believing it.
    """

    layers: tuple[Entry, ...]
    overall: tuple[Overall, ...]
    verdict: str
    at: str
    sizes: tuple[int, ...]
    samples: tuple[int, ...]
    times: tuple[tuple[int, int], ...]
    trends: tuple[Trend, ...]
    level: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return asdict(self)


def verdict(
    profiles: Sequence[xr.Dataset],
    runs: Sequence[xr.Dataset],
    *,
    level: float = LEVEL,
    quadratic: bool = False,
    t_w: int | None = None,
    variables: tuple[str, str] = ("q", "Q"),
) -> Verdict:
    """Judge runs of one ensemble, of one size or several, by predicted profiles.

    Several sizes are extrapolated, a + b/N (``quadratic``: + c/N^2), see :mod:`compare.finite_size`. The
    measurement is the last one after ``t_w`` (the longest) of ``variables``, overlaps of neurons and weights.
    A layer disagrees with a prediction where p < ``level``, Holm's correction over layers included.

    Raises InvalidInput for what cannot be judged: :func:`compare.predicted.predictions`,
    :func:`compare.measured.gather`; a quadratic fit of fewer than 3 sizes; a level out of (0, 0.5].

    Small networks, a moment after their start, do not obey the theory of wide ones in equilibrium:

    >>> from simulate import PerceptronProtocol, run
    >>> from theory import solve_profile
    >>> profile = solve_profile("teacher-student", 2, 2.0, closure="site").to_dataset()
    >>> protocol = PerceptronProtocol(
    ...     depth=2, width=8, patterns=16, start="planted", steps=20, waiting_time=0
    ... )
    >>> verdict([profile], [run(protocol)]).verdict
    'does not agree with site'
    """
    level = checks.real("level", level, above=0.0, at_most=0.5)
    predicted = predictions(profiles, runs)
    measured = gather(runs, variables, t_w)
    found = limit(measured.sizes, measured.values, quadratic)
    judged = layers(measured.depth)
    trends = _trends(found, judged)
    tests = [[found.test(i, each.values) for i in range(len(judged))] for each in predicted]
    adjusted = np.array([holm([test.p for test in row]) for row in tests])

    entries: list[Entry] = []
    for i, layer in enumerate(judged):
        words = _words(predicted, adjusted[:, i] >= level, i, found, tests[0][i])
        if trends and trends[i].p_holm < level:
            words += f"; but no {wording.curve(measured.symbol, found.order)} (p = {trends[i].p:.2g})"
        entries += [
            _entry(each, row[i], float(p), layer, i, found, words)
            for each, row, p in zip(predicted, tests, adjusted[:, i], strict=True)
        ]
    overall = tuple(
        _overall(each, row, p, judged, found, level)
        for each, row, p in zip(predicted, tests, adjusted, strict=True)
    )
    bent = [str(layer) for layer, trend in zip(judged, trends, strict=False) if trend.p_holm < level]
    warnings = [str(run.attrs.get("warnings", "")) for run in runs]
    return Verdict(
        layers=tuple(entries),
        overall=overall,
        verdict=_sum(overall),
        at=f"1/{measured.symbol} -> 0" if found.order else f"{measured.symbol} = {measured.sizes[0]}",
        sizes=measured.sizes,
        samples=tuple(map(len, measured.values)),
        times=measured.times,
        trends=trends,
        level=level,
        notes=(*wording.blunt(tests[0], level), *wording.notes(predicted, measured, found, bent, warnings)),
    )


def _trends(found: Limit, judged: Sequence[Layer]) -> tuple[Trend, ...]:
    if not found.order:
        return ()
    adjusted = holm([test.p for test in found.fit])
    return tuple(
        Trend(
            layer.layer,
            layer.kind,
            float(found.slope[i]),
            float(found.slope_error[i]),
            found.fit[i].chi2,
            found.fit[i].p,
            float(adjusted[i]),
        )
        for i, layer in enumerate(judged)
    )


def _words(
    predicted: Sequence[Prediction], agree: NDArray[np.bool_], i: int, found: Limit, test: Test
) -> str:
    if not found.spread[i]:
        return wording.NO_SPREAD
    if not wording.enough(test.freedom):
        return wording.TOO_FEW
    values = [each.values[i] for each in predicted]
    return wording.of_layer([each.name for each in predicted], agree.tolist(), values, float(found.error[i]))


def _entry(
    each: Prediction, test: Test, p_holm: float, layer: Layer, i: int, found: Limit, words: str
) -> Entry:
    return Entry(
        layer=layer.layer,
        kind=layer.kind,
        measured=float(found.value[i]),
        error=float(found.error[i]),
        predicted=float(each.values[i]),
        chi2=test.chi2,
        p=test.p,
        p_holm=p_holm,
        freedom=test.freedom,
        prediction=each.name,
        closure=each.closure,
        rsb=each.rsb,
        branch=each.branch,
        verdict=words,
    )


def _overall(
    each: Prediction, tests: Sequence[Test], adjusted: Array, judged: Sequence[Layer], found: Limit,
    level: float,
) -> Overall:  # fmt: skip
    """Hotelling's test where the samples allow it, else Holm's.

    A layer that disagrees by itself is not forgiven where all together agree: the joint test is blind to one
    layer among many when the samples are hardly more than the layers.
    """
    tested = np.flatnonzero(found.spread).tolist()
    joint, method = found.test(tested, each.values), "hotelling"
    if np.isnan(joint.p):
        worst = min((tests[i] for i in tested), key=lambda test: test.p, default=Test())
        joint = Test(worst.chi2, float(min(adjusted[tested], default=np.nan)), worst.freedom)
        method = "holm"
    rejected = tuple(str(layer) for layer, p in zip(judged, adjusted, strict=True) if p < level)
    agrees = "does not agree" if joint.p < level or rejected else "agrees"
    known = len(tested) > 0 and wording.enough(joint.freedom)
    return Overall(
        prediction=each.name,
        closure=each.closure,
        rsb=each.rsb,
        branch=each.branch,
        method=method,
        chi2=joint.chi2,
        p=joint.p,
        freedom=joint.freedom,
        layers=len(tested),
        rejected=rejected,
        verdict=agrees if known else wording.TOO_FEW,
    )


def _sum(overall: Sequence[Overall]) -> str:
    if any(each.verdict == wording.TOO_FEW for each in overall):
        return wording.TOO_FEW
    agree = [each.verdict == "agrees" for each in overall]
    words = wording.sides([each.prediction for each in overall], agree)
    return f"{words} (cannot tell)" if len(overall) > 1 and all(agree) else words
