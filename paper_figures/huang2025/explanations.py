"""Why a number differs from the paper's, or that it is not known: for rows of the scoreboard that *differ*.

Each entry is a regular expression for the key of a claim (``2c: E(100)/E(0), N=5``) and what is to be said.
The first that matches is used; ``open`` marks a question nobody has answered yet.
"""

import re

from paper_figures.huang2025.claims import Claim

EXPLANATIONS: tuple[tuple[str, str], ...] = ()


def explanation(claim: Claim) -> str:
    """What is to be said of a claim that differs; empty if nothing was written."""
    return next((text for pattern, text in EXPLANATIONS if re.fullmatch(pattern, claim.key)), "")
