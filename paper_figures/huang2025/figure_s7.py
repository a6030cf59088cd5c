"""Fig. S7: the distribution of overlaps of the weights in every layer, ln alpha = 0 (N = 10, M = 10)."""

from paper_figures.huang2025.overlap_distributions import distribution_figure

FIGURE = distribution_figure("S7", "M=10", 10)
