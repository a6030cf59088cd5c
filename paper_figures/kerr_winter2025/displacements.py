"""No caging, and dynamic heterogeneity: how far weights have gone, the shape of it, and its distribution.

Above: mean squared displacement, with slope 1. Middle: non-Gaussian parameter. Below: log10 of the
displacement at the end, with what free walks at the highest temperature would have.
"""

import numpy as np

from compare.glassy import STILL, Glassy
from paper_figures.kerr_winter2025.drawing import COLD, curves, main_t_w, survey, temperature
from paper_figures.kerr_winter2025.studies import STATES
from paper_figures.sheet import Paths, Row, absent, page, sequence, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import Score, judged

STUDIES = ("motion",)
WARM = 1e-4
"""T from which on no cage should be seen: below, stiff directions that shed the noise of the training
imitate one."""

COLUMNS = ("panel", "state", "T", "x", "value")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 6.4) as sheet:
        for (state, name), (above, middle, below) in zip(STATES.items(), sheet.subplots(3, 3).T, strict=True):
            above.set_title(name, fontsize=8)
            above.set(xscale="log", yscale="log", xlabel="steps $t$", ylabel="mean squared displacement")
            middle.set(xscale="log", xlabel="steps $t$", ylabel=r"$\alpha_2$")
            below.set(yscale="log", xlabel=r"$\log_{10}|\Delta w|$ at the end", ylabel="fraction of weights")
            known = survey(results, "motion", state)
            if known is None:
                absent(above)
                continue
            found, told = known
            t, msd = curves(found, "msd")
            _, alpha2 = curves(found, "alpha2")
            sigma = found["sigma"].sel(t=main_t_w(found)).values.astype(float)
            bins = found["log10_displacement"].values
            counts = (
                found["displacements"].isel(t_w=-1).transpose("sample", "temperature", "log10_displacement")
            )
            for (k, m), colour in zip(enumerate(told.motions), sequence(len(told.motions)), strict=True):
                mean = msd[:, k].mean(0)
                moving = mean > np.square(STILL * sigma[:, k].mean())
                above.plot(t[moving], mean[moving], color=colour, lw=1.0)
                shape = alpha2[:, k].mean(0)
                middle.plot(t[moving], shape[moving], color=colour, lw=1.0)
                share = counts.values[:, k].astype(float).mean(0)
                seen = share > 0
                curve = np.where(seen, share, np.nan)
                below.plot(bins, curve, color=colour, lw=1.0, label=temperature(m.temperature))
                for panel, x, y in (
                    ("msd", t[moving], mean[moving]),
                    ("alpha2", t[moving], shape[moving]),
                    ("histogram", bins[seen], share[seen]),
                ):
                    rows += [
                        (panel, state, m.temperature, float(a), float(b)) for a, b in zip(x, y, strict=True)
                    ]
            top = told.motions[-1].temperature
            rate = 2 * found.attrs["eta"] * top / found.attrs["patterns"]
            above.plot(t, rate * t, "--", color="0.4", lw=0.8)
            last = rate * (int(found.attrs["steps"]) - int(found["t_w"].values[-1]))
            below.plot(bins, _free_histogram(bins, last), "--", color="0.4", lw=0.8, label="free walks")
            below.set_ylim(1e-4, 0.3)
            below.set_xlim(-8, 1)
            below.legend(fontsize=5.5, loc="upper left")
            scores += _scores(results, state, told)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _free_histogram(bins: np.ndarray, variance: float) -> np.ndarray:
    """Density of log10 |d| of Gaussian d, times the width of a bin."""
    x = 10.0**bins
    width = float(bins[1] - bins[0])
    density: np.ndarray = (
        np.sqrt(2 / (np.pi * variance)) * np.exp(-(x**2) / (2 * variance)) * x * np.log(10) * width
    )
    return density


def _scores(results: Results, state: str, told: Glassy) -> list[Score]:
    cold = [m for m in told.motions if 0 < m.temperature <= COLD]
    widest = max((m.alpha2_max for m in cold if np.isfinite(m.alpha2_max)), default=np.nan)
    limits = judged(results, None, 0.2) if state == "over" else judged(results, 1.0, None)
    scores = [Score(f"{state}: largest alpha_2 at 0 < T <= 1e-5", widest, null=0.0, within=limits)]
    top = told.motions[-1]
    for m in told.motions:
        name = f"{state}, T = {m.temperature:g}: alpha_2 at the end"
        scores.append(Score(name, m.alpha2_end, m.alpha2_error, 0.0))
    caged = sum(m.caged for m in told.motions if m.temperature >= WARM)
    scores.append(
        Score(
            f"{state}: temperatures >= 1e-4 with a plateau and a rise after it",
            float(caged),
            null=0.0,
            within=judged(results, None, 0.0),
        )
    )
    for m in (told.motions[0], top):
        name = f"{state}, T = {m.temperature:g}: late slope of the displacement"
        scores.append(Score(name, m.msd_late, m.msd_late_error, 1.0))
    return scores
