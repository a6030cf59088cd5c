"""Glassy or free? How trained networks move at every temperature, beside the walk of weights that nothing
holds.

For a run of ReLU networks (``simulate run --system relu-network``), or what is kept of it. Where the overlap
says "t^(-1/2), curves collapse, tau as 1/T", :mod:`compare.diffusion` says the same of free walks; so every
number stands here beside what the same estimator makes of the null, and what is left over is what landscapes
do.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import erf

from compare import motion, survival
from compare.diffusion import free_overlap, free_time, well_displacement
from compare.measured import at_waiting_time
from compare.resampling import standard_error
from deepglass import checks
from deepglass.errors import InvalidInput

SYSTEM = "relu-network"

LEVEL = 0.9
"""Overlap at which tau_90 is read."""


STILL = 1e-6
"""In units of sigma_W: a rms displacement below it has no shape."""


@dataclass(frozen=True)
class Motion:
    """How weights move at one temperature. Missing (NaN) where it cannot be told.

    Attributes:
        tau90, tau90_error: when the overlap falls to 0.9: geometric mean over samples and its relative error.
        over_free: tau90 in units of that of a free walk of the same sample (1: free); error of the logarithm.
        over_still: in units of that at T = 0 of the same sample (1: what moves is drift); likewise.
        off_free, off_free_error: rms difference over all t of the mean overlap from the free law.
        tau_ratio, tau_ratio_error: tau_e/tau_90 of the mean curve; 11.8 of a free walk.
        fit_factor: F of the exponents: the largest at which tau_e is 4 steps or more.
        exponent, exponent_error: of the power law; ``exponent_free``: of a free walk of the same tau_e, and
            ``exponent_well``: of one in equilibrium in the well of L2 alone (missing for lambda = 0).
        msd_early, msd_late, msd_late_error: log-log slopes of the mean squared displacement, first and last
            decade.
        caged: whether that has a plateau and goes on after it.
        alpha2_max: largest of the non-Gaussian parameter, mean over samples.
        alpha2_end, alpha2_error: at the last time, with its standard error.
        ageing, ageing_error: tau90 of the mean curve at the last t_w over that at the first; relative error;
            missing for one t_w.
        verdict: what sets it, see :func:`compare.survival.verdict`.
    """

    temperature: float
    tau90: float
    tau90_error: float
    over_free: float
    over_free_error: float
    over_still: float
    over_still_error: float
    off_free: float
    off_free_error: float
    tau_ratio: float
    tau_ratio_error: float
    fit_factor: float
    exponent: float
    exponent_error: float
    exponent_free: float
    exponent_well: float
    msd_early: float
    msd_late: float
    msd_late_error: float
    caged: bool
    alpha2_max: float
    alpha2_end: float
    alpha2_error: float
    ageing: float
    ageing_error: float
    verdict: str


@dataclass(frozen=True)
class Spread:
    """How curves against t/tau_e lie: rms difference among each other, of their mean from the free law;
    errors."""

    among: float = math.nan
    among_error: float = math.nan
    off_free: float = math.nan
    off_free_error: float = math.nan


@dataclass(frozen=True)
class Glassy:
    """All temperatures, and what they have together.

    Attributes:
        t_w, factor: of relaxation times.
        slope, slope_error: of ln tau90 in ln T where tau90 is that of free walks (-1 of those).
        collapse_free, collapse_landscape: of the temperatures where tau90 is that of free walks, and of the
            others that move.
        null_collapse, null_exponent: the same of simulated free walks, all T > 0; exponent at the highest T.
        survives: in words, what free diffusion does not explain.
    """

    t_w: int
    factor: float
    motions: tuple[Motion, ...]
    slope: float
    slope_error: float
    collapse_free: Spread
    collapse_landscape: Spread
    null_collapse: Spread
    null_exponent: tuple[float, float]
    survives: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def glassy(
    run: xr.Dataset,
    null: xr.Dataset | None = None,
    *,
    t_w: int | None = None,
    factor: float | None = None,
) -> Glassy:
    """Set the motion of a run beside free diffusion.

    ``null``: a run of the same networks without data and L2 (``forces = "decay"``, lambda = 0). ``t_w``: the
    waiting time of all but ageing, the longest without. ``factor``: F of the length sigma_W/F of relaxation
    times, the run's smallest without; exponents and collapse have larger ones, for their curves to go far
    beyond tau_e. Raises InvalidInput for a run of another system, one with a t_w in its training, a t_w or
    factor that it has not, and a null that is none.

    Of what walks freely nothing survives:

    >>> from simulate import ReluProtocol, run
    >>> walkers = ReluProtocol(
    ...     data="gaussian", width=3, depth=3, patterns=20, samples=3, seed=1, forces="decay",
    ...     train_steps=100, train_fine=20, steps=2000, waiting_time=200, temperatures=(1e-4, 1e-2),
    ... )
    >>> glassy(run(walkers)).survives
    ()
    """
    _check(run, "run")
    late = at_waiting_time(run, t_w)
    near = _factor(run, factor)
    curves, t = _curves(late, near)
    shapes = _by_factor(late)
    tau = _taus(curves, t)
    lengths, rates = _lengths(late, near), _rates(run)
    free = np.array([[free_time(LEVEL, d, x) for x, d in zip(row, rates, strict=True)] for row in lengths])
    several = run.sizes["t_w"] > 1
    ends = [_curves(at_waiting_time(run, int(run["t_w"][k])), near) for k in (0, -1)]
    msd, alpha2 = _shapes(late)
    temperatures = [float(x) for x in run["temperature"].values]
    still = tau[:, 0] if temperatures[0] == 0 else np.full(len(tau), np.nan)
    motions = []
    for k, temperature in enumerate(temperatures):
        over_free = geometric_mean(tau[:, k] / free[:, k]) if temperature else (np.nan, np.nan)
        over_still = geometric_mean(tau[:, k] / still) if temperature else (np.nan, np.nan)
        laws = np.array([free_overlap(t, rates[k], x) for x in lengths[:, k]])
        off = motion.jackknife(lambda x: float(np.sqrt(np.square(x).mean())), curves[:, k] - laws)
        far = _fit_factor(shapes, t, [k])
        shape = shapes[far][:, k]
        well = _in_the_well(run, t, temperature, float(lengths[:, k].mean()) * near / far)
        slopes = motion.slopes(t, msd[:, k].mean(0))
        motions.append(
            Motion(
                temperature, *geometric_mean(tau[:, k]), *over_free, *over_still, *off,
                *motion.jackknife(lambda x: _tau_ratio(t, x), curves[:, k]),
                far, *motion.jackknife(lambda x: motion.exponent(t, x), shape),
                motion.free_exponent(t, shape.mean(0)),
                motion.exponent(t, well), float(slopes[0]),
                *motion.jackknife(lambda x: float(motion.slopes(t, x)[-1]), msd[:, k]),
                motion.caged(slopes), *_extent(alpha2[:, k]),
                *(_ageing(ends[0], ends[1], k) if several else (np.nan, np.nan)),
                survival.verdict(
                    curves[:, k].mean(0), LEVEL, over_free, over_still if temperature else (1.0, 0.0), off[0]
                ),
            )
        )  # fmt: skip
    free_ones = [k for k, m in enumerate(motions) if m.verdict in survival.FREE]
    others = [k for k, m in enumerate(motions) if m.verdict in survival.HELD]
    cause = "L2 alone" if run.attrs["forces"] != "all" else "the training"
    lines = survival.survives(motions, len(tau), f" (relaxation of {cause})")
    return Glassy(
        int(late["t_w"]), near, tuple(motions), *_slope(temperatures, tau, free_ones),
        # Free curves collapse whatever the length; others need not, and are taken at one.
        _spread(t, [shapes[_fit_factor(shapes, t, [k])][:, k] for k in free_ones]),
        _spread(t, [shapes[_fit_factor(shapes, t, others)][:, k] for k in others]),
        *_null(run, null, t_w), tuple(lines),
    )  # fmt: skip


def sample_times(run: xr.Dataset, t_w: int | None = None, factor: float | None = None) -> xr.DataArray:
    """tau_90 of every sample and temperature, as :func:`glassy` has it; missing where 0.9 is not reached."""
    _check(run, "run")
    tau = _taus(*_curves(at_waiting_time(run, t_w), _factor(run, factor)))
    coords = {"sample": run["sample"].values, "temperature": run["temperature"].values}
    return xr.DataArray(tau, coords, ("sample", "temperature"), "tau90", {"units": "steps"})


def geometric_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """With the standard error of the logarithm; missing unless all samples have a value."""
    if not np.isfinite(values).all():
        return float("nan"), float("nan")
    logs = np.log(values)
    return float(np.exp(logs.mean())), float(standard_error(logs))


def _check(run: xr.Dataset, name: str) -> None:
    if run.attrs.get("system") != SYSTEM:
        raise InvalidInput(f"the {name} must be of the system {SYSTEM}, not {run.attrs.get('system')!r}")
    first, trained = int(run["t_w"].min()), int(run.attrs["train_steps"])
    if first < trained:
        raise InvalidInput(f"t_w = {first} of the {name} lies in its training, which ends at {trained}")


def _factor(run: xr.Dataset, wanted: float | None) -> float:
    known = [float(x) for x in run["factor"].values]
    if wanted is None:
        return known[0]
    if checks.real("factor", wanted, above=0) not in known:
        raise InvalidInput(
            f"factor = {wanted:g} must be one of the run's: {', '.join(f'{x:g}' for x in known)}"
        )
    return float(wanted)


def _by_sample(values: xr.DataArray) -> xr.DataArray:
    """(sample, temperature, ...) as floats, mean over replicas where there are any; t last."""
    mean = values.mean("replica") if "replica" in values.dims else values
    return mean.astype(float).transpose("sample", "temperature", ...)


def _curves(late: xr.Dataset, factor: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Overlaps (sample, temperature, t) since t_w, and their times, t = 0 left out."""
    values = _by_sample(late["overlap"].sel(factor=factor)).transpose("sample", "temperature", "t")
    known = np.isfinite(values.values).all((0, 1)) & (values["t"].values > 0)
    return values.values[..., known], values["t"].values[known].astype(float)


