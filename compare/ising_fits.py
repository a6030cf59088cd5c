"""Named ways from data to an Ising model, each answered: a model, or why there is none.

* ``independent``: fields alone, the null of every other.
* ``bethe.zero``, ``bethe.independent``: the paper's learning, plain steps from J = h = 0 with its sizes, and
  from fields alone with smaller ones; ``bethe.scaled``: steps in units of the inverse curvature.
* ``nmf``, ``response``: closed forms. Data that are known badly, or spins that hardly flip, allow none or a
  useless one; correlations are then drawn towards 0 by a factor, and the one of highest likelihood is kept.
* ``pseudo``: pseudo-likelihood with Gaussian priors on J and h; the width is the best of a few on a fifth of
  the samples, left out for that. Needs samples.
* ``exact.zero``, ``exact.independent``, ``exact.pseudo``: Boltzmann learning from these starts;
  ``exact.broken``: from a given model, or that of ``bethe.zero``, which may have a transition;
  ``exact.truth``: from the model that the data were drawn from, where it is given. With ``.free`` after it:
  without the prior, which acts on couplings alone and so moves what both can do into the fields. The
  likelihood is concave, but nearly flat where fields and couplings along the means do the same: there the
  start decides. Chains begin as the data: a branch that the data do not visit must not count for more than
  it weighs.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.ising_models import EDGE, Sampling, independent_configurations, independent_fields, sides
from deepglass import checks
from deepglass.errors import InvalidInput, NotConverged
from simulate.ising_chains import IsingChains, annealed_log_z
from theory.inverse_ising import (
    Fit,
    IsingModel,
    Moments,
    fit_bethe,
    fit_bethe_response,
    fit_boltzmann,
    fit_nmf,
    fit_pseudo,
)
from theory.inverse_ising.pseudo_likelihood import objective, packed

Spins = NDArray[np.int8]

FITS = (
    "independent", "bethe.zero", "bethe.independent", "bethe.scaled", "nmf", "response", "pseudo",
    "exact.zero", "exact.independent", "exact.pseudo", "exact.broken", "exact.truth",
    "exact.independent.free", "exact.broken.free", "exact.truth.free",
)  # fmt: skip

STARTS = ("authors", "authors.clamped", "bethe.zero")
"""Models that may have a transition, for ``exact.broken`` to begin at."""
WEIGHED = 0.05
"""Share of the weights of annealing below which a likelihood is not known."""
QUICK = Sampling(chains=100, burn=200, keep=20)
"""By which it is seen whether they have two branches."""

PLAIN = {"zero": (0.01, 0.3), "independent": (0.002, 0.02)}
"""Sizes of plain steps in couplings and fields: the paper's, and those that stay stable from fields alone."""

