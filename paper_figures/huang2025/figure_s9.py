"""Fig. S9: the distribution of overlaps of the weights in every layer, ln alpha = 6.0 (N = 10, M = 4000)."""

from paper_figures.huang2025.overlap_distributions import distribution_figure

FIGURE = distribution_figure("S9", "M=4000", 4000)
