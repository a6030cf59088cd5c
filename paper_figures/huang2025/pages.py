"""The generated parts of the docs: scoreboard, tables of readings, provenance of the stored results."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paper_figures.huang2025 import FIGURES, load, misfits
from paper_figures.huang2025.claims import COLUMNS, VERDICTS, Claim, rows
from paper_figures.huang2025.explanations import explanation
from paper_figures.stored.pages import markdown, provenance
from paper_figures.stored.results import Results
from paper_figures.stored.scores import number

PAGES = ("docs/scoreboard.md", "docs/readings.md")
"""Pages with generated blocks, from the root of the checkout."""


def scoreboard(results: Results) -> str:
    """All claims: a summary by figure, then a table for each."""
    claims = {name: load(name).claims(results) for name in FIGURES}
    total = Counter(claim.verdict for found in claims.values() for claim in found)
    parts = [
        markdown(
            ("figure", *VERDICTS),
            [_counts(name, Counter(c.verdict for c in found)) for name, found in claims.items()]
            + [_counts("all", total)],
        )
    ]
    for name, found in claims.items():
        if found:
            parts.append(f"## {'Fig. ' if name[-1].isdigit() else ''}{name}\n\n{_claims(found)}")
    return "\n\n".join(parts)


def _counts(name: str, counted: Mapping[str, int]) -> list[str]:
    return [name, *(str(counted.get(verdict, 0)) for verdict in VERDICTS)]


def _claims(claims: Sequence[Claim]) -> str:
    reasons: dict[str, int] = {}
    lines = []
    for claim, row in zip(claims, rows(claims), strict=True):
        if claim.verdict == "differs" and (reason := explanation(claim)):
            mark = reasons.setdefault(reason, len(reasons) + 1)
            row = {**row, "verdict": f"**differs** ({mark})"}
        lines.append([row[name] for name in COLUMNS])
    said = "".join(f"\n{mark}. {reason}" for reason, mark in reasons.items())
    return markdown(COLUMNS, lines) + (f"\n{said}" if said else "")


def readings(results: Results) -> str:
    """Every finalist on every panel: rms (chi-square per point)."""
    panels = [*misfits.FIT, *misfits.JUDGE]
    lines = []
    for row in misfits.finals_table(results):
        known = [row.misfits.get(panel) for panel in panels]
        cells = ["-" if fit is None else f"{fit.rms:.3f} ({fit.chi2:.3g})" for fit in known]
        chi2 = f"{row.chi2:.3g}" if math.isfinite(row.chi2) else "-"
        lines.append([row.name, number(row.fit, row.fit_error), chi2, f"{row.judged:.3f}", *cells])
    return markdown(("reading", "fit", "chi-square", "judge", *panels), lines)


def settings(results: Results) -> str:
    """Which machine Fig. S1 shows: rms (chi-square per point) of the two that have its ln alpha."""
    lines = [
        [name, *(f"{number(fit.rms, fit.error)} ({fit.chi2:.3g})" for fit in fits)]
        for name, *fits in misfits.settings_table(results)
    ]
    return markdown(("machine", "Fig. S1 at T = 1e-5", "Fig. 2c, ln alpha = 4.6"), lines)


def scan(results: Results) -> str:
    """The best thirty readings of the scan, and the best of each law."""
    found = misfits.scan_table(results)
    shown = found[:30]
    laws: dict[str, Any] = {}
    for entry in found:
        kind = re.split(r"[:]", entry[1].name)[0] + (", c = 1/sqrt(N)" if "sqrt" in entry[1].name else "")
        laws.setdefault(kind, entry)
    lines = []
    for name, reading, fits in [*shown, *(entry for entry in laws.values() if entry not in shown)]:
        origin, rms = misfits.best(fits)
        both = [fits[n, origin] for n in (5, 10)]
        each = [f"{number(fit.rms, fit.error)}; {fit.chi2:.3g}" for fit in both]
        lines.append([reading.name, name, f"t = {origin}", f"{rms:.3f}", *each])
    return markdown(("start", "scan", "E(0) at", "rms", "N = 5", "N = 10"), lines)


BLOCKS: Mapping[str, Callable[[Results], str]] = {
    "scoreboard": scoreboard, "readings": readings, "scan": scan, "settings": settings,
    "provenance": provenance,
}  # fmt: skip
