"""Results in words: what the command line prints."""

import math
from typing import Any

from compare.equilibrium import Equilibrium
from compare.glassy import Glassy, Spread
from compare.overlay import Overlay
from compare.verdict import Overall, Verdict
from deepglass.cli import table
from deepglass.phases import Extent


def describe(result: Overlay) -> str:
    """The overlay for a reader: table, storage ratios, extent of the solid."""
    lines = [table(result.columns().items())]
    effective = result.alpha_eff
    lines.append(
        f"alpha: theory {result.alpha_theory:g}, run {result.alpha_run:g}, effective {effective}"
        f" (rms distance {effective.rms:.2g})"
    )
    lines += [_extent(side, getattr(result, side)) for side in ("predicted", "measured")]
    return "\n".join(lines)


def _extent(side: str, extent: Extent) -> str:
    if extent.n_liquid == 0:
        return f"{side}: solid throughout"
    return (
        f"{side}: {extent.n_liquid} liquid layers, solid to {extent.xi_input:.3g} layers from the input,"
        f" {extent.xi_output:.3g} from the output"
    )


def describe_verdict(result: Verdict) -> str:
    """The verdict for a reader: a row for each layer, a line for each prediction, the notes."""
    names = [each.prediction for each in result.overall]
    rows = [result.layers[i : i + len(names)] for i in range(0, len(result.layers), len(names))]
    first = [row[0] for row in rows]
    columns: list[tuple[str, list[Any]]] = [
        ("layer", [f"{entry.kind}_{entry.layer}" for entry in first]),
        ("measured", [entry.measured for entry in first]),
        ("error", [entry.error for entry in first]),
    ]
    if result.trends:
        columns += [
            ("slope", [trend.slope for trend in result.trends]),
            ("p(fit)", [trend.p for trend in result.trends]),
        ]
    for i, name in enumerate(names):
        columns += [
            (name, [row[i].predicted for row in rows]),
            ("chi2", [row[i].chi2 for row in rows]),
            ("p", [row[i].p for row in rows]),
        ]
    columns.append(("verdict", [entry.verdict for entry in first]))
    sizes = ", ".join(f"{size} ({n})" for size, n in zip(result.sizes, result.samples, strict=True))
    return "\n".join(
        [
            table(columns),
            f"compared at {result.at}; sizes (samples): {sizes}; level {result.level:g}, Holm over layers",
            *map(_joint, result.overall),
            f"overall: {result.verdict}",
            *(f"note: {note}" for note in result.notes),
        ]
    )


def _joint(each: Overall) -> str:
    test = {"hotelling": "T^2", "holm": "largest chi2"}[each.method]
    return (
        f"{each.prediction}: {each.verdict}, {test} = {each.chi2:.4g}, p = {each.p:.3g} ({each.method},"
        f" {each.layers} layers)" + (f"; not {', '.join(each.rejected)}" if each.rejected else "")
    )


def describe_equilibrium(result: Equilibrium) -> str:
    """Both sides of every layer."""
    rows = result.layers
    columns: list[tuple[str, list[Any]]] = [
        ("layer", [f"{row.kind}_{row.layer}" for row in rows]),
        ("first", [row.first for row in rows]),
        ("second", [row.second for row in rows]),
        ("error", [row.error for row in rows]),
        ("p", [row.p for row in rows]),
        ("verdict", [row.verdict for row in rows]),
    ]
    how = "differences of the same samples" if result.paired else "independent samples"
    return f"{table(columns)}\n{how}; overall: {result.verdict}"


def describe_glassy(found: Glassy) -> str:
    """One line a temperature, then what they have together."""

    def value(x: float, error: float = math.nan) -> str:
        if math.isnan(x):
            return "-"
        return f"{x:.3g}" if math.isnan(error) else f"{x:.3g}({error:.1g})"

    def spread(x: Spread) -> str:
        return f"{value(x.among, x.among_error)}, {value(x.off_free, x.off_free_error)} from the free law"

    rows = found.motions
    columns = table(
        [
            ("T", [f"{m.temperature:g}" for m in rows]),
            ("tau_90", [value(m.tau90, m.tau90 * m.tau90_error) for m in rows]),
            ("/free", [value(m.over_free, m.over_free * m.over_free_error) for m in rows]),
            ("/T=0", [value(m.over_still, m.over_still * m.over_still_error) for m in rows]),
            ("off free", [value(m.off_free, m.off_free_error) for m in rows]),
            ("tau_e/tau_90", [value(m.tau_ratio, m.tau_ratio_error) for m in rows]),
            ("exponent", [value(m.exponent, m.exponent_error) for m in rows]),
            ("less null", [value(m.exponent - m.exponent_free, m.exponent_error) for m in rows]),
            ("less well", [value(m.exponent - m.exponent_well, m.exponent_error) for m in rows]),
            ("msd early", [value(m.msd_early) for m in rows]),
            ("late", [value(m.msd_late, m.msd_late_error) for m in rows]),
            ("alpha_2", [value(m.alpha2_end, m.alpha2_error) for m in rows]),
            ("ageing", [value(m.ageing, m.ageing * m.ageing_error) for m in rows]),
            ("verdict", [m.verdict for m in rows]),
        ]
    )
    lines = [
        columns,
        f"ln tau_90 in ln T where it is free: {value(found.slope, found.slope_error)}",
        f"curves at t/tau_e differ by {spread(found.collapse_free)} where tau_90 is free,"
        f" by {spread(found.collapse_landscape)} where not",
        f"simulated free walks: {spread(found.null_collapse)}; exponent {value(*found.null_exponent)}",
        "beyond free diffusion:",
    ]
    return "\n".join([*lines, *(f"  {line}" for line in found.survives or ("nothing",))])
