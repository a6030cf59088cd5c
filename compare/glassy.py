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

from compare import motion
from compare.diffusion import free_time
from compare.overlay import at_waiting_time
from deepglass import checks
from deepglass.errors import InvalidInput

SYSTEM = "relu-network"

LEVEL = 0.9
"""Overlap at which tau_90 is read."""

CLOSE = 0.05
"""Relative difference of relaxation times that is none; three standard errors are added."""

STILL = 1e-6
"""In units of sigma_W: a rms displacement below it has no shape."""


@dataclass(frozen=True)
class Motion:
    """How weights move at one temperature. Missing (NaN) where it cannot be told.

    Attributes:
        tau90, tau90_error: when the overlap falls to 0.9: geometric mean over samples and its relative error.
        over_free: tau90 in units of that of a free walk of the same sample (1: free), with the error of its
        log. over_still: in units of that at T = 0 of the same sample (1: what moves is drift).
        tau_ratio: tau_e/tau_90 of the mean curve; 11.8 of a free walk.
        fit_factor: F of the next three: the largest at which tau_e is 4 steps or more.
        exponent, exponent_error, exponent_free: of the power law, and of a free walk of the same tau_e.
        msd_early, msd_late: log-log slopes of the mean squared displacement, first and last decade.
        caged: whether that has a plateau and goes on after it.
        alpha2_max, alpha2_end: non-Gaussian parameter, mean over samples.
        ageing, ageing_error: tau90 of the mean curve at the last t_w over that at the first; relative error.
        verdict: ``free``, ``drift``, ``between``, ``does not move`` or ``too fast``.
    """

    temperature: float
    tau90: float
    tau90_error: float
    over_free: float
    over_free_error: float
    over_still: float
    over_still_error: float
    tau_ratio: float
    fit_factor: float
    exponent: float
    exponent_error: float
    exponent_free: float
    msd_early: float
    msd_late: float
    caged: bool
    alpha2_max: float
    alpha2_end: float
    ageing: float
    ageing_error: float
    verdict: str


@dataclass(frozen=True)
class Glassy:
    """All temperatures, and what they have together.

    Attributes:
        t_w, factor: of relaxation times.
        slope, slope_error: of ln tau90 in ln T where the verdict is ``free`` (-1 of free walks).
        collapse_free, collapse_landscape: rms difference at t/tau_e of the curves of temperatures with the
        verdict
            ``free``, and of those that drift or are between: among each other, and of their mean from the
            free law.
        null_collapse, null_exponent: the same, and the exponent with its error, of simulated free walks.
        survives: in words, what free diffusion does not explain.
    """

    t_w: int
    factor: float
    motions: tuple[Motion, ...]
    slope: float
    slope_error: float
    collapse_free: tuple[float, float]
    collapse_landscape: tuple[float, float]
    null_collapse: tuple[float, float]
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

    ``null``: a run of the same networks without forces. ``t_w``: the waiting time of all but ageing, the
    longest without. ``factor``: F of the length sigma_W/F of relaxation times, the run's smallest without;
    exponents and collapse have larger ones, for their curves to go far beyond tau_e. Raises InvalidInput for
    a run of another system and for a t_w or factor that it has not.
    """
    _check(run, "run")
    late = at_waiting_time(run, t_w)
    near = _factor(run, factor)
    curves, t = _curves(late, near)
    shapes = _by_factor(late)
    tau = _taus(curves, t)
    free = _free(run, late, near)
    youngest, oldest = (_curves(at_waiting_time(run, int(run["t_w"][k])), near) for k in (0, -1))
    msd, alpha2 = _shapes(late)
    temperatures = [float(x) for x in run["temperature"].values]
    still = tau[:, 0] if temperatures[0] == 0 else np.full(len(tau), np.nan)
    motions = []
    for k, temperature in enumerate(temperatures):
        tau90, tau90_error = geometric_mean(tau[:, k])
        over_free = geometric_mean(tau[:, k] / free[:, k]) if temperature else (np.nan, np.nan)
        over_still = geometric_mean(tau[:, k] / still)
        mean = curves[:, k].mean(0)
        far = _fit_factor(shapes, t, [k])
        shape = shapes[far][:, k]
        power, power_error = motion.jackknife(lambda x: motion.exponent(t, x), shape)
        by_decade = motion.slopes(t, msd[:, k].mean(0))
        motions.append(
            Motion(
                temperature, tau90, tau90_error, *over_free, *over_still,
                motion.first_passage(t, mean, motion.DECAY) / motion.first_passage(t, mean, LEVEL),
                far, power, power_error, motion.free_exponent(t, shape.mean(0)),
                float(by_decade[0]) if len(by_decade) else np.nan, motion.late_slope(t, msd[:, k].mean(0)),
                motion.caged(by_decade), *_extent(alpha2[:, k]), *_ageing(youngest, oldest, k),
                _verdict(mean, over_free, over_still),
            )
        )  # fmt: skip
    free_ones = [k for k, m in enumerate(motions) if m.verdict == "free"]
    others = [k for k, m in enumerate(motions) if m.verdict in ("drift", "between")]
    slope, slope_error = _slope(temperatures, tau, free_ones)
    result = Glassy(
        int(late["t_w"]), near, tuple(motions), slope, slope_error,
        # Free curves collapse whatever the length; others need not, and are taken at one.
        motion.collapse(t, [shapes[_fit_factor(shapes, t, [k])][:, k].mean(0) for k in free_ones]),
        motion.collapse(t, [shapes[_fit_factor(shapes, t, others)][:, k].mean(0) for k in others]),
        *_null(null), (),
    )  # fmt: skip
    return Glassy(**{**vars(result), "survives": tuple(_survives(result))})


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
    error = logs.std(ddof=1) / np.sqrt(len(logs)) if len(logs) > 1 else np.nan
    return float(np.exp(logs.mean())), float(error)


def _check(run: xr.Dataset, name: str) -> None:
    if run.attrs.get("system") != SYSTEM:
        raise InvalidInput(f"the {name} must be of the system {SYSTEM}, not {run.attrs.get('system')!r}")


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


def _free(run: xr.Dataset, late: xr.Dataset, factor: float) -> NDArray[np.float64]:
    """tau_90 (sample, temperature) of free walks with each sample's own length; infinite at T = 0."""
    lengths = _by_sample(late["sigma"].sel(t=int(late["t_w"]))).values / factor
    rates = [
        float(run.attrs["eta"]) * float(x) / int(run.attrs["patterns"]) for x in run["temperature"].values
    ]
    return np.array([[free_time(LEVEL, d, x) for x, d in zip(row, rates, strict=True)] for row in lengths])


