"""How well an Ising model describes data, by sampling it: what Bethe averages of a fitted model cannot tell.

A model is sampled from both sides: from configurations as the data have them and from their reversals. Its
ln Z is annealed (:func:`simulate.ising_chains.annealed_log_z`), which gives its likelihood, on the moments it
was fitted to and on configurations it has not seen; landscapes around a reference are swept by chains where
belief propagation has no fixed point. Likelihoods are of whole configurations, in nats.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from compare.resampling import standard_error
from deepglass import checks
from deepglass.errors import NotConverged
from simulate.ising_chains import IsingChains, LogZ, annealed_log_z, mixing, split_by_start
from theory.inverse_ising import IsingModel, Landscape, MomentError, Moments, moment_error, sample_moments
from theory.inverse_ising.bethe import solve_bethe

Values = NDArray[np.float64]
Spins = NDArray[np.int8]

EDGE = 0.999
"""Means are cut here where their fields are needed: independent starts and the base of annealing."""
APART = 5.0
"""Standard errors by which chains from both sides differ if there are two branches."""
SAME = 0.01
"""Bethe states whose overlaps differ by less are one."""


@dataclass(frozen=True)
class Sampling:
    """How long a model is sampled: ``chains``, ``burn`` and ``keep`` configurations ``every`` sweeps apart.

    ``anneal``: sweeps of annealing. ``settle`` and ``look``: sweeps at each tilt of a landscape before and
    while it is measured, with ``walkers`` chains.
    """

    chains: int = 400
    burn: int = 300
    keep: int = 50
    every: int = 20
    anneal: int = 1000
    walkers: int = 100
    settle: int = 20
    look: int = 20


def independent_configurations(moments: Moments, count: int, seed: int = 0) -> Spins:
    """Configurations (count, N) of independent spins with the means of ``moments``."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((count, moments.N)) < 0.5 * (1 + moments.m), 1, -1).astype(np.int8)


@dataclass(frozen=True, eq=False)
class Sides:
    """A model sampled from the side of the data and from the other; pairs are in this order.

    ``overlap`` with the signs of the data's means, ``overlap_error``; ``apart``: their difference in standard
    errors; ``errors`` of the moments; ``noise``: what a perfect model shows in as many samples if they are as
    correlated as the overlap is, whose autocorrelation ``time`` is in sweeps. ``last``, ``last_other``:
    configurations (chains/2, N) of the data's side, and of the other.
    """

    overlap: tuple[float, float]
    overlap_error: tuple[float, float]
    apart: float
    errors: tuple[MomentError, MomentError]
    noise: float
    time: float
    last: Spins = field(repr=False)
    last_other: Spins = field(repr=False)

    @property
    def two(self) -> bool:
        """Whether chains stay on the side they began: beyond APART errors, and on both sides of 0."""
        return self.apart > APART and self.overlap[0] * self.overlap[1] < 0