KEPT = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Shares of the correlations that closed forms are given."""


@dataclass(frozen=True)
class Learning:
    """How long models learn.

    ``bethe_steps``; ``exact_steps`` of Boltzmann learning with ``chains`` that give ``keep`` configurations a
    step, two sweeps apart; the result is checked on 50 configurations of each chain, ``apart`` sweeps apart,
    longer than chains of these models remember. ``widths``: of the Gaussian priors on couplings that are
    tried, that on fields is ``field_width``.
    """

    bethe_steps: int = 400
    exact_steps: int = 1500
    chains: int = 400
    keep: int = 5
    widths: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)
    field_width: float = 3.0
    pseudo_iterations: int = 400
    apart: int = 60


@dataclass(frozen=True)
class Attempt:
    """What became of a fit. ``model`` None: ``reason`` says why. ``width``: of the prior, NaN if there is
    none."""

    model: IsingModel | None = field(repr=False)
    converged: bool
    reason: str
    seconds: float
    width: float = np.nan


def attempt(
    name: str,
    moments: Moments,
    samples: Spins | None,
    learning: Learning,
    *,
    before: Mapping[str, Attempt] | None = None,
    seed: int = 0,
) -> Attempt:
    """Fit by one of FITS. ``before``: attempts so far, and given models, that others start from.

    Boltzmann learning on samples takes the prior of ``pseudo``, or the only one there is. Raises InvalidInput
    for an unknown name only.
    """
    checks.one_of("fit", name, FITS)
    earlier = dict(before or {}).get("pseudo")
    begin = time.monotonic()
    width = np.nan
    try:
        if name == "independent":
            count = 10**9 if samples is None else len(samples)
            fields = independent_fields(np.clip(moments.m, -1 + 1e-9, 1 - 1e-9), count)
            model = IsingModel(np.zeros((moments.N, moments.N)), fields)
            return Attempt(model, True, "closed form", time.monotonic() - begin)
        if name in ("nmf", "response"):
            return _closed(name, moments, seed, begin)
        if name == "pseudo":
            if samples is None:
                raise InvalidInput("there are moments only, no samples")
            width = _best_width(samples, learning)
            fit = _pseudo(samples, width, learning)
        elif name.startswith("exact"):
            start: str | IsingModel = name.split(".")[1]
            if start in ("pseudo", "truth"):
                known = dict(before or {}).get(start)
                if known is None or known.model is None:
                    raise InvalidInput(f"there is no model '{start}' to start from")
                start = known.model
            elif start == "broken":
                start = _broken(dict(before or {}), moments, seed)
            only = learning.widths[0] if len(learning.widths) == 1 else np.nan
            width = only if earlier is None else earlier.width
            if name.endswith(".free"):
                width = np.nan
            pull = 0.0 if samples is None or np.isnan(width) else 1.0 / (len(samples) * width**2)
            fit = _exact(moments, start, pull, learning, seed)
        else:
            start = name.split(".")[1]
            options: dict[str, Any] = {"steps": learning.bethe_steps, "tolerance": 1e-4}
            if start == "scaled":
                start = "independent"
            else:
                options["plain"] = PLAIN[start]
            fit = fit_bethe(moments, start, **options)
    except NotConverged as error:
        last = error.last.model if isinstance(error.last, Fit) else None
        return Attempt(last, False, str(error), time.monotonic() - begin, width)
    except InvalidInput as error:
        return Attempt(None, False, str(error), time.monotonic() - begin)
    return Attempt(fit.model, True, fit.certificate.reason, time.monotonic() - begin, width)


def _broken(done: Mapping[str, Attempt], moments: Moments, seed: int) -> IsingModel:
    """The first of STARTS whose chains stay on either side."""
    for name in STARTS:
        if name in done and (model := done[name].model) is not None:
            begin = independent_configurations(moments, QUICK.chains, seed)
            if sides(model, moments, begin, QUICK, seed).two:
                return model
    raise InvalidInput("there is no model with two branches to start from")


def _exact(moments: Moments, start: str | IsingModel, pull: float, learning: Learning, seed: int) -> Fit:
    data = independent_configurations(moments, learning.chains, seed)
    chains = IsingChains(
        moments.N, learning.chains, seed=seed, burn=20, every=2, keep=learning.keep, start=data
    )
    check = IsingChains(
        moments.N, learning.chains, seed=seed + 1, burn=10 * learning.apart, every=learning.apart, keep=50,
        start=data,
    )  # fmt: skip
    return fit_boltzmann(moments, chains, start, steps=learning.exact_steps, l2=pull, check=check)


def _closed(name: str, moments: Moments, seed: int, begin: float) -> Attempt:
    """With the share of the correlations that gives the highest likelihood (annealed), less than all if
    needed."""
    best: tuple[float, IsingModel, float] | None = None
    base = np.arctanh(np.clip(moments.m, -EDGE, EDGE))
    why = ""
    for share in KEPT:
        C = np.outer(moments.m, moments.m) + share * moments.connected
        np.fill_diagonal(C, 1.0)
        try:
            solve = fit_nmf if name == "nmf" else fit_bethe_response
            model = solve(Moments(moments.m, np.clip(C, -1.0, 1.0))).model
        except InvalidInput as error:
            why = why or str(error)
            continue
        log_z = annealed_log_z(model.J, model.h, base, chains=200, sweeps=300, seed=seed)
        # A poor annealing takes ln Z for lower than it is: what the weights do not carry does not count.
        if log_z.effective < WEIGHED:
            why = why or "a model that annealing cannot weigh"
            continue
        height = -model.N * model.mean_energy(moments) - log_z.value
        if best is None or height > best[0]:
            best = (height, model, share)
    if best is None:
        return Attempt(None, False, why, time.monotonic() - begin)
    reason = f"closed form, of {best[2]:g} of the correlations"
    return Attempt(best[1], best[2] == 1.0, reason, time.monotonic() - begin)


def _pseudo(samples: Spins, width: float, learning: Learning) -> Fit:
    count = len(samples)
    return fit_pseudo(
        samples, l2=1.0 / (count * width**2), l2_h=1.0 / (count * learning.field_width**2), tolerance=1e-5,
        max_iterations=learning.pseudo_iterations,
    )  # fmt: skip


def _best_width(samples: Spins, learning: Learning) -> float:
    """Of the priors on couplings, by the pseudo-likelihood of a fifth of the samples."""
    if len(learning.widths) == 1:
        return learning.widths[0]
    cut = len(samples) - len(samples) // 5
    judged = samples[cut:].astype(np.float64)
    weights = np.full(len(judged), 1.0 / len(judged))
    costs = []
    for width in learning.widths:
        try:
            model = _pseudo(samples[:cut], width, learning).model
        except NotConverged as error:
            model = error.last.model
        costs.append(objective(packed(model), judged, weights, 0.0, 0.0)[0])
    return learning.widths[int(np.argmin(costs))]
