"""The generated parts of docs/which_closure.md: measured overlaps beside both closures, and their origin."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.stats import ttest_1samp

from compare.finite_size import limit
from compare.resampling import standard_error
from compare.verdict import Verdict
from paper_figures.perceptron.one_layer import rows
from paper_figures.perceptron.overlaps import (
    SAME,
    TEACHER,
    at_infinity,
    late,
    meeting,
    output_less_input,
    verdict_on,
)
from paper_figures.perceptron.studies import CHAINS, DILUTE, ONE_LAYER, ONE_LAYER_SIZES, label
from paper_figures.perceptron.which_closure import predicted
from paper_figures.stored.pages import Blocks, markdown, provenance
from paper_figures.stored.results import Results
from paper_figures.stored.scores import number

PAGES = ("docs/which_closure.md",)
"""Pages with generated blocks, from the root of the checkout."""

JUDGED = 3
"""Samples from which on a verdict is given."""


def closures(results: Results) -> str:
    """Every chain: predictions, and what was measured at each size."""
    parts = []
    for chain, (depth, alpha, temperature) in CHAINS.items():
        core = f"soft core, beta = {1 / temperature:g}" if temperature else "hard core"
        names = [f"q_{i}" for i in range(1, depth)] + [f"Q_{i}" for i in range(1, depth + 1)]
        profiles = predicted(chain)
        lines = [[closure, "", "", *_predicted(profile), ""] for closure, profile in profiles.items()]
        settled = []
        for degree, width, *_ in DILUTE[results.size]:
            found = results.get("chains", label(chain, degree, width))
            if found is None:
                lines.append([f"c = {degree}, N = {width}", "", "", *["-"] * len(names), "not run"])
                continue
            words = "-"
            if found.sizes["sample"] >= JUDGED:
                words = verdict_on(found, list(profiles.values()))
            size = [f"c = {degree}, N = {width}", str(found.attrs["steps"]), str(found.sizes["sample"])]
            lines.append([*size, *_measured(found, SAME), words])
            lines.append(["with the teacher", "", "", *_measured(found, TEACHER), ""])
            if found.sizes["sample"] >= JUDGED and meeting(found) == "all layers meet":
                settled.append(found)
        if len(settled) > 1:
            lines.append(_limit(at_infinity(settled, list(profiles.values()))))
        table = markdown(("", "sweeps", "samples", *names, "verdict at this size"), lines)
        parts.append(f"**L = {depth}, {core}, alpha = {alpha:g}**\n\n{table}")
    return "\n\n".join(parts)


def _limit(judged: Verdict) -> list[str]:
    """What sizes in equilibrium tend to."""
    first = judged.overall[0].prediction
    entries = [entry for entry in judged.layers if entry.prediction == first]
    entries.sort(key=lambda entry: (entry.kind == "Q", entry.layer))
    cells = [number(entry.measured, entry.error) for entry in entries]
    return ["1/c -> 0, of those in equilibrium", "", "", *cells, judged.verdict]


def _predicted(profile: xr.Dataset) -> list[str]:
    return [f"{x:.3f}" for x in np.concatenate([profile["q"].values[1:-1], profile["Q"].values])]


def _measured(found: xr.Dataset, names: Sequence[str]) -> list[str]:
    """Mean over samples with the error of its last digits: hidden neurons, then weights."""
    neurons, weights = (late(found, name) for name in names)
    values = np.concatenate([neurons[0][1:-1], weights[0]])
    errors = np.concatenate([neurons[1][1:-1], weights[1]])
    return [number(float(x), float(e)) for x, e in zip(values, errors, strict=True)]


def one_layer(results: Results) -> str:
    """One layer: every quantity by size, its limit, the prediction and p."""
    sizes = [n for n, _ in ONE_LAYER_SIZES[results.size]]
    found = rows(results)
    order = {name: k for k, name in enumerate(ONE_LAYER)}
    lines = []
    for row in found:
        cells = [number(*row.measured[n]) if n in row.measured else "-" for n in sizes]
        lines.append(
            [
                row.ensemble,
                row.quantity,
                *cells,
                number(*row.limit),
                f"{row.predicted:.4g}",
                f"{row.test.p:.2g}",
            ]
        )
    lines.sort(key=lambda line: order[line[0]])
    return markdown(("", "", *(f"N = {n}" for n in sizes), "1/N -> 0", "exact", "p"), lines)


def asymmetry(results: Results) -> str:
    """Q_L - Q_1 of every chain, which the gaussian closure has at 0: the same sample's layers, one by one."""
    lines = []
    for chain in CHAINS:
        expected = [f"{round(float(x['Q'][-1] - x['Q'][0]), 3) + 0.0:.3f}" for x in predicted(chain).values()]
        cells, known = [], {}
        for degree, width, *_ in DILUTE[results.size]:
            found = results.get("chains", label(chain, degree, width))
            if found is None or found.sizes["sample"] < 2:
                cells.append("-")
                continue
            known[degree] = output_less_input(found)
            cells.append(_difference(known[degree]))
        tends = "-"
        if len(known) > 1:
            fit = limit(list(known), [x[:, None] for x in known.values()])
            tends = number(float(fit.value[0]), float(fit.error[0]))
        lines.append([chain, *expected, *cells, tends])
    sizes = [f"c = {degree}, N = {width}" for degree, width, *_ in DILUTE[results.size]]
    return markdown(("", *predicted(next(iter(CHAINS))), *sizes, "1/c -> 0, all sizes"), lines)


def _difference(values: np.ndarray) -> str:
    """Mean over samples with its error, and Student's p of a mean of 0."""
    mean = number(float(values.mean()), float(standard_error(values)))
    return f"{mean}, p = {ttest_1samp(values, 0.0).pvalue:.2g}"


BLOCKS: Blocks[Results] = {
    "asymmetry": asymmetry,
    "one_layer": one_layer,
    "closures": closures,
    "provenance": provenance,
}
