"""The effective Ising model of weight space (Zou and Huang, arXiv:2007.08093), and whether its interior is
liquid."""

FIGURES = ("moments", "landscapes", "transition", "interior", "permutation", "frozen", "double_descent")
"""Names of modules of this package, each with STUDIES and ``draw``."""