def _shapes(late: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean squared displacement and alpha_2 (sample, temperature, t > 0); the latter missing where all is
    still."""
    whole = _by_sample(late["msd"]).transpose("sample", "temperature", "t")
    known = np.isfinite(whole.values).all(axis=(0, 1)) & (whole["t"].values > 0)
    msd = whole.values[..., known]
    sigma = _by_sample(late["sigma"].sel(t=int(late["t_w"]))).values[..., None]
    alpha2 = _by_sample(late["alpha2"]).transpose("sample", "temperature", "t").values[..., known]
    return msd, np.where(msd > np.square(STILL * sigma), alpha2, np.nan)


def _extent(alpha2: NDArray[np.float64]) -> tuple[float, float]:
    """Largest and last value of the mean over samples; missing where all is still."""
    known = np.asarray(np.isfinite(alpha2).all(axis=0))
    if not known.any():
        return float("nan"), float("nan")
    mean = alpha2[:, known].mean(0)
    return float(mean.max()), float(mean[-1]) if known[-1] else float("nan")


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


def _verdict(
    mean: NDArray[np.float64], over_free: tuple[float, float], over_still: tuple[float, float]
) -> str:
    """What sets the relaxation time."""
    if mean[0] <= LEVEL:
        return "too fast"
    if mean[-1] > LEVEL:
        return "does not move"

    def one(ratio: tuple[float, float]) -> bool:
        return abs(math.log(ratio[0])) <= CLOSE + 3 * float(np.nan_to_num(ratio[1]))

    if np.isfinite(over_free[0]) and one(over_free):
        return "free"
    if np.isfinite(over_still[0]) and one(over_still):
        return "drift"
    return "between"


def _slope(temperatures: list[float], tau: NDArray[np.float64], chosen: list[int]) -> tuple[float, float]:
    """Of ln tau in ln T by least squares, by sample; mean and standard error."""
    if len(chosen) < 2:
        return float("nan"), float("nan")
    found = np.polyfit(np.log(np.array(temperatures)[chosen]), np.log(tau[:, chosen]).T, 1)[0]
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else np.nan


def _null(null: xr.Dataset | None) -> tuple[tuple[float, float], tuple[float, float]]:
    """Collapse of simulated walks of all temperatures, and exponent at the highest, as of the run."""
    if null is None:
        return (np.nan, np.nan), (np.nan, np.nan)
    _check(null, "null")
    late = at_waiting_time(null, None)
    shapes, (_, t) = _by_factor(late), _curves(late, float(null["factor"][0]))
    moving = [k for k, x in enumerate(null["temperature"].values) if x > 0]
    curves = [shapes[_fit_factor(shapes, t, [k])][:, k] for k in moving]
    together = motion.collapse(t, [x.mean(0) for x in curves])
    return together, motion.jackknife(lambda x: motion.exponent(t, x), curves[-1])


def _survives(found: Glassy) -> list[str]:
    """What free diffusion does not explain, a line each."""
    lines = []
    held = [m for m in found.motions if m.verdict == "drift"]
    if held:
        lines.append(
            f"relaxation times at T <= {held[-1].temperature:g} are those of T = 0: what is left of the"
            " training's descent, not activation"
        )
    hottest = found.motions[-1]
    more = hottest.exponent - hottest.exponent_free
    if abs(more) > 3 * hottest.exponent_error:
        value = f"{more:+.3f}({hottest.exponent_error:.3f})"
        lines.append(f"exponent at T = {hottest.temperature:g}: {value} beyond the null")
    wide = [m for m in found.motions if m.alpha2_max > 1]
    if wide:
        most = max(m.alpha2_max for m in wide)
        lines.append(
            f"displacements at T <= {wide[-1].temperature:g} are not Gaussian: alpha_2 to {most:.1f}"
        )
    aged = [m for m in found.motions if m.ageing - 1 > 3 * m.ageing * m.ageing_error]
    if aged:
        lines.append(f"ageing at T <= {aged[-1].temperature:g}")
    trapped = [m.temperature for m in found.motions if m.caged]
    if trapped:
        lines.append(f"a plateau of the displacement at T = {', '.join(f'{x:g}' for x in trapped)}")
    return lines
