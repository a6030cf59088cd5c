"""Ageing: the overlap at a low temperature for several ages, and how tau_90 grows from the first to the last.

Ages are counted from the end of the training.
"""

import math

import numpy as np

from compare.glassy import Glassy
from paper_figures.kerr_winter2025.drawing import COLD, age, curves, survey
from paper_figures.kerr_winter2025.studies import STATES
from paper_figures.sheet import BLUE, GREEN, ORANGE, Paths, Row, absent, page, sequence, write
from paper_figures.stored.results import Results
from paper_figures.stored.scores import OPEN, Score, judged

STUDIES = ("motion",)
SHOWN = 1e-5
"""The temperature of the curves."""

HOT = 1e-2
COLOURS = dict(zip(STATES, (BLUE, ORANGE, GREEN), strict=True))
COLUMNS = ("panel", "state", "T", "age", "t", "value", "error")


def draw(results: Results, paths: Paths | None, overwrite: bool) -> list[Score]:
    """Draw what is stored, into files if ``paths`` says where; returns its numbers."""
    rows: list[Row] = []
    scores: list[Score] = []
    with page(7.2, 2.6) as sheet:
        *panels, ratios = sheet.subplots(1, 4)
        for (state, name), axis in zip(STATES.items(), panels, strict=True):
            axis.set_title(f"{name}", fontsize=7)
            axis.set(xscale="log", xlabel="steps $t$ since $t_w$", ylim=(-0.02, 1.05))
            known = survey(results, "motion", state)
            if known is None:
                absent(axis)
                continue
            found, told = known
            temperatures = found["temperature"].values
            k = int(np.argmin(np.abs(np.log10(np.maximum(temperatures, 1e-300) / SHOWN))))
            waits = [int(x) for x in found["t_w"].values]
            for t_w, colour in zip(waits, sequence(len(waits)), strict=True):
                t, overlap = curves(found, "overlap", t_w, factor=told.factor)
                mean = overlap[:, k].mean(0)
                axis.plot(t, mean, color=colour, lw=1.0, label=f"age {age(found, t_w):,}")
                rows += [
                    ("Q", state, float(temperatures[k]), age(found, t_w), float(a), float(b), "")
                    for a, b in zip(t, mean, strict=True)
                ]
            axis.legend(fontsize=5.5, title=f"$T={temperatures[k]:g}$", title_fontsize=6)
            timed = [m for m in told.motions if m.temperature > 0 and math.isfinite(m.ageing)]
            ratios.errorbar(
                [m.temperature for m in timed], [m.ageing for m in timed], [m.ageing * m.ageing_error for m
                in timed], fmt="o-", ms=3, lw=0.8, color=COLOURS[state], label=name,
            )  # fmt: skip
            rows += [
                ("ratio", state, m.temperature, "", "", m.ageing, m.ageing * m.ageing_error) for m in timed
            ]
            scores += _scores(results, state, told)
        panels[0].set_ylabel("overlap $Q(t;t_w)$")
        ratios.axhline(1, color="0.6", lw=0.7, ls=":")
        ratios.set(xscale="log", yscale="log", xlabel="$T$", ylabel=r"$\tau_{90}$, oldest over youngest")
        if ratios.containers:
            ratios.legend(fontsize=5.5)
        write(sheet, COLUMNS, rows, paths, overwrite)
    return scores


def _scores(results: Results, state: str, told: Glassy) -> list[Score]:
    """More than twofold with L2 where it is cold, none where it is hot or the landscape flat."""
    scores = []
    for m in told.motions:
        if m.temperature == 0:
            continue
        bounds = OPEN
        if state == "regularised" and m.temperature <= COLD:
            bounds = judged(results, 2.0, None)
        if (state == "regularised" and m.temperature == HOT) or (state == "over" and math.isfinite(m.ageing)):
            bounds = judged(results, 0.8, 1.2)
        name = f"{state}, T = {m.temperature:g}: tau_90 of the oldest over that of the youngest"
        scores.append(Score(name, m.ageing, m.ageing * m.ageing_error, 1.0, within=bounds))
    return scores
