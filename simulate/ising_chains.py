"""Monte Carlo of a pairwise Ising model: many heat-bath chains, compiled, with counter-based noise.

Law ``P(s) ~ exp(sum_{i<j} J_ij s_i s_j + sum_i h_i s_i)``. A sweep visits the spins in order; each is drawn
from its law given the others, P(s_i = +1) = 1/(1 + exp(-2 (h_i + sum_j J_ij s_j))), which leaves P as it is.

* A draw depends on (seed, chain, sweep, spin) only: chains may be split among batches, and go on later.
* Local fields are kept in whole numbers, multiples of ``resolution``: sums of them are exact in any order, so
  they may be updated flip by flip, for as long as one likes, without drift. Couplings and fields are rounded
  to that: some 1e-9 of the largest field that is possible.

:func:`annealed_log_z` weighs configurations on their way from independent spins to the model (annealed
importance sampling: Neal, Stat. Comput. 11, 125 (2001)), there and back: the two ways bound ln Z from either
side.
"""

# mypy: disallow-untyped-decorators=False

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate import noise
from simulate.kernels.caching import cached
from simulate.kernels.deviates import TO_UNIT, logarithm, philox

__all__ = [
    "ChainState",
    "IsingChains",
    "LogZ",
    "Mixing",
    "Split",
    "annealed_log_z",
    "mixing",
    "resolution",
    "split_by_start",
]

Spins = NDArray[np.int8]
Values = NDArray[np.float64]

STARTS = ("random", "up", "split")
_ROOM = 2.0**30
"""Whole numbers of local fields stay below this."""


