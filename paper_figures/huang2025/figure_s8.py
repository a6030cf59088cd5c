"""Fig. S8: the distribution of overlaps of the weights in every layer, ln alpha = 3.2 (N = 10, M = 250)."""

from paper_figures.huang2025.overlap_distributions import distribution_figure

FIGURE = distribution_figure("S8", "M=250", 250)
