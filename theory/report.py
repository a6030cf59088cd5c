"""Results of the theory in words and as plain data: what the command line prints."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from theory.profile import Profile, ensemble
from theory.transitions import Transitions

if TYPE_CHECKING:
    from theory.broken import Hierarchy

_SHOWN = 7
"""Most levels of a hierarchy in a table: the outermost, the innermost, and some between."""


def _asked(result: "Profile | Hierarchy") -> dict[str, Any]:
    names = ("scenario", "depth", "alpha", "margin", "closure", "potential", "beta")
    return {name: getattr(result, name) for name in names}


def profile_as_json(result: Profile) -> dict[str, Any]:
    """The profile as one flat object of numbers, words and lists."""
    return {
        **_asked(result),
        "branch": result.branch,
        "q": result.q,
        "Q": result.Q,
        "eps": result.eps,
        "entropy": result.entropy,
        "replicon": result.replicon,
        "residual": result.certificate.residual,
        "evaluations": result.certificate.evaluations,
        "method": result.certificate.method,
        "entropies": dict(result.entropies),
    }


def profile_as_table(result: Profile) -> str:
    """The profile for reading: one line per layer, Q_l on the line of the layer it leads to."""
    beta = "" if result.beta is None else f", beta {result.beta:g}"
    lines = [
        f"{result.scenario}, depth {result.depth}, alpha {result.alpha:g}, margin {result.margin:g}"
        + (" (planted ensemble)" if result.ensemble == "planted" else "")
        + f": {result.branch} branch",
        f"{result.potential}{beta}, {result.closure} closure",
        "",
        f"{'layer':>5}  {'q':>12}  {'1-q':>9}  {'Q':>12}  {'1-Q':>9}  {'eps':>11}",
    ]
    for layer in range(result.depth + 1):
        line = f"{layer:>5}  {result.q[layer]:>12.9f}  {result.q_complement[layer]:>9.2e}"
        if layer > 0:
            line += f"  {result.Q[layer - 1]:>12.9f}  {result.Q_complement[layer - 1]:>9.2e}"
        if 0 < layer < result.depth:
            line += f"  {result.eps[layer - 1]:>11.5g}"
        lines.append(line)
    lines += ["", f"entropy   {result.entropy:.12g}"]
    lines += [f"          {name} {value:.12g}" for name, value in result.entropies.items()]
    lines += [
        f"replicon  {result.replicon:.6g} ({'stable' if result.replicon > 0.0 else 'unstable'})",
        f"residual  {result.certificate.residual:.1e} ({result.certificate.reason}, "
        f"{result.certificate.evaluations} evaluations)",
        f"method    {result.certificate.method}",
    ]
    return "\n".join(lines)


def hierarchy_as_json(result: "Hierarchy") -> dict[str, Any]:
    """A hierarchy as one flat object: ``q`` (L+1 lists) and ``Q`` (L lists) of k+1 values per layer."""
    return {
        **_asked(result),
        "branch": "continuous",
        "rsb": result.k,
        "m": result.m,
        "q": result.q,
        "Q": result.Q,
        "eps": result.eps[1:-1],
        "entropy": result.entropy,
        "replicon": result.replicon,
        "m_slope": result.m_slope,
        "rho": result.rho,
        "residual": result.certificate.residual,
        "evaluations": result.certificate.evaluations,
        "method": result.certificate.method,
        "symmetric": {"entropy": result.symmetric.entropy, "replicon": result.symmetric.replicon},
    }


def hierarchy_as_table(result: "Hierarchy") -> str:
    """A hierarchy for reading: neuron overlaps of every layer at some levels x."""
    beta = "" if result.beta is None else f", beta {result.beta:g}"
    planted = ensemble(result.scenario, result.margin, result.potential) == "planted"
    shown = np.unique(np.linspace(0, result.k, min(result.k + 1, _SHOWN)).round().astype(int))
    edges = np.concatenate([[0.0], result.m])
    lines = [
        f"{result.scenario}, depth {result.depth}, alpha {result.alpha:g}, margin {result.margin:g}"
        + (" (planted ensemble)" if planted else "")
        + f": {result.k} steps of replica symmetry breaking",
        f"{result.potential}{beta}, {result.closure} closure",
        "",
        "overlap q of each neuron layer at x from the break point above it on",
        f"{'layer':>5}  " + "  ".join(f"{edges[i]:>9.4f}" for i in shown),
    ]
    lines += [
        f"{layer:>5}  " + "  ".join(f"{result.q[layer, i]:>9.6f}" for i in shown)
        for layer in range(result.depth + 1)
    ]
    slope = float(np.max(np.abs(result.m_slope), initial=0.0))
    return "\n".join(
        [
            *lines,
            "",
            f"entropy   {result.entropy:.12g} (symmetric {result.symmetric.entropy:.12g})",
            f"replicon  {result.replicon:.3e} (symmetric {result.symmetric.replicon:.3e}); 0 is marginal",
            f"slope     {slope:.1e}, largest derivative of the entropy in a break point",
            f"residual  {result.certificate.residual:.1e} ({result.certificate.reason})",
            f"method    {result.certificate.method}",
        ]
    )


def transitions_as_json(found: Transitions) -> dict[str, Any]:
    """The transitions as one object of lists of small objects."""
    return asdict(found)


def transitions_as_table(found: Transitions) -> str:
    """The transitions for reading, one per line."""
    beta = "" if found.beta is None else f", beta {found.beta:g}"
    lines = [
        f"{found.scenario}, depth {found.depth}, {found.potential}{beta}, margin {found.margin:g}, "
        f"{found.closure} closure",
        "",
    ]
    lines += [f"continuous   {f.alpha:<14.10g} layer {f.layer} freezes" for f in found.continuous]
    lines += [
        f"spinodal     {s.alpha:<14.10g} the {s.branch} branch {'appears' if s.side == 'from' else 'ends'}"
        for s in found.spinodal
    ]
    lines += [
        f"first order  {c.alpha:<14.10g} {c.below} to {c.above}, entropy {c.entropy:.10g}"
        for c in found.first_order
    ]
    if found.capacity is not None:
        lines.append(f"capacity     {found.capacity:<14.10g}")
    return "\n".join(lines + [f"note: {note}" for note in found.notes])
