"""An overlay in words: what the command line prints."""

from compare.overlay import Overlay
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
