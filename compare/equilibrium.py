"""Whether runs are in equilibrium: overlaps that come from two sides must meet.

Two signs, tested alike: starts from both sides (as the teacher, and at random) end at the same overlaps; and
with a teacher two students are as far from each other as from the teacher (Nishimori), in a single run.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from compare.hotelling import holm, t_squared
from compare.measured import gather, layers
from compare.resampling import FEWEST
from deepglass import checks
from deepglass.errors import InvalidInput


@dataclass(frozen=True)
class Meeting:
    """One layer from both sides.

    Attributes:
        layer, kind: which; ``q`` of neurons or ``Q`` of weights.
        first, second: means over samples.
        error: standard error of their difference.
        p, p_holm: of a larger difference by chance, two-sided; adjusted for the number of layers.
        verdict: ``meet``, ``do not meet`` or ``too few samples``.
    """

    layer: int
    kind: str
    first: float
    second: float
    error: float
    p: float
    p_holm: float
    verdict: str


@dataclass(frozen=True)
class Equilibrium:
    """All layers; ``paired``: whether both sides are of the same samples, whose differences are tested."""

    layers: tuple[Meeting, ...]
    paired: bool
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def equilibrium(
    run: xr.Dataset,
    other: xr.Dataset | None = None,
    *,
    t_w: int | None = None,
    variables: tuple[str, str] = ("q", "Q"),
    level: float = 0.01,
) -> Equilibrium:
    """Compare the last overlaps of two runs of one ensemble, or of one run with those with its teacher.

    ``variables``: of neurons and weights, in both runs; in a single one they are held against those of the
    same names with ``_teacher``. Samples of the same number and seed have the same wiring, ends and teacher:
    their differences are tested by Student's t; samples of different ones by Welch's. A layer does not meet
    where p < ``level``, Holm's correction over layers included.

    *Meet* means not told apart. Raises InvalidInput as :func:`compare.measured.gather`, for runs of different
    sizes, and for a run without a teacher where there is no other.

    Students who have just left their teacher are still too near it:

    >>> from simulate import PerceptronProtocol, run
    >>> students = PerceptronProtocol(
    ...     depth=2, width=8, patterns=16, start="planted", steps=20, waiting_time=0
    ... )
    >>> equilibrium(run(students)).verdict
    'q_1 do not meet'
    """
    checks.real("level", level, above=0, at_most=0.5)
    taught = (f"{variables[0]}_teacher", f"{variables[1]}_teacher")
    if other is None and not all(name in run and bool(run[name].notnull().any()) for name in taught):
        raise InvalidInput(f"a run without a teacher ({', '.join(taught)}) needs another: name a second run")
    second_run = run if other is None else other
    if other is not None:  # of one ensemble?
        gather([run, other.assign_coords(sample=other["sample"] + 2**40)], variables, t_w)
    first = gather([run], variables, t_w)
    second = gather([second_run], taught if other is None else variables, t_w)
    if (first.symbol, first.sizes) != (second.symbol, second.sizes):
        raise InvalidInput(
            f"runs of different sizes: {first.symbol} = {first.sizes[0]} and {second.sizes[0]}"
        )
    paired = _names(run) == _names(second_run)
    a, b = first.values[0], second.values[0]
    found = [_layer(a[:, k], b[:, k], paired) for k in range(a.shape[1])]
    adjusted = holm([p for *_, p in found])
    few = min(len(a), len(b)) < FEWEST
    meetings = tuple(
        Meeting(
            layer.layer, layer.kind, float(a[:, k].mean()), float(b[:, k].mean()), error, p,
            float(adjusted[k]), _words(few, adjusted[k], level),
        )
        for k, (layer, (error, p)) in enumerate(zip(layers(first.depth), found, strict=True))
    )  # fmt: skip
    apart = [f"{m.kind}_{m.layer}" for m in meetings if m.verdict == "do not meet"]
    words = f"{', '.join(apart)} do not meet" if apart else "too few samples" if few else "all layers meet"
    return Equilibrium(meetings, paired, words)


def _layer(a: np.ndarray, b: np.ndarray, paired: bool) -> tuple[float, float]:
    """Standard error of the difference and p; where nothing varies, 1 if they are equal and else 0."""
    if paired:
        difference, variances, freedoms = (a - b).mean(), [(a - b).var(ddof=1) / len(a)], [len(a) - 1]
    else:
        difference = a.mean() - b.mean()
        variances = [x.var(ddof=1) / len(x) for x in (a, b)]
        freedoms = [len(x) - 1 for x in (a, b)]
    error = float(np.sqrt(np.sum(variances)))
    if error == 0:
        return error, float(difference == 0)
    shares = np.array(variances)[:, None, None]
    moving = shares[:, 0, 0] > 0
    return error, t_squared([difference], shares[moving], np.array(freedoms)[moving]).p


def _names(run: xr.Dataset) -> tuple[int, Sequence[int]]:
    """What says whose disorder it is."""
    return int(run.attrs["seed"]), run["sample"].values.tolist()


def _words(few: bool, p: float, level: float) -> str:
    if few:
        return "too few samples"
    return "do not meet" if p < level else "meet"
