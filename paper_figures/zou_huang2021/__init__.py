"""Weight space as an Ising model (Zou and Huang, arXiv:2007.08093)."""

FIGURES = ("landscapes", "transition")
"""Names of modules of this package, each with STUDIES and ``draw``."""