def sides(model: IsingModel, moments: Moments, start: Spins, sampling: Sampling, seed: int = 0) -> Sides:
    """Sample ``model`` from ``start`` (K, N) and from ``-start``, half of the chains each."""
    both = np.stack([start, -start], axis=1).reshape(-1, model.N)
    chains = IsingChains(
        model.N, 2 * max(sampling.chains // 2, 2), seed=seed, burn=sampling.burn, every=sampling.every,
        keep=sampling.keep, start=both,
    )  # fmt: skip
    chains.group = chains.group % 2
    drawn = chains.draw(model.J, model.h)
    series = drawn @ np.sign(moments.m) / model.N
    split = split_by_start(series, chains.group)
    own = drawn[:, chains.group == 0]
    mixed = mixing(series[:, chains.group == 0])
    variance = (1.0 - moments.m**2).mean()
    if model.N > 1:
        variance += (1.0 - moments.C**2).sum() / (model.N * (model.N - 1))
    errors = [
        moment_error(sample_moments(drawn[:, chains.group == g].reshape(-1, model.N)), moments)
        for g in (0, 1)
    ]
    return Sides(
        (float(split.mean[0]), float(split.mean[1])), (float(split.error[0]), float(split.error[1])),
        split.apart, (errors[0], errors[1]), float(np.sqrt(variance / mixed.effective)),
        sampling.every * mixed.time, own[-1], drawn[-1, chains.group == 1],
    )  # fmt: skip


@dataclass(frozen=True)
class Branches:
    """Bethe states at zero tilt, from messages along the data's means and against them.

    ``gap``: ln Z per spin of the first less that of the second, 0 where both are one state, NaN where
    messages do not settle. ``overlap``: of both with the signs of the data's means.
    """

    gap: float
    overlap: tuple[float, float]
    N: int

    @property
    def probability(self) -> float:
        """Of the state against the data, exp(-N gap)/(1 + exp(-N gap)); 0: there is none, NaN: not known."""
        if self.gap == 0.0 or np.isnan(self.gap):
            return self.gap
        return float(np.exp(-np.logaddexp(0.0, self.N * self.gap)))


def branches(model: IsingModel, m: Values, max_sweeps: int = 2000) -> Branches:
    """Both Bethe states of ``model``; m: means of the data (N,)."""
    fields = np.arctanh(np.clip(m, -EDGE, EDGE))
    found = []
    for way in (1.0, -1.0):
        messages = np.tile(way * fields[:, None], (1, model.N))
        try:
            found.append(solve_bethe(model, messages, tolerance=1e-7, max_sweeps=max_sweeps))
        except NotConverged:
            return Branches(np.nan, (np.nan, np.nan), model.N)
    along, against = (float(state.moments.m @ np.sign(m)) / model.N for state in found)
    # Messages that settle slowly, near a critical point, end a little apart in the same state.
    one = abs(along - against) < SAME
    return Branches(0.0 if one else found[0].log_z - found[1].log_z, (along, against), model.N)


@dataclass(frozen=True)
class Likelihood:
    """Mean ln P of configurations, in nats, less that of independent spins.

    ``fitted``: on the moments the model was fitted to. ``unseen``: on configurations left out, with the
    standard ``error`` of this difference over them and of ln Z; NaN where there are none. ``gains``: of each
    of them, (K,), so that models can be compared configuration by configuration.
    """

    fitted: float
    unseen: float
    error: float
    log_z: LogZ
    gains: Values = field(repr=False)


def independent_fields(m: Values, samples: int) -> Values:
    """Fields (N,) of the independent model of means ``m`` of so many samples, with one of each sign added."""
    return np.arctanh(m * samples / (samples + 2.0))


def likelihood(
    model: IsingModel,
    moments: Moments,
    equilibrium: Spins,
    unseen: Spins | None,
    sampling: Sampling,
    *,
    other_branch: float = -np.inf,
    samples: int | None = None,
    seed: int = 0,
) -> Likelihood:
    """Likelihood of a model, its ln Z annealed from independent spins and back from ``equilibrium`` (K, N).

    other_branch: ln Z of a state that annealing does not reach, added. samples: of the moments, for the
    independent model on what is unseen; None: as they are.
    """
    base = np.arctanh(np.clip(moments.m, -EDGE, EDGE))
    log_z = annealed_log_z(
        model.J, model.h, base, chains=sampling.chains, sweeps=sampling.anneal, seed=seed,
        equilibrium=equilibrium,
    )  # fmt: skip
    total = float(np.logaddexp(log_z.value, other_branch))
    half = 0.5 * (1.0 + moments.m)
    alone = float(np.sum(xlogy(half, half) + xlogy(1.0 - half, 1.0 - half)))
    fitted = -model.N * model.mean_energy(moments) - total - alone
    if unseen is None:
        return Likelihood(fitted, np.nan, np.nan, log_z, np.empty(0))
    fields = independent_fields(moments.m, 10**9 if samples is None else samples)
    ours = -model.energy(unseen) - total
    theirs = unseen @ fields - float(np.sum(np.logaddexp(fields, -fields)))
    gain = ours - theirs
    spread = standard_error(gain)
    return Likelihood(fitted, float(gain.mean()), float(np.hypot(spread, log_z.error)), log_z, gain)


def chain_landscape(
    model: IsingModel,
    reference: Spins,
    x: Values,
    direction: int,
    sampling: Sampling,
    *,
    log_z: float = np.nan,
    seed: int = 0,
) -> Landscape:
    """What :func:`theory.inverse_ising.entropy_landscape` gives, by chains that are carried along.

    They begin at the reference (falling) or at its reversal (rising). log_z: of the whole system without
    tilt; entropies follow from it by integration of the overlap over x, and need x = 0 on the grid. Residual:
    the largest standard error of d.
    """
    checks.one_of("direction", str(direction), ("1", "-1"))
    star = np.asarray(reference, dtype=np.int8)
    chains = IsingChains(model.N, sampling.walkers, seed=seed, start=-direction * star[None])
    q, energy, error = np.zeros(x.size), np.zeros(x.size), 0.0
    for index in range(x.size)[::direction]:
        h = model.h + x[index] * star
        chains.advance(model.J, h, sampling.settle)
        drawn = chains.advance(model.J, h, sampling.look, every=2)
        overlap = (drawn @ star.astype(np.float64)) / model.N
        q[index] = overlap.mean()
        error = max(error, float(overlap.mean(axis=0).std(ddof=1)) / (2 * np.sqrt(sampling.walkers)))
        energy[index] = float(model.energy(drawn.reshape(-1, model.N)).mean()) / model.N
    zero = int(np.argmin(np.abs(x)))
    area = np.concatenate([[0.0], np.cumsum(0.5 * (q[1:] + q[:-1]) * np.diff(x))])
    tilted = log_z / model.N + area - area[zero]
    entropy = tilted + energy - x * q
    sweeps = x.size * (sampling.settle + sampling.look)
    return Landscape(x, 0.5 * (1 - q), entropy, energy, tilted, np.ones(x.size), direction, error, sweeps)
