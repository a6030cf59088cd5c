"""Replica theory of deep perceptrons: from equations to a certified overlap profile.

``solve_profile`` solves one chain, ``capacity`` says how far random data can be stored.
"""

from theory.branches import capacity
from theory.profile import BRANCHES, SCENARIOS, Profile, solve_profile
from theory.solve import Certificate

__all__ = ["BRANCHES", "SCENARIOS", "Certificate", "Profile", "capacity", "solve_profile"]