@cached
def _sweeps(s, J, h, unit, base, betas, keys, first, every, kept, weights):  # type: ignore[no-untyped-def]
    """Move chains s (B, N) by one sweep for each of ``betas``[1:].

    Fields J, h are whole multiples of ``unit``. Sweep k has the law beta_k (J, h) + (1 - beta_k) base. Each
    ``every``-th state goes into ``kept`` (K, B, N); ``weights`` (B,) gain the logarithms of annealing.
    """
    B, N = s.shape
    quads = N // 4 + 1
    H, limit, words = np.empty(N, np.int32), np.empty(4 * quads, np.float32), np.empty((4, quads), np.uint32)
    half = np.float32(0.5)
    for b in range(B):
        state = s[b]
        for i in range(N):
            H[i] = h[i]
        for i in range(N):
            row = J[i]
            if state[i] > 0:
                for j in range(N):
                    H[j] += row[j]
            else:
                for j in range(N):
                    H[j] -= row[j]
        for k in range(1, betas.size):
            beta = betas[k]
            if beta != betas[k - 1]:
                # ln of the ratio of both laws at the state that the last one left.
                total = 0.0
                for i in range(N):
                    total += state[i] * (unit * 0.5 * (np.float64(H[i]) + h[i]) - base[i])
                weights[b] += (beta - betas[k - 1]) * total
            sweep = first + np.uint64(k - 1)
            low, high = np.uint32(sweep), np.uint32(sweep >> np.uint64(32))
            # As many blocks as spins need, their words apart: short loops that run on whole registers.
            w0, w1, w2, w3 = words[0], words[1], words[2], words[3]
            for q in range(quads):
                w0[q], w1[q], w2[q], w3[q] = philox(
                    np.uint32(q), np.uint32(0), low, high, keys[b, 0], keys[b, 1]
                )
            for r in range(4):
                for q in range(quads):
                    u = np.float32(words[r, q]) * np.float32(TO_UNIT) + np.float32(TO_UNIT / 2)
                    v = np.float32(np.uint32(~words[r, q])) * np.float32(TO_UNIT) + np.float32(TO_UNIT / 2)
                    limit[r * quads + q] = half * (logarithm(u) - logarithm(v))
            scale = beta * unit
            rest = 1.0 - beta
            for i in range(N):
                up = scale * H[i] + rest * base[i] > limit[i]
                if up != (state[i] > 0):
                    row = J[i]
                    if up:
                        state[i] = 1
                        for j in range(N):
                            H[j] += 2 * row[j]
                    else:
                        state[i] = -1
                        for j in range(N):
                            H[j] -= 2 * row[j]
            if every > 0 and k % every == 0:
                for i in range(N):
                    kept[k // every - 1, b, i] = state[i]


@dataclass(frozen=True, eq=False)
class _Whole:
    """A model in whole multiples of ``unit``."""

    J: NDArray[np.int32] = field(repr=False)
    h: NDArray[np.int32] = field(repr=False)
    unit: float

    @classmethod
    def of(cls, J: ArrayLike, h: ArrayLike, N: int) -> "_Whole":
        couplings, fields = np.asarray(J, dtype=np.float64), np.asarray(h, dtype=np.float64)
        if couplings.shape != (N, N) or fields.shape != (N,):
            raise InvalidInput(
                f"J has shape {couplings.shape} and h {fields.shape}, must be ({N}, {N}), ({N},)"
            )
        if not (np.isfinite(couplings).all() and np.isfinite(fields).all()):
            raise InvalidInput("J and h must be finite")
        if np.any(np.diagonal(couplings) != 0.0):
            raise InvalidInput("J has a diagonal entry, must be 0")
        skew = float(np.max(np.abs(couplings - couplings.T)))
        if skew > 1e-12 * max(1.0, float(np.max(np.abs(couplings)))):
            raise InvalidInput(f"J differs from its transpose by {skew:.1e}, must be symmetric")
        largest = float(np.max(np.abs(fields) + np.abs(couplings).sum(axis=1)))
        unit = max(largest, 1.0) / (_ROOM - N)
        return cls(np.rint(couplings / unit).astype(np.int32), np.rint(fields / unit).astype(np.int32), unit)


def resolution(J: ArrayLike, h: ArrayLike) -> float:
    """To which couplings and fields of a model are rounded, in units of the temperature."""
    return _Whole.of(J, h, len(np.asarray(h))).unit


@dataclass(frozen=True, eq=False)
class ChainState:
    """All that chains go on from: spins (B, N) of +-1 and the number of the next sweep."""

    spins: Spins = field(repr=False)
    sweep: int


class IsingChains:
    """Chains that are kept from call to call; called with (J, h) they give configurations (S, N) of +-1.

    The first call begins with ``burn`` sweeps; every call keeps ``keep`` configurations of each chain,
    ``every`` sweeps apart. S = keep * chains, ordered by time, then chain.

    Args:
        N: spins.
        chains: B of them.
        seed: of the noise.
        burn, every, keep: sweeps and configurations, as above.
        start: "random", "up" (all +1), "split" (random, +, - by turns), or configurations (K, N), which the
            chains take by turns.
        first: number of the first chain; noise depends on a chain's number, not on how many there are.

    Raises InvalidInput for a number out of its range, for a start that is no configuration, and, when called,
    for J that is not symmetric or has a diagonal.
    """

    def __init__(
        self,
        N: int,
        chains: int = 400,
        *,
        seed: int = 0,
        burn: int = 100,
        every: int = 2,
        keep: int = 50,
        start: str | ArrayLike = "random",
        first: int = 0,
    ):
        self.N, self.chains = checks.integer("N", N, 1), checks.integer("chains", chains, 1)
        self.burn, self.every = checks.integer("burn", burn, 0), checks.integer("every", every, 1)
        self.keep, self.first = checks.integer("keep", keep, 1), checks.integer("first", first, 0)
        self.seed = checks.integer("seed", seed, 0)
        members = [(self.first + b,) for b in range(self.chains)]
        self._keys = noise.keys(self.seed, members, noise.ISING)
        self.group, spins = self._begin(start)
        self._state = ChainState(spins, 0)

    def _begin(self, start: str | ArrayLike) -> tuple[NDArray[np.int64], Spins]:
        """The group of starts each chain belongs to (B,), and its first configuration (B, N)."""
        turn = self.first + np.arange(self.chains)
        if isinstance(start, str):
            checks.one_of("start", start, STARTS)
            group = turn % 3 if start == "split" else np.full(self.chains, 0 if start == "random" else 1)
            members = [(int(b),) for b in turn]
            drawn = noise.normal(noise.keys(self.seed, members, noise.ISING_START), 0, self.N).numpy()
            coins = np.where(drawn > 0, 1, -1)
            sign = np.array([0, 1, -1])[group][:, None]
            return group, np.where(sign == 0, coins, sign).astype(np.int8)
        given = np.atleast_2d(np.asarray(start))
        if given.ndim != 2 or given.shape[0] == 0 or given.shape[1] != self.N:
            raise InvalidInput(f"start has shape {given.shape}, must be (K, {self.N}) with K >= 1")
        if np.any(np.abs(given) != 1):
            raise InvalidInput("start must hold +1 and -1 only")
        group = turn % len(given)
        return group, np.ascontiguousarray(given[group], dtype=np.int8)

    @property
    def state(self) -> ChainState:
        """As the chains are now."""
        return ChainState(self._state.spins.copy(), self._state.sweep)

    def resume(self, state: ChainState) -> None:
        """Go on from a state of as many chains."""
        if state.spins.shape != (self.chains, self.N) or np.any(np.abs(state.spins) != 1):
            raise InvalidInput(f"state must be ({self.chains}, {self.N}) of +-1, is {state.spins.shape}")
        sweep = checks.integer("sweep", state.sweep, 0)
        self._state = ChainState(np.ascontiguousarray(state.spins, dtype=np.int8), sweep)

    def advance(self, J: ArrayLike, h: ArrayLike, sweeps: int, every: int = 0) -> Spins:
        """Move all chains; the state after each ``every``-th sweep (K, B, N), none of them for 0."""
        count = checks.integer("sweeps", sweeps, 0)
        whole = _Whole.of(J, h, self.N)
        kept = np.empty((count // every if every else 0, self.chains, self.N), np.int8)
        self._run(whole, np.ones(count + 1), np.zeros(self.N), every, kept)
        return kept

    def _run(self, model: _Whole, betas: Values, base: Values, every: int, kept: Spins) -> Values:
        weights = np.zeros(self.chains)
        spins, sweep = self._state.spins.copy(), self._state.sweep
        args = (spins, model.J, model.h, model.unit, base, betas, self._keys)
        _sweeps(*args, np.uint64(sweep), every, kept, weights)
        self._state = ChainState(spins, sweep + betas.size - 1)
        return weights

    def draw(self, J: ArrayLike, h: ArrayLike) -> Spins:
        """Configurations (keep, B, N) in order of time, after the burn-in if there was none yet."""
        if self._state.sweep == 0:
            self.advance(J, h, self.burn)
        return self.advance(J, h, self.keep * self.every, self.every)

    def __call__(self, J: ArrayLike, h: ArrayLike) -> Values:
        """The same as (S, N), what ``theory.inverse_ising`` calls a sampler."""
        return self.draw(J, h).reshape(-1, self.N).astype(np.float64)


# ------------------------------------------------------------------------------------------- mixing


@dataclass(frozen=True)
class Mixing:
    """How independent the values of a series are.

    ``time``: integrated autocorrelation time tau = 1/2 + sum rho(k), in steps of the series. ``effective``:
    number of independent values with the same error of the mean. ``r_hat``: root of the variance of all
    values over that within chains (Gelman & Rubin, Stat. Sci. 7, 457 (1992)); 1 where all see the same.
    """

    time: float
    effective: float
    r_hat: float


def mixing(series: ArrayLike) -> Mixing:
    """Of one observable along chains (T, B).

    The window of the sum is the first k >= 5 tau (Sokal, Lectures, Cargese 1996), of deviations from the mean
    of all chains; so chains that never meet have a long time.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 4:
        raise InvalidInput(f"series has shape {values.shape}, must be (T, B) with T >= 4")
    T, B = values.shape
    away = values - values.mean()
    variance = float(np.mean(away**2))
    if variance == 0.0:
        return Mixing(0.5, float(T * B), 1.0)
    time = 0.5
    for k in range(1, T):
        time += float(np.mean(away[k:] * away[:-k])) / variance
        if k >= 5 * time:
            break
    time = max(time, 0.5)
    within = float(values.var(axis=0, ddof=1).mean())
    between = float(values.mean(axis=0).var(ddof=1)) if B > 1 else 0.0
    r_hat = np.inf if within == 0.0 else float(np.sqrt((T - 1) / T + between / within))
    return Mixing(time, T * B / max(2 * time, 1.0), r_hat)


@dataclass(frozen=True)
class Split:
    """Means of an observable by group of starts, (G,), errors over chains; ``apart``: largest z of a pair.

    Where chains of different starts differ after as long a time as they had, there are several states (or one
    that is reached too slowly to tell).
    """

    mean: Values
    error: Values
    apart: float


def split_by_start(series: ArrayLike, group: ArrayLike) -> Split:
    """Compare chains (T, B) by their groups (B,); each group needs two chains or more."""
    means = np.asarray(series, dtype=np.float64).mean(axis=0)
    groups = np.asarray(group)
    names = np.unique(groups)
    if means.shape != groups.shape or min(int((groups == g).sum()) for g in names) < 2:
        raise InvalidInput("each group of starts needs two chains or more, and each chain a group")
    mean = np.array([means[groups == g].mean() for g in names])
    error = np.array([means[groups == g].std(ddof=1) / np.sqrt((groups == g).sum()) for g in names])
    gap = np.abs(mean[:, None] - mean[None, :])
    width = np.sqrt(error[:, None] ** 2 + error[None, :] ** 2)
    apart = np.divide(gap, width, out=np.where(gap > 0, np.inf, 0.0), where=width > 0)
    return Split(mean, error, float(apart.max()))


# ---------------------------------------------------------------------------------------- annealing


@dataclass(frozen=True)
class LogZ:
    """ln Z of the whole system: ``value`` with its standard ``error``, between two one-sided estimates.

    ``there`` (from independent spins) lies below in the mean, ``back`` (from configurations of the model)
    above; NaN where there were none. ``effective``: share of the weights that counts, there.
    """

    value: float
    error: float
    there: float
    back: float
    effective: float


def annealed_log_z(
    J: ArrayLike,
    h: ArrayLike,
    base: ArrayLike,
    *,
    chains: int = 400,
    sweeps: int = 500,
    seed: int = 0,
    equilibrium: ArrayLike | None = None,
) -> LogZ:
    """ln Z of a model, by annealing from independent spins in fields ``base`` (N,), one sweep a step.

    equilibrium: configurations (K, N) of the model (chains long enough), from which the way back begins; then
    the value is the mean of both ways, and the error contains half of their difference. Source: Neal, Stat.
    Comput. 11, 125 (2001); both ways: Grosse, Ancha & Roy, NeurIPS 2016.
    """
    fields = np.asarray(base, dtype=np.float64)
    whole = _Whole.of(J, h, fields.size)
    steps = checks.integer("sweeps", sweeps, 1)
    nothing = np.empty((0, chains, fields.size), np.int8)
    free = float(np.sum(np.logaddexp(fields, -fields)))
    ladder = np.linspace(0.0, 1.0, steps + 1)
    # One sweep at beta = 0 draws independent spins whatever the start; its weight does not count.
    walkers = IsingChains(fields.size, chains, seed=seed)
    weights = walkers._run(whole, np.concatenate([[0.0], ladder]), fields, 0, nothing)
    there, error = _log_mean(weights)
    largest = np.exp(weights - weights.max())
    effective = float(largest.sum() ** 2 / (largest**2).sum() / chains)
    if equilibrium is None:
        return LogZ(free + there, error, free + there, np.nan, effective)
    walkers = IsingChains(fields.size, chains, seed=seed + 1, start=equilibrium)
    weights = walkers._run(whole, np.concatenate([[1.0], ladder[::-1]]), fields, 0, nothing)
    back, other = _log_mean(weights)
    value = free + 0.5 * (there - back)
    return LogZ(
        value, 0.5 * float(np.sqrt(error**2 + other**2 + (there + back) ** 2)), free + there, free - back,
        effective,
    )  # fmt: skip


def _log_mean(logs: Values) -> tuple[float, float]:
    """ln of the mean of exponentials, with its error by the delta method."""
    top = float(logs.max())
    scaled = np.exp(logs - top)
    mean = float(scaled.mean())
    error = float(scaled.std(ddof=1) / np.sqrt(scaled.size) / mean) if scaled.size > 1 else np.nan
    return top + float(np.log(mean)), error
