"""Topology trivialisation: with strong L2 all trainings end at W = 0, where U = 1/2 whatever lambda.

Left: U against lambda, each network and the mean. Middle: distances of pairs of networks, as they are and
with hidden units in the nearest order, beside sqrt(2 <|W|^2>) of networks without anything in common. Right:
how many collapsed.
"""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from compare.resampling import jackknife_error
from paper_figures.kerr_winter2025.studies import LAMBDAS
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, page, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import Score, judged
from simulate.relu.protocol import ReluProtocol
from simulate.systems.permutations import align, distance
from simulate.systems.relu_network import ReluNetwork

STUDIES = ("trivialisation",)
GONE = 1e-2
"""|W|^2 below which a network has collapsed."""

ALL, NONE = 0.15, 0.06
"""lambda at which all should have collapsed, and up to which none."""

COLUMNS = ("lambda", "U", "loss", "norm2", "distance", "distance aligned", "collapsed", "U spread")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.6) as sheet:
        left, middle, right = sheet.subplots(1, 3)
        drawn = []
        for strength in LAMBDAS[results.size]:
            found = results.get("trivialisation", f"lambda={strength:g}")
            if found is None:
                continue
            state = _state(found)
            drawn.append((strength, state))
            left.plot([strength] * len(state["U"]), state["U"], "o", color=BLUE, ms=2.5, alpha=0.5)
            rows.append((strength, *(_mean(state[x]) for x in VALUES), float(np.ptp(state["U"]))))
            protocol = results.studies["trivialisation"].ensembles[f"lambda={strength:g}"]
            assert isinstance(protocol, ReluProtocol)
            norms = found["norm2"].sel(t=int(found.attrs["steps"])).isel(temperature=0).mean("sample").values
            random = random_share(protocol.network, norms) if strength <= NONE else np.nan
            scores += _scores(results, strength, state, random)
        if drawn:
            x = [strength for strength, _ in drawn]
            mean = {name: [_mean(state[name]) for _, state in drawn] for name in VALUES}
            left.plot(x, mean["U"], color=BLUE)
            middle.plot(x, mean["distance"], "o-", color=BLUE, label="as they are")
            middle.plot(x, mean["distance_aligned"], "s-", color=GREEN, label="units in the nearest order")
            middle.plot(
                x,
                np.sqrt(2 * np.array(mean["norm2"])),
                "--",
                color="0.4",
                label=r"$\sqrt{2\langle|W|^2\rangle}$",
            )
            right.plot(x, mean["gone"], "o-", color=ORANGE)
            middle.legend(fontsize=6)
        left.axhline(0.5, color="0.6", lw=0.7, ls=":")
        left.set(ylabel="$U$ at the end")
        middle.set(ylabel="distance of two networks")
        right.set(ylabel="fraction at $W=0$", ylim=(-0.05, 1.05))
        for axis in (left, middle, right):
            axis.set(xscale="log", xlabel=r"$\lambda$")
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


VALUES = ("U", "loss", "norm2", "distance", "distance_aligned", "gone")


def _state(found: xr.Dataset) -> dict[str, np.ndarray]:
    last = found.sel(t=int(found.attrs["steps"])).isel(temperature=0)
    norm = last["norm2"].sum("weight_layer").values.astype(float)
    matrices = {
        name: found[name].isel(t_w=-1, t_matrix=-1, temperature=0).values.astype(float)
        for name in ("distance", "distance_aligned")
    }
    one_time = {name: last[name].values.astype(float) for name in ("U", "loss")}
    return {**one_time, "norm2": norm, **matrices, "gone": (norm < GONE).astype(float)}


def _pairs(matrix: np.ndarray) -> np.ndarray:
    """The values of all pairs of networks."""
    values: np.ndarray = matrix[np.triu_indices(len(matrix), 1)]
    return values


def _mean(values: np.ndarray) -> float:
    """Over networks, or pairs of them."""
    return float((_pairs(values) if values.ndim > 1 else values).mean())


def _jackknife(
    estimate: Callable[[dict[str, np.ndarray]], float], state: dict[str, np.ndarray]
) -> tuple[float, float]:
    """An estimate and its standard error over networks, each left out with all its pairs."""
    count = len(state["norm2"])
    values = []
    for k in range(count):
        kept = np.delete(np.arange(count), k)
        values.append(
            estimate({n: x[np.ix_(kept, kept)] if x.ndim > 1 else x[kept] for n, x in state.items()})
        )
    return estimate(state), float(jackknife_error(values))


def _apart(state: dict[str, np.ndarray]) -> float:
    """<D^2>/(2 <|W|^2>): 1 of networks without anything in common."""
    return float(np.square(_pairs(state["distance"])).mean() / (2 * state["norm2"].mean()))


def _aligned(state: dict[str, np.ndarray]) -> float:
    return float((_pairs(state["distance_aligned"]) / _pairs(state["distance"])).mean())


def random_share(network: ReluNetwork, norms: np.ndarray, pairs: int = 12) -> float:
    """By what alignment alone multiplies the distance of random networks with these |W_l|^2: the null."""
    stream = np.random.default_rng(0)
    shares = []
    for _ in range(pairs):
        drawn = []
        for _ in range(2):
            layers = [stream.standard_normal(shape) for shape in network.shapes]
            drawn.append([np.sqrt(n) * x / np.linalg.norm(x) for x, n in zip(layers, norms, strict=True)])
        shares.append(distance(drawn[0], align(drawn[0], drawn[1])) / distance(*drawn))
    return float(np.mean(shares))


def _scores(results: Results, strength: float, state: dict[str, np.ndarray], random: float) -> list[Score]:
    at, scores = f"lambda = {strength:g}", []
    count = len(state["gone"])
    share = float(state["gone"].mean())
    error = math.sqrt(share * (1 - share) / count)
    scores.append(Score(f"{at}: fraction collapsed to W = 0", share, error))
    if strength == ALL:
        off, largest = float(np.abs(state["U"] - 0.5).max()), float(state["distance"].max())
        scores.append(Score(f"{at}: largest |U - 1/2|", off, within=judged(results, None, 1e-4)))
        scores.append(Score(f"{at}: largest distance", largest, within=judged(results, None, 1e-2)))
    if strength <= NONE and count > 2:
        nearest = float(_pairs(state["distance"]).min())
        scores.append(Score(f"{at}: smallest distance", nearest, within=judged(results, 2.0, None)))
        scores.append(
            Score(f"{at}: collapsed", float(state["gone"].sum()), within=judged(results, None, 0.0))
        )
        near = judged(results, 0.85, 1.15)
        scores.append(Score(f"{at}: <D^2>/(2 <|W|^2>)", *_jackknife(_apart, state), 1.0, near))
        name = f"{at}: distance with units in the nearest order over that without (null: random networks)"
        scores.append(Score(name, *_jackknife(_aligned, state), random))
        scores.append(Score(f"{at}: largest less smallest U", float(np.ptp(state["U"]))))
    return scores
