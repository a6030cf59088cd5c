"""The Parisi engine on models whose answers are known: its external checks, and a laboratory."""

from theory.models.perceptron import PerceptronSolution, almeida_thouless, perceptron
from theory.models.sk import GroundState, SKSolution, sk, sk_break_points, sk_ground_state

__all__ = [
    "GroundState",
    "PerceptronSolution",
    "SKSolution",
    "almeida_thouless",
    "perceptron",
    "sk",
    "sk_break_points",
    "sk_ground_state",
]