def _by_factor(late: xr.Dataset) -> dict[float, NDArray[np.float64]]:
    """Overlaps (sample, temperature, t) by F, ascending."""
    return {float(x): _curves(late, float(x))[0] for x in late["factor"].values}


def _fit_factor(shapes: dict[float, NDArray[np.float64]], t: NDArray[np.float64], chosen: list[int]) -> float:
    """The largest F at which these temperatures all have a tau_e that is resolved; else the smallest."""
    found = next(iter(shapes))
    for factor, curves in shapes.items():
        taus = [motion.first_passage(t, curves[:, k].mean(0), motion.DECAY) for k in chosen]
        if all(tau >= motion.RESOLVED for tau in taus):
            found = factor
    return found


def _taus(curves: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """tau_90 (sample, temperature)."""
    return np.array([[motion.first_passage(t, curve, LEVEL) for curve in rows] for rows in curves])


def _lengths(late: xr.Dataset, factor: float) -> NDArray[np.float64]:
    """sigma_W/F at t_w, (sample, temperature)."""
    found: NDArray[np.float64] = _by_sample(late["sigma"].sel(t=int(late["t_w"]))).values / factor
    return found


def _rates(run: xr.Dataset) -> list[float]:
    """eta T/P at every temperature."""
    each = float(run.attrs["eta"]) / int(run.attrs["patterns"])
    return [each * float(x) for x in run["temperature"].values]


def _in_the_well(
    run: xr.Dataset, t: NDArray[np.float64], temperature: float, length: float
) -> NDArray[np.float64]:
    """Overlap of weights in equilibrium in the well of L2 alone; missing for lambda = 0."""
    strength = float(run.attrs["lambda_"])
    if strength == 0 or temperature == 0:
        return np.full_like(t, np.nan)
    held = well_displacement(t, temperature, strength, float(run.attrs["eta"]), int(run.attrs["patterns"]))
    return np.asarray(erf(length / np.sqrt(2 * held)))


def _tau_ratio(t: NDArray[np.float64], curve: NDArray[np.float64]) -> float:
    return motion.first_passage(t, curve, motion.DECAY) / motion.first_passage(t, curve, LEVEL)


def _shapes(late: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean squared displacement and alpha_2 (sample, temperature, t > 0); the latter missing where all is
    still."""
    whole = _by_sample(late["msd"]).transpose("sample", "temperature", "t")
    known = np.isfinite(whole.values).all(axis=(0, 1)) & (whole["t"].values > 0)
    msd = whole.values[..., known]
    sigma = _by_sample(late["sigma"].sel(t=int(late["t_w"]))).values[..., None]
    alpha2 = _by_sample(late["alpha2"]).transpose("sample", "temperature", "t").values[..., known]
    return msd, np.where(msd > np.square(STILL * sigma), alpha2, np.nan)


def _extent(alpha2: NDArray[np.float64]) -> tuple[float, float, float]:
    """Largest value of the mean over samples, and the last with its error; missing where all is still."""
    known = np.asarray(np.isfinite(alpha2).all(axis=0))
    if not known.any():
        return float("nan"), float("nan"), float("nan")
    largest = float(alpha2[:, known].mean(0).max())
    if not known[-1]:
        return largest, float("nan"), float("nan")
    last = alpha2[:, -1]
    return largest, float(last.mean()), float(standard_error(last))


def _ageing(
    youngest: tuple[NDArray[np.float64], NDArray[np.float64]],
    oldest: tuple[NDArray[np.float64], NDArray[np.float64]],
    k: int,
) -> tuple[float, float]:
    """Ratio of tau_90 of two mean curves of temperature k, and the jackknife's error of its logarithm."""
    (a, first), (b, last) = youngest, oldest

    def logarithm(both: NDArray[np.float64]) -> float:
        young, old = both[: len(first)], both[len(first) :]
        return math.log(motion.first_passage(last, old, LEVEL) / motion.first_passage(first, young, LEVEL))

    value, error = motion.jackknife(logarithm, np.concatenate([a[:, k], b[:, k]], axis=1))
    return math.exp(value), error


def _slope(temperatures: list[float], tau: NDArray[np.float64], chosen: list[int]) -> tuple[float, float]:
    """Of ln tau in ln T by least squares, by sample; mean and standard error."""
    if len(chosen) < 2:
        return float("nan"), float("nan")
    found = np.polyfit(np.log(np.array(temperatures)[chosen]), np.log(tau[:, chosen]).T, 1)[0]
    return float(found.mean()), float(standard_error(found))


def _spread(t: NDArray[np.float64], curves: list[NDArray[np.float64]]) -> Spread:
    """Of curves (samples, times) each, with the jackknife's errors over samples."""
    if len(curves) < 2:
        return Spread()
    stacked = np.stack(curves, axis=1)
    among = motion.jackknife(lambda x: motion.collapse(t, list(x))[0], stacked)
    off = motion.jackknife(lambda x: motion.collapse(t, list(x))[1], stacked)
    return Spread(*among, *off)


def _null(run: xr.Dataset, null: xr.Dataset | None, t_w: int | None) -> tuple[Spread, tuple[float, float]]:
    """Collapse of simulated walks of all temperatures, and exponent at the highest."""
    if null is None:
        return Spread(), (np.nan, np.nan)
    _check(null, "null")
    if null.attrs["forces"] != "decay" or float(null.attrs["lambda_"]) != 0:
        raise InvalidInput(
            f"the null must be free: forces = 'decay' and lambda_ = 0, not {null.attrs['forces']!r} and"
            f" {null.attrs['lambda_']}"
        )
    for name in ("weights", "patterns", "eta"):
        if null.attrs[name] != run.attrs[name]:
            raise InvalidInput(f"the null has {name} = {null.attrs[name]}, the run {run.attrs[name]}")
    moving = [k for k, x in enumerate(null["temperature"].values) if x > 0]
    if not moving:
        raise InvalidInput("the null has no temperature above 0")
    late = at_waiting_time(null, t_w if t_w in null["t_w"].values else None)
    shapes, (_, t) = _by_factor(late), _curves(late, float(null["factor"][0]))
    curves = [shapes[_fit_factor(shapes, t, [k])][:, k] for k in moving]
    return _spread(t, curves), motion.jackknife(lambda x: motion.exponent(t, x), curves[-1])
