"""Time-temperature superposition and the power law: the overlap against t/tau_e, with the curve of free
walks.

Every temperature at the largest F whose tau_e is resolved. Free walks collapse too, on
erf(0.3385/sqrt(t/tau_e)), and fall as t^(-1/2): only what differs from it can be glassy.
"""

import numpy as np

from compare import motion
from compare.diffusion import free_master
from compare.glassy import Glassy, glassy
from paper_figures.kerr_winter2025.drawing import absent, curves, judged, main_t_w, survey, temperature
from paper_figures.kerr_winter2025.scores import OPEN, Score
from paper_figures.kerr_winter2025.studies import STATES
from paper_figures.sheet import Paths, Row, page, sequence, write
from paper_figures.stored.results import Results

STUDIES = ("motion", "controls")
COLUMNS = ("state", "T", "F", "t/tau_e", "Q", "free")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.8) as sheet:
        for (state, name), axis in zip(STATES.items(), sheet.subplots(1, 3), strict=True):
            axis.set_title(name, fontsize=8)
            axis.set(
                xscale="log",
                yscale="log",
                xlabel=r"$t/\tau_e$",
                ylabel="$Q$",
                xlim=(1e-3, 1e4),
                ylim=(3e-3, 1.3),
            )
            known = survey(results, "motion", state)
            if known is None:
                absent(axis)
                continue
            found, told = known
            for (k, m), colour in zip(enumerate(told.motions), sequence(len(told.motions)), strict=True):
                t, overlap = curves(found, "overlap", factor=m.fit_factor)
                mean = overlap[:, k].mean(0)
                tau = motion.first_passage(t, mean, motion.DECAY)
                if not np.isfinite(tau):
                    continue
                free = free_master(t / tau)
                axis.plot(t / tau, mean, color=colour, lw=1.0, label=temperature(m.temperature))
                rows += [
                    (state, m.temperature, m.fit_factor, *map(float, x))
                    for x in zip(t / tau, mean, free, strict=True)
                ]
            u = np.logspace(-3, 4, 200)
            axis.plot(u, free_master(u), "--", color="k", lw=1.0, label="free walks")
            axis.legend(fontsize=5.5, loc="lower left")
            scores += _scores(results, state, told)
        free_walk = results.get("controls", "free")
        if free_walk is not None:
            scores += _null(results, glassy(free_walk, t_w=main_t_w(free_walk)))
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _scores(results: Results, state: str, told: Glassy) -> list[Score]:
    top = told.motions[-1]
    bounds = judged(results, -0.6, -0.4) if state in ("under", "over") else OPEN
    return [
        Score(
            f"{state}, T = {top.temperature:g}: exponent", top.exponent, top.exponent_error,
            top.exponent_free, bounds,
        ),
        Score(
            f"{state}, T = {top.temperature:g}: exponent less that of free walks",
            top.exponent - top.exponent_free, top.exponent_error, 0.0,
        ),
        Score(f"{state}: rms difference of the curves that are free", told.collapse_free[0], null=0.0),
        Score(f"{state}: of their mean from the free law", told.collapse_free[1], null=0.0),
        Score(f"{state}: rms difference of the curves that are not", told.collapse_landscape[0], null=0.0),
        Score(f"{state}: of their mean from the free law", told.collapse_landscape[1], null=0.0),
        *[
            Score(f"{state}, T = {m.temperature:g}: tau_e/tau_90", m.tau_ratio, null=11.80)
            for m in (told.motions[1], top)
        ],
    ]  # fmt: skip


def _null(results: Results, told: Glassy) -> list[Score]:
    top = told.motions[-1]
    return [
        Score(
            f"N1, simulated free walks, T = {top.temperature:g}: exponent", top.exponent, top.exponent_error,
            top.exponent_free, within=judged(results, -0.55, -0.45),
        ),
        Score("N1: rms difference of their curves", told.collapse_free[0], null=0.0),
    ]  # fmt: skip
