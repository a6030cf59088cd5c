"""Replica theory of deep perceptrons: from equations to a certified overlap profile.

``solve_profile`` solves one chain, ``follow`` a curve of solutions, ``transitions`` and
``phase_diagram`` find where solutions change, ``capacity`` says how far random data can be stored.
"""

from theory.closures import CLOSURES
from theory.follow import Curve, follow
from theory.potentials import POTENTIALS
from theory.profile import BRANCHES, SCENARIOS, Profile, solve_profile
from theory.solve import Certificate
from theory.storage import capacity
from theory.transitions import Transitions, phase_diagram, transitions

__all__ = [
    "BRANCHES",
    "CLOSURES",
    "POTENTIALS",
    "SCENARIOS",
    "Certificate",
    "Curve",
    "Profile",
    "Transitions",
    "capacity",
    "follow",
    "phase_diagram",
    "solve_profile",
    "transitions",
]
