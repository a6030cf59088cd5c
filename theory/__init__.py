"""Replica theory of deep perceptrons: from equations to a certified overlap profile.

``solve_profile`` solves one chain, ``follow`` a curve of solutions, ``transitions`` and
``phase_diagram`` find where solutions change, ``capacity`` says how far random data can be stored.
``solve_hierarchy`` breaks replica symmetry (loaded when asked for: it compiles).
"""

from typing import TYPE_CHECKING, Any

from theory.closures import CLOSURES
from theory.follow import Curve, follow
from theory.potentials import POTENTIALS
from theory.profile import BRANCHES, SCENARIOS, Profile, solve_profile
from theory.solve import Certificate
from theory.storage import capacity
from theory.transitions import Transitions, phase_diagram, transitions

if TYPE_CHECKING:
    from theory.broken import Hierarchy, solve_hierarchy

__all__ = [
    "BRANCHES",
    "CLOSURES",
    "POTENTIALS",
    "SCENARIOS",
    "Certificate",
    "Curve",
    "Hierarchy",
    "Profile",
    "Transitions",
    "capacity",
    "follow",
    "phase_diagram",
    "solve_hierarchy",
    "solve_profile",
    "transitions",
]


def __getattr__(name: str) -> Any:
    if name in ("Hierarchy", "solve_hierarchy"):
        from theory import broken

        return getattr(broken, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
