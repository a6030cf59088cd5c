"""Measured: greedy students of a deep teacher, after Yoshino, Phys. Rev. Research 5, 033068 (2023).

The dynamics is the paper's in kind (no move raises the number of violated gaps), the figures are ours: no
curve of the paper is digitised.
"""

FIGURES = ("learning",)
"""Names of the figures, which are those of their modules."""
