"""Replica theory of deep perceptrons: from equations to a certified overlap profile.

``solve_profile`` solves one chain, ``follow`` a curve of solutions, ``transitions`` and
``phase_diagram`` find where solutions change, ``capacity`` says how far random data can be stored.
``solve_hierarchy`` breaks replica symmetry (loaded when asked for: it compiles).
"""

from typing import TYPE_CHECKING

from deepglass import lazy
from theory.closures import CLOSURES
from theory.follow import Curve, follow
from theory.potentials import POTENTIALS, Potential, Slopes
from theory.profile import BRANCHES, SCENARIOS, Profile, solve_profile
from theory.solve import Certificate
from theory.storage import capacity
from theory.transitions import Crossing, Freezing, Spinodal, Transitions, phase_diagram, transitions

if TYPE_CHECKING:
    from theory.broken import Hierarchy, solve_hierarchy
else:
    __getattr__ = lazy.attributes(__name__, dict.fromkeys(("Hierarchy", "solve_hierarchy"), "theory.broken"))

__all__ = [
    "BRANCHES",
    "CLOSURES",
    "POTENTIALS",
    "SCENARIOS",
    "Certificate",
    "Crossing",
    "Curve",
    "Freezing",
    "Hierarchy",
    "Potential",
    "Profile",
    "Slopes",
    "Spinodal",
    "Transitions",
    "capacity",
    "follow",
    "phase_diagram",
    "solve_hierarchy",
    "solve_profile",
    "transitions",
]
