"""One script per figure, each ending in numbers that are checked.

A package for each paper, imported by its name; its ``FIGURES`` are the names of what it draws. ``demo`` is
the main job in small.
``python -m paper_figures`` is how they are drawn.
"""

__all__ = [
    "demo",
    "huang2025",
    "kerr_winter2025",
    "own_networks",
    "perceptron",
    "yoshino2020",
    "yoshino2023",
    "zou_huang2021",
]
