"""Time-temperature superposition and the power law: the overlap against t/tau_e, with the curve of free
walks.

Every temperature at the largest F whose tau_e is resolved. Free walks collapse too, on
erf(0.3385/sqrt(t/tau_e)), and fall as t^(-1/2): only what differs from it can be glassy.
"""

import math

import numpy as np

from compare import motion
from compare.diffusion import free_master
from compare.glassy import Glassy
from paper_figures.kerr_winter2025.drawing import curves, survey, temperature
from paper_figures.kerr_winter2025.studies import STATES
from paper_figures.sheet import Paths, Row, absent, page, sequence, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged

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
            known = survey(results, "motion", state, null="free" if state == "under" else None)
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
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _scores(results: Results, state: str, told: Glassy) -> list[Score]:
    """Exponents of all temperatures, collapse, and shape; of the walks where they were compared."""
    scores = []
    top = told.motions[-1]
    for m in told.motions:
        bounds = judged(results, -0.6, -0.4) if m is top and state in ("under", "over") else OPEN
        name = f"{state}, T = {m.temperature:g}: exponent"
        scores.append(Score(name, m.exponent, m.exponent_error, m.exponent_free, bounds))
        if not math.isnan(m.exponent_well):
            name = f"{state}, T = {m.temperature:g}: exponent less that of the well of L2"
            scores.append(Score(name, m.exponent - m.exponent_well, m.exponent_error, 0.0))
    for which, spread in (("is that", told.collapse_free), ("is not that", told.collapse_landscape)):
        at = f"{state}, curves whose tau_90 {which} of free walks"
        scores.append(
            Score(f"{at}: rms difference", spread.among, spread.among_error, told.null_collapse.among)
        )
        scores.append(
            Score(f"{at}: of their mean from the free law", spread.off_free, spread.off_free_error, 0.0)
        )
    for m in told.motions:
        name = f"{state}, T = {m.temperature:g}: tau_e/tau_90"
        scores.append(Score(name, m.tau_ratio, m.tau_ratio_error, 11.80))
    if state == "under":
        bounds = judged(results, -0.55, -0.45)
        name = "N1, simulated free walks, highest T: exponent"
        scores.append(Score(name, *told.null_exponent, top.exponent_free, bounds))
        walks = told.null_collapse
        scores.append(Score("N1: rms difference of curves", walks.among, walks.among_error, 0.0))
    return scores
