"""Liquid or not, for a reader: the table of measures and nulls, contrasts, fits, verdict."""

import math
from typing import Any

from compare.liquid import Liquid
from compare.liquid_words import plus_minus
from compare.pair_models import PairModel
from deepglass.cli import table


def describe_liquid(found: Liquid) -> str:
    """Everything in text."""
    rows = found.entries
    columns: list[tuple[str, list[Any]]] = [
        ("part", [row.part for row in rows]),
        ("order", [row.order for row in rows]),
        ("of", [row.source for row in rows]),
        ("N", [row.weights for row in rows]),
        ("nats/weight", [row.value for row in rows]),
        ("error", [row.error for row in rows]),
        ("spread", [row.spread for row in rows]),
        ("bias removed", [row.bias for row in rows]),
        ("verdict", [row.reason or row.verdict for row in rows]),
    ]
    lines = [
        f"{found.networks} networks {', '.join(map(str, found.sizes))}, {found.configurations}"
        f" configurations; liquid: below {found.threshold:g} nats per weight by two errors",
        table(columns),
    ]
    lines += [
        f"interior/boundaries, {each.order}, {each.source}: {plus_minus(each.ratio, each.ratio_error)}"
        for each in found.contrasts
        if math.isfinite(each.ratio)
    ]
    if found.models:
        if fitted := tuple(each for each in found.models if each.method):
            lines.append("pairwise models; deficit: entropy that correlations take, nats per weight")
            lines.append(_models(fitted))
        else:
            lines.append(
                "no pairwise model could be fitted, for the reasons below; the verdict does not need one"
            )
        lines += [f"  {each.part}, {each.order}: {each.reason}" for each in found.models if each.reason]
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes), f"verdict: {found.verdict}"])


def _models(models: tuple[PairModel, ...]) -> str:
    def of(model: PairModel, name: str) -> float:
        return math.nan if model.strength is None else float(getattr(model.strength, name))

    return table(
        [
            ("part", [each.part for each in models]),
            ("order", [each.order for each in models]),
            ("method", [each.method or "-" for each in models]),
            ("deficit", [each.deficit for each in models]),
            ("error", [each.error for each in models]),
            ("by Bethe", [each.bethe for each in models]),
            ("bias removed", [each.bias for each in models]),
            ("moment error", [each.moment_error for each in models]),
            ("independent", [each.independent_error for each in models]),
            ("mean|J|", [of(each, "mean_abs_J") for each in models]),
            ("max|J|", [of(each, "max_abs_J") for each in models]),
            ("sqrt(N) std J", [of(each, "scaled_std_J") for each in models]),
            ("mean|h|", [of(each, "mean_abs_h") for each in models]),
        ]
    )
